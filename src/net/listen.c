/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners on TCP and Unix sockets. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/mem.h"
#include "loop/watch.h"
#include "net/internal.h"

enum {
    /* Who waits longer than a moment is better told by the kernel to come again: work for those who gave up is lost. */
    BACKLOG = 511,
    /* Each may cost a handshake in the next turn, and whoever is here already waits that long. */
    ACCEPTS_PER_TURN = 2,
    FULL_PAUSE_MS = 100, /* out of descriptors: the kernel's queue holds the newcomers */
    STALE_MS = 5000,
};

struct net_listener {
    struct loop *loop;
    struct loop_watch *watch;
    struct loop_timer *again; /* after a lack of descriptors */
    net_accept_fn *fn;
    void *ctx;
    const struct net_listener_guard *guard; /* NULL: none */
    int fd;
    int spare; /* with a guard: given up for a moment to accept who must be told that there is no room; -1: lost */
    uint64_t patient_until; /* who is in its queue before that waited for the program to start: nobody is stale */
    bool busy, closed;
    bool is_handed;
    char *path; /* of a Unix socket whose file goes with it */
    dev_t device;
    ino_t inode;
};

/* --- accepting --- */

/* One socket for both families tells IPv4 peers as ::ffff:a.b.c.d. */
static void unmap(struct net_address *a)
{
    struct sockaddr_in6 six;
    if (a->storage.ss_family != AF_INET6)
        return;
    memcpy(&six, &a->storage, sizeof six);
    if (!IN6_IS_ADDR_V4MAPPED(&six.sin6_addr))
        return;
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = six.sin6_port};
    memcpy(&four.sin_addr, six.sin6_addr.s6_addr + 12, sizeof four.sin_addr);
    *a = (struct net_address){.len = sizeof four};
    memcpy(&a->storage, &four, sizeof four);
}

static void take(struct net_listener *l, int fd, struct net_address *peer)
{
    struct net_stream *s = net_socket_stream(l->loop, fd, SLICE_NONE);
    if (!s)
        return;
    if (peer->storage.ss_family == AF_UNIX)
        *peer = (struct net_address){0};
    unmap(peer);
    l->fn(l->ctx, s, peer);
}

/* Has the client gone, or waited so long that it will hardly be there when its answer is? */
static bool is_stale(const struct net_listener *l, int fd)
{
    struct tcp_info i = {0};
    socklen_t len = sizeof i;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &len) != 0)
        return false;
    return i.tcpi_state != TCP_ESTABLISHED ||
           (i.tcpi_last_data_recv > STALE_MS && loop_now_ms(l->loop) >= l->patient_until);
}

/* --- out of descriptors --- */

static bool out_of_descriptors(int fault)
{
    return fault == EMFILE || fault == ENFILE;
}

static void take_spare(struct net_listener *l)
{
    l->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void pause_for(struct net_listener *l, uint64_t ms)
{
    loop_watch_set(l->watch, false, false);
    loop_timer_start(l->again, ms, 0);
}

/* Closed without a word, but at once: better than a newcomer who waits for nothing. */
static bool turn_away(struct net_listener *l)
{
    if (l->spare < 0)
        return false;
    (void)close(l->spare);
    int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        (void)close(fd);
    take_spare(l);
    if (fd >= 0)
        l->guard->dropped(l->ctx, NET_DROPPED_FULL);
    return fd >= 0;
}

/* Room may be there only when the loop comes round again. */
static void on_lack(struct net_listener *l, int fault)
{
    if (l->guard && out_of_descriptors(fault) && (l->guard->make_room(l->ctx) || turn_away(l)))
        return;
    pause_for(l, FULL_PAUSE_MS);
}

static bool out_of_resources(int fault)
{
    return out_of_descriptors(fault) || fault == ENOMEM || fault == ENOBUFS;
}

static void free_listener(struct net_listener *l)
{
    free(l->path);
    free(l);
}

static void on_acceptable(void *arg, bool readable, bool writable)
{
    struct net_listener *l = arg;
    (void)readable;
    (void)writable;
    l->busy = true;
    for (int i = 0; i < ACCEPTS_PER_TURN && !l->closed; i++) {
        struct net_address peer = {.len = sizeof peer.storage};
        int fd = accept4(l->fd, (struct sockaddr *)&peer.storage, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        int fault = errno;
        if (fd >= 0 && l->guard && is_stale(l, fd)) {
            (void)close(fd);
            l->guard->dropped(l->ctx, NET_DROPPED_STALE);
        } else if (fd >= 0) {
            take(l, fd, &peer);
        } else {
            if (out_of_resources(fault))
                on_lack(l, fault);
            if (fault != ECONNABORTED && fault != EINTR)
                break;
        }
    }
    l->busy = false;
    if (l->closed)
        free_listener(l);
}

static void on_again(void *arg)
{
    struct net_listener *l = arg;
    loop_watch_set(l->watch, true, false);
}

/* --- life --- */

static enum result start(struct loop *loop, int fd, net_accept_fn *fn, void *ctx, struct net_listener **ret,
                         struct error *err)
{
    struct net_listener *l = mem_zalloc(sizeof *l);
    *l = (struct net_listener){.loop = loop, .fn = fn, .ctx = ctx, .fd = fd, .spare = -1};
    l->watch = loop_watch_new(loop, fd, on_acceptable, l);
    if (!l->watch) {
        free(l);
        (void)close(fd);
        return error_set(err, R_IO, "the listener can't be watched");
    }
    l->again = loop_timer_new(loop, on_again, l);
    loop_watch_set(l->watch, true, false);
    *ret = l;
    return OK;
}

void net_listener_guard(struct net_listener *l, const struct net_listener_guard *guard)
{
    l->guard = guard;
    if (l->spare < 0)
        take_spare(l);
}

static void remove_path(const struct net_listener *l)
{
    struct stat st;
    if (l->path && lstat(l->path, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode)
        (void)unlink(l->path);
}

void net_listener_close(struct net_listener *l)
{
    if (!l)
        return;
    loop_watch_free(l->watch);
    loop_timer_free(l->again);
    remove_path(l);
    (void)close(l->fd);
    if (l->spare >= 0)
        (void)close(l->spare);
    l->closed = true;
    if (!l->busy)
        free_listener(l);
}

void net_listener_keep(struct net_listener *l)
{
    if (l->is_handed || !net_handed_keep(l->fd))
        return;
    free(l->path);
    l->path = NULL;
}

void net_listener_address(const struct net_listener *l, struct net_address *ret)
{
    *ret = (struct net_address){.len = sizeof ret->storage};
    if (getsockname(l->fd, (struct sockaddr *)&ret->storage, &ret->len) != 0)
        *ret = (struct net_address){0};
}

/* --- TCP --- */

static bool is_any_v6(const struct net_address *at)
{
    return at->storage.ss_family == AF_INET6 &&
           IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)&at->storage)->sin6_addr);
}

/* The descriptor, or -errno. */
static int open_tcp(const struct net_address *at, bool reuseport)
{
    int on = 1, off = 0;
    int fd = socket(at->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    bool ok = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
    if (reuseport)
        ok = ok && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0;
    if (is_any_v6(at))
        ok = ok && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0;
    net_socket_options(fd);
    ok = ok && bind(fd, (const struct sockaddr *)&at->storage, at->len) == 0 && listen(fd, BACKLOG) == 0;
    if (ok)
        return fd;
    int fault = errno;
    (void)close(fd);
    return -fault;
}

enum result net_listen_tcp(struct loop *loop, const struct net_address *at, bool reuseport, net_accept_fn *fn,
                           void *ctx, struct net_listener **ret, struct error *err)
{
    int handed = net_handed(at), fd = handed >= 0 ? handed : open_tcp(at, reuseport);
    if ((fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) && is_any_v6(at)) { /* a machine without IPv6 */
        struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(net_address_port(at))};
        struct net_address four = {.len = sizeof any};
        memcpy(&four.storage, &any, sizeof any);
        fd = open_tcp(&four, reuseport);
    }
    if (fd >= 0) {
        enum result r = start(loop, fd, fn, ctx, ret, err);
        if (r == OK && handed >= 0) {
            (*ret)->patient_until = loop_now_ms(loop) + STALE_MS;
            (*ret)->is_handed = true;
        }
        return r;
    }
    char text[NET_ADDRESS_TEXT];
    net_address_format(at, text);
    const char *hint = fd == -EADDRINUSE ? "; something else listens there"
                       : fd == -EACCES   ? "; ports below 1024 want CAP_NET_BIND_SERVICE"
                                         : "";
    return error_set(err, fd == -EADDRINUSE ? R_CONFLICT : R_IO, "can't listen on %s: %s%s", text, strerror(-fd), hint);
}

/* --- Unix --- */

/* OK when nothing is at the path any more. */
static enum result clear_stale(const struct sockaddr_un *at, struct error *err)
{
    struct stat st;
    if (lstat(at->sun_path, &st) != 0)
        return OK; /* bind will tell what else is wrong */
    if (!S_ISSOCK(st.st_mode))
        return error_set(err, R_CONFLICT, "%s exists and is not a socket", at->sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_set(err, R_IO, "%s: %s", at->sun_path, strerror(errno));
    bool live = connect(fd, (const struct sockaddr *)at, sizeof *at) == 0 || errno == EAGAIN;
    (void)close(fd);
    if (live)
        return error_set(err, R_CONFLICT, "%s: another process listens there", at->sun_path);
    if (unlink(at->sun_path) != 0)
        return error_set(err, R_IO, "%s: can't remove the stale socket: %s", at->sun_path, strerror(errno));
    return OK;
}

static enum result bind_unix(int fd, const struct sockaddr_un *at, unsigned mode, struct error *err)
{
    /* before bind: the file is never there with a wider mode; after it: what the umask took away */
    bool ok = fchmod(fd, mode) == 0 && bind(fd, (const struct sockaddr *)at, sizeof *at) == 0 &&
              chmod(at->sun_path, mode) == 0 && listen(fd, BACKLOG) == 0;
    return ok ? OK : error_set(err, R_IO, "can't listen on %s: %s", at->sun_path, strerror(errno));
}

static enum result open_unix(const struct sockaddr_un *at, unsigned mode, int *ret, struct error *err)
{
    enum result r = clear_stale(at, err);
    if (r != OK)
        return r;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set(err, R_IO, "%s: %s", at->sun_path, strerror(errno));
    r = bind_unix(fd, at, mode, err);
    if (r == OK)
        *ret = fd;
    else
        (void)close(fd);
    return r;
}

/* One whose file is gone can't be reached any more. */
static int handed_unix(const struct sockaddr_un *at)
{
    struct stat st;
    return lstat(at->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) ? net_handed_unix(at) : -1;
}

enum result net_listen_unix(struct loop *loop, const char *path, unsigned mode, net_accept_fn *fn, void *ctx,
                            struct net_listener **ret, struct error *err)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (!slice_to_cstr(slice_of(path), at.sun_path, sizeof at.sun_path))
        return error_set(err, R_LIMIT, "%s: a socket's path has at most %zu bytes", path, sizeof at.sun_path - 1);
    int fd = handed_unix(&at);
    bool is_handed = fd >= 0;
    enum result r = is_handed ? OK : open_unix(&at, mode, &fd, err);
    if (r == OK)
        r = start(loop, fd, fn, ctx, ret, err);
    if (r != OK)
        return r;
    struct stat st;
    (*ret)->is_handed = is_handed;
    if (!is_handed && lstat(path, &st) == 0) {
        (*ret)->path = mem_strdup(path);
        (*ret)->device = st.st_dev;
        (*ret)->inode = st.st_ino;
    }
    return OK;
}
