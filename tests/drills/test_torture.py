# SPDX-License-Identifier: Apache-2.0
"""FI-13, FI-27: every call that can fail is made to fail in turn, at its first, second, third ... time within a
run of requests. A request may be lost to that; nothing may crash, be answered wrongly or be executed twice, and
the next request is served."""
import contextlib
import errno
import os
import signal
import socket
import subprocess

import pytest

from ajpwire import AjpClient, data, request
from procs import BIN, Daemon, poll, sanitized, workers
from rawhttp import HttpClient
from scripted import ScriptedWorker, identity
from shim import Shim, build

pytestmark = [pytest.mark.release, pytest.mark.skipif(not (BIN / "ajpbridge").exists() or sanitized(),
                                                      reason="a preloaded library, and ASan wants to be first")]
FAULTS = [
    ("malloc", errno.ENOMEM), ("calloc", errno.ENOMEM), ("realloc", errno.ENOMEM),
    ("accept", errno.EMFILE), ("accept", errno.ECONNABORTED), ("accept", errno.ENOBUFS), ("accept", errno.EINTR),
    ("connect", errno.ECONNREFUSED), ("connect", errno.EADDRNOTAVAIL), ("connect", errno.ENETUNREACH),
    ("socket", errno.EMFILE), ("socket", errno.ENOBUFS),
    ("recv", errno.EINTR), ("recv", errno.ECONNRESET), ("recv", errno.ENOMEM),
    ("send", errno.EINTR), ("send", errno.EPIPE), ("send", errno.ENOBUFS),
    ("sendmsg", errno.EINTR), ("sendmsg", errno.EPIPE), ("sendmsg", errno.ENOBUFS),
    ("epoll_ctl", errno.ENOMEM), ("epoll_ctl", errno.ENOSPC), ("epoll_wait", errno.EINTR), ("setsockopt", errno.ENOPROTOOPT),
    ("write", errno.EIO),
]
HARMLESS = {(call, error) for call, error in FAULTS if error in (errno.EINTR, errno.ENOPROTOOPT, errno.EIO)}
REQUESTS = [("GET", b""), ("POST", b"x" * 100), ("POST", b"y" * 20000), ("GET", b"")]


class Rig:
    """A daemon that is tortured before a worker that counts."""

    def __init__(self, folder, name):
        self.name = name
        self.shim = Shim(build(folder), folder / "control")
        self.worker = ScriptedWorker()
        self.number = 0
        scheme = "http" if name == "ajpbridge" else "ajp"
        self.daemon = Daemon(name, "--listen", f"{scheme}://127.0.0.1:0", *workers({"w": self.worker.port}), "--threads", "1",
                             "--reply-timeout", "500ms", "--connect-timeout", "1s", log=folder / "log", env=self.shim.env)

    def connect(self):
        return (HttpClient if self.name == "ajpbridge" else AjpClient)(self.daemon.port, 5)

    def ask(self, client, method, body=b""):
        """The status, None: none came. A wrong answer is never right."""
        self.number += 1
        mine = self.number
        try:
            if self.name == "ajpbridge":
                got = client.get("/", mine, method, body=body)
            else:
                parts = [data(body[i:i + 8186]) for i in range(0, len(body), 8186)]
                got = client.exchange(request(method, "/", headers=[(0xA008, str(len(body))), ("x-id", str(mine))]),
                                      *parts[:1], body=parts[1:])
        except (OSError, TimeoutError):
            got = None
        assert method == "GET" or self.worker.executed[str(mine)] <= 1, "executed twice"
        if got and got.complete and got.status == 200:
            assert got.body == identity(mine, body), got
        return got.status if got and got.complete else None

    def scenario(self):
        """Two connections of a client, and new ones to the worker. Returns what failed."""
        lost = []
        for link in self.worker.open_links():
            with contextlib.suppress(OSError):  # it is ending already
                link.sock.shutdown(socket.SHUT_RDWR)
        poll(lambda: not self.worker.open_links(), 5, "the links are closed")
        for _ in range(2):
            client = None
            for method, body in REQUESTS:
                try:
                    client = client or self.connect()
                except OSError:
                    lost.append("connect")
                    continue
                status = self.ask(client, method, body)
                if status != 200:
                    lost.append((method, status))
                    client.close()  # an answer may still come
                    client = None
            if client:
                client.close()
        return lost

    def well(self):
        def served():
            try:
                with self.connect() as client:
                    return self.ask(client, "GET") == 200
            except OSError:
                return False
        poll(served, 15, "the next request is served")

    def stop(self):
        self.shim.off()
        status = self.daemon.terminate()
        self.worker.stop()
        assert status == 0 and self.worker.faults == [], self.daemon.output()[-2000:]


@pytest.fixture(scope="module", params=["ajpforward", "ajpbridge"])
def rig(request, tmp_path_factory):
    made = Rig(tmp_path_factory.mktemp(request.param), request.param)
    yield made
    made.stop()


@pytest.mark.parametrize("call, error", FAULTS, ids=lambda v: v if isinstance(v, str) else errno.errorcode[v])
def test_each_call_fails_in_turn(rig, call, error, thorough, figures_of):
    """Until a run has fewer calls than that: then all of them have had their turn."""
    rig.shim.off()
    rig.well()
    nth, losses = 1, 0
    while nth <= (400 if thorough else 40):
        rig.shim.fail(call, nth, error)
        lost = rig.scenario()
        failed = rig.shim.failed
        rig.shim.off()
        assert rig.daemon.running(), f"{call} number {nth}: {rig.daemon.output()[-3000:]}"
        if failed == 0 and nth > 1:
            break
        assert lost == [] or (call, error) not in HARMLESS, (nth, lost)
        losses += len(lost)
        if lost:
            rig.well()
        nth += 1
    figures_of(calls=nth - 1, requests_lost=losses)
    poll(lambda: len(os.listdir(f"/proc/{rig.daemon.pid}/fd")) < 40, 10, "no descriptor is left behind")


@pytest.mark.parametrize("call, error", [("malloc", errno.ENOMEM), ("calloc", errno.ENOMEM),
                                         ("socket", errno.EMFILE), ("setsockopt", errno.EINVAL)],
                         ids=lambda v: v if isinstance(v, str) else errno.errorcode[v])
def test_each_call_of_the_start_fails_in_turn(tmp_path, call, error, thorough, figures_of):
    """It starts all the same, or says what is the matter and ends: no crash, no hang. Not realloc and
    epoll_ctl: libuv aborts when those of its own fail."""
    shim = Shim(build(tmp_path), tmp_path / "control")
    config = tmp_path / "forward.yaml"
    config.write_text("listen:\n  - url: ajp://127.0.0.1:0\nworkers:\n  - name: a\n    url: ajp://127.0.0.1:9\n")
    nth, ends = 1, {}
    while True:
        shim.fail(call, nth, error)
        process = subprocess.Popen([BIN / "ajpforward", "--config", config], env=shim.env, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        line = process.stdout.readline()
        failed = shim.failed
        shim.off()
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=20)[1]
        status = process.returncode
        if not failed:
            break
        assert status >= 0 or (not line and status == -signal.SIGTERM), (nth, status, said)
        assert status != 0 or line or said, nth
        ends[status] = ends.get(status, 0) + 1
        nth += 1 if thorough or nth < 60 else nth // 10
    figures_of(calls=nth - 1, ends=ends)
