/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/socket.h"

#include <stdlib.h>

#include "base/mem.h"
#include "loop/internal.h"
#include "loop/watch.h"

struct loop_socket {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    struct loop *loop;
    const struct loop_socket_events *events;
    void *ctx;
    size_t queued;
    bool closing, shut;
};

struct write_request {
    uv_write_t uv;
    struct loop_socket *socket;
    size_t len;
    char bytes[];
};

static void error_of(struct error *err, int status)
{
    (void)error_set(err, status == UV_ETIMEDOUT ? R_TIMEOUT : R_IO, "%s", uv_strerror(status));
}

static void fail(struct loop_socket *s, int status)
{
    struct error err;
    error_of(&err, status);
    (void)uv_read_stop(&s->uv.stream);
    if (s->events && !s->closing)
        s->events->on_error(s->ctx, &err);
}

struct loop_socket *loop_socket_adopt(struct loop *loop, int fd, bool is_unix)
{
    struct loop_socket *s = mem_zalloc(sizeof *s);
    s->loop = loop;
    int status;
    if (is_unix) {
        (void)uv_pipe_init(&loop->uv, &s->uv.pipe, 0);
        status = uv_pipe_open(&s->uv.pipe, fd);
    } else {
        (void)uv_tcp_init(&loop->uv, &s->uv.tcp);
        status = uv_tcp_open(&s->uv.tcp, fd);
        (void)uv_tcp_nodelay(&s->uv.tcp, 1);
        (void)uv_tcp_keepalive(&s->uv.tcp, 1, 60);
    }
    s->uv.handle.data = s;
    if (status != 0) /* cannot happen with a connected socket of ours */
        fatal("socket %d: %s", fd, uv_strerror(status));
    return s;
}

void loop_socket_set_events(struct loop_socket *s, const struct loop_socket_events *events, void *ctx)
{
    s->events = events;
    s->ctx = ctx;
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *ret)
{
    struct loop_socket *s = h->data;
    (void)suggested;
    *ret = uv_buf_init(loop_scratch_take(s->loop), LOOP_SCRATCH_SIZE);
}

static void on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *buf)
{
    struct loop_socket *s = h->data;
    struct loop *loop = s->loop;
    if (n > 0) {
        s->events->on_data(s->ctx, slice_make(buf->base, (size_t)n));
    } else if (n == UV_EOF) {
        (void)uv_read_stop(h);
        s->events->on_end(s->ctx);
    } else if (n < 0) {
        fail(s, (int)n);
    }
    loop_scratch_give(loop, buf->base);
}

void loop_socket_read(struct loop_socket *s, bool on)
{
    if (on)
        (void)uv_read_start(&s->uv.stream, on_alloc, on_read);
    else
        (void)uv_read_stop(&s->uv.stream);
}

static void on_written(uv_write_t *w, int status)
{
    struct write_request *r = w->data;
    struct loop_socket *s = r->socket;
    s->queued -= r->len;
    free(r);
    if (s->closing)
        return;
    if (status != 0)
        fail(s, status);
    else
        s->events->on_written(s->ctx);
}

void loop_socket_write(struct loop_socket *s, struct slice data)
{
    if (s->closing || data.len == 0)
        return;
    if (s->queued == 0) {
        uv_buf_t now = uv_buf_init((char *)(uintptr_t)data.ptr, (unsigned)data.len);
        int n = uv_try_write(&s->uv.stream, &now, 1);
        if (n > 0)
            data = slice_skip(data, (size_t)n);
        if (data.len == 0)
            return;
    } /* an error shows again in uv_write, whose callback reports it from the loop */
    struct write_request *r = mem_zalloc(sizeof *r + data.len);
    r->uv.data = r;
    r->socket = s;
    r->len = data.len;
    memcpy(r->bytes, data.ptr, data.len);
    s->queued += data.len;
    uv_buf_t later = uv_buf_init(r->bytes, (unsigned)r->len);
    if (uv_write(&r->uv, &s->uv.stream, &later, 1, on_written) != 0) { /* not a live socket: reading reports it */
        s->queued -= r->len;
        free(r);
    }
}

size_t loop_socket_queued(const struct loop_socket *s)
{
    return s->queued;
}

static void on_shutdown(uv_shutdown_t *r, int status)
{
    (void)status; /* a peer that is gone shows when reading */
    free(r);
}

void loop_socket_shutdown(struct loop_socket *s)
{
    if (s->closing || s->shut)
        return;
    s->shut = true;
    uv_shutdown_t *r = mem_zalloc(sizeof *r);
    if (uv_shutdown(r, &s->uv.stream, on_shutdown) != 0)
        free(r);
}

static void on_close(uv_handle_t *h)
{
    free(h->data);
}

void loop_socket_close(struct loop_socket *s)
{
    s->closing = true;
    s->events = NULL;
    uv_close(&s->uv.handle, on_close);
}

int loop_socket_fd(const struct loop_socket *s)
{
    uv_os_fd_t fd = -1;
    (void)uv_fileno(&s->uv.handle, &fd);
    return fd;
}
