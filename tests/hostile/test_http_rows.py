# SPDX-License-Identifier: Apache-2.0
"""An HTTP client that says anything to ajpbridge."""
import pytest

from http_rows import OK, ROWS
from rawhttp import HttpClient
from scripted import Link, identity


@pytest.fixture(scope="module")
def bridge(guarded, scripted):
    worker = scripted()
    daemon = guarded("ajpbridge", {"w": worker.port}, "--body-timeout", "400ms", "--request-head-timeout", "400ms")
    daemon.worker = worker
    daemon.bystander = HttpClient(daemon.port)
    return daemon


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_row(bridge, number, row):
    allowed = row.status if isinstance(row.status, tuple) else (row.status,)
    for mode in row.modes:
        mine = f"{number():08}"
        with HttpClient(bridge.port) as client:
            try:
                Link(None, client.sock, 0).send(row.data.replace(b"@" * 8, mine.encode()), mode)
            except OSError:  # it had heard enough
                pass
            got = client.read_reply(head=row.head)
            if row.silent and got.status is None:
                continue
            assert got.complete and got.status in allowed, got
            if got.status == OK:
                assert got.body == (b"" if row.head else identity(mine, row.body)), got
                assert row.seen is None or row.seen(bridge.worker.requests[-1]), vars(bridge.worker.requests[-1])
                after = f"{number():08}"
                assert client.get("/good", after).body == identity(after), "the connection goes on"
            else:
                assert row.keeps or (got.header("connection") or "").lower() == "close" and got.closed, got
                assert b"@" not in got.body and b"evil" not in got.body
                body_came = row.status == 408 or b"chunked" in row.data.lower()
                assert bridge.worker.executed[mine] <= body_came, "a worker heard of it"
        assert bridge.worker.executed["SMUGGLED"] == 0
        after = f"{number():08}"
        assert bridge.bystander.get("/good", after).body == identity(after)
    assert bridge.worker.faults == []
    assert "to=suspect" not in bridge.output()
