# SPDX-License-Identifier: Apache-2.0
"""Faults planted in a whole site, each found by somebody who knows the commands and nothing else: `cmg analyze`,
`cmg-client analyze`, `cmg settings resultant`. Each is named as the first cause, with a remedy, not as what follows from it."""
import re

import pytest

from kit import pki
from kit.device import Device
from kit.programs import until

from analyze_test import analyze, good, own, run, shown


class Planted:
    """A site, a device in it, and what is asked about them."""

    def __init__(self, site, folder):
        self.site, self.folder = site, folder

    def device(self, **how):
        return Device(self.site, self.folder, **how)

    def by_certificate(self):
        device = self.device().with_certificate(self.site.pki("certificate"), self.site.pki("key")).at("https")
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

    def bad_certificate(self, how):
        root = self.root()
        self.site.add("trust", "add", "--anchor", root.path, "--crl", root.crl())
        return analyze(self.site, *shown(root.device("faulty", **how)))


# --- faults of the gateway's own certificate --------------------------------------------------------------------------


def ended_server_certificate(f):
    root = f.root()
    f.server_certificate(root.device("localhost", usage=[pki.SERVER_AUTH], dns="localhost", days=(-30, -2), file="server"))
    return run(f.site.report["gateway"], "--ca", root.path, *good(f.site))


def server_certificate_for_another_name(f):
    root = f.root()
    f.server_certificate(root.device("else", usage=[pki.SERVER_AUTH], dns="gw.example.net", file="server"))
    return run(f.site.report["gateway"], "--ca", root.path, *good(f.site))


def client_without_the_root(f):
    device = f.by_certificate()
    f.server_certificate(f.root("New Internal Root").device("localhost", usage=[pki.SERVER_AUTH], dns="localhost",
                                                            file="server"))
    return own(device)


# --- faults of the way ------------------------------------------------------------------------------------------------


def misspelt_name(f):
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
    return analyze(f.site, "--cert", f.site.pki("revoked_certificate"), "--key", f.site.pki("revoked_key"))


def pki_that_nobody_uploaded(f):
    return analyze(f.site, *shown(f.root().device("stranger")))


def crl_that_was_never_published(f):
    root = f.root()
    f.site.add("trust", "add", "--anchor", root.path)
    return analyze(f.site, *shown(root.device("unchecked")))


def crl_that_nobody_renewed(f):
    root = f.root()
    f.site.add("trust", "add", "--anchor", root.path, "--crl", root.crl(days=(-30, -1)))
    return analyze(f.site, *shown(root.device("unchecked")))


def pki_at_enhanced_http(f):
    return analyze(f.site, *good(f.site), "--role", f.site.role("ehttp"))


# --- faults of tokens and devices -------------------------------------------------------------------------------------


def bulk_token_for_nobody(f):
    made = f.site.cmg("token", "new")
    f.site.add("token", "block", made["id"])
    (f.folder / "token").write_text(made["token"])
    return analyze(f.site, "--token-file", f.folder / "token")


def token_on_another_device(f):
    stolen = f.by_token().identity()["device_token"]
    (f.folder / "stolen").write_text(stolen)
    thief = pki.self_signed(f.folder, "thief")
    return analyze(f.site, "--token-file", f.folder / "stolen", *shown(thief))


def blocked_device(f):
    device = f.by_token()
    f.site.add("device", "block", device.guid)
    return own(device)


def device_that_waits_for_approval(f):
    f.site.cmg("settings", "set", "approval", "manual")
    device = f.device().with_certificate(f.site.pki("certificate"), f.site.pki("key")).at("https")
    device.run("register")
    return own(device)


def device_that_never_registered(f):
    return own(f.device().with_certificate(f.site.pki("certificate"), f.site.pki("key")).at("https"))


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
    (device_with_another_sites_key, "location_untrusted"), (device_that_was_never_enrolled, "no_site_key"),
    (cmg_switched_off_on_the_device, "cmg_disallowed"),
]


@pytest.mark.parametrize("plant,cause", FAULTS, ids=[plant.__name__ for plant, _ in FAULTS])
def test_a_planted_fault_is_named_first_with_what_was_found_and_what_to_do(own_site, tmp_path, plant, cause):
    report = plant(Planted(own_site, tmp_path))
    failed = [s for s in report["steps"] if s["outcome"] == "failed"]
    assert failed and failed[0]["cause"] == cause, failed or report["steps"]
    assert len(failed) == 1, failed
    assert failed[0]["found"] and failed[0]["remedy"]
    assert len(failed[0]["found"].split()) >= 3, "a bare code is no finding"


def test_a_custom_setting_that_loses_is_found(own_site, tmp_path):
    """The administrator allowed the CMG, but another setting wins."""
    f = Planted(own_site, tmp_path)
    device = f.by_certificate()
    own_site.cmg("collection", "add", "laptops", "--device", device.name)
    own_site.cmg("settings", "client", "set", "no-cmg", "--collection", "laptops", "--priority", "1", "allow_cmg=no")
    until("the device is told", lambda: device.run("policy")[1]["reason"] == "cmg_disallowed", 10)
    told = str(own_site.cmg("settings", "resultant", device.name))
    assert "no-cmg" in told and "allow_cmg" in told
