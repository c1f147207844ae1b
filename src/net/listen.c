/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/socket.h"
#include "net/tcp_internal.h"

enum { BACKLOG = 1024 };

struct net_listener {
    struct loop *loop;
    struct loop_listener *listener;
    net_accept_fn *fn;
    void *ctx;
    char *unix_path; /* NULL: TCP */
};

static void on_accept(void *ctx, int fd)
{
    struct net_listener *l = ctx;
    struct net_address peer = {.len = 0};
    if (!l->unix_path) {
        peer.len = sizeof peer.storage;
        if (getpeername(fd, (struct sockaddr *)&peer.storage, &peer.len) != 0) { /* gone already */
            (void)close(fd);
            return;
        }
    }
    l->fn(l->ctx, net_stream_from_fd(l->loop, fd, l->unix_path != NULL, SLICE_NONE), &peer);
}

static struct net_listener *start(struct loop *loop, int fd, char *unix_path, net_accept_fn *fn, void *ctx)
{
    struct net_listener *l = mem_zalloc(sizeof *l);
    *l = (struct net_listener){.loop = loop, .fn = fn, .ctx = ctx, .unix_path = unix_path};
    l->listener = loop_listener_adopt(loop, fd, on_accept, l);
    return l;
}

static enum result fail(int fd, const char *what, const char *where, struct error *err)
{
    int saved = errno;
    if (fd >= 0)
        (void)close(fd);
    const char *hint = saved == EADDRINUSE ? "; something else listens there"
                       : saved == EACCES   ? "; ports below 1024 want CAP_NET_BIND_SERVICE"
                                           : "";
    return error_set(err, saved == EADDRINUSE ? R_CONFLICT : R_IO, "can't %s %s: %s%s", what, where, strerror(saved),
                     hint);
}

enum result net_listen_tcp(struct loop *loop, const struct net_address *at, bool reuseport, net_accept_fn *fn,
                           void *ctx, struct net_listener **ret, struct error *err)
{
    char text[NET_ADDRESS_TEXT];
    int on = 1, off = 0;
    net_address_format(at, text);
    int fd = socket(at->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(fd, "make a socket for", text, err);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (at->storage.ss_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (reuseport && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0)
        return fail(fd, "share", text, err);
    if (bind(fd, (const struct sockaddr *)&at->storage, at->len) != 0 || listen(fd, BACKLOG) != 0)
        return fail(fd, "listen on", text, err);
    *ret = start(loop, fd, NULL, fn, ctx);
    return OK;
}

/* A socket file that nobody answers on is a leftover of a crash. */
static enum result clear_stale(const struct sockaddr_un *at, struct error *err)
{
    if (access(at->sun_path, F_OK) != 0)
        return OK;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool live = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof *at) == 0;
    if (fd >= 0)
        (void)close(fd);
    if (live)
        return error_set(err, R_CONFLICT, "%s: another process listens there", at->sun_path);
    (void)unlink(at->sun_path);
    return OK;
}

enum result net_listen_unix(struct loop *loop, const char *path, unsigned mode, net_accept_fn *fn, void *ctx,
                            struct net_listener **ret, struct error *err)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (!slice_to_cstr(slice_of(path), at.sun_path, sizeof at.sun_path))
        return error_set(err, R_LIMIT, "%s: a Unix socket's path has at most %zu bytes", path, sizeof at.sun_path - 1);
    enum result r = clear_stale(&at, err);
    if (r != OK)
        return r;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(fd, "make a socket for", path, err);
    mode_t old = umask(0777 & ~mode); /* so that it is never open to more, not even for a moment */
    int bound = bind(fd, (const struct sockaddr *)&at, sizeof at);
    (void)umask(old);
    if (bound != 0 || chmod(path, mode) != 0 || listen(fd, BACKLOG) != 0)
        return fail(fd, "listen on", path, err);
    *ret = start(loop, fd, mem_strdup(path), fn, ctx);
    return OK;
}

void net_listener_address(const struct net_listener *l, struct net_address *ret)
{
    ret->len = sizeof ret->storage;
    if (getsockname(loop_listener_fd(l->listener), (struct sockaddr *)&ret->storage, &ret->len) != 0)
        ret->len = 0;
}

void net_listener_close(struct net_listener *l)
{
    if (!l)
        return;
    loop_listener_close(l->listener);
    if (l->unix_path)
        (void)unlink(l->unix_path);
    free(l->unix_path);
    free(l);
}
