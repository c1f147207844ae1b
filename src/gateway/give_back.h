/* SPDX-License-Identifier: Apache-2.0 */
/* Gives memory back to the system that connections of the past have left: glibc keeps what was freed between pieces
 * that live on, and TLS sessions live on when their connections are long closed. */
#ifndef GATEWAY_GIVE_BACK_H
#define GATEWAY_GIVE_BACK_H

#include <stdbool.h>

struct gateway_worker;

/* The most of a kind since memory was given back last. */
struct give_back_mark {
    long long most;
};

/* Now there are `count`. True: enough went since the last time that it is worth the cost. */
bool give_back_worth(struct give_back_mark *m, long long count);

struct give_back {
    struct give_back_mark open, kept;
    long long sessions; /* as the metric says */
    bool under_way;
};

/* From time to time, by one worker for the whole process: ends old sessions; the rest is done by a thread of the pool.
 */
void give_back(struct gateway_worker *w);

#endif
