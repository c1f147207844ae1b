/* SPDX-License-Identifier: Apache-2.0 */
/* Dialling: the name is resolved in the pool, then its addresses are tried one after the other. */
#include <arpa/inet.h>
#include <bsd/sys/queue.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "loop/watch.h"
#include "net/internal.h"

enum { ADDRESSES_MAX = 8, NOT_ALLOWED = -1 /* among errno values */ };

/* One question a name and loop, for all who want it meanwhile: a name server that does not answer holds one thread of
 * the pool for each of its names, not for each dial. Outlives those that were cancelled or timed out: the pool still
 * works on it. */
struct resolving {
    LIST_ENTRY(resolving) link;
    struct loop *loop;
    LIST_HEAD(dials, net_dial) dials; /* who waits */
    char host[NET_HOST_MAX];
    int fault; /* EAI_… */
    struct addrinfo *found;
};
static _Thread_local LIST_HEAD(questions, resolving) under_way; /* a loop has one thread */

struct net_dial {
    struct loop *loop;
    struct net_dial_events events;
    void *ctx;
    struct resolving *resolving;
    LIST_ENTRY(net_dial) waiting; /* for it */
    struct loop_timer *overall, *attempt;
    struct loop_deferred later;
    struct loop_watch *watch;
    int fd, last_fault;
    uint64_t deadline;
    struct net_address addresses[ADDRESSES_MAX];
    size_t count, next;
    char host[NET_HOST_MAX];
    uint16_t port;
};

/* --- the end of it --- */

static void end_attempt(struct net_dial *d)
{
    loop_watch_free(d->watch);
    d->watch = NULL;
    loop_timer_stop(d->attempt);
    if (d->fd >= 0)
        (void)close(d->fd);
    d->fd = -1;
}

static void free_dial(struct net_dial *d)
{
    end_attempt(d);
    if (d->resolving)
        LIST_REMOVE(d, waiting);
    loop_timer_free(d->overall);
    loop_timer_free(d->attempt);
    loop_defer_cancel(&d->later);
    free(d);
}

void net_dial_cancel(struct net_dial *d)
{
    if (d)
        free_dial(d);
}

static void fail(struct net_dial *d, enum result code, const char *reason)
{
    struct error why;
    struct net_dial_events events = d->events;
    void *ctx = d->ctx;
    (void)error_set(&why, code, "can't connect to %s port %u: %s", d->host, d->port, reason);
    free_dial(d);
    events.on_fail(ctx, &why);
}

static void succeed(struct net_dial *d)
{
    struct net_dial_events events = d->events;
    void *ctx = d->ctx;
    int fd = d->fd;
    d->fd = -1; /* the stream's */
    loop_watch_free(d->watch);
    d->watch = NULL;
    struct net_stream *s = net_socket_stream(d->loop, fd, SLICE_NONE);
    if (!s) {
        fail(d, R_IO, "the connection can't be watched");
        return;
    }
    free_dial(d);
    events.on_open(ctx, s);
}

/* --- attempts --- */

static void try_next(struct net_dial *d);

static void on_connected(void *arg, bool readable, bool writable)
{
    struct net_dial *d = arg;
    int fault = 0;
    socklen_t len = sizeof fault;
    (void)readable;
    (void)writable;
    if (getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &fault, &len) != 0)
        fault = errno;
    if (fault == 0) {
        succeed(d);
        return;
    }
    d->last_fault = fault;
    try_next(d);
}

static void on_attempt_timeout(void *arg)
{
    struct net_dial *d = arg;
    d->last_fault = ETIMEDOUT;
    try_next(d);
}

/* Starts a connection; false: this address is none of ours to reach. */
static bool start_attempt(struct net_dial *d, const struct net_address *to)
{
    d->fd = socket(to->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (d->fd >= 0) {
        net_socket_options(d->fd);
        int rc = connect(d->fd, (const struct sockaddr *)&to->storage, to->len);
        if (rc == 0 || errno == EINPROGRESS)
            d->watch = loop_watch_new(d->loop, d->fd, on_connected, d);
    }
    if (d->watch) {
        loop_watch_set(d->watch, false, true);
        return true;
    }
    d->last_fault = errno;
    return false;
}

/* Each attempt gets its share of what is left of the time. */
static uint64_t share(const struct net_dial *d)
{
    uint64_t now = loop_now_ms(d->loop);
    uint64_t left = d->deadline > now ? d->deadline - now : 0;
    return left / (d->count - d->next + 1);
}

static void try_next(struct net_dial *d)
{
    end_attempt(d);
    while (d->next < d->count) {
        d->next++;
        if (d->events.may && !d->events.may(d->ctx, &d->addresses[d->next - 1])) {
            d->last_fault = NOT_ALLOWED;
            continue;
        }
        if (start_attempt(d, &d->addresses[d->next - 1])) {
            if (d->next < d->count) /* the last one has all that is left */
                loop_timer_start(d->attempt, share(d), 0);
            return;
        }
        end_attempt(d);
    }
    if (d->last_fault == NOT_ALLOWED)
        fail(d, R_DENIED, "its address may not be connected to");
    else
        fail(d, d->last_fault == ETIMEDOUT ? R_TIMEOUT : R_IO, strerror(d->last_fault));
}

/* --- names --- */

static void resolve(void *arg)
{
    struct resolving *r = arg;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    r->fault = getaddrinfo(r->host, NULL, &hints, &r->found);
}

static void set_port(struct net_address *a, uint16_t port)
{
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    if (a->storage.ss_family == AF_INET) {
        memcpy(&four, &a->storage, sizeof four);
        four.sin_port = htons(port);
        memcpy(&a->storage, &four, sizeof four);
    } else if (a->storage.ss_family == AF_INET6) {
        memcpy(&six, &a->storage, sizeof six);
        six.sin6_port = htons(port);
        memcpy(&a->storage, &six, sizeof six);
    }
}

static void take_addresses(struct net_dial *d, const struct addrinfo *found)
{
    for (; found && d->count < ADDRESSES_MAX; found = found->ai_next) {
        struct net_address *a = &d->addresses[d->count++];
        a->len = found->ai_addrlen;
        memcpy(&a->storage, found->ai_addr, found->ai_addrlen);
        set_port(a, d->port);
    }
}

static void fail_name(struct net_dial *d, int fault)
{
    char reason[128];
    (void)snprintf(reason, sizeof reason, "the name does not resolve: %s",
                   fault ? gai_strerror(fault) : "it has no address");
    fail(d, R_NOTFOUND, reason);
}

/* Whoever is told may cancel others, or dial anew. */
static void on_resolved(void *arg)
{
    struct resolving *r = arg;
    struct net_dial *d;
    LIST_REMOVE(r, link);
    while ((d = LIST_FIRST(&r->dials))) {
        LIST_REMOVE(d, waiting);
        d->resolving = NULL;
        take_addresses(d, r->fault ? NULL : r->found);
        if (d->count == 0)
            fail_name(d, r->fault);
        else
            try_next(d);
    }
    if (r->found)
        freeaddrinfo(r->found);
    free(r);
}

static void on_overall_timeout(void *arg)
{
    struct net_dial *d = arg;
    fail(d, R_TIMEOUT,
         d->resolving ? "the name does not resolve: no name server answered in time" : "no answer in time");
}

static void on_later(void *arg)
{
    try_next(arg);
}

static bool take_literal(struct net_dial *d)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(d->port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(d->port)};
    struct net_address *a = &d->addresses[0];
    if (inet_pton(AF_INET, d->host, &four.sin_addr) == 1) {
        memcpy(&a->storage, &four, sizeof four);
        a->len = sizeof four;
    } else if (inet_pton(AF_INET6, d->host, &six.sin6_addr) == 1) {
        memcpy(&a->storage, &six, sizeof six);
        a->len = sizeof six;
    } else {
        return false;
    }
    d->count = 1;
    return true;
}

static struct resolving *find_question(const struct net_dial *d)
{
    struct resolving *r;
    LIST_FOREACH(r, &under_way, link) {
        if (r->loop == d->loop && strcmp(r->host, d->host) == 0)
            break;
    }
    return r;
}

static void start_resolving(struct net_dial *d)
{
    struct resolving *r = find_question(d);
    if (!r) {
        r = mem_zalloc(sizeof *r);
        r->loop = d->loop;
        (void)snprintf(r->host, sizeof r->host, "%s", d->host);
        LIST_INSERT_HEAD(&under_way, r, link);
        loop_job(d->loop, resolve, on_resolved, r);
    }
    d->resolving = r;
    LIST_INSERT_HEAD(&r->dials, d, waiting);
}

struct net_dial *net_dial_tcp(struct loop *loop, const char *host, uint16_t port, uint64_t timeout_ms,
                              const struct net_dial_events *events, void *ctx)
{
    struct net_dial *d = mem_zalloc(sizeof *d);
    *d = (struct net_dial){.loop = loop, .events = *events, .ctx = ctx, .fd = -1, .port = port};
    (void)snprintf(d->host, sizeof d->host, "%s", host);
    d->later = (struct loop_deferred){.fn = on_later, .arg = d};
    d->deadline = loop_now_ms(loop) + timeout_ms;
    d->last_fault = EADDRNOTAVAIL;
    d->overall = loop_timer_new(loop, on_overall_timeout, d);
    d->attempt = loop_timer_new(loop, on_attempt_timeout, d);
    loop_timer_start(d->overall, timeout_ms, 0);
    if (take_literal(d))
        loop_defer(loop, &d->later);
    else
        start_resolving(d);
    return d;
}
