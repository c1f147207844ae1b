/* SPDX-License-Identifier: Apache-2.0 */
/* cmg explain: by which names what is known is found, what is said of it, and what one who mistyped is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "analyze/cause.h"
#include "choices/questions.h"
#include "fake_mp.h"
#include "verdict/reason.h"
#include "web/http.h"

static struct ran ran;

/* What is found by this name; NULL: nothing. The caller json_decref()s it. */
static json_t *explain(const char *name)
{
    RUN(&ran, NULL, "explain", name, "--json");
    return ran.code == CTL_DONE ? json_loads(ran.out, 0, NULL) : NULL;
}

/* Is one of them of this kind, with this member? */
static bool has(const json_t *found, const char *kind, const char *member, const char *value)
{
    size_t i;
    json_t *item;
    json_array_foreach(found, i, item) {
        if (strcmp(json_opt_str(item, "kind", ""), kind) == 0 && strcmp(json_opt_str(item, member, ""), value) == 0)
            return true;
    }
    return false;
}

static void expect(const char *name, const char *kind, const char *member, const char *value)
{
    json_t *found = explain(name);
    if (!has(found, kind, member, value))
        fail_msg("cmg explain %s: %s%s", name, ran.out, ran.err);
    json_decref(found);
}

/* --- what is found --- */

static void each_question_is_found_by_its_id(void **state UNUSED)
{
    const struct choices_faq *f;
    for (size_t i = 0; (f = choices_faq(i)) != NULL; i++)
        expect(f->id, "question", "title", f->question);
}

/* The cases are judged when they are shown, not written down. */
static void the_cases_of_a_question_say_what_the_tables_do(void **state UNUSED)
{
    const struct choices_faq *f;
    for (size_t i = 0; (f = choices_faq(i)) != NULL; i++) {
        json_t *found = explain(f->id), *one;
        const json_t *cases = json_object_get(json_array_get(found, 0), "cases");
        size_t k;
        json_array_foreach(cases, k, one) {
            bool supported = json_opt_bool(one, "supported", !f->cases[k].works);
            size_t reasons = json_array_size(json_object_get(one, "reasons"));
            if (supported != f->cases[k].works || (reasons == 0) != supported)
                fail_msg("%s: %s", f->id, f->cases[k].what);
        }
        json_decref(found);
    }
}

static void each_choice_is_found_by_its_value_and_with_its_input(void **state UNUSED)
{
    const struct choices_term *t;
    for (size_t i = 0; (t = choices_term(i)) != NULL; i++) {
        char id[64];
        (void)snprintf(id, sizeof id, "%s=%s", t->input, t->value);
        expect(t->value, "choice", "id", id);
        expect(id, "choice", "id", id);
    }
}

static void each_condition_is_found_by_its_id(void **state UNUSED)
{
    const struct choices_condition *c;
    for (size_t i = 0; (c = choices_condition(i)) != NULL; i++) {
        json_t *found = explain(c->line.id);
        assert_int_equal(json_array_size(found), 1);
        assert_string_equal(json_opt_str(json_array_get(found, 0), "title", ""), c->title);
        json_decref(found);
    }
}

static void each_refusal_is_found_by_its_reason_and_by_its_code(void **state UNUSED)
{
    for (unsigned r = REASON_OK + 1; r < REASON_COUNT; r++) {
        const struct verdict_reason_info *info = verdict_reason_info((enum verdict_reason)r);
        expect(info->name, "refusal", "reason", info->name);
        expect(verdict_refusal_info(info->refusal)->code, "refusal", "reason", info->name);
    }
}

static void each_cause_is_found_by_its_word(void **state UNUSED)
{
    for (enum analyze_cause c = ANALYZE_CAUSE_NONE + 1; c < ANALYZE_CAUSE_STOPPED; c++)
        expect(analyze_cause_info(c)->id, "cause", "remedy", analyze_cause_info(c)->remedy);
    for (enum web_fault f = WEB_FAULT_NONE + 1; f < WEB_FAULT_COUNT; f++) {
        if (f != WEB_FAULT_STOPPED)
            expect(web_fault_info(f)->word, "cause", "id", web_fault_info(f)->word);
    }
}

/* Where the analyzer and devices know the same cause, it is told once. */
static void a_cause_is_told_once(void **state UNUSED)
{
    for (enum web_fault f = WEB_FAULT_NONE + 1; f < WEB_FAULT_COUNT; f++) {
        size_t i, causes = 0;
        json_t *item, *found = f == WEB_FAULT_STOPPED ? NULL : explain(web_fault_info(f)->word);
        json_array_foreach(found, i, item)
            causes += strcmp(json_opt_str(item, "kind", ""), "cause") == 0;
        if (found && causes != 1)
            fail_msg("%s: %zu times", web_fault_info(f)->word, causes);
        json_decref(found);
    }
}

static void a_state_and_a_code_of_the_field_are_names_too(void **state UNUSED)
{
    expect("pending", "cause", "id", analyze_cause_info(ANALYZE_CAUSE_APPROVAL_PENDING)->id);
    expect("0x87d00231", "cause", "id", "0x87d00231");
}

static void the_case_of_letters_does_not_matter(void **state UNUSED)
{
    expect("PENDING", "cause", "id", analyze_cause_info(ANALYZE_CAUSE_APPROVAL_PENDING)->id);
    expect("0X87D00231", "cause", "id", "0x87d00231");
    expect("Revoked", "refusal", "reason", "revoked");
}

static void without_a_name_programs_get_everything(void **state UNUSED)
{
    char id[128];
    RUN(&ran, NULL, "explain", "--json"); /* longer than what the kit keeps of it */
    (void)snprintf(id, sizeof id, "\"id\":\"%s\"", choices_faq(0)->id);
    assert_int_equal(ran.code, CTL_DONE);
    assert_non_null(strstr(ran.out, id));
    assert_int_equal(strlen(ran.out), sizeof ran.out - 1);
}

/* --- what is not found --- */

static void what_is_not_known_is_told_with_the_nearest_name(void **state UNUSED)
{
    static const struct {
        const char *name, *told;
    } cases[] = {{"revokd", "did you mean: cmg explain revoked"},
                 {"enhanced-http", "is it one of these? "},
                 {"qqqqqqqqqqqqqq", "cmg explain lists the questions"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char what[128];
        (void)snprintf(what, sizeof what, "nothing is known by '%s'", cases[i].name);
        RUN(&ran, NULL, "explain", cases[i].name);
        if (ran.code != CTL_FAILED || *ran.out || !strstr(ran.err, what) || !strstr(ran.err, cases[i].told))
            fail_msg("cmg explain %s: exit %d, %s%s", cases[i].name, ran.code, ran.out, ran.err);
    }
}

static void no_more_than_six_names_are_offered(void **state UNUSED)
{
    RUN(&ran, NULL, "explain", "er");
    const char *at = strstr(ran.err, "is it one of these? ");
    size_t commas = 0;
    assert_non_null(at);
    for (; *at && *at != '\n'; at++)
        commas += *at == ',';
    assert_int_equal(commas, 5);
}

/* --- for people --- */

static void without_a_name_people_get_what_can_be_asked(void **state UNUSED)
{
    char line[256];
    RUN(&ran, NULL, "explain");
    assert_int_equal(ran.code, CTL_DONE);
    assert_true(slice_starts(slice_of(ran.out), SLICE("Questions:\n")));
    (void)snprintf(line, sizeof line, "  cmg explain %-34s %s\n", choices_faq(0)->id, choices_faq(0)->question);
    assert_non_null(strstr(ran.out, line));
    assert_non_null(strstr(ran.out, "\nChoices:\n"));
}

static void a_refusal_is_its_code_its_text_and_its_remedy(void **state UNUSED)
{
    const struct verdict_reason_info *info = verdict_reason_info(REASON_CERT_REVOKED);
    const struct verdict_refusal_info *refusal = verdict_refusal_info(info->refusal);
    char title[160], remedy[512];
    RUN(&ran, NULL, "explain", info->name);
    (void)snprintf(title, sizeof title, "%s  refused with %d %s\n", info->name, refusal->status, refusal->code);
    (void)snprintf(remedy, sizeof remedy, "    remedy: %s\n", info->remedy);
    assert_non_null(strstr(ran.out, title));
    assert_non_null(strstr(ran.out, remedy));
}

static void a_question_is_answered_with_cases_that_work_or_fail(void **state UNUSED)
{
    RUN(&ran, NULL, "explain", choices_faq(0)->id);
    assert_true(slice_starts(slice_of(ran.out), slice_of(choices_faq(0)->question)));
    assert_non_null(strstr(ran.out, "\n    Cases:\n"));
    assert_true(strstr(ran.out, "    works   ") || strstr(ran.out, "    fails   "));
}

static void a_choice_comes_with_its_conditions(void **state UNUSED)
{
    RUN(&ran, NULL, "explain", "mp=ehttp");
    assert_true(slice_starts(slice_of(ran.out), SLICE("mp=ehttp\n")));
    assert_non_null(strstr(ran.out, "\n    Conditions:\n    - "));
}

static void no_line_of_an_explanation_is_wider_than_a_terminal(void **state UNUSED)
{
    const struct choices_faq *f;
    for (size_t i = 0; (f = choices_faq(i)) != NULL; i++) {
        RUN(&ran, NULL, "explain", f->id);
        const char *answer = strchr(ran.out, '\n') + 1, *cases = strstr(ran.out, "\n    Cases:");
        struct slice rest = slice_make(answer, (size_t)(cases - answer));
        while (rest.ptr) {
            struct slice line = slice_cut(&rest, '\n');
            if (line.len > 100 + 2) /* bytes; a dash of several is one column */
                fail_msg("%s: %zu: %.*s", f->id, line.len, (int)line.len, line.ptr);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_question_is_found_by_its_id),
        cmocka_unit_test(the_cases_of_a_question_say_what_the_tables_do),
        cmocka_unit_test(each_choice_is_found_by_its_value_and_with_its_input),
        cmocka_unit_test(each_condition_is_found_by_its_id),
        cmocka_unit_test(each_refusal_is_found_by_its_reason_and_by_its_code),
        cmocka_unit_test(each_cause_is_found_by_its_word),
        cmocka_unit_test(a_cause_is_told_once),
        cmocka_unit_test(a_state_and_a_code_of_the_field_are_names_too),
        cmocka_unit_test(the_case_of_letters_does_not_matter),
        cmocka_unit_test(without_a_name_programs_get_everything),
        cmocka_unit_test(what_is_not_known_is_told_with_the_nearest_name),
        cmocka_unit_test(no_more_than_six_names_are_offered),
        cmocka_unit_test(without_a_name_people_get_what_can_be_asked),
        cmocka_unit_test(a_refusal_is_its_code_its_text_and_its_remedy),
        cmocka_unit_test(a_question_is_answered_with_cases_that_work_or_fail),
        cmocka_unit_test(a_choice_comes_with_its_conditions),
        cmocka_unit_test(no_line_of_an_explanation_is_wider_than_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
