/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/2 session's plumbing: bytes from the stream into nghttp2, frames out of it gathered into few large writes at
 * the end of the loop's iteration, and the life of sessions and streams. A session is freed from its deferred step
 * alone, so whatever the user does in a callback, everything stands until he has returned.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "http/h2_internal.h"

enum {
    GATHER = 64 * 1024,
    FRAME_ROOM = 9 + 16384 + 256, /* a whole frame of the default maximum size */
    ROUNDS = 16,                  /* of writing and reporting within one step, then the loop gets its turn */
    QUEUE_MAX = 4096,             /* frames of ours that a peer who does not read may pile up, beside its streams */
    HEAD_OUT_MAX = 4 * HTTP_HEAD_MAX,
    HPACK_TABLE = 4096,
};

const struct http_h2_options http_h2_tunnel_options = {
    .max_streams = 32768,
    .window_budget = 64 * 1024 * 1024,
    .ping_ms = 10 * 1000,
    .ping_timeout_ms = 5 * 1000,
};

/* One a thread: filled and emptied within one call, so that sessions hold no buffer of their own. */
static _Thread_local struct {
    char mem[GATHER];
    size_t len;
    bool full;
} gather;

void h2_schedule(struct http_h2 *h)
{
    if (h->in_step)
        h->dirty = true;
    else
        loop_defer(h->loop, &h->step);
}

void h2_fail(struct http_h2 *h, uint32_t goaway, enum result code, const char *fmt, ...)
{
    if (h->closing)
        return;
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    (void)error_set(&h->why, code, "%s", text);
    h->closing = true;
    (void)nghttp2_session_terminate_session(h->ng, goaway);
    h2_schedule(h);
}

/* --- streams --- */

void h2_stream_init(struct http_h2 *h, struct h2_stream *s, int32_t id)
{
    s->h = h;
    s->id = id;
    s->window = H2_WINDOW_FIRST;
    s->progress_ms = loop_now_ms(h->loop);
    buf_init(&s->out, H2_OUT_MAX);
    s->next = h->streams;
    s->link = &h->streams;
    if (s->next)
        s->next->link = &s->next;
    h->streams = s;
    h->open++;
    h->active++;
}

void h2_stream_over(struct h2_stream *s)
{
    if (s->over)
        return;
    s->over = true;
    s->h->active--;
}

static void stream_free(struct h2_stream *s)
{
    struct http_h2 *h = s->h;
    h2_stream_over(s);
    h2_flow_ended(s);
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
    if (--h->open == 0)
        h->idle_ms = loop_now_ms(h->loop);
    if (h->head.arena == s->arena)
        h->head.arena = NULL;
    buf_free(&s->out);
    h->role->free(s);
}

void h2_stream_write(struct h2_stream *s, struct slice data)
{
    if (s->over || s->eof || data.len == 0 || !h2_stream_live(s))
        return;
    if (buf_len(&s->out) == 0)
        s->progress_ms = loop_now_ms(s->h->loop);
    if (buf_append(&s->out, data) != OK) {
        h2_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
        return;
    }
    if (s->deferred) {
        s->deferred = false;
        (void)nghttp2_session_resume_data(s->h->ng, s->id);
    }
    h2_schedule(s->h);
}

void h2_stream_finish(struct h2_stream *s)
{
    if (s->eof || !h2_stream_live(s))
        return;
    s->eof = true;
    if (s->deferred) {
        s->deferred = false;
        (void)nghttp2_session_resume_data(s->h->ng, s->id);
    }
    h2_schedule(s->h);
}

void h2_stream_reset(struct h2_stream *s, uint32_t code)
{
    if (s->reset || !h2_stream_live(s))
        return;
    s->reset = true;
    buf_free(&s->out);
    (void)nghttp2_submit_rst_stream(s->h->ng, NGHTTP2_FLAG_NONE, s->id, code);
    h2_schedule(s->h);
}

/* Outside of nghttp2: the last word to the users of streams that it has closed. */
static void reap(struct http_h2 *h)
{
    while (h->closed) {
        struct h2_stream *s = h->closed;
        h->closed = s->next_closed;
        if (!s->over)
            h->role->on_gone(s, NULL);
        stream_free(s);
    }
}

static void report_sent(struct http_h2 *h)
{
    while (h->sent) {
        struct h2_stream *s = h->sent;
        size_t n = s->sent;
        h->sent = s->next_sent;
        s->in_sent = false;
        s->sent = 0;
        if (!s->over)
            h->role->on_sent(s, n);
    }
}

/* --- what nghttp2 asks for and tells --- */

static ssize_t read_out(nghttp2_session *ng, int32_t id, uint8_t *unused, size_t max, uint32_t *flags,
                        nghttp2_data_source *source, void *user)
{
    struct h2_stream *s = source->ptr;
    struct h2_nv nv;
    (void)unused, (void)user;
    size_t have = buf_len(&s->out), n = have < max ? have : max;
    if (n == 0 && !s->eof) {
        s->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (n < have || !s->eof)
        return (ssize_t)n;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (s->trailers && h2_nv_fields(&nv, s->trailers) && nghttp2_submit_trailer(ng, id, nv.list, nv.count) == 0)
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    return (ssize_t)n;
}
const nghttp2_data_source_read_callback h2_read_out = read_out;

static void to_gather(const void *data, size_t n)
{
    memcpy(gather.mem + gather.len, data, n);
    gather.len += n;
}

/* flush() left room for one frame; PAUSE says that there is none for another. */
static int send_data(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *head, size_t n,
                     nghttp2_data_source *source, void *user)
{
    struct h2_stream *s = source->ptr;
    struct http_h2 *h = user;
    (void)ng, (void)frame;
    to_gather(head, 9);
    if (n) {
        to_gather(buf_data(&s->out).ptr, n);
        buf_consume(&s->out, n);
        s->sent += n;
        s->progress_ms = loop_now_ms(h->loop);
    }
    if (buf_len(&s->out) == 0)
        buf_free(&s->out);
    if (s->sent && !s->in_sent) {
        s->in_sent = true;
        s->next_sent = h->sent;
        h->sent = s;
    }
    gather.full = sizeof gather.mem - gather.len < FRAME_ROOM;
    return gather.full ? NGHTTP2_ERR_PAUSE : 0;
}

static struct h2_stream *stream_of(struct http_h2 *h, int32_t id)
{
    return id ? nghttp2_session_get_stream_user_data(h->ng, id) : NULL;
}

static void mark_closed(struct h2_stream *s, uint32_t code)
{
    if (s->closed)
        return;
    s->closed = true;
    s->error_code = code;
    s->next_closed = s->h->closed;
    s->h->closed = s;
}

static int on_stream_close(nghttp2_session *ng, int32_t id, uint32_t code, void *user)
{
    struct h2_stream *s = stream_of(user, id);
    if (s) {
        (void)nghttp2_session_set_stream_user_data(ng, id, NULL);
        mark_closed(s, code);
    }
    return 0;
}

static int on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
    struct http_h2 *h = user;
    h->head.arena = NULL;
    if (h->closing || frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    struct h2_stream *s = stream_of(h, frame->hd.stream_id);
    if (h->role->server && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        s = h2_server_begin(h, frame->hd.stream_id);
        (void)nghttp2_session_set_stream_user_data(ng, frame->hd.stream_id, s);
    }
    if (!s || s->over)
        return 0;
    if (!s->arena)
        s->arena = arena_new(HTTP_ARENA_MAX);
    h2_head_begin(&h->head, s->arena);
    return 0;
}

static int on_header(nghttp2_session *ng, const nghttp2_frame *frame, nghttp2_rcbuf *name, nghttp2_rcbuf *value,
                     uint8_t flags, void *user)
{
    struct http_h2 *h = user;
    (void)ng, (void)frame, (void)flags;
    if (h->head.arena)
        h2_head_add(&h->head, name, value);
    return 0;
}

/* Names and values that RFC 9113 8.2.1 does not allow: nghttp2 would leave them out, we refuse the message. */
static int on_invalid_header(nghttp2_session *ng, const nghttp2_frame *frame, nghttp2_rcbuf *name, nghttp2_rcbuf *value,
                             uint8_t flags, void *user)
{
    struct http_h2 *h = user;
    (void)ng, (void)frame, (void)name, (void)value, (void)flags;
    if (h->head.arena)
        h2_head_refuse(&h->head, 400, "a header field is malformed");
    return 0;
}

static int on_data_chunk(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *data, size_t n, void *user)
{
    struct http_h2 *h = user;
    struct h2_stream *s = stream_of(h, id);
    (void)ng, (void)flags;
    if (!s || s->over || h->closing) {
        h2_flow_dropped(h, n);
        return 0;
    }
    s->progress_ms = h->received_ms;
    h2_flow_received(s, n);
    h->role->on_body(s, slice_make(data, n));
    return 0;
}

static void received_headers(struct http_h2 *h, struct h2_stream *s, bool end)
{
    struct h2_head head = h->head;
    h->head.arena = NULL;
    if (end)
        s->remote_end = true;
    if (head.arena && !s->over)
        h->role->on_head(s, &head, end);
}

static void received_goaway(struct http_h2 *h, const nghttp2_goaway *g)
{
    h->peer_draining = true;
    if (g->error_code != NGHTTP2_NO_ERROR)
        (void)error_set(&h->peer_complaint, R_INVALID, "the peer ended the connection: %s",
                        nghttp2_http2_strerror(g->error_code));
    if (!h->told_drain && h->events->on_drain) {
        h->told_drain = true;
        h->events->on_drain(h->owner);
    }
}

static int on_frame_recv(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
    struct http_h2 *h = user;
    (void)ng;
    if (h->closing)
        return 0;
    h2_health_received_frame(h, frame);
    struct h2_stream *s = stream_of(h, frame->hd.stream_id);
    bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        received_goaway(h, &frame->goaway);
    else if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK))
        h2_health_pong(h, frame->ping.opaque_data);
    else if (!s)
        return 0;
    else if (frame->hd.type == NGHTTP2_HEADERS)
        received_headers(h, s, end);
    else if (frame->hd.type == NGHTTP2_RST_STREAM)
        s->peer_reset = true;
    else if (frame->hd.type == NGHTTP2_DATA && end) {
        s->remote_end = true;
        if (!s->over)
            h->role->on_end(s);
    }
    return 0;
}

static void sent_goaway(struct http_h2 *h, const nghttp2_goaway *g)
{
    if (g->error_code == NGHTTP2_NO_ERROR)
        return;
    (void)error_set(&h->our_complaint, R_INVALID, "the peer broke HTTP/2: %s (%.*s)",
                    nghttp2_http2_strerror(g->error_code), (int)g->opaque_data_len,
                    g->opaque_data ? (const char *)g->opaque_data : "");
}

static int on_frame_send(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
    struct http_h2 *h = user;
    h2_health_sent_frame(h, frame);
    if (frame->hd.type == NGHTTP2_GOAWAY)
        sent_goaway(h, &frame->goaway);
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
        return 0;
    struct h2_stream *s = stream_of(h, frame->hd.stream_id);
    if (!s)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS)
        s->head_sent = true;
    if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    s->local_end = true;
    /* RFC 9113 8.1: answered before the request was all in; the rest of it is not wanted */
    if (h->role->server && !s->remote_end && !s->reset) {
        s->reset = true;
        (void)nghttp2_submit_rst_stream(ng, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_NO_ERROR);
    }
    return 0;
}

/* A request that nghttp2 could not start has no stream of its own, so it is looked for. */
static int on_frame_not_send(nghttp2_session *ng, const nghttp2_frame *frame, int code, void *user)
{
    struct http_h2 *h = user;
    (void)ng;
    if (frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    for (struct h2_stream *s = h->streams; s; s = s->next)
        if (s->id == frame->hd.stream_id && !s->closed) {
            if (!h->role->server) {
                s->unsent = true;
                mark_closed(s, NGHTTP2_REFUSED_STREAM);
            } else if (!s->reset) { /* an answer with a head over the maximum */
                s->reset = true;
                (void)nghttp2_submit_rst_stream(ng, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_INTERNAL_ERROR);
            }
            break;
        }
    (void)code;
    return 0;
}

/* --- writing --- */

static void gather_out(struct http_h2 *h)
{
    if (gather.len)
        net_stream_write(h->stream, slice_make(gather.mem, gather.len));
    gather.len = 0;
}

/* Up to one gather of frames; false when there was nothing more to send. */
static bool fill_gather(struct http_h2 *h)
{
    gather.len = 0;
    do {
        const uint8_t *data;
        gather.full = false;
        ssize_t n = nghttp2_session_mem_send(h->ng, &data);
        if (n < 0) {
            h2_fail(h, NGHTTP2_INTERNAL_ERROR, R_IO, "HTTP/2: %s", nghttp2_strerror((int)n));
            return false;
        }
        if (n == 0 && !gather.full)
            return false;
        if ((size_t)n > sizeof gather.mem - gather.len)
            gather_out(h);
        if ((size_t)n > sizeof gather.mem)
            net_stream_write(h->stream, slice_make(data, (size_t)n));
        else if (n)
            to_gather(data, (size_t)n);
    } while (sizeof gather.mem - gather.len >= FRAME_ROOM);
    return true;
}

static void flush(struct http_h2 *h)
{
    bool more = true;
    while (more && !net_stream_congested(h->stream)) {
        more = fill_gather(h);
        gather_out(h);
    }
}

/* --- the end --- */

/* Nothing more to read and nothing to write, and nobody said h2_fail: nghttp2 ended it for a fault, or both sides are
 * done. In peace, what the kernel has not taken yet is still sent, and the peer closes (or h2_health loses patience):
 * a close with unread bytes would be a reset, which can take the end of an answer with it. */
static void ended_by_itself(struct http_h2 *h)
{
    const struct error *e = h->our_complaint.code    ? &h->our_complaint
                            : h->peer_complaint.code ? &h->peer_complaint
                                                     : NULL;
    if (e)
        h2_fail(h, NGHTTP2_NO_ERROR, e->code, "%s", e->text);
    else if (h->open)
        h2_fail(h, NGHTTP2_NO_ERROR, R_EOF, "the connection ended");
    else
        h2_health_linger(h);
}

static void tell_all(struct http_h2 *h)
{
    for (struct h2_stream *s = h->streams; s; s = s->next)
        if (!s->over)
            h->role->on_gone(s, s->closed ? NULL : &h->why);
}

static void destroy(struct http_h2 *h)
{
    tell_all(h);
    h->closed = NULL;
    while (h->streams)
        stream_free(h->streams);
    net_stream_close(h->stream);
    if (h->events->on_close)
        h->events->on_close(h->owner, &h->why);
    loop_defer_cancel(&h->step);
    h2_health_stop(h);
    nghttp2_session_del(h->ng);
    free(h);
}

static void step(void *arg)
{
    struct http_h2 *h = arg;
    h->in_step = true;
    for (int round = 0; round < ROUNDS; round++) {
        h->dirty = false;
        flush(h);
        report_sent(h);
        reap(h);
        if (!h->dirty || h->closing)
            break;
    }
    if (!h->closing && !h->linger_ms && !nghttp2_session_want_read(h->ng) && !nghttp2_session_want_write(h->ng))
        ended_by_itself(h);
    if (h->closing) {
        flush(h); /* the GOAWAY, as far as the peer still reads */
        destroy(h);
        return;
    }
    h->in_step = false;
    if (h->dirty)
        h2_schedule(h);
}

/* --- the stream below --- */

static void on_data(void *ctx, struct slice data)
{
    struct http_h2 *h = ctx;
    if (h->closing || h->linger_ms)
        return;
    h->received_ms = loop_now_ms(h->loop);
    h2_flow_clock(h);
    ssize_t n = nghttp2_session_mem_recv(h->ng, (const uint8_t *)data.ptr, data.len);
    if (n < 0)
        h2_fail(h, NGHTTP2_ENHANCE_YOUR_CALM, n == NGHTTP2_ERR_FLOODED ? R_LIMIT : R_INVALID, "HTTP/2: %s",
                nghttp2_strerror((int)n));
    if (nghttp2_session_get_outbound_queue_size(h->ng) > QUEUE_MAX + 2 * (size_t)h->o.max_streams)
        h2_fail(h, NGHTTP2_ENHANCE_YOUR_CALM, R_LIMIT, "the peer does not read what it asks for");
    reap(h);
    h2_schedule(h);
}

static void on_end(void *ctx)
{
    struct http_h2 *h = ctx;
    struct error *e = h->peer_complaint.code ? &h->peer_complaint : NULL;
    h2_fail(h, NGHTTP2_NO_ERROR, e ? e->code : R_EOF, "%s", e ? e->text : "the peer closed the connection");
}

static void on_drain(void *ctx)
{
    h2_schedule(ctx);
}

static void on_close(void *ctx, const struct error *why)
{
    struct http_h2 *h = ctx;
    h2_fail(h, NGHTTP2_NO_ERROR, why ? why->code : R_IO, "%s", why ? why->text : "the connection broke");
}

static const struct net_stream_events below = {
    .on_data = on_data,
    .on_end = on_end,
    .on_drain = on_drain,
    .on_close = on_close,
};

/* --- making one --- */

static nghttp2_session_callbacks *callbacks(void)
{
    nghttp2_session_callbacks *c;
    if (nghttp2_session_callbacks_new(&c) != 0)
        fatal("http: no memory for HTTP/2");
    nghttp2_session_callbacks_set_send_data_callback(c, send_data);
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(c, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback2(c, on_invalid_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame_recv);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(c, on_frame_not_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
    return c;
}

static nghttp2_option *options(const struct http_h2_options *o)
{
    nghttp2_option *n;
    if (nghttp2_option_new(&n) != 0)
        fatal("http: no memory for HTTP/2");
    nghttp2_option_set_no_auto_window_update(n, 1);
    nghttp2_option_set_no_closed_streams(n, 1);
    nghttp2_option_set_max_send_header_block_length(n, HEAD_OUT_MAX);
    nghttp2_option_set_max_deflate_dynamic_table_size(n, HPACK_TABLE);
    nghttp2_option_set_max_reserved_remote_streams(n, 0);
    nghttp2_option_set_max_outbound_ack(n, 256);
    nghttp2_option_set_max_settings(n, 32);
    nghttp2_option_set_max_continuations(n, 8);
    /* All clients of a gateway may leave at once, so a tunnel may see all its streams reset. */
    nghttp2_option_set_stream_reset_rate_limit(n, 500 + 2 * (uint64_t)o->max_streams, 33 + o->max_streams / 8);
    return n;
}

static void submit_settings(struct http_h2 *h)
{
    nghttp2_settings_entry list[5] = {
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_WINDOW_FIRST},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP_HEAD_MAX},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0},
    };
    size_t count = 4;
    if (h->role->server)
        list[3] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, h->o.max_streams};
    if (nghttp2_submit_settings(h->ng, NGHTTP2_FLAG_NONE, list, count) != 0)
        fatal("http: HTTP/2 settings were refused");
}

struct http_h2 *h2_new(struct loop *loop, struct net_stream *stream, const struct http_h2_options *o,
                       const struct http_h2_events *events, void *owner, const struct h2_role *role)
{
    struct http_h2 *h = mem_zalloc(sizeof *h);
    *h = (struct http_h2){.loop = loop, .stream = stream, .o = *o, .events = events, .owner = owner, .role = role};
    h->step = (struct loop_deferred){.fn = step, .arg = h};
    nghttp2_session_callbacks *c = callbacks();
    nghttp2_option *n = options(o);
    int r = role->server ? nghttp2_session_server_new2(&h->ng, c, h, n) : nghttp2_session_client_new2(&h->ng, c, h, n);
    if (r != 0)
        fatal("http: no memory for HTTP/2");
    nghttp2_option_del(n);
    nghttp2_session_callbacks_del(c);
    submit_settings(h);
    h2_flow_start(h);
    h2_health_start(h);
    net_stream_set_events(stream, &below, h);
    h2_schedule(h);
    return h;
}

size_t http_h2_streams(const struct http_h2 *h)
{
    return h->active;
}

bool http_h2_draining(const struct http_h2 *h)
{
    return h->draining || h->peer_draining || h->linger_ms || h->closing;
}

/* RFC 9113 6.8: a server says so first, and names its last stream a round trip later, when requests that were under way
 * have arrived; a client has nothing to wait for. */
void http_h2_drain(struct http_h2 *h)
{
    if (h->draining || h->linger_ms || h->closing)
        return;
    h->draining = true;
    if (h->role->server) {
        (void)nghttp2_submit_shutdown_notice(h->ng);
        h->notice_ms = loop_now_ms(h->loop);
        h2_health_ping(h, H2_PING_DRAIN);
    } else {
        (void)nghttp2_submit_goaway(h->ng, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, NULL, 0);
    }
    h2_schedule(h);
}

void http_h2_close(struct http_h2 *h)
{
    h2_fail(h, NGHTTP2_NO_ERROR, R_EOF, "closed by this side");
}

/* Nothing is freed here: it may be called from inside a callback of any of the streams. */
void http_h2_abort(struct http_h2 *h)
{
    http_h2_close(h);
    tell_all(h);
}
