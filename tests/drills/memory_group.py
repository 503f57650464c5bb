# SPDX-License-Identifier: Apache-2.0
"""A control group with little memory, of either version of cgroups, where this user may make one."""
import os
import pathlib
import re

ROOT = pathlib.Path("/sys/fs/cgroup")


class MemoryGroup:
    """None of its processes outlives it. Raises OSError where there can be none."""

    def __init__(self, pid, limit):
        self.unified = (ROOT / "cgroup.controllers").exists()
        self.path = (ROOT if self.unified else ROOT / "memory") / f"ajp-drill-{os.getpid()}-{pid}"
        if self.unified and "memory" not in (ROOT / "cgroup.subtree_control").read_text().split():
            raise OSError("the memory controller is not given to sub-groups")
        self.path.mkdir()
        try:
            self._write("memory.max" if self.unified else "memory.limit_in_bytes", limit)
            if self.unified:
                self._write("memory.swap.max", 0)
            self._write("cgroup.procs", pid)
        except OSError:
            self.path.rmdir()
            raise

    def _write(self, name, value):
        (self.path / name).write_text(f"{value}\n")

    def peak(self):
        """The most bytes that it had at once."""
        return int((self.path / ("memory.peak" if self.unified else "memory.max_usage_in_bytes")).read_text())

    def killed(self):
        """How many of its processes the kernel has killed for want of memory."""
        told = (self.path / ("memory.events" if self.unified else "memory.oom_control")).read_text()
        return int(re.search(r"^oom_kill (\d+)", told, re.M).group(1))

    def remove(self):
        self.path.rmdir()
