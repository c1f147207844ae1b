# SPDX-License-Identifier: Apache-2.0
"""Refusals of the request itself and of the way inside, over HTTP/1.1 and HTTP/2."""
import socket
import ssl

import pytest

from kit import gatewayclient, pki, refusal
from kit.gatewayclient import HTTP1, HTTP2
from kit.programs import until
from kit.upstream import Broken, Upstream

DOTS = ["/x/../y", "/./x", "/x/..", "/x/%2e%2e/y", "/%2E/x", "/x/.%2e"]
OTHERS = ["/a\\b", "/a%5cb", "/a%00b", "/a%0ab", "/a%7fb", "/a%zz", "/a%2"]
SLASHES = ["/a%2fb", "/a%2Fb", "/a//b"]


def inside(endpoint, path):
    return f"/CCM_Proxy_MutualAuth/{endpoint}{path}"


@pytest.mark.parametrize("path", DOTS + OTHERS + SLASHES)
def test_an_ambiguous_path_is_refused(site, version, ca, echo, upstream, path):
    upstream.seen.clear()
    refusal.assert_refused(site, version, 400, "CMGService_Bad_Request", "bad_request", "GET", inside(echo, path),
                           **ca.good.client())
    assert upstream.seen == []


@pytest.mark.parametrize("path", ["/.sms_aut?a=../b%2f//", "/a.b/..c", "/...", "/a%20b", "/caf%C3%A9?x=%00"])
def test_an_unusual_but_clear_path_passes_as_it_is(site, version, ca, echo, upstream, path):
    upstream.seen.clear()
    answer = gatewayclient.request(site, version, "GET", inside(echo, path), **ca.good.client())
    assert answer.status == 200 and [s["target"] for s in upstream.seen] == [path]


BROKEN_HEADS = {
    "two Hosts": b"GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "no Host": b"GET /x HTTP/1.1\r\n\r\n",
    "length and chunks": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    "a folded field": b"GET /x HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n",
    "a blank before the colon": b"GET /x HTTP/1.1\r\nHost: a\r\nX-A : b\r\n\r\n",
    "another host in the target": b"GET https://b/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "no HTTP at all": b"\x00\x01\x02\x03\r\n\r\n",
}


@pytest.mark.parametrize("what", BROKEN_HEADS)
def test_a_broken_head_is_refused(site, what):
    refusal.assert_made(site, HTTP1, 400, "CMGService_Bad_Request", "bad_request", lambda: gatewayclient.send_raw(
        site.port, gatewayclient.context(site.report["ca"]), BROKEN_HEADS[what]))


NOT_SUPPORTED = {
    "another transfer coding": b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("what", NOT_SUPPORTED)
def test_what_is_not_supported_is_refused(site, what):
    refusal.assert_made(site, HTTP1, 501, "CMGService_Not_Supported", "unsupported", lambda: gatewayclient.send_raw(
        site.port, gatewayclient.context(site.report["ca"]), NOT_SUPPORTED[what]))


@pytest.mark.parametrize("line", ["GET /x HTTP/3.7", "GET /x HTTP/2.0", "PRI * HTTP/2.0", "GET /x HTTP/0.9"])
def test_another_version_of_http_is_refused(site, line):
    refusal.assert_made(site, HTTP1, 505, "CMGService_Not_Supported", "version", lambda: gatewayclient.send_raw(
        site.port, gatewayclient.context(site.report["ca"]), line.encode() + b"\r\nHost: a\r\n\r\n"))


def test_a_minor_version_of_later_is_read_as_http_1_1(site, ca, echo, upstream):
    """RFC 9110 2.5; chunks and connections that stay included, which 1.0 does not have."""
    ctx = gatewayclient.context(site.report["ca"], **ca.good.client())
    head = f"POST {inside(echo, '/x')} HTTP/1.9\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    with gatewayclient.connect(site.port, ctx) as tls:
        for _ in range(2):
            upstream.seen.clear()
            tls.sendall(head.encode())
            assert gatewayclient.read_h1(tls).status == 200 and upstream.seen[-1]["body"] == "hello"


def test_a_server_of_a_later_minor_version_is_read_as_http_1_1(site, version, ca):
    server = Broken(b"HTTP/1.2 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
    try:
        site.publish("later", "--url", server.url)
        answer = gatewayclient.request(site, version, "GET", inside("later", "/x"), **ca.good.client())
        assert (answer.status, answer.body) == (200, b"hi")
    finally:
        site.cmg("endpoint", "remove", "later")
        server.close()


def test_connect_is_not_supported(site, version, ca):
    ctx = gatewayclient.context(site.report["ca"], alpn=version, **ca.good.client())
    text = b"CONNECT inside.example:443 HTTP/1.1\r\nHost: inside.example:443\r\n\r\n"
    refusal.assert_made(site, version, 501, "CMGService_Not_Supported", "unsupported", lambda: connect_h2(
        site, ctx) if version == HTTP2 else gatewayclient.send_raw(site.port, ctx, text))


def connect_h2(site, ctx):
    with gatewayclient.H2(site.port, ctx) as connection:
        connection.h2.send_headers(1, [(":method", "CONNECT"), (":authority", "inside.example:443")])
        connection.flush()
        answer = gatewayclient.Answer(0)
        while not connection._take(1, connection.events(), answer):
            pass
    return answer


def test_a_head_that_does_not_end_is_refused_after_its_time(site):
    with gatewayclient.connect(site.port, gatewayclient.context(site.report["ca"])) as tls:
        tls.settimeout(45)
        tls.sendall(b"GET /CCM_Proxy_MutualAuth/ServiceMetadata HTTP/1.1\r\nHost: loc")
        refusal.assert_made(site, HTTP1, 408, "CMGService_Request_Timeout", "request_timeout",
                            lambda: gatewayclient.read_h1(tls))


@pytest.mark.parametrize("target", ["/CCM_Proxy_MutualAuth/123/SMS_MP", "/CCM_Proxy_ServerAuth/123/CCM_STS",
                                    "/CCM_Proxy_MutualAuth/", "/CCM_Proxy_MutualAuth/servicemetadata/x", "/", "/etc"])
def test_what_is_not_published_is_unknown(site, version, ca, target):
    refusal.assert_refused(site, version, 404, "CMGService_Unknown_Endpoint", "unknown_endpoint", "GET", target,
                           **ca.good.client())


@pytest.mark.parametrize("path", ["/.cmg/bundle", "/SMS_MPX", "/admin", "", "/sms_mp2/.sms_aut"])
def test_other_paths_of_a_management_point_are_unknown(site, version, ca, path):
    target = f"/CCM_Proxy_MutualAuth/{site.role('https')}{path}"
    refusal.assert_refused(site, version, 404, "CMGService_Unknown_Endpoint", "unknown_endpoint", "GET", target,
                           **ca.good.client())


def test_role_and_prefix_match_whatever_their_case(site, version, ca):
    target = f"/ccm_proxy_MUTUALauth/{site.role('https')}/sms_mp/.sms_aut?MPLIST"
    answer = gatewayclient.request(site, version, "GET", target, **ca.good.client())
    assert not answer.headers.get("cmg-status-text", "").startswith("CMGService_"), answer


def test_an_unknown_host_is_unknown(site, version, ca):
    refusal.assert_refused(site, version, 404, "CMGService_Unknown_Endpoint", "unknown_endpoint", "GET", "/x",
                           host="nobody.example", **ca.good.client())


def test_another_method_is_refused_with_those_that_are_allowed(site, version, ca):
    target = f"/CCM_Proxy_MutualAuth/{site.role('https')}/SMS_MP/.sms_aut?MPLIST"
    _, answer = refusal.assert_refused(site, version, 405, "CMGService_Method_Not_Allowed", "method", "DELETE", target,
                                       **ca.good.client())
    assert sorted(answer.headers["allow"].split(", ")) == ["GET", "HEAD"]


def test_the_gateways_own_page_takes_get_and_head_alone(site, version, ca):
    target = "/CCM_Proxy_MutualAuth/ServiceMetadata"
    _, answer = refusal.assert_refused(site, version, 405, "CMGService_Method_Not_Allowed", "method", "POST", target,
                                       body=b"x", **ca.good.client())
    assert answer.headers["allow"] == "GET, HEAD"
    assert gatewayclient.request(site, version, "HEAD", target, **ca.good.client()).body == b""


def too_long(site, version, status, reason, target, headers, certificate):
    refusal.assert_made(site, version, status, "CMGService_Too_Long", reason, lambda: gatewayclient.request(
        site, version, "GET", target, headers, **certificate.client()))


def test_a_target_that_is_too_long_is_refused(site, version, ca, echo):
    too_long(site, version, 414, "target", inside(echo, "/" + "x" * 40000), [], ca.good)


def test_a_head_that_is_too_long_is_refused(site, version, ca, echo):
    fields = [(f"X-Field-{i}", "y" * 4000) for i in range(20)]
    too_long(site, version, 431, "head", inside(echo, "/x"), fields, ca.good)


def test_a_body_that_is_announced_too_large_is_refused(site, version, ca, echo, upstream):
    upstream.seen.clear()
    problem, _ = refusal.assert_refused(site, version, 413, "CMGService_Too_Large", "body", "POST", inside(echo, "/x"),
                                        body=b"x" * 65537, **ca.good.client())
    assert "65536" in problem["detail"] and upstream.seen == []


def test_a_body_that_grows_too_large_is_refused(site, version, ca, echo):
    refusal.assert_made(site, version, 413, "CMGService_Too_Large", "body",
                        lambda: without_length(site, version, inside(echo, "/x"), b"y" * 70000, ca.good))


def without_length(site, version, target, body, certificate):
    ctx = gatewayclient.context(site.report["ca"], **certificate.client(), alpn=version)
    if version == HTTP1:
        chunks = b"".join(b"%x\r\n" % 1000 + body[i:i + 1000] + b"\r\n" for i in range(0, len(body), 1000)) + b"0\r\n\r\n"
        head = f"POST {target} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        return gatewayclient.send_raw(site.port, ctx, head.encode() + chunks)
    with gatewayclient.H2(site.port, ctx) as connection:
        stream = connection.h2.get_next_available_stream_id()
        connection.h2.send_headers(stream, [(":method", "POST"), (":scheme", "https"), (":authority", "localhost"),
                                            (":path", target)])
        connection.flush()
        answer = gatewayclient.Answer(0)
        done = connection._send_body(stream, body, answer)
        while not done:
            done = connection._take(stream, connection.events(), answer)
        return answer


def test_a_body_of_the_largest_size_passes(site, version, ca, echo, upstream):
    upstream.seen.clear()
    answer = gatewayclient.request(site, version, "POST", inside(echo, "/x"), body=b"z" * 65536, **ca.good.client())
    assert answer.status == 200 and len(upstream.seen[0]["body"]) == 65536


# --- the way inside ---------------------------------------------------------------------------------------------------


def test_an_endpoint_that_no_connector_serves_has_no_connection_point(site, version, ca):
    site.add("endpoint", "add", "elsewhere", "--url", "http://169.254.77.7:1/")  # this connector does not allow it
    _, answer = refusal.assert_refused(site, version, 503, "CMGService_No_Connection_Point", "no_connection_point",
                                       "GET", inside("elsewhere", "/x"), **ca.good.client())
    assert answer.headers["retry-after"]
    site.add("endpoint", "remove", "elsewhere")


def assert_bad_gateway(site, version, ca, name, url, reason, *options):
    """Said by the connector: the gateway passes its words on, and nobody outside learns where the server is."""
    site.publish(name, "--url", url, *options)
    try:
        code = "CMGConnector_Clientcertificaterequired" if reason == "client_certificate_required" else \
            "CMGConnector_BadGateway"
        status = 403 if reason == "client_certificate_required" else 502
        problem, answer = refusal.assert_refused(site, version, status, code, reason, "GET", inside(name, "/x"),
                                                 **ca.good.client())
        assert problem["request_id"] in site.log("cmg-connector") and "cmg-reason" not in answer.headers
        port = url.split(":")[2].strip("/") if url.count(":") > 1 else url
        assert port not in answer.body.decode() and "127.0.0.1" not in answer.body.decode()
    finally:
        site.add("endpoint", "remove", name)


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_a_server_that_takes_no_connections_is_told_as_refused(site, version, ca):
    assert_bad_gateway(site, version, ca, "closed", f"http://localhost:{closed_port()}", "refused")


def test_a_server_whose_name_does_not_resolve_is_told_as_name(site, version, ca):
    assert_bad_gateway(site, version, ca, "nameless", "http://no-such-host.invalid", "name")


def server_context(tmp_path, ca, client_ca=None):
    pair = ca.device("localhost", usage=[pki.SERVER_AUTH], dns="localhost", file=f"server-{tmp_path.name}")
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(str(pair.path), str(pair.key))
    if client_ca:
        ctx.load_verify_locations(cafile=str(client_ca))
        ctx.verify_mode = ssl.CERT_REQUIRED
    return ctx


@pytest.fixture
def tls_server(tmp_path, ca):
    started = []

    def start(client_ca=None):
        started.append(Upstream(server_context(tmp_path, ca, client_ca)))
        return started[-1]
    yield start
    for server in started:
        server.close()


def test_a_server_of_an_unknown_ca_is_told_as_tls(site, version, ca, tls_server):
    assert_bad_gateway(site, version, ca, "untrusted", tls_server().url, "tls", "--anchors", site.report["ca"])


def test_a_server_of_the_published_ca_is_reached(site, version, ca, tls_server):
    server = tls_server()
    site.publish("trusted", "--url", server.url, "--anchors", str(ca.path))
    server.seen.clear()
    answer = gatewayclient.request(site, version, "GET", inside("trusted", "/x"), **ca.good.client())
    assert answer.status == 200 and [s["target"] for s in server.seen] == ["/x"]
    site.add("endpoint", "remove", "trusted")


def test_a_server_without_tls_behind_an_https_url_is_told_as_tls(site, version, ca, upstream):
    url = upstream.url.replace("http:", "https:")
    assert_bad_gateway(site, version, ca, "plain", url, "tls", "--anchors", str(ca.path))


def test_a_server_that_demands_a_certificate_is_told_as_such(site, version, ca, tls_server):
    assert_bad_gateway(site, version, ca, "demanding", tls_server(ca.path).url, "client_certificate_required",
                       "--anchors", str(ca.path))


def broken(site, version, ca, data, reason):
    server = Broken(data)
    try:
        assert_bad_gateway(site, version, ca, "broken", server.url, reason)
    finally:
        server.close()


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 OK\r\nContent-Le"])
def test_a_server_that_breaks_off_is_told_as_truncated(site, version, ca, data):
    broken(site, version, ca, data, "truncated")


@pytest.mark.parametrize("data", [b"220 mail.example ESMTP\r\n",
                                  b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"])
def test_a_server_that_speaks_no_http_is_told_as_such(site, version, ca, data):
    broken(site, version, ca, data, "protocol")


def test_a_server_that_does_not_answer_in_time_is_told_as_timeout(site, version, ca):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        site.admin("POST", "/v1/endpoints", {"id": "silent", "role": "silent", "name": "", "auth": ["pki"], "answer_s": 1,
                                             "url": f"http://localhost:{silent.getsockname()[1]}"})
        site.settle()
        answer = until("the way inside is there", lambda: not_ours(gatewayclient.request(
            site, version, "GET", inside("silent", "/x"), **ca.good.client())), 10)
        assert answer.status == 504
        refusal.assert_refused(site, version, 504, "CMGConnector_Timeout", "timeout", "GET", inside("silent", "/x"),
                               **ca.good.client())
    site.add("endpoint", "remove", "silent")


def not_ours(answer):
    return answer if not answer.headers.get("cmg-status-text", "").startswith("CMGService_") else None


@pytest.mark.parametrize("status,text", [(404, "NotFound"), (500, "InternalServerError"), (403, "Forbidden")])
def test_a_servers_own_refusal_passes_with_its_body_and_a_code(site, version, ca, echo, upstream, status, text):
    upstream.seen.clear()
    answer = gatewayclient.request(site, version, "GET", inside(echo, f"/status/{status}"), **ca.good.client())
    assert answer.status == status and answer.headers["x-from-inside"] == "yes"
    assert answer.headers["cmg-status-text"] == f"CMGConnector_{text}"
    assert version != HTTP1 or answer.reason == f"CMGConnector_{text}"
    assert b'"target": "/status/' in answer.body and len(upstream.seen) == 1
