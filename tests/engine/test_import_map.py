# SPDX-License-Identifier: Apache-2.0
"""uriworkermap.properties, imported: which paths go where, and what follows a mapping."""
import re

import pytest

from importing import run_import
from procs import ROOT

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
    "  /a  =  x ; reply_timeout=5\n": ({"x": ["/a"]}, {}),
    "/*.jsp=x\n/p/*.do=x\n": ({"x": ["/*.jsp", "/p/*.do"]}, {}),
    # seen with mod_jk 1.2.48, against its manual: "invalid context '*.jsp': does not begin with '/'"
    "*.jsp=x\n!*.gif=x\n/a=x\n": ({"x": ["/a"]}, {1: "mod_jk leaves it out too", 2: "BEWARE, not excluded"}),
    "/A=x\n/a=y\n": ({"x": ["/A"], "y": ["/a"]}, {}),
    "/a=x\n/b*c*=x\n/d?=x\n": ({"x": ["/a", "/b*c*", "/d?"]}, {}),
    "/a=x\n/b%20c=x\n": ({"x": ["/a"]}, {2: "BEWARE, not mapped"}),
    "/a=m\n": ({"m": ["/a"]}, {}),
    "/a=x\n/b=zzz\n/c=\n": ({"x": ["/a"]}, {2: "its worker has no part in this", 3: "no worker, so mod_jk ignores"}),
    # exclusions: of the worker alone or of all, in the order of the file or not, switched off
    "!/a/s|/*=x\n/a/*=x\n/b/*=y\n": ({"x": ["!/a/s", "!/a/s/*", "/a/*"], "y": ["/b/*"]}, {}),
    "/a/*=x\n/b/*=y\n!/*.html=*\n": ({"x": ["/a/*", "!/*.html"], "y": ["/b/*", "!/*.html"]}, {}),
    "/a/*=x\n!/a/s=y\n/b=y\n": ({"x": ["/a/*"], "y": ["!/a/s", "/b"]}, {}),
    "/a/*=x\n-/b=x\n-!/a/s=x\n": ({"x": ["/a/*"]}, {2: "switched off", 3: "switched off"}),
    "/a/*=x\n!/*/s|/*=x\n": ({"x": ["/a/*", "!/*/s", "!/*/s/*"]}, {}),
    "/a/*=x\n!//s=x\n": ({"x": ["/a/*"]}, {2: "BEWARE, not excluded"}),
    # lines that mod_jk passes over
    "\ufeff# saved elsewhere\n/a=x\n/b x\n=x\n": ({"x": ["/a"]}, {3: "passes over the line", 4: "passes over"}),
    # the same again
    "/a=x\n/a=y\n": ({"y": ["/a"]}, {1: "said again on line 2, which counts"}),
    "/a|/*=x\n/a/*=y\n/b=y\n": ({"x": ["/a", "/a/*"], "y": ["/b"]}, {2: "mapped before"}),
    "/a/*=x\n!/a/s=x\n!/a/s=y\n/b=y\n": ({"x": ["/a/*"], "y": ["!/a/s", "/b"]}, {2: "said again on line 3"}),
    # who goes first where two match
    "/a*=x\n/?b=y\n": ({"x": ["/a*"], "y": ["/?b"]}, {1: 'BEWARE, of paths that match "/?b" too'}),
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


def test_the_map_of_a_coldfusion_server(tmp_path):
    done = run_import(tmp_path, WORKERS, (ROOT / "tests/engine/jk/two-stars.map").read_text())
    assert routes_of(done) == {"m": ["/*.cfm", "/*.cfm/*", "/*.cfc/*"]} and not done.of_map()


@pytest.mark.parametrize("uris, differs", [
    ("/a/*=x\n/*.jsp=y\n", True), ("/a*=x\n/a=y\n", True), ("/a/*=x\n/*.jsp=x\n", False),
    ("/a/*=x\n/*.jsp=x;reply_timeout=9\n", True), ("/a/*=x\n/b*.jsp=y\n", False), ("/a/b/*=x\n/a/*=y\n", False),
    ("/a/*=x\n!/*.jsp=x\n/b=y\n", False), ("/*a*b/*=x\n/*.jsp/*=y\n", False), ("/*???????/*=x\n/*.jsp/*=y\n", True),
])
def test_the_order_is_that_of_mod_jk_where_it_matters(tmp_path, uris, differs):
    assert ("route_order: slashes" in run_import(tmp_path, WORKERS, uris).body) == differs


# What follows a mapping of /a|/*, texts of the file, and of its note
OPTIONS = {
    "sticky_ignore=1": (["    sticky: false\n"], None),
    "sticky_ignore=0": ([], None),
    "sticky_ignore=true": ([], None), # 0 to mod_jk
    "stateless=1": ([], "sessions stay where they are, as there"),
    "stateless=0": ([], None),
    "sticky_ignore=1;reply_timeout=90000": (["    reply_timeout: 90000ms\n    sticky: false\n", "  reply: 5ms\n"], None),
    "reply_timeout=0": (["    reply_timeout: 0 # never\n", "  reply: 5ms\n"], None),
    "reply_timeout=-1": (["  reply: 5ms\n"], "below 0 it is the worker's own"),
    "reply_timeout=5": (["  reply: 5ms\n"], None),
    "reply_timeout=100000000": (["    reply_timeout: 86400000ms\n"], "longer than the setting allows"),
    "session_path=;sid": ([], "session_path: one setting for all paths"),
    "session_path=;sid;sticky_ignore=1": (["    sticky: false\n"], "session_path: one setting for all paths"),
    "session_cookie=APPID": (['  more_cookies: ["APPID"]\n'], None),
    "session_cookie=JSESSIONID": ([], None),
    "fail_on_status=-404,503": (["    retry_on_503: true\n"], "503 alone is asked for again"),
    "fail_on_status=-503": (["    retry_on_503: true\n"], None),
    "stopped=m": ([], "BEWARE, it would leave no worker"),
    "stopped=zzz": ([], "no worker of the balancer has this name"),
    "stopped=n": (['workers: ["m"]'], None),
    "disabled=n": (['workers: ["m", "n"]'], "BEWARE, a worker is active, drained or stopped for all paths"),
}


@pytest.mark.parametrize("options", OPTIONS)
def test_what_follows_a_mapping_means_what_it_does_in_mod_jk(tmp_path, options):
    """And it holds for that mapping alone."""
    texts, why = OPTIONS[options]
    workers = WORKERS + "worker.n.host=h4\n" + "".join(f"worker.{name}.reply_timeout=5\n" for name in "xymn")
    if "=n" in options:
        workers = workers.replace("balance_workers=m", "balance_workers=m,n")
    done = run_import(tmp_path, workers, f"/a|/*=lb;{options}\n/b=lb\n")
    assert done.returncode == 0, done.stderr
    for wanted in texts:
        assert wanted in done.body
    for setting in ("    reply_timeout:", "    sticky:", "    retry_on_503:"):
        assert done.body.count(setting) == any(setting in text for text in texts), "of one route at most"
    assert ("more_cookies" in done.body) == any("more_cookies" in text for text in texts)
    assert why is None and not done.of_map() or why in done.of_map()[1]
    assert "not a key" not in done.rest and ": sid:" not in done.rest


@pytest.mark.parametrize("uris", ["-/a=x;sticky_ignore=1\n/b=x\n", "!/a=x;sticky_ignore=1\n/b=x\n",
                                  "/a=zzz;sticky_ignore=1\n/b=x\n"])
def test_what_follows_a_line_without_a_mapping_is_not_taken(tmp_path, uris):
    assert "    sticky:" not in run_import(tmp_path, WORKERS, uris).body


def test_each_balancer_has_its_own_stickiness_and_times(tmp_path):
    """Of all in mod_jk, and so of its routes."""
    workers = (WORKERS.replace("list=x,y,lb", "list=lb,lc") + "worker.lc.type=lb\nworker.lc.balance_workers=n\n"
               "worker.lc.sticky_session=0\nworker.lb.sticky_session_force=1\nworker.lc.session_cookie=SID\n"
               "worker.m.reply_timeout=5000\nworker.n.reply_timeout=900000\n")
    done = run_import(tmp_path, workers, "/b=lb\n/c=lc\n")
    assert ('  - paths: ["/b"]\n    workers: ["m"]\n    reply_timeout: 5000ms\n'
            '  - paths: ["/c"]\n    workers: ["n"]\n    sticky: false\n    force: false\n'
            'session:\n  sticky: true\n  force: true\n  more_cookies: ["SID"]\n') in done.body
    assert "  reply: 900000ms\n" in done.body
    assert set(done.of_workers()) == {2, 3}, "x and y have no part"


@pytest.mark.parametrize("program, told", [("ajpbridge", True), ("ajpforward", False)])
def test_what_httpd_answered_itself_is_told_of_where_it_goes(tmp_path, program, told):
    """ajpforward has a web server before it still."""
    done = run_import(tmp_path, WORKERS, "/*=x\n!/static|/*=x\n", program=program)
    assert routes_of(done) == {"x": ["/*", "!/static", "!/static/*"]}
    assert ("httpd answered these itself" in done.of_map().get(2, "")) == told


def test_a_mapping_in_uriworkermap_counts_before_a_mount(tmp_path):
    done = run_import(tmp_path, WORKERS + "worker.x.mount=/a /c\n", "/a=y\n")
    assert routes_of(done) == {"y": ["/a"], "x": ["/c"]}
    assert "mapped before" in done.of_workers()[7]


def test_a_mount_of_a_member_alone_is_none(tmp_path):
    done = run_import(tmp_path, WORKERS + "worker.m.mount=/m\n", "/a=y\n")
    assert routes_of(done) == {"y": ["/a"]}
    assert done.of_workers() == {7: "worker.m.mount: of the workers of worker.list alone"}


@pytest.mark.parametrize("uris", ["", "# nothing\n", "/%61=x\n", "*.jsp=x\n", "/status=zzz\n", "!/a=x\n"])
def test_without_a_mapping_that_can_be_carried_nothing_is_open(tmp_path, uris):
    """mod_jk passes nothing on then, and a file without routes would pass on everything."""
    done = run_import(tmp_path, WORKERS, uris)
    assert done.returncode == 2 and done.stdout == ""
    assert "uriworkermap.properties:1: expected a mapping to one of its workers, got " in done.stderr
    assert done.stderr.count("\n") == 1 and (uris[:1] != "/" or f'got "{uris.partition("=")[0]}": ' in done.stderr)


def test_a_mapping_to_a_status_worker_alone_is_shown_where_it_is_refused(tmp_path):
    done = run_import(tmp_path, WORKERS + "worker.st.type=status\n", "# jkstatus\n/jk=st\n")
    assert done.returncode == 2
    assert 'uriworkermap.properties:2: expected a mapping to one of its workers, got "/jk": there is no status' in done.stderr


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
