# SPDX-License-Identifier: Apache-2.0
"""What a drained worker is told: JK_LB_ACTIVATION=DIS, once, whatever the web server in front said."""
import json
import subprocess

import pytest

from procs import BIN, Daemon
from web import Client


@pytest.fixture
def node(tmp_path):
    made = Daemon("ajpcat", "serve", "--quiet", "--listen", "ajp://127.0.0.1:0", "--route", "a", log=tmp_path / "node.log")
    yield made
    made.kill()


def daemon(tmp_path, name, scheme, node, activation):
    config = tmp_path / f"{name}.yaml"
    config.write_text(f"listen:\n  - url: {scheme}://127.0.0.1:0\nworkers:\n"
                      f"  - {{name: a, url: 'ajp://127.0.0.1:{node.port}', activation: {activation}}}\n")
    return Daemon(name, "--config", config, listeners=1, log=tmp_path / f"{name}.log")


def told_of(echo):
    """The one JK_LB_ACTIVATION that arrived, or None."""
    values = [value for name, value in echo["attributes"] if name == "JK_LB_ACTIVATION"]
    assert len(values) < 2
    return values[0] if values else None


@pytest.mark.parametrize("activation, told", [("active", None), ("drain", "DIS")])
def test_bridge(tmp_path, node, activation, told):
    bridge = daemon(tmp_path, "ajpbridge", "http", node, activation)
    try:
        with Client(bridge.port) as client:
            client.cookie = "JSESSIONID=1.a"
            assert told_of(client.get("/echo").json) == told
    finally:
        assert bridge.terminate() == 0


@pytest.mark.parametrize("activation, told", [("active", "ACT"), ("drain", "DIS")])
def test_forwarder(tmp_path, node, activation, told):
    forward = daemon(tmp_path, "ajpforward", "ajp", node, activation)
    try:
        done = subprocess.run([BIN / "ajpcat", "get", "-v", "-H", "Cookie: JSESSIONID=1.a", "--attribute",
                               "JK_LB_ACTIVATION=ACT", "--attribute", "AJP_REMOTE_PORT=7",
                               f"ajp://127.0.0.1:{forward.port}/echo"], capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, done.stderr
        echo = json.loads(done.stdout)
        assert told_of(echo) == told
        assert ["AJP_REMOTE_PORT", "7"] in echo["attributes"]
    finally:
        assert forward.terminate() == 0
