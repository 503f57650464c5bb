# SPDX-License-Identifier: Apache-2.0
"""The settings of `http`: what clients may say beyond the strict default, and what the log says of the rest."""
import subprocess

import pytest

from ajpwire import AjpClient, request
from procs import BIN, Daemon, poll
from rawhttp import HttpClient
from scripted import ScriptedWorker

SCHEME = {"ajpbridge": "http", "ajpforward": "ajp"}
HEAD = "Host: h\r\nX-Id: 1\r\n"


class Setup:
    """A daemon before two workers, a and b. HTTP: lines of the file's `http`."""

    def __init__(self, folder, http=(), name="ajpbridge", routes=""):
        self.name = name
        self.workers = {n: ScriptedWorker() for n in "ab"}
        lines = "".join(f"  {line}\n" for line in http)
        (folder / "config.yaml").write_text(
            f"threads: 1\nlisten:\n  - url: {SCHEME[name]}://127.0.0.1:0\nworkers:\n" +
            "".join(f"  - name: {n}\n    url: ajp://127.0.0.1:{w.port}\n" for n, w in self.workers.items()) +
            routes + (f"http:\n{lines}" if lines else ""))
        self.daemon = Daemon(name, "--config", folder / "config.yaml", log=folder / "log", listeners=1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        status = self.daemon.terminate()
        for worker in self.workers.values():
            worker.stop()
        assert status == 0, self.daemon.output()[-2000:]

    def say(self, text):
        """Status of the answer to these bytes, and the request that a worker saw."""
        before = self.seen()
        with HttpClient(self.daemon.port) as client:
            got = client.exchange(text.encode("latin-1"))
        assert got.complete
        return got.status, (self.seen() or [None])[-1] if len(self.seen()) > len(before) else None

    def seen(self):
        return [r for w in self.workers.values() for r in w.requests]

    def ask(self, path):
        """Status, and the name of the worker that was asked."""
        before = {n: len(w.requests) for n, w in self.workers.items()}
        if self.name == "ajpbridge":
            status, _ = self.say(f"GET {path} HTTP/1.1\r\n{HEAD}\r\n")
        else:
            with AjpClient(self.daemon.port) as client:
                status = client.exchange(request("GET", path, headers=[("x-id", "1")])).status
        asked = [n for n, w in self.workers.items() if len(w.requests) > before[n]]
        return status, asked[0] if asked else None

    def told(self, *words):
        """Waits for a line with all of these: the log is written behind the answer."""
        return poll(lambda: self.lines(*words), 5, f"a line of {words}")

    def lines(self, *words):
        return [line for line in self.daemon.output().splitlines() if all(word in line for word in words)]


def get(line="GET /p HTTP/1.1", fields=""):
    return f"{line}\r\n{HEAD}{fields}\r\n"


@pytest.mark.parametrize("target", ["/a%2Fb", "/a%2fb", "/a%5Cb"])
def test_an_encoded_slash_is_refused_or_passes(tmp_path, target):
    with Setup(tmp_path) as setup:
        assert setup.say(get(f"GET {target} HTTP/1.1")) == (400, None)
        assert setup.told(" bad_request ", "encoded slash", "http.encoded_slash")
    with Setup(tmp_path, ["encoded_slash: pass"]) as setup:
        status, seen = setup.say(get(f"GET {target}?q HTTP/1.1"))
        assert status == 200 and seen.uri == target
        assert setup.say(get("GET /a%2f..%2f..%2fWEB-INF HTTP/1.1")) == (400, None)


ROUTES = """routes:
  - paths: ["/app/*"]
    workers: [a]
  - paths: ["/*", "!/secret/*"]
    workers: [b]
"""


@pytest.mark.parametrize("name", ["ajpbridge", "ajpforward"])
def test_routes_are_safe_from_encoded_slashes(tmp_path, name):
    """An app server may decode them or not: whoever could get elsewhere by it is refused."""
    with Setup(tmp_path, routes=ROUTES, name=name) as setup:
        assert setup.ask("/app/x%2fy") == (400, None)
        assert setup.told(" bad_request ", "http.encoded_slash", "client=")
    with Setup(tmp_path, ["encoded_slash: pass"], routes=ROUTES, name=name) as setup:
        assert setup.ask("/app/x%2fy") == (200, "a")
        assert setup.ask("/x%2Fy") == (200, "b")
        assert setup.ask("/app/x%2f..%2fy") == (200, "a")
        assert setup.ask("/app%20x%2fy") == (200, "b")
        for path in ("/app%2fx", "/app/x%2f..%2f..%2fy", "/x%2f..%2fapp/y", "/secret%2fx", "/x%2f..%2fsecret/y",
                     "/secret/%2e%2e%2fy", "/%2f..%2fx", "/x%5c..%5csecret/y"):
            assert setup.ask(path) == (400, None), path
        assert setup.ask("/secret/x%2fy") == (404, None)
        assert setup.ask("/app/x%252fy") == (200, "a")


def test_headers_with_an_underscore(tmp_path):
    with Setup(tmp_path) as setup:
        for _ in range(3):
            status, seen = setup.say(get(fields="X_Forwarded_For: 6.6.6.6\r\nX-A: b\r\n"))
            assert status == 200 and seen.header("x_forwarded_for") is None and seen.header("x-a") == "b"
        setup.told(" header_dropped ", 'header="X_Forwarded_For"', "http.underscores", "client=127.0.0.1")
    assert len(setup.lines(" header_dropped ")) == 1, "one line in ten seconds"
    assert "6.6.6.6" not in setup.daemon.output(), "values stay out of the log"
    with Setup(tmp_path, ["underscores: pass"]) as setup:
        status, seen = setup.say(get(fields="X_Forwarded_For: 6.6.6.6\r\n"))
        assert status == 200 and seen.header("X_Forwarded_For") == "6.6.6.6"
        status, seen = setup.say(get(fields="SSL_CLIENT_CERT: x\r\n"))
        assert status == 200 and seen.header("SSL_CLIENT_CERT") is None, "what only we may state stays out"
        assert setup.told(" header_dropped ", 'header="SSL_CLIENT_CERT"', "facts of TLS")
    with Setup(tmp_path, ["underscores: reject"]) as setup:
        assert setup.say(get(fields="X_Forwarded_For: 6.6.6.6\r\n")) == (400, None)
        assert setup.told(" bad_request ", "http.underscores")


def test_bytes_beyond_ascii_in_a_target(tmp_path):
    line = "GET /\xc3\xa4?q=\xe4 HTTP/1.1"
    with Setup(tmp_path) as setup:
        assert setup.say(get(line)) == (400, None)
        assert setup.told(" bad_request ", "http.non_ascii")
    with Setup(tmp_path, ["non_ascii: pass"]) as setup:
        status, seen = setup.say(get(line))
        assert status == 200 and (seen.uri, seen.attribute(5)) == ("/\xc3\xa4", "q=\xe4")


@pytest.mark.parametrize("name", ["ajpbridge", "ajpforward"])
def test_routes_have_paths_beyond_ascii(tmp_path, name):
    with Setup(tmp_path, ["non_ascii: pass"], routes=ROUTES, name=name) as setup:
        assert setup.ask("/app/\xc3\xa4") == (200, "a")
        assert setup.ask("/\xc3\xa4/../secret/x") == (404, None)


def test_bare_line_ends(tmp_path):
    text = get(fields="X-A: b\r\n").replace("\r\n", "\n")
    with Setup(tmp_path) as setup:
        assert setup.say(text) == (400, None)
    with Setup(tmp_path, ["bare_lf: pass"]) as setup:
        status, seen = setup.say(text)
        assert status == 200 and seen.header("x-a") == "b"
        assert setup.say(get(fields="X-A: b\rc\r\n")) == (400, None), "a bare CR is none"
        chunked = text.replace("GET", "POST").replace("X-A: b", "Transfer-Encoding: chunked")
        assert setup.say(chunked + "5\nhello\n0\n\n")[0] == 400, "nor are those of chunks"
        assert setup.say(chunked + "5\r\nhello\r\n0\r\n\r\n")[0] == 200


def test_the_target_decides_over_host(tmp_path):
    line = "GET http://other:81/p HTTP/1.1"
    with Setup(tmp_path) as setup:
        status, seen = setup.say(get(line))
        assert status == 200 and (seen.header("host"), seen.server, seen.port) == ("other:81", "other", 81)
    with Setup(tmp_path, ["host_mismatch: reject"]) as setup:
        assert setup.say(get(line)) == (400, None)
        assert setup.told(" bad_request ", "http.host_mismatch")
        assert setup.say(get("GET http://H/p HTTP/1.1"))[0] == 200


def test_an_upgrade_is_told_once(tmp_path):
    with Setup(tmp_path) as setup:
        for path in ("/chat", "/other"):
            status, seen = setup.say(get(f"GET {path} HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n"))
            assert status == 200 and seen.header("upgrade") is None
        setup.told(" upgrade_ignored ", 'upgrade="websocket"', "path=/chat", "AJP cannot carry it")
    assert len(setup.lines(" upgrade_ignored ")) == 1


def test_the_dump_and_the_check_know_them(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("http:\n  underscores: reject\n  bare_lf: pass\nlisten:\n  - url: http://127.0.0.1:0\n"
                    "workers:\n  - name: a\n    url: ajp://127.0.0.1:8009\n")
    said = subprocess.run([BIN / "ajpbridge", "--config", file, "--dump"], capture_output=True, text=True, timeout=20)
    assert ("http:\n  encoded_slash: reject\n  underscores: reject\n  non_ascii: reject\n  bare_lf: pass\n"
            "  host_mismatch: pass\n") in said.stdout, said
    file.write_text(file.read_text().replace("bare_lf: pass", "bare_lf: yes"))
    said = subprocess.run([BIN / "ajpbridge", "--config", file, "--check"], capture_output=True, text=True, timeout=20)
    assert said.returncode != 0 and "http.bare_lf" in said.stderr and "config.yaml:3" in said.stderr, said
