# SPDX-License-Identifier: Apache-2.0
"""What a command costs, as the kernel counts it."""
import os
import subprocess
from typing import NamedTuple


class Cost(NamedTuple):
    cpu: float  # seconds, user and system
    peak_rss: int  # bytes
    lines: int  # of standard output


def cost(argv, folder):
    """Runs it to the end; raises when it fails. GNU time stands between, since a child of ours
    would begin with our own peak of memory."""
    out, rss = os.path.join(folder, "cost.out"), os.path.join(folder, "cost.rss")
    with open(out, "wb") as file:
        process = subprocess.Popen(["time", "-q", "-f", "%M", "-o", rss, *map(str, argv)], stdout=file,
                                   stderr=subprocess.PIPE)
        error = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stderr.close()
    if process.returncode:
        raise RuntimeError(f"{argv[0]} ends with {process.returncode}: {error.decode(errors='replace')}")
    with open(out, "rb") as lines, open(rss, encoding="ascii") as peak:
        return Cost(usage.ru_utime + usage.ru_stime, int(peak.read()) * 1024, sum(1 for _ in lines))


def tshark_decoding(program, file, *options):
    """tshark's line for each frame, with AJP put together over segments; no names looked up. With -V a tree of
    fields, with -x a hex dump."""
    return [program, "-n", "-r", str(file), "-d", "tcp.port==18009,ajp13", "-d", "tcp.port==18109,ajp13", *options]
