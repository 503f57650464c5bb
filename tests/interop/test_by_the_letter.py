# SPDX-License-Identifier: Apache-2.0
"""What Tomcat itself makes of requests that are rare, and web servers of its rare replies."""
import pytest

from procs import workers
from rawhttp import HttpClient
from web import Client


@pytest.fixture(scope="module")
def open_bridge(tomcats, spawn, folder):
    """ajpbridge before one Tomcat, with all that `http` lets pass."""
    file = folder("open.yaml")
    file.write_text("http:\n  encoded_slash: pass\n  non_ascii: pass\n  bare_lf: pass\n  underscores: pass\n")
    return spawn("ajpbridge", "--config", file, "--listen", "http://127.0.0.1:0",
                 *workers({"nodeA": tomcats.nodes[0].ajp}))


@pytest.mark.parametrize("kind", ["proxy", "jk"])
def test_205_with_content_written_behind_a_web_server(forwarder, httpd, kind):
    """Tomcat announces the content, and sends none."""
    with Client(httpd(kind, forwarder.port).port) as client:
        for _ in range(2):
            answer = client.get("/written/205")
            assert (answer.status, answer.body) == (205, b"")
            assert client.get("/written/201").body == b"{}\n"


def test_205_with_content_written_behind_the_bridge(bridge):
    with Client(bridge.port) as client:
        for _ in range(2):
            answer = client.get("/written/205")
            assert (answer.status, answer.body, answer.headers["Content-Length"]) == (205, b"", "0")


@pytest.mark.parametrize("head, status", [
    ("GET /echo/a HTTP/1.1\r\nHost: \r\n\r\n", 200),
    ("GET /echo/a HTTP/1.2\r\nHost: h\r\n\r\n", 200),
    ("GET http://other/echo/a HTTP/1.1\r\nHost: h\r\n\r\n", 200),
    ("GET /echo/\xc3\xa4?\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n", 200),
    ("GET /echo/a HTTP/1.1\nHost: h\n\n", 200),
    ("GET /echo/a HTTP/1.1\r\nHost: h\r\nX_Y: z\r\n\r\n", 200),
    ("GET /echo/a%2fb HTTP/1.1\r\nHost: h\r\n\r\n", 400),  # its encodedSolidusHandling is reject
    ("GET /echo/a%2f..%2f..%2fWEB-INF/web.xml HTTP/1.1\r\nHost: h\r\n\r\n", 400),
], ids=["empty Host", "1.2", "absolute form", "beyond ASCII", "bare LF", "underscore", "slash", "slashes"])
def test_what_tomcat_makes_of_it(open_bridge, head, status):
    with HttpClient(open_bridge.port) as client:
        got = client.exchange(head.encode("latin-1"))
    assert got.complete and got.status == status, got
    if "other" in head:
        assert b'"server_name":"other"' in got.body
    if "1.2" in head:
        assert b'"protocol":"HTTP/1.1"' in got.body
