# SPDX-License-Identifier: Apache-2.0
"""Captures made here: a TCP connection as IP packets, what they may be carried in, and files of them."""
import ipaddress
import struct

SYN, ACK, FIN, RST, PSH = 2, 16, 1, 4, 8
ETHERNET, RAW = 1, 101
MACS = bytes.fromhex("525400000002525400000001")
CLIENT, SERVER = 0, 1


def checksum(data):
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip(source, target, protocol, payload, number=1, more=False, offset=0):
    """An IPv4 or IPv6 packet; OFFSET and MORE make it a fragment."""
    source, target = ipaddress.ip_address(source), ipaddress.ip_address(target)
    if source.version == 4:
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), number & 0xffff, more << 13 | offset // 8, 64, protocol,
                           0) + source.packed + target.packed
        return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload
    if more or offset:
        payload = struct.pack(">BBHI", protocol, 0, offset | more, number) + payload
        protocol = 44
    return struct.pack(">IHBB", 6 << 28, len(payload), protocol, 64) + source.packed + target.packed + payload


def udp(port, payload):
    return struct.pack(">HHHH", 50000, port, 8 + len(payload), 0) + payload


def ethernet(payload, kind=None):
    if kind is None:
        kind = 0x0800 if payload[0] >> 4 == 4 else 0x86dd
    return MACS + struct.pack(">H", kind) + payload


class Conversation:
    """Packets of one TCP connection, as (nanoseconds, IP packet)."""

    def __init__(self, client="192.0.2.1", server="192.0.2.2", ports=(40000, 8009), start=1_700_000_000, opened=True):
        self.ends, self.ports, self.now, self.packets = (client, server), ports, start * 10**9, []
        self.seq, self.number = [1000, 5000], 0
        if opened:
            self.segment(CLIENT, SYN)
            self.segment(SERVER, SYN | ACK)
            self.segment(CLIENT, ACK)

    def segment(self, side, flags, data=b""):
        self.now += 10_000
        self.number += 1
        tcp = struct.pack(">HHIIBBHHH", self.ports[side], self.ports[not side], self.seq[side],
                          self.seq[not side] if flags & ACK else 0, 5 << 4, flags, 64000, 0, 0) + data
        self.packets.append((self.now, ip(self.ends[side], self.ends[not side], 6, tcp, self.number)))
        self.seq[side] += len(data) + bool(flags & (SYN | FIN))
        return self

    def send(self, side, data, size=1400):
        for at in range(0, len(data), size):
            self.segment(side, PSH | ACK, data[at:at + size])
        return self

    def wait(self, seconds):
        self.now += int(seconds * 10**9)
        return self

    def close(self, side):
        return self.segment(side, FIN | ACK)

    def reset(self, side):
        return self.segment(side, RST | ACK)


def write(path, packets, link=RAW, cut=262144):
    """A pcap file of (nanoseconds, frame)."""
    out = [struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 262144, link)]
    for time, frame in packets:
        out.append(struct.pack("<IIII", time // 10**9, time % 10**9, min(len(frame), cut), len(frame)) + frame[:cut])
    path.write_bytes(b"".join(out))
    return path


# --- what an IP packet may be carried in: each takes one and gives back another packet or a frame ---

OUTER = ("198.51.100.1", "198.51.100.2")
OUTER6 = ("2001:db8::1", "2001:db8::2")


def kind_of(packet):
    return 0x0800 if packet[0] >> 4 == 4 else 0x86dd


def over_ip(protocol, payload, ends=OUTER):
    return ip(*ends, protocol, payload)


def vlan(packet, tags=(0x8100,)):
    """On Ethernet, behind that many tags."""
    head = b"".join(struct.pack(">HH", tag, 100 + at) for at, tag in enumerate(tags))
    return MACS + head + struct.pack(">H", kind_of(packet)) + packet


def snap(packet):
    body = b"\xaa\xaa\3\0\0\0" + struct.pack(">H", kind_of(packet)) + packet
    return MACS + struct.pack(">H", min(len(body), 1500)) + body


def vxlan(packet, port=4789):
    return over_ip(17, udp(port, b"\x08\0\0\0\0\0\x2a\0" + ethernet(packet)))


def vxlan_gpe(packet):
    return over_ip(17, udp(4790, b"\x0c\0\0" + bytes([1 if packet[0] >> 4 == 4 else 2]) + b"\0\0\x2a\0" + packet))


def geneve(packet, options=b"\1\2\x80\1abcd"):
    return over_ip(17, udp(6081, struct.pack(">BBHI", len(options) // 4, 0, 0x6558, 42 << 8) + options + ethernet(packet)))


def gre(packet, flags=0, kind=None):
    fields = 4 * (bool(flags & 0x8000) + bool(flags & 0x2000) + bool(flags & 0x1000))
    return over_ip(47, struct.pack(">HH", flags, kind or kind_of(packet)) + bytes(fields) + packet)


def pptp(packet):
    ppp_frame = ppp(packet)
    return over_ip(47, struct.pack(">HHHHI", 0x3001, 0x880b, len(ppp_frame), 7, 1) + ppp_frame)


def erspan_1(packet):
    return gre(ethernet(packet), kind=0x88be)


def erspan_2(packet):
    return over_ip(47, struct.pack(">HHIII", 0x1000, 0x88be, 1, 0x10640001, 0) + ethernet(packet))


def erspan_3(packet, more=0):
    head = struct.pack(">HHIHHIHH", 0x1000, 0x22eb, 1, 0x2064, 1, 12345, 0, more) + bytes(8 * more)
    return over_ip(47, head + ethernet(packet))


def in_ip(packet):
    """IP in IP, or 6in4."""
    return over_ip(4 if packet[0] >> 4 == 4 else 41, packet)


def in_ipv6(packet):
    return over_ip(4 if packet[0] >> 4 == 4 else 41, packet, OUTER6)


def signed(packet):
    """An authentication header between IP and TCP."""
    head = 20 if packet[0] >> 4 == 4 else 40
    ends = [str(ipaddress.ip_address(packet[at:at + size])) for at, size in
            ((12, 4), (16, 4)) if head == 20] or [str(ipaddress.ip_address(packet[at:at + 16])) for at in (8, 24)]
    return ip(*ends, 51, struct.pack(">BBHII", 6, 4, 0, 1, 1) + bytes(12) + packet[head:])


def mpls(packet, labels=2):
    stack = b"".join(struct.pack(">I", (100 + n) << 12 | (n == labels - 1) << 8 | 64) for n in range(labels))
    return ethernet(stack + packet, 0x8847)


def pseudowire(packet, word=bytes(4), macs=MACS):
    return ethernet(struct.pack(">I", 100 << 12 | 1 << 8 | 64) + word + macs + ethernet(packet)[12:], 0x8847)


def mpls_in_udp(packet):
    return over_ip(17, udp(6635, struct.pack(">I", 100 << 12 | 1 << 8 | 64) + packet))


def ppp(packet, head=b"\xff\3"):
    return head + struct.pack(">H", 0x21 if packet[0] >> 4 == 4 else 0x57) + packet


def pppoe(packet):
    body = ppp(packet, b"")
    return ethernet(struct.pack(">BBHH", 0x11, 0, 7, len(body)) + body, 0x8864)


def etherip(packet):
    return over_ip(97, b"\x30\0" + ethernet(packet))


def backbone(packet):
    return ethernet(struct.pack(">I", 42) + ethernet(packet), 0x88e7)


def sll(packet):
    return struct.pack(">HHH8sH", 0, 1, 6, bytes(8), kind_of(packet)) + packet


def sll2(packet):
    return struct.pack(">HHIHBB8s", kind_of(packet), 0, 1, 1, 0, 6, bytes(8)) + packet


def null(packet):
    return struct.pack("<I", 2 if packet[0] >> 4 == 4 else 30) + packet


def hdlc(packet):
    return b"\x0f\0" + struct.pack(">H", kind_of(packet)) + packet


def wifi(packet, qos=True, both=False):
    """A data frame of 802.11."""
    head = struct.pack("<HH", 0x88 if qos else 0x08, 0)[:1] + bytes([3 if both else 1]) + bytes(2) + bytes(18) + b"\0\0"
    return head + (bytes(6) if both else b"") + (b"\0\0" if qos else b"") + b"\xaa\xaa\3\0\0\0" + struct.pack(
        ">H", kind_of(packet)) + packet


def aggregated(packet):
    """The first of a frame of several."""
    body = b"\xaa\xaa\3\0\0\0" + struct.pack(">H", kind_of(packet)) + packet
    return b"\x88\1\0\0" + bytes(18) + b"\0\0" + b"\x80\0" + MACS + struct.pack(">H", len(body)) + body


def radiotap(packet, frame=wifi, flags=0):
    """With a time stamp and flags; 0x20 says that the head is padded."""
    head = struct.pack("<BBHIQB", 0, 0, 17, 3, 1, flags)
    inner = frame(packet)
    return head + (inner[:26] + b"\0\0" + inner[26:] if flags & 0x20 else inner)


def pktap(packet):
    return struct.pack("<III", 108, 1, 1) + bytes(96) + ethernet(packet)


def ppi(packet):
    return struct.pack("<BBHI", 0, 0, 8, 1) + ethernet(packet)


def nflog(packet):
    return struct.pack(">BBH", 2 if packet[0] >> 4 == 4 else 10, 0, 0) + struct.pack("<HHIHH", 8, 10, 0, len(packet) + 4, 9) + packet


def fragments(packet, size=256, number=77):
    """The packet in pieces."""
    six = packet[0] >> 4 == 6
    head = 40 if six else 20
    at = ((8, 16), (24, 16)) if six else ((12, 4), (16, 4))
    ends = [str(ipaddress.ip_address(packet[a:a + n])) for a, n in at]
    protocol, body = packet[6 if six else 9], packet[head:]
    return [ip(*ends, protocol, body[a:a + size], number, a + size < len(body), a) for a in range(0, len(body), size)]
