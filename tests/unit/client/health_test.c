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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
