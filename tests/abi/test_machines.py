# SPDX-License-Identifier: Apache-2.0
"""The codec's tests where Criterion is not: without SIMD, with NEON, with 32 bits and big-endian,
and under the memory sanitizer. They are the same sources; plain/ stands in for Criterion."""
import shutil
import subprocess

import pytest

from procs import ROOT

UNIT = sorted((ROOT / "tests/unit").glob("*.c")) + sorted((ROOT / "tests/property").glob("*.c"))
LIBRARY = sorted((ROOT / "libajp").glob("*.c"))
INCLUDES = [f"-I{ROOT / folder}" for folder in ("include", "tests/abi/plain", "tests/unit")]
CORPORA = ["differ", "frame", "names", "patch", "request", "response", "roundtrip", "route", "session"]

# name: compiler and options, what runs its programs, words of machine code that must be there
MACHINES = {
    "no-simd": (["gcc", "-DAJP_NO_SIMD"], [], None),
    "aarch64": (["aarch64-linux-gnu-gcc", "-static"], ["qemu-aarch64"], "cmeq"),
    "powerpc": (["powerpc-linux-gnu-gcc", "-static", "-D_FILE_OFFSET_BITS=64"], ["qemu-ppc"], None),
    "msan": (["clang", "-g", "-fsanitize=memory", "-fsanitize-memory-track-origins"], [], None),
}


def run(*command, cwd=None):
    done = subprocess.run([str(word) for word in command], capture_output=True, timeout=300, cwd=cwd)
    said = done.stdout.decode(errors="replace")
    assert done.returncode == 0, f"{command}\n{said[-3000:]}{done.stderr.decode(errors='replace')[-3000:]}"
    return said


class Machine:
    def __init__(self, name, folder):
        compiler, self.runner, self.word = MACHINES[name]
        for tool in [compiler[0], *self.runner]:
            if shutil.which(tool) is None:
                pytest.skip(f"{tool} is not installed")
        self.folder = folder
        self.compiler = [*compiler, "-std=gnu11", "-Wall", "-Wextra", "-Werror", *INCLUDES]
        run(*self.compiler, "-O2", "-c", *LIBRARY, cwd=folder)
        self.objects = [folder / f"{source.stem}.o" for source in LIBRARY]

    def program(self, name, *sources):
        run(*self.compiler, "-O1", *sources, *self.objects, "-o", self.folder / name)
        return self.folder / name

    def say(self, program, *arguments):
        return run(*self.runner, program, *arguments)


@pytest.fixture(scope="module", params=MACHINES)
def machine(request, tmp_path_factory):
    return Machine(request.param, tmp_path_factory.mktemp(request.param))


def test_codec_tests_pass(machine):
    program = machine.program("unit", *UNIT, ROOT / "tests/abi/plain/plain.c")
    cases, word = machine.say(program).split()[-2:]
    assert word == "cases" and int(cases) >= 900
    if machine.word is not None:  # and it is the vectors that ran
        objdump = machine.compiler[0].replace("gcc", "objdump")
        assert machine.word in run(objdump, "-d", machine.folder / "decode_request.o")


def test_real_packets_decode_as_ever(machine):
    program = machine.program("golden", ROOT / "tests/golden/test_golden.c", ROOT / "tests/unit/wire.c")
    said = machine.say(program, ROOT / "tests/golden/packets.txt")
    assert said.count("\nok ") >= 100 and "not ok" not in said


@pytest.mark.parametrize("target", CORPORA)
def test_corpus_passes(machine, target):
    program = machine.program(target, ROOT / f"fuzz/fuzz_{target}.c", ROOT / "fuzz/replay_main.c")
    said = machine.say(program, ROOT / "fuzz/corpus" / target)
    assert said.startswith("ok ") and "not ok" not in said
