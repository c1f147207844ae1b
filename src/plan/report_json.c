/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as JSON: numbers, groups, steps. */
#include <stdio.h>
#include <stdlib.h>

#include "plan/report.h"

json_t *plan_text_json(struct slice s)
{
    json_t *text = json_stringn(s.ptr ? s.ptr : "", s.len);
    if (text)
        return text;
    char *copy = slice_dup(s);
    for (char *c = copy; *c; c++)
        *c = (char)((unsigned char)*c >= 0x80 ? '?' : *c);
    text = json_string(copy);
    free(copy);
    return text;
}

static void push(json_t *array, json_t *item)
{
    if (json_array_append_new(array, item) != 0)
        fatal("a report could not be made");
}

static json_t *examples(const struct plan_fleet *f, const struct plan_names *names)
{
    json_t *array = json_array();
    for (size_t i = 0; i < names->count && i < PLAN_EXAMPLES; i++) {
        struct plan_device d;
        plan_fleet_get(f, names->index[i], &d);
        push(array, plan_text_json(d.name));
    }
    return array;
}

static json_t *names_json(const struct plan_fleet *f, const struct plan_names *names)
{
    return json_pack("{s:I, s:o}", "devices", (json_int_t)names->count, "examples", examples(f, names));
}

static json_t *conditions_json(plan_conditions bits)
{
    json_t *array = json_array();
    const struct choices_condition *c;
    for (size_t i = 0; i < 64 && (c = choices_condition(i)) != NULL; i++) {
        if ((bits & (UINT64_C(1) << i)) != 0)
            push(array, json_pack("{s:s, s:s, s:s}", "id", c->line.id, "title", c->title, "text", c->line.text));
    }
    return array;
}

static json_t *depends_json(unsigned depends)
{
    json_t *array = json_array();
    for (unsigned in = 0; in < PLAN_INPUTS; in++) {
        if ((depends & (1u << in)) != 0)
            push(array, json_string(plan_input_name((enum plan_input)in)));
    }
    return array;
}

/* "works": which method is unknown, but all that may be known leaves one. */
static json_t *groups_json(const struct plan_fleet *f, const struct plan_groups *groups)
{
    json_t *array = json_array();
    for (size_t i = 0; i < groups->count; i++) {
        const struct plan_group *g = &groups->items[i];
        push(array, json_pack("{s:I, s:b, s:o, s:o, s:o}", "devices", (json_int_t)g->devices.count, "works",
                              g->depends != 0 && g->against == 0, "depends_on", depends_json(g->depends), "reasons",
                              conditions_json(g->against), "examples", examples(f, &g->devices)));
    }
    return array;
}

/* Those that a mode takes, too. */
static unsigned let_in(const struct plan_setup *s)
{
    unsigned modes = 0;
    for (unsigned m = CHOICE_MP_HTTPS; m <= CHOICE_MP_EHTTP; m++) {
        if ((s->modes & PLAN_MODE(m)) != 0)
            modes |= choices_mode_clients((enum choice_mp)m);
    }
    return s->clients & modes;
}

static json_t *setup_json(const struct plan_setup *s)
{
    json_t *modes = json_array(), *clients = json_array();
    for (unsigned m = CHOICE_MP_HTTPS; m <= CHOICE_MP_EHTTP; m++) {
        if ((s->modes & PLAN_MODE(m)) != 0)
            push(modes, json_string(choices_mp_name((enum choice_mp)m)));
    }
    for (unsigned c = 0; c < CHOICE_CLIENTS; c++) {
        if ((let_in(s) & CHOICE_BIT(c)) != 0)
            push(clients, json_string(choices_client_name((enum choice_client)c)));
    }
    return json_pack("{s:o, s:o, s:s, s:s, s:s, s:s}", "mp", modes, "clients", clients, "server_cert",
                     choices_cert_name(s->server_cert), "crl_check", s->crl_check ? "on" : "off", "crl_relay",
                     s->crl_relay ? "on" : "off", "connector_cert", choices_tri_name(s->connector_cert));
}

static json_t *side_json(const struct plan *p, const struct plan_side *s)
{
    json_t *methods = json_object();
    for (unsigned c = 0; c < CHOICE_CLIENTS; c++)
        (void)json_object_set_new(methods, choices_client_name((enum choice_client)c),
                                  json_integer((json_int_t)s->fates[c]));
    json_t *user = json_pack("{s:I, s:I, s:I, s:o}", "works", (json_int_t)s->users[PLAN_USER_WORKS], "none",
                             (json_int_t)s->users[PLAN_USER_NONE], "unknown", (json_int_t)s->users[PLAN_USER_UNKNOWN],
                             "groups", groups_json(p->fleet, &s->user_none));
    return json_pack("{s:o, s:o, s:I, s:I, s:o, s:o, s:o}", "setup", setup_json(&s->setup), "methods", methods,
                     "unknown", (json_int_t)s->fates[PLAN_UNKNOWN], "cut_off", (json_int_t)s->fates[PLAN_CUT_OFF],
                     "user_policy", user, "cut_off_groups", groups_json(p->fleet, &s->cut_off), "unknown_groups",
                     groups_json(p->fleet, &s->unknown));
}

static json_t *changes_json(const struct plan *p)
{
    json_t *moves = json_array();
    for (unsigned from = 0; from < PLAN_FATES; from++) {
        for (unsigned to = 0; to < PLAN_FATES; to++) {
            if (p->moves[from][to] > 0)
                push(moves, json_pack("{s:s, s:s, s:I}", "from", plan_fate_name((enum plan_fate)from), "to",
                                      plan_fate_name((enum plan_fate)to), "devices", (json_int_t)p->moves[from][to]));
        }
    }
    const struct plan_fleet *f = p->fleet;
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "moves", moves, "cut_off", names_json(f, &p->newly_cut_off),
                     "unknown", names_json(f, &p->newly_unknown), "rescued", names_json(f, &p->rescued),
                     "lose_user_policy", names_json(f, &p->lose_user), "gain_user_policy",
                     names_json(f, &p->gain_user));
}

static json_t *unverified_json(const struct plan *p)
{
    static const char *const texts[PLAN_INPUTS] = {
        [PLAN_ROOT] = "whether they hold the root of the gateway's CA; they count as holding it",
        [PLAN_SIGN_IN] = "whether a user signs in with Entra; they count as signed in",
        [PLAN_ALLOWED] = "whether their resultant client setting allows the CMG; they count as allowed"};
    json_t *array = json_array();
    for (unsigned in = 0; in < PLAN_INPUTS; in++) {
        if (p->unverified[in] > 0)
            push(array, json_pack("{s:s, s:I, s:s}", "column", plan_input_name((enum plan_input)in), "devices",
                                  (json_int_t)p->unverified[in], "text", texts[in]));
    }
    return array;
}

static json_t *steps_json(const struct plan *p)
{
    json_t *array = json_array();
    for (size_t i = 0; i < p->step_count; i++) {
        const struct plan_step *s = &p->steps[i];
        push(array, json_pack("{s:I, s:s, s:s, s:s, s:I, s:o}", "order", (json_int_t)i + 1, "id", s->id, "title",
                              s->title, "text", s->text, "devices", (json_int_t)s->devices.count, "examples",
                              examples(p->fleet, &s->devices)));
    }
    return array;
}

static json_t *faults_json(const struct inventory *i)
{
    json_t *array = json_array();
    for (size_t n = 0; n < i->fault_count; n++) {
        const struct inventory_fault *f = &i->faults[n];
        push(array, json_pack("{s:I, s:i, s:s, s:o, s:o}", "line", (json_int_t)f->line, "column", (int)f->column,
                              "field", f->field, "value", plan_text_json(slice_of(f->value)), "text",
                              plan_text_json(slice_of(f->text))));
    }
    return array;
}

static json_t *inventory_json(const struct plan *p, const struct inventory *i, const char *source)
{
    json_t *ignored = json_array();
    for (size_t n = 0; i && n < i->ignored_count; n++)
        push(ignored, plan_text_json(slice_of(i->ignored[n])));
    size_t count = plan_fleet_count(p->fleet);
    return json_pack("{s:o, s:I, s:I, s:I, s:I, s:i, s:o, s:o, s:b}", "source", plan_text_json(slice_of(source)),
                     "rows", (json_int_t)(i ? i->rows : count), "devices", (json_int_t)count, "bad_rows",
                     (json_int_t)(i ? i->bad_rows : 0), "repeated_names", (json_int_t)plan_fleet_repeated(p->fleet),
                     "headings", i ? (int)i->headings : 0, "ignored_columns", ignored, "faults",
                     i ? faults_json(i) : json_array(), "faults_left_off", i && i->faults_left_off);
}

json_t *plan_report_json(const struct plan *p, const struct inventory *i, const char *source)
{
    json_t *whole = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o}", "inventory", inventory_json(p, i, source), "today", side_json(p, &p->today),
        "proposed", p->compared ? side_json(p, &p->proposed) : json_null(), "changes",
        p->compared ? changes_json(p) : json_null(), "unverified", unverified_json(p), "steps", steps_json(p));
    if (!whole)
        fatal("a report could not be made");
    return whole;
}
