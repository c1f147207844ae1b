/* SPDX-License-Identifier: Apache-2.0 */
/* What one of those for whom calls are made may take of a pool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pool_kit.h"

#define OK2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

/* Of 16 connections each sender has two. */
static void many_connections(void)
{
    struct http_pool_options o = options(false);
    o.max_connections = 2 * HTTP_POOL_SHARE;
    o.max_waiting = 10 * HTTP_POOL_SHARE;
    o.max_switched = HTTP_POOL_SHARE;
    set_pool(&o);
}

static void ask_as(struct asked *a, const char *whom, const char *target)
{
    struct http_request r = request_of("GET", target);
    assert_int_equal(ask_for(a, whom, &r), OK);
}

static void one_sender_takes_a_server_from_nobody(void **state)
{
    (void)state;
    struct asked greedy[10], other;
    many_connections();
    for (int i = 0; i < 10; i++)
        ask_as(&greedy[i], "greedy", "/greedy");
    settle();
    assert_int_equal(fix->dials, 2);
    ask_as(&other, "other", "/other");
    settle();
    assert_int_equal(fix->dials, 3);
    expect_request(2, "GET /other HTTP/1.1\r\nhost: mp\r\n\r\n");
    answer(2, OK2);
    assert_true(other.ended);
    settle();
    assert_int_equal(buf_len(&fix->servers[2].got), 0); /* an idle connection is not for who has its share */
    assert_int_equal(fix->dials, 3);
    for (int i = 0; i < 10; i++)
        answer((unsigned)i % 2, OK2);
    for (int i = 0; i < 10; i++) {
        assert_true(greedy[i].ended);
        done(&greedy[i]);
    }
    assert_int_equal(fix->dials, 3);
    done(&other);
}

static void however_many_senders_take_what_they_can_one_more_finds_a_place_to_wait(void **state)
{
    (void)state;
    enum { PLACES = 10 * HTTP_POOL_SHARE, GREEDY = 12, MODEST = 3 };
    struct asked all[PLACES + 1], refused;
    struct http_request r = request_of("GET", "/x");
    size_t count = 0;
    char whom[16];
    many_connections();
    for (int n = 0; n < GREEDY; n++) {
        (void)snprintf(whom, sizeof whom, "greedy %d", n);
        while (count < PLACES && ask_for(&all[count], whom, &r) == OK)
            count++;
    }
    assert_int_equal(ask_for(&refused, "greedy 0", &r), R_LIMIT);
    for (int n = 0; n < MODEST; n++) {
        (void)snprintf(whom, sizeof whom, "modest %d", n);
        ask_as(&all[count++], whom, "/x");
    }
    while (count > 0)
        done(&all[--count]);
    done(&refused);
}

static void a_sender_with_too_many_calls_is_told_so_and_nobody_else(void **state)
{
    (void)state;
    struct asked greedy[10], more, other, own[20];
    struct http_request r = request_of("GET", "/x");
    many_connections();
    for (int i = 0; i < 10; i++)
        ask_as(&greedy[i], "greedy", "/x");
    assert_int_equal(ask_for(&more, "greedy", &r), R_LIMIT);
    done(&more);
    ask_as(&other, "other", "/x");
    for (int i = 0; i < 20; i++) /* the caller's own have no share */
        ask(&own[i], "GET", "/x");
    http_call_cancel(greedy[0].call);
    assert_int_equal(ask_for(&more, "greedy", &r), OK);
    http_pool_free(fix->pool);
    fix->pool = NULL;
    for (int i = 0; i < 10; i++)
        done(&greedy[i]);
    for (int i = 0; i < 20; i++)
        done(&own[i]);
    done(&more);
    done(&other);
}

static void senders_that_wait_are_served_in_turn(void **state)
{
    (void)state;
    struct asked full[2 * HTTP_POOL_SHARE], greedy[5], late;
    many_connections();
    for (int i = 0; i < 2 * HTTP_POOL_SHARE; i++) {
        char whom[] = {(char)('a' + i / 2), '\0'};
        ask_as(&full[i], whom, "/full");
    }
    settle();
    assert_int_equal(fix->dials, 2 * HTTP_POOL_SHARE);
    for (int i = 0; i < 5; i++)
        ask_as(&greedy[i], "greedy", "/greedy");
    ask_as(&late, "late", "/late");
    for (unsigned i = 0; i < 2; i++) {
        buf_free(&fix->servers[i].got);
        answer(i, OK2);
        settle();
    }
    expect_request(0, "GET /greedy HTTP/1.1\r\nhost: mp\r\n\r\n");
    expect_request(1, "GET /late HTTP/1.1\r\nhost: mp\r\n\r\n");
    http_pool_free(fix->pool);
    fix->pool = NULL;
    for (int i = 0; i < 2 * HTTP_POOL_SHARE; i++)
        done(&full[i]);
    for (int i = 0; i < 5; i++)
        done(&greedy[i]);
    done(&late);
}

static void one_sender_has_a_share_of_the_websockets(void **state)
{
    (void)state;
    struct asked first, second, other;
    struct http_request r = request_of("GET", "/ws");
    many_connections();
    r.protocol = SLICE("websocket");
    r.has_body = true;
    assert_int_equal(ask_for(&first, "greedy", &r), OK);
    assert_int_equal(ask_for(&second, "greedy", &r), R_LIMIT);
    assert_int_equal(ask_for(&other, "other", &r), OK);
    done(&second);
    http_call_cancel(first.call);
    assert_int_equal(ask_for(&second, "greedy", &r), OK);
    http_call_cancel(second.call);
    http_call_cancel(other.call);
    done(&first);
    done(&second);
    done(&other);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(one_sender_takes_a_server_from_nobody),
        T(however_many_senders_take_what_they_can_one_more_finds_a_place_to_wait),
        T(a_sender_with_too_many_calls_is_told_so_and_nobody_else),
        T(senders_that_wait_are_served_in_turn),
        T(one_sender_has_a_share_of_the_websockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
