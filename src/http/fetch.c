/* SPDX-License-Identifier: Apache-2.0 */
/* A call with its whole answer in one buffer. In the loop's thread; a call under way is ended when the fetch is freed.
 * */
#include "http/fetch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"

struct http_fetch {
    http_fetch_send_fn *send;
    http_fetch_done_fn *done;
    void *owner;
    struct http_call *call; /* NULL: none */
    struct loop_timer *timer;
    uint64_t timeout_ms;
    struct http_field type; /* the request's only field: it may be sent late (http/pool/pool.h) */
    struct buf answer;
    int status;
    char cache_control[128];
    bool under_way; /* also between a send that failed and its done */
    struct error why;
};

/* The answer leaves the fetch first, so that done may start another or free it. */
static void finish_fetch(struct http_fetch *f, int status, const struct error *why)
{
    struct buf answer = f->answer;
    struct error copy = why ? *why : (struct error){OK, ""};
    buf_init(&f->answer, answer.max);
    f->call = NULL;
    f->under_way = false;
    loop_timer_stop(f->timer);
    f->done(f->owner, status, buf_data(&answer), &copy);
    buf_free(&answer);
}

static void on_response(void *ctx, const struct http_response *head)
{
    struct http_fetch *f = ctx;
    f->status = head->status;
    (void)snprintf(f->cache_control, sizeof f->cache_control, "%" PRIslice,
                   SLICE_ARG(http_fields_get(&head->fields, SLICE("cache-control"))));
}

static void on_body(void *ctx, struct slice data)
{
    struct http_fetch *f = ctx;
    struct error why;
    http_call_consumed(f->call, data.len);
    if (buf_append(&f->answer, data) == OK)
        return;
    (void)error_set(&why, R_LIMIT, "the answer is longer than %zu bytes", f->answer.max);
    http_call_cancel(f->call);
    finish_fetch(f, 0, &why);
}

static void on_end(void *ctx, const struct http_fields *trailers)
{
    struct http_fetch *f = ctx;
    (void)trailers;
    finish_fetch(f, f->status, NULL);
}

static void on_sent(void *ctx, size_t n)
{
    (void)ctx;
    (void)n;
}

static void on_fail(void *ctx, const struct http_failure *why)
{
    finish_fetch(ctx, 0, &why->error);
}

static const struct http_call_events events = {
    .on_response = on_response, .on_body = on_body, .on_end = on_end, .on_sent = on_sent, .on_fail = on_fail};

/* Silence, or a send that failed: done never comes from inside http_fetch_post. */
static void on_timer(void *arg)
{
    struct http_fetch *f = arg;
    struct error why = f->why;
    if (f->call) {
        http_call_cancel(f->call);
        (void)error_set(&why, R_TIMEOUT, "no answer within %" PRIu64 " s", f->timeout_ms / 1000);
    }
    finish_fetch(f, 0, &why);
}

struct http_fetch *http_fetch_new(struct loop *loop, size_t answer_max, uint64_t timeout_ms, http_fetch_send_fn *send,
                                  http_fetch_done_fn *done, void *owner)
{
    struct http_fetch *f = mem_zalloc(sizeof *f);
    f->send = send;
    f->done = done;
    f->owner = owner;
    f->timer = loop_timer_new(loop, on_timer, f);
    f->timeout_ms = timeout_ms;
    buf_init(&f->answer, answer_max);
    return f;
}

void http_fetch_cancel(struct http_fetch *f)
{
    if (f->call)
        http_call_cancel(f->call);
    f->call = NULL;
    f->under_way = false;
    loop_timer_stop(f->timer);
    buf_free(&f->answer);
}

void http_fetch_free(struct http_fetch *f)
{
    if (!f)
        return;
    http_fetch_cancel(f);
    loop_timer_free(f->timer);
    free(f);
}

const char *http_fetch_cache_control(const struct http_fetch *f)
{
    return f->cache_control;
}

bool http_fetch_busy(const struct http_fetch *f)
{
    return f->under_way;
}

/* false: it could not be sent; done comes soon. */
static bool start_call(struct http_fetch *f, const struct http_request *request)
{
    f->status = 0;
    f->under_way = true;
    bool sent = f->send(f->owner, request, &events, f, &f->call, &f->why) == OK;
    if (!sent)
        f->call = NULL;
    loop_timer_start(f->timer, sent ? f->timeout_ms : 0, 0);
    return sent;
}

void http_fetch_post(struct http_fetch *f, struct slice authority, struct slice target, const char *type,
                     struct slice body)
{
    f->type = (struct http_field){SLICE("content-type"), slice_of(type)};
    struct http_request request = {.version = HTTP_2,
                                   .method = SLICE("POST"),
                                   .scheme = SLICE("https"),
                                   .authority = authority,
                                   .target = target,
                                   .fields = {&f->type, 1, 1},
                                   .content_length = (int64_t)body.len,
                                   .has_body = true};
    if (!start_call(f, &request))
        return;
    http_call_write(f->call, body);
    http_call_finish(f->call);
}

void http_fetch_get(struct http_fetch *f, struct slice authority, struct slice target)
{
    struct http_request request = {.version = HTTP_2,
                                   .method = SLICE("GET"),
                                   .scheme = SLICE("https"),
                                   .authority = authority,
                                   .target = target,
                                   .content_length = 0};
    (void)start_call(f, &request);
}
