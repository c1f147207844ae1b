# SPDX-License-Identifier: Apache-2.0
"""The connection analyzer against planted faults: each is named as the first cause, and what follows from it as such."""
import json
import socket
import ssl
import threading
import time
import urllib.parse
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kit import pki, programs
from kit.analyze import analyze, good, own, run, shown, step
from kit.programs import program, until

REACH = ["name", "route", "tcp", "tls", "certificate", "http", "clock", "gateway"]


def outcomes(report):
    return {s["id"]: s["outcome"] for s in report["steps"]}


def assert_first(report, name, cause):
    """It fails there, for that cause, with words; what needs it is skipped and names it; all before is fine."""
    failed = [s for s in report["steps"] if s["outcome"] == "failed"]
    assert [(s["id"], s["cause"]) for s in failed[:1]] == [(name, cause)], failed
    assert failed[0]["found"] and failed[0]["remedy"] and not report["ok"]
    before = report["steps"][:report["steps"].index(failed[0])]
    assert all(s["outcome"] in ("ok", "skipped") for s in before), before
    for s in report["steps"]:
        assert s["outcome"] != "skipped" or not s["needs"] or s["needs"] in [f["id"] for f in failed] or \
            step(report, s["needs"])["outcome"] == "skipped"
        assert s["outcome"] == "failed" or s["cause"] is None
    return failed[0]


def assert_only(report, name, cause):
    fault = assert_first(report, name, cause)
    assert len([s for s in report["steps"] if s["outcome"] == "failed"]) == 1, report
    return fault


# --- nothing is wrong -------------------------------------------------------------------------------------------------


def test_a_good_certificate_passes_and_says_what_it_does_not_prove(site):
    report = analyze(site, *good(site), "--site-key", site.cmg("status")["pin"])
    assert report["ok"] and all(step(report, n)["outcome"] == "ok" for n in [*REACH, "auth", "crl", "connectors"])
    assert report["credential"]["method"] == "pki" and report["credential"]["proved"] == ["pki"]
    assert {"bulk token", "device token", "access token", "entra"} <= set(report["credential"]["not_proved"])
    assert "signed by the site" in step(report, f"mp.{site.role('https')}.location")["found"]
    assert "ehttp" in step(report, f"mp.{site.role('ehttp')}")["found"]


def test_asking_with_a_bulk_token_registers_nobody_and_uses_nothing(site, tmp_path):
    made = site.cmg("token", "new")
    (tmp_path / "token").write_text(made["token"] + "\n")
    devices = len(site.cmg("device", "list")["devices"])
    site.settle()
    report = analyze(site, "--token-file", tmp_path / "token")
    assert report["ok"] and report["credential"]["proved"] == ["bulk token"]
    assert {outcomes(report)[f"mp.{site.role(m)}.registration"] for m in ("https", "ehttp")} == {"ok"}
    assert len(site.cmg("device", "list")["devices"]) == devices
    assert [t["used"] for t in site.cmg("token", "list")["tokens"] if t["id"] == made["id"]] == [0]
    assert made["token"].split(".", 2)[2] not in json.dumps(report)


def device_token(device, tmp_path, kind="device_token"):
    path = tmp_path / kind
    path.write_text(device.identity()[kind])
    return "--token-file", path


def test_a_device_token_with_its_key_proves_token_service_location_and_policy(site, new_device, tmp_path):
    device = new_device().at("ehttp").registered_by_token()
    own = ["--cert", device.certificate, "--key", device.key]
    report = analyze(site, *device_token(device, tmp_path), *own, "--role", site.role("ehttp"))
    assert report["ok"] and set(report["credential"]["proved"]) == {"device token", "access token"}
    assert [outcomes(report)[f"mp.{site.role('ehttp')}.{s}"] for s in ("sts", "location", "policy")] == ["ok"] * 3
    device.must("policy")
    report = analyze(site, *device_token(device, tmp_path, "access_token"), *own)
    assert report["ok"] and report["credential"]["proved"] == ["access token"]


def test_without_a_credential_the_way_is_judged_and_nothing_proved(site):
    report = analyze(site)
    assert report["ok"] and [outcomes(report)[n] for n in REACH] == ["ok"] * len(REACH)
    assert step(report, "auth")["outcome"] == "skipped" and report["credential"]["proved"] == []


def test_the_text_names_cause_remedy_and_what_was_not_proved(site):
    code, out, _ = programs.run([program("cmg"), "analyze", site.report["gateway"], "--ca", site.report["ca"], "--cert",
                                 site.pki("revoked_certificate"), "--key", site.pki("revoked_key")], False)
    assert code == 1 and "cause: revoked" in out and "remedy: " in out and "\033" not in out
    assert "cmg-client analyze" in out and "First cause revoked, at 'Client authentication'" in out


@pytest.mark.parametrize("arguments", [[], ["gw", "--cert", "/nowhere"], ["a b"], ["gw:0"], ["http://gw"],
                                       ["gw", "--site-key", "12"], ["gw", "--timeout", "0"], ["gw", "--role", "a b"],
                                       ["gw", "--ca", "/dev/null"], ["gw", "--token-file", "/etc/hostname"]])


def test_wrong_usage_ends_with_2_and_words(arguments):
    code, out, err = programs.run([program("cmg"), "analyze", *arguments], False)
    assert code == 2 and not out and err.strip()


# --- the way ----------------------------------------------------------------------------------------------------------


def test_a_name_that_does_not_resolve(site):
    assert_only(analyze(site, gateway="no-such-gateway.invalid"), "name", "name_not_found")


def test_a_port_that_refuses(site):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert_only(analyze(site, gateway=f"localhost:{port}"), "tcp", "connection_refused")


def test_an_address_where_packets_are_dropped(site):
    """A listener whose queue is full drops what comes, as a firewall does."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        crowd = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
            crowd.append(one)
        fault = assert_only(analyze(site, "--timeout", "1", gateway=f"127.0.0.1:{listener.getsockname()[1]}"), "tcp",
                            "filtered")
        for one in crowd:
            one.close()
    assert 900 <= fault["ms"] <= 5000


# --- TLS: servers that are no gateway ---------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        time.sleep(self.server.delay)
        self.send_response_only(self.server.status)
        self.send_header("Date", self.date_time_string(time.time() + self.server.ahead))
        for name, value in self.server.fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = answer

    def log_message(self, *arguments):
        pass


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


class Server:
    """Answers everything over TLS; `ahead`: of its clock, seconds."""

    def __init__(self, context, port=0, status=401, ahead=0, delay=0, **fields):
        self.server = QuietServer(("127.0.0.1", port), Handler)
        self.server.status, self.server.ahead, self.server.delay = status, ahead, delay
        self.server.fields = {name.replace("_", "-"): value for name, value in fields.items()}
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def __enter__(self):
        return f"localhost:{self.server.server_address[1]}"

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def context_of(pair):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(pair.path), str(pair.key))
    return context


def server_pair(root, file, dns="localhost", days=(-1, 365), usage=(pki.SERVER_AUTH,)):
    return root.device("gateway", usage=usage, dns=dns, days=days, file=file)


@pytest.fixture(scope="module")
def server_ca(folder):
    path = folder / "analyze"
    path.mkdir()
    return pki.Ca(path, "Server Root")


def test_a_server_that_speaks_old_tls_alone(site, server_ca):
    context = context_of(server_pair(server_ca, "old"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with Server(context) as gateway:
        fault = assert_only(run(gateway, "--ca", server_ca.path), "tls", "tls_version")
    assert "TLSv1.1" in fault["found"] and "TLSv1.2" in fault["found"]


def test_a_server_without_tls(site):
    with Server(None) as gateway:
        assert_only(run(gateway), "tls", "not_tls")


def test_a_listener_that_says_nothing(site):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert_only(run(f"127.0.0.1:{listener.getsockname()[1]}", "--timeout", "1"), "tls", "tls_cut")


def test_a_proxy_that_breaks_tls_open_is_named_by_its_issuer(site, tmp_path):
    proxy = pki.Ca(tmp_path, "Corporate Inspection CA")
    with Server(context_of(server_pair(proxy, "forged"))) as gateway:
        fault = assert_only(analyze(site, gateway=gateway), "certificate", "tls_intercepted")
    assert "Corporate Inspection CA" in fault["found"]


def test_a_proxy_whose_root_is_trusted_here_is_found_too(site, tmp_path):
    """It asks for a credential as the gateway does, but it is not the gateway that ends TLS."""
    proxy = pki.Ca(tmp_path, "Trusted Inspection CA")
    with Server(context_of(server_pair(proxy, "forged")), CMG_Status_Text="CMGService_Invalid_Token") as gateway:
        fault = assert_only(run(gateway, "--ca", proxy.path), "gateway", "tls_intercepted")
    assert "Trusted Inspection CA" in fault["found"]


def test_another_server_is_no_gateway(site, server_ca):
    with Server(context_of(server_pair(server_ca, "web")), status=404) as gateway:
        assert_only(run(gateway, "--ca", server_ca.path), "gateway", "not_a_gateway")


def test_the_gateways_own_certificate_from_an_untrusted_root_names_the_root(site, server_ca):
    fault = assert_only(run(site.report["gateway"], "--ca", server_ca.path), "certificate", "tls_untrusted")
    assert "OpenCMG evaluation CA" in fault["found"]


@pytest.mark.parametrize("file,how,cause,words", [
    ("elsewhere", {"dns": ["gw.example.com"]}, "tls_wrong_host", "gw.example.com"),
    ("addresses", {"dns": ["2001:db8::1", "192.0.2.1"]}, "tls_wrong_host", "for 2001:db8::1, 192.0.2.1"),
    ("ended", {"days": (-30, -2)}, "tls_expired", "expired"),
    ("future", {"days": (2, 30)}, "tls_not_yet_valid", "begins"),
    ("client", {"usage": (pki.CLIENT_AUTH,)}, "tls_wrong_usage", "CN=gateway"),
])


def test_a_faulty_server_certificate(site, server_ca, file, how, cause, words):
    with Server(context_of(server_pair(server_ca, file, **how))) as gateway:
        fault = assert_only(run(gateway, "--ca", server_ca.path), "certificate", cause)
    assert words in fault["found"]


@pytest.mark.parametrize("ahead", [-7200, 400])
def test_clocks_that_differ(site, server_ca, ahead):
    with Server(context_of(server_pair(server_ca, f"clock{ahead}")), ahead=ahead) as gateway:
        fault = assert_only(run(gateway, "--ca", server_ca.path), "clock", "clock_wrong")
    assert str(abs(ahead))[:2] in fault["found"]


def test_a_certificate_that_is_out_of_its_time_by_our_clock_alone_means_a_wrong_clock(site, server_ca):
    ahead = int(timedelta(days=10).total_seconds())
    with Server(context_of(server_pair(server_ca, "later", days=(5, 30))), ahead=ahead) as gateway:
        assert_only(run(gateway, "--ca", server_ca.path), "certificate", "clock_wrong")


# --- refusals of the gateway ------------------------------------------------------------------------------------------


def test_a_revoked_certificate(site):
    fault = assert_only(analyze(site, "--cert", site.pki("revoked_certificate"), "--key", site.pki("revoked_key")),
                        "auth", "revoked")
    assert fault["code"] == "CMGService_Invalid_Client_Certificate" and fault["request_id"]


def test_faulty_client_certificates(site, ca, tmp_path):
    stranger = pki.Ca(tmp_path, "Unknown Root")
    for pair, cause in ((ca.device("ended", days=(-30, -2)), "expired"), (ca.device("soon", days=(2, 9)), "not_yet_valid"),
                        (ca.device("srv", usage=[pki.SERVER_AUTH]), "wrong_usage"),
                        (stranger.device("stranger"), "incomplete_chain"),
                        (pki.self_signed(tmp_path, "alone"), "untrusted_root")):
        assert_only(analyze(site, *shown(pair)), "auth", cause)


@pytest.mark.parametrize("with_crl,cause", [(False, "crl_unavailable"), (True, "crl_expired")])
def test_a_crl_that_is_missing_or_old_fails_at_the_crl_and_not_before(site, tmp_path, with_crl, cause):
    root = pki.Ca(tmp_path, "Root With Bad CRL")
    crl = ["--crl", root.crl(days=(-30, -1))] if with_crl else []
    added = site.add("trust", "add", "--anchor", root.path, *crl)
    try:
        report = analyze(site, *shown(root.device("unchecked")))
        assert_only(report, "crl", cause)
        assert step(report, "auth")["outcome"] == "ok" and report["credential"]["proved"] == []
    finally:
        for entry in added["trust"]:
            site.cmg("trust", "remove", entry["id"])
        site.settle()


def test_pki_at_a_management_point_in_another_mode(site):
    report = analyze(site, *good(site), "--role", site.role("ehttp"))
    fault = assert_only(report, "points", "mode_forbids_pki")
    assert fault["code"] == "CMGService_Not_Allowed" and report["credential"]["proved"] == ["pki"]


def test_a_management_point_that_there_is_not(site):
    fault = assert_only(analyze(site, *good(site), "--role", "12345"), "points", "no_management_point")
    assert site.role("https") in fault["found"]


def test_another_sites_key(site):
    assert_only(analyze(site, *good(site), "--site-key", "0" * 64), "auth", "location_untrusted")


def test_a_device_token_without_its_key(site, new_device, tmp_path):
    device = new_device().at("ehttp").registered_by_token()
    fault = assert_only(analyze(site, *device_token(device, tmp_path)), "auth", "not_bound")
    assert "--cert" in fault["remedy"]


def test_an_expired_token(site, mint, self_signed, tmp_path):
    now = int(time.time())
    (tmp_path / "old").write_text(mint.token("access", self_signed.certificate, iat=now - 9000, nbf=now - 9000,
                                             exp=now - 500))
    assert_only(analyze(site, "--token-file", tmp_path / "old", *shown(self_signed)), "auth", "expired")


def test_a_token_of_another_site(site, mint, self_signed, tmp_path):
    (tmp_path / "foreign").write_text(mint.token("access", self_signed.certificate, iss="urn:opencmg:OTHER"))
    assert_only(analyze(site, "--token-file", tmp_path / "foreign", *shown(self_signed)), "auth", "wrong_issuer")


# --- the device's own side --------------------------------------------------------------------------------------------


def test_a_registered_device_proves_all_that_it_uses(site, new_device):
    device = new_device().at("ehttp").registered_by_token()
    before = device.identity()
    report = own(device)
    assert report["ok"] and set(report["credential"]["proved"]) == {"device token", "access token"}
    assert "signed by the site" in step(report, f"mp.{site.role('ehttp')}.policy")["found"]
    assert device.identity() == before, "the device stays as it was"
    pki_device = new_device().with_certificate(site.pki("certificate"), site.pki("key"))
    pki_device.must("register")
    report = own(pki_device)
    assert report["ok"] and step(report, f"mp.{site.role('https')}.policy")["outcome"] == "ok"


def test_a_blocked_device(site, new_device):
    device = new_device().at("ehttp").registered_by_token()
    site.add("device", "block", device.guid)
    until("blocked", lambda: not own(device)["ok"])
    assert_only(own(device), "auth", "blocked")


def test_what_a_devices_settings_rule_out(site, new_device, tmp_path):
    device = new_device()
    assert_only(own(device), "settings", "no_method")
    device.must("set", "DisAllowCMG=1")
    assert_only(own(device), "settings", "cmg_disallowed")
    assert_only(own(new_device(enroll=False)), "settings", "no_site_key")
    ended = site.ca(tmp_path).device("ended", days=(-9, -2))
    assert_only(own(new_device().with_certificate(ended.path, ended.key)), "settings", "expired")


def test_a_device_that_is_not_registered(site, new_device, ca):
    device = new_device().with_certificate(ca.good.path, ca.good.key)
    assert_only(own(device), f"mp.{site.role('https')}.policy", "not_registered")


# --- the way inside ---------------------------------------------------------------------------------------------------


def mp_port(site, mode):
    return urllib.parse.urlsplit(site.report["mp_urls"][mode]).port


def test_no_connector_and_management_points_that_are_down(own_site):
    own_site.kill("cmg-mp")
    report = analyze(own_site, *good(own_site))
    assert step(report, "connectors")["outcome"] == "ok"
    assert_only(report, f"mp.{own_site.role('https')}.location", "refused")
    own_site.kill("cmg-connector")
    until("the gateway misses it", lambda: step(analyze(own_site, *good(own_site)), "connectors")["outcome"] != "ok", 10)
    assert_only(analyze(own_site, *good(own_site)), "connectors", "no_connection_point")
    own_site.kill("cmg-gateway")
    assert_only(analyze(own_site, *good(own_site)), "tcp", "connection_refused")


@pytest.mark.parametrize("how,cause", [
    ({"status": 302, "Location": "https://login.example/"}, "mp_redirects"),
    ({"status": 200, "delay": 4}, "mp_slow"),
    ({"status": 500}, "mp_error"),
    ({"status": 496}, "client_certificate_required"),
    ({"status": 200}, "bad_answer"),
])


def test_a_management_point_that_behaves_otherwise(own_site, tmp_path, how, cause):
    own_site.kill("cmg-mp")
    pair = own_site.ca(tmp_path).device("localhost", usage=[pki.SERVER_AUTH], dns="localhost", file="mp")
    with Server(context_of(pair), mp_port(own_site, "https"), **how):
        fault = assert_only(analyze(own_site, *good(own_site)), f"mp.{own_site.role('https')}.location", cause)
    assert "login.example" in fault["found"] or cause != "mp_redirects"


def test_a_management_point_that_lost_its_tls(own_site):
    own_site.kill("cmg-mp")
    with Server(None, mp_port(own_site, "https")):
        until("TLS is missed", lambda: step(analyze(own_site, *good(own_site)),
                                            f"mp.{own_site.role('https')}.location")["cause"] == "tls", 10)
