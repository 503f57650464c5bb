# SPDX-License-Identifier: Apache-2.0
"""Apache's mod_proxy_ajp and mod_jk use ajpforward as if it were Tomcat: each test runs before
Tomcat itself, which shows what is usual, and before ajpforward, which must not differ."""
import time

import pytest

from tomcat import SECRET
from web import Client, crc32, pattern


@pytest.fixture(scope="module", params=["tomcat", "forwarder"])
def target(request, tomcats):
    """The AJP port that the web server is given."""
    if request.param == "tomcat":
        return tomcats.nodes[0].ajp
    return request.getfixturevalue("forwarder").port


@pytest.fixture(scope="module", params=["proxy", "jk"])
def server(request, target, httpd):
    return httpd(request.param, target)


@pytest.fixture
def client(server):
    with Client(server.port) as client:
        yield client


def test_get_arrives_whole(client):
    seen = client.get("/echo/a%20b;x=1?q=%26&r", headers={"X-Test": "one two", "Accept-Language": "de"}).json
    assert (seen["method"], seen["uri"], seen["query"]) == ("GET", "/echo/a%20b;x=1", "q=%26&r")
    assert ["x-test", "one two"] in [[n.lower(), v] for n, v in seen["headers"]]
    assert ["accept-language", "de"] in [[n.lower(), v] for n, v in seen["headers"]]
    assert seen["remote_addr"] == "127.0.0.1"


def test_head_has_no_body_and_the_next_request_works(client):
    answer = client.request("HEAD", "/bytes/5000")
    assert (answer.status, answer.body) == (200, b"")
    assert client.get("/bytes/10").body == pattern(10)


@pytest.mark.parametrize("size", [0, 1, 8186, 8187, 300_000])
def test_post_of_known_length(client, size):
    body = pattern(size)
    assert client.post("/upload", body).json == {"length": size, "crc32": crc32(body)}


@pytest.mark.parametrize("parts", [[1], [8192], [1, 20000, 3], [9000] * 30])
def test_chunked_upload(client, parts):
    chunks = [pattern(n) for n in parts]
    answer = client.post("/upload", iter(chunks), headers={"Transfer-Encoding": "chunked"}, chunked=True)
    assert answer.json == {"length": sum(parts), "crc32": crc32(b"".join(chunks))}


def test_not_modified(client):
    first = client.get("/static.txt")
    assert (first.status, len(first.body)) == (200, 84000)
    again = client.get("/static.txt", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    assert client.get("/bytes/10").body == pattern(10)


@pytest.mark.parametrize("status", [204, 404, 418, 500])
def test_status(client, status):
    assert client.get(f"/status/{status}").status == status


def test_other_methods(client):
    for method in ("PUT", "DELETE", "OPTIONS", "PROPFIND", "REPORT", "PATCH"):
        assert client.request(method, "/echo").json["method"] == method


def test_unread_body_does_not_disturb(client):
    for _ in range(3):
        assert client.post("/ignore", pattern(50_000)).json == {"read": False}
        assert client.get("/echo?after").json["query"] == "after"


def test_flushed_parts_come_as_they_are_written(client):
    client.http.request("GET", "/flush/6")
    answer = client.http.getresponse()
    assert answer.read(7) == b"part 0\n"
    first = time.monotonic()
    assert answer.read() == b"".join(b"part %d\n" % i for i in range(1, 6))
    assert time.monotonic() - first > 0.2  # written over half a second


def test_large_answer(client):
    assert crc32(client.get("/bytes/5000000").body) == crc32(pattern(5_000_000))


@pytest.mark.parametrize("kind", ["proxy", "jk"])
def test_session_stays_on_its_node(httpd, forwarder, kind):
    with Client(httpd(kind, forwarder.port).port) as client:
        seen = [client.get("/session").json for _ in range(20)]
    assert len({s["node"] for s in seen}) == 1
    assert [s["count"] for s in seen] == list(range(1, 21))


@pytest.mark.parametrize("kind", ["proxy", "jk"])
@pytest.mark.parametrize("secret, status", [(SECRET, 200), ("wrong", 403), (None, 403)])
def test_tomcat_checks_the_secret(httpd, tomcats, kind, secret, status):
    with Client(httpd(kind, tomcats.nodes[0].ajp_secret, secret).port) as client:
        assert client.get("/echo").status == status
