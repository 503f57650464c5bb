# SPDX-License-Identifier: Apache-2.0
"""AJP in whatever carries TCP: tunnels, tags, kinds of interfaces and fragments; and what is told where there is none."""
import json
import random
import shutil
import socket
import subprocess

import pytest

import ajpwire
import frames
from cat import CAPTURES, Pcap, ajpcat, decode
from frames import CLIENT, ETHERNET, RAW, SERVER, Conversation, write
from procs import BIN, ROOT, Process, poll

MAN_PAGE = (ROOT / "docs/man/ajpcat.1.scd").read_text()
BODY = bytes(range(256)) * 40
SIX = ("2001:db8:1::1", "2001:db8:1::2")

# what carries it, and the link type of the file
CARRIERS = {
    "ethernet": (frames.ethernet, ETHERNET),
    "VLAN": (frames.vlan, ETHERNET),
    "QinQ": (lambda p: frames.vlan(p, (0x88a8, 0x8100)), ETHERNET),
    "802.2 SNAP": (frames.snap, ETHERNET),
    "MPLS": (frames.mpls, ETHERNET),
    "MPLS pseudowire": (frames.pseudowire, ETHERNET),
    "MPLS pseudowire without its word": (lambda p: frames.pseudowire(p, b""), ETHERNET),
    "MPLS pseudowire to a low address": (lambda p: frames.pseudowire(p, b"", bytes(12)), ETHERNET),
    "MPLS in UDP": (frames.mpls_in_udp, RAW),
    "PPPoE": (frames.pppoe, ETHERNET),
    "PPPoE in VLAN": (lambda p: frames.pppoe(p)[:12] + b"\x81\0\0\7" + frames.pppoe(p)[12:], ETHERNET),
    "provider backbone": (frames.backbone, ETHERNET),
    "VXLAN": (frames.vxlan, RAW),
    "VXLAN of Linux": (lambda p: frames.vxlan(p, 8472), RAW),
    "VXLAN GPE": (frames.vxlan_gpe, RAW),
    "Geneve": (frames.geneve, RAW),
    "Geneve without options": (lambda p: frames.geneve(p, b""), RAW),
    "GRE": (frames.gre, RAW),
    "GRE with all fields": (lambda p: frames.gre(p, 0xb000), RAW),
    "GRE with Ethernet": (lambda p: frames.gre(frames.ethernet(p), 0x2000, 0x6558), RAW),
    "PPTP": (frames.pptp, RAW),
    "ERSPAN I": (frames.erspan_1, RAW),
    "ERSPAN II": (frames.erspan_2, RAW),
    "ERSPAN III": (frames.erspan_3, RAW),
    "ERSPAN III with more": (lambda p: frames.erspan_3(p, 1), RAW),
    "IP in IP": (frames.in_ip, RAW),
    "IP in IPv6": (frames.in_ipv6, RAW),
    "AH": (frames.signed, RAW),
    "EtherIP": (frames.etherip, RAW),
    "VXLAN in VLAN": (lambda p: frames.vlan(frames.vxlan(p)), ETHERNET),
    "GRE in VXLAN in IP": (lambda p: frames.in_ip(frames.vxlan(frames.gre(p))), RAW),
    "PPP": (frames.ppp, 9),
    "PPP of pppd": (lambda p: b"\1" + frames.ppp(p), 166),
    "PPP serial": (frames.ppp, 50),
    "PPP without its head": (lambda p: frames.ppp(p, b""), 9),
    "Cisco HDLC": (frames.hdlc, 104),
    "ATM": (lambda p: frames.snap(p)[14:], 100),
    "cooked": (frames.sll, 113),
    "cooked 2": (frames.sll2, 276),
    "null": (frames.null, 0),
    "Wi-Fi": (frames.wifi, 105),
    "Wi-Fi without QoS": (lambda p: frames.wifi(p, qos=False), 105),
    "Wi-Fi bridge": (lambda p: frames.wifi(p, both=True), 105),
    "Wi-Fi aggregated": (frames.aggregated, 105),
    "radiotap": (frames.radiotap, 127),
    "radiotap padded": (lambda p: frames.radiotap(p, flags=0x20), 127),
    "PPI": (frames.ppi, 192),
    "PKTAP": (frames.pktap, 258),
    "NFLOG": (frames.nflog, 239),
}
# those in which tshark does not look for AJP, or not without being told
NOT_TSHARK = {"VXLAN of Linux", "PPP of pppd", "MPLS pseudowire", "MPLS pseudowire without its word"}


def talk(**more):
    c = Conversation(**more).send(CLIENT, ajpwire.CPING).send(SERVER, ajpwire.CPONG)
    c.send(CLIENT, ajpwire.request(4, "/up", headers=[("content-length", "8000")]) + ajpwire.data(BODY[:8000]))
    return c.send(SERVER, ajpwire.whole_reply(BODY[:8000])).close(CLIENT).close(SERVER)


def check(objects):
    ping, post = objects
    assert ping["complete"] and (post["uri"], post["status"], post["request_bytes"], post["response_bytes"]) == (
        "/up", 200, 8000, 8000)
    assert post["request_whole"] and post["response_whole"] and not post["problems"]


@pytest.mark.parametrize("inner", [{}, {"client": SIX[0], "server": SIX[1]}], ids=["v4", "v6"])
@pytest.mark.parametrize("name", CARRIERS)
def test_ajp_is_found_whatever_carries_it(name, inner, tmp_path):
    carry, link = CARRIERS[name]
    file = write(tmp_path / "carried.pcap", [(time, carry(packet)) for time, packet in talk(**inner).packets], link)
    check(decode(file))
    # cut anywhere, nothing is invented, and no more is read than is there
    pick = random.Random(name)
    for cut in pick.sample(range(1, 120), 3):
        out = ajpcat("decode", write(tmp_path / "cut.pcap", [(t, carry(p)) for t, p in talk(**inner).packets], link, cut))
        assert out.returncode == 0


@pytest.mark.release
@pytest.mark.parametrize("name", [name for name in CARRIERS if name not in NOT_TSHARK])
def test_tshark_finds_the_same(name, tmp_path):
    if not shutil.which("tshark"):
        pytest.skip("no tshark")
    carry, link = CARRIERS[name]
    file = write(tmp_path / "carried.pcap", [(time, carry(packet)) for time, packet in talk().packets], link)
    found = subprocess.run(["tshark", "-n", "-r", file, "-Y", "ajp13", "-T", "fields", "-e", "ajp13.uri", "-e",
                            "ajp13.rstatus"], capture_output=True, check=True).stdout.split()
    assert (found[:1], found[-1:]) == ([b"/up"], [b"200"])


@pytest.mark.parametrize("order", ["in order", "reversed", "shuffled", "twice"])
@pytest.mark.parametrize("inner", [{}, {"client": SIX[0], "server": SIX[1]}], ids=["v4", "v6"])
def test_fragments_are_put_together(inner, order, tmp_path):
    packets = []
    for number, (time, packet) in enumerate(talk(**inner).packets):
        parts = frames.fragments(packet, number=number)
        if order == "reversed":
            parts.reverse()
        elif order == "shuffled":
            random.Random(number).shuffle(parts)
        packets += [(time, part) for part in parts for _ in range(1 + (order == "twice"))]
    check(decode(write(tmp_path / "parts.pcap", packets)))


def test_a_tunnel_in_fragments_is_looked_into(tmp_path):
    packets = [(time, part) for number, (time, packet) in enumerate(talk().packets)
               for inner in frames.fragments(packet, 512, number) for part in frames.fragments(frames.vxlan(inner), 200, 1000 + number)]
    # the outer ones of one inner fragment stand together; ids differ by packet, so give each its own
    unique = []
    for number, (time, packet) in enumerate(talk().packets):
        for at, inner in enumerate(frames.fragments(packet, 512, number)):
            unique += [(time, part) for part in frames.fragments(frames.vxlan(inner), 200, number * 100 + at)]
    assert len(unique) == len(packets)
    check(decode(write(tmp_path / "tunnel.pcap", unique)))


def test_fragments_whose_rest_is_missing_are_a_gap(tmp_path):
    """And those of another packet with the same number, a minute later, are not mixed with them."""
    whole = talk().packets
    data = [at for at, (_, packet) in enumerate(whole) if len(packet) > 1000]
    packets = [p for at, p in enumerate(whole) if at != data[0]]
    packets[data[0]:data[0]] = [(whole[data[0]][0], frames.fragments(whole[data[0]][1], number=9)[0])]
    minute = [(time + 60 * 10**9, part) for time, packet in talk(ports=(40001, 8009)).packets
              for part in (frames.fragments(packet, number=9) if len(packet) > 1000 else [packet])]
    objects = decode(write(tmp_path / "lost.pcap", packets + minute))
    check(objects[-2:])
    assert any("not captured" in p["text"] for o in objects[:-2] for p in o["problems"])


def test_many_fragments_cost_little_memory(tmp_path):
    """Ten thousand packets of which only the first fragment comes, then a whole one."""
    part = frames.ip("192.0.2.7", "192.0.2.8", 6, bytes(1400), more=True)
    flood = [(10**18 + n, part[:4] + n.to_bytes(2, "big") + part[6:]) for n in range(10000)]
    file = write(tmp_path / "flood.pcap", flood + [(t, p) for n, (t, whole) in enumerate(talk().packets)
                                                   for p in [(t, f) for f in frames.fragments(whole, number=n)] for t, p in [p]])
    check(decode(file))


@pytest.mark.parametrize("make, told", [
    (lambda: [frames.ethernet(frames.ip("192.0.2.1", "192.0.2.2", 17, frames.udp(53, b"x"))), frames.ethernet(bytes(28), 0x0806),
              frames.ethernet(bytes(28), 0x0806)], "3 frames: 2 of ARP, 1 of UDP"),
    (lambda: [frames.ethernet(frames.ip("192.0.2.1", "192.0.2.2", 50, bytes(40)))], "1 frame: 1 of encrypted IP (ESP)"),
    (lambda: [frames.ethernet(bytes(40), 0x88e5), frames.ethernet(bytes(40), 0x1234)],
     "2 frames: 1 of Ethernet type 0x1234, 1 of MACsec"),
    (lambda: [frames.ethernet(frames.ip("192.0.2.1", "192.0.2.2", 1, frames.ip("192.0.2.2", "192.0.2.1", 6, bytes(20))))],
     "1 frame: 1 of ICMP"),
    (lambda: [frames.ethernet(part) for part in frames.fragments(frames.ip("192.0.2.1", "192.0.2.2", 6, bytes(600)))[:2]],
     "2 frames: 2 of IP fragments"),
    (lambda: [frames.ethernet(frames.ip("192.0.2.1", "192.0.2.2", 6, bytes(8), more=at != 16, offset=at)) for at in (800, 808, 16)],
     "3 frames: 3 of IP fragments"),  # as many as the last one asks for, but two lie behind it
    (lambda: [frames.ethernet(p) for _, p in Conversation(ports=(40000, 80)).send(CLIENT, b"GET / HTTP/1.1\r\n\r\n").packets],
     "4 frames: 4 of TCP; 1 connection of HTTP to 192.0.2.2:80"),
    (lambda: [frames.ethernet(p) for n in (1, 2) for _, p in Conversation(ports=(n, 443)).send(CLIENT, b"\x16\3\1\0\5hello").packets],
     "8 frames: 8 of TCP; 2 connections of TLS to 192.0.2.2:443"),
    (lambda: [frames.ethernet(p) for _, p in Conversation(ports=(40000, 81), opened=False).segment(CLIENT, frames.SYN).segment(
        SERVER, frames.RST | frames.ACK).packets], "2 frames: 2 of TCP; 1 connection refused by 192.0.2.2:81"),
    (lambda: [], "0 frames"),
], ids=str)
def test_where_no_ajp_is_one_sentence_says_what_there_was(make, told, tmp_path):
    file = write(tmp_path / "none.pcap", [(10**18, frame) for frame in make()], ETHERNET)
    for command in ("decode", "stats"):
        done = ajpcat(command, file)
        assert done.returncode == 0 and done.stderr.decode() == f"ajpcat {command}: {file}: no AJP in {told}\n"


def test_encrypted_wifi_is_told(tmp_path):
    frame = bytearray(frames.wifi(talk().packets[0][1]))
    frame[1] |= 0x40
    done = ajpcat("decode", write(tmp_path / "wifi.pcap", [(10**18, bytes(frame))], 105))
    assert done.stderr.endswith(b"no AJP in 1 frame: 1 of encrypted Wi-Fi\n")


def test_a_link_that_carries_no_ip_is_named(tmp_path):
    done = ajpcat("decode", write(tmp_path / "usb.pcap", [], 189))
    assert done.returncode == 1 and b"link type 189 (USB with Linux header) is not one that AJP is carried on" in done.stderr


def test_real_traffic_in_a_tunnel_reads_as_it_did_outside(tmp_path):
    pcap = Pcap(CAPTURES / "jk-concurrent.pcap")
    carried = [(head[:8] + (len(frame) + 50).to_bytes(4, "little") * 2,
                frames.ethernet(frames.over_ip(17, frames.udp(4789, b"\x08" + bytes(7) + frame)))) for head, frame in pcap.records]
    assert decode(pcap.write(tmp_path / "vxlan.pcap", carried)) == decode(pcap.path)


def test_a_tunnel_is_seen_on_an_interface_too(tmp_path):
    """The kernel's filter lets through what may hold TCP."""
    listener = Process([BIN / "ajpcat", "decode", "--json", "-i", "lo", "-f", "uri == '/tunnel'"], tmp_path / "err",
                       stdout=open(tmp_path / "out", "wb"))
    try:
        poll(lambda: not listener.running() or "listening on lo" in listener.output(), what="it listens")
        if not listener.running():
            pytest.skip("no right to capture")
        ports = iter(range(30000, 40000))

        def seen():
            talk = Conversation(ports=(next(ports), 8009)).send(CLIENT, ajpwire.request(uri="/tunnel"))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                for _, packet in talk.send(SERVER, ajpwire.whole_reply(b"x")).close(CLIENT).close(SERVER).packets:
                    sender.sendto(b"\x08" + bytes(7) + frames.ethernet(packet), ("127.0.0.1", 4789))
            rows = map(json.loads, (tmp_path / "out").read_text().splitlines())
            return next((row for row in rows if row["complete"]), None)
        assert poll(seen, what="an exchange is shown")["status"] == 200
    finally:
        assert listener.terminate() in (0, 1)


def test_the_man_page_names_them():
    for word in ("VXLAN", "Geneve", "GRE", "ERSPAN", "MPLS", "PPPoE", "fragments", "PPP", "Wi-Fi", "radiotap", "PKTAP", "802.2"):
        assert word in MAN_PAGE, word
