/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "json/json.h"

static json_t *parsed(const char *text)
{
    json_t *value;
    struct error err = {0};
    if (json_parse(slice_of(text), 4096, &value, &err) != OK)
        fail_msg("%s", err.text);
    return value;
}

static void a_document_is_parsed_and_written_back(void **state UNUSED)
{
    json_t *o = parsed(" {\"a\": [1, true, null, \"\\u00e9\"]}\n");
    char *text = json_text(o);
    assert_string_equal(text, "{\"a\":[1,true,null,\"\xc3\xa9\"]}");
    free(text);
    json_decref(o);
}

static void malformed_documents_are_refused(void **state UNUSED)
{
    const struct slice bad[] = {SLICE(""),
                                SLICE(" "),
                                SLICE("{"),
                                SLICE("{}x"),
                                SLICE("{} {}"),
                                SLICE("{\"a\":1,\"a\":2}"),
                                SLICE("{\"a\":1,\"\\u0061\":2}"),
                                SLICE("{\"a\":\"\\u0000\"}"),
                                SLICE("{\"\\u0000\":1}"),
                                SLICE("{\"a\":\"\0\"}"),
                                SLICE("{}\0"),
                                SLICE("[\"\xff\"]"),
                                SLICE("[\"\xed\xa0\x80\"]"),
                                SLICE("['a']"),
                                SLICE("[1,]"),
                                SLICE("[01]"),
                                SLICE("[NaN]"),
                                SLICE("[1e999]"),
                                SLICE("[99999999999999999999]"),
                                SLICE("//c\n[]"),
                                SLICE("\xef\xbb\xbf[]"),
                                SLICE("[\"a\nb\"]"),
                                SLICE("[\"\\ud800\"]")};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        json_t *value;
        struct error err = {0};
        if (json_parse(bad[i], 4096, &value, &err) != R_INVALID)
            fail_msg("case %zu was not refused", i);
        assert_null(value);
        assert_non_null(strstr(err.text, "line"));
    }
    json_t *none;
    assert_int_equal(json_parse(SLICE_NONE, 10, &none, NULL), R_INVALID);
}

static void errors_say_where_and_keep_secrets(void **state UNUSED)
{
    json_t *value;
    struct error err = {0};
    assert_int_equal(json_parse(SLICE("{\n  \"token\": hunter2\n}"), 100, &value, &err), R_INVALID);
    assert_non_null(strstr(err.text, "line 2"));
    assert_null(strstr(err.text, "hunter2"));
}

static char *nested(size_t depth)
{
    char *text = mem_zalloc(2 * depth + 1);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    return text;
}

static void depth_and_size_have_maxima(void **state UNUSED)
{
    json_t *value;
    char *fits = nested(JSON_DEPTH_MAX), *deeper = nested(JSON_DEPTH_MAX + 1), *abyss = nested(100000);
    assert_int_equal(json_parse(slice_of(fits), 4096, &value, NULL), OK);
    json_decref(value);
    assert_int_equal(json_parse(slice_of(deeper), 4096, &value, NULL), R_LIMIT);
    assert_int_equal(json_parse(slice_of(abyss), 1000000, &value, NULL), R_INVALID);
    assert_int_equal(json_parse(SLICE("[1,2]"), 4, &value, NULL), R_LIMIT);
    assert_int_equal(json_parse(SLICE("[1,2]"), 5, &value, NULL), OK);
    json_decref(value);
    /* the depth of members counts like that of elements */
    char objects[8 * 40 + 1] = "";
    for (size_t i = 0; i < 40; i++)
        memcpy(objects + 5 * i, "{\"a\":", 5);
    memcpy(objects + 200, "1}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}", 42);
    assert_int_equal(json_parse(slice_of(objects), 4096, &value, NULL), R_LIMIT);
    free(fits);
    free(deeper);
    free(abyss);
}

static void a_document_cut_anywhere_is_refused(void **state UNUSED)
{
    static const char whole[] = "{\"a\":[1,2.5,{\"b\":\"\\u00e9x\"}],\"c\":null}";
    for (size_t len = 0; len + 1 < sizeof whole; len++) {
        char *exact = mem_zalloc(len ? len : 1);
        json_t *value;
        memcpy(exact, whole, len);
        assert_int_equal(json_parse(slice_make(exact, len), 4096, &value, NULL), R_INVALID);
        free(exact);
    }
}

static void needed_members_are_named_when_missing_or_wrong(void **state UNUSED)
{
    json_t *o = parsed("{\"s\":\"x\",\"i\":-5,\"a\":[],\"o\":{},\"r\":1.0}"), *value;
    const char *text;
    int64_t number;
    struct error err = {0};
    assert_int_equal(json_need_str(o, "s", &text, &err), OK);
    assert_string_equal(text, "x");
    assert_int_equal(json_need_int(o, "i", &number, &err), OK);
    assert_int_equal(number, -5);
    assert_int_equal(json_need_array(o, "a", &value, &err), OK);
    assert_int_equal(json_need_object(o, "o", &value, &err), OK);
    assert_int_equal(json_need_str(o, "x", &text, &err), R_INVALID);
    assert_string_equal(err.text, "member 'x' is missing");
    assert_int_equal(json_need_str(o, "i", &text, &err), R_INVALID);
    assert_string_equal(err.text, "member 'i' must be a string");
    assert_int_equal(json_need_int(o, "r", &number, &err), R_INVALID);
    assert_int_equal(json_need_array(o, "o", &value, &err), R_INVALID);
    assert_int_equal(json_need_object(o, "a", &value, &err), R_INVALID);
    assert_int_equal(json_need_str(NULL, "s", &text, &err), R_INVALID);
    assert_null(text);
    json_decref(o);
}

static void optional_members_have_fallbacks(void **state UNUSED)
{
    json_t *o = parsed("{\"s\":\"x\",\"i\":5,\"t\":true,\"f\":false,\"n\":null}");
    assert_string_equal(json_opt_str(o, "s", "d"), "x");
    assert_string_equal(json_opt_str(o, "n", "d"), "d");
    assert_null(json_opt_str(o, "z", NULL));
    assert_int_equal(json_opt_int(o, "i", 1), 5);
    assert_int_equal(json_opt_int(o, "s", 1), 1);
    assert_true(json_opt_bool(o, "t", false));
    assert_false(json_opt_bool(o, "f", true));
    assert_true(json_opt_bool(o, "i", true));
    json_decref(o);
}

static void an_array_has_its_strings_alone(void **state UNUSED)
{
    json_t *a = parsed("[\"pki\",5,\"token\"]");
    assert_true(json_array_has(a, SLICE("pki")));
    assert_true(json_array_has(a, SLICE("token")));
    assert_false(json_array_has(a, SLICE("5")));
    assert_false(json_array_has(a, SLICE("pk")));
    assert_false(json_array_has(NULL, SLICE("pki")));
    json_decref(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_is_parsed_and_written_back),
        cmocka_unit_test(malformed_documents_are_refused),
        cmocka_unit_test(errors_say_where_and_keep_secrets),
        cmocka_unit_test(depth_and_size_have_maxima),
        cmocka_unit_test(a_document_cut_anywhere_is_refused),
        cmocka_unit_test(needed_members_are_named_when_missing_or_wrong),
        cmocka_unit_test(optional_members_have_fallbacks),
        cmocka_unit_test(an_array_has_its_strings_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
