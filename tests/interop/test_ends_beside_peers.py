# SPDX-License-Identifier: Apache-2.0
"""Half-close, the last answer, slow uploads and abandoned requests: beside HAProxy and httpd in the same test. Ours
is never worse than the better of the two."""
import http.server
import json
import socket
import threading
import time

import pytest

from ajpwire import chunk, end, reply, whole_reply
from haproxy import Haproxy
from httpd import PROXY, Httpd
from procs import Daemon
from rawhttp import HttpClient
from scripted import ScriptedWorker

pytestmark = pytest.mark.release

BIG = b"x" * 3000000
COUNT = 10


class App(http.server.BaseHTTPRequestHandler):
    """What the scripted AJP worker does, over HTTP, for HAProxy."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def body(self):
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        parts = b""
        while (length := int(self.rfile.readline(), 16)) > 0:
            parts += self.rfile.read(length)
            self.rfile.readline()
        self.rfile.readline()
        return parts

    def answer(self):
        if self.path == "/late":
            time.sleep(0.1)
        body = reply_to(self.path, self.body())
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer


def reply_to(path, body):
    if path == "/slow":
        time.sleep(0.3)
    return BIG if path == "/big" else b"%s %d" % (path.encode(), len(body))


def act(link, request):
    if request.uri == "/late":
        time.sleep(0.1)
    body = link.body(request)
    if body is not None:
        link.send(whole_reply(reply_to(request.uri, body)) if request.uri != "/big" else big())


def big():
    return (reply(headers=[("Content-Length", str(len(BIG)))]) +
            b"".join(chunk(BIG[i:i + 8000]) for i in range(0, len(BIG), 8000)) + end())


class AppServer(http.server.ThreadingHTTPServer):
    daemon_threads, request_queue_size = True, 128

    def __init__(self):
        super().__init__(("127.0.0.1", 0), App)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def handle_error(self, *_):
        """HAProxy resets what it does not need any more."""

    def stop(self):
        self.shutdown()
        self.server_close()


@pytest.fixture(scope="module")
def peers(folder):
    """Ports by name; each gives its clients a second between two bytes."""
    app = AppServer()
    with ScriptedWorker(act) as worker:
        started = {
            "haproxy": Haproxy(folder("haproxy"), app.server_address[1], timeout="1s"),
            "httpd": Httpd(folder("httpd"), "proxy", worker.port, mount=PROXY + "Timeout 1\n"),
            "ours": Daemon("ajpbridge", "--listen", "http://127.0.0.1:0", "--worker",
                           f"a=ajp://127.0.0.1:{worker.port}", "--body-timeout", "1s", log=folder("bridge.log"))}
        yield {name: peer.port for name, peer in started.items()}
        for peer in started.values():
            peer.stop() if hasattr(peer, "stop") else peer.terminate()
    app.stop()


def beside(peers, case):
    """What CASE gives at each of them, all at once; printed, and ours must be the best."""
    got = {}

    def one(name, port):
        got[name] = case(port)
    threads = [threading.Thread(target=one, args=item) for item in peers.items()]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print(got)
    assert got["ours"] >= max(got["haproxy"], got["httpd"]), got
    return got


def post(path, chunked):
    head = "Transfer-Encoding: chunked" if chunked else "Content-Length: 20000"
    body = b"4e20\r\n%s\r\n0\r\n\r\n" % (b"x" * 20000) if chunked else b"x" * 20000
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode() + body


HALF_CLOSED = {
    "50 GETs": [b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"] * 50,
    "a chunked POST": [post("/a", True)],
    "a POST": [post("/a", False)],
    "a chunked POST that is read late": [post("/late", True)],
    "a POST that is read late": [post("/late", False)],
}


@pytest.mark.parametrize("asked", HALF_CLOSED.values(), ids=HALF_CLOSED)
def test_half_close(peers, asked):
    """Answers behind a FIN."""
    def case(port):
        with HttpClient(port) as client:
            client.send(b"".join(asked))
            client.sock.shutdown(socket.SHUT_WR)
            whole = 0
            while whole < len(asked) and client.read_reply().complete:
                whole += 1
            return whole
    assert beside(peers, case)["ours"] == len(asked)


def test_the_last_answer(peers):
    """A CRLF 5 ms behind the last request, 3 MB answered: how often all of it comes."""
    def case(port):
        whole = 0
        for _ in range(COUNT):
            with HttpClient(port) as client:
                client.send(b"GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                time.sleep(0.005)
                client.send(b"\r\n")
                time.sleep(0.1)
                whole += client.read_reply().body == BIG
        return whole
    assert beside(peers, case)["ours"] == COUNT


def test_a_slow_upload(peers):
    """Ten bytes, one each third of a second; a second is allowed between two."""
    def case(port):
        with HttpClient(port) as client:
            client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
            try:
                for _ in range(10):
                    time.sleep(0.33)
                    client.send(b"x")
            except ConnectionError:
                return 0
            return int(client.read_reply().body == b"/a 10")
    assert beside(peers, case)["ours"] == 1


def test_abandoned_requests_beside_abortonclose(folder):
    """Five that left before a fresh one, one connection to the app: how long that one waits."""
    app = AppServer()
    with ScriptedWorker(act) as worker:
        file = folder("bridge.yaml")
        file.write_text("listen:\n  - url: http://127.0.0.1:0\nworkers:\n  - name: a\n"
                        f"    url: ajp://127.0.0.1:{worker.port}\n    max_connections: 1\n")
        bridge = Daemon("ajpbridge", "--config", file, log=folder("bridge.log"), listeners=1)
        haproxy = Haproxy(folder("haproxy"), app.server_address[1], maxconn=1, more="    option abortonclose")
        waited = {}
        try:
            for name, port in {"haproxy": haproxy.port, "ours": bridge.port}.items():
                slow = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"
                with HttpClient(port) as first, HttpClient(port) as fresh:
                    first.send(slow)
                    time.sleep(0.1)
                    for _ in range(5):
                        with HttpClient(port) as leaver:
                            leaver.send(slow)
                    start = time.monotonic()
                    fresh.send(slow)
                    assert fresh.read_reply().status == 200
                    waited[name] = round(time.monotonic() - start, 1)
        finally:
            haproxy.stop()
            bridge.terminate()
            app.stop()
    print(waited)
    assert waited["ours"] < 1.2 and waited["ours"] <= waited["haproxy"] + 0.3, waited


@pytest.fixture(scope="module")
def before_tomcat(tomcats, spawn):
    return spawn("ajpbridge", "--listen", "http://127.0.0.1:0", "--threads", "1", "--worker",
                 f"a=ajp://127.0.0.1:{next(iter(tomcats)).ajp}").port


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_tomcat_reads_a_slow_body_before_a_half_close(before_tomcat, chunked):
    """Packets of ten bytes, the first of them unasked where the length is known: Tomcat takes each for what it is."""
    with HttpClient(before_tomcat) as client:
        head = "Transfer-Encoding: chunked" if chunked else "Content-Length: 30"
        client.send(f"POST /upload HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode())
        for _ in range(3):
            time.sleep(0.05)
            client.send(b"a\r\n0123456789\r\n" if chunked else b"0123456789")
        client.send(b"0\r\n\r\n" if chunked else b"")
        client.sock.shutdown(socket.SHUT_WR)
        got = client.read_reply()
        assert got.status == 200 and json.loads(got.body)["length"] == 30
        assert got.closed or not client._more()


def test_tomcat_ignores_an_upload_of_which_a_part_has_come(before_tomcat):
    """It has one packet to read behind its answer; the connections on both sides go on."""
    with HttpClient(before_tomcat) as client:
        for _ in range(3):
            client.send(b"POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 8000\r\n\r\n" + b"x" * 100)
            assert json.loads(client.read_reply().body) == {"read": False}
            client.send(b"x" * 7900 + b"GET /echo/behind HTTP/1.1\r\nHost: x\r\n\r\n")
            got = client.read_reply()
            assert got.status == 200 and b"/behind" in got.body, got
