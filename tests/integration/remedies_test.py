# SPDX-License-Identifier: Apache-2.0
"""From a fault to health by the words that were told: the commands of a remedy are read out of the answer, what they leave open is filled in, and they
are run as they stand."""
import re
import shlex

import pytest
from cryptography import x509

from kit import gatewayclient, pki
from kit.chains import ca as authority
from kit.chains import ROOT, SERVER, UNKNOWN, constraints, leaf, raw, usage
from kit.gatewayclient import HTTP2
from kit.programs import until
from pkix_hostile_test import judge

METADATA = "/CCM_Proxy_MutualAuth/ServiceMetadata"


def commands(remedy):
    """Each `cmg …` in the text, up to where the sentence goes on."""
    return [found.strip() for found in re.findall(r"cmg ((?:[a-z-]+ )+[^;,:()]*)", remedy)]


def follow(site, remedy, choose, **given):
    """Runs the command that `choose` begins, with words in capitals replaced by what they stand for."""
    chosen = [c for c in commands(remedy) if choose in c]
    assert chosen, (choose, remedy)
    words = [str(given.get(word, word)) for word in shlex.split(chosen[0])]
    assert not [w for w in words if re.fullmatch(r"[A-Z]+", w) and w not in map(str, given.values())], words
    answer = site.cmg(*words)
    site.settle()
    return answer


def problem(site, device, target=METADATA):
    answer = gatewayclient.request(site, HTTP2, "GET", target, **device.client())
    return answer.problem() if answer.status >= 400 else None


@pytest.fixture
def added(site):
    """Takes away what a remedy added."""
    ids = []
    yield lambda answer: ids.append(answer["id"] if "id" in answer else answer["trust"][0]["id"])
    for one in ids:
        site.cmg("trust", "remove", one, check=False)  # a newer list took its place
    site.settle()


def test_from_an_unknown_ca_to_a_device_that_is_let_in(site, tmp_path, added):
    """Root, list, intermediate, a list that ended: each refusal tells the next command, until none is left."""
    root = pki.Ca(tmp_path, "Root of the remedies")
    middle = pki.Ca(tmp_path, "Middle of the remedies", root)
    device = middle.device("pc-1")
    files = {"--intermediate": middle.path, "--anchor": root.path}
    fault = problem(site, device)
    assert fault["reason"] == "incomplete_chain"
    added(follow(site, fault["remedy"], "trust add --intermediate", FILE=files["--intermediate"]))
    fault = problem(site, device)
    assert fault["reason"] == "incomplete_chain" and "a root with --anchor FILE" in fault["remedy"]
    added(site.add("trust", "add", "--anchor", files["--anchor"]))
    for ca, days in ((middle, (-9, -1)), (middle, (-1, 30)), (root, (-1, 30))):
        fault = problem(site, device)
        assert fault["reason"] in ("crl_unavailable", "crl_expired"), fault
        path = ca.crl(number=len(str(days)) + days[1], days=days, file=f"{ca.name}{days[1]}.crl")
        added(follow(site, fault["remedy"], "trust add --crl", FILE=path))
    until("the device is let in", lambda: problem(site, device) is None, 10)


def test_a_name_that_is_not_published_is_published_by_the_command_that_is_named(site):
    fault = gatewayclient.request(site, HTTP2, "GET", "/CCM_Proxy_MutualAuth/nowhere/x").problem()
    assert fault["reason"] == "unknown_endpoint" and commands(fault["remedy"])[0].startswith("endpoint add")


def test_a_connector_that_is_known_gets_its_certificate_by_the_command_that_is_named(site, ca, tmp_path):
    code, answer = site.cmg("connector", "add", "cp1", "--cert", ca.good.path, "--out", tmp_path / "x.yaml", check=False)
    assert code != 0
    remedy = answer["error"]["remedy"]
    assert "cmg connector certificate cp1 FILE" in remedy


# --- the remedy hangs on the cause (a certificate's, at hand) ---

RARE = {"a key for encryption alone": (leaf(ROOT, ku=(usage("key_encipherment"), True)), [], "wrong_usage", "digitalSignature"),
        "no clientAuth": (leaf(ROOT, eku=(x509.ExtendedKeyUsage([SERVER]), False)), [], "wrong_usage", "clientAuth"),
        "a critical extension": (leaf(ROOT, more=[(UNKNOWN, True)]), [], "constraint_violated", "without this extension"),
        "an empty list of names": (leaf(ROOT, more=[raw("2.5.29.17", b"\x30\x00", False)]), [], "constraint_violated", "in the form that the clause"),
        "a name outside of constraints": (leaf(i := authority("I", ROOT, nc=constraints([x509.DNSName("example.com")])), subject="pc.other.example"), [i],
                                          "constraint_violated", "name constraints"),
        "a device that signs": (leaf(ROOT, ku=(usage("digital_signature", "key_cert_sign"), True)), [], "constraint_violated", "keyCertSign"),
        "a device's registration": (leaf(authority("MS-Organization-Access", ROOT)), [], "incomplete_chain", "CertIssuers"),
        "a missing issuer": (leaf(authority("J", ROOT)), [], "incomplete_chain", "--intermediate FILE")}


@pytest.mark.parametrize("subject, middle, reason, words", RARE.values(), ids=RARE)
def test_what_is_told_to_do_hangs_on_the_cause(tmp_path, subject, middle, reason, words):
    (answer,), _ = judge(tmp_path, [subject.der], middle=middle)
    assert answer["reason"] == reason and words in answer["remedy"], answer
