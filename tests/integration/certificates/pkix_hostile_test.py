# SPDX-License-Identifier: Apache-2.0
"""Certificates that were made to break the one who reads them: broken DER, huge ones, meshes that take for ever."""
import itertools
import random
from pathlib import Path

import pytest
from cryptography import x509

from kit import der
from kit.batch import ask, judge, pem
from kit.chains import DAY, KEYS, NOW, ROOT, Cert, ca, constraints, leaf, raw, root, san

VECTORS = Path("/usr/lib/python3/dist-packages/cryptography_vectors/x509")


GOOD = leaf(ROOT, key=KEYS[5], more=[san(x509.DNSName("pc.example"))])


def test_a_certificate_cut_anywhere_is_malformed(tmp_path):
    answers, _ = judge(tmp_path, [GOOD.der[:n] for n in range(len(GOOD.der))] + [GOOD.der])
    assert [a["reason"] for a in answers[1:]] == ["malformed"] * (len(GOOD.der) - 1) + ["ok"]


def test_a_certificate_altered_anywhere_is_refused(tmp_path):
    contents = [GOOD.der[:n] + bytes([GOOD.der[n] ^ bit]) + GOOD.der[n + 1:] for n in range(len(GOOD.der)) for bit in (1, 0x80)]
    answers, _ = judge(tmp_path, contents)
    assert {a["ok"] for a in answers} == {False}


def test_random_octets_and_random_damage_are_refused(tmp_path):
    dice = random.Random(5280)
    contents = [dice.randbytes(dice.randint(1, 400)) for _ in range(200)]
    for _ in range(600):
        at = dice.randrange(len(GOOD.der))
        length = dice.randint(0, 8)
        contents.append(GOOD.der[:at] + dice.randbytes(dice.randint(0, 8)) + GOOD.der[at + length:])
    answers, _ = judge(tmp_path, [c for c in contents if c != GOOD.der])
    assert {a["ok"] for a in answers} == {False}


# --- BER that is no DER ---

def long_length(content):
    """The outermost length in more octets than it needs."""
    assert content[:2] == b"\x30\x82"
    return b"\x30\x83\0" + content[2:]


def with_extension(*extensions):
    return leaf(ROOT, key=KEYS[5], more=extensions)


def indefinite(content):
    """A constructed value without a length."""
    head = 2 if content[1] < 0x80 else 2 + (content[1] & 0x7f)
    return content[:1] + b"\x80" + content[head:] + b"\0\0"


def test_what_is_not_der_is_refused_although_its_signature_is_right(tmp_path):
    unsigned = [long_length(GOOD.der), indefinite(GOOD.der), GOOD.der + b"\0", b"\0" + GOOD.der, GOOD.der * 2,
                der.sequence(GOOD.der), der.octets(GOOD.der)]
    validity = der.sequence(der.time(NOW - DAY), der.time(NOW + DAY))
    extensions = [der.extension(("2.5.29.37", der.sequence(der.oid("1.3.6.1.5.5.7.3.2"))))]
    parts = [der.explicit(0, der.integer(2)), der.integer(7), der.algorithm(ROOT.key, "SHA256"),
             der.name("Root").public_bytes(), validity, der.name("device").public_bytes(), der.spki(KEYS[5]),
             der.explicit(3, der.sequence(*extensions))]

    def signed(*body, wrap=der.sequence):
        return der.signed(wrap(*body), ROOT.key, "SHA256")
    assert judge(tmp_path, [signed(*parts)])[0][0]["ok"]

    def but(place, content):
        return signed(*parts[:place], content, *parts[place + 1:])
    wrong = [but(0, indefinite(parts[0])), but(4, indefinite(validity)), but(5, indefinite(parts[5])),
             but(4, b"\x30\x81" + validity[1:]), but(5, b"\x30\x81" + parts[5][1:]), but(7, indefinite(parts[7])),
             but(1, b"\x02\x02\x00\x07"), but(1, b"\x22\x03\x02\x01\x07"), signed(*parts, b"\x05\x00"),
             signed(*parts, der.explicit(9, b"\x05\x00")), signed(*parts[1:], parts[0]), signed(*parts[:5]),
             signed(*parts, wrap=lambda *b: indefinite(der.sequence(*b))),
             # a name in two halves, a name in a form that names do not have, a name without a value
             but(5, der.sequence(der.tlv(0x31, der.sequence(der.oid("2.5.4.3"), der.tlv(0x2c, der.tlv(0x0c, b"dev") + der.tlv(0x0c, b"ice")))))),
             but(5, der.sequence(der.tlv(0x31, der.sequence(der.oid("2.5.4.3"))))),
             but(5, der.sequence(der.tlv(0x31, b""))), but(5, der.tlv(0x31, b""))]
    answers, _ = judge(tmp_path, unsigned + wrong)
    assert [(n, a["reason"]) for n, a in enumerate(answers) if a["ok"]] == []
    assert {a["reason"] for a in answers[:len(unsigned)]} == {"malformed"}


def test_a_file_is_read_in_one_way_alone(tmp_path):
    text = pem(GOOD.der)
    trojan = with_extension(raw("1.3.6.1.4.1.55555.4", pem(ROOT.der), False))
    good = [text, b"a comment\n" + text, text.replace(b"\n", b"\r\n"), trojan.der]
    bad = [text.replace(b"-----END", b"----END"), text[:-40], text.replace(b"MII", b"M!I", 1), pem(GOOD.der + b"\0"),
           pem(GOOD.der, title="PRIVATE KEY"), pem(long_length(GOOD.der)), b"", b"\n", pem(b"")]
    answers, _ = judge(tmp_path, good + bad)
    assert [a["reason"] for a in answers] == ["ok"] * len(good) + ["malformed"] * len(bad)


# --- sizes ---

def test_what_is_huge_is_judged_soon_or_refused(tmp_path):
    junk = [raw(f"1.3.6.1.4.1.55555.5.{n}", b"x", False) for n in range(70)]
    names = [x509.DNSName(f"pc{n}.example.com") for n in range(20000)]
    wide = ca("I", ROOT, nc=constraints([x509.DNSName(f"host{n}.example.com") for n in range(2000)] + [x509.DNSName("example.com")]))
    cases = [("constraint_violated", leaf(ROOT, more=junk), []),  # so many extensions
             ("ok", leaf(ROOT, more=[raw("1.3.6.1.4.1.55555.5", b"x" * 500000, False)]), []),
             ("malformed", leaf(ROOT, more=[raw("1.3.6.1.4.1.55555.5", b"x" * 2000000, False)]), []),
             ("ok", leaf(ROOT, more=[san(*names)]), []),
             ("ok", leaf(ROOT, subject=[(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, f"unit {n}") for n in range(2000)]), []),
             ("constraint_violated", leaf(wide, more=[san(*names)]), [wide])]  # forty million comparisons
    for want, subject, middle in cases:
        (answer,), seconds = judge(tmp_path, [subject.der], middle=middle)
        assert seconds < 3, (want, seconds)
        assert answer["reason"] == want, (want, answer["reason"], answer["detail"])


def test_policies_that_multiply_with_each_ca_end_soon(tmp_path):
    """Each CA maps each of its policies to each of the next ones: 40^7 nodes, were the tree of RFC 5280 6.1.2 drawn."""
    kinds = [x509.ObjectIdentifier(f"1.3.6.1.4.1.55555.6.{n}") for n in range(40)]
    given = [(x509.CertificatePolicies([x509.PolicyInformation(k, None) for k in kinds]), False)]
    maps = raw("2.5.29.33", der.sequence(*(der.sequence(der.oid(a.dotted_string), der.oid(b.dotted_string))
                                           for a in kinds for b in kinds)), False)
    at, chain = ROOT, []
    for n in range(7):
        at = ca(f"P{n}", at, more=[*given, maps, (x509.PolicyConstraints(0, None), True)])
        chain.append(at)
    answers, seconds = judge(tmp_path, [leaf(at, more=given).der], middle=chain)
    assert seconds < 5 and answers[0]["reason"] in ("ok", "constraint_violated"), (seconds, answers)


def test_what_is_nested_deeply_is_refused(tmp_path):
    deep = b""
    for _ in range(3000):
        deep = der.sequence(deep)
    inside = [leaf(ROOT, more=[raw("2.5.29.17", deep, False)]), leaf(ROOT, more=[raw("2.5.29.32", deep, False)]),
              leaf(ROOT, more=[raw("2.5.29.30", deep, True)], bc=None), leaf(ROOT, unique=deep), leaf(ROOT, public=deep)]
    answers, seconds = judge(tmp_path, [c.der for c in inside] + [deep])
    assert seconds < 2 and {a["ok"] for a in answers} == {False}, answers


# --- meshes ---

def test_certificates_that_certify_each_other_end_nowhere_soon(tmp_path):
    a, b = KEYS[1], KEYS[2]
    ring = [Cert("A", issuer="B", signer=b, key=a, ca=True, aki=None), Cert("B", issuer="A", signer=a, key=b, ca=True, aki=None)]
    same = [Cert("C", issuer="C", signer=b, key=a, ca=True, aki=None), Cert("C", issuer="C", signer=a, key=b, ca=True, aki=None)]
    for circle in (ring, same):
        answers, seconds = judge(tmp_path, [leaf(circle[0]).der], middle=circle)
        assert not answers[0]["ok"] and seconds < 2
    bridge = Cert("A", ROOT, key=a, ca=True)
    answers, _ = judge(tmp_path, [leaf(ring[0]).der], middle=[*ring, bridge])
    assert answers[0]["ok"]


def test_cross_certified_roots_lead_home(tmp_path):
    """Three roots that certified each other, one of which is trusted; and a chain over one that ended beside the root itself."""
    k = KEYS[1:4]
    cross = [Cert(f"Root {s}", issuer=f"Root {i}", signer=k[i], key=k[s], ca=True,
                  aki=(x509.AuthorityKeyIdentifier(x509.SubjectKeyIdentifier.from_public_key(k[i].public_key()).digest, None, None), False))
             for i, s in itertools.permutations(range(3), 2)]
    trusted = root("Root 0", key=k[0])
    sub = ca("Sub", trusted)
    assert judge(tmp_path, [leaf(sub).der], [trusted], [sub, *cross])[0][0]["ok"]
    other = root("Root 9", key=k[1])
    pain = Cert("Root 0", other, key=k[0], ca=True, end=NOW - DAY)
    assert judge(tmp_path, [leaf(trusted).der], [trusted, other], [pain])[0][0]["ok"]
    assert judge(tmp_path, [leaf(trusted).der], [other], [pain])[0][0]["reason"] == "expired"


@pytest.mark.parametrize("good", [True, False])
def test_ladders_with_two_ways_at_each_step_are_judged_in_bounded_time(tmp_path, good):
    """2^7 ways up, and every one of them ends at a constraint that the device's name breaks, but for one at most."""
    key = [KEYS[n] for n in range(1, 9)]
    steps = [Cert(f"Step {n}", issuer=f"Step {n - 1}" if n else "Root", signer=key[n - 1] if n else ROOT.key, key=key[n], ca=True, aki=None,
                  nc=constraints(None, [x509.DirectoryName(der.name("device"))]) if variant or not good else None)
             for n in range(7) for variant in (1, 0)]
    answers, seconds = judge(tmp_path, [leaf(steps[-1], aki=None).der], middle=steps)
    assert answers[0]["ok"] == good and seconds < 5, answers
    assert good or answers[0]["reason"] == "constraint_violated"


def test_hundreds_of_candidates_of_one_name_hide_nobody(tmp_path):
    """BetterTLS's idea at large: every fault of a candidate issuer, a hundred times, and one that is good."""
    key = KEYS[4]
    faults = [dict(end=NOW - 1), dict(begin=NOW + 1), dict(bc=None), dict(ku=(x509.KeyUsage(*[True] + [False] * 8), True)),
              dict(eku=(x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.3.6.1.5.5.7.3.1")]), False)), dict(signer=KEYS[6]),
              dict(nc=constraints(None, [x509.DirectoryName(der.name("device"))])), dict(digest="SHA1"),
              dict(more=[raw("1.3.6.1.4.1.55555.1", b"\5\0")])]
    bad = [ca("Many", ROOT, key=key, **fault) for _ in range(3) for fault in faults]
    good = ca("Many", ROOT, key=key)
    device = leaf(good)
    for at in (0, len(bad) // 2, len(bad)):
        answers, seconds = judge(tmp_path, [device.der], middle=[*bad[:at], good, *bad[at:]])
        assert answers[0]["ok"] and seconds < 5, answers
    answers, seconds = judge(tmp_path, [device.der], middle=bad)
    assert not answers[0]["ok"] and seconds < 5


def test_thousands_of_certificates_that_are_no_issuers_do_not_matter(tmp_path):
    strangers = [ca(f"Stranger {n}", ROOT, key=KEYS[n % 9 + 1]) for n in range(2000)]
    twins = [ca("Many", ROOT, key=KEYS[n % 8 + 1], aki=None) for n in range(300)]  # of the name, but of other keys
    good = ca("Many", ROOT, key=KEYS[9])
    answers, seconds = judge(tmp_path, [leaf(good).der], middle=[*strangers, good])
    assert answers[0]["ok"] and seconds < 5
    answers, seconds = judge(tmp_path, [leaf(good, aki=None).der], middle=[*twins, good])
    assert seconds < 10 and (answers[0]["ok"] or "too many" in answers[0]["detail"]), answers


def test_a_chain_is_taken_in_any_order_and_with_what_does_not_belong(tmp_path):
    chain = [leaf(j := ca("J", i := ca("I", ROOT))), j, i, ROOT, root("Stranger"), leaf(ROOT)]
    for order in itertools.permutations(chain[1:], 3):
        answers, _ = judge(tmp_path, [pem(chain[0].der, *(c.der for c in order))])
        assert answers[0]["ok"] == ({i.der, j.der} <= {c.der for c in order})


# --- several faults at once, as in Frankencerts ---

LEAF_FAULTS = {"end": (dict(end=NOW - 1), "expired"), "begin": (dict(begin=NOW + 1), "not_yet_valid"),
               "eku": (dict(eku=raw("2.5.29.37", der.sequence(der.oid("1.3.6.1.5.5.7.3.1")), False)), "wrong_usage"),
               "ku": (dict(ku=raw("2.5.29.15", der.bits(b"\x20", 5))), "wrong_usage"), "digest": (dict(digest="SHA1"), "weak_key"),
               "bc": (dict(bc=raw("2.5.29.19", b"nonsense")), "constraint_violated"),
               "more": (dict(more=[raw("1.3.6.1.4.1.55555.1", b"\5\0")]), "constraint_violated"),
               "version": (dict(version=1), "constraint_violated"), "aki": (dict(aki=raw("2.5.29.35", b"x")), "constraint_violated"),
               "subject": (dict(subject=[]), "name_missing"), "signer": (dict(signer=KEYS[9]), "bad_signature"),
               "inner": (dict(inner=der.sequence(der.oid(der.ECDSA["SHA384"]))), "bad_signature"),
               "serial": (dict(serial=b"\x02\x00"), "malformed"), "ski": (dict(ski=raw("2.5.29.14", b"x")), "constraint_violated")}
CA_FAULTS = {"end": (dict(end=NOW - 1), "expired"), "bc": (dict(bc=None), "constraint_violated"), "digest": (dict(digest="SHA1"), "weak_key"),
             "nc": (dict(nc=constraints(None, [x509.DirectoryName(der.name("device")), x509.DirectoryName(der.name([]))])), "constraint_violated"),
             "more": (dict(more=[raw("1.3.6.1.4.1.55555.1", b"\5\0")]), "constraint_violated"),
             "signer": (dict(signer=KEYS[9]), "bad_signature"), "version": (dict(version=None), "constraint_violated")}


def test_of_several_faults_the_reason_is_one_of_theirs(tmp_path):
    pairs = [names for n in (1, 2, 3) for names in itertools.combinations(LEAF_FAULTS, n)]
    made, want = [], []
    for names in pairs:
        given = {k: v for name in names for k, v in LEAF_FAULTS[name][0].items()}
        made.append(leaf(ROOT, key=KEYS[5], **given).der)
        want.append({LEAF_FAULTS[name][1] for name in names})
    answers, _ = judge(tmp_path, made)
    assert [(p, a["reason"], a["detail"]) for p, a, w in zip(pairs, answers, want) if a["reason"] not in w] == []


@pytest.mark.parametrize("fault", CA_FAULTS)
def test_of_faults_of_a_device_and_its_ca_the_reason_is_one_of_theirs(tmp_path, fault):
    above = ca("I", ROOT, key=KEYS[4], **CA_FAULTS[fault][0])
    answers, _ = judge(tmp_path, [leaf(above, key=KEYS[5], **given).der for given, _ in LEAF_FAULTS.values()], middle=[above])
    wrong = [(name, a["reason"], a["detail"]) for (name, (_, want)), a in zip(LEAF_FAULTS.items(), answers)
             if a["reason"] not in (want, CA_FAULTS[fault][1])]
    assert wrong == []


# --- what others collected ---

@pytest.mark.skipif(not VECTORS.is_dir(), reason="no python3-cryptography-vectors: run make deps")
@pytest.mark.parametrize("file, at, want", [
    ("custom/rsa_pss.pem", 1600000000, "ok"), ("ed25519/root-ed25519.pem", NOW, "ok"), ("ed448/root-ed448.pem", NOW, "ok"),
    ("ecdsa_root.pem", NOW, "ok"), ("bigoid.pem", 1500000000, "ok"), ("custom/negative_serial.pem", 1470000000, "ok"),
    ("badasn1time.pem", NOW, "constraint_violated"), ("custom/two_basic_constraints.pem", NOW, "constraint_violated"),
    ("custom/invalid_version.pem", NOW, "constraint_violated"), ("custom/cp_invalid.pem", NOW, "constraint_violated"),
    ("custom/inhibit_any_policy_negative.pem", NOW, "constraint_violated"), ("custom/long-form-name-attribute.pem", NOW, "malformed"),
    ("custom/unsupported_extension_critical.pem", NOW, "constraint_violated"), ("e-trust.ru.der", NOW, "weak_key"),
    ("custom/unsupported_subject_public_key_info.pem", NOW, "weak_key"), ("ed25519/ed25519-rfc8410.pem", 1500000000, "weak_key"),
    ("custom/ec_no_named_curve.pem", 1418400000, "weak_key"), ("custom/dsa_selfsigned_ca.pem", 1418400000, "weak_key"),
    ("cryptography.io.precert.pem", 1530000000, "constraint_violated"), ("verisign_md2_root.pem", 1200000000, "constraint_violated")])


def test_strange_certificates_of_the_field_as_their_own_anchors(tmp_path, file, at, want):
    answer, = ask(tmp_path, "cert", [{"anchors": str(VECTORS / file), "cert": str(VECTORS / file), "at": at, "crl_check": "off",
                                      "purpose": "any"}])
    assert answer["reason"] == want, answer


# --- names that people read ---

def test_names_are_shown_in_letters_of_any_script_and_never_steer_who_reads_them(tmp_path):
    def named(*values, more=()):
        return leaf(ROOT, key=KEYS[5], subject=[(x509.NameOID.ORGANIZATION_NAME, v) for v in values[1:]] +
                    [(x509.NameOID.COMMON_NAME, values[0])], more=more).der
    host = [san(x509.DNSName("pc.example"))]
    bent = ["\u202ecod.exe", "a\u2066b", "\u200fa", "a\u2028b", "\x9b31mred", "a\x85b", "a\x1bb", "a\nb", "\ufeffa", "a\U000e0041"]
    contents = [named("Gerät 東京"), *(named(b, more=host) for b in bent), named("\u202ea", "Gerät"), named("ä" * 60, *["ö" * 60] * 40)]
    answers, _ = judge(tmp_path, contents)
    assert [a["identity"] for a in answers] == ["Gerät 東京", *["pc.example"] * len(bent), "CN=\\E2\\80\\AEa,O=Gerät", "ä" * 60]
    # a name in a refusal, of each length, so that it is cut anywhere
    unknown = [leaf(ROOT, key=KEYS[5], subject="a" * n + "ä" * 61, issuer="b" * n + "東" * 61, aki=None).der for n in range(3)]
    unknown += [leaf(ROOT, key=KEYS[5], subject="a" * n + "\u202e\u0627", issuer="\x9b\u202e" + "ö" * n).der for n in range(60)]
    answers, _ = judge(tmp_path, unknown)
    for answer in answers:
        assert answer["reason"] == "incomplete_chain" and "is issued by" in answer["detail"]
        assert all(c.isprintable() for c in answer["detail"]), answer["detail"]


def test_names_in_other_encodings_are_shown_alike_and_broken_ones_are_refused(tmp_path):
    def named(tag, octets):
        subject = der.sequence(der.tlv(0x31, der.sequence(der.oid("2.5.4.3"), der.tlv(tag, octets))))
        parts = [der.explicit(0, der.integer(2)), der.integer(7), der.algorithm(ROOT.key, "SHA256"), der.name("Elsewhere").public_bytes(),
                 der.sequence(der.time(NOW - DAY), der.time(NOW + DAY)), subject, der.spki(KEYS[5])]
        return der.signed(der.sequence(*parts), ROOT.key, "SHA256")
    names = [(0x0c, "Gerät".encode()), (0x14, "Gerät".encode("latin-1")), (0x1e, "Gerät".encode("utf-16-be")), (0x1c, "Gerät".encode("utf-32-be"))]
    answers, _ = judge(tmp_path, [named(*n) for n in names] + [named(0x0c, b"ab\xff"), named(0x1e, b"\xd8\x00"), named(0x1e, b"a")])
    assert [a["reason"] for a in answers] == ["incomplete_chain"] * 4 + ["malformed"] * 3, answers
    assert all("'CN=Gerät'" in a["detail"] for a in answers[:4]), answers
