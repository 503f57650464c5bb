# SPDX-License-Identifier: Apache-2.0
"""User-space instructions per request of our proxies, counted by valgrind: the same in each run, whatever else the
machine does, so that a change of one percent can be seen."""

import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import peers as field

PROGRAMS = ["ajpbridge", "ajpforward"]
ROWS = {
    # key: (title, options of load, requests of the short pass, of the long one)
    "small": ("small GET", ["--path", "/bytes/100", "--length", "100", "--conns", "1"], 1000, 5000),
    "10k": ("10 KiB", ["--path", "/bytes/10240", "--length", "10240", "--conns", "1"], 1000, 5000),
    "1000": ("small, 1000 conns", ["--path", "/bytes/100", "--length", "100", "--conns", "1000"], 4000, 16000),
}


def start_sink(build, log):
    sink = subprocess.Popen([f"{build}/tests/bench/sink", "0", "0"], stdout=subprocess.PIPE, stderr=log, text=True)
    ports = dict(re.match(r"listening (\w+)://[\d.]+:(\d+)", sink.stdout.readline()).groups() for _ in range(2))
    return sink, ports


def counted_pass(build, tools, name, options, requests, base, sinks):
    """All instructions of a fresh process that answers so many requests, and how many it answered."""
    peer = next(p for p in field.all_peers() if p.key == name)
    plain = peer.command
    dump = f"{base}/callgrind"

    def under_valgrind(*where):
        return ["valgrind", "--tool=callgrind", f"--callgrind-out-file={dump}", "--max-threads=64", *plain(*where)]

    peer.command = under_valgrind
    peer.start(base, sinks, build)
    try:
        done = subprocess.run([f"{tools}/tests/bench/load", "--port", str(peer.port), "--proto", peer.front, *options,
                               "--requests", str(requests)], capture_output=True, text=True, timeout=300)
    finally:
        peer.stop(patience=60)
    got = json.loads(done.stdout)
    if got["failed"]:
        raise RuntimeError(f"{name}: {got['first_failure']}")
    total = re.search(r"^(?:totals|summary): (\d+)", pathlib.Path(dump).read_text(), re.M)
    return int(total.group(1)), got["all_requests"]


def per_request(build, tools, name, row, base, sinks):
    """The difference of a long and a short pass, over that of their requests: no start and no end in it."""
    _, options, short, long = ROWS[row]
    few, few_requests = counted_pass(build, tools, name, options, short, base, sinks)
    many, many_requests = counted_pass(build, tools, name, options, long, base, sinks)
    return (many - few) / (many_requests - few_requests)


def measure(builds, chosen, tools, rounds):
    found = {}
    with tempfile.TemporaryDirectory(prefix="ajp-bench-") as base, open(f"{base}/sink.log", "wb") as log:
        sink, sinks = start_sink(tools, log)
        try:
            for name in PROGRAMS:
                for row in chosen:
                    for build in builds:
                        counts = [per_request(build, tools, name, row, base, sinks) for _ in range(rounds)]
                        found[name, row, build] = statistics.median(counts)
                        print(f"  {name}, {ROWS[row][0]}: {found[name, row, build]:.0f}", file=sys.stderr, flush=True)
        finally:
            sink.terminate()
            sink.wait()
    return found


def instructions(args):
    """args.against: another build directory, whose programs are counted in the same run, as what was before."""
    if not shutil.which("valgrind"):
        print("  left out, not installed: valgrind", file=sys.stderr)
        return
    before = os.path.abspath(args.against) if args.against else None
    found = measure([b for b in (before, args.build) if b], args.rows, args.build, max(1, args.rounds // 2))
    rows = [{"program": name, "row": row, "instructions": round(found[name, row, args.build]),
             **({"before": round(found[name, row, before])} if before else {})} for name in PROGRAMS for row in args.rows]
    if args.json:
        print(json.dumps(rows, indent=1))
        return
    print("user-space instructions per request, by valgrind" + (f"; before: {args.against}" if before else "") + "\n")
    print("| | load | instructions |" + (" before | change |" if before else ""))
    print("|---|---|---|" + ("---|---|" if before else ""))
    for r in rows:
        line = f"| {r['program']} | {ROWS[r['row']][0]} | {r['instructions']} |"
        if before:
            line += f" {r['before']} | {100 * (r['instructions'] / r['before'] - 1):+.2f} % |"
        print(line)
