# SPDX-License-Identifier: Apache-2.0
"""Somebody else holds the SQLite database, as a backup does: what only reads goes on, who makes it write is told to come
again, and nobody waits long for either."""
import contextlib
import json
import sqlite3
import time

import pytest

from kit import gatewayclient
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


def where_the_site_is(site):
    return gatewayclient.request(site, gatewayclient.HTTP1, "GET",
                                 f"/CCM_Proxy_MutualAuth/{site.role('https')}/SMS_MP/.sms_aut?MPLIST",
                                 certificate=site.pki("certificate"), key=site.pki("key")).status


def test_what_must_be_noted_is_asked_for_again_and_what_only_reads_is_answered(own_site, device):
    """Each signed request's nonce is noted, or it could be played again."""
    with locked(own_site):
        since = time.monotonic()
        for _ in range(5):
            report = device.must_fail("policy")
            assert (report["status"], report["reason"]) == (503, "busy") and "seconds" in report["remedy"], report
            assert where_the_site_is(own_site) == 200
        assert time.monotonic() - since < 8
    device.must("policy")


def test_a_change_is_refused_with_a_remedy_and_works_again_afterwards(own_site, device):
    with locked(own_site):
        since = time.monotonic()
        code, problem = own_site.cmg("device", "block", device.guid, check=False)
        assert code == 1 and "held by another process" in json.dumps(problem), problem
        for _ in range(20):  # the first that waited in vain spares the others the wait
            assert own_site.cmg("device", "block", device.guid, check=False)[0] == 1
        assert time.monotonic() - since < 8
    until("the change is taken", lambda: own_site.cmg("device", "block", device.guid, check=False)[0] == 0, 5)
    assert device.must_fail("policy")["reason"] == "blocked"


def test_a_device_that_would_register_is_told_to_come_again(own_site, device, tmp_path):
    with locked(own_site):
        newcomer = Device(own_site, tmp_path)
        report = newcomer.must_fail("register", "--token-file", own_site.report["token_file"])
        assert (report["status"], report["reason"]) == (503, "busy"), report
    newcomer.must("register", "--token-file", own_site.report["token_file"])
