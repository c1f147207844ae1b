/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmg explain: questions that administrators ask, the values of the choices, the conditions around them, and refusals,
 * by name; without a name the list of all. The pages docs/choices.md and docs/refusals.md say the same.
 */
#include "ctl/ask/explain.h"

#include "analyze/cause.h"
#include "base/text/nearest.h"
#include "choices/questions.h"
#include "ctl/command.h"
#include "ctl/ctl.h"
#include "ctl/out.h"
#include "verdict/remedy.h"
#include "web/http.h"

struct explain_options {
    struct ctl_common common;
};
static const struct opt opts[] = {CTL_OPT_JSON(struct explain_options), CTL_OPT_END};

static void push(json_t *array, json_t *item)
{
    if (json_array_append_new(array, item) != 0)
        fatal("an explanation could not be made");
}

/* --- everything as JSON --- */

static json_t *case_json(const struct choices_case *c)
{
    struct choices_answer a;
    choices_check(&c->question, &a);
    json_t *reasons = json_array();
    for (size_t i = 0; !a.supported && i < a.reasons.count; i++)
        push(reasons, json_string(a.reasons.lines[i].id));
    return json_pack("{s:s, s:b, s:o}", "what", c->what, "supported", a.supported, "reasons", reasons);
}

static json_t *faq_json(const struct choices_faq *f)
{
    json_t *cases = json_array(), *cited = json_array();
    for (size_t i = 0; i < CHOICES_CASES_MAX && f->cases[i].what; i++)
        push(cases, case_json(&f->cases[i]));
    for (size_t i = 0; i < CHOICES_CITED_MAX && f->cited[i]; i++)
        push(cited, ctl_condition_json(choices_condition_find(slice_of(f->cited[i]))));
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "id", f->id, "kind", "question", "title", f->question, "text",
                     f->answer, "cases", cases, "conditions", cited);
}

static json_t *term_json(const struct choices_term *t)
{
    char id[64];
    json_t *conditions = json_array();
    const struct choices_condition *c;
    (void)snprintf(id, sizeof id, "%s=%s", t->input, t->value);
    for (size_t i = 0; (c = choices_condition(i)) != NULL; i++) {
        if (choices_condition_about(c, t->input, t->value))
            push(conditions, ctl_condition_json(c));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "id", id, "kind", "choice", "input", t->input, "value", t->value,
                     "text", t->text, "conditions", conditions);
}

static json_t *reason_json(enum verdict_reason reason)
{
    const struct verdict_reason_info *info = verdict_reason_info(reason);
    const struct verdict_refusal_info *refusal = verdict_refusal_info(info->refusal);
    json_t *causes = json_array();
    for (enum verdict_remedy m = 0; m < REMEDY_COUNT; m++) {
        const struct verdict_remedy_info *one = verdict_remedy_info(m);
        if (one->reason == reason)
            push(causes, json_pack("{s:s, s:s}", "when", one->when, "remedy", one->text));
    }
    return json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:o}", "kind", "refusal", "reason", info->name, "code",
                     refusal->code, "status", refusal->status, "text", info->text, "remedy", info->remedy, "causes",
                     causes);
}

static json_t *cause_json(const char *id, const char *text, const char *remedy)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "id", id, "kind", "cause", "text", text, "remedy", remedy);
}

/* Also by the word that lists show as the device's state. */
static bool is_state(const char *id, enum analyze_cause c)
{
    return id && c == ANALYZE_CAUSE_APPROVAL_PENDING && slice_eq_nocase(slice_of(id), SLICE("pending"));
}

/* `id` NULL: everything. */
static bool wanted(const char *id, const char *name)
{
    return !id || slice_eq_nocase(slice_of(id), slice_of(name));
}

/* The code under which the field's clients log that a gateway was not reached. */
#define FIELD_UNREACHABLE "0x87d00231"

/* What the analyzer and devices find by themselves; where both know a cause, the analyzer's words count. */
static void find_causes(const char *id, json_t *found)
{
    for (enum analyze_cause c = ANALYZE_CAUSE_NONE + 1; c < ANALYZE_CAUSE_STOPPED; c++) {
        const struct analyze_cause_info *info = analyze_cause_info(c);
        if (wanted(id, info->id) || is_state(id, c))
            push(found, cause_json(info->id, info->text, info->remedy));
    }
    for (enum web_fault f = WEB_FAULT_NONE + 1; f < WEB_FAULT_COUNT; f++) {
        const struct web_fault_info *info = web_fault_info(f);
        bool known = f == WEB_FAULT_STOPPED;
        for (enum analyze_cause c = ANALYZE_CAUSE_NONE + 1; c < ANALYZE_CAUSE_COUNT; c++)
            known = known || strcmp(analyze_cause_info(c)->id, info->word) == 0;
        if (!known && wanted(id, info->word))
            push(found, cause_json(info->word, info->text, info->remedy));
    }
    if (wanted(id, FIELD_UNREACHABLE))
        push(found, cause_json(FIELD_UNREACHABLE,
                               "a device did not reach the gateway, or knows none; the word behind it in "
                               "LocationServices.log and CcmMessaging.log is the cause",
                               "cmg explain WORD with that word, and on the device cmg-client analyze"));
}

static json_t *find_all(const char *id)
{
    json_t *found = json_array();
    const struct choices_condition *c;
    const struct choices_faq *f;
    const struct choices_term *t;
    for (size_t i = 0; (f = choices_faq(i)) != NULL; i++) {
        if (wanted(id, f->id))
            push(found, faq_json(f));
    }
    for (size_t i = 0; (t = choices_term(i)) != NULL; i++) {
        json_t *term = term_json(t);
        if (wanted(id, t->value) || wanted(id, json_opt_str(term, "id", "")))
            push(found, json_incref(term));
        json_decref(term);
    }
    for (size_t i = 0; (c = choices_condition(i)) != NULL; i++) {
        if (wanted(id, c->line.id))
            push(found, ctl_condition_json(c));
    }
    for (unsigned r = REASON_OK + 1; r < REASON_COUNT; r++) {
        const struct verdict_reason_info *info = verdict_reason_info((enum verdict_reason)r);
        if (wanted(id, info->name) || wanted(id, verdict_refusal_info(info->refusal)->code))
            push(found, reason_json((enum verdict_reason)r));
    }
    find_causes(id, found);
    return found;
}

/* --- for people --- */

static void print_title(const char *title, const char *rest)
{
    (void)printf("%s%s%s%s%s\n    ", term_on(stdout, TERM_BOLD), title, term_off(stdout), rest ? "  " : "",
                 rest ? rest : "");
}

static void print_conditions(const json_t *conditions)
{
    size_t i;
    json_t *c;
    if (json_array_size(conditions) > 0)
        (void)printf("\n    Conditions:\n");
    json_array_foreach(conditions, i, c) {
        (void)printf("    - %s (%s)\n      ", json_opt_str(c, "id", ""), json_opt_str(c, "when", ""));
        ctl_wrap(stdout, json_opt_str(c, "text", ""), 6, EXPLAIN_WIDTH);
    }
}

static void print_question(const json_t *item)
{
    size_t i, k;
    json_t *c, *reason;
    print_title(json_opt_str(item, "title", ""), NULL);
    ctl_wrap(stdout, json_opt_str(item, "text", ""), 4, EXPLAIN_WIDTH);
    (void)printf("\n    Cases:\n");
    json_array_foreach(json_object_get(item, "cases"), i, c) {
        bool yes = json_opt_bool(c, "supported", false);
        (void)printf("    %s%s%s  %s", term_on(stdout, yes ? TERM_GREEN : TERM_RED), yes ? "works " : "fails ",
                     term_off(stdout), json_opt_str(c, "what", ""));
        json_array_foreach(json_object_get(c, "reasons"), k, reason)
            (void)printf("%s%s", k ? ", " : "  (", json_string_value(reason));
        (void)printf(k > 0 ? ")\n" : "\n");
    }
    print_conditions(json_object_get(item, "conditions"));
}

static void print_refusal(const json_t *item)
{
    char code[96];
    (void)snprintf(code, sizeof code, "refused with %lld %s", (long long)json_opt_int(item, "status", 0),
                   json_opt_str(item, "code", ""));
    print_title(json_opt_str(item, "reason", ""), code);
    ctl_wrap(stdout, json_opt_str(item, "text", ""), 4, EXPLAIN_WIDTH);
    (void)printf("    remedy: %s\n", json_opt_str(item, "remedy", ""));
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(item, "causes"), i, one) {
        (void)printf("    when %s: ", json_opt_str(one, "when", ""));
        ctl_wrap(stdout, json_opt_str(one, "remedy", ""), 12, EXPLAIN_WIDTH);
    }
}

static void print_cause(const json_t *item)
{
    print_title(json_opt_str(item, "id", ""), "found by the analyzer or a device");
    ctl_wrap(stdout, json_opt_str(item, "text", ""), 4, EXPLAIN_WIDTH);
    (void)printf("    remedy: ");
    ctl_wrap(stdout, json_opt_str(item, "remedy", ""), 12, EXPLAIN_WIDTH);
}

static void print_condition(const json_t *item)
{
    char rest[320];
    (void)snprintf(rest, sizeof rest, "%s, when: %s", json_opt_str(item, "kind", ""), json_opt_str(item, "when", ""));
    print_title(json_opt_str(item, "id", ""), rest);
    (void)printf("%s\n    ", json_opt_str(item, "title", ""));
    ctl_wrap(stdout, json_opt_str(item, "text", ""), 4, EXPLAIN_WIDTH);
}

static void print_term(const json_t *item)
{
    print_title(json_opt_str(item, "id", ""), NULL);
    ctl_wrap(stdout, json_opt_str(item, "text", ""), 4, EXPLAIN_WIDTH);
    print_conditions(json_object_get(item, "conditions"));
}

static void print_found(const json_t *found)
{
    size_t i;
    json_t *item;
    json_array_foreach(found, i, item) {
        const char *kind = json_opt_str(item, "kind", "");
        (void)printf(i ? "\n" : "");
        if (strcmp(kind, "question") == 0)
            print_question(item);
        else if (strcmp(kind, "choice") == 0)
            print_term(item);
        else if (strcmp(kind, "refusal") == 0)
            print_refusal(item);
        else if (strcmp(kind, "cause") == 0)
            print_cause(item);
        else
            print_condition(item);
    }
}

/* What can be asked. */
static void print_index(void)
{
    const struct choices_faq *f;
    const struct choices_term *t;
    (void)printf("Questions:\n");
    for (size_t i = 0; (f = choices_faq(i)) != NULL; i++)
        (void)printf("  cmg explain %-34s %s\n", f->id, f->question);
    (void)printf("\nChoices:\n");
    const char *input = "";
    for (size_t i = 0; (t = choices_term(i)) != NULL; i++) {
        if (strcmp(t->input, input) != 0)
            (void)printf("%s  %-16s", i ? "\n" : "", t->input);
        input = t->input;
        (void)printf(strchr(t->value, ' ') ? " '%s'" : " %s", t->value);
    }
    (void)printf(
        "\n\nConditions: cmg choices lists them. Refusals and causes: by code or word, as devices, logs and cmg "
        "analyze show them.\n");
}

/* Names that contain what was asked for, for one who mistyped. */
static void similar(const char *id, char *ret, size_t size)
{
    size_t used = 0, i, shown = 0;
    json_t *all = find_all(NULL), *item;
    struct nearest near = nearest_to(slice_of(id));
    ret[0] = '\0';
    json_array_foreach(all, i, item) {
        const char *name = json_opt_str(item, "id", json_opt_str(item, "reason", ""));
        nearest_try(&near, name);
        if (shown == 6 || !strcasestr(name, id) || used >= size)
            continue;
        used += (size_t)snprintf(ret + used, size - used, "%s%s", shown++ ? ", " : "is it one of these? ", name);
    }
    if (shown == 0 && near.best)
        (void)snprintf(ret, size, "did you mean: cmg explain %s", near.best);
    else if (shown == 0)
        (void)snprintf(ret, size,
                       "cmg explain lists the questions, cmg choices the conditions; refusals carry their code "
                       "and reason");
    json_decref(all);
}

static int explain(const void *options, const char **args, size_t n)
{
    const struct explain_options *o = options;
    if (n == 0 && !o->common.json) {
        print_index();
        return CTL_DONE;
    }
    json_t *found = find_all(n ? args[0] : NULL);
    if (json_array_size(found) == 0) {
        struct error err;
        char remedy[400];
        similar(args[0], remedy, sizeof remedy);
        json_decref(found);
        (void)error_set(&err, R_NOTFOUND, "nothing is known by '%s'", args[0]);
        return ctl_fail_error(&o->common, &err, NULL, remedy);
    }
    if (o->common.json)
        ctl_print_json(stdout, found, false);
    else
        print_found(found);
    json_decref(found);
    return CTL_DONE;
}

const struct ctl_command ctl_explain_commands[] = {
    {"explain", "Answer a question, explain a choice, a condition, a refusal or a cause",
     CTL_RUN(explain, struct explain_options, "cmg explain [ID] [options]",
             "Answer a question by name, or explain a choice, a condition, a refusal's code or its reason, or a cause "
             "that the analyzer names. Without a name: what can be asked.",
             opts, 0, 1)},
    {NULL, NULL, NULL, NULL},
};
