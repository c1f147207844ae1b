# SPDX-License-Identifier: Apache-2.0
"""What servers and clients of gRPC need of whoever stands between them: `te: trailers`, and the frames in which an answer ends."""
import h2.events
import pytest

from kit import gatewayclient
from kit.gatewayclient import HTTP1, HTTP2
from kit.h2server import H2Server
from kit.pki import SERVER_AUTH

TARGET = "/CCM_Proxy_MutualAuth/grpc/test.Service"


def answer(it, stream, fields):
    path = dict(fields)[":path"]
    if path.endswith("/Refused"):  # "Trailers-Only"
        it.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "9"),
                                 ("grpc-message", "nope")], end_stream=True)
        return
    it.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
    it.send_data(stream, b"\0\0\0\0\2hi")
    it.send_headers(stream, [("grpc-status", "0")], end_stream=True)


@pytest.fixture(scope="module")
def server(site, ca, folder):
    pair = ca.device("grpc.example", usage=[SERVER_AUTH], file="grpc", dns=["localhost"])
    it = H2Server(pair, answer)
    site.publish("grpc", "--url", it.url, "--anchors", ca.path)
    yield it
    site.cmg("endpoint", "remove", "grpc")
    it.close()


def ask(site, version, target, headers=(), body=b"\0\0\0\0\0"):
    return gatewayclient.request(site, version, "POST" if body is not None else "GET", TARGET + target, headers, body,
                                 certificate=site.pki("certificate"), key=site.pki("key"))


def frames(site, method, target, body):
    """What of the answer came, in order, each with whether the stream ended with it."""
    ctx = gatewayclient.context(site.report["ca"], site.pki("certificate"), site.pki("key"), HTTP2)
    came = []
    with gatewayclient.H2(site.port, ctx) as connection:
        stream = connection.h2.get_next_available_stream_id()
        connection.h2.send_headers(stream, [(":method", method), (":scheme", "https"), (":path", TARGET + target),
                                            (":authority", f"localhost:{site.port}"), ("te", "trailers")],
                                   end_stream=not body)
        if body:
            connection.h2.send_data(stream, body, end_stream=True)
        connection.flush()
        while not (came and came[-1][1]):
            for event in connection.events():
                if isinstance(event, (h2.events.ResponseReceived, h2.events.DataReceived, h2.events.TrailersReceived)):
                    came.append((type(event).__name__, event.stream_ended is not None))
                assert not isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)), event
    return came


def test_te_trailers_reaches_a_server_of_http_2(site, server):
    assert ask(site, HTTP2, "/Unary", [("te", "trailers")]).body == b"\0\0\0\0\2hi"
    assert dict(server.seen[-1][1])["te"] == "trailers"


def test_no_other_te_reaches_it(site, server):
    assert ask(site, HTTP1, "/Unary", [("TE", "trailers, gzip;q=0.5"), ("Connection", "TE")]).status == 200
    assert ask(site, HTTP2, "/Unary").status == 200
    assert all("te" not in dict(fields) for _, fields in server.seen[-2:])


def test_no_te_reaches_a_server_of_http_1(site, upstream, echo):
    seen = gatewayclient.request(site, HTTP2, "GET", f"/CCM_Proxy_MutualAuth/{echo}/x", [("te", "trailers")],
                                 certificate=site.pki("certificate"), key=site.pki("key"))
    assert seen.status == 200 and "te" not in dict(upstream.seen[-1]["headers"])


@pytest.mark.parametrize("method, body", [("POST", b"\0\0\0\0\0"), ("GET", None)])
def test_an_answer_that_ends_with_its_head_ends_with_its_head(site, server, method, body):
    assert frames(site, method, "/Refused", body) == [("ResponseReceived", True)]


def test_trailers_come_behind_the_body(site, server):
    assert frames(site, "POST", "/Unary", b"\0\0\0\0\0") == [("ResponseReceived", False), ("DataReceived", False),
                                                             ("TrailersReceived", True)]
