#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tally.py DIR: counts the test cases in DIR/*.xml (JUnit, from meson and pytest) and the
lines of DIR/steps ("ok NAME" or "failed NAME"), names what failed, counts what was skipped, and prints
"N passed, M failed" as its last line. Exits 1 if something failed or nothing ran."""
import collections
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def cases(folder):
    """Yields (name, outcome, text) for each case, outcome one of passed, failed, skipped."""
    steps = folder / "steps"
    for line in steps.read_text().splitlines() if steps.exists() else []:
        outcome, name = line.split(" ", 1)
        yield name, "passed" if outcome == "ok" else "failed", ""
    for file in sorted(folder.glob("*.xml")):
        try:
            tree = ElementTree.parse(file)
        except ElementTree.ParseError as error:
            yield f"{file.stem}: unreadable results", "failed", str(error)
            continue
        for suite in tree.iter("testsuite"):
            yield from suite_cases(file.stem, suite)


def suite_cases(runner, suite):
    bad = 0
    for case in suite.findall("testcase"):
        name = f"{runner}: {case.get('classname') or suite.get('name')}: {case.get('name')}"
        note = next((case.find(t) for t in ("failure", "error", "skipped") if case.find(t) is not None), None)
        if note is None:
            yield name, "passed", ""
        else:
            outcome = "skipped" if note.tag == "skipped" else "failed"
            bad += outcome == "failed"
            yield name, outcome, note.get("message") or ""
    # a program that dies after its last case is marked in its suite only
    if not bad and int(suite.get("failures") or 0) + int(suite.get("errors") or 0):
        yield f"{runner}: {suite.get('name')}", "failed", "the program failed outside its cases"


def main():
    found = list(cases(pathlib.Path(sys.argv[1])))
    count = {outcome: sum(c[1] == outcome for c in found) for outcome in ("passed", "failed", "skipped")}
    for reason, number in collections.Counter(c[2] for c in found if c[1] == "skipped").items():
        print(f"skipped: {number} ({reason})")
    for name, _, text in (c for c in found if c[1] == "failed"):
        print(f"failed: {name}" + (f" ({text.splitlines()[0][:160]})" if text else ""))
    print(f"{count['passed']} passed, {count['failed']} failed")
    return 1 if count["failed"] or not count["passed"] else 0


sys.exit(main())
