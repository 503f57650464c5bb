# SPDX-License-Identifier: Apache-2.0
"""Fault drills in the middle of requests: what a worker had is not executed again, what is cut can be told from
what is whole, and what is slow does not hold up the rest."""
import socket
import struct
import threading
import time

import pytest

from ajpwire import chunk, reply
from load import Load
from procs import Daemon, poll, workers
from rawhttp import HttpClient
from scripted import ScriptedWorker

BOTH = pytest.mark.parametrize("kind", ["bridge", "chain"])


@BOTH
def test_fi_03_kill_a_node_at_work_on_posts(stage, figures, kind):
    """It has them all and has answered none: each is told so, and none is executed again at the other one."""
    s = stage(kind, 2, "--reply-timeout", "20s")
    with HttpClient(s.port) as client:
        for number in range(10 ** 9 - 4, 10 ** 9):
            assert client.get("/good", number).status == 200
    answers, lock = {}, threading.Lock()

    def post(number):
        with HttpClient(s.port, 20) as client:
            got = client.get("/slow/5000", number, "POST", body=b"x" * 1000)
            with lock:
                answers[number] = got.status
    threads = [threading.Thread(target=post, args=[n]) for n in range(10 ** 9, 10 ** 9 + 16)]  # not those of a Load
    for thread in threads:
        thread.start()
    poll(lambda: sum(sum(n.executed().values()) for n in s.nodes) == 4 + 16, 10, "all are at work")
    hit = sum(key.startswith("POST") for key in s.nodes[0].executed())
    killed = time.monotonic()
    s.nodes[0].kill()
    poll(lambda: len(answers) >= hit, 10, "those are told")
    told = time.monotonic() - killed
    statuses = list(answers.values())
    after = Load(s.port).run(0.5)
    s.nodes[1].kill()
    for thread in threads:
        thread.join()
    assert 0 < hit < 16 and statuses == [502] * hit and after.failures == []
    assert sum(sum(n.executed().values()) for n in s.nodes) == 4 + 16 + after.sent
    figures(s, after, posts_lost=hit, told_after=told)


def test_fi_07_resets_within_bodies(stage, figures, tmp_path):
    """Of the reply, from the worker: the client can tell. Of the request, from the client: the worker can."""
    def cut(link, rq):
        if rq.uri != "/cut":
            worker.good(link, rq)
        elif rq.method == "GET":
            link.send(reply(headers=[("Content-Length", "100000")]) + chunk(b"x" * 5000))
            link.close(reset=True)
        else:
            try:
                body = link.body(rq)
            except OSError:  # it was asking for more
                body = None
            whole.append(body)
    worker, whole = ScriptedWorker(cut), []
    daemon = Daemon("ajpbridge", "--listen", "http://127.0.0.1:0", *workers({"w": worker.port}), log=tmp_path / "b")
    count, seen = 30, []
    with Load(daemon.port) as load:
        for n in range(count):
            with HttpClient(daemon.port) as client:
                seen.append(client.get("/cut", f"cut{n}"))
            client = HttpClient(daemon.port)
            client.send(b"POST /cut HTTP/1.1\r\nHost: x\r\nX-Id: 0\r\nContent-Length: 50000\r\n\r\n" + b"x" * 20000)
            poll(lambda: worker.executed["0"] == n + 1, 5, "the worker has it")
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        poll(lambda: len(whole) == count, 10, "the worker sees the end")
    assert daemon.terminate() == 0
    worker.stop()
    assert not any(got.complete and got.status == 200 for got in seen) and whole == [None] * count
    assert load.failures == []
    figures(None, load, cut_replies=count, cut_requests=count)


def test_fi_09_a_slow_node(stage, figures):
    """One of two takes its time: the others' requests do not wait behind those."""
    s = stage("bridge", 2, "--reply-timeout", "10s")
    with Load(s.port, 8, path="/slow/700") as slow:
        poll(lambda: slow.sent >= 8, what="they are at work")
        load = Load(s.port, 4).run(1.5)
    assert slow.failures == [] and load.failures == [] and slow.wrong == []
    figures(s, load, p99=load.p99())
    assert load.p99() < 0.5
