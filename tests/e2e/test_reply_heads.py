# SPDX-License-Identifier: Apache-2.0
"""Heads of replies that are odd but usual: what the client gets of them, over HTTP and over AJP, and what
the log says."""
import subprocess

import pytest

from ajpwire import AjpClient, chunk, end, reply, request
from procs import BIN, Daemon, poll, workers
from rawhttp import HttpClient
from scripted import ScriptedWorker

BODY = b"0123456789"
SCHEME = {"ajpbridge": "http", "ajpforward": "ajp"}


class Setup:
    """A daemon before a worker that answers what the test has put into `answer`. MORE: lines of its file."""

    def __init__(self, name, folder, more=""):
        self.name, self.answer = name, b""
        self.worker = ScriptedWorker(lambda link, _: link.send(self.answer))
        (folder / "config.yaml").write_text(
            f"threads: 1\nlisten:\n  - url: {SCHEME[name]}://127.0.0.1:0\n"
            f"workers:\n  - name: w\n    url: ajp://127.0.0.1:{self.worker.port}\n{more}")
        self.daemon = Daemon(name, "--config", folder / "config.yaml", log=folder / f"{name}.log", listeners=1)

    def ask(self, answer, method="GET", times=1, headers=()):
        """The last of so many replies on one connection, which must stay in step."""
        self.answer = answer
        with HttpClient(self.daemon.port) if self.name == "ajpbridge" else AjpClient(self.daemon.port) as client:
            for _ in range(times):
                got = client.get("/p", method=method, headers="".join(f"{n}: {v}\r\n" for n, v in headers)) \
                    if self.name == "ajpbridge" else client.exchange(request(method, "/p", headers=headers))
        return got

    def stop(self):
        status = self.daemon.terminate()
        self.worker.stop()
        assert status == 0 and self.worker.faults == [], (self.daemon.output()[-2000:], self.worker.faults)


@pytest.fixture(scope="module", params=["ajpbridge", "ajpforward"])
def setup(request, tmp_path_factory):
    setup = Setup(request.param, tmp_path_factory.mktemp("heads"))
    yield setup
    setup.stop()


def told(setup, *words):
    poll(lambda: any(all(word in line for word in words) for line in setup.daemon.output().splitlines()), 5,
         what=f"a line of {words}")


def test_the_log_names_the_header_whose_value_held_a_line_end(setup):
    got = setup.ask(reply(headers=[("Content-Length", "10"), ("X-File-Name", "a\nb")]) + chunk(BODY) + end())
    assert got.complete and got.header("x-file-name") == "a b" and got.body == BODY
    told(setup, " reply_header_cleaned ", "worker=w", 'header="X-File-Name"', "path=/p")
    assert "a\nb" not in setup.daemon.output() and "a b" not in setup.daemon.output(), "values stay out of the log"


@pytest.mark.parametrize("name, value, words", [
    ("X Bad Name", "1", ('header="X\\x20Bad\\x20Name"', "a header name that HTTP does not allow")),
    ("X-B\n", "1", ('header="X-B\\x0a"', "a control byte in a header name")),
    ("", "1", ('header=""', "a header name that HTTP does not allow")),
    ("Content-Length", "ten", ('header="Content-Length"', "Content-Length is no number, or comes twice")),
], ids=["space", "line end", "empty", "length"])
def test_the_log_names_the_header_that_costs_a_reply(setup, name, value, words):
    got = setup.ask(reply(headers=[("X-Good", "a"), (name, value), ("X-After", "b")]) + chunk(BODY) + end())
    assert got.complete and got.status == 502
    told(setup, " bad_reply_header ", "worker=w", "path=/p", *words)


def test_a_health_page_may_have_odd_headers_and_many(tmp_path):
    page = reply(headers=[("X-A", "a\nb"), *[("X-B", "c")] * 150]) + chunk(BODY) + end()
    with ScriptedWorker(lambda link, _: link.send(page)) as worker:
        daemon = Daemon("ajpbridge", "--listen", "http://127.0.0.1:0", *workers({"w": worker.port}), "--threads", "1",
                        "--health-path", "/h", "--health-interval", "100ms", log=tmp_path / "log", listeners=1)
        try:
            poll(lambda: len(worker.requests) > 4, 10, what="the page was asked for")
            assert "to=down" not in daemon.output() and "to=suspect" not in daemon.output()
        finally:
            assert daemon.terminate() == 0


def lengths(got):
    return [v for n, v in got.headers if n.lower() == "content-length"]


@pytest.mark.parametrize("length", [None, "0", "10"])
@pytest.mark.parametrize("body", [b"", BODY], ids=["no body", "body"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_205_has_no_content(setup, length, body, method):
    headers = [("X-A", "b")] + ([("Content-Length", length)] if length else [])
    got = setup.ask(reply(205, headers) + (chunk(body) if body else b"") + end(), method, times=2)
    assert got.complete and got.status == 205 and not got.body and got.header("x-a") == "b"
    assert lengths(got) == ["0"] or setup.name == "ajpforward" and length is None and lengths(got) == []
    assert got.header("transfer-encoding") is None
    assert setup.ask(reply(200, [("Content-Length", "10")]) + chunk(BODY) + end()).body == BODY


@pytest.mark.parametrize("length, kept", [(None, []), ("0", []), ("10", ["10"])])
def test_304_says_nothing_of_a_length_that_is_none(setup, length, kept):
    headers = [("ETag", '"e"')] + ([("Content-Length", length)] if length else []) + [("X-A", "b")]
    got = setup.ask(reply(304, headers) + end(), times=2)
    assert got.complete and got.status == 304 and lengths(got) == kept
    assert got.header("etag") == '"e"' and got.header("x-a") == "b"


@pytest.mark.parametrize("status", [600, 666, 999])
def test_a_status_that_has_no_class_passes(setup, status):
    got = setup.ask(reply(status, [("Content-Length", "10")]) + chunk(BODY) + end(), times=2)
    assert got.complete and got.status == status and got.body == BODY


@pytest.mark.parametrize("status", [101, 1000])
def test_a_status_that_cannot_be_does_not(setup, status):
    got = setup.ask(reply(status, []) + end())
    assert got.complete and got.status == 502
    if status == 101:
        told(setup, " request_failed ", "AJP cannot carry an upgrade")


def test_a_refused_head_has_no_body(setup):
    """Of the worker's fault, and over AJP also of the web server's."""
    got = setup.ask(reply(101, []) + end(), "HEAD")
    assert got.complete and got.status == 502 and not got.body and lengths(got) == ["16"]
    if setup.name == "ajpforward":
        for packet in request("HEAD", "p"), request("HEAD", "/p", headers=[(0xA0FF, "x")]):
            with AjpClient(setup.daemon.port) as client:
                got = client.exchange(packet)
            assert got.complete and got.status == 400 and [kind for kind, _ in got.kinds] == [4, 5], got.kinds


@pytest.fixture(scope="module", params=["ajpbridge", "ajpforward"])
def roomy(request, tmp_path_factory):
    setup = Setup(request.param, tmp_path_factory.mktemp("roomy"),
                  "packet_size: 65536\nlimits:\n  header_count: 5000\n")
    yield setup
    setup.stop()


@pytest.mark.parametrize("name, value", [("X-A", "b"), ("Set-Cookie", "a=b"), ("WWW-Authenticate", "")])
@pytest.mark.parametrize("count", [101, 129, 1000, 3500])
def test_a_reply_may_have_any_number_of_headers(roomy, count, name, value):
    headers = [(name, value + str(i) if value else "") for i in range(count)]
    got = roomy.ask(reply(headers=[("Content-Length", "10"), *headers]) + chunk(BODY) + end(), times=2)
    assert got.complete and got.body == BODY
    assert [(n, v) for n, v in got.headers if n == name] == headers


def test_a_packet_that_is_full_of_headers_passes(roomy):
    """As text it is twice as long."""
    got = roomy.ask(reply(headers=[("WWW-Authenticate", "")] * 13000) + end(), times=2)
    assert got.complete and sum(n == "WWW-Authenticate" for n, _ in got.headers) == 13000


@pytest.mark.parametrize("count", [101, 129, 1000, 3500])
def test_a_request_may_have_as_many_headers_as_the_settings_say(roomy, count):
    headers = [(f"x-{i}", str(i)) for i in range(count)]
    roomy.ask(reply(headers=[("Content-Length", "10")]) + chunk(BODY) + end(), headers=headers)
    assert [(n, v) for n, v in roomy.worker.requests[-1].headers if n != "x-id" and n.startswith("x-")] == headers


def test_more_headers_than_the_settings_say_are_refused(roomy):
    before = len(roomy.worker.requests)
    got = roomy.ask(b"", headers=[("x", "y")] * 5001)
    assert got.status == (431 if roomy.name == "ajpbridge" else 400) and len(roomy.worker.requests) == before
    told(roomy, "limits.header_count")


def test_the_log_tells_how_many_headers_a_reply_had(tmp_path):
    setup = Setup("ajpbridge", tmp_path, "limits:\n  reply_header_count: 120\n")
    page = [("Content-Length", "10"), *[("X-A", "b")] * 119]
    assert setup.ask(reply(headers=page) + chunk(BODY) + end()).status == 200
    assert setup.ask(reply(headers=[*page, ("X-A", "b")]) + chunk(BODY) + end()).status == 502
    told(setup, " bad_reply_header ", "count=121", "limit=120", "limits.reply_header_count")
    setup.stop()


def test_ajpcat_shows_a_reply_of_many_headers(tmp_path):
    page = reply(headers=[("Content-Length", "10"), *[("X-A", "b")] * 300]) + chunk(BODY) + end()
    with ScriptedWorker(lambda link, _: link.send(page)) as worker:
        said = subprocess.run([BIN / "ajpcat", "get", "-i", f"ajp://127.0.0.1:{worker.port}/"], capture_output=True,
                              text=True, timeout=20)
    assert said.returncode == 0 and said.stdout.lower().count("x-a: b") == 300, said
