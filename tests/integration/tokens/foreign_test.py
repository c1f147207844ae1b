# SPDX-License-Identifier: Apache-2.0
"""Tokens of a Configuration Manager site, in its own form: taken only where an administrator said so, and never for more."""
import base64
import datetime
import hashlib
import hmac
import json
import time
import uuid

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from kit import gatewayclient, pki, refusal
from kit.gatewayclient import HTTP1
from kit.programs import until

CODE = "CMGService_Invalid_Token"
DAY = 86400


def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()


class ForeignSite:
    """A site's hierarchy with its SMS Token Signing Certificate."""

    def __init__(self, folder, name, bits=2048):
        self.hierarchy = str(uuid.uuid4())
        self.issuer = f"urn:sccm:oauth2:{self.hierarchy}"
        self.key = rsa.generate_private_key(65537, bits)
        subject, now = pki.name_of(name), datetime.datetime.utcnow()
        self.certificate = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
                            .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
                            .not_valid_before(now).not_valid_after(now + datetime.timedelta(days=365))
                            .sign(self.key, hashes.SHA256()))
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(pki.pem_of(self.certificate))
        self.x5t = b64(hashlib.sha1(self.certificate.public_bytes(serialization.Encoding.DER)).digest())

    def claims(self, **more):
        now = int(time.time())
        claims = {"SCCMTokenCategory": "SCCMPreAuthToken", "Authority": "SCCM", "License": "SCCM", "Type": "BulkRegistration",
                  "TenantId": self.hierarchy, "UniqueId": str(uuid.uuid4()), "iss": self.issuer, "aud": "urn:sccm:service",
                  "exp": now + 3 * DAY - 60, "nbf": now - 60} | more
        return {name: value for name, value in claims.items() if value is not None}

    def header(self, **more):
        header = {"typ": "JWT", "alg": "RS256", "x5t": self.x5t} | more
        return {name: value for name, value in header.items() if value is not None}

    def token(self, header=None, key=None, **claims):
        signed = f"{b64(self.header(**(header or {})))}.{b64(self.claims(**claims))}"
        return f"{signed}.{b64((key or self.key).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


@pytest.fixture(scope="module")
def foreign(site, folder, echo, upstream):
    """Its management point is published as `cm`; its tokens open that, and not `echo`."""
    it = ForeignSite(folder, "token-signing")
    site.publish("cm", "--url", upstream.url, "--auth", "pki,token")
    site.add("trust", "add-foreign", "cm1", "--issuer", it.issuer, "--key", it.path, "--endpoints", "cm")
    yield it
    site.cmg("trust", "remove-foreign", "cm1")
    site.cmg("endpoint", "remove", "cm")


def ask(site, version, token, endpoint="cm/CCM_STS", **client):
    return gatewayclient.request(site, version, "GET", f"/CCM_Proxy_ServerAuth/{endpoint}",
                                 [("Authorization", f"Bearer {token}")], **client)


def refused(site, version, reason, token, endpoint="cm/CCM_STS", status=401, code=CODE, **client):
    return refusal.assert_refused(site, version, status, code, reason, "GET", f"/CCM_Proxy_ServerAuth/{endpoint}",
                                  headers=[("Authorization", f"Bearer {token}")], **client)[0]


# --- what is let in ------------------------------------------------------------------------------------------------------


def test_a_bulk_registration_token_of_the_field_opens_the_endpoint_and_goes_on_to_its_server(site, version, foreign):
    unique = str(uuid.uuid4())
    token = foreign.token(UniqueId=unique)
    answer = ask(site, version, token)
    assert answer.status == 200, answer
    seen = dict(json.loads(answer.body)["headers"])
    assert seen["authorization"] == f"Bearer {token}"
    assert seen["cmg-auth-method"] == "token" and seen["cmg-client-id"] == f"foreign:cm1:{unique}"
    assert "client-cert" not in seen
    until("the log says that it is bound to nothing",
          lambda: f"let in by an unbound token of a foreign site site=cm1 token={unique}" in site.log("cmg-gateway"))


def test_it_finds_the_site_by_service_metadata(site, version, foreign):
    assert ask(site, version, foreign.token(), "ServiceMetadata").status == 200


def test_leeway_is_a_minute(site, foreign):
    now = int(time.time())
    assert ask(site, HTTP1, foreign.token(nbf=now + 30, exp=now + DAY)).status == 200
    assert ask(site, HTTP1, foreign.token(nbf=now - DAY, exp=now - 30)).status == 200


def test_two_keys_of_one_issuer_may_count_at_once(site, foreign, folder):
    second = ForeignSite(folder, "next-signing")
    second.issuer = foreign.issuer
    refused(site, HTTP1, "unknown_key", second.token())
    site.add("trust", "add-foreign", "cm2", "--issuer", foreign.issuer, "--key", second.path, "--endpoints", "cm")
    assert ask(site, HTTP1, second.token()).status == ask(site, HTTP1, foreign.token()).status == 200
    site.add("trust", "remove-foreign", "cm2")
    refused(site, HTTP1, "unknown_key", second.token())


def test_a_key_may_be_named_by_kid(site, foreign, folder):
    third = ForeignSite(folder, "by-kid")
    public = folder / "by-kid-public.pem"
    public.write_bytes(third.key.public_key().public_bytes(serialization.Encoding.PEM,
                                                           serialization.PublicFormat.SubjectPublicKeyInfo))
    site.add("trust", "add-foreign", "cm3", "--issuer", third.issuer, "--key", public, "--header", "kid=k1", "--endpoints", "cm")
    assert ask(site, HTTP1, third.token({"x5t": None, "kid": "k1"})).status == 200
    refused(site, HTTP1, "unknown_key", third.token({"x5t": None, "kid": "k2"}))
    refused(site, HTTP1, "unknown_key", third.token())
    site.add("trust", "remove-foreign", "cm3")


# --- what is not ---------------------------------------------------------------------------------------------------------


def test_it_opens_no_other_endpoint_even_when_it_was_let_in_before(site, version, foreign, echo):
    token = foreign.token()
    assert ask(site, version, token).status == 200
    problem = refused(site, version, "wrong_purpose", token, "echo/anything")
    assert "cm1" in problem["detail"] and "open: cm" in problem["detail"]


@pytest.mark.parametrize("path", ["CCM_STS", "CCM_Client/registration", "SMS_MP/.sms_aut?MPLIST"])
def test_it_opens_nothing_of_this_sites_own_management_point(site, version, foreign, path):
    refused(site, version, "wrong_purpose", foreign.token(), f"{site.role('ehttp')}/{path}")


@pytest.mark.parametrize("claims", [{"SCCMTokenCategory": "SCCMDeviceToken"}, {"Type": "Device"}, {"SCCMTokenCategory": None},
                                    {"Type": None}, {"Type": 7}, {"SCCMTokenCategory": ["SCCMPreAuthToken"]}])
def test_a_category_that_nobody_knows_is_refused(site, version, foreign, claims):
    refused(site, version, "wrong_purpose", foreign.token(**claims))


def test_times_are_judged(site, version, foreign):
    now = int(time.time())
    refused(site, version, "expired", foreign.token(nbf=now - 3 * DAY, exp=now - 61))
    refused(site, version, "not_yet_valid", foreign.token(nbf=now + 120, exp=now + DAY))


@pytest.mark.parametrize("claims", [{"exp": None}, {"nbf": None}, {"exp": "soon"}, {"exp": 1e30}, {"exp": -1}, {"nbf": []},
                                    {"UniqueId": None}, {"UniqueId": "me"}, {"UniqueId": 5}, {"UniqueId": "x" * 5000}])
def test_a_token_that_says_too_little_or_nonsense_is_malformed(site, foreign, claims):
    refused(site, HTTP1, "malformed", foreign.token(**claims))


def test_a_bulk_registration_token_lasts_seven_days_at_most(site, foreign):
    now = int(time.time())
    refused(site, HTTP1, "malformed", foreign.token(nbf=now - 60, exp=now + 8 * DAY))


def test_the_audience_is_judged(site, version, foreign):
    refused(site, version, "wrong_audience", foreign.token(aud="urn:sccm:other"))


def test_a_token_of_a_site_that_is_not_trusted_is_a_strangers(site, version, foreign, folder):
    stranger = ForeignSite(folder, f"stranger-{version[:2]}")
    refused(site, version, "unknown_tenant", stranger.token())
    stranger.issuer = foreign.issuer
    refused(site, version, "unknown_key", stranger.token())
    stranger.x5t = foreign.x5t
    refused(site, version, "bad_signature", stranger.token())


@pytest.mark.parametrize("header", [{"kid": "k1"}, {"kid": None, "jwk": {"kty": "RSA"}}, {"jku": "https://evil.example/"},
                                    {"x5u": "https://evil.example/"}, {"x5c": ["AAAA"]}, {"crit": ["x"], "x": 1}, {"typ": "dpop+jwt"},
                                    {"cty": "JWT"}, {"zip": "DEF"}])
def test_headers_that_would_bring_keys_or_meanings_of_their_own_are_malformed(site, foreign, header):
    refused(site, HTTP1, "malformed", foreign.token(header))


def test_another_algorithm_is_not_taken(site, foreign):
    payload = b64(foreign.claims())
    public = foreign.key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for algorithm in ("none", "HS256", "RS384", "PS256", "ES256"):
        signed = f"{b64(foreign.header(alg=algorithm))}.{payload}".encode()
        mac = hmac.new(public, signed, hashlib.sha256).digest()
        refused(site, HTTP1, "malformed", f"{signed.decode()}.{b64(mac)}")


def test_a_changed_claim_breaks_the_signature(site, version, foreign):
    header, _, signature = foreign.token().split(".")
    refused(site, version, "bad_signature", f"{header}.{b64(foreign.claims(Type='BulkRegistration'))}.{signature}")


def test_a_blocked_device_gets_nowhere_with_it(site, version, foreign, new_device):
    device = new_device().at("ehttp").registered_by_token()
    assert ask(site, version, foreign.token(), certificate=device.certificate, key=device.key).status == 200
    site.add("device", "block", device.guid)
    refused(site, version, "blocked", foreign.token(), status=403, code="CMGService_Not_Allowed", certificate=device.certificate,
            key=device.key)


def test_a_site_that_is_trusted_no_longer_opens_nothing_at_once(site, folder, foreign):
    former = ForeignSite(folder, "former")
    site.add("trust", "add-foreign", "cm4", "--issuer", former.issuer, "--key", former.path, "--endpoints", "cm")
    token = former.token()
    assert ask(site, HTTP1, token).status == 200
    site.add("trust", "remove-foreign", "cm4")
    refused(site, HTTP1, "unknown_tenant", token)


# --- the administrator ---------------------------------------------------------------------------------------------------


def test_foreign_sites_are_listed(site, foreign):
    [listed] = [f for f in site.cmg("trust", "list-foreign")["foreign_sites"] if f["id"] == "cm1"]
    assert (listed["issuer"], listed["audience"], listed["header"], listed["key"]) == \
        (foreign.issuer, "urn:sccm:service", "x5t", foreign.x5t)
    assert listed["endpoints"] == ["cm"]


def test_what_can_not_be_meant_is_refused_with_a_remedy(site, folder, foreign):
    def add(*options):
        code, answer = site.cmg("trust", "add-foreign", "cm9", "--issuer", "urn:x", *options, check=False)
        assert code == 1 and answer["error"]["remedy"], answer
        return answer["error"]["what"] + json.dumps(answer)

    elliptic = folder / "elliptic.pem"
    elliptic.write_bytes(pki.self_signed(folder, "elliptic-key").path.read_bytes())
    weak = ForeignSite(folder, "weak", bits=1024)
    bare = folder / "bare.pem"
    bare.write_bytes(foreign.key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    assert "RSA key of 2048" in add("--key", elliptic, "--endpoints", "cm")
    assert "RSA key of 2048" in add("--key", weak.path, "--endpoints", "cm")
    assert "x5t" in add("--key", bare, "--endpoints", "cm")
    assert "kid" in add("--key", foreign.path, "--header", "kid", "--endpoints", "cm")
    assert "x5t or kid" in add("--key", foreign.path, "--header", "jku=https://evil.example/", "--endpoints", "cm")
    assert "nowhere" in add("--key", foreign.path, "--endpoints", "nowhere")
    mp = next(e["id"] for e in site.cmg("endpoint", "list")["endpoints"] if e.get("management_point"))
    assert "management point" in add("--key", foreign.path, "--endpoints", mp)
    assert not [f for f in site.cmg("trust", "list-foreign")["foreign_sites"] if f["id"] == "cm9"]


def test_an_elliptic_key_is_no_stand_in(site, foreign):
    key = ec.generate_private_key(ec.SECP256R1())
    signed = f"{b64(foreign.header(alg='ES256'))}.{b64(foreign.claims())}"
    refused(site, HTTP1, "malformed", f"{signed}.{b64(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))}")
