/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of strangers, all of them: who stays too long, or comes too often, goes. In the loop's thread. */
#include "gateway/join/listener.h"

#include <bsd/sys/queue.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "http/server.h"
#include "net/strangers.h"
#include "pki/cert/cert.h"
#include "pki/issue/issue.h"
#include "tls/context.h"
#include "tls/stream.h"

enum {
    LISTENERS_MAX = 4,
    PLACES = 256,
    HANDSHAKE_MS = 10 * 1000,
    ANSWER_MAX = 32 * 1024,
    HANDSHAKES = 20, /* a second, of an address */
    ANSWERS = 5,     /* the same: what is brought is a signature to look at */
    PULSE_MS = 1000,
    DAY_S = 86400
};

#define PATH SLICE("/.cmg/join")

struct join_listener {
    struct loop *loop;
    const struct join_listener_events *events;
    void *owner;
    struct net_listener *listeners[LISTENERS_MAX];
    struct tls_context *tls;
    struct crowd *strangers;
    struct loop_timer *pulse;
    LIST_HEAD(, visitor) visitors;
    size_t count;
    struct visitor *bringer; /* of the answer that counted */
    bool done, ending;
};

struct visitor {
    struct join_listener *all;
    LIST_ENTRY(visitor) others;
    struct crowd_member stranger;
    struct tls_handshake *handshake; /* until it is done */
    struct http_server_conn *http;
};

/* A POST whose body comes; in the exchange's arena. */
struct upload {
    struct visitor *from;
    struct http_exchange *x;
    struct buf body;
    bool too_long;
};

/* --- connections --- */

static void visitor_free(struct visitor *v)
{
    struct join_listener *l = v->all;
    LIST_REMOVE(v, others);
    l->count--;
    crowd_part(l->strangers, &v->stranger);
    bool told = l->bringer == v;
    if (told)
        l->bringer = NULL;
    free(v);
    if (told)
        l->events->on_told(l->owner);
    if (l->ending && !l->count)
        loop_stop(l->loop);
}

static void end(struct visitor *v)
{
    if (v->http) {
        http_server_conn_close(v->http); /* on_close frees it */
        return;
    }
    tls_handshake_cancel(v->handshake);
    visitor_free(v);
}

static void leave(struct crowd_member *m)
{
    end(container_of(m, struct visitor, stranger));
}

/* Each answer is charged, the request's own too: nobody's connection asks without end, so that a connector's turn comes
 * soon. */
static void charge(struct visitor *v)
{
    if (!crowd_take_as(v->all->strangers, &v->stranger, NET_STRANGER_REFUSAL, loop_now_ms(v->all->loop)))
        http_server_conn_stop(v->http);
}

static void refuse(struct visitor *v, struct http_exchange *x, int status, const char *words)
{
    http_exchange_reply(x, status, "text/plain; charset=utf-8", slice_of(words), NULL);
    charge(v);
}

static void show_request(struct visitor *v, struct http_exchange *x)
{
    http_exchange_reply(x, 200, "application/jose", v->all->events->on_get(v->all->owner), NULL);
    charge(v);
}

/* --- the two requests --- */

static void on_body(void *ctx, struct slice data)
{
    struct upload *u = ctx;
    u->too_long = u->too_long || buf_append(&u->body, data) != OK;
    if (u->too_long)
        buf_free(&u->body);
    http_exchange_consumed(u->x, data.len);
}

static void on_body_end(void *ctx)
{
    struct upload *u = ctx;
    struct visitor *v = u->from;
    struct join_listener *l = v->all;
    bool counts = !u->too_long && !l->done && l->events->on_answer(l->owner, buf_data(&u->body));
    buf_free(&u->body);
    if (!counts) {
        refuse(v, u->x, u->too_long ? 413 : 403, "this is not the site's answer to this gateway\n");
        return;
    }
    l->done = true;
    l->bringer = v;
    http_exchange_reply(u->x, 204, NULL, SLICE_NONE, NULL);
    http_server_conn_drain(v->http);
}

static void on_sent(void *ctx, size_t n)
{
    (void)ctx;
    (void)n;
}

static void on_abort(void *ctx, const struct error *why)
{
    (void)why;
    buf_free(&((struct upload *)ctx)->body);
}

static void take_answer(struct visitor *v, struct http_exchange *x)
{
    static const struct http_exchange_events events = {on_body, on_body_end, on_sent, on_abort};
    struct upload *u = arena_alloc(x->arena, sizeof *u);
    if (!u) {
        http_exchange_reset(x);
        return;
    }
    *u = (struct upload){.from = v, .x = x};
    buf_init(&u->body, ANSWER_MAX);
    x->events = &events;
    x->ctx = u;
}

static void on_request(void *owner, struct http_exchange *x)
{
    struct visitor *v = owner;
    if (!slice_eq(x->request.target, PATH))
        refuse(v, x, 404, "this gateway has not joined its site yet\n");
    else if (slice_eq(x->request.method, SLICE("GET")))
        show_request(v, x);
    else if (slice_eq(x->request.method, SLICE("POST")))
        take_answer(v, x);
    else
        refuse(v, x, 405, "only GET and POST here\n");
}

static void on_close(void *owner)
{
    visitor_free(owner);
}

static void on_held(void *owner, size_t bytes)
{
    struct visitor *v = owner;
    net_stranger_holds(v->all->strangers, &v->stranger, bytes);
}

static const struct http_server_events http_events = {
    .on_request = on_request, .on_held = on_held, .on_close = on_close};

/* --- TLS --- */

static void on_ready(void *ctx, struct net_stream *stream)
{
    static const struct http_server_limits limits = {
        .head_ms = 10 * 1000, .idle_ms = 20 * 1000, .body_ms = 10 * 1000, .streams = 1, .stranger = true};
    struct visitor *v = ctx;
    v->handshake = NULL;
    v->http = http_server_conn_new(v->all->loop, stream, false, &limits, &http_events, v);
}

static void on_fail(void *ctx, const struct error *why)
{
    (void)why;
    visitor_free(ctx);
}

static struct tls_context *on_hello(void *ctx, const struct tls_hello *hello)
{
    (void)hello;
    return ((struct visitor *)ctx)->all->tls;
}

static void on_detach(void *ctx, struct net_stream *below, struct slice already_read)
{
    (void)already_read; /* never asked for: on_hello always answers */
    net_stream_close(below);
    visitor_free(ctx);
}

static void on_dear_group(void *ctx, size_t handshakes)
{
    struct visitor *v = ctx;
    net_stranger_pays(v->all->strangers, &v->stranger, handshakes, loop_now_ms(v->all->loop));
}

static const struct tls_accept_events tls_events = {.on_hello = on_hello,
                                                    .on_dear_group = on_dear_group,
                                                    .on_detach = on_detach,
                                                    .on_ready = on_ready,
                                                    .on_fail = on_fail};

/* --- accepting --- */

static void on_accept(void *ctx, struct net_stream *stream, const struct net_address *peer)
{
    struct join_listener *l = ctx;
    char group[NET_ADDRESS_TEXT];
    uint64_t now_ms = loop_now_ms(l->loop);
    net_address_format_group(peer, group);
    if (!net_strangers_let_come(l->strangers, slice_of(group), PLACES / NET_STRANGERS_SHARE, now_ms) ||
        (l->count >= PLACES && !crowd_make_room(l->strangers, NULL))) {
        net_stream_close(stream);
        return;
    }
    struct visitor *v = mem_zalloc(sizeof *v);
    l->count++;
    v->all = l;
    crowd_join(l->strangers, &v->stranger, slice_of(group), now_ms, leave);
    LIST_INSERT_HEAD(&l->visitors, v, others);
    v->handshake = tls_accept(l->loop, stream, HANDSHAKE_MS, &tls_events, v);
}

static void on_pulse(void *arg)
{
    struct join_listener *l = arg;
    loop_timer_start(l->pulse, net_strangers_end_late(l->strangers, clock_mono_ms()) ? 1 : PULSE_MS, 0);
}

/* --- life --- */

/* Nobody is to believe it; TLS wants one. */
static enum result make_context(struct join_listener *l, EVP_PKEY *key, const char *host, struct error *err)
{
    const char *hosts[] = {host, NULL};
    int64_t now = clock_wall_s();
    X509 *cert = NULL;
    struct pki_request r = {.profile = PKI_TLS_SERVER,
                            .common_name = "a gateway that joins",
                            .hosts = hosts,
                            .not_before = now - DAY_S,
                            .not_after = now + 8 * DAY_S,
                            .subject_key = key};
    enum result result = pki_issue(&r, &cert, err);
    if (result != OK)
        return result;
    char *pem = pki_cert_pem(cert), *key_pem = pki_key_pem(key);
    struct tls_server_options o = {.identity = {slice_of(pem), slice_of(key_pem)}, .alpn = "http/1.1"};
    result = tls_context_server(&o, &l->tls, err);
    mem_free_secret(key_pem, strlen(key_pem));
    free(pem);
    X509_free(cert);
    return result;
}

static enum result listen_at(struct join_listener *l, const char *at, size_t i, struct error *err)
{
    struct net_address address;
    enum result r = net_address_parse(slice_of(at), &address, err);
    return r == OK ? net_listen_tcp(l->loop, &address, false, on_accept, l, &l->listeners[i], err) : r;
}

enum result join_listener_new(struct loop *loop, const char *const *at, size_t count, EVP_PKEY *key, const char *host,
                              const struct join_listener_events *events, void *owner, struct join_listener **ret,
                              struct error *err)
{
    struct join_listener *l = mem_zalloc(sizeof *l);
    *l = (struct join_listener){.loop = loop, .events = events, .owner = owner};
    l->strangers = net_strangers_new(PLACES / NET_STRANGERS_SHARE, HANDSHAKES, ANSWERS);
    l->pulse = loop_timer_new(loop, on_pulse, l);
    enum result r = count <= LISTENERS_MAX
                        ? make_context(l, key, host, err)
                        : error_set(err, R_LIMIT, "a gateway joins at %d addresses at most", LISTENERS_MAX);
    for (size_t i = 0; r == OK && i < count; i++)
        r = listen_at(l, at[i], i, err);
    if (r != OK) {
        join_listener_free(l);
        return r;
    }
    on_pulse(l);
    *ret = l;
    return OK;
}

void join_listener_free(struct join_listener *l)
{
    if (!l)
        return;
    l->bringer = NULL;
    for (size_t i = 0; i < LISTENERS_MAX; i++)
        net_listener_close(l->listeners[i]);
    struct visitor *v, *next;
    LIST_FOREACH_SAFE(v, &l->visitors, others, next)
        end(v);
    l->ending = true;
    if (l->count)
        loop_run(l->loop);
    loop_timer_free(l->pulse);
    tls_context_unref(l->tls);
    crowd_free(l->strangers);
    free(l);
}
