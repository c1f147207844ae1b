/* SPDX-License-Identifier: Apache-2.0 */
/* Accepting connections and giving their requests to the router. */
#include "mp/server/listener.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/gather.h"
#include "base/mem.h"
#include "conf/daemon.h"
#include "mp/sender/judging.h"
#include "mp/server/access.h"
#include "net/strangers.h"
#include "tls/stream.h"

enum {
    HANDSHAKE_MS = 15000,
    CERTIFICATE_HEADS = 4 * 1024 * 1024,
    DEVICE_SHARE = 8, /* one device may hold an eighth of all places */
};

static void turned_away(const char *host, const char *why)
{
    LOG_GATHERED(LOG_INFO, "mp", net_group_of(host).text, why, "turned away", LOG_T("peer", host),
                 LOG_T("reason", why));
}

static void connection_free(struct mp_connection *c)
{
    LIST_REMOVE(c, others);
    c->point->connection_count--;
    crowd_part(c->point->strangers, &c->stranger);
    crowd_part(c->point->devices, &c->of_device);
    mp_judging_cancel(&c->peer);
    X509_free(c->peer.certificate);
    pki_trust_unref(c->peer.judged_by);
    free(c);
}

static void end(struct mp_connection *c)
{
    if (c->http) {
        http_server_conn_close(c->http); /* on_close frees it */
        return;
    }
    if (c->stream)
        net_stream_close(c->stream);
    tls_handshake_cancel(c->handshake);
    connection_free(c);
}

static void on_request(void *owner, struct http_exchange *x)
{
    struct mp_connection *c = owner;
    c->point->on_request(c, x);
}

static void on_bad_request(void *owner, int status, const char *what, struct arena *a, struct http_response *ret_head,
                           struct slice *ret_body)
{
    (void)!http_fields_add(&ret_head->fields, a, SLICE("content-type"), SLICE("text/plain; charset=utf-8"));
    *ret_body = arena_dup(a, slice_of(what));
    mp_access_log_bad(owner, status, what);
    mp_listener_refused(owner);
}

static void on_refused(void *owner)
{
    mp_listener_refused(owner);
}

static void on_http_close(void *owner)
{
    connection_free(owner);
}

static void on_held(void *owner, size_t bytes)
{
    struct mp_connection *c = owner;
    if (c->of_device.holder)
        net_known_holds(c->point->devices, &c->of_device, bytes);
    else
        net_stranger_holds(c->point->strangers, &c->stranger, bytes);
}

static const struct http_server_events http_events = {
    .on_request = on_request,
    .on_bad_request = on_bad_request,
    .on_held = on_held,
    .on_refused = on_refused,
    .on_close = on_http_close,
};

/* The role certificate is judged once a connection; removal is asked for at each request. */
static void find_role(struct mp_connection *c)
{
    struct error err;
    X509 *shown = tls_stream_peer(c->stream);
    if (!shown || X509_up_ref(shown) != 1)
        return;
    c->peer.certificate = shown;
    c->peer.chain = tls_stream_peer_chain(c->stream);
    if (pki_role_check(c->peer.site->connectors, shown, c->peer.chain, clock_wall_s(), c->peer.connector, &err) != OK)
        c->peer.connector[0] = '\0';
    else
        mp_listener_known(c, NULL);
}

static bool is_idle(const struct crowd_member *m)
{
    const struct mp_connection *c = container_of(m, struct mp_connection, of_device);
    return http_server_conn_exchanges(c->http) == 0;
}

static bool has_share(struct mp_point *p, struct slice device)
{
    size_t share = p->places / DEVICE_SHARE;
    return crowd_count(p->devices, device) < share || crowd_make_room_of(p->devices, device, is_idle);
}

static void leave_device(struct crowd_member *m)
{
    struct mp_connection *c = container_of(m, struct mp_connection, of_device);
    turned_away(c->host, "made room: it was idle, or its device holds its share of connections or memory");
    end(c);
}

void mp_listener_known(struct mp_connection *c, const char *device)
{
    if (!c)
        return;
    if (!c->stranger.holder) {
        crowd_touch(&c->of_device);
        return;
    }
    struct mp_point *p = c->point;
    if (device && !has_share(p, slice_of(device))) {
        turned_away(c->host, "its device holds its share of connections");
        http_server_conn_stop(c->http);
        return;
    }
    uint64_t now = loop_now_ms(p->site->loop);
    net_stranger_known(p->strangers, &c->stranger, device ? p->devices : NULL, slice_of(device ? device : ""), now);
    if (device)
        crowd_join(p->devices, &c->of_device, slice_of(device), now, leave_device);
    if (c->http)
        http_server_conn_let_in(c->http);
    if (c->http && !device)
        http_server_conn_for_many(c->http);
}

void mp_listener_refused(struct mp_connection *c)
{
    if (!c || crowd_take_as(c->point->strangers, &c->stranger, NET_STRANGER_REFUSAL, loop_now_ms(c->peer.site->loop)))
        return;
    turned_away(c->host, "requests from its address are refused too often");
    http_server_conn_stop(c->http);
}

/* Connectors keep many requests parked on one connection, over which every device's heads come. */
static const struct http_server_limits limits = {
    .head_ms = 30 * 1000, .idle_ms = 5 * 60 * 1000, .body_ms = 60 * 1000, .streams = 4096, .heads = 16 * 1024 * 1024};

static void serve(struct mp_connection *c)
{
    bool h2 = slice_eq(tls_stream_alpn(c->stream), SLICE("h2"));
    struct http_server_limits own = limits;
    own.stranger = c->stranger.holder != NULL;
    own.for_many = !own.stranger; /* a connector's */
    if (c->peer.certificate) /* a connector may show one of the PKI, which is judged with the first request alone */
        own.stranger_heads = CERTIFICATE_HEADS;
    c->http = http_server_conn_new(c->peer.site->loop, c->stream, h2, &own, &http_events, c);
    if (c->peer.site->draining)
        http_server_conn_drain(c->http);
}

/* --- while its certificate is judged --- */

static void on_data(void *ctx, struct slice data)
{
    (void)ctx;
    (void)data; /* never: it is paused */
}

static void on_nothing(void *ctx)
{
    (void)ctx;
}

static void on_close(void *ctx, const struct error *why)
{
    struct mp_connection *c = ctx;
    (void)why;
    net_stream_close(c->stream);
    connection_free(c);
}

static const struct net_stream_events waiting = {on_data, on_nothing, on_nothing, on_close};

static void on_judged(struct mp_peer *p)
{
    struct mp_connection *c = container_of(p, struct mp_connection, peer);
    struct net_stream *stream = c->stream;
    serve(c);
    net_stream_resume(stream);
}

static void on_ready(void *ctx, struct net_stream *stream)
{
    struct mp_connection *c = ctx;
    c->handshake = NULL;
    c->stream = stream;
    find_role(c);
    if (mp_judging_first(&c->peer, on_judged)) {
        serve(c);
        return;
    }
    net_stream_set_events(stream, &waiting, c);
    net_stream_pause(stream);
}

static void on_fail(void *ctx, const struct error *why)
{
    struct mp_connection *c = ctx;
    LOG_GATHERED(LOG_DEBUG, "mp", c->peer.group, "handshake", "handshake failed", LOG_T("peer", c->peer.address),
                 LOG_T("reason", why->text));
    connection_free(c);
}

static struct tls_context *on_hello(void *ctx, const struct tls_hello *hello)
{
    struct mp_connection *c = ctx;
    (void)hello;
    return c->point->context;
}

static void on_certificates(void *ctx, size_t bytes)
{
    struct mp_connection *c = ctx;
    net_stranger_shows(c->point->strangers, &c->stranger, bytes, loop_now_ms(c->peer.site->loop));
}

static void on_dear_group(void *ctx, size_t handshakes)
{
    struct mp_connection *c = ctx;
    net_stranger_pays(c->point->strangers, &c->stranger, handshakes, loop_now_ms(c->peer.site->loop));
}

static void on_detach(void *ctx, struct net_stream *below, struct slice already_read)
{
    (void)already_read; /* never asked for: on_hello always answers */
    net_stream_close(below);
    connection_free(ctx);
}

static const struct tls_accept_events tls_events = {.on_hello = on_hello,
                                                    .on_certificates = on_certificates,
                                                    .on_dear_group = on_dear_group,
                                                    .on_detach = on_detach,
                                                    .on_ready = on_ready,
                                                    .on_fail = on_fail};

/* --- room --- */

static void leave(struct crowd_member *m)
{
    struct mp_connection *c = container_of(m, struct mp_connection, stranger);
    turned_away(c->host, "made room, or stayed too long: none of its requests was let in");
    end(c);
}

static bool make_room(struct mp_point *p)
{
    return crowd_make_room(p->strangers, NULL) || crowd_make_room(p->devices, is_idle);
}

static bool give_up_descriptor(void *ctx)
{
    return make_room(ctx);
}

static void on_dropped(void *ctx, enum net_dropped why)
{
    (void)ctx;
    turned_away("", why == NET_DROPPED_STALE ? "the client had gone, or waited too long, before it was its turn"
                                             : "the process is out of descriptors");
}

static const struct net_listener_guard guard = {give_up_descriptor, on_dropped};

static bool may_come(struct mp_point *p, const char *address)
{
    if (!net_strangers_let_come(p->strangers, slice_of(address), p->places / NET_STRANGERS_SHARE,
                                loop_now_ms(p->site->loop))) {
        turned_away(address, "its address opens connections too fast");
        return false;
    }
    if (p->connection_count < p->places || make_room(p))
        return true;
    turned_away(address, "all places are held by who was let in and is busy");
    return false;
}

static void on_pulse(void *arg)
{
    enum { PULSE_MS = 1000 };
    struct mp_point *p = arg;
    loop_timer_start(p->pulse, net_strangers_end_late(p->strangers, clock_mono_ms()) ? 1 : PULSE_MS, 0);
}

/* --- accepting --- */

static void on_accept(void *ctx, struct net_stream *stream, const struct net_address *peer)
{
    struct mp_point *p = ctx;
    char address[NET_ADDRESS_TEXT];
    net_address_format_group(peer, address);
    if (!may_come(p, address)) {
        net_stream_close(stream);
        return;
    }
    struct mp_connection *c = mem_zalloc(sizeof *c);
    p->connection_count++;
    c->point = p;
    c->peer.site = p->site;
    c->peer.point = p->config;
    net_address_format(peer, c->peer.address);
    net_address_format_host(peer, c->host);
    net_address_format_group(peer, c->peer.group);
    crowd_join(p->strangers, &c->stranger, slice_of(address), loop_now_ms(p->site->loop), leave);
    LIST_INSERT_HEAD(&p->connections, c, others);
    c->handshake = tls_accept(p->site->loop, stream, HANDSHAKE_MS, &tls_events, c);
}

enum result mp_listener_open(struct mp_point *p, struct error *err)
{
    struct net_address at;
    enum result r = net_address_parse(slice_of(p->config->listen), &at, err);
    p->places = mp_config_connections(p->site->config, conf_descriptors());
    p->strangers = net_strangers_new(p->places / NET_STRANGERS_SHARE, NET_STRANGERS_HANDSHAKES, NET_STRANGERS_REFUSALS);
    p->devices = net_known_new();
    p->pulse = loop_timer_new(p->site->loop, on_pulse, p);
    if (r == OK)
        r = net_listen_tcp(p->site->loop, &at, false, on_accept, p, &p->listener, err);
    if (r != OK)
        return r;
    net_listener_keep(p->listener);
    net_listener_guard(p->listener, &guard);
    on_pulse(p);
    return OK;
}

static void close_listener(struct mp_point *p)
{
    net_listener_close(p->listener);
    p->listener = NULL;
}

void mp_listener_drain(struct mp_point *p)
{
    close_listener(p);
    struct mp_connection *c, *next;
    LIST_FOREACH_SAFE(c, &p->connections, others, next) {
        if (c->http)
            http_server_conn_drain(c->http);
    }
}

void mp_listener_close(struct mp_point *p)
{
    close_listener(p);
    loop_timer_free(p->pulse);
    p->pulse = NULL;
    struct mp_connection *c, *next;
    LIST_FOREACH_SAFE(c, &p->connections, others, next)
        end(c);
}
