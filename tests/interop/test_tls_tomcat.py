# SPDX-License-Identifier: Apache-2.0
"""https -> ajpbridge -> ajps, mutual -> ajpforward -> Tomcat: what a servlet learns of the client's TLS."""
import json
import subprocess

import pytest

from pki import Pki
from procs import workers
from web import crc32, pattern


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def port(tomcats, spawn, pki):
    forwarder = spawn("ajpforward", "--listen", "ajps://127.0.0.1:0", *pki.listener(verify="require"),
                      *workers({n.name: n.ajp for n in tomcats}))
    bridge = spawn("ajpbridge", "--listen", "https://127.0.0.1:0", *pki.listener(verify="optional"),
                   "--worker", f"nodeA=ajps://127.0.0.1:{forwarder.port}", *pki.worker("client"))
    return bridge.port


def ask(pki, port, path, *args, data=None):
    done = subprocess.run(["curl", "-sS", "--max-time", "30", "--cacert", pki.pem("ca"), *args,
                           f"https://127.0.0.1:{port}{path}"], input=data, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_servlet_sees_the_clients_certificate(pki, port):
    seen = json.loads(ask(pki, port, "/echo", "--cert", pki.pem("client"), "--key", pki.key("client")))
    assert (seen["scheme"], seen["secure"], seen["server_port"]) == ("https", True, port)
    assert seen["tls"]["client"] == "CN=client"
    assert (seen["tls"]["cipher"], seen["tls"]["key_size"]) == ("TLS_AES_256_GCM_SHA384", "256")
    assert len(seen["tls"]["session"]) == 64


def test_a_servlet_sees_none_where_there_is_none(pki, port):
    seen = json.loads(ask(pki, port, "/echo"))
    assert seen["secure"] is True and seen["tls"]["client"] is None


def test_bodies_arrive_whole(pki, port):
    body = pattern(5_000_000)
    answer = json.loads(ask(pki, port, "/upload", "--data-binary", "@-", data=body))
    assert (answer["length"], answer["crc32"]) == (len(body), crc32(body))
    assert ask(pki, port, "/bytes/20000000") == pattern(20_000_000)
