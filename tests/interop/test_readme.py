# SPDX-License-Identifier: Apache-2.0
"""The configurations and command lines of README.md, run as they stand there before real Tomcats,
save that ports are free ones and paths lie in the test's folder."""
import os
import re
import shlex
import subprocess

import pytest

from httpd import Httpd
from procs import BIN, ROOT, Daemon, free_port
from tomcat import SECRET
from web import Client

README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)


def commands(program):
    """Every command line of README's sh blocks that runs the program as such, with no subcommand."""
    return [line for block in blocks("sh") for line in block.splitlines()
            if program in line.split() and "ctl" not in line.split()]


@pytest.fixture(scope="module")
def here(tomcats, folder):
    """Turns the README's ports, paths and Tomcat's secret into those of this run."""
    base = folder("readme")
    base.mkdir()
    places = {"8019": str(free_port()), "8080": str(free_port()), "/etc/ajp": str(base / "etc"),
              "/run/ajpforward": str(base / "run"),
              "8009": str(tomcats.nodes[0].ajp_secret), "8010": str(tomcats.nodes[1].ajp_secret)}

    def here(text):
        text = re.sub("|".join(places), lambda m: places[m.group()], text)
        return re.sub(r"change-me\b(?!-)", SECRET, text)
    prepare = [block for block in blocks("sh") if "mkdir" in block]
    subprocess.run(["sh", "-ec", here("".join(prepare))], check=True, timeout=20)
    for block in blocks("yaml"):
        name = re.match(r"# /etc/ajp/(\S+)\n", block).group(1)
        (base / "etc" / name).write_text(here(block))
    return here


@pytest.fixture(scope="module")
def start(here, folder):
    """Starts a daemon by its command line."""
    started = []

    def start(line):
        name, *args = shlex.split(here(line))
        started.append(Daemon(name, *args, log=folder(f"readme-{name}.log"), listeners=1))
        return started[-1]
    yield start
    for daemon in reversed(started):
        assert daemon.terminate() == 0


@pytest.fixture(scope="module")
def forwarder(here, start):
    check, line = commands("ajpforward")
    subprocess.run([BIN / "ajpforward", *shlex.split(here(check))[1:]], check=True, timeout=20)
    return start(line)


def one_session(port):
    with Client(port) as client:
        seen = [client.get("/session").json for _ in range(10)]
    assert len({s["node"] for s in seen}) == 1
    assert [s["count"] for s in seen] == list(range(1, 11))


def test_bridge_and_forwarder_with_their_files(forwarder, start):
    one_session(start(commands("ajpbridge")[0]).port)


def test_bridge_in_one_line(tomcats, here, start):
    line = re.sub(r"http://127.0.0.1:\d+", "http://127.0.0.1:0", here(commands("ajpbridge")[1]))
    for node in tomcats:  # "without secrets"
        line = line.replace(str(node.ajp_secret), str(node.ajp))
    one_session(start(line).port)


@pytest.mark.parametrize("kind", ["proxy", "jk"])
def test_web_server_before_the_forwarder(forwarder, here, folder, kind):
    server = Httpd(folder(f"readme-{kind}"), kind, forwarder.port, mount=here(blocks("apache")[0]),
                   workers=here(blocks("properties")[0]), worker="tomcat")
    try:
        one_session(server.port)
    finally:
        server.stop()


@pytest.mark.parametrize("line", [line.split("#")[0] for block in blocks("sh") for line in block.splitlines()
                                  if "ctl" in line.split()])
def test_a_running_daemon_is_asked_and_told(forwarder, here, line):
    name, *args = shlex.split(here(line))
    done = subprocess.run([BIN / name, *args], capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")
    if "drain" in args:
        subprocess.run([BIN / name, *args[:2], "active", "nodeA"], check=True, timeout=20)


@pytest.mark.parametrize("line", commands("ajpcat"))
def test_ajpcat(forwarder, here, line):
    words = shlex.split(here(line))
    env = dict(os.environ)
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        env[name] = value
    path = [w + "echo" if w.endswith("/") else w for w in words[1:]]  # our Tomcat has no page at /
    done = subprocess.run([BIN / words[0], *path], env=env, capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert words[1] == "ping" or b"/echo" in done.stdout + done.stderr


@pytest.mark.parametrize("unit", sorted((ROOT / "docs/systemd").glob("*.service")), ids=lambda u: u.stem)
def test_units_run_what_the_readme_runs(unit):
    command = re.search(r"^ExecStart=\S*/(\S.*)$", unit.read_text(), re.M).group(1)
    assert command in commands(command.split()[0])
