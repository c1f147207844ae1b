/* SPDX-License-Identifier: Apache-2.0 */
/* What a join tells: each line at once to people, all of them as one object to programs. */
#include "kit.h"

#include <stdlib.h>
#include <string.h>

static json_t *printed_object(void)
{
    char *text = kit_printed();
    json_t *o = json_loads(text, 0, NULL);
    if (!o)
        fail_msg("no JSON: %s", text);
    free(text);
    return o;
}

static void people_see_each_line_as_it_comes(void **state)
{
    struct join_report r;
    (void)state;
    kit_print_here(1);
    join_report_start(&r, "cmg-test", false);
    join_did(&r, "Made %s", "it");
    join_todo(&r, "do %d", 2);
    char *text = kit_printed();
    assert_string_equal(text, "Made it\nNext: do 2\n");
    assert_int_equal(join_ended(&r, NULL), 0);
    free(text);
}

static void programs_see_one_object_at_the_end_and_nothing_before(void **state)
{
    struct join_report r;
    (void)state;
    kit_print_here(1);
    join_report_start(&r, "cmg-test", true);
    join_did(&r, "Made it");
    join_did(&r, "Kept it");
    join_todo(&r, "start it");
    assert_int_equal(join_ended(&r, json_pack("{s:s}", "site", "LAB")), 0);
    json_t *o = printed_object(), *done = json_object_get(o, "done"), *todo = json_object_get(o, "todo");
    assert_true(json_is_true(json_object_get(o, "ok")));
    assert_string_equal(json_opt_str(o, "site", ""), "LAB");
    assert_int_equal(json_array_size(done), 2);
    assert_string_equal(json_string_value(json_array_get(done, 0)), "Made it");
    assert_int_equal(json_array_size(todo), 1);
    assert_string_equal(json_string_value(json_array_get(todo, 0)), "start it");
    json_decref(o);
}

static void an_end_without_facts_is_an_object_too(void **state)
{
    struct join_report r;
    (void)state;
    kit_print_here(1);
    join_report_start(&r, "cmg-test", true);
    assert_int_equal(join_ended(&r, NULL), 0);
    json_t *o = printed_object();
    assert_true(json_is_true(json_object_get(o, "ok")));
    assert_int_equal(json_array_size(json_object_get(o, "done")), 0);
    json_decref(o);
}

static void a_failure_tells_programs_what_was_done_before_it(void **state)
{
    struct join_report r;
    struct error err;
    (void)state;
    kit_print_here(1);
    join_report_start(&r, "cmg-test", true);
    join_did(&r, "Made it");
    (void)error_set(&err, R_CONFLICT, "it is there");
    assert_int_equal(join_failed(&r, &err, "move it"), JOIN_EXIT_FAILED);
    json_t *o = printed_object();
    assert_true(json_is_false(json_object_get(o, "ok")));
    assert_true(json_is_null(json_object_get(o, "code")));
    assert_string_equal(json_opt_str(o, "reason", ""), result_name(R_CONFLICT));
    assert_string_equal(json_opt_str(o, "detail", ""), "it is there");
    assert_string_equal(json_opt_str(o, "remedy", ""), "move it");
    assert_int_equal(json_array_size(json_object_get(o, "done")), 1);
    json_decref(o);
}

static void assert_remedy(const char *own, const char *usual, const char *expected)
{
    struct join_report r;
    struct error err;
    char line[600];
    join_report_start(&r, "cmg-test", false);
    (void)error_set(&err, R_DENIED, "no");
    if (own)
        error_remedy(&err, own);
    kit_print_here(2);
    assert_int_equal(join_failed(&r, &err, usual), JOIN_EXIT_FAILED);
    char *text = kit_printed();
    (void)snprintf(line, sizeof line, "cmg-test: no\nWhat to do: %s\n", expected);
    assert_string_equal(text, line);
    free(text);
}

static void the_nearest_word_of_what_helps_is_said(void **state)
{
    (void)state;
    assert_remedy("its own", "the command's", "its own");
    assert_remedy(NULL, "the command's", "the command's");
    assert_remedy(NULL, NULL, result_remedy(R_DENIED));
}

static void what_is_not_utf8_leaves_an_object_that_can_be_read(void **state)
{
    struct join_report r;
    struct error err;
    (void)state;
    kit_print_here(1);
    join_report_start(&r, "cmg-test", true);
    join_did(&r, "Wrote /tmp/\xff");
    (void)error_set(&err, R_IO, "/tmp/\xff is full");
    (void)join_failed(&r, &err, NULL);
    json_t *o = printed_object();
    assert_int_equal(json_array_size(json_object_get(o, "done")), 1);
    assert_true(json_is_string(json_object_get(o, "detail")));
    json_decref(o);
}

/* A path has up to 4096 octets, and a command names two. */
static void a_line_with_long_paths_is_whole(void **state)
{
    struct kit *k = *state;
    char *path = mem_zalloc(4096);
    for (size_t i = 0; i + 2 < 4096; i += 2)
        memcpy(path + i, "\xc3\xa4", 2);
    join_todo(&k->report, "write into %s: bootstrap: %s", path, path);
    const char *line = kit_todo(k);
    assert_int_equal(strlen(line), strlen("write into : bootstrap: ") + 2 * strlen(path));
    join_did(&k->report, "Wrote %s", path);
    assert_int_equal(strlen(kit_did(k)), strlen("Wrote ") + strlen(path));
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_see_each_line_as_it_comes),
        cmocka_unit_test(programs_see_one_object_at_the_end_and_nothing_before),
        cmocka_unit_test(an_end_without_facts_is_an_object_too),
        cmocka_unit_test(a_failure_tells_programs_what_was_done_before_it),
        cmocka_unit_test(the_nearest_word_of_what_helps_is_said),
        cmocka_unit_test(what_is_not_utf8_leaves_an_object_that_can_be_read),
        TEST(a_line_with_long_paths_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
