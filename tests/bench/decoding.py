# SPDX-License-Identifier: Apache-2.0
"""ajpcat decode beside tshark on one large capture, in one run."""
import os
import statistics
import sys
import tempfile

import peers as field

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../support"))
import cost as costs  # noqa: E402
import long_pcap  # noqa: E402

MIB = 1 << 20
VIEWS = {"decode": ["decode"], "decode --json": ["decode", "--json"], "decode -v": ["decode", "-v"],
         "stats": ["stats"]}
PASSES = 3  # of ajpcat beside each of tshark, as they are short


def once(argv, folder):
    return costs.cost(field.pin(field.LOAD_CPU, argv), folder)


def measure(args):
    """{row: (CPU seconds, peak bytes, [ratio of tshark's CPU time to it, one a round])}"""
    tshark, ajpcat = field.find("tshark"), os.path.join(args.build, "tools/ajpcat/ajpcat")
    rows = {name: ([], [], []) for name in ["tshark", *VIEWS]}
    with tempfile.TemporaryDirectory(prefix="ajp-bench-") as folder:
        capture = f"{folder}/capture.pcap"
        rounds = long_pcap.write(capture, args.size * MIB)
        size = os.path.getsize(capture)
        for _ in range(args.rounds):
            peer = once(costs.tshark_decoding(tshark, capture), folder) if tshark else None
            for name in rows:
                passes = ([once([ajpcat, *VIEWS[name], capture], folder) for _ in range(PASSES)]
                          if name in VIEWS else [peer] if peer else [])
                for one in passes:
                    rows[name][0].append(one.cpu)
                    rows[name][1].append(one.peak_rss)
                if passes and peer:
                    rows[name][2].append(peer.cpu / statistics.mean(one.cpu for one in passes))
    return size, rounds, rows


def decoding(args):
    size, rounds, rows = measure(args)
    print(f"\nDecoding a capture of {size / MIB:.0f} MiB ({rounds} times the same traffic between other hosts)\n")
    print("| | CPU time | MB/s | times as fast as tshark | peak RSS |")
    print("|---|---|---|---|---|")
    for name, (cpu, rss, ratios) in rows.items():
        if not cpu:
            print(f"| {name} | not installed | | | |")
            continue
        seconds = statistics.median(cpu)
        spread = (f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
                  if ratios and name in VIEWS else "")
        print(f"| {name if name == 'tshark' else 'ajpcat ' + name} | {seconds:.3f} s | {size / seconds / 1e6:.0f} | "
              f"{spread} | {max(rss) / MIB:.1f} MiB |")
