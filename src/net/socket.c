/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lowest filter: a stream on a socket. Reads go through a buffer of the loop, so that an idle stream holds none;
 * writes go to the kernel at once, and what it does not take waits in a queue.
 *
 * The owner may close the stream in any callback: `busy` counts the callbacks under way, and the last to return frees
 * it.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "loop/watch.h"
#include "net/internal.h"
#include "net/queue.h"

enum {
    READS_PER_TURN = 4, /* then the others get theirs */
    PIECES = 16,
    DISCARD_MAX = 1024 * 1024,
};

struct socket_stream {
    struct net_stream stream;
    struct loop *loop;
    struct loop_watch *watch;
    struct loop_deferred later; /* delivers `first` and `fault` from the loop */
    struct net_queue queue;
    struct buf first; /* what was read before we were made */
    int fd, fault;    /* errno that broke it, not yet told */
    unsigned busy;
    bool paused, ended, dead, closed; /* ended: of the peer's direction; dead: on_close was or will be called */
    bool congested, shut_wanted, shut_done;
};

static const struct net_stream_ops socket_ops;

static struct socket_stream *self(struct net_stream *s)
{
    return container_of(s, struct socket_stream, stream);
}

/* --- watching --- */

static void update_watch(struct socket_stream *t)
{
    if (t->closed)
        return;
    bool read = !t->paused && !t->ended && !t->dead && buf_len(&t->first) == 0;
    loop_watch_set(t->watch, read, t->queue.len > 0 && !t->dead);
}

static void enter(struct socket_stream *t)
{
    t->busy++;
}

static void free_stream(struct socket_stream *t)
{
    net_queue_free(&t->queue);
    buf_free(&t->first);
    free(t);
}

/* false: it is gone */
static bool leave(struct socket_stream *t)
{
    bool last = --t->busy == 0;
    if (!t->closed)
        return true;
    if (last)
        free_stream(t);
    return false;
}

/* The owner hears of it from the loop, never inside its own call. */
static void break_later(struct socket_stream *t, int fault)
{
    if (t->dead)
        return;
    t->dead = true;
    t->fault = fault;
    net_queue_free(&t->queue);
    loop_defer(t->loop, &t->later);
}

/* --- writing --- */

static void shut_when_empty(struct socket_stream *t)
{
    if (!t->shut_wanted || t->shut_done || t->queue.len || t->dead)
        return;
    t->shut_done = true;
    (void)shutdown(t->fd, SHUT_WR); /* ENOTCONN: the peer was quicker, reading will tell */
}

static bool would_block(int fault)
{
    return fault == EAGAIN || fault == EINTR || fault == ENOBUFS;
}

static void write_queue(struct socket_stream *t)
{
    while (t->queue.len) {
        struct iovec pieces[PIECES];
        struct msghdr m = {.msg_iov = pieces};
        m.msg_iovlen = (size_t)net_queue_pieces(&t->queue, pieces, PIECES);
        ssize_t n = sendmsg(t->fd, &m, MSG_NOSIGNAL);
        if (n < 0) {
            if (!would_block(errno))
                break_later(t, errno);
            return;
        }
        net_queue_drop(&t->queue, (size_t)n);
    }
}

/* What the kernel takes at once; 0 when the stream broke, too. */
static size_t send_now(struct socket_stream *t, struct slice data)
{
    ssize_t n = send(t->fd, data.ptr, data.len, MSG_NOSIGNAL);
    if (n >= 0)
        return (size_t)n;
    if (!would_block(errno))
        break_later(t, errno);
    return 0;
}

static void socket_write(struct net_stream *s, struct slice data)
{
    struct socket_stream *t = self(s);
    if (t->dead || t->shut_wanted || data.len == 0)
        return;
    if (t->queue.len == 0)
        data = slice_skip(data, send_now(t, data));
    if (t->dead || data.len == 0)
        return;
    net_queue_add(&t->queue, data);
    t->congested = t->congested || t->queue.len > NET_STREAM_HIGH;
    update_watch(t);
}

static size_t socket_queued(const struct net_stream *s)
{
    const struct socket_stream *t = container_of(s, struct socket_stream, stream);
    return t->queue.len;
}

static void on_writable(struct socket_stream *t)
{
    write_queue(t);
    shut_when_empty(t);
    if (t->congested && t->queue.len <= NET_STREAM_LOW && !t->dead) {
        t->congested = false;
        t->stream.events->on_drain(t->stream.ctx);
    }
}

/* --- reading --- */

static bool may_read(const struct socket_stream *t)
{
    return !t->closed && !t->paused && !t->ended && !t->dead;
}

static void on_readable(struct socket_stream *t)
{
    char *scratch = loop_scratch_take(t->loop);
    struct loop *loop = t->loop;
    for (int i = 0; i < READS_PER_TURN && may_read(t); i++) {
        ssize_t n = recv(t->fd, scratch, LOOP_SCRATCH_SIZE, 0);
        if (n < 0) {
            if (!would_block(errno))
                break_later(t, errno);
            break;
        }
        if (n == 0) {
            t->ended = true;
            t->stream.events->on_end(t->stream.ctx);
            break;
        }
        t->stream.events->on_data(t->stream.ctx, slice_make(scratch, (size_t)n));
        if (n < LOOP_SCRATCH_SIZE)
            break;
    }
    loop_scratch_give(loop, scratch);
}

static void on_watch(void *arg, bool readable, bool writable)
{
    struct socket_stream *t = arg;
    enter(t);
    if (writable)
        on_writable(t);
    if (readable && may_read(t))
        on_readable(t);
    update_watch(t);
    (void)leave(t);
}

static void deliver_first(struct socket_stream *t)
{
    struct buf first = t->first;
    buf_init(&t->first, 0);
    t->stream.events->on_data(t->stream.ctx, buf_data(&first));
    buf_free(&first);
}

/* A write can find the peer gone while its last words (an alert, an early answer) still lie in the kernel. */
static void hear_out(struct socket_stream *t)
{
    struct loop *loop = t->loop;
    char *scratch = loop_scratch_take(loop);
    for (int i = 0; i < READS_PER_TURN && !t->closed && !t->paused && !t->ended; i++) {
        ssize_t n = recv(t->fd, scratch, LOOP_SCRATCH_SIZE, MSG_DONTWAIT);
        if (n <= 0)
            break;
        t->stream.events->on_data(t->stream.ctx, slice_make(scratch, (size_t)n));
    }
    loop_scratch_give(loop, scratch);
}

static void tell_fault(struct socket_stream *t)
{
    struct error why;
    int fault = t->fault;
    t->fault = 0;
    (void)error_set(&why, R_IO, "%s", strerror(fault));
    t->stream.events->on_close(t->stream.ctx, &why);
}

static void on_later(void *arg)
{
    struct socket_stream *t = arg;
    enter(t);
    if (buf_len(&t->first) && !t->paused && (!t->dead || t->fault))
        deliver_first(t);
    if (t->fault && !t->closed)
        hear_out(t);
    if (t->fault && !t->closed)
        tell_fault(t);
    update_watch(t);
    (void)leave(t);
}

/* --- the rest of the table --- */

static void socket_pause(struct net_stream *s)
{
    struct socket_stream *t = self(s);
    t->paused = true;
    if (t->busy == 0) /* else the callback's end does it, once */
        update_watch(t);
}

static void socket_resume(struct net_stream *s)
{
    struct socket_stream *t = self(s);
    t->paused = false;
    if (buf_len(&t->first))
        loop_defer(t->loop, &t->later);
    if (t->busy == 0)
        update_watch(t);
}

static void socket_shutdown(struct net_stream *s)
{
    struct socket_stream *t = self(s);
    t->shut_wanted = true;
    shut_when_empty(t);
}

static int release_fd(struct socket_stream *t)
{
    loop_watch_free(t->watch);
    loop_defer_cancel(&t->later);
    t->watch = NULL;
    t->closed = true;
    return t->fd;
}

/* Unread bytes would make the kernel send a reset, which can overtake the answer we sent last. With MSG_TRUNC none is
 * copied; sanitizers know the call, not the flag, and want memory that it could write to. */
static void discard(struct loop *loop, int fd)
{
    char *scratch = loop_scratch_take(loop);
    ssize_t n = LOOP_SCRATCH_SIZE;
    for (size_t had = 0; n == LOOP_SCRATCH_SIZE && had < DISCARD_MAX; had += LOOP_SCRATCH_SIZE)
        n = recv(fd, scratch, LOOP_SCRATCH_SIZE, MSG_DONTWAIT | MSG_TRUNC);
    loop_scratch_give(loop, scratch);
}

static void socket_close(struct net_stream *s)
{
    struct socket_stream *t = self(s);
    int fd = release_fd(t);
    if (!t->dead)
        discard(t->loop, fd);
    (void)close(fd);
    if (t->busy == 0)
        free_stream(t);
}

static const struct net_stream_ops socket_ops = {
    .write = socket_write,
    .queued = socket_queued,
    .pause = socket_pause,
    .resume = socket_resume,
    .shutdown = socket_shutdown,
    .close = socket_close,
};

/* --- making and unmaking --- */

void net_socket_options(int fd)
{
    enum { KEEP_IDLE_S = 60, KEEP_INTERVAL_S = 15, KEEP_COUNT = 4 };
    static const struct {
        int level, name, value;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S},
        {IPPROTO_TCP, TCP_KEEPINTVL, KEEP_INTERVAL_S},
        {IPPROTO_TCP, TCP_KEEPCNT, KEEP_COUNT},
    };
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof options[i].value);
}

struct net_stream *net_socket_stream(struct loop *loop, int fd, struct slice already_read)
{
    struct socket_stream *t = mem_zalloc(sizeof *t);
    *t = (struct socket_stream){.stream = {.ops = &socket_ops}, .loop = loop, .fd = fd};
    t->later = (struct loop_deferred){.fn = on_later, .arg = t};
    net_queue_init(&t->queue);
    t->watch = loop_watch_new(loop, fd, on_watch, t);
    if (!t->watch) {
        (void)close(fd);
        free(t);
        return NULL;
    }
    buf_init(&t->first, already_read.len);
    if (already_read.len) {
        (void)!buf_append(&t->first, already_read); /* the maximum is its length */
        loop_defer(loop, &t->later);
    }
    update_watch(t);
    return &t->stream;
}

struct net_stream *net_tcp_adopt(struct loop *loop, int fd, struct slice already_read)
{
    struct net_stream *s = net_socket_stream(loop, fd, already_read);
    if (!s)
        fatal("net_tcp_adopt: descriptor %d can't be watched", fd);
    return s;
}

int net_tcp_detach(struct net_stream *tcp)
{
    if (tcp->ops != &socket_ops)
        fatal("net_tcp_detach: not a socket's stream");
    struct socket_stream *t = self(tcp);
    int fd = release_fd(t);
    if (t->busy == 0)
        free_stream(t);
    return fd;
}

bool net_unix_peer(const struct net_stream *s, unsigned *ret_uid, unsigned *ret_gid)
{
    if (s->ops != &socket_ops)
        return false;
    const struct socket_stream *t = container_of(s, struct socket_stream, stream);
    struct ucred who;
    struct sockaddr_storage name;
    socklen_t len = sizeof who, name_len = sizeof name;
    if (getsockname(t->fd, (struct sockaddr *)&name, &name_len) != 0 || name.ss_family != AF_UNIX ||
        getsockopt(t->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
        return false;
    *ret_uid = who.uid;
    *ret_gid = who.gid;
    return true;
}

size_t net_unix_peer_groups(const struct net_stream *s, unsigned *ret, size_t max)
{
    enum { PEER_GROUPS_MAX = 65536 }; /* NGROUPS_MAX of Linux */
    const struct socket_stream *t = container_of(s, struct socket_stream, stream);
    unsigned uid, gid;
    socklen_t len = 0;
    if (!net_unix_peer(s, &uid, &gid) || getsockopt(t->fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0 ||
        errno != ERANGE || len > PEER_GROUPS_MAX * sizeof(gid_t))
        return 0; /* it has none, or something else is wrong */
    gid_t *all = mem_zalloc(len);
    size_t count = getsockopt(t->fd, SOL_SOCKET, SO_PEERGROUPS, all, &len) == 0 ? len / sizeof *all : 0;
    for (size_t i = 0; i < count && i < max; i++)
        ret[i] = all[i];
    free(all);
    return count;
}
