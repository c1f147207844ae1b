# SPDX-License-Identifier: Apache-2.0
"""What `cmg choices check` says of a combination, and what a running site does with a device of that kind: the same."""
import json
import re

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from kit import idp, pki, programs
from kit.device import Device
from kit.directory import Directory
from kit.idp import holds, knows
from kit.programs import program, until
from kit.servers import Nginx, free_port


def check(**inputs):
    options = [word for name, value in inputs.items() for word in (f"--{name.replace('_', '-')}", value)]
    code, out, err = programs.run([program("cmg"), "choices", "check", *options, "--json"], False)
    assert code in (0, 1), err
    return json.loads(out)


def said(report):
    """Why it failed, in the client's words and the gateway's."""
    return " ".join([str(report.get("reason")), str(report.get("code"))] +
                    [p["why"] for p in report.get("passed_over", [])])


def connect(device, *credential):
    """(did it get policy, the report of what failed)"""
    code, report = device.run("register", *credential)
    if code == 0:
        code, report = device.run("policy")
    return code == 0, report


def agree(device, *credential, rule=None, reason=None, **inputs):
    """The tables, the running site and this test agree; a refusal is by the rule that the tables name. `rule` None: it works.
    Site and tables are of one source, so that a change there is seen by what the test expects alone."""
    answer = check(**inputs)
    works, report = connect(device, *credential)
    assert answer["supported"] is works is (rule is None), (inputs, answer["reasons"], report)
    assert works or (rule in answer["ids"] and reason in said(report)), (answer["ids"], said(report))
    return report


@pytest.fixture
def with_certificate(new_device, ca):
    def make(**more):
        device = new_device(**more)
        pair = ca.device(device.name)
        return device.with_certificate(pair.path, pair.key)
    return make


@pytest.fixture
def bulk(site):
    return "--token-file", site.report["token_file"]


# --- the matrix -------------------------------------------------------------------------------------------------------


def test_an_https_management_point_takes_pki(with_certificate):
    agree(with_certificate().at("https"), mp="https", client="pki", server_cert="internal", client_has_root="yes",
          connector_cert="yes")


@pytest.mark.parametrize("mode", ["https", "ehttp"])
def test_both_modes_take_tokens(new_device, bulk, mode):
    agree(new_device().at(mode), *bulk, mp=mode, client="token", server_cert="internal", client_has_root="yes")


def test_enhanced_http_takes_no_pki(with_certificate):
    agree(with_certificate().at("ehttp"), mp="ehttp", client="pki", rule="ehttp-forbids-pki",
          reason="mode_forbids_pki")


@pytest.mark.parametrize("mode", ["https", "ehttp"])
def test_a_device_that_is_not_joined_has_no_entra(new_device, mode):
    agree(new_device().at(mode), mp=mode, client="entra", join="none", rule="entra-needs-join", reason="no_method")


# --- versions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode,version", [("https", "1910"), ("ehttp", "1910"), ("ehttp", "5.00.8913")])
def test_an_old_client_uses_no_token(new_device, bulk, mode, version):
    device = new_device().at(mode)
    device.must("set", f"ClientVersion={version}")
    agree(device, *bulk, mp=mode, client="token", client_version=version,
          rule="ehttp-old-client" if mode == "ehttp" else "token-needs-2002", reason="no_method")
    device.must("set", "ClientVersion=2002")
    agree(device, *bulk, mp=mode, client="token", client_version="2002")


def test_an_old_client_works_by_pki(with_certificate):
    device = with_certificate().at("https")
    device.must("set", "ClientVersion=1902")
    agree(device, mp="https", client="pki", client_version="1902")


# --- trust in the gateway's certificate -------------------------------------------------------------------------------


def told_by_hand(site, new_device):
    """A device that never saw the site: the pin and CMGFQDNs, nothing else."""
    device = new_device(enroll=False)
    device.must("set", f"SiteKey={site.cmg('status')['pin']}", f"CMGFQDNs=localhost:{site.port}", "DisAllowCMG=0")
    return device


def test_a_device_told_by_hand_connects_once_it_holds_the_root(site, new_device, bulk):
    device = told_by_hand(site, new_device).at("ehttp")
    agree(device, *bulk, mp="ehttp", client="token", server_cert="internal", client_has_root="no", rule="root-missing",
          reason="tls_untrusted")
    device.must("set", f"GatewayCA={site.report['ca']}")
    agree(device, *bulk, mp="ehttp", client="token", server_cert="internal", client_has_root="yes")


# --- allowed and known ------------------------------------------------------------------------------------------------


def test_a_device_that_may_not_use_the_cmg_does_not(new_device, bulk):
    device = new_device().at("ehttp")
    device.must("set", "DisAllowCMG=1")
    agree(device, *bulk, mp="ehttp", client="token", cmg_allowed="no", rule="cmg-forbidden", reason="cmg_disallowed")
    device.must("set", "DisAllowCMG=0")
    agree(device, *bulk, mp="ehttp", client="token", cmg_allowed="yes")


@pytest.fixture
def client_settings(site):
    """cmg settings client set …, of a collection with one device too; all is taken out again."""
    def change(name, value, device=None):
        options = []
        if device:
            site.cmg("collection", "add", f"of-{name}", "--device", device.guid)
            options = ["--collection", f"of-{name}", "--priority", "1"]
        site.cmg("settings", "client", "set", name, *options, f"allow_cmg={value}")
    yield change
    for name in ("default", "allowing"):
        site.cmg("settings", "client", "remove", name, check=False)
    site.cmg("collection", "remove", "of-allowing", check=False)


def test_the_resultant_setting_decides_not_one_setting(site, new_device, bulk, client_settings):
    device, other = new_device().at("ehttp").registered_by_token(), new_device().at("ehttp").registered_by_token()
    client_settings("default", "no")
    client_settings("allowing", "yes", device)
    agree(device, *bulk, mp="ehttp", client="token", cmg_allowed="yes")
    agree(other, *bulk, mp="ehttp", client="token", cmg_allowed="no", rule="cmg-forbidden", reason="cmg_disallowed")
    winner = next(s for s in site.cmg("settings", "resultant", other.guid)["settings"] if s["name"] == "allow_cmg")
    assert winner["value"] is False and winner["winner"]["from"] == "default"


# --- revocation -------------------------------------------------------------------------------------------------------


@pytest.fixture
def unpublished(site, tmp_path):
    """A PKI that the site trusts and whose CRL no gateway has."""
    root = pki.Ca(tmp_path, "Root Without List")
    before = {entry["id"] for entry in site.cmg("trust", "list")["trust"]}
    site.add("trust", "add", "--anchor", root.path)
    yield root
    for entry in site.cmg("trust", "list")["trust"]:
        if entry["id"] not in before:
            site.cmg("trust", "remove", entry["id"])
    for source in site.cmg("source", "list")["sources"]:
        site.cmg("source", "remove", source["id"])
    site.settle()


def device_of(root, new_device):
    device = new_device().at("https")
    pair = root.device(device.name)
    return device.with_certificate(pair.path, pair.key)


@pytest.mark.parametrize("crl,relay,rule", [("ad", "off", "crl-unreachable"), ("internal", "off", "crl-unreachable"),
                                            ("none", "off", "crl-nowhere"), ("none", "on", "crl-nowhere")])


def test_a_pki_whose_list_no_gateway_can_get_is_refused(new_device, unpublished, crl, relay, rule):
    agree(device_of(unpublished, new_device), mp="https", client="pki", crl=crl, crl_relay=relay, rule=rule,
          reason="crl_unavailable")


def test_a_pki_whose_list_the_gateway_has_works(site, new_device, unpublished):
    site.add("trust", "add", "--crl", unpublished.crl())
    agree(device_of(unpublished, new_device), mp="https", client="pki", crl="internet")


def der(path):
    return x509.load_pem_x509_crl(path.read_bytes()).public_bytes(serialization.Encoding.DER)


@pytest.fixture(scope="module")
def directory(folder):
    server = Directory(folder / "slapd")
    yield server
    server.close()


@pytest.fixture(scope="module")
def web(folder):
    (folder / "www").mkdir()
    server = Nginx(folder / "nginx", folder / "www")
    server.folder_served = folder / "www"
    yield server
    server.close()


def publish(where, root, directory, web):
    """The list's URL, and who can fetch it there."""
    if where == "ad":
        return directory.publish(root.name, der(root.crl())), "connector"
    (web.folder_served / "list.crl").write_bytes(der(root.crl()))
    return f"{web.url}/list.crl", "connector" if where == "internal" else "internet"


@pytest.mark.parametrize("where,relay", [("ad", "on"), ("internal", "on"), ("internet", "off"), ("internet", "on")])
def test_a_list_is_fetched_from_where_it_is_published(site, new_device, unpublished, directory, web, where, relay):
    url, via = publish(where, unpublished, directory, web)
    site.add("trust", "add", "--crl-source", f"of-{where}-{relay}", "--url", url, "--via", via, "--refresh", "1s")
    device = device_of(unpublished, new_device)
    until("the list has come", lambda: connect(device)[0], 15)
    agree(device, mp="https", client="pki", crl=where, crl_relay=relay)


def test_no_gateway_asks_a_directory_itself(site, directory):
    code, answer = site.cmg("trust", "add", "--crl-source", "far", "--url", f"ldap://127.0.0.1:{directory.port}/x", "--via",
                            "internet", check=False)
    assert code == 1 and "connector" in json.dumps(answer)
    assert not check(mp="https", client="pki", crl="ad", crl_relay="off")["supported"]


def test_without_revocation_checks_revoked_certificates_work_as_the_limitation_says(site, new_device, unpublished):
    revoked = unpublished.device("revoked-here")
    site.add("settings", "set", "crl_check", "off")
    try:
        for crl in ("none", "ad", "internal", "internet"):
            agree(device_of(unpublished, new_device), mp="https", client="pki", crl=crl, crl_check="off")
        site.add("trust", "add", "--crl", unpublished.crl([revoked], number=2))
        device = new_device().at("https").with_certificate(revoked.path, revoked.key)
        assert "revocation-unchecked" in check(mp="https", client="pki", crl_check="off")["ids"]
        assert connect(device)[0]
    finally:
        site.add("settings", "set", "crl_check", "on")
    until("the revoked one is refused again", lambda: device.run("policy")[1].get("reason") == "revoked")


@pytest.mark.parametrize("mode", ["https", "ehttp"])
def test_tokens_ask_for_no_list(new_device, unpublished, bulk, mode):
    device = new_device().at(mode)
    agree(device, *bulk, mp=mode, client="token", crl="none", crl_check="on")


# --- the connector's certificate --------------------------------------------------------------------------------------


def restart_connector(site, bare):
    """With or without its certificate of the PKI."""
    site.kill("cmg-connector")
    text = (site.folder / "connector.yaml").read_text()
    bare_path = site.folder / "bare.yaml"
    bare_path.write_text("\n".join(line for line in text.splitlines() if not line.startswith("client_")))
    site.run("cmg-connector", "bare.yaml" if bare else None)


def test_a_connector_without_certificate_serves_all_but_pki_at_https(own_site, tmp_path):
    site = own_site
    bulk = ("--token-file", site.report["token_file"])
    restart_connector(site, bare=True)
    until("it has ended", lambda: site.alone["cmg-connector"].poll() is not None, 10)
    answer = check(mp="https", client="pki", connector_cert="no")
    assert not answer["supported"] and "connector-certificate-missing" in site.log("cmg-connector")
    device = Device(site, tmp_path).at("https").with_certificate(site.pki("certificate"), site.pki("key"))
    assert not connect(device)[0]
    text = (site.folder / "mp.yaml").read_text()
    (site.folder / "mp.yaml").write_text(re.sub(r"client_auth: \[pki, .*?\]", "client_auth: [entra, token]", text, count=1))
    site.kill("cmg-mp")
    before = len(site.log("cmg-connector"))
    site.run("cmg-mp")
    until("the site answers", lambda: site.cmg("status", check=False)[0] == 0, 10)
    site.run("cmg-connector", "bare.yaml")
    until("the connector serves", lambda: "connector document in use" in site.log("cmg-connector")[before:], 10)
    until("both workers have a tunnel", lambda: site.metric("cmg_tunnels") == 2, 10)
    for mode in ("https", "ehttp"):
        agree(Device(site, tmp_path).at(mode), *bulk, mp=mode, client="token", connector_cert="no")


def onboard(site, provider):
    site.cmg("tenant", "add", "live", "--issuer", provider.issuer, "--tenant", provider.tenant, "--audience",
             provider.resource, "--jwks", provider.jwks_file())
    site.settle()


def take_only(site, methods):
    """Both management points take these methods, and no other."""
    config = site.folder / "mp.yaml"
    config.write_text(re.sub(r"client_auth: \[.*?\]", f"client_auth: [{methods}]", config.read_text()))
    site.kill("cmg-mp")
    site.run("cmg-mp")
    until("the site answers", lambda: site.cmg("status", check=False)[0] == 0, 10)
    site.settle()


def test_a_site_for_devices_of_the_tenant_alone_gives_them_policy_and_takes_no_bulk_token(own_site, tmp_path):
    site, bulk = own_site, ("--token-file", own_site.report["token_file"])
    names = {"https": "device-1", "ehttp": "device-2"}
    provider = idp.Provider(tmp_path / "provider", free_port(), list(names.values())).start()
    try:
        before = Device(site, tmp_path).at("ehttp")
        before.must("register", *bulk)
        onboard(site, provider)
        take_only(site, "entra")
        for mode, name in names.items():
            device = Device(site, tmp_path).at(mode).joined_to(provider, name)
            device.must("register")
            assert device.must("policy")["method"] == "entra"
            failure = Device(site, tmp_path).at(mode).must_fail("register", *bulk)
            assert failure["reason"] == "no_method" and "client_auth of mp.yaml" in failure["remedy"], failure
        assert before.must_fail("policy")["reason"] == "no_method"
    finally:
        provider.stop()


def test_a_device_whose_method_the_management_point_does_not_take_hears_where_that_is_set(own_site, tmp_path):
    provider = idp.Provider(tmp_path / "provider", free_port(), ["device-1"]).start()
    try:
        onboard(own_site, provider)
        take_only(own_site, "token")
        device = Device(own_site, tmp_path).at("ehttp").joined_to(provider, "device-1")
        failure = device.must_fail("register")
        assert failure["reason"] == "no_method" and "client_auth of mp.yaml" in failure["remedy"], failure
        assert "entra: the site's management point does not take it" in failure["detail"], failure
        step = next(step for step in device.run("analyze")[1]["steps"] if step["outcome"] == "failed")
        assert "client_auth of a management point" in step["remedy"], step
    finally:
        provider.stop()


# --- entra and user policy --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tenant(site, folder):
    provider = idp.Provider(folder / "provider-live", free_port()).start()
    onboard(site, provider)
    yield provider
    provider.stop()
    site.cmg("tenant", "remove", "live")
    site.settle()


@pytest.fixture
def joined(site, new_device, tenant):
    """Makes one device joined to the tenant; the next test may use the same Entra device again."""
    made = []

    def make(mode):
        made.append(knows(new_device().at(mode).joined_to(tenant), tenant))
        return made[-1]
    yield make
    for device in made:
        site.cmg("device", "remove", device.name, "--forget", check=False)


def agree_on_user(device, rule=None, reason=None, **inputs):
    """The same for the policy of a user."""
    answer = check(scenario="user", **inputs)
    code, report = device.run("policy", "--scenario", "user")
    assert answer["supported"] is (code == 0), (inputs, answer["reasons"], report)
    assert code == 0 or (rule in answer["ids"] and report["reason"] == reason), (answer["ids"], report)


@pytest.mark.parametrize("mode", ["https", "ehttp"])
@pytest.mark.parametrize("version", ["1910", "2409"])
def test_joined_devices_work_by_entra_in_both_modes_old_clients_too(joined, mode, version):
    device = joined(mode)
    device.must("set", f"ClientVersion={version}")
    report = agree(device, mp=mode, client="entra", join="entra", client_version=version)
    assert report["method"] == "entra"


def test_entra_asks_for_no_list(joined, unpublished):
    agree(joined("https"), mp="https", client="entra", join="entra", crl="none", crl_check="on")


@pytest.mark.parametrize("mode", ["https", "ehttp"])
def test_user_policy_needs_a_sign_in_on_a_joined_device(joined, tenant, mode):
    device = joined(mode)
    device.must("register")
    agree_on_user(device, mp=mode, client="entra", join="entra", user_sign_in="no", rule="user-not-signed-in",
                  reason="not_signed_in")
    holds(device, tenant.forge(upn="ada@example.com"))
    agree_on_user(device, mp=mode, client="entra", join="entra", user_sign_in="yes")


def test_user_policy_comes_whichever_method_the_device_uses(joined, ca, tenant):
    device = joined("https")
    pair = ca.device(device.name)
    device.with_certificate(pair.path, pair.key)
    assert connect(device)[1]["method"] == "pki"
    holds(device, tenant.forge(upn="ada@example.com"))
    agree_on_user(device, mp="https", client="pki", join="hybrid", user_sign_in="yes")


@pytest.mark.parametrize("mode,client", [("https", "token"), ("ehttp", "token"), ("https", "pki")])
def test_no_other_device_gets_user_policy(new_device, with_certificate, tenant, bulk, mode, client):
    device = knows((with_certificate() if client == "pki" else new_device()).at(mode), tenant)
    assert connect(device, *bulk)[1]["method"] == client
    holds(device, tenant.forge(upn="ada@example.com"))
    for join in ("none", "domain"):
        agree_on_user(device, mp=mode, client=client, join=join, user_sign_in="yes", rule="user-needs-join",
                      reason="device_not_joined")


# --- the planner ------------------------------------------------------------------------------------------------------

# name: (whose certificate, client version, where its list is published)
KINDS = {"both": ("ca", "2409", "internet"), "token": (None, "2409", "none"), "old": (None, "1910", "none"),
         "old-pki": ("ca", "1910", "internet"), "unchecked": ("unpublished", "2409", "ad")}


@pytest.mark.parametrize("mode,methods", [("https", ["pki", "token", "cut off", "pki", "cut off"]),
                                          ("ehttp", ["token", "token", "cut off", "cut off", "token"])])


def test_a_plan_tells_what_devices_then_do(site, new_device, ca, unpublished, bulk, tmp_path, mode, methods):
    roots, lines, done = {"ca": ca, "unpublished": unpublished}, ["name,join,certificate,version,crl,scenario"], []
    for name, (root, version, crl) in KINDS.items():
        lines.append(f"{name},none,{'pki' if root else 'none'},{version},{crl},device")
        device = new_device()
        if root:
            pair = roots[root].device(device.name)
            device.with_certificate(pair.path, pair.key)
        device.at(mode).must("set", f"ClientVersion={version}")
        works, report = connect(device, *bulk)
        done.append(report["method"] if works else "cut off")
    (tmp_path / "fleet.csv").write_text("\n".join(lines))
    _, out, _ = programs.run([program("cmg"), "plan", "--inventory", tmp_path / "fleet.csv", "--mp", mode, "--json"])
    planned = [device["today"]["method"] for device in json.loads(out)["devices"]]
    assert planned == done == methods


# --- what must be there -----------------------------------------------------------------------------------------------


def requires(rule, **inputs):
    answer = check(**inputs)
    assert answer["supported"] and rule in answer["ids"]


def test_a_device_that_knows_of_no_gateway_finds_none(site, new_device, bulk):
    device = new_device(enroll=False)
    device.must("set", f"SiteKey={site.cmg('status')['pin']}")
    assert device.must_fail("register", *bulk)["reason"] == "no_management_point"
    requires("cmg-known", mp="ehttp", client="token", client_version="2409")


@pytest.mark.parametrize("client,rule,why", [("pki", "client-certificate", "certificate"), ("token", "token-start", "bulk")])
def test_a_device_without_its_credential_has_no_method(new_device, client, rule, why):
    report = new_device().at("https").must_fail("register")
    assert report["reason"] == "no_method"
    assert why in next(p["why"] for p in report["passed_over"] if p["method"] == client)
    requires(rule, mp="https", client=client)


def without(text, *keys):
    return "\n".join(line for line in text.splitlines() if not line.strip().startswith(keys))


@pytest.mark.parametrize("mode,rule", [("https", "mp-certificate"), ("ehttp", "mp-ehttp")])
def test_a_management_point_has_the_certificate_of_its_mode_or_does_not_start(site, tmp_path, mode, rule):
    requires(rule, mp=mode, client="token", client_version="2409")
    head, middle, tail = re.split(r"(mode: ehttp)", (site.folder / "mp.yaml").read_text())
    if mode == "https":
        head = without(head, "certificate:", "key:", "anchors:")
    else:
        middle += f"\n    certificate: {site.pki('certificate')}"
    (tmp_path / "mp.yaml").write_text(head + middle + tail)
    code, out, err = programs.run([program("cmg-mp"), "--check-config", "--config", tmp_path / "mp.yaml"], False)
    assert code != 0 and f"rule {rule}:" in out + err, out + err
