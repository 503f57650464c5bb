# SPDX-License-Identifier: Apache-2.0
"""The admin server: looking, changing an activation, reloading; and who may not."""
import http.client
import json
import os
import stat
import subprocess

import pytest

from procs import BIN, Daemon, free_port, poll
from web import Client


@pytest.fixture
def nodes(tmp_path):
    made = {name: Daemon("ajpcat", "serve", "--listen", "ajp://127.0.0.1:0", "--route", name, "--quiet",
                         log=tmp_path / f"{name}.log") for name in ("nodeA", "nodeB")}
    yield made
    for node in made.values():
        node.terminate()


@pytest.fixture(params=["unix", "tcp"])
def bridge(request, tmp_path, nodes):
    address = f"unix:{tmp_path}/admin.sock" if request.param == "unix" else f"127.0.0.1:{free_port()}"
    file = tmp_path / "bridge.yaml"
    file.write_text(f"admin: '{address}'\nlisten:\n  - url: http://127.0.0.1:0\nworkers:\n" + "".join(
        f"  - name: {name}\n    url: ajp://127.0.0.1:{node.port}\n" for name, node in nodes.items()))
    daemon = Daemon("ajpbridge", "--config", file, listeners=1, log=tmp_path / "bridge.log")
    daemon.address, daemon.file = address, file
    yield daemon
    assert daemon.terminate() == 0, daemon.output()


def ctl(daemon, *args):
    return subprocess.run([BIN / "ajpbridge", "ctl", daemon.address, *args], capture_output=True, text=True, timeout=20)


def status(daemon):
    done = ctl(daemon, "status")
    assert done.returncode == 0, done.stderr
    return {w["name"]: w for w in json.loads(done.stdout)["workers"]}


def test_status_counts_requests(bridge):
    with Client(bridge.port) as client:
        for _ in range(10):
            assert client.get("/").status == 200
    seen = status(bridge)
    assert sum(w["elected"] for w in seen.values()) == 10
    assert {w["health"] for w in seen.values()} == {"up"}
    metrics = ctl(bridge, "metrics").stdout
    assert 'ajp_worker_up{worker="nodeA"} 1' in metrics and "# TYPE ajp_worker_requests_total counter" in metrics


def test_activation_is_changed_at_run_time(bridge):
    with Client(bridge.port) as client:
        assert ctl(bridge, "stop", "nodeA").returncode == 0
        assert {client.get("/echo").json["route"] for _ in range(10)} == {"nodeB"}
        assert status(bridge)["nodeA"]["activation"] == "stop"
        assert ctl(bridge, "active", "nodeA").returncode == 0
        assert {client.get("/echo").json["route"] for _ in range(10)} == {"nodeA", "nodeB"}


def test_a_drained_worker_keeps_its_sessions(bridge):
    with Client(bridge.port) as client:
        first = client.get("/session")
        home = first.json["route"]
        cookie = {"Cookie": first.headers["Set-Cookie"].split(";")[0]}
        assert ctl(bridge, "drain", home).returncode == 0
        assert [client.get("/session", headers=cookie).json["route"] for _ in range(5)] == [home] * 5
    with Client(bridge.port) as client:
        assert home not in {client.get("/echo").json["route"] for _ in range(10)}


def test_reload_by_command(bridge):
    text = bridge.file.read_text()
    bridge.file.write_text(text[:text.index("  - name: nodeB")])
    assert ctl(bridge, "reload").returncode == 0
    poll(lambda: list(status(bridge)) == ["nodeA"], 10, "one worker is left")
    bridge.file.write_text("workers: [")
    refused = ctl(bridge, "reload")
    assert refused.returncode == 1 and "not valid" in refused.stderr


@pytest.mark.parametrize("args, code, word", [
    (["drain", "nobody"], 1, "no worker of that name"),
    (["drain"], 2, "usage"), (["explode"], 2, "usage"), ([], 2, "usage"),
])
def test_what_can_not_be_done_is_said(bridge, args, code, word):
    done = ctl(bridge, *args)
    assert (done.returncode, done.stdout) == (code, "") and word in done.stderr


def test_who_may_not(bridge):
    if bridge.address.startswith("unix:"):
        assert stat.S_IMODE(os.stat(bridge.address[5:]).st_mode) == 0o600
        return
    host, port = bridge.address.split(":")
    http_client = http.client.HTTPConnection(host, int(port), timeout=10)
    http_client.request("PUT", "/workers/nodeA", json.dumps({"activation": "stop"}))
    assert http_client.getresponse().status == 403, "no X-Ajp-Admin: as a page in a browser would send it"
    http_client.close()
    assert status(bridge)["nodeA"]["activation"] == "active"


def test_an_admin_server_off_loopback_is_refused(tmp_path, nodes):
    done = subprocess.run([BIN / "ajpbridge", "--admin", "0.0.0.0:9", "--listen", "http://127.0.0.1:0", "--worker",
                           f"a=ajp://127.0.0.1:{nodes['nodeA'].port}"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "loopback" in done.stderr


def test_nobody_there(tmp_path):
    done = subprocess.run([BIN / "ajpbridge", "ctl", f"unix:{tmp_path}/none.sock", "status"], capture_output=True,
                          text=True, timeout=20)
    assert done.returncode == 1 and "none.sock" in done.stderr and "--admin" in done.stderr


def test_every_retry_is_counted_and_told_with_its_reason(tmp_path, nodes):
    gone = free_port()
    config = tmp_path / "retries.yaml"
    config.write_text(f"admin: 'unix:{tmp_path}/retries.sock'\nlisten:\n  - url: http://127.0.0.1:0\nworkers:\n"
                      f"  - {{name: gone, url: 'ajp://127.0.0.1:{gone}'}}\n"
                      f"  - {{name: nodeA, url: 'ajp://127.0.0.1:{nodes['nodeA'].port}'}}\n")
    daemon = Daemon("ajpbridge", "--config", config, listeners=1, log=tmp_path / "retries.log")
    daemon.address = f"unix:{tmp_path}/retries.sock"
    with Client(daemon.port) as client:
        poll(lambda: client.get("/").status == 200 and status(daemon)["gone"]["retries"], 10, "one went there first")
    told = daemon.output().count(" retry worker=gone reason=\"Connection refused\" attempt=1 method=GET path=/")
    assert status(daemon)["gone"]["retries"] == told and status(daemon)["nodeA"]["retries"] == 0
    assert f'ajp_worker_retries_total{{worker="gone"}} {told}' in ctl(daemon, "metrics").stdout
    assert daemon.terminate() == 0
