# SPDX-License-Identifier: Apache-2.0
"""A host name with several addresses: a worker for each, which come and go with the name's. The name lies in a
file of hosts that only the daemon sees, in a mount namespace of its own."""
import http.client
import json
import shutil
import subprocess

import pytest

from procs import BIN, Process, free_port, poll
from scripted import ScriptedWorker

CAN = bool(shutil.which("unshare")) and subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode == 0
pytestmark = pytest.mark.skipif(not CAN, reason="no mount namespace can be made here")


@pytest.fixture
def nodes():
    """Workers at one port of three addresses of this machine."""
    first = ScriptedWorker(address="127.0.0.2")
    made = [first] + [ScriptedWorker(address=f"127.0.0.{n}", port=first.port) for n in (3, 4)]
    yield made
    for node in made:
        node.stop()


@pytest.fixture
def daemon(tmp_path, nodes):
    hosts, file, port = tmp_path / "hosts", tmp_path / "bridge.yaml", free_port()
    made = []

    def name(*numbers):
        hosts.write_text("127.0.0.1 localhost\n" + "".join(f"127.0.0.{n} app.test\n" for n in numbers))

    def start(more="", method="busyness"):
        file.write_text(f"admin: unix:{tmp_path}/admin.sock\nthreads: 2\nlisten:\n  - url: http://127.0.0.1:{port}\n"
                        f"workers:\n  - name: app\n    url: ajp://app.test:{nodes[0].port}\n    each_address: true\n"
                        f"    weight: 3\n  - {{name: other, url: 'ajp://127.0.0.4:{nodes[0].port}'}}\n"
                        f"health: {{resolve: 200ms}}\nbalance: {{slow_start: 0, method: {method}}}\n{more}")
        made.append(Process(["unshare", "-rm", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts,
                             BIN / "ajpbridge", "--config", file], tmp_path / "bridge.log"))
        made[0].port, made[0].name = port, name
        made[0].admin = f"unix:{tmp_path}/admin.sock"
        made[0].wait_for_port(port)
        return made[0]
    start.name = name
    yield start
    for each in made:
        assert each.terminate() == 0, each.output()


def ctl(daemon, *args):
    return subprocess.run([BIN / "ajpbridge", "ctl", daemon.admin, *args], capture_output=True, text=True, timeout=20)


def workers(daemon):
    return {w["name"]: w for w in json.loads(ctl(daemon, "status").stdout)["workers"]}


def get(daemon, path="/", cookie=None):
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=10)
    connection.request("GET", path, headers={"x-id": "1", **({"Cookie": cookie} if cookie else {})})
    status = connection.getresponse().status
    connection.close()
    return status


def test_each_address_is_a_worker_and_they_come_and_go(daemon, nodes):
    daemon.name(2, 3)
    bridge = daemon()
    assert {n: (w["host"], w["weight"]) for n, w in workers(bridge).items()} == {
        "app-127-0-0-2": ("127.0.0.2", 3), "app-127-0-0-3": ("127.0.0.3", 3), "other": ("127.0.0.4", 1)}
    assert [get(bridge) for _ in range(14)] == [200] * 14
    assert all(len(node.requests) >= 1 for node in nodes)
    before = len(nodes[1].requests)
    assert [get(bridge, cookie="JSESSIONID=1.app-127-0-0-3") for _ in range(4)] == [200] * 4
    assert len(nodes[1].requests) == before + 4, "sessions know their address"
    bridge.name(3)
    poll(lambda: set(workers(bridge)) == {"app-127-0-0-3", "other"}, 10, "one is gone")
    bridge.name(2, 3, 4)
    poll(lambda: set(workers(bridge)) == {"app-127-0-0-2", "app-127-0-0-3", "app-127-0-0-4", "other"}, 10, "two more")
    bridge.name()
    poll(lambda: "worker_lookup_failed" in bridge.output(), 10, "the name is gone")
    assert len(workers(bridge)) == 4, "a name that is not found changes nothing"
    assert [get(bridge) for _ in range(4)] == [200] * 4


def test_nothing_is_reloaded_while_the_addresses_stay(daemon):
    daemon.name(3, 2)
    bridge = daemon()
    bridge.name(2, 3)
    before = bridge.output().count(" reloaded ")
    subprocess.run(["sleep", "1"], check=True)  # several look-ups
    assert bridge.output().count(" reloaded ") == before


def test_routes_name_all_of_them_at_once(daemon, nodes):
    daemon.name(2, 3)
    bridge = daemon("routes:\n  - {paths: ['/app/*'], workers: [app]}\n  - {paths: ['/other/*'], workers: [other]}\n")
    assert [get(bridge, "/app/x") for _ in range(8)] == [200] * 8
    assert [len(node.requests) for node in nodes] == [4, 4, 0]
    assert [get(bridge, "/other/x") for _ in range(3)] == [200] * 3
    assert len(nodes[2].requests) == 3
    assert get(bridge, "/x") == 404


def test_a_weight_in_a_route_is_that_of_each_address(daemon, nodes):
    daemon.name(2, 3)
    bridge = daemon("routes:\n  - {paths: ['/*'], workers: [app=2, other=4]}\n", method="requests")
    assert [get(bridge, "/x") for _ in range(40)] == [200] * 40
    assert [len(node.requests) for node in nodes] == [10, 10, 20]


def test_ctl_knows_which_are_of_a_name(daemon):
    daemon.name(2, 3)
    bridge = daemon()
    refused = ctl(bridge, "remove", "app-127-0-0-2")
    assert refused.returncode == 1 and "addresses of a host name" in refused.stderr
    assert ctl(bridge, "drain", "app-127-0-0-2").returncode == 0
    assert workers(bridge)["app-127-0-0-2"]["activation"] == "drain"


def test_check_looks_nothing_up(tmp_path):
    file = tmp_path / "x.yaml"
    file.write_text("listen:\n  - url: ajp://127.0.0.1:0\n"
                    "workers:\n  - {name: a, url: 'ajp://app.invalid:1', each_address: on}\n")
    checked = subprocess.run([BIN / "ajpforward", "--config", file, "--check"], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0
