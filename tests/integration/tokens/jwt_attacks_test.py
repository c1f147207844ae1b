# SPDX-License-Identifier: Apache-2.0
"""The families of attacks on JSON Web Tokens (RFC 8725), asked through `cmg token check`: the gateway's own code."""
import base64
import hashlib
import hmac
import json
import subprocess

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from kit import programs
from kit.jwts import (ALL, AUDIENCE, CLAIMS, ISSUER, KEYS, NOW, PAIRS, SET, STRANGER, b64, every, jwk, number, token, verdicts,
                      with_header)
from kit.mint import P256_ORDER, with_high_s, with_low_s


def resigned(signature):
    return token().rpartition(".")[0] + "." + (signature if isinstance(signature, str) else b64(signature))


def test_good_tokens_of_every_algorithm_are_taken(folder):
    every(folder, "ok", [token(key, alg) for key, alg in PAIRS])
    every(folder, "ok", [token("rsa", "RS256", claims={"aud": ["x", AUDIENCE]}),
                         token("rsa", "RS256", header={"typ": None}), token("rsa", "RS256", header={"typ": "at+jwt"}),
                         token(claims={"exp": NOW + 0.5, "nbf": None, "iat": None}),
                         token(header={"x5t": "AAAA"})])


def test_an_algorithm_that_is_not_listed_is_not_taken(folder):
    tokens = [token(key, alg) for key, alg in PAIRS]
    for key, alg in PAIRS:
        found = verdicts(folder, tokens, algorithms=alg)
        assert [r == "ok" for r in found] == [a == alg for _, a in PAIRS]
        assert set(found) == {"ok", "malformed"}


def test_no_spelling_of_none_is_a_signature(folder):
    body = b64(json.dumps(CLAIMS))
    spelt = [b64(json.dumps({"alg": alg, "kid": "p256"})) + "." + body + "." + s
             for alg in ("none", "None", "NONE", "nOnE", "", " none", "none\u0000") for s in ("", b64("x"))]
    spelt += [b64(json.dumps({"kid": "p256"})) + "." + body + "." + b64("x"), b64("{}") + "." + body + "."]
    every(folder, "malformed", spelt, algorithms=ALL + " none None NONE nOnE")
    every(folder, "malformed", [b64('{"alg":null,"kid":"p256"}') + "." + body + ".AA", token().rpartition(".")[0],
                                token().rpartition(".")[0] + "."])


def test_a_public_key_is_no_secret_of_an_hmac(folder):
    public = KEYS["rsa"].public_key()
    texts = [public.public_bytes(e, f) for e in (serialization.Encoding.PEM, serialization.Encoding.DER)
             for f in (serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PublicFormat.PKCS1)]
    texts += [texts[0].rstrip(), json.dumps(jwk(KEYS["rsa"], "rsa")).encode(), b""]
    forged = []
    for text in texts:
        for alg, digest in (("HS256", hashlib.sha256), ("HS384", hashlib.sha384), ("HS512", hashlib.sha512)):
            data = b64(json.dumps({"alg": alg, "kid": "rsa"})) + "." + b64(json.dumps(CLAIMS))
            forged.append(data + "." + b64(hmac.new(text, data.encode(), digest).digest()))
    every(folder, "malformed", forged, algorithms=ALL + " HS256 HS384 HS512")
    symmetric = {"keys": [{"kty": "oct", "kid": "s", "k": b64(b"0" * 32)}]}
    data = b64(json.dumps({"alg": "HS256", "kid": "s"})) + "." + b64(json.dumps(CLAIMS))
    forged = data + "." + b64(hmac.new(b"0" * 32, data.encode(), hashlib.sha256).digest())
    every(folder, "malformed", [forged], jwks=symmetric, algorithms="HS256 ES256")


def test_a_key_that_comes_with_the_token_is_never_believed(folder):
    own = jwk(STRANGER, "p256")
    brought = [{"jwk": own}, {"jku": "https://evil.example/jwks"}, {"x5u": "https://evil.example/cert"},
               {"x5c": ["MIIB"]}, {"jwk": own, "kid": None}, {"jku": "file:///dev/stdin"}]
    every(folder, "malformed", [token(header=h, signer=STRANGER) for h in brought])
    every(folder, "malformed", [token(header=h) for h in brought])  # even where the signature is right
    every(folder, "bad_signature", [token(signer=STRANGER)])


def test_a_kid_is_a_name_and_nothing_else(folder):
    strange = ["../../../../dev/null", "/etc/passwd", "p256' OR '1'='1", "p256;id", "$(id)", "P256", "p256 ", "p25",
               "http://evil.example/k", "%70256", "*"]
    every(folder, "unknown_key", [token(header={"kid": kid}) for kid in strange])
    every(folder, "malformed", [token(header={"kid": kid}) for kid in
                                (1, [], ["p256"], {"p256": 1}, True, "", "x" * 129, "p256\n", "p256\u0000", "\u00e9")])
    every(folder, "malformed", [with_header('{"alg":"ES256","kid":null}')])


def test_a_key_serves_its_own_algorithms_alone(folder):
    every(folder, "bad_signature",
          [token("p384", "ES256"), token("p256", "ES384"), token("rsa", "ES256", signer=KEYS["p256"]),
           token("p256", "RS256", signer=KEYS["rsa"]), token("p256", "EdDSA", signer=KEYS["ed"]),
           token("ed", "ES256", signer=KEYS["p256"]), token("p521", "ES256", signer=KEYS["p256"])])
    every(folder, "malformed", [token("p256", "ES256", header={"alg": alg}) for alg in
                                ("ES256K", "es256", "ES-256", "SHA256", "RSA1_5", "dir", "A128KW", "EdDSA ", 1, ["ES256"])])
    marked = {"keys": [jwk(KEYS["rsa"], "rsa", alg="PS256"), jwk(KEYS["p256"], "p256", use="enc"),
                       jwk(KEYS["p384"], "p384", key_ops=["sign"])]}
    assert verdicts(folder, [token("rsa", "PS256"), token("rsa", "RS256"), token(), token("p384", "ES384")],
                    jwks=marked) == ["ok", "bad_signature", "unknown_key", "unknown_key"]


def numbers(r, s):
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def test_signatures_that_are_none_are_bad(folder):
    text = token()
    good = base64.urlsafe_b64decode(text.rpartition(".")[2] + "==")
    r, s = int.from_bytes(good[:32], "big"), int.from_bytes(good[32:], "big")
    wrong = [numbers(0, 0), numbers(0, 1), numbers(1, 0), numbers(P256_ORDER, P256_ORDER), numbers(r, 0),
             numbers(0, s), numbers(1, 1), numbers(2**256 - 1, 2**256 - 1), b"\0" * 64, b"\0",
             b"\xff" * 64, utils.encode_dss_signature(r, s), b"\0" * 32 + good, good + b"\0", good[:-1], good[1:],
             good[:32] + b"\0" + good[32:], b"\0" + good[:32] + b"\0" + good[32:], good * 2]
    if r + P256_ORDER < 2**256:
        wrong.append(numbers(r + P256_ORDER, s))
    base = text.rpartition(".")[0]
    every(folder, "bad_signature", [base + "." + b64(w) for w in wrong])
    every(folder, "bad_signature",
          [base + "." + b64(good[:i] + bytes([good[i] ^ 1]) + good[i + 1:]) for i in range(64)])
    every(folder, "malformed", [base + ".", base + ".!", base + "." + b64(good) + ".", base])


def test_a_signature_has_one_spelling(folder):
    text = token()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet[alphabet.index(text[-1]) ^ 1]  # 64 bytes leave four unused bits in the last character
    every(folder, "malformed", [text + "=", text + "==", " " + text, text + " ", text + "\n",
                                text.replace(".", "=.", 1), text.replace("_", "/").replace("-", "+") + "/",
                                text[:40] + "\n" + text[40:], "Bearer " + text])
    assert set(verdicts(folder, [text[:-1] + last, text + "A", text + "AA"])) <= {"malformed", "bad_signature"}


def test_of_other_issuers_both_signatures_of_rfc_7518_are_taken(folder):
    every(folder, "ok", [form(token()) for form in (with_low_s, with_high_s)])


def test_rsa_signatures_have_one_length_and_one_range(folder):
    modulus = KEYS["rsa"].public_key().public_numbers().n
    for alg in ("RS256", "PS256"):
        for i in range(400):  # until there is a signature that begins with a zero byte
            text = token("rsa", alg, claims={"jti": str(i)})
            good = base64.urlsafe_b64decode(text.rpartition(".")[2] + "==")
            if good[0] == 0:
                break
        base = text.rpartition(".")[0] + "."
        value = int.from_bytes(good, "big")
        every(folder, "ok", [text])
        wrong = [b"\0" + good, good + b"\0", good[:-1], good[1:], b"\0" * 256, b"\1".rjust(256, b"\0")]
        if value + modulus < 2**2048:
            wrong.append((value + modulus).to_bytes(256, "big"))
        every(folder, "bad_signature", [base + b64(w) for w in wrong])


def test_padding_of_other_forms_does_not_verify(folder):
    data = b64(json.dumps({"alg": "PS256", "kid": "rsa"})) + "." + b64(json.dumps(CLAIMS))
    sign = KEYS["rsa"].sign
    other = [sign(data.encode(), padding.PKCS1v15(), hashes.SHA256()),
             sign(data.encode(), padding.PSS(padding.MGF1(hashes.SHA1()), 32), hashes.SHA256()),
             sign(data.encode(), padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA384())]
    every(folder, "bad_signature", [data + "." + b64(s) for s in other])


def test_ed25519_signatures_are_canonical(folder):
    order = 2**252 + 27742317777372353535851937790883648493
    text = token("ed", "EdDSA")
    base, _, signature = text.rpartition(".")
    good = base64.urlsafe_b64decode(signature + "==")
    s = int.from_bytes(good[32:], "little")
    every(folder, "ok", [text])
    every(folder, "bad_signature", [base + "." + b64(w) for w in
                                    (good[:32] + (s + order).to_bytes(32, "little"), b"\0" * 64, good[:-1],
                                     good + b"\0", b"\1" + b"\0" * 63)])


def test_a_name_that_stands_twice_is_malformed(folder):
    claims = json.dumps(CLAIMS)
    every(folder, "malformed",
          [token(payload=claims[:-1] + f', "{name}": {value}}}') for name, value in
           (("iss", '"x"'), ("exp", NOW * 2), ("aud", '"y"'), ("\\u0065xp", NOW * 2), ("sub", '"device-2"'))])
    every(folder, "malformed", [token(payload=claims[:-1] + ', "o": {"a": 1, "a": 2}}'),
                                with_header('{"alg":"none","alg":"ES256","kid":"p256"}'),
                                with_header('{"alg":"ES256","kid":"x","kid":"p256"}')])


def test_numbers_out_of_range_are_malformed(folder):
    claims = json.dumps(CLAIMS)
    values = ["1e400", "-1e400", "9" * 400, "1" + "0" * 30, "1e300", "18446744073709551616", "253402300801", "-1",
              "NaN", "Infinity", '"1800003600"', "true", "null", "[1800003600]", "{}", "0x7fffffff", "01"]
    for name in ("exp", "nbf", "iat"):
        text = claims.replace(f'"{name}": {CLAIMS[name]}', f'"{name}": @')
        assert "@" in text
        every(folder, "malformed", [token(payload=text.replace("@", v)) for v in values])


def test_only_a_json_object_is_a_set_of_claims(folder):
    deep = "[" * 100000 + "]" * 100000
    texts = ["[]", '"x"', "1", "null", "{", '{"a":1}x', '{"iss":"\xff"}'.encode("latin-1"), "\ufeff{}", deep[:6000],
             '{"a":' * 2000 + "1" + "}" * 2000, "{'iss':'x'}", '{"a":"\\u0000"}', '{"a":1,}', ""]
    every(folder, "malformed", [token(payload=t) for t in texts if t] + [with_header(h) for h in
                                                                         ("[]", '"x"', "{", "null", "{}x")])


def test_nested_and_oversized_tokens_are_malformed(folder):
    every(folder, "malformed", [token(payload=token()), token(header={"cty": "JWT"}), token(claims={"x": "y" * 20000}),
                                token(header={"x": "y" * 20000}), "A" * 100000, "." * 50000, "a.b.c.d.e",
                                token() + "." + token(), json.dumps({"payload": "x", "signatures": []}), "", "..", "."])
    every(folder, "malformed", [token(header=h) for h in ({"crit": ["exp"]}, {"crit": []}, {"b64": False},
                                                          {"zip": "DEF"}, {"enc": "A128GCM", "alg": "dir"})])


def test_tokens_for_other_things_are_not_taken(folder):
    every(folder, "malformed", [token(header={"typ": typ}) for typ in
                                ("logout+jwt", "dpop+jwt", "cmg-device+jwt", "cmg-access+jwt", "JOSE", "", 1, ["JWT"])])
    every(folder, "wrong_issuer", [token(claims={"iss": iss}) for iss in
                                   (ISSUER + "/", ISSUER.upper(), "https://evil.example", ISSUER[:-1], "", None)])
    every(folder, "wrong_audience", [token(claims={"aud": aud}) for aud in
                                     ("api://other", ["x", "y"], AUDIENCE + "/", AUDIENCE[:-1], "", None)])
    every(folder, "malformed", [token(claims={"iss": [ISSUER]}), token(claims={"aud": {}}), token(claims={"aud": []}),
                                token(claims={"aud": [AUDIENCE, 1]}), token(claims={"aud": 1}),
                                token(claims={"exp": None})])


def test_the_edges_of_the_clock(folder):
    end, begin = NOW + 3600, NOW - 10
    assert verdicts(folder, [{"token": token(), "at": at} for at in
                             (end - 1, end, end + 59, end + 60, end + 86400, begin, begin - 60, begin - 61, 0)]) == \
        ["ok", "ok", "ok", "expired", "expired", "ok", "ok", "not_yet_valid", "not_yet_valid"]
    assert verdicts(folder, [token(claims={"iat": NOW + 60}), token(claims={"iat": NOW + 61}),
                             token(claims={"nbf": NOW + 61}), token(claims={"exp": NOW - 60}),
                             token(claims={"exp": NOW - 59.5})]) == \
        ["ok", "not_yet_valid", "not_yet_valid", "expired", "ok"]


def test_without_a_kid_the_key_must_be_the_only_one(folder):
    text = token(kid=False)
    one, two = {"keys": [jwk(KEYS["p256"])]}, {"keys": [jwk(KEYS["p256"]), jwk(STRANGER)]}
    mixed = {"keys": [jwk(KEYS["p256"], "a"), jwk(KEYS["rsa"], "b"), jwk(KEYS["p384"], "c")]}
    assert verdicts(folder, [{"token": text, "jwks": s} for s in (one, mixed, two, {"keys": []})]) == \
        ["ok", "ok", "unknown_key", "unknown_key"]
    assert verdicts(folder, [{"token": token(), "jwks": one}, {"token": token(signer=STRANGER), "jwks": one},
                             {"token": token(), "jwks": jwk(KEYS["p256"])}]) == ["ok", "bad_signature", "ok"]


def test_a_bad_key_in_a_set_is_passed_over_and_strands_nobody(folder):
    secret = KEYS["p256"].private_numbers().private_value
    off_curve = jwk(KEYS["p256"], "p256") | {"y": jwk(KEYS["p256"])["x"]}
    weak = rsa.generate_private_key(65537, 1024)
    modulus = jwk(KEYS["rsa"])["n"]
    bad = [jwk(KEYS["p256"], "p256", d=number(secret, 32)), off_curve, {"kty": "EC", "kid": "p256"}, 7, None, "x",
           {"kty": "oct", "k": "AA", "kid": "p256"}, jwk(weak, "p256"), {"kty": "XX"}, {}, {"kty": "RSA"},
           {"kty": "RSA", "n": modulus, "e": "AQ", "kid": "p256"}, {"kty": "RSA", "n": modulus, "e": "Ag", "kid": "p256"}]
    for key in bad:
        assert verdicts(folder, [token(), token("rsa", "RS256")], jwks={"keys": [key, jwk(KEYS["rsa"], "rsa")]}) == \
            ["unknown_key", "ok"], key
    twins = {"keys": [jwk(STRANGER, "p256"), jwk(KEYS["p256"], "p256")]}  # a roll-over that keeps the kid
    assert verdicts(folder, [token()], jwks=twins) == ["ok"]


def test_signature_only_looks_at_nothing_else(folder):
    assert verdicts(folder, [token(payload="any bytes"), token(claims={"exp": 1}), token(signer=STRANGER),
                             token(header={"jwk": jwk(STRANGER)})], signature_only=True) == \
        ["ok", "ok", "bad_signature", "malformed"]


def test_one_token_by_file_by_input_and_by_argument(tmp_path):
    jwks, file = tmp_path / "jwks.json", tmp_path / "token"
    jwks.write_text(json.dumps(SET))
    file.write_text(token() + "\n")

    def run(text, *more, given=""):
        return subprocess.run([programs.program("cmg"), "token", "check", "--jwks", jwks, "--issuer", ISSUER, "--audience",
                               AUDIENCE, "--at", str(NOW), "--json", *more, text], input=given.encode(),
                              capture_output=True, timeout=60)
    for done in (run(f"@{file}"), run("-", given=token()), run(token())):
        assert done.returncode == 0 and json.loads(done.stdout)["identity"] == "device-1", done.stderr
    assert run("x.y.z").returncode == 1
    assert run(token("rsa", "RS256"), "--algorithms", "ES256").returncode == 1
    assert run(f"@{tmp_path}/none").returncode == 2
    assert run(token(), "--at", "soon").returncode == 2


KINDS = {"bulk": {"registration", "metadata"}, "device": {"sts", "metadata"}, "access": {"general", "metadata"},
         "user": {"user"}}


@pytest.mark.parametrize("kind", KINDS)
def test_a_sites_token_is_judged_by_the_sites_rules(folder, kind):
    site, guid, x5t = "LAB", "6f1c0000-1111-4222-8333-444455556666", b64(hashlib.sha256(b"a certificate").digest())
    claims = {"iss": f"urn:opencmg:{site}", "aud": f"urn:opencmg:{site}:service", "jti": "1", "sub": None}
    if kind != "bulk":
        claims |= {"sub": guid, "cnf": {"x5t#S256": x5t}}
    if kind == "user":
        claims |= {"act": {"sub": guid}, "user": "ada@example.com"}
    text = with_low_s(token(header={"typ": f"cmg-{kind}+jwt"}, claims=claims))
    asked = {"issuer": claims["iss"], "audience": claims["aud"], "jwks": {"keys": [jwk(KEYS["p256"], "p256")]}}
    every(folder, "ok", [text], **asked)
    every(folder, "bad_signature", [with_high_s(text)], **asked)  # verifies too, and anyone could make it
    for purpose in ("registration", "sts", "metadata", "general", "user"):
        assert verdicts(folder, [text], purpose=purpose, **asked) == \
            ["ok" if purpose in KINDS[kind] else "wrong_purpose"]
    certificate = folder / "other.pem"
    done = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                           "-keyout", "/dev/null", "-subj", "/CN=other", "-out", certificate], capture_output=True)
    assert done.returncode == 0
    assert verdicts(folder, [text], certificate=str(certificate), **asked) == ["ok" if kind == "bulk" else "not_bound"]
    other = with_low_s(token(claims=claims | {"iss": "urn:opencmg:OTHER"}, header={"typ": f"cmg-{kind}+jwt"}))
    assert verdicts(folder, [other, token("rsa", "RS256", header={"typ": f"cmg-{kind}+jwt"}, claims=claims)],
                    **asked) == ["wrong_issuer", "malformed"]


def test_a_token_writes_nothing_on_the_terminal_but_what_it_says(tmp_path):
    (tmp_path / "jwks").write_text(json.dumps(SET))
    ask_for = [programs.program("cmg"), "token", "check", "--jwks", tmp_path / "jwks", "--issuer", ISSUER, "--audience", AUDIENCE, "--at", str(NOW)]
    for claims in ({"iss": "x\x1b[2J\raccepted\naccepted"}, {"sub": "Ger\u00e4t\n\x1b[31m\x9b2J\u202e\u2028\x7f"}):
        said = subprocess.run([*ask_for, token(claims=claims)], capture_output=True).stdout.decode()
        assert said.startswith("refused: wrong_issuer\n" if "iss" in claims else "accepted  Ger\u00e4t?")
        assert all(c.isprintable() for c in said.replace("\n", "")) and said.count("\naccepted") == 0, said
