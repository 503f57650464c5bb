# SPDX-License-Identifier: Apache-2.0
"""The health drill's stage: Tomcats in network namespaces, a connector of four threads for each front, the
fronts with their defaults, and users who notice everything."""
import collections
import http.client
import itertools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

from cable import Namespace
from procs import BIN, Daemon, Process, poll, workers

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "interop"))

from httpd import Httpd  # noqa: E402
from tomcat import HOME, java  # noqa: E402

OURS, PEERS = ["ajpbridge", "bridge+forward"], ["mod_jk", "mod_proxy_ajp"]
FRONTS = OURS + PEERS
HTTP_PORT, AJP_PORT = 8080, 8010  # in a namespace of its own, where all ports are free
TICKS = [0.5, 0.5, 0.5, 3.7, 4.3, 5.1]  # how often the users ask: with a session on each node, and without
GIVE_UP = 40  # a user's own patience

SERVER = """<Server port="-1"><Service name="Catalina">
<Connector port="{http}" protocol="HTTP/1.1" address="{address}"/>
{connectors}
<Engine name="Catalina" defaultHost="localhost" jvmRoute="{node}">
<Host name="localhost" appBase="webapps" unpackWARs="false" autoDeploy="false"/></Engine></Service></Server>
"""
CONNECTOR = '<Connector port="{port}" protocol="AJP/1.3" address="{address}" secretRequired="false" maxThreads="4"/>'


class Node:
    """A Tomcat at the far end of a cable. Its sessions are its own: a session that moves is lost."""

    def __init__(self, folder, classes, name):
        self.name, self.space = name, Namespace()
        self.base = pathlib.Path(folder)
        self.executed = self.base / "executed"
        self.process = None
        app = self.base / "webapps/ROOT/WEB-INF"
        for part in ("conf", "logs", "temp", "work"):
            (self.base / part).mkdir(parents=True)
        app.mkdir(parents=True)
        connectors = "\n".join(CONNECTOR.format(port=self.ajp(front), address=self.space.address) for front in FRONTS)
        (self.base / "conf/server.xml").write_text(SERVER.format(
            http=HTTP_PORT, address=self.space.address, connectors=connectors, node=name))
        (self.base / "conf/web.xml").write_text('<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0"/>')
        shutil.copy(HERE / "servlet/web.xml", app / "web.xml")
        shutil.copytree(classes, app / "classes")

    def ajp(self, front):
        return AJP_PORT + FRONTS.index(front)

    def begin(self):
        self.process = Process(self.space.inside(
            [java("java"), f"-Ddrill.node={self.name}", f"-Ddrill.executed={self.executed}", "-Xms32m", "-Xmx96m",
             "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.security.egd=file:/dev/urandom",
             f"-Djava.io.tmpdir={self.base}/temp", f"-Dcatalina.home={HOME}", f"-Dcatalina.base={self.base}",
             "-cp", f"{HOME}/bin/bootstrap.jar:{HOME}/bin/tomcat-juli.jar",
             "org.apache.catalina.startup.Bootstrap", "start"]), self.base / "logs/out", cwd=self.base)

    def wait(self):
        def answers():
            try:
                self.new_session()
                return True
            except (OSError, http.client.HTTPException, ValueError):
                assert self.process.running(), self.process.output()[-3000:]
                return False
        poll(answers, 90, f"{self.name} answers")

    def new_session(self):
        """The cookie of a session that lives here."""
        client = http.client.HTTPConnection(self.space.address, HTTP_PORT, timeout=10)
        client.request("GET", "/session")
        answer = client.getresponse()
        json.loads(answer.read())
        client.close()
        return answer.getheader("Set-Cookie").split(";")[0]

    def signal(self, number):
        os.killpg(self.process.pid, number)

    def stop(self):
        if self.process:
            self.process.kill()
        self.space.remove()


# Kept connections of users outlive their pauses, and everybody finds a thread; the rest is httpd's default.
HTTPD = "Timeout 60\nKeepAliveTimeout 60\nMaxKeepAliveRequests 0\nThreadsPerChild 64\nMaxRequestWorkers 64\n"
JK = "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers={names}\n"
JK_NODE = "worker.{name}.type=ajp13\nworker.{name}.host={address}\nworker.{name}.port={port}\n"
PROXY_MODULES = ["proxy_balancer", "lbmethod_byrequests", "slotmem_shm"]


def mod_jk(folder, nodes):
    said = JK.format(names=",".join(n.name for n in nodes))
    for node in nodes:
        said += JK_NODE.format(name=node.name, address=node.space.address, port=node.ajp("mod_jk"))
    return Httpd(folder, "jk", 0, workers=said, worker="lb", conf=HTTPD)


def mod_proxy(folder, nodes):
    members = "\n".join(f'BalancerMember "ajp://{n.space.address}:{n.ajp("mod_proxy_ajp")}" route={n.name}' for n in nodes)
    loads = "\n".join(f"LoadModule {m}_module {{modules}}/mod_{m}.so" for m in PROXY_MODULES)
    mount = f'{loads}\n<Proxy "balancer://tomcats">\n{members}\n</Proxy>\n' \
            'ProxyPass "/" "balancer://tomcats/" stickysession=JSESSIONID\n'
    return Httpd(folder, "proxy", 0, mount=mount, conf=HTTPD)


def ours(folder, front, nodes):
    """Our one program, or two in a row. Nothing is set: the defaults are what is tried."""
    targets = [w for n in nodes for w in ("--worker", f"{n.name}=ajp://{n.space.address}:{n.ajp(front)}")]
    if front == "ajpbridge":
        return [Daemon("ajpbridge", "--listen", "http://127.0.0.1:0", *targets, log=folder / "bridge.log")]
    forward = Daemon("ajpforward", "--listen", "ajp://127.0.0.1:0", *targets, log=folder / "forward.log")
    return [Daemon("ajpbridge", "--listen", "http://127.0.0.1:0", *workers({"forward": forward.port}),
                   log=folder / "bridge.log"), forward]


class Figures:
    def __init__(self):
        self.sent = self.answered = self.failed = self.moved = self.lost = 0
        self.latest = 0.0
        self.why = collections.Counter()


class Users:
    """Of one front before some nodes. kind: "sessions" or "plain"."""

    ids = itertools.count(1)

    def __init__(self, label, port, nodes):
        self.port, self.label = port, label
        self.figures = {"sessions": Figures(), "plain": Figures()}
        self.over, self.lock = threading.Event(), threading.Lock()
        self.threads = [threading.Thread(target=self._session, args=[n, tick], daemon=True)
                        for n in nodes for tick in TICKS]
        self.threads += [threading.Thread(target=self._plain, args=[tick], daemon=True) for tick in TICKS]
        self.waiting = {}

    def ask(self, client, path, cookie=None, method="GET", counted=None):
        """(status, what came, the cookie that was set); status 0: no answer."""
        headers = {"X-Id": f"{self.label}-{next(self.ids)}"} if method == "POST" else {}
        if cookie:
            headers["Cookie"] = cookie
        start = self.waiting[threading.get_ident()] = time.monotonic()
        status, seen, made, why = 0, None, None, None
        try:
            client.request(method, path, b"" if method == "POST" else None, headers)
            answer = client.getresponse()
            body, status = answer.read(), answer.status
            made = (answer.getheader("Set-Cookie") or "").split(";")[0] or None
            seen = json.loads(body) if status == 200 else None
        except (OSError, http.client.HTTPException, ValueError) as error:
            why = type(error).__name__
            client.close()
        self.waiting.pop(threading.get_ident(), None)
        if counted:
            with self.lock:
                counted.sent += 1
                counted.answered += seen is not None
                counted.failed += seen is None
                if seen is None:
                    counted.why[why or status] += 1
                else:
                    counted.latest = max(counted.latest, time.monotonic() - start)
        return status, seen, made

    def _client(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=GIVE_UP)

    def _next(self, due, tick):
        """When to ask again: in step with the clock, whatever the last answer took, so that all fronts are asked
        alike. None: never."""
        now = time.monotonic()
        due += tick * max(1, -int((due - now) // tick))
        return None if self.over.wait(due - now) else due

    def _session(self, node, tick):
        figures, client = self.figures["sessions"], self._client()
        cookie, count, at = node.new_session(), 1, node.name
        due = time.monotonic()
        for turn in itertools.count():
            status, seen, made = self.ask(client, "/session", cookie, "POST" if turn % 2 else "GET", figures)
            if seen:
                with self.lock:
                    figures.moved += seen["node"] != at
                    figures.lost += made is not None or seen["count"] <= count
                cookie, count, at = made or cookie, seen["count"], seen["node"]
            if (due := self._next(due, tick)) is None:
                return

    def _plain(self, tick):
        client = self._client()
        due = time.monotonic()
        for turn in itertools.count():
            self.ask(client, "/plain", None, "POST" if turn % 2 else "GET", self.figures["plain"])
            if (due := self._next(due, tick)) is None:
                return

    def start(self):
        for thread in self.threads:
            thread.start()

    def end(self, patience):
        """Those who have no answer PATIENCE seconds from now are counted as failed."""
        self.over.set()
        until = time.monotonic() + patience
        for thread in self.threads:
            thread.join(max(0.0, until - time.monotonic()))
        with self.lock:
            sessions = sum(t.is_alive() for t in self.threads[:-len(TICKS)])
            plain = sum(t.is_alive() for t in self.threads[-len(TICKS):])
            for kind, number in (("sessions", sessions), ("plain", plain)):
                self.figures[kind].sent += number
                self.figures[kind].failed += number
                if number:
                    self.figures[kind].why["no answer"] += number


class Setup:
    """One or two nodes, and every front before them."""

    def __init__(self, folder, nodes):
        self.folder, self.nodes, self.rows = folder, nodes, itertools.count()
        self.sick = nodes[0]  # the one that faults come to

    def fronts(self):
        folder = self.folder / f"row{next(self.rows)}"
        folder.mkdir()
        folder.chmod(0o755)
        for front in OURS:
            (folder / front).mkdir()
        started = {front: ours(folder / front, front, self.nodes) for front in OURS}
        started["mod_jk"] = [mod_jk(folder / "jk", self.nodes)]
        started["mod_proxy_ajp"] = [mod_proxy(folder / "proxy", self.nodes)]
        return started

    def busy_threads(self, port, front, ms):
        """All four threads of the front's connector at the sick node are asked for slow pages."""
        def slow():
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=GIVE_UP)
            try:
                client.request("GET", f"/slow/{ms}", headers={"Cookie": cookie})
                client.getresponse().read()
            except (OSError, http.client.HTTPException):
                pass
            client.close()
        cookie = self.sick.new_session()
        threads = [threading.Thread(target=slow, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()

    def run(self, fault, patience):
        """Users before, during and after the fault. Returns their figures by front and kind."""
        started = self.fronts()
        label = f"{self.folder.name}{time.monotonic_ns()}"
        users = {front: Users(f"{label}-{front}", programs[0].port, self.nodes) for front, programs in started.items()}
        try:
            for each in users.values():
                each.start()
            time.sleep(1.2)
            fault(self, {front: programs[0].port for front, programs in started.items()})
            enders = [threading.Thread(target=each.end, args=[patience]) for each in users.values()]
            for ender in enders:
                ender.start()
            for ender in enders:
                ender.join()
        finally:
            ends = [(front, program) for front in FRONTS for program in started[front]]
            for front, program in ends:
                process = getattr(program, "process", program)
                process.kill() if front in PEERS else process.terminate(30)
        return {front: each.figures for front, each in users.items()}, label

    def twice(self, front, label):
        """Requests of FRONT that were executed more than once, on whichever node."""
        seen = collections.Counter()
        for node in self.nodes:
            if node.executed.exists():
                seen.update(node.executed.read_text().splitlines())
        return [id for id, count in seen.items() if count > 1 and id.startswith(f"{label}-{front}-")]


def compile_servlet(folder):
    subprocess.run([java("javac"), "-cp", HOME / "lib/servlet-api.jar", "-d", folder,
                    HERE / "servlet/HealthServlet.java"], check=True)
    return folder


def threads_full(setup, ports):
    for front, port in ports.items():
        setup.busy_threads(port, front, 8000)
    time.sleep(9)


def pause(seconds):
    def fault(setup, _):
        setup.sick.signal(signal.SIGSTOP)
        time.sleep(seconds)
        setup.sick.signal(signal.SIGCONT)
        time.sleep(2)
    return fault


def for_ever(setup, _):
    setup.sick.signal(signal.SIGSTOP)
    time.sleep(35)


def cable_pulled(setup, _):
    setup.sick.space.cable("down")
    time.sleep(25)


def killed(setup, _):
    setup.sick.process.kill()
    time.sleep(8)


def mend(setup):
    """After a row, for the next one."""
    setup.sick.space.cable("up")
    if setup.sick.process.running():
        setup.sick.signal(signal.SIGCONT)
        setup.sick.wait()
