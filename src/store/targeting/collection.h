/* SPDX-License-Identifier: Apache-2.0 */
/* Collections of devices: listed one by one, or by rules (mp/targeting/rule.h), or both. */
#ifndef STORE_TARGETING_COLLECTION_H
#define STORE_TARGETING_COLLECTION_H

#include "base/arena.h"
#include "store/store.h"

enum { STORE_COLLECTION_RULES_MAX = 64 * 1024 };

struct store_collection {
    const char *name;
    const char *rules; /* one a line; "": none */
    int64_t created;
    bool has; /* store_collection_list: is the device asked about listed in it? */
};

/* A new one, or other rules for the one with this name. */
MUST_USE enum result store_collection_put(struct store *s, const char *name, const char *rules, struct error *err);
MUST_USE enum result store_collection_get(struct store *s, struct arena *arena, const char *name,
                                          struct store_collection *ret, struct error *err);
/* All, by name, for this device. */
MUST_USE enum result store_collection_list(struct store *s, struct arena *arena, const char *guid,
                                           struct store_collection **ret, size_t *ret_count, struct error *err);
/* By name, those above `after` ("": from the first), `limit` at most. */
MUST_USE enum result store_collection_page(struct store *s, struct arena *arena, const char *after, int64_t limit,
                                           struct store_collection **ret, size_t *ret_count, struct error *err);
/* How many devices are listed in it: takes time by how many. */
MUST_USE enum result store_collection_count(struct store *s, const char *name, int64_t *ret, struct error *err);
/* R_CONFLICT while client settings or policies are for it. */
MUST_USE enum result store_collection_remove(struct store *s, const char *name, struct error *err);

/* Lists a device in it, or no longer; again changes nothing. */
MUST_USE enum result store_collection_member(struct store *s, const char *name, const char *guid, bool member,
                                             struct error *err);
/* The same for one that comes in by its bulk token: bumps gathered. */
MUST_USE enum result store_collection_join(struct store *s, const char *name, const char *guid, struct error *err);

/* The GUIDs of the listed devices, sorted by strcmp. */
MUST_USE enum result store_collection_listed(struct store *s, struct arena *arena, const char *name, const char ***ret,
                                             size_t *ret_count, struct error *err);
/* Of those, the ones from `first` to `last`. */
MUST_USE enum result store_collection_listed_of_page(struct store *s, struct arena *arena, const char *name,
                                                     const char *first, const char *last, const char ***ret,
                                                     size_t *ret_count, struct error *err);

#endif
