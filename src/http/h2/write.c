/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes out: frames of many streams are gathered into one buffer and written in one piece. The bodies' bytes go from a
 * stream's own buffer into it without a stop (NGHTTP2_DATA_FLAG_NO_COPY).
 */
#include "http/h2/internal.h"

enum {
    GATHER = 64 * 1024,
    FRAME_ROOM = 9 + 16384 + 256, /* a whole frame of the default maximum size */
};

/* One a thread: filled and emptied within one call, so that sessions hold no buffer of their own. */
static _Thread_local struct {
    char mem[GATHER];
    size_t len;
    bool full;
} gather;

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
    if (s->trailers && h2_nv_fields(&nv, s->h, s->trailers) && nghttp2_submit_trailer(ng, id, nv.list, nv.count) == 0)
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
int h2_send_data(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *head, size_t n, nghttp2_data_source *source,
                 void *user)
{
    struct h2_stream *s = source->ptr;
    struct http_h2 *h = user;
    (void)ng, (void)frame;
    to_gather(head, 9);
    if (n) {
        to_gather(buf_data(&s->out).ptr, n);
        buf_consume(&s->out, n);
        h->unsent -= n;
        s->sent += n;
        s->progress_ms = loop_now_ms(h->loop);
    }
    if (buf_len(&s->out) == 0)
        buf_free(&s->out);
    if (s->sent && !s->in_sent) {
        s->in_sent = true;
        SLIST_INSERT_HEAD(&h->sent, s, as_sent);
    }
    gather.full = sizeof gather.mem - gather.len < FRAME_ROOM;
    return gather.full ? NGHTTP2_ERR_PAUSE : 0;
}

static void gather_out(struct http_h2 *h)
{
    if (gather.len)
        net_stream_send(h->stream, slice_make(gather.mem, gather.len));
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
            h->spent = true;
            h2_fail(h, NGHTTP2_INTERNAL_ERROR, R_IO, "HTTP/2: %s", nghttp2_strerror((int)n));
            return false;
        }
        if (n == 0 && !gather.full)
            return false;
        if ((size_t)n > sizeof gather.mem - gather.len)
            gather_out(h);
        if ((size_t)n > sizeof gather.mem)
            net_stream_send(h->stream, slice_make(data, (size_t)n));
        else if (n)
            to_gather(data, (size_t)n);
    } while (sizeof gather.mem - gather.len >= FRAME_ROOM);
    return true;
}

void h2_flush(struct http_h2 *h)
{
    bool more = true;
    while (more && !net_stream_congested(h->stream)) {
        more = fill_gather(h);
        gather_out(h);
    }
}

static void put_u32(uint8_t *at, uint32_t v)
{
    for (int i = 3; i >= 0; i--, v >>= 8)
        at[i] = (uint8_t)v;
}

/* RFC 9113 6.8 */
void h2_write_goaway(struct http_h2 *h)
{
    enum { HEAD = 9, PAYLOAD = 8 };
    uint8_t frame[HEAD + PAYLOAD] = {0, 0, PAYLOAD, NGHTTP2_GOAWAY};
    put_u32(frame + HEAD, (uint32_t)h->last_id);
    put_u32(frame + HEAD + 4, h->goaway_code);
    net_stream_send(h->stream, slice_make(frame, sizeof frame));
}
