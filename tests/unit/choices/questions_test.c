/* SPDX-License-Identifier: Apache-2.0 */
/* The questions by name: their cases come out as their words build on, and they cite what stands against the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "choices/questions.h"

static bool cites(const struct choices_faq *f, const char *id)
{
    for (size_t i = 0; i < CHOICES_CITED_MAX && f->cited[i]; i++) {
        if (strcmp(f->cited[i], id) == 0)
            return true;
    }
    return false;
}

/* The administrators' questions of the product's brief, in its order. */
static const char *const asked[] = {
    "enhanced-http-client-work",      "trusted-certificate-still-needed", "clients-trust-internal-ca",
    "crl-not-on-the-internet",        "connection-point-certificate",     "tokens-in-untrusted-domains",
    "device-that-never-saw-the-site", "leave-internal-certificates",      "most-secure-method",
};

static void every_question_is_answered_by_name(void **state)
{
    (void)state;
    const struct choices_faq *f;
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        assert_non_null(f = choices_faq(i));
        assert_string_equal(f->id, asked[i]);
    }
    for (size_t i = 0; (f = choices_faq(i)) != NULL; i++) {
        assert_non_null(strchr(f->question, '?'));
        assert_true(strlen(f->answer) > 80 && f->cases[0].what && f->cited[0]);
        assert_null(choices_condition_find(slice_of(f->id)));
    }
}

static void answers_build_on_what_the_tables_say(void **state)
{
    (void)state;
    const struct choices_faq *f;
    for (size_t i = 0; (f = choices_faq(i)) != NULL; i++) {
        for (size_t k = 0; k < CHOICES_CASES_MAX && f->cases[k].what; k++) {
            struct choices_answer a;
            choices_check(&f->cases[k].question, &a);
            if (a.supported != f->cases[k].works)
                fail_msg("%s: the case '%s' does not come out as the answer says", f->id, f->cases[k].what);
        }
    }
}

/* Not by every single question (some cases are there for contrast), but each has a case that its conditions decide. */
static void what_is_cited_exists_and_decides_a_case(void **state)
{
    (void)state;
    const struct choices_faq *f;
    for (size_t i = 0; (f = choices_faq(i)) != NULL; i++) {
        bool decided = false;
        for (size_t k = 0; k < CHOICES_CITED_MAX && f->cited[k]; k++) {
            if (!choices_condition_find(slice_of(f->cited[k])))
                fail_msg("%s cites '%s', which is no condition", f->id, f->cited[k]);
        }
        for (size_t k = 0; k < CHOICES_CASES_MAX && f->cases[k].what; k++) {
            struct choices_answer a;
            choices_check(&f->cases[k].question, &a);
            const struct choices_list *lists[] = {&a.reasons, &a.requirements, &a.limitations};
            for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
                for (size_t n = 0; n < lists[l]->count; n++)
                    decided = decided || cites(f, lists[l]->lines[n].id);
            }
        }
        if (!decided)
            fail_msg("%s: no case is decided by what it cites", f->id);
    }
}

/* Every value that a condition can name is a term, and no term is a value that nothing knows. */
static void every_choice_that_conditions_name_is_explained(void **state)
{
    (void)state;
    const struct choices_term *t;
    for (size_t i = 0; (t = choices_term(i)) != NULL; i++) {
        assert_true(strlen(t->text) > 20);
        bool named = false;
        const struct choices_condition *c;
        for (size_t k = 0; (c = choices_condition(k)) != NULL; k++)
            named = named || choices_condition_about(c, t->input, t->value);
        if (!named && strcmp(t->value, "public") != 0 && strcmp(t->value, "2002 or newer") != 0)
            fail_msg("no condition is about %s=%s", t->input, t->value);
    }
    assert_true(choices_condition_about(choices_condition_find(SLICE("ehttp-forbids-pki")), "client", "pki"));
    assert_false(choices_condition_about(choices_condition_find(SLICE("ehttp-forbids-pki")), "client", "token"));
    assert_false(choices_condition_about(choices_condition_find(SLICE("server-certificate")), "mp", "https"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_question_is_answered_by_name),
        cmocka_unit_test(answers_build_on_what_the_tables_say),
        cmocka_unit_test(what_is_cited_exists_and_decides_a_case),
        cmocka_unit_test(every_choice_that_conditions_name_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
