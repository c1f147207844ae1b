# SPDX-License-Identifier: Apache-2.0
"""The field's public test collections, asked through `cmg cert check` and `cmg token check`: the gateway's own code."""
import json
import subprocess
from pathlib import Path

import pytest

from kit import programs
from kit.batch import ask

PKITS = Path("/usr/lib/python3/dist-packages/cryptography_vectors/x509/PKITS_data")
TABLE = Path(__file__).parent / "collections" / "pkits.txt"

# Where we differ from PKITS, by the clause. DSA is no algorithm of TLS clients (RFC 8422 and 8446 B.3.1.3 have none).
DEVIATIONS = {
    # OpenSSL 3 does not take DSA parameters from the issuer (RFC 3279 2.3.2, RFC 5280 6.1.4 (e)): the key can't be read.
    "4.1.5": "weak_key",
}
# And with the strength that the gateway wants: DSA keys of 1024 bits.
TOO_WEAK = {"4.1.4": "weak_key", "4.1.6": "weak_key"}


# --- NIST PKITS ---

def pkits():
    """(section, reason, certificate): every case of 4.1 to 4.16."""
    return [line.split() for line in TABLE.read_text().splitlines() if line and line[0] != "#"]


def pkits_case(certificate, **more):
    certs = PKITS / "certs"
    return {"anchors": f"{certs}/TrustAnchorRootCertificate.crt", "intermediates": str(certs), "crl": f"{PKITS}/crls",
            "at": "2020-06-01T00:00:00Z", "purpose": "any", "cert": f"{certs}/{certificate}.crt"} | more


def differences(cases, answers, known):
    wanted = {section: known.get(section, reason) for section, reason, _ in cases}
    return [(section, name, wanted[section], answer["reason"], answer["detail"])
            for (section, _, name), answer in zip(cases, answers)
            if answer["reason"] != wanted[section] or answer["ok"] != (wanted[section] == "ok")]


needs_pkits = pytest.mark.skipif(not PKITS.is_dir(), reason="no python3-cryptography-vectors: run make deps")


def test_the_table_holds_every_pkits_case():
    counts = {}
    for section, _, _ in pkits():
        part = section.rpartition(".")[0]
        counts[part] = counts.get(part, 0) + 1
    assert counts == {"4.1": 6, "4.2": 8, "4.3": 11, "4.4": 21, "4.5": 8, "4.6": 17, "4.7": 5, "4.8": 20, "4.9": 8,
                      "4.10": 14, "4.11": 11, "4.12": 10, "4.13": 38, "4.14": 35, "4.15": 10, "4.16": 2}


@needs_pkits
def test_every_pkits_case_gets_the_expected_verdict(folder):
    cases = pkits()
    answers = ask(folder, "cert", [pkits_case(name, minimum_strength="off") for _, _, name in cases])
    assert differences(cases, answers, DEVIATIONS) == []


@needs_pkits
def test_the_gateways_minimum_strength_changes_only_the_cases_with_dsa(folder):
    cases = pkits()
    answers = ask(folder, "cert", [pkits_case(name) for _, _, name in cases])
    assert differences(cases, answers, DEVIATIONS | TOO_WEAK) == []


@needs_pkits
def test_without_revocation_checks_the_paths_alone_decide(folder):
    cases = [c for c in pkits() if c[0].split(".")[1] in ("4", "14", "15") and c[1] in ("revoked", "crl_unavailable",
                                                                                       "crl_expired")]
    answers = ask(folder, "cert", [pkits_case(name, crl_check="off") for _, _, name in cases])
    assert len(cases) > 40 and all(answer["ok"] for answer in answers)


@needs_pkits
def test_a_revocation_needs_no_other_list_than_that_of_its_own_path(folder):
    """The same verdicts with nothing but the files that the case is about."""
    own = {"4.4.3": ["GoodCACRL"], "4.15.3": ["deltaCRLCA1CRL", "deltaCRLCA1deltaCRL"],
           "4.14.31": ["indirectCRLCA5CRL"]}
    cas = {"4.4.3": ["GoodCACert"], "4.15.3": ["deltaCRLCA1Cert"],
           "4.14.31": ["indirectCRLCA6Cert", "indirectCRLCA5Cert"]}
    cases = [c for c in pkits() if c[0] in own]
    asked = [pkits_case(name, intermediates=[f"{PKITS}/certs/{ca}.crt" for ca in cas[section]],
                        crl=[f"{PKITS}/crls/TrustAnchorRootCRL.crl"] + [f"{PKITS}/crls/{c}.crl" for c in own[section]])
             for section, _, name in cases]
    assert differences(cases, ask(folder, "cert", asked), {}) == []


@needs_pkits
def test_ten_thousand_cases_take_seconds(folder):
    names = [name for _, _, name in pkits()]
    before = programs.spent_s()
    ask(folder, "cert", [pkits_case(names[i % len(names)]) for i in range(10000)])
    assert programs.spent_s() - before < 60


@needs_pkits
def test_one_case_tells_its_verdict_by_the_exit_code():
    def run(certificate, *more):
        c = pkits_case(certificate)
        return subprocess.run([programs.program("cmg"), "cert", "check", "--anchors", c["anchors"], "--intermediates",
                               c["intermediates"], "--crl", c["crl"], "--at", c["at"], "--purpose", "any", "--json",
                               *more, c["cert"]], capture_output=True, timeout=60)
    good, bad = run("ValidCertificatePathTest1EE"), run("InvalidRevokedEETest3EE")
    assert good.returncode == 0 and json.loads(good.stdout)["identity"] == "Valid EE Certificate Test1"
    assert bad.returncode == 1 and json.loads(bad.stdout)["reason"] == "revoked"
    assert run("ValidCertificatePathTest1EE", "--purpose", "client").returncode == 1
    assert run("ThereIsNoSuchFile").returncode == 2
    assert run("ValidCertificatePathTest1EE", "--at", "yesterday").returncode == 2


@needs_pkits
def test_more_lists_than_fit_a_hand_can_be_named(folder):
    crls = [argument for crl in sorted((PKITS / "crls").iterdir()) for argument in ("--crl", str(crl))]
    c = pkits_case("ValidDSASignaturesTest4EE")
    done = subprocess.run([programs.program("cmg"), "cert", "check", "--anchors", c["anchors"], "--intermediates",
                           c["intermediates"], "--at=1590969600", "--minimum-strength", "off", "--purpose=any", *crls,
                           c["cert"]], capture_output=True, timeout=60)
    assert len(crls) > 300 and done.returncode == 0, done.stderr
