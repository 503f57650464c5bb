# SPDX-License-Identifier: Apache-2.0
"""Clients that check that every answer is their own, and count."""
import itertools
import threading
import time

from rawhttp import HttpClient
from scripted import identity

numbers = itertools.count(1)


class Load:
    """COUNT clients with kept connections, a request each PAUSE seconds, GET and POST in turn."""

    def __init__(self, port, count=4, pause=0.002, path="/good", timeout=10):
        self.port, self.pause, self.path, self.timeout = port, pause, path, timeout
        self.sent, self.answered = 0, 0
        self.wrong = []      # answers of somebody else: never
        self.failures = []   # (time, what)
        self.slowest = 0
        self.took = []
        self.lock = threading.Lock()
        self.stopping = False
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(count)]

    def _one(self, client, number, method):
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
        return right

    def _run(self):
        client = None
        for turn in itertools.count():
            if self.stopping:
                break
            number = next(numbers)
            with self.lock:
                self.sent += 1
            try:
                client = client or HttpClient(self.port, self.timeout)
                if not self._one(client, number, "POST" if turn % 2 else "GET"):
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
