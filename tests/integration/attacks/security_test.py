# SPDX-License-Identifier: Apache-2.0
"""Attacks by those who hold something of the site: a gateway's key, a revoked certificate, a token, a device's key."""
import base64
import contextlib
import json
import resource
import socket
import ssl
import time
import uuid
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import pytest

from kit import gatewayclient, pki
from kit.gatewayclient import HTTP1, HTTP2
from kit.inside import ACCESS, Inside
from kit.mint import Mint
from kit.programs import until

WITHIN_S = 5


def reason(answer):
    return json.loads(answer.body).get("reason")


# --- a gateway that was broken into -----------------------------------------------------------------------------------


class FakeGateway:
    """Takes the place of the gateway with a bootstrap file's key, and asks in the tunnel whatever it likes."""

    def __init__(self, site, bootstrap, folder):
        held = json.loads(bootstrap.read_text())
        chain, key = folder / "fake-gateway.pem", folder / "fake-gateway.key"
        chain.write_text(held["certificate_pem"])
        key.touch(0o600)
        key.write_text(held["key_pem"])
        self.id, self.tls = held["id"], None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.context.load_cert_chain(chain, key)
        self.context.load_verify_locations(cadata=held["root_pem"])
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.set_alpn_protocols(["rh2"])
        self.listener = socket.create_server(("127.0.0.1", site.port))
        self.answers, self.done = {}, set()

    def accept(self, within_s):
        """A connector believes that this is its gateway: it goes on after the handshake."""
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            self.listener.settimeout(max(0.05, end - time.monotonic()))
            try:
                bare, _ = self.listener.accept()
                bare.settimeout(3)
                self.tls = self.context.wrap_socket(bare, server_side=True)
                if self._begin():
                    return True
            except OSError:
                continue
        return False

    def _begin(self):
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.h2.initiate_connection()
        self._flush()
        return self._take()

    def _flush(self):
        self.tls.sendall(self.h2.data_to_send())

    def _take(self):
        data = self.tls.recv(65536)
        for event in self.h2.receive_data(data) if data else []:
            if isinstance(event, h2.events.ResponseReceived):
                self.answers[event.stream_id] = [int(dict(event.headers)[":status"]), b""]
            elif isinstance(event, h2.events.DataReceived):
                self.answers[event.stream_id][1] += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                self.done.add(event.stream_id)
        self._flush()
        return bool(data)

    def _send(self, method, authority, path, body=b"", headers=()):
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, [(":method", method), (":scheme", "https"), (":authority", authority),
                                      (":path", path), *headers], end_stream=not body)
        if body:
            self.h2.send_data(stream, body, end_stream=True)
        self._flush()
        return stream

    def hello(self):
        text = json.dumps({"version": 1, "gateway": self.id, "generation": str(uuid.uuid4()), "worker": 0,
                           "workers": 1})
        stream = self._send("POST", "cp1", "/.cmg/hello", text.encode())
        while stream not in self.answers:
            assert self._take(), "the connector went away"

    def ask(self, method, authority, path, body=b"", headers=()):
        """(status, body)."""
        stream = self._send(method, authority, path, body, headers)
        while stream not in self.done:
            assert self._take(), "the connector went away"
        return self.answers[stream]

    def close(self):
        if self.tls:
            self.tls.close()
        self.listener.close()


@pytest.mark.parametrize("path", ["/connector?after=0", "/connector", "/bundle/../connector?after=0", "/Connector?after=0"])
def test_a_gateway_learns_nothing_of_the_servers_inside(own_site, tmp_path, path):
    own_site.kill("cmg-gateway")
    fake = FakeGateway(own_site, own_site.folder / "gateway.bootstrap.json", tmp_path)
    try:
        assert fake.accept(10), "no connector came"
        fake.hello()
        assert fake.ask("GET", "site", "/bundle?after=0")[0] == 200
        status, body = fake.ask("GET", "site", path)
        assert status == 404 and b"localhost" not in base64.urlsafe_b64decode(body + b"===")
    finally:
        fake.close()


@pytest.mark.parametrize("prefix", ["/.cmg", "/.CMG", "/.Cmg"])
def test_a_gateway_does_not_speak_as_the_connector_by_asking_a_management_points_endpoint(own_site, tmp_path, prefix):
    """The connector's connection shows the connector's role certificate."""
    own_site.kill("cmg-gateway")
    fake = FakeGateway(own_site, own_site.folder / "gateway.bootstrap.json", tmp_path)
    as_device = [("cmg-device", f"{uuid.uuid4()} token 192.0.2.1 -"), ("authorization", "Bearer x")]
    try:
        assert fake.accept(10), "no connector came"
        fake.hello()
        for method, path, body in [("POST", "renew", pki.signing_request()), ("GET", "connector?after=0", b""),
                                   ("GET", "bundle?after=0", b""), ("POST", "report", b"{}")]:
            status, said = fake.ask(method, f"{own_site.role('ehttp')}.ccm_sts", f"{prefix}/{path}", body, as_device)
            assert status in (403, 404) and b"CERTIFICATE" not in said, (path, status, said)
    finally:
        fake.close()


@pytest.mark.parametrize("path,body,told", [("/renew", b"a.b.c", "was not renewed"),
                                            ("/report", b'{"time":1}', "a clock differs")])
def test_a_gateway_does_not_fill_the_sites_log(own_site, tmp_path, path, body, told):
    own_site.kill("cmg-gateway")
    fake = FakeGateway(own_site, own_site.folder / "gateway.bootstrap.json", tmp_path)
    try:
        assert fake.accept(10), "no connector came"
        fake.hello()
        statuses = {fake.ask("POST", "site", path, body)[0] for _ in range(600)}
        assert statuses & {204, 403} and statuses <= {204, 403, 429}, "what is over its rate goes no further"
    finally:
        fake.close()
    assert 0 < own_site.log("cmg-mp").count(told) < 400, "200 at once, and 10 a second"


@pytest.mark.parametrize("boards,told", [(["one"], "device registered"), (["one", "two"], "a clone")])
def test_a_device_does_not_fill_the_sites_log(own_site, tmp_path, boards, told):
    inside, device, since = Inside(own_site, tmp_path), pki.self_signed(tmp_path, "talks"), time.monotonic()
    bulk = Path(own_site.report["token_file"]).read_text().strip().split(".", 2)[2]
    for n in range(300 * len(boards)):
        inside.register(device, bulk, hardware=boards[n % len(boards)])
    assert 0 < own_site.log("cmg-mp").count(told) <= 200 + 10 * (time.monotonic() - since) + 1


def test_a_gateway_reaches_nothing_beside_the_path_that_is_published(own_site, tmp_path, upstream):
    own_site.publish("app", "--url", f"{upstream.url}/app", "--auth", "pki,token")
    own_site.kill("cmg-gateway")
    fake = FakeGateway(own_site, own_site.folder / "gateway.bootstrap.json", tmp_path)
    as_device = [("cmg-device", f"{uuid.uuid4()} token 192.0.2.1 -")]
    try:
        assert fake.accept(10), "no connector came"
        fake.hello()
        assert fake.ask("GET", "app", "/a%2fb//c?d=../e", headers=as_device)[0] == 200
        upstream.seen.clear()
        for path in ("/../secret", "/a/../../secret", "/%2e%2e/secret", "/a%2f..%2f..%2fsecret", "/..;/secret",
                     "/..%5csecret", "/..\\secret", "/./secret", "/%c0%ae%c0%ae/secret"):
            assert fake.ask("GET", "app", path, headers=as_device)[0] == 400, path
        assert not upstream.seen
    finally:
        fake.close()


def test_a_gateways_key_does_not_open_the_place_of_another_gateway(own_site, tmp_path):
    """Otherwise a removed gateway's key would go on being of use to somebody in the middle."""
    own_site.add("gateway", "add", "gw9", "--host", "gw9.invalid", "--out", tmp_path / "gw9.json")
    own_site.kill("cmg-gateway")
    fake = FakeGateway(own_site, tmp_path / "gw9.json", tmp_path)
    try:
        assert not fake.accept(4), "the connector took gw9 for the gateway that it had dialled"
    finally:
        fake.close()


def test_the_only_gateway_is_withdrawn_too_within_5_s(own_site):
    assert own_site.metric("cmg_tunnels") > 0
    own_site.cmg("gateway", "remove", own_site.cmg("gateway", "list")["gateways"][0]["id"])
    until("its tunnels are gone", lambda: own_site.metric("cmg_tunnels") == 0, WITHIN_S)
    time.sleep(2)
    assert own_site.metric("cmg_tunnels") == 0


# --- a certificate that was revoked -----------------------------------------------------------------------------------


@pytest.fixture
def root(own_site, tmp_path):
    it = pki.Ca(tmp_path, "Root")
    own_site.add("trust", "add", "--anchor", it.path, "--crl", it.crl())
    return it


def asserted_pki(device):
    der = device.certificate.public_bytes(pki.serialization.Encoding.DER)
    return {"CMG-Auth-Method": "pki", "CMG-Client-Id": pki.sha256_of(device.certificate).hex(),
            "Client-Cert": ":" + base64.b64encode(der).decode() + ":"}


def bulk(site):
    return site.add("token", "new", "--uses", "5")["token"].split(".", 2)[2]


def test_a_revoked_device_gets_no_token_instead_of_its_certificate(own_site, root, tmp_path):
    inside, device, token = Inside(own_site, tmp_path), root.device("lost"), bulk(own_site)
    assert inside.register(device, mode="https", headers=asserted_pki(device)).status == 200
    device_token = json.loads(inside.register(device, token).body)["device_token"]
    access = json.loads(inside.sts(device, device_token).body)["access_token"]
    assert inside.policy(device, access).status == 200
    own_site.add("trust", "add", "--crl", root.crl([device], number=2))
    for answer in (inside.register(device, token),
                   inside.register(device, token, mode="https"),
                   inside.register(device, mode="https", show=(device.path, device.key)),
                   inside.register(device, mode="ehttp", show=(device.path, device.key)),
                   inside.sts(device, device_token, ACCESS),
                   inside.policy(device, access)):
        assert answer.status in (400, 401) and reason(answer) == "revoked", answer
    renamed = pki.save(tmp_path, "same-key", pki.build(pki.name_of("x"), device.private.public_key(), pki.name_of("x"),
                                                       device.private, []), device.private)
    assert reason(inside.register(renamed, token)) == "revoked", "another certificate of the same key"


def test_the_tokens_of_a_revoked_devices_other_key_end_with_its_certificate(own_site, root, tmp_path):
    """A device that changed its method has two records; that its hardware is the same is an administrator's word."""
    inside, device, token = Inside(own_site, tmp_path), root.device("lost"), bulk(own_site)
    own, stranger = pki.self_signed(tmp_path, "own"), pki.self_signed(tmp_path, "stranger")
    body = json.loads(inside.register(own, token, hardware="board-7").body)
    access = json.loads(inside.sts(own, body["device_token"]).body)["access_token"]
    other = json.loads(inside.register(stranger, token, hardware="board-8").body)["device_token"]
    waiting = inside.register(device, mode="https", headers=asserted_pki(device), hardware="board-7")
    assert waiting.status == 202
    own_site.cmg("device", "approve", json.loads(waiting.body)["guid"])
    assert inside.policy(own, access).status == 200
    own_site.add("trust", "add", "--crl", root.crl([device], number=2))
    for answer in (inside.sts(own, body["device_token"]), inside.policy(own, access)):
        assert answer.status in (400, 401) and reason(answer) == "revoked", answer
    assert inside.sts(stranger, other).status == 200


def parked(connection, listener, path, *fields):
    """The server's end of a request that waits there. A connector that has not heard of the server yet refuses some before."""
    listener.settimeout(0.5)

    def asked():
        connection.h2.send_headers(connection.h2.get_next_available_stream_id(),
                                   [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", path),
                                    *fields], end_stream=True)
        connection.flush()
        with contextlib.suppress(TimeoutError):
            return listener.accept()[0]

    return until("the request is inside", asked, 15)


@pytest.mark.parametrize("version", [HTTP1, HTTP2])
def test_a_token_does_not_outlive_the_revoked_certificate_that_it_is_bound_to(own_site, root, tmp_path, version):
    """Nor at servers that know nothing of the site's devices; the tokens of others go on."""
    listener = socket.create_server(("127.0.0.1", 0))
    own_site.add("endpoint", "add", "parking", "--url", f"http://localhost:{listener.getsockname()[1]}", "--auth", "token")
    inside, token = Inside(own_site, tmp_path), bulk(own_site)
    lost, other = root.device("lost"), root.device("other")
    access = {}
    for device in (lost, other):
        held = json.loads(inside.register(device, token).body)["device_token"]
        access[device.path] = json.loads(inside.sts(device, held).body)["access_token"]

    def metadata(device, bearer):
        return gatewayclient.request(own_site, version, "GET", "/CCM_Proxy_ServerAuth/ServiceMetadata",
                                     [("Authorization", f"Bearer {bearer}")], **device.client())

    ctx = gatewayclient.context(own_site.report["ca"], lost.path, lost.key, HTTP2)
    with listener, gatewayclient.H2(own_site.port, ctx) as connection:
        waiting = parked(connection, listener, "/CCM_Proxy_ServerAuth/parking/x",
                         ("authorization", f"Bearer {access[lost.path]}"))
        for device in (lost, other):
            assert metadata(device, access[device.path]).status == 200
        own_site.cmg("trust", "add", "--crl", root.crl([lost], number=2))
        connection.tls.settimeout(WITHIN_S)
        while connection.events() is not None:
            pass  # a time-out fails the test
        waiting.close()
    for bearer in (access[lost.path], token):
        answer = metadata(lost, bearer)
        assert (answer.status, answer.problem()["code"], answer.problem()["reason"]) == \
            (401, "CMGService_Invalid_Client_Certificate", "revoked"), answer
    assert metadata(other, access[other.path]).status == 200


def test_a_token_on_its_connection_does_not_keep_a_revoked_certificates_request(own_site, root):
    """The request that is parked came by certificate; that a token was shown later changes nothing about it."""
    listener = socket.create_server(("127.0.0.1", 0))
    own_site.add("endpoint", "add", "parking", "--url", f"http://localhost:{listener.getsockname()[1]}")
    device = root.device("soon-revoked")
    ctx = gatewayclient.context(own_site.report["ca"], device.path, device.key, HTTP2)
    with listener, gatewayclient.H2(own_site.port, ctx) as connection:
        waiting = parked(connection, listener, "/CCM_Proxy_MutualAuth/parking/x")
        token = Mint(own_site).token("bulk")
        metadata = connection.request("GET", "/CCM_Proxy_ServerAuth/ServiceMetadata",
                                      [("Authorization", f"Bearer {token}")])
        assert metadata.status == 200
        own_site.cmg("trust", "add", "--crl", root.crl([device], number=2))
        connection.tls.settimeout(WITHIN_S)
        while connection.events() is not None:
            pass  # a time-out fails the test
        waiting.close()


# --- names -------------------------------------------------------------------------------------------------------------


def test_a_device_can_not_take_a_known_name_by_registering_again(own_site, tmp_path):
    inside, token = Inside(own_site, tmp_path), bulk(own_site)
    victim, other = (pki.self_signed(tmp_path, name) for name in ("victim", "other"))
    assert inside.register(victim, token, name="finance-1").status == 200
    assert inside.register(other, token, name="other-1").status == 200
    answer = inside.register(other, token, name="FINANCE-1")
    assert answer.status == 202 and json.loads(answer.body)["device_token"] is None
    assert inside.register(victim, token, name="finance-1").status == 200


# --- documents that are refused ----------------------------------------------------------------------------------------


def test_a_bundle_that_is_refused_is_not_asked_for_without_rest(own_site):
    own_site.sql("UPDATE endpoint SET headers = 'nonsense'",
                 "UPDATE sequence SET value = value + 1 WHERE name IN ('bundle', 'site')")
    until("the bundle is refused", lambda: "a bundle was refused" in own_site.log("cmg-gateway"), 10)
    time.sleep(3)
    assert own_site.log("cmg-gateway").count("a bundle was refused") <= 6


def test_a_connector_document_that_is_refused_is_not_asked_for_without_rest(own_site):
    own_site.sql("UPDATE management_point SET url = 'nonsense'",
                 "UPDATE sequence SET value = value + 1 WHERE name = 'site' OR name LIKE 'connector:%'")
    until("the document is refused", lambda: "document was refused" in own_site.log("cmg-connector"), 10)
    time.sleep(3)
    assert own_site.log("cmg-connector").count("document was refused") <= 8


# --- connections that say nothing --------------------------------------------------------------------------------------


def closed(connection):
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


@pytest.fixture
def small_site(own_site):
    """A gateway of one worker that holds 16 connections."""
    own_site.kill("cmg-gateway")
    path = own_site.folder / "gateway.yaml"
    lines = [l for l in path.read_text().splitlines() if not l.startswith(("workers:", "max_connections:"))]
    path.write_text("\n".join([*lines, "workers: 1", "max_connections: 16", ""]))
    own_site.run("cmg-gateway")
    own_site.wait_ready()
    return own_site


METADATA = "/CCM_Proxy_MutualAuth/ServiceMetadata"


def silent_connections(site, count):
    return [socket.create_connection(("127.0.0.1", site.port)) for _ in range(count)]


def open_among(connections):
    for one in connections:
        one.setblocking(False)
    return sum(not closed(one) for one in connections)


def test_connections_without_a_handshake_count(small_site):
    silent = silent_connections(small_site, 100)
    until("most were closed", lambda: open_among(silent) <= 16, 5)
    for one in silent:
        one.close()
    until("there is room again", small_site.ready, 5)
    assert small_site.metric("cmg_connections") == 0


@pytest.mark.parametrize("alpn", [HTTP1, HTTP2])
def test_strangers_who_hold_all_places_keep_no_device_out(small_site, root, alpn):
    device = root.device("comes-late")
    refused = gatewayclient.context(small_site.report["ca"], alpn=alpn)
    strangers = silent_connections(small_site, 10) + [gatewayclient.connect(small_site.port, refused) for _ in range(10)]
    answer = gatewayclient.request(small_site, alpn, "GET", METADATA, certificate=device.path, key=device.key)
    assert answer.status == 200, answer
    for one in strangers:
        one.close()


def test_who_was_let_in_does_not_make_room_for_strangers(small_site, root):
    device = root.device("came-first")
    ctx = gatewayclient.context(small_site.report["ca"], device.path, device.key, HTTP2)
    with gatewayclient.H2(small_site.port, ctx) as connection:
        assert connection.request("GET", METADATA).status == 200
        silent = silent_connections(small_site, 100)
        until("most were closed", lambda: open_among(silent) <= 16, 5)
        assert connection.request("GET", METADATA).status == 200
    for one in silent:
        one.close()


def test_a_management_point_holds_no_more_connections_than_it_may(own_site):
    own_site.kill("cmg-mp")
    path = own_site.folder / "mp.yaml"
    path.write_text("max_connections: 16\n" + path.read_text())
    own_site.run("cmg-mp")
    until("it answers again", lambda: own_site.cmg("status", check=False)[0] == 0, 10)
    port = int(own_site.report["mp_urls"]["ehttp"].rsplit(":", 1)[1])
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    for one in silent:
        one.setblocking(False)
    until("most were closed", lambda: sum(not closed(one) for one in silent) <= 16, 10)
    for one in silent:
        one.close()


def test_the_daemons_take_all_descriptors_that_they_may_have(own_site):
    own_site.kill("cmg-gateway")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, limits[1]))
    try:
        process = own_site.run("cmg-gateway")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    own_site.wait_ready()
    assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE)[0] == limits[1]


# --- targets ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "localhost.", "127.1", "2130706433", "0x7f000001"])
def test_a_connector_does_not_reach_its_own_machine_by_any_spelling(own_site, host):
    path = own_site.folder / "connector.yaml"
    path.write_text("\n".join(l for l in path.read_text().splitlines() if not l.startswith("allow_targets")) + "\n")
    own_site.kill("cmg-connector")
    own_site.run("cmg-connector")
    own_site.wait_ready()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        code, _ = own_site.cmg("endpoint", "add", "own", "--url", f"http://{host}:{listener.getsockname()[1]}", check=False)
        if code != 0:
            return  # refused as a name at once: as good
        own_site.settle()
        gatewayclient.request(own_site, HTTP2, "GET", "/CCM_Proxy_MutualAuth/own/x",
                              certificate=own_site.pki("certificate"), key=own_site.pki("key"))
        listener.settimeout(0.5)
        with pytest.raises(TimeoutError):
            listener.accept()


@pytest.mark.parametrize("name", ["cmg-mp", "cmg-gateway", "cmg-connector"])
def test_no_daemon_leaves_its_keys_in_a_core_file(site, name):
    limits = open(f"/proc/{site.pid(name)}/limits", encoding="ascii").read()
    [line] = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert line.split()[4:6] == ["0", "0"], line
