# SPDX-License-Identifier: Apache-2.0
"""Devices and users that an OpenID provider vouches for: the order of the methods, sign-in by device code, and user policy
with each of its refusals; with the real programs and a real provider."""
import json
import subprocess
import time
import urllib.parse
import uuid

import pytest

from kit import browser, gatewayclient, idp, inside, pki
from kit.idp import holds, knows
from kit.programs import program
from kit.servers import free_port

USER_TYPE = "urn:opencmg:token-type:user"


@pytest.fixture(scope="module")
def providers(site, folder):
    """The tenant of the devices, and another one."""
    made = {}
    for name in ("home", "abroad"):
        provider = idp.Provider(folder / f"provider-{name}", free_port()).start()
        made[name] = provider
        site.cmg("tenant", "add", name, "--issuer", provider.issuer, "--tenant", provider.tenant, "--audience",
                 provider.resource, "--jwks", provider.jwks_file())
    site.settle()
    yield made
    for name, provider in made.items():
        provider.stop()
        site.cmg("tenant", "remove", name)
    site.settle()


@pytest.fixture
def home(providers):
    return providers["home"]


@pytest.fixture(scope="module", autouse=True)
def policies(site):
    site.cmg("policy", "add", "of-ada", "--content", "a", "--user", "ada@example.com")
    site.cmg("policy", "add", "of-users", "--content", "u", "--users")
    yield
    site.cmg("policy", "remove", "of-ada")
    site.cmg("policy", "remove", "of-users")


# --- kinds of devices -------------------------------------------------------------------------------------------------


def joined(device, provider):
    return knows(device.joined_to(provider), provider)


def by_command(device, folder, token, words=""):
    """Its Entra token is what a program prints."""
    path = folder / f"{device.name}.sh"
    path.write_text(f"#!/bin/sh\n{words}\necho '{token}'\n")
    path.chmod(0o700)
    device.must("set", f"EntraCommand={path}")
    return device


@pytest.fixture
def entra(new_device, providers):
    """An Entra joined device, which asks for its token by its certificate."""
    return lambda mode="ehttp": joined(new_device().at(mode), providers["home"])


@pytest.fixture(autouse=True)
def forget_devices(site):
    """One test's devices are not known to the next, which uses the same Entra device."""
    def known():
        return {device["guid"] for device in site.cmg("device", "list")["devices"]}
    before = known()
    yield
    for guid in known() - before:
        site.cmg("device", "remove", guid, "--forget")


def pki_device(new_device, ca, name, mode="https"):
    pair = ca.device(name)
    return new_device().at(mode).with_certificate(pair.path, pair.key)


# --- the device's own token -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["ehttp", "https"])
def test_an_entra_device_registers_and_gets_policy_by_its_certificate_at_the_provider(site, entra, mode):
    site.cmg("policy", "add", "hello", "--content", "x")
    device = entra(mode)
    report = device.must("policy")
    assert report["method"] == "entra" and "hello" in device.policies()
    assert [p["method"] for p in report["passed_over"]] == ["pki", "token"]
    record = next(d for d in site.cmg("device", "list")["devices"] if d["guid"] == device.guid)
    assert record["method"] == "entra" and "Getting CCM access token succeeded" in device.log()
    site.cmg("policy", "remove", "hello")


def test_an_entra_device_may_get_its_token_from_a_command(new_device, home, tmp_path):
    device = by_command(new_device().at("ehttp"), tmp_path, home.device_token())
    assert device.must("policy")["method"] == "entra"
    # its access token lives on: the command is not asked for each run
    by_command(device, tmp_path, "", "exit 9")
    assert device.must("policy")["method"] == "entra"


def test_a_provider_that_refuses_or_is_away_is_told_and_nothing_else_is_tried(site, new_device, home, entra):
    device = entra()
    device.must("set", "EntraClientId=unknown")
    report = device.must_fail("register", "--token-file", site.report["token_file"])
    assert report["reason"] == "entra_invalid_client" and home.issuer in report["detail"] and report["remedy"]
    device.must("set", "EntraIssuer=https://localhost:1")
    report = device.must_fail("register")
    assert report["reason"] == "provider_unreachable" and "connection_refused" in report["detail"]
    assert device.name not in [d["name"] for d in site.cmg("device", "list")["devices"]]


def test_a_users_token_does_not_register_a_device(new_device, home, tmp_path):
    user = home.forge(upn="ada@example.com")
    device = by_command(new_device().at("ehttp"), tmp_path, user)
    report = device.must_fail("register")
    assert report["reason"] == "wrong_purpose" and report["code"].endswith("_Invalid_Token"), report


# --- the order --------------------------------------------------------------------------------------------------------

ORDER = [  # what the device holds, the management point's mode → the method
    ("pki entra token", "https", "pki"), ("entra token", "https", "entra"), ("token", "https", "token"),
    ("pki token", "https", "pki"), ("pki entra", "https", "pki"), ("pki entra token", "ehttp", "entra"),
    ("pki entra", "ehttp", "entra"), ("pki token", "ehttp", "token"), ("entra token", "ehttp", "entra"),
    ("token", "ehttp", "token"), ("expired entra token", "https", "entra"), ("expired token", "https", "token"),
    ("unusable token", "ehttp", "token"), ("expired unusable token", "https", "token"), ("pki unusable", "https", "pki"),
]


@pytest.mark.parametrize("holds,mode,method", ORDER)
def test_the_first_usable_method_is_used_and_each_other_one_has_a_reason(site, new_device, ca, home, holds,
                                                                         mode, method):
    device = new_device().at(mode)
    words = holds.split()
    if "pki" in words or "expired" in words:
        pair = ca.device(f"order-{time.monotonic_ns()}", days=(-30, -1) if "expired" in words else (-1, 365))
        device.with_certificate(pair.path, pair.key)
    if "entra" in words:
        joined(device, home)
    if "unusable" in words:
        device.must("set", "EntraCommand=/nowhere/entra")
    report = device.must("register", *(["--token-file", site.report["token_file"]] if "token" in words else []))
    assert report["method"] == method
    passed = {p["method"]: p["why"] for p in report["passed_over"]}
    assert set(passed) == {"pki", "entra", "token"} - {method} and all(passed.values())
    for name, why in passed.items():
        assert f"Method {name} passed over: {why}" in device.log()
    if "expired" in words:
        assert "expired" in passed["pki"]
    if "unusable" in words and method != "pki":
        assert "/nowhere/entra can't be executed" in passed["entra"]


def test_a_hybrid_joined_device_moves_from_pki_to_entra_with_the_management_points_mode(site, new_device, ca, home):
    device = joined(pki_device(new_device, ca, f"moves-{time.monotonic_ns()}"), home)
    holds(device, home.forge(upn="ada@example.com"))
    assert device.must("policy", "--scenario", "user")["method"] == "pki"
    report = device.at("ehttp").must("policy", "--scenario", "user")
    assert (report["method"], report["approval"]) == ("entra", "approved")
    assert device.at("https").must("policy", "--scenario", "user")["method"] == "pki"


def test_a_revoked_certificate_is_final_although_entra_and_token_are_there(site, new_device, ca, home):
    device = joined(new_device().with_certificate(ca.revoked.path, ca.revoked.key), home)
    report = device.must_fail("register", "--token-file", site.report["token_file"])
    assert (report["reason"], report["method"]) == ("revoked", "pki") and report["remedy"]
    assert device.name not in [d["name"] for d in site.cmg("device", "list")["devices"]]


def test_a_blocked_entra_device_is_told_so_and_gets_no_token_instead(site, entra):
    device = entra()
    device.must("policy")
    site.cmg("device", "block", device.guid)
    site.settle()
    report = device.must_fail("policy")
    assert report["reason"] == "blocked" and report["remedy"]
    (device.state / "identity.json").unlink()
    report = device.must_fail("register", "--token-file", site.report["token_file"])
    assert report["reason"] == "blocked"


def test_a_client_older_than_2002_works_with_entra_alone(site, entra, new_device):
    device = new_device().at("ehttp")
    device.must("set", "ClientVersion=1910")
    report = device.must_fail("register", "--token-file", site.report["token_file"])
    assert "2002" in report["detail"]
    device = entra()
    device.must("set", "ClientVersion=1910")
    assert device.must("policy")["method"] == "entra"


# --- sign-in ----------------------------------------------------------------------------------------------------------


def sign_in(device, provider, user="ada@example.com", accept=True):
    """The last line of `cmg-client sign-in --json`; the person at the browser is a few lines of Python."""
    process = subprocess.Popen([program("cmg-client"), "sign-in", "--dir", str(device.state), "--json"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    code = json.loads(process.stdout.readline())
    assert code["user_code"] and code["verification_uri"].startswith(provider.issuer)
    browser.sign_in(provider.ca.path, code["verification_uri_complete"], user, accept)
    rest, complaints = process.communicate(timeout=60)
    report = json.loads(rest)
    assert process.returncode == (0 if report["ok"] else 1), complaints
    return report


def signed_in(device, provider, user="ada@example.com"):
    assert sign_in(device, provider, user) == {"ok": True, "user": user}
    return device


def user_policies(device):
    stored = json.loads((device.state / "user-policy.json").read_text())
    return stored["user"], {policy["name"] for policy in stored["policies"]}


def test_a_user_signs_in_and_gets_the_users_policy_on_an_entra_device(site, entra, home, tmp_path):
    device, seen = entra(), tmp_path / "seen"
    handler = tmp_path / "handler"
    handler.write_text(f"#!/bin/sh\necho \"$1\" >> {seen}\n")
    handler.chmod(0o755)
    device.must("set", f"UserPolicyHandler={handler}")
    assert device.must_fail("policy", "--scenario", "user")["reason"] == "not_signed_in"
    signed_in(device, home)
    assert (device.state / "user.json").stat().st_mode & 0o777 == 0o600
    report = device.must("policy", "--scenario", "user")
    assert report["user"] == "ada@example.com" and report["scenario"] == "user"
    assert user_policies(device) == ("ada@example.com", {"of-ada", "of-users"})
    assert seen.read_text().splitlines() == [str(device.state / "user-policy.json")]
    assert device.must("status")["user"] == "ada@example.com"
    run = device.must("run", "--once")
    assert run["scenario"] == "device" and run["user_policy"]["ok"] and run["user_policy"]["user"] == "ada@example.com"
    device.must("sign-out")
    assert device.must_fail("policy", "--scenario", "user")["reason"] == "not_signed_in"
    assert not (device.state / "user.json").exists() and not (device.state / "user-policy.json").exists()
    assert "eyJ" not in device.log(), "a token in a log"


def test_a_user_who_declines_is_not_signed_in(entra, home):
    device = entra()
    report = sign_in(device, home, accept=False)
    assert report["reason"] == "entra_access_denied" and report["remedy"]
    assert not (device.state / "user.json").exists()


def test_an_expired_sign_in_is_refreshed_when_the_provider_offers_that(entra, home):
    device = signed_in(entra(), home)
    before = json.loads((device.state / "user.json").read_text())
    (device.state / "user.json").write_text(json.dumps({**before, "expires": 1}))
    device.must("policy", "--scenario", "user")
    after = json.loads((device.state / "user.json").read_text())
    assert after["token"] != before["token"] and after["expires"] > time.time()
    del after["refresh_token"]
    (device.state / "user.json").write_text(json.dumps({**after, "expires": 1, "site_expires": 1}))
    assert device.must_fail("policy", "--scenario", "user")["reason"] == "user_token_expired"
    gone = {**after, "expires": 1, "site_expires": 1, "refresh_token": "unknown"}
    (device.state / "user.json").write_text(json.dumps(gone))
    report = device.must_fail("policy", "--scenario", "user")
    assert report["reason"] == "user_token_expired" and "sign-in" in report["remedy"]


# --- user policy: whichever method the device itself uses -------------------------------------------------------------


def test_a_hybrid_joined_device_with_a_certificate_gets_user_policy(site, new_device, ca, home):
    device = joined(pki_device(new_device, ca, f"hybrid-{time.monotonic_ns()}"), home)
    holds(device, home.forge(upn="ada@example.com"))
    report = device.must("policy", "--scenario", "user")
    assert report["method"] == "pki" and user_policies(device)[1] == {"of-ada", "of-users"}
    audited = [(e["action"], e["object"]) for e in site.admin("GET", "/v1/audit")["events"]]
    assert ("device.entra-join", device.guid) in audited and ("user.sign-in", device.guid) in audited
    # proven once: from now on the device needs no Entra token of its own for that
    device.must("set", "EntraCertificate=", "EntraKey=", "EntraClientId=")
    holds(device, home.forge(upn="bob@example.com"))
    device.must("policy", "--scenario", "user")
    assert user_policies(device) == ("bob@example.com", {"of-users"})


def test_a_device_with_a_token_that_was_proven_to_be_joined_gets_user_policy(site, new_device, home):
    device = knows(new_device().at("ehttp").registered_by_token(), home)
    holds(device, home.forge(upn="ada@example.com"))
    assert device.must_fail("policy", "--scenario", "user")["reason"] == "device_not_joined"
    answer = exchange(site, device, home.forge(upn="ada@example.com"), home.device_token())
    assert answer.status == 200, answer
    assert device.must("policy", "--scenario", "user")["method"] == "token"
    assert user_policies(device)[1] == {"of-ada", "of-users"}


# --- user policy: each case that is refused ---------------------------------------------------------------------------


def exchange(site, device, subject, actor, mode="ehttp", bearer=None):
    """The exchange by hand: of a device with a token."""
    bearer = bearer or device.identity()["device_token"]
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": subject,
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "requested_token_type": USER_TYPE}
    if actor:
        form |= {"actor_token": actor, "actor_token_type": "urn:ietf:params:oauth:token-type:jwt"}
    body = urllib.parse.urlencode(form).encode()
    key = pki.serialization.load_pem_private_key(device.key.read_bytes(), None)
    fields = inside.signature(key, "POST", "/CCM_STS", body)
    headers = [*fields.items(), ("Authorization", f"Bearer {bearer}"),
               ("Content-Type", "application/x-www-form-urlencoded")]
    return gatewayclient.request(site, gatewayclient.HTTP1, "POST", f"/CCM_Proxy_ServerAuth/{site.role(mode)}/CCM_STS",
                                 headers, body, **device.client())


def refused(device, token, **more):
    report = holds(device, token, **more).must_fail("policy", "--scenario", "user")
    assert report["remedy"] and report["detail"], report
    assert not (device.state / "user-policy.json").exists()
    return report["reason"]


@pytest.mark.parametrize("kind", ["pki", "token"])
def test_a_device_that_is_not_joined_gets_no_user_policy(site, new_device, ca, home, kind):
    device = new_device().at("ehttp").registered_by_token() if kind == "token" else \
        pki_device(new_device, ca, f"not-joined-{time.monotonic_ns()}")
    assert refused(knows(device, home), home.forge(upn="ada@example.com")) == "device_not_joined"


def test_a_user_of_another_tenant_gets_no_user_policy(entra, providers):
    assert refused(entra(), providers["abroad"].forge(upn="ada@example.com")) == "other_tenant"


def test_a_tenant_that_is_not_onboarded_or_switched_off_is_refused(site, entra, providers, home):
    device = entra()
    device.must("register")
    stranger = home.forge(upn="ada@example.com", tid="00000000-0000-4000-8000-000000000000")
    assert refused(device, stranger) == "unknown_tenant"
    site.add("tenant", "disable", "abroad")
    assert refused(device, providers["abroad"].forge(upn="ada@example.com")) == "unknown_tenant"
    site.add("tenant", "enable", "abroad")


def test_an_expired_users_token_is_refused_with_its_own_remedy(entra, home):
    now = int(time.time())
    expired = home.forge(upn="ada@example.com", iat=now - 7200, nbf=now - 7200, exp=now - 3600)
    assert refused(entra(), expired) == "user_token_expired"


@pytest.mark.parametrize("claims,reason", [({"aud": "https://other.example"}, "wrong_audience"),
                                           ({"nbf": 4000000000, "exp": 4000003600}, "not_yet_valid")])


def test_a_users_token_that_is_not_for_this_site_or_not_yet_is_refused(entra, home, claims, reason):
    assert refused(entra(), home.forge(upn="ada@example.com", **claims)) == reason


def test_a_users_token_that_somebody_else_signed_is_refused(entra, home):
    key, _ = idp.signing_key("x")
    assert refused(entra(), home.forge(key=key, upn="ada@example.com")) == "bad_signature"


def test_a_devices_token_is_no_users(entra, home, mint):
    device = entra()
    device.must("policy")
    assert refused(device, home.device_token()) == "device_token_as_user"
    certificate = pki.x509.load_pem_x509_certificate(device.certificate.read_bytes())
    for kind in ("device", "access"):
        assert refused(device, mint.token(kind, certificate, sub=device.guid)) == "device_token_as_user"
    assert refused(device, mint.token("user", certificate, sub=device.guid, act={"sub": device.guid})) == \
        "device_token_as_user"


def test_a_users_token_proves_no_device(site, new_device, home):
    device = new_device().at("ehttp").registered_by_token()
    user = home.forge(upn="ada@example.com")
    answer = exchange(site, device, user, user)
    problem = json.loads(answer.body)
    assert (answer.status, problem["error"], problem["reason"]) == (400, "invalid_grant", "user_token_as_device")
    answer = exchange(site, device, user, home.forge(exp=int(time.time()) - 3600, iat=1, nbf=1))
    assert json.loads(answer.body)["reason"] == "expired"


def test_a_record_is_of_one_entra_device_for_good(site, new_device, home):
    device = new_device().at("ehttp").registered_by_token()
    user = home.forge(upn="ada@example.com")
    assert exchange(site, device, user, home.device_token()).status == 200
    other = home.forge(deviceid="11111111-2222-4333-8444-555555555555")
    assert json.loads(exchange(site, device, user, other).body)["reason"] == "other_device"


def test_a_stolen_device_token_makes_no_second_record_that_entra_device(site, new_device, home, entra):
    victim, thief = entra(), new_device().at("ehttp").registered_by_token()
    victim.must("policy")
    answer = exchange(site, thief, home.forge(upn="mallory@example.com"), home.device_token())
    assert (answer.status, json.loads(answer.body)["reason"]) == (400, "other_record"), answer
    assert site.cmg("device", "show", thief.guid)["device"]["entra_device"] == ""
    site.cmg("device", "block", thief.guid)
    site.settle()
    assert victim.must("policy")["method"] == "entra"


def test_who_waits_to_be_an_entra_device_shuts_out_nobody_when_blocked(site, new_device, entra):
    victim, thief = entra(), entra()
    victim.must("policy")
    assert thief.must("register")["approval"] == "pending"
    record = site.cmg("device", "show", thief.guid)["device"]
    assert f"same Entra device as {victim.name} ({victim.guid})" in record["reason"]
    site.cmg("device", "block", thief.guid)
    site.settle()
    victim.must("policy")
    victim.must("register")


def test_one_entra_device_does_not_fill_the_places_of_who_waits(site, home, tmp_path):
    """Its token is no key's: it registers as many as it likes."""
    box, token = inside.Inside(site, tmp_path), home.device_token()
    said = {"CMG-Auth-Method": "entra", "CMG-Client-Id": "entra:one", "Authorization": f"Bearer {token}"}
    answers = [box.register(pki.self_signed(tmp_path, f"key-{i}"), headers=said) for i in range(10)]
    assert [a.status for a in answers] == [200] + 8 * [202] + [429]
    assert answers[-1].problem()["reason"] == "too_many_wait"


def test_who_waits_to_be_an_entra_device_becomes_no_other_one_before_it_is_approved(site, home, tmp_path):
    """The administrator who approves it takes the Entra device from whoever had it."""
    box, mine, other = inside.Inside(site, tmp_path), str(uuid.uuid4()), str(uuid.uuid4())
    first, second, key = (pki.self_signed(tmp_path, f"key-{i}") for i in range(3))

    def registers(device, entra):
        answer = box.register(device, headers={"CMG-Auth-Method": "entra", "CMG-Client-Id": f"entra:{entra}",
                                               "Authorization": f"Bearer {home.forge(deviceid=entra)}"})
        return answer.status, json.loads(answer.body)["guid"]

    assert registers(first, mine)[0] == 200
    status, victim = registers(second, other)
    assert status == 200
    status, guid = registers(key, mine)
    assert (status, registers(key, other)) == (202, (202, guid))
    assert site.cmg("device", "show", guid)["device"]["entra_device"] == mine
    site.cmg("device", "approve", guid)
    assert site.cmg("device", "show", victim)["device"]["entra_device"] == other


def test_a_removed_entra_device_waits_whatever_key_it_brings_and_joins_nothing(site, new_device, home, entra):
    first = entra()
    first.must("policy")
    site.cmg("device", "remove", first.guid)
    again = entra()
    assert again.must("register")["approval"] == "pending"
    assert f"({first.guid}), which was removed" in site.cmg("device", "show", again.guid)["device"]["reason"]
    other = new_device().at("ehttp").registered_by_token()
    answer = exchange(site, other, home.forge(upn="ada@example.com"), home.device_token())
    assert json.loads(answer.body)["reason"] == "other_record"


def test_a_users_token_alone_opens_nothing(site, new_device, home):
    device = new_device().at("ehttp").registered_by_token()
    user = home.forge(upn="ada@example.com")
    answer = exchange(site, device, user, None, bearer=user)
    assert answer.status in (401, 403) and answer.problem()["reason"] in ("wrong_purpose", "not_bound"), answer


def test_the_site_user_token_lives_8_hours_is_bound_to_the_device_and_names_it_as_actor(site, new_device, home):
    device = new_device().at("ehttp").registered_by_token()
    body = json.loads(exchange(site, device, home.forge(upn="Ada@Example.com"), home.device_token()).body)
    claims = inside.payload(body["access_token"].encode())
    assert body["issued_token_type"] == USER_TYPE and body["user"] == claims["user"] == "ada@example.com"
    assert claims["exp"] - claims["iat"] == body["expires_in"] == 8 * 3600
    assert claims["act"] == {"sub": device.guid} and claims["sub"] == device.guid
    certificate = pki.x509.load_pem_x509_certificate(device.certificate.read_bytes())
    assert claims["cnf"] == {"x5t#S256": pki.thumbprint(certificate)}


def sign_ins(site, device):
    return [e for e in site.admin("GET", "/v1/audit")["events"] if (e["action"], e["object"]) == ("user.sign-in", device.guid)]


def test_a_device_that_asks_for_user_tokens_again_and_again_does_not_fill_the_audit(site, new_device, home):
    loud, other, asked = new_device().at("ehttp").registered_by_token(), new_device().at("ehttp").registered_by_token(), 80
    actor, user = home.device_token(), home.forge(upn="ada@example.com")
    for _ in range(asked):
        assert exchange(site, loud, user, actor).status == 200
    assert 0 < len(sign_ins(site, loud)) < asked
    site.cmg("device", "remove", loud.guid, "--forget")
    assert exchange(site, other, user, actor).status == 200
    assert len(sign_ins(site, other)) == 1


# --- on the intranet --------------------------------------------------------------------------------------------------


def directly(device, mode):
    device.must("set", f"MPUrls={device.site.report['mp_urls'][mode]}", f"MPCA={device.site.pki('ca')}")
    return device


@pytest.mark.parametrize("mode", ["ehttp", "https"])
def test_inside_an_entra_device_registers_and_gets_its_policy_from_the_management_point_itself(entra, mode):
    report = directly(entra(mode), mode).must("policy")
    assert (report["method"], report["network"], report["gateway"]) == ("entra", "intranet", None)


@pytest.mark.parametrize("kind", ["entra", "pki"])
def test_inside_a_user_gets_the_users_policy_from_the_management_point_itself(new_device, ca, home, entra, kind):
    device = entra() if kind == "entra" else joined(pki_device(new_device, ca, f"inside-{time.monotonic_ns()}"), home)
    directly(device, "ehttp" if kind == "entra" else "https")
    holds(device, home.forge(upn="ada@example.com"))
    report = device.must("policy", "--scenario", "user")
    assert (report["method"], report["network"]) == (kind, "intranet")
    assert user_policies(device) == ("ada@example.com", {"of-ada", "of-users"})


def test_inside_too_a_device_that_is_not_joined_gets_no_user_policy(new_device, home):
    device = directly(new_device().at("ehttp").registered_by_token(), "ehttp")
    assert refused(knows(device, home), home.forge(upn="ada@example.com")) == "device_not_joined"
