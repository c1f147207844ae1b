/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the socket until its header is whole. What came behind it with the same read is given back to the socket, by
 * making its stream anew. In the worker's thread. */
#include "gateway/client/balancer.h"

#include <stdlib.h>

#include "base/host/gather.h"
#include "base/mem.h"
#include "gateway/client/admission.h"
#include "net/network.h"
#include "net/told.h"

enum { HEADER_MS = 5000 };

struct asked {
    struct gateway_clients *all;
    struct net_stream *socket;
    struct net_address balancer;
    struct loop_timer *limit;
    struct crowd_member stranger;
    struct buf begin;
    balancer_passed_fn *passed;
    bool own; /* the header is whole, the connection the balancer's own, and nothing came behind it yet */
};

bool balancer_is(const struct conf_texts *networks, const struct net_address *peer)
{
    char address[NET_ADDRESS_TEXT];
    if (networks->count == 0)
        return false;
    net_address_format_host(peer, address);
    for (size_t i = 0; i < networks->count; i++) {
        if (net_networks_have(networks->items[i], address))
            return true;
    }
    return false;
}

/* But for the socket. */
static void free_asked(struct asked *a)
{
    a->all->connection_count--;
    crowd_part(a->all->strangers, &a->stranger);
    loop_timer_free(a->limit);
    buf_free(&a->begin);
    free(a);
}

static void refuse(struct asked *a, const char *why)
{
    char peer[NET_ADDRESS_TEXT];
    net_address_format_host(&a->balancer, peer);
    metric_add(a->all->metrics, METRIC_HANDSHAKES_FAILED, 1);
    LOG_GATHERED(LOG_WARN, "balancer", net_group_of(peer).text, why, "refused: the balancer does not tell whose it is",
                 LOG_T("peer", peer), LOG_T("reason", why));
    net_stream_close(a->socket);
    free_asked(a);
}

/* A look whether the port is open, a health check: no fault. */
static void end_quietly(struct asked *a)
{
    net_stream_close(a->socket);
    free_asked(a);
}

static void on_limit(void *arg)
{
    struct asked *a = arg;
    if (a->own)
        end_quietly(a);
    else
        refuse(a,
               "no header of the PROXY protocol came in time: let it send one (send-proxy-v2), or take its address out "
               "of proxy_protocol: from");
}

static void pass_on(struct asked *a, const struct net_told *told)
{
    struct gateway_clients *all = a->all;
    struct net_address client = told->kind == NET_TOLD_CLIENT ? told->client : a->balancer;
    balancer_passed_fn *passed = a->passed;
    int fd = net_tcp_detach(a->socket);
    struct net_stream *socket = net_tcp_adopt(all->loop, fd, slice_skip(buf_data(&a->begin), told->len));
    free_asked(a);
    passed(all, socket, &client);
}

static void on_data(void *ctx, struct slice data)
{
    struct asked *a = ctx;
    struct net_told told;
    struct error why;
    a->begin.max =
        NET_TOLD_MAX + data.len; /* what is there is no whole header; the client's first bytes come with it */
    (void)!buf_append(&a->begin, data);
    enum result r = net_told_read(buf_data(&a->begin), &told, &why);
    a->own = r == OK && told.kind == NET_TOLD_NOBODY && told.len == buf_len(&a->begin);
    if (a->own)
        return;
    if (r == OK)
        pass_on(a, &told);
    else if (r != R_AGAIN)
        refuse(a, why.text);
}

static void on_end(void *ctx)
{
    struct asked *a = ctx;
    if (a->own || buf_len(&a->begin) == 0)
        end_quietly(a);
    else
        refuse(a, "its header of the PROXY protocol did not end");
}

static void on_close(void *ctx, const struct error *why)
{
    (void)why;
    on_end(ctx);
}

static void on_drain(void *ctx)
{
    (void)ctx;
}

static const struct net_stream_events events = {on_data, on_end, on_drain, on_close};

static void make_room(struct crowd_member *m)
{
    struct asked *a = container_of(m, struct asked, stranger);
    char peer[NET_ADDRESS_TEXT];
    net_address_format_host(&a->balancer, peer);
    admission_left(a->all, peer);
    end_quietly(a);
}

void balancer_ask(struct gateway_clients *all, struct net_stream *socket, const struct net_address *balancer,
                  balancer_passed_fn *passed)
{
    char address[NET_ADDRESS_TEXT];
    struct asked *a = mem_zalloc(sizeof *a);
    *a = (struct asked){.all = all, .socket = socket, .balancer = *balancer, .passed = passed};
    buf_init(&a->begin, NET_TOLD_MAX);
    net_address_format_group(balancer, address);
    all->connection_count++;
    crowd_join(all->strangers, &a->stranger, slice_of(address), loop_now_ms(all->loop), make_room);
    net_stream_set_events(socket, &events, a);
    a->limit = loop_timer_new(all->loop, on_limit, a);
    loop_timer_start(a->limit, HEADER_MS, 0);
}
