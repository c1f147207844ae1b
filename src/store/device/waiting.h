/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that wait for approval: how many there are, from where, and their end. One that was approved before and waits
 * again is a device of the site: neither time nor a word about all of them takes it away. */
#ifndef STORE_DEVICE_WAITING_H
#define STORE_DEVICE_WAITING_H

#include "base/arena.h"
#include "store/store.h"

struct store_waiting_counts {
    int64_t all, origin; /* of everywhere; of the one that was asked for */
};

/* `vouched`: those that somebody vouches for, else those that nobody does. */
MUST_USE enum result store_waiting_count(struct store *s, const char *origin, bool vouched,
                                         struct store_waiting_counts *ret, struct error *err);

struct store_waiting {
    const char *guid, *name;
    bool vouched;
};

/* Those that were never approved and registered before that time, the oldest first, STORE_WAITING_LISTED at most. */
enum { STORE_WAITING_LISTED = 20000 };
MUST_USE enum result store_waiting_list(struct store *s, struct arena *a, int64_t before, struct store_waiting **ret,
                                        size_t *ret_count, struct error *err);
/* Inside a transaction: one of those goes. What nobody vouches for leaves nothing behind, which is no matter: it never
 * had a token, and registers again as anybody. What somebody vouches for is removed as any device. */
MUST_USE enum result store_waiting_remove(struct store *s, const struct store_waiting *w, struct error *err);

/* Those that nobody vouches for and that registered before that time are gone. *ret: how many. */
MUST_USE enum result store_waiting_expire(struct store *s, int64_t before, int64_t *ret, struct error *err);

#endif
