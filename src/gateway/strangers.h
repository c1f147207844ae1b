/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that nobody has vouched for yet: handshakes, and clients none of whose requests was let in. When a worker
 * is full, the oldest of them goes and not the newest connection, so that strangers who hold all places (and say
 * nothing, or are refused again and again) keep no device out.
 */
#ifndef GATEWAY_STRANGERS_H
#define GATEWAY_STRANGERS_H

#include <stdbool.h>

#include <bsd/sys/queue.h>

struct stranger; /* a member of the connection that it stands for */
typedef void stranger_leave_fn(struct stranger *s);

struct stranger {
    TAILQ_ENTRY(stranger) link;
    stranger_leave_fn *leave; /* ends the connection; NULL: it is no stranger */
};

TAILQ_HEAD(stranger_list, stranger);

/* It is the youngest from now on. */
void strangers_add(struct stranger_list *l, struct stranger *s, stranger_leave_fn *leave);
/* `by` takes the place of `s` in the queue: a handshake that became a connection is as old as before. */
void strangers_replace(struct stranger_list *l, struct stranger *s, struct stranger *by, stranger_leave_fn *leave);
/* Known from now on, or gone. Nothing happens to who is no stranger. */
void strangers_remove(struct stranger_list *l, struct stranger *s);

/* Ends the oldest. false: there is none, everybody here was let in. */
bool strangers_make_room(struct stranger_list *l);

#endif
