# SPDX-License-Identifier: Apache-2.0
"""Clients that leave within their reply (S11a): the rest is thrown away if it is short and comes soon, and the
worker's connection goes on; else it is closed. Never does the next client get any of it."""
import socket
import struct
import threading
import time

import pytest

from ajpwire import AjpClient, chunk, data, end, get_body, reply, request
from procs import poll
from rawhttp import HttpClient
from scripted import identity

TOTAL = 35000
HEAD = reply(headers=[("Content-Length", str(TOTAL))]) + chunk(b"a" * 5000)
SHORT = b"".join(chunk(b"r" * 5000) for _ in range(6))


@pytest.fixture(scope="module", params=["ajpbridge", "ajpforward"])
def stage(request, guarded, scripted):
    class Stage:
        name, go, rest, mode, links = request.param, threading.Event(), b"", "whole", []

        @staticmethod
        def play(link, rq):
            if rq.uri != "/left":
                Stage.worker.good(link, rq)
                return
            Stage.links.append(link)
            if rq.method == "POST":
                link.body(rq)
            link.send(HEAD)
            assert Stage.go.wait(20)
            if isinstance(Stage.rest, (int, float)):
                time.sleep(Stage.rest)
            else:
                link.send(Stage.rest, Stage.mode)

        @staticmethod
        def connect():
            return (HttpClient if Stage.name == "ajpbridge" else AjpClient)(Stage.daemon.port)

        @staticmethod
        def packets(path, number, method="GET", body=b""):
            if Stage.name == "ajpbridge":
                return (f"{method} {path} HTTP/1.1\r\nHost: x\r\nX-Id: {number}\r\nContent-Length: {len(body)}\r\n\r\n"
                        .encode() + body)
            return request_of(method, path, headers=[(0xA008, str(len(body))), ("x-id", str(number))]) + (
                data(body) if body else b"")

        @staticmethod
        def good(number):
            with Stage.connect() as client:
                got = client.exchange(Stage.packets("/good", number))
                assert got.complete and got.body == identity(number), got
    Stage.worker = scripted(Stage.play)
    Stage.daemon = guarded(Stage.name, {"w": Stage.worker.port}, "--cping-idle", "0")
    return Stage


request_of = request  # pytest's own is another


def leave(stage, number, rest, mode="whole", method="GET", body=b""):
    """A client that leaves with 5000 bytes of its reply; then the worker goes on. Returns the worker's link."""
    stage.go.clear()
    stage.rest, stage.mode = rest, mode
    client = stage.connect()
    client.send(stage.packets("/left", number(), method, body))
    got = 0
    while got < 5000:
        got += len(client.sock.recv(65536))
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    time.sleep(0.01)  # the daemon sees it meanwhile, mostly
    stage.go.set()
    return stage.links[-1]


@pytest.mark.parametrize("mode", ["whole", "split"])
@pytest.mark.parametrize("method, body", [("GET", b""), ("POST", b"x" * 3000)], ids=["GET", "POST"])
def test_a_short_rest_is_thrown_away(stage, number, mode, method, body):
    kept = 0
    for _ in range(10):
        link = leave(stage, number, SHORT + end(), mode, method, body)
        poll(lambda: link.quiet_since != float("inf") or not link.open, 5, "the worker has said it all")
        time.sleep(0.01)
        served = link.requests
        stage.good(number())
        kept += link.requests == served + 1
    assert kept >= 3, "the connection goes on; but for a slow machine, each time"
    assert stage.worker.faults == [] and "to=suspect" not in stage.daemon.output()


@pytest.mark.parametrize("rest", [0.5, b"".join(chunk(b"r" * 8000) for _ in range(20)) + end(), SHORT + get_body(), SHORT + b"XY",
                                  SHORT + end() + b"A", SHORT + end(0), SHORT + reply() + end()],
                         ids=["late", "long", "body asked for", "junk", "stray byte behind the end", "reuse 0", "headers twice"])
def test_else_the_connection_is_closed(stage, number, rest):
    """Long: more than 64 KiB. Late: more than a tenth of a second."""
    link = leave(stage, number, rest)
    poll(lambda: not link.open, 5, "the connection ends")
    served = link.requests
    stage.good(number())
    assert link.requests == served, "it is not used again"
    assert stage.worker.faults == [] and "to=suspect" not in stage.daemon.output()
