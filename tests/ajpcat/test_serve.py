# SPDX-License-Identifier: Apache-2.0
"""serve's scripts, faults and canned answers."""
import re
import socket
import struct

import pytest

from cat import ajpcat
from procs import Daemon, poll

CPING, CPONG = b"\x12\x34\x00\x01\x0a", b"AB\x00\x01\x09"


@pytest.fixture
def serve(tmp_path):
    started = []

    def start(*args):
        started.append(Daemon("ajpcat", "serve", "-v", "--listen", "ajp://127.0.0.1:0", *args,
                              log=tmp_path / f"log{len(started)}"))
        return started[-1]
    yield start
    for daemon in started:
        status = daemon.terminate()
        assert status == 0 and "runtime error:" not in daemon.output(), daemon.output()


def get(daemon, path, *args):
    return ajpcat("get", "-m", "2s", *args, f"ajp://127.0.0.1:{daemon.port}{path}")


def scripted(serve, tmp_path, text):
    file = tmp_path / "script"
    file.write_text(text)
    return serve("--script", file)


def test_a_script_answers_on_each_connection_anew(serve, tmp_path):
    daemon = scripted(serve, tmp_path, """
        expect request           # whatever is asked for
        headers 201 "Made" "X-Test: from the script" Content-Length:5
        body hello
        end
        expect cping
        cpong
        repeat
    """)
    for _ in range(2):
        done = get(daemon, "/any", "-i")
        assert done.returncode == 0 and done.stdout.startswith(b"201 Made\nX-Test: from the script\n")
        assert done.stdout.endswith(b"\n\nhello")
    assert "event=request method=GET uri=/any" in daemon.output()
    poll(lambda: daemon.output().count('event=script_broken') == 2, what="both connections ended early")


def test_a_script_sees_the_body_and_the_end(serve, tmp_path):
    daemon = scripted(serve, tmp_path, "expect request\nexpect data\nget 100\nexpect data\nheaders 200\nend close\n")
    assert get(daemon, "/", "--data-binary", "x" * 8200).returncode == 0
    poll(lambda: "event=script_done" in daemon.output(), what="the script was played to its end")


def test_a_script_may_speak_first_and_reset(serve, tmp_path):
    daemon = scripted(serve, tmp_path, "cpong\nwait 50ms\nhex 41 42\nexpect cping\nreset\n")
    with socket.create_connection(("127.0.0.1", daemon.port), 5) as sock:
        seen = b""
        while len(seen) < 7:
            seen += sock.recv(100)
        assert seen == CPONG + b"AB"
        sock.sendall(CPING)
        with pytest.raises(ConnectionResetError):
            sock.recv(100)


def test_another_packet_than_expected_ends_it(serve, tmp_path):
    daemon = scripted(serve, tmp_path, "expect cping\ncpong\n")
    assert get(daemon, "/").returncode == 6
    assert re.search(r"event=script_broken script=\S+ line=1 what=\"another packet", daemon.output())
    for junk in (b"GET / HTTP/1.1\r\n\r\n", b"\x12\x34\xff\xff" + b"x" * 9000):
        with socket.create_connection(("127.0.0.1", daemon.port), 5) as sock:
            sock.sendall(junk)
            try:
                assert sock.recv(100) == b""
            except ConnectionResetError:
                pass


def test_a_wrong_script_is_refused_with_its_line(tmp_path):
    file = tmp_path / "script"
    file.write_text("expect request\nanswer 200\n")
    done = ajpcat("serve", "--listen", "ajp://127.0.0.1:0", "--script", file)
    assert done.returncode == 2 and b"line 2: expected headers, body" in done.stderr


FAULTS = {"body-first": 5, "chunk-length": 5, "close": 6, "cpong": 5, "drip": 0, "end-first": 5, "escape": 0,
          "half-body": 6, "half-packet": 6, "header-crlf": 5, "headers": 6, "headers-twice": 5, "http": 5,
          "interim": 0, "lie-reuse": 0, "magic": 5, "no-pad": 0, "no-reuse": 0, "poison": 0, "reset": 6,
          "silent": 4, "status-0": 5, "status-1000": 5, "unknown-type": 5}


def test_each_fault_shows(serve):
    daemon = serve()
    listed = re.findall(r"^/fault/(\S+) ", get(daemon, "/fault/").stdout.decode(), re.M)
    assert set(FAULTS) <= set(listed)
    for name, code in FAULTS.items():
        done = get(daemon, f"/fault/{name}")
        assert done.returncode == code, (name, done.returncode, done.stderr)
    assert get(daemon, "/fault/short").stdout == b"x" * 500
    assert get(daemon, "/fault/nonsense", "-i").stdout.startswith(b"404 ")
    assert get(daemon, "/").returncode == 0  # and it lives


def test_get_asked_for_ever_gives_its_body_and_ends(serve):
    done = get(serve(), "/fault/get-forever", "--data-binary", "x" * 9000)
    assert done.returncode in (4, 5, 6)


@pytest.fixture
def answers(tmp_path):
    folder = tmp_path / "answers"
    (folder / "sub dir").mkdir(parents=True)
    (folder / "page.html").write_text("<p>page")
    (folder / "sub dir/index.html").write_text("index")
    (folder / "empty").write_bytes(b"")
    (folder / "big.bin").write_bytes(bytes(range(256)) * 4000)
    (folder / "login.http").write_bytes(b"HTTP/1.1 302 Found\r\nLocation: /next\r\nSet-Cookie: a=b\r\n"
                                        b"Set-Cookie: c=d\r\n\r\nsee /next")
    (folder / "bad.http").write_text("nothing of the kind")
    (tmp_path / "outside").write_text("not to be seen")
    return folder


def test_canned_answers(serve, answers):
    daemon = serve("--dir", answers)
    assert get(daemon, "/page.html", "-i").stdout == b"200 OK\nContent-Type: text/html\nContent-Length: 7\n\n<p>page"
    assert get(daemon, "/sub%20dir/").stdout == b"index"
    assert get(daemon, "/empty", "-i").stdout.endswith(b"Content-Length: 0\n\n")
    assert get(daemon, "/big.bin").stdout == bytes(range(256)) * 4000
    assert get(daemon, "/login?x=1", "-i").stdout == (
        b"302 Found\nLocation: /next\nSet-Cookie: a=b\nSet-Cookie: c=d\nContent-Length: 9\n\nsee /next")
    assert get(daemon, "/bad", "-i").stdout.startswith(b"500 ")
    assert get(daemon, "/bytes/5", "-i").stdout.startswith(b"200 ")  # its own pages are still there
    done = ajpcat("get", "-i", *(f"ajp://127.0.0.1:{daemon.port}{p}" for p in ("/login", "/", "/page.html")))
    assert done.stdout.count(b"Set-Cookie") == 2 and done.stdout.endswith(b"<p>page")


@pytest.mark.parametrize("path", ["/../outside", "/%2e%2e/outside", "/sub%20dir/../../outside", "/..%2foutside",
                                  "/page.html%00.txt", "/%zz"])
def test_nothing_outside_the_folder_is_served(serve, answers, path):
    done = get(serve("--dir", answers), path, "-i")
    assert done.stdout.startswith(b"404 ") and b"not to be seen" not in done.stdout


def test_requests_are_printed_escaped(serve):
    daemon = serve()
    packet = bytes.fromhex("0202") + b"".join(struct.pack(">H", len(s)) + s + b"\x00" for s in (
        b"HTTP/1.1", b"/\xc2\x9b2J%1b", b"127.0.0.1", b"localhost", b"localhost")) + b"\x00\x50\x00\x00\x00\xff"
    with socket.create_connection(("127.0.0.1", daemon.port), 5) as sock:
        sock.sendall(b"\x12\x34" + struct.pack(">H", len(packet)) + packet)
        assert sock.recv(100)
    assert r"uri=/\xc2\x9b2J%1b" in daemon.output()
    assert re.search(r"event=request method=GET uri=\S+ from=127.0.0.1 status=404 length=-1", daemon.output())


def cookie_of(done):
    return re.search(rb"JSESSIONID=([0-9A-F]+)", done.stdout)[1].decode()


def visit(daemon, session, route):
    done = get(daemon, "/session", "-H", f"Cookie: JSESSIONID={session}.{route}")
    assert done.returncode == 0, done.stderr
    return int(re.search(rb'"counter":\s*(\d+)', done.stdout)[1])


def test_nodes_with_one_folder_share_their_sessions(serve, tmp_path):
    folder = tmp_path / "sessions"
    folder.mkdir()
    a, b = (serve("--sessions", folder, "--route", route) for route in ("nodeA", "nodeB"))
    session = cookie_of(get(a, "/session", "-i"))
    assert [visit(a, session, "nodeA"), visit(b, session, "nodeA"), visit(b, session, "nodeB")] == [2, 3, 4]
    again = serve("--sessions", folder, "--route", "nodeA")
    assert visit(again, session, "nodeB") == 5


def test_each_node_for_itself_without_a_folder(serve):
    a, b = (serve("--route", route) for route in ("nodeA", "nodeB"))
    session = cookie_of(get(a, "/session", "-i"))
    assert [visit(a, session, "nodeA"), visit(b, session, "nodeA")] == [2, 1]


def test_sessions_that_cannot_be_kept_are_an_error(serve, tmp_path):
    folder = tmp_path / "sessions"
    folder.mkdir()
    daemon = serve("--sessions", folder)
    folder.rmdir()
    done = get(daemon, "/session", "-i")
    assert done.stdout.startswith(b"500 ") and b"--sessions" in done.stdout
    assert ajpcat("serve", "--listen", "ajp://127.0.0.1:0", "--sessions", tmp_path / "none").returncode == 2
