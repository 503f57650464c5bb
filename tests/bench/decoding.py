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
# what of tshark does the same: a line a frame, or as much as that is asked for
PEERS = {"tshark": [], "tshark -V": ["-V"], "tshark -x": ["-x"]}
VIEWS = {"decode": "tshark", "decode --json": "tshark", "stats": "tshark", "decode -v": "tshark -V",
         "decode -x": "tshark -x", "decode --http": "tshark -x", "decode --har": "tshark -x"}
PASSES = 3  # of ajpcat beside each of tshark, as they are short


def once(argv, folder):
    return costs.cost(field.pin(field.LOAD_CPU, argv), folder)


def measure(args):
    """{row: (CPU seconds, peak bytes, [ratio of the peer's CPU time to it, one a round])}"""
    tshark, ajpcat = field.find("tshark"), os.path.join(args.build, "tools/ajpcat/ajpcat")
    rows = {name: ([], [], []) for name in [*PEERS, *VIEWS]}
    with tempfile.TemporaryDirectory(prefix="ajp-bench-") as folder:
        capture = f"{folder}/capture.pcap"
        rounds = long_pcap.write(capture, args.size * MIB)
        size = os.path.getsize(capture)
        for _ in range(args.rounds):
            passes = {name: [once(costs.tshark_decoding(tshark, capture, *options), folder)] if tshark else []
                      for name, options in PEERS.items()}
            for name, peer in VIEWS.items():
                passes[name] = [once([ajpcat, *name.split(), capture], folder) for _ in range(PASSES)]
                if tshark:
                    rows[name][2].append(passes[peer][0].cpu / statistics.mean(one.cpu for one in passes[name]))
            for name, costs_of_it in passes.items():
                rows[name][0].extend(one.cpu for one in costs_of_it)
                rows[name][1].extend(one.peak_rss for one in costs_of_it)
    return size, rounds, rows


def decoding(args):
    size, rounds, rows = measure(args)
    print(f"\nDecoding a capture of {size / MIB:.0f} MiB ({rounds} times the same traffic between other hosts)\n")
    print("| | CPU time | MB/s | times as fast | as | peak RSS |")
    print("|---|---|---|---|---|---|")
    for name, (cpu, rss, ratios) in rows.items():
        if not cpu:
            print(f"| {name} | not installed | | | | |")
            continue
        seconds = statistics.median(cpu)
        spread = (f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
                  if ratios else "")
        print(f"| {name if name in PEERS else 'ajpcat ' + name} | {seconds:.3f} s | {size / seconds / 1e6:.0f} | "
              f"{spread} | {VIEWS.get(name, '')} | {max(rss) / MIB:.1f} MiB |")
