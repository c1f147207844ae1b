# SPDX-License-Identifier: Apache-2.0
"""A gateway that no connector reaches: `cmg status` names what the connector met, and what helps against that."""
import contextlib
import itertools
import socket
import ssl

import pytest

from kit import pki
from kit.between import Between, RefusingProxy
from kit.programs import until
from kit.servers import free_port


class Stranger(Between):
    """A TLS server with a certificate of a PKI that is not the site's."""

    def __init__(self, folder):
        super().__init__()
        pair = pki.Ca(folder, "Inspection CA").device("localhost", usage=[pki.SERVER_AUTH], dns="localhost", file="stranger")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pair.path, pair.key)

    def serve(self, connection):
        with self.context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(1)


class Speaker(Between):
    """Says one thing to whoever comes."""

    def __init__(self, text):
        super().__init__()
        self.text = text

    def serve(self, connection):
        connection.recv(65536)
        connection.sendall(self.text)


class Mute(Between):
    """Takes connections, and says nothing."""

    def serve(self, connection):
        while connection.recv(65536):
            pass


class Full:
    """A port where nothing is taken any more: the packets that ask are dropped, as a firewall does it."""

    def __enter__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.waiting = []
        for _ in range(3):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", self.port))
            self.waiting.append(one)
        return self

    def __exit__(self, *_):
        for one in (*self.waiting, self.listener):
            one.close()


class At:
    def __init__(self, port):
        self.port = port


@contextlib.contextmanager
def nobody(*_):
    yield At(free_port())


@contextlib.contextmanager
def the_other_gateway(site, _):
    yield At(site.port)


@contextlib.contextmanager
def at_a_name(*_):
    yield At(443)


IDS = (f"away{n}" for n in itertools.count())  # one that was removed is not given again

# what stands there, its host → words of what was found, words of the remedy
CAUSES = {
    "a name that does not resolve": (at_a_name, "nowhere.invalid", ["does not resolve"], ["name servers", "--host NAME"]),
    "a port that nobody listens on": (nobody, "127.0.0.1", ["Connection refused"], ["start cmg-gateway"]),
    "a firewall that drops": (lambda *_: Full(), "127.0.0.1", ["in time"], ["firewall", "TCP"]),
    "a server that says nothing": (lambda *_: Mute(), "127.0.0.1", ["in time"], ["firewall"]),
    "another gateway of the site": (the_other_gateway, "localhost", ["the peer is gateway gw1, expected away"],
                                    ["another gateway", "--host NAME --port N"]),
    "a certificate of somebody else": (lambda _, folder: Stranger(folder), "localhost",
                                       ["is not the site's", "issued by 'CN=Inspection CA'"], ["breaks TLS open", "issuer"]),
    "a proxy that wants a login": (lambda *_: RefusingProxy(), "localhost", ["HTTP/1.1 407 Proxy Authentication Required"],
                                   ["proxy that wants a login", "by itself"]),
    "a web server without TLS": (lambda *_: Speaker(b"HTTP/1.0 400 Bad Request\r\n\r\n"), "localhost",
                                 ["speaks no TLS", "HTTP/1.0 400 Bad Request"], ["without TLS", "cmg gateway list"]),
    "something that is neither": (lambda *_: Speaker(b"220 mail.example ESMTP\r\n"), "localhost", ["wrong version number"],
                                  ["does not speak TLS", "PROXY protocol"]),
}


@pytest.mark.parametrize("stands, host, found, remedy", CAUSES.values(), ids=CAUSES)
def test_why_a_gateway_is_not_reached_is_told_by_its_cause(site, tmp_path, stands, host, found, remedy):
    gateway = next(IDS)
    with stands(site, tmp_path) as there:
        site.cmg("gateway", "add", gateway, "--host", host, "--port", there.port, "--out", tmp_path / "new.json")
        try:
            def told():
                return next((p for p in site.cmg("status")["problems"] if p["of"] == gateway and found[0] in p["found"]), None)
            problem = until("the connector has met it", told, 20)
            assert problem["cause"] == "gateway_unreachable" and f"({host}:{there.port}); connector cp1: " in problem["found"]
            assert all(words in problem["found"] for words in found), problem
            assert all(words in problem["remedy"] for words in remedy), problem
        finally:
            site.cmg("gateway", "remove", gateway)
    until("it is well again", lambda: not [p for p in site.cmg("status")["problems"] if p["of"] == gateway], 10)
