# SPDX-License-Identifier: Apache-2.0
"""The HTTP/2 engine of the real programs: two faults in one piece, and every device's bodies at once."""
import concurrent.futures
import ssl

import pytest

from kit import gatewayclient, programs
from kit.frames import DATA, HEADERS, PING, PREFACE, SETTINGS, Raw, frame, head, headers
from kit.h2server import H2Server
from kit.pki import SERVER_AUTH

# A flood that we end the session for, then a frame that nghttp2 can't read: exactly what once ended three programs.
POST_X = b"\x83\x87\x04\x02/x\x01\x06a.test"  # HPACK
TWO_FAULTS = (PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, 4, 1, POST_X) + frame(DATA, 0, 1) * 1100 +
              frame(PING, 0, 0, b"1234567"))
assert len(TWO_FAULTS) == 9972


def assert_ended(port, ca):
    """No certificate, no token: a stranger."""
    with gatewayclient.connect(port, gatewayclient.context(ca, alpn=gatewayclient.HTTP2)) as tls:
        tls.settimeout(10)
        tls.sendall(TWO_FAULTS)
        try:
            while tls.recv(65536):
                pass
        except (ConnectionResetError, ssl.SSLError):
            pass


def assert_all_live(site):
    for pid in site.report["pids"].values():
        assert not programs.has_ended(pid)


def test_two_faults_in_one_record_end_a_connection_to_the_gateway_alone(site):
    assert_ended(site.port, site.report["ca"])
    assert_all_live(site)


def test_two_faults_in_one_record_end_a_connection_to_a_management_point_alone(site):
    assert_ended(int(site.report["mp_urls"]["https"].rsplit(":", 1)[1]), site.report["ca"])
    assert_all_live(site)


def broken_answer(it, stream, fields):
    broken = dict(fields)[":path"].endswith("/two-faults")
    it.send_headers(stream, [(":status", "200")], end_stream=not broken)
    if not broken:
        return
    data = it.data_to_send()
    it.data_to_send = lambda: data + frame(DATA, 0, stream) * 1100 + frame(PING, 0, 0, b"1234567")


@pytest.fixture
def broken(site, ca):
    pair = ca.device("broken.example", usage=[SERVER_AUTH], file="broken", dns=["localhost"])
    server = H2Server(pair, broken_answer)
    site.publish("broken", "--url", server.url, "--anchors", ca.path)
    yield server
    site.cmg("endpoint", "remove", "broken")
    site.settle()
    server.close()


def test_a_server_whose_answer_has_two_faults_is_told_as_one_that_speaks_no_http(site, broken):
    answer = gatewayclient.request(site, gatewayclient.HTTP2, "GET", "/CCM_Proxy_MutualAuth/broken/two-faults",
                                   certificate=site.pki("certificate"), key=site.pki("key"))
    assert answer.status == 502
    assert_all_live(site)


BODIES, CONNECTIONS = 1000, 10


def bodies_at_once(site):
    """Each connection opens its requests, then ends their bodies: all are under way together."""
    path = f"/CCM_Proxy_MutualAuth/{site.role('https')}/ccm_system/request"
    ids = range(1, 2 * BODIES // CONNECTIONS, 2)
    raws = [Raw(site) for _ in range(CONNECTIONS)]
    for raw in raws:
        raw.send(b"".join(headers(n, head(method="POST", path=path), 4) + frame(DATA, 0, n, b"x" * 500) for n in ids))
    for raw in raws:
        raw.send(b"".join(frame(DATA, 1, n, b"x" * 100) for n in ids))
    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
        outcomes = [o for some in pool.map(lambda raw: [raw.outcome(n) for n in ids], raws) for o in some]
    for raw in raws:
        raw.tls.close()
    return outcomes


def test_bodies_of_every_device_at_once_all_reach_the_management_point(site):
    outcomes = bodies_at_once(site)
    assert len(outcomes) == BODIES and {o[0] for o in outcomes} == {"status"}
    assert {o[1] for o in outcomes}.isdisjoint({429, 502, 503, 504}), sorted(set(outcomes))
