# SPDX-License-Identifier: Apache-2.0
"""Connections to workers: how many there are, how many wait idle, and how long each of them lives."""
import json
import socket
import subprocess
import threading
import time

import pytest

from ajpwire import AjpClient, request, whole_reply
from procs import BIN, Daemon, poll, workers
from scripted import ScriptedWorker
from web import Client


class Slow(ScriptedWorker):
    """Keeps each request for a moment, and counts how many it has at once."""

    def __init__(self, pause=0.02):
        self.busy = self.most = 0
        self.pause = pause
        super().__init__(self.keep)

    def keep(self, link, _request):
        with self.lock:
            self.busy += 1
            self.most = max(self.most, self.busy)
        time.sleep(self.pause)
        with self.lock:
            self.busy -= 1
        link.send(whole_reply(b"done"))


@pytest.fixture
def worker():
    with Slow() as made:
        yield made


@pytest.fixture
def bridge(tmp_path, worker):
    made = []

    def start(settings, threads=2, pool_idle="60s", more=""):
        file = tmp_path / "bridge.yaml"
        file.write_text(f"admin: unix:{tmp_path}/admin.sock\nthreads: {threads}\nlisten:\n  - url: http://127.0.0.1:0\n"
                        f"workers:\n  - name: a\n    url: ajp://127.0.0.1:{worker.port}\n    {settings}\n"
                        f"timeouts: {{pool_idle: {pool_idle}, queue: 20s}}\n{more}\n")
        made.append(Daemon("ajpbridge", "--config", file, listeners=1, log=tmp_path / "bridge.log"))
        made[0].admin = f"unix:{tmp_path}/admin.sock"
        return made[0]
    yield start
    assert made[0].terminate() == 0, made[0].output()


def ctl(daemon, *args):
    done = subprocess.run([BIN / "ajpbridge", "ctl", daemon.admin, *args], capture_output=True, timeout=20)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def connections(daemon):
    return ctl(daemon, "status")["workers"][0]["connections"]


def fetch(daemon, clients, requests=1):
    """Statuses of that many requests by that many clients at once."""
    statuses = []

    def one():
        with Client(daemon.port) as client:
            for _ in range(requests):
                statuses.append(client.get("/").status)
    threads = [threading.Thread(target=one) for _ in range(clients)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return statuses


def test_the_cap_holds_over_threads_and_across_reloads(bridge, worker):
    daemon = bridge("max_connections: 3", threads=4)
    got = []
    clients = threading.Thread(target=lambda: got.extend(fetch(daemon, 16, 25)))
    clients.start()
    reloads = 0
    while clients.is_alive():
        ctl(daemon, "reload")
        reloads += 1
    assert got == [200] * 400
    assert reloads >= 10
    assert worker.most == 3, "all of them are used, and no more"


class Gate(Slow):
    """Answers nothing before it is opened."""

    def __init__(self):
        self.opened = threading.Event()
        super().__init__()

    def keep(self, link, request):
        self.opened.wait(20)
        super().keep(link, request)


@pytest.mark.parametrize("between", [0, 3])
def test_the_cap_holds_for_a_worker_that_goes_and_comes_back(tmp_path, between):
    """Removed by one reload and added by a later one, it still has the requests of before."""
    admin, got = f"unix:{tmp_path}/admin.sock", []
    file = tmp_path / "bridge.yaml"

    def route(name):
        with Client(daemon.port) as client:
            got.append(client.get("/", headers={"Cookie": f"JSESSIONID=1.{name}"}).status)

    def ask(count):
        threads = [threading.Thread(target=route, args=["a"]) for _ in range(count)]
        for t in threads:
            t.start()
        return threads

    def state():
        return {w["name"]: w for w in ctl(daemon, "status")["workers"]}["a"]
    with Gate() as a, Slow() as b:
        file.write_text(f"admin: {admin}\nthreads: 2\nlisten:\n  - url: http://127.0.0.1:0\nworkers:\n"
                        f"  - {{name: a, url: 'ajp://127.0.0.1:{a.port}', max_connections: 2}}\n"
                        f"  - {{name: b, url: 'ajp://127.0.0.1:{b.port}'}}\n"
                        "timeouts: {queue: 20s}\nbalance: {slow_start: 0}\n")
        daemon = Daemon("ajpbridge", "--config", file, listeners=1, log=tmp_path / "bridge.log")
        daemon.admin = admin
        try:
            asked = ask(2)
            poll(lambda: sum(link.requests for link in a.open_links()) == 2, 10, "both are at the worker")
            ctl(daemon, "remove", "a")
            for _ in range(between):
                ctl(daemon, "reload")
            ctl(daemon, "add", "a", f"ajp://127.0.0.1:{a.port}", "max_connections=2")
            assert state()["connections"] == 2, "those of before count"
            asked += ask(6)
            poll(lambda: state()["waiting"] == 6, 10, "nobody gets a third one")
            a.opened.set()
            for t in asked:
                t.join()
            assert got == [200] * 8 and a.most == 2
        finally:
            a.opened.set()
            assert daemon.terminate() == 0, daemon.output()


def test_min_idle_connections_are_opened_kept_and_replaced(bridge, worker):
    daemon = bridge("min_idle: 4", pool_idle="150ms")
    poll(lambda: connections(daemon) == 4, 10, "4 connections without a request")
    assert fetch(daemon, 12) == [200] * 12
    poll(lambda: connections(daemon) == 4, 10, "the others have expired")
    time.sleep(0.5)  # several times pool_idle
    assert connections(daemon) == 4
    before = len(worker.links)
    for link in worker.open_links():
        link.sock.shutdown(socket.SHUT_RDWR)
    poll(lambda: len(worker.links) >= before + 4 and connections(daemon) == 4, 10, "4 new ones")


def test_warm_connections_serve_requests(bridge, worker):
    daemon = bridge("min_idle: 2", threads=1)
    poll(lambda: connections(daemon) == 2, 10, "2 connections without a request")
    warm = {link.number for link in worker.open_links()}
    assert fetch(daemon, 1, 5) == [200] * 5
    assert {link.number for link in worker.links if link.requests} <= warm


def test_no_connection_is_opened_to_a_worker_that_is_stopped(bridge, worker):
    daemon = bridge("min_idle: 2\n    activation: stop")
    time.sleep(2.5)  # two turns of what would open them
    assert connections(daemon) == 0


def test_max_idle_connections_stay_after_a_rush(bridge, worker):
    worker.pause = 0.3
    daemon = bridge("max_idle: 3", threads=1)
    assert fetch(daemon, 12) == [200] * 12
    assert worker.most > 3
    poll(lambda: connections(daemon) == 3, 10, "3 are left")


def test_a_connection_ends_after_max_requests(bridge, worker):
    daemon = bridge("max_requests: 3", threads=1)
    assert fetch(daemon, 1, 10) == [200] * 10
    assert sorted(link.requests for link in worker.links if link.requests) == [1, 3, 3, 3]


def test_a_slow_start_limits_connections_and_ends(bridge, worker):
    """A worker made active has a twentieth of its connections, then more; who must wait is served in the end."""
    worker.pause = 0.2
    daemon = bridge("max_connections: 20\n    activation: stop", threads=2, more="balance: {slow_start: 4s}")
    begin = time.monotonic()
    ctl(daemon, "active", "a")
    assert fetch(daemon, 20) == [200] * 20
    assert worker.most <= 1 + 20 * (time.monotonic() - begin) / 4
    assert worker.most < 20
    time.sleep(max(0, begin + 4.1 - time.monotonic()))  # the slow start is over
    assert fetch(daemon, 40) == [200] * 40
    assert worker.most == 20


def test_a_slow_start_after_our_own_is_a_setting(bridge, worker):
    worker.pause = 0.2
    begin = time.monotonic()
    daemon = bridge("max_connections: 20", more="balance: {slow_start_boot: 4s}")
    assert fetch(daemon, 20) == [200] * 20
    assert worker.most <= 1 + 20 * (time.monotonic() - begin) / 4


def test_503_of_the_forwarder_says_when_to_come_again(tmp_path, worker):
    worker.stop()
    daemon = Daemon("ajpforward", "--listen", "ajp://127.0.0.1:0", *workers({"a": worker.port}),
                    log=tmp_path / "forward.log")
    try:
        with AjpClient(daemon.port) as client:
            reply = client.exchange(request())
            assert (reply.status, reply.header("Retry-After")) == (503, "1")
    finally:
        assert daemon.terminate() == 0, daemon.output()
