# SPDX-License-Identifier: Apache-2.0
"""An OCSP responder that means harm, or is broken: it lets nobody in, holds nobody else up and fills no memory."""
import concurrent.futures
import contextlib
import datetime
import gzip
import re
import socket
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from certificates.responder_test import METADATA, verdict, world  # noqa: F401 (a fixture)
from kit import gatewayclient
from kit.gatewayclient import HTTP1
from kit.programs import memory_kib

GONE_S = 30  # so long a hostile one goes on, unless it is hung up on


def der(ca, certificate, by=None, nonce=None):
    """A response that says "good" of it, signed by the CA or by this one."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    builder = ocsp.OCSPResponseBuilder().add_response(certificate, ca.certificate, hashes.SHA1(), ocsp.OCSPCertStatus.GOOD, now,
                                                      now + datetime.timedelta(minutes=5), None, None)
    signer, key = (by.certificate, by.private) if by else (ca.certificate, ca.private)
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer).certificates([signer])
    if nonce:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def whole(body, *fields):
    return b"\r\n".join([b"HTTP/1.1 200 OK", b"Content-Type: application/ocsp-response", b"Content-Length: %d" % len(body), *fields,
                         b"", b""]) + body


def head(*fields):
    return b"\r\n".join([b"HTTP/1.1 200 OK", b"Content-Type: application/ocsp-response", *fields, b"", b""])


def endless(begin, piece, pause=0.0):
    """Until the other side hangs up."""
    def answer(connection, _):
        connection.sendall(begin)
        until = time.monotonic() + GONE_S
        while time.monotonic() < until:
            connection.sendall(piece)
            time.sleep(pause)
    return answer


def said(make):
    return lambda connection, question: connection.sendall(make(question))


CHUNKED = b"Transfer-Encoding: chunked"


def kinds(ca, other, trap):
    """What each hostile one does with a question about `question.certificate`."""
    good = lambda q: der(ca, q)
    redirect = lambda where, status=b"302 Found": said(
        lambda _: b"HTTP/1.1 %s\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, where))
    return {
        "an endless body": endless(head(), b"x" * 65536),
        "endless chunks": endless(head(CHUNKED), b"10000\r\n" + b"x" * 65536 + b"\r\n"),
        "endless fields": endless(b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"y" * 1000 + b"\r\n"),
        "endless interim answers": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
        "endless trailers": endless(head(CHUNKED) + b"0\r\n", b"X-More: " + b"y" * 1000 + b"\r\n"),
        "a byte a second": endless(head(b"Content-Length: 1000"), b"\x30", 1),
        "a head of a byte a second": endless(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x", 1),
        "silence": endless(b"", b"", 1),
        "a length of an exabyte": endless(head(b"Content-Length: 1152921504606846976"), b"x" * 65536),
        "a chunk of 2^64 bytes": endless(head(CHUNKED) + b"ffffffffffffffff\r\n", b"x" * 65536),
        "a chunk of -1 bytes": said(lambda q: head(CHUNKED) + b"-1\r\n" + good(q)),
        "a redirect to itself": redirect(b"/"),
        "a redirect elsewhere": redirect(trap.encode()),
        "a redirect that keeps the method": redirect(trap.encode(), b"308 Permanent Redirect"),
        "a redirect to a file": redirect(b"file:///etc/passwd"),
        "65,537 bytes": said(lambda _: whole(b"\x30" * 65537)),
        "a bomb": said(lambda _: whole(gzip.compress(b"\0" * (64 << 20)), b"Content-Encoding: gzip")),
        "DER of 4 GiB": said(lambda _: whole(b"\x30\x84\xff\xff\xff\xff\x0a\x01\x00")),
        "DER in DER in DER": said(lambda _: whole(b"\x30\x80" * 30000)),
        "nothing": said(lambda _: whole(b"")),
        "half of an answer": said(lambda q: whole(good(q))[:-20]),
        "another certificate's answer": said(lambda _: whole(good(other.certificate))),
        "another nonce": said(lambda q: whole(der(ca, q, nonce=b"0123456789abcdef"))),
        "a device's signature": said(lambda q: whole(der(ca, q, by=other))),
        "an answer with a tail": said(lambda q: whole(good(q) + b"\0" * 10)),
        "tryLater": said(lambda _: whole(ocsp.OCSPResponseBuilder.build_unsuccessful(
            ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(serialization.Encoding.DER))),
        "404 with a good answer": said(lambda q: whole(good(q)).replace(b"200 OK", b"404 Not Found")),
        "WebSocket": said(lambda q: b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + good(q)),
        "HTTP/0.9": said(good),
    }


class Hostile:
    """Does with each certificate what `plans` says of its serial number; `trapped`: those who followed it elsewhere."""

    def __init__(self):
        self.plans, self.trapped = {}, []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.trap = socket.create_server(("127.0.0.1", 0), backlog=128)
        for listener, serve in ((self.listener, self.serve), (self.trap, self.trapped.append)):
            threading.Thread(target=self.accept, args=(listener, serve), daemon=True).start()

    @staticmethod
    def accept(listener, serve):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    def serve(self, connection):
        with connection, contextlib.suppress(OSError):
            data = b""
            while b"\r\n\r\n" not in data:
                data += connection.recv(65536)
            begin, _, body = data.partition(b"\r\n\r\n")
            length = int(re.search(rb"(?i)content-length: (\d+)", begin)[1])
            while len(body) < length:
                body += connection.recv(65536)
            certificate, plan = self.plans[ocsp.load_der_ocsp_request(body).serial_number]
            plan(connection, certificate)

    def close(self):
        self.listener.close()
        self.trap.close()


def url_of(listener):
    return f"http://127.0.0.1:{listener.getsockname()[1]}/"


@pytest.mark.parametrize("via", ["internet", "connector"])
def test_a_hostile_responder_lets_nobody_in_and_holds_nobody_up(site, world, ca, via):  # noqa: F811
    hostile = Hostile()
    w = world(url=url_of(hostile.listener), via=via)
    plans = kinds(w.ca, w.stranger, url_of(hostile.trap))
    devices = {name: w.ca.device(f"hostile-{n}") for n, name in enumerate(plans)}
    for name, device in devices.items():
        hostile.plans[device.certificate.serial_number] = (device.certificate, plans[name])
    hostile.plans[w.good.certificate.serial_number] = (w.good.certificate, said(lambda q: whole(der(w.ca, q))))
    try:
        before = {name: memory_kib(site.pid(name)) for name in ("cmg-gateway", "cmg-connector")}
        with concurrent.futures.ThreadPoolExecutor(len(devices)) as crowd:
            found = {name: crowd.submit(verdict, site, device, HTTP1) for name, device in devices.items()}
            for _ in range(5):
                assert verdict(site, ca.good) == "ok"
                assert gatewayclient.request(site, HTTP1, "GET", METADATA, **ca.good.client()).status == 200
            assert verdict(site, w.good) == "ok", "who is asked about beside them is let in"
            assert {name: f.result(30) for name, f in found.items()} == dict.fromkeys(plans, "ocsp_unavailable")
        assert not hostile.trapped, "redirects are not followed"
        for name, kib_then in before.items():
            assert memory_kib(site.pid(name)) - kib_then < 32 << 10, name
    finally:
        hostile.close()
