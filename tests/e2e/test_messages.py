# SPDX-License-Identifier: Apache-2.0
"""What the log says of what was refused: which part of it, where, by which limit, and what to do."""
import json
import re
import subprocess

import pytest

from ajpwire import AjpClient, attribute, end, named, reply, request, to_container, to_server, whole_reply
from procs import BIN, Daemon, free_port, poll
from rawhttp import HttpClient
from scripted import ScriptedWorker

SECRET = 0x0C


@pytest.fixture
def start(tmp_path):
    made = []

    def go(name, worker, *args, more=""):
        scheme = "http" if name == "ajpbridge" else "ajp"
        file = tmp_path / f"{name}.yaml"
        file.write_text(f"admin: unix:{tmp_path}/admin.sock\nlisten:\n  - url: {scheme}://127.0.0.1:0\n{more}"
                        f"workers:\n  - {{name: nodeA, url: 'ajp://127.0.0.1:{worker}'}}\n")
        made.append(Daemon(name, "--config", file, *args, listeners=1, log=tmp_path / f"{name}.log"))
        return made[-1]
    yield go
    for daemon in made:
        assert daemon.terminate() == 0, daemon.output()


@pytest.fixture
def worker():
    with ScriptedWorker() as made:
        yield made


def said(daemon, event, count=1):
    """The lines of an event, as soon as there are so many."""
    def lines():
        found = [line for line in daemon.output().splitlines() if f" {event} " in line]
        return found if len(found) >= count else None
    return poll(lines, 5, f"{event} is told")


def metric(tmp_path, name, label):
    done = subprocess.run([BIN / "ajpforward", "ctl", f"unix:{tmp_path}/admin.sock", "metrics"], capture_output=True,
                          text=True, check=True)
    return int(re.search(rf'^{name}{{{label}}} (\d+)$', done.stdout, re.M)[1])


def ask(port, *attributes, uri="/shop"):
    with AjpClient(port) as client:
        return client.exchange(request(uri=uri, attributes=b"".join(attributes))).status


def test_a_refused_attribute_is_named_with_the_setting_that_lets_it_through(start, worker, tmp_path):
    daemon = start("ajpforward", worker.port)
    assert ask(daemon.port, named("SHIB_MAIL", "a@b")) == 403
    line = said(daemon, "request_refused")[0]
    for part in ('attribute="SHIB_MAIL"', "path=/shop", f"listener=127.0.0.1:{daemon.port}", "attributes", "attribute_reaction: drop"):
        assert part in line, line
    assert metric(tmp_path, "ajp_requests_refused_total", 'reason="attribute"') == 1


def test_a_wrong_or_missing_secret_is_told_and_counted(start, worker, tmp_path):
    (tmp_path / "secret").write_text("right\n")
    daemon = start("ajpforward", worker.port, more=f"    secret_file: {tmp_path}/secret\n")
    assert ask(daemon.port) == 403 and ask(daemon.port, attribute(SECRET, "wrong")) == 403
    assert ask(daemon.port, attribute(SECRET, "right")) == 200
    lines = said(daemon, "request_refused", 2)
    assert "the secret is missing" in lines[0] and "the secret is wrong" in lines[1]
    assert all("worker.NAME.secret" in line and f"listener=127.0.0.1:{daemon.port}" in line for line in lines)
    assert "right" not in "".join(lines).replace("rightly", "")
    assert metric(tmp_path, "ajp_requests_refused_total", 'reason="secret"') == 2


def test_guesses_of_a_secret_do_not_flood_the_log(start, worker, tmp_path):
    (tmp_path / "secret").write_text("right\n")
    daemon = start("ajpforward", worker.port, "--threads", "1", more=f"    secret_file: {tmp_path}/secret\n")
    for _ in range(200):
        assert ask(daemon.port, attribute(SECRET, "wrong")) == 403
    assert metric(tmp_path, "ajp_requests_refused_total", 'reason="secret"') == 200
    assert daemon.output().count("request_refused peer=") < 120


@pytest.mark.parametrize("label, packet, words", [
    ("longer than the limit", b"\x12\x34\x40\x00" + b"\x02" * 100, ["16388 bytes", "packet_size, 8192"]),
    ("HTTP", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", ["it speaks HTTP"]),
    ("TLS", b"\x16\x03\x01\x00\x20" + b"x" * 40, ["it speaks TLS"]),
    ("another one's turn", b"\x12\x34\x00\x04\x00\x02ab", ["not its turn", "8 bytes"]),
    ("cut", to_container(b"\x02\x02\x00\xffHTTP"), ["FORWARD_REQUEST", "ends inside a field"]),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_bad_packet_of_a_web_server(start, worker, label, packet, words):
    daemon = start("ajpforward", worker.port)
    with AjpClient(daemon.port) as client:
        client.send(packet)
        line = said(daemon, "bad_packet")[0]
    assert all(word in line for word in words) and f"listener=127.0.0.1:{daemon.port}" in line, line


@pytest.mark.parametrize("label, answer, words", [
    ("longer than the limit", b"AB\x40\x00" + b"\x04" * 100, ["16388 bytes", "packet_size, 8192"]),
    ("HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n", ["it speaks HTTP", "AJP connector"]),
    ("another one's turn", to_server(b"\x03\x00\x01a\x00"), ["SEND_BODY_CHUNK", "not its turn"]),
    ("a name with a space", reply(headers=[("Bad Name", "x")]) + end(), ['header="Bad\\x20Name"', "does not allow"]),
], ids=lambda value: value if isinstance(value, str) else "")
@pytest.mark.parametrize("name", ["ajpbridge", "ajpforward"])
def test_a_bad_packet_of_a_worker(start, name, label, answer, words):
    def answers(link, _):
        link.send(answer)
    with ScriptedWorker(answers) as worker:
        daemon = start(name, worker.port)
        if name == "ajpbridge":
            with HttpClient(daemon.port) as client:
                assert client.get("/").status == 502
        else:
            assert ask(daemon.port) == 502
        text = " ".join(poll(lambda: re.findall(r"bad_(?:packet|reply_header) .*", daemon.output()), 5, "it is told"))
    assert all(word in text for word in words) and "worker=nodeA" in text, text


@pytest.mark.parametrize("name", ["ajpbridge", "ajpforward"])
def test_no_usable_worker_says_why_of_each(start, name):
    daemon = start(name, free_port())

    def status():
        if name == "ajpforward":
            return ask(daemon.port)
        with HttpClient(daemon.port) as client:
            return client.get("/shop").status

    for _ in range(5):
        assert status() == 503
    line = said(daemon, "no_usable_worker")[0]
    assert "path=/shop" in line and re.search(r'workers="nodeA: (tried, )?(up|suspect|down) for .*"', line), line
    why = r'no_usable_worker .* workers="nodeA: tried, down for \d+ s, Connection refused"'
    poll(lambda: status() == 503 and re.search(why, daemon.output()), 10, "it says what the matter is")


@pytest.mark.parametrize("name", ["ajpbridge", "ajpforward"])
def test_a_session_cookie_that_nobody_looks_for_is_told_once(start, name):
    def answers(link, _):
        link.send(whole_reply(b"x", headers=[("Set-Cookie", "SHOPID=ABCDEF.nodeA; Path=/"), ("Set-Cookie", "v=1.2")]))
    with ScriptedWorker(answers) as worker:
        daemon = start(name, worker.port, "--threads", "2")
        for _ in range(4):
            if name == "ajpbridge":
                with HttpClient(daemon.port) as client:
                    assert client.get("/").status == 200
            else:
                assert ask(daemon.port) == 200
        lines = said(daemon, "unknown_session_cookie")
    assert len(lines) == 1 and 'cookie="SHOPID"' in lines[0] and "session.more_cookies" in lines[0]


def test_numbers_of_the_event_log_are_numbers_in_json(start, worker):
    daemon = start("ajpforward", worker.port, "--log-format", "json")
    assert ask(daemon.port, named("SHIB_MAIL", "7")) == 403
    poll(lambda: "request_refused" in daemon.output(), 5, "it is told")
    events = [json.loads(line) for line in daemon.output().splitlines()]
    begun = next(e for e in events if e["event"] == "started")
    assert all(isinstance(begun[key], int) for key in ("pid", "threads", "listeners", "workers")), begun
    refused = next(e for e in events if e["event"] == "request_refused")
    assert isinstance(refused["path"], str)
