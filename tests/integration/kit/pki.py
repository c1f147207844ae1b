# SPDX-License-Identifier: Apache-2.0
"""A PKI made for the run: CAs, device certificates with any fault, CRLs."""
import base64
import datetime
import hashlib
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CLIENT_AUTH, SERVER_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
DAY = datetime.timedelta(days=1)


def now():
    return datetime.datetime.utcnow().replace(microsecond=0)


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


def weak_key():
    return rsa.generate_private_key(65537, 1024)


def name_of(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])


def pem_of(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def signing_request():
    """For a key that nobody keeps."""
    return (x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(new_key(), hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM))


def sha256_of(certificate):
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest()


def thumbprint(certificate):
    """RFC 8705 x5t#S256."""
    return base64.urlsafe_b64encode(sha256_of(certificate)).rstrip(b"=").decode()


def write_key(path, key):
    data = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())
    path.touch(0o600)
    path.write_bytes(data)


@dataclass
class Pair:
    """A certificate with its key, as files; the certificate's file may hold a chain."""
    certificate: x509.Certificate
    private: object
    path: Path
    key: Path

    def client(self):
        return {"certificate": self.path, "key": self.key}


def save(folder, name, certificate, key, chain=()):
    path, key_path = Path(folder) / f"{name}.pem", Path(folder) / f"{name}.key"
    path.write_bytes(b"".join(pem_of(c) for c in (certificate, *chain)))
    if hasattr(key, "private_bytes"):  # a request has none
        write_key(key_path, key)
    return Pair(certificate, key, path, key_path)


def build(subject, public_key, issuer, signer, extensions, days=(-1, 365), algorithm=None):
    builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
               .serial_number(x509.random_serial_number()).not_valid_before(now() + days[0] * DAY)
               .not_valid_after(now() + days[1] * DAY))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, algorithm or hashes.SHA256())


def key_usage(**on):
    bits = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
                          "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(**{**bits, **on})


def host_name(text):
    """A DNS name or an address."""
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


class Ca:
    """A root, or an intermediate when it has a parent."""

    def __init__(self, folder, name, parent=None, days=(-1, 3650), path_length=None, permitted=None, key=None,
                 file=None):
        self.folder, self.name, self.parent = Path(folder), name, parent
        self.private = key or new_key()
        above = parent or self
        extensions = [(x509.BasicConstraints(True, path_length), True),
                      (key_usage(key_cert_sign=True, crl_sign=True), True),
                      (x509.SubjectKeyIdentifier.from_public_key(self.private.public_key()), False),
                      (x509.AuthorityKeyIdentifier.from_issuer_public_key(above.private.public_key()), False)]
        if permitted:
            extensions.append((x509.NameConstraints([x509.DNSName(permitted)], None), True))
        self.certificate = build(name_of(name), self.private.public_key(), name_of(above.name), above.private,
                                 extensions, days)
        self.path = self.folder / (file or f"ca-{name.replace(' ', '-')}.pem")
        self.path.write_bytes(pem_of(self.certificate))

    @classmethod
    def of(cls, folder, certificate, key):
        """One that is there already, by its files."""
        ca = cls.__new__(cls)
        ca.folder, ca.path, ca.parent = Path(folder), Path(certificate), None
        ca.certificate = x509.load_pem_x509_certificate(ca.path.read_bytes())
        ca.private = serialization.load_pem_private_key(Path(key).read_bytes(), None)
        ca.name = ca.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        return ca

    def device(self, name, usage=(CLIENT_AUTH,), days=(-1, 365), key=None, dns=None, chain=(), file=None,
               digital_signature=True, crl_at=()):
        """`crl_at`: the URLs of its CRL distribution points."""
        key = key or new_key()
        extensions = [(x509.BasicConstraints(False, None), True),
                      (key_usage(digital_signature=digital_signature, key_agreement=not digital_signature), True),
                      (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
                      (x509.AuthorityKeyIdentifier.from_issuer_public_key(self.private.public_key()), False)]
        if usage:
            extensions.append((x509.ExtendedKeyUsage(list(usage)), False))
        if dns:
            names = [dns] if isinstance(dns, str) else dns
            extensions.append((x509.SubjectAlternativeName([host_name(n) for n in names]), False))
        if crl_at:
            points = [x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None) for url in crl_at]
            extensions.append((x509.CRLDistributionPoints(points), False))
        certificate = build(name_of(name), key.public_key(), name_of(self.name), self.private, extensions, days)
        return save(self.folder, file or name, certificate, key, [c.certificate for c in chain])

    def of_request(self, request, name, **more):
        """For a key that nobody here has: of a request in PEM, which it signed."""
        request = x509.load_pem_x509_csr(request)
        assert request.is_signature_valid
        return self.device(name, key=request, **more)

    def crl(self, revoked=(), number=1, days=(-1, 30), file=None, more=()):
        """`number` None: without one; `more`: critical extensions."""
        builder = (x509.CertificateRevocationListBuilder().issuer_name(name_of(self.name))
                   .last_update(now() + days[0] * DAY).next_update(now() + days[1] * DAY)
                   .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.private.public_key()),
                                  False))
        if number is not None:
            builder = builder.add_extension(x509.CRLNumber(number), False)
        for extension in more:
            builder = builder.add_extension(extension, True)
        for pair in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(pair.certificate.serial_number)
                .revocation_date(now() - DAY).build())
        path = self.folder / (file or f"crl-{self.name.replace(' ', '-')}-{number}.crl")
        path.write_bytes(builder.sign(self.private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return path


def tampered(folder, pair, name):
    """The same certificate with one bit of its signature turned, so that everything else about it is right."""
    der = bytearray(pair.certificate.public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    return save(folder, name, x509.load_der_x509_certificate(bytes(der)), pair.private)


def self_signed(folder, name):
    """What a device that uses a token shows: a certificate of its own making."""
    key = new_key()
    extensions = [(x509.BasicConstraints(False, None), True), (x509.ExtendedKeyUsage([CLIENT_AUTH]), False)]
    return save(folder, name, build(name_of(name), key.public_key(), name_of(name), key, extensions), key)


def heap_of_certificates(folder, device, count, name="X"):
    """A device's file, with so many CA certificates of one name and key behind it."""
    folder.mkdir(exist_ok=True)
    heap, path = Ca(folder, name, file="heap-ca.pem"), folder / "heap.pem"
    path.write_bytes(Path(device["certificate"]).read_bytes() +
                     b"".join(pem_of(Ca(folder, name, key=heap.private, file="heap-ca.pem").certificate)
                              for _ in range(count)))
    return path
