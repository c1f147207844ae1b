/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/text/nearest.h"

static const char *of(const char *word)
{
    static const char *const words[] = {"status", "choices", "choices check", "token new", "token list", "get", "set"};
    struct nearest n = nearest_to(slice_of(word));
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        nearest_try(&n, words[i]);
    return n.best;
}

static void a_letter_too_few_too_many_wrong_or_swapped_is_near(void **state)
{
    (void)state;
    assert_string_equal(of("statu"), "status");
    assert_string_equal(of("statuss"), "status");
    assert_string_equal(of("stetus"), "status");
    assert_string_equal(of("sttaus"), "status");
    assert_string_equal(of("STATUS"), "status");
    assert_string_equal(of("choices chek"), "choices check");
    assert_string_equal(of("token nwe"), "token new");
    assert_string_equal(of("stat"), "status"); /* goes on with it */
    assert_string_equal(of("gte"), "get");
}

static void what_is_far_is_not_guessed(void **state)
{
    (void)state;
    char text[64] = "x";
    assert_null(of(""));
    assert_null(of("go"));
    assert_null(of("foo"));
    assert_null(of("nothing of the kind"));
    assert_null(of("statusstatusstatusstatusstatusstatusstatusstatusstatusstatus"));
    struct nearest none = nearest_to(SLICE("foo"));
    assert_string_equal(nearest_text(&none, "cmg ", text, sizeof text), "");
}

static void the_nearest_is_named_and_the_first_of_equals(void **state)
{
    (void)state;
    char text[64];
    struct nearest n = nearest_to(SLICE("lisd"));
    nearest_try(&n, "line");
    nearest_try(&n, "list");
    nearest_try(&n, "lisp");
    assert_string_equal(n.best, "list");
    assert_string_equal(nearest_text(&n, "token ", text, sizeof text), "; did you mean 'token list'?");
    assert_string_equal(nearest_text(&n, "--", text, 12), "; did you m");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_letter_too_few_too_many_wrong_or_swapped_is_near),
        cmocka_unit_test(what_is_far_is_not_guessed),
        cmocka_unit_test(the_nearest_is_named_and_the_first_of_equals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
