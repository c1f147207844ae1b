/* SPDX-License-Identifier: Apache-2.0 */
/* Counters by holder, in a table of chains; holders are there while they hold something. Strangers' bodies that still
 * come stand in a crowd (base/limit/crowd.h) beside, which knows who of them holds most. */
#include "mp/server/bodies.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

enum { KIB = 1024, MIB = 1024 * KIB };

/* A device may have what thousands of small ones behind one credential need; an address inside, what hundreds do. */
const struct mp_body_limits mp_body_limits = {.all = 128 * (size_t)MIB,
                                              .holder = 8 * (size_t)MIB,
                                              .strangers = 16 * (size_t)MIB,
                                              .stranger = 4 * (size_t)MIB,
                                              .connection = 256 * (size_t)KIB};
/* Revocation lists come whole, and from administrators alone: whoever else is at the socket takes none of their room.
 */
const struct mp_body_limits mp_admin_body_limits = {.all = 128 * (size_t)MIB,
                                                    .holder = 96 * (size_t)MIB,
                                                    .strangers = 32 * (size_t)MIB,
                                                    .stranger = 16 * (size_t)MIB,
                                                    .connection = 8 * (size_t)MIB};

struct mp_body_holder {
    LIST_ENTRY(mp_body_holder) link;
    size_t held;
    char whose[MP_BODY_HOLDER_SIZE];
};

void mp_bodies_open(struct mp_bodies *b, const struct mp_body_limits *limits)
{
    *b = (struct mp_bodies){.limits = limits, .coming = crowd_new(NULL, 0)};
}

void mp_bodies_close(struct mp_bodies *b)
{
    if (b)
        crowd_free(b->coming);
}

/* FNV-1a: a chain that somebody fills on purpose is bounded by the budget. */
static struct mp_body_chain *chain_of(struct mp_bodies *b, const char *whose)
{
    uint32_t h = 2166136261U;
    for (const char *c = whose; *c; c++)
        h = (h ^ (unsigned char)*c) * 16777619U;
    return &b->chains[h % ARRAY_LEN(b->chains)];
}

static struct mp_body_holder *holder_of(struct mp_bodies *b, const char *whose)
{
    struct mp_body_chain *chain = chain_of(b, whose);
    struct mp_body_holder *h;
    LIST_FOREACH(h, chain, link) {
        if (strcmp(h->whose, whose) == 0)
            return h;
    }
    h = mem_zalloc(sizeof *h);
    memcpy(h->whose, whose, sizeof h->whose);
    LIST_INSERT_HEAD(chain, h, link);
    return h;
}

static enum mp_body_room room(const struct mp_bodies *b, const struct mp_body_share *s, size_t n)
{
    const struct mp_body_limits *l = b->limits;
    if (s->holder->held + n > (s->connection ? l->stranger : l->holder))
        return MP_BODY_HOLDER_FULL;
    if (s->connection && *s->connection + n > l->connection)
        return MP_BODY_HOLDER_FULL;
    return b->all + n > l->all ? MP_BODY_ALL_FULL : MP_BODY_ROOM;
}

static void count(struct mp_bodies *b, struct mp_body_share *s, size_t n)
{
    s->bodies = b;
    s->holder->held += n;
    s->held += n;
    b->all += n;
    if (s->connection) {
        *s->connection += n;
        b->strangers += n;
    }
}

static void drop_empty(struct mp_body_share *s)
{
    if (s->holder && !s->holder->held) {
        LIST_REMOVE(s->holder, link);
        free(s->holder);
    }
    s->holder = NULL;
}

void mp_body_give_back(struct mp_body_share *s)
{
    struct mp_bodies *b = s->bodies;
    if (!b)
        return;
    crowd_part(b->coming, &s->coming);
    s->holder->held -= s->held;
    b->all -= s->held;
    if (s->connection) {
        *s->connection -= s->held;
        b->strangers -= s->held;
    }
    drop_empty(s);
    s->bodies = NULL;
    s->held = 0;
}

static void leave(struct crowd_member *m)
{
    struct mp_body_share *s = container_of(m, struct mp_body_share, coming);
    mp_body_give_back(s);
    if (!s->taking)
        s->give_way(s);
}

/* Those of strangers that are whole leave so much less for those that come. */
static bool make_room(struct mp_bodies *b, struct mp_body_share *s)
{
    if (!s->coming.holder)
        crowd_join(b->coming, &s->coming, slice_of(s->whose), clock_mono_ms(), leave);
    crowd_hold(b->coming, &s->coming, s->held);
    s->taking = true;
    if (b->strangers > b->limits->strangers) {
        size_t over = b->strangers - b->limits->strangers, coming = crowd_held(b->coming);
        crowd_relieve(b->coming, coming > over ? coming - over : 0, 0);
    }
    s->taking = false;
    return s->bodies != NULL;
}

enum mp_body_room mp_body_take(struct mp_bodies *b, struct mp_body_share *s, size_t n)
{
    if (!n)
        return MP_BODY_ROOM;
    if (!s->holder)
        s->holder = holder_of(b, s->whose);
    enum mp_body_room found = room(b, s, n);
    if (found == MP_BODY_ROOM)
        count(b, s, n);
    else if (!s->held)
        drop_empty(s);
    return found == MP_BODY_ROOM && s->connection && !make_room(b, s) ? MP_BODY_ALL_FULL : found;
}

void mp_body_whole(struct mp_body_share *s)
{
    if (s->bodies)
        crowd_part(s->bodies->coming, &s->coming);
}
