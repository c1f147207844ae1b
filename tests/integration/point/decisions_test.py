# SPDX-License-Identifier: Apache-2.0
"""Decisions about who may say what, for how long, that no other test holds the running programs to."""
import datetime
import json
import ssl
import subprocess
import time

import pytest
from cryptography import x509

from kit import gatewayclient, pki
from kit.device import Device
from kit.gatewayclient import HTTP1, HTTP2
from kit.inside import Inside
from kit.programs import until

METADATA = "/CCM_Proxy_MutualAuth/ServiceMetadata"
ROLES = [("connector", "cp1"), ("gateway", "gw1")]


def bootstrap_of(site, kind):
    return json.loads((site.folder / f"{kind}.bootstrap.json").read_text())


@pytest.mark.parametrize("kind,name", ROLES)
def test_a_role_certificate_is_of_90_days_and_names_site_kind_and_id_alone(site, kind, name):
    cert = x509.load_pem_x509_certificate(bootstrap_of(site, kind)["certificate_pem"].encode())
    life = cert.not_valid_after - cert.not_valid_before
    assert datetime.timedelta(days=90) <= life <= datetime.timedelta(days=90, hours=1)
    names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [n.value for n in names] == [f"urn:opencmg:{site.report['site']}:{kind}:{name}"]
    assert (site.folder / f"{kind}.bootstrap.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", [kind for kind, _ in ROLES])
def test_the_role_ca_authenticates_no_device(site, version, kind, tmp_path):
    held = bootstrap_of(site, kind)
    certificate, key = tmp_path / "role.pem", tmp_path / "role.key"
    certificate.write_text(held["certificate_pem"])
    key.write_text(held["key_pem"])
    answer = gatewayclient.request(site, version, "GET", METADATA, certificate=certificate, key=key)
    assert (answer.status, answer.problem()["code"]) == (401, "CMGService_Invalid_Client_Certificate")
    assert answer.problem()["reason"] in ("untrusted_root", "incomplete_chain"), answer


def on(tls):
    tls.sendall(f"GET {METADATA} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return gatewayclient.read_h1(tls)


@pytest.mark.parametrize("tls_version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_resumed_session_is_judged_again(own_site, tls_version, tmp_path):
    root = pki.Ca(tmp_path, "Root")
    device = root.device("resumes")
    own_site.add("trust", "add", "--anchor", root.path, "--crl", root.crl())
    ctx = gatewayclient.context(own_site.report["ca"], device.path, device.key)
    ctx.minimum_version = ctx.maximum_version = tls_version
    with gatewayclient.connect(own_site.port, ctx) as tls:
        assert on(tls).status == 200
        session = tls.session
        assert tls_version != ssl.TLSVersion.TLSv1_2 or not session.has_ticket  # in 1.3 any resumption has one, an id here

    def again():
        bare = gatewayclient.socket.create_connection(("127.0.0.1", own_site.port), 10)
        return ctx.wrap_socket(bare, server_hostname="localhost", session=session)
    with again() as tls:
        assert on(tls).status == 200
        resumed = tls.session_reused
    own_site.add("trust", "add", "--crl", root.crl([device], number=2))
    with again() as tls:
        answer = on(tls)
    assert (answer.status, answer.problem()["reason"]) == (401, "revoked")
    assert resumed, "before that it resumed"


def test_a_gateway_without_contact_for_bundle_max_age_lets_nobody_in_and_comes_back(own_site):
    def asks():
        return gatewayclient.request(own_site, HTTP1, "GET", METADATA, certificate=own_site.pki("certificate"),
                                     key=own_site.pki("key"))
    own_site.sql("DELETE FROM setting WHERE name = 'bundle_max_age'",  # less than an administrator may say
                 "INSERT INTO setting (name, value) VALUES ('bundle_max_age', '5')")
    own_site.add("settings", "set", "approval", "auto")
    assert asks().status == 200
    own_site.kill("cmg-connector")
    answer = until("the bundle is stale", lambda: (a := asks()).status == 503 and a, 10)
    assert answer.problem()["code"] == "CMGService_Stale_Bundle" and answer.headers["retry-after"]
    own_site.run("cmg-connector")
    until("it is heard of again", lambda: asks().status == 200, 10)


def test_encoded_slashes_pass_as_they_are_where_the_endpoint_says_so(site, version, ca, upstream):
    site.publish("slashes", "--url", upstream.url, "--allow-encoded-slash")
    try:
        for path in ("/a%2fb", "/a%2Fb", "/a//b"):
            upstream.seen.clear()
            answer = gatewayclient.request(site, version, "GET", "/CCM_Proxy_MutualAuth/slashes" + path, **ca.good.client())
            assert answer.status == 200 and [s["target"] for s in upstream.seen] == [path], answer
        for path in ("/a/%2e%2e/b", "/a%2f..%2fb", "/a%5cb"):
            assert gatewayclient.request(site, version, "GET", "/CCM_Proxy_MutualAuth/slashes" + path,
                                         **ca.good.client()).status == 400, path
    finally:
        site.cmg("endpoint", "remove", "slashes")


# --- time: PROTOCOL 5 ---------------------------------------------------------------------------------------------------


def test_the_running_programs_report_their_clocks(site):
    until("both are told", lambda: all(isinstance(role["ahead_s"], int) and abs(role["ahead_s"]) <= 2 for kind in ("gateways", "connectors")
                                       for role in site.cmg("status")[kind]), 75)


@pytest.mark.parametrize("kind,path", [("connector", "/.cmg/report"), ("gateway", "/.cmg/report/gw1")])
@pytest.mark.parametrize("ahead,told", [(0, None), (-45, "(45 s) behind"), (3600, "(3600 s) ahead of")])
def test_a_clock_that_is_off_by_half_a_minute_is_an_alert(site, tmp_path, kind, path, ahead, told):
    inside = Inside(site, tmp_path)

    def report(ahead):
        body = json.dumps({"version": "test", "time": int(time.time()) + ahead})
        assert inside.request("ehttp", "POST", path, {"Content-Type": "application/json"}, body, inside.connector).status == 204

    def found():  # the program itself may report in between
        report(ahead)
        return [problem["found"] for problem in site.cmg("status")["problems"]
                if problem["cause"] == "clock_skew" and kind in problem["found"]]

    try:
        if told:
            until("it is told", lambda: any(told in text for text in found()), 10)
            assert "a clock differs from the site's" in site.log("cmg-mp")
        else:
            until("it is not told", lambda: found() == [], 10)
    finally:
        report(0)  # two clocks that are off alike would be told as the site's own


# --- an endpoint's own anchors: PROTOCOL 1 and 6 ------------------------------------------------------------------------


def test_an_endpoint_with_anchors_of_its_own_takes_their_certificates_alone(site, ca, upstream, tmp_path):
    """One PKI's CN=puppet is not another's."""
    other = pki.Ca(tmp_path, "Other PKI")
    puppet, namesake = other.device("puppet"), ca.device("puppet", file="puppet-of-another")
    site.add("trust", "add", "--anchor", other.path, "--crl", other.crl())
    anchor = pki.sha256_of(other.certificate).hex()
    for name, how, target, host in (("own-path", [], "/CCM_Proxy_MutualAuth/own-path/x", None),
                                    ("own-host", ["--host", "own.example"], "/x", "own.example")):
        site.add("endpoint", "add", name, "--url", upstream.url, "--auth", "pki", "--client-anchors", anchor, *how)
        ask = lambda version, device: gatewayclient.request(site, version, "GET", target, host=host, **device.client())
        until("its own are let in", lambda: ask(HTTP1, puppet).status == 200, 10)
        for version in (HTTP1, HTTP2):
            assert ask(version, puppet).status == 200
            problem = ask(version, namesake).problem()
            assert problem["reason"] == "untrusted_root" and name in problem["detail"], problem
            assert "cmg endpoint set ID --client-anchors" in problem["remedy"] and "trust add" not in problem["remedy"]
        site.add("endpoint", "remove", name)
    code, problem = site.cmg("endpoint", "add", "nobodys", "--url", upstream.url, "--client-anchors", "00" * 32, check=False)
    assert code == 1 and "has no anchor" in json.dumps(problem), problem


@pytest.mark.parametrize("kind", ["a renewed root", "a cross-certificate", "a cross-certificate before many others"])
def test_an_endpoint_takes_a_certificate_that_has_a_path_to_one_of_its_anchors_beside_another(site, upstream, tmp_path, kind):
    """Whichever path is found first."""
    root = pki.Ca(tmp_path, f"Root of {kind}")
    if kind == "a renewed root":
        other = pki.Ca(tmp_path, root.name, key=root.private, file="renewed.pem", days=(-1, 7300))
        chain = []
    else:
        other = pki.Ca(tmp_path, f"Other root of {kind}")
        chain = [pki.Ca(tmp_path, root.name, parent=other, key=root.private, file="cross.pem")]
    if "many" in kind:
        chain += [pki.Ca(tmp_path, f"Other {i}", file="heap.pem") for i in range(20)]
    device = root.device("laptop", chain=chain)
    for anchor in {root, other}:
        site.add("trust", "add", "--anchor", anchor.path, "--crl", anchor.crl())
    for name, wanted in (("own-one", root), ("own-other", other)):
        site.add("endpoint", "add", name, "--url", upstream.url, "--auth", "pki", "--client-anchors",
                 pki.sha256_of(wanted.certificate).hex())
        ask = lambda version: gatewayclient.request(site, version, "GET", f"/CCM_Proxy_MutualAuth/{name}/x", **device.client())
        until("it is let in", lambda: ask(HTTP1).status == 200, 10)
        for version in (HTTP1, HTTP2):
            assert ask(version).status == 200
        site.add("endpoint", "remove", name)


# --- the first contact, and no data before the handshake: PROTOCOL 1 and 5 ------------------------------------------------


def test_the_names_of_gateways_alone_are_not_enough_for_a_device_without_a_pin(site, ca, tmp_path):
    """The gateway that hands out the site's certificate may be the attacker: no trust on first use."""
    device = Device(site, tmp_path, enroll=False).with_certificate(ca.good.path, ca.good.key)
    device.must("set", f"CMGFQDNs=localhost:{site.port}")
    for operation in (("register",), ("policy",), ("run", "--once")):
        report = device.must_fail(*operation)
        assert report["reason"] == "no_site_key" and "SiteKey" in report["detail"], report
    assert not (device.state / "policy.json").exists()


def test_no_session_lets_data_come_before_the_handshake(site, tmp_path):
    session = tmp_path / "session"
    command = ["openssl", "s_client", "-connect", f"localhost:{site.port}", "-servername", "localhost", "-tls1_3", "-cert",
               site.pki("certificate"), "-key", site.pki("key"), "-sess_out", session, "-ign_eof"]
    request = f"GET /CCM_Proxy_MutualAuth/ServiceMetadata HTTP/1.1\r\nHost: localhost:{site.port}\r\nConnection: close\r\n\r\n"
    subprocess.run([str(part) for part in command], input=request, capture_output=True, text=True, timeout=20, check=True)
    told = subprocess.run(["openssl", "sess_id", "-in", session, "-noout", "-text"], capture_output=True, text=True, timeout=20,
                          check=True).stdout
    assert "Max Early Data: 0" in told, told
