/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/ascii.h"
#include "base/text/name.h"
#include "base/text/percent.h"

static void classes_hold_ascii_alone(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        bool digit = c >= '0' && c <= '9', small = c >= 'a' && c <= 'z', capital = c >= 'A' && c <= 'Z';
        assert_int_equal(ascii_is_digit((char)c), digit);
        assert_int_equal(ascii_is_letter((char)c), small || capital);
        assert_int_equal(ascii_is_alnum((char)c), digit || small || capital);
        assert_int_equal((unsigned char)ascii_lower((char)c), capital ? c + 32 : c);
    }
}

static void a_nul_is_none_of_the_marks(void **state)
{
    (void)state;
    assert_false(ascii_is_alnum_or('\0', "-_"));
    assert_true(ascii_all_alnum_or(SLICE("a-1_"), "-_"));
    assert_false(ascii_all_alnum_or(SLICE("a\0"), "-_"));
    assert_true(ascii_all_alnum_or(SLICE_NONE, ""));
}

static void names_are_of_their_alphabets(void **state)
{
    (void)state;
    assert_true(name_valid(NAME_SITE, SLICE("LAB1")));
    assert_false(name_valid(NAME_SITE, SLICE("Lab")));
    assert_true(name_valid(NAME_MEMBER, SLICE("gw-1")));
    assert_false(name_valid(NAME_MEMBER, SLICE("Gw1")));
    assert_false(name_valid(NAME_MEMBER, SLICE("gw\0")));
    assert_true(name_valid(NAME_ROLE, SLICE("A.b_c-9")));
    assert_false(name_valid(NAME_ROLE, SLICE("a/b")));
    assert_true(name_valid(NAME_ENDPOINT, SLICE("72057594037927938.ccm_sts")));
    assert_false(name_valid(NAME_ENDPOINT, SLICE("a b")));
}

static void names_have_a_longest(void **state)
{
    static const size_t most[] = {[NAME_SITE] = 8, [NAME_MEMBER] = 40, [NAME_ROLE] = 40, [NAME_ENDPOINT] = 64};
    (void)state;
    char text[80];
    memset(text, '7', sizeof text);
    for (enum name_kind k = NAME_SITE; k <= NAME_ENDPOINT; k++) {
        assert_false(name_valid(k, SLICE("")));
        assert_true(name_valid(k, slice_make(text, most[k])));
        assert_false(name_valid(k, slice_make(text, most[k] + 1)));
    }
}

static void every_byte_comes_back_from_its_escape(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char byte = (char)c, text[PERCENT_MAX];
        size_t len = percent_encode(slice_make(&byte, 1), PERCENT_UNRESERVED, text);
        assert_int_equal(len, ascii_is_alnum_or(byte, "-._~") ? 1 : 3);
        struct slice rest = slice_make(text, len);
        unsigned char back;
        assert_true(percent_take(&rest, &back));
        assert_int_equal(back, c);
        assert_int_equal(rest.len, 0);
    }
}

static void a_percent_sign_that_escapes_nothing_is_not_taken(void **state)
{
    static const struct slice broken[] = {{"%", 1}, {"%4", 2}, {"%4g", 3}, {"%%41", 4}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        struct slice rest = broken[i];
        unsigned char octet;
        assert_false(percent_take(&rest, &octet));
        assert_int_equal(rest.len, broken[i].len);
    }
}

static void escapes_are_of_capitals_and_read_in_both(void **state)
{
    (void)state;
    char text[PERCENT_MAX];
    assert_int_equal(percent_encode(SLICE("/"), PERCENT_FORM, text), 3);
    assert_memory_equal(text, "%2F", 3);
    struct slice rest = SLICE("%2f%2F");
    unsigned char octet;
    assert_true(percent_take(&rest, &octet) && octet == '/');
    assert_true(percent_take(&rest, &octet) && octet == '/');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_hold_ascii_alone),
        cmocka_unit_test(a_nul_is_none_of_the_marks),
        cmocka_unit_test(names_are_of_their_alphabets),
        cmocka_unit_test(names_have_a_longest),
        cmocka_unit_test(every_byte_comes_back_from_its_escape),
        cmocka_unit_test(a_percent_sign_that_escapes_nothing_is_not_taken),
        cmocka_unit_test(escapes_are_of_capitals_and_read_in_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
