# SPDX-License-Identifier: Apache-2.0
"""On a terminal: colours only where they are wanted, and no control sequence from the wire."""
import re
import socket
import struct

import pytest

from cat import CAPTURES, ajpcat, on_terminal
from procs import Daemon, poll

HOSTILE = b"\x1b]0;owned\x07\x1b[31m\xc2\x9b2J\x9b2J\x08\x7f"
COLOUR = re.compile(rb"\x1b\[\d+m")


def is_harmless(out, colour=False):
    if colour:
        out = COLOUR.sub(b"", out)
    text = out.decode()  # valid UTF-8
    return all(c in "\n\t" or (c >= " " and not "\x7f" <= c <= "\x9f") for c in text)


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    folder = tmp_path_factory.mktemp("terminal")
    (folder / "body").write_bytes(b"text " + HOSTILE + b"\n\xc3\xa9\n")
    (folder / "canned.http").write_bytes(b"HTTP/1.1 200 OK\r\nX-Name: \xc2\x9b31mred\r\nServer: \x9b2J\r\n\r\nbody")
    daemon = Daemon("ajpcat", "serve", "--listen", "ajp://127.0.0.1:0", "--dir", folder, log=folder / "log")
    yield daemon
    assert daemon.terminate() == 0


def string(s):
    return struct.pack(">H", len(s)) + s + b"\0"


def packet(magic, payload):
    return magic + struct.pack(">H", len(payload)) + payload


def to_server(payload):
    return packet(b"AB", payload)


def fields(headers):
    return struct.pack(">H", len(headers)) + b"".join(string(name) + string(value) for name, value in headers)


def forward_request(uri, *headers, attributes=b"", texts=(b"127.0.0.1", b"host", b"host"), protocol=b"HTTP/1.1", method=2):
    return packet(b"\x12\x34", bytes([2, method]) + b"".join(map(string, (protocol, uri, *texts))) + b"\0\x50\0" +
                  fields(headers) + attributes + b"\xff")


def send_headers(headers, reason=b"OK"):
    return to_server(b"\4\0\xc8" + string(reason) + fields(headers))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A recorded exchange of which every text holds control sequences."""
    attributes = (b"\5" + string(HOSTILE) + b"\x0a" + string(HOSTILE) + string(HOSTILE) + b"\x0d" + string(b"M" + HOSTILE))
    data = forward_request(b"/" + HOSTILE, (b"X-" + HOSTILE, HOSTILE), (b"Cookie", b"JSESSIONID=" + HOSTILE + b".r" + HOSTILE),
                           attributes=attributes, texts=(HOSTILE,) * 3, protocol=b"HTTP/" + HOSTILE, method=255)
    data += send_headers([(b"X-" + HOSTILE, HOSTILE), (b"Content-Type", b"text/plain" + HOSTILE)], HOSTILE)
    data += to_server(b"\3" + string(HOSTILE)) + to_server(b"\5\1")
    file = tmp_path_factory.mktemp("hostile") / "hostile.hex"
    file.write_text("".join(data[i:i + 16].hex(" ") + "\n" for i in range(0, len(data), 16)))
    return file


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("args", [["decode", *secrets, *view] for secrets in ([], ["--show-secrets"]) for view in (
    [], ["-v"], ["-x"], ["--json"], ["--har"], ["--http"], ["--follow", "0"], ["-v", "-f", "uri ~ 'owned'"])] + [
        ["stats"], ["stats", "--json"]], ids=" ".join)
def test_a_hostile_capture_is_shown_escaped(hostile, args, colour):
    out = on_terminal(*args, hostile, colour=colour)
    assert len(out) > 100 and is_harmless(out, colour), out
    assert (b"\x1b" in out) <= colour
    assert b"owned" in out or "-x" in args


@pytest.mark.parametrize("path", ["/body", "/canned", "/fault/escape"])
@pytest.mark.parametrize("colour", [False, True])
def test_answers_are_shown_escaped(node, path, colour):
    out = on_terminal("get", "-i", "-v", f"ajp://127.0.0.1:{node.port}{path}", colour=colour)
    assert b"END_RESPONSE" in out and is_harmless(out, colour), out
    if path == "/body":
        assert rb"text \x1b]0;owned\x07\x1b[31m\xc2\x9b2J\x9b2J\x08\x7f" in out and "\n\xe9\n".encode() in out
        plain = ajpcat("get", f"ajp://127.0.0.1:{node.port}{path}").stdout
        assert HOSTILE in plain  # a file gets the bytes as they are


@pytest.mark.parametrize("json", [[], ["--json"]], ids=["text", "json"])
def test_reports_are_escaped(node, hostile, json):
    out = on_terminal("check", *json, f"127.0.0.1:{node.port}/canned", colour=True)
    assert (rb"\u009b2J" if json else rb"\x9b2J") in out and is_harmless(out, colour=True), out
    out = on_terminal("replay", "-v", *json, "--compare", "Server", hostile, f"127.0.0.1:{node.port}", colour=True)
    assert (b'"frame": 1' if json else b"frame 1") in out and is_harmless(out, colour=True), out


@pytest.mark.parametrize("json", [[], ["--json"]], ids=["text", "json"])
def test_differences_are_shown_escaped(node, tmp_path, json):
    """An answer without the header that the server sends now."""
    captured = tmp_path / "captured.hex"
    captured.write_text("".join(packet.hex() + "\n" for packet in (
        forward_request(b"/canned"), send_headers([]), to_server(b"\5\1"))))
    out = on_terminal("replay", *json, "--compare", "X-Name", captured, f"127.0.0.1:{node.port}", colour=True)
    assert b"differs" in out and b"31mred" in out and is_harmless(out, colour=True), out


@pytest.mark.parametrize("command", [["get", "-w", "%{url} %{http_code}"], ["get", "-f", "--timing"], ["bench", "-n", "1"],
                                     ["bench", "-n", "1", "--json"]], ids=" ".join)
@pytest.mark.parametrize("path", ["/canned", "/body", "/fault/escape", "/fault/magic", "/fault/http"])
def test_what_servers_say_is_escaped_by_all_that_ask(node, command, path):
    out = on_terminal(*command, f"ajp://127.0.0.1:{node.port}{path}")
    assert out and is_harmless(out), out


def test_a_ping_shows_nothing_of_the_answer(node):
    out = on_terminal("ping", "-c", "2", "-i", "1ms", "--get", "/fault/escape", f"127.0.0.1:{node.port}")
    assert b"2 sent" in out and is_harmless(out), out


def test_advice_fits_the_terminal(node):
    for columns in (60, 80, 120):
        out = on_terminal("check", "--no-broken", f"127.0.0.1:{node.port}", columns=columns).decode()
        advice = [line for line in out.splitlines() if line.startswith("      ")]
        assert advice and max(map(len, advice)) <= columns
    assert max(map(len, ajpcat("check", "--no-broken", f"127.0.0.1:{node.port}").stdout.decode().splitlines())) > 90


@pytest.mark.parametrize("columns", [80, 100, 140])
@pytest.mark.parametrize("colour", [False, True])
def test_lines_and_statistics_fit_the_terminal(columns, colour):
    for command, name in (("decode", "proxy-session"), ("decode", "proxy-tls"), ("stats", "lighttpd-chunked"),
                          ("stats", "proxy-session"), ("stats", "raw-broken")):
        shown = COLOUR.sub(b"", on_terminal(command, CAPTURES / f"{name}.pcap", columns=columns, colour=colour)).decode()
        assert max(map(len, shown.splitlines())) <= columns, (command, name)
    long = on_terminal("stats", CAPTURES / "lighttpd-chunked.pcap", columns=80).decode()
    assert re.search(r"Q1 request body packet without its inner\n {38}length \(lighttpd\)\n", long)
    assert re.search(rb"  /examples/serv[a-z/]*\.\.\.\n", on_terminal("stats", CAPTURES / "derived-nohandshake.pcap", columns=80))


def test_no_colour_where_it_is_not_wanted(node):
    url = f"ajp://127.0.0.1:{node.port}/"
    assert COLOUR.search(on_terminal("get", "-v", url, colour=True))
    assert not COLOUR.search(on_terminal("get", "-v", url))
    assert not COLOUR.search(ajpcat("get", "-v", url).stderr)


@pytest.mark.parametrize("view", [[], ["-v"], ["-x"], ["--json"], ["--http"], ["-v", "--show-secrets"]], ids=" ".join)
def test_a_proxy_shows_escaped(node, view, tmp_path):
    daemon = Daemon("ajpcat", "proxy", "--listen", "ajp://127.0.0.1:0", "--to", f"ajp://127.0.0.1:{node.port}", *view,
                    log=tmp_path / "log")
    try:
        for path in ("/body", "/canned", "/fault/escape"):
            assert ajpcat("get", f"ajp://127.0.0.1:{daemon.port}{path}").returncode == 0
        poll(lambda: daemon.out.read_bytes().count(b"200") >= 3, what="all are shown")
        with socket.create_connection(("127.0.0.1", daemon.port)) as peer:
            peer.sendall(forward_request(b"/" + HOSTILE, (b"X-" + HOSTILE, HOSTILE)))
            assert not peer.recv(1)  # the app server refuses it
        poll(lambda: b"owned" in daemon.out.read_bytes(), what="what the client said is shown")
        assert is_harmless(daemon.out.read_bytes() + daemon.log.read_bytes())
    finally:
        assert daemon.terminate() == 0
