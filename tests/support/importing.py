# SPDX-License-Identifier: Apache-2.0
"""mod_jk's files, imported. What comes of it is always accepted: each file that an import prints goes through
--check, with an environment that has the secrets it asks for."""
import os
import re
import subprocess

from procs import BIN

MARK = "\n# Not carried over, or not as it was; what matters most stands first.\n"


class Imported:
    """body: the file; rest: what was not carried over, as text, and notes: by (name of the file, line)."""

    def __init__(self, done):
        self.returncode, self.stdout, self.stderr = done.returncode, done.stdout, done.stderr
        self.body, _, self.rest = done.stdout.partition(MARK)
        self.notes = {}
        self.groups = {}  # of a line: the heading that its first note stands under
        for text in self.rest.splitlines():
            if heading := re.fullmatch(r"# (\S.*):", text):
                if heading[1].startswith("- "):
                    reason = heading[1][2:]
                else:
                    group = heading[1]
            elif place := re.fullmatch(r"#     (\S+?):(\d+): (.*)", text):
                key = (os.path.basename(place[1]).split(".")[0], int(place[2]))
                self.notes.setdefault(key, []).append(f"{place[3]}: {reason}")
                self.groups.setdefault(key, group)
            else:
                assert text == "#", text

    def of_workers(self):
        return {line: "; ".join(why) for (name, line), why in self.notes.items() if name == "workers"}

    def of_map(self):
        return {line: "; ".join(why) for (name, line), why in self.notes.items() if name == "uriworkermap"}


def check(tmp_path, text, program):
    out = tmp_path / "out.yaml"
    out.write_text(text)
    env = {**os.environ, **{name: "s" for name in re.findall(r"secret_env: (\w+)", text)}}
    done = subprocess.run([BIN / program, "--config", out, "--check"], env=env, capture_output=True, text=True,
                          timeout=20)
    assert (done.returncode, done.stderr) == (0, ""), text


def run_import(tmp_path, workers, uris=None, program="ajpforward", httpd=None):
    """HTTPD: text of an httpd configuration, or of several files by their names, of which the first is given."""
    args = [BIN / program, "import", tmp_path / "workers.properties"]
    args[2].write_bytes(workers.encode())
    if uris is not None:
        args.append(tmp_path / "uriworkermap.properties")
        args[3].write_text(uris)
    for name, text in ({"httpd.conf": httpd} if isinstance(httpd, str) else httpd or {}).items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(text)
    if httpd:
        args.append(tmp_path / ("httpd.conf" if isinstance(httpd, str) else next(iter(httpd))))
    done = Imported(subprocess.run(args, capture_output=True, text=True, timeout=20))
    if done.returncode == 0:
        check(tmp_path, done.stdout, program)
    return done
