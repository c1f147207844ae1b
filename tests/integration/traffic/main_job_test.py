# SPDX-License-Identifier: Apache-2.0
"""The main job, kind of device by kind: register, get policy, verify it, get the next one."""
import hashlib
import json
import re

import pytest

from kit import gatewayclient, pki, programs
from kit.device import Device
from kit.programs import until

WELCOME = "# An example policy\nmotd: managed by OpenCMG\n"


def pki_device(new_device, ca, name):
    certificate = ca.device(name)
    return new_device().with_certificate(certificate.path, certificate.key)


def assert_policy(site, device, method, mode):
    report = device.must("policy")
    assert report["ok"] and report["method"] == method, report
    assert report["management_point"] == {"id": site.role(mode), "mode": mode}
    assert report["gateway"] == f"localhost:{site.port}"
    assert device.policies()["welcome"] == WELCOME
    welcome = next(p for p in report["policies"] if p["name"] == "welcome")
    assert welcome["sha256"] == hashlib.sha256(WELCOME.encode()).hexdigest()


def test_a_pki_device_gets_its_policy_from_an_https_management_point(site, new_device, ca):
    device = pki_device(new_device, ca, "laptop-pki")
    report = device.must("register")
    assert (report["approval"], report["method"]) == ("approved", "pki")
    assert_policy(site, device, "pki", "https")
    shown = site.cmg("device", "show", device.guid)["device"]
    assert (shown["name"], shown["method"], shown["state"]) == (device.name, "pki", "approved")


@pytest.mark.parametrize("mode", ["https", "ehttp"])
def test_a_token_device_registers_with_a_bulk_token_and_gets_its_policy(site, new_device, mode):
    device = new_device().at(mode).registered_by_token()
    assert_policy(site, device, "token", mode)
    identity = device.identity()
    assert "bulk_token" not in identity and identity["device_token"] and identity["access_token"]
    assert (device.state / "identity.json").stat().st_mode & 0o777 == 0o600
    assert device.key.stat().st_mode & 0o777 == 0o600


def test_one_run_registers_and_gets_the_policy(site, new_device, ca):
    device = pki_device(new_device, ca, "laptop-run")
    report = device.must("run", "--once")
    assert [p["name"] for p in report["policies"]] and report["changed"]


def test_a_hybrid_of_certificate_and_token_prefers_the_certificate(site, new_device, ca):
    device = pki_device(new_device, ca, "laptop-both").at("https")
    report = device.must("register", "--token-file", site.report["token_file"])
    assert report["method"] == "pki" and any(p["method"] == "token" for p in report["passed_over"])


def test_a_pki_device_with_a_bulk_token_uses_the_token_at_an_ehttp_management_point(site, new_device, ca):
    device = pki_device(new_device, ca, "laptop-ehttp").at("ehttp")
    report = device.must("register", "--token-file", site.report["token_file"])
    assert report["method"] == "token" and any(p["method"] == "pki" for p in report["passed_over"])
    assert_policy(site, device, "token", "ehttp")


def test_a_pki_device_alone_is_told_that_ehttp_forbids_it(site, new_device, ca):
    device = pki_device(new_device, ca, "laptop-forbidden").at("ehttp")
    report = device.must_fail("register")
    assert (report["code"], report["reason"], report["status"]) == ("CMGService_Not_Allowed", "mode_forbids_pki", 403)
    assert report["request_id"] in site.log("cmg-gateway")


def test_a_device_with_a_revoked_certificate_is_told_so_and_does_not_move_on_to_a_token(site, new_device, ca):
    device = new_device().with_certificate(ca.revoked.path, ca.revoked.key)
    report = device.must_fail("register", "--token-file", site.report["token_file"])
    assert (report["code"], report["reason"]) == ("CMGService_Invalid_Client_Certificate", "revoked")
    assert report["remedy"] and device.name not in [d["name"] for d in site.cmg("device", "list")["devices"]]


def test_a_certificate_of_a_pki_that_the_site_does_not_know_stands_in_nobodys_way_at_ehttp(site, new_device, tmp_path):
    stranger = pki.Ca(tmp_path, "Nobodys Root").device("laptop-stranger")
    token = "--token-file", site.report["token_file"]
    device = new_device().with_certificate(stranger.path, stranger.key).at("ehttp")
    assert device.must("register", *token)["method"] == "token"
    assert_policy(site, device, "token", "ehttp")
    report = new_device().with_certificate(stranger.path, stranger.key).at("https").must_fail("register", *token)
    assert (report["method"], report["reason"]) == ("pki", "incomplete_chain")
    report = new_device().with_certificate(stranger.path, stranger.key).at("ehttp").must_fail("register")
    assert report["reason"] == "incomplete_chain"


def test_a_device_without_any_credential_is_told_what_to_do(new_device):
    report = new_device().must_fail("register")
    assert report["reason"] == "no_method" and "token" in report["remedy"]


def test_registering_twice_keeps_the_guid_and_costs_one_use(site, new_device, tmp_path):
    made = site.cmg("token", "new", "--uses", "1")
    file = tmp_path / "bulk"
    file.write_text(made["token"])
    first = new_device().at("ehttp").registered_by_token(file)
    guid = first.guid
    first.registered_by_token(file)
    assert first.guid == guid
    report = new_device().at("ehttp").must_fail("register", "--token-file", file)
    assert report["code"].startswith("MP_") or report["code"].startswith("CMGService_"), report
    token = next(t for t in site.cmg("token", "list")["tokens"] if t["id"] == made["id"])
    assert (token["uses"], token["used"]) == (1, 1)


def test_a_known_name_waits_for_approval(site, new_device, tmp_path):
    device = new_device().at("ehttp").registered_by_token()
    (tmp_path / "second").mkdir()
    twin = Device(site, tmp_path / "second", device.name).at("ehttp")
    report = twin.must("register", "--token-file", site.report["token_file"])
    assert report["approval"] == "pending" and twin.guid != device.guid
    report = twin.must_fail("policy")
    assert report["reason"] == "approval_pending", report
    site.cmg("device", "approve", twin.guid)
    twin.must("policy")
    assert twin.policies()["welcome"] == WELCOME
    device.must("policy")


def test_with_manual_approval_every_device_waits(site, new_device, ca):
    site.cmg("settings", "set", "approval", "manual")
    try:
        device = pki_device(new_device, ca, "laptop-manual")
        assert device.must("register")["approval"] == "pending"
        assert device.must_fail("policy")["reason"] == "approval_pending"
        site.cmg("device", "approve", device.name)
        device.must("policy")
    finally:
        site.cmg("settings", "set", "approval", "auto")


def test_a_changed_policy_reaches_the_device(site, new_device, ca, tmp_path):
    device = pki_device(new_device, ca, "laptop-change")
    device.must("run", "--once")
    assert not device.must("policy")["changed"]
    text = "a: 1\nb: \"\u00fc\u20ac\"\n"
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    assert site.cmg("policy", "add", "changing", str(file))["policy"]["version"] == 1
    report = device.must("policy")
    assert report["changed"] and device.policies()["changing"] == text
    file.write_text("a: 2\n")
    assert site.cmg("policy", "add", "changing", str(file))["policy"]["version"] == 2
    device.must("policy")
    assert device.policies()["changing"] == "a: 2\n"
    site.cmg("policy", "remove", "changing")
    device.must("policy")
    assert "changing" not in device.policies()


def test_the_policy_handler_runs_on_a_change_alone(site, new_device, ca, tmp_path):
    device = pki_device(new_device, ca, "laptop-handler")
    handler = tmp_path / "handler"
    handler.write_text(f"#!/bin/sh\ncp \"$1\" {tmp_path}/seen.json\necho ran >>{tmp_path}/runs\n")
    handler.chmod(0o755)
    device.must("set", f"PolicyHandler={handler}")
    device.must("run", "--once")
    device.must("policy")
    assert (tmp_path / "runs").read_text() == "ran\n"
    assert any(p["name"] == "welcome" for p in json.loads((tmp_path / "seen.json").read_text())["policies"])


def test_a_device_with_another_pin_believes_nothing(site, new_device, ca):
    device = pki_device(new_device, ca, "laptop-wrong-pin")
    device.must("set", "SiteKey=")
    device.must("set", "SiteKey=" + "0" * 64)
    for operation in (("register",), ("policy",), ("run", "--once")):
        report = device.must_fail(*operation)
        assert report["reason"] == "location_untrusted", report
    assert not (device.state / "policy.json").exists()


def test_a_bulk_token_of_another_site_is_not_taken(site, new_device, tmp_path):
    token = site.cmg("token", "new")["token"]
    file = tmp_path / "bulk"
    file.write_text("cmg1." + "0" * 64 + "." + token.split(".", 2)[2])
    report = new_device().at("ehttp").must_fail("register", "--token-file", file)
    assert "another site" in report["detail"]


def test_a_pinned_device_does_not_enrol_at_another_site(site, new_device, tmp_path):
    enrollment = json.loads(open(site.report["enrollment"], encoding="utf-8").read())
    enrollment["site_key"] = "1" * 64
    other = tmp_path / "other.json"
    other.write_text(json.dumps(enrollment))
    code, report = new_device().run("enroll", other)
    assert code == 1 and "another site" in report["detail"]


def test_a_device_that_is_blocked_is_told_so_and_comes_back_when_unblocked(site, new_device):
    device = new_device().at("ehttp").registered_by_token()
    device.must("policy")
    site.cmg("device", "block", device.name)
    until("blocked", lambda: device.run("policy")[0] == 1)
    report = device.must_fail("policy")
    assert (report["code"], report["reason"]) == ("CMGService_Not_Allowed", "blocked")
    site.cmg("device", "unblock", device.name)
    until("unblocked", lambda: device.run("policy")[0] == 0)


@pytest.mark.parametrize("how,comes_back", [("remove", True), ("block", False)])
def test_a_device_comes_back_with_a_new_bulk_token_when_it_was_removed_but_not_when_it_was_blocked(
        site, new_device, tmp_path, how, comes_back):
    device = new_device().at("ehttp").registered_by_token()
    device.must("policy")
    former = device.guid
    site.add("device", how, former)
    assert device.must_fail("policy")["reason"] == ("revoked" if comes_back else "blocked")
    (tmp_path / "token").write_text(site.cmg("token", "new")["token"])
    site.settle()
    code, report = device.run("register", "--token-file", tmp_path / "token")
    assert (code == 0) is comes_back, report
    if comes_back:
        assert device.guid != former and device.must("policy")["policies"]
    else:
        assert report["reason"] == "blocked"


def test_a_removed_pki_device_registers_anew_by_itself_once_an_administrator_says_so(site, new_device, ca):
    device = pki_device(new_device, ca, "laptop-removed")
    device.must("run", "--once")
    guid = device.guid
    site.cmg("device", "remove", guid)
    until("the gateway refuses it", lambda: device.run("policy")[1]["reason"] == "blocked", 5)
    site.cmg("device", "approve", guid)
    until("the gateway lets it in", lambda: device.run("policy")[0] == 0, 5)
    assert device.guid != guid


def test_logs_are_in_the_fields_format_under_the_fields_names(site, new_device, ca):
    device = pki_device(new_device, ca, "laptop-logs")
    device.must("run", "--once")
    line = re.compile(r'^<!\[LOG\[.*\]LOG\]!><time="\d\d:\d\d:\d\d\.\d{3}[+-]\d+" date="\d\d-\d\d-\d{4}" component="\w+" '
                      r'context="" type="[123]" thread="\d+" file="[^"]*">$')
    for name in ("LocationServices", "ClientIDManagerStartup", "PolicyAgent"):
        lines = (device.state / "logs" / f"{name}.log").read_text().splitlines()
        assert lines and all(line.match(one) for one in lines), (name, lines)


def test_an_unreachable_gateway_is_logged_with_the_fields_code_and_the_cause(site, new_device, ca):
    device = pki_device(new_device, ca, "laptop-unreachable")
    device.must("set", "CMGFQDNs=localhost:1")
    report = device.must_fail("policy")
    assert "localhost:1" in report["detail"] and "connect" in report["detail"], report
    assert "0x87d00231" in device.log()


def test_a_gateway_of_an_unknown_ca_is_told_as_such(site, new_device, ca):
    device = pki_device(new_device, ca, "laptop-unknown-ca")
    device.must("set", f"GatewayCA={ca.path}")
    assert "certificate" in device.must_fail("policy")["detail"]


def test_no_secret_is_on_a_command_line_or_in_a_log(site, new_device):
    device = new_device().at("ehttp").registered_by_token()
    device.must("policy")
    identity = device.identity()
    bulk = open(site.report["token_file"], encoding="ascii").read().strip().split(".", 2)[2]
    written = device.log() + site.logs(10 ** 6) + "\n".join(site.access_log())
    for secret in (identity["device_token"], identity["access_token"], bulk):
        assert secret.split(".")[2] not in written


def test_every_request_of_a_device_must_be_signed_by_its_key(site, new_device):
    device = new_device().at("ehttp").registered_by_token()
    device.must("policy")
    token = device.identity()["access_token"]
    target = f"/CCM_Proxy_ServerAuth/{site.role('ehttp')}/SMS_MP/.sms_pol?MACHINE"
    answer = gatewayclient.request(site, gatewayclient.HTTP1, "GET", target, [("Authorization", f"Bearer {token}")],
                                   **device.client())
    assert answer.status == 401 and answer.problem()["code"].startswith("MP_"), answer


def test_status_tells_of_gateway_method_and_policy(site, new_device, ca):
    device = pki_device(new_device, ca, "laptop-status")
    device.must("run", "--once")
    _, out, _ = programs.run([programs.program("cmg-client"), "status", "--dir", device.state])
    assert device.guid in out and "pki" in out and "welcome" in out
