# SPDX-License-Identifier: Apache-2.0
"""How much of what was sent lies in the kernel's queues, so that what a daemon itself holds can be told from
what its sockets do: those grow as they like, up to tcp_rmem and tcp_wmem."""
import pathlib
import time


def kernel_room():
    """The most that the kernel keeps of one direction of one connection whose buffers it sizes itself."""
    limits = [pathlib.Path(f"/proc/sys/net/ipv4/{name}").read_text().split()[2] for name in ("tcp_rmem", "tcp_wmem")]
    return sum(map(int, limits))


def queued(sock):
    """Bytes between SOCK and its peer, an IPv4 one on this machine: (towards the peer, towards SOCK). Each is
    what the sender keeps and what the receiver has not read."""
    ends = [sock.getsockname()[1], sock.getpeername()[1]]
    queues = {}
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        ports = tuple(int(address.split(":")[1], 16) for address in fields[1:3])
        queues[ports] = tuple(int(n, 16) for n in fields[4].split(":"))
    (mine_out, mine_in), (peer_out, peer_in) = queues[tuple(ends)], queues[tuple(ends[::-1])]
    return mine_out + peer_in, peer_out + mine_in


def settled(question, quiet, deadline):
    """The answer, once it has not changed for QUIET seconds."""
    last, since, end = question(), time.monotonic(), time.monotonic() + deadline
    while time.monotonic() - since < quiet:
        assert time.monotonic() < end, f"after {deadline} s still not at rest"
        time.sleep(0.02)
        now = question()
        if now != last:
            last, since = now, time.monotonic()
    return last
