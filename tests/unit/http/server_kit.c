/* SPDX-License-Identifier: Apache-2.0 */
/* See server_kit.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loopback_stream.h"
#include "server_kit.h"

static void client_data(void *ctx, struct slice data)
{
    struct fixture *f = ctx;
    assert_int_equal(buf_append(&f->got, data), OK);
}

static void client_end(void *ctx)
{
    ((struct fixture *)ctx)->eof = true;
}

static void client_close(void *ctx, const struct error *why)
{
    (void)why;
    ((struct fixture *)ctx)->eof = true;
}

static const struct net_stream_events client_events = {
    .on_data = client_data, .on_end = client_end, .on_close = client_close};

static void on_body(void *ctx, struct slice data)
{
    struct fixture *f = ctx;
    f->nested += f->inside;
    assert_int_equal(buf_append(&f->body, data), OK);
    if (f->consume)
        http_exchange_consumed(f->held, data.len);
}

static void on_body_end(void *ctx)
{
    struct fixture *f = ctx;
    f->nested += f->inside;
    f->ends++;
}

static void on_sent(void *ctx, size_t n)
{
    struct fixture *f = ctx;
    f->nested += f->inside;
    f->sent += n;
}

static void on_abort(void *ctx, const struct error *why)
{
    struct fixture *f = ctx;
    f->nested += f->inside;
    f->aborts++;
    f->held = NULL;
    (void)snprintf(f->abort_text, sizeof f->abort_text, "%s", why->text);
}

static const struct http_exchange_events handler = {
    .on_body = on_body, .on_body_end = on_body_end, .on_sent = on_sent, .on_abort = on_abort};

/* /now answers inside on_request with the target's query; everything else is held for the test. */
static void on_request(void *owner, struct http_exchange *x)
{
    struct fixture *f = owner;
    f->nested += f->inside;
    f->requests++;
    if (slice_starts(x->request.target, SLICE("/now"))) {
        f->inside = true;
        http_exchange_reply(x, 200, "text/plain", slice_skip(x->request.target, 5), NULL);
        f->inside = false;
        return;
    }
    assert_null(f->held);
    f->held = x;
    x->events = &handler;
    x->ctx = f;
}

static void on_close(void *owner)
{
    struct fixture *f = owner;
    f->closes++;
    f->conn = NULL;
}

static void on_bad_request(void *owner, int status, const char *what, struct arena *a, struct http_response *ret_head,
                           struct slice *ret_body)
{
    (void)owner;
    (void)status;
    *ret_body = arena_printf(a, "bad: %s", what);
    assert_int_equal(http_fields_add(&ret_head->fields, a, SLICE("x-bad"), SLICE("yes")), OK);
}

static void on_held(void *owner, size_t bytes)
{
    ((struct fixture *)owner)->kept = bytes;
}

static const struct http_server_events events = {
    .on_request = on_request, .on_bad_request = on_bad_request, .on_held = on_held, .on_close = on_close};

static int begin(void **state, bool websocket)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    struct http_server_limits limits = http_server_defaults;
    limits.websocket = websocket;
    limits.stranger = true;
    struct net_stream *server;
    f->loop = loop_new();
    buf_init(&f->got, 16 << 20);
    buf_init(&f->body, 16 << 20);
    f->consume = true;
    loopback_pair(f->loop, 0, 0, &f->client, &server);
    net_stream_set_events(f->client, &client_events, f);
    f->conn = http_server_conn_new(f->loop, server, false, &limits, &events, f);
    *state = f;
    return 0;
}

int set_up(void **state)
{
    return begin(state, false);
}

int set_up_websocket(void **state)
{
    return begin(state, true);
}

int tear_down(void **state)
{
    struct fixture *f = *state;
    if (f->conn)
        http_server_conn_close(f->conn);
    fake_loop_settle(f->loop);
    assert_int_equal(f->closes, 1);
    assert_int_equal(f->nested, 0);
    net_stream_close(f->client);
    buf_free(&f->got);
    buf_free(&f->body);
    loop_free(f->loop);
    free(f);
    return 0;
}

void send_text(struct fixture *f, const char *text)
{
    net_stream_write(f->client, slice_of(text));
    fake_loop_settle(f->loop);
}

/* What came since, with every Date line taken out. The caller frees it. */
static char *take(struct fixture *f)
{
    char *text = buf_take_str(&f->got), *date;
    while (text && (date = strstr(text, "date: "))) {
        char *after = strstr(date, "\r\n") + 2;
        memmove(date, after, strlen(after) + 1);
    }
    return text;
}

void expect(struct fixture *f, const char *want)
{
    fake_loop_settle(f->loop);
    char *got = take(f);
    assert_string_equal(got ? got : "", want);
    free(got);
}

void expect_begin(struct fixture *f, const char *want)
{
    fake_loop_settle(f->loop);
    char *got = take(f);
    if (!got || strncmp(got, want, strlen(want)) != 0)
        fail_msg("wanted %s, got %s", want, got ? got : "nothing");
    free(got);
}

void respond(struct fixture *f, int status, int64_t length, bool end)
{
    struct http_response head = {.status = status, .content_length = length};
    struct http_exchange *x = f->held;
    if (end)
        f->held = NULL;
    f->inside = true;
    http_exchange_respond(x, &head, end);
    f->inside = false;
}

void write_text(struct fixture *f, const char *text)
{
    f->inside = true;
    http_exchange_write(f->held, slice_of(text));
    f->inside = false;
}

void finish(struct fixture *f)
{
    struct http_exchange *x = f->held;
    f->held = NULL;
    f->inside = true;
    http_exchange_finish(x, NULL);
    f->inside = false;
}
