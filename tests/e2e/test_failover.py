# SPDX-License-Identifier: Apache-2.0
"""Nodes that die, freeze and come back under load: who notices, how soon, and what the users see."""
import os
import re
import signal
import threading
import time
from collections import Counter

import pytest

from procs import Daemon, poll, workers
from web import Client

NAMES = ("nodeA", "nodeB")


class Rig:
    """A bridge before two nodes, with a few clients that never stop asking."""

    def __init__(self, folder):
        self.folder = folder
        self.nodes = {name: self.node(name) for name in NAMES}
        self.bridge = Daemon("ajpbridge", "--listen", "http://127.0.0.1:0", "--threads", "2", "--slow-start", "500ms",
                             *workers({name: node.port for name, node in self.nodes.items()}),
                             log=folder / "bridge.log")
        self.over = threading.Event()
        self.threads = []
        self.answers = []

    def node(self, name, port=0):
        return Daemon("ajpcat", "serve", "--quiet", "--listen", f"ajp://127.0.0.1:{port}", "--route", name,
                      log=self.folder / f"{name}.log")

    def client(self, path="/session"):
        def run():
            with Client(self.bridge.port) as client:
                while not self.over.is_set():
                    start = time.monotonic()
                    answer = client.get(path)
                    route = (client.cookie or ".").rsplit(".", 1)[1]
                    self.answers.append((start, time.monotonic() - start, answer.status, route))
        self.threads.append(threading.Thread(target=run))
        self.threads[-1].start()

    def signal(self, name, number):
        os.kill(self.nodes[name].pid, number)

    def health(self, name):
        """The last state that the bridge logged, and how often it logged one."""
        moves = re.findall(rf"worker_health worker={name} from=\w+ to=(\w+)", self.bridge.output())
        return (moves or ["up"])[-1]

    def wait_for(self, name, health, deadline):
        start = time.monotonic()
        poll(lambda: self.health(name) == health, deadline, f"{name} is {health}")
        return time.monotonic() - start

    def wait_for_answers(self, count=50):
        have = len(self.answers)
        poll(lambda: len(self.answers) >= have + count, 20, "answers go on")

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join(30)
        status = self.bridge.terminate()
        for node in self.nodes.values():
            node.kill()
        return status

    def statuses(self):
        return Counter(status for _, _, status, _ in self.answers)


@pytest.fixture
def rig(tmp_path):
    made = Rig(tmp_path)
    yield made
    made.stop()


def test_frozen_node_is_noticed_and_taken_back(rig):
    """SIGSTOP: the kernel still takes connections, so only a CPing tells. Its sessions wait for it."""
    for _ in range(8):
        rig.client()
    rig.wait_for_answers()
    rig.signal("nodeA", signal.SIGSTOP)
    try:
        # requests on open connections may hang until the reply timeout; that nothing comes back is noticed
        noticed = rig.wait_for("nodeA", "silent", 8)
        frozen = time.monotonic()
        for _ in range(4):
            rig.client()
        poll(lambda: sum(start > frozen for start, *_ in rig.answers) > 50, 20, "new answers")
        late = [(took, status) for start, took, status, _ in list(rig.answers) if start > frozen]
        assert {status for _, status in late} == {200}
        assert max(took for took, _ in late) < 3, "nobody waits for the frozen node"
    finally:
        rig.signal("nodeA", signal.SIGCONT)
    back = rig.wait_for("nodeA", "up", 12)
    print(f"frozen node: noticed after {noticed:.1f} s, back after {back:.1f} s")
    poll(lambda: rig.answers[-1][2] == 200 and rig.answers, 5, "answers")
    assert set(rig.statuses()) == {200}
    assert rig.stop() == 0


def test_killed_node_costs_no_request_that_may_be_sent_again(rig):
    for _ in range(8):
        rig.client()
    rig.wait_for_answers()
    port = rig.nodes["nodeA"].port
    rig.nodes["nodeA"].kill()
    noticed = rig.wait_for("nodeA", "down", 5)
    rig.wait_for_answers()
    assert {route for *_, route in rig.answers[-20:]} == {"nodeB"}
    rig.nodes["nodeA"] = rig.node("nodeA", port)
    back = rig.wait_for("nodeA", "up", 12)
    with Client(rig.bridge.port) as client:
        poll(lambda: setattr(client, "cookie", None) or (client.get("/session").status == 200 and
                                                         client.cookie.endswith(".nodeA")), 10, "nodeA gets sessions")
    print(f"killed node: noticed after {noticed:.1f} s, back after {back:.1f} s; {dict(rig.statuses())}")
    # a GET that was being executed when the node died is answered 502: it is not sent twice
    assert rig.statuses()[200] >= len(rig.answers) - 8
    assert rig.stop() == 0


def test_with_all_nodes_down_the_answer_is_503_at_once_and_service_comes_back(rig):
    with Client(rig.bridge.port) as client:
        assert client.get("/session").status == 200
        ports = {name: node.port for name, node in rig.nodes.items()}
        for node in rig.nodes.values():
            node.kill()
        for name in NAMES:
            poll(lambda: client.get("/session").status >= 500 and rig.health(name) == "down", 8, f"{name} is down")
        start = time.monotonic()
        statuses = Counter(client.get("/session").status for _ in range(20))
        assert set(statuses) == {503} and time.monotonic() - start < 2
        for name, port in ports.items():
            rig.nodes[name] = rig.node(name, port)
        start = time.monotonic()
        poll(lambda: client.get("/session").status == 200, 8, "service is back")
        print(f"all nodes back: service after {time.monotonic() - start:.1f} s")
    assert rig.stop() == 0


def test_page_of_health_decides_though_requests_go_well(tmp_path):
    """The node whose page says 503 gets no requests; its connector is as alive as the other's."""
    config = tmp_path / "bridge.yaml"
    made = [Daemon("ajpcat", "serve", "--quiet", "--listen", "ajp://127.0.0.1:0", "--route", "nodeA",
                   log=tmp_path / "node.log")]
    try:
        for path, status in (("/status/503", 503), ("/status/200", 200)):
            config.write_text(f"listen:\n  - url: http://127.0.0.1:0\nworkers:\n  - name: nodeA\n"
                              f"    url: ajp://127.0.0.1:{made[0].port}\n"
                              f"health: {{path: {path}, interval: 100ms}}\n")
            bridge = Daemon("ajpbridge", "--config", config, listeners=1, log=tmp_path / f"bridge{status}.log")
            made.append(bridge)
            with Client(bridge.port) as client:
                if status == 503:
                    poll(lambda: "to=down" in bridge.output(), 8, "nodeA is down")
                    poll(lambda: client.get("/session").status == 503, 5, "no requests for it")
                    assert "the health page's status: 503" in bridge.output()
                else:
                    time.sleep(0.5)  # some probes
                    assert client.get("/session").status == 200
                    assert "worker_health" not in bridge.output()
            assert bridge.terminate() == 0
    finally:
        for process in made:
            process.kill()


def test_drained_node_keeps_its_sessions_and_counts_them(rig, tmp_path):
    """activation: drain, by a reload: old sessions stay, new ones go elsewhere, the log counts down."""
    config = tmp_path / "drain.yaml"

    def configure(activation):
        nodes = "".join(f"  - {{name: {name}, url: 'ajp://127.0.0.1:{node.port}', activation: {state}}}\n"
                        for (name, node), state in zip(rig.nodes.items(), (activation, "active")))
        config.write_text(f"listen:\n  - url: http://127.0.0.1:0\nworkers:\n{nodes}session: {{idle: 3s}}\n")
    configure("active")
    bridge = Daemon("ajpbridge", "--config", config, listeners=1, log=tmp_path / "drain.log")
    clients = [Client(bridge.port) for _ in range(8)]

    def homes():
        for client in clients:
            assert client.get("/session").status == 200
        return [client.cookie.rsplit(".", 1)[1] for client in clients]
    try:
        before = homes()
        assert Counter(before) == {"nodeA": 4, "nodeB": 4}  # each has had one reply, and has asked for nothing since
        configure("drain")
        bridge.popen.send_signal(signal.SIGHUP)
        poll(lambda: "drain worker=nodeA sessions_left=4" in bridge.output(), 8, "the count in the log")
        assert homes() == before
        for client in clients:
            client.cookie = None
        assert set(homes()) == {"nodeB"}
        poll(lambda: 'drain_ended worker=nodeA reason="no session left"' in bridge.output(), 25, "the end")
        assert bridge.terminate() == 0
    finally:
        for client in clients:
            client.close()
        bridge.kill()
