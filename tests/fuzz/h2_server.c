/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server's HTTP/2 session, fed with bytes: as they are, or as the payloads of frames whose headers are made here, so
 * that most inputs get past the framing. The handler answers, echoes, streams, resets, as the path says.
 */
#include "../unit/http/fake_loop.h"
#include "../unit/http/loopback_stream.h"
#include "base/mem.h"
#include "fuzz.h"
#include "h1_story.h"
#include "http/h2.h"

static size_t begun, ended;

struct answer {
    struct http_exchange *x;
    size_t unreported;
};

static void end(struct answer *a)
{
    ended++;
    free(a);
}

static void on_body(void *ctx, struct slice data)
{
    struct answer *a = ctx;
    a->unreported += data.len;
    MUST(a->unreported <= 8 * 1024 * 1024);
    http_exchange_write(a->x, data);
}

static void on_body_end(void *ctx)
{
    struct answer *a = ctx;
    http_exchange_finish(a->x, NULL);
    end(a);
}

static void on_sent(void *ctx, size_t n)
{
    struct answer *a = ctx;
    MUST(n <= a->unreported);
    a->unreported -= n;
    http_exchange_consumed(a->x, n);
}

static void on_abort(void *ctx, const struct error *why)
{
    MUST(why && why->text[0]);
    end(ctx);
}

static const struct http_exchange_events echo = {
    .on_body = on_body, .on_body_end = on_body_end, .on_sent = on_sent, .on_abort = on_abort};

static void check_request(const struct http_request *r)
{
    h1_story_check_fields(&r->fields);
    MUST(r->version == HTTP_2 && http_is_token(r->method) && r->content_length >= -1);
    MUST(r->target.len && (r->target.ptr[0] == '/' || slice_eq(r->target, SLICE("*"))));
    for (size_t i = 0; i < r->target.len; i++)
        MUST((unsigned char)r->target.ptr[i] > ' ' && (unsigned char)r->target.ptr[i] < 0x7f);
    static const char *const never[] = {"host",    "connection",        "keep-alive",      "te",
                                        "upgrade", "transfer-encoding", "proxy-connection"};
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        MUST(!http_fields_get(&r->fields, slice_of(never[i])).ptr);
}

static void on_request(void *owner, struct http_exchange *x)
{
    (void)owner;
    check_request(&x->request);
    bool websocket = x->request.protocol.len > 0;
    struct http_response head = {.status = websocket ? 101 : 200, .content_length = -1};
    MUST(!websocket || (slice_eq(x->request.method, SLICE("GET")) && x->request.has_body));
    char way = x->request.target.len > 1 ? x->request.target.ptr[1] : 0;
    begun++;
    if (way == 'r') {
        http_exchange_reset(x);
        ended++;
        return;
    }
    if (way == 'n') {
        http_exchange_reply(x, 404, "text/plain", SLICE("no"), NULL);
        ended++;
        return;
    }
    struct answer *a = mem_zalloc(sizeof *a);
    a->x = x;
    x->events = &echo;
    x->ctx = a;
    if (way != 'p') /* parked: the body comes back before a head, which is a fault of the handler's */
        http_exchange_respond(x, &head, false);
}

static void on_close(void *owner, const struct error *why)
{
    MUST(why != NULL);
    *(bool *)owner = true;
}

static const struct http_h2_events events = {.on_request = on_request, .on_close = on_close};

/* --- the peer --- */

static void ignore_data(void *ctx, struct slice data)
{
    (void)ctx, (void)data;
}

static void ignore_end(void *ctx)
{
    (void)ctx;
}

static void ignore_close(void *ctx, const struct error *why)
{
    (void)ctx, (void)why;
}

static const struct net_stream_events peer_events = {
    .on_data = ignore_data, .on_end = ignore_end, .on_close = ignore_close};

/* type, flags, stream, length, payload … */
static void send_frame(struct net_stream *peer, struct slice *in)
{
    uint8_t type = fuzz_choice(in), flags = fuzz_choice(in), stream = fuzz_choice(in);
    size_t len = fuzz_choice(in);
    if (len > in->len)
        len = in->len;
    const char head[9] = {0, 0, (char)len, (char)(type % 16), (char)flags, 0, 0, 0, (char)stream};
    net_stream_write(peer, slice_make(head, sizeof head));
    net_stream_write(peer, slice_make(in->ptr, len));
    *in = slice_skip(*in, len);
}

static void send_all(struct loop *loop, struct net_stream *peer, struct slice in, uint8_t choice, const bool *closed)
{
    size_t piece = (choice >> 2) + 1;
    while (in.len && !*closed) {
        if (choice & 2) {
            send_frame(peer, &in);
        } else {
            struct slice part = {in.ptr, piece < in.len ? piece : in.len};
            net_stream_write(peer, part);
            in = slice_skip(in, part.len);
        }
        fake_loop_settle(loop);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice in = slice_make(bytes, size);
    uint8_t choice = fuzz_choice(&in);
    struct loop *loop = loop_new();
    struct net_stream *ours, *peer;
    const struct http_h2_options o = {
        .max_streams = 16, .window_budget = 1 << 20, .idle_ms = 300 * 1000, .body_ms = 60 * 1000, .websocket = true};
    bool closed = false;
    begun = ended = 0;
    loopback_pair(loop, 0, 0, &ours, &peer);
    net_stream_set_events(peer, &peer_events, NULL);
    struct http_h2 *h = http_h2_server(loop, ours, &o, &events, &closed);
    if (!(choice & 1))
        net_stream_write(peer, SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    if (choice & 2)
        net_stream_write(peer, SLICE("\0\0\0\4\0\0\0\0\0"));
    send_all(loop, peer, in, choice, &closed);
    if (choice & 0x80)
        net_stream_shutdown(peer);
    fake_loop_pass(loop, 10 * 1000);
    if (!closed)
        http_h2_close(h);
    fake_loop_pass(loop, 100 * 1000);
    MUST(closed && begun == ended);
    net_stream_close(peer);
    fake_loop_settle(loop);
    loop_free(loop);
    return 0;
}
