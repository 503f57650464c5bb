# SPDX-License-Identifier: Apache-2.0
"""check: verdicts on connectors that are good, open, vulnerable, wrong or absent."""
import contextlib
import json
import os
import socket
import threading

import pytest

from cat import ajpcat
from procs import Daemon, free_port

SECRET = "correct horse"


def check(port, *args, secret=None):
    env = {k: v for k, v in os.environ.items() if k != "AJP_SECRET"} | ({"AJP_SECRET": secret} if secret else {})
    done = ajpcat("check", "--json", "-m", "2s", *args, f"127.0.0.1:{port}", env=env)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {row["check"]: row for row in rows}


@pytest.fixture(scope="module", params=[None, SECRET], ids=["open", "secret"])
def node(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("check")
    args = []
    if request.param:
        (folder / "secret").write_text(request.param)
        args = ["--secret-file", folder / "secret"]
    daemon = Daemon("ajpcat", "serve", "--listen", "ajp://127.0.0.1:0", *args, log=folder / "log")
    daemon.secret = request.param
    yield daemon
    assert daemon.terminate() == 0


def test_our_own_server_takes_nothing_malformed(node):
    code, found = check(node.port, secret=node.secret)
    verdicts = {name: row["verdict"] for name, row in found.items()}
    assert verdicts["secret"] == ("good" if node.secret else "warn")
    assert code == (0 if node.secret else 1)
    for name in ("open", "CPing", "kept connections", "packet size", "wrong magic", "unknown method code",
                 "string longer than its packet", "fewer headers than announced", "line end in a header value",
                 "NUL in the URI", "negative Content-Length", "two Content-Lengths", "after all this"):
        assert verdicts[name] == "good", found[name]
    assert "requests of 8192 bytes" in found["packet size"]["found"]


def test_without_the_secret_the_rest_is_skipped(node):
    code, found = check(node.port, "--no-broken")
    assert ("attributes" in found) == bool(node.secret)
    assert "wrong magic" not in found and code == (0 if node.secret else 1)
    code, found = check(node.port, "--no-broken", secret="wrong horse")
    assert found["secret"]["verdict"] == ("bad" if node.secret else "warn")


@contextlib.contextmanager
def impostor(answer, close=False):
    """A server in whose hands each packet is a bytes object; ANSWER gives what to send back."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk(peer):
        with peer, contextlib.suppress(OSError):
            while data := peer.recv(65536):
                reply = answer(data)
                peer.sendall(reply or b"")
                if close or reply is None:
                    return

    def run():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()
    threading.Thread(target=run, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def reply(status, body=b""):
    head = b"\x04" + status.to_bytes(2, "big") + b"\x00\x02OK\x00\x00\x00"
    chunk = b"\x03" + len(body).to_bytes(2, "big") + body + b"\x00"
    return b"".join(b"AB" + len(p).to_bytes(2, "big") + p for p in (head, chunk, b"\x05\x01"))


def ghost(data):
    if data == b"\x12\x34\x00\x01\x0a":
        return b"AB\x00\x01\x09"
    return reply(200, b"<?xml?><web-app/>" if b"javax.servlet.include.path_info" in data else b"hello \x1b[31m")


def test_ghostcat_is_found_and_so_is_whatever_is_taken():
    with impostor(ghost) as port:
        code, found = check(port)
    assert code == 1 and found["Ghostcat attributes"]["verdict"] == "bad"
    assert "CVE-2020-1938" in found["Ghostcat attributes"]["advice"]
    assert found["the same for Jakarta"]["verdict"] == "note"
    assert found["line end in a header value"]["verdict"] == "warn"
    assert found["unknown attributes"]["verdict"] == "note"


def test_what_is_no_connector_is_told():
    with impostor(lambda data: b"HTTP/1.1 400 Bad Request\r\nX: \x1b[31m\r\n\r\n", close=True) as port:
        code, found = check(port)
    assert code == 1 and list(found) == ["open", "CPing"] and found["CPing"]["verdict"] == "bad"
    assert found["CPing"]["found"] == "this speaks HTTP, not AJP" and "8009" in found["CPing"]["advice"]
    code, found = check(free_port())
    assert code == 3 and found["open"]["verdict"] == "bad" and "refused" in found["open"]["found"]


def test_a_server_that_stops_is_noticed():
    alive = [True]

    def fragile(data):
        if data[:2] != b"\x12\x34":
            alive[0] = False
        return ghost(data) if alive[0] else None
    with impostor(fragile) as port:
        assert check(port)[1]["after all this"]["verdict"] == "bad"


def test_other_hosts_are_left_alone():
    done = ajpcat("check", "192.0.2.1:8009")
    assert done.returncode == 2 and b"--i-may-test-this-host" in done.stderr and not done.stdout


def test_the_report_for_people_ends_with_a_count(node):
    done = ajpcat("check", "--no-broken", f"127.0.0.1:{node.port}")
    assert done.stdout.splitlines()[0].startswith(b"good  open ")
    assert b" good, " in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("answer, speech", [
    (lambda data: b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP"),
    (lambda data: b"<!DOCTYPE HTML><p>Bad request" if b"\n" in data else b"", "HTTP"),
    (lambda data: b"HTTP/1.0 501 No\r\n\r\n" if data.endswith(b"\r\n\r\n") else b"", "HTTP"),  # it waits for a whole head
    (lambda data: b"\x15\x03\x03\0\2\2\x0a", "TLS"),
    (lambda data: b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
])
def test_what_is_spoken_there_is_named_and_nothing_else_is_asked(answer, speech):
    asked = []
    with impostor(lambda data: asked.append(data) or answer(data)) as port:
        code, found = check(port, "-m", "500ms")
        assert code == 1 and found["CPing"]["found"] == f"this speaks {speech}, not AJP" and list(found) == ["open", "CPing"]
        assert len(asked) <= 2
        for command in (["get", "-m", "500ms", f"ajp://127.0.0.1:{port}/"], ["ping", "-c", "1", "-W", "500ms", f"127.0.0.1:{port}"]):
            done = ajpcat(*command)
            assert done.returncode != 0
            assert f"the server speaks {speech}, not AJP" in done.stderr.decode() or not (answer(GET) and answer(b"a"))


GET = b"\x12\x34\0\1\x0a"


def test_a_server_that_answers_nothing_is_asked_little():
    """All its threads are busy: sixteen lines about its silence say nothing."""
    with impostor(lambda data: b"") as port:
        code, found = check(port, "-m", "200ms")
    assert code == 1 and list(found) == ["open", "CPing", "request", "all else"]
    assert found["all else"]["verdict"] == "skip" and "busy" in found["CPing"]["advice"]


def forbidding(reuse):
    """As Tomcat does without its secret: a 403 to all that it understands, and the end."""
    refusal = reply(403)[:-1] + bytes([reuse])

    def answer(data):
        if data == GET:
            return b"AB\x00\x01\x09"
        return refusal if data[:2] == b"\x12\x34" and len(data) > 60 else None
    return answer


def test_what_a_403_cannot_tell_is_skipped():
    """Whoever has no secret gets a 403, whatever is wrong with his packet: that is no sign of harm."""
    with impostor(forbidding(0)) as port:
        code, found = check(port)
    assert code == 0 and {row["verdict"] for row in found.values()} == {"good", "skip"}
    for name in ("line end in a header value", "negative Content-Length", "two Content-Lengths", "bytes behind the request"):
        assert (found[name]["verdict"], found[name]["found"]) == ("skip", "status 403, as any request gets")
    assert found["secret"]["verdict"] == "good" and found["wrong magic"]["verdict"] == "good"


def test_a_403_on_a_connection_that_stays_is_the_web_apps():
    """No secret is wanted there, so none is told to be."""
    with impostor(forbidding(1)) as port:
        code, found = check(port)
    assert found["secret"]["verdict"] == "note" and "web app" in found["secret"]["found"]
    assert "HOST:PORT/PATH" in found["secret"]["advice"]


def test_after_all_this_needs_a_cpong_before():
    with impostor(lambda data: None if data == GET else ghost(data)) as port:
        code, found = check(port, "-m", "500ms")
    assert found["CPing"]["verdict"] == "bad" and found["after all this"]["verdict"] == "skip"
