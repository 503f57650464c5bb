# SPDX-License-Identifier: Apache-2.0
"""AJP/1.3 as bytes: packets of both directions, right and wrong ones, and a client for them."""
import socket
import struct

METHODS = ("OPTIONS GET HEAD POST PUT DELETE TRACE PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK ACL REPORT "
           "VERSION-CONTROL CHECKIN CHECKOUT UNCHECKOUT SEARCH MKWORKSPACE UPDATE LABEL MERGE BASELINE-CONTROL "
           "MKACTIVITY").split()
REQUEST_HEADERS = ("accept accept-charset accept-encoding accept-language authorization connection content-type "
                   "content-length cookie cookie2 host pragma referer user-agent").split()
RESPONSE_HEADERS = ("Content-Type Content-Language Content-Length Date Last-Modified Location Set-Cookie "
                    "Set-Cookie2 Servlet-Engine Status WWW-Authenticate").split()
STORED = 255
CPING = b"\x12\x34\x00\x01\x0a"
CPONG = b"AB\x00\x01\x09"
BODY_END = b"\x12\x34\x00\x00"


def u16(n):
    return struct.pack(">H", n)


def text(value):
    """A string as AJP has it; None is the null string."""
    if value is None:
        return b"\xff\xff"
    value = value.encode("latin-1") if isinstance(value, str) else value
    return u16(len(value)) + value + b"\0"


def header(name, value):
    """NAME: a code (an int), a string, or the raw bytes of either."""
    if isinstance(name, int):
        name = u16(name)
    elif isinstance(name, str):
        name = text(name)
    return name + text(value)


# --- towards a container ---

def to_container(payload):
    return b"\x12\x34" + u16(len(payload)) + payload


def request(method=2, uri="/", protocol="HTTP/1.1", addr="192.0.2.1", host=None, server="localhost", port=80,
            ssl=0, headers=(), attributes=b"", count=None, end=b"\xff"):
    """A Forward Request; METHOD is a code or a name."""
    if isinstance(method, str):
        method = METHODS.index(method) + 1
    return to_container(
        bytes([2, method]) + text(protocol) + text(uri) + text(addr) + text(host) + text(server) +
        u16(port) + bytes([ssl]) + u16(len(headers) if count is None else count) +
        b"".join(header(*h) for h in headers) + attributes + end)


def attribute(code, value):
    return bytes([code]) + text(value)


def named(name, value):
    return b"\x0a" + text(name) + text(value)


def data(body, length=None):
    return to_container(u16(len(body) if length is None else length) + body)


# --- towards a web server ---

def to_server(payload):
    return b"AB" + u16(len(payload)) + payload


def reply(status=200, headers=(("Content-Type", "text/plain"),), reason="OK", count=None, tail=b""):
    coded = [(0xA001 + RESPONSE_HEADERS.index(n) if n in RESPONSE_HEADERS else n, v) for n, v in headers]
    return to_server(b"\x04" + u16(status) + text(reason) + u16(len(coded) if count is None else count) +
                     b"".join(header(*h) for h in coded) + tail)


def chunk(body, length=None, tail=b"\0"):
    return to_server(b"\x03" + u16(len(body) if length is None else length) + body + tail)


FLUSH = chunk(b"")


def end(reuse=1):
    return to_server(b"\x05" + bytes([reuse]))


def get_body(length=8186):
    return to_server(b"\x06" + u16(length))


def whole_reply(body, status=200, headers=(), reuse=1):
    return reply(status, [("Content-Length", str(len(body))), *headers]) + chunk(body) + end(reuse)


# --- reading ---

class Reader:
    """Walks the payload of a packet."""

    def __init__(self, payload):
        self.payload = payload
        self.at = 0

    def u8(self):
        self.at += 1
        return self.payload[self.at - 1]

    def u16(self):
        self.at += 2
        return struct.unpack_from(">H", self.payload, self.at - 2)[0]

    def text(self, length=None):
        length = self.u16() if length is None else length
        if length == 0xffff:
            return None
        value = self.payload[self.at:self.at + length]
        assert len(value) == length and self.payload[self.at + length] == 0, "string with its NUL"
        self.at += length + 1
        return value.decode("latin-1")

    def headers(self, names):
        found = []
        for _ in range(self.u16()):
            word = self.u16()
            name = names[word - 0xA001] if word >= 0xA000 else self.text(word)
            found.append((name, self.text()))
        return found


class Request:
    """A Forward Request, taken apart. Raises unless it is canonical: exact length, known attributes."""

    def __init__(self, payload):
        r = Reader(payload)
        self.payload = payload
        assert r.u8() == 2, "type of a Forward Request"
        code = r.u8()
        self.method = METHODS[code - 1] if code != STORED else None
        self.protocol, self.uri = r.text(), r.text()
        self.addr, self.host, self.server = r.text(), r.text(), r.text()
        self.port, self.ssl = r.u16(), r.u8()
        self.headers = r.headers(REQUEST_HEADERS)
        self.attributes = []
        while (code := r.u8()) != 0xff:
            assert 1 <= code <= 0x0d, f"attribute {code}"
            if code == 0x0a:
                self.attributes.append((r.text(), r.text()))
            elif code == 0x0b:
                self.attributes.append((code, r.u16()))
            else:
                self.attributes.append((code, r.text()))
        assert r.at == len(payload), "nothing behind the end of the request"
        if self.method is None:
            self.method = self.attribute(0x0d)

    def header(self, name):
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    def attribute(self, code):
        return next((v for c, v in self.attributes if c == code), None)

    @property
    def length(self):
        value = self.header("content-length")
        return int(value) if value is not None else None


def receive(sock, length):
    """LENGTH bytes, or fewer when the peer ends before."""
    parts = []
    while length > 0:
        try:
            part = sock.recv(min(length, 1 << 20))
        except ConnectionError:
            break
        if not part:
            break
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def packet(sock, magic):
    """The next packet's payload, None at the end of the connection."""
    head = receive(sock, 4)
    if len(head) < 4:
        return None
    assert head[:2] == magic, f"magic {head!r}"
    payload = receive(sock, struct.unpack(">H", head[2:])[0])
    return payload if len(payload) == struct.unpack(">H", head[2:])[0] else None


class Reply:
    """What came back over AJP. complete: End Response was seen, with .reuse."""

    def __init__(self):
        self.status, self.reason, self.headers, self.body = None, None, [], bytearray()
        self.complete, self.reuse = False, None
        self.kinds = []  # of its packets, in order: (type, body length)

    def header(self, name):
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    def __repr__(self):
        return f"<{self.status} {self.body[:80]!r} complete={self.complete} reuse={self.reuse}>"


class AjpClient:
    """A web server's side of one connection."""

    def __init__(self, port, timeout=5, receive_buffer=None):
        self.sock = socket.socket()
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(timeout)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, *packets):
        for each in packets:
            self.sock.sendall(each)

    def read_reply(self, body=None):
        """Reads to End Response or the end of the connection; BODY: an iterator of packets, one for each
        Get Body Chunk (b"" bodies end it)."""
        got = Reply()
        body = iter(body or ())
        while (payload := packet(self.sock, b"AB")) is not None:
            r = Reader(payload)
            kind = r.u8()
            got.kinds.append((kind, len(payload) - 4 if kind == 3 else 0))
            if kind == 4:
                got.status, got.reason = r.u16(), r.text()
                got.headers = r.headers(RESPONSE_HEADERS)
                assert r.at == len(payload), "nothing behind the headers"
            elif kind == 3:
                length = r.u16()
                assert len(payload) == length + 4 and payload[-1] == 0, "chunk of exact length"
                got.body += payload[3:3 + length]
            elif kind == 6:
                self.send(next(body, BODY_END))
            elif kind == 5:
                got.complete, got.reuse = True, r.u8()
                return got
            else:
                raise AssertionError(f"packet of type {kind}")
        return got

    def exchange(self, *packets, body=None):
        try:
            self.send(*packets)
        except ConnectionError:
            pass
        return self.read_reply(body)

    def closed(self, deadline=5):
        """Whether the peer ends the connection without another byte."""
        before = self.sock.gettimeout()
        self.sock.settimeout(deadline)
        try:
            return self.sock.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False
        finally:
            self.sock.settimeout(before)

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
