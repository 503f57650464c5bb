# SPDX-License-Identifier: Apache-2.0
"""Random conversations on one connection: requests one behind the other, bodies in every framing, cut
anywhere, answered early or late. Each reply must be the one to its own request, in order."""
import random
import time

import pytest

import ajpwire
from ajpwire import AjpClient, BODY_END, data, request, whole_reply
from rawhttp import HttpClient
from scripted import Link, identity

ROUNDS = 60


def answer(link, request):
    """/good reads the body; /early answers first, and takes the body packet that it is owed after; /size/N has
    a body of N bytes in random pieces."""
    number = request.header("x-id")
    kind = request.uri.split("/")[1]
    if kind == "early":
        link.send(whole_reply(identity(number)))
        if request.length:
            link.packet()
    elif kind == "size":
        body = sized(number, int(request.uri.split("/")[2]))
        if link.body(request) is None:
            return
        parts, at, chosen = [], 0, random.Random(number)
        while at < len(body):
            step = chosen.choice([1, 7, 100, 4096, 8184])
            parts.append(ajpwire.chunk(body[at:at + step]))
            at += step
        length = [("Content-Length", str(len(body)))] if chosen.random() < 0.5 else []
        link.send(ajpwire.reply(headers=length) + b"".join(parts) + ajpwire.end())
    else:
        body = link.body(request)
        if body is not None:
            link.send(whole_reply(identity(number, body)))


def sized(number, length):
    return (f"<{number}>" * (length // 4 + 1)).encode()[:length]


def plan(chosen, number):
    """(method, path, body, expected)"""
    mine = number()
    kind = chosen.choice(["good", "good", "early", "size"])
    method = chosen.choice(["GET", "POST", "POST", "HEAD", "PUT"])
    body = b"b" * chosen.choice([1, 10, 1000, 8186, 8187, 30000]) if method in ("POST", "PUT") else b""
    if kind == "size":
        length = chosen.choice([0, 1, 100, 8184, 50000, 200000])
        return mine, method, f"/size/{length}", body, sized(str(mine), length)
    return mine, method, f"/{kind}", body, identity(mine, body if kind == "good" else b"")


@pytest.fixture(scope="module")
def worker(scripted):
    return scripted(answer)


def http_bytes(chosen, mine, method, path, body):
    head = f"{method} {path} HTTP/1.1\r\nHost: h\r\nX-Id: {mine}\r\n"
    if body and chosen.random() < 0.5:
        out, at = f"{head}Transfer-Encoding: chunked\r\n\r\n".encode(), 0
        while at < len(body):
            part = body[at:at + chosen.choice([1, 100, 5000, 20000])]
            out += b"%x\r\n%s\r\n" % (len(part), part)
            at += len(part)
        return out + b"0\r\n\r\n"
    length = f"Content-Length: {len(body)}\r\n" if method in ("POST", "PUT") else ""
    return f"{head}{length}\r\n".encode() + body


def send_cut(chosen, sock, packet):
    link = Link(None, sock, 0)
    link.send(packet, chosen.choice(["whole", "whole", "split"] + ["bytes"] * (len(packet) < 300)))


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_over_http(guarded, worker, number, seed, daemons):
    chosen = random.Random(seed)
    bridge = daemons("ajpbridge")
    plans = [plan(chosen, number) for _ in range(chosen.randrange(1, 7))]
    with HttpClient(bridge.port) as client:
        if chosen.random() < 0.5:  # all of them before the first answer is read
            total = b"".join(http_bytes(chosen, *p[:4]) for p in plans)
            if len(total) < 100000:
                send_cut(chosen, client.sock, total)
                for mine, method, path, body, expected in plans:
                    got = client.read_reply(head=method == "HEAD")
                    if got.status is None and client.closed():
                        return  # a body that nobody wanted may end the connection, with no reply cut
                    assert got.complete and got.status == 200, got
                    assert got.body == (b"" if method == "HEAD" else expected)
                return
        for mine, method, path, body, expected in plans:
            try:
                send_cut(chosen, client.sock, http_bytes(chosen, mine, method, path, body))
            except ConnectionError:
                pass
            got = client.read_reply(head=method == "HEAD")
            assert got.complete and got.status == 200, (method, path, len(body), got)
            assert got.body == (b"" if method == "HEAD" else expected)
            if got.closed:
                break
    assert worker.faults == []


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_over_ajp(guarded, worker, number, seed, daemons):
    chosen = random.Random(seed)
    forwarder = daemons("ajpforward")
    with AjpClient(forwarder.port) as client:
        for _ in range(chosen.randrange(1, 7)):
            mine, method, path, body, expected = plan(chosen, number)
            known = chosen.random() < 0.6
            headers = [("x-id", str(mine))]
            if method in ("POST", "PUT"):
                headers.append((0xA008, str(len(body))) if known else ("transfer-encoding", "chunked"))
            packets, at = [], 0
            while at < len(body):
                size = chosen.choice([1, 100, 8186, 8186, 8186])
                packets.append(data(body[at:at + size]))
                at += size
            unknown_body = method in ("POST", "PUT") and not known
            if len(packets) > 300:
                continue
            send_cut(chosen, client.sock, request(method, path, headers=headers))
            if packets and not unknown_body:
                send_cut(chosen, client.sock, packets.pop(0))
            got = client.read_reply([*packets, BODY_END])
            if path == "/early" and unknown_body:
                expected = identity(mine)
            assert got.complete and got.status == 200, (method, path, len(body), got)
            assert got.body == (b"" if method == "HEAD" else expected)
            if not got.reuse:
                break
            if chosen.random() < 0.3:
                client.send(ajpwire.CPING)
                assert ajpwire.receive(client.sock, 5) == ajpwire.CPONG
    assert worker.faults == []


@pytest.fixture(scope="module")
def daemons(guarded, worker):
    started = {}

    def of(name):
        if name not in started:
            started[name] = guarded(name, {"w": worker.port})
        return started[name]
    return of
