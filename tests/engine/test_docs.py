# SPDX-License-Identifier: Apache-2.0
"""Man pages and examples, held against the programs."""
import os
import re
import subprocess

import pytest

from procs import BIN, ROOT

MAN = ROOT / "docs" / "man"
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.yaml"))
SECRETS = {"FRONT_SECRET": "a", "FRONT_SECRET_NEXT": "b", "WORKER_SECRET": "c"}


def run(*args):
    return subprocess.run(args, capture_output=True, text=True, env={**os.environ, **SECRETS}, timeout=20)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_is_accepted(path):
    program = "ajpbridge" if path.name.startswith("bridge") else "ajpforward"
    checked = run(BIN / program, "--config", path, "--check")
    assert (checked.returncode, checked.stderr) == (0, "")


def test_there_are_examples():
    assert len(EXAMPLES) >= 3


def keys():
    """Every key of the tables in table.c."""
    table = (ROOT / "tools/engine/config/table.c").read_text()
    return re.findall(r'\{(?:NULL|"(\w+)"), "(\w+)", KIND_', table)


def test_every_key_is_in_the_man_page():
    text = (MAN / "ajp-config.5.scd").read_text()
    assert len(keys()) > 40
    missing = [key for group, key in keys() for word in (group, key) if word and f"*{word}*" not in text]
    assert not missing


@pytest.mark.parametrize("program", ["ajpbridge", "ajpforward"])
def test_every_option_is_in_a_man_page(program):
    text = (MAN / f"{program}.1.scd").read_text() + (MAN / "ajp-config.5.scd").read_text()
    options = re.findall(r"^  (--[\w-]+)", run(BIN / program, "--help").stdout, re.M)
    assert len(options) > 30
    assert not [option for option in options if f"*{option}*" not in text]


def test_every_option_in_a_man_page_is_one():
    helped = set(re.findall(r"^  (--[\w-]+)", run(BIN / "ajpforward", "--help").stdout, re.M))
    for page in ("ajpbridge.1", "ajpforward.1", "ajp-config.5"):
        named = set(re.findall(r"\*(--[\w-]+)\*", (MAN / f"{page}.scd").read_text()))
        assert named <= helped, page
