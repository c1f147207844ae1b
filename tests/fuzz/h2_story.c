/* SPDX-License-Identifier: Apache-2.0 */
/* See h2_story.h. */
#include "h2_story.h"

#include <nghttp2/nghttp2.h>

#include "../unit/http/fake_loop.h"
#include "../unit/http/loopback_stream.h"
#include "base/mem.h"

enum { FRAMES_MAX = 2500, OUT_MAX = 256 * 1024, PAYLOAD_MAX = 20000, PIECES_MAX = 64, GOAWAYS_MAX = 4, WILD = 0x10 };

/* --- what the peer reads --- */

static uint32_t number(const char *at, size_t n)
{
    uint32_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | (uint8_t)at[i];
    return v;
}

static void read_goaway(struct h2_peer *p, struct slice payload)
{
    MUST(payload.len >= 8 && ++p->goaways <= GOAWAYS_MAX);
    MUST(number(payload.ptr, 4) <= p->last_id);
    p->last_id = number(payload.ptr, 4);
    p->complained = number(payload.ptr + 4, 4) != NGHTTP2_NO_ERROR;
}

static void read_frames(struct h2_peer *p)
{
    for (;;) {
        struct slice all = buf_data(&p->in);
        if (all.len < 9 || all.len < 9 + number(all.ptr, 3))
            return;
        struct slice payload = {all.ptr + 9, number(all.ptr, 3)};
        uint8_t type = (uint8_t)all.ptr[3];
        MUST(payload.len <= 16384 && !p->complained);
        MUST(p->frames++ || type == NGHTTP2_SETTINGS);
        if (type == NGHTTP2_GOAWAY)
            read_goaway(p, payload);
        buf_consume(&p->in, 9 + payload.len);
    }
}

static void on_data(void *ctx, struct slice data)
{
    struct h2_peer *p = ctx;
    MUST(buf_append(&p->in, data) == OK);
    if (p->magic && buf_len(&p->in) >= p->magic) {
        MUST(slice_starts(buf_data(&p->in), SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")));
        buf_consume(&p->in, p->magic);
        p->magic = 0;
    }
    if (!p->magic)
        read_frames(p);
}

static void on_end(void *ctx)
{
    (void)ctx;
}

static void on_close(void *ctx, const struct error *why)
{
    (void)why;
    ((struct h2_peer *)ctx)->broken = true;
}

static const struct net_stream_events peer_events = {.on_data = on_data, .on_end = on_end, .on_close = on_close};

void h2_peer_start(struct h2_peer *p, struct net_stream *s, bool client, bool greets)
{
    *p = (struct h2_peer){.s = s, .magic = client ? 0 : 24, .last_id = UINT32_MAX};
    buf_init(&p->in, 64 * 1024 * 1024);
    net_stream_set_events(s, &peer_events, p);
    if (!greets)
        return;
    if (client)
        net_stream_write(s, SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    net_stream_write(s, SLICE("\0\0\0\4\0\0\0\0\0"));
    net_stream_write(s, SLICE("\0\0\0\4\1\0\0\0\0"));
}

void h2_peer_stop(struct h2_peer *p)
{
    net_stream_close(p->s);
    p->s = NULL;
    buf_free(&p->in);
}

/* --- payloads --- */

#define BYTES(text)                                                                                                    \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }
#define TIMES_8(text) text text text text text text text text

/* Header lines of HPACK (RFC 7541). */
static const struct slice lines[] = {
    BYTES("\x82"), /* :method GET */
    BYTES("\x83"), /* :method POST */
    BYTES("\x87"), /* :scheme https */
    BYTES("\x41\x01"
          "a"),    /* :authority a, kept */
    BYTES("\x84"), /* :path / */
    BYTES("\x02\x07"
          "CONNECT"),                        /* :method */
    BYTES("\x00\x09:protocol\x09websocket"), /* RFC 8441 */
    BYTES("\x88"),                           /* :status 200 */
    BYTES("\x89"),                           /* 204 */
    BYTES("\x8b"),                           /* 304 */
    BYTES("\x8d"),                           /* 404 */
    BYTES("\x08\x03"
          "103"), /* :status 103 */
    BYTES("\x08\x03"
          "101"), /* :status 101 */
    BYTES("\x0f\x0d\x01"
          "5"), /* content-length 5 */
    BYTES("\x0f\x0d\x01"
          "0"), /* content-length 0 */
    BYTES("\x0f\x0d\x06"
          "999999"), /* content-length */
    BYTES("\x0f\x10\x14"
          "application/x-ndjson"), /* content-type */
    BYTES("\x00\x02te\x08trailers"),
    BYTES("\x00\x02te\x04gzip"),
    BYTES("\x00\x0a"
          "connection\x05"
          "close"),
    BYTES("\x0f\x11\x03"
          "a=b"), /* cookie */
    BYTES("\x0f\x17\x01"
          "b"), /* host */
    BYTES("\x0f\x14\x0c"
          "100-continue"),          /* expect */
    BYTES("\x00\x01X\x01y"),        /* a name in upper case */
    BYTES("\x00\x00\x01y"),         /* no name */
    BYTES("\x00\x01x\x02\x01\x7f"), /* control characters */
    BYTES("\x00\x05:late\x01y"),
    BYTES("\x00\x09x-trailer\x01y"),
    BYTES("\x40\x01x\x7f\x19" TIMES_8("vvvvvvvvvvvvvvvvvvv")), /* 152 bytes, kept */
    BYTES("\xbe"),                                             /* what was kept last */
    BYTES(TIMES_8(TIMES_8("\xbe"))),
    BYTES(TIMES_8(TIMES_8(TIMES_8("\xbe")))),
    BYTES("\x20"),                 /* the table's size: 0 */
    BYTES("\x3f\xe1\x1f"),         /* 4096 */
    BYTES("\x3f\xff\xff\xff\x7f"), /* over what was allowed */
    BYTES("\x00\x81\xff\x81\xff"), /* Huffman codes that are none */
    BYTES("\x80"),                 /* index 0 */
    BYTES("\x00\x7f\xff\xff"),     /* cut */
};

/* The beginnings of heads; the table says whether a path follows. */
static const struct {
    struct slice lines;
    bool path;
} heads[] = {
    {BYTES("\x82\x87\x41\x01"
           "a"),
     true},
    {BYTES("\x83\x87\x41\x01"
           "a"),
     true},
    {BYTES("\x02\x07"
           "CONNECT\x00\x09:protocol\x09websocket\x87\x41\x01"
           "a"),
     true},
    {BYTES("\x88"), false},
    {BYTES("\x88\x0f\x10\x14"
           "application/x-ndjson"),
     false},
    {BYTES("\x08\x03"
           "103"),
     false},
    {BYTES("\x88\x0f\x0d\x01"
           "5"),
     false},
    {BYTES(""), false},
};

/* The letter of "/x" is what the handler does. */
static const char *const paths[] = {"/.cmg/hello", "/.cmg/x", "*", "/", "/a b", ""};

#define HELLO(generation, worker, workers)                                                                             \
    BYTES("{\"version\":1,\"gateway\":\"gw1\",\"generation\":\"" generation "\",\"worker\":" worker                    \
          ",\"workers\":" workers "}")

static const struct slice texts[] = {
    BYTES("hello"),
    BYTES("{\"version\":1,\"connector\":\"cp1\",\"endpoints\":[\"ccm\",\"git\"]}\n"),
    BYTES("{\"endpoints\":[\"apt\"]}\n"),
    BYTES("{\"endpoints\":[]}\n{\"endpoints\":[\"a\"]}\n"),
    BYTES("{\"version\":1,\"connector\":\"cp2\",\"endpoints\":[]}\n"),
    BYTES("{}\n"),
    BYTES("\n"),
    HELLO(H2_STORY_GENERATION, "0", "2"),
    HELLO(H2_STORY_GENERATION, "1", "2"),
    HELLO(H2_STORY_GENERATION, "0", "3"),
    HELLO("1f1e2d3c-4b5a-4697-8877-665544332211", "0", "1"),
    HELLO(H2_STORY_GENERATION, "0", "70000"),
    HELLO(H2_STORY_GENERATION, "0", "65535"),
    BYTES("{\"version\":1,\"gateway\":"),
};

static void add(struct buf *to, struct slice s)
{
    (void)buf_append(to, s);
}

static void add_filler(struct buf *to, size_t n)
{
    static const char filler[256];
    for (; n > sizeof filler; n -= sizeof filler)
        add(to, slice_make(filler, sizeof filler));
    add(to, slice_make(filler, n));
}

static void add_bytes(struct buf *to, struct slice *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = (char)fuzz_choice(in);
        add(to, slice_make(&c, 1));
    }
}

static void add_path(struct buf *to, uint8_t which)
{
    char letter[] = {'/', (char)('a' + which % 26)};
    bool is_letter = which % 32 < 26;
    struct slice path = is_letter ? slice_make(letter, 2) : slice_of(paths[which % 32 - 26]);
    char head[] = {4, (char)path.len};
    add(to, slice_make(head, 2));
    add(to, path);
}

/* A byte for its beginning and the number of lines behind it; the path's; then one for each line. */
static void make_block(struct buf *to, struct slice *in)
{
    uint8_t what = fuzz_choice(in);
    size_t head = what % ARRAY_LEN(heads);
    add(to, heads[head].lines);
    if (heads[head].path)
        add_path(to, fuzz_choice(in));
    for (size_t n = what >> 3 & 7; n; n--)
        add(to, lines[fuzz_choice(in) % ARRAY_LEN(lines)]);
}

static void make_data(struct buf *to, struct slice *in)
{
    uint8_t what = fuzz_choice(in);
    if (what & 0x80)
        add(to, texts[what % 0x80 % ARRAY_LEN(texts)]);
    else
        add_filler(to, what < 0x70 ? what : (size_t)(what - 0x6f) << 10);
}

static void make_priority(struct buf *to, struct slice *in)
{
    add_bytes(to, in, 5);
}

/* What comes most: small numbers, or the largest. */
static void make_u32(struct buf *to, struct slice *in)
{
    uint8_t what = fuzz_choice(in);
    uint32_t v = what < 0x80 ? what : what < 0xc0 ? (uint32_t)1 << (what & 31) : UINT32_MAX >> (what & 31);
    char bytes[] = {(char)(v >> 24), (char)(v >> 16), (char)(v >> 8), (char)v};
    add(to, slice_make(bytes, 4));
}

static void make_settings(struct buf *to, struct slice *in)
{
    for (uint8_t n = fuzz_choice(in) % 4; n; n--) {
        char id[] = {0, (char)(fuzz_choice(in) % 10)};
        add(to, slice_make(id, 2));
        make_u32(to, in);
    }
}

static void make_promise(struct buf *to, struct slice *in)
{
    make_u32(to, in);
    make_block(to, in);
}

/* Also the answers to the session's own PINGs. */
static void make_ping(struct buf *to, struct slice *in)
{
    char payload[8] = {'c', 'm', 'g', 0, 0, 0, 0, (char)fuzz_choice(in)};
    add(to, slice_make(payload, 8));
}

static void make_goaway(struct buf *to, struct slice *in)
{
    make_u32(to, in);
    make_u32(to, in);
}

static void (*const payloads[])(struct buf *to, struct slice *in) = {
    make_data,    make_block, make_priority, make_u32, make_settings,
    make_promise, make_ping,  make_goaway,   make_u32, make_block,
};
static const uint8_t tame_flags[] = {1, 1, 0, 0, 1, 0, 1, 0, 0, 0}, set_flags[] = {0, 4, 0, 0, 0, 4, 0, 0, 0, 4};

/* --- steps --- */

static void settle(struct h2_story *s)
{
    fake_loop_settle(s->loop);
    s->look(s->ctx);
}

static void leave(struct h2_story *s)
{
    struct slice all = buf_data(&s->out);
    size_t piece = s->cut ? s->cut : all.len;
    if (piece < all.len / PIECES_MAX)
        piece = all.len / PIECES_MAX;
    while (all.len) {
        struct slice part = {all.ptr, piece < all.len ? piece : all.len};
        if (s->to && s->to->s)
            net_stream_write(s->to->s, part);
        all = slice_skip(all, part.len);
        settle(s);
    }
    buf_free(&s->out);
}

static void put(struct h2_story *s, struct slice frame)
{
    if (++s->frames > FRAMES_MAX || buf_len(&s->out) + frame.len > OUT_MAX)
        return;
    add(&s->out, frame);
    if (s->alone)
        leave(s);
}

static uint32_t stream_id(uint8_t choice, bool wild)
{
    if (!wild || choice < 0xc0)
        return choice % 16;
    return choice < 0xe0 ? (uint32_t)choice : UINT32_MAX >> (choice & 7);
}

static void tell_frame(struct h2_story *s, uint8_t type, bool wild, struct slice *in)
{
    uint8_t flags = fuzz_choice(in), stream = fuzz_choice(in);
    struct buf payload;
    buf_init(&payload, PAYLOAD_MAX);
    payloads[type](&payload, in);
    if (!wild)
        flags = (flags & tame_flags[type]) | set_flags[type];
    if (!wild && type == NGHTTP2_SETTINGS && (flags & NGHTTP2_FLAG_ACK))
        buf_free(&payload);
    size_t len = buf_len(&payload), end = wild ? len + fuzz_choice(in) % 8 : len;
    if (wild && end > len)
        end = end % 2 ? len - (len > 0) : end; /* one less, or some more */
    if (end > len)
        add_filler(&payload, end - len);
    uint32_t id = stream_id(stream, wild);
    if (!wild && (type == NGHTTP2_SETTINGS || type == NGHTTP2_PING || type == NGHTTP2_GOAWAY))
        id = 0;
    const char head[9] = {(char)(end >> 16), (char)(end >> 8), (char)end,       (char)type, (char)flags,
                          (char)(id >> 24),  (char)(id >> 16), (char)(id >> 8), (char)id};
    buf_free(&s->last);
    add(&s->last, slice_make(head, sizeof head));
    add(&s->last, slice_make(buf_data(&payload).ptr, end));
    put(s, buf_data(&s->last));
    buf_free(&payload);
}

static void tell_again(struct h2_story *s, struct slice *in)
{
    static const size_t times[] = {1, 2, 3, 7, 20, 40, 120, 1100};
    for (size_t n = times[fuzz_choice(in) % ARRAY_LEN(times)]; n; n--)
        put(s, buf_data(&s->last));
}

static void tell_raw(struct h2_story *s, struct slice *in)
{
    struct buf raw;
    buf_init(&raw, PAYLOAD_MAX);
    add_bytes(&raw, in, fuzz_choice(in) % 64);
    put(s, buf_data(&raw));
    buf_free(&raw);
}

static void tell_time(struct h2_story *s, struct slice *in)
{
    static const uint64_t ms[] = {1, 60, 1000, 5000, 11 * 1000, 61 * 1000};
    leave(s);
    fake_loop_pass(s->loop, ms[fuzz_choice(in) % ARRAY_LEN(ms)]);
    settle(s);
}

static void tell_end(struct h2_story *s, struct slice *in)
{
    uint8_t what = fuzz_choice(in) % 4;
    leave(s);
    if (!s->to || !s->to->s || s->to->broken)
        return;
    if (what == 0)
        net_stream_pause(s->to->s);
    else if (what == 1)
        net_stream_resume(s->to->s);
    else if (what == 2)
        net_stream_shutdown(s->to->s);
    else
        loopback_break(s->to->s);
    settle(s);
}

static void tell_act(struct h2_story *s, struct slice *in)
{
    uint8_t what = fuzz_choice(in), which = fuzz_choice(in);
    if (!(what & 0x80)) /* else before the piece is read */
        leave(s);
    s->act(s->ctx, what & 0x7f, which);
}

void h2_story_tell(struct h2_story *s, struct slice in)
{
    buf_init(&s->out, OUT_MAX);
    buf_init(&s->last, PAYLOAD_MAX + 9);
    while (in.len) {
        uint8_t step = fuzz_choice(&in), kind = step & 15;
        if (kind < ARRAY_LEN(payloads))
            tell_frame(s, kind, step & WILD, &in);
        else if (kind == 10)
            tell_again(s, &in);
        else if (kind == 11)
            tell_raw(s, &in);
        else if (kind == 12)
            leave(s);
        else if (kind == 13)
            tell_act(s, &in);
        else if (kind == 14)
            tell_time(s, &in);
        else
            tell_end(s, &in);
    }
    leave(s);
    settle(s);
    buf_free(&s->out);
    buf_free(&s->last);
}
