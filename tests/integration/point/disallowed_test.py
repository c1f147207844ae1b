# SPDX-License-Identifier: Apache-2.0
"""What other servers than management points answer obeys allow_cmg too: the gateway knows from the bundle whom client
settings do not let use it, by certificate, by the device's key and by its token."""
import pytest

from kit import gatewayclient, pki, refusal
from kit.gatewayclient import HTTP1, HTTP2
from kit.programs import until

CODE = "CMGService_Not_Allowed"
WITHIN_S = 5


class Sender:
    """A registered device, as it asks for a published endpoint."""

    def __init__(self, site, device, pair=None):
        self.site, self.device, self.shown = site, device, (pair or device).client()
        if pair:
            self.prefix, self.headers = "/CCM_Proxy_MutualAuth", []
        else:
            self.prefix = "/CCM_Proxy_ServerAuth"
            self.headers = [("Authorization", f"Bearer {device.identity()['access_token']}")]

    def target(self, endpoint):
        return f"{self.prefix}/{endpoint}/x"

    def status(self, endpoint, version=HTTP1):
        return gatewayclient.request(self.site, version, "GET", self.target(endpoint), self.headers,
                                     **self.shown).status

    def refused(self, endpoint, version=HTTP1):
        return refusal.assert_refused(self.site, version, 403, CODE, "cmg_disallowed", "GET", self.target(endpoint),
                                      headers=self.headers, **self.shown)[0]["detail"]


@pytest.fixture
def senders(site, new_device, ca, tmp_path):
    """One by its certificate, one by its token."""
    made = []

    def make(method):
        pair = ca.device(f"sender-{tmp_path.name}-{len(made)}") if method == "pki" else None
        if pair:
            device = new_device().at("https").with_certificate(pair.path, pair.key)
            device.must("register")
        else:
            device = new_device().at("ehttp").registered_by_token()
        device.must("policy")
        made.append(device)
        return Sender(site, device, pair)
    return make


@pytest.mark.parametrize("method", ["pki", "token"])
def test_a_disallowed_device_is_refused_at_published_endpoints(site, settings, senders, echo, upstream, method, version):  # noqa: F811
    sender, other = senders(method), senders(method)
    assert sender.status(echo, version) == other.status(echo, version) == 200
    settings.collection("mine", "--device", sender.device.guid)
    settings.set("no-cmg", "--collection", "mine", "--priority", "1", "allow_cmg=no")
    until("it is refused", lambda: sender.status(echo, version) == 403, WITHIN_S)
    upstream.seen.clear()
    assert "allow_cmg is no by custom settings 'no-cmg' (priority 1, collection mine)" == sender.refused(echo, version)
    assert upstream.seen == []
    assert other.status(echo, version) == 200
    site.cmg("collection", "remove-device", "mine", sender.device.guid)
    until("it is let in again", lambda: sender.status(echo, version) == 200, WITHIN_S)


def test_a_host_route_obeys_it_too(site, settings, senders, upstream):  # noqa: F811
    sender = senders("pki")
    site.publish("by-host", "--url", upstream.url, "--host", "tools.example", "--auth", "pki")
    settings.collection("mine", "--device", sender.device.guid)
    settings.set("no-cmg", "--collection", "mine", "--priority", "1", "allow_cmg=no")
    site.settle()
    for v in (HTTP1, HTTP2):
        refusal.assert_refused(site, v, 403, CODE, "cmg_disallowed", "GET", "/x", host="tools.example",
                               **sender.shown)
    site.add("endpoint", "remove", "by-host")


def test_a_device_that_comes_into_a_collection_by_rule_is_refused_from_then_on(site, settings, new_device, echo, tmp_path):  # noqa: F811
    settings.collection("by-rule", "--rule", "name=late-*")
    settings.set("no-late", "--collection", "by-rule", "--priority", "2", "allow_cmg=no")
    site.settle()
    token = tmp_path / "token"
    token.write_text(site.cmg("token", "new", "--name", "late-*")["token"])  # which stands for the name
    device = new_device(name="late-1").at("ehttp").registered_by_token(token)
    device.must_fail("policy")  # it has its access token by then
    sender = Sender(site, device)
    until("it is refused", lambda: sender.status(echo) == 403, WITHIN_S)
    assert "no-late" in sender.refused(echo)


def test_when_the_default_forbids_it_only_those_are_let_in_that_custom_settings_allow_it(site, settings, senders, echo, ca):  # noqa: F811
    sender, other, third = senders("token"), senders("pki"), senders("pki")
    settings.collection("mine", "--device", sender.device.guid, "--device", other.device.guid)
    settings.collection("never", "--device", third.device.guid)
    settings.set("yes", "--collection", "mine", "--priority", "3", "allow_cmg=yes")
    settings.set("never", "--collection", "never", "--priority", "4", "allow_cmg=no")
    settings.set("default", "allow_cmg=no")
    site.settle()
    assert sender.status(echo) == other.status(echo) == 200
    assert "'never'" in third.refused(echo)
    stranger = ca.device("no-record")  # the PKI knows it, the site does not: the default settings are its
    problem, _ = refusal.assert_refused(site, HTTP1, 403, CODE, "cmg_disallowed", "GET",
                                        f"/CCM_Proxy_MutualAuth/{echo}/x", **stranger.client())
    assert problem["detail"] == "allow_cmg is no by default settings"
    settings.remove("default")
    site.settle()
    assert gatewayclient.request(site, HTTP1, "GET", f"/CCM_Proxy_MutualAuth/{echo}/x", **stranger.client()).status == 200


def test_what_a_disallowed_device_needs_to_learn_of_a_change_stays_open(site, settings, senders, echo):  # noqa: F811
    sender = senders("token")
    settings.collection("mine", "--device", sender.device.guid)
    settings.set("no-cmg", "--collection", "mine", "--priority", "1", "allow_cmg=no")
    site.settle()
    assert sender.status(echo) == 403
    assert sender.device.must_fail("policy")["reason"] == "cmg_disallowed"
    settings.remove("no-cmg")
    sender.device.must("policy")
    until("it is let in again", lambda: sender.status(echo) == 200, WITHIN_S)


def test_bundles_name_nobody_while_nothing_forbids_the_gateway(site, settings, senders, echo):  # noqa: F811
    sender = senders("token")
    settings.collection("mine", "--device", sender.device.guid)
    settings.set("asking-often", "--collection", "mine", "--priority", "1", "policy_interval=30m")
    assert site.cmg("bundle", "show")["content"]["disallowed"] == []
    settings.set("no-cmg", "--collection", "mine", "--priority", "2", "allow_cmg=no")
    [group] = site.cmg("bundle", "show")["content"]["disallowed"]
    assert group["guids"] == [sender.device.guid] and group["but"] is False
    certificate = pki.x509.load_pem_x509_certificate(sender.device.certificate.read_bytes())
    assert pki.sha256_of(certificate).hex() in group["certificates"]
