# SPDX-License-Identifier: Apache-2.0
"""HAProxy from Debian's haproxy in its own folder, before an HTTP server: a peer to compare with."""
import pathlib

from procs import Process, free_port

CONFIG = """
global
    maxconn 100
defaults
    mode http
    timeout connect 2s
    timeout client {timeout}
    timeout server 20s
{more}
listen front
    bind 127.0.0.1:{port}
    server app 127.0.0.1:{app}{limit}
"""


class Haproxy:
    """TIMEOUT: between bytes of clients. MAXCONN: connections to the app. MORE: lines of its defaults."""

    def __init__(self, folder, app, timeout="10s", maxconn=None, more=""):
        base = pathlib.Path(folder)
        base.mkdir()
        self.port = free_port()
        limit = f" maxconn {maxconn}" if maxconn else ""
        (base / "haproxy.cfg").write_text(CONFIG.format(timeout=timeout, port=self.port, app=app, limit=limit,
                                                        more=more))
        self.process = Process(["/usr/sbin/haproxy", "-db", "-f", base / "haproxy.cfg"], base / "out")
        self.process.wait_for_port(self.port)

    def stop(self):
        self.process.terminate()
