/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop: a façade over libuv, one loop a thread. uv.h is included in src/loop alone.
 * All functions but loop_post() and loop_stop() are for the loop's own thread.
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct loop;
typedef void loop_fn(void *arg);

struct loop *loop_new(void);
/* Every timer, stream, dial and listener of it must be closed before (else it ends the process); jobs are waited for,
 * what was posted and did not run is dropped. NULL allowed. */
void loop_free(struct loop *loop);
void loop_run(struct loop *loop);  /* until loop_stop() */
void loop_stop(struct loop *loop); /* any thread */

/* Monotonic milliseconds, read once an iteration. */
uint64_t loop_now_ms(const struct loop *loop);
/* Monotonic microseconds of this very moment, for what is shorter than an iteration may be. */
uint64_t loop_clock_us(const struct loop *loop);

/* Runs fn(arg) in the loop's thread, soon, in the order of the calls. Any thread. */
void loop_post(struct loop *loop, loop_fn *fn, void *arg);

/* Timers: stopped when made. after_ms from now; repeat_ms 0: once. Free is allowed inside the timer's own callback. */
struct loop_timer;
struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *arg);
void loop_timer_start(struct loop_timer *t, uint64_t after_ms, uint64_t repeat_ms);
void loop_timer_stop(struct loop_timer *t);
bool loop_timer_active(const struct loop_timer *t);
void loop_timer_free(struct loop_timer *t); /* NULL allowed */
/* One that tells, as long as the loop turns, which lines of the log were held back (base/host/gather.h). */
struct loop_timer *loop_log_gather(struct loop *loop);

/* Work put off to the end of this iteration (before the loop sleeps): gathers many small writes into one. The caller
 * embeds it, sets fn and arg once; queueing it twice runs it once. Cancel before freeing it. */
struct loop_deferred {
    loop_fn *fn;
    void *arg;
    struct loop_deferred *next, **link; /* of the loop; link is NULL while not queued */
};
void loop_defer(struct loop *loop, struct loop_deferred *d);
void loop_defer_cancel(struct loop_deferred *d);

/* Calls fn(arg) at each `signo` until loop_free. */
void loop_on_signal(struct loop *loop, int signo, loop_fn *fn, void *arg);

/* Runs work(arg) in a thread of the pool, then done(arg) in the loop. Neither may fail; arg carries the result. */
void loop_job(struct loop *loop, loop_fn *work, loop_fn *done, void *arg);

/* The same in a thread of its own, which gives way to all others: for what takes long. `loop` must live until done. */
void loop_job_slow(struct loop *loop, loop_fn *work, loop_fn *done, void *arg);

/* A thread of its own, for a worker with its own loop. */
struct loop_thread;
struct loop_thread *loop_thread_start(const char *name, loop_fn *fn, void *arg);
void loop_thread_join(struct loop_thread *t); /* waits, then frees it */

/* Children: started with exactly these arguments; on_exit gets the exit code (or 128 + signal) once. stdout and stderr
 * go to `log_path` (appended, created 0640) or are inherited when it is NULL. The child ends with us
 * (PR_SET_PDEATHSIG): with the thread that started it, to be exact, so start it from one that lives as long as it. */
struct loop_child;
MUST_USE enum result loop_child_start(struct loop *loop, const char *const *argv, const char *log_path,
                                      void (*on_exit)(void *arg, int code), void *arg, struct loop_child **ret,
                                      struct error *err);
int loop_child_pid(const struct loop_child *c);
void loop_child_kill(struct loop_child *c, int signo);
void loop_child_free(struct loop_child *c); /* after on_exit */

#endif
