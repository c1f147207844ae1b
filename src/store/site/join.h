/* SPDX-License-Identifier: Apache-2.0 */
/* Join strings that are out: one at most for each gateway and connector, until it expires. */
#ifndef STORE_SITE_JOIN_H
#define STORE_SITE_JOIN_H

#include "base/arena.h"
#include "store/store.h"

struct store_join {
    const char *kind, *id; /* "gateway", "connector" */
    const char *jwk;       /* the public half of the one-time key, JSON */
    int64_t made, expires;
    int64_t used;       /* 0: not yet */
    const char *spki;   /* hex SHA-256 of the key that joined; "": none yet */
    const char *answer; /* what it was told; "": nothing yet */
};

/* In the place of the one before it of the same id. */
MUST_USE enum result store_join_put(struct store *s, const struct store_join *j, struct error *err);
/* R_NOTFOUND: there is none, or it expired. */
MUST_USE enum result store_join_get(struct store *s, struct arena *a, const char *kind, const char *id, int64_t now,
                                    struct store_join *ret, struct error *err);
MUST_USE enum result store_join_list(struct store *s, struct arena *a, int64_t now, struct store_join **ret,
                                     size_t *ret_count, struct error *err);
/* The machine with this key joined by the string of this jwk. R_NOTFOUND: it was used, has expired at .used, or another
 * took its place. */
MUST_USE enum result store_join_use(struct store *s, const struct store_join *j, struct error *err);

/* The role was heard of with what it was given: nobody has to be told that it joins. */
MUST_USE enum result store_join_heard(struct store *s, const char *kind, const char *id, struct error *err);
/* It was removed, or is given a certificate in another way. */
MUST_USE enum result store_join_remove(struct store *s, const char *kind, const char *id, struct error *err);
/* Those that expired; whoever was told of them is told that they are gone. */
MUST_USE enum result store_join_expire(struct store *s, int64_t now, struct error *err);

#endif
