# SPDX-License-Identifier: Apache-2.0
"""ajpforward between hops of different packet sizes: bodies are cut anew, heads that do not fit are refused."""
import json
import signal
import subprocess
import zlib

import pytest

from ajpwire import AjpClient, request
from procs import BIN, Daemon, free_port, poll
from rawhttp import HttpClient
from scripted import ScriptedWorker
from web import pattern

SIZES = [8192, 16384, 65536]


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sizes")
    made = {size: Daemon("ajpcat", "serve", "--listen", "ajp://127.0.0.1:0", "--route", "nodeA", "--quiet",
                         "--packet-size", size, log=folder / f"node{size}.log") for size in SIZES}
    yield made
    for node in made.values():
        assert node.terminate() == 0


@pytest.fixture(params=[(a, b) for a in SIZES for b in SIZES], ids=lambda p: f"{p[0]}-{p[1]}")
def hop(request, tmp_path, nodes):
    front, back = request.param
    file = tmp_path / "forward.yaml"
    file.write_text(f"listen:\n  - url: ajp://127.0.0.1:0\n    packet_size: {front}\nworkers:\n  - name: nodeA\n"
                    f"    url: ajp://127.0.0.1:{nodes[back].port}\n    packet_size: {back}\n")
    daemon = Daemon("ajpforward", "--config", file, listeners=1, log=tmp_path / "forward.log")
    daemon.front, daemon.back = front, back
    yield daemon
    assert daemon.terminate() == 0, daemon.output()


def get(hop, path, *args):
    return subprocess.run([BIN / "ajpcat", "get", "--packet-size", str(hop.front), *args,
                           f"ajp://127.0.0.1:{hop.port}{path}"], capture_output=True, timeout=30)


@pytest.mark.parametrize("length", [0, 1, 8184, 8186, 8187, 16378, 65530, 300000])
def test_uploads_arrive_whole(hop, tmp_path, length):
    body = pattern(length)
    (tmp_path / "body").write_bytes(body)
    done = get(hop, "/upload", "-X", "POST", "--data-binary", f"@{tmp_path}/body")
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert (seen["length"], seen["crc32"]) == (length, zlib.crc32(body))


@pytest.mark.parametrize("length", [0, 1, 8184, 8185, 65528, 300000])
def test_answers_arrive_whole(hop, length):
    done = get(hop, f"/bytes/{length}")
    assert done.returncode == 0 and len(done.stdout) == length
    again = get(hop, f"/bytes/{length}")
    assert again.stdout == done.stdout


def test_a_head_that_does_not_fit_is_refused_by_name(hop):
    if hop.front <= hop.back:
        pytest.skip("every head that comes in fits")
    done = get(hop, "/echo", "-i", "-H", "X-Large: " + "x" * (hop.back + 100))
    assert done.returncode == 0 and b"431 " in done.stdout.split(b"\n")[0], done.stdout[:200]
    poll(lambda: f'largest="X-Large" bytes={hop.back + 107}' in hop.output(), 5, "the log names it")
    assert get(hop, "/bytes/3").returncode == 0, "the next request is served"


@pytest.mark.parametrize("scheme", ["ajp", "http"])
def test_heads_that_do_not_fit_cost_no_connection(tmp_path, scheme):
    """They are refused before a byte of them is sent, so the worker's pooled connection stays."""
    long = "y" * 9000
    sent = [("/x", [("x-big", long)], "x-big", 9005), ("/" + "u" * 8200, [("a", "b")], "path", 8201)]
    if scheme == "http":
        sent[1] = ("/?" + "q" * 7900, [("a", "b" * 300)], "query", 7900)
    with ScriptedWorker() as worker:
        file = tmp_path / "c.yaml"
        file.write_text(f"listen:\n  - url: {scheme}://127.0.0.1:0\npacket_size: 65536\nthreads: 1\nworkers:\n"
                        f"  - {{name: a, url: 'ajp://127.0.0.1:{worker.port}', packet_size: 8192}}\n")
        daemon = Daemon("ajpforward" if scheme == "ajp" else "ajpbridge", "--config", file, listeners=1, log=tmp_path / "log")
        client = AjpClient(daemon.port) if scheme == "ajp" else HttpClient(daemon.port)

        def status(path, headers):
            headers = [("x-id", "1"), ("host", "h"), *headers]
            if scheme == "ajp":
                return client.exchange(request(uri=path, headers=headers)).status
            client.send(f"GET {path} HTTP/1.1\r\n".encode() + b"".join(f"{n}: {v}\r\n".encode() for n, v in headers) + b"\r\n")
            return client.read_reply().status
        for path, headers, name, size in sent * 2:
            assert status("/good", []) == 200
            assert status(path, headers) == 431
            assert f'largest="{name}" bytes={size}' in daemon.output()
        assert status("/good", []) == 200
        assert len([link for link in worker.links if link.requests]) == 1 and len(worker.requests) == 5
        client.close()
        assert daemon.terminate() == 0


def test_a_connection_keeps_its_packet_size_over_a_reload(tmp_path, nodes):
    """Its peer has not changed."""
    file = tmp_path / "forward.yaml"

    def write(size):
        file.write_text(f"listen:\n  - url: ajp://127.0.0.1:{port}\n    packet_size: {size}\nworkers:\n  - name: nodeA\n"
                        f"    url: ajp://127.0.0.1:{nodes[65536].port}\n    packet_size: 65536\n")
    port = free_port()
    write(8192)
    daemon = Daemon("ajpforward", "--config", file, listeners=1, log=tmp_path / "forward.log")
    with AjpClient(port) as old:
        assert old.exchange(request(uri="/bytes/100000")).complete
        write(65536)
        daemon.popen.send_signal(signal.SIGHUP)
        poll(lambda: " reloaded " in daemon.output(), 10, "the reload is over")
        with AjpClient(port) as new:
            largest = {client: max(n for _, n in client.exchange(request(uri="/bytes/100000")).kinds) for client in (old, new)}
    assert largest[old] <= 8184 < largest[new] <= 65528
    assert daemon.terminate() == 0
