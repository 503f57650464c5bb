# SPDX-License-Identifier: Apache-2.0
"""The proxies that are measured: how each is configured, started and stopped."""

import os
import resource
import shutil
import signal
import socket
import subprocess
import time

APACHE_MODULES = "/usr/lib/apache2/modules"
NGINX_MODULES = os.environ.get("NGINX_MODULES", "/usr/lib/nginx/modules")
PROXY_CPU, LOAD_CPU = "0", "1"
SPARE_FILES = 500


def most_idle(peer):
    """Idle clients that the limit of descriptors lets it hold: each takes two where it has its
    own connection to the app server, as with the relay and most peers."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1] - SPARE_FILES
    return files if peer and peer.key in ("ajpbridge", "ajpforward") else files // 2


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pin(cpu, argv):
    return ["taskset", "-c", cpu, *argv]


def family(root):
    """A process and all its descendants."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as f:
                    parents[int(entry)] = int(f.read().rpartition(")")[2].split()[1])
            except OSError:
                pass
    pids, found = {root}, True
    while found:
        found = [pid for pid, parent in parents.items() if parent in pids and pid not in pids]
        pids.update(found)
    return sorted(pids)


class Peer:
    """name; what clients speak to it; what it speaks to the sink; how to start it.

    command(self, dir, port, upstream) writes its files into dir and returns its argv, or None when
    the program is not installed."""

    def __init__(self, key, name, front, back, command):
        self.key, self.name, self.front, self.back, self.command = key, name, front, back, command
        self.process = None
        self.port = 0

    @property
    def floor(self):
        return "relay-" + self.front

    def start(self, base, sink_ports, build, cpus=PROXY_CPU, env=None):
        self.dir = os.path.join(base, self.key)
        os.makedirs(self.dir, exist_ok=True)
        os.chmod(self.dir, 0o777)  # web servers give up root
        self.port = free_port()
        argv = self.command(self.dir, self.port, sink_ports[self.back], build)
        if argv is None:
            return False
        log = open(os.path.join(self.dir, "log"), "ab")
        self.process = subprocess.Popen(pin(cpus, argv), cwd=self.dir, stdout=log, stderr=log,
                                        stdin=subprocess.DEVNULL, env=env)
        log.close()
        self.wait_ready()
        return True

    def wait_ready(self):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        with open(os.path.join(self.dir, "log")) as f:
            said = f.read()[-1000:]
        self.stop()
        raise RuntimeError(f"{self.name} did not start: {said}")

    def pids(self):
        return family(self.process.pid)

    def stop(self, patience=3):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                for pid in self.pids():
                    os.kill(pid, signal.SIGKILL)
                self.process.wait()
        self.process = None


def find(name):
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")


def write(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def relay(directory, port, upstream, build):
    return [f"{build}/tests/bench/relay", str(port), str(upstream)]


def ours(name, scheme, threads=1):
    def command(directory, port, upstream, build):
        program = f"{build}/tools/{name}/{name}"
        if not os.access(program, os.X_OK):
            return None
        return [program, "--listen", f"{scheme}://127.0.0.1:{port}", "--worker",
                f"nodeA=ajp://127.0.0.1:{upstream}", "--threads", str(threads)]
    return command


def haproxy(mode):
    def command(directory, port, upstream, build):
        program = find("haproxy")
        return program and [program, "-db", "-f", write(directory, "conf", f"""
global
  nbthread 1
  maxconn {min(12000, most_idle(None))}
defaults
  mode {mode}
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  {"http-reuse always" if mode == "http" else ""}
listen bench
  bind 127.0.0.1:{port}
  server nodeA 127.0.0.1:{upstream}
""")]
    return command


NGINX_COMMON = """
daemon off;
master_process off;
pid nginx.pid;
error_log error.log;
worker_rlimit_nofile 30000;
events { worker_connections 28000; }
"""


def nginx(directory, conf):
    return [find("nginx"), "-p", directory, "-e", "error.log", "-c",
            write(directory, "conf", conf)]


def nginx_http(directory, port, upstream, build):
    temp = "\n".join(f"  {kind}_temp_path {directory}/{kind};"
                     for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return find("nginx") and nginx(directory, NGINX_COMMON + f"""
http {{
{temp}
  access_log off;
  keepalive_requests 2000000000;
  keepalive_timeout 600;
  client_max_body_size 0;
  upstream app {{
    server 127.0.0.1:{upstream};
    keepalive 2000;
    keepalive_requests 2000000000;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_request_buffering off;
    }}
  }}
}}
""")


def nginx_stream(directory, port, upstream, build):
    module = f"{NGINX_MODULES}/ngx_stream_module.so"
    if not find("nginx") or not os.path.exists(module):
        return None
    return nginx(directory, f"load_module {module};" + NGINX_COMMON + f"""
stream {{
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    proxy_pass 127.0.0.1:{upstream};
  }}
}}
""")


def lighttpd(directory, port, upstream, build):
    program = find("lighttpd")
    return program and [program, "-D", "-f", write(directory, "conf", f"""
server.document-root = "{directory}"
server.errorlog = "{directory}/error.log"
server.bind = "127.0.0.1"
server.port = {port}
server.upload-dirs = ( "{directory}" )
server.modules = ( "mod_ajp13" )
server.max-fds = 26000
server.max-connections = 12000
server.listen-backlog = 4096
server.max-keep-alive-requests = 1000000000
server.max-keep-alive-idle = 600
server.stream-response-body = 2
ajp13.server = ( "" => (( "host" => "127.0.0.1", "port" => {upstream} )) )
""")]


def apache(directory, port, conf, needs):
    program = find("apache2") or find("httpd")
    modules = ["mpm_event", "authz_core", *needs]
    paths = {m: f"{APACHE_MODULES}/mod_{m}.so" for m in modules}
    if not program or not all(os.path.exists(p) for p in paths.values()):
        return None
    loads = "\n".join(f"LoadModule {m}_module {p}" for m, p in paths.items())
    user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
    return [program, "-D", "FOREGROUND", "-d", directory, "-f", write(directory, "conf", f"""
{loads}
{user}
ServerName localhost
PidFile {directory}/pid
DefaultRuntimeDir {directory}
Mutex file:{directory} default
ErrorLog {directory}/error.log
LogLevel error
DocumentRoot {directory}
Listen 127.0.0.1:{port}
ListenBackLog 4096
KeepAlive On
KeepAliveTimeout 600
MaxKeepAliveRequests 0
Timeout 60
ServerLimit 1
StartServers 1
ThreadLimit 256
ThreadsPerChild 256
MaxRequestWorkers 256
MinSpareThreads 1
MaxSpareThreads 256
AsyncRequestWorkerFactor 100
<Directory />
  Require all granted
</Directory>
{conf}
""")]


def apache_proxy(directory, port, upstream, build):
    return apache(directory, port, f'ProxyPass "/" "ajp://127.0.0.1:{upstream}/"\n',
                  ["proxy", "proxy_ajp"])


def apache_jk(directory, port, upstream, build):
    workers = write(directory, "workers.properties", f"""
worker.list=nodeA
worker.nodeA.type=ajp13
worker.nodeA.host=127.0.0.1
worker.nodeA.port={upstream}
worker.nodeA.connection_pool_size=256
""")
    return apache(directory, port, f"""
JkWorkersFile {workers}
JkShmFile {directory}/jk.shm
JkLogFile {directory}/jk.log
JkLogLevel error
JkWatchdogInterval 0
JkMount /* nodeA
""", ["jk"])


def all_peers():
    return [
        Peer("relay-http", "relay HTTP", "http", "http", relay),
        Peer("ajpbridge", "**ajpbridge**", "http", "ajp", ours("ajpbridge", "http")),
        Peer("haproxy-http", "HAProxy HTTP→HTTP", "http", "http", haproxy("http")),
        Peer("nginx-http", "nginx HTTP→HTTP", "http", "http", nginx_http),
        Peer("lighttpd", "lighttpd mod_ajp13", "http", "ajp", lighttpd),
        Peer("apache-jk", "httpd mod_jk", "http", "ajp", apache_jk),
        Peer("apache-proxy", "httpd mod_proxy_ajp", "http", "ajp", apache_proxy),
        Peer("relay-ajp", "relay AJP", "ajp", "ajp", relay),
        Peer("ajpforward", "**ajpforward**", "ajp", "ajp", ours("ajpforward", "ajp")),
        Peer("haproxy-tcp", "HAProxy mode tcp", "ajp", "ajp", haproxy("tcp")),
        Peer("nginx-stream", "nginx stream", "ajp", "ajp", nginx_stream),
    ]


def with_threads(key, threads):
    """One of ours, apart from those of the table."""
    scheme = {"ajpbridge": "http", "ajpforward": "ajp"}[key]
    return Peer(f"{key}-{threads}", key, scheme, "ajp", ours(key, scheme, threads))
