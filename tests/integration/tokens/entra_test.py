# SPDX-License-Identifier: Apache-2.0
"""Devices that an OpenID provider vouches for: a real one (npm's oidc-provider) with the claims of Microsoft Entra."""
import json
import time
import uuid

import pytest

from kit import gatewayclient, pki, refusal
from kit.analyze import analyze
from kit.device import Device
from kit.gatewayclient import HTTP1, HTTP2
from kit.idp import Provider, let_through, signing_key
from kit.inside import Inside
from kit.programs import until
from kit.servers import free_port

CODE = "CMGService_Invalid_Token"
REGISTRATION, STS = "/CCM_Client/registration", "/CCM_STS"
DEVICES = [f"device-{i}" for i in range(1, 7)]


@pytest.fixture(scope="module")
def provider(folder):
    it = Provider(folder / "provider", free_port(), DEVICES).start()
    yield it
    it.stop()


def onboard(site, provider, name="contoso", source=None, **more):
    keys = ["--source", source] if source else ["--jwks", provider.jwks_file()]
    arguments = ["--tenant", provider.tenant, "--issuer", provider.issuer, "--audience", provider.resource, *keys,
                 "--client-app-id", "sign-in", "--resource", provider.resource]
    for option, value in more.items():
        arguments += ["--" + option.replace("_", "-"), value]
    site.cmg("tenant", "add", name, *arguments)
    until("the gateway knows the tenant", lambda: info(site, provider.tenant).status == 200, 10)


def info(site, tenant, version=HTTP1):
    return gatewayclient.request(site, version, "GET", f"/CCM_Proxy_ServerAuth/AADAuthInfo?TenantID={tenant}")


@pytest.fixture(scope="module")
def tenant(site, provider):
    onboard(site, provider)
    yield provider
    site.cmg("tenant", "remove", "contoso")


def joined(new_device, provider, name, mode="ehttp"):
    return new_device().at(mode).joined_to(provider, name)


def target(site, path, mode="ehttp"):
    return f"/CCM_Proxy_ServerAuth/{site.role(mode)}{path}"


def refused(site, version, reason, token, path=STS, method="POST", code=CODE, status=401):
    return refusal.assert_refused(site, version, status, code, reason, method, target(site, path),
                                  headers=[("Authorization", f"Bearer {token}")])[0]


# --- the way of a device ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode,name", [("ehttp", "device-1"), ("https", "device-2")])
def test_a_joined_device_registers_and_gets_policy_with_nothing_but_its_entra_token(site, tenant, new_device, mode, name):
    device = joined(new_device, tenant, name, mode)
    assert device.must("register")["approval"] == "approved"
    assert device.must("policy")["method"] == "entra"
    assert device.policies()
    record = site.cmg("device", "show", device.guid)["device"]
    assert (record["method"], record["entra_tenant"], record["entra_device"]) == ("entra", "contoso", tenant.device_ids[name])


def test_the_same_entra_device_with_another_key_waits_for_approval(site, tenant, new_device):
    joined(new_device, tenant, "device-3").must("register")
    again = joined(new_device, tenant, "device-3")
    assert again.run("register")[1]["approval"] == "pending"
    site.cmg("device", "approve", again.name)
    assert again.must("policy")["method"] == "entra"


def test_a_blocked_device_is_shut_out_with_its_entra_identity_too(site, tenant, new_device):
    device = joined(new_device, tenant, "device-4")
    device.must("register")
    token = tenant.device_token("device-4")
    site.cmg("device", "block", device.name)

    def is_blocked(version):
        try:
            return gatewayclient.request(site, version, "POST", target(site, STS), [("Authorization", f"Bearer {token}")]).status == 403
        except ConnectionError:  # a block ends what is under way
            return False

    for version in (HTTP1, HTTP2):
        until("blocked", lambda v=version: is_blocked(v), 20)
        refused(site, version, "blocked", token, REGISTRATION, code="CMGService_Not_Allowed", status=403)
    stranger = joined(new_device, tenant, "device-4")  # another key
    assert stranger.must_fail("register")["reason"] == "blocked"


def test_an_entra_token_is_no_use_with_a_key_that_is_not_the_devices(site, tenant, new_device):
    first, second = joined(new_device, tenant, "device-5"), joined(new_device, tenant, "device-6")
    first.must("register")
    second.must("register")
    second.must("set", "EntraClientId=device-5", f"EntraCertificate={tenant.device_certificate('device-5')[0]}",
                f"EntraKey={tenant.device_certificate('device-5')[1]}")
    report = second.must_fail("policy")
    assert report["reason"] == "not_bound", report


# --- the analyzer -----------------------------------------------------------------------------------------------------


def steps_of(report):
    return {s["id"]: s for s in report["steps"]}


def test_the_analyzer_proves_an_entra_device_from_the_device(site, tenant, new_device):
    device = joined(new_device, tenant, "device-1")
    device.run("register")
    site.cmg("device", "approve", device.guid)
    report = device.run("analyze")[1]
    assert report["ok"] and set(report["credential"]["proved"]) == {"entra", "access token"}, report
    assert report["credential"]["method"] == "entra"
    assert steps_of(report)[f"mp.{site.role('ehttp')}.policy"]["outcome"] == "ok"


def test_the_analyzer_judges_a_tenants_token(site, tenant, tmp_path):
    (tmp_path / "good").write_text(tenant.device_token())
    report = analyze(site, "--token-file", tmp_path / "good")
    assert report["ok"] and report["credential"]["proved"] == ["entra"], report
    assert "no device is registered" in steps_of(report)[f"mp.{site.role('ehttp')}.sts"]["found"]
    for name, token, cause in (("expired", tenant.forge(exp=1_700_000_000), "expired"),
                               ("stranger", tenant.forge(iss="https://x.example", tid=str(uuid.uuid4())), "unknown_tenant")):
        (tmp_path / name).write_text(token)
        failed = [s for s in analyze(site, "--token-file", tmp_path / name)["steps"] if s["outcome"] == "failed"]
        assert [(s["id"], s["cause"]) for s in failed] == [("auth", cause)], failed


# --- what a tenant's token opens --------------------------------------------------------------------------------------


def test_a_devices_token_opens_registration_and_the_token_service_alone(site, version, tenant):
    token = tenant.device_token()
    for path in (REGISTRATION, STS):
        answer = gatewayclient.request(site, version, "POST", target(site, path), [("Authorization", f"Bearer {token}")])
        assert not answer.headers.get("cmg-status-text", "").startswith("CMGService_"), answer
    for path in ("/SMS_MP/.sms_aut?MPLIST", "/SMS_MP/.sms_pol?MACHINE"):
        refused(site, version, "wrong_purpose", token, path, "GET")


def test_a_users_token_is_no_devices_token(site, version, tenant):
    token = tenant.forge(upn="ann@contoso.example")
    refused(site, version, "wrong_purpose", token, REGISTRATION)
    refused(site, version, "wrong_purpose", token, "/SMS_MP/.sms_aut?MPLIST", "GET")


# --- what is refused --------------------------------------------------------------------------------------------------

OTHER_KEY, OTHER_JWK = signing_key("key-1")
FOREVER = int(time.time()) + 10 ** 9


@pytest.mark.parametrize("reason,claims,how", [
    ("unknown_tenant", {"tid": str(uuid.uuid4())}, {}),
    ("unknown_tenant", {"iss": "https://login.example/other", "tid": str(uuid.uuid4())}, {}),
    ("wrong_issuer", {"iss": "https://login.example/other"}, {}),
    ("wrong_audience", {"aud": "https://graph.example"}, {}),
    ("wrong_audience", {"aud": None}, {}),
    ("expired", {"exp": 1_700_000_000}, {}),
    ("not_yet_valid", {"nbf": FOREVER}, {}),
    ("malformed", {"exp": None}, {}),
    ("bad_signature", {}, {"key": OTHER_KEY}),
    ("unknown_key", {}, {"headers": {"kid": "another"}}),
    ("malformed", {}, {"headers": {"jku": "https://attacker.example/jwks"}}),
    ("malformed", {}, {"headers": {"jwk": OTHER_JWK}}),
    ("wrong_purpose", {"deviceid": None}, {}),
])
def test_each_reason_against_a_tenants_token(site, version, tenant, reason, claims, how):
    problem = refused(site, version, reason, tenant.forge(**how, **claims))
    assert problem["detail"]


def test_a_tenant_can_be_switched_off_and_on(site, version, tenant):
    token = tenant.device_token()
    site.cmg("tenant", "disable", "contoso")
    until("the gateway has forgotten it", lambda: info(site, tenant.tenant).status == 401, 5)
    refused(site, version, "unknown_tenant", token)
    site.cmg("tenant", "enable", "contoso")
    until("the gateway knows it again", lambda: info(site, tenant.tenant).status == 200, 5)
    assert let_through(site, version, token)


def test_one_tenant_does_not_vouch_for_another(site, version, tenant, folder):
    """Its own issuer, the other one's tenant id."""
    other = Provider(folder / "fabrikam", free_port(), lifetime=600)
    other.start()
    try:
        onboard(site, other, "fabrikam")
        refused(site, version, "unknown_tenant", other.forge(tid=tenant.tenant))
        refused(site, version, "unknown_key" if other.jwk["kid"] != tenant.jwk["kid"] else "bad_signature",
                tenant.forge(key=other.private, headers={"kid": other.jwk["kid"]}))
    finally:
        site.cmg("tenant", "remove", "fabrikam")
        other.stop()


def test_claims_of_other_providers_can_be_named(site, version, folder):
    other = Provider(folder / f"other-{version.replace('/', '')}", free_port()).start()
    onboard(site, other, "other", device_claim="client_id", user_claims="email")
    try:
        assert let_through(site, version, other.device_token())
        refused(site, version, "wrong_purpose", other.forge(email="ann@contoso.example"), REGISTRATION)
    finally:
        site.cmg("tenant", "remove", "other")
        other.stop()


def test_two_tenants_can_not_share_an_issuer(site, tenant):
    code, report = site.cmg("tenant", "add", "twin", "--issuer", tenant.issuer, "--audience", "x", "--jwks",
                            tenant.jwks_file(), check=False)
    assert code == 1 and "contoso" in json.dumps(report)


def test_the_tenants_new_keys_count_at_once_and_its_old_ones_no_more(own_site, folder, version):
    provider = Provider(folder / f"rotating-{version.replace('/', '')}", free_port()).start()
    try:
        onboard(own_site, provider)
        old = provider.device_token()
        provider.rotate()
        provider.restart()
        fresh = provider.device_token()
        refused(own_site, version, "unknown_key", fresh)
        onboard(own_site, provider)
        until("the old key is unknown", lambda: gatewayclient.request(
            own_site, version, "POST", target(own_site, STS), [("Authorization", f"Bearer {old}")]).status == 401, 5)
        assert let_through(own_site, version, fresh)
    finally:
        provider.stop()


# --- keys that are fetched --------------------------------------------------------------------------------------------


@pytest.fixture
def fetched(folder):
    it = Provider(folder / f"fetched-{uuid.uuid4().hex[:6]}", free_port(), plain_port=free_port()).start()
    yield it
    it.stop()


@pytest.mark.parametrize("via,kind", [("internet", "oidc"), ("connector", "oidc"), ("connector", "jwks")])
def test_a_tenants_keys_are_fetched_and_new_ones_when_a_token_names_them(own_site, fetched, tmp_path, via, kind):
    url = fetched.discovery if kind == "oidc" else f"http://127.0.0.1:{fetched.plain_port}/jwks"
    own_site.cmg("source", "add", "contoso-keys", "--kind", kind, "--url", url, "--via", via)
    onboard(own_site, fetched, source="contoso-keys")
    until("the keys are there", lambda: let_through(own_site, HTTP2, fetched.device_token()), 15)
    device = joined(lambda: Device(own_site, tmp_path), fetched, "device-1")
    assert device.must("register")["approval"] == "approved"
    fetched.rotate()
    fetched.restart()
    token = fetched.device_token()
    until("the new key is fetched because a token names it", lambda: let_through(own_site, HTTP1, token), 15)
    until("the management point fetches it too", lambda: device.run("policy")[0] == 0, 15)


def test_keys_that_the_management_point_itself_does_not_get_are_told_by_the_status(own_site):
    own_site.cmg("source", "add", "nowhere", "--kind", "oidc", "--url", f"http://127.0.0.1:{free_port()}/keys")
    told = lambda: next((p for p in own_site.cmg("status")["problems"] if p["cause"] == "source_failing"
                         and "at the management point" in p["found"]), None)
    problem = until("the status tells it", told, 30)
    assert problem["of"] == "nowhere" and "the way there from who fetches it" in problem["remedy"]


def test_keys_that_were_fetched_outlast_the_provider_and_the_gateway(own_site, fetched):
    own_site.cmg("source", "add", "contoso-keys", "--kind", "oidc", "--url", fetched.discovery)
    onboard(own_site, fetched, source="contoso-keys")
    until("the keys are there", lambda: let_through(own_site, HTTP2, fetched.device_token()), 15)
    token = fetched.device_token()
    fetched.stop()
    own_site.kill("cmg-gateway")
    own_site.run("cmg-gateway")
    own_site.wait_ready()
    until("the kept keys are used", lambda: let_through(own_site, HTTP2, token), 10)


def test_unknown_keys_make_the_provider_be_asked_once_a_minute_at_most(own_site, fetched):
    own_site.cmg("source", "add", "contoso-keys", "--kind", "oidc", "--url", fetched.discovery)
    onboard(own_site, fetched, source="contoso-keys")
    until("the keys are there", lambda: let_through(own_site, HTTP2, fetched.device_token()), 15)
    time.sleep(3.5)  # while keys have just come, one that was unknown before is no reason
    assert not let_through(own_site, HTTP1, fetched.forge(headers={"kid": "made-up"}))  # lets them be fetched once
    time.sleep(1)
    fetched.stop()
    for i in range(3):
        assert not let_through(own_site, HTTP1, fetched.forge(headers={"kid": f"made-up-{i}"}))
        time.sleep(1.1)  # the gateway tells of unknown keys once a second
    assert own_site.metric('cmg_source_failures{source="contoso-keys",kind="oidc"}') == 0


@pytest.fixture
def crowded(folder):
    it = Provider(folder / f"crowded-{uuid.uuid4().hex[:6]}", free_port(), plain_port=free_port()).start()
    yield it
    it.stop()


def test_a_flood_of_unknown_keys_of_one_tenant_does_not_keep_anothers_new_keys_out(own_site, fetched, crowded, tmp_path):
    """At most one fetch a minute and issuer (PROTOCOL 3), at the gateway and at the management point alike."""
    for name, provider in (("contoso", fetched), ("fabrikam", crowded)):
        own_site.cmg("source", "add", f"{name}-keys", "--kind", "oidc", "--url", provider.discovery)
        onboard(own_site, provider, name=name, source=f"{name}-keys")
        until("the keys are there", lambda: let_through(own_site, HTTP2, provider.device_token()), 15)
    device = joined(lambda: Device(own_site, tmp_path), fetched, "device-1")
    assert device.must("register")["approval"] == "approved"
    flood, inside, keys = crowded.forge(headers={"kid": "made-up"}), Inside(own_site, tmp_path), pki.self_signed(tmp_path, "other")
    ask = lambda: (let_through(own_site, HTTP1, flood), inside.register(keys, flood, headers={"CMG-Auth-Method": "entra"}))
    assert b"unknown_key" in ask()[1].body
    fetched.rotate()
    fetched.restart()
    token = fetched.device_token()
    until("the gateway has the new key", lambda: ask() and let_through(own_site, HTTP1, token), 15)
    until("the management point has it too", lambda: ask() and device.run("policy")[0] == 0, 15)


@pytest.mark.parametrize("said, refresh, wait", [(None, None, 3600), ("public, max-age=7200", None, 7200),
                                                 ("max-age=1", None, 60), ("no-store", None, 60),
                                                 ("max-age=31536000", None, 86400), ("max-age=7200", "10m", 600),
                                                 ("max-age=300", "10m", 300)])
def test_keys_are_fetched_again_as_their_provider_says_within_bounds(site, fetched, said, refresh, wait):
    """RFC 9111 5.2.2.1; over the Internet and through a connector, which passes on what it was told."""
    fetched.keys_cache_control = said
    fetched.restart()
    sources = [(via, kind, f"keys-{via}-{kind}") for via in ("internet", "connector") for kind in ("oidc", "jwks")]
    for via, kind, name in sources:
        url = fetched.discovery if kind == "oidc" else f"http://127.0.0.1:{fetched.plain_port}/jwks"
        site.cmg("source", "add", name, "--kind", kind, "--url", url, "--via", via,
                 *(["--refresh", refresh] if refresh else []))
    for via, kind, name in sources:
        labels = f'{{source="{name}",kind="{kind}"}}'
        until("the keys are there", lambda x=labels: f"cmg_source_age_seconds{x}" in site.admin_page("/metrics")[1] and
              site.metric(f"cmg_source_age_seconds{x}") >= 0, 15)
        assert wait * 0.9 - 15 <= site.metric(f"cmg_source_next_fetch_seconds{labels}") <= wait, (via, kind)
    for _, _, name in sources:
        site.cmg("source", "remove", name)
    site.settle()


# --- AADAuthInfo ------------------------------------------------------------------------------------------------------


def test_aadauthinfo_tells_onboarded_tenants_alone(site, version, tenant):
    answer = info(site, tenant.tenant.upper(), version)
    assert answer.status == 200 and json.loads(answer.body) == {
        "tenant": tenant.tenant, "client_app_id": "sign-in", "resource": tenant.resource, "issuer": tenant.issuer}
    for wrong in (f"?TenantID={uuid.uuid4()}", "", "?TenantID="):
        refusal.assert_refused(site, version, 401, CODE, "unknown_tenant", "GET",
                               f"/CCM_Proxy_ServerAuth/AADAuthInfo{wrong}")


def until_limited(site, version, path):
    """The first answer that is none, of many requests on one connection."""
    with (gatewayclient.H1 if version == HTTP1 else gatewayclient.H2)(
            site.port, gatewayclient.context(site.report["ca"], alpn=version)) as connection:
        answers = (connection.request("GET", path) for _ in range(300))
        return next(a for a in answers if a.status != 200)


def test_aadauthinfo_is_told_so_often_a_second(site, version, tenant):
    path = f"/CCM_Proxy_ServerAuth/AADAuthInfo?TenantID={tenant.tenant}"
    refusal.assert_made(site, version, 429, "CMGService_Too_Many_Requests", "too_many_requests",
                        lambda: until_limited(site, version, path))
    until("it answers again", lambda: info(site, tenant.tenant).status == 200, 10)


# --- directly inside --------------------------------------------------------------------------------------------------


def test_inside_the_tenants_token_counts_by_the_management_points_own_judgement(site, tenant, tmp_path):
    """Whatever a connector asserts: the token is judged again."""
    from kit.inside import Inside
    inside, device = Inside(site, tmp_path), pki.self_signed(tmp_path, "d")
    asserted = {"CMG-Auth-Method": "entra", "CMG-Client-Id": "entra:x"}
    for token, reason in ((tenant.forge(key=OTHER_KEY), "bad_signature"), (tenant.forge(upn="a@b"), "wrong_purpose")):
        answer = inside.register(device, headers={**asserted, "Authorization": f"Bearer {token}"})
        assert json.loads(answer.body)["reason"] == reason, answer
