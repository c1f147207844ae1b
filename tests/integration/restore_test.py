# SPDX-License-Identifier: Apache-2.0
"""A site never goes back: an older copy of the store, put back as docs/operations.md says."""
import glob
import os
import sqlite3

import pytest

from kit.programs import until
from kit.site import Site


@pytest.fixture
def apart(tmp_path):
    site = Site(tmp_path / "site").start()
    try:
        yield site.take_apart()
    finally:
        site.end()


def backup(site, to):
    with sqlite3.connect(site.folder / "state" / "site.db") as db, sqlite3.connect(to) as copy:
        db.backup(copy)
    os.chmod(to, 0o600)


def restore(site, copy):
    """Stop, take the database and what SQLite keeps beside it away, put the copy there, start."""
    site.stop("cmg-mp")
    for name in glob.glob(str(site.folder / "state" / "site.db*")):
        os.unlink(name)
    os.link(copy, site.folder / "state" / "site.db")
    site.run("cmg-mp")
    until("the site answers", lambda: site.cmg("status", check=False)[0] == 0, 15)


def causes(site):
    return [p["cause"] for p in site.cmg("status")["problems"]]


def test_after_a_restore_blocks_hold_and_it_is_told(apart, tmp_path):
    backup(apart, tmp_path / "copy.db")
    before = apart.bundle_sequence()
    for n in range(8):
        apart.cmg("token", "block", apart.cmg("token", "new")["id"])
    until("the gateway holds the last one", lambda: apart.gateway_bundle() >= apart.bundle_sequence() > before, 10)
    held = apart.gateway_bundle()
    restore(apart, tmp_path / "copy.db")
    until("it is told", lambda: "store_went_back" in causes(apart), 10)
    problem = next(p for p in apart.cmg("status")["problems"] if p["cause"] == "store_went_back")
    assert str(held) in problem["found"] and problem["remedy"]
    until("the gateway follows again", lambda: apart.gateway_bundle() > held, 5)
