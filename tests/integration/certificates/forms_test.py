# SPDX-License-Identifier: Apache-2.0
"""Certificates whose extensions or names break a rule of RFC 5280 that OpenSSL does not look at: refused, in words and with the clause."""
import pytest

from kit import der
from kit.batch import judge
from kit.chains import ROOT, Cert, ca, leaf, raw

ALT, NAMES, POLICIES, AKI = "2.5.29.17", "2.5.29.30", "2.5.29.32", "2.5.29.35"
POLICY = der.oid("1.2.3")


def general(kind, content):
    return der.tlv(0x80 | kind, content)


MAIL, DNS, URI, IP = 1, 2, 6, 7


def alternative(*names):
    return raw(ALT, der.sequence(*names), False)


def permitted(*bases):
    return der.tlv(0xa0, b"".join(der.sequence(base) for base in bases))


def excluded(*bases):
    return der.tlv(0xa1, b"".join(der.sequence(base) for base in bases))


def policies(*qualifiers, critical=True):
    return raw(POLICIES, der.sequence(der.sequence(POLICY, *qualifiers)), critical)


def qualifier(kind, content):
    return der.sequence(der.sequence(der.oid(kind), content))


CPS = qualifier("1.3.6.1.5.5.7.2.1", der.tlv(0x16, b"https://ca.example/cps"))
UNKNOWN = qualifier("1.2.3.4", der.NULL)

IN_DEVICES = {
    "alternative names without one": (alternative(), "holds no name", "4.2.1.6"),
    "an empty dNSName": (alternative(general(DNS, b"")), "empty name", "4.2.1.6"),
    "a dNSName of a blank": (alternative(general(DNS, b" ")), "empty name", "4.2.1.6"),
    "a dNSName that is no ASCII": (alternative(general(DNS, b"\xff\xfe")), "IA5String", "4.2.1.6"),
    "a mail address that is no ASCII": (alternative(general(MAIL, b"\xc3\xbc@example.com")), "IA5String", "4.2.1.6"),
    "an empty mail address": (alternative(general(MAIL, b"")), "empty name", "4.2.1.6"),
    "an address of 14 octets": (alternative(general(IP, bytes(14))), "neither 4 nor 16", "4.2.1.6"),
    "an address with a mask": (alternative(general(IP, bytes(8))), "neither 4 nor 16", "4.2.1.6"),
    "an empty URI": (alternative(general(URI, b"")), "empty name", "4.2.1.6"),
    "a relative URI": (alternative(general(URI, b"/devices/7")), "scheme", "4.2.1.6"),
    "a URI of a scheme alone": (alternative(general(URI, b"urn:")), "scheme", "4.2.1.6"),
    "a bad name behind a good one": (alternative(general(DNS, b"pc.example"), general(IP, bytes(5))), "neither 4 nor 16", "4.2.1.6"),
    "policies without one": (raw(POLICIES, der.sequence(), False), "no policy", "4.2.1.4"),
    "policy qualifiers without one": (policies(der.sequence(), critical=False), "without one", "4.2.1.4"),
    "an unknown qualifier in critical policies": (policies(UNKNOWN), "not known", "4.2.1.4"),
    "policy mappings without one": (raw("2.5.29.33", der.sequence(), False), "maps nothing", "4.2.1.5"),
    "policy constraints that ask for nothing": (raw("2.5.29.36", der.sequence()), "asks for nothing", "4.2.1.11"),
    "policy constraints below zero": (raw("2.5.29.36", der.sequence(der.tlv(0x80, b"\xff"))), "below zero", "4.2.1.11"),
    "inhibitAnyPolicy below zero": (raw("2.5.29.54", der.integer(-1)), "below zero", "4.2.1.14"),
    "distribution points without one": (raw("2.5.29.31", der.sequence(), False), "no distribution point", "4.2.1.13"),
    "a distribution point of reasons alone": (raw("2.5.29.31", der.sequence(der.sequence(der.tlv(0x81, b"\x01\x02"))), False), "no place",
                                              "4.2.1.13"),
    "an information access without one": (raw("1.3.6.1.5.5.7.1.1", der.sequence(), False), "no access", "4.2.2.1"),
}
IN_CAS = {
    "name constraints of nothing": (der.sequence(), "neither permits nor excludes"),
    "permitted subtrees without one": (der.sequence(permitted()), "without one"),
    "excluded subtrees without one": (der.sequence(excluded()), "without one"),
    "a mask in two pieces": (der.sequence(permitted(general(IP, b"\x0a\0\0\0\xff\0\xff\0"))), "not of one piece"),
    "a mask in two pieces of one octet": (der.sequence(excluded(general(IP, b"\x0a\0\0\0\xff\xa0\0\0"))), "not of one piece"),
    "an address without a mask": (der.sequence(permitted(general(IP, bytes(4)))), "neither 8 nor 32"),
    "an excluded mail address of nothing": (der.sequence(excluded(general(MAIL, b""))), "neither a mailbox"),
    "an excluded mail address without a mailbox": (der.sequence(excluded(general(MAIL, b"@example.com"))), "neither a mailbox"),
    "an excluded mail address without a host": (der.sequence(excluded(general(MAIL, b"me@"))), "neither a mailbox"),
    "a URI constraint without a host": (der.sequence(excluded(general(URI, b""))), "without a host"),
    "a domain that is no ASCII": (der.sequence(excluded(general(DNS, b"\xff.example"))), "IA5String"),
}
TAKEN = {
    "an unknown qualifier in policies that are not critical": policies(UNKNOWN, critical=False),
    "a known qualifier in critical policies": policies(CPS),
    "names of every kind": alternative(general(MAIL, b"me@example.com"), general(DNS, b"pc_1.example"), general(URI, b"urn:x:7"),
                                       general(IP, bytes(4)), general(IP, bytes(16))),
}
IN_DEVICES_ARE = pytest.mark.parametrize("extension, words, clause", IN_DEVICES.values(), ids=IN_DEVICES)


def refused(folder, subject, words, clause, middle=(), anchors=(ROOT,)):
    (answer,), _ = judge(folder, [subject.der], anchors, middle)
    assert answer["reason"] == "constraint_violated", answer
    assert words in answer["detail"] and f"RFC 5280 {clause}" in answer["detail"], answer
    assert "that can't be read" not in answer["detail"]


@IN_DEVICES_ARE
def test_a_value_that_its_clause_forbids_is_refused_in_a_device(tmp_path, extension, words, clause):
    refused(tmp_path, leaf(ROOT, more=[extension]), words, clause)


@IN_DEVICES_ARE
def test_a_value_that_its_clause_forbids_is_refused_in_an_intermediate(tmp_path, extension, words, clause):
    middle = ca("I", ROOT, more=[extension])
    refused(tmp_path, leaf(middle), words, clause, [middle])


@pytest.mark.parametrize("content, words", IN_CAS.values(), ids=IN_CAS)
def test_name_constraints_that_their_clause_forbids_are_refused(tmp_path, content, words):
    middle = ca("I", ROOT, nc=raw(NAMES, content))
    refused(tmp_path, leaf(middle), words, "4.2.1.10", [middle])


@pytest.mark.parametrize("content, words, clause, field", [
    (raw("2.5.29.15", der.bits(b"")), "no bit set", "4.2.1.3", "ku"), (raw("2.5.29.15", der.bits(b"\0", 7)), "", "4.2.1.3", "ku"),
    (raw("2.5.29.37", der.sequence(), False), "no usage", "4.2.1.12", "eku"),
    (raw("2.5.29.19", der.sequence(b"\x01\x01\xff", der.integer(-1))), "negative path length", "4.2.1.9", "bc"),
    (raw(AKI, der.sequence(der.tlv(0x82, b"\x07")), False), "without its serial number", "4.2.1.1", "aki"),
    (raw(AKI, der.sequence(der.tlv(0xa1, general(DNS, b"ca.example"))), False), "without its serial number", "4.2.1.1", "aki")])


def test_a_value_that_its_clause_forbids_is_refused_wherever_it_stands(tmp_path, content, words, clause, field):
    refused(tmp_path, leaf(ROOT, **{field: content}), words, clause)


@pytest.mark.parametrize("extension", TAKEN.values(), ids=TAKEN)
def test_what_no_clause_forbids_is_taken(tmp_path, extension):
    assert judge(tmp_path, [leaf(ROOT, more=[extension]).der])[0][0]["ok"]


def test_an_empty_list_of_extensions_is_refused(tmp_path):
    tbs = [der.explicit(0, der.integer(2)), der.integer(7), der.algorithm(ROOT.key, "SHA256"), der.name("Root").public_bytes(),
           der.sequence(der.time(0), der.time(2000000000)), der.name("device").public_bytes(), der.spki(ROOT.key),
           der.explicit(3, der.sequence())]
    (answer,), _ = judge(tmp_path, [der.signed(der.sequence(*tbs), ROOT.key, "SHA256")])
    assert answer["reason"] == "constraint_violated" and "empty list of extensions (RFC 5280 4.1.2.9)" in answer["detail"], answer


STRINGS = {"a PrintableString of other characters": (0x13, b"pc\x01\xff", "PrintableString"), "an IA5String beyond ASCII": (0x16, b"pc\xff", "IA5String"),
           "a NumericString of letters": (0x12, b"pc", "NumericString")}


@pytest.mark.parametrize("tag, content, words", STRINGS.values(), ids=STRINGS)
def test_a_subject_of_characters_that_its_type_lacks_is_refused(tmp_path, tag, content, words):
    refused(tmp_path, named(tag, content), words, "4.1.2")


def test_marks_that_old_authorities_write_in_a_printable_string_are_taken(tmp_path):
    assert judge(tmp_path, [named(0x13, b"*.pc_7@A&B").der])[0][0]["ok"]


class Octets:
    """A subject as octets, where a name is asked for."""

    def __init__(self, content):
        self.content = content

    def public_bytes(self, *_):
        return self.content


def named(tag, content):
    subject = der.sequence(der.tlv(0x31, der.sequence(der.oid("2.5.4.3"), der.tlv(tag, content))))
    wrapped, plain = Octets(subject), der.name
    der.name = lambda text: text if isinstance(text, Octets) else plain(text)
    try:
        return Cert(wrapped, ROOT)
    finally:
        der.name = plain
