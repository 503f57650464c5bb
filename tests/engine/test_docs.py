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
    assert named_in(f"{program}.1") <= options_of(program) | options_of(program, "ctl") | options_of(program, "import")
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
def test_help_leads_to_all_there_is(program):
    said = run(BIN / program, "--help").stdout
    for usage in ("--listen", "--config", "ctl", "import"):
        assert re.search(rf"^(Usage:|      ) {program} {usage} ", said, re.M), usage
    for command in ([], ["ctl"], ["import"]):
        helped = [run(BIN / program, *command, option) for option in ("--help", "-h")]
        assert [(done.returncode, done.stderr) for done in helped] == [(0, "")] * 2
        assert helped[0].stdout == helped[1].stdout and helped[0].stdout.startswith("Usage: ")


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("args, told", [
    (["--lisen", "x"], "--lisen: expected an option, did you mean --listen?"),
    (["frobnicate"], "frobnicate: expected an option, see --help"),
    (["ctl"], "ctl: expected ADDRESS VERB"),
    (["ctl", "unix:/x", "drian", "a"], "ctl: expected a verb, got drian, did you mean drain"),
    (["ctl", "unix:/x", "frobnicate"], "ctl: expected a verb, got frobnicate, see ctl --help"),
    (["ctl", "unix:/x", "drain"], "ctl: drain: expected WORKER, see ctl --help"),
    (["ctl", "unix:/x", "status", "a"], "ctl: status: expected nothing more"),
    (["import"], "import: expected"),
])
def test_bad_usage_is_one_line_on_standard_error(program, args, told):
    done = run(BIN / program, *args)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{program}: {told}") and done.stderr.count("\n") == 1, done.stderr


def test_every_verb_of_ctl_is_in_the_man_pages_and_the_other_way_round():
    verbs = set(re.findall(r"^  ([a-z]+) ", run(BIN / "ajpbridge", "ctl", "--help").stdout, re.M))
    assert len(verbs) > 8
    for program in PROGRAMS:
        section = (MAN / f"{program}.1.scd").read_text().split("# ADMIN SERVER")[1].split("\n# ")[0]
        heads = "\n".join(re.findall(r"^(\*.*)\n\t", section, re.M))
        assert set(re.findall(r"\*([a-z]+)\*", heads)) == verbs, program


LISTS = {"listener": "listen", "worker": "workers", "route": "routes"}


def keys_of_the_page():
    """(list or group, key) of each heading of an item in ajp-config(5)."""
    group, found = None, []
    text = (MAN / "ajp-config.5.scd").read_text()
    for part in re.sub(r"(?<=[^\n\t])\n(?=[a-z])", " ", text).splitlines():
        section = re.match(r"# (.*)", part)
        holds = re.findall(r"\*(\w+)\* holds:", part)
        if section:
            group = section[1].lower().rstrip("s") + "s" if section[1] in ("WORKERS", "ROUTES") else None
            group = "listen" if section[1] == "LISTENERS" else group
        if holds and not part.startswith("\t"):
            group = holds[-1]
        heading = re.sub(r"\[[^]]*\]", "", part).strip()
        if re.fullmatch(r"\*\w+\*( *, *\*\w+\*)*", heading):
            found += [(group, key) for key in re.findall(r"\*(\w+)\*", heading)]
    return found


def rows_of_the_tables():
    """(list or group, key, option) of each row of table.c."""
    table = (ROOT / "tools/engine/config/table.c").read_text()
    for name, rows in re.findall(r"setting_row (\w+)_rows\[\] = \{(.*?)\n\};", table, re.S):
        for row in re.split(r"\n    (?=\{)", rows):
            group, key = re.search(r'\{(?:NULL|"(\w+)"), "(\w+)", KIND_', row).groups() if "KIND_" in row else (0, 0)
            option = re.search(r'"(--[\w-]+)"', row)
            if key:
                yield LISTS.get(name, group or None), key, option and option[1]


def test_the_page_has_the_keys_of_the_tables_each_where_it_belongs():
    page, tables = keys_of_the_page(), [(group, key) for group, key, _ in rows_of_the_tables()]
    assert len(tables) > 100
    assert sorted(set(page) - set(tables), key=str) == [], "in the page alone"
    assert sorted(set(tables) - set(page), key=str) == [], "in the tables alone"
    assert len(page) == len(set(page)), "an item stands there twice"


def test_options_are_named_at_their_keys():
    text = (MAN / "ajp-config.5.scd").read_text()
    pairs = [(key, option) for _, key, option in rows_of_the_tables() if option]
    assert len(pairs) > 30
    assert not [pair for pair in pairs if f"*{pair[0]}* [*{pair[1]}*]" not in text]
