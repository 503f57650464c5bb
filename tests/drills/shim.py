# SPDX-License-Identifier: Apache-2.0
"""Control of shim.c: a daemon's calls fail, its wall clock jumps, its look-ups get other answers, at run time."""
import mmap
import os
import pathlib
import struct
import subprocess

CALLS = ["malloc", "calloc", "realloc", "accept", "connect", "recv", "send", "sendmsg", "epoll_ctl", "epoll_wait",
         "socket", "setsockopt", "write", "open"]
SEEN = 7 * 8
NAME = SEEN + 8 * len(CALLS)
SIZE = NAME + 64 + 192


def build(folder):
    """The library, compiled there."""
    library = pathlib.Path(folder) / "shim.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-o", library, pathlib.Path(__file__).with_name("shim.c"),
                    "-ldl"], check=True)
    return library


class Shim:
    def __init__(self, library, file):
        self.file = pathlib.Path(file)
        self.file.write_bytes(bytes(SIZE))
        self.env = dict(os.environ, LD_PRELOAD=str(library), DRILL_SHIM=str(self.file))
        with open(self.file, "r+b") as shared:
            self.map = mmap.mmap(shared.fileno(), SIZE)
        self.off()

    def _put(self, at, *values):
        struct.pack_into(f"{len(values)}q", self.map, at, *values)

    def _get(self, at):
        return struct.unpack_from("q", self.map, at)[0]

    def off(self):
        self._put(0, -1, 0, 0, 0)

    def fail(self, call, nth, error, count=1):
        """From now on the NTH call fails, and COUNT - 1 after it."""
        self.off()
        self._put(SEEN + 8 * CALLS.index(call), 0)
        self._put(8, nth, count, error)
        self._put(40, 0)
        self._put(0, CALLS.index(call))

    @property
    def failed(self):
        """How many calls were made to fail since fail()."""
        return self._get(40)

    def jump(self, seconds):
        self._put(32, seconds)

    def backlog(self, length):
        """Of sockets that listen from now on."""
        self._put(48, length)

    def resolve(self, name, *addresses):
        """Look-ups of NAME from now on; none: it does not exist."""
        struct.pack_into("192s", self.map, NAME + 64, " ".join(addresses).encode())
        struct.pack_into("64s", self.map, NAME, name.encode())
