# SPDX-License-Identifier: Apache-2.0
"""Tokens and keys in forms that RFC 7515 to 7519 do not have, or have and we don't take: through `cmg token check`."""
import base64
import hashlib
import hmac
import json

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from kit.jwts import (ALL, AUDIENCE, CLAIMS, HASHES, KEYS, NOW, PAIRS, SET, STRANGER, b64, every, jwk, number, raw_signature,
                      token, verdicts, with_header)


ORDERS = {"p256": 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551,
          "p384": 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973,
          "p521": 0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409}
CURVES = [("p256", "ES256"), ("p384", "ES384"), ("p521", "ES512")]


def halves(text, size):
    raw = base64.urlsafe_b64decode(text.rpartition(".")[2] + "==")
    return int.from_bytes(raw[:size], "big"), int.from_bytes(raw[size:], "big")


# --- signatures ---

@pytest.mark.parametrize("key, alg", CURVES)
def test_signatures_of_every_curve_have_one_length_and_numbers_in_range(folder, key, alg):
    size, n = (KEYS[key].key_size + 7) // 8, ORDERS[key]
    text = token(key, alg)
    base = text.rpartition(".")[0] + "."
    r, s = halves(text, size)

    def both(a, b, width=size):
        return a.to_bytes(width, "big") + b.to_bytes(width, "big")
    wrong = [both(a, b) for a in (0, 1, n - 1, n, n + 1, 2**(8 * size) - 1) for b in (0, 1, n - 1, n, n + 1, 2**(8 * size) - 1)]
    wrong += [both(r, 0), both(0, s), both(r, n), both(n, s), both(s, r), both(r, s, size + 1), both(r, s)[1:], both(r, s)[:-1],
              both(r, s) + b"\0", b"\0" + both(r, s), utils.encode_dss_signature(r, s), utils.encode_dss_signature(r, s)[:size * 2],
              utils.encode_dss_signature(r, s).rjust(size * 2, b"\0")]
    if r + n < 2**(8 * size):
        wrong.append(both(r + n, s))
    if s + n < 2**(8 * size):
        wrong.append(both(r, s + n))
    every(folder, "bad_signature", [base + b64(w) for w in wrong])
    every(folder, "ok", [text])


def test_a_hash_of_another_length_makes_another_algorithm(folder):
    """The curve fixes the hash (RFC 7518 3.4): P-256 with SHA-384 has no name, P-384 with SHA-256 neither."""
    made = []
    for key, digest in (("p256", "384"), ("p256", "512"), ("p384", "256"), ("p521", "256"), ("p521", "384")):
        alg = dict(CURVES)[key]
        data = b64(json.dumps({"alg": alg, "kid": key})) + "." + b64(json.dumps(CLAIMS))
        size = (KEYS[key].key_size + 7) // 8
        r, s = utils.decode_dss_signature(KEYS[key].sign(data.encode(), ec.ECDSA(HASHES[digest]())))
        made.append(data + "." + b64(r.to_bytes(size, "big") + s.to_bytes(size, "big")))
    every(folder, "bad_signature", made)


@pytest.mark.parametrize("alg", ["PS256", "PS384", "PS512"])
def test_pss_has_the_salt_and_the_mask_of_its_hash(folder, alg):
    """RFC 7518 3.5: MGF1 with the same hash, a salt as long as the hash."""
    digest = HASHES[alg[2:]]()
    data = b64(json.dumps({"alg": alg, "kid": "rsa"})) + "." + b64(json.dumps(CLAIMS))
    sign = KEYS["rsa"].sign

    def pss(mask, salt):
        return data + "." + b64(sign(data.encode(), padding.PSS(padding.MGF1(mask), salt), digest))
    every(folder, "ok", [pss(digest, digest.digest_size)])
    every(folder, "bad_signature", [pss(digest, salt) for salt in (0, 20, digest.digest_size - 1, digest.digest_size + 1, padding.PSS.MAX_LENGTH)] +
          [pss(hashes.SHA1(), digest.digest_size)])


def test_pkcs1_padding_has_one_form(folder):
    """RFC 8017 9.2: each is what an attacker would need who can make any number under a small exponent."""
    numbers = KEYS["rsa"].private_numbers()
    n, d, size = numbers.public_numbers.n, numbers.d, 256
    data = b64(json.dumps({"alg": "RS256", "kid": "rsa"})) + "." + b64(json.dumps(CLAIMS))
    digest = hashes.Hash(hashes.SHA256())
    digest.update(data.encode())
    digest = digest.finalize()
    info = bytes.fromhex("3031300d060960864801650304020105000420")
    bare = bytes.fromhex("302f300b0609608648016503040201") + b"\x04\x20"  # without NULL

    def signed(block):
        return data + "." + b64(pow(int.from_bytes(block, "big"), d, n).to_bytes(size, "big"))

    def padded(content, kind=b"\0\1", filler=b"\xff", zero=b"\0"):
        return kind + filler * (size - len(kind) - len(zero) - len(content)) + zero + content
    every(folder, "ok", [signed(padded(info + digest))])
    wrong = [padded(bare + digest), padded(digest), padded(info + digest, kind=b"\0\2"), padded(info + digest, kind=b"\0\0"),
             padded(info + digest, filler=b"\xfe"), padded(info + digest, zero=b"\1"), padded(info + digest[:-1]),
             padded(info + digest + b"\0"), padded(info[:-1] + b"\x1f" + digest[1:]), padded(bytes(20) + info + digest),
             b"\0\1" + b"\xff" * 8 + b"\0" + info + digest + bytes(size - 11 - len(info) - 32),
             padded(bytes.fromhex("3021300906052b0e03021a05000414") + digest[:20]),
             padded(b"\x30\x81\x31" + info[2:] + digest), padded(b"\x30\x80" + info[2:] + digest + b"\0\0")]
    every(folder, "bad_signature", [signed(w) for w in wrong])


# --- keys ---

def test_a_key_that_is_none_is_passed_over(folder):
    p = jwk(KEYS["p256"], "p256")
    x, y = (KEYS["p256"].public_key().public_numbers().x, KEYS["p256"].public_key().public_numbers().y)
    modulus = KEYS["rsa"].public_key().public_numbers().n
    good = token()
    for bad in [p | {"x": number(x, 33)}, p | {"y": number(y, 33)}, p | {"x": p["x"] + "="}, p | {"x": p["x"] + "A"}, p | {"x": ""},
                p | {"x": 1}, p | {"x": number(0, 32), "y": number(0, 32)}, p | {"x": number(2**256 - 1), "y": p["y"]},
                p | {"x": p["y"], "y": p["x"]}, p | {"crv": "P-384"}, p | {"crv": "P-521"}, p | {"crv": "secp256k1"}, p | {"crv": "p-256"},
                p | {"crv": None}, p | {"crv": 1}, p | {"kty": "ec"}, p | {"kty": "RSA"}, p | {"kty": "OKP"}, p | {"kty": "oct"}, p | {"kty": None},
                p | {"use": "enc"}, p | {"use": 1}, p | {"use": ["sig"]}, p | {"key_ops": ["sign"]}, p | {"key_ops": "verify"},
                p | {"key_ops": ["verify", "verify"]}, p | {"key_ops": ["verify", 1]},
                p | {"key_ops": ["verify"] + [f"x{n}" for n in range(16)]}, p | {"key_ops": []}, p | {"key_ops": ["encrypt", "deriveKey"]}, p | {"alg": "ES384"}, p | {"alg": "ECDH-ES"}, p | {"alg": 1},
                p | {"alg": "none"}, p | {"d": "AA"}, p | {"k": "AA"}]:
        got = verdicts(folder, [good], jwks={"keys": [bad]})
        assert got in (["unknown_key"], ["bad_signature"]), (bad, got)
    r = jwk(KEYS["rsa"], "rsa")
    signed = token("rsa", "RS256")
    for bad in [r | {"e": number(1)}, r | {"e": number(2)}, r | {"e": number(65536)}, r | {"e": "AA"}, r | {"e": ""}, r | {"n": "AA"}, r | {"n": ""},
                r | {"n": number(modulus + 1)}, r | {"n": number(modulus, 3000)}, r | {"n": number(2**9000 + 1)},
                r | {"e": number(modulus - 2)}, r | {"n": number(modulus) + "="}, r | {"n": None}, r | {"e": None}, r | {"e": 65537},
                r | {"p": "AA"}, r | {"oth": []}]:
        got = verdicts(folder, [signed], jwks={"keys": [bad]})
        assert got in (["unknown_key"], ["bad_signature"]), (bad, got)


def test_a_key_of_rsa_with_a_small_odd_exponent_is_one(folder):
    key = rsa.generate_private_key(3, 2048)
    every(folder, "ok", [token("small", "RS256", signer=key)], jwks={"keys": [jwk(key, "small")]})


def test_a_set_of_many_keys_is_cut_and_a_strange_one_is_none(folder):
    many = {"keys": [jwk(STRANGER, f"k{n}") for n in range(63)] + [jwk(KEYS["p256"], "p256")]}
    every(folder, "ok", [token()], jwks=many)
    for strange in ({"keys": []}, {"keys": [[], None, 1, "x", {}]}):
        every(folder, "unknown_key", [token()], jwks=strange)


def test_a_secret_of_the_public_key_is_no_secret(folder):
    """HS256 with what everybody knows: the key's own text, its DER, its coordinates, nothing, zeros."""
    public = KEYS["rsa"].public_key()
    forms = [public.public_bytes(e, f) for e in (serialization.Encoding.PEM, serialization.Encoding.DER)
             for f in (serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PublicFormat.PKCS1)]
    forms += [f.rstrip(b"\n") for f in forms] + [json.dumps(jwk(KEYS["rsa"], "rsa")).encode(), jwk(KEYS["rsa"])["n"].encode(), b"", b"\0" * 32]
    tokens = []
    for secret in forms:
        for kid in ("rsa", "p256", "s"):
            data = b64(json.dumps({"alg": "HS256", "kid": kid})) + "." + b64(json.dumps(CLAIMS))
            tokens.append(data + "." + b64(hmac.new(secret, data.encode(), hashlib.sha256).digest()))
    for keys in (SET, {"keys": [*SET["keys"], {"kty": "oct", "kid": "s", "k": "", "alg": "HS256"}]}):
        every(folder, "malformed", tokens, jwks=keys, algorithms=ALL + " HS256")


# --- text ---

def test_characters_that_are_none_are_malformed(folder):
    claims = json.dumps(CLAIMS)
    broken = [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80", b"\xf8\x88\x80\x80\x80"]
    every(folder, "malformed", [token(payload=claims[:-1].encode() + b', "x": "' + b + b'"}') for b in broken] +
          [token(payload=bom + claims.encode()) for bom in (b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe")] +
          [token(payload=claims.encode(code)) for code in ("utf-16", "utf-16-le", "utf-32")] +
          [token(payload=claims[:-1] + ', "x": "' + e + '"}') for e in ("\\ud800", "\\udc00", "\\ud800\\u0041", "\\u00g0", "\\x41", "\t", "\n")] +
          [with_header('{"alg":"ES256","kid":"p256","x":"\\ud800"}'), with_header(b'{"alg":"ES256","kid":"p256","x":"\xff"}')])
    every(folder, "ok", [token(claims={"x": "\u20ac \U0001f600"}), token(payload="  " + claims + "\n")])


def test_json_that_is_nearly_json_is_malformed(folder):
    claims = json.dumps(CLAIMS)
    texts = [claims + "\0", claims + "{}", claims[:-1] + ",}", "// a comment\n" + claims, claims.replace('"exp"', "exp"), claims.replace('"', "'"),
             claims[:-1] + ', "x": +1}', claims[:-1] + ', "x": .5}', claims[:-1] + ', "x": 1.}', claims[:-1] + ', "x": 0x10}',
             claims[:-1] + ', "x": Infinity}', claims[:-1] + ', "x": NaN}', claims[:-1] + ', "x": undefined}',
             claims[:-1] + ', "x": ' + "[" * 40 + "]" * 40 + "}", claims[:-1] + ', "x": ' + '{"a":' * 40 + "1" + "}" * 40 + "}"]
    every(folder, "malformed", [token(payload=t) for t in texts])


def test_names_are_what_they_are_after_unescaping(folder):
    """One name in two spellings stands twice; a name that only looks like another one is another one."""
    claims = json.dumps(CLAIMS)
    every(folder, "malformed", [token(payload=claims[:-1] + f', "{name}": {value}}}') for name, value in
                                (("\\u0069ss", '"x"'), ("au\\u0064", '"x"'), ("\\u0065\\u0078\\u0070", NOW * 2))])
    lookalike = "\u0435xp"  # a Cyrillic letter
    every(folder, "malformed", [token(claims={"exp": None, lookalike: NOW + 60}), token(claims={"exp": None, "EXP": NOW + 60}),
                                token(claims={"exp": None, "exp\u0000": NOW + 60})])


def test_fractions_and_exponents_are_times_too(folder):
    claims = json.dumps(CLAIMS)
    times = [(f"{NOW + 60}.9", "ok"), ("1.9e9", "ok"), ("1E9", "expired"), ("0", "expired"), ("-0.0", "expired"), ("-1e-9", "malformed"),
             ("253402300799", "ok"), ("2.5e11", "ok"), ("1e12", "malformed"), ("9007199254740993", "malformed"), ("1e308", "malformed")]
    tokens = [token(payload=claims.replace(f'"exp": {CLAIMS["exp"]}', f'"exp": {text}')) for text, _ in times]
    assert verdicts(folder, tokens) == [want for _, want in times]


def test_the_parts_are_base64url_and_nothing_else(folder):
    text = token()
    header, payload, signature = text.split(".")
    odd = [f"{header}=.{payload}.{signature}", f"{header}.{payload}==.{signature}", f"{header}.{payload}.{signature}==",
           f"{header}%3D.{payload}.{signature}", f" {text}", f"{text}\t", f"{header} .{payload}.{signature}", f"{header}.\n{payload}.{signature}",
           f"{header}..{payload}.{signature}", f".{text}", f"{text}.", f"{header}.{payload}", f"{header}..{signature}", f".{payload}.{signature}",
           f"{header},{payload},{signature}", text.replace(".", "\uff0e"), f"{header}.{payload}.{signature}\u200b"]
    every(folder, "malformed", odd)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    def bent(part):
        """Left-over bits that are not zero (RFC 4648 3.5), where there are some."""
        free = {2: 4, 3: 2}.get(len(part) % 4)
        return part[:-1] + alphabet[alphabet.index(part[-1]) | 1] if free and not alphabet.index(part[-1]) & 1 else None
    for at in range(3):
        parts = [header, payload, signature]
        if bent(parts[at]):
            parts[at] = bent(parts[at])
            assert verdicts(folder, [".".join(parts)])[0] in ("malformed", "bad_signature")


def test_serializations_and_tokens_of_other_kinds_are_malformed(folder):
    text = token()
    header, payload, signature = text.split(".")
    every(folder, "malformed", [
        json.dumps({"protected": header, "payload": payload, "signature": signature}),
        json.dumps({"payload": payload, "signatures": [{"protected": header, "signature": signature}]}),
        f"{header}.{payload}.{signature}~disclosure~", f"{header}.{payload}.{signature}.{signature}.{signature}",
        f"v4.public.{payload}", f"Bearer {text}", f'"{text}"'])


def test_what_a_header_may_not_say_is_malformed_even_when_signed(folder):
    members = [{"crit": ["b64"], "b64": False}, {"crit": ["exp"]}, {"crit": "exp"}, {"crit": None}, {"b64": True}, {"zip": "DEF"}, {"zip": ""},
               {"jwk": {}}, {"jku": ""}, {"x5u": None}, {"x5c": []}, {"cty": "JWT"}, {"cty": "jwt"}]
    every(folder, "malformed", [with_header(json.dumps({"alg": "ES256", "kid": "p256"} | m)) for m in members])


def test_a_name_of_the_subject_or_the_token_is_text(folder):
    every(folder, "malformed", [token(claims={name: value}) for name in ("sub", "jti") for value in (5, True, [], ["x"], {}, 1.5)])
    every(folder, "malformed", [token(payload=json.dumps(CLAIMS | {name: None})) for name in ("sub", "jti")])
    every(folder, "ok", [token(claims={"sub": None}), token(claims={"jti": "x"})])  # neither must be there


def test_spare_bits_are_zero_even_when_they_are_signed(folder):
    """One token has one spelling (RFC 4648 3.5), whoever signed another one."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    def spare(content):
        return next(t for t in (b64(json.dumps(content) + " " * n) for n in range(3)) if len(t) % 4)

    def bent(part):
        return part[:-1] + alphabet[alphabet.index(part[-1]) | 1]

    def signed(header, payload):
        data = f"{header}.{payload}"
        return data + "." + b64(raw_signature(KEYS["p256"], "ES256", data.encode()))
    header, payload = spare({"alg": "ES256", "kid": "p256"}), spare(CLAIMS)
    assert bent(header) != header and bent(payload) != payload
    every(folder, "ok", [signed(header, payload)])
    every(folder, "malformed", [signed(bent(header), payload), signed(header, bent(payload))])


def test_an_audience_among_others_is_ours_only_when_it_is_the_very_one(folder):
    assert verdicts(folder, [token(claims={"aud": a}) for a in (
        [AUDIENCE], ["a", "b", AUDIENCE], [AUDIENCE, AUDIENCE], [AUDIENCE.upper()], [AUDIENCE + "/"], [[AUDIENCE]], {AUDIENCE: 1},
        [AUDIENCE] + ["x"] * 30)]) == ["ok", "ok", "ok", "wrong_audience", "wrong_audience", "malformed", "malformed", "malformed"]


def test_a_foreign_key_that_signs_for_another_kid_is_not_taken(folder):
    """Each key under each other key's name, by each algorithm: none fits but the right one."""
    tokens, want = [], []
    for key, alg in PAIRS:
        for name in KEYS:
            data = b64(json.dumps({"alg": alg, "kid": name})) + "." + b64(json.dumps(CLAIMS))
            tokens.append(data + "." + b64(raw_signature(KEYS[key], alg, data.encode())))
            want.append("ok" if name == key else "bad_signature")
    assert verdicts(folder, tokens) == want
