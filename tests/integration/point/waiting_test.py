# SPDX-License-Identifier: Apache-2.0
"""Devices that wait for approval: how many may, from where, how they end, and that no approved device goes with them."""
import json
import secrets

import pytest

from kit import pki, programs
from kit.inside import Inside
from kit.programs import program, until

A_ADDRESS = 64
AUDITED = 32


@pytest.fixture
def inside(own_site, tmp_path):
    return Inside(own_site, tmp_path)


@pytest.fixture
def keys(tmp_path):
    return lambda: pki.self_signed(tmp_path, f"key-{secrets.token_hex(4)}")


def bulk(site, *options):
    return site.cmg("token", "new", *options)["token"].split(".", 2)[2]


def waits(answer):
    assert answer.status == 202, answer
    return json.loads(answer.body)["guid"]


def devices(site):
    return {d["guid"]: d["state"] for d in site.cmg("device", "list")["devices"]}


def audited(site, action):
    return [row for row in site.admin("GET", "/v1/audit")["events"] if row["action"] == action]


def cmg(site, *arguments):
    code, out, err = programs.run([program("cmg"), *arguments, "--socket", site.report["admin_socket"]], False)
    return code, out + err


def test_strangers_from_one_address_wait_in_bounded_numbers_and_in_few_rows_of_the_audit(own_site, inside, keys):
    device = keys()
    mine = waits(inside.register(device, show=None))
    rows = len(audited(own_site, "device.register"))
    for _ in range(A_ADDRESS - 1):
        waits(inside.register(keys(), show=None))
    refused = inside.register(keys(), show=None)
    problem = json.loads(refused.body)
    assert (refused.status, problem["reason"]) == (429, "too_many_wait")
    assert "64 devices from the address" in problem["detail"] and "cmg device remove --pending" in problem["remedy"]
    assert waits(inside.register(device, show=None)) == mine, "who waits already is not refused"
    assert len(audited(own_site, "device.register")) - rows <= AUDITED
    approved = inside.register(keys(), bulk(own_site))  # whom somebody vouches for is not in their queue
    assert approved.status == 200
    own_site.cmg("device", "remove", "--pending", "--yes")
    assert set(devices(own_site).values()) == {"approved"}
    waits(inside.register(keys(), show=None))


def test_all_that_wait_are_removed_by_one_word_which_is_asked_for_and_approved_devices_stay(own_site, inside, keys):
    token, name = bulk(own_site, "--uses", "5"), f"pc-{secrets.token_hex(4)}"
    kept = json.loads(inside.register(keys(), token, name=name).body)["guid"]
    renames = keys()
    again = json.loads(inside.register(renames, token).body)["guid"]
    assert waits(inside.register(renames, token, name=name)) == again, "it was approved, and waits again"
    young, kiosk, told = waits(inside.register(keys(), show=None)), keys(), []
    old = waits(inside.register(kiosk, show=None, name="kiosk-1"))
    vouched = waits(inside.register(keys(), token, name=name))
    own_site.sql(f"UPDATE device SET registered = registered - 7200 WHERE guid IN ('{old}', '{kept}', '{again}')")
    code, text = cmg(own_site, "device", "remove", "--pending")
    assert code == 2 and "3 devices" in text and "--yes" in text
    assert len(devices(own_site)) == 5
    for options in (["--older-than", "3h"], ["--name", "nobody-*"]):
        assert own_site.cmg("device", "remove", "--pending", "--yes", *options)["removed"] == 0
    assert own_site.cmg("device", "remove", "--pending", "--yes", "--older-than", "1h", "--name", "kiosk-*") == {
        "removed": 1, "still_waiting": 3, "dry_run": False}
    assert old not in devices(own_site)
    code, text = cmg(own_site, "device", "remove", "--pending", "--yes")
    assert code == 0 and "2 devices removed; 1 still wait" in text
    assert devices(own_site) == {kept: "approved", again: "pending"} and young not in devices(own_site), told
    assert [row["detail"].split()[0] for row in audited(own_site, "device.remove-waiting")] == ["2", "1"]
    assert waits(inside.register(kiosk, show=None)) not in (old, vouched), "it may ask again, as anybody"


@pytest.mark.parametrize("arguments, told", [(["--pending", "x"], "--pending"), ([], "--pending"), (["--pending", "--forget"], "--forget"),
                                             (["x", "--older-than", "1h"], "--pending"), (["--pending", "--older-than", "soon"], "1")])
def test_what_does_not_go_together_is_told(own_site, arguments, told):
    code, text = cmg(own_site, "device", "remove", *arguments)
    assert code == 2 and told in text


def test_who_was_not_approved_in_time_is_gone_and_who_is_vouched_for_waits_on(own_site, inside, keys):
    token, name = bulk(own_site, "--uses", "2"), f"pc-{secrets.token_hex(4)}"
    approved = json.loads(inside.register(keys(), token, name=name).body)["guid"]
    vouched, forgotten, recent = (waits(inside.register(keys(), token, name=name)), waits(inside.register(keys(), show=None)),
                                  waits(inside.register(keys(), show=None)))
    own_site.sql(f"UPDATE device SET registered = registered - {15 * 86400} WHERE guid <> '{recent}'")
    until("it is gone", lambda: forgotten not in devices(own_site), 40)
    assert set(devices(own_site)) == {approved, vouched, recent}
    assert "1 that nobody vouched for" in audited(own_site, "device.expire")[0]["detail"]


def test_where_a_device_registered_from_is_what_the_gateway_saw_or_its_connector_and_token(own_site, inside, keys):
    token = bulk(own_site, "--uses", "9")

    def origin(**headers):
        guid = json.loads(inside.register(keys(), token, headers=headers).body)["guid"]
        return own_site.cmg("device", "show", guid)["device"]["registered_from"]
    assert origin(Forwarded='for="[2001:db8:1:2:3::4]";host=x') == "2001:db8:1:2::/64"
    assert origin(Forwarded="for=192.0.2.7;proto=https") == "192.0.2.7"
    assert origin().startswith("connector ")
