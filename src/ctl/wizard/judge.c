/* SPDX-License-Identifier: Apache-2.0 */
/* Do the answers so far go together, and what do they mean for the others? Asks src/choices, once for each method. What
 * is not answered yet is taken as what rules nothing out. */
#include "ctl/ask/input.h"
#include "ctl/wizard/wizard.h"

static void set(struct choices_question *q, const struct wizard *w, enum wizard_id id)
{
    const char *text = wizard_text(w, id);
    const struct ctl_input *input = ctl_input_find(wizard_questions[id].name);
    if (*text && wizard_wants(w, id))
        (void)!input->set(q, slice_of(text));
}

static void make_question(const struct wizard *w, enum choice_client client, struct choices_question *q)
{
    static const enum wizard_id inputs[] = {ASK_SERVER_CERT, ASK_MP,           ASK_CRL,
                                            ASK_CRL_CHECK,   ASK_CRL_RELAY,    ASK_CLIENT_VERSION,
                                            ASK_SCENARIO,    ASK_USER_SIGN_IN, ASK_CLIENT_HAS_ROOT};
    *q = (struct choices_question){.client = client, .cmg_allowed = CHOICE_YES};
    q->join = client == CHOICE_ENTRA ? CHOICE_JOIN_ENTRA : CHOICE_JOIN_NONE;
    q->crl_relay = !w->text[ASK_CRL_RELAY]; /* asked behind the CRL */
    for (size_t i = 0; i < ARRAY_LEN(inputs); i++)
        set(q, w, inputs[i]);
    set(q, w, ASK_JOIN);
    if (*wizard_text(w, ASK_SERVER_CA))
        q->client_has_root = CHOICE_YES; /* their line brings it */
    if (w->text[ASK_CONNECTOR_CERT])
        q->connector_cert = *w->text[ASK_CONNECTOR_CERT] ? CHOICE_YES : CHOICE_NO;
}

/* --- what is ruled out --- */

/* The first rule for one of the methods. */
static const struct choices_condition *rule_of(const struct wizard *w, unsigned clients)
{
    for (unsigned c = 0; c < CHOICE_CLIENTS; c++) {
        struct choices_question q;
        struct choices_answer a;
        make_question(w, (enum choice_client)c, &q);
        choices_check(&q, &a);
        if ((clients & CHOICE_BIT(c)) && !a.supported)
            return choices_condition_find(slice_of(a.reasons.lines[0].id));
    }
    return NULL;
}

enum result wizard_judge(const struct wizard *w, struct error *err)
{
    const struct choices_condition *rule = rule_of(w, wizard_clients(w));
    return rule ? error_set(err, R_CONFLICT, "%s (%s)", rule->line.text, rule->line.id) : OK;
}

const struct choices_condition *wizard_rules_out(const struct wizard *w, enum wizard_id id, struct slice value)
{
    char text[32];
    struct wizard tried = *w;
    (void)snprintf(text, sizeof text, "%.*s", (int)value.len, value.ptr);
    tried.text[id] = text;
    return rule_of(&tried, wizard_clients(&tried));
}

/* --- what follows --- */

bool wizard_lines_have(const struct wizard_lines *lines, const struct choices_condition *c)
{
    for (size_t i = 0; i < lines->count; i++) {
        if (lines->of[i] == c)
            return true;
    }
    return false;
}

static void add(struct wizard_lines *lines, const struct choices_list *list)
{
    for (size_t i = 0; i < list->count && lines->count < WIZARD_LINES_MAX; i++) {
        const struct choices_condition *c = choices_condition_find(slice_of(list->lines[i].id));
        if (c && !wizard_lines_have(lines, c))
            lines->of[lines->count++] = c;
    }
}

/* Of an input that nobody answered yet, nothing is said. */
static bool is_settled(const struct wizard *w, const struct choices_condition *c)
{
    static const struct {
        enum wizard_id id;
        const char *values[4];
    } inputs[] = {{ASK_MP, {"https", "ehttp"}},
                  {ASK_SERVER_CERT, {"public", "internal"}},
                  {ASK_CRL, {"internet", "ad", "internal", "none"}},
                  {ASK_CRL_CHECK, {"on", "off"}}};
    for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
        if (w->text[inputs[i].id])
            continue;
        for (size_t k = 0; k < ARRAY_LEN(inputs[i].values) && inputs[i].values[k]; k++) {
            if (choices_condition_about(c, wizard_questions[inputs[i].id].name, inputs[i].values[k]))
                return false;
        }
    }
    return true;
}

void wizard_follows(const struct wizard *w, struct wizard_lines *ret)
{
    struct wizard_lines all = {.count = 0};
    for (unsigned c = 0; c < CHOICE_CLIENTS; c++) {
        struct choices_question q;
        struct choices_answer a;
        if (!(wizard_clients(w) & CHOICE_BIT(c)))
            continue;
        make_question(w, (enum choice_client)c, &q);
        choices_check(&q, &a);
        add(&all, &a.reasons);
        add(&all, &a.requirements);
        add(&all, &a.limitations);
    }
    ret->count = 0;
    for (size_t i = 0; i < all.count; i++) {
        if (is_settled(w, all.of[i]))
            ret->of[ret->count++] = all.of[i];
    }
}
