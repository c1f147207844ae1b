/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that stand whole in memory until their askers have taken them: how much of it everybody's may be, and each
 * one's. Whoever holds most of them loses the oldest, before anybody who holds little waits.
 */
#ifndef BASE_LIMIT_UNTAKEN_H
#define BASE_LIMIT_UNTAKEN_H

#include "base/limit/crowd.h"

/* Bytes: of all; of one asker; who holds as little gives way to nobody. */
struct untaken_limits {
    size_t all, each, little;
};

struct untaken {
    struct crowd_member member;
    void (*give_way)(struct untaken *u); /* breaks it off for somebody who holds less; it holds nothing any more */
    bool taking;
};

enum untaken_room { UNTAKEN_ROOM, UNTAKEN_EACH_FULL, UNTAKEN_ALL_FULL };

/* `whose` asker's it is; .give_way is set. Held until untaken_part(), and nothing after anything but UNTAKEN_ROOM. */
MUST_USE enum untaken_room untaken_hold(struct crowd *all, const struct untaken_limits *limits, struct untaken *u,
                                        struct slice whose, size_t bytes);
/* Nothing happens for what is not held. */
void untaken_part(struct crowd *all, struct untaken *u);

#endif
