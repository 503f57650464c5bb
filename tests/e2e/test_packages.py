# SPDX-License-Identifier: Apache-2.0
"""The package lists that ./dev installs from hold what the build asks for."""
import re

import pytest

from procs import ROOT

LISTS = ROOT / "tests/support/packages"
DEBIAN = {"criterion": "libcriterion-dev", "libcyaml": "libcyaml-dev", "libpcap": "libpcap-dev", "libuv": "libuv1-dev",
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
