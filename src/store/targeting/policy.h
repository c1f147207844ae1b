/* SPDX-License-Identifier: Apache-2.0 */
/* Policies: named texts with versions, for devices or users, of every device or of those of collections. */
#ifndef STORE_TARGETING_POLICY_H
#define STORE_TARGETING_POLICY_H

#include "base/arena.h"
#include "store/store.h"

enum { STORE_POLICY_MAX = 1024 * 1024, STORE_POLICY_USERS_MAX = 256 * 1024, STORE_POLICY_COLLECTIONS_MAX = 64 };

struct store_policy {
    const char *name, *id; /* id: a GUID, the same for all versions */
    int64_t version;
    const char *sha256; /* lower-case hex, of the content */
    const char *content;
    int64_t size;            /* of the content, in bytes */
    const char *users;       /* "": of every device; "*": of every user; else their names, one a line */
    const char *collections; /* "": on every device; else on those of any of these collections, one a line */
    int64_t created, changed;
    const char *content_name, *content_version; /* files that it brings (store/targeting/content.h); "": none */
    const char *handler;                        /* of the device's, to run for them; "": none */
};

/* A new policy, or a new version of the one with p->name when anything of it differs. Bumps every device's policy.
 * Of *p id, version, size and times are not read. R_NOTFOUND names a collection that is not there, R_LIMIT what is too
 * much. */
MUST_USE enum result store_policy_put(struct store *s, const struct store_policy *p, struct error *err);
/* Is it a policy of this user? Names ignore ASCII case. */
bool store_policy_is_of(const struct store_policy *p, const char *user);
MUST_USE enum result store_policy_get(struct store *s, struct arena *arena, const char *name, struct store_policy *ret,
                                      struct error *err);
MUST_USE enum result store_policy_list(struct store *s, struct arena *arena, struct store_policy **ret,
                                       size_t *ret_count, struct error *err);
/* By name, those above `after` ("": from the first), `limit` at most; without their content (""). */
MUST_USE enum result store_policy_page(struct store *s, struct arena *arena, const char *after, int64_t limit,
                                       struct store_policy **ret, size_t *ret_count, struct error *err);
/* Those that bring a file of this SHA-256, without their content (""). */
MUST_USE enum result store_policy_naming(struct store *s, struct arena *arena, const char *sha256,
                                         struct store_policy **ret, size_t *ret_count, struct error *err);
MUST_USE enum result store_policy_remove(struct store *s, const char *name, struct error *err);

#endif
