# SPDX-License-Identifier: Apache-2.0
"""AJP inside TLS at every command that talks: serve, proxy and bench; get, ping, check and replay towards them."""
import json
import socket
import zlib

import pytest

from cat import CAPTURES, ajpcat
from pki import Pki
from procs import Daemon, poll

HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def start(tmp_path):
    started = []

    def run(command, *args):
        started.append(Daemon("ajpcat", command, *args, listeners=1, log=tmp_path / f"{command}{len(started)}"))
        return started[-1]
    yield run
    for daemon in started:
        assert daemon.terminate() == 0, daemon.output()


@pytest.fixture
def serve(start, pki):
    def run(*args):
        return start("serve", "--listen", f"ajps://{HOST}:0", "--tls-certificate", pki.pem("server"), "--tls-key",
                     pki.key("server"), *args)
    return run


@pytest.fixture
def trust(pki):
    return ["--tls-ca", pki.pem("ca")]


def at(daemon, path=""):
    return f"ajps://{HOST}:{daemon.port}{path}"


def test_serve_and_get_over_tls(serve, trust):
    node = serve("--route", "nodeA")
    assert node.out.read_text() == f"listening {at(node)}\n"
    big = bytes(range(256)) * 8000
    done = ajpcat("get", *trust, "-T", "-", at(node, "/upload"), stdin=big)
    assert (json.loads(done.stdout)["length"], json.loads(done.stdout)["crc32"]) == (len(big), zlib.crc32(big))
    down = ajpcat("get", *trust, at(node, "/bytes/3000000"), at(node, "/chunked/70000"), at(node, "/flush/5"))
    assert down.returncode == 0 and down.stdout.endswith(b"part 1\npart 2\npart 3\n")
    assert len(down.stdout) == 3070000 + 21
    assert ajpcat("ping", "-c", "3", "-i", "1ms", *trust, at(node)).returncode == 0
    assert b" 0 bad" in ajpcat("check", *trust, at(node, "/bytes/10")).stdout


def test_faults_and_scripts_over_tls(serve, trust, tmp_path):
    assert ajpcat("get", *trust, at(serve("-q"), "/fault/half-body")).returncode == 6
    script = tmp_path / "script"
    script.write_text('expect request\nheaders 200 "Content-Length: 5"\nbody hello\nend close\n')
    assert ajpcat("get", *trust, at(serve("--script", script), "/")).stdout == b"hello"


def test_bench_over_tls_by_several_threads(serve, trust):
    node = serve("--threads", "2")
    done = ajpcat("bench", *trust, "-c", "7", "--threads", "3", "-n", "1000", "--json", at(node, "/bytes/20000"),
                  at(node, "/bytes/10"))
    result = json.loads(done.stdout)
    assert done.returncode == 0 and result["answers"] == result["verified"] == 1000 and result["threads"] == 3
    assert result["bytes_down"] == 500 * 20010 and result["connects"] == 7
    up = json.loads(ajpcat("bench", *trust, "-c", "2", "-n", "20", "--data-binary", "x" * 90000, "--json",
                           at(node, "/upload")).stdout)
    assert (up["answers"], up["bytes_up"], up["failed"]["all"]) == (20, 20 * 90000, 0)


def test_proxy_between_tls_and_tls(serve, start, pki, trust):
    node = serve()
    proxy = start("proxy", "--json", "--listen", f"ajps://{HOST}:0", "--listen-certificate", pki.pem("server"),
                  "--listen-key", pki.key("server"), "--to", at(node), *trust)
    body = bytes(range(256)) * 3000
    with socket.create_connection((HOST, proxy.port)):  # says nothing, holds up nothing
        done = ajpcat("get", *trust, "--data-binary", "@-", at(proxy, "/upload"), at(proxy, "/bytes/400000"), stdin=body)
        assert done.returncode == 0 and len(done.stdout) > 400000
        seen = poll(lambda: proxy.out.read_text().splitlines()[2:] and
                    [json.loads(line) for line in proxy.out.read_text().splitlines()[1:]], what="both are shown")
    assert [(e["uri"], e["request_bytes"], e["response_bytes"]) for e in seen] == [
        ("/upload", len(body), len(done.stdout) - 400000), ("/bytes/400000", len(body), 400000)]
    assert {e["request_crc32"] for e in seen} == {zlib.crc32(body)}


def test_proxy_takes_tls_off_and_puts_it_on(serve, start, pki, trust):
    node = serve()
    off = start("proxy", "--listen", f"ajp://{HOST}:0", "--to", at(node), *trust)
    assert ajpcat("get", f"ajp://{HOST}:{off.port}/bytes/100000").stdout == ajpcat(
        "get", *trust, at(node, "/bytes/100000")).stdout
    on = start("proxy", "--listen", f"ajps://{HOST}:0", "--listen-certificate", pki.pem("server"), "--listen-key",
               pki.key("server"), "--to", f"ajp://{HOST}:{off.port}")
    assert len(ajpcat("get", *trust, at(on, "/bytes/100000")).stdout) == 100000


def test_replay_over_tls(serve, trust):
    done = ajpcat("replay", "--json", "-n", "5", *trust, CAPTURES / "proxy-session.pcap", at(serve()))
    assert [json.loads(row)["result"] for row in done.stdout.splitlines()] == ["differs"] * 5, done.stderr


def test_who_has_no_certificate_is_not_let_in(serve, trust, pki):
    node = serve("--tls-client-ca", pki.pem("ca"))
    assert ajpcat("ping", "-c", "1", *trust, at(node)).returncode in (5, 6)
    poll(lambda: "no TLS with a web server" in node.output(), what="it is told")
    own = ["--tls-certificate", pki.pem("client"), "--tls-key", pki.key("client")]
    assert ajpcat("ping", "-c", "1", *trust, *own, at(node)).returncode == 0


@pytest.mark.parametrize("command", ["get", "bench", "check"])
def test_a_server_that_nobody_vouches_for_is_not_spoken_to(command, serve):
    node = serve("-q")
    done = ajpcat(command, at(node, "/echo"))
    assert done.returncode in (1, 3) and b"CA" in done.stderr + done.stdout


def test_a_plain_web_server_is_told_of(serve):
    node = serve()
    assert ajpcat("ping", "-c", "1", "-W", "5s", f"ajp://{HOST}:{node.port}").returncode in (5, 6)
    poll(lambda: "no TLS with a web server" in node.output(), what="it is told")


@pytest.mark.parametrize("args, expected", [
    (["serve", "--listen", "ajps://127.0.0.1:0"], "--tls-certificate FILE is needed"),
    (["proxy", "--listen", "ajps://127.0.0.1:0", "--to", "ajp://127.0.0.1:1"], "--listen-certificate FILE is needed"),
    (["serve", "--listen", "ajps://127.0.0.1:0", "--tls-certificate", "/no/such"], "got /no/such"),
    (["bench", "--tls-ca", "/no/such", "ajps://127.0.0.1:1/"], "got /no/such"),
    (["bench", "-c", "1", "--threads", "2", "ajp://127.0.0.1:1/"], "no more --threads than --connections"),
    (["bench", "ajp://127.0.0.1:1/", "ajps://127.0.0.1:1/"], "the server of the first URL"),
])
def test_what_is_missing_is_said(args, expected):
    done = ajpcat(*args)
    assert done.returncode in (1, 2) and expected in done.stderr.decode()
