# SPDX-License-Identifier: Apache-2.0
"""A worker that says anything: each client gets the right reaction, every other client its own reply,
and the worker's standing is hurt by its own faults only."""
import random
import threading
import time

import pytest

from ajpwire import AjpClient, CPING, CPONG, chunk, end, request, reply
from procs import poll
from rawhttp import HttpClient
from scripted import identity
from worker_rows import BODY, CUT, H, OK, ROWS, SLOW

ROW_OF = {str(i): row for i, row in enumerate(ROWS + SLOW)}


class Stage:
    """A daemon before a hostile worker, with a client that stays connected through all of it."""

    def __init__(self, name, start, scripted):
        self.name = name
        self.worker = scripted(self.play)
        self.daemon = start(name, {"evil": self.worker.port}, "--reply-timeout", "700ms", "--cping-idle", "0")
        self.bystander = self.connect()
        self.row_link = None  # what carried the last row
        self.played = threading.Event()

    def play(self, link, request):
        if not request.uri.startswith("/row/"):
            self.worker.good(link, request)
            return
        _, _, index, mode = request.uri.split("/")
        self.row_link = link
        try:
            self.play_row(ROW_OF[index], mode, link, request)
        finally:
            self.played.set()

    def play_row(self, row, mode, link, request):
        for step in row.script:
            if isinstance(step, bytes):
                link.send(step, mode)
            elif isinstance(step, float):
                time.sleep(step)
            elif callable(step):
                step(link, request)
            elif step in DRIPS:
                link.send(DRIPS[step][0])
                while True:
                    link.send(DRIPS[step][1])
                    time.sleep(0.1)
            else:
                link.close(reset=step == "reset")

    def connect(self):
        return HttpClient(self.daemon.port) if self.name == "ajpbridge" else AjpClient(self.daemon.port)

    def ask(self, client, path, number, method="GET"):
        if self.name == "ajpbridge":
            return client.get(path, number, method)
        return client.exchange(request(method, path, headers=[("x-id", str(number))]))

    def good(self, number, client=None):
        """Another client's request gets its own answer."""
        got = self.ask(client or self.bystander, "/good", number)
        assert got.complete and got.status == 200 and got.body == identity(number), got

    def health(self, state):
        return self.daemon.output().count(f"to={state} ")


    def suppressed(self):
        return self.daemon.output().count("suppressed of=worker_health")



DRIPS = {"trickle": (b"AB\x1f\xfc\x04", b"x"), "interim": (b"", reply(102, [])), "flushes": (b"", chunk(b""))}


@pytest.fixture(scope="module", params=["ajpbridge", "ajpforward"])
def stage(request, guarded, scripted):
    return Stage(request.param, guarded, scripted)


def judge(row, expected, got):
    if expected == OK:
        assert got.complete and got.body == row.body, got
        if row.check:
            row.check(got)
    elif expected == CUT:
        assert not got.complete or got.status == 502, got
    else:
        assert got.complete and got.status == expected, got
        assert row.body not in got.body or not row.body, "the worker's words in an error of ours"


@pytest.mark.parametrize("index", range(len(ROWS)), ids=[row.name for row in ROWS])
def test_row(stage, number, index):
    row = ROWS[index]
    suspected, suppressed = stage.health("suspect"), stage.suppressed()
    for mode in row.modes:
        first = number()
        stage.good(first)
        stage.played.clear()
        with stage.connect() as client:
            got = stage.ask(client, f"/row/{index}/{mode}", number(), row.method)
            judge(row, row.expected(stage.name), got)
            served = stage.row_link.requests
            assert stage.played.wait(5)
            time.sleep(row.pause or (0.03 if mode != "whole" else 0))  # the end comes after the last body byte
            stage.good(number())
            if row.after == "closed":
                assert stage.row_link.requests == served, "the connection is not used again"
            elif row.after == "kept":
                assert stage.row_link.requests == served + 1, "the connection stays"
            if stage.name == "ajpforward" and got.complete and got.reuse:
                stage.good(number(), client)
    if row.mark == "F":
        poll(lambda: stage.health("suspect") > suspected or stage.suppressed() > suppressed, 5,
             what="failures count against the worker")
    else:
        assert stage.health("suspect") == suspected, "the worker's standing is untouched"
    assert stage.health("down") == 0
    assert stage.worker.faults == []


@pytest.mark.parametrize("index", range(len(ROWS), len(ROWS + SLOW)), ids=[row.name for row in SLOW])
def test_slow_row(stage, number, index):
    """The deadline counts from the request, whatever comes in between; a whole packet of the reply moves it."""
    row = (ROWS + SLOW)[index]
    start = time.monotonic()
    with stage.connect() as client:
        judge(row, row.expected(stage.name), stage.ask(client, f"/row/{index}/whole", number()))
    assert 0.6 < time.monotonic() - start < 3
    stage.good(number())
    assert stage.health("down") == 0


@pytest.mark.parametrize("method, answer", [("GET", H + chunk(BODY)), ("HEAD", H), ("GET", reply(204, []))],
                         ids=["body", "head", "204"])
def test_116_a_reply_that_lacks_its_end_alone_costs_no_request(guarded, scripted, number, method, answer):
    """Over HTTP all of it came: the request that the client has sent behind it is answered."""
    def play(link, request):
        if request.uri == "/good":
            worker.good(link, request)
        else:
            link.send(answer)
            link.close()
    worker = scripted(play)
    daemon = guarded("ajpbridge", {"evil": worker.port})
    with HttpClient(daemon.port) as client:
        mine = number()
        client.send(f"{method} /cut HTTP/1.1\r\nHost: x\r\n\r\nGET /good HTTP/1.1\r\nHost: x\r\nX-Id: {mine}\r\n\r\n"
                    .encode())
        first, second = client.read_reply(head=method == "HEAD"), client.read_reply()
        assert first.complete and first.body == (BODY if chunk(BODY) in answer else b"")
        assert second.complete and second.body == identity(mine)
    assert worker.executed[str(mine)] == 1


@pytest.mark.parametrize("name", ["ajpbridge", "ajpforward"])
@pytest.mark.parametrize("answer", [b"A", CPONG[:3], CPONG + b"A", CPONG * 2, reply() + end(), end(), b"\x12\x34\0\x01\x0a",
                                    b"AB\0\x01\x0a", None], ids=repr)
def test_95_awaited_cpong_is_something_else(guarded, scripted, number, name, answer):
    """The pooled connection is closed, a new one carries the request, once."""
    def play(link, request):
        worker.good(link, request)
        link.spoiled = True
    worker = scripted(play, pong=True)
    stage = Stage.__new__(Stage)
    stage.name, stage.worker = name, worker
    stage.daemon = guarded(name, {"evil": worker.port}, "--cping-idle", "1ms", "--cping-timeout", "300ms")
    with stage.connect() as client:
        stage.good(number(), client)
        time.sleep(0.15)
        worker.spoil(answer)
        mine = number()
        stage.good(mine, client)
        assert worker.executed[str(mine)] == 1 and len(worker.links) >= 2
        stage.good(number(), client)
    assert stage.health("down") == 0


@pytest.mark.parametrize("name", ["ajpbridge", "ajpforward"])
def test_fi_32_all_rows_at_once(guarded, scripted, number, name):
    """Hostile replies in any order on as many connections, two threads: no bystander gets one of them."""
    stage = Stage(name, lambda *args: guarded(*args, "--threads", "2"), scripted)
    # what comes a moment after a reply may pass for the next one: AJP has no request numbers
    rows = [i for i, row in enumerate(ROWS) if not row.pause]
    over, wrong, answered = time.monotonic() + 4, [], [0]

    def evil():
        chosen = random.Random()
        while time.monotonic() < over:
            index = chosen.choice(rows)
            try:
                with stage.connect() as client:
                    stage.ask(client, f"/row/{index}/{chosen.choice(ROWS[index].modes)}", number(), ROWS[index].method)
            except Exception as error:
                wrong.append((ROWS[index].name, repr(error)))

    def good():
        with stage.connect() as client:
            while time.monotonic() < over:
                mine = number()
                got = stage.ask(client, "/good", mine)
                if got.complete and got.status == 200 and got.body == identity(mine):
                    answered[0] += 1
                else:
                    wrong.append((mine, got))
    threads = [threading.Thread(target=each) for each in [evil] * 4 + [good] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [] and answered[0] > 100
    assert stage.health("down") == 0
