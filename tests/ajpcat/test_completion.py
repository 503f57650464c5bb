# SPDX-License-Identifier: Apache-2.0
"""What the shells complete."""
import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

from cat import ajpcat
from procs import BIN


def needs(shell):
    return pytest.mark.skipif(not shutil.which(shell), reason=f"{shell} is not installed")


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("completion")
    for shell, name in (("bash", "ajpcat"), ("zsh", "_ajpcat"), ("fish", "ajpcat.fish")):
        done = ajpcat("--completion", shell)
        assert done.returncode == 0 and not done.stderr
        (folder / name).write_bytes(done.stdout)
    (folder / "a capture.pcap").write_bytes(b"")
    return folder


def commands():
    return re.findall(r"^  (\w+) ", ajpcat("--help").stdout.decode(), re.M)


def options(command):
    return set(re.findall(r"(?<=[ ,])--?[\w-]+(?= [ A-Z]| *$|,)", re.sub(r"  [a-z].*", "", ajpcat(
        command, "--help").stdout.decode().split("\n\n")[1]), re.M))


def bash(scripts, *words):
    """The words offered for the last one, and whether file names would be if there were none."""
    script = (f". {scripts}/ajpcat; compopt() {{ echo no-files; }}; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1));"
              " _ajpcat; printf '%s\\n' \"${COMPREPLY[@]}\"")
    done = subprocess.run(["bash", "--norc", "-c", script, "bash", *words], capture_output=True, text=True, timeout=20)
    assert not done.stderr
    found = set(done.stdout.split())
    return found - {"no-files"}, "no-files" not in found


def test_bash_knows_every_command_and_option(scripts):
    assert bash(scripts, "ajpcat", "")[0] == {"--help", "--version", *commands()}
    for command in commands():
        wanted = options(command)
        assert len(wanted) > 2
        assert bash(scripts, "ajpcat", command, "-")[0] == wanted, command


def test_bash_knows_where_files_belong(scripts):
    assert bash(scripts, "ajpcat", "get", "--cert", "")[1]
    assert bash(scripts, "ajpcat", "serve", "--dir", "")[1]
    assert bash(scripts, "ajpcat", "decode", "")[1]
    assert not bash(scripts, "ajpcat", "get", "")[1]
    assert not bash(scripts, "ajpcat", "decode", "--filter", "")[1]
    assert bash(scripts, "ajpcat", "ping", "--fl")[0] == {"--flood"}


@needs("fish")
def test_fish_completes(scripts):
    def fish(line):
        done = subprocess.run(["fish", "--no-config", "-c", f"source {scripts}/ajpcat.fish; complete -C '{line}'"],
                              capture_output=True, text=True, timeout=20, cwd=scripts)
        assert not done.stderr, done.stderr
        return {row.split("\t")[0] for row in done.stdout.splitlines()}
    assert fish("ajpcat ") >= set(commands())
    for command in commands():
        wanted = {o for o in options(command) if o.startswith("--")}
        assert fish(f"ajpcat {command} --") >= wanted, command
    assert "a capture.pcap" in fish("ajpcat decode a").union({n.replace("\\", "") for n in fish("ajpcat decode a")})
    assert not any("capture" in name for name in fish("ajpcat get a"))


@needs("zsh")
def test_zsh_completes(scripts):
    assert subprocess.run(["zsh", "-n", scripts / "_ajpcat"], timeout=20).returncode == 0
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(scripts)
        os.execvpe("zsh", ["zsh", "-f", "-i"], {**os.environ, "TERM": "dumb", "PS1": "$ "})
    try:
        seen = b""

        def send(text, *wanted):
            nonlocal seen
            seen = b""
            os.write(fd, text.encode())
            end = time.monotonic() + 20
            while not all(re.search(rb"(?<!-)" + re.escape(word.encode()) + rb"(?![\w-])", seen) for word in wanted):
                assert select.select([fd], [], [], max(0, end - time.monotonic()))[0], seen
                seen += os.read(fd, 4096)
        send(f"fpath=({scripts} $fpath); autoload -U compinit; compinit -u -D; unsetopt zle_bracketed_paste; "
             "LISTMAX=10000; echo rea''dy\n", "ready\r\n")
        for start, whole in (("ajpcat pro\t", "ajpcat proxy"), ("ajpcat get --timi\t", "--timing"),
                             ("ajpcat ping --fl\t", "--flood"), ("ajpcat decode a\t", "a\\ capture.pcap"),
                             ("ajpcat serve --thr\t", "--threads")):
            send(start, whole)
            os.write(fd, b"\x15")  # drops the line
        for command in commands():
            send(f"ajpcat {command} --\t", *(o for o in options(command) if o.startswith("--")))
            os.write(fd, b"\x15")
    finally:
        os.close(fd)
        os.waitpid(pid, 0)


def test_other_shells_are_not_known():
    done = ajpcat("--completion", "tcsh")
    assert done.returncode == 2 and b"Usage" in done.stderr


def test_they_are_installed():
    share = BIN.parent / "share"
    if not share.exists():
        pytest.skip("not an installation")
    for path in ("bash-completion/completions/ajpcat", "zsh/site-functions/_ajpcat",
                 "fish/vendor_completions.d/ajpcat.fish"):
        assert (share / path).stat().st_size > 1000
