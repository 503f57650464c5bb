# SPDX-License-Identifier: Apache-2.0
"""Clients that check that every answer is their own, and count."""
import itertools
import threading
import time

from procs import poll
from rawhttp import HttpClient
from scripted import identity

numbers = itertools.count(1)


class Load:
    """COUNT clients with kept connections, a request each PAUSE seconds, GET and POST in turn. TLS: an SSL
    context. RECONNECTS: each second client keeps none of its connections for more than two requests."""

    def __init__(self, port, count=4, pause=0.002, path="/good", timeout=10, tls=None, reconnects=False):
        self.port, self.pause, self.path, self.timeout = port, pause, path, timeout
        self.tls, self.reconnects = tls, reconnects
        self.sent, self.answered = 0, 0
        self.wrong = []      # answers of somebody else: never
        self.failures = []   # (time, what)
        self.slowest = 0
        self.took = []
        self.lock = threading.Lock()
        self.stopping = False
        self.turns = [0] * count  # of each client
        self.threads = [threading.Thread(target=self._run, args=[i], daemon=True) for i in range(count)]

    def _one(self, client, number, method):
        """False: no more over this connection."""
        body = b"x" * (number % 3000) if method == "POST" else b""
        start = time.monotonic()
        got = client.get(self.path, number, method, body=body)
        took = time.monotonic() - start
        right = got.complete and got.status == 200 and got.body == identity(number, body)
        with self.lock:
            self.took.append(took)
            if right:
                self.answered += 1
            elif got.complete and got.status == 200:
                self.wrong.append((number, bytes(got.body[:100])))
            else:
                self.failures.append((time.monotonic(), f"{method} {got.status}"))
        return right and not got.closed

    def _connect(self):
        client = HttpClient(self.port, self.timeout)
        if self.tls:
            client.sock = self.tls.wrap_socket(client.sock, server_hostname="127.0.0.1")
        return client

    def _run(self, index):
        client = None
        for turn in itertools.count():
            if self.stopping:
                break
            self.turns[index] = turn
            number = next(numbers)
            with self.lock:
                self.sent += 1
            try:
                client = client or self._connect()
                if not self._one(client, number, "POST" if turn % 2 else "GET"):
                    client.close()
                    client = None
                elif self.reconnects and index % 2 and turn % 2:
                    client.close()
                    client = None
            except (OSError, TimeoutError, AssertionError) as error:
                with self.lock:
                    self.failures.append((time.monotonic(), repr(error)))
                client = None
            time.sleep(self.pause)
        if client:
            client.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        for thread in self.threads:
            thread.join(self.timeout + 5)

    def all_moved(self):
        """Returns when every request that is under way now has been answered."""
        before = list(self.turns)
        poll(lambda: all(now >= then + 2 for now, then in zip(self.turns, before)), 60, "every client goes on")

    def run(self, seconds):
        with self:
            time.sleep(seconds)
        return self

    def failed_since(self, start):
        with self.lock:
            return sum(when >= start for when, _ in self.failures)

    def p99(self):
        took = sorted(self.took)
        return took[int(len(took) * 0.99)] if took else 0
