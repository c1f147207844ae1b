# SPDX-License-Identifier: Apache-2.0
"""Meshes of cross-certified CAs, most certificates of which are bad: wherever one good path is, it is found."""
import datetime
import itertools
import random

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kit import der
from kit.batch import ask
from kit.programs import spent_s

NOW = datetime.datetime(2026, 6, 1)
DAY = datetime.timedelta(days=1)
KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(8)]
WRONG_KEY, LEAF_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
FAULTS = ["expired", "not_yet", "no_ca", "no_constraints", "usage", "extended_usage", "name", "signature", "hash",
          "critical"]


def name(n):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"CA {n}" if isinstance(n, int) else n)])


def certificate(subject, issuer, key, signer, fault=None, ca=True, path_length=None):
    begin, end = {"expired": (NOW - 9 * DAY, NOW - DAY), "not_yet": (NOW + DAY, NOW + 9 * DAY)}.get(
        fault, (NOW - DAY, NOW + 300 * DAY))
    builder = x509.CertificateBuilder(name(issuer), name(subject), key.public_key(), x509.random_serial_number(), begin,
                                      end)
    if fault != "no_constraints":
        is_ca = ca and fault != "no_ca"
        builder = builder.add_extension(x509.BasicConstraints(is_ca, path_length if is_ca else None), True)
    sign = ca and fault not in ("usage", "no_ca", "no_constraints")
    if fault != "no_usage":
        builder = builder.add_extension(x509.KeyUsage(not sign, False, False, False, False, sign, sign, False, False),
                                        True)
    if not ca or fault == "extended_usage":
        usage = ExtendedKeyUsageOID.SERVER_AUTH if ca else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), False)
    if fault == "name":
        builder = builder.add_extension(x509.NameConstraints(None, [x509.DirectoryName(name("device"))]), True)
    if fault == "critical":
        builder = builder.add_extension(
            x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00"), True)
    made = builder.sign(WRONG_KEY if fault == "signature" else signer, hashes.SHA256())
    return der.resigned(made, signer, "SHA1") if fault == "hash" else made


def pem(path, certificates):
    path.write_bytes(b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates))
    return str(path)


class Mesh:
    """Keys 0 … n-1 of CAs, each of which has `keys` of them; `anchors` are trusted; edges (issuer, subject, fault) are
    their certificates: self-issued ones too, where a CA has several keys. None has a key identifier."""

    def __init__(self, anchors, edges, first, lengths=None, keys=1):
        self.anchors, self.edges, self.first, self.lengths, self.keys = anchors, edges, first, lengths or {}, keys

    def ca(self, key):
        return key // self.keys

    def good(self, at=None, below=0, seen=()):
        """Is there a path of good certificates from the leaf's issuer to an anchor?"""
        at = self.first if at is None else at
        if at in self.anchors:
            return True
        return any(self.good(issuer, below + (self.ca(issuer) != self.ca(subject)), seen + (at,))
                   for issuer, subject, fault in self.edges
                   if subject == at and not fault and issuer not in seen + (at,) and
                   below <= self.lengths.get((issuer, subject), 99))

    def case(self, folder, tag):
        roots = [certificate(self.ca(a), self.ca(a), KEYS[a], KEYS[a]) for a in self.anchors]
        middle = [certificate(self.ca(s), self.ca(i), KEYS[s], KEYS[i], fault, path_length=self.lengths.get((i, s)))
                  for i, s, fault in self.edges]
        leaf = certificate("device", self.ca(self.first), LEAF_KEY, KEYS[self.first], ca=False)
        return {"anchors": pem(folder / f"{tag}-anchors.pem", roots), "crl_check": "off", "at": "2026-06-01T00:00:00Z",
                "intermediates": [pem(folder / f"{tag}-middle.pem", middle)] if middle else [],
                "cert": pem(folder / f"{tag}-leaf.pem", [leaf])}


def judge(folder, meshes):
    answers = ask(folder, "cert", [mesh.case(folder, i) for i, mesh in enumerate(meshes)])
    wrong = [(vars(mesh), answer) for mesh, answer in zip(meshes, answers) if answer["ok"] != mesh.good()]
    assert wrong == [], (len(wrong), len(meshes), wrong[0])


def full(count, anchor):
    return [(i, s) for i, s in itertools.permutations(range(count), 2) if s != anchor]


@pytest.mark.parametrize("fault", FAULTS)
def test_of_a_full_mesh_one_good_path_is_enough(tmp_path, fault):
    """Every simple path through four CAs in turn is the only good one; and then none is."""
    meshes = []
    for length in range(4):
        for way in itertools.permutations((1, 2, 3), length):
            path = (0, *way)  # from the anchor to the leaf's issuer
            if way:
                steps = set(zip(path, path[1:]))
                meshes.append(Mesh([0], [(i, s, None if (i, s) in steps else fault) for i, s in full(4, 0)], way[-1]))
                spoilt = way[0]
                meshes.append(Mesh([0], [(i, s, None if (i, s) in steps and s != spoilt else fault)
                                         for i, s in full(4, 0)], way[-1]))
    judge(tmp_path, meshes)


@pytest.mark.parametrize("keys", [1, 2, 3])
@pytest.mark.parametrize("faults, short", [(FAULTS, 0.15), (["name", "hash", "usage"], 0.6)])
def test_random_meshes_with_mixed_faults_are_judged_rightly(tmp_path, faults, short, keys):
    """Each key of an issuer's name is tried on a certificate: of several, smaller meshes fit into what one may cost."""
    dice = random.Random(20261123)
    meshes = []
    for _ in range(200):
        count, dense, bad = dice.randint(3, 8), dice.choice((0.5, 0.8, 1)), dice.choice((0.4, 0.6, 0.8, 0.9))
        anchors = sorted(dice.sample(range(count), dice.randint(1, 2)))
        edges = [(i, s, dice.choice(faults) if dice.random() < bad else None)
                 for i, s in itertools.permutations(range(count), 2) if dice.random() < dense]
        lengths = {(i, s): dice.randint(0, 2) for i, s, _ in edges if dice.random() < short}
        meshes.append(Mesh(anchors, edges, dice.choice([n for n in range(count) if n not in anchors]), lengths, keys))
    assert 40 < sum(mesh.good() for mesh in meshes) < 160
    judge(tmp_path, meshes)


@pytest.mark.parametrize("way", itertools.permutations((1, 2, 3)))
def test_a_ca_that_changed_its_key_again_and_again_needs_no_key_identifiers(tmp_path, way):
    """RFC 4210 4.4: each new key signed by the one before it, of one name, back to the key that is trusted. A self-signed
    certificate of each key beside them leads nowhere, nor does one that the CA of another name signed."""
    path = (0, *way)
    steps = [(i, s, None) for i, s in zip(path, path[1:])]
    roots = [(i, i, None) for i in way]
    for edges in (steps, roots + steps, steps + roots, steps[::-1] + roots):
        judge(tmp_path, [Mesh([0], edges, way[-1], keys=4), Mesh([0], edges[1:], way[-1], keys=4)])


def test_a_device_of_its_cas_name_is_found_below_it(tmp_path):
    """It looks self-signed, with nothing in it that says otherwise."""
    case = Mesh([0], [], 0).case(tmp_path, "own-name")
    case["cert"] = pem(tmp_path / "own-name.pem", [certificate(0, 0, LEAF_KEY, KEYS[0], "no_usage", ca=False)])
    answer, = ask(tmp_path, "cert", [case])
    assert answer["ok"], answer


def test_twins_with_every_fault_do_not_hide_the_good_certificate(tmp_path):
    twins = [(0, 1, fault) for fault in FAULTS] * 3
    for good in ([], [(0, 1, None)]):
        for at in (0, len(twins) // 2, len(twins)):
            judge(tmp_path, [Mesh([0], twins[:at] + good + twins[at:], 1)])


def test_a_hopeless_mesh_ends_soon(tmp_path):
    """Seven CAs that all certify each other, and none of them the anchor's."""
    edges = [(i, s, None) for i, s in itertools.permutations(range(1, 8), 2)]
    hopeless = Mesh([0], edges + [(0, s, fault) for s in range(1, 8) for fault in ("name", "signature")], 3)
    case = hopeless.case(tmp_path, 0)
    before = spent_s()
    answer, = ask(tmp_path, "cert", [case])
    assert not answer["ok"] and spent_s() - before < 3
