/* SPDX-License-Identifier: Apache-2.0 */
/* How long a session lasts that was stopped. The clock is the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "h2_kit.h"
#include "http/server_face.h"

/* Stopped while a long answer is on its way to who holds its credit back. */
static struct kit *stop_with_answer(struct kit_call *c)
{
    struct kit_options o = {.h2 = kit_h2};
    o.h2.body_ms = 60 * 1000;
    struct kit *k = kit_new(&o);
    kit_call(k, c, NULL, "/bytes/1000000", 0);
    kit_pass(k, 100);
    http_h2_stop(k->server);
    return k;
}

static void answers_that_nobody_takes_keep_a_stopped_session_for_seconds_alone(void **state)
{
    struct kit_call c = {.hold = true};
    struct kit *k = stop_with_answer(&c);
    (void)state;
    kit_pass(k, HTTP_STOPPED_MS - 100);
    assert_false(k->server_closed);
    kit_pass(k, 200);
    assert_true(k->server_closed);
    assert_int_equal(k->server_why.code, R_LIMIT);
    kit_free(k);
}

static void a_reader_that_drips_keeps_a_stopped_session_no_longer(void **state)
{
    struct kit_call c = {.hold = true};
    struct kit *k = stop_with_answer(&c);
    (void)state;
    for (int i = 0; i < 60 && !k->server_closed; i++) {
        size_t n = c.unconsumed < 4000 ? c.unconsumed : 4000;
        c.unconsumed -= n;
        http_call_consumed(c.call, n);
        kit_pass(k, 100);
    }
    assert_true(k->server_closed);
    kit_free(k);
}

static void a_stopped_session_whose_answers_are_taken_ends_at_once(void **state)
{
    struct kit_options o = {.h2 = kit_h2};
    struct kit_call c = {0};
    (void)state;
    struct kit *k = kit_new(&o);
    kit_call(k, &c, NULL, "/bytes/1000000", 0);
    kit_pass(k, 1);
    http_h2_stop(k->server);
    assert_true(kit_run(k, kit_ended, &c, 1000));
    assert_int_equal(c.checked, 1000000);
    kit_pass(k, 100);
    assert_true(k->server_closed || k->client_closed || k->client_drained);
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_that_nobody_takes_keep_a_stopped_session_for_seconds_alone),
        cmocka_unit_test(a_reader_that_drips_keeps_a_stopped_session_no_longer),
        cmocka_unit_test(a_stopped_session_whose_answers_are_taken_ends_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
