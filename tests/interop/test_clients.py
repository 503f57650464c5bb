# SPDX-License-Identifier: Apache-2.0
"""curl and a headless Chromium in front of ajpbridge."""
import os
import re
import subprocess

import pytest

from web import crc32, pattern


def curl(*args, data=None):
    return subprocess.run(["curl", "-sS", "--noproxy", "*", "--max-time", "30", *map(str, args)], input=data,
                          capture_output=True, check=True).stdout


@pytest.fixture
def url(bridge):
    return f"http://127.0.0.1:{bridge.port}"


def test_curl_reuses_its_connection(url):
    out = curl("-w", "|%{http_code} %{num_connects}|", f"{url}/bytes/3", f"{url}/status/404", f"{url}/bytes/3")
    assert re.findall(rb"\|(\d+ \d)\|", out) == [b"200 1", b"404 0", b"200 0"]


def test_curl_uploads(url, tmp_path):
    body = pattern(1 << 20)
    file = tmp_path / "body"
    file.write_bytes(body)
    expected = b'{"length":%d,"crc32":%d}\n' % (len(body), crc32(body))
    assert curl("--data-binary", f"@{file}", f"{url}/upload") == expected
    assert curl("-T", file, f"{url}/upload/") == expected
    assert curl("-X", "POST", "-T", "-", f"{url}/upload", data=body) == expected  # chunked
    assert curl("-H", "Expect: 100-continue", "--data-binary", f"@{file}", f"{url}/upload") == expected


def test_curl_of_old(url):
    assert curl("--http1.0", f"{url}/bytes/100000") == pattern(100_000)
    assert curl("--http1.0", f"{url}/flush/2") == b"part 0\npart 1\n"


def test_curl_head_and_range(url):
    head = curl("-I", f"{url}/static.txt").decode()
    assert head.startswith("HTTP/1.1 200") and "content-length: 84000" in head.lower()
    part = curl("-r", "28-55", "-w", "%{http_code}", f"{url}/static.txt")
    assert part == b"line 00001 of a static file\n206"


def test_curl_cookie_jar_keeps_the_node(url, tmp_path):
    jar = tmp_path / "jar"
    nodes = {curl("-c", jar, "-b", jar, f"{url}/session").split(b'"')[3] for _ in range(10)}
    assert len(nodes) == 1


def test_browser(url, tmp_path):
    """The page counts in its session, uploads and downloads, all from JavaScript."""
    browser = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
         f"--user-data-dir={tmp_path}/profile", "--proxy-server=direct://", "--disable-background-networking",
         "--disable-component-update", "--virtual-time-budget=20000", "--timeout=20000", "--dump-dom",
         f"{url}/page"], capture_output=True, timeout=90, check=True, env={**os.environ, "HOME": str(tmp_path)})
    assert b"done 2 3 4 100000 300000" in browser.stdout, browser.stdout + browser.stderr[-2000:]
