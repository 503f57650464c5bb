# SPDX-License-Identifier: Apache-2.0
"""pcapng files of all kinds hold what the pcap file of the same traffic holds."""
import json
import struct

import pytest

import long_pcap
from cat import CAPTURES, ajpcat, decode, facts

FILE = CAPTURES / "proxy-session.pcap"
ETHERNET, RAW, USB = 1, 101, 189


class Pcapng:
    def __init__(self, order="<"):
        self.order, self.data = order, b""
        self.block(0x0a0d0d0a, self.pack("IHHq", 0x1a2b3c4d, 1, 0, -1))

    def pack(self, form, *values):
        return struct.pack(self.order + form, *values)

    def block(self, kind, content):
        content += bytes(-len(content) % 4)
        self.data += self.pack("II", kind, len(content) + 12) + content + self.pack("I", len(content) + 12)

    def interface(self, link, snap=0, options=()):
        content = self.pack("HHI", link, 0, snap)
        for code, value in options:
            content += self.pack("HH", code, len(value)) + value + bytes(-len(value) % 4)
        self.block(1, content + (bytes(4) if options else b""))

    def enhanced(self, interface, ticks, frame, wire):
        self.block(6, self.pack("IIIII", interface, ticks >> 32, ticks & 0xffffffff, len(frame), wire) + frame)


def written(tmp_path, file):
    path = tmp_path / "file.pcapng"
    path.write_bytes(file.data)
    return path


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("unit, ticks", [(None, 10**6), (6, 10**6), (9, 10**9), (12, 10**12), (0x80 | 40, 1 << 40)],
                         ids=["default", "us", "ns", "ps", "2^-40"])
def test_clocks_of_all_kinds_tell_the_same_time(order, unit, ticks, tmp_path):
    file, records = Pcapng(order), long_pcap.records(FILE)
    offset = 0 if unit is None else records[0][0]  # picoseconds since 1970 would be too many
    file.interface(ETHERNET, options=[(2, b"lo"), (9, bytes([unit])), (14, file.pack("q", offset))] if unit else [])
    for seconds, us, wire, frame in records:
        seconds -= offset
        file.enhanced(0, seconds * ticks + -(-us * ticks // 10**6), frame, wire)
    assert decode(written(tmp_path, file)) == decode(FILE)


def test_interfaces_of_different_kinds_stand_beside_each_other(tmp_path):
    """As `tshark -i any -i lo -w` writes them; what cannot carry AJP is passed over."""
    file = Pcapng()
    file.interface(USB)
    file.interface(ETHERNET)
    file.interface(RAW, options=[(9, b"\x09")])
    for n, (seconds, us, wire, frame) in enumerate(long_pcap.records(FILE)):
        file.enhanced(0, 0, frame, wire)
        if n % 2:
            file.enhanced(1, seconds * 10**6 + us, frame, wire)
        else:
            file.enhanced(2, (seconds * 10**6 + us) * 1000, frame[14:], wire - 14)
        if n % 5 == 0:  # names, statistics and what nobody has heard of, larger than is read at once
            for kind, size in ((4, 8), (5, 32), (0x0bad, 1_000_001)):
                file.block(kind, bytes(size))
    got = decode(written(tmp_path, file))
    assert facts(got) == facts(decode(FILE)) and [o["start"] for o in got] == [o["start"] for o in decode(FILE)]


def test_a_second_section_may_have_the_other_byte_order(tmp_path):
    records = long_pcap.records(FILE)
    first, second = Pcapng("<"), Pcapng(">")
    for file, part in ((first, records[:31]), (second, records[31:])):
        file.interface(ETHERNET)
        for seconds, us, wire, frame in part:
            file.enhanced(0, seconds * 10**6 + us, frame, wire)
    first.data += second.data
    assert decode(written(tmp_path, first)) == decode(FILE)


@pytest.mark.parametrize("kind", ["simple", "obsolete"])
def test_other_blocks_of_packets_are_read(kind, tmp_path):
    file = Pcapng()
    file.interface(ETHERNET, snap=262144)
    for seconds, us, wire, frame in long_pcap.records(FILE):
        ticks = seconds * 10**6 + us
        if kind == "simple":
            file.block(3, file.pack("I", wire) + frame)
        else:
            file.block(2, file.pack("HHIIII", 0, 0, ticks >> 32, ticks & 0xffffffff, len(frame), wire) + frame)
    got = decode(written(tmp_path, file))
    assert facts(got) == facts(decode(FILE)) and len(got) == 20
    assert kind == "simple" or got == decode(FILE)  # a simple one has no time


@pytest.mark.parametrize("broken, why", [
    (lambda f: f.block(6, f.pack("IIIII", 7, 0, 0, 0, 0)), b"impossible length"),
    (lambda f: f.block(6, f.pack("IIIII", 0, 0, 0, 400, 400)), b"impossible length"),
    (lambda f: setattr(f, "data", f.data + f.pack("III", 6, 13, 0)), b"impossible length"),
    (lambda f: setattr(f, "data", f.data + f.pack("III", 6, 0xfffffff0, 0)), b"ends within a frame"),
    (lambda f: setattr(f, "data", f.data + f.pack("III", 9, 0xfffffff0, 0)), b"ends within a block"),
    (lambda f: f.block(0x0a0d0d0a, f.pack("IHHq", 0x1a2b3c4d, 2, 0, -1)), b"unknown version"),
    (lambda f: f.block(1, b""), b"an interface that cannot be read"),
], ids=["no such interface", "cut frame", "odd length", "huge frame", "huge block", "version", "interface"])
def test_what_is_broken_ends_the_file_and_is_told(broken, why, tmp_path):
    file = Pcapng()
    file.interface(ETHERNET)
    for seconds, us, wire, frame in long_pcap.records(FILE):
        file.enhanced(0, seconds * 10**6 + us, frame, wire)
    broken(file)
    done = ajpcat("decode", "--json", written(tmp_path, file))
    assert done.returncode == 0 and why in done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == decode(FILE)


def test_a_file_without_a_kind_that_carries_ajp_is_refused(tmp_path):
    file = Pcapng()
    file.interface(USB)
    done = ajpcat("decode", written(tmp_path, file))
    assert done.returncode == 1 and b"link type 189" in done.stderr


def test_a_file_may_end_anywhere(tmp_path):
    data = (CAPTURES / "jk-var-pcapng.pcapng").read_bytes()
    whole, cut = decode(CAPTURES / "jk-var-pcapng.pcapng"), tmp_path / "cut.pcapng"
    for length in [*range(4, 400, 7), *range(400, len(data), 1777)]:
        cut.write_bytes(data[:length])
        got = decode(cut)
        assert [o["frame"] for o in got] == [o["frame"] for o in whole][:len(got)], length
