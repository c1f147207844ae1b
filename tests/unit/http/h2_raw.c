/* SPDX-License-Identifier: Apache-2.0 */
/* See h2_raw.h. HPACK alone is nghttp2's. */
#include "h2_raw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void be32(char *at, uint32_t v)
{
    for (int i = 3; i >= 0; i--, v >>= 8)
        at[i] = (char)v;
}

static uint32_t get32(const char *at)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++)
        v = v << 8 | (uint8_t)at[i];
    return v;
}

void raw_frame(struct raw *r, uint8_t type, uint8_t flags, int32_t id, struct slice payload)
{
    char *mem = malloc(9 + payload.len);
    assert_non_null(mem);
    be32(mem, (uint32_t)payload.len << 8);
    mem[3] = (char)type;
    mem[4] = (char)flags;
    be32(mem + 5, (uint32_t)id);
    if (payload.len)
        memcpy(mem + 9, payload.ptr, payload.len);
    if (r->together)
        assert_int_equal(buf_append(&r->piece, slice_make(mem, 9 + payload.len)), OK);
    else if (r->s)
        net_stream_write(r->s, slice_make(mem, 9 + payload.len));
    free(mem);
}

void raw_together(struct raw *r, bool on)
{
    r->together = on;
    if (on) {
        buf_init(&r->piece, 1024 * 1024);
        return;
    }
    net_stream_write(r->s, buf_data(&r->piece));
    buf_free(&r->piece);
}

void raw_headers(struct raw *r, int32_t id, uint8_t flags, const char *const *pairs)
{
    nghttp2_nv nv[128];
    size_t n = 0;
    uint8_t block[64 * 1024];
    for (; pairs[2 * n]; n++)
        nv[n] = (nghttp2_nv){(uint8_t *)(uintptr_t)pairs[2 * n], (uint8_t *)(uintptr_t)pairs[2 * n + 1],
                             strlen(pairs[2 * n]), strlen(pairs[2 * n + 1]), 0};
    ssize_t len = nghttp2_hd_deflate_hd(r->deflater, block, sizeof block, nv, n);
    assert_true(len > 0);
    raw_frame(r, NGHTTP2_HEADERS, flags | NGHTTP2_FLAG_END_HEADERS, id, slice_make(block, (size_t)len));
}

void raw_get(struct raw *r, int32_t id, uint8_t flags, const char *path)
{
    const char *const pairs[] = {":method",      "GET",   ":scheme", "https", ":authority",
                                 "test.example", ":path", path,      NULL};
    raw_headers(r, id, flags, pairs);
}

void raw_u32(struct raw *r, uint8_t type, int32_t id, uint32_t value)
{
    char payload[4];
    be32(payload, value);
    raw_frame(r, type, 0, id, slice_make(payload, 4));
}

void raw_goaway(struct raw *r, uint32_t last, uint32_t code)
{
    char payload[8];
    be32(payload, last);
    be32(payload + 4, code);
    raw_frame(r, NGHTTP2_GOAWAY, 0, 0, slice_make(payload, 8));
}

/* --- receiving --- */

static void take_head(struct raw *r, struct slice block)
{
    while (block.len) {
        nghttp2_nv nv;
        int flags = 0;
        ssize_t n = nghttp2_hd_inflate_hd2(r->inflater, &nv, &flags, (const uint8_t *)block.ptr, block.len, 1);
        assert_true(n >= 0);
        block = slice_skip(block, (size_t)n);
        uint64_t status;
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) && slice_eq(slice_make(nv.name, nv.namelen), SLICE(":status")) &&
            slice_to_u64(slice_make(nv.value, nv.valuelen), &status))
            r->status = (int)status;
        if (flags & NGHTTP2_HD_INFLATE_FINAL)
            (void)nghttp2_hd_inflate_end_headers(r->inflater);
        if (n == 0 && !(flags & NGHTTP2_HD_INFLATE_EMIT))
            break;
    }
}

static void take_frame(struct raw *r, uint8_t type, uint8_t flags, int32_t id, struct slice p)
{
    if (type < 16)
        r->frames[type]++;
    if (type == NGHTTP2_DATA)
        r->data_bytes += p.len;
    else if (type == NGHTTP2_HEADERS)
        take_head(r, p);
    else if (type == NGHTTP2_RST_STREAM) {
        r->reset_code = get32(p.ptr);
        r->reset_id = id;
    } else if (type == NGHTTP2_GOAWAY) {
        r->goaway_last = get32(p.ptr);
        r->goaway_code = get32(p.ptr + 4);
    } else if (!r->deaf && (type == NGHTTP2_PING || type == NGHTTP2_SETTINGS) && !(flags & NGHTTP2_FLAG_ACK))
        raw_frame(r, type, NGHTTP2_FLAG_ACK, 0, type == NGHTTP2_PING ? p : SLICE_NONE);
}

static void on_data(void *ctx, struct slice data)
{
    struct raw *r = ctx;
    assert_int_equal(buf_append(&r->in, data), OK);
    if (r->magic && buf_len(&r->in) >= r->magic) {
        buf_consume(&r->in, r->magic);
        r->magic = 0;
    }
    if (r->magic)
        return;
    for (;;) {
        struct slice all = buf_data(&r->in);
        if (all.len < 9)
            return;
        size_t len = get32(all.ptr) >> 8;
        if (all.len < 9 + len)
            return;
        take_frame(r, (uint8_t)all.ptr[3], (uint8_t)all.ptr[4], (int32_t)get32(all.ptr + 5),
                   slice_make(all.ptr + 9, len));
        buf_consume(&r->in, 9 + len);
    }
}

static void on_end(void *ctx)
{
    ((struct raw *)ctx)->ended = true;
}

static void on_drain(void *ctx)
{
    (void)ctx;
}

static void on_close(void *ctx, const struct error *why)
{
    (void)why;
    ((struct raw *)ctx)->ended = true;
}

static const struct net_stream_events events = {
    .on_data = on_data, .on_end = on_end, .on_drain = on_drain, .on_close = on_close};

void raw_start(struct raw *r, struct net_stream *s, bool client)
{
    r->s = s;
    buf_init(&r->in, 64 * 1024 * 1024);
    assert_int_equal(nghttp2_hd_deflate_new(&r->deflater, 4096), 0);
    assert_int_equal(nghttp2_hd_inflate_new(&r->inflater), 0);
    net_stream_set_events(s, &events, r);
    r->magic = client ? 0 : NGHTTP2_CLIENT_MAGIC_LEN;
    if (client)
        net_stream_write(s, SLICE(NGHTTP2_CLIENT_MAGIC));
    raw_frame(r, NGHTTP2_SETTINGS, 0, 0, SLICE_NONE);
}

void raw_stop(struct raw *r)
{
    net_stream_close(r->s);
    r->s = NULL;
    nghttp2_hd_deflate_del(r->deflater);
    nghttp2_hd_inflate_del(r->inflater);
    buf_free(&r->in);
}
