# SPDX-License-Identifier: Apache-2.0
"""What CONTRIBUTING.md and README.md say of the tree is so."""
import re
import subprocess

import pytest

from procs import ROOT

NO_TESTS = {"tests/support"}


def rows():
    for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[0].startswith("`"):
            for folder in re.findall(r"`([^`]+)`", cells[0]):
                yield folder, cells[2]


def kinds(folder):
    """Who runs the tests that lie there."""
    found = set()
    if list(folder.rglob("test_*.py")):
        found.add("pytest")
    if any(re.search(r"^(Parameterized)?Test\(", file.read_text(), re.M) for file in folder.rglob("*.c")):
        found.add("Criterion")
    if any(re.search(r"^int main\(", file.read_text(), re.M) for file in folder.glob("test_*.c")):
        found.add("a program of its own")
    if any("LLVMFuzzerTestOneInput" in file.read_text() for file in folder.rglob("*.c")):
        found.add("libFuzzer")
    return found


def test_every_folder_of_tests_is_in_the_table_and_no_other():
    there = {f"tests/{p.name}" for p in (ROOT / "tests").iterdir() if p.is_dir() and kinds(p)} - NO_TESTS
    assert {folder for folder, _ in rows()} == there | {"fuzz"}


@pytest.mark.parametrize("folder, by", rows())
def test_who_runs_a_folders_tests_is_as_the_table_says(folder, by):
    assert set(by.split(", ")) == kinds(ROOT / folder)


def test_the_two_commands_are_the_ones_that_fresh_runs():
    readme = (ROOT / "README.md").read_text()
    promised = re.findall(r"^    (\./dev \w+)", readme.partition("## Two commands")[2].partition("##")[0], re.M)
    script = (ROOT / "tests/support/fresh").read_text()
    assert promised == re.findall(r"^    inside (\./dev \w+)", script, re.M) == ["./dev demo", "./dev test"]
    assert "./dev test" in (ROOT / ".ci/run").read_text()


def test_every_command_that_the_documents_name_exists():
    known = subprocess.run([ROOT / "dev"], capture_output=True, text=True, timeout=20, check=True).stdout
    for document in ("README.md", "CONTRIBUTING.md"):
        for command in re.findall(r"\./dev (\w+)", (ROOT / document).read_text()):
            assert re.search(rf"^  {command}\b", known, re.M), f"{document}: ./dev {command}"


def test_no_two_tests_have_one_name():
    """pytest takes the second of them for the first, and collects nothing."""
    names = [file.name for file in (ROOT / "tests").rglob("test_*.py")]
    assert len(names) == len(set(names)), sorted(name for name in names if names.count(name) > 1)
