/* SPDX-License-Identifier: Apache-2.0 */
/* OpenID providers that were onboarded: Microsoft Entra tenants and others. */
#ifndef STORE_SITE_TENANT_H
#define STORE_SITE_TENANT_H

#include "base/arena.h"
#include "store/store.h"

struct store_tenant {
    const char *id;
    const char *tenant;                                    /* Entra's GUID of it; "": the issuer alone tells */
    const char *issuers, *audiences;                       /* words, separated by blanks */
    const char *algorithms;                                /* "": the default list */
    const char *tenant_claim, *device_claim, *user_claims; /* "": Entra's */
    const char *client_app_id, *resource;
    const char *jwks;   /* a JWK set as text; "": from the source */
    const char *source; /* id of the source that gives the keys; "": none */
    bool enabled;
    int64_t added;
};

/* A new one, or all of the one with this id anew. Bumps the bundle. */
MUST_USE enum result store_tenant_put(struct store *s, const struct store_tenant *t, struct error *err);
MUST_USE enum result store_tenant_list(struct store *s, struct arena *arena, struct store_tenant **ret,
                                       size_t *ret_count, struct error *err);
/* Bumps the bundle. */
MUST_USE enum result store_tenant_enable(struct store *s, const char *id, bool enabled, struct error *err);
MUST_USE enum result store_tenant_remove(struct store *s, const char *id, struct error *err);

#endif
