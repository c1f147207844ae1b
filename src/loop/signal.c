/* SPDX-License-Identifier: Apache-2.0 */
/* Signals, delivered in the loop. */
#include <stdlib.h>

#include "base/mem.h"
#include "loop/loop_internal.h"

struct loop_signal {
    uv_signal_t uv;
    struct loop_signal *next;
    loop_fn *fn;
    void *arg;
};

static void on_signal(uv_signal_t *h, int signo)
{
    struct loop_signal *s = h->data;
    (void)signo;
    s->fn(s->arg);
}

void loop_on_signal(struct loop *loop, int signo, loop_fn *fn, void *arg)
{
    struct loop_signal *s = mem_zalloc(sizeof *s);
    s->fn = fn;
    s->arg = arg;
    if (uv_signal_init(&loop->uv, &s->uv) != 0)
        fatal("signal handle");
    s->uv.data = s;
    if (uv_signal_start(&s->uv, on_signal, signo) != 0)
        fatal("signal %d", signo);
    s->next = loop->signals;
    loop->signals = s;
}

static void on_close(uv_handle_t *h)
{
    free(h->data);
}

void loop_signals_free(struct loop *loop)
{
    for (struct loop_signal *s = loop->signals, *next; s; s = next) {
        next = s->next;
        uv_close((uv_handle_t *)&s->uv, on_close);
    }
    loop->signals = NULL;
}
