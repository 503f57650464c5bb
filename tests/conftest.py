# SPDX-License-Identifier: Apache-2.0
"""For every Python test: the helpers of tests/support can be imported, and a test that fails shows
the ends of the logs of the programs that it had."""
import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
sys.dont_write_bytecode = True


def pytest_configure(config):
    """Whoever ends the run by SIGTERM has its programs stopped too, as with Ctrl-C. What a shell starts in the
    background ignores that, and so would the programs under test."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    config.addinivalue_line("markers", "release: measures, so that sanitizers would disturb")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    from procs import Process

    report = (yield).get_result()
    if report.failed:
        for process in Process.started:
            if process.log.exists() and (lines := process.output().splitlines()[-25:]):
                report.sections.append((f"end of {process.log}", "\n".join(lines)))
    if call.when == "teardown":
        Process.started[:] = [process for process in Process.started if process.running()]
