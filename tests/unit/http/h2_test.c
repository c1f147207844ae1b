/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2 from end to end: what a handler and a caller see of each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "h2_kit.h"
#include "h2_raw.h"

static struct kit *plain(void)
{
    struct kit_options o = {.h2 = kit_h2};
    return kit_new(&o);
}

static void an_upload_comes_back_unchanged(void **state)
{
    struct kit *k = plain();
    struct kit_call c = {0};
    (void)state;
    kit_call(k, &c, NULL, "/echo", 300000);
    assert_true(kit_run(k, kit_done, &c, 5000));
    assert_true(c.ended);
    assert_int_equal(c.status, 200);
    assert_int_equal(c.received, 300000);
    assert_int_equal(c.checked, 300000);
    kit_free(k);
}

static void fields_pass_in_order_and_byte_for_byte(void **state)
{
    struct kit *k = plain();
    struct kit_call c = {0};
    struct http_field list[] = {
        {SLICE("x-b"), SLICE("1")},      {SLICE("x-a"), SLICE("Zwei\xc3\xa9 \"q\"")},
        {SLICE("x-b"), SLICE("3")},      {SLICE("cookie"), SLICE("a=1")},
        {SLICE("x-empty"), SLICE("")},   {SLICE("cookie"), SLICE("b=2")},
        {SLICE("cookie"), SLICE("")},    {SLICE("connection"), SLICE("close")},
        {SLICE("host"), SLICE("other")}, {SLICE("te"), SLICE("trailers")},
    };
    struct http_fields fields = {list, ARRAY_LEN(list), ARRAY_LEN(list)};
    struct error err;
    (void)state;
    assert_int_equal(kit_try(k, &c, "PATCH-ME", "/fields?x=%2f", 0, &fields, false, &err), OK);
    assert_true(kit_run(k, kit_ended, &c, 5000));
    assert_string_equal(c.body, "PATCH-ME test.example /fields?x=%2f\nx-b=1\nx-a=Zwei\xc3\xa9 \"q\"\nx-b=3\n"
                                "cookie=a=1; b=2\nx-empty=\nte=trailers\n");
    kit_free(k);
}

static void an_interim_answer_and_trailers_arrive(void **state)
{
    struct kit *k = plain();
    struct kit_call c = {0};
    (void)state;
    kit_call(k, &c, NULL, "/trailers", 0);
    assert_true(kit_run(k, kit_ended, &c, 5000));
    assert_int_equal(c.informs, 1);
    assert_string_equal(c.body, "body");
    assert_string_equal(c.trailer, "x-sum=42\n");
    kit_free(k);
}

static void a_head_answer_keeps_its_length_and_gets_a_date(void **state)
{
    struct kit *k = plain();
    struct kit_call c = {0};
    (void)state;
    kit_call(k, &c, "HEAD", "/head", 0);
    assert_true(kit_run(k, kit_ended, &c, 5000));
    assert_int_equal(c.received, 0);
    assert_non_null(strstr(c.head, "content-length=5\n"));
    assert_non_null(strstr(c.head, "date="));
    kit_free(k);
}

static void an_early_answer_ends_the_upload_and_is_a_success(void **state)
{
    struct kit *k = plain();
    struct kit_call c = {0}, next = {0};
    (void)state;
    kit_call(k, &c, NULL, "/early", 100 * 1000 * 1000);
    assert_true(kit_run(k, kit_done, &c, 5000));
    assert_true(c.ended);
    assert_int_equal(c.status, 413);
    assert_string_equal(c.body, "too much");
    assert_true(c.sent < 1000000);
    kit_call(k, &next, NULL, "/echo", 100);
    assert_true(kit_run(k, kit_ended, &next, 5000));
    kit_pass(k, 10);
    assert_int_equal(http_h2_streams(k->client), 0);
    assert_int_equal(http_h2_streams(k->server), 0);
    kit_free(k);
}

static void a_reset_in_the_middle_is_seen_as_truncated(void **state)
{
    struct kit *k = plain();
    struct kit_call c = {0};
    (void)state;
    kit_call(k, &c, NULL, "/reset", 0);
    assert_true(kit_run(k, kit_done, &c, 5000));
    assert_true(c.failed);
    assert_int_equal(c.failure.kind, HTTP_FAIL_TRUNCATED);
    assert_true(c.failure.answered);
    assert_false(c.failure.unsent);
    assert_non_null(strstr(c.failure.error.text, "INTERNAL_ERROR"));
    kit_free(k);
}

static void a_head_that_is_too_long_is_answered(void **state)
{
    struct kit *k = plain();
    struct kit_call longer = {0}, target = {0}, after = {0};
    char *value = mem_zalloc(HTTP_HEAD_MAX + 1), *path = mem_zalloc(HTTP_TARGET_MAX + 2);
    struct http_field list[] = {{SLICE("x-long"), {value, HTTP_HEAD_MAX}}};
    struct http_fields fields = {list, 1, 1};
    struct error err;
    (void)state;
    memset(value, 'v', HTTP_HEAD_MAX);
    memset(path, 'p', HTTP_TARGET_MAX + 1);
    path[0] = '/';
    assert_int_equal(kit_try(k, &longer, "GET", "/echo", 0, &fields, false, &err), OK);
    assert_int_equal(kit_try(k, &target, "GET", path, 0, NULL, false, &err), OK);
    kit_call(k, &after, NULL, "/echo", 10);
    assert_true(kit_run(k, kit_ended, &after, 5000));
    assert_true(kit_run(k, kit_ended, &longer, 5000));
    assert_true(kit_run(k, kit_ended, &target, 5000));
    assert_int_equal(longer.status, 431);
    assert_int_equal(target.status, 414);
    assert_int_equal(k->requests, 1);
    free(value);
    free(path);
    kit_free(k);
}

static void as_many_fields_pass_as_are_allowed_and_no_more(void **state)
{
    struct kit *k = plain();
    struct kit_call some = {0}, many = {0};
    struct http_field list[HTTP_FIELDS_MAX + 1];
    struct error err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(list); i++)
        list[i] = (struct http_field){SLICE("x-f"), SLICE("v")};
    struct http_fields fields = {list, HTTP_FIELDS_MAX, HTTP_FIELDS_MAX};
    assert_int_equal(kit_try(k, &some, "GET", "/fields", 0, &fields, false, &err), OK);
    fields.count++;
    assert_int_equal(kit_try(k, &many, "GET", "/fields", 0, &fields, false, &err), OK);
    assert_true(kit_run(k, kit_ended, &some, 5000) && kit_run(k, kit_ended, &many, 5000));
    assert_int_equal(some.status, 200);
    assert_int_equal(many.status, 431);
    kit_free(k);
}

static void calls_over_the_maximum_are_refused_at_once(void **state)
{
    struct kit_options o = {.h2 = kit_h2};
    struct kit_call c[4] = {0}, extra = {0}, again = {0};
    struct error err;
    (void)state;
    o.h2.max_streams = 4;
    struct kit *k = kit_new(&o);
    for (size_t i = 0; i < 4; i++)
        kit_call(k, &c[i], NULL, "/park", 0);
    assert_int_equal(kit_try(k, &extra, "GET", "/park", 0, NULL, false, &err), R_LIMIT);
    kit_pass(k, 20);
    http_call_cancel(c[0].call);
    kit_pass(k, 20);
    kit_call(k, &again, NULL, "/echo", 1);
    assert_true(kit_run(k, kit_ended, &again, 5000));
    assert_int_equal(k->aborts, 1);
    kit_free(k);
}

static void a_call_cancelled_before_it_left_leaves_no_trace(void **state)
{
    struct kit *k = plain();
    struct kit_call c = {0}, next = {0};
    (void)state;
    kit_pass(k, 10);
    kit_call(k, &c, NULL, "/park", 1000);
    http_call_cancel(c.call);
    kit_call(k, &next, NULL, "/echo", 10);
    assert_true(kit_run(k, kit_ended, &next, 5000));
    assert_int_equal(k->requests, 1);
    kit_pass(k, 10);
    assert_int_equal(http_h2_streams(k->client), 0);
    kit_free(k);
}

static bool client_gone(void *arg)
{
    return ((struct kit *)arg)->client_closed;
}

static bool both_closed(void *arg)
{
    return ((struct kit *)arg)->client_closed && ((struct kit *)arg)->server_closed;
}

static void a_drained_server_ends_what_it_has_and_takes_no_more(void **state)
{
    struct kit *k = plain();
    struct kit_call c = {0}, late = {0};
    struct error err;
    (void)state;
    assert_int_equal(kit_try(k, &c, "POST", "/echo", 0, NULL, true, &err), OK);
    kit_pass(k, 10);
    http_h2_drain(k->server);
    kit_pass(k, 20);
    assert_true(k->client_drained);
    assert_int_equal(kit_try(k, &late, "GET", "/echo", 0, NULL, false, &err), R_LIMIT);
    http_call_write(c.call, SLICE("still here"));
    c.unreported += 10;
    http_call_finish(c.call);
    assert_true(kit_run(k, kit_ended, &c, 5000));
    assert_string_equal(c.body, "still here");
    assert_true(kit_run(k, both_closed, k, 5000));
    assert_int_equal(k->client_why.code, R_EOF);
    assert_int_equal(k->server_why.code, R_EOF);
    kit_free(k);
}

/* The session is done when the last frame is written; the line still has most of it to take. */
static void a_drained_server_loses_nothing_of_a_large_answer(void **state)
{
    struct kit_options o = {.h2 = kit_h2, .capacity = 16 * 1024};
    struct kit *k = kit_new(&o);
    struct kit_call c = {0};
    (void)state;
    kit_call(k, &c, NULL, "/bytes/200000", 0);
    kit_pass(k, 1);
    http_h2_drain(k->server);
    net_stream_pause(k->client_stream); /* it reads later */
    kit_pass(k, 50);
    net_stream_resume(k->client_stream);
    assert_true(kit_run(k, kit_done, &c, 5000));
    assert_true(c.ended);
    assert_int_equal(c.checked, 200000);
    assert_true(kit_run(k, both_closed, k, 5000));
    kit_free(k);
}

static void a_drained_client_ends_what_it_has(void **state)
{
    struct kit *k = plain();
    struct kit_call c = {0};
    (void)state;
    kit_call(k, &c, NULL, "/echo", 200000);
    http_h2_drain(k->client);
    assert_true(http_h2_draining(k->client));
    assert_true(kit_run(k, kit_ended, &c, 5000));
    assert_int_equal(c.checked, 200000);
    assert_true(kit_run(k, both_closed, k, 5000));
    assert_true(k->server_drained);
    kit_free(k);
}

static void an_idle_session_is_closed(void **state)
{
    struct kit_options o = {.h2 = kit_h2};
    struct kit_call c = {0};
    (void)state;
    o.h2.idle_ms = 100;
    struct kit *k = kit_new(&o);
    kit_call(k, &c, NULL, "/park", 0);
    kit_pass(k, 300);
    assert_false(k->client_closed);
    http_call_cancel(c.call);
    assert_true(kit_run(k, both_closed, k, 1000));
    kit_free(k);
}

static void a_silent_peer_is_found_by_pings(void **state)
{
    struct kit_options o = {.h2 = kit_h2, .no_server = true};
    struct kit_call c = {0};
    struct raw r = {0};
    (void)state;
    o.h2.ping_ms = 50;
    o.h2.ping_timeout_ms = 100;
    struct kit *k = kit_new(&o);
    raw_start(&r, k->server_stream, false);
    kit_call(k, &c, NULL, "/park", 0);
    kit_pass(k, 300);
    assert_false(k->client_closed);
    assert_true(r.frames[NGHTTP2_PING] >= 2);
    r.deaf = true; /* the peer hangs */
    assert_true(kit_run(k, client_gone, k, 1000));
    assert_int_equal(k->client_why.code, R_TIMEOUT);
    assert_true(c.failed);
    assert_int_equal(c.failure.kind, HTTP_FAIL_TIMEOUT);
    raw_stop(&r);
    kit_free(k);
}

static void an_upload_that_stops_is_aborted(void **state)
{
    struct kit_options o = {.h2 = kit_h2};
    struct kit_call c = {0}, parked = {0};
    struct error err;
    (void)state;
    o.h2.body_ms = 100;
    struct kit *k = kit_new(&o);
    kit_call(k, &parked, NULL, "/park", 0);
    assert_int_equal(kit_try(k, &c, "POST", "/sink", 0, NULL, true, &err), OK);
    assert_true(kit_run(k, kit_done, &c, 1000));
    assert_true(c.failed);
    assert_int_equal(k->aborts, 1);
    kit_pass(k, 300);
    assert_false(kit_done(&parked)); /* it waits for an answer, not for a body */
    kit_free(k);
}

static void a_broken_connection_fails_every_call(void **state)
{
    struct kit *k = plain();
    struct kit_call c[3] = {0};
    (void)state;
    for (size_t i = 0; i < 3; i++)
        kit_call(k, &c[i], NULL, "/park", 0);
    kit_pass(k, 10);
    loopback_break(k->client_stream);
    for (size_t i = 0; i < 3; i++) {
        assert_true(kit_run(k, kit_done, &c[i], 1000));
        assert_true(c[i].failed);
        assert_int_equal(c[i].failure.kind, HTTP_FAIL_TRUNCATED);
        assert_false(c[i].failure.unsent);
    }
    assert_true(kit_run(k, both_closed, k, 1000));
    assert_int_equal(k->aborts, 3);
    kit_free(k);
}

static struct kit *offering_websocket(void)
{
    struct kit_options o = {.h2 = kit_h2};
    o.h2.websocket = true;
    o.h2.body_ms = 100;
    struct kit *k = kit_new(&o);
    kit_pass(k, 10); /* the settings arrive */
    return k;
}

/* RFC 8441 5 */
static void a_websocket_goes_both_ways_and_may_be_silent(void **state)
{
    struct kit *k = offering_websocket();
    struct kit_call c = {0};
    struct error err;
    (void)state;
    assert_int_equal(kit_websocket(k, &c, "/echo", &err), OK);
    kit_pass(k, 300); /* longer than an upload may be */
    assert_int_equal(c.status, 101);
    c.unreported = strlen("over and out");
    http_call_write(c.call, SLICE("over"));
    kit_pass(k, 300);
    assert_string_equal(c.body, "over");
    assert_false(kit_done(&c));
    http_call_write(c.call, SLICE(" and out"));
    http_call_finish(c.call);
    assert_true(kit_run(k, kit_ended, &c, 1000));
    assert_string_equal(c.body, "over and out");
    kit_free(k);
}

static void a_websocket_that_is_refused_is_an_ordinary_answer(void **state)
{
    struct kit *k = offering_websocket();
    struct kit_call c = {0}, parked = {0};
    struct error err;
    (void)state;
    assert_int_equal(kit_websocket(k, &c, "/nothing/here", &err), OK);
    assert_true(kit_run(k, kit_ended, &c, 1000));
    assert_int_equal(c.status, 404);
    assert_int_equal(kit_websocket(k, &parked, "/park", &err), OK);
    kit_pass(k, 300);
    assert_false(kit_done(&parked)); /* it waits for the answer, and nobody for a body */
    kit_free(k);
}

static void a_peer_that_offers_no_websocket_is_asked_for_none(void **state)
{
    struct kit *k = plain();
    struct kit_call c = {0};
    struct error err;
    (void)state;
    kit_pass(k, 10);
    assert_int_equal(kit_websocket(k, &c, "/echo", &err), R_DENIED);
    assert_int_equal(k->requests, 0);
    kit_free(k);
}

static void many_small_requests_share_writes(void **state)
{
    struct kit *k = plain();
    struct kit_call c[200] = {0};
    (void)state;
    kit_pass(k, 10);
    uint64_t before = loopback_writes(k->client_stream);
    for (size_t i = 0; i < ARRAY_LEN(c); i++)
        kit_call(k, &c[i], "HEAD", "/head", 0);
    for (size_t i = 0; i < ARRAY_LEN(c); i++)
        assert_true(kit_run(k, kit_ended, &c[i], 5000));
    assert_true(loopback_writes(k->client_stream) - before <= 3);
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_upload_comes_back_unchanged),
        cmocka_unit_test(fields_pass_in_order_and_byte_for_byte),
        cmocka_unit_test(an_interim_answer_and_trailers_arrive),
        cmocka_unit_test(a_head_answer_keeps_its_length_and_gets_a_date),
        cmocka_unit_test(an_early_answer_ends_the_upload_and_is_a_success),
        cmocka_unit_test(a_reset_in_the_middle_is_seen_as_truncated),
        cmocka_unit_test(a_head_that_is_too_long_is_answered),
        cmocka_unit_test(as_many_fields_pass_as_are_allowed_and_no_more),
        cmocka_unit_test(calls_over_the_maximum_are_refused_at_once),
        cmocka_unit_test(a_call_cancelled_before_it_left_leaves_no_trace),
        cmocka_unit_test(a_drained_server_ends_what_it_has_and_takes_no_more),
        cmocka_unit_test(a_drained_server_loses_nothing_of_a_large_answer),
        cmocka_unit_test(a_drained_client_ends_what_it_has),
        cmocka_unit_test(an_idle_session_is_closed),
        cmocka_unit_test(a_silent_peer_is_found_by_pings),
        cmocka_unit_test(an_upload_that_stops_is_aborted),
        cmocka_unit_test(a_broken_connection_fails_every_call),
        cmocka_unit_test(a_websocket_goes_both_ways_and_may_be_silent),
        cmocka_unit_test(a_websocket_that_is_refused_is_an_ordinary_answer),
        cmocka_unit_test(a_peer_that_offers_no_websocket_is_asked_for_none),
        cmocka_unit_test(many_small_requests_share_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
