# SPDX-License-Identifier: Apache-2.0
"""replay: a recorded visit, repeated at servers that answer the same and others that do not."""
import json
import re
import socket
import threading
import time

import pytest

from cat import CAPTURES, ajpcat
from procs import Daemon, free_port


def serve(folder, name, *args):
    return Daemon("ajpcat", "serve", "--listen", "ajp://127.0.0.1:0", *args, log=folder / name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("replay")


@pytest.fixture(scope="module")
def servers(folder):
    """One that is recorded, its like, and one with another route that wants a secret."""
    (folder / "secret").write_text("correct horse")
    found = [serve(folder, "first", "--route", "nodeA"), serve(folder, "second", "--route", "nodeA"),
             serve(folder, "third", "--route", "nodeB", "--secret-file", folder / "secret")]
    yield found
    for daemon in found:
        assert daemon.terminate() == 0


class Recorder:
    """Relays connections one after the other and keeps what passes as hex text."""

    def __init__(self, port):
        self.packets, self.lock = [], threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, args=(port,), daemon=True).start()

    def run(self, port):
        while True:
            with self.listener.accept()[0] as front, socket.create_connection(("127.0.0.1", port)) as back:
                up = threading.Thread(target=self.pump, args=(front, back), daemon=True)
                up.start()
                self.pump(back, front)
                up.join()

    def pump(self, source, sink):
        kept = b""
        while data := source.recv(65536):
            kept += data
            with self.lock:
                while len(kept) >= 4 and len(kept) >= (size := 4 + int.from_bytes(kept[2:4], "big")):
                    self.packets.append(kept[:size])
                    kept = kept[size:]
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)

    def hex(self):
        return "".join(p[i:i + 32].hex(" ") + "\n" for p in self.packets for i in range(0, len(p), 32))


@pytest.fixture(scope="module")
def visit(servers, folder):
    """Six requests, three of one session, recorded at the first server."""
    recorder = Recorder(servers[0].port)

    def ask(path, *args):
        done = ajpcat("get", "-i", *args, f"ajp://127.0.0.1:{recorder.port}{path}")
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()
    session = re.search(r"JSESSIONID=([0-9A-F]{32}\.nodeA)", ask("/session")).group(1)
    assert '"counter": 2' in ask("/session", "-b", f"JSESSIONID={session}")
    ask("/bytes/20000")
    ask("/upload", "-d", "a=123")
    ask("/status/302")
    assert '"counter": 3' in ask(f"/session;jsessionid={session}")
    file = folder / "visit.hex"
    file.write_text(recorder.hex())
    return file


def replay(file, port, *args, **options):
    done = ajpcat("replay", "--json", "-m", "5s", *args, file, f"127.0.0.1:{port}", **options)
    return done, [json.loads(line) for line in done.stdout.splitlines()]


def test_the_like_answers_the_same_its_sessions_included(visit, servers):
    done, rows = replay(visit, servers[1].port, "--ignore", "body")
    assert done.returncode == 0, done.stdout
    assert [row["result"] for row in rows] == ["same"] * 6
    assert b"6 sent: 6 the same" in done.stderr
    # the bodies show the session's id, but they have one length: it went on under a new name
    done, rows = replay(visit, servers[1].port)
    assert [row["result"] for row in rows] == ["differs", "differs", "same", "same", "same", "differs"]
    for row in (rows[0], rows[1], rows[5]):
        sizes = [re.match(r"\d+ bytes", side).group() for side in (row["differences"][0]["before"],
                                                                   row["differences"][0]["after"])]
        assert sizes[0] == sizes[1], row


def test_another_answers_differently(visit, servers, folder):
    done, rows = replay(visit, servers[2].port)
    assert done.returncode == 1 and {"what": "status", "before": "200", "after": "403"} in rows[2]["differences"]
    done, rows = replay(visit, servers[2].port, "--secret-file", folder / "secret", "--compare", "X-Node",
                        "--ignore", "body")
    assert done.returncode == 1
    assert all(row["differences"] == [{"what": "X-Node", "before": "nodeA", "after": "nodeB"}] for row in rows[1:5])


def test_text_names_what_differs(visit, servers, folder):
    done = ajpcat("replay", "--filter", 'uri == "/bytes/20000"', visit, f"127.0.0.1:{servers[2].port}")
    shown = done.stdout.decode()
    assert "GET /bytes/20000" in shown and "status: 200 -> 403" in shown and "1 different" in shown
    done = ajpcat("replay", "-v", "-n", "3", "--ignore", "body", visit, f"127.0.0.1:{servers[1].port}")
    assert done.stdout.decode().count("same    frame") == 3 and b"3 sent" in done.stdout


def test_pace_is_kept(servers):
    file = CAPTURES / "proxy-session.pcap"
    starts = [json.loads(line)["start"] for line in ajpcat("decode", "--json", file).stdout.splitlines()]
    began = time.monotonic()
    done, rows = replay(file, servers[1].port, "--pace")
    assert len(rows) > 1 and done.returncode in (0, 1)
    assert time.monotonic() - began >= max(starts) - min(starts) - 0.01
    assert 0 <= int(re.search(rb"sent at most (\d+) ms behind the pace", done.stderr).group(1)) < 30000


def test_what_is_not_whole_is_skipped(servers):
    done, rows = replay(CAPTURES / "jk-abortupload.pcap", servers[1].port)
    assert "skipped" in {row["result"] for row in rows}
    assert all("not all of its body" in row["why"] for row in rows if row["result"] == "skipped")


def test_nobody_there_ends_it(visit):
    done, rows = replay(visit, free_port())
    assert done.returncode == 3 and len(rows) == 1 and "refused" in rows[0]["why"]


@pytest.mark.parametrize("args, expected", [
    ([], "expected a capture and a server"),
    (["file"], "expected a capture and a server"),
    (["/nonexistent", "127.0.0.1:1"], "/nonexistent"),
    (["--filter", "status >", "file", "127.0.0.1:1"], "--filter, column"),
])
def test_a_wrong_command_line_says_what_was_expected(args, expected):
    done = ajpcat("replay", *args)
    assert done.returncode in (1, 2) and expected in done.stderr.decode()
