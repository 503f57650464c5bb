# SPDX-License-Identifier: Apache-2.0
"""A real Tomcat that is long in answering, in every way that servlets have, and one that never does: the former is
waited for, the latter found out by a CPing over the very connection."""
import concurrent.futures
import time

import pytest

from ajpwire import AjpClient, attribute, request
from procs import poll
from rawhttp import HttpClient
from tomcat import Alone

KINDS = ("ajpbridge", "ajpforward", "both")
SILENT = 1  # s, until a worker is asked here
SLOW = 4000  # ms of silence of the slow servlets: several times as long
QUERY = 5


@pytest.fixture(scope="module")
def node(folder):
    path = folder("alone")
    path.mkdir()
    tomcat = Alone(path)
    try:
        yield tomcat.start()
    finally:
        tomcat.stop()


def daemon(spawn, folder, name, ajp, more=""):
    """A bridge or forwarder whose worker is at that port."""
    scheme = {"ajpbridge": "http", "ajpforward": "ajp"}[name]
    config = folder("config.yaml")
    config.write_text(f"listen:\n  - url: {scheme}://127.0.0.1:0\n"
                      f"workers:\n  - {{name: nodeA, url: 'ajp://127.0.0.1:{ajp}'}}\n{more}")
    return spawn(name, "--config", config, listeners=1)


@pytest.mark.parametrize("page", ["read-first", "read-late"])
def test_a_health_page_that_reads_its_input_keeps_the_worker_up(node, spawn, folder, page):
    bridge = daemon(spawn, folder, "ajpbridge", node.ajp,
                    f"health: {{path: '/silence/{page}?0', body: read 0, interval: 100ms}}\n")
    time.sleep(1.5)  # so many times it is asked
    assert "worker_health" not in bridge.output()


@pytest.fixture(scope="module", params=KINDS)
def front(request, node, spawn, folder):
    """A bridge, a forwarder, or a bridge before a forwarder."""
    more = f"timeouts: {{cping_silent: {SILENT}s, reply: 30s}}\nhealth: {{interval: 300ms}}\n" \
           "log: {level: debug}\n"
    port = node.ajp
    for name in ("ajpforward", "ajpbridge") if request.param == "both" else (request.param,):
        last = daemon(spawn, folder, name, port, more)
        port = last.port
    last.http = request.param != "ajpforward"
    time.sleep(1.5)  # the prober gets its first CPong
    yield last
    assert "worker_health" not in last.output() and "cping_silent_off" not in last.output()


def ask(front, page, ms=0, body=None, repeat=1):
    """The replies to one request, sent REPEAT times over one connection, and the seconds that they took."""
    began, replies = time.monotonic(), []
    length = "0" if body is None else str(len(body))
    if front.http:
        head = f"{'GET' if body is None else 'POST'} /silence/{page}?{ms} HTTP/1.1\r\nHost: h\r\n"
        head += "" if body is None else f"Content-Length: {length}\r\n"
        with HttpClient(front.port, timeout=40) as client:
            for _ in range(repeat):
                client.send(f"{head}\r\n".encode() + (body or b""))
                replies.append(client.read_reply())
    else:
        packet = request("GET" if body is None else "POST", f"/silence/{page}", attributes=attribute(QUERY, str(ms)),
                         headers=[("content-length", length)])
        with AjpClient(front.port, timeout=40) as client:
            for _ in range(repeat):
                replies.append(client.exchange(packet, *([b"\x12\x34" + (len(body) + 2).to_bytes(2, "big") +
                                                          len(body).to_bytes(2, "big") + body] if body else [])))
    return replies, time.monotonic() - began


@pytest.mark.parametrize("page, status, body", [("wide", 502, None), ("thrown", 200, b"begun\n")])
def test_an_answer_that_tomcat_never_gives_costs_seconds(front, page, status, body):
    (reply,), seconds = ask(front, page)
    assert reply.status == status and SILENT <= seconds < SILENT + 3
    if body:
        assert reply.body == body and not reply.complete, "it ends as what is not whole"


def test_no_slow_answer_is_cut(front):
    """Blocking and asynchronous servlets, with silences longer than it takes until Tomcat is asked; all at once, and
    each twice over one connection: what was asked over it must not trouble the next request."""
    rows = [("sleep", SLOW, None, b"slept"), ("async", SLOW, None, b"async"), ("dispatch", SLOW, None, b"dispatched"),
            ("events", SLOW // 2, None, b"data: 0\n\ndata: 1\n\ndata: end\n\n"),
            ("non-blocking", SLOW, None, b"read 0"), ("read-late", SLOW, None, b"read 0"),
            ("read-first", SLOW, None, b"read 0"), ("sleep", SLOW, b"abc", b"slept"),
            ("read-late", SLOW, b"abc", b"read 3"), ("read-first", SLOW, b"abc", b"read 3"),
            ("non-blocking", SLOW, b"abc", b"read 3"), ("async", SLOW, b"abc", b"async")]
    with concurrent.futures.ThreadPoolExecutor(len(rows)) as pool:
        asked = [pool.submit(ask, front, page, ms, body, 2) for page, ms, body, _ in rows]
    for (page, ms, body, expected), done in zip(rows, asked):
        replies, seconds = done.result()
        assert [(r.status, bytes(r.body), r.complete) for r in replies] == [(200, expected, True)] * 2, (page, body)
        assert seconds >= 2 * ms / 1000
    bodiless = 2 * sum(body is None for *_, body, _ in rows)
    poll(lambda: front.output().count(" cping_silent ") >= bodiless, what="each of them was asked about")
