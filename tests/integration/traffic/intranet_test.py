# SPDX-License-Identifier: Apache-2.0
"""Intranet or Internet: a device asks the management points that it knows directly, and a gateway only when none can be
reached. Whom it believes is decided by the pinned site root (Enhanced HTTP) or the organisation's CA (https)."""
import json
import re
import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from kit import pki
from kit.device import Device
from kit.inside import Inside, signature
from kit.intranet import authority, inside, is_inside, is_outside, nowhere, url
from kit.programs import until
from kit.tunnel import ConnectProxy, pipe


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def log(device, name="LocationServices.log"):
    return (device.state / "logs" / name).read_text()


# --- inside -----------------------------------------------------------------------------------------------------------


def test_inside_a_device_with_a_certificate_registers_and_gets_its_policy_from_the_management_point_itself(own_site, tmp_path):
    device = Device(own_site, tmp_path).with_certificate(own_site.pki("certificate"), own_site.pki("key"))
    inside(device, "https")
    own_site.kill("cmg-gateway")
    report = device.must("policy")
    is_inside(report, device, "https")
    assert report["method"] == "pki" and report["policies"]
    assert "Client is on Intranet: " + authority(own_site, "https") in log(device)
    assert device.guid in {d["guid"] for d in own_site.cmg("device", "list")["devices"]}


def test_inside_a_device_with_a_bulk_token_registers_renews_and_gets_its_policy_from_the_management_point_itself(own_site, tmp_path):
    device = inside(Device(own_site, tmp_path), "ehttp")
    own_site.kill("cmg-gateway")
    device.registered_by_token()
    report = device.must("policy")
    is_inside(report, device, "ehttp")
    assert report["method"] == "token" and report["policies"]
    identity = device.identity()
    before = identity["device_token"]
    (device.state / "identity.json").write_text(json.dumps(identity | {"device_token_renew": 1}))
    is_inside(device.must("policy"), device, "ehttp")
    assert device.identity()["device_token"] != before, "the token was due for renewal"


def test_inside_a_device_that_nobody_vouches_for_waits_for_approval_and_then_gets_a_token(own_site, tmp_path):
    device = inside(Device(own_site, tmp_path), "ehttp")
    report = device.must("register")
    is_inside(report, device, "ehttp")
    assert report["approval"] == "pending"
    assert device.must_fail("policy")["reason"] == "approval_pending"
    own_site.cmg("device", "approve", device.name)
    is_inside(device.must("policy"), device, "ehttp")
    assert device.identity()["device_token"]


def test_the_management_points_that_the_site_tells_of_are_asked_directly_without_any_setting(own_site, tmp_path, monkeypatch):
    """Learned through the gateway, used once the device is inside: a name that only the office's resolver knows."""
    device = Device(own_site, tmp_path).at("ehttp").registered_by_token()
    is_outside(device.must("policy"), device)
    path = own_site.folder / "mp.yaml"
    port = int(authority(own_site, "ehttp").rsplit(":", 1)[1])
    path.write_text(path.read_text().replace(url(own_site, "ehttp"), f"https://mp.corp.example:{port}"))
    own_site.stop("cmg-mp")
    own_site.run("cmg-mp")
    with ConnectProxy({}) as office:
        monkeypatch.setenv("https_proxy", office.url)
        monkeypatch.setenv("no_proxy", "localhost")
        until("the device was told", lambda: device.run("policy") and "mp.corp.example" in office.asked, 10)
        report = device.run("policy")[1]
        assert report["network"] == "internet", "the name is known outside to nobody"
        office.names["mp.corp.example"] = "127.0.0.1"
        report = device.must("policy")
        assert report["network"] == "intranet" and report["management_point"]["address"] == f"mp.corp.example:{port}"
        assert report["policies"]
        del office.names["mp.corp.example"]
        assert device.run("policy")[1]["network"] == "internet"
    assert "The network has changed: from intranet to internet" in log(device)


def test_what_the_site_tells_of_its_own_machine_says_nothing_of_the_network(site, new_device):
    device = new_device().at("ehttp").registered_by_token()
    for _ in range(2):
        is_outside(device.must("policy"), device)


# --- outside, and in between ------------------------------------------------------------------------------------------


def test_outside_the_device_goes_through_the_gateway_and_tells_why(site, new_device):
    device = new_device().at("ehttp")
    device.must("set", f"MPUrls={nowhere()}")
    report = device.registered_by_token().must("policy")
    is_outside(report, device)
    assert re.search(r"Client is on Internet: localhost:\d+: connection_refused", log(device))


def test_a_device_that_moves_is_found_inside_and_outside_from_run_to_run(site, new_device):
    device = new_device().at("ehttp").registered_by_token()
    guid = device.guid
    for _ in range(2):
        inside(device, "ehttp")
        is_inside(device.must("policy"), device, "ehttp")
        assert device.must("status")["network"] == "intranet"
        device.must("set", f"MPUrls={nowhere()}")
        is_outside(device.must("policy"), device)
        assert device.must("status")["network"] == "internet"
    assert device.guid == guid, "one device, one registration"
    assert "The network has changed: from internet to intranet" in log(device)


class Flapping:
    """In front of a management point: lets a number of connections pass and then refuses all."""

    def __init__(self, target, pass_on):
        self.left = pass_on
        self.target = ("127.0.0.1", int(target.rsplit(":", 1)[1]))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            self.left -= 1
            if self.left < 0:
                near.close()
                continue
            far = socket.create_connection(self.target)
            far.settimeout(10)
            near.settimeout(10)
            for ends in ((near, far), (far, near)):
                threading.Thread(target=pipe, args=ends, daemon=True).start()

    def close(self):
        self.listener.close()


def test_a_management_point_that_goes_away_in_the_middle_of_a_run_is_replaced_by_the_gateway(site, new_device):
    """The first connection, by which it is found, passes; the next, which shows the device's key, does not."""
    device = new_device().at("ehttp").registered_by_token()
    flapping = Flapping(authority(site, "ehttp"), 1)
    try:
        device.must("set", f"MPUrls={flapping.url}")
        report = device.must("policy")
        is_outside(report, device)
        assert report["policies"]
        assert "Client is on Intranet" in log(device) and "Client is on Internet" in log(device)
    finally:
        flapping.close()


def test_always_on_the_internet_asks_no_management_point_directly(site, new_device):
    device = inside(new_device().at("ehttp"), "ehttp", ClientAlwaysOnInternet=1)
    is_outside(device.registered_by_token().must("policy"), device)
    assert "Asking management point" not in log(device)
    assert "Client is on Internet: ClientAlwaysOnInternet is 1" in log(device)
    assert device.must("status")["always_on_internet"] is True


def test_a_device_that_may_use_no_gateway_works_inside_and_outside_says_why_not(site, new_device):
    device = inside(new_device().at("ehttp"), "ehttp", DisAllowCMG=1)
    is_inside(device.registered_by_token().must("policy"), device, "ehttp")
    device.must("set", f"MPUrls={nowhere()}", "DisAllowCMG=1")
    failure = device.must_fail("policy")
    assert failure["reason"] == "cmg_disallowed" and failure["network"] == "internet"
    assert "DisAllowCMG is 1" in failure["detail"] and "connection_refused" in failure["detail"]
    assert "DisAllowCMG=0" in failure["remedy"]


def test_a_site_that_allows_no_cmg_serves_the_device_inside(own_site, tmp_path):
    own_site.cmg("settings", "client", "set", "default", "allow_cmg=no")
    device = inside(Device(own_site, tmp_path).at("ehttp"), "ehttp")
    device.registered_by_token()
    is_inside(device.must("policy"), device, "ehttp")
    device.must("set", f"MPUrls={nowhere()}")
    assert device.must_fail("policy")["reason"] == "cmg_disallowed"


def test_a_device_inside_learns_of_the_gateways_and_uses_them_outside_without_being_told(own_site, tmp_path):
    device = inside(Device(own_site, tmp_path).at("ehttp"), "ehttp", CMGFQDNs="")
    is_inside(device.registered_by_token().must("policy"), device, "ehttp")
    device.must("set", f"MPUrls={nowhere()}")
    is_outside(device.must("policy"), device)


# --- whom it believes -------------------------------------------------------------------------------------------------


def test_an_https_management_point_of_an_unknown_ca_is_not_spoken_to(site, new_device, folder):
    stranger = pki.Ca(folder, "Stranger")
    device = inside(new_device().with_certificate(site.pki("certificate"), site.pki("key")), "https", MPCA=stranger.path)
    is_outside(device.must("policy"), device)
    assert "tls_untrusted" in log(device)


def test_without_mpca_the_ca_that_the_site_told_of_is_believed(site, new_device):
    device = new_device().with_certificate(site.pki("certificate"), site.pki("key")).at("https")
    device.must("set", f"MPUrls={url(site, 'https')}")
    is_outside(device.must("policy"), device)  # nothing is known of it yet but its address
    is_inside(device.must("policy"), device, "https")


def test_a_management_point_of_another_site_is_not_believed(own_site, site, tmp_path):
    """Its certificate ends in a site root, but not in the pinned one; nor is it of a CA that the device trusts."""
    device = Device(own_site, tmp_path).at("ehttp")
    device.must("set", f"MPUrls={url(site, 'ehttp')}")
    is_outside(device.registered_by_token().must("policy"), device)
    assert "tls_untrusted" in log(device)


def test_another_role_of_the_site_is_no_management_point(own_site, tmp_path):
    """A stolen certificate of a connector, with the site's own root behind it."""
    bootstrap = json.loads((own_site.folder / "connector.bootstrap.json").read_text())
    (tmp_path / "role.pem").write_text(bootstrap["certificate_pem"] + bootstrap["root_pem"])
    (tmp_path / "role.key").write_text(bootstrap["key_pem"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "role.pem", tmp_path / "role.key")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                near, _ = listener.accept()
                context.wrap_socket(near, server_side=True).close()
            except OSError:
                if listener.fileno() < 0:
                    return
    threading.Thread(target=serve, daemon=True).start()
    device = Device(own_site, tmp_path).at("ehttp")
    device.must("set", f"MPUrls=https://localhost:{listener.getsockname()[1]}")
    is_outside(device.registered_by_token().must("policy"), device)
    listener.close()
    assert re.search(r"tls_untrusted: .*connector", log(device)), log(device)


def test_a_management_point_that_must_show_the_sites_certificate_may_not_show_one_of_the_organisations_ca(own_site, tmp_path):
    """The https one answers at the address of the Enhanced HTTP one."""
    device = inside(Device(own_site, tmp_path).at("ehttp"), "ehttp")
    device.registered_by_token()
    own_site.stop("cmg-mp")
    path = own_site.folder / "mp.yaml"
    text, a, b = path.read_text(), authority(own_site, "https").rsplit(":")[1], authority(own_site, "ehttp").rsplit(":")[1]
    path.write_text(text.replace(f"127.0.0.1:{a}", "X").replace(f"127.0.0.1:{b}", f"127.0.0.1:{a}").replace("X", f"127.0.0.1:{b}"))
    own_site.run("cmg-mp")
    until("it listens", lambda: listens(int(b)), 10)
    device.run("policy")
    assert "it must show the site's own certificate" in log(device)
    new = inside(Device(own_site, tmp_path).at("ehttp"), "ehttp")  # it knows no mode yet, and trusts that CA
    assert new.must_fail("register")["network"] == "internet" and "it must show the site's own certificate" in log(new)


# --- what the management point believes -------------------------------------------------------------------------------


def test_anybody_inside_may_ask_where_everything_is_and_nothing_else(site, folder):
    directly = Inside(site, folder)
    for mode in ("https", "ehttp"):
        answer = directly.request(mode, "GET", "/SMS_MP/.sms_aut?MPLIST")
        assert answer.status == 200 and answer.headers["content-type"] == "application/jose"
        for target in ("/SMS_MP/.sms_pol?MACHINE", "/SMS_MP/.sms_pol?SETTINGS", "/CCM_User/policy"):
            assert directly.request(mode, "GET", target).status == 401


def direct(site, folder, device, token, key, certificate, signed=True, forged=()):
    """GET of the device's policy, right at the management point."""
    target = "/SMS_MP/.sms_pol?MACHINE"
    fields = {"Authorization": f"Bearer {token}", **dict(forged)}
    if signed:
        fields |= signature(serialization.load_pem_private_key(Path(key).read_bytes(), None), "GET", target)
    answer = Inside(site, folder).request("ehttp", "GET", target, fields, show=(certificate, key))
    return answer.status, json.loads(answer.body).get("reason") if answer.status >= 400 else None


def test_directly_a_token_counts_with_the_key_that_it_is_bound_to_and_its_signature_alone(site, new_device, folder):
    device = inside(new_device().at("ehttp"), "ehttp").registered_by_token()
    device.must("policy")
    token, thief = device.identity()["access_token"], pki.self_signed(folder, f"thief-{device.name}")
    assert direct(site, folder, device, token, device.key, device.certificate) == (200, None)
    assert direct(site, folder, device, token, thief.key, thief.path) == (401, "not_bound")
    assert direct(site, folder, device, token, device.key, device.certificate, signed=False) == (401, "signature_missing")
    forged = {"CMG-Auth-Method": "token", "CMG-Client-Id": device.guid}
    assert direct(site, folder, device, token, thief.key, thief.path, forged=forged.items()) == (401, "not_bound")


def test_a_blocked_device_is_refused_directly_too(own_site, tmp_path):
    device = inside(Device(own_site, tmp_path).at("ehttp"), "ehttp").registered_by_token()
    device.must("policy")
    own_site.cmg("device", "block", device.guid)
    failure = device.must_fail("policy")
    assert failure["reason"] == "blocked" and failure["network"] == "intranet"


@pytest.mark.parametrize("value", ["https://mp.example/path", "http://mp.example", "mp.example", "https://a b"])
def test_a_wrong_url_is_refused_with_what_to_write(new_device, value):
    code, report = new_device().run("set", f"MPUrls={value}")
    assert code == 2 and "https://" in report["detail"], report


def test_the_enrolment_file_tells_of_the_management_points_and_of_their_ca(own_site, tmp_path):
    path = own_site.folder / "mp.yaml"
    assert own_site.cmg("enrollment")["mp_urls"] == [], "those of this machine say nothing to others"
    text = path.read_text()
    for mode in ("https", "ehttp"):
        text = text.replace(url(own_site, mode), f"https://{mode}.corp.example:{authority(own_site, mode).rsplit(':', 1)[1]}")
    path.write_text(text)
    own_site.stop("cmg-mp")
    own_site.run("cmg-mp")
    until("cmg-mp answers", lambda: own_site.cmg("status", check=False)[0] == 0, 10)
    file = tmp_path / "enrollment.json"
    file.write_text(json.dumps(own_site.cmg("enrollment")))
    device = Device(own_site, tmp_path, enroll=False)
    told = device.must("enroll", file)
    assert sorted(u.split(":")[1] for u in told["MPUrls"].split(";")) == ["//ehttp.corp.example", "//https.corp.example"]
    assert Path(told["MPCA"]).read_text().strip() == Path(own_site.pki("ca")).read_text().strip()
    file.write_text(json.dumps(own_site.cmg("enrollment") | {"mp_urls": ["https://mp.example/path"]}))
    code, report = device.run("enroll", file)
    assert code == 1 and "without a path" in report["detail"]
    assert device.must("get", "MPUrls")["MPUrls"] == told["MPUrls"], "all or nothing"
