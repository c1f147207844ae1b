/* SPDX-License-Identifier: Apache-2.0 */
/* A document's way from the wire to the disk, in a thread of the pool. */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/host/mapping.h"
#include "base/mem.h"
#include "source/internal.h"
#include "source/oidc.h"

/* --- the owner --- */

struct source_owner *source_owner_new(const struct source_events *events, void *who)
{
    struct source_owner *o = mem_zalloc(sizeof *o);
    o->events = events;
    o->who = who;
    (void)pthread_rwlock_init(&o->lock, NULL);
    atomic_init(&o->refs, 1);
    return o;
}

struct source_owner *source_owner_ref(struct source_owner *o)
{
    atomic_fetch_add(&o->refs, 1);
    return o;
}

void source_owner_unref(struct source_owner *o)
{
    if (atomic_fetch_sub(&o->refs, 1) > 1)
        return;
    (void)pthread_rwlock_destroy(&o->lock);
    free(o);
}

void source_owner_leave(struct source_owner *o)
{
    (void)pthread_rwlock_wrlock(&o->lock);
    o->gone = true;
    (void)pthread_rwlock_unlock(&o->lock);
}

static bool may_connect(const void *job, const struct net_address *to)
{
    struct source_owner *o = ((const struct source_job *)job)->owner;
    (void)pthread_rwlock_rdlock(&o->lock);
    bool may = !o->gone && o->events->may(o->who, to);
    (void)pthread_rwlock_unlock(&o->lock);
    return may;
}

static enum result check_candidate(struct source_job *j, struct source_candidate *c)
{
    struct source_owner *o = j->owner;
    (void)pthread_rwlock_rdlock(&o->lock);
    enum result r =
        o->gone ? error_set(&j->err, R_AGAIN, "who wanted it is gone") : o->events->check(o->who, c, &j->err);
    (void)pthread_rwlock_unlock(&o->lock);
    return r;
}

/* --- the way --- */

static enum result fetch_document(struct source_job *j)
{
    struct source_http what = {.url = j->url,
                               .ca_pem = j->ca_pem,
                               .may = j->owner->events->may ? may_connect : NULL,
                               .arg = j,
                               .fresh_s = j->kind == BUNDLE_SOURCE_CRL ? NULL : &j->fresh_s};
    struct buf body;
    buf_init(&body, SOURCE_BYTES_MAX);
    enum result r = (j->kind == BUNDLE_SOURCE_OIDC ? source_oidc : source_http)(&what, &body, &j->err);
    j->len = buf_len(&body);
    j->bytes = r == OK ? buf_take_str(&body) : NULL;
    buf_free(&body);
    return r;
}

/* The time of the file is that of the last good fetch, also for the next process. */
static enum result keep_document(struct source_job *j, const struct source_candidate *c)
{
    if (c->unchanged && utimensat(AT_FDCWD, j->path, NULL, 0) == 0)
        return OK;
    return file_write(j->path, c->keep ? slice_make(c->keep, c->keep_len) : c->bytes, 0600, &j->err);
}

static enum result check_document(struct source_job *j)
{
    struct source_candidate c = {
        .id = j->id, .kind = j->kind, .bytes = slice_make(j->bytes, j->len), .now = clock_wall_s()};
    struct slice present = SLICE_NONE;
    if (!j->afresh)
        (void)!map_open(j->path, SOURCE_BYTES_MAX, &present, NULL); /* none yet, or of no use */
    c.present = present;
    enum result r = check_candidate(j, &c);
    map_close(present);
    if (r == OK)
        r = keep_document(j, &c);
    free(c.keep);
    j->unchanged = c.unchanged;
    j->since = c.since;
    j->until = c.until;
    return r;
}

void source_job_work(void *job)
{
    struct source_job *j = job;
    j->result = j->url ? fetch_document(j) : OK;
    if (j->result == OK)
        j->result = check_document(j);
    free(j->bytes);
    j->bytes = NULL;
}

void source_job_free(struct source_job *j)
{
    source_owner_unref(j->owner);
    free(j->url);
    free(j->ca_pem);
    free(j->path);
    free(j->bytes);
    free(j);
}
