/* SPDX-License-Identifier: Apache-2.0 */
/* A plan for people who read terminals. */
#include <inttypes.h>
#include <stdlib.h>

#include "ctl/ask/plan.h"
#include "ctl/out.h"

enum { TEXT_WIDTH = 100, FAULTS_SHOWN = 20, NAMES_SHOWN = 5 };

static int64_t number(const json_t *o, const char *name)
{
    return json_opt_int(o, name, 0);
}

static const char *plural(int64_t n)
{
    return n == 1 ? "" : "s";
}

static void heading(const char *text)
{
    (void)printf("\n%s%s%s\n", term_on(stdout, TERM_BOLD), text, term_off(stdout));
}

/* "a, b, c and 4,000 more", cleaned of what could steer a terminal. */
static void print_examples(const json_t *of, const char *indent)
{
    const json_t *names = json_object_get(of, "examples");
    int64_t shown = 0, all = number(of, "devices");
    size_t i;
    json_t *name;
    if (json_array_size(names) == 0)
        return;
    (void)printf("%s", indent);
    json_array_foreach(names, i, name) {
        char *text = ctl_cell_text(name, CTL_TEXT, NULL);
        if (shown < NAMES_SHOWN)
            (void)printf("%s%s", i ? ", " : "", text);
        shown += shown < NAMES_SHOWN;
        free(text);
    }
    if (all > shown)
        (void)printf(" and %" PRId64 " more", all - shown);
    (void)printf("\n");
}

/* --- the two sides --- */

static const struct {
    const char *label, *of, *member;
} rows[] = {
    {"pki", "methods", "pki"},
    {"entra", "methods", "entra"},
    {"token", "methods", "token"},
    {"unknown", NULL, "unknown"},
    {"cut off", NULL, "cut_off"},
    {"user policy works", "user_policy", "works"},
    {"user policy wanted, none", "user_policy", "none"},
    {"user policy unknown", "user_policy", "unknown"},
};

static int64_t value_of(const json_t *side, size_t row)
{
    return number(rows[row].of ? json_object_get(side, rows[row].of) : side, rows[row].member);
}

static char *setup_text(const json_t *side, const char *member)
{
    const json_t *v = json_object_get(json_object_get(side, "setup"), member);
    return ctl_cell_text(v, json_is_array(v) ? CTL_LIST : CTL_TEXT, NULL);
}

static void print_setup_row(const char *label, const char *member, const json_t *today, const json_t *proposed)
{
    char *a = setup_text(today, member), *b = setup_text(proposed, member);
    if (json_is_object(proposed))
        (void)printf("  %-26s %-20s %s%s%s\n", label, a, term_on(stdout, strcmp(a, b) ? TERM_YELLOW : TERM_PLAIN), b,
                     term_off(stdout));
    else
        (void)printf("  %-26s %s\n", label, a);
    free(a);
    free(b);
}

static void print_sides(const json_t *today, const json_t *proposed)
{
    static const char *const setup[][2] = {
        {"management points", "mp"},   {"methods let in", "clients"}, {"CMG certificate", "server_cert"},
        {"CRL checking", "crl_check"}, {"CRL relayed", "crl_relay"},  {"connector's certificate", "connector_cert"}};
    (void)printf("\n  %-26s %-20s %s\n", "", "TODAY", json_is_object(proposed) ? "PROPOSED" : "");
    for (size_t i = 0; i < ARRAY_LEN(setup); i++)
        print_setup_row(setup[i][0], setup[i][1], today, proposed);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t a = value_of(today, i), b = value_of(proposed, i);
        if (json_is_object(proposed))
            (void)printf("  %-26s %-20" PRId64 " %" PRId64 "\n", rows[i].label, a, b);
        else
            (void)printf("  %-26s %" PRId64 "\n", rows[i].label, a);
    }
}

/* --- who and why --- */

static void print_group(const json_t *group)
{
    size_t i;
    json_t *one;
    const json_t *depends = json_object_get(group, "depends_on"), *reasons = json_object_get(group, "reasons");
    (void)printf("  %" PRId64 " device%s", number(group, "devices"), plural(number(group, "devices")));
    json_array_foreach(depends, i, one)
        (void)printf("%s%s", i ? ", " : ": it depends on ", json_string_value(one));
    (void)printf("\n");
    print_examples(group, "    ");
    if (json_array_size(reasons) == 0)
        (void)printf("    - %s\n", json_opt_bool(group, "works", false)
                                       ? "they work either way; by which method is unknown"
                                       : "no method that this set-up lets in is one of theirs");
    json_array_foreach(reasons, i, one) {
        (void)printf("    - %s: ", json_opt_str(one, "id", ""));
        ctl_wrap(stdout, json_opt_str(one, "text", ""), 6, TEXT_WIDTH);
    }
}

static void print_groups(const char *title, const json_t *groups)
{
    size_t i;
    json_t *group;
    if (json_array_size(groups) == 0)
        return;
    heading(title);
    json_array_foreach(groups, i, group)
        print_group(group);
}

static void print_change(const json_t *changes, const char *member, const char *label, enum term_colour colour)
{
    const json_t *names = json_object_get(changes, member);
    int64_t n = number(names, "devices");
    if (n == 0)
        return;
    (void)printf("  %s%" PRId64 " device%s %s%s\n", term_on(stdout, colour), n, plural(n), label, term_off(stdout));
    print_examples(names, "    ");
}

static void print_changes(const json_t *changes)
{
    if (!json_is_object(changes))
        return;
    heading("What changes");
    if (number(json_object_get(changes, "cut_off"), "devices") == 0)
        (void)printf("  nobody who works today would be cut off\n");
    print_change(changes, "cut_off", "would be cut off", TERM_RED);
    print_change(changes, "unknown", "would become unknown", TERM_YELLOW);
    print_change(changes, "rescued", "cut off today would work", TERM_GREEN);
    print_change(changes, "lose_user_policy", "would lose user policy", TERM_RED);
    print_change(changes, "gain_user_policy", "would gain user policy", TERM_GREEN);
    size_t i;
    json_t *move;
    json_array_foreach(json_object_get(changes, "moves"), i, move) {
        const char *from = json_opt_str(move, "from", ""), *to = json_opt_str(move, "to", "");
        if (strcmp(from, to) != 0)
            (void)printf("  %s → %s: %" PRId64 "\n", from, to, number(move, "devices"));
    }
}

static void print_steps(const json_t *steps)
{
    size_t i;
    json_t *step;
    heading("What to do, in order");
    json_array_foreach(steps, i, step) {
        int64_t n = number(step, "devices");
        (void)printf("%3zu. %s%s%s", i + 1, term_on(stdout, TERM_BOLD), json_opt_str(step, "title", ""),
                     term_off(stdout));
        if (n > 0)
            (void)printf(" (%" PRId64 " device%s)", n, plural(n));
        (void)printf("\n     ");
        ctl_wrap(stdout, json_opt_str(step, "text", ""), 5, TEXT_WIDTH);
    }
}

/* --- the inventory --- */

static void print_faults(const json_t *inventory)
{
    size_t i;
    json_t *fault;
    int64_t bad = number(inventory, "bad_rows");
    if (bad == 0)
        return;
    (void)printf("\n%s%" PRId64 " bad row%s, in none of the numbers%s\n", term_on(stdout, TERM_RED), bad, plural(bad),
                 term_off(stdout));
    json_array_foreach(json_object_get(inventory, "faults"), i, fault) {
        char *text = ctl_cell_text(json_object_get(fault, "text"), CTL_TEXT, NULL);
        if (i < FAULTS_SHOWN)
            (void)printf("  line %" PRId64 ", column %" PRId64 ": %s\n", number(fault, "line"), number(fault, "column"),
                         text);
        free(text);
    }
    if (i > FAULTS_SHOWN)
        (void)printf("  … and more: --json lists %zu faults\n", i);
}

static void print_inventory(const json_t *inventory)
{
    char *source = ctl_cell_text(json_object_get(inventory, "source"), CTL_TEXT, NULL);
    int64_t n = number(inventory, "devices"), repeated = number(inventory, "repeated_names");
    (void)printf("%" PRId64 " device%s from %s\n", n, plural(n), source);
    free(source);
    if (repeated > 0)
        (void)printf("%" PRId64 " row%s a name that another row has too; all are counted\n", repeated,
                     repeated == 1 ? " carries" : "s carry");
    int64_t headings = number(inventory, "headings");
    if (headings > 0)
        (void)printf("%" PRId64 " line%s above the header passed over\n", headings, plural(headings));
    const json_t *ignored = json_object_get(inventory, "ignored_columns");
    if (json_array_size(ignored) > 0) {
        char *text = ctl_cell_text(ignored, CTL_LIST, NULL);
        (void)printf("columns without a meaning here: %s\n", text);
        free(text);
    }
}

static void print_unverified(const json_t *unverified)
{
    size_t i;
    json_t *one;
    json_array_foreach(unverified, i, one)
        (void)printf("%s  unknown for %" PRId64 " device%s: %s (column %s)\n", i ? "" : "\n", number(one, "devices"),
                     plural(number(one, "devices")), json_opt_str(one, "text", ""), json_opt_str(one, "column", ""));
}

void ctl_plan_print(const json_t *report)
{
    const json_t *today = json_object_get(report, "today"), *proposed = json_object_get(report, "proposed");
    const json_t *target = json_is_object(proposed) ? proposed : today;
    print_inventory(json_object_get(report, "inventory"));
    print_sides(today, proposed);
    print_changes(json_object_get(report, "changes"));
    print_groups(target == proposed ? "Cut off as proposed" : "Cut off", json_object_get(target, "cut_off_groups"));
    print_groups("Unknown", json_object_get(target, "unknown_groups"));
    print_groups("Works, but without the user policy that is wanted",
                 json_object_get(json_object_get(target, "user_policy"), "groups"));
    print_steps(json_object_get(report, "steps"));
    print_unverified(json_object_get(report, "unverified"));
    print_faults(json_object_get(report, "inventory"));
}
