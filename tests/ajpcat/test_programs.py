# SPDX-License-Identifier: Apache-2.0
"""serve, get, ping and bench, against each other."""
import email
import json
import os
import re
import signal
import socket
import subprocess
import threading
import zlib

import pytest

from cat import ajpcat
from procs import BIN, ROOT, Daemon, Process, poll

SECRET = "correct horse"


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    daemon = Daemon("ajpcat", "serve", "--listen", "ajp://127.0.0.1:0", "--route", "nodeA", "--threads", "2",
                    log=tmp_path_factory.mktemp("serve") / "log")
    yield daemon
    assert daemon.terminate() == 0


def url(node, path):
    return f"ajp://127.0.0.1:{node.port}{path}"


def get(node, path, *args, **options):
    done = ajpcat("get", *args, url(node, path), **options)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def pattern(length):
    """What /bytes answers with."""
    period = bytes(10 if i == 1020 else 33 + (i * 31 + i // 94 * 17) % 94 for i in range(1021))
    return (period * (length // 1021 + 1))[:length]


@pytest.mark.parametrize("length", [0, 1, 8184, 8185, 1_000_000])
@pytest.mark.parametrize("path", ["bytes", "chunked"])
def test_bytes_come_whole(node, path, length):
    assert get(node, f"/{path}/{length}") == pattern(length)


@pytest.mark.parametrize("size", [0, 1, 8185, 8186, 8187, 300_000])
@pytest.mark.parametrize("how", ["--data-binary", "-T", "-T -"])
def test_uploads_arrive_whole(node, size, how, tmp_path):
    body = os.urandom(size)
    file = tmp_path / "body"
    file.write_bytes(body)
    args = {"--data-binary": ["--data-binary", f"@{file}"], "-T": ["-T", file], "-T -": ["-T", "-"]}[how]
    answer = json.loads(get(node, "/upload", *args, stdin=body))
    assert (answer["length"], answer["crc32"]) == (size, zlib.crc32(body))


def test_echo_shows_the_whole_request(node):
    answer = json.loads(get(node, "/echo?a=b%20c", "-X", "PATCH", "-H", "X-Test: one", "-H", "x-test: \"two\"", "-d", "k=v",
                            "--attribute", "AJP_REMOTE_PORT=1234", "--remote-user", "alice", "--auth-type", "Basic",
                            "--remote-addr", "192.0.2.1", "--jvm-route", "nodeA", "--ssl"))
    assert (answer["method"], answer["uri"], answer["query"], answer["is_ssl"]) == ("PATCH", "/echo", "a=b%20c", True)
    assert (answer["length"], answer["remote_addr"]) == (3, "192.0.2.1")
    assert ["X-Test", "one"] in answer["headers"] and ["x-test", "\"two\""] in answer["headers"]
    attributes = dict(map(tuple, answer["attributes"]))
    assert attributes.items() >= {"query_string": "a=b%20c", "AJP_REMOTE_PORT": "1234", "remote_user": "alice",
                                  "auth_type": "Basic", "jvm_route": "nodeA"}.items()


def attributes(answer):
    return dict(map(tuple, answer["attributes"]))


def test_what_the_web_server_knows_of_tls_goes_along(node, tmp_path):
    pem = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVkCFA==\n-----END CERTIFICATE-----\n"
    (tmp_path / "cert.pem").write_text("Bag Attributes\n" + pem + pem.replace("MII", "XXX"))
    answer = json.loads(get(node, "/echo", "--cert", tmp_path / "cert.pem", "--ssl-cipher", "TLS_AES_128_GCM_SHA256",
                            "--ssl-session", "ab12", "--ssl-key-size", "128", "--attribute", "context=/app"))
    assert answer["is_ssl"] is True
    assert attributes(answer) == {"ssl_cert": pem, "ssl_cipher": "TLS_AES_128_GCM_SHA256", "ssl_session": "ab12",
                                  "ssl_key_size": 128, "context": "/app"}
    (tmp_path / "key.der").write_bytes(b"\x30\x82")
    done = ajpcat("get", "--cert", tmp_path / "key.der", url(node, "/"))
    assert done.returncode == 2 and b"expected a certificate in PEM" in done.stderr


def test_curls_short_options_make_headers(node):
    answer = json.loads(get(node, "/echo", "-A", "agent/1", "-e", "http://from/", "-b", "a=b", "-u", "al:pass"))
    assert {k.lower(): v for k, v in answer["headers"]}.items() >= {
        "user-agent": "agent/1", "referer": "http://from/", "cookie": "a=b",
        "authorization": "Basic YWw6cGFzcw=="}.items()


def test_a_header_may_be_empty_and_a_length_unannounced(node):
    seen = json.loads(get(node, "/echo", "-H", "X-Empty;", "-H", "Accept:", "-d", "x" * 9000, "-H",
                          "Transfer-Encoding: chunked"))
    headers = {name.lower(): value for name, value in seen["headers"]}
    assert headers["x-empty"] == "" and "accept" not in headers and "content-length" not in headers
    assert (seen["content_length"], seen["length"]) == (-1, 9000)


def test_a_transfer_ends_in_its_time_and_may_fail_silently(node):
    slow, drip = url(node, "/slow/20000"), url(node, "/flush/20000")
    for args in (["--max-time", "0.2", slow], ["--max-time", "200ms", drip], ["-m", "1h", "--max-time", "200ms", slow]):
        done = ajpcat("get", *args, timeout=15)
        assert done.returncode == 4 and b"not done within the time" in done.stderr, args
    assert ajpcat("get", "-s", "-m", "100ms", slow).stderr == b""
    assert b"within 100 ms" in ajpcat("get", "-sS", "-m", "100ms", slow).stderr
    assert get(node, "/bytes/5", "--max-time", "1h") == pattern(5)


def test_a_form_of_parts_is_what_a_parser_reads(node, tmp_path):
    file = tmp_path / "pixel.gif"
    file.write_bytes(bytes(range(256)))
    done = ajpcat("get", "-v", "-F", "name=a b", "-F", f"file=@{file};type=image/gif", "-F", f"text=<{tmp_path / 'text'}",
                  url(node, "/echo"))
    assert done.returncode == 2 and b"No such file" in done.stderr
    (tmp_path / "text").write_text("words")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        run = subprocess.Popen([BIN / "ajpcat", "get", "-F", "name=a b", "-F", f"file=@{file};type=image/gif", "-F",
                                f"text=<{tmp_path / 'text'}", f"ajp://127.0.0.1:{listener.getsockname()[1]}/"])
        with listener.accept()[0] as peer:
            seen = b""
            while b"--\r\n" not in seen:
                seen += peer.recv(65536)
            peer.sendall(HEADERS + b"AB\x00\x02\x05\x01")
        assert run.wait(10) == 0
    boundary = re.search(rb"multipart/form-data; boundary=(ajpcat-[0-9a-f]+)", seen).group(1)
    start = seen.index(b"--" + boundary)
    body = email.message_from_bytes(b"Content-Type: multipart/form-data; boundary=" + boundary + b"\r\n\r\n" +
                                    seen[start:])
    parts = [(p.get_param("name", header="content-disposition"), p.get_filename(), p.get_payload(decode=True))
             for p in body.get_payload()]
    assert parts == [("name", None, b"a b"), ("file", "pixel.gif", bytes(range(256))), ("text", None, b"words")]


def test_several_urls_share_a_connection(node):
    done = ajpcat("get", "-w", "[%{status} %{num_connects} %{size_download}]\\n", url(node, "/bytes/10"),
                  url(node, "/status/404"), url(node, "/"))
    assert done.returncode == 0
    assert re.findall(rb"\[(\d+) (\d) \d+\]", done.stdout) == [(b"200", b"1"), (b"404", b"0"), (b"200", b"0")]
    done = ajpcat("get", "-T", "-", url(node, "/upload"), url(node, "/upload"))
    assert done.returncode == 2 and b"read only once" in done.stderr


def test_failing_statuses_have_a_code_when_wanted(node):
    done = ajpcat("get", "-f", url(node, "/status/404"))
    assert done.returncode == 7 and not done.stdout
    assert ajpcat("get", "-f", url(node, "/status/302")).returncode == 0


def test_timing_adds_up(node):
    done = ajpcat("get", "--timing", url(node, "/slow/50"), url(node, "/bytes/1000"))
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 2 and "(kept)" in lines[1] and "1000 down" in lines[1]
    total = re.search(r"total ([\d.]+) ms", lines[0]).group(1)
    assert 50 <= float(total) < 5000
    done = ajpcat("get", "-w", "%{nothing}", url(node, "/"))
    assert done.returncode == 2 and b"unknown variable %{nothing}" in done.stderr


def test_echo_reads_a_body_of_unknown_length(node):
    answer = json.loads(get(node, "/echo", "-X", "POST", "-H", "Transfer-Encoding:", "-T", "-", stdin=b"x" * 20000))
    assert (answer["content_length"], answer["length"], answer["crc32"]) == (-1, 20000, zlib.crc32(b"x" * 20000))


def test_a_session_counts_and_keeps_its_cookie(node):
    first = get(node, "/session", "-i").decode()
    cookie = re.search(r"Set-Cookie: (JSESSIONID=[0-9A-F]{32}\.nodeA); Path=/\n", first).group(1)
    second = get(node, "/session", "-i", "-H", f"Cookie: {cookie}").decode()
    assert "Set-Cookie" not in second and '"counter": 2' in second
    moved = get(node, "/session", "-i", "-H", f"Cookie: {cookie.replace('nodeA', 'nodeB')}").decode()
    assert f"Set-Cookie: {cookie};" in moved


@pytest.mark.parametrize("status", [200, 204, 304, 404, 503])
def test_a_status_is_not_a_failure(node, status):
    assert get(node, f"/status/{status}", "-i").startswith(b"%d " % status)


def test_head_has_no_body(node):
    answer = get(node, "/bytes/5000", "-I")
    assert b"Content-Length: 5000\n" in answer and answer.endswith(b"\n\n")


def test_slow_and_flushed_answers_come(node):
    assert get(node, "/slow/50") == b"waited 50 ms\n"
    assert get(node, "/flush/10") == b"part 1\npart 2\npart 3\n"


def test_every_packet_is_shown_when_asked(node):
    done = ajpcat("get", "-v", "--data-binary", "x" * 9000, "-H", "Authorization: Basic c2VjcmV0", url(node, "/upload"))
    shown = done.stderr.decode()
    kinds = re.findall(r"^    ([<>] [A-Z_]+)", shown, re.M)
    assert kinds == ["> FORWARD_REQUEST", "> DATA", "< GET_BODY_CHUNK", "> DATA", "< SEND_HEADERS", "< SEND_BODY_CHUNK",
                     "< END_RESPONSE"]
    assert "c2VjcmV0" not in shown


def test_a_secret_is_wanted_and_never_shown(tmp_path):
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n")
    daemon = Daemon("ajpcat", "serve", "--listen", "ajp://127.0.0.1:0", "--secret-file", file, log=tmp_path / "log")
    try:
        assert get(daemon, "/", "-i").startswith(b"403 ")
        assert get(daemon, "/", "-i", "--secret-file", file).startswith(b"200 ")
        env = {**os.environ, "AJP_SECRET": SECRET}
        done = ajpcat("get", "-v", url(daemon, "/echo"), env=env)
        assert done.returncode == 0 and SECRET.encode() not in done.stdout + done.stderr
        assert get(daemon, "/", "-i", env={**os.environ, "AJP_SECRET": "wrong horse"}).startswith(b"403 ")
    finally:
        assert daemon.terminate() == 0


def test_pings_are_counted(node):
    done = ajpcat("ping", "-c", "3", "-i", "1ms", f"127.0.0.1:{node.port}")
    assert done.returncode == 0
    assert done.stdout.count(b"CPong from") == 3 and b"3 sent, 3 answered, 0% lost" in done.stdout
    assert re.search(rb"min/avg/max/stddev = [\d.]+/[\d.]+/[\d.]+/[\d.]+ ms", done.stdout)


def test_a_flood_waits_for_each_answer(node):
    done = ajpcat("ping", "--flood", "-c", "2000", f"127.0.0.1:{node.port}", timeout=20)
    assert done.returncode == 0 and b"CPong" not in done.stdout and b"2000 sent, 2000 answered" in done.stdout


def test_a_page_is_timed_and_its_failures_are_losses(node):
    done = ajpcat("ping", "--get", "/slow/20", "-c", "2", "-i", "1ms", f"127.0.0.1:{node.port}")
    assert done.returncode == 0 and 20 <= float(re.search(rb"time=([\d.]+) ms", done.stdout).group(1)) < 2000
    done = ajpcat("ping", "--get", "/status/503", "-c", "2", "-i", "1ms", f"127.0.0.1:{node.port}")
    assert done.returncode == 1 and b"2 sent, 0 answered, 100% lost" in done.stdout and b"status 503" in done.stderr


def test_an_interrupted_ping_sums_up_at_once():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ping = subprocess.Popen([BIN / "ajpcat", "ping", "-W", "60s", f"127.0.0.1:{silent.getsockname()[1]}"],
                                stdout=subprocess.PIPE)
        with silent.accept()[0] as peer:
            assert peer.recv(5) == b"\x12\x34\x00\x01\x0a"
            peer.sendall(b"AB\x00\x01\x09")
            assert peer.recv(5) == b"\x12\x34\x00\x01\x0a"
            ping.send_signal(signal.SIGINT)
            out = ping.communicate(timeout=10)[0]
    assert ping.returncode == 0 and b"1 sent, 1 answered, 0% lost" in out and b"min/avg/max/stddev" in out


def one_answer(data):
    """A server that reads one request, answers with DATA and closes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run():
        with listener, listener.accept()[0] as peer:
            peer.recv(65536)
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
            peer.recv(65536)
    threading.Thread(target=run, daemon=True).start()
    return f"ajp://127.0.0.1:{listener.getsockname()[1]}/"


HEADERS = b"AB\x00\x08\x04\x00\xc8\x00\x00\x00\x00\x00"


@pytest.mark.parametrize("data, code", [
    (HEADERS + b"AB\x00\x02\x05\x01", 0),
    (b"", 6),
    (HEADERS, 6),
    (HEADERS + b"AB\x00\x05", 6),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", 5),
    (b"\x12\x34\x00\x02\x05\x01", 5),
    (b"AB\x00\x02\x05\x01", 5),
    (HEADERS + HEADERS + b"AB\x00\x02\x05\x01", 5),
], ids=["whole", "nothing", "headers only", "half a packet", "HTTP", "wrong magic", "no headers", "headers twice"])
def test_the_exit_code_tells_the_kind_of_failure(data, code):
    assert ajpcat("get", "-m", "5s", one_answer(data)).returncode == code


def test_refusal_and_silence_have_codes_too(node):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        assert ajpcat("get", f"ajp://127.0.0.1:{sock.getsockname()[1]}/").returncode == 3
    assert ajpcat("get", "-m", "50ms", url(node, "/slow/2000")).returncode == 4


@pytest.mark.parametrize("args, expected", [
    ([], "Usage: ajpcat COMMAND"),
    (["nonsense"], 'unknown command "nonsense"'),
    (["get"], "expected a URL"),
    (["get", "http://127.0.0.1/"], "expected the scheme ajp://"),
    (["get", "ajp://127.0.0.1:99999/"], "expected a port from 0 to 65535"),
    (["get", "--timeout", "soon", "ajp://127.0.0.1/"], "expected a duration such as 250ms"),
    (["get", "-H", "nocolon", "ajp://127.0.0.1/"], 'expected "NAME: VALUE"'),
    (["get", "--nosuch"], "unknown option --nosuch"),
    (["serve"], "--listen ajp://HOST:PORT is needed"),
    (["serve", "--listen", "ajp://127.0.0.1:0", "--threads", "0"], "expected a number from 1 to 64"),
    (["serve", "--listen", "ajp://127.0.0.1:0", "--route", "a.b"], "expected at most 64 letters"),
    (["serve", "--listen", "ajp://127.0.0.1:0", "--secret-file", "/nonexistent"], "/nonexistent"),
    (["decode"], "expected a pcap, pcapng or hex file"),
    (["ping", "-c", "x", "127.0.0.1"], "expected a number"),
    (["ping", "127.0.0.1", "127.0.0.2"], 'expected one server, not also "127.0.0.2"'),
    (["bench"], "expected a URL"),
])
def test_a_wrong_command_line_says_what_was_expected(args, expected):
    done = ajpcat(*args)
    assert done.returncode == 2 and not done.stdout
    assert expected in done.stderr.decode()


def test_version_and_help_go_to_standard_output():
    assert re.fullmatch(rb"ajpcat \d+\.\d+\.\d+\n", ajpcat("--version").stdout)
    for command in ("serve", "get", "ping", "decode", "bench"):
        done = ajpcat(command, "--help")
        assert done.returncode == 0 and f"Usage: ajpcat {command}".encode() in done.stdout
        assert ajpcat(command, "-h").stdout == done.stdout


def test_bench_answers_belong_to_their_requests(node):
    done = ajpcat("bench", "-c", "8", "-n", "2000", "--json", url(node, "/bytes/3000"))
    result = json.loads(done.stdout)
    assert done.returncode == 0
    assert (result["answers"], result["verified"], result["failed"]["all"]) == (2000, 2000, 0)
    assert result["bytes_down"] == 2000 * 3000 and result["status"]["2xx"] == 2000


def test_bench_keeps_a_rate(node):
    result = json.loads(ajpcat("bench", "-c", "4", "-n", "200", "-r", "1000", "--json", url(node, "/bytes/10")).stdout)
    assert 0.19 <= result["seconds"] < 2 and result["answers"] == 200


def test_bench_counts_a_stall_in_every_request_it_delays(node):
    """Ten requests, due 20 ms apart, over one connection to a server that takes 100 ms for each."""
    args = ["bench", "-c", "1", "-n", "10", "--json", url(node, "/slow/100")]
    paced = json.loads(ajpcat(*args, "-r", "50").stdout)["latency_us"]
    plain = json.loads(ajpcat(*args).stdout)["latency_us"]
    assert paced["max"] > 800_000 and paced["p50"] > 400_000
    assert plain["p50"] < 400_000


def test_bench_sends_what_was_due_even_when_time_is_over(node):
    result = json.loads(ajpcat("bench", "-c", "1", "-t", "100ms", "-r", "50", "--json", url(node, "/slow/50")).stdout)
    assert result["answers"] == 5


def test_bench_takes_urls_in_turn(node):
    result = json.loads(ajpcat("bench", "-n", "30", "--json", url(node, "/bytes/10"), url(node, "/bytes/1000"),
                               url(node, "/status/404")).stdout)
    assert result["status"]["2xx"] == 20 and result["status"]["4xx"] == 10
    assert result["bytes_down"] == 10 * (10 + 1000 + len("404 Not Found\n"))


def test_bench_uploads(node):
    result = json.loads(ajpcat("bench", "-c", "2", "-n", "10", "--data-binary", "x" * 50000, "--json",
                               url(node, "/upload")).stdout)
    assert result["bytes_up"] == 500000 and result["failed"]["all"] == 0


def test_bench_notices_the_answer_to_another_request():
    """A server that sends back the first request's id for ever."""
    wrong = HEADERS[:3] + b"\x2c\x04\x00\xc8\x00\x00\x00\x00\x01\x00\x0cX-Request-Id\x00\x00\x10" + b"f" * 16 + b"\x00"
    wrong = b"AB" + (len(wrong) - 4).to_bytes(2, "big") + wrong[4:]
    done = ajpcat("bench", "-n", "1", "--json", one_answer(wrong + b"AB\x00\x02\x05\x01"))
    assert done.returncode == 1 and json.loads(done.stdout)["failed"]["mismatched"] == 1


def test_the_man_page_has_every_option_of_every_command():
    page = (ROOT / "docs/man/ajpcat.1.scd").read_text()
    sections = dict(re.findall(r"^# (.*?)\n(.*?)(?=^# |\Z)", page, re.M | re.S))
    commands = re.findall(r"^  (\w+) ", ajpcat("--help").stdout.decode(), re.M)
    assert set(commands) >= {"bench", "decode", "get", "ping", "serve"}
    for command in commands:
        text = sections[command.upper()] + (sections["GET"] if command == "bench" else "")
        named = re.findall(r"^  (?:-(\w), )? *(--[\w-]+)", ajpcat(command, "--help").stdout.decode(), re.M)
        assert len(named) > 2
        for letter, name in named:
            assert name == "--help" or f"*{name}*" in text, (command, name)
            assert name == "--help" or not letter or f"*-{letter}*" in text, (command, letter)


def test_an_interface_is_listened_to(node, tmp_path):
    listener = Process([BIN / "ajpcat", "decode", "--json", "-i", "lo", "-f", "uri == '/bytes/77'"], tmp_path / "err",
                       stdout=open(tmp_path / "out", "wb"))
    try:
        poll(lambda: not listener.running() or "listening on lo" in listener.output(), what="it listens")
        if not listener.running():
            assert "ajpcat decode: lo: " in listener.output()
            pytest.skip("no right to capture")

        def seen():
            """Asks again: other traffic of this machine may be too much for the kernel's buffer."""
            assert len(get(node, "/bytes/77")) == 77
            rows = map(json.loads, (tmp_path / "out").read_text().splitlines())
            return next((row for row in rows if row["complete"]), None)
        shown = poll(seen, what="an exchange is shown whole")
        assert (shown["status"], shown["response_bytes"]) == (200, 77)
        assert shown["response_crc32"] == zlib.crc32(pattern(77))
    finally:
        assert listener.terminate() in (0, 1)
