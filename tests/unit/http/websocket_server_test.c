/* SPDX-License-Identifier: Apache-2.0 */
/* WebSocket at the side that is asked, over HTTP/1.1, and the handshake's arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/websocket.h"
#include "server_kit.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ASK(key)                                                                                                       \
    "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"                       \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " key "\r\n"
#define SWITCHED                                                                                                       \
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"                                \
    "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

/* RFC 6455 1.3 */
static void the_proof_is_that_of_the_standards_example(void **state)
{
    char accept[HTTP_WEBSOCKET_ACCEPT_SIZE];
    (void)state;
    http_websocket_accept(SLICE(KEY), accept);
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

/* However its bytes are cut, a frame ends where RFC 6455 5.2 says: lengths of each form, masked and not. */
static void frames_end_where_their_heads_say(void **state)
{
    static const struct {
        const char *head;
        size_t head_size, payload;
    } frames[] = {{"\x81\x00", 2, 0},
                  {"\x81\x05", 2, 5},
                  {"\x81\x85KEY!", 6, 5},
                  {"\x82\x7d", 2, 125},
                  {"\x82\x7e\x00\x7e", 4, 126},
                  {"\x02\xfe\x01\x02KEY!", 8, 258},
                  {"\x00\x7f\0\0\0\0\0\x01\0\0", 10, 65536},
                  {"\x89\x00", 2, 0},
                  {"\x82\xff\0\0\0\0\0\0\0\x07KEY!", 14, 7}};
    char text[70000];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
        size_t size = frames[i].head_size + frames[i].payload;
        memset(text, 0x7f, sizeof text); /* what follows looks like a head */
        memcpy(text, frames[i].head, frames[i].head_size);
        struct http_websocket_frames whole = {.left = 0}, cut = {.left = 0};
        assert_int_equal(http_websocket_frame_part(&whole, slice_make(text, sizeof text)), size);
        assert_true(http_websocket_between_frames(&whole));
        for (size_t at = 0; at < size; at++) {
            assert_int_equal(http_websocket_frame_part(&cut, slice_make(text + at, 1)), 1);
            assert_int_equal(http_websocket_between_frames(&cut), at + 1 == size);
        }
    }
}

static void a_key_is_sixteen_bytes_and_each_time_another(void **state)
{
    char one[HTTP_WEBSOCKET_KEY_SIZE], other[HTTP_WEBSOCKET_KEY_SIZE];
    (void)state;
    http_websocket_key(one);
    http_websocket_key(other);
    assert_true(http_websocket_key_valid(slice_of(one)) && http_websocket_key_valid(slice_of(other)));
    assert_string_not_equal(one, other);
    static const char *const wrong[] = {"",
                                        "dGhlIHNhbXBsZSBub25jZQ",
                                        "dGhlIHNhbXBsZSBub25j",
                                        "dGhlIHNhbXBsZSBub25jZR==",
                                        "AAAAAAAAAAAAAAAAAAAAAAAA",
                                        "dGhlIHNhbXBs ZSBub25jZQ=="};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(http_websocket_key_valid(slice_of(wrong[i])));
}

static void both_sides_go_on_after_101(void **state)
{
    struct fixture *f = *state;
    send_text(f, ASK(KEY) "\r\n");
    assert_string_equal(f->held->request.protocol.ptr, "websocket");
    assert_true(f->held->request.has_body);
    assert_int_equal(f->held->request.content_length, -1);
    assert_null(http_fields_get(&f->held->request.fields, SLICE("sec-websocket-key")).ptr);
    assert_int_equal(f->ends, 0);
    respond(f, 101, -1, false);
    expect(f, SWITCHED);
    send_text(f, "\x81\x02hi");
    assert_true(slice_eq(buf_data(&f->body), SLICE("\x81\x02hi")));
    write_text(f, "GET / HTTP/1.1\r\n");
    expect(f, "GET / HTTP/1.1\r\n");
    assert_int_equal(f->sent, 16);
    finish(f);
    fake_loop_settle(f->loop);
    assert_true(f->eof);
}

static void what_comes_before_the_answer_waits_for_it(void **state)
{
    struct fixture *f = *state;
    send_text(f, ASK(KEY) "\r\nahead");
    fake_loop_pass(f->loop, 3 * http_server_defaults.body_ms); /* the server thinks: no fault of the client's */
    assert_int_equal(buf_len(&f->body), 0);
    respond(f, 101, -1, false);
    expect(f, SWITCHED);
    char *got = buf_take_str(&f->body);
    assert_string_equal(got, "ahead");
    free(got);
}

static void another_answer_leaves_http_as_it_was(void **state)
{
    struct fixture *f = *state;
    send_text(f, ASK(KEY) "\r\nGET /now?next HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(f->requests, 1);
    respond(f, 403, 2, false);
    write_text(f, "no");
    finish(f);
    expect(f, "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nnoHTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n"
              "content-length: 4\r\n\r\nnext");
    assert_int_equal(buf_len(&f->body), 0);
}

static void the_clients_end_is_the_bodys_and_comes_behind_it(void **state)
{
    struct fixture *f = *state;
    f->consume = false;
    send_text(f, ASK(KEY) "\r\n");
    respond(f, 101, -1, false);
    expect(f, SWITCHED);
    char *much = malloc(100000);
    memset(much, 'x', 100000);
    net_stream_write(f->client, slice_make(much, 100000));
    free(much);
    net_stream_shutdown(f->client);
    fake_loop_settle(f->loop);
    assert_int_equal(buf_len(&f->body), 64 * 1024); /* a window */
    assert_int_equal(f->ends, 0);
    f->consume = true;
    http_exchange_consumed(f->held, 64 * 1024);
    fake_loop_settle(f->loop);
    assert_int_equal(buf_len(&f->body), 100000);
    assert_int_equal(f->ends, 1);
    write_text(f, "still");
    finish(f);
    expect(f, "still");
    assert_int_equal(f->aborts, 0);
}

static void a_silent_one_ends_after_an_hour(void **state)
{
    struct fixture *f = *state;
    send_text(f, ASK(KEY) "\r\n");
    respond(f, 101, -1, false);
    for (int i = 0; i < 3; i++) {
        fake_loop_pass(f->loop, HTTP_SWITCHED_IDLE_MS / 2 + 60 * 1000);
        assert_int_equal(f->aborts, 0);
        if (i % 2)
            send_text(f, "x");
        else
            write_text(f, "y");
    }
    fake_loop_pass(f->loop, HTTP_SWITCHED_IDLE_MS + 2 * http_server_defaults.body_ms);
    assert_int_equal(f->aborts, 1);
}

static void a_handshake_that_is_none_is_an_ordinary_request(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {
        ASK("short") "\r\n",
        ASK(KEY) "Sec-WebSocket-Key: " KEY "\r\n\r\n",
        ASK(KEY) "Content-Length: 1\r\n\r\nx",
        "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nSec-WebSocket-Key: " KEY "\r\n\r\n",
        "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\nSec-WebSocket-Key: " KEY "\r\n\r\n",
        "POST /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: " KEY
        "\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        send_text(f, texts[i]);
        assert_int_equal(f->held->request.protocol.len, 0);
        assert_int_equal(f->ends, i + 1);
        respond(f, 204, -1, true);
        expect(f, "HTTP/1.1 204 No Content\r\n\r\n");
    }
}

static void where_it_is_not_offered_it_is_an_ordinary_request(void **state)
{
    struct fixture *f = *state;
    send_text(f, ASK(KEY) "\r\n");
    assert_int_equal(f->held->request.protocol.len, 0);
    assert_false(f->held->request.has_body);
    assert_int_equal(f->ends, 1);
    respond(f, 101, -1, false); /* the handler's fault */
    expect(f, "");
    assert_true(f->eof);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up_websocket, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_proof_is_that_of_the_standards_example),
        cmocka_unit_test(frames_end_where_their_heads_say),
        cmocka_unit_test(a_key_is_sixteen_bytes_and_each_time_another),
        T(both_sides_go_on_after_101),
        T(what_comes_before_the_answer_waits_for_it),
        T(another_answer_leaves_http_as_it_was),
        T(the_clients_end_is_the_bodys_and_comes_behind_it),
        T(a_silent_one_ends_after_an_hour),
        T(a_handshake_that_is_none_is_an_ordinary_request),
        cmocka_unit_test_setup_teardown(where_it_is_not_offered_it_is_an_ordinary_request, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
