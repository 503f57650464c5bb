# SPDX-License-Identifier: Apache-2.0
"""`ajpcat decode --har`: valid HAR 1.2, which the network panel of Chromium takes in, request for request."""
import base64
import json
import shutil
import zlib

import pytest

import har12
from browser import Browser
from cat import CAPTURES, TRUTH, ajpcat, decode

# What the network panel does with a file that is dropped on it; the modules are those of the panel.
IMPORT = """(async () => {
    const {HARFormat, Importer} = await import('devtools://devtools/bundled/models/har/har.js');
    const requests = Importer.Importer.requestsFromHARLog(new HARFormat.HARRoot(JSON.parse(HAR)).log);
    return requests.map(r => [r.requestMethod, r.url(), r.statusCode, r.resourceSize, r.transferSize,
                              r.requestHeaders().length, r.responseHeaders.length]);
})()"""


def har_of(name, *options):
    return ajpcat("decode", "--har", *options, CAPTURES / name).stdout.decode()


def requests_of(name):
    return [o for o in decode(CAPTURES / name) if o["kind"] == "request"]


def body_of(content):
    text = content.get("text", "")
    return base64.b64decode(text) if content.get("encoding") == "base64" else text.encode()


@pytest.mark.parametrize("name", TRUTH)
def test_a_har_is_valid_and_holds_every_request(name):
    har, objects = json.loads(har_of(name)), requests_of(name)
    har12.check(har)
    assert har["log"]["version"] == "1.2" and len(har["log"]["entries"]) == len(objects) > 0
    for entry, o in zip(har["log"]["entries"], objects):
        request, response = entry["request"], entry["response"]
        assert (request["method"], response["status"]) == (o["method"] or "", o["status"] or 0)
        assert (request["bodySize"], response["bodySize"]) == (o["request_bytes"], o["response_bytes"])
        assert ("_error" in response) != o["complete"]
        assert abs(sum(entry["timings"].values()) - entry["time"]) < 0.01 <= 0.01 + min(entry["timings"].values())
        if "comment" not in response["content"] and o["response_whole"]:
            assert zlib.crc32(body_of(response["content"])) == o["response_crc32"]


def test_the_parts_of_a_request_are_told():
    for entry, o in zip(json.loads(har_of("proxy-tls.pcap"))["log"]["entries"], requests_of("proxy-tls.pcap")):
        assert entry["request"]["url"] == f"https://localhost{o['uri']}" + (f"?{o['query']}" if o["query"] else "")
        assert entry["serverIPAddress"] == "127.0.0.1" and entry["connection"] == str(o["connection"])
        assert [f"{p['name']}={p['value']}" for p in entry["request"]["queryString"]] == (o["query"] or "").split("&")[
            :len(entry["request"]["queryString"])]


@pytest.mark.parametrize("uri, url", [("/a b", "http://127.0.0.1:8009/a b"), ("*", "http://127.0.0.1:8009/*"),
                                      ("http://elsewhere/x", "http://elsewhere/x")])
def test_urls_are_whole(uri, url):
    """A GET without headers, as hex text."""
    def text(s):
        return len(s).to_bytes(2, "big") + s.encode() + b"\0"
    payload = b"\x02\x02" + text("HTTP/1.1") + text(uri) + text("::1") + b"\xff\xff" + text("h") + b"\0\x50\0\0\0\xff"
    done = ajpcat("decode", "--har", "-", stdin=(b"\x12\x34" + len(payload).to_bytes(2, "big") + payload).hex().encode())
    entry = json.loads(done.stdout)["log"]["entries"][0]
    assert entry["request"]["url"].replace("0.0.0.0", "127.0.0.1") == url
    assert entry["response"]["_error"] == "no answer"


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    if not shutil.which("chromium"):
        pytest.skip("no chromium")
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    try:
        session = browser.open("devtools://devtools/bundled/devtools_app.html")
        yield lambda har: browser.evaluate(session, IMPORT.replace("HAR)", json.dumps(har) + ")", 1))
    finally:
        browser.close()


@pytest.mark.parametrize("name", TRUTH)
def test_the_network_panel_of_chromium_opens_it(name, panel):
    har = har_of(name)
    entries = json.loads(har)["log"]["entries"]
    assert panel(har) == [
        [e["request"]["method"], e["request"]["url"], e["response"]["status"], e["response"]["bodySize"],
         e["response"]["bodySize"], len(e["request"]["headers"]), len(e["response"]["headers"])] for e in entries]
    assert len(entries) == len(TRUTH[name]["requests"])


def test_the_network_panel_refuses_what_is_no_har(panel):
    with pytest.raises(AssertionError, match="Error"):
        panel('{"log": {"version": "1.2", "entries": [{}]}}')
