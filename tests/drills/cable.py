# SPDX-License-Identifier: Apache-2.0
"""A network namespace with one address, and a cable to it that can be pulled."""
import itertools
import os
import subprocess

import pytest

numbers = itertools.count()


def free_network():
    """The first three parts of addresses that nobody on this machine has: other runs may be at work."""
    taken = subprocess.run(["ip", "-o", "-4", "addr"], capture_output=True, text=True).stdout
    start = os.getpid() * 7
    return next(prefix for n in range(start, start + 200) if (prefix := f"10.213.{n % 254 + 1}.") not in taken)


class Namespace:
    def __init__(self):
        number = next(numbers)
        self.name = f"drill{os.getpid()}x{number}"
        network = free_network()
        self.address, ours = network + "2", network + "1"
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
