# SPDX-License-Identifier: Apache-2.0
"""Bulk registration tokens that are limited: by where a device comes from, by what it is called; and the collection that it joins."""
import json

import pytest

from kit import gatewayclient, pki, programs
from kit.device import Device
from kit.inside import signature
from kit.programs import program

HERE, ELSEWHERE = "127.0.0.0/8", "203.0.113.0/24"


def new_token(site, folder, *options):
    path = folder / "token"
    site.cmg("token", "new", "--uses", "5", "--out", path, *options)
    return path


def register(site, folder, name, *options):
    """Through the gateway. None: registered; else the refusal."""
    device = Device(site, folder, name).at("ehttp")
    code, report = device.run("register", "--token-file", new_token(site, folder, *options))
    return None if code == 0 else report


@pytest.mark.parametrize("options", [(), ("--network", HERE), ("--network", f"{ELSEWHERE},{HERE}"), ("--network", "127.0.0.1"),
                                     ("--name", "kiosk-*"), ("--name", "PC-*", "--name", "KIOSK-?"),
                                     ("--network", HERE, "--name", "*")])
def test_a_device_within_the_limits_registers(site, tmp_path, options):
    assert register(site, tmp_path, "kiosk-7", *options) is None


@pytest.mark.parametrize("options, told", [(("--network", ELSEWHERE), ["203.0.113.0/24", "127.0.0.1"]),
                                           (("--network", "2001:db8::/32"), ["2001:db8::/32", "127.0.0.1"]),
                                           (("--name", "LAB-*"), ["LAB-*", "kiosk-7"]),
                                           (("--name", "kiosk"), ["kiosk-7"]),
                                           (("--network", HERE, "--name", "LAB-*"), ["LAB-*"]),
                                           (("--network", ELSEWHERE, "--name", "kiosk-*"), ["203.0.113.0/24"])])
def test_a_device_outside_a_limit_is_refused_with_the_limit_and_what_was_found(site, tmp_path, options, told):
    report = register(site, tmp_path, "kiosk-7", *options)
    assert report["reason"] == "token_out_of_scope", report
    assert all(word in report["detail"] for word in told), report
    assert report["remedy"]


def test_a_refused_device_costs_no_use(site, tmp_path):
    device = Device(site, tmp_path, "kiosk-8").at("ehttp")
    path = new_token(site, tmp_path, "--name", "LAB-UNUSED-*")
    assert device.run("register", "--token-file", path)[0] != 0
    token = next(t for t in site.cmg("token", "list")["tokens"] if t["names"] == ["LAB-UNUSED-*"])
    assert token["used"] == 0


def test_where_it_comes_from_is_the_gateway_s_word_and_not_the_device_s(site, version, tmp_path):
    device = pki.self_signed(tmp_path, "liar")
    jwt = site.cmg("token", "new", "--network", ELSEWHERE)["token"].split(".", 2)[2]
    body = json.dumps({"name": "liar", "hardware_id": "", "client_version": 2603,
                       "certificate_pem": pki.pem_of(device.certificate).decode()}).encode()
    fields = signature(device.private, "POST", "/CCM_Client/registration", body)
    answer = gatewayclient.request(
        site, version, "POST", f"/CCM_Proxy_ServerAuth/{site.role('ehttp')}/CCM_Client/registration",
        [*fields.items(), ("Authorization", f"Bearer {jwt}"), ("Forwarded", "for=203.0.113.7"),
         ("X-Forwarded-For", "203.0.113.7")], body, **device.client())
    assert answer.status == 403 and answer.problem()["reason"] == "token_out_of_scope", answer
    assert "127.0.0.1" in answer.problem()["detail"]


def test_a_new_device_joins_the_collection_of_its_token(site, tmp_path):
    site.cmg("collection", "add", "kiosks")
    device = Device(site, tmp_path, "kiosk-9").at("ehttp")
    device.must("register", "--token-file", new_token(site, tmp_path, "--collection", "kiosks"))
    assert [d["guid"] for d in site.cmg("collection", "show", "kiosks")["collection"]["devices"]] == [device.guid]


def test_a_collection_that_was_removed_since_keeps_nobody_from_registering(site, tmp_path):
    site.cmg("collection", "add", "gone")
    path = new_token(site, tmp_path, "--collection", "gone")
    site.cmg("collection", "remove", "gone")
    Device(site, tmp_path, "kiosk-10").at("ehttp").must("register", "--token-file", path)


@pytest.mark.parametrize("options, told", [(("--network", "10.0.0.1/8"), "10.0.0.1/8"), (("--network", "office"), "office"),
                                           (("--collection", "nowhere"), "nowhere"), (("--name", "x" * 200), "128")])
def test_limits_that_can_not_be_meant_are_refused(site, options, told):
    code, answer = site.cmg("token", "new", *options, check=False)
    assert code == 1 and told in json.dumps(answer) and answer["error"]["remedy"], answer


def test_the_limits_are_listed(site):
    site.cmg("collection", "add", "listed")
    site.cmg("token", "new", "--network", HERE, "--name", "A-*,B-*", "--collection", "listed")
    [token] = [t for t in site.cmg("token", "list")["tokens"] if t["collection"] == "listed"]
    assert (token["networks"], token["names"]) == ([HERE], ["A-*", "B-*"])
    out = programs.run([program("cmg"), "token", "list", "--socket", site.report["admin_socket"]])[1]
    assert "127.0.0.0/8" in out and "A-*,B-*" in out and "listed" in out
