# SPDX-License-Identifier: Apache-2.0
"""A busy node is not a dead node: what a node's trouble costs users, behind our programs and behind mod_jk and
mod_proxy_ajp in the same run, all with their defaults. The nodes replicate nothing, so that each session that
moves shows as lost. `./dev test health_drill` runs every row; the whole suite three of them."""
import pathlib
import shutil
import tempfile
import threading

import pytest

import health_stage as stage

pytestmark = pytest.mark.release  # peers and JVMs: a sanitizer would only make it slow
HEAD = f"{'':27}{'':15}{'':9}  sent answered failed moved lost latest twice  failures"
ROWS = {  # name: (the fault, seconds that users wait after it, in the short form too)
    "threads full": (stage.threads_full, 10, True),
    "pause of 1.5 s": (stage.pause(1.5), 10, False),
    "pause of 4 s": (stage.pause(4), 10, True),
    "pause of 8 s": (stage.pause(8), 10, False),
    "stopped for ever": (stage.for_ever, 10, False),
    "cable pulled": (stage.cable_pulled, 10, False),
    "killed": (stage.killed, 10, True),
}


@pytest.fixture(scope="module")
def setups():
    """One with a single node, one with two; all nodes start at the same time."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ajp-health-"))
    folder.chmod(0o755)
    nodes = []
    try:
        classes = stage.compile_servlet(folder / "classes")
        nodes.extend(stage.Node(folder / f"node{i}", classes, f"node{i}") for i in range(3))
        for node in nodes:
            node.begin()
        for node in nodes:
            node.wait()
        for name in ("one", "two"):
            (folder / name).mkdir(mode=0o755)
        yield {"one node": stage.Setup(folder / "one", nodes[:1]), "two nodes": stage.Setup(folder / "two", nodes[1:])}
    finally:
        for node in nodes:
            node.stop()
        shutil.rmtree(folder, ignore_errors=True)


def both(setups, fault, patience):
    """The two setups at the same time."""
    found = {}

    def run(name):
        found[name] = setups[name].run(fault, patience)
    threads = [threading.Thread(target=run, args=[name]) for name in setups]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for setup in setups.values():
        stage.mend(setup)
    assert set(found) == set(setups), "a front did not start"
    return found


def line(row, front, kind, f, twice):
    why = ", ".join(f"{what} {count}" for what, count in f.why.most_common(3))
    return (f"{row:27}{front:15}{kind:9}{f.sent:6}{f.answered:9}{f.failed:7}{f.moved:6}{f.lost:5}{f.latest:6.1f}s"
            f"{twice:6}  {why}")


def good(f):
    """Answers that went on with their session. All fronts are asked at the same times: who lets its users wait for
    nothing is asked less, and answers less."""
    return f.answered - f.lost


def worse(ours, peers):
    """What OURS did worse than the better one of PEERS; a request or a tick of time is chance. None: nothing."""
    best = max(peers, key=lambda f: (good(f), -f.latest))
    if good(ours) < good(best) - max(1, best.sent * 0.02):
        return f"{good(ours)} good answers, the better peer {good(best)}"
    if ours.failed + best.failed == 0 and ours.latest > best.latest + 1.5:
        return f"the latest answer came after {ours.latest:.1f} s, with the better peer {best.latest:.1f} s"
    return None


@pytest.mark.parametrize("row", ROWS)
def test_a_nodes_trouble_costs_no_more_than_behind_the_peers(setups, row, thorough, request):
    fault, patience, short = ROWS[row]
    if not short and not thorough:
        pytest.skip("every row: ./dev test health_drill")
    found = both(setups, fault, patience)
    table = request.getfixturevalue("drill_table")
    complaints = []
    for name, (figures, label) in found.items():
        for kind in ("sessions", "plain"):
            for front in stage.FRONTS:
                twice = len(setups[name].twice(front, label))
                table.append(line(f"{row}, {name}", front, kind, figures[front][kind], twice))
                if front in stage.OURS:
                    wrong = worse(figures[front][kind], [figures[peer][kind] for peer in stage.PEERS])
                    complaints += [f"{row}, {name}, {kind}, {front}: {wrong}"] if wrong else []
                    complaints += [f"{row}, {name}, {front}: {twice} executed twice"] if twice else []
    assert not complaints, "\n".join(complaints + [HEAD] + table)
