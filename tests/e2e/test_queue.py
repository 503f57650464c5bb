# SPDX-License-Identifier: Apache-2.0
"""max_connections: never exceeded over all threads; what exceeds it waits, and in its turn is served."""
import socket
import socketserver
import struct
import threading
import time

import pytest

from procs import Daemon
from web import Client

REPLY = (bytes.fromhex("4142 0007 04 00c8 ffff 0000") + bytes.fromhex("4142 0002 05 01"))


class CountingWorker:
    """Answers CPing and, after a while, every Forward Request; counts what it does at once."""

    def __init__(self, pause=0.05):
        self.busy = self.most = self.served = 0
        self.pause = pause
        self.lock = threading.Lock()
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                outer.converse(self.request)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def converse(self, sock):
        try:
            while True:
                head = sock.recv(4, socket.MSG_WAITALL)
                if len(head) < 4:
                    return
                body = sock.recv(struct.unpack(">H", head[2:])[0], socket.MSG_WAITALL)
                if body[0] == 10:
                    sock.sendall(bytes.fromhex("4142 0001 09"))
                    continue
                with self.lock:
                    self.busy += 1
                    self.most = max(self.most, self.busy)
                    self.served += 1
                time.sleep(self.pause)
                with self.lock:
                    self.busy -= 1
                sock.sendall(REPLY)
        except OSError:
            pass

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def worker():
    made = CountingWorker()
    yield made
    made.close()


def bridge(tmp_path, port, cap, **more):
    lines = [f"listen:\n  - url: http://127.0.0.1:0\nworkers:\n  - name: a\n    url: ajp://127.0.0.1:{port}\n"
             f"    max_connections: {cap}\nthreads: 2\n"]
    lines += [f"{section}:\n  {key}: {value}\n" for section, (key, value) in more.items()]
    file = tmp_path / "bridge.yaml"
    file.write_text("".join(lines))
    return Daemon("ajpbridge", "--config", file, listeners=1, log=tmp_path / "bridge.log")


def fetch_all(port, count):
    statuses = []

    def one():
        with Client(port) as client:
            statuses.append(client.get("/").status)
    threads = [threading.Thread(target=one) for _ in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return statuses


def test_the_cap_holds_and_all_are_served(tmp_path, worker):
    daemon = bridge(tmp_path, worker.port, cap=3)
    try:
        for _ in range(3):
            assert fetch_all(daemon.port, 30) == [200] * 30
    finally:
        status = daemon.terminate()
    assert status == 0, daemon.output()
    assert worker.served == 90
    assert 1 <= worker.most <= 3


def test_a_full_queue_and_a_late_turn_are_503(tmp_path, worker):
    worker.pause = 1.5
    daemon = bridge(tmp_path, worker.port, cap=1, limits=("queue", 2), timeouts=("queue", "300ms"))
    try:
        statuses = fetch_all(daemon.port, 6)
    finally:
        status = daemon.terminate()
    assert status == 0
    assert sorted(statuses) == [200] + [503] * 5
    assert worker.served == 1
    assert "too many requests wait" in daemon.output() and "came free in time" in daemon.output()


def test_a_client_that_leaves_the_queue_is_not_sent(tmp_path, worker):
    worker.pause = 0.6
    daemon = bridge(tmp_path, worker.port, cap=1)
    try:
        first = threading.Thread(target=fetch_all, args=(daemon.port, 1))
        first.start()
        while worker.served == 0:
            time.sleep(0.01)
        with socket.create_connection(("127.0.0.1", daemon.port)) as sock:
            sock.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
        first.join()
        assert fetch_all(daemon.port, 1) == [200]
    finally:
        assert daemon.terminate() == 0
    assert worker.served == 2
