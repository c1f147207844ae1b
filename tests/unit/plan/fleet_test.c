/* SPDX-License-Identifier: Apache-2.0 */
/* The fleet's memory of names and inputs, and each input's words with their borders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "kit.h"

struct word {
    enum plan_input in;
    const char *text;
    int value; /* -1: it is none of this input */
};

static void expect_words(const struct word *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned char value = 77;
        bool good = plan_input_parse(words[i].in, slice_of(words[i].text), &value);
        if (good != (words[i].value >= 0) || (good ? value != words[i].value : value != 77))
            fail_msg("%s '%s': %d, %u", plan_input_name(words[i].in), words[i].text, good, value);
    }
}

static void each_input_has_its_own_words(void **state)
{
    (void)state;
    static const struct word words[] = {{PLAN_JOIN, "none", 1},
                                        {PLAN_JOIN, "workgroup", 1},
                                        {PLAN_JOIN, "domain", 2},
                                        {PLAN_JOIN, "hybrid", 3},
                                        {PLAN_JOIN, "entra", 4},
                                        {PLAN_JOIN, "ENTRA", 4},
                                        {PLAN_JOIN, "yes", -1},
                                        {PLAN_JOIN, "pki", -1},
                                        {PLAN_CERTIFICATE, "none", 1},
                                        {PLAN_CERTIFICATE, "no", 1},
                                        {PLAN_CERTIFICATE, "pki", 2},
                                        {PLAN_CERTIFICATE, "yes", 2},
                                        {PLAN_CERTIFICATE, "maybe", -1},
                                        {PLAN_CRL, "internet", 1},
                                        {PLAN_CRL, "ad", 2},
                                        {PLAN_CRL, "internal", 3},
                                        {PLAN_CRL, "none", 4},
                                        {PLAN_CRL, "domain", -1},
                                        {PLAN_SCENARIO, "device", 1},
                                        {PLAN_SCENARIO, "user", 2},
                                        {PLAN_SCENARIO, "users", -1},
                                        {PLAN_ROOT, "no", 1},
                                        {PLAN_ROOT, "yes", 2},
                                        {PLAN_ROOT, "maybe", -1},
                                        {PLAN_SIGN_IN, "yes", 2},
                                        {PLAN_ALLOWED, "no", 1},
                                        {PLAN_ALLOWED, "2", -1}};
    expect_words(words, ARRAY_LEN(words));
}

static void a_version_is_old_up_to_the_last_one_without_tokens(void **state)
{
    (void)state;
    static const struct word words[] = {
        {PLAN_VERSION, "1910", 1},  {PLAN_VERSION, "2001", 1},  {PLAN_VERSION, "2002", 2}, {PLAN_VERSION, "2003", 2},
        {PLAN_VERSION, "2013", -1}, {PLAN_VERSION, "2000", -1}, {PLAN_VERSION, "20", -1},  {PLAN_VERSION, "new", -1}};
    expect_words(words, ARRAY_LEN(words));
}

static void what_people_write_for_nothing_is_unknown_in_every_input(void **state)
{
    (void)state;
    static const char *const nothing[] = {"", " ", "?", "unknown", "UNKNOWN", "n/a", "NA", "null", "-", " ? "};
    static const char *const none[] = {"??", "--", "nil", "unknow", "n"};
    for (unsigned in = 0; in < PLAN_INPUTS; in++) {
        for (size_t i = 0; i < ARRAY_LEN(nothing); i++) {
            unsigned char value = 77;
            if (!plan_input_parse((enum plan_input)in, slice_of(nothing[i]), &value) || value != 0)
                fail_msg("%s '%s': %u", plan_input_name((enum plan_input)in), nothing[i], value);
        }
        for (size_t i = 0; i < ARRAY_LEN(none); i++) {
            unsigned char value;
            if (plan_input_parse((enum plan_input)in, slice_of(none[i]), &value))
                fail_msg("%s '%s': %u", plan_input_name((enum plan_input)in), none[i], value);
        }
    }
}

static void every_input_says_its_name_and_what_it_takes(void **state)
{
    (void)state;
    for (unsigned in = 0; in < PLAN_INPUTS; in++) {
        assert_true(strlen(plan_input_name((enum plan_input)in)) > 2);
        assert_non_null(strstr(plan_input_expected((enum plan_input)in), "unknown"));
        for (unsigned other = 0; other < in; other++)
            assert_string_not_equal(plan_input_name((enum plan_input)in), plan_input_name((enum plan_input)other));
    }
}

static void names_of_many_devices_stay_apart_while_memory_grows(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    struct plan_fleet *f = plan_fleet_new();
    char name[16];
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof name, "d%d", i);
        kit_add(f, name, i % 2 ? "12341212" : "4");
    }
    assert_int_equal(plan_fleet_count(f), MANY);
    for (int i = 0; i < MANY; i++) {
        struct plan_device d;
        plan_fleet_get(f, (size_t)i, &d);
        (void)snprintf(name, sizeof name, "d%d", i);
        assert_true(slice_eq(d.name, slice_of(name)));
        assert_int_equal(d.input[PLAN_CRL], i % 2 ? 4 : 0);
        assert_int_equal(d.input[PLAN_ALLOWED], i % 2 ? 2 : 0);
    }
    assert_int_equal(plan_fleet_repeated(f), 0);
    plan_fleet_free(f);
}

static void a_name_of_255_bytes_is_kept_and_a_longer_one_refused(void **state)
{
    (void)state;
    char longest[PLAN_NAME_MAX + 2];
    memset(longest, 'x', sizeof longest);
    struct plan_fleet *f = plan_fleet_new();
    struct plan_device d = {.name = slice_make(longest, PLAN_NAME_MAX)};
    struct error err;
    for (int i = 0; i < 200; i++) /* more than the first run of bytes */
        assert_int_equal(plan_fleet_add(f, &d, &err), OK);
    d.name.len++;
    assert_int_equal(plan_fleet_add(f, &d, &err), R_LIMIT);
    assert_string_equal(err.text, "the name is longer than 255 bytes");
    assert_int_equal(plan_fleet_count(f), 200);
    plan_fleet_get(f, 199, &d);
    assert_int_equal(d.name.len, PLAN_NAME_MAX);
    assert_int_equal(plan_fleet_repeated(f), 199);
    plan_fleet_free(f);
}

static void what_is_assumed_counts_only_where_nothing_is_known(void **state)
{
    (void)state;
    struct plan_fleet *f = plan_fleet_new();
    struct plan_device d;
    kit_add(f, "known", "1112");
    kit_add(f, "unknown", "1110");
    plan_fleet_assume(f, PLAN_CRL, 4);
    plan_fleet_get(f, 0, &d);
    assert_int_equal(d.input[PLAN_CRL], 2);
    plan_fleet_get(f, 1, &d);
    assert_int_equal(d.input[PLAN_CRL], 4);
    assert_int_equal(d.input[PLAN_SCENARIO], 0);
    plan_fleet_free(f);
}

static void the_first_ten_of_many_are_named_and_all_are_counted(void **state)
{
    (void)state;
    struct plan_names names = {0};
    for (size_t i = 0; i < 25; i++)
        plan_names_add(&names, i * 3);
    assert_int_equal(names.count, 25);
    for (size_t i = 0; i < PLAN_EXAMPLES; i++)
        assert_int_equal(names.index[i], i * 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_input_has_its_own_words),
        cmocka_unit_test(a_version_is_old_up_to_the_last_one_without_tokens),
        cmocka_unit_test(what_people_write_for_nothing_is_unknown_in_every_input),
        cmocka_unit_test(every_input_says_its_name_and_what_it_takes),
        cmocka_unit_test(names_of_many_devices_stay_apart_while_memory_grows),
        cmocka_unit_test(a_name_of_255_bytes_is_kept_and_a_longer_one_refused),
        cmocka_unit_test(what_is_assumed_counts_only_where_nothing_is_known),
        cmocka_unit_test(the_first_ten_of_many_are_named_and_all_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
