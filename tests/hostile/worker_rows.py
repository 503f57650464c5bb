# SPDX-License-Identifier: Apache-2.0
"""What a worker may send, rows 80 to 124 of the reliability table: the bytes, and what a client must see.

A script is a list: bytes are sent, a number is a pause in seconds, "close" and "reset" end the
connection, and a callable gets (link, request). Expected: OK (the script's own reply, whole), a status
that we answer ourselves, or CUT (the client can tell that it did not get all). Mark: "F" counts against
the worker, "N" does not. `after`: "closed" when the connection must not be used again, "kept" when it
must be, None when it does not matter.
"""
import dataclasses

from ajpwire import CPONG, FLUSH, chunk, end, get_body, header, reply, text, to_server, u16

OK, CUT = "ok", "cut"
BODY = b"the worker's own words\n"
LENGTH = ("Content-Length", str(len(BODY)))
H = reply(headers=[("Content-Type", "text/plain"), LENGTH])
ALL = H + chunk(BODY) + end()


def headers(*more, status=200, **options):
    return reply(status, [("Content-Type", "text/plain"), LENGTH, *more], **options)


def raw_headers(block, count=1, status=200):
    return to_server(b"\x04" + u16(status) + text("OK") + u16(count) + block)


@dataclasses.dataclass
class Row:
    name: str
    script: list
    bridge: object
    mark: str = "N"
    forward: object = None  # None: as the bridge
    after: str = None
    method: str = "GET"
    body: bytes = BODY
    check: object = None    # of (reply); more to be seen in it
    pause: float = 0        # before the next request: bytes that come after it was sent pass for its reply
    modes: tuple = ("whole", "whole", "whole", "bytes", "split")

    def expected(self, daemon):
        return self.forward if daemon == "ajpforward" and self.forward is not None else self.bridge


def no_header(*names):
    def check(got):
        for name in names:
            assert got.header(name) is None, name
    return check


def blanked(name, value):
    def check(got):
        assert got.header(name) == value and got.header("x-inj") is None, got.headers
    return check


def status_is(status):
    def check(got):
        assert got.status == status
    return check


def broken(name, packet, **options):
    """A packet that is wrong before anything else was said."""
    return Row(name, [packet], 502, "F", after="closed", **options)


def nameless(name, packet):
    """A header that has no name. An app can be brought to some of these, so no mark."""
    return Row(name, [packet], 502, "N", after="closed")


ROWS = [
    Row("0 a good one", [ALL], OK, after="kept"),
    broken("80 magic of the other side", b"\x12\x34" + ALL[2:]),
    broken("81 length one too large", b"AB" + u16(8189) + b"\x04" + b"\0" * 100),
    broken("81 length 65535", b"AB\xff\xff" + b"\x04" + b"\0" * 100),
    broken("82 empty packet", b"AB\0\0"),
    Row("83 cut in a packet", [H[:20], "close"], 502, "F"),
    Row("83 cut in a length", [H[:3], "close"], 502, "F"),
    broken("84 body before headers", chunk(BODY) + ALL),
    Row("85 flush before headers", [FLUSH + ALL], OK, after="kept"),
    Row("86 flush after headers", [H + FLUSH + FLUSH + chunk(BODY) + FLUSH + end()], OK, after="kept"),
    Row("86 flush without its NUL", [H + to_server(b"\x03\0\0") + chunk(BODY) + end()], OK, after="kept"),
    Row("87 headers twice", [H + H + chunk(BODY) + end()], CUT, "F", after="closed"),
    broken("88 end without headers", end()),
    broken("88 end before headers, then headers", end() + ALL),
    Row("89 end without its reuse byte", [H + chunk(BODY) + to_server(b"\x05")], OK, after="closed"),
    Row("90 reuse 0", [H + chunk(BODY) + end(0)], OK, after="closed"),
    Row("90 reuse 2", [H + chunk(BODY) + end(2)], OK, after="closed"),
    Row("90 reuse 255", [H + chunk(BODY) + end(255)], OK, after="closed"),
    Row("91 one more reply behind the end", [ALL + headers(("X-Poison", "1")) + chunk(b"x" * len(BODY)) + end()],
        OK, after="closed", modes=("whole", "whole", "whole")),
    Row("91 one more reply a little later", [ALL, 0.03, headers(("X-Poison", "1")) + chunk(b"x" * len(BODY)) + end()],
        OK, after="closed", pause=0.1),
    Row("91 one stray byte behind the end", [ALL + b"A"], OK, after="closed", modes=("whole",) * 3),
    Row("92 end twice", [ALL + end()], OK, after="closed", modes=("whole",) * 3),
    broken("93 type 0b", to_server(b"\x0b")),
    broken("93 type 02", to_server(b"\x02")),
    broken("93 type 0a", to_server(b"\x0a")),
    broken("93 type 00", to_server(b"\x00")),
    broken("94 CPong before headers", CPONG + ALL),
    Row("94 CPong in a body", [H + CPONG + chunk(BODY) + end()], CUT, "F", after="closed"),
    Row("96 body asked for of a GET", [get_body(), lambda link, _: link.packet(), ALL], OK, after="kept"),
    Row("96 body asked for twice", [get_body(), lambda link, _: link.packet(), get_body(),
                                    lambda link, _: link.packet(), ALL], OK, after="kept"),
    Row("96 body asked for three times", [get_body(), lambda link, _: link.packet()] * 2 + [get_body(), 0.2, ALL],
        502, "F", after="closed", modes=("whole",) * 3),
    Row("97 body asked for after the end", [ALL + get_body()], OK, after="closed", modes=("whole",) * 3),
    broken("100 fewer headers than counted", headers(count=5) + chunk(BODY) + end()),
    broken("100 65535 headers", headers(count=65535) + chunk(BODY) + end()),
    nameless("101 header code a000", raw_headers(b"\xa0\x00" + text("x")) + end()),
    nameless("101 header code a00c", raw_headers(b"\xa0\x0c" + text("x")) + end()),
    nameless("101 header code a0ff", raw_headers(b"\xa0\xff" + text("x")) + end()),
    nameless("101 header name of a00c bytes", raw_headers(b"\xa0\x0c" + b"x" * 200) + end()),
    # As Tomcat's HTTP connector does: blanks in their place, and no header begins there.
    *(Row(f"102 {name} in a value", [headers(("X-A", f"1{odd}X-Inj: 1")) + chunk(BODY) + end()], OK, after="kept",
          check=blanked("X-A", f"1{' ' * len(odd)}X-Inj: 1"))
      for name, odd in (("CR LF", "\r\n"), ("LF", "\n"), ("NUL", "\0"), ("DEL", "\x7f"), ("escape", "\x1b"))),
    Row("102 CR LF in Content-Type", [reply(headers=[("Content-Type", "a\r\nX-Inj: 1"), LENGTH]) + chunk(BODY) + end()],
        OK, after="kept", check=blanked("Content-Type", "a  X-Inj: 1")),
    Row("102 CR LF in Content-Length", [reply(headers=[("Content-Length", f"{len(BODY)}\r\n")]) + chunk(BODY) + end()],
        502, "N"),
    Row("102 LF behind a space and before one", [headers(("X-A", " \n1\n ")) + chunk(BODY) + end()], OK, after="kept",
        check=lambda got: got.header("x-a").strip() == "1"),
    # Tomcat and httpd drop such a header; a reply that lost a header is no better than none.
    Row("103 empty header name", [headers(("", "1")) + chunk(BODY) + end()], 502, "N"),
    Row("103 space in a header name", [headers(("X A", "1")) + chunk(BODY) + end()], 502, "N"),
    Row("103 colon in a header name", [headers(("X:A", "1")) + chunk(BODY) + end()], 502, "N"),
    Row("103 CR LF in a header name", [headers(("X\r\nA", "1")) + chunk(BODY) + end()], 502, "N"),
    broken("104 string that does not end in NUL", raw_headers(b"\xa0\x01" + b"\0\1xZ") + end()),
    broken("104 string without room for its NUL", raw_headers(b"\xa0\x01" + b"\0\1x") + end()),
    Row("105 null reason", [headers(reason=None) + chunk(BODY) + end()], OK, after="kept"),
    Row("105 CR LF in the reason", [headers(reason="OK\r\nX-Inj: 1") + chunk(BODY) + end()], OK, after="kept",
        check=no_header("x-inj")),
    Row("105 reason of 8000 bytes", [headers(reason="x" * 8000) + chunk(BODY) + end()], OK, after="kept"),
    Row("106 null value", [headers(("X-Null", None)) + chunk(BODY) + end()], OK, after="kept",
        check=lambda got: got.header("x-null") == ""),
    *(Row(f"107 status {s}", [headers(status=s) + chunk(BODY) + end()], 502, "N") for s in (0, 1, 99, 1000, 65535)),
    *(Row(f"107 status {s} passes", [headers(status=s) + chunk(BODY) + end()], OK, after="kept", check=status_is(s))
      for s in (299, 499, 600, 777, 999)),
    *(Row(f"108 status {s}, then 200", [reply(s, []) + ALL], OK, after="kept") for s in (100, 102, 103)),
    Row("108 interim three times", [reply(100, []) * 3 + ALL], OK, after="kept"),
    Row("109 status 101", [reply(101, [("Upgrade", "websocket")]) + end()], 502, "N"),
    Row("110 chunk longer than its packet", [H + chunk(BODY, length=len(BODY) + 2) + end()], CUT, "F", after="closed"),
    Row("110 chunk of 65535", [H + chunk(BODY, length=65535) + end()], CUT, "F", after="closed"),
    Row("111 slack behind a chunk", [H + chunk(BODY, tail=b"\0" * 6) + end()], OK, after="kept"),
    Row("111 a whole reply as slack", [H + chunk(BODY, tail=b"\0" + ALL) + end()], OK, after="kept"),
    Row("112 chunk without its NUL", [H + chunk(BODY, tail=b"") + end()], OK, after="kept"),
    Row("112 chunk that ends in no NUL", [H + chunk(BODY, tail=b"Z") + end()], OK, after="kept"),
    broken("113 chunk of 1 byte", to_server(b"\x03")),
    broken("113 chunk of 2 bytes", to_server(b"\x03\0")),
    broken("113 headers of 1 byte", to_server(b"\x04")),
    broken("113 headers of 2 bytes", to_server(b"\x04\0")),
    broken("113 headers without a count", to_server(b"\x04\0\xc8\0\0\0")),
    broken("113 get body of 1 byte", to_server(b"\x06")),
    broken("113 get body of 2 bytes", to_server(b"\x06\0")),
    Row("114 Q29 less than Content-Length", [reply(headers=[("Content-Length", "100")]) + chunk(BODY) + end()], CUT, "N"),
    Row("114 nothing of Content-Length", [reply(headers=[("Content-Length", "100")]) + end()], CUT, "N"),
    Row("115 Q29 more than Content-Length", [H + chunk(BODY + b"more") + end()], OK),
    Row("115 another chunk after Content-Length", [H + chunk(BODY) + chunk(b"more") + end()], OK),
    Row("116 closed after headers", [H, "close"], CUT, "F"),
    Row("116 closed after some body", [H + chunk(BODY[:5]), "close"], CUT, "F"),
    # Over HTTP all of Content-Length came.
    Row("116 closed before the end", [H + chunk(BODY), "close"], OK, "F", forward=CUT),
    Row("116 the same without a length", [reply() + chunk(BODY), "close"], CUT, "F"),
    Row("116 reset after some body", [H + chunk(BODY[:5]), 0.05, "reset"], CUT, "F"),
    Row("117 Transfer-Encoding from a worker", [reply(headers=[("Transfer-Encoding", "chunked")]) + chunk(BODY) + end()],
        OK, after="kept"),
    Row("117 the same with a length", [headers(("Transfer-Encoding", "chunked")) + chunk(BODY) + end()], OK),
    Row("117 hop-by-hop headers from a worker",
        [headers(("Connection", "x-b, close"), ("X-B", "1"), ("Keep-Alive", "1"), ("Proxy-Connection", "1"),
                 ("Upgrade", "h2c"), ("Trailer", "X")) + chunk(BODY) + end()], OK, after="kept"),
    *(Row(f"118 Content-Length {v!r}", [reply(headers=[("Content-Length", v)]) + chunk(BODY) + end()], 502, "N")
      for v in ("-1", "+5", "0x5", "", "5, 5", " 5", "9" * 20, "9223372036854775808")),
    Row("118 two lengths", [reply(headers=[LENGTH, ("Content-Length", "5")]) + chunk(BODY) + end()], 502, "N"),
    Row("118 two lengths, one spelled",
        [reply(headers=[LENGTH], count=2, tail=header("content-length", "5")) + chunk(BODY) + end()], 502, "N"),
    Row("119 body on 204", [reply(204, []) + chunk(BODY) + end()], OK, body=b"", after="kept"),
    Row("119 body on 205", [reply(205, [("Content-Length", "5")]) + chunk(b"12345") + end()], OK, body=b"", after="kept"),
    Row("119 body on 304", [reply(304, []) + chunk(BODY) + end()], OK, body=b"", after="kept"),
    Row("119 body on HEAD", [ALL], OK, method="HEAD", body=b"", after="kept"),
    Row("119 length but no body on HEAD", [H + end()], OK, method="HEAD", body=b"", after="kept"),
    Row("121 closed at once", ["close"], 502, "F"),
    Row("121 reset at once", ["reset"], 502, "F"),
    Row("122 junk behind the headers", [headers(tail=b"junk\0\xff") + chunk(BODY) + end()], OK, after="kept"),
    Row("evil 49 headers of a whole packet",
        [reply(headers=[LENGTH, ("X-Long", "x" * (8192 - 4 - 29 - len(str(len(BODY))) + 2))]) + chunk(BODY) + end()],
        OK, after="kept"),
    Row("evil 49 header of many short ones", [reply(headers=[LENGTH, *[("Set-Cookie", "")] * 98]) + chunk(BODY) + end()],
        OK, after="kept"),
    Row("evil 50 two chunks, an empty one first", [H + FLUSH + chunk(BODY[:4]) + chunk(BODY[4:]) + end()], OK,
        after="kept"),
    Row("64 one-byte chunks", [reply(headers=[("Content-Length", "64")]) + b"".join(
        chunk(bytes([65 + i % 26])) for i in range(64)) + end()], OK, after="kept",
        body=bytes(65 + i % 26 for i in range(64))),
]
SLOW = [
    Row("123 never an answer", [lambda link, _: link.packet()], 504, "F"),
    Row("124 one byte at a time, for ever", ["trickle"], 504, "F"),
    Row("124 interim headers for ever", ["interim"], 504, "F"),
    Row("124 flushes for ever", ["flushes"], 504, "F"),
    Row("123 silent within the body", [H + chunk(BODY[:5]), lambda link, _: link.packet()], CUT, "F"),
]
