/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of src/loop share; nobody else includes it. */
#ifndef LOOP_INTERNAL_H
#define LOOP_INTERNAL_H

#include <bsd/sys/queue.h>
#include <pthread.h>
#include <uv.h>

#include "base/error.h" /* uv.h pulls in unistd.h again: R_OK stays poisoned */
#include "loop/loop.h"

enum { LOOP_SCRATCH_KEPT = 4 };

STAILQ_HEAD(loop_posts, loop_posted);

struct loop {
    uv_loop_t uv;
    uv_async_t wake; /* something was posted, or the loop shall stop */
    uv_prepare_t before_sleep;
    uv_check_t after_poll;
    uv_idle_t no_sleep; /* active while deferred work is left over */
    uv_signal_t child_signal;
    bool running, has_child_signal;

    pthread_mutex_t lock; /* of what other threads touch: the next two */
    struct loop_posts posted;
    bool stop;

    struct loop_deferred deferred; /* a ring through this member, which is nobody's: unlike queue.h's, its
                                      members leave it without knowing which ring they are in */
    SLIST_HEAD(, loop_signal) signals;
    LIST_HEAD(, loop_child) children;
    char *scratch[LOOP_SCRATCH_KEPT]; /* free buffers */
    unsigned scratch_free;
};

#endif
