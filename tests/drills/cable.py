# SPDX-License-Identifier: Apache-2.0
"""A network namespace with one address, and a cable to it that can be pulled."""
import itertools
import os
import subprocess

import pytest

numbers = itertools.count()


class Namespace:
    def __init__(self):
        number = next(numbers)
        self.name = f"drill{os.getpid()}x{number}"
        self.address, ours = f"10.213.{77 + number}.2", f"10.213.{77 + number}.1"
        cable = f"d{os.getpid()}x{number}"  # at most 15 letters
        for command in (f"ip netns add {self.name}", f"ip link add {cable} type veth peer name eth0 netns {self.name}",
                        f"ip addr add {ours}/30 dev {cable}", f"ip link set {cable} up",
                        f"ip -n {self.name} addr add {self.address}/30 dev eth0", f"ip -n {self.name} link set eth0 up"):
            if subprocess.run(command.split(), capture_output=True).returncode:
                self.remove()
                pytest.skip(f"not permitted: {command.split()[1]} {command.split()[2]}")

    def inside(self, argv):
        return ["ip", "netns", "exec", self.name, *argv]

    def cable(self, state):
        subprocess.run(["ip", "-n", self.name, "link", "set", "eth0", state], check=True)

    def remove(self):
        """The cable goes with the namespace."""
        subprocess.run(["ip", "-n", self.name, "link", "del", "eth0"], capture_output=True)
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)
