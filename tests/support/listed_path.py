#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""listed_path.py DIR: fills DIR with links to those programs of this Debian that come from a package in
packages/build, test or docs, from what these depend on, or from what every Debian has. With DIR as its PATH a
test that needs a package which nobody listed fails on every machine, not on a bare one only. Prints DIR; prints
nothing where this is no Debian."""
import os
import pathlib
import re
import sys

LISTS = pathlib.Path(__file__).resolve().parent / "packages"
DPKG = pathlib.Path("/var/lib/dpkg")
FOLDERS = ("/usr/bin", "/usr/sbin", "/bin", "/sbin")
PURPOSES = ("build", "test", "docs")


def installed():
    """Of each installed package: whether every Debian has it, and what it needs; and who provides a name."""
    needs, always, providers = {}, set(), {}
    for entry in (DPKG / "status").read_text(errors="replace").split("\n\n"):
        fields = dict(re.findall(r"^([\w-]+): (.*)$", entry, re.M))
        if not fields.get("Status", "").endswith(" installed"):
            continue
        name = fields["Package"]
        depends = ", ".join(fields[key] for key in ("Depends", "Pre-Depends") if key in fields)
        needs[name] = re.findall(r"[a-z0-9][a-z0-9.+-]+(?=[\s:,|]|$)", re.sub(r"\([^)]*\)|:\w+", "", depends))
        for provided in [name, *re.findall(r"[a-z0-9][a-z0-9.+-]+", re.sub(r"\([^)]*\)", "", fields.get("Provides", "")))]:
            providers.setdefault(provided, []).append(name)
        if fields.get("Essential") == "yes" or fields.get("Priority") == "required" or name == "apt":
            always.add(name)
    return needs, always, providers


def listed():
    for purpose in PURPOSES:
        for line in (LISTS / purpose).read_text().splitlines():
            if line.strip():
                yield line.split()[0]


def closure():
    needs, always, providers = installed()
    found, todo = set(), [*always, *listed()]
    while todo:
        for name in providers.get(todo.pop(), ()):
            if name not in found:
                found.add(name)
                todo.extend(needs[name])
    return found


def files(packages):
    for info in (DPKG / "info").glob("*.list"):
        if info.stem.partition(":")[0] in packages:
            yield from info.read_text(errors="replace").splitlines()


def main(folder):
    if not (DPKG / "status").exists():
        return
    folder = pathlib.Path(folder).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    owned = set(files(closure()))
    names = {os.path.basename(path) for path in owned if os.path.dirname(path) in FOLDERS}
    for place in FOLDERS:
        for path in pathlib.Path(place).iterdir():
            # what update-alternatives links belongs to no package, but where it leads to does
            chosen = path.is_symlink() and os.readlink(path).startswith("/etc/alternatives/")
            if (os.path.realpath(path) in owned if chosen else path.name in names):
                link = folder / path.name
                if not link.is_symlink():
                    link.symlink_to(path)
    print(folder)


if __name__ == "__main__":
    main(sys.argv[1])
