# SPDX-License-Identifier: Apache-2.0
"""Tokens of the site, right and wrong ones: its signing key lies in quickstart's folder."""
import base64
import time
import uuid

import jwt
from cryptography.hazmat.primitives import serialization

from . import pki

TYPES = {"bulk": "cmg-bulk+jwt", "device": "cmg-device+jwt", "access": "cmg-access+jwt", "user": "cmg-user+jwt"}
P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551


def find_keys(document):
    """The JWK set in the bundle, wherever in it."""
    if isinstance(document, dict):
        if "token_keys" in document:
            return document["token_keys"]["keys"]
        document = list(document.values())
    for part in document if isinstance(document, list) else []:
        found = find_keys(part)
        if found:
            return found
    return None


def halves(token):
    """What is signed, and r and s of its ES256 signature."""
    signed, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    return signed, int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")


def with_s(token, s):
    signed, r, _ = halves(token)
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return signed + "." + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def with_low_s(token):
    """As a site signs: of the two signatures the one with the lower s."""
    s = halves(token)[2]
    return with_s(token, min(s, P256_ORDER - s))


def with_high_s(token):
    s = halves(token)[2]
    return with_s(token, max(s, P256_ORDER - s))


class Mint:
    def __init__(self, site):
        self.site = site.report["site"]
        self.private = serialization.load_pem_private_key((site.folder / "keys" / "sign-token.key").read_bytes(), None)
        self.kid = find_keys(site.cmg("bundle", "show"))[0]["kid"]

    def token(self, kind, certificate=None, key=None, kid=None, typ=None, **claims):
        """A good one of this kind, but for what is given; a claim that is None is left out."""
        now = int(time.time())
        content = {"iss": f"urn:opencmg:{self.site}", "aud": f"urn:opencmg:{self.site}:service",
                   "jti": str(uuid.uuid4()), "iat": now - 10, "nbf": now - 10, "exp": now + 3600}
        if kind != "bulk":
            content["sub"] = str(uuid.uuid4())
            content["cnf"] = {"x5t#S256": pki.thumbprint(certificate)}
        if kind == "user":
            content["act"] = {"sub": content["sub"]}
            content["user"] = "user@example.com"
        content.update(claims)
        content = {name: value for name, value in content.items() if value is not None}
        header = {"typ": typ or TYPES[kind], "kid": kid or self.kid}
        return with_low_s(jwt.encode(content, key or self.private, "ES256", header))
