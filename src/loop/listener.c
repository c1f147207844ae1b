/* SPDX-License-Identifier: Apache-2.0 */
/* Listening and connecting descriptors: watched by the loop, accepted and checked by plain system calls. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "loop/internal.h"
#include "loop/socket.h"

enum { ACCEPTS_A_TURN = 64 /* then others get their turn */, OUT_OF_FDS_PAUSE_MS = 100 };

struct loop_listener {
    uv_poll_t poll;
    uv_timer_t pause;
    int fd, handles;
    bool closing;
    void (*on_accept)(void *ctx, int fd);
    void *ctx;
};

static void on_readable(uv_poll_t *h, int status, int events);

static void on_pause_over(uv_timer_t *t)
{
    struct loop_listener *l = t->data;
    (void)uv_poll_start(&l->poll, UV_READABLE, on_readable);
}

/* Out of descriptors: accepting again at once would spin. */
static void take_a_rest(struct loop_listener *l)
{
    (void)uv_poll_stop(&l->poll);
    (void)uv_timer_start(&l->pause, on_pause_over, OUT_OF_FDS_PAUSE_MS, 0);
}

static void on_readable(uv_poll_t *h, int status, int events)
{
    struct loop_listener *l = h->data;
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTS_A_TURN && !l->closing; i++) {
        int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            l->on_accept(l->ctx, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            take_a_rest(l);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

struct loop_listener *loop_listener_adopt(struct loop *loop, int fd, void (*on_accept)(void *ctx, int fd), void *ctx)
{
    struct loop_listener *l = mem_zalloc(sizeof *l);
    *l = (struct loop_listener){.fd = fd, .handles = 2, .on_accept = on_accept, .ctx = ctx};
    if (uv_poll_init(&loop->uv, &l->poll, fd) != 0 || uv_timer_init(&loop->uv, &l->pause) != 0)
        fatal("listener");
    l->poll.data = l->pause.data = l;
    (void)uv_poll_start(&l->poll, UV_READABLE, on_readable);
    return l;
}

int loop_listener_fd(const struct loop_listener *l)
{
    return l->fd;
}

static void on_listener_closed(uv_handle_t *h)
{
    struct loop_listener *l = h->data;
    if (--l->handles == 0)
        free(l);
}

void loop_listener_close(struct loop_listener *l)
{
    l->closing = true;
    (void)uv_poll_stop(&l->poll);
    uv_close((uv_handle_t *)&l->poll, on_listener_closed);
    uv_close((uv_handle_t *)&l->pause, on_listener_closed);
    (void)close(l->fd);
}

/* --- connecting --- */

struct loop_connect {
    uv_poll_t poll;
    uv_timer_t soon; /* reports what connect() said at once */
    int fd, handles, error;
    void (*on_done)(void *ctx, int fd, const struct error *why);
    void *ctx;
};

static void on_connect_closed(uv_handle_t *h)
{
    struct loop_connect *c = h->data;
    if (--c->handles == 0)
        free(c);
}

static void close_handles(struct loop_connect *c)
{
    if (c->handles == 2)
        uv_close((uv_handle_t *)&c->poll, on_connect_closed);
    uv_close((uv_handle_t *)&c->soon, on_connect_closed);
}

static void done(struct loop_connect *c)
{
    struct error err;
    int fd = c->fd, code = c->error;
    close_handles(c); /* before the descriptor gets another watcher; c lives until the loop has closed them */
    if (code) {
        (void)error_set(&err, code == ETIMEDOUT ? R_TIMEOUT : R_IO, "%s", strerror(code));
        if (fd >= 0)
            (void)close(fd);
        fd = -1;
    }
    c->on_done(c->ctx, fd, code ? &err : NULL);
}

static void on_writable(uv_poll_t *h, int status, int events)
{
    struct loop_connect *c = h->data;
    socklen_t len = sizeof c->error;
    (void)status;
    (void)events;
    (void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &c->error, &len);
    done(c);
}

static void on_soon(uv_timer_t *t)
{
    done(t->data);
}

struct loop_connect *loop_connect_start(struct loop *loop, const struct sockaddr *to, socklen_t len,
                                        void (*on_done)(void *ctx, int fd, const struct error *why), void *ctx)
{
    struct loop_connect *c = mem_zalloc(sizeof *c);
    *c = (struct loop_connect){.handles = 1, .on_done = on_done, .ctx = ctx};
    if (uv_timer_init(&loop->uv, &c->soon) != 0)
        fatal("timer");
    c->soon.data = c;
    c->fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || (connect(c->fd, to, len) != 0 && errno != EINPROGRESS)) {
        c->error = errno;
        (void)uv_timer_start(&c->soon, on_soon, 0, 0);
        return c;
    }
    if (uv_poll_init(&loop->uv, &c->poll, c->fd) != 0)
        fatal("poll handle");
    c->poll.data = c;
    c->handles = 2;
    (void)uv_poll_start(&c->poll, UV_WRITABLE, on_writable);
    return c;
}

void loop_connect_cancel(struct loop_connect *c)
{
    close_handles(c);
    if (c->fd >= 0)
        (void)close(c->fd);
}
