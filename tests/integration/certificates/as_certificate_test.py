# SPDX-License-Identifier: Apache-2.0
"""`cmg analyze --as-certificate`: the gateway itself judges a device's certificate without its key, and says the same as
it says to a request that shows the certificate."""
import json
import re
import time

import pytest
from cryptography.hazmat.primitives import serialization

from kit import gatewayclient, pki, programs
from kit.gatewayclient import HTTP1
from kit.pki import heap_of_certificates
from kit.programs import program, until


def judged(site, file, *options, gateway=None):
    """(the report, the step that judges)"""
    code, out, err = programs.run([program("cmg"), "analyze", gateway or site.report["gateway"], "--ca", site.report["ca"],
                                   "--as-certificate", file, "--socket", site.report["admin_socket"], "--json", *options],
                                  False)
    assert code in (0, 1) and out, err
    report = json.loads(out)
    assert code == (0 if report["ok"] else 1)
    steps = [s for s in report["steps"] if s["id"].startswith("as_certificate.")]
    assert len(steps) == 1, report
    return report, steps[0]


def shown(site, pair):
    """What a request with the certificate gets: (reason or "ok", the problem document)"""
    answer = gatewayclient.request(site, HTTP1, "GET", "/CCM_Proxy_MutualAuth/ServiceMetadata", **pair.client())
    problem = {} if answer.status == 200 else json.loads(answer.body)
    return problem.get("reason", "ok"), problem


def assert_same(site, pair, reason):
    """The question's answer and the request's are one, in reason, code and detail."""
    report, step = judged(site, pair.path)
    answer, = report["as_certificate"]["answers"]
    real, problem = shown(site, pair)
    assert answer["reason"] == real == reason
    assert answer["ok"] is (reason == "ok") and report["ok"] is answer["ok"]
    if reason != "ok":
        assert (answer["code"], step["cause"], step["remedy"]) == (problem["code"], reason, problem["remedy"])
        assert answer["detail"] == problem["detail"]
    assert answer["gateway"] == "gw1" and answer["bundle"] == site.gateway_bundle()
    assert abs(answer["at"] - time.time()) < 30
    return answer, step


def test_a_valid_one_is_let_in_by_which_list(site, ca):
    answer, step = assert_same(site, ca.good, "ok")
    crl, = answer["lists"]
    assert crl["issuer"] == "CN=Test Root" and crl["number"] == "1" and crl["next_update"] > time.time()
    assert re.search(r"bundle \d+; CRL 1 of CN=Test Root", step["found"])


def test_without_roots_of_its_own_the_way_is_judged_by_those_that_devices_are_given(site, ca):
    """An administrator's machine need not trust the internal CA for the certificate's verdict to come first."""
    code, out, _ = programs.run([program("cmg"), "analyze", "gw1", "--as-certificate", site.pki("revoked_certificate"),
                                 "--socket", site.report["admin_socket"], "--json"], False)
    failed = [s["cause"] for s in json.loads(out)["steps"] if s["outcome"] == "failed"]
    assert code == 1 and failed == ["revoked"]


def test_each_fault_is_named_as_a_request_would_hear_it(site, ca, tmp_path):
    stranger = pki.Ca(tmp_path, "Nobody Knows")
    for pair, reason in ((ca.revoked, "revoked"), (ca.device("as-ended", days=(-9, -2)), "expired"),
                         (ca.device("as-early", days=(2, 9)), "not_yet_valid"),
                         (ca.device("as-server", usage=[pki.SERVER_AUTH]), "wrong_usage"),
                         (stranger.device("as-stranger"), "incomplete_chain"),
                         (pki.self_signed(tmp_path, "as-alone"), "untrusted_root"),
                         (pki.tampered(tmp_path, ca.device("as-good"), "as-tampered"), "bad_signature")):
        assert_same(site, pair, reason)


def test_a_list_that_is_missing_or_ended(site, tmp_path):
    late = pki.Ca(tmp_path, "As Late Root")
    added = site.add("trust", "add", "--anchor", late.path)
    try:
        pair = late.device("as-unchecked")
        answer, step = assert_same(site, pair, "crl_unavailable")
        assert answer["lists"] == [] and "no CRL of its issuer" in step["found"]
        added["trust"] += site.add("trust", "add", "--crl", late.crl(days=(-30, -1)))["trust"]
        answer, _ = assert_same(site, pair, "crl_expired")
        assert answer["lists"][0]["next_update"] < time.time()
    finally:
        for entry in added["trust"]:
            site.cmg("trust", "remove", entry["id"])
        site.settle()


def test_a_blocked_devices_certificate(site, ca, new_device):
    pair = ca.device("as-blocked")
    device = new_device().with_certificate(pair.path, pair.key)
    device.must("register")
    assert_same(site, pair, "ok")
    site.add("device", "block", device.guid)
    report, step = judged(site, pair.path)
    real, problem = shown(site, pair)
    assert step["cause"] == real == "blocked" and step["code"] == problem["code"] == "CMGService_Not_Allowed"
    assert "cmg device unblock" in step["remedy"]


def test_pem_der_and_a_chain_with_its_intermediates(site, tmp_path):
    root = pki.Ca(tmp_path, "As Chain Root")
    between = pki.Ca(tmp_path, "As Intermediate", parent=root)
    added = site.add("trust", "add", "--anchor", root.path, "--crl", root.crl())
    try:
        alone, whole = between.device("as-leaf"), between.device("as-leaf-2", chain=[between])
        assert_same(site, alone, "incomplete_chain")
        assert_same(site, whole, "crl_unavailable")  # the path is found; nobody uploaded the intermediate's list
        assert_same(site, alone, "incomplete_chain")
        der = tmp_path / "leaf.der"
        der.write_bytes(alone.certificate.public_bytes(serialization.Encoding.DER))
        assert judged(site, der)[1]["cause"] == "incomplete_chain"
    finally:
        for entry in added["trust"]:
            site.cmg("trust", "remove", entry["id"])
        site.settle()


def test_as_many_certificates_count_as_in_a_handshake(site, ca, tmp_path):
    pair = ca.device("as-many")
    pair.path = heap_of_certificates(tmp_path, pair.client(), 40)
    assert_same(site, pair, "ok")


def test_a_key_in_the_file_never_leaves_it(site, ca, tmp_path):
    both = tmp_path / "both.pem"
    both.write_bytes(ca.good.key.read_bytes() + ca.good.path.read_bytes())
    assert judged(site, both)[0]["ok"]
    for log in site.folder.glob("*.log"):
        assert "PRIVATE" not in log.read_text(errors="replace")


def refused_file(site, file, *options):
    code, out, err = programs.run([program("cmg"), "analyze", site.report["gateway"], "--as-certificate", file, "--socket",
                                   site.report["admin_socket"], *options], False)
    assert code == 2 and not out
    return err


def test_files_that_are_no_certificate(site, ca, tmp_path):
    text, large, many = tmp_path / "text", tmp_path / "large", tmp_path / "many"
    text.write_text("no certificate here\n")
    large.write_bytes(b"x" * 140000)
    many.write_bytes(ca.good.path.read_bytes() * 65)
    assert "there is no certificate in it" in refused_file(site, text)
    assert "there is no certificate in it" in refused_file(site, ca.good.key)
    assert "larger than 131072 bytes" in refused_file(site, large)
    assert "more than 64 certificates" in refused_file(site, many)
    assert "no-such-file" in refused_file(site, tmp_path / "no-such-file")
    assert "stands alone" in refused_file(site, ca.good.path, "--cert", ca.good.path)


def test_a_gateway_is_named_by_its_id_or_its_address(site, ca):
    assert judged(site, ca.good.path, gateway="gw1")[0]["ok"]
    code, _, err = programs.run([program("cmg"), "analyze", "gw.example.net", "--as-certificate", ca.good.path, "--socket",
                                 site.report["admin_socket"]], False)
    assert code == 2 and f"gw1 (localhost:{site.port})" in err


def test_for_people_it_points_to_the_device(site, ca):
    _, out, _ = programs.run([program("cmg"), "analyze", site.report["gateway"], "--ca", site.report["ca"],
                              "--as-certificate", ca.revoked.path, "--socket", site.report["admin_socket"]], False)
    assert "as certificate CN=revoked" in out and "cmg-client analyze" in out
    assert re.search(r"failed +Verdict of gateway gw1", out) and "First cause revoked" in out


def test_it_is_audited_and_bounded(site, ca):
    judged(site, ca.good.path)
    event = next(e for e in site.admin("GET", "/v1/audit")["events"] if e["action"] == "certificate.ask")
    assert event["object"] == "gw1" and event["detail"] == "CN=good" and event["caller"].startswith("uid:")


def test_a_gateway_that_is_down_is_told_after_the_timeout(own_site):
    pair = own_site.ca(own_site.folder).device("as-waiting")
    assert judged(own_site, pair.path)[0]["ok"]
    own_site.kill("cmg-gateway")
    report, step = judged(own_site, pair.path, "--timeout", "1")
    assert step["cause"] == "gateway_silent" and "within 1 s" in step["found"] and "cmg status" in step["remedy"]
    own_site.run("cmg-gateway")
    own_site.wait_ready()
    until("it answers again", lambda: judged(own_site, pair.path)[0]["ok"], 20)
    own_site.kill("cmg-mp")
    code, _, err = programs.run([program("cmg"), "analyze", "gw1", "--as-certificate", pair.path, "--socket",
                                 own_site.report["admin_socket"]], False)
    assert code == 1 and err


def test_open_questions_have_a_maximum(own_site):
    pem = own_site.ca(own_site.folder).device("as-many").path.read_text()
    own_site.kill("cmg-gateway")
    for _ in range(32):
        own_site.admin("POST", "/v1/questions", {"certificate_pem": pem})
    with pytest.raises(AssertionError, match="32 questions to gateways are open"):
        own_site.admin("POST", "/v1/questions", {"certificate_pem": pem})
