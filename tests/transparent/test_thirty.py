# SPDX-License-Identifier: Apache-2.0
"""The 30 cases of Tomcat's own AJP suite with our own client, at Tomcat itself and through ajpforward: what
the forwarder must leave as it is. All 30 pass in the transparent profile; in the default one 19 and 22
deviate. The client has the suite's manners: protocol "http", no Host header, slack behind every message, a
CPing before the first request and after each."""
import time

import pytest

from ajpwire import AjpClient, CPONG, attribute, named, receive, request, to_container, u16

SLACK = b"\0\0\xff"
CPING = to_container(b"\x0a" + SLACK)
ERROR_PAGE = b"<p><b>Type</b> Status Report</p>"


def forward_request(uri="/", method="GET", headers=(), attributes=b"", **options):
    options.setdefault("addr", "192.168.0.1")
    options.setdefault("host", "client.example.com")
    return request(method, uri, options.pop("protocol", "http"), headers=headers, attributes=attributes,
                   end=b"\xff" + SLACK, **options)


def body_packet(body):
    return to_container(u16(len(body)) + body + b"\0" + SLACK)


class Client(AjpClient):
    def __init__(self, port):
        super().__init__(port, 20)
        self.ping()

    def ping(self):
        self.send(CPING)
        assert receive(self.sock, 5) == CPONG

    def ask(self, uri="/", *packets, body=(), **options):
        got = self.exchange(forward_request(uri, **options), *packets, body=body)
        assert got.complete
        return got


@pytest.fixture(params=["direct", "default", "transparent"])
def way(request, snoop, forward):
    """The port to talk to, for a port of Tomcat."""
    if request.param == "direct":
        return lambda to, *_: to
    more = "profile: transparent" if request.param == "transparent" else ""
    port = lambda to, size=16000: forward(to, size, size, more)  # noqa: E731
    port.__name__ = request.param
    return port


@pytest.fixture
def client(way, snoop):
    with Client(way(snoop.ajp)) as client:
        yield client
        client.ping()


def told(got):
    assert got.status == 200 and got.reuse == 1
    return set(got.body.decode().splitlines())


SNOOPED = {
    1: ("server name", {"server": "MYSERVER"}, "serverName=MYSERVER"),
    2: ("server port", {"port": 8888}, "serverPort=8888"),
    3: ("local address", {"attributes": named("AJP_LOCAL_ADDR", "10.3.2.1")}, "localAddr=10.3.2.1"),
    4: ("remote host", {"host": "MYCLIENT"}, "remoteHost=MYCLIENT"),
    5: ("remote address", {"addr": "10.1.2.3"}, "remoteAddr=10.1.2.3"),
    6: ("remote port", {"attributes": named("AJP_REMOTE_PORT", "34567")}, "remotePort=34567"),
    7: ("method", {"method": "LOCK"}, "method=LOCK"),
    8: ("uri", {"uri": "/a/b/c"}, "uri=/a/b/c"),
    9: ("protocol", {"protocol": "HTTP/1.x"}, "protocol=HTTP/1.x"),
    10: ("secure", {"ssl": 1}, "secure=true"),
    11: ("query string", {"attributes": attribute(5, "p1=1&p2=12&p3=123")}, "query=p1=1&p2=12&p3=123"),
    12: ("remote user", {"attributes": attribute(3, "MYUSER")}, "remoteUser=MYUSER"),
    13: ("authentication type", {"attributes": attribute(4, "MyAuth")}, "authType=MyAuth"),
    14: ("one header", {"headers": [("MYHEADER", "MYHEADER-VALUE")]}, "header:MYHEADER=MYHEADER-VALUE"),
    15: ("one attribute", {"attributes": named("MYATTRIBUTE", "MYATTRIBUTE-VALUE")},
         "attribute:MYATTRIBUTE=MYATTRIBUTE-VALUE"),
}


@pytest.mark.parametrize("case", SNOOPED, ids=[f"{n} {c[0]}" for n, c in SNOOPED.items()])
def test_snooped(client, case):
    _, options, expected = SNOOPED[case]
    for _ in range(2):
        assert expected.lower() in {line.lower() for line in told(client.ask(**options))}


def test_16_all_together(client):
    options = {}
    for _, more, _ in SNOOPED.values():
        for name, value in more.items():
            options[name] = options.get(name, b"") + value if name == "attributes" else value
    options.pop("uri"), options.pop("method")
    seen = {line.lower() for line in told(client.ask("/a/b/c", method="LOCK", **options))}
    assert {expected.lower() for _, _, expected in SNOOPED.values()} <= seen


def test_17_small_body(client):
    """Content-Length is satisfied, and still the container asks once more, and gets an empty packet."""
    client.send(forward_request("/length", "PUT", [(0xA008, "100")]), body_packet(b"x" * 100))
    got = client.read_reply([to_container(b"\0\0" + SLACK)] * 3)
    assert got.status == 200 and got.body == b"length=100"
    assert [kind for kind, _ in got.kinds] == [6, 4, 3, 5]


def test_18_large_body(client):
    client.send(forward_request("/length", "PUT", [(0xA008, "10000")]), body_packet(b"x" * 10000))
    got = client.read_reply([to_container(b"\0\0" + SLACK)] * 3)
    assert got.status == 200 and got.body == b"length=10000"


def test_19_secret(way, snoop):
    """In the default profile the secret is each hop's own: a client's ends at us, and Tomcat hears none."""
    port, default = way(snoop.ajp_secret, 8192), way.__name__ == "default"
    clients = []
    for secret, status in (None, 403), ("WRONGSECRET", 403), ("RIGHTSECRET", 403 if default else 200):
        clients.append(Client(port))
        got = clients[-1].ask(attributes=attribute(0x0c, secret) if secret else b"")
        assert got.status == status and (ERROR_PAGE in got.body) == (status == 403)
        assert default or got.reuse == (status == 200), "the deviation: a worker's end of its connection is ours to hear"
    for each in clients:
        each.close()


def test_20_keep_alive(client):
    packet = forward_request()
    for _ in range(2):
        assert client.exchange(packet).status == 200
        client.ping()
        time.sleep(2)


def test_21_post(client):
    headers = [(0xA008, "9"), (0xA007, "application/x-www-form-urlencoded")]
    got = client.ask("/form", body_packet(b"test=data"), method="POST", headers=headers)
    assert got.body == b"form=data"


def test_22_two_lengths(way, snoop):
    """By default we refuse it ourselves. The transparent profile lets the container do so, by its head alone."""
    headers = [(0xA008, "9"), (0xA008, "99"), (0xA007, "application/x-www-form-urlencoded")]
    with Client(way(snoop.ajp)) as client:
        got = client.ask("/form", body_packet(b"test=data"), method="POST", headers=headers)
    assert (got.status, got.reuse) == (400, 0)
    assert (ERROR_PAGE in got.body) == (way.__name__ != "default")


def test_23_304_with_body(client):
    got = client.ask("/304")
    assert got.status == 304 and [kind for kind, _ in got.kinds] == [4, 5]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("query", ["available=1", "x=1"])
def test_24_to_27_zero_length_body(client, method, query):
    got = client.ask("/length", method=method, headers=[(0xA008, "0")], attributes=attribute(5, query))
    assert got.body == b"length=0" and [kind for kind, _ in got.kinds] == [4, 3, 5]


def test_28_large_response(client):
    got = client.ask("/large")
    assert got.kinds == [(4, 0), (3, 15000), (5, 0)] and got.body == b"a" * 15000


def test_29_invalid_header(client):
    got = client.ask("/badheader")
    assert got.status == 200 and got.body == b"OK" and got.header("X-Good") == "1"
    assert [kind for kind, _ in got.kinds] == [4, 3, 5]


def test_30_no_headers(client):
    got = client.ask("/noheaders")
    assert got.status == 200 and got.kinds == [(4, 0), (3, 0), (5, 0)]
