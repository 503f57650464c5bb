# SPDX-License-Identifier: Apache-2.0
"""Fault drills in which something around a daemon changes while it works: the clock, names, addresses, secrets,
certificates, its own program, the size of what arrives."""
import contextlib
import errno
import os
import re
import select
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

from ajpwire import whole_reply
from load import Load
from pki import Pki
from procs import Daemon, free_port, poll, sanitized, workers
from rawhttp import HttpClient
from scripted import ScriptedWorker, identity
from shim import Shim, build

PRELOAD = [pytest.mark.release, pytest.mark.skipif(sanitized(), reason="a preloaded library, and ASan wants to be first")]
DAY = 86400


@pytest.fixture
def shim(tmp_path):
    return Shim(build(tmp_path), tmp_path / "control")


@contextlib.contextmanager
def ended(*daemons):
    """At the end each must end well."""
    try:
        yield
        for daemon in daemons[::-1]:
            assert daemon.terminate() == 0, daemon.output()[-3000:]
    finally:
        for daemon in daemons:
            daemon.kill()


def reload(daemon, admin):
    """Returns when it is done. SIGHUP would do, but who reloads so often is not told each time."""
    subprocess.run([daemon.args[0], "ctl", admin, "reload"], check=True, capture_output=True)


class TestPreloaded:
    pytestmark = PRELOAD

    @pytest.mark.parametrize("name", ["ajpbridge", "ajpforward"])
    def test_fi_16_the_clock_jumps(self, shim, figures, tmp_path, name):
        """A day on, a day back, a year: nobody's time is up, and the next second is as long as any."""
        worker = ScriptedWorker()
        common = ["--reply-timeout", "3s", "--request-head-timeout", "3s"]
        forward = Daemon("ajpforward", "--listen", "ajp://127.0.0.1:0", *workers({"w": worker.port}), *common,
                         log=tmp_path / "f", **({"env": shim.env} if name == "ajpforward" else {}))
        bridge = Daemon("ajpbridge", "--listen", "http://127.0.0.1:0", *workers({"f": forward.port}), *common,
                        log=tmp_path / "b", **({"env": shim.env} if name == "ajpbridge" else {}))
        with ended(forward, bridge), HttpClient(bridge.port) as idle:
            assert idle.get("/", 1).body == identity(1)
            with Load(bridge.port) as load:
                jumps = [DAY, 0, -DAY, 0, 365 * DAY, -365 * DAY, 0]
                for jump in jumps:
                    shim.jump(jump)
                    time.sleep(0.3)
            assert idle.get("/", 2).body == identity(2), "the connection is still there"
            with HttpClient(bridge.port, 10) as slow:  # and a deadline holds as long as ever
                start = time.monotonic()
                slow.send(b"GET / HTTP/1.1\r\nHo")
                shim.jump(DAY)
                assert slow.read_reply().status == 408
                took = time.monotonic() - start
            assert not any("to=" in d.output() for d in (forward, bridge)), "no worker is blamed"
        worker.stop()
        assert load.failures == [] and 2.5 < took
        figures(None, load, jumps=len(jumps), head_deadline=took)

    def test_fi_22_a_name_moves_and_is_lost(self, shim, figures, tmp_path):
        """The worker's name gets another address; then none. The old one stays in use until it fails."""
        first = ScriptedWorker(address="127.0.0.2")
        second = ScriptedWorker(address="127.0.0.3", port=first.port)
        config = tmp_path / "bridge.yaml"
        config.write_text("listen:\n  - url: http://127.0.0.1:0\nworkers:\n"
                          f"  - {{name: w, url: 'ajp://app.drill:{first.port}'}}\nhealth: {{resolve: 200ms, interval: 1s}}\n")
        shim.resolve("app.drill", "127.0.0.2")
        bridge = Daemon("ajpbridge", "--config", config, listeners=1, log=tmp_path / "b", env=shim.env)
        with ended(bridge):
            with Load(bridge.port, 2) as load:
                poll(lambda: first.executed, what="the first address works")
                shim.resolve("app.drill", "127.0.0.3")
                moved = time.monotonic()
                poll(lambda: "worker_address worker=w" in bridge.output(), 10, "the name is looked up")
                first.stop()  # what is connected may go on, until it ends
                poll(lambda: second.executed, 10, "the second address works")
                noticed = time.monotonic() - moved
                shim.resolve("app.drill")
                poll(lambda: "worker_lookup_failed" in bridge.output(), 10, "the name is gone")
                before = sum(second.executed.values())
                poll(lambda: sum(second.executed.values()) > before + 20, 10, "the last address stays in use")
        twice = [n for w in (first, second) for n, count in w.executed.items() if count > 1]
        second.stop()
        assert len(load.failures) <= 2, load.failures  # what the first one had when it was stopped
        figures(None, load, noticed=noticed, twice_by_count=len(twice))

    def test_fi_35_ipv6_is_lost(self, shim, figures, tmp_path):
        """A name of two addresses: the IPv6 one is refused from one moment on, the other is tried next."""
        port = free_port()
        six = socket.create_server(("::1", port), family=socket.AF_INET6)
        relayed = ScriptedWorker()
        threading.Thread(target=relay, args=[six, relayed.port], daemon=True).start()
        four = ScriptedWorker(port=port)
        shim.resolve("app.drill", "::1", "127.0.0.1")
        config = tmp_path / "bridge.yaml"
        config.write_text("listen:\n  - url: http://127.0.0.1:0\nworkers:\n"
                          f"  - {{name: w, url: 'ajp://app.drill:{port}'}}\nhealth: {{resolve: 0}}\n")
        bridge = Daemon("ajpbridge", "--config", config, listeners=1, log=tmp_path / "b", env=shim.env)
        with ended(bridge):
            Load(bridge.port, 2).run(0.3)
            used_first, other = (relayed, four) if relayed.executed else (four, relayed)
            start = time.monotonic()
            if used_first is relayed:
                six.shutdown(socket.SHUT_RDWR)
                six.close()
                relayed.stop()
            else:
                four.stop()

            def served():
                with HttpClient(bridge.port) as client:
                    return client.get("/", 7).status == 200
            poll(served, 15, "the other address is used")
            recovered = time.monotonic() - start
            load = Load(bridge.port, 2).run(0.5)
        assert load.failures == [] and other.executed
        four.stop(), relayed.stop()
        figures(None, load, recover=recovered, first="::1" if used_first is relayed else "127.0.0.1")

    def test_fi_33_the_backlog_is_full(self, shim, figures, tmp_path):
        """More clients than the kernel keeps waiting while the daemon is stopped: all of them are served then."""
        shim.backlog(50)
        worker = ScriptedWorker()
        bridge = Daemon("ajpbridge", "--listen", "http://127.0.0.1:0", *workers({"w": worker.port}), "--threads", "1",
                        "--request-head-timeout", "60s", log=tmp_path / "b", env=shim.env)
        load, count = Load(bridge.port, 0), 400
        with ended(bridge):
            bridge.popen.send_signal(signal.SIGSTOP)
            crowd = []
            for _ in range(count):
                sock = socket.socket()
                sock.setblocking(False)
                sock.connect_ex(("127.0.0.1", bridge.port))
                crowd.append(sock)
            time.sleep(0.5)
            bridge.popen.send_signal(signal.SIGCONT)
            start = time.monotonic()
            for number, sock in enumerate(crowd):
                sock.settimeout(60)
                ready = select.poll()
                ready.register(sock, select.POLLOUT)
                assert ready.poll(60000)  # a SYN that was dropped is sent again
                sock.sendall(f"GET /a HTTP/1.1\r\nHost: x\r\nX-Id: {number}\r\nConnection: close\r\n\r\n".encode())
                load.sent += 1
            for number, sock in enumerate(crowd):
                client = HttpClient.__new__(HttpClient)
                client.sock, client.seen = sock, b""
                load.answered += client.read_reply().body == identity(number)
                sock.close()
            took = time.monotonic() - start
        worker.stop()
        assert load.answered == count
        figures(None, load, all_after=took)


def relay(server, port):
    """From an IPv6 socket to an IPv4 one; ends with its listener."""
    def pump(one, two):
        with contextlib.suppress(OSError):
            while part := one.recv(65536):
                two.sendall(part)
        for each in (one, two):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        while True:
            one = server.accept()[0]
            two = socket.create_connection(("127.0.0.1", port))
            for ends in ((one, two), (two, one)):
                threading.Thread(target=pump, args=ends, daemon=True).start()


def test_fi_18_the_program_is_replaced(figures, tmp_path, thorough):
    """SIGUSR2 again and again: each successor takes the listener over, each predecessor finishes."""
    worker = ScriptedWorker()
    bridge = Daemon("ajpbridge", "--listen", "http://127.0.0.1:0", *workers({"w": worker.port}), log=tmp_path / "b")
    times = 10 if thorough else 2
    pids = [bridge.pid]

    def successors():
        return [int(pid) for pid in re.findall(r"successor=(\d+)", bridge.output())]
    try:
        with Load(bridge.port, 4, reconnects=True) as load:
            for n in range(times):
                time.sleep(0.2)
                os.kill(pids[-1], signal.SIGUSR2)
                poll(lambda: len(successors()) == n + 1, 20, "a successor is started")
                pids.append(successors()[-1])
                poll(lambda: bridge.output().count("draining") == n + 1, 20, "it has taken over")
            before = load.answered
            poll(lambda: load.answered > before + 200, 20, "the last one serves")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pids[-1], signal.SIGTERM)
    assert bridge.popen.wait(30) == 0
    poll(lambda: bridge.output().count("draining") == times + 1, 20, "the last one drains too")
    worker.stop()
    assert load.failures == []
    figures(None, load, upgrades=times, twice_by_count=sum(c > 1 for c in worker.executed.values()))


def test_fi_19_certificates_are_changed(figures, tmp_path, thorough):
    """Under load, with a reload each: every connection meets an old or a new one, and soon only new ones."""
    pki = Pki(tmp_path)
    times = 100 if thorough else 8
    for name in ("one", "two"):
        pki.make(name, names="IP:127.0.0.1")
    names = {name: ssl.PEM_cert_to_DER_cert("-----BEGIN" + pki.pem(name).read_text().split("-----BEGIN", 1)[1])
             for name in ("one", "two")}

    def put(name):
        for end in ("key", "pem"):
            file = tmp_path / f"now.{end}.next"
            file.write_text((tmp_path / f"{name}.{end}").read_text())
            file.chmod(0o600)
            file.rename(tmp_path / f"now.{end}")
    put("one")
    worker = ScriptedWorker()
    admin = f"unix:{tmp_path}/admin"
    bridge = Daemon("ajpbridge", "--listen", "https://127.0.0.1:0", *pki.listener("now"), *workers({"w": worker.port}),
                    "--admin", admin, log=tmp_path / "b")
    context = ssl.create_default_context(cafile=str(pki.pem("ca")))

    def shown():
        with socket.create_connection(("127.0.0.1", bridge.port), 10) as sock, context.wrap_socket(
                sock, server_hostname="127.0.0.1") as tls:
            return tls.getpeercert(True)
    slowest = 0
    with ended(bridge):
        with Load(bridge.port, 4, tls=context, reconnects=True) as load:
            for n in range(times):
                name = ("two", "one")[n % 2]
                put(name)
                start = time.monotonic()
                reload(bridge, admin)
                poll(lambda: shown() == names[name], 10, "the new certificate is shown")
                slowest = max(slowest, time.monotonic() - start)
    worker.stop()
    assert load.failures == [] and slowest < (1 if not sanitized() else 5)
    figures(None, load, changes=times, new_one_after=slowest)


def test_fi_36_secrets_are_changed(figures, tmp_path, thorough):
    """At the listener and at the worker in front of it, by the book: the new one is accepted, then sent, then
    the old one goes. No request meets a wrong one."""
    times = 20 if thorough else 4
    worker = ScriptedWorker()
    secret = {name: tmp_path / name for name in ("now", "next", "sent")}

    def put(name, text):
        secret[name].write_text(text + "\n")
        secret[name].chmod(0o600)
    for name in secret:
        put(name, "s0")
    admin = {end: f"unix:{tmp_path}/{end}.admin" for end in "fb"}
    (tmp_path / "f.yaml").write_text(
        f"listen:\n  - url: ajp://127.0.0.1:0\n    secret_file: {secret['now']}\n    secret_next_file: {secret['next']}\n"
        f"workers:\n  - {{name: w, url: 'ajp://127.0.0.1:{worker.port}'}}\n")
    forward = Daemon("ajpforward", "--config", tmp_path / "f.yaml", "--admin", admin["f"], listeners=1, log=tmp_path / "f")
    (tmp_path / "b.yaml").write_text(
        f"listen:\n  - url: http://127.0.0.1:0\nworkers:\n  - name: f\n    url: ajp://127.0.0.1:{forward.port}\n"
        f"    secret_file: {secret['sent']}\n")
    bridge = Daemon("ajpbridge", "--config", tmp_path / "b.yaml", "--admin", admin["b"], "--threads", "1", listeners=1, log=tmp_path / "b")

    with ended(forward, bridge):
        with Load(bridge.port, 4) as load:
            for n in range(1, times + 1):
                put("next", f"s{n}")
                reload(forward, admin["f"])
                put("sent", f"s{n}")
                reload(bridge, admin["b"])
                load.all_moved()  # what was sent with the old one is answered
                put("now", f"s{n}")
                reload(forward, admin["f"])
        assert load.failures == []
        put("now", "another"), put("next", "another")
        reload(forward, admin["f"])
        with HttpClient(bridge.port) as client:
            assert client.get("/", 1).status == 403, "and a wrong one is refused"
    worker.stop()
    figures(None, load, changes=times, twice_by_count=sum(c > 1 for c in worker.executed.values()))


def test_fi_28_small_segments(figures, tmp_path):
    """Everything a byte at a time, in both directions and at both ends."""
    worker = ScriptedWorker(lambda link, rq: link.send(whole_reply(identity(rq.header("x-id"), link.body(rq))), "bytes"))
    forward = Daemon("ajpforward", "--listen", "ajp://127.0.0.1:0", *workers({"w": worker.port}), log=tmp_path / "f")
    bridge = Daemon("ajpbridge", "--listen", "http://127.0.0.1:0", *workers({"f": forward.port}), log=tmp_path / "b")
    load = Load(bridge.port, 0)
    with ended(forward, bridge), HttpClient(bridge.port, 30) as client:
        for number in range(30):
            body = b"x" * (number * 7)
            text = f"POST /a HTTP/1.1\r\nHost: x\r\nX-Id: {number}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
            for i in range(len(text)):
                client.sock.send(text[i:i + 1])
            got = client.read_reply()
            load.sent += 1
            load.answered += got.complete and got.body == identity(number, body)
    worker.stop()
    assert load.answered == load.sent and worker.faults == []
    figures(None, load, twice_by_count=sum(c > 1 for c in worker.executed.values()))


@pytest.mark.skipif(sanitized(), reason="the shim's malloc stands in for the sanitizer's")
@pytest.mark.parametrize("call", ["malloc", "calloc", "realloc"])
def test_a_reload_without_memory_leaves_the_old_settings(shim, tmp_path, call):
    """Each allocation of a reload fails in turn: it is refused with a message, or done; nothing else happens."""
    worker, config, admin = ScriptedWorker(), tmp_path / "b.yaml", f"unix:{tmp_path}/admin"
    config.write_text(f"admin: {admin}\nthreads: 2\nlisten:\n  - url: http://127.0.0.1:0\nworkers:\n"
                      f"  - {{name: w, url: 'ajp://127.0.0.1:{worker.port}', aliases: [x, y]}}\n"
                      "routes:\n  - {paths: ['/*'], workers: [w]}\n")
    bridge = Daemon("ajpbridge", "--config", config, listeners=1, log=tmp_path / "b", env=shim.env)
    with ended(bridge):
        n, failed, refused = 0, True, 0
        while failed:
            n += 1
            shim.fail(call, n, errno.ENOMEM)
            asked = subprocess.run([bridge.args[0], "ctl", admin, "reload"], capture_output=True, text=True, timeout=20)
            failed = shim.failed > 0
            shim.off()
            refused += "memory" in asked.stderr
            assert failed or asked.returncode == 0, f"{call} {n}: {asked.stderr}"
            with HttpClient(bridge.port) as client:
                assert client.get("/").status == 200, f"{call} {n}"
    worker.stop()
    assert refused > (0 if call == "realloc" else 10)
