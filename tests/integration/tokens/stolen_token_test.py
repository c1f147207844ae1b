# SPDX-License-Identifier: Apache-2.0
"""What a thief can do who has a device's token and not its key: every kind of token at every place where one is shown."""
import itertools
import json

import pytest

from kit import gatewayclient, pki
from kit.device import Device
from kit.inside import Inside

# place → method, path, and the field that carries the token
PLACES = {"registration": ("POST", "{role}/CCM_Client/registration"), "token service": ("POST", "{role}/CCM_STS"),
          "location": ("GET", "{role}/SMS_MP/.sms_aut?MPLIST"), "policy": ("GET", "{role}/SMS_MP/.sms_pol?MACHINE"),
          "user policy": ("GET", "{role}/CCM_User/policy"), "metadata": ("GET", "ServiceMetadata"),
          "published by path": ("GET", "echo/anything"), "published by host": ("GET", None)}
KINDS = ["bulk", "device", "access", "user"]
# A bulk token is a bearer: it lets whoever holds it register a device of their own, as often as it says (PROTOCOL 4).
OPEN = {("bulk", "registration"), ("bulk", "metadata")}
HOST = "stolen.example"


@pytest.fixture(scope="module")
def by_host(site, upstream):
    site.publish("stolen", "--url", upstream.url, "--host", HOST, "--auth", "pki,token")
    yield HOST
    site.cmg("endpoint", "remove", "stolen")


@pytest.fixture(scope="module")
def tokens(site, mint, tmp_path_factory):
    """Of a real device; the user's, who would have to sign in, as the site would make it."""
    device = Device(site, tmp_path_factory.mktemp("victim")).at("ehttp").registered_by_token()
    device.must("policy")
    own = device.identity()
    certificate = pki.x509.load_pem_x509_certificate((device.state / "certificate.pem").read_bytes())
    yield {"bulk": open(site.report["token_file"], encoding="ascii").read().strip().split(".", 2)[2],
           "device": own["device_token"], "access": own["access_token"],
           "user": mint.token("user", certificate, sub=device.guid, act={"sub": device.guid})}
    site.cmg("device", "remove", device.guid)


@pytest.fixture(scope="module")
def thief(tmp_path_factory):
    return pki.self_signed(tmp_path_factory.mktemp("thief"), "thief")


def ask(site, version, token, place, shown):
    method, path = PLACES[place]
    client = shown.client() if shown else {}
    if path is None:
        return gatewayclient.request(site, version, method, "/anything", [("CMG-Authorization", f"Bearer {token}")],
                                     host=HOST, **client)
    path = "/CCM_Proxy_ServerAuth/" + path.format(role=site.role("ehttp"))
    return gatewayclient.request(site, version, method, path, [("Authorization", f"Bearer {token}")], **client)


@pytest.mark.parametrize("kind,place", [pair for pair in itertools.product(KINDS, PLACES) if pair not in OPEN])
def test_it_opens_nothing_at_the_gateway(site, version, tokens, thief, echo, by_host, kind, place):
    for shown in (None, thief):
        answer = ask(site, version, tokens[kind], place, shown)
        assert answer.status == 401, answer
        assert answer.problem()["reason"] in ("not_bound", "wrong_purpose"), answer


@pytest.mark.parametrize("kind", KINDS)
def test_it_opens_nothing_at_the_management_point_itself(site, tokens, thief, tmp_path, kind):
    inside = Inside(site, tmp_path)
    for show in (None, "thief"):
        show = show and (thief.path, thief.key)
        answers = [inside.policy(thief, tokens[kind], show=show), inside.sts(thief, tokens[kind], show=show),
                   inside.policy(thief, tokens[kind], "/SMS_MP/.sms_aut?MPLIST", show=show)]
        if kind != "bulk":
            answers.append(inside.register(thief, tokens[kind], show=show))
        for answer in answers[:2] + answers[3:]:
            assert answer.status in (400, 401, 403), answer
        assert tokens[kind].encode() not in answers[2].body  # location is signed and no secret


def test_a_bulk_token_lets_the_thief_in_as_nobody_else(site, tokens, thief, tmp_path):
    inside = Inside(site, tmp_path)
    answer = json.loads(inside.register(thief, tokens["bulk"]).body)
    victims = {device["guid"] for device in site.cmg("device", "list")["devices"]} - {answer["guid"]}
    assert answer["guid"] not in victims and victims
    site.cmg("device", "remove", answer["guid"])
