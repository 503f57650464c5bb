# SPDX-License-Identifier: Apache-2.0
"""tshark beside `ajpcat decode` on the same captures: where they differ, ajpcat is with the truth."""
import collections
import json
import subprocess
import sys

import pytest

from procs import BIN, ROOT

sys.path.insert(0, str(ROOT / "tests/ajpcat"))
from cat import MORE_TRUTH, TRUTH, capture, unpack_more  # noqa: E402

METHODS = dict(enumerate("OPTIONS GET HEAD POST PUT DELETE TRACE PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK "
                         "ACL REPORT VERSION-CONTROL CHECKIN CHECKOUT UNCHECKOUT SEARCH MKWORKSPACE UPDATE LABEL "
                         "MERGE BASELINE-CONTROL MKACTIVITY".split(), 1))


def by_tshark(file):
    """{client port: ([(method, uri)], [status])}"""
    out = subprocess.run(
        ["tshark", "-n", "-r", file, "-d", "tcp.port==18000-18999,ajp13", "-Y", "ajp13", "-T", "fields",
         "-E", "aggregator=\x01", "-e", "tcp.srcport", "-e", "tcp.dstport", "-e", "ajp13.method", "-e", "ajp13.uri",
         "-e", "ajp13.rstatus"], capture_output=True, text=True, check="cut" not in str(file)).stdout
    seen = collections.defaultdict(lambda: ([], []))
    for line in out.splitlines():
        source, target, methods, uris, statuses = line.split("\t")
        if methods:
            seen[int(source)][0].extend(zip((METHODS.get(int(m)) for m in methods.split("\x01")), uris.split("\x01")))
        if statuses:
            seen[int(target)][1].extend(int(s) for s in statuses.split("\x01"))
    return dict(seen)


def by_ajpcat(file):
    out = subprocess.run([BIN / "ajpcat", "decode", "--json", file], capture_output=True, text=True).stdout
    seen = collections.defaultdict(lambda: ([], []))
    for exchange in map(json.loads, out.splitlines()):
        if exchange["kind"] == "request":
            requests, statuses = seen[int(exchange["client"].rpartition(":")[2])]
            requests.append((exchange["method"], exchange["uri"]))
            if exchange["status"] is not None:
                statuses.append(exchange["status"])
    return dict(seen)


# Where tshark 4.0 sees other requests or statuses than both ends of the traffic did: packets of 64 KiB,
# requests behind a body that was not read, stored methods, packets swapped in the capture, captures that begin
# within a body. Of lighttpd's extra packets it takes the answers, which no request has, for others.
LIGHTTPD_WITHOUT_THEM = ("lighttpd-backendkilled.pcap", "lighttpd-expect100.pcap", "lighttpd-upload1m.pcap")
TSHARK_ERRS = [
    "derived-nohandshake.pcap", "derived-reorder.pcap", "jk-container.pcap", "jk-flush.pcap", "jk-methods.pcap",
    "jk-odd.pcap", "jk-packet64k.pcap", "jk-var-midstream.pcap", "jk-var-snap96.pcap", "proxy-container.pcap",
    "proxy-flush.pcap", "proxy-methods.pcap", "proxy-odd.pcap", "proxy-packet64k.pcap", "proxy-var-midstream.pcap",
    "raw-broken.pcap", "raw-pipelined.pcap", "raw-segmented.pcap", "raw-strings.pcap",
    *(name for name in (*TRUTH, *MORE_TRUTH) if name.startswith("lighttpd-") and name not in LIGHTTPD_WITHOUT_THEM)]
NAMES = [*TRUTH, *(pytest.param(name, marks=pytest.mark.release) for name in MORE_TRUTH)]


@pytest.fixture(scope="module")
def more(tmp_path_factory):
    return unpack_more(tmp_path_factory.mktemp("more"))


@pytest.mark.parametrize("name", NAMES)
def test_ajpcat_is_with_the_truth_and_tshark_agrees_where_it_is_too(name, more):
    file, truth = capture(name, more), {**TRUTH, **MORE_TRUTH}[name]
    ours, theirs = by_ajpcat(file), by_tshark(file)
    asked = collections.Counter(pair for requests, _ in ours.values() for pair in requests)
    assert asked == collections.Counter((row[3], row[4]) for row in truth["requests"])
    if name in TSHARK_ERRS:
        assert theirs != ours, f"tshark is right about {name}: it need not be listed"
    else:
        assert theirs == ours
