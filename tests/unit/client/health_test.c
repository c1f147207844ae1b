/* SPDX-License-Identifier: Apache-2.0 */
/* The order of gateways by how they did. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "client/location/health.h"

enum { NOW = 2000000 };

static void expect_order(const json_t *known, const char *want)
{
    struct client_fqdns g;
    struct error err;
    char got[8] = "";
    assert_int_equal(client_fqdns_parse(SLICE("a;b;c"), &g, &err), OK);
    client_health_sort(known, &g, NOW);
    for (size_t i = 0; i < g.count; i++)
        got[i] = g.items[i].host[0];
    assert_string_equal(got, want);
}

static void note(json_t *known, const char *host, long ms, const char *why, int64_t at)
{
    struct client_fqdns g;
    struct error err;
    assert_int_equal(client_fqdns_parse(slice_of(host), &g, &err), OK);
    client_health_note(known, &g.items[0], ms, why, at);
}

static void without_experience_the_order_that_was_set_holds(void **state)
{
    (void)state;
    json_t *known = json_object();
    expect_order(NULL, "abc");
    expect_order(known, "abc");
    json_decref(known);
}

static void the_faster_comes_first_and_about_equal_ones_stay(void **state)
{
    (void)state;
    json_t *known = json_object();
    note(known, "a", 420, NULL, NOW - 5);
    note(known, "b", 40, NULL, NOW - 5);
    note(known, "c", 20, NULL, NOW - 5);
    expect_order(known, "bca");
    json_decref(known);
}

static void one_that_failed_lately_comes_last_and_gets_another_chance_later(void **state)
{
    (void)state;
    json_t *known = json_object();
    note(known, "a", 0, "connection_refused", NOW - 5);
    note(known, "b", 900, NULL, NOW - 5);
    expect_order(known, "cba");
    note(known, "a", 0, "connection_refused", NOW - CLIENT_HEALTH_FAILED_S - 1);
    expect_order(known, "acb");
    json_decref(known);
}

static void one_slow_answer_alone_moves_nobody_far(void **state)
{
    (void)state;
    json_t *known = json_object();
    for (size_t i = 0; i < 8; i++)
        note(known, "a", 10, NULL, NOW - 9);
    note(known, "a", 150, NULL, NOW - 5);
    note(known, "b", 10, NULL, NOW - 5);
    expect_order(known, "abc");
    json_decref(known);
}

static void what_is_written_there_by_others_does_no_harm(void **state)
{
    (void)state;
    json_t *known = json_pack("{s:i, s:{s:I, s:I}, s:{s:I, s:I}}", "a:443", 7, "b:443", "ms", (json_int_t)INT64_MIN,
                              "at", (json_int_t)NOW, "c:443", "ms", (json_int_t)INT64_MAX, "at", (json_int_t)NOW);
    assert_non_null(known);
    expect_order(known, "abc");
    json_decref(known);
}

static int64_t member(const json_t *known, const char *host, const char *name)
{
    return json_opt_int(json_object_get(known, host), name, -7);
}

static void answers_are_smoothed_and_failures_leave_them(void **state)
{
    (void)state;
    json_t *known = json_object();
    note(known, "a", 100, NULL, 1000);
    assert_int_equal(member(known, "a:443", "ms"), 100);
    note(known, "a", 200, NULL, 1001);
    assert_int_equal(member(known, "a:443", "ms"), 125);
    assert_int_equal(member(known, "a:443", "good"), 1001);
    note(known, "a", 0, "timeout", 1002);
    assert_int_equal(member(known, "a:443", "ms"), 125);
    assert_int_equal(member(known, "a:443", "at"), 1002);
    assert_int_equal(member(known, "a:443", "good"), 1001); /* since then it has not answered */
    note(known, "b", 0, "timeout", 1002);
    assert_int_equal(member(known, "b:443", "good"), 0);
    note(known, "b", 60, NULL, 1003); /* its first answer counts whole */
    assert_int_equal(member(known, "b:443", "ms"), 60);
    json_decref(known);
}

/* A number that no answer can have taken would stay for good, or leave the range of numbers. */
static void an_impossible_time_is_forgotten_with_the_next_answer(void **state)
{
    (void)state;
    static const int64_t bad[] = {INT64_MAX, INT64_MIN, INT64_MAX / 3, -1, INT64_C(1) << 40};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        json_t *known = json_pack("{s:{s:I, s:I}}", "a:443", "ms", (json_int_t)bad[i], "at", (json_int_t)NOW);
        note(known, "a", 40, NULL, NOW);
        assert_int_equal(member(known, "a:443", "ms"), 40);
        json_decref(known);
    }
}

static void gateways_less_than_a_step_apart_keep_their_order(void **state)
{
    (void)state;
    json_t *known = json_object();
    note(known, "a", CLIENT_HEALTH_STEP_MS - 1, NULL, NOW);
    note(known, "b", 0, NULL, NOW);
    note(known, "c", CLIENT_HEALTH_STEP_MS, NULL, NOW);
    expect_order(known, "abc");
    json_t *slower = json_object();
    note(slower, "a", CLIENT_HEALTH_STEP_MS, NULL, NOW);
    note(slower, "b", CLIENT_HEALTH_STEP_MS - 1, NULL, NOW);
    note(slower, "c", 2 * CLIENT_HEALTH_STEP_MS - 1, NULL, NOW);
    expect_order(slower, "bac");
    json_decref(known);
    json_decref(slower);
}

static void what_is_known_ends_at_its_second_and_not_before(void **state)
{
    (void)state;
    json_t *known = json_object();
    note(known, "a", 500, NULL, NOW - CLIENT_HEALTH_KNOWN_S);
    expect_order(known, "bca");
    json_object_clear(known);
    note(known, "a", 500, NULL, NOW - CLIENT_HEALTH_KNOWN_S - 1);
    expect_order(known, "abc");
    note(known, "a", 0, "timeout", NOW - CLIENT_HEALTH_FAILED_S);
    expect_order(known, "bca");
    note(known, "a", 0, "timeout", NOW + 1); /* the clock was set back: nothing is known */
    expect_order(known, "abc");
    note(known, "a", 0, "timeout", INT64_MIN);
    expect_order(known, "abc");
    json_decref(known);
}

static void who_answers_slowly_comes_before_who_failed(void **state)
{
    (void)state;
    json_t *known = json_object();
    note(known, "a", 0, "timeout", NOW);
    note(known, "b", INT32_MAX, NULL, NOW);
    expect_order(known, "cba");
    json_decref(known);
}

static void gateways_of_former_times_are_forgotten(void **state)
{
    (void)state;
    json_t *known = json_object();
    char host[16];
    for (int i = 0; i < 2 * CLIENT_FQDNS_MAX + 1; i++) {
        (void)snprintf(host, sizeof host, "g%d", i);
        note(known, host, 1, NULL, NOW);
    }
    assert_int_equal(json_object_size(known), 2 * CLIENT_FQDNS_MAX + 1);
    note(known, "new", 1, NULL, NOW);
    assert_int_equal(json_object_size(known), 1);
    assert_int_equal(member(known, "new:443", "ms"), 1);
    json_decref(known);
}

static void a_management_point_that_failed_is_known_for_ten_minutes(void **state)
{
    (void)state;
    json_t *known = json_object();
    assert_null(client_health_failed(known, "1", NOW));
    client_health_note_failed(known, "1", "refused: down", NOW);
    assert_string_equal(client_health_failed(known, "1", NOW + CLIENT_HEALTH_FAILED_S), "refused: down");
    assert_null(client_health_failed(known, "1", NOW + CLIENT_HEALTH_FAILED_S + 1));
    assert_null(client_health_failed(known, "1", NOW - 1)); /* the clock was set back */
    assert_null(client_health_failed(known, "2", NOW));
    assert_null(client_health_failed(NULL, "1", NOW));
    for (int i = 0; i < 1000; i++) {
        char role[16];
        (void)snprintf(role, sizeof role, "%d", i);
        client_health_note_failed(known, role, "x", NOW);
    }
    assert_true(json_object_size(known) < 100);
    json_decref(known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_experience_the_order_that_was_set_holds),
        cmocka_unit_test(the_faster_comes_first_and_about_equal_ones_stay),
        cmocka_unit_test(one_that_failed_lately_comes_last_and_gets_another_chance_later),
        cmocka_unit_test(one_slow_answer_alone_moves_nobody_far),
        cmocka_unit_test(a_management_point_that_failed_is_known_for_ten_minutes),
        cmocka_unit_test(what_is_written_there_by_others_does_no_harm),
        cmocka_unit_test(answers_are_smoothed_and_failures_leave_them),
        cmocka_unit_test(an_impossible_time_is_forgotten_with_the_next_answer),
        cmocka_unit_test(gateways_less_than_a_step_apart_keep_their_order),
        cmocka_unit_test(what_is_known_ends_at_its_second_and_not_before),
        cmocka_unit_test(who_answers_slowly_comes_before_who_failed),
        cmocka_unit_test(gateways_of_former_times_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
