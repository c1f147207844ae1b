/* SPDX-License-Identifier: Apache-2.0 */
/* See floor.h. */
#include "floor.h"

#include "base/mem.h"
#include "net/strangers.h"
#include "tls/stream.h"

/* --- streams --- */

static struct visitor *visitor_of(const struct net_stream *s)
{
    return container_of((struct net_stream *)(uintptr_t)s, struct visitor, stream);
}

static void stream_write(struct net_stream *s UNUSED, struct slice data UNUSED)
{
}

static size_t stream_queued(const struct net_stream *s UNUSED)
{
    return 0;
}

static void stream_pause(struct net_stream *s)
{
    visitor_of(s)->paused = true;
}

static void stream_resume(struct net_stream *s)
{
    visitor_of(s)->paused = false;
}

static void stream_shutdown(struct net_stream *s UNUSED)
{
}

static void stream_close(struct net_stream *s)
{
    visitor_of(s)->closed = true;
}

static const struct net_stream_ops stream_ops = {
    stream_write, NULL, stream_queued, stream_pause, stream_resume, stream_shutdown, stream_close};

struct slice __wrap_tls_stream_alpn(const struct net_stream *s);
struct slice __wrap_tls_stream_sni(const struct net_stream *s);
X509 *__wrap_tls_stream_peer(const struct net_stream *s);
STACK_OF(X509) * __wrap_tls_stream_peer_chain(const struct net_stream *s);
bool __wrap_tls_stream_resumed(const struct net_stream *s);

struct slice __wrap_tls_stream_alpn(const struct net_stream *s)
{
    return slice_of(visitor_of(s)->alpn);
}

struct slice __wrap_tls_stream_sni(const struct net_stream *s)
{
    return slice_of(visitor_of(s)->sni);
}

X509 *__wrap_tls_stream_peer(const struct net_stream *s)
{
    return sk_X509_value(visitor_of(s)->shown, 0);
}

STACK_OF(X509) * __wrap_tls_stream_peer_chain(const struct net_stream *s)
{
    return visitor_of(s)->shown;
}

bool __wrap_tls_stream_resumed(const struct net_stream *s)
{
    return visitor_of(s)->resumed;
}

/* --- the HTTP server --- */

static struct fake_http *http_of(const struct http_server_conn *c)
{
    return container_of((struct http_server_conn *)(uintptr_t)c, struct fake_http, face);
}

static void end_connection(void *arg)
{
    struct fake_http *c = arg;
    struct visitor *v = visitor_of(c->stream);
    v->gone = true;
    v->http = NULL;
    c->events->on_close(c->owner);
    free(c);
}

static void http_close(struct http_server_conn *c)
{
    struct fake_http *h = http_of(c);
    if (!h->closed)
        loop_post(visitor_of(h->stream)->floor->loop, end_connection, h);
    h->closed = true;
}

static void http_stop(struct http_server_conn *c)
{
    http_of(c)->stopped = true;
}

static void http_let_in(struct http_server_conn *c)
{
    http_of(c)->let_in = true;
}

static size_t http_exchanges(const struct http_server_conn *c)
{
    return http_of(c)->exchanges;
}

static const struct http_server_conn_ops http_ops = {
    .drain = http_close, .stop = http_stop, .close = http_close, .let_in = http_let_in, .exchanges = http_exchanges};

struct http_server_conn *__wrap_http_server_conn_new(struct loop *loop, struct net_stream *stream, bool h2,
                                                     const struct http_server_limits *limits,
                                                     const struct http_server_events *events, void *owner);

struct http_server_conn *__wrap_http_server_conn_new(struct loop *loop UNUSED, struct net_stream *stream, bool h2,
                                                     const struct http_server_limits *limits UNUSED,
                                                     const struct http_server_events *events, void *owner)
{
    struct fake_http *c = mem_zalloc(sizeof *c);
    *c = (struct fake_http){.face.ops = &http_ops, .events = events, .owner = owner, .stream = stream, .h2 = h2};
    visitor_of(stream)->http = c;
    return &c->face;
}

/* --- the responder --- */

struct fake_responder fake_responder;

bool responder_named(const struct bundle *b UNUSED)
{
    return fake_responder.named;
}

void responder_recall(void *responder UNUSED, const unsigned char key[PKI_OCSP_KEY_SIZE] UNUSED, int64_t now UNUSED,
                      struct pki_ocsp_answer *ret)
{
    *ret = fake_responder.answer;
}

void responder_ask(struct responder *r UNUSED, const char *holder UNUSED, struct pki_ocsp_questions *q,
                   struct loop *loop, loop_fn *done, void *arg)
{
    pki_ocsp_questions_done(q);
    fake_responder.asked++;
    fake_responder.loop = loop;
    fake_responder.done = done;
    fake_responder.arg = arg;
}

/* --- life --- */

/* A management point's endpoints among them. */
#define ALL "both certificates tokens sts mp-ehttp mp-https below-other narrow slashes web own site source"

int floor_setup(void **state)
{
    struct floor *f = mem_zalloc(sizeof *f);
    void *kit;
    if (kit_setup(&kit) != 0)
        return -1;
    f->k = kit;
    f->loop = f->k->judge.loop;
    fake_wall_s = NOW;
    fake_mono_ms = loop_now_ms(f->loop);
    fake_trust_slow = fake_trust_asks = false;
    fake_trust_whole_answers = 0;
    fake_responder = (struct fake_responder){.named = false};
    f->config.handshakes_per_address = 100;
    f->config.refusals_per_address = 10;
    f->places = (struct gateway_places){.connections = 8, .strangers_per_address = 4, .connections_per_device = 2};
    f->inside.reaches = ALL;
    (void)!gateway_tunnels_add(&f->tunnels, &f->inside);
    snapshot_current_init(&f->current, NULL, NULL);
    f->k->snapshot.refs = 1 << 16; /* never freed by others: it is the kit's */
    snapshot_current_put(&f->current, &f->k->snapshot);
    request_desk_init(&f->desk, &f->tunnels, &f->current, FLOOR_REQUESTS_PER_DEVICE, f->loop);
    f->clients = (struct gateway_clients){.loop = f->loop,
                                          .judge = &f->k->judge,
                                          .metrics = &f->k->metrics,
                                          .places = &f->places,
                                          .hooks = &request_hooks,
                                          .desk = &f->desk};
    served_init(&f->served);
    served_add(&f->served, "DNS:gw.example,DNS:web.example", NULL, 0);
    served_add(&f->served, "DNS:own.example", NULL, 0);
    if (certificates_load(&f->served.config, &f->clients.certificates, &f->k->detail) != OK)
        fail_msg("%s", f->k->detail.text);
    LIST_INIT(&f->clients.connections);
    admission_start(&f->clients, &f->config);
    floor_heard(f);
    way_reset();
    *state = f;
    return 0;
}

static void visitor_free(struct visitor *v)
{
    sk_X509_pop_free(v->shown, X509_free);
    free(v);
}

int floor_teardown(void **state)
{
    struct floor *f = *state;
    void *kit = f->k;
    for (struct visitor *v = f->visitors, *next; v; v = next) {
        next = v->next;
        if (v->http) {
            request_hooks.abort(v->http->owner);
            http_server_conn_close(&v->http->face);
        }
        fake_loop_settle(f->loop);
        visitor_free(v);
    }
    assert_int_equal(f->clients.connection_count, 0);
    crowd_free(f->clients.strangers);
    crowd_free(f->clients.long_chains);
    crowd_free(f->clients.devices);
    request_desk_end(&f->desk);
    crowd_free(f->desk.way.devices);
    crowd_free(f->desk.way.heads);
    certificates_unref(f->clients.certificates);
    served_done(&f->served);
    way_reset();
    free(f);
    return kit_teardown(&kit);
}

void floor_pass(struct floor *f, uint64_t ms)
{
    fake_loop_pass(f->loop, ms);
    fake_mono_ms = loop_now_ms(f->loop);
}

void floor_heard(struct floor *f)
{
    int64_t mono = (int64_t)(fake_mono_ms / 1000);
    snapshot_current_heard(&f->current, mono);
    snapshot_current_confirm(&f->current, (struct snapshot_time){fake_wall_s, mono});
}

/* --- visitors --- */

static void leave_handshake(struct crowd_member *m)
{
    struct visitor *v = container_of(m, struct visitor, handshake);
    admission_left(&v->floor->clients, "192.0.2.1");
    v->floor->clients.connection_count--;
    v->gone = true;
}

struct visitor *floor_arrive(struct floor *f, const char *address, X509 *const *shown, size_t count)
{
    struct net_address at;
    struct error err;
    char text[NET_ADDRESS_TEXT];
    (void)snprintf(text, sizeof text, "%s:50000", address);
    assert_int_equal(net_address_parse(slice_of(text), &at, &err), OK);
    if (!admission_ask(&f->clients, &at))
        return NULL;
    struct visitor *v = mem_zalloc(sizeof *v);
    *v = (struct visitor){.stream.ops = &stream_ops, .floor = f, .alpn = "http/1.1", .sni = "gw.example"};
    v->next = f->visitors;
    f->visitors = v;
    for (size_t i = 0; i < count; i++) {
        if (!v->shown)
            v->shown = sk_X509_new_null();
        (void)X509_up_ref(shown[i]);
        sk_X509_push(v->shown, shown[i]);
    }

    f->clients.connection_count++; /* as worker.c does for a handshake */
    net_address_format_group(&at, text);
    crowd_join(f->clients.strangers, &v->handshake, slice_of(text), loop_now_ms(f->loop), leave_handshake);
    gateway_arrive(&f->clients, &v->stream, &at, &v->handshake);
    f->clients.connection_count--;
    return v;
}

struct visitor *floor_come(struct floor *f, const char *address, const struct pair *shown)
{
    struct visitor *v = shown ? floor_arrive(f, address, &shown->cert, 1) : floor_arrive(f, address, NULL, 0);
    if (v)
        fake_loop_settle(f->loop);
    assert_true(!v || v->http);
    return v;
}

struct gateway_connection *floor_connection(const struct visitor *v)
{
    assert_non_null(v->http);
    return v->http->owner;
}

void floor_send(struct visitor *v, struct asker *a)
{
    v->http->events->on_request(v->http->owner, &a->exchange);
}

struct asker *floor_ask(struct visitor *v, const char *method, const char *authority, const char *target)
{
    struct asker *a = asker_new(method, authority, target);
    floor_send(v, a);
    return a;
}

void floor_leave(struct visitor *v)
{
    request_hooks.abort(v->http->owner);
    http_server_conn_close(&v->http->face);
    fake_loop_settle(v->floor->loop);
}

long long floor_away(const struct floor *f, enum gateway_away why)
{
    return atomic_load(&f->k->metrics.away[why]);
}

long long floor_refused(const struct floor *f, enum verdict_reason reason)
{
    return atomic_load(&f->k->metrics.refusals[reason]);
}
