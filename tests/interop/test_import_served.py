# SPDX-License-Identifier: Apache-2.0
"""What import makes of mod_jk's files is served by our daemons as httpd with mod_jk serves the files themselves:
for every host and path the same worker answers, or none does."""
import http.client
import pathlib
import re
import subprocess

import pytest

import ajpwire
from httpd import Httpd
from procs import BIN
from scripted import ScriptedWorker

HOSTS = ["shop.example", "SHOP.example:8080", "www.shop.example", "a.cdn.example", "hr.example", "static.example",
         "unknown.example", "127.0.0.1"]
PATHS = ["/", "/shop", "/shop/", "/shop/1", "/shop/static/x.png", "/shop/x.jsp", "/x.jsp", "/hr", "/hr/x", "/hr/shop/x",
         "/admin", "/admin/x", "/main/1", "/main/off", "/x.cfm", "/x.cfm/1", "/x/y.cfm/1/2", "/v1/x", "/v12/x", "/a", "/ab",
         "/a/b", "/a/b/c", "/shop//1", "/shop/../hr/x", "/shop/./1", "/shop;v=1/x", "/shop/x;jsessionid=1.shop",
         "/hr/x;jsessionid=1.hr", "/%73hop/1", "/shopping", "/mountfile/x", "/status"]

WORKERS = """# {bom}
a line of a terminal
worker.list=shop, hr, status
worker.shop.type=ajp13
worker.shop.host=127.0.0.1
worker.shop.port={shop}
worker.hr.type=ajp13
worker.hr.host=127.0.0.1
worker.hr.port={hr}
worker.status.type=status
"""

# What httpd.conf says beside loading mod_jk. MAP is the file of the next table's mappings.
CONFIGURATIONS = {
    "main server": "JkMount /shop/* shop\nJkMount /shop shop\nJkMount /hr/* hr\nJkUnMount /shop/static/* shop\n",
    "map file": "JkMountFile {map}\nJkMount /main/* hr\nJkMount /shop/* hr\nJkUnMount /main/off hr\n",
    "locations": "<Location /shop/*>\nJkMount shop\n</Location>\n<Location /shop/static/*>\nJkUnMount shop\n</Location>\n"
                 "<IfModule mod_jk.c>\n<Location /admin>\n  JkMount hr\n</Location>\n</IfModule>\n",
    "virtual hosts": """
JkMount /main/* shop
<VirtualHost *:{port}>
  ServerName static.example
</VirtualHost>
Define NAME shop
<VirtualHost *:{port}>
  ServerName http://${{NAME}}.example:80
  ServerAlias www.shop.example *.cdn.example
  JkMount /shop/* shop
  JkMount "/shop" shop
  JkMount /*.jsp \\
    shop
  JkUnMount /shop/static/* shop
</VirtualHost>
Include {base}/more*.conf
""",
    "first one takes the rest": """
<VirtualHost *:{port}>
  ServerName shop.example
  JkMount /* shop
  JkUnMount /shop/static/* shop
</VirtualHost>
<VirtualHost *:{port}>
  ServerName hr.example
  JkMount /hr/* hr
</VirtualHost>
<VirtualHost *:{port}>
  ServerName static.example
</VirtualHost>
""",
    "copies": """
JkMountCopy All
JkMount /main/* shop
JkMount /shop/* shop
JkUnMount /main/off shop
<VirtualHost *:{port}>
  ServerName shop.example
</VirtualHost>
<VirtualHost *:{port}>
  ServerName hr.example
  JkMount /shop/* hr
  JkMount /hr/* hr
</VirtualHost>
<VirtualHost *:{port}>
  ServerName static.example
  JkMountCopy Off
</VirtualHost>
""",
}
MORE = """<VirtualHost *:{port}>
  ServerName hr.example
  JkMountCopy On
  JkMount /hr/* hr
</VirtualHost>
"""
MAP = """/mountfile/*=shop
/shop/*=shop
!/shop/static/*=shop
/status=status
"""

# uriworkermap.properties by itself
MAPS = {
    "two stars": "/*.cfm=shop\n/*.cfm/*=shop\n/hr/*=hr\n",
    "order by slashes": "/*.jsp=hr\n/shop/*=shop\n/a*=hr\n/a=shop\n/a/b=hr\n/a/*=shop\n",
    "question mark": "/v?/*=shop\n/?b=hr\n/a*=shop\n/hr/?=hr\n",
    "exceptions": "/shop|/*=shop\n!/shop/static/*=shop\n/hr/*=hr\n!/*.png=*\n!/hr/shop/*=shop\n/*=hr\n!/main/*=hr\n",
    "lines that are passed over": "\ufeff# made elsewhere\n/shop|/*=shop\nno mapping\n=shop\n/hr/x=hr # one\n/main/*=\n-/a=hr\n",
}


@pytest.fixture(scope="module")
def nodes():
    def named(name):
        return lambda link, request: link.send(ajpwire.whole_reply(name.encode()))
    made = {name: ScriptedWorker(named(name)) for name in ("shop", "hr")}
    yield made
    for node in made.values():
        node.stop()


def answer(port, host, path, cookie=None):
    """The name of the worker that answers, or None."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", host)
    if cookie:
        connection.putheader("Cookie", cookie)
    connection.endheaders()
    reply = connection.getresponse()
    text = reply.read().decode(errors="replace")
    connection.close()
    return text if reply.status == 200 and text in ("shop", "hr") else None


def bridge_of(folder, spawn, *files):
    done = subprocess.run([BIN / "ajpbridge", "import", *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    config = folder("imported.yaml")
    config.write_text(done.stdout.replace("http://127.0.0.1:8080", "http://127.0.0.1:0"))
    checked = subprocess.run([BIN / "ajpbridge", "--config", config, "--check"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    return spawn("ajpbridge", "--config", config, listeners=1), done.stdout


def compare(server, bridge, cookies=(None,)):
    asked = [(host, path, cookie) for host in HOSTS for path in PATHS for cookie in cookies]
    theirs = {each: answer(server.port, *each) for each in asked}
    ours = {each: answer(bridge.port, *each) for each in asked}
    different = {each: (theirs[each], ours[each]) for each in asked if theirs[each] != ours[each]}
    assert not different, "answered by mod_jk's and by ours"
    assert len(set(theirs.values())) > 1


def workers_of(nodes):
    return WORKERS.format(bom="saved by an editor", shop=nodes["shop"].port, hr=nodes["hr"].port)


@pytest.fixture
def jk(folder):
    started = []

    def start(mount, workers, files=()):
        """FILES: name and text of files beside httpd.conf, whose {port} and {base} are filled in as in it."""
        path = folder("httpd-import")
        maker = _with_files(files)
        server = maker(path, "jk", 0, jk_mount=mount, workers=workers)
        started.append(server)
        return server
    yield start
    for server in started:
        server.stop()


def _with_files(files):
    class WithFiles(Httpd):
        def write(self, fill):
            for name, text in files:
                (self.base / name).write_text(text.format(**fill))
    return WithFiles


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_an_httpd_configuration_is_served_as_by_mod_jk(folder, spawn, nodes, jk, name):
    mount = CONFIGURATIONS[name].replace("{map}", "{base}/map.properties")
    server = jk(mount, workers_of(nodes), [("map.properties", MAP), ("more.conf", MORE)])
    bridge, _ = bridge_of(folder, spawn, server.base / "workers.properties", server.base / "httpd.conf")
    compare(server, bridge)


@pytest.mark.parametrize("name", MAPS)
def test_a_map_is_served_as_by_mod_jk(folder, spawn, nodes, jk, name):
    server = jk("JkMountFile {base}/map.properties\n", workers_of(nodes), [("map.properties", MAPS[name])])
    bridge, _ = bridge_of(folder, spawn, server.base / "workers.properties", server.base / "map.properties")
    compare(server, bridge)


def test_a_hot_standby_takes_over_as_with_mod_jk(folder, spawn, jk):
    """The file of mod_jk's own manual, whose second worker is disabled and the first one's redirect."""
    case = (pathlib.Path(__file__).parents[1] / "engine/jk/hot-standby.properties").read_text()
    made = {name: ScriptedWorker(lambda link, _, name=name: link.send(ajpwire.whole_reply(name.encode())))
            for name in ("shop", "hr")}
    workers = re.sub("port=8009", f"port={made['shop'].port}", re.sub("port=8010", f"port={made['hr'].port}", case))
    server = jk("JkMount /* router\n", workers)
    bridge, text = bridge_of(folder, spawn, server.base / "workers.properties", server.base / "httpd.conf")
    assert "activation: standby" in text
    for port in (server.port, bridge.port):
        assert {answer(port, "h", "/", cookie) for cookie in (None, "JSESSIONID=1.worker1")} == {"shop"}
        assert answer(port, "h", "/", "JSESSIONID=1.worker2") == "hr"
    made["shop"].stop()
    for port in (server.port, bridge.port):
        answer(port, "h", "/", "JSESSIONID=1.worker1")  # finds it gone
        assert [answer(port, "h", "/", cookie) for cookie in (None, "JSESSIONID=1.worker1", None)] == ["hr"] * 3
    made["hr"].stop()


def test_the_reply_timeout_of_a_mapping_stays_with_it_as_in_mod_jk(folder, spawn, jk):
    """/quick, whose mapping gives it 400 ms, is given up while the same worker's /slow is waited for."""
    def late(link, request):
        link.worker.hold.wait(1.5)
        link.send(ajpwire.whole_reply(b"shop"))
    import threading
    with ScriptedWorker(late) as worker:
        worker.hold = threading.Event()
        workers = f"worker.list=shop\nworker.shop.host=127.0.0.1\nworker.shop.port={worker.port}\nworker.shop.retries=1\n"
        server = jk("JkMount /quick shop;reply_timeout=400\nJkMount /slow shop\n", workers)
        bridge, _ = bridge_of(folder, spawn, server.base / "workers.properties", server.base / "httpd.conf")
        for port in (server.port, bridge.port):
            assert answer(port, "h", "/quick") is None
            assert answer(port, "h", "/slow") == "shop"
