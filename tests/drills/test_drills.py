# SPDX-License-Identifier: Apache-2.0
"""Fault drills (FI-01 to FI-38 of the reliability table): something breaks under load, and every answer that
still comes is the right one. `./dev test drills` shows the figures."""
import datetime
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

from cable import Namespace
from load import Load
from procs import Daemon, poll, sanitized, workers
from rawhttp import HttpClient
from scripted import ScriptedWorker, identity

BOTH = pytest.mark.parametrize("kind", ["bridge", "chain"])


def cpu_seconds(daemon):
    with open(f"/proc/{daemon.pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.pid}/fd"))


def last_failure(load, since):
    times = [when for when, _ in load.failures if when >= since]
    return max(times) - since if times else 0.0


def noticed(daemon, node, since):
    """Seconds from SINCE (monotonic) until the daemon's log takes the node down, or calls it silent; as text."""
    wall = time.time() - (time.monotonic() - since)
    for stamp in re.findall(rf"^(\S+)Z \w+ worker_health worker={node} .*to=(?:silent|down)", daemon.output(), re.M):
        when = datetime.datetime.fromisoformat(stamp).replace(tzinfo=datetime.timezone.utc).timestamp()
        if when >= wall - 0.01:
            return f"{max(when - wall, 0):.2f} s"
    return "never"


@BOTH
def test_fi_01_kill_an_idle_node(stage, figures, kind):
    s = stage(kind)
    load = Load(s.port).run(0.5)
    assert load.failures == []
    s.nodes[0].kill()
    time.sleep(0.1)
    after = Load(s.port).run(1)
    assert after.failures == []
    figures(s, after)


@BOTH
def test_fi_02_kill_a_node_at_work(stage, figures, kind):
    """What it was executing fails; everything else does not, and it comes back."""
    s = stage(kind)
    with Load(s.port, 6, path="/slow/20") as load:
        time.sleep(1)
        killed = time.monotonic()
        s.nodes[0].kill()
        time.sleep(1.5)
        s.nodes[0].start()
        back = time.monotonic()
        before = sum(s.nodes[0].executed().values())
        poll(lambda: sum(s.nodes[0].executed().values()) > before + 10, 10, "the node works again")
        recovered = time.monotonic() - back
    assert len(load.failures) <= 6, load.failures
    figures(s, load, notice=noticed(s.balancer, "node0", killed), last_failure=last_failure(load, killed), recover=recovered)
    assert last_failure(load, killed) < 1 and recovered < 8


@BOTH
def test_fi_04_freeze_a_node_and_thaw_it(stage, figures, kind):
    s = stage(kind, 3)
    with Load(s.port, 6) as load:
        time.sleep(0.5)
        s.nodes[1].signal(signal.SIGSTOP)
        frozen = time.monotonic()
        time.sleep(6)
        quiet = load.failed_since(frozen + 5.1)  # sent within 3 s, given up 2 s later
        s.nodes[1].signal(signal.SIGCONT)
        back = time.monotonic()
        before = sum(s.nodes[1].executed().values())
        poll(lambda: sum(s.nodes[1].executed().values()) > before + 20, 15, "the node works again")
        recovered = time.monotonic() - back
    assert len(load.failures) <= 12 and quiet == 0, load.failures
    assert load.failed_since(back) == 0
    figures(s, load, notice=noticed(s.balancer, "node1", frozen), last_failure=last_failure(load, frozen), recover=recovered)


@BOTH
def test_fi_06_resets_of_pooled_connections(stage, figures, tmp_path, kind):
    """Idle ones only: no request is at work on what is reset."""
    worker = ScriptedWorker()
    options = ["--cping-idle", "1ms"]
    daemons = [Daemon("ajpforward", "--listen", "ajp://127.0.0.1:0", *workers({"w": worker.port}), *options,
                      log=tmp_path / "f")] if kind == "chain" else []
    port = daemons[0].port if daemons else worker.port
    daemons.append(Daemon("ajpbridge", "--listen", "http://127.0.0.1:0", *workers({"w": port}), *options, log=tmp_path / "b"))
    load = Load(daemons[-1].port, 2, pause=0.03)
    with load:
        for _ in range(20):
            time.sleep(0.05)
            for link in worker.open_links():
                if link.requests and time.monotonic() - link.quiet_since > 0.01:
                    link.close(reset=True)
    for daemon in daemons:
        assert daemon.terminate() == 0
    worker.stop()
    twice = [n for n, count in worker.executed.items() if count > 1]
    assert load.wrong == [] and len(load.failures) <= 2, load.failures
    figures(None, load, reset=len(worker.links), twice_by_count=len(twice))


def test_fi_08_slow_readers(stage, figures):
    """A hundred clients that ask for 4 MB each and do not read."""
    s = stage("bridge")
    Load(s.port).run(0.5)
    before = s.front.peak_rss()
    slow = [HttpClient(s.port, receive_buffer=4096) for _ in range(100)]
    for client in slow:
        client.send(b"GET /big/4000000 HTTP/1.1\r\nHost: x\r\nX-Id: 0\r\n\r\n")
    load = Load(s.port).run(2)
    grown = s.front.peak_rss() - before
    for client in slow:
        client.close()
    assert load.failures == []
    figures(s, load, rss_mib=grown >> 20, p99=load.p99())
    assert grown < 100 * (1 << 20)
    poll(lambda: descriptors(s.front) < 40, 10, "their descriptors are free again")


def test_fi_12_descriptors_run_out(stage, figures):
    """Accepting pauses, nothing spins, no worker is blamed, and it goes on when there is room."""
    s = stage("bridge")
    load = Load(s.port, 2).run(0.3)
    soft, hard = resource.prlimit(s.front.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(s.front.pid, resource.RLIMIT_NOFILE, (64, hard))
    with Load(s.port, 2) as load:
        time.sleep(0.3)
        crowd = [socket.create_connection(("127.0.0.1", s.port)) for _ in range(150)]
        time.sleep(0.3)
        cpu, start = cpu_seconds(s.front), time.monotonic()
        load.stopping = True
        time.sleep(1)
        busy = (cpu_seconds(s.front) - cpu) / (time.monotonic() - start)
        for each in crowd:
            each.close()
    gone = time.monotonic()
    with HttpClient(s.port) as client:
        assert client.get("/good", 1).body == identity(1)
    recovered = time.monotonic() - gone
    assert "to=down" not in s.front.output() and "accept_paused" in s.front.output()
    assert load.failures == []
    figures(s, load, cpu_while_full=f"{busy:.0%}", recover=recovered)
    assert busy < 0.3 and recovered < 2


def test_fi_12_no_descriptor_for_a_worker(stage, figures):
    """Connected clients, but none left for the other side: 503, and the workers are not blamed."""
    s = stage("bridge", 2, "--cping-idle", "0", "--health-interval", "60s")
    clients = [HttpClient(s.port) for _ in range(10)]
    seen = [0] * 25  # the clients are let in, and no check of a worker is under way: so it is for half a second
    poll(lambda: seen.append(descriptors(s.front)) or (len(set(seen[-25:])) == 1), what="descriptors stay")
    hard = resource.prlimit(s.front.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(s.front.pid, resource.RLIMIT_NOFILE, (descriptors(s.front), hard))
    assert [c.get("/good", 5).status for c in clients] == [503] * 10
    resource.prlimit(s.front.pid, resource.RLIMIT_NOFILE, (1000, hard))
    assert [c.get("/good", 5).status for c in clients] == [200] * 10
    assert "to=down" not in s.front.output()
    figures(s, Load(s.port).run(0.3))


def test_fi_14_the_disk_of_the_log_is_full(stage, figures):
    s = stage("bridge", 2, "--access-log", "/dev/full")
    load = Load(s.port).run(2.5)
    assert load.failures == []
    poll(lambda: "access_log_failed" in s.front.output(), what="the log says so")
    figures(s, load, complaints=s.front.output().count("access_log_failed"))
    assert s.front.output().count("access_log_failed") < 100


def test_fi_15_nobody_reads_the_log(tmp_path, figures):
    """Standard error is a pipe whose reader is gone."""
    worker = ScriptedWorker()
    reader, writer = os.pipe()
    daemon = Daemon.__new__(Daemon)
    daemon.__class__ = Daemon
    process = subprocess.Popen([str(__import__("procs").BIN / "ajpbridge"), "--listen", "http://127.0.0.1:0", "--worker",
                                f"w=ajp://127.0.0.1:{worker.port}", "--log-level", "debug"], stderr=writer,
                               stdout=subprocess.PIPE, text=True)
    os.close(writer)
    os.close(reader)
    port = int(process.stdout.readline().rsplit(":", 1)[1])
    for _ in range(20):
        with HttpClient(port) as client:
            client.exchange(b"BAD\r\n\r\n")
    load = Load(port).run(0.5)
    process.terminate()
    assert process.wait(10) == 0 and load.failures == []
    worker.stop()
    figures(None, load)


def test_fi_21_slow_heads(stage, figures):
    """Five hundred clients that send a byte of a head now and then."""
    s = stage("bridge", 2, "--request-head-timeout", "2s")
    crowd = [socket.create_connection(("127.0.0.1", s.port)) for _ in range(500)]
    for each in crowd:
        each.sendall(b"GET / HTTP/1.1\r\nHo")
    opened = time.monotonic()
    with Load(s.port) as load:
        while time.monotonic() - opened < 2.5:
            for each in crowd:
                try:
                    each.sendall(b"s")
                except OSError:
                    pass
            time.sleep(0.5)
    poll(lambda: descriptors(s.front) < 60, 5, "they are gone")
    gone = time.monotonic() - opened
    for each in crowd:
        each.close()
    assert load.failures == []
    figures(s, load, p99=load.p99(), rid_of_them_after=gone)


@BOTH
def test_fi_23_a_node_that_restarts_all_the_time(stage, figures, kind):
    s = stage(kind, 2)
    with Load(s.port, 4) as load:
        for _ in range(4):
            time.sleep(0.3)
            s.nodes[0].kill()
            time.sleep(0.2)
            s.nodes[0].start()
    assert len(load.failures) <= 16, load.failures
    figures(s, load)


@BOTH
def test_fi_24_all_are_down(stage, figures, kind):
    s = stage(kind, 2)
    Load(s.port).run(0.3)
    for node in s.nodes:
        node.kill()
    time.sleep(0.3)
    with HttpClient(s.port) as client:
        client.get("/good", 1)
        took = []
        for _ in range(20):
            start = time.monotonic()
            got = client.get("/good", 1)
            took.append(time.monotonic() - start)
            assert got.status in (502, 503), got
        for node in s.nodes:
            node.start()
        back = time.monotonic()
        poll(lambda: client.get("/good", 7).status == 200, 15, "they are used again")
        recovered = time.monotonic() - back
        time.sleep(2)
    load = Load(s.port).run(0.5)
    figures(s, load, refusal=f"{sorted(took)[10] * 1000:.1f} ms", recover=recovered)
    assert load.failures == [] and sorted(took)[10] < 0.05 and recovered < 8


@BOTH
def test_fi_25_sigterm_drains(stage, figures, kind):
    """What runs is finished; what is new is refused."""
    s = stage(kind, 2)
    answers = []

    def slow(number):
        with HttpClient(s.port) as client:
            answers.append(client.get("/slow/800", number))
    threads = [threading.Thread(target=slow, args=[i]) for i in range(10)]
    for thread in threads:
        thread.start()
    poll(lambda: sum(sum(n.executed().values()) for n in s.nodes) >= 10, 5, "all are at work")
    start = time.monotonic()
    s.front.popen.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    with pytest.raises(OSError):
        HttpClient(s.port)
    assert s.front.popen.wait(5) == 0
    took = time.monotonic() - start
    for thread in threads:
        thread.join()
    assert sorted(bytes(a.body) for a in answers) == sorted(identity(i) for i in range(10))
    load = Load(s.port, 0)
    load.sent = load.answered = 10
    figures(s, load, gone_after=took)
    assert took < 2


CONFIG = "listen:\n  - url: http://127.0.0.1:{port}\nworkers:\n"


def test_fi_17_reload_under_load(stage, figures, tmp_path, thorough):
    s = stage("bridge", 2)
    reloads = 100 if thorough else 15
    file = tmp_path / "bridge.yaml"

    def write(count):
        file.write_text("listen:\n  - url: http://127.0.0.1:0\nworkers:\n" + "".join(
            f"  - name: {n.name}\n    url: ajp://127.0.0.1:{n.port}\n    weight: {1 + count % 5}\n"
            for n in s.nodes[:2 - count % 2]))
    write(0)
    daemon = Daemon("ajpbridge", "--config", file, log=tmp_path / "reloaded", listeners=1)
    s.daemons.append(daemon)
    with Load(daemon.port, 4, pause=0) as load:
        for i in range(reloads):
            write(i)
            daemon.popen.send_signal(signal.SIGHUP)
            time.sleep(0.1)
        poll(lambda: not thorough or load.sent >= 20000, 120, "20000 requests")
        broken = load.sent
        file.write_text("workers: [[[\n")
        daemon.popen.send_signal(signal.SIGHUP)
        poll(lambda: "bridge.yaml" in daemon.output(), what="FI-26: the broken file is told")
        time.sleep(0.3)
        assert load.sent > broken
    assert load.failures == []
    figures(s, load, reloads=reloads)


def test_fi_31_a_thousand_connects_at_once(stage, figures):
    s = stage("bridge", 2)
    start = time.monotonic()
    clients = [HttpClient(s.port, 20) for _ in range(1000)]
    for i, client in enumerate(clients):
        client.send(f"GET /good HTTP/1.1\r\nHost: x\r\nX-Id: {i}\r\n\r\n".encode())
    right = sum(client.read_reply().body == identity(i) for i, client in enumerate(clients))
    took = time.monotonic() - start
    for client in clients:
        client.close()
    load = Load(s.port, 0)
    load.sent, load.answered = 1000, right
    figures(s, load, took=took, workers_links=descriptors(s.front))
    assert right == 1000


@BOTH
def test_fi_38_we_ourselves_are_frozen(stage, figures, kind):
    """SIGSTOP for longer than most deadlines: no worker is blamed, nobody is thrown out wholesale."""
    s = stage(kind, 2)
    with Load(s.port, 4) as load:
        time.sleep(0.5)
        for daemon in s.daemons:
            daemon.popen.send_signal(signal.SIGSTOP)
        time.sleep(3)
        for daemon in s.daemons:
            daemon.popen.send_signal(signal.SIGCONT)
        back = time.monotonic()
        time.sleep(1)
    figures(s, load, failed_after=load.failed_since(back))
    assert load.failures == []
    assert not any("to=down" in d.output() for d in s.daemons)


@pytest.fixture
def namespace():
    space = Namespace()
    yield space
    space.remove()


def test_fi_10_the_cable_is_pulled(namespace, figures, tmp_path):
    """Packets to one node vanish: no RST, no FIN. Its requests fail by their deadline, new ones go elsewhere."""
    here = ScriptedWorker()
    with open(tmp_path / "far", "wb") as out:
        far = subprocess.Popen(["ip", "netns", "exec", namespace.name, "/usr/bin/python3",
                                os.path.join(os.path.dirname(__file__), "node.py"), "far", "8009", str(tmp_path / "ran"),
                                namespace.address], stdout=out)
    poll(lambda: "ready" in (tmp_path / "far").read_text(), what="the far node is ready")
    daemon = Daemon("ajpbridge", "--listen", "http://127.0.0.1:0", "--worker", f"here=ajp://127.0.0.1:{here.port}",
                    "--worker", f"far=ajp://{namespace.address}:8009", "--reply-timeout", "2s", "--connect-timeout", "1s",
                    "--cping-timeout", "500ms", log=tmp_path / "bridge")
    try:
        with Load(daemon.port, 4) as load:
            time.sleep(0.5)
            namespace.cable("down")
            pulled = time.monotonic()
            time.sleep(6)
            late = load.failed_since(pulled + 5.1)
            namespace.cable("up")
            back = time.monotonic()
            size = os.path.getsize(tmp_path / "ran")
            poll(lambda: os.path.getsize(tmp_path / "ran") > size, 15, "the far node works again")
            recovered = time.monotonic() - back
        assert daemon.terminate() == 0
    finally:
        daemon.kill()
        far.kill()
        far.wait()
        here.stop()
    assert len(load.failures) <= 12 and late == 0, load.failures
    figures(None, load, notice=noticed(daemon, "far", pulled), last_failure=last_failure(load, pulled), recover=recovered)


def test_fi_10_requests_under_way_when_the_cable_is_pulled(namespace, figures_of, tmp_path):
    """Sent, taken by the far machine, and then no word any more: health.silence, not the reply timeout, ends them."""
    here = ScriptedWorker()
    with open(tmp_path / "far", "wb") as out:
        far = subprocess.Popen(["ip", "netns", "exec", namespace.name, "/usr/bin/python3",
                                os.path.join(os.path.dirname(__file__), "node.py"), "far", "8009", str(tmp_path / "ran"),
                                namespace.address], stdout=out)
    poll(lambda: "ready" in (tmp_path / "far").read_text(), what="the far node is ready")
    daemon = Daemon("ajpbridge", "--listen", "http://127.0.0.1:0", "--worker", f"here=ajp://127.0.0.1:{here.port}",
                    "--worker", f"far=ajp://{namespace.address}:8009", "--health-silence", "2s", log=tmp_path / "bridge")
    answers = {}

    def ask(method):
        with HttpClient(daemon.port, timeout=30) as client:
            got = client.get("/slow/50000", 1, method, headers="Cookie: JSESSIONID=1.far\r\n")
            answers[method] = (got.status, time.monotonic())
    threads = [threading.Thread(target=ask, args=[method]) for method in ("GET", "POST")]
    try:
        for thread in threads:
            thread.start()
        poll(lambda: (tmp_path / "ran").exists() and len((tmp_path / "ran").read_text().splitlines()) == 2, what="both run")
        namespace.cable("down")
        pulled = time.monotonic()
        for thread in threads:
            thread.join()
        assert daemon.terminate() == 0
    finally:
        daemon.kill()
        far.kill()
        far.wait()
        here.stop()
    took = {method: when - pulled for method, (_, when) in answers.items()}
    figures_of(**{method: f"{answers[method][0]} after {seconds:.2f} s" for method, seconds in took.items()})
    assert answers["GET"][0] == 200 and here.executed == {"1": 1}, "a safe one may be sent again"
    assert answers["POST"][0] == 504 and max(took.values()) < 8


def test_fi_20_idle_connections(stage, figures, thorough):
    """What an idle client costs."""
    count = 9000 if thorough else 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(count, hard - 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 200), hard))
    s = stage("bridge", 2)
    Load(s.port).run(0.3)
    before = s.front.peak_rss()
    idle = [HttpClient(s.port) for _ in range(count)]
    for i, client in enumerate(idle):
        assert client.get("/good", i).body == identity(i)
    load = Load(s.port).run(1)
    each = (s.front.peak_rss() - before) / count
    assert all(client.get("/good", 3).status == 200 for client in idle[::50])
    for client in idle:
        client.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert load.failures == []
    figures(s, load, idle=count, bytes_each=int(each), p99=load.p99())
    assert each < 8192


def test_fi_29_and_30_large_bodies(tmp_path, figures, thorough):
    """Down and up through both daemons: the right length and sum, flat memory."""
    size = 4 << 30 if thorough else 64 << 20
    node = Daemon("ajpcat", "serve", "--quiet", "--listen", "ajp://127.0.0.1:0", "--route", "a", log=tmp_path / "node")
    forward = Daemon("ajpforward", "--listen", "ajp://127.0.0.1:0", *workers({"a": node.port}), log=tmp_path / "f")
    bridge = Daemon("ajpbridge", "--listen", "http://127.0.0.1:0", *workers({"f": forward.port}), "--max-body", "8G",
                    log=tmp_path / "b")
    start = time.monotonic()
    with socket.create_connection(("127.0.0.1", bridge.port), 60) as sock:
        sock.sendall(f"GET /bytes/{size} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        got = b""
        while b"\r\n\r\n" not in got:
            got += sock.recv(65536)
        left = size - len(got.split(b"\r\n\r\n", 1)[1])
        buffer = bytearray(1 << 20)
        while n := sock.recv_into(buffer):
            left -= n
        assert left == 0
    down = time.monotonic() - start
    size //= 4  # a round trip for each packet
    start = time.monotonic()
    with socket.create_connection(("127.0.0.1", bridge.port), 60) as sock:
        sock.sendall(f"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n".encode())
        block = b"u" * (1 << 20)
        for _ in range(size >> 20):
            sock.sendall(block)
        got = b""
        while part := sock.recv(65536):
            got += part
        assert f'"length":{size}'.encode() in got.replace(b" ", b""), got
    up = time.monotonic() - start
    rss = {d.args[0].rsplit("/", 1)[1]: d.peak_rss() >> 20 for d in (forward, bridge)}
    for daemon in (bridge, forward, node):
        assert daemon.terminate() == 0
    load = Load(0, 0)
    load.sent = load.answered = 2
    figures(None, load, mib=size >> 18, down=down, up=up, rss_mib=rss)
    assert max(rss.values()) < (64 if not sanitized() else 600)
