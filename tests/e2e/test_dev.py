# SPDX-License-Identifier: Apache-2.0
"""What newcomers and CI start: the demo, and ./dev's answers to mistakes."""
import os
import signal
import subprocess
import sys

from procs import BIN, ROOT, Process, poll

DEMO = [sys.executable, "-B", ROOT / "tests/support/demo.py"]
ENV = {**os.environ, "AJP_BIN": str(BIN)}


def test_demo_once_ends_by_itself():
    done = subprocess.run([*DEMO, "--once"], env=ENV, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sticky: all eight on node" in done.stdout and "no request was lost" in done.stdout
    assert "\033" not in done.stdout  # colours are for terminals


def test_demo_runs_until_ctrl_c(tmp_path):
    demo = Process(DEMO, tmp_path / "out", env=ENV)
    poll(lambda: "Ctrl-C" in demo.output(), 60, "the demo prints what to try")
    demo.popen.send_signal(signal.SIGINT)
    assert demo.popen.wait(20) == 0


def test_demo_says_what_is_wrong(tmp_path):
    done = subprocess.run([*DEMO, "--once"], env={**ENV, "AJP_BIN": str(tmp_path)}, capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 1 and "ajpcat" in done.stdout


def test_an_unknown_command_is_told():
    done = subprocess.run([ROOT / "dev", "tset"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and "tset" in done.stderr and "demo" in done.stderr
