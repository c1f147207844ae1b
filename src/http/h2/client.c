/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's role: an HTTP/2 stream as an http_call. A call that waits for its answer holds nothing but itself: heads
 * live in an arena that is made when one arrives and freed when it was told.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "http/h2/internal.h"

enum { LAST_STREAM_ID = 1 << 30 }; /* then another connection is due, long before ids run out */

struct call {
    struct h2_stream s;
    struct http_call c;
    bool answered; /* the final head came */
};

static const struct http_call_ops ops;

static struct call *of_stream(struct h2_stream *s)
{
    return container_of(s, struct call, s);
}

static struct call *of(struct http_call *c)
{
    return container_of(c, struct call, c);
}

/* --- asking --- */

/* nghttp2 would queue what the peer's maximum forbids; we say no, so that another connection can be taken. A cancelled
 * call has given its place back already: nghttp2 sends its reset first. */
bool http_h2_has_room(const struct http_h2 *h)
{
    uint32_t max = nghttp2_session_get_remote_settings(h->ng, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    return h->active < (max < h->o.max_streams ? max : h->o.max_streams);
}

static enum result submit(struct call *k, const struct http_request *r, struct error *err)
{
    struct h2_nv nv;
    nghttp2_data_provider body = {.source.ptr = &k->s, .read_callback = h2_read_out};
    if (!h2_nv_request(&nv, k->s.h, r))
        return error_set(err, R_LIMIT, "the request has too many fields");
    int32_t id = nghttp2_submit_request(k->s.h->ng, NULL, nv.list, nv.count, r->has_body ? &body : NULL, &k->s);
    if (id < 0)
        return error_set(err, R_LIMIT, "the request can't be sent: %s", nghttp2_strerror(id));
    k->s.id = id;
    k->s.eof = !r->has_body;
    k->s.websocket = r->protocol.len > 0;
    return OK;
}

enum result http_h2_call(struct http_h2 *h, const struct http_request *request, const struct http_call_events *events,
                         void *ctx, struct http_call **ret, struct error *err)
{
    if (http_h2_draining(h))
        return error_set(err, R_LIMIT, "the connection is ending");
    if (!http_h2_has_room(h))
        return error_set(err, R_LIMIT, "the connection carries as many requests as it may (%zu)", h->active);
    if (request->protocol.len && !nghttp2_session_get_remote_settings(h->ng, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL))
        return error_set(err, R_DENIED, "the peer does not take WebSocket on HTTP/2 (RFC 8441)");
    struct call *k = mem_zalloc(sizeof *k);
    k->s.h = h;
    enum result r = submit(k, request, err);
    if (r != OK) {
        free(k);
        return r;
    }
    h2_stream_init(h, &k->s, k->s.id);
    k->c = (struct http_call){.ops = &ops, .events = events, .ctx = ctx};
    if (k->s.id > LAST_STREAM_ID)
        http_h2_drain(h);
    h2_schedule(h);
    *ret = &k->c;
    return OK;
}

static void write_body(struct http_call *c, struct slice data)
{
    h2_stream_write(&of(c)->s, data);
}

static void finish(struct http_call *c)
{
    if (!of(c)->s.over)
        h2_stream_finish(&of(c)->s);
}

static void consumed(struct http_call *c, size_t n)
{
    if (!of(c)->s.over)
        h2_flow_consumed(&of(c)->s, n);
}

static void cancel(struct http_call *c)
{
    struct call *k = of(c);
    h2_stream_reset(&k->s, NGHTTP2_CANCEL);
    h2_stream_over(&k->s);
}

static const struct http_call_ops ops = {
    .write = write_body,
    .finish = finish,
    .consumed = consumed,
    .cancel = cancel,
};

/* --- what the session tells --- */

static void forget_head(struct call *k)
{
    arena_free(k->s.arena);
    k->s.arena = NULL;
}

static void fail(struct call *k, enum http_failure_kind kind, const struct error *why)
{
    struct http_failure f = {
        .kind = kind,
        .unsent = !k->answered && (k->s.unsent || !k->s.head_sent || k->s.error_code == NGHTTP2_REFUSED_STREAM),
        .answered = k->answered,
        .error = *why,
    };
    h2_stream_over(&k->s);
    if (k->c.events->on_fail)
        k->c.events->on_fail(k->c.ctx, &f);
}

/* The answer is complete; what of the request has not left is not wanted (RFC 9113 8.1). */
static void done(struct call *k, const struct http_fields *trailers)
{
    if (!k->s.local_end)
        h2_stream_reset(&k->s, NGHTTP2_CANCEL);
    h2_stream_over(&k->s);
    if (k->c.events->on_end)
        k->c.events->on_end(k->c.ctx, trailers);
}

static void refuse_head(struct call *k, const struct h2_head *head)
{
    struct error why;
    bool limit = head->refuse != 400;
    (void)error_set(&why, limit ? R_LIMIT : R_INVALID, "the answer was refused: %s", head->why);
    h2_stream_reset(&k->s, limit ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
    k->s.head_sent = true;             /* it was processed */
    fail(k, HTTP_FAIL_PROTOCOL, &why); /* one without measure, too, is the server's fault */
}

static void tell_head(struct call *k, struct h2_head *head, bool end)
{
    struct http_response r;
    h2_head_response(head, &r, end);
    if (r.status < 200) {
        if (k->c.events->on_inform)
            k->c.events->on_inform(k->c.ctx, &r);
        return;
    }
    if (k->s.websocket && r.status < 300) {
        k->s.switched = true;
        r.status = 101; /* see http/websocket.h */
    }
    k->answered = true;
    k->s.progress_ms = k->s.h->received_ms;
    if (k->c.events->on_response)
        k->c.events->on_response(k->c.ctx, &r);
    if (end && !k->s.over)
        done(k, NULL);
}

static void on_head(struct h2_stream *s, struct h2_head *head, bool end)
{
    struct call *k = of_stream(s);
    if (head->refuse)
        refuse_head(k, head);
    else if (!k->answered)
        tell_head(k, head, end);
    else
        done(k, &head->fields);
    forget_head(k);
}

static void on_body(struct h2_stream *s, struct slice data)
{
    struct call *k = of_stream(s);
    if (k->c.events->on_body)
        k->c.events->on_body(k->c.ctx, data);
    else
        h2_flow_consumed(s, data.len);
}

static void on_end(struct h2_stream *s)
{
    done(of_stream(s), NULL);
}

static void on_sent(struct h2_stream *s, size_t n)
{
    struct call *k = of_stream(s);
    if (k->c.events->on_sent)
        k->c.events->on_sent(k->c.ctx, n);
}

static enum http_failure_kind kind_of(enum result code)
{
    return code == R_TIMEOUT   ? HTTP_FAIL_TIMEOUT
           : code == R_INVALID ? HTTP_FAIL_PROTOCOL
           : code == R_LIMIT   ? HTTP_FAIL_PROTOCOL /* the peer's: a flood, or answers without measure */
                               : HTTP_FAIL_TRUNCATED;
}

static void on_gone(struct h2_stream *s, const struct error *why)
{
    struct call *k = of_stream(s);
    struct error made;
    const char *text = nghttp2_http2_strerror(s->error_code);
    if (why) {
        fail(k, kind_of(why->code), why);
    } else if (s->unsent || s->error_code == NGHTTP2_REFUSED_STREAM) {
        (void)error_set(&made, R_AGAIN, "the peer refused the stream");
        fail(k, HTTP_FAIL_REFUSED_STREAM, &made);
    } else if (s->peer_reset) {
        (void)error_set(&made, R_EOF, "the peer reset the stream: %s", text);
        fail(k, s->error_code == NGHTTP2_PROTOCOL_ERROR ? HTTP_FAIL_PROTOCOL : HTTP_FAIL_TRUNCATED, &made);
    } else if (s->reset && s->error_code == NGHTTP2_CANCEL) {
        (void)error_set(&made, R_TIMEOUT, "the body made no progress");
        fail(k, HTTP_FAIL_TIMEOUT, &made);
    } else {
        (void)error_set(&made, R_INVALID, "the answer broke HTTP/2: %s", text);
        fail(k, HTTP_FAIL_PROTOCOL, &made);
    }
}

static bool stalled(const struct h2_stream *s)
{
    return container_of(s, const struct call, s)->answered; /* its body has begun */
}

static void free_call(struct h2_stream *s)
{
    free(of_stream(s));
}

const struct h2_role h2_role_client = {
    .server = false,
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_gone = on_gone,
    .stalled = stalled,
    .free = free_call,
};

struct http_h2 *http_h2_client(struct loop *loop, struct net_stream *stream, const struct http_h2_options *o,
                               const struct http_h2_events *events, void *owner)
{
    return h2_new(loop, stream, o, events, owner, &h2_role_client);
}
