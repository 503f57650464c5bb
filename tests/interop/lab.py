#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""lab.py up|down: the deployment of the tests for use by hand. Two replicated Tomcats, ajpforward
before them, and before that ajpbridge and two web servers. Everything lives in build/lab."""
import json
import os
import pathlib
import shutil
import signal
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

from httpd import Httpd  # noqa: E402
from procs import ROOT, Daemon, workers  # noqa: E402
from tomcat import Pair  # noqa: E402

LAB = ROOT / "build/lab"
STATE = LAB / "running.json"


def started_at(pid):
    """The kernel's start time of a process, which tells it from a later one with its number."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None


def up():
    shutil.rmtree(LAB, ignore_errors=True)
    LAB.mkdir(parents=True)
    running = []

    def remember(process):
        running.append([process.pid, started_at(process.pid)])
        STATE.write_text(json.dumps(running))
        return process

    nodes = Pair(LAB)
    for node in nodes:
        node.start()
        remember(node.process)
    nodes.wait_for_copies()
    forward = remember(Daemon("ajpforward", "--listen", "ajp://127.0.0.1:0", log=LAB / "ajpforward.log",
                              *workers({n.name: n.ajp for n in nodes})))
    bridge = remember(Daemon("ajpbridge", "--listen", "http://127.0.0.1:0", log=LAB / "ajpbridge.log",
                             *workers({"forward": forward.port})))
    print(f"ajpbridge      http://127.0.0.1:{bridge.port}/page")
    for kind in ("proxy", "jk"):
        server = Httpd(LAB / f"httpd-{kind}", kind, forward.port)
        remember(server.process)
        print(f"httpd, {kind:<7} http://127.0.0.1:{server.port}/page")
    print(f"ajpforward     ajp://127.0.0.1:{forward.port}")
    for node in nodes:
        print(f"{node.name}          ajp://127.0.0.1:{node.ajp}   http://127.0.0.1:{node.http}   "
              f"kill -9 {node.process.pid}")
    print(f"logs           {LAB}\nend it with     ./dev lab down")


def down():
    for pid, start in reversed(json.loads(STATE.read_text()) if STATE.exists() else []):
        if started_at(pid) == start:
            os.killpg(pid, signal.SIGKILL)
    STATE.unlink(missing_ok=True)


def main(options):
    if options not in (["up"], ["down"]):
        sys.exit("lab: expected up or down")
    if options == ["down"]:
        return down()
    if STATE.exists():
        sys.exit("lab: it is up; ./dev lab down ends it")
    try:
        up()
    except BaseException:
        down()
        raise


main(sys.argv[1:])
