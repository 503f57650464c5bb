# SPDX-License-Identifier: Apache-2.0
"""uriworkermap.properties, imported: which paths go where, and what follows a mapping."""
import re

import pytest

from importing import run_import

WORKERS = """\
worker.list=x,y,lb
worker.x.host=h1
worker.y.host=h2
worker.lb.type=lb
worker.lb.balance_workers=m
worker.m.host=h3
"""

# A file of mappings, the routes that it makes as {worker: patterns}, and texts of notes by line.
MAPS = {
    # forms of patterns
    "/a|/*=x\n": ({"x": ["/a", "/a/*"]}, {}),
    "/a|b=x\n": ({"x": ["/a", "/ab"]}, {}),
    "/a|/*=x # both\n# none\n\n": ({"x": ["/a", "/a/*"]}, {}),
    "  /a  =  x ; reply_timeout=5\n": ({"x": ["/a"]}, {1: "the longest of them was taken"}),
    "/*.jsp=x\n/p/*.do=x\n": ({"x": ["/*.jsp", "/p/*.do"]}, {}),
    # seen with mod_jk 1.2.48, against its manual: "invalid context '*.jsp': does not begin with '/'"
    "*.jsp=x\n!*.gif=x\n/a=x\n": ({"x": ["/a"]}, {1: "mod_jk leaves it out too", 2: "BEWARE, not excluded"}),
    "/A=x\n/a=y\n": ({"x": ["/A"], "y": ["/a"]}, {}),
    "/a=x\n/b*c*=x\n/d?=x\n": ({"x": ["/a"]}, {2: "one * at most", 3: "one * at most"}),
    "/a=m\n": ({"m": ["/a"]}, {}),
    "/a=x\n/b=zzz\n/c=\n": ({"x": ["/a"]}, {2: "its worker has no part in this", 3: "no worker, so mod_jk ignores"}),
    # exclusions: of the worker alone or of all, in the order of the file or not, switched off
    "!/a/s|/*=x\n/a/*=x\n/b/*=y\n": ({"x": ["!/a/s", "!/a/s/*", "/a/*"], "y": ["/b/*"]}, {}),
    "/a/*=x\n/b/*=y\n!/*.html=*\n": ({"x": ["/a/*", "!/*.html"], "y": ["/b/*", "!/*.html"]}, {}),
    "/a/*=x\n!/a/s=y\n/b=y\n": ({"x": ["/a/*"], "y": ["!/a/s", "/b"]}, {}),
    "/a/*=x\n-/b=x\n-!/a/s=x\n": ({"x": ["/a/*"]}, {2: "switched off", 3: "switched off"}),
    "/a/*=x\n!/*/s|/*=x\n": ({"x": ["/a/*", "!/*/s"]}, {2: "BEWARE, not excluded"}),
    # the same again
    "/a=x\n/a=y\n": ({"y": ["/a"]}, {1: "said again on line 2, which counts"}),
    "/a|/*=x\n/a/*=y\n/b=y\n": ({"x": ["/a", "/a/*"], "y": ["/b"]}, {2: "mapped before"}),
    "/a/*=x\n!/a/s=x\n!/a/s=y\n/b=y\n": ({"x": ["/a/*"], "y": ["!/a/s", "/b"]}, {2: "said again on line 3"}),
    # who goes first where two match
    "/a/*=x\n/*.jsp=y\n": ({"x": ["/a/*"], "y": ["/*.jsp"]}, {1: 'BEWARE, of paths that match "/*.jsp" too'}),
    "/a*=x\n/a=y\n": ({"x": ["/a*"], "y": ["/a"]}, {1: 'BEWARE, of paths that match "/a" too'}),
    "/a/*=x\n/b*.jsp=y\n": ({"x": ["/a/*"], "y": ["/b*.jsp"]}, {}),
    "/a/b/*=x\n/a/*=y\n/c=y\n": ({"x": ["/a/b/*"], "y": ["/a/*", "/c"]}, {}),
    "/a/*=x\n/*.jsp=x\n": ({"x": ["/a/*", "/*.jsp"]}, {}),
}


def routes_of(done):
    found = re.findall(r"- paths: \[(.*)\]\n    workers: \[\"(.*)\"\]", done.body)
    return {worker: re.findall(r'"([^"]*)"', paths) for paths, worker in found}


@pytest.mark.parametrize("uris", MAPS)
def test_paths_go_where_mod_jk_has_them(tmp_path, uris):
    routes, notes = MAPS[uris]
    done = run_import(tmp_path, WORKERS, uris)
    assert done.returncode == 0, done.stderr
    assert routes_of(done) == routes
    assert set(done.of_map()) == set(notes)
    for line, why in notes.items():
        assert why in done.of_map()[line]


# What follows a mapping of /a|/*, texts of the file, and of its note
OPTIONS = {
    "stateless=1": (['stateless: ["/a", "/a/*"]'], None),
    "stateless=0": ([], None),
    "stateless=true": ([], None), # 0 to mod_jk
    "sticky_ignore=1;reply_timeout=90000": (['stateless: ["/a", "/a/*"]', "  reply: 90000ms # of a mapping's"],
                                            "reply_timeout: one setting for all paths: the longest of them"),
    "reply_timeout=0": (["  reply: 0 # of a mapping's reply_timeout"], "the longest of them was taken"),
    "reply_timeout=-1": (["  reply: 5ms\n"], "one setting for all paths"),
    "session_path=;sid": ([], "session_path: one setting for all paths"),
    "session_path=;sid;stateless=1": (["stateless:"], "session_path: one setting for all paths"),
    "fail_on_status=-404,503": ([], "fail_on_status: one setting for all paths"),
    "stopped=m": ([], "stopped: one setting for all paths"),
}


@pytest.mark.parametrize("options", OPTIONS)
def test_what_follows_a_mapping_means_what_it_does_in_mod_jk(tmp_path, options):
    texts, why = OPTIONS[options]
    workers = WORKERS + "".join(f"worker.{name}.reply_timeout=5\n" for name in "xym")
    done = run_import(tmp_path, workers, f"/a|/*=lb;{options}\n")
    assert done.returncode == 0, done.stderr
    for wanted in texts:
        assert wanted in done.body
    assert ("stateless:" in done.body) == any("stateless:" in text for text in texts)
    assert why is None and not done.of_map() or why in done.of_map()[1]
    assert "not a key" not in done.rest and ": sid:" not in done.rest


@pytest.mark.parametrize("uris", ["-/a=x;stateless=1\n/b=x\n", "!/a=x;stateless=1\n/b=x\n", "/a=zzz;stateless=1\n/b=x\n"])
def test_what_follows_a_line_without_a_mapping_is_not_taken(tmp_path, uris):
    assert "stateless:" not in run_import(tmp_path, WORKERS, uris).body


def test_stateless_paths_of_other_forms_are_told_of(tmp_path):
    done = run_import(tmp_path, WORKERS, "/a/*.gif=x;stateless=1\n")
    assert "stateless:" not in done.body and "session.stateless knows" in done.of_map()[1]


def test_a_mapping_in_uriworkermap_counts_before_a_mount(tmp_path):
    done = run_import(tmp_path, WORKERS + "worker.x.mount=/a /c\n", "/a=y\n")
    assert routes_of(done) == {"y": ["/a"], "x": ["/c"]}
    assert "mapped before" in done.of_workers()[7]


def test_a_mount_of_a_member_alone_is_none(tmp_path):
    done = run_import(tmp_path, WORKERS + "worker.m.mount=/m\n", "/a=y\n")
    assert routes_of(done) == {"y": ["/a"]}
    assert done.of_workers() == {7: "worker.m.mount: of the workers of worker.list alone"}


@pytest.mark.parametrize("uris", ["", "# nothing\n", "/a?=x\n", "*.jsp=x\n", "/status=zzz\n", "!/a=x\n"])
def test_without_a_mapping_that_can_be_carried_nothing_is_open(tmp_path, uris):
    """mod_jk passes nothing on then, and a file without routes would pass on everything."""
    done = run_import(tmp_path, WORKERS, uris)
    assert done.returncode == 2 and done.stdout == ""
    assert "expected a mapping to one of its workers" in done.stderr and done.stderr.count("\n") == 1


def test_many_paths_of_a_worker_make_several_routes(tmp_path):
    uris = "".join(f"/p{i}=x\n" for i in range(700)) + "!/p1=x\n"
    done = run_import(tmp_path, WORKERS, uris)
    assert done.returncode == 0, done.stderr
    entries = re.findall(r"- paths: \[(.*)\]", done.body)
    patterns = [re.findall(r'"([^"]*)"', entry) for entry in entries]
    assert len(entries) == 3 and all(len(entry) <= 256 and "!/p1" in entry for entry in patterns)
    assert sorted(sum(patterns, [])) == sorted([f"/p{i}" for i in range(700)] + ["!/p1"] * 3)


def test_too_many_exclusions_are_refused(tmp_path):
    done = run_import(tmp_path, WORKERS, "/*=x\n" + "".join(f"!/p{i}=*\n" for i in range(256)))
    assert done.returncode == 2 and "expected at most 255 exclusions for x" in done.stderr
