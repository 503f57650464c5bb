# SPDX-License-Identifier: Apache-2.0
"""Values of mod_jk, imported: what they mean there is what comes of them, or a note says what else."""
import random
import re

import pytest

from importing import run_import
from procs import ROOT

TWO = """\
worker.list=lb1,lb2
worker.lb1.type=lb
worker.lb1.balance_workers=a1,b1
worker.lb2.type=lb
worker.lb2.balance_workers=a2,b2
worker.a1.host=h1
worker.a1.route=tc1
worker.a1.lbfactor=3
worker.b1.host=h2
worker.b1.route=tc2
worker.a2.reference=worker.a1
worker.a2.lbfactor=1
worker.b2.reference=worker.b1
"""
PATHS = "/one/*=lb1\n/two/*=lb2\n"


def routes_of(done):
    return re.findall(r"- paths: \[(.*)\]\n    workers: \[(.*)\]", done.body)


def test_one_server_in_two_balancers_is_one_worker_with_weights_of_each(tmp_path):
    done = run_import(tmp_path, TWO, PATHS)
    assert done.returncode == 0, done.stderr
    assert done.body.count("- name:") == 2
    assert 'name: "tc1"\n    url: "ajp://h1:8009"\n    weight: 3\n' in done.body
    assert routes_of(done) == [('"/one/*"', '"tc1", "tc2"'), ('"/two/*"', '"tc1=1", "tc2=1"')]
    assert not done.rest


def test_weights_of_a_balancer_for_everything_still_need_a_route(tmp_path):
    done = run_import(tmp_path, TWO, "/*=lb2\n")
    assert routes_of(done) == [('"/*"', '"tc1=1", "tc2=1"')]


def test_one_name_in_two_balancers_is_one_worker(tmp_path):
    workers = TWO.replace("=a2,b2", "=a1,b2")
    done = run_import(tmp_path, workers, PATHS)
    assert done.body.count("- name:") == 2
    assert [workers for _, workers in routes_of(done)] == ['"tc1", "tc2"', '"tc1", "tc2"']


def test_without_mappings_all_goes_to_the_first_of_two_balancers_of_the_same_workers(tmp_path):
    done = run_import(tmp_path, TWO)
    assert done.body.count("- name:") == 2 and "routes:" not in done.body
    assert "all go to lb1" in done.of_workers()[1]


CASES = ROOT / "tests/engine/jk"


@pytest.mark.parametrize("workers, at, name", [
    ((CASES / "two-apps.properties").read_text(), 2, "hr"),
    (TWO.replace("=a2,b2", "=a2,c2") + "worker.c2.host=h9\n", 1, "lb2"),
    ("worker.list=lb\nworker.list=other\nworker.lb.type=lb\nworker.lb.balance_workers=a\nworker.other.port=1\n", 2,
     "other"),
])
def test_two_applications_without_mappings_are_refused(tmp_path, workers, at, name):
    """One pool of both would send requests of one to the other."""
    done = run_import(tmp_path, workers)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1
    assert f":{at}: expected mappings that tell which paths go to {name}, which is another app server" in done.stderr
    assert "JkMount" in done.stderr


def test_a_member_that_is_listed_too_is_no_second_application(tmp_path):
    done = run_import(tmp_path, TWO.replace("=lb1,lb2", "=lb1,a1,b1"))
    assert done.returncode == 0 and done.body.count("- name:") == 2 and not done.of_workers().get(1)


@pytest.mark.parametrize("redirect, activation, ours", [
    ("b", "disabled", "standby"), ("b", "d", "standby"), ("tcb", "disabled", "standby"), ("b", "stopped", "stop"),
    ("c", "disabled", "drain"), ("", "disabled", "drain"), ("b", "active", None),
])
def test_a_disabled_worker_that_a_redirect_leads_to_is_a_hot_standby(tmp_path, redirect, activation, ours):
    done = run_import(tmp_path, "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers=a,b,c\n"
                      f"worker.a.redirect={redirect}\nworker.b.activation={activation}\nworker.b.route=tcb\n")
    assert re.findall(r"activation: (\w+)", done.body) == ([ours] if ours else [])


@pytest.mark.parametrize("case, notes", [("bom", {}), ("stray-line", {1: "passes over the line"}),
                                         ("status-mount", {1: "no status worker", 9: "no status worker"}),
                                         ("hot-standby", {})])
def test_files_as_people_have_them(tmp_path, case, notes):
    done = run_import(tmp_path, (CASES / f"{case}.properties").read_text())
    assert done.returncode == 0, done.stderr
    assert done.of_workers().keys() == notes.keys() and all(why in done.of_workers()[at] for at, why in notes.items())
    assert ("activation: standby" in done.body) == (case == "hot-standby") and "routes:" not in done.body


def test_the_report_has_what_matters_first_and_each_reason_once(tmp_path):
    workers = "".join(f"worker.{n}.connection_pool_size=9\n" for n in ("a1", "b1")) + "worker.a1.reply_timeout=9\n"
    done = run_import(tmp_path, TWO + workers + "worker.list=gone\nworker.gone.type=ajp14\n", "/one=lb1\n/z=gone\n/one=lb2\n")
    assert list(dict.fromkeys(done.groups.values())) == [
        "Look at these first: requests may be answered otherwise than by mod_jk",
        "Said of one worker or balancer there, of more here", "No such setting here, and why",
        "Without effect in mod_jk too"]
    assert done.rest.count("pools grow as requests need them") == 1


@pytest.mark.parametrize("more, message", [
    ("worker.a2.host=elsewhere\n", ':5: expected a route of its own for each app server, got "tc1" for a1 and for a2, '
     "which is at elsewhere:8009: give one of them another route"),
    ("worker.a2.port=8010\n", "a2, which is at h1:8010"),
    ("worker.lb1.secret=x\nworker.lb2.secret=y\n", ':15: expected one secret for the app server with the route "tc1", '
     "got another than that of line 14"),
    ("worker.b1.route=tc1\nworker.b1.host=h1\n", ':3: expected a route of its own for each worker of lb1, got "tc1" '
     "for a1 and for b1; mod_jk refuses that too"),
])
def test_servers_that_cannot_be_one_worker_are_refused(tmp_path, more, message):
    done = run_import(tmp_path, TWO + more, PATHS)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and message in done.stderr


@pytest.mark.parametrize("key, value, ours", [
    ("distance", "3", "distance:"), ("busy_limit", "20", "max_connections:"), ("domain", "west", "domain:"),
    ("max_packet_size", "65536", "packet_size:"), ("redirect", "tc2", "redirect:"),
    ("connection_pool_minsize", "4", "min_idle:"),
])
def test_other_settings_of_one_worker_are_those_of_its_first_name(tmp_path, key, value, ours):
    done = run_import(tmp_path, TWO + f"worker.a2.{key}={value}\n", PATHS)
    assert ours not in done.body
    assert "a1 and a2 have one route, so they are one worker: that of a1 counts" in done.of_workers()[14]


def test_a_server_stopped_for_one_balancer_leaves_its_routes(tmp_path):
    done = run_import(tmp_path, TWO + "worker.a2.activation=s\n", PATHS)
    assert "activation:" not in done.body
    assert routes_of(done)[1] == ('"/two/*"', '"tc2"')
    assert "a2 is stopped for lb2 alone" in done.of_workers()[14]
    done = run_import(tmp_path, TWO + "worker.a2.activation=d\n", PATHS)
    assert "activation:" not in done.body and "BEWARE, a2 is disabled for lb2 alone" in done.of_workers()[14]


def test_activation_is_of_balancers(tmp_path):
    done = run_import(tmp_path, "worker.list=x\nworker.x.activation=stopped\n")
    assert "activation:" not in done.body and "of the workers of balancers alone" in done.of_workers()[2]
    done = run_import(tmp_path, TWO.replace("=lb1,", "=a1,lb1,", 1) + "worker.a1.activation=d\n", "/one=lb1\n/a=a1\n")
    assert done.body.count("    activation: drain\n") == 1
    assert "a1 is disabled in its balancer alone, and here where it is by itself too" in done.of_workers()[14]


def test_a_worker_by_itself_keeps_its_name_beside_another_of_its_route(tmp_path):
    workers = "worker.list=x,y\nworker.x.host=h1\nworker.x.route=r\nworker.y.host=h2\nworker.y.route=r\n"
    done = run_import(tmp_path, workers, "/x=x\n/y=y\n")
    assert routes_of(done) == [('"/x"', '"r"'), ('"/y"', '"y"')]


# Lines of workers.properties for worker a of lb, beside worker b, and what must come of them: texts of the file, then
# of the note on the last line, None for no note on any.
ONE = "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers=a,b\nworker.b.reply_timeout=1\n"
MEANINGS = {
    # times: units, none, never
    "reply_timeout=0": (["  reply: 0 #"], None),
    "reply_timeout=90000": (["  reply: 90000ms\n"], None),
    "reply_timeout=-1": (["  reply: 0 #"], None),
    "reply_timeout=90s": (["  reply: 90ms\n"], None),
    "reply_timeout=2k": (["  reply: 2048ms\n"], None),
    "reply_timeout=soon": (["  reply: 0 #"], "not a number"),
    "reply_timeout=100000000": (["  reply: 86400000ms\n"], "longer than the setting allows"),
    "lbfactor=1": (["  reply: 0 # never, as in mod_jk without a reply_timeout\n"], None),
    "socket_timeout=300": (["  reply: 300000ms # of socket_timeout, which ends reads too\n",
                            "  write_stall: 300000ms # of socket_timeout"], None),
    "reply_timeout=1\nsocket_timeout=300": (["  reply: 1ms\n", "  write_stall: 300000ms"], None),
    "socket_timeout=0": (["  reply: 0 #"], "0 is no limit"),
    "socket_connect_timeout=0": ([], "0 is the system's own limit"),
    "connection_pool_timeout=0": (["  pool_idle: 0\n"], None),
    "connection_pool_timeout=600": (["  pool_idle: 600000ms\n"], None),
    "connection_pool_timeout=600\ncache_timeout=900": (["  pool_idle: 600000ms\n"],
                                                       "connection_pool_timeout is there too, and counts"),
    "connection_pool_timeout=90000": (["  pool_idle: 86400000ms\n"], "longer than the setting allows"),
    "connection_acquire_timeout=0": (["  queue: 1ms # at once"], None),
    "ping_mode=A": (["  cping: 10000ms\n"], "when to ask is timeouts.cping_idle"),
    "ping_timeout=3000\nping_mode=c": (["  cping: 3000ms\n"], "when to ask is timeouts.cping_idle"),
    "connect_timeout=0": ([], "0 is no CPing there"),
    "prepost_timeout=2000\nping_timeout=9000": (["  cping: 2000ms\n"],
                                                "connect_timeout and prepost_timeout are there too"),
    "connection_ping_interval=90": (["  cping_idle: 90000ms\n", "  cping: 10000ms\n"], None),
    "prepost_timeout=2000\nconnection_ping_interval=90": (["  cping: 10000ms\n"],
                                                          "which a longer time than the default would make seldom"),
    # numbers
    "lbfactor=0": (["url: \"ajp://localhost:8009\"\n  - name"], None),
    "lbfactor=5000": (["    weight: 1000\n"], "the most there is was taken, 1000"),
    "max_packet_size=64K": (["    packet_size: 65536\n"], None),
    "max_packet_size=100000": (["    packet_size: 65536\n"], None),
    "max_packet_size=8193": (["    packet_size: 9216\n"], None),
    "busy_limit=0": (["url: \"ajp://localhost:8009\"\n  - name"], None),
    "busy_limit=20\nconnection_pool_minsize=50": (["    max_connections: 20\n    min_idle: 20\n"],
                                                  "the busy_limit was taken, 20"),
    "host=::1\nport=9009": (['url: "ajp://[::1]:9009"'], None),
    "host=fe80::1%eth0": (['url: "ajp://[fe80::1%eth0]:8009"'], None),
    # letters and codes
    "activation=1": (["    activation: drain\n"], None),
    "activation=2": (["    activation: stop\n"], None),
    "activation=Active\nstopped=true": (["  reply: 0"], "activation is there too, and counts"),
    "stopped=10": (["url: \"ajp://localhost:8009\"\n  - name"], None),
    "stopped=On": (["    activation: stop\n"], None),
    "route=west.tc1": (['name: "west.tc1"', '    domain: "west"\n'], None),
    # lists, comments, lines that come again, lines without a value
    "fail_on_status=-503": (["  on_503: true #"], None),
    "fail_on_status=503": (["  on_503: true #"], None),
    "fail_on_status=503\nfail_on_status=500": (["  on_503: true #"], "503 alone is asked for again"),
    "fail_on_status=-404,-503": (["  on_503: true #"], "503 is retry.on_503; the others in it are"),
    "fail_on_status=500": (["  reply: 0"], "503 alone is asked for again"),
    "port=9009 # the second one": (['url: "ajp://localhost:9009"'], None),
    "port=9009 // the second one": (['url: "ajp://localhost:9009"'], None),
    "host=": (['url: "ajp://localhost:8009"'], "no value, so mod_jk ignores the line"),
    "port=9009\nport=9010": (['url: "ajp://localhost:9010"'], None),
    # what is said of the wrong kind of worker
    "sticky_session=0": (["  sticky: true\n"], "of balancers alone"),
    # references
    "reference=worker.b": (["  reply: 1ms\n"], None),
    "reference=worker.zzz": (["  reply: 0"], "there is no worker.zzz"),
    "reference=worker.a": (["  reply: 0"], "references that lead back to themselves"),
}


@pytest.mark.parametrize("lines", MEANINGS)
def test_a_value_of_a_worker_means_what_it_does_in_mod_jk(tmp_path, lines):
    texts, why = MEANINGS[lines]
    text = ONE + "".join(f"worker.a.{line}\n" for line in lines.split("\n"))
    done = run_import(tmp_path, text)
    assert done.returncode == 0, done.stderr
    for wanted in texts:
        assert wanted in done.body
    of_a = {line: note for line, note in done.of_workers().items() if line > ONE.count("\n")}
    if why is None:
        assert [note for note in of_a.values() if "said again" not in note] == []
    else:
        assert why in of_a[text.count("\n")]


def test_a_time_that_all_workers_have_goes_by_the_longest(tmp_path):
    text = ONE + "worker.t.reply_timeout=500\nworker.a.reference=worker.t\nworker.a.reply_timeout=20\n"
    done = run_import(tmp_path, text)
    assert "  reply: 20ms\n" in done.body
    assert "the longest of them was taken" in done.of_workers()[4]
    assert "whoever refers to it has its own" in done.of_workers()[5]


BALANCER = {
    "method=2": ("method: busyness", None),
    "method=N": ("method: sessions", "the nearest there is: sessions"),
    "method=x": ("method: requests", None),
    "lb_retries=0": ("max_attempts: 1\n", None),
    "lb_retries=99": ("max_attempts: 16\n", "the most there is was taken, 16"),
    "sticky_session=False": ("sticky: false", None),
    "sticky_session=2": ("sticky: true", None),
    "sticky_session_force=yes": ("force: true", None),
    "host=h": ("sticky: true", "of workers of type ajp13 alone"),
    "balanced_workers=c": ("sticky: true", "balance_workers is there too, and counts"),
}


@pytest.mark.parametrize("line", BALANCER)
def test_a_value_of_a_balancer_means_what_it_does_in_mod_jk(tmp_path, line):
    wanted, why = BALANCER[line]
    done = run_import(tmp_path, ONE + f"worker.lb.{line}\n")
    assert wanted in done.body
    assert (why or "") in done.of_workers().get(5, "") and (why is not None) == (5 in done.of_workers())


def test_a_balancer_has_what_its_reference_has(tmp_path):
    done = run_import(tmp_path, TWO + "worker.lb3.reference=worker.lb1\nworker.list=lb3\n", "/*=lb3\n")
    assert routes_of(done) == [] and done.body.count("- name:") == 2


def test_settings_of_balancers_that_differ_are_told_of_at_both(tmp_path):
    done = run_import(tmp_path, TWO + "worker.lb1.method=T\n", PATHS)
    assert "lb2, which has it otherwise, gets it too" in done.of_workers()[14]
    done = run_import(tmp_path, TWO + "worker.lb2.method=T\n", PATHS)
    assert "that of lb1, the first balancer, was taken" in done.of_workers()[14]


def test_a_balancer_that_is_listed_first_gives_the_settings(tmp_path):
    text = TWO.replace("lb1,lb2", "lb2\nworker.list=lb1", 1) + "worker.lb2.method=B\nworker.lb1.method=T\n"
    assert "method: busyness" in run_import(tmp_path, text, PATHS).body


def test_members_that_are_no_workers_yet_are_left_out(tmp_path):
    done = run_import(tmp_path, ONE + "worker.a.port=0\n")
    assert done.body.count("- name:") == 1 and "port 0, a place for a worker to come" in done.of_workers()[3]
    done = run_import(tmp_path, ONE + "worker.a.type=ajp14\n")
    assert done.body.count("- name:") == 1 and "not a worker of type ajp13" in done.of_workers()[3]


def test_secrets_of_routes_that_look_alike_have_variables_of_their_own(tmp_path):
    text = "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers=a-b,a.b\n"
    done = run_import(tmp_path, text + "worker.a-b.secret=1\nworker.a.b.secret=2\n")
    assert re.findall(r"secret_env: (\w+)", done.body) == ["AJP_SECRET_a_b", "AJP_SECRET_a_b_2"]


@pytest.mark.parametrize("host", ["10.0.0.1:8010", "tomcat:8010", "[::1]:8010", "[::1]"])
def test_a_port_in_the_host_is_refused(tmp_path, host):
    done = run_import(tmp_path, f"worker.list=a\n# one\nworker.a.host={host}\n")
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1
    assert ":3: worker a: expected a host name or address" in done.stderr and "worker.a.port" in done.stderr


def test_a_line_that_goes_on_after_a_backslash_is_refused(tmp_path):
    done = run_import(tmp_path, "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers=a,\\\n  b\n")
    assert done.returncode == 2 and ":4: expected key=value: no line goes on after a" in done.stderr


def test_a_key_without_a_name_is_told_of(tmp_path):
    done = run_import(tmp_path, "worker.list=a\nworker.host=h\n")
    assert done.of_workers() == {2: "worker.host: not a key of mod_jk"}


KEYS = ["activation", "balance_workers", "busy_limit", "connection_pool_minsize", "connection_pool_timeout", "disabled",
        "connection_acquire_timeout", "distance", "domain", "fail_on_status", "host", "jvm_route", "lb_retries",
        "lbfactor", "max_packet_size", "method", "mount", "port", "redirect", "reference", "reply_timeout", "route",
        "secret", "session_cookie", "session_path", "socket_timeout", "stopped", "type"]
ANY = ["0", "1", "-1", "64k", "5000", "100000000", "a1", "tc1", "S", "::1", "west.x", ";sid", "a1,b1", "503", "true",
       "", "worker.t", "worker.zzz", "/x /y", 'a"b', "lb"]
URIS = ["/*", "/a", "/a|/*", "*.jsp", "!/a/s", "!*.x", "/b?", '/q"u', "/%41", "/é"]


@pytest.mark.parametrize("seed", range(60))
def test_a_file_of_any_values_is_refused_or_accepted_by_the_daemon_too(tmp_path, seed):
    """run_import has what comes of it checked."""
    some = random.Random(seed)
    lines = [f"worker.{some.choice(['lb1', 'lb2', 'a1', 'a2', 't'])}.{some.choice(KEYS)}={some.choice(ANY)}\n"
             for _ in range(some.randrange(8))]
    uris = "".join(f"{some.choice(URIS)}={some.choice(['lb1', 'lb2', 'a1', '*'])}\n" for _ in range(some.randrange(1, 6)))
    done = run_import(tmp_path, TWO + "".join(lines), uris if some.randrange(2) else None)
    assert (done.returncode, done.stderr.count("\n"), done.stdout == "") in [(0, 0, False), (2, 1, True)]
