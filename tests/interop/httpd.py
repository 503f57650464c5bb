# SPDX-License-Identifier: Apache-2.0
"""Apache httpd from Debian's apache2-bin in its own folder, as the AJP front end of something."""
import os
import pathlib

from procs import Process, free_port

MODULES = pathlib.Path("/usr/lib/apache2/modules")

COMMON = """
ServerRoot "{base}"
PidFile "{base}/pid"
DefaultRuntimeDir "{base}"
Mutex file:{base} default
ServerName localhost
{user}
ErrorLog "{base}/error.log"
LogLevel warn
Timeout 20
ServerLimit 1
StartServers 1
ThreadsPerChild 24
MaxRequestWorkers 24
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
Listen 127.0.0.1:{port}
DocumentRoot "{base}"
"""

LOAD = {"proxy": """
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_ajp_module {modules}/mod_proxy_ajp.so
""", "jk": """
LoadModule jk_module {modules}/mod_jk.so
JkWorkersFile "{base}/workers.properties"
JkShmFile "{base}/jk.shm"
JkLogFile "{base}/jk.log"
JkLogLevel info
"""}

JK_MOUNT = """
JkMount /* {worker}
"""

PROXY = """
ProxyPreserveHost On
ProxyPass "/" "ajp://127.0.0.1:{ajp}/" ping=2{secret}
"""

# ping_mode=A: a CPing after connecting, before every request and on idle connections
WORKERS = """
worker.list=target
worker.target.type=ajp13
worker.target.host=127.0.0.1
worker.target.port={ajp}
worker.target.ping_mode=A
worker.target.ping_timeout=3000
worker.target.socket_timeout=20
worker.target.retries=1
"""


class Httpd:
    """kind: "proxy" (mod_proxy_ajp) or "jk" (mod_jk); both send a CPing before each request.
    MOUNT (or JK_MOUNT) and WORKERS replace what is said of the AJP peer in httpd.conf and workers.properties; CONF is
    more for the former."""

    def __init__(self, folder, kind, ajp, secret=None, mount=PROXY, workers=WORKERS, worker="target",
                 jk_mount=JK_MOUNT, conf=""):
        self.base = pathlib.Path(folder)
        self.base.mkdir()
        self.base.chmod(0o755)
        self.port = free_port()
        fill = {"base": self.base, "modules": MODULES, "port": self.port, "ajp": ajp, "worker": worker,
                "user": "User www-data\nGroup www-data" if os.getuid() == 0 else "",
                "secret": f' "secret={secret}"' if secret else ""}
        if secret and kind == "jk":
            workers += "worker.target.secret=" + secret + "\n"
        conf = COMMON + conf + LOAD[kind] + (mount if kind == "proxy" else jk_mount)
        (self.base / "httpd.conf").write_text(conf.format(**fill))
        (self.base / "workers.properties").write_text(workers.format(**fill))
        self.write(fill)
        self.process = Process(["/usr/sbin/apache2", "-DFOREGROUND", "-f", self.base / "httpd.conf"],
                               self.base / "out")
        self.process.wait_for_port(self.port)

    def write(self, fill):
        """Further files, before it starts."""

    def stop(self):
        self.process.terminate()
