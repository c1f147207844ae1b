/* SPDX-License-Identifier: Apache-2.0 */
/* The loop itself: life, posting from other threads, deferred work, signals, scratch buffers. */
#include <signal.h>
#include <stdlib.h>

#include "base/mem.h"
#include "loop/internal.h"
#include "loop/watch.h"

/* Deferred work may defer more work (an HTTP/2 step writes to TLS, which puts off its flush): that many rounds are run
 * before the descriptors get their turn again. */
enum { DEFER_ROUNDS = 8 };

struct loop_posted {
    STAILQ_ENTRY(loop_posted) turn;
    loop_fn *fn;
    void *arg;
};

struct loop_signal {
    uv_signal_t uv;
    SLIST_ENTRY(loop_signal) others;
    loop_fn *fn;
    void *arg;
};

/* --- deferred work --- */

static void ring_init(struct loop_deferred *ring)
{
    ring->next = ring;
    ring->link = &ring->next;
}

void loop_defer(struct loop *loop, struct loop_deferred *d)
{
    struct loop_deferred *ring = &loop->deferred;
    if (d->link)
        return;
    d->next = ring;
    d->link = ring->link;
    *d->link = d;
    ring->link = &d->next;
}

void loop_defer_cancel(struct loop_deferred *d)
{
    if (!d->link)
        return;
    *d->link = d->next;
    d->next->link = d->link;
    d->next = NULL;
    d->link = NULL;
}

/* What is deferred meanwhile is for the next round. */
static void run_round(struct loop *loop)
{
    struct loop_deferred *ring = &loop->deferred, now;
    now.next = ring->next;
    now.link = ring->link;
    now.next->link = &now.next;
    *now.link = &now;
    ring_init(ring);
    while (now.next != &now) {
        struct loop_deferred *d = now.next;
        loop_defer_cancel(d);
        d->fn(d->arg);
    }
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle; /* its being there keeps the loop from sleeping */
}

static void run_deferred(struct loop *loop)
{
    for (int round = 0; round < DEFER_ROUNDS && loop->deferred.next != &loop->deferred; round++)
        run_round(loop);
    if (loop->deferred.next == &loop->deferred)
        (void)uv_idle_stop(&loop->no_sleep);
    else
        (void)uv_idle_start(&loop->no_sleep, on_idle);
}

static void on_prepare(uv_prepare_t *prepare)
{
    run_deferred(prepare->data);
}

static void on_check(uv_check_t *check)
{
    run_deferred(check->data);
}

/* --- posting --- */

void loop_post(struct loop *loop, loop_fn *fn, void *arg)
{
    struct loop_posted *p = mem_zalloc(sizeof *p);
    *p = (struct loop_posted){.fn = fn, .arg = arg};
    (void)pthread_mutex_lock(&loop->lock);
    STAILQ_INSERT_TAIL(&loop->posted, p, turn);
    /* inside the lock: a loop that is stopped by what runs here is not freed before the wake-up is through */
    (void)uv_async_send(&loop->wake);
    (void)pthread_mutex_unlock(&loop->lock);
}

void loop_stop(struct loop *loop)
{
    (void)pthread_mutex_lock(&loop->lock);
    loop->stop = true;
    (void)uv_async_send(&loop->wake);
    (void)pthread_mutex_unlock(&loop->lock);
}

static void free_posted(struct loop_posts *posts)
{
    struct loop_posted *p, *next;
    STAILQ_FOREACH_SAFE(p, posts, turn, next)
        free(p);
}

static void on_wake(uv_async_t *wake)
{
    struct loop *loop = wake->data;
    struct loop_posts posts = STAILQ_HEAD_INITIALIZER(posts);
    struct loop_posted *p;
    (void)pthread_mutex_lock(&loop->lock);
    STAILQ_CONCAT(&posts, &loop->posted);
    bool stop = loop->stop;
    (void)pthread_mutex_unlock(&loop->lock);
    STAILQ_FOREACH(p, &posts, turn)
        p->fn(p->arg);
    free_posted(&posts);
    if (stop)
        uv_stop(&loop->uv);
}

/* --- life --- */

static void check(int rc, const char *what)
{
    if (rc != 0)
        fatal("event loop: %s: %s", what, uv_strerror(rc));
}

/* Threads of the pool, instead of libuv's four: as many fetches as there may be at once (source/source.h, two sets of
 * them in a gateway) wait for their servers, and what others hand in still finds one. */
#define POOL_THREADS "16"

static void prepare_process(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)setenv("UV_THREADPOOL_SIZE", POOL_THREADS, 0); /* libuv reads it when the pool is first used */
}

struct loop *loop_new(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, prepare_process);
    struct loop *loop = mem_zalloc(sizeof *loop);
    STAILQ_INIT(&loop->posted);
    ring_init(&loop->deferred);
    (void)pthread_mutex_init(&loop->lock, NULL);
    check(uv_loop_init(&loop->uv), "uv_loop_init");
    check(uv_async_init(&loop->uv, &loop->wake, on_wake), "uv_async_init");
    (void)uv_prepare_init(&loop->uv, &loop->before_sleep);
    (void)uv_check_init(&loop->uv, &loop->after_poll);
    (void)uv_idle_init(&loop->uv, &loop->no_sleep);
    loop->wake.data = loop->before_sleep.data = loop->after_poll.data = loop;
    (void)uv_prepare_start(&loop->before_sleep, on_prepare);
    (void)uv_check_start(&loop->after_poll, on_check);
    return loop;
}

void loop_run(struct loop *loop)
{
    loop->running = true;
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    loop->running = false;
    (void)pthread_mutex_lock(&loop->lock);
    loop->stop = false;
    (void)pthread_mutex_unlock(&loop->lock);
}

static void on_signal_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void close_own(struct loop *loop)
{
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_close((uv_handle_t *)&loop->before_sleep, NULL);
    uv_close((uv_handle_t *)&loop->after_poll, NULL);
    uv_close((uv_handle_t *)&loop->no_sleep, NULL);
    if (loop->has_child_signal)
        uv_close((uv_handle_t *)&loop->child_signal, NULL);
    struct loop_signal *s, *next;
    SLIST_FOREACH_SAFE(s, &loop->signals, others, next)
        uv_close((uv_handle_t *)&s->uv, on_signal_closed);
}

static void refuse_open(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        fatal("loop_free: a %s of it is still open", uv_handle_type_name(handle->type));
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    run_deferred(loop);
    close_own(loop);
    uv_walk(&loop->uv, refuse_open, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT); /* what is closing, and jobs in the pool */
    check(uv_loop_close(&loop->uv), "uv_loop_close");
    (void)pthread_mutex_lock(&loop->lock); /* waits for a loop_stop that is still inside */
    (void)pthread_mutex_unlock(&loop->lock);
    free_posted(&loop->posted);
    (void)pthread_mutex_destroy(&loop->lock);
    for (unsigned i = 0; i < loop->scratch_free; i++)
        free(loop->scratch[i]);
    free(loop);
}

uint64_t loop_now_ms(const struct loop *loop)
{
    return uv_now(&loop->uv);
}

uint64_t loop_clock_us(const struct loop *loop)
{
    (void)loop; /* one clock for all */
    return uv_hrtime() / 1000;
}

/* --- signals --- */

static void on_signal(uv_signal_t *uv, int signo)
{
    struct loop_signal *s = uv->data;
    (void)signo;
    s->fn(s->arg);
}

void loop_on_signal(struct loop *loop, int signo, loop_fn *fn, void *arg)
{
    struct loop_signal *s = mem_zalloc(sizeof *s);
    *s = (struct loop_signal){.fn = fn, .arg = arg};
    SLIST_INSERT_HEAD(&loop->signals, s, others);
    s->uv.data = s;
    check(uv_signal_init(&loop->uv, &s->uv), "uv_signal_init");
    check(uv_signal_start(&s->uv, on_signal, signo), "uv_signal_start");
}

/* --- scratch --- */

char *loop_scratch_take(struct loop *loop)
{
    return loop->scratch_free ? loop->scratch[--loop->scratch_free] : mem_resize(NULL, LOOP_SCRATCH_SIZE, 1);
}

void loop_scratch_give(struct loop *loop, char *scratch)
{
    if (scratch && loop->scratch_free < LOOP_SCRATCH_KEPT)
        loop->scratch[loop->scratch_free++] = scratch;
    else
        free(scratch);
}
