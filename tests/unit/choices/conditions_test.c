/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every combination of the choices against truth tables that were written from SPEC 2 in their own form: grids of Y and
 * N that one can read beside the specification, not masks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "choices/choices.h"

/* Does this device get along with this management point at all? Columns: join none, domain, hybrid, entra. */
static const struct {
    enum choice_mp mp;
    enum choice_client client;
    bool old; /* client before 2002 */
    const char *by_join;
} grid[] = {
    {CHOICE_MP_HTTPS, CHOICE_PKI, false, "YYYY"},   {CHOICE_MP_HTTPS, CHOICE_PKI, true, "YYYY"},
    {CHOICE_MP_HTTPS, CHOICE_ENTRA, false, "NNYY"}, {CHOICE_MP_HTTPS, CHOICE_ENTRA, true, "NNYY"},
    {CHOICE_MP_HTTPS, CHOICE_TOKEN, false, "YYYY"}, {CHOICE_MP_HTTPS, CHOICE_TOKEN, true, "NNNN"},
    {CHOICE_MP_EHTTP, CHOICE_PKI, false, "NNNN"},   {CHOICE_MP_EHTTP, CHOICE_PKI, true, "NNNN"},
    {CHOICE_MP_EHTTP, CHOICE_ENTRA, false, "NNYY"}, {CHOICE_MP_EHTTP, CHOICE_ENTRA, true, "NNYY"},
    {CHOICE_MP_EHTTP, CHOICE_TOKEN, false, "YYYY"}, {CHOICE_MP_EHTTP, CHOICE_TOKEN, true, "NNNN"},
};

/* User policy: columns as above. */
static const char *const user_by_join = "NNYY";

/* Revocation of a PKI client; columns: internet, ad, internal, none. */
static const char *const crl_check_on_relay_off = "YNNN";
static const char *const crl_check_on_relay_on = "YYYN";
static const char *const crl_check_off = "YYYY";

static bool fits(const struct choices_question *q)
{
    bool old = q->client_version != 0 && q->client_version < 2002;
    for (size_t i = 0; i < ARRAY_LEN(grid); i++) {
        if (grid[i].mp == q->mp && grid[i].client == q->client && grid[i].old == old)
            return grid[i].by_join[q->join] == 'Y';
    }
    fail_msg("no row in the grid");
    return false;
}

static bool revocation_works(const struct choices_question *q)
{
    if (q->client != CHOICE_PKI)
        return true;
    const char *columns = !q->crl_check ? crl_check_off : q->crl_relay ? crl_check_on_relay_on : crl_check_on_relay_off;
    return columns[q->crl] == 'Y';
}

static bool trust_works(const struct choices_question *q)
{
    bool wants_connector = q->mp == CHOICE_MP_HTTPS && q->client == CHOICE_PKI;
    if (wants_connector && q->connector_cert == CHOICE_NO)
        return false;
    return !(q->server_cert == CHOICE_CERT_INTERNAL && q->client_has_root == CHOICE_NO);
}

static bool expected(const struct choices_question *q)
{
    if (q->scenario == CHOICE_USER && (user_by_join[q->join] == 'N' || q->user_sign_in == CHOICE_NO))
        return false;
    if (q->cmg_allowed == CHOICE_NO)
        return false;
    return fits(q) && revocation_works(q) && trust_works(q);
}

static bool has(const struct choices_list *list, const char *id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->lines[i].id, id) == 0)
            return true;
    }
    return false;
}

/* Calls fn for every combination: 622,080 of them. */
static void for_each_question(void (*fn)(const struct choices_question *q))
{
    static const unsigned versions[] = {0, 1910, 2001, 2002, 2309};
    enum { MP = 2, CLIENT = 3, CERT = 2, VERSION = 5, JOIN = 4, SCENARIO = 2, CRL = 4, CHECK = 2, RELAY = 2, TRI = 3 };
    enum { ALL = MP * CLIENT * CERT * VERSION * JOIN * SCENARIO * CRL * CHECK * RELAY * TRI * TRI * TRI * TRI };
    for (unsigned n = 0; n < ALL; n++) {
        unsigned rest = n;
        struct choices_question q = {0};
#define TAKE(type, count) (type)(rest % (count)), rest /= (count)
        q.mp = TAKE(enum choice_mp, MP);
        q.client = TAKE(enum choice_client, CLIENT);
        q.server_cert = TAKE(enum choice_cert, CERT);
        q.client_version = versions[rest % VERSION], rest /= VERSION;
        q.join = TAKE(enum choice_join, JOIN);
        q.scenario = TAKE(enum choice_scenario, SCENARIO);
        q.crl = TAKE(enum choice_crl, CRL);
        q.crl_check = TAKE(bool, CHECK);
        q.crl_relay = TAKE(bool, RELAY);
        q.client_has_root = TAKE(enum choice_tri, TRI);
        q.connector_cert = TAKE(enum choice_tri, TRI);
        q.cmg_allowed = TAKE(enum choice_tri, TRI);
        q.user_sign_in = TAKE(enum choice_tri, TRI);
#undef TAKE
        fn(&q);
    }
}

static unsigned supported_count;

static void check_supported(const struct choices_question *q)
{
    struct choices_answer a;
    choices_check(q, &a);
    if (a.supported != expected(q))
        fail_msg(
            "mp %s client %s cert %s version %u join %s scenario %s crl %s check %d relay %d root %s connector %s: "
            "supported is %d",
            choices_mp_name(q->mp), choices_client_name(q->client), choices_cert_name(q->server_cert),
            q->client_version, choices_join_name(q->join), choices_scenario_name(q->scenario), choices_crl_name(q->crl),
            q->crl_check, q->crl_relay, choices_tri_name(q->client_has_root), choices_tri_name(q->connector_cert),
            a.supported);
    assert_true(a.reasons.count > 0);
    assert_true(a.reasons.count < CHOICES_LINES_MAX && a.requirements.count < CHOICES_LINES_MAX &&
                a.limitations.count < CHOICES_LINES_MAX);
    supported_count += a.supported;
}

static void every_combination_is_supported_exactly_as_the_specification_says(void **state)
{
    (void)state;
    supported_count = 0;
    for_each_question(check_supported);
    /* Neither everything nor nothing. */
    assert_in_range(supported_count, 50000, 200000);
}

/* --- each condition, as SPEC 2 words it --- */

static bool is_old(const struct choices_question *q)
{
    return q->client_version != 0 && q->client_version < 2002;
}

static bool is_joined(const struct choices_question *q)
{
    return q->join == CHOICE_JOIN_HYBRID || q->join == CHOICE_JOIN_ENTRA;
}

static bool is_inside(const struct choices_question *q)
{
    return q->crl == CHOICE_CRL_AD || q->crl == CHOICE_CRL_INTERNAL;
}

#define IS(name, expression)                                                                                           \
    static bool name(const struct choices_question *q)                                                                 \
    {                                                                                                                  \
        return (expression);                                                                                           \
    }
#define PKI_HERE (q->client == CHOICE_PKI)
#define CHECKED_PKI (PKI_HERE && q->crl_check)
#define HTTPS_HERE (q->mp == CHOICE_MP_HTTPS)
#define USER_HERE (q->scenario == CHOICE_USER)

IS(always, q != NULL)
IS(https, HTTPS_HERE)
IS(ehttp, !HTTPS_HERE)
IS(pki, PKI_HERE)
IS(entra, q->client == CHOICE_ENTRA)
IS(token, q->client == CHOICE_TOKEN)
IS(ehttp_pki, !HTTPS_HERE && PKI_HERE)
IS(token_old, q->client == CHOICE_TOKEN && is_old(q))
IS(ehttp_old, !HTTPS_HERE && is_old(q) && !is_joined(q))
IS(entra_alone, q->client == CHOICE_ENTRA && !is_joined(q))
IS(user_alone, USER_HERE && !is_joined(q))
IS(user_out, USER_HERE && q->user_sign_in == CHOICE_NO)
IS(user_maybe, USER_HERE &&is_joined(q) && q->user_sign_in != CHOICE_YES)
IS(no_root, q->server_cert == CHOICE_CERT_INTERNAL && q->client_has_root == CHOICE_NO)
IS(maybe_no_root, q->server_cert == CHOICE_CERT_INTERNAL && q->client_has_root != CHOICE_YES)
IS(no_connector, HTTPS_HERE &&PKI_HERE && q->connector_cert == CHOICE_NO)
IS(maybe_no_connector, HTTPS_HERE &&PKI_HERE && q->connector_cert != CHOICE_YES)
IS(forbidden, q->cmg_allowed == CHOICE_NO)
IS(maybe_forbidden, q->cmg_allowed != CHOICE_YES)
IS(list_inside, CHECKED_PKI &&is_inside(q) && !q->crl_relay)
IS(list_relayed, CHECKED_PKI &&is_inside(q) && q->crl_relay)
IS(list_nowhere, CHECKED_PKI && q->crl == CHOICE_CRL_NONE)
IS(list_outside, CHECKED_PKI && q->crl == CHOICE_CRL_INTERNET)
IS(unchecked, PKI_HERE && !q->crl_check)
IS(token_maybe_old, q->client == CHOICE_TOKEN && q->client_version == 0)
IS(token_joined, q->client == CHOICE_TOKEN && is_joined(q))
IS(workgroup, !HTTPS_HERE && q->client == CHOICE_TOKEN && !is_joined(q))
IS(https_alone, HTTPS_HERE && !is_joined(q) && !USER_HERE)

static const struct {
    const char *id;
    bool (*holds)(const struct choices_question *q);
} conditions[] = {
    {"ehttp-forbids-pki", ehttp_pki},
    {"token-needs-2002", token_old},
    {"ehttp-old-client", ehttp_old},
    {"entra-needs-join", entra_alone},
    {"user-needs-join", user_alone},
    {"root-missing", no_root},
    {"connector-certificate-missing", no_connector},
    {"crl-unreachable", list_inside},
    {"crl-nowhere", list_nowhere},
    {"user-not-signed-in", user_out},
    {"cmg-forbidden", forbidden},
    {"https-takes-all", https},
    {"ehttp-takes-entra-token", ehttp},
    {"any-server-certificate", always},
    {"entra-comes-first", token_joined},
    {"server-certificate", always},
    {"client-root", maybe_no_root},
    {"mp-certificate", https},
    {"mp-ehttp", ehttp},
    {"connector-certificate", maybe_no_connector},
    {"client-certificate", pki},
    {"entra-tenant", entra},
    {"token-client", token_maybe_old},
    {"token-start", token},
    {"user-sign-in", user_maybe},
    {"crl-internet", list_outside},
    {"crl-relay", list_relayed},
    {"cmg-allowed", maybe_forbidden},
    {"cmg-known", always},
    {"workgroup-no-user-policy", workgroup},
    {"no-user-policy", https_alone},
    {"revocation-unchecked", unchecked},
    {"crl-by-relay", list_relayed},
};

/* In which list it stands, and when: reasons name what rules out, or, when nothing does, why it works. */
static bool is_said(const struct choices_answer *a, const struct choices_condition *c)
{
    switch (c->kind) {
    case CHOICES_RULES_OUT:
    case CHOICES_WHY:
        return has(&a->reasons, c->line.id);
    case CHOICES_REQUIRES:
        return has(&a->requirements, c->line.id);
    case CHOICES_LIMITS:
    default:
        return has(&a->limitations, c->line.id);
    }
}

static void check_conditions(const struct choices_question *q)
{
    struct choices_answer a;
    choices_check(q, &a);
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
        const struct choices_condition *c = choices_condition(i);
        bool expected_here = conditions[i].holds(q) && (c->kind != CHOICES_WHY || a.supported);
        if (is_said(&a, c) != expected_here)
            fail_msg("condition %s is %ssaid of mp %s, client %s, version %u, join %s, crl %s", c->line.id,
                     expected_here ? "not " : "", choices_mp_name(q->mp), choices_client_name(q->client),
                     q->client_version, choices_join_name(q->join), choices_crl_name(q->crl));
    }
}

static void each_condition_is_said_exactly_where_it_holds(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
        assert_non_null(choices_condition(i));
        assert_string_equal(choices_condition(i)->line.id, conditions[i].id);
    }
    assert_null(choices_condition(ARRAY_LEN(conditions)));
    for_each_question(check_conditions);
}

/* Whoever is supported without being joined is told that there is no user policy. */
static void check_told_of_user_policy(const struct choices_question *q)
{
    struct choices_answer a;
    choices_check(q, &a);
    bool told = has(&a.limitations, "workgroup-no-user-policy") || has(&a.limitations, "no-user-policy");
    assert_true(!a.supported || told == !is_joined(q));
}

static void what_is_lost_without_a_join_is_always_told(void **state)
{
    (void)state;
    for_each_question(check_told_of_user_policy);
}

static void check_crl_irrelevant(const struct choices_question *q)
{
    if (q->client == CHOICE_PKI)
        return;
    struct choices_question other = *q;
    struct choices_answer a, b;
    other.crl = CHOICE_CRL_INTERNET;
    other.crl_check = true;
    other.crl_relay = false;
    choices_check(q, &a);
    choices_check(&other, &b);
    assert_memory_equal(&a, &b, sizeof a);
}

static void the_crl_means_nothing_to_entra_and_token(void **state)
{
    (void)state;
    for_each_question(check_crl_irrelevant);
}

static void every_reason_against_is_given_not_only_the_first(void **state)
{
    (void)state;
    struct choices_question q = {.mp = CHOICE_MP_EHTTP,
                                 .client = CHOICE_PKI,
                                 .server_cert = CHOICE_CERT_INTERNAL,
                                 .client_version = 1910,
                                 .join = CHOICE_JOIN_DOMAIN,
                                 .scenario = CHOICE_USER,
                                 .crl = CHOICE_CRL_NONE,
                                 .crl_check = true,
                                 .client_has_root = CHOICE_NO};
    struct choices_answer a;
    choices_check(&q, &a);
    assert_false(a.supported);
    assert_int_equal(a.reasons.count, 5);
    assert_true(has(&a.reasons, "ehttp-forbids-pki") && has(&a.reasons, "ehttp-old-client") &&
                has(&a.reasons, "user-needs-join") && has(&a.reasons, "root-missing") &&
                has(&a.reasons, "crl-nowhere"));
}

static void ids_are_unique_and_every_condition_says_when_it_applies(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct choices_condition *c; (c = choices_condition(count)) != NULL; count++) {
        char when[200];
        choices_condition_when(c, when, sizeof when);
        assert_true(strlen(when) > 0 && strlen(when) < sizeof when - 1);
        assert_null(strstr(when, "(null)"));
        assert_true(strlen(c->line.text) > 20 && strlen(c->title) > 8 && strlen(c->title) < 100);
        assert_ptr_equal(choices_condition_find(slice_of(c->line.id)), c);
    }
    assert_true(count > 20);
    assert_null(choices_condition_find(SLICE("no-such-condition")));
    char when[64];
    choices_condition_when(choices_condition_find(SLICE("ehttp-forbids-pki")), when, sizeof when);
    assert_string_equal(when, "mp=ehttp, client=pki");
    choices_condition_when(choices_condition_find(SLICE("server-certificate")), when, sizeof when);
    assert_string_equal(when, "always");
    choices_condition_when(choices_condition_find(SLICE("crl-unreachable")), when, 10);
    assert_true(strlen(when) < 10);
}

static void the_matrix_is_that_of_the_specification(void **state)
{
    (void)state;
    for (enum choice_client c = CHOICE_PKI; c < CHOICE_CLIENTS; c++) {
        assert_true(choices_mode_allows(CHOICE_MP_HTTPS, c));
        assert_int_equal(choices_mode_allows(CHOICE_MP_EHTTP, c), c != CHOICE_PKI);
    }
    assert_int_equal(choices_mode_clients(CHOICE_MP_HTTPS), 7);
    assert_int_equal(choices_mode_clients(CHOICE_MP_EHTTP), 6);
    for (unsigned clients = 0; clients < 8; clients++) {
        assert_int_equal(choices_connector_needs_certificate(CHOICE_MP_HTTPS, clients), clients & 1);
        assert_false(choices_connector_needs_certificate(CHOICE_MP_EHTTP, clients));
    }
}

static void settings_that_cannot_work_are_named_at_start_up(void **state)
{
    (void)state;
    unsigned pki = CHOICE_BIT(CHOICE_PKI), token = CHOICE_BIT(CHOICE_TOKEN);
    assert_string_equal(choices_forbids_mp(CHOICE_MP_EHTTP, pki | token)->id, "ehttp-forbids-pki");
    assert_string_equal(choices_forbids_mp(CHOICE_MP_HTTPS, 0)->id, "no-client-method");
    assert_null(choices_forbids_mp(CHOICE_MP_HTTPS, pki | token));
    assert_null(choices_forbids_mp(CHOICE_MP_EHTTP, token));
    assert_string_equal(choices_forbids_connector(CHOICE_MP_HTTPS, pki, false)->id, "connector-certificate-missing");
    assert_null(choices_forbids_connector(CHOICE_MP_HTTPS, pki, true));
    assert_null(choices_forbids_connector(CHOICE_MP_HTTPS, token, false));
    assert_null(choices_forbids_connector(CHOICE_MP_EHTTP, token, false));
    assert_string_equal(choices_forbids_gateway(0)->id, "server-certificate");
    assert_null(choices_forbids_gateway(1));
    assert_string_equal(choices_forbids_mp_certificate(CHOICE_MP_HTTPS, false)->id, "mp-certificate");
    assert_string_equal(choices_forbids_mp_certificate(CHOICE_MP_EHTTP, true)->id, "mp-ehttp");
    assert_null(choices_forbids_mp_certificate(CHOICE_MP_HTTPS, true));
    assert_null(choices_forbids_mp_certificate(CHOICE_MP_EHTTP, false));
    assert_string_equal(choices_forbids_client(CHOICE_MP_HTTPS, CHOICE_TOKEN, 1910)->id, "token-needs-2002");
    assert_null(choices_forbids_client(CHOICE_MP_EHTTP, CHOICE_TOKEN, 2002));
    assert_null(choices_forbids_client(CHOICE_MP_EHTTP, CHOICE_TOKEN, 0));
    assert_null(choices_forbids_client(CHOICE_MP_EHTTP, CHOICE_ENTRA, 1910));
    assert_null(choices_forbids_client(CHOICE_MP_HTTPS, CHOICE_PKI, 1910));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination_is_supported_exactly_as_the_specification_says),
        cmocka_unit_test(each_condition_is_said_exactly_where_it_holds),
        cmocka_unit_test(what_is_lost_without_a_join_is_always_told),
        cmocka_unit_test(the_crl_means_nothing_to_entra_and_token),
        cmocka_unit_test(every_reason_against_is_given_not_only_the_first),
        cmocka_unit_test(ids_are_unique_and_every_condition_says_when_it_applies),
        cmocka_unit_test(the_matrix_is_that_of_the_specification),
        cmocka_unit_test(settings_that_cannot_work_are_named_at_start_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
