# SPDX-License-Identifier: Apache-2.0
"""Running ajpcat, and taking capture files apart to damage them."""
import fcntl
import json
import os
import pathlib
import pty
import struct
import subprocess
import tarfile
import termios

from procs import BIN

HERE = pathlib.Path(__file__).parent
CAPTURES = HERE / "captures"
TRUTH = json.loads((HERE / "truth.json").read_text())


def ajpcat(*args, stdin=b"", env=None, timeout=60):
    return subprocess.run([BIN / "ajpcat", *map(str, args)], input=stdin, capture_output=True, env=env,
                          timeout=timeout)


def on_terminal(*args, colour=False, columns=80, deadline=20):
    """What the program writes when all its outputs are a terminal."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    env = {**os.environ, "TERM": "xterm"} | ({} if colour else {"NO_COLOR": "1"})
    if colour:
        env.pop("NO_COLOR", None)
    run = subprocess.Popen([BIN / "ajpcat", *map(str, args)], stdin=slave, stdout=slave, stderr=slave, env=env)
    os.close(slave)
    out = b""
    try:
        while data := os.read(master, 65536):
            out += data
    except OSError:  # the other end was closed
        pass
    finally:
        os.close(master)
    run.wait(deadline)
    return out.replace(b"\r\n", b"\n")


def decode(file, *args):
    done = ajpcat("decode", "--json", *args, file)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def stats(name, *args):
    done = ajpcat("stats", "--json", *args, CAPTURES / name)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def unpack_more(folder):
    """Where the captures of captures/more.tar.xz are now."""
    with tarfile.open(CAPTURES / "more.tar.xz") as archive:
        archive.extractall(folder)  # it is ours
    return folder


def _truth_of_more():
    with tarfile.open(CAPTURES / "more.tar.xz") as archive:
        return json.load(archive.extractfile(archive.next()))  # it comes first


MORE_TRUTH = _truth_of_more()


def capture(name, more):
    return CAPTURES / name if name in TRUTH else more / name


class Pcap:
    """A pcap file as a list of (record head, frame)."""

    def __init__(self, path):
        data = path.read_bytes()
        order = "<" if data[0] in b"\xd4\x4d" else ">"
        assert struct.unpack_from(order + "I", data)[0] in (0xa1b2c3d4, 0xa1b23c4d), "a pcap file"
        self.path, self.head, self.records, at = path, data[:24], [], 24
        self.link = struct.unpack_from(order + "I", data, 20)[0]
        while at + 16 <= len(data):
            size = struct.unpack_from(order + "I", data, at + 8)[0]
            self.records.append((data[at:at + 16], data[at + 16:at + 16 + size]))
            at += 16 + size

    def write(self, path, records):
        path.write_bytes(self.head + b"".join(head + frame for head, frame in records))
        return path


def payload(frame, link=1):
    """(ports, bytes of data, flags) of a frame with TCP, on Ethernet or Linux cooked."""
    ip = {1: 14, 113: 16, 276: 20}[link]
    if frame[ip] >> 4 == 4:
        tcp = ip + (frame[ip] & 15) * 4
        end = ip + struct.unpack_from(">H", frame, ip + 2)[0]
    else:
        tcp = ip + 40
        end = tcp + struct.unpack_from(">H", frame, ip + 4)[0]
    return frame[tcp:tcp + 4], end - tcp - (frame[tcp + 12] >> 4) * 4, frame[tcp + 13]


def check_truth(objects, truth):
    """What decode said is what the row of a truth file says."""
    requests = [o for o in objects if o["kind"] == "request"]
    assert sum(o["kind"] == "cping" for o in objects) == truth["cpings"]
    by_place = {(o["connection"], o["index"]): o for o in requests}
    assert len(by_place) == len(requests) == len(truth["requests"])
    for connection, index, frame, method, uri, query, protocol, *answer in truth["requests"]:
        o = by_place[connection, index]
        assert o["frame"] <= frame  # ours is where it begins, the truth file's where it ends
        assert (o["method"], o["uri"], o["query"], o["protocol"]) == (method, uri, query, protocol)
        assert o["complete"] == bool(answer)
        if answer:
            assert [o[key] for key in ("status", "request_bytes", "request_crc32", "response_bytes",
                                       "response_crc32")] == answer
            assert 0 <= o["first_packet_ms"] <= o["total_ms"]
        else:
            assert o["total_ms"] is None
    starts = [o["start"] for o in objects]
    assert starts == sorted(starts)


FACTS = ("method", "uri", "query", "protocol", "status", "request_bytes", "request_crc32", "response_bytes",
         "response_crc32", "complete")


def facts(objects):
    return [tuple(o[key] for key in FACTS) for o in objects if o["kind"] == "request"]
