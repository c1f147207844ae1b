# SPDX-License-Identifier: Apache-2.0
"""Talking to the management points from inside: as the connector, as a device on the office network, as nobody."""
import base64
import hashlib
import http.client
import json
import secrets
import socket
import ssl
import time
import urllib.parse

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from . import pki
from .gatewayclient import Answer, join

WAIT_S = 20
ACCESS, DEVICE = "urn:ietf:params:oauth:token-type:access_token", "urn:opencmg:token-type:device"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def payload(jws):
    part = jws.split(b".")[1]
    return json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))


def raw_signature(key, message):
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def signature(key, method, target, body=b"", created=None, nonce=None):
    """The four fields of a device's signed request (RFC 9421, RFC 9530), written without the code under test."""
    digest = "sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode() + ":"
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    parameters = ('("@method" "cmg-target" "content-digest")'
                  f';created={created or int(time.time())};nonce="{nonce or secrets.token_urlsafe(16)}"'
                  f';keyid="{base64url(hashlib.sha256(spki).digest())}";alg="ecdsa-p256-sha256";tag="cmg"')
    base = (f'"@method": {method}\n"cmg-target": {target}\n"content-digest": {digest}\n'
            f'"@signature-params": {parameters}')
    value = base64.b64encode(raw_signature(key, base.encode())).decode()
    return {"CMG-Target": target, "Content-Digest": digest, "Signature-Input": "cmg=" + parameters,
            "Signature": f"cmg=:{value}:"}


def spki_of(device):
    return device.certificate.public_key().public_bytes(serialization.Encoding.DER,
                                                        serialization.PublicFormat.SubjectPublicKeyInfo)


def same_device(own, other):
    """The word of `own`'s key for that of `other` (docs/protocol/wire.md 6)."""
    parts = [base64url(json.dumps(part).encode()) for part in (
        {"alg": "ES256"}, {"type": "same-device", "for": hashlib.sha256(spki_of(other)).hexdigest(),
                           "certificate_pem": pki.pem_of(own.certificate).decode()})]
    return ".".join([*parts, base64url(raw_signature(own.private, ".".join(parts).encode()))])


class Inside:
    def __init__(self, site, folder):
        self.site = site
        bootstrap = json.loads((site.folder / "connector.bootstrap.json").read_text())
        self.connector = (folder / "role.pem", folder / "role.key")
        self.connector[0].write_text(bootstrap["certificate_pem"])
        self.connector[1].write_text(bootstrap["key_pem"])

    def _tls(self, mode, show):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if show:
            context.load_cert_chain(*map(str, show))
        return context, urllib.parse.urlsplit(self.site.report["mp_urls"][mode]).port

    def connect(self, mode, show=None):
        """Bytes as they are; `show` as request() has it."""
        context, port = self._tls(mode, show)
        return context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=WAIT_S))

    def request(self, mode, method, target, headers=None, body=None, show=None):
        """`show`: the (certificate, key) files for TLS; None: none."""
        context, port = self._tls(mode, show)
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=WAIT_S)
        try:
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.reason, join(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def asserted(self, bearer):
        """What the gateway says of a device that came with this token."""
        return {"CMG-Auth-Method": "token", "CMG-Client-Id": "as-the-gateway-says", "Authorization": f"Bearer {bearer}"}

    def register(self, device, bearer=None, mode="ehttp", show="connector", signer=None, headers=None, name=None, version=2603,
                 hardware=None, own=None, word=None, chain=(), **how):
        """Name and hardware id stay with the device's key unless they are given. `own`: whose key speaks for
        this one, or `word`: what it said. `chain`: the CAs that it tells to be above it, or a text."""
        key = hashlib.sha256(spki_of(device)).hexdigest()
        body = {"name": name or f"pc-{key[:8]}", "hardware_id": key[8:24] if hardware is None else hardware,
                "client_version": version, "certificate_pem": pki.pem_of(device.certificate).decode()}
        if chain != ():
            body["chain_pem"] = chain if isinstance(chain, str) else "".join(
                pki.pem_of(ca.certificate).decode() for ca in chain)
        if own or word:
            body["same_device"] = word or same_device(own, device)
        body = json.dumps(body).encode()
        fields = signature(signer or device.private, "POST", "/CCM_Client/registration", body, **how)
        fields.update(self.asserted(bearer) if bearer else {})
        fields.update(headers or {})
        return self.request(mode, "POST", "/CCM_Client/registration", fields, body,
                            self.connector if show == "connector" else show)

    def sts(self, device, token, wanted=ACCESS, mode="ehttp", show="connector", signer=None, **how):
        body = urllib.parse.urlencode({
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": token,
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "requested_token_type": wanted}).encode()
        fields = signature(signer or device.private, "POST", "/CCM_STS", body, **how)
        fields.update(self.asserted(token))
        fields["Content-Type"] = "application/x-www-form-urlencoded"
        return self.request(mode, "POST", "/CCM_STS", fields, body, self.connector if show == "connector" else show)

    def policy(self, device, token, target="/SMS_MP/.sms_pol?MACHINE", mode="ehttp", signed=True, show="connector", **more):
        fields = signature(device.private, "GET", target) if signed else {}
        fields.update(self.asserted(token))
        fields.update(more)
        return self.request(mode, "GET", target, fields, None, self.connector if show == "connector" else show)


def by_pki(inside, device, **how):
    """Registers it as a gateway does that has judged its certificate."""
    der = device.certificate.public_bytes(serialization.Encoding.DER)
    return inside.register(device, mode="https", headers={
        "CMG-Auth-Method": "pki", "CMG-Client-Id": pki.sha256_of(device.certificate).hex(),
        "Client-Cert": ":" + base64.b64encode(der).decode() + ":"}, **how)
