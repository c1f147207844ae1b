/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server's HTTP/1.1 connection (RFC 9112): its input, its timeouts, its life. One exchange at a time, in order; what
 * a client sends ahead waits in `pending` with the stream paused. Handlers are called from the stream's callbacks, from
 * the timer and from run(), which the loop calls at the end of an iteration in which something was asked for.
 */
#include "http/h1/server.h"

#include <stdlib.h>

#include "base/mem.h"
#include "http/websocket.h"

static void fault(struct http_h1_server *c, int status, const char *what);

/* --- time: one timer, set anew only when a deadline lies before it; 0 ms: never --- */

static const uint64_t NEVER = UINT64_MAX;

static void set_deadline(struct http_h1_server *c, enum http_h1_phase phase, uint64_t ms)
{
    c->phase = phase;
    c->deadline = ms ? loop_now_ms(c->loop) + ms : NEVER;
    if (!ms || (c->due && c->due <= c->deadline))
        return;
    c->due = c->deadline;
    loop_timer_start(c->timer, ms, 0);
}

/* Has a peer that could go on not gone on? A full window and a handler that thinks are no fault of the peer's. */
static bool peer_stalls(struct http_h1_server *c)
{
    size_t queued = net_stream_queued(c->wire.stream), before = c->queued;
    c->queued = queued;
    if (queued > 0)
        return before > 0 && queued >= before;
    if (c->switched)
        return loop_now_ms(c->loop) - c->progress >= HTTP_SWITCHED_IDLE_MS;
    if (c->received || c->may_switch || c->wire.outstanding >= HTTP_H1_WINDOW)
        return false;
    bool waits_for_100 = c->exchange && c->exchange->x.request.expect_continue && !c->informed;
    return !waits_for_100 && loop_now_ms(c->loop) - c->progress >= c->limits.body_ms;
}

static bool stopped_for_long(struct http_h1_server *c)
{
    return c->stopped && loop_now_ms(c->loop) - c->stopped >= HTTP_STOPPED_MS;
}

static void on_head_timeout(struct http_h1_server *c)
{
    if (http_h1_parser_idle(&c->wire.parser))
        http_h1_server_break(c, R_TIMEOUT, "no request came");
    else
        fault(c, 408, "the request's head did not come in time");
}

static void linger(struct http_h1_server *c);

static void on_idle_timeout(struct http_h1_server *c)
{
    if (c->draining)
        linger(c);
    else
        http_h1_server_break(c, R_TIMEOUT, "idle");
}

static void on_exchange_timeout(struct http_h1_server *c)
{
    if (!peer_stalls(c))
        set_deadline(c, HTTP_H1_PHASE_EXCHANGE, c->limits.body_ms);
    else if (c->discarding || c->head_sent || c->received)
        http_h1_server_break(c, R_TIMEOUT, "the client stalled");
    else
        fault(c, 408, "the request's body did not come in time");
}

static void on_linger_timeout(struct http_h1_server *c)
{
    uint64_t now = loop_now_ms(c->loop);
    size_t queued = net_stream_queued(c->wire.stream);
    if (queued < c->queued || !c->progress)
        c->progress = now;
    c->queued = queued;
    uint64_t patience = queued ? c->limits.body_ms : HTTP_H1_LINGER_MS;
    if ((c->eof && !queued) || (patience && now - c->progress >= patience))
        http_h1_server_break(c, R_EOF, "closed");
    else
        set_deadline(c, HTTP_H1_PHASE_LINGER, HTTP_H1_LINGER_TICK_MS);
}

static void on_timer(void *arg)
{
    struct http_h1_server *c = arg;
    static void (*const expired[])(struct http_h1_server *) = {
        [HTTP_H1_PHASE_HEAD] = on_head_timeout,
        [HTTP_H1_PHASE_IDLE] = on_idle_timeout,
        [HTTP_H1_PHASE_EXCHANGE] = on_exchange_timeout,
        [HTTP_H1_PHASE_LINGER] = on_linger_timeout,
    };
    uint64_t now = loop_now_ms(c->loop);
    c->due = 0;
    if (c->closing)
        return;
    if (stopped_for_long(c)) {
        http_h1_server_break(c, R_LIMIT, "it was stopped, and does not take its answer");
        return;
    }
    if (c->deadline == NEVER)
        return;
    if (now < c->deadline)
        set_deadline(c, c->phase, c->deadline - now);
    else
        expired[c->phase](c);
}

/* --- life --- */

void http_h1_server_break(struct http_h1_server *c, enum result code, const char *why)
{
    if (!c->closing) {
        c->why = mem_zalloc(sizeof *c->why);
        (void)error_set(c->why, code, "%s", why);
    }
    c->closing = true;
    http_h1_server_later(c);
}

static void exchange_free(struct http_h1_server *c)
{
    struct arena *a = c->exchange->x.arena;
    c->exchange = NULL;
    c->wire.outstanding = 0;
    c->wire.unreported = 0;
    c->head_sent = false;
    arena_free(a);
}

static void tear_down(struct http_h1_server *c)
{
    if (c->exchange) {
        http_h1_exchange_abort(c->exchange, c->why);
        exchange_free(c);
    }
    http_h1_wire_flush(&c->wire);
    http_h1_wire_free(&c->wire);
    loop_timer_free(c->timer);
    if (c->events->on_close)
        c->events->on_close(c->owner);
    loop_defer_cancel(&c->run);
    free(c->why);
    free(c);
}

/* Sends our end after what was written, and goes on reading for a while: closing at once would make the system answer
 * with a reset, which can destroy the answer on its way (RFC 9112 9.6). */
static void linger(struct http_h1_server *c)
{
    if (c->lingering)
        return;
    c->lingering = true;
    http_h1_wire_flush(&c->wire);
    buf_free(&c->wire.pending);
    http_h1_parser_free(&c->wire.parser); /* nothing is parsed any more */
    net_stream_shutdown(c->wire.stream);
    c->queued = net_stream_queued(c->wire.stream);
    c->progress = loop_now_ms(c->loop);
    set_deadline(c, HTTP_H1_PHASE_LINGER, c->eof ? 1 : HTTP_H1_LINGER_TICK_MS);
}

static bool next_request_welcome(const struct http_h1_server *c)
{
    return !c->close_after && !c->stopped && !c->eof;
}

/* Nobody told the client of a drain before its next answer does: a request may be on its way, and would be lost with
 * the connection (RFC 9112 9.6). */
static void await_request(struct http_h1_server *c)
{
    set_deadline(c, HTTP_H1_PHASE_IDLE, c->draining ? HTTP_H1_LAST_CALL_MS : c->limits.idle_ms);
}

static void become_idle(struct http_h1_server *c)
{
    c->discarding = false;
    c->received = false;
    if (buf_len(&c->wire.out) == 0)
        buf_free(&c->wire.out); /* it may be idle for long */
    if (next_request_welcome(c))
        await_request(c);
    else
        linger(c);
}

bool http_h1_server_can_discard(const struct http_h1_server *c)
{
    const struct http_h1_exchange *e = c->exchange;
    if (e->x.request.expect_continue && !c->informed)
        return false; /* perhaps the body never comes (RFC 9110 10.1.1) */
    return c->wire.parser.framing != HTTP_H1_COUNTED || c->wire.parser.left <= HTTP_H1_DRAIN_MAX;
}

/* The answer is complete: the next request, or first the rest of this one, or the end. */
static void settle(struct http_h1_server *c)
{
    /* Answered from inside on_request or on_body, before the parser was asked for the end. */
    if (!c->received && c->wire.parser.stage == HTTP_H1_IN_END) {
        struct slice nothing = SLICE(""), data;
        c->received = http_h1_parse(&c->wire.parser, &nothing, &data) == HTTP_H1_END;
    }
    bool rest = !c->received, discard = rest && !c->close_after && !c->stopped && http_h1_server_can_discard(c);
    exchange_free(c);
    if (!rest) {
        become_idle(c);
    } else if (discard) {
        c->discarding = true;
        c->discarded = 0;
        set_deadline(c, HTTP_H1_PHASE_EXCHANGE, c->limits.body_ms);
    } else {
        linger(c);
    }
}

/* --- what is wrong with a request --- */

static void write_refusal(struct http_h1_server *c, int status, const char *what)
{
    struct arena *a = arena_new(HTTP_ARENA_MAX);
    struct http_response head = {.status = status, .content_length = 0};
    struct slice body = SLICE("");
    if (c->events->on_bad_request)
        c->events->on_bad_request(c->owner, status, what, a, &head, &body);
    const struct http_h1_frame f = {.length = (int64_t)body.len, .close = true};
    if (http_h1_write_answer(&c->wire.out, &head, &f) == OK) {
        c->wire.chunked = c->wire.counted = false;
        if (!http_h1_wire_write(&c->wire, body)) /* neither counted nor chunked: it takes anything */
            http_h1_server_break(c, R_LIMIT, what);
    }
    arena_free(a);
}

/* The request is broken: the handler is told when there is one, the client too when its answer has not begun. */
static void fault(struct http_h1_server *c, int status, const char *what)
{
    bool answerable = !c->head_sent && !c->discarding;
    struct error why;
    (void)error_set(&why, status == 408 ? R_TIMEOUT : R_INVALID, "%s", what);
    if (c->exchange) {
        http_h1_exchange_abort(c->exchange, &why);
        exchange_free(c);
    }
    c->close_after = true;
    if (c->closing)
        return;
    if (!answerable && !c->discarding) {
        http_h1_server_break(c, why.code, what);
        return;
    }
    if (answerable)
        write_refusal(c, status, what);
    linger(c);
}

/* --- input --- */

/* The body of one that asks for WebSocket is what comes once it was answered with 101. */
static void offer_websocket(struct http_h1_server *c, struct http_request *request)
{
    c->may_switch = request->may_stay = c->limits.websocket && request->protocol.len > 0; /* RFC 6455 4.1, 4.2.2 */
    if (c->may_switch)
        request->has_body = true;
    else
        request->protocol = SLICE("");
}

static void on_head(struct http_h1_server *c)
{
    struct http_h1_parser *p = &c->wire.parser;
    struct arena *a = http_h1_parser_take_arena(p);
    struct http_h1_exchange *e = arena_alloc(a, sizeof *e);
    if (!e) {
        arena_free(a);
        fault(c, 431, "the head is too long");
        return;
    }
    e->server = c;
    e->x = (struct http_exchange){.ops = &http_h1_exchange_ops, .owner = c->owner, .arena = a, .request = p->request};
    c->exchange = e;
    c->received = c->head_sent = c->bodiless = c->informed = c->switched = false;
    c->close_after = !p->keep_alive;
    offer_websocket(c, &e->x.request);
    c->queued = 0;
    c->progress = loop_now_ms(c->loop);
    c->wire.outstanding = 0;
    set_deadline(c, HTTP_H1_PHASE_EXCHANGE, c->limits.body_ms);
    c->events->on_request(c->owner, &e->x);
}

static void on_piece(struct http_h1_server *c, struct slice data)
{
    struct http_h1_exchange *e = c->exchange;
    c->progress = loop_now_ms(c->loop);
    if (!e) {
        c->discarded += data.len;
        if (c->discarded > HTTP_H1_DRAIN_MAX)
            linger(c);
        return;
    }
    c->wire.outstanding += data.len;
    if (e->x.events && e->x.events->on_body)
        e->x.events->on_body(e->x.ctx, data);
}

static void on_message_end(struct http_h1_server *c)
{
    struct http_h1_exchange *e = c->exchange;
    c->received = true;
    if (!e)
        become_idle(c);
    else if (!e->over && e->x.events && e->x.events->on_body_end)
        e->x.events->on_body_end(e->x.ctx);
}

/* How much of the input may be parsed now: all of it, as much of a body as the window has room for, nothing. */
static size_t appetite(struct http_h1_server *c)
{
    if (c->closing || c->lingering)
        return 0;
    if (c->exchange) {
        size_t window = HTTP_H1_WINDOW - c->wire.outstanding;
        return c->received || c->may_switch || c->wire.outstanding >= HTTP_H1_WINDOW ? 0 : window;
    }
    if (c->discarding)
        return SIZE_MAX;
    return next_request_welcome(c) && !net_stream_congested(c->wire.stream) ? SIZE_MAX : 0;
}

static bool step(struct http_h1_server *c, struct slice *in)
{
    if (c->exchange && c->exchange->over && !c->closing)
        settle(c);
    size_t n = appetite(c);
    if (!n)
        return false;
    struct slice piece = {in->ptr, in->len < n ? in->len : n}, data = SLICE_NONE;
    size_t before = piece.len;
    enum http_h1_event event = http_h1_parse(&c->wire.parser, &piece, &data);
    *in = slice_skip(*in, before - piece.len);
    if (event == HTTP_H1_HEAD)
        on_head(c);
    else if (event == HTTP_H1_DATA)
        on_piece(c, data);
    else if (event == HTTP_H1_END)
        on_message_end(c);
    else if (event == HTTP_H1_FAIL)
        fault(c, c->wire.parser.status, c->wire.parser.what);
    return event != HTTP_H1_MORE || in->len;
}

/* What is sent ahead counts as well, and answers that are not taken. */
static void tell_held(struct http_h1_server *c)
{
    if (c->closing || !c->events->on_held)
        return;
    size_t held = buf_len(&c->wire.parser.partial) + buf_len(&c->wire.pending) + buf_len(&c->wire.out) +
                  net_stream_queued(c->wire.stream);
    if (c->exchange)
        held += arena_used(c->exchange->x.arena);
    if (!c->limits.stranger)
        held -= held % HTTP_HELD_STEP;
    if (held == c->held)
        return;
    c->held = held;
    c->events->on_held(c->owner, held);
}

static void feed(struct http_h1_server *c, struct slice *in)
{
    while (step(c, in))
        ;
    bool in_head = !c->exchange && !c->discarding && !c->lingering && !http_h1_parser_idle(&c->wire.parser);
    if (in_head && c->phase != HTTP_H1_PHASE_HEAD)
        set_deadline(c, HTTP_H1_PHASE_HEAD, c->limits.head_ms);
}

static void feed_pending(struct http_h1_server *c)
{
    struct slice in = buf_data(&c->wire.pending);
    size_t before = in.len;
    feed(c, &in);
    if (!c->lingering) /* which has dropped it */
        buf_consume(&c->wire.pending, before - in.len);
}

/* A client that switched ends its direction like a body. */
static void switched_end(struct http_h1_server *c)
{
    if (c->switched && c->eof && !c->received && !c->closing && !buf_len(&c->wire.pending))
        on_message_end(c);
}

static void on_data(void *ctx, struct slice data)
{
    struct http_h1_server *c = ctx;
    if (c->closing)
        return;
    if (c->lingering) {
        c->discarded += data.len;
        if (c->discarded > HTTP_H1_DRAIN_MAX)
            http_h1_server_break(c, R_LIMIT, "the client goes on sending");
        return;
    }
    if (!buf_len(&c->wire.pending))
        feed(c, &data);
    if (!c->closing && !c->lingering) {
        if (data.len && buf_append(&c->wire.pending, data) != OK)
            http_h1_server_break(c, R_LIMIT, "too much was sent ahead");
        http_h1_wire_steer(&c->wire);
    }
    tell_held(c);
}

static void on_end(void *ctx)
{
    struct http_h1_server *c = ctx;
    c->eof = true;
    if (c->closing)
        return;
    if (c->switched && c->exchange && !c->exchange->over)
        http_h1_server_later(c); /* run() tells it behind what waits */
    else if (c->exchange && !c->exchange->over)
        http_h1_server_break(c, R_EOF, "the client closed the connection");
    else if (c->lingering)
        on_linger_timeout(c);
    else if (c->exchange)
        c->close_after = true; /* run() settles it */
    else
        linger(c);
}

static void on_drain(void *ctx)
{
    struct http_h1_server *c = ctx;
    c->progress = loop_now_ms(c->loop);
    http_h1_server_later(c);
}

static void on_close(void *ctx, const struct error *why)
{
    struct http_h1_server *c = ctx;
    c->wire.broken = true;
    http_h1_server_break(c, why ? why->code : R_IO, why ? why->text : "the connection broke");
}

static const struct net_stream_events stream_events = {
    .on_data = on_data,
    .on_end = on_end,
    .on_drain = on_drain,
    .on_close = on_close,
};

/* --- the end of an iteration --- */

static void report_sent(struct http_h1_server *c)
{
    struct http_h1_exchange *e = c->exchange;
    if (!e || e->over)
        return;
    size_t n = http_h1_wire_take_sent(&c->wire);
    if (n && c->switched)
        c->progress = loop_now_ms(c->loop);
    if (n && e->x.events && e->x.events->on_sent)
        e->x.events->on_sent(e->x.ctx, n);
}

static void run(void *arg)
{
    struct http_h1_server *c = arg;
    if (!c->closing) {
        http_h1_wire_flush(&c->wire);
        report_sent(c);
        feed_pending(c);
        switched_end(c);
        http_h1_wire_flush(&c->wire);
        if (c->stopped && !c->exchange && !c->discarding && !c->closing)
            linger(c);
        tell_held(c);
        http_h1_wire_steer(&c->wire);
    }
    if (c->closing)
        tear_down(c);
}

/* --- from outside --- */

static struct http_h1_server *of(struct http_server_conn *base)
{
    return (struct http_h1_server *)(void *)base;
}

static void op_drain(struct http_server_conn *base)
{
    struct http_h1_server *c = of(base);
    bool idle = !c->exchange && !c->discarding && !c->lingering && !c->closing && http_h1_parser_idle(&c->wire.parser);
    c->draining = true;
    if (idle)
        await_request(c);
    http_h1_server_later(c);
}

/* Nothing is read behind the request that is answered. */
static void op_stop(struct http_server_conn *base)
{
    struct http_h1_server *c = of(base);
    if (c->stopped)
        return;
    c->stopped = loop_now_ms(c->loop);
    c->due = c->stopped + HTTP_STOPPED_MS;
    loop_timer_start(c->timer, HTTP_STOPPED_MS, 0);
    c->draining = true;
    http_h1_server_later(c);
}

static void op_close(struct http_server_conn *base)
{
    http_h1_server_break(of(base), R_EOF, "the server closes");
}

static void op_let_in(struct http_server_conn *base)
{
    of(base)->limits.stranger = false;
}

static void op_for_many(struct http_server_conn *base)
{
    (void)base; /* it has one request under way */
}

static size_t op_exchanges(const struct http_server_conn *base)
{
    const struct http_h1_server *c = (const struct http_h1_server *)(const void *)base;
    return c->exchange && !c->exchange->over;
}

static const struct http_server_conn_ops conn_ops = {
    .drain = op_drain,
    .stop = op_stop,
    .close = op_close,
    .let_in = op_let_in,
    .for_many = op_for_many,
    .exchanges = op_exchanges,
};

struct http_server_conn *http_h1_server_new(struct loop *loop, struct net_stream *stream,
                                            const struct http_server_limits *limits,
                                            const struct http_server_events *events, void *owner)
{
    struct http_h1_server *c = mem_zalloc(sizeof *c);
    c->base.ops = &conn_ops;
    c->loop = loop;
    c->limits = *limits;
    c->events = events;
    c->owner = owner;
    c->run = (struct loop_deferred){.fn = run, .arg = c};
    c->timer = loop_timer_new(loop, on_timer, c);
    http_h1_wire_init(&c->wire, stream, false);
    net_stream_set_events(stream, &stream_events, c);
    set_deadline(c, HTTP_H1_PHASE_HEAD, limits->head_ms);
    return &c->base;
}
