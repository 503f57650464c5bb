# SPDX-License-Identifier: Apache-2.0
"""Large captures take the same memory however long they are, and progress is shown. How fast they are decoded is
for `./dev bench decode` to tell: a time is no test."""
import re

import pytest

import long_pcap
from cat import TRUTH, on_terminal
from cost import cost
from procs import BIN

pytestmark = pytest.mark.release

MIB = 1 << 20
VIEWS = [["decode"], ["decode", "--json"], ["decode", "--har"], ["decode", "--http"], ["decode", "-v"], ["decode", "-x"],
         ["stats"]]


@pytest.fixture(scope="module")
def captures(tmp_path_factory):
    """A short and a long one, each with its rounds of the same traffic."""
    folder = tmp_path_factory.mktemp("long")
    return [(folder / f"{size}.pcap", long_pcap.write(folder / f"{size}.pcap", size * MIB)) for size in (2, 32)]


def test_nothing_is_lost_in_a_long_capture(captures, tmp_path):
    file, rounds = captures[1]
    once = sum(len(TRUTH[f"{name}.pcap"]["requests"]) + TRUTH[f"{name}.pcap"]["cpings"] for name in long_pcap.TRAFFIC)
    assert cost([BIN / "ajpcat", "decode", file], tmp_path).lines == once * rounds


@pytest.mark.parametrize("view", VIEWS, ids=" ".join)
def test_memory_does_not_grow_with_the_capture(view, captures, tmp_path):
    short, long = (cost([BIN / "ajpcat", *view, file], tmp_path).peak_rss for file, _ in captures)
    assert long < short + 2 * MIB < 16 * MIB


@pytest.mark.parametrize("args, shown", [(["stats"], True), (["decode"], False), (["decode", "--json"], False)],
                         ids=lambda args: " ".join(args) if isinstance(args, list) else "")
def test_progress_is_shown_on_a_terminal_that_shows_nothing_else(args, shown, captures):
    out = on_terminal(*args, "-f", "index < 0", captures[1][0])
    bars = re.findall(rb"\r\[(#* *)\] +([\d.]+)% +\d+ MB/s +\d+ s left ", out)
    assert bool(bars) == shown == (b"MB/s" in out)
    assert all(len(bar) == 30 and abs(bar.count(b"#") / 0.3 - float(share)) <= 3.4 for bar, share in bars)
    assert not shown or b"\r\x1b[K0 requests" in out
