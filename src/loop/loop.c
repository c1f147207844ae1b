/* SPDX-License-Identifier: Apache-2.0 */
/* The loop itself: running, posting from other threads, deferred work. */
#include "loop/loop_internal.h"

#include <signal.h>
#include <stdlib.h>

#include "base/mem.h"

static void must(int status, const char *what)
{
    if (status)
        fatal("%s: %s", what, uv_strerror(status));
}

static void run_deferred(struct loop *loop)
{
    /* What deferred work defers anew runs too: the list is followed until it is empty. */
    struct loop_deferred *d;
    while ((d = loop->deferred)) {
        loop_defer_cancel(d);
        d->fn(d->arg);
    }
}

static void on_check(uv_check_t *h)
{
    run_deferred(h->data);
}

static void on_prepare(uv_prepare_t *h)
{
    run_deferred(h->data);
}

static void on_wake(uv_async_t *h)
{
    struct loop *loop = h->data;
    struct loop_posts posts = STAILQ_HEAD_INITIALIZER(posts);
    (void)pthread_mutex_lock(&loop->lock);
    STAILQ_CONCAT(&posts, &loop->posts);
    bool stopping = loop->stopping;
    (void)pthread_mutex_unlock(&loop->lock);
    struct loop_post_item *item;
    while ((item = STAILQ_FIRST(&posts))) {
        STAILQ_REMOVE_HEAD(&posts, link);
        item->fn(item->arg);
        free(item);
    }
    if (stopping)
        uv_stop(&loop->uv);
}

struct loop *loop_new(void)
{
    struct loop *loop = mem_zalloc(sizeof *loop);
    (void)signal(SIGPIPE, SIG_IGN);
    must(uv_loop_init(&loop->uv), "event loop");
    loop->uv.data = loop;
    STAILQ_INIT(&loop->posts);
    (void)pthread_mutex_init(&loop->lock, NULL);
    loop->deferred_end = &loop->deferred;
    must(uv_async_init(&loop->uv, &loop->wake, on_wake), "event loop");
    must(uv_check_init(&loop->uv, &loop->check), "event loop");
    must(uv_prepare_init(&loop->uv, &loop->prepare), "event loop");
    loop->wake.data = loop->check.data = loop->prepare.data = loop;
    must(uv_check_start(&loop->check, on_check), "event loop");
    must(uv_prepare_start(&loop->prepare, on_prepare), "event loop");
    return loop;
}

static void close_walk(uv_handle_t *h, void *arg)
{
    (void)arg;
    if (!uv_is_closing(h))
        uv_close(h, NULL);
}

void loop_free(struct loop *loop)
{
    loop_signals_free(loop);
    uv_walk(&loop->uv, close_walk, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop->uv);
    (void)pthread_mutex_destroy(&loop->lock);
    free(loop);
}

void loop_run(struct loop *loop)
{
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
    (void)pthread_mutex_lock(&loop->lock);
    loop->stopping = true;
    (void)pthread_mutex_unlock(&loop->lock);
    (void)uv_async_send(&loop->wake);
}

uint64_t loop_now_ms(const struct loop *loop)
{
    return uv_now(&loop->uv);
}

void loop_post(struct loop *loop, loop_fn *fn, void *arg)
{
    struct loop_post_item *item = mem_zalloc(sizeof *item);
    item->fn = fn;
    item->arg = arg;
    (void)pthread_mutex_lock(&loop->lock);
    STAILQ_INSERT_TAIL(&loop->posts, item, link);
    (void)pthread_mutex_unlock(&loop->lock);
    (void)uv_async_send(&loop->wake);
}

void loop_defer(struct loop *loop, struct loop_deferred *d)
{
    if (d->link)
        return;
    d->loop = loop;
    d->next = NULL;
    d->link = loop->deferred_end;
    *loop->deferred_end = d;
    loop->deferred_end = &d->next;
}

void loop_defer_cancel(struct loop_deferred *d)
{
    if (!d->link)
        return;
    *d->link = d->next;
    if (d->next)
        d->next->link = d->link;
    else
        d->loop->deferred_end = d->link;
    d->link = NULL;
    d->next = NULL;
}
