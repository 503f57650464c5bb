# SPDX-License-Identifier: Apache-2.0
"""Hex text as people post it: what the tools print is read as the bytes they were given."""
import pathlib
import random
import re
import shutil
import subprocess

import pytest

import ajpwire
import frames
from cat import CAPTURES, HERE, ajpcat, decode
from frames import CLIENT, SERVER, Conversation, write

HEX = HERE / "hex"
REQUEST = ajpwire.request(uri="/posted", headers=[("host", "h"), ("x-row", "0" * 70)])
ANSWER = ajpwire.whole_reply(b"\0" * 300 + b"end")
TALK = ajpwire.CPING + ajpwire.CPONG + REQUEST + ANSWER


def read(text):
    done = ajpcat("decode", "--json", "-", stdin=text if isinstance(text, bytes) else text.encode())
    assert done.returncode == 0, done.stderr.decode()
    import json
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(objects, odd=True):
    ping, get = objects
    assert ping["kind"] == "cping" and ping["complete"] and not ping["problems"]
    assert (get["uri"], get["status"], get["response_bytes"], get["problems"]) == ("/posted", 200, 303, [])


@pytest.mark.parametrize("data", [TALK, TALK + ajpwire.CPING + ajpwire.CPONG], ids=["odd", "even"])
@pytest.mark.parametrize("command", [
    "xxd", "xxd -i", "xxd -p", "xxd -c 8", "xxd -g 1", "xxd -u", "xxd -a", "hexdump -C", "hexdump", "hexdump -x", "hexdump -v",
    "od -t x1", "od -A x -t x1z", "od -v -A n -t x1", "od -A d -t x1", "od -b", "od -x", "od", "od -v -t x1 -w32",
])
def test_what_a_tool_prints_is_read(command, data, tmp_path):
    program = command.split()[0]
    if not shutil.which(program):
        pytest.skip(f"no {program}")
    (tmp_path / "talk").write_bytes(data)
    text = subprocess.run([*command.split(), "talk"], cwd=tmp_path, capture_output=True, check=True, timeout=20).stdout
    objects = read(text)
    check(objects[:2])
    assert len(objects) == (2 if data == TALK else 3) and all(not o["problems"] for o in objects)


def tcpdump(talk, link=lambda packet: packet, characters=False):
    """As `tcpdump -x` prints it; -X shows the characters too, -xx the frame."""
    out = []
    for number, (time, packet) in enumerate(talk.packets):
        packet = link(packet)
        out.append(f"09:18:{number % 60:02d}.205473 IP a.1 > b.2: Flags [P.], seq 1:6, ack 1, length 5")
        for at in range(0, len(packet), 16):
            row = packet[at:at + 16]
            words = " ".join(row[i:i + 2].hex() for i in range(0, len(row), 2))
            shown = "".join(chr(c) if 33 <= c < 127 else "." for c in row)
            out.append(f"\t0x{at:04x}:  {words:40}{' ' + shown if characters else ''}".rstrip())
    return "\n".join(out) + "\n"


@pytest.mark.parametrize("characters", [False, True], ids=["-x", "-X"])
@pytest.mark.parametrize("link", [bytes, frames.ethernet, frames.vlan, frames.sll, frames.sll2, frames.null],
                         ids=["IP", "Ethernet", "VLAN", "SLL", "SLL2", "null"])
@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_frames_of_tcpdump_are_decoded(link, characters, six, tmp_path):
    ends = {"client": "2001:db8::1", "server": "2001:db8::2"} if six else {}
    talk = Conversation(**ends).send(CLIENT, ajpwire.CPING).send(SERVER, ajpwire.CPONG).send(CLIENT, REQUEST).send(SERVER, ANSWER)
    text = tcpdump(talk, link, characters)
    objects = read(text)
    check(objects)
    assert objects[0]["client"].endswith(":40000") and objects[0]["total_ms"] == 1000
    check(read(re.sub(r"^\t", "", text, flags=re.M)))  # as it is after copying
    check(read(re.sub(r"^\t", "", text, count=3, flags=re.M)))
    check(read(re.sub(r"^\d\d:.*\n", "", text, flags=re.M)))


def test_a_frame_as_a_bare_stream_of_digits_is_decoded():
    """As Wireshark copies it."""
    packets = Conversation(opened=False).segment(CLIENT, frames.SYN).segment(SERVER, frames.SYN | frames.ACK).send(
        CLIENT, REQUEST).send(SERVER, ANSWER).packets
    for link in (bytes, frames.ethernet, frames.sll2):
        o, = read("\n".join(link(packet).hex() for _, packet in packets))
        assert (o["uri"], o["status"]) == ("/posted", 200)


@pytest.mark.release
@pytest.mark.parametrize("options", [["-x"], ["-q", "-z", "follow,tcp,hex,0"], ["-V", "-x"]], ids=" ".join)
def test_tshark_is_read_back(options, tmp_path):
    if not shutil.which("tshark"):
        pytest.skip("no tshark")
    for name in ("proxy-ipv6.pcap", "jk-cping.pcap"):
        text = subprocess.run(["tshark", "-n", *options, "-r", CAPTURES / name], capture_output=True, check=True).stdout
        want = [o for o in decode(CAPTURES / name) if o["connection"] == 0 or "-x" in options]
        got = read(text)
        keys = ("kind", "method", "uri", "status", "request_bytes", "response_crc32", "complete")
        assert [[o.get(k) for k in keys] for o in got] == [[o.get(k) for k in keys] for o in want]


@pytest.mark.parametrize("name, told", [
    ("tcpdump-x.txt", [("cping", None, None, True), ("request", "/lab/session", 200, True)]),
    ("packet.hexdump-C.txt", [("request", "/lab/session", None, False)]),
    ("mod_jk-debug.log", [("request", "/lab/echo", None, False)]),
    ("ghostcat-packet.hex", [("request", "/app/index", None, False)]),
    ("wireshark-follow-hex.txt", [("cping", None, None, True)]),
])
def test_what_was_posted_is_read(name, told):
    objects = decode(HEX / name)
    assert [(o["kind"], o.get("uri"), o.get("status"), o["complete"]) for o in objects] == told
    assert not any(o["problems"] for o in objects)


def test_a_post_that_breaks_off_is_told_as_far_as_it_goes():
    """Its last line is missing."""
    text = ajpcat("decode", HEX / "wireshark-follow-hex.txt").stdout.decode()
    assert "/lab/session\n    ! 188 bytes of a packet that says 212 " in text


@pytest.mark.parametrize("text", [
    "s.send(b'\\x124\\x00\\x01\\n')\n",
    'char ping[] = "\\x12\\x34\\x00\\x01\\x0a";',
    "printf '\\x12\\x34\\x00\\x01\\x0a' | nc localhost 8009",
    "\\x12\\x34\\x00\\x01\\x0a",
    "byte[] ping = { 0x12, 0x34, 0x00, 0x01, 0x0a };",
    "char peer0_0[] = { /* Packet 4 */\n0x12, 0x34, 0x00, 0x01,\n0x0a };\n",
    "12:34:00:01:0a",
    "Data: 5 bytes\n0000   12 34 00 01 0a                                    .4...\n",
])
def test_what_programs_and_dialogs_hold_is_read(text):
    o, = read(text)
    assert o["kind"] == "cping" and not o["problems"]


def test_both_sides_of_arrays_are_told_apart():
    text = ""
    for number, (side, data) in enumerate([(0, ajpwire.CPING), (1, ajpwire.CPONG), (0, REQUEST), (1, ANSWER[:100]), (1, ANSWER[100:])]):
        text += f"char peer{side}_{number}[] = {{ /* Packet {number} */\n" + ", ".join(f"0x{b:02x}" for b in data) + " };\n"
    check(read(text))


@pytest.mark.parametrize("text, line", [
    ("1234 0001 0a\n4142 0001 09\nnot hex\n", 3), ("# a ping\n1234 0001 0g\n", 2), ("hello\n", 1), ("123\n", 1),
])
def test_a_line_that_is_no_hex_is_pointed_at(text, line):
    done = ajpcat("decode", "-", stdin=text.encode())
    assert done.returncode == 1 and f"line {line}: expected a pcap or pcapng file".encode() in done.stderr


def test_rows_that_are_left_out_are_put_back():
    zeros = ajpwire.whole_reply(bytes(2000))
    dump = subprocess.run(["od", "-A", "x", "-t", "x1"], input=REQUEST + zeros, capture_output=True, check=True).stdout
    assert b"\n*\n" in dump
    o, = read(dump)
    assert (o["response_bytes"], o["complete"], o["problems"]) == (2000, True, [])
    huge = ajpcat("decode", "-", stdin=b"00000000  12 34 00 00 00 00 00 00  00 00 00 00 00 00 00 00\n*\nfffffffffffffff0  00\n")
    assert huge.returncode == 0


def test_damaged_text_is_survived():
    """Whatever is cut out or doubled, the text is read or refused."""
    texts = [pathlib.Path(p).read_bytes() for p in sorted(HEX.iterdir())] + [tcpdump(Conversation().send(CLIENT, REQUEST)).encode()]
    for seed in range(60):
        pick = random.Random(seed)
        text = bytearray(pick.choice(texts))
        for _ in range(pick.randint(1, 8)):
            at = pick.randrange(len(text))
            text[at:at + pick.randint(0, 40)] = text[pick.randrange(len(text)):][:pick.randint(0, 40)]
        done = ajpcat("decode", "-v", "-", stdin=bytes(text))
        assert done.returncode in (0, 1), seed


def test_many_threads_of_a_log_stay_apart():
    def line(thread, text):
        return f"[Tue Dec 01 09:22:40.450 2026] [1:{thread}] [debug] ajp_x::jk_ajp_common.c (12): {text}\n"
    rows = []
    for thread in range(3):
        data = ajpwire.request(uri=f"/{thread}")
        rows.append([line(thread, f"sending to w pos=4 len={len(data)} max=8192")] + [
            line(thread, f"{at:04x}    {' '.join(f'{b:02X}' for b in data[at:at + 16].ljust(16, bytes(1)))}  - ....") for at in range(0, len(data), 16)])
        for answer in (ajpwire.reply(), ajpwire.end()):
            rows[-1] += [line(thread, f"received from w pos=0 len={len(answer) - 4} max=8192")] + [
                line(thread, f"{at:04x}    {' '.join(f'{b:02X}' for b in answer[4 + at:20 + at].ljust(16, bytes(1)))}  - ....")
                for at in range(0, len(answer) - 4, 16)]
    mixed = [row for turn in zip(*rows) for row in turn]
    assert [(o["uri"], o["status"], o["complete"], o["problems"]) for o in read("".join(mixed))] == [
        (f"/{thread}", 200, True, []) for thread in range(3)]


def test_the_same_packets_read_the_same_from_a_file(tmp_path):
    talk = Conversation().send(CLIENT, REQUEST).send(SERVER, ANSWER)
    o, = decode(write(tmp_path / "talk.pcap", talk.packets))
    p, = read(tcpdump(talk))
    for key in ("client", "server", "uri", "status", "response_crc32", "frame", "quirks"):
        assert o[key] == p[key]
