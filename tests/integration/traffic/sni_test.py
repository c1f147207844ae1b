# SPDX-License-Identifier: Apache-2.0
"""Several server certificates: a connection is shown that of the name it asks for, and is good for that one's hosts."""
import pytest

from kit import gatewayclient, pki, refusal
from kit.gatewayclient import HTTP1, HTTP2, serial_shown

# Host route → the certificate that it is shown; "localhost" is the gateway's own name, and the first certificate's.
CERTIFICATES = {"a.example": "first", "b.example": "second", "deep.c.example": "second"}
CODE = "CMGService_Misdirected"


@pytest.fixture
def hosts(own_site, server_ca, upstream):  # noqa: F811
    """Publishes them, then gives the gateway a certificate for a.example, and one for b.example and *.c.example."""
    for host in CERTIFICATES:
        own_site.publish(host.split(".")[0], "--url", upstream.url, "--host", host, "--auth", "pki")
    pairs = {name: server_ca.device(name, usage=(pki.SERVER_AUTH,), dns=names, file=f"server-{name}")
             for name, names in (("first", "a.example"), ("second", ["b.example", "*.c.example"]))}
    configuration = own_site.folder / "gateway.yaml"
    more = "".join(f", {{certificate: {p.path}, key: {p.key}}}" for p in pairs.values())
    configuration.write_text(configuration.read_text().replace("gateway.key}]", "gateway.key}" + more + "]"))
    own_site.stop("cmg-gateway")
    own_site.run("cmg-gateway")
    own_site.wait_ready()
    upstream.seen.clear()
    return {name: pair.certificate.serial_number for name, pair in pairs.items()}


def ask(site, version, sni, host, path="/x"):
    return gatewayclient.request(site, version, "GET", path, certificate=site.pki("certificate"), key=site.pki("key"),
                                 host=host, sni=sni)


def test_each_name_is_shown_its_own_certificate_and_any_other_name_the_first(own_site, hosts):
    for host, name in CERTIFICATES.items():
        assert serial_shown(own_site, host) == hosts[name]
        assert serial_shown(own_site, host.upper()) == hosts[name]
    assert serial_shown(own_site) not in hosts.values()
    with pytest.raises(gatewayclient.ssl.SSLCertVerificationError):
        serial_shown(own_site, "nobody.example")


def test_a_host_of_another_certificate_needs_another_connection(own_site, hosts, upstream):
    for version in (HTTP1, HTTP2):
        for host in CERTIFICATES:
            assert ask(own_site, version, host, host).status == 200
            assert ask(own_site, version, host, f"{host.upper()}:443").status == 200
        upstream.seen.clear()
        for sni, host in (("a.example", "b.example"), ("b.example", "a.example"), ("localhost", "deep.c.example")):
            problem, _ = refusal.assert_refused(own_site, version, 421, CODE, "misdirected", "GET", "/x", host=host,
                                                sni=sni, certificate=own_site.pki("certificate"), key=own_site.pki("key"))
            assert host in problem["detail"] and sni in problem["detail"] and "SNI" in problem["remedy"]
        assert upstream.seen == []


def test_whoever_is_nobody_is_sent_to_the_other_connection_too(own_site, hosts):
    """It is told before anybody is judged: a certificate may be wanted under the one name and not under the other."""
    answer = gatewayclient.request(own_site, HTTP1, "GET", "/x", host="b.example", sni="a.example")
    refusal.assert_refusal(answer, HTTP1, 421, CODE, "misdirected")


def test_hosts_of_one_certificate_share_a_connection(own_site, hosts):
    """As browsers and other clients of HTTP/2 do (RFC 9113 9.1.1)."""
    ctx = gatewayclient.context(own_site.report["ca"], own_site.pki("certificate"), own_site.pki("key"), HTTP2)
    with gatewayclient.H2(own_site.port, ctx, "b.example") as connection:
        told = [connection.request("GET", "/x", host=host).status
                for host in ("b.example", "deep.c.example", "a.example", "b.example", "nobody.example")]
    assert told == [200, 200, 421, 200, 404]


def test_paths_of_the_gateway_itself_are_the_same_under_each_name(own_site, hosts):
    for version in (HTTP1, HTTP2):
        answer = ask(own_site, version, "a.example", "b.example", "/CCM_Proxy_MutualAuth/ServiceMetadata")
        assert answer.status == 200


def test_a_connection_without_a_name_is_good_for_the_first_certificates_hosts_alone(own_site, hosts):
    ctx = gatewayclient.context(own_site.report["ca"], own_site.pki("certificate"), own_site.pki("key"))
    ctx.check_hostname = False
    with gatewayclient.H1(own_site.port, ctx, None) as connection:
        assert connection.request("GET", "/x", host="a.example").problem()["code"] == CODE
