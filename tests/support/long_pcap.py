# SPDX-License-Identifier: Apache-2.0
"""A capture of any length: short ones again and again, each round later and between other hosts."""
import pathlib
import struct

CAPTURES = pathlib.Path(__file__).resolve().parents[1] / "ajpcat/captures"
TRAFFIC = ["jk-concurrent", "proxy-keepalive", "proxy-session", "proxy-methods", "proxy-tls", "jk-cping"]
ETHERNET, IPV4_ADDRESSES = 1, (26, 30)


def records(path):
    """[(seconds, fraction, length on the wire, frame)] of a little-endian pcap file."""
    data, at, out = path.read_bytes(), 24, []
    magic, link = struct.unpack_from("<I", data)[0], struct.unpack_from("<I", data, 20)[0]
    assert (magic, link) == (0xa1b2c3d4, ETHERNET), path
    while at + 16 <= len(data):
        seconds, fraction, size, wire = struct.unpack_from("<IIII", data, at)
        out.append((seconds, fraction, wire, data[at + 16:at + 16 + size]))
        at += 16 + size
    return out


def in_round(frame, number):
    """The frame between hosts of this round: 127.X.Y.1 in place of 127.0.0.1."""
    frame = bytearray(frame)
    for place in IPV4_ADDRESSES:
        frame[place + 1:place + 3] = struct.pack(">H", number)
    return bytes(frame)


def write(path, size, names=TRAFFIC):
    """Whole rounds until the file has size bytes; how many there are."""
    captures = [records(CAPTURES / f"{name}.pcap") for name in names]
    now, rounds, written = 1_700_000_000, 0, 24
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, ETHERNET))
        while written < size:
            for capture in captures:
                begin = capture[0][0]
                for seconds, fraction, wire, frame in capture:
                    frame = in_round(frame, rounds % 65536)
                    file.write(struct.pack("<IIII", now + seconds - begin, fraction, len(frame), wire) + frame)
                    written += 16 + len(frame)
                now += capture[-1][0] - begin + 1
            rounds += 1
    return rounds
