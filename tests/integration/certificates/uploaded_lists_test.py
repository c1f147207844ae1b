# SPDX-License-Identifier: Apache-2.0
"""Revocation lists and CAs that an administrator uploads: each is judged before it takes a place, none gives way to an older
one or to one of another scope, all of a file are taken, and what is of no use is refused or told."""
import json
import shutil

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import conftest
from kit import gatewayclient, pki, programs
from kit.gatewayclient import HTTP2
from kit.programs import until

METADATA = "/CCM_Proxy_MutualAuth/ServiceMetadata"
DAY, HOUR = 1, 1 / 24
SOON_S = 10


class Place:
    def __init__(self, folder):
        self.folder, self.count = folder, 0
        self.site = conftest.running_site(folder / "site", None)

    def root(self, name=None, **more):
        self.count += 1
        ca = pki.Ca(self.folder, name or f"Uploaded Root {self.count}", file=f"root-{self.count}.pem", **more)
        ca.id = self.site.add("trust", "add", "--anchor", ca.path)["trust"][0]["id"]
        return ca

    def give(self, *paths):
        """(exit code, rows, what stderr says)."""
        options = [word for path in paths for word in ("--crl", path)]
        code, out, err = programs.run([programs.program("cmg"), "trust", "add", *options, "--json", "--socket",
                                       self.site.report["admin_socket"]], check=False)
        return code, json.loads(out)["trust"] if out.strip() else [], err

    def take(self, *paths):
        code, rows, err = self.give(*paths)
        assert code == 0, err
        return rows

    def text(self, *arguments):
        return programs.run([programs.program("cmg"), *arguments, "--socket", self.site.report["admin_socket"]], check=False)

    def lists_of(self, ca):
        return [row for row in self.site.cmg("trust", "list")["trust"] if row["kind"] == "crl" and row["subject"] == f"CN={ca.name}"]

    def verdict(self, device):
        answer = gatewayclient.request(self.site, HTTP2, "GET", METADATA, **device.client())
        return "ok" if answer.status == 200 else answer.problem()["reason"]

    def becomes(self, device, verdict):
        until(f"the verdict is {verdict}", lambda: self.verdict(device) == verdict, SOON_S)

    def problems(self, *causes):
        found = self.site.cmg("status")["problems"]
        return [p for p in found if p["cause"] in causes] if causes else found

    def close(self):
        conftest.end_site(self.site)


@pytest.fixture(scope="module")
def place():
    path = conftest.temporary_folder()
    it = Place(path)
    yield it
    it.close()
    shutil.rmtree(path, ignore_errors=True)


def idp(**on):
    value = {"full_name": None, "relative_name": None, "only_contains_user_certs": False, "only_contains_ca_certs": False,
             "only_some_reasons": None, "indirect_crl": False, "only_contains_attribute_certs": False}
    return x509.IssuingDistributionPoint(**(value | on))


def test_a_ca_renewed_with_a_new_key_has_a_list_for_each_of_its_keys(place):
    """AD CS after "renew with new key": one name, two keys, two lists."""
    old = place.root("Corp CA")
    new = place.root("Corp CA")
    before, lost, after = old.device("before"), old.device("lost"), new.device("after")
    place.take(old.crl([lost], number=40, file="old.crl"))
    place.take(new.crl(number=1, file="new.crl"))
    assert len(place.lists_of(old)) == 2
    place.becomes(after, "ok")
    assert (place.verdict(before), place.verdict(lost)) == ("ok", "revoked")
    place.take(old.crl([lost, before], number=41, file="old-2.crl"))
    place.becomes(before, "revoked")
    assert len(place.lists_of(old)) == 2


def test_partitions_and_reasons_stand_side_by_side_and_each_can_be_taken_away(place):
    """As of PKITS 4.14.18, 4.14.19: no list has it all."""
    ca = place.root()
    some = frozenset([x509.ReasonFlags.key_compromise, x509.ReasonFlags.ca_compromise])
    rest = frozenset(set(x509.ReasonFlags) - some - {x509.ReasonFlags.unspecified, x509.ReasonFlags.remove_from_crl})
    good, bad = ca.device("of-some-reasons"), ca.device("held")
    place.take(ca.crl(number=1, file="some.crl", more=[idp(only_some_reasons=some)]))
    rows = place.take(ca.crl([bad], number=1, file="rest.crl", more=[idp(only_some_reasons=rest)]))
    place.becomes(good, "ok")
    assert place.verdict(bad) == "revoked"
    assert rows[0]["scope"] == "some reasons"
    place.take(ca.crl(number=1, file="users.crl", more=[idp(only_contains_user_certs=True)]),
               ca.crl(number=1, file="cas.crl", more=[idp(only_contains_ca_certs=True)]))
    assert sorted(row["scope"] for row in place.lists_of(ca)) == ["CAs", "devices", "some reasons", "some reasons"]
    for row in place.lists_of(ca):
        place.site.cmg("trust", "remove", row["id"])
    assert place.lists_of(ca) == []
    place.becomes(good, "crl_unavailable")


@pytest.mark.parametrize("numbers", [(None, None), (5, 5), (6, 5), (5, None)])
def test_an_older_list_is_refused_with_both_ages(place, numbers):
    ca = place.root()
    bad = ca.device(f"bad-{place.count}")
    new, old = numbers
    place.take(ca.crl([bad], number=new, days=(-HOUR, 30), file="newer.crl"))
    place.becomes(bad, "revoked")
    code, rows, err = place.give(ca.crl(number=old, days=(-9 * DAY, 30), file="older.crl"))
    assert code == 1 and rows == [] and "older than the list in use" in err, err
    assert place.verdict(bad) == "revoked"
    assert len(place.lists_of(ca)) == 1


def test_a_higher_number_does_not_make_an_earlier_date_newer(place):
    ca = place.root()
    place.take(ca.crl(number=5, days=(-HOUR, 30), file="five.crl"))
    code, _, err = place.give(ca.crl(number=6, days=(-9 * DAY, 30), file="six.crl"))
    assert code == 1 and "older than the list in use" in err, err


def test_a_strangers_list_is_refused_and_displaces_nothing(place, tmp_path):
    ca = place.root()
    good = ca.device(f"good-{place.count}")
    place.take(ca.crl(number=7))
    place.becomes(good, "ok")
    stranger = pki.Ca(tmp_path, ca.name)
    code, _, err = place.give(stranger.crl(number=2**60))
    assert code == 1 and "another key" in err, err
    right_name = ca.private
    stranger.private, forger = right_name, stranger.private
    forged = x509.load_pem_x509_crl(stranger.crl(number=2**60, file="forged.crl").read_bytes())
    der = bytearray(forged.public_bytes(serialization.Encoding.DER))
    der[-3] ^= 1
    (tmp_path / "forged.crl").write_bytes(der)
    code, _, err = place.give(tmp_path / "forged.crl")
    assert code == 1 and "signature is wrong" in err, err
    assert place.verdict(good) == "ok" and len(place.lists_of(ca)) == 1 and forger


def test_a_list_of_an_unknown_ca_is_told_of_until_its_ca_comes(place, tmp_path):
    ca = pki.Ca(tmp_path, "Late Root")
    device = ca.device("late")
    code, out, err = place.text("trust", "add", "--crl", ca.crl(number=3))
    assert code == 0 and "warning" in err and "CN=Late Root" in err and "Late Root" in out, err
    assert "CN=Late Root" in [p["of"] for p in place.problems("list_unusable")]
    assert "is of no use" in place.text("status")[1]
    place.site.cmg("trust", "add", "--anchor", ca.path)
    assert "CN=Late Root" not in [p["of"] for p in place.problems("list_unusable")]
    place.becomes(device, "ok")
    code, _, err = place.give(ca.crl(number=2))
    assert code == 1 and "older" in err, err


def test_what_ends_soon_or_has_ended_is_told_when_it_comes_and_in_status(place):
    ca = place.root()
    code, _, err = place.text("trust", "add", "--crl", ca.crl(days=(-9 * DAY, -DAY), number=1))
    assert code == 0 and "expired" in err, err
    problem = [p for p in place.problems("list_ended") if p["of"] == f"CN={ca.name}"]
    assert len(problem) == 1 and "cmg trust add --crl FILE" in problem[0]["remedy"]
    place.take(ca.crl(days=(-DAY, 5 * DAY), number=2))
    assert f"CN={ca.name}" in [p["of"] for p in place.problems("list_ends_soon")]
    place.take(ca.crl(days=(-HOUR, 30 * DAY), number=3))
    assert f"CN={ca.name}" not in [p["of"] for p in place.problems()]
    ending = place.root(days=(-900, 5))
    assert f"CN={ending.name}" in [p["of"] for p in place.problems("anchor_ends_soon")]


def test_an_ended_uploaded_list_is_told_with_the_remedy_for_uploads(place):
    ca = place.root()
    device = ca.device(f"waits-{place.count}")
    place.take(ca.crl(days=(-9 * DAY, -DAY), number=1))
    place.becomes(device, "crl_expired")
    problem = gatewayclient.request(place.site, HTTP2, "GET", METADATA, **device.client()).problem()
    assert "cmg trust add --crl FILE" in problem["detail"] + problem["remedy"], problem


def test_certificates_that_are_of_no_use_are_told_by_name(place, tmp_path):
    ca = pki.Ca(tmp_path, "Root for nothing")
    leaf, ended = ca.device("just-a-device"), pki.Ca(tmp_path, "Ended Root", days=(-900, -1))
    for option, path, words in (("--anchor", leaf.path, "no CA's certificate"), ("--anchor", ended.path, "expired"),
                                ("--intermediate", ca.path, "is a root")):
        code, out, err = place.text("trust", "add", option, path)
        assert code == 0 and "warning" in err and words in err, (path, err)
    causes = {p["of"]: p["cause"] for p in place.problems()}
    assert causes["CN=just-a-device"] == "anchor_unusable"
    assert causes["CN=Ended Root"] == "anchor_ended"
    assert causes["CN=Root for nothing"] == "intermediate_unusable"


def test_every_list_and_certificate_of_a_file_or_folder_is_taken(place, tmp_path):
    root = pki.Ca(tmp_path, "Whole Root")
    issuing = pki.Ca(tmp_path, "Whole Issuing", parent=root)
    device = issuing.device("whole")
    (tmp_path / "chain.pem").write_bytes(root.path.read_bytes() + b"and\n" + pki.Ca(tmp_path, "Another Root").path.read_bytes())
    rows = place.site.cmg("trust", "add", "--anchor", tmp_path / "chain.pem")["trust"]
    assert [row["subject"] for row in rows] == ["CN=Whole Root", "CN=Another Root"]
    place.site.cmg("trust", "add", "--intermediate", issuing.path)
    (tmp_path / "chain.crl").write_bytes(issuing.crl().read_bytes() + root.crl().read_bytes())
    assert len(place.take(tmp_path / "chain.crl")) == 2
    place.becomes(device, "ok")
    folder = tmp_path / "lists"
    folder.mkdir()
    for n in range(40):
        pki.Ca(folder, f"Many {n}").crl(file=f"{n:02}.crl")
    (folder / "zz.crl").write_bytes(issuing.crl(number=2).read_bytes())
    for path in folder.glob("*.pem"):
        path.unlink()
    assert len(place.take(folder)) == 41
    assert len(place.take(*sorted(folder.iterdir()))) == 41


def test_one_that_is_refused_keeps_no_other_one_out(place, tmp_path):
    ca = place.root()
    (tmp_path / "bad.crl").write_text("hello\n")
    code, rows, err = place.give(tmp_path / "bad.crl", ca.crl())
    assert code == 1 and len(rows) == 1 and "not one CRL" in err


def test_what_is_no_pem_is_told_as_what_it_is(place, tmp_path):
    ca = pki.Ca(tmp_path, "Form Root")
    text = ca.path.read_text()
    p7b = tmp_path / "x.p7b"
    from cryptography.hazmat.primitives.serialization import pkcs7
    p7b.write_bytes(pkcs7.serialize_certificates([ca.certificate], serialization.Encoding.DER))
    for name, content, words in (("utf16.pem", text.encode("utf-16"), "UTF-16"), ("x.p7b", p7b.read_bytes(), "PKCS#7"),
                                 ("crl.pem", ca.crl().read_bytes(), "CRL")):
        (tmp_path / name).write_bytes(content)
        code, _, err = place.text("trust", "add", "--anchor", tmp_path / name)
        assert code == 1 and words in err, err
    code, _, err = place.give(ca.path)
    assert code == 1 and "holds certificates" in err and "--anchor FILE" in err, err


def test_a_file_that_is_too_long_is_told_with_the_way_out(place, tmp_path):
    with open(tmp_path / "long.crl", "wb") as f:
        f.truncate(17 * 1024 * 1024)
    code, _, err = place.give(tmp_path / "long.crl")
    assert code == 1 and "--crl-source" in err, err


def test_a_delta_that_fits_stays_when_one_comes_whose_complete_list_is_not_here_yet(place):
    ca = place.root()
    bad = ca.device(f"listed-{place.count}")
    delta = lambda number, base, *revoked: ca.crl(revoked, number, file=f"delta-{number}.crl", more=[x509.DeltaCRLIndicator(base)])
    place.take(ca.crl(number=10, file="complete.crl"))
    place.take(delta(11, 10, bad))
    place.becomes(bad, "revoked")
    place.take(delta(13, 12))
    place.take(delta(14, 10))
    assert place.verdict(bad) == "revoked"
    place.take(ca.crl([bad], number=12, file="complete-2.crl"))
    assert place.verdict(bad) == "revoked"
    assert sorted(row["number"] for row in place.lists_of(ca)) == ["12", "13", "14"]
    code, _, err = place.give(delta(11, 10, bad))
    assert code == 1 and "holds what it says" in err, err
