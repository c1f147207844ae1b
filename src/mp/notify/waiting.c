/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who waits, found by GUID; by the second in which its time is over; and in the order in which each was last looked at.
 * What is for one device is looked up for that device. What is for many goes round in that order, a little at a time,
 * so that neither the loop nor those whom it wakes are overrun.
 */
#include "mp/notify/waiting.h"

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <stdlib.h>

#include "base/host/log.h"
#include "base/mem.h"
#include "mp/notify/news.h"
#include "mp/site.h"
#include "store/device/notification.h"

enum {
    POLL_MS = 250,
    AGAIN_MS = 2000, /* after the store could not be asked */
    SECOND_MS = 1000,
    SLOTS = 512, /* over MP_WAIT_MAX_S */
    LOOK_MAX = 1024 * 1024,
    ROUND_MS = 20,
    ROUND_BUSY_US = 8000 /* of each round at most: the loop is everybody's */
};

struct mp_waiter {
    struct mp_waiting *all;
    struct mp_request *r;
    RB_ENTRY(mp_waiter) by_guid;
    LIST_ENTRY(mp_waiter) slot;
    TAILQ_ENTRY(mp_waiter) order;
    char guid[GUID_SIZE], key[PKI_HASH_HEX];
    int64_t after, looked; /* numbers of notifications */
};

RB_HEAD(waiters, mp_waiter);

struct mp_waiting {
    struct mp_site *site;
    struct waiters by_guid;
    LIST_HEAD(, mp_waiter) slots[SLOTS];
    TAILQ_HEAD(, mp_waiter) order; /* who was looked at longest ago stands first */
    size_t count;
    struct loop_timer *poll, *round;
    struct loop_deferred soon;
    uint64_t second; /* the last one whose slot was emptied */
    int64_t seen;    /* the last number that was looked at */
    int64_t told;    /* the last one that is for many */
    size_t a_round;  /* how many are looked at in one at most */
    bool failing;    /* the store could not be asked, which was told */
};

static int by_guid(const struct mp_waiter *a, const struct mp_waiter *b)
{
    return strcmp(a->guid, b->guid);
}

RB_GENERATE_INTERNAL(waiters, mp_waiter, by_guid, by_guid, static UNUSED)

size_t mp_waiting_count(const struct mp_waiting *w)
{
    return w->count;
}

static struct mp_waiter *find(struct mp_waiting *w, const char *guid)
{
    struct mp_waiter key;
    cstr_copy(key.guid, sizeof key.guid, guid);
    return RB_FIND(waiters, &w->by_guid, &key);
}

bool mp_waiting_has(struct mp_waiting *w, const char *guid)
{
    return find(w, guid) != NULL;
}

static void gone(struct mp_request *r)
{
    struct mp_waiter *x = r->waiter;
    if (!x)
        return;
    RB_REMOVE(waiters, &x->all->by_guid, x);
    LIST_REMOVE(x, slot);
    TAILQ_REMOVE(&x->all->order, x, order);
    x->all->count--;
    r->waiter = NULL;
    free(x);
}

static void nothing_came(struct mp_request *r)
{
    mp_answer(r, &(struct mp_answer){.status = 204});
}

/* --- looking --- */

struct look {
    const char *guid, *key;
    int64_t after;
};

/* The record as it is now: meanwhile it may have been blocked or removed. true: answered. */
static bool refused(struct mp_request *r, const struct store_device *d, enum result found, const struct error *err)
{
    struct mp_denial no = {0};
    if (found != OK && found != R_NOTFOUND) {
        mp_refuse_fault(r, err);
        return true;
    }
    if (found == R_NOTFOUND)
        return !mp_request_pass(r, mp_deny(&no, MP_REFUSAL_NOT_REGISTERED, NULL), &no);
    return !mp_request_pass(r, mp_device_stands(d, &no), &no);
}

/* In an arena of its own: a request may be looked at many times. true: it was answered and is gone. */
static bool answered(struct mp_request *r, const struct look *look)
{
    struct mp_site *site = r->site;
    struct arena *a = arena_new(LOOK_MAX);
    struct store_device d;
    struct error err;
    char *text = NULL;
    enum result result = store_device_get(site->store, a, STORE_BY_GUID, look->guid, &d, &err);
    bool done = refused(r, &d, result, &err);
    if (!done)
        result = mp_news_of(site, a, &d, look->key, look->after, &text, &err);
    if (!done && result != OK)
        mp_refuse_fault(r, &err);
    else if (text)
        mp_answer(r, &(struct mp_answer){.status = 200, .type = "application/jose", .body = slice_of(text)});
    done = done || result != OK || text;
    arena_free(a);
    free(text);
    return done;
}

static void look_at(struct mp_waiter *x, int64_t number)
{
    const struct look look = {x->guid, x->key, x->after};
    struct mp_waiting *w = x->all;
    x->looked = number;
    TAILQ_REMOVE(&w->order, x, order);
    TAILQ_INSERT_TAIL(&w->order, x, order);
    (void)answered(x->r, &look);
}

/* --- for many --- */

static void go_round(void *arg)
{
    struct mp_waiting *w = arg;
    uint64_t began = loop_clock_us(w->site->loop);
    struct mp_waiter *x;
    for (size_t i = 0; i < w->a_round && loop_clock_us(w->site->loop) - began < ROUND_BUSY_US; i++) {
        x = TAILQ_FIRST(&w->order);
        if (!x || x->looked >= w->told)
            break;
        look_at(x, w->told);
    }
    x = TAILQ_FIRST(&w->order);
    if (x && x->looked < w->told)
        loop_timer_start(w->round, ROUND_MS, 0);
}

/* The last one's word counts, also for what is under way. */
static void tell_many(struct mp_waiting *w, const struct store_notification *n)
{
    uint64_t rounds = (uint64_t)n->spread * 1000 / ROUND_MS;
    w->told = n->id;
    w->a_round = rounds ? (w->count + rounds - 1) / rounds : w->count;
    loop_timer_start(w->round, 0, 0);
}

/* --- what is new --- */

static void tell(struct mp_waiting *w, const struct store_notification *n)
{
    struct mp_waiter *x = *n->guid ? find(w, n->guid) : NULL;
    if (!*n->guid)
        tell_many(w, n);
    else if (x)
        look_at(x, x->looked);
}

/* *ret_more: there may be more than this. */
static enum result look_for_new(struct mp_waiting *w, bool *ret_more, struct error *err)
{
    struct arena *a = arena_new(LOOK_MAX);
    struct store_notification *rows;
    size_t count = 0;
    enum result r = store_notification_new(w->site->store, a, w->seen, &rows, &count, err);
    for (size_t i = 0; r == OK && i < count; i++)
        tell(w, &rows[i]);
    if (r == OK && count)
        w->seen = rows[count - 1].id;
    *ret_more = r == OK && count == STORE_NOTIFICATIONS_A_LOOK;
    arena_free(a);
    return r;
}

static void look(void *arg)
{
    struct mp_waiting *w = arg;
    int64_t last;
    bool more = false;
    struct error err;
    enum result r = store_notification_last(w->site->store, &last, &err);
    if (r == OK && last != w->seen)
        r = look_for_new(w, &more, &err);
    if (r != OK && !w->failing)
        log_msg(LOG_ERROR, "mp", "the store can't be asked for notifications: %s", err.text);
    w->failing = r != OK;
    if (r != OK)
        loop_timer_start(w->poll, AGAIN_MS, POLL_MS);
    else if (more)
        mp_waiting_look(w);
    else
        w->seen = last;
}

void mp_waiting_look(struct mp_waiting *w)
{
    loop_defer(w->site->loop, &w->soon);
}

/* --- time --- */

static void end_the_old(struct mp_waiting *w)
{
    uint64_t now = loop_now_ms(w->site->loop) / SECOND_MS;
    struct mp_waiter *x, *next;
    while (w->second < now) {
        w->second++;
        LIST_FOREACH_SAFE(x, &w->slots[w->second % SLOTS], slot, next) {
            nothing_came(x->r);
        }
    }
}

static void poll(void *arg)
{
    end_the_old(arg);
    look(arg);
}

/* --- the whole --- */

struct mp_waiting *mp_waiting_new(struct mp_site *site)
{
    struct mp_waiting *w = mem_zalloc(sizeof *w);
    w->site = site;
    RB_INIT(&w->by_guid);
    TAILQ_INIT(&w->order);
    w->second = loop_now_ms(site->loop) / SECOND_MS;
    w->soon = (struct loop_deferred){.fn = look, .arg = w};
    w->round = loop_timer_new(site->loop, go_round, w);
    w->poll = loop_timer_new(site->loop, poll, w);
    loop_timer_start(w->poll, POLL_MS, POLL_MS);
    (void)!store_notification_last(site->store, &w->seen, NULL); /* who comes looks for itself */
    return w;
}

void mp_waiting_end(struct mp_waiting *w)
{
    struct mp_waiter *x, *next;
    TAILQ_FOREACH_SAFE(x, &w->order, order, next) {
        nothing_came(x->r);
    }
}

void mp_waiting_free(struct mp_waiting *w)
{
    if (!w)
        return;
    loop_defer_cancel(&w->soon);
    loop_timer_free(w->round);
    loop_timer_free(w->poll);
    free(w);
}

static void park(struct mp_waiting *w, struct mp_request *r, const struct look *of, int64_t wait_s)
{
    struct mp_waiter *x = mem_zalloc(sizeof *x), *older = find(w, of->guid);
    if (older)
        nothing_came(older->r);
    *x = (struct mp_waiter){.all = w, .r = r, .after = of->after, .looked = w->told};
    cstr_copy(x->guid, sizeof x->guid, of->guid);
    cstr_copy(x->key, sizeof x->key, of->key);
    (void)RB_INSERT(waiters, &w->by_guid, x);
    uint64_t until = loop_now_ms(w->site->loop) / SECOND_MS + (uint64_t)wait_s;
    LIST_INSERT_HEAD(&w->slots[until % SLOTS], x, slot);
    TAILQ_INSERT_TAIL(&w->order, x, order);
    w->count++;
    r->waiter = x;
    r->hooks.on_end = gone;
}

void mp_waiting_add(struct mp_request *r, const struct mp_device *d, int64_t after, int64_t wait_s)
{
    struct mp_waiting *w = r->site->waiting;
    char key[PKI_HASH_HEX];
    pki_cert_spki_hex(d->certificate, key);
    const struct look of = {d->record.guid, key, after};
    if (answered(r, &of))
        return;
    if (r->site->draining)
        nothing_came(r);
    else if (w->count >= MP_WAITING_MAX)
        mp_refuse(r, MP_REFUSAL_BUSY, "too many devices wait here");
    else
        park(w, r, &of, wait_s);
}
