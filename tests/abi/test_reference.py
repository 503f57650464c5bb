# SPDX-License-Identifier: Apache-2.0
"""The reference of libajp: everything public has an entry, and doxygen has nothing to complain of."""
import re
import subprocess

import pytest

from procs import ROOT

HEADERS = sorted((ROOT / "include/ajp").glob("*.h"))
SYMBOLS = (ROOT / "tests/abi/libajp.sym").read_text().split()


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    done = subprocess.run([ROOT / "dev", "docs", folder], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return folder


def page(reference, name):
    """The words of a man page, or of the one that it stands for."""
    text = (reference / "man/man3" / f"{name}.3").read_text()
    other = re.fullmatch(r"\.so (\S+)\s*", text)
    text = (reference / "man" / other.group(1)).read_text() if other else text
    return re.sub(r"\\f[BCIP]|\\&|\\", "", text)


def test_each_symbol_has_a_page_and_words(reference):
    html = "".join(path.read_text() for path in (reference / "html").glob("*_8h.html"))
    for name in SYMBOLS:
        text = page(reference, name)
        entry = re.search(rf'^\.SS ".*\b{name}( \(|").*$', text, re.M) or re.search(
            rf'^\.SS "const ajp_limits {name}.*$', text, re.M)
        assert entry, f"{name} has no entry"
        words = text[entry.end():].split("\n.S", 1)[0].replace(".PP", "")
        assert len(words.split()) > 3, f"{name} has no words: {words}"
        assert f">{name}</a>" in html, name


def test_each_constant_and_type_has_an_entry(reference):
    pages = {path.stem for path in (reference / "man/man3").iterdir()}
    for header in HEADERS:
        code = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
        public = set(re.findall(r"^ +(AJP_[A-Z0-9_]+)(?: *=[^,\n]+)?,?$", code, re.M))
        public |= set(re.findall(r"\b(AJP_[A-Z0-9_]+)(?= *(?:=[^=]|,\n))", code))
        public |= set(re.findall(r"^} (ajp_\w+);", code, re.M))
        assert public or header.name == "ajp.h"
        assert public <= pages, public - pages


def test_statuses_are_spelled_out_of_their_table(reference):
    text = page(reference, "base.h")
    rows = re.findall(r'X\((\w+), (-?\d+), "([^"]+)"\)', (ROOT / "include/ajp/base.h").read_text())
    assert len(rows) == 21
    for name, _, words in rows:
        assert re.search(rf"AJP_{name} ?\n{words}", text), name


def test_what_has_no_comment_is_refused(tmp_path):
    (tmp_path / "bare.h").write_text("/** @file\n * A header. */\nint ajp_bare(void);\n")
    config = (ROOT / "docs/api/Doxyfile").read_text() + f"\nINPUT = {tmp_path}\n"
    done = subprocess.run(["doxygen", "-"], input=config, text=True, capture_output=True, cwd=ROOT,
                          env={"PATH": "/usr/bin:/bin", "AJP_DOCS": str(tmp_path / "out")}, timeout=60)
    assert done.returncode != 0 and "ajp_bare" in done.stderr
