#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# coverage.sh BUILD: line and branch coverage of libajp from the runs that the build directory
# (configured with b_coverage, its tests run) has seen; fails below 100 % and 98 %, and when a branch
# that nobody took has no reason in uncovered.txt.
set -euo pipefail
build=$(readlink -f "${1:?which build directory}")
cd "$(dirname "$(dirname "$(readlink -f "$0")")")"
mkdir -p "$build/coverage-libajp"
gcovr -r . --object-directory "$build" -f libajp/ --gcov-ignore-parse-errors \
    --html-details "$build/coverage-libajp/index.html" --json "$build/coverage-libajp/coverage.json" \
    --print-summary --fail-under-line 100 --fail-under-branch 98
echo "report: $build/coverage-libajp/index.html"
tests/support/branches.py "$build/coverage-libajp/coverage.json" tests/uncovered.txt
