# SPDX-License-Identifier: Apache-2.0
"""The debug log of a real mod_jk is read by `ajpcat decode`, threads apart."""
import concurrent.futures
import json
import subprocess
import urllib.request

import pytest

from httpd import JK_MOUNT, MODULES, Httpd
from procs import BIN, Daemon


@pytest.mark.release
def test_the_debug_log_of_mod_jk_is_decoded(tmp_path):
    if not (MODULES / "mod_jk.so").exists():
        pytest.skip("no mod_jk")
    server = Daemon("ajpcat", "serve", "--listen", "ajp://127.0.0.1:0", log=tmp_path / "serve.log")
    web = Httpd(tmp_path / "httpd", "jk", server.port, jk_mount=JK_MOUNT + "JkLogLevel debug\n")
    try:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            urls = [f"http://127.0.0.1:{web.port}/bytes/{n}?n={n}" for n in (1, 200, 300, 4000)] * 3
            assert all(b.status == 200 for b in pool.map(urllib.request.urlopen, urls))
            body = urllib.request.Request(f"http://127.0.0.1:{web.port}/upload", b"x" * 600)
            urllib.request.urlopen(body).read()
    finally:
        web.stop()
        assert server.terminate() == 0
    done = subprocess.run([BIN / "ajpcat", "decode", "--json", web.base / "jk.log"], capture_output=True, check=True, timeout=60)
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    requests = [o for o in objects if o["kind"] == "request"]
    assert sorted(o["query"] for o in requests if o["query"]) == sorted(url.split("?")[1] for url in urls)
    assert all(o["status"] == 200 and o["complete"] for o in requests)
    # of a message it shows a KiB at most
    assert all([p["text"] for p in o["problems"]] == ["2980 bytes were not captured"] * (o["query"] == "n=4000") for o in requests)
    assert all(o["complete"] for o in objects) and any(o["kind"] == "cping" for o in objects)
    assert [o["request_bytes"] for o in requests if o["uri"] == "/upload"] == [600]
