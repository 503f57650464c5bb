# SPDX-License-Identifier: Apache-2.0
"""A hot spare: rests, stands in for a worker that is stopped, drained or dead, and rests again."""
import json
import subprocess

import pytest

from procs import BIN, Daemon, poll
from web import Client


class Rig:
    """A bridge before two workers and a spare; its admin server."""

    def __init__(self, folder):
        self.folder = folder
        self.nodes = {name: self.node(name) for name in ("one", "two", "spare")}
        self.address = f"unix:{folder}/admin.sock"
        self.file = folder / "bridge.yaml"
        self.file.write_text(f"admin: '{self.address}'\nlisten:\n  - url: http://127.0.0.1:0\nworkers:\n" + "".join(
            f"  - {{name: {name}, url: 'ajp://127.0.0.1:{node.port}', activation: {name if name == 'spare' else 'active'}}}\n"
            for name, node in self.nodes.items()) + "balance: {slow_start: 0}\n")
        self.bridge = Daemon("ajpbridge", "--config", self.file, listeners=1, log=folder / "bridge.log")

    def node(self, name, port=0):
        return Daemon("ajpcat", "serve", "--quiet", "--listen", f"ajp://127.0.0.1:{port}", "--route", name,
                      log=self.folder / f"{name}.log")

    def ctl(self, *args):
        return subprocess.run([BIN / "ajpbridge", "ctl", self.address, *args], capture_output=True, text=True, timeout=20)

    def set(self, name, activation):
        done = self.ctl(activation, name)
        assert done.returncode == 0, done.stderr
        seen = {w["name"]: w["activation"] for w in json.loads(self.ctl("status").stdout)["workers"]}
        assert seen[name] == activation

    def serving(self):
        """Who answers new requests."""
        with Client(self.bridge.port) as client:
            return {client.get("/echo").json["route"] for _ in range(12)}

    def stop(self):
        status = self.bridge.terminate()
        for node in self.nodes.values():
            node.kill()
        return status


@pytest.fixture
def rig(tmp_path):
    made = Rig(tmp_path)
    yield made
    assert made.stop() == 0, made.bridge.output()


@pytest.mark.parametrize("activation", ["stop", "drain"])
def test_it_stands_in_for_a_worker_that_is_taken_out(rig, activation):
    assert rig.serving() == {"one", "two"}
    rig.set("one", activation)
    assert rig.serving() == {"two", "spare"}
    with Client(rig.bridge.port) as client:
        poll(lambda: setattr(client, "cookie", None) or client.get("/session").json["route"] == "spare", 10, "a session there")
        rig.set("one", "active")
        assert rig.serving() == {"one", "two"}, "it rests"
        assert client.get("/session").json["route"] == "spare", "but keeps the sessions that it took"


def test_it_stands_in_for_a_dead_worker(rig):
    port = rig.nodes["one"].port
    rig.nodes["one"].kill()
    poll(lambda: rig.serving() == {"two", "spare"}, 15, "the spare serves")
    rig.nodes["one"] = rig.node("one", port)
    poll(lambda: rig.serving() == {"one", "two"}, 15, "the spare rests")


def test_a_worker_is_made_a_spare_at_run_time(rig):
    rig.set("spare", "stop")
    rig.set("two", "spare")
    assert rig.serving() == {"one"}, "the spare that was stopped leaves no gap"
    rig.set("one", "stop")
    assert rig.serving() == {"two"}
    assert rig.ctl("reload").returncode == 0
    assert rig.serving() == {"two"}, "also after a reload"
    rig.set("one", "active")
    assert rig.serving() == {"one"}


def test_usage_names_all_activations(rig):
    assert "see ctl --help" in rig.ctl("explode").stderr
    usage = subprocess.run([BIN / "ajpforward", "ctl", "--help"], capture_output=True, text=True, check=True).stdout
    for verb in ("active", "drain", "stop", "standby", "spare"):
        assert f"\n  {verb} " in usage
