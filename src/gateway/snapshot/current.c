/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that takes the snapshot's lock. It is held for a pointer or a text, never while something is built,
 * freed or told; who judges holds a reference of its own (worker.c) and comes here only when there is another one. */
#include "gateway/snapshot/current.h"

#include <inttypes.h>

void snapshot_current_init(struct snapshot_current *c, void (*on_put)(void *ctx), void *ctx)
{
    memset(c, 0, sizeof *c);
    (void)pthread_mutex_init(&c->lock, NULL);
    c->on_put = on_put;
    c->ctx = ctx;
}

struct snapshot *snapshot_current_get(struct snapshot_current *c)
{
    (void)pthread_mutex_lock(&c->lock);
    struct snapshot *ret = c->snapshot ? snapshot_ref(c->snapshot) : NULL;
    (void)pthread_mutex_unlock(&c->lock);
    return ret;
}

void snapshot_current_put(struct snapshot_current *c, struct snapshot *s)
{
    (void)pthread_mutex_lock(&c->lock);
    struct snapshot *old = c->snapshot;
    s->generation = ++c->generations;
    c->snapshot = s;
    (void)pthread_mutex_unlock(&c->lock);

    snapshot_unref(old);
    if (c->on_put)
        c->on_put(c->ctx);
}

int64_t snapshot_current_sequence(struct snapshot_current *c)
{
    struct snapshot *s = snapshot_current_get(c);
    int64_t ret = s ? s->bundle->sequence : 0;
    snapshot_unref(s);
    return ret;
}

void snapshot_current_refuse(struct snapshot_current *c, const char *why)
{
    (void)pthread_mutex_lock(&c->lock);
    (void)snprintf(c->refused, sizeof c->refused, "%s", why);
    (void)pthread_mutex_unlock(&c->lock);
}

void snapshot_current_refused(struct snapshot_current *c, char ret[ERROR_TEXT_MAX])
{
    (void)pthread_mutex_lock(&c->lock);
    memcpy(ret, c->refused, sizeof c->refused);
    (void)pthread_mutex_unlock(&c->lock);
}

/* --- how old the site's word is --- */

void snapshot_current_heard(struct snapshot_current *c, int64_t mono)
{
    atomic_store(&c->last_contact, (long long)mono);
}

long long snapshot_current_contact_age(const struct snapshot_current *c, int64_t mono)
{
    long long contact = atomic_load(&c->last_contact);
    return contact ? (long long)mono - contact : -1;
}

void snapshot_current_confirm(struct snapshot_current *c, struct snapshot_time now)
{
    struct snapshot *s = snapshot_current_get(c);
    int64_t left = s ? s->bundle->expires - now.wall : 0;
    snapshot_unref(s);
    if (left > 0)
        atomic_store(&c->bundle_ends, (long long)(now.mono + left));
}

enum result snapshot_current_fresh(const struct snapshot_current *c, const struct bundle *b, struct snapshot_time now,
                                   struct error *err)
{
    long long contact = atomic_load(&c->last_contact), ends = atomic_load(&c->bundle_ends);
    int64_t unheard = contact ? now.mono - contact : now.wall - b->issued;
    int64_t over = ends ? now.mono - ends : now.wall - b->expires;

    if (unheard > b->settings.max_age_s)
        return error_set(err, R_TIMEOUT, "the site was last heard of %" PRId64 " s ago", unheard);
    if (over > 0)
        return error_set(err, R_TIMEOUT, "the site's bundle expired %" PRId64 " s ago, and no newer one was taken",
                         over);
    return OK;
}
