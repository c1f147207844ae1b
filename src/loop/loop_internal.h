/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of src/loop share: libuv's loop inside ours. Included in src/loop alone. */
#ifndef LOOP_LOOP_INTERNAL_H
#define LOOP_LOOP_INTERNAL_H

#include <bsd/sys/queue.h>
#include <pthread.h>
#include <uv.h>

#include "loop/loop.h"

enum { LOOP_READ_SIZE = 64 * 1024 };

struct loop_post_item {
    STAILQ_ENTRY(loop_post_item) link;
    loop_fn *fn;
    void *arg;
};
STAILQ_HEAD(loop_posts, loop_post_item);

struct loop_signal;

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_check_t check;     /* runs deferred work right after events … */
    uv_prepare_t prepare; /* … and right before sleeping, for what timers and posts deferred */
    pthread_mutex_t lock;
    struct loop_posts posts; /* under the lock */
    bool stopping;           /* under the lock */
    struct loop_deferred *deferred, **deferred_end;
    struct loop_signal *signals;
    struct loop_child *children;
    char read_buffer[LOOP_READ_SIZE]; /* one for all streams: an idle connection holds none */
};

void loop_signals_free(struct loop *loop);

#endif
