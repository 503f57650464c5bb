# SPDX-License-Identifier: Apache-2.0
"""Both Tomcats are restarted, one after the other, while hundreds of sessions go on: each is drained first, its
sessions move to the other one, and neither a request nor a session is lost."""
import json
import subprocess
import threading
import time

import pytest

from procs import BIN, poll, workers
from web import Client

THREADS, SESSIONS_EACH = 6, 60


class Users:
    """Sessions that go on for ever, a request of each in turn; each answer must count on from the one before."""

    def __init__(self, port):
        self.port = port
        self.over = threading.Event()
        self.answered, self.lost, self.moved = 0, [], 0
        self.where = {}  # session: the node of its last answer
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._run, args=[i]) for i in range(THREADS)]

    def _step(self, client, key, state):
        client.cookie, count, node = state
        try:
            answer = client.get("/session")
            seen = answer.json if answer.status == 200 else None
        except Exception as error:  # whatever it was, a request was lost
            client.http.close()
            answer, seen = error, None
        with self.lock:
            if seen is None or seen["count"] != count + 1:
                self.lost.append((key, count, getattr(answer, "status", answer), seen))
                return None, 0, None
            self.answered += 1
            self.moved += node is not None and node != seen["node"]
            self.where[key] = seen["node"]
        return client.cookie, seen["count"], seen["node"]

    def _run(self, index):
        states = {(index, n): (None, 0, None) for n in range(SESSIONS_EACH)}
        with Client(self.port) as client:
            while not self.over.is_set():
                for key in states:
                    states[key] = self._step(client, key, states[key])
                    if self.over.wait(0.001):
                        break

    def nodes(self):
        with self.lock:
            return set(self.where.values())

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        poll(lambda: len(self.where) == THREADS * SESSIONS_EACH, 60, "every session has begun")
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(30)


@pytest.mark.release
@pytest.mark.kills_node
def test_rolling_restart_loses_no_request_and_no_session(tomcats, spawn, folder):
    base = folder("rolling")
    base.mkdir()
    config, admin = base / "forward.yaml", f"unix:{base}/admin.sock"
    config.write_text(f"admin: '{admin}'\nlisten:\n  - url: ajp://127.0.0.1:0\nsession: {{drain_deadline: 2s}}\nworkers:\n"
                      + "".join(f"  - {{name: {n.name}, url: 'ajp://127.0.0.1:{n.ajp}'}}\n" for n in tomcats))
    forward = spawn("ajpforward", "--config", config, listeners=1)
    front = spawn("ajpbridge", "--listen", "http://127.0.0.1:0", *workers({"f": forward.port}))

    def ctl(*args):
        return subprocess.run([BIN / "ajpforward", "ctl", admin, *args], capture_output=True, text=True, check=True).stdout

    def state(node):
        return next(w for w in json.loads(ctl("status"))["workers"] if w["name"] == node.name)

    with Users(front.port) as users:
        assert users.nodes() == {node.name for node in tomcats}
        for node in tomcats:
            ctl("drain", node.name)
            poll(lambda: state(node)["activation"] == "stop", 20, "the drain ends at its deadline")
            poll(lambda: state(node)["busy"] == 0, 20, "its last request is over")
            poll(lambda: users.nodes() == {tomcats.other(node).name}, 30, "every session went on at the other node")
            node.stop()
            node.start()
            tomcats.wait_for_copies()
            before = users.answered
            ctl("active", node.name)
            poll(lambda: users.answered > before + 2000, 60, "they go on")
        time.sleep(0.5)
    said = forward.output()
    print(f"{THREADS * SESSIONS_EACH} sessions, {users.answered} requests answered, {len(users.lost)} lost, "
          f"{users.moved} moves; {said.count('retry worker=')} retries")
    assert users.lost == []
    assert users.moved >= THREADS * SESSIONS_EACH, "every session has moved"
    assert "sessions_left=" in said and said.count("drain_ended") == 2
