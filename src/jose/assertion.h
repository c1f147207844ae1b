/* SPDX-License-Identifier: Apache-2.0 */
/* How a client proves itself to an OpenID provider by its certificate: private_key_jwt (RFC 7523 2.2 and 3, OpenID
 * Connect Core 9). */
#ifndef JOSE_ASSERTION_H
#define JOSE_ASSERTION_H

#include <openssl/x509.h>

#include "jose/jws/jws.h"

struct jose_assertion {
    EVP_PKEY *key;         /* RSA of 2048 bits or more, P-256 or P-384 */
    X509 *certificate;     /* of this key */
    const char *client;    /* `iss` and `sub` */
    const char *audience;  /* the token endpoint */
    const json_t *offered; /* token_endpoint_auth_signing_alg_values_supported; NULL: not told */
    int64_t now;           /* it lives five minutes */
};

/* Signed by PS256 or RS256 (RSA), ES256 or ES384; the header carries x5t and x5t#S256, by which Microsoft Entra finds
 * the certificate. Text malloc'ed, a secret while it lives. R_INVALID: no algorithm for this key. */
MUST_USE enum result jose_assertion_sign(const struct jose_assertion *a, char **ret, struct error *err);

#endif
