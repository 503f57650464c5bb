# SPDX-License-Identifier: Apache-2.0
"""The list of malformed inputs (rows 1 to 124, 60a to 60f) and that of real peers' quirks (Q1 to Q30):
each number stands at a test. Labels of rows begin with it; a quirk's may stand anywhere in one, or in
what is written beside it."""
import re
import sys

import pytest

from procs import ROOT

sys.path.insert(0, str(ROOT / "tests/hostile"))
import web_rows  # noqa: E402
import worker_rows  # noqa: E402

NUMBERS = [*map(str, range(1, 125)), *(f"60{letter}" for letter in "abcdef")]
# what a message or a conversation holds, and so the codec judges; the rest needs clocks or policy
FOR_DAEMONS = {"9", "60c", "60e", "66", "83", "114", "115", "116", "119", "120", "121", "123", "124"}


def codec_labels():
    for file in sorted((ROOT / "tests/unit").glob("rows_*.c")):
        yield from re.findall(r'^    \{"([^"]+)"', file.read_text(), re.M)


def daemon_labels():
    for row in web_rows.ROWS + worker_rows.ROWS + worker_rows.SLOW:
        yield row.name
    for file in sorted((ROOT / "tests/hostile").glob("test_*.py")):
        yield from re.findall(r"^def test_(\d+[a-f]?)_", file.read_text(), re.M)
        yield from re.findall(r'"""Row (\d+)\b', file.read_text())


def numbers(labels):
    return {found.group() for found in (re.match(r"\d+[a-f]?\b", label) for label in labels) if found}


CODEC, DAEMONS = numbers(codec_labels()), numbers(daemon_labels())


@pytest.mark.parametrize("number", NUMBERS)
def test_a_malformed_input_is_tested(number):
    assert number in CODEC or number in FOR_DAEMONS, "no row in tests/unit/rows_*.c begins with it"
    assert number in DAEMONS or number not in FOR_DAEMONS, "no row in tests/hostile begins with it"


@pytest.mark.parametrize("number", range(1, 31))
def test_a_quirk_is_tested(number):
    word = re.compile(rf"\bQ{number}\b")
    places = [*(ROOT / "tests").glob("*/*.c"), *(ROOT / "tests").glob("*/*.py")]
    assert any(word.search(file.read_text()) for file in places)
