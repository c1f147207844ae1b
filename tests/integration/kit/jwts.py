# SPDX-License-Identifier: Apache-2.0
"""JSON Web Tokens made by hand, good but for what a test gives, and what `cmg token check` says of them."""
import base64
import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from .batch import ask

NOW = 1_800_000_000
ISSUER, AUDIENCE = "https://login.example/tenant/v2.0", "api://cmg"
CLAIMS = {"iss": ISSUER, "aud": AUDIENCE, "sub": "device-1", "iat": NOW - 10, "nbf": NOW - 10, "exp": NOW + 3600}
ALL = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA"
HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}


def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else data.encode()).rstrip(b"=").decode()


def number(n, size=None):
    return b64(n.to_bytes(size or (n.bit_length() + 7) // 8, "big"))


KEYS = {"rsa": rsa.generate_private_key(65537, 2048), "p256": ec.generate_private_key(ec.SECP256R1()),
        "p384": ec.generate_private_key(ec.SECP384R1()), "p521": ec.generate_private_key(ec.SECP521R1()),
        "ed": ed25519.Ed25519PrivateKey.generate()}
STRANGER = ec.generate_private_key(ec.SECP256R1())


def jwk(key, kid=None, **more):
    public = key.public_key()
    if isinstance(key, rsa.RSAPrivateKey):
        n = public.public_numbers()
        ret = {"kty": "RSA", "n": number(n.n), "e": number(n.e)}
    elif isinstance(key, ed25519.Ed25519PrivateKey):
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        ret = {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}
    else:
        n, size = public.public_numbers(), (key.key_size + 7) // 8
        ret = {"kty": "EC", "crv": f"P-{key.key_size}", "x": number(n.x, size), "y": number(n.y, size)}
    return ret | ({"kid": kid} if kid else {}) | more


SET = {"keys": [jwk(key, kid) for kid, key in KEYS.items()]}


def raw_signature(key, alg, data):
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    digest = HASHES[alg[2:]]()
    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
        return key.sign(data, pss if alg[0] == "P" else padding.PKCS1v15(), digest)
    size = (key.key_size + 7) // 8
    r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def token(key="p256", alg="ES256", header=None, claims=None, payload=None, kid=True, signer=None):
    """A good one, but for what is given; `header` and `claims` are merged in, None leaves a member out."""
    head = {"alg": alg, "typ": "JWT"} | ({"kid": key} if kid else {}) | (header or {})
    content = CLAIMS | (claims or {})
    head, content = ({k: v for k, v in o.items() if v is not None} for o in (head, content))
    data = b64(json.dumps(head)) + "." + b64(json.dumps(content) if payload is None else payload)
    return data + "." + b64(raw_signature(signer or KEYS[key], alg, data.encode()))


def with_header(text, payload=None):
    """Signed over a header that is given as text."""
    data = b64(text) + "." + b64(payload or json.dumps(CLAIMS))
    return data + "." + b64(raw_signature(KEYS["p256"], "ES256", data.encode()))


def verdicts(folder, tokens, **more):
    base = {"jwks": SET, "issuer": ISSUER, "audience": AUDIENCE, "at": NOW, "algorithms": ALL} | more
    answers = ask(folder, "token", [base | (t if isinstance(t, dict) else {"token": t}) for t in tokens])
    for answer in answers:
        assert answer["ok"] == (answer["reason"] == "ok") and (answer["ok"] or answer["detail"])
    return [answer["reason"] for answer in answers]


def every(folder, reason, tokens, **more):
    tokens = list(tokens)
    found = verdicts(folder, tokens, **more)
    assert found == [reason] * len(tokens), [(r, t) for r, t in zip(found, tokens) if r != reason]


PAIRS = [("rsa", "RS256"), ("rsa", "RS384"), ("rsa", "RS512"), ("rsa", "PS256"), ("rsa", "PS384"), ("rsa", "PS512"),
         ("p256", "ES256"), ("p384", "ES384"), ("p521", "ES512"), ("ed", "EdDSA")]
