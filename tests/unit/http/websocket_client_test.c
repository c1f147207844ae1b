/* SPDX-License-Identifier: Apache-2.0 */
/* WebSocket at the side that asks, over HTTP/1.1: the pool and the connection under it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/websocket.h"
#include "pool_kit.h"

static void ask_websocket(struct asked *a)
{
    struct http_request r = request_of("GET", "/chat");
    r.protocol = SLICE(HTTP_WEBSOCKET);
    r.has_body = true;
    assert_int_equal(ask_request(a, &r), OK);
}

static struct http_pool_options with_websockets(bool tls, uint32_t max)
{
    struct http_pool_options o = options(tls);
    o.max_switched = max;
    return o;
}

/* Takes the handshake that server i got; returns the right proof for it. */
static const char *proof(unsigned i)
{
    static char accept[HTTP_WEBSOCKET_ACCEPT_SIZE];
    static const char before[] = "GET /chat HTTP/1.1\r\nhost: mp\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
                                 "sec-websocket-key: ";
    settle();
    assert_true(fix->dials > i);
    char *got = buf_take_str(&fix->servers[i].got);
    assert_non_null(got);
    assert_int_equal(strlen(got), strlen(before) + HTTP_WEBSOCKET_KEY_SIZE - 1 + 4);
    assert_memory_equal(got, before, strlen(before));
    http_websocket_accept(slice_make(got + strlen(before), HTTP_WEBSOCKET_KEY_SIZE - 1), accept);
    free(got);
    return accept;
}

static void answer_101(unsigned i, const char *accept, const char *more)
{
    char text[512];
    (void)snprintf(text, sizeof text,
                   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: chat\r\n\r\n%s",
                   accept, more);
    answer(i, text);
}

static void both_sides_go_on_after_101(void **state)
{
    struct asked a;
    struct http_pool_options o = with_websockets(false, 10);
    (void)state;
    set_pool(&o);
    ask_websocket(&a);
    answer_101(0, proof(0), "first");
    assert_int_equal(a.status, 101);
    http_call_write(a.call, SLICE("over"));
    settle();
    assert_int_equal(a.sent, 4);
    expect_request(0, "over");
    answer(0, " and out");
    http_call_finish(a.call);
    settle();
    assert_true(fix->servers[0].eof); /* its half alone */
    answer(0, ", still");
    assert_true(slice_eq(buf_data(&a.body), SLICE("first and out, still")));
    assert_false(a.ended);
    server_closes(0);
    assert_true(a.ended);
    done(&a);
}

static void nothing_is_sent_before_101(void **state)
{
    struct asked a;
    struct http_pool_options o = with_websockets(false, 10);
    (void)state;
    set_pool(&o);
    ask_websocket(&a);
    http_call_write(a.call, SLICE("GET /smuggled HTTP/1.1\r\n\r\n"));
    const char *accept = proof(0);
    http_call_write(a.call, SLICE("more"));
    expect_request(0, "");
    assert_int_equal(a.sent, 0);
    answer_101(0, accept, "");
    expect_request(0, "GET /smuggled HTTP/1.1\r\n\r\nmore");
    assert_int_equal(a.sent, 30);
    http_call_cancel(a.call);
    done(&a);
}

static void a_refusal_is_an_answer_and_ends_the_connection(void **state)
{
    struct asked a;
    struct http_pool_options o = with_websockets(false, 10);
    (void)state;
    set_pool(&o);
    ask_websocket(&a);
    http_call_write(a.call, SLICE("never sent"));
    (void)proof(0);
    answer(0, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    assert_int_equal(a.status, 403);
    assert_true(a.ended);
    expect_request(0, "");
    done(&a);
    ask(&a, "GET", "/x");
    settle();
    assert_int_equal(fix->dials, 2); /* what the server would take for the next request is unknown */
    http_call_cancel(a.call);
    done(&a);
}

static void a_wrong_switch_is_a_protocol_failure(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        ("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\nSec-WebSocket-Accept: x\r\n\r\n",
    };
    struct http_pool_options o = with_websockets(false, 10);
    (void)state;
    set_pool(&o);
    for (unsigned i = 0; i < ARRAY_LEN(answers); i++) {
        struct asked a;
        ask_websocket(&a);
        (void)proof(i);
        answer(i, answers[i]);
        expect_failure(&a, HTTP_FAIL_PROTOCOL, false, false);
    }
}

static void each_has_a_new_connection_beside_those_of_the_pool(void **state)
{
    struct asked a[4], plain;
    struct http_pool_options o = with_websockets(false, 4); /* and two connections */
    (void)state;
    set_pool(&o);
    for (unsigned i = 0; i < 4; i++) {
        ask_websocket(&a[i]);
        answer_101(i, proof(i), "");
        assert_int_equal(a[i].status, 101);
    }
    struct http_request r = request_of("GET", "/chat");
    r.protocol = SLICE(HTTP_WEBSOCKET);
    r.has_body = true;
    struct asked over;
    assert_int_equal(ask_request(&over, &r), R_LIMIT);
    done(&over);
    ask(&plain, "GET", "/x");
    expect_request(4, "GET /x HTTP/1.1\r\nhost: mp\r\n\r\n");
    answer(4, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_true(plain.ended);
    done(&plain);
    server_closes(0);
    assert_true(a[0].ended);
    done(&a[0]);
    ask_websocket(&a[0]); /* there is room again; the idle connection, which may be dead, is not taken */
    (void)proof(5);
    for (unsigned i = 0; i < 4; i++) {
        http_call_cancel(a[i].call);
        done(&a[i]);
    }
}

static void a_server_of_http2_is_asked_by_http1(void **state)
{
    struct asked plain, a;
    struct http_pool_options o = with_websockets(true, 10);
    (void)state;
    set_pool(&o);
    fix->alpn = "h2";
    ask(&plain, "GET", "/parked");
    fake_loop_pass(fix->loop, 50);
    assert_int_equal(fix->h2_requests, 1);
    ask_websocket(&a);
    answer_101(1, proof(1), "");
    assert_int_equal(a.status, 101);
    struct asked next;
    ask(&next, "GET", "/parked");
    fake_loop_pass(fix->loop, 50);
    assert_int_equal(fix->h2_requests, 2); /* the session still carries what is ordinary */
    assert_int_equal(fix->dials, 2);
    http_call_cancel(plain.call);
    http_call_cancel(next.call);
    http_call_cancel(a.call);
    done(&plain);
    done(&next);
    done(&a);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(both_sides_go_on_after_101),
        T(nothing_is_sent_before_101),
        T(a_refusal_is_an_answer_and_ends_the_connection),
        T(a_wrong_switch_is_a_protocol_failure),
        T(each_has_a_new_connection_beside_those_of_the_pool),
        T(a_server_of_http2_is_asked_by_http1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
