# SPDX-License-Identifier: Apache-2.0
"""What scripts rely on: options, exit codes, the ready line, secrets, pings, errors."""
import signal
import socket
import struct
import subprocess

import pytest

from procs import BIN, free_port, poll, workers
from tomcat import SECRET
from web import Client, pattern

DAEMONS = {"ajpbridge": "http", "ajpforward": "ajp"}
CPING = bytes.fromhex("1234 0001 0a")
CPONG = bytes.fromhex("4142 0001 09")


def run(name, *args):
    return subprocess.run([BIN / name, *map(str, args)], capture_output=True, text=True, timeout=20)


@pytest.mark.parametrize("name", DAEMONS)
@pytest.mark.parametrize("args, expected", [
    (["--no-such-option"], "no-such-option"),
    (["--listen", "gopher://127.0.0.1:0", "--worker", "a=ajp://127.0.0.1:1"], "gopher"),
    (["--listen", "{scheme}://127.0.0.1:65536", "--worker", "a=ajp://127.0.0.1:1"], "65536"),
    (["--listen", "{scheme}://127.0.0.1:0", "--worker", "ajp://127.0.0.1:1"], "ajp://127.0.0.1:1"),
    (["--listen", "{scheme}://127.0.0.1:0", "--worker", "a=ajp://127.0.0.1:1", "--threads", "many"], "many"),
    (["--config", "/no/such/file"], "/no/such/file"),
])
def test_a_bad_option_is_one_message_and_exit_2(name, args, expected):
    done = run(name, *(a.format(scheme=DAEMONS[name]) for a in args))
    assert done.returncode == 2
    assert expected in done.stderr and done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


@pytest.mark.parametrize("name", DAEMONS)
def test_a_bad_file_is_told_with_its_place(name, tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text(f"listen:\n  - url: {DAEMONS[name]}://127.0.0.1:0\nworkers:\n  - name: a\n"
                    "    url: ajp://127.0.0.1:1\n    weight: heavy\n")
    for more in ([], ["--check"]):
        done = run(name, "--config", file, *more)
        assert done.returncode == 2
        assert "bad.yaml" in done.stderr and "6" in done.stderr and "heavy" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr


@pytest.mark.parametrize("name", [*DAEMONS, "ajpcat"])
def test_version_and_help(name):
    version = run(name, "--version")
    assert (version.returncode, version.stderr) == (0, "") and version.stdout.startswith(f"{name} 0.")
    usage = run(name, "--help")
    assert (usage.returncode, usage.stderr) == (0, "") and name in usage.stdout


@pytest.mark.parametrize("name", DAEMONS)
def test_check_does_not_listen(name, tmp_path):
    port = free_port()
    done = run(name, "--listen", f"{DAEMONS[name]}://127.0.0.1:{port}", "--worker", "a=ajp://127.0.0.1:1",
               "--check")
    assert done.returncode == 0 and "listening" not in done.stdout


def test_one_ready_line_a_listener(spawn):
    bridge = spawn("ajpbridge", "--listen", "http://127.0.0.1:0", "--listen", "http://127.0.0.1:0",
                   *workers({"a": free_port()}), "--threads", "2")
    assert len(set(bridge.ports)) == 2
    assert bridge.out.read_text() == "".join(f"listening http://127.0.0.1:{p}\n" for p in bridge.ports)


@pytest.mark.parametrize("name", DAEMONS)
def test_a_taken_port_is_told_and_fails(name):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"{DAEMONS[name]}://127.0.0.1:{taken.getsockname()[1]}"
        done = run(name, "--listen", url, "--worker", "a=ajp://127.0.0.1:1")
    assert done.returncode == 1 and "in use" in done.stderr.lower()


@pytest.mark.parametrize("name", DAEMONS)
def test_sigterm_with_idle_connections_exits_0_at_once(spawn, name):
    daemon = spawn(name, "--listen", f"{DAEMONS[name]}://127.0.0.1:0", *workers({"a": free_port()}))
    with socket.create_connection(("127.0.0.1", daemon.port)):
        daemon.popen.send_signal(signal.SIGTERM)
        assert daemon.popen.wait(3) == 0


def receive(sock, length):
    data = b""
    while len(data) < length:
        part = sock.recv(length - len(data))
        if not part:
            break
        data += part
    return data


def test_cping_is_answered_at_the_front(spawn):
    """No worker is there at all."""
    forwarder = spawn("ajpforward", "--listen", "ajp://127.0.0.1:0", *workers({"a": free_port()}))
    with socket.create_connection(("127.0.0.1", forwarder.port), 5) as sock:
        for _ in range(3):
            sock.sendall(CPING)
            assert receive(sock, 5) == CPONG
        sock.sendall(CPING[:2])
        sock.sendall(CPING[2:])
        assert receive(sock, 5) == CPONG


def test_a_dead_worker_is_a_503_in_the_log(spawn):
    bridge = spawn("ajpbridge", "--listen", "http://127.0.0.1:0", *workers({"gone": free_port()}))
    with Client(bridge.port) as client:
        assert client.get("/").status == 503
        assert client.get("/").status == 503
    poll(lambda: "gone" in bridge.output(), what="the log names the worker")


def test_a_worker_that_breaks_off_is_a_502(spawn):
    with socket.create_server(("127.0.0.1", 0)) as server:
        bridge = spawn("ajpbridge", "--listen", "http://127.0.0.1:0",
                       *workers({"odd": server.getsockname()[1]}))
        with Client(bridge.port) as client:
            client.http.request("POST", "/", b"x")
            peer = server.accept()[0]
            peer.recv(1000)
            peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")  # no AJP
            peer.close()
            assert client.http.getresponse().status == 502


def test_an_answer_cut_short_is_no_complete_answer(spawn):
    """Send Headers, some body, then the worker's connection ends: the client must notice."""
    headers = bytes.fromhex("4142 0008 04 00c8 0000 00 0000")
    chunk = bytes.fromhex("4142 0009 03 0005") + b"hello\0"
    with socket.create_server(("127.0.0.1", 0)) as server:
        bridge = spawn("ajpbridge", "--listen", "http://127.0.0.1:0",
                       *workers({"odd": server.getsockname()[1]}))
        with socket.create_connection(("127.0.0.1", bridge.port), 10) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            peer = server.accept()[0]
            peer.recv(1000)
            peer.sendall(headers + chunk)
            peer.close()
            answer = receive(sock, 1 << 20)
    assert answer.startswith(b"HTTP/1.1 200 ") or answer.startswith(b"HTTP/1.1 502 ")
    assert not answer.endswith(b"0\r\n\r\n") or answer.startswith(b"HTTP/1.1 502 ")


@pytest.fixture(scope="module")
def secretive(tomcats, spawn, folder):
    """ajpforward that asks for one secret and sends another to Tomcat."""
    base = folder("secrets")
    base.mkdir()
    (base / "front").write_text("front secret\n")
    (base / "back").write_text(f"{SECRET}\n")
    (base / "forward.yaml").write_text(
        f"listen:\n  - url: ajp://127.0.0.1:0\n    secret_file: {base}/front\nworkers:\n" + "".join(
            f"  - name: {n.name}\n    url: ajp://127.0.0.1:{n.ajp_secret}\n    secret_file: {base}/back\n"
            for n in tomcats))
    for file in base.iterdir():
        file.chmod(0o600)
    return spawn("ajpforward", "--config", base / "forward.yaml", listeners=1)


@pytest.mark.parametrize("kind", ["proxy", "jk"])
@pytest.mark.parametrize("secret, status", [("front secret", 200), (SECRET, 403), ("", 403)])
def test_the_front_secret_is_checked_and_the_back_secret_sent(secretive, httpd, tomcats, kind, secret, status):
    path = f"/echo/{kind}-{len(secret)}-{status}"  # the log tells the path, and must not tell the secret
    with Client(httpd(kind, secretive.port, secret or None).port) as client:
        answer = client.get(path)
        assert answer.status == status
        if status == 200:
            assert client.post("/upload", pattern(50_000)).json["length"] == 50_000
    assert status != 200 or poll(lambda: tomcats.requests(path) == 1, what="Tomcat's log has the request")
    assert status == 200 or tomcats.requests(path) == 0
    assert SECRET not in secretive.output() and "front secret" not in secretive.output()


def string(text):
    return struct.pack(">H", len(text)) + text.encode() + b"\0" if text is not None else b"\xff\xff"


def get_packet(attributes=b"", method=2, uri="/echo"):
    body = bytes([2, method]) + string("HTTP/1.1") + string(uri) + string("192.0.2.1") + string(None) + \
        string("localhost") + struct.pack(">HBH", 80, 0, 1) + b"\xa0\x0b" + string("localhost") + attributes + b"\xff"
    return b"\x12\x34" + struct.pack(">H", len(body)) + body


def replies(sock):
    """Reads packets until End Response or the end; returns (status, body, reuse). Tomcat asks for
    the body of a request without Content-Length, GET or not: there is none."""
    status, body = None, b""
    while len(head := receive(sock, 4)) == 4:
        packet = receive(sock, struct.unpack(">H", head[2:])[0])
        if packet[0] == 4:
            status = struct.unpack(">H", packet[1:3])[0]
        elif packet[0] == 3:
            body += packet[3:3 + struct.unpack(">H", packet[1:3])[0]]
        elif packet[0] == 6:
            sock.sendall(b"\x12\x34\0\0")
        elif packet[0] == 5:
            return status, body, packet[1]
    return status, body, None


def named(name, value):
    return b"\x0a" + string(name) + string(value)


@pytest.mark.parametrize("attributes", [
    named("jakarta.servlet.include.request_uri", "/") + named("jakarta.servlet.include.path_info", "WEB-INF/web.xml"),
    named("javax.servlet.include.request_uri", "/"),
    named("org.example.anything", "1"),
])
def test_unknown_attributes_are_refused_and_never_passed_on(forwarder, tomcats, attributes):
    with socket.create_connection(("127.0.0.1", forwarder.port), 5) as sock:
        sock.sendall(get_packet(attributes, uri="/echo/refused"))
        status, _, reuse = replies(sock)
    assert status == 403 and reuse in (0, None)
    assert tomcats.requests("/echo/refused") == 0


def test_attributes_of_web_servers_pass(forwarder):
    with socket.create_connection(("127.0.0.1", forwarder.port), 5) as sock:
        for _ in range(2):  # and the connection is kept
            sock.sendall(get_packet(named("AJP_REMOTE_PORT", "4711") + named("JK_LB_ACTIVATION", "ACT")))
            status, body, reuse = replies(sock)
            assert (status, reuse) == (200, 1) and b'"remote_addr":"192.0.2.1"' in body


BROKEN = {
    "wrong magic": b"\x41\x42\x00\x01\x0a",
    "http": b"GET /echo/broken HTTP/1.1\r\nHost: x\r\n\r\n",
    "longer than a packet may be": b"\x12\x34\xff\xff" + b"\x02" * 100,
    "unknown code": b"\x12\x34\x00\x01\x63",
    "cut string": b"\x12\x34\x00\x05\x02\x02\x00\xff\x41",
    "shutdown": b"\x12\x34\x00\x01\x07",
    "unknown method": get_packet(method=99, uri="/echo/broken"),
    "newline in a value": get_packet(named("AJP_REMOTE_PORT", "1\r\nX: y"), uri="/echo/broken"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_packets_are_refused_and_do_not_disturb(forwarder, tomcats, name):
    with socket.create_connection(("127.0.0.1", forwarder.port), 5) as sock:
        sock.sendall(BROKEN[name])
        status, _, reuse = replies(sock)
        assert status in (None, 400, 403, 500, 501) and reuse in (0, None)
        assert sock.recv(1) == b""  # closed
    with socket.create_connection(("127.0.0.1", forwarder.port), 5) as sock:
        sock.sendall(get_packet())
        assert replies(sock)[0] == 200
    assert tomcats.requests("/echo/broken") == 0


def test_a_client_that_sends_byte_by_byte(forwarder):
    packet = get_packet()
    with socket.create_connection(("127.0.0.1", forwarder.port), 5) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(packet)):
            sock.sendall(packet[i:i + 1])
        assert replies(sock)[0] == 200
