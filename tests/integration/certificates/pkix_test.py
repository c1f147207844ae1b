# SPDX-License-Identifier: Apache-2.0
"""RFC 5280 as it applies to clients' certificates, a sentence a rule: each through `cmg cert check`."""
import ipaddress
import os

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519
from cryptography.x509.oid import NameOID

from kit import der
from kit.batch import ask
from kit.chains import (ANY, CLIENT, KEYS, NOW, ROOT, RSA_KEYS, SERVER, UNKNOWN, Cert, ca, case_files, constraints,
                        key_id, leaf, raw, root, san, usage)

POLICY_A, POLICY_B = (x509.ObjectIdentifier(f"1.3.6.1.4.1.55555.2.{n}") for n in (1, 2))
ANY_POLICY = x509.ObjectIdentifier("2.5.29.32.0")
INTER = ca("Intermediate", ROOT)
CASES = {}


def case(sentence, want, subject, middle=(), anchors=(ROOT,), detail="", **asked):
    """`want`: the reason; `detail`: words that tell an administrator what it is."""
    assert sentence not in CASES, sentence
    CASES[sentence] = (want, detail, {"subject": subject, "middle": middle, "anchors": anchors, "asked": asked})


# --- the good ones ---

case("a device of a root is let in", "ok", leaf(ROOT))
case("a device of an intermediate is let in", "ok", leaf(INTER), [INTER])
case("a missing intermediate is named", "incomplete_chain", leaf(INTER), detail="Intermediate")
case("an intermediate may be the anchor itself", "ok", leaf(INTER), anchors=[INTER])
case("the root among the intermediates disturbs nobody", "ok", leaf(INTER), [ROOT, INTER])
case("an intermediate as anchor and its root as intermediate are no contradiction", "ok", leaf(INTER), [ROOT],
     anchors=[INTER])
case("a root that is an intermediate only is no anchor", "untrusted_root", leaf(INTER),
     [ROOT, INTER], anchors=[root("Other")])
case("a self-signed device's certificate is not trusted", "untrusted_root", Cert("device"))
DEVICE_ANCHOR = Cert("device")
case("a device's certificate that was uploaded as an anchor is let in by itself", "ok", DEVICE_ANCHOR,
     anchors=[DEVICE_ANCHOR])
case("an Ed25519 chain is let in", "ok", leaf(root("Ed", key=(ED := ed25519.Ed25519PrivateKey.generate()))),
     anchors=[root("Ed", key=ED)])
case("a certificate for a CA may stand for a device when it has the usage (6.1.4 is not for the last one)", "ok",
     Cert("device", ROOT, ca=True, eku=(x509.ExtendedKeyUsage([CLIENT]), False),
          ku=(usage("digital_signature", "key_cert_sign"), True)))
case("a device needs no basic constraints (4.2.1.9)", "ok", leaf(ROOT, bc=None))
case("a device needs no key usage (4.2.1.3)", "ok", leaf(ROOT, ku=None))
case("a device needs no subject key identifier (4.2.1.2)", "ok", leaf(ROOT, ski=None))
case("home-made PKIs lack authority key identifiers (4.2.1.1 is for issuers)", "ok", leaf(ROOT, aki=None))
case("old CAs lack the key usage (6.1.4 (n): only if present)", "ok", leaf(i := ca("I", ROOT, ku=None)), [i])
case("old CAs have basic constraints that are not critical (6.1.4 (k) asks for cA alone)", "ok",
     leaf(i := ca("I", ROOT, bc=(x509.BasicConstraints(True, None), False))), [i])

# --- extensions (4.2, 6.1.4 (o), 6.1.5 (f)) ---

for where, make in {"the device": lambda **k: (leaf(ROOT, **k), [], [ROOT]),
                    "an intermediate": lambda **k: (leaf(i := ca("I", ROOT, **k)), [i], [ROOT]),
                    "the anchor": lambda **k: (leaf(r := root("R", **k)), [], [r])}.items():
    for what, want, more in [("an unknown critical extension", "constraint_violated", [(UNKNOWN, True)]),
                             ("an unknown extension that is not critical", "ok", [(UNKNOWN, False)]),
                             ("two extensions of a kind", "constraint_violated", [(UNKNOWN, False), (UNKNOWN, False)]),
                             ("a critical authority key identifier", "constraint_violated", None),
                             ("a critical subject key identifier", "constraint_violated", None)]:
        given = {"more": more} if more else {"aki": raw("2.5.29.35", der.sequence())} if "authority" in what else {
            "key": KEYS[0], "ski": (x509.SubjectKeyIdentifier(key_id(KEYS[0])), True)}
        subject, middle, anchors = make(**given)
        case(f"{what} in {where}", want, subject, middle, anchors)
for kind, number in {"basic constraints": "2.5.29.19", "key usage": "2.5.29.15", "extended key usage": "2.5.29.37",
                     "alternative names": "2.5.29.17", "name constraints": "2.5.29.30", "policies": "2.5.29.32",
                     "an authority key identifier": "2.5.29.35", "distribution points": "2.5.29.31"}.items():
    field = {"2.5.29.19": "bc", "2.5.29.15": "ku", "2.5.29.37": "eku", "2.5.29.35": "aki"}.get(number)
    gone = {field: None} if field else {}
    for critical in (True, False):
        word = "critical" if critical else "ordinary"
        case(f"{kind} that can't be read, {word}, in the device", "constraint_violated",
             leaf(ROOT, more=[raw(number, b"nonsense", critical)], **gone))
        case(f"{kind} that can't be read, {word}, in an intermediate", "constraint_violated",
             leaf(i := ca("I", ROOT, more=[raw(number, b"nonsense", critical)], **gone)), [i])
case("the same alternative names twice", "constraint_violated",
     leaf(ROOT, more=[san(x509.DNSName("a.example")), san(x509.DNSName("a.example"))]))
case("extensions in a certificate of version 1", "constraint_violated", leaf(ROOT, version=None))
case("extensions in a certificate of version 2", "constraint_violated", leaf(ROOT, version=1))
case("a version that does not exist", "constraint_violated", leaf(ROOT, version=3))
case("a version 1 device can't say what it is for", "wrong_usage",
     leaf(ROOT, version=None, bc=None, ku=None, eku=None, ski=None, aki=None))
case("an authority information access that is critical is judged, and not followed", "constraint_violated",
     leaf(ROOT, more=[((x509.AuthorityInformationAccess([x509.AccessDescription(
         x509.AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://127.0.0.1:1/"))])), True)]))

# --- basic constraints and key usage (4.2.1.3, 4.2.1.9, 6.1.4 (k) to (n)) ---

NONE = dict(bc=None, ku=None, eku=None, ski=None, aki=None)
case("a version 1 intermediate is no CA", "constraint_violated", leaf(i := ca("I", ROOT, version=None, **NONE)), [i])
case("a version 1 root can't say that it is a CA's", "constraint_violated",
     leaf(r := root("R", version=None, **NONE)), anchors=[r])
case("an intermediate without basic constraints is no CA", "constraint_violated", leaf(i := ca("I", ROOT, bc=None)), [i])
case("a root without basic constraints is no CA", "constraint_violated", leaf(r := root("R", bc=None)), anchors=[r])
case("an intermediate with cA false is no CA", "constraint_violated",
     leaf(i := ca("I", ROOT, bc=(x509.BasicConstraints(False, None), True), ku=None)), [i])
case("a device's certificate issues no other", "constraint_violated", leaf(i := leaf(ROOT, "device-1")), [i])
case("a device with keyCertSign and without cA", "constraint_violated",
     leaf(ROOT, ku=(usage("digital_signature", "key_cert_sign"), True)))
case("an intermediate without keyCertSign", "constraint_violated", leaf(i := ca("I", ROOT, ku=(usage("crl_sign"), True))),
     [i], detail="key usage")
case("a root without keyCertSign", "constraint_violated", leaf(r := root("R", ku=(usage("crl_sign"), True))), anchors=[r])
case("a path length without keyCertSign", "constraint_violated",
     leaf(i := ca("I", ROOT, bc=(x509.BasicConstraints(True, 0), True), ku=(usage("crl_sign"), True))), [i])
case("a path length in a certificate that is no CA's", "constraint_violated",
     leaf(ROOT, bc=raw("2.5.29.19", der.sequence(der.integer(0)))))
case("a path length below zero", "constraint_violated",
     leaf(i := ca("I", ROOT, bc=raw("2.5.29.19", der.sequence(b"\1\1\xff", der.integer(-1))))), [i])
case("a path length of many octets is a long one", "ok",
     leaf(i := ca("I", ROOT, bc=raw("2.5.29.19", der.sequence(b"\1\1\xff", der.integer(2**200))))), [i])
case("a cA that says false in so many octets is not DER", "constraint_violated",
     leaf(i := ca("I", ROOT, bc=raw("2.5.29.19", der.sequence(b"\1\1\0")), ku=None)), [i])
case("a key usage without a bit", "constraint_violated", leaf(ROOT, ku=raw("2.5.29.15", der.bits(b""))))
case("a device that may not sign can't prove its key", "wrong_usage", leaf(ROOT, ku=(usage("key_encipherment"), True)))


def tower(*lengths, self_issued=(), **given):
    """A chain of intermediates with these path lengths (None: none), and a device."""
    at, chain = ROOT, []
    for n, length in enumerate(lengths):
        subject = at.subject if n in self_issued else f"Tower {n}"
        at = ca(subject, at, bc=(x509.BasicConstraints(True, length), True))
        chain.append(at)
    return leaf(at, **given), chain


case("a path length of zero lets issue for devices", "ok", *tower(0))
case("a path length of zero forbids another CA", "constraint_violated", *tower(0, None), detail="path length")
case("a path length of zero forbids one that has zero, too", "constraint_violated", *tower(0, 0))
case("a path length of one allows one CA", "ok", *tower(1, 0))
case("a path length below may be greater", "ok", *tower(1, 2))
case("the strictest path length counts", "constraint_violated", *tower(1, 2, 2))
case("the path length that is below counts as well", "constraint_violated", *tower(1, 0, 0))
case("self-issued certificates are not counted (6.1.4 (l))", "ok", *tower(0, None, self_issued=[1]))
case("self-issued certificates are not counted twice", "ok", *tower(1, 1, 0, self_issued=[1]))
case("a self-issued one in between does not hide the other", "constraint_violated", *tower(0, None, None, self_issued=[1]))
case("the last certificate is not counted even when it is a CA's", "ok",
     Cert("device", i := ca("I", ROOT, bc=(x509.BasicConstraints(True, 0), True)), ca=True,
          eku=(x509.ExtendedKeyUsage([CLIENT]), False), ku=(usage("digital_signature", "key_cert_sign"), True)), [i])
case("the path length of an anchor counts", "constraint_violated",
     leaf(j := ca("J", i := ca("I", r := root("R", bc=(x509.BasicConstraints(True, 0), True))))), [i, j], [r])
case("eight intermediates are no problem", "ok", *tower(*[None] * 8))
case("nine intermediates are too many", "constraint_violated", *tower(*[None] * 9), detail="at most 8")
case("forty intermediates are too many", "constraint_violated", *tower(*[None] * 40))

# --- extended key usage (4.2.1.12) ---


def eku(*kinds, critical=False):
    return {"eku": (x509.ExtendedKeyUsage(list(kinds)), critical)}


OTHER_USE = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.2")
case("clientAuth among others is enough", "ok", leaf(ROOT, **eku(SERVER, CLIENT, OTHER_USE)))
case("a critical extended key usage is understood", "ok", leaf(ROOT, **eku(CLIENT, critical=True)))
case("a server's certificate is no device's", "wrong_usage", leaf(ROOT, **eku(SERVER)))
case("an unknown usage alone is not enough", "wrong_usage", leaf(ROOT, **eku(OTHER_USE)))
case("clientAuth must be said", "wrong_usage", leaf(ROOT, eku=None), detail="clientAuth")
case("any usage does not say clientAuth", "wrong_usage", leaf(ROOT, **eku(ANY)))
case("an empty list of usages", "constraint_violated", leaf(ROOT, eku=raw("2.5.29.37", der.sequence(), False)))
case("an intermediate for clients issues for clients", "ok", leaf(i := ca("I", ROOT, **eku(CLIENT))), [i])
case("an intermediate for any usage issues for clients", "ok", leaf(i := ca("I", ROOT, **eku(ANY))), [i])
case("an intermediate for servers issues for no client", "wrong_usage", leaf(i := ca("I", ROOT, **eku(SERVER))), [i])
case("an intermediate for servers above one for clients", "wrong_usage",
     leaf(j := ca("J", i := ca("I", ROOT, **eku(SERVER)), **eku(CLIENT))), [i, j])
case("for any purpose a device without usages is let in", "ok", leaf(ROOT, eku=None), purpose="any")
case("for any purpose usages that have nothing in common are refused", "wrong_usage",
     leaf(i := ca("I", ROOT, **eku(SERVER))), [i], purpose="any")

# --- validity (4.1.2.5, 6.1.3 (a)(2)) ---

case("an ended certificate", "expired", leaf(ROOT, end=NOW - 1), detail="2026-09-21T")
case("one that has not begun", "not_yet_valid", leaf(ROOT, begin=NOW + 1))
case("the last second is in", "ok", leaf(ROOT, end=NOW))
case("the first second is in", "ok", leaf(ROOT, begin=NOW))
case("an ended intermediate", "expired", leaf(i := ca("I", ROOT, end=NOW - 1)), [i], detail="CN=I")
case("an intermediate that has not begun", "not_yet_valid", leaf(i := ca("I", ROOT, begin=NOW + 1)), [i])
case("an ended anchor", "expired", leaf(r := root("R", end=NOW - 1)), anchors=[r])
case("no end (99991231235959Z, 4.1.2.5)", "ok", leaf(ROOT, end=der.tlv(0x18, b"99991231235959Z")))
case("a thousand years from 1970 on", "ok", leaf(r := root("R", begin=0, end=31536000000), begin=0, end=31536000000), anchors=[r])
case("for any purpose a server's certificate has a good path", "ok", leaf(INTER, eku=(x509.ExtendedKeyUsage([SERVER]), False)), [INTER],
     purpose="any")
case("an end beyond 2050", "ok", leaf(ROOT, end=der.tlv(0x18, b"20990101000000Z")))
case("an end beyond 2050 in two digits ended last century", "expired", leaf(ROOT, end=der.tlv(0x17, b"990101000000Z")))
case("an end before the begin", "not_yet_valid", leaf(ROOT, begin=NOW + 10, end=NOW - 10))
BAD_TIMES = {"without seconds": b"\x17\x0b3001010000Z", "with an offset": b"\x17\x11300101000000+0100",
             "without a Z": b"\x17\x0c300101000000", "with a fraction": der.tlv(0x18, b"20300101000000.5Z"),
             "with an offset in four digits": der.tlv(0x18, b"20300101000000+0100"),
             "in a month that does not exist": der.tlv(0x17, b"301301000000Z"),
             "on a day that does not exist": der.tlv(0x17, b"300230000000Z"), "of nothing": der.tlv(0x17, b""),
             "of letters": der.tlv(0x17, b"30JAN1000000Z"), "at second 60 of a minute": der.tlv(0x17, b"300101000060Z"),
             "at hour 24": der.tlv(0x17, b"300101240000Z"), "with a sign": der.tlv(0x17, b"30-101000000Z"),
             "with a blank": der.tlv(0x17, b"30 101000000Z"), "with a NUL": der.tlv(0x17, b"300101000000Z\0")}
for what, octets in BAD_TIMES.items():
    case(f"an end {what}", "constraint_violated", leaf(ROOT, end=octets), detail="malformed")
    case(f"a begin {what}", "constraint_violated", detail="malformed",
         subject=leaf(ROOT, begin=octets.replace(b"30", b"10", 1) if octets[2:4] == b"30" else octets))
# OpenSSL 3.5 reads no certificate with a time that is shorter than any may be: then it is no certificate at all.
UNREADABLE = {f"{which} {what}" for which in ("an end", "a begin") for what in ("without seconds", "without a Z", "of nothing")}
case("a time before 2050 in four digits is no reason to lock a device out", "ok",
     leaf(ROOT, end=der.tlv(0x18, b"20300101000000Z")))

# --- serial numbers (4.1.2.2) ---

case("a serial number of twenty octets", "ok", leaf(ROOT, serial=2**158))
case("a serial number of more than twenty octets is the CA's fault, and unique all the same", "ok", leaf(ROOT, serial=2**170))
case("a serial number of zero is taken (4.1.2.2: users should be prepared)", "ok", leaf(ROOT, serial=0))
case("a negative serial number is taken (4.1.2.2)", "ok", leaf(ROOT, serial=-5))
case("a serial number with a needless zero is not DER", "malformed", leaf(ROOT, serial=b"\x02\x02\x00\x01"))
case("a serial number without an octet is not DER", "malformed", leaf(ROOT, serial=b"\x02\x00"))

# --- names (4.1.2.4, 4.1.2.6, 4.2.1.6) ---

case("no subject, but a critical alternative name", "ok", leaf(ROOT, subject=[], more=[san(x509.DNSName("a.example"), critical=True)]))
case("neither a subject nor an alternative name", "name_missing", leaf(ROOT, subject=[]))
case("an empty list of alternative names and no subject", "constraint_violated",
     leaf(ROOT, subject=[], more=[raw("2.5.29.17", der.sequence())]), detail="the certificate with serial number")
case("a device without an issuer", "incomplete_chain", leaf(ROOT, issuer=[]))
case("an intermediate without a subject", "constraint_violated", leaf(i := ca([], ROOT)), [i], detail="issuer's name")
case("a root without a subject", "constraint_violated", leaf(r := root([])), anchors=[r])
case("an issuer's name in other capitals is the same name (7.1)", "ok", leaf(ROOT, issuer="ROOT"))
case("an issuer's name with more blanks is the same name (7.1)", "ok", leaf(r := root("The  Root"), issuer="the root "), anchors=[r])

# --- name constraints (4.2.1.10, 6.1.3 (b) and (c)) ---

DNS, MAIL, URI = x509.DNSName, x509.RFC822Name, x509.UniformResourceIdentifier


def IP(text):
    return x509.IPAddress(ipaddress.ip_network(text) if "/" in text else ipaddress.ip_address(text))


def DN(*pairs):
    return x509.DirectoryName(der.name(list(pairs)))


ORG, UNIT, CN, EMAIL = (NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.COMMON_NAME,
                        NameOID.EMAIL_ADDRESS)
FORMS = [  # form, subtree, inside, outside
    ("DNS names", DNS("example.com"), [DNS("example.com"), DNS("a.b.example.com"), DNS("A.EXAMPLE.com")],
     [DNS("example.org"), DNS("badexample.com"), DNS("example.com.evil.org"), DNS("com")]),
    ("IPv4 addresses", IP("192.0.2.0/24"), [IP("192.0.2.1"), IP("192.0.2.255")], [IP("192.0.3.1"), IP("::1")][:1]),
    ("IPv6 addresses", IP("2001:db8::/32"), [IP("2001:db8::1")], [IP("2001:db9::1")]),
    ("hosts of mail addresses", MAIL("example.com"), [MAIL("a@example.com"), MAIL("A@EXAMPLE.com")],
     [MAIL("a@mail.example.com"), MAIL("a@example.org"), MAIL("a@badexample.com")]),
    ("domains of mail addresses", MAIL(".example.com"), [MAIL("a@mail.example.com")], [MAIL("a@example.com")]),
    ("one mail address", MAIL("a@example.com"), [MAIL("a@example.com")], [MAIL("b@example.com"), MAIL("a@example.org")]),
    ("hosts of URIs", URI("host.example.com"), [URI("https://host.example.com/x"), URI("https://host.example.com:8443/")],
     [URI("https://example.com/"), URI("https://a.host.example.com/")]),
    ("domains of URIs", URI(".example.com"), [URI("https://host.example.com/x")], [URI("https://example.com/")]),
    ("directory names", DN((ORG, "Inside")), [DN((ORG, "Inside"), (CN, "x"))], [DN((ORG, "Outside"), (CN, "x"))]),
]
PLACES = {"an intermediate": lambda nc: (ca("I", ROOT, nc=nc), None), "the root": lambda nc: (None, root("R", nc=nc))}
for form, subtree, inside, outside in FORMS:
    for place, make in PLACES.items():
        for kind, good, bad in (("permitted", inside, outside), ("excluded", outside, inside)):
            i, r = make(constraints(**{kind: [subtree]}))
            subject = [(ORG, "Inside" if kind == "permitted" else "Outside"), (CN, "device")] if "directory" in form else "device"
            for name in good:
                if not (form == "IPv4 addresses" and isinstance(name.value, ipaddress.IPv6Address)):
                    case(f"{form}, {kind} by {place}: {name.value} is let in", "ok",
                         leaf(i or r, subject=subject, more=[san(name)]), [i] if i else [], [r or ROOT])
            for name in bad:
                case(f"{form}, {kind} by {place}: {name.value} is refused", "constraint_violated",
                     leaf(i or r, subject=subject, more=[san(name)]), [i] if i else [], [r or ROOT])


def under(nc, **given):
    i = ca("I", ROOT, nc=nc)
    return leaf(i, **given), [i]


case("permitted names of one form say nothing of another", "ok",
     *under(constraints([DNS("example.com")]), more=[san(IP("192.0.2.1"), URI("https://a.example.org/"))]))
case("one bad name among good ones is enough", "constraint_violated",
     *under(constraints([DNS("example.com")]), more=[san(DNS("a.example.com"), DNS("a.example.org"))]))
case("what is excluded outweighs what is permitted", "constraint_violated",
     *under(constraints([DNS("example.com")], [DNS("bad.example.com")]), more=[san(DNS("x.bad.example.com"))]))
case("beside what is excluded the rest of what is permitted is good", "ok",
     *under(constraints([DNS("example.com")], [DNS("bad.example.com")]), more=[san(DNS("x.good.example.com"))]))
case("two permitted names of a form: either will do", "ok",
     *under(constraints([DNS("example.com"), DNS("example.net")]), more=[san(DNS("a.example.net"))]))
case("a common name that is a host name is constrained like one", "constraint_violated",
     *under(constraints([DNS("example.com")]), subject="pc1.example.org"))
case("a common name that is a host name inside is good", "ok",
     *under(constraints([DNS("example.com")]), subject="pc1.example.com"))
case("a common name that is no host name is none", "ok", *under(constraints([DNS("example.com")]), subject="PC 1"))
case("an excluded host name as the common name", "constraint_violated",
     *under(constraints(None, [DNS("example.com")]), subject="pc1.example.com"))
case("a mail address in the subject is constrained like one", "constraint_violated",
     *under(constraints([MAIL("example.com")]), subject=[(CN, "x"), (EMAIL, "a@example.org")]))
case("a mail address in the subject that is inside", "ok",
     *under(constraints([MAIL("example.com")]), subject=[(CN, "x"), (EMAIL, "a@example.com")]))
case("an excluded mail address in the subject", "constraint_violated",
     *under(constraints(None, [MAIL("example.com")]), subject=[(CN, "x"), (EMAIL, "a@example.com")]))
case("the subject must be inside, not only the alternative directory name", "constraint_violated",
     *under(constraints([DN((ORG, "Inside"))]), subject="device", more=[san(DN((ORG, "Inside")))]))
case("the excluded subject, whatever the alternative name says", "constraint_violated",
     *under(constraints(None, [DN((CN, "device"))]), more=[san(DN((CN, "other")))]))
case("a subject in other capitals is inside all the same", "ok",
     *under(constraints([DN((ORG, "Inside"))]), subject=[(ORG, "INSIDE"), (CN, "x")]))
case("constraints that are not critical are kept nevertheless", "constraint_violated",
     *under(constraints([DNS("example.com")], critical=False), more=[san(DNS("a.example.org"))]))
case("all DNS names are excluded by the empty one", "constraint_violated",
     *under(constraints(None, [DNS("")]), more=[san(DNS("a.example.com"))]))
case("no address is inside 0.0.0.0/0 when it is excluded", "constraint_violated",
     *under(constraints(None, [IP("0.0.0.0/0")]), more=[san(IP("192.0.2.1"))]))
NARROW = ca("I", ROOT, nc=constraints([DNS("a.example.com"), DNS("b.example.com")]))
WIDE = ca("J", NARROW, nc=constraints([DNS("b.example.com"), DNS("c.example.com")]))
for name, want in (("a", "constraint_violated"), ("b", "ok"), ("c", "constraint_violated")):
    case(f"constraints meet on the way down: {name}", want, leaf(WIDE, more=[san(DNS(f"{name}.example.com"))]), [NARROW, WIDE])
case("an intermediate's own names are constrained", "constraint_violated",
     leaf(j := ca("J", i := ca("I", ROOT, nc=constraints(None, [DNS("bad.example.com")])),
                  more=[san(DNS("bad.example.com"))])), [i, j])
case("a self-issued intermediate's names are not (6.1.4 (b))", "ok",
     leaf(j := ca("I", i := ca("I", ROOT, nc=constraints(None, [DNS("bad.example.com")])),
                  more=[san(DNS("bad.example.com"))])), [i, j])
case("a self-issued device's names are", "constraint_violated",
     leaf(i := ca("I", ROOT, nc=constraints(None, [DNS("bad.example.com")])), subject="I",
          more=[san(DNS("bad.example.com"))]), [i])
case("constraints in a device's own certificate (4.2.1.10: only in a CA's)", "constraint_violated", leaf(ROOT, nc=constraints([DNS("example.com")])))


def subtrees(*bases, tag=0, tail=b""):
    return raw("2.5.29.30", der.sequence(der.tlv(0xa0 | tag, b"".join(der.sequence(b, tail) for b in bases))))


case("name constraints of nothing (4.2.1.10: either of the two must be there)", "constraint_violated", *under(raw("2.5.29.30", der.sequence())),
     detail="neither permits nor excludes")
case("an address without a mask", "constraint_violated",
     *under(subtrees(der.tlv(0x87, bytes(4))), more=[san(IP("192.0.2.1"))]))
case("an address of seven octets", "constraint_violated",
     *under(subtrees(der.tlv(0x87, bytes(7))), more=[san(IP("192.0.2.1"))]))
case("an excluded address of seven octets", "constraint_violated",
     *under(subtrees(der.tlv(0x87, bytes(7)), tag=1), more=[san(IP("192.0.2.1"))]))
case("a mask with holes", "constraint_violated", *under(subtrees(der.tlv(0x87, bytes([192, 0, 2, 0, 255, 0, 255, 0]))),
                                                       more=[san(IP("192.0.9.0"))]))
case("a mail constraint with two @", "constraint_violated",
     *under(subtrees(der.tlv(0x81, b"a@b@example.com")), more=[san(MAIL("x@example.com"))]))
case("a mail address with two @ is inside nothing", "constraint_violated",
     *under(constraints([MAIL("example.com")]), more=[raw("2.5.29.17", der.sequence(der.tlv(0x81, b"a@b@example.com")), False)]))
case("an address of five octets is inside nothing", "constraint_violated",
     *under(constraints([IP("192.0.2.0/24")]), more=[raw("2.5.29.17", der.sequence(der.tlv(0x87, bytes([192, 0, 2, 1, 9]))), False)]))
case("an address that is a network is inside nothing", "constraint_violated",
     *under(constraints([IP("192.0.2.0/24")]), more=[san(IP("192.0.2.0/24"))]))
case("a constraint with a minimum", "constraint_violated",
     *under(subtrees(der.tlv(0x82, b"example.com"), tail=der.tlv(0x80, b"\1")), more=[san(DNS("a.example.com"))]))
case("a constraint with a maximum", "constraint_violated",
     *under(subtrees(der.tlv(0x82, b"example.com"), tail=der.tlv(0x81, b"\1")), more=[san(DNS("a.example.com"))]))
case("a constraint with a NUL", "constraint_violated",
     *under(subtrees(der.tlv(0x82, b"example.com\0.evil")), more=[san(DNS("a.example.com"))]))
case("a name with a NUL is not cut before it is compared", "constraint_violated",
     *under(constraints([DNS("example.com")]), more=[raw("2.5.29.17", der.sequence(der.tlv(0x82, b"a.example.org\0.example.com")), False)]))
case("a name with a NUL in front of what is permitted", "constraint_violated",
     *under(constraints([DNS("example.com")]), more=[raw("2.5.29.17", der.sequence(der.tlv(0x82, b"a.example.com\0.example.org")), False)]))
MAILBOX = "1.3.6.1.5.5.7.8.9"  # SmtpUTF8Mailbox (RFC 9598), which mail constraints are for, too


def mailbox(text):
    return san(DNS("a.example.com"), x509.OtherName(x509.ObjectIdentifier(MAILBOX), der.tlv(0x0c, text.encode())))


case("letters beyond ASCII are no host name", "constraint_violated",
     *under(constraints([DNS("example.com")]), more=[raw("2.5.29.17", der.sequence(der.tlv(0x82, "ü.example.com".encode())), False)]))
case("an internationalized name is compared by its A-labels", "ok",
     *under(constraints([DNS("xn--bcher-kva.example")]), more=[san(DNS("a.XN--bcher-kva.example"))]))
case("an A-label elsewhere is elsewhere", "constraint_violated",
     *under(constraints([DNS("xn--bcher-kva.example")]), more=[san(DNS("a.xn--bcher-kvb.example"))]))
case("an internationalized mailbox outside of a mail constraint", "constraint_violated",
     *under(constraints([x509.RFC822Name("example.com")]), more=[mailbox("ü@example.org")]))
case("an internationalized mailbox inside of a mail constraint", "ok",
     *under(constraints([x509.RFC822Name("example.com")]), more=[mailbox("ü@example.com")]))
case("an excluded host of an internationalized mailbox", "constraint_violated",
     *under(constraints(None, [x509.RFC822Name("example.com")]), more=[mailbox("ü@example.com")]))
case("a URI whose user looks like the permitted host", "constraint_violated",
     *under(constraints([x509.UniformResourceIdentifier("host.example.com")]),
            more=[san(x509.UniformResourceIdentifier("https://host.example.com@evil.example.org/"))]))
case("a wildcard in a constraint is none", "constraint_violated",
     *under(subtrees(der.tlv(0x82, b"*.example.com")), more=[san(DNS("a.example.com"))]))
case("a name that begins with a dot is no name", "constraint_violated",
     *under(constraints([DNS("example.com")]), more=[san(DNS(".example.com"))]))
case("a wildcard that could be an excluded name", "constraint_violated",
     *under(constraints([DNS("example.com")], [DNS("bar.example.com")]), more=[san(DNS("*.example.com"))]))
case("a wildcard that is wider than what is permitted", "constraint_violated",
     *under(constraints([DNS("foo.example.com")]), more=[san(DNS("*.example.com"))]))
PRIVATE = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.55555.3"), b"\x05\x00")
case("an unknown form that is constrained, and present (4.2.1.10)", "constraint_violated",
     *under(constraints([DNS("example.com")], [PRIVATE]), more=[san(DNS("a.example.com"), PRIVATE)]))
case("an unknown form that is constrained, and absent", "ok",
     *under(constraints([DNS("example.com")], [PRIVATE]), more=[san(DNS("a.example.com"))]))
case("a registered identifier that is constrained, and present", "constraint_violated",
     *under(constraints([x509.RegisteredID(POLICY_A)]), more=[san(x509.RegisteredID(POLICY_A))]))

# --- policies (6.1.2 to 6.1.5) ---


def policies(*kinds, critical=False):
    return x509.CertificatePolicies([x509.PolicyInformation(k, None) for k in kinds]), critical


def require(explicit=None, inhibit=None, critical=True):
    return x509.PolicyConstraints(explicit, inhibit), critical


def mappings(*pairs, critical=True):
    rows = [der.sequence(der.oid(a.dotted_string), der.oid(b.dotted_string)) for a, b in pairs]
    return raw("2.5.29.33", der.sequence(*rows), critical)


def policy_chain(above, below, root_more=()):
    r = root("R", more=root_more) if root_more else ROOT
    i = ca("I", r, more=above)
    return leaf(i, more=below), [i], [r]


case("a policy is not asked for unless a CA asks for it", "ok", *policy_chain([], []))
case("an explicit policy that is there", "ok", *policy_chain([policies(POLICY_A), require(0)], [policies(POLICY_A)]))
case("an explicit policy that the device lacks", "constraint_violated", *policy_chain([policies(POLICY_A), require(0)], []))
case("an explicit policy, and the device has another", "constraint_violated",
     *policy_chain([policies(POLICY_A), require(0)], [policies(POLICY_B)]))
case("an explicit policy that begins below the device", "ok", *policy_chain([require(5)], []))
case("an explicit policy by any policy", "ok", *policy_chain([policies(ANY_POLICY), require(0)], [policies(POLICY_A)]))
case("any policy, inhibited", "constraint_violated",
     *policy_chain([policies(POLICY_A), require(0), (x509.InhibitAnyPolicy(0), True)], [policies(ANY_POLICY)]))
case("any policy, not yet inhibited", "ok",
     *policy_chain([policies(POLICY_A), require(0), (x509.InhibitAnyPolicy(1), True)], [policies(ANY_POLICY)]))
case("a mapped policy", "ok",
     *policy_chain([policies(POLICY_A), require(0), mappings((POLICY_A, POLICY_B))], [policies(POLICY_B)]))
case("a mapped policy is no longer itself", "constraint_violated",
     *policy_chain([policies(POLICY_A), require(0), mappings((POLICY_A, POLICY_B))], [policies(POLICY_A)]))
case("a mapping that the CA above inhibits", "constraint_violated",
     leaf(j := ca("J", i := ca("I", ROOT, more=[policies(POLICY_A), require(0, 0)]),
                  more=[policies(POLICY_A), mappings((POLICY_A, POLICY_B))]), more=[policies(POLICY_B)]), [i, j])
case("any policy can't be mapped", "constraint_violated",
     *policy_chain([policies(POLICY_A), mappings((ANY_POLICY, POLICY_B))], [policies(POLICY_B)]))
case("a policy twice (4.2.1.4)", "constraint_violated", *policy_chain([policies(POLICY_A, POLICY_A)], [policies(POLICY_A)]))
case("empty policy constraints (4.2.1.11)", "constraint_violated", *policy_chain([raw("2.5.29.36", der.sequence())], []))
case("inhibitAnyPolicy below zero", "constraint_violated", *policy_chain([raw("2.5.29.54", der.integer(-1))], []))

# --- key identifiers (4.2.1.1) ---


def aki(identifier=None, issuer=None, serial=None):
    return x509.AuthorityKeyIdentifier(identifier, issuer and [x509.DirectoryName(der.name(issuer))], serial), False


case("an authority key identifier of another key", "incomplete_chain", leaf(ROOT, aki=aki(b"x" * 20)), detail="key identifier")
case("an authority key identifier of the right issuer and serial", "ok", leaf(ROOT, aki=aki(None, "Root", ROOT.serial)))
case("an authority key identifier of another serial", "incomplete_chain",
     leaf(ROOT, aki=aki(None, "Root", 4711)))
case("an authority key identifier of another issuer", "incomplete_chain",
     leaf(ROOT, aki=aki(None, "Toor", ROOT.serial)))
case("an empty authority key identifier", "ok", leaf(ROOT, aki=raw("2.5.29.35", der.sequence(), False)))

# --- keys, hashes and signatures ---

for bits, want in ((1024, "weak_key"), (2048, "ok")):
    key = RSA_KEYS[bits]
    case(f"RSA with {bits} bits in the device", want, leaf(ROOT, key=key))
    case(f"RSA with {bits} bits in an intermediate", want, leaf(i := ca("I", ROOT, key=key)), [i])
    case(f"RSA with {bits} bits in the anchor", want, leaf(r := root("R", key=key)), anchors=[r])


def rsa_public(modulus, exponent):
    return der.sequence(der.sequence(der.oid("1.2.840.113549.1.1.1"), der.NULL),
                        der.bits(der.sequence(der.integer(modulus), der.integer(exponent))))


MODULUS = RSA_KEYS[2048].public_key().public_numbers().n


def made_by_the_faulty_chip(bits=2048):
    """The modulus of Nemec et al., CCS 2017: both primes are a power of 65537 modulo the product of the first primes."""
    m, primes = 1, [n for n in range(2, 702) if all(n % d for d in range(2, int(n**0.5) + 1))]
    for prime in primes:
        m *= prime
    rest = pow(65537, 4711, m)
    return (2**(bits - 1) // m + 1) * m + rest


ROCA = made_by_the_faulty_chip()
for what, want, modulus, exponent in [
        ("an exponent of 1", "weak_key", MODULUS, 1), ("an exponent of 3", "ok", MODULUS, 3),
        ("an even exponent", "weak_key", MODULUS, 65536), ("an exponent of 0", "weak_key", MODULUS, 0),
        ("an exponent of 32 bits", "ok", MODULUS, 2**32 - 5), ("an exponent of 33 bits", "weak_key", MODULUS, 2**32 + 1),
        ("a negative exponent", "weak_key", MODULUS, -3), ("an even modulus", "weak_key", MODULUS + 1, 65537),
        ("a negative modulus", "weak_key", -MODULUS, 65537), ("a modulus of 0", "weak_key", 0, 65537),
        ("an exponent as long as the modulus", "weak_key", MODULUS, MODULUS - 2),
        ("a modulus of 17000 bits", "weak_key", 2**17000 + 1, 65537)]:
    case(f"RSA with {what} in the device", want, leaf(ROOT, public=rsa_public(modulus, exponent)))
case("RSA of a chip that makes keys that can be factored (ROCA) in the device", "weak_key",
     leaf(ROOT, public=rsa_public(ROCA, 65537)), detail="ROCA")


def ec_public(curve, point):
    return der.sequence(der.sequence(der.oid("1.2.840.10045.2.1"), der.oid(curve) if isinstance(curve, str) else curve), der.bits(point))


P256 = "1.2.840.10045.3.1.7"
POINT = KEYS[0].public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
HALF = KEYS[0].public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
P, B = 2**256 - 2**224 + 2**192 + 2**96 - 1, 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b
GX, GY = (0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
          0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5)
N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551


def explicit_curve(generator):
    return der.sequence(der.integer(1), der.sequence(der.oid("1.2.840.10045.1.1"), der.integer(P)),
                        der.sequence(der.octets((P - 3).to_bytes(32, "big")), der.octets(B.to_bytes(32, "big"))),
                        der.octets(generator), der.integer(N), der.integer(1))


G = b"\4" + GX.to_bytes(32, "big") + GY.to_bytes(32, "big")
for what, want, public in [
        ("a compressed point", "ok", ec_public(P256, HALF)),
        ("P-256 in explicit parameters", "weak_key", ec_public(explicit_curve(G), POINT)),
        ("the device's own point as the generator", "weak_key", ec_public(explicit_curve(POINT), POINT)),
        ("a point off its curve", "weak_key", ec_public(P256, POINT[:-1] + bytes([POINT[-1] ^ 1]))),
        ("the point at infinity", "weak_key", ec_public(P256, b"\0")),
        ("a point of another form", "weak_key", ec_public(P256, b"\5" + POINT[1:])),
        ("a point that is cut", "weak_key", ec_public(P256, POINT[:-1])),
        ("an unknown curve", "weak_key", ec_public("1.3.6.1.4.1.55555.9", POINT)),
        ("no curve", "weak_key", ec_public(b"", POINT)), ("a curve that is NULL", "weak_key", ec_public(der.NULL, POINT)),
        ("an unknown kind of key", "weak_key", der.sequence(der.sequence(der.oid("1.3.6.1.4.1.55555.8")), der.bits(b"x"))),
        ("no key at all", "weak_key", der.sequence(der.sequence(der.oid("1.2.840.113549.1.1.1"), der.NULL), der.bits(b"")))]:
    case(f"{what} in the device", want, leaf(ROOT, public=public))
    if what not in ("a compressed point",):
        case(f"{what} in an intermediate", "weak_key", leaf(i := ca("I", ROOT, public=public, key=KEYS[0]), aki=None), [i])
for curve, want in ((ec.SECP192R1, "weak_key"), (ec.SECP224R1, "weak_key"), (ec.SECP384R1, "ok"), (ec.SECP521R1, "ok"),
                    (ec.SECP256K1, "weak_key"), (ec.BrainpoolP256R1, "ok")):
    try:
        key = ec.generate_private_key(curve())
    except Exception:  # this OpenSSL has no such curve
        continue
    case(f"a key on {curve.name} in the device", want, leaf(ROOT, key=key))
    case(f"a key on {curve.name} in an intermediate", want, leaf(i := ca("I", ROOT, key=key)), [i])
DSA = dsa.generate_private_key(2048)
case("a DSA key in the device", "weak_key", leaf(ROOT, key=DSA))
case("a DSA key in an intermediate", "weak_key", leaf(i := ca("I", ROOT, key=DSA)), [i])
RSA_ROOT = root("RSA root", key=RSA_KEYS[2048])
for digest in ("SHA1", "MD5"):
    case(f"a device signed with {digest}", "weak_key", leaf(RSA_ROOT, digest=digest), anchors=[RSA_ROOT], detail=digest)
    case(f"an intermediate signed with {digest}", "weak_key", leaf(i := ca("I", RSA_ROOT, digest=digest)), [i], [RSA_ROOT])
    case(f"an anchor signed by itself with {digest} is trusted because it was uploaded", "ok",
         leaf(r := root("R", key=RSA_KEYS[2048], digest=digest)), anchors=[r])
case("a device signed with SHA1 by ECDSA", "weak_key", leaf(ROOT, digest="SHA1"))


def flip(signature):
    return signature[:-1] + bytes([signature[-1] ^ 1])


SHA256_RSA = der.sequence(der.oid(der.RSA["SHA256"]), der.NULL)
case("a signature that is wrong", "bad_signature", leaf(ROOT, twist=flip))
case("a signature that is wrong in an intermediate", "bad_signature", leaf(i := ca("I", ROOT, twist=flip)), [i])
case("a signature by another key of the same name", "bad_signature", leaf(ROOT, signer=KEYS[-1], aki=None))
case("an empty signature", "bad_signature", leaf(ROOT, twist=lambda s: b""))
case("a signature with something behind it", "bad_signature", leaf(ROOT, twist=lambda s: s + b"\0"))
case("a signature of r = s = 0", "bad_signature", leaf(ROOT, twist=lambda s: der.sequence(der.integer(0), der.integer(0))))
case("a signature of r = s = n", "bad_signature", leaf(ROOT, twist=lambda s: der.sequence(der.integer(N), der.integer(N))))
case("a signature of negative numbers", "bad_signature", leaf(ROOT, twist=lambda s: der.sequence(der.integer(-1), der.integer(-1))))
case("an RSA signature with a zero in front", "bad_signature", leaf(RSA_ROOT, twist=lambda s: b"\0" + s), anchors=[RSA_ROOT])
case("an RSA signature that is cut", "bad_signature", leaf(RSA_ROOT, twist=lambda s: s[:-1]), anchors=[RSA_ROOT])
case("an RSA signature of zeros", "bad_signature", leaf(RSA_ROOT, twist=lambda s: bytes(256)), anchors=[RSA_ROOT])
case("an RSA signature of one", "bad_signature", leaf(RSA_ROOT, twist=lambda s: b"\1".rjust(256, b"\0")), anchors=[RSA_ROOT])
OTHER_HASH = der.sequence(der.oid(der.ECDSA["SHA384"]))
case("an algorithm within that is not the one without (4.1.1.2)", "bad_signature", leaf(ROOT, inner=OTHER_HASH))
case("an algorithm without that is not the one within (4.1.1.2)", "bad_signature", leaf(ROOT, outer=OTHER_HASH))
case("an algorithm within and without that differ, in an intermediate", "bad_signature",
     leaf(i := ca("I", ROOT, inner=OTHER_HASH)), [i])
case("parameters that differ within and without", "bad_signature",
     leaf(RSA_ROOT, inner=der.sequence(der.oid(der.RSA["SHA256"]))), anchors=[RSA_ROOT])
case("RSA's algorithm under an EC issuer", "incomplete_chain", leaf(ROOT, inner=SHA256_RSA, outer=SHA256_RSA), detail="kind of key")
case("an unknown algorithm", "bad_signature", leaf(ROOT, inner=(a := der.sequence(der.oid("1.3.6.1.4.1.55555.7"))), outer=a))
case("ECDSA's algorithm with parameters (RFC 5758 3.2) verifies", "ok",
     leaf(ROOT, inner=(a := der.sequence(der.oid(der.ECDSA["SHA256"]), der.NULL)), outer=a))


@pytest.fixture(scope="module")
def answers(folder):
    """All cases in one batch."""
    place = folder / "pkix"
    place.mkdir(exist_ok=True)
    asked = [{"at": NOW, "crl_check": "off"} | case_files(place, n, c) | c["asked"]
             for n, (_, _, c) in enumerate(CASES.values())]
    with pytest.MonkeyPatch.context() as patch:
        # OpenSSL loses the constraints of a certificate that has policyConstraints and no policies (fixed by its PR 31678).
        patch.setenv("ASAN_OPTIONS", os.environ["ASAN_OPTIONS"] + ":detect_leaks=0")
        return dict(zip(CASES, ask(folder, "cert", asked)))


@pytest.mark.parametrize("sentence", CASES)
def test_rfc5280(answers, sentence):
    want, detail, _ = CASES[sentence]
    answer = answers[sentence]
    if sentence in UNREADABLE and answer["reason"] == "malformed":
        return
    assert answer["reason"] == want, answer
    assert answer["ok"] == (answer["reason"] == "ok") and detail in answer["detail"], answer
