# SPDX-License-Identifier: Apache-2.0
"""Programs under test and their peers: starting, waiting for a condition, measuring, stopping."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("AJP_BIN") or ROOT / "build/install/bin")


def poll(question, deadline=20.0, what="condition"):
    """Asks until the answer is true and returns it; fails after DEADLINE seconds."""
    end = time.monotonic() + deadline
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"after {deadline} s still not: {what}")
        time.sleep(0.02)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Process:
    """A program in a process group of its own, its output kept in a file."""

    started = []  # those that run or ended in this test

    def __init__(self, args, log, **options):
        Process.started.append(self)
        self.log = pathlib.Path(log)
        self.args = [str(a) for a in args]
        with open(self.log, "ab") as out:
            self.popen = subprocess.Popen(self.args, stdin=subprocess.DEVNULL, stderr=out,
                                          stdout=options.pop("stdout", out), start_new_session=True, **options)

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def output(self):
        return self.log.read_text(errors="replace")

    def wait_for_port(self, port, deadline=30):
        def ready():
            assert self.running(), f"{self.args[0]} ended:\n{self.output()[-3000:]}"
            return accepts(port)
        poll(ready, deadline, f"{self.args[0]} listens on {port}")

    def kill(self):
        """kill -9 of the whole group, as a crash would."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.popen.wait()

    def terminate(self, deadline=15):
        """SIGTERM; returns the exit status."""
        if self.running():
            self.popen.send_signal(signal.SIGTERM)
        try:
            return self.popen.wait(deadline)
        finally:
            self.kill()

    def peak_rss(self):
        """The most memory it ever had resident, in bytes."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024


class Daemon(Process):
    """One of ours: prints `listening SCHEME://HOST:PORT` on standard output when it is ready."""

    def __init__(self, name, *args, log, listeners=None, **options):
        self.listeners = listeners or sum(str(a).startswith("--listen") for a in args)
        self.out = pathlib.Path(f"{log}.out")
        with open(self.out, "wb") as out:
            super().__init__([BIN / name, *args], log, stdout=out, **options)
        try:
            poll(lambda: self._ready(name), 20, f"{name} is ready")
        except AssertionError:
            self.kill()
            raise

    def _ready(self, name):
        assert self.running(), f"{name} ended with {self.popen.returncode}:\n{self.output()[-3000:]}"
        return len(self.ports) >= self.listeners

    def _log_is_written(self):
        """Whether the threads that write its lines have nothing left to do."""
        for task in pathlib.Path(f"/proc/{self.pid}/task").glob("*/stat"):
            try:
                name, state = re.search(r"\((.*)\) (\S)", task.read_text()).groups()
            except OSError:  # it has ended
                continue
            if name == "log" and state in "RD":
                return False
        return True

    def output(self):
        end = time.monotonic() + 1
        while not self._log_is_written() and time.monotonic() < end:
            time.sleep(0.001)
        return super().output()

    @property
    def ports(self):
        return [int(p) for p in re.findall(r"^listening \w+://.*:(\d+)\n", self.out.read_text(), re.M)]

    @property
    def port(self):
        return self.ports[0]


def sanitized():
    """Whether the programs under test are ASan's, which keeps what was freed for a while."""
    return b"__asan_init" in (BIN / "ajpbridge").read_bytes()


def workers(ports_by_name):
    """Command line of a daemon for its workers."""
    return [w for name, port in ports_by_name.items() for w in ("--worker", f"{name}=ajp://127.0.0.1:{port}")]
