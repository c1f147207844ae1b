# SPDX-License-Identifier: Apache-2.0
"""OCSP over a running gateway, with `openssl ocsp` as the responder: a PKI that publishes no lists at all."""
import concurrent.futures
import itertools
import socket
import threading

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from kit import gatewayclient, pki, refusal
from kit.gatewayclient import HTTP1, HTTP2
from kit.programs import until
from kit.responder import Responder, SlowResponder

METADATA = "/CCM_Proxy_MutualAuth/ServiceMetadata"
numbers = itertools.count(1)


def verdict(site, device, version=HTTP2):
    answer = gatewayclient.request(site, version, "GET", METADATA, **device.client())
    return "ok" if answer.status == 200 else answer.problem()["reason"]


class World:
    """A CA without lists, its devices, and the responder that the site names for it."""

    def __init__(self, site, folder, via="internet", signer=None, more=("-nmin", "5"), url=None):
        n = next(numbers)
        self.site, self.name = site, f"ocsp-{n}"
        self.ca = pki.Ca(folder, f"OCSP Root {n}")
        self.good, self.bad, self.stranger = (self.ca.device(f"ocsp-{n}-{name}") for name in ("good", "bad", "stranger"))
        self.responder = None
        if url is None:
            self.responder = Responder(folder / f"responder-{n}", self.ca, [self.good], [self.bad],
                                       signer and signer(self.ca), more)
            url = self.responder.url
        self.added = site.cmg("trust", "add", "--anchor", self.ca.path)
        site.add("trust", "add", "--ocsp-source", self.name, "--url", url, "--via", via)

    def close(self):
        if self.responder:
            self.responder.close()
        self.site.cmg("source", "remove", self.name)
        self.site.cmg("trust", "remove", self.added["id"] if "id" in self.added else self.added["trust"][0]["id"])
        self.site.settle()


@pytest.fixture
def world(site, tmp_path):
    made = []

    def make(**more):
        made.append(World(site, tmp_path, **more))
        return made[-1]
    yield make
    for one in made:
        one.close()


def delegated(usage):
    return lambda ca: ca.device("responder", usage=[usage])


@pytest.mark.parametrize("via", ["internet", "connector"])
def test_the_responder_decides_where_no_list_does(site, world, via):
    w = world(via=via)
    until("the responder is asked", lambda: verdict(site, w.good) == "ok", 15)
    for version in (HTTP1, HTTP2):
        assert verdict(site, w.good, version) == "ok"
        assert verdict(site, w.bad, version) == "revoked"
        refusal.assert_refused(site, version, 401, "CMGService_Invalid_Client_Certificate", "ocsp_unavailable", "GET",
                               METADATA, **w.stranger.client())


def test_the_first_request_already_waits_for_the_answer(site, world):
    w = world()
    assert verdict(site, w.good) == "ok"


def test_an_answer_is_asked_for_once(site, world):
    w = world()
    assert verdict(site, w.good) == "ok"
    before = site.metric("cmg_ocsp_requests_total")
    for _ in range(8):
        assert verdict(site, w.good) == "ok"
    assert site.metric("cmg_ocsp_requests_total") == before


def test_a_responder_that_the_ca_delegated_may_sign_and_nobody_else(site, world):
    w = world(signer=delegated(ExtendedKeyUsageOID.OCSP_SIGNING))
    assert verdict(site, w.good) == "ok"
    assert verdict(site, w.bad) == "revoked"
    w = world(signer=delegated(pki.CLIENT_AUTH))
    assert verdict(site, w.good) == "ocsp_unavailable"


def test_an_answer_without_an_end_counts_for_a_while(site, world):
    w = world(more=())
    assert verdict(site, w.good) == "ok"
    assert verdict(site, w.bad) == "revoked"


def test_a_responder_that_says_nothing_holds_nobody_else_up(site, world, ca):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        w = world(url=f"http://127.0.0.1:{silent.getsockname()[1]}/")
        ctx = gatewayclient.context(site.report["ca"], w.good.path, w.good.key, HTTP1)
        held = [gatewayclient.connect(site.port, ctx) for _ in range(8)]
        for tls in held:
            tls.sendall(f"GET {METADATA} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        ended = []

        def wait_for(tls):
            tls.settimeout(30)
            ended.append(gatewayclient.read_h1(tls).problem()["reason"])
            tls.close()
        waiting = [threading.Thread(target=wait_for, args=(tls,), daemon=True) for tls in held]
        for thread in waiting:
            thread.start()
        assert verdict(site, ca.good) == "ok"
        assert ended == [], "it was let in while the others waited"
        for thread in waiting:
            thread.join()
        assert ended == ["ocsp_unavailable"] * len(held)


def test_a_responder_that_comes_back_is_asked_again(site, world, tmp_path):
    w = world(url="http://127.0.0.1:1/")
    assert verdict(site, w.good) == "ocsp_unavailable"
    w.responder = Responder(tmp_path / "late", w.ca, [w.good], [w.bad], more=("-nmin", "5"))
    site.add("trust", "add", "--ocsp-source", w.name, "--url", w.responder.url, "--via", "internet")
    until("it is asked again", lambda: verdict(site, w.good) == "ok", 15)


@pytest.mark.parametrize("via", ["internet", "connector"])
@pytest.mark.parametrize("delay", [0.2, 0.5])
def test_a_hundred_devices_at_once_are_let_in_though_the_responder_takes_its_time(site, world, via, delay):
    w = world(via=via, url="http://127.0.0.1:1/")
    devices = [w.ca.device(f"crowd-{n}") for n in range(100)]
    w.responder = SlowResponder(w.ca, devices, delay)
    site.add("trust", "add", "--ocsp-source", w.name, "--url", w.responder.url, "--via", via)
    with concurrent.futures.ThreadPoolExecutor(len(devices)) as crowd:
        assert list(crowd.map(lambda device: verdict(site, device), devices)) == ["ok"] * len(devices)
    assert w.responder.asked == len(devices)
    assert w.responder.connections <= 64, "connections are kept"
