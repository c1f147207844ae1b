/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "facts/facts.h"

static json_t *parsed(const char *text)
{
    json_t *value;
    struct error err = {0};
    if (json_parse(slice_of(text), 4096, &value, &err) != OK)
        fail_msg("%s", err.text);
    return value;
}

/* RFC 7396, appendix A, as far as facts go. */
static void a_change_is_the_merge_patch_that_leads_from_one_to_the_other(void **state UNUSED)
{
    static const struct {
        const char *before, *now, *change;
    } cases[] = {
        {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"a\":\"b\",\"b\":\"c\"}", "{\"b\":\"c\"}"},
        {"{\"a\":\"b\"}", "{}", "{\"a\":null}"},
        {"{\"a\":\"b\",\"b\":\"c\"}", "{\"b\":\"c\"}", "{\"a\":null}"},
        {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\"}}", "{\"a\":{\"b\":\"d\"}}"},
        {"{\"a\":{\"b\":\"c\",\"d\":1}}", "{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"d\":null}}"},
        {"{\"a\":\"b\"}", "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1}}"},
        {"{\"a\":{\"b\":1}}", "{\"a\":{}}", "{\"a\":{\"b\":null}}"},
        {"{\"a\":1}", "{\"a\":1}", "{}"},
        {"{}", "{\"a\":{\"bb\":{\"c\":\"d\"}}}", "{\"a\":{\"bb\":{\"c\":\"d\"}}}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *before = parsed(cases[i].before), *now = parsed(cases[i].now);
        json_t *change = facts_change(before, now), *made = facts_apply(before, change);
        char *text = facts_text(change);
        assert_string_equal(text, cases[i].change);
        assert_true(json_equal(made, now));
        free(text);
        json_decref(made);
        json_decref(change);
        json_decref(now);
        json_decref(before);
    }
}

static void what_is_applied_to_leaves_it_as_it_was(void **state UNUSED)
{
    json_t *before = parsed("{\"a\":{\"b\":1}}"), *change = parsed("{\"a\":{\"b\":null,\"c\":{\"d\":null}}}");
    json_t *made = facts_apply(before, change);
    char *text = facts_text(before), *other = facts_text(made);
    assert_string_equal(text, "{\"a\":{\"b\":1}}");
    assert_string_equal(other, "{\"a\":{\"c\":{}}}");
    free(text);
    free(other);
    json_decref(made);
    json_decref(change);
    json_decref(before);
}

static void the_fingerprint_is_of_what_they_say_and_not_of_how_they_are_written(void **state UNUSED)
{
    json_t *one = parsed("{\"b\":{\"x\":\"\\u00e9\"},\"a\":{}}"),
           *other = parsed(" {\"a\":{}, \"b\":{\"x\":\"\xc3\xa9\"}}");
    char left[DIGEST_HEX], right[DIGEST_HEX];
    char *first = facts_text(one), *second = facts_text(other);
    facts_fingerprint(first, left);
    facts_fingerprint(second, right);
    free(first);
    free(second);
    assert_string_equal(left, right);
    json_decref(one);
    json_decref(other);
}

static void what_is_no_fact_is_refused(void **state UNUSED)
{
    static const char *const good[] = {"{}", "{\"os\":{\"version\":\"13\",\"n\":1,\"t\":true,\"l\":[\"a\"],\"o\":{}}}"};
    static const char *const bad[] = {"[]",
                                      "{\"os\":1}",
                                      "{\"os\":{\"v\":null}}",
                                      "{\"os\":{\"v\":1.5}}",
                                      "{\"os\":{\"v\":[1]}}",
                                      "{\"os\":{\"v\":[[\"a\"]]}}",
                                      "{\"os\":{\"\":1}}",
                                      "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{}}}}}}"};
    struct error err;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        json_t *facts = parsed(good[i]);
        assert_int_equal(facts_check(facts, NULL, &err), OK);
        json_decref(facts);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        json_t *facts = parsed(bad[i]);
        assert_int_not_equal(facts_check(facts, NULL, &err), OK);
        json_decref(facts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_is_the_merge_patch_that_leads_from_one_to_the_other),
        cmocka_unit_test(what_is_applied_to_leaves_it_as_it_was),
        cmocka_unit_test(the_fingerprint_is_of_what_they_say_and_not_of_how_they_are_written),
        cmocka_unit_test(what_is_no_fact_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
