/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of requests' bodies is held in memory, by whose they are: a device, a connector, an address that nobody
 * vouches for. A byte is counted before it is kept, and only what was counted is credited to the peer. Sizes in bytes.
 */
#ifndef MP_SERVER_BODIES_H
#define MP_SERVER_BODIES_H

#include <bsd/sys/queue.h>

#include "base/limit/crowd.h"
#include "net/address.h"

enum { MP_BODY_HOLDER_SIZE = 128 };

struct mp_body_limits {
    size_t all, holder; /* of everybody; of one who was let in */
    /* of all who were not (at the admin socket: who are no administrators); of one address or user; of one connection
     */
    size_t strangers, stranger, connection;
};
extern const struct mp_body_limits mp_body_limits, mp_admin_body_limits;

struct mp_body_holder;
struct mp_bodies {
    const struct mp_body_limits *limits;
    size_t all, strangers;
    struct crowd *coming; /* strangers' bodies that are not whole, by whose they are */
    LIST_HEAD(mp_body_chain, mp_body_holder) chains[256];
};
void mp_bodies_open(struct mp_bodies *b, const struct mp_body_limits *limits);
void mp_bodies_close(struct mp_bodies *b); /* when all was given back. Nothing happens to one that was not opened */

/* One body's part of it. */
struct mp_body_share {
    char whose[MP_BODY_HOLDER_SIZE];
    size_t *connection; /* a stranger: what its connection holds; NULL: it was let in */
    /* A stranger's: it is refused, for somebody who holds less. What it held was given back. */
    void (*give_way)(struct mp_body_share *s);
    struct mp_bodies *bodies; /* that it holds something of */
    struct mp_body_holder *holder;
    struct crowd_member coming;
    size_t held;
    bool taking;
};

/* Strangers' share is full: who holds most of it gives way, with its oldest body that is not whole. It may be the asker
 * itself: MP_BODY_ALL_FULL. Nothing is held after anything but MP_BODY_ROOM by who held nothing before. */
enum mp_body_room { MP_BODY_ROOM, MP_BODY_HOLDER_FULL, MP_BODY_ALL_FULL };
MUST_USE enum mp_body_room mp_body_take(struct mp_bodies *b, struct mp_body_share *s, size_t n);
void mp_body_whole(struct mp_body_share *s);     /* it is worked on, and gives way to nobody */
void mp_body_give_back(struct mp_body_share *s); /* all of it */

#endif
