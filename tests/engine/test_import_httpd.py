# SPDX-License-Identifier: Apache-2.0
"""JkMount and its like in an httpd configuration, imported: which hosts and paths go where, and what is told of the rest.
tests/interop/test_import_served.py holds the same against mod_jk itself."""
import random
import re
import subprocess

import pytest

from importing import check, run_import
from procs import BIN

WORKERS = "worker.list=x,y,st\nworker.x.host=h1\nworker.y.host=h2\nworker.st.type=status\n"
NOBODY = ("*", "!*")


def routes_of(done):
    """{(hosts): [(worker, paths)]}"""
    found = {}
    for hosts, paths, worker in re.findall(r'  - (?:hosts?: (.*)\n    )?paths: \[(.*)\].*\n    workers: \[\"(.*)\"\]',
                                           done.body):
        key = tuple(re.findall(r'"([^"]*)"', hosts))
        found.setdefault(key, []).append((worker, tuple(re.findall(r'"([^"]*)"', paths))))
    return found


def vhost(names, text, address="*:80"):
    first, *others = names.split()
    return (f"<VirtualHost {address}>\nServerName {first}\n" + (f"ServerAlias {' '.join(others)}\n" if others else "")
            + text + "</VirtualHost>\n")


A = vhost("a.example", "JkMount /a/* x\n")
B = vhost("b.example", "JkMount /b/* y\n")
STATIC = vhost("s.example", "DocumentRoot /var/www\n")

# A configuration, and the routes that it makes.
ROUTES = {
    "main server": ("JkMount /a|/* x\nJkMount /b/* y\nJkUnMount /a/s x\n",
                    {(): [("x", ("/a", "/a/*", "!/a/s")), ("y", ("/b/*",))]}),
    "case and quotes": ("jkmount \"/a b/*\" x\nJKMOUNT '/b' \"y\"\n", {(): [("x", ("/a b/*",)), ("y", ("/b",))]}),
    "the last one counts": ("JkMount /a x\nJkMount /b x\nJkMount /a y\n", {(): [("x", ("/b",)), ("y", ("/a",))]}),
    "comments and continued lines": ("# JkMount /c x\nJkMount \\\n  /a/* \\\n  x\n   JkMount /b y\n",
                                     {(): [("x", ("/a/*",)), ("y", ("/b",))]}),
    "location": ("<Location /a/*>\n<IfModule mod_jk.c>\nJkMount x\n</IfModule>\nSetEnv q 1\n</Location>\nJkMount /b y\n",
                 {(): [("x", ("/a/*",)), ("y", ("/b",))]}),
    "conditions": ("Define ON\n<IfDefine ON>\nJkMount /a x\n</IfDefine>\n<IfDefine !ON>\nJkMount /b y\n</IfDefine>\n"
                   "<IfModule !mod_jk.c>\nJkMount /c y\n</IfModule>\n<IfVersion >= 2.4>\nJkMount /d y\n</IfVersion>\n",
                   {(): [("x", ("/a",)), ("y", ("/d",))]}),
    "variables": ("Define P /a\nDefine W x\nJkMount ${P}/* ${W}\nJkMount /b ${HTTPD_TEST_WORKER}\nUnDefine P\nJkMount /${P} x\n",
                  {(): [("x", ("/a/*", "/${P}")), ("y", ("/b",))]}),
    "virtual hosts": (A + B, {(): [("x", ("/a/*",))], ("b.example",): [("y", ("/b/*",)), ("x", NOBODY)]}),
    "the first takes what has no name": (STATIC + A + B, {("a.example",): [("x", ("/a/*",))],
                                                        ("b.example",): [("y", ("/b/*",))]}),
    "one has nothing": (A + STATIC, {(): [("x", ("/a/*",))], ("s.example",): [("x", NOBODY)]}),
    "everything is everything": (A + vhost("b.example", "JkMount /* y\n"),
                                 {(): [("x", ("/a/*",))], ("b.example",): [("y", ("/*",))]}),
    "aliases": (STATIC + vhost("a.example *.a.example A2.example", "JkMount /a x\n"),
                {("a.example", "*.a.example", "A2.example"): [("x", ("/a",))], ("s.example",): [("x", NOBODY)]}),
    "names with scheme and port": (STATIC + vhost("https://a.example:8443", "JkMount /a x\n"),
                                   {("a.example",): [("x", ("/a",))]}),
    "of two with one name the first counts": (STATIC + A + vhost("a.example", "JkMount /b y\n"),
                                              {("a.example",): [("x", ("/a/*",))]}),
    "main server beside virtual hosts": ("JkMount /m x\n" + STATIC + A, {("a.example",): [("x", ("/a/*",))]}),
    "main server on a port of its own": ("Listen 80\nListen 8080\nJkMount /m y\n" + A,
                                         {(): [("x", ("/a/*",))]}),
    "main server where virtual hosts have another port": ("Listen 80\nListen 443\nJkMount /m y\n"
                                                          + vhost("a.example", "SSLEngine on\n", "_default_:443"),
                                                          {(): [("y", ("/m",))]}),
    "a virtual host that has the main server's name": (
        "Listen 80\nListen 443\nServerName a.example\nJkMount /m y\n<VirtualHost _default_:443>\nSSLEngine on\n</VirtualHost>\n"
        + vhost("b.example", "JkMount /b y\n", "*:443"),
        {(): [("y", ("/m",))], ("b.example",): [("y", ("/b",)), ("x", NOBODY)]}),
    "the plain port redirects": (vhost("a.example", "Redirect / https://a.example/\n")
                                 + vhost("a.example", "JkMount /a x\n", "*:443"), {(): [("x", ("/a",))]}),
    "copies by each": ("JkMount /m x\nJkMount /b x\nJkUnMount /m/s x\n" + STATIC
                       + vhost("b.example", "JkMountCopy On\nJkMount /b y\n") + vhost("c.example", "JkMountCopy On\n"),
                       {("b.example",): [("x", ("/m", "!/m/s")), ("y", ("/b",))],
                        ("c.example",): [("x", ("/m", "/b", "!/m/s"))]}),
    "copies by all": ("JkMountCopy All\nJkMount /m x\n" + A + vhost("s.example", "JkMountCopy Off\n"),
                      {(): [("x", ("/a/*", "/m"))], ("s.example",): [("x", NOBODY)]}),
    "what follows a mapping": ("JkMount /a \"x;reply_timeout=5;sticky_ignore=1\"\nJkMount /b y\n",
                               {(): [("x", ("/a",)), ("y", ("/b",))]}),
    # at port 80 b.example has the first one's
    "one name on several addresses": (vhost("a.example", "JkMount /a x\n", "*:80 *:443") + vhost("b.example", "", "*:443"),
                                      {(): [("x", ("/a",))]}),
    "IPv6": (vhost("s.example", "", "[::]:80") + vhost("a.example", "JkMount /a x\n", "[::]:80"),
             {("a.example",): [("x", ("/a",))]}),
    "two stars": ("JkMount /*.cfm/* x\nJkMount /b y\n", {(): [("x", ("/*.cfm/*",)), ("y", ("/b",))]}),
}


@pytest.mark.parametrize("name", ROUTES)
def test_hosts_and_paths_go_where_mod_jk_has_them(tmp_path, monkeypatch, name):
    httpd, routes = ROUTES[name]
    monkeypatch.setenv("HTTPD_TEST_WORKER", "y")
    done = run_import(tmp_path, WORKERS, httpd="ServerRoot /nowhere\n" + httpd)
    assert done.returncode == 0, done.stderr
    assert routes_of(done) == routes
    assert "httpd.conf" in done.body.split("\n")[1]


def test_a_mount_of_a_worker_is_one_of_the_main_server(tmp_path):
    workers = WORKERS + "worker.y.mount=/m\n"
    assert routes_of(run_import(tmp_path, workers, httpd="JkMount /a x\n")) == {(): [("x", ("/a",)), ("y", ("/m",))]}
    copied = vhost("b.example", "JkMountCopy On\n")
    assert routes_of(run_import(tmp_path, workers, httpd=STATIC + copied)) == {("b.example",): [("y", ("/m",))]}


def test_the_case_of_two_applications(tmp_path):
    workers = "worker.list=shop,hr\nworker.shop.host=127.0.0.1\nworker.hr.host=127.0.0.1\nworker.hr.port=8010\n"
    done = run_import(tmp_path, workers, httpd="JkMount /shop/* shop\nJkMount /hr/* hr\n")
    assert routes_of(done) == {(): [("shop", ("/shop/*",)), ("hr", ("/hr/*",))]} and not done.rest


# A configuration, and what must be told of which of its lines, under which heading.
FIRST, SHARED, NONE, IDLE = "Look at these first", "Said of one", "No such setting", "Without effect"
NOTES = {
    "JkAutoAlias /srv\n": (1, "files that httpd served from there", FIRST),
    "JkEnvVar NAME value\n": (1, "add_attributes", FIRST),
    "JkWorkerProperty worker.x.port=1\n": (1, "write it into the file", FIRST),
    "JkOptions +ForwardURICompat\n": (1, "paths go on as they came", NONE),
    "JkLogFile /x\n": (1, "access_log", NONE),
    "JkExtractSSL On\n": (1, "facts of the connection", NONE),
    "SetEnvIf Request_URI \"\\.gif$\" no-jk\n": (1, "no-jk", FIRST),
    "<LocationMatch x>\nSetHandler jakarta-servlet\n</LocationMatch>\n": (2, "without a mapping", FIRST),
    "SetEnvIf Request_URI ^/slow JK_REPLY_TIMEOUT=1\n": (1, "reply_timeout and sticky are settings", FIRST),
    "<Location /a>\nRequire ip 10.0.0.0/8\n</Location>\n": (2, "who may ask", FIRST),
    "<Location /jk>\nJkMount st\nRequire ip 10.0.0.0/8\n</Location>\n": (2, "no status worker", NONE),
    "<Directory /a>\nRequire ip 10.0.0.0/8\n</Directory>\n": None,
    "<Location /a>\nRequire all granted\nAllow from all\n</Location>\n": None,
    "<IfDefine NO>\nJkMount /a x\n</IfDefine>\n": (2, "in <IfDefine NO>, which was not read", FIRST),
    "<Macro M>\nJkMount /a x\n</Macro>\n": (2, "in <Macro M>", FIRST),
    "Use M a b\n": (1, "macros are not read", FIRST),
    "Include /nowhere/x.conf\n": (1, "no such file here", FIRST),
    "IncludeOptional /nowhere/x/*.conf\n": (1, "no such file here", FIRST),
    "IncludeOptional none-of-this/../*.none\n": (1, "no such file here", FIRST),
    "IncludeOptional *.none\n": None,
    "JkMount x\n": (1, "httpd refuses it", FIRST),
    "<Location /a>\nJkMount /a x\n</Location>\n": (2, "httpd refuses it", FIRST),
    "JkMount /a zzz\n": (1, "its worker has no part", FIRST),
    "JkMount /a st\n": (1, "no status worker", NONE),
    "JkMount /b x\n": (1, "said again on line 2", IDLE),
    vhost("w.*", "JkMount /c x\n"): (1, "routes have hosts as in", FIRST),
    vhost("b.example", "JkMount /c x\n") + vhost("b.example", "JkMount /c y\n", "*:443"):
        (5, "another address or port has other mappings", FIRST),
    vhost("b.example", "") + vhost("b.example", "JkMount /c y\n", "*:443"): (4, "every listener here", SHARED),
    "Listen 80\nJkMount /c y\n" + STATIC: (1, "every port has virtual hosts", IDLE),
}


@pytest.mark.parametrize("text", NOTES)
def test_what_is_not_carried_over_is_told(tmp_path, text):
    done = run_import(tmp_path, WORKERS, httpd=text + "JkMount /b y\n" + ("" if "<Virt" not in text else A))
    assert done.returncode == 0, done.stderr
    of_httpd = {line: "; ".join(why) for (name, line), why in done.notes.items() if name == "httpd"}
    if NOTES[text] is None:
        assert not of_httpd
        return
    line, why, heading = NOTES[text]
    assert why in of_httpd[line] and not (heading == NONE and len(of_httpd) > 1)
    assert done.groups["httpd", line].startswith(heading)


def test_included_files_are_read_where_they_are_or_were_copied_to(tmp_path):
    files = {"httpd.conf": "ServerRoot /etc/apache2\nInclude conf.d\nIncludeOptional sites/*.conf\n"
             "Include /etc/apache2/more.conf\nInclude conf.d/none/../one.conf\nIncludeOptional x/*.conf\n",
             "conf.d/one.conf": "JkMount /one x\n", "conf.d/sub/two.conf": "JkMount /two x\n",
             "sites/a.conf": A, "sites/b.conf.off": B, "more.conf": "JkMount /more y\nJkMountFile maps/uris.properties\n",
             "maps/uris.properties": "/map|/*=y;reply_timeout=5\n", "loop.conf": "Include loop.conf\n"}
    done = run_import(tmp_path, WORKERS, httpd={**files, "sites/a.conf": vhost("a.example", "JkMountCopy On\n")})
    assert routes_of(done) == {(): [("x", ("/one", "/two")), ("y", ("/map", "/map/*")), ("y", ("/more",))]}
    notes = {line for name, line in done.notes if name == "httpd"}
    assert notes == {1, 5, 6}, "the main server has no port; conf.d/none and x are no folders"


def test_files_that_include_each_other_come_to_an_end(tmp_path):
    done = run_import(tmp_path, WORKERS, httpd={"httpd.conf": "JkMount /a x\nInclude httpd.conf\n"})
    assert done.returncode == 0 and routes_of(done) == {(): [("x", ("/a",))]}
    assert "too deeply" in done.rest


def test_the_file_of_a_jkmountfile_may_be_given(tmp_path):
    httpd = "JkMountFile /nowhere/uriworkermap.properties\n"
    done = run_import(tmp_path, WORKERS, httpd=httpd)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1
    assert "httpd.conf:1: expected the file that JkMountFile names, or that file as a further argument" in done.stderr
    done = run_import(tmp_path, WORKERS, uris="/a=x\n", httpd=httpd)
    assert routes_of(done) == {(): [("x", ("/a",))]}
    done = run_import(tmp_path, WORKERS, uris="/a=x\n", httpd="JkMount /a x\n")
    assert done.returncode == 2 and "uriworkermap.properties:1: expected a file that JkMountFile names" in done.stderr


def test_the_configuration_alone_names_the_workers(tmp_path):
    (tmp_path / "workers.properties").write_text(WORKERS)
    conf = tmp_path / "httpd.conf"
    for text in ("JkWorkersFile workers.properties\nJkMount /a x\n",
                 "ServerRoot /etc/httpd\nJkWorkersFile /etc/httpd/workers.properties\nJkMount /a x\n"):
        conf.write_text(text)
        done = subprocess.run([BIN / "ajpforward", "import", conf], capture_output=True, text=True)
        assert done.returncode == 0 and 'paths: ["/a"]' in done.stdout, done.stderr
        check(tmp_path, done.stdout, "ajpforward")
    for text, message in (("JkMount /a x\n", "expected JkWorkersFile"),
                          ("JkWorkersFile /nowhere/w\nJkMount /a x\n", "expected the file that JkWorkersFile names")):
        conf.write_text(text)
        done = subprocess.run([BIN / "ajpforward", "import", conf], capture_output=True, text=True)
        assert done.returncode == 2 and f"httpd.conf:1: {message}" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("httpd", ["Listen 80\n", STATIC, "JkMount /st st\n", "<Location ~ ^/a>\nJkMount x\n</Location>\n"])
def test_a_configuration_that_maps_nothing_is_refused(tmp_path, httpd):
    """mod_jk passes nothing on then, and a file without routes would pass on everything."""
    done = run_import(tmp_path, WORKERS, httpd=httpd)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1
    assert "httpd.conf:" in done.stderr and "expected a mapping to one of its workers" in done.stderr


def test_mappings_beside_virtual_hosts_that_copy_none_are_told_of(tmp_path):
    done = run_import(tmp_path, WORKERS, httpd="LoadModule jk_module x\nJkMount /*.jsp x\n" + STATIC)
    assert done.returncode == 2
    assert 'httpd.conf:2: expected a mapping to one of its workers, got "/*.jsp" outside of virtual hosts' in done.stderr


PIECES = ["<VirtualHost *:80>", "</VirtualHost>", "<Location /a>", "</Location>", "JkMount /a/* x", "JkMount x",
          "JkUnMount /b y", "ServerName a.example", "ServerAlias *.b c", "Define A b", "<IfDefine A>", "</IfDefine>",
          "JkMountCopy On", "JkMountFile", "Include", "Include .", "JkMount \"", "<", ">", "<VirtualHost", "\\", "${A}", "JkMount /%41 x",
          "JkMount /*?*/*.x y;stopped=1", "ServerName [", "Listen [::1]:80", "JkWorkersFile", "Use", "JkMount / x", "é", "\"a\\\"b\" c"]


@pytest.mark.parametrize("seed", range(60))
def test_any_pieces_are_refused_or_accepted_by_the_daemon_too(tmp_path, seed):
    some = random.Random(seed)
    text = "".join(some.choice(PIECES) + "\n" for _ in range(some.randrange(1, 24)))
    done = run_import(tmp_path, WORKERS, httpd="Listen 80\n" + text)
    assert (done.returncode, done.stderr.count("\n"), done.stdout == "") in [(0, 0, False), (2, 1, True)]
