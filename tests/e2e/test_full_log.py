# SPDX-License-Identifier: Apache-2.0
"""Nobody reads the logs: requests, signals and the end do not wait for that; what is lost is counted."""
import fcntl
import os
import pathlib
import re
import signal
import subprocess
import threading

import pytest

from procs import BIN, Daemon, accepts, free_port, poll
from web import Client

LONG = "/echo?" + "x" * 1900
PIPE_SIZE = 4096


class Pipe:
    """Takes one page; FULL: it has that already."""

    def __init__(self, full=False):
        self.out, self.into = os.pipe()
        fcntl.fcntl(self.into, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        self.text = b""
        if full:
            with open(f"/proc/self/fd/{self.into}", "wb", buffering=0) as mine:
                mine.write(b"." * (PIPE_SIZE - 1) + b"\n")

    def close_writing(self):
        if self.into >= 0:
            os.close(self.into)
            self.into = -1

    def drain(self):
        """Reads in a thread, until nobody has it open for writing."""
        def read():
            while part := os.read(self.out, 65536):
                self.text += part
        self.close_writing()
        self.thread = threading.Thread(target=read)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close_writing()
        os.close(self.out)


@pytest.fixture
def node(tmp_path):
    made = Daemon("ajpcat", "serve", "--listen", "ajp://127.0.0.1:0", "--route", "nodeA", "--quiet",
                  log=tmp_path / "node.log")
    yield made
    made.terminate()


class Bridge:
    """With its standard output and error in pipes, if they are given."""

    def __init__(self, node, tmp_path, *more, out=None, err=None):
        self.port = free_port()
        self.log = tmp_path / "bridge.log"
        self.popen = subprocess.Popen(
            [BIN / "ajpbridge", "--listen", f"http://127.0.0.1:{self.port}", "--threads", "2",
             "--worker", f"nodeA=ajp://127.0.0.1:{node.port}", *more], stdin=subprocess.DEVNULL,
            stdout=out.into if out else subprocess.DEVNULL, stderr=err.into if err else open(self.log, "wb"))

    def __enter__(self):
        poll(lambda: accepts(self.port), 20, "it listens")
        return self

    def terminate(self):
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(10)

    def __exit__(self, *_):
        self.popen.kill()
        self.popen.wait()


def ask(port, count):
    with Client(port, timeout=10) as client:
        assert {client.get(LONG).status for _ in range(count)} == {200}


def test_an_access_log_that_nobody_reads_holds_nothing_up(tmp_path, node):
    admin = f"unix:{tmp_path}/admin.sock"
    with Pipe() as out, Bridge(node, tmp_path, "--access-log", "-", "--admin", admin, out=out) as bridge:
        ask(bridge.port, 1500)
        out.drain()
        poll(lambda: "log_lost=" in bridge.log.read_text(), 10, "the loss is told")
        ask(bridge.port, 3)
        metrics = subprocess.run([BIN / "ajpbridge", "ctl", admin, "metrics"], capture_output=True, text=True).stdout
        assert bridge.terminate() == 0
        out.thread.join()
    lost = sum(int(n) for n in re.findall(r" warn log_full log=access log_lost=(\d+)\n", bridge.log.read_text()))
    lines = re.findall(rb'^127\.0\.0\.1 - - \[[^]]*\] "GET /echo\?x{1900} HTTP/1\.1" 200 .*$', out.text, re.M)
    assert lost > 0 and len(lines) + lost == 1503 and len(out.text.splitlines()) == len(lines) + 1
    assert f'ajp_log_lost_lines_total{{log="access"}} {lost}\n' in metrics


def test_full_standard_output_and_error_keep_nobody_from_starting_serving_and_ending(tmp_path, node):
    with (Pipe(full=True) as out, Pipe(full=True) as err,
          Bridge(node, tmp_path, "--access-log", "-", out=out, err=err) as bridge):
        ask(bridge.port, 50)
        bridge.popen.send_signal(signal.SIGHUP)  # leaves a line
        ask(bridge.port, 50)
        assert bridge.terminate() == 0


def test_what_was_held_back_is_written_at_the_end(tmp_path, node):
    with Pipe(full=True) as err, Bridge(node, tmp_path, err=err) as bridge:
        ask(bridge.port, 1)
        bridge.popen.send_signal(signal.SIGTERM)
        err.drain()
        assert bridge.popen.wait(10) == 0
        err.thread.join()
    assert b" info draining signal=15\n" in err.text
    assert re.search(rb" info started program=ajpbridge version=\S+ pid=\d+ threads=2 listeners=1 workers=1\n", err.text)
    assert re.search(rb" info stopped pid=\d+ served_s=\d+\n$", err.text)


def test_a_fifo_is_an_access_log_with_or_without_a_reader(tmp_path, node):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    with Bridge(node, tmp_path, "--access-log", path) as bridge:
        for _ in range(2):  # the second reader comes when the first has gone
            ask(bridge.port, 40)
            reader = os.open(path, os.O_RDONLY)
            assert b'"GET /echo?' in os.read(reader, 65536)
            os.close(reader)
        assert bridge.terminate() == 0


def test_a_file_that_cannot_be_written_is_told_with_what_is_lost(tmp_path, node):
    with Bridge(node, tmp_path, "--access-log", "/dev/full") as bridge:
        ask(bridge.port, 5)
        poll(lambda: "access_log_failed" in bridge.log.read_text(), 10, "the failure is told")
        assert bridge.terminate() == 0
    told = re.findall(r'error access_log_failed file=/dev/full doing=write log_lost=(\d+) '
                      r'reason="No space left on device"', bridge.log.read_text())
    assert sum(map(int, told)) == 5


def test_a_start_that_fails_says_so_behind_a_full_pipe(tmp_path, node):
    with Pipe(full=True) as err:
        popen = subprocess.Popen([BIN / "ajpbridge", "--listen", f"http://127.0.0.1:{node.port}", "--worker",
                                  f"a=ajp://127.0.0.1:{node.port}"], stdout=subprocess.DEVNULL, stderr=err.into)
        err.drain()
        assert popen.wait(10) == 1
        err.thread.join()
    assert b"ajpbridge: cannot listen on http://127.0.0.1:" in err.text


def test_closed_standard_files_are_no_place_for_connections(tmp_path, node):
    """Else the first listener would be descriptor 1 or 2, and a line of the log would go into it."""
    port = free_port()
    popen = subprocess.Popen(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", str(BIN / "ajpbridge"), "--listen",
                              f"http://127.0.0.1:{port}", "--worker", f"a=ajp://127.0.0.1:{node.port}"])
    try:
        poll(lambda: accepts(port), 20, "it listens")
        fds = pathlib.Path(f"/proc/{popen.pid}/fd")
        assert [os.readlink(fds / n) for n in "012"] == ["/dev/null"] * 3
        ask(port, 1)
    finally:
        popen.send_signal(signal.SIGTERM)
        assert popen.wait(10) == 0
