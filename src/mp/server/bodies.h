/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of requests' bodies is held in memory, by whose they are: a device, a connector, an address that nobody
 * vouches for. A byte is counted before it is kept, and only what was counted is credited to the peer. Sizes in bytes.
 */
#ifndef MP_SERVER_BODIES_H
#define MP_SERVER_BODIES_H

#include <bsd/sys/queue.h>

#include "base/slice.h"
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
    LIST_HEAD(mp_body_chain, mp_body_holder) chains[256];
};
void mp_bodies_init(struct mp_bodies *b, const struct mp_body_limits *limits); /* nothing is to be freed */

/* One body's part of it. */
struct mp_body_share {
    char whose[MP_BODY_HOLDER_SIZE];
    size_t *connection; /* a stranger: what its connection holds; NULL: it was let in */
    struct mp_body_holder *holder;
    size_t held;
};

enum mp_body_room { MP_BODY_ROOM, MP_BODY_HOLDER_FULL, MP_BODY_ALL_FULL };
MUST_USE enum mp_body_room mp_body_take(struct mp_bodies *b, struct mp_body_share *s, size_t n);
void mp_body_give_back(struct mp_bodies *b, struct mp_body_share *s); /* all of it */

#endif
