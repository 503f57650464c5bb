# SPDX-License-Identifier: Apache-2.0
"""SIGUSR2: the successor knows what was set at run time, and who is down."""
import json
import os
import re
import shutil
import signal
import subprocess
import threading

import pytest

import procs
from procs import Daemon, free_port, poll
from scripted import ScriptedWorker
from web import Client


class Upgraded:
    """A bridge from a program of its own, which may be replaced; and its successors."""

    def __init__(self, path, nodes, more="", threads=2):
        self.path, self.nodes, self.more, self.threads = path, nodes, more, threads
        self.program = path / "ajpbridge"
        shutil.copy(procs.BIN / "ajpbridge", self.program)
        self.file = path / "bridge.yaml"
        self.admin = f"unix:{path}/admin.sock"
        self.write()
        self.daemon = Daemon(self.program, "--config", self.file, listeners=1, log=path / "bridge.log")
        self.port = self.daemon.port

    def write(self, **settings):
        """The file has a, b and x; of each of these, a line more."""
        self.file.write_text(
            f"admin: {self.admin}\nthreads: {self.threads}\nlisten:\n  - url: http://127.0.0.1:0\nworkers:\n" + "".join(
                f"  - name: {name}\n    url: ajp://127.0.0.1:{self.nodes[name].port}\n    {settings.get(name, '')}\n"
                for name in "abx") + self.more)

    def replace_program(self, script):
        """With one that runs the program in the end: REAL."""
        real = self.path / "real"
        if not real.exists():
            shutil.copy(procs.BIN / "ajpbridge", real)
        new = self.path / "new"
        new.write_text(script.replace("REAL", str(real)))
        new.chmod(0o755)
        new.rename(self.program)

    def successors(self):
        return [int(pid) for pid in re.findall(r"successor=(\d+)", self.daemon.output())]

    @property
    def pid(self):
        return (self.served() or [self.daemon.pid])[-1]

    def served(self):
        """Successors that have taken over."""
        served, last = [], None
        for pid, draining in re.findall(r" successor=(\d+)| (draining) ", self.daemon.output()):
            if draining and last:
                served.append(last)
            last = int(pid) if pid else None
        return served

    def start_upgrade(self):
        count = len(self.successors())
        os.kill(self.pid, signal.SIGUSR2)
        poll(lambda: len(self.successors()) > count, 10, "a successor is started")

    def upgrade(self):
        count = len(self.served())
        self.start_upgrade()
        poll(lambda: len(self.served()) > count, 20, "it has taken over")

    def fail_to_upgrade(self):
        count = self.daemon.output().count("upgrade_failed")
        os.kill(self.pid, signal.SIGUSR2)
        poll(lambda: self.daemon.output().count("upgrade_failed") > count, 20, "it has failed")

    def reload(self):
        count = self.daemon.output().count(" reloaded ")
        os.kill(self.pid, signal.SIGHUP)
        poll(lambda: self.daemon.output().count(" reloaded ") > count, 10, "it is reloaded")

    def try_ctl(self, *args):
        return subprocess.run([procs.BIN / "ajpbridge", "ctl", self.admin, *args], capture_output=True, text=True,
                              timeout=20)

    def ctl(self, *args):
        done = self.try_ctl(*args)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def status(self):
        return {w["name"]: w for w in self.ctl("status")["workers"]}

    def state(self):
        return {name: (w["activation"], w["weight"]) for name, w in self.status().items()}

    def end(self):
        os.kill(self.pid, signal.SIGTERM)
        poll(lambda: self.try_ctl("status").returncode == 1, 20, "the last one has ended")
        status = self.daemon.popen.wait(20)
        self.daemon.kill()
        assert "Sanitizer" not in self.daemon.output(), self.daemon.output()
        return status


@pytest.fixture
def nodes():
    made = {name: ScriptedWorker() for name in ("a", "b", "x", "c2")}
    yield made
    for node in made.values():
        node.stop()


@pytest.fixture
def bridge(tmp_path, nodes):
    made = []

    def start(**how):
        made.append(Upgraded(tmp_path, nodes, **how))
        return made[0]
    yield start
    try:
        assert made[0].end() == 0, made[0].daemon.output()
    finally:
        made[0].daemon.kill()


def change(bridge, nodes):
    """Some of each kind; what the state is then."""
    bridge.ctl("stop", "a")
    bridge.ctl("weight", "b", "7")
    bridge.ctl("add", "c2", f"ajp://127.0.0.1:{nodes['c2'].port}", "weight=3", "like=b")
    bridge.ctl("add", "c3", f"ajp://127.0.0.1:{nodes['c2'].port}", "domain=zone.1")
    bridge.ctl("remove", "x")
    bridge.ctl("drain", "c2")
    bridge.ctl("weight", "c2", "9")
    bridge.ctl("standby", "c3")
    state = {"a": ("stop", 1), "b": ("active", 7), "c2": ("drain", 9), "c3": ("standby", 1)}
    assert bridge.state() == state
    return state


def test_what_was_set_at_run_time_stays_over_upgrades(bridge, nodes):
    it = bridge()
    state = change(it, nodes)
    for _ in range(2):
        it.upgrade()
        assert it.state() == state
    it.reload()
    assert it.state() == state, "after a reload too"
    with Client(it.port) as client:
        for _ in range(20):
            assert client.get("/").status == 200
    asked = {name: sum(node.executed.values()) for name, node in nodes.items()}
    assert asked == {"a": 0, "b": 20, "x": 0, "c2": 0}
    it.ctl("active", "a")
    it.ctl("remove", "c2")
    it.upgrade()
    assert it.state() == {"a": ("active", 1), "b": ("active", 7), "c3": ("standby", 1)}


def test_what_the_file_says_anew_goes_before(bridge, nodes):
    it = bridge()
    change(it, nodes)
    it.write(a="activation: drain", b="weight: 4")
    it.upgrade()
    assert it.state() == {"a": ("drain", 1), "b": ("active", 4), "c2": ("drain", 9), "c3": ("standby", 1)}
    it.write(b="weight: 4")
    it.reload()
    assert it.state()["a"] == ("active", 1)


def test_who_is_down_stays_so(bridge, nodes):
    it = bridge(more="health: {interval: 60s}\n")
    nodes["b"].stop()
    with Client(it.port) as client:
        def down():
            client.get("/")
            return it.status()["b"]["health"] == "down"
        poll(down, 10, "b is down")
    it.upgrade()
    assert {name: w["health"] for name, w in it.status().items()} == {"a": "up", "b": "down", "x": "up"}
    told = re.findall(r"worker=b from=(\w+) to=(\w+)", it.daemon.output())
    assert ("up", "suspect") not in told[2:] and told.count(("suspect", "down")) <= 1


def test_a_failed_upgrade_forgets_nothing(bridge, nodes):
    it = bridge()
    state = change(it, nodes)
    it.file.rename(it.path / "hidden")
    it.fail_to_upgrade()
    assert it.state() == state
    (it.path / "hidden").rename(it.file)
    it.ctl("weight", "b", "8")
    it.upgrade()
    assert it.state() == {**state, "b": ("active", 8)}


def test_nothing_is_changed_while_a_successor_starts(bridge, nodes):
    """It would not know."""
    it = bridge()
    it.replace_program(f'#!/bin/sh\nuntil [ -e {it.path}/go ]; do sleep 0.05; done\nexec REAL "$@"\n')
    it.start_upgrade()
    for args in (["stop", "a"], ["weight", "b", "7"], ["remove", "x"],
                 ["add", "c2", f"ajp://127.0.0.1:{nodes['c2'].port}"]):
        refused = it.try_ctl(*args)
        assert refused.returncode == 1 and "upgrade is under way" in refused.stderr
    assert it.state() == {name: ("active", 1) for name in "abx"}
    it.reload()
    (it.path / "go").touch()
    poll(it.served, 20, "it has taken over")
    it.ctl("stop", "a")
    assert it.state()["a"] == ("stop", 1)


def test_changes_are_allowed_again_after_a_failure(bridge):
    it = bridge()
    it.replace_program("#!/bin/sh\nexit 3\n")
    it.fail_to_upgrade()
    poll(lambda: it.try_ctl("stop", "a").returncode == 0, 10, "a is stopped")
    assert it.state()["a"] == ("stop", 1)


def test_only_the_successor_is_asked_while_the_other_one_drains(bridge, nodes):
    """Both have the admin server's socket; the old one must not answer, nor take changes."""
    gate = threading.Event()
    nodes["a"].on_request = lambda link, request: (gate.wait(20), ScriptedWorker.good(link, request))
    it = bridge(threads=1)
    with Client(it.port) as client:
        slow = threading.Thread(target=lambda: client.get("/", headers={"Cookie": "JSESSIONID=1.a"}))
        slow.start()
        try:
            poll(lambda: nodes["a"].executed, 10, "the request is at a")
            it.upgrade()
            for weight in range(2, 60):
                it.ctl("weight", "b", str(weight))
                assert it.state()["b"] == ("active", weight)
                assert it.status()["a"]["busy"] == 0
            assert it.daemon.running(), "it still drains"
        finally:
            gate.set()
            slow.join()


def test_a_predecessor_that_hands_nothing_over_is_followed_all_the_same(bridge, nodes):
    """And what one before it left in the environment is not taken for its own."""
    it = bridge()
    change(it, nodes)
    it.replace_program('#!/bin/sh\nexport AJP_UPGRADE_STATE="${AJP_UPGRADE_STATE%,*},1"\nexec REAL "$@"\n')
    it.upgrade()
    assert it.state() == {name: ("active", 1) for name in "abx"}


FORGER = """#!/usr/bin/python3
import fcntl, os, sys
fd = os.memfd_create("forged", os.MFD_ALLOW_SEALING)
os.write(fd, {text!r}.encode())
if {sealed}:
    fcntl.fcntl(fd, 1033, 15)  # F_ADD_SEALS, all of them
os.set_inheritable(fd, True)
os.environ["AJP_UPGRADE_STATE"] = str(fd) + "," + os.environ["AJP_UPGRADE_FROM"]
os.execv("REAL", ["REAL", *sys.argv[1:]])
"""
VERSION = '{"version":1}\n'


def worker(**changes):
    given = {"worker": "a", "host": "127.0.0.1", "port": 1, "weight": [1, 5], "activation": ["active", "stop"],
             "health": "up", "refused": 0, "since": 0, "failed": 0, "recovered": 0, "ejected": 0, "drain": 0}
    return json.dumps({**given, **changes}) + "\n"


BAD = {
    "empty": "", "no version": worker(), "another version": '{"version":2}\n', "no end": VERSION + worker()[:-1],
    "no JSON": VERSION + "{\n", "no object": VERSION + "[]\n", "more of it": VERSION + '{"remove":"x","a":1}\n',
    "twice": VERSION + '{"remove":"x","remove":"b"}\n', "no text": VERSION + '{"remove":7}\n',
    "set is a list": VERSION + '{"add":"c","set":["url"]}\n',
    "set has a number": VERSION + '{"add":"c","set":{"url":1}}\n',
    "too many settings": VERSION + json.dumps({"add": "c", "set": {f"k{i}": "v" for i in range(33)}}) + "\n",
    "unknown setting": VERSION + '{"add":"c","set":{"url":"ajp://127.0.0.1:1","none":"1"}}\n',
    "weight": VERSION + worker(weight=[1, 1001]), "weight of the file": VERSION + worker(weight=[0, 1]),
    "weights": VERSION + worker(weight=[1, 2, 3]), "port": VERSION + worker(port=65536),
    "activation": VERSION + worker(activation=["active", "on"]), "health": VERSION + worker(health="well"),
    "time": VERSION + worker(since=-1), "real": VERSION + worker(since=1.5), "refused": VERSION + worker(refused=2**32),
    "unknown key": VERSION + worker(colour="red"), "too many workers": VERSION + worker() * 65,
}


@pytest.mark.parametrize("text, sealed", [(text, True) for text in BAD.values()] + [(VERSION, False)],
                         ids=[*BAD, "not sealed"])
def test_what_is_not_understood_is_refused_and_nothing_forgotten(bridge, nodes, text, sealed):
    it = bridge()
    it.ctl("stop", "a")
    it.replace_program(FORGER.format(text=text, sealed=sealed))
    it.fail_to_upgrade()
    assert it.state()["a"] == ("stop", 1)
    told = it.daemon.output()
    assert "cannot be taken over" in told or "unknown key" in told and '"none"' in told


def test_what_is_understood_is_applied_where_it_fits(bridge, nodes):
    """Not to a worker at another address; and times to come are not believed."""
    it = bridge()
    port = nodes["a"].port
    it.replace_program(FORGER.format(sealed=True, text=VERSION + worker(port=port, since=2**62, drain=2**62)
                                     + worker(worker="b", port=1) + worker(worker="gone") + '{"remove":"nobody"}\n'))
    it.upgrade()
    assert it.state() == {"a": ("stop", 5), "b": ("active", 1), "x": ("active", 1)}
