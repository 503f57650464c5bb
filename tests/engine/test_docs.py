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


def options_of(*command):
    """What --help lists: on standard output, with exit code 0."""
    helped = run(BIN / command[0], *command[1:], "--help")
    assert (helped.returncode, helped.stderr) == (0, "")
    return set(re.findall(r"^  (--[\w-]+)", helped.stdout, re.M))


def named_in(page):
    return set(re.findall(r"\*(--[\w-]+)\*", (MAN / f"{page}.scd").read_text()))


PROGRAMS = ["ajpbridge", "ajpforward"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_option_is_in_a_man_page(program):
    assert len(options_of(program)) > 30
    assert options_of(program) <= named_in(f"{program}.1") | named_in("ajp-config.5")


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_option_in_a_man_page_is_one(program):
    assert named_in(f"{program}.1") <= options_of(program)
    assert named_in("ajp-config.5") <= options_of("ajpbridge") | options_of("ajpforward")


@pytest.mark.parametrize("program, other", [PROGRAMS, PROGRAMS[::-1]])
def test_an_option_of_the_other_program_is_refused(program, other):
    foreign = options_of(other) - options_of(program)
    assert foreign
    for option in foreign:
        refused = run(BIN / program, option, "1")
        assert (refused.returncode, refused.stdout) == (2, ""), option
        assert "no option for listeners of the other protocol" in refused.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_h_is_help(program):
    assert run(BIN / program, "-h").stdout == run(BIN / program, "--help").stdout
