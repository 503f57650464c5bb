# SPDX-License-Identifier: Apache-2.0
"""Running ajpcat, and taking capture files apart to damage them."""
import json
import pathlib
import struct
import subprocess

from procs import BIN

HERE = pathlib.Path(__file__).parent
CAPTURES = HERE / "captures"
TRUTH = json.loads((HERE / "truth.json").read_text())


def ajpcat(*args, stdin=b"", env=None, timeout=60):
    return subprocess.run([BIN / "ajpcat", *map(str, args)], input=stdin, capture_output=True, env=env,
                          timeout=timeout)


def decode(file, *args):
    done = ajpcat("decode", "--json", *args, file)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def stats(name, *args):
    done = ajpcat("stats", "--json", *args, CAPTURES / name)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


class Pcap:
    """A little-endian pcap file as a list of (record head, frame)."""

    def __init__(self, path):
        data = path.read_bytes()
        assert data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"), "a little-endian pcap"
        self.head, self.records, at = data[:24], [], 24
        while at + 16 <= len(data):
            size = struct.unpack_from("<I", data, at + 8)[0]
            self.records.append((data[at:at + 16], data[at + 16:at + 16 + size]))
            at += 16 + size

    def write(self, path, records):
        path.write_bytes(self.head + b"".join(head + frame for head, frame in records))
        return path


def payload(frame):
    """(ports, bytes of data, flags) of an Ethernet frame with TCP over IPv4."""
    ip = (frame[14] & 15) * 4
    tcp = 14 + ip
    size = struct.unpack_from(">H", frame, 16)[0] - ip - (frame[tcp + 12] >> 4) * 4
    return frame[tcp:tcp + 4], size, frame[tcp + 13]


FACTS = ("method", "uri", "query", "protocol", "status", "request_bytes", "request_crc32", "response_bytes",
         "response_crc32", "complete")


def facts(objects):
    return [tuple(o[key] for key in FACTS) for o in objects if o["kind"] == "request"]
