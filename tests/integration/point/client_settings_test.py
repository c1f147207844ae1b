# SPDX-License-Identifier: Apache-2.0
"""Collections, client settings by priority, and what the resultant ones mean at the site and on the device."""
import json
import re

import pytest

from kit import gatewayclient, inside, pki
from kit.gatewayclient import HTTP1


@pytest.fixture
def device(new_device):
    return new_device().at("ehttp").registered_by_token()


def resultant(site, device, setting="allow_cmg"):
    answer = site.cmg("settings", "resultant", device.guid)
    return answer, next(s for s in answer["settings"] if s["name"] == setting)


def status(device):
    return device.must("status")


# --- collections ---

def test_a_collection_has_the_devices_of_its_list_and_of_any_of_its_rules(site, settings, new_device):
    lab, office = new_device(name="lab-7").at("ehttp"), new_device(name="office-7").at("ehttp")
    lab.registered_by_token()
    office.registered_by_token()
    site.cmg("device", "approve", lab.guid, office.guid)  # stands for their names

    def names(name):
        return {d["name"]: d["by"] for d in site.cmg("collection", "show", name)["collection"]["devices"]}
    settings.collection("by-rule", "--rule", "name=LAB-?,method=token,version>=2002,join!=entra")
    assert names("by-rule")["lab-7"] == "rule" and "office-7" not in names("by-rule")
    settings.collection("by-rule", "--rule", "name=LAB-?", "--rule", "name=office-*")
    assert {"lab-7", "office-7"} <= set(names("by-rule"))
    settings.collection("by-list", "--device", "office-7")
    assert names("by-list") == {"office-7": "list"}
    site.cmg("collection", "add-device", "by-list", lab.guid)
    site.cmg("collection", "remove-device", "by-list", "office-7")
    assert names("by-list") == {"lab-7": "list"}
    settings.collection("nobody", "--rule", "name=lab-*,version<2002")
    assert "lab-7" not in names("nobody")


@pytest.mark.parametrize("rule", ["colour=red", "name", "name>LAB", "version=new", "method=magic", "name=", "join=domain",
                                  "name=a,,method=pki", ",", "x" * 600])


def test_a_rule_that_is_none_is_refused_and_told_what_there_is(site, rule):
    code, answer = site.cmg("collection", "add", "broken", "--rule", rule, check=False)
    assert code == 1 and answer["error"]["status"] == 400, answer
    assert "broken" not in [c["name"] for c in site.cmg("collection", "list")["collections"]]


def test_a_collection_that_settings_are_for_stays(site, settings):
    settings.collection("kept", "--rule", "name=*")
    settings.set("for-kept", "--collection", "kept", "--priority", "40", "policy_interval=30m")
    code, answer = site.cmg("collection", "remove", "kept", check=False)
    assert code == 1 and "settings" in answer["error"]["what"]


@pytest.mark.parametrize("arguments, word", [
    (["odd", "allow_cmg=no"], "collection"),
    (["odd", "--collection", "not-there", "--priority", "1", "allow_cmg=no"], "not-there"),
    (["odd", "--collection", "some", "allow_cmg=no"], "priority"),
    (["default", "--priority", "4", "allow_cmg=no"], "priority"),
    (["default", "allow_cmg=perhaps"], "yes or no"),
    (["default", "policy_interval=1s"], "10s"),
    (["default", "allowed_methods=magic"], "pki"),
    (["default", "colour=red"], "allow_cmg"),
])


def test_client_settings_that_make_no_sense_are_refused_with_what_would(site, settings, arguments, word):
    settings.collection("some", "--rule", "name=*")
    code, answer = site.cmg("settings", "client", "set", *arguments, check=False)
    assert code == 1 and word in answer["error"]["what"], answer


def test_a_wrong_value_is_told_with_what_was_given_and_what_would_be_right(site, settings):
    _, answer = site.cmg("settings", "client", "set", "default", "allow_cmg=perhaps", check=False)
    assert "perhaps" in answer["error"]["what"] and "yes or no" in answer["error"]["what"]
    assert "--help" in answer["error"]["remedy"]


# --- who wins ---

def test_the_first_by_priority_wins_and_every_loser_is_told_why(site, settings, device):
    settings.collection("mine", "--device", device.guid)
    settings.collection("others", "--rule", "name=nobody-*")
    settings.set("default", "allow_cmg=no")
    settings.set("first", "--collection", "mine", "--priority", "1", "allow_cmg=yes")
    settings.set("second", "--collection", "mine", "--priority", "2", "allow_cmg=no")
    settings.set("elsewhere", "--collection", "others", "--priority", "3", "allow_cmg=no")
    settings.set("silent", "--collection", "mine", "--priority", "4", "policy_interval=30m")
    answer, setting = resultant(site, device)
    assert setting["value"] is True and setting["winner"]["from"] == "first"
    why = {loser["from"]: loser["why"] for loser in setting["losers"]}
    assert set(why) == {"second", "elsewhere", "default", "built-in"}
    assert "priority 2" in why["second"] and "others" in why["elsewhere"] and "default" in why["default"]
    assert answer["values"] == {"allow_cmg": True, "policy_interval": 1800, "notification_wait": 270, "allowed_methods": ["pki", "entra", "token"]}
    assert answer["collections"] == ["mine"]


def test_two_client_settings_of_one_priority_are_refused(site, settings):
    settings.collection("mine", "--rule", "name=*")
    settings.set("one", "--collection", "mine", "--priority", "7", "allow_cmg=yes")
    code, answer = site.cmg("settings", "client", "set", "two", "--collection", "mine", "--priority", "7", check=False)
    assert code == 1 and "7" in answer["error"]["what"]


# --- cmg_disallowed ---

def test_a_disallowed_device_is_refused_by_name_of_the_setting_that_won(site, settings, device):
    device.must("policy")
    settings.collection("mine", "--device", device.guid)
    settings.set("no-cmg", "--collection", "mine", "--priority", "1", "allow_cmg=no")
    report = device.must_fail("policy")
    assert report["reason"] == "cmg_disallowed" and "no-cmg" in report["detail"]
    assert status(device)["disallow_cmg"] == {"value": True, "by": "site", "setting": report["detail"].split(" by ", 1)[1]}
    settings.remove("no-cmg")
    device.must("policy")  # the new settings came through the gateway, although it was disallowed


def signed(site, device, target, bearer, method="GET"):
    key = pki.serialization.load_pem_private_key(device.key.read_bytes(), None)
    headers = [*inside.signature(key, method, target).items(), ("Authorization", f"Bearer {bearer}")]
    return gatewayclient.request(site, HTTP1, method, f"/CCM_Proxy_ServerAuth/{site.role('ehttp')}{target}", headers,
                                 **device.client())


def test_the_management_point_enforces_it_and_leaves_open_what_is_needed_to_learn_of_a_change(site, settings, device):
    device.must("policy")
    bearer = device.identity()["access_token"]
    settings.collection("mine", "--device", device.guid)
    settings.set("no-cmg", "--collection", "mine", "--priority", "1", "allow_cmg=no")
    refused = signed(site, device, "/SMS_MP/.sms_pol?MACHINE", bearer)
    assert refused.status == 403 and refused.problem()["reason"] == "cmg_disallowed"
    assert "no-cmg" in refused.problem()["detail"]
    assert signed(site, device, "/SMS_MP/.sms_pol?SETTINGS", bearer).status == 200
    assert signed(site, device, "/SMS_MP/.sms_aut?MPLIST", bearer).status == 200
    device.must("register")
    site.cmg("device", "block", device.guid)
    site.settle()
    assert signed(site, device, "/SMS_MP/.sms_pol?SETTINGS", bearer).status == 403


def test_a_method_that_the_settings_leave_out_is_refused_with_the_setting(site, settings, device):
    settings.collection("mine", "--device", device.guid)
    settings.set("pki-only", "--collection", "mine", "--priority", "1", "allowed_methods=pki")
    report = device.must_fail("policy")
    assert report["reason"] == "method_not_allowed_here" and "pki-only" in report["detail"]
    settings.remove("pki-only")
    device.must("policy")


def test_allowed_by_a_custom_but_not_by_the_default_setting_is_explained_by_what_the_device_has(site, settings, device):
    settings.set("default", "allow_cmg=no")
    device.must_fail("policy")
    settings.collection("mine", "--device", device.guid)
    settings.set("yes-cmg", "--collection", "mine", "--priority", "1", "allow_cmg=yes")
    answer, setting = resultant(site, device)
    assert setting["value"] is True and setting["winner"]["from"] == "yes-cmg"
    has = answer["device_has"]
    assert has["state"] == "outdated" and has["settings"]["allow_cmg"] is False
    assert "DisAllowCMG" in has["explanation"] and "default settings" in has["explanation"]
    assert status(device)["disallow_cmg"] == {"value": True, "by": "site", "setting": "default settings"}
    device.must("policy")
    answer, _ = resultant(site, device)
    assert answer["device_has"]["state"] == "current"
    assert status(device)["disallow_cmg"]["value"] is False


# --- set by hand ---

def test_a_device_that_never_saw_the_site_comes_in_by_CMGFQDNs_and_DisAllowCMG_set_by_hand(site, new_device):
    device = new_device(enroll=False)
    ca = json.loads(open(site.report["enrollment"]).read())["gateway_ca_pem"]
    (device.state / "root.pem").write_text(ca)
    device.must("set", f"CMGFQDNs=localhost:{site.port}", "DisAllowCMG=0", f"GatewayCA={device.state}/root.pem")
    assert status(device)["disallow_cmg"] == {"value": False, "by": "local", "setting": "DisAllowCMG=0, set by hand"}
    device.at("ehttp").registered_by_token()  # the bulk token carries the pin
    device.must("policy")
    assert status(device)["disallow_cmg"]["by"] == "site"
    assert f"localhost:{site.port}" in (device.state / "logs" / "LocationServices.log").read_text()


def test_what_was_set_by_hand_lasts_until_the_next_resultant_setting(site, settings, device):
    settings.collection("mine", "--device", device.guid)
    settings.set("no-cmg", "--collection", "mine", "--priority", "1", "allow_cmg=no")
    device.must_fail("policy")
    device.must("set", "DisAllowCMG=0")
    assert status(device)["disallow_cmg"]["by"] == "local"
    assert device.must_fail("policy")["reason"] == "cmg_disallowed"
    assert status(device)["disallow_cmg"]["by"] == "site" and status(device)["disallow_cmg"]["value"] is True


def test_a_device_forbidden_by_hand_never_asks_and_both_sides_say_so(site, device):
    device.must("policy")
    device.must("set", "DisAllowCMG=1")
    report = device.must_fail("policy")
    assert report["reason"] == "cmg_disallowed" and "set locally" in report["detail"]
    assert status(device)["disallow_cmg"] == {"value": True, "by": "local", "setting": "DisAllowCMG=1, set by hand"}
    answer, _ = resultant(site, device)
    assert "by hand" in answer["device_has"]["explanation"]


def test_settings_that_the_site_did_not_sign_for_this_device_are_refused(site, device, new_device):
    other = new_device().at("ehttp").registered_by_token()
    other.must("policy")
    device.must("policy")
    kept = (device.state / "settings.jws").read_text()
    (device.state / "settings.jws").write_text((other.state / "settings.jws").read_text())
    assert status(device)["disallow_cmg"]["by"] == "default"
    device.must("policy")
    assert (device.state / "settings.jws").read_text().count(".") == 2 and kept.count(".") == 2
    assert status(device)["disallow_cmg"]["by"] == "site"


LINE = re.compile(r'^<!\[LOG\[.*\]LOG\]!><time="\d\d:\d\d:\d\d\.\d{3}[+-]\d+" date="\d\d-\d\d-\d{4}" '
                  r'component="\w+" context="[^"]*" type="[123]" thread="\d+" file="[^"]*">$', re.S)


def test_the_four_logs_are_in_the_form_that_the_fields_viewers_read(device):
    device.must("policy")
    for name in ("LocationServices", "CcmMessaging", "ClientIDManagerStartup", "PolicyAgent"):
        lines = (device.state / "logs" / f"{name}.log").read_text().splitlines()
        assert lines, name
        for line in lines:
            assert LINE.match(line), line


def test_a_device_without_CMGFQDNs_names_the_setting_that_is_missing_behind_the_empty_host(site, new_device):
    device = new_device(enroll=False)
    device.must("set", f"SiteKey={site.cmg('status')['pin']}")
    report = device.must_fail("policy")
    assert report["reason"] == "no_management_point" and "CMGFQDNs" in report["detail"] + report["remedy"]
    for name in ("LocationServices", "CcmMessaging"):
        line = (device.state / "logs" / f"{name}.log").read_text()
        assert "http:///ccm_system/request" in line and "0x87d00231" in line and "CMGFQDNs is not set" in line
    assert status(device)["last_failure"]["reason"] == "no_management_point"


def test_a_gateway_that_failed_comes_after_the_one_that_answers_and_status_says_why(site, new_device):
    device = new_device().at("ehttp")
    device.must("set", f"CMGFQDNs=localhost:1;localhost:{site.port}")
    device.registered_by_token()
    device.must("policy")
    first, second = status(device)["gateways"]
    assert (first["gateway"], first["state"]) == (f"localhost:{site.port}", "in use") and first["ms"] >= 0
    assert (second["gateway"], second["state"]) == ("localhost:1", "failed") and "connection_refused" in second["why"]
    log = (device.state / "logs" / "LocationServices.log").read_text()
    assert log.count("Asking cloud management gateway: localhost:1]") == 1


def test_registering_again_and_again_makes_no_new_bundle(site, settings, device):
    settings.collection("mine", "--device", device.guid)
    settings.set("no-cmg", "--collection", "mine", "--priority", "1", "allow_cmg=no")
    before = site.bundle_sequence()
    for _ in range(3):
        device.registered_by_token()
    assert site.bundle_sequence() == before
