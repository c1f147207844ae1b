# SPDX-License-Identifier: Apache-2.0
"""Faults planted in a whole site, each found by somebody who knows the commands and nothing else: `cmg analyze`,
`cmg-client analyze`, `cmg settings resultant`. Each is named as the first cause, with a remedy, not as what follows from it."""
import re

import pytest

from kit import pki, programs
from kit.analyze import analyze, good, own, run, shown
from kit.device import Device
from kit.programs import until


class Planted:
    """A site, a device in it that suffers, and what is asked about them."""

    def __init__(self, site, folder):
        self.site, self.folder = site, folder
        self.victim = None
        self.asks = ["policy"]  # what the device does when the fault strikes

    def device(self, **how):
        self.victim = Device(self.site, self.folder, **how)
        return self.victim

    def showing(self, certificate, key):
        return self.device().with_certificate(certificate, key).at("https")

    def by_certificate(self):
        device = self.showing(self.site.pki("certificate"), self.site.pki("key"))
        device.must("policy")
        return device

    def by_token(self):
        device = self.device().at("ehttp").registered_by_token()
        device.must("policy")
        return device

    def root(self, name="Fault Root"):
        return pki.Ca(self.folder, name)

    def server_certificate(self, pair):
        """The gateway shows this one from now on."""
        path = self.site.folder / "gateway.yaml"
        line = f"server_certificates: [{{certificate: {pair.path}, key: {pair.key}}}]"
        path.write_text(re.sub(r"(?m)^server_certificates:.*$", line, path.read_text()))
        self.site.kill("cmg-gateway")
        self.site.run("cmg-gateway")
        until("the gateway listens", lambda: self.site.admin_page("/healthz")[0] == 200, 10)

    def shown_by_device(self, pair):
        """The administrator's analyzer is given the certificate that the device shows."""
        self.showing(pair.path, pair.key)
        return analyze(self.site, *shown(pair))

    def bad_certificate(self, how):
        root = self.root()
        self.site.add("trust", "add", "--anchor", root.path, "--crl", root.crl())
        return self.shown_by_device(root.device("faulty", **how))


# --- faults of the gateway's own certificate --------------------------------------------------------------------------


def ended_server_certificate(f):
    root, device = f.root(), f.by_certificate()
    f.server_certificate(root.device("localhost", usage=[pki.SERVER_AUTH], dns="localhost", days=(-30, -2), file="server"))
    device.must("set", f"GatewayCA={root.path}")
    return run(f.site.report["gateway"], "--ca", root.path, *good(f.site))


def server_certificate_for_another_name(f):
    root, device = f.root(), f.by_certificate()
    f.server_certificate(root.device("else", usage=[pki.SERVER_AUTH], dns="gw.example.net", file="server"))
    device.must("set", f"GatewayCA={root.path}")
    return run(f.site.report["gateway"], "--ca", root.path, *good(f.site))


def client_without_the_root(f):
    device = f.by_certificate()
    f.server_certificate(f.root("New Internal Root").device("localhost", usage=[pki.SERVER_AUTH], dns="localhost",
                                                            file="server"))
    return own(device)


# --- faults of the way ------------------------------------------------------------------------------------------------


def misspelt_name(f):
    f.showing(f.site.pki("certificate"), f.site.pki("key")).must("set", "CMGFQDNs=gw.misspelt.invalid:443")
    return analyze(f.site, *good(f.site), gateway="gw.misspelt.invalid:443")


def gateway_down(f):
    device = f.by_certificate()
    f.site.kill("cmg-gateway")
    return own(device)


def connector_down(f):
    device = f.by_certificate()
    f.site.kill("cmg-connector")
    until("the gateway misses it", lambda: f.site.metric("cmg_tunnels") == 0, 10)
    return own(device)


def connector_removed(f):
    device = f.by_certificate()
    f.site.cmg("connector", "remove", "cp1")
    until("its tunnels are gone", lambda: f.site.metric("cmg_tunnels") == 0, 10)
    return own(device)


def management_point_down(f):
    device = f.by_token()
    f.site.kill("cmg-mp")
    return own(device)


# --- faults of certificates and their PKI -----------------------------------------------------------------------------


def ended_certificate(f):
    return f.bad_certificate({"days": (-30, -2)})


def certificate_for_servers(f):
    return f.bad_certificate({"usage": [pki.SERVER_AUTH]})


def revoked_certificate(f):
    pair = f.site.pki("revoked_certificate"), f.site.pki("revoked_key")
    f.showing(*pair)
    return analyze(f.site, "--cert", pair[0], "--key", pair[1])


def pki_that_nobody_uploaded(f):
    return f.shown_by_device(f.root().device("stranger"))


def crl_that_was_never_published(f):
    root = f.root()
    f.site.add("trust", "add", "--anchor", root.path)
    return f.shown_by_device(root.device("unchecked"))


def crl_that_nobody_renewed(f):
    root = f.root()
    f.site.add("trust", "add", "--anchor", root.path, "--crl", root.crl(days=(-30, -1)))
    return f.shown_by_device(root.device("unchecked"))


def pki_at_enhanced_http(f):
    f.showing(f.site.pki("certificate"), f.site.pki("key")).at("ehttp")
    return analyze(f.site, *good(f.site), "--role", f.site.role("ehttp"))


# --- faults of tokens and devices -------------------------------------------------------------------------------------


def bulk_token_for_nobody(f):
    made = f.site.cmg("token", "new")
    f.site.add("token", "block", made["id"])
    (f.folder / "token").write_text(made["token"])
    f.device().at("ehttp")
    f.asks = ["register", "--token-file", f.folder / "token"]
    return analyze(f.site, "--token-file", f.folder / "token")


def token_on_another_device(f):
    """Somebody took the file with the token, but not the key."""
    device = f.by_token()
    stolen = device.identity()["device_token"]
    (f.folder / "stolen").write_text(stolen)
    thief = pki.self_signed(f.folder, "thief")
    for name in ("key.pem", "certificate.pem"):
        (device.state / name).unlink()
    return analyze(f.site, "--token-file", f.folder / "stolen", *shown(thief))


def blocked_device(f):
    device = f.by_token()
    f.site.add("device", "block", device.guid)
    return own(device)


def device_that_waits_for_approval(f):
    f.site.cmg("settings", "set", "approval", "manual")
    device = f.showing(f.site.pki("certificate"), f.site.pki("key"))
    device.run("register")
    return own(device)


def device_that_never_registered(f):
    """Its PKI certificate is good for the gateway, and its management point takes tokens alone."""
    return own(f.showing(f.site.pki("certificate"), f.site.pki("key")))


def device_that_was_removed(f):
    """Its tokens are revoked at every gateway."""
    device = f.by_token()
    f.site.add("device", "remove", device.guid)
    return own(device)


def device_with_another_sites_key(f):
    device = f.by_certificate()
    device.must("set", "SiteKey=" + "0" * 64)
    return own(device)


def device_that_was_never_enrolled(f):
    return own(f.device(enroll=False))


def cmg_switched_off_on_the_device(f):
    device = f.by_certificate()
    device.must("set", "DisAllowCMG=1")
    return own(device)


def custom_setting_that_loses(f):
    """The administrator allowed the CMG for a collection, but DisAllowCMG stays 1: another setting wins there."""
    device = f.by_certificate()
    for collection in ("remote", "laptops"):
        f.site.cmg("collection", "add", collection, "--device", device.name)
    f.site.cmg("settings", "client", "set", "allow-remote", "--collection", "remote", "--priority", "2", "allow_cmg=yes")
    f.site.cmg("settings", "client", "set", "lockdown", "--collection", "laptops", "--priority", "1", "allow_cmg=no")
    until("the device is told", lambda: device.run("policy")[1]["reason"] == "cmg_disallowed", 10)
    return own(device)


def custom_setting_that_has_not_arrived(f):
    """Allowed by a custom setting since, but the device still has what the default said."""
    device = f.by_certificate()
    f.site.cmg("settings", "client", "set", "default", "allow_cmg=no")
    until("the device is told", lambda: device.run("policy")[1]["reason"] == "cmg_disallowed", 10)
    device.must("set", "DisAllowCMG=1")
    f.site.cmg("collection", "add", "remote", "--device", device.name)
    f.site.cmg("settings", "client", "set", "allow-remote", "--collection", "remote", "--priority", "1", "allow_cmg=yes")
    return own(device)


# fault → the cause that is named first, and whether it is the only failure
FAULTS = [
    (misspelt_name, "name_not_found"), (gateway_down, "connection_refused"),
    (ended_server_certificate, "tls_expired"), (server_certificate_for_another_name, "tls_wrong_host"),
    (client_without_the_root, "tls_untrusted"), (connector_down, "no_connection_point"),
    (connector_removed, "no_connection_point"), (management_point_down, "refused"), (ended_certificate, "expired"),
    (certificate_for_servers, "wrong_usage"), (revoked_certificate, "revoked"),
    (pki_that_nobody_uploaded, "incomplete_chain"), (crl_that_was_never_published, "crl_unavailable"),
    (crl_that_nobody_renewed, "crl_expired"), (pki_at_enhanced_http, "mode_forbids_pki"),
    (bulk_token_for_nobody, "blocked"), (token_on_another_device, "not_bound"), (blocked_device, "blocked"),
    (device_that_waits_for_approval, "approval_pending"), (device_that_never_registered, "not_registered"),
    (device_that_was_removed, "revoked"),
    (device_with_another_sites_key, "location_untrusted"), (device_that_was_never_enrolled, "no_site_key"),
    (cmg_switched_off_on_the_device, "cmg_disallowed"), (custom_setting_that_loses, "cmg_disallowed"),
    (custom_setting_that_has_not_arrived, "cmg_disallowed"),
]


@pytest.mark.parametrize("plant,cause", FAULTS, ids=[plant.__name__ for plant, _ in FAULTS])
def test_a_planted_fault_is_named_first_with_what_was_found_and_what_to_do(own_site, tmp_path, plant, cause):
    f = Planted(own_site, tmp_path)
    report = plant(f)
    failed = [s for s in report["steps"] if s["outcome"] == "failed"]
    assert failed and failed[0]["cause"] == cause, failed or report["steps"]
    assert len(failed) == 1, failed
    assert failed[0]["found"] and failed[0]["remedy"]
    assert len(failed[0]["found"].split()) >= 3, "a bare code is no finding"
    if plant is not device_that_never_registered:  # that heals itself as soon as the device asks
        told_by_the_device(f.victim, f.asks, cause)


def told_by_the_device(device, asks, cause):
    """`cmg-client status` names the same first cause, in one screen, with what to do."""
    code, report = device.run(*asks)
    assert code == 1, report
    failure = device.must("status")["last_failure"]
    assert failure["reason"] == cause, failure
    assert len(failure["detail"].split()) >= 3 and failure["remedy"], failure
    _, screen, _ = programs.run([programs.program("cmg-client"), "status", "--dir", device.state])
    assert cause in screen and "what to do" in screen, screen


def test_a_custom_setting_that_loses_is_explained_by_each_command(own_site, tmp_path):
    """Allowed by a custom client setting, but DisAllowCMG stays 1: who won, who lost and why, and what the device has."""
    f = Planted(own_site, tmp_path)
    report = custom_setting_that_loses(f)
    fault = next(s for s in report["steps"] if s["outcome"] == "failed")
    assert "lockdown" in fault["found"] and "cmg settings resultant" in fault["remedy"], fault
    has = f.victim.must("status")["disallow_cmg"]
    assert has["value"] is True and has["by"] == "site" and "lockdown" in has["setting"]
    told = own_site.cmg("settings", "resultant", f.victim.name)
    setting = next(s for s in told["settings"] if s["name"] == "allow_cmg")
    assert setting["value"] is False and "lockdown" in setting["winner"]["from"]
    loser = next(x for x in setting["losers"] if "allow-remote" in x["from"])
    assert loser["value"] is True and loser["why"]
    assert told["device_has"]["state"] == "current"
    own_site.cmg("settings", "client", "remove", "lockdown")
    assert f.victim.must("policy")["ok"] and f.victim.must("status")["disallow_cmg"]["value"] is False


def test_a_custom_setting_that_has_not_arrived_is_explained_with_what_the_device_has(own_site, tmp_path):
    f = Planted(own_site, tmp_path)
    custom_setting_that_has_not_arrived(f)
    told = own_site.cmg("settings", "resultant", f.victim.name)
    assert told["values"]["allow_cmg"] is True and told["device_has"]["state"] == "outdated"
    assert f.victim.must("status")["disallow_cmg"]["by"] == "local"
    f.victim.must("set", "DisAllowCMG=0")
    f.victim.must("policy")
    assert own_site.cmg("settings", "resultant", f.victim.name)["device_has"]["state"] == "current"


# --- what the administrator's `cmg status` says first --------------------------------------------------------------------


def connector_silent(f):
    connector_down(f)
    f.site.sql("UPDATE connector SET seen = seen - 600", "UPDATE gateway SET seen = seen - 600")


def approval(f):
    device_that_waits_for_approval(f)


@pytest.mark.parametrize("plant,cause", [(gateway_down, "gateway_unreachable"), (connector_silent, "connector_silent"),
                                         (connector_removed, "no_connector"), (ended_server_certificate, "certificate_ended"),
                                         (approval, "approval_pending")], ids=lambda x: getattr(x, "__name__", None))


def test_cmg_status_names_the_cause_first(own_site, tmp_path, plant, cause):
    until("all is well before", lambda: own_site.cmg("status")["problems"] == [], 10)
    plant(Planted(own_site, tmp_path))
    # A gateway that was just started again is not reached for a moment, which is then the truth.
    first = until("the site knows", lambda: [p for p in own_site.cmg("status")["problems"][:1] if p["cause"] == cause], 15)[0]
    assert len(first["found"].split()) >= 4 and first["remedy"]
    _, screen, _ = programs.run([programs.program("cmg"), "status", "--socket", own_site.report["admin_socket"]])
    assert f"NEEDS ATTENTION\n  {cause}: " in screen and "what to do: " in screen


def test_cmg_status_without_a_management_point_names_it_and_what_to_do(own_site):
    own_site.kill("cmg-mp")
    code, failure = own_site.cmg("status", check=False)
    assert code == 1 and "cmg-mp" in str(failure) and len(str(failure).split()) > 6, failure
