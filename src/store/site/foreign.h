/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration Manager sites whose tokens are taken (PROTOCOL 4). */
#ifndef STORE_SITE_FOREIGN_H
#define STORE_SITE_FOREIGN_H

#include "base/arena.h"
#include "store/store.h"

struct store_foreign {
    const char *id, *issuer, *audience;
    const char *header, *key_name; /* which member of a token's header names the key, and what it says */
    const char *jwks;              /* a JWK set of that one key, as text */
    const char *endpoints;         /* ids with blanks between */
    int64_t added;
};

/* A new one, or all of the one with this id anew. Bumps the bundle. */
MUST_USE enum result store_foreign_put(struct store *s, const struct store_foreign *f, struct error *err);
MUST_USE enum result store_foreign_list(struct store *s, struct arena *arena, struct store_foreign **ret,
                                        size_t *ret_count, struct error *err);
MUST_USE enum result store_foreign_remove(struct store *s, const char *id, struct error *err);

#endif
