/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loopback_stream.h"
#include "net/tcp.h"
#include "pool_kit.h"
#include "tls/stream.h"

struct fixture *fix;

/* --- stand-ins for src/net and src/tls --- */

struct net_dial {
    struct loop_timer *timer;
    const struct net_dial_events *events;
    void *ctx;
};

static void server_data(void *ctx, struct slice data)
{
    struct server *s = ctx;
    assert_int_equal(buf_append(&s->got, data), OK);
}

static void server_end(void *ctx)
{
    ((struct server *)ctx)->eof = true;
}

static void server_close(void *ctx, const struct error *why)
{
    (void)why;
    ((struct server *)ctx)->eof = true;
}

static const struct net_stream_events server_events = {
    .on_data = server_data, .on_end = server_end, .on_close = server_close};

static void h2_on_request(void *owner, struct http_exchange *x)
{
    struct fixture *f = owner;
    f->h2_requests++;
    if (!slice_eq(x->request.target, SLICE("/parked")))
        http_exchange_reply(x, 200, NULL, x->request.target, NULL);
}

static void h2_on_close(void *owner, const struct error *why)
{
    (void)why;
    ((struct fixture *)owner)->h2_closes++;
}

static void h2_on_drain(void *owner)
{
    (void)owner;
}

static const struct http_h2_events h2_events = {
    .on_request = h2_on_request, .on_drain = h2_on_drain, .on_close = h2_on_close};

static void dial_done(void *arg)
{
    struct net_dial *d = arg;
    const struct net_dial_events *events = d->events;
    void *ctx = d->ctx;
    loop_timer_free(d->timer);
    free(d);
    if (fix->dial_fails != OK) {
        struct error why;
        (void)error_set(&why, fix->dial_fails, "no way");
        events->on_fail(ctx, &why);
        return;
    }
    struct net_stream *ours;
    struct server *s = &fix->servers[fix->dials++];
    loopback_pair(fix->loop, 0, 0, &ours, &s->stream);
    buf_init(&s->got, 1 << 20);
    net_stream_set_events(s->stream, &server_events, s);
    events->on_open(ctx, ours);
}

struct net_dial *net_dial_tcp(struct loop *loop, const char *host, uint16_t port, uint64_t timeout_ms,
                              const struct net_dial_events *events, void *ctx)
{
    assert_string_equal(host, "mp.internal");
    assert_int_equal(port, 8080);
    struct net_dial *d = mem_zalloc(sizeof *d);
    *d = (struct net_dial){loop_timer_new(loop, dial_done, d), events, ctx};
    if (!fix->dial_hangs)
        loop_timer_start(d->timer, 1, 0);
    (void)timeout_ms;
    return d;
}

void net_dial_cancel(struct net_dial *d)
{
    if (!d)
        return;
    loop_timer_free(d->timer);
    free(d);
}

struct tls_handshake {
    struct loop_timer *timer;
    struct net_stream *below;
    const struct tls_connect_events *events;
    void *ctx;
    struct server *server;
    const char *only; /* the protocol that is offered; NULL: all */
};

static void speak_h2(struct server *s)
{
    const struct http_h2_options o = {.max_streams = fix->h2_streams ? fix->h2_streams : 100, .window_budget = 1 << 20};
    fix->h2 = http_h2_server(fix->loop, s->stream, &o, &h2_events, fix);
    s->stream = NULL;
}

static void handshake_done(void *arg)
{
    struct tls_handshake h = *(struct tls_handshake *)arg;
    fix->agreed = h.only ? h.only : fix->alpn;
    loop_timer_free(h.timer);
    free(arg);
    net_stream_resume(h.below);
    if (!fix->tls_fails) {
        if (fix->agreed && strcmp(fix->agreed, "h2") == 0)
            speak_h2(h.server);
        h.events->on_ready(h.ctx, h.below);
        return;
    }
    struct error why;
    (void)error_set(&why, R_DENIED, "%s", fix->tls_fails);
    net_stream_close(h.below);
    h.events->on_fail(h.ctx, &why);
}

struct tls_handshake *tls_connect(struct loop *loop, struct net_stream *below, struct tls_context *context,
                                  const char *name, uint64_t timeout_ms, const struct tls_connect_events *events,
                                  void *ctx)
{
    assert_non_null(context);
    assert_string_equal(name, "mp.internal");
    assert_true(timeout_ms > 0);
    struct tls_handshake *h = mem_zalloc(sizeof *h);
    *h = (struct tls_handshake){loop_timer_new(loop, handshake_done, h), below, events, ctx,
                                &fix->servers[fix->dials - 1],           NULL};
    net_stream_pause(below); /* what comes early is for the stream's next owner */
    loop_timer_start(h->timer, 1, 0);
    return h;
}

void tls_handshake_offer_only(struct tls_handshake *h, const char *protocol)
{
    h->only = protocol;
}

void tls_handshake_cancel(struct tls_handshake *h)
{
    if (!h)
        return;
    loop_timer_free(h->timer);
    net_stream_close(h->below);
    free(h);
}

struct slice tls_stream_alpn(const struct net_stream *s)
{
    (void)s;
    return slice_of(fix->agreed);
}

bool tls_stream_alert_certificate_required(const struct net_stream *s)
{
    (void)s;
    return fix->alert_116;
}

static unsigned contexts;

struct tls_context *tls_context_ref(struct tls_context *c)
{
    contexts++;
    return c;
}

void tls_context_unref(struct tls_context *c)
{
    contexts -= c != NULL;
}

/* --- a call as the user sees it --- */

static void on_inform(void *ctx, const struct http_response *head)
{
    ((struct asked *)ctx)->inform = head->status;
}

static void on_response(void *ctx, const struct http_response *head)
{
    struct asked *a = ctx;
    a->nested |= a->inside;
    a->status = head->status;
    a->length = head->content_length;
    assert_true(slice_to_cstr(head->reason, a->reason, sizeof a->reason));
}

static void on_body(void *ctx, struct slice data)
{
    struct asked *a = ctx;
    assert_false(a->ended || a->failed);
    assert_int_equal(buf_append(&a->body, data), OK);
    if (a->cancel_in_body || a->free_pool_in_body) {
        http_call_cancel(a->call);
        a->call = NULL;
    }
    if (a->free_pool_in_body) {
        http_pool_free(fix->pool);
        fix->pool = NULL;
    } else if (a->call && a->consume) {
        http_call_consumed(a->call, data.len);
    }
}

static void on_end(void *ctx, const struct http_fields *trailers)
{
    struct asked *a = ctx;
    assert_false(a->ended || a->failed);
    a->ended = true;
    a->call = NULL;
    if (trailers)
        assert_true(slice_to_cstr(trailers->list[0].value, a->trailer, sizeof a->trailer));
    if (a->free_pool_in_end) {
        http_pool_free(fix->pool);
        fix->pool = NULL;
    }
}

static void on_sent(void *ctx, size_t n)
{
    struct asked *a = ctx;
    a->nested |= a->inside;
    a->sent += n;
}

static void on_fail(void *ctx, const struct http_failure *why)
{
    struct asked *a = ctx;
    assert_false(a->ended || a->failed);
    a->nested |= a->inside;
    a->failed = true;
    a->call = NULL;
    a->why = *why;
}

static const struct http_call_events call_events = {.on_inform = on_inform,
                                                    .on_response = on_response,
                                                    .on_body = on_body,
                                                    .on_end = on_end,
                                                    .on_sent = on_sent,
                                                    .on_fail = on_fail};

struct http_request request_of(const char *method, const char *target)
{
    return (struct http_request){.version = HTTP_1_1,
                                 .method = slice_of(method),
                                 .scheme = SLICE("https"),
                                 .authority = SLICE("mp"),
                                 .target = slice_of(target),
                                 .content_length = -1};
}

enum result ask_for(struct asked *a, const char *whom, const struct http_request *r)
{
    *a = (struct asked){.inside = true, .consume = true};
    buf_init(&a->body, 1 << 22);
    enum result got = http_pool_call(fix->pool, slice_of(whom), r, &call_events, a, &a->call, NULL);
    a->inside = false;
    return got;
}

enum result ask_request(struct asked *a, const struct http_request *r)
{
    return ask_for(a, "", r);
}

void ask(struct asked *a, const char *method, const char *target)
{
    struct http_request r = request_of(method, target);
    assert_int_equal(ask_request(a, &r), OK);
}

void done(struct asked *a)
{
    assert_false(a->nested);
    buf_free(&a->body);
}

void settle(void)
{
    fake_loop_pass(fix->loop, 3);
}

void expect_request(unsigned i, const char *want)
{
    settle();
    assert_true(fix->dials > i);
    char *got = buf_take_str(&fix->servers[i].got);
    assert_string_equal(got ? got : "", want);
    free(got);
}

void answer(unsigned i, const char *text)
{
    net_stream_write(fix->servers[i].stream, slice_of(text));
    settle();
}

void server_closes(unsigned i)
{
    net_stream_close(fix->servers[i].stream);
    fix->servers[i].stream = NULL;
    settle();
}

void expect_failure(struct asked *a, enum http_failure_kind kind, bool unsent, bool answered)
{
    settle();
    if (!a->failed || a->why.kind != kind)
        fail_msg("wanted failure %s, got %s: %s", http_failure_name(kind),
                 a->failed ? http_failure_name(a->why.kind) : "none", a->why.error.text);
    assert_int_equal(a->why.unsent, unsent);
    assert_int_equal(a->why.answered, answered);
    done(a);
}

struct http_pool_options options(bool tls)
{
    struct http_pool_options o = {.host = "mp.internal",
                                  .port = 8080,
                                  .tls = tls ? (struct tls_context *)(void *)fix : NULL,
                                  .max_connections = 2,
                                  .max_waiting = 3,
                                  .connect_ms = 4000,
                                  .idle_ms = 60000,
                                  .answer_ms = 0};
    return o;
}

void set_pool(const struct http_pool_options *o)
{
    http_pool_free(fix->pool);
    fix->pool = http_pool_new(fix->loop, o);
}

int set_up(void **state)
{
    fix = mem_zalloc(sizeof *fix);
    fix->loop = loop_new();
    contexts = 0;
    struct http_pool_options o = options(false);
    set_pool(&o);
    *state = fix;
    return 0;
}

int tear_down(void **state)
{
    (void)state;
    http_pool_free(fix->pool);
    fake_loop_pass(fix->loop, 100);
    for (unsigned i = 0; i < fix->dials; i++) {
        net_stream_close(fix->servers[i].stream);
        buf_free(&fix->servers[i].got);
    }
    fake_loop_pass(fix->loop, 100);
    assert_int_equal(contexts, 0);
    loop_free(fix->loop);
    free(fix);
    return 0;
}
