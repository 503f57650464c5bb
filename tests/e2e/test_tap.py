# SPDX-License-Identifier: Apache-2.0
"""The tap of a running forwarder: ajpcat shows what passes on both of its hops."""
import json
import os
import signal
import stat
import subprocess
import zlib

import pytest

from procs import BIN, Daemon, Process, poll
from web import Client, pattern


@pytest.fixture
def chain(tmp_path):
    node = Daemon("ajpcat", "serve", "--listen", "ajp://127.0.0.1:0", "--route", "nodeA", "--quiet",
                  log=tmp_path / "node.log")
    forward = Daemon("ajpforward", "--tap", tmp_path / "tap.sock", "--listen", "ajp://127.0.0.1:0", "--worker",
                     f"nodeA=ajp://127.0.0.1:{node.port}", log=tmp_path / "forward.log")
    bridge = Daemon("ajpbridge", "--listen", "http://127.0.0.1:0", "--worker", f"f=ajp://127.0.0.1:{forward.port}",
                    log=tmp_path / "bridge.log")
    forward.tap = tmp_path / "tap.sock"
    yield node, forward, bridge
    for program in (bridge, forward, node):
        assert program.terminate() == 0, program.output()


def watch(tap, file):
    """ajpcat at the tap; its lines of JSON go to the file."""
    with open(file, "wb") as out:
        return subprocess.Popen([BIN / "ajpcat", "decode", "--json", f"unix:{tap}"], stdout=out, stderr=subprocess.PIPE)


def lines(file):
    return [json.loads(line) for line in file.read_text().split("\n")[:-1]]


def test_both_hops_are_seen_whole(chain, tmp_path):
    node, forward, bridge = chain
    assert stat.S_IMODE(os.stat(forward.tap).st_mode) == 0o600
    with Client(bridge.port) as client:
        assert client.get("/").status == 200  # the connections are open before anybody looks
        cat = watch(forward.tap, tmp_path / "seen")
        body = pattern(100000)
        # asks until the tap is connected, then once more: this one is seen from its first byte
        def seen():
            assert client.get("/echo").status == 200
            return any(o["kind"] == "request" and o["uri"] == "/echo" for o in lines(tmp_path / "seen"))
        poll(seen, 20, "ajpcat sees a request")
        assert client.post("/upload", body).json["length"] == len(body)
        down = client.get("/bytes/70000").body
    for program in (bridge, forward):  # ends the tap, and with it ajpcat
        assert program.terminate() == 0
    cat.wait(20)
    hops = {}
    for o in lines(tmp_path / "seen"):
        if o["kind"] == "request":
            hops.setdefault(o["uri"], []).append(o)
    assert {o["server"] for o in hops["/upload"]} == {f"127.0.0.1:{forward.port}", f"127.0.0.1:{node.port}"}
    for o in hops["/upload"]:
        assert (o["method"], o["status"], o["request_bytes"], o["request_crc32"], o["complete"]) == \
            ("POST", 200, len(body), zlib.crc32(body), True)
    for o in hops["/bytes/70000"]:
        assert (o["response_bytes"], o["response_crc32"], o["problems"]) == (70000, zlib.crc32(down), [])
    assert len(hops["/bytes/70000"]) == 2


def test_a_reader_that_stops_reading_holds_nothing_up(chain, tmp_path):
    _, forward, bridge = chain
    cat = Process([BIN / "ajpcat", "decode", f"unix:{forward.tap}"], tmp_path / "cat.log", stdout=subprocess.DEVNULL)
    with Client(bridge.port) as client:
        os.kill(cat.pid, signal.SIGSTOP)
        try:
            for _ in range(60):
                assert len(client.get("/bytes/1000000").body) == 1000000
            assert forward.peak_rss() < 64 << 20
        finally:
            cat.kill()
        assert client.get("/").status == 200


def test_nobody_at_the_tap(tmp_path):
    done = subprocess.run([BIN / "ajpcat", "decode", f"unix:{tmp_path}/none"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "none" in done.stderr
