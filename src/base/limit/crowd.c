/* SPDX-License-Identifier: Apache-2.0 */
/* Holders in a tree by key, and in orders by count, bytes and rest. It ends nobody: it names who is next, and the owner
 * does. The owner's thread. */
#include "base/limit/crowd.h"

#include <stdlib.h>

#include <bsd/sys/tree.h>

#include "base/mem.h"

enum { MOST_ASKED = 8 };

TAILQ_HEAD(members, crowd_member);

struct crowd_holder {
    RB_ENTRY(crowd_holder) by_key;
    size_t key_len; /* beside the tree that it is sought in, in the same lines of the processor's cache */
    char key[CROWD_KEY_MAX];
    RB_ENTRY(crowd_holder) by_count, by_bytes;
    TAILQ_ENTRY(crowd_holder) resting; /* while it has no member */
    struct members members, holding;   /* all; those that hold bytes */
    size_t count, bytes;
    uint64_t since, bytes_since; /* in the order of all changes: when it came to have so many */
    uint64_t rests_since_ms;
    struct bucket rates[CROWD_RATES_MAX];
};

static int compare_keys(const struct crowd_holder *a, const struct crowd_holder *b)
{
    if (a->key_len != b->key_len)
        return a->key_len < b->key_len ? -1 : 1;
    return memcmp(a->key, b->key, a->key_len);
}

/* Of those who have as many, who has had them longest comes last: nobody can choose a name that keeps it. */
static int compare(size_t a, uint64_t a_since, size_t b, uint64_t b_since)
{
    if (a != b)
        return a < b ? -1 : 1;
    return a_since > b_since ? -1 : a_since < b_since;
}

static int compare_counts(const struct crowd_holder *a, const struct crowd_holder *b)
{
    return compare(a->count, a->since, b->count, b->since);
}

static int compare_bytes(const struct crowd_holder *a, const struct crowd_holder *b)
{
    return compare(a->bytes, a->bytes_since, b->bytes, b->bytes_since);
}

#define TREE UNUSED static
RB_HEAD(by_key, crowd_holder);
RB_HEAD(by_count, crowd_holder);
RB_HEAD(by_bytes, crowd_holder);
RB_GENERATE_INTERNAL(by_key, crowd_holder, by_key, compare_keys, TREE)
RB_GENERATE_INTERNAL(by_count, crowd_holder, by_count, compare_counts, TREE)
RB_GENERATE_INTERNAL(by_bytes, crowd_holder, by_bytes, compare_bytes, TREE)

struct crowd {
    struct by_key holders;
    struct crowd_holder *latest;        /* that was sought: most are sought twice in a row; may be NULL */
    struct by_count counts;             /* those with members */
    struct by_bytes weights;            /* those with bytes */
    TAILQ_HEAD(, crowd_holder) resting; /* those without, the one that rests longest first */
    size_t resting_count;
    struct members all;
    size_t bytes; /* that all hold */
    struct crowd_rate rates[CROWD_RATES_MAX];
    size_t rate_count;
    uint64_t full_after_ms; /* then every rate is full again */
    uint64_t now_ms;        /* the latest that was told */
    uint64_t changes;
};

/* --- holders --- */

static void forget(struct crowd *c, struct crowd_holder *h)
{
    TAILQ_REMOVE(&c->resting, h, resting);
    c->resting_count--;
    (void)RB_REMOVE(by_key, &c->holders, h);
    if (c->latest == h)
        c->latest = NULL;
    free(h);
}

static void forget_some(struct crowd *c)
{
    struct crowd_holder *h;
    while ((h = TAILQ_FIRST(&c->resting)) &&
           (c->resting_count >= CROWD_RESTING_MAX || c->now_ms - h->rests_since_ms > c->full_after_ms))
        forget(c, h);
}

static void rest(struct crowd *c, struct crowd_holder *h)
{
    h->rests_since_ms = c->now_ms;
    TAILQ_INSERT_TAIL(&c->resting, h, resting);
    c->resting_count++;
}

static void set_key(struct crowd_holder *h, struct slice key)
{
    h->key_len = key.len < CROWD_KEY_MAX ? key.len : CROWD_KEY_MAX;
    if (h->key_len)
        memcpy(h->key, key.ptr, h->key_len);
}

static struct crowd_holder *find(struct crowd *c, struct slice key)
{
    if (c->latest && slice_eq(slice_make(c->latest->key, c->latest->key_len), key))
        return c->latest;
    struct crowd_holder wanted;
    set_key(&wanted, key);
    struct crowd_holder *h = RB_FIND(by_key, &c->holders, &wanted);
    if (h)
        c->latest = h;
    return h;
}

static struct crowd_holder *find_or_make(struct crowd *c, struct slice key, uint64_t now_ms)
{
    struct crowd_holder *h = find(c, key);
    c->now_ms = now_ms;
    if (h)
        return h;
    forget_some(c);
    h = mem_zalloc(sizeof *h);
    set_key(h, key);
    TAILQ_INIT(&h->members);
    TAILQ_INIT(&h->holding);
    for (size_t i = 0; i < c->rate_count; i++)
        bucket_start(&h->rates[i], c->rates[i].burst, c->rates[i].per_second, now_ms);
    (void)RB_INSERT(by_key, &c->holders, h);
    rest(c, h);
    return h;
}

/* A holder's place among all is by its count. */
static void recount(struct crowd *c, struct crowd_holder *h, size_t count)
{
    if (h->count)
        (void)RB_REMOVE(by_count, &c->counts, h);
    h->count = count;
    h->since = ++c->changes;
    if (count)
        (void)RB_INSERT(by_count, &c->counts, h);
}

/* The same by its bytes. */
static void reweigh(struct crowd *c, struct crowd_holder *h, size_t bytes)
{
    if (h->bytes)
        (void)RB_REMOVE(by_bytes, &c->weights, h);
    c->bytes += bytes - h->bytes;
    h->bytes = bytes;
    h->bytes_since = ++c->changes;
    if (bytes)
        (void)RB_INSERT(by_bytes, &c->weights, h);
}

/* --- members --- */

void crowd_join(struct crowd *c, struct crowd_member *m, struct slice key, uint64_t now_ms, crowd_leave_fn *leave)
{
    struct crowd_holder *h = find_or_make(c, key, now_ms);
    if (!h->count) {
        TAILQ_REMOVE(&c->resting, h, resting);
        c->resting_count--;
    }
    m->holder = h;
    m->leave = leave;
    m->since_ms = now_ms;
    m->bytes = m->owed = 0;
    TAILQ_INSERT_TAIL(&h->members, m, link);
    TAILQ_INSERT_TAIL(&c->all, m, age);
    recount(c, h, h->count + 1);
}

void crowd_replace(struct crowd *c, struct crowd_member *m, struct crowd_member *by, crowd_leave_fn *leave)
{
    struct crowd_holder *h = m->holder;
    if (!h)
        return;
    by->holder = h;
    by->leave = leave;
    by->since_ms = m->since_ms;
    by->bytes = 0;
    by->owed = m->owed;
    TAILQ_INSERT_AFTER(&h->members, m, by, link);
    TAILQ_INSERT_AFTER(&c->all, m, by, age);
    TAILQ_REMOVE(&h->members, m, link);
    TAILQ_REMOVE(&c->all, m, age);
    m->holder = NULL;
}

void crowd_part(struct crowd *c, struct crowd_member *m)
{
    struct crowd_holder *h = m->holder;
    if (!h)
        return;
    crowd_hold(c, m, 0);
    m->holder = NULL;
    TAILQ_REMOVE(&h->members, m, link);
    TAILQ_REMOVE(&c->all, m, age);
    recount(c, h, h->count - 1);
    if (!h->count)
        rest(c, h);
}

void crowd_touch(struct crowd_member *m)
{
    if (!m->holder || !TAILQ_NEXT(m, link))
        return;
    TAILQ_REMOVE(&m->holder->members, m, link);
    TAILQ_INSERT_TAIL(&m->holder->members, m, link);
}

void crowd_hold(struct crowd *c, struct crowd_member *m, size_t bytes)
{
    struct crowd_holder *h = m->holder;
    if (!h || bytes == m->bytes)
        return;
    if (!m->bytes)
        TAILQ_INSERT_TAIL(&h->holding, m, held);
    else if (!bytes)
        TAILQ_REMOVE(&h->holding, m, held);
    reweigh(c, h, h->bytes + bytes - m->bytes);
    m->bytes = bytes;
}

/* --- counting --- */

size_t crowd_held(const struct crowd *c)
{
    return c->bytes;
}

size_t crowd_count(struct crowd *c, struct slice key)
{
    const struct crowd_holder *h = find(c, key);
    return h ? h->count : 0;
}

size_t crowd_held_with(const struct crowd_member *m)
{
    return m->holder ? m->holder->bytes : 0;
}

bool crowd_take(struct crowd *c, struct slice key, size_t rate, uint64_t now_ms)
{
    struct crowd_holder *h = find_or_make(c, key, now_ms);
    return bucket_take(&h->rates[rate], 1, now_ms);
}

void crowd_charge(struct crowd *c, struct slice key, size_t rate, uint64_t n, uint64_t now_ms)
{
    bucket_charge(&find_or_make(c, key, now_ms)->rates[rate], n, now_ms);
}

bool crowd_take_as(struct crowd *c, const struct crowd_member *m, size_t rate, uint64_t now_ms)
{
    c->now_ms = now_ms;
    return !m->holder || bucket_take(&m->holder->rates[rate], 1, now_ms);
}

void crowd_give(struct crowd_member *m, size_t rate)
{
    if (m->holder)
        bucket_add(&m->holder->rates[rate], 1);
}

/* --- making room --- */

static void end(struct crowd *c, struct crowd_member *m)
{
    crowd_part(c, m);
    m->leave(m);
}

static bool end_oldest_of(struct crowd *c, struct crowd_holder *h, crowd_may_fn *may)
{
    struct crowd_member *m;
    TAILQ_FOREACH(m, &h->members, link) {
        if (may && !may(m))
            continue;
        end(c, m);
        return true;
    }
    return false;
}

/* Of those who have so many at least. */
static bool make_room(struct crowd *c, size_t least, crowd_may_fn *may)
{
    struct crowd_holder *h = RB_MAX(by_count, &c->counts);
    for (int i = 0; h && h->count >= least && i < MOST_ASKED; i++) {
        if (end_oldest_of(c, h, may))
            return true;
        h = RB_PREV(by_count, &c->counts, h);
    }
    return false;
}

bool crowd_make_room(struct crowd *c, crowd_may_fn *may)
{
    return make_room(c, 1, may);
}

bool crowd_make_room_for(struct crowd *c, struct slice key, crowd_may_fn *may)
{
    return make_room(c, crowd_count(c, key) + 2, may);
}

bool crowd_make_room_of(struct crowd *c, struct slice key, crowd_may_fn *may)
{
    struct crowd_holder *h = find(c, key);
    return h && end_oldest_of(c, h, may);
}

void crowd_relieve(struct crowd *c, size_t most, size_t share)
{
    const struct crowd_holder *h;
    while (c->bytes > most && (h = RB_MAX(by_bytes, &c->weights)) && h->bytes > share)
        end(c, TAILQ_FIRST(&h->holding));
}

bool crowd_end_older(struct crowd *c, uint64_t since_ms, size_t most)
{
    struct crowd_member *m;
    while ((m = TAILQ_FIRST(&c->all)) && m->since_ms <= since_ms) {
        if (most-- == 0)
            return true;
        end(c, m);
    }
    return false;
}

/* --- life --- */

struct crowd *crowd_new(const struct crowd_rate *rates, size_t count)
{
    struct crowd *c = mem_zalloc(sizeof *c);
    RB_INIT(&c->holders);
    RB_INIT(&c->counts);
    RB_INIT(&c->weights);
    TAILQ_INIT(&c->resting);
    TAILQ_INIT(&c->all);
    c->rate_count = count < CROWD_RATES_MAX ? count : CROWD_RATES_MAX;
    for (size_t i = 0; i < c->rate_count; i++) {
        c->rates[i] = rates[i];
        uint64_t full_ms = rates[i].per_second ? rates[i].burst * 1000 / rates[i].per_second + 1000 : 0;
        if (full_ms > c->full_after_ms)
            c->full_after_ms = full_ms;
    }
    return c;
}

void crowd_free(struct crowd *c)
{
    if (!c)
        return;
    struct crowd_holder *h;
    while ((h = TAILQ_FIRST(&c->resting)))
        forget(c, h);
    free(c);
}
