/* SPDX-License-Identifier: Apache-2.0 */
/* JWS compact serialization (RFC 7515) over libjose, with a policy of our own in front: algorithm allow-list, `kid`
 * first, no `none`, no `crit`, no embedded key ever believed. */
#ifndef JOSE_JWS_JWS_H
#define JOSE_JWS_JWS_H

#include <jansson.h>
#include <openssl/evp.h>

#include "base/error.h"
#include "base/slice.h"
#include "verdict/reason.h"

enum { JOSE_TOKEN_MAX = 16 * 1024, JOSE_DOCUMENT_MAX = 64 * 1024 * 1024 };

/* --- private keys --- */
struct jose_signer; /* a P-256 key for ES256; thread-safe */
MUST_USE enum result jose_signer_new(EVP_PKEY *key, struct jose_signer **ret, struct error *err);
void jose_signer_free(struct jose_signer *s);
json_t *
jose_signer_public_jwk(const struct jose_signer *s); /* with kid (RFC 7638), alg, use; the caller json_decref()s */
/* The same of a key whose private part is elsewhere. R_INVALID: not P-256. */
MUST_USE enum result jose_public_jwk(EVP_PKEY *key, json_t **ret, struct error *err);

/* `header` (alg and kid are added; borrowed) and `payload` → compact text, malloc'ed; the signature has the lower s. */
MUST_USE enum result jose_sign(const struct jose_signer *s, json_t *header, struct slice payload, char **ret,
                               struct error *err);

/* --- public keys --- */
enum { JOSE_KEYS_MAX = 64, JOSE_KID_MAX = 128 };
struct jose_keys; /* a JWKS, immutable, thread-safe */
/* {"keys":[…]}; may be empty. Keys without kid, for encryption, or of a type that no algorithm here uses are left out
 * (RFC 7517 5). R_INVALID: two with one kid, a private or symmetric member, a point off its curve, RSA under 2048 bits.
 */
MUST_USE enum result jose_keys_new(const json_t *jwks, struct jose_keys **ret, struct error *err);
/* A set of somebody else, an OpenID provider: what can't be used in it is left out (RFC 7517 5), keys without a kid are
 * kept. A token of theirs may lack a kid when one key alone fits; the allow-list decides about the algorithm. */
MUST_USE enum result jose_keys_new_foreign(const json_t *jwks, struct jose_keys **ret, struct error *err);
void jose_keys_free(struct jose_keys *k);
size_t jose_keys_count(const struct jose_keys *k);

/* Splits, decodes and verifies. `algorithms`: space-separated allow-list ("ES256"), of ES256 … ES512, RS256 …
 * RS512, PS256 … PS512, EdDSA (Ed25519); none and HS* are never taken. A header with crit, b64, zip, jwk, jku, x5u or
 * x5c is malformed. Of a set of our own (jose_keys_new) an ES256 signature must have the lower s. On REASON_OK
 * *ret_header and *ret_payload are set, the caller json_decref()s both; otherwise TOKEN_MALFORMED, TOKEN_UNKNOWN_KEY or
 * TOKEN_BAD_SIGNATURE, and *detail says what. */
MUST_USE enum verdict_reason jose_verify(const struct jose_keys *k, struct slice token, const char *algorithms,
                                         json_t **ret_header, json_t **ret_payload, struct error *detail);

/* The same without a look at the payload, which may be anything: the signature alone. */
MUST_USE enum verdict_reason jose_verify_signature(const struct jose_keys *k, struct slice token,
                                                   const char *algorithms, struct error *detail);

/* Signature (ES256 alone) of a compact JWS by a key already known to be right (signed documents, see
 * bundle/document.h; there the header may carry x5c). R_INVALID, R_LIMIT; R_DENIED: not signed by it. */
MUST_USE enum result jose_verify_with(EVP_PKEY *key, struct slice token, struct error *err);

/* Decodes header and payload without believing them: for choosing a key, for tools. ret_payload NULL: the header alone.
 * The caller json_decref()s what it got. R_INVALID, R_LIMIT. */
MUST_USE enum result jose_peek(struct slice token, size_t max, json_t **ret_header, json_t **ret_payload,
                               struct error *err);

#endif
