# SPDX-License-Identifier: Apache-2.0
"""Every capture there is says what the reference decoder said, and still does when packets are cut off,
swapped, repeated or lost."""
import random
from collections import Counter

import pytest

from cat import MORE_TRUTH, TRUTH, Pcap, capture, check_truth, decode, facts, payload, unpack_more

# the second cannot be written by Pcap; in the others packets are missing before we begin
DAMAGED = ("jk-var-pcapng.pcapng", "jk-var-snap96.pcap", "derived-loss.pcap", "derived-cut.pcap")
PLAIN = [name for name in TRUTH if name not in DAMAGED]
# all others are looked at in release builds only, since they are many
ALL = PLAIN + [pytest.param(name, marks=pytest.mark.release) for name in MORE_TRUTH if name not in DAMAGED]


@pytest.fixture(scope="module")
def more(tmp_path_factory):
    return unpack_more(tmp_path_factory.mktemp("more"))


@pytest.fixture
def pcap(request, more):
    return Pcap(capture(request.param, more))


def by_name(names):
    return pytest.mark.parametrize("pcap", names, indirect=True)


@pytest.mark.parametrize("name", MORE_TRUTH)
def test_each_other_capture_is_decoded_as_the_truth_file_says(name, more):
    check_truth(decode(more / name), MORE_TRUTH[name])


@by_name(ALL)
def test_the_first_packets_may_be_missing(pcap, tmp_path):
    whole = decode(pcap.path)
    for count in (1, 2, 3, 4, 7, 10, 15, 25, 60):
        if count < len(pcap.records):
            cut = decode(pcap.write(tmp_path / "cut.pcap", pcap.records[count:]))
            assert facts(o for o in cut if o.get("uri")) == facts(o for o in whole if o["frame"] > count), count


def swapped(records, pick, distance=1):
    """Some change places with another, their times do not."""
    out, at = list(records), 0
    while at + distance < len(out):
        (head, frame), (head2, frame2) = out[at], out[at + distance]
        if pick.random() < 0.1:
            out[at], out[at + distance] = (head[:8] + head2[8:], frame2), (head2[:8] + head[8:], frame)
            at += distance
        at += 1
    return out


def far_swapped(records, pick):
    return swapped(records, pick, 3)


def repeated(records, pick):
    out = []
    for record in records:
        out += [record] * pick.choice((1, 1, 1, 2))
        if pick.random() < 0.1:
            out.append(out[-pick.randint(1, min(8, len(out)))])
    return out


def both(records, pick):
    return repeated(swapped(records, pick), pick)


@by_name(ALL)
@pytest.mark.parametrize("damage", [swapped, far_swapped, repeated, both])
def test_swapped_and_repeated_packets_change_nothing(pcap, damage, tmp_path):
    """Not even a SYN or the end of a connection, and those of the other direction."""
    want = sorted(facts(decode(pcap.path)), key=str)
    for seed in range(3):
        records = damage(pcap.records, random.Random(seed))
        got = facts(decode(pcap.write(tmp_path / "damaged.pcap", records)))
        assert sorted(got, key=str) == want, seed


@by_name(ALL)
def test_what_is_not_marked_is_true_when_packets_are_lost(pcap, tmp_path):
    """Nothing is invented, no more is missing than was dropped, and all that has no problem is as in the truth."""
    truth = facts(decode(pcap.path))
    carrying = [i for i, (_, frame) in enumerate(pcap.records) if payload(frame, pcap.link)[1] > 0]
    for seed in range(12):
        pick = random.Random(seed)
        lost = set(pick.sample(carrying, min(len(carrying), 1 + seed % 3)))
        got = decode(pcap.write(tmp_path / "lossy.pcap", [r for i, r in enumerate(pcap.records) if i not in lost]))
        whole = [o for o in got if o["kind"] == "request" and o["complete"] and not o["problems"]]
        missing = Counter(truth)
        missing.subtract(Counter(facts(whole)))
        assert min(missing.values(), default=0) >= 0, f"without frames {sorted(i + 1 for i in lost)}"
        assert len(truth) - len(lost) <= len(facts(got)) <= len(truth)


@by_name(["proxy-session.pcap", "proxy-keepalive.pcap", "jk-cping.pcap", "raw-strings.pcap", "proxy-tls.pcap",
          "proxy-ipv6.pcap", "jk-var-any.pcap"])
def test_a_lost_packet_harms_one_exchange_and_that_is_told(pcap, tmp_path):
    lost, whole = tmp_path / "lost.pcap", facts(decode(pcap.path))
    for at, (_, frame) in enumerate(pcap.records):
        if payload(frame, pcap.link)[1] == 0:
            continue
        objects = [o for o in decode(pcap.write(lost, pcap.records[:at] + pcap.records[at + 1:])) if o["kind"] == "request"]
        harmed = [o for o in objects if facts([o])[0] not in whole]
        assert len(harmed) <= 1 and len(objects) >= len(whole) - 1, f"frame {at + 1}"
        assert sum(fact in whole for fact in facts(objects)) >= len(whole) - 1, f"frame {at + 1}"
        assert all(o["problems"] or not o["complete"] for o in harmed), f"frame {at + 1}"
