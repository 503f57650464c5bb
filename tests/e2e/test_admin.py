# SPDX-License-Identifier: Apache-2.0
"""The admin server: looking, changing an activation, reloading; and who may not."""
import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import threading

import pytest

from procs import BIN, Daemon, free_port, poll
from web import Client


@pytest.fixture
def nodes(tmp_path):
    made = {name: Daemon("ajpcat", "serve", "--listen", "ajp://127.0.0.1:0", "--route", name, "--quiet",
                         log=tmp_path / f"{name}.log") for name in ("nodeA", "nodeB")}
    yield made
    for node in made.values():
        node.terminate()


TOKEN = "a token of 24 letters :)"


def token_file(folder):
    file = folder / "token"
    file.touch(0o600)
    file.write_text(TOKEN + "\n")
    return file


@pytest.fixture(params=["unix", "tcp"])
def bridge(request, tmp_path, nodes):
    tcp = request.param == "tcp"
    address = f"127.0.0.1:{free_port()}" if tcp else f"unix:{tmp_path}/admin.sock"
    file = tmp_path / "bridge.yaml"
    token = f"admin_token_file: {token_file(tmp_path)}\n" if tcp else ""
    file.write_text(f"admin: '{address}'\n{token}listen:\n  - url: http://127.0.0.1:0\nworkers:\n" + "".join(
        f"  - name: {name}\n    url: ajp://127.0.0.1:{node.port}\n" for name, node in nodes.items()))
    daemon = Daemon("ajpbridge", "--config", file, listeners=1, log=tmp_path / "bridge.log")
    daemon.address, daemon.file = address, file
    daemon.token = ["--token-file", tmp_path / "token"] if tcp else []
    yield daemon
    assert daemon.terminate() == 0, daemon.output()


def ctl(daemon, *args):
    token = getattr(daemon, "token", [])
    return subprocess.run([BIN / "ajpbridge", "ctl", *token, daemon.address, *args], capture_output=True, text=True, timeout=20)


def status(daemon):
    done = ctl(daemon, "status")
    assert done.returncode == 0, done.stderr
    return {w["name"]: w for w in json.loads(done.stdout)["workers"]}


def test_status_counts_requests(bridge):
    with Client(bridge.port) as client:
        for _ in range(10):
            assert client.get("/").status == 200
    seen = status(bridge)
    assert sum(w["elected"] for w in seen.values()) == 10
    assert {w["health"] for w in seen.values()} == {"up"}
    metrics = ctl(bridge, "metrics").stdout
    assert 'ajp_worker_up{worker="nodeA"} 1' in metrics and "# TYPE ajp_worker_requests_total counter" in metrics


def test_activation_is_changed_at_run_time(bridge):
    with Client(bridge.port) as client:
        assert ctl(bridge, "stop", "nodeA").returncode == 0
        assert {client.get("/echo").json["route"] for _ in range(10)} == {"nodeB"}
        assert status(bridge)["nodeA"]["activation"] == "stop"
        assert ctl(bridge, "active", "nodeA").returncode == 0
        assert {client.get("/echo").json["route"] for _ in range(10)} == {"nodeA", "nodeB"}


def test_a_drained_worker_keeps_its_sessions(bridge):
    with Client(bridge.port) as client:
        first = client.get("/session")
        home = first.json["route"]
        cookie = {"Cookie": first.headers["Set-Cookie"].split(";")[0]}
        assert ctl(bridge, "drain", home).returncode == 0
        assert [client.get("/session", headers=cookie).json["route"] for _ in range(5)] == [home] * 5
    with Client(bridge.port) as client:
        assert home not in {client.get("/echo").json["route"] for _ in range(10)}


def test_a_weight_is_changed_at_run_time_and_stays_over_a_reload(bridge):
    def shares():
        with Client(bridge.port) as client:
            routes = [client.get("/echo").json["route"] for _ in range(40)]
        return routes.count("nodeA") / len(routes)
    assert ctl(bridge, "weight", "nodeA", "3").returncode == 0
    assert status(bridge)["nodeA"]["weight"] == 3
    assert shares() == pytest.approx(0.75, abs=0.05)
    assert ctl(bridge, "reload").returncode == 0
    assert shares() == pytest.approx(0.75, abs=0.05)
    text = bridge.file.read_text()
    bridge.file.write_text(text.replace("  - name: nodeA\n", "  - name: nodeA\n    weight: 1000\n"))
    assert ctl(bridge, "reload").returncode == 0
    assert status(bridge)["nodeA"]["weight"] == 1000, "the file says something new"


def test_no_change_is_lost_to_a_reload(tmp_path):
    """What is set while the new generation looks at the old one's workers is the new one's too."""
    port, file, done = free_port(), tmp_path / "bridge.yaml", threading.Event()
    file.write_text(f"admin: 127.0.0.1:{port}\nadmin_token_file: {token_file(tmp_path)}\n"
                    "listen:\n  - url: http://127.0.0.1:0\nworkers:\n" + "".join(
        f"  - {{name: w{i}, url: 'ajp://127.0.0.1:1'}}\n" for i in range(60)))
    daemon = Daemon("ajpbridge", "--config", file, listeners=1, log=tmp_path / "bridge.log")

    def reload():
        while not done.wait(0.003):
            daemon.popen.send_signal(signal.SIGHUP)
    thread = threading.Thread(target=reload)
    thread.start()
    try:
        admin = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for weight in range(1, 151):
            admin.request("PUT", "/workers/w59", json.dumps({"weight": weight}), {"X-Ajp-Admin": "1", "Authorization": f"Bearer {TOKEN}"})
            assert admin.getresponse().read()
            admin.request("GET", "/status")
            assert json.load(admin.getresponse())["workers"][59]["weight"] == weight
        admin.close()
        assert daemon.output().count(" reloaded ") > 3
    finally:
        done.set()
        thread.join()
        assert daemon.terminate() == 0, daemon.output()[-3000:]


def test_a_worker_is_added_and_removed_at_run_time(bridge, tmp_path):
    def routes(count=12):
        with Client(bridge.port) as client:
            return {client.get("/echo").json["route"] for _ in range(count)}
    node = Daemon("ajpcat", "serve", "--listen", "ajp://127.0.0.1:0", "--route", "nodeC", "--quiet",
                  log=tmp_path / "c.log")
    try:
        with open(bridge.file, "a") as file:
            file.write("balance: {slow_start: 0}\n")
        url = f"ajp://127.0.0.1:{node.port}"
        assert ctl(bridge, "add", "nodeC", url, "weight=2", "distance=0").returncode == 0
        assert (status(bridge)["nodeC"]["weight"], status(bridge)["nodeC"]["port"]) == (2, node.port)
        assert routes() == {"nodeA", "nodeB", "nodeC"}
        assert ctl(bridge, "add", "nodeC", url).returncode == 1
        assert ctl(bridge, "remove", "nodeA").returncode == 0
        assert ctl(bridge, "reload").returncode == 0
        assert routes() == {"nodeB", "nodeC"}, "also after a reload"
        assert ctl(bridge, "remove", "nodeC").returncode == 0
        assert routes() == {"nodeB"}
        last = ctl(bridge, "remove", "nodeB")
        assert last.returncode == 1 and "expected a worker" in last.stderr
        assert routes() == {"nodeB"}
        nodes = bridge.file.read_text()
        port = nodes[nodes.index("nodeA"):].split("127.0.0.1:")[1].split()[0]
        assert ctl(bridge, "add", "nodeA", f"ajp://127.0.0.1:{port}").returncode == 0
        assert routes() == {"nodeA", "nodeB"}
    finally:
        node.terminate()


def test_a_worker_like_another_has_its_settings_and_routes(bridge):
    text = bridge.file.read_text()
    bridge.file.write_text(text.replace("  - name: nodeA\n", "  - name: nodeA\n    weight: 7\n    aliases: [old]\n")
                           + "routes:\n  - paths: [/echo]\n    workers: [nodeA]\nbalance: {slow_start: 0}\n")
    assert ctl(bridge, "reload").returncode == 0
    port = status(bridge)["nodeB"]["port"]
    assert "no worker of that name" in ctl(bridge, "remove", "old").stderr, "an alias is no worker"
    assert ctl(bridge, "add", "twin", f"ajp://127.0.0.1:{port}", "like=nodeA").returncode == 0
    assert status(bridge)["twin"]["weight"] == 7
    assert ctl(bridge, "remove", "nodeA").returncode == 0, "a route has another"
    with Client(bridge.port) as client:
        assert {client.get("/echo").json["route"] for _ in range(4)} == {"nodeB"}, "twin is at its port"
    refused = ctl(bridge, "remove", "twin")
    assert refused.returncode == 1 and "expected workers" in refused.stderr


def test_a_worker_like_another_has_its_weight_in_a_route(bridge):
    bridge.file.write_text(bridge.file.read_text() + "routes:\n  - paths: [/echo]\n    workers: [nodeA=3, nodeB=2]\n"
                           "balance: {method: requests, slow_start: 0}\n")
    assert ctl(bridge, "reload").returncode == 0
    port = status(bridge)["nodeB"]["port"]
    assert ctl(bridge, "add", "twin", f"ajp://127.0.0.1:{port}", "like=nodeA").returncode == 0
    before = {name: worker["elected"] for name, worker in status(bridge).items()}
    with Client(bridge.port) as client:
        assert {client.get("/echo").status for _ in range(80)} == {200}
    assert {name: worker["elected"] - before[name] for name, worker in status(bridge).items() if worker["elected"]} == {
        "nodeA": 30, "nodeB": 20, "twin": 30}


def test_workers_come_and_go_under_load(bridge, tmp_path):
    """No request fails for a worker that is added or removed, over and over."""
    done, failures, count = threading.Event(), [], [0]

    def load():
        with Client(bridge.port) as client:
            while not done.is_set():
                try:
                    answer = client.get("/bytes/1000")
                    if answer.status != 200 or len(answer.body) != 1000:
                        failures.append(answer.status)
                    count[0] += 1
                except Exception as error:  # any failure is what this test is about
                    failures.append(repr(error))
                    return
    threads = [threading.Thread(target=load) for _ in range(4)]
    for t in threads:
        t.start()
    port = status(bridge)["nodeB"]["port"]
    for _ in range(10):
        assert ctl(bridge, "remove", "nodeB").returncode == 0
        assert ctl(bridge, "add", "nodeB", f"ajp://127.0.0.1:{port}").returncode == 0
        assert ctl(bridge, "weight", "nodeB", "9").returncode == 0
    done.set()
    for t in threads:
        t.join()
    assert failures == [] and count[0] > 50


def test_reload_by_command(bridge):
    text = bridge.file.read_text()
    bridge.file.write_text(text[:text.index("  - name: nodeB")])
    assert ctl(bridge, "reload").returncode == 0
    poll(lambda: list(status(bridge)) == ["nodeA"], 10, "one worker is left")
    bridge.file.write_text("workers: [")
    refused = ctl(bridge, "reload")
    assert refused.returncode == 1 and "not valid" in refused.stderr


@pytest.mark.parametrize("args, code, word", [
    (["drain", "nobody"], 1, "no worker of that name"),
    (["drain"], 2, "ctl --help"), (["explode"], 2, "ctl --help"), ([], 2, "ctl --help"),
    (["weight", "nobody", "3"], 1, "no worker of that name"), (["weight", "nodeA", "0"], 1, "1 to 1000"),
    (["weight", "nodeA", "1001"], 1, "1 to 1000"), (["weight", "nodeA", "99999999999999999999"], 1, "1 to 1000"),
    (["weight", "nodeA", "x"], 2, "ctl --help"), (["weight", "nodeA"], 2, "ctl --help"),
    (["remove", "nobody"], 1, "no worker of that name"), (["remove"], 2, "ctl --help"),
    (["add", "nodeA", "ajp://127.0.0.1:1"], 1, "there is a worker of that name"),
    (["add", "x", "nonsense"], 1, "expected ajp://HOST:PORT"), (["add", "x y", "ajp://127.0.0.1:1"], 2, "ctl --help"),
    (["add", "x", "ajp://127.0.0.1:1", "nonsense=1"], 1, "unknown key"),
    (["add", "x", "ajp://127.0.0.1:1", "weight=none"], 1, "a number from 1 to 1000"),
    (["add", "x", "ajp://127.0.0.1:1", "like=nobody"], 1, "expected the name of a worker"),
    (["add", "x", "ajp://127.0.0.1:1", "redirect=nobody"], 1, "expected the name of a worker"),
    (["add", "x", "ajp://127.0.0.1:1", "weight"], 2, "ctl --help"), (["add", "x"], 2, "ctl --help"),
])
def test_what_can_not_be_done_is_said(bridge, args, code, word):
    done = ctl(bridge, *args)
    assert (done.returncode, done.stdout) == (code, "") and word in done.stderr


def send(port, method, path, body=None, **headers):
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        body = json.dumps(body) if body else ""
        sock.sendall(f"{method} {path} HTTP/1.1\r\nConnection: close\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    return int(answer.split()[1]), answer.split(b"\r\n\r\n", 1)[1].decode()


LOOK, CHANGE = ("GET", "/status"), ("PUT", "/workers/nodeA", {"activation": "active"})
GOOD = {"Host": "localhost", "X_Ajp_Admin": "1", "Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize("label, request_, headers, code, word", [
    ("as ctl does", CHANGE, {}, 200, "active"),
    ("another form of the scheme", CHANGE, {"Authorization": f"bearer {TOKEN}"}, 200, "active"),
    ("a page of its own", CHANGE, {"Host": "127.0.0.1:80", "Origin": "http://127.0.0.1:80"}, 200, "active"),
    ("a page in a browser sends none", CHANGE, {"X_Ajp_Admin": None}, 403, "X-Ajp-Admin"),
    ("no token", CHANGE, {"Authorization": None}, 401, "--token-file FILE"),
    ("another token", CHANGE, {"Authorization": f"Bearer {TOKEN[:-1]}("}, 401, "--token-file FILE"),
    ("its beginning", CHANGE, {"Authorization": f"Bearer {TOKEN[:-1]}"}, 401, "--token-file FILE"),
    ("an empty one", CHANGE, {"Authorization": "Bearer "}, 401, "--token-file FILE"),
    ("another scheme", CHANGE, {"Authorization": "Basic QTpC"}, 401, "--token-file FILE"),
    ("a page of elsewhere", CHANGE, {"Origin": "http://evil.example"}, 403, "another server"),
    ("a page of nowhere", CHANGE, {"Origin": "null"}, 403, "another server"),
    ("a name made to lead here", CHANGE, {"Host": "evil.example"}, 403, "loopback"),
    ("looking needs no token", LOOK, {"X_Ajp_Admin": None, "Authorization": None}, 200, "workers"),
    ("looking by IPv6", LOOK, {"Host": "[::1]:8080"}, 200, "workers"),
    ("looking by HTTP/1.0's rules", LOOK, {"Host": "127.0.0.1"}, 200, "workers"),
    ("looking by a name made to lead here", LOOK, {"Host": "evil.example:80"}, 403, "loopback"),
    ("a name that begins well", LOOK, {"Host": "127.0.0.1.evil.example"}, 403, "loopback"),
    ("a name that ends well", LOOK, {"Host": "evil.localhost"}, 403, "loopback"),
])
def test_who_may_over_tcp(tcp_bridge, label, request_, headers, code, word):
    sent = {name: value for name, value in {**GOOD, **headers}.items() if value is not None}
    status_, text = send(tcp_bridge.admin_port, *request_, **sent)
    assert (status_, word in text) == (code, True), (label, text)
    if code != 200:
        assert f" status={code} reason=" in tcp_bridge.output()


@pytest.fixture(scope="module")
def tcp_bridge(tmp_path_factory):
    folder, port = tmp_path_factory.mktemp("tcp"), free_port()
    daemon = Daemon("ajpbridge", "--listen", "http://127.0.0.1:0", "--worker", "nodeA=ajp://127.0.0.1:1", "--admin",
                    f"127.0.0.1:{port}", "--admin-token-file", token_file(folder), log=folder / "log")
    daemon.admin_port, daemon.folder = port, folder
    yield daemon
    assert daemon.terminate() == 0


def test_without_a_token_nothing_is_changed_over_tcp(tmp_path):
    address = f"127.0.0.1:{free_port()}"
    daemon = Daemon("ajpbridge", "--listen", "http://127.0.0.1:0", "--worker", "nodeA=ajp://127.0.0.1:1", "--admin",
                    address, log=tmp_path / "log")
    daemon.address = address
    for args in (["stop", "nodeA"], ["reload"], ["remove", "nodeA"], ["add", "x", "ajp://127.0.0.1:1"]):
        refused = ctl(daemon, *args)
        assert refused.returncode == 1 and "admin: unix:PATH" in refused.stderr and "admin_token_file" in refused.stderr
    assert {name: w["activation"] for name, w in status(daemon).items()} == {"nodeA": "active"}
    assert daemon.terminate() == 0


def test_ctl_takes_its_token_from_a_file_or_the_environment(tcp_bridge, tmp_path):
    (tmp_path / "wrong").write_text("wrong")
    (tmp_path / "lines").write_text("a\nb")
    address = f"127.0.0.1:{tcp_bridge.admin_port}"
    for args, env, code, word in [
            (["--token-file", tcp_bridge.folder / "token"], {}, 0, ""),
            ([], {"AJP_ADMIN_TOKEN": TOKEN}, 0, ""),
            (["--token-file", tmp_path / "wrong"], {"AJP_ADMIN_TOKEN": TOKEN}, 1, "--token-file FILE"),
            ([], {}, 1, "--token-file FILE"),
            (["--token-file", tmp_path / "none"], {}, 1, "No such file"),
            (["--token-file", tmp_path / "lines"], {}, 1, "expected one line")]:
        done = subprocess.run([BIN / "ajpbridge", "ctl", *args, address, "drain", "nodeA"], capture_output=True, text=True,
                              timeout=20, env={**os.environ, **env})
        assert done.returncode == code and word in done.stderr, (args, env, done.stderr)


def test_a_reload_reads_the_token_again(tmp_path):
    file, port = token_file(tmp_path), free_port()
    daemon = Daemon("ajpbridge", "--listen", "http://127.0.0.1:0", "--worker", "nodeA=ajp://127.0.0.1:1", "--admin",
                    f"127.0.0.1:{port}", "--admin-token-file", file, log=tmp_path / "log")
    old = tmp_path / "old"
    old.write_text(TOKEN)
    daemon.address = f"127.0.0.1:{port}"
    file.write_text("another")
    daemon.token = ["--token-file", old]
    assert ctl(daemon, "reload").returncode == 0
    assert ctl(daemon, "reload").returncode == 1
    daemon.token = ["--token-file", file]
    assert ctl(daemon, "reload").returncode == 0
    assert daemon.terminate() == 0


@pytest.mark.parametrize("options, mode", [([], 0o600), (["--admin-group", str(os.getgid())], 0o660),
                                           (["--admin-mode", "0666"], 0o666), (["--admin-mode", "640"], 0o640)])
def test_a_unix_socket_has_its_mode_and_group(tmp_path, options, mode):
    path = tmp_path / "admin.sock"
    daemon = Daemon("ajpbridge", "--listen", "http://127.0.0.1:0", "--worker", "nodeA=ajp://127.0.0.1:1", "--admin",
                    f"unix:{path}", *options, log=tmp_path / "log")
    assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_gid) == (mode, os.getgid())
    assert daemon.terminate() == 0
    assert not path.exists()


@pytest.mark.parametrize("option, value", [("--admin-mode", "rw"), ("--admin-mode", "0"), ("--admin-mode", "01777"),
                                           ("--admin-mode", "0680"), ("--admin-group", "no such group")])
def test_a_wrong_mode_or_group_is_refused(tmp_path, option, value):
    done = subprocess.run([BIN / "ajpbridge", "--listen", "http://127.0.0.1:0", "--worker", "a=ajp://127.0.0.1:1",
                           option, value], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and option in done.stderr and value in done.stderr.replace("\\x20", " ")


@pytest.mark.parametrize("option", ["--admin", "--tap"])
@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_is_no_socket_is_never_removed(tmp_path, option, kind):
    path = tmp_path / "precious"
    if kind == "folder":
        path.mkdir()
    else:
        (tmp_path / "target" if kind == "link" else path).write_text("precious")
    if kind == "link":
        path.symlink_to(tmp_path / "target")
    before = path.lstat()
    done = subprocess.run([BIN / "ajpbridge", "--listen", "http://127.0.0.1:0", "--worker", "a=ajp://127.0.0.1:1", option,
                           f"unix:{path}" if option == "--admin" else path], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and str(path) in done.stderr and "no socket" in done.stderr
    assert path.lstat() == before and (kind == "folder" or path.read_text() == "precious")


@pytest.mark.parametrize("option", ["--admin", "--tap"])
def test_only_our_own_socket_is_removed_at_the_end(tmp_path, option):
    path = tmp_path / "sock"
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    daemon = Daemon("ajpbridge", "--listen", "http://127.0.0.1:0", "--worker", "a=ajp://127.0.0.1:1", option,
                    f"unix:{path}" if option == "--admin" else path, log=tmp_path / "log")
    path.unlink()
    path.write_text("another's")
    assert daemon.terminate() == 0
    assert path.read_text() == "another's"


def test_an_admin_server_off_loopback_is_refused(tmp_path, nodes):
    done = subprocess.run([BIN / "ajpbridge", "--admin", "0.0.0.0:9", "--listen", "http://127.0.0.1:0", "--worker",
                           f"a=ajp://127.0.0.1:{nodes['nodeA'].port}"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and "loopback" in done.stderr


def test_nobody_there(tmp_path):
    done = subprocess.run([BIN / "ajpbridge", "ctl", f"unix:{tmp_path}/none.sock", "status"], capture_output=True,
                          text=True, timeout=20)
    assert done.returncode == 1 and "none.sock" in done.stderr and "--admin" in done.stderr


def test_every_retry_is_counted_and_told_with_its_reason(tmp_path, nodes):
    gone = free_port()
    config = tmp_path / "retries.yaml"
    config.write_text(f"admin: 'unix:{tmp_path}/retries.sock'\nlisten:\n  - url: http://127.0.0.1:0\nworkers:\n"
                      f"  - {{name: gone, url: 'ajp://127.0.0.1:{gone}'}}\n"
                      f"  - {{name: nodeA, url: 'ajp://127.0.0.1:{nodes['nodeA'].port}'}}\n")
    daemon = Daemon("ajpbridge", "--config", config, listeners=1, log=tmp_path / "retries.log")
    daemon.address = f"unix:{tmp_path}/retries.sock"
    with Client(daemon.port) as client:
        poll(lambda: client.get("/").status == 200 and status(daemon)["gone"]["retries"], 10, "one went there first")
    told = daemon.output().count(" retry worker=gone reason=\"Connection refused\" attempt=1 method=GET path=/")
    assert status(daemon)["gone"]["retries"] == told and status(daemon)["nodeA"]["retries"] == 0
    assert f'ajp_worker_retries_total{{worker="gone"}} {told}' in ctl(daemon, "metrics").stdout
    assert daemon.terminate() == 0
