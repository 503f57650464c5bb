# SPDX-License-Identifier: Apache-2.0
"""`ajpcat decode` over real captures; captures/README.md tells where the files are from. Packets are
cut off, swapped, repeated and lost in test_damage.py."""
import fcntl
import importlib
import json
import re
import signal
import struct
import subprocess
import termios

import pytest

import long_pcap
from cat import CAPTURES, FACTS, TRUTH, Pcap, ajpcat, check_truth, decode, facts, stats
from procs import BIN, poll


@pytest.mark.parametrize("name", TRUTH)
def test_a_capture_is_decoded_as_the_truth_file_says(name):
    check_truth(decode(CAPTURES / name), TRUTH[name])


def test_every_key_of_the_contract_is_there():
    keys = {"connection", "client", "server", "index", "method", "uri", "query", "protocol", "route", "status",
            "request_bytes", "request_crc32", "request_whole", "response_whole", "response_bytes", "response_crc32", "complete", "reuse", "start",
            "first_packet_ms", "total_ms", "problems", "kind"}
    for o in decode(CAPTURES / "proxy-session.pcap"):
        if o["kind"] == "request":
            assert keys <= o.keys()
            assert re.fullmatch(r"127\.0\.0\.1:\d+", o["client"])


def test_the_route_comes_from_the_session_id():
    routes = [o["route"] for o in decode(CAPTURES / "proxy-session.pcap") if o["kind"] == "request"]
    assert routes == [None, "nodeA", "nodeA", "nodeA", "nodeA", None, "nodeB", "nodeB", "nodeB", "nodeB"]


def test_lost_packets_are_told_and_the_rest_is_found():
    """derived-loss and derived-retransmit are the same traffic: all but the body that lost bytes is as it was."""
    objects = [o for o in decode(CAPTURES / "derived-loss.pcap") if o["kind"] == "request"]
    for o, truth in zip(objects, TRUTH["derived-retransmit.pcap"]["requests"], strict=True):
        lost = any("1448 bytes were not captured" in p["text"] for p in o["problems"])
        assert (o["request_whole"], o["response_whole"]) == (not lost, True)
        want, got = truth[3:], [o[key] for key in FACTS[:-1]]
        place = FACTS.index("request_crc32")
        assert got[:place] + got[place + 1:] == want[:place] + want[place + 1:]
        assert (got[place] == want[place]) == (not lost)
    assert [len(o["problems"]) for o in objects] == [0, 0, 0, 0, 1, 0, 1]


def test_a_request_that_breaks_off_is_told_as_far_as_it_goes():
    """The script's eleventh connection says more headers than it sends; Tomcat answers 500."""
    broken = decode(CAPTURES / "raw-broken.pcap")
    assert facts(broken)[-1] == ("GET", "/lab/echo", None, "HTTP/1.1", 500, 0, 0, 1968, 2701533813, True)
    assert any("ends inside a field" in p["text"] for p in broken[-1]["problems"])


def test_a_capture_may_come_from_standard_input():
    name = CAPTURES / "jk-var-pcapng.pcapng"
    assert ajpcat("decode", "--json", "-", stdin=name.read_bytes()).stdout == ajpcat("decode", "--json", name).stdout


def test_a_pipe_shows_what_is_answered_before_more_comes(tmp_path):
    """As in `tcpdump -w - | ajpcat decode -`: each exchange is told when it is over, a reset connection too."""
    for name in ("proxy-session.pcap", "jk-abortupload.pcap"):
        out = tmp_path / name
        with open(out, "wb") as file:
            run = subprocess.Popen([BIN / "ajpcat", "decode", "--json", "-"], stdin=subprocess.PIPE, stdout=file)
        try:
            run.stdin.write((CAPTURES / name).read_bytes())
            run.stdin.flush()
            want = ajpcat("decode", "--json", CAPTURES / name).stdout
            poll(lambda: out.read_bytes() == want, 20, f"all of {name} is shown")
            assert run.poll() is None
        finally:
            run.stdin.close()
            assert run.wait(20) == 0
        assert out.read_bytes() == want


@pytest.mark.parametrize("args", [["stats", "--json"], ["decode", "--json"], ["decode", "--har"]], ids=" ".join)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_the_end_of_a_pipe(args, number, tmp_path):
    """As of `tcpdump -w - | ajpcat stats -`: what came before is counted, what is open is shown."""
    whole = Pcap(CAPTURES / "jk-concurrent.pcap")
    data = whole.write(tmp_path / "cut", whole.records[:200]).read_bytes()  # within an answer
    with open(tmp_path / "out", "wb") as out:
        run = subprocess.Popen([BIN / "ajpcat", *args, "-"], stdin=subprocess.PIPE, stdout=out, stderr=out)
    try:
        run.stdin.write(data)
        run.stdin.flush()
        poll(lambda: fcntl.ioctl(run.stdin, termios.FIONREAD, bytes(4)) == bytes(4), what="all is read")
        run.send_signal(number)
        assert run.wait(20) == 0
    finally:
        run.kill()
        run.stdin.close()
        run.wait()
    assert (tmp_path / "out").read_bytes() == ajpcat(*args, tmp_path / "cut").stdout != ajpcat(*args, whole.path).stdout


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("magic, fraction", [(0xa1b2c3d4, 1), (0xa1b23c4d, 1000)], ids=["us", "ns"])
def test_captures_of_either_byte_order_and_clock_read_the_same(order, magic, fraction, tmp_path):
    other, want = tmp_path / "other.pcap", CAPTURES / "proxy-session.pcap"
    head = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, 1)
    other.write_bytes(head + b"".join(
        struct.pack(order + "IIII", seconds, part * fraction, len(frame), wire) + frame
        for seconds, part, wire, frame in long_pcap.records(want)))
    assert decode(other) == decode(want)


def test_a_frame_of_impossible_length_ends_the_file(tmp_path):
    broken = tmp_path / "broken.pcap"
    broken.write_bytes((CAPTURES / "proxy-session.pcap").read_bytes() + struct.pack("<IIII", 1, 2, 262145, 262145) +
                       bytes(300000))
    done = ajpcat("decode", broken)
    assert done.returncode == 0 and b"impossible length after frame" in done.stderr
    assert len(done.stdout.splitlines()) == 20


def test_a_file_that_ends_in_a_packet_is_shown_up_to_there(tmp_path):
    cut = tmp_path / "cut.pcap"
    cut.write_bytes((CAPTURES / "proxy-session.pcap").read_bytes()[:-37])
    done = ajpcat("decode", cut)
    assert done.returncode == 0 and b"shown is what came before" in done.stderr
    assert len(done.stdout.splitlines()) == 20


@pytest.mark.parametrize("text", [
    b"1234 0001 0a\n4142 0001 09\n",
    b"00000000: 1234 0001 0a41 4200 0109            .4...AB...\n",
    b"00000000  12 34 00 01 0a 41 42 00  01 09                    |.4...AB...|\n",
    b"# a ping\n0x12 0x34 0x00 0x01 0x0a # and its answer\n41,42,00,01,09",
    b"1234 0001 0a41 4200 0109 " + b"4142 2000 " + b"00" * 8192 + b"\n",
], ids=["bare", "xxd", "hexdump", "commented", "a long line"])
def test_hex_text_is_decoded(text):
    done = ajpcat("decode", "--json", "-", stdin=text)
    assert done.returncode == 0 and b'"kind": "cping"' in done.stdout and b'"complete": true' in done.stdout


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n", b"hello", b"\xd4\xc3\xb2\xa1"])
def test_what_is_no_capture_is_said_so(content, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(content)
    done = ajpcat("decode", file)
    assert done.returncode == 1 and str(file).encode() in done.stderr and not done.stdout


def test_what_does_not_end_is_no_capture():
    assert ajpcat("decode", "/dev/zero").returncode == 1


@pytest.mark.parametrize("module, program", [("gzip", "zcat"), ("lzma", "xzcat"), ("bz2", "bzcat")])
def test_who_has_a_packed_capture_is_told_how_to_unpack_it(module, program, tmp_path):
    data, file = (CAPTURES / "proxy-session.pcap").read_bytes(), tmp_path / "packed"
    file.write_bytes(importlib.import_module(module).compress(data))
    done = ajpcat("decode", file)
    assert done.returncode == 1 and f"it is packed: {program} FILE | ajpcat" in done.stderr.decode() and not done.stdout
    unpacked = subprocess.run([program, file], stdout=subprocess.PIPE, check=True).stdout
    assert len(ajpcat("decode", "-", stdin=unpacked).stdout.splitlines()) == 20


def test_the_tree_hides_secrets_unless_asked():
    file = CAPTURES / "proxy-session.pcap"
    assert b"0357D5D97C4C00255F6160C3AF08AC2D.nodeA; Path" not in ajpcat("decode", "-v", file).stdout
    assert b"0357D5D97C4C00255F6160C3AF08AC2D.nodeA; Path" in ajpcat("decode", "-v", "--show-secrets", file).stdout


def test_nothing_from_the_wire_reaches_a_terminal_unescaped(tmp_path):
    pcap = Pcap(CAPTURES / "proxy-session.pcap")
    nasty = [(head, frame.replace(b"/lab/session", b"/\x1b[31m\x9b\x07\x80xyz")) for head, frame in pcap.records]
    done = ajpcat("decode", "-v", pcap.write(tmp_path / "nasty.pcap", nasty))
    assert rb"/\x1b[31m\x9b\x07\x80xyz" in done.stdout
    assert not re.search(rb"[^\n\x20-\x7e]", done.stdout)


@pytest.mark.parametrize("view", ["-v", "-x", "--http", "--har"])
def test_cookies_show_on_demand_only(view):
    cookie = b"JSESSIONID=0357D5D97C4C00255F6160C3AF08AC2D.nodeA"
    hidden = ajpcat("decode", view, CAPTURES / "proxy-session.pcap").stdout
    shown = ajpcat("decode", view, "--show-secrets", CAPTURES / "proxy-session.pcap").stdout
    assert cookie not in hidden
    assert (b"4a 53 45 53 53 49 4f 4e 49 44" if view == "-x" else b"0357D5D97C4C00255F6160C3AF08AC2D.nodeA;") in shown


def test_http_text_reads_as_http():
    text = ajpcat("decode", "--http", CAPTURES / "proxy-session.pcap").stdout.decode()
    assert text.startswith("GET /lab/session HTTP/1.1\nhost: localhost\n\nHTTP/1.1 200 200\n")
    assert text.count("\nnodeA ") == 5 and text.count("\nnodeB ") == 5


def test_a_dump_shows_every_byte_of_small_packets():
    dump = ajpcat("decode", "-x", "--show-secrets", CAPTURES / "jk-cping.pcap").stdout.decode()
    for block in re.split(r"^(?=    [<>] )", dump, flags=re.M)[1:]:
        size = int(re.match(r"    [<>] \S+ (\d+) bytes", block).group(1))
        rows = re.findall(r"^      [0-9a-f]{4}  ((?:[0-9a-f]{2} )+)", block, re.M)
        more = re.search(r"\.\.\. (\d+) more bytes", block)
        assert sum(len(row.split()) for row in rows) + (int(more.group(1)) if more else 0) == size


def test_a_packet_that_is_not_understood_is_dumped_on_demand():
    hidden, shown = (ajpcat("decode", "-x", *args, CAPTURES / "raw-broken.pcap").stdout.decode()
                     for args in ([], ["--show-secrets"]))
    assert hidden.count("(hidden, as a secret may be in it: see --show-secrets)") == 4
    assert shown.count(" not understood\n") == 5 and "0004  63 61 62 63 " in hidden  # that is too short for one
    assert "6c 61 62 2f 65 63 68 6f" in shown and "6c 61 62 2f 65 63 68 6f" not in hidden


@pytest.mark.parametrize("expression, test", [
    ("status >= 400", lambda o: (o["status"] or 0) >= 400),
    ("not status < 400", lambda o: not (o["status"] is not None and o["status"] < 400)),
    ("uri ~ '^/lab/(echo|upload)$' and up > 0", lambda o: o["uri"] in ("/lab/echo", "/lab/upload")
     and o["request_bytes"] > 0),
    ('method == "HEAD" or method == "POST"', lambda o: o["method"] in ("HEAD", "POST")),
    ("(method != 'GET' and status = 200) or index == 3",
     lambda o: (o["method"] != "GET" and o["status"] == 200) or o["index"] == 3),
    ("time > 0.5ms", lambda o: o["total_ms"] is not None and o["total_ms"] > 0.5),
    ("time > 500us and first < 1s", lambda o: o["total_ms"] is not None and o["total_ms"] > 0.5),
    ("query == null", lambda o: o["query"] is None),
    ("query != null and route == null", lambda o: o["query"] is not None),
    ("complete", lambda o: o["complete"]),
    ("reuse == false", lambda o: not o["reuse"]),
    ("kind == 'cping'", lambda o: False),
    ("down >= 1k", lambda o: o["response_bytes"] >= 1024),
    ("quirks > 1", lambda o: len(o["quirks"]) > 1),
    ("problems == 0 and connection == 0 and frame > 20", lambda o: o["frame"] > 20),
    ("client ~ ':' and server !~ '9999'", lambda o: True),
])
def test_filters_choose_exchanges(expression, test):
    all_of_them = decode(CAPTURES / "proxy-keepalive.pcap")
    chosen = decode(CAPTURES / "proxy-keepalive.pcap", "--filter", expression)
    assert chosen == [o for o in all_of_them if test(o)]


@pytest.mark.parametrize("expression, column, expected", [
    ("", 1, "a field"),
    ("status >= ", 11, "a number"),
    ("stat == 3", 1, "a field"),
    ("status 3", 8, "=="),
    ("uri ~ '['", 7, "regular expression"),
    ("uri == 'x", 8, "closing quote"),
    ("uri ~ 'a++++++++++++++++++++++++++++++'", 7, "fewer repetitions"),
    ("uri ~ '(((a{999}){999}){999})'", 7, "fewer repetitions"),
    ("uri ~ 'a****'", 7, "fewer repetitions"),
    ("uri == x", 8, "in quotes"),
    ("time > 3x", 9, "the unit"),
    ("status ~ '5..'", 10, "text field"),
    ("status == 200 foo", 15, '"and", "or"'),
    ("(status == 200", 15, ")"),
    ("status == 200 and", 18, "a field"),
    ("complete == 1", 13, "true or false"),
    ("(" * 100 + "complete", 65, "nesting"),
])
def test_a_wrong_filter_is_pointed_at(expression, column, expected):
    done = ajpcat("decode", "--filter", expression, CAPTURES / "jk-cping.pcap")
    error = done.stderr.decode()
    assert done.returncode == 2 and not done.stdout
    assert f"column {column}:" in error and expected in error.splitlines()[0]
    assert error.splitlines()[2] == "  " + " " * (column - 1) + "^"


def test_one_connection_can_be_followed():
    objects = decode(CAPTURES / "jk-concurrent.pcap")
    chosen = [o for o in objects if o["connection"] == 2]
    assert decode(CAPTURES / "jk-concurrent.pcap", "--follow", "2") == chosen and chosen
    assert decode(CAPTURES / "jk-concurrent.pcap", "--follow", chosen[0]["client"]) == chosen
    assert ajpcat("decode", "--follow", "nobody", CAPTURES / "jk-concurrent.pcap").returncode == 2


def test_a_capture_without_ajp_is_told(tmp_path):
    done = ajpcat("decode", Pcap(CAPTURES / "jk-cping.pcap").write(tmp_path / "none.pcap", []))
    assert done.returncode == 0 and not done.stdout and done.stderr.endswith(b"none.pcap: no AJP in 0 frames\n")
    assert not ajpcat("decode", "-f", "index < 0", CAPTURES / "jk-cping.pcap").stderr


@pytest.mark.parametrize("name", TRUTH)
def test_stats_add_up(name):
    objects = decode(CAPTURES / name)
    requests = [o for o in objects if o["kind"] == "request"]
    counted = stats(name, "--top", "1000", "--filter", "kind != 'stray'")
    assert counted["requests"] == len(requests) and counted["cpings"] == sum(o["kind"] == "cping" for o in objects)
    answers = [o for o in objects if o["kind"] == "answer"]
    assert counted["answers_alone"] == len(answers)
    assert counted["bytes_up"] == sum(o["request_bytes"] for o in requests)
    assert counted["bytes_down"] == sum(o["response_bytes"] for o in requests + answers)
    assert counted["connections"] == len({o["connection"] for o in objects})
    assert counted["unanswered"] == sum(o["status"] is None for o in requests)
    assert counted["cut_off"] == sum(o["status"] is not None and not o["complete"] for o in requests)
    for table, key in (("methods", "method"), ("uris", "uri"), ("routes", "route"), ("statuses", "status")):
        want = {}
        for o in requests + (answers if table == "statuses" else []):
            value = {"uri": (o["uri"] or "").split(";")[0], "status": str(o["status"] or "none")}.get(key, o[key])
            want[value or "none"] = want.get(value or "none", 0) + 1
        assert {row["name"]: row["count"] for row in counted[table]} == want
    assert sum(row["count"] for row in counted["problems"]) == sum(len(o["problems"]) for o in objects)
    done = [o["total_ms"] for o in requests if o["complete"]]
    if done:
        assert counted["time_ms"]["max"] == pytest.approx(max(done), abs=1e-3)
        assert counted["time_ms"]["p50"] == pytest.approx(sorted(done)[(len(done) + 1) // 2 - 1], rel=0.02)


def test_stats_count_sessions_once_whatever_carries_them():
    assert stats("proxy-session.pcap")["sessions"] == 2


def test_stats_for_people_name_problems_with_their_frame():
    text = ajpcat("stats", CAPTURES / "lighttpd-chunked.pcap").stdout.decode()
    assert re.search(r"first in frame 16 +body packet says N bytes and holds N\n", text)
    assert "#" * 10 in text and "p99" in text
    assert not re.search(r"[^\n\x20-\x7e]", text)


def test_stats_can_be_filtered():
    assert stats("proxy-methods.pcap", "-f", "method == 'PATCH'")["requests"] == 1
