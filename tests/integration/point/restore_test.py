# SPDX-License-Identifier: Apache-2.0
"""A site never goes back: an older copy of the store, put back as docs/operations.md says."""
import glob
import json
import os
import sqlite3

import pytest

from kit import gatewayclient
from kit.device import Device
from kit.gatewayclient import HTTP1
from kit.jsonpage import documented
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


def test_a_store_that_is_missing_never_becomes_an_empty_site(apart, tmp_path):
    apart.stop("cmg-mp")
    (apart.folder / "state").rename(tmp_path / "not mounted")
    process = apart.run("cmg-mp")
    until("cmg-mp has ended", lambda: process.poll() is not None, 10)
    assert process.returncode == 1 and not (apart.folder / "state" / "site.db").exists()
    assert "there is no site in it" in (apart.folder / "mp.log").read_text()
    (apart.folder / "state" / "site.db").touch(0o600)  # an empty one is none either
    process = apart.run("cmg-mp")
    until("cmg-mp has ended", lambda: process.poll() is not None, 10)
    assert process.returncode == 1
    (apart.folder / "state" / "site.db").unlink()
    (apart.folder / "state").rmdir()
    (tmp_path / "not mounted").rename(apart.folder / "state")
    apart.run("cmg-mp")
    until("the site answers", lambda: apart.cmg("status", check=False)[0] == 0, 15)


def test_a_store_that_is_deleted_in_use_is_told_and_takes_nothing_more(apart):
    if apart.store:
        pytest.skip("the store is no file")
    for name in glob.glob(str(apart.folder / "state" / "site.db*")):
        os.unlink(name)
    code, answer = apart.cmg("token", "new", check=False)
    assert code != 0 and "deleted or replaced" in json.dumps(answer)
    assert causes(apart)[0] == "store_gone"


def test_a_device_that_the_copy_does_not_know_hears_that_it_must_register_again(apart, tmp_path):
    if apart.store:
        pytest.skip("the store is no file")
    backup(apart, tmp_path / "copy.db")
    device = Device(apart, tmp_path).registered_by_token()
    restore(apart, tmp_path / "copy.db")
    until("a management point judges the device", lambda: device.run("policy")[1].get("code", "").startswith("MP_"), 60)
    report = device.must_fail("policy")
    assert report["reason"] == "not_registered" and "cmg-client register" in report["remedy"], report


def published(site, device, name):
    """What the server `name`, which is no management point, answers a device; the status. None: the gateway has just learnt
    that the device is blocked, and ended the connection."""
    try:
        return gatewayclient.request(site, HTTP1, "GET", f"/CCM_Proxy_MutualAuth/{name}/",
                                     certificate=site.pki("certificate"), key=site.pki("key")).status
    except ConnectionError:
        return None


def test_after_a_restore_blocks_hold_and_it_is_told(apart, tmp_path, upstream):
    """A published server refuses who was blocked after the restore, and a device takes the policy that is newer than its own."""
    device = Device(apart, tmp_path).with_certificate(apart.pki("certificate"), apart.pki("key")).at("https")
    device.must("run", "--once")
    apart.publish("apt", "--url", upstream.url)
    assert published(apart, device, "apt") == 200
    backup(apart, tmp_path / "copy.db")
    for n in range(3):
        (tmp_path / "p.yaml").write_text(f"n: {n}\n")
        apart.cmg("policy", "add", "lost", tmp_path / "p.yaml")
    device.must("policy")
    before = apart.bundle_sequence()
    for n in range(8):
        apart.cmg("token", "block", apart.cmg("token", "new")["id"])
    until("the gateway holds the last one", lambda: apart.gateway_bundle() >= apart.bundle_sequence() > before, 10)
    held = apart.gateway_bundle()
    restore(apart, tmp_path / "copy.db")
    until("it is told", lambda: "store_went_back" in causes(apart), 10)
    status = apart.cmg("status")
    assert set(status["went_back"]) == documented()["cmg status"]["went_back?"]
    problem = next(p for p in status["problems"] if p["cause"] == "store_went_back")
    assert str(held) in problem["found"] and problem["remedy"]
    until("the gateway follows again", lambda: apart.gateway_bundle() > held, 5)
    device.must("policy")
    apart.stop("cmg-mp")  # it is not the memory of one process
    apart.run("cmg-mp")
    until("the site answers", lambda: apart.cmg("status", check=False)[0] == 0, 15)
    assert apart.cmg("status")["went_back"]["held"] == status["went_back"]["held"]
    apart.cmg("restore", "done")
    assert apart.cmg("status")["went_back"] is None and "store_went_back" not in causes(apart)
    assert apart.cmg("restore", "done", check=False)[0] == 1
    assert apart.admin("GET", "/v1/audit")["events"][0]["action"] == "restore.done"
    apart.cmg("device", "block", device.name)
    until("the published server refuses it", lambda: published(apart, device, "apt") == 403, 5)
    assert not device.run("policy")[1]["ok"]
