# SPDX-License-Identifier: Apache-2.0
"""Requests with few and with many headers through ajpbridge: none is lost, and none is another request's."""
import threading

import pytest

from procs import Daemon
from web import Client

COUNTS = [0, 1, 15, 16, 17, 18, 19, 20, 21, 22, 40, 90]


@pytest.fixture(scope="module")
def bridge(tmp_path_factory):
    folder = tmp_path_factory.mktemp("headers")
    node = Daemon("ajpcat", "serve", "--listen", "ajp://127.0.0.1:0", "--route", "nodeA", "--quiet",
                  log=folder / "node.log")
    daemon = Daemon("ajpbridge", "--listen", "http://127.0.0.1:0", "--worker",
                    f"nodeA=ajp://127.0.0.1:{node.port}", "--threads", "1", listeners=1, log=folder / "bridge.log")
    yield daemon
    assert daemon.terminate() == 0, daemon.output()
    assert node.terminate() == 0


def ask(client, count, mark):
    sent = {f"x-{mark}-{i}": f"{mark} {i}" for i in range(count)}
    answer = client.get("/echo", headers=sent)
    assert answer.status == 200
    headers = answer.json["headers"]
    pairs = headers.items() if isinstance(headers, dict) else \
        [(h["name"], h["value"]) if isinstance(h, dict) else tuple(h) for h in headers]
    assert {n.lower(): v for n, v in pairs if n.lower().startswith("x-")} == sent


@pytest.mark.parametrize("count", COUNTS)
def test_every_header_arrives(bridge, count):
    with Client(bridge.port) as client:
        ask(client, count, "a")
        ask(client, 2, "b")
        ask(client, count, "c")


def test_many_at_a_time_do_not_mix(bridge):
    wrong = []

    def visit(number):
        try:
            with Client(bridge.port) as client:
                for turn in range(30):
                    ask(client, COUNTS[(number + turn) % len(COUNTS)], f"{number}.{turn}")
        except Exception as why:  # told by the main thread
            wrong.append(why)

    threads = [threading.Thread(target=visit, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
