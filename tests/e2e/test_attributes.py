# SPDX-License-Identifier: Apache-2.0
"""Attribute policies of listeners and workers, on the wire: allow, deny, rename, add; before and after a reload."""
import subprocess

import pytest

from ajpwire import AjpClient, attribute, named, request, to_container
from procs import BIN, Daemon
from scripted import ScriptedWorker
from web import Client

LISTENER = """    attributes: [MY_*]
    deny_attributes: [MY_PRIVATE, CERT_SUBJECT]
    rename_attributes: [HTTP_USER=SSO_USER]
    add_attributes: [ZONE=dmz, 'MOTTO=a = "b"']
"""
WORKER = """    attributes: [SSO_USER, ZONE]
    deny_attributes: [AJP_LOCAL_ADDR]
    rename_attributes: [MY_A=THEIR_A]
    add_attributes: [NODE=one]
"""


@pytest.fixture
def worker():
    with ScriptedWorker() as made:
        yield made


@pytest.fixture
def daemon(tmp_path, worker):
    made = []

    def start(name, listener="", policy="", more=""):
        file = tmp_path / "config.yaml"
        scheme = "http" if name == "ajpbridge" else "ajp"

        def write(listener, policy):
            file.write_text(f"admin: unix:{tmp_path}/admin.sock\nlisten:\n  - url: {scheme}://127.0.0.1:0\n{listener}"
                            f"workers:\n  - name: a\n    url: ajp://127.0.0.1:{worker.port}\n{policy}{more}")
        write(listener, policy)
        made.append(Daemon(name, "--config", file, listeners=1, log=tmp_path / f"{name}.log"))

        def reload(listener, policy):
            write(listener, policy)
            done = subprocess.run([BIN / name, "ctl", f"unix:{tmp_path}/admin.sock", "reload"], capture_output=True)
            assert done.returncode == 0, done.stderr
        made[0].reload = reload
        return made[0]
    yield start
    for each in made:
        assert each.terminate() == 0, each.output()


def sent(daemon, worker, *attributes, slack=b""):
    """What arrives of these attributes: named ones as a list in their order, or the status that refused them."""
    packet = request(attributes=b"".join(attributes), headers=[("x-id", "1")])
    with AjpClient(daemon.port) as client:
        reply = client.exchange(to_container(packet[4:] + slack))
    if reply.status != 200:
        return reply.status
    return [(name, value) for name, value in worker.requests[-1].attributes if isinstance(name, str)]


ROWS = [
    ("AJP_LOCAL_ADDR", "x", [("AJP_LOCAL_ADDR", "x")], []),
    ("AJP_REMOTE_PORT", "1234", [("AJP_REMOTE_PORT", "1234")], [("AJP_REMOTE_PORT", "1234")]),
    ("MY_A", "x", [("MY_A", "x")], [("THEIR_A", "x")]),
    ("MY_B", "x", [("MY_B", "x")], []),
    ("MY_PRIVATE", "x", 403, 403),
    ("CERT_SUBJECT", "x", 403, 403),
    ("HTTP_USER", "x" * 5000, [("SSO_USER", "x" * 5000)], [("SSO_USER", "x" * 5000)]),
    ("SSO_USER", "x", 403, 403),
    ("ZONE", "x", 403, 403),
    ("OTHER", "x", 403, 403),
    ("javax.servlet.include.request_uri", "/", 403, 403),
]


@pytest.mark.parametrize("slack", [b"", b"\0\0\xff"], ids=["canonical", "slack"])
def test_the_forwarder_edits_attributes(daemon, worker, slack):
    forward = daemon("ajpforward", LISTENER)
    added = [("ZONE", "dmz"), ("MOTTO", 'a = "b"')]
    for name, value, want, _ in ROWS:
        want = want if want == 403 else want + added
        assert sent(forward, worker, named(name, value), slack=slack) == want, name
    forward.reload(LISTENER, WORKER)
    for name, value, _, want in ROWS:
        want = want if want == 403 else want + [("ZONE", "dmz"), ("NODE", "one")]
        assert sent(forward, worker, named(name, value), slack=slack) == want, name
    forward.reload("", "")
    assert sent(forward, worker, named("AJP_LOCAL_ADDR", "x")) == [("AJP_LOCAL_ADDR", "x")]
    assert sent(forward, worker, named("MY_A", "x")) == 403
    assert worker.faults == []


def test_what_an_attribute_is_renamed_to_comes_from_there_alone(daemon, worker):
    forward = daemon("ajpforward", LISTENER + "    attribute_reaction: drop\n")
    got = sent(forward, worker, named("SSO_USER", "forged"), named("HTTP_USER", "real"), named("ZONE", "forged"))
    assert got == [("SSO_USER", "real"), ("ZONE", "dmz"), ("MOTTO", 'a = "b"')]
    assert sent(forward, worker, named("SSO_USER", "forged")) == [("ZONE", "dmz"), ("MOTTO", 'a = "b"')]


def test_coded_attributes_and_the_order_of_the_rest_stay(daemon, worker):
    forward = daemon("ajpforward", "", "    add_attributes: [NODE=one]\n")
    sent(forward, worker, attribute(3, "user"), named("AJP_REMOTE_PORT", "1"), attribute(5, "q=1"))
    assert worker.requests[-1].attributes == [(3, "user"), ("AJP_REMOTE_PORT", "1"), (5, "q=1"), ("NODE", "one")]


def test_one_worker_is_not_the_other(daemon, worker, tmp_path):
    with ScriptedWorker() as other:
        forward = daemon("ajpforward", "    attributes: [X]\n", "    deny_attributes: [X]\n",
                         f"  - name: b\n    url: ajp://127.0.0.1:{other.port}\n    rename_attributes: [X=Y]\n")
        for route, at, want in (("a", worker, []), ("b", other, [("Y", "1")])):
            with AjpClient(forward.port) as client:
                reply = client.exchange(request(uri=f"/;jsessionid=1.{route}", attributes=named("X", "1"),
                                                headers=[("x-id", "1")]))
            assert reply.status == 200
            assert [a for a in at.requests[-1].attributes if isinstance(a[0], str)] == want


def test_an_edited_head_that_is_too_large_is_431(daemon, worker):
    forward = daemon("ajpforward", "", f"    add_attributes: [LONG={'y' * 3000}]\n")
    assert sent(forward, worker, named("AJP_LOCAL_ADDR", "x" * 4000)) != 431
    assert sent(forward, worker, named("AJP_LOCAL_ADDR", "x" * 5500)) == 431


def test_the_bridge_edits_what_it_says_itself(daemon, worker):
    bridge = daemon("ajpbridge", "    add_attributes: [ZONE=dmz]\n    deny_attributes: [AJP_REMOTE_PORT]\n",
                    "    activation: drain\n    rename_attributes: [AJP_LOCAL_ADDR=ADDR, ZONE=AREA]\n"
                    "    add_attributes: [NODE=one]\n")
    with Client(bridge.port) as client:
        client.cookie = "JSESSIONID=1.a"
        assert client.get("/", headers={"x-id": "1", "ZONE": "forged"}).status == 200
    assert [a for a in worker.requests[-1].attributes if isinstance(a[0], str)] == [
        ("ADDR", "127.0.0.1"), ("JK_LB_ACTIVATION", "DIS"), ("AREA", "dmz"), ("NODE", "one")]
    bridge.reload("", "    activation: drain\n    deny_attributes: [JK_LB_ACTIVATION, AJP_REMOTE_PORT]\n")
    with Client(bridge.port) as client:
        client.cookie = "JSESSIONID=1.a"
        assert client.get("/", headers={"x-id": "1"}).status == 200
    assert [a for a in worker.requests[-1].attributes if isinstance(a[0], str)] == [("AJP_LOCAL_ADDR", "127.0.0.1")]
