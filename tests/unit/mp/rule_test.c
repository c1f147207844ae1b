/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of collections: what they take, and which devices meet them. */
#include "cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>

#include "mp/targeting/fact.h"
#include "mp/targeting/rule.h"

static const struct store_device device = {
    .name = "FINANCE-9", .vouched_name = "LAB-042", .method = "token", .client_version = 2203, .entra_device = ""};

static const struct store_device told = {
    .name = "",
    .vouched_name = "",
    .method = "token",
    .entra_device = "",
    .facts = "os.name=Debian GNU/Linux\nos.version=12.5\ndisk.free=4\nsystem.memory=8589934592\ntpm.present=no\n"
             "certificate.ends=2027-01-31\nscript.rack=b7\nscript.x.n=10\n"};

static void facts_are_compared_by_their_kind_and_unknown_ones_meet_nothing(void **state)
{
    static const struct {
        const char *rule;
        bool want;
    } cases[] = {{"os.version<13", true},
                 {"os.version<12.10", true},
                 {"os.version>12", true},
                 {"os.version=12.5", true},
                 {"OS.Version=12.5", true},
                 {"os.version<=12.4", false},
                 {"os.name=debian*", true},
                 {"os.name!=debian*", false},
                 {"disk.free<5%", true},
                 {"disk.free<4", false},
                 {"system.memory>=8GiB", true},
                 {"system.memory<8GiB", false},
                 {"tpm.present=no", true},
                 {"tpm.present!=yes", true},
                 {"certificate.ends<2027-02-01", true},
                 {"certificate.ends>2027-01-31", false},
                 {"script.rack=b*", true},
                 {"script.x.n>9", true},
                 {"script.x.n<10", false},
                 {"script.none=1", false},
                 {"script.none!=1", false},
                 {"tpm.version>1", false},
                 {"tpm.version!=1", false},
                 {"os.version<13,disk.free<5%", true},
                 {"os.version<13,disk.free<4%", false}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error err;
        assert_int_equal(mp_rule_check(slice_of(cases[i].rule), &err), OK);
        if (mp_rule_holds(slice_of(cases[i].rule), &told) != cases[i].want)
            fail_msg("%s", cases[i].rule);
    }
}

static void lines_are_of_checked_facts_and_bounded(void **state)
{
    char want[] = "os.name=a\ndisk.free=4\ntpm.present=yes\nscript.k.v=1\n";
    json_t *facts = json_pack("{s:{s:s}, s:{s:{s:i}, s:{s:i}}, s:{s:b}, s:{s:{s:i, s:s}, s:s}}", "os", "name",
                              "a\nos.version=99", "disk", "/", "free", 40, "/var", "free", 4, "tpm", "present", 1,
                              "script", "k", "v", 1, "bad name", "x", "a=b", "y");
    char *lines = mp_fact_lines(facts);
    (void)state;
    assert_string_equal(lines, want);
    free(lines);
    json_t *many = json_object(), *said = json_object();
    for (int i = 0; i < 1000; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "n%d", i);
        (void)json_object_set_new(said, name, json_string("value"));
    }
    (void)json_object_set_new(many, "script", json_pack("{s:o}", "s", said));
    lines = mp_fact_lines(many);
    assert_true(strlen(lines) <= MP_FACTS_MAX && lines[strlen(lines) - 1] == '\n');
    free(lines);
    json_decref(many);
    json_decref(facts);
}

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
        cmocka_unit_test(facts_are_compared_by_their_kind_and_unknown_ones_meet_nothing),
        cmocka_unit_test(lines_are_of_checked_facts_and_bounded),
        cmocka_unit_test(a_pattern_stands_for_any_text_and_ignores_case),
        cmocka_unit_test(a_pattern_of_many_stars_takes_no_long_time),
        cmocka_unit_test(every_condition_of_a_rule_must_hold),
        cmocka_unit_test(a_name_that_the_device_alone_tells_meets_no_condition),
        cmocka_unit_test(what_is_no_rule_is_refused_and_holds_for_nobody),
        cmocka_unit_test(a_collection_takes_the_devices_of_any_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
