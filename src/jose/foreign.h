/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of a Configuration Manager site, in its own form (PROTOCOL 4 "Foreign tokens"): RS256, the key named by `x5t`
 * (RFC 7515 4.1.7: SHA-1 of its certificate) and not by `kid`; no `sub`, `iat` or `jti`; bound to nothing, so that who
 * holds one may use it. They are believed only where an administrator listed site, key and endpoints. What one is for
 * stands in `SCCMTokenCategory` and `Type`; a pair that is not in the table of foreign.c is refused.
 */
#ifndef JOSE_FOREIGN_H
#define JOSE_FOREIGN_H

#include "jose/jwt.h"

#define FOREIGN_AUDIENCE "urn:sccm:service"
#define FOREIGN_X5T "x5t"
#define FOREIGN_KID "kid"
enum { FOREIGN_ID_SIZE = 64, FOREIGN_X5T_SIZE = 28 };

/* One key of one site; a site that changes its key is listed twice for a while. Borrowed texts. */
struct foreign_site {
    const char *id;        /* our name for it */
    const char *issuer;    /* `iss`, exactly */
    const char *audience;  /* `aud` */
    const char *header;    /* the header's member that names the key: FOREIGN_X5T or FOREIGN_KID */
    const char *key;       /* what it says there */
    const char *endpoints; /* ids of the endpoints that its tokens open; words with blanks between */
    const struct jose_keys *keys;
};

struct foreign_token {
    const struct foreign_site *site;
    char id[FOREIGN_ID_SIZE]; /* UniqueId */
    int64_t expires;
};

/* Has one of them issued it, as far as it says itself? To choose who judges it. */
MUST_USE bool foreign_is(const struct foreign_site *list, size_t count, struct slice text);

/* Form, key, signature, issuer, audience, times and purpose. *detail says what was found and expected. ret->site is set
 * as soon as the token names issuer and key, also when it is refused then. */
MUST_USE enum verdict_reason foreign_judge(const struct foreign_site *list, size_t count, struct slice text,
                                           int64_t now, struct foreign_token *ret, struct error *detail);

/* Do the site's tokens open this endpoint? NULL: what gateways answer themselves, by which a device finds its site. */
bool foreign_opens(const struct foreign_site *site, const char *endpoint);

/* The key that signs such tokens, from a certificate or a public key (PEM): as a set of one JWK, with `kid` when given
 * (else NULL), and what x5t says of it ("" for a bare key). The caller json_decref()s *ret. R_INVALID: no RSA key of
 * 2048 to 8192 bits. */
MUST_USE enum result foreign_read_key(struct slice pem, const char *kid, json_t **ret, char ret_x5t[FOREIGN_X5T_SIZE],
                                      struct error *err);

#endif
