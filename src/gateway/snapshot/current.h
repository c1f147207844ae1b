/* SPDX-License-Identifier: Apache-2.0 */
/* The snapshot that counts now, below its lock; why the site's last bundle was refused; and how old the site's word is.
 * One for the process: any thread may call all of it. */
#ifndef GATEWAY_SNAPSHOT_CURRENT_H
#define GATEWAY_SNAPSHOT_CURRENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "gateway/snapshot/snapshot.h"

struct snapshot_current {
    pthread_mutex_t lock;
    struct snapshot *snapshot;    /* below the lock; NULL until the first bundle */
    char refused[ERROR_TEXT_MAX]; /* below the lock */
    uint64_t generations;         /* below the lock: how many there were */
    atomic_llong last_contact;    /* monotonic seconds: when the site was last heard of; 0: never */
    atomic_llong bundle_ends;     /* monotonic seconds; 0: it came from the disk, its own time holds */
    void (*on_put)(void *ctx);    /* another one is in place; in the thread that put it there. NULL: nobody is told */
    void *ctx;
};

void snapshot_current_init(struct snapshot_current *c, void (*on_put)(void *ctx), void *ctx);

/* A reference of the caller's own; NULL: there is none yet. */
struct snapshot *snapshot_current_get(struct snapshot_current *c);

/* Puts another one in place (takes over the reference), with the next generation, and calls on_put. */
void snapshot_current_put(struct snapshot_current *c, struct snapshot *s);

/* Of the bundle in place; 0: there is none. */
int64_t snapshot_current_sequence(struct snapshot_current *c);

/* Why the site's last bundle was refused; "": it was taken. */
void snapshot_current_refuse(struct snapshot_current *c, const char *why);
void snapshot_current_refused(struct snapshot_current *c, char ret[ERROR_TEXT_MAX]);

/* --- how old the site's word is ---
 * Durations by the monotonic clock (PROTOCOL 5): while the site is heard of, a jump of the wall clock ends no bundle.
 * Without contact in this process the times that the bundle itself names hold. */

struct snapshot_time {
    int64_t wall, mono; /* seconds */
};

/* The site was heard of. */
void snapshot_current_heard(struct snapshot_current *c, int64_t mono);
long long snapshot_current_contact_age(const struct snapshot_current *c, int64_t mono); /* -1: never heard of */

/* The site says that the bundle in place is its present one: what is left of its time counts from now on. */
void snapshot_current_confirm(struct snapshot_current *c, struct snapshot_time now);

/* Is this bundle too old to judge by? R_TIMEOUT, and why. */
MUST_USE enum result snapshot_current_fresh(const struct snapshot_current *c, const struct bundle *b,
                                            struct snapshot_time now, struct error *err);

#endif
