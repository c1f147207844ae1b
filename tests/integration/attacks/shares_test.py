# SPDX-License-Identifier: Apache-2.0
"""What one device that was let in may take of the way inside: of a worker's requests, and of a server behind a connector."""
import contextlib
import itertools
import socket
import threading
from types import SimpleNamespace

import h2.events
import hpack
from attacks import limits_test
import pytest
from attacks.limits_test import device, small  # noqa: F401 (fixtures)

from kit import gatewayclient, h2server
from kit.frames import DATA, HEADERS, PREFACE, SETTINGS, frame, head, headers
from kit.programs import until


class Holding:
    """A server inside that answers what is under /free, and nothing else until it is told to."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.held, self.released = [], threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def serve(self, connection):
        with connection, contextlib.suppress(OSError):
            data = b""
            while piece := connection.recv(65536):
                data += piece
                if not data.endswith(b"\r\n\r\n"):
                    continue
                if b"/free" not in data.split(b"\r\n")[0]:
                    self.held.append(connection)
                    self.released.wait()
                data = b""
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

    @property
    def url(self):
        return f"http://localhost:{self.listener.getsockname()[1]}"

    def close(self):
        self.released.set()
        self.listener.close()


class Streams:
    """Requests over HTTP/2, all at once."""

    def __init__(self, site, device, paths):  # noqa: F811
        ctx = gatewayclient.context(site.report["ca"], device.path, device.key, alpn="h2")
        self.tls = ctx.wrap_socket(limits_test.bare(site.port, "127.0.0.1"), server_hostname="localhost")
        self.tls.sendall(PREFACE + frame(SETTINGS, 0, 0) + b"".join(headers(2 * i + 1, head(path=p)) for i, p in enumerate(paths)))
        self.buffer, self.decoder, self.heads, self.ended = b"", hpack.Decoder(), {}, 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tls.close()

    def receive(self, answers):
        """Until so many have ended; their heads."""
        while self.ended < answers:
            piece = self.tls.recv(65536)
            assert piece, (self.ended, self.heads)
            self.buffer += piece
            while len(self.buffer) >= 9 and len(self.buffer) >= 9 + (length := int.from_bytes(self.buffer[:3], "big")):
                kind, flags, stream = self.buffer[3], self.buffer[4], int.from_bytes(self.buffer[5:9], "big")
                payload, self.buffer = self.buffer[9:9 + length], self.buffer[9 + length:]
                if kind == HEADERS:
                    self.heads[stream] = dict(self.decoder.decode(payload))
                self.ended += kind in (HEADERS, DATA) and flags & 1
        return self.heads


@pytest.fixture
def holding(own_site):
    server = Holding()
    yield server
    server.close()


def published(site, server):
    site.add("endpoint", "add", "held", "--url", server.url, "--auth", "pki,token")
    path = "/CCM_Proxy_MutualAuth/held"
    until("a connector reaches it", lambda: site.reaches(f"{path}/free"), 30)
    return path


def test_a_device_that_waits_for_many_answers_of_a_server_takes_it_from_nobody(small, device, holding):  # noqa: F811
    site = small()
    path = published(site, holding)
    with Streams(site, device("greedy"), [f"{path}/hold"] * 250), Streams(site, device("modest"), [f"{path}/hold"] * 3) as modest, \
            limits_test.let_in(site, device("other")) as other:
        until("all three of the modest one are there", lambda: len(holding.held) >= 35)
        for _ in range(5):
            assert other.ask(f"{path}/free").status == 200
        assert len(holding.held) == 32 + 3, "an eighth of its 256 connections are the greedy one's"
        holding.released.set()
        assert [h[":status"] for h in modest.receive(3).values()] == ["200"] * 3


def test_a_device_with_too_many_requests_under_way_is_told_so_and_nobody_else(small, device, holding):  # noqa: F811
    site, greedy = small(requests_per_device=4), device("greedy")
    path = published(site, holding)
    with Streams(site, greedy, [f"{path}/hold"] * 3) as first, limits_test.let_in(site, device("other")) as other:
        until("they are under way", lambda: len(holding.held) == 3)
        with Streams(site, greedy, [f"{path}/hold"] * 3) as second:  # its share is over all of its connections
            refused = second.receive(2)
            assert {h[":status"] for h in refused.values()} == {"429"} and all(h["retry-after"] for h in refused.values())
            assert {h["cmg-status-text"] for h in refused.values()} == {"CMGService_Too_Many_Requests"}
            assert other.ask(f"{path}/free").status == 200
            holding.released.set()
            assert [h[":status"] for h in first.receive(3).values()] == ["200"] * 3
            second.receive(3)
        with Streams(site, greedy, [f"{path}/free"] * 4) as again:
            assert {h[":status"] for h in again.receive(4).values()} == {"200"}


def test_long_heads_of_a_device_that_waits_for_answers_hold_a_bounded_part_of_memory(small, device, holding):  # noqa: F811
    site, greedy = small(max_connections=1024), device("greedy")
    path, encoder = published(site, holding), hpack.Encoder()
    long = head(path=f"{path}/hold") + [("x", "v" * 4000)] * 14  # what the table keeps takes few octets again
    asked = b"".join(frame(HEADERS, 5, 2 * i + 1, encoder.encode(long, huffman=False)) for i in range(16))
    with contextlib.ExitStack() as all_of_them, limits_test.let_in(site, device("other")) as other:
        held = [all_of_them.enter_context(Streams(site, greedy, [])) for _ in range(100)]
        for it in held:
            it.tls.sendall(asked)
        until("the first have given way", lambda: site.refusals("CMGService_Too_Many_Requests", "too_many_requests") > 300, 60)
        assert site.metric("cmg_requests_in_flight") * 14 * 4000 <= 64 << 20
        assert other.ask(f"{path}/free").status == 200


# --- what nobody takes ------------------------------------------------------------------------------------------------

WINDOW = 65535  # of a stream, at first


class Large(h2server.H2Server):
    """All requests of a connector share a connection of it. Each answer is four windows long, but for those under /free; no
    request's body is taken."""
    streams = 5000

    def __init__(self, pair):
        self.left = {}
        super().__init__(pair, self.begin)

    def begin(self, it, stream, fields):
        free = dict(fields)[":path"].endswith("/free")
        it.send_headers(stream, [(":status", "200")], end_stream=free)
        if not free:
            self.left[it, stream] = 4 * WINDOW
            self.go_on(it, stream)

    def go_on(self, it, stream):
        while n := min(self.left.get((it, stream), 0), it.max_outbound_frame_size):
            n = min(n, it.local_flow_control_window(stream))
            if not n:
                return
            self.left[it, stream] -= n
            it.send_data(stream, bytes(n), end_stream=not self.left[it, stream])

    def take(self, it, event):
        if not isinstance(event, h2.events.DataReceived):
            super().take(it, event)
        if isinstance(event, h2.events.StreamReset):
            self.left.pop((it, event.stream_id), None)
        elif isinstance(event, h2.events.WindowUpdated):
            for stream in [event.stream_id] if event.stream_id else [s for of, s in self.left if of is it]:
                self.go_on(it, stream)


@pytest.fixture
def session(own_site):
    shown = own_site.folder / "pki" / "mp"
    server = Large(SimpleNamespace(path=f"{shown}.pem", key=f"{shown}.key"))
    try:
        own_site.publish("session", "--url", server.url, "--auth", "pki,token", "--anchors", own_site.report["ca"])
        yield "/CCM_Proxy_MutualAuth/session"
    finally:
        server.close()


def many(site, device, path, count, wants):  # noqa: F811
    """Connections of one device without end, each with so many requests, and what it wants beside."""
    while True:
        it = Streams(site, device, [])
        it.tls.sendall(b"".join(wants(2 * i + 1, path) for i in range(count)))
        yield it


def unread(stream, path):
    nothing = frame(SETTINGS, 0, 0, b"\0\4\0\0\0\0") if stream == 1 else b""
    return nothing + headers(stream, head(path=path))


def uploads(stream, path):
    pieces = [16384] * 3 + [WINDOW - 3 * 16384]
    return headers(stream, head(path=path, method="POST"), flags=4) + b"".join(frame(DATA, 0, stream, bytes(n)) for n in pieces)


def test_a_device_that_takes_none_of_a_servers_answers_holds_up_nobody(small, device, session):  # noqa: F811
    site = small(max_connections=128)
    until("the way inside is there again", lambda: site.reaches(f"{session}/free"), 30)
    with contextlib.ExitStack() as all_of_them, limits_test.let_in(site, device("other")) as other:
        for held in itertools.islice(many(site, device("greedy"), f"{session}/large", 250, unread), 6):
            all_of_them.enter_context(held)
        for _ in range(10):
            answer = other.ask(f"{session}/large")
            assert answer.status == 200 and len(answer.body) == 4 * WINDOW


def test_uploads_that_no_server_takes_are_refused_over_their_devices_share(small, device, session):  # noqa: F811
    site = small(max_connections=128)
    until("the way inside is there again", lambda: site.reaches(f"{session}/free"), 30)
    with contextlib.ExitStack() as all_of_them, limits_test.let_in(site, device("other")) as other:
        held = [all_of_them.enter_context(it)
                for it in itertools.islice(many(site, device("greedy"), f"{session}/large", 120, uploads), 9)]
        assert {h[":status"] for h in held[0].receive(1).values()} == {"429"}
        assert other.ask(f"{session}/free").status == 200
