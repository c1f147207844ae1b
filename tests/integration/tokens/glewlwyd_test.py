# SPDX-License-Identifier: Apache-2.0
"""Devices that Debian's glewlwyd vouches for: a provider with claims, an issuer and habits of its own."""
import pytest

from kit import gatewayclient, refusal
from kit.glewlwyd import Glewlwyd
from kit.idp import let_through
from kit.programs import until

REGISTRATION, STS = "/CCM_Client/registration", "/CCM_STS"


@pytest.fixture(scope="module")
def provider(folder):
    it = Glewlwyd(folder / "glewlwyd", devices=("laptop-1", "laptop-2"))
    yield it
    it.stop()


@pytest.fixture(scope="module")
def tenant(site, provider):
    """Whoever has a client of its is a device; a token that names an address is its owner's."""
    site.cmg("tenant", "add", "acme", "--issuer", provider.issuer, "--audience", provider.resource, "--audience", "api",
             "--jwks", provider.jwks_file(), "--device-claim", "client_id", "--user-claims", "email")
    until("the gateway knows it", lambda: let_through(site, gatewayclient.HTTP1, provider.device_token()), 10)
    yield provider
    site.cmg("tenant", "remove", "acme")


def target(site, path):
    return f"/CCM_Proxy_ServerAuth/{site.role('ehttp')}{path}"


def refused(site, version, reason, token, path=STS):
    refusal.assert_refused(site, version, 401, "CMGService_Invalid_Token", reason, "POST", target(site, path),
                           headers=[("Authorization", f"Bearer {token}")])


@pytest.mark.parametrize("name,mode", [("laptop-1", "ehttp"), ("laptop-2", "https")])
def test_its_device_registers_and_gets_policy_with_nothing_but_its_token(site, tenant, new_device, name, mode):
    device = new_device().at(mode).joined_to(tenant, name)
    assert device.must("register")["approval"] == "approved"
    assert device.must("policy")["method"] == "entra"
    assert device.policies()
    record = site.cmg("device", "show", device.guid)["device"]
    assert (record["method"], record["entra_tenant"], record["entra_device"]) == ("entra", "acme", name)


def test_its_users_tokens_are_told_from_its_devices(site, version, tenant):
    assert let_through(site, version, tenant.device_token(), REGISTRATION)
    token = tenant.user_token()
    assert let_through(site, version, token)
    refused(site, version, "wrong_purpose", token, REGISTRATION)


def test_its_token_for_something_else_is_refused(site, version, tenant):
    """It makes a user's token out to the scope, whatever resource was asked for."""
    def onboard(*audiences):
        site.cmg("tenant", "add", "acme", "--issuer", tenant.issuer, *audiences, "--jwks", tenant.jwks_file(),
                 "--device-claim", "client_id", "--user-claims", "email")
    token = tenant.user_token()
    onboard("--audience", tenant.resource)
    try:
        until("the audience is gone", lambda: not let_through(site, version, token), 10)
        refused(site, version, "wrong_audience", token)
        assert let_through(site, version, tenant.device_token())
    finally:
        onboard("--audience", tenant.resource, "--audience", "api")
        until("the audience is back", lambda: let_through(site, version, token), 10)
