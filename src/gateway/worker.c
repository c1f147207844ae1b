/* SPDX-License-Identifier: Apache-2.0 */
/* Accepting: socket → TLS → a client's connection or a connector's tunnel, each on the worker it belongs to. */
#include "gateway/worker.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host/gather.h"
#include "base/mem.h"
#include "base/rand.h"
#include "gateway/client/admission.h"
#include "gateway/client/arrival.h"
#include "gateway/client/balancer.h"
#include "gateway/client/certificates.h"
#include "gateway/client/connection.h"
#include "gateway/connectors.h"
#include "gateway/obtain/challenge.h"
#include "gateway/site/site.h"
#include "net/strangers.h"
#include "tls/stream.h"

enum { HANDSHAKE_MS = 10 * 1000, SWEEP_MS = 5 * 1000, PULSE_MS = 1000, VERDICTS_MAX = 65536 };

/* A socket whose handshake is under way. */
struct arrival {
    struct gateway_worker *worker;
    struct net_address peer;
    bool pinned;                      /* a tunnel that was sent to this worker: it stays */
    struct gateway_worker *elsewhere; /* where on_hello wants it; NULL: here */
    struct tls_handshake *handshake;
    struct tls_context *challenge; /* a CA asks whether the name leads here; NULL: it is somebody else */
    struct crowd_member stranger;
};

/* --- tunnels --- */

/* The one with fewest tunnels; the search starts at another one each time, so that ties go round. Whose they are the
 * handshake will tell: a connector that keeps more at one worker than at others must not keep everybody else's from it,
 * so that where they differ chance decides every second time. */
static struct gateway_worker *worker_for_tunnel(struct gateway *g)
{
    size_t start = atomic_fetch_add(&g->next_tunnel_worker, 1) % g->worker_count;
    struct gateway_worker *best = g->workers[start];
    unsigned most = 0;
    for (size_t i = 0; i < g->worker_count; i++) {
        struct gateway_worker *w = g->workers[(start + i) % g->worker_count];
        unsigned count = atomic_load(&w->tunnel_count);
        if (count < atomic_load(&best->tunnel_count))
            best = w;
        most = count > most ? count : most;
    }
    bool differ = most > atomic_load(&best->tunnel_count) + 1;
    return differ && rand_below(2) ? g->workers[rand_below((uint32_t)g->worker_count)] : best;
}

/* --- handshakes --- */

static void start_handshake(struct gateway_worker *w, struct net_stream *socket, const struct net_address *peer,
                            bool pinned);

static void arrival_free(struct arrival *a)
{
    a->worker->clients.connection_count--;
    crowd_part(a->worker->clients.strangers, &a->stranger);
    tls_context_unref(a->challenge);
    free(a);
}

static struct tls_context *on_hello(void *ctx, const struct tls_hello *hello)
{
    struct arrival *a = ctx;
    struct gateway *g = a->worker->gateway;
    if (tls_hello_offers_only(hello, CHALLENGE_ALPN))
        a->challenge = challenge_context(g->config->state, hello->sni);
    if (a->challenge)
        return a->challenge;
    if (!tls_hello_offers_only(hello, TUNNEL_ALPN))
        return certificates_choose(a->worker->clients.certificates, hello->sni);
    if (!a->pinned) {
        struct gateway_worker *best = worker_for_tunnel(g);
        atomic_fetch_add(&best->tunnel_count, 1);
        a->pinned = true;
        a->elsewhere = best == a->worker ? NULL : best;
    }
    return a->elsewhere ? NULL : g->tunnel_tls;
}

static void on_certificates(void *ctx, size_t bytes)
{
    struct arrival *a = ctx;
    net_stranger_shows(a->worker->clients.strangers, &a->stranger, bytes, loop_now_ms(a->worker->loop));
}

static void on_dear_group(void *ctx, size_t handshakes)
{
    struct arrival *a = ctx;
    net_stranger_pays(a->worker->clients.strangers, &a->stranger, handshakes, loop_now_ms(a->worker->loop));
}

struct transfer {
    struct gateway_worker *to;
    struct net_address peer;
    int fd;
    size_t len;
    char bytes[];
};

static void arrive_from_elsewhere(void *arg)
{
    struct transfer *t = arg;
    struct net_stream *socket = net_tcp_adopt(t->to->loop, t->fd, slice_make(t->bytes, t->len));
    if (admission_ask(&t->to->clients, &t->peer)) {
        start_handshake(t->to, socket, &t->peer, true);
    } else {
        atomic_fetch_sub(&t->to->tunnel_count, 1);
        net_stream_close(socket);
    }
    free(t);
}

static void on_detach(void *ctx, struct net_stream *below, struct slice already_read)
{
    struct arrival *a = ctx;
    struct transfer *t = mem_zalloc(sizeof *t + already_read.len);
    t->to = a->elsewhere;
    t->peer = a->peer;
    t->len = already_read.len;
    memcpy(t->bytes, already_read.ptr, already_read.len);
    t->fd = net_tcp_detach(below);
    loop_post(t->to->loop, arrive_from_elsewhere, t);
    arrival_free(a);
}

static void on_ready(void *ctx, struct net_stream *stream)
{
    struct arrival *a = ctx;
    struct gateway_worker *w = a->worker;
    metric_add(&w->metrics, METRIC_HANDSHAKES, 1);
    if (tls_stream_resumed(stream))
        metric_add(&w->metrics, METRIC_HANDSHAKES_RESUMED, 1);
    if (a->challenge) {
        LOG_EVENT(LOG_INFO, "acme", "a challenge was answered", LOG_S("host", log_cut(tls_stream_sni(stream))));
        net_stream_close(stream); /* RFC 8737 3: there is nothing to say */
    } else if (slice_eq(tls_stream_alpn(stream), SLICE(TUNNEL_ALPN))) {
        gateway_connector_arrive(w, stream, &a->stranger);
    } else {
        gateway_arrive(&w->clients, stream, &a->peer, &a->stranger);
    }
    arrival_free(a);
}

static void on_fail(void *ctx, const struct error *why)
{
    struct arrival *a = ctx;
    char peer[NET_ADDRESS_TEXT];
    net_address_format_host(&a->peer, peer);
    metric_add(&a->worker->metrics, METRIC_HANDSHAKES_FAILED, 1);
    if (a->pinned)
        atomic_fetch_sub(&a->worker->tunnel_count, 1);
    /* Scanners make many of these on the open Internet; those of connectors are worth a warning. */
    LOG_GATHERED(a->pinned ? LOG_WARN : LOG_INFO, "tls", net_group_of(peer).text, "handshake",
                 a->pinned ? "tunnel handshake failed" : "handshake failed", LOG_T("peer", peer),
                 LOG_S("reason", log_cut(slice_of(why->text))));
    arrival_free(a);
}

static const struct tls_accept_events tls_callbacks = {on_hello, on_detach,       on_ready,
                                                       on_fail,  on_certificates, on_dear_group};

static void make_room(struct crowd_member *m)
{
    struct arrival *a = container_of(m, struct arrival, stranger);
    char peer[NET_ADDRESS_TEXT];
    net_address_format_host(&a->peer, peer);
    admission_left(&a->worker->clients, peer);
    metric_add(&a->worker->metrics, METRIC_HANDSHAKES_FAILED, 1);
    if (a->pinned)
        atomic_fetch_sub(&a->worker->tunnel_count, 1);
    tls_handshake_cancel(a->handshake);
    arrival_free(a);
}

static void start_handshake(struct gateway_worker *w, struct net_stream *socket, const struct net_address *peer,
                            bool pinned)
{
    struct arrival *a = mem_zalloc(sizeof *a);
    *a = (struct arrival){.worker = w, .peer = *peer, .pinned = pinned};
    w->clients.connection_count++;
    char address[NET_ADDRESS_TEXT];
    net_address_format_group(peer, address);
    crowd_join(w->clients.strangers, &a->stranger, slice_of(address), loop_now_ms(w->loop), make_room);
    a->handshake = tls_accept(w->loop, socket, HANDSHAKE_MS, &tls_callbacks, a);
}

static void on_client(void *ctx, struct net_stream *socket, const struct net_address *client)
{
    struct gateway_worker *w = container_of(ctx, struct gateway_worker, clients);
    if (admission_ask(&w->clients, client))
        start_handshake(w, socket, client, false);
    else
        net_stream_close(socket);
}

static void on_accept(void *ctx, struct net_stream *socket, const struct net_address *peer)
{
    struct gateway_worker *w = container_of(ctx, struct gateway_worker, clients);
    if (!balancer_is(&w->gateway->config->balancers.from, peer))
        on_client(ctx, socket, peer);
    else if (admission_room(&w->clients, peer))
        balancer_ask(&w->clients, socket, peer, on_client);
    else
        net_stream_close(socket);
}

/* --- the snapshot --- */

/* In slices: requests get their turn between two of them. */
static void sweep(struct gateway_worker *w)
{
    bool done = gateway_connections_sweep(&w->clients, clock_wall_s());
    if (w->sweep)
        loop_timer_start(w->sweep, done ? SWEEP_MS : 1, 0);
}

static void begin_sweep(struct gateway_worker *w)
{
    w->clients.sweep_next = LIST_FIRST(&w->clients.connections);
    sweep(w);
}

static void refresh(void *arg)
{
    struct gateway_worker *w = arg;
    snapshot_unref(w->judge.snapshot);
    w->judge.snapshot = snapshot_current_get(&w->gateway->current);
    gateway_connectors_close_removed(w);
    begin_sweep(w);
}

void gateway_worker_refresh(struct gateway_worker *w)
{
    loop_post(w->loop, refresh, w);
}

static void take_certificates(void *arg)
{
    struct gateway_worker *w = arg;
    certificates_unref(w->clients.certificates);
    w->clients.certificates = shown_certificates_get(&w->gateway->shown);
    gateway_site_changed(w->site);
}

void gateway_worker_show(struct gateway_worker *w)
{
    loop_post(w->loop, take_certificates, w);
}

static void on_sweep(void *arg)
{
    struct gateway_worker *w = arg;
    if (w->clients.sweep_next) {
        sweep(w);
        return;
    }
    begin_sweep(w);
    if (w->index == 0)
        give_back(w);
}

static void on_pulse(void *arg)
{
    struct gateway_worker *w = arg;
    atomic_store_explicit(&w->beat, clock_mono_ms(), memory_order_relaxed);
    loop_timer_start(w->pulse, admission_end_late(&w->clients) ? 1 : PULSE_MS, 0);
}

/* --- life --- */

static enum result listen_at(struct gateway_worker *w, struct net_address *at, struct error *err)
{
    struct net_listener *l;
    enum result r = net_listen_tcp(w->loop, at, true, on_accept, &w->clients, &l, err);
    if (r != OK)
        return r;
    w->listeners[w->listener_count++] = l;
    net_listener_keep(l);
    net_listener_guard(l, &admission_guard);
    net_listener_address(l, at); /* the port, when it was 0 */
    return OK;
}

/* An earlier process may have had more workers, and the kernel goes on sharing out to all of its sockets. */
static size_t listeners_wanted(const struct gateway_worker *w, const struct net_address *at)
{
    size_t handed = net_handed_count(at), all = gateway_worker_count(w->gateway->config);
    size_t n = handed > w->index ? (handed - w->index - 1) / all + 1 : 1;
    return n < GATEWAY_LISTENERS_EACH ? n : GATEWAY_LISTENERS_EACH;
}

static enum result listen_all(struct gateway_worker *w, struct error *err)
{
    struct gateway *g = w->gateway;
    for (size_t i = 0; i < g->listen_count; i++) {
        size_t n = listeners_wanted(w, &g->listen[i]);
        while (n-- > 0) {
            if (listen_at(w, &g->listen[i], err) != OK)
                return error_prefix(err, "listen: %s", g->config->listen.items[i]);
        }
    }
    return OK;
}

enum result gateway_worker_new(struct gateway *g, size_t index, struct gateway_worker **ret, struct error *err)
{
    struct gateway_worker *w = mem_zalloc(sizeof *w);
    w->gateway = g;
    w->index = index;
    w->loop = loop_new();
    w->judge = (struct gateway_judge){.loop = w->loop,
                                      .verdicts = verdict_cache_new(VERDICTS_MAX),
                                      .metrics = &w->metrics,
                                      .site = g->config->bootstrap.site};
    request_desk_init(&w->desk, &w->tunnels, &g->current, (size_t)g->config->requests_per_device, w->loop);
    w->clients = (struct gateway_clients){.loop = w->loop,
                                          .judge = &w->judge,
                                          .metrics = &w->metrics,
                                          .places = &g->places,
                                          .hooks = &request_hooks,
                                          .desk = &w->desk,
                                          .certificates = shown_certificates_get(&g->shown)};
    w->sweep = loop_timer_new(w->loop, on_sweep, w);
    LIST_INIT(&w->clients.connections);
    w->connectors = gateway_connectors_new();
    w->pulse = loop_timer_new(w->loop, on_pulse, w);
    admission_start(&w->clients, g->config);
    *ret = w;
    return listen_all(w, err);
}

static void run_worker(void *arg)
{
    struct gateway_worker *w = arg;
    loop_timer_start(w->sweep, SWEEP_MS, 0);
    on_pulse(w);
    patience_renew(&w->desk.way.patience);
    gateway_site_start(w->site);
    loop_run(w->loop);
}

void gateway_worker_start(struct gateway_worker *w)
{
    char name[16];
    (void)snprintf(name, sizeof name, "worker-%zu", w->index);
    w->thread = loop_thread_start(name, run_worker, w);
}

static void close_listeners(struct gateway_worker *w)
{
    for (size_t i = 0; i < w->listener_count; i++)
        net_listener_close(w->listeners[i]);
    w->listener_count = 0;
}

static void drain(void *arg)
{
    struct gateway_worker *w = arg;
    close_listeners(w);
    w->clients.draining = true;
    struct gateway_connection *c, *next;
    LIST_FOREACH_SAFE(c, &w->clients.connections, link, next)
        gateway_connection_drain(c);
}

void gateway_worker_drain(struct gateway_worker *w)
{
    loop_post(w->loop, drain, w);
}

static void close_all(void *arg)
{
    struct gateway_worker *w = arg;
    close_listeners(w);
    struct gateway_connection *c, *next;
    LIST_FOREACH_SAFE(c, &w->clients.connections, link, next)
        http_server_conn_close(c->http);
    gateway_site_stop(w->site);
    request_desk_end(&w->desk);
    for (size_t i = w->tunnels.count; i-- > 0;)
        tunnel_close(w->tunnels.list[i]);
    loop_timer_free(w->sweep);
    loop_timer_free(w->pulse);
    w->sweep = w->pulse = NULL;
    loop_stop(w->loop);
}

/* The process ends right after: what is still under way (handshakes, closing streams) goes with it. */
void gateway_worker_stop(struct gateway_worker *w)
{
    loop_post(w->loop, close_all, w);
    if (w->thread)
        loop_thread_join(w->thread);
}
