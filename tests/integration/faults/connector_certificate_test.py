# SPDX-License-Identifier: Apache-2.0
"""The connector judges its own PKI client certificate as management points would: at start-up and at each change it says
in its log, to --check-config and to `cmg status` which step rules the certificate out, and what to do."""
import json
import os
import re
import shutil
import signal

import pytest

from conftest import end_site, running_site, temporary_folder
from kit import pki, programs
from kit.analyze import analyze, good
from kit.programs import program, until

STEPS = ["certificate", "private_key", "digital_signature", "client_auth", "validity", "chain", "crl"]


@pytest.fixture(scope="module")
def own(new_store):
    """A site whose connector gets other certificates; its programs run one by one."""
    path = temporary_folder()
    site = running_site(path / "site", new_store())
    try:
        yield site.take_apart()
    finally:
        end_site(site)
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def root(own):
    """Trusted by the site, with a list in which nothing stands yet."""
    path = own.folder.parent / "pki"
    path.mkdir()
    it = pki.Ca(path, "Connector Root")
    own.cmg("trust", "add", "--anchor", it.path, "--crl", it.crl())
    return it


def configure(site, certificate, key):
    """Restarts the connector with this client certificate; None: without one."""
    path = site.folder / "connector.yaml"
    line = f"client_certificate: {{certificate: {certificate}, key: {key}}}\n" if certificate else ""
    path.write_text(re.sub(r"(?m)^client_certificate:.*\n", "", path.read_text()) + line)
    site.stop("cmg-connector")
    begin = len(site.log("cmg-connector"))
    site.run("cmg-connector")
    return lambda: site.log("cmg-connector")[begin:]


def use(site, pair, key=None, register=True):
    if register:
        site.cmg("connector", "certificate", "cp1", pair.path)
    return configure(site, pair.path, key or pair.key)


def told(site):
    return site.cmg("status")["connectors"][0]["client_certificate"]


def until_told(site, words="", **wanted):
    def as_wanted():
        now = told(site)
        return now if words in now["detail"] and all(now[name] == value for name, value in wanted.items()) else None
    try:
        return until(f"cmg status tells {wanted}", as_wanted, 10)
    except AssertionError as failure:
        raise AssertionError(f"{failure}; it tells {told(site)}") from None


def check_config(site):
    code, out, err = programs.run([program("cmg-connector"), "--config", site.folder / "connector.yaml",
                                   "--check-config"], False)
    return code, out + err


def as_text(site):
    return programs.run([program("cmg"), "status", "--socket", site.report["admin_socket"]])[1]


def assert_ruled_out(site, log, step, words):
    """Everybody who is asked names the same step first, with the cause and a remedy."""
    line = until(f"its log names {step}", lambda: next((l for l in log().splitlines() if f"ruled out step={step}" in l),
                                                       None), 10)
    assert words in line and "remedy=" in line and " error " in line
    now = until_told(site, words, state="failed", step=step)
    outcomes = {s["step"]: s["outcome"] for s in now["steps"]}
    assert now["remedy"] and now["needed"]
    assert list(outcomes) == STEPS and outcomes[step] == "failed"
    code, said = check_config(site)
    assert code == 1 and f"ruled out at {step}" in said and words in said
    text = as_text(site)
    assert re.search(rf"cp1 +failed +{step}", text) and "remedy: " in text
    assert words in re.sub(r"\s+", " ", text)


def test_a_good_one_passes_every_step(own, root):
    pair = root.device("connector-good")
    log = use(own, pair)
    now = until_told(own, state="ok", subject="CN=connector-good")
    assert [s["outcome"] for s in now["steps"]] == ["ok"] * len(STEPS) and now["registered"] and now["remedy"] == ""
    assert "client certificate passes every step" in log()
    code, said = check_config(own)
    assert code == 0 and "no fault found" in said
    assert re.search(r"cp1 +ok +none", as_text(own))


def test_a_key_of_another_certificate(own, root):
    log = use(own, root.device("connector-key"), key=root.device("other").key)
    assert_ruled_out(own, log, "private_key", "belongs to another certificate")


def test_no_digital_signature(own, root):
    log = use(own, root.device("connector-usage", digital_signature=False))
    assert_ruled_out(own, log, "digital_signature", "digitalSignature")


@pytest.mark.parametrize("usage", [(pki.SERVER_AUTH,), ()], ids=["for servers", "for nothing said"])
def test_no_client_authentication(own, root, usage):
    log = use(own, root.device("connector-server", usage=usage))
    assert_ruled_out(own, log, "client_auth", "clientAuth")


def test_out_of_its_time(own, root):
    log = use(own, root.device("connector-early", days=(2, 9)))
    assert_ruled_out(own, log, "validity", "it is valid from")
    ended = root.device("connector-ended", days=(-9, -2))
    assert own.cmg("connector", "certificate", "cp1", ended.path, check=False)[0] == 1, "the site takes none that ended"
    assert_ruled_out(own, use(own, ended, register=False), "validity", "it expired on")


def test_a_chain_to_nobody_known(own, root):
    stranger = pki.Ca(root.folder, "Unknown Connector Root")
    log = use(own, stranger.device("connector-stranger"))
    assert_ruled_out(own, log, "chain", "Unknown Connector Root")
    own.cmg("trust", "add", "--anchor", stranger.path, "--crl", stranger.crl())
    until_told(own, state="ok")


def test_a_revoked_one_and_the_news_of_it(own, root):
    pair = root.device("connector-revoked")
    log = use(own, pair)
    until_told(own, state="ok", subject="CN=connector-revoked")
    own.cmg("trust", "add", "--crl", root.crl([pair], number=2))
    assert_ruled_out(own, log, "crl", "is on its issuer's CRL")
    own.cmg("settings", "set", "crl_check", "off")
    try:
        until_told(own, state="ok")
    finally:
        own.cmg("settings", "set", "crl_check", "on")
    until_told(own, state="failed", step="crl")


def test_a_list_that_ended(own, root):
    late = pki.Ca(root.folder, "Late Root")
    own.cmg("trust", "add", "--anchor", late.path, "--crl", late.crl(days=(-30, -1)))
    log = use(own, late.device("connector-late"))
    assert_ruled_out(own, log, "crl", "expired")


def test_lists_that_the_connector_itself_relays_count(own, root, tmp_path):
    far = pki.Ca(tmp_path, "Directory Root")
    pair, gone = far.device("connector-far"), far.device("connector-gone")
    own.cmg("trust", "add", "--anchor", far.path)
    folder = own.folder / "lists"
    folder.mkdir()
    path = own.folder / "connector.yaml"
    path.write_text(path.read_text() + f"source_folder: {folder}\n")
    log = use(own, pair)
    assert_ruled_out(own, log, "crl", "Directory Root")
    shutil.copy(far.crl([gone]), folder / "far.crl")
    own.cmg("trust", "add", "--crl-source", "far", "--url", f"file://{folder}/far.crl", "--via", "connector")
    until_told(own, state="ok", subject="CN=connector-far")
    assert_ruled_out(own, use(own, gone), "crl", "is on its issuer's CRL")
    own.admin("DELETE", "/v1/sources/far")


def test_a_list_that_only_gateways_have_rules_nothing_out(own, root, tmp_path):
    far = pki.Ca(tmp_path, "Internet Root")
    own.cmg("trust", "add", "--anchor", far.path)
    own.cmg("trust", "add", "--crl-source", "web", "--url", "http://crl.invalid/web.crl", "--via", "internet")
    use(own, far.device("connector-web"))
    now = until_told(own, state="unknown", step="crl")
    assert "--as-certificate" in now["detail"]
    own.admin("DELETE", "/v1/sources/web")


def test_another_certificate_than_the_registered_one(own, root):
    own.cmg("connector", "certificate", "cp1", root.device("connector-first").path)
    use(own, root.device("connector-second"), register=False)
    now = until_told(own, state="failed", step="registered")
    assert "cmg connector certificate" in now["remedy"]
    own.wait_ready()
    assert first_fault(own, lambda f: f["id"] != "connectors") == "client_certificate_required"
    own.cmg("connector", "certificate", "cp1", root.folder / "connector-second.pem")
    until("the analyzer finds nothing", lambda: analyze(own, *good(own))["ok"], 10)


def first_fault(site, wanted):
    """What the analyzer names first, once that is at the step that is meant."""
    faults = until("the analyzer finds it", lambda: [s for s in analyze(site, *good(site))["steps"]
                                                     if s["outcome"] == "failed" and wanted(s)], 10)
    return faults[0]["cause"]


def test_the_role_certificate_is_looked_at_too(own, root, tmp_path):
    code, said = check_config(own)
    assert "role certificate of connector cp1: ok" in said
    path = own.folder / "connector.bootstrap.json"
    kept = path.read_text()
    bootstrap = json.loads(kept)
    bootstrap["key_pem"] = root.device("some-key").key.read_text()
    path.write_text(json.dumps(bootstrap))
    code, said = check_config(own)
    assert code == 1 and "role certificate: ruled out" in said and "cmg connector add ID --renew" in said
    made = own.cmg("connector", "add", "cp1", "--renew", "--out", tmp_path / "again.json")
    path.write_text((tmp_path / "again.json").read_text())
    assert "role certificate of connector cp1: ok" in check_config(own)[1], made
    path.write_text(kept)


def test_a_connector_without_one(own, root):
    own.cmg("connector", "add", "cp2")
    lacking = next(c for c in own.cmg("status")["connectors"] if c["id"] == "cp2")["client_certificate"]
    assert (lacking["state"], lacking["step"]) == ("missing", "registered")
    assert "https and takes pki clients" in lacking["detail"] and "cmg connector add" in lacking["remedy"]
    assert re.search(r"cp2 +missing", as_text(own))
    own.cmg("connector", "remove", "cp2")
    log = configure(own, None, None)
    until("it says so and ends", lambda: own.alone["cmg-connector"].poll() is not None and "can't start" in log(), 10)
    assert "connector-certificate-missing" in log()
    now = until_told(own, state="missing", step="configured")
    assert "its own file" not in now["remedy"] and "needs a PKI client certificate" in now["remedy"]
    fault = until("the analyzer misses it", lambda: next(
        (s for s in analyze(own, *good(own))["steps"] if s["outcome"] == "failed"), None), 10)
    assert (fault["id"], fault["cause"]) == ("connectors", "no_connection_point") and "cmg status" in fault["remedy"]


def pkcs12(pair, path, password):
    programs.run(["openssl", "pkcs12", "-export", "-in", pair.path, "-inkey", pair.key, "-out", path, "-passout", f"pass:{password}"])
    path.chmod(0o600)


def test_pkcs12_is_taken_and_files_that_change_are_read_anew(own, root, tmp_path):
    file, password = tmp_path / "connector.p12", tmp_path / "password"
    password.write_text("a secret\n")
    password.chmod(0o600)
    first = root.device("connector-p12")
    pkcs12(first, file, "a secret")
    own.cmg("connector", "certificate", "cp1", first.path)
    path = own.folder / "connector.yaml"
    path.write_text(re.sub(r"(?m)^client_certificate:.*\n", "", path.read_text()) +
                    f"client_certificate: {{certificate: {file}, password_file: {password}}}\n")
    own.stop("cmg-connector")
    own.run("cmg-connector")
    until_told(own, state="ok", subject="CN=connector-p12")
    second = root.device("connector-p12-next")
    own.cmg("connector", "certificate", "cp1", second.path)
    pkcs12(second, file, "a secret")
    os.kill(own.pid("cmg-connector"), signal.SIGHUP)
    until_told(own, state="ok", subject="CN=connector-p12-next")
    third = root.device("connector-p12-last")
    pkcs12(third, file, "another")
    os.kill(own.pid("cmg-connector"), signal.SIGHUP)
    until("it says why it goes on with the one before", lambda: "the client certificate in use stays" in own.log("cmg-connector"), 5)
    assert told(own)["subject"] == "CN=connector-p12-next"
    password.write_text("another\r\n")  # seen without a signal
    until("the next is in use", lambda: told(own)["subject"] == "CN=connector-p12-last", 25)


def test_a_file_that_changed_is_what_management_points_are_shown(own, root, tmp_path):
    pair = root.device("connector-then")
    use(own, pair)
    until_told(own, state="ok", subject="CN=connector-then")
    refused = root.device("connector-refused", usage=(pki.SERVER_AUTH,))
    pair.key.write_bytes(refused.key.read_bytes())
    pair.path.write_bytes(refused.path.read_bytes())
    os.kill(own.pid("cmg-connector"), signal.SIGHUP)
    until_told(own, state="failed", step="client_auth")
