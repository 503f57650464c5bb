# SPDX-License-Identifier: Apache-2.0
"""Clients that ask and ask, and read no answer: they are held back, and cost their sockets only."""
import pytest

from ajpwire import AjpClient, CPING, request
from procs import free_port, sanitized
from queues import kernel_room, queued, settled
from rawhttp import HttpClient
from scripted import identity

DAEMONS = ["ajpbridge", "ajpforward"]


def get(name, path, number):
    if name == "ajpbridge":
        return f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Id: {number}\r\n\r\n".encode()
    # a length, lest the worker ask for a body: the next request would pass for it
    return request("GET", path, headers=[(0xA008, "0"), ("x-id", str(number))])


@pytest.mark.parametrize("answers", ["the worker", "the daemon itself"])
@pytest.mark.parametrize("name", DAEMONS)
def test_requests_without_end(guarded, scripted, number, name, answers):
    """Then it reads after all: every answer is there, in order."""
    worker = scripted()
    daemon = guarded(name, {"w": worker.port if answers == "the worker" else free_port()})
    client_of = HttpClient if name == "ajpbridge" else AjpClient

    def good():
        with client_of(daemon.port) as client:
            mine = number()
            got = client.exchange(get(name, "/good", mine))
            assert got.body == identity(mine) if answers == "the worker" else got.status == 503, got
    good()
    before = daemon.peak_rss()
    with client_of(daemon.port, timeout=30, receive_buffer=4096) as client:
        wanted, sent, asked = b"", [0], []
        client.sock.setblocking(False)

        def more():
            nonlocal wanted
            try:
                while sent[0] < 2 * kernel_room():
                    if len(wanted) < 1 << 16:
                        new = [number() for _ in range(1000)]
                        asked.extend(new)
                        wanted += b"".join(get(name, "/good", n) for n in new)
                    n = client.sock.send(wanted)
                    wanted, sent[0] = wanted[n:], sent[0] + n
            except BlockingIOError:
                pass
            return sent[0]
        settled(more, 1, 60)
        to_daemon, to_client = queued(client.sock)
        print(f"sent {sent[0]}, unread by the daemon {to_daemon}, unread by the client {to_client}, "
              f"more memory {daemon.peak_rss() - before}")
        assert to_daemon > 0, "the daemon has stopped reading"
        assert sanitized() or daemon.peak_rss() - before < 4 << 20
        good()
        client.sock.settimeout(30)
        for mine in asked[:1000]:
            got = client.read_reply()
            assert got.body == identity(mine) if answers == "the worker" else got.status == 503, got
    good()
    assert worker.faults == []


def test_cpings_without_end(guarded, scripted, number):
    """Each is answered by five bytes for five: what is on its way is the sockets', not the daemon's."""
    daemon = guarded("ajpforward", {"w": scripted().port})
    before = daemon.peak_rss()
    with AjpClient(daemon.port, 30, receive_buffer=4096) as client:
        client.sock.setblocking(False)
        flood, sent = CPING * 10000, [0]

        def more():
            try:
                while sent[0] < 2 * kernel_room():
                    sent[0] += client.sock.send(flood[sent[0] % len(CPING):])
            except BlockingIOError:
                pass
            return sent[0]
        stalled = settled(more, 1, 60)
        to_daemon, to_client = queued(client.sock)
        print(f"sent {stalled}, unread by the daemon {to_daemon}, unread by the client {to_client}")
        assert to_daemon > 0, "the daemon has stopped reading"
        assert stalled - to_daemon - to_client < 512 << 10, "bytes in the daemon itself"
        assert sanitized() or daemon.peak_rss() - before < 4 << 20
        with AjpClient(daemon.port) as another:
            mine = number()
            assert another.exchange(get("ajpforward", "/good", mine)).body == identity(mine)
        client.sock.settimeout(30)
        whole = stalled // len(CPING) * 5
        while whole > 0:  # and all of them come
            part = client.sock.recv(1 << 20)
            assert part
            whole -= len(part)
