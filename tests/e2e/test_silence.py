# SPDX-License-Identifier: Apache-2.0
"""Silence is not refusal: nodes that are busy or pause keep their sessions, which wait for them and are not sent;
who has no session goes elsewhere. docs/health.md has the states."""
import datetime
import json
import re
import signal
import subprocess
import threading
import time

import pytest

from ajpwire import chunk, end, reply, whole_reply
from procs import BIN, Daemon, poll
from scripted import ScriptedWorker
from web import Client

QUICK = "health: {interval: 300ms, timeout: 200ms, silence: %s}\ntimeouts: {cping: 200ms, connect: 1s}\n"


class Rig:
    """A bridge before nodes a, b ... of THREADS threads each, whose answers are their names."""

    def __init__(self, folder):
        self.folder, self.nodes, self.clients, self.answers = folder, {}, [], []
        self.daemon, self.count = None, 0
        self.lock = threading.Lock()

    def start(self, nodes="ab", threads=4, silence="20s", more="", loops=2, pong=True):
        self.nodes = {name: ScriptedWorker(lambda link, request, name=name: self.serve(name, link, request), threads=threads,
                                          pong=pong)
                      for name in nodes}
        file = self.folder / "bridge.yaml"
        file.write_text(f"admin: 'unix:{self.folder}/admin.sock'\nthreads: {loops}\nlisten:\n  - url: http://127.0.0.1:0\n"
                        "workers:\n" + "".join(f"  - {{name: {name}, url: 'ajp://127.0.0.1:{node.port}'}}\n"
                                               for name, node in self.nodes.items()) + QUICK % silence + more)
        self.daemon = Daemon("ajpbridge", "--config", file, listeners=1, log=self.folder / "bridge.log")
        if pong:
            poll(lambda: all(node.pings for node in self.nodes.values()), 10, "they answer CPings")
            self.status(nodes[0])
        return self

    @staticmethod
    def serve(name, link, request):
        _, kind, *arg = request.uri.split("/")
        if kind == "slow":
            time.sleep(int(arg[0]) / 1000)
        if kind == "stream":  # a byte each 100 ms
            link.send(reply())
            for _ in range(int(arg[0]) // 100):
                time.sleep(0.1)
                link.send(chunk(b"."))
            link.send(end())
            return
        if kind == "drop":
            link.close()
            return
        if request.length:
            link.body(request)
        link.send(whole_reply(name.encode()))

    def ask(self, path="/", session=None, method="GET", times=1):
        """In threads of their own: (session, status, worker, seconds) go to answers."""
        for _ in range(times):
            self.count += 1
            self.clients.append(threading.Thread(target=self._ask, args=[path, session, method, self.count]))
            self.clients[-1].start()

    def _ask(self, path, session, method, number):
        start = time.monotonic()
        headers = {"X-Id": str(number)}
        if session:
            headers["Cookie"] = f"JSESSIONID={number}.{session}"
        with Client(self.daemon.port, timeout=60) as client:
            client.http.request(method, path, body="body" if method == "POST" else None, headers=headers)
            got = client.http.getresponse()
            answer = (session, got.status, got.read().decode(), time.monotonic() - start)
        with self.lock:
            self.answers.append(answer)

    def all_answers(self):
        for client in self.clients:
            client.join()
        self.clients = []
        got, self.answers = self.answers, []
        return got

    def status(self, name):
        done = subprocess.run([BIN / "ajpbridge", "ctl", f"unix:{self.folder}/admin.sock", "status"], capture_output=True,
                              timeout=20)
        return next(w for w in json.loads(done.stdout)["workers"] if w["name"] == name)

    def moves(self, name):
        return re.findall(rf'worker_health worker={name} from=\w+ to=(\w+) ', self.daemon.output())

    def wait_for(self, name, health):
        poll(lambda: self.moves(name)[-1:] == [health], 10, f"{name} is {health}")

    def executed(self):
        """How often the one that was executed most often was."""
        total = sum((node.executed for node in self.nodes.values()), start=type(self.nodes["a"].executed)())
        return max(total.values(), default=0)

    def stop(self):
        for node in self.nodes.values():
            node.resume()
        for client in self.clients:
            client.join()
        status = self.daemon and self.daemon.terminate()
        for node in self.nodes.values():
            node.stop()
            assert node.faults == []
        assert status == 0, self.daemon.output()


@pytest.fixture
def rig(tmp_path):
    made = Rig(tmp_path)
    yield made
    made.stop()


def moment(text):
    return datetime.datetime.fromisoformat(text.rstrip("Z")).timestamp()


def statuses(answers):
    return sorted(status for _, status, _, _ in answers)


def test_a_pause_loses_no_request_and_moves_no_session(rig):
    rig.start()
    rig.ask(session="a", times=4)
    rig.all_answers()
    rig.nodes["a"].pause()
    paused = time.monotonic()
    rig.ask(session="a", times=4)
    rig.ask(times=8)
    rig.wait_for("a", "silent")
    noticed = time.monotonic() - paused
    before = len(rig.nodes["a"].requests)
    rig.ask(session="a", method="POST", times=10)
    rig.ask(times=10)
    time.sleep(max(0, paused + 4 - time.monotonic()))
    assert len([1 for answer in rig.answers if not answer[0]]) >= 10, "others do not wait for it"
    rig.nodes["a"].resume()
    resumed = time.monotonic()
    got = rig.all_answers()
    late = time.monotonic() - resumed
    print(f"noticed after {noticed:.2f} s, latest answer {late:.2f} s after the pause")
    assert statuses(got) == [200] * 32
    assert {worker for session, _, worker, _ in got if session} == {"a"}, "no session moves"
    assert noticed < 3 and late < 1
    assert len(rig.nodes["a"].requests) >= before + 10 and rig.executed() == 1
    assert rig.moves("a") == ["silent", "up"]


def test_one_node_is_waited_for(rig):
    """Also after it counts as down; then all are served at once, and none is served twice."""
    rig.start(nodes="a", silence="1s")
    rig.ask(times=4)
    rig.all_answers()
    rig.nodes["a"].pause()
    rig.ask(times=10)
    rig.wait_for("a", "silent")
    rig.ask(times=150, method="POST")
    rig.ask(times=50, session="a")
    rig.wait_for("a", "down")
    rig.ask(times=20)
    poll(lambda: rig.status("a")["waiting"] >= 200, 10, "they wait")
    assert rig.answers == []
    rig.nodes["a"].resume()
    resumed = time.monotonic()
    got = rig.all_answers()
    print(f"latest answer {time.monotonic() - resumed:.2f} s after the pause")
    assert statuses(got) == [200] * 230 and rig.executed() == 1
    assert rig.moves("a") == ["silent", "down", "up"]


@pytest.mark.parametrize("event", ["reload", "end"])
def test_who_waits_outlives_a_reload_and_is_served_before_the_end(rig, event):
    rig.start()
    rig.nodes["a"].pause()  # with no request under way: the prober finds it
    rig.wait_for("a", "silent")
    rig.ask(session="a", method="POST", times=6)
    poll(lambda: rig.status("a")["waiting"] == 6, 10, "they wait")
    if event == "reload":
        assert subprocess.run([BIN / "ajpbridge", "ctl", f"unix:{rig.folder}/admin.sock", "reload"]).returncode == 0
        assert rig.status("a")["health"] == "silent" and rig.status("a")["reason"]
        poll(lambda: rig.status("a")["waiting"] == 6, 10, "they still wait")
    else:
        rig.daemon.popen.send_signal(signal.SIGTERM)
        poll(lambda: "draining" in rig.daemon.output(), 10, "it is about to end")
    time.sleep(0.5)
    rig.nodes["a"].resume()
    got = rig.all_answers()
    assert [answer[1:3] for answer in got] == [(200, "a")] * 6 and rig.executed() == 1


@pytest.mark.parametrize("nodes", ["a", "ab"])
def test_busy_threads_are_no_dead_node(rig, nodes):
    """All four threads are at work: a CPing waits as long as any request."""
    rig.start(nodes=nodes)
    rig.ask("/slow/3000", session="a", times=4)
    poll(lambda: len(rig.nodes["a"].requests) == 4, what="all are busy")
    rig.wait_for("a", "silent")
    rig.ask(session="a", times=6)
    rig.ask(times=6)
    got = rig.all_answers()
    assert statuses(got) == [200] * 16
    assert {worker for session, _, worker, _ in got if session} == {"a"}
    if nodes == "ab":
        assert max(seconds for session, _, _, seconds in got if not session) < 1, "b is free"
    assert "to=down" not in rig.daemon.output() and rig.executed() == 1


def test_sessions_of_a_silent_node_go_on_elsewhere_in_the_end(rig):
    rig.start(silence="1s")
    rig.nodes["a"].pause()
    rig.ask(session="a", method="POST", times=3)
    rig.wait_for("a", "silent")
    rig.ask(session="a", method="POST", times=5)
    sent = len(rig.clients)
    poll(lambda: len(rig.answers) >= 5, 10, "those that were held are answered")
    assert {answer[1:3] for answer in rig.answers} == {(200, "b")}, "they had not been sent"
    assert rig.moves("a") == ["silent", "down"]
    rig.nodes["a"].resume()
    assert statuses(rig.all_answers()) == [200] * sent and rig.executed() == 1
    rig.wait_for("a", "up")


def test_a_silent_node_that_dies_is_left_at_once(rig):
    rig.start()
    rig.ask(session="a", times=2)
    rig.all_answers()
    rig.nodes["a"].pause()
    rig.ask("/slow/100", times=2)
    rig.wait_for("a", "silent")
    rig.ask(session="a", method="POST", times=4)
    poll(lambda: rig.status("a")["waiting"] == 4, what="they wait")
    died = time.monotonic()
    rig.nodes["a"].stop_listening()
    for link in rig.nodes["a"].open_links():
        link.close(reset=True)
    poll(lambda: len([1 for answer in rig.answers if answer[0]]) == 4, 10, "they are served")
    assert time.monotonic() - died < 1.5
    assert {answer[1:3] for answer in rig.answers if answer[0]} == {(200, "b")}


def test_a_node_that_sends_is_alive(rig):
    """Its only thread sends a long reply: that no CPong comes is no reason to take its sessions away."""
    rig.start(threads=1, silence="1s")
    rig.ask("/stream/3500", session="a")
    rig.wait_for("a", "silent")
    rig.ask(session="a")
    got = rig.all_answers()
    assert statuses(got) == [200, 200] and rig.moves("a")[:2] == ["silent", "up"]
    assert got[-1][2] == "a", "it waited for its own"


def test_a_silent_node_s_idle_connections_are_asked(rig):
    """One that takes no new connections for as long as it has those serves over them."""
    rig.start(nodes="a", silence="60s", loops=1)  # each thread has connections of its own
    rig.ask("/slow/100", times=3)
    rig.all_answers()
    old = set(rig.nodes["a"].open_links())
    answer = rig.nodes["a"]._answer
    rig.nodes["a"]._answer = lambda link, payload: answer(link, payload) if link in old else None
    poll(lambda: "silent" in rig.moves("a"), 10, "the prober's new connection is not served")
    rig.ask(times=3)
    assert statuses(rig.all_answers()) == [200] * 3


def test_a_node_that_drops_every_request_is_left_alone(rig):
    """It answers its CPings; nine of ten users would not have noticed, the tenth half of the time."""
    rig.start(more="balance: {slow_start: 1s}\n", loops=1)
    dropping = rig.nodes["a"].on_request
    rig.nodes["a"].on_request = lambda link, request: link.close()
    seen = []
    for _ in range(30):
        rig.ask()
        seen += rig.all_answers()
    failed = [status for _, status, _, _ in seen if status != 200]
    assert failed == [502] * 3, "as many as max_fails says"
    assert 'worker_ejected worker=a in_a_row=3 for_ms=5000 reason="requests without a reply"' in rig.daemon.output()
    rig.nodes["a"].on_request = dropping
    poll(lambda: rig.ask() or rig.all_answers()[0][1:3] == (200, "a"), 10, "it is tried again")
    assert "worker=a from" not in rig.daemon.output() or rig.moves("a")[-1:] == ["up"]


@pytest.mark.parametrize("nodes", ["a", "ab"])
def test_nodes_that_answer_no_cping_are_served_all_the_same(rig, nodes):
    """As with mod_jk, which asks for none by default."""
    rig.start(nodes=nodes, pong=None, silence="1s")
    rig.ask(times=2)
    assert statuses(rig.all_answers()) == [200] * 2
    rig.wait_for("a", "silent")
    time.sleep(1.5)  # longer than silence
    rig.ask(times=4, session="a")
    rig.ask(times=4)
    got = rig.all_answers()
    assert statuses(got) == [200] * 8 and max(seconds for *_, seconds in got) < 1
    assert {worker for session, _, worker, _ in got if session} == {"a"}
    assert "to=down" not in rig.daemon.output()


def test_status_and_log_tell_why_and_since_when(rig):
    rig.start(nodes="a", silence="500ms")
    assert rig.status("a")["reason"] == ""
    rig.nodes["a"].pause()
    rig.wait_for("a", "silent")
    told = rig.status("a")
    assert told["reason"] == "no CPong within 200 ms"
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told["since"])
    rig.wait_for("a", "down")
    assert rig.status("a")["reason"] == "no sign of life for 500 ms"
    since = rig.status("a")["since"]
    rig.nodes["a"].stop_listening()
    for link in rig.nodes["a"].open_links():
        link.close(reset=True)
    poll(lambda: rig.status("a")["reason"] == "Connection refused", 10, "the reason of now")
    assert rig.status("a")["health"] == "down" and abs(moment(rig.status("a")["since"]) - moment(since)) < 0.1
    assert 'worker_reason worker=a health=down reason="Connection refused"' in rig.daemon.output()


@pytest.mark.parametrize("on_down", ["wait", "abort"])
def test_on_down_says_what_becomes_of_requests_under_way(rig, on_down):
    """They were sent: only safe ones may be sent again."""
    rig.start(silence="1s", more=f"balance: {{slow_start: 0}}\n")
    text = (rig.folder / "bridge.yaml").read_text().replace("silence: 1s", f"silence: 1s, on_down: {on_down}")
    (rig.folder / "bridge.yaml").write_text(text)
    assert subprocess.run([BIN / "ajpbridge", "ctl", f"unix:{rig.folder}/admin.sock", "reload"]).returncode == 0
    rig.nodes["a"].pause()
    rig.ask(session="a")
    rig.ask(session="a", method="POST")
    rig.wait_for("a", "down")
    if on_down == "abort":
        got = rig.all_answers()
        assert sorted(answer[1:3] for answer in got)[0] == (200, "b") and statuses(got) == [200, 504]
        assert 'reason="the worker was found down"' in rig.daemon.output()
    else:
        time.sleep(0.5)
        assert rig.answers == []
    rig.nodes["a"].resume()
    if on_down == "wait":
        assert [answer[1:3] for answer in rig.all_answers()] == [(200, "a")] * 2 and rig.executed() == 1


def test_a_page_that_is_late_takes_no_sessions_away(rig):
    """Its threads are busy: the page has to wait for one too."""
    rig.start(threads=1, more="", silence="20s, path: /slow/10")
    rig.ask(session="a", times=2)
    assert statuses(rig.all_answers()) == [200] * 2
    rig.ask("/slow/1500", session="a", times=2)
    rig.ask(session="a")
    got = rig.all_answers()
    assert statuses(got) == [200] * 3 and {answer[2] for answer in got} == {"a"}
    assert "to=down" not in rig.daemon.output()
