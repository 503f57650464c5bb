# SPDX-License-Identifier: Apache-2.0
"""Requests with several Content-Lengths (row 63): refused, but in the transparent profile, where the worker sees
their heads and nothing behind, so that no body can pass for a request."""
import pytest

from ajpwire import AjpClient, data, end, get_body, packet, request, whole_reply
from scripted import identity

LENGTHS = [(0xA008, "514"), ("content-length", "9")]
SMUGGLED = request("GET", "/smuggled", headers=[("x-id", "smuggled")])
BODY = SMUGGLED[4:].ljust(514, b"\0")  # behind the packet's head comes 02 02: a GET to who awaits no body


@pytest.fixture(scope="module", params=["default", "transparent"])
def stage(request, guarded, scripted):
    class Stage:
        profile, worker, after = request.param, scripted(lambda link, rq: Stage.play(link, rq)), []

        @staticmethod
        def play(link, rq):
            if rq.uri != "/two":
                Stage.worker.good(link, rq)
                return
            Stage.seen.append(rq)
            link.send(Stage.script)
            Stage.after.append(packet(link.sock, b"\x12\x34"))  # the daemon closes
            link.open = False
        seen, script = [], b""
        daemon = guarded("ajpforward", {}, config=f"listen:\n  - url: ajp://127.0.0.1:0\n    profile: {profile}\n"
                         f"workers:\n  - name: w\n    url: ajp://127.0.0.1:{worker.port}\n")
    return Stage


@pytest.mark.parametrize("script, status", [
    (whole_reply(b"no", 400), 400), (whole_reply(b"no", 400)[:-1] + b"\0", 400), (whole_reply(b"fine"), 200),
    (get_body(), 400), (get_body() + whole_reply(b"fine"), 400)], ids=["400", "400 and reuse 0", "200", "body asked for", "both"])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_nothing_goes_behind_the_head(stage, number, script, status, method):
    stage.script, mine = script, number()
    stage.seen.clear(), stage.after.clear()
    with AjpClient(stage.daemon.port) as client:
        got = client.exchange(request(method, "/two", headers=[*LENGTHS, ("x-id", str(mine))]) + data(BODY) + SMUGGLED)
        assert (got.complete, got.reuse) == (True, 0) and client.closed()
    if stage.profile == "default":
        assert got.status == 400 and stage.seen == []
    else:
        assert got.status == status and stage.worker.executed[str(mine)] == 1
        assert [value for name, value in stage.seen[0].headers if name.lower() == "content-length"] == ["514", "9"]
        with AjpClient(stage.daemon.port) as client:
            mine = number()
            got = client.exchange(request("GET", "/good", headers=[(0xA008, "0"), ("x-id", str(mine))]))
            assert got.body == identity(mine)
        assert stage.after == [None], "the worker's connection ends with that reply, and nothing more comes on it"
    assert stage.worker.executed["smuggled"] == 0 and stage.worker.faults == []
    assert "to=suspect" not in stage.daemon.output()


def test_no_worker_no_reuse(guarded, number):
    from procs import free_port
    daemon = guarded("ajpforward", {}, config="listen:\n  - url: ajp://127.0.0.1:0\n    profile: transparent\n"
                     f"workers:\n  - name: w\n    url: ajp://127.0.0.1:{free_port()}\n")
    with AjpClient(daemon.port) as client:
        got = client.exchange(request("POST", "/two", headers=[*LENGTHS, ("x-id", str(number()))]) + data(BODY))
        assert (got.status, got.reuse) == (503, 0) and client.closed()
