/* SPDX-License-Identifier: Apache-2.0 */
/* Many small documents over http or https at once: by libcurl in one thread of its own, over connections that are kept
 * for the next ones. Each goes out at once, so that its time limit counts from then; how many may be under way is the
 * caller's business. */
#ifndef SOURCE_MANY_H
#define SOURCE_MANY_H

#include <bsd/sys/queue.h>

#include "loop/loop.h"
#include "source/transfer.h"

struct source_many;

/* The caller's, in its own memory, until done. */
struct source_many_one {
    struct source_http what; /* and what it names */
    struct buf *body;        /* gets the body of a 200 */
    loop_fn *done;           /* in the loop, not from inside */
    void *arg;
    enum result result; /* as source_http's; for done */
    struct error err;

    LIST_ENTRY(source_many_one) others; /* of source/many.c alone */
    struct source_transfer transfer;
};

/* The thread starts with the first question. */
struct source_many *source_many_new(struct loop *loop);
/* Breaks off what is under way: nothing is done any more. What was done and is on its way through the loop comes yet.
 * NULL allowed. */
void source_many_free(struct source_many *m);

/* Of the loop's thread. */
void source_many_ask(struct source_many *m, struct source_many_one *one);

#endif
