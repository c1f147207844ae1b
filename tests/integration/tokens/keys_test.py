# SPDX-License-Identifier: Apache-2.0
"""Other signing keys in the middle of traffic: nothing that worked fails, and what the old key signed counts until it is
retired."""
import base64
import json
import threading
import time

import pytest

from kit import gatewayclient, pki
from kit.device import Device
from kit.gatewayclient import HTTP1, HTTP2
from kit.inside import DEVICE, Inside
from kit.programs import until


class Traffic:
    """A device that asks all the time, with its old tokens and with new ones; every failure is kept."""

    def __init__(self, site, folder, name):
        self.site, self.device = site, Device(site, folder, name).at("ehttp").registered_by_token()
        self.device.must("policy")
        self.failures, self.count, self.ending = [], 0, threading.Event()
        self.threads = [threading.Thread(target=loop) for loop in (self.ask, self.ask_anew)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join()

    def note(self, good, what):
        self.count += 1
        if not good:
            self.failures.append(what)

    def ask(self):
        """The same access token, over both protocols."""
        token, version = self.device.identity()["access_token"], HTTP1
        while not self.ending.is_set():
            answer = gatewayclient.request(self.site, version, "GET", "/CCM_Proxy_ServerAuth/ServiceMetadata",
                                           [("Authorization", f"Bearer {token}")], **self.device.client())
            self.note(answer.status == 200, answer)
            version = HTTP2 if version == HTTP1 else HTTP1

    def ask_anew(self):
        """What cmg-client does, new access tokens included."""
        while not self.ending.is_set():
            code, report = self.device.run("policy")
            self.note(code == 0, report)


def token_kids(site):
    return [key["kid"] for key in site.cmg("bundle", "show")["content"]["token_keys"]["keys"]]


def keys(site, command, *arguments, check=True):
    return site.cmg("keys", command, "--dir", site.folder, *arguments, check=check)


def test_a_new_token_key_in_the_middle_of_traffic_fails_no_request(own_site, tmp_path):
    first = token_kids(own_site)
    device = Device(own_site, tmp_path, "patient").at("ehttp").registered_by_token(new_token(own_site, tmp_path))
    with Traffic(own_site, tmp_path, "busy") as traffic:
        keys(own_site, "new")
        assert token_kids(own_site)[0] == first[0] and len(token_kids(own_site)) == 2
        own_site.settle()
        keys(own_site, "activate", "--force")
        assert token_kids(own_site)[1] == first[0], "the old one still counts"
        late = Device(own_site, tmp_path, "late").at("ehttp").registered_by_token(new_token(own_site, tmp_path))
        late.must("policy")
        device.must("policy")  # its device token is of the old key
        seen = traffic.count
        until("there was traffic meanwhile", lambda: traffic.count > seen + 20, 20)
    assert not traffic.failures, traffic.failures[:3]
    keys(own_site, "retire", "--force")
    assert len(token_kids(own_site)) == 1 and token_kids(own_site) != first
    until("the old key's tokens count no more", lambda: device.run("policy")[0] != 0 or expire(device), 10)
    late.must("policy")


def kid_of(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"]


def test_a_device_token_of_the_old_key_is_renewed_to_one_of_the_new_until_the_old_is_retired(own_site, tmp_path):
    inside, device = Inside(own_site, tmp_path), pki.self_signed(tmp_path, "renews")
    bulk = own_site.cmg("token", "new")["token"].split(".", 2)[2]
    old = json.loads(inside.register(device, bulk).body)["device_token"]
    keys(own_site, "new")
    keys(own_site, "activate", "--force")
    answer = inside.sts(device, old, DEVICE)
    assert answer.status == 200, answer
    renewed = json.loads(answer.body)["access_token"]
    assert kid_of(old) != kid_of(renewed)
    keys(own_site, "retire", "--force")
    refused = inside.sts(device, old, DEVICE)
    assert refused.status == 401 and refused.problem()["reason"] == "unknown_key" and refused.problem()["remedy"], refused
    assert inside.sts(device, renewed).status == 200


def expire(device):
    """Its access token may be of the new key already: let it ask for another one by its device token of the old key."""
    code, report = device.run("policy")
    return code != 0 or gatewayclient.request(device.site, HTTP2, "POST",
                                              f"/CCM_Proxy_ServerAuth/{device.site.role('ehttp')}/CCM_STS",
                                              [("Authorization", "Bearer " + device.identity()["device_token"])],
                                              **device.client()).status == 401


def new_token(site, folder):
    path = folder / f"bulk-{time.monotonic_ns()}"
    path.write_text(site.cmg("token", "new")["token"])
    return path


@pytest.mark.parametrize("use", ["bundle", "policy"])
def test_documents_of_a_new_key_are_taken_at_once(own_site, tmp_path, use):
    with Traffic(own_site, tmp_path, "busy") as traffic:
        keys(own_site, "new", "--use", use)
        keys(own_site, "activate", "--use", use)
        own_site.cmg("policy", "add", "later", own_site.folder / "mp.yaml")
        until("the policy of the new key is there", lambda: "later" in traffic.device.policies(), 20)
        own_site.cmg("endpoint", "add", "fresh", "--url", "http://localhost:9")
        until("the bundle of the new key is in use", lambda: gatewayclient.request(
            own_site, HTTP2, "GET", "/CCM_Proxy_MutualAuth/fresh/x", certificate=own_site.pki("certificate"),
            key=own_site.pki("key")).status == 502, 10)
    assert not traffic.failures, traffic.failures[:3]


def test_haste_is_refused_with_words(own_site):
    for command, words in (("activate", "no next"), ("retire", "no old")):
        code, report = keys(own_site, command, check=False)
        assert code == 1 and words in str(report), report
    keys(own_site, "new")
    code, report = keys(own_site, "new", check=False)
    assert code == 1 and "two token keys already" in str(report)
    code, report = keys(own_site, "activate", check=False)
    assert code == 1 and "wait for an hour" in str(report)
    keys(own_site, "activate", "--force")
    code, report = keys(own_site, "retire", check=False)
    assert code == 1 and "may still be renewed" in str(report)
    assert {(k["use"], k["state"]) for k in keys(own_site, "list")["keys"]} == {
        ("bundle", "signs"), ("policy", "signs"), ("token", "signs"), ("token", "old")}
    assert any(c["what"] == "signing key for tokens, old" for c in own_site.cmg("status")["certificates"])


def test_keys_that_are_not_of_this_root_change_nothing(own_site, tmp_path):
    before = token_kids(own_site)
    alien = own_site.ca(tmp_path).device("alien")
    (own_site.folder / "keys" / "sign-token.next.pem").write_bytes(alien.path.read_bytes())
    code, report = keys(own_site, "activate", "--force", check=False)
    assert code == 1 and "not issued by this site's root" in str(report), report
    assert token_kids(own_site) == before
    (own_site.folder / "keys" / "sign-token.next.pem").unlink()
    own_site.kill("cmg-mp")
    own_site.run("cmg-mp")
    until("it starts with the keys that it had", lambda: own_site.cmg("status", check=False)[0] == 0, 10)
    assert token_kids(own_site) == before
