# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: new settings come into force with no failed request; bad ones leave the old in force."""
import os
import re
import signal
import socket
import threading
import time

import pytest

from procs import Daemon, free_port, poll
from web import Client


@pytest.fixture
def nodes(tmp_path):
    made = {name: Daemon("ajpcat", "serve", "--listen", "ajp://127.0.0.1:0", "--route", name, "--quiet",
                         log=tmp_path / f"{name}.log") for name in ("nodeA", "nodeB")}
    yield made
    for node in made.values():
        node.terminate()


def write(file, listeners, nodes, extra=""):
    file.write_text("listen:\n" + "".join(f"  - url: http://127.0.0.1:{port}\n" for port in listeners) + "workers:\n"
                    + "".join(f"  - name: {name}\n    url: ajp://127.0.0.1:{node.port}\n"
                              for name, node in nodes.items()) + "threads: 2\n" + extra)


def reload(daemon, word="reloaded"):
    before = daemon.output().count(word)
    daemon.popen.send_signal(signal.SIGHUP)
    poll(lambda: daemon.output().count(word) > before, 10, f"the log says {word}")


def test_reload_under_load_fails_no_request(tmp_path, nodes):
    file = tmp_path / "bridge.yaml"
    port = free_port()
    only_a = {"nodeA": nodes["nodeA"]}
    write(file, [port], nodes)
    daemon = Daemon("ajpbridge", "--config", file, listeners=1, log=tmp_path / "bridge.log")
    done, statuses, failures = threading.Event(), [], []

    def load():
        try:
            with Client(port) as client:
                while not done.is_set():
                    answer = client.get("/bytes/1000")
                    statuses.append((answer.status, len(answer.body)))
        except Exception as e:  # any failure is what this test is about
            failures.append(repr(e))
    threads = [threading.Thread(target=load) for _ in range(6)]
    try:
        for t in threads:
            t.start()
        for i in range(30):
            write(file, [port], [nodes, only_a][i % 2], extra=f"limits:\n  queue: {i}\n")
            reload(daemon)
        done.set()
        for t in threads:
            t.join()
    finally:
        done.set()
        status = daemon.terminate()
    assert failures == []
    assert set(statuses) == {(200, 1000)} and len(statuses) > 100
    assert status == 0, daemon.output()


def test_listeners_and_workers_come_and_go(tmp_path, nodes):
    file = tmp_path / "bridge.yaml"
    first, second = free_port(), free_port()
    write(file, [first], {"nodeA": nodes["nodeA"]})
    daemon = Daemon("ajpbridge", "--config", file, listeners=1, log=tmp_path / "bridge.log")
    try:
        with Client(first) as kept:
            assert kept.get("/echo").json["route"] == "nodeA"
            write(file, [first, second], {"nodeB": nodes["nodeB"]})
            reload(daemon)
            assert kept.get("/echo").json["route"] == "nodeB", "an open connection uses the new workers"
            with Client(second) as client:
                assert client.get("/echo").json["route"] == "nodeB"
            write(file, [second], {"nodeB": nodes["nodeB"]})
            reload(daemon)

        def refused():
            try:
                with Client(first, timeout=2) as client:
                    client.get("/")
                return False
            except OSError:
                return True
        poll(refused, 10, "the first listener is gone")
        with Client(second) as client:
            assert client.get("/").status == 200
    finally:
        assert daemon.terminate() == 0


@pytest.mark.parametrize("bad", ["workers: [", "no_such_key: 1\n", ""])
def test_bad_settings_leave_the_old_in_force(tmp_path, nodes, bad):
    file = tmp_path / "bridge.yaml"
    port = free_port()
    write(file, [port], nodes)
    daemon = Daemon("ajpbridge", "--config", file, listeners=1, log=tmp_path / "bridge.log")
    try:
        file.write_text(bad)
        reload(daemon, "reload_failed")
        with Client(port) as client:
            assert client.get("/").status == 200
    finally:
        assert daemon.terminate() == 0
    assert "the old settings stay" in daemon.output()


def test_binary_upgrade_under_load_fails_no_request(tmp_path, nodes):
    """SIGUSR2 twice: the second time it is the first successor that is replaced."""
    file = tmp_path / "bridge.yaml"
    port = free_port()
    write(file, [port], nodes)
    daemon = Daemon("ajpbridge", "--config", file, listeners=1, log=tmp_path / "bridge.log")
    done, statuses, failures = threading.Event(), [], []

    def load(keep):
        try:
            while not done.is_set():
                with Client(port) as client:
                    for _ in range(keep):
                        answer = client.get("/bytes/1000")
                        statuses.append((answer.status, len(answer.body)))
        except Exception as e:  # any failure is what this test is about
            failures.append(repr(e))
    threads = [threading.Thread(target=load, args=(keep,)) for keep in (1, 1, 50, 1000)]
    pid = daemon.pid
    try:
        for t in threads:
            t.start()
        for _ in range(2):
            known = set(successors(daemon))
            os.kill(pid, signal.SIGUSR2)
            poll(lambda: set(successors(daemon)) - known, 10, "a successor is started")
            pid = (set(successors(daemon)) - known).pop()
            poll(lambda: daemon.output().count("draining") == len(successors(daemon)), 10, "it has taken over")
        poll(lambda: not daemon.running(), 40, "the first one has ended")
    finally:
        done.set()
        for t in threads:
            t.join()
        for last in successors(daemon)[-1:]:
            os.kill(last, signal.SIGTERM)
    assert failures == []
    assert set(statuses) == {(200, 1000)} and len(statuses) > 100
    poll(lambda: daemon.output().count("draining") == 3, 20, "the last one drains too")


def successors(daemon):
    return [int(pid) for pid in re.findall(r"successor=(\d+)", daemon.output())]


def test_a_successor_that_can_not_start_changes_nothing(tmp_path, nodes):
    file = tmp_path / "bridge.yaml"
    port = free_port()
    write(file, [port], nodes)
    daemon = Daemon("ajpbridge", "--config", file, listeners=1, log=tmp_path / "bridge.log")
    try:
        file.write_text("workers: [")
        daemon.popen.send_signal(signal.SIGUSR2)
        poll(lambda: "upgrade_failed" in daemon.output(), 10, "the log says so")
        with Client(port) as client:
            assert client.get("/").status == 200
    finally:
        assert daemon.terminate() == 0


def test_what_waits_for_a_restart_is_told_by_its_keys(tmp_path, nodes):
    file = tmp_path / "bridge.yaml"
    port = free_port()
    write(file, [port], nodes, extra=f"admin: unix:{tmp_path}/a\naccess_log: {{file: {tmp_path}/log}}\n")
    daemon = Daemon("ajpbridge", "--config", file, listeners=1, log=tmp_path / "bridge.log")
    try:
        write(file, [port], nodes, extra=f"admin: unix:{tmp_path}/a\naccess_log: {{file: {tmp_path}/log}}\n"
                                         "log: {level: debug}\n")
        reload(daemon)
        assert "restart_needed" not in daemon.output()
        write(file, [port], nodes, extra=f"admin: unix:{tmp_path}/b\nadmin_mode: 0660\ntap: {tmp_path}/tap\n"
                                         f"access_log: {{file: {tmp_path}/other, format: json}}\n")
        file.write_text(file.read_text().replace("threads: 2", "threads: 3"))
        for times in (1, 2):  # as long as it is so
            reload(daemon)
            said = re.findall(r'restart_needed keys="([^"]*)"', daemon.output())
            assert said == ["threads admin admin_mode tap access_log.file access_log.format"] * times, daemon.output()
    finally:
        daemon.terminate()


def test_all_mistakes_of_a_reload_are_in_the_log(tmp_path, nodes):
    file = tmp_path / "bridge.yaml"
    port = free_port()
    write(file, [port], nodes)
    daemon = Daemon("ajpbridge", "--config", file, listeners=1, log=tmp_path / "bridge.log")
    try:
        write(file, [port], nodes, extra="lgo: 1\nhealth: {fall: x}\n")
        reload(daemon, "reload_failed")
        said = daemon.output()
        assert f"config_mistake reason=\"{file}:9:1: unknown key 'lgo', did you mean 'log'?\"" in said, said
        assert f"config_mistake reason=\"{file}:10:16: health.fall: expected a number" in said
        assert "and 1 more, --check tells them" in said
    finally:
        daemon.terminate()


def test_one_request_sees_one_generation(tmp_path, nodes):
    """What a reload changes holds for the next request, on the same connection too."""
    file, port = tmp_path / "bridge.yaml", free_port()
    write(file, [port], nodes, "limits: {max_body: 1M}\nserver_header: old\n")
    daemon = Daemon("ajpbridge", "--config", file, listeners=1, log=tmp_path / "bridge.log")
    part = b"2710\r\n" + b"x" * 10000 + b"\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), 20) as sock, sock.makefile("rb") as answers:
            def answer():
                status = answers.readline().split()[1]
                fields = dict(line.split(b": ", 1) for line in iter(lambda: answers.readline().strip(), b""))
                answers.read(int(fields[b"Content-Length"]))
                return status, fields.get(b"Server")
            head = b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            sock.sendall(head + part)
            write(file, [port], nodes, "limits: {max_body: 1k}\nserver_header: new\n"
                  "timeouts: {body: 1s, reply: 1s, write_stall: 1s}\n")
            reload(daemon)
            for _ in range(3):
                sock.sendall(part)
                time.sleep(0.5)  # a client that takes its time, for longer than the new settings allow in all
            sock.sendall(b"0\r\n\r\n")
            assert answer() == (b"200", b"old")
            sock.sendall(head + part)
            assert answer()[0] == b"413"
    finally:
        assert daemon.terminate() == 0
