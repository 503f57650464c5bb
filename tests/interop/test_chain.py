# SPDX-License-Identifier: Apache-2.0
"""HTTP -> ajpbridge -> ajpforward -> two replicated Tomcats, and each daemon alone before them."""
import signal
import socket
import threading
import time
import uuid

import pytest

from procs import poll, workers
from web import Client, crc32, pattern

MIB = 1 << 20


@pytest.fixture
def client(bridge):
    with Client(bridge.port) as client:
        yield client


@pytest.fixture(scope="module")
def lone_bridge(tomcats, spawn):
    """ajpbridge right before the two Tomcats."""
    return spawn("ajpbridge", "--listen", "http://127.0.0.1:0", *workers({n.name: n.ajp for n in tomcats}))


def test_hundred_requests_of_a_session_stay_on_one_node(client):
    seen = [client.get("/session").json for _ in range(100)]
    assert len({s["node"] for s in seen}) == 1
    assert [s["count"] for s in seen] == list(range(1, 101))


def test_a_session_in_the_path_sticks_too(bridge):
    with Client(bridge.port) as first:
        home = first.get("/session").json
    for _ in range(20):
        with Client(bridge.port) as client:  # a new connection and no cookie each time
            seen = client.get(f"/session;jsessionid={home['session']}").json
        assert (seen["node"], seen["session"]) == (home["node"], home["session"])
    assert seen["count"] == 21


def test_new_sessions_are_spread_over_both_nodes(bridge):
    nodes = set()
    for _ in range(20):
        with Client(bridge.port) as client:
            nodes.add(client.get("/session").json["node"])
    assert nodes == {"nodeA", "nodeB"}


def test_the_bridge_alone_sticks_too(lone_bridge):
    for _ in range(6):
        with Client(lone_bridge.port) as client:
            seen = [client.get("/session").json for _ in range(10)]
        assert len({s["node"] for s in seen}) == 1
        assert seen[-1]["count"] == 10


def test_request_arrives_whole(client):
    seen = client.get("/echo/a%20b;x=1?q=%26&r", headers={"X-Test": "one two", "Host": "shop.example:8443"}).json
    headers = [[name.lower(), value] for name, value in seen["headers"]]
    assert (seen["method"], seen["uri"], seen["query"]) == ("GET", "/echo/a%20b;x=1", "q=%26&r")
    assert (seen["remote_addr"], seen["server_name"], seen["server_port"]) == ("127.0.0.1", "shop.example", 8443)
    assert ["x-test", "one two"] in headers and ["host", "shop.example:8443"] in headers


@pytest.mark.release
@pytest.mark.parametrize("chain", ["bridge", "lone_bridge"])
def test_bodies_of_any_size_in_little_memory(request, chain, forwarder):
    front = request.getfixturevalue(chain)
    with Client(front.port, timeout=120) as client:
        up = pattern(MIB)
        assert client.post("/upload", up).json == {"length": MIB, "crc32": crc32(up)}
        halves = iter([up[:300_000], up[300_000:]])
        assert client.post("/upload", halves, headers={"Transfer-Encoding": "chunked"},
                           chunked=True).json == {"length": MIB, "crc32": crc32(up)}
        client.http.request("GET", f"/bytes/{100 * MIB}")
        answer = client.http.getresponse()
        length, crc = 0, 0
        while part := answer.read(1 << 16):
            length, crc = length + len(part), crc32(part, crc)
        assert (length, crc) == (100 * MIB, crc32(pattern(100 * MIB)))
    assert front.peak_rss() < 64 * MIB
    assert forwarder.peak_rss() < 64 * MIB


@pytest.mark.release
def test_a_client_that_reads_slowly_holds_the_answer_back(bridge, forwarder):
    """Back-pressure: 100 MiB for a client that does not read stay in the app server."""
    with socket.create_connection(("127.0.0.1", bridge.port)) as sock:
        sock.sendall(f"GET /bytes/{100 * MIB} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert sock.recv(100)
        time.sleep(1)  # not for luck: a daemon without back-pressure needs that time to swell
        assert bridge.peak_rss() < 64 * MIB
        assert forwarder.peak_rss() < 64 * MIB


def test_head_and_empty_answers_keep_the_connection(client):
    etag = client.get("/static.txt").headers["ETag"]
    head = client.request("HEAD", "/bytes/5000")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", "5000")
    sock = client.http.sock
    assert client.get("/status/204").status == 204
    unchanged = client.get("/static.txt", headers={"If-None-Match": etag})
    assert (unchanged.status, unchanged.body) == (304, b"")
    assert client.get("/bytes/10").body == pattern(10)
    assert client.http.sock is sock


def test_flushed_parts_come_as_they_are_written(client):
    client.http.request("GET", "/flush/6")
    answer = client.http.getresponse()
    assert answer.read(7) == b"part 0\n"
    first = time.monotonic()
    assert answer.read() == b"".join(b"part %d\n" % i for i in range(1, 6))
    assert time.monotonic() - first > 0.2  # written over half a second


def test_unread_body_does_not_disturb(client):
    for _ in range(5):
        assert client.post("/ignore", pattern(200_000)).json == {"read": False}
        assert client.get("/echo?after").json["query"] == "after"


def test_expect_100_continue(bridge):
    with socket.create_connection(("127.0.0.1", bridge.port), 10) as sock:
        sock.sendall(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert sock.recv(1000).startswith(b"HTTP/1.1 100 ")
        sock.sendall(b"hello")
        answer = b""
        while b'"length":5' not in answer:
            part = sock.recv(10000)
            assert part, answer
            answer += part


@pytest.mark.parametrize("chain", ["bridge", "lone_bridge"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_that_vanishes_is_no_end_of_body(request, tomcats, chain, chunked):
    front = request.getfixturevalue(chain)
    key = uuid.uuid4().hex
    framing = "Transfer-Encoding: chunked" if chunked else "Content-Length: 100000"
    sock = socket.create_connection(("127.0.0.1", front.port))
    sock.sendall(f"POST /upload/{key} HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n".encode())
    sock.sendall(b"4e20\r\n" + b"x" * 20000 + b"\r\n" if chunked else b"x" * 20000)

    def states():
        seen = []
        for node in tomcats:
            with Client(node.http) as direct:
                seen.append(direct.get(f"/ended/{key}").json["ended"])
        return [s for s in seen if s]
    poll(lambda: states() == ["reading"], what="Tomcat reads the upload")
    sock.close()
    poll(lambda: states() != ["reading"], what="Tomcat is told")
    assert states() == ["broken"]
    with Client(front.port) as client:
        assert client.get("/bytes/10").body == pattern(10)


MALFORMED = {
    "no version": b"GET /\r\n\r\n",
    "space in the name": b"GET / HTTP/1.1\r\nHost: x\r\nBad Name: 1\r\n\r\n",
    "two lengths": b"POST /upload/malformed HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "length and chunked": b"POST /upload/malformed HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                          b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "length is no number": b"POST /upload/malformed HTTP/1.1\r\nHost: x\r\nContent-Length: 5x\r\n\r\nhello",
    "unknown coding": b"POST /upload/malformed HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "NUL in a value": b"GET /echo/malformed HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n",
    "no host": b"GET /echo/malformed HTTP/1.1\r\n\r\n",
    "noise": b"\x00\x01\x02\x03" * 100 + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_requests_are_refused_and_do_not_disturb(bridge, tomcats, name):
    with socket.create_connection(("127.0.0.1", bridge.port), 10) as sock:
        sock.sendall(MALFORMED[name])
        answer = b""
        while part := sock.recv(10000):  # the daemon closes
            answer += part
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 ", b"HTTP/1.0 400 ")), answer
    assert answer.count(b"HTTP/1.") == 1
    with Client(bridge.port) as client:
        assert client.get("/bytes/10").body == pattern(10)
    assert tomcats.requests("/upload/malformed") + tomcats.requests("/echo/malformed") == 0


def test_malformed_chunk_is_no_end_of_body(bridge, tomcats):
    key = uuid.uuid4().hex
    with socket.create_connection(("127.0.0.1", bridge.port), 10) as sock:
        sock.sendall(f"POST /upload/{key} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "5\r\nhello\r\nzz\r\n".encode())
        while sock.recv(10000):
            pass
    for node in tomcats:
        with Client(node.http) as direct:
            assert not (direct.get(f"/ended/{key}").json["ended"] or "").startswith("eof")
    with Client(bridge.port) as client:
        assert client.get("/bytes/10").body == pattern(10)


def test_many_clients_at_once_get_their_own_answers(bridge):
    wrong = []

    def visit(number):
        with Client(bridge.port, timeout=60) as client:
            for i in range(20):
                size = 1 + (number * 7919 + i * 104729) % 40000
                if client.get(f"/bytes/{size}").body != pattern(size):
                    wrong.append((number, i))
                if client.get(f"/echo?{number}.{i}").json["query"] != f"{number}.{i}":
                    wrong.append((number, i))
    threads = [threading.Thread(target=visit, args=(n,)) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("which", ["ajpbridge", "ajpforward"])
def test_sigterm_lets_the_request_end_and_exits_0(tomcats, spawn, which):
    nodes = workers({n.name: n.ajp for n in tomcats})
    if which == "ajpforward":
        daemon = spawn("ajpforward", "--listen", "ajp://127.0.0.1:0", *nodes)
        front = spawn("ajpbridge", "--listen", "http://127.0.0.1:0", *workers({"f": daemon.port}))
    else:
        daemon = front = spawn("ajpbridge", "--listen", "http://127.0.0.1:0", *nodes)
    path = f"/slow/{700 if which == 'ajpbridge' else 701}"
    with Client(front.port) as client:
        client.http.request("GET", path)
        time.sleep(0.2)  # the request is on its way and takes longer than that
        daemon.popen.send_signal(signal.SIGTERM)
        assert client.http.getresponse().status == 200
    assert daemon.popen.wait(10) == 0


@pytest.mark.kills_node
@pytest.mark.parametrize("attempt", [1, 2])
def test_kill_9_of_the_node_loses_no_later_request(tomcats, bridge, attempt):
    with Client(bridge.port) as client:
        seen = [client.get("/session").json for _ in range(10)]
        home = tomcats.by_name(seen[-1]["node"])
        other = tomcats.other(home)
        home.kill()
        try:
            for number in range(11, 31):
                answer = client.get("/session")
                assert answer.status == 200
                assert (answer.json["node"], answer.json["count"]) == (other.name, number)
            for _ in range(20):  # new sessions find the node that is left
                with Client(bridge.port) as another:
                    assert another.get("/session").json["node"] == other.name
        finally:
            home.start()
            tomcats.wait_for_copies()


@pytest.mark.kills_node
def test_a_node_that_comes_back_is_used_again(tomcats, bridge):
    victim = tomcats.nodes[0]
    victim.kill()
    with Client(bridge.port) as client:
        for _ in range(5):
            assert client.get("/echo").json["node"] == tomcats.nodes[1].name
    victim.start()
    tomcats.wait_for_copies()

    def used():
        with Client(bridge.port) as client:
            return client.get("/echo").json["node"] == victim.name
    poll(used, 40, f"{victim.name} gets requests again")
