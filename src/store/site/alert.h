/* SPDX-License-Identifier: Apache-2.0 */
/* Who is told of problems, what they were told, and which process tells them. */
#ifndef STORE_SITE_ALERT_H
#define STORE_SITE_ALERT_H

#include "base/arena.h"
#include "store/store.h"

enum {
    STORE_RECEIVERS_MAX = 16,
    STORE_ALERTS_MAX = 1000,       /* that ended and are not told yet; the oldest make room */
    STORE_ALERT_KEPT_S = 7 * 86400 /* how long what ended waits for a receiver that takes nothing */
};

struct store_receiver {
    const char *id, *kind, *url, *ca_pem, *auth, *user, *secret /* sealed */, *from, *to;
    bool plain;
    int64_t remind_s; /* told again after so long; 0: never */
    int64_t added, sent, failures, next_try;
    const char *fault; /* of the last failure; "" when it was none */
};

/* R_CONFLICT: the id is taken; R_LIMIT: there are as many as may be. */
MUST_USE enum result store_receiver_add(struct store *s, const struct store_receiver *x, struct error *err);
MUST_USE enum result store_receiver_remove(struct store *s, const char *id, struct error *err);
MUST_USE enum result store_receiver_get(struct store *s, struct arena *a, const char *id, struct store_receiver *ret,
                                        struct error *err);
MUST_USE enum result store_receiver_list(struct store *s, struct arena *a, struct store_receiver **ret,
                                         size_t *ret_count, struct error *err);
/* A try: fault NULL: it was taken; else it failed, and the next one is at next_try. */
MUST_USE enum result store_receiver_tried(struct store *s, const char *id, int64_t now, int64_t next_try,
                                          const char *fault, struct error *err);

struct store_alert {
    int64_t id;
    const char *cause, *of, *found, *remedy;
    int64_t began, ended; /* ended 0: it is there */
    int64_t told;         /* to the receiver that was asked for; 0: never */
};

/* A problem that is there: keeps it, or notes that it is there still. */
MUST_USE enum result store_alert_seen(struct store *s, const struct store_alert *x, int64_t now, struct error *err);
/* What was not seen since `before` has ended; forgets what nobody waits for any more, and what is too much. */
MUST_USE enum result store_alert_settle(struct store *s, int64_t before, int64_t now, struct error *err);
/* What this receiver is to be told now, the oldest first, `limit` at most: what began, what ended, and of what is there
 * still what is due again. What says that it can't be reached itself is not among it. */
MUST_USE enum result store_alert_due(struct store *s, struct arena *a, const struct store_receiver *to, int64_t now,
                                     int64_t limit, struct store_alert **ret, size_t *ret_count, struct error *err);
/* It was told that; `ended`: that it is over. */
MUST_USE enum result store_alert_told(struct store *s, const char *receiver, int64_t alert, bool ended, int64_t now,
                                      struct error *err);

/* Takes or keeps the right to send until `until`. R_CONFLICT: another process has it. */
MUST_USE enum result store_alert_lease(struct store *s, const char *holder, int64_t now, int64_t until,
                                       struct error *err);

#endif
