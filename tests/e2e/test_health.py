# SPDX-License-Identifier: Apache-2.0
"""What decides whether a worker gets requests: its health page, with secret and text, and what it answers to users."""
import re
import time

import pytest

from ajpwire import whole_reply
from procs import Daemon, poll
from rawhttp import HttpClient
from scripted import ScriptedWorker, identity

QUERY, SECRET = 0x05, 0x0C


class App(ScriptedWorker):
    """Demands its secret. Its page is .page with .page_status; users get the next of .statuses, then 200.
    reads: whether the page's servlet reads its input."""

    def __init__(self, secret=None, reads=False):
        self.secret, self.refused, self.reads = secret, 0, reads
        self.page, self.page_status, self.pages = b"status: UP", 200, []
        self.statuses, self.served = [], 0
        super().__init__(self.answer)

    def answer(self, link, request):
        if request.attribute(SECRET) != self.secret:
            self.refused += 1
            link.send(whole_reply(b"", 403))
        elif request.uri == "/health":
            if self.reads:
                assert link.body(request) == b"", "the page's request has no body"
            self.pages.append(request)
            link.send(whole_reply(self.page, self.page_status))
        else:
            self.served += 1
            link.send(whole_reply(identity(request.header("x-id")), self.statuses.pop(0) if self.statuses else 200))


@pytest.fixture
def start(tmp_path):
    """start(health, *apps): a bridge before them, its workers a, b; it knows of the secret "s3cret"."""
    started = []
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    secret.chmod(0o600)

    def begin(health, *apps):
        config = tmp_path / "bridge.yaml"
        config.write_text("listen:\n  - url: http://127.0.0.1:0\nworkers:\n" + "".join(
            f"  - {{name: {name}, url: 'ajp://127.0.0.1:{app.port}', secret_file: '{secret}'}}\n"
            for name, app in zip("ab", apps)) + f"health: {{{health}}}\nbalance: {{slow_start: 0}}\nthreads: 1\n")
        started.append((Daemon("ajpbridge", "--config", config, listeners=1, log=tmp_path / "bridge.log"), apps))
        return started[-1][0]
    yield begin
    for daemon, apps in started:
        status = daemon.terminate()
        for app in apps:
            app.stop()
        assert status == 0, daemon.output()
        assert not [fault for app in apps for fault in app.faults]


def moves(daemon):
    return re.findall(r'worker_health worker=\w+ from=\w+ to=(\w+) reason="([^"]*)"', daemon.output())


def ask(daemon, headers=""):
    with HttpClient(daemon.port) as client:
        return client.get("/", 1, headers=headers).status


def test_the_page_is_asked_for_with_the_secret_and_its_text_decides(start):
    app, other = App("s3cret"), App("s3cret")
    daemon = start("path: '/health?deep=1', body: 'status: UP', interval: 100ms", app, other)
    poll(lambda: len(app.pages) >= 2, what="the page is asked for again and again")
    asked = app.pages[0]
    assert (asked.method, asked.uri, asked.attribute(QUERY)) == ("GET", "/health", "deep=1")
    assert [ask(daemon) for _ in range(4)] == [200] * 4 and app.served == 2
    assert app.refused == 0 and moves(daemon) == []
    app.page = b"status: DOWN"
    poll(lambda: ("down", "the health page lacks its text: 200") in moves(daemon), what="the text takes it out")
    assert [ask(daemon) for _ in range(4)] == [200] * 4 and app.served == 2
    app.page = b"all is well, status: UP"
    poll(lambda: ask(daemon) == 200 and app.served > 2, what="it is back")


def test_a_page_that_reads_its_input_is_told_that_there_is_none(start):
    app = App("s3cret", reads=True)
    daemon = start("path: /health, body: 'status: UP', interval: 100ms", app)
    poll(lambda: len(app.pages) >= 3, what="the page is asked for again and again")
    assert moves(daemon) == [] and ask(daemon) == 200


def test_a_page_that_refuses_the_secret_takes_the_worker_out(start):
    app = App("another")
    daemon = start("path: /health, interval: 100ms", app)
    poll(lambda: ("down", "the health page's status: 403") in moves(daemon), what="it is down")
    assert app.refused >= 2 and app.pages == []
    poll(lambda: ask(daemon) == 503, 5, "no requests for it")  # but one a second, for want of others


def test_a_page_that_is_unwell_for_a_moment_takes_nobody_out(start):
    app = App("s3cret")
    daemon = start("path: /health, interval: 2s", app)
    poll(lambda: len(app.pages) >= 1, what="the first check")
    app.page_status = 503
    poll(lambda: [to for to, _ in moves(daemon)] == ["suspect"], what="a check failed")
    time.sleep(0.2)  # so long it lasts; the next check comes a second after the first
    app.page_status = 200
    poll(lambda: [to for to, _ in moves(daemon)][1:], what="the next check")
    assert [to for to, _ in moves(daemon)] == ["suspect", "up"]
    assert ask(daemon) == 200


def test_a_worker_that_answers_with_errors_gets_no_new_sessions_for_a_while(start):
    a, b = App("s3cret"), App("s3cret")
    a.statuses = [500, 503, 200, 500, 502, 500]  # three in a row, the last ones
    daemon = start("eject_after: 3, eject_time: 3s", a, b)
    seen = [ask(daemon) for _ in range(12)]
    ejected = time.monotonic()
    assert (a.served, b.served) == (6, 6), "they take turns"
    assert sorted(seen) == [200] * 7 + [500] * 3 + [502, 503]
    poll(lambda: "worker_ejected worker=a in_a_row=3 for_ms=3000" in daemon.output(), what="the log says so")
    assert [ask(daemon) for _ in range(20)] == [200] * 20
    assert (a.served, b.served) == (6, 26), "new sessions go to the other"
    assert ask(daemon, "Cookie: JSESSIONID=1.a\r\n") == 200 and a.served == 7, "its own do not"
    poll(lambda: ask(daemon) == 200 and a.served > 7, 10, "new ones go there again")
    assert time.monotonic() - ejected > 2
    assert daemon.output().count("worker_ejected") == 1 and moves(daemon) == [], "it was up all the time"


def test_a_worker_that_answers_with_errors_is_used_when_there_is_no_other(start):
    a = App("s3cret")
    a.statuses = [500] * 4
    daemon = start("eject_after: 3, eject_time: 60s", a)
    assert [ask(daemon) for _ in range(6)] == [500] * 4 + [200] * 2
    assert daemon.output().count("worker_ejected") == 1
