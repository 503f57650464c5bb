# SPDX-License-Identifier: Apache-2.0
"""One real Tomcat with connectors as those of its own AJP tests; the cases run at it and through ajpforward."""
import pathlib
import shutil
import string
import subprocess
import sys
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "interop"))

from procs import BIN, Daemon, Process, free_port, poll  # noqa: E402
from tomcat import HOME, HERE as INTEROP, java  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent


class Snoop:
    def __init__(self, base):
        self.http, self.ajp, self.ajp_secret = free_port(), free_port(), free_port()
        app = base / "webapps/ROOT/WEB-INF"
        for part in ("conf", "logs", "temp", "work", "webapps/ROOT/WEB-INF"):
            (base / part).mkdir(parents=True)
        (base / "conf/server.xml").write_text(string.Template((HERE / "servlet/server.xml").read_text()).substitute(
            http=self.http, ajp=self.ajp, ajp_secret=self.ajp_secret))
        shutil.copy(INTEROP / "servlet/global-web.xml", base / "conf/web.xml")
        shutil.copy(HERE / "servlet/web.xml", app / "web.xml")
        subprocess.run([java("javac"), "-cp", HOME / "lib/servlet-api.jar", "-d", app / "classes",
                        HERE / "servlet/SnoopServlet.java"], check=True)
        self.process = Process(
            [java("java"), "-Xms32m", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
             "-Djava.security.egd=file:/dev/urandom", f"-Djava.io.tmpdir={base}/temp", f"-Dcatalina.home={HOME}",
             f"-Dcatalina.base={base}", "-cp", f"{HOME}/bin/bootstrap.jar:{HOME}/bin/tomcat-juli.jar",
             "org.apache.catalina.startup.Bootstrap", "start"], base / "logs/out", cwd=base)
        self.process.wait_for_port(self.http, 90)
        poll(self.answers, 60, "the web app answers")

    def answers(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/", timeout=30) as answer:
                return answer.status == 200
        except OSError:
            return False


@pytest.fixture(scope="module")
def snoop(tmp_path_factory):
    if not HOME.exists():
        pytest.skip("tomcat10 is not there")
    tomcat = Snoop(tmp_path_factory.mktemp("tomcat"))
    yield tomcat
    tomcat.process.terminate()


CONFIG = string.Template("""
listen:
  - url: ajp://127.0.0.1:0
    packet_size: $listener
    attributes: ["MYATTRIBUTE*"]
    $more
workers:
  - name: w
    url: ajp://127.0.0.1:$port
    packet_size: $worker
""")


@pytest.fixture(scope="module")
def forward(snoop, tmp_path_factory):
    """Ports of forwarders: forward(port of Tomcat, packet size, a line of the listener)."""
    if not (BIN / "ajpforward").exists():
        pytest.skip("ajpforward is not built yet")
    started = {}

    def port(to, listener=16000, worker=16000, more=""):
        key = (to, listener, worker, more)
        if key not in started:
            folder = tmp_path_factory.mktemp("forward")
            (folder / "config.yaml").write_text(CONFIG.substitute(listener=listener, worker=worker, port=to, more=more))
            started[key] = Daemon("ajpforward", "--config", folder / "config.yaml", log=folder / "log", listeners=1)
        return started[key].port
    yield port
    for daemon in started.values():
        assert daemon.terminate() == 0, daemon.output()
