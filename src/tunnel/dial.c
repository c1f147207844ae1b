/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many tunnels, and when. The gateway gives each new tunnel to the worker that has fewest, so dialling again and
 * again reaches all of them; what comes twice is kept until all are covered (dropping it would only bring it back) and
 * then drained. A round has a bound, failures back off, and a new process of the gateway starts everything anew.
 */
#include "tunnel/dial.h"

#include <stdlib.h>

#include "base/limit/backoff.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tunnel/dial_internal.h"

enum {
    BACK_OFF_MS = 200,
    BACK_OFF_MAX_MS = 3000,
    AT_ONCE = 8, /* attempts under way */
    ROUND = 4,   /* dials a worker and round */
    ROUND_PAUSE_MS = 10 * 1000,
    SETTLED_MS = 500,
    NEXT_MS = 50, /* between dials that only look for the last workers */
    ANNOUNCE_AT_ONCE = 16,
    ANNOUNCE_MS = 1000, /* behind these; gateways take 64 lines, and two a second (accept.c) */
};

static void dial_missing(struct tunnel_dialer *d);

static void on_retry(void *arg)
{
    dial_missing(arg);
}

static uint32_t covered(const struct tunnel_dialer *d)
{
    uint32_t n = 0;
    const struct tunnel_link *l;
    LIST_FOREACH(l, &d->links, others)
        n += l->counted;
    return n;
}

static uint32_t under_way(const struct tunnel_dialer *d)
{
    uint32_t n = 0;
    const struct tunnel_link *l;
    LIST_FOREACH(l, &d->links, others)
        n += l->state == LINK_DIALING || l->state == LINK_GREETING;
    return n;
}

static struct tunnel_link *of_worker(const struct tunnel_dialer *d, uint32_t worker, bool counted)
{
    struct tunnel_link *l;
    LIST_FOREACH(l, &d->links, others)
        if (l->state == LINK_UP && l->counted == counted && l->greeting.worker == worker)
            return l;
    return NULL;
}

static void tell_owner(struct tunnel_dialer *d, const struct tunnel_link *l, bool up, const struct error *why)
{
    if (d->events->on_tunnel)
        d->events->on_tunnel(d->owner, l->greeting.gateway_id, l->greeting.worker, l->greeting.workers, up, why);
}

static void drain_surplus(struct tunnel_dialer *d)
{
    struct tunnel_link *l, *next;
    LIST_FOREACH_SAFE(l, &d->links, others, next) {
        if (l->state == LINK_UP && !l->counted)
            tunnel_link_drain(l);
    }
}

/* Full jitter, so that the connectors of a gateway that restarts don't come in step. */
static void back_off(struct tunnel_dialer *d, uint64_t base)
{
    if (!d->draining && !loop_timer_active(d->retry))
        loop_timer_start(d->retry, 1 + rand_below(base), 0);
}

static void note_failure(struct tunnel_dialer *d)
{
    if (!loop_timer_active(d->retry))
        back_off(d, backoff_doubled(BACK_OFF_MS, BACK_OFF_MAX_MS, d->fails++));
}

static void end_round(struct tunnel_dialer *d, bool complete)
{
    d->dials = 0;
    drain_surplus(d);
    if (!complete)
        loop_timer_start(d->retry, ROUND_PAUSE_MS / 2 + rand_below(ROUND_PAUSE_MS / 2), 0);
}

/* Dials as many as are missing; a worker that is not known counts as one. */
static void dial_missing(struct tunnel_dialer *d)
{
    if (d->draining || loop_timer_active(d->retry))
        return;
    uint32_t missing = d->workers ? d->workers - covered(d) : 1, pending = under_way(d);
    if (missing == 0) {
        end_round(d, true);
        return;
    }
    bool looking = d->workers && d->dials >= d->workers; /* the first dials did not reach all */
    uint32_t limit = looking ? 1 : missing < AT_ONCE ? missing : AT_ONCE;
    while (pending < limit) {
        if (d->workers && d->dials >= ROUND * d->workers) {
            if (pending == 0)
                end_round(d, false);
            return;
        }
        tunnel_link_dial(d);
        d->dials++;
        pending++;
    }
}

/* --- what links tell --- */

static void forget_generation(struct tunnel_dialer *d)
{
    struct error why;
    (void)error_set(&why, R_EOF, "the gateway was started anew");
    struct tunnel_link *l;
    LIST_FOREACH(l, &d->links, others) {
        if (l->state != LINK_UP)
            continue;
        l->state = LINK_OLD;
        if (l->counted)
            tell_owner(d, l, false, &why);
        l->counted = false;
    }
}

enum result tunnel_dialer_greeted(struct tunnel_dialer *d, struct tunnel_link *l, struct error *err)
{
    const struct tunnel_greeting *g = &l->greeting;
    if (g->workers > d->o.max_tunnels)
        return error_set(err, R_LIMIT, "the gateway says that it has %u workers; at most %u are believed", g->workers,
                         d->o.max_tunnels);
    bool same = strcmp(g->generation, d->generation) == 0;
    if (same && g->workers != d->workers)
        return error_set(err, R_INVALID, "the gateway had %u workers and now says %u", d->workers, g->workers);
    if (same)
        return OK;
    forget_generation(d);
    memcpy(d->generation, g->generation, sizeof d->generation);
    d->workers = g->workers;
    return OK;
}

void tunnel_dialer_link_up(struct tunnel_dialer *d, struct tunnel_link *l)
{
    d->fails = 0;
    if (of_worker(d, l->greeting.worker, true)) { /* a second one: look for the others without haste */
        if (d->dials >= d->workers && !loop_timer_active(d->retry))
            loop_timer_start(d->retry, NEXT_MS, 0);
    } else {
        l->counted = true;
        tell_owner(d, l, true, NULL);
    }
    dial_missing(d);
}

/* Another tunnel of the same worker takes over, if there is one. */
static void uncount_link(struct tunnel_dialer *d, struct tunnel_link *l, const struct error *why)
{
    if (!l->counted)
        return;
    l->counted = false;
    tell_owner(d, l, false, why);
    struct tunnel_link *other = of_worker(d, l->greeting.worker, false);
    if (!other)
        return;
    other->counted = true;
    tell_owner(d, other, true, NULL);
}

void tunnel_dialer_link_ending(struct tunnel_dialer *d, struct tunnel_link *l, enum link_state was)
{
    struct error why;
    if (was == LINK_OLD)
        return;
    (void)error_set(&why, R_EOF, "the gateway drains it");
    uncount_link(d, l, &why);
    /* a gateway that drains what it has just taken is not to be asked again at once */
    if (was == LINK_UP && loop_now_ms(d->loop) - l->up_ms >= SETTLED_MS)
        dial_missing(d);
    else
        note_failure(d);
}

void tunnel_dialer_link_down(struct tunnel_dialer *d, struct tunnel_link *l, const struct error *why)
{
    enum link_state state = l->state;
    if (state == LINK_ENDING || state == LINK_OLD)
        return;
    if (state == LINK_UP) {
        uncount_link(d, l, why);
        back_off(d, BACK_OFF_MS);
        return;
    }
    tell_owner(d, l, false, why);
    if (d->dials)
        d->dials--; /* a round counts tunnels that came up */
    note_failure(d);
}

/* --- the owner's side --- */

static void announce(struct tunnel_dialer *d)
{
    struct tunnel_link *l;
    d->changed = false;
    if (!bucket_take(&d->told, 1, loop_now_ms(d->loop)))
        loop_timer_start(d->later, ANNOUNCE_MS, 0);
    LIST_FOREACH(l, &d->links, others)
        tunnel_link_announce(l);
}

static void on_later(void *arg)
{
    struct tunnel_dialer *d = arg;
    if (d->changed)
        announce(d);
}

struct tunnel_dialer *tunnel_dialer_new(struct loop *loop, const struct tunnel_dialer_options *o,
                                        const char *const *endpoints, size_t endpoint_count,
                                        const struct tunnel_dialer_events *events, void *owner)
{
    struct tunnel_dialer *d = mem_zalloc(sizeof *d);
    d->loop = loop;
    d->o = *o;
    d->o.tls = tls_context_ref(o->tls);
    d->events = events;
    d->owner = owner;
    d->retry = loop_timer_new(loop, on_retry, d);
    d->later = loop_timer_new(loop, on_later, d);
    bucket_start(&d->told, ANNOUNCE_AT_ONCE, 1, loop_now_ms(loop));
    tunnel_dialer_set_endpoints(d, endpoints, endpoint_count);
    dial_missing(d);
    return d;
}

/* Over the maximum, the first ones are announced. What changes over and over is told at the pace that gateways take. */
void tunnel_dialer_set_endpoints(struct tunnel_dialer *d, const char *const *endpoints, size_t count)
{
    struct tunnel_endpoints now = {0};
    if (tunnel_endpoints_set(&now, endpoints, count < TUNNEL_ENDPOINTS_MAX ? count : TUNNEL_ENDPOINTS_MAX, NULL) != OK)
        return;
    d->changed |= !tunnel_endpoints_same(&now, &d->endpoints);
    tunnel_endpoints_free(&d->endpoints);
    d->endpoints = now;
    if (d->changed && !loop_timer_active(d->later))
        announce(d);
}

void tunnel_dialer_set_tls(struct tunnel_dialer *d, struct tls_context *tls)
{
    struct tls_context *old = d->o.tls;
    d->o.tls = tls_context_ref(tls);
    tls_context_unref(old); /* a handshake under way has its own reference */
}

bool tunnel_dialer_idle(const struct tunnel_dialer *d)
{
    return LIST_EMPTY(&d->links);
}

size_t tunnel_dialer_up(const struct tunnel_dialer *d)
{
    return covered(d);
}

void tunnel_dialer_drain(struct tunnel_dialer *d)
{
    d->draining = true;
    loop_timer_stop(d->retry);
    struct tunnel_link *l, *next;
    LIST_FOREACH_SAFE(l, &d->links, others, next) {
        l->counted = false;
        tunnel_link_drain(l);
    }
}

void tunnel_dialer_free(struct tunnel_dialer *d)
{
    if (!d)
        return;
    while (!LIST_EMPTY(&d->links))
        tunnel_link_drop(LIST_FIRST(&d->links));
    loop_timer_free(d->retry);
    loop_timer_free(d->later);
    tls_context_unref(d->o.tls);
    tunnel_endpoints_free(&d->endpoints);
    free(d);
}
