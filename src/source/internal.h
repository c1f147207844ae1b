/* SPDX-License-Identifier: Apache-2.0 */
/* What the set and its jobs share: of this folder only. */
#ifndef SOURCE_INTERNAL_H
#define SOURCE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "source/source.h"

/* The owner of a set as its jobs see it, some of which may outlive both. */
struct source_owner {
    const struct source_events *events;
    void *who;
    pthread_rwlock_t lock; /* of `gone`; for reading while it is asked */
    bool gone;
    atomic_uint refs;
};

struct source_owner *source_owner_new(const struct source_events *events, void *who);
struct source_owner *source_owner_ref(struct source_owner *o);
void source_owner_unref(struct source_owner *o);
/* It is asked no more: waits for who asks it just now. */
void source_owner_leave(struct source_owner *o);

/* One transfer's fate: made in the loop, filled in the pool, ended in the loop. */
struct source_job {
    struct source_set *set;     /* NULL: it is gone */
    struct source_owner *owner; /* own reference */
    char id[SOURCE_ID_MAX + 1];
    uint64_t serial; /* of the source, so that another one of the same name is not meant */
    enum bundle_source_kind kind;
    char *url;    /* NULL: `bytes` came through a connector */
    char *ca_pem; /* NULL: the system's CAs */
    char *path;
    bool afresh; /* what is kept came from elsewhere: no need to be its successor */
    char *bytes;
    size_t len;
    /* Out: */
    enum result result;
    struct error err;
    bool unchanged;
    int64_t since, until;
    int64_t fresh_s; /* of keys: by the answer's own word; negative: it said nothing */
};

/* Pool thread: fetches when there is a URL, has it checked, keeps it. */
void source_job_work(void *job);
void source_job_free(struct source_job *j);

#endif
