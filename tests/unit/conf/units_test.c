/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, durations and switches as people write them: each unit's factor, the last number that fits, what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/units.h"

typedef bool parser(struct slice text, uint64_t *ret);

struct written {
    const char *text;
    uint64_t value;
};

static void expect_all(parser *parse, const struct written *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t n = 12345;
        if (!parse(slice_of(list[i].text), &n) || n != list[i].value)
            fail_msg("'%s' gives %llu", list[i].text, (unsigned long long)n);
    }
}

/* What was there before stays there. */
static void expect_none(parser *parse, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t n = 12345;
        if (parse(slice_of(list[i]), &n) || n != 12345)
            fail_msg("'%s' gives %llu", list[i], (unsigned long long)n);
    }
}

static void a_size_has_powers_of_1024_behind_it_or_none(void **state)
{
    (void)state;
    static const struct written sizes[] = {{"0", 0},
                                           {"512", 512},
                                           {"7B", 7},
                                           {"1KiB", 1024},
                                           {"64KiB", 65536},
                                           {"30MiB", 31457280},
                                           {"1GiB", 1073741824},
                                           {"0GiB", 0},
                                           {"3 MiB", 3145728},
                                           {"007", 7}};
    expect_all(conf_parse_size, sizes, ARRAY_LEN(sizes));
}

static void the_largest_number_that_fits_is_taken_and_the_next_one_is_not(void **state)
{
    (void)state;
    static const struct written sizes[] = {{"18446744073709551615", UINT64_MAX},
                                           {"18446744073709551615B", UINT64_MAX},
                                           {"18014398509481983KiB", 18014398509481983u * 1024},
                                           {"17179869183GiB", 17179869183u * 1073741824u}};
    static const char *const beyond[] = {"18446744073709551616", "18446744073709551616B", "18014398509481984KiB",
                                         "17592186044416MiB", "17179869184GiB"};
    static const struct written durations[] = {{"213503982334601d", 213503982334601u * 86400u}};
    static const char *const too_long[] = {"213503982334602d", "307445734561825861m", "5124095576030432h"};
    expect_all(conf_parse_size, sizes, ARRAY_LEN(sizes));
    expect_none(conf_parse_size, beyond, ARRAY_LEN(beyond));
    expect_all(conf_parse_duration, durations, ARRAY_LEN(durations));
    expect_none(conf_parse_duration, too_long, ARRAY_LEN(too_long));
}

static void what_is_no_size_leaves_what_was_there(void **state)
{
    (void)state;
    static const char *const none[] = {"",     "KiB",  "B",   "-1",    "+1",   "1.5MiB", "1kib",  "1KB",   "1K",
                                       "1TiB", "1 B ", "1BB", "1KiBB", "0x10", "1e3",    "1MiB1", "1,024", "MiB1"};
    expect_none(conf_parse_size, none, ARRAY_LEN(none));
}

static void a_duration_is_seconds_minutes_hours_or_days(void **state)
{
    (void)state;
    static const struct written durations[] = {{"0", 0},       {"30", 30},    {"30s", 30},      {"5m", 300},
                                               {"24h", 86400}, {"1d", 86400}, {"90d", 7776000}, {"0d", 0}};
    static const char *const none[] = {"",    "s",    "5 weeks", "5w",   "1M",  "1H", "1S",
                                       "5ms", "1h5m", "-5m",     "1.5h", "5mm", "m5", "1y"};
    expect_all(conf_parse_duration, durations, ARRAY_LEN(durations));
    expect_none(conf_parse_duration, none, ARRAY_LEN(none));
}

static void a_size_is_no_duration_and_a_duration_is_no_size(void **state)
{
    (void)state;
    uint64_t n;
    assert_false(conf_parse_size(SLICE("5m"), &n));
    assert_false(conf_parse_size(SLICE("5d"), &n));
    assert_false(conf_parse_duration(SLICE("5MiB"), &n));
    assert_false(conf_parse_duration(SLICE("5B"), &n));
}

static void a_switch_is_one_of_six_words_in_any_case(void **state)
{
    (void)state;
    static const char *const words[][2] = {
        {"true", "false"}, {"yes", "no"}, {"on", "off"}, {"YES", "No"}, {"On", "OFF"}};
    static const char *const none[] = {"", "1", "0", "y", "n", "tru", "truee", "enabled", " yes", "nope"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        bool on = false, off = true;
        assert_true(conf_parse_bool(slice_of(words[i][0]), &on) && on);
        assert_true(conf_parse_bool(slice_of(words[i][1]), &off) && !off);
    }
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        bool on = true, off = false;
        assert_false(conf_parse_bool(slice_of(none[i]), &on));
        assert_false(conf_parse_bool(slice_of(none[i]), &off));
        assert_true(on && !off);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_size_has_powers_of_1024_behind_it_or_none),
        cmocka_unit_test(the_largest_number_that_fits_is_taken_and_the_next_one_is_not),
        cmocka_unit_test(what_is_no_size_leaves_what_was_there),
        cmocka_unit_test(a_duration_is_seconds_minutes_hours_or_days),
        cmocka_unit_test(a_size_is_no_duration_and_a_duration_is_no_size),
        cmocka_unit_test(a_switch_is_one_of_six_words_in_any_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
