# SPDX-License-Identifier: Apache-2.0
"""What must never reach the inside, and who is nobody there: proven by the management point's access log."""
import base64
import re
import subprocess
import uuid

import pytest

from kit import gatewayclient, pki
from kit.gatewayclient import HTTP1

IDENTITY = ["Client-Cert", "Client-Cert-Chain", "CMG-Client-Id", "CMG-Auth-Method", "CMG-Request-Id", "X-Client-Verify",
            "X-Client-DN", "X-Client-Cert", "X-Ssl-Client-Cn", "X-Ssl-Issuer-Hash-1", "X-Forwarded-For", "Forwarded",
            "X-ARR-ClientCert", "Traceparent", "client_cert", "CMG_CLIENT_ID", "X_Client_Verify", "SSL-Client-Cert"]


def spoofed():
    return [(name, "spoofed-value") for name in IDENTITY]


def client_cert(certificate):
    der = certificate.public_bytes(pki.serialization.Encoding.DER)
    return f":{base64.b64encode(der).decode()}:"


def assert_not_inside(site, before):
    new = site.access_log()[len(before):]
    assert not [line for line in new if "/.cmg/" not in line], new


@pytest.mark.parametrize("path", ["MutualAuth", "ServerAuth"])
def test_spoofed_identity_without_authentication_reaches_no_management_point(site, version, ca, path):
    before = site.access_log()
    headers = [("Client-Cert", client_cert(ca.good.certificate)), ("CMG-Client-Id", pki.sha256_of(
        ca.good.certificate).hex()), ("CMG-Auth-Method", "pki")]
    for mode in ("https", "ehttp"):
        answer = gatewayclient.request(site, version, "GET",
                                       f"/CCM_Proxy_{path}/{site.role(mode)}/SMS_MP/.sms_pol?MACHINE", headers)
        assert answer.status == 401
    assert_not_inside(site, before)


def test_unpublished_paths_reach_no_management_point(site, version, ca):
    before = site.access_log()
    for path in ("/.cmg/bundle", "/.cmg/connector", "/.cmg/report", "/.cmg/join", "/v1/status", "/", "/SMS_MP/../.cmg/bundle",
                 "/SMS_MP/%2e%2e/.cmg/bundle", "/secret"):
        for mode in ("https", "ehttp"):
            answer = gatewayclient.request(site, version, "GET", f"/CCM_Proxy_MutualAuth/{site.role(mode)}{path}",
                                           **ca.good.client())
            assert answer.status in (400, 404), (path, answer)
    assert_not_inside(site, before)


@pytest.mark.parametrize("target", ["/CCM_Proxy_MutualAuth/site/bundle", "/CCM_Proxy_MutualAuth/site/report",
                                    "/CCM_Proxy_ServerAuth/site/bundle?after=0", "/bundle?after=0"])
def test_the_sites_own_service_is_not_for_clients(site, version, ca, target):
    before = site.access_log()
    assert gatewayclient.request(site, version, "GET", target, host="site", **ca.good.client()).status == 404
    assert gatewayclient.request(site, version, "GET", target, **ca.good.client()).status == 404
    assert_not_inside(site, before)


def test_unauthenticated_requests_reach_no_management_point(site, version):
    before = site.access_log()
    for mode in ("https", "ehttp"):
        for method, path in (("POST", "/CCM_Client/registration"), ("POST", "/CCM_STS"), ("GET", "/SMS_MP/.sms_aut")):
            for prefix in ("MutualAuth", "ServerAuth"):
                answer = gatewayclient.request(site, version, method,
                                               f"/CCM_Proxy_{prefix}/{site.role(mode)}{path}", body=b"{}"
                                               if method == "POST" else None)
                assert answer.status == 401, answer
    assert_not_inside(site, before)


def test_no_spoofed_identity_goes_inside_with_a_good_certificate(site, version, ca, echo, upstream):
    upstream.seen.clear()
    answer = gatewayclient.request(site, version, "GET", f"/CCM_Proxy_MutualAuth/{echo}/x", spoofed(),
                                   **ca.good.client())
    assert answer.status == 200
    headers = upstream.seen[0]["headers"]
    assert "spoofed-value" not in [value for _, value in headers], headers
    names = [name.replace("_", "-") for name, _ in headers]
    assert len(names) == len(set(names)), headers
    said = dict(headers)
    assert said["cmg-auth-method"] == "pki"
    assert said["cmg-client-id"] == pki.sha256_of(ca.good.certificate).hex()
    assert said["client-cert"] == client_cert(ca.good.certificate)
    assert str(uuid.UUID(said["cmg-request-id"])) == said["cmg-request-id"]
    assert said["forwarded"].startswith("for=127.0.0.1")
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", said["traceparent"])


def test_a_token_says_who_it_is_and_shows_no_certificate(site, version, mint, self_signed, echo, upstream):
    upstream.seen.clear()
    guid = str(uuid.uuid4())
    token = mint.token("access", self_signed.certificate, sub=guid)
    answer = gatewayclient.request(site, version, "GET", f"/CCM_Proxy_ServerAuth/{echo}/x",
                                   spoofed() + [("Authorization", f"Bearer {token}")], **self_signed.client())
    assert answer.status == 200
    said = dict(upstream.seen[0]["headers"])
    assert (said["cmg-auth-method"], said["cmg-client-id"]) == ("token", guid)
    assert "client-cert" not in said and "authorization" not in said
    assert "spoofed-value" not in said.values() and token not in str(upstream.seen)


def test_hop_by_hop_fields_stay_where_they_are(site, ca, echo, upstream):
    upstream.seen.clear()
    headers = [("Connection", "close, X-Private"), ("X-Private", "1"), ("Keep-Alive", "timeout=5"), ("TE", "trailers"),
               ("Upgrade", "websocket"), ("X-Public", "2")]
    answer = gatewayclient.request(site, HTTP1, "GET", f"/CCM_Proxy_MutualAuth/{echo}/x", headers, **ca.good.client())
    assert answer.status == 200
    said = dict(upstream.seen[0]["headers"])
    assert said["x-public"] == "2" and not {"x-private", "keep-alive", "upgrade"} & set(said)


# --- inside -----------------------------------------------------------------------------------------------------------


def direct(site, mode, target, headers=(), shown=None, method="GET", body=None):
    """A request straight to the management point, as a host of the LAN would send it."""
    port = int(site.report["mp_urls"][mode].rsplit(":", 1)[1])
    ctx = gatewayclient.context(site.report["ca"], **(shown or {}))
    ctx.check_hostname = False
    ctx.verify_mode = gatewayclient.ssl.CERT_NONE
    with gatewayclient.H1(port, ctx) as connection:
        return connection.request(method, target, headers, body)


@pytest.mark.parametrize("mode", ["https", "ehttp"])
def test_a_host_of_the_lan_that_asserts_an_identity_is_nobody(site, new_device, ca, mode):
    certificate = ca.device(f"lan-{mode}")
    device = new_device().with_certificate(certificate.path, certificate.key).at("https")
    device.must("run", "--once")
    headers = [("CMG-Auth-Method", "pki"), ("CMG-Client-Id", pki.sha256_of(certificate.certificate).hex()),
               ("Client-Cert", client_cert(certificate.certificate))]
    answer = direct(site, mode, "/SMS_MP/.sms_pol?MACHINE", headers)
    assert answer.status in (401, 403), answer
    line = [entry for entry in site.access_log() if "/SMS_MP/.sms_pol" in entry][-1]
    assert "auth=none" in line and "connector= " in line, line


@pytest.mark.parametrize("mode", ["https", "ehttp"])
def test_a_host_of_the_lan_with_a_token_of_another_is_nobody(site, new_device, mode):
    device = new_device().at(mode).registered_by_token()
    device.must("policy")
    headers = [("CMG-Auth-Method", "token"), ("CMG-Client-Id", device.guid),
               ("Authorization", f"Bearer {device.identity()['access_token']}")]
    answer = direct(site, mode, "/SMS_MP/.sms_pol?MACHINE", headers)
    assert answer.status == 401, answer
    assert answer.problem()["reason"] in ("not_bound", "signature", "no_signature", "unsigned"), answer.body


@pytest.mark.parametrize("mode", ["https", "ehttp"])
def test_the_sites_service_is_for_connectors_alone(site, ca, mode):
    for shown in (None, ca.good.client(), {"certificate": site.pki("certificate"), "key": site.pki("key")}):
        for method, target in (("GET", "/.cmg/bundle?after=0"), ("GET", "/.cmg/connector"), ("POST", "/.cmg/report"),
                               ("POST", "/.cmg/join"), ("POST", "/.cmg/join/gw1")):
            answer = direct(site, mode, target, shown=shown, method=method, body=b"{}" if method == "POST" else None)
            assert answer.status == 403, (target, answer)


def test_the_connector_listens_to_nothing(site):
    listening = subprocess.run(["ss", "-lntupH"], capture_output=True, text=True, check=True).stdout
    assert f"pid={site.pid('cmg-gateway')}," in listening, listening  # else this test would see nothing at all
    assert f"pid={site.pid('cmg-connector')}," not in listening
    unix = subprocess.run(["ss", "-lxpH"], capture_output=True, text=True, check=True).stdout
    assert f"pid={site.pid('cmg-connector')}," not in unix


def test_the_gateway_listens_to_its_two_ports_alone(site):
    listening = subprocess.run(["ss", "-lntpH"], capture_output=True, text=True, check=True).stdout
    ports = {line.split()[3].rsplit(":", 1)[1] for line in listening.splitlines()
             if f"pid={site.pid('cmg-gateway')}," in line}
    assert ports == {str(site.port), site.report["gateway_admin"].rsplit(":", 1)[1]}


def test_the_admin_page_is_not_on_the_clients_port(site, version, ca):
    for path in ("/metrics", "/healthz", "/readyz"):
        assert gatewayclient.request(site, version, "GET", path, **ca.good.client()).status == 404
    assert [site.admin_page(p)[0] for p in ("/metrics", "/healthz", "/readyz")] == [200] * 3


def test_a_pki_certificate_opens_no_tunnel(site, ca):
    ctx = gatewayclient.context(site.report["ca"], **ca.good.client(), alpn="rh2")
    ctx.check_hostname = False
    ctx.verify_mode = gatewayclient.ssl.CERT_NONE
    with pytest.raises((OSError, AssertionError)):
        with gatewayclient.connect(site.port, ctx) as tls:
            tls.settimeout(5)
            assert tls.recv(1) != b""
