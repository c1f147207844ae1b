# SPDX-License-Identifier: Apache-2.0
"""An anchor is trusted no longer: who registered by its certificates and is let in by another method still is told,
listed and removed."""
import json
import secrets

import pytest

from kit import pki, programs
from kit.inside import Inside, by_pki
from kit.programs import program


@pytest.fixture
def department(own_site, tmp_path):
    """A second PKI beside quickstart's."""
    root = pki.Ca(tmp_path, "Department Root")
    own_site.cmg("trust", "add", "--anchor", root.path, "--crl", root.crl([]))
    own_site.settle()
    return root


def registered(answer):
    assert answer.status == 200, answer
    return json.loads(answer.body)["guid"]


def cmg(site, *arguments):
    code, out, err = programs.run([program("cmg"), *arguments, "--socket", site.report["admin_socket"]], False)
    return code, out + err


@pytest.fixture
def devices(own_site, department, tmp_path):
    """By what → GUID: one that changed to a token, a machine with a key for each method, one by certificate alone, one
    of another PKI, and one with a token alone."""
    inside = Inside(own_site, tmp_path)
    bulk = own_site.cmg("token", "new", "--uses", "9")["token"].split(".", 2)[2]
    changed, both, alone = (department.device(f"pc-{name}-{secrets.token_hex(2)}") for name in ("changed", "both", "alone"))
    own, stranger = (pki.self_signed(tmp_path, f"key-{name}") for name in ("own", "stranger"))
    other = own_site.ca(tmp_path).device("pc-other")

    def by_certificate(pair, **more):
        return registered(inside.register(pair, mode="https", show=(pair.path, pair.key), **more))
    found = {"changed": by_certificate(changed), "alone": registered(by_pki(inside, alone)), "other": by_certificate(other),
             "own": registered(inside.register(own, bulk)), "stranger": registered(inside.register(stranger, bulk))}
    found["both"] = by_certificate(both, own=own)
    for pair in (changed, other):
        assert registered(inside.register(pair, bulk)) in found.values()
    return found


def anchor_of(site, subject):
    return next(entry["id"] for entry in site.cmg("trust", "list")["trust"] if subject in entry["subject"] and entry["kind"] == "anchor")


def test_who_is_let_in_by_token_though_its_anchor_is_trusted_no_longer_is_told_and_removed(own_site, devices):
    anchor = anchor_of(own_site, "Department Root")
    of_anchor = {devices[name] for name in ("changed", "alone", "both", "own")}
    assert {d["guid"] for d in own_site.cmg("device", "list", "--anchor", anchor)["devices"]} == of_anchor
    told = own_site.cmg("trust", "remove", anchor)["still_let_in"]
    assert told["count"] == 2 and told["not_known"] == 0
    assert {d["guid"] for d in told["devices"]} == {devices["changed"], devices["own"]}
    assert {d["guid"] for d in own_site.cmg("device", "list", "--anchor", anchor)["devices"]} == of_anchor
    code, said = cmg(own_site, "device", "remove", "--anchor", anchor)
    assert code == 2 and "4 devices" in said and "--yes" in said
    assert own_site.cmg("device", "remove", "--anchor", anchor, "--yes")["removed"] == 4
    assert {d["guid"] for d in own_site.cmg("device", "list")["devices"]} == {devices["other"], devices["stranger"]}


def test_what_is_told_leads_to_them(own_site, devices):
    anchor = anchor_of(own_site, "Department Root")
    code, said = cmg(own_site, "trust", "remove", anchor)
    assert code == 0 and "2 devices" in said and devices["changed"] in said and devices["own"] in said
    assert devices["alone"] not in said and f"cmg device remove --anchor {anchor}" in said
    code, said = cmg(own_site, "device", "list", "--anchor", anchor)
    assert code == 0 and devices["both"] in said
    assert "no device" in cmg(own_site, "device", "list", "--anchor", "0" * 64)[1]


def test_a_device_whose_anchor_an_earlier_version_did_not_note_is_counted_as_not_known(own_site, devices):
    own_site.sql("UPDATE device_certificate SET anchor = ''")
    code, said = cmg(own_site, "trust", "remove", anchor_of(own_site, "Department Root"))
    assert code == 0 and "3 devices" in said and "not known" in said


@pytest.mark.parametrize("arguments, word", [(["x", "--anchor", "y"], "or --anchor"), (["--pending", "--anchor", "y"], "or --anchor"),
                                             (["--anchor", "y", "--name", "z"], "--pending")])


def test_what_does_not_go_together_is_told(site, arguments, word):
    code, said = cmg(site, "device", "remove", *arguments)
    assert code == 2 and word in said
