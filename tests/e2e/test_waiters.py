# SPDX-License-Identifier: Apache-2.0
"""Requests that wait for a connection to a worker, and need not: another worker has one, or theirs is of no
use any more. None of them was sent, so their method does not matter."""
import json
import subprocess
import threading
import time

import pytest

from ajpwire import whole_reply
from procs import BIN, Daemon, poll
from scripted import ScriptedWorker
from web import Client

NAMES = ("a", "b")


class Rig:
    """A bridge with one connection to each of two workers, which keep what asks for /keep until let go."""

    def __init__(self, folder):
        self.folder = folder
        self.go = {name: threading.Event() for name in NAMES}
        self.workers = {name: ScriptedWorker(lambda link, _, name=name: self.answer(name, link, _)) for name in NAMES}
        self.lock = threading.Lock()
        self.clients, self.answers = [], []
        self.daemon = None

    def start(self, threads=1, queue="20s", more=""):
        file = self.folder / "bridge.yaml"
        file.write_text(f"admin: 'unix:{self.folder}/admin.sock'\nthreads: {threads}\nlisten:\n"
                        "  - url: http://127.0.0.1:0\nworkers:\n" + "".join(
                            f"  - {{name: {name}, url: 'ajp://127.0.0.1:{w.port}', max_connections: 1}}\n"
                            for name, w in self.workers.items()) + f"timeouts: {{queue: {queue}}}\n{more}\n")
        self.daemon = Daemon("ajpbridge", "--config", file, listeners=1, log=self.folder / "bridge.log")

    def answer(self, name, link, request):
        if request.uri == "/keep":
            self.go[name].wait(60)
        if request.length:
            link.packet()
        link.send(whole_reply(name.encode()))

    def ask(self, path="/", session=None, method="GET", body=None):
        """In a thread of its own: (status, worker, Retry-After, seconds) goes to answers."""
        def run():
            start = time.monotonic()
            with Client(self.daemon.port, timeout=60) as client:
                client.http.request(method, path, body=body,
                                    headers={"Cookie": f"JSESSIONID=1.{session}"} if session else {})
                got = client.http.getresponse()
                answer = (got.status, got.read().decode(), got.getheader("Retry-After"), time.monotonic() - start)
            with self.lock:
                self.answers.append(answer)
        self.clients.append(threading.Thread(target=run))
        self.clients[-1].start()

    def ctl(self, *args):
        done = subprocess.run([BIN / "ajpbridge", "ctl", f"unix:{self.folder}/admin.sock", *args], capture_output=True,
                              timeout=20)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def waiting(self):
        return {w["name"]: w["waiting"] for w in self.ctl("status")["workers"]}

    def keep(self, name):
        """Its one connection is in use until it is let go."""
        before = len(self.workers[name].requests)
        self.ask("/keep", name)
        poll(lambda: len(self.workers[name].requests) > before, 10, f"{name} is busy")

    def wait_for(self, waiting):
        poll(lambda: self.waiting() == waiting, 10, f"{waiting} wait")

    def served(self, count):
        poll(lambda: len(self.answers) >= count, 10, f"{count} answers")
        return sorted(answer[:2] for answer in self.answers)

    def end(self):
        for event in self.go.values():
            event.set()
        for client in self.clients:
            client.join()
        status = self.daemon and self.daemon.terminate()
        for worker in self.workers.values():
            worker.stop()
            assert worker.faults == []
        assert status == 0, self.daemon.output()


@pytest.fixture
def rig(tmp_path):
    made = Rig(tmp_path)
    yield made
    made.end()


@pytest.mark.parametrize("threads", [1, 4])
def test_who_waits_in_vain_is_served_by_the_worker_that_is_free(rig, threads):
    rig.start(threads)
    rig.keep("a")
    rig.keep("b")
    for method in ("GET", "POST", "PUT", "DELETE") * 2:
        rig.ask(method=method, body="body" if method in ("POST", "PUT") else None)
    rig.wait_for({"a": 4, "b": 4})
    rig.go["b"].set()
    assert rig.served(9) == [(200, "b")] * 9
    assert rig.waiting() == {"a": 0, "b": 0}
    assert " retry " not in rig.daemon.output()


@pytest.mark.parametrize("threads", [1, 4])
def test_a_session_waits_for_its_own_worker(rig, threads):
    rig.start(threads)
    rig.keep("a")
    for _ in range(3):
        rig.ask(session="a")
    rig.wait_for({"a": 3, "b": 0})
    for _ in range(5):
        rig.ask()
    assert rig.served(5) == [(200, "b")] * 5
    assert rig.waiting() == {"a": 3, "b": 0}
    rig.go["a"].set()
    assert rig.served(9) == [(200, "a")] * 4 + [(200, "b")] * 5


@pytest.mark.parametrize("force", [False, True])
def test_a_full_queue_sends_to_another_worker(rig, force):
    rig.start(more="limits: {queue: 1}" + ("\nsession: {force: yes}" if force else ""))
    rig.keep("a")
    rig.ask(session="a")
    rig.wait_for({"a": 1, "b": 0})
    rig.ask(session="a", method="POST", body="body")
    status, worker, later, _ = poll(lambda: rig.answers, 10)[0]
    if force:
        assert (status, later) == (503, "5")
    else:
        assert (status, worker) == (200, "b")


def test_both_queues_full_are_503(rig):
    rig.start(more="limits: {queue: 1}")
    for name in NAMES:
        rig.keep(name)
        rig.ask(session=name)
    rig.wait_for({"a": 1, "b": 1})
    rig.ask()
    status, _, later, _ = poll(lambda: rig.answers, 10)[0]
    assert (status, later) == (503, "5")
    assert 'reason="too many requests wait for the worker"' in rig.daemon.output()


@pytest.mark.parametrize("force", [False, True])
def test_a_late_turn_is_one_at_another_worker(rig, force):
    rig.start(queue="500ms", more="session: {force: yes}" if force else "")
    rig.keep("a")
    rig.ask(session="a", method="POST", body="body")
    status, worker, later, seconds = poll(lambda: rig.answers, 10)[0]
    assert seconds >= 0.5
    assert (status, later) == (503, "5") if force else (status, worker) == (200, "b")


def test_the_whole_wait_is_one_queue_timeout(rig):
    """Also of one that is sent to another queue."""
    rig.start(queue="1500ms", more="limits: {queue: 1}")
    for name in NAMES:
        rig.keep(name)
    rig.ask(session="a")
    rig.wait_for({"a": 1, "b": 0})
    rig.ask(session="a")
    rig.wait_for({"a": 1, "b": 1})
    poll(lambda: len(rig.answers) == 2, 10)
    for status, _, later, seconds in rig.answers:
        assert (status, later) == (503, "5") and 1.5 <= seconds < 2.8


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("how", ["stop", "drain"])
def test_who_waits_for_a_worker_taken_out_is_moved_at_once(rig, threads, how):
    rig.start(threads)
    rig.keep("a")
    rig.keep("b")
    for _ in range(4):
        rig.ask()
    rig.wait_for({"a": 2, "b": 2})
    rig.ask(session="a")
    rig.wait_for({"a": 3, "b": 2})
    rig.ctl(how, "a")
    rig.wait_for({"a": 0, "b": 5} if how == "stop" else {"a": 1, "b": 4})
    rig.go["b"].set()
    assert rig.served(6 if how == "stop" else 5) == [(200, "b")] * (6 if how == "stop" else 5)


@pytest.mark.parametrize("threads", [1, 4])
def test_who_waits_for_a_worker_that_goes_down_is_moved_at_once(rig, threads):
    rig.start(threads, more="health: {interval: 200ms}")
    rig.keep("a")
    rig.keep("b")
    for _ in range(4):
        rig.ask(method="POST", body="body")
    rig.ask(session="a")
    poll(lambda: sum(rig.waiting().values()) == 5, 10)
    rig.workers["a"].stop_listening()  # what is open stays so
    rig.wait_for({"a": 0, "b": 5})
    assert "worker=a from=suspect to=down" in rig.daemon.output()
    rig.go["b"].set()
    assert rig.served(6) == [(200, "b")] * 6
    assert " retry " not in rig.daemon.output(), "a was not even tried"
