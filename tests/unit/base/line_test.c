/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens and passwords of files, as editors and shells leave them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/host/line.h"

typedef enum result take_fn(struct slice text, struct slice *ret, struct error *err);

struct row {
    struct slice text;
    const char *wanted; /* what is taken, or what the refusal says */
};

#define TEXT(literal)                                                                                                  \
    {                                                                                                                  \
        literal, sizeof(literal) - 1                                                                                   \
    }

static void check(take_fn *take, const struct row *rows, size_t count, enum result wanted)
{
    for (size_t i = 0; i < count; i++) {
        struct slice got;
        struct error err;
        assert_int_equal(take(rows[i].text, &got, &err), wanted);
        if (wanted == OK && !slice_eq(got, slice_of(rows[i].wanted)))
            fail_msg("'%.*s' was taken for '%s'", (int)got.len, got.ptr, rows[i].wanted);
        if (wanted != OK && !strstr(err.text, rows[i].wanted))
            fail_msg("'%s' does not say '%s'", err.text, rows[i].wanted);
    }
}

static void a_token_is_taken_without_what_stands_around_it(void **state)
{
    (void)state;
    static const struct row rows[] = {{TEXT("ab.c"), "ab.c"},
                                      {TEXT("ab.c\n"), "ab.c"},
                                      {TEXT("ab.c\r\n"), "ab.c"},
                                      {TEXT("ab.c \t\r\n\r\n\n"), "ab.c"},
                                      {TEXT("\n \r\nab.c"), "ab.c"}};
    check(line_token, rows, ARRAY_LEN(rows), OK);
}

static void why_a_text_is_no_token_is_said(void **state)
{
    (void)state;
    static const struct row rows[] = {{TEXT(""), "empty"},
                                      {TEXT(" \r\n"), "empty"},
                                      {TEXT("\xef\xbb\xbf"
                                            "ab"),
                                       "byte order mark"},
                                      {TEXT("\xff\xfe"
                                            "a\0"),
                                       "UTF-16"},
                                      {TEXT("\xfe\xff"
                                            "\0a"),
                                       "UTF-16"},
                                      {TEXT("a\0b\0"), "zero bytes"},
                                      {TEXT("\"ab\"\n"), "quotes"},
                                      {TEXT("'ab'"), "quotes"},
                                      {TEXT("ab\ncd\n"), "more than one word"},
                                      {TEXT("ab cd"), "more than one word"}};
    check(line_token, rows, ARRAY_LEN(rows), R_INVALID);
}

static void a_password_keeps_its_blanks_and_quotes_and_loses_its_line_end(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {TEXT("a b"), "a b"}, {TEXT(" \"a\" \n"), " \"a\" "}, {TEXT("a\r\n"), "a"}, {TEXT("a\nsecond line\n"), "a"}};
    check(line_password, rows, ARRAY_LEN(rows), OK);
}

static void why_a_text_is_no_password_is_said(void **state)
{
    (void)state;
    static const struct row rows[] = {{TEXT(""), "empty"},
                                      {TEXT("\n"), "empty"},
                                      {TEXT("\r\nab"), "empty"},
                                      {TEXT("\xef\xbb\xbf"
                                            "ab\r\n"),
                                       "byte order mark"},
                                      {TEXT("\xff\xfe"
                                            "a\0\r\0\n\0"),
                                       "UTF-16"},
                                      {TEXT("a\0b"), "zero bytes"}};
    check(line_password, rows, ARRAY_LEN(rows), R_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_taken_without_what_stands_around_it),
        cmocka_unit_test(why_a_text_is_no_token_is_said),
        cmocka_unit_test(a_password_keeps_its_blanks_and_quotes_and_loses_its_line_end),
        cmocka_unit_test(why_a_text_is_no_password_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
