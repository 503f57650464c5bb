# SPDX-License-Identifier: Apache-2.0
"""On a terminal: colours only where they are wanted, and no control sequence from the wire."""
import re
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


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A recorded exchange of which every text holds control sequences."""
    def string(s):
        return struct.pack(">H", len(s)) + s + b"\0"

    def packet(magic, payload):
        return magic + struct.pack(">H", len(payload)) + payload
    request = (b"\x02\xff" + b"".join(map(string, (b"HTTP/" + HOSTILE, b"/" + HOSTILE, HOSTILE, HOSTILE, HOSTILE))) +
               b"\0\x50\0\0\x01" + string(b"X-" + HOSTILE) + string(HOSTILE) + b"\x05" + string(HOSTILE) + b"\x0a" +
               string(HOSTILE) + string(HOSTILE) + b"\x0d" + string(b"M" + HOSTILE) + b"\xff")
    headers = b"\x04\0\xc8" + string(HOSTILE) + b"\0\x02" + string(b"X-" + HOSTILE) + string(HOSTILE) + (
        string(b"Content-Type") + string(b"text/plain" + HOSTILE))
    chunk = b"\x03" + string(HOSTILE)
    data = packet(b"\x12\x34", request) + b"".join(packet(b"AB", p) for p in (headers, chunk, b"\x05\x01"))
    file = tmp_path_factory.mktemp("hostile") / "hostile.hex"
    file.write_text("".join(data[i:i + 16].hex(" ") + "\n" for i in range(0, len(data), 16)))
    return file


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("view", [[], ["-v"], ["-x"], ["--json"], ["--http"], ["--show-secrets", "-v"]], ids=" ".join)
def test_a_hostile_capture_is_shown_escaped(hostile, view, colour):
    out = on_terminal("decode", *view, hostile, colour=colour)
    assert len(out) > 100 and is_harmless(out, colour), out
    assert (b"\x1b" in out) <= colour
    assert is_harmless(on_terminal("stats", hostile, colour=colour), colour)


@pytest.mark.parametrize("path", ["/body", "/canned", "/fault/escape"])
@pytest.mark.parametrize("colour", [False, True])
def test_answers_are_shown_escaped(node, path, colour):
    out = on_terminal("get", "-i", "-v", f"ajp://127.0.0.1:{node.port}{path}", colour=colour)
    assert b"END_RESPONSE" in out and is_harmless(out, colour), out
    if path == "/body":
        assert rb"text \x1b]0;owned\x07\x1b[31m\xc2\x9b2J\x9b2J\x08\x7f" in out and "\n\xe9\n".encode() in out
        plain = ajpcat("get", f"ajp://127.0.0.1:{node.port}{path}").stdout
        assert HOSTILE in plain  # a file gets the bytes as they are


def test_reports_are_escaped(node, hostile):
    out = on_terminal("check", f"127.0.0.1:{node.port}/canned", colour=True)
    assert rb"\x9b2J" in out and is_harmless(out, colour=True), out
    out = on_terminal("replay", "-v", "--compare", "Server", hostile, f"127.0.0.1:{node.port}", colour=True)
    assert b"frame 1" in out and is_harmless(out, colour=True), out


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


def test_a_proxy_shows_escaped(node, tmp_path):
    daemon = Daemon("ajpcat", "proxy", "--listen", "ajp://127.0.0.1:0", "--to", f"ajp://127.0.0.1:{node.port}", "--http",
                    log=tmp_path / "log")
    try:
        for path in ("/body", "/canned"):
            assert ajpcat("get", f"ajp://127.0.0.1:{daemon.port}{path}").returncode == 0
        poll(lambda: daemon.out.read_bytes().count(b"HTTP/1.1 200") == 2, what="both are shown")
        assert is_harmless(daemon.out.read_bytes())
    finally:
        assert daemon.terminate() == 0
