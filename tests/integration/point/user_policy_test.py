# SPDX-License-Identifier: Apache-2.0
"""User policy: whose it is, who gets it, and what a user token opens."""
import base64
import json

import pytest

from kit import gatewayclient, inside, pki
from kit.gatewayclient import HTTP1

PATH = "/CCM_User/policy"


def content(jws):
    return json.loads(base64.urlsafe_b64decode(jws.split(b".")[1] + b"=="))


@pytest.fixture
def policies(site):
    """Name prefix of policies that are removed again."""
    made = []

    def add(name, text, *options):
        made.append(name)
        return site.cmg("policy", "add", name, "--content", text, *options)["policy"]
    yield add
    for name in set(made):
        site.cmg("policy", "remove", name)


def key_of(device):
    return pki.serialization.load_pem_private_key(device.key.read_bytes(), None)


def certificate_of(device):
    return pki.x509.load_pem_x509_certificate(device.certificate.read_bytes())


def ask(site, device, bearer, mode="ehttp", path="ServerAuth", shown=None, key=None, target=PATH):
    fields = inside.signature(key or key_of(device), "GET", target)
    headers = list(fields.items()) + ([("Authorization", f"Bearer {bearer}")] if bearer else [])
    return gatewayclient.request(site, HTTP1, "GET", f"/CCM_Proxy_{path}/{site.role(mode)}{target}", headers,
                                 **(shown or device.client()))


@pytest.fixture
def device(site, new_device):
    return new_device().at("ehttp").registered_by_token()


@pytest.fixture
def token_of(mint):
    def make(device, user="ada@example.com", **claims):
        guid = device.guid
        return mint.token("user", certificate_of(device), **{"sub": guid, "act": {"sub": guid}, "user": user, **claims})
    return make


def test_a_user_gets_the_policies_of_this_user_and_of_every_user_and_no_device_gets_them(
        site, device, token_of, policies):
    policies("for-ada", "a", "--user", "Ada@Example.com,bob@example.com")
    policies("for-eve", "e", "--user", "eve@example.com")
    policies("for-all-users", "u", "--users")
    policies("for-devices", "d")
    answer = ask(site, device, token_of(device))
    assert answer.status == 200 and answer.headers["content-type"] == "application/jose"
    document = content(answer.body)
    assert document["type"] == "user-policy" and document["content"]["user"] == "ada@example.com"
    assert document["audience"].startswith(device.guid + ".")
    names = {policy["name"] for policy in document["content"]["policies"]}
    assert {"for-ada", "for-all-users"} <= names and not names & {"for-eve", "for-devices"}
    device.must("policy")
    assert "for-devices" in device.policies() and not {"for-ada", "for-eve", "for-all-users"} & set(device.policies())


def test_a_new_version_of_a_users_policy_stays_the_users(site, policies):
    assert policies("kept", "1", "--user", "ada@example.com")["users"] == ["ada@example.com"]
    second = policies("kept", "2")
    assert (second["version"], second["users"]) == (2, ["ada@example.com"])
    third = policies("kept", "2", "--devices")
    assert (third["version"], third["users"]) == (3, [])
    assert policies("kept", "2", "--users")["users"] == ["*"]


@pytest.mark.parametrize("users", ["ada", ["a b@example.com"], ["*", "ada@example.com"], ["x" * 200], [""], [1]])
def test_a_policy_for_what_is_no_user_is_refused(site, users):
    with pytest.raises(AssertionError, match="400"):
        site.admin("POST", "/v1/policies", {"name": "nobody", "content": "x", "users": users})
    assert "nobody" not in [policy["name"] for policy in site.cmg("policy", "list")["policies"]]


def test_a_users_policy_is_fetched_by_version(site, device, token_of, policies):
    policies("versioned", "1", "--users")
    token = token_of(device)
    etag = ask(site, device, token).headers["etag"]
    fields = inside.signature(key_of(device), "GET", PATH)
    headers = [*fields.items(), ("Authorization", f"Bearer {token}"), ("If-None-Match", etag)]
    target = f"/CCM_Proxy_ServerAuth/{site.role('ehttp')}{PATH}"
    assert gatewayclient.request(site, HTTP1, "GET", target, headers, **device.client()).status == 304
    policies("versioned", "2", "--users")
    assert gatewayclient.request(site, HTTP1, "GET", target, headers, **device.client()).status == 200


def test_a_user_token_opens_nothing_else(site, device, token_of):
    token = token_of(device)
    for target in ("/SMS_MP/.sms_pol?MACHINE", "/SMS_MP/.sms_aut?MPLIST", "/CCM_STS", "/CCM_Client/registration"):
        answer = ask(site, device, token, target=target)
        assert answer.status in (401, 405) and answer.headers["cmg-status-text"].startswith("CMGService_"), answer


def test_a_device_token_or_access_token_opens_no_user_policy(site, device, mint):
    for kind in ("device", "access"):
        answer = ask(site, device, mint.token(kind, certificate_of(device), sub=device.guid))
        assert answer.status == 401 and answer.problem()["reason"] == "wrong_purpose"


def test_a_stolen_user_token_is_useless_on_another_device(site, device, new_device, token_of):
    thief = new_device().at("ehttp").registered_by_token()
    answer = ask(site, thief, token_of(device))
    assert answer.status == 401 and answer.problem()["reason"] == "not_bound"


def test_a_pki_device_shows_its_certificate_and_the_user_token_that_is_bound_to_it(site, new_device, ca, mint, policies):
    policies("for-all-users", "u", "--users")
    pair = ca.device("user-laptop")
    device = new_device().at("https").with_certificate(pair.path, pair.key)
    device.must("register")
    claims = {"sub": device.guid, "act": {"sub": device.guid}, "user": "ada@example.com"}

    def answer(token):
        return ask(site, device, token, "https", "MutualAuth", pair.client(), pair.private)
    good = answer(mint.token("user", pair.certificate, **claims))
    assert good.status == 200 and content(good.body)["content"]["user"] == "ada@example.com"
    assert answer(None).problem()["reason"] == "missing"
    assert answer(mint.token("user", ca.good.certificate, **claims)).problem()["reason"] == "not_bound"
    stranger = "6f1c0000-1111-4222-8333-444455556666"
    other = mint.token("user", pair.certificate, **{**claims, "sub": stranger, "act": {"sub": stranger}})
    assert answer(other).problem()["reason"] == "not_bound"
    assert answer(mint.token("access", pair.certificate, sub=device.guid)).problem()["reason"] == "wrong_purpose"


def test_a_blocked_device_gets_no_users_policy(site, device, token_of):
    token = token_of(device)
    assert ask(site, device, token).status == 200
    site.cmg("device", "block", device.guid)
    site.settle()
    assert ask(site, device, token).problem()["reason"] == "blocked"
