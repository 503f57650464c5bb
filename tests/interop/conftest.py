# SPDX-License-Identifier: Apache-2.0
"""The peers: two replicated Tomcats for the whole run, our daemons and web servers before them."""
import pathlib
import shutil
import tempfile

import pytest

from httpd import Httpd
from procs import BIN, Daemon, workers
from tomcat import Pair


def pytest_collection_modifyitems(items):
    """Tests that kill a node come last: a node that comes back needs a while to copy sessions."""
    items.sort(key=lambda item: item.get_closest_marker("kills_node") is not None)


def pytest_configure(config):
    config.addinivalue_line("markers", "kills_node: the test kills a Tomcat")


@pytest.fixture(scope="session")
def base():
    """A folder that other users (httpd's www-data) can read."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ajp-interop-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def folder(base):
    """Hands out fresh paths in the base folder."""
    count = iter(range(100000))
    return lambda name: base / f"{next(count):03}-{name}"


@pytest.fixture(scope="session")
def tomcats(folder):
    path = folder("tomcat")
    path.mkdir()
    pair = Pair(path)
    try:
        yield pair.start()
    finally:
        pair.stop()


@pytest.fixture(scope="module")
def spawn(folder):
    """Starts one of our daemons; ended after the module, and it must end well: under ASan and UBSan
    a fault or a leak of the whole module shows here."""
    started = []

    def start(name, *args, **options):
        daemon = Daemon(name, *args, log=folder(f"{name}.log"), **options)
        started.append(daemon)
        return daemon
    yield start
    ends = [(daemon.args, daemon.terminate(), daemon.output()) for daemon in started]
    for args, status, output in ends:
        assert status == 0 and "runtime error:" not in output, f"{args} ended with {status}:\n{output[-6000:]}"


@pytest.fixture(scope="module")
def forwarder(tomcats, spawn):
    """ajpforward before the two Tomcats."""
    return spawn("ajpforward", "--listen", "ajp://127.0.0.1:0", *workers({n.name: n.ajp for n in tomcats}))


@pytest.fixture(scope="module")
def bridge(tomcats, forwarder, spawn):
    """ajpbridge before ajpforward before the two Tomcats."""
    return spawn("ajpbridge", "--listen", "http://127.0.0.1:0", *workers({"forward": forwarder.port}))


@pytest.fixture(scope="module")
def httpd(folder):
    """Starts a web server before an AJP port; ended after the module."""
    started = []

    def start(kind, ajp, secret=None):
        server = Httpd(folder(f"httpd-{kind}"), kind, ajp, secret)
        started.append(server)
        return server
    yield start
    for server in started:
        server.stop()
