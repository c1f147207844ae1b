# SPDX-License-Identifier: Apache-2.0
"""RFC 5280 5 and 6.3: which revocation lists are believed, and what follows from them, through `cmg cert check`."""
import pytest
from cryptography import x509
from cryptography.x509.oid import CRLEntryExtensionOID

from kit import der
from kit.batch import ask
from kit.chains import DAY, KEYS, NOW, ROOT, RSA_KEYS, UNKNOWN, Cert, ca, case_files, key_id, leaf, root, usage

CASES = {}
URI = x509.UniformResourceIdentifier
HERE, THERE = URI("http://pki.example/here.crl"), URI("http://pki.example/there.crl")


def case(sentence, want, lists=(), subject=None, middle=(), anchors=(ROOT,), detail="", warns="", **asked):
    assert sentence not in CASES, sentence
    CASES[sentence] = (want, detail, warns, {"subject": subject or DEVICE, "middle": middle, "anchors": anchors,
                                            "lists": lists, "asked": asked})


def points(*names, reasons=None, issuer=None):
    return x509.CRLDistributionPoints([x509.DistributionPoint(list(names) or None, None, reasons and frozenset(reasons),
                                                              issuer and [x509.DirectoryName(der.name(issuer))])]), False


DEVICE = leaf(ROOT, key=KEYS[5])
AT_HERE = leaf(ROOT, more=[points(HERE)])
REVOKED, HELD, REMOVED = 1, 6, 8


def listed(*certs, reason=None, more=()):
    entry = [*more, *([der.extension((CRLEntryExtensionOID.CRL_REASON.dotted_string, bytes([10, 1, reason])))] if reason else [])]
    return [(c.serial, entry) for c in certs]


def number(value, critical=False):
    return der.extension(("2.5.29.20", der.integer(value)), critical)


def crl(by=ROOT, entries=(), count=1, more=(), signer=None, issuer=None, aki=True, **form):
    extensions = [der.extension(x509.AuthorityKeyIdentifier(key_id(by.key), None, None))] if aki else []
    if count is not None:
        extensions.append(number(count))
    return der.revocation_list(by.subject if issuer is None else issuer, signer or by.key, entries, extensions + list(more),
                               **({"begin": NOW - DAY, "end": NOW + DAY} | form))


def idp(name=None, critical=True, **on):
    value = {"full_name": name and [name], "relative_name": None, "only_contains_user_certs": False,
             "only_contains_ca_certs": False, "only_some_reasons": None, "indirect_crl": False,
             "only_contains_attribute_certs": False}
    return der.extension(x509.IssuingDistributionPoint(**(value | on)), critical)


def delta(base, count=2, entries=(), **form):
    return crl(count=count, entries=entries, more=[der.extension(("2.5.29.27", der.integer(base)), True)], **form)


# --- what a list says ---

case("without a list nothing is known", "crl_unavailable", detail="Root")
case("without a list, and revocation is not checked", "ok", crl_check="off")
case("a device that is not on the list", "ok", [crl(entries=[(1, []), (2, [])])])
case("an empty list", "ok", [crl()])
case("a list of ten thousand", "ok", [crl(entries=[(n, []) for n in range(10**6, 10**6 + 10000)])])
case("a device on the list", "revoked", [crl(entries=listed(DEVICE))], detail="CN=device")
case("a device among ten thousand", "revoked", [crl(entries=[(n, []) for n in range(10**6, 10**6 + 10000)] + listed(DEVICE))])
for what, serial in {"zero": 0, "negative": -7, "of twenty octets": 2**158 + 3, "of thirty octets": 2**238 + 3}.items():
    device = leaf(ROOT, serial=serial)
    case(f"a serial number {what} is found on the list", "revoked", [crl(entries=listed(device))], device)
    case(f"a serial number {what} is not taken for another", "ok", [crl(entries=[(serial + 1, []), (abs(serial) + 2, [])])], device)
case("a serial number that was padded on the list is found", "revoked",
     [crl(entries=[(b"\x02\x04\x00\x00" + DEVICE.serial.to_bytes(2, "big"), [])])])
case("any reason revokes", "revoked", [crl(entries=listed(DEVICE, reason=REVOKED))])
case("a certificate on hold is revoked", "revoked", [crl(entries=listed(DEVICE, reason=HELD))])
case("removeFromCRL has no place on a complete list: what stands there is revoked (5.3.1)", "revoked",
     [crl(entries=listed(DEVICE, reason=REMOVED))])
case("an ordinary entry extension that is not known changes nothing", "revoked",
     [crl(entries=listed(DEVICE, more=[der.extension(UNKNOWN)]))])
case("an entry extension that must be known (5.3)", "crl_unavailable",
     [crl(entries=listed(DEVICE, more=[der.extension(UNKNOWN, True)]))], warns="critical")
case("an entry extension of another's entry that must be known", "crl_unavailable",
     [crl(entries=[(77, [der.extension(UNKNOWN, True)])])], warns="critical")
# --- whose list it is ---

OTHER = root("Other", key=KEYS[-2])
TWIN = root("Root", key=KEYS[-1])
NO_SIGN = root("No sign", ku=(usage("key_cert_sign"), True))
NO_USAGE = root("No usage", ku=None)
case("another CA's list is none of ours", "crl_unavailable", [crl(OTHER)], anchors=[ROOT, OTHER])
case("another CA's list with the same serial number changes nothing", "ok", [crl(), crl(OTHER, listed(DEVICE))],
     anchors=[ROOT, OTHER])
case("another CA of the same name revokes nobody of ours", "ok", [crl(), crl(TWIN, listed(DEVICE))], anchors=[ROOT, TWIN])
case("another CA of the same name vouches for nobody of ours", "crl_unavailable", [crl(TWIN)], anchors=[ROOT, TWIN])
case("a list with a wrong signature", "crl_unavailable", [crl(twist=lambda s: s[:-1] + bytes([s[-1] ^ 1]))], warns="signature")
case("a list signed by a stranger", "crl_unavailable", [crl(signer=TWIN.key)], warns="signature")
case("a list signed by the device", "crl_unavailable", [crl(signer=DEVICE.key)], warns="signature")
case("a list without a key identifier", "ok", [crl(aki=False)])
case("a list by a key that may not sign lists (6.3.3 (f))", "crl_unavailable", [crl(NO_SIGN)], leaf(NO_SIGN), anchors=[NO_SIGN],
     warns="may sign CRLs")
case("a list by a CA without key usage (6.3.3 (f))", "ok", [crl(NO_USAGE)], leaf(NO_USAGE), anchors=[NO_USAGE])
RSA_ROOT = root("RSA root", key=RSA_KEYS[2048])
for digest in ("SHA1", "MD5"):
    case(f"a list signed with {digest}", "crl_unavailable", [crl(RSA_ROOT, digest=digest)], leaf(RSA_ROOT), anchors=[RSA_ROOT],
         warns="weak")
OTHER_HASH = der.sequence(der.oid(der.ECDSA["SHA384"]))
case("a list with one algorithm within and another without (5.1.1.2)", "crl_unavailable", [crl(inner=OTHER_HASH)], warns="algorithm")

# --- its time ---

case("a list that ended", "crl_expired", [crl(begin=NOW - 9 * DAY, end=NOW - DAY)], detail="2026-09-20")
case("a list that ended revokes all the same", "revoked", [crl(entries=listed(DEVICE), begin=NOW - 9 * DAY, end=NOW - DAY)])
case("a list that has not begun", "crl_unavailable", [crl(begin=NOW + DAY, end=NOW + 9 * DAY)], detail="future")
case("a list of five minutes ahead is a matter of clocks", "ok", [crl(begin=NOW + 200)])
case("a list without an end (5.1.2.5)", "crl_unavailable", [crl(end=None)], warns="nextUpdate")
case("a list whose begin can't be read", "crl_unavailable", [crl(begin=der.tlv(0x17, b"nonsense"))])
case("a list whose end can't be read", "crl_unavailable", [crl(end=der.tlv(0x17, b"301301000000Z"))])
case("a list whose end is before its begin", ("crl_expired", "crl_unavailable"), [crl(begin=NOW - DAY, end=NOW - 2 * DAY)])
case("of two lists the newer one counts, and takes back", "ok", [crl(entries=listed(DEVICE), count=1), crl(count=2)])
case("of two lists the newer one counts, and revokes", "revoked", [crl(count=3), crl(entries=listed(DEVICE), count=4)])
case("a lower number is older whatever its date says", "revoked",
     [crl(entries=listed(DEVICE), count=9, begin=NOW - 2 * DAY), crl(count=8)])
case("a date in the future revokes now", "revoked", [crl(entries=listed(DEVICE), end=NOW + 2 * DAY)])

# --- its form ---

case("a list of version 1", "ok", [crl(version=None, count=None, aki=False)])
case("extensions in a list of version 1 (5.1.2.1)", "crl_unavailable", [crl(version=None)], warns="version")
case("a list of a version that does not exist", "crl_unavailable", [crl(version=2)], warns="version")
case("an extension that must be known (5.2)", "crl_unavailable", [crl(more=[der.extension(UNKNOWN, True)])], warns="critical")
case("an extension that need not be known", "ok", [crl(more=[der.extension(UNKNOWN)])])
case("an extension that stands twice", "crl_unavailable", [crl(more=[der.extension(UNKNOWN), der.extension(UNKNOWN)])], warns="twice")
case("two numbers", "crl_unavailable", [crl(more=[number(2)])])
case("a number that is critical (5.2.3)", "crl_unavailable", [crl(count=None, more=[number(1, True)])], warns="cRLNumber")
case("a negative number", "crl_unavailable", [crl(count=-1)], warns="cRLNumber")
case("a number of twenty octets", "ok", [crl(count=2**158)])
case("no number: its age is told by its date", "ok", [crl(count=None)])
case("a number that can't be read", "crl_unavailable", [crl(count=None, more=[der.extension(("2.5.29.20", b"x"))])])
case("a list with something behind it", "crl_unavailable", [crl() + b"\0"])
case("a list in indefinite length", "crl_unavailable", [b"\x30\x80" + crl()[4:] + b"\0\0"])
case("a list that is cut", "crl_unavailable", [crl()[:-5]])
case("nonsense instead of a list", "crl_unavailable", [b"nonsense"])
case("a certificate instead of a list", "crl_unavailable", [ROOT.der])

# --- its scope (5.2.5, 6.3.3 (b)) ---

case("a list of the device's distribution point", "ok", [crl(more=[idp(HERE)])], AT_HERE)
case("a list of another distribution point", "crl_unavailable", [crl(more=[idp(THERE)])], AT_HERE)
case("a list of another distribution point revokes nobody here", "ok",
     [crl(more=[idp(HERE)]), crl(more=[idp(THERE)], entries=listed(AT_HERE))], AT_HERE)
case("a list of a distribution point, and the device names none", "crl_unavailable", [crl(more=[idp(HERE)])])
case("a complete list, and the device names a distribution point", "ok", [crl()], AT_HERE)
case("a place that is nearly the same is another one", "crl_unavailable",
     [crl(more=[idp(URI("http://pki.example/%68ere.crl"))])], AT_HERE)
case("a list of devices", "ok", [crl(more=[idp(only_contains_user_certs=True)])])
case("a list of CAs says nothing of devices", "crl_unavailable", [crl(more=[idp(only_contains_ca_certs=True)])])
case("a list of attribute certificates says nothing of others", "crl_unavailable",
     [crl(more=[idp(only_contains_attribute_certs=True)])], warns="attribute")
case("a list of CAs and of nothing but devices", "crl_unavailable",
     [crl(more=[der.extension(("2.5.29.28", der.sequence(b"\x81\1\xff", b"\x82\1\xff")), True)])], warns="scope")
case("a distribution point that can't be read", "crl_unavailable", [crl(more=[der.extension(("2.5.29.28", b"nonsense"), True)])],
     warns="distribution point")
REASONS = list(x509.ReasonFlags)
SOME = [r for r in REASONS if r in (x509.ReasonFlags.key_compromise, x509.ReasonFlags.ca_compromise)]
REST = [r for r in REASONS if r not in (*SOME, x509.ReasonFlags.unspecified, x509.ReasonFlags.remove_from_crl)]
case("a list of some reasons is not enough", "crl_unavailable", [crl(more=[idp(only_some_reasons=frozenset(SOME))])], detail="reasons")
case("a list of some reasons is enough to revoke", "revoked",
     [crl(more=[idp(only_some_reasons=frozenset(SOME))], entries=listed(DEVICE, reason=REVOKED))])
case("two lists that together have all reasons", "ok",
     [crl(more=[idp(only_some_reasons=frozenset(SOME))]), crl(more=[idp(only_some_reasons=frozenset(REST))])])
INTER = ca("Intermediate", ROOT)
BELOW = leaf(INTER)
case("each certificate of the path is looked up", "ok", [crl(), crl(INTER)], BELOW, [INTER])
case("an intermediate that is revoked", "revoked", [crl(entries=listed(INTER)), crl(INTER)], BELOW, [INTER], detail="CN=Intermediate")
case("an intermediate that can't be looked up", "crl_unavailable", [crl(INTER)], BELOW, [INTER], detail="CN=Intermediate")
case("a device that can't be looked up", "crl_unavailable", [crl()], BELOW, [INTER], detail="CN=device")
case("a list of devices says nothing of an intermediate", "crl_unavailable",
     [crl(more=[idp(only_contains_user_certs=True)]), crl(INTER)], BELOW, [INTER], detail="CN=Intermediate")
case("a list of CAs is enough for an intermediate", "ok", [crl(more=[idp(only_contains_ca_certs=True)]), crl(INTER)], BELOW, [INTER])

# --- deltas (5.2.4, 6.3.3 (c)) ---

case("a delta revokes", "revoked", [crl(), delta(1, entries=listed(DEVICE))])
case("a delta takes back", "ok", [crl(entries=listed(DEVICE, reason=HELD)), delta(1, entries=listed(DEVICE, reason=REMOVED))])
case("a delta that says nothing", "ok", [crl(), delta(1)])
case("a delta alone is no list", "crl_unavailable", [delta(1)], warns="delta")
case("a delta to a list that is not here", "ok", [crl(count=1), delta(5, count=6, entries=listed(DEVICE))], warns="delta")
case("a delta that is older than the list", "ok", [crl(count=5), delta(1, count=2, entries=listed(DEVICE))], warns="delta")
case("a delta that ended revokes all the same", "revoked",
     [crl(), delta(1, entries=listed(DEVICE), begin=NOW - 9 * DAY, end=NOW - DAY)])
case("a delta that ended takes nothing back", "revoked",
     [crl(entries=listed(DEVICE, reason=HELD)), delta(1, entries=listed(DEVICE, reason=REMOVED), begin=NOW - 9 * DAY, end=NOW - DAY)])
case("a delta by a stranger takes nothing back", "revoked",
     [crl(entries=listed(DEVICE)), delta(1, entries=listed(DEVICE, reason=REMOVED), signer=TWIN.key)])
case("a delta of another scope takes nothing back", "revoked",
     [crl(entries=listed(DEVICE)), crl(count=2, entries=listed(DEVICE, reason=REMOVED), more=[
         der.extension(("2.5.29.27", der.integer(1)), True), idp(only_contains_user_certs=True)])])
case("a delta whose base can't be read", "ok", [crl(), crl(count=2, entries=listed(DEVICE), more=[
    der.extension(("2.5.29.27", b"x"), True)])], warns="base")

# --- lists by others (indirect CRLs, 5.3.3, 6.3.3 (b)(1)) ---

LISTER = Cert("Lister", ROOT, ku=(usage("crl_sign"), True), eku=None)


def of(name):
    return der.extension(x509.CertificateIssuer([x509.DirectoryName(der.name(name))]), True)


ELSEWHERE = leaf(ROOT, more=[points(HERE, issuer="Lister")])
INDIRECT = idp(HERE, indirect_crl=True)
case("a list by whom the device's certificate names", "ok", [crl(LISTER, more=[INDIRECT]), crl()], ELSEWHERE, [LISTER])
case("an entry of the device's issuer on another's list", "revoked",
     [crl(LISTER, listed(ELSEWHERE, more=[of("Root")]), more=[INDIRECT]), crl()], ELSEWHERE, [LISTER])
case("an entry without an issuer is of the one before", "revoked",
     [crl(LISTER, [(1, [of("Root")]), *listed(ELSEWHERE)], more=[INDIRECT]), crl()], ELSEWHERE, [LISTER])
case("an entry of another issuer is not ours", "ok",
     [crl(LISTER, [*listed(ELSEWHERE, more=[of("Other")])], more=[INDIRECT]), crl()], ELSEWHERE, [LISTER])
case("a list by somebody whom the certificate does not name", "crl_unavailable", [crl(LISTER, more=[idp(HERE, indirect_crl=True)])],
     AT_HERE, [LISTER])
case("entries of others on a list that does not say that it is indirect", "crl_unavailable",
     [crl(entries=listed(DEVICE, more=[of("Other")]))], warns="indirect")


@pytest.fixture(scope="module")
def answers(folder):
    place = folder / "pkix-revocation"
    place.mkdir(exist_ok=True)
    asked = []
    for n, (_, _, _, c) in enumerate(CASES.values()):
        files = case_files(place, n, c)
        for k, content in enumerate(c["lists"]):
            (place / f"{n}-{k}.crl").write_bytes(content)
        asked.append({"at": NOW, "crl": [str(place / f"{n}-{k}.crl") for k in range(len(c["lists"]))]} | files | c["asked"])
    return dict(zip(CASES, ask(folder, "cert", asked)))


@pytest.mark.parametrize("sentence", CASES)
def test_rfc5280_revocation(answers, sentence):
    want, detail, warns, _ = CASES[sentence]
    answer = answers[sentence]
    assert answer["reason"] in ((want,) if isinstance(want, str) else want), answer
    assert detail in answer["detail"] and warns in " ".join(answer.get("warnings", [])), answer
