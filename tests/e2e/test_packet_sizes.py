# SPDX-License-Identifier: Apache-2.0
"""ajpforward between hops of different packet sizes: bodies are cut anew, heads that do not fit are refused."""
import json
import subprocess
import zlib

import pytest

from procs import BIN, Daemon, poll
from web import pattern

SIZES = [8192, 16384, 65536]


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sizes")
    made = {size: Daemon("ajpcat", "serve", "--listen", "ajp://127.0.0.1:0", "--route", "nodeA", "--quiet",
                         "--packet-size", size, log=folder / f"node{size}.log") for size in SIZES}
    yield made
    for node in made.values():
        assert node.terminate() == 0


@pytest.fixture(params=[(a, b) for a in SIZES for b in SIZES], ids=lambda p: f"{p[0]}-{p[1]}")
def hop(request, tmp_path, nodes):
    front, back = request.param
    file = tmp_path / "forward.yaml"
    file.write_text(f"listen:\n  - url: ajp://127.0.0.1:0\n    packet_size: {front}\nworkers:\n  - name: nodeA\n"
                    f"    url: ajp://127.0.0.1:{nodes[back].port}\n    packet_size: {back}\n")
    daemon = Daemon("ajpforward", "--config", file, listeners=1, log=tmp_path / "forward.log")
    daemon.front, daemon.back = front, back
    yield daemon
    assert daemon.terminate() == 0, daemon.output()


def get(hop, path, *args):
    return subprocess.run([BIN / "ajpcat", "get", "--packet-size", str(hop.front), *args,
                           f"ajp://127.0.0.1:{hop.port}{path}"], capture_output=True, timeout=30)


@pytest.mark.parametrize("length", [0, 1, 8184, 8186, 8187, 16378, 65530, 300000])
def test_uploads_arrive_whole(hop, tmp_path, length):
    body = pattern(length)
    (tmp_path / "body").write_bytes(body)
    done = get(hop, "/upload", "-X", "POST", "--data-binary", f"@{tmp_path}/body")
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert (seen["length"], seen["crc32"]) == (length, zlib.crc32(body))


@pytest.mark.parametrize("length", [0, 1, 8184, 8185, 65528, 300000])
def test_answers_arrive_whole(hop, length):
    done = get(hop, f"/bytes/{length}")
    assert done.returncode == 0 and len(done.stdout) == length
    again = get(hop, f"/bytes/{length}")
    assert again.stdout == done.stdout


def test_a_head_that_does_not_fit_is_refused_by_name(hop):
    if hop.front <= hop.back:
        pytest.skip("every head that comes in fits")
    done = get(hop, "/echo", "-i", "-H", "X-Large: " + "x" * (hop.back + 100))
    assert done.returncode == 0 and b"431 " in done.stdout.split(b"\n")[0], done.stdout[:200]
    poll(lambda: f"largest_header=X-Large largest_bytes={hop.back + 107}" in hop.output(), 5, "the log names it")
    assert get(hop, "/bytes/3").returncode == 0, "the next request is served"
