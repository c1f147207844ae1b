# SPDX-License-Identifier: Apache-2.0
"""Tests on several cores at once (pytest -n auto; tools/check does): how many workers, what goes to one of them as a whole and
in what order, and which tests run beside no other. The functions named pytest_… are hooks, which conftest.py takes over.

A file's tests run in one worker, in their order: they may share what a fixture of the file made. Which files share a worker,
and so its site, changes from run to run."""
import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

import pytest

# What takes longest is begun first.
FIRST = ("entra", "limits", "real_traffic", "entra_user", "choices_live", "faults", "lifecycle", "collections", "security",
         "refusal_request", "sources", "memory")
# Whose tests share nothing but the site: they are handed out one by one, in the end, so that no worker is left with a file.
SCATTERED = ("broken_gateway", "branches")


def name_of(file):
    return Path(file).stem.removesuffix("_test")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """Tests wait for programs, and these for each other: half a worker more than cores keeps them busy."""
    cores = len(os.sched_getaffinity(0))
    return cores + (cores + 1) // 2


def unit(nodeid):
    """What goes to one worker as a whole."""
    file = nodeid.partition("::")[0]
    return nodeid if name_of(file) in SCATTERED else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling  # not there where nobody asks for several workers

    class ByUnit(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return unit(nodeid)
    return ByUnit(config, log)


def pytest_collection_modifyitems(config, items):
    if hasattr(config, "workerinput"):
        place = {name: number for number, name in enumerate(FIRST)} | dict.fromkeys(SCATTERED, len(FIRST) + 1)
        items.sort(key=lambda item: place.get(name_of(item.path), len(FIRST)))


# --- alone ------------------------------------------------------------------------------------------------------------


class Turns:
    """Any number of tests at once, or one that is alone. Whoever waits holds the queue, so that nobody overtakes it."""

    def __init__(self, folder):
        self.queue, self.room = (os.open(os.path.join(folder, name), os.O_RDWR | os.O_CREAT, 0o600) for name in ("queue", "room"))

    @contextlib.contextmanager
    def taken(self, alone):
        fcntl.flock(self.queue, fcntl.LOCK_EX)
        try:
            fcntl.flock(self.room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        finally:
            fcntl.flock(self.queue, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(self.room, fcntl.LOCK_UN)


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: what it measures or uses up is the whole machine's: no other test runs beside it")
    worker = getattr(config, "workerinput", None)
    config.turns = Turns(worker["turns"]) if worker else None
    config.turns_folder = None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """In the controller, of each worker."""
    node.config.turns_folder = node.config.turns_folder or tempfile.mkdtemp(prefix="cmg-turns-")
    node.workerinput["turns"] = node.config.turns_folder


def pytest_unconfigure(config):
    if getattr(config, "turns_folder", None):
        shutil.rmtree(config.turns_folder, ignore_errors=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    turns = item.config.turns
    with turns.taken(item.get_closest_marker("alone") is not None) if turns else contextlib.nullcontext():
        yield
