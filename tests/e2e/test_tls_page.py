# SPDX-License-Identifier: Apache-2.0
"""docs/tls.md: its own words are run, with other ports and folders."""
import json
import re
import shlex
import subprocess

import pytest

from procs import BIN, ROOT, Daemon

PAGE = (ROOT / "docs/tls.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


@pytest.fixture
def spawn(tmp_path):
    started = []

    def start(name, *args, **options):
        started.append(Daemon(name, *args, log=tmp_path / f"{len(started)}-{name}.log", **options))
        return started[-1]
    yield start
    assert [daemon.terminate() for daemon in reversed(started)] == [0] * len(started)


def test_the_page_works_as_it_stands(tmp_path, spawn):
    made = subprocess.run(["sh", "-ec", blocks("sh")[0]], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr

    def here(text, port=None):
        for old, new in {"/etc/ajp/tls": str(tmp_path), "0.0.0.0:8443": "127.0.0.1:0", "0.0.0.0:443": "127.0.0.1:0",
                         "127.0.0.1:8009": f"127.0.0.1:{app.port}",
                         "ajps://inner.example:8443": f"ajps://127.0.0.1:{port}"}.items():
            text = text.replace(old, new)
        return text
    app = spawn("ajpcat", "serve", "--listen", "ajp://127.0.0.1:0", "--route", "nodeA")
    inner_file, edge_file = tmp_path / "inner.yaml", tmp_path / "edge.yaml"
    inner, edge = blocks("yaml")
    inner_file.write_text(here(inner))
    inner = spawn("ajpforward", "--config", inner_file, listeners=1)
    edge_file.write_text(here(edge, inner.port))
    # there is no inner.example to look up here
    edge = spawn("ajpbridge", "--config", edge_file, "--worker-tls-server-name", "inner.example", listeners=1)
    seen = subprocess.run(["curl", "-sS", "--cacert", tmp_path / "ca.pem", "--cert", tmp_path / "inner.pem", "--key",
                           tmp_path / "inner.key", "--connect-to", f"::127.0.0.1:{edge.port}",
                           "https://edge.example/echo"], capture_output=True, text=True, timeout=30)
    attributes = dict(json.loads(seen.stdout)["attributes"])
    assert attributes["ssl_cert"] == (tmp_path / "inner.pem").read_text()
    words = shlex.split(here(blocks("sh")[1], inner.port))
    ping = subprocess.run([BIN / words[0], words[1], "--tls-server-name", "inner.example", *words[2:]],
                          capture_output=True, text=True, timeout=30)
    assert ping.returncode == 0 and "3 answered" in ping.stdout, ping.stderr
