/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway's end of a tunnel: says hello on the first stream, reads the lines of its answer as long as the tunnel
 * lives, and makes calls. When that stream ends, the tunnel is down; when either side drains, it ends first and the
 * calls under way have their time.
 */
#include "tunnel/accept.h"

#include <stdlib.h>

#include "base/limit/bucket.h"
#include "base/mem.h"
#include "tunnel/hello.h"

/* Each is read, and has who waits for a tunnel try again. A connector says one with each document of the site's. */
enum { LINES_AT_ONCE = 64, LINES_A_SECOND = 2 };

struct tunnel {
    struct loop *loop;
    struct http_h2 *h2;
    struct http_call *hello; /* NULL: over */
    struct loop_timer *timer;
    const struct tunnel_events *events;
    void *owner;
    char connector_id[TUNNEL_ID_MAX + 1];
    int64_t not_after; /* of the connector's certificate */
    struct tunnel_endpoints endpoints;
    struct buf line;
    struct bucket lines;
    bool up;
    struct error why; /* code OK: none of our own */
};

/* Our own reason to end it; the first one stays. */
static void give_up(struct tunnel *t, const struct error *why)
{
    if (t->why.code == OK)
        t->why = *why;
    http_h2_close(t->h2);
}

static void on_timeout(void *arg)
{
    struct error why;
    (void)error_set(&why, R_TIMEOUT, "the connector did not answer the hello within %d s", TUNNEL_HELLO_MS / 1000);
    give_up(arg, &why);
}

/* --- the hello's answer --- */

static void on_response(void *ctx, const struct http_response *head)
{
    struct tunnel *t = ctx;
    struct error why;
    struct slice type = http_fields_get(&head->fields, SLICE("content-type"));
    if (head->status == 200 && type.ptr && slice_eq(type, SLICE(TUNNEL_HELLO_TYPE)))
        return;
    (void)error_set(&why, R_INVALID, "the connector answered the hello with status %d", head->status);
    give_up(t, &why);
}

static enum result take_line(struct tunnel *t, struct slice line, struct error *err)
{
    if (!bucket_take(&t->lines, 1, loop_now_ms(t->loop)))
        return error_set(err, R_LIMIT, "hello: the connector announces endpoints too often");
    enum result r = tunnel_line_read(line, t->up ? NULL : t->connector_id, &t->endpoints, err);
    if (r != OK)
        return error_prefix(err, "hello");
    if (t->up) {
        t->events->on_update(t->owner, t);
        return OK;
    }
    t->up = true;
    loop_timer_stop(t->timer);
    t->events->on_up(t->owner, t);
    return OK;
}

static enum result take_lines(struct tunnel *t, struct error *err)
{
    while (t->hello) {
        struct slice all = buf_data(&t->line);
        size_t len = slice_find(all, '\n');
        if (len == SIZE_MAX)
            return OK;
        enum result r = take_line(t, slice_make(all.ptr, len), err);
        if (r != OK)
            return r;
        buf_consume(&t->line, len + 1);
    }
    return OK;
}

static void on_body(void *ctx, struct slice data)
{
    struct tunnel *t = ctx;
    struct error why;
    http_call_consumed(t->hello, data.len);
    if (buf_append(&t->line, data) != OK) {
        (void)error_set(&why, R_LIMIT, "hello: a line is longer than %d bytes", TUNNEL_LINE_MAX);
        give_up(t, &why);
    } else if (take_lines(t, &why) != OK) {
        give_up(t, &why);
    }
}

/* While draining, calls under way go on; the session closes after the last of them. */
static void hello_over(struct tunnel *t, const struct error *why)
{
    t->hello = NULL;
    if (!http_h2_draining(t->h2) || !t->up)
        give_up(t, why);
    else
        t->events->on_update(t->owner, t);
}

static void on_end(void *ctx, const struct http_fields *trailers)
{
    struct error why;
    (void)trailers;
    (void)error_set(&why, R_EOF, "the connector ended the tunnel");
    hello_over(ctx, &why);
}

static void on_fail(void *ctx, const struct http_failure *f)
{
    hello_over(ctx, &f->error);
}

static const struct http_call_events hello_events = {
    .on_response = on_response,
    .on_body = on_body,
    .on_end = on_end,
    .on_fail = on_fail,
};

/* --- the session --- */

static void on_close(void *owner, const struct error *why)
{
    struct tunnel *t = owner;
    loop_timer_free(t->timer);
    t->timer = NULL;
    t->events->on_down(t->owner, t, t->why.code != OK ? &t->why : why);
    tunnel_endpoints_free(&t->endpoints);
    buf_free(&t->line);
    free(t);
}

static const struct http_h2_events session_events = {.on_close = on_close};

static enum result say_hello(struct tunnel *t, const struct tunnel_hello *hello, struct error *err)
{
    char *text = tunnel_hello_write(hello);
    struct http_field type = {SLICE("content-type"), SLICE("application/json")};
    struct http_request request = {
        .version = HTTP_2,
        .method = SLICE("POST"),
        .authority = slice_of(t->connector_id),
        .target = SLICE(TUNNEL_HELLO_PATH),
        .fields = {&type, 1, 1},
        .content_length = (int64_t)strlen(text),
        .has_body = true,
    };
    enum result r = http_h2_call(t->h2, &request, &hello_events, t, &t->hello, err);
    if (r == OK) {
        http_call_write(t->hello, slice_of(text));
        http_call_finish(t->hello);
    }
    free(text);
    return r;
}

struct tunnel *tunnel_accept(struct loop *loop, struct net_stream *stream, const char *connector_id, int64_t not_after,
                             const struct tunnel_hello *hello, const struct tunnel_events *events, void *owner)
{
    struct tunnel *t = mem_zalloc(sizeof *t);
    struct error why;
    t->loop = loop;
    t->events = events;
    t->owner = owner;
    t->not_after = not_after;
    t->h2 = http_h2_client(loop, stream, &http_h2_tunnel_options, &session_events, t);
    t->timer = loop_timer_new(loop, on_timeout, t);
    buf_init(&t->line, TUNNEL_LINE_MAX);
    bucket_start(&t->lines, LINES_AT_ONCE, LINES_A_SECOND, loop_now_ms(loop));
    loop_timer_start(t->timer, TUNNEL_HELLO_MS, 0);
    if (!slice_to_cstr(slice_of(connector_id), t->connector_id, sizeof t->connector_id)) {
        (void)error_set(&why, R_INVALID, "the connector's id is too long");
        give_up(t, &why);
    } else if (say_hello(t, hello, &why) != OK) {
        give_up(t, &why);
    }
    return t;
}

const char *tunnel_connector_id(const struct tunnel *t)
{
    return t->connector_id;
}

int64_t tunnel_not_after(const struct tunnel *t)
{
    return t->not_after;
}

bool tunnel_reaches(const struct tunnel *t, struct slice endpoint_id)
{
    return t->up && !tunnel_drains(t) && tunnel_endpoints_has(&t->endpoints, endpoint_id);
}

bool tunnel_drains(const struct tunnel *t)
{
    return http_h2_draining(t->h2);
}

bool tunnel_has_room(const struct tunnel *t)
{
    return http_h2_has_room(t->h2);
}

size_t tunnel_outstanding(const struct tunnel *t)
{
    return http_h2_streams(t->h2) - (t->hello ? 1 : 0);
}

enum result tunnel_call(struct tunnel *t, const struct http_request *request, const struct http_call_events *events,
                        void *ctx, struct http_call **ret, struct error *err)
{
    if (!t->up)
        return error_set(err, R_AGAIN, "the tunnel is not up yet");
    return http_h2_call(t->h2, request, events, ctx, ret, err);
}

void tunnel_drain(struct tunnel *t)
{
    http_h2_drain(t->h2);
    if (t->hello)
        http_call_cancel(t->hello);
    t->hello = NULL;
    loop_timer_stop(t->timer);
}

void tunnel_close(struct tunnel *t)
{
    http_h2_close(t->h2);
}
