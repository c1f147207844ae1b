/* SPDX-License-Identifier: Apache-2.0 */
/* A crowd whose members are answers (untaken.h). */
#include "base/limit/untaken.h"

#include "base/attr.h"
#include "base/clock.h"

static void leave(struct crowd_member *m)
{
    struct untaken *u = container_of(m, struct untaken, member);
    if (!u->taking)
        u->give_way(u);
}

enum untaken_room untaken_hold(struct crowd *all, const struct untaken_limits *limits, struct untaken *u,
                               struct slice whose, size_t bytes)
{
    enum untaken_room found = UNTAKEN_ROOM;
    crowd_join(all, &u->member, whose, clock_mono_ms(), leave);
    crowd_hold(all, &u->member, bytes);
    u->taking = true; /* it may be what is given up */
    if (crowd_held_with(&u->member) > limits->each)
        found = UNTAKEN_EACH_FULL;
    else
        crowd_relieve(all, limits->all, limits->little);
    u->taking = false;
    if (found == UNTAKEN_ROOM && (!u->member.holder || crowd_held(all) > limits->all))
        found = UNTAKEN_ALL_FULL;
    if (found != UNTAKEN_ROOM)
        crowd_part(all, &u->member);
    return found;
}

void untaken_part(struct crowd *all, struct untaken *u)
{
    crowd_part(all, &u->member);
}
