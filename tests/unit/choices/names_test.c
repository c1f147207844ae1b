/* SPDX-License-Identifier: Apache-2.0 */
/* Names and versions of the choices: synonyms, builds, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "choices/choices.h"

static void every_name_is_parsed_back_to_its_value(void **state)
{
    (void)state;
#define BACK(word, type, last)                                                                                         \
    for (unsigned v = 0; v <= (last); v++) {                                                                           \
        type got;                                                                                                      \
        assert_true(choices_##word##_parse(slice_of(choices_##word##_name((type)v)), &got));                           \
        assert_int_equal(got, v);                                                                                      \
    }
    BACK(mp, enum choice_mp, CHOICE_MP_EHTTP)
    BACK(client, enum choice_client, CHOICE_TOKEN)
    BACK(cert, enum choice_cert, CHOICE_CERT_INTERNAL)
    BACK(join, enum choice_join, CHOICE_JOIN_ENTRA)
    BACK(scenario, enum choice_scenario, CHOICE_USER)
    BACK(crl, enum choice_crl, CHOICE_CRL_NONE)
    BACK(tri, enum choice_tri, CHOICE_YES)
}

static void synonyms_are_taken_and_case_is_ignored(void **state)
{
    (void)state;
    enum choice_join join;
    assert_true(choices_join_parse(SLICE("Workgroup"), &join) && join == CHOICE_JOIN_NONE);
    assert_true(choices_join_parse(SLICE("AD"), &join) && join == CHOICE_JOIN_DOMAIN);
    assert_true(choices_join_parse(SLICE("HAAD"), &join) && join == CHOICE_JOIN_HYBRID);
    bool has;
    assert_true(choices_certificate_parse(SLICE("yes"), &has) && has);
    assert_true(choices_certificate_parse(SLICE("pki"), &has) && has);
    assert_true(choices_certificate_parse(SLICE("none"), &has) && !has);
    assert_true(choices_certificate_parse(SLICE("No"), &has) && !has);
    assert_false(choices_certificate_parse(SLICE("perhaps"), &has));
    assert_false(choices_join_parse(SLICE(""), &join));
    assert_false(choices_join_parse(SLICE("entra "), &join));
}

static void versions_are_taken_as_year_and_month_or_as_build(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned version; /* 0: refused */
    } cases[] = {
        {"2002", 2002},
        {"1910", 1910},
        {"2603", 2603},
        {"5.00.8790.1007", 1902},
        {"5.00.8853", 1906},
        {"5.00.8913.1012", 1910},
        {"5.00.8968", 2002},
        {"5.00.8968.1008", 2002},
        {"5.00.8967.9999", 1910},
        {"5.00.9012.1000", 2006},
        {"5.00.9040", 2010},
        {"5.00.9049", 2103},
        {"5.00.9058", 2107},
        {"5.00.9068", 2111},
        {"5.00.9078", 2203},
        {"5.00.9088", 2207},
        {"5.00.9096", 2211},
        {"5.00.9106", 2303},
        {"5.00.9122.1000", 2309},
        {"5.0.8968", 2002},
        {"5.00.9999", 2503},
        {"5.00.7000", 0},
        {"5.00.", 0},
        {"5.00.x", 0},
        {"5.00.8968.", 0},
        {"5.00.8968.1.2", 0},
        {"5.00.99999999", 0},
        {"2013", 0},
        {"2000", 0},
        {"200", 0},
        {"20020", 0},
        {"", 0},
        {"-202", 0},
        {"0001", 0},
        {"6.00.8968", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        unsigned got = 0;
        if (choices_version_parse(slice_of(cases[i].text), &got) != (cases[i].version != 0))
            fail_msg("'%s' is judged wrong", cases[i].text);
        if (cases[i].version != 0)
            assert_int_equal(got, cases[i].version);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_is_parsed_back_to_its_value),
        cmocka_unit_test(synonyms_are_taken_and_case_is_ignored),
        cmocka_unit_test(versions_are_taken_as_year_and_month_or_as_build),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
