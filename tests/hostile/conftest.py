# SPDX-License-Identifier: Apache-2.0
"""Daemons that must survive their peers. They are judged at the end: exit 0 on SIGTERM, nothing leaked,
no report of a sanitizer."""
import itertools

import pytest

from procs import BIN, Daemon, workers
from scripted import ScriptedWorker

SCHEME = {"ajpbridge": "http", "ajpforward": "ajp"}
REPORTS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:", "Assertion")
numbers = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def programs():
    for name in SCHEME:
        if not (BIN / name).exists():
            pytest.skip(f"{name} is not built yet")


@pytest.fixture
def number():
    """A fresh request number, so that an answer tells whose it is."""
    return lambda: next(numbers)


def judge(daemon):
    status = daemon.terminate()
    said = daemon.output()
    assert not any(word in said for word in REPORTS), said[-4000:]
    assert status == 0, f"exit {status}: {said[-3000:]}"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """Starts a daemon before workers: guarded(name, {worker: port}, option...)."""
    started = []

    def start(name, ports, *options, config=None):
        folder = tmp_path_factory.mktemp(name)
        if config is not None:
            (folder / "config.yaml").write_text(config)
            args, count = ["--config", folder / "config.yaml"], config.count("- url:")
        else:
            args, count = ["--listen", f"{SCHEME[name]}://127.0.0.1:0", *workers(ports), "--threads", "1"], 1
        daemon = Daemon(name, *args, *options, log=folder / "log", listeners=count)
        started.append(daemon)
        return daemon
    yield start
    for daemon in started:
        judge(daemon)


@pytest.fixture(scope="module")
def scripted():
    """Starts scripted workers; ended after the module."""
    started = []

    def start(*args, **options):
        started.append(ScriptedWorker(*args, **options))
        return started[-1]
    yield start
    for worker in started:
        worker.stop()
