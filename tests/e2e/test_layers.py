# SPDX-License-Identifier: Apache-2.0
"""Who may include whom: docs/architecture.md, held."""
import re

import pytest

from procs import ROOT

# each may include itself and what stands before it; config/settings.h is plain data for all
LAYERS = ["base", "net", "http", "map", "balance", "core", "front", "back", "config", "admin", "run"]
STRANGERS = {("back", "front"), ("front", "back")}


def includes(folder):
    for file in sorted((ROOT / folder).rglob("*.[ch]")):
        for name in re.findall(r'^\s*#\s*include\s+["<]([^">]+)[">]', file.read_text(), re.M):
            yield file.relative_to(ROOT), name


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_includes_only_those_below_it(layer):
    allowed = {other for other in LAYERS[: LAYERS.index(layer) + 1] if (layer, other) not in STRANGERS}
    for file, name in includes(f"tools/engine/{layer}"):
        other = name.split("/")[0]
        if other in LAYERS and name != "config/settings.h":
            assert other in allowed, f"{file} includes {name}"


def test_the_library_knows_no_system():
    plain = {"assert.h", "limits.h", "stdbool.h", "stddef.h", "stdint.h", "string.h", "emmintrin.h",
             "immintrin.h", "tmmintrin.h", "arm_neon.h"}
    for folder in ("libajp", "include/ajp"):
        for file, name in includes(folder):
            if "examples" in file.parts:  # programs that use it
                continue
            own = (file.parent.name == "libajp" and (ROOT / "libajp" / name).exists()) or name.startswith("ajp/")
            assert own or name in plain, f"{file} includes {name}"


def test_ajpcat_does_without_the_engine():
    for file, name in includes("tools/ajpcat"):
        assert name.split("/")[0] not in set(LAYERS) - {"net"}, f"{file} includes {name}"
