/* SPDX-License-Identifier: Apache-2.0 */
/* What devices are to be told at once, and how far each has taken it. Numbers grow over all devices; those of one
 * device are a sequence of documents (DOCUMENT_NOTIFICATION). All of it is bounded, and ends. */
#ifndef STORE_DEVICE_NOTIFICATION_H
#define STORE_DEVICE_NOTIFICATION_H

#include "base/arena.h"
#include "store/store.h"

enum {
    STORE_NOTIFICATIONS_A_DEVICE = 16, /* that one device may have before it */
    STORE_NOTIFICATIONS_TO_MANY = 64,
    STORE_NOTIFICATIONS_A_LOOK = 256 /* rows that store_notification_new answers at most */
};

#define STORE_NOTIFICATION_MESSAGE "message" /* the one kind of which each counts; of the others the last one does */

struct store_notification {
    int64_t id;
    const char *guid;       /* "": all that the collection has */
    const char *collection; /* "": all devices */
    const char *what, *message;
    int64_t created, expires; /* wall seconds */
    int64_t spread;           /* seconds */
};

/* Inside a transaction: sets id. The same for the same, but a message, takes the place of the one before. R_LIMIT: as
 * many wait already. */
MUST_USE enum result store_notification_add(struct store *s, struct store_notification *n, struct error *err);

/* The last number given; 0: none was. */
MUST_USE enum result store_notification_last(struct store *s, int64_t *ret, struct error *err);

/* Those over `after` that have not ended, for this device or for many, in their order. */
MUST_USE enum result store_notification_of(struct store *s, struct arena *a, const char *guid, int64_t after,
                                           int64_t now, struct store_notification **ret, size_t *ret_count,
                                           struct error *err);
/* Those over `after`, whomever they are for, in their order: STORE_NOTIFICATIONS_A_LOOK at most. */
MUST_USE enum result store_notification_new(struct store *s, struct arena *a, int64_t after,
                                            struct store_notification **ret, size_t *ret_count, struct error *err);

/* What a device has taken, and what waits for it alone. */
struct store_notified {
    int64_t taken, at; /* number, wall seconds; 0: none yet */
    int64_t waits;
};
MUST_USE enum result store_notified_get(struct store *s, const char *guid, int64_t now, struct store_notified *ret,
                                        struct error *err);
/* It has taken those up to *taken; where it is known to have taken more, *taken becomes that. Its own go; a number that
 * was never given (an older copy of the store was put back) is gone above by the next one. Nothing is written when it
 * is known. */
MUST_USE enum result store_notified_put(struct store *s, const char *guid, int64_t *taken, int64_t now,
                                        struct error *err);

/* Inside a transaction: the device is new, what was said before is not for it; it is no more; what has ended goes. */
MUST_USE enum result store_notification_begin(struct store *s, const char *guid, struct error *err);
MUST_USE enum result store_notification_forget(struct store *s, const char *guid, struct error *err);
MUST_USE enum result store_notification_expire(struct store *s, int64_t now, struct error *err);

#endif
