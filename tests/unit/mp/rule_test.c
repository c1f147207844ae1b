/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of collections: what they take, and which devices meet them. */
#include "cmocka_first.h"

#include "mp/targeting/rule.h"

static const struct store_device device = {
    .name = "FINANCE-9", .vouched_name = "LAB-042", .method = "token", .client_version = 2203, .entra_device = ""};

static bool holds(const char *rule)
{
    struct error err;
    assert_int_equal(mp_rule_check(slice_of(rule), &err), OK);
    return mp_rule_holds(slice_of(rule), &device);
}

static void a_pattern_stands_for_any_text_and_ignores_case(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool want;
    } cases[] = {{"lab-*", "LAB-042", true},
                 {"*", "", true},
                 {"", "", true},
                 {"?", "", false},
                 {"l*-*2", "LAB-042", true},
                 {"LAB", "LAB-042", false},
                 {"*a*b*", "xaxxb", true},
                 {"*a*b", "xaxxbc", false},
                 {"??B-04?", "LAB-042", true},
                 {"lab-042*", "LAB-042", true}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(mp_rule_glob(slice_of(cases[i].pattern), slice_of(cases[i].text)), cases[i].want);
}

static void a_pattern_of_many_stars_takes_no_long_time(void **state)
{
    char text[128];
    (void)state;
    memset(text, 'a', sizeof text);
    assert_false(mp_rule_glob(SLICE("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b"), slice_make(text, sizeof text)));
}

static void every_condition_of_a_rule_must_hold(void **state)
{
    (void)state;
    assert_true(holds("name=lab-*"));
    assert_true(holds(" name = lab-* , method = TOKEN,version>=2203 ,join=none"));
    assert_false(holds("name=lab-*,method=pki"));
    assert_true(holds("method!=pki,version<5.00.9999"));
    assert_true(holds("version<=2203"));
    assert_false(holds("version<2203"));
    assert_false(holds("version>2203"));
    assert_true(holds("version!=2002"));
    assert_false(holds("join=entra"));
}

static void a_name_that_the_device_alone_tells_meets_no_condition(void **state)
{
    struct store_device unknown = device;
    (void)state;
    unknown.vouched_name = "";
    assert_false(holds("name=FINANCE-*"));
    assert_false(mp_rule_holds(SLICE("name=FINANCE-*"), &unknown));
    assert_false(mp_rule_holds(SLICE("name!=FINANCE-*"), &unknown));
    assert_false(mp_rule_holds(SLICE("name!=LAB-*,method=token"), &unknown));
    assert_true(mp_rule_holds(SLICE("name=*"), &unknown)); /* asks for none */
    assert_true(mp_rule_holds(SLICE("method=token"), &unknown));
}

static void what_is_no_rule_is_refused_and_holds_for_nobody(void **state)
{
    static const char *const cases[] = {"",
                                        "name",
                                        "name=",
                                        "colour=red",
                                        "name>lab",
                                        "version=new",
                                        "method=x",
                                        "join=workgroup",
                                        "name=a,,join=none",
                                        ",",
                                        "=",
                                        "name=a\nb",
                                        "!name=a",
                                        "version==2002"};
    struct error err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(mp_rule_check(slice_of(cases[i]), &err), R_INVALID);
        if (!strchr(cases[i], '\n'))
            assert_false(mp_rule_holds(slice_of(cases[i]), &device));
    }
}

static void a_collection_takes_the_devices_of_any_rule(void **state)
{
    (void)state;
    assert_true(mp_rules_hold("name=x-*\nmethod=token", &device));
    assert_false(mp_rules_hold("name=x-*\nmethod=pki", &device));
    assert_false(mp_rules_hold("", &device));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_stands_for_any_text_and_ignores_case),
        cmocka_unit_test(a_pattern_of_many_stars_takes_no_long_time),
        cmocka_unit_test(every_condition_of_a_rule_must_hold),
        cmocka_unit_test(a_name_that_the_device_alone_tells_meets_no_condition),
        cmocka_unit_test(what_is_no_rule_is_refused_and_holds_for_nobody),
        cmocka_unit_test(a_collection_takes_the_devices_of_any_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
