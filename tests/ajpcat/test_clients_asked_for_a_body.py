# SPDX-License-Identifier: Apache-2.0
"""A servlet that reads the input of a request without a body, and at its end once more: each of ajpcat's clients
answers that there is none."""
import pytest

import ajpwire
from ajpwire import whole_reply
from cat import CAPTURES, ajpcat
from scripted import ScriptedWorker


@pytest.fixture
def app():
    answered, wrong = [], []

    def read_and_answer(link, request):
        for _ in range(2):
            link.send(ajpwire.get_body())
            payload = link.packet()
            if payload is None:
                return
            answered.append(payload)
            if not request.length and payload not in (b"", b"\0\0"):
                wrong.append(payload)
        link.send(whole_reply(b"read"))

    with ScriptedWorker(read_and_answer) as worker:
        worker.answered, worker.wrong = answered, wrong
        yield worker


@pytest.mark.parametrize("command", [
    ["get", "ajp://127.0.0.1:{port}/"],
    ["bench", "-c", "2", "-n", "20", "ajp://127.0.0.1:{port}/"],
    ["replay", "-n", "3", "-f", "method == 'GET'", CAPTURES / "proxy-keepalive.pcap", "127.0.0.1:{port}"],
])
def test_the_body_that_is_asked_for_has_an_end(app, command):
    done = ajpcat(*(str(word).format(port=app.port) for word in command))
    assert b"protocol" not in done.stderr and b"failed: the" not in done.stdout, done
    assert done.returncode == (1 if command[0] == "replay" else 0), done
    assert len(app.answered) == 2 * len(app.requests) > 0 and not app.wrong and not app.faults


def test_no_verdict_comes_from_a_body_that_is_asked_for(app):
    done = ajpcat("check", "--json", "-m", "2s", f"127.0.0.1:{app.port}")
    assert b"no response" not in done.stdout and b"too early" not in done.stdout, done.stdout.decode()
