# SPDX-License-Identifier: Apache-2.0
"""Certificates and CRLs octet by octet: what no library agrees to make, hostile collections are full of."""
import datetime
import itertools

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import NameOID

DER = serialization.Encoding.DER


def tlv(tag, content):
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def sequence(*parts):
    return tlv(0x30, b"".join(parts))


def explicit(number, content):
    return tlv(0xa0 | number, content)


def octets(content):
    return tlv(0x04, content)


def bits(content, unused=0):
    return tlv(0x03, bytes([unused]) + content)


def integer(value):
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def oid(dotted):
    first, second, *rest = map(int, dotted.split("."))
    out = b""
    for arc in (first * 40 + second, *rest):
        part = bytes([arc & 0x7f])
        while arc := arc >> 7:
            part = bytes([arc & 0x7f | 0x80]) + part
        out += part
    return tlv(0x06, out)


def time(when):
    """Seconds since 1970 in the form that RFC 5280 4.1.2.5 wants; bytes are taken as they are."""
    if isinstance(when, bytes):
        return when
    t = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=when)
    early = t.year < 2050
    return tlv(0x17 if early else 0x18, t.strftime("%y%m%d%H%M%SZ" if early else "%Y%m%d%H%M%SZ").encode())


def name(text):
    """A common name, a list of (OID, text), or an x509.Name."""
    if isinstance(text, x509.Name):
        return text
    pairs = [(NameOID.COMMON_NAME, text)] if isinstance(text, str) else text
    return x509.Name([attribute(kind, value) for kind, value in pairs])


def attribute(kind, value):
    """Also a value that is longer than its attribute's upper bound (newer libraries refuse to make it)."""
    try:
        return x509.NameAttribute(kind, value)
    except ValueError:
        return x509.NameAttribute(kind, value, _validate=False)


def extension(value, critical=False):
    """Of an x509.ExtensionType, or of (OID, octets)."""
    kind, content = value if isinstance(value, tuple) else (value.oid.dotted_string, value.public_bytes())
    return sequence(oid(kind), b"\x01\x01\xff" if critical else b"", octets(content))


ECDSA = {"SHA256": "1.2.840.10045.4.3.2", "SHA384": "1.2.840.10045.4.3.3", "SHA1": "1.2.840.10045.4.1"}
RSA = {"SHA256": "1.2.840.113549.1.1.11", "SHA1": "1.2.840.113549.1.1.5", "MD5": "1.2.840.113549.1.1.4"}
NULL = b"\x05\x00"


def algorithm(key, digest):
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return sequence(oid(ECDSA[digest]))
    if isinstance(key, rsa.RSAPrivateKey):
        return sequence(oid(RSA[digest]), NULL)
    return sequence(oid("1.3.101.112" if isinstance(key, ed25519.Ed25519PrivateKey) else "2.16.840.1.101.3.4.3.2"))


def sign(key, digest, data):
    md = getattr(hashes, digest)()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(md))
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), md)
    return key.sign(data) if isinstance(key, ed25519.Ed25519PrivateKey) else key.sign(data, md)


def signed(tbs, key, digest, outer=None, twist=lambda signature: signature):
    return sequence(tbs, outer or algorithm(key, digest), bits(twist(sign(key, digest, tbs))))


def parts(whole):
    """The elements within one element."""
    def measure(at):
        size = whole[at + 1]
        if size < 0x80:
            return at + 2, at + 2 + size
        head = at + 2 + (size & 0x7f)
        return head, head + int.from_bytes(whole[at + 2:head], "big")
    at, end = measure(0)
    while at < end:
        _, after = measure(at)
        yield whole[at:after]
        at = after


def resigned(certificate, key, digest):
    """A version 3 certificate (x509) with another digest in its signature: some that no library makes any more."""
    tbs, *_ = parts(certificate.public_bytes(DER))
    version, serial, _, *rest = parts(tbs)
    return x509.load_der_x509_certificate(signed(sequence(version, serial, algorithm(key, digest), *rest), key, digest))


def spki(key):
    return key.public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)


serials = itertools.count(1000)


def certificate(subject, issuer, key, signer, extensions=(), begin=0, end=0, version=2, serial=None, public=None,
                digest="SHA256", inner=None, outer=None, twist=lambda signature: signature, unique=b""):
    """`version` None leaves it out; `serial`, `public`, `inner`, `outer`, `begin` and `end` may be octets of DER."""
    serial = next(serials) if serial is None else serial
    body = (explicit(0, integer(version)) if version is not None else b"",
            serial if isinstance(serial, bytes) else integer(serial), inner or algorithm(signer, digest),
            name(issuer).public_bytes(), sequence(time(begin), time(end)), name(subject).public_bytes(),
            public or spki(key), unique, explicit(3, sequence(*extensions)) if extensions else b"")
    return signed(sequence(*body), signer, digest, outer, twist)


def revocation_list(issuer, signer, entries=(), extensions=(), begin=0, end=0, version=1, digest="SHA256",
                    inner=None, outer=None, twist=lambda signature: signature):
    """`entries`: (serial, extensions). `end` None: no nextUpdate."""
    rows = [sequence(integer(serial) if isinstance(serial, int) else serial, time(begin), sequence(*more) if more else b"")
            for serial, more in entries]
    body = (integer(version) if version is not None else b"", inner or algorithm(signer, digest),
            name(issuer).public_bytes(), time(begin), time(end) if end is not None else b"",
            sequence(*rows) if rows else b"", explicit(0, sequence(*extensions)) if extensions else b"")
    return signed(sequence(*body), signer, digest, outer, twist)
