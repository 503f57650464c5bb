# SPDX-License-Identifier: Apache-2.0
"""FI-34: memory is limited. A node that the kernel kills for what it ate, and ourselves in a group that is too small
for careless use."""
import threading
import time

import pytest

from load import Load
from memory_group import MemoryGroup
from procs import poll, sanitized
from rawhttp import HttpClient

BOTH = pytest.mark.parametrize("kind", ["bridge", "chain"])
LIMIT = 48 << 20


@pytest.fixture
def memory_group():
    made = []

    def make(pid, limit):
        try:
            made.append(MemoryGroup(pid, limit))
        except OSError as error:
            pytest.skip(f"no memory group can be made here: {error}")
        return made[-1]
    yield make
    for group in made:
        poll(lambda: not (group.path / "cgroup.procs").read_text(), what="the group is empty")
        group.remove()


@BOTH
def test_fi_34_a_node_is_killed_for_its_memory(memory_group, stage, figures, kind):
    """The request that ate it all was executed, so nobody gets it again; nobody else's fails for long."""
    s = stage(kind)
    group = memory_group(s.nodes[0].process.pid, LIMIT)
    number = 10 ** 9 + 1  # not one of a Load
    with HttpClient(s.port) as client:  # two nodes in turn: the next but one request is the first's again
        while not s.nodes[0].executed():
            assert client.get("/good", number - 1).status == 200
    answers = []

    def eat():
        with HttpClient(s.port, 20) as client:
            for wanted in range(number, number + 20):
                answers.append(client.get("/eat/200", wanted, "POST", body=b"x" * 10).status)
                if answers[-1] != 200:
                    break
    with Load(s.port, 6) as load:
        load.all_moved()
        eater = threading.Thread(target=eat)
        eater.start()
        poll(lambda: not s.nodes[0].process.running(), 20, "the kernel has killed it")
        killed = time.monotonic()
        eater.join()
        load.all_moved()
        late = load.failed_since(killed + 1)
    assert answers[-1] == 502 and set(answers[:-1]) <= {200}, answers
    assert group.killed() == 1
    assert len(load.failures) <= 6 and late == 0, load.failures
    figures(s, load, killed=group.killed())


@pytest.mark.skipif(sanitized(), reason="ASan keeps what was freed, and more beside what is not")
def test_fi_34_little_memory_for_us(memory_group, stage, figures):
    """Hundreds who ask and never read, who send and whose worker takes nothing, and who do nothing, in a group of
    48 MiB: without --max-memory the kernel would kill us. Who reads is served meanwhile."""
    s = stage("bridge", 2, "--reply-timeout", "20s", "--max-memory", "24M")
    group = memory_group(s.front.pid, LIMIT)
    with Load(s.port) as load:
        load.all_moved()
        hogs = [HttpClient(s.port, 20, receive_buffer=4096) for _ in range(600)]
        for n, client in enumerate(hogs[:50]):
            client.send(b"POST /slow/5000 HTTP/1.1\r\nHost: x\r\nX-Id: hog%d\r\nContent-Length: 900000\r\n\r\n" % n
                        + b"x" * 20000)
        for client in hogs[50:400]:
            client.send(b"GET /big/4000000 HTTP/1.1\r\nHost: x\r\nX-Id: 0\r\n\r\n")
        poll(lambda: sum(n.executed()["GET 0"] for n in s.nodes) == 350 or not s.front.running(), 60, "all had a turn")
        load.all_moved()
    for client in hogs:
        client.close()
    assert group.killed() == 0 and s.front.running()
    assert load.failures == [] and "client_cut" in s.front.output()
    figures(s, load, hogs=len(hogs), peak_mib=group.peak() >> 20, p99=load.p99())
