# SPDX-License-Identifier: Apache-2.0
"""What happens while the site runs: programs die and come back, blocks and removals arrive, choices are enforced."""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import threading
import time

import pytest

from kit import gatewayclient, pki, programs, refusal
from kit.device import Device
from kit.gatewayclient import HTTP1, HTTP2
from kit.mint import Mint
from kit.programs import until
from kit.site import CONFIGURATIONS, LOGS, start_second_connector, start_second_gateway
from kit.upstream import Upstream

WITHIN_S = 5.0
METADATA = "/CCM_Proxy_MutualAuth/ServiceMetadata"


def pki_device(site, folder):
    device = Device(site, folder)
    device.with_certificate(site.pki("certificate"), site.pki("key")).at("https").must("run", "--once")
    return device


def works(device):
    return device.run("policy")[0] == 0


def assert_back(site, device, since):
    until("the device gets its policy again", lambda: works(device), WITHIN_S - (time.monotonic() - since), 0.02)
    until("both workers have a tunnel", lambda: site.metric("cmg_tunnels") == 2, WITHIN_S - (time.monotonic() - since))


@pytest.mark.parametrize("name", LOGS)
def test_a_hang_up_opens_the_log_anew_and_ends_nobody(own_site, tmp_path, name):
    log, rotated = own_site.folder / LOGS[name], tmp_path / "rotated.log"
    pid = own_site.pid(name)
    log.rename(rotated)
    os.kill(pid, signal.SIGHUP)
    until("its log is there again", lambda: log.exists() and "opened anew" in log.read_text(), 5)
    assert own_site.pid(name) == pid and not programs.has_ended(pid)
    assert works(pki_device(own_site, tmp_path))


@pytest.mark.parametrize("name", LOGS)
def test_a_signal_brings_debug_lines_and_the_next_one_ends_them(own_site, tmp_path, name):
    log, pid = own_site.folder / LOGS[name], own_site.pid(name)
    os.kill(pid, signal.SIGUSR1)
    until("it tells that debug lines come", lambda: "debug lines from now on" in log.read_text(), 5)
    assert works(pki_device(own_site, tmp_path))
    if name == "cmg-connector":
        until("they come", lambda: " debug " in log.read_text(), 5)
    os.kill(pid, signal.SIGUSR1)
    until("it tells that they end", lambda: "the configured one again" in log.read_text(), 5)
    assert own_site.pid(name) == pid and not programs.has_ended(pid)
    assert works(pki_device(own_site, tmp_path)) and " debug " not in log.read_text().partition("the configured one again")[2]


def test_the_status_is_watched_also_while_the_site_is_away(own_site):
    watched, heard = own_site.folder / "watched.json", own_site.folder / "watched.err"
    with watched.open("w") as out, heard.open("w") as err:
        process = programs.start([programs.program("cmg"), "status", "--watch", "1", "--json", "--socket",
                                  own_site.report["admin_socket"]], err, out)
        try:
            until("it is shown twice", lambda: len(watched.read_text().splitlines()) >= 2, 10)
            own_site.kill("cmg-mp")
            until("that the site is away is shown", lambda: heard.read_text(), 10)
            own_site.run("cmg-mp")
            shown = len(watched.read_text().splitlines())
            until("it is shown again", lambda: len(watched.read_text().splitlines()) > shown, 10)
        finally:
            programs.end(process)
    assert all(json.loads(line)["site"] for line in watched.read_text().splitlines())


@pytest.mark.parametrize("name", LOGS)
def test_a_start_that_fails_says_so_on_the_terminal_too(own_site, name):
    key, bad = {"cmg-mp": ("admin_socket", "admin_socket: /proc/none/admin.sock"),
                "cmg-gateway": ("listen", 'listen: ["192.0.2.1:443"]'), "cmg-connector": ("state", "state: /proc/none")}[name]
    text = (own_site.folder / CONFIGURATIONS[name]).read_text()
    text = re.sub(rf"(?m)^{key}:.*$", "", text) + bad + "\n"
    (own_site.folder / "bad.yaml").write_text(text)
    code, _, err = programs.run([programs.program(name), "--config", own_site.folder / "bad.yaml"], False)
    assert code == 1 and "can't start" in err and "remedy:" in err, err


def test_the_tunnel_is_back_after_the_gateway_was_killed(own_site, tmp_path):
    device = pki_device(own_site, tmp_path)
    own_site.kill("cmg-gateway")
    assert not works(device)
    time.sleep(1)
    since = time.monotonic()
    own_site.run("cmg-gateway")
    assert_back(own_site, device, since)


def test_the_tunnel_is_back_after_the_connector_was_killed(own_site, tmp_path):
    device = pki_device(own_site, tmp_path)
    own_site.kill("cmg-connector")
    report = until("without a connector there is no way inside", lambda: device.run("policy")[1]["code"] ==
                   "CMGService_No_Connection_Point" and device.run("policy")[1])
    assert report["status"] == 503
    since = time.monotonic()
    own_site.run("cmg-connector")
    assert_back(own_site, device, since)


def test_the_site_is_back_after_all_of_it_was_killed(own_site, tmp_path):
    device = pki_device(own_site, tmp_path)
    for name in ("cmg-mp", "cmg-gateway", "cmg-connector"):
        own_site.kill(name)
    since = time.monotonic()
    for name in ("cmg-connector", "cmg-gateway", "cmg-mp"):  # in no helpful order
        own_site.run(name)
    until("the device gets its policy again", lambda: works(device), WITHIN_S + 3 - (time.monotonic() - since))


def test_a_gateway_that_starts_without_its_site_serves_with_the_bundle_it_kept(own_site, tmp_path):
    for name in ("cmg-mp", "cmg-connector", "cmg-gateway"):
        own_site.kill(name)
    own_site.run("cmg-gateway")
    until("the gateway listens", lambda: own_site.admin_page("/healthz")[0] == 200)
    answer = gatewayclient.request(own_site, HTTP1, "GET", METADATA, certificate=own_site.pki("certificate"),
                                   key=own_site.pki("key"))
    assert answer.status == 200, answer
    revoked = gatewayclient.request(own_site, HTTP1, "GET", METADATA, certificate=own_site.pki("revoked_certificate"),
                                    key=own_site.pki("revoked_key"))
    assert revoked.problem()["reason"] == "revoked"
    assert not own_site.ready()  # it says of itself that it has no way inside


def test_a_gateway_that_never_had_a_bundle_lets_nobody_in(own_site):
    for name in ("cmg-mp", "cmg-connector", "cmg-gateway"):
        own_site.kill(name)
    shutil.rmtree(own_site.folder / "gateway-state")
    own_site.run("cmg-gateway")
    until("the gateway listens", lambda: own_site.admin_page("/healthz")[0] == 200)
    for version in (HTTP1, HTTP2):
        refusal.assert_refused(own_site, version, 503, "CMGService_Stale_Bundle", "stale_bundle", "GET", METADATA,
                               certificate=own_site.pki("certificate"), key=own_site.pki("key"))


def test_a_bundle_that_somebody_altered_on_disk_is_not_used(own_site):
    for name in ("cmg-mp", "cmg-connector", "cmg-gateway"):
        own_site.kill(name)
    [kept] = [f for f in (own_site.folder / "gateway-state").iterdir() if f.suffix == ".jws"]
    header, payload, signature = kept.read_text().strip().split(".")
    middle = len(payload) // 2
    kept.write_text(".".join((header, payload[:middle] + ("A" if payload[middle] != "A" else "B") +
                              payload[middle + 1:], signature)))
    own_site.run("cmg-gateway")
    until("the gateway listens", lambda: own_site.admin_page("/healthz")[0] == 200)
    answer = gatewayclient.request(own_site, HTTP1, "GET", METADATA, certificate=own_site.pki("certificate"),
                                   key=own_site.pki("key"))
    assert answer.problem()["code"] == "CMGService_Stale_Bundle"


def refuses(port, ctx):
    try:
        gatewayclient.connect(port, ctx).close()
    except OSError:
        return True
    return False


def test_a_drained_gateway_finishes_what_is_under_way(own_site):
    upstream = Upstream()
    try:
        own_site.publish("echo", "--url", upstream.url)
        ctx = gatewayclient.context(own_site.report["ca"], own_site.pki("certificate"), own_site.pki("key"))
        with gatewayclient.connect(own_site.port, ctx) as tls:
            tls.sendall(b"POST /CCM_Proxy_MutualAuth/echo/slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nab")
            until("it is under way", lambda: own_site.metric("cmg_requests_in_flight") == 1)
            own_site.alone["cmg-gateway"].terminate()
            until("no newcomer is taken", lambda: refuses(own_site.port, ctx))
            tls.sendall(b"cd")
            answer = gatewayclient.read_h1(tls)
        assert answer.status == 200 and b'"body": "abcd"' in answer.body
        until("the gateway has ended", lambda: own_site.alone["cmg-gateway"].poll() is not None, 8)
        assert own_site.alone["cmg-gateway"].returncode == 0
    finally:
        upstream.close()


# --- blocks and removals ----------------------------------------------------------------------------------------------


class Watched:
    """An open connection with a request that is parked inside, and when it ended."""

    def __init__(self, site, version, target, headers=(), **shown):
        self.closed_after = None
        self.began = time.monotonic()
        ctx = gatewayclient.context(site.report["ca"], alpn=version, **shown)
        if version == HTTP1:
            self.tls = gatewayclient.connect(site.port, ctx)
            lines = [f"GET {target} HTTP/1.1", "Host: localhost"] + [f"{n}: {v}" for n, v in headers]
            self.tls.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            self.wait = lambda: self.tls.recv(65536)
        else:
            connection = gatewayclient.H2(site.port, ctx)
            self.tls = connection.tls
            connection.h2.send_headers(1, [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"),
                                           (":path", target)] + [(n.lower(), v) for n, v in headers], end_stream=True)
            connection.flush()
            self.wait = connection.events
        self.tls.settimeout(20)
        self.thread = threading.Thread(target=self._wait, daemon=True)
        self.thread.start()

    def _wait(self):
        try:
            while self.wait():
                pass
        except OSError:
            return  # a time-out leaves closed_after unset
        finally:
            self.ended = time.monotonic()
        self.closed_after = self.ended

    def close(self):
        """First the thread ends: the number of a closed descriptor is the next connection's, whose bytes it would take."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.tls, socket.SHUT_RDWR)
        self.thread.join()
        self.tls.close()


@pytest.fixture
def parking(own_site):
    """An endpoint that never answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(1)
    own_site.add("endpoint", "add", "parking", "--url", f"http://localhost:{listener.getsockname()[1]}")
    until("a connector reaches it", lambda: comes_in(own_site, listener), 30)
    yield "parking"
    listener.close()


def comes_in(site, listener):
    """A request of the probe's own, which goes with it."""
    probe = Watched(site, HTTP1, "/CCM_Proxy_MutualAuth/parking/probe", certificate=site.pki("certificate"), key=site.pki("key"))
    try:
        listener.accept()[0].close()
        return True
    except TimeoutError:
        return False
    finally:
        probe.close()
        until("it is gone", lambda: site.metric("cmg_requests_in_flight") == 0)


@pytest.mark.parametrize("version", [HTTP1, HTTP2])
def test_a_block_closes_the_devices_open_connections_within_5_s(own_site, parking, version, tmp_path):
    device = pki_device(own_site, tmp_path)
    token_device = Device(own_site, tmp_path).at("ehttp").registered_by_token()
    token_device.must("policy")
    bearer = [("Authorization", f"Bearer {token_device.identity()['access_token']}")]
    watched = [Watched(own_site, version, f"/CCM_Proxy_MutualAuth/{parking}/x", certificate=own_site.pki("certificate"),
                       key=own_site.pki("key")),
               Watched(own_site, version, f"/CCM_Proxy_ServerAuth/{parking}/x", bearer, **token_device.client())]
    until("they are parked", lambda: own_site.metric("cmg_requests_in_flight") == len(watched))
    since = time.monotonic()
    own_site.cmg("device", "block", device.guid)
    own_site.cmg("device", "block", token_device.guid)
    for one in watched:
        one.thread.join(WITHIN_S - (time.monotonic() - since))
        assert not one.thread.is_alive(), "still open"
        one.close()
    for one in (device, token_device):
        report = one.must_fail("policy")
        assert (report["code"], report["reason"]) == ("CMGService_Not_Allowed", "blocked")


def test_a_crl_that_revokes_a_certificate_closes_its_connections_within_5_s(own_site, parking, tmp_path):
    root = pki.Ca(tmp_path, "Root")
    device = root.device("soon-revoked")
    own_site.add("trust", "add", "--anchor", root.path, "--crl", root.crl())
    watched = Watched(own_site, HTTP1, f"/CCM_Proxy_MutualAuth/{parking}/x", **device.client())
    until("it is parked", lambda: own_site.metric("cmg_requests_in_flight") == 1)
    since = time.monotonic()
    own_site.cmg("trust", "add", "--crl", root.crl([device], number=2))
    watched.thread.join(WITHIN_S - (time.monotonic() - since))
    assert not watched.thread.is_alive()
    watched.close()
    answer = gatewayclient.request(own_site, HTTP1, "GET", METADATA, **device.client())
    assert answer.problem()["reason"] == "revoked"
    code, problem = own_site.cmg("trust", "add", "--crl", root.crl(number=1, file="old.crl"), check=False)
    assert code == 1, f"an older CRL was taken: {problem}"


@pytest.fixture
def streaming(own_site):
    """An endpoint whose answer never ends."""
    listener = socket.create_server(("127.0.0.1", 0))

    def trickle(connection):
        with connection:
            try:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                while True:
                    connection.sendall(b"5\r\nhello\r\n")
                    time.sleep(0.1)
            except OSError:
                pass

    def serve():
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=trickle, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    own_site.add("endpoint", "add", "streaming", "--url", f"http://localhost:{listener.getsockname()[1]}")
    yield "streaming"
    listener.close()


@pytest.mark.parametrize("how", ["revoked", "blocked"])
def test_parked_and_streaming_requests_end_on_two_gateways_within_5_s(own_site, parking, streaming, how, tmp_path):
    root = pki.Ca(tmp_path, "Root")
    pair = root.device("leaves-us")
    own_site.add("trust", "add", "--anchor", root.path, "--crl", root.crl())
    device = Device(own_site, tmp_path).with_certificate(pair.path, pair.key).at("https")
    device.must("run", "--once")
    gateways = [own_site, start_second_gateway(own_site)]
    watched = [Watched(gateway, version, f"/CCM_Proxy_MutualAuth/{endpoint}/x", **pair.client())
               for gateway in gateways for version in (HTTP1, HTTP2) for endpoint in (parking, streaming)]
    for admin in (None, gateways[1].admin):
        until("all are under way", lambda a=admin: own_site.metric("cmg_requests_in_flight", a) == 4)
    since = time.monotonic()
    if how == "revoked":
        own_site.cmg("trust", "add", "--crl", root.crl([pair], number=2))
    else:
        own_site.cmg("device", "block", device.guid)
    for one in watched:
        one.thread.join(max(0, WITHIN_S - (time.monotonic() - since)))
    still_open = [i for i, w in enumerate(watched) if w.thread.is_alive()]
    for one in watched:
        one.close()
    assert not still_open
    for gateway in gateways:
        for version in (HTTP1, HTTP2):
            answer = gatewayclient.request(gateway, version, "GET", METADATA, **pair.client())
            assert answer.problem()["reason"] == how


def test_a_removed_connector_is_withdrawn_everywhere_within_5_s(own_site, tmp_path):
    device = pki_device(own_site, tmp_path)
    own_site.cmg("connector", "remove", "cp1")
    until("its tunnels are gone", lambda: own_site.metric("cmg_tunnels") == 0, WITHIN_S)
    report = device.must_fail("policy")
    assert report["code"] == "CMGService_No_Connection_Point"
    time.sleep(2)  # it dials again, and again
    assert own_site.metric("cmg_tunnels") == 0
    before = len(own_site.access_log())
    own_site.kill("cmg-connector")
    own_site.run("cmg-connector")
    time.sleep(1.5)
    assert own_site.metric("cmg_tunnels") == 0 and not own_site.ready()
    assert not [line for line in own_site.access_log()[before:] if "status=200" in line]


def test_a_second_connector_takes_over_and_is_told_what_to_serve(own_site, tmp_path):
    device = pki_device(own_site, tmp_path)
    start_second_connector(own_site, tmp_path)
    own_site.kill("cmg-connector")
    since = time.monotonic()
    until("the other one serves", lambda: works(device), WITHIN_S, 0.02)
    until("its own tunnels alone are left", lambda: own_site.metric("cmg_tunnels") == 2,
          WITHIN_S - (time.monotonic() - since))


def test_a_connector_that_dies_loses_no_safe_request(own_site, tmp_path):
    upstream = Upstream()
    over, answers, faults = threading.Event(), [], []

    def ask(version):
        ctx = gatewayclient.context(own_site.report["ca"], own_site.pki("certificate"), own_site.pki("key"), version)
        while not over.is_set():
            try:
                with gatewayclient.H2(own_site.port, ctx) as connection:
                    for _ in range(20):
                        answers.append(connection.request("GET", "/CCM_Proxy_MutualAuth/echo/x").status)
            except (OSError, AssertionError) as fault:
                faults.append(fault)
    try:
        own_site.publish("echo", "--url", upstream.url)
        start_second_connector(own_site, tmp_path)
        threads = [threading.Thread(target=ask, args=(HTTP2,), daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        until("requests are answered", lambda: len(answers) > 50 or faults, 30)
        own_site.kill("cmg-connector")
        count = len(answers)
        until("they go on without it", lambda: len(answers) > count + 200 or faults, 30)
        over.set()
        for thread in threads:
            thread.join(10)
        assert set(answers) == {200} and faults == [], (set(answers), faults[:3])
    finally:
        over.set()
        upstream.close()


# --- choices ----------------------------------------------------------------------------------------------------------


def start_refused(site, name, configuration):
    """The program does not start; what it said."""
    code, out, err = programs.run([programs.program(name), "--config", configuration], False)
    assert code != 0, f"{name} started"
    return out + err


def test_an_ehttp_management_point_with_pki_clients_does_not_start_and_names_the_rule(own_site):
    text = (own_site.folder / "mp.yaml").read_text()
    head, ehttp = text.split("mode: ehttp")
    ehttp = re.sub(r"client_auth: \[.*?\]", "client_auth: [pki, token]", ehttp, 1)
    configuration = own_site.folder / "mp-pki.yaml"
    configuration.write_text(head + "mode: ehttp" + ehttp)
    own_site.kill("cmg-mp")
    assert "ehttp-forbids-pki" in start_refused(own_site, "cmg-mp", configuration)
    code, out, err = programs.run([programs.program("cmg-mp"), "--check-config", "--config", configuration], False)
    assert code != 0 and "ehttp-forbids-pki" in out + err


def test_a_connector_without_certificate_does_not_serve_an_https_management_point_with_pki_clients(own_site):
    configuration = own_site.folder / "bare.yaml"
    text = (own_site.folder / "connector.yaml").read_text()
    configuration.write_text("\n".join(line for line in text.splitlines() if not line.startswith("client_certificate"))
                             .replace("connector.log", "bare.log"))
    own_site.kill("cmg-connector")
    for file in (own_site.folder / "connector-state").iterdir():
        file.unlink()
    own_site.alone["bare"] = programs.start([programs.program("cmg-connector"), "--config", configuration],
                                            programs.subprocess.DEVNULL)
    until("it has ended", lambda: own_site.alone["bare"].poll() is not None, 10)
    assert own_site.alone["bare"].returncode != 0
    assert "connector-certificate-missing" in (own_site.folder / "bare.log").read_text()


def test_a_gateway_without_a_server_certificate_does_not_start_and_names_the_rule(own_site):
    configuration = own_site.folder / "bare.yaml"
    text = (own_site.folder / "gateway.yaml").read_text()
    configuration.write_text(re.sub(r"server_certificates: .*", "server_certificates: []", text))
    own_site.kill("cmg-gateway")
    assert "rule server-certificate:" in start_refused(own_site, "cmg-gateway", configuration)


# --- forgeries ---------------------------------------------------------------------------------------------------------


def test_a_management_point_with_other_keys_cannot_forge_policy(own_site, tmp_path):
    """Whoever sits behind the gateway needs the site's keys: with a signing key of its own the device refuses it."""
    device = pki_device(own_site, tmp_path)
    own_site.cmg("policy", "add", "later", "--content", "a: 1\n")
    own_site.kill("cmg-mp")
    code, _, _ = programs.run([programs.program("cmg"), "init", "--dir", tmp_path / "forger", "--site", "LAB"])
    assert code == 0
    for suffix in ("pem", "key"):
        (own_site.folder / "keys" / f"sign-policy.{suffix}").write_bytes(
            (tmp_path / "forger" / "keys" / f"sign-policy.{suffix}").read_bytes())
    process = own_site.run("cmg-mp")
    time.sleep(2)
    if process.poll() is not None:
        assert "sign-policy" in own_site.log("cmg-mp")  # it sees by itself that the key is not of this site
        return
    report = device.must_fail("policy")
    assert report["reason"] == "policy_untrusted", report
    assert "later" not in device.policies()


def test_tokens_of_another_site_open_nothing(own_site, tmp_path):
    programs.run([programs.program("cmg"), "init", "--dir", tmp_path / "other", "--site", "LAB"])
    shown = pki.self_signed(tmp_path, "device")
    mint = Mint(own_site)
    other = pki.serialization.load_pem_private_key((tmp_path / "other/keys/sign-token.key").read_bytes(), None)
    for kid, reason in ((mint.kid, "bad_signature"), ("another", "unknown_key")):
        token = mint.token("access", shown.certificate, key=other, kid=kid)
        answer = gatewayclient.request(own_site, HTTP1, "GET", "/CCM_Proxy_ServerAuth/ServiceMetadata",
                                       [("Authorization", f"Bearer {token}")], **shown.client())
        assert answer.problem()["reason"] == reason
