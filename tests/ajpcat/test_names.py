# SPDX-License-Identifier: Apache-2.0
"""A name with several addresses: where nobody listens at the first, the next one is tried."""
import json
import subprocess

import pytest

from cat import CAPTURES
from procs import BIN, Daemon

HOSTS = "::1 pair\n127.0.0.1 pair\n127.0.0.1 mixed\n2001:db8::1 mixed\n"


@pytest.fixture(scope="module")
def ajpcat(tmp_path_factory):
    """Runs it where /etc/hosts is HOSTS."""
    hosts = tmp_path_factory.mktemp("names") / "hosts"
    hosts.write_text(HOSTS)

    def run(*args):
        script = 'mount --bind "$0" /etc/hosts && exec "$@"'
        return subprocess.run(["unshare", "-rm", "sh", "-c", script, hosts, BIN / "ajpcat", *map(str, args)],
                              capture_output=True, timeout=60, text=True)
    if subprocess.run(["unshare", "-rm", "sh", "-c", 'mount --bind "$0" /etc/hosts && getent ahostsv6 pair', hosts],
                      capture_output=True, timeout=20, check=False).returncode:
        pytest.skip("no right to give a program hosts of its own")
    return run


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """Listens at the second address of `pair` only."""
    daemon = Daemon("ajpcat", "serve", "--listen", "ajp://127.0.0.1:0", log=tmp_path_factory.mktemp("node") / "log")
    yield f"pair:{daemon.port}"
    assert daemon.terminate() == 0


def test_every_client_finds_the_address_that_is_listened_at(ajpcat, node):
    assert ajpcat("get", f"ajp://{node}/bytes/10").returncode == 0
    assert "1 sent, 1 answered" in ajpcat("ping", "-c", 1, node).stdout
    assert json.loads(ajpcat("bench", "--json", "-n", 10, f"ajp://{node}/").stdout)["connects"] == 1
    assert "after all this" in ajpcat("check", "--no-broken", node).stdout
    assert " 0 failed" in ajpcat("replay", "-n", 2, CAPTURES / "proxy-session.pcap", node).stdout


def test_a_name_of_another_host_too_is_not_checked(ajpcat):
    done = ajpcat("check", "mixed:8009")
    assert done.returncode == 2 and "--i-may-test-this-host" in done.stderr and not done.stdout


def test_a_name_that_is_none_is_said_so(ajpcat):
    for command in ("get", "ping", "check", "bench"):
        done = ajpcat(command, "nosuch.invalid:8009")
        assert done.returncode in (2, 3) and "nosuch.invalid" in done.stderr, done.stderr
