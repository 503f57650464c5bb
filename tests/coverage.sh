#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# coverage.sh BUILD: line and branch coverage of libajp from the runs that the build directory
# (configured with b_coverage, its tests run) has seen; fails below 100 % and 98 %.
set -euo pipefail
build=${1:?which build directory}
root=$(dirname "$(dirname "$(readlink -f "$0")")")
mkdir -p "$build/coverage-libajp"
gcovr -r "$root" --object-directory "$build" -f "$root/libajp/" \
    --gcov-ignore-parse-errors --html-details "$build/coverage-libajp/index.html" --print-summary \
    --fail-under-line 100 --fail-under-branch 98
echo "report: $build/coverage-libajp/index.html"
