# SPDX-License-Identifier: Apache-2.0
"""The access log: a line for every request, in both formats, also for those that were refused before they were
whole, and for those whose client left or was cut off."""
import datetime
import json
import re
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

from ajpwire import AjpClient, chunk, data, named, reply, request, text, to_container, whole_reply
from procs import BIN, Daemon, free_port, poll
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

    def refused(self):
        """The metric, by reason."""
        done = subprocess.run([BIN / "ajpforward", "ctl", f"unix:{self.log.parent}/admin.sock", "metrics"],
                              capture_output=True, text=True, check=True)
        found = re.findall(r'^ajp_requests_refused_total\{reason="(\w+)"\} (\d+)$', done.stdout, re.M)
        return {reason: int(count) for reason, count in found}

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


H = "Host: h\r\n"
LIMITS = "limits: {request_line: 200, header_bytes: 4096, header_count: 10, one_header_bytes: 1000, max_body: 100}"
SOON = "timeouts: {request_head: 300ms, body: 300ms}"
# what is sent, the line's method, path, query, protocol, status, and part of its reason
HTTP = {
    "a bad field": (f"GET /a?b=c HTTP/1.1\r\n{H}Bad Name: x\r\n\r\n", "GET", "/a", "b=c", "HTTP/1.1", 400, "field name"),
    "a refused HEAD": (f"HEAD /a HTTP/1.1\r\n{H}Bad Name: x\r\n\r\n", "HEAD", "/a", None, "HTTP/1.1", 400, "field name"),
    "no host": ("GET /a HTTP/1.1\r\n\r\n", "GET", "/a", None, "HTTP/1.1", 400, "Host"),
    "a bad byte in the path": ("GET /a\x01b HTTP/1.1\r\n", "GET", "/a", None, None, 400, "forbidden byte"),
    "a bad byte in the query": ("GET /a?b\x01 HTTP/1.1\r\n", "GET", "/a", "b", None, 400, "forbidden byte"),
    "a bad version": ("GET /a FTP/1.1\r\n\r\n", "GET", "/a", None, None, 400, "request line"),
    "another version": (f"GET /a HTTP/2.0\r\n{H}\r\n", "GET", "/a", None, "HTTP/2.0", 505, "version"),
    "no HTTP": ("\x16\x03\x01\x02\x00\x01", None, None, None, None, 400, "method"),
    "a long method": ("A" * 40 + " /a HTTP/1.1\r\n", None, None, None, None, 501, "method"),
    "CONNECT": (f"CONNECT h:1 HTTP/1.1\r\n{H}\r\n", "CONNECT", "h:1", None, "HTTP/1.1", 405, ""),
    "a long line": (f"GET /{'a' * 300} HTTP/1.1\r\n{H}\r\n", "GET", f"/{'a' * 300}", None, "HTTP/1.1", 414, "request_line"),
    "a longer line": (f"GET /{'a' * 300}", "GET", f"/{'a' * 300}", None, None, 414, "request_line"),
    "a long field": (f"GET /a HTTP/1.1\r\nX: {'a' * 1100}\r\n", "GET", "/a", None, "HTTP/1.1", 431, "one_header_bytes"),
    "many fields": (f"GET /a HTTP/1.1\r\n{H}" + "X: 1\r\n" * 12 + "\r\n",
                    "GET", "/a", None, "HTTP/1.1", 431, "header_count"),
    "a slow head": ("GET /a?b HTTP/1.1\r\nHo", "GET", "/a", "b", "HTTP/1.1", 408, "timeouts.request_head"),
    "a slow line": ("GET /a", "GET", "/a", None, None, 408, "timeouts.request_head"),
    "a large body": (f"POST /a HTTP/1.1\r\n{H}Content-Length: 101\r\n\r\n", "POST", "/a", None, "HTTP/1.1", 413, "max_body"),
    "a large chunk": (f"POST /a HTTP/1.1\r\n{H}Transfer-Encoding: chunked\r\n\r\n66\r\n" + "x" * 102,
                      "POST", "/a", None, "HTTP/1.1", 413, "max_body"),
    "a bad chunk": (f"POST /a HTTP/1.1\r\n{H}Transfer-Encoding: chunked\r\n\r\nzz\r\n",
                    "POST", "/a", None, "HTTP/1.1", 400, "chunked"),
    "a slow body": (f"POST /a HTTP/1.1\r\n{H}Content-Length: 9\r\n\r\nxy", "POST", "/a", None, "HTTP/1.1", 408, "timeouts.body"),
    "an ambiguous path": (f"GET /a%2fb HTTP/1.1\r\n{H}\r\n", "GET", "/a%2fb", None, "HTTP/1.1", 400, ""),
}


@pytest.mark.parametrize("form", FORMATS)
def test_a_request_that_the_bridge_refuses(setup, form):
    with setup("ajpbridge", form, more=[LIMITS, SOON]) as s:
        answers = [s.client().exchange(row[0].encode("latin-1"), head=row[0].startswith("HEAD")) for row in HTTP.values()]
        lines = s.lines(len(HTTP))
        bodies = sum(row[0].startswith("POST") for row in HTTP.values())
        refused = s.refused()
    assert refused["body"] == bodies
    assert refused["head"] == len(HTTP) - bodies
    assert len(lines) == len(HTTP)
    for label, got, line in zip(HTTP, answers, lines):
        _, method, path, query, protocol, status, reason = HTTP[label]
        assert got.status == status and got.complete, label
        has(line, label, client="127.0.0.1", method=method, path=path, query=query, protocol=protocol, status=status,
            bytes_down=len(got.body), retries=0)
        assert reason in line["reason"], (label, line)
        assert (280_000 if "a slow" in label else 0) <= line["total_us"] < 9_000_000, (label, line)


CUT = to_container(b"\x02\x02" + text("HTTP/1.1") + text("/a") + text("192.0.2.7") + b"\x00\xff")
# what is sent, the line's client, method, path, protocol, status, and part of its reason
AJP = {
    "a packet that ends early": (CUT, "192.0.2.7", "GET", "/a", "HTTP/1.1", 400, "ends inside"),
    "a method that is none": (to_container(b"\x02\x63"), "127.0.0.1", None, None, None, 400, ""),
    "no path": (to_container(b"\x02\x02" + text("HTTP/1.1") + text(None)), "127.0.0.1", "GET", None, "HTTP/1.1", 400, ""),
    "many headers": (request(uri="/a", headers=[("x", "1")] * 12), "192.0.2.1", "GET", "/a", "HTTP/1.1", 400, ""),
    "a target that is no path": (request(uri="a"), "192.0.2.1", "GET", "a", "HTTP/1.1", 400, "path"),
    "an attribute": (request(uri="/a", attributes=named("a", "b")), "192.0.2.1", "GET", "/a", "HTTP/1.1", 403, "attribute"),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "127.0.0.1", None, None, None, 0, ""),
    "another one's turn": (data(b"ab"), "127.0.0.1", None, None, None, 0, ""),
    "a long packet": (b"\x12\x34\x40\x00" + b"\x02" * 100, "127.0.0.1", None, None, None, 0, ""),
    "a slow body": (request("POST", "/a", headers=[("content-length", "9")]), "192.0.2.1", "POST", "/a", "HTTP/1.1", 408,
                    "no body in time"),
}


@pytest.mark.parametrize("form", FORMATS)
def test_a_request_that_the_forwarder_refuses(setup, form):
    with setup("ajpforward", form, more=["limits: {header_count: 10}", SOON]) as s:
        answers = [s.client().exchange(row[0]) for row in AJP.values()]
        lines = s.lines(len(AJP))
    assert len(lines) == len(AJP)
    for label, got, line in zip(AJP, answers, lines):
        _, client, method, path, protocol, status, reason = AJP[label]
        assert (got.status or 0) == status, label
        has(line, label, client=client, method=method, path=path, protocol=protocol, status=status,
            bytes_down=len(got.body))
        assert line["reason"] and reason in line["reason"] and line["total_us"] < 9_000_000, (label, line)


OWN = [("GET", "/shop", 503, {}), ("HEAD", "/shop", 503, {}), ("GET", "/elsewhere", 404, {}),
       ("TRACE", "/shop", 200, {"max-forwards": "0"}), ("OPTIONS", "/shop", 200, {"max-forwards": "0"})]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", DAEMONS)
def test_bytes_of_our_own_answers_are_counted(setup, name, form):
    """No worker is there, and routes know one path."""
    with setup(name, form, worker=False, more=["routes:", "  - {paths: [/shop], workers: [nodeA]}"]) as s:
        answers = []
        for method, path, _, more in OWN:
            client, sent = s.client(), s.ask(path, method, more.items())
            answers.append(client.exchange(sent, method == "HEAD") if name == "ajpbridge" else client.exchange(sent))
        lines = s.lines(len(OWN))
    for (method, path, status, _), got, line in zip(OWN, answers, lines):
        assert got.status == status and got.complete
        has(line, method, method=method, path=path, status=status, bytes_down=len(got.body))
        assert (len(got.body) > 0) == (method in ("GET", "TRACE")), got


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


@pytest.mark.parametrize("form", FORMATS)
def test_a_client_that_leaves_amid_its_head_or_body(setup, form):
    with setup("ajpbridge", form) as s:
        head = s.client()
        head.send(b"GET /a?b HTTP/1.1\r\nHos")
        head.sock.shutdown(socket.SHUT_WR)
        has(s.lines(1)[0], client="127.0.0.1", method="GET", path="/a", query="b", status=499, reason="client went away")
        body = s.client()
        body.send(b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nxyz")
        poll(lambda: s.worker.requests, 5, "the worker has it")
        leave(body)
        has(s.lines(2)[1], method="POST", path="/a", status=499, bytes_up=3, reason="client went away")
        idle = s.client()
        idle.send(b"\r\n")
        idle.close()
        assert s.client().get("/a").status == 200
        assert [line["status"] for line in s.lines(3)] == [499, 499, 200], "who asks for nothing has no line"


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
            assert s.daemon.popen.wait(20) == 0  # a second SIGTERM would end what is ending
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
