# SPDX-License-Identifier: Apache-2.0
"""A real Tomcat that is long in answering, or never does."""
import time

import pytest

from tomcat import Alone


@pytest.fixture(scope="module")
def node(folder):
    path = folder("alone")
    path.mkdir()
    tomcat = Alone(path)
    try:
        yield tomcat.start()
    finally:
        tomcat.stop()


def daemon(spawn, folder, name, node, more=""):
    """A bridge, or a forwarder behind one, that has NODE as its worker."""
    scheme = {"ajpbridge": "http", "ajpforward": "ajp"}[name]
    config = folder("config.yaml")
    config.write_text(f"listen:\n  - url: {scheme}://127.0.0.1:0\n"
                      f"workers:\n  - {{name: nodeA, url: 'ajp://127.0.0.1:{node.ajp}'}}\n{more}")
    return spawn(name, "--config", config, listeners=1)


@pytest.mark.parametrize("page", ["read-first", "read-late"])
def test_a_health_page_that_reads_its_input_keeps_the_worker_up(node, spawn, folder, page):
    bridge = daemon(spawn, folder, "ajpbridge", node,
                    f"health: {{path: '/silence/{page}?0', body: read 0, interval: 100ms}}\n")
    time.sleep(1.5)  # so many times it is asked
    assert "worker_health" not in bridge.output()
