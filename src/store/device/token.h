/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk registration tokens: their ids and use counts. The tokens themselves are never stored. */
#ifndef STORE_DEVICE_TOKEN_H
#define STORE_DEVICE_TOKEN_H

#include "base/arena.h"
#include "store/store.h"

struct store_token {
    const char *id;
    int64_t issued, expires, uses, used;
    bool blocked;
    const char *networks, *names; /* what it is limited to, with blanks between; "": nothing. NULL counts as "" */
    const char *collection;       /* that its devices join; "": none */
};
/* "valid", "used", "expired", "blocked" */
const char *store_token_state(const struct store_token *t, int64_t now);

MUST_USE enum result store_token_add(struct store *s, const struct store_token *t, struct error *err);
MUST_USE enum result store_token_get(struct store *s, struct arena *a, const char *id, struct store_token *ret,
                                     struct error *err);
/* The newest first, from behind the token of this id and time of issue on, `limit` at most. `after` NULL: from the
 * newest on; those that ended more than 30 days ago are dropped on the way. */
MUST_USE enum result store_token_page(struct store *s, struct arena *a, const struct store_token *after, int64_t limit,
                                      struct store_token **ret, size_t *ret_count, struct error *err);
/* Blocked and not yet ended: for the bundle. */
MUST_USE enum result store_token_blocked_list(struct store *s, struct arena *a, int64_t now, struct store_token **ret,
                                              size_t *ret_count, struct error *err);
/* Bumps the bundle. */
MUST_USE enum result store_token_block(struct store *s, const char *id, bool blocked, struct error *err);

/* Did this key use it? */
MUST_USE enum result store_token_used_by(struct store *s, const char *id, const char *spki, bool *ret,
                                         struct error *err);
/* One use by this key (hex SHA-256 of the SubjectPublicKeyInfo); the same key again costs nothing. Atomic over
 * processes. R_NOTFOUND: never issued; R_DENIED: blocked; R_TIMEOUT: ended; R_LIMIT: used up. */
MUST_USE enum result store_token_use(struct store *s, const char *id, const char *spki, int64_t now, struct error *err);

#endif
