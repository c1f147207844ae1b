# SPDX-License-Identifier: Apache-2.0
"""One refusal for each reason that a client certificate can give, over HTTP/1.1 and HTTP/2."""
import pytest

from kit import gatewayclient, pki, refusal
from kit.programs import until

CODE = "CMGService_Invalid_Client_Certificate"
METADATA = "/CCM_Proxy_MutualAuth/ServiceMetadata"


def refused(site, version, reason, certificate=None):
    """Refused for this reason by the gateway's own page and at a management point alike; gives the problem."""
    shown = certificate.client() if certificate else {}
    refusal.assert_refused(site, version, 401, CODE, reason, "GET", METADATA, **shown)
    target = f"/CCM_Proxy_MutualAuth/{site.role('https')}/SMS_MP/.sms_aut?MPLIST"
    return refusal.assert_refused(site, version, 401, CODE, reason, "GET", target, **shown)[0]


def test_a_good_certificate_is_let_in(site, version, ca):
    answer = gatewayclient.request(site, version, "GET", METADATA, **ca.good.client())
    assert answer.status == 200, answer
    assert answer.headers["content-type"] == "application/json" and "cmg-status-text" not in answer.headers


def test_no_certificate_is_refused_as_missing(site, version):
    refused(site, version, "missing")


def test_an_expired_certificate_is_refused(site, version, ca):
    assert "expired" in refused(site, version, "expired", ca.device("expired", days=(-30, -1)))["detail"]


def test_a_certificate_of_tomorrow_is_refused_as_not_yet_valid(site, version, ca):
    refused(site, version, "not_yet_valid", ca.device("tomorrow", days=(1, 30)))


def test_a_certificate_of_a_foreign_root_is_refused_as_untrusted_root(site, version, tmp_path):
    foreign = pki.Ca(tmp_path, "Foreign Root")
    problem = refused(site, version, "untrusted_root", foreign.device("foreign", chain=[foreign]))
    assert "Foreign Root" in problem["detail"]


def test_a_missing_intermediate_is_named(site, version, ca, tmp_path):
    issuing = pki.Ca(tmp_path, "Test Issuing CA", parent=ca)
    problem = refused(site, version, "incomplete_chain", issuing.device("orphan"))
    assert "Test Issuing CA" in problem["detail"]


def test_an_uploaded_intermediate_completes_the_chain(site, version, ca, tmp_path):
    issuing = pki.Ca(tmp_path, "Test Uploaded CA", parent=ca)
    added = site.add("trust", "add", "--intermediate", issuing.path, "--crl", issuing.crl())
    assert gatewayclient.request(site, version, "GET", METADATA, **issuing.device("complete").client()).status == 200
    remove_trust(site, added)
    refused(site, version, "incomplete_chain", issuing.device("complete"))


def test_an_altered_certificate_is_refused_for_its_signature(site, version, ca, tmp_path):
    refused(site, version, "bad_signature", pki.tampered(tmp_path, ca.good, "altered"))


def test_a_revoked_certificate_is_refused(site, version, ca):
    refused(site, version, "revoked", ca.revoked)


def test_without_a_crl_of_its_issuer_a_certificate_is_refused(site, version, tmp_path):
    root = pki.Ca(tmp_path, "Root Without CRL")
    added = site.add("trust", "add", "--anchor", root.path)
    refused(site, version, "crl_unavailable", root.device("unchecked"))
    remove_trust(site, added)


def test_with_an_expired_crl_a_certificate_is_refused(site, version, tmp_path):
    root = pki.Ca(tmp_path, "Root With Old CRL")
    added = site.add("trust", "add", "--anchor", root.path, "--crl", root.crl(days=(-30, -1)))
    refused(site, version, "crl_expired", root.device("stale"))
    remove_trust(site, added)


def remove_trust(site, added):
    for entry in added["trust"]:
        site.cmg("trust", "remove", entry["id"])
    site.settle()


def test_a_server_certificate_is_refused_for_its_usage(site, version, ca):
    refused(site, version, "wrong_usage", ca.device("server", usage=[pki.SERVER_AUTH]))


def test_a_key_of_1024_bits_is_refused_as_weak(site, version, ca):
    assert "1024" in refused(site, version, "weak_key", ca.device("weak", key=pki.weak_key()))["detail"]


def test_a_certificate_that_names_nobody_is_refused(site, version, ca):
    refused(site, version, "name_missing", ca.device(None, file="nobody"))


def test_a_name_outside_of_the_constraints_of_its_ca_is_refused(site, version, ca, tmp_path):
    narrow = pki.Ca(tmp_path, "Narrow CA", parent=ca, permitted="corp.example")
    device = narrow.device("outsider", dns="device.evil.example", chain=[narrow])
    refused(site, version, "constraint_violated", device)


def test_a_leaf_that_issues_certificates_is_refused(site, version, ca, tmp_path):
    fake = pki.Ca(tmp_path, "good", parent=ca)  # its key signs; its certificate is swapped for an end entity's
    fake.private = ca.good.private
    child = fake.device("child", file="child")
    child.path.write_bytes(pki.pem_of(child.certificate) + pki.pem_of(ca.good.certificate))
    answer = gatewayclient.request(site, version, "GET", METADATA, **child.client())
    problem = refusal.assert_refusal(answer, version, 401, CODE, answer.problem()["reason"])
    assert problem["reason"] in ("constraint_violated", "untrusted_root", "incomplete_chain"), problem


def test_a_good_certificate_at_an_ehttp_management_point_is_refused_by_mode(site, version, ca):
    target = f"/CCM_Proxy_MutualAuth/{site.role('ehttp')}/SMS_MP/.sms_aut?MPLIST"
    problem, _ = refusal.assert_refused(site, version, 403, "CMGService_Not_Allowed", "mode_forbids_pki", "GET", target,
                                        **ca.good.client())
    assert "ehttp" in problem["detail"] and "rule" in problem["detail"]


def test_a_blocked_certificate_is_refused_everywhere(site, version, ca, new_device):
    certificate = ca.device(f"blocked-{version[-1]}")
    device = new_device().with_certificate(certificate.path, certificate.key).at("https")
    device.must("register")
    site.add("device", "block", device.guid)
    target = f"/CCM_Proxy_MutualAuth/{site.role('https')}/SMS_MP/.sms_aut?MPLIST"
    for page in (target, METADATA):
        until("blocked", lambda p=page: status(site, version, p, certificate) == 403)
        refusal.assert_refused(site, version, 403, "CMGService_Not_Allowed", "blocked", "GET", page,
                               **certificate.client())
    report = device.must_fail("policy")
    assert (report["code"], report["reason"]) == ("CMGService_Not_Allowed", "blocked")
    site.add("device", "unblock", device.guid)
    until("unblocked", lambda: device.run("policy")[0] == 0)


def status(site, version, target, certificate):
    return gatewayclient.request(site, version, "GET", target, **certificate.client()).status


@pytest.mark.parametrize("reason", ["expired", "revoked"])
def test_a_refused_certificate_reaches_nothing_inside(site, version, ca, echo, upstream, reason):
    certificate = ca.revoked if reason == "revoked" else ca.device("expired-too", days=(-30, -1))
    upstream.seen.clear()
    refusal.assert_refused(site, version, 401, CODE, reason, "POST", f"/CCM_Proxy_MutualAuth/{echo}/x",
                           body=b"let me in", **certificate.client())
    assert upstream.seen == []


@pytest.mark.parametrize("how, auth, told, not_told", [
    ([], "pki", "client certificate", "ServerAuth"), ([], "pki,token", "/CCM_Proxy_ServerAuth/", "CMG-Authorization"),
    (["--host", "remedies.example"], "pki,token", "CMG-Authorization", "ServerAuth"),
    (["--host", "remedies.example"], "pki", "client certificate", "Authorization"),
    (["--host", "remedies.example"], "token", "CMG-Authorization", "MutualAuth")])
def test_who_shows_nothing_is_told_what_counts_at_this_endpoint(site, upstream, version, how, auth, told, not_told):
    site.add("endpoint", "add", "remedies", "--url", upstream.url, "--auth", auth, *how)
    try:
        target, host = ("/x", how[1]) if how else ("/CCM_Proxy_MutualAuth/remedies/x", None)
        problem = gatewayclient.request(site, version, "GET", target, host=host).problem()
        assert problem["reason"] == "missing" and told in problem["remedy"] and not_told not in problem["remedy"], problem
    finally:
        site.add("endpoint", "remove", "remedies")
