/* SPDX-License-Identifier: Apache-2.0 */
/* The site's keys (docs/protocol/wire.md 2) and what is issued with them: role certificates and tokens. */
#ifndef MP_KEYS_H
#define MP_KEYS_H

#include "bundle/document.h"
#include "jose/token.h"
#include "pki/cert/cert.h"

enum { MP_ROLE_DAYS = 90 };

enum { MP_KEY_ENDS_MAX = 12 };

struct mp_key_end { /* for the status: what ends when */
    char what[48];
    int64_t not_after;
};

struct mp_keys {
    char *site;
    char *root_pem, *role_ca_pem;
    X509 *root, *role_ca;
    EVP_PKEY *role_ca_key;
    struct document_signer *bundle, *policy;
    struct jose_signer *token;
    struct jose_keys *token_keys;
    json_t *jwks; /* {"keys": [...]}, public */
    char pin[PKI_HASH_HEX];
    struct mp_key_end ends[MP_KEY_ENDS_MAX];
    size_t end_count;
};

/* From the folder that `cmg init` made. Beside the key that signs tokens there may be its follower
 * (sign-token.next.pem, which is told already, so that every gateway knows it before it signs) or its predecessor
 * (sign-token.old.pem, whose tokens still count): `cmg keys`. Refuses keys that others can read, certificates that do
 * not belong to `site` or to the root, and what has ended. */
MUST_USE enum result mp_keys_load(const char *dir, const char *site, struct mp_keys *ret, struct error *err);
void mp_keys_free(struct mp_keys *k);

struct mp_role_certificate {
    char *certificate_pem; /* leaf, role CA */
    char *key_pem;         /* a secret; NULL: the subject made its key itself */
    int64_t not_after;
};
void mp_role_certificate_free(struct mp_role_certificate *c);

/* A new key and certificate for urn:opencmg:<site>:<kind>:<id>, 90 days; `host` (NULL: none) goes in as DNS name or IP
 * address. It ends after the wall second `later_than`, as far as the role CA lasts; 0: 90 days it is. */
MUST_USE enum result mp_role_issue(const struct mp_keys *k, const char *kind, const char *id, const char *host,
                                   int64_t later_than, struct mp_role_certificate *ret, struct error *err);

/* The same for a public key that the subject sent (a renewal): nothing but the key is the subject's choice. */
MUST_USE enum result mp_role_certify(const struct mp_keys *k, const char *kind, const char *id, EVP_PKEY *key,
                                     int64_t later_than, struct mp_role_certificate *ret, struct error *err);

/* R_CONFLICT, with what to do: the role CA ends so soon that a certificate issued now would be one of those withdrawn,
 * which end at the wall second `withdrawn` or before. */
MUST_USE enum result mp_role_outlives(const struct mp_keys *k, const char *kind, const char *id, int64_t withdrawn,
                                      struct error *err);

#endif
