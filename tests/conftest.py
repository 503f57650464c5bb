# SPDX-License-Identifier: Apache-2.0
"""For every Python test: the helpers of tests/support can be imported."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
sys.dont_write_bytecode = True
