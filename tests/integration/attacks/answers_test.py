# SPDX-License-Identifier: Apache-2.0
"""Answers of a management point that nobody takes: how much of its memory they hold."""
import contextlib
import hashlib
import re
import socket
from pathlib import Path

import hpack
from attacks.limits_test import device  # noqa: F401 (a fixture)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from kit import gatewayclient, inside, pki, programs
from kit.frames import HEADERS, PREFACE, SETTINGS, frame, head, headers
from kit.gatewayclient import HTTP2

MIB = 1024 * 1024
POLICY = "/SMS_MP/.sms_pol?MACHINE"


def peak(site):
    """Of the management point's memory, in bytes. AddressSanitizer keeps freed pieces: it is no measure."""
    if "asan" in str(programs.BIN):
        return 0
    status = Path(f"/proc/{site.pid('cmg-mp')}/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status)[1])


@contextlib.contextmanager
def asked(site, show, count, *fields, path):
    """Requests on one HTTP/2 connection whose answers are not taken."""
    port = int(site.report["mp_urls"]["https"].rsplit(":", 1)[1])
    ctx = gatewayclient.context(site.report["ca"], *show, alpn=HTTP2)
    with ctx.wrap_socket(socket.create_connection(("127.0.0.1", port), gatewayclient.WAIT_S), server_hostname="localhost") as tls:
        tls.sendall(PREFACE + frame(SETTINGS, 0, 0, b"\0\4" + bytes(4)))  # SETTINGS_INITIAL_WINDOW_SIZE 0
        for n in range(count):
            tls.sendall(headers(2 * n + 1, head(*fields, path=path)))
        yield tls


def statuses_of(tls, count):
    buffer, decoder, statuses = b"", hpack.Decoder(), []
    while len(statuses) < count:
        piece = tls.recv(65536)
        assert piece, statuses
        buffer += piece
        while len(buffer) >= 9 and len(buffer) >= (end := 9 + int.from_bytes(buffer[:3], "big")):
            if buffer[3] == HEADERS:
                statuses.append(int(dict(decoder.decode(buffer[9:end]))[":status"]))
            buffer = buffer[end:]
    return statuses


def test_a_device_that_takes_no_policy_holds_little_of_a_management_point(own_site, device, tmp_path):  # noqa: F811
    greedy, other = device("greedy"), device("other")
    site_inside = inside.Inside(own_site, tmp_path)
    for one in (greedy, other):
        assert inside.by_pki(site_inside, one).status == 200
    (tmp_path / "large").write_text("x" * (MIB - 1024))
    own_site.cmg("policy", "add", "large", str(tmp_path / "large"))
    before = peak(own_site)
    signed = [(k.lower(), v) for k, v in inside.signature(greedy.private, "GET", POLICY).items()]
    with asked(own_site, (greedy.path, greedy.key), 200, *signed, path=POLICY) as tls:
        assert set(statuses_of(tls, 200)) == {200, 429}
        assert peak(own_site) - before < 64 * MIB
        answer = site_inside.request("https", "GET", POLICY, inside.signature(other.private, "GET", POLICY),
                                     show=(other.path, other.key))
        assert answer.status == 200 and len(answer.body) > MIB


def test_a_device_that_asks_without_end_takes_the_management_points_time_from_nobody(own_site, device, tmp_path):  # noqa: F811
    greedy, other = device("greedy"), device("other")
    site_inside = inside.Inside(own_site, tmp_path)
    for one in (greedy, other):
        assert inside.by_pki(site_inside, one).status == 200
    (tmp_path / "large").write_text("x" * (MIB // 4))
    own_site.cmg("policy", "add", "large", str(tmp_path / "large"))
    signed = [(k.lower(), v) for k, v in inside.signature(greedy.private, "GET", POLICY).items()]
    with asked(own_site, (greedy.path, greedy.key), 4000, *signed, path=POLICY) as tls:
        answer = site_inside.request("https", "GET", POLICY, inside.signature(other.private, "GET", POLICY),
                                     show=(other.path, other.key))
        assert answer.status == 200
        assert statuses_of(tls, 4000).count(200) < 1000


def large_list(root, path, size):
    now = pki.now()
    large = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), bytes(size))
    crl = (x509.CertificateRevocationListBuilder().issuer_name(root.certificate.subject).last_update(now)
           .next_update(now + pki.DAY).add_extension(x509.CRLNumber(1 << 40), False).add_extension(large, False)
           .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.private.public_key()), False))
    path.write_bytes(crl.sign(root.private, hashes.SHA256()).public_bytes(serialization.Encoding.DER))
    return path


def test_a_list_that_is_asked_for_over_and_over_and_not_taken_is_held_once(own_site, tmp_path):
    path = large_list(own_site.ca(tmp_path), tmp_path / "large.crl", 8 * MIB)
    own_site.cmg("trust", "add", "--crl", str(path))
    target = f"/.cmg/crl/{hashlib.sha256(path.read_bytes()).hexdigest()}"
    connector = inside.Inside(own_site, tmp_path)
    before = peak(own_site)
    with asked(own_site, connector.connector, 100, path=target) as tls:
        assert statuses_of(tls, 100) == [200] * 100
        assert peak(own_site) - before < 64 * MIB
        answer = connector.request("https", "GET", target, show=connector.connector)
        assert answer.status == 200 and answer.body == path.read_bytes()
