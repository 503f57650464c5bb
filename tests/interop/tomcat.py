# SPDX-License-Identifier: Apache-2.0
"""Real Tomcat 10 nodes with session replication, from Debian's packages, in their own folders."""
import os
import pathlib
import re
import shutil
import string
import subprocess
import urllib.request

from procs import Process, free_port, poll
from web import Client

HOME = pathlib.Path("/usr/share/tomcat10")
HERE = pathlib.Path(__file__).resolve().parent
SECRET = "s3cret-of-the-tests"
OPENS = ["java.base/java.lang", "java.base/java.io", "java.base/java.util", "java.base/java.util.concurrent",
         "java.rmi/sun.rmi.transport"]


def java(program):
    """Debian's Java 17, whatever the default of the machine is."""
    found = sorted(pathlib.Path("/usr/lib/jvm").glob(f"java-17-openjdk-*/bin/{program}"))
    return found[0] if found else program


def compile_servlet(folder):
    subprocess.run([java("javac"), "-cp", HOME / "lib/servlet-api.jar", "-d", folder,
                    *sorted((HERE / "servlet").glob("*.java"))], check=True)
    return folder


def member_id(number):
    return "{" + ",".join(["1"] + ["0"] * 14 + [str(number)]) + "}"


class Tomcat:
    """One node. Its ports stay the same over kill() and start()."""

    settings = "server.xml"

    def __init__(self, folder, classes, number, tribes):
        self.name = "node" + "AB"[number]
        self.base = pathlib.Path(folder) / self.name
        self.http, self.ajp, self.ajp_secret = free_port(), free_port(), free_port()
        self.process = None
        for part in ("conf", "logs", "temp", "work", "webapps/ROOT/WEB-INF"):
            (self.base / part).mkdir(parents=True)
        settings = string.Template((HERE / "servlet" / self.settings).read_text()).substitute(
            node=self.name, http=self.http, ajp=self.ajp, ajp_secret=self.ajp_secret, secret=SECRET,
            tribes=tribes[number], peer_tribes=tribes[1 - number], id=member_id(number),
            peer_id=member_id(1 - number))
        (self.base / "conf/server.xml").write_text(settings)
        shutil.copy(HERE / "servlet/global-web.xml", self.base / "conf/web.xml")
        app = self.base / "webapps/ROOT"
        shutil.copy(HERE / "servlet/web.xml", app / "WEB-INF/web.xml")
        shutil.copytree(classes, app / "WEB-INF/classes")
        (app / "static.txt").write_text("".join(f"line {i:05} of a static file\n" for i in range(3000)))
        os.utime(app / "static.txt", (1704067200, 1704067200))  # its ETag is the same on both nodes

    def start(self):
        """Starts it and returns when the web app answers: its ports listen long before."""
        self.process = Process(
            [java("java"), f"-Dinterop.node={self.name}", "-Xms32m", "-Xmx192m", "-XX:+UseSerialGC",
             "-XX:TieredStopAtLevel=1", *(f"--add-opens={m}=ALL-UNNAMED" for m in OPENS),
             "-Djava.security.egd=file:/dev/urandom", f"-Djava.io.tmpdir={self.base}/temp",
             f"-Dcatalina.home={HOME}", f"-Dcatalina.base={self.base}",
             "-cp", f"{HOME}/bin/bootstrap.jar:{HOME}/bin/tomcat-juli.jar",
             "org.apache.catalina.startup.Bootstrap", "start"], self.base / "logs/out", cwd=self.base)
        self.process.wait_for_port(self.http, 90)
        poll(self.answers, 60, f"{self.name}'s web app answers")
        return self

    def answers(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/echo", timeout=30) as answer:
                return answer.status == 200
        except OSError:
            return False

    def kill(self):
        self.process.kill()

    def stop(self):
        if self.process:
            self.process.terminate()

    def requests(self, path):
        """How many requests for PATH its access log holds."""
        log = self.base / "logs/access.log"
        return len(re.findall(rf" {re.escape(path)} \d+$", log.read_text(), re.M)) if log.exists() else 0


class Alone(Tomcat):
    """A node without a cluster."""

    settings = "alone.xml"

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        super().__init__(folder, compile_servlet(folder / "classes"), 0, [0, 0])


class Pair:
    """Two nodes. They start one after the other: started together each waits for the other's
    sessions before it answers, for as long as stateTransferTimeout."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        classes = compile_servlet(folder / "classes")
        tribes = [free_port(), free_port()]
        self.nodes = [Tomcat(folder, classes, i, tribes) for i in range(2)]

    def start(self):
        for node in self.nodes:
            node.start()
        self.wait_for_copies()
        return self

    def copies(self, node):
        """A session made on NODE goes on at the other one."""
        with Client(node.http) as here, Client(self.other(node).http) as there:
            here.get("/session")
            there.cookie = here.cookie
            return there.get("/session").json["count"] == 2

    def wait_for_copies(self):
        """A node that came back is a member for the other one some seconds later only."""
        for node in self.nodes:
            poll(lambda: self.copies(node), 40, f"sessions of {node.name} are copied")

    def stop(self):
        for node in self.nodes:
            node.stop()

    def by_name(self, name):
        return next(n for n in self.nodes if n.name == name)

    def other(self, node):
        return self.nodes[1 - self.nodes.index(node)]

    def requests(self, path):
        return sum(node.requests(path) for node in self.nodes)

    def __iter__(self):
        return iter(self.nodes)
