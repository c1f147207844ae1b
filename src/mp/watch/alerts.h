/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells receivers (store/site/alert.h) of the site's problems: when one begins, again while it lasts, and when it is
 * over. Every process looks, for each knows of faults of its own; the one that holds the lease sends. What a receiver
 * does not take stays to be told in the store, and is tried again later and later. In the loop; sends in the pool.
 */
#ifndef MP_WATCH_ALERTS_H
#define MP_WATCH_ALERTS_H

#include "mp/site.h"
#include "notify/notify.h"
#include "store/site/alert.h"

enum {
    MP_ALERTS_OF_A_MESSAGE = 100,
    MP_ALERTS_PROBLEMS_MAX = 500, /* of one look; the most urgent ones */
    MP_ALERTS_AT_ONCE = 2,        /* transfers, which hold a thread of the pool each */
    MP_ALERTS_GONE_LOOKS = 3,     /* a problem that so many looks don't find is over */
    MP_ALERTS_AGAIN_S = 30,       /* after the first failure, doubled from then on */
    MP_ALERTS_AGAIN_MAX_S = 3600,
    MP_ALERTS_LEASE_S = 120 /* at least; four looks where these are seldom */
};

struct mp_alerts *mp_alerts_new(struct mp_site *site);
void mp_alerts_free(struct mp_alerts *a); /* what is being sent is broken off. NULL allowed */
/* Looks at once: receivers or the time between looks changed. NULL allowed. */
void mp_alerts_soon(struct mp_alerts *a);

/* --- one receiver; receiver.c --- */

/* Seals `secret` (NULL: none) into x->secret, in the arena. */
MUST_USE enum result mp_receiver_seal(const struct mp_keys *k, struct arena *a, struct store_receiver *x,
                                      const char *secret, struct error *err);
/* For notify_send; *ret borrows from `x` but for the secret, which mp_receiver_close() wipes. */
MUST_USE enum result mp_receiver_open(const struct mp_keys *k, const struct store_receiver *x,
                                      struct notify_receiver *ret, struct error *err);
void mp_receiver_close(struct notify_receiver *x);

/* --- `cmg alerts test` --- */

/* told: what the server answered; NULL: it did not take it, and *err says why. */
typedef void mp_alerts_done_fn(void *arg, const char *told, const struct error *err);
/* Sends one message now; done(arg) comes later, unless mp_alerts_forget(arg) comes before. */
MUST_USE enum result mp_alerts_test(struct mp_alerts *a, const char *receiver, mp_alerts_done_fn *done, void *arg,
                                    struct error *err);
void mp_alerts_forget(struct mp_alerts *a, const void *arg);

#endif
