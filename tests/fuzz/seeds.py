#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a small seed corpus for each fuzz target: seeds.py FOLDER makes FOLDER/<target>/…"""
import datetime
import hashlib
import ipaddress
import json
import struct
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.datetime.fromtimestamp(1800000000, datetime.timezone.utc).replace(tzinfo=None)
DAY = datetime.timedelta(days=1)

REQUESTS = [
    b"GET /a/b?c=d HTTP/1.1\r\nHost: localhost:443\r\nAccept: */*\r\n\r\n",
    b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: b\r\n\r\n",
    b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=\"y\"\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n",
    b"PUT https://a/y HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close, x-y\r\nX-Y: z\r\nContent-Length: 0\r\n\r\n",
    b"OPTIONS * HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"\r\nCCM_POST /x HTTP/1.1\r\nhost: [::1]:80\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    b"GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: h2c, WebSocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    b"GET /x HTTP/1.1\nHost: a\r\n b\r\nX: \x00\r\n\r\n",
]
ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nhi",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2\r\nhi\r\n0\r\nX-T: 1\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.1 304\r\nContent-Length: 100\r\nETag: \"x\"\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n\x81\x02hi",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
]
HEADER = b"name,join,certificate,version,crl,scenario,root,user_sign_in,cmg_allowed\n"
INVENTORIES = [
    HEADER + b"a,domain,pki,2403,ad,device,yes,no,yes\nb,,,,,,,,\n",
    b"\xef\xbb\xbf" + HEADER.replace(b",", b";").replace(b"\n", b"\r\n") + b"\"a;\"\"b\n\";none;no;5.00.8913;none;user;;;\r\n",
    HEADER + b"\"x,none\n=1+1,forest,pki,9999,web,both,?,?,?\nshort,none\n<script>,hybrid,yes,1910,ldap,user,,yes,no\n",
]
TARGETS = ["/", "/CCM_Proxy_MutualAuth/720/SMS_MP/.sms_aut?MPLIST", "/CCM_Proxy_ServerAuth/720", "/a%2fb//c/%2e%2e/d\\e",
           "/a/./b/../c#d?e", "/%00%zz%2", "*"]
JSON = ['{"a":[1,2.5e3,-0,true,false,null,"x\\u00e9\\ud83d\\ude00"],"b":{"c":{}}}', "[[[[[[[[]]]]]]]]", '{"a":1,"a":2}',
        '"\\u0000"', "9223372036854775807", "1e999"]
BUNDLE = {
    "settings": {"crl_check": False, "on_unavailable": "allow", "bundle_max_age": 100, "renewal_grace": 0},
    "anchors_pem": "A", "intermediates_pem": "I", "crls": ["AAEC", "/w=="], "token_keys": {"keys": []},
    "roles": [{"id": "720Ab", "mode": "https", "clients": ["pki", "entra", "token"]}],
    "endpoints": [
        {"id": "720Ab.ccm_sts", "role": "720Ab", "name": "CCM_STS", "auth": ["pki", "token"], "purpose": "sts",
         "methods": ["POST"], "max_body": 65536, "headers": "cmg", "management_point": True},
        {"id": "git", "role": "git", "name": "", "auth": ["pki"], "purpose": "general", "max_body": 1073741824,
         "headers": "puppet", "allow_encoded_slash": True, "answer_s": 120},
        {"id": "apt", "host": "APT.example.com", "auth": ["pki", "token"], "purpose": "general", "headers": "hawkbit",
         "upgrade": "websocket"}],
    "blocks": [{"guid": "6f1c0000-1111-4222-8333-44445555abcd", "spki": ["a" * 64], "certificates": ["b" * 64],
                "tokens": ["jti-1"]}],
    "revoked_roles": [{"kind": "connector", "id": "cp9"}], "connectors": [{"id": "cp1"}], "location": "a.b.c"}
CONNECTOR = {"endpoints": [
    {"id": "git", "url": "https://inside.example:8443/base", "host": "git.example", "anchors_pem": "A", "answer_s": 5},
    {"id": "mp", "url": "http://[::1]/", "mp": "720", "mode": "ehttp", "clients": ["token"]}],
    "gateways": [{"id": "gw1", "host": "gateway.example", "port": 443}]}
CONF = ["mode: ehttp\nworkers: 3\nbody: 1GiB\nwait: 5m\non: yes\nlisten: [a, b]\nfiles:\n  - x\npairs:\n  - certificate: c\n"
        "    key: k\none: {certificate: /abs}\n", "mode: &x https\none: *x\n", "mode: !!str https\n---\nmode: x\n",
        "a: {b: [c, {d: e}]}\n? x\n: y\n", "mode: |\n  https\nworkers: 99999999999999999999\n"]
TEXTS = ["127.0.0.1:443", "[::1]:443", "https://inside.example:8443/base", "a=b&c=%20+d&a", "a=%c3%a9%00", "00ff", "AAEC/w==",
         "AAEC_w", "http://user@host/?q#f"]
SIGNATURE = ("/CCM_STS\nsha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:\ncmg=(\"@method\" \"cmg-target\" \"content-digest\");"
             "created=1800000000;nonce=\"abc\";keyid=\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\";"
             "alg=\"ecdsa-p256-sha256\";tag=\"cmg\"\ncmg=:" + "A" * 86 + "==:")
CLAIMS = {"iss": "urn:opencmg:LAB", "aud": "urn:opencmg:LAB:service", "jti": "1", "iat": 1800000000, "nbf": 1800000000,
          "exp": 1800003600, "sub": "6f1c0000-1111-4222-8333-444455556666",
          "cnf": {"x5t#S256": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}}


def token_seeds():
    for kind, purpose in (("device", 1), ("access", 3), ("bulk", 0), ("user", 3)):
        more = {"act": {"sub": CLAIMS["sub"]}, "user": "u@example"} if kind == "user" else {}
        yield bytes([2 * purpose]) + (json.dumps({"typ": f"cmg-{kind}+jwt"}) + "\n" + json.dumps(CLAIMS | more)).encode()
    yield b"\1eyJhbGciOiJFUzI1NiIsImtpZCI6IngifQ.e30.AAAA"
    yield b"\1cmg1." + b"a" * 64 + b".e30.e30.AA"


# --- HTTP/2 -----------------------------------------------------------------------------------------------------------

# Steps of h2_story.h.
DATA, HEADERS, PRIORITY, RESET, SETTINGS, PROMISE, PING, GOAWAY, UPDATE, CONTINUATION, AGAIN, RAW, LEAVE, ACT, TIME, END = range(16)
WILD = 16
GET, POST, WEBSOCKET, OK, OK_LINES, INFORM, OK_5, BARE = range(8)  # beginnings of heads
HELLO_PATH, LINES = 26, 38
TEXTS_AT = 0x80  # of DATA: 0x81 is a connector's first line, 0x87 a gateway's hello, 0x8b one with 70,000 workers
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def step(kind, *more):
    return bytes([kind, *more])


def head(stream, begin, path=None, lines=(), flags=0):
    where = [] if path is None else [path if isinstance(path, int) else ord(path) - ord("a")]
    return step(HEADERS, flags, stream, begin | len(lines) << 3, *where, *lines)


def raw(data):
    return b"".join(step(RAW, len(data[at:at + 60])) + data[at:at + 60] for at in range(0, len(data), 60))


SHORT_PING = step(PING | WILD, 0, 0, 1, 7)  # 7 octets: what nghttp2 can't read
MANY = step(AGAIN, 7)  # 1,100 times
FAULTS = [SHORT_PING, step(SETTINGS | WILD, 0, 0, 1, 1, 1, 1), step(UPDATE | WILD, 0, 0, 0, 0), step(DATA | WILD, 0, 0, 1, 0),
          step(HEADERS | WILD, 4, 0, 3, 0), step(PRIORITY | WILD, 0, 0, 0, 0, 0, 0, 1, 0), step(CONTINUATION, 4, 1, 7),
          head(9, BARE, lines=[35]), step(GOAWAY | WILD, 0, 0, 0, 0, 1)]
FLOODS = [step(DATA, 0, 1, 0), step(PING, 0, 0, 0), step(PRIORITY, 0, 1, 0, 0, 0, 0, 1), step(UPDATE, 0, 0, 1)]


def two_faults(first):
    """A flood that the session is ended for, and a frame in the same piece that nghttp2 ends it for."""
    for flood in FLOODS:
        for fault in FAULTS:
            yield first + flood + MANY + fault + step(LEAVE)


def h2_server_seeds():
    begin = b"\0\0"
    yield from two_faults(begin + head(1, POST, "p"))
    yield begin + head(1, GET, "n", flags=1) + step(LEAVE) + head(3, POST, "e") + step(DATA, 1, 3, 5) + step(TIME, 2)
    yield begin + head(1, POST, "e") + step(SETTINGS, 0, 0, 1, 4, 0) + step(DATA, 0, 1, 100) + step(RESET, 0, 1, 8)
    yield b"\1\5" + raw(PREFACE + bytes(3) + b"\4" + bytes(5)) + head(1, GET, "b", flags=1) + step(UPDATE, 0, 1, 0xb0)
    for way in "rnbcdalewtfxzyqsuvp":
        for end in (0, 1):
            yield begin + head(1, POST, way, flags=end) + step(DATA, 0, 1, 9) + step(DATA, 1, 1, 9) + SHORT_PING + step(LEAVE)
            yield b"\2\0" + head(1, POST, way, flags=end) + step(DATA, 1, 1, 9) + step(ACT, 8, 0) + step(TIME, 2)
    for line in range(LINES):
        yield b"\2\0" + head(1, POST, "e", [line]) + step(DATA, 0, 1, 5) + head(1, BARE, None, [line], 1) + step(LEAVE)
    yield begin + b"".join(head(n, GET, "p", [28, 31, 31], 1) for n in range(1, 16, 2)) + step(LEAVE) + step(ACT, 15, 0)
    for deed in range(16):
        yield b"\4\0" + head(1, POST, "p") + step(DATA, 0, 1, 9) + step(END, 0) + step(ACT, 0, 0) + step(ACT, deed, 0) + step(
            TIME, 2)
    yield begin + head(1, WEBSOCKET, "w") + step(DATA, 0, 1, 6) + step(GOAWAY, 0, 0, 0, 0) + step(LEAVE) + step(TIME, 4)
    yield begin + head(1, GET, "p", flags=1) + step(ACT, 13, 0) + step(PING, 1, 0, 3) + step(LEAVE) + step(ACT, 7, 0)


def h2_client_seeds():
    begin = b"\0\0\4\26\1\22"  # calls: e, w, b, s
    yield from two_faults(begin + head(1, OK))
    yield begin + head(1, OK) + step(DATA, 1, 1, 100) + head(3, OK_5) + step(DATA, 1, 3, 5) + step(RESET, 0, 5, 7)
    yield begin + head(1, INFORM) + head(1, OK_5) + step(DATA, 0, 1, 5) + head(1, BARE, None, [27], 1) + step(GOAWAY, 0, 0, 3, 0)
    yield begin + step(SETTINGS, 0, 0, 2, 8, 1, 3, 2) + step(LEAVE) + step(ACT, 0, 14) + head(9, OK, flags=1)
    for way in range(26):
        for fault in (b"", SHORT_PING, step(GOAWAY, 0, 0, 0, 0), step(GOAWAY, 0, 0, 0, 1), step(RESET, 0, 1, 7)):
            yield b"\0\0" + bytes([way] * 4) + step(LEAVE) + head(1, INFORM) + head(1, OK) + step(
                DATA, 0, 1, 9) + fault + step(DATA, 1, 1, 9) + step(LEAVE) + step(ACT, 12, 0)
    for line in range(LINES):
        yield begin + head(1, BARE, None, [line]) + head(3, OK, None, [line, line]) + step(DATA, 1, 3, 5)


def tunnel_accept_seeds():
    begin, hello = b"\0\0", head(1, OK_LINES)
    up = begin + hello + step(DATA, 0, 1, TEXTS_AT + 1) + step(LEAVE)
    yield from two_faults(up)
    for text in range(14):
        for end in (0, 1):
            yield begin + hello + step(DATA, end, 1, TEXTS_AT + text) + SHORT_PING + step(LEAVE)
            yield up + step(DATA, end, 1, TEXTS_AT + text) + SHORT_PING + step(LEAVE)
    for way in range(26):
        yield up + step(ACT, 0, way) + head(3, OK) + step(DATA, 1, 3, 9) + step(ACT, 13, 0) + step(DATA, 1, 1, 0) + step(TIME, 2)
    yield up + step(ACT, 0, 1) + step(GOAWAY, 0, 0, 3, 0) + step(DATA, 1, 1, 0) + head(3, OK, flags=1) + step(LEAVE)


def tunnel_dial_seeds():
    begin, hello = b"\0\0", head(1, POST, HELLO_PATH)
    up = begin + hello + step(DATA, 1, 1, TEXTS_AT + 7) + step(LEAVE)
    yield from two_faults(begin + hello)
    for text in range(14):
        yield begin + hello + step(DATA, 1, 1, TEXTS_AT + text) + SHORT_PING + step(LEAVE)
        yield begin + hello + step(DATA, 1, 1, TEXTS_AT + text) + step(GOAWAY, 0, 0, 0, 0) + step(LEAVE)
        yield up + hello + step(DATA, 1, 1, TEXTS_AT + text) + step(TIME, 2) + step(ACT, 0, 0) + head(3, GET, "p", flags=1)
    for way in "rnbcdalewtfxzyqsuvp":
        yield up + step(ACT, 0, 0) + head(3, POST, way) + step(DATA, 1, 3, 9) + SHORT_PING + step(LEAVE)
    yield up + step(ACT, 0, 0) + step(GOAWAY, 0, 0, 0, 0) + step(LEAVE) + step(TIME, 3)
    yield up + step(ACT, 16 + 14, 0) + step(TIME, 2)


# --- PKI --------------------------------------------------------------------------------------------------------------


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, key, issuer, issuer_key, ca):
    builder = (x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer)).public_key(key.public_key())
               .serial_number(1000).not_valid_before(NOW - DAY).not_valid_after(NOW + 365 * DAY)
               .add_extension(x509.BasicConstraints(ca, None), True))
    if ca:
        builder = builder.add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), True)
    else:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False).add_extension(
            x509.SubjectAlternativeName([x509.DNSName("a.example"),
                                         x509.UniformResourceIdentifier("urn:opencmg:LAB:mp:1")]), False)
    return builder.sign(issuer_key, hashes.SHA256())


def crl(issuer, key):
    builder = (x509.CertificateRevocationListBuilder().issuer_name(name(issuer)).last_update(NOW - DAY)
               .next_update(NOW + DAY).add_extension(x509.CRLNumber(1), False))
    for serial in (1000, 2000):
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW - DAY)
            .add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), False).build())
    return builder.sign(key, hashes.SHA256())


def part(kind, data):
    return bytes([kind]) + struct.pack(">H", len(data)) + data


def constrained():
    """A device with names of each form, and a CA that constrains them."""
    key, names = ec.generate_private_key(ec.SECP256R1()), [
        x509.DNSName("*.a.example"), x509.RFC822Name("x@a.example"), x509.UniformResourceIdentifier("https://a.example:8/x?y"),
        x509.IPAddress(ipaddress.ip_address("192.0.2.1"))]
    bases = [x509.DNSName("a.example"), x509.RFC822Name("a.example"), x509.UniformResourceIdentifier(".example"),
             x509.IPAddress(ipaddress.ip_network("192.0.2.0/24"))]
    for extension in (x509.SubjectAlternativeName(names), x509.NameConstraints(bases, [x509.DNSName("b.a.example")])):
        yield (x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(x509.Name([])).public_key(key.public_key())
               .serial_number(1).not_valid_before(NOW - DAY).not_valid_after(NOW + DAY).add_extension(extension, True)
               .add_extension(x509.BasicConstraints(True, None), True).sign(key, hashes.SHA256()))


def pki_seeds():
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root, leaf = certificate("R", root_key, "R", root_key, True), certificate("L", key, "R", root_key, False)
    der = serialization.Encoding.DER
    response = ocsp.OCSPResponseBuilder().add_response(
        leaf, root, hashes.SHA1(), ocsp.OCSPCertStatus.GOOD, NOW - DAY, NOW + DAY, None, None).responder_id(
            ocsp.OCSPResponderEncoding.NAME, root).sign(root_key, hashes.SHA256())
    both = part(1, root.public_bytes(der)) + part(0, leaf.public_bytes(der))
    yield b"\0" + both
    yield b"\1" + both + part(3, crl("R", root_key).public_bytes(der))
    yield b"\1" + both + part(4, response.public_bytes(der))
    yield b"\2" + part(0, leaf.public_bytes(serialization.Encoding.PEM)) + part(2, root.public_bytes(der))
    yield b"\1" + part(3, crl("R", root_key).public_bytes(serialization.Encoding.PEM))
    yield b"\0" + part(0, b"".join(c.public_bytes(serialization.Encoding.PEM) for c in constrained()))


def identity_seeds():
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = certificate("L", key, "L", key, False)
    pem, der = serialization.Encoding.PEM, serialization.Encoding.DER
    plain, locked = serialization.NoEncryption(), serialization.BestAvailableEncryption(b"secret")
    keys = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    texts = [leaf.public_bytes(pem), leaf.public_bytes(der), leaf.public_bytes(pem).decode().encode("utf-16")]
    texts += [keys, key.private_bytes(pem, serialization.PrivateFormat.PKCS8, locked), leaf.public_bytes(pem) * 3]
    for text in texts:
        yield b"\0" + part(0, text)[1:] + keys
    for how, choice in ((plain, b"\2"), (locked, b"\1")):
        yield choice + part(0, pkcs12.serialize_key_and_certificates(b"n", key, leaf, [leaf], how))[1:] + b"secret\n"


SEEDS = {
    "h1_request": [bytes([n]) + text for n, text in enumerate(REQUESTS)],
    "h1_response": [bytes([n % 2 * 128 + 64 + n]) + text for n, text in enumerate(ANSWERS)],
    "h2_server": list(h2_server_seeds()),
    "h2_client": list(h2_client_seeds()),
    "tunnel_accept": list(tunnel_accept_seeds()),
    "tunnel_dial": list(tunnel_dial_seeds()),
    "json": [text.encode() for text in JSON + [json.dumps(BUNDLE)]],
    "inventory": INVENTORIES,
    "bundle": [b"\0" + json.dumps(BUNDLE).encode(), b"\1" + json.dumps(CONNECTOR).encode(), b"\2e30.e30.AA",
               b"\3" + json.dumps({"endpoints": ["a", "b"], "connector_id": "c", "gateway_id": "g"}).encode()],
    "token": list(token_seeds()),
    "httpsig": [SIGNATURE.encode()],
    "conf": [text.encode() for text in CONF],
    "pki": list(pki_seeds()),
    "identity": list(identity_seeds()),
    "target": [text.encode() for text in TARGETS],
    "text": [text.encode() for text in TEXTS],
    "told": [b"\r\n\r\n\0\r\nQUIT\n" + rest for rest in (b"\x20\0\0\0", b"\x21\x11\0\x0c" + bytes(12), b"\x21\x21\0\x2b" + bytes(36) + b"\4\0\4abcd")],
}


def main():
    for target, seeds in SEEDS.items():
        folder = Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for seed in seeds:
            (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


main()
