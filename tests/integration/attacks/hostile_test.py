# SPDX-License-Identifier: Apache-2.0
"""What the public collections know of attacks on HTTP/1.1, HTTP/2 and TLS, against a running gateway. Each time: a


defined answer or a clean close, nothing malformed reaches the servers inside, and other clients notice nothing."""
import json
import math
import os
import re
import select
import socket
import ssl
import struct
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from kit import gatewayclient, pki, programs, servers
from kit.complaints import sanitized
from kit.frames import (CALM, CLOSED, COMPRESSION, CONTINUATION, DATA, FLOW, GOAWAY, HEADERS, INTERNAL, NO_ERROR, PING, PREFACE,
                        PRIORITY, PROTOCOL, PUSH, RST, SETTINGS, SIZE, WINDOW, Raw, block, frame, head, headers, number, u32)
from kit.pki import heap_of_certificates
from kit.programs import memory_kib, until

# --- a server inside that tells exactly what reached it ---------------------------------------------------------------

NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
worker_processes 1;
{user}
events {{ worker_connections 1024; }}
http {{
    log_format exact escape=json '{{"line":"$request","status":$status,"length":"$http_content_length",'
        '"coding":"$http_transfer_encoding","body":"$request_body","smuggled":"$http_x_smuggled",'
        '"cookie":"$http_cookie","id":"$http_cmg_client_id"}}';
    client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u;
    scgi_temp_path {folder}/s;
    client_max_body_size 0; client_body_buffer_size 256k; client_body_in_single_buffer on;
    underscores_in_headers on; # then it tells content_length and content-length as one
    server {{
        listen 127.0.0.1:{port};
        access_log {folder}/access.log exact;
        location / {{ proxy_pass http://127.0.0.1:{behind}; }}
        location /early {{ return 403 early; }}
    }}
    server {{ listen 127.0.0.1:{behind}; access_log off; location / {{ return 200 "$request_uri"; }} }}
}}
"""


class Inside:
    def __init__(self, folder):
        folder.mkdir()
        self.log, self.seen = folder / "access.log", 0
        self.port = servers.free_port()
        text = NGINX.format(folder=folder, port=self.port, behind=servers.free_port(),
                            user="user root;" if os.getuid() == 0 else "")
        (folder / "nginx.conf").write_text(text)
        with open(folder / "stderr", "wb") as stderr:
            self.process = programs.start(["/usr/sbin/nginx", "-p", folder, "-c", folder / "nginx.conf"], stderr)
        until("nginx serves", lambda: servers.takes_connections(self.port), 10)

    def lines(self):
        return self.log.read_text().splitlines()

    def mark(self):
        self.seen = len(self.lines())

    def canary_logged(self):
        """One worker logs in order: what was answered before the last canary stands before it."""
        return any("/canary HTTP/1.1" in line for line in self.lines()[self.seen:])

    def requests(self, at_least=0):
        """What came since mark(), in order, without canaries. With `at_least`: so many that nginx answered, and those alone;
        what broke off (400) is logged when nginx gets to know it, maybe of a test before."""
        if at_least:
            until("nginx has logged it", lambda: len(self._answered()) >= at_least, 5)
            return self._answered()
        return self._since_mark()

    def _since_mark(self):
        seen = [json.loads(line) for line in self.lines()[self.seen:]]
        return [r for r in seen if not r["line"].endswith("/canary HTTP/1.1")]

    def _answered(self):
        return [r for r in self._since_mark() if r["status"] != 400]

    def close(self):
        programs.end(self.process)


@pytest.fixture(scope="module")
def inside(site, folder):
    server = Inside(folder / "hostile-nginx")
    site.publish("hostile", "--url", f"http://localhost:{server.port}", "--auth", "pki,token", "--max-body", "64KiB")
    yield server
    site.cmg("endpoint", "remove", "hostile")
    site.settle()
    server.close()


PATH = "/CCM_Proxy_MutualAuth/hostile"
P = PATH.encode()


def good(site, alpn):
    return gatewayclient.context(site.report["ca"], site.pki("certificate"), site.pki("key"), alpn)


def canary(site):
    answer = gatewayclient.request(site, gatewayclient.HTTP1, "GET", PATH + "/canary",
                                   certificate=site.pki("certificate"), key=site.pki("key"))
    assert (answer.status, answer.body) == (200, b"/canary")


@pytest.fixture(autouse=True)
def unharmed(site, inside):
    """Around every test: the programs live on, others are served, and what reached nginx was never malformed."""
    canary(site)
    until("nginx has logged all that was before", inside.canary_logged, 5)
    inside.mark()
    yield
    for pid in site.report["pids"].values():
        assert not programs.has_ended(pid)
    canary(site)
    assert [r for r in inside.requests() if r["smuggled"]] == []


# --- HTTP/1.1 ---------------------------------------------------------------------------------------------------------

HOST = b"Host: localhost\r\n"
SMUGGLED = b"GET " + P + b"/smuggled HTTP/1.1\r\n" + HOST + b"X-Smuggled: 1\r\n\r\n"


def get(fields=b"", line=b"GET " + P + b"/x HTTP/1.1\r\n", host=HOST):
    return line + host + fields + b"\r\n"


def post(fields, body):
    return get(fields, b"POST " + P + b"/x HTTP/1.1\r\n") + body


CODINGS = [
    b"Transfer-Encoding: xchunked", b"Transfer-Encoding : chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
    b" Transfer-Encoding: chunked", b"X: X\nTransfer-Encoding: chunked", b"Transfer-Encoding\r\n : chunked",
    b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: identity, chunked",
    b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding: \"chunked\"", b"Transfer-Encoding: 'chunked'",
    b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding:\x0cchunked", b"Transfer-Encoding: chunked\x00",
    b"Transfer-Encoding: chunked\xa0", b"Transfer-Encoding: chunk", b"Transfer-Encoding: ,chunked",
    b"Transfer-Encoding: chunked,", b"Transfer-Encoding: chunked;q=1", b"Transfer-Encoding:",
    b"transfer-encoding: chunked\r\ntransfer-encoding: chunked", b"Transfer-Encoding: \r\n chunked",
    b"Transfer-Encoding: chunked\r", b"\x00Transfer-Encoding: chunked", b"Transfer-Encod\xc4\xb1ng: chunked",
    b"X: y\r\n\rTransfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: deflate",
    b"Connection: Transfer-Encoding\r\nTransfer-Encoding: gzip"]
CLEAN_CODINGS = [b"Transfer-Encoding: chunked", b"transfer-encoding:\tCHUNKED", b"Transfer-Encoding:chunked "]
LENGTHS = [
    b"+6", b"-6", b"6, 6", b"6,6", b"6\r\nContent-Length: 6", b"6\r\nContent-Length: 0", b"0x6", b"6 6", b"", b"6.0", b"1e1",
    b"99999999999999999999", b"18446744073709551622", b"9223372036854775808", b"6;", b"\xd9\xa6", b"6\r\nContent-Length:",
    b"6_0", b"6\x0b", b"\"6\"", b"6\r\nConnection: close, Content-Length", b"\r\n 6"]
CHUNKS = [
    b"5\nhello\r\n0\r\n\r\n", b"5\r\nhello\n0\r\n\r\n", b"5\r\nhello0\r\n\r\n", b"5;a\n=b\r\nhello\r\n0\r\n\r\n",
    b" 5\r\nhello\r\n0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n", b"+5\r\nhello\r\n0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n",
    b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n", b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    b"00000000000000000000005\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloX\r\n0\r\n\r\n", b"5\rhello\r\n0\r\n\r\n",
    b"5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n", b"5\r\nhello\r\n0\r\nContent-Length: 3\r\n\r\n", b"5\r\nhello\r\n0\r\n\n",
    b"5\r\nhello\r\n0\n\r\n", b"5\r\nhello\r\n0\r\n \r\n\r\n", b"\r\n5\r\nhello\r\n0\r\n\r\n",
    b"5;" + b"x" * 300 + b"\r\nhello\r\n0\r\n\r\n", b"5\x00\r\nhello\r\n0\r\n\r\n", b"g\r\nhello\r\n0\r\n\r\n",
    b"5,\r\nhello\r\n0\r\n\r\n", b"5;a=\"\r\nhello\"\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\n" + SMUGGLED]
LINES = [
    b"GET @/x\r\n", b"GET @/x HTTP/0.9\r\n", b"GET @/x HTTP/2.0\r\n", b"GET @/x HTTP/1.10\r\n",
    b"GET @/x HTTP/01.1\r\n", b"GET @/x http/1.1\r\n", b"GET @/x HTTP/1.1 \r\n", b"GET @/x  HTTP/1.1\r\n",
    b"GET  @/x HTTP/1.1\r\n", b" GET @/x HTTP/1.1\r\n", b"GET\t@/x\tHTTP/1.1\r\n", b"GET @/x HTTP/1.1\n",
    b"GET @/x HTTP/1.1\r", b"GET @/x\x00 HTTP/1.1\r\n", b"GET @/x\xff HTTP/1.1\r\n", b"GET @/x#f HTTP/1.1\r\n",
    b"GET @/x?a b HTTP/1.1\r\n", b"G(T @/x HTTP/1.1\r\n", b"GET localhost@/x HTTP/1.1\r\n",
    b"GET ftp://localhost@/x HTTP/1.1\r\n", b"GET https://other@/x HTTP/1.1\r\n", b"GET https://localhost:1@/x HTTP/1.1\r\n",
    b"CONNECT localhost:443 HTTP/1.1\r\n", b"GET * HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n", b"\n\nGET @/x HTTP/1.1\r\n",
    b"\r\n" * 20 + b"GET @/x HTTP/1.1\r\n", b"A" * 40 + b" @/x HTTP/1.1\r\n", b"GET @/x HTTP/1.1\r\n: v\r\n",
    b"GET @/x HTTP/1.1\r\nnocolon\r\n", b"GET @/x HTTP/1.1\r\nX Y: z\r\n", b"GET @/x HTTP/1.1\r\nX\t: z\r\n",
    b"GET @/x HTTP/1.1\r\nA: b\r\n\tfold\r\n", b"GET @/x HTTP/1.1\r\n fold\r\n", b"GET @/x HTTP/1.1\r\n\"X\": y\r\n",
    b"GET @/x HTTP/1.1\r\n\xc3\xa9: y\r\n", b"GET @/x HTTP/1.1\r\n\x0bX: y\r\n", b"GET @/x HTTP/1.1\r\nX\x00: y\r\n",
    b"GET @/x HTTP/1.1\r\nX: a\x00b\r\n", b"GET @/x HTTP/1.1\r\nX: a\x7fb\r\n", b"GET @/x HTTP/1.1\r\nX: a\rb\r\n",
    b"GET @/x HTTP/1.1\r\nX: a\nb: c\r\n", b"GET @/x HTTP/1.1\r\nConnection: cmg-client-id\r\n",
    b"GET @/x HTTP/1.1\r\nConnection: client-cert, x-forwarded-for\r\n"]
HOSTS = [
    b"", b"Host:\r\n", b"Host: a b\r\n", b"Host: a,b\r\n", b"Host: localhost, other\r\n", b"Host: u@localhost\r\n",
    b"Host: localhost:99999\r\n", b"Host: localhost:x\r\n", b"Host: localhost/x\r\n", b"Host: [::1\r\n", b"Host: \xe9\r\n",
    b"Host: %6cocalhost\r\n", b"Host: localhost:80:80\r\n", b"Host: localhost\x00\r\n", b"Host: localhost\r\n\tother\r\n",
    HOST + HOST, HOST + b"host: other\r\n", b"Host : localhost\r\n"]

BROKEN = {
    "codings beside a length": [post(b"Content-Length: %d\r\n" % (5 + len(SMUGGLED)) + c + b"\r\n", b"0\r\n\r\n" + SMUGGLED)
                                for c in CODINGS + CLEAN_CODINGS],
    "codings before a length": [post(c + b"\r\nContent-Length: 4\r\n", b"%x\r\n" % len(SMUGGLED) + SMUGGLED + b"\r\n0\r\n\r\n")
                                for c in CODINGS + CLEAN_CODINGS],
    "codings alone": [post(c + b"\r\n", b"0\r\n\r\n" + SMUGGLED) for c in CODINGS],
    "coding of an old version": [get(b"Transfer-Encoding: chunked\r\n", b"POST " + P + b"/x HTTP/1.0\r\n") + b"0\r\n\r\n" + SMUGGLED],
    "lengths": [post(b"Content-Length: " + n + b"\r\n", b"abcdef" + SMUGGLED) for n in LENGTHS],
    "chunks": [post(b"Transfer-Encoding: chunked\r\n", c + SMUGGLED) for c in CHUNKS],
    "lines": [get(line=line.replace(b"@", P)) + SMUGGLED for line in LINES],
    "hosts": [get(host=host) + SMUGGLED for host in HOSTS],
}


def exchange(port, ctx, data, piece=None):
    """Everything that comes back until the other side closes."""
    with gatewayclient.connect(port, ctx) as tls:
        try:
            for at in range(0, len(data), piece or len(data)):
                tls.sendall(data[at:at + (piece or len(data))])
        except OSError:
            pass  # closed in the middle: the answer may still be there
        got = b""
        while True:
            try:
                some = tls.recv(65536)
            except ConnectionResetError:
                return got
            if not some:
                return got
            got += some


def statuses(answer):
    return [int(n) for n in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def assert_all_refused(port, ctx, cases, piece=None):
    for case in cases:
        answer = exchange(port, ctx, case, piece)  # comes to its end: the connection was closed
        assert len(statuses(answer)) == 1 and statuses(answer)[0] in (400, 501, 505), (case, answer)


@pytest.mark.parametrize("what", BROKEN)
def test_requests_that_two_servers_could_read_in_two_ways_end_the_connection(site, inside, what):
    assert_all_refused(site.port, good(site, gatewayclient.HTTP1), BROKEN[what])
    # A broken body is found after the head went on: then the request never becomes whole inside.
    assert [r for r in inside.requests() if r["status"] != 400] == []
    assert what == "chunks" or inside.requests() == []


def test_the_same_attacks_byte_by_byte(site):
    cases = [case for what in BROKEN for case in BROKEN[what][:3]]
    assert_all_refused(site.port, good(site, gatewayclient.HTTP1), cases, piece=1)


def test_a_management_point_refuses_them_itself(site):
    before = site.access_log()
    port = int(site.report["mp_urls"]["https"].rsplit(":", 1)[1])
    ctx = gatewayclient.context(site.report["ca"])
    for what in ("codings alone", "lengths", "lines", "hosts"):
        assert_all_refused(port, ctx, [case.replace(P, b"/SMS_MP") for case in BROKEN[what]])
    assert not any("smuggled" in line for line in site.access_log()[len(before):])


def test_pipelined_requests_with_bodies_reach_the_server_whole_and_in_order(site, inside):
    last = b"GET " + P + b"/last HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    hidden = SMUGGLED.replace(b"X-Smuggled: 1\r\n", b"")  # as a body it is welcome
    data = (post(b"Content-Length: 06\r\n", b"abcdef") + post(b"Transfer-Encoding: chunked\r\n", b"5;a=b\r\nhello\r\n00;x\r\n\r\n") +
            post(b"Content-Length: %d\r\n" % len(hidden), hidden) + get(b"Content-Length: 3\r\n") + b"abc" +
            b"\r\n" + get(line=b"GET https://LOCALHOST" + P + b"/absolute HTTP/1.1\r\n") +
            post(b"Content-Length: 0\r\n", b"") + last)
    for piece in (None, 7):
        inside.mark()
        assert statuses(exchange(site.port, good(site, gatewayclient.HTTP1), data, piece)) == [200] * 7
        seen = inside.requests(7)
        assert [r["line"].split()[1] for r in seen] == ["/x"] * 4 + ["/absolute", "/x", "/last"]
        assert [r["body"] for r in seen] == ["abcdef", "hello", hidden.decode(), "abc", "", "", ""]
        assert [(r["length"], r["coding"]) for r in seen[:3]] == [("6", ""), ("", "chunked"), (str(len(hidden)), "")]


@pytest.mark.parametrize("path", [b"/nowhere", P + b"/early"])
@pytest.mark.parametrize("fields, body", [(b"Content-Length: %d\r\n" % len(SMUGGLED), SMUGGLED),
                                          (b"Transfer-Encoding: chunked\r\n", b"%x\r\n" % len(SMUGGLED) + SMUGGLED + b"\r\n0\r\n\r\n")],
                         ids=["counted", "chunked"])


def test_the_body_of_a_request_that_was_refused_early_is_no_request(site, inside, path, fields, body):
    last = get(b"Connection: close\r\n", b"GET " + P + b"/after HTTP/1.1\r\n")
    answer = exchange(site.port, good(site, gatewayclient.HTTP1), get(fields, b"POST " + path + b" HTTP/1.1\r\n") + body + last)
    assert statuses(answer) in ([404, 200], [403, 200], [403])  # nginx may have closed before the body was read
    assert {r["line"].split()[1] for r in inside.requests()} <= {"/early", "/after"}


def test_a_body_that_is_too_large_is_no_request_either(site, inside):
    filler = (b"POST " + P + b"/in-body HTTP/1.1\r\n" + HOST + b"\r\n") * 2000
    for fields, body in ((b"Content-Length: %d\r\n" % len(filler), filler),
                         (b"Transfer-Encoding: chunked\r\n", b"%x\r\n" % len(filler) + filler + b"\r\n0\r\n\r\n")):
        answer = exchange(site.port, good(site, gatewayclient.HTTP1), post(fields + b"Connection: close\r\n", body))
        assert statuses(answer) == [413]
    assert "/in-body" not in [r["line"].split()[1] for r in inside.requests()]


def test_fields_that_look_like_framing_or_identity_stay_outside(site, inside):
    odd = b"Content_Length: 100\r\nTransfer_Encoding: chunked\r\nCMG_Client_Id: forged\r\nCMG-Client-Id: forged\r\n"
    exchange(site.port, good(site, gatewayclient.HTTP1), post(odd + b"Content-Length: 2\r\nConnection: close\r\n", b"ab"))
    (seen,) = inside.requests(1)
    assert (seen["length"], seen["coding"], seen["body"]) == ("2", "", "ab") and "forged" not in seen["id"]


# --- HTTP/2 -----------------------------------------------------------------------------------------------------------

OPEN = headers(1, head(method="POST"), 4)  # a request whose body is still to come


MALFORMED = {  # RFC 9113 8.2, 8.3: the stream alone ends
    **{f"field {name!r}: {value!r}": headers(1, head((name, value))) for name, value in [
        ("X-Upper", "a"), ("connection", "close"), ("keep-alive", "x"), ("te", "gzip"), ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"), ("proxy-connection", "x"), ("x", "a\r\nX-Smuggled: 1"), ("x", "a\nb"), ("x", "a\0b"), ("x", " a"),
        ("x", "a "), ("", "x"), ("x: 1\r\ny", "z"), ("x y", "z"), ("a:b", "c"), (":path", "/z"), (":foo", "x"),
        (":status", "200"), ("content-length", "5"), ("content-length", "abc"), ("content-length", "+0"),
        ("content-length", "0, 0"), ("content-length", "-1"), ("host", "other"), ("host", "localhost, other")]},
    "two lengths": headers(1, head(("content-length", "0"), ("content-length", "0"))),
    "two hosts": headers(1, head(("host", "localhost"), ("host", "localhost"))),
    "a late pseudo-field": headers(1, head(("x", "y"), (":path", "/z"))),
    "101 fields": headers(1, head(*[(f"x{n}", "a") for n in range(101)])),
    **{f"method {m!r}": headers(1, head(method=m)) for m in ("", "G T", "GET /smuggled HTTP/1.1\r\nX-Smuggled: 1", "GET\0",
                                                             "CONNECT", "A" * 33)},
    **{f"path {p!r}": headers(1, head(path=p)) for p in (
        "", "x", "*", "/a b", "/a HTTP/1.1\r\nX-Smuggled: 1", "/a#b", "/a\0", "/a\x7f", "/\xff", PATH + "/../x",
        PATH + "/%2e%2e/x", PATH + "/x%2f../y")},
    **{f"authority {a!r}"[:40]: headers(1, head(authority=a)) for a in (
        "", "a b", "u@localhost", "localhost:99999", "a,b", "localhost\r\nX: y", "a" * 300, "\xe9", "localhost/x")},
    **{f"scheme {s!r}": headers(1, head(scheme=s)) for s in ("", "ftp", "https://x", "https\r\n")},
    **{f"no {name}": headers(1, [f for f in head() if f[0] != name]) for name in (":method", ":scheme", ":path", ":authority")},
    "extended CONNECT": headers(1, [(":protocol", "websocket"), *head(method="CONNECT")]),
    "less than announced": headers(1, head(("content-length", "5"), method="POST"), 4) + frame(DATA, 1, 1, b"abc"),
    "more than announced": headers(1, head(("content-length", "3"), method="POST"), 4) + frame(DATA, 1, 1, b"abcde"),
    "trailers without end": OPEN + frame(DATA, 0, 1, b"abc") + frame(HEADERS, 4, 1, block([("x", "y")])),
    "trailers": OPEN + frame(DATA, 0, 1, b"abc") + frame(HEADERS, 5, 1, block([("x", "y")])),
    "trailers that are a head": OPEN + frame(HEADERS, 5, 1, block([(":path", "/y")])),
    "a window that overflows": OPEN + frame(WINDOW, 0, 1, u32(2**31 - 1)),
    "an empty head": frame(HEADERS, 5, 1),
}


def test_a_malformed_request_ends_its_stream_alone(site, inside):
    for what, data in MALFORMED.items():
        with Raw(site) as raw:
            outcome = raw.send(data).outcome(1)
            assert outcome and outcome in (("reset", PROTOCOL), ("reset", FLOW), ("status", 400), ("status", 404),
                                           ("status", 431), ("status", 501)), (what, outcome, raw.frames)
            assert raw.send(headers(3, head())).outcome(3) == ("status", 200), what
    assert {r["line"].split()[0] for r in inside.requests() if r["status"] == 200} == {"GET"}  # none of the POSTs


BROKEN_SESSIONS = {
    "DATA on an idle stream": (frame(DATA, 1, 1, b"x"), PROTOCOL), "DATA on stream 0": (frame(DATA, 1, 0, b"x"), PROTOCOL),
    "HEADERS on stream 0": (frame(HEADERS, 5, 0, block(head())), PROTOCOL), "an even stream": (headers(2, head()), PROTOCOL),
    "DATA after the end": (headers(1, head()) + frame(DATA, 1, 1, b"x"), CLOSED),
    "HEADERS after the end": (headers(1, head()) + headers(1, head()), CLOSED),
    "a stream that depends on itself": (frame(HEADERS, 0x25, 1, struct.pack(">IB", 1, 10) + block(head())), PROTOCOL),
    "PRIORITY of 4 bytes": (OPEN + frame(PRIORITY, 0, 1, b"abcd"), SIZE),
    "padding longer than HEADERS": (frame(HEADERS, 0xd, 1, b"\xff" + block(head())), PROTOCOL),
    "padding longer than DATA": (OPEN + frame(DATA, 9, 1, b"\x05abc"), PROTOCOL),
    "a window of 0": (frame(WINDOW, 0, 0, u32(0)), PROTOCOL), "a stream's window of 0": (OPEN + frame(WINDOW, 0, 1, u32(0)), PROTOCOL),
    "the window overflows": (frame(WINDOW, 0, 0, u32(2**31 - 1)) * 2, FLOW),
    "a window for an idle stream": (frame(WINDOW, 0, 1, u32(1)), PROTOCOL), "a window of 3 bytes": (frame(WINDOW, 0, 0, b"abc"), SIZE),
    "SETTINGS of 5 bytes": (frame(SETTINGS, 0, 0, b"abcde"), SIZE), "an ACK that says something": (frame(SETTINGS, 1, 0, b"abcdef"), SIZE),
    "SETTINGS on a stream": (frame(SETTINGS, 0, 1), PROTOCOL), "ENABLE_PUSH 2": (frame(SETTINGS, 0, 0, struct.pack(">HI", 2, 2)), PROTOCOL),
    "INITIAL_WINDOW_SIZE 2^31": (frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 2**31)), FLOW),
    "MAX_FRAME_SIZE 100": (frame(SETTINGS, 0, 0, struct.pack(">HI", 5, 100)), PROTOCOL),
    "MAX_FRAME_SIZE 2^24": (frame(SETTINGS, 0, 0, struct.pack(">HI", 5, 2**24)), PROTOCOL),
    "PING of 7 bytes": (frame(PING, 0, 0, b"1234567"), SIZE), "PING on a stream": (frame(PING, 0, 1, b"12345678"), PROTOCOL),
    "RST of an idle stream": (frame(RST, 0, 1, u32(8)), PROTOCOL), "RST of stream 0": (frame(RST, 0, 0, u32(8)), PROTOCOL),
    "GOAWAY on a stream": (frame(GOAWAY, 0, 1, bytes(8)), PROTOCOL), "GOAWAY of 7 bytes": (frame(GOAWAY, 0, 0, bytes(7)), SIZE),
    "a push": (frame(PUSH, 4, 1, u32(2) + block(head())), PROTOCOL), "CONTINUATION of nothing": (frame(CONTINUATION, 4, 1, block(head())), PROTOCOL),
    "DATA inside a head": (frame(HEADERS, 1, 1, block(head())[:20]) + frame(DATA, 0, 1, b"x"), PROTOCOL),
    "another stream's CONTINUATION": (frame(HEADERS, 1, 1, block(head())[:20]) + frame(CONTINUATION, 4, 3, block(head())[20:]), PROTOCOL),
    "a frame too large": (OPEN + frame(DATA, 0, 1, b"x" * 16385), SIZE), "a length of 2^24-1": (b"\xff\xff\xff" + bytes(5) + b"\1", SIZE),
    "index 0": (frame(HEADERS, 5, 1, b"\x80"), COMPRESSION), "index 254": (frame(HEADERS, 5, 1, b"\xff\x7f"), COMPRESSION),
    "a table size above ours": (frame(HEADERS, 5, 1, b"\x3f\xff\xff\xff\x7f" + block(head())), COMPRESSION),
    "a late table size": (frame(HEADERS, 5, 1, block(head()) + b"\x20"), COMPRESSION),
    "an index that overflows": (frame(HEADERS, 5, 1, b"\xff" * 21), COMPRESSION),
    "Huffman's EOS": (frame(HEADERS, 5, 1, block(head()) + b"\0\x01a\x84\xff\xff\xff\xff"), COMPRESSION),
    "a head cut short": (frame(HEADERS, 5, 1, block(head())[:-3]), COMPRESSION),
}


def test_a_broken_session_ends_with_its_error(site, inside):
    for what, (data, code) in BROKEN_SESSIONS.items():
        with Raw(site) as raw:
            assert raw.send(data).outcome(-1) == ("goaway", code), (what, raw.frames)
    # What had begun well when the session broke may have reached the server inside, where it breaks off as well.
    assert [r for r in inside.requests() if r["line"].split()[0] != "GET" and r["status"] != 400] == []


@pytest.mark.parametrize("preface", [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", PREFACE[:-2] + b"xx" + frame(SETTINGS, 0, 0),
                                     PREFACE + frame(PING, 0, 0, b"12345678"), PREFACE + frame(SETTINGS, 1, 0)],
                         ids=["HTTP/1.1", "a broken one", "PING first", "an ACK first"])


def test_a_preface_that_is_none_ends_the_connection(site, preface):
    with Raw(site, preface) as raw:
        raw.until(lambda: False)
        assert raw.closed and raw.statuses == {}


def test_unusual_but_right_sessions_are_served(site, inside):
    fields = head(("host", "localhost"), ("te", "trailers"), ("cookie", ""), ("cookie", "a=1"), ("cookie", "b=2"), ("cookie", ""))
    whole = block(fields)
    with Raw(site) as raw:
        raw.send(frame(0x77, 0xff, 77, b"zzz") + frame(SETTINGS, 0, 0, struct.pack(">HIHI", 0xff, 1, 1, 2**32 - 1)))
        raw.send(frame(HEADERS, 1, 1, whole[:9]) + b"".join(frame(CONTINUATION, 0, 1, whole[n:n + 40]) for n in range(9, len(whole), 40)) +
                 frame(CONTINUATION, 4, 1))
        assert raw.outcome(1) == ("status", 200)
    assert inside.requests(1)[0]["cookie"] == "a=1; b=2"


def test_a_body_over_http2_is_no_request_behind_it(site, inside):
    with Raw(site) as raw:
        assert raw.send(OPEN + frame(DATA, 1, 1, b"0\r\n\r\n" + SMUGGLED)).outcome(1) == ("status", 200)
    assert [r["body"] for r in inside.requests(1)] == ["0\r\n\r\n" + SMUGGLED.decode()]


def streams(make):
    """Rounds of 100 streams each, for a flood."""
    return lambda n: b"".join(make(2 * (100 * n + i) + 1) for i in range(100))


BOMB = b"\x40\x01x" + number(4000, 7) + b"z" * 4000  # one entry that fills the table
FLOODS = {
    "PING": lambda _: frame(PING, 0, 0, b"12345678") * 100,
    "SETTINGS": lambda _: frame(SETTINGS, 0, 0) * 100,
    "long SETTINGS": lambda _: frame(SETTINGS, 0, 0, struct.pack(">HI", 1, 4096) * 2000),
    "a window that flips": lambda n: frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 65535 * (n % 2))) * 10,
    "WINDOW_UPDATE": lambda _: frame(WINDOW, 0, 0, u32(1)) * 100,
    "rapid reset": streams(lambda s: headers(s, head()) + frame(RST, 0, s, u32(8))),
    "resets that we are made to send": streams(lambda s: headers(s, head(("connection", "x")))),
    "bodies that break their length": streams(lambda s: headers(s, head(("content-length", "1"), method="POST"), 4) + frame(DATA, 1, s, b"xx")),
    "more streams than allowed": streams(lambda s: headers(s, head(method="POST"), 4)),
    "empty CONTINUATION": lambda n: (frame(HEADERS, 1, 1, b"") if n == 0 else b"") + frame(CONTINUATION, 0, 1) * 100,
    "long CONTINUATION": lambda n: frame(CONTINUATION if n else HEADERS, 0, 1, block([("x", "y" * 16000)])),
    "empty DATA": lambda n: (OPEN if n == 0 else b"") + frame(DATA, 0, 1) * 100,
    "a HPACK bomb": lambda n: frame(HEADERS, 5, 2 * n + 1, block(head()) + (BOMB if n == 0 else b"") + b"\xbe" * 12000),
    "refusals that nobody reads": streams(lambda s: headers(s, head(path="/nowhere"))),
}
# Rounds, unless the connection ends before. What is not read fills the machine's own buffers first: who began to read when
# the gateway was not there yet would be one who reads.
ROUNDS, ROUNDS_UNREAD = 300, 10000


@pytest.mark.parametrize("what", FLOODS)
def test_a_flood_ends_its_connection_and_disturbs_nobody(site, what):
    pid = site.pid("cmg-gateway")
    before = memory_kib(pid)
    with Raw(site) as raw:
        for n in range(ROUNDS_UNREAD if "nobody reads" in what else ROUNDS):
            if raw.closed:
                break
            raw.send(FLOODS[what](n))
        canary(site)
        raw.until(lambda: raw.goaway() is not None)
        raw.until(lambda: False)
        ends = {None, CALM, PROTOCOL, COMPRESSION, INTERNAL}  # None: it left unread
        if "refusals" in what:  # the address may be refused too often by then, which is no fault of HTTP/2
            ends.add(NO_ERROR)
        assert raw.closed and raw.goaway() in ends
    if not sanitized(pid):
        assert memory_kib(pid) - before < 32 * 1024


# --- TLS --------------------------------------------------------------------------------------------------------------


def sized(width, data):
    return len(data).to_bytes(width, "big") + data


def records(kind, data, size=16384):
    return b"".join(bytes([kind]) + b"\3\1" + sized(2, data[n:n + size]) for n in range(0, len(data), size))


def extension(kind, data):
    return kind.to_bytes(2, "big") + sized(2, data)


def server_name(name):
    return extension(0, sized(2, b"\0" + sized(2, name)))


def protocols(*names):
    return extension(16, sized(2, b"".join(sized(1, n) for n in names)))


GROUPS, ALGORITHMS = extension(10, sized(2, b"\0\x17\0\x1d")), extension(13, sized(2, b"\4\3\x08\4\4\1"))
USUAL = server_name(b"localhost") + GROUPS + ALGORITHMS


def hello_bytes(version=0x0303, suites=b"\xc0\x2b\xc0\x2f", extensions=USUAL, compression=b"\0"):
    body = version.to_bytes(2, "big") + b"r" * 32 + sized(1, b"") + sized(2, suites) + sized(1, compression) + sized(2, extensions)
    return b"\1" + sized(3, body)


def hello(**more):
    return records(22, hello_bytes(**more))


ALERTS = {  # → the alert's number; two where OpenSSL 3.0 and 3.5 differ
    "SSL 3.0": (hello(version=0x0300, suites=b"\0\x2f"), 40),
    "TLS 1.0": (hello(version=0x0301, suites=b"\xc0\x13\0\x2f"), 70), "TLS 1.1": (hello(version=0x0302, suites=b"\xc0\x13\0\x2f"), 70),
    "a fallback": (hello(version=0x0302, suites=b"\xc0\x2b\x56\0"), 70),
    "CBC": (hello(suites=b"\xc0\x13\xc0\x14\xc0\x23\xc0\x09"), 40), "RSA key exchange": (hello(suites=b"\0\x9c\0\x9d"), 40),
    "NULL, export, RC4, anonymous": (hello(suites=b"\0\0\0\1\0\4\0\x18\xc0\x19"), 40), "no suites": (hello(suites=b""), None),
    "compression alone": (hello(compression=b"\1"), (47, 50)), "a name of 60 kB": (hello(extensions=server_name(b"a" * 60000) + GROUPS + ALGORITHMS), 112),
    "a NUL in the name": (hello(extensions=server_name(b"local\0host") + GROUPS + ALGORITHMS), 112),
    "two names": (hello(extensions=server_name(b"a") + USUAL), 47), "no common protocol": (hello(extensions=protocols(b"spdy/3") + USUAL), 120),
    "6,000 protocols": (hello(extensions=protocols(*[b"p%d" % n for n in range(6000)]) + USUAL), 120),
    "an empty protocol": (hello(extensions=protocols(b"") + USUAL), 50), "a broken list": (hello(extensions=extension(16, b"\0\5\3ab") + USUAL), 50),
    "a tunnel of TLS 1.2": (hello(extensions=protocols(b"rh2") + USUAL), 70), "broken extensions": (hello(extensions=b"\0\0\xff\xffx"), 50),
    "a hello of 16 MB": (b"\x16\3\1\x40\0\1\xff\xff\xff\3\3" + b"x" * 16378, 47), "empty records": (b"\x16\3\1\0\0" * 2000, 10),
    "a record too long": (b"\x16\3\1\xff\xff" + b"x" * 65535, 22), "ChangeCipherSpec first": (b"\x14\3\3\0\1\1" * 100, 10),
    "data first": (records(23, b"x" * 100), 10), "a flood of alerts": (b"\x15\3\3\0\2\1\x5a" * 5000, 10), "a heartbeat": (b"\x18\3\2\0\3\1\x40\0", None),
    "garbage": (bytes(range(256)) * 16, None), "HTTP without TLS": (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", None),
    "SSL 2": (b"\x80\x2e\1\0\2\0\x15\0\0\0\x10" + b"\1\0\x80" * 7 + b"c" * 16, None),
}


def bare_exchange(port, data, half_close=False):
    """All that comes until the other side closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as bare:
        got = b""
        try:
            bare.sendall(data)
            if half_close:
                bare.shutdown(socket.SHUT_WR)
            while some := bare.recv(65536):
                got += some
        except ConnectionError:
            pass
        return got


def test_what_is_no_tls_of_today_gets_an_alert_and_the_end(site):
    for what, (data, alert) in ALERTS.items():
        got = bare_exchange(site.port, data)
        assert got == b"" or (got[0] == 0x15 and len(got) == 7 and got[5] == 2), (what, got)
        assert alert is None or got[6:] in [bytes([number]) for number in (alert if isinstance(alert, tuple) else (alert,))], (what, got)


def test_a_hello_cut_short_ends_in_peace(site):
    for cut in (1, 5, 6, 40, -1):
        assert bare_exchange(site.port, hello()[:cut], half_close=True) == b""


def test_a_hello_of_records_of_one_byte_is_answered(site):
    with socket.create_connection(("127.0.0.1", site.port), timeout=5) as bare:
        for record in [records(22, hello_bytes(), 1)[n:n + 6] for n in range(0, 6 * len(hello_bytes()), 6)]:
            bare.sendall(record)
        assert bare.recv(1) == b"\x16"


def test_renegotiation_is_declined(site):
    done = subprocess.run(["openssl", "s_client", "-connect", f"localhost:{site.port}", "-tls1_2", "-CAfile", site.report["ca"]],
                          input="R\n", capture_output=True, text=True, timeout=20, check=False)
    assert "no renegotiation" in done.stderr and done.returncode != 0


def test_chains_of_any_length_do_no_harm(site, self_signed, tmp_path):
    """Up to the 100 kB that OpenSSL takes the request is answered, above it the handshake ends."""
    pem = open(self_signed.client()["certificate"], "rb").read()
    for count in (10, 100, 1000):
        chain = tmp_path / f"{count}.pem"
        chain.write_bytes(pem * count)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            ctx = gatewayclient.context(site.report["ca"], chain, self_signed.client()["key"])
            ctx.maximum_version = version
            try:
                answer = gatewayclient.send_raw(site.port, ctx, get())
            except OSError:
                assert count == 1000
            else:
                assert answer.status == 401 and count < 1000


@pytest.mark.parametrize("count", [5, 40])
def test_a_refusal_is_reached_once_a_connection(site, tmp_path, count):
    """However many certificates of one name were sent, and however often is asked: by path, and by any token."""
    device = pki.Ca(tmp_path, "X").device("stranger").client()
    ctx = gatewayclient.context(site.report["ca"], heap_of_certificates(tmp_path, device, count), device["key"])
    before = site.metric("cmg_verdicts_computed_total")
    with gatewayclient.H1(site.port, ctx) as connection:
        for target in ["/CCM_Proxy_MutualAuth/ServiceMetadata"] * 3:
            answer = connection.request("GET", target, host=f"localhost:{site.port}")
            assert answer.status == 401, answer
        answer = connection.request("GET", "/CCM_Proxy_ServerAuth/ServiceMetadata", [("Authorization", "Bearer x.y.z")],
                                    host=f"localhost:{site.port}")
        assert answer.status == 401, answer
    assert site.metric("cmg_verdicts_computed_total") - before <= 2  # the certificate, and the token
    canary(site)


@pytest.mark.parametrize("count", [5, 40])
def test_a_management_point_judges_long_chains_beside_its_loop(site, ca, tmp_path, count):
    """And gives the same verdict, at each request of the connection."""
    port = int(site.report["mp_urls"]["https"].rsplit(":", 1)[1])
    stranger = pki.Ca(tmp_path, "X").device("stranger")
    for device, status in ((ca.device(f"direct-{count}"), 403), (stranger, 401)):  # 403: it is not registered
        heap = heap_of_certificates(tmp_path, device.client(), count, ca.name)
        ctx = gatewayclient.context(site.report["ca"], heap, device.key)
        with gatewayclient.H1(port, ctx) as connection:
            for _ in range(3):
                answer = connection.request("GET", "/SMS_MP/.sms_pol?MACHINE", host=f"localhost:{port}")
                assert answer.status == status, answer


def test_a_management_point_reaches_one_verdict_a_connection_until_something_else_is_trusted(own_site, tmp_path):
    """Acceptance and refusal alike, however often is asked."""
    site = own_site
    site.stop("cmg-mp")
    configuration = site.folder / "mp.yaml"
    configuration.write_text(re.sub(r"level: \w+", "level: debug", configuration.read_text()))
    site.run("cmg-mp")
    until("the site answers", lambda: site.cmg("status", check=False)[0] == 0, 15)
    root, port = pki.Ca(tmp_path, "Of one verdict"), int(site.report["mp_urls"]["https"].rsplit(":", 1)[1])
    site.cmg("trust", "add", "--anchor", root.path, "--crl", root.crl())

    def judged():
        return (site.folder / "mp.log").read_text().count("a certificate was judged")
    for device, status in ((root.device("good"), 403), (pki.Ca(tmp_path, "X", file="x.pem").device("stranger"), 401)):  # 403: not registered
        ctx, before = gatewayclient.context(site.report["ca"], device.path, device.key), judged()
        with gatewayclient.H1(port, ctx) as connection:
            def ask():
                for _ in range(4):
                    answer = connection.request("GET", "/SMS_MP/.sms_pol?MACHINE", host=f"localhost:{port}")
                    assert answer.status == status, answer
            ask()
            assert judged() == before + 1
            other = pki.Ca(tmp_path, f"Beside {status}", file=f"beside-{status}.pem")
            site.cmg("trust", "add", "--anchor", other.path, "--crl", other.crl())
            ask()
            assert judged() == before + 2


@pytest.mark.parametrize("names, status", [(200, 200), (2400, 401)])
def test_a_certificate_of_any_size_passes_or_is_refused_by_name_and_ends_no_tunnel(site, inside, ca, names, status):
    pair = ca.device(f"long-{names}", dns=[f"name-{i:06}.example.com" for i in range(names)])
    tunnels = site.metric("cmg_tunnels")
    for _ in range(3):
        answer = gatewayclient.request(site, gatewayclient.HTTP1, "GET", PATH + "/canary", **pair.client())
        assert answer.status == status, answer
        assert status == 200 or b"too long to be named inside" in answer.body
    canary(site)
    assert site.metric("cmg_tunnels") == tunnels


def key_with_a_giant_exponent():
    """Right, and slow to verify with: as many bits in the public exponent as in the private one."""
    key = rsa.generate_private_key(65537, 2048).private_numbers()
    order = (key.p - 1) * (key.q - 1)
    e = next(n for n in range(2**2040 + 1, 2**2041, 2) if math.gcd(n, order) == 1)
    d = pow(e, -1, order)
    public = rsa.RSAPublicNumbers(e, key.p * key.q)
    return rsa.RSAPrivateNumbers(key.p, key.q, d, d % (key.p - 1), d % (key.q - 1), key.iqmp, public).private_key()


def test_a_key_that_takes_long_to_verify_is_refused_before_it_proves_itself(site, tmp_path):
    """Its proof alone would cost ten milliseconds of a worker: an alert, and no request is read."""
    pair = pki.Ca(tmp_path, "Strangers").device("slow", key=key_with_a_giant_exponent())
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        ctx = gatewayclient.context(site.report["ca"], pair.client()["certificate"], pair.client()["key"])
        ctx.maximum_version = version
        with pytest.raises(ssl.SSLError, match="(?i)bad.certificate"):
            gatewayclient.send_raw(site.port, ctx, get())
    canary(site)


def test_two_thousand_handshakes_at_once_leave_room_for_others(site):
    connections = []
    pid = site.pid("cmg-gateway")
    before = memory_kib(pid)
    try:
        for _ in range(2000):
            bare = socket.create_connection(("127.0.0.1", site.port), timeout=5)
            connections.append(bare)
            bare.sendall(hello())
        canary(site)
        answered = sum(bare.recv(1) == b"\x16" for bare in connections)
        assert answered == 2000
        assert sanitized(pid) or (memory_kib(pid) - before) / 2000 < 64
    finally:
        for bare in connections:
            bare.close()
    until("the handshakes are forgotten", lambda: site.metric("cmg_connections") <= 1, 10)


def test_slow_handshakes_do_not_slow_others(site):
    slow = [socket.create_connection(("127.0.0.1", site.port), timeout=5) for _ in range(50)]
    try:
        for byte in hello()[:40]:
            for bare in slow:
                bare.sendall(bytes([byte]))
        canary(site)
        assert not select.select(slow, [], [], 0)[0]  # none was given up yet
    finally:
        for bare in slow:
            bare.close()


def test_a_client_that_ends_its_direction_after_the_request_is_forgotten(site, inside):
    with gatewayclient.connect(site.port, good(site, gatewayclient.HTTP1)) as tls:
        tls.sendall(get())
        try:
            tls.unwrap()  # close_notify, then whatever the gateway says to it
        except (OSError, ssl.SSLError):
            pass
    until("the connection is forgotten", lambda: site.metric("cmg_connections") <= 1, 10)
