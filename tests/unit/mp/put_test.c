/* SPDX-License-Identifier: Apache-2.0 */
/* Text that is no UTF-8, in what is made for others: it is left out, and the rest is told. */
#include "cmocka_first.h"

#include "mp/put.h"

static const char half_a_letter[] = "caf\xc3";

static void a_text_that_is_not_utf_8_is_null_in_an_object_and_the_rest_stays(void **state)
{
    (void)state;
    json_t *o = json_object();
    mp_put(o, "before", json_string("a"));
    mp_put(o, "name", json_string(half_a_letter));
    mp_put(o, "after", json_string("b"));
    char *text = json_dumps(o, JSON_COMPACT);
    assert_string_equal(text, "{\"before\":\"a\",\"name\":null,\"after\":\"b\"}");
    free(text);
    json_decref(o);
}

static void a_row_that_holds_such_a_text_is_null_in_a_list_and_keeps_its_place(void **state)
{
    (void)state;
    json_t *list = json_array();
    mp_push(list, json_pack("{s:s}", "name", "a"));
    mp_push(list, json_pack("{s:s}", "name", half_a_letter));
    mp_push(list, json_pack("{s:s}", "name", "b"));
    assert_int_equal(json_array_size(list), 3);
    assert_true(json_is_null(json_array_get(list, 1)));
    json_decref(list);
}

static void what_goes_into_a_row_that_could_not_be_made_goes_with_it(void **state)
{
    (void)state;
    json_t *row = json_pack("{s:s}", "name", half_a_letter), *list = json_array();
    assert_null(row);
    mp_put(row, "more", json_string("a"));
    mp_push(row, json_string("a"));
    mp_push(list, row);
    assert_true(json_is_null(json_array_get(list, 0)));
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_that_is_not_utf_8_is_null_in_an_object_and_the_rest_stays),
        cmocka_unit_test(a_row_that_holds_such_a_text_is_null_in_a_list_and_keeps_its_place),
        cmocka_unit_test(what_goes_into_a_row_that_could_not_be_made_goes_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
