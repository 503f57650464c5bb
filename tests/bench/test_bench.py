# SPDX-License-Identifier: Apache-2.0
"""The yardsticks themselves: the load generator believes nothing, the relay changes nothing."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("AJP_BENCH_BUILD") or HERE.parents[1] / "build/release")
TOOLS = BUILD / "tests/bench"

pytestmark = pytest.mark.skipif(not (TOOLS / "load").exists(), reason="bench tools are not built")


def listening(process, lines):
    found = [re.search(r"listening (\w+)://[\d.]+:(\d+)", process.stdout.readline())
             for _ in range(lines)]
    return {m[1]: m[2] for m in found}


@pytest.fixture(scope="module")
def sink():
    with subprocess.Popen([TOOLS / "sink", "0", "0"], stdout=subprocess.PIPE, text=True) as process:
        yield listening(process, 2)
        process.terminate()


def load(port, proto, *options):
    done = subprocess.run([TOOLS / "load", "--port", port, "--proto", proto, *options],
                          capture_output=True, text=True, timeout=30)
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("proto", ["http", "ajp"])
@pytest.mark.parametrize("size", [0, 1, 8184, 8185, 100000])
def test_every_answer_is_counted_and_whole(sink, proto, size):
    code, got = load(sink[proto], proto, "--path", f"/bytes/{size}", "--length", str(size),
                     "--conns", "3", "--requests", "50")
    assert (code, got["all_requests"], got["failed"]) == (0, 50, 0), got


@pytest.mark.parametrize("proto", ["http", "ajp"])
def test_a_wrong_length_is_a_failure(sink, proto):
    code, got = load(sink[proto], proto, "--path", "/bytes/99", "--length", "100", "--conns", "1",
                     "--requests", "5")
    assert code == 1 and got["failed"] > 0
    assert got["first_failure"] == "status 200, 99 bytes"


@pytest.mark.parametrize("proto", ["http", "ajp"])
@pytest.mark.parametrize("size", [1, 8186, 8187, 300000])
def test_uploads_take_turns(sink, proto, size):
    code, got = load(sink[proto], proto, "--path", "/upload", "--upload", str(size), "--length",
                     "100", "--conns", "3", "--requests", "20")
    assert (code, got["all_requests"]) == (0, 20), got


@pytest.mark.parametrize("proto", ["http", "ajp"])
@pytest.mark.parametrize("options", [["--path", "/bytes/3000000", "--length", "3000000"],
                                     ["--path", "/upload", "--upload", "3000000"]])
def test_the_relay_passes_everything(sink, proto, options):
    with subprocess.Popen([TOOLS / "relay", "0", sink[proto]], stdout=subprocess.PIPE,
                          text=True) as relay:
        port = listening(relay, 1)["tcp"]
        code, got = load(port, proto, *options, "--conns", "5", "--requests", "25")
        relay.terminate()
    assert (code, got["all_requests"]) == (0, 25), got


def test_a_server_that_is_not_there(sink):
    with subprocess.Popen([TOOLS / "relay", "0", "1"], stdout=subprocess.PIPE, text=True) as relay:
        port = listening(relay, 1)["tcp"]
        code, got = load(port, "http", "--conns", "2", "--requests", "2")
        relay.terminate()
    assert code == 1 and got["all_requests"] == 0 and got["failed"] >= 2


def test_a_server_that_goes_away(sink):
    with subprocess.Popen([TOOLS / "relay", "0", sink["http"]], stdout=subprocess.PIPE,
                          text=True) as relay:
        port = listening(relay, 1)["tcp"]
        client = subprocess.Popen([TOOLS / "load", "--port", port, "--conns", "2", "--requests",
                                   "1000000000"], stdout=subprocess.PIPE, text=True)
        relay.kill()
    got = json.loads(client.communicate(timeout=40)[0])
    assert client.returncode == 1 and got["failed"] > 0


def test_the_table_has_a_row_for_each(tmp_path):
    done = subprocess.run([HERE / "run", "proxies", "--build", BUILD, "--peers", "ajpforward",
                           "--columns", "small,up", "--extras", "none", "--rounds", "1",
                           "--seconds", "0.1", "--json"], capture_output=True, text=True,
                          timeout=60)
    rows = json.loads(done.stdout)
    assert set(rows) == {"relay-ajp", "ajpforward"}, done.stderr
    for row in rows.values():
        assert row["columns"]["small"]["us"] > 0 and "broken" not in row["columns"]["up"]


@pytest.mark.release
@pytest.mark.skipif(not (TOOLS / "allocs.so").exists(), reason="needs glibc")
def test_a_sticky_request_costs_no_allocation():
    """Through the whole daemon: every request carries a session of the worker's route, over 64
    connections. The relay, which allocates for each connection, shows that the count works."""
    done = subprocess.run([HERE / "run", "proxies", "--build", BUILD, "--peers", "ajpforward,ajpbridge",
                           "--columns", "small", "--extras", "allocations", "--rounds", "1",
                           "--seconds", "0.05", "--json"], capture_output=True, text=True, timeout=60)
    rows = json.loads(done.stdout)
    for row in rows.values():
        assert row["allocations"]["all"] >= 3 * 64, "each pass has 64 new connections"
    for name in ("ajpforward", "ajpbridge"):
        assert abs(rows[name]["allocations"]["per_request"]) < 0.01, rows[name]


@pytest.mark.release
@pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind is not installed")
def test_instructions_are_the_same_twice():
    """A yardstick for changes of a percent must not stray by one itself."""
    counts = []
    for _ in range(2):
        done = subprocess.run([HERE / "run", "instructions", "--build", BUILD, "--rows", "small", "--rounds", "1",
                               "--json"], capture_output=True, text=True, timeout=240, check=True)
        counts.append({row["program"]: row["instructions"] for row in json.loads(done.stdout)})
    assert set(counts[0]) == {"ajpbridge", "ajpforward"}
    for program, count in counts[0].items():
        assert count > 1000 and abs(counts[1][program] / count - 1) < 0.01, (program, counts)
