/* SPDX-License-Identifier: Apache-2.0 */
/* The lowest filter: a connected socket as a net_stream. Reading starts at the end of the loop's iteration in which the
 * stream was made, so that its owner has set its events by then. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "loop/socket.h"
#include "net/tcp_internal.h"

struct tcp_stream {
    struct net_stream stream;
    struct loop *loop;
    struct loop_socket *socket;
    struct loop_deferred start; /* delivers what was read elsewhere, then reads on */
    struct buf early;           /* read before this stream was made, or while it was paused at its start */
    bool paused, ended, dead, was_congested, is_unix, closed, delivering;
};

enum { EARLY_MAX = 1024 * 1024 };

static struct tcp_stream *self(const struct net_stream *s)
{
    return container_of(s, struct tcp_stream, stream);
}

static void release(struct tcp_stream *t)
{
    buf_free(&t->early);
    free(t);
}

static void on_data(void *ctx, struct slice data)
{
    struct tcp_stream *t = ctx;
    t->delivering = true;
    t->stream.events->on_data(t->stream.ctx, data);
    t->delivering = false;
    if (t->closed)
        release(t);
}

static void on_end(void *ctx)
{
    struct tcp_stream *t = ctx;
    t->ended = true;
    t->stream.events->on_end(t->stream.ctx);
}

static void on_written(void *ctx)
{
    struct tcp_stream *t = ctx;
    if (!t->was_congested || loop_socket_queued(t->socket) > NET_STREAM_LOW)
        return;
    t->was_congested = false;
    t->stream.events->on_drain(t->stream.ctx);
}

static void on_error(void *ctx, const struct error *why)
{
    struct tcp_stream *t = ctx;
    if (t->dead)
        return;
    t->dead = true;
    t->stream.events->on_close(t->stream.ctx, why);
}

static const struct loop_socket_events socket_events = {on_data, on_end, on_written, on_error};

static void start_reading(void *arg)
{
    struct tcp_stream *t = arg;
    if (t->paused || t->dead || t->ended)
        return;
    if (buf_len(&t->early)) {
        struct buf bytes = t->early;
        buf_init(&t->early, EARLY_MAX);
        loop_defer(t->loop, &t->start); /* reads on after the delivery, unless paused or closed in it */
        on_data(t, buf_data(&bytes));
        buf_free(&bytes);
        return;
    }
    loop_socket_read(t->socket, true);
}

static void tcp_write(struct net_stream *s, struct slice data)
{
    struct tcp_stream *t = self(s);
    if (t->dead)
        return;
    loop_socket_write(t->socket, data);
    if (loop_socket_queued(t->socket) > NET_STREAM_HIGH)
        t->was_congested = true;
}

static size_t tcp_queued(const struct net_stream *s)
{
    return loop_socket_queued(self(s)->socket);
}

static void tcp_pause(struct net_stream *s)
{
    struct tcp_stream *t = self(s);
    t->paused = true;
    loop_defer_cancel(&t->start);
    loop_socket_read(t->socket, false);
}

static void tcp_resume(struct net_stream *s)
{
    struct tcp_stream *t = self(s);
    t->paused = false;
    loop_defer(t->loop, &t->start);
}

static void tcp_shutdown(struct net_stream *s)
{
    struct tcp_stream *t = self(s);
    if (!t->dead)
        loop_socket_shutdown(t->socket);
}

static void tcp_close(struct net_stream *s)
{
    struct tcp_stream *t = self(s);
    loop_defer_cancel(&t->start);
    loop_socket_close(t->socket);
    t->closed = true;
    if (!t->delivering)
        release(t);
}

static const struct net_stream_ops ops = {tcp_write, tcp_queued, tcp_pause, tcp_resume, tcp_shutdown, tcp_close};

struct net_stream *net_stream_from_fd(struct loop *loop, int fd, bool is_unix, struct slice already_read)
{
    struct tcp_stream *t = mem_zalloc(sizeof *t);
    t->stream.ops = &ops;
    t->loop = loop;
    t->is_unix = is_unix;
    t->socket = loop_socket_adopt(loop, fd, is_unix);
    t->start = (struct loop_deferred){.fn = start_reading, .arg = t};
    loop_socket_set_events(t->socket, &socket_events, t);
    buf_init(&t->early, EARLY_MAX);
    if (buf_append(&t->early, already_read) != OK)
        fatal("more than %d bytes were read before a socket was handed over", EARLY_MAX);
    loop_defer(loop, &t->start);
    return &t->stream;
}

struct net_stream *net_tcp_adopt(struct loop *loop, int fd, struct slice already_read)
{
    return net_stream_from_fd(loop, fd, false, already_read);
}

int net_tcp_detach(struct net_stream *tcp)
{
    int fd = fcntl(loop_socket_fd(self(tcp)->socket), F_DUPFD_CLOEXEC, 0);
    net_stream_close(tcp);
    return fd;
}

bool net_unix_peer(const struct net_stream *s, unsigned *ret_uid, unsigned *ret_gid)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (s->ops != &ops || !self(s)->is_unix ||
        getsockopt(loop_socket_fd(self(s)->socket), SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return false;
    *ret_uid = peer.uid;
    *ret_gid = peer.gid;
    return true;
}
