# SPDX-License-Identifier: Apache-2.0
"""Memory of the gateway when its clients have gone."""
import contextlib

from hostile_test import memory_kib, sanitized
from kit.gatewayclient import H1, context
from kit.programs import until

MANY = 1000
METADATA = "/CCM_Proxy_MutualAuth/ServiceMetadata"


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
