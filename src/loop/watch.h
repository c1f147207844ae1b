/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For src/net and the filters above it: readiness of a descriptor, and large buffers that nobody keeps. Everything in
 * the loop's own thread.
 */
#ifndef LOOP_WATCH_H
#define LOOP_WATCH_H

#include "loop/loop.h"

struct loop_watch;
/* Level-triggered. After an error of the descriptor both are true and the watch is off: the next call on the descriptor
 * tells what it was. */
typedef void loop_watch_fn(void *arg, bool readable, bool writable);

/* fd becomes non-blocking and stays the caller's. NULL: the system can't watch it. */
struct loop_watch *loop_watch_new(struct loop *loop, int fd, loop_watch_fn *fn, void *arg);
void loop_watch_set(struct loop_watch *w, bool read, bool write); /* costs nothing when nothing changes */
/* No more calls; fd may be closed, or watched by another loop, at once. NULL allowed. */
void loop_watch_free(struct loop_watch *w);

/* One read's worth of memory, for the length of a callback: taken and given back in the same one, so that idle
 * connections hold none. */
enum { LOOP_SCRATCH_SIZE = 64 * 1024 };
char *loop_scratch_take(struct loop *loop);
void loop_scratch_give(struct loop *loop, char *scratch); /* NULL allowed */

#endif
