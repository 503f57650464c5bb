# SPDX-License-Identifier: Apache-2.0
"""What an entry of routes sets for its own paths: how long a reply may take, stickiness, who answers after a 503."""
import http.client
import threading

import pytest

from ajpwire import AjpClient, request, whole_reply
from procs import Daemon
from scripted import ScriptedWorker


@pytest.fixture
def release():
    """Replies to /slow are held until it is set."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def nodes(release):
    def answer(name):
        def on_request(link, req):
            if req.uri.startswith("/slow"):
                release.wait(20)
            if req.uri.startswith("/mute"):
                return
            status = 503 if name == "a" and req.uri.startswith("/busy") else 200
            link.send(whole_reply(name.encode(), status=status))
        return on_request
    made = {name: ScriptedWorker(answer(name)) for name in "ab"}
    yield made
    for node in made.values():
        node.stop()


@pytest.fixture(params=["ajpforward", "ajpbridge"])
def start(request, tmp_path, nodes):
    daemons = []

    def make(routes, more=""):
        scheme = "http" if request.param == "ajpbridge" else "ajp"
        file = tmp_path / "config.yaml"
        file.write_text(f"threads: 1\nlisten:\n  - url: {scheme}://127.0.0.1:0\nworkers:\n"
                        + "".join(f"  - {{name: {n}, url: 'ajp://127.0.0.1:{w.port}'}}\n" for n, w in nodes.items())
                        + f"routes:\n{routes}{more}")
        daemons.append(Daemon(request.param, "--config", file, listeners=1, log=tmp_path / "log"))
        return lambda path, cookie=None: ask(scheme, daemons[-1].port, path, cookie)
    yield make
    for daemon in daemons:
        assert daemon.terminate() == 0, daemon.output()


def ask(scheme, port, path, cookie):
    """Status and body."""
    if scheme == "ajp":
        with AjpClient(port) as client:
            reply = client.exchange(request(uri=path, headers=[("cookie", cookie)] if cookie else []))
            return reply.status, reply.body.decode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    return reply.status, text


@pytest.mark.parametrize("general", ["0", "300ms"])
def test_a_reply_timeout_holds_for_its_paths_alone(start, release, general):
    """/mute is never answered; /slow is, and only after /mute has had its 504."""
    mine, theirs = ("300ms", None) if general == "0" else (None, "0")
    entry = "  - {{paths: ['{}*'], workers: [a, b]{}}}\n"
    fetch = start("".join(entry.format(path, f", reply_timeout: {time}" if time else "")
                          for path, time in (("/mute", mine), ("/slow", theirs))), f"timeouts: {{reply: {general}}}\n")
    answers = []
    slow = threading.Thread(target=lambda: answers.append(fetch("/slow")))
    slow.start()
    assert fetch("/mute")[0] == 504
    assert fetch("/mute")[0] == 504
    assert answers == []
    release.set()
    slow.join()
    assert answers[0][0] == 200


@pytest.mark.parametrize("general", ["true", "false"])
def test_sessions_stick_on_the_paths_that_say_so(start, general):
    fetch = start("  - {paths: ['/free*'], workers: [a, b], sticky: false}\n"
                  "  - {paths: ['/bound*'], workers: [a, b], sticky: true}\n"
                  "  - {paths: ['/*'], workers: [a, b]}\n", f"session: {{sticky: {general}}}\n")

    def seen(path):
        return {fetch(path, "JSESSIONID=1.a")[1] for _ in range(6)}
    assert seen("/free") == {"a", "b"}
    assert seen("/bound") == {"a"}
    assert seen("/") == ({"a"} if general == "true" else {"a", "b"})


def test_force_holds_for_its_paths_alone(start, nodes):
    fetch = start("  - {paths: ['/strict'], workers: [a, b], force: true}\n  - {paths: ['/*'], workers: [a, b]}\n")
    nodes["a"].stop()
    assert fetch("/strict", "JSESSIONID=1.a")[0] in (502, 503)
    assert fetch("/strict", "JSESSIONID=1.a")[0] == 503
    assert fetch("/", "JSESSIONID=1.a") == (200, "b")


@pytest.mark.parametrize("general", ["true", "false"])
def test_a_503_is_asked_for_again_on_the_paths_that_say_so(start, general):
    fetch = start("  - {paths: ['/busy/again'], workers: [a, b], retry_on_503: true}\n"
                  "  - {paths: ['/busy/once'], workers: [a, b], retry_on_503: false}\n"
                  "  - {paths: ['/*'], workers: [a, b]}\n", f"retry: {{on_503: {general}, budget: 100}}\n")
    assert fetch("/busy/again", "JSESSIONID=1.a") == (200, "b")
    assert fetch("/busy/once", "JSESSIONID=1.a")[0] == 503
    assert fetch("/busy", "JSESSIONID=1.a")[0] == (200 if general == "true" else 503)
