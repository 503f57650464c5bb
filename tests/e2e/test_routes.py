# SPDX-License-Identifier: Apache-2.0
"""Routes: whose path it is decides which workers it may reach, whatever session, failure or reload comes."""
import http.client
import subprocess
import threading

import pytest

from ajpwire import AjpClient, data, request
from procs import BIN, Daemon, poll
from scripted import ScriptedWorker

ROUTES = """  - {paths: [/shop, '/shop/*', '!/shop/private/*'], workers: [a, b]}
  - {paths: ['/wiki/*'], workers: [c]}
  - {host: admin.example, paths: ['/*'], workers: [c]}
"""


@pytest.fixture
def nodes():
    made = {name: ScriptedWorker() for name in "abc"}
    yield made
    for node in made.values():
        node.stop()


@pytest.fixture(params=["ajpforward", "ajpbridge"])
def daemon(request, tmp_path, nodes):
    name = request.param
    scheme = "http" if name == "ajpbridge" else "ajp"
    file = tmp_path / "config.yaml"

    def write(routes):
        file.write_text(f"admin: unix:{tmp_path}/admin.sock\nthreads: 2\nlisten:\n  - url: {scheme}://127.0.0.1:0\n"
                        "workers:\n" + "".join(f"  - {{name: {n}, url: 'ajp://127.0.0.1:{w.port}', domain: one}}\n"
                                               for n, w in nodes.items()) + (f"routes:\n{routes}" if routes else ""))
    write(ROUTES)
    made = Daemon(name, "--config", file, listeners=1, log=tmp_path / f"{name}.log")

    def reload(routes):
        write(routes)
        done = subprocess.run([BIN / name, "ctl", f"unix:{tmp_path}/admin.sock", "reload"], capture_output=True)
        assert done.returncode == 0, done.stderr
    made.reload, made.speaks = reload, scheme
    yield made
    assert made.terminate() == 0, made.output()


def by_http(port, path, host, cookie, body):
    """As it stands, without a client's own ideas of paths."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("POST" if body else "GET", path, skip_host=True)
    for name, value in (("Host", host), ("x-id", "1"), ("Cookie", cookie), ("Content-Length", body and len(body))):
        if value is not None:
            connection.putheader(name, value)
    connection.endheaders(body)
    status = connection.getresponse().status
    connection.close()
    return status


def by_ajp(port, path, host, cookie, body):
    path, _, query = path.partition("?")
    headers = [(n, v) for n, v in (("host", host), ("x-id", "1"), ("cookie", cookie)) if v is not None]
    if body:
        headers.append(("content-length", str(len(body))))
    packets = [request("POST" if body else "GET", path, headers=headers), *([data(body)] if body else [])]
    with AjpClient(port) as client:
        return client.exchange(*packets).status


def reached(daemon, nodes, path, host="h.example", cookie=None, body=None):
    """The names of the workers that got it, or the status that refused it."""
    before = {name: len(node.requests) for name, node in nodes.items()}
    status = (by_http if daemon.speaks == "http" else by_ajp)(daemon.port, path, host, cookie, body)
    got = "".join(name for name, node in nodes.items() if len(node.requests) > before[name])
    if got:
        assert status == 200
        assert nodes[got[0]].requests[-1].uri == path.partition("?")[0], "forwarded as it came"
    return got or status


def test_paths_and_hosts_choose_the_workers(daemon, nodes):
    assert {reached(daemon, nodes, "/shop/1") for _ in range(6)} == {"a", "b"}
    assert {reached(daemon, nodes, "/wiki/1") for _ in range(3)} == {"c"}
    assert reached(daemon, nodes, "/shop//x/%31;v=1") in ("a", "b")
    assert reached(daemon, nodes, "/shop/1", host="admin.example") == "c"
    assert reached(daemon, nodes, "/", host="ADMIN.example:81") == "c"
    for path in ("/", "/shopping", "/wiki", "/shop/private/x", "/shop//private/x", "/shop/;a=b/private/x",
                 "/shop/%70rivate/x", "/wiki/../shop/private/x"):
        assert reached(daemon, nodes, path) == 404, path
    for path in ("/shop/x/..;/private/x", "/../shop", "/shop%2fprivate/x"):
        assert reached(daemon, nodes, path) == 400, path


def test_each_keeps_its_own_weights_at_the_same_time(daemon, nodes):
    """Opposite weights of the same two workers, asked by several clients at once."""
    daemon.reload("  - {paths: [/left], workers: [a=3, b=1]}\n  - {paths: [/right], workers: [a=1, b=3]}\n"
                  "balance: {method: requests, slow_start: 0}\n")
    ask, wrong = by_http if daemon.speaks == "http" else by_ajp, []

    def load(path):
        wrong.extend(status for status in [ask(daemon.port, path, "h", None, None) for _ in range(60)] if status != 200)
    threads = [threading.Thread(target=load, args=(path,)) for path in ("/left", "/right", "/left", "/right")]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []
    went = {path: [sum(r.uri == path for r in nodes[n].requests) for n in "ab"] for path in ("/left", "/right")}
    assert abs(went["/left"][0] - 90) <= 5 and abs(went["/right"][1] - 90) <= 5, went
    assert sum(went["/left"]) == sum(went["/right"]) == 120, "each once"


def test_a_refused_request_leaves_its_connection_usable(daemon, nodes):
    assert reached(daemon, nodes, "/nobody", body=b"x" * 100) == 404
    if daemon.speaks == "ajp":
        with AjpClient(daemon.port) as client:
            assert client.exchange(request(uri="/nobody")).status == 404
            assert client.exchange(request(uri="/wiki/1", headers=[("x-id", "1")])).status == 200


def test_a_session_of_another_paths_worker_is_no_session_here(daemon, nodes):
    assert reached(daemon, nodes, "/wiki/1", cookie="JSESSIONID=1.a") == "c"
    for _ in range(4):
        assert reached(daemon, nodes, "/shop/1", cookie="JSESSIONID=7.c; JSESSIONID=1.b") == "b"


def test_no_failure_leads_outside(daemon, nodes):
    nodes["c"].stop()
    for _ in range(4):
        assert reached(daemon, nodes, "/wiki/1", cookie="JSESSIONID=1.c") == 503
    nodes["a"].stop()
    for _ in range(4):
        assert reached(daemon, nodes, "/shop/1", cookie="JSESSIONID=1.a") == "b"


def test_routes_are_changed_by_a_reload_without_a_failed_request(daemon, nodes):
    done, seen, wrong = threading.Event(), [], []

    def load():
        while not done.is_set():
            try:
                status = (by_http if daemon.speaks == "http" else by_ajp)(daemon.port, "/wiki/1", "h", None, None)
                (seen if status == 200 else wrong).append(status)
            except Exception as error:  # any failure is what this test is about
                wrong.append(repr(error))
    threads = [threading.Thread(target=load) for _ in range(3)]
    for t in threads:
        t.start()
    for workers in ("[a]", "[b]", "[c]", "[a, b, c]") * 3:
        daemon.reload(f"  - {{paths: ['/wiki/*'], workers: {workers}}}\n")
        before = len(seen)
        poll(lambda: len(seen) > before + 5 or wrong, 10, "requests go on")
    done.set()
    for t in threads:
        t.join()
    assert wrong == []
    daemon.reload("  - {paths: ['/wiki/*'], workers: [a]}\n")
    assert reached(daemon, nodes, "/wiki/1") == "a"
    assert reached(daemon, nodes, "/shop/1") == 404
    daemon.reload("")
    assert reached(daemon, nodes, "/anything") in ("a", "b", "c")
