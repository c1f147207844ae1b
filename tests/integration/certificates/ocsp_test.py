# SPDX-License-Identifier: Apache-2.0
"""OCSP responses (RFC 6960) asked through `cmg cert check --ocsp`: who may sign them, and what they change."""
import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kit import der
from kit.batch import ask

NOW = datetime.datetime(2026, 6, 1)
DAY = datetime.timedelta(days=1)
ROOT_KEY, LEAF_KEY, RESPONDER_KEY, STRANGER_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(4))
DER = serialization.Encoding.DER


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def make(subject, issuer, key, signer, usage=None, ca=False):
    builder = x509.CertificateBuilder(name(issuer), name(subject), key.public_key(), x509.random_serial_number(),
                                      NOW - DAY, NOW + 300 * DAY)
    builder = builder.add_extension(x509.BasicConstraints(ca, None), True)
    if usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), False)
    return builder.sign(signer, hashes.SHA256())


ROOT = make("Root", "Root", ROOT_KEY, ROOT_KEY, ca=True)
LEAF = make("device", "Root", LEAF_KEY, ROOT_KEY, ExtendedKeyUsageOID.CLIENT_AUTH)
OTHER = make("other", "Root", LEAF_KEY, ROOT_KEY, ExtendedKeyUsageOID.CLIENT_AUTH)
RESPONDER = make("Responder", "Root", RESPONDER_KEY, ROOT_KEY, ExtendedKeyUsageOID.OCSP_SIGNING)
NO_RESPONDER = make("Impostor", "Root", RESPONDER_KEY, ROOT_KEY, ExtendedKeyUsageOID.CLIENT_AUTH)
STRANGER = make("Root", "Root", STRANGER_KEY, STRANGER_KEY, ca=True)


def response(status=ocsp.OCSPCertStatus.GOOD, about=LEAF, signer=(ROOT, ROOT_KEY), begin=-DAY, end=DAY, algorithm=None,
             sent=None):
    revoked = status == ocsp.OCSPCertStatus.REVOKED
    builder = ocsp.OCSPResponseBuilder().add_response(
        about, ROOT, algorithm or hashes.SHA1(), status, NOW + begin, end and NOW + end, NOW - DAY if revoked else None,
        None).responder_id(ocsp.OCSPResponderEncoding.HASH, signer[0])
    if sent:
        builder = builder.certificates(sent)
    return builder.sign(signer[1], hashes.SHA256()).public_bytes(DER)


def response_by_sha1():
    """What no library signs any more: the same words, signed anew (RFC 6960 4.2.1)."""
    status, rest = der.parts(response())
    kind, basic = der.parts(next(der.parts(rest)))
    tbs, *_ = der.parts(next(der.parts(basic)))
    return der.sequence(status, der.explicit(0, der.sequence(kind, der.octets(der.signed(tbs, ROOT_KEY, "SHA1")))))


def crl(*revoked, begin=-DAY, end=DAY):
    builder = x509.CertificateRevocationListBuilder(name("Root"), NOW + begin, NOW + end)
    for cert in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(cert.serial_number).revocation_date(NOW - DAY).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(ROOT_KEY, hashes.SHA256()).public_bytes(DER)


def verdicts(folder, *cases):
    """Each case: a list of responses and of CRLs."""
    asked = []
    for i, (responses, crls) in enumerate(cases):
        case = {"anchors": folder / "root.der", "cert": folder / "leaf.der", "at": "2026-06-01T00:00:00Z", "ocsp": [],
                "crl": []}
        for kind, files in (("ocsp", responses), ("crl", crls)):
            for k, data in enumerate(files):
                path = folder / f"{i}-{k}.{kind}"
                path.write_bytes(data)
                case[kind].append(str(path))
        asked.append(case)
    (folder / "root.der").write_bytes(ROOT.public_bytes(DER))
    (folder / "leaf.der").write_bytes(LEAF.public_bytes(DER))
    answers = ask(folder, "cert", [{k: v if isinstance(v, (list, str)) else str(v) for k, v in c.items()} for c in asked])
    return [answer["reason"] for answer in answers]


GOOD, REVOKED, UNKNOWN = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN


def test_a_responders_word_decides_without_a_crl(tmp_path):
    assert verdicts(tmp_path, ([response()], []), ([response(REVOKED)], []), ([response(UNKNOWN)], []), ([], []),
                    ([response(algorithm=hashes.SHA256())], []), ([response(about=OTHER)], [])) == \
        ["ok", "revoked", "ocsp_unavailable", "crl_unavailable", "ok", "crl_unavailable"]


def test_the_issuer_or_whom_it_let_sign_and_nobody_else(tmp_path):
    altered = response()
    altered = altered[:-1] + bytes([altered[-1] ^ 1])
    assert verdicts(tmp_path, ([response(signer=(RESPONDER, RESPONDER_KEY), sent=[RESPONDER])], []),
                    ([response(signer=(NO_RESPONDER, RESPONDER_KEY), sent=[NO_RESPONDER])], []),
                    ([response(signer=(STRANGER, STRANGER_KEY), sent=[STRANGER])], []),
                    ([altered], []),
                    ([response(signer=(LEAF, LEAF_KEY), sent=[LEAF])], []),
                    ([response_by_sha1()], [])) == ["ok"] + ["ocsp_unavailable"] * 5
    assert verdicts(tmp_path, ([response(REVOKED, signer=(STRANGER, STRANGER_KEY), sent=[STRANGER])], [crl()])) == ["ok"]


def test_an_outdated_or_future_response_is_of_no_use(tmp_path):
    assert verdicts(tmp_path, ([response(begin=-3 * DAY, end=-DAY)], []), ([response(begin=DAY, end=2 * DAY)], []),
                    ([response(end=None)], []), ([response(REVOKED, begin=-3 * DAY, end=-DAY)], [])) == \
        ["ocsp_unavailable"] * 3 + ["revoked"]


def test_responses_and_lists_together(tmp_path):
    assert verdicts(tmp_path, ([response()], [crl(LEAF)]), ([response(REVOKED)], [crl()]), ([response(UNKNOWN)], [crl()]),
                    ([response(), response(REVOKED)], []), ([b"garbage"], [crl()]), ([b"garbage"], [])) == \
        ["revoked", "revoked", "ok", "revoked", "ok", "crl_unavailable"]


# --- delegated responders (RFC 6960 4.2.2.2) ---

OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_ROOT = make("Other", "Other", OTHER_KEY, OTHER_KEY, ca=True)
OCSP_SIGNING = ExtendedKeyUsageOID.OCSP_SIGNING


def responder(begin=-DAY, end=DAY * 300, usage=(OCSP_SIGNING,), issuer="Root", signer=ROOT_KEY, key=RESPONDER_KEY, more=()):
    builder = x509.CertificateBuilder(name(issuer), name("Responder"), key.public_key(), x509.random_serial_number(), NOW + begin,
                                      NOW + end).add_extension(x509.BasicConstraints(False, None), True)
    if usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(usage)), False)
    for extension, critical in more:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, hashes.SHA256())


def by(certificate, key=RESPONDER_KEY, **more):
    return response(signer=(certificate, key), sent=[certificate], **more)


def test_a_delegated_responder_is_a_certificate_that_is_good_itself(tmp_path):
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00")
    usage = x509.KeyUsage(*[False] * 4, True, *[False] * 4)
    wrong = {"ended": responder(begin=-9 * DAY, end=-DAY), "not begun": responder(begin=DAY), "no usage": responder(usage=()),
             "any usage": responder(usage=[x509.ObjectIdentifier("2.5.29.37.0")]),
             "of another CA": responder(issuer="Other", signer=OTHER_KEY), "of another key": responder(signer=OTHER_KEY),
             "of itself": responder(issuer="Responder", signer=RESPONDER_KEY), "weak hash": der.resigned(responder(), ROOT_KEY, "SHA1"),
             "a critical extension": responder(more=[(unknown, True)]), "may not sign": responder(more=[(usage, True)])}
    assert verdicts(tmp_path, ([by(responder())], []), ([by(responder(usage=[OCSP_SIGNING, ExtendedKeyUsageOID.CLIENT_AUTH]))], [])) == \
        ["ok", "ok"]
    got = dict(zip(wrong, verdicts(tmp_path, *[([by(certificate)], []) for certificate in wrong.values()])))
    assert got == dict.fromkeys(wrong, "ocsp_unavailable")
    # and nobody of them takes a certificate back, nor keeps a list from being asked
    assert set(verdicts(tmp_path, *[([by(c, status=REVOKED)], [crl()]) for c in wrong.values()])) == {"ok"}


def test_a_delegated_responder_that_was_revoked_says_nothing_unless_the_ca_spares_the_question(tmp_path):
    plain, spared = responder(), responder(more=[(x509.OCSPNoCheck(), False)])
    got = verdicts(tmp_path, ([by(plain)], [crl(plain)]), ([by(plain, status=REVOKED)], [crl(plain)]), ([by(plain)], [crl()]),
                   ([by(spared, status=REVOKED)], [crl(spared)]), ([by(plain, status=REVOKED)], [crl(spared)]))
    # the list that takes the responder back speaks for the device too, and does not name it
    assert got == ["ok", "ok", "ok", "revoked", "revoked"]
    other = crl(plain, begin=-9 * DAY, end=-DAY)
    assert verdicts(tmp_path, ([by(plain)], [other]), ([by(plain)], [crl(LEAF, begin=-9 * DAY, end=-DAY)])) == [
        "ocsp_unavailable", "revoked"]


def test_a_weak_key_signs_no_response(tmp_path):
    weak = rsa.generate_private_key(65537, 1024)
    assert verdicts(tmp_path, ([by(responder(key=weak), weak)], [])) == ["ocsp_unavailable"]


def test_a_response_is_about_one_certificate_of_one_issuer(tmp_path):
    """The same serial number of another issuer, by a responder of ours and by one of theirs."""
    namesake = x509.CertificateBuilder(name("Other"), name("device"), LEAF_KEY.public_key(), LEAF.serial_number, NOW - DAY,
                                       NOW + DAY).sign(OTHER_KEY, hashes.SHA256())

    def about(issuer, signer, key):
        return ocsp.OCSPResponseBuilder().add_response(
            namesake, issuer, hashes.SHA1(), GOOD, NOW - DAY, NOW + DAY, None, None).responder_id(
                ocsp.OCSPResponderEncoding.HASH, signer).sign(key, hashes.SHA256()).public_bytes(DER)
    assert verdicts(tmp_path, ([about(OTHER_ROOT, ROOT, ROOT_KEY)], []), ([about(OTHER_ROOT, OTHER_ROOT, OTHER_KEY)], [])) == \
        ["crl_unavailable"] * 2


def test_a_response_cut_or_altered_anywhere_is_of_no_use(tmp_path):
    whole = response()
    answers = verdicts(tmp_path, *[([whole[:n]], []) for n in range(1, len(whole))],
                       *[([whole[:n] + bytes([whole[n] ^ 1]) + whole[n + 1:]], []) for n in range(len(whole))])
    assert "ok" not in answers and "revoked" not in answers
    assert verdicts(tmp_path, ([whole + b"\0"], []), ([whole], [])) == ["crl_unavailable", "ok"]


# --- what must be understood (RFC 6960 4.2.1, 4.4) ---

def changed(single=b"", whole=b"", version=b"", status=GOOD):
    """A good response with DER put at the end of its single answer, at its own end, and before all."""
    outer, rest = der.parts(response(status))
    kind, basic = der.parts(next(der.parts(rest)))
    tbs, *_ = der.parts(next(der.parts(basic)))
    who, when, singles = der.parts(tbs)
    one = der.sequence(*der.parts(next(der.parts(singles))), single)
    tbs = der.sequence(version, who, when, der.sequence(one), whole)
    return der.sequence(outer, der.explicit(0, der.sequence(kind, der.octets(der.signed(tbs, ROOT_KEY, "SHA256")))))


def extensions(kind, critical=True, content=der.NULL):
    return der.explicit(1, der.sequence(der.extension((kind, content), critical)))


def test_a_critical_extension_that_nobody_knows_makes_a_response_useless(tmp_path):
    unknown, ordinary = extensions("1.3.6.1.4.1.55555.1"), extensions("1.3.6.1.4.1.55555.1", False)
    cutoff = extensions("1.3.6.1.5.5.7.48.1.6", content=der.tlv(0x18, b"20200101000000Z"))
    got = verdicts(tmp_path, *[([changed(**{where: content})], []) for where in ("single", "whole")
                               for content in (unknown, ordinary, cutoff)])
    assert got == ["ocsp_unavailable", "ok", "ok"] * 2
    assert verdicts(tmp_path, ([changed(single=unknown, status=REVOKED)], [crl()])) == ["ok"]


def test_a_response_of_another_version_is_of_no_use(tmp_path):
    assert verdicts(tmp_path, ([changed(version=der.explicit(0, der.integer(1)))], []),
                    ([changed(version=der.explicit(0, der.integer(0)))], []), ([changed()], [])) == ["ocsp_unavailable", "ok", "ok"]
