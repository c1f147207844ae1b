/* SPDX-License-Identifier: Apache-2.0 */
/* RSA from 2048 bits, curves from P-256, Edwards curves; no MD5, no SHA-1. Other kinds of keys are refused. */
#include "pki/strength.h"

#include <stdio.h>

enum { SIGNATURE_BITS_MIN = 112 };

static const struct {
    const char *type;
    int bits_min;
} keys[] = {
    {"RSA", 2048}, {"RSA-PSS", 2048}, {"EC", 256}, {"ED25519", 0}, {"ED448", 0},
};

static bool key_ok(X509 *cert, char *why, size_t size)
{
    EVP_PKEY *key = X509_get0_pubkey(cert);
    if (!key) {
        (void)snprintf(why, size, "has a public key of an unknown or broken kind");
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (!EVP_PKEY_is_a(key, keys[i].type))
            continue;
        if (EVP_PKEY_get_bits(key) >= keys[i].bits_min)
            return true;
        (void)snprintf(why, size, "has a key of %s with %d bits, wanted are %d", keys[i].type, EVP_PKEY_get_bits(key),
                       keys[i].bits_min);
        return false;
    }
    const char *type = EVP_PKEY_get0_type_name(key);
    (void)snprintf(why, size, "has a key of a kind that is not accepted (%s)", type ? type : "?");
    return false;
}

static bool signature_ok(X509 *cert, char *why, size_t size)
{
    int md = NID_undef, bits = 0;
    uint32_t flags;
    if (X509_get_signature_info(cert, &md, NULL, &bits, &flags) && bits >= SIGNATURE_BITS_MIN)
        return true;
    (void)snprintf(why, size, "is signed with %s, wanted is SHA-256 or stronger",
                   md == NID_undef ? "an unknown hash" : OBJ_nid2sn(md));
    return false;
}

bool pki_strength_ok(X509 *cert, bool signature, char *why, size_t size)
{
    return key_ok(cert, why, size) && (!signature || signature_ok(cert, why, size));
}
