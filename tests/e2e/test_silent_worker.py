# SPDX-License-Identifier: Apache-2.0
"""A worker that says nothing for long is asked, over the connection of the request, whether it still is at work."""
import socket
import struct
import time

import pytest

import ajpwire
from ajpwire import CPING, CPONG, AjpClient, chunk, end, get_body, reply, request, whole_reply
from procs import Daemon, poll
from rawhttp import HttpClient
from scripted import ScriptedWorker

KINDS = {"ajpbridge": "http", "ajpforward": "ajp"}
SILENT = 0.3  # s, what cping_silent is here


class Node(ScriptedWorker):
    """.script(link, request) is what it does with a request; .asked counts CPings in the midst of one."""

    def __init__(self, script=None, pong=True):
        self.asked = 0
        super().__init__(self.work, pong=pong)
        self.script = script

    def work(self, link, request):
        if request.uri == "/well":
            link.send(whole_reply(b"well"))
        else:
            self.script(link, request)

    def wait_for_cping(self, link, within=3):
        """The bytes of one, unanswered. Whether it came."""
        link.sock.settimeout(within)
        try:
            came = ajpwire.receive(link.sock, len(CPING))
        except TimeoutError:
            return False
        finally:
            link.sock.settimeout(None)
        assert came in (CPING, b""), came
        self.asked += came == CPING
        return came == CPING


ONE = pytest.mark.parametrize("start", ["ajpbridge"], indirect=True)  # both have the same end towards workers


@pytest.fixture(params=KINDS)
def start(request, tmp_path):
    """start(script, more settings): a daemon before a Node that does so, which it knows to answer CPings."""
    started = []

    def begin(script, more="", known=True, silent=int(SILENT * 1000), pong=True, reply="2s"):
        node = Node(script, pong)
        config = tmp_path / "daemon.yaml"
        config.write_text(f"listen:\n  - url: {KINDS[request.param]}://127.0.0.1:0\n"
                          f"workers:\n  - {{name: a, url: 'ajp://127.0.0.1:{node.port}'}}\nthreads: 1\n"
                          f"timeouts: {{cping_silent: {silent}ms, reply: {reply}{more}}}\n"
                          f"health: {{interval: {'100ms' if known else '1m'}}}\n")
        daemon = Daemon(request.param, "--config", config, log=tmp_path / "daemon.log", listeners=1)
        daemon.kind = request.param
        started.append((daemon, node))
        if known:
            poll(lambda: node.pings, what="the prober has asked it")
            time.sleep(0.1)
        return daemon, node
    yield begin
    for daemon, node in started:
        status = daemon.terminate()
        node.stop()
        assert status == 0 and not node.faults, (daemon.output(), node.faults)


class Answer:
    def __init__(self, status, body, complete, seconds):
        self.status, self.body, self.complete, self.seconds = status, bytes(body), complete, seconds


def ask(daemon, uri="/", headers=(), body=None):
    """One request; for a forwarder with a Content-Length of 0 as mod_jk has it, unless HEADERS say something."""
    began = time.monotonic()
    if daemon.kind == "ajpbridge":
        with HttpClient(daemon.port, timeout=10) as client:
            more = "".join(f"{name}: {value}\r\n" for name, value in headers)
            client.send(f"GET {uri} HTTP/1.1\r\nHost: h\r\nx-id: 1\r\n{more}\r\n".encode() + (body or b""))
            got = client.read_reply()
    else:
        with AjpClient(daemon.port, timeout=10) as client:
            fields = [("x-id", "1"), *(headers or [("content-length", "0")])]
            got = client.exchange(request(uri=uri, headers=fields), *([ajpwire.data(body)] if body else []))
    return Answer(got.status, got.body, got.complete, time.monotonic() - began)


def test_an_answer_that_is_lost_costs_seconds(start):
    def script(link, _):
        if link.worker.wait_for_cping(link):
            link.send(CPONG)  # the request is over, as in Tomcat when headers are larger than a packet

    daemon, node = start(script)
    got = ask(daemon)
    assert (got.status, got.complete) == (502, True)
    assert SILENT <= got.seconds < SILENT + 1
    poll(lambda: "worker ended the request without an answer" in daemon.output(), what="the log says so")
    assert node.executed["1"] == 1, "it is not executed again"
    assert ask(daemon, "/well").body == b"well" and "worker_health" not in daemon.output()


def test_a_reply_that_stops_for_ever_is_broken_off(start):
    def script(link, _):
        link.send(reply() + chunk(b"begun"))
        if link.worker.wait_for_cping(link):
            link.send(CPONG)

    daemon, _ = start(script)
    got = ask(daemon)
    assert (got.status, got.body, got.complete) == (200, b"begun", False)
    assert SILENT <= got.seconds < SILENT + 1


@pytest.mark.parametrize("behind", ["at once", "later", "in two parts"])
def test_a_slow_answer_comes_whole_and_its_connection_is_used_again(start, behind):
    def script(link, _):
        node = link.worker
        link.send(reply() + chunk(b"first "))
        assert node.wait_for_cping(link)
        time.sleep(2 * SILENT)
        link.send(chunk(b"second "))
        time.sleep(2 * SILENT)
        last = chunk(b"third") + end()
        if behind == "at once":
            link.send(last + CPONG)
        elif behind == "later":
            link.send(last)
            time.sleep(0.2)
            link.send(CPONG)
        else:
            link.send(last + CPONG[:2])
            time.sleep(0.2)
            link.send(CPONG[2:])

    daemon, node = start(script)
    got = ask(daemon)
    assert (got.status, got.body, got.complete) == (200, b"first second third", True)
    used = [link for link in node.links if link.requests]
    poll(lambda: used[0].quiet_since != float("inf"), what="the CPong went")
    time.sleep(0.2)  # and has come
    assert ask(daemon, "/well").body == b"well" and used[0].requests == 2, "its connection is used again"
    assert node.asked == 1, "one CPing for each request is enough"


@ONE
def test_a_connection_is_not_used_again_before_the_cpong_came(start):
    def script(link, _):
        assert link.worker.wait_for_cping(link)
        link.send(whole_reply(b"slow"))  # and no CPong, ever

    daemon, node = start(script, ", cping: 300ms")
    assert ask(daemon).body == b"slow"
    assert [ask(daemon, "/well").body for _ in range(3)] == [b"well"] * 3
    slow = next(link for link in node.links if link.requests)
    poll(lambda: not slow.open, 3, "it is closed when it does not come")
    assert slow.requests == 1 and "worker_health" not in daemon.output()


@ONE
def test_who_is_busy_is_waited_for_until_the_reply_timeout(start):
    def script(link, _):
        assert link.worker.wait_for_cping(link)
        link.packet()  # and nothing

    daemon, node = start(script)
    got = ask(daemon)
    assert got.status == 504 and 2 <= got.seconds < 3 and node.asked == 1


@pytest.mark.parametrize("headers, body", [
    ([("content-length", "3")], b"abc"),
    pytest.param([("Transfer-Encoding", "chunked")], None, id="chunked"),
])
def test_who_may_still_want_the_body_is_not_asked(start, headers, body):
    """Tomcat takes the next packet for a body packet then, whatever it is."""
    def script(link, request):
        if request.length is not None:
            assert link.packet() == b"\x00\x03abc"
        time.sleep(3 * SILENT)
        link.send(get_body())
        link.packet()
        link.send(whole_reply(b"read"))

    daemon, node = start(script)
    if daemon.kind == "ajpbridge" and body is None:
        body = b"0\r\n\r\n"
    assert ask(daemon, headers=headers, body=body).body == b"read"
    assert node.asked == 0


def test_the_end_of_a_body_that_was_asked_for_is_enough(start):
    def script(link, _):
        link.send(get_body())
        assert link.packet() in (b"\0\0", b"")
        if link.worker.wait_for_cping(link):
            link.send(CPONG)

    daemon, _ = start(script)
    headers, body = ([("Transfer-Encoding", "chunked")], b"0\r\n\r\n") if daemon.kind == "ajpbridge" else (
        [("x-a", "b")], None)
    assert ask(daemon, headers=headers, body=body).status == 502


@ONE
def test_who_never_answered_a_cping_is_not_asked(start):
    def script(link, _):
        assert not link.worker.wait_for_cping(link, 3 * SILENT)
        link.send(whole_reply(b"slow"))

    daemon, node = start(script, known=False)
    assert ask(daemon).body == b"slow" and node.asked == 0


@ONE
def test_who_comes_to_be_known_amid_a_request_is_asked_then(start):
    """A request may be sent before the first CPong of a worker: behind a start, say."""
    def script(link, _):
        node = link.worker
        assert not node.wait_for_cping(link, 2 * SILENT)
        node.pong = True
        node.links[0].send(CPONG)  # the prober's, who waits for it
        if node.wait_for_cping(link, 6):
            link.send(CPONG)

    daemon, node = start(script, pong=False, reply="8s")
    got = ask(daemon)
    assert (got.status, node.asked) == (502, 1) and got.seconds < 6


@ONE
def test_zero_asks_nobody(start):
    def script(link, _):
        assert not link.worker.wait_for_cping(link, 3 * SILENT)
        link.send(whole_reply(b"slow"))

    daemon, node = start(script, silent=0)
    assert ask(daemon).body == b"slow" and node.asked == 0


@ONE
def test_who_takes_it_for_disorder_is_asked_once(start):
    def script(link, _):
        if link.worker.wait_for_cping(link, 3 * SILENT):
            link.close(reset=True)
        else:
            link.send(whole_reply(b"slow"))

    daemon, node = start(script)
    assert ask(daemon).status == 502
    assert ask(daemon).body == b"slow" and node.asked == 1
    poll(lambda: "cping_silent_off worker=a" in daemon.output(), what="the log says so")


@ONE
def test_a_reply_that_breaks_off_when_asked_may_be_chance(start):
    """A forwarder breaks it off when its own worker has lost the rest. Three in a row are none."""
    def script(link, _):
        link.send(reply(headers=[("Content-Type", "text/plain")]) + chunk(b"begun"))
        if link.worker.wait_for_cping(link, 3 * SILENT):
            link.close(reset=True)
        else:
            link.send(chunk(b" and ended") + end())

    daemon, node = start(script)
    got = [bytes(ask(daemon).body) for _ in range(4)]
    assert got == [b"begun"] * 3 + [b"begun and ended"] and node.asked == 3
    assert daemon.output().count("cping_silent_off worker=a") == 1


def test_a_web_server_that_asks_and_then_leaves_is_noticed(tmp_path):
    """As the bridge does to a forwarder whose worker is silent."""
    def script(link, _):
        link.worker.left = link.packet() is None

    with Node(script) as node:
        node.left = None
        daemon = Daemon("ajpforward", "--listen", "ajp://127.0.0.1:0", "--worker", f"a=ajp://127.0.0.1:{node.port}",
                        log=tmp_path / "log")
        for _ in range(2):
            client = AjpClient(daemon.port)
            client.send(request(headers=[("content-length", "0")]))
            poll(lambda: node.requests, what="it is at work")
            client.send(CPING)
            time.sleep(0.2)
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            poll(lambda: node.left, 3, "the worker is told at once")
            node.left, node.requests = None, []
        assert daemon.terminate() == 0


def test_a_forwarder_that_is_asked_answers_behind_the_reply(tmp_path):
    def script(link, _):
        time.sleep(0.3)
        link.send(whole_reply(b"slow"))

    with Node(script) as node:
        daemon = Daemon("ajpforward", "--listen", "ajp://127.0.0.1:0", "--worker", f"a=ajp://127.0.0.1:{node.port}",
                        log=tmp_path / "log")
        with AjpClient(daemon.port) as client:
            for _ in range(3):
                client.send(request(headers=[("content-length", "0")]))
                time.sleep(0.1)
                client.send(CPING)
                assert client.read_reply().body == b"slow"
                assert ajpwire.receive(client.sock, len(CPONG)) == CPONG
        assert daemon.terminate() == 0
