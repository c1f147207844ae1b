/* SPDX-License-Identifier: Apache-2.0 */
/* See h2_kit.h. Bodies are a pattern that both sides know, so that a byte lost, doubled or moved is seen. */
#include "h2_kit.h"
#include "http/websocket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"

enum { PIECE = 16 * 1024 };

const struct http_h2_options kit_h2 = {.max_streams = 256, .window_budget = 8 * 1024 * 1024};

/* --- the loop --- */

static void watch(void *arg)
{
    struct kit *k = arg;
    k->timed_out = loop_now_ms(k->loop) >= k->until_ms;
    if (k->timed_out || k->until(k->until_arg))
        loop_stop(k->loop);
}

bool kit_run(struct kit *k, bool (*cond)(void *arg), void *arg, uint64_t ms)
{
    if (cond(arg))
        return true;
    k->until = cond;
    k->until_arg = arg;
    k->until_ms = UINT64_MAX;
    k->timed_out = false;
    k->until_ms = loop_now_ms(k->loop) + ms;
    loop_timer_start(k->watch, 1, 1);
    loop_run(k->loop);
    loop_timer_stop(k->watch);
    return cond(arg);
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

void kit_pass(struct kit *k, uint64_t ms)
{
    (void)kit_run(k, never, NULL, ms);
}

/* --- the server --- */

struct job {
    struct kit *kit;
    struct http_exchange *x;
    void (*on_body)(struct job *j, struct slice data);
    void (*on_end)(struct job *j);
    void (*on_sent)(struct job *j, size_t n);
    size_t left, at, unreported;
};

static struct http_response head_of(int status)
{
    return (struct http_response){.status = status, .reason = SLICE(""), .content_length = -1};
}

static void job_free(struct job *j)
{
    free(j);
}

static void fill(char *piece, size_t at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        piece[i] = kit_byte(at + i);
}

static void send_more(struct job *j)
{
    char piece[PIECE];
    while (j->left && j->unreported + PIECE <= HTTP_WRITE_AHEAD) {
        size_t n = j->left < PIECE ? j->left : PIECE;
        fill(piece, j->at, n);
        http_exchange_write(j->x, slice_make(piece, n));
        j->at += n;
        j->left -= n;
        j->unreported += n;
    }
    if (j->left == 0) {
        http_exchange_finish(j->x, NULL);
        job_free(j);
    }
}

static void job_body(void *ctx, struct slice data)
{
    struct job *j = ctx;
    j->kit->server_unconsumed += data.len;
    if (j->kit->server_unconsumed > j->kit->server_most)
        j->kit->server_most = j->kit->server_unconsumed;
    if (j->on_body)
        j->on_body(j, data);
}

static void credit(struct job *j, size_t n)
{
    j->kit->server_unconsumed -= n;
    http_exchange_consumed(j->x, n);
}

static void job_end(void *ctx)
{
    struct job *j = ctx;
    if (j->on_end)
        j->on_end(j);
}

static void job_sent(void *ctx, size_t n)
{
    struct job *j = ctx;
    if (j->on_sent)
        j->on_sent(j, n);
}

static void bytes_sent(struct job *j, size_t n)
{
    assert_true(n <= j->unreported);
    j->unreported -= n;
    send_more(j);
}

static void reset_now(struct job *j, size_t n)
{
    (void)n;
    http_exchange_reset(j->x);
    job_free(j);
}

static void job_abort(void *ctx, const struct error *why)
{
    struct job *j = ctx;
    assert_non_null(why);
    j->kit->aborts++;
    job_free(j);
}

static const struct http_exchange_events job_events = {
    .on_body = job_body, .on_body_end = job_end, .on_sent = job_sent, .on_abort = job_abort};

static void echo_body(struct job *j, struct slice data)
{
    http_exchange_write(j->x, data);
}

static void sink_body(struct job *j, struct slice data)
{
    for (size_t i = 0; i < data.len; i++)
        if (data.ptr[i] != kit_byte(j->at + i))
            fail_msg("byte %zu of the upload is wrong", j->at + i);
    j->at += data.len;
    credit(j, data.len);
}

static void end_with_finish(struct job *j)
{
    http_exchange_finish(j->x, NULL);
    job_free(j);
}

static void end_with_204(struct job *j)
{
    struct http_response head = head_of(204);
    http_exchange_respond(j->x, &head, true);
    job_free(j);
}

static void do_echo(struct job *j)
{
    struct http_response head = head_of(j->x->request.protocol.len ? 101 : 200);
    assert_true(!j->x->request.protocol.len || slice_eq(j->x->request.method, SLICE("GET")));
    j->on_body = echo_body;
    j->on_sent = credit; /* what went on is consumed */
    j->on_end = end_with_finish;
    http_exchange_respond(j->x, &head, false);
}

static void do_sink(struct job *j)
{
    j->on_body = sink_body;
    j->on_end = end_with_204;
}

static void do_park(struct job *j)
{
    (void)j;
}

static void do_bytes(struct job *j)
{
    struct http_response head = head_of(200);
    uint64_t n = 0;
    struct slice rest = slice_skip(j->x->request.target, strlen("/bytes/"));
    assert_true(slice_to_u64(rest, &n));
    j->left = n;
    j->on_sent = bytes_sent;
    http_exchange_respond(j->x, &head, false);
    send_more(j);
}

static void do_reset(struct job *j)
{
    struct http_response head = head_of(200);
    http_exchange_respond(j->x, &head, false);
    http_exchange_write(j->x, SLICE("half of it"));
    j->on_sent = reset_now;
}

static void do_early(struct job *j)
{
    struct http_response head = head_of(413);
    http_exchange_respond(j->x, &head, false);
    http_exchange_write(j->x, SLICE("too much"));
    end_with_finish(j);
}

static void do_trailers(struct job *j)
{
    struct http_response hints = head_of(103), head = head_of(200);
    struct http_field trailer = {SLICE("x-sum"), SLICE("42")};
    struct http_fields trailers = {&trailer, 1, 1};
    http_exchange_inform(j->x, &hints);
    http_exchange_respond(j->x, &head, false);
    http_exchange_write(j->x, SLICE("body"));
    http_exchange_finish(j->x, &trailers);
    job_free(j);
}

static void do_head(struct job *j)
{
    struct http_response head = head_of(200);
    head.content_length = 5;
    http_exchange_respond(j->x, &head, true);
    job_free(j);
}

static void do_fields(struct job *j)
{
    struct http_response head = head_of(200);
    const struct http_request *r = &j->x->request;
    struct slice text = arena_printf(j->x->arena, "%" PRIslice " %" PRIslice " %" PRIslice "\n", SLICE_ARG(r->method),
                                     SLICE_ARG(r->authority), SLICE_ARG(r->target));
    http_exchange_respond(j->x, &head, false);
    http_exchange_write(j->x, text);
    for (size_t i = 0; i < r->fields.count; i++) {
        text = arena_printf(j->x->arena, "%" PRIslice "=%" PRIslice "\n", SLICE_ARG(r->fields.list[i].name),
                            SLICE_ARG(r->fields.list[i].value));
        http_exchange_write(j->x, text);
    }
    end_with_finish(j);
}

static const struct {
    const char *path;
    void (*run)(struct job *j);
} jobs[] = {
    {"/echo", do_echo},   {"/sink", do_sink},         {"/park", do_park}, {"/hold", do_park},     {"/bytes/", do_bytes},
    {"/early", do_early}, {"/trailers", do_trailers}, {"/head", do_head}, {"/fields", do_fields}, {"/reset", do_reset},
};

static void on_request(void *owner, struct http_exchange *x)
{
    struct kit *k = owner;
    k->requests++;
    if (k->requests == k->stop_at)
        http_h2_stop(k->server);
    if (k->handler) {
        k->handler(k, x);
        return;
    }
    struct job *j = mem_zalloc(sizeof *j);
    *j = (struct job){.kit = k, .x = x};
    x->events = &job_events;
    x->ctx = j;
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
        if (slice_starts(x->request.target, slice_of(jobs[i].path))) {
            jobs[i].run(j);
            return;
        }
    job_free(j);
    http_exchange_reply(x, 404, NULL, SLICE_NONE, NULL);
}

/* --- the sessions --- */

static void client_close(void *owner, const struct error *why)
{
    struct kit *k = owner;
    k->client_closed = true;
    k->client_why = *why;
    k->client = NULL;
}

static void server_close(void *owner, const struct error *why)
{
    struct kit *k = owner;
    k->server_closed = true;
    k->server_why = *why;
    k->server = NULL;
}

static void client_drain(void *owner)
{
    ((struct kit *)owner)->client_drained = true;
}

static void server_held(void *owner, size_t bytes)
{
    struct kit *k = owner;
    assert_non_null(k->server);
    k->kept = bytes;
    k->told++;
    if (k->end_when_told)
        http_h2_close(k->server);
}

static void server_refused(void *owner)
{
    ((struct kit *)owner)->refused++;
}

static void server_drain(void *owner)
{
    ((struct kit *)owner)->server_drained = true;
}

static const struct http_h2_events client_events = {.on_drain = client_drain, .on_close = client_close};
static const struct http_h2_events server_events = {.on_request = on_request,
                                                    .on_held = server_held,
                                                    .on_refused = server_refused,
                                                    .on_drain = server_drain,
                                                    .on_close = server_close};

struct kit *kit_new(const struct kit_options *o)
{
    struct kit *k = mem_zalloc(sizeof *k);
    k->loop = loop_new();
    k->watch = loop_timer_new(k->loop, watch, k);
    loopback_pair(k->loop, o->delay_ms,
                  o->capacity   ? o->capacity
                  : o->delay_ms ? 64 * 1024 * 1024
                                : 0,
                  &k->client_stream, &k->server_stream);
    if (!o->no_server)
        k->server = http_h2_server(k->loop, k->server_stream, &o->h2, &server_events, k);
    if (!o->no_client)
        k->client = http_h2_client(k->loop, k->client_stream, &o->h2, &client_events, k);
    return k;
}

static bool both_gone(void *arg)
{
    struct kit *k = arg;
    return !k->client && !k->server;
}

void kit_free(struct kit *k)
{
    if (k->client)
        http_h2_close(k->client);
    if (k->server)
        http_h2_close(k->server);
    assert_true(kit_run(k, both_gone, k, 5000));
    kit_pass(k, 5);
    loop_timer_free(k->watch);
    loop_free(k->loop);
    free(k);
}

/* --- calls --- */

static void upload_more(struct kit_call *c)
{
    char piece[PIECE];
    while (c->call && c->sent < c->to_send && c->unreported + PIECE <= HTTP_WRITE_AHEAD) {
        size_t n = c->to_send - c->sent < PIECE ? c->to_send - c->sent : PIECE;
        fill(piece, c->sent, n);
        c->sent += n;
        c->unreported += n;
        http_call_write(c->call, slice_make(piece, n));
        if (c->sent == c->to_send)
            http_call_finish(c->call);
    }
}

static void call_inform(void *ctx, const struct http_response *head)
{
    assert_true(head->status < 200);
    ((struct kit_call *)ctx)->informs++;
}

static void add_fields(char *to, size_t size, const struct http_fields *f)
{
    for (size_t i = 0; i < f->count; i++) {
        size_t len = strlen(to);
        (void)snprintf(to + len, size - len, "%" PRIslice "=%" PRIslice "\n", SLICE_ARG(f->list[i].name),
                       SLICE_ARG(f->list[i].value));
    }
}

static void call_response(void *ctx, const struct http_response *head)
{
    struct kit_call *c = ctx;
    assert_int_equal(c->status, 0);
    c->status = head->status;
    add_fields(c->head, sizeof c->head, &head->fields);
}

static void call_body(void *ctx, struct slice data)
{
    struct kit_call *c = ctx;
    assert_false(c->ended || c->failed);
    if (c->received < sizeof c->body - 1) {
        size_t room = sizeof c->body - 1 - c->received;
        memcpy(c->body + c->received, data.ptr, data.len < room ? data.len : room);
    }
    for (size_t i = 0; i < data.len && data.ptr[i] == kit_byte(c->received + i); i++)
        c->checked++;
    c->received += data.len;
    c->unconsumed += data.len;
    if (c->unconsumed > c->most_unconsumed)
        c->most_unconsumed = c->unconsumed;
    if (c->hold)
        return;
    c->unconsumed -= data.len;
    http_call_consumed(c->call, data.len);
}

static void call_end(void *ctx, const struct http_fields *trailers)
{
    struct kit_call *c = ctx;
    assert_false(c->ended || c->failed);
    c->ended = true;
    c->call = NULL;
    if (trailers)
        add_fields(c->trailer, sizeof c->trailer, trailers);
}

static void call_sent(void *ctx, size_t n)
{
    struct kit_call *c = ctx;
    assert_true(n <= c->unreported);
    c->unreported -= n;
    upload_more(c);
}

static void call_fail(void *ctx, const struct http_failure *why)
{
    struct kit_call *c = ctx;
    assert_false(c->ended || c->failed);
    c->failed = true;
    c->failure = *why;
    c->call = NULL;
}

static const struct http_call_events call_events = {
    .on_inform = call_inform,
    .on_response = call_response,
    .on_body = call_body,
    .on_end = call_end,
    .on_sent = call_sent,
    .on_fail = call_fail,
};

static struct http_request request_of(const char *method, const char *path, bool has_body)
{
    return (struct http_request){
        .version = HTTP_2,
        .method = slice_of(method),
        .authority = SLICE("test.example"),
        .target = slice_of(path),
        .content_length = -1,
        .has_body = has_body,
    };
}

static enum result call(struct kit *k, struct kit_call *c, const struct http_request *r, size_t body, struct error *err)
{
    c->kit = k;
    c->to_send = body;
    enum result e = http_h2_call(k->client, r, &call_events, c, &c->call, err);
    if (e == OK)
        upload_more(c);
    return e;
}

enum result kit_try(struct kit *k, struct kit_call *c, const char *method, const char *path, size_t body,
                    const struct http_fields *fields, bool has_body, struct error *err)
{
    struct http_request r = request_of(method, path, has_body);
    if (fields)
        r.fields = *fields;
    return call(k, c, &r, body, err);
}

enum result kit_websocket(struct kit *k, struct kit_call *c, const char *path, struct error *err)
{
    struct http_request r = request_of("GET", path, true);
    r.protocol = SLICE(HTTP_WEBSOCKET);
    return call(k, c, &r, 0, err);
}

void kit_call(struct kit *k, struct kit_call *c, const char *method, const char *path, size_t body)
{
    struct error err = {0};
    if (kit_try(k, c, method ? method : body ? "POST" : "GET", path, body, NULL, body > 0, &err) != OK)
        fail_msg("the call to %s was refused: %s", path, err.text);
}

bool kit_done(void *call)
{
    struct kit_call *c = call;
    return c->ended || c->failed;
}

bool kit_ended(void *call)
{
    return ((struct kit_call *)call)->ended;
}
