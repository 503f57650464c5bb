# SPDX-License-Identifier: Apache-2.0
"""A web server that says anything to ajpforward: each packet gets its reaction, whole, byte by byte and cut
anywhere; what is refused never reaches a worker; every other web server gets its own replies."""
import random
import socket
import time

import pytest

import ajpwire
from ajpwire import AjpClient, CPING, CPONG, data, receive, request
from scripted import Link, identity
from web_rows import DROP, OK, PONG, ROWS, get, post


class Front:
    def __init__(self, start, scripted):
        self.worker = scripted(self.play)
        self.daemon = start("ajpforward", {"w": self.worker.port}, "--body-timeout", "400ms",
                            "--request-head-timeout", "400ms", "--cping-idle", "0")
        self.bystander = AjpClient(self.daemon.port)
        self.bodies = {}

    def play(self, link, request):
        """Asks for 1000 bytes at a time, so that more than asked for can be tried."""
        number, length, parts = request.header("x-id"), request.length, b""
        if length is None and request.method == "POST":
            link.send(ajpwire.get_body(1000))
        while request.method == "POST" and length != 0:
            payload = link.packet()
            if payload is None:
                self.bodies[number] = None
                return
            part = payload[2:]
            parts += part
            if not part or len(parts) == length:
                break
            link.send(ajpwire.get_body(1000))
        self.bodies[number] = parts
        link.send(ajpwire.whole_reply(identity(number, parts)))

    def good(self, number):
        got = self.bystander.exchange(request("GET", "/good", headers=[("x-id", number)]))
        assert got.complete and got.status == 200 and got.body == identity(number), got
        assert got.reuse == 1


@pytest.fixture(scope="module")
def front(guarded, scripted):
    return Front(guarded, scripted)


def play(front, row, mode, client, number):
    link = Link(None, client.sock, 0)
    for step in row.script:
        try:
            if isinstance(step, bytes):
                link.send(step.replace(b"@" * 8, number.encode()), mode)
            elif isinstance(step, float):
                time.sleep(step)
            else:
                client.sock.shutdown(socket.SHUT_WR)
        except OSError:  # it had heard enough
            break


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_row(front, number, row):
    for mode in row.modes:
        mine = f"{number():08}"
        with AjpClient(front.daemon.port) as client:
            play(front, row, mode, client, mine)
            if row.reaction == DROP:
                assert receive(client.sock, 1000) == b""
            elif row.reaction == PONG:
                count = max(1, row.script[0].count(CPING))
                assert receive(client.sock, 5 * count) == CPONG * count
                got = client.exchange(get().replace(b"@" * 8, mine.encode()))
                assert got.body == identity(mine), got
            elif row.reaction == OK:
                got = client.read_reply(row.packets)
                assert got.complete and got.status == 200 and got.body == identity(mine, row.body), got
                assert front.bodies[mine] == row.body
                if row.goes_on:
                    other = f"{number():08}"
                    again = client.exchange(get().replace(b"@" * 8, other.encode()))
                    assert again.complete and again.body == identity(other), again
                else:
                    again = client.read_reply()
                    assert again.status in (None, 400) and again.reuse in (None, 0) and client.closed()
            else:
                got = client.read_reply(row.packets)
                assert got.complete and got.status == row.reaction and got.reuse == 0, got
                assert client.closed()
            if row.check:
                assert row.check(front.worker.requests[-1 if row.reaction != OK or not row.goes_on else -2])
        if row.reaction not in (OK, PONG):
            assert front.worker.executed[mine] <= row.reaches, "requests that reached the worker"
            assert front.bodies.get(mine) is None, "the worker took the body for whole"
        assert front.worker.executed["SMUGGLED"] == 0
        front.good(f"{number():08}")
    assert front.worker.faults == []
    assert "to=suspect" not in front.daemon.output(), "a web server's fault is not the worker's"


WRONG = [None, "", "g", "geheim", "Geheim2", "geheim1", "aeheim2", "geheim2 ", "geheim22", "x" * 4000]


@pytest.fixture(scope="module")
def asking(guarded, scripted, tmp_path_factory):
    """ajpforward that asks for a secret, and sends none on."""
    file = tmp_path_factory.mktemp("secret") / "front"
    file.write_text("geheim2\n")
    file.chmod(0o600)
    worker = scripted()
    return worker, guarded("ajpforward", {"w": worker.port}, "--secret-file", file)


@pytest.mark.parametrize("mode", ["whole", "bytes", "split"])
@pytest.mark.parametrize("secret", WRONG, ids=lambda s: repr(s)[:12])
def test_60e_a_secret_that_is_missing_or_wrong(asking, number, secret, mode):
    worker, daemon = asking
    mine, after = f"{number():08}", f"{number():08}"
    carried = b"" if secret is None else ajpwire.attribute(0x0c, secret)
    with AjpClient(daemon.port) as client:
        packets = get(attributes=carried).replace(b"@" * 8, mine.encode())
        packets += get(attributes=ajpwire.attribute(0x0c, "geheim2")).replace(b"@" * 8, after.encode())
        Link(None, client.sock, 0).send(packets, mode)
        got = client.read_reply()
        assert got.complete and got.status == 403 and got.reuse == 0 and client.closed()
    assert worker.executed[mine] == 0 and worker.executed[after] == 0, "nothing behind a refusal, either"


def test_60e_the_right_secret_goes_no_further(asking, number):
    worker, daemon = asking
    mine = f"{number():08}"
    with AjpClient(daemon.port) as client:
        client.send(get(attributes=ajpwire.attribute(0x0c, "geheim2")).replace(b"@" * 8, mine.encode()))
        got = client.read_reply()
        assert got.complete and got.status == 200 and got.reuse == 1
    assert worker.executed[mine] == 1 and worker.requests[-1].attribute(0x0c) is None


def test_20_a_flood_of_cpings(front, number):
    """Ten thousand in one go: each answered, memory flat, others are served meanwhile."""
    before = front.daemon.peak_rss()
    with AjpClient(front.daemon.port, 20) as client:
        for _ in range(10):
            client.sock.sendall(CPING * 1000)
            front.good(f"{number():08}")
            assert receive(client.sock, 5000) == CPONG * 1000
        front.good(f"{number():08}")
    assert front.daemon.peak_rss() - before < 32 << 20


def test_78_the_next_request_waits_its_turn(front, number):
    numbers = [f"{number():08}" for _ in range(20)]
    with AjpClient(front.daemon.port) as client:
        for mode in ("whole", "split"):
            Link(None, client.sock, 0).send(b"".join(get().replace(b"@" * 8, n.encode()) for n in numbers), mode)
            for mine in numbers:
                got = client.read_reply()
                assert got.complete and got.body == identity(mine), got


def test_78_nothing_is_read_behind_a_refusal(front, number):
    mine, after = f"{number():08}", f"{number():08}"
    with AjpClient(front.daemon.port) as client:
        client.send(get(method=0).replace(b"@" * 8, mine.encode()) + get().replace(b"@" * 8, after.encode()))
        got = client.read_reply()
        assert got.status == 400 and got.reuse == 0 and client.closed()
    assert front.worker.executed[after] == 0


def test_any_byte_changed(front, number):
    """One byte of a good request, any other value: an answer, a refusal or a close, and nothing else harmed."""
    chosen = random.Random(13)
    packet = post(5, attributes=ajpwire.attribute(5, "a=b") + ajpwire.named("AJP_REMOTE_PORT", "1")) + data(b"hello")
    for at in range(len(packet)):
        changed = bytearray(packet.replace(b"@" * 8, b"mutation"))
        changed[at] ^= chosen.randrange(1, 256)
        with AjpClient(front.daemon.port) as client:
            client.send(bytes(changed))
            client.sock.shutdown(socket.SHUT_WR)
            while receive(client.sock, 4096):
                pass
        if at % 10 == 0:
            front.good(f"{number():08}")
    front.good(f"{number():08}")
    assert front.worker.faults == []
