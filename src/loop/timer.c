/* SPDX-License-Identifier: Apache-2.0 */
/* Timers. libuv frees its part later than we do: the memory goes when it says so. */
#include <stdlib.h>

#include "base/host/gather.h"
#include "base/mem.h"
#include "loop/internal.h"

struct loop_timer {
    uv_timer_t uv;
    struct loop *loop;
    loop_fn *fn;
    void *arg;
};

struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *arg)
{
    struct loop_timer *t = mem_zalloc(sizeof *t);
    *t = (struct loop_timer){.loop = loop, .fn = fn, .arg = arg};
    (void)uv_timer_init(&loop->uv, &t->uv);
    t->uv.data = t;
    return t;
}

static void on_timer(uv_timer_t *uv)
{
    struct loop_timer *t = uv->data;
    t->fn(t->arg);
}

void loop_timer_start(struct loop_timer *t, uint64_t after_ms, uint64_t repeat_ms)
{
    if (!t->loop->running)
        uv_update_time(&t->loop->uv); /* the loop's time stands still while it does not run */
    (void)uv_timer_start(&t->uv, on_timer, after_ms, repeat_ms);
}

void loop_timer_stop(struct loop_timer *t)
{
    (void)uv_timer_stop(&t->uv);
}

bool loop_timer_active(const struct loop_timer *t)
{
    return uv_is_active((const uv_handle_t *)&t->uv) != 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void loop_timer_free(struct loop_timer *t)
{
    if (t)
        uv_close((uv_handle_t *)&t->uv, on_closed);
}

static void tell(void *arg)
{
    (void)arg;
    log_gather_tell(clock_mono_ms());
}

struct loop_timer *loop_log_gather(struct loop *loop)
{
    enum { EVERY_MS = 1000 };
    struct loop_timer *t = loop_timer_new(loop, tell, NULL);
    loop_timer_start(t, EVERY_MS, EVERY_MS);
    return t;
}
