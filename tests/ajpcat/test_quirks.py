# SPDX-License-Identifier: Apache-2.0
"""What peers do differently, by number, and packets that belong to no exchange."""
import json
import re
import struct

import pytest

from cat import CAPTURES, Pcap, ajpcat, decode, stats
from procs import ROOT

MAN_PAGE = (ROOT / "docs/man/ajpcat.1.scd").read_text()


@pytest.mark.parametrize("name, quirks", [
    ("proxy-session.pcap", {"Q23": 10, "Q26": 10}),
    ("jk-abortupload.pcap", {"Q23": 3, "Q26": 3}),
    ("lighttpd-chunked.pcap", {"Q1": 5, "Q2": 1, "Q15": 1, "Q23": 6, "Q26": 6}),
    ("raw-strings.pcap", {"Q4": 1, "Q23": 9, "Q24": 1}),
    ("raw-broken.pcap", {"Q23": 3}),
])
def test_quirks_are_known_by_number(name, quirks):
    assert {row["name"].split()[0]: row["count"] for row in stats(name)["quirks"]} == quirks


def packet(magic, *payload):
    payload = b"".join(p if isinstance(p, bytes) else bytes([p]) for p in payload)
    return magic + struct.pack(">H", len(payload)) + payload


def string(text):
    return b"\xff\xff" if text is None else struct.pack(">H", len(text)) + text.encode() + b"\0"


def request(headers=(), attributes=b"", port=80, method=2):
    """A Forward Request with text headers."""
    return packet(b"\x12\x34", 2, method, string("HTTP/1.1"), string("/"), string("::1"), string(None), string("h"),
                  struct.pack(">H", port), 0, struct.pack(">H", len(headers)),
                  *(string(name) + string(value) for name, value in headers), attributes, b"\xff")


def to_container(payload):
    return packet(b"\x12\x34", payload)


def to_server(*payload):
    return packet(b"AB", *payload)


POST = request([("Content-Length", "3")], method=4)
CHUNKED = request([("Transfer-Encoding", "chunked")], method=4)
OK, BYE = to_server(b"\x04\0\xc8", string("OK"), b"\0\1", string("A"), string("b")), to_server(5, 1)
NO_HEADERS = to_server(b"\x04\0\xc8", string(""), b"\0\0")
ASK, ABC, EOF = to_server(6, b"\0\x10"), to_container(b"\0\3abc"), to_container(b"\0\0")
PING, PONG = to_container(b"\x0a"), to_server(9)


@pytest.mark.parametrize("quirk, packets, at", [
    (1, [POST, to_container(b"abc"), OK, BYE], 2),
    (2, [request(), to_container(b""), OK, BYE], 2),
    (3, [request(attributes=b"\x0b" + string("128")), OK, BYE], 1),
    (4, [request([("A", None)]), OK, BYE], 1),
    (5, [POST, ABC, ASK, to_container(b""), OK, BYE], 4),
    (6, [CHUNKED, OK, ASK, EOF, BYE], 3),
    (7, [request(attributes=b"\x04" + string("Basi")), OK, BYE], 1),
    (8, [request([("Session-Route", "a")], b"\x06" + string("a")), OK, BYE], 1),
    (9, [request(), OK, to_server(b"\3\0\1x"), BYE], 3),
    (11, [CHUNKED, to_server(6, b"\0\0"), EOF, OK, BYE], 2),
    (12, [request(), OK, to_server(5, 2)], 3),
    (13, [request(), to_server(b"\x04\0\x63", string("OK"), b"\0\1", string("A"), string("b")), BYE], 2),
    (14, [request(), OK, BYE, PING, OK, PONG], 5),
    (15, [request(), OK, BYE, BYE], 4),
    (16, [request(), PONG, OK, BYE], 2),
    (17, [request(), to_server(99), OK, BYE], 2),
    (18, [request(), to_server(b"\x04\0\xc8", string("OK"), b"\0\x02", string("A"), string("b")), BYE], 2),
    (19, [request(), NO_HEADERS, BYE], 2),
    (20, [request(method=4), ASK, ABC, ASK, EOF, OK, BYE], 3),
    (21, [CHUNKED, OK, to_server(b"\3\x20\0" + b"x" * 8193), BYE, CHUNKED, to_server(6, b"\x1f\xfa"), EOF, OK, BYE], 6),
    (22, [request(), to_server(b"\x04\1\x93", string("No"), b"\0\1", string("A"), string("b")), to_server(5, 0)], 3),
    (23, [request(), to_server(b"\x04\0\xc8", string("200"), b"\0\1", string("A"), string("b")), BYE], 2),
    (24, [request(attributes=b"\x42"), OK, BYE], 1),
    (26, [request([("Host", "h:8080")]), OK, BYE], 1),
    (27, [request([("Cookie", "JSESSIONID=abc.domain.node")]), OK, BYE], 1),
    (28, [request(), to_server(b"\3\0\1x\0"), OK, BYE], 2),
    (29, [request(), to_server(b"\x04\0\xc8", string("OK"), b"\0\1", string("Content-Length"), string("5")), BYE], 3),
    (30, [CHUNKED, to_server(6, b"\0\2"), ABC, OK, BYE], 3),
    (None, [CHUNKED, to_server(6, b"\x1f\xfa"), EOF, OK, to_server(b"\3\x1f\xf8" + b"x" * 8185), BYE,
            request([("Cookie", "JSESSIONID=abc.node")]), OK, BYE], 0),
    (None, [POST, ABC, OK, BYE, request([("Host", "h")]), OK, BYE, CHUNKED, ASK, ABC, ASK, EOF, OK, BYE, PING, PONG], 0),
])
def test_each_quirk_is_seen_at_its_packet(quirk, packets, at):
    done = ajpcat("stats", "--json", "-", stdin=b"".join(packets).hex().encode())
    seen = [(int(row["name"].split()[0][1:]), row["first_frame"]) for row in json.loads(done.stdout)["quirks"]]
    assert seen == ([(quirk, at)] if quirk else [])
    page = MAN_PAGE.replace("\\", "").replace("++\n", "\n")
    assert all("\n*{}* {}\n".format(*row["name"].split(" ", 1)) in page for row in json.loads(done.stdout)["quirks"])
    tree = ajpcat("decode", "-v", "-", stdin=b"".join(packets).hex().encode()).stdout.decode()
    assert re.findall(r"^    ~ Q(\d+) .*, frame (\d+)$", tree, re.M) == [(str(q), str(f)) for q, f in seen]


def test_what_belongs_to_no_exchange_is_shown_but_is_none():
    file = CAPTURES / "raw-broken.pcap"
    assert stats("raw-broken.pcap")["strays"] == ajpcat("decode", file).stdout.count(b"(stray)") == 15
    problems = {row["name"]: row["first_frame"] for row in stats("raw-broken.pcap")["problems"]}
    assert problems["packet of type N is not a message for the container"] == 46
    assert problems["N bytes of a packet that says N"] == 20
    assert ajpcat("decode", "--filter", "kind == 'stray'", file).stdout.count(b"!") == 15
    assert [o["frame"] for o in decode(file)] == [82, 96, 112]
    alone = ajpcat("decode", "-v", "-", stdin=BYE.hex().encode()).stdout  # one packet pasted as hex
    assert b"END_RESPONSE 2 bytes" in alone and b"keep the connection" in alone


def test_a_packet_with_the_magic_of_the_other_direction_is_known(tmp_path):
    pcap, end = Pcap(CAPTURES / "proxy-session.pcap"), to_server(5, 1)
    at = next(i for i, (_, frame) in enumerate(pcap.records) if frame.endswith(end))
    pcap.records[at] = (pcap.records[at][0], pcap.records[at][1][:-len(end)] + to_container(b"\5\1"))
    file = pcap.write(tmp_path / "other.pcap", pcap.records)
    seen = {row["name"].split()[0]: row["first_frame"] for row in stats(file)["quirks"]}
    assert seen["Q10"] == at + 1
    assert [o["complete"] for o in decode(file)].count(False) == 1
