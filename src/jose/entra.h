/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of Microsoft Entra and of other OpenID providers, by the site's list of onboarded tenants (SPEC 3, PROTOCOL
 * 4). Which claim names tenant, device and user is each tenant's own; the defaults are Entra's: `tid`, `deviceid`, and
 * one of `upn`, `preferred_username`, `unique_name`.
 *
 * A token that names a user is the user's, whatever device it was issued on; one that names a device and no user is the
 * device's, unless Entra says that it issued it for a user (`idtyp`, `scp`).
 */
#ifndef JOSE_ENTRA_H
#define JOSE_ENTRA_H

#include "jose/jwt.h"

enum { ENTRA_NAME_MAX = 128, ENTRA_USER_MAX = 256 };

#define ENTRA_TENANT_CLAIM "tid"
#define ENTRA_DEVICE_CLAIM "deviceid"
#define ENTRA_AUTHORITY "https://login.microsoftonline.com/"
#define ENTRA_USER_CLAIMS "upn preferred_username unique_name"

/* A Microsoft tenant's issuers, of v2 tokens and of v1's; a new array. */
json_t *entra_issuers(const char *tenant);

/* Borrowed texts; words are separated by blanks. */
struct entra_tenant {
    const char *id;               /* the site's name for it */
    const char *tenant;           /* what the tenant claim must say, ignoring case; "": the issuer alone says it */
    const char *issuers;          /* those it may be: Entra has one for v1 tokens and one for v2 */
    const char *audiences;        /* any of them */
    const char *algorithms;       /* allow-list */
    const char *tenant_claim;     /* its name */
    const char *device_claim;     /* device, also of the user's tokens */
    const char *user_claims;      /* the first one that is there */
    const struct jose_keys *keys; /* NULL: not at hand */
};

struct entra_token {
    const struct entra_tenant *tenant;
    char device[ENTRA_NAME_MAX]; /* lower case; "": names none */
    char user[ENTRA_USER_MAX];   /* lower case; "": the device's own */
    int64_t expires;
};

/* Hex SHA-256 of "<tenant's id at the site>/<device>": how blocks name an Entra device. */
#define ENTRA_KEY_HEX 65
void entra_device_key(const char *tenant, const char *device, char ret[ENTRA_KEY_HEX]);

/* Is it a token that a tenant could have issued, not one of this site? Without looking at the signature: to choose who
 * judges it. */
MUST_USE bool entra_is_foreign(struct slice text);

/* Signature, type, issuer, audience, times, tenant, and who it names. *detail says what was found and expected.
 * REASON_TOKEN_UNKNOWN_TENANT: not in the list (or switched off, which takes it out).
 * ret->tenant is set as soon as the token names one, also when it is refused then. */
MUST_USE enum verdict_reason entra_judge(const struct entra_tenant *list, size_t count, struct slice text, int64_t now,
                                         struct entra_token *ret, struct error *detail);

#endif
