# SPDX-License-Identifier: Apache-2.0
"""Memory of the gateway when its clients have gone."""
import contextlib
import re
from pathlib import Path

from kit.gatewayclient import H1, context
from kit.programs import until

MANY = 1000
METADATA = "/CCM_Proxy_MutualAuth/ServiceMetadata"


def resident_kb(site):
    return int(re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{site.pid('cmg-gateway')}/status").read_text())[1])


def test_memory_of_connections_is_given_back_when_most_of_them_were_closed(own_site):
    ctx = context(own_site.pki("ca"), own_site.pki("certificate"), own_site.pki("key"))
    before = resident_kb(own_site)
    with contextlib.ExitStack() as clients:
        for _ in range(MANY):
            assert clients.enter_context(H1(own_site.port, ctx)).request("GET", METADATA).status == 200
        until("they were counted", lambda: own_site.metric("cmg_tls_sessions") >= MANY, 15)
        assert own_site.metric("cmg_memory_given_back_total") == 0
        full = resident_kb(own_site)
    until("memory was given back", lambda: own_site.metric("cmg_memory_given_back_total") == 1, 15)
    assert resident_kb(own_site) < full - (full - before) / 10  # what is left is sessions, which may be resumed
    with H1(own_site.port, ctx) as client:
        assert client.request("GET", METADATA).status == 200
