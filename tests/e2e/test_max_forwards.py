# SPDX-License-Identifier: Apache-2.0
"""Max-Forwards of TRACE and OPTIONS: counted down by either daemon, and answered by the one that has it at 0."""
import pytest

from ajpwire import AjpClient, attribute, request
from procs import Daemon, workers
from rawhttp import HttpClient
from scripted import ScriptedWorker, identity

SCHEME = {"ajpbridge": "http", "ajpforward": "ajp"}
HIDDEN = [("Authorization", "Basic c2VjcmV0"), ("Cookie", "a=c2VjcmV0"), ("Proxy-Authorization", "c2VjcmV0"),
          ("X-Api-Key", "c2VjcmV0"), ("X-CSRF-Token", "c2VjcmV0")]


class Setup:
    def __init__(self, name, folder):
        self.name, self.worker = name, ScriptedWorker()
        self.daemon = Daemon(name, "--listen", f"{SCHEME[name]}://127.0.0.1:0", *workers({"w": self.worker.port}),
                             "--threads", "1", log=folder / "log", listeners=1)
        self.client = HttpClient(self.daemon.port) if name == "ajpbridge" else AjpClient(self.daemon.port)

    def ask(self, method, value, path="/p", more=()):
        """Over one connection, which must stay in step. Answer, and what the worker saw."""
        before = len(self.worker.requests)
        headers = [("host", "h"), ("x-id", "7"), ("max-forwards", value), *more]
        if self.name == "ajpbridge":
            lines = "".join(f"{n}: {v}\r\n" for n, v in headers)
            got = self.client.exchange(f"{method} {path}?q=1 HTTP/1.1\r\n{lines}\r\n".encode())
        else:
            got = self.client.exchange(request(method, path, headers=headers, attributes=attribute(5, "q=1")))
        assert got.complete
        return got, self.worker.requests[before:]


@pytest.fixture(scope="module", params=["ajpbridge", "ajpforward"])
def setup(request, tmp_path_factory):
    setup = Setup(request.param, tmp_path_factory.mktemp("forwards"))
    yield setup
    setup.client.close()
    status = setup.daemon.terminate()
    setup.worker.stop()
    assert status == 0 and setup.worker.faults == [], (setup.daemon.output()[-2000:], setup.worker.faults)


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS"])
@pytest.mark.parametrize("value", ["1", "2", "10", "100", "007", "99999999999999999999"])
def test_it_is_counted_down(setup, method, value):
    got, seen = setup.ask(method, value)
    assert got.status == 200 and bytes(got.body) == identity(7)
    assert int(seen[0].header("max-forwards")) == int(value) - 1


@pytest.mark.parametrize("value", ["0", "000"])
@pytest.mark.parametrize("size", [0, 7000])
def test_trace_at_0_is_echoed(setup, value, size):
    more = [("X-A", "b" * size), *HIDDEN, ("X-Last", "c")]
    got, seen = setup.ask("TRACE", value, more=more)
    assert got.status == 200 and seen == [] and got.header("content-type") == "message/http"
    lines = bytes(got.body).decode().split("\r\n")
    assert lines[0] == "TRACE /p?q=1 HTTP/1.1" and lines[-2:] == ["", ""]
    assert [line.lower() for line in lines[1:-2]] == \
        ["host: h", "x-id: 7", f"max-forwards: {value}", f"x-a: {'b' * size}", "x-last: c"]


def test_a_long_head_is_echoed_whole(setup):
    size = 15000 if setup.name == "ajpbridge" else 1500
    more = [(f"X-{i}", str(i) * size) for i in range(4)]
    for _ in range(2):
        got, _ = setup.ask("TRACE", "0", more=more)
        assert all(f"X-{i}: {str(i) * size}\r\n".encode() in got.body for i in range(4)), len(got.body)


def test_options_at_0_says_what_may_be_asked(setup):
    got, seen = setup.ask("OPTIONS", "0")
    assert got.status == 200 and seen == [] and not got.body and got.header("content-length") == "0"
    assert {"GET", "HEAD", "POST", "OPTIONS", "TRACE"} <= set(got.header("allow").split(", "))


@pytest.mark.parametrize("method, value", [("GET", "0"), ("POST", "0"), ("TRACE", "x"), ("OPTIONS", "-1"), ("TRACE", ""),
                                           ("OPTIONS", "1x"), ("PROPFIND", "0")])
def test_anything_else_goes_on_as_it_came(setup, method, value):
    got, seen = setup.ask(method, value, more=[("content-length", "0")])
    assert got.status == 200 and seen[0].header("max-forwards") == value


def test_a_hop_after_the_other(setup, tmp_path):
    """Two forwarders or bridge and forwarder: each counts one down."""
    first = Daemon("ajpforward", "--listen", "ajp://127.0.0.1:0", *workers({"w": setup.worker.port}), "--threads", "1",
                   log=tmp_path / "first", listeners=1)
    second = Daemon(setup.name, "--listen", f"{SCHEME[setup.name]}://127.0.0.1:0", *workers({"f": first.port}),
                    "--threads", "1", log=tmp_path / "second", listeners=1)
    try:
        before, setup.client = setup.client, \
            HttpClient(second.port) if setup.name == "ajpbridge" else AjpClient(second.port)
        assert setup.ask("TRACE", "2")[1][0].header("max-forwards") == "0"
        got, seen = setup.ask("TRACE", "1")
        assert seen == [] and got.header("content-type") == "message/http" and b"ax-forwards: 0" in bytes(got.body)
        setup.client.close()
        setup.client = before
    finally:
        assert second.terminate() == 0 and first.terminate() == 0
