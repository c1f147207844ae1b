/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2: `streams` requests at once on a connection, by nghttp2. */
#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#include "base/mem.h"
#include "load.h"

enum { WINDOW = 1024 * 1024 };

struct stream {
    uint64_t asked_at, body;
    int status;
};

struct load_protocol {
    struct load_connection *connection;
    nghttp2_session *session;
    struct stream streams[LOAD_STREAMS_MAX];
    struct stream *free[LOAD_STREAMS_MAX];
    unsigned free_count;
    bool done; /* no more requests: the connection idles, or is closed */
};

static nghttp2_nv field(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), strlen(value),
                        NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                     const uint8_t *value, size_t value_len, uint8_t flags, void *ctx)
{
    (void)flags, (void)ctx;
    struct stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    uint64_t status;
    if (s && slice_eq(slice_make(name, name_len), SLICE(":status")) &&
        slice_to_u64(slice_make(value, value_len), &status))
        s->status = (int)status;
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t len, void *ctx)
{
    (void)flags, (void)data, (void)ctx;
    struct stream *s = nghttp2_session_get_stream_user_data(session, id);
    if (s)
        s->body += len;
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error_code, void *ctx)
{
    struct load_protocol *p = ctx;
    struct stream *s = nghttp2_session_get_stream_user_data(session, id);
    if (!s)
        return 0;
    p->free[p->free_count++] = s;
    if (!load_answered(p->connection, s->asked_at, error_code == 0 ? s->status : 0, s->body))
        p->done = true;
    return 0;
}

struct load_protocol *h2_new(struct load_connection *c)
{
    struct load_protocol *p = mem_zalloc(sizeof *p);
    nghttp2_session_callbacks *callbacks;
    nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW},
                                         {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
    p->connection = c;
    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        fatal("out of memory");
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    if (nghttp2_session_client_new(&p->session, callbacks, p) != 0 ||
        nghttp2_submit_settings(p->session, 0, settings, 2) != 0 ||
        nghttp2_session_set_local_window_size(p->session, 0, 0, 16 * WINDOW) != 0)
        fatal("out of memory");
    nghttp2_session_callbacks_del(callbacks);
    for (unsigned i = 0; i < c->load->streams; i++)
        p->free[p->free_count++] = &p->streams[i];
    return p;
}

void h2_free(struct load_protocol *p)
{
    if (p)
        nghttp2_session_del(p->session);
    free(p);
}

static void send_frames(struct load_protocol *p)
{
    const uint8_t *data;
    ssize_t len;
    while ((len = nghttp2_session_mem_send(p->session, &data)) > 0)
        connection_write(p->connection, slice_make(data, (size_t)len));
}

void h2_ask(struct load_protocol *p)
{
    const struct load *l = p->connection->load;
    nghttp2_nv fields[] = {field(":method", "GET"), field(":scheme", "https"), field(":authority", l->authority),
                           field(":path", l->target), field("authorization", l->token_header ? l->token_header : "")};
    while (p->free_count > 0 && !p->done && !p->connection->renew) {
        struct stream *s = p->free[--p->free_count];
        *s = (struct stream){.asked_at = load_now()};
        if (nghttp2_submit_request(p->session, NULL, fields, l->token_header ? 5 : 4, NULL, s) < 0) {
            p->connection->renew = true; /* out of stream ids, or the server is draining */
            break;
        }
    }
    send_frames(p);
}

void h2_feed(struct load_protocol *p, struct slice data)
{
    ssize_t n = nghttp2_session_mem_recv(p->session, (const uint8_t *)data.ptr, data.len);
    if (n < 0)
        connection_fail(p->connection, "not HTTP/2: %s", nghttp2_strerror((int)n));
    else if (p->connection->load->holding)
        send_frames(p); /* the server's SETTINGS are no answer, and nothing is asked yet */
    else
        h2_ask(p);
}
