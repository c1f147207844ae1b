/* SPDX-License-Identifier: Apache-2.0 */
/* The pool and the HTTP/1.1 client under it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loopback_stream.h"
#include "pool_kit.h"

#define GET_X "GET /x HTTP/1.1\r\nhost: mp\r\n\r\n"
#define OK2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

static void a_call_is_asked_and_answered(void **state)
{
    (void)state;
    struct asked a;
    struct http_field list[] = {{SLICE("x-one"), SLICE("1")},
                                {SLICE("connection"), SLICE("x-one")},
                                {SLICE("content-length"), SLICE("7")},
                                {SLICE("x-evil"), SLICE("a\nb")}};
    struct http_request r = request_of("GET", "/x?y");
    r.fields = (struct http_fields){list, 4, 4};
    assert_int_equal(ask_request(&a, &r), OK);
    expect_request(0, "GET /x?y HTTP/1.1\r\nhost: mp\r\nx-one: 1\r\n\r\n");
    answer(0, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 203 Rather not\r\nContent-Length: 5\r\n\r\nhe");
    assert_int_equal(a.inform, 103);
    assert_int_equal(a.status, 203);
    assert_string_equal(a.reason, "Rather not");
    assert_int_equal(a.length, 5);
    assert_false(a.ended);
    answer(0, "llo");
    assert_true(a.ended);
    assert_true(slice_eq(buf_data(&a.body), SLICE("hello")));
    done(&a);
}

static void a_base_path_stands_before_a_target_that_need_not_stay(void **state)
{
    (void)state;
    struct http_pool_options o = options(false);
    (void)snprintf(o.base_path, sizeof o.base_path, "/base");
    set_pool(&o);
    char target[] = "/x?y";
    struct http_request r = request_of("GET", target);
    struct asked a;
    assert_int_equal(ask_request(&a, &r), OK);
    memset(target, '!', sizeof target - 1);
    settle();
    expect_request(0, "GET /base/x?y HTTP/1.1\r\nhost: mp\r\n\r\n");
    answer(0, OK2);
    assert_true(a.ended);
    done(&a);
}

static void a_connection_is_used_again(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct asked a;
        ask(&a, i % 2 ? "HEAD" : "GET", "/x");
        settle();
        buf_free(&fix->servers[0].got);
        answer(0, i % 2 ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" : OK2);
        assert_true(a.ended);
        done(&a);
    }
    assert_int_equal(fix->dials, 1);
}

static void bodies_are_framed_by_what_is_known_of_them(void **state)
{
    (void)state;
    struct asked a;
    struct http_request r = request_of("POST", "/x");
    r.has_body = true;
    assert_int_equal(ask_request(&a, &r), OK);
    http_call_write(a.call, SLICE("early")); /* before there is a connection */
    settle();
    http_call_write(a.call, SLICE("late"));
    http_call_finish(a.call);
    expect_request(0, "POST /x HTTP/1.1\r\nhost: mp\r\ntransfer-encoding: chunked\r\n\r\n5\r\nearly\r\n4\r\nlate\r\n"
                      "0\r\n\r\n");
    assert_int_equal(a.sent, 9);
    answer(0, OK2);
    done(&a);
    r.content_length = 3;
    assert_int_equal(ask_request(&a, &r), OK);
    http_call_write(a.call, SLICE("abc"));
    http_call_finish(a.call);
    expect_request(0, "POST /x HTTP/1.1\r\nhost: mp\r\ncontent-length: 3\r\n\r\nabc");
    answer(0, OK2);
    assert_true(a.ended);
    done(&a);
    ask(&a, "POST", "/x");
    expect_request(0, "POST /x HTTP/1.1\r\nhost: mp\r\ncontent-length: 0\r\n\r\n");
    answer(0, OK2);
    assert_true(a.ended);
    done(&a);
    assert_int_equal(fix->dials, 1);
}

static void a_body_of_another_length_never_completes(void **state)
{
    (void)state;
    struct asked a;
    struct http_request r = request_of("POST", "/x");
    r.has_body = true;
    r.content_length = 3;
    assert_int_equal(ask_request(&a, &r), OK);
    http_call_write(a.call, SLICE("ab"));
    settle();
    http_call_finish(a.call);
    expect_failure(&a, HTTP_FAIL_PROTOCOL, false, false);
    assert_true(fix->servers[0].eof);
}

static void trailers_come_with_the_end(void **state)
{
    (void)state;
    struct asked a;
    ask(&a, "GET", "/x");
    settle();
    answer(0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 42\r\n\r\n");
    assert_true(a.ended);
    assert_string_equal(a.trailer, "42");
    done(&a);
}

static void an_answer_that_lasts_until_the_end_needs_a_clean_one(void **state)
{
    (void)state;
    struct asked a;
    ask(&a, "GET", "/x");
    settle();
    answer(0, "HTTP/1.1 200 OK\r\n\r\nall of it");
    assert_false(a.ended);
    server_closes(0);
    assert_true(a.ended);
    assert_true(slice_eq(buf_data(&a.body), SLICE("all of it")));
    done(&a);
    ask(&a, "GET", "/x");
    settle();
    answer(1, "HTTP/1.1 200 OK\r\n\r\nhalf of");
    loopback_break(fix->servers[1].stream);
    expect_failure(&a, HTTP_FAIL_TRUNCATED, false, true);
}

static void a_cut_answer_is_truncated(void **state)
{
    (void)state;
    static const char *const parts[] = {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe",
                                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"};
    for (unsigned i = 0; i < 2; i++) {
        struct asked a;
        ask(&a, "GET", "/x");
        settle();
        answer(i, parts[i]);
        server_closes(i);
        expect_failure(&a, HTTP_FAIL_TRUNCATED, false, true);
    }
    struct asked a;
    ask(&a, "GET", "/x");
    settle();
    answer(2, "HTTP/1.1 20");
    server_closes(2);
    expect_failure(&a, HTTP_FAIL_TRUNCATED, false, false);
    ask(&a, "GET", "/x");
    settle();
    server_closes(3);
    expect_failure(&a, HTTP_FAIL_TRUNCATED, false, false);
}

static void what_is_not_http_is_a_protocol_failure(void **state)
{
    (void)state;
    struct asked a;
    ask(&a, "GET", "/x");
    settle();
    answer(0, "SSH-2.0-x\r\n");
    expect_failure(&a, HTTP_FAIL_PROTOCOL, false, false);
    ask(&a, "GET", "/x");
    settle();
    answer(1, "HTTP/1.1 101 Switching Protocols\r\n\r\n");
    expect_failure(&a, HTTP_FAIL_PROTOCOL, false, false);
    ask(&a, "GET", "/x");
    settle();
    answer(2, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    expect_failure(&a, HTTP_FAIL_PROTOCOL, false, true);
    /* A smuggled second answer: the connection is not used again. */
    ask(&a, "GET", "/x");
    settle();
    answer(3, OK2 "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    assert_true(a.ended);
    assert_true(slice_eq(buf_data(&a.body), SLICE("hi")));
    assert_true(fix->servers[3].eof);
    done(&a);
}

static void bytes_on_an_idle_connection_close_it(void **state)
{
    (void)state;
    struct asked a;
    ask(&a, "GET", "/x");
    settle();
    answer(0, OK2);
    assert_true(a.ended);
    done(&a);
    answer(0, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
    assert_true(fix->servers[0].eof);
    ask(&a, "GET", "/x");
    expect_request(1, GET_X);
    answer(1, OK2);
    assert_int_equal(a.status, 200);
    done(&a);
}

static void connection_close_is_obeyed(void **state)
{
    (void)state;
    struct asked a;
    ask(&a, "GET", "/x");
    settle();
    answer(0, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi");
    assert_true(a.ended);
    assert_true(fix->servers[0].eof);
    done(&a);
    ask(&a, "GET", "/x");
    settle();
    assert_int_equal(fix->dials, 2);
    answer(1, OK2);
    done(&a);
}

static void an_answer_before_the_bodys_end_closes_the_connection(void **state)
{
    (void)state;
    struct asked a;
    struct http_request r = request_of("POST", "/x");
    r.has_body = true;
    assert_int_equal(ask_request(&a, &r), OK);
    http_call_write(a.call, SLICE("part"));
    settle();
    answer(0, "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n");
    assert_true(a.ended);
    assert_int_equal(a.status, 413);
    assert_true(fix->servers[0].eof);
    done(&a);
}

/* Leaves one idle connection. */
static void warm_up(void)
{
    struct asked a;
    ask(&a, "GET", "/warm");
    settle();
    buf_free(&fix->servers[0].got);
    answer(0, OK2);
    assert_true(a.ended);
    done(&a);
}

static void a_safe_request_is_asked_again_on_a_fresh_connection(void **state)
{
    (void)state;
    struct asked a;
    warm_up();
    ask(&a, "GET", "/x");
    expect_request(0, GET_X);
    server_closes(0);
    assert_false(a.failed);
    expect_request(1, GET_X);
    answer(1, OK2);
    assert_true(a.ended);
    done(&a);
}

static void a_safe_request_is_asked_again_once_only(void **state)
{
    (void)state;
    struct asked a;
    warm_up();
    ask(&a, "GET", "/x");
    settle();
    server_closes(0);
    settle();
    server_closes(1);
    expect_failure(&a, HTTP_FAIL_TRUNCATED, false, false);
    assert_int_equal(fix->dials, 2);
}

static void an_unsafe_request_or_a_begun_answer_is_not_asked_again(void **state)
{
    (void)state;
    struct asked a;
    warm_up();
    ask(&a, "CCM_POST", "/x");
    settle();
    server_closes(0);
    expect_failure(&a, HTTP_FAIL_TRUNCATED, false, false);
    assert_int_equal(fix->dials, 1);
    ask(&a, "GET", "/x");
    settle();
    answer(1, OK2);
    done(&a);
    ask(&a, "GET", "/x");
    settle();
    answer(1, "H");
    server_closes(1);
    expect_failure(&a, HTTP_FAIL_TRUNCATED, false, false);
    assert_int_equal(fix->dials, 2);
}

static void connections_and_waiters_are_bounded(void **state)
{
    (void)state;
    struct asked a[6];
    for (int i = 0; i < 2; i++)
        ask(&a[i], "GET", "/x");
    settle();
    for (int i = 2; i < 5; i++)
        ask(&a[i], "GET", "/x");
    struct http_request r = request_of("GET", "/x");
    assert_int_equal(ask_request(&a[5], &r), R_LIMIT);
    settle();
    assert_int_equal(fix->dials, 2);
    for (int i = 0; i < 5; i++)
        answer(i % 2 == 0 ? 0 : 1, OK2);
    for (int i = 0; i < 5; i++) {
        assert_true(a[i].ended);
        done(&a[i]);
    }
    assert_int_equal(fix->dials, 2);
}

static void a_call_that_waits_too_long_fails(void **state)
{
    (void)state;
    struct asked a[3];
    for (int i = 0; i < 3; i++)
        ask(&a[i], "GET", "/x");
    fake_loop_pass(fix->loop, 4900);
    assert_false(a[2].failed);
    fake_loop_pass(fix->loop, 2000);
    expect_failure(&a[2], HTTP_FAIL_TIMEOUT, true, false);
    assert_false(a[0].failed || a[1].failed); /* answer_ms is 0: parked requests */
    done(&a[0]);
    done(&a[1]);
}

static void an_answer_that_does_not_come_in_time_fails(void **state)
{
    (void)state;
    struct http_pool_options o = options(false);
    o.answer_ms = 2000;
    set_pool(&o);
    struct asked a;
    ask(&a, "GET", "/x");
    fake_loop_pass(fix->loop, 1500);
    assert_false(a.failed);
    fake_loop_pass(fix->loop, 1500);
    expect_failure(&a, HTTP_FAIL_TIMEOUT, false, false);
    assert_true(fix->servers[0].eof);
    ask(&a, "GET", "/x");
    settle();
    answer(1, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh");
    fake_loop_pass(fix->loop, 20000); /* only the head has this limit */
    answer(1, "i");
    assert_true(a.ended);
    done(&a);
}

static void failures_to_connect_have_their_kinds(void **state)
{
    (void)state;
    static const struct {
        enum result code;
        enum http_failure_kind kind;
    } cases[] = {{R_NOTFOUND, HTTP_FAIL_NAME}, {R_IO, HTTP_FAIL_REFUSED}, {R_TIMEOUT, HTTP_FAIL_TIMEOUT}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct asked a[3];
        fix->dial_fails = cases[i].code;
        for (int k = 0; k < 3; k++)
            ask(&a[k], "GET", "/x");
        for (int k = 0; k < 3; k++)
            expect_failure(&a[k], cases[i].kind, true, false);
    }
    fix->dial_fails = OK;
    struct asked a;
    ask(&a, "GET", "/x");
    settle();
    answer(0, OK2);
    assert_true(a.ended);
    done(&a);
}

static void failures_of_tls_have_their_kinds(void **state)
{
    (void)state;
    struct http_pool_options o = options(true);
    set_pool(&o);
    struct asked a;
    fix->tls_fails = "certificate verify failed";
    ask(&a, "GET", "/x");
    expect_failure(&a, HTTP_FAIL_TLS, true, false);
    fix->tls_fails = "tlsv13 alert certificate required";
    ask(&a, "GET", "/x");
    expect_failure(&a, HTTP_FAIL_CERT_REQUIRED, true, false);
    fix->tls_fails = NULL; /* TLS 1.3: the alert comes behind the handshake */
    fix->alert_116 = true;
    ask(&a, "GET", "/x");
    settle();
    loopback_break(fix->servers[2].stream);
    expect_failure(&a, HTTP_FAIL_CERT_REQUIRED, false, false);
}

static void idle_connections_are_closed_after_their_time(void **state)
{
    (void)state;
    warm_up();
    fake_loop_pass(fix->loop, 50 * 1000);
    assert_false(fix->servers[0].eof);
    fake_loop_pass(fix->loop, 12 * 1000);
    assert_true(fix->servers[0].eof);
}

static void a_slow_reader_holds_the_server_back(void **state)
{
    (void)state;
    struct asked a;
    ask(&a, "GET", "/x");
    a.consume = false;
    settle();
    answer(0, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    char *body = mem_zalloc(1000000);
    net_stream_write(fix->servers[0].stream, slice_make(body, 1000000));
    free(body);
    settle();
    assert_int_equal(buf_len(&a.body), 65536);
    assert_true(net_stream_queued(fix->servers[0].stream) > 0);
    a.consume = true;
    http_call_consumed(a.call, 65536);
    settle();
    assert_int_equal(buf_len(&a.body), 1000000);
    assert_true(a.ended);
    done(&a);
}

static void a_close_behind_a_full_window_loses_nothing(void **state)
{
    (void)state;
    struct asked a;
    ask(&a, "GET", "/x");
    a.consume = false;
    settle();
    answer(0, "HTTP/1.1 200 OK\r\n\r\n");
    char *body = mem_zalloc(100000);
    net_stream_write(fix->servers[0].stream, slice_make(body, 100000));
    free(body);
    server_closes(0);
    assert_false(a.ended || a.failed);
    a.consume = true;
    http_call_consumed(a.call, 65536);
    settle();
    assert_int_equal(buf_len(&a.body), 100000);
    assert_true(a.ended);
    done(&a);
}

static void a_large_upload_is_reported_as_the_server_takes_it(void **state)
{
    (void)state;
    struct asked a;
    struct http_request r = request_of("PUT", "/x");
    r.has_body = true;
    assert_int_equal(ask_request(&a, &r), OK);
    settle();
    net_stream_pause(fix->servers[0].stream);
    char *piece = mem_zalloc(50000);
    size_t written = 0, last;
    do {
        last = written;
        for (; written - a.sent < 65536; written += 50000)
            http_call_write(a.call, slice_make(piece, 50000));
        settle();
    } while (written != last);
    assert_true(written < 1000000);
    free(piece);
    net_stream_resume(fix->servers[0].stream);
    settle();
    assert_int_equal(a.sent, written);
    http_call_cancel(a.call);
    settle();
    assert_true(fix->servers[0].eof);
    done(&a);
}

static void cancelling_is_silent_wherever_the_call_is(void **state)
{
    (void)state;
    struct asked a;
    ask(&a, "GET", "/waiting");
    http_call_cancel(a.call);
    settle();
    assert_false(a.failed);
    done(&a);
    ask(&a, "GET", "/x");
    settle();
    http_call_cancel(a.call);
    settle();
    assert_false(a.failed);
    done(&a);
    ask(&a, "GET", "/x");
    a.cancel_in_body = true;
    settle();
    answer(fix->dials - 1, OK2 "more");
    assert_false(a.failed || a.ended);
    assert_true(fix->servers[fix->dials - 1].eof);
    done(&a);
}

static void the_pool_may_be_freed_with_calls_under_way_and_inside_one(void **state)
{
    (void)state;
    struct asked a, b;
    ask(&a, "GET", "/x");
    settle();
    ask(&b, "GET", "/x");
    a.free_pool_in_end = true;
    answer(0, OK2);
    assert_true(a.ended);
    assert_null(fix->pool);
    assert_false(b.failed || b.ended);
    done(&a);
    done(&b);
}

/* As a splice does that ends over its sender's share, and was the last user of its server. */
static void the_pool_may_be_freed_inside_a_body(void **state)
{
    static const char *const protocols[] = {NULL, "h2"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
        struct http_pool_options o = options(true);
        struct asked a;
        set_pool(&o);
        fix->alpn = protocols[i];
        ask(&a, "GET", "/x");
        a.free_pool_in_body = true;
        fake_loop_pass(fix->loop, 50);
        if (!protocols[i])
            answer(fix->dials - 1, OK2 "more");
        fake_loop_pass(fix->loop, 50);
        assert_null(fix->pool);
        assert_int_equal(buf_len(&a.body), 2);
        assert_false(a.ended || a.failed);
        done(&a);
    }
}

static void a_session_of_http2_carries_many_calls(void **state)
{
    (void)state;
    struct http_pool_options o = options(true);
    o.max_waiting = 50;
    set_pool(&o);
    fix->alpn = "h2";
    struct asked a[20];
    for (int i = 0; i < 20; i++)
        ask(&a[i], "GET", "/twenty");
    fake_loop_pass(fix->loop, 50);
    for (int i = 0; i < 20; i++) {
        assert_true(a[i].ended);
        assert_int_equal(a[i].status, 200);
        assert_true(slice_eq(buf_data(&a[i].body), SLICE("/twenty")));
        done(&a[i]);
    }
    assert_int_equal(fix->dials, 1);
    assert_int_equal(fix->h2_requests, 20);
    http_h2_close(fix->h2);
    fake_loop_pass(fix->loop, 50);
    ask(&a[0], "GET", "/again");
    fake_loop_pass(fix->loop, 50);
    assert_true(a[0].ended);
    assert_int_equal(fix->dials, 2);
    done(&a[0]);
    http_pool_free(fix->pool);
    fix->pool = NULL;
    fake_loop_pass(fix->loop, 50);
    assert_int_equal(fix->h2_closes, 2);
}

static void full_sessions_of_http2_get_another_beside_them(void **state)
{
    (void)state;
    struct http_pool_options o = options(true);
    o.max_connections = 3;
    o.max_waiting = 50;
    set_pool(&o);
    fix->alpn = "h2";
    fix->h2_streams = 2;
    struct asked a[8];
    for (int i = 0; i < 8; i++) {
        ask(&a[i], "GET", "/parked");
        fake_loop_pass(fix->loop, 20);
    }
    assert_int_equal(fix->dials, 3); /* three of two streams each; the others wait */
    assert_int_equal(fix->h2_requests, 6);
    http_call_cancel(a[0].call);
    http_call_cancel(a[1].call);
    fake_loop_pass(fix->loop, 50);
    assert_int_equal(fix->h2_requests, 8); /* they took the places that became free */
    assert_int_equal(fix->dials, 3);
    for (int i = 0; i < 8; i++)
        done(&a[i]);
}

static void take_back(struct asked *a)
{
    ask(a, "GET", "/parked");
    fake_loop_pass(fix->loop, 5);
    http_call_cancel(a->call);
    fake_loop_pass(fix->loop, 5);
    done(a);
}

/* Servers end a session over what is taken back on it (here after 700): what others asked for would fail with it. */
static void calls_that_are_taken_back_over_and_over_get_session_after_session(void **state)
{
    (void)state;
    struct http_pool_options o = options(true);
    o.max_connections = SERVERS_MAX;
    set_pool(&o);
    fix->alpn = "h2";
    struct asked parked, a;
    ask(&parked, "POST", "/parked");
    fake_loop_pass(fix->loop, 20);
    for (int i = 0; i < 800; i++)
        take_back(&a);
    assert_false(parked.failed);
    assert_int_equal(fix->h2_closes, 0);
    assert_int_equal(fix->dials, 1 + 800 / 64);
    done(&parked);
}

static void a_worn_session_carries_calls_where_there_can_be_no_other(void **state)
{
    (void)state;
    struct http_pool_options o = options(true);
    o.max_connections = 1;
    set_pool(&o);
    fix->alpn = "h2";
    struct asked a;
    for (int i = 0; i < 100; i++)
        take_back(&a);
    ask(&a, "GET", "/more");
    fake_loop_pass(fix->loop, 50);
    assert_true(a.ended && a.status == 200);
    assert_int_equal(fix->dials, 1);
    done(&a);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_call_is_asked_and_answered),
        T(a_base_path_stands_before_a_target_that_need_not_stay),
        T(a_connection_is_used_again),
        T(bodies_are_framed_by_what_is_known_of_them),
        T(a_body_of_another_length_never_completes),
        T(trailers_come_with_the_end),
        T(an_answer_that_lasts_until_the_end_needs_a_clean_one),
        T(a_cut_answer_is_truncated),
        T(what_is_not_http_is_a_protocol_failure),
        T(bytes_on_an_idle_connection_close_it),
        T(connection_close_is_obeyed),
        T(an_answer_before_the_bodys_end_closes_the_connection),
        T(a_safe_request_is_asked_again_on_a_fresh_connection),
        T(a_safe_request_is_asked_again_once_only),
        T(an_unsafe_request_or_a_begun_answer_is_not_asked_again),
        T(connections_and_waiters_are_bounded),
        T(a_call_that_waits_too_long_fails),
        T(an_answer_that_does_not_come_in_time_fails),
        T(failures_to_connect_have_their_kinds),
        T(failures_of_tls_have_their_kinds),
        T(idle_connections_are_closed_after_their_time),
        T(a_slow_reader_holds_the_server_back),
        T(a_close_behind_a_full_window_loses_nothing),
        T(a_large_upload_is_reported_as_the_server_takes_it),
        T(cancelling_is_silent_wherever_the_call_is),
        T(the_pool_may_be_freed_with_calls_under_way_and_inside_one),
        T(the_pool_may_be_freed_inside_a_body),
        T(a_session_of_http2_carries_many_calls),
        T(full_sessions_of_http2_get_another_beside_them),
        T(calls_that_are_taken_back_over_and_over_get_session_after_session),
        T(a_worn_session_carries_calls_where_there_can_be_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
