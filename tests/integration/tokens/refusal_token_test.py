# SPDX-License-Identifier: Apache-2.0
"""One refusal for each reason that a token can give, over HTTP/1.1 and HTTP/2."""
import base64
import json
import time
import uuid

import pytest

from kit import gatewayclient, pki, refusal
from kit.mint import with_high_s
from kit.programs import until

CODE = "CMGService_Invalid_Token"

# purpose → method and path behind the role id
ENDPOINTS = {"registration": ("POST", "/CCM_Client/registration"), "sts": ("POST", "/CCM_STS"),
             "general": ("GET", "/SMS_MP/.sms_aut?MPLIST"), "metadata": ("GET", None),
             "user": ("GET", "/CCM_User/policy")}
OPENS = {"bulk": {"registration", "metadata"}, "device": {"sts", "metadata"}, "access": {"general", "metadata"},
         "user": {"user"}}
REFUSED = [(kind, purpose) for kind in OPENS for purpose in ENDPOINTS if purpose not in OPENS[kind]]
OPENED = [(kind, purpose) for kind in OPENS for purpose in ENDPOINTS if purpose in OPENS[kind]]


def target_of(site, purpose):
    method, path = ENDPOINTS[purpose]
    return method, f"/CCM_Proxy_ServerAuth/{site.role('ehttp')}{path}" if path else "/CCM_Proxy_ServerAuth/ServiceMetadata"


def bearer(token):
    return [("Authorization", f"Bearer {token}")]


def refused(site, version, reason, token, shown, purpose="general", status=401, code=CODE):
    method, target = target_of(site, purpose)
    return refusal.assert_refused(site, version, status, code, reason, method, target, headers=bearer(token),
                                  **(shown.client() if shown else {}))[0]


def let_through(site, version, token, shown, purpose="general"):
    """The answer is not the gateway's refusal: what stands behind it may refuse for reasons of its own."""
    method, target = target_of(site, purpose)
    answer = gatewayclient.request(site, version, method, target, bearer(token), **shown.client())
    return not answer.headers.get("cmg-status-text", "").startswith("CMGService_")


def test_a_request_without_a_token_is_refused_as_missing(site, version, self_signed):
    refusal.assert_refused(site, version, 401, CODE, "missing", "GET", target_of(site, "general")[1],
                           **self_signed.client())


@pytest.mark.parametrize("header", ["Basic dXNlcjpwYXNz", "Bearer", "Token abc"])
def test_another_scheme_of_authorization_is_no_token(site, version, header):
    refusal.assert_refused(site, version, 401, CODE, "missing", "GET", target_of(site, "general")[1],
                           headers=[("Authorization", header)])


@pytest.mark.parametrize("text", ["abc", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "..", "x" * 3000])
def test_what_is_no_jwt_is_refused_as_malformed(site, version, text):
    refused(site, version, "malformed", text, None)


def test_a_token_without_a_claim_is_refused_as_malformed(site, version, mint, self_signed):
    for claim in ("iss", "aud", "jti", "iat", "nbf", "exp", "sub", "cnf"):
        token = mint.token("access", self_signed.certificate, **{claim: None})
        assert claim in refused(site, version, "malformed", token, self_signed)["detail"]


def unsigned(mint, self_signed, algorithm):
    """A token whose header promises another algorithm."""
    claims = mint.token("access", self_signed.certificate).split(".")[1]
    header = json.dumps({"alg": algorithm, "typ": "cmg-access+jwt", "kid": mint.kid}).encode()
    return base64.urlsafe_b64encode(header).rstrip(b"=").decode() + f".{claims}."


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS256"])
def test_a_token_of_another_algorithm_is_refused(site, version, mint, self_signed, algorithm):
    refused(site, version, "malformed", unsigned(mint, self_signed, algorithm), self_signed)


def test_a_token_signed_by_another_key_is_refused_for_its_signature(site, version, mint, self_signed):
    token = mint.token("access", self_signed.certificate, key=pki.new_key())
    refused(site, version, "bad_signature", token, self_signed)


def test_the_other_signature_that_anyone_can_make_of_a_good_one_is_refused(site, version, mint, self_signed):
    token = mint.token("access", self_signed.certificate)
    assert let_through(site, version, token, self_signed)
    assert "higher s" in refused(site, version, "bad_signature", with_high_s(token), self_signed)["detail"]


def test_a_token_of_an_unknown_key_is_refused(site, version, mint, self_signed):
    token = mint.token("access", self_signed.certificate, kid="nobody-knows-me")
    assert "nobody-knows-me" in refused(site, version, "unknown_key", token, self_signed)["detail"]


def test_a_token_of_another_issuer_is_refused(site, version, mint, self_signed):
    token = mint.token("access", self_signed.certificate, iss="urn:opencmg:OTHER")
    refused(site, version, "wrong_issuer", token, self_signed)


def test_a_token_for_another_service_is_refused(site, version, mint, self_signed):
    token = mint.token("access", self_signed.certificate, aud="urn:opencmg:OTHER:service")
    refused(site, version, "wrong_audience", token, self_signed)


def test_an_expired_token_is_refused(site, version, mint, self_signed):
    now = int(time.time())
    token = mint.token("access", self_signed.certificate, iat=now - 7200, nbf=now - 7200, exp=now - 120)
    refused(site, version, "expired", token, self_signed)


def test_an_expired_device_token_still_reaches_the_token_service_within_its_grace(site, version, mint, self_signed):
    now = int(time.time())
    old = dict(iat=now - 90 * 86400, nbf=now - 90 * 86400, exp=now - 86400)
    assert let_through(site, version, mint.token("device", self_signed.certificate, **old), self_signed, "sts")
    refused(site, version, "expired", mint.token("device", self_signed.certificate, **old), self_signed, "metadata")
    older = dict(iat=now - 300 * 86400, nbf=now - 300 * 86400, exp=now - 91 * 86400)
    refused(site, version, "expired", mint.token("device", self_signed.certificate, **older), self_signed, "sts")


def test_a_token_of_later_is_refused_as_not_yet_valid(site, version, mint, self_signed):
    now = int(time.time())
    refused(site, version, "not_yet_valid", mint.token("access", self_signed.certificate, nbf=now + 600), self_signed)


@pytest.mark.parametrize("kind,purpose", REFUSED)
def test_a_token_is_refused_for_what_is_not_its_purpose(site, version, mint, self_signed, kind, purpose):
    refused(site, version, "wrong_purpose", mint.token(kind, self_signed.certificate), self_signed, purpose)


@pytest.mark.parametrize("kind,purpose", OPENED)
def test_a_token_is_let_through_for_its_purpose(site, version, mint, self_signed, kind, purpose):
    assert let_through(site, version, mint.token(kind, self_signed.certificate), self_signed, purpose)


@pytest.mark.parametrize("kind,purpose", [("device", "sts"), ("access", "general"), ("user", "user")])
def test_a_token_without_its_key_is_refused_as_not_bound(site, version, mint, self_signed, kind, purpose, tmp_path):
    token = mint.token(kind, self_signed.certificate)
    assert let_through(site, version, token, self_signed, purpose)
    refused(site, version, "not_bound", token, None, purpose)
    refused(site, version, "not_bound", token, pki.self_signed(tmp_path, "thief"), purpose)


def test_a_pki_certificate_does_not_open_the_token_path(site, version, ca):
    refusal.assert_refused(site, version, 401, CODE, "missing", "GET", target_of(site, "general")[1],
                           **ca.good.client())


def test_a_token_does_not_open_the_certificate_path(site, version, mint, self_signed):
    token = mint.token("access", self_signed.certificate)
    target = f"/CCM_Proxy_MutualAuth/{site.role('https')}/SMS_MP/.sms_aut?MPLIST"
    refusal.assert_refused(site, version, 401, "CMGService_Invalid_Client_Certificate", "missing", "GET", target,
                           headers=bearer(token))


def test_a_blocked_bulk_token_is_refused(site, version, self_signed):
    made = site.cmg("token", "new")
    token = made["token"].split(".", 2)[2]
    assert let_through(site, version, token, self_signed, "metadata")
    site.add("token", "block", made["id"])
    until("blocked", lambda: not let_through(site, version, token, self_signed, "metadata"))
    refused(site, version, "blocked", token, self_signed, "registration", 403, "CMGService_Not_Allowed")


def test_a_blocked_devices_tokens_are_refused(site, version, new_device):
    device = new_device().at("ehttp").registered_by_token()
    device.must("policy")
    site.add("device", "block", device.guid)
    identity = device.identity()
    method, target = target_of(site, "general")

    def blocked():
        return gatewayclient.request(site, version, method, target, bearer(identity["access_token"]),
                                     **device.client()).status == 403
    until("blocked", blocked)
    for kind, purpose in (("access_token", "general"), ("device_token", "sts")):
        method, target = target_of(site, purpose)
        refusal.assert_refused(site, version, 403, "CMGService_Not_Allowed", "blocked", method, target,
                               headers=bearer(identity[kind]), **device.client())


@pytest.mark.parametrize("kind, purpose", [("access_token", "general"), ("access_token", "metadata"), ("device_token", "sts")])
def test_the_tokens_of_a_removed_device_are_revoked(site, version, new_device, kind, purpose):
    device = new_device().at("ehttp").registered_by_token()
    device.must("policy")
    identity = device.identity()
    site.add("device", "remove", device.guid)
    method, target = target_of(site, purpose)
    problem, _ = refusal.assert_refused(site, version, 401, CODE, "revoked", method, target, headers=bearer(identity[kind]),
                                        **device.client())
    assert "register" in problem["remedy"]


def test_a_blocked_devices_key_opens_nothing_with_another_token(site, version, new_device, mint):
    device = new_device().at("ehttp").registered_by_token()
    site.add("device", "block", device.guid)
    certificate = pki.x509.load_pem_x509_certificate(device.certificate.read_bytes())
    token = mint.token("access", certificate, sub=str(uuid.uuid4()))
    method, target = target_of(site, "general")
    until("blocked", lambda: gatewayclient.request(site, version, method, target, bearer(token),
                                                   **device.client()).status == 403)


def test_an_endpoint_for_pki_alone_takes_no_token(site, version, mint, self_signed, upstream):
    site.publish("pki-only", "--url", upstream.url, "--auth", "pki")
    upstream.seen.clear()
    token = mint.token("access", self_signed.certificate)
    problem, _ = refusal.assert_refused(site, version, 403, "CMGService_Not_Allowed", "method_not_allowed_here", "GET",
                                        "/CCM_Proxy_ServerAuth/pki-only/x", headers=bearer(token),
                                        **self_signed.client())
    assert "pki" in problem["detail"] and upstream.seen == []
    site.add("endpoint", "remove", "pki-only")
