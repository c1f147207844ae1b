/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP message signatures of devices (RFC 9421 with RFC 9530 digests), as PROTOCOL 4 decides:
 *
 *   CMG-Target: /CCM_STS                                  the path and query inside, after the gateway's prefix
 *   Content-Digest: sha-256=:…:
 *   Signature-Input: cmg=("@method" "cmg-target" "content-digest");created=…;nonce="…";keyid="…";alg="…";tag="cmg"
 *   Signature: cmg=:…:
 *
 * keyid is the base64url SHA-256 of the SubjectPublicKeyInfo. Algorithms: ecdsa-p256-sha256, ecdsa-p384-sha384,
 * rsa-pss-sha512, ed25519, by the key. content-digest is covered always; of an empty body too. A receiver takes the
 * components and the parameters in any order, each exactly once and none besides.
 */
#ifndef JOSE_HTTPSIG_HTTPSIG_H
#define JOSE_HTTPSIG_HTTPSIG_H

#include <openssl/evp.h>

#include "base/error.h"
#include "base/text/encode.h"

enum { HTTPSIG_WINDOW_S = 300, HTTPSIG_NONCE_MAX = 64 };
#define HTTPSIG_KEYID_SIZE BASE64_SIZE(32)

struct httpsig_message {
    struct slice method, target; /* target: what stands in CMG-Target */
    struct slice body;
};

struct httpsig_fields { /* malloc'ed values of the four fields */
    char *cmg_target, *content_digest, *signature_input, *signature;
};
void httpsig_fields_free(struct httpsig_fields *f);

MUST_USE enum result httpsig_sign(EVP_PKEY *key, const struct httpsig_message *m, int64_t now,
                                  struct httpsig_fields *ret, struct error *err);

/* As received; .ptr NULL: absent. */
struct httpsig_received {
    struct slice cmg_target, content_digest, signature_input, signature;
};

struct httpsig_params {
    char keyid[HTTPSIG_KEYID_SIZE];
    char nonce[HTTPSIG_NONCE_MAX + 1];
    int64_t created;
};

/* Reads keyid, nonce and created, to find the key. R_INVALID what is wrong; R_NOTFOUND no signature at all. */
MUST_USE enum result httpsig_params(const struct httpsig_received *in, struct httpsig_params *ret, struct error *err);

/* Everything: keyid is the key's, covered components are exactly ours, digest, target (m->target is what was really
 * asked for), created within the window of `now` (else R_TIMEOUT), signature. R_DENIED otherwise. The nonce's reuse is
 * the caller's. */
MUST_USE enum result httpsig_verify(EVP_PKEY *key, const struct httpsig_message *m, const struct httpsig_received *in,
                                    int64_t now, struct error *err);

#endif
