# SPDX-License-Identifier: Apache-2.0
"""App servers that can be killed, daemons before them, and the table of figures at the end."""
import collections
import pathlib
import sys

import pytest

from procs import BIN, Daemon, Process, free_port, poll, workers

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
REPORTS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:", "Assertion")
table = []


def pytest_terminal_summary(terminalreporter):
    if table:
        terminalreporter.section("drills")
        for line in table:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def programs():
    for name in ("ajpbridge", "ajpforward"):
        if not (BIN / name).exists():
            pytest.skip(f"{name} is not built yet")


@pytest.fixture
def drill_table():
    """Its lines are printed at the end of the run."""
    return table


@pytest.fixture(scope="session")
def thorough(pytestconfig):
    """Whether there is time: `./dev test drills` was asked for."""
    return "drill" in (pytestconfig.getoption("keyword") or "")


class Node:
    def __init__(self, folder, name):
        self.name, self.port = name, free_port()
        self.file = folder / f"{name}.executed"
        self.log = folder / f"{name}.log"
        self.process = None
        self.start()

    def start(self):
        self.log.unlink(missing_ok=True)
        self.process = Process(["/usr/bin/python3", HERE / "node.py", self.name, self.port, self.file], self.log)
        poll(lambda: "is ready" in self.process.output(), what=f"{self.name} is ready")
        return self

    def kill(self):
        self.process.kill()

    def signal(self, number):
        self.process.popen.send_signal(number)

    def executed(self):
        """How often each request was executed here: {(method, number): count}."""
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        return collections.Counter(lines)


class Stage:
    """NODES app servers behind ajpbridge, or behind ajpforward behind ajpbridge."""

    def __init__(self, folder, kind, count, options):
        self.nodes = [Node(folder, f"node{i}") for i in range(count)]
        ports = {n.name: n.port for n in self.nodes}
        options = ["--reply-timeout", "2s", "--connect-timeout", "1s", "--cping-timeout", "500ms", *options]
        self.daemons = []
        if kind == "chain":
            self.daemons.append(Daemon("ajpforward", "--listen", "ajp://127.0.0.1:0", *workers(ports), *options,
                                       log=folder / "forward.log"))
            ports = {"forward": self.daemons[0].port}
            options = ["--reply-timeout", "5s"]
        self.daemons.append(Daemon("ajpbridge", "--listen", "http://127.0.0.1:0", *workers(ports), *options,
                                   log=folder / "bridge.log"))
        self.front = self.daemons[-1]
        self.balancer = self.daemons[0]
        self.port = self.front.port

    def twice(self):
        """Unsafe requests that were executed more than once, on whichever node."""
        total = sum((node.executed() for node in self.nodes), collections.Counter())
        return [key for key, count in total.items() if count > 1 and key.startswith("POST")]

    def stop(self):
        for node in self.nodes:
            node.kill()
        for daemon in self.daemons:
            status = daemon.terminate()
            said = daemon.output()
            assert not any(word in said for word in REPORTS), said[-4000:]
            assert status == 0, f"exit {status}: {said[-3000:]}"


@pytest.fixture
def stage(tmp_path):
    stages = []

    def start(kind="bridge", count=2, *options):
        stages.append(Stage(tmp_path, kind, count, list(options)))
        return stages[-1]
    yield start
    for each in stages:
        each.stop()


@pytest.fixture
def figures(request):
    """figures(stage, load, more...): one line of the table; no answer was wrong, nothing ran twice."""
    def note(stage, load, **more):
        twice = stage.twice() if stage else []
        parts = [f"sent {load.sent}", f"answered {load.answered}", f"failed {len(load.failures)}", f"twice {len(twice)}"]
        parts += [f"{name} {value:.2f} s" if isinstance(value, float) else f"{name} {value}" for name, value in more.items()]
        table.append(f"{request.node.name:58} " + ", ".join(parts))
        assert load.wrong == [], "answers of other requests"
        assert twice == []
        assert load.answered > 0
    return note


@pytest.fixture
def figures_of(request):
    """figures_of(more...): a line of the table for what is not measured by a Load."""
    def note(**more):
        table.append(f"{request.node.name:58} " + ", ".join(f"{name} {value}" for name, value in more.items()))
    return note
