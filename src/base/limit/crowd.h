/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many who share something that has a maximum (a worker's connections), by whom they belong to (an address, a device):
 * how many each holder has, who has most, whose member is the oldest; how many bytes their members hold, and who holds
 * most of these; and how fast each holder may do what costs.
 *
 * Nobody can flood it: a holder is there while it has members, whose number the owner bounds, and for as long after as
 * its rates are not full again; of those that only rest, the one that rests longest is forgotten over a maximum. Who is
 * forgotten starts anew with full rates: a flood of holders takes nothing from anybody.
 */
#ifndef BASE_LIMIT_CROWD_H
#define BASE_LIMIT_CROWD_H

#include <bsd/sys/queue.h>

#include "base/limit/bucket.h"
#include "base/slice.h"

enum { CROWD_KEY_MAX = 80, CROWD_RATES_MAX = 4, CROWD_RESTING_MAX = 4096 };

struct crowd;
struct crowd_holder;
struct crowd_member; /* a part of the connection that it stands for */
typedef void crowd_leave_fn(struct crowd_member *m);

struct crowd_member {
    TAILQ_ENTRY(crowd_member) link; /* of its holder, oldest first */
    TAILQ_ENTRY(crowd_member) age;  /* of all, oldest first */
    TAILQ_ENTRY(crowd_member) held; /* of its holder's that hold bytes, who began first comes first */
    struct crowd_holder *holder;    /* NULL: in no crowd */
    crowd_leave_fn *leave;          /* ends what it stands for; it has left the crowd by then */
    uint64_t since_ms;
    size_t bytes;
    size_t owed; /* its owner's: how much more it gets back by crowd_give, should it turn out to be no stranger */
};

struct crowd_rate {
    uint64_t burst, per_second;
};

/* Rates are told apart by their place in the list. */
struct crowd *crowd_new(const struct crowd_rate *rates, size_t count);
void crowd_free(struct crowd *c); /* when all members have left. NULL allowed */

/* It is the youngest of its holder and of all. Keys over CROWD_KEY_MAX bytes are cut. */
void crowd_join(struct crowd *c, struct crowd_member *m, struct slice key, uint64_t now_ms, crowd_leave_fn *leave);
/* `by` takes the place of `m`, which holds no bytes: as old as it was, of the same holder. Nothing happens for who is
 * no member. */
void crowd_replace(struct crowd *c, struct crowd_member *m, struct crowd_member *by, crowd_leave_fn *leave);
/* Nothing happens for who is no member. */
void crowd_part(struct crowd *c, struct crowd_member *m);
/* The youngest of its holder again: it was used. */
void crowd_touch(struct crowd_member *m);

size_t crowd_count(struct crowd *c, struct slice key);
/* May it do that once more, now? */
MUST_USE bool crowd_take(struct crowd *c, struct slice key, size_t rate, uint64_t now_ms);
/* It did so much of that, as it turned out. */
void crowd_charge(struct crowd *c, struct slice key, size_t rate, uint64_t n, uint64_t now_ms);
/* As crowd_take(), for the holder of a member; who is none may. */
MUST_USE bool crowd_take_as(struct crowd *c, const struct crowd_member *m, size_t rate, uint64_t now_ms);
/* What was taken turned out to be no cost: it gets it back. */
void crowd_give(struct crowd_member *m, size_t rate);

/* Ends the oldest member of who has most, or of this holder, for which `may` (NULL: all) says yes; of those who have
 * most so many are asked until one has such a member, but few. false: nobody left. */
typedef bool crowd_may_fn(const struct crowd_member *m);
bool crowd_make_room(struct crowd *c, crowd_may_fn *may);
bool crowd_make_room_of(struct crowd *c, struct slice key, crowd_may_fn *may);
/* The same for one more of this holder, which is to have no more then than any of those who gave way has left. */
bool crowd_make_room_for(struct crowd *c, struct slice key, crowd_may_fn *may);
/* So many bytes it holds from now on, until it parts. Nothing happens for who is no member. */
void crowd_hold(struct crowd *c, struct crowd_member *m, size_t bytes);
size_t crowd_held(const struct crowd *c);             /* bytes, of all */
size_t crowd_held_with(const struct crowd_member *m); /* of its holder; 0: it is no member */
/* Until all together hold `most` bytes or less, or nobody holds more than `share`, ends members that hold any: of who
 * holds most, who began first. */
void crowd_relieve(struct crowd *c, size_t most, size_t share);

/* Ends those that joined at `since_ms` or before, `most` of them; true: there are more. */
bool crowd_end_older(struct crowd *c, uint64_t since_ms, size_t most);

#endif
