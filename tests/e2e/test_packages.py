# SPDX-License-Identifier: Apache-2.0
"""The package lists that ./dev installs from hold what the build asks for."""
import os
import pathlib
import re

import listed_path
import pytest

from procs import ROOT

LISTS = ROOT / "tests/support/packages"
DEBIAN = {"criterion": "libcriterion-dev", "libpcap": "libpcap-dev", "libuv": "libuv1-dev",
          "openssl": "libssl-dev", "threads": "libc6-dev", "yaml-0.1": "libyaml-dev", "libnghttp2": "libnghttp2-dev",
          "jansson": "libjansson-dev", "libmicrohttpd": "libmicrohttpd-dev", "http_parser": "libhttp-parser-dev"}


def asked_by(*folders):
    for folder in folders:
        for file in (ROOT / folder).rglob("meson.build"):
            yield from re.findall(r"(?:dependency|find_library)\('([^']+)'", file.read_text())


def listed(purpose):
    return {line.split()[0] for line in (LISTS / purpose).read_text().splitlines() if line}


@pytest.mark.parametrize("purposes, folders", [
    (["build"], ["libajp", "tools"]), (["build", "test"], ["libajp", "tools", "tests", "fuzz"])])
def test_every_dependency_is_in_a_list(purposes, folders):
    for name in set(asked_by(*folders)) - {"m"}:
        assert DEBIAN[name] in set().union(*map(listed, purposes)), name


@pytest.mark.parametrize("file", sorted(LISTS.iterdir()), ids=lambda f: f.name)
def test_every_package_has_its_reason(file):
    for line in file.read_text().splitlines():
        assert len(line.split()) > 1, line


@pytest.fixture(scope="module")
def listed_programs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("path")
    listed_path.main(folder)
    names = set(os.listdir(folder))
    if not names:
        pytest.skip("this is no Debian")
    return names


def test_programs_of_listed_packages_only(listed_programs):
    assert {"gcc", "cc", "javac", "xzcat", "bzcat", "sh", "tar"} <= listed_programs
    assert not {"debootstrap", "strace", "cppcheck"} & listed_programs  # other purposes' packages


def test_the_suite_sees_listed_programs_only(listed_programs):
    """./dev test has such a folder as its PATH, so a program that nobody listed fails its test everywhere."""
    if os.environ.get("CI") or pathlib.Path(os.environ["PATH"]).parts[-2:] == ("build", "path"):
        assert set(os.listdir(os.environ["PATH"])) == listed_programs


def test_programs_named_by_their_path_are_listed(listed_programs):
    for file in [ROOT / "dev", *(ROOT / "tests").rglob("*.py")]:
        for program in re.findall(r"/usr/s?bin/([\w.+-]+)", file.read_text()):
            assert program in listed_programs, f"{file}: {program}"
