/* SPDX-License-Identifier: Apache-2.0 */
/* Owns what a client's connection holds, from its handshake to on_close, and ends it when what let it in has ended.
 * Requests are handled above, through hooks. In the worker's thread. */
#include "gateway/client/connection.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/gather.h"
#include "base/mem.h"
#include "gateway/client/admission.h"
#include "gateway/judge/authenticate.h"
#include "gateway/judge/grant.h"
#include "tls/stream.h"

enum { SWEEP_SLICE_MS = 2, LONG_CHAIN = 8192, LONG_CHAINS_MAX = 256 /* of a worker */ };

static void forget_long_chain(struct gateway_connection *c)
{
    c->clients->long_chain_count -= c->long_chain.holder != NULL;
    crowd_part(c->clients->long_chains, &c->long_chain);
}

static void on_close(void *owner)
{
    struct gateway_connection *c = owner;
    struct gateway_clients *all = c->clients;
    metric_add(all->metrics, METRIC_CONNECTIONS, -1);
    all->connection_count--;
    crowd_part(all->strangers, &c->stranger);
    crowd_part(all->devices, &c->of_device);
    forget_long_chain(c);
    rejudge_done(&c->client.rejudge);

    if (all->sweep_next == c)
        all->sweep_next = LIST_NEXT(c, link);
    LIST_REMOVE(c, link);
    credential_done(&c->client.credential);
    grant_unref(c->client.token);
    free(c);
}

static void on_request(void *owner, struct http_exchange *x)
{
    struct gateway_connection *c = owner;
    c->clients->hooks->on_request(c, x);
}

static void on_bad_request(void *owner, int status, const char *what, struct arena *arena,
                           struct http_response *ret_head, struct slice *ret_body)
{
    struct gateway_connection *c = owner;
    c->clients->hooks->on_bad_request(c, status, what, arena, ret_head, ret_body);
}

static void on_held(void *owner, size_t bytes)
{
    admission_holds(owner, bytes);
}

/* It cost its decoding, and is charged like any other refusal. */
static void on_refused(void *owner)
{
    struct gateway_connection *c = owner;
    if (admission_refused_too_often(c))
        http_server_conn_stop(c->http);
}

static const struct http_server_events events = {.on_request = on_request,
                                                 .on_bad_request = on_bad_request,
                                                 .on_held = on_held,
                                                 .on_refused = on_refused,
                                                 .on_close = on_close};

/* Requests under way end too: a parked one would otherwise outlive its right to be here. */
static void end_connection(struct gateway_connection *c)
{
    if (c->closing)
        return;
    c->closing = true;
    c->clients->hooks->abort(c);
    http_server_conn_close(c->http);
}

static void close_connection(struct gateway_connection *c, const char *why)
{
    LOG_GATHERED(LOG_INFO, "gateway", net_group_of(c->client.peer).text, why, "connection closed",
                 LOG_T("peer", c->client.peer), LOG_T("client", c->client.token ? grant_client(c->client.token) : ""),
                 LOG_T("reason", why));
    end_connection(c);
}

/* For another one (gateway/client/admission.h counts and tells why). */
static void give_up(struct gateway_connection *c)
{
    admission_left(c->clients, c->client.peer);
    end_connection(c);
}

static void make_room(struct crowd_member *m)
{
    give_up(container_of(m, struct gateway_connection, stranger));
}

static void leave_long_chains(struct crowd_member *m)
{
    struct gateway_connection *c = container_of(m, struct gateway_connection, long_chain);
    c->clients->long_chain_count--;
    give_up(c);
}

/* OpenSSL holds ten times a chain's size as long as the connection lasts. */
static void bound_long_chains(struct gateway_connection *c, const struct net_address *peer)
{
    struct gateway_clients *all = c->clients;
    char address[NET_ADDRESS_TEXT];
    all->leaving = AWAY_LONG_CHAINS;
    if (all->long_chain_count >= LONG_CHAINS_MAX)
        (void)crowd_make_room(all->long_chains, NULL);
    all->long_chain_count++;
    net_address_format_group(peer, address);
    crowd_join(all->long_chains, &c->long_chain, slice_of(address), loop_now_ms(all->loop), leave_long_chains);
}

/* What one token opened ends with it; the connection, with the last that let anything in here. */
static void review_connection(struct gateway_connection *c, int64_t now)
{
    c->clients->hooks->review(c, now);
    const char *why = authenticate_still_holds(&c->client, now);
    if (why && LIST_EMPTY(&c->relays))
        close_connection(c, why);
}

/* Its verdict was reached again. */
static void review_client(struct judge_client *client)
{
    struct gateway_connection *c = container_of(client, struct gateway_connection, client);
    if (!c->closing)
        review_connection(c, clock_wall_s());
}

void gateway_connection_new(struct gateway_clients *all, struct net_stream *stream, const struct credential *shown,
                            const struct net_address *peer, struct crowd_member *handshake)
{
    struct gateway_connection *c = mem_zalloc(sizeof *c);
    c->clients = all;
    LIST_INIT(&c->relays);
    net_address_format_host(peer, c->client.peer);
    c->client.judge = all->judge;
    c->client.credential = *shown;
    c->client.review = review_client;
    c->sni = tls_stream_sni(stream);

    crowd_replace(all->strangers, handshake, &c->stranger, make_room);
    if (credential_size(&c->client.credential) > LONG_CHAIN)
        bound_long_chains(c, peer);

    LIST_INSERT_HEAD(&all->connections, c, link);
    all->connection_count++;
    metric_add(all->metrics, METRIC_CONNECTIONS, 1);

    bool h2 = slice_eq(tls_stream_alpn(stream), SLICE("h2"));
    struct http_server_limits limits = http_server_defaults;
    limits.websocket = true;
    limits.stranger = true;
    c->http = http_server_conn_new(all->loop, stream, h2, &limits, &events, c);
    if (all->draining)
        http_server_conn_drain(c->http);
}

void gateway_connection_drain(struct gateway_connection *c)
{
    c->clients->hooks->leave(c);
    http_server_conn_drain(c->http);
}

static void leave_device(struct crowd_member *m)
{
    give_up(container_of(m, struct gateway_connection, of_device));
}

bool gateway_connection_known(struct gateway_connection *c, const char *device)
{
    bool known = admission_known(c, device, leave_device);
    if (!known)
        return false;
    forget_long_chain(c);
    http_server_conn_let_in(c->http);
    return true;
}

bool gateway_connections_sweep(struct gateway_clients *all, int64_t now)
{
    uint64_t until = clock_mono_ms() + SWEEP_SLICE_MS;
    struct gateway_connection *c;
    while ((c = all->sweep_next) && clock_mono_ms() < until) {
        all->sweep_next = LIST_NEXT(c, link);
        credential_rest(&c->client.credential);
        if (!c->closing)
            review_connection(c, now);
    }
    return !all->sweep_next;
}
