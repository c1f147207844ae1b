# SPDX-License-Identifier: Apache-2.0
"""What a server inside is told: of the certificate in the form that it reads, and of the name that the client asked for."""
import re
import subprocess
import urllib.parse

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from kit import gatewayclient
from kit.gatewayclient import HTTP1
from kit.pki import CLIENT_AUTH, Ca, Pair, build, new_key, save, sha256_of
from kit.programs import until
from kit.upstream import Upstream

FORGED = [("X-Client-Verify", "SUCCESS"), ("X-Client-DN", "CN=forged"), ("x_client_dn", "CN=forged"), ("X-Client-Cert", "forged"),
          ("X-Ssl-Client-Cn", "forged"), ("X_SSL_CLIENT_CN", "forged"), ("X-Ssl-Issuer-Hash-1", "forged"),
          ("X-Ssl-Issuer-Hash-2", "forged"), ("X-Forwarded-Host", "forged"), ("X-Forwarded-Proto", "forged"),
          ("Forwarded", "host=forged"), ("X-Forwarded-User", "forged"), ("X-HTTP-Method-Override", "DELETE")]
TOLD = re.compile(r"x-client-|x-ssl-|x-forwarded|forwarded|x-http")


def openssl(pair, *arguments):
    done = subprocess.run(["openssl", "x509", "-in", pair.path, "-noout", *arguments], check=True, capture_output=True)
    return done.stdout.decode().strip()


@pytest.fixture(scope="module")
def anchor(ca):
    return sha256_of(ca.certificate).hex()


@pytest.fixture(scope="module")
def inside(site, ca, anchor):
    server = Upstream()
    for name in ("puppet", "hawkbit"):
        site.add("endpoint", "add", name, "--url", server.url, "--headers", name, "--client-anchors", anchor)
        until("it is reached", lambda: gatewayclient.request(site, HTTP1, "GET", f"/CCM_Proxy_MutualAuth/{name}/x",
                                                             certificate=ca.good.path, key=ca.good.key).status == 200, 10)
    site.publish("plain", "--url", server.url)
    yield server
    for name in ("puppet", "hawkbit", "plain"):
        site.cmg("endpoint", "remove", name)
    server.close()


def told(site, server, version, name, pair, headers=(), host=None, target=None):
    """What reached the server of the fields that matter here."""
    answer = gatewayclient.request(site, version, "GET", target or f"/CCM_Proxy_MutualAuth/{name}/x", headers, None, pair.path,
                                   pair.key, host)
    assert answer.status == 200, answer
    return {n: v for n, v in server.seen[-1]["headers"] if TOLD.match(n.replace("_", "-"))}


def device(ca, name, *attributes):
    """A certificate with this subject: [(oid, text), …] or sets of them."""
    key = new_key()
    rdns = [x509.RelativeDistinguishedName([x509.NameAttribute(*one) for one in (group if isinstance(group, list) else [group])])
            for group in attributes]
    certificate = build(x509.Name(rdns), key.public_key(), ca.certificate.subject, ca.private,
                        [(x509.ExtendedKeyUsage([CLIENT_AUTH]), False)])
    return save(ca.folder, name, certificate, key)


SUBJECTS = {
    "plain": [(NameOID.COMMON_NAME, "device-1")],
    "a comma and quotes": [(NameOID.ORGANIZATION_NAME, 'A, "B" + C; <d> #e\\'), (NameOID.COMMON_NAME, "a,b")],
    "letters of other scripts": [(NameOID.COMMON_NAME, "Gerät-ж")],
    "two values at once": [[(NameOID.COMMON_NAME, "device-1"), (NameOID.SERIAL_NUMBER, "7")]],
}


@pytest.mark.parametrize("subject", SUBJECTS)
def test_puppets_fields_are_what_openssl_prints(site, ca, inside, version, subject):
    pair = device(ca, f"puppet-{version[:2]}-{list(SUBJECTS).index(subject)}", *SUBJECTS[subject])
    got = told(site, inside, version, "puppet", pair, FORGED)
    assert got.pop("forwarded").startswith("for=127.0.0.1;host=")
    pem = urllib.parse.unquote(got.pop("x-client-cert"))
    assert pem.strip() == open(pair.path).read().strip()
    assert got == {"x-client-verify": "SUCCESS", "x-client-dn": openssl(pair, "-subject", "-nameopt", "RFC2253")[len("subject="):]}


@pytest.mark.parametrize("subject", ["plain", "a comma and quotes", "letters of other scripts"])
def test_hawkbits_fields_are_the_name_and_the_issuers_hash(site, ca, inside, version, subject):
    pair = device(ca, f"hawkbit-{version[:2]}-{list(SUBJECTS).index(subject)}", *SUBJECTS[subject])
    got = told(site, inside, version, "hawkbit", pair, FORGED)
    got.pop("forwarded")
    got["x-ssl-client-cn"] = got["x-ssl-client-cn"].encode("latin-1").decode()
    assert got == {"x-ssl-client-cn": SUBJECTS[subject][-1][1], "x-ssl-issuer-hash-1": openssl(pair, "-issuer_hash")}


@pytest.mark.parametrize("name", ["hawkbit"])
@pytest.mark.parametrize("subject", [[(NameOID.COMMON_NAME, "device-1 ")], [(NameOID.COMMON_NAME, " device-1")],
                                     [(NameOID.COMMON_NAME, "device-1"), (NameOID.COMMON_NAME, "x")]],
                         ids=["a blank behind", "a blank before", "two names"])
def test_a_name_that_a_field_would_change_is_not_told(site, ca, inside, name, subject, tmp_path):
    pair = device(ca, "odd-" + tmp_path.name, *subject)
    assert set(told(site, inside, HTTP1, name, pair)) == {"forwarded"}


@pytest.mark.parametrize("name", ["puppet", "hawkbit"])
def test_another_pki_is_nobody_there(site, ca, inside, name):
    answer = gatewayclient.request(site, HTTP1, "GET", f"/CCM_Proxy_MutualAuth/{name}/x", certificate=site.pki("certificate"),
                                   key=site.pki("key"))
    assert answer.status == 401


def test_an_endpoint_of_the_usual_form_tells_none_of_it(site, ca, inside, version):
    assert set(told(site, inside, version, "plain", ca.good, FORGED)) == {"forwarded"}


def test_where_several_pkis_are_trusted_the_form_wants_to_know_which_counts(site, ca):
    code, fault = site.cmg("endpoint", "add", "unsafe", "--url", "http://localhost:9", "--headers", "puppet", check=False)
    assert code != 0 and "--client-anchors" in str(fault)
    code, fault = site.cmg("endpoint", "add", "unsafe", "--url", "http://localhost:9", "--headers", "puppet", "--auth", "token",
                              check=False)
    assert code != 0 and "pki" in str(fault)


def test_the_fields_end_when_a_second_pki_is_trusted(own_site, tmp_path):
    """The endpoint was published while there was one."""
    site, server = own_site, Upstream()
    site.publish("alone", "--url", server.url, "--headers", "puppet")
    pair = Pair(None, None, site.pki("certificate"), site.pki("key"))
    try:
        assert "x-client-dn" in told(site, server, HTTP1, "alone", pair)
        site.add("trust", "add", "--anchor", Ca(tmp_path, "Another Root").path)
        until("the fields are left out", lambda: set(told(site, server, HTTP1, "alone", pair)) == {"forwarded"}, 10)
        assert "headers_left_out" in [p["cause"] for p in site.admin("GET", "/v1/status")["problems"]]
    finally:
        server.close()


# --- the name that was asked for --------------------------------------------------------------------------------------


def test_forwarded_says_the_name_the_port_and_the_scheme(site, ca, inside, version):
    host = f"LocalHost:{site.port}"
    assert told(site, inside, version, "plain", ca.good, FORGED, host)["forwarded"] == f'for=127.0.0.1;host="{host}";proto=https'
    assert told(site, inside, version, "plain", ca.good, (), "localhost")["forwarded"] == "for=127.0.0.1;host=localhost;proto=https"


def test_an_endpoint_may_keep_the_name_and_set_what_older_software_reads(site, ca, inside, version):
    site.publish("named", "--url", inside.url, "--host", "localhost", "--keep-host", "--x-forwarded")
    try:
        host = f"localhost:{site.port}"
        got = told(site, inside, version, "", ca.good, FORGED, host, "/a/./b")
        assert (got["x-forwarded-host"], got["x-forwarded-proto"], got["x-forwarded-for"]) == (host, "https", "127.0.0.1")
        assert dict(inside.seen[-1]["headers"])["host"] == host and inside.seen[-1]["target"] == "/a/b"
        site.add("endpoint", "set", "named", "--keep-host", "no", "--x-forwarded", "no")
        until("it is changed", lambda: set(told(site, inside, version, "", ca.good, FORGED, host, "/x")) == {"forwarded"}, 10)
        assert dict(inside.seen[-1]["headers"])["host"] == inside.url.removeprefix("http://")
    finally:
        site.cmg("endpoint", "remove", "named")


def test_a_path_route_keeps_no_name_that_the_client_made_up(site, inside):
    code, fault = site.cmg("endpoint", "add", "kept", "--url", inside.url, "--keep-host", check=False)
    assert code != 0 and "keep_host" in str(fault)


# --- change in place --------------------------------------------------------------------------------------------------


def test_an_endpoint_is_changed_in_place(site, inside):
    def now():
        return next(e for e in site.admin("GET", "/v1/endpoints")["endpoints"] if e["id"] == "plain")
    before = now()
    site.cmg("endpoint", "set", "plain", "--max-body", "3MiB", "--method", "GET,HEAD", "--websocket", "yes")
    assert now() == {**before, "max_body": 3 * 1024 * 1024, "methods": ["GET", "HEAD"], "upgrade": "websocket"}
    site.cmg("endpoint", "set", "plain", "--max-body", "1MiB", "--method", "any", "--websocket", "no")
    assert now() == before
    for wrong in (["nobody", "--max-body", "1MiB"], ["plain", "--url", "nowhere"], ["plain", "--client-anchors", "00"]):
        assert site.cmg("endpoint", "set", *wrong, check=False)[0] != 0
    assert now() == before
