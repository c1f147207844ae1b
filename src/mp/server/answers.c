/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever holds most of what nobody takes loses its oldest answer, before anybody who holds little waits. */
#include "mp/server/answers.h"

#include "base/attr.h"
#include "base/clock.h"

static void leave(struct crowd_member *m)
{
    struct mp_answer_place *p = container_of(m, struct mp_answer_place, member);
    if (!p->taking)
        p->give_way(p);
}

enum mp_answer_room mp_answer_take(struct crowd *answers, struct mp_answer_place *p, size_t bytes)
{
    enum mp_answer_room found = MP_ANSWER_ROOM;
    if (!*p->whose)
        return MP_ANSWER_ROOM;
    crowd_join(answers, &p->member, slice_of(p->whose), clock_mono_ms(), leave);
    crowd_hold(answers, &p->member, bytes);
    p->taking = true;
    if (crowd_held_with(&p->member) > MP_ANSWERS_HOLDER)
        found = MP_ANSWER_HOLDER_FULL;
    else
        crowd_relieve(answers, MP_ANSWERS_ALL, MP_ANSWERS_LITTLE);
    p->taking = false;
    if (found == MP_ANSWER_ROOM && (!p->member.holder || crowd_held(answers) > MP_ANSWERS_ALL))
        found = MP_ANSWER_ALL_FULL;
    if (found != MP_ANSWER_ROOM)
        crowd_part(answers, &p->member);
    return found;
}

void mp_answer_give_back(struct crowd *answers, struct mp_answer_place *p)
{
    crowd_part(answers, &p->member);
}
