# SPDX-License-Identifier: Apache-2.0
"""Captures made here: a TCP connection as IP packets, what they may be carried in, and files of them."""
import ipaddress
import struct

SYN, ACK, FIN, RST, PSH = 2, 16, 1, 4, 8
ETHERNET, RAW = 1, 101
MACS = bytes.fromhex("020000000002020000000001")
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
