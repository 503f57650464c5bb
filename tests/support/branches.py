#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""branches.py COVERAGE.json LIST: the branches that gcovr saw nobody take are those that LIST gives a
reason for, no more and no fewer. Prints what differs, and exits 1 if anything does."""
import json
import pathlib
import sys


def untaken(report):
    """Yields "file: source line" for each line with a branch that was never taken."""
    for file in report["files"]:
        source = pathlib.Path(file["file"]).read_text().split("\n")
        for line in file["lines"]:
            if any(branch["count"] == 0 for branch in line["branches"]):
                yield f"{file['file']}: {source[line['line_number'] - 1].strip()}"


def listed(text):
    """Yields each entry of the list; one without a reason is an error."""
    lines = text.split("\n\n", 1)[1].rstrip("\n").split("\n")
    for entry, below in zip(lines, [*lines[1:], ""]):
        if not entry.startswith(" "):
            if not below.startswith("    "):
                sys.exit(f"no reason: {entry}")
            yield entry


def main():
    found = set(untaken(json.loads(pathlib.Path(sys.argv[1]).read_text())))
    known = set(listed(pathlib.Path(sys.argv[2]).read_text()))
    for entry in sorted(found - known):
        print(f"never taken, and no reason is listed: {entry}")
    for entry in sorted(known - found):
        print(f"listed as never taken, but taken or gone: {entry}")
    print(f"branches never taken: {len(found)}, with a reason: {len(found & known)}")
    return found != known


sys.exit(main())
