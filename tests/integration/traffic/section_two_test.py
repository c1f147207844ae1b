# SPDX-License-Identifier: Apache-2.0
"""Every row of the choices' table and every condition around it is exercised by a test on the running system. Which one is
declared here and looked up; the tests that no other file has are here too."""
import ast
import json
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from commands.choices_live_test import agree, connect
from kit import programs
from kit.device import Device
from kit.intranet import inside, is_inside, is_outside, nowhere
from kit.programs import program
from kit.sources import functions_in


# --- the token that a 2002 client is given by itself ------------------------------------------------------------------


def test_a_2002_client_is_given_a_token_by_itself_while_it_is_inside_and_uses_it_outside(own_site, tmp_path):
    device = inside(Device(own_site, tmp_path), "ehttp", ClientVersion=2002)
    is_inside(device.must("register"), device, "ehttp")
    own_site.cmg("device", "approve", device.name)
    is_inside(device.must("policy"), device, "ehttp")
    assert device.identity()["device_token"] and "bulk_token" not in device.identity()
    own_site.settle()
    device.must("set", f"MPUrls={nowhere()}")
    report = device.must("policy")
    is_outside(report, device)
    assert report["method"] == "token" and report["policies"]


def test_a_1910_client_is_given_none(own_site, tmp_path):
    device = inside(Device(own_site, tmp_path), "ehttp", ClientVersion=1910)
    failure = device.must_fail("register")
    assert failure["network"] == "internet" and failure["reason"] == "no_method"
    assert "2002" in next(p["why"] for p in failure["passed_over"] if p["method"] == "token")
    assert not own_site.cmg("device", "list")["devices"]


# --- the gateway's certificate ----------------------------------------------------------------------------------------


def test_a_client_without_the_internal_root_is_told_which_one_and_how_to_hand_it_out(site, new_device):
    device = new_device().at("ehttp")
    device.must("set", "GatewayCA=")
    failure = device.must_fail("register", "--token-file", site.report["token_file"])
    root = x509.load_pem_x509_certificate(Path(site.report["ca"]).read_bytes()).subject
    root = root.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
    assert failure["reason"] == "tls_untrusted"
    assert root in failure["detail"], "the root that is missing"
    assert "cmg-client set GatewayCA=FILE" in failure["remedy"]
    report = device.run("analyze")[1]
    fault = next(s for s in report["steps"] if s["outcome"] == "failed")
    assert fault["cause"] == "tls_untrusted" and root in fault["found"] and "GatewayCA" in fault["remedy"]


def in_a_machine_that_trusts(ca, *command):
    """The system's own anchors are these, for one command: a CA that every operating system trusts."""
    script = 'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"'
    return subprocess.run(["unshare", "--mount", "sh", "-c", script, str(ca), *map(str, command)], capture_output=True,
                          text=True, check=False, timeout=60)


def test_a_public_certificate_works_without_handing_out_a_root(site, new_device):
    if in_a_machine_that_trusts(site.report["ca"], "true").returncode != 0:
        pytest.skip("this machine does not let a test have anchors of its own (unshare --mount)")
    device = new_device().at("ehttp")
    device.must("set", "GatewayCA=")
    command = [program("cmg-client"), "register", "--token-file", site.report["token_file"], "--dir", device.state, "--json"]
    result = in_a_machine_that_trusts(site.report["ca"], *command)
    assert result.returncode == 0, result.stdout + result.stderr
    assert json.loads(result.stdout)["approval"] == "approved"
    agree_on_public = json.loads(programs.run([program("cmg"), "choices", "check", "--mp", "ehttp", "--client", "token",
                                               "--server-cert", "public", "--json"])[1])
    assert agree_on_public["supported"] is True


# --- untrusted domains, and devices that never saw the site -----------------------------------------------------------


def test_in_an_untrusted_domain_enhanced_http_and_a_token_give_all_but_user_policy(site, new_device):
    device = new_device().at("ehttp")
    agree(device, "--token-file", site.report["token_file"], mp="ehttp", client="token", join="domain")
    assert device.policies(), "the device's own policy is there"
    failure = device.must_fail("policy", "--scenario", "user")
    assert failure["reason"] and failure["remedy"]


def test_a_device_that_never_saw_the_site_is_told_by_hand_restarts_and_its_log_says_how_it_went(site, new_device):
    device = new_device(enroll=False).at("ehttp")
    log = device.state / "logs" / "LocationServices.log"
    code, report = device.run("run", "--once", "--token-file", site.report["token_file"])
    assert code == 1 and report["reason"] == "no_management_point"
    assert "0x87d00231, no_management_point" in log.read_text()
    device.must("set", f"CMGFQDNs=localhost:{site.port}", "DisAllowCMG=0", f"GatewayCA={site.report['ca']}")
    seen = len(log.read_text())
    device.must("run", "--once")
    assert f"Current gateway: localhost:{site.port}" in log.read_text()[seen:]
    assert connect(device)[0]


# --- all of them ------------------------------------------------------------------------------------------------------

# Row → the test on the running system.
ROWS = {
    ("https", "pki"): "choices_live::test_an_https_management_point_takes_pki",
    ("https", "entra"): "choices_live::test_joined_devices_work_by_entra_in_both_modes_old_clients_too",
    ("https", "token"): "choices_live::test_both_modes_take_tokens",
    ("ehttp", "entra"): "choices_live::test_joined_devices_work_by_entra_in_both_modes_old_clients_too",
    ("ehttp", "token"): "choices_live::test_both_modes_take_tokens",
    ("https", "public"): "section_two::test_a_public_certificate_works_without_handing_out_a_root",
    ("ehttp", "public"): "section_two::test_a_public_certificate_works_without_handing_out_a_root",
    ("https", "internal"): "choices_live::test_an_https_management_point_takes_pki",
    ("ehttp", "internal"): "choices_live::test_a_device_told_by_hand_connects_once_it_holds_the_root",
}

# Condition of `cmg explain` → the test on the running system.
CONDITIONS = {
    "ehttp-forbids-pki": "choices_live::test_enhanced_http_takes_no_pki",
    "token-needs-2002": "choices_live::test_an_old_client_uses_no_token",
    "ehttp-old-client": "choices_live::test_an_old_client_uses_no_token",
    "entra-needs-join": "choices_live::test_a_device_that_is_not_joined_has_no_entra",
    "user-needs-join": "choices_live::test_no_other_device_gets_user_policy",
    "root-missing": "section_two::test_a_client_without_the_internal_root_is_told_which_one_and_how_to_hand_it_out",
    "connector-certificate-missing": "choices_live::test_a_connector_without_certificate_serves_all_but_pki_at_https",
    "crl-unreachable": "choices_live::test_a_pki_whose_list_no_gateway_can_get_is_refused",
    "crl-nowhere": "choices_live::test_a_pki_whose_list_no_gateway_can_get_is_refused",
    "user-not-signed-in": "choices_live::test_user_policy_needs_a_sign_in_on_a_joined_device",
    "cmg-forbidden": "choices_live::test_a_device_that_may_not_use_the_cmg_does_not",
    "https-takes-all": "choices_live::test_an_https_management_point_takes_pki",
    "ehttp-takes-entra-token": "choices_live::test_both_modes_take_tokens",
    "any-server-certificate": "section_two::test_a_public_certificate_works_without_handing_out_a_root",
    "entra-comes-first": "entra_user::test_the_first_usable_method_is_used_and_each_other_one_has_a_reason",
    "server-certificate": "lifecycle::test_a_gateway_without_a_server_certificate_does_not_start_and_names_the_rule",
    "client-root": "choices_live::test_a_device_told_by_hand_connects_once_it_holds_the_root",
    "mp-certificate": "choices_live::test_a_management_point_has_the_certificate_of_its_mode_or_does_not_start",
    "mp-ehttp": "choices_live::test_a_management_point_has_the_certificate_of_its_mode_or_does_not_start",
    "connector-certificate": "choices_live::test_a_connector_without_certificate_serves_all_but_pki_at_https",
    "client-certificate": "choices_live::test_a_device_without_its_credential_has_no_method",
    "entra-tenant": "entra_user::test_a_tenant_that_is_not_onboarded_or_switched_off_is_refused",
    "token-client": "choices_live::test_an_old_client_uses_no_token",
    "token-start": "section_two::test_a_2002_client_is_given_a_token_by_itself_while_it_is_inside_and_uses_it_outside",
    "user-sign-in": "choices_live::test_user_policy_needs_a_sign_in_on_a_joined_device",
    "crl-internet": "choices_live::test_a_list_is_fetched_from_where_it_is_published",
    "crl-relay": "choices_live::test_a_list_is_fetched_from_where_it_is_published",
    "cmg-allowed": "choices_live::test_the_resultant_setting_decides_not_one_setting",
    "cmg-known": "section_two::test_a_device_that_never_saw_the_site_is_told_by_hand_restarts_and_its_log_says_how_it_went",
    "workgroup-no-user-policy": "section_two::test_in_an_untrusted_domain_enhanced_http_and_a_token_give_all_but_user_policy",
    "no-user-policy": "choices_live::test_no_other_device_gets_user_policy",
    "revocation-unchecked": "choices_live::test_without_revocation_checks_revoked_certificates_work_as_the_limitation_says",
    "crl-by-relay": "sources::test_a_publisher_that_is_gone_is_told_and_the_last_good_list_stays_across_a_restart",
}

# Answers to what administrators ask → the test that does what the answer says.
QUESTIONS = {
    "enhanced-http-client-work": "section_two::test_a_2002_client_is_given_a_token_by_itself_while_it_is_inside_and_uses_it_outside",
    "trusted-certificate-still-needed": "section_two::test_a_client_without_the_internal_root_is_told_which_one_and_how_to_hand_it_out",
    "clients-trust-internal-ca": "choices_live::test_a_device_told_by_hand_connects_once_it_holds_the_root",
    "crl-not-on-the-internet": "choices_live::test_a_list_is_fetched_from_where_it_is_published",
    "connection-point-certificate": "choices_live::test_a_connector_without_certificate_serves_all_but_pki_at_https",
    "tokens-in-untrusted-domains": "section_two::test_in_an_untrusted_domain_enhanced_http_and_a_token_give_all_but_user_policy",
    "device-that-never-saw-the-site":
        "section_two::test_a_device_that_never_saw_the_site_is_told_by_hand_restarts_and_its_log_says_how_it_went",
    "leave-internal-certificates": "section_two::test_a_public_certificate_works_without_handing_out_a_root",
    "most-secure-method": "entra_user::test_a_revoked_certificate_is_final_although_entra_and_token_are_there",
    "which-method-first": "entra_user::test_the_first_usable_method_is_used_and_each_other_one_has_a_reason",
    "old-clients": "entra_user::test_a_client_older_than_2002_works_with_entra_alone",
    "user-policy": "choices_live::test_user_policy_comes_whichever_method_the_device_uses",
    "allowed-but-not-connecting": "faults::test_a_custom_setting_that_loses_is_explained_by_each_command",
}


STARTS_A_SITE = ("site", "own_site", "new_device", "running_site")


def names_in(function):
    """Its fixtures, and what it calls."""
    return [getattr(n, "arg", None) or getattr(n, "id", None) or getattr(n, "attr", None) for n in ast.walk(function)]


def on_the_running_system(where):
    """The test is there, and it, a fixture of it or a function of the same file starts a site or is given one."""
    file, name = where.split("::")
    functions = functions_in(file)
    todo, seen = [name] if name in functions else [], {name}
    while todo:
        for used in names_in(functions[todo.pop()]):
            if used in STARTS_A_SITE:
                return True
            if used in functions and used not in seen:
                seen.add(used)
                todo.append(used)
    return False


def lacking(wanted, declared):
    return {key: "none declared" if key not in declared else f"{declared[key]} is no test of a running site"
            for key in wanted if key not in declared or not on_the_running_system(declared[key])}


def test_each_row_of_the_table_has_a_test_on_the_running_system():
    matrix = json.loads(programs.run([program("cmg"), "choices", "--json"])[1])["matrix"]
    rows = [(row["mp"], value) for row in matrix for column in ("clients", "server_cert") for value in row[column]]
    assert len(rows) == 9 and not lacking(rows, ROWS)


def test_each_condition_and_each_answer_has_a_test_on_the_running_system():
    everything = json.loads(programs.run([program("cmg"), "explain", "--json"])[1])
    conditions = [e["id"] for e in everything if e["kind"] not in ("question", "choice", "refusal", "cause")]
    questions = [e["id"] for e in everything if e["kind"] == "question"]
    assert not lacking(conditions, CONDITIONS) and not lacking(questions, QUESTIONS)
    assert set(CONDITIONS) == set(conditions) and set(QUESTIONS) == set(questions), "declared, but not there any more"
