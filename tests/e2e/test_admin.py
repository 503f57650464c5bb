# SPDX-License-Identifier: Apache-2.0
"""The admin server: looking, changing an activation, reloading; and who may not."""
import http.client
import json
import os
import signal
import stat
import subprocess
import threading

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


def test_a_weight_is_changed_at_run_time_and_stays_over_a_reload(bridge):
    def shares():
        with Client(bridge.port) as client:
            routes = [client.get("/echo").json["route"] for _ in range(40)]
        return routes.count("nodeA") / len(routes)
    assert ctl(bridge, "weight", "nodeA", "3").returncode == 0
    assert status(bridge)["nodeA"]["weight"] == 3
    assert shares() == pytest.approx(0.75, abs=0.05)
    assert ctl(bridge, "reload").returncode == 0
    assert shares() == pytest.approx(0.75, abs=0.05)
    text = bridge.file.read_text()
    bridge.file.write_text(text.replace("  - name: nodeA\n", "  - name: nodeA\n    weight: 1000\n"))
    assert ctl(bridge, "reload").returncode == 0
    assert status(bridge)["nodeA"]["weight"] == 1000, "the file says something new"


def test_no_change_is_lost_to_a_reload(tmp_path):
    """What is set while the new generation looks at the old one's workers is the new one's too."""
    port, file, done = free_port(), tmp_path / "bridge.yaml", threading.Event()
    file.write_text(f"admin: 127.0.0.1:{port}\nlisten:\n  - url: http://127.0.0.1:0\nworkers:\n" + "".join(
        f"  - {{name: w{i}, url: 'ajp://127.0.0.1:1'}}\n" for i in range(60)))
    daemon = Daemon("ajpbridge", "--config", file, listeners=1, log=tmp_path / "bridge.log")

    def reload():
        while not done.wait(0.003):
            daemon.popen.send_signal(signal.SIGHUP)
    thread = threading.Thread(target=reload)
    thread.start()
    try:
        admin = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for weight in range(1, 151):
            admin.request("PUT", "/workers/w59", json.dumps({"weight": weight}), {"X-Ajp-Admin": "1"})
            assert admin.getresponse().read()
            admin.request("GET", "/status")
            assert json.load(admin.getresponse())["workers"][59]["weight"] == weight
        admin.close()
        assert daemon.output().count(" reloaded ") > 3
    finally:
        done.set()
        thread.join()
        assert daemon.terminate() == 0, daemon.output()[-3000:]


def test_a_worker_is_added_and_removed_at_run_time(bridge, tmp_path):
    def routes(count=12):
        with Client(bridge.port) as client:
            return {client.get("/echo").json["route"] for _ in range(count)}
    node = Daemon("ajpcat", "serve", "--listen", "ajp://127.0.0.1:0", "--route", "nodeC", "--quiet",
                  log=tmp_path / "c.log")
    try:
        with open(bridge.file, "a") as file:
            file.write("balance: {slow_start: 0}\n")
        url = f"ajp://127.0.0.1:{node.port}"
        assert ctl(bridge, "add", "nodeC", url, "weight=2", "distance=0").returncode == 0
        assert (status(bridge)["nodeC"]["weight"], status(bridge)["nodeC"]["port"]) == (2, node.port)
        assert routes() == {"nodeA", "nodeB", "nodeC"}
        assert ctl(bridge, "add", "nodeC", url).returncode == 1
        assert ctl(bridge, "remove", "nodeA").returncode == 0
        assert ctl(bridge, "reload").returncode == 0
        assert routes() == {"nodeB", "nodeC"}, "also after a reload"
        assert ctl(bridge, "remove", "nodeC").returncode == 0
        assert routes() == {"nodeB"}
        last = ctl(bridge, "remove", "nodeB")
        assert last.returncode == 1 and "expected a worker" in last.stderr
        assert routes() == {"nodeB"}
        nodes = bridge.file.read_text()
        port = nodes[nodes.index("nodeA"):].split("127.0.0.1:")[1].split()[0]
        assert ctl(bridge, "add", "nodeA", f"ajp://127.0.0.1:{port}").returncode == 0
        assert routes() == {"nodeA", "nodeB"}
    finally:
        node.terminate()


def test_a_worker_like_another_has_its_settings_and_routes(bridge):
    text = bridge.file.read_text()
    bridge.file.write_text(text.replace("  - name: nodeA\n", "  - name: nodeA\n    weight: 7\n    aliases: [old]\n")
                           + "routes:\n  - paths: [/echo]\n    workers: [nodeA]\nbalance: {slow_start: 0}\n")
    assert ctl(bridge, "reload").returncode == 0
    port = status(bridge)["nodeB"]["port"]
    assert "no worker of that name" in ctl(bridge, "remove", "old").stderr, "an alias is no worker"
    assert ctl(bridge, "add", "twin", f"ajp://127.0.0.1:{port}", "like=nodeA").returncode == 0
    assert status(bridge)["twin"]["weight"] == 7
    assert ctl(bridge, "remove", "nodeA").returncode == 0, "a route has another"
    with Client(bridge.port) as client:
        assert {client.get("/echo").json["route"] for _ in range(4)} == {"nodeB"}, "twin is at its port"
    refused = ctl(bridge, "remove", "twin")
    assert refused.returncode == 1 and "expected workers" in refused.stderr


def test_a_worker_like_another_has_its_weight_in_a_route(bridge):
    bridge.file.write_text(bridge.file.read_text() + "routes:\n  - paths: [/echo]\n    workers: [nodeA=3, nodeB=2]\n"
                           "balance: {method: requests, slow_start: 0}\n")
    assert ctl(bridge, "reload").returncode == 0
    port = status(bridge)["nodeB"]["port"]
    assert ctl(bridge, "add", "twin", f"ajp://127.0.0.1:{port}", "like=nodeA").returncode == 0
    before = {name: worker["elected"] for name, worker in status(bridge).items()}
    with Client(bridge.port) as client:
        assert {client.get("/echo").status for _ in range(80)} == {200}
    assert {name: worker["elected"] - before[name] for name, worker in status(bridge).items() if worker["elected"]} == {
        "nodeA": 30, "nodeB": 20, "twin": 30}


def test_workers_come_and_go_under_load(bridge, tmp_path):
    """No request fails for a worker that is added or removed, over and over."""
    done, failures, count = threading.Event(), [], [0]

    def load():
        with Client(bridge.port) as client:
            while not done.is_set():
                try:
                    answer = client.get("/bytes/1000")
                    if answer.status != 200 or len(answer.body) != 1000:
                        failures.append(answer.status)
                    count[0] += 1
                except Exception as error:  # any failure is what this test is about
                    failures.append(repr(error))
                    return
    threads = [threading.Thread(target=load) for _ in range(4)]
    for t in threads:
        t.start()
    port = status(bridge)["nodeB"]["port"]
    for _ in range(10):
        assert ctl(bridge, "remove", "nodeB").returncode == 0
        assert ctl(bridge, "add", "nodeB", f"ajp://127.0.0.1:{port}").returncode == 0
        assert ctl(bridge, "weight", "nodeB", "9").returncode == 0
    done.set()
    for t in threads:
        t.join()
    assert failures == [] and count[0] > 50


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
    (["weight", "nobody", "3"], 1, "no worker of that name"), (["weight", "nodeA", "0"], 1, "1 to 1000"),
    (["weight", "nodeA", "1001"], 1, "1 to 1000"), (["weight", "nodeA", "99999999999999999999"], 1, "1 to 1000"),
    (["weight", "nodeA", "x"], 2, "usage"), (["weight", "nodeA"], 2, "usage"),
    (["remove", "nobody"], 1, "no worker of that name"), (["remove"], 2, "usage"),
    (["add", "nodeA", "ajp://127.0.0.1:1"], 1, "there is a worker of that name"),
    (["add", "x", "nonsense"], 1, "expected ajp://HOST:PORT"), (["add", "x y", "ajp://127.0.0.1:1"], 2, "usage"),
    (["add", "x", "ajp://127.0.0.1:1", "nonsense=1"], 1, "unknown key"),
    (["add", "x", "ajp://127.0.0.1:1", "weight=none"], 1, "a number from 1 to 1000"),
    (["add", "x", "ajp://127.0.0.1:1", "like=nobody"], 1, "expected the name of a worker"),
    (["add", "x", "ajp://127.0.0.1:1", "redirect=nobody"], 1, "expected the name of a worker"),
    (["add", "x", "ajp://127.0.0.1:1", "weight"], 2, "usage"), (["add", "x"], 2, "usage"),
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
