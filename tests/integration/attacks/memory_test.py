# SPDX-License-Identifier: Apache-2.0
"""Memory of the gateway: what strangers may hold, and what is left when its clients have gone."""
import contextlib

import pytest

from kit import pki
from kit.complaints import sanitized
from kit.gatewayclient import H1, context
from kit.programs import memory_kib, until
from kit.site import configured

MANY = 1000
RATE = 'cmg_turned_away_total{reason="address_rate"}'
METADATA = "/CCM_Proxy_MutualAuth/ServiceMetadata"


LONG_CHAINS = 256  # of a worker; there are two
LONG = [f"name-{n}.{'x' * 20}.example" for n in range(800)]  # a certificate of about 30 kB


def test_strangers_with_long_chains_hold_a_bounded_number_of_connections(own_site, tmp_path):
    """Memory of ten times a chain's size goes with each. Who was let in is none of them, however long the chain."""
    configured(own_site, handshakes_per_address=10000)
    own_site.wait_ready()
    device = own_site.ca(tmp_path).device("long", dns=LONG)
    stranger = pki.Ca(tmp_path, "Nobody Knows").device("stranger", dns=LONG)
    good, bad = (context(own_site.pki("ca"), one.path, one.key) for one in (device, stranger))
    with contextlib.ExitStack() as clients:
        first = clients.enter_context(H1(own_site.port, good))
        assert first.request("GET", METADATA).status == 200
        for _ in range(3 * LONG_CHAINS):
            clients.enter_context(H1(own_site.port, bad))
        until("the oldest of them were turned away",
              lambda: 1 < own_site.metric("cmg_connections") <= 2 * LONG_CHAINS + 1, 15)
        assert first.request("GET", METADATA).status == 200
        with H1(own_site.port, good) as another:
            assert another.request("GET", METADATA).status == 200
    until("all have gone", lambda: own_site.metric("cmg_connections") == 0, 15)


def test_an_address_that_shows_long_chains_is_charged_for_more_handshakes_unless_it_is_let_in(own_site, tmp_path):
    """Each certificate counts as more than ten; so few may begin that the speed of the machine has no part in it."""
    configured(own_site, handshakes_per_address=10, max_connections=400)
    own_site.wait_ready()
    device = own_site.ca(tmp_path).device("long", dns=LONG)
    stranger = pki.Ca(tmp_path, "Nobody Knows").device("stranger", dns=LONG)
    good, bad = (context(own_site.pki("ca"), one.path, one.key) for one in (device, stranger))
    for _ in range(300):
        with H1(own_site.port, good) as another:
            assert another.request("GET", METADATA).status == 200
    assert own_site.metric(RATE) == 0
    with contextlib.ExitStack() as clients, pytest.raises(OSError):
        for _ in range(60):
            clients.enter_context(H1(own_site.port, bad))
    assert own_site.metric(RATE) > 0


def test_memory_of_connections_is_given_back_when_most_of_them_were_closed(own_site):
    ctx = context(own_site.pki("ca"), own_site.pki("certificate"), own_site.pki("key"))
    pid = own_site.pid("cmg-gateway")
    before = memory_kib(pid)
    with contextlib.ExitStack() as clients:
        for _ in range(MANY):
            assert clients.enter_context(H1(own_site.port, ctx)).request("GET", METADATA).status == 200
        until("they were counted", lambda: own_site.metric("cmg_tls_sessions") >= MANY, 15)
        assert own_site.metric("cmg_memory_given_back_total") == 0
        full = memory_kib(pid)
    until("memory was given back", lambda: own_site.metric("cmg_memory_given_back_total") == 1, 15)
    # what is left is sessions, which may be resumed; AddressSanitizer gives nothing back
    assert sanitized(pid) or memory_kib(pid) < full - (full - before) / 10
    with H1(own_site.port, ctx) as client:
        assert client.request("GET", METADATA).status == 200
