/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of long answers that are made for one asker alone is held in memory until it has taken them, by whose they
 * are: a device, a connector, an address. What several askers share (mp/content) counts for nobody.
 */
#ifndef MP_SERVER_ANSWERS_H
#define MP_SERVER_ANSWERS_H

#include "base/limit/crowd.h"

/* Bytes: of all; of one, which has room for two of the longest that a device takes (WEB_ANSWER_MAX); who holds as
 * little gives way to nobody. */
enum {
    MP_ANSWERS_MIB = 1024 * 1024,
    MP_ANSWERS_ALL = 256 * MP_ANSWERS_MIB,
    MP_ANSWERS_HOLDER = 32 * MP_ANSWERS_MIB,
    MP_ANSWERS_LITTLE = 4 * MP_ANSWERS_MIB
};

/* One answer's part of it. */
struct mp_answer_place {
    char whose[CROWD_KEY_MAX + 1]; /* "": it is not counted (an administrator's) */
    struct crowd_member member;
    void (*give_way)(
        struct mp_answer_place *p); /* it is broken off for somebody who holds less; it holds nothing any more */
    bool taking;
};

enum mp_answer_room { MP_ANSWER_ROOM, MP_ANSWER_HOLDER_FULL, MP_ANSWER_ALL_FULL };

/* Nothing is held after anything but MP_ANSWER_ROOM. */
MUST_USE enum mp_answer_room mp_answer_take(struct crowd *answers, struct mp_answer_place *p, size_t bytes);
void mp_answer_give_back(struct crowd *answers, struct mp_answer_place *p);

#endif
