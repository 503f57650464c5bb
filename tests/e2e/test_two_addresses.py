# SPDX-License-Identifier: Apache-2.0
"""A worker whose name has two addresses, of which the first refuses, in a file of hosts that only the daemon sees."""
import re
import shutil
import subprocess
import time

import pytest

from ajpwire import AjpClient, request
from procs import BIN, Process, free_port, poll
from rawhttp import HttpClient
from scripted import ScriptedWorker

CAN = bool(shutil.which("unshare")) and subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode == 0
pytestmark = pytest.mark.skipif(not CAN, reason="no mount namespace can be made here")
KINDS = {"ajpbridge": "http", "ajpforward": "ajp"}


def hosts_of(*addresses, name="app.test"):
    return "".join(f"{address} {name}\n" for address in addresses)


@pytest.fixture
def start(tmp_path):
    """start(program, port of the worker): a daemon that knows it as app.test."""
    made, hosts = [], tmp_path / "hosts"

    def begin(kind, port, addresses=("127.0.0.2", "127.0.0.3"), more="", name="app.test"):
        hosts.write_text(hosts_of(*addresses, name=name))
        file, listen = tmp_path / "daemon.yaml", free_port()
        file.write_text(f"threads: 2\nlisten:\n  - url: {KINDS[kind]}://127.0.0.1:{listen}\n"
                        f"workers:\n  - {{name: app, url: 'ajp://{name}:{port}'}}\n"
                        f"balance: {{slow_start: 0}}\n{more}")
        daemon = Process(["unshare", "-rm", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts,
                          BIN / kind, "--config", file], tmp_path / "daemon.log")
        made.append(daemon)
        daemon.kind, daemon.port, daemon.hosts = kind, listen, hosts
        daemon.wait_for_port(listen)
        return daemon
    yield begin
    for each in made:
        assert each.terminate() == 0, each.output()


def get(daemon):
    if daemon.kind == "ajpbridge":
        with HttpClient(daemon.port) as client:
            return client.get("/", 1).status
    with AjpClient(daemon.port) as client:
        return client.exchange(request(headers=[("x-id", "1")])).status


def moves(daemon):
    return re.findall(r"worker_health worker=app from=\w+ to=(\w+)", daemon.output())


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_request_finds_the_address_that_answers_and_all_stay_there(start, kind):
    with ScriptedWorker(address="127.0.0.3") as app:
        daemon = start(kind, app.port, more="health: {interval: 200ms, resolve: 200ms}\n")
        assert [get(daemon) for _ in range(10)] == [200] * 10
        found = "worker_address worker=app from=127.0.0.2"
        poll(lambda: found in daemon.output(), what="the log says where it is")
        time.sleep(3)  # look-ups and probes, many of them
        assert [get(daemon) for _ in range(10)] == [200] * 10
        assert daemon.output().count("worker_address ") == 1
        assert moves(daemon) == [], "it never was anything but up"


@pytest.mark.parametrize("kind", KINDS)
def test_the_prober_finds_the_address_that_answers(start, kind):
    with ScriptedWorker(address="127.0.0.3") as app:
        daemon = start(kind, app.port, more="health: {interval: 200ms}\n")
        poll(lambda: "worker_address worker=app" in daemon.output(), what="no request was needed")
        assert get(daemon) == 200 and moves(daemon) == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_other_address_takes_over_when_the_one_in_use_is_gone(start, kind):
    with ScriptedWorker(address="127.0.0.2") as first:
        daemon = start(kind, first.port)
        assert get(daemon) == 200
        with ScriptedWorker(address="127.0.0.3", port=first.port) as second:
            first.stop()
            assert [get(daemon) for _ in range(5)] == [200] * 5
            assert len(second.requests) == 5 and "down" not in moves(daemon)


@pytest.mark.parametrize("kind", KINDS)
def test_all_addresses_refuse_and_one_comes_back(start, kind):
    with ScriptedWorker(address="127.0.0.3") as app:
        app.stop_listening()
        daemon = start(kind, app.port, more="health: {interval: 200ms}\n")
        assert get(daemon) == 503
        poll(lambda: "down" in moves(daemon), what="it is down")
        app.listen()
        poll(lambda: get(daemon) == 200 and moves(daemon)[-1] == "up", 10, "it is back")


def test_an_address_that_takes_connections_and_says_nothing_is_left(start):
    with ScriptedWorker(address="127.0.0.2", pong=False, on_request=lambda *_: time.sleep(1)) as mute, \
            ScriptedWorker(address="127.0.0.3", port=mute.port):
        daemon = start("ajpforward", mute.port, more="health: {interval: 200ms, timeout: 200ms, silence: 500ms}\n")
        with AjpClient(daemon.port) as waits:  # of one that never answered a CPing, only that proves anything
            waits.send(request())
            poll(lambda: "worker_address worker=app from=127.0.0.2" in daemon.output(), what="the prober goes on")
        poll(lambda: get(daemon) == 200, 10, "requests follow")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("kind", KINDS)
def test_localhost_is_ipv4_and_ipv6(start, kind, address):
    with ScriptedWorker(address=address) as app:
        daemon = start(kind, app.port, ("::1", "127.0.0.1"), "health: {interval: 200ms}\n", "localhost")
        assert [get(daemon) for _ in range(10)] == [200] * 10
        time.sleep(1)
        assert moves(daemon) == [] and get(daemon) == 200
