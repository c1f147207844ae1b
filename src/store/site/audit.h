/* SPDX-License-Identifier: Apache-2.0 */
/* Who changed what: one row a change, written in the change's own transaction. */
#ifndef STORE_SITE_AUDIT_H
#define STORE_SITE_AUDIT_H

#include "base/arena.h"
#include "store/store.h"

struct store_audit {
    int64_t id, at;
    const char *caller; /* "uid:1000", "device:<guid>", "key:<spki>" */
    const char *action; /* "gateway.add", "device.block", … */
    const char *object;
    const char *detail;
};

/* id and at are chosen here. */
MUST_USE enum result store_audit_add(struct store *s, const struct store_audit *a, struct error *err);
/* The same for what a device can do as often as it likes: of STORE_AUDIT_GATHER_S each of the first
 * STORE_AUDIT_GATHERED has a row, all others one together, when that time is over (store_audit_settle, again and
 * again). */
enum { STORE_AUDIT_GATHERED = 32, STORE_AUDIT_GATHER_S = 3600 };
MUST_USE enum result store_audit_add_gathered(struct store *s, const struct store_audit *a, struct error *err);
/* What one device, gateway or connector, `object`, can do as often as it likes, and rarely does: as many in that time
 * have rows of their own whatever others do; the rest is gathered. */
MUST_USE enum result store_audit_add_of_one(struct store *s, const struct store_audit *a, struct error *err);
MUST_USE enum result store_audit_settle(struct store *s, struct error *err);

struct store_audit_search {
    const char *action; /* this one, or what begins with it and a dot ("device" is "device.block", too); NULL: any */
    const char *object; /* NULL: any */
    int64_t since;      /* wall seconds */
    int64_t before;     /* below this id; 0: from the newest on */
    int64_t limit;      /* of rows */
};
/* The newest first. Of a long audit STORE_AUDIT_LOOKED_AT rows are looked at: *ret_next (NULL allowed) is the `before`
 * to go on with; 0: there are no more. */
enum { STORE_AUDIT_LOOKED_AT = 4000 };
MUST_USE enum result store_audit_list(struct store *s, struct arena *arena, const struct store_audit_search *what,
                                      struct store_audit **ret, size_t *ret_count, int64_t *ret_next,
                                      struct error *err);

#endif
