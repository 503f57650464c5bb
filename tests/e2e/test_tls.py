# SPDX-License-Identifier: Apache-2.0
"""https and ajps: facts, bodies, and who is refused before a worker hears of it."""
import json
import pathlib
import random
import re
import signal
import socket
import ssl
import struct
import subprocess
import threading
import zlib

import pytest

from pki import Pki
from procs import BIN, ROOT, Daemon, free_port, poll

CPING, CPONG = bytes.fromhex("1234 0001 0a"), bytes.fromhex("4142 0001 09")
HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def spawn(tmp_path_factory):
    folder, started = tmp_path_factory.mktemp("tls"), []

    def start(name, *args, **options):
        started.append(Daemon(name, *args, log=folder / f"{len(started)}-{name}.log", **options))
        return started[-1]
    yield start
    for daemon in reversed(started):
        if daemon.running():
            status = daemon.terminate()
            assert status == 0, f"{daemon.args} ended with {status}:\n{daemon.output()[-6000:]}"


@pytest.fixture(scope="module")
def app(spawn):
    return spawn("ajpcat", "serve", "--listen", "ajp://127.0.0.1:0", "--route", "nodeA")


@pytest.fixture(scope="module")
def forwarder(spawn, pki, app):
    """Asks its clients for certificates."""
    return spawn("ajpforward", "--listen", f"ajps://{HOST}:0", *pki.listener(verify="require"),
                 "--worker", f"nodeA=ajp://{HOST}:{app.port}", "--threads", "1")


@pytest.fixture(scope="module")
def bridge(spawn, pki, forwarder):
    """https from anyone, ajps with a certificate towards the forwarder."""
    return spawn("ajpbridge", "--listen", f"https://{HOST}:0", *pki.listener(verify="optional"),
                 "--worker", f"nodeA=ajps://{HOST}:{forwarder.port}", *pki.worker("client"), "--threads", "1")


@pytest.fixture(scope="module")
def plain(spawn, app):
    return spawn("ajpbridge", "--listen", f"http://{HOST}:0", "--worker", f"nodeA=ajp://{HOST}:{app.port}")


def curl(pki, port, path, *args, certificate=None, ca="ca", data=None):
    command = ["curl", "-sS", "--max-time", "30", "--cacert", pki.pem(ca)]
    if certificate:
        command += ["--cert", pki.pem(certificate), "--key", pki.key(certificate)]
    return subprocess.run([*map(str, command), *args, f"https://{HOST}:{port}{path}"], input=data,
                          capture_output=True, timeout=60)


def echo(pki, port, *args, **options):
    done = curl(pki, port, "/echo", *args, **options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def client_context(pki, certificate=None):
    context = ssl.create_default_context(cafile=pki.pem("ca"))
    if certificate:
        context.load_cert_chain(pki.pem(certificate), pki.key(certificate))
    return context


def connect(pki, port, context=None, **options):
    plain = socket.create_connection((HOST, port), 20)
    return (context or client_context(pki)).wrap_socket(plain, server_hostname="localhost", **options)


def read_to_end(sock):
    return b"".join(iter(lambda: sock.recv(65536), b""))


class Worker:
    """Answers CPings, plain or over TLS, and keeps or answers what else comes."""

    def __init__(self, context=None, answer=None):
        self.requests, self.context, self.answer = [], context, answer
        self.server = socket.create_server((HOST, 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                conn = self.server.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn):
        try:
            if self.context:
                conn = self.context.wrap_socket(conn, server_side=True)
            while got := conn.recv(65536):
                if got == CPING:
                    conn.sendall(CPONG)
                    continue
                self.requests.append(got)
                if self.answer:
                    self.answer(conn)
                    return
        except OSError:
            pass
        finally:
            conn.close()

    def close(self):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()


@pytest.fixture
def worker():
    """Hears requests that must not come."""
    fake = Worker()
    yield fake
    fake.close()


def logged(daemon, *texts):
    """Waits for a line of its log that holds all of these."""
    def found():
        return [line for line in daemon.output().splitlines() if all(t in line for t in texts)]
    return poll(found, 10, f"{texts} in\n{daemon.output()}")


# --- what goes through ---

def test_the_line_on_standard_output_names_the_scheme(bridge, forwarder):
    assert bridge.out.read_text() == f"listening https://{HOST}:{bridge.port}\n"
    assert forwarder.out.read_text() == f"listening ajps://{HOST}:{forwarder.port}\n"


@pytest.mark.parametrize("version, cipher", [("1.2", "ECDHE-ECDSA-AES256-GCM-SHA384"), ("1.3", "TLS_AES_256_GCM_SHA384")])
def test_facts_of_the_clients_tls_reach_the_app_server(pki, bridge, version, cipher):
    seen = echo(pki, bridge.port, "--tls-max", version, certificate="client")
    attributes = dict(seen["attributes"])
    assert seen["is_ssl"] is True
    assert attributes["ssl_cipher"] == cipher
    assert attributes["ssl_key_size"] == 256
    assert attributes["AJP_SSL_PROTOCOL"] == f"TLSv{version}"
    assert attributes["ssl_cert"] == pki.pem("client").read_text()


def test_without_a_certificate_there_is_none(pki, bridge):
    seen = echo(pki, bridge.port)
    assert seen["is_ssl"] is True and "ssl_cert" not in dict(seen["attributes"])
    assert re.fullmatch("[0-9a-f]{64}", dict(seen["attributes"])["ssl_session"])


def test_fields_of_a_client_never_become_facts(pki, bridge):
    lies = ["SSL-Client-Cert: x", "X-SSL-Client-Cert: x", "X-Client-Cert: x", "X-SSL-Cipher: x", "SSL_CIPHER: x"]
    seen = echo(pki, bridge.port, *(a for lie in lies for a in ("-H", lie)))
    assert not {name.lower() for name, _ in seen["headers"]} & {lie.split(":")[0].lower() for lie in lies}
    assert "ssl_cert" not in dict(seen["attributes"])


def test_plain_http_has_no_facts(plain):
    done = subprocess.run(["curl", "-sS", f"http://{HOST}:{plain.port}/echo"], capture_output=True, timeout=30)
    seen = json.loads(done.stdout)
    assert seen["is_ssl"] is False
    assert not [name for name, _ in seen["attributes"] if "ssl" in name.lower()]


def test_the_port_is_443_where_host_has_none(pki, bridge):
    assert echo(pki, bridge.port, "-H", "Host: www.example")["server_port"] == 443


def test_large_bodies_arrive_whole_both_ways(pki, bridge, plain):
    body = pathlib.Path("/dev/urandom").open("rb").read(20_000_000)
    for more in ([], ["-H", "Transfer-Encoding: chunked"]):
        done = curl(pki, bridge.port, "/upload", *more, "--data-binary", "@-", data=body)
        answer = json.loads(done.stdout)
        assert (answer["length"], answer["crc32"]) == (len(body), zlib.crc32(body))
    for path in ("/bytes/50000000", "/chunked/3000000"):
        expected = subprocess.run(["curl", "-sS", f"http://{HOST}:{plain.port}{path}"], capture_output=True, timeout=60)
        for version in ("1.2", "1.3"):
            got = curl(pki, bridge.port, path, "--tls-max", version).stdout
            assert len(got) == int(path.rpartition("/")[2]) and got == expected.stdout


def test_a_slow_reader_gets_all_of_it(pki, bridge, plain):
    """The backlog of a TLS connection: writes that OpenSSL could not finish come again."""
    with connect(pki, bridge.port) as sock:
        sock.sendall(b"GET /bytes/30000000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        first = b"".join(sock.recv(1000) for _ in range(20) if not threading.Event().wait(0.02))
        body = (first + read_to_end(sock)).split(b"\r\n\r\n", 1)[1]
    with socket.create_connection((HOST, plain.port), 20) as sock:
        sock.sendall(b"GET /bytes/30000000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert body == read_to_end(sock).split(b"\r\n\r\n", 1)[1]
    assert len(body) == 30_000_000


def test_requests_in_one_record_are_all_answered(pki, bridge):
    """OpenSSL holds them decrypted while the socket stays silent."""
    field = b"X-Filler: " + b"f" * 400 + b"\r\n"
    request = b"GET /status/200 HTTP/1.1\r\nHost: a\r\n" + field
    run = (request + b"\r\n") * 60 + request + b"Connection: close\r\n\r\n"
    assert len(run) > 2 * 8192
    with connect(pki, bridge.port) as sock:
        sock.sendall(run)
        got = read_to_end(sock)
    assert got.count(b"HTTP/1.1 200 ") == 61


def test_records_may_come_byte_by_byte(pki, bridge):
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context(pki).wrap_bio(into, out, server_hostname="localhost")
    with socket.create_connection((HOST, bridge.port), 20) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def drive(step, *args):
            while True:
                try:
                    return step(*args)
                except ssl.SSLWantReadError:
                    for byte in out.read():
                        sock.send(bytes([byte]))
                    into.write(sock.recv(65536))
        drive(tls.do_handshake)
        tls.write(b"GET /status/204 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert drive(tls.read, 65536).startswith(b"HTTP/1.1 204 ")


def test_the_end_is_told_with_close_notify(pki, bridge):
    with connect(pki, bridge.port, suppress_ragged_eofs=False) as sock:
        sock.sendall(b"GET /status/200 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert read_to_end(sock).startswith(b"HTTP/1.1 200 ")  # a ragged end would raise


# --- who is refused ---

@pytest.mark.parametrize("certificate, reason, hint", [
    (None, "peer did not return a certificate", "client_ca has signed"),
    ("stranger", "certificate verify failed: unable to get local issuer certificate", "let a CA in client_ca"),
    ("expired", "certificate verify failed: certificate has expired", "renew the client's certificate"),
])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_client_without_a_good_certificate_is_refused(pki, spawn, worker, certificate, reason, hint, version):
    strict = spawn("ajpbridge", "--listen", f"https://{HOST}:0", *pki.listener(verify="require"),
                   "--worker", f"a=ajp://{HOST}:{worker.port}", "--threads", "1")
    done = curl(pki, strict.port, "/", "--tls-max", version, certificate=certificate)
    assert done.returncode != 0 and done.stdout == b""
    logged(strict, "tls_failed", f"listener=https://{HOST}:{strict.port}", f"peer={HOST}", reason, hint)
    assert worker.requests == []


def test_optional_takes_none_but_no_bad_one(pki, bridge):
    assert echo(pki, bridge.port)
    assert curl(pki, bridge.port, "/echo", certificate="expired").returncode != 0


@pytest.mark.parametrize("say, reason", [
    (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "http request"),
    (CPING + b"\0" * 16, "wrong version number"),
])
def test_who_speaks_no_tls_is_refused(pki, bridge, say, reason):
    with socket.create_connection((HOST, bridge.port), 20) as sock:
        sock.sendall(say)
        assert b"HTTP/1" not in read_to_end(sock)
    logged(bridge, "tls_failed", reason, "plain URL")


def test_old_versions_are_refused(pki, bridge):
    assert curl(pki, bridge.port, "/echo", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0").returncode == 35
    logged(bridge, "tls_failed", "unsupported protocol", "1.2 or 1.3")


def test_who_never_shakes_hands_is_sent_away(pki, spawn, app):
    hasty = spawn("ajpbridge", "--listen", f"https://{HOST}:0", *pki.listener(), "--tls-handshake-timeout", "300ms",
                  "--worker", f"a=ajp://{HOST}:{app.port}", "--threads", "1")
    with socket.create_connection((HOST, hasty.port), 20) as sock:
        sock.sendall(b"\x16\x03\x01")
        assert read_to_end(sock) == b""
    logged(hasty, "tls_failed", "no TLS handshake in time")


def test_another_protocol_is_not_agreed_on(pki, bridge):
    context = client_context(pki)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with connect(pki, bridge.port, context) as sock:
        assert sock.selected_alpn_protocol() == "http/1.1"
    context.set_alpn_protocols(["smtp"])
    with pytest.raises(ssl.SSLError):
        connect(pki, bridge.port, context)


def hello(pki):
    """A client's side without a socket, and its first words."""
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context(pki).wrap_bio(into, out, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return tls, into, out, out.read()


def test_a_record_that_was_changed_on_the_way_is_the_end(pki, bridge):
    tls, into, out, first = hello(pki)
    with socket.create_connection((HOST, bridge.port), 20) as sock:
        sock.sendall(first)
        while True:
            into.write(sock.recv(65536))
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                continue
        sock.sendall(out.read())
        tls.write(b"GET /echo HTTP/1.1\r\nHost: a\r\n\r\n")
        record = bytearray(out.read())
        record[-1] ^= 1
        sock.sendall(record)
        into.write(read_to_end(sock))
        with pytest.raises(ssl.SSLError, match="bad record mac|BAD_RECORD_MAC"):
            tls.read(65536)
    logged(bridge, "tls_failed", "decryption failed or bad record mac")


@pytest.mark.parametrize("daemon", ["bridge", "forwarder"])
def test_broken_handshakes_leave_nothing_behind(pki, bridge, request, daemon):
    victim = request.getfixturevalue(daemon)

    def descriptors():
        return len(list(pathlib.Path(f"/proc/{victim.pid}/fd").iterdir()))
    echo(pki, bridge.port)
    before, chance = descriptors(), random.Random(7)
    first = hello(pki)[3]
    for i in range(300):
        with socket.create_connection((HOST, victim.port), 20) as sock:
            words = bytearray(first)
            for _ in range(i % 4):
                words[chance.randrange(len(words))] = chance.randrange(256)
            sock.sendall(words[: chance.randrange(len(words)) if i % 3 else None])
            if i % 2:  # gone with RST
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    poll(lambda: descriptors() <= before, 4, "all descriptors are given back, before any time is over")
    assert echo(pki, bridge.port)


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_a_ticket_counts_only_where_it_came_from(pki, spawn, app, version):
    """RELIABILITY S-34: no way round another listener's client-certificate policy."""
    worker = ["--worker", f"a=ajp://{HOST}:{app.port}", "--threads", "2"]
    lax, strict = (spawn("ajpbridge", "--listen", f"https://{HOST}:0", *pki.listener(verify=verify), *worker)
                   for verify in ("none", "require"))
    context = client_context(pki, "client")
    context.maximum_version = ssl.TLSVersion[version]

    def visit(port, session=None):
        with connect(pki, port, context, session=session) as sock:
            sock.sendall(b"GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            head, _, body = read_to_end(sock).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            shown = "ssl_cert" in dict(json.loads(body)["attributes"])
            assert shown is (port == strict.port)  # whether it was shown now or last time
            return sock.session, sock.session_reused
    session, _ = visit(lax.port)
    assert visit(lax.port, session)[1] is True
    assert visit(strict.port, visit(lax.port)[0])[1] is False
    assert visit(strict.port, visit(strict.port)[0])[1] is True


# --- workers ---

def refused_by_worker(pki, spawn, url, *args):
    """A bridge whose worker cannot be trusted: its log."""
    wary = spawn("ajpbridge", "--listen", f"http://{HOST}:0", "--worker", f"a={url}", *args, "--threads", "1")
    done = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", f"http://{HOST}:{wary.port}/"],
                          capture_output=True, text=True, timeout=30)
    assert done.stdout in ("502", "503")
    return wary


@pytest.mark.parametrize("server, args, reason, hint", [
    ("server", [], "unable to get local issuer certificate", "set ca to the CA"),
    ("late", ["ca"], "certificate has expired", "renew the worker's certificate"),
    ("named", ["ca"], "IP address mismatch", "set server_name"),
])
def test_a_worker_with_a_bad_certificate_gets_no_request(pki, spawn, server, args, reason, hint):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.pem(server), pki.key(server))
    fake = Worker(context)
    wary = refused_by_worker(pki, spawn, f"ajps://{HOST}:{fake.port}", *(pki.worker(ca=args[0]) if args else []))
    logged(wary, "tls_failed", "worker=a", reason, hint)
    assert fake.requests == []
    fake.close()


def test_the_name_may_be_another(pki, spawn, app):
    forwarder = spawn("ajpforward", "--listen", f"ajps://{HOST}:0", *pki.listener("named"),
                      "--worker", f"a=ajp://{HOST}:{app.port}")
    bridge = spawn("ajpbridge", "--listen", f"https://{HOST}:0", *pki.listener(),
                   "--worker", f"a=ajps://{HOST}:{forwarder.port}", *pki.worker(),
                   "--worker-tls-server-name", "a=app.example")
    assert echo(pki, bridge.port)["route"] == "nodeA"


def test_plain_ajp_and_tls_do_not_meet(pki, spawn, app, forwarder):
    wary = refused_by_worker(pki, spawn, f"ajps://{HOST}:{app.port}", *pki.worker())
    logged(wary, "tls_failed", "worker=a")
    refused_by_worker(pki, spawn, f"ajp://{HOST}:{forwarder.port}")
    logged(forwarder, "tls_failed", "listener=ajps://", "wrong version number")


@pytest.mark.parametrize("certificate, ours, theirs", [
    (None, "certificate required", "peer did not return a certificate"),
    ("stranger", "unknown ca", "unable to get local issuer certificate"),
    ("expired", "certificate expired", "certificate has expired"),
])
def test_a_forwarder_refuses_clients_without_a_good_certificate(pki, spawn, forwarder, certificate, ours, theirs):
    before = forwarder.output().count("request_refused")
    wary = refused_by_worker(pki, spawn, f"ajps://{HOST}:{forwarder.port}", *pki.worker(certificate))
    logged(wary, "tls_failed", "worker=a", ours, "set certificate")
    logged(forwarder, "tls_failed", "listener=ajps://", theirs)
    assert forwarder.output().count("request_refused") == before


def test_a_reply_that_is_cut_is_no_reply(pki, spawn):
    """EOF without close_notify: whoever sits in between can send a FIN."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.pem("server"), pki.key("server"))

    def half(conn):
        head = bytes.fromhex("04 00c8 0002 4f4b 00 0001 a003 0003 313030 00")  # 200 OK, Content-Length: 100
        conn.sendall(b"AB" + len(head).to_bytes(2, "big") + head + bytes.fromhex("4142 0008 03 0004 41424344 00"))
        socket.socket.shutdown(conn, socket.SHUT_WR)
    fake = Worker(context, half)
    bridge = spawn("ajpbridge", "--listen", f"https://{HOST}:0", *pki.listener(),
                   "--worker", f"a=ajps://{HOST}:{fake.port}", *pki.worker(), "--threads", "1")
    done = curl(pki, bridge.port, "/")
    assert done.returncode != 0 and len(done.stdout) < 100
    logged(bridge, "request_failed", "worker=a", "connection cut without TLS close_notify")
    fake.close()


def test_the_prober_speaks_tls(pki, spawn, app):
    """A worker without requests is asked now and then, and comes back by itself."""
    port = free_port()
    bridge = spawn("ajpbridge", "--listen", f"https://{HOST}:0", *pki.listener(), "--threads", "1",
                   "--worker", f"a=ajps://{HOST}:{port}", *pki.worker("client"))
    assert json.loads(curl(pki, bridge.port, "/", "-o", "/dev/null", "-w", "%{http_code}").stdout) == 503
    logged(bridge, "worker_health", "to=down")
    spawn("ajpforward", "--listen", f"ajps://{HOST}:{port}", *pki.listener(verify="require"),
          "--worker", f"a=ajp://{HOST}:{app.port}")
    logged(bridge, "worker_health", "to=up")
    assert echo(pki, bridge.port)["route"] == "nodeA"


def test_a_tls_worker_that_pauses_is_waited_for(pki, spawn, app):
    """No handshake comes about: its machine takes the connection, and that is all that is known."""
    far = spawn("ajpforward", "--listen", f"ajps://{HOST}:0", *pki.listener(), "--worker", f"a=ajp://{HOST}:{app.port}")
    bridge = spawn("ajpbridge", "--listen", f"https://{HOST}:0", *pki.listener(), "--worker", f"a=ajps://{HOST}:{far.port}",
                   *pki.worker(), "--connect-timeout", "500ms", "--health-timeout", "300ms", "--health-interval", "300ms")
    assert echo(pki, bridge.port), "it is known to answer"
    far.popen.send_signal(signal.SIGSTOP)
    answers = []
    clients = [threading.Thread(target=lambda: answers.append(echo(pki, bridge.port))) for _ in range(4)]
    try:
        for client in clients:
            client.start()
        logged(bridge, "worker_health", "to=silent")
        poll(lambda: bridge.output().count("no CPong") + bridge.output().count("timed out") > 0, 10, "it knows why")
    finally:
        far.popen.send_signal(signal.SIGCONT)
    for client in clients:
        client.join()
    assert len(answers) == 4 and "to=down" not in bridge.output() and "request_failed" not in bridge.output()


def test_a_name_gets_its_certificate(pki, spawn, app, tmp_path):
    both, file = tmp_path / "named-both.pem", tmp_path / "bridge.yaml"
    both.touch(0o600)
    both.write_text(pki.pem("named").read_text() + pki.key("named").read_text())
    file.write_text(f"listen:\n  - url: https://{HOST}:0\n    certificate: {pki.pem('server')}\n"
                    f"    key: {pki.key('server')}\n    client_ca: {pki.pem('ca')}\n    more_certificates:\n"
                    f"      - {both}\nworkers:\n  - name: a\n    url: ajp://{HOST}:{app.port}\n")
    bridge = spawn("ajpbridge", "--config", file, listeners=1)

    def ask(name, *own):
        return subprocess.run(["curl", "-sS", "--cacert", pki.pem("ca"), "--connect-to", f"::{HOST}:{bridge.port}",
                               *own, f"https://{name}/echo"], capture_output=True, text=True, timeout=30)
    own = ["--cert", pki.pem("client"), "--key", pki.key("client")]
    for name in ("localhost", "app.example", HOST):
        done = ask(name, *own)
        assert done.returncode == 0 and "ssl_cert" in dict(json.loads(done.stdout)["attributes"]), (name, done.stderr)
        assert ask(name).returncode != 0  # one policy for all names
    assert ask("else.example", *own).returncode == 60
    both.write_text(pki.pem("named").read_text())
    done = subprocess.run([BIN / "ajpbridge", "--config", file, "--check"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and "more_certificates" in done.stderr and "key, without" in done.stderr


def test_a_reload_takes_new_certificates(pki, spawn, app, tmp_path):
    for end in ("pem", "key"):
        (tmp_path / f"own.{end}").write_text((pki.folder / f"named.{end}").read_text())
        (tmp_path / f"own.{end}").chmod(0o600)
    bridge = spawn("ajpbridge", "--listen", f"https://{HOST}:0", "--tls-certificate", tmp_path / "own.pem",
                   "--tls-key", tmp_path / "own.key", "--worker", f"a=ajp://{HOST}:{app.port}")
    assert curl(pki, bridge.port, "/echo").returncode == 60  # the name is another one
    old = client_context(pki)
    old.check_hostname = False
    with connect(pki, bridge.port, old) as before:
        for end in ("pem", "key"):
            (tmp_path / f"own.{end}").write_text((pki.folder / f"server.{end}").read_text())
        bridge.popen.send_signal(signal.SIGHUP)
        logged(bridge, " reloaded ")
        poll(lambda: curl(pki, bridge.port, "/echo").returncode == 0, 10, "the new certificate")
        before.sendall(b"GET /status/200 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert read_to_end(before).startswith(b"HTTP/1.1 200 ")


# --- ajpcat ---

def ajpcat(*args):
    return subprocess.run([BIN / "ajpcat", *map(str, args)], capture_output=True, text=True, timeout=60)


def test_ajpcat_speaks_ajps(pki, forwarder):
    trust = ["--tls-ca", pki.pem("ca")]
    own = ["--tls-certificate", pki.pem("client"), "--tls-key", pki.key("client")]
    url = f"ajps://{HOST}:{forwarder.port}"
    pings = ajpcat("ping", "-c", 3, "-i", "10ms", *trust, *own, url)
    assert pings.returncode == 0 and "3 sent, 3 answered" in pings.stdout, pings.stderr
    seen = ajpcat("get", *trust, *own, f"{url}/echo?a=b", f"{url}/bytes/1000000", f"{url}/echo")
    assert seen.returncode == 0 and seen.stdout.count('"route": "nodeA"') == 2 and len(seen.stdout) > 1_000_000
    body = ajpcat("get", *trust, *own, "-T", pki.pem("client"), f"{url}/upload")
    assert json.loads(body.stdout)["crc32"] == zlib.crc32(pki.pem("client").read_bytes())
    for args, status, expected in [
        ([*trust], (5, 6), "set certificate"),
        ([*own], (3,), "set ca to the CA"),
        ([*trust, *own, "--tls-server-name", "else.example"], (3,), "set server_name"),
        ([*trust, "--tls-certificate", "/no/such"], (1,), "got /no/such"),
    ]:
        done = ajpcat("ping", "-c", 1, *args, url)
        assert done.returncode in status and expected in done.stderr, done
    assert ajpcat("ping", "-c", 1, "-k", *own, url).returncode == 0
    found = ajpcat("check", "--json", *trust, *own, f"{url}/bytes/10")
    verdicts = {row["check"]: row["verdict"] for row in map(json.loads, found.stdout.splitlines())}
    for name in ("open", "CPing", "kept connections", "packet size", "wrong magic", "after all this"):
        assert verdicts[name] == "good", found.stdout
    capture = ROOT / "tests/ajpcat/captures/proxy-session.pcap"
    again = ajpcat("replay", "--json", "-n", 5, *trust, *own, capture, url)
    assert [json.loads(row)["result"] for row in again.stdout.splitlines()] == ["differs"] * 5, again.stderr


# --- settings ---

def check(*args, name="ajpforward"):
    return subprocess.run([BIN / name, *map(str, args), "--worker", "a=ajp://127.0.0.1:1", "--check"],
                          capture_output=True, text=True, timeout=20)


def test_bad_files_are_one_message_with_what_was_expected(pki, tmp_path):
    junk, open_key = tmp_path / "junk", tmp_path / "open.key"
    junk.write_text("junk\n")
    open_key.write_text(pki.key("server").read_text())
    open_key.chmod(0o644)
    good = {"--tls-certificate": pki.pem("server"), "--tls-key": pki.key("server")}
    for change, expected in [
        ({"--tls-certificate": "/no/such"}, "expected a PEM file with a certificate and its chain, got /no/such"),
        ({"--tls-certificate": junk}, "expected a PEM file with a certificate and its chain"),
        ({"--tls-key": junk}, "expected a"),
        ({"--tls-key": open_key}, "chmod 600"),
        ({"--tls-key": pki.key("client")}, "it belongs to another certificate"),
        ({"--tls-client-ca": junk}, "expected a PEM file with the certificates of CAs"),
        ({"--tls-client-verify": "require"}, "expected client_ca"),
        ({"--tls-client-verify": "perhaps"}, "none, optional, require"),
    ]:
        options = [word for pair in {**good, **change}.items() for word in pair]
        done = check("--listen", "ajps://127.0.0.1:0", *options)
        assert done.returncode == 2 and expected in done.stderr, (change, done.stderr)
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for args, expected in [
        (["--listen", "ajps://127.0.0.1:0"], "expected certificate"),
        (["--listen", "ajp://127.0.0.1:0", "--tls-key", junk], "expected a listener with https:// or ajps://"),
        (["--listen", "ajp://127.0.0.1:0", "--worker-tls-ca", junk], "an ajps:// worker"),
    ]:
        done = check(*args)
        assert done.returncode == 2 and expected in done.stderr, (args, done.stderr)


def test_a_file_names_the_place_and_can_say_it_all(pki, spawn, tmp_path, app):
    file = tmp_path / "forward.yaml"
    text = (f"listen:\n  - url: ajps://0.0.0.0:0\n    certificate: {pki.pem('server')}\n    key: {pki.key('server')}\n"
            f"    client_ca: {pki.pem('ca')}\nworkers:\n  - name: a\n    url: ajps://{HOST}:{{port}}\n"
            f"    ca: {pki.pem('ca')}\n    server_name: localhost\n    certificate: {pki.pem('client')}\n"
            f"    key: {{key}}\ntls:\n  ktls: true\n")
    file.write_text(text.format(port=1, key=tmp_path / "none"))
    done = subprocess.run([BIN / "ajpforward", "--config", file, "--check"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and "forward.yaml:12:" in done.stderr and "workers.key" in done.stderr, done.stderr
    file.write_text(text.format(port=free_port(), key=pki.key("client")))
    dump = subprocess.run([BIN / "ajpforward", "--config", file, "--dump"], capture_output=True, text=True, timeout=20)
    assert dump.returncode == 0, dump.stderr
    again = tmp_path / "again.yaml"
    again.write_text(dump.stdout)
    assert subprocess.run([BIN / "ajpforward", "--config", again, "--dump"], capture_output=True, text=True,
                          timeout=20).stdout == dump.stdout
    assert "client_verify: require" in dump.stdout and "trust_identity: true" in dump.stdout
