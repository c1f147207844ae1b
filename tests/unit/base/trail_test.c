/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of recent requests: strangers displace neither failures nor what went well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/host/trail.h"

static void note(enum trail_share share, const char *id, const char *what)
{
    trail_note(share, id, &(struct trail_step){.what = what, .reason = "expired", .client = "pc1", .status = 403});
}

static void flood(enum trail_share share, int times)
{
    for (int i = 0; i < times; i++) {
        char id[GUID_SIZE];
        (void)snprintf(id, sizeof id, "flood-%d", i);
        note(share, id, "refused");
    }
}

static void what_was_done_with_a_request_is_found_by_its_id(void **state)
{
    (void)state;
    struct trail_kept found[TRAIL_FOUND_MAX];
    note(TRAIL_FAILED, "a", "upstream failed");
    note(TRAIL_WELL, "b", "relayed");
    assert_int_equal(trail_find("a", found), 1);
    assert_string_equal(found[0].step.what, "upstream failed");
    assert_string_equal(found[0].step.client, "pc1");
    assert_string_equal(found[0].step.detail, "");
    assert_true(found[0].at_ms > 0 && found[0].step.status == 403);
    assert_int_equal(trail_find("nobody", found), 0);
    note(TRAIL_WELL, "", "relayed");
    assert_int_equal(trail_find("", found), 0);
}

static void strangers_displace_neither_failures_nor_what_went_well(void **state)
{
    (void)state;
    struct trail_kept found[TRAIL_FOUND_MAX];
    note(TRAIL_STRANGERS, "stranger", "refused");
    note(TRAIL_FAILED, "failed", "refused");
    note(TRAIL_WELL, "well", "relayed");
    flood(TRAIL_STRANGERS, 10 * TRAIL_FAILED_MAX);
    assert_int_equal(trail_find("stranger", found), 0);
    assert_int_equal(trail_find("failed", found), 1);
    flood(TRAIL_FAILED, TRAIL_FAILED_MAX);
    assert_int_equal(trail_find("failed", found), 0);
    assert_int_equal(trail_find("well", found), 1);
}

static void note_of(const char *client, const char *id)
{
    trail_note(TRAIL_FAILED, id, &(struct trail_step){.what = "refused", .client = client});
}

static void one_client_displaces_no_other_s(void **state)
{
    (void)state;
    struct trail_kept found[TRAIL_FOUND_MAX];
    char id[GUID_SIZE];
    note_of("modest", "modest");
    for (int i = 0; i < 3 * TRAIL_FAILED_MAX; i++) {
        (void)snprintf(id, sizeof id, "greedy-%d", i);
        note_of("greedy", id);
    }
    assert_int_equal(trail_find("modest", found), 1);
    assert_int_equal(trail_find("greedy-0", found), 0);
    for (int i = 3 * TRAIL_FAILED_MAX - TRAIL_FAILED_MAX / TRAIL_PART; i < 3 * TRAIL_FAILED_MAX; i++) {
        (void)snprintf(id, sizeof id, "greedy-%d", i);
        assert_int_equal(trail_find(id, found), 1);
    }
}

static void a_request_that_is_noted_again_and_again_is_told_to_a_bound(void **state)
{
    (void)state;
    struct trail_kept found[TRAIL_FOUND_MAX];
    for (int i = 0; i < 3 * TRAIL_FOUND_MAX; i++)
        note(TRAIL_FAILED, "again", "refused");
    assert_int_equal(trail_find("again", found), TRAIL_FOUND_MAX);
}

static void texts_that_are_too_long_are_cut(void **state)
{
    (void)state;
    struct trail_kept found[TRAIL_FOUND_MAX];
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    trail_note(TRAIL_FAILED, text, &(struct trail_step){.what = "refused", .detail = text});
    text[GUID_SIZE - 1] = '\0';
    assert_int_equal(trail_find(text, found), 1);
    assert_int_equal(strlen(found[0].step.detail), sizeof found[0].detail - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_done_with_a_request_is_found_by_its_id),
        cmocka_unit_test(strangers_displace_neither_failures_nor_what_went_well),
        cmocka_unit_test(one_client_displaces_no_other_s),
        cmocka_unit_test(a_request_that_is_noted_again_and_again_is_told_to_a_bound),
        cmocka_unit_test(texts_that_are_too_long_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
