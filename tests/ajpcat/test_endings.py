# SPDX-License-Identifier: Apache-2.0
"""Requests that were never answered, and connections on which no AJP came: who gave up, and when."""
import json
import re

import pytest

import ajpwire
from cat import CAPTURES, ajpcat, decode, on_terminal
from frames import ACK, CLIENT, RST, SERVER, SYN, Conversation, write
from procs import ROOT

MAN_PAGE = (ROOT / "docs/man/ajpcat.1.scd").read_text()
GET = ajpwire.request(uri="/slow")
OK = ajpwire.whole_reply(b"hello")


def test_a_server_that_hangs_does_not_look_fast():
    """Of four requests three waited until the client gave up: they have no part in any mean."""
    counted = json.loads(ajpcat("stats", "--json", CAPTURES / "hung.pcap").stdout)
    assert (counted["requests"], counted["unanswered"]) == (4, 3)
    for table in ("methods", "servers", "uris", "routes"):
        row, = counted[table]
        assert (row["count"], row["open"]) == (4, 3) and row["total_ms"] == row["max_ms"] == pytest.approx(1001.1, abs=.1)
    waits = {row["name"]: row for row in counted["waits"]}
    assert waits["/lab/slow (client_closed)"]["count"] == 2
    assert waits["/lab/slow (client_closed)"]["max_ms"] == pytest.approx(597.6, abs=.1)
    assert counted["waited_ms"]["max"] == pytest.approx(597.6, abs=.1)
    text = ajpcat("stats", CAPTURES / "hung.pcap").stdout.decode()
    assert "mean   1001.11 ms  max   1001.11 ms  3 unanswered: GET\n" in text
    assert "mean         -     max         -     3 unanswered: none\n" in text
    assert "NOT ANSWERED, BY TIME WAITED IN ALL\n" in text and "TIME WAITED WITHOUT AN ANSWER\n" in text


def test_an_unanswered_cping_is_counted(tmp_path):
    file = write(tmp_path / "ping.pcap", Conversation().send(CLIENT, ajpwire.CPING).wait(3).close(CLIENT).packets)
    assert b"0 requests and 1 CPings (1 unanswered) on 1 connections" in ajpcat("stats", file).stdout
    counted = json.loads(ajpcat("stats", "--json", file).stdout)
    assert counted["cpings_unanswered"] == 1 and counted["waits"][0]["name"] == "CPing (client_closed)"


@pytest.mark.parametrize("end, ending, waited, said", [
    (lambda c: c.wait(30).close(CLIENT), "client_closed", 30000, "no answer: the client closed the connection after 30000.01 ms"),
    (lambda c: c.wait(2).reset(CLIENT), "client_reset", 2000, "no answer: the client reset the connection after 2000.01 ms"),
    (lambda c: c.wait(1).close(SERVER).close(CLIENT), "server_closed", 1000, "no answer: the server closed"),
    (lambda c: c.wait(1).reset(SERVER), "server_reset", 1000, "no answer: the server reset the connection after"),
    (lambda c: c.send(SERVER, OK[:-6]).wait(5).reset(SERVER), "server_reset", 5000, "the answer breaks off: the server reset"),
    (lambda c: c.wait(7).segment(SERVER, ACK), "capture_end", 7000, "no answer: the capture ends, after 7000.01 ms"),
    (lambda c: c.send(SERVER, OK).close(CLIENT), None, None, None),
], ids=str)
def test_who_gave_up_and_after_how_long_is_told(end, ending, waited, said, tmp_path):
    file = write(tmp_path / "end.pcap", end(Conversation().send(CLIENT, GET)).packets)
    o, = decode(file)
    assert (o["ending"], o["complete"]) == (ending, ending is None)
    assert o["waited_ms"] == (waited and pytest.approx(waited, abs=1))
    assert (o["ending_frame"] is None) == (ending in (None, "capture_end"))
    text = ajpcat("decode", file).stdout.decode()
    assert said in text if said else "!" not in text
    assert len(decode(file, "-f", "waited > 900ms")) == (waited is not None)
    assert len(decode(file, "-f", f"ending == '{ending}'")) == (ending is not None)
    if ending:
        entry, = json.loads(ajpcat("decode", "--har", file).stdout)["log"]["entries"]
        assert entry["time"] == pytest.approx(waited, abs=1) and said in entry["response"]["_error"]


def test_a_kept_connection_that_the_server_had_closed_is_told(tmp_path):
    """The race of pools: the FIN is under way when the next request is sent."""
    talk = Conversation().send(CLIENT, GET).send(SERVER, OK).wait(20).close(SERVER).wait(.001).send(CLIENT, GET)
    file = write(tmp_path / "race.pcap", talk.reset(SERVER).packets)
    assert [o["ending"] for o in decode(file)] == [None, "server_closed"]
    assert b"no answer: the server had closed the connection before, by 1.01 ms" in ajpcat("decode", file).stdout


def test_of_ports_that_are_used_again_nothing_is_invented(tmp_path):
    """The end of the first connection was not captured."""
    first, second = Conversation().send(CLIENT, GET), Conversation(start=1_700_000_009)
    second.seq = [900_000, 800_000]
    second.packets.clear()
    second.segment(CLIENT, SYN).segment(SERVER, SYN | ACK).send(CLIENT, GET).send(SERVER, OK)
    lost, got = decode(write(tmp_path / "again.pcap", first.packets + second.packets))
    assert (lost["status"], lost["ending"], lost["waited_ms"]) == (None, None, None) and got["status"] == 200


def refused(**more):
    return Conversation(opened=False, **more).segment(CLIENT, SYN).segment(SERVER, RST | ACK)


def silent(**more):
    return Conversation(opened=False, **more).segment(CLIENT, SYN)


@pytest.mark.parametrize("make, ending, said", [
    (refused, "refused", r"    ! the server refused the connection after 0\.01 ms, frame \d\n"),
    (silent, "silent", r"    ! nothing answered to its SYN, after 9000\.\d+ ms\n"),
])
def test_a_connection_that_never_opened_is_told(make, ending, said, tmp_path):
    other = Conversation(ports=(40001, 8009)).wait(9).send(CLIENT, GET).send(SERVER, OK)
    file = write(tmp_path / "closed.pcap", sorted(make().packets + other.packets))
    first, request = decode(file)
    assert (first["kind"], first["ending"], first["client"]) == ("connection", ending, "192.0.2.1:40000")
    assert not first["complete"] and request["status"] == 200
    assert re.search(said, ajpcat("decode", file).stdout.decode())
    assert decode(file, "-f", "kind == 'connection'") == [first]
    assert json.loads(ajpcat("stats", "--json", file).stdout)["connections_without_ajp"] == 1


def test_other_ports_are_told_of_where_their_client_speaks_ajp(tmp_path):
    """Of a pool's nodes one is away: nothing else shows that its port is one of AJP."""
    talk = Conversation(ports=(40001, 7009)).send(CLIENT, GET).send(SERVER, OK)
    known = refused(ports=(40002, 7010), start=1_700_000_001)
    other = refused(client="192.0.2.9", ports=(40002, 7010), start=1_700_000_002)
    file = write(tmp_path / "pool.pcap", talk.packets + known.packets + other.packets)
    assert [(o["kind"], o["client"]) for o in decode(file)] == [("request", "192.0.2.1:40001"),
                                                                ("connection", "192.0.2.1:40002")]


HTTP = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
TLS = b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + bytes(200)
PROXY = b"PROXY TCP4 10.0.0.1 10.0.0.2 1234 80\r\n"
PROXY2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12)


@pytest.mark.parametrize("sent, speech", [
    (HTTP, "HTTP"), (b"POST /a HTTP/1.0\r\n\r\n", "HTTP"), (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2"), (TLS, "TLS"),
    (PROXY, "a PROXY line"), (PROXY + HTTP, "HTTP"), (b"SSH-2.0-x\r\n", "SSH"), (b"\x7fELF and so on", "something else"),
])
def test_what_is_no_ajp_on_its_port_is_told(sent, speech, tmp_path):
    file = write(tmp_path / "other.pcap", Conversation().send(CLIENT, sent).wait(.5).close(SERVER).packets)
    o, = decode(file)
    assert (o["kind"], o["speech"], o["ending"]) == ("connection", speech, "server_closed")
    assert f"    ! {speech} came where AJP is spoken\n    ! the server closed the connection after 500.0" in (
        ajpcat("decode", file).stdout.decode())


@pytest.mark.parametrize("head", [PROXY, PROXY2], ids=["1", "2"])
@pytest.mark.parametrize("size", [1400, 5])
def test_ajp_behind_a_proxy_line_is_decoded(head, size, tmp_path):
    talk = Conversation().send(CLIENT, head + GET, size).send(SERVER, OK).send(CLIENT, GET).send(SERVER, OK)
    first, second = decode(write(tmp_path / "proxy.pcap", talk.packets))
    assert (first["status"], first["speech"]) == (200, "a PROXY line") and second["speech"] is None
    assert [p["text"] for p in first["problems"]] == ["a PROXY line in front of the first packet"] and not second["problems"]


@pytest.mark.parametrize("sent", [GET, ajpwire.CPING], ids=["request", "CPing"])
@pytest.mark.parametrize("answer, speech", [(b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP"), (b"\x15\x03\x01\0\2\2\x32", "TLS")])
def test_a_server_that_does_not_speak_ajp_is_told(sent, answer, speech, tmp_path):
    file = write(tmp_path / "http.pcap", Conversation(ports=(40000, 8080)).send(CLIENT, sent).send(SERVER, answer).packets)
    o, = decode(file)
    assert o["speech"] == speech and [p["text"] for p in o["problems"]] == [f"{speech} in place of an AJP packet"]
    assert f"{speech} in place of an AJP packet" in on_terminal("decode", file).decode()


def test_the_man_page_knows_each_word():
    for word in ("waited_ms", "ending", "ending_frame", "speech", "capture_end", "client_closed", "server_reset", "refused",
                 "silent", "connections_without_ajp", "cpings_unanswered", "waits", "open"):
        assert word in MAN_PAGE.replace("\\_", "_"), word
