/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that the kernel did not take yet: a list of chunks, written with one gathering call. Empty, it holds nothing.
 */
#ifndef NET_QUEUE_H
#define NET_QUEUE_H

#include <bsd/sys/queue.h>
#include <sys/uio.h>

#include "base/slice.h"

struct net_chunk;

struct net_queue {
    STAILQ_HEAD(, net_chunk) chunks;
    size_t len; /* bytes */
};

void net_queue_init(struct net_queue *q);
void net_queue_add(struct net_queue *q, struct slice data); /* copies */
/* The first pieces, at most `max`; returns how many. */
int net_queue_pieces(const struct net_queue *q, struct iovec *ret, int max);
void net_queue_drop(struct net_queue *q, size_t n);
void net_queue_free(struct net_queue *q);

#endif
