# SPDX-License-Identifier: Apache-2.0
"""Who may connect to a listener, and whose word on identity counts, by the address that it comes from."""
import socket

import pytest

from ajpwire import AjpClient, attribute, named, request
from procs import Daemon
from scripted import ScriptedWorker

USER, AUTH, ROUTE, CERT = 3, 4, 6, 7
NAMES = ["CERT_SUBJECT", "jakarta.servlet.request.X509Certificate"]


@pytest.fixture
def worker():
    with ScriptedWorker() as made:
        yield made


@pytest.fixture
def forward(tmp_path, worker):
    made = []

    def start(listener):
        file = tmp_path / "forward.yaml"
        file.write_text(f"listen:\n  - url: ajp://0.0.0.0:0\n    allow_no_secret: true\n{listener}"
                        f"workers:\n  - {{name: a, url: 'ajp://127.0.0.1:{worker.port}'}}\n")
        made.append(Daemon("ajpforward", "--config", file, listeners=1, log=tmp_path / "forward.log"))
        return made[0]
    yield start
    assert made[0].terminate() == 0, made[0].output()


class From(AjpClient):
    """A client at an address of its own."""

    def __init__(self, address, port):
        self.sock = socket.create_connection(("127.0.0.1", port), 5, source_address=(address, 0))


def identity(client, worker):
    """The attributes of identity that arrive of those that are sent, by code or name."""
    sent = attribute(USER, "u") + attribute(AUTH, "BASIC") + attribute(ROUTE, "r") + attribute(CERT, "pem")
    sent += b"".join(named(name, "v") for name in NAMES)
    assert client.exchange(request(attributes=sent, headers=[("x-id", "1")])).status == 200
    return [code for code, _ in worker.requests[-1].attributes]


@pytest.mark.parametrize("settings, believed", [
    ("", set()), ("    trust_identity: true\n", {1, 2, 3}),
    ("    trust_identity: true\n    trust_identity_from: [127.0.0.2]\n", {2}),
    ("    trust_identity: true\n    trust_identity_from: ['127.0.0.2/31', '::1']\n", {2, 3}),
    ("    trust_identity: false\n    trust_identity_from: [127.0.0.2]\n", set()),
    ("    trust_identity_from: [127.0.0.2]\n", {2}),
])
def test_identity_is_believed_of_those_who_are_trusted(forward, worker, settings, believed):
    daemon = forward(settings)
    for last in (1, 2, 3):
        with From(f"127.0.0.{last}", daemon.port) as client:
            want = [USER, AUTH, ROUTE, CERT, *NAMES] if last in believed else []
            assert identity(client, worker) == want, last
            assert identity(client, worker) == want, "the second request too"


def test_connections_from_elsewhere_are_closed(forward, worker):
    daemon = forward("    allow_from: [127.0.0.2, 127.0.1.0/24]\n")
    for address, let in (("127.0.0.1", False), ("127.0.0.2", True), ("127.0.1.9", True), ("127.0.2.1", False)):
        with From(address, daemon.port) as client:
            if let:
                assert client.exchange(request(headers=[("x-id", "1")])).status == 200
            else:
                assert client.closed(), address
    assert len(worker.requests) == 2
    assert daemon.output().count("connection_refused") == 2
