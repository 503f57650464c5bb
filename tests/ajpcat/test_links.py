# SPDX-License-Identifier: Apache-2.0
"""The same traffic on links of all kinds reads the same, whatever stands before TCP."""
import itertools
import struct

import pytest

import long_pcap
from cat import CAPTURES, decode, facts

FILE = CAPTURES / "proxy-session.pcap"
ETHERNET_HEAD, IPV4_HEAD = 14, 20
MACS = b"\x02\0\0\0\0\1\x02\0\0\0\0\2"


def ethernet(*tags):
    """Behind VLAN tags, each a type and a number."""
    def wrap(ip, kind=b"\x08\0"):
        return MACS + b"".join(struct.pack(">HH", *tag) for tag in tags) + kind + ip
    return wrap


def before(*heads):
    """Each frame has one of the heads, in turn."""
    turn = itertools.cycle(heads)
    return lambda ip: next(turn) + ip


LINKS = {
    "ethernet": (1, ethernet()),
    "vlan": (1, ethernet((0x8100, 7))),
    "vlan in vlan": (1, ethernet((0x88a8, 7), (0x8100, 8))),
    "vlan in vlan, the old way": (1, ethernet((0x9100, 7), (0x8100, 8))),
    "linux cooked": (113, before(b"\0\0\0\1\0\6\2\0\0\0\0\1\0\0\x08\0", b"\0\4\0\1\0\6\2\0\0\0\0\1\0\0\x08\0")),
    "linux cooked, vlan": (113, before(b"\0\0\0\1\0\6\2\0\0\0\0\1\0\0\x81\0\0\7\x08\0")),
    "linux cooked v2": (276, before(b"\x08\0\0\0\0\0\0\1\0\1\0\6\2\0\0\0\0\1\0\0",
                                    b"\x08\0\0\0\0\0\0\2\0\1\4\6\2\0\0\0\0\1\0\0")),
    "loopback of little hosts": (0, before(b"\2\0\0\0")),
    "loopback of big hosts": (0, before(b"\0\0\0\2")),
    "loopback of OpenBSD": (108, before(b"\0\0\0\2")),
    "raw": (101, before(b"")),
    "raw, its other number": (12, before(b"")),
    "ipv4": (228, before(b"")),
}


def padded(ip):
    """As short frames are on Ethernet: bytes behind the packet."""
    return ip + b"\x55" * max(0, 60 - len(ip))


def with_options(ip):
    """The IP head is longer: router alert and the end of the list."""
    head = bytes([0x47]) + ip[1:2] + struct.pack(">H", len(ip) + 8) + ip[4:IPV4_HEAD]
    return head + b"\x94\4\0\0\0\0\0\0" + ip[IPV4_HEAD:]


def offloaded(ip):
    """The network card writes the length: it is 0 in the capture."""
    return ip[:2] + b"\0\0" + ip[4:]


def as_ipv6(ip, extensions=b"", first=6):
    """The same TCP between ::ffff:ADDRESS and ::ffff:ADDRESS."""
    body = extensions + ip[IPV4_HEAD:]
    mapped = [bytes(10) + b"\xff\xff" + ip[at:at + 4] for at in (12, 16)]
    return b"\x60\0\0\0" + struct.pack(">HBB", len(body), first, 64) + mapped[0] + mapped[1] + body


def rewritten(path, link, wrap, change=lambda ip: ip):
    """FILE on another link."""
    out = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, link)
    for seconds, fraction, _, frame in long_pcap.records(FILE):
        frame = wrap(change(frame[ETHERNET_HEAD:]))
        out += struct.pack("<IIII", seconds, fraction, len(frame), len(frame)) + frame
    path.write_bytes(out)
    return path


@pytest.mark.parametrize("link, wrap", LINKS.values(), ids=LINKS)
def test_links_of_all_kinds_read_the_same(link, wrap, tmp_path):
    assert decode(rewritten(tmp_path / "other.pcap", link, wrap)) == decode(FILE)


@pytest.mark.parametrize("change", [padded, with_options, offloaded])
def test_ip_of_all_kinds_reads_the_same(change, tmp_path):
    assert decode(rewritten(tmp_path / "other.pcap", 1, ethernet(), change)) == decode(FILE)


IPV6 = {
    "plain": as_ipv6,
    "options": lambda ip: as_ipv6(ip, bytes([6, 0, 1, 4, 0, 0, 0, 0]), 0),
    "routing, options": lambda ip: as_ipv6(ip, bytes([60, 0, 4, 0, 0, 0, 0, 0]) + bytes([6, 1, 1, 12]) + bytes(12), 43),
    "a fragment that is all": lambda ip: as_ipv6(ip, bytes([6, 0, 0, 0, 0, 0, 0, 1]), 44),
    "authenticated": lambda ip: as_ipv6(ip, bytes([6, 4, 0, 0]) + bytes(20), 51),
}


@pytest.mark.parametrize("link, wrap", [(1, lambda ip: ethernet((0x8100, 7))(ip, b"\x86\xdd")),
                                        (276, before(b"\x86\xdd\0\0\0\0\0\1\0\1\0\6\2\0\0\0\0\1\0\0")),
                                        (0, before(b"\x1e\0\0\0")), (101, before(b"")), (229, before(b""))],
                         ids=["vlan", "linux cooked v2", "loopback", "raw", "ipv6"])
@pytest.mark.parametrize("change", IPV6.values(), ids=IPV6)
def test_ipv6_reads_the_same(link, wrap, change, tmp_path):
    got = decode(rewritten(tmp_path / "other.pcap", link, wrap, change))
    assert facts(got) == facts(decode(FILE)) and len(got) == 20
    assert {o["server"] for o in got} == {"[::ffff:127.0.0.1]:18009", "[::ffff:127.0.0.1]:18109"}


def test_other_protocols_are_passed_over(tmp_path):
    """ARP, UDP, a fragment's rest, a tag behind which nothing comes: none of it is AJP."""
    path = rewritten(tmp_path / "other.pcap", 1, ethernet())
    ip = next(frame for *_, frame in long_pcap.records(FILE))[ETHERNET_HEAD:]
    noise = [ethernet()(bytes(28), b"\x08\x06"), ethernet()(ip[:9] + b"\x11" + ip[10:]),
             ethernet()(ip[:6] + b"\0\x10" + ip[8:]), MACS + b"\x81\0\0", MACS, b""]
    path.write_bytes(path.read_bytes() + b"".join(
        struct.pack("<IIII", 1, 1, len(frame), len(frame)) + frame for frame in noise))
    assert decode(path) == decode(FILE)
