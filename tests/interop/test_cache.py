# SPDX-License-Identifier: Apache-2.0
"""httpd's mod_cache before the daemons and a real Tomcat: a page that has not changed is asked for once, and
revalidated from then on."""
import pytest

from httpd import Httpd
from web import Client

CACHE = """
LoadModule proxy_http_module {modules}/mod_proxy_http.so
LoadModule cache_module {modules}/mod_cache.so
LoadModule cache_disk_module {modules}/mod_cache_disk.so
CacheRoot "{base}/cache"
CacheEnable disk "/"
CacheHeader on
CacheQuickHandler on
ProxyPreserveHost On
"""
BEFORE = {"bridge": 'ProxyPass "/" "http://127.0.0.1:{ajp}/"\n', "forwarder": 'ProxyPass "/" "ajp://127.0.0.1:{ajp}/"\n'}


@pytest.fixture(params=["bridge", "forwarder"])
def cache(request, folder):
    path = folder("httpd-cache")
    (path.parent / f"{path.name}-store").mkdir()
    store = path.parent / f"{path.name}-store"
    store.chmod(0o777)
    mount = CACHE.replace("{base}/cache", str(store)) + BEFORE[request.param]
    server = Httpd(path, "proxy", request.getfixturevalue(request.param).port, mount=mount)
    yield server
    server.stop()


def test_a_page_in_the_cache_is_revalidated(cache, tomcats):
    seen = []
    with Client(cache.port) as client:
        for headers in ({}, {}, {"Cache-Control": "max-age=0"}, {"Cache-Control": "max-age=0"}, {}):
            answer = client.get("/static.txt", headers=headers)
            assert (answer.status, len(answer.body)) == (200, 84000), seen
            seen.append(answer.headers["X-Cache"].split()[0])
    assert seen == ["MISS", "HIT", "REVALIDATE", "REVALIDATE", "HIT"]
