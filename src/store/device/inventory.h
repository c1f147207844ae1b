/* SPDX-License-Identifier: Apache-2.0 */
/* What devices are, as they tell it: the last report of each, what changed of late, and a report that comes in parts.
 * Texts of reports are not looked into here. */
#ifndef STORE_DEVICE_INVENTORY_H
#define STORE_DEVICE_INVENTORY_H

#include "base/arena.h"
#include "store/store.h"

/* A device's changes that are kept, and for how long; how long a report that is not whole waits for its rest. */
enum { STORE_CHANGES_A_DEVICE = 32, STORE_CHANGES_KEEP_S = 90 * 86400, STORE_UPLOAD_KEEP_S = 86400 };

struct store_inventory {
    const char *facts;       /* JSON */
    const char *fingerprint; /* of these (facts/facts.h) */
    const char *report;      /* the id of the one that was taken last */
    int64_t taken, received; /* taken: by the device's clock */
};
/* R_NOTFOUND: it told none. */
MUST_USE enum result store_inventory_get(struct store *s, struct arena *a, const char *guid,
                                         struct store_inventory *ret, struct error *err);
/* The id of the report that was taken last alone; "" where there is none. */
MUST_USE enum result store_inventory_report(struct store *s, struct arena *a, const char *guid, const char **ret,
                                            struct error *err);
/* `change`: what is other than before ("": nothing), `lines` for rules (mp/targeting/rule.h). That the lines are
 * other ones makes the policy of the device anew when some policy is for a collection. Inside a durable transaction. */
MUST_USE enum result store_inventory_put(struct store *s, const char *guid, const struct store_inventory *i,
                                         const char *change, const char *lines, struct error *err);

struct store_change_told {
    const char *change;
    int64_t taken, received;
};
/* The newest first. */
MUST_USE enum result store_inventory_changes(struct store *s, struct arena *a, const char *guid,
                                             struct store_change_told **ret, size_t *ret_count, struct error *err);

struct store_upload {
    const char *id, *sha256;
    int64_t size, came, began; /* bytes; bytes of them that are there; when */
};
/* R_NOTFOUND: none is under way. */
MUST_USE enum result store_upload_get(struct store *s, struct arena *a, const char *guid, struct store_upload *ret,
                                      struct error *err);
/* In the place of whichever was under way. Inside a transaction, as all that follow. */
MUST_USE enum result store_upload_begin(struct store *s, const char *guid, const struct store_upload *u,
                                        struct error *err);
/* The part that begins at `start`, which is what came so far. */
MUST_USE enum result store_upload_add(struct store *s, const char *guid, int64_t start, struct slice part,
                                      struct error *err);
/* All parts in a row, in the arena. */
MUST_USE enum result store_upload_read(struct store *s, struct arena *a, const char *guid, int64_t size,
                                       struct slice *ret, struct error *err);
MUST_USE enum result store_upload_end(struct store *s, const char *guid, struct error *err);

/* What is older than it is kept; `limit` rows of each at most. */
MUST_USE enum result store_inventory_forget(struct store *s, int64_t now, int64_t limit, struct error *err);

#endif
