/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See h1/client.h. What the caller asks for is written down; run(), at the end of the loop's iteration, sends it. An
 * answer that ends before the request's body does closes the connection, since the server's view of it is unknown.
 */
#include "http/h1/client.h"

#include <stdlib.h>

#include "base/mem.h"
#include "http/h1/wire.h"
#include "http/websocket.h"
#include "tls/stream.h"

enum { AHEAD_MAX = 1024 * 1024 };

struct http_h1_client {
    struct http_call call;
    struct http_h1_wire wire;
    struct loop *loop;
    struct loop_deferred run;
    const struct http_h1_client_events *events;
    void *ctx;

    bool tls;
    bool active;       /* the call is not over */
    bool request_done; /* all of the request was given to us */
    bool may_switch;   /* it asks for WebSocket; what is written waits in `ahead` for the answer */
    bool may_stay;     /* which may be 2xx, too */
    bool switched;     /* which was 101 */
    bool ended;        /* our direction of it */
    struct buf ahead;
    char key[HTTP_WEBSOCKET_KEY_SIZE];
    bool answering;   /* a byte of its answer came */
    bool answered;    /* the final head was delivered */
    bool eof;         /* the server sends no more; what it sent may wait in `pending` */
    bool become_idle; /* run() tells the owner */

    bool closing, silent; /* run() tears down; silent: freed by the owner */
    unsigned busy;        /* callbacks under way: the memory stays */
    struct http_failure failure;
};

static void later(struct http_h1_client *c)
{
    loop_defer(c->loop, &c->run);
}

static void close_with(struct http_h1_client *c, enum http_failure_kind kind, enum result code, const char *why)
{
    if (!c->closing) {
        c->failure = (struct http_failure){.kind = kind, .unsent = !c->wire.wrote, .answered = c->answered};
        (void)error_set(&c->failure.error, code, "%s", why);
    }
    c->closing = true;
    later(c);
}

static void fail_call(struct http_h1_client *c)
{
    if (!c->active)
        return;
    c->active = false;
    c->call.events->on_fail(c->call.ctx, &c->failure);
}

static void release(struct http_h1_client *c)
{
    loop_defer_cancel(&c->run);
    http_h1_wire_free(&c->wire);
    buf_free(&c->ahead);
    free(c);
}

static void tear_down(struct http_h1_client *c)
{
    c->busy++;
    fail_call(c);
    if (!c->silent)
        c->events->on_close(c->ctx);
    release(c);
}

/* Around every callback of stream and loop: the owner may free the client inside. */
static void enter(struct http_h1_client *c)
{
    c->busy++;
}

static void leave(struct http_h1_client *c)
{
    if (--c->busy == 0 && c->silent)
        release(c);
}

void http_h1_client_free(struct http_h1_client *c)
{
    c->active = false;
    c->silent = c->closing = true;
    if (!c->busy)
        release(c);
}

/* --- input --- */

/* Ours and theirs are WebSocket from here on. What waited was written after the request, so it goes first. */
static bool switch_over(struct http_h1_client *c)
{
    char accept[HTTP_WEBSOCKET_ACCEPT_SIZE];
    http_websocket_accept(slice_of(c->key), accept);
    if (!slice_eq(c->wire.parser.websocket_proof, slice_of(accept))) {
        close_with(c, HTTP_FAIL_PROTOCOL, R_INVALID, "Sec-WebSocket-Accept does not match the key that was sent");
        return false;
    }
    c->may_switch = false;
    c->switched = true;
    (void)!http_h1_wire_write(&c->wire, buf_data(&c->ahead)); /* neither counted nor chunked: it takes anything */
    buf_free(&c->ahead);
    later(c);
    return true;
}

/* Does a final answer fit what was asked for? A client that asked by HTTP/1.1 goes on with whatever is not 101 as with
 * any answer (RFC 6455 4.1); to one that asked by extended CONNECT (RFC 8441 5), any 2xx would mean that both sides
 * have switched. */
static bool fits(struct http_h1_client *c, const struct http_response *head)
{
    if (!c->may_switch || head->status >= 300)
        return true;
    if (head->status == 101)
        return switch_over(c);
    if (c->may_stay)
        return true;
    close_with(c, HTTP_FAIL_PROTOCOL, R_INVALID,
               "the server answers a WebSocket's handshake without switching to WebSocket");
    return false;
}

static void on_head(struct http_h1_client *c)
{
    const struct http_response *head = &c->wire.parser.response;
    if (head->status < 200 && head->status != 101) {
        if (c->call.events->on_inform)
            c->call.events->on_inform(c->call.ctx, head);
        return;
    }
    if (!fits(c, head)) {
        fail_call(c);
        return;
    }
    c->answered = true;
    c->call.events->on_response(c->call.ctx, head);
}

static void on_message_end(struct http_h1_client *c)
{
    struct http_h1_parser *p = &c->wire.parser;
    struct http_fields trailers = p->trailers;
    bool reusable = c->request_done && p->keep_alive;
    buf_free(&c->ahead);
    c->active = false;
    c->become_idle = reusable;
    if (!reusable)
        close_with(c, HTTP_FAIL_TRUNCATED, R_EOF, "closed");
    later(c); /* before anything that on_end may put off, so that the next call finds this connection idle */
    c->call.events->on_end(c->call.ctx, trailers.count ? &trailers : NULL);
    arena_free(http_h1_parser_take_arena(p));
}

static void on_event(struct http_h1_client *c, enum http_h1_event event, struct slice data)
{
    if (event == HTTP_H1_HEAD) {
        on_head(c);
    } else if (event == HTTP_H1_DATA) {
        c->wire.outstanding += data.len;
        c->call.events->on_body(c->call.ctx, data);
    } else if (event == HTTP_H1_END) {
        on_message_end(c);
    } else if (event == HTTP_H1_FAIL) {
        close_with(c, HTTP_FAIL_PROTOCOL, R_INVALID, c->wire.parser.what);
        fail_call(c);
    }
}

static size_t appetite(const struct http_h1_client *c)
{
    return c->active && !c->closing && c->wire.outstanding < HTTP_H1_WINDOW ? HTTP_H1_WINDOW - c->wire.outstanding : 0;
}

static bool step(struct http_h1_client *c, struct slice *in)
{
    size_t n = appetite(c);
    if (!n)
        return false;
    struct slice piece = {in->ptr, in->len < n ? in->len : n}, data = SLICE_NONE;
    size_t before = piece.len;
    enum http_h1_event event = http_h1_parse(&c->wire.parser, &piece, &data);
    *in = slice_skip(*in, before - piece.len);
    on_event(c, event, data);
    return event != HTTP_H1_MORE || in->len;
}

static void feed(struct http_h1_client *c, struct slice *in)
{
    c->answering |= in->len > 0;
    while (step(c, in))
        ;
    if (in->len && !c->active && !c->closing)
        close_with(c, HTTP_FAIL_PROTOCOL, R_INVALID, "more bytes than the answer has");
}

static void feed_pending(struct http_h1_client *c)
{
    struct slice in = buf_data(&c->wire.pending);
    size_t before = in.len;
    feed(c, &in);
    buf_consume(&c->wire.pending, before - in.len);
}

static void on_data(void *ctx, struct slice data)
{
    struct http_h1_client *c = ctx;
    if (c->closing)
        return;
    enter(c);
    if (!buf_len(&c->wire.pending))
        feed(c, &data);
    if (data.len && !c->closing && buf_append(&c->wire.pending, data) != OK)
        close_with(c, HTTP_FAIL_PROTOCOL, R_LIMIT, "the server sends more than is asked for");
    if (!c->closing)
        http_h1_wire_steer(&c->wire);
    leave(c);
}

/* A body that lasts until the end has ended; what else was under way is cut. */
static void at_eof(struct http_h1_client *c)
{
    if (!c->eof || c->closing || buf_len(&c->wire.pending))
        return;
    if (c->active && http_h1_parse_eof(&c->wire.parser) == HTTP_H1_END)
        on_message_end(c);
    if (!c->closing)
        close_with(c, HTTP_FAIL_TRUNCATED, R_EOF, "the server closed the connection");
}

static void on_end(void *ctx)
{
    struct http_h1_client *c = ctx;
    c->eof = true;
    enter(c);
    at_eof(c);
    leave(c);
}

static void on_drain(void *ctx)
{
    struct http_h1_client *c = ctx;
    later(c);
}

static void on_close(void *ctx, const struct error *why)
{
    struct http_h1_client *c = ctx;
    bool certificate = c->tls && tls_stream_alert_certificate_required(c->wire.stream);
    c->wire.broken = true;
    close_with(c, certificate ? HTTP_FAIL_CERT_REQUIRED : HTTP_FAIL_TRUNCATED, why ? why->code : R_IO,
               why ? why->text : "the connection broke");
}

static const struct net_stream_events stream_events = {
    .on_data = on_data,
    .on_end = on_end,
    .on_drain = on_drain,
    .on_close = on_close,
};

/* --- the end of an iteration --- */

static void report_sent(struct http_h1_client *c)
{
    size_t n = c->active ? http_h1_wire_take_sent(&c->wire) : 0;
    if (n && c->call.events->on_sent)
        c->call.events->on_sent(c->call.ctx, n);
}

/* The end of our direction of a WebSocket. */
static void end_switched(struct http_h1_client *c)
{
    if (!c->switched || !c->request_done || c->ended || c->closing || c->wire.broken)
        return;
    c->ended = true;
    net_stream_shutdown(c->wire.stream);
}

static void run(void *arg)
{
    struct http_h1_client *c = arg;
    enter(c);
    if (!c->closing) {
        http_h1_wire_flush(&c->wire);
        report_sent(c);
        feed_pending(c);
        at_eof(c);
        http_h1_wire_flush(&c->wire);
        end_switched(c);
        http_h1_wire_steer(&c->wire);
    }
    if (c->become_idle && !c->closing) {
        c->become_idle = false;
        c->events->on_idle(c->ctx);
    }
    if (c->closing && !c->silent) {
        tear_down(c);
        return;
    }
    leave(c);
}

/* --- the call --- */

static struct http_h1_client *of(struct http_call *call)
{
    return (struct http_h1_client *)(void *)call;
}

static void op_write(struct http_call *call, struct slice data)
{
    struct http_h1_client *c = of(call);
    if (!c->active || c->request_done)
        return;
    if (c->may_switch) {
        if (buf_append(&c->ahead, data) != OK)
            close_with(c, HTTP_FAIL_LIMIT, R_LIMIT, "too much was written before the server switched to WebSocket");
        return;
    }
    if (!http_h1_wire_write(&c->wire, data))
        close_with(c, HTTP_FAIL_PROTOCOL, R_INVALID, "the request's body is longer than its Content-Length");
    later(c);
}

static void op_finish(struct http_call *call)
{
    struct http_h1_client *c = of(call);
    if (!c->active || c->request_done)
        return;
    c->request_done = true;
    if (!http_h1_wire_finish(&c->wire))
        close_with(c, HTTP_FAIL_PROTOCOL, R_INVALID, "the request's body is shorter than its Content-Length");
    later(c);
}

static void op_consumed(struct http_call *call, size_t n)
{
    struct http_h1_client *c = of(call);
    if (!c->active)
        return;
    c->wire.outstanding -= n < c->wire.outstanding ? n : c->wire.outstanding;
    if (c->wire.paused || buf_len(&c->wire.pending))
        later(c);
}

static void op_cancel(struct http_call *call)
{
    struct http_h1_client *c = of(call);
    if (!c->active)
        return;
    c->active = false;
    close_with(c, HTTP_FAIL_TRUNCATED, R_EOF, "cancelled");
}

static const struct http_call_ops call_ops = {
    .write = op_write,
    .finish = op_finish,
    .consumed = op_consumed,
    .cancel = op_cancel,
};

/* RFC 9110 8.6: a request without a body says so when its method usually has one. */
static struct http_h1_frame frame_of(struct http_h1_client *c, const struct http_request *request)
{
    struct http_h1_frame f = {.length = request->content_length};
    if (request->protocol.len) {
        http_websocket_key(c->key);
        f = (struct http_h1_frame){.length = -1, .websocket = {SLICE("sec-websocket-key"), slice_of(c->key)}};
    } else if (request->has_body) {
        f.chunked = request->content_length < 0;
    } else if (f.length != 0) {
        bool usual = slice_eq(request->method, SLICE("POST")) || slice_eq(request->method, SLICE("PUT")) ||
                     slice_eq(request->method, SLICE("PATCH"));
        f.length = usual ? 0 : -1;
    }
    return f;
}

enum result http_h1_client_call(struct http_h1_client *c, const struct http_request *request,
                                const struct http_call_events *events, void *ctx, struct http_call **ret,
                                struct error *err)
{
    if (c->active || c->closing || c->become_idle)
        return error_set(err, R_CONFLICT, "the connection is not idle");
    struct http_h1_frame f = frame_of(c, request);
    if (http_h1_write_request(&c->wire.out, request, &f) != OK)
        return error_set(err, R_LIMIT, "the request's head is too long");
    c->call = (struct http_call){.ops = &call_ops, .events = events, .ctx = ctx};
    c->active = true;
    c->request_done = !request->has_body;
    c->may_switch = c->wire.parser.may_switch = request->protocol.len > 0;
    c->may_stay = request->may_stay;
    c->switched = c->ended = false;
    c->wire.wrote = c->answering = c->answered = false;
    c->wire.outstanding = c->wire.unreported = 0;
    c->wire.chunked = f.chunked;
    c->wire.counted = request->has_body && !f.chunked && f.length >= 0;
    c->wire.left = c->wire.counted ? (uint64_t)f.length : 0;
    c->wire.parser.to_head = slice_eq(request->method, SLICE("HEAD"));
    *ret = &c->call;
    later(c);
    return OK;
}

bool http_h1_client_answering(const struct http_h1_client *c)
{
    return c->answering;
}

struct http_h1_client *http_h1_client_new(struct loop *loop, struct net_stream *stream, bool tls,
                                          const struct http_h1_client_events *events, void *ctx)
{
    struct http_h1_client *c = mem_zalloc(sizeof *c);
    c->loop = loop;
    c->tls = tls;
    c->events = events;
    c->ctx = ctx;
    c->run = (struct loop_deferred){.fn = run, .arg = c};
    http_h1_wire_init(&c->wire, stream, true);
    buf_init(&c->ahead, AHEAD_MAX);
    net_stream_set_events(stream, &stream_events, c);
    return c;
}
