# SPDX-License-Identifier: Apache-2.0
"""Names that are looked up slowly, or are not found: no request waits for them, and no start."""
import json
import signal
import subprocess
import threading
import time

import pytest

from names import Names
from procs import BIN, Daemon, poll
from web import Client

SLOW = 2000  # ms
QUICK = 1.0  # s, that a request takes at most on a busy machine


@pytest.fixture
def nodes(tmp_path):
    made = {name: Daemon("ajpcat", "serve", "--listen", "ajp://127.0.0.1:0", "--route", name, "--quiet",
                         log=tmp_path / f"{name}.log") for name in ("nodeA", "nodeB")}
    yield made
    for node in made.values():
        node.terminate()


@pytest.fixture
def bridge(tmp_path):
    made = []

    def start(workers, more=""):
        file = tmp_path / "bridge.yaml"
        file.write_text(f"admin: unix:{tmp_path}/admin.sock\nthreads: 2\nlisten:\n  - url: http://127.0.0.1:0\nworkers:\n"
                        + "".join(f"  - {{name: {name}, url: 'ajp://{url}', {rest}}}\n" for name, url, rest in workers) + more)
        daemon = Daemon("ajpbridge", "--config", file, listeners=1, log=tmp_path / "bridge.log", env=start.names.env)
        daemon.file, daemon.admin = file, f"unix:{tmp_path}/admin.sock"
        made.append(daemon)
        return daemon
    start.names = Names(tmp_path)
    yield start
    for daemon in made:
        assert daemon.terminate() == 0, daemon.output()


def ctl(daemon, *args):
    return subprocess.run([BIN / "ajpbridge", "ctl", daemon.admin, *args], capture_output=True, text=True, timeout=40)


def health(daemon):
    return {w["name"]: w["health"] for w in json.loads(ctl(daemon, "status").stdout)["workers"]}


class Load:
    """Requests one after another on several connections, timed."""

    def __init__(self, port):
        self.slowest, self.statuses, self.over = 0, set(), threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(port,)) for _ in range(8)]  # both event loops have some

    def run(self, port):
        with Client(port) as client:
            while not self.over.wait(0.005):
                begin = time.monotonic()
                self.statuses.add(client.get("/echo").status)
                self.slowest = max(self.slowest, time.monotonic() - begin)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()


def test_no_request_waits_for_a_resolver(bridge, nodes):
    """At a reload, at ctl add, and when a name gets another address."""
    a, b = nodes["nodeA"].port, nodes["nodeB"].port
    bridge.names.put("a.test", "127.0.0.1")
    daemon = bridge([("nodeA", f"a.test:{a}", ""), ("each", f"each.test:{a}", "each_address: true")],
                    "health: {resolve: 200ms}\n")
    bridge.names.put("a.test", "127.0.0.1", ms=SLOW)
    bridge.names.put("b.test", "127.0.0.1", ms=SLOW)
    with Load(daemon.port) as load:
        begin = time.monotonic()
        assert ctl(daemon, "reload").returncode == 0
        assert ctl(daemon, "add", "nodeB", f"ajp://b.test:{b}").returncode == 0
        took = time.monotonic() - begin
        poll(lambda: daemon.output().count("worker_lookup_failed host=each.test") >= 2, 10, "the name is looked up")
        bridge.names.put("each.test", "127.0.0.1", ms=SLOW)
        poll(lambda: "each-127-0-0-1" in health(daemon), 30, "the address is a worker")
    assert took > 2 * SLOW / 1000 - 0.5, "both look-ups were waited for"
    assert load.statuses == {200} and load.slowest < QUICK


def test_who_looks_does_not_wait_for_who_changes(bridge, nodes):
    bridge.names.put("a.test", "127.0.0.1")
    daemon = bridge([("nodeA", f"a.test:{nodes['nodeA'].port}", "")])
    bridge.names.put("a.test", "127.0.0.1", ms=SLOW)
    reload = threading.Thread(target=ctl, args=(daemon, "reload"))
    reload.start()
    for _ in range(5):
        begin = time.monotonic()
        assert health(daemon) == {"nodeA": "up"}
        assert time.monotonic() - begin < QUICK
    reload.join()


def test_several_names_are_looked_up_at_once(bridge, nodes):
    for i in range(6):
        bridge.names.put(f"n{i}.test", "127.0.0.1", ms=1500)
    begin = time.monotonic()
    daemon = bridge([(f"n{i}", f"n{i}.test:{nodes['nodeA'].port}", "each_address: true" if i % 2 else "") for i in range(6)])
    assert time.monotonic() - begin < 6 * 1.5
    assert set(health(daemon).values()) == {"up"}


@pytest.mark.parametrize("each", ["", "each_address: true"])
def test_a_name_that_is_not_found_does_not_keep_the_rest_from_starting(bridge, nodes, each):
    daemon = bridge([("nodeA", f"127.0.0.1:{nodes['nodeA'].port}", ""), ("nodeB", f"b.test:{nodes['nodeB'].port}", each)],
                    "health: {interval: 200ms, resolve: 0}\n")
    assert "worker_lookup_failed worker=nodeB host=b.test reason=" in daemon.output()
    assert health(daemon) == {"nodeA": "up", "nodeB": "down"}
    assert '"reason": "its host name is not found"' in ctl(daemon, "status").stdout
    with Client(daemon.port) as client:
        assert [client.get("/echo").json["route"] for _ in range(10)] == ["nodeA"] * 10
    assert ctl(daemon, "reload").returncode == 0, "nor from a reload"
    bridge.names.put("b.test", "127.0.0.1")
    found = "nodeB-127-0-0-1" if each else "nodeB"
    poll(lambda: health(daemon).get(found) == "up", 20, "it is found later")


def test_with_no_worker_found_requests_are_answered_and_signals_heard(bridge):
    daemon = bridge([("nodeA", "a.test:8009", "")])
    with Client(daemon.port) as client:
        assert client.get("/").status in (502, 503)
    assert health(daemon) == {"nodeA": "down"}


@pytest.mark.parametrize("each", ["", "each_address: true"])
def test_a_reload_keeps_the_addresses_of_a_name_that_is_gone(bridge, nodes, each):
    bridge.names.put("a.test", "127.0.0.1")
    daemon = bridge([("nodeA", f"a.test:{nodes['nodeA'].port}", each)], "health: {resolve: 0}\n")
    name = "nodeA-127-0-0-1" if each else "nodeA"
    bridge.names.put("a.test")
    with Load(daemon.port) as load:
        assert ctl(daemon, "reload").returncode == 0
        assert health(daemon) == {name: "up"}
        daemon.popen.send_signal(signal.SIGHUP)
        poll(lambda: daemon.output().count(" reloaded ") == 2, 10, "twice")
    assert health(daemon) == {name: "up"} and load.statuses == {200}


def test_who_adds_a_worker_hears_that_its_name_is_wrong(bridge, nodes):
    daemon = bridge([("nodeA", f"127.0.0.1:{nodes['nodeA'].port}", "")])
    refused = ctl(daemon, "add", "nodeB", "ajp://mistyped.test:8009")
    assert refused.returncode == 1 and "worker nodeB: cannot resolve mistyped.test" in refused.stderr
    assert health(daemon) == {"nodeA": "up"}
    assert ctl(daemon, "reload").returncode == 0
    assert health(daemon) == {"nodeA": "up"}, "nor has a later reload the worker"


@pytest.mark.parametrize("what", ["reload", "a worker that is down"])
def test_the_end_does_not_wait_for_a_resolver(bridge, nodes, what):
    bridge.names.put("a.test", "127.0.0.1", ms=0)
    daemon = bridge([("nodeA", f"a.test:{nodes['nodeA'].port if what == 'reload' else 1}", "")],
                    "health: {interval: 200ms}\n")
    bridge.names.put("a.test", "127.0.0.1", ms=60000)
    if what == "reload":
        daemon.popen.send_signal(signal.SIGHUP)
    else:
        poll(lambda: health(daemon) == {"nodeA": "down"}, 20, "it is down, and looked up")
    time.sleep(0.3)  # whenever the look-up began, it is under way by now or never meets the end
    daemon.popen.send_signal(signal.SIGTERM)
    begin = time.monotonic()
    assert daemon.popen.wait(20) == 0
    assert time.monotonic() - begin < 5
