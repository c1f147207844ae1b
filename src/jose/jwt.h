/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of other issuers (RFC 7519 under the rules of RFC 8725): an OpenID provider's, a Configuration Manager site's.
 * What each of them must say besides (tenant, device, purpose) is their judges' business.
 */
#ifndef JOSE_JWT_H
#define JOSE_JWT_H

#include "jose/jws/jws.h"

enum { JWT_LEEWAY_S = 60 };
#define JWT_ALGORITHMS "RS256 PS256 ES256 ES384 EdDSA"

struct jwt_policy {
    const struct jose_keys *keys; /* jose_keys_new_foreign */
    const char *algorithms;       /* allow-list, space-separated */
    const char *issuer;           /* `iss`, exactly (RFC 7519 4.1.1) */
    const char *audience;         /* `aud`, or one of it */
};

/* Signature, type, issuer, audience, times, in this order. On REASON_OK *ret_claims is set and the caller
 * json_decref()s it. *detail says what was found and expected. A token without `exp` is malformed; `nbf` and `iat`
 * count when they are there. Taken types: none, JWT, at+jwt (RFC 9068); never a nested token (`cty`). */
MUST_USE enum verdict_reason jwt_judge(const struct jwt_policy *p, struct slice text, int64_t now, json_t **ret_claims,
                                       struct error *detail);

#endif
