# SPDX-License-Identifier: Apache-2.0
"""Tokens of the site, right and wrong ones: its signing key lies in quickstart's folder."""
import time
import uuid

import jwt
from cryptography.hazmat.primitives import serialization

from . import pki

TYPES = {"bulk": "cmg-bulk+jwt", "device": "cmg-device+jwt", "access": "cmg-access+jwt", "user": "cmg-user+jwt"}


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
        return jwt.encode(content, key or self.private, "ES256", {"typ": typ or TYPES[kind], "kid": kid or self.kid})
