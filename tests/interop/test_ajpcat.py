# SPDX-License-Identifier: Apache-2.0
"""ajpcat against real peers: `get` and `ping` before Tomcat and ajpforward, `serve` behind httpd."""
import json
import os
import re
import subprocess

import pytest

from pki import Pki
from procs import BIN, ROOT, free_port, poll
from tomcat import SECRET
from web import Client, crc32, pattern


def ajpcat(*args, secret=None, **options):
    env = {**os.environ, "AJP_SECRET": secret} if secret else None
    return subprocess.run([BIN / "ajpcat", *map(str, args)], capture_output=True, timeout=30, env=env, **options)


@pytest.fixture(scope="module", params=["tomcat", "forwarder"])
def target(request, tomcats):
    if request.param == "tomcat":
        return f"ajp://127.0.0.1:{tomcats.nodes[0].ajp}"
    return f"ajp://127.0.0.1:{request.getfixturevalue('forwarder').port}"


def test_get_prints_status_headers_and_body(target):
    done = ajpcat("get", "-i", f"{target}/bytes/20000")
    assert done.returncode == 0
    assert b"200" in done.stdout.splitlines()[0]
    assert b"x-node: node" in done.stdout.lower()
    assert done.stdout.endswith(pattern(20000))


@pytest.mark.parametrize("status", [204, 304, 404, 500])
def test_get_of_any_status_is_success(target, status):
    done = ajpcat("get", "-i", f"{target}/status/{status}")
    assert done.returncode == 0 and str(status).encode() in done.stdout


def test_get_shows_every_packet(target):
    done = ajpcat("get", "-v", f"{target}/echo?a=1")
    shown = done.stdout + done.stderr
    assert done.returncode == 0
    for packet in (b"FORWARD_REQUEST", b"SEND_HEADERS", b"SEND_BODY_CHUNK", b"END_RESPONSE"):
        assert packet in shown, shown


def test_ping(target):
    assert ajpcat("ping", "-c", 1, target).returncode == 0


def test_nobody_there():
    url = f"ajp://127.0.0.1:{free_port()}"
    for command in (["get", f"{url}/"], ["ping", "-c", "1", url]):
        done = ajpcat(*command)
        assert done.returncode not in (0, 2) and b"refused" in done.stdout + done.stderr


@pytest.mark.parametrize("secret, status", [(SECRET, b"200"), ("wrong", b"403"), (None, b"403")])
def test_get_with_a_secret(tomcats, secret, status):
    done = ajpcat("get", "-i", f"ajp://127.0.0.1:{tomcats.nodes[0].ajp_secret}/echo", secret=secret)
    assert done.returncode == 0 and status in done.stdout.splitlines()[0]


def test_get_hands_on_what_the_web_server_knows(target, tmp_path):
    done = ajpcat("get", "--cert", Pki(tmp_path).pem("client"), "--ssl-cipher", "TLS_AES_128_GCM_SHA256", "--ssl-key-size",
                  "128", "--ssl-session", "ab12", "--remote-user", "alice", "--remote-addr", "192.0.2.7",
                  f"{target}/echo")
    seen = json.loads(done.stdout)
    assert seen["secure"] is True and seen["scheme"] == "https"
    assert seen["remote_addr"] == "192.0.2.7" and seen["remote_user"] is None  # tomcatAuthentication is on
    assert seen["tls"]["cipher"] == "TLS_AES_128_GCM_SHA256" and "CN=client" in seen["tls"]["client"]
    assert (seen["tls"]["key_size"], seen["tls"]["session"]) == ("128", "ab12")


def test_get_of_several_urls_on_one_connection(target):
    urls = [f"{target}/bytes/{n}" for n in (0, 1, 8184, 50000)]
    done = ajpcat("get", "-w", "[%{status} %{num_connects} %{size_download}]", *urls)
    assert done.returncode == 0
    assert re.findall(rb"\[(\d+ \d \d+)\]", done.stdout) == [b"200 1 0", b"200 0 1", b"200 0 8184", b"200 0 50000"]


def test_ping_of_a_page(target):
    done = ajpcat("ping", "--get", "/echo", "-c", "5", "-i", "1ms", target)
    assert done.returncode == 0 and b"5 sent, 5 answered" in done.stdout


def test_proxy_between_httpd_and_tomcat(tomcats, httpd, spawn):
    proxy = spawn("ajpcat", "proxy", "--listen", "ajp://127.0.0.1:0", "--json", "--to",
                  f"ajp://127.0.0.1:{tomcats.nodes[0].ajp}")
    with Client(httpd("proxy", proxy.port).port) as client:
        body = pattern(100_000)
        assert client.post("/upload", body).json["crc32"] == crc32(body)
        assert len(client.get("/bytes/70000").body) == 70000
    rows = poll(lambda: (lines := proxy.out.read_text().splitlines()[1:])[1:] and [json.loads(x) for x in lines],
                what="both are shown")
    rows = [row for row in rows if row["kind"] == "request"]
    assert [(r["method"], r["status"], r["request_bytes"]) for r in rows] == [("POST", 200, 100_000), ("GET", 200, 0)]
    assert rows[0]["request_crc32"] == crc32(body) and rows[1]["response_bytes"] == 70000
    assert not any(row["problems"] for row in rows)


@pytest.mark.parametrize("secret", [None, SECRET], ids=["open", "secret"])
def test_check_of_a_connector(tomcats, secret):
    node = tomcats.nodes[1]
    port = node.ajp_secret if secret else node.ajp
    done = ajpcat("check", "--json", f"127.0.0.1:{port}/echo", secret=secret)
    found = {row["check"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert found["secret"]["verdict"] == ("good" if secret else "warn")
    for name in ("open", "CPing", "kept connections", "packet size", "unknown attributes", "Ghostcat attributes",
                 "the same for Jakarta", "body of unknown length (Q20)", "wrong magic", "string longer than its packet", "after all this"):
        assert found[name]["verdict"] == "good", found[name]
    assert "status 403" in found["Ghostcat attributes"]["found"]
    assert node.answers()


def test_check_without_the_secret_accuses_nobody(tomcats):
    """Tomcat answers 403 to whatever it understands: that tells nothing about malformed packets."""
    node = tomcats.nodes[1]
    done = ajpcat("check", "--json", f"127.0.0.1:{node.ajp_secret}/echo")
    found = {row["check"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 0 and {row["verdict"] for row in found.values()} <= {"good", "note", "skip"}, found
    assert found["secret"]["verdict"] == "good" and "wanted" in found["secret"]["found"]
    skipped = [name for name, row in found.items() if row["found"] == "status 403, as any request gets"]
    assert {"line end in a header value", "negative Content-Length", "two Content-Lengths"} <= set(skipped)


def test_check_of_tomcats_http_port_says_so(tomcats):
    done = ajpcat("check", "--json", f"127.0.0.1:{tomcats.nodes[1].http}")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1 and [row["check"] for row in rows] == ["open", "CPing"]
    assert rows[1]["found"] == "this speaks HTTP, not AJP"


@pytest.mark.parametrize("capture", ["proxy-keepalive", "proxy-session", "proxy-methods"])
def test_replay_at_the_kind_of_server_that_was_captured(tomcats, capture):
    """The statuses of a Tomcat then are those of a Tomcat now; its test app is another."""
    port = tomcats.nodes[0].ajp
    done = ajpcat("replay", "--json", ROOT / f"tests/ajpcat/captures/{capture}.pcap", f"127.0.0.1:{port}")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) > 2 and {row["result"] for row in rows} <= {"same", "differs"}, done.stderr


@pytest.fixture(scope="module")
def serve(spawn):
    return spawn("ajpcat", "serve", "--listen", "ajp://127.0.0.1:0", "--route", "nodeX")


@pytest.fixture(scope="module", params=["proxy", "jk", "bridge"])
def client(request, serve, httpd, spawn):
    """Each front end that can stand before `ajpcat serve`."""
    if request.param == "bridge":
        port = spawn("ajpbridge", "--listen", "http://127.0.0.1:0", "--worker",
                     f"nodeX=ajp://127.0.0.1:{serve.port}").port
    else:
        port = httpd(request.param, serve.port).port
    with Client(port) as client:
        yield client


def test_serve_echoes(client):
    seen = client.get("/echo?q=1", headers={"X-Test": "yes"}).json
    assert (seen["method"], seen["uri"], seen["query"]) == ("GET", "/echo", "q=1")
    assert "yes" in str(seen["headers"])


@pytest.mark.parametrize("size", [0, 1, 8186, 8187, 1 << 20])
def test_serve_takes_uploads(client, size):
    body = pattern(size)
    seen = client.post("/upload", body).json
    assert (seen["length"], seen["crc32"]) == (size, crc32(body))
    chunks = [body[i:i + 30000] for i in range(0, size, 30000)]
    seen = client.post("/upload", iter(chunks), headers={"Transfer-Encoding": "chunked"}, chunked=True).json
    assert (seen["length"], seen["crc32"]) == (size, crc32(body))


@pytest.mark.parametrize("size", [0, 1, 8184, 8185, 1 << 20])
def test_serve_sends_bytes(client, size):
    assert len(client.get(f"/bytes/{size}").body) == size


@pytest.mark.parametrize("status", [204, 304, 404, 503])
def test_serve_answers_a_status(client, status):
    assert client.get(f"/status/{status}").status == status
    assert len(client.get("/bytes/10").body) == 10


def test_serve_counts_a_session(client):
    answers = [client.get("/session") for _ in range(3)]
    assert all(a.status == 200 for a in answers)
    assert client.cookie.endswith(".nodeX")
    assert len({a.body for a in answers}) == 3  # the counter goes on
