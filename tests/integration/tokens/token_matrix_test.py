# SPDX-License-Identifier: Apache-2.0
"""Every kind of token at every place, shown with the key that it is bound to: what a stolen device opens, and no more."""
import pytest

from kit import gatewayclient
from tokens.entra_test import provider, tenant  # noqa: F401
from tokens.foreign_test import foreign  # noqa: F401

HOST = "matrix.example"
ROLE, SERVER, MUTUAL = "{role}", "/CCM_Proxy_ServerAuth/", "/CCM_Proxy_MutualAuth/"

# place → method and path; by host where the path is not one of ours
PLACES = {
    "registration": ("POST", SERVER + ROLE + "/CCM_Client/registration"),
    "token service": ("POST", SERVER + ROLE + "/CCM_STS"),
    "location": ("GET", SERVER + ROLE + "/SMS_MP/.sms_aut?MPLIST"),
    "policy": ("GET", SERVER + ROLE + "/SMS_MP/.sms_pol?MACHINE"),
    "user policy": ("GET", SERVER + ROLE + "/CCM_User/policy"),
    "metadata": ("GET", SERVER + "ServiceMetadata"),
    "published for pki": ("GET", SERVER + "for-pki/x"),
    "published for token": ("GET", SERVER + "for-token/x"),
    "published for entra": ("GET", SERVER + "for-entra/x"),
    "published for foreign": ("GET", SERVER + "cm/x"),
    "published by host": ("GET", "/x"),
    "certificate path": ("GET", MUTUAL + ROLE + "/SMS_MP/.sms_aut?MPLIST"),
    "certificate metadata": ("GET", MUTUAL + "ServiceMetadata"),
    "admin": ("GET", SERVER + ROLE + "/v1/devices"),
    "admin by host": ("GET", "/v1/devices"),
    "the site's own": ("GET", SERVER + "site/.cmg/bundle"),
}
TOKEN_PLACES = {"published for token", "published by host", "published for foreign", "admin by host"}
OPENS = {  # "admin by host" is a path of the published server there like any other
    "bulk": {"registration", "metadata"},
    "device": {"token service", "metadata"},
    "access": {"location", "policy", "metadata"} | TOKEN_PLACES,
    "user": {"user policy"},
    "entra device": {"registration", "token service", "metadata"},
    "entra user": {"token service"},
    "foreign": {"metadata", "published for foreign"},
}


@pytest.fixture(scope="module")
def token_of(request, mint, self_signed):
    """Of the site by its key; of the others by themselves, so that the rest is walked where one of them is not to be had."""
    def make(kind):
        if kind.startswith("entra"):
            tenant = request.getfixturevalue("tenant")  # noqa: F811
            return tenant.forge(upn="ann@contoso.example") if kind == "entra user" else tenant.device_token()
        if kind == "foreign":
            return request.getfixturevalue("foreign").token()  # noqa: F811
        return mint.token(kind, self_signed.certificate)
    return make


@pytest.fixture(scope="module")
def published(site, upstream, foreign):  # noqa: F811
    for name in ("pki", "token", "entra"):
        site.publish(f"for-{name}", "--url", upstream.url, "--auth", {"pki": "pki"}.get(name, f"pki,{name}"))
    site.publish("by-host", "--url", upstream.url, "--host", HOST, "--auth", "pki,token")
    yield upstream
    for name in ("for-pki", "for-token", "for-entra", "by-host"):
        site.cmg("endpoint", "remove", name)


@pytest.mark.parametrize("kind", OPENS)
def test_it_opens_what_it_is_for_and_nothing_else(site, version, token_of, published, self_signed, kind):
    found, token = set(), token_of(kind)
    for place, (method, path) in PLACES.items():
        by_host = not path.startswith("/CCM_Proxy")
        field = "CMG-Authorization" if by_host else "Authorization"
        answer = gatewayclient.request(site, version, method, path.format(role=site.role("ehttp")),
                                       [(field, f"Bearer {token}")], **({"host": HOST} if by_host else {}),
                                       **self_signed.client())
        if not answer.headers.get("cmg-status-text", "").startswith("CMGService_"):
            found.add(place)  # what stands behind the gateway may refuse for reasons of its own
        else:
            assert answer.status in (401, 403, 404) and answer.problem()["reason"], (place, answer)
    assert found == OPENS[kind]


def test_a_devices_own_key_opens_no_tunnel(site, self_signed):
    ctx = gatewayclient.context(site.report["ca"], **self_signed.client(), alpn="rh2")
    ctx.check_hostname, ctx.verify_mode = False, gatewayclient.ssl.CERT_NONE
    before = site.metric("cmg_tunnels")
    with pytest.raises(OSError, match="alert"):
        with gatewayclient.connect(site.port, ctx) as tls:
            tls.settimeout(5)
            tls.recv(1)
    assert site.metric("cmg_tunnels") == before
