/* SPDX-License-Identifier: Apache-2.0 */
/* cmg choices, choices check: the choices of SPEC 2 for people and programs. Asks nothing but src/choices. */
#include "ctl/ask/explain.h"
#include "ctl/ask/input.h"
#include "ctl/command.h"
#include "ctl/ctl.h"
#include "ctl/out.h"

static const char *const kind_names[] = {[CHOICES_RULES_OUT] = "rules out",
                                         [CHOICES_WHY] = "why",
                                         [CHOICES_REQUIRES] = "requires",
                                         [CHOICES_LIMITS] = "limits"};
static const char *const kind_titles[] = {[CHOICES_RULES_OUT] = "What rules a combination out",
                                          [CHOICES_WHY] = "Why a supported one works",
                                          [CHOICES_REQUIRES] = "What must be there",
                                          [CHOICES_LIMITS] = "What is lost"};

/* --- cmg choices --- */

static json_t *matrix_json(void)
{
    json_t *rows = json_array();
    for (unsigned mp = CHOICE_MP_HTTPS; mp <= CHOICE_MP_EHTTP; mp++) {
        json_t *clients = json_array();
        for (unsigned c = 0; c < CHOICE_CLIENTS; c++) {
            if (choices_mode_allows((enum choice_mp)mp, (enum choice_client)c))
                (void)json_array_append_new(clients, json_string(choices_client_name((enum choice_client)c)));
        }
        (void)json_array_append_new(rows, json_pack("{s:s, s:o, s:[s, s]}", "mp", choices_mp_name((enum choice_mp)mp),
                                                    "clients", clients, "server_cert", "public", "internal"));
    }
    return rows;
}

json_t *ctl_condition_json(const struct choices_condition *c)
{
    char when[256];
    choices_condition_when(c, when, sizeof when);
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", c->line.id, "kind", kind_names[c->kind], "title", c->title,
                     "when", when, "text", c->line.text);
}

static void print_condition(const struct choices_condition *c)
{
    char when[256];
    choices_condition_when(c, when, sizeof when);
    (void)printf("  %s%s%s  (%s)\n      ", term_on(stdout, TERM_BOLD), c->line.id, term_off(stdout), when);
    ctl_wrap(stdout, c->line.text, 6, EXPLAIN_WIDTH);
}

static void print_choices_json(void)
{
    json_t *conditions = json_array();
    const struct choices_condition *c;
    for (size_t i = 0; (c = choices_condition(i)) != NULL; i++)
        (void)json_array_append_new(conditions, ctl_condition_json(c));
    json_t *whole = json_pack("{s:[s, s, s], s:o, s:o}", "order", "pki", "entra", "token", "matrix", matrix_json(),
                              "conditions", conditions);
    ctl_print_json(stdout, whole, false);
    json_decref(whole);
}

static void print_choices(void)
{
    static const struct ctl_column columns[] = {{"MANAGEMENT POINT", "mp", CTL_TEXT, NULL},
                                                {"CLIENT AUTHENTICATION", "clients", CTL_LIST, NULL},
                                                {"CMG CERTIFICATE", "server_cert", CTL_LIST, NULL},
                                                {NULL, NULL, CTL_TEXT, NULL}};
    json_t *matrix = matrix_json();
    ctl_table(stdout, matrix, columns, "");
    json_decref(matrix);
    (void)printf("\nA client that could use several methods uses the first of: pki, entra, token.\n");
    for (unsigned kind = CHOICES_RULES_OUT; kind <= CHOICES_LIMITS; kind++) {
        (void)printf("\n%s:\n", kind_titles[kind]);
        const struct choices_condition *c;
        for (size_t i = 0; (c = choices_condition(i)) != NULL; i++) {
            if (c->kind == kind)
                print_condition(c);
        }
    }
    (void)printf("\nOne combination: cmg choices check --mp https --client pki …\n");
}

struct json_options {
    struct ctl_common common;
};
static const struct opt json_opts[] = {CTL_OPT_JSON(struct json_options), CTL_OPT_END};

static int choices(const void *options, const char **args UNUSED, size_t n UNUSED)
{
    const struct json_options *o = options;
    if (o->common.json)
        print_choices_json();
    else
        print_choices();
    return CTL_DONE;
}

/* --- cmg choices check --- */

struct check_options {
    struct ctl_common common;
    const char *mp, *client, *server_cert, *client_version, *join, *scenario, *crl, *crl_check, *crl_relay, *root,
        *connector_cert, *cmg_allowed, *user_sign_in;
};

#define INPUT(word, member_, value_, help_, required_)                                                                 \
    {                                                                                                                  \
        .name = (word), .kind = OPT_TEXT, .offset = offsetof(struct check_options, member_), .value = (value_),        \
        .help = (help_), .required = (required_)                                                                       \
    }

static const struct opt check_opts[] = {
    INPUT("mp", mp, "https|ehttp", "how the management point authenticates clients", true),
    INPUT("client", client, "pki|entra|token", "client authentication", true),
    INPUT("server-cert", server_cert, "public|internal", "whose certificate the CMG has (default public)", false),
    INPUT("client-version", client_version, "YYMM", "2002, 1910 or a build 5.00.NNNN (default unknown)", false),
    INPUT("join", join, "none|domain|hybrid|entra", "how the device is joined (default: entra for entra, else none)",
          false),
    INPUT("scenario", scenario, "device|user", "machine policy or user policy (default device)", false),
    INPUT("crl", crl, "internet|ad|internal|none", "where the PKI publishes its CRL (default internet)", false),
    INPUT("crl-check", crl_check, "on|off", "is revocation checked (default on)", false),
    INPUT("crl-relay", crl_relay, "on|off", "does a connector relay the CRL (default off)", false),
    INPUT("client-has-root", root, "yes|no|unknown", "does the device have the root of the CMG's CA (default unknown)",
          false),
    INPUT("connector-cert", connector_cert, "yes|no|unknown",
          "has the connector a PKI client certificate (default unknown)", false),
    INPUT("cmg-allowed", cmg_allowed, "yes|no|unknown", "does the device's resultant client setting allow the CMG",
          false),
    INPUT("user-sign-in", user_sign_in, "yes|no|unknown", "does a user sign in with Entra on the device", false),
    CTL_OPT_JSON(struct check_options),
    CTL_OPT_END,
};

/* false: told. */
static bool take(struct choices_question *q, const char *name, const char *text)
{
    const struct ctl_input *input = ctl_input_find(name);
    if (input->set(q, slice_of(text)))
        return true;
    char wanted[CTL_INPUT_WORDS];
    ctl_input_values(input, wanted);
    (void)ctl_usage("--%s: '%s' is none of %s", name, text, wanted);
    return false;
}

static bool read_question(const struct check_options *o, struct choices_question *q)
{
    for (size_t i = 0; check_opts[i].kind == OPT_TEXT; i++) {
        const char *text = *(const char *const *)(const void *)((const char *)o + check_opts[i].offset);
        if (text && !take(q, check_opts[i].name, text))
            return false;
    }
    if (!o->join)
        q->join = q->client == CHOICE_ENTRA ? CHOICE_JOIN_ENTRA : CHOICE_JOIN_NONE;
    return true;
}

static json_t *texts(const struct choices_list *list, json_t *ids)
{
    json_t *ret = json_array();
    for (size_t i = 0; i < list->count; i++) {
        (void)json_array_append_new(ret, json_string(list->lines[i].text));
        (void)json_array_append_new(ids, json_string(list->lines[i].id));
    }
    return ret;
}

static void print_answer_json(const struct choices_answer *a)
{
    json_t *ids = json_array();
    json_t *reasons = texts(&a->reasons, ids), *requirements = texts(&a->requirements, ids),
           *limitations = texts(&a->limitations, ids);
    json_t *whole = json_pack("{s:b, s:o, s:o, s:o, s:o}", "supported", a->supported, "reasons", reasons,
                              "requirements", requirements, "limitations", limitations, "ids", ids);
    ctl_print_json(stdout, whole, false);
    json_decref(whole);
}

static void print_list(const char *title, const struct choices_list *list)
{
    if (list->count == 0)
        return;
    (void)printf("\n%s:\n", title);
    for (size_t i = 0; i < list->count; i++) {
        (void)printf("  - ");
        ctl_wrap(stdout, list->lines[i].text, 4, EXPLAIN_WIDTH);
    }
}

static void print_answer(const struct choices_question *q, const struct choices_answer *a, bool join_assumed)
{
    enum term_colour colour = a->supported ? TERM_GREEN : TERM_RED;
    (void)printf("%s%s%s: %s management point, client authentication %s, %s certificate on the CMG, device joined: "
                 "%s%s, for the %s\n",
                 term_on(stdout, colour), a->supported ? "supported" : "not supported", term_off(stdout),
                 choices_mp_name(q->mp), choices_client_name(q->client), choices_cert_name(q->server_cert),
                 choices_join_name(q->join), join_assumed ? " (assumed)" : "", choices_scenario_name(q->scenario));
    print_list(a->supported ? "Why" : "Why not", &a->reasons);
    print_list("Required", &a->requirements);
    print_list("Limitations", &a->limitations);
}

static int check_choices(const void *options, const char **args UNUSED, size_t n UNUSED)
{
    const struct check_options *o = options;
    struct choices_question q = {.crl_check = true};
    if (!read_question(o, &q))
        return CTL_USAGE;
    struct choices_answer a;
    choices_check(&q, &a);
    if (o->common.json)
        print_answer_json(&a);
    else
        print_answer(&q, &a, o->join == NULL);
    return a.supported ? CTL_DONE : CTL_FAILED;
}

const struct ctl_command ctl_choices_commands[] = {
    {"choices", "Print which choices go together",
     CTL_RUN(choices, struct json_options, "cmg choices [options]",
             "Print which choices go together, and the conditions around them.", json_opts, 0, 0)},
    {"choices check", "Judge one combination of choices",
     CTL_RUN(check_choices, struct check_options, "cmg choices check --mp MODE --client METHOD [options]",
             "Is this combination supported, and what does it need? Exit code 1: it is not.", check_opts, 0, 0)},
    {NULL, NULL, NULL, NULL},
};
