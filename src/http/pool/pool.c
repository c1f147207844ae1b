/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which call gets which connection, and time. Calls are matched when they are made (an idle connection takes one at
 * once) and in run(), at the end of an iteration in which something changed.
 */
#include "http/pool/pool.h"

#include <stdlib.h>

#include "base/mem.h"
#include "http/pool/internal.h"

static void pool_release(struct http_pool *p)
{
    loop_defer_cancel(&p->run);
    loop_timer_free(p->tick);
    tls_context_unref(p->o.tls);
    free(p);
}

void http_pool_enter(struct http_pool *p)
{
    p->busy++;
}

bool http_pool_leave(struct http_pool *p)
{
    bool gone = --p->busy == 0 && p->dead;
    if (gone)
        pool_release(p);
    return !gone;
}

void http_pool_later(struct http_pool *p)
{
    if (!p->dead)
        loop_defer(p->loop, &p->run);
}

/* --- matching --- */

/* Servers count what their clients take back, and end a connection over it with all that is under way on it (some after
 * 200 in half a minute): one device could so end what all others asked for. */
static bool is_worn(const struct pool_session *s)
{
    enum { TAKEN_BACK_MAX = 64 };
    return s->taken_back >= TAKEN_BACK_MAX;
}

static bool takes_calls(const struct pool_session *s)
{
    return !(s->refuses && http_h2_streams(s->h2)) && !s->drains && !http_h2_draining(s->h2) && http_h2_has_room(s->h2);
}

/* One that is not worn, if there is such a one. */
static struct pool_session *usable_session(struct http_pool *p)
{
    struct pool_session *s, *worn = NULL;
    LIST_FOREACH(s, &p->sessions, all) {
        if (!takes_calls(s))
            continue;
        if (!is_worn(s))
            return s;
        worn = worn ? worn : s;
    }
    return worn;
}

/* A call that is tried again takes no connection that may be as dead as its first; one that can't be tried again takes
 * none that may be dead at all. */
static struct pool_conn *usable_conn(struct http_pool *p, const struct pool_call *call)
{
    struct pool_conn *c;
    TAILQ_FOREACH(c, &p->unused, unused) {
        if (!c->reused || !(call->retried || http_pool_call_is_websocket(call)))
            return c;
    }
    return NULL;
}

static bool place_on_conn(struct http_pool *p, struct pool_call *call)
{
    struct pool_conn *conn = usable_conn(p, call);
    struct error err;
    if (!conn)
        return false;
    enum result r = http_pool_call_carry(call, conn, NULL, &err);
    if (r == OK || r == R_CONFLICT) {
        /* CONFLICT: it is closing, and will say so */
        TAILQ_REMOVE(&p->unused, conn, unused);
        conn->idle = false;
        return r == OK || place_on_conn(p, call);
    }
    http_pool_call_doom(call, HTTP_FAIL_LIMIT, r, err.text);
    return true;
}

/* A call that insists on a fresh connection may have to push an idle one out. */
static bool has_room(struct http_pool *p)
{
    if (p->conn_count + p->session_count + p->dial_count < p->o.max_connections)
        return true;
    struct pool_conn *oldest = TAILQ_LAST(&p->unused, pool_conns);
    if (!oldest)
        return false;
    http_pool_conn_free(oldest);
    return true;
}

/* It carries calls until another one is there, and what it has then to its end. */
static void replace_worn(struct http_pool *p, const struct pool_session *s)
{
    if (is_worn(s) && p->dial_count == p->http1_dial_count && has_room(p))
        http_pool_connect(p, false);
}

static bool place_on_session(struct http_pool *p, struct pool_call *call)
{
    struct pool_session *s = http_pool_call_is_websocket(call) ? NULL : usable_session(p);
    struct error err;
    if (!s)
        return false;
    enum result r = http_pool_call_carry(call, NULL, s, &err);
    s->reused |= r == OK;
    if (r == OK)
        replace_worn(p, s);
    if (r != OK && r != R_LIMIT)
        http_pool_call_doom(call, HTTP_FAIL_PROTOCOL, r, err.text);
    return r != R_LIMIT;
}

static void connect_more(struct http_pool *p)
{
    while (p->http1_dial_count < p->ready_websockets && has_room(p))
        http_pool_connect(p, true);
    /* One at a time where a single connection may turn out to carry all. */
    bool one = p->o.tls && (!p->knows || p->speaks_h2);
    if (one && (p->dial_count > p->http1_dial_count || usable_session(p)))
        return;
    while (p->dial_count - p->http1_dial_count < p->ready && has_room(p)) {
        http_pool_connect(p, false);
        if (one)
            return;
    }
}

/* Its first call that can be; those that want a fresh connection hold up none behind them. */
static bool place_one_of(struct http_pool *p, struct pool_holder *h)
{
    struct pool_call *c;
    TAILQ_FOREACH(c, &h->waiting, of_holder) {
        if (place_on_session(p, c) || (http_pool_holder_has_room(p, h) && place_on_conn(p, c)))
            return true;
        if (!c->retried && !http_pool_call_is_websocket(c))
            return false;
    }
    return false;
}

static void match_waiting(struct http_pool *p)
{
    bool placed = true;
    while (placed && (usable_session(p) || !TAILQ_EMPTY(&p->unused))) {
        placed = false;
        for (struct pool_holder *h = TAILQ_FIRST(&p->turns), *next; h && !placed; h = next) {
            next = TAILQ_NEXT(h, turn);
            bool others = h->waiting_count > 1;
            placed = place_one_of(p, h);
            if (placed && others) {
                TAILQ_REMOVE(&p->turns, h, turn);
                TAILQ_INSERT_TAIL(&p->turns, h, turn);
            }
        }
    }
    connect_more(p);
}

/* --- time --- */

static uint64_t tick_ms(const struct http_pool *p)
{
    enum { LEAST = 10, MOST = 1000 };
    uint64_t ms = MOST * 4, all[] = {p->o.connect_ms, p->o.idle_ms, p->o.answer_ms};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ms = all[i] && all[i] < ms ? all[i] : ms;
    return ms / 4 < LEAST ? LEAST : ms / 4;
}

static void watch_time(struct http_pool *p)
{
    if (!loop_timer_active(p->tick))
        loop_timer_start(p->tick, tick_ms(p), tick_ms(p));
}

static void expire_calls(struct pool_calls *list, uint64_t now, const char *why)
{
    struct pool_call *c, *next;
    TAILQ_FOREACH_SAFE(c, list, link, next) {
        if (c->until && now >= c->until)
            http_pool_call_doom(c, HTTP_FAIL_TIMEOUT, R_TIMEOUT, why);
    }
}

static void on_tick(void *arg)
{
    struct http_pool *p = arg;
    uint64_t now = loop_now_ms(p->loop);
    struct pool_conn *c;
    while ((c = TAILQ_LAST(&p->unused, pool_conns)) && now >= c->idle_until)
        http_pool_conn_free(c);
    expire_calls(&p->waiting, now, "no connection became free in time");
    expire_calls(&p->carried, now, "the server did not answer in time");
    if (TAILQ_EMPTY(&p->waiting) && TAILQ_EMPTY(&p->carried) && TAILQ_EMPTY(&p->unused))
        loop_timer_stop(p->tick);
}

static void run_pool(void *arg)
{
    struct http_pool *p = arg;
    http_pool_enter(p);
    for (struct pool_call *c; !p->dead && (c = TAILQ_FIRST(&p->doomed));)
        http_pool_call_fail(c, &c->doom);
    if (!p->dead) {
        match_waiting(p);
        watch_time(p);
    }
    (void)http_pool_leave(p);
}

/* --- life --- */

struct http_pool *http_pool_new(struct loop *loop, const struct http_pool_options *o)
{
    struct http_pool *p = mem_zalloc(sizeof *p);
    p->o = *o;
    p->o.tls = o->tls ? tls_context_ref(o->tls) : NULL;
    p->loop = loop;
    p->tick = loop_timer_new(loop, on_tick, p);
    p->run = (struct loop_deferred){.fn = run_pool, .arg = p};
    TAILQ_INIT(&p->waiting);
    TAILQ_INIT(&p->carried);
    TAILQ_INIT(&p->doomed);
    TAILQ_INIT(&p->unused);
    TAILQ_INIT(&p->turns);
    RB_INIT(&p->holders);
    LIST_INIT(&p->conns);
    LIST_INIT(&p->sessions);
    LIST_INIT(&p->dials);
    return p;
}

static void free_calls(struct pool_calls *list)
{
    for (struct pool_call *c; (c = TAILQ_FIRST(list));)
        http_pool_call_free(c);
}

void http_pool_free(struct http_pool *p)
{
    if (!p || p->dead)
        return;
    p->dead = true;
    loop_defer_cancel(&p->run);
    loop_timer_stop(p->tick);
    free_calls(&p->waiting);
    free_calls(&p->carried);
    free_calls(&p->doomed);
    while (!LIST_EMPTY(&p->dials))
        http_pool_dial_free(LIST_FIRST(&p->dials));
    while (!LIST_EMPTY(&p->conns))
        http_pool_conn_free(LIST_FIRST(&p->conns));
    while (!LIST_EMPTY(&p->sessions))
        http_pool_session_orphan(LIST_FIRST(&p->sessions));
    if (!p->busy)
        pool_release(p);
}

enum result http_pool_call(struct http_pool *p, struct slice for_whom, const struct http_request *request,
                           const struct http_call_events *events, void *ctx, struct http_call **ret, struct error *err)
{
    struct pool_call *c;
    if (p->waiting_count >= p->o.max_waiting)
        return error_set(err, R_LIMIT, "%u calls wait for a connection already", p->waiting_count);
    if (request->protocol.len && p->switched_count + p->websocket_count >= p->o.max_switched)
        return error_set(err, R_LIMIT, "%u connections are WebSockets already", p->switched_count);
    enum result r = http_pool_call_new(p, for_whom, request, events, ctx, &c, err);
    if (r != OK)
        return r;
    /* A dial that fails says more than "none became free": it gets the time to say it first. */
    c->until = loop_now_ms(p->loop) + p->o.connect_ms + p->o.connect_ms / 4;
    http_pool_call_move(c, &p->waiting);
    *ret = &c->base;
    match_waiting(p);
    watch_time(p);
    return OK;
}
