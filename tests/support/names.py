# SPDX-License-Identifier: Apache-2.0
"""A resolver as slow as it is told to be, for one program: names.c in its LD_PRELOAD."""
import os
import pathlib
import subprocess


class Names:
    def __init__(self, folder):
        self.file, library = pathlib.Path(folder) / "names", pathlib.Path(folder) / "names.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-o", library, pathlib.Path(__file__).with_name("names.c"),
                        "-ldl"], check=True)
        self.known = {}
        self.put()
        self.env = dict(os.environ, LD_PRELOAD=str(library), TEST_NAMES=str(self.file),
                        ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")

    def put(self, name=None, *addresses, ms=0):
        """From now on NAME has these addresses, or none, and that is known after MS."""
        if name:
            self.known[name] = (ms, *addresses)
        new = self.file.with_suffix(".new")
        new.write_text("".join(" ".join(map(str, (name, *rest))) + "\n" for name, rest in self.known.items()))
        new.rename(self.file)
