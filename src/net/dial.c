/* SPDX-License-Identifier: Apache-2.0 */
/* Dialling: resolve in the pool, then each address in turn, all within one time limit. */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "loop/socket.h"
#include "net/tcp_internal.h"

enum { ADDRESSES_MAX = 8 };

/* The part that the pool's thread works on; outlives a cancelled dial. */
struct lookup {
    struct net_dial *dial; /* NULL: cancelled */
    char host[NET_HOST_MAX], port[8];
    struct addrinfo *found;
    int status;
};

struct net_dial {
    struct loop *loop;
    const struct net_dial_events *events;
    void *ctx;
    struct lookup *lookup; /* while it runs */
    struct addrinfo *found, *next;
    unsigned tried;
    struct loop_connect *connect;
    struct loop_timer *limit;
    struct error last;
    char where[NET_HOST_MAX + 8];
};

static void dial_free(struct net_dial *d)
{
    if (d->lookup)
        d->lookup->dial = NULL;
    if (d->connect)
        loop_connect_cancel(d->connect);
    if (d->found)
        freeaddrinfo(d->found);
    loop_timer_free(d->limit);
    free(d);
}

void net_dial_cancel(struct net_dial *d)
{
    if (d)
        dial_free(d);
}

static void fail(struct net_dial *d)
{
    const struct net_dial_events *events = d->events;
    void *ctx = d->ctx;
    struct error why = d->last;
    dial_free(d);
    events->on_fail(ctx, &why);
}

static void try_next(struct net_dial *d);

static void on_connect(void *ctx, int fd, const struct error *why)
{
    struct net_dial *d = ctx;
    d->connect = NULL;
    if (fd < 0) {
        (void)error_set(&d->last, why->code, "%s: %s", d->where, why->text);
        try_next(d);
        return;
    }
    const struct net_dial_events *events = d->events;
    void *owner = d->ctx;
    struct net_stream *stream = net_stream_from_fd(d->loop, fd, false, SLICE_NONE);
    dial_free(d);
    events->on_open(owner, stream);
}

static void try_next(struct net_dial *d)
{
    struct addrinfo *a = d->next;
    if (!a || d->tried++ == ADDRESSES_MAX) {
        fail(d);
        return;
    }
    d->next = a->ai_next;
    d->connect = loop_connect_start(d->loop, a->ai_addr, a->ai_addrlen, on_connect, d);
}

static void resolve(void *arg)
{
    struct lookup *l = arg;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
    l->status = getaddrinfo(l->host, l->port, &hints, &l->found);
    if (l->status == EAI_ADDRFAMILY || l->status == EAI_NONAME) { /* no route of that family: literals still work */
        hints.ai_flags = AI_NUMERICSERV;
        l->status = getaddrinfo(l->host, l->port, &hints, &l->found);
    }
}

static void resolved(void *arg)
{
    struct lookup *l = arg;
    struct net_dial *d = l->dial;
    if (!d) {
        if (l->status == 0)
            freeaddrinfo(l->found);
        free(l);
        return;
    }
    d->lookup = NULL;
    if (l->status == 0) {
        d->found = d->next = l->found;
        (void)error_set(&d->last, R_NOTFOUND, "%s: the name has no address", d->where);
        try_next(d);
    } else {
        (void)error_set(&d->last, R_NOTFOUND, "the name %s does not resolve: %s", l->host, gai_strerror(l->status));
        fail(d);
    }
    free(l);
}

static void on_limit(void *arg)
{
    struct net_dial *d = arg;
    (void)error_set(&d->last, R_TIMEOUT, "%s: no connection in time", d->where);
    fail(d);
}

struct net_dial *net_dial_tcp(struct loop *loop, const char *host, uint16_t port, uint64_t timeout_ms,
                              const struct net_dial_events *events, void *ctx)
{
    struct net_dial *d = mem_zalloc(sizeof *d);
    struct lookup *l = mem_zalloc(sizeof *l);
    *d = (struct net_dial){.loop = loop, .events = events, .ctx = ctx, .lookup = l};
    l->dial = d;
    (void)snprintf(l->host, sizeof l->host, "%s", host);
    (void)snprintf(l->port, sizeof l->port, "%u", (unsigned)port);
    (void)snprintf(d->where, sizeof d->where, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, (unsigned)port);
    d->limit = loop_timer_new(loop, on_limit, d);
    loop_timer_start(d->limit, timeout_ms, 0);
    loop_job(loop, resolve, resolved, l);
    return d;
}
