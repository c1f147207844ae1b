/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's role: an HTTP/2 stream as an http_exchange. The request's head lies in an arena of its own, which goes
 * when the exchange is over: an answer that the peer does not take holds itself alone.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "http/h2/internal.h"

struct exchange {
    struct h2_stream s;
    struct http_exchange x;
    bool started;  /* the handler has it */
    bool answered; /* the final head is submitted */
};

static const struct http_exchange_ops ops;

static struct exchange *of_stream(struct h2_stream *s)
{
    return container_of(s, struct exchange, s);
}

static struct exchange *of(struct http_exchange *x)
{
    return container_of(x, struct exchange, x);
}

struct h2_stream *h2_server_begin(struct http_h2 *h, int32_t id)
{
    struct arena *a = arena_new(HTTP_ARENA_MAX);
    struct exchange *e = mem_zalloc(sizeof *e);
    const nghttp2_extpri turns = {.urgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY, .inc = 1};
    e->x = (struct http_exchange){.ops = &ops, .owner = h->owner, .arena = a};
    e->s.arena = a;
    h2_stream_init(h, &e->s, id);
    /* streams with data take turns, frame by frame */
    (void)nghttp2_session_change_extpri_stream_priority(h->ng, id, &turns, 1);
    return &e->s;
}

/* --- answering --- */

/* "Mon, 23 Nov 2026 04:05:06 GMT", made once a second. */
static struct slice date_now(void)
{
    static _Thread_local char text[CLOCK_TEXT_SIZE];
    static _Thread_local int64_t made;
    int64_t now = clock_wall_s();
    if (now != made) {
        clock_http_date(now, text);
        made = now;
    }
    return slice_of(text);
}

static bool add_date(struct h2_nv *nv, const struct http_fields *f)
{
    if (http_fields_get(f, SLICE("date")).ptr)
        return true;
    if (nv->count == H2_NV_MAX)
        return false;
    struct slice date = date_now();
    nv->list[nv->count++] =
        (nghttp2_nv){(uint8_t *)(uintptr_t) "date", (uint8_t *)(uintptr_t)date.ptr, 4, date.len, NGHTTP2_NV_FLAG_NONE};
    return true;
}

static void submit(struct exchange *e, const struct http_response *head, bool end)
{
    struct h2_nv nv;
    nghttp2_data_provider body = {.source.ptr = &e->s, .read_callback = h2_read_out};
    e->answered = true;
    if (!h2_nv_response(&nv, e->s.h, head) || !add_date(&nv, &head->fields) ||
        nghttp2_submit_response(e->s.h->ng, e->s.id, nv.list, nv.count, end ? NULL : &body) != 0)
        h2_stream_reset(&e->s, NGHTTP2_INTERNAL_ERROR);
    h2_schedule(e->s.h);
}

static void inform(struct http_exchange *x, const struct http_response *head)
{
    struct exchange *e = of(x);
    struct h2_nv nv;
    if (e->s.over || e->answered || e->s.reset || !h2_stream_live(&e->s) || !h2_nv_response(&nv, e->s.h, head))
        return;
    (void)nghttp2_submit_headers(e->s.h->ng, NGHTTP2_FLAG_NONE, e->s.id, NULL, nv.list, nv.count, NULL);
    h2_schedule(e->s.h);
}

static void reset(struct http_exchange *x)
{
    struct exchange *e = of(x);
    e->s.faultless = x->broken_inside;
    h2_stream_reset(&e->s, x->broken_inside ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_INTERNAL_ERROR);
    h2_stream_over(&e->s);
}

static void respond(struct http_exchange *x, const struct http_response *head, bool end)
{
    struct exchange *e = of(x);
    if (e->s.over)
        return;
    if (e->answered || (head->status == 101 && !e->s.websocket)) { /* the handler's fault; the asker is to see it */
        reset(x);
        return;
    }
    e->s.switched = head->status == 101;
    if (h2_stream_live(&e->s) && !e->s.reset)
        submit(e, head, end);
    if (end)
        h2_stream_over(&e->s);
}

static void write_body(struct http_exchange *x, struct slice data)
{
    struct exchange *e = of(x);
    if (e->answered && !e->s.reset)
        h2_stream_write(&e->s, data);
}

/* Copies: the trailers leave behind what is still buffered. */
static void keep_trailers(struct exchange *e, const struct http_fields *from)
{
    struct http_fields *f = arena_alloc(e->x.arena, sizeof *f);
    for (size_t i = 0; f && i < from->count; i++) {
        struct slice name = arena_dup(e->x.arena, from->list[i].name);
        struct slice value = arena_dup(e->x.arena, from->list[i].value);
        if (!name.ptr || !value.ptr || http_fields_add(f, e->x.arena, name, value) != OK)
            return; /* over a maximum: RFC 9110 6.5.1 lets trailers be dropped */
    }
    e->s.trailers = f && f->count ? f : NULL;
}

static void finish(struct http_exchange *x, const struct http_fields *trailers)
{
    struct exchange *e = of(x);
    if (e->s.over)
        return;
    if (!e->answered)
        h2_stream_reset(&e->s, NGHTTP2_INTERNAL_ERROR);
    if (trailers && trailers->count)
        keep_trailers(e, trailers);
    h2_stream_finish(&e->s);
    h2_stream_over(&e->s);
}

static void consumed(struct http_exchange *x, size_t n)
{
    if (!of(x)->s.over)
        h2_flow_consumed(&of(x)->s, n);
}

static const struct http_exchange_ops ops = {
    .inform = inform,
    .respond = respond,
    .write = write_body,
    .finish = finish,
    .consumed = consumed,
    .reset = reset,
};

/* --- what the session tells --- */

static void tell_abort(struct exchange *e, const struct error *why)
{
    h2_stream_over(&e->s);
    if (e->started && e->x.events && e->x.events->on_abort)
        e->x.events->on_abort(e->x.ctx, why);
}

/* Answers instead of the handler, who sees nothing of it (any more). */
static void refuse(struct exchange *e, int status, const char *what)
{
    const struct http_h2_events *ev = e->s.h->events;
    struct http_response head = {.status = status, .content_length = 0};
    struct slice body = SLICE_NONE;
    if (ev->on_bad_request)
        ev->on_bad_request(e->s.h->owner, status, what, e->x.arena, &head, &body);
    if (!h2_stream_live(&e->s))
        return;
    head.content_length = (int64_t)body.len;
    submit(e, &head, body.len == 0);
    bool over = e->s.over;
    e->s.over = false; /* so that the body is taken */
    h2_stream_write(&e->s, body);
    e->s.over = over;
    h2_stream_finish(&e->s);
    h2_stream_over(&e->s);
}

/* PROTOCOL 6: request trailers are refused. */
static void refuse_trailers(struct exchange *e)
{
    struct error why;
    bool answered = e->answered;
    (void)error_set(&why, R_INVALID, "the request has trailers");
    tell_abort(e, &why);
    if (answered)
        h2_stream_reset(&e->s, NGHTTP2_PROTOCOL_ERROR);
    else
        refuse(e, 400, "request trailers are not accepted");
}

static void body_end(struct exchange *e)
{
    if (!e->s.over && e->x.events && e->x.events->on_body_end)
        e->x.events->on_body_end(e->x.ctx);
}

static void on_head(struct h2_stream *s, struct h2_head *head, bool end)
{
    struct exchange *e = of_stream(s);
    if (e->started) {
        refuse_trailers(e);
        return;
    }
    h2_head_request(head, &e->x.request, end);
    if (head->malformed) {
        h2_stream_reset(s, NGHTTP2_PROTOCOL_ERROR);
        h2_stream_over(s);
        return;
    }
    if (head->refuse) {
        refuse(e, head->refuse, head->why);
        return;
    }
    e->started = true;
    s->websocket = e->x.request.protocol.len > 0;
    s->h->events->on_request(s->h->owner, &e->x);
    if (end)
        body_end(e);
}

static void on_body(struct h2_stream *s, struct slice data)
{
    struct exchange *e = of_stream(s);
    if (e->x.events && e->x.events->on_body)
        e->x.events->on_body(e->x.ctx, data);
    else
        h2_flow_consumed(s, data.len);
}

static void on_end(struct h2_stream *s)
{
    body_end(of_stream(s));
}

static void on_sent(struct h2_stream *s, size_t n)
{
    struct exchange *e = of_stream(s);
    if (e->x.events && e->x.events->on_sent)
        e->x.events->on_sent(e->x.ctx, n);
}

static void on_gone(struct h2_stream *s, const struct error *why)
{
    struct error made;
    if (!why) {
        const char *text = nghttp2_http2_strerror(s->error_code);
        if (s->peer_reset)
            (void)error_set(&made, R_EOF, "the peer reset the stream: %s", text);
        else if (s->reset && s->error_code == NGHTTP2_CANCEL)
            (void)error_set(&made, R_TIMEOUT, "the body made no progress");
        else
            (void)error_set(&made, R_INVALID, "the stream broke HTTP/2: %s", text);
        why = &made;
    }
    tell_abort(of_stream(s), why);
}

static bool stalled(const struct h2_stream *s)
{
    (void)s;
    return true; /* the request's body is not all in */
}

static void free_exchange(struct h2_stream *s)
{
    free(of_stream(s));
}

const struct h2_role h2_role_server = {
    .server = true,
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_gone = on_gone,
    .stalled = stalled,
    .free = free_exchange,
};

struct http_h2 *http_h2_server(struct loop *loop, struct net_stream *stream, const struct http_h2_options *o,
                               const struct http_h2_events *events, void *owner)
{
    return h2_new(loop, stream, o, events, owner, &h2_role_server);
}
