# SPDX-License-Identifier: Apache-2.0
"""Named sources over a running gateway: lists that a connector relays from a directory, a web server and a file, or
that the gateway fetches itself; what is new, gone, late, false or going back."""
import json
import os
import re
import shutil

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import conftest
from kit import gatewayclient, pki, programs, refusal
from kit.device import Device
from kit.directory import Directory
from kit.gatewayclient import HTTP2
from kit.programs import until
from kit.servers import Nginx

METADATA = "/CCM_Proxy_MutualAuth/ServiceMetadata"
SOON_S = 15


def der(path):
    return x509.load_pem_x509_crl(path.read_bytes()).public_bytes(serialization.Encoding.DER)


class Place:
    """A site whose connector may read files, and the servers inside that publish."""

    def __init__(self, folder):
        self.folder = folder
        self.files, self.www = folder / "files", folder / "www"
        for path in (self.files, self.www):
            path.mkdir()
        self.directory = Directory(folder / "slapd")
        self.nginx = Nginx(folder / "nginx", self.www)
        self.site = conftest.running_site(folder / "site", None).take_apart()
        configuration = self.site.folder / "connector.yaml"
        configuration.write_text(configuration.read_text() + f"\nsource_folder: {self.files}\n")
        self.restart("cmg-connector")
        self.count = 0

    def restart(self, name):
        self.site.stop(name)
        self.site.run(name)
        self.site.wait_ready()

    def close(self):
        conftest.end_site(self.site)
        self.nginx.close()
        self.directory.close()

    def root(self):
        """A trusted CA of its own for a test: no list of it is there yet."""
        self.count += 1
        ca = pki.Ca(self.folder, f"Source Root {self.count}")
        ca.devices = [ca.device(f"device-{self.count}-{n}") for n in range(2)]
        self.site.add("trust", "add", "--anchor", ca.path)
        ca.id = f"list-{self.count}"
        return ca

    def add(self, ca, url, via="connector", refresh="1s"):
        self.site.add("trust", "add", "--crl-source", ca.id, "--url", url, "--via", via, "--refresh", refresh)

    def metric(self, name, ca):
        return self.site.metric(f'cmg_source_{name}{{source="{ca.id}",kind="crl"}}')

    def error(self, ca):
        """The last reason that the gateway logged for this source."""
        found = re.findall(rf"could not be fetched.*?source=\"?{ca.id}\"? .*?reason=\"([^\"]*)\"", self.site.log("cmg-gateway"))
        return found[-1] if found else ""

    def verdict(self, device):
        answer = gatewayclient.request(self.site, HTTP2, "GET", METADATA, **device.client())
        return "ok" if answer.status == 200 else answer.problem()["reason"]

    def check(self, path):
        """(exit code, answer) of `cmg trust check`."""
        code, out, err = programs.run([programs.program("cmg"), "trust", "check", "--sample", path, "--json", "--socket",
                                       self.site.report["admin_socket"]], check=False)
        assert out, err
        return code, json.loads(out)

    def becomes(self, device, verdict, within_s=SOON_S):
        until(f"the verdict is {verdict}, not {self.verdict(device)}", lambda: self.verdict(device) == verdict, within_s)


class Connected:
    """A connection whose device was let in and now says nothing."""

    def __init__(self, site, device):
        ctx = gatewayclient.context(site.report["ca"], device.path, device.key, HTTP2)
        self.h2 = gatewayclient.H2(site.port, ctx)
        assert self.h2.request("GET", METADATA).status == 200
        self.ended = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.h2.close()

    def alive(self):
        self.h2.tls.settimeout(0.01)
        try:
            self.ended = self.ended or self.h2.events() is None
        except TimeoutError:
            pass
        except OSError:
            self.ended = True
        return not self.ended


@pytest.fixture(scope="module")
def place():
    folder = conftest.temporary_folder()
    it = Place(folder)
    try:
        yield it
    finally:
        it.close()
        shutil.rmtree(folder, ignore_errors=True)


class OfDirectory:
    def __init__(self, place, ca, path):
        self.place, self.name = place, ca.name
        self.url = place.directory.publish(ca.name, der(path))

    def replace(self, path):
        self.place.directory.replace(self.name, der(path))


class OfFolder:
    def __init__(self, folder, base, ca, path):
        self.path = folder / f"{ca.id}.crl"
        self.url = f"{base}/{ca.id}.crl"
        self.replace(path)

    def replace(self, path):
        beside = self.path.with_suffix(".new")
        beside.write_bytes(der(path))
        os.replace(beside, self.path)


def publisher(place, kind, ca, path):
    if kind == "directory":
        return OfDirectory(place, ca, path)
    if kind == "file":
        return OfFolder(place.files, f"file://{place.files}", ca, path)
    return OfFolder(place.www, place.nginx.url, ca, path)


@pytest.mark.parametrize("kind,via", [("directory", "connector"), ("http", "connector"), ("file", "connector"),
                                      ("http", "internet")])
def test_a_list_lets_in_and_its_next_one_shuts_out(place, kind, via):
    ca = place.root()
    good, bad = ca.devices
    assert place.verdict(good) == "crl_unavailable"
    at = publisher(place, kind, ca, ca.crl(number=1))
    place.add(ca, at.url, via)
    place.becomes(good, "ok")
    place.becomes(bad, "ok")
    at.replace(ca.crl([bad], number=2))
    place.becomes(bad, "revoked")
    assert place.verdict(good) == "ok"
    assert place.metric("failures", ca) == 0 and place.metric("age_seconds", ca) >= 0
    assert place.metric("left_seconds", ca) > 86400


class Holder:
    """A device that has a certificate of the PKI and, from before, a key and tokens of its own."""

    def __init__(self, place, certificate):
        self.site = place.site
        self.device = Device(self.site, place.folder).at("ehttp").registered_by_token()
        self.device.must("set", "RoleId=")
        self.prove(certificate)
        assert self.device.must("policy")["method"] == "token"
        self.token = self.device.identity()["access_token"]

    def prove(self, certificate):
        """It registers with it; then it has its own key alone, as who got hold of the state folder, and no access token yet."""
        self.device.with_certificate(certificate.path, certificate.key)
        assert self.device.must("register")["method"] == "pki"
        self.device.must("set", "Certificate=", "Key=")
        identity = self.device.state / "identity.json"
        identity.write_text(re.sub(r'("access_token": ?)"[^"]*"', r"\1null", identity.read_text()))

    def headers(self):
        return [("Authorization", f"Bearer {self.token}")]

    def target(self):
        return f"/CCM_Proxy_ServerAuth/{self.site.role('ehttp')}/SMS_MP/.sms_aut?MPLIST"

    def asks(self):
        return gatewayclient.request(self.site, HTTP2, "GET", self.target(), self.headers(), **self.device.client())

    def reason(self):
        answer = self.asks()
        return "ok" if answer.status == 200 else answer.problem()["reason"]


def test_what_a_fetched_list_takes_back_ends_the_tokens_of_the_devices_other_key(place):
    """Gateways hold such a list, the management point does not: the token names the certificates."""
    ca = place.root()
    good, bad = ca.devices
    at = publisher(place, "http", ca, ca.crl(number=1))
    place.add(ca, at.url)
    place.becomes(bad, "ok")
    holder, other = Holder(place, bad), Holder(place, good)
    assert holder.reason() == other.reason() == "ok"
    ctx = gatewayclient.context(place.site.report["ca"], holder.device.certificate, holder.device.key, HTTP2)
    with gatewayclient.H2(place.site.port, ctx) as connection:
        assert connection.request("GET", holder.target(), holder.headers()).status == 200
        at.replace(ca.crl([bad], number=2))
        place.becomes(bad, "revoked")
        until("the token is refused", lambda: holder.reason() == "revoked", 5)
        connection.tls.settimeout(5)
        while connection.events() is not None:  # the open connection has ended too
            pass
    refusal.assert_made(place.site, HTTP2, 401, "CMGService_Invalid_Token", "revoked", holder.asks)
    assert "on their issuer's list" in holder.asks().problem()["detail"]
    assert holder.device.must_fail("policy")["reason"] == "revoked"
    assert other.reason() == "ok"
    holder.prove(ca.device("a-confederate"))  # a certificate of another name is another device's, whoever speaks for it
    assert holder.device.must_fail("policy")["reason"] == "revoked"
    holder.prove(ca.device(bad.path.stem, file="replacement"))  # its own new one, for which the old one was taken back
    holder.device.must("policy")


def test_a_list_that_goes_back_is_refused_and_the_last_good_one_stays(place):
    ca = place.root()
    good, bad = ca.devices
    at = publisher(place, "http", ca, ca.crl([bad], number=5))
    place.add(ca, at.url)
    place.becomes(bad, "revoked")
    at.replace(ca.crl(number=4))
    until("the older list is refused", lambda: place.metric("failures", ca) > 1, SOON_S)
    assert "older than the list in use: cRLNumber 4" in place.error(ca)
    assert (place.verdict(bad), place.verdict(good)) == ("revoked", "ok")


def displacers(ca, other):
    """Lists that are good, and no successors of `ca`'s complete one."""
    devices = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)
    return {"delta": ca.crl(number=9, file="delta.crl", more=[x509.DeltaCRLIndicator(1)]),
            "partition": ca.crl(number=9, file="devices.crl", more=[devices]), "another CA's": other.crl(number=9)}


def test_a_fresh_list_gives_way_to_its_successor_alone_and_nothing_older_comes_back(place):
    ca, other = place.root(), place.root()
    good, bad = ca.devices
    at = publisher(place, "http", ca, ca.crl([bad], number=5))
    place.add(ca, at.url)
    place.becomes(bad, "revoked")
    for what, path in displacers(ca, other).items():
        at.replace(path)
        until(f"the {what} list is refused", lambda: "no successor of the list in use" in place.error(ca), SOON_S)
        assert (place.verdict(bad), place.verdict(good)) == ("revoked", "ok"), what
        at.replace(ca.crl(number=4))
        until("the older list is refused", lambda: "older than the list in use" in place.error(ca), SOON_S)
        assert (place.verdict(bad), place.verdict(good)) == ("revoked", "ok"), what
    at.replace(ca.crl([bad], number=6))
    until("its successor is taken", lambda: place.metric("failures", ca) == 0, SOON_S)


def test_how_far_a_list_had_come_is_known_after_it_ended_and_after_a_restart(place):
    ca, other = place.root(), place.root()
    good, bad = ca.devices
    seconds = 1 / 86400
    at = publisher(place, "http", ca, ca.crl([bad], number=5, days=(-1, 6 * seconds)))
    place.add(ca, at.url)
    place.becomes(bad, "revoked")
    at.replace(displacers(ca, other)["another CA's"])
    place.becomes(bad, "crl_unavailable")  # the one that ended made room
    at.replace(ca.crl(number=4))
    until("the older list is refused", lambda: place.metric("failures", ca) > 0, SOON_S)
    assert "older" in place.error(ca) or "no successor" in place.error(ca)
    place.restart("cmg-gateway")
    place.site.add("source", "remove", ca.id)
    ca.id += "-again"
    place.add(ca, at.url)
    until("the older list is refused", lambda: "older than one that was in use before" in place.error(ca), SOON_S)
    assert place.verdict(bad) == "crl_unavailable"
    at.replace(ca.crl([bad], number=6))
    place.becomes(good, "ok")
    assert place.verdict(bad) == "revoked"


def test_a_source_that_was_given_another_url_may_give_another_list(place):
    """That is the administrator's word; nothing older comes back by it."""
    ca, other = place.root(), place.root()
    good, bad = ca.devices
    at = publisher(place, "http", ca, ca.crl([bad], number=5))
    place.add(ca, at.url, "internet")
    place.becomes(bad, "revoked")
    elsewhere = publisher(place, "http", other, other.crl())
    place.add(ca, elsewhere.url, "internet")
    place.becomes(other.devices[0], "ok")
    at.replace(ca.crl(number=4))
    place.add(ca, at.url, "internet")
    until("the older list is refused", lambda: "older than one that was in use before" in place.error(ca), SOON_S)
    assert place.verdict(bad) != "ok"


def test_a_delta_waits_for_the_complete_list_that_it_adds_to(place):
    """And the one before it, which adds to the list that is here, stays."""
    ca = place.root()
    good, bad = ca.devices
    delta = lambda number, base, *revoked: ca.crl(revoked, number, file="delta.crl", more=[x509.DeltaCRLIndicator(base)])
    complete = publisher(place, "http", ca, ca.crl(number=10))
    place.add(ca, complete.url)
    place.becomes(bad, "ok")
    ca.id += "-delta"
    at = publisher(place, "http", ca, delta(11, 10, bad))
    place.add(ca, at.url)
    place.becomes(bad, "revoked")
    at.replace(delta(13, 12))
    until("it has to wait", lambda: place.metric("failures", ca) > 0, SOON_S)
    assert (place.verdict(bad), place.verdict(good)) == ("revoked", "ok")
    complete.replace(ca.crl([bad], number=12))
    until("it is taken", lambda: place.metric("failures", ca) == 0, SOON_S)
    assert (place.verdict(bad), place.verdict(good)) == ("revoked", "ok")


def test_a_list_of_another_key_is_refused(place, tmp_path):
    ca = place.root()
    good, bad = ca.devices
    at = publisher(place, "http", ca, ca.crl([bad], number=1))
    place.add(ca, at.url)
    place.becomes(bad, "revoked")
    at.replace(pki.Ca(tmp_path, ca.name).crl(number=9))
    until("the forged list is refused", lambda: place.metric("failures", ca) > 1, SOON_S)
    assert (place.verdict(bad), place.verdict(good)) == ("revoked", "ok")


def test_a_list_that_has_ended_is_told_as_expired_and_still_revokes(place):
    ca = place.root()
    good, bad = ca.devices
    at = publisher(place, "http", ca, ca.crl([bad], number=1, days=(-30, -1)))
    place.add(ca, at.url)
    place.becomes(good, "crl_expired")
    assert place.verdict(bad) == "revoked"
    assert place.metric("failures", ca) > 0 and "newest list expired" in place.error(ca)
    at.replace(ca.crl([bad], number=2))
    place.becomes(good, "ok")


def test_a_list_is_fetched_again_before_it_ends(place):
    ca = place.root()
    good = ca.devices[0]
    seconds = 1 / 86400
    at = publisher(place, "http", ca, ca.crl(number=1, days=(-1, 14 * seconds)))
    place.add(ca, at.url, refresh="1h")
    place.becomes(good, "ok")
    at.replace(ca.crl([good], number=2))
    place.becomes(good, "revoked", 13)


def test_a_publisher_that_is_gone_is_told_and_the_last_good_list_stays_across_a_restart(place):
    ca = place.root()
    good, bad = ca.devices
    at = publisher(place, "file", ca, ca.crl([bad], number=1))
    place.add(ca, at.url)
    place.becomes(bad, "revoked")
    at.path.unlink()
    until("it is noticed", lambda: place.metric("failures", ca) > 0, SOON_S)
    assert "no such file" in place.error(ca)
    place.restart("cmg-gateway")
    assert (place.verdict(bad), place.verdict(good)) == ("revoked", "ok")
    kept = place.site.folder / "gateway" / "sources" / f"{ca.id}.crl"
    kept = kept if kept.exists() else next(place.site.folder.rglob(f"sources/{ca.id}.crl"))
    assert kept.stat().st_mode & 0o777 == 0o600
    place.site.add("source", "remove", ca.id)
    place.becomes(good, "crl_unavailable")
    until("its file is gone", lambda: not kept.exists())


def test_an_unreachable_publisher_refuses_or_lets_in_with_an_alert_as_the_site_says(place):
    ca = place.root()
    good = ca.devices[0]
    place.add(ca, "http://127.0.0.1:1/never.crl")
    until("it is noticed", lambda: place.metric("failures", ca) > 0, SOON_S)
    assert place.verdict(good) == "crl_unavailable"
    place.site.add("settings", "set", "on_unavailable", "allow")
    try:
        before = place.site.metric("cmg_verdicts_unchecked_total")
        place.becomes(good, "ok")
        assert place.site.metric("cmg_verdicts_unchecked_total") > before
        assert "let in unchecked" in place.site.log("cmg-gateway")
    finally:
        place.site.add("settings", "set", "on_unavailable", "fail")
    place.becomes(good, "crl_unavailable")


def test_a_connector_that_comes_back_is_asked_at_once(place):
    ca = place.root()
    good = ca.devices[0]
    at = publisher(place, "directory", ca, ca.crl(number=1))
    place.site.stop("cmg-connector")
    place.site.cmg("trust", "add", "--crl-source", ca.id, "--url", at.url, "--refresh", "1h")
    place.site.run("cmg-connector")
    place.site.wait_ready()
    place.becomes(good, "ok")


@pytest.mark.parametrize("url,why", [("file:///etc/hostname", "outside of the connector's source_folder"),
                                     ("{nginx}/moved/x", "redirects are not followed"),
                                     ("{nginx}/nothing-here.crl", "the server answered 404"),
                                     ("ldap://127.0.0.1:{ldap}/cn=nobody,dc=lab", "No such object"),
                                     ("ldap:///cn=CA,cn=CDP,dc=lab?certificateRevocationList?base", "connector.yaml names none: set 'directory"),
                                     ("{nginx}/index.txt", "not one CRL")])
def test_what_is_no_list_is_refused_with_its_cause_and_without_the_address(place, url, why):
    (place.www / "index.txt").write_text("hello\n")
    ca = place.root()
    url = url.format(nginx=place.nginx.url, ldap=place.directory.port)
    place.add(ca, url)
    until("it is told why", lambda: why in place.error(ca), SOON_S)
    assert url not in place.site.log("cmg-gateway")
    place.site.add("source", "remove", ca.id)


def test_a_connected_device_loses_its_connection_when_a_source_revokes_it(place):
    ca = place.root()
    good, bad = ca.devices
    at = publisher(place, "directory", ca, ca.crl(number=1))
    place.add(ca, at.url)
    place.becomes(bad, "ok")
    with Connected(place.site, bad) as lost, Connected(place.site, good) as kept:
        assert lost.alive() and kept.alive()
        at.replace(ca.crl([bad], number=2))
        until("the revoked device is hung up on", lambda: not lost.alive(), SOON_S)
        assert kept.alive()


def test_clients_do_not_reach_the_sources(place):
    ca = place.root()
    at = publisher(place, "http", ca, ca.crl())
    place.add(ca, at.url)
    place.becomes(ca.devices[0], "ok")
    for target in (f"/CCM_Proxy_MutualAuth/source/{ca.id}", f"/source/{ca.id}"):
        answer = gatewayclient.request(place.site, HTTP2, "GET", target, **ca.devices[0].client())
        assert answer.status == 404, answer
    answer = gatewayclient.request(place.site, HTTP2, "GET", f"/{ca.id}", host="source", **ca.devices[0].client())
    assert answer.status == 404, answer
    code, told = place.site.cmg("endpoint", "add", "source", "--url", "http://127.0.0.1:1", "--auth", "pki", check=False)
    assert code == 1 and "reserved" in told["error"]["what"]


def test_a_sample_certificate_tells_whether_the_uploads_are_enough(place, tmp_path):
    ca = place.root()
    issuing = pki.Ca(tmp_path, f"Issuing below {ca.name}", parent=ca)
    sample = issuing.device("sample")
    code, told = place.check(sample.path)
    assert (code, told["reason"]) == (1, "incomplete_chain") and issuing.name in told["detail"]
    place.site.cmg("trust", "add", "--intermediate", issuing.path)
    place.site.cmg("trust", "add", "--crl", ca.crl(), "--crl", issuing.crl())
    code, told = place.check(sample.path)
    assert (code, told["ok"], told["detail"]) == (0, True, "this chain is complete")
    code, told = place.check(issuing.device("server", usage=[pki.SERVER_AUTH]).path)
    assert (code, told["reason"]) == (1, "wrong_usage")
    code, told = place.check(pki.Ca(tmp_path, "Nobody's Root").device("stranger").path)
    assert code == 1 and told["reason"] in ("untrusted_root", "incomplete_chain")


def test_the_status_tells_of_each_source_what_is_wrong_and_when_it_is_tried_again(place):
    fine, gone = place.root(), place.root()
    place.add(fine, publisher(place, "http", fine, fine.crl()).url, refresh="1h")
    place.add(gone, "http://127.0.0.1:1/never.crl", refresh="1h")

    def told():
        sources = place.site.cmg("status")["gateways"][0]["sources"] or []
        by_id = {source["id"]: source for source in sources}
        return by_id if by_id.get(fine.id, {}).get("fetched") and by_id.get(gone.id, {}).get("failures") else None
    by_id = until("the gateway has told the site", told, SOON_S)
    assert by_id[fine.id]["error"] == "" and by_id[fine.id]["until"] > by_id[fine.id]["fetched"]
    assert "connect" in by_id[gone.id]["error"].lower() and by_id[gone.id]["fetched"] == 0
    assert by_id[gone.id]["next"] > 0
    code, out, err = programs.run([programs.program("cmg"), "status", "--socket", place.site.report["admin_socket"]])
    assert code == 0 and gone.id in out and "never" in out, err
