# SPDX-License-Identifier: Apache-2.0
"""--check: every mistake of a file in one run, each at its place and in words that say what to write."""
import json
import os
import pty
import subprocess

import pytest

from pki import Pki
from procs import BIN, Daemon, free_port

LISTEN = "listen:\n  - url: ajp://127.0.0.1:8019\n"
WORKERS = "workers:\n  - name: a\n    url: ajp://127.0.0.1:8009\n"
PLAIN = LISTEN + WORKERS  # five lines


def check(*args, program="ajpforward", **options):
    return subprocess.run([BIN / program, *args, "--check"], capture_output=True, text=True, timeout=20, **options)


# what the file says: the beginning of each message behind the file's name, in their order
ROWS = {
    # keys
    "unknown at the top, at its own line": (PLAIN + "\n# a word\nadmim: unix:/x\nlog: {level: info}\n", [
        '8:1: unknown key "admim", did you mean "admin"?']),
    "unknown in a group": (PLAIN + "health:\n  intervall: 5s\n", [
        '7:3: health: unknown key "intervall", did you mean "interval"?']),
    "unknown in an entry": ("listen:\n  - ulr: ajp://127.0.0.1:1\n" + WORKERS, [
        '2:5: listen: unknown key "ulr", did you mean "url"?']),
    "swapped letters and the other dash": (PLAIN + "timeouts: {keep-alvie: 1s}\n", [
        '6:12: timeouts: unknown key "keep-alvie", did you mean "keep_alive"?']),
    "unlike any": (PLAIN + "tls: {frobnicate: yes}\n", [
        '6:7: tls: unknown key "frobnicate", expected one of ktls']),
    "at home elsewhere": (PLAIN + "weight: 3\ncookie: SID\n", [
        '6:1: unknown key "weight", it belongs to an entry of workers',
        '7:1: unknown key "cookie", it belongs to session']),
    "a group within a group": (PLAIN + "health:\n  timeouts:\n    cping: 1s\n", [
        '7:3: health: unknown key "timeouts", did you mean "timeout"?']),
    "written with a dot": (PLAIN + "limits.max_body: 5M\n", [
        '6:1: unknown key "limits.max_body", write limits: and on the line below']),
    "twice": (PLAIN + "threads: 1\nretry:\n  fresh: yes\n  fresh: no\nthreads: 2\n", [
        "9:3: retry.fresh: expected each key once, this one is on line 8 too",
        "10:1: threads: expected each key once, this one is on line 6 too"]),
    "listen twice": (PLAIN + LISTEN, ["6:1: listen: expected each key once, this one is on line 1 too"]),
    # values
    "several": (PLAIN + "threads: x\nlog: {level: wran}\nhealth: {path: x, fall: 0}\n", [
        '6:10: threads: expected a number from 1 to 256, got "x"',
        '7:14: log.level: expected one of error, warn, info, debug, got "wran", did you mean "warn"?',
        "8:16: health.path: expected a path",
        "8:25: health.fall: expected a number from 1 to 100"]),
    "several entries of one list": (PLAIN + "session: {more_cookies: [ok, 'a b', fine, 'c d']}\n", [
        "6:30: session.more_cookies: expected names", "6:43: session.more_cookies: expected names"]),
    "entries of lists": (LISTEN + "    allow_from: [10.0.0.0/8, x]\n" + WORKERS + "    weight: 0\n    max_idle: -1\n", [
        "3:30: listen.allow_from: expected an address", "7:13: workers.weight: expected a number",
        "8:15: workers.max_idle: expected a number"]),
    "what follows from a mistake is not told": ("listen:\n  - url: ajp:/x\nworkers:\n  - name: 'a b'\n    url: h\n"
                                                "routes:\n  - {paths: [/x], workers: [c]}\n", [
        "2:10: listen.url: expected ajp://HOST:PORT", "4:11: workers.name: expected 1 to 64 letters",
        "5:10: workers.url: expected ajp://HOST:PORT"]),
    # shapes
    "a text for a list": (PLAIN + "session: {more_cookies: X}\n", [
        '6:25: session.more_cookies: expected a list, got "X": write [X]']),
    "keys for a list": (PLAIN + "    aliases: {x: y}\n", [
        "6:14: workers.aliases: expected a list, got keys: write - before each entry"]),
    "a list for a text": (PLAIN + "threads: [1, 2]\n", ["6:10: threads: expected one value, got a list"]),
    "keys for a text": (PLAIN + "threads:\n  number: 1\n", ["7:3: threads: expected one value, got keys"]),
    "a text for a group": (PLAIN + "timeouts: 5s\n", ["6:11: timeouts: expected keys below it"]),
    "a text for entries": ("listen: ajp://127.0.0.1:1\n" + WORKERS, [
        "1:9: listen: expected a list: each entry begins with a dash, as in - url: ajp://127.0.0.1:8019"]),
    "an entry without its dash": (LISTEN + "workers:\n  name: a\n  url: ajp://h:1\n", [
        "4:3: workers: expected a list: each entry begins with a dash, as in - name: nodeA"]),
    "a text as an entry": (LISTEN + "workers:\n  - a=ajp://h:1\n", [
        "4:5: workers: expected an entry with keys, as in - name: nodeA"]),
    "a list in a list": (PLAIN + "    aliases: [[x]]\n", ["6:15: workers.aliases: expected a text, got a list"]),
    "nothing but a text": ("ajp://127.0.0.1:8009\n", ["1:1: expected keys, as in listen: and workers:"]),
    # what is no YAML
    "a tab": (PLAIN + "log:\n\tlevel: info\n", [
        "7:1: expected spaces, got a tab: YAML is indented with spaces alone"]),
    "a tab behind an entry": (LISTEN + "\tallow_from: []\n" + WORKERS, ["3:1: expected spaces, got a tab"]),
    "two tabs and a key": (PLAIN + "log:\n\tlevel: info\ntls:\n\tktls: no\nthread: 2\n", [
        "7:1: expected spaces, got a tab", "9:1: expected spaces, got a tab",
        '10:1: unknown key "thread", did you mean "threads"?']),
    "an indent that fits none": (PLAIN + "log:\n    level: info\n  format: json\n", [
        "8:3: expected a column in which keys stand above, this indent fits none"]),
    "an indent in an entry": (LISTEN + "workers:\n  - name: a\n   url: ajp://h:1\n", [
        "5:4: expected the column of the entry's other keys, or '- ' before another entry"]),
    "a key further right": (PLAIN + "threads: 1\n  admin: unix:/x\n", [
        "7:8: expected this key in the column of the keys beside it"]),
    "no space behind the colon": (PLAIN + "threads:1\nadmin: unix:/x\n", [
        "6:1: expected KEY: VALUE, with a space behind the colon"]),
    "a colon and a space in a value": (PLAIN + "server_header: a: b\n", [
        "6:17: expected quotes around a value that holds a colon and a space"]),
    "a quote too few": (PLAIN + "server_header: \"x\nthreads: 1\n", [
        "6:16: expected a second quote, since the text that begins here does not end"]),
    "a bracket too few": (PLAIN + "    aliases: [x, y\nthreads: 1\n", [
        "6:14: expected commas between entries and a ] for this ["]),
    "a star without quotes": (PLAIN + "routes:\n  - paths: [*.jsp]\n    workers: [a]\n", [
        "7:13: expected quotes around a value that begins with *"]),
    "an exclamation mark without quotes": (PLAIN + "routes:\n  - paths: [/*, !/x]\n    workers: [a]\n", [
        "7:17: expected quotes around a value that begins with !"]),
    "an alias": (PLAIN + "threads: *all\n", ["6:10: expected quotes around a value that begins with *"]),
    "an anchor and a tag": (PLAIN + "threads: &all 1\npacket_size: !!int 8192\n", [
        "6:10: expected quotes around a value that begins with &", "7:14: expected quotes around a value that begins with !"]),
    "a line without a colon": (PLAIN + "threads\n", ["6:1: expected KEY: VALUE"]),
    "an @": (PLAIN + "server_header: @x\n", ["6:16: expected quotes around a value that begins with @"]),
    "an escape that is none": (PLAIN + 'server_header: "\\d"\n', [
        "6:17: expected an escape that YAML knows; in 'single quotes' a \\ is nothing but a \\"]),
    "another document": (PLAIN + "---\nthreads: 1\n", ["6:1: expected one document, --- begins another"]),
    # the whole
    "two lacking": ("threads: 1\n", ["1:1: expected a listener:", "1:1: expected a worker:"]),
    "one address twice": ("listen:\n  - url: ajp://127.0.0.1:1\n  - url: ajp://[::1]:1\n  - url: ajp://127.0.0.1:1\n"
                          + WORKERS, ["4:10: listen.url: expected an address of its own, 127.0.0.1:1 is taken"]),
    "one address within another": ("listen:\n  - url: ajp://127.0.0.1:1\n  - url: ajp://0.0.0.0:1\n"
                                   "    allow_no_secret: yes\n" + WORKERS, [
        "3:10: listen.url: expected an address of its own, 0.0.0.0:1 is taken by the entry with 127.0.0.1:1"]),
    "an admin address without a port of its own": ("listen:\n  - url: ajp://127.0.0.1:0\n" + WORKERS + "admin: 127.0.0.1:0\n", [
        "6:8: admin: expected unix:PATH, or 127.0.0.1:PORT"]),
    "workers that are none": (PLAIN + "    redirect: A\nroutes:\n  - {paths: [/x], workers: [a, bb]}\n"
                              "  - {paths: [/x], workers: [c=3]}\n", [
        '6:15: workers.redirect: expected the name of a worker, got "A", did you mean "a"?',
        '8:28: routes.workers: expected the names of workers, got "bb"',
        "9:13: routes.paths: expected each path once",
        '9:28: routes.workers: expected the names of workers, got "c"']),
}


@pytest.mark.parametrize("name", ROWS)
def test_every_mistake_is_told_at_its_place(name, tmp_path):
    text, expected = ROWS[name]
    file = tmp_path / "forward.yaml"
    file.write_text(text)
    done = check("--config", file)
    lines = done.stderr.splitlines()
    count = f"{file}: {len(expected)} mistakes"
    assert (done.returncode, done.stdout) == (2, "")
    assert len(expected) == 1 or lines.pop() == count, done.stderr
    assert len(lines) == len(expected), done.stderr
    for line, begin in zip(lines, expected):
        assert line.startswith(f"{file}:{begin}"), done.stderr


def test_bytes_that_are_no_text(tmp_path):
    file = tmp_path / "x"
    for data, place in ((b"a: b\nthreads: \xff\n", "2:10: expected a text in UTF-8"), (b"a\0b", "1:1: expected a text, got NUL"),
                        (b"threads: \x01\n", "1:10: expected a text without control characters")):
        file.write_bytes(data)
        assert f"{file}:{place}" in check("--config", file).stderr
    assert f"{tmp_path}:1:1: expected a readable file: Is a directory" in check("--config", tmp_path).stderr


@pytest.mark.parametrize("line", ["threads: 1: 2\n", "thread: 1\n"])
def test_of_very_many_mistakes_not_all_are_shown(tmp_path, line):
    file = tmp_path / "x"
    file.write_text("".join(f"x{line}" if "d:" in line else line for i in range(20000)))
    lines = check("--config", file).stderr.splitlines()
    assert len(lines) == 101 and "mistakes" in lines[-1], lines[-1]


@pytest.mark.parametrize("above, indent", [("", ""), ("workers:\n  - name: a\n", "    ")], ids=["top", "worker"])
def test_a_file_of_very_many_keys_is_refused_soon(tmp_path, above, indent):
    """check has a time limit."""
    file = tmp_path / "x"
    file.write_text(above + "".join(f"{indent}k{i}: 1\n" for i in range(500000)))
    assert "mistakes, not all shown" in check("--config", file).stderr


def test_a_valid_file_is_said_to_be_so(tmp_path):
    file = tmp_path / "forward.yaml"
    file.write_text(PLAIN)
    done = check("--config", file)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{file}: valid\n", "")


@pytest.mark.parametrize("environment, coloured", [
    ({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colour_is_for_terminals_that_want_it(tmp_path, environment, coloured):
    file = tmp_path / "forward.yaml"
    file.write_text(PLAIN)
    ours, theirs = pty.openpty()
    environ = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    done = subprocess.run([BIN / "ajpforward", "--config", file, "--check"], stdout=theirs, timeout=20,
                          env={**environ, **environment})
    os.close(theirs)
    said = os.read(ours, 4096).decode()
    os.close(ours)
    assert done.returncode == 0
    assert said == f"{file}: {chr(27) + '[32m' if coloured else ''}valid{chr(27) + '[0m' if coloured else ''}\r\n"


def test_json(tmp_path):
    file = tmp_path / "forward.yaml"
    file.write_text(PLAIN + "threads: x\nlog: {levl: info}\n")
    done = check("--config", file, "--json")
    assert (done.returncode, done.stderr) == (2, "")
    assert json.loads(done.stdout) == {"file": str(file), "valid": False, "mistakes": [
        {"line": 6, "column": 10, "key": "threads", "message": 'expected a number from 1 to 256, got "x"'},
        {"line": 7, "column": 7, "key": "log", "message": 'unknown key "levl", did you mean "level"?'}]}
    file.write_text(PLAIN)
    done = check("--config", file, "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"file": str(file), "valid": True, "mistakes": []})


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    made = Pki(tmp_path_factory.mktemp("pki"))
    subprocess.run(["openssl", "pkey", "-in", made.key("server"), "-aes128", "-passout", "pass:x", "-out",
                    made.key("locked")], check=True, capture_output=True, timeout=60)
    subprocess.run(["openssl", "genrsa", "-out", made.key("rsa"), "2048"], check=True, capture_output=True, timeout=60)
    made.pem("junk").write_text("junk\n")
    for file in made.folder.iterdir():
        file.chmod(0o600 if file.suffix == ".key" else 0o644)
    return made


# certificate, key: which key is blamed, and the end of the message
PAIRS = {
    ("server.pem", None): (".certificate", "server.pem: there is none in it: name its file as key beside the certificate"),
    ("server.pem", "client.key"): (".key", "client.key: it belongs to another certificate"),
    ("server.pem", "rsa.key"): (".key", "rsa.key: it belongs to another certificate"),
    ("server.pem", "client.pem"): (".key", "client.pem: it holds a certificate, and no key"),
    ("server.pem", "junk.pem"): (".key", "junk.pem: it holds no key"),
    ("server.pem", "locked.key"): (".key", "it has a passphrase, which 'openssl pkey -in FILE -out NEW' takes off"),
    ("server.key", "server.pem"): (".certificate",
                                   "server.key: it holds a key, and no certificate: are the two files swapped?"),
    ("junk.pem", "server.key"): (".certificate", "junk.pem: it holds no certificate"),
    ("none.pem", "server.key"): (".certificate", "none.pem: No such file or directory"),
}


@pytest.mark.parametrize("certificate, key", PAIRS)
@pytest.mark.parametrize("side", ["listen", "workers"])
def test_files_of_tls_that_do_not_fit(pki, tmp_path, side, certificate, key):
    blamed, end = PAIRS[certificate, key]
    file = tmp_path / "forward.yaml"
    lines = f"    certificate: {pki.folder / certificate}\n" + (f"    key: {pki.folder / key}\n" if key else "")
    listen, workers = PLAIN.split("workers:")
    listen, workers = ((listen.replace("ajp:", "ajps:") + lines, "workers:" + workers) if side == "listen" else
                       (listen, "workers:" + workers.replace("ajp:", "ajps:") + lines))
    ca = "client_ca" if side == "listen" else "ca"
    file.write_text(listen + (f"    {ca}: {pki.pem('junk')}\n" if side == "listen" else "") + workers
                    + (f"    {ca}: {pki.pem('junk')}\n" if side == "workers" else ""))
    told = check("--config", file).stderr.splitlines()
    assert len(told) == 3, told
    blame = [line for line in told if line.endswith(end)]
    assert len(blame) == 1 and f": {side}{blamed}: expected a PEM file" in blame[0], told
    assert f": {side}.{ca}: expected a PEM file with the certificates of CAs, got {pki.pem('junk')}" in "".join(told)
    line = file.read_text().splitlines()[int(blame[0].split(":")[1]) - 1]
    assert (key if blamed == ".key" else certificate) in line, (line, blame)


# settings below the five lines of PLAIN: the beginnings of the messages; @ is the test's folder
STARTS = {
    "an admin address off loopback": ("admin: 0.0.0.0:9000\n", ["6:8: admin: expected unix:PATH, or 127.0.0.1:PORT"]),
    "an admin address without a port": ("admin: localhost\n", ["6:8: admin: expected unix:PATH, or 127.0.0.1:PORT"]),
    "an admin address of a listener": ("admin: 127.0.0.1:8019\n", [
        "6:8: admin: expected an address of its own, 127.0.0.1:8019 is a listener's"]),
    "sockets in no folder": ("admin: unix:@/none/a\ntap: @/none/b\n", [
        "6:8: admin: expected a path where a Unix socket can be, got @/none/a: the folder that it is to be in is not there",
        "7:6: tap: expected a path where a Unix socket can be, got @/none/b: the folder that it is to be in is not there"]),
    "sockets where something else is": ("admin: unix:@/text\ntap: @/folder\n", [
        "6:8: admin: expected a path where a Unix socket can be, got @/text: there is a file that is no socket",
        "7:6: tap: expected a path where a Unix socket can be, got @/folder: there is a file that is no socket"]),
    "a socket of a long name": (f"admin: unix:@/{'x' * 120}\n", ["6:8: admin: expected"]),
    "an access log in no folder": ("access_log:\n  file: @/none/log\n", [
        "7:9: access_log.file: expected a file that can be written, got @/none/log: No such file or directory"]),
    "an access log that is a folder": ("access_log: {file: @/folder}\n", [
        "6:20: access_log.file: expected a file that can be written, got @/folder: Is a directory"]),
    "an access log below a file": ("access_log: {file: @/text/log}\n", [
        "6:20: access_log.file: expected a file that can be written, got @/text/log: Not a directory"]),
}


def place(tmp_path, text):
    (tmp_path / "folder").mkdir(exist_ok=True)
    (tmp_path / "text").write_text("kept\n")
    file = tmp_path / "forward.yaml"
    file.write_text(PLAIN + text.replace("@", str(tmp_path)))
    return file


@pytest.mark.parametrize("name", STARTS)
def test_what_a_start_refuses_check_refuses_too(name, tmp_path):
    text, expected = STARTS[name]
    file = place(tmp_path, text)
    before = sorted(tmp_path.rglob("*"))
    told = check("--config", file).stderr.splitlines()
    assert len(told) == len(expected) + (len(expected) > 1), told
    for line, begin in zip(told, expected):
        assert line.startswith(f"{file}:{begin.replace('@', str(tmp_path))}"), told
    assert sorted(tmp_path.rglob("*")) == before and (tmp_path / "text").read_text() == "kept\n"
    start = subprocess.run([BIN / "ajpforward", "--config", file], capture_output=True, text=True, timeout=20)
    assert start.returncode in (1, 2) and start.stderr, "a start refuses it"


def test_an_address_of_another_machine(tmp_path):
    file = place(tmp_path, "")
    file.write_text(file.read_text().replace("ajp://127.0.0.1:8019", "ajp://192.0.2.1:8019\n    allow_no_secret: true"))
    assert f"{file}:2:10: listen.url: expected an address to listen on, got 192.0.2.1:8019: " in check(
        "--config", file).stderr


def test_an_option_is_blamed_where_it_was_given(tmp_path):
    file = place(tmp_path, "admin: unix:@/fine\n")
    told = check("--config", file, "--admin", "here", "--access-log", tmp_path).stderr.splitlines()
    assert told[0].startswith("ajpforward: --admin: expected unix:PATH"), told
    assert told[1] == f"ajpforward: --access-log: expected a file that can be written, got {tmp_path}: Is a directory"


def test_the_file_of_a_daemon_at_work_is_valid_and_nothing_is_made(tmp_path):
    file = place(tmp_path, "admin: unix:@/admin\ntap: @/tap\naccess_log: {file: @/log}\n")
    file.write_text(file.read_text().replace(":8019", f":{free_port()}"))
    assert check("--config", file).returncode == 0
    assert not [name for name in ("admin", "tap", "log") if (tmp_path / name).exists()]
    daemon = Daemon("ajpforward", "--config", file, listeners=1, log=tmp_path / "out")
    try:
        assert (tmp_path / "admin").is_socket()
        done = check("--config", file)
        assert (done.returncode, done.stderr) == (0, "")
        assert (tmp_path / "admin").is_socket() and (tmp_path / "tap").is_socket()
    finally:
        assert daemon.terminate() == 0


def test_a_listener_of_the_command_line_has_nothing_of_the_one_it_replaces(tmp_path):
    file, secret = tmp_path / "forward.yaml", tmp_path / "secret"
    secret.write_text("s\n")
    secret.chmod(0o600)
    file.write_text(LISTEN + f"    secret_file: {secret}\n    packet_size: 65536\n" + WORKERS + "    weight: 7\n")
    dumped = subprocess.run([BIN / "ajpforward", "--config", file, "--listen", "ajp://127.0.0.1:1", "--worker",
                             "b=ajp://h:1", "--dump"], capture_output=True, text=True, timeout=20)
    assert dumped.returncode == 0, dumped.stderr
    assert "secret" not in dumped.stdout.split("workers:")[0].replace("allow_no_secret", "")
    assert "packet_size: 65536" not in dumped.stdout and "weight: 7" not in dumped.stdout
