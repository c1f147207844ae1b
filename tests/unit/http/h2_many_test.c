/* SPDX-License-Identifier: Apache-2.0 */
/* A session that carries what many asked for: what one of them takes back or breaks ends nothing of the others'. That
 * of one alone ends over it: h2_hostile_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/attr.h"
#include "h2_kit.h"
#include "h2_raw.h"

static bool gone(void *arg)
{
    const struct kit *k = arg;
    return k->server_closed || k->client_closed;
}

static void end(struct kit *k, struct raw *r)
{
    raw_stop(r);
    assert_true(kit_run(k, gone, k, 1000));
    kit_free(k);
}

/* --- our server --- */

static struct kit *server_with(struct raw *r)
{
    struct kit_options o = {.h2 = kit_h2, .no_client = true};
    o.h2.max_streams = 100;
    struct kit *k = kit_new(&o);
    raw_start(r, k->client_stream, true);
    kit_pass(k, 10);
    return k;
}

static void ask(struct raw *r, int32_t id)
{
    raw_get(r, id, NGHTTP2_FLAG_END_STREAM, "/park");
}

static void ask_and_take_back(struct raw *r, int32_t id)
{
    ask(r, id);
    raw_u32(r, NGHTTP2_RST_STREAM, id, NGHTTP2_CANCEL);
}

/* The server resets it, for a fault of the peer's. */
static void ask_and_break(struct raw *r, int32_t id)
{
    ask(r, id);
    raw_u32(r, NGHTTP2_WINDOW_UPDATE, id, 0x7fffffff);
}

static void repeat(struct kit *k, struct raw *r, void (*step)(struct raw *r, int32_t id), int times)
{
    for (int i = 1; i <= times; i++) {
        step(r, 2 * i + 1);
        if (i % 64 == 0)
            kit_pass(k, 1);
    }
    kit_pass(k, 10);
}

/* A tunnel, or a connector's connection to a management point. */
static void what_one_of_many_takes_back_or_breaks_ends_nothing_of_the_others(void **state)
{
    static void (*const steps[])(struct raw * r, int32_t id) = {ask_and_take_back, ask_and_break};
    (void)state;
    for (size_t n = 0; n < ARRAY_LEN(steps); n++) {
        struct raw r = {0};
        struct kit *k = server_with(&r);
        http_h2_for_many(k->server);
        ask(&r, 1);
        repeat(k, &r, steps[n], 1500);
        assert_false(k->server_closed);
        assert_int_equal(http_h2_streams(k->server), 1);
        end(k, &r);
    }
}

static void tunnels_are_for_many(void **state)
{
    (void)state;
    assert_true(http_h2_tunnel_options.for_many);
}

/* What broke is an answer from further inside. */
static void break_inside(struct kit *k, struct http_exchange *x)
{
    const struct http_response head = {.status = 200, .content_length = -1};
    (void)k;
    http_exchange_respond(x, &head, false);
    x->broken_inside = true;
    http_exchange_reset(x);
}

static void answers_that_broke_inside_are_not_held_against_who_asked(void **state)
{
    enum { TIMES = 700 };
    struct raw r = {0};
    struct kit *k = server_with(&r);
    (void)state;
    k->handler = break_inside;
    repeat(k, &r, ask, TIMES);
    assert_false(k->server_closed);
    assert_int_equal(r.frames[NGHTTP2_RST_STREAM], TIMES);
    assert_int_equal(r.reset_code, NGHTTP2_PROTOCOL_ERROR);
    end(k, &r);
}

/* --- our client --- */

/* Each was asked for, by whoever it was: there are no more of them than calls. */
static void broken_answers_without_end_fail_their_calls_alone(void **state)
{
    enum { TIMES = 700 };
    static const char *const broken[] = {":status", "200", "connection", "close", NULL};
    struct kit_options o = {.h2 = kit_h2, .no_server = true};
    struct raw r = {0};
    struct kit_call parked = {0};
    (void)state;
    struct kit *k = kit_new(&o);
    raw_start(&r, k->server_stream, false);
    kit_pass(k, 10);
    kit_call(k, &parked, NULL, "/", 0);
    kit_pass(k, 5);
    for (int i = 1; i <= TIMES; i++) {
        struct kit_call c = {0};
        kit_call(k, &c, NULL, "/", 0);
        kit_pass(k, 1);
        raw_headers(&r, 2 * i + 1, NGHTTP2_FLAG_END_STREAM, broken);
        assert_true(kit_run(k, kit_done, &c, 1000) && c.failed);
    }
    assert_false(k->client_closed || kit_done(&parked));
    end(k, &r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_one_of_many_takes_back_or_breaks_ends_nothing_of_the_others),
        cmocka_unit_test(tunnels_are_for_many),
        cmocka_unit_test(answers_that_broke_inside_are_not_held_against_who_asked),
        cmocka_unit_test(broken_answers_without_end_fail_their_calls_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
