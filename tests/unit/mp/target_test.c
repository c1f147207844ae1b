/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a policy reaches. */
#include "cmocka_first.h"

#include "mp/targeting/target.h"

static void each_target_reaches_whom_it_names(void **state)
{
    static const struct {
        const char *users, *collections, *user;
        bool reaches;
        const char *why;
    } cases[] = {
        {"", "", NULL, true, "it is for every device"},
        {"", "lab", NULL, true, "collection lab has the device"},
        {"", "shop\nlab", NULL, true, "collection lab has the device"},
        {"", "shop", NULL, false, "the device is in none of its collections: shop"},
        {"", "la\nlab2\nLAB", NULL, false, "the device is in none of its collections: la,lab2,LAB"},
        {"*", "", "ada", true, "it is for every device"},
        {"*", "shop", "ada", false, "the device is in none of its collections: shop"},
        {"ada", "lab", "Ada", true, "collection lab has the device"},
        {"ada", "lab", "bob", false, "it is of other users"},
        {"ada", "lab", NULL, false, "it is of users who sign in there, not of the device"},
        {"", "lab", "ada", false, "it is the device's, not a user's"},
    };
    json_t *has = json_pack("[s, s]", "office", "lab");
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char why[MP_TARGET_WHY_SIZE] = "";
        struct store_policy p = {.users = cases[i].users, .collections = cases[i].collections};
        assert_int_equal(mp_target_reaches(&p, has, cases[i].user, why), cases[i].reaches);
        assert_string_equal(why, cases[i].why);
    }
    json_decref(has);
}

/* It goes into JSON, which knows no half letters. */
static void a_list_that_is_too_long_is_cut_between_letters(void **state)
{
    char collections[400] = "a", why[MP_TARGET_WHY_SIZE];
    struct store_policy p = {.users = "", .collections = collections};
    json_t *has = json_array();
    (void)state;
    for (size_t i = 1; i + 2 < sizeof collections; i += 2)
        memcpy(collections + i, "\xc3\xa4", 2);
    for (size_t begin = 0; begin < 2; begin++) {
        p.collections = collections + begin;
        assert_false(mp_target_reaches(&p, has, NULL, why));
        json_t *text = json_string(why);
        assert_non_null(text);
        json_decref(text);
    }
    json_decref(has);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_target_reaches_whom_it_names),
                                       cmocka_unit_test(a_list_that_is_too_long_is_cut_between_letters)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
