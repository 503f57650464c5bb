# SPDX-License-Identifier: Apache-2.0
"""Rows 98 and 99: workers that ask for nothing, or for more than a packet holds. Both mean what a packet holds; no
more than was asked for is sent, in as many packets as there were questions, and all of the body arrives."""
import pytest

from ajpwire import AjpClient, data, get_body, packet, request, u16, whole_reply
from rawhttp import HttpClient
from scripted import identity

MOST = 8186  # body bytes of a packet of 8 KiB
BODY = bytes(i * 7 % 251 for i in range(40000))


class Asker:
    """A worker that asks in its own way for the body of /ask/LENGTH, and keeps the parts."""

    def __init__(self, scripted):
        self.worker = scripted(self.play)
        self.parts = []

    def play(self, link, req):
        if not req.uri.startswith("/ask/"):
            self.worker.good(link, req)
            return
        self.parts = [self.part(link)]  # the first comes unasked
        while sum(map(len, self.parts)) < req.length:
            link.send(get_body(int(req.uri[5:])))
            self.parts.append(self.part(link))
        link.send(whole_reply(identity(req.header("x-id"), b"".join(self.parts))))

    @staticmethod
    def part(link):
        payload = link.packet()
        assert payload[:2] == u16(len(payload) - 2), "a packet of exact length"
        return payload[2:]


def upload_over_ajp(client, path, number):
    """As a web server: what is asked for, no more."""
    sent = MOST
    client.send(request("POST", path, headers=[("x-id", str(number)), (0xA008, str(len(BODY)))]), data(BODY[:sent]))
    while (got := packet(client.sock, b"AB"))[0] == 6:
        asked = int.from_bytes(got[1:3], "big")
        assert 0 < asked <= MOST
        client.send(data(BODY[sent:sent + asked]))
        sent += asked
    assert got[:3] == b"\x04" + u16(200)
    answer = packet(client.sock, b"AB")
    assert packet(client.sock, b"AB") == b"\x05\x01"
    return answer[3:-1]


def upload_over_http(client, path, number):
    got = client.get(path, number, "POST", body=BODY)
    assert got.complete and got.status == 200
    return got.body


@pytest.fixture(scope="module", params=[("ajpbridge", HttpClient, upload_over_http),
                                        ("ajpforward", AjpClient, upload_over_ajp)], ids=lambda p: p[0])
def stage(request, guarded, scripted):
    name, client, upload = request.param
    asker = Asker(scripted)
    daemon = guarded(name, {"w": asker.worker.port})
    with client(daemon.port) as connected:
        yield asker, connected, upload


@pytest.mark.parametrize("asked, most", [(0, MOST), (100, 100), (MOST, MOST), (MOST + 1, MOST), (65535, MOST)])
def test_98_99_length_asked_for(stage, number, asked, most):
    asker, client, upload = stage
    mine = number()
    assert upload(client, f"/ask/{asked}", mine) == identity(mine, BODY)
    assert b"".join(asker.parts) == BODY
    assert all(0 < len(part) <= most for part in asker.parts[1:])
    links, another = len(asker.worker.links), number()
    assert upload(client, f"/ask/{MOST}", another) == identity(another, BODY)
    assert len(asker.worker.links) == links and asker.worker.faults == []
