# SPDX-License-Identifier: Apache-2.0
"""Revocation lists that are too long for the bundle: named in it by their hash, fetched once, kept, and made good when damaged."""
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from kit import gatewayclient, pki
from kit.gatewayclient import HTTP1
from kit.programs import until

METADATA = "/CCM_Proxy_MutualAuth/ServiceMetadata"
LONG = 4000  # entries: about 150 kB


def long_crl(root, revoked=(), number=1):
    """As Ca.crl, with thousands of strangers in it."""
    builder = (x509.CertificateRevocationListBuilder().issuer_name(pki.name_of(root.name))
               .last_update(pki.now() - pki.DAY).next_update(pki.now() + 30 * pki.DAY)
               .add_extension(x509.CRLNumber(number), False)
               .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.private.public_key()), False))
    serials = [pair.certificate.serial_number for pair in revoked] + [(7 << 64) + i for i in range(LONG)]
    for serial in serials:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(pki.now() - pki.DAY).build())
    path = root.folder / f"long-{number}.crl"
    path.write_bytes(builder.sign(root.private, hashes.SHA256()).public_bytes(serialization.Encoding.DER))
    return path


@pytest.fixture
def place(own_site, tmp_path):
    own_site.root = pki.Ca(tmp_path, "Long List Root")
    own_site.good, own_site.bad = own_site.root.device("good"), own_site.root.device("bad")
    own_site.cmg("trust", "add", "--anchor", own_site.root.path, "--crl", long_crl(own_site.root, [own_site.bad]))
    own_site.settle()
    return own_site


def reason(site, pair):
    answer = gatewayclient.request(site, HTTP1, "GET", METADATA, **pair.client())
    return None if answer.status == 200 else answer.problem()["reason"]


def kept(site):
    return sorted(path.name for path in (site.folder / "gateway-state" / "crls").iterdir())


def fetches(site):
    return sum("/.cmg/crl/" in line for line in site.access_log())


def test_a_long_list_judges_and_stands_in_no_bundle(place):
    assert reason(place, place.good) is None and reason(place, place.bad) == "revoked"
    [named] = [crl for crl in place.cmg("bundle", "show")["content"]["crls"] if isinstance(crl, dict)]
    assert kept(place) == [f"{named['sha256']}.crl"] and named["size"] > 100_000


def test_other_changes_of_the_bundle_don_t_fetch_it_again(place):
    before = fetches(place)
    assert before == 1
    for name in ("a", "b", "c"):
        place.add("gateway", "add", f"gw-{name}", "--host", f"{name}.example.com")
    assert fetches(place) == before
    assert reason(place, place.bad) == "revoked"


def test_a_newer_list_takes_the_place_of_the_old_one(place):
    assert reason(place, place.good) is None
    [old] = kept(place)
    place.add("trust", "add", "--crl", long_crl(place.root, [place.bad, place.good], number=2))
    assert reason(place, place.good) == "revoked"
    [new] = kept(place)
    assert new != old


def restart_gateway(site):
    site.kill("cmg-gateway")
    site.run("cmg-gateway")
    until("the gateway listens", lambda: site.admin_page("/healthz")[0] == 200)


def test_a_gateway_that_starts_without_its_site_has_the_list_that_it_kept(place):
    for name in ("cmg-mp", "cmg-connector"):
        place.kill(name)
    restart_gateway(place)
    assert reason(place, place.good) is None and reason(place, place.bad) == "revoked"


@pytest.mark.parametrize("damage", ["changed", "cut", "gone"])
def test_a_list_that_was_damaged_on_disk_lets_nobody_in_until_it_was_fetched_again(place, damage):
    for name in ("cmg-mp", "cmg-connector"):
        place.kill(name)
    path = place.folder / "gateway-state" / "crls" / kept(place)[0]
    whole = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(whole[:1000] if damage == "cut" else whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    restart_gateway(place)
    assert reason(place, place.good) == reason(place, place.bad) == "crl_unavailable"
    for name in ("cmg-mp", "cmg-connector"):
        place.run(name)
    until("the list is back", lambda: reason(place, place.good) is None, 20)
    assert reason(place, place.bad) == "revoked" and path.read_bytes() == whole


def test_a_list_that_the_site_can_t_give_keeps_other_changes_from_nobody(place):
    """The rest of the bundle is in use at once; the list is asked for again."""
    place.sql("UPDATE trust SET sha256 = '" + "0" * 64 + "' WHERE kind = 'crl' AND size > 100000",
              "UPDATE sequence SET value = value + 1 WHERE name IN ('bundle', 'site')")
    until("the bundle is in use without it", lambda: "can't be had" in place.log("cmg-gateway"), 10)
    until("its issuer's devices are refused", lambda: reason(place, place.good) == "crl_unavailable", 10)
    assert gatewayclient.request(place, HTTP1, "GET", METADATA, certificate=place.pki("certificate"),
                                 key=place.pki("key")).status == 200
    time.sleep(1)
    assert place.log("cmg-gateway").count("can't be had") <= 2
