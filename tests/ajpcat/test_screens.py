# SPDX-License-Identifier: Apache-2.0
"""The screens in docs/ajpcat.md are what ajpcat shows."""
import os
import shutil
import subprocess

import pytest

from procs import BIN, ROOT


def test_the_screens_are_up_to_date():
    if not shutil.which("tmux"):
        pytest.skip("no tmux")
    done = subprocess.run([ROOT / "docs/screens.py", "--check"], env={**os.environ, "AJP_BIN": str(BIN)}, timeout=120)
    assert done.returncode == 0, "run docs/screens.py"
