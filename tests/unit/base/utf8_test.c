/* SPDX-License-Identifier: Apache-2.0 */
/* Letters of every script are shown; what steers terminals, lines and the direction of text is not. */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/error.h"

static void letters_are_shown(void **state)
{
    static const char *const good[] = {" ",
                                       "~",
                                       "\xc2\xa0",
                                       "\xc3\xa4",
                                       "\xe2\x82\xac",
                                       "\xe6\x97\xa5",
                                       "\xe2\x80\x8d",
                                       "\xed\x9f\xbf",
                                       "\xef\xbf\xbd",
                                       "\xf0\x9f\x98\x80",
                                       "\xf4\x8f\xbf\xbf"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_int_equal(utf8_shown(slice_of(good[i])), strlen(good[i]));
}

static void what_steers_or_hides_is_a_character_and_not_shown(void **state)
{
    static const char *const bad[] = {
        "\x01",         "\n",           "\x1b",         "\x7f",         "\xc2\x80",        "\xc2\x85",
        "\xc2\x9b",     "\xc2\x9f",     "\xd8\x9c",     "\xe2\x80\x8b", "\xe2\x80\x8f",    "\xe2\x80\xa8",
        "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa9", "\xef\xbb\xbf", "\xf3\xa0\x81\x81"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(utf8_shown(slice_of(bad[i])), 0);
        assert_int_equal(utf8_character(slice_of(bad[i])), strlen(bad[i]));
    }
    assert_int_equal(utf8_shown(slice_make("", 1)), 0);
    assert_true(utf8_all_shown(slice_of("")) && utf8_all_shown(slice_of("Ger\xc3\xa4t")));
    assert_false(utf8_all_shown(slice_of("a\xc2\x9b")) || utf8_all_shown(slice_of("a\xff")));
}

static void ill_formed_bytes_are_no_characters(void **state)
{
    static const char *const bad[] = {"",
                                      "\x80",
                                      "\xc1\xbf",
                                      "\xc3",
                                      "\xe2\x82",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xe2\x82 "};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(utf8_character(slice_of(bad[i])), 0);
}

static void escapes_are_cut_between_characters(void **state)
{
    char ret[16];
    (void)state;
    utf8_escape(slice_of("a\xc3\xa4\xff\n"), ret, sizeof ret);
    assert_string_equal(ret, "a\xc3\xa4\\FF\\0A");
    static const char *const cut[] = {"", "a", "a", "a\xc3\xa4", "a\xc3\xa4", "a\xc3\xa4", "a\xc3\xa4\\FF"};
    for (size_t i = 0; i < ARRAY_LEN(cut); i++) {
        utf8_escape(slice_of("a\xc3\xa4\xff\n"), ret, i + 1);
        assert_string_equal(ret, cut[i]);
    }
}

static void a_character_that_was_cut_off_goes(void **state)
{
    static const char *const pairs[][2] = {{"a\xc3", "a"},
                                           {"a\xe2\x82", "a"},
                                           {"\xf0\x9f\x98", ""},
                                           {"\xe2", ""},
                                           {"a\xc3\xa4", "a\xc3\xa4"},
                                           {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
                                           {"", ""},
                                           {"abc", "abc"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        char text[8];
        (void)memcpy(text, pairs[i][0], strlen(pairs[i][0]) + 1);
        utf8_mend_end(text);
        assert_string_equal(text, pairs[i][1]);
    }
    char filler[ERROR_TEXT_MAX];
    memset(filler, 'x', sizeof filler);
    filler[sizeof filler - 2] = '\0';
    struct error err;
    assert_int_equal(error_set(&err, R_INVALID, "%s\xc3\xa4", filler), R_INVALID);
    assert_string_equal(err.text, filler);
    (void)error_set(&err, R_INVALID, "\xc3\xa4");
    assert_int_equal(error_prefix(&err, "%.*s", ERROR_TEXT_MAX - 4, filler), R_INVALID);
    assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_are_shown),
        cmocka_unit_test(what_steers_or_hides_is_a_character_and_not_shown),
        cmocka_unit_test(ill_formed_bytes_are_no_characters),
        cmocka_unit_test(escapes_are_cut_between_characters),
        cmocka_unit_test(a_character_that_was_cut_off_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
