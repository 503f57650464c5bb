# SPDX-License-Identifier: Apache-2.0
"""An HTTP/1.1 client that sends any bytes and judges strictly what comes back."""
import re
import socket


class HttpReply:
    """complete: framing says that all of it came; closed: the server ended the connection."""

    def __init__(self):
        self.status, self.headers, self.body = None, [], b""
        self.complete, self.closed, self.interim = False, False, []

    def header(self, name):
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    def __repr__(self):
        return f"<{self.status} {self.body[:80]!r} complete={self.complete} closed={self.closed}>"


class HttpClient:
    def __init__(self, port, timeout=5, receive_buffer=None):
        self.sock = socket.socket()
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(timeout)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.seen = b""

    def send(self, data):
        self.sock.sendall(data)

    def _more(self):
        try:
            part = self.sock.recv(1 << 18)
        except ConnectionError:
            part = b""
        self.seen += part
        return bool(part)

    def _until(self, mark):
        while mark not in self.seen:
            if not self._more():
                return None
        found, self.seen = self.seen.split(mark, 1)
        return found

    def _take(self, length):
        parts, self.seen = [self.seen], b""
        have = len(parts[0])
        while have < length and self._more():
            parts.append(self.seen)
            have += len(self.seen)
            self.seen = b""
        found = b"".join(parts)
        self.seen = found[length:]
        return found[:length]

    def read_reply(self, head=False):
        """HEAD: the request's method was."""
        got = HttpReply()
        while True:
            block = self._until(b"\r\n\r\n")
            if block is None:
                got.closed = True
                return got
            line, *fields = block.decode("latin-1").split("\r\n")
            match = re.fullmatch(r"HTTP/1\.1 (\d{3}) [ -~]*", line)
            assert match, f"status line {line!r}"
            got.status = int(match[1])
            got.headers = []
            for field in fields:
                match = re.fullmatch(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\t -~\x80-\xff]*)", field)
                assert match, f"header {field!r}"
                got.headers.append(match.groups())
            if got.status >= 200:
                break
            got.interim.append(got.status)
        self._body(got, head)
        if (got.header("connection") or "").lower() == "close":
            got.closed = not self._more()
            assert got.closed or not got.complete, f"bytes behind the last reply: {self.seen!r}"
        return got

    def _body(self, got, head):
        if head or got.status in (204, 304):
            got.complete = True
        elif (got.header("transfer-encoding") or "").lower() == "chunked":
            assert got.header("content-length") is None
            self._chunks(got)
        elif got.header("content-length") is not None:
            length = int(got.header("content-length"))
            got.body = self._take(length)
            got.complete = len(got.body) == length
        else:
            while self._more():
                pass
            got.body, self.seen = self.seen, b""
            got.complete = got.closed = True

    def _chunks(self, got):
        while (line := self._until(b"\r\n")) is not None:
            length = int(line, 16)
            part = self._take(length + 2)
            if len(part) < length + 2:
                return
            assert part.endswith(b"\r\n")
            got.body += part[:-2]
            if length == 0:
                got.complete = True
                return

    def exchange(self, data, head=False):
        try:
            self.send(data)
        except ConnectionError:
            pass
        return self.read_reply(head)

    def get(self, path, number=0, method="GET", headers="", body=b""):
        length = f"Content-Length: {len(body)}\r\n" if body or method == "POST" else ""
        return self.exchange(f"{method} {path} HTTP/1.1\r\nHost: test\r\nX-Id: {number}\r\n{length}{headers}\r\n"
                             .encode() + body, head=method == "HEAD")

    def closed(self, deadline=5):
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
