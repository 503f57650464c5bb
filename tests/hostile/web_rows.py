# SPDX-License-Identifier: Apache-2.0
"""What a web server may send, rows 1 to 79 of the reliability table: the packets, and the reaction.

A script is a list: bytes are sent, a number is a pause, "eof" ends our side of the connection. Reactions:
DROP (closed without a word), a status that we answer ourselves before we close, OK (the worker's answer to
this very request), PONG (one CPong for each CPing; the connection goes on). `reaches`: how often the worker
may see the request.

"""
import dataclasses

from ajpwire import BODY_END, CPING, METHODS, attribute, data, named, request, text, to_container, u16

OK, DROP, PONG = "ok", "drop", "pong"
ID = ("x-id", "@@@@@@@@")  # the number goes in here, so that lengths stay


def get(uri="/x", headers=(), **options):
    return request(options.pop("method", "GET"), uri, headers=[(0xA00B, "h"), *headers, ID], **options)


def post(length, headers=(), **options):
    coded = [] if length is None else [(0xA008, str(length))]
    return get(method=options.pop("method", "POST"), headers=[*coded, *headers], **options)


def raw(block, count=1, attributes=b"", end=b"\xff"):
    """A GET whose header block is given as bytes."""
    return to_container(b"\2\2" + text("HTTP/1.1") + text("/x") + text("192.0.2.1") + text(None) + text("h") +
                        u16(80) + b"\0" + u16(count) + block + attributes + end)


def spoiled(packet, at, byte):
    return packet[:at] + bytes([byte]) + packet[at + 1:]


@dataclasses.dataclass
class Row:
    name: str
    script: list
    reaction: object
    reaches: int = 0
    body: bytes = b""         # as the worker must see it
    packets: tuple = ()       # answers to Get Body Chunk
    goes_on: bool = True      # after OK
    check: object = None      # of the request that the worker saw
    modes: tuple = ("whole", "bytes", "split")


def fine(name, packet, **options):
    return Row(name, [packet], OK, reaches=1, **options)


def bad(name, packet, status=400, **options):
    return Row(name, [packet], status, **options)


B0 = get()
OFFSET = {"method": 5, "proto": 6, "uri": 17, "uri_end": 21}


def lies(packet, length):
    return packet[:2] + u16(length) + packet[4:]


FRAMING = [
    fine("0 a good one", B0),
    Row("1 magic of the other side", [b"AB" + B0[2:]], DROP),
    Row("2 magic 12 35", [b"\x12\x35" + B0[2:]], DROP),
    Row("2 zeros", [b"\0" * 64], DROP),
    Row("2 HTTP", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"], DROP),
    Row("2 TLS", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64], DROP),
    # Framing is lost, or was never there: nothing that we say could be understood for sure.
    Row("3 an empty packet first", [BODY_END], DROP),
    Row("4 an empty packet, then CPing", [BODY_END + CPING], DROP),
    Row("5 length one too large", [b"\x12\x34" + u16(8189) + b"\2" * 100], DROP),
    Row("6 length 65535", [b"\x12\x34\xff\xff" + b"\2" * 10], DROP),
    *(Row(f"7 {n} bytes, then the end", [B0[:n], "eof"], DROP) for n in (1, 2, 3)),
    Row("8 a header, then the end", [B0[:4], "eof"], DROP),
    Row("8 half a request, then the end", [B0[:len(B0) // 2], "eof"], DROP),
    Row("9 half a request, then silence", [B0[:len(B0) // 2]], DROP, modes=("whole",)),
    *(Row(f"{row} type {kind:02x}", [to_container(bytes([kind]) + B0[5:])], DROP) for row, kind in
      ((11, 0), (11, 1), (12, 3), (12, 4), (12, 5), (12, 6), (13, 7), (14, 8), (15, 9), (21, 11), (21, 255))),
    Row("13 shutdown", [b"\x12\x34\0\1\7"], DROP),
    Row("14 ping", [b"\x12\x34\0\1\x08"], DROP),
    Row("15 CPong to a server", [b"\x12\x34\0\1\x09"], DROP),
    Row("16 CPing", [CPING], PONG),
    Row("16 CPing three times", [CPING * 3], PONG),
    Row("17 CPing with slack", [b"\x12\x34\0\4\x0a\0\0\xff"], PONG),
    Row("18 CPing with a request as slack", [to_container(b"\x0a" + B0)], PONG),
]

TRUNCATED = [bad(f"S-04 cut to {n} bytes of payload", to_container(B0[4:4 + n]), modes=("whole",))
             for n in range(1, len(B0) - 4)]

CONTENTS = [
    bad("22 method 0", get(method=0)),
    *(bad(f"23 method {m:02x}", get(method=m), modes=("whole",)) for m in (28, 29, 127, 128, 253, 254)),
    *(fine(f"23 method {m}", get(method=m), modes=("whole",), check=lambda r, m=m: r.method == m)
      for m in METHODS if m not in ("HEAD", "PUT", "POST")),
    bad("24 stored method without its name", get(method=255)),
    fine("24 stored method", get(method=255, attributes=attribute(0x0d, "FOO")), check=lambda r: r.method == "FOO"),
    bad("25 method GET and a stored one", get(attributes=attribute(0x0d, "FOO"))),
    *(bad(f"26 stored method {m!r}", get(method=255, attributes=attribute(0x0d, m)))
      for m in ("G ET", "G\r\nET", "", "G\0", "G:")),
    bad("26 null stored method", get(method=255, attributes=attribute(0x0d, None))),
    bad("27 null protocol", get(protocol=None)),
    fine("28 protocol http", get(protocol="http"), check=lambda r: r.protocol == "http"),
    fine("28 protocol HTTP/1.x", get(protocol="HTTP/1.x"), check=lambda r: r.protocol == "HTTP/1.x"),
    bad("28 protocol with CR LF", get(protocol="HTTP/1.1\r\n")),
    bad("29 null uri", get(None)),
    bad("30 empty uri", get("")),
    bad("31 uri without its slash", get("x")),
    bad("31 absolute uri", get("http://evil/p")),
    bad("31 star with GET", get("*")),
    fine("31 star with OPTIONS", get("*", method="OPTIONS")),
    bad("32 NUL in the uri", get("/a\0b")),
    bad("32 CR LF in the uri", get("/a\r\nb")),
    bad("33 uri does not end in NUL", spoiled(B0, OFFSET["uri_end"], 0x5a)),
    *(bad(f"34 uri of {n:04x} bytes", B0[:17] + u16(n) + B0[19:]) for n in (0x7000, 0x8000, 0xa000, 0xfffe)),
    bad("36 string up to the end of the packet", to_container(b"\2\2" + text("HTTP/1.1") + u16(2) + b"/x")),
    fine("37 null remote address", get(addr=None)),
    fine("37 remote address that is none", get(addr="not an address"), check=lambda r: r.addr == "not an address"),
    fine("37 remote address of 300 bytes", get(addr="x" * 300)),
    bad("37 remote address with LF", get(addr="1\n2")),
    fine("38 null remote host", get(host=None)),
    fine("38 remote host", get(host="client.example.com"), check=lambda r: r.host == "client.example.com"),
    fine("39 null server name", get(server=None), check=lambda r: r.server is None),
    bad("39 server name with NUL", get(server="a\0b")),
    fine("40 port 0", get(port=0), check=lambda r: r.port == 0),
    fine("40 port 65535", get(port=65535), check=lambda r: r.port == 65535),
    fine("41 is_ssl 2", get(ssl=2), check=lambda r: r.ssl == 1),
    fine("41 is_ssl 255", get(ssl=255), check=lambda r: r.ssl == 1),
    bad("42 one header less than counted", get(count=3)),
    bad("43 headers, but a count of 0", get(count=0)),
    bad("43 one header more than counted", get(count=1)),
    bad("44 65535 headers", get(count=65535)),
    bad("45 101 headers", get(headers=[("x", "y")] * 99)),
    fine("45 100 headers", get(headers=[("x", "y")] * 98)),
    *(bad(f"{row} header code {code:04x}", raw(u16(code) + text("x"))) for row, code in
      ((46, 0xa000), (47, 0xa00f), (47, 0xa0ff), (48, 0xa100), (48, 0xb000), (48, 0xfffe))),
    bad("49 null header name", raw(b"\xff\xff" + text("x"))),
    bad("50 empty header name", get(headers=[("", "x")])),
    *(bad(f"51 header name {n!r}", get(headers=[(n, "x")])) for n in
      ("a b", "a:", ":a", "a\r\nb", "a\0", "\x7f", "a\xe9", "a\t", "a(", "a/")),
    fine("52 null header value", get(headers=[("x-null", None)]), check=lambda r: r.header("x-null") == ""),
    *(bad(f"53 header value {v!r}", get(headers=[("x-v", v)])) for v in ("a\r\nb", "a\nb", "a\rb", "a\0b", "\x01", "\x7f")),
    fine("55 obs-text and tabs in a value", get(headers=[("x-v", "\xe9\t\xff")]),
         check=lambda r: r.header("x-v") == "\xe9\t\xff"),
    bad("56 no end of the attributes", get(end=b"")),
    fine("57 junk behind the end", get(end=b"\xffJUNK")),
    fine("58 a request behind the end", get(end=b"\xff" + B0)),
    fine("57 what Tomcat's own test client sends", get(end=b"\xff\0\0\xff")),
    *(bad(f"59 attribute {code:02x}", get(attributes=bytes([code]) + text("x")), modes=("whole", "split"))
      for code in (0x0e, 0x0f, 0x10, 0x20, 0x7f, 0x80, 0xfe)),
    bad("59 a query string inside an unknown attribute",
        get(attributes=b"\x0e\x00\x20\x05\x00\x06evil=1\x00\x20" + b" " * 32 + b"\0")),
    bad("60 attribute 00", get(attributes=b"\0" + text("x"))),
    *(bad(f"60a Q22 attribute named {n}", get(attributes=named(n, "1")), 403) for n in (
        "javax.servlet.include.request_uri", "jakarta.servlet.include.path_info", "javax.servlet.forward.request_uri",
        "jakarta.servlet.error.status_code", "org.apache.catalina.filters.x", "evil", "AJP_REMOTE_PORT2", "ajp_remote_port",
        "context", "servlet_path", "remote_user", "auth_type", "query_string", "route", "jvm_route", "ssl_cert",
        "ssl_cipher", "ssl_session", "req_attribute", "ssl_key_size", "secret", "stored_method")),
    bad("60a null attribute name", get(attributes=named(None, "1"))),
    bad("60a empty attribute name", get(attributes=named("", "1"))),
    bad("60a attribute with LF", get(attributes=named("AJP_LOCAL_ADDR", "1\n2"))),
    fine("60a AJP_LOCAL_ADDR", get(attributes=named("AJP_LOCAL_ADDR", "10.3.2.1")),
         check=lambda r: r.attribute("AJP_LOCAL_ADDR") == "10.3.2.1"),
    bad("60b key size of 1 byte", get(attributes=b"\x0b\x01", end=b"")),
    *(fine(f"60c AJP_REMOTE_PORT={v!r}", get(attributes=named("AJP_REMOTE_PORT", v)),
           check=lambda r: r.attribute("AJP_REMOTE_PORT") is None) for v in ("abc", "99999", "-1", "", "65536", " 1")),
    fine("60c AJP_REMOTE_PORT=65535", get(attributes=named("AJP_REMOTE_PORT", "65535")),
         check=lambda r: r.attribute("AJP_REMOTE_PORT") == "65535"),
    *(bad(f"60d attribute {c:02x} twice", get(attributes=attribute(c, "x") * 2)) for c in (3, 4, 5, 6, 7, 8, 9, 0x0c)),
    bad("60d stored method twice", get(method=255, attributes=attribute(0x0d, "FOO") * 2)),
    fine("60f certificate of garbage", get(attributes=attribute(7, bytes(range(256)) * 28)),
         check=lambda r: len(r.attribute(7)) == 7168),
    fine("06 secret where none is asked for", get(attributes=attribute(0x0c, "s")),
         check=lambda r: r.attribute(0x0c) is None),
    fine("01 context and servlet path are dropped", get(attributes=attribute(1, "c") + attribute(2, "s")),
         check=lambda r: r.attribute(1) is None and r.attribute(2) is None),
]

BODIES = [
    *(bad(f"61 Content-Length {v!r}", post(v)) for v in
      ("-1", "+5", "0x5", "", "5, 5", " 5", "5 ", "9" * 20, "9223372036854775808", "5\t", "1e3", "5;")),
    fine("61 Content-Length 0", post(0)),
    fine("61 Content-Length 00000000000000000005", post("00000000000000000005") + data(b"hello"), body=b"hello",
         modes=("whole", "split")),
    # It comes at the place of the next request, and is taken for one: refused as such.
    Row("62 a body packet that was not asked for", [B0 + data(b"hello"), 0.2], OK, reaches=1, goes_on=False),
    Row("62 one of length 0202, a request for Tomcat", [B0 + data(b"/SMUGGLED" + b"x" * (0x202 - 9)), 0.2], OK, reaches=1,
        goes_on=False, modes=("whole", "split")),
    *(bad(f"63 two lengths: {name}", get(method="POST", headers=block)) for name, block in (
        ("coded", [(0xA008, "5"), (0xA008, "5")]), ("one spelled", [(0xA008, "5"), ("content-length", "5")]),
        ("other case", [("Content-Length", "5"), ("CONTENT-LENGTH", "6")]))),
    bad("64 length and transfer-encoding", post(5, [("transfer-encoding", "chunked")])),
    bad("64 the other way round", get(method="POST", headers=[("Transfer-Encoding", "chunked"), (0xA008, "5")])),
    fine("65 Q20 chunked", post(None, [("transfer-encoding", "chunked")]), body=b"hello world",
         check=lambda r: r.header("transfer-encoding") == "chunked",  # Undertow wants it
         packets=(data(b"hello "), data(b"world"), BODY_END)),
    fine("65 neither, as mod_jk may send it", post(None), body=b"hello", packets=(data(b"hello"), BODY_END)),
    bad("66 no body packet comes", post(10), 408, reaches=1, modes=("whole",)),
    bad("66 half a body packet comes", post(10) + data(b"0123456789")[:9], 408, reaches=1, modes=("whole",)),
    bad("67 more length than packet", post(10) + to_container(u16(20) + b"0123456789"), reaches=1),
    fine("68 slack behind the body", post(10) + to_container(u16(10) + b"0123456789" + b"\0\0\xff"), body=b"0123456789"),
    bad("69 length ffff", post(10) + to_container(b"\xff\xff" + b"0123456789"), reaches=1),
    bad("70 packet of 1 byte", post(10) + b"\x12\x34\0\1\0", reaches=1),
    bad("71 no length of its own, as lighttpd sends it", post(10) + to_container(b"ABCDEFGHIJ"), reaches=1),
    fine("72 short end of body", post(None), body=b"", packets=(BODY_END,)),
    fine("72 long end of body", post(None), body=b"", packets=(data(b""),)),
    bad("73 the end before all of it", post(10) + data(b"12345") + BODY_END, reaches=1),
    bad("73 the end at once", post(10) + BODY_END, reaches=1),
    bad("73 the long end at once", post(10) + data(b""), reaches=1),
    bad("74 more than Content-Length", post(5) + data(b"0123456789"), reaches=1),
    Row("75 more than was asked for", [post(None)], 400, reaches=1, packets=(data(b"x" * 2000),), modes=("whole",)),
    bad("77 a request in place of the body", post(10) + B0, reaches=1),
    bad("77 CPing in place of the body", post(10) + CPING, reaches=1),
    fine("79 body in one packet", post(5) + data(b"hello"), body=b"hello"),
    fine("79 body in two packets", post(11) + data(b"hello "), body=b"hello world", packets=(data(b"world"),)),
]
ROWS = [row for row in FRAMING + TRUNCATED + CONTENTS + BODIES if row.modes]
