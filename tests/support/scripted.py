# SPDX-License-Identifier: Apache-2.0
"""An AJP worker that does what a script says, counts what it executes, and keeps what it saw."""
import collections
import contextlib
import random
import socket
import struct
import threading
import time

import ajpwire
from ajpwire import CPONG, Request, packet, whole_reply


class Link:
    """One connection to the scripted worker."""

    def __init__(self, worker, sock, number):
        self.worker, self.sock, self.number = worker, sock, number
        self.requests = 0
        self.quiet_since = float("inf")  # when its last answer was done; no time while one is due
        self.open = True

    def send(self, data, mode="whole"):
        """MODE: whole, bytes (one at a time), split (at three random places)."""
        if mode == "whole":
            self.sock.sendall(data)
        elif mode == "bytes":
            for i in range(len(data)):
                self.sock.sendall(data[i:i + 1])
        else:
            cuts = sorted(random.sample(range(1, len(data)), min(3, len(data) - 1))) if len(data) > 1 else []
            for start, stop in zip([0, *cuts], [*cuts, len(data)]):
                self.sock.sendall(data[start:stop])
                time.sleep(0.002)

    def packet(self):
        return packet(self.sock, b"\x12\x34")

    def close(self, reset=False):
        self.open = False
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def body(self, request):
        """All of a request's body, asked for as Tomcat does. None: the connection ended before."""
        length, parts = request.length, b""
        if length == 0:
            return b""
        if length is None:
            self.send(ajpwire.get_body())
        while True:
            payload = self.packet()
            if payload is None:
                return None
            part = payload[2:2 + struct.unpack(">H", payload[:2])[0]] if payload else b""
            parts += part
            if not part or len(parts) == length:
                return parts
            self.send(ajpwire.get_body())


class ScriptedWorker:
    """Listens on a free port. on_request(link, request) runs for every Forward Request; what it leaves
    open goes on. Without it: good(). While it is paused its kernel alone takes what comes. THREADS: how many packets
    it looks at at once, CPings among them, as Tomcat; first come, first served."""

    def __init__(self, on_request=None, pong=True, port=0, address="127.0.0.1", threads=None):
        self.awake = threading.Event()
        self.awake.set()
        self.free = threading.Semaphore(threads) if threads else contextlib.nullcontext()
        self.on_request = on_request or (lambda link, request: self.good(link, request))
        self.pong, self.spoiled = pong, {}
        self.executed = collections.Counter()  # by the x-id header
        self.requests = []
        self.faults = []
        self.links = []
        self.pings = 0
        self.lock = threading.Lock()
        self.address, self.port = address, port
        self.server = None
        self.listen()

    def listen(self):
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        self.server = socket.create_server((self.address, self.port), family=family, backlog=512)
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, args=[self.server], daemon=True).start()

    def _accept(self, server):
        while True:
            try:
                sock, _ = server.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                link = Link(self, sock, len(self.links))
                self.links.append(link)
            threading.Thread(target=self._serve, args=[link], daemon=True).start()

    def _serve(self, link):
        try:
            while link.open and (payload := link.packet()) is not None:
                self.awake.wait()
                with self.free:
                    self._answer(link, payload)
        except OSError:
            pass
        except Exception as error:  # what came was no AJP, or not canonical
            self.faults.append(repr(error))
        finally:
            link.close()

    def _answer(self, link, payload):
        if payload[:1] == b"\x0a":
            self.pings += 1
            pong = self.spoiled.get(link, self.pong)
            if pong is True:
                link.send(CPONG)
            elif pong:
                link.send(pong)
            return
        request = Request(payload)
        link.requests += 1
        with self.lock:
            self.executed[request.header("x-id")] += 1
            self.requests.append(request)
        link.quiet_since = float("inf")
        self.on_request(link, request)
        link.quiet_since = time.monotonic()

    def spoil(self, pong):
        """CPings over the connections of now are answered with PONG, over new ones rightly."""
        self.spoiled = dict.fromkeys(self.links, pong)

    def pause(self):
        self.awake.clear()

    def resume(self):
        self.awake.set()

    @staticmethod
    def good(link, request):
        """Answers with what only this request can get."""
        body = link.body(request)
        if body is not None:
            link.send(whole_reply(identity(request.header("x-id"), body)))

    def stop_listening(self):
        try:
            self.server.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.server.close()

    def open_links(self):
        return [link for link in self.links if link.open]

    def stop(self, reset=False):
        self.resume()
        self.stop_listening()
        for link in self.open_links():
            try:
                if reset:
                    link.close(reset=True)
                else:
                    link.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def identity(number, body=b""):
    return b"answer to %s with %d bytes" % (str(number).encode(), len(body))
