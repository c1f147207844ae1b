/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange on HTTP/1.1: what a handler calls. Everything is only written down here; run() in h1/server.c sends. */
#include "http/h1/server.h"
#include "http/websocket.h"

static struct http_h1_exchange *of(struct http_exchange *x)
{
    return (struct http_h1_exchange *)(void *)x;
}

static void over(struct http_h1_exchange *e)
{
    e->over = true;
    http_h1_server_later(e->server);
}

static void op_inform(struct http_exchange *x, const struct http_response *head)
{
    struct http_h1_exchange *e = of(x);
    struct http_h1_server *c = e->server;
    bool fits = head->status >= 100 && head->status < 200 && head->status != 101;
    if (e->over || c->head_sent || !fits || x->request.version == HTTP_1_0)
        return;
    const struct http_h1_frame frame = {.length = -1};
    if (http_h1_write_answer(&c->wire.out, head, &frame) != OK)
        return; /* no answer depends on it */
    c->informed |= head->status == 100;
    http_h1_server_later(c);
}

/* RFC 9112 6: how the body of this answer is framed, if it has one. */
static struct http_h1_frame frame_of(const struct http_request *request, const struct http_response *head, bool end)
{
    struct http_h1_frame f = {.length = head->content_length};
    if (slice_eq(request->method, SLICE("HEAD")) || head->status == 304)
        return f;
    if (head->status == 204)
        f.length = -1;
    else if (end)
        f.length = 0;
    else if (head->content_length < 0 && request->version != HTTP_1_0)
        f.chunked = true;
    return f;
}

/* RFC 6455 4.2.2: both sides go on with WebSocket, which ends with the connection. False: it was not asked for. */
static bool switch_over(struct http_h1_server *c, const struct http_response *head)
{
    char accept[HTTP_WEBSOCKET_ACCEPT_SIZE];
    if (!c->may_switch)
        return false;
    http_websocket_accept(c->wire.parser.websocket_proof, accept);
    const struct http_h1_frame f = {.length = -1, .websocket = {SLICE("sec-websocket-accept"), slice_of(accept)}};
    if (http_h1_write_answer(&c->wire.out, head, &f) != OK)
        return false;
    http_h1_parser_switch(&c->wire.parser);
    c->may_switch = false;
    c->switched = c->head_sent = c->close_after = true;
    c->wire.chunked = c->wire.counted = false;
    c->progress = loop_now_ms(c->loop);
    return true;
}

static bool answer_ends_connection(const struct http_h1_server *c, bool until_eof, bool end)
{
    bool upload_stays = end && !c->received && !http_h1_server_can_discard(c);
    return c->close_after || c->draining || until_eof || upload_stays;
}

static void op_respond(struct http_exchange *x, const struct http_response *head, bool end)
{
    struct http_h1_exchange *e = of(x);
    struct http_h1_server *c = e->server;
    if (e->over)
        return;
    e->over = end;
    if (c->head_sent) { /* a bug of the handler; the client must not take a part of it for the whole */
        http_h1_server_break(c, R_CONFLICT, "answered twice");
        return;
    }
    http_h1_server_later(c);
    if (head->status == 101) {
        if (!switch_over(c, head))
            http_h1_server_break(c, R_CONFLICT, "an upgrade that can't be answered");
        return;
    }
    c->may_switch = false;
    struct http_h1_frame f = frame_of(&x->request, head, end);
    bool to_head = slice_eq(x->request.method, SLICE("HEAD"));
    c->bodiless = to_head || head->status == 204 || head->status == 304;
    bool until_eof = !c->bodiless && !f.chunked && f.length < 0;
    f.close = c->close_after = answer_ends_connection(c, until_eof, end);
    f.keep_alive = !f.close && x->request.version == HTTP_1_0;
    if (http_h1_write_answer(&c->wire.out, head, &f) != OK) {
        http_h1_server_break(c, R_LIMIT, "the answer's head is too long");
        return;
    }
    c->head_sent = true;
    c->wire.chunked = !c->bodiless && f.chunked;
    c->wire.counted = !c->bodiless && f.length >= 0;
    c->wire.left = c->wire.counted ? (uint64_t)f.length : 0;
    c->progress = loop_now_ms(c->loop);
}

static void op_write(struct http_exchange *x, struct slice data)
{
    struct http_h1_exchange *e = of(x);
    struct http_h1_server *c = e->server;
    if (e->over || !c->head_sent)
        return;
    if (c->bodiless)
        c->wire.unreported += data.len;
    else if (!http_h1_wire_write(&c->wire, data))
        http_h1_server_break(c, R_INVALID, "the answer's body is longer than its Content-Length");
    http_h1_server_later(c);
}

static void op_finish(struct http_exchange *x, const struct http_fields *trailers)
{
    struct http_h1_exchange *e = of(x);
    (void)trailers; /* PROTOCOL 6: dropped on HTTP/1 */
    if (e->over)
        return;
    over(e);
    if (!e->server->head_sent || !http_h1_wire_finish(&e->server->wire))
        http_h1_server_break(e->server, R_INVALID, "the answer is shorter than its Content-Length");
}

static void op_consumed(struct http_exchange *x, size_t n)
{
    struct http_h1_exchange *e = of(x);
    struct http_h1_wire *w = &e->server->wire;
    if (e->over)
        return;
    w->outstanding -= n < w->outstanding ? n : w->outstanding;
    if (w->paused || buf_len(&w->pending))
        http_h1_server_later(e->server);
}

static void op_reset(struct http_exchange *x)
{
    struct http_h1_exchange *e = of(x);
    if (e->over)
        return;
    over(e);
    http_h1_server_break(e->server, R_IO, "the answer was broken off");
}

const struct http_exchange_ops http_h1_exchange_ops = {
    .inform = op_inform,
    .respond = op_respond,
    .write = op_write,
    .finish = op_finish,
    .consumed = op_consumed,
    .reset = op_reset,
};

void http_h1_exchange_abort(struct http_h1_exchange *e, const struct error *why)
{
    if (e->over)
        return;
    e->over = true;
    if (e->x.events && e->x.events->on_abort)
        e->x.events->on_abort(e->x.ctx, why);
}
