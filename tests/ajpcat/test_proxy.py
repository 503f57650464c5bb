# SPDX-License-Identifier: Apache-2.0
"""proxy: passes everything on unchanged and shows it."""
import json
import socket
import zlib

import pytest

from cat import ajpcat
from procs import Daemon, poll


@pytest.fixture
def node(tmp_path):
    daemon = Daemon("ajpcat", "serve", "--listen", "ajp://127.0.0.1:0", log=tmp_path / "serve")
    yield daemon
    assert daemon.terminate() == 0


@pytest.fixture
def proxy(node, tmp_path):
    started = []

    def start(*args):
        started.append(Daemon("ajpcat", "proxy", "--listen", "ajp://127.0.0.1:0", "--to",
                              f"ajp://127.0.0.1:{node.port}", *args, log=tmp_path / f"proxy{len(started)}"))
        return started[-1]
    yield start
    for daemon in started:
        assert daemon.terminate() == 0


def shown(daemon):
    return daemon.out.read_text().splitlines()[1:]


def test_an_exchange_passes_unchanged_and_is_shown_at_once(proxy):
    daemon = proxy("--json")
    body = bytes(range(256)) * 300
    with socket.create_connection(("127.0.0.1", daemon.port)):  # another one, silent, holds up nothing
        done = ajpcat("get", "--data-binary", "@-", f"ajp://127.0.0.1:{daemon.port}/upload", stdin=body)
        answer = json.loads(done.stdout)
        assert (answer["length"], answer["crc32"]) == (len(body), zlib.crc32(body))
        exchange = json.loads(poll(lambda: shown(daemon), what="the exchange is shown")[0])
        assert (exchange["method"], exchange["uri"], exchange["status"]) == ("POST", "/upload", 200)
        assert (exchange["request_bytes"], exchange["request_crc32"]) == (len(body), zlib.crc32(body))
        assert (exchange["response_bytes"], exchange["response_crc32"]) == (len(done.stdout), zlib.crc32(done.stdout))
        assert exchange["complete"] and not exchange["problems"]


def test_a_kept_connection_shows_each_exchange_once_in_order(proxy):
    daemon = proxy("--json")
    base = f"ajp://127.0.0.1:{daemon.port}"
    assert ajpcat("get", *(f"{base}/bytes/{n}" for n in range(20))).returncode == 0
    assert ajpcat("ping", "-c", "2", "-i", "1ms", f"127.0.0.1:{daemon.port}").returncode == 0
    poll(lambda: len(shown(daemon)) >= 22, what="all are shown")
    seen = [json.loads(line) for line in shown(daemon)]
    assert [e.get("uri") for e in seen] == [f"/bytes/{n}" for n in range(20)] + [None] * 2
    assert [e["index"] for e in seen] == [*range(20), 0, 1]


def test_what_is_open_at_the_end_is_shown_too(proxy):
    daemon = proxy()
    assert ajpcat("get", "-m", "100ms", f"ajp://127.0.0.1:{daemon.port}/slow/60000").returncode == 4
    poll(lambda: any("/slow/60000" in line for line in shown(daemon)), what="the broken exchange is shown")


def test_trees_and_filters_work_as_in_decode(proxy):
    daemon = proxy("-v", "--filter", "status == 404")
    base = f"ajp://127.0.0.1:{daemon.port}"
    assert ajpcat("get", f"{base}/", f"{base}/status/404", "-H", "X-Esc: a\x9bb").returncode == 0
    poll(lambda: any("END_RESPONSE" in line for line in shown(daemon)), what="the exchange is shown")
    text = "\n".join(shown(daemon))
    assert "/status/404" in text and "SEND_HEADERS" in text and text.count("FORWARD_REQUEST") == 1
    assert all(c == "\n" or " " <= c <= "~" for c in text)


def test_a_dead_app_server_ends_the_connection_only(proxy, node):
    daemon = proxy()
    assert node.terminate() == 0
    for _ in range(2):
        assert ajpcat("get", "-m", "5s", f"ajp://127.0.0.1:{daemon.port}/").returncode == 6
    assert "cannot connect: Connection refused" in daemon.output()


@pytest.mark.parametrize("args, expected", [
    (["--listen", "ajp://127.0.0.1:0"], "expected --listen ajp://HOST:PORT and --to"),
    (["-v", "--json"], "expected one view"),
    (["--filter", "status >"], "--filter, column"),
    (["--to", "http://x"], "expected the scheme ajp://"),
])
def test_a_wrong_command_line_says_what_was_expected(args, expected):
    done = ajpcat("proxy", *args)
    assert done.returncode == 2 and expected in done.stderr.decode()
