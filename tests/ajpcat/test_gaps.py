# SPDX-License-Identifier: Apache-2.0
"""Packets that the capture lacks accuse nobody: what follows from a gap is no quirk, what follows it is decoded;
and where one direction is missing the other is shown."""
import json
from collections import defaultdict

import pytest

import ajpwire
from cat import CAPTURES, TRUTH, Pcap, ajpcat, decode, facts, payload
from frames import CLIENT, SERVER, Conversation, write

FEW = ["proxy-session.pcap", "jk-cping.pcap", "lighttpd-chunked.pcap", "raw-pipelined.pcap", "raw-strings.pcap",
       "proxy-ipv6.pcap", "jk-abortupload.pcap", "derived-nohandshake.pcap"]
REST = [name for name in TRUTH if name not in FEW and name.endswith(".pcap") and not name.startswith("raw-segm")]
ALL = FEW + [pytest.param(name, marks=pytest.mark.release) for name in REST]
MANY = 60  # frames of a capture to be left out in turn


def quirks(objects):
    return {quirk for o in objects for quirk in o["quirks"]}


def blamed(objects):
    """What is wrong other than that bytes are missing."""
    return {p["text"] for o in objects for p in o["problems"] if "captured" not in p["text"]}


@pytest.mark.parametrize("name", ALL)
def test_a_frame_that_was_lost_accuses_nobody(name, tmp_path):
    pcap = Pcap(CAPTURES / name)
    whole, step = decode(pcap.path), max(1, len(pcap.records) // MANY)
    for at in range(0, len(pcap.records), step):
        objects = decode(pcap.write(tmp_path / "lost.pcap", pcap.records[:at] + pcap.records[at + 1:]))
        assert quirks(objects) <= quirks(whole), f"without frame {at + 1}"
        if name != "raw-broken.pcap":
            assert blamed(objects) <= blamed(whole), f"without frame {at + 1}"


@pytest.mark.parametrize("name", ALL)
def test_a_capture_that_begins_in_the_middle_accuses_nobody(name, tmp_path):
    pcap = Pcap(CAPTURES / name)
    whole = decode(pcap.path)
    for count in (*range(1, 20), 30, 50, 80):
        if count < len(pcap.records):
            objects = decode(pcap.write(tmp_path / "late.pcap", pcap.records[count:]))
            assert quirks(objects) <= quirks(whole), f"without the first {count} frames"


def test_what_comes_behind_a_gap_is_decoded(tmp_path):
    """A CPing behind the end of an answer whose body was asked for and lost is a CPing, and is answered."""
    talk = Conversation().send(CLIENT, ajpwire.request(4, "/a", headers=[("content-length", "9000")]))
    talk.send(CLIENT, ajpwire.data(b"x" * 8186), 9000).send(SERVER, ajpwire.get_body(814))
    lost = len(talk.packets)
    talk.send(CLIENT, ajpwire.data(b"x" * 814)).send(SERVER, ajpwire.whole_reply(b"ok"))
    talk.send(CLIENT, ajpwire.CPING).send(SERVER, ajpwire.CPONG)
    talk.send(CLIENT, ajpwire.request(uri="/b")).send(SERVER, ajpwire.whole_reply(b"b"))
    del talk.packets[lost]
    post, ping, get = decode(write(tmp_path / "lost.pcap", talk.packets))
    assert (post["status"], get["status"]) == (200, 200) and ping["kind"] == "cping" and ping["complete"]
    assert not ping["problems"] and not get["problems"] and not quirks([post, ping, get])
    assert [p["text"] for p in post["problems"]] == ["820 bytes were not captured"]


def test_a_lost_cpong_does_not_shift_the_others(tmp_path):
    talk, lost = Conversation(), 0
    for seconds in (0, 1, 2):
        talk.wait(seconds).send(CLIENT, ajpwire.CPING).send(SERVER, ajpwire.CPONG)
        lost = lost or len(talk.packets) - 1
    del talk.packets[lost]
    objects = decode(write(tmp_path / "lost.pcap", talk.packets))
    assert [o["complete"] for o in objects] == [False, True, True]
    assert all(o["total_ms"] < 1 for o in objects[1:]) and not quirks(objects)


def test_quirks_are_told_again_behind_the_next_whole_request(tmp_path):
    get, answer = ajpwire.request(), ajpwire.whole_reply(b"x")
    talk = Conversation().send(CLIENT, get).send(SERVER, answer)
    lost = len(talk.packets)
    talk.send(CLIENT, get).send(SERVER, answer).send(CLIENT, get).send(SERVER, answer + answer)
    del talk.packets[lost]
    file = write(tmp_path / "lost.pcap", talk.packets)
    assert quirks(decode(file)) == {"Q15"}
    assert [(o["kind"], o["status"]) for o in decode(file)] == [("request", 200), ("answer", 200), ("request", 200)]


def one_direction(pcap, to_server):
    """The frames of that direction alone; the server is the one with the lower port."""
    def is_sent(frame):
        ports = payload(frame, pcap.link)[0]
        return (ports[:2] > ports[2:]) == to_server
    return [record for record in pcap.records if is_sent(record[1])]


def by_connection(objects, key):
    found = defaultdict(list)
    for o in objects:
        found[o["client"]].append(o[key])
    return dict(found)


@pytest.mark.parametrize("name", ["proxy-session.pcap", "jk-cping.pcap", "proxy-keepalive.pcap", "jk-concurrent.pcap",
                                  "raw-bodies.pcap", "proxy-ipv6.pcap", "mtu1500-jk-keepalive.pcap"])
def test_answers_alone_are_shown_with_their_status(name, tmp_path):
    pcap = Pcap(CAPTURES / name)
    whole = decode(pcap.path)
    file = pcap.write(tmp_path / "answers.pcap", one_direction(pcap, to_server=False))
    answers = decode(file)
    answered = [o for o in whole if o["kind"] == "request" and o["status"]]
    for key in ("status", "response_bytes", "response_crc32", "reuse"):
        assert by_connection([o for o in answers if o["kind"] == "answer"], key) == by_connection(answered, key)
    assert sum(o["kind"] == "cping" for o in answers) == sum(o["kind"] == "cping" for o in whole)
    assert quirks(answers) <= quirks(whole) and all(o["total_ms"] is None for o in answers)
    assert ajpcat("decode", file).stdout.count(b" (answer) ") == len(answered)
    counted = json.loads(ajpcat("stats", "--json", file).stdout)
    assert (counted["answers_alone"], counted["requests"], counted["unanswered"]) == (len(answered), 0, 0)
    assert sum(row["count"] for row in counted["statuses"]) == len(answered)


@pytest.mark.parametrize("name", ["proxy-session.pcap", "jk-cping.pcap", "proxy-keepalive.pcap", "jk-concurrent.pcap",
                                  "raw-bodies.pcap", "proxy-ipv6.pcap", "mtu1500-jk-keepalive.pcap"])
def test_requests_alone_are_shown_with_their_bodies(name, tmp_path):
    pcap = Pcap(CAPTURES / name)
    whole = [o for o in decode(pcap.path) if o["kind"] == "request"]
    requests = [o for o in decode(pcap.write(tmp_path / "requests.pcap", one_direction(pcap, to_server=True)))
                if o["kind"] == "request"]
    for key in ("method", "uri", "request_bytes", "request_crc32"):
        assert by_connection(requests, key) == by_connection(whole, key)
    assert quirks(requests) <= quirks(whole) and {p["text"] for o in requests for p in o["problems"]} <= {
        "nothing that the server sent was captured"}
    assert all(o["ending"] is None for o in requests) and len(facts(requests)) == len(whole)
