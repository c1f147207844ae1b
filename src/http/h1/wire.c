/* SPDX-License-Identifier: Apache-2.0 */
/* See h1/wire.h. */
#include "http/h1/wire.h"

/* Output is gathered up to here, which is four TLS records; what is larger goes by itself. */
enum { GATHER_MAX = 64 * 1024 };

void http_h1_wire_init(struct http_h1_wire *w, struct net_stream *stream, bool answers)
{
    *w = (struct http_h1_wire){.stream = stream};
    http_h1_parser_init(&w->parser, answers);
    buf_init(&w->pending, HTTP_H1_PENDING_MAX);
    buf_init(&w->out, HTTP_H1_OUT_MAX);
}

void http_h1_wire_free(struct http_h1_wire *w)
{
    net_stream_close(w->stream);
    w->stream = NULL;
    http_h1_parser_free(&w->parser);
    buf_free(&w->pending);
    buf_free(&w->out);
}

static void give(struct http_h1_wire *w, struct slice data)
{
    if (!w->stream || w->broken)
        return;
    w->wrote = true;
    net_stream_send(w->stream, data);
}

void http_h1_wire_flush(struct http_h1_wire *w)
{
    size_t n = buf_len(&w->out);
    if (!n)
        return;
    give(w, buf_data(&w->out));
    buf_consume(&w->out, n);
}

static void put(struct http_h1_wire *w, struct slice data)
{
    if (buf_len(&w->out) + data.len > GATHER_MAX)
        http_h1_wire_flush(w);
    if (data.len > GATHER_MAX || buf_append(&w->out, data) != OK)
        give(w, data);
}

bool http_h1_wire_write(struct http_h1_wire *w, struct slice data)
{
    if (!data.len)
        return true; /* as a chunk it would be the last */
    if (w->counted) {
        if (data.len > w->left)
            return false;
        w->left -= data.len;
    }
    w->unreported += data.len;
    char head[HTTP_H1_CHUNK_HEAD];
    if (w->chunked)
        put(w, slice_make(head, http_h1_chunk_head(head, data.len)));
    put(w, data);
    if (w->chunked)
        put(w, SLICE("\r\n"));
    return true;
}

bool http_h1_wire_finish(struct http_h1_wire *w)
{
    if (w->counted && w->left)
        return false;
    if (w->chunked)
        put(w, SLICE("0\r\n\r\n"));
    w->chunked = w->counted = false;
    return true;
}

size_t http_h1_wire_take_sent(struct http_h1_wire *w)
{
    if (!w->unreported || !w->stream || w->broken || net_stream_congested(w->stream))
        return 0;
    size_t n = w->unreported;
    w->unreported = 0;
    return n;
}

void http_h1_wire_steer(struct http_h1_wire *w)
{
    bool pause = buf_len(&w->pending) > 0 || w->outstanding >= HTTP_H1_WINDOW;
    if (pause == w->paused || !w->stream || w->broken)
        return;
    w->paused = pause;
    if (pause)
        net_stream_pause(w->stream);
    else
        net_stream_resume(w->stream);
}
