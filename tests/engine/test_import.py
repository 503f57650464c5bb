# SPDX-License-Identifier: Apache-2.0
"""mod_jk's files, imported: what becomes of them, and that nothing goes missing without a word."""
import re
import subprocess

import pytest

from importing import run_import
from procs import BIN, ROOT

WORKERS = """\
# mod_jk
base = 10.0.0
worker.list=lb, jkstatus
worker.list=node1
worker.jkstatus.type=status
worker.lb.type=lb
worker.lb.balance_workers=node1,node2
worker.lb.balance_workers=node3
worker.lb.sticky_session_force=True
worker.lb.method=Busyness
worker.lb.session_cookie=SID
worker.lb.session_path=;sid
worker.template.port=8109
worker.template.secret=top-secret
worker.template.socket_connect_timeout=3000
worker.template.reply_timeout=120000
worker.node1.reference=worker.template
worker.node1.host=$(base).1
worker.node1.lbfactor=3
worker.node1.redirect=node2
worker.node1.domain=west
worker.node1.busy_limit=200
worker.node2.reference=worker.template
worker.node2.host=$(base).2
worker.node2.route=tc-2
worker.node2.activation=Disabled
worker.node2.reply_timeout=60000
worker.node3.host=::1
worker.node3.distance=1
worker.node3.stopped=1
worker.node3.max_packet_size=65536
"""

EXPECTED = """\
listen:
  - url: ajp://127.0.0.1:8019
    # packet_size: 65536 # if the web servers' max_packet_size is that
workers:
  - name: "node1"
    url: "ajp://10.0.0.1:8109"
    weight: 3
    max_connections: 200
    domain: "west"
    redirect: tc-2
    secret_env: AJP_SECRET_node1 # the value of worker.template.secret
  - name: "tc-2"
    url: "ajp://10.0.0.2:8109"
    activation: standby # disabled, and a redirect leads to it
    secret_env: AJP_SECRET_tc_2 # the value of worker.template.secret
  - name: "node3"
    url: "ajp://[::1]:8009"
    distance: 1
    packet_size: 65536
    activation: stop
session:
  sticky: true
  force: true
  cookie: "SID"
  param: "sid"
balance:
  method: busyness
timeouts:
  connect: 3000ms
  reply: 0 # never, as in mod_jk without a reply_timeout
"""

# Every key that mod_jk 1.2 reads of a worker, its deprecated ones among them: what it turns into, or None where
# it is named with a reason. "lb." is said of the balancer, "status." of a status worker, "." of no worker.
KEYS = {
    ".list": "workers:", ".maintain": None,
    # workers of type ajp13
    "type": "name: \"a\"", "host": 'url: "ajp://example:8009"', "port": 'url: "ajp://h:7"', "reference": "weight: 5",
    "lbfactor": "weight: 7", "connection_pool_size": None, "connection_pool_minsize": "min_idle: 7",
    "connection_pool_timeout": "pool_idle: 7000ms", "cachesize": None, "cache_timeout": "pool_idle: 7000ms",
    "recycle_timeout": None, "socket_timeout": "write_stall: 7000ms", "socket_connect_timeout": "connect: 7ms",
    "socket_keepalive": None, "socket_buffer": None, "prefer_ipv6": None, "source": None,
    "secret": "secret_env: AJP_SECRET_a", "max_packet_size": "packet_size: 9216", "ping_mode": None,
    "ping_timeout": "cping: 7ms", "connection_ping_interval": "cping_idle: 7000ms", "connect_timeout": "cping: 7ms",
    "prepost_timeout": "cping: 7ms", "reply_timeout": "reply: 7ms", "retries": None, "retry_interval": None,
    "recovery_options": None, "fail_on_status": "on_503: true", "max_reply_timeouts": None, "recover_time": None,
    "connection_acquire_timeout": "queue: 7ms", "mount": 'routes:\n  - paths: ["/7"]\n    workers: ["a"]',
    # members of a balancer
    "activation": "activation: stop", "disabled": "activation: drain", "stopped": "activation: stop",
    "route": 'name: "7"', "jvm_route": 'name: "7"', "distance": "distance: 7", "domain": 'domain: "7"',
    "redirect": "redirect: b", "busy_limit": "max_connections: 7", "local_worker": None,
    # balancers
    "lb.type": "balance:", "lb.balance_workers": 'name: "c"', "lb.balanced_workers": 'name: "c"',
    "lb.sticky_session": "sticky: false", "lb.sticky_session_force": "force: true", "lb.method": "method: traffic",
    "lb.lock": None, "lb.lb_retries": "max_attempts: 7", "lb.error_escalation_time": None,
    "lb.session_cookie": 'cookie: "7"', "lb.session_cookie_path": None, "lb.session_path": 'param: "7"',
    "lb.set_session_cookie": None, "lb.retries": None, "lb.recover_time": None, "lb.max_reply_timeouts": None,
    "lb.local_worker_only": None, "lb.mount": 'routes:\n  - paths: ["/7"]\n    workers: ["a", "b"]',
    "lb.secret": "secret_env: AJP_SECRET_b",
    # status workers
    "status.css": None, "status.ns": None, "status.xmlns": None, "status.doctype": None, "status.prefix": None,
    "status.read_only": None, "status.user": None, "status.user_case_insensitive": None, "status.good": None,
    "status.bad": None,
    # workers of type ajp14 and jni
    "secretkey": None, "bridge": None, "class_path": None, "cmd_line": None, "jvm_lib": None, "native_lib": None,
    "ld_path": None, "ms": None, "mx": None, "stderr": None, "stdout": None, "sysprops": None,
}
VALUES = {"type": "ajp13", "host": "example", "reference": "worker.t", "max_packet_size": "9000", "activation": "S",
          "redirect": "b", "disabled": "1", "stopped": "1", "lb.type": "lb", "lb.balance_workers": "a,b,c",
          "lb.balanced_workers": "a,b,c", "lb.sticky_session": "0", "lb.sticky_session_force": "1", "lb.method": "T",
          "fail_on_status": "503", "mount": "/7", "lb.mount": "/7", ".list": "lb"}

# what may follow a mapping
EXTENSIONS = {
    "reply_timeout": "    reply_timeout: 1ms", "sticky_ignore": "    sticky: false", "stateless": None, "active": None,
    "disabled": None, "stopped": None, "fail_on_status": None, "use_server_errors": None,
    "session_cookie": 'more_cookies: ["1"]', "session_path": None, "set_session_cookie": None,
    "session_cookie_path": None,
}


def test_whole_file(tmp_path):
    done = run_import(tmp_path, WORKERS)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.body.split("\n", 1)[1] == EXPECTED
    assert set(done.of_workers()) == {2, 3, 16, 27}
    assert "top-secret" not in done.stdout


def test_bridge_listens_with_http(tmp_path):
    done = run_import(tmp_path, WORKERS, program="ajpbridge")
    assert "url: http://127.0.0.1:8080" in done.stdout


def test_without_a_list_it_is_ajp13(tmp_path):
    done = run_import(tmp_path, "worker.ajp13.host=h\nworker.other.host=h2\n")
    assert done.body.count("- name:") == 1 and 'name: "ajp13"\n    url: "ajp://h:8009"\n' in done.body


def test_worker_without_balancer(tmp_path):
    done = run_import(tmp_path, "worker.list=ajp13\nworker.ajp13.type=ajp13\n")
    assert 'name: "ajp13"\n    url: "ajp://localhost:8009"\n' in done.stdout
    assert not done.rest


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_carried_or_named(tmp_path, key):
    """The setting that a key turns into is there and was not before; or a note on its line gives the reason."""
    owner, _, name = key.rpartition(".") if "." in key else ("a", ".", key)
    line = f"worker.{owner}.{name}={VALUES.get(key, '7')}\n".replace("worker..", "worker.")
    lines = ["worker.list=lb,a\n", "worker.lb.type=lb\n", "worker.lb.balance_workers=a,b\n", "worker.a.host=h\n",
             "worker.b.host=h\n", "worker.b.reply_timeout=1\n", "worker.t.lbfactor=5\n", "worker.status.type=status\n"]
    # keys that are there already are tried without themselves, and old names without the new ones
    replaced = {line.split("=")[0], line.split("=")[0].replace("balanced_workers", "balance_workers")}
    without = [x for x in lines if x.split("=")[0] not in replaced]
    before = run_import(tmp_path, "".join(without))
    after = run_import(tmp_path, "".join(without) + line)
    assert after.returncode == 0, after.stderr
    number = len(without) + 1
    if KEYS[key] is None:
        why = after.of_workers()[number]
        assert why.startswith(line.split("=")[0] + ": ")
        assert "not a key of mod_jk" not in why and len(why) > len(line) + 10
    else:
        assert KEYS[key] in after.body
        assert KEYS[key] not in before.stdout or key == "type"
        assert number not in after.of_workers()


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_every_extension_of_a_mapping_is_carried_or_named(tmp_path, extension):
    done = run_import(tmp_path, "worker.list=a\nworker.a.host=h\n", f"/app/*=a;{extension}=1\n")
    if EXTENSIONS[extension] is None:
        assert done.of_map()[1].startswith(extension + ": ") and "not a key" not in done.rest
    else:
        assert EXTENSIONS[extension] in done.body and not done.rest


def test_what_mod_jk_does_not_know_is_told(tmp_path):
    done = run_import(tmp_path, "worker.list=a\nworker.a.host=h\nworker.a.nonsense=1\n", "/*=a;nonsense=1\n")
    assert "nonsense: not a key of mod_jk" in done.of_workers()[3]
    assert done.of_map() == {1: "nonsense: not a key of mod_jk"}


POOLS = """\
worker.list=shop,wiki,status
worker.shop.type=lb
worker.shop.balance_workers=s1,s2
worker.wiki.type=lb
worker.wiki.balance_workers=w1,s2
worker.wiki.method=T
worker.status.type=status
worker.s1.host=h1
worker.s2.host=h2
worker.s2.route=second
worker.w1.host=h3
"""
MAPPINGS = """\
/shop|/*=shop
!/shop/private/*=shop
/wiki/*=wiki;sticky_ignore=1
/*.jsp=wiki
!/*.bak=*
/a/?/b=shop
!/w%i*k=wiki
-/off/*=shop
/status=status
/shop/*=wiki
"""
ROUTES = """\
routes:
  - paths: ["/shop", "/shop/*", "!/shop/private/*", "!/*.bak", "/a/?/b"]
    workers: ["s1", "second"]
  - paths: ["/wiki/*", "!/*.bak"]
    workers: ["second", "w1"]
    sticky: false
  - paths: ["/*.jsp", "!/*.bak"]
    workers: ["second", "w1"]
session:
  sticky: true
"""


def test_mappings_to_several_balancers_are_routes(tmp_path):
    done = run_import(tmp_path, POOLS, MAPPINGS)
    assert ROUTES in done.body
    assert set(done.of_map()) == {7, 8, 9, 10}
    assert "BEWARE, not excluded" in done.of_map()[7] and done.of_map()[10].endswith("mapped before")
    assert "one setting for all paths" in done.of_workers()[6]


@pytest.mark.parametrize("uris, routes", [("/*=lb\n", False), ("/*=lb\n!/static/*=lb\n", True), ("/app/*=lb\n", True)])
def test_everything_to_one_balancer_needs_no_route(tmp_path, uris, routes):
    workers = "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers=a,b\n"
    done = run_import(tmp_path, workers, uris)
    assert ("routes:" in done.stdout) == routes
    assert not done.rest


@pytest.mark.parametrize("workers, message", [
    ("", ":1: expected worker.list"),
    ("worker.list=a\nworker.a.port=x\n", ":2: worker a: expected ajp://HOST:PORT"),
    ("worker.list=a\nworker.a.host=a b\n", ":2: worker a: expected ajp://HOST:PORT"),
    ("worker.list=a\nworker.a.route=x y\n", ":1: expected a route"),
    ("worker.list=l\nworker.l.type=lb\nworker.l.balance_workers=" + ",".join(f"w{i}" for i in range(65)),
     ":3: expected at most 64 workers"),
    ("x=" + "y" * 9000, ":1: expected a line of less"),
    ("\ufeffworker.list=a\n", ":1: expected worker.list with a balancer or workers of type ajp13, got a byte order mark"),
    ("# one\nworker.list=a,\\\n  b c\n", ':3: expected key=value: no line goes on after a \\ in mod_jk, got "  b c"'),
])
def test_bad_file_gets_one_message(tmp_path, workers, message):
    done = run_import(tmp_path, workers)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and message in done.stderr


def test_missing_file_and_arguments(tmp_path):
    for args in ([tmp_path / "no"], [], ["a", "b", "c"], ["--x"]):
        done = subprocess.run([BIN / "ajpforward", "import", *args], capture_output=True, text=True)
        assert done.returncode == 2 and done.stderr.count("\n") == 1


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_tells_of_the_files(option):
    done = subprocess.run([BIN / "ajpbridge", "import", option], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and "HTTPD.CONF" in done.stdout and "JkWorkersFile" in done.stdout


def test_man_page_tells_of_import():
    assert "*import*" in (ROOT / "docs/man/ajpforward.1.scd").read_text()
