# SPDX-License-Identifier: Apache-2.0
"""The ends of connections and bodies: who half-closes is answered, who breaks off is not worked for."""
import select
import socket
import ssl
import struct
import threading
import time

import pytest

import ajpwire
from ajpwire import chunk, end, get_body, reply, whole_reply
from pki import Pki
from procs import Daemon, poll
import queues
from rawhttp import HttpClient
from scripted import ScriptedWorker, identity

HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def worker():
    with ScriptedWorker() as made:
        yield made
        assert made.faults == []


@pytest.fixture
def bridge(tmp_path, pki, worker):
    """Starts ajpbridge with an http and an https listener; ended after the test, and well."""
    started = []

    def start(more="", worker_more=""):
        file = tmp_path / f"{len(started)}.yaml"
        file.write_text(f"listen:\n  - url: http://{HOST}:0\n  - url: https://{HOST}:0\n    certificate: "
                        f"{pki.pem('server')}\n    key: {pki.key('server')}\nthreads: 1\n{more}\nworkers:\n"
                        f"  - name: a\n    url: ajp://{HOST}:{worker.port}\n{worker_more}\n")
        started.append(Daemon("ajpbridge", "--config", file, listeners=2, log=tmp_path / f"{len(started)}.log"))
        return started[-1]
    yield start
    for daemon in started:
        status = daemon.terminate()
        assert status == 0 and "runtime error" not in daemon.output(), daemon.output()[-4000:]


class TlsClient(HttpClient):
    """Its half_close is a close_notify: the TCP connection stays open in both directions."""

    def __init__(self, port, pki, timeout=6):
        super().__init__(port, timeout)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=pki.pem("ca"))
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self._drive(self.tls.do_handshake)

    def _drive(self, step, once=False):
        """The answer of STEP, with as many bytes from the socket as it takes; b"": there are no more."""
        while True:
            try:
                answer, done = step(), True
            except ssl.SSLWantReadError:
                answer, done = b"", once
            except ssl.SSLZeroReturnError:
                answer, done = b"", True
            if self.outgoing.pending:
                self.sock.sendall(self.outgoing.read())
            if done:
                return answer
            part = self.sock.recv(1 << 18)
            if not part:
                return b""
            self.incoming.write(part)

    def send(self, data):
        self.tls.write(data)
        self.sock.sendall(self.outgoing.read())

    def _more(self):
        try:
            part = self._drive(lambda: self.tls.read(1 << 18))
        except ConnectionError:
            part = b""
        self.seen += part
        return bool(part)

    def half_close(self):
        self._drive(self.tls.unwrap, once=True)


class PlainClient(HttpClient):
    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)


@pytest.fixture(params=["http", "https"])
def connect(request, pki):
    """connect(daemon, option...): a client of one of its two listeners."""
    def make(daemon, **options):
        if request.param == "http":
            return PlainClient(daemon.ports[0], **{"timeout": 10, **options})
        return TlsClient(daemon.ports[1], pki, **options)
    make.secure = request.param == "https"
    return make


def get(number, headers=""):
    return f"GET /{number} HTTP/1.1\r\nHost: x\r\nX-Id: {number}\r\n{headers}\r\n".encode()


def post(number, body=None, chunks=None, headers=""):
    """A body of known length, or in CHUNKS."""
    framing = f"Content-Length: {len(body)}" if chunks is None else "Transfer-Encoding: chunked"
    if chunks is not None:
        body = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in [*chunks, b""])
    return f"POST /{number} HTTP/1.1\r\nHost: x\r\nX-Id: {number}\r\n{framing}\r\n{headers}\r\n".encode() + body


def reset(client):
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.sock.close()


def late(link, request):
    """A worker that takes its time before it asks for the body, and before it answers."""
    time.sleep(0.15)
    body = link.body(request)
    if body is not None:
        time.sleep(0.15)
        link.send(whole_reply(identity(request.header("x-id"), body)))


# --- half-close behind whole requests ---

BODY = bytes(range(256)) * 40  # 10240: more than one packet
ASKED = {
    "one GET": [(get, 0, {})],
    "a body of known length": [(post, len(BODY), {"body": BODY})],
    "a chunked body": [(post, len(BODY), {"chunks": [BODY]})],
    "a chunked body in many pieces": [(post, 5000, {"chunks": [b"ab"] * 2500})],
    "more than is read ahead": [(post, 400000, {"body": b"x" * 400000})],
    "the same in chunks": [(post, 400000, {"chunks": [b"x" * 40000] * 10})],
    "an empty chunked body": [(post, 0, {"chunks": []})],
    "50 pipelined GETs": [(get, 0, {})] * 50,
    "pipelined bodies": [(post, 3, {"body": b"abc"}), (get, 0, {}), (post, 5, {"chunks": [b"abc", b"de"]})] * 5,
    "pipelined long bodies": [(post, 20000, {"chunks": [b"x" * 20000]}), (post, 20000, {"body": b"x" * 20000})] * 3,
}


@pytest.mark.parametrize("pause", [0, 0.1], ids=["at once", "a moment later"])
@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_who_half_closes_gets_every_answer(bridge, worker, connect, asked, pause):
    """FIN, or close_notify, behind whole requests. The worker asks for bodies only after that."""
    if len(asked) < 10:
        worker.on_request = late
    with connect(bridge()) as client:
        client.send(b"".join(make(i, **how) for i, (make, _, how) in enumerate(asked)))
        time.sleep(pause)
        client.half_close()
        for i, (_, length, _) in enumerate(asked):
            got = client.read_reply()
            assert got.complete and got.body == b"answer to %d with %d bytes" % (i, length), (i, got)
        assert got.closed or not client._more(), "the connection ends behind the last answer"
    assert worker.executed == {str(i): 1 for i in range(len(asked))}


def test_what_is_no_whole_request_behind_the_last_one(bridge, worker, connect):
    """The whole ones are answered, the rest is not sent."""
    with connect(bridge()) as client:
        client.send(get(0) + post(1, b"abc") + get(2)[:-5])
        client.half_close()
        assert [client.read_reply().body for _ in range(2)] == [identity(0), identity(1, b"abc")]
        assert not client._more()
    assert sorted(worker.executed) == ["0", "1"]


@pytest.mark.parametrize("ahead", [0, 1000, 100000], ids=["nothing", "pipelined", "much pipelined"])
def test_a_reset_is_noticed_whatever_lies_before_it(bridge, worker, connect, ahead):
    """The worker's connection is ended at once: nobody waits for its answer."""
    gone = []

    def wait(link, _):
        start = time.monotonic()
        select.select([link.sock], [], [], 5)
        gone.append(time.monotonic() - start)
        link.close()
    worker.on_request = wait
    client = connect(bridge())
    client.send(get(0) + get(1, "X-Pad: 1234567890\r\n") * (ahead // 60))
    poll(lambda: worker.requests, 5, "the worker has the request")
    time.sleep(0.1)
    reset(client)
    poll(lambda: gone, 6, "the worker's connection ends")
    assert gone[0] < 1 and len(worker.requests) == 1


# --- slow bodies ---

def drip(client, pieces, pause):
    for piece in pieces:
        client.send(piece)
        time.sleep(pause)


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_steady_slow_upload_is_no_late_one(bridge, worker, connect, chunked):
    """The time for the body runs from byte to byte, not for a packet of it."""
    with connect(bridge("timeouts: {body: 600ms}")) as client:
        length = "Transfer-Encoding: chunked" if chunked else "Content-Length: 9"
        client.send(f"POST / HTTP/1.1\r\nHost: x\r\nX-Id: 1\r\n{length}\r\n\r\n".encode())
        drip(client, [b"2\r\nab\r\n", b"1", b"\r", b"\nc", b"\r\n", b"3\r\n", b"d", b"ef\r\n", b"0\r\n\r\n"]
             if chunked else [b"%d" % i for i in range(9)], 0.2)
        assert client.read_reply().body == identity(1, b"123456" if chunked else b"123456789")


def test_silence_within_an_upload_is_late(bridge, worker, connect):
    with connect(bridge("timeouts: {body: 600ms}")) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nX-Id: 1\r\nContent-Length: 9\r\n\r\nabc")
        start = time.monotonic()
        assert client.read_reply().status == 408
        assert 0.5 < time.monotonic() - start < 2


def test_a_steady_slow_upload_from_a_web_server(tmp_path, worker):
    """The same over AJP, within one packet."""
    daemon = Daemon("ajpforward", "--listen", f"ajp://{HOST}:0", "--worker", f"a=ajp://{HOST}:{worker.port}",
                    "--body-timeout", "600ms", log=tmp_path / "log")
    try:
        with ajpwire.AjpClient(daemon.port) as client:
            client.send(ajpwire.request("POST", "/", headers=[("x-id", "1"), (0xA008, "8")]))
            packet = ajpwire.data(b"abcdefgh")
            drip(client, [packet[i:i + 1] for i in range(len(packet))], 0.15)
            assert client.read_reply().body == identity(1, b"abcdefgh")
    finally:
        assert daemon.terminate() == 0


def test_a_worker_that_takes_slowly(bridge, worker, connect):
    """While it does not ask, the client need not send."""
    def ask_slowly(link, request):
        taken = 0
        while taken < 3 * 8186:
            time.sleep(0.3)
            link.send(get_body())
            taken += len(link.packet()) - 2
        link.send(whole_reply(b"taken"))
    worker.on_request = ask_slowly
    with connect(bridge("timeouts: {body: 200ms}")) as client:
        client.send(post(1, chunks=[b"x" * 8186] * 3))
        assert client.read_reply().body == b"taken"


def take(link):
    """The body bytes of the next packet."""
    payload = link.packet()
    return payload[2:] if payload else payload


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_bytes_of_a_slow_body_go_on_as_they_come(bridge, worker, connect, chunked):
    """Not when a packet is full: each part is sent when the worker has the one before."""
    packets = []

    def act(link, _):
        if chunked:
            link.send(get_body())
        while (part := take(link)) not in (b"", None):
            packets.append(part)
            if chunked or sum(map(len, packets)) < 30:
                link.send(get_body())
            else:
                break
        link.send(whole_reply(b"%d" % len(packets)))
    worker.on_request = act
    parts = [b"0123456789", b"abcdefghij", b"ABCDEFGHIJ"]
    length = "Transfer-Encoding: chunked" if chunked else "Content-Length: 30"
    with connect(bridge()) as client:
        client.send(f"POST / HTTP/1.1\r\nHost: x\r\nX-Id: 1\r\n{length}\r\n\r\n".encode())
        for i, part in enumerate(parts):
            client.send(b"a\r\n%s\r\n" % part if chunked else part)
            poll(lambda: len(packets) > i, 5, "the worker has the part")
        if chunked:
            client.send(b"0\r\n\r\n")
        assert client.read_reply().body == b"3"
    assert packets == parts


@pytest.mark.parametrize("size, chunks, packets", [
    (5000, 2500, 1), (5000, 5000, 1), (8186, 1, 1), (8187, 1, 2), (24558, 7, 3), (1 << 20, 16, 129),
    (1 << 20, None, 129)])
def test_what_has_arrived_is_one_packet(bridge, worker, connect, size, chunks, packets):
    """Up to what the worker takes. It asks when all has come, so far as it goes into the sockets."""
    sizes, body = [], bytes(range(256)) * 4096

    def act(link, request):
        time.sleep(0.2)
        if chunks is not None:
            link.send(get_body())
        parts = b""
        while len(parts) < size:
            part = take(link)
            sizes.append(len(part))
            parts += part
            if len(parts) < size:
                link.send(get_body())
        link.send(whole_reply(b"same" if parts == body[:size] else b"other"))
    worker.on_request = act
    step = -(-size // (chunks or 1))
    with connect(bridge()) as client:
        client.send(post(1, body[:size]) if chunks is None else
                    post(1, chunks=[body[i:min(i + step, size)] for i in range(0, size, step)]))
        assert client.read_reply().body == b"same"
    assert packets <= len(sizes) <= packets + packets // 20, sizes


# --- the last answer ---

BIG = bytes(range(256)) * 12288  # 3 MiB


def answer_big(link, request):
    link.body(request)
    link.send(reply(headers=[("Content-Length", str(len(BIG)))]) +
              b"".join(chunk(BIG[i:i + 8000]) for i in range(0, len(BIG), 8000)) + end())


@pytest.mark.parametrize("late", [b"\r\n", b"x" * 100000, get(9)], ids=["CRLF", "much", "a request"])
@pytest.mark.parametrize("asked", [get(1, "Connection: close\r\n"), get(1).replace(b"HTTP/1.1", b"HTTP/1.0"),
                                   post(1, b"abc", headers="Connection: close\r\n")], ids=["close", "1.0", "POST"])
def test_bytes_behind_the_last_request_do_not_cut_its_answer(bridge, worker, connect, asked, late):
    """No reset overtakes it, though the client reads only when it has sent more."""
    worker.on_request = answer_big
    with connect(bridge()) as client:
        client.send(asked)
        time.sleep(0.005)
        client.send(late)
        poll(lambda: worker.requests, 5)
        time.sleep(0.3)
        got = client.read_reply()
        assert got.complete and got.body == BIG and got.closed
    assert len(worker.requests) == 1


def test_a_refusal_is_seen_by_who_still_sends(bridge, connect):
    """413, and 5 MB of the body behind it."""
    with connect(bridge("limits: {max_body: 1000}")) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n")
        for _ in range(50):
            client.send(b"x" * 100000)
        got = client.read_reply()
        assert got.status == 413 and got.complete


def test_long_answers_behind_a_half_close(bridge, worker, connect):
    """More than a client that does not read makes us hold: the later requests wait, and are answered."""
    worker.on_request = answer_big
    with connect(bridge(), **({} if connect.secure else {"receive_buffer": 8192})) as client:
        client.send(get(1) * 8)
        client.half_close()
        time.sleep(0.3)
        assert len(worker.requests) < 8
        for _ in range(8):
            got = client.read_reply()
            assert got.complete and got.body == BIG
        assert got.closed or not client._more()


def test_lingering_takes_no_more_than_64_mib(bridge, worker):
    with PlainClient(bridge().ports[0], timeout=10) as client:
        client.send(get(1, "Connection: close\r\n"))
        assert client.read_reply().closed
        with pytest.raises(ConnectionError):
            for _ in range(70):
                client.send(bytes(1 << 20))


def test_lingering_ends(bridge, worker, connect):
    """A client that neither sends nor ends is let go after 2 s; one that still reads is not cut."""
    worker.on_request = answer_big
    daemon = bridge()
    with connect(daemon) as idle:
        idle.send(get(1, "Connection: close\r\n"))
        start = time.monotonic()
        assert idle.read_reply().closed
        poll(lambda: not established(idle), 10, "our side has closed")
        assert 1 < time.monotonic() - start < 6


def established(client):
    """Whether the other end of CLIENT's connection is still somebody's socket."""
    here = client.sock.getsockname()[1]
    rows = (line.split() for line in open("/proc/net/tcp"))
    return any(row[2].endswith(f":{here:04X}") and row[9] != "0" for row in rows if row[0] != "sl")


# --- who leaves: client_fin ---

class Held:
    """A worker's answers: each waits until it is let go."""

    def __init__(self, worker):
        self.seen, self.open = [], threading.Event()
        worker.on_request = self.act

    def act(self, link, request):
        body = link.body(request)
        self.seen.append(request.uri)
        self.open.wait(20)
        link.send(whole_reply(identity(request.header("x-id"), body)))


ONE_LINK = "    max_connections: 1"


@pytest.mark.parametrize("behind", [b"", get(3), get(3) * 2000], ids=["alone", "pipelined", "much pipelined"])
@pytest.mark.parametrize("setting", ["drop_queued", "answer", "abort"])
def test_a_fin_while_the_request_is_queued(bridge, worker, connect, setting, behind):
    """drop_queued, abort: it is never sent, however much lies between request and FIN."""
    if connect.secure and len(behind) > 16384:
        pytest.skip("a close_notify is found by reading only")
    held = Held(worker)
    daemon = bridge(f"client_fin: {setting}" if setting != "drop_queued" else "", worker_more=ONE_LINK)
    with connect(daemon) as first, connect(daemon) as leaver, connect(daemon) as last:
        first.send(get(1))
        poll(lambda: held.seen, 5)
        leaver.send(get(2) + behind)
        time.sleep(0.1)
        leaver.half_close()
        if setting != "answer":
            assert not leaver._more(), "the connection ends without a byte"
        held.open.set()
        assert first.read_reply().complete
        last.send(get(4))
        assert last.read_reply().complete
        if setting == "answer":
            for number in [2, *[3] * (len(behind) // len(get(3)))]:
                assert leaver.read_reply().body == identity(number)
    assert ("/2" in held.seen) == (setting == "answer")


@pytest.mark.parametrize("setting", ["drop_queued", "answer", "abort"])
def test_a_fin_while_the_worker_is_at_it(bridge, worker, connect, setting):
    """Only abort gives the request up."""
    held = Held(worker)
    with connect(bridge(f"client_fin: {setting}")) as client:
        client.send(get(1))
        poll(lambda: held.seen, 5)
        client.half_close()
        if setting == "abort":
            assert not client._more()
        held.open.set()
        if setting != "abort":
            assert client.read_reply().body == identity(1)


def test_a_web_server_that_breaks_off_is_gone_whatever_its_fin_means(tmp_path, worker):
    held = Held(worker)
    file = tmp_path / "forward.yaml"
    file.write_text(f"client_fin: answer\nthreads: 1\naccess_log: {{file: {tmp_path}/access}}\nlisten:\n  - url: ajp://{HOST}:0\n"
                    f"workers:\n  - name: a\n    url: ajp://{HOST}:{worker.port}\n{ONE_LINK}\n")
    daemon = Daemon("ajpforward", "--config", file, listeners=1, log=tmp_path / "log")
    with ajpwire.AjpClient(daemon.port) as first, ajpwire.AjpClient(daemon.port) as leaver:
        first.send(ajpwire.request("GET", "/1", headers=[(0xA008, "0"), ("x-id", "1")]))
        poll(lambda: held.seen, 5)
        leaver.send(ajpwire.request("GET", "/2", headers=[(0xA008, "0"), ("x-id", "2")]))
        time.sleep(0.1)
        reset(leaver)
        poll(lambda: "/2" in (tmp_path / "access").read_text(), 3, "it is told")
        held.open.set()
    daemon.terminate()
    assert held.seen == ["/1"]


def test_abandoned_requests_cost_the_next_one_nothing(bridge, worker, connect):
    """Five that gave up before a fresh one: it waits for the one that runs, and for no other."""
    def slow(link, request):
        time.sleep(0.4)
        link.send(whole_reply(identity(request.header("x-id"))))
    worker.on_request = slow
    daemon = bridge(worker_more=ONE_LINK)
    with connect(daemon) as first, connect(daemon) as fresh:
        first.send(get(1))
        poll(lambda: worker.requests, 5)
        for i in range(5):
            with connect(daemon) as leaver:
                leaver.send(get(10 + i))
                leaver.half_close()
        start = time.monotonic()
        fresh.send(get(2))
        assert fresh.read_reply().body == identity(2)
        assert time.monotonic() - start < 1.2
    assert [r.uri for r in worker.requests] == ["/1", "/2"]


def test_what_was_pipelined_before_the_fin_waits_in_the_queue(bridge, worker, connect):
    """The first answer reached the client: so it is there, though it will send no more."""
    held = Held(worker)
    daemon = bridge(worker_more=ONE_LINK)
    with connect(daemon) as client, connect(daemon) as other:
        client.send(get(1) + get(2))
        client.half_close()
        poll(lambda: held.seen, 5)
        other.send(get(3))
        time.sleep(0.1)
        held.open.set()
        assert [client.read_reply().body for _ in range(2)] == [identity(1), identity(2)]
        assert other.read_reply().body == identity(3)


@pytest.mark.parametrize("setting", ["drop_queued", "answer"])
def test_a_fin_of_a_web_server(tmp_path, worker, setting):
    """It means that its client has left, unless answer is set."""
    held = Held(worker)
    daemon = Daemon("ajpforward", "--listen", f"ajp://{HOST}:0", "--worker", f"a=ajp://{HOST}:{worker.port}",
                    "--client-fin", setting, log=tmp_path / "log")
    try:
        with ajpwire.AjpClient(daemon.port) as client:
            client.send(ajpwire.request("GET", "/1", headers=[("x-id", "1"), (0xA008, "0")]))
            poll(lambda: held.seen, 5)
            client.sock.shutdown(socket.SHUT_WR)
            if setting == "answer":
                time.sleep(0.1)
                held.open.set()
                assert client.read_reply().body == identity(1)
            assert client.closed()
    finally:
        held.open.set()
        assert daemon.terminate() == 0


# --- what the app says of the connection, and before its answer ---

@pytest.mark.parametrize("value, ends", [("close", True), ("X-A, Close", True), ("keep-alive", False)])
def test_connection_close_of_the_app_ends_the_clients(bridge, worker, connect, value, ends):
    worker.on_request = lambda link, _: link.send(whole_reply(b"bye", headers=[("Connection", value), ("X-A", "1")]))
    with connect(bridge()) as client:
        client.send(get(1))
        got = client.read_reply()
        assert got.body == b"bye" and got.closed == ends and got.header("connection") == ("close" if ends else None)
        if not ends:
            client.send(get(2))
            assert client.read_reply().body == b"bye"


@pytest.mark.parametrize("status, passed", [(102, True), (103, True), (199, True), (100, False)])
def test_interim_replies_of_the_worker_pass(bridge, worker, connect, status, passed):
    """At once, not with the answer. 100 is ours to say."""
    held = threading.Event()

    def act(link, request):
        link.send(reply(status, [("Link", "</a.css>; rel=preload"), ("Content-Length", "3"), ("Connection", "close")]))
        held.wait(5)
        link.send(whole_reply(identity(request.header("x-id"))))
    worker.on_request = act
    with connect(bridge()) as client:
        for number in (1, 2):
            held.clear()
            client.send(get(number))
            if passed:
                block = client._until(b"\r\n\r\n").decode()
                assert block.split(" ")[1] == str(status) and block.split("\r\n")[1:] == ["Link: </a.css>; rel=preload"]
            held.set()
            got = client.read_reply()
            assert got.interim == [] and got.body == identity(number)


def test_interim_replies_are_nothing_for_http_1_0(bridge, worker, connect):
    worker.on_request = lambda link, _: link.send(reply(103, [("Link", "x")]) + whole_reply(b"answer"))
    with connect(bridge()) as client:
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        got = client.read_reply()
        assert got.interim == [] and got.body == b"answer"


# --- clients that are slow on both sides ---

CHUNKS = 2 * queues.kernel_room() // 8000  # of 8000 bytes


def floods(link, request):
    """Answers at length before it has looked at the body."""
    def answer():
        link.send(reply())
        for _ in range(CHUNKS):
            link.send(chunk(bytes(8000)))
    writer = threading.Thread(target=answer)
    writer.start()
    body = link.packet()
    writer.join()
    if body is not None:
        link.send(end())


def posts_and_waits(bridge):
    """Its body does not come, its answer is not read until the bridge holds the worker back."""
    client = HttpClient(bridge.port, timeout=10)
    client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n")
    queues.settled(lambda: queues.queued(client.sock)[1], 0.5, 30)
    return client


def read_at_length(client):
    """How many bytes came, up to the last chunk or the end of the connection."""
    count, last = 0, b""
    while not last.endswith(b"\r\n0\r\n\r\n"):
        part = client.sock.recv(1 << 20)
        if not part:
            break
        count, last = count + len(part), last[-6:] + part
    return count


def test_who_reads_slowly_costs_the_worker_no_time(bridge, worker):
    """The reply timeout is the worker's: it does not run while we read nothing of the reply."""
    worker.on_request = floods
    daemon = bridge("timeouts: {reply: 1s, cping_silent: 0}")
    with posts_and_waits(daemon) as client:
        client.send(b"body")
        time.sleep(2)  # while nothing of the reply is read, so that nothing of it can be late
        got = read_at_length(client)
        assert got > CHUNKS * 8000, f"{got} bytes"
    assert "request_failed" not in daemon.output()


def test_a_body_that_stops_has_its_time_after_a_slow_read_too(bridge, worker):
    """What ran while the client read has not taken its place, nor that of a worker without a time."""
    worker.on_request = floods
    daemon = bridge("timeouts: {reply: 0, cping_silent: 0, body: 1s, write_stall: 60s}")
    with posts_and_waits(daemon) as client:
        assert read_at_length(client) > CHUNKS * 8000, "and then the connection ends"
    assert "no body in time" in daemon.output()
