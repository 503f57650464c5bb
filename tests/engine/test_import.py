# SPDX-License-Identifier: Apache-2.0
"""mod_jk's files, imported: what becomes of them, and that nothing goes missing without a word."""
import os
import re
import subprocess

import pytest

from procs import BIN, ROOT

WORKERS = """\
# mod_jk
base = 10.0.0
worker.list=lb, jkstatus
worker.list=extra
worker.jkstatus.type=status
worker.extra.host=h
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
    activation: drain
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
  reply: 120000ms
"""

# every key of mod_jk's reference for workers of type ajp13, lb and status, but type and reference
KEYS = """
    host port connection_pool_size connection_pool_minsize connection_pool_timeout socket_timeout
    socket_connect_timeout socket_keepalive socket_buffer prefer_ipv6 source secret max_packet_size ping_mode
    ping_timeout connection_ping_interval connect_timeout prepost_timeout reply_timeout retries retry_interval
    recovery_options fail_on_status max_reply_timeouts recover_time lbfactor activation route distance domain
    redirect busy_limit connection_acquire_timeout balance_workers sticky_session sticky_session_force method
    lock lb_retries error_escalation_time session_cookie session_cookie_path session_path set_session_cookie
    css ns xmlns doctype prefix read_only user user_case_insensitive good bad mount
    """.split()


def run_import(tmp_path, workers, uris=None, program="ajpforward"):
    args = [BIN / program, "import", tmp_path / "workers.properties"]
    args[2].write_text(workers)
    if uris is not None:
        args.append(tmp_path / "uriworkermap.properties")
        args[3].write_text(uris)
    return subprocess.run(args, capture_output=True, text=True, timeout=20)


def notes(text):
    """What was not carried over, by line number."""
    return {int(line): why for line, why in re.findall(r"^# \S+?:(\d+): (.*)$", text, re.M)}


def test_whole_file(tmp_path):
    done = run_import(tmp_path, WORKERS)
    assert (done.returncode, done.stderr) == (0, "")
    body, _, rest = done.stdout.partition("\n# Not carried over:\n")
    assert body.split("\n", 1)[1] == EXPECTED
    assert set(notes(rest)) == {2, 3, 4, 6, 28}
    assert "top-secret" not in done.stdout


def test_result_is_accepted(tmp_path):
    out = tmp_path / "out.yaml"
    out.write_text(run_import(tmp_path, WORKERS).stdout)
    env = {**os.environ, "AJP_SECRET_node1": "a", "AJP_SECRET_tc_2": "b"}
    checked = subprocess.run([BIN / "ajpforward", "--config", out, "--check"], env=env, capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_bridge_listens_with_http(tmp_path):
    done = run_import(tmp_path, WORKERS, program="ajpbridge")
    assert "url: http://127.0.0.1:8080" in done.stdout


def test_worker_without_balancer(tmp_path):
    done = run_import(tmp_path, "worker.list=ajp13\nworker.ajp13.type=ajp13\n")
    assert 'name: "ajp13"\n    url: "ajp://localhost:8009"\n' in done.stdout
    assert "Not carried over" not in done.stdout


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_carried_or_named(tmp_path, key):
    """A key changes the settings, or there is a note on it."""
    base = "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers=a,b\nworker.b.host=h\nworker.a.host=h\n"
    values = {"host": "example", "port": "1", "balance_workers": "b,a,c",
              "redirect": "b", "activation": "S", "method": "T", "sticky_session": "0", "sticky_session_force": "1", "max_packet_size": "9000"}
    of_balancer = {"balance_workers", "sticky_session", "sticky_session_force", "method", "session_cookie",
                   "session_path"}
    owner = "lb" if key in of_balancer else "a"
    line = f"worker.{owner}.{key}={values.get(key, '7')}\n"
    before = run_import(tmp_path, base).stdout
    after = run_import(tmp_path, base + line).stdout
    assert after != before
    assert "not a key of mod_jk" not in after


def test_uri_map(tmp_path):
    uris = "/*=lb\n!/static/*=lb\n/app|/app/*=lb;sticky_ignore=1;nonsense=2\n/status=jkstatus\n"
    done = run_import(tmp_path, WORKERS, uris)
    lines = re.findall(r"^# \S+uriworkermap.properties:(\d): ([^:]+):", done.stdout, re.M)
    assert lines == [("2", "!/static/*"), ("3", "/app|/app/*"), ("3", "sticky_ignore"), ("3", "nonsense"),
                     ("4", "/status")]


@pytest.mark.parametrize("workers, message", [
    ("", ":1: expected worker.list"),
    ("worker.list=a\nnonsense\n", ":2: expected a comment or key=value"),
    ("worker.list=a\nworker.a.port=x\n", ":2: worker a: expected ajp://HOST:PORT"),
    ("worker.list=a\nworker.a.host=a b\n", ":2: worker a: expected ajp://HOST:PORT"),
    ("worker.list=a\nworker.a.route=x y\n", ":1: expected a route"),
    ("worker.list=" + ",".join(f"w{i}" for i in range(65)), ":1: expected at most 64 workers"),
    ("x=" + "y" * 9000, ":1: expected a line of less"),
])
def test_bad_file_gets_one_message(tmp_path, workers, message):
    done = run_import(tmp_path, workers)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and message in done.stderr


def test_missing_file_and_arguments(tmp_path):
    for args in ([tmp_path / "no"], [], ["a", "b", "c"], ["--x"]):
        done = subprocess.run([BIN / "ajpforward", "import", *args], capture_output=True, text=True)
        assert done.returncode == 2 and done.stderr.count("\n") == 1


def test_man_page_tells_of_import():
    assert "*import*" in (ROOT / "docs/man/ajpforward.1.scd").read_text()
