# SPDX-License-Identifier: Apache-2.0
"""The administrator's command, with --json and for people, and the programs' own command lines."""
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import time

import pytest

from kit import gatewayclient, pki, programs
from kit.programs import program, until

PROGRAMS = ["cmg-gateway", "cmg-connector", "cmg-mp"]


def people(site, *arguments, check=True):
    return programs.run([program("cmg"), *arguments, "--socket", site.report["admin_socket"]], check)


def test_quickstart_tells_all_that_is_promised(site):
    report = site.report
    assert report["gateway"].startswith("https://") and set(report["roles"]) == {"https", "ehttp"}
    for file in (report["ca"], *(report["pki"][n] for n in ("ca", "ca_key", "certificate", "key", "revoked_certificate",
                                                           "revoked_key"))):
        assert os.path.getsize(file) > 0
    assert set(report["pids"]) == {"cmg-mp", "cmg-gateway", "cmg-connector"} and "console" in report
    assert stat.S_ISSOCK(os.stat(report["admin_socket"]).st_mode)
    assert stat.S_IMODE(os.stat(report["admin_socket"]).st_mode) == 0o660


def test_every_key_and_bootstrap_file_is_for_its_owner_alone(site):
    secrets = [p for p in site.folder.rglob("*") if p.suffix == ".key" or "bootstrap" in p.name or p.name == "bulk-token"]
    assert len(secrets) >= 10
    for path in secrets:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_bootstrap_file_holds_the_key_of_its_role_alone(site):
    for name in ("gateway", "connector"):
        bootstrap = json.loads((site.folder / f"{name}.bootstrap.json").read_text())
        assert bootstrap["opencmg"] == f"{name}-bootstrap" and bootstrap["key_pem"].count("PRIVATE KEY-----") == 2
        for key in site.folder.rglob("*.key"):
            assert "".join(key.read_text().split()[3:-3]) not in json.dumps(bootstrap)


def test_init_makes_a_site_and_never_overwrites_one(tmp_path):
    code, out, _ = programs.run([program("cmg"), "init", "--dir", tmp_path / "s", "--site", "ABC", "--mp-ehttp",
                                 "127.0.0.1:8443", "--mp-ehttp-url", "https://mp.example:8443", "--json"])
    made = json.loads(out)
    assert code == 0 and made["site"] == "ABC" and len(made["pin"]) == 64
    assert [point["mode"] for point in made["management_points"]] == ["ehttp"]
    for name in ("offline/root.key", "offline/root.pem", "keys/role-ca.key", "keys/sign-bundle.key",
                 "keys/sign-policy.key", "keys/sign-token.key", "mp.yaml"):
        assert (tmp_path / "s" / name).exists(), name
    key = (tmp_path / "s/offline/root.key").read_bytes()
    code, _, err = programs.run([program("cmg"), "init", "--dir", tmp_path / "s", "--site", "ABC"], False)
    assert code == 1 and "never overwritten" in err and (tmp_path / "s/offline/root.key").read_bytes() == key
    for wrong in ("abc", "TOOLONGCODE", "A-B", ""):
        assert programs.run([program("cmg"), "init", "--dir", tmp_path / "t", "--site", wrong], False)[0] == 2
    code, _, _ = programs.run([program("cmg-mp"), "--check-config", "--config", tmp_path / "s/mp.yaml"])
    assert code == 0


def test_status_tells_of_the_whole_site(site, new_device):
    new_device().at("ehttp").registered_by_token()
    status = site.cmg("status")
    assert status["site"] == site.report["site"] and len(status["pin"]) == 64
    assert {(p["id"], p["mode"]) for p in status["management_points"]} == {(site.role("https"), "https"),
                                                                           (site.role("ehttp"), "ehttp")}
    assert [g["id"] for g in status["gateways"]][:1] == ["gw1"]
    assert "cp1" in [c["id"] for c in status["connectors"]]
    assert set(status["devices"]) == {"approved", "pending", "blocked"} and status["devices"]["approved"] >= 1
    assert status["bundle"]["sequence"] >= 1 and status["certificates"]
    out = people(site, "status")[1]
    assert site.report["site"] in out and "gw1" in out and "cp1" in out


def test_status_tells_what_a_gateway_refused_and_which_server_certificate_it_shows(site):
    refused = gatewayclient.request(site, gatewayclient.HTTP1, "GET", "/CCM_Proxy_MutualAuth/ServiceMetadata",
                                    certificate=site.pki("revoked_certificate"), key=site.pki("revoked_key"))
    assert refused.problem()["reason"] == "revoked"
    site.add("gateway", "add", "gw8", "--host", "gw8.example.com")  # a gateway reports after each new bundle

    def told():
        gateway = next(g for g in site.cmg("status")["gateways"] if g["id"] == "gw1")
        return gateway if (gateway["refusals"] or {}).get("revoked") else None

    gateway = until("the gateway's report is in", told, 10)
    assert gateway["tunnels"] == 2 and gateway["bundle"] >= 1
    out = people(site, "status")[1]
    assert re.search(r"gw1 +revoked +\d+", out) and "cmg explain REASON" in out
    assert re.search(r"server certificate of gateway gw1 \(CN=localhost\) .* 36\d days", out)
    site.cmg("gateway", "remove", "gw8")


def test_gateways_are_added_listed_and_removed(site, tmp_path):
    file = tmp_path / "gw9.json"
    site.cmg("gateway", "add", "gw9", "--host", "gw9.example.com", "--port", "8443", "--out", file)
    bootstrap = json.loads(file.read_text())
    assert (bootstrap["opencmg"], bootstrap["id"]) == ("gateway-bootstrap", "gw9")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    listed = next(g for g in site.cmg("gateway", "list")["gateways"] if g["id"] == "gw9")
    assert (listed["host"], listed["port"]) == ("gw9.example.com", 8443)
    code, problem = site.cmg("gateway", "add", "gw9", "--host", "other", check=False)
    assert code == 1, problem
    site.cmg("gateway", "remove", "gw9")
    assert "gw9" not in [g["id"] for g in site.cmg("gateway", "list")["gateways"]]
    assert site.cmg("gateway", "remove", "gw9", check=False)[0] == 1
    site.wait_ready()


def test_connectors_are_added_listed_and_removed(site, ca):
    answer = site.cmg("connector", "add", "cp9", "--cert", ca.good.path)
    assert answer["bootstrap"]["opencmg"] == "connector-bootstrap" and answer["bootstrap"]["site_urls"]
    assert {"cp1", "cp9"} <= {c["id"] for c in site.cmg("connector", "list")["connectors"]}
    site.cmg("connector", "remove", "cp9")
    assert "cp9" not in [c["id"] for c in site.cmg("connector", "list")["connectors"]]


def test_a_key_is_never_taken_for_a_certificate(site, ca):
    code, problem = site.cmg("connector", "add", "cp8", "--cert", ca.good.key, check=False)
    assert code == 1 and problem


def test_tokens_are_made_listed_blocked_and_unblocked(site, tmp_path):
    made = site.cmg("token", "new", "--lifetime", "1d", "--uses", "7")
    assert made["token"].startswith("cmg1." + site.cmg("status")["pin"] + ".") and made["uses"] == 7
    assert abs(made["expires"] - time.time() - 86400) < 60

    def listed():
        return next(t for t in site.cmg("token", "list")["tokens"] if t["id"] == made["id"])
    assert (listed()["used"], listed()["uses"]) == (0, 7)
    before = listed()["state"]
    site.cmg("token", "block", made["id"])
    assert listed()["state"] == "blocked"
    site.cmg("token", "unblock", made["id"])
    assert listed()["state"] == before
    assert made["token"].split(".")[-1] not in json.dumps(site.cmg("token", "list"))
    file = tmp_path / "token"
    site.cmg("token", "new", "--out", file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and file.read_text().startswith("cmg1.")
    assert site.cmg("token", "new", "--lifetime", "8d", check=False)[0] != 0
    assert site.cmg("token", "block", "no-such-token", check=False)[0] == 1


def test_the_token_itself_is_not_in_the_store(site):
    token = site.cmg("token", "new")["token"]
    signature = token.split(".")[-1].encode()
    for path in (site.folder / "state").rglob("*"):
        assert path.is_dir() or signature not in path.read_bytes(), path


def test_devices_are_listed_shown_blocked_unblocked_and_removed(site, new_device):
    device = new_device().at("ehttp").registered_by_token()
    listed = next(d for d in site.cmg("device", "list")["devices"] if d["guid"] == device.guid)
    assert device.name in people(site, "device", "list")[1]
    assert (listed["name"], listed["method"], listed["state"]) == (device.name, "token", "approved")
    for name in (device.guid, device.name):
        assert site.cmg("device", "show", name)["device"]["guid"] == device.guid
    site.cmg("device", "block", device.name)
    assert site.cmg("device", "show", device.guid)["device"]["state"] == "blocked"
    site.cmg("device", "unblock", device.guid)
    assert site.cmg("device", "show", device.guid)["device"]["state"] == "approved"
    site.cmg("device", "remove", device.guid)
    code, problem = site.cmg("device", "show", device.guid, check=False)
    assert code == 1 and "MP_" in json.dumps(problem), problem


def test_policies_are_added_by_file_and_by_content_and_listed(site, tmp_path):
    file = tmp_path / "p.yaml"
    file.write_bytes("é: 1\r\n\ttabs\n".encode())
    assert site.cmg("policy", "add", "by-file", file)["policy"]["version"] == 1
    assert site.cmg("policy", "add", "by-content", "--content", "x: 1\n")["policy"]["version"] == 1
    names = {p["name"]: p for p in site.cmg("policy", "list")["policies"]}
    assert {"by-file", "by-content", "welcome"} <= set(names)
    assert names["by-file"]["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    site.cmg("policy", "remove", "by-file")
    site.cmg("policy", "remove", "by-content")
    assert "by-file" not in {p["name"] for p in site.cmg("policy", "list")["policies"]}


def test_endpoints_are_listed_and_a_management_points_own_name_is_not_taken(site, echo):
    listed = {e["id"]: e for e in site.cmg("endpoint", "list")["endpoints"]}
    assert listed["echo"]["auth"] == ["pki", "token"] and listed["echo"]["max_body"] == 65536
    code, problem = site.cmg("endpoint", "add", "site", "--url", "http://localhost:1", check=False)
    assert code == 1, problem
    code, problem = site.cmg("endpoint", "add", "x", "--role", site.role("https"), "--name", "SMS_MP", "--url",
                             "http://localhost:1", check=False)
    assert code == 1, problem
    for url in ("ftp://localhost/", "localhost", "http://", "https://user:pass@localhost/"):
        assert site.cmg("endpoint", "add", "y", "--url", url, check=False)[0] == 1, url


def test_the_bundle_can_be_seen_and_holds_no_secret(site):
    text = json.dumps(site.cmg("bundle", "show"))
    assert site.role("https") in text and "PRIVATE" not in text and '"d":' not in text


def test_the_enrolment_file_holds_no_secret(site, tmp_path):
    file = tmp_path / "enrollment.json"
    programs.run([program("cmg"), "enrollment", "--gateway-ca", site.report["ca"], "--out", file, "--socket",
                  site.report["admin_socket"]])
    enrollment = json.loads(file.read_text())
    assert enrollment["opencmg"] == "enrollment" and enrollment["site_key"] == site.cmg("status")["pin"]
    assert str(site.port) in enrollment["cmg_fqdns"] and "BEGIN CERTIFICATE" in enrollment["gateway_ca_pem"]
    assert "PRIVATE" not in file.read_text()


def test_settings_are_read_and_changed(site):
    assert site.cmg("settings", "set", "renewal_grace", "30d") is not None
    assert "2592000" in json.dumps(site.cmg("settings", "get"))
    site.cmg("settings", "set", "renewal_grace", "90d")
    assert people(site, "settings", "set", "nonsense", "1", check=False)[0] == 2


def test_revocation_checks_can_be_switched_off_knowingly(site, ca, tmp_path):
    root = pki.Ca(tmp_path, "Root Nowhere")
    added = site.add("trust", "add", "--anchor", root.path)
    device = root.device("unchecked")

    def status():
        return gatewayclient.request(site, gatewayclient.HTTP1, "GET", "/CCM_Proxy_MutualAuth/ServiceMetadata",
                                     **device.client()).status
    assert status() == 401
    try:
        site.add("settings", "set", "crl_check", "off")
        until("unchecked", lambda: status() == 200)
    finally:
        site.add("settings", "set", "crl_check", "on")
    until("checked again", lambda: status() == 401)
    site.add("settings", "set", "on_unavailable", "allow")
    until("allowed", lambda: status() == 200)
    site.add("settings", "set", "on_unavailable", "fail")
    until("refused again", lambda: status() == 401)
    for entry in added["trust"]:
        site.cmg("trust", "remove", entry["id"])
    site.settle()


def test_without_a_management_point_the_command_says_what_to_do(tmp_path):
    for arguments in (("status",), ("device", "list"), ("token", "new")):
        code, out, err = programs.run([program("cmg"), *arguments, "--socket", tmp_path / "none.sock"], False)
        assert code == 1 and "cmg-mp" in err and not out


@pytest.mark.parametrize("arguments", [("nonsense",), ("device",), ("device", "show"), ("token", "new", "--nonsense"),
                                       ("gateway", "add"), ("policy", "add"), ("status", "extra")])
def test_wrong_usage_ends_with_2(arguments):
    assert programs.run([program("cmg"), *arguments], False)[0] == 2


@pytest.mark.parametrize("name", PROGRAMS + ["cmg", "cmg-client"])
def test_every_program_tells_its_version_and_its_options(name):
    code, out, _ = programs.run([program(name), "--help"])
    assert code == 0 and name in out
    code, out, _ = programs.run([program(name), "--version"])
    assert code == 0 and out.strip()


@pytest.mark.parametrize("name", PROGRAMS)
def test_check_config_lists_every_fault_with_its_line(name, tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text("nonsense: 1\nlog: {format: loud, level: high}\nlog2: 3\n")
    code, out, err = programs.run([program(name), "--check-config", "--config", file], False)
    said = out + err
    assert code != 0 and "nonsense" in said and "log2" in said and "loud" in said and "high" in said, said
    assert "bad.yaml:1" in said and "bad.yaml:3" in said, said
    code, out, err = programs.run([program(name), "--check-config", "--config", tmp_path / "none.yaml"], False)
    assert code != 0 and "none.yaml" in out + err


def test_check_config_takes_quickstarts_own_files(site):
    for name, file in (("cmg-gateway", "gateway.yaml"), ("cmg-connector", "connector.yaml"), ("cmg-mp", "mp.yaml")):
        programs.run([program(name), "--check-config", "--config", site.folder / file])


def test_a_key_that_others_may_read_is_refused(site, tmp_path):
    key = tmp_path / "gateway.key"
    key.write_bytes((site.folder / "pki/gateway.key").read_bytes())
    key.chmod(0o644)
    text = (site.folder / "gateway.yaml").read_text().replace("pki/gateway.key", str(key))
    (site.folder / "loose.yaml").write_text(text)
    try:
        code, out, err = programs.run([program("cmg-gateway"), "--check-config", "--config",
                                       site.folder / "loose.yaml"], False)
        assert code != 0 and "gateway.key" in out + err
    finally:
        (site.folder / "loose.yaml").unlink()


def test_a_user_without_rights_is_told_so_and_not_to_start_the_management_point(site):
    if os.getuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("only root can be another user")
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program("cmg"), "status", "--socket",
               site.report["admin_socket"]]
    if not os.access(program("cmg"), os.X_OK) or programs.run([*command[:4], program("cmg"), "version"], False)[0] != 0:
        pytest.skip("the programs stand in a folder that others may not enter")
    code, _, err = programs.run(command, False)
    assert code == 1 and "permission denied" in err and "join the group" in err and "start cmg-mp" not in err, err


def test_the_admin_socket_serves_no_other_user(site):
    """0660, and whoever calls is in the log."""
    site.cmg("policy", "list")
    made = site.cmg("token", "new")
    assert f"caller=uid:{os.getuid()}" in site.log("cmg-mp") and made["id"] in site.log("cmg-mp")


def test_metrics_are_openmetrics_and_name_every_reason(site):
    status, text = site.admin_page("/metrics")
    assert status == 200 and text.endswith("# EOF\n")
    types = dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE "))
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, value = line.split("{")[0].split()[0], line.rsplit(" ", 1)[1]
        family = name[:-len("_total")] if name.endswith("_total") else name
        assert types[family] == ("counter" if name.endswith("_total") else "gauge"), line
        int(value)
    for code, reason in (("CMGService_Invalid_Client_Certificate", "revoked"), ("CMGService_Invalid_Token", "not_bound"),
                         ("CMGService_Not_Allowed", "mode_forbids_pki"), ("CMGService_Stale_Bundle", "stale_bundle")):
        assert site.refusals(code, reason) >= 0


def test_logs_tell_times_as_dates(site):
    told = "".join(site.log(name) for name in ("cmg-mp", "cmg-gateway", "cmg-connector"))
    assert re.search(r"role certificate in use .*not_after=20\d\d-", told)
    assert not re.search(r"\b(not_after|until|expires|issued)=\d{9,}", told)


def test_quickstart_in_a_foreign_folder_touches_nothing(tmp_path):
    (tmp_path / "mp.yaml").write_text("mine")
    result = subprocess.run([program("cmg"), "quickstart", "--json", "--dir", tmp_path], capture_output=True, text=True,
                            timeout=30, check=False)
    assert result.returncode == 1 and (tmp_path / "mp.yaml").read_text() == "mine"
    assert os.listdir(tmp_path) == ["mp.yaml"]
