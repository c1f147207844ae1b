# SPDX-License-Identifier: Apache-2.0
"""What an administrator types with a slip, or reads: the words fit the case, and the remedy works when it is followed."""
import json
import re
import subprocess

import pytest

from kit.programs import program


def people(site, *arguments):
    """(exit code, standard output and error) as a person sees them."""
    done = subprocess.run([program("cmg"), *map(str, arguments), "--socket", site.report["admin_socket"]], capture_output=True,
                          text=True, timeout=30)
    return done.returncode, done.stdout + done.stderr


def remedy(text):
    return re.search(r"remedy: (.*)", text)[1]


@pytest.fixture(scope="module")
def spare(site, tmp_path_factory):
    """A gateway and a connector of this file's, for their ids are not given twice."""
    folder = tmp_path_factory.mktemp("spare")
    site.cmg("gateway", "add", "gw7", "--host", "gw7.example.com", "--port", "8443", "--out", folder / "gw7")
    site.cmg("connector", "add", "cp7", "--out", folder / "cp7")
    yield folder
    site.cmg("gateway", "remove", "gw7")
    site.cmg("connector", "remove", "cp7")
    code, said = people(site, "gateway", "add", "gw7", "--host", "gw7.example.com")
    assert code == 1 and "take another id" in said and "--renew" not in said
    site.wait_ready()


def test_the_remedy_for_a_known_connector_registers_its_certificate(site, ca, spare):
    code, said = people(site, "connector", "add", "cp7", "--cert", ca.good.path)
    assert code == 1 and "cmg connector certificate cp7 FILE" in remedy(said) and "remove" not in remedy(said)
    assert people(site, "connector", "certificate", "cp7", ca.good.path)[0] == 0


def test_the_remedy_for_a_known_gateway_writes_it_another_bootstrap_file(site, spare):
    code, said = people(site, "gateway", "add", "gw7", "--host", "gw7.example.com")
    assert code == 1 and "cmg gateway add gw7 --renew" in remedy(said)


def test_a_renewal_says_renewed_and_keeps_name_and_port(site, spare):
    code, said = people(site, "gateway", "add", "gw7", "--renew", "--out", spare / "again")
    assert code == 0 and "renewed" in said and "added" not in said, said
    listed = next(g for g in site.cmg("gateway", "list")["gateways"] if g["id"] == "gw7")
    assert (listed["host"], listed["port"]) == ("gw7.example.com", 8443)
    assert json.loads((spare / "again").read_text())["id"] == "gw7"
    code, said = people(site, "connector", "add", "cp7", "--renew", "--out", spare / "again")
    assert code == 0 and "renewed" in said and "added" not in said, said


def test_a_gateway_that_is_new_needs_a_host_and_one_that_is_not_known_can_not_be_renewed(site, tmp_path):
    code, said = people(site, "gateway", "add", "gw6", "--out", tmp_path / "f")
    assert code == 2 and "--host" in said
    code, said = people(site, "gateway", "add", "gw6", "--renew", "--out", tmp_path / "f")
    assert code == 1 and "cmg gateway list" in remedy(said)


@pytest.mark.parametrize("host, told", [
    ("[2001:db8::1]", "without brackets"), ("bücher.example", "xn--"), ("https://gw.example", "without https://"),
    ("gw.example:8443", "port"), ("gw.example/x", "path"), ("2001:db8::zz", "neither a host name nor an address")])
def test_a_gateways_host_in_another_form_is_refused_with_the_form_that_is_wanted(site, tmp_path, host, told):
    code, said = people(site, "gateway", "add", "gw6", "--host", host, "--out", tmp_path / "f")
    assert code == 1 and told in said, said
    assert "gw6" not in [g["id"] for g in site.cmg("gateway", "list")["gateways"]]


def test_names_with_other_letters_are_wanted_in_their_xn_form_wherever_a_host_is_named(site, tmp_path):
    for arguments in (["endpoint", "add", "e9", "--url", "http://127.0.0.1:1", "--host", "bücher.example", "--auth", "pki"],
                      ["endpoint", "add", "e9", "--url", "http://bücher.example", "--host", "a.example", "--auth", "pki"]):
        code, said = people(site, *arguments)
        assert code == 1 and "xn--" in said, said


def test_the_remedy_for_an_unknown_collection_lists_collections(site):
    code, said = people(site, "token", "new", "--collection", "no-such")
    assert code == 1 and "cmg collection list" in remedy(said) and "cmg token list" not in remedy(said)


@pytest.mark.parametrize("verb", [["set", "aproval", "manual"], ["get", "aproval"]])
def test_an_unknown_setting_is_answered_with_those_there_are(site, verb):
    code, said = people(site, "settings", *verb)
    lines = said.splitlines()
    assert code == 2 and "did you mean 'approval'" in lines[0]
    assert any(line.strip().startswith("approval ") for line in lines) and "--help" not in said
    assert lines[-1].strip().startswith("remedy: "), said


def test_a_source_without_a_wish_is_refreshed_by_default_and_others_are_told_in_words(site):
    for id, more in (("s8", []), ("s9", ["--refresh", "2h"])):
        site.cmg("source", "add", id, "--url", f"http://{id}.example/a.crl", *more)
    try:
        rows = {line.split()[0]: line.split() for line in people(site, "source", "list")[1].splitlines()}
        assert rows["s8"][3] == "default" and rows["s9"][3] == "2h", rows
    finally:
        for id in ("s8", "s9"):
            site.cmg("source", "remove", id)


def test_a_large_collection_is_shown_in_part_and_says_so(site, new_device):
    names = [f"PAGE-{i}" for i in range(3)]
    for name in names:
        new_device(name=name).at("ehttp").registered_by_token()
    site.cmg("collection", "add", "paged", "--rule", "method=token")
    try:
        count = len(site.cmg("collection", "show", "paged")["collection"]["devices"])
        code, said = people(site, "collection", "show", "paged", "--limit", "2")
        shown = [line for line in said.splitlines() if re.match(r"[0-9A-Fa-f]{8}-|\{?GUID:", line)]
        assert code == 0 and count >= 3 and len(shown) == 2, said
        assert f"2 of {count} devices" in said and "--limit" in said and "--json" in said
        whole = people(site, "collection", "show", "paged", "--limit", str(count))[1]
        assert all(name in whole for name in names) and " of " not in whole.splitlines()[-1]
    finally:
        site.cmg("collection", "remove", "paged")
