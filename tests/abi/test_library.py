# SPDX-License-Identifier: Apache-2.0
"""The installed library as other projects see it: headers, symbols, pkg-config, example programs."""
import os
import pathlib
import re
import subprocess

import pytest

from procs import BIN, ROOT

PREFIX = BIN.parent
STRICT = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wno-sign-conversion", "-Werror"]
HEADERS = sorted(path.name for path in (ROOT / "include/ajp").glob("*.h"))
SOURCES = sorted(path for path in (ROOT / "libajp").glob("*.c"))
BORROWED = {"memcpy", "memset", "memcmp", "memchr"}


def run(*command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, timeout=120, **more)
    assert done.returncode == 0, f"{command}\n{done.stdout.decode()}{done.stderr.decode()}"
    return done.stdout.decode()


def pkg_config(*options):
    env = dict(os.environ, PKG_CONFIG_PATH=str(PREFIX / "lib/pkgconfig"))
    return run("pkg-config", *options, "libajp", env=env).split()


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("compiler, standard", [("gcc", "c11"), ("clang", "c11"), ("g++", "c++17")])
def test_header_compiles_alone(tmp_path, header, compiler, standard):
    source = tmp_path / ("one.cc" if compiler == "g++" else "one.c")
    source.write_text(f"#include <ajp/{header}>\nint main(void) {{ return 0; }}\n")
    run(compiler, f"-std={standard}", "-pedantic", *STRICT, f"-I{PREFIX}/include", "-c", source,
        "-o", tmp_path / "one.o")


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("options", [(), ("-m32",), ("-DAJP_NO_SIMD",)], ids=["plain", "m32", "no-simd"])
def test_library_builds_freestanding(tmp_path, compiler, options):
    for source in SOURCES:
        run(compiler, "-std=c11", "-O2", "-ffreestanding", *options, *STRICT, f"-I{ROOT}/include",
            "-c", source, "-o", tmp_path / "one.o")


def test_the_compiler_s_analyzer_finds_nothing(tmp_path):
    for source in SOURCES:
        run("gcc", "-std=c11", "-O2", "-fanalyzer", *STRICT, f"-I{ROOT}/include", "-c", source,
            "-o", tmp_path / "one.o")


CONSUMER = """project('consumer', 'c', default_options: ['c_std=gnu11', 'warning_level=2', 'werror=true'])
ajp = dependency('libajp', version: '>=0.1.0', static: %s)
executable('dump', 'dump.c', dependencies: ajp, build_rpath: ajp.get_variable('libdir'))
"""


@pytest.mark.parametrize("static", [False, True], ids=["shared", "static"])
def test_a_project_outside_the_tree_finds_it(tmp_path, static):
    (tmp_path / "meson.build").write_text(CONSUMER % str(static).lower())
    (tmp_path / "dump.c").write_text((ROOT / "libajp/examples/dump.c").read_text())
    env = dict(os.environ, PKG_CONFIG_PATH=str(PREFIX / "lib/pkgconfig"))
    run("meson", "setup", tmp_path / "build", tmp_path, env=env)
    run("ninja", "-C", tmp_path / "build", env=env)
    assert run(tmp_path / "build/dump", input=bytes.fromhex("4142 0002 05 01")) == "END_RESPONSE\n"
    needed = run("readelf", "-d", tmp_path / "build/dump")
    assert ("libajp.so.0" in needed) == (not static)


def test_symbols_are_those_declared():
    declared = set()
    for header in HEADERS:
        text = (ROOT / "include/ajp" / header).read_text()
        for found in re.findall(r"AJP_API[^;]*?\b(ajp_\w+)(?:\(|;)", text):
            declared.add(found)
    listed = run("nm", "-D", "--defined-only", PREFIX / "lib/libajp.so").split("\n")
    exported = {line.split()[-1].split("@")[0] for line in listed if line} - {"AJP_0"}
    assert exported == declared
    kept = (ROOT / "tests/abi/libajp.sym").read_text().split()
    assert exported == set(kept), "libajp.sym: adding is fine, removing moves the soname"


def test_library_borrows_only_memory_functions():
    listed = run("nm", "-D", "--undefined-only", PREFIX / "lib/libajp.so").split("\n")
    needed = {line.split()[-1].split("@")[0] for line in listed if " U " in line}
    assert needed - {"__stack_chk_fail"} <= BORROWED


def test_static_library_defines_only_its_own_names():
    listed = run("nm", "--defined-only", "--extern-only", PREFIX / "lib/libajp.a").split("\n")
    names = {line.split()[-1] for line in listed if len(line.split()) == 3}
    assert names and all(name.startswith("ajp_") for name in names)


def test_soname():
    text = run("readelf", "-d", PREFIX / "lib/libajp.so")
    assert "libajp.so.0]" in text


@pytest.fixture(scope="module", params=["shared", "static"])
def programs(request, tmp_path_factory):
    """The guide's programs, built outside the tree from what is installed."""
    folder = tmp_path_factory.mktemp(request.param)
    for name in ("dump", "server", "client"):
        source = folder / f"{name}.c"
        source.write_text((ROOT / f"libajp/examples/{name}.c").read_text())
        if request.param == "shared":
            link = [*pkg_config("--libs"), f"-Wl,-rpath,{PREFIX}/lib"]
        else:
            link = [f"-L{PREFIX}/lib", "-l:libajp.a"]
        run("cc", "-std=gnu11", *STRICT, *pkg_config("--cflags"), source, *link, "-o", folder / name)
    return folder


def test_client_and_server(programs):
    server = subprocess.Popen([programs / "server"], stdout=subprocess.PIPE)
    try:
        port = server.stdout.readline().decode().strip().rsplit(":", 1)[1]
        for path in ("/hello", "/again?not=a-query"):
            said = run(programs / "client", port, path)
            assert said == f"200\nYou asked for {path}\n"
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def test_dump(programs):
    packet = bytes.fromhex("1234 0032 0202 0008") + b"HTTP/1.1\0\0\2/x\0\0\7" + b"1.2.3.4\0\xff\xff\0\1h\0"
    packet += bytes.fromhex("0050 00 0001 a00b 0001 68 00 05 0003") + b"q=1\0\xff"
    packet = packet[:2] + (len(packet) - 4).to_bytes(2, "big") + packet[4:]
    answer = bytes.fromhex("4142 0007 04 00c8 ffff 0000 4142 0009 03 0005") + b"hello\0" + bytes.fromhex(
        "4142 0002 05 01 4142 0001 42")
    said = run(programs / "dump", input=packet + answer)
    assert said.split("\n")[:-1] == [
        "GET /x", "  host: h", "  [query_string] q=1", "status 200", "SEND_BODY_CHUNK, 5 bytes",
        "END_RESPONSE", "message type is unknown or not valid here, at byte 0 of a packet"]


def test_version_is_the_project_s():
    assert pkg_config("--modversion") == [re.search(
        r'AJP_VERSION "([^"]+)"', (ROOT / "include/ajp/base.h").read_text()).group(1)]
    assert pathlib.Path(PREFIX / "include/ajp/ajp.h").exists()
