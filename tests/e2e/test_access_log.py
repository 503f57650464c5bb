# SPDX-License-Identifier: Apache-2.0
"""The access log, in both formats: how a request ended whose client left or was cut off."""
import datetime
import json
import re
import signal
import socket
import struct
import threading
import time

import pytest

from ajpwire import AjpClient, chunk, reply, request, whole_reply
from procs import Daemon, free_port, poll
from rawhttp import HttpClient
from scripted import ScriptedWorker

SCHEME = {"ajpbridge": "http", "ajpforward": "ajp"}
DAEMONS, FORMATS = sorted(SCHEME), ["text", "json"]
LINE = re.compile(
    r'(?P<client>\S+) - - \[\d\d/\w{3}/\d{4}(:\d\d){3} \+0000\] "(?P<method>\S+) (?P<target>\S+) (?P<protocol>\S+)" '
    r'(?P<status>\d+) (?P<bytes_down>\d+) up=(?P<bytes_up>\d+) worker=(?P<worker>\S+) route=(?P<route>\S+) '
    r'us=(?P<total_us>\d+) first_us=(?P<first_us>\d+) retries=(?P<retries>\d+) reason="(?P<reason>[^"]*)" '
    r'time=(?P<time>\d+\.\d{3})')
NUMBERS = ["status", "bytes_up", "bytes_down", "total_us", "first_us", "retries"]
MEMBERS = {"time", "client", "method", "path", "query", "protocol", "worker", "route", "reason", *NUMBERS}
BIG = 64 << 20


def fields_of(line, form):
    """One line as the members of JSON, whatever its format."""
    if form == "json":
        got = json.loads(line)
        assert set(got) == MEMBERS and all(isinstance(got[name], int) for name in NUMBERS), line
        at = datetime.datetime.strptime(got["time"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)
        return got | {"time": at.timestamp()}
    match = LINE.fullmatch(line)
    assert match, line
    got = {name: None if value == "-" else value for name, value in match.groupdict().items()}
    got |= {name: int(got[name]) for name in NUMBERS} | {"time": float(got["time"])}
    got["path"], _, query = (got.pop("target") or "").partition("?")
    return got | {"path": got["path"] or None, "query": query or None}


class Setup:
    """A daemon with an access log before one worker. CLIENTS of it are closed in the end."""

    def __init__(self, name, form, folder, on_request=None, worker=True, more=(), limits=""):
        self.name, self.form, self.log = name, form, folder / "access.log"
        self.worker = ScriptedWorker(on_request) if worker else None
        port = self.worker.port if worker else free_port()
        (folder / "config.yaml").write_text(
            f"threads: 1\nadmin: unix:{folder}/admin.sock\naccess_log: {{file: {self.log}, format: {form}}}\n"
            f"listen:\n  - url: {SCHEME[name]}://127.0.0.1:0\n"
            f"workers:\n  - {{name: nodeA, url: 'ajp://127.0.0.1:{port}'{limits}}}\n" +
            "".join(f"{line}\n" for line in more))
        self.daemon = Daemon(name, "--config", folder / "config.yaml", log=folder / "log", listeners=1)
        self.clients = []

    def client(self, **options):
        self.clients.append((HttpClient if self.name == "ajpbridge" else AjpClient)(self.daemon.port, 10, **options))
        return self.clients[-1]

    def ask(self, path="/shop", method="GET", headers=()):
        """The bytes of a request."""
        if self.name == "ajpforward":
            return request(method, path, headers=[("host", "h"), *headers])
        lines = "".join(f"{n}: {v}\r\n" for n, v in headers)
        return f"{method} {path} HTTP/1.1\r\nHost: h\r\n{lines}\r\n".encode()

    def lines(self, count=1):
        """All lines, as soon as there are so many."""
        def found():
            got = self.log.read_text().splitlines() if self.log.exists() else []
            return got if len(got) >= count else None
        return [fields_of(line, self.form) for line in poll(found, 10, f"{count} lines")]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for client in self.clients:
            client.close()
        status = self.daemon.terminate()
        if self.worker:
            self.worker.stop()
        assert status == 0, self.daemon.output()[-2000:]


@pytest.fixture
def setup(tmp_path):
    def make(name, form, *args, **options):
        return Setup(name, form, tmp_path, *args, **options)
    return make


def has(line, label="", **expected):
    wrong = {name: line[name] for name, value in expected.items() if line[name] != value}
    assert not wrong, (label, wrong, line)


def leave(client):
    """As who presses Stop, and reads no more: by RST."""
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


class Holding:
    """A worker's script: answers when it is let go."""

    def __init__(self):
        self.at, self.go = threading.Event(), threading.Event()

    def __call__(self, link, _):
        self.at.set()
        self.go.wait(20)
        link.send(whole_reply(b"late"))


LEFT = {"ajpbridge": ["client went away"], "ajpforward": ["client went away", "web server closed the connection"]}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", DAEMONS)
@pytest.mark.parametrize("how", ["waits for its answer", "waits in the queue"])
def test_a_client_that_leaves_before_any_reply(setup, name, form, how):
    hold = Holding()
    queued = how == "waits in the queue"
    with setup(name, form, hold, limits=", max_connections: 1") as s:
        first, client = s.client(), s.client()
        if queued:
            first.send(s.ask("/first"))
            assert hold.at.wait(10)
        began = time.monotonic()
        client.send(s.ask())
        if not queued:
            assert hold.at.wait(10)
        asked = time.monotonic()
        poll(lambda: time.monotonic() - asked > 0.1, 5, "it has waited")
        waited = time.monotonic() - asked
        leave(client)
        line = s.lines()[0]
        hold.go.set()
        has(line, path="/shop", status=499, bytes_down=0, first_us=0, worker="nodeA")
        assert line["reason"] in LEFT[name] and line["total_us"] <= (time.monotonic() - began) * 1e6, line
        assert queued or line["total_us"] >= (waited - 0.02) * 1e6, line


def endless(link, _):
    """A reply larger than what any socket holds."""
    try:
        link.send(reply(headers=[("Content-Length", str(BIG))]))
        for _ in range(BIG // 8000):
            link.send(chunk(b"x" * 8000))
    except OSError:
        pass


def takes(client, least):
    """Bytes off the socket: so many, or a little more."""
    got = b""
    while len(got) < least:
        part = client.sock.recv(1 << 16)
        assert part
        got += part
    return len(got)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", DAEMONS)
@pytest.mark.parametrize("how", ["leaves", "stalls", "costs memory", "outlives the daemon"])
def test_an_end_amid_a_reply(setup, name, form, how):
    """The bytes are those that came to the client's machine, by its acknowledgements, which may be late."""
    more = {"stalls": ["timeouts: {write_stall: 500ms}"], "costs memory": ["limits: {max_memory: 1M}"],
            "outlives the daemon": ["timeouts: {drain: 100ms}"]}.get(how, [])
    clients = 40 if how == "costs memory" else 1
    with setup(name, form, endless, more=more) as s:
        everyone = [s.client(receive_buffer=65536) for _ in range(clients)]
        for client in everyone:
            client.send(s.ask())
        got = takes(everyone[0], 1 << 20) if how != "costs memory" else 0
        if how == "leaves":
            leave(everyone[0])
        elif how == "outlives the daemon":
            s.daemon.popen.send_signal(signal.SIGTERM)
        line = s.lines()[0]
        reason = {"leaves": LEFT[name], "stalls": ["client reads nothing (timeouts.write_stall)"],
                  "costs memory": ["client reads too slowly (max_memory)"], "outlives the daemon": ["shutting down"]}[how]
        has(line, path="/shop", status=200, worker="nodeA")
        assert line["reason"] in reason and 0 < line["first_us"] <= line["total_us"], line
        if how != "costs memory":
            assert got - (256 << 10) <= line["bytes_down"] <= got + (1 << 20), (got, line)
        if how in ("stalls", "costs memory"):
            setting = {"stalls": "timeouts.write_stall"}.get(how, "max_memory")
            told = poll(lambda: re.search(r"client_cut .*", s.daemon.output()), 5, "it is told")[0]
            assert "client=127.0.0.1" in told and f'reason="{setting}"' in told, told
