# SPDX-License-Identifier: Apache-2.0
"""An endpoint with `--websocket` carries WebSockets, over HTTP/1.1 (RFC 6455) and HTTP/2 (RFC 8441); any other doesn't."""
import os
import socket
import ssl
import threading
from pathlib import Path

import pytest

from kit import gatewayclient, pki, refusal, websocket
from kit.gatewayclient import HTTP1, HTTP2
from kit.pki import SERVER_AUTH, Ca, heap_of_certificates, sha256_of
from kit.programs import until
from kit.servers import Nginx
from kit.websocket import HANDSHAKE, OPEN, SWITCHED
from point.disallowed_test import senders  # noqa: F401 (a fixture)

WITHIN_S = 5.0


@pytest.fixture(scope="module")
def server():
    it = websocket.Server()
    yield it
    it.close()


@pytest.fixture
def inside(server):
    """The server, when the test before has left it."""
    until("nobody is inside", lambda: server.open == 0)
    return server


@pytest.fixture(scope="module")
def published(site, server):
    """The server's role id, by which it is published."""
    site.publish("room", "--url", server.url, "--auth", "pki,token", "--websocket", "--max-body", "64KiB")
    return "room"


@pytest.fixture
def room(published, inside):
    assert inside.open == 0
    return published


def opened(site, version, role, path="/chat", headers=()):
    ctx = gatewayclient.context(site.report["ca"], site.pki("certificate"), site.pki("key"), version)
    return OPEN[version](site.port, ctx, f"/CCM_Proxy_MutualAuth/{role}{path}", f"localhost:{site.port}", headers)


def asked(site, version, target, **more):
    """A request for a WebSocket whose answer is none: the whole of it."""
    if version == HTTP1:
        return gatewayclient.request(site, HTTP1, "GET", target, headers=HANDSHAKE, **more)
    ctx = gatewayclient.context(site.report["ca"], more.get("certificate"), more.get("key"), HTTP2)
    with OPEN[HTTP2](site.port, ctx, target, f"localhost:{site.port}") as it:
        assert it.status != 200
        return gatewayclient.Answer(it.status, headers=it.head, body=it.body())


def with_certificate(site):
    return {"certificate": site.pki("certificate"), "key": site.pki("key")}


def test_messages_of_all_sizes_go_both_ways(site, room, version):
    messages = ["hello", "", "ü" * 300, b"", b"\x00\xff", *[os.urandom(n) for n in (125, 126, 65535, 65536, 3 << 20)]]
    with opened(site, version, room) as it:
        assert it.status == SWITCHED[version]
        for message in messages:
            it.send(message)
            assert it.receive() == message


def test_what_is_sent_may_pass_the_endpoints_largest_body(site, room, version):
    with opened(site, version, room) as it:
        for _ in range(8):
            it.send(os.urandom(64 * 1024))
            assert len(it.receive()) == 64 * 1024


def test_many_messages_on_their_way_keep_their_order(site, room, version):
    with opened(site, version, room) as it:
        for i in range(2000):
            it.send(f"message {i}")
        assert [it.receive() for _ in range(2000)] == [f"message {i}" for i in range(2000)]


def test_each_sides_closing_reaches_the_other(site, room, inside, version):
    with opened(site, version, room, "/leave") as it:
        assert it.receive() == "bye"
        assert it.receive() == (4001, "that was all")
        assert it.receive() is None
    until("the server knows", lambda: inside.open == 0)
    before = len(inside.ends)
    with opened(site, version, room) as it:
        it.leave(4002, "enough")
        assert it.receive() == (4002, "enough")
        until("the server knows", lambda: inside.ends[before:] == [4002])


def test_a_server_that_breaks_off_is_noticed(site, room, version):
    with opened(site, version, room, "/break") as it:
        it.send("now")
        assert it.receive() is None


def test_a_client_that_breaks_off_is_noticed(site, room, inside, version):
    before = len(inside.ends)
    with opened(site, version, room) as it:
        it.send("here")
        assert it.receive() == "here"
    until("the server knows", lambda: inside.ends[before:] == [1006])


def test_the_server_sees_who_the_device_is_and_a_handshake_of_the_connectors(site, room, inside, version):
    forged = [("x-client-cert", "forged"), ("x-custom", "kept"), ("sec-websocket-protocol", "echo")]
    with opened(site, version, room, "/who?a=b", headers=forged) as it:
        assert it.status == SWITCHED[version]
        answer = it.head if version == HTTP2 else {name.lower(): value for name, value in it.head.headers.raw_items()}
        assert answer["sec-websocket-protocol"] == "echo" and ("sec-websocket-accept" in answer) == (version == HTTP1)
    head = dict(inside.heads[-1])
    assert head["cmg-client-id"] and head["x-custom"] == "kept" and "x-client-cert" not in head
    assert head["upgrade"] == "websocket" and head["connection"] == "upgrade" and "content-length" not in head
    assert [name for name, _ in inside.heads[-1]].count("sec-websocket-key") == 1


def test_more_websockets_than_connections_of_the_pool_are_open_at_once(site, room, inside):
    """An upstream has 256 connections for ordinary requests."""
    sockets = [opened(site, HTTP1, room) for _ in range(300)]
    try:
        assert {it.status for it in sockets} == {101}
        for it in sockets:
            it.send("here")
        assert all(it.receive() == "here" for it in sockets)
    finally:
        for it in sockets:
            it.tls.close()
    until("all are gone", lambda: inside.open == 0)


def test_the_clients_half_of_the_connection_may_end_first(site, room, inside):
    """RFC 6455 7.1.1 lets either side close its TCP direction first; what the server still says arrives."""
    before = len(inside.ends)
    with opened(site, HTTP1, room) as it:
        it.send("one")
        it.send("two")
        it.tls.shutdown(socket.SHUT_WR)
        until("the server knows", lambda: inside.ends[before:] == [1006])


# --- who may not ------------------------------------------------------------------------------------------------------


def test_who_is_not_let_in_gets_no_websocket(site, room, inside, version):
    before = len(inside.heads)
    answer = asked(site, version, f"/CCM_Proxy_MutualAuth/{room}/chat")
    assert answer.status == 401 and answer.problem()["reason"] == "missing"
    assert len(inside.heads) == before


def test_an_endpoint_that_publishes_none_gets_a_plain_request(site, echo, upstream):
    """RFC 9110 7.8: a server may ignore Upgrade."""
    answer = asked(site, HTTP1, f"/CCM_Proxy_MutualAuth/{echo}/chat", **with_certificate(site))
    assert answer.status == 200
    names = [name for name, _ in upstream.seen[-1]["headers"]]
    assert not {"upgrade", "connection", "sec-websocket-key"} & set(names)


def test_an_endpoint_that_publishes_none_refuses_extended_connect(site, echo, upstream):
    before = len(upstream.seen)
    problem, _, _ = refusal.assert_made(
        site, HTTP2, 501, "CMGService_Not_Supported", "unsupported",
        lambda: asked(site, HTTP2, f"/CCM_Proxy_MutualAuth/{echo}/chat", **with_certificate(site)))
    assert "--websocket" in problem["detail"]
    assert len(upstream.seen) == before


@pytest.mark.parametrize("wrong", [("Upgrade", "h2c"), ("Connection", "keep-alive"), ("Sec-WebSocket-Key", "short"),
                                   ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Content-Length", "0")])


def test_what_is_no_handshake_stays_http(site, room, inside, wrong):
    """Each field is wrong, or there twice (the key)."""
    headers = [header for header in HANDSHAKE if header[0] != wrong[0]] + [wrong]
    headers += [wrong] if wrong in HANDSHAKE else []
    answer = gatewayclient.request(site, HTTP1, "GET", f"/CCM_Proxy_MutualAuth/{room}/chat", headers=headers,
                                   **with_certificate(site))
    if wrong[0] == "Content-Length":
        assert answer.status == 101
    else:
        assert answer.status == 426 and "upgrade" not in dict(inside.heads[-1])


def test_other_protocols_by_extended_connect_are_refused(site, room):
    ctx = gatewayclient.context(site.report["ca"], site.pki("certificate"), site.pki("key"), HTTP2)
    with gatewayclient.H2(site.port, ctx) as it:
        stream = it.h2.get_next_available_stream_id()
        it.h2.send_headers(stream, [(":method", "CONNECT"), (":protocol", "connect-udp"), (":scheme", "https"),
                                    (":path", f"/CCM_Proxy_MutualAuth/{room}/x"), (":authority", "localhost")])
        it.flush()
        answer, done = gatewayclient.Answer(0), False
        while not done:
            done = it._take(stream, it.events(), answer)
        assert answer.status == 501


# --- what servers answer ----------------------------------------------------------------------------------------------


def test_a_servers_refusal_passes(site, room, version):
    answer = asked(site, version, f"/CCM_Proxy_MutualAuth/{room}/forbidden", **with_certificate(site))
    assert answer.status == 403 and answer.body == b"not today\n"
    assert answer.headers["x-from-inside"] == "yes" and answer.headers["cmg-status-text"] == "CMGConnector_Forbidden"


@pytest.fixture
def plain(site, tmp_path):
    """A server of files, published as if it spoke WebSocket."""
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "chat").write_text("a file\n")
    nginx = Nginx(tmp_path / "nginx", tmp_path / "www")
    site.publish("plain", "--url", nginx.url, "--websocket")
    yield "/CCM_Proxy_MutualAuth/plain/chat"
    nginx.close()
    site.cmg("endpoint", "remove", "plain")


def test_over_http2_a_server_that_does_not_switch_is_named(site, plain):
    """RFC 8441 5: its 2xx would say that it had."""
    problem, _, _ = refusal.assert_made(site, HTTP2, 502, "CMGConnector_BadGateway", "protocol",
                                        lambda: asked(site, HTTP2, plain, **with_certificate(site)))
    assert "WebSocket" in problem["detail"] and "without switching to WebSocket" in site.log("cmg-connector")


def test_over_http1_whatever_is_not_101_is_an_ordinary_answer(site, plain):
    """RFC 6455 4.1, 4.2.2; the connection goes on with HTTP, the next request is one."""
    ctx = gatewayclient.context(site.report["ca"], site.pki("certificate"), site.pki("key"))
    with gatewayclient.connect(site.port, ctx) as tls:
        for headers in (HANDSHAKE, (), HANDSHAKE):
            tls.sendall(gatewayclient.written_h1("GET", plain, headers, None, "localhost"))
            answer = gatewayclient.read_h1(tls)
            assert (answer.status, answer.body) == (200, b"a file\n")
            assert not {"cmg-status", "cmg-status-text", "upgrade"} & set(answer.headers)


@pytest.mark.parametrize("line, status", [(b"204 No Content", 204), (b"302 Found\r\nLocation: /login", 302),
                                          (b"401 Unauthorized\r\nWWW-Authenticate: Basic", 401), (b"502 Bad Gateway", 502),
                                          (b"502 Bad Gateway\r\nCMG-Status: 200", 502), (b"206 Partial Content", 206)])


def test_any_status_passes_to_a_client_of_http1(site, line, status):
    server = ByHand(b"HTTP/1.1 " + line + (b"" if status == 204 else b"\r\nContent-Length: 0") + b"\r\n\r\n", 0.05)
    try:
        site.publish("says", "--url", server.url, "--websocket")
        answer = asked(site, HTTP1, "/CCM_Proxy_MutualAuth/says/x", **with_certificate(site))
        assert answer.status == status and answer.body == b"" and "cmg-status" not in answer.headers
        assert b"cmg-may-stay" not in server.head.lower()
    finally:
        server.close()
        site.cmg("endpoint", "remove", "says")


class ByHand:
    """Takes one connection, answers its head with `answer` and remembers what else it gets."""

    def __init__(self, answer, pause=0.5):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.answer, self.pause, self.head, self.rest = answer, pause, b"", b""
        threading.Thread(target=self.run, daemon=True).start()

    @property
    def url(self):
        return f"http://localhost:{self.listener.getsockname()[1]}"

    def run(self):
        while True:
            try:
                bare, _ = self.listener.accept()
            except OSError:
                return
            with bare:
                got = b""
                while b"\r\n\r\n" not in got:
                    got += bare.recv(65536)
                if b"/probe" in got:
                    bare.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
                    continue
                self.head, _, self.rest = got.partition(b"\r\n\r\n")
                bare.settimeout(self.pause)
                self.listen(bare)
                bare.sendall(self.answer)
                self.listen(bare)

    def listen(self, bare):
        try:
            while data := bare.recv(65536):
                self.rest += data
        except OSError:
            pass

    def close(self):
        self.listener.close()


def test_nothing_is_sent_before_the_server_switched(site):
    """What a client sends ahead would be a second request to a server that does not switch: a smuggled one."""
    server = ByHand(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    try:
        site.publish("slow", "--url", server.url, "--websocket")
        ctx = gatewayclient.context(site.report["ca"], site.pki("certificate"), site.pki("key"), HTTP2)
        with gatewayclient.H2(site.port, ctx) as it:
            stream = it.h2.get_next_available_stream_id()
            it.h2.send_headers(stream, [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"),
                                        (":path", "/CCM_Proxy_MutualAuth/slow/x"), (":authority", "localhost")])
            it.h2.send_data(stream, b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
            it.flush()
            answer, done = gatewayclient.Answer(0), False
            while not done:
                done = it._take(stream, it.events(), answer)
        with gatewayclient.connect(site.port, gatewayclient.context(site.report["ca"], site.pki("certificate"),
                                                                    site.pki("key"))) as tls:
            tls.sendall(gatewayclient.written_h1("GET", "/CCM_Proxy_MutualAuth/slow/y", HANDSHAKE, None, "localhost") +
                        b"\x81\x00" * 10)
            assert gatewayclient.read_h1(tls).status == 403
        assert answer.status == 403
        assert b"GET /y" in server.head and server.rest == b""
    finally:
        server.close()
        site.cmg("endpoint", "remove", "slow")


@pytest.mark.parametrize("answer", [
    b"Connection: upgrade\r\nUpgrade: websocket\r\n",
    b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
    b"Connection: upgrade\r\nUpgrade: h2c\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
], ids=["no proof", "a wrong proof", "something else"])


def test_a_server_that_switches_wrongly_is_refused(site, answer):
    server = ByHand(b"HTTP/1.1 101 Switching Protocols\r\n" + answer + b"\r\n\x81\x02hi", 0.05)
    try:
        site.publish("wrong", "--url", server.url, "--websocket")
        got = asked(site, HTTP1, "/CCM_Proxy_MutualAuth/wrong/x", **with_certificate(site))
        assert got.status == 502 and got.problem()["reason"] == "protocol"
    finally:
        server.close()
        site.cmg("endpoint", "remove", "wrong")


def test_a_server_on_tls_that_prefers_http2_is_asked_by_http1(site, ca, tmp_path, version):
    pair = ca.device("ws.example", usage=[SERVER_AUTH], file="ws", dns=["localhost"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.path, pair.key)
    context.set_alpn_protocols(["h2", "http/1.1"])
    server = websocket.Server(context)
    try:
        site.add("endpoint", "add", "secret", "--url", server.url, "--websocket", "--anchors", ca.path)
        def answered():
            with opened(site, version, "secret") as it:
                if it.status != SWITCHED[version]:
                    return False
                it.send("over TLS")
                return it.receive() == "over TLS"
        until("the way inside is there", answered, 10)
    finally:
        server.close()
        site.cmg("endpoint", "remove", "secret")


# --- how long ---------------------------------------------------------------------------------------------------------


def test_a_blocked_devices_websocket_ends_within_5_s(site, room, inside, new_device, version):
    device = new_device().at("ehttp").registered_by_token()
    device.must("policy")
    ctx = gatewayclient.context(site.report["ca"], device.certificate, device.key, version)
    with OPEN[version](site.port, ctx, f"/CCM_Proxy_ServerAuth/{room}/chat", f"localhost:{site.port}",
                       [("authorization", f"Bearer {device.identity()['access_token']}")]) as it:
        it.send("still here")
        assert it.receive() == "still here"
        before = len(inside.ends)
        site.cmg("device", "block", device.guid)
        it.tls.settimeout(WITHIN_S)
        assert it.receive() is None
        until("the server knows", lambda: inside.ends[before:] == [1006])


def test_a_websocket_ends_with_the_token_that_opened_it_whatever_the_connection_shows_later(site, room, inside, new_device):
    device = new_device().at("ehttp").registered_by_token()
    device.must("policy")
    ctx = gatewayclient.context(site.report["ca"], device.certificate, device.key, HTTP2)
    host, another = f"localhost:{site.port}", Path(site.report["token_file"]).read_text().strip().split(".", 2)[2]
    with OPEN[HTTP2](site.port, ctx, f"/CCM_Proxy_ServerAuth/{room}/chat", host,
                     [("authorization", f"Bearer {device.identity()['access_token']}")]) as it:
        it.send("still here")
        assert it.receive() == "still here"
        answer = it.session.request("GET", "/CCM_Proxy_ServerAuth/ServiceMetadata",
                                    [("authorization", f"Bearer {another}")], host=host)
        assert answer.status == 200
        site.cmg("device", "remove", device.guid)
        it.tls.settimeout(WITHIN_S)
        assert it.receive() is None
        until("the server knows", lambda: inside.open == 0)
        answer = it.session.request("GET", "/CCM_Proxy_ServerAuth/ServiceMetadata",
                                    [("authorization", f"Bearer {another}")], host=host)
        assert answer.status == 200, "the other token still opens what it opened"


def test_a_websocket_behind_a_long_chain_outlives_new_bundles_and_ends_with_its_certificate(site, room, inside, version, tmp_path):
    """Whose chain takes long is judged beside the loop again, by each new bundle."""
    ca = pki.Ca(tmp_path, f"Long chains over {version.replace(chr(47), chr(32))}")
    device = ca.device("with-many")
    added = site.add("trust", "add", "--anchor", ca.path, "--crl", ca.crl())
    ctx = gatewayclient.context(site.report["ca"], heap_of_certificates(tmp_path, device.client(), 20), device.key, version)
    site.settle()
    try:
        with OPEN[version](site.port, ctx, f"/CCM_Proxy_MutualAuth/{room}/chat", f"localhost:{site.port}", ()) as it:
            assert it.status == SWITCHED[version]
            for _ in range(3):
                before = site.metric("cmg_verdicts_computed_total")
                site.add("endpoint", "add", "another", "--url", inside.url)
                site.settle()
                until("it is judged again", lambda: site.metric("cmg_verdicts_computed_total") > before)
                it.send("still here")
                assert it.receive() == "still here"
                site.add("endpoint", "remove", "another")
                site.settle()
            site.add("trust", "add", "--crl", ca.crl([device], number=2))
            it.tls.settimeout(WITHIN_S)
            assert it.receive() is None
        until("the server knows", lambda: inside.open == 0)
    finally:
        for entry in added["trust"]:
            site.cmg("trust", "remove", entry["id"])
        site.settle()


def test_a_websocket_ends_when_its_endpoint_is_published_no_longer(site, inside, version):
    site.publish("soon-gone", "--url", inside.url, "--websocket")
    with opened(site, version, "soon-gone") as it:
        it.send("still here")
        assert it.receive() == "still here"
        site.cmg("endpoint", "remove", "soon-gone")
        it.tls.settimeout(WITHIN_S)
        assert it.receive() is None
    assert 'endpoint=soon-gone by="the endpoint publishes it no longer"' in site.log("cmg-gateway")


@pytest.mark.parametrize("method", ["pki", "token"])
def test_a_websocket_ends_when_client_settings_forbid_it(site, room, settings, senders, method, version):  # noqa: F811
    sender = senders(method)
    ctx = gatewayclient.context(site.report["ca"], sender.shown["certificate"], sender.shown["key"], version)
    with OPEN[version](site.port, ctx, sender.target(room), f"localhost:{site.port}",
                       [(name.lower(), value) for name, value in sender.headers]) as it:
        it.send("still here")
        assert it.receive() == "still here"
        settings.collection("mine", "--device", sender.device.guid)
        settings.set("no-cmg", "--collection", "mine", "--priority", "1", "allow_cmg=no")
        it.tls.settimeout(WITHIN_S)
        assert it.receive() is None


@pytest.fixture(scope="module")
def anchors(site, ca, tmp_path_factory):
    """The device's, and another one that the site trusts."""
    other = Ca(tmp_path_factory.mktemp("other"), "Another Root")
    site.add("trust", "add", "--anchor", other.path)
    return {"OWN": sha256_of(ca.certificate).hex(), "OTHER": sha256_of(other.certificate).hex()}


class Under:
    """Something open at an endpoint: a WebSocket, or a request that the server leaves without an answer."""

    def __init__(self, site, version, kind, inside, pair):
        self.site, self.kind = site, kind
        ctx = gatewayclient.context(site.report["ca"], pair.path, pair.key, version)
        self.server = ByHand(b"", 60) if kind == "request" else inside
        site.publish("ruled", "--url", self.server.url, *(["--websocket"] if kind == "WebSocket" else []))
        if kind == "WebSocket":
            self.it = OPEN[version](site.port, ctx, "/CCM_Proxy_MutualAuth/ruled/x", f"localhost:{site.port}")
            self.tls = self.it.tls
        else:
            self.tls = gatewayclient.connect(site.port, ctx)
            self.tls.sendall(gatewayclient.written_h1("GET", "/CCM_Proxy_MutualAuth/ruled/x", (), None, "localhost"))
            until("it is inside", lambda: b"/x" in self.server.head, 5)
        assert self.alive()

    def alive(self):
        if self.kind == "WebSocket":
            self.it.send("still here")
            return self.it.receive() == "still here"
        self.tls.settimeout(0.2)
        try:
            return self.tls.recv(1) != b""
        except TimeoutError:
            return True

    def ends(self):
        self.tls.settimeout(WITHIN_S)
        try:
            return (self.it.receive() is None) if self.kind == "WebSocket" else self.tls.recv(1) == b""
        except (ConnectionError, ssl.SSLError):
            return True

    def close(self):
        self.tls.close()
        if self.kind == "request":
            self.server.close()
        self.site.cmg("endpoint", "remove", "ruled", check=False)


@pytest.fixture
def under(site, inside, ca):
    made = []
    def make(version, kind):
        made.append(Under(site, version, kind, inside, ca.good))
        return made[0]
    yield make
    for it in made:
        it.close()


UNDER = [(HTTP1, "WebSocket"), (HTTP2, "WebSocket"), (HTTP1, "request")]


@pytest.mark.parametrize("change", [("set", "--auth", "token"), ("set", "--client-anchors", "OTHER"), ("set", "--method", "POST"),
                                    ("remove",)], ids=lambda change: change[-1])


@pytest.mark.parametrize("version, kind", UNDER)
def test_what_is_open_ends_when_its_endpoint_would_let_it_in_no_more(site, under, anchors, version, kind, change):
    it = under(version, kind)
    withdrawn = lambda: site.log("cmg-gateway").count(f"{kind} withdrawn")
    before = withdrawn()
    site.cmg("endpoint", change[0], "ruled", *(anchors.get(word, word) for word in change[1:]))
    until("it is withdrawn", lambda: withdrawn() > before, WITHIN_S)
    assert it.ends()


@pytest.mark.parametrize("version, kind", UNDER)
def test_what_is_open_stays_when_its_endpoint_still_lets_it_in(site, under, anchors, version, kind):
    it = under(version, kind)
    for change in (("--auth", "pki"), ("--client-anchors", f"{anchors['OWN']},{anchors['OTHER']}"), ("--method", "GET,POST"),
                   ("--max-body", "3MiB")):
        site.add("endpoint", "set", "ruled", *change)
        assert it.alive()


def test_a_published_upgrade_is_websocket_or_nothing(site):
    with pytest.raises(AssertionError, match="is websocket, or absent"):
        site.admin("POST", "/v1/endpoints", {"id": "odd", "url": "http://localhost:9", "role": "odd", "auth": ["pki"],
                                             "upgrade": "h2c"})
