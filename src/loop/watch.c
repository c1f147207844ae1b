/* SPDX-License-Identifier: Apache-2.0 */
/* Readiness of descriptors. */
#include "loop/watch.h"

#include <stdlib.h>

#include "base/mem.h"
#include "loop/internal.h"

struct loop_watch {
    uv_poll_t uv;
    loop_watch_fn *fn;
    void *arg;
    int events;
};

struct loop_watch *loop_watch_new(struct loop *loop, int fd, loop_watch_fn *fn, void *arg)
{
    struct loop_watch *w = mem_zalloc(sizeof *w);
    w->fn = fn;
    w->arg = arg;
    if (uv_poll_init(&loop->uv, &w->uv, fd) != 0) {
        free(w);
        return NULL;
    }
    w->uv.data = w;
    return w;
}

static void on_poll(uv_poll_t *uv, int status, int events)
{
    struct loop_watch *w = uv->data;
    if (status < 0) { /* libuv has stopped it */
        w->events = 0;
        w->fn(w->arg, true, true);
        return;
    }
    w->fn(w->arg, (events & UV_READABLE) != 0, (events & UV_WRITABLE) != 0);
}

void loop_watch_set(struct loop_watch *w, bool read, bool write)
{
    int events = (read ? UV_READABLE : 0) | (write ? UV_WRITABLE : 0);
    if (events == w->events)
        return;
    w->events = events;
    int rc = events ? uv_poll_start(&w->uv, events, on_poll) : uv_poll_stop(&w->uv);
    if (rc != 0)
        fatal("event loop: uv_poll_start: %s", uv_strerror(rc));
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void loop_watch_free(struct loop_watch *w)
{
    if (w)
        uv_close((uv_handle_t *)&w->uv, on_closed);
}
