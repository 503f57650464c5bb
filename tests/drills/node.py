#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""node.py NAME PORT FILE [ADDRESS]: an app server that can be killed. Writes the x-id of each request that it executes
to FILE before anything else. /good answers with what only this request can get, /slow/MS later, /big/N with
N bytes, a piece at a time, /eat/N after taking N MiB of memory for good."""
import os
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from ajpwire import chunk, end, reply  # noqa: E402
from scripted import ScriptedWorker  # noqa: E402


def main():
    name, port, file = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    eaten = []
    executed = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def on_request(link, request):
        os.write(executed, f"{request.method} {request.header('x-id')}\n".encode())
        _, kind, *arg = request.uri.split("/")
        if kind == "slow":
            time.sleep(int(arg[0]) / 1000)
        if kind == "eat":
            eaten.append(b"\1" * (int(arg[0]) << 20))
        if kind == "big":
            link.send(reply())
            part = chunk(b"b" * 8000)
            for _ in range(int(arg[0]) // 8000):
                link.send(part)
            link.send(end())
        else:
            ScriptedWorker.good(link, request)
    ScriptedWorker(on_request, port=port, address=sys.argv[4] if len(sys.argv) > 4 else "127.0.0.1")
    print(f"{name} is ready", flush=True)
    threading.Event().wait()


main()
