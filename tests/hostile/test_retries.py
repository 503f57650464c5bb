# SPDX-License-Identifier: Apache-2.0
"""What may be sent twice and what may not, and clients that leave in the middle: told by a worker that
counts what it executes."""
import socket
import struct
import time

import pytest

import ajpwire
from ajpwire import AjpClient, CPING, CPONG, chunk, data, end, get_body, reply, request, whole_reply
from procs import free_port, poll, sanitized
from queues import kernel_room, queued, settled
from rawhttp import HttpClient
from scripted import identity

DAEMONS = ["ajpbridge", "ajpforward"]
UNSAFE = ["POST", "PUT", "DELETE", "PROPFIND", "PATCH"]
REPLY = whole_reply(b"x" * 40)


class Stage:
    def __init__(self, name, guarded, scripted, *options):
        self.name = name
        self.act = None  # of (link, request), for paths under /act
        self.worker = scripted(self.play)
        self.daemon = guarded(name, {"w": self.worker.port}, "--reply-timeout", "700ms", "--cping-idle", "0",
                              "--body-timeout", "700ms", "--request-head-timeout", "400ms", *options)

    def play(self, link, request):
        if request.uri.startswith("/act"):
            self.act(link, request)
        else:
            self.worker.good(link, request)

    def connect(self, **options):
        return (HttpClient if self.name == "ajpbridge" else AjpClient)(self.daemon.port, **options)

    def ask(self, client, path, number, method="GET", body=b""):
        if self.name == "ajpbridge":
            return client.get(path, number, method, body=body)
        headers = [("x-id", str(number))]
        packets = [data(body)] if body else []
        if body or method == "POST":
            headers.append((0xA008, str(len(body))))
        attributes = b""
        if method not in ajpwire.METHODS:
            method, attributes = 255, ajpwire.attribute(0x0d, method)
        return client.exchange(request(method, path, headers=headers, attributes=attributes), *packets)

    def good(self, number, method="GET", body=b""):
        with self.connect() as client:
            got = self.ask(client, "/good", number, method, body)
        assert got.complete and got.status == 200, got
        assert got.body == (b"" if method == "HEAD" else identity(number, body))

    def executed(self, number):
        return self.worker.executed[str(number)]

    def no_mark(self):
        return "to=suspect" not in self.daemon.output() and "to=down" not in self.daemon.output()


@pytest.fixture(scope="module", params=DAEMONS)
def stage(request, guarded, scripted):
    return Stage(request.param, guarded, scripted)


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_idle_links_that_die_cost_nothing(stage, number, reset, method):
    for _ in range(5):
        stage.good(number())
        for link in stage.worker.open_links():
            if reset:
                link.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            link.sock.shutdown(socket.SHUT_RDWR)
        time.sleep(0.02)
        mine = number()
        stage.good(mine, method, b"body" if method == "POST" else b"")
        assert stage.executed(mine) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", *UNSAFE])
def test_r3_a_reused_link_ends_without_a_byte(stage, number, method):
    """Row 120, and Q25: perhaps executed: only what is safe goes again, once, on a new link."""
    stage.good(number())

    def act(link, _):
        if link.requests > 1:
            link.close()
        else:
            stage.worker.good(link, _)
    stage.act = act
    mine = number()
    with stage.connect() as client:
        got = stage.ask(client, "/act", mine, method, b"body" if method in ("POST", "PUT", "PATCH") else b"")
    if method in UNSAFE:
        assert (got.status, stage.executed(mine)) == (502, 1)
    else:
        assert (got.status, stage.executed(mine)) == (200, 2)
    stage.good(number())
    assert stage.no_mark()


@pytest.mark.parametrize("method", ["GET", *UNSAFE])
def test_r3_never_a_third_time(stage, number, method):
    stage.good(number())
    stage.act = lambda link, _: link.close()
    mine = number()
    with stage.connect() as client:
        got = stage.ask(client, "/act", mine, method)
    assert got.status == 502 and stage.executed(mine) == (1 if method in UNSAFE else 2)
    stage.good(number())


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_r5_closed_after_n_bytes_of_the_reply(stage, number, method):
    for n in range(1, len(REPLY)):
        stage.act = lambda link, _, n=n: (stage.worker.faults if link.body(_) is None else link.send(REPLY[:n]), link.close())
        mine = number()
        with stage.connect() as client:
            got = stage.ask(client, "/act", mine, method, b"body" if method == "POST" else b"")
        cut_in_end = stage.name == "ajpbridge" and len(REPLY) - n <= 7
        assert stage.executed(mine) == 1
        assert not got.complete or got.status == 502 or cut_in_end, (n, got)
    stage.good(number())


def test_r6_a_reply_timeout_is_not_tried_again(stage, number):
    stage.act = lambda link, _: link.packet()
    mine = number()
    with stage.connect() as client:
        assert stage.ask(client, "/act", mine).status == 504
    assert stage.executed(mine) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_r5_a_reused_link_ends_within_the_head_of_the_reply(stage, number, method):
    """Some bytes are enough: it is not a link that had died before."""
    for n in range(1, 20):
        stage.good(number())
        reused = []

        def act(link, received, n=n):
            reused.append(link.requests > 1)
            if received.length:
                link.packet()
            link.send(REPLY[:n])
            time.sleep(0.01)
            link.close()
        stage.act = act
        mine = number()
        with stage.connect() as client:
            got = stage.ask(client, "/act", mine, method, b"body" if method == "POST" else b"")
        assert (got.status, stage.executed(mine), reused) == (502, 1, [True]), n


# S8: how a worker that has asked for the body ends; the last two have begun their reply, or may have.
ASKED = {
    "closed": (b"", True),
    "reset": (None, True),
    "malformed": (b"BA\x00\x01\x05", True),
    "head": (reply(), False),
    "part-of-a-head": (reply()[:9], False),
}


class Pair(Stage):
    """Two workers. The first to get a request under /act takes its body, asks for more, and ends."""

    def __init__(self, name, guarded, scripted):
        self.name = name
        self.seen = {}
        self.pair = [scripted(self.play), scripted(self.play)]
        self.daemon = guarded(name, {}, config="".join([
            f"listen:\n  - url: {'http' if name == 'ajpbridge' else 'ajp'}://127.0.0.1:0\n",
            "workers:\n", *(f"  - {{name: w{n}, url: 'ajp://127.0.0.1:{w.port}'}}\n" for n, w in enumerate(self.pair)),
            "threads: 1\nretry: {methods: idempotent, replay_buffer: 4K}\n"]))

    def play(self, link, received):
        number = received.header("x-id")
        if self.seen.setdefault(number, link) is not link or not received.uri.startswith("/act"):
            link.worker.good(link, received)
            return
        body = link.packet() if received.length else b""
        if received.length and received.length > 8000:
            link.send(get_body())
            body = link.packet()
        link.send(get_body())
        assert body is not None and link.packet() is not None, "it was answered"
        last = ASKED[received.uri.split("/")[2]][0]
        if last:
            link.send(last)
        link.close(reset=last is None)

    def executions(self, number):
        return [w.executed[str(number)] for w in self.pair]


@pytest.fixture(scope="module", params=DAEMONS)
def pair(request, guarded, scripted):
    return Pair(request.param, guarded, scripted)


@pytest.mark.parametrize("how", ASKED)
@pytest.mark.parametrize("method, length", [("GET", 0), ("GET", 20), ("PUT", 20), ("PUT", 10000), ("POST", 20)])
def test_r5_closed_after_get_body(pair, number, how, method, length):
    """Where twice is as good as once, and all of the body that went is kept, another worker is asked."""
    mine, body = number(), b"x" * length
    with pair.connect() as client:
        if pair.name == "ajpbridge":
            got = client.get(f"/act/{how}", mine, method, body=body)
        else:
            headers = [("x-id", str(mine)), (0xA008, str(length))] if length else [("x-id", str(mine))]
            parts = [body[i:i + 8000] for i in range(0, length, 8000)]
            got = client.exchange(request(method, f"/act/{how}", headers=headers), *map(data, parts[:1]),
                                  body=map(data, parts[1:]))
    if ASKED[how][1] and method != "POST" and length < 4096:
        assert (got.status, got.body, pair.executions(mine)) == (200, identity(mine, body), [1, 1])
    else:
        assert got.status == 502 or not got.complete
        assert sum(pair.executions(mine)) == 1
    assert [w.faults for w in pair.pair] == [[], []]


@pytest.mark.parametrize("name", DAEMONS)
def test_r1_a_refusing_worker_costs_no_request(guarded, scripted, number, name):
    """Of any method: nothing was sent."""
    stage = Stage.__new__(Stage)
    stage.name, stage.worker = name, scripted()
    stage.daemon = guarded(name, {"gone": free_port(), "here": stage.worker.port})
    for method in ["GET", "POST", "POST", "GET", "PUT", "DELETE", "POST", "PATCH"]:
        mine = number()
        stage.good(mine, method, b"body" if method in ("POST", "PUT", "PATCH") else b"")
        assert stage.executed(mine) == 1


@pytest.mark.parametrize("name", DAEMONS)
def test_r1_without_another_worker_no_retry_is_told(guarded, scripted, number, name):
    """The log says why, and not that it was tried again."""
    stage = Stage.__new__(Stage)
    stage.name, stage.daemon = name, guarded(name, {"gone": free_port()})
    with stage.connect() as client:
        assert stage.ask(client, "/good", number()).status == 503
    said = stage.daemon.output()
    assert 'request_failed worker=gone reason="Connection refused" attempt=1 method=GET' in said
    assert 'no_retry="no other worker"' in said and " retry worker=" not in said


@pytest.mark.parametrize("name", DAEMONS)
def test_r1_a_cping_without_answer_costs_no_request(guarded, scripted, number, name):
    stage = Stage.__new__(Stage)
    stage.name, stage.worker = name, scripted()
    stage.daemon = guarded(name, {"w": stage.worker.port}, "--cping-idle", "1ms", "--cping-timeout", "200ms")
    for method in ("POST", "GET"):
        stage.good(number())
        time.sleep(0.12)
        stage.worker.spoil(None)
        mine = number()
        stage.good(mine, method, b"body" if method == "POST" else b"")
        assert stage.executed(mine) == 1


# --- clients that leave ---

def upload_head(stage, number, length):
    if stage.name == "ajpbridge":
        framing = f"Content-Length: {length}" if length is not None else "Transfer-Encoding: chunked"
        return f"POST /act HTTP/1.1\r\nHost: x\r\nX-Id: {number}\r\n{framing}\r\n\r\n".encode()
    headers = [("x-id", str(number)), ("transfer-encoding", "chunked")]
    if length is not None:
        headers[1] = (0xA008, str(length))
    return request("POST", "/act", headers=headers)


@pytest.mark.parametrize("how", ["fin", "reset", "half-close"])
@pytest.mark.parametrize("length", [50000, None])
def test_a_client_that_leaves_within_its_upload(stage, number, how, length):
    """The worker's connection ends, without an end of the body."""
    seen = {}

    def act(link, request):
        seen["body"] = link.body(request)
        seen["over"] = True
        assert seen["body"] is None
    stage.act = act
    mine = number()
    client = stage.connect()
    client.send(upload_head(stage, mine, length))
    if stage.name == "ajpbridge":
        client.send(b"x" * 10000 if length else b"2710\r\n" + b"x" * 5000)
    elif length:
        client.send(data(b"x" * 8000))
    time.sleep(0.05)
    if how == "reset":
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if how == "half-close":
        client.sock.shutdown(socket.SHUT_WR)
    else:
        client.close()
    poll(lambda: seen.get("over"), 5, "the worker's connection ends")
    assert seen["body"] is None, "the worker took it for whole"
    client.close()
    stage.good(number())
    assert stage.executed(mine) == 1 and stage.worker.faults == []


def test_a_client_that_resets_while_it_waits(stage, number):
    """The worker's connection is closed at once: it need not work for nobody."""
    gone = []

    def act(link, _):
        start = time.monotonic()
        link.packet()
        gone.append(time.monotonic() - start)
    stage.act = act
    client = stage.connect()
    client.send(f"GET /act HTTP/1.1\r\nHost: x\r\nX-Id: {number()}\r\n\r\n".encode() if stage.name == "ajpbridge" else
                request("GET", "/act", headers=[("x-id", "0")]))
    time.sleep(0.1)
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    poll(lambda: gone, 5)
    assert gone[0] < 0.5
    stage.good(number())


def test_an_answer_within_the_upload(stage, number):
    """A DATA packet was begun: the link must not carry another request, which would be read as body. The bridge
    sends what it has as a whole one, which the worker reads behind its answer, as Tomcat does."""
    def act(link, _):
        link.send(whole_reply(b"no more, please", 413))
        link.packet()
    stage.act = act
    for _ in range(3):
        with stage.connect() as client:
            mine = number()
            client.send(upload_head(stage, mine, 8000))
            client.send(b"x" * 100 if stage.name == "ajpbridge" else data(b"x" * 8000)[:100])
            got = client.read_reply()
            assert got.status == 413 and got.body == b"no more, please", got
            stage.good(number())
            stage.good(number())
    assert stage.worker.faults == []


def test_a_half_closed_client_gets_all(guarded, scripted, number):
    """FIN in the same breath as the request, a reply that does not fit the socket's buffer."""
    stage = Stage("ajpbridge", guarded, scripted)
    body = bytes(range(256)) * 8192  # 2 MiB
    for headers in ("", "Connection: close\r\n"):
        for delay in (0, 0.05):
            stage.act = lambda link, _: link.send(reply(headers=[("Content-Length", str(len(body)))]) + b"".join(
                chunk(body[i:i + 8000]) for i in range(0, len(body), 8000)) + end())
            with stage.connect(receive_buffer=8192) as client:
                client.send(f"GET /act HTTP/1.1\r\nHost: x\r\nX-Id: {number()}\r\n{headers}\r\n".encode())
                time.sleep(delay)
                client.sock.shutdown(socket.SHUT_WR)
                time.sleep(0.1)
                got = client.read_reply()
                assert got.complete and got.body == body
    stage.good(number())


def test_a_large_reply_then_reset(stage, number):
    """More than one receive takes, with the error behind it: no hang."""
    big = reply() + b"".join(chunk(b"x" * 8000) for _ in range(80)) + end()

    def act(link, _):
        link.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        link.send(big)
        time.sleep(0.1)
        link.close(reset=True)
    stage.act = act
    for _ in range(3):
        start = time.monotonic()
        with stage.connect() as client:
            got = stage.ask(client, "/act", number())
        assert time.monotonic() - start < 0.6, "no deadline ended it"
        assert got.complete and len(got.body) == 640000
    stage.good(number())


def test_a_slow_reader_holds_the_worker_back(stage, number):
    """More than all sockets take, for a client that does not read: the daemon itself keeps next to nothing of
    it and stops reading; then all of it arrives."""
    part = chunk(b"y" * 8000)
    parts = 2 * kernel_room() // len(part)
    total, link_used, sent = parts * 8000, [], [0]

    def act(link, _):
        link_used.append(link.sock)
        link.send(reply(headers=[("Content-Length", str(total))]))
        for _ in range(parts):
            left = memoryview(part)
            while left:
                n = link.sock.send(left)
                sent[0] += n
                left = left[n:]
        link.send(end())
    stage.act = act
    stage.good(number())
    before = stage.daemon.peak_rss()
    with stage.connect(receive_buffer=65536, timeout=30) as client:
        client.send(f"GET /act HTTP/1.1\r\nHost: x\r\nX-Id: {number()}\r\n\r\n".encode() if stage.name == "ajpbridge" else
                    request("GET", "/act", headers=[("x-id", "0")]))
        # longer than the reply timeout: it is not the worker that is slow
        stalled = settled(lambda: sent[0], 1, 30)
        assert 0 < stalled < parts * len(part), "the worker is held back"
        to_daemon, to_client = queued(link_used[0])[0], queued(client.sock)[1]
        passed_on = to_client * (len(part) / 8000 if stage.name == "ajpbridge" else 1)
        print(f"sent {stalled}, unread by the daemon {to_daemon}, on its way to the client {to_client}")
        assert to_daemon > 0, "the daemon has stopped reading"
        assert stalled - to_daemon - passed_on < 512 << 10, "bytes in the daemon itself"
        assert sanitized() or stage.daemon.peak_rss() - before < 4 << 20
        stage.good(number())
        got = client.read_reply()
        assert got.complete and len(got.body) == total and got.body.count(b"y") == total
    assert stage.daemon.peak_rss() - before < 24 << 20


def test_a_cping_in_two_pieces_leaves_the_connection_alone(guarded, scripted, number):
    stage = Stage("ajpforward", guarded, scripted)
    with stage.connect() as client:
        client.send(CPING[:3])
        time.sleep(0.05)
        client.send(CPING[3:])
        assert ajpwire.receive(client.sock, 5) == CPONG
        time.sleep(0.8)  # twice the time that a head may take
        mine = number()
        assert stage.ask(client, "/good", mine).body == identity(mine)
