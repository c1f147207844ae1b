# SPDX-License-Identifier: Apache-2.0
"""What either end of a WebSocket may do once it was switched to: bytes go through as they are, and nothing piles up."""
import base64
import contextlib
import hashlib
import os
import re
import socket
import threading
import time

import pytest

from kit import gatewayclient
from kit.complaints import sanitized
from kit.gatewayclient import HTTP1, HTTP2
from kit.programs import memory_kib, until
from kit.websocket import HANDSHAKE, OPEN, SWITCHED

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
GARBAGE = bytes(range(256)) * 256
PINGS = b"\x89\x00" * 32768


class Inside:
    """A server inside that switches, and then does what the path says."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.got, self.ended = b"", threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def serve(self, connection):
        with connection, contextlib.suppress(OSError):
            data = b""
            while b"\r\n\r\n" not in data:
                piece = connection.recv(65536)
                if not piece:
                    return
                data += piece
            path = data.split()[1].rsplit(b"/", 1)[1].decode()
            key = re.search(rb"(?i)sec-websocket-key: (\S+)", data)
            if not key:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
                return
            accept = base64.b64encode(hashlib.sha1(key[1] + GUID).digest())
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
            self.ended.clear()
            try:
                getattr(self, path)(connection)
            finally:
                self.ended.set()

    def closes(self, connection):
        pass

    def resets(self, connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    def garbage(self, connection):
        connection.sendall(GARBAGE)

    def http(self, connection):
        """An answer to nothing: it must not be taken for one."""
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsmugg")

    def half(self, connection):
        """Says nothing more, and listens on."""
        connection.shutdown(socket.SHUT_WR)
        self.collect(connection)

    def collect(self, connection):
        self.got = b""
        while piece := connection.recv(65536):
            self.got += piece

    def pings(self, connection):
        while True:
            connection.sendall(PINGS)

    def deaf(self, connection):
        time.sleep(30)

    @property
    def url(self):
        return f"http://localhost:{self.listener.getsockname()[1]}"

    def close(self):
        self.listener.close()


@pytest.fixture(scope="module")
def inside():
    server = Inside()
    yield server
    server.close()


@pytest.fixture(scope="module")
def published(site, inside):
    site.publish("rawroom", "--url", inside.url, "--auth", "pki,token", "--websocket")
    return "/CCM_Proxy_MutualAuth/rawroom"


class RawH1:
    def __init__(self, site, target):
        ctx = gatewayclient.context(site.report["ca"], site.pki("certificate"), site.pki("key"), HTTP1)
        self.tls = gatewayclient.connect(site.port, ctx)
        self.tls.sendall(gatewayclient.written_h1("GET", target, HANDSHAKE, None, "localhost"))
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.tls.recv(65536)
        head, _, self.early = data.partition(b"\r\n\r\n")
        self.status = int(head.split()[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tls.close()

    def carry(self, data):
        self.tls.sendall(data)

    def more(self):
        early, self.early = self.early, b""
        if early:
            return early
        try:
            return self.tls.recv(65536)
        except OSError:
            return b""


def opened(site, version, target):
    if version == HTTP1:
        return RawH1(site, target)
    ctx = gatewayclient.context(site.report["ca"], site.pki("certificate"), site.pki("key"), HTTP2)
    it = OPEN[HTTP2](site.port, ctx, target, f"localhost:{site.port}")
    return it


def all_of(it):
    data = b""
    while piece := it.more():
        data += piece
    return data


def serves(site, published):
    return gatewayclient.request(site, HTTP1, "GET", f"{published}/plain", certificate=site.pki("certificate"),
                                 key=site.pki("key")).status == 200


@pytest.mark.parametrize("does, comes", [("closes", b""), ("garbage", GARBAGE),
                                         ("http", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsmugg")])


def test_what_a_server_says_after_its_switch_comes_as_it_is_and_ends_with_it(site, published, version, does, comes):
    with opened(site, version, f"{published}/{does}") as it:
        assert it.status == SWITCHED[version] and all_of(it) == comes
    assert serves(site, published)


def test_a_server_that_resets_at_once_ends_one_websocket_alone(site, published, version):
    with opened(site, version, f"{published}/closes"), opened(site, version, f"{published}/resets") as it:
        assert all_of(it) == b""
    assert serves(site, published)


@pytest.mark.parametrize("unmasked", [b"\x81\x05hello", b"\xff\xff" + os.urandom(4096), b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"],
                         ids=["unmasked frame", "random bytes", "request"])


def test_what_a_client_says_after_the_switch_comes_as_it_is(site, published, inside, version, unmasked):
    with opened(site, version, f"{published}/collect") as it:
        it.carry(unmasked)
        until("it is there", lambda: len(inside.got) == len(unmasked))
        assert inside.got == unmasked
    until("the server knows that it has gone", inside.ended.is_set)


def test_a_server_that_ends_its_direction_ends_it_for_the_client_and_hears_of_its_going(site, published, inside, version):
    with opened(site, version, f"{published}/half") as it:
        assert all_of(it) == b""
    until("the server knows that it has gone", inside.ended.is_set)


@pytest.mark.parametrize("does", ["pings", "deaf"])
def test_what_one_side_sends_without_end_and_the_other_does_not_read_piles_up_nowhere(site, published, version, does):
    names = ("cmg-gateway", "cmg-connector")
    before = {name: memory_kib(site.pid(name)) for name in names}
    with contextlib.ExitStack() as clients:
        for _ in range(8):
            it = clients.enter_context(opened(site, version, f"{published}/{does}"))
            if does == "deaf":
                it.tls.settimeout(0.3)
                with contextlib.suppress(OSError, AssertionError):
                    for _ in range(256 if version == HTTP1 else 1):
                        it.carry(GARBAGE[:65535] if version == HTTP2 else GARBAGE)
        assert serves(site, published)
        for name in names:
            assert sanitized(site.pid(name)) or memory_kib(site.pid(name)) - before[name] < 48 << 10, name
