# SPDX-License-Identifier: Apache-2.0
"""How long each file took, at the end of a run of several; hooks that conftest.py takes over."""
import collections

SLOWEST_TESTS, COLUMNS = 10, 3
FILES, TESTS = collections.Counter(), collections.Counter()  # → seconds, with what was made for them


def note(report):
    """Of each phase of each test; under several workers the controller sees them all."""
    FILES[report.nodeid.partition("::")[0].rpartition("/")[2]] += report.duration
    TESTS[report.nodeid.rpartition("/")[2]] += report.duration


def pytest_terminal_summary(terminalreporter):
    if len(FILES) <= COLUMNS:
        return
    terminalreporter.section("seconds a file, the slowest first")
    cells = [f"{seconds:7.1f} {name.removesuffix('_test.py'):26}" for name, seconds in FILES.most_common()]
    for row in range(0, len(cells), COLUMNS):
        terminalreporter.write_line("".join(cells[row:row + COLUMNS]).rstrip())
    terminalreporter.section("the slowest tests")
    for name, seconds in TESTS.most_common(SLOWEST_TESTS):
        terminalreporter.write_line(f"{seconds:7.1f} {name}")
