/* SPDX-License-Identifier: Apache-2.0 */
/* Columns as a terminal counts them, and lines that fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "term/term.h"

static const struct term utf8 = {.width = 20};
static const struct term ascii = {.width = 20, .ascii = true};

/* What term_wrap writes; to be freed. */
static char *wrap(struct term t, const char *text, size_t column, size_t indent)
{
    char *ret = NULL;
    size_t len;
    t.out = open_memstream(&ret, &len);
    assert_non_null(t.out);
    term_wrap(&t, text, column, indent);
    assert_int_equal(fclose(t.out), 0);
    return ret;
}

static void expect_wrapped(struct term t, const char *text, size_t column, size_t indent, const char *expected)
{
    char *got = wrap(t, text, column, indent);
    assert_string_equal(got, expected);
    free(got);
}

static void a_column_is_what_the_terminal_takes_for_a_character(void **state)
{
    static const struct {
        const char *text;
        size_t columns;
    } cases[] = {
        {"", 0},
        {"gateway", 7},
        {"Gerät", 5},
        {"e\xcc\x81", 1}, /* a combining acute */
        {"東京", 4},
        {"한국어", 6},
        {"ｱ", 1},
        {"Ａ", 2}, /* half and full width */
        {"\xf0\x9f\x94\x92", 2},
        {"Ελλάδα", 6},
        {"שלום", 4},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(term_columns(&utf8, slice_of(cases[i].text)), cases[i].columns);
}

static void what_is_not_shown_takes_the_column_of_its_question_mark(void **state)
{
    (void)state;
    assert_int_equal(term_columns(&utf8, SLICE("a\x1b[31mb")), 7);
    assert_int_equal(term_columns(&utf8, SLICE("\xe2\x80\xae")), 1); /* turns the direction of text */
    assert_int_equal(term_columns(&utf8, SLICE("\xff\xfe")), 2);     /* ill-formed bytes */
}

static void a_terminal_without_utf8_takes_one_column_for_each_character(void **state)
{
    (void)state;
    assert_int_equal(term_columns(&ascii, slice_of("東京")), 2);
    assert_int_equal(term_columns(&ascii, slice_of("Gerät")), 5);
    expect_wrapped(ascii, "Gerät 東京", 0, 0, "Ger?t ??\n");
}

static void a_front_never_takes_half_of_a_wide_character(void **state)
{
    (void)state;
    assert_int_equal(term_front(&utf8, slice_of("東京"), 3).len, strlen("東"));
    assert_int_equal(term_front(&utf8, slice_of("東京"), 4).len, strlen("東京"));
    assert_int_equal(term_front(&utf8, slice_of("東京"), 1).len, 0);
}

static void a_front_keeps_the_mark_that_combines_with_its_last_character(void **state)
{
    (void)state;
    assert_int_equal(term_front(&utf8, SLICE("e\xcc\x81x"), 1).len, 3);
}

static void lines_break_at_blanks_and_go_on_at_the_indent(void **state)
{
    (void)state;
    expect_wrapped(utf8, "one two three four five", 4, 4, "one two three\n    four five\n");
    expect_wrapped(utf8, "short", 0, 4, "short\n");
    expect_wrapped(utf8, "", 0, 4, "\n");
}

static void wide_words_break_by_their_columns(void **state)
{
    (void)state;
    expect_wrapped((struct term){.width = 9}, "東京 大阪 京都", 0, 0, "東京 大阪\n京都\n");
    expect_wrapped((struct term){.width = 8}, "東京 大阪 京都", 0, 0, "東京\n大阪\n京都\n");
}

static void a_word_longer_than_a_line_is_cut_unless_words_stay_whole(void **state)
{
    (void)state;
    expect_wrapped((struct term){.width = 6}, "abcdefgh", 0, 2, "abcdef\n  gh\n");
    expect_wrapped((struct term){.width = 6, .whole = true}, "x abcdefgh y", 0, 2, "x\n  abcdefgh\n  y\n");
}

static void a_line_without_room_still_gets_somewhere(void **state)
{
    (void)state;
    expect_wrapped((struct term){.width = 1}, "東京", 0, 0, "東\n京\n");
}

static void nothing_that_others_wrote_moves_the_cursor(void **state)
{
    (void)state;
    expect_wrapped(utf8, "a\x1b[2Jb\rc", 0, 0, "a?[2Jb?c\n");
}

static void a_file_gets_the_widest_line_and_no_colour(void **state)
{
    struct term t;
    FILE *f = tmpfile();
    (void)state;
    assert_non_null(f);
    term_begin(&t, f, 130);
    assert_int_equal(t.width, 130);
    assert_false(t.live);
    assert_false(t.ascii);
    assert_string_equal(term_on(f, TERM_RED), "");
    assert_string_equal(term_off(f), "");
    (void)fclose(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_column_is_what_the_terminal_takes_for_a_character),
        cmocka_unit_test(what_is_not_shown_takes_the_column_of_its_question_mark),
        cmocka_unit_test(a_terminal_without_utf8_takes_one_column_for_each_character),
        cmocka_unit_test(a_front_never_takes_half_of_a_wide_character),
        cmocka_unit_test(a_front_keeps_the_mark_that_combines_with_its_last_character),
        cmocka_unit_test(lines_break_at_blanks_and_go_on_at_the_indent),
        cmocka_unit_test(wide_words_break_by_their_columns),
        cmocka_unit_test(a_word_longer_than_a_line_is_cut_unless_words_stay_whole),
        cmocka_unit_test(a_line_without_room_still_gets_somewhere),
        cmocka_unit_test(nothing_that_others_wrote_moves_the_cursor),
        cmocka_unit_test(a_file_gets_the_widest_line_and_no_colour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
