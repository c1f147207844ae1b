# SPDX-License-Identifier: Apache-2.0
"""Chains that are good but for one thing each, at a moment that stands still: for `cmg cert check`."""
import itertools

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from . import der, pki

NOW, DAY = 1790000000, 86400
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
ANY = x509.ObjectIdentifier("2.5.29.37.0")
UNKNOWN = ("1.3.6.1.4.1.55555.1", b"\x05\x00")  # an extension that nobody knows
KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(10)]
RSA_KEYS = {bits: rsa.generate_private_key(65537, bits) for bits in (1024, 2048)}
keys = itertools.cycle(KEYS[1:])


def usage(*on):
    return pki.key_usage(**dict.fromkeys(on, True))


def key_id(key):
    return x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest


class Cert:
    """A good certificate but for what is given. Extensions by their short names: (value, critical), None: left out."""

    def __init__(self, subject, by=None, ca=False, key=None, signer=None, issuer=None, more=(), **given):
        self.subject, self.key, self.ca = subject, key or next(keys), ca
        above = by or self
        signer = signer or above.key
        form = {k: given.pop(k) for k in ("begin", "end", "version", "serial", "public", "digest", "inner", "outer",
                                         "twist", "unique") if k in given}
        names = {"bc": (x509.BasicConstraints(ca, None), True),
                 "ku": (usage(*(("key_cert_sign", "crl_sign") if ca else ("digital_signature",))), True),
                 "eku": None if ca else (x509.ExtendedKeyUsage([CLIENT]), False),
                 "ski": (x509.SubjectKeyIdentifier(key_id(self.key)), False) if "public" not in form else None,
                 "aki": (x509.AuthorityKeyIdentifier(key_id(above.key), None, None), False)} | given
        extensions = [der.extension(*e) if isinstance(e, tuple) else e for e in (*names.values(), *more) if e]
        form = {"begin": NOW - DAY, "end": NOW + 300 * DAY} | form
        self.serial = form.setdefault("serial", next(der.serials))
        self.der = der.certificate(subject, above.subject if issuer is None else issuer, self.key, signer, extensions,
                                   **form)


def root(subject="Root", **given):
    return Cert(subject, ca=True, **given)


def ca(subject, by, **given):
    return Cert(subject, by, ca=True, **given)


def leaf(by, subject="device", **given):
    return Cert(subject, by, **given)


def san(*names, critical=False):
    return x509.SubjectAlternativeName(list(names)), critical


def constraints(permitted=None, excluded=None, critical=True):
    return x509.NameConstraints(permitted, excluded), critical


def raw(kind, content, critical=True):
    return (kind, content), critical


ROOT = root(key=KEYS[0])


def case_files(place, n, c):
    """What a case names, as files: members of what `cmg cert check` is asked."""
    files = {}
    for part, certs in (("cert", [c["subject"]]), ("intermediates", c["middle"]), ("anchors", c["anchors"])):
        files[part] = []
        for k, cert in enumerate(certs):
            (place / f"{n}-{part}-{k}.der").write_bytes(cert.der)
            files[part].append(str(place / f"{n}-{part}-{k}.der"))
    return files | {"cert": files["cert"][0]}
