/* SPDX-License-Identifier: Apache-2.0 */
/* Forms and percent-encoding. */
#include "cmocka_first.h"

#include "mp/server/form.h"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new(64 * 1024);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void a_value_is_decoded(void **state)
{
    (void)state;
    struct slice value;
    assert_int_equal(mp_form_get(SLICE("a=1&grant_type=urn%3Aietf%3a+x&b="), "grant_type", arena, &value, NULL), OK);
    assert_true(slice_eq(value, SLICE("urn:ietf: x")));
    assert_int_equal(mp_form_get(SLICE("a=1&b="), "b", arena, &value, NULL), OK);
    assert_non_null(value.ptr);
    assert_int_equal(value.len, 0);
}

static void an_absent_name_is_no_error(void **state)
{
    (void)state;
    struct slice value;
    assert_int_equal(mp_form_get(SLICE("aa=1"), "a", arena, &value, NULL), OK);
    assert_null(value.ptr);
    assert_int_equal(mp_form_get(SLICE_NONE, "a", arena, &value, NULL), OK);
    assert_null(value.ptr);
}

static void a_name_that_occurs_twice_is_refused_however_it_is_spelled(void **state)
{
    (void)state;
    struct slice value;
    assert_int_equal(mp_form_get(SLICE("a=1&a=2"), "a", arena, &value, NULL), R_INVALID);
    assert_int_equal(mp_form_get(SLICE("a=1&%61=2"), "a", arena, &value, NULL), R_INVALID);
}

static void malformed_escapes_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"%", "%4", "%zz", "a%", "%00", "%-1"};
    struct slice value;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(mp_percent_decode(slice_of(bad[i]), false, arena, &value, NULL), R_INVALID);
}

static void a_plus_is_a_blank_in_forms_alone(void **state)
{
    (void)state;
    struct slice value;
    assert_int_equal(mp_percent_decode(SLICE("a+b%2B"), false, arena, &value, NULL), OK);
    assert_true(slice_eq(value, SLICE("a+b+")));
    assert_int_equal(mp_percent_decode(SLICE("a+b%2B"), true, arena, &value, NULL), OK);
    assert_true(slice_eq(value, SLICE("a b+")));
}

static void text_over_the_arena_is_refused(void **state)
{
    (void)state;
    struct arena *small = arena_new(64);
    char text[128];
    struct slice value;
    memset(text, 'a', sizeof text);
    assert_int_equal(mp_percent_decode(slice_make(text, sizeof text), false, small, &value, NULL), R_LIMIT);
    arena_free(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_decoded),
        cmocka_unit_test(an_absent_name_is_no_error),
        cmocka_unit_test(a_name_that_occurs_twice_is_refused_however_it_is_spelled),
        cmocka_unit_test(malformed_escapes_are_refused),
        cmocka_unit_test(a_plus_is_a_blank_in_forms_alone),
        cmocka_unit_test(text_over_the_arena_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
