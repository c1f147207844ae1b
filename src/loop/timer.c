/* SPDX-License-Identifier: Apache-2.0 */
/* Timers. */
#include <stdlib.h>

#include "base/mem.h"
#include "loop/loop_internal.h"

struct loop_timer {
    uv_timer_t uv;
    loop_fn *fn;
    void *arg;
};

static void on_timer(uv_timer_t *h)
{
    struct loop_timer *t = h->data;
    t->fn(t->arg);
}

static void on_close(uv_handle_t *h)
{
    free(h->data);
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *arg)
{
    struct loop_timer *t = mem_zalloc(sizeof *t);
    if (uv_timer_init(&loop->uv, &t->uv) != 0)
        fatal("timer");
    t->uv.data = t;
    t->fn = fn;
    t->arg = arg;
    return t;
}

void loop_timer_start(struct loop_timer *t, uint64_t after_ms, uint64_t repeat_ms)
{
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

void loop_timer_free(struct loop_timer *t)
{
    if (!t)
        return;
    (void)uv_timer_stop(&t->uv);
    uv_close((uv_handle_t *)&t->uv, on_close);
}
