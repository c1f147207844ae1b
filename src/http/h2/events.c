/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nghttp2 tells: frames that came, frames that left or could not, streams that closed. Each is passed on to the
 * role's part of the stream. A session that a callback found to be at its end is not ended in it (h2.c:end_session):
 * nghttp2 reads on whatever it was told, and what it then finds is undefined. So every callback fails once the session
 * is closing, which alone makes nghttp2_session_mem_recv return.
 */
#include "http/h2/internal.h"

enum { HEAD_BOMB = 4 * HTTP_HEAD_MAX }; /* bytes of a head that end the connection */

static struct h2_stream *stream_of(struct http_h2 *h, int32_t id)
{
    return id ? nghttp2_session_get_stream_user_data(h->ng, id) : NULL;
}

static int go_on(const struct http_h2 *h)
{
    return h->closing && h->receiving ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static void mark_closed(struct h2_stream *s, uint32_t code)
{
    if (s->closed)
        return;
    s->closed = true;
    s->error_code = code;
    SLIST_INSERT_HEAD(&s->h->closed, s, as_closed);
}

static int on_stream_close(nghttp2_session *ng, int32_t id, uint32_t code, void *user)
{
    struct h2_stream *s = stream_of(user, id);
    if (s) {
        (void)nghttp2_session_set_stream_user_data(ng, id, NULL);
        mark_closed(s, code);
    }
    return go_on(user);
}

/* --- stream ids --- */

/* RFC 9113 5.1.1: ids that a peer jumped over are closed for good. */
static void note_id(struct http_h2 *h, int32_t id)
{
    if (id > h->newest_id + 2)
        h->skipped[h->skipped_count++ % H2_SKIPPED] = (struct h2_ids){h->newest_id + 2, id - 2};
    h->newest_id = id;
}

static bool was_skipped(const struct http_h2 *h, int32_t id)
{
    for (size_t i = 0; i < H2_SKIPPED; i++)
        if (id >= h->skipped[i].from && id <= h->skipped[i].to)
            return true;
    return false;
}

/* A HEADERS on a stream that is no more would be ignored by nghttp2, and whoever sent it would wait for ever. */
static void begin_request(struct http_h2 *h, int32_t id)
{
    if (id % 2 == 0)
        return;
    if (id > h->newest_id)
        note_id(h, id);
    else if (stream_of(h, id)) /* its trailers */
        return;
    else if (was_skipped(h, id))
        h2_fail(h, NGHTTP2_PROTOCOL_ERROR, R_INVALID, "the peer opens a stream with an id smaller than an earlier one");
    else
        (void)nghttp2_submit_rst_stream(h->ng, NGHTTP2_FLAG_NONE, id, NGHTTP2_STREAM_CLOSED);
}

/* What RFC 9113 says must be, and nghttp2 does not look at. */
static int on_begin_frame(nghttp2_session *ng, const nghttp2_frame_hd *hd, void *user)
{
    struct http_h2 *h = user;
    (void)ng;
    if (h->closing)
        return go_on(h);
    if (hd->type == NGHTTP2_PRIORITY && hd->stream_id == 0) /* 6.3 */
        h2_fail(h, NGHTTP2_PROTOCOL_ERROR, R_INVALID, "the peer sends PRIORITY on stream 0");
    else if (hd->type == NGHTTP2_PRIORITY)
        h2_health_priority(h);
    else if (hd->type == NGHTTP2_HEADERS && h->role->server)
        begin_request(h, hd->stream_id);
    return go_on(h);
}

/* nghttp2 decodes its head for the table's sake alone. */
static int refuse_unread(struct http_h2 *h, int32_t id)
{
    (void)nghttp2_submit_rst_stream(h->ng, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
    struct http_h2 *h = user;
    h->head.arena = NULL;
    h->head.bytes = 0;
    if (h->closing || frame->hd.type != NGHTTP2_HEADERS)
        return go_on(h);
    struct h2_stream *s = stream_of(h, frame->hd.stream_id);
    if (h->role->server && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        if (h->stopped_ms)
            return refuse_unread(h, frame->hd.stream_id);
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

/* A frame of a few kilobytes may mean megabytes of fields, each of which nghttp2 looks through (RFC 7541 7.3); who is
 * that far over the maximum that he was told means harm. */
static void watch_bomb(struct http_h2 *h, nghttp2_rcbuf *value)
{
    size_t bytes = h->head.bytes;
    if (!h->head.arena)
        h->head.bytes += nghttp2_rcbuf_get_buf(value).len;
    if (bytes > HEAD_BOMB)
        h2_fail(h, NGHTTP2_ENHANCE_YOUR_CALM, R_LIMIT, "the peer sends a head of over %d bytes", HEAD_BOMB);
}

static int on_header(nghttp2_session *ng, const nghttp2_frame *frame, nghttp2_rcbuf *name, nghttp2_rcbuf *value,
                     uint8_t flags, void *user)
{
    struct http_h2 *h = user;
    (void)ng, (void)frame, (void)flags;
    watch_bomb(h, value);
    if (h->head.arena && !h->closing)
        h2_head_add(&h->head, name, value);
    return go_on(h);
}

/* Names and values that RFC 9113 8.2.1 does not allow: nghttp2 would leave them out, we refuse the message. */
static int on_invalid_header(nghttp2_session *ng, const nghttp2_frame *frame, nghttp2_rcbuf *name, nghttp2_rcbuf *value,
                             uint8_t flags, void *user)
{
    struct http_h2 *h = user;
    (void)ng, (void)frame, (void)name, (void)flags;
    watch_bomb(h, value);
    if (h->head.arena) {
        h->head.bytes += nghttp2_rcbuf_get_buf(value).len;
        h2_head_refuse(&h->head, 400, "a header field is malformed");
    }
    return go_on(h);
}

static int on_data_chunk(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *data, size_t n, void *user)
{
    struct http_h2 *h = user;
    struct h2_stream *s = stream_of(h, id);
    (void)ng, (void)flags;
    if (!s || s->over || h->closing) {
        h2_flow_dropped(h, n);
        if (s && !h->closing)
            h2_health_unwanted(s, n);
        return go_on(h);
    }
    s->progress_ms = h->received_ms;
    h2_flow_received(s, n);
    h->role->on_body(s, slice_make(data, n));
    return go_on(h);
}

/* A stranger's only head may be as long as heads may be. */
static bool over_budget(const struct http_h2 *h)
{
    if (h->let_in)
        return h->o.heads_budget && h->heads > h->o.heads_budget;
    return h->open > 1 && h->heads > h->o.stranger_heads;
}

/* false: the stream is refused. */
static bool hold_head(struct h2_stream *s)
{
    struct http_h2 *h = s->h;
    h2_stream_hold(s, arena_used(s->arena) + H2_STREAM_COST);
    if (!over_budget(h))
        return true;
    h2_stream_reset(s, NGHTTP2_REFUSED_STREAM);
    h2_stream_over(s);
    if (h->let_in)
        h2_health_refused(h);
    else if (h->events->on_refused)
        h->events->on_refused(h->owner);
    return false;
}

static void received_headers(struct http_h2 *h, struct h2_stream *s, bool end)
{
    struct h2_head head = h->head;
    h->head.arena = NULL;
    if (end)
        s->remote_end = true;
    if (h->role->server && s->id > h->last_id)
        h->last_id = s->id;
    if (head.arena && !s->over && (!h->role->server || s->head_bytes || hold_head(s)))
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

static void received(struct http_h2 *h, const nghttp2_frame *frame)
{
    struct h2_stream *s = stream_of(h, frame->hd.stream_id);
    bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        received_goaway(h, &frame->goaway);
    else if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK))
        h2_health_pong(h, frame->ping.opaque_data);
    else if (!s)
        return;
    else if (frame->hd.type == NGHTTP2_HEADERS)
        received_headers(h, s, end);
    else if (frame->hd.type == NGHTTP2_RST_STREAM)
        s->peer_reset = true;
    else if (frame->hd.type == NGHTTP2_DATA && end) {
        s->remote_end = true;
        if (!s->over)
            h->role->on_end(s);
    }
}

static int on_frame_recv(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
    struct http_h2 *h = user;
    (void)ng;
    if (!h->closing)
        h2_health_received_frame(h, frame);
    if (!h->closing)
        received(h, frame);
    return go_on(h);
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
    (void)ng;
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
    if (h->role->server && !s->remote_end && !s->reset)
        h2_health_early(s);
    return 0;
}

/* A request that nghttp2 could not start has no stream of its own, so it is looked for. */
static int on_frame_not_send(nghttp2_session *ng, const nghttp2_frame *frame, int code, void *user)
{
    struct http_h2 *h = user;
    (void)ng;
    if (frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    struct h2_stream *s;
    LIST_FOREACH(s, &h->streams, all)
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

nghttp2_session_callbacks *h2_callbacks(void)
{
    nghttp2_session_callbacks *c;
    if (nghttp2_session_callbacks_new(&c) != 0)
        fatal("http: no memory for HTTP/2");
    nghttp2_session_callbacks_set_send_data_callback(c, h2_send_data);
    nghttp2_session_callbacks_set_on_begin_frame_callback(c, on_begin_frame);
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
