#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""screens.py [--check]: runs the commands named in docs/ajpcat.md in a tmux terminal and puts what
they show below them. --check only says whether the page is up to date (exit 1: it is not)."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/ajpcat.md"
BIN = pathlib.Path(os.environ.get("AJP_BIN") or ROOT / "build/install/bin").resolve()
BLOCK = re.compile(r"(<!-- screen (\d+)x(\d+) -->\n```\n\$ ([^\n]*)\n).*?(^```\n)", re.S | re.M)


def screen(columns, rows, command):
    """What a terminal of that size shows when the command has ended."""
    with tempfile.TemporaryDirectory() as folder:
        tmux = ["tmux", "-S", f"{folder}/socket", "-f", "/dev/null"]
        script = f"PATH={BIN}:$PATH; cd '{ROOT}/tests/ajpcat/captures'; clear; {command}; echo; touch {folder}/done; exec cat"
        env = {**os.environ, "TERM": "xterm-256color", "NO_COLOR": "1"}
        subprocess.run([*tmux, "new-session", "-d", "-x", columns, "-y", rows, "sh", "-c", script], check=True, env=env)
        try:
            end = time.monotonic() + 20
            while not os.path.exists(f"{folder}/done"):
                if time.monotonic() > end:
                    raise SystemExit(f"screens: {command} does not end")
                time.sleep(0.02)
            time.sleep(0.1)  # tmux draws what it has read
            shown = subprocess.run([*tmux, "capture-pane", "-p", "-S", "0"], check=True, capture_output=True, text=True)
        finally:
            subprocess.run([*tmux, "kill-server"], check=False, stderr=subprocess.DEVNULL)
    return "".join(line.rstrip() + "\n" for line in shown.stdout.rstrip().split("\n"))


def main():
    if not (BIN / "ajpcat").exists():
        raise SystemExit("screens: build it first: ./dev build")
    before = PAGE.read_text()
    after = BLOCK.sub(lambda m: m.group(1) + screen(m.group(2), m.group(3), m.group(4)) + m.group(5), before)
    if sys.argv[1:] == ["--check"]:
        return int(after != before)
    PAGE.write_text(after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
