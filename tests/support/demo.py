#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""demo.py [--once]: two app servers, ajpforward and ajpbridge on free ports of this machine. Shows
a session that stays on its node and goes on at the other when the node dies, then waits for Ctrl-C, or ends by
itself with --once. Exits 0 if all went as told, 1 if not."""
import json
import os
import shutil
import signal
import sys
import tempfile

from procs import Daemon, workers
from web import Client

COLOUR = sys.stdout.isatty()
PAINT = {"nodeA": 36, "nodeB": 35, "good": 32, "bad": 31, "dim": 2}


def paint(style, text):
    return f"\033[{PAINT[style]}m{text}\033[0m" if COLOUR else text


def say(text=""):
    print(text, flush=True)


class Demo:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="ajp-demo-")
        self.sessions = f"{self.folder}/sessions"  # shared, as replicated app servers share them
        os.mkdir(self.sessions)
        self.started = []
        self.right = True

    def start(self, label, name, *args):
        daemon = Daemon(name, *args, log=f"{self.folder}/{label}.log")
        self.started.append(daemon)
        return daemon

    def start_node(self, name, port=0):
        return self.start(name, "ajpcat", "serve", "--listen", f"ajp://127.0.0.1:{port}", "--route", name,
                          "--sessions", self.sessions)

    def up(self):
        self.nodes = {name: self.start_node(name) for name in ("nodeA", "nodeB")}
        self.forward = self.start("forward", "ajpforward", "--listen", "ajp://127.0.0.1:0",
                                  *workers({name: node.port for name, node in self.nodes.items()}))
        self.bridge = self.start("bridge", "ajpbridge", "--listen", "http://127.0.0.1:0",
                                 *workers({"forward": self.forward.port}))
        self.url = f"http://127.0.0.1:{self.bridge.port}"
        say(f"""
  browser --HTTP--> ajpbridge --AJP--> ajpforward --AJP--> {paint("nodeA", "nodeA")} :{self.nodes["nodeA"].port}  (ajpcat serve)
                    :{self.bridge.port:<5}             :{self.forward.port:<5}       `-AJP--> {paint("nodeB", "nodeB")} :{self.nodes["nodeB"].port}  (ajpcat serve)
""")

    def visit(self, client, number):
        """One request of the session; returns the node that it says it belongs to."""
        answer = client.get("/session")
        node = (client.cookie or "").rpartition(".")[2]
        body = " ".join(answer.body.decode(errors="replace").split())
        say(f"  request {number:2}  {answer.status}  {paint(node, node) if node in PAINT else node}  {paint('dim', body)}")
        self.check(answer.status == 200 and node in self.nodes, "the request is answered by a node")
        self.check(json.loads(answer.body or "{}").get("counter") == number, f"the session counts {number} visits")
        return node

    def check(self, true, what):
        if not true:
            self.right = False
            say(paint("bad", f"  wrong: not so: {what}"))

    def verdict(self, before, what):
        if self.right:
            say(paint("good", f"  {before}: {what}"))

    def show(self):
        with Client(self.bridge.port) as client:
            say("A new session, eight requests:")
            homes = [self.visit(client, i) for i in range(1, 9)]
            home = homes[0]
            self.check(set(homes) == {home}, "the session stays on its node")
            self.verdict("sticky", f"all eight on {home}")
            if not self.right:
                return
            say(f"\nkill -9 of {home}, four more requests of the same session:")
            self.nodes[home].kill()
            homes = [self.visit(client, i) for i in range(9, 13)]
            self.check(len(set(homes)) == 1 and homes[0] != home, "the session moves to the other node and stays")
            self.verdict("moved", f"the session goes on at {homes[0]}, its counter too; no request was lost")
            self.nodes[home] = self.start_node(home, self.nodes[home].port)

    def down(self):
        for daemon in reversed(self.started):
            daemon.terminate()
        if self.right:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            say(f"logs: {self.folder}")


def interrupted(*_):
    raise KeyboardInterrupt


def main(options):
    if options not in ([], ["--once"]):
        print("demo: expected nothing or --once", file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    demo = Demo()
    try:
        demo.up()
        demo.show()
        if demo.right and not options:
            say(f"\nAll nodes run again. Try, and end it with Ctrl-C:\n"
                f"  {demo.url}/session   {demo.url}/echo   {demo.url}/bytes/1000000\n"
                f"  curl -c jar -b jar {demo.url}/session\n"
                f"  curl --data-binary @README.md {demo.url}/upload\n"
                f"  build/install/bin/ajpcat get -v ajp://127.0.0.1:{demo.forward.port}/echo")
            signal.pause()
    except KeyboardInterrupt:
        say()
    except Exception as error:  # whatever it was, the reader wants one line and an exit code
        demo.right = False
        say(paint("bad", f"demo: {error}"))
    finally:
        demo.down()
    return 0 if demo.right else 1


sys.exit(main(sys.argv[1:]))
