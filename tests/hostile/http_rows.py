# SPDX-License-Identifier: Apache-2.0
"""What an HTTP client may send, P-01 to P-23 of the reliability table. A status from 400 on means: we
answer that and close, and no worker hears of it. OK: the worker's answer, `seen` judges what it got."""
import dataclasses

OK = 200
HEAD = "Host: h\r\nX-Id: @@@@@@@@\r\n"


@dataclasses.dataclass
class Row:
    name: str
    data: bytes
    status: int = 400
    seen: object = None
    body: bytes = b""
    modes: tuple = ("whole", "bytes", "split")
    silent: bool = False  # a close without a reply will do, too
    head: bool = False
    keeps: bool = False   # refused, but framed well: the connection goes on


def req(fields="", body=b"", line="GET /p HTTP/1.1", host=HEAD):
    block = (line + "\r\n" + host + fields + "\r\n").encode("latin-1")
    return block + body


def post(fields, body=b"", **options):
    return req(fields, body, "POST /p HTTP/1.1", **options)


CHUNKED = "Transfer-Encoding: chunked\r\n"
SMUGGLED = b"GET /SMUGGLED HTTP/1.1\r\nHost: h\r\nX-Id: SMUGGLED\r\n\r\n"


def header(name, value):
    return lambda r: [v for n, v in r.headers if n.lower() == name] == ([] if value is None else [value])


ROWS = [
    Row("a good one", req(), OK),
    Row("P-01 length and chunked", post("Content-Length: 5\r\n" + CHUNKED, b"0\r\n\r\n" + SMUGGLED)),
    Row("P-01 the other way round", post(CHUNKED + "Content-Length: 5\r\n", b"0\r\n\r\n" + SMUGGLED)),
    *(Row(f"P-02 Content-Length {v!r}", post(f"Content-Length: {v}\r\n", b"hello" + SMUGGLED), modes=("whole", "split"))
      for v in ("5, 5", "+5", "-1", "0x5", "5 5", "", "9" * 20, "5;", "5,", "\x0b5", "9223372036854775808")),
    Row("P-02 two lengths", post("Content-Length: 5\r\nContent-Length: 5\r\n", b"hello" + SMUGGLED)),
    Row("P-02 two other lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n", b"hello" + SMUGGLED)),
    *(Row(f"P-03 Transfer-Encoding {v!r}", post(f"Transfer-Encoding: {v}\r\n", b"x" * 514), 400)
      for v in ("chunked, chunked", "xchunked", "\x0bchunked", "identity", "chunked, gzip", "", "chunked;q=1", "chunke d")),
    *(Row(f"P-03 Transfer-Encoding {v!r}", post(f"Transfer-Encoding: {v}\r\n", b"x" * 514), 501)
      for v in ("gzip, chunked", "identity, chunked", ",chunked")),
    Row("P-03 Transfer-Encoding twice", post(CHUNKED * 2, b"0\r\n\r\n")),
    Row("P-03 the last coding in a line of its own", post("Transfer-Encoding: gzip\r\n" + CHUNKED, b"0\r\n\r\n"), 501),
    Row("P-03 chunked, and a line behind it", post(CHUNKED + "Transfer-Encoding: gzip\r\n", b"0\r\n\r\n")),
    Row("P-03 chunked in HTTP/1.0", req(CHUNKED, b"0\r\n\r\n", "POST /p HTTP/1.0")),
    Row("P-03 case of chunked", post("transfer-ENCODING: CHUNKED\r\n", b"5\r\nhello\r\n0\r\n\r\n"), OK, body=b"hello"),
    *(Row(f"P-04 chunk size {v!r}", post(CHUNKED, v.encode() + b"\r\nhello\r\n0\r\n\r\n"))
      for v in ("+5", "0x5", "-1", "0" * 17 + "5", " 5", "5 5", "", "g", "5;" + "x" * 300, "\t5")),
    Row("P-04 bare LF behind a size", post(CHUNKED, b"5\nhello\r\n0\r\n\r\n")),
    Row("P-04 no CRLF behind the data", post(CHUNKED, b"5\r\nhelloX\r\n0\r\n\r\n")),
    Row("P-04 LF behind the data", post(CHUNKED, b"5\r\nhello\n0\r\n\r\n")),
    Row("P-04 NUL in an extension", post(CHUNKED, b"5;a=\0\r\nhello\r\n0\r\n\r\n")),
    Row("P-04 an extension", post(CHUNKED, b"5;a=b\r\nhello\r\n0\r\n\r\n"), OK, body=b"hello"),
    Row("P-04 blanks before an extension", post(CHUNKED, b"5 ; a=b\r\nhello\r\n0\r\n\r\n"), OK, body=b"hello"),
    Row("P-04 blanks and no extension", post(CHUNKED, b"5 \r\nhello\r\n0\r\n\r\n")),
    Row("P-05 trailers are dropped", post(CHUNKED, b"5\r\nhello\r\n0\r\nX-Evil: 1\r\nContent-Length: 9\r\n\r\n"), OK, body=b"hello",
        seen=header("x-evil", None)),
    Row("P-05 a trailer that is none", post(CHUNKED, b"5\r\nhello\r\n0\r\nX Evil: 1\r\n\r\n")),
    *(Row(f"P-06 {name}", req(line)) for name, line in (
        ("bare CR", "X: a\rb\r\n"), ("bare LF in a value", "X: a\nY: b\r\n"), ("NUL", "X: a\0b\r\n"), ("control", "X: a\x01\r\n"),
        ("DEL", "X: a\x7f\r\n"), ("folded line", "X: a\r\n b\r\n"), ("folded with a tab", "X: a\r\n\tb\r\n"),
        ("space before the colon", "X : a\r\n"), ("empty name", ": a\r\n"), ("no colon", "X\r\n"), ("name of no token", "X(: a\r\n"),
        ("name above 7f", "X\xe9: a\r\n"), ("NUL in a name", "X\0: a\r\n"))),
    Row("P-06 space before the first header", b"GET /p HTTP/1.1\r\n Host: h\r\n\r\n"),
    Row("P-06 LF for CRLF", b"GET /p HTTP/1.1\nHost: h\n\n"),
    Row("P-06 obs-text in a value", req("X-V: \xe9\r\n"), OK, seen=header("x-v", "\xe9")),
    Row("P-07 names with _ are dropped", req("X_Forwarded_For: 6.6.6.6\r\n"), OK, seen=header("x_forwarded_for", None)),
    Row("P-08 no Host", b"GET /p HTTP/1.1\r\n\r\n"),
    Row("P-08 two Hosts", req("Host: h\r\n")),
    *(Row(f"P-08 Host {h!r}", req(host=f"Host: {h}\r\n")) for h in ("a b", "a/b", "a@b", "a:b", "a:99999", "[::1", "a,b", "a\\b", "a?b")),
    Row("P-08 an empty Host", b"GET /p HTTP/1.1\r\nHost: \r\nX-Id: @@@@@@@@\r\n\r\n", OK,
        seen=lambda r: r.header("host") == "" and r.server == "127.0.0.1" and r.port > 0),
    Row("P-08 absolute form and an empty Host", b"GET http://h:81/p HTTP/1.1\r\nHost:\r\nX-Id: @@@@@@@@\r\n\r\n", OK,
        seen=lambda r: r.header("host") == "h:81" and r.server == "h" and r.port == 81),
    Row("P-08 absolute form", req(line="GET http://h/p HTTP/1.1"), OK, seen=lambda r: r.uri == "/p"),
    Row("P-08 absolute form of another host", req(line="GET http://evil/p HTTP/1.1"), OK,
        seen=lambda r: r.uri == "/p" and r.header("host") == "evil"),
    Row("P-09 OPTIONS *", req(line="OPTIONS * HTTP/1.1"), OK, seen=lambda r: r.uri == "*"),
    Row("P-09 GET *", req(line="GET * HTTP/1.1")),
    Row("P-09 CONNECT", req(line="CONNECT h:443 HTTP/1.1"), (405, 400, 501)),
    Row("P-09 authority form", req(line="GET h:443 HTTP/1.1")),
    *(Row(f"P-10 target {t!r}", req(line=f"GET {t} HTTP/1.1")) for t in
      ("/a\x01", "/a\x7f", "/a\xe9", "/a\\b", "/a%00b", "/a%zz", "/a%2", "/a b", "", "/a\tb", "/a%0", "p")),
    Row("P-11 %2f", req(line="GET /a%2fb HTTP/1.1")),
    Row("P-11 %5c", req(line="GET /a%5Cb HTTP/1.1")),
    *(Row(f"P-12 {t}", req(line=f"GET {t} HTTP/1.1")) for t in
      ("/../x", "/a/../../x", "/a/..;/x", "/%2e%2e/x", "/a/%2e%2e;b=c/../../x", "/..;a=b/x", "/.%2e/x")),
    *(Row(f"P-13 {t} goes on as it is", req(line=f"GET {t} HTTP/1.1"), OK, seen=lambda r, t=t: r.uri == t)
      for t in ("/a//b", "/a/./b", "/a;x=y/b", "/a%20b", "/%3ffoo.jsp", "/a%0d%0aX")),
    Row("P-14 the query is an attribute", req(line="GET /p?a=b?c&d=%zz HTTP/1.1"), (200, 400),
        seen=lambda r: r.uri == "/p" and r.attribute(5) == "a=b?c&d=%zz"),
    Row("P-14 a fragment", req(line="GET /p#f HTTP/1.1")),
    Row("P-15 request line", req(line="GET /" + "x" * 8000 + " HTTP/1.1"), 414, modes=("whole", "split")),
    Row("P-15 101 headers", req("X: y\r\n" * 101), 431, modes=("whole", "split")),
    Row("P-15 one long header", req("X: " + "y" * 17000 + "\r\n"), 431, modes=("whole", "split")),
    Row("P-15 more than a packet", req("".join(f"X-{i}: {'y' * 900}\r\n" for i in range(10))), 431, modes=("whole", "split"),
        keeps=True),
    Row("P-16 an expectation", post("Expect: the-unexpected\r\nContent-Length: 5\r\n", b"hello"), 417),
    Row("P-17 Upgrade is dropped", req("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"), OK,
        seen=lambda r: header("upgrade", None)(r) and header("http2-settings", None)(r) and header("connection", None)(r)),
    Row("P-18 what Connection names is dropped", req("Connection: x-a, host\r\nX-A: 1\r\nKeep-Alive: 1\r\nTE: trailers\r\n"
                                                     "Proxy-Connection: x\r\nTrailer: a\r\n"), OK,
        seen=lambda r: [n for n, _ in r.headers] == ["host", "X-Id", "content-length"]),
    Row("P-18 Connection: content-length", post("Connection: content-length\r\nContent-Length: 5\r\n", b"hello"), (200, 400), body=b"hello"),
    Row("P-19 Proxy is dropped", req("Proxy: http://evil/\r\n"), OK, seen=header("proxy", None)),
    Row("P-20 forwarded-for does not set the address", req("X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n"), OK,
        seen=lambda r: r.addr == "127.0.0.1" and r.ssl == 0),
    Row("P-21 certificates of clients", req("SSL_CLIENT_CERT: x\r\nX-SSL-Client-Cert: y\r\nX-Client-Cert: z\r\nAJP_REMOTE_PORT: 1\r\n"
                                            "javax.servlet.include.path_info: /WEB-INF/web.xml\r\n"), OK,
        seen=lambda r: r.ssl == 0 and r.attribute(7) is None and r.attribute("AJP_REMOTE_PORT") != "1"
        and r.attribute("javax.servlet.include.path_info") is None),
    Row("P-22 no remote user", req("Authorization: Basic YTpi\r\nX-Remote-User: root\r\n"), OK,
        seen=lambda r: r.attribute(3) is None and r.attribute(4) is None),
    Row("P-23 a route out of a cookie", req("Cookie: JSESSIONID=1.w\"; x=../../etc\r\n"), OK, modes=("whole",)),
    *(Row(f"line {t!r}", (t + "\r\n" + HEAD + "\r\n").encode("latin-1"), (400, 501, 505)) for t in
      ("GET /p", "GET /p HTTP/2.0", "GET /p HTTP/1.2.3", "GET /p http/1.1", "GET  /p HTTP/1.1", "GET /p  HTTP/1.1", " GET /p HTTP/1.1",
       "G\0T /p HTTP/1.1", "G(T /p HTTP/1.1", "GET /p HTTP/1.1 ", "GET\t/p\tHTTP/1.1", "PRI * HTTP/2.0")),
    *(Row(f"HTTP/1.{minor} is served as 1.1", req(line=f"GET /p HTTP/1.{minor}"), OK,
          seen=lambda r: r.protocol == "HTTP/1.1") for minor in (2, 9)),
    Row("a refused HEAD has no body", req(line="HEAD /../x HTTP/1.1"), head=True, modes=("whole", "split")),
    Row("a refused HEAD behind an empty line", b"\r\n" + req("X: a\x01\r\n", line="HEAD /p HTTP/1.1"), head=True),
    Row("half a HEAD, then silence", req(line="HEAD /p HTTP/1.1")[:30], 408, silent=True, head=True, modes=("whole",)),
    Row("an unknown method", req(line="FOO /p HTTP/1.1"), OK, seen=lambda r: r.method == "FOO"),
    Row("HEAD", req(line="HEAD /p HTTP/1.1"), OK, head=True, modes=("whole",)),
    Row("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64, silent=True),
    Row("AJP", b"\x12\x34\0\1\x0a", silent=True, modes=()),
    Row("half a head, then silence", req()[:30], 408, silent=True, modes=("whole",)),
    Row("a body that does not come", post("Content-Length: 10\r\n", b"12345"), 408, modes=("whole",)),
    Row("a chunk that does not come", post(CHUNKED, b"a\r\n12345"), 408, modes=("whole",)),
]
ROWS = [row for row in ROWS if row.modes]
