# SPDX-License-Identifier: Apache-2.0
"""Somebody else holds the SQLite database, as a backup does: what only reads goes on, who makes it write is told to come
again. How long anybody waits for either is shown in tests/unit/store/held_test.c."""
import contextlib
import json
import sqlite3

import pytest

from kit.device import Device
from kit.programs import until


@contextlib.contextmanager
def locked(site):
    with contextlib.closing(sqlite3.connect(site.folder / "state" / "site.db", isolation_level=None)) as store:
        store.execute("BEGIN IMMEDIATE")
        yield
        store.execute("ROLLBACK")


@pytest.fixture
def device(own_site, tmp_path):
    if own_site.store:
        pytest.skip("of SQLite alone")
    it = Device(own_site, tmp_path).registered_by_token()
    it.must("policy")
    return it


def test_devices_go_on_getting_their_policy(own_site, device):
    own_site.sql("UPDATE device SET last_seen = 0")  # so that each request would note that it was seen
    with locked(own_site):
        for _ in range(10):
            device.must("policy")
    device.must("policy")
    [record] = own_site.cmg("device", "list")["devices"]
    assert record["last_seen"] > 0


def test_a_change_is_refused_with_a_remedy_and_works_again_afterwards(own_site, device):
    with locked(own_site):
        code, problem = own_site.cmg("device", "block", device.guid, check=False)
        assert code == 1 and "held by another process" in json.dumps(problem), problem
    until("the change is taken", lambda: own_site.cmg("device", "block", device.guid, check=False)[0] == 0, 5)
    assert device.must_fail("policy")["reason"] == "blocked"


def test_a_device_that_would_register_is_told_to_come_again(own_site, device, tmp_path):
    with locked(own_site):
        newcomer = Device(own_site, tmp_path)
        report = newcomer.must_fail("register", "--token-file", own_site.report["token_file"])
        assert (report["status"], report["reason"]) == (503, "busy"), report
    newcomer.must("register", "--token-file", own_site.report["token_file"])
