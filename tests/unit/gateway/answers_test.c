/* SPDX-License-Identifier: Apache-2.0 */
/* What the gateway itself answers: refusals by the table, and what it tells everybody of its tenants. */
#include "floor.h"

#include "gateway/request/refusal.h"
#include "gateway/request/tenant_info.h"
#include "net/strangers.h"
#include "verdict/problem.h"
#include "json/json.h"

#define TENANT_ID "11111111-2222-4333-8444-555555555555"
#define TENANTS                                                                                                        \
    ",\"tenants\":[{\"id\":\"contoso\",\"tenant\":\"" TENANT_ID "\",\"issuers\":[\"https://one.example/\","            \
    "\"https://two.example/\"],\"audiences\":[\"api://cmg\"],\"client_app_id\":\"app\",\"resource\":\"api://cmg\","    \
    "\"jwks\":{\"keys\":[]}}]"

/* --- refusals --- */

static struct asker *refuse(struct floor *f, const char *method, struct refusal r)
{
    struct asker *a = asker_new(method, "gw.example", "/path?secret=1");
    r.request_id = "id-1";
    r.peer = "192.0.2.1";
    r.metrics = &f->k->metrics;
    refusal_send(&r, &a->exchange);
    assert_true(a->ended);
    return a;
}

static void status_code_reason_and_counter_of_each_refusal_are_those_of_the_table(void **state)
{
    struct floor *f = *state;
    for (enum verdict_reason reason = REASON_OK + 1; reason < REASON_COUNT; reason++) {
        const struct verdict_reason_info *why = verdict_reason_info(reason);
        const struct verdict_refusal_info *what = verdict_refusal_info(why->refusal);
        struct asker *a = refuse(f, "GET", (struct refusal){.reason = reason});
        json_t *problem = json_loads(a->body, 0, NULL);
        assert_int_equal(a->status, what->status);
        assert_string_equal(a->reason, what->code);
        assert_field(a->fields, "cmg-status-text", what->code);
        assert_field(a->fields, "content-type", VERDICT_PROBLEM_TYPE);
        assert_field(a->fields, "cache-control", "no-store");
        assert_field(a->fields, "allow", NULL);
        assert_string_equal(json_opt_str(problem, "reason", ""), why->name);
        assert_int_equal(floor_refused(f, reason), 1);
        json_decref(problem);
        asker_free(a);
    }
}

static void a_challenge_says_what_would_be_taken(void **state)
{
    static const struct {
        enum verdict_reason reason;
        const char *challenge;
    } cases[] = {
        {REASON_CERT_MISSING, "CMG-Certificate reason=\"missing\""},
        {REASON_TOKEN_MISSING, "Bearer"},
        {REASON_TOKEN_NOT_BOUND, NULL},
        {REASON_UNKNOWN_ENDPOINT, NULL},
    };
    struct floor *f = *state;
    char text[160];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct verdict_reason_info *why = verdict_reason_info(cases[i].reason);
        struct asker *a = refuse(f, "GET", (struct refusal){.reason = cases[i].reason});
        (void)snprintf(text, sizeof text, "Bearer error=\"invalid_token\", error_description=\"%s\"", why->name);
        bool token = why->refusal == REFUSAL_INVALID_TOKEN && !cases[i].challenge;
        assert_field(a->fields, "www-authenticate", token ? text : cases[i].challenge);
        asker_free(a);
    }
}

static void what_passes_by_itself_says_when_to_come_again(void **state)
{
    struct floor *f = *state;
    char after[16];
    (void)snprintf(after, sizeof after, "%d", VERDICT_RETRY_AFTER_S);
    struct asker *a = refuse(f, "GET", (struct refusal){.reason = REASON_NO_CONNECTOR}),
                 *b = refuse(f, "GET", (struct refusal){.reason = REASON_UNKNOWN_ENDPOINT});
    assert_field(a->fields, "retry-after", after);
    assert_field(b->fields, "retry-after", NULL);
    asker_free(a);
    asker_free(b);
}

static void a_refusal_of_a_head_has_its_fields_and_no_body(void **state)
{
    struct floor *f = *state;
    struct asker *a = refuse(f, "HEAD", (struct refusal){.reason = REASON_UNKNOWN_ENDPOINT});
    assert_int_equal(a->status, 404);
    assert_int_equal(a->body_len, 0);
    asker_free(a);
}

static void a_refusal_says_its_own_detail_and_remedy_where_it_has_them(void **state)
{
    struct floor *f = *state;
    struct asker *a = refuse(f, "GET", (struct refusal){REASON_UNKNOWN_ENDPOINT, "in its own words", "do that"});
    json_t *problem = json_loads(a->body, 0, NULL);
    assert_string_equal(json_opt_str(problem, "detail", ""), "in its own words");
    assert_non_null(strstr(a->body, "do that"));
    assert_non_null(strstr(a->body, "id-1"));
    json_decref(problem);
    asker_free(a);
}

/* --- tenants --- */

#define ABOUT "/CCM_Proxy_ServerAuth/AADAuthInfo"

static struct asker *about(struct visitor *v, const char *query)
{
    char target[200];
    (void)snprintf(target, sizeof target, ABOUT "%s", query);
    struct asker *a = asker_new("GET", "gw.example", "");
    a->exchange.request.target = arena_printf(a->exchange.arena, "%s", target);
    floor_send(v, a);
    return a;
}

static void a_tenant_is_told_to_everybody_by_its_id_or_its_name_here(void **state)
{
    static const char *const queries[] = {"?TenantID=" TENANT_ID, "?tenantid=contoso", "?x=1&TENANTID=CONTOSO"};
    struct floor *f = *state;
    kit_bundle(f->k, TENANTS);
    struct visitor *v = floor_come(f, "192.0.2.1", NULL);
    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        struct asker *a = about(v, queries[i]);
        if (a->status != 200)
            fail_msg("%s: %s", queries[i], a->body);
        json_t *o = json_loads(a->body, 0, NULL);
        assert_string_equal(json_opt_str(o, "tenant", ""), TENANT_ID);
        assert_string_equal(json_opt_str(o, "client_app_id", ""), "app");
        assert_string_equal(json_opt_str(o, "resource", ""), "api://cmg");
        assert_string_equal(json_opt_str(o, "issuer", ""), "https://one.example/");
        json_decref(o);
        asker_free(a);
    }
    assert_false(v->http->let_in); /* it is nobody yet */
}

static void a_tenant_that_is_not_added_is_unknown(void **state)
{
    static const char *const queries[] = {"", "?", "?TenantID=", "?TenantID=fabrikam", "?id=contoso"};
    struct floor *f = *state;
    kit_bundle(f->k, TENANTS);
    struct visitor *v = floor_come(f, "192.0.2.1", NULL);
    for (size_t i = 0; i < ARRAY_LEN(queries); i++)
        asker_free(about(v, queries[i]));
    assert_int_equal(floor_refused(f, REASON_TOKEN_UNKNOWN_TENANT), ARRAY_LEN(queries));
}

static void one_address_may_ask_so_often_and_another_has_its_own_rate(void **state)
{
    struct floor *f = *state;
    kit_bundle(f->k, TENANTS);
    struct visitor *v = floor_come(f, "192.0.2.1", NULL), *other = floor_come(f, "192.0.2.2", NULL);
    for (unsigned i = 0; i < NET_STRANGERS_QUESTIONS_BURST; i++)
        asker_free(about(v, "?TenantID=contoso"));
    assert_int_equal(floor_refused(f, REASON_TOO_MANY_REQUESTS), 0);
    asker_free(about(v, "?TenantID=contoso"));
    assert_int_equal(floor_refused(f, REASON_TOO_MANY_REQUESTS), 1);
    asker_free(about(other, "?TenantID=contoso"));
    assert_int_equal(floor_refused(f, REASON_TOO_MANY_REQUESTS), 1);
    floor_pass(f, 1000);
    asker_free(about(v, "?TenantID=contoso"));
    assert_int_equal(floor_refused(f, REASON_TOO_MANY_REQUESTS), 1);
}

static void all_addresses_together_have_a_rate_of_their_own(void **state)
{
    struct floor *f = *state;
    kit_bundle(f->k, TENANTS);
    struct visitor *v = floor_come(f, "192.0.2.1", NULL);
    f->desk.tenant_info.all.tokens = 0;
    asker_free(about(v, "?TenantID=contoso"));
    assert_int_equal(floor_refused(f, REASON_TOO_MANY_REQUESTS), 0); /* it asks little: there is a part for such */
    f->desk.tenant_info.few.tokens = 0;
    asker_free(about(v, "?TenantID=contoso"));
    assert_int_equal(floor_refused(f, REASON_TOO_MANY_REQUESTS), 1);
}

static void the_name_behind_the_other_prefix_is_no_question_of_that_kind(void **state)
{
    struct target t;
    struct error err;
    (void)state;
    assert_int_equal(target_parse(SLICE("/CCM_Proxy_ServerAuth/aadauthinfo?x"), &t, &err), OK);
    assert_true(tenant_info_asked(&t));
    assert_int_equal(target_parse(SLICE("/CCM_Proxy_ServerAuth/AADAuthInfo/more"), &t, &err), OK);
    assert_false(tenant_info_asked(&t));
    assert_int_equal(target_parse(SLICE("/CCM_Proxy_MutualAuth/AADAuthInfo"), &t, &err), OK);
    assert_false(tenant_info_asked(&t));
    assert_int_equal(target_parse(SLICE("/AADAuthInfo"), &t, &err), OK);
    assert_false(tenant_info_asked(&t));
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, floor_setup, floor_teardown)
    const struct CMUnitTest tests[] = {
        HELD(status_code_reason_and_counter_of_each_refusal_are_those_of_the_table),
        HELD(a_challenge_says_what_would_be_taken),
        HELD(what_passes_by_itself_says_when_to_come_again),
        HELD(a_refusal_of_a_head_has_its_fields_and_no_body),
        HELD(a_refusal_says_its_own_detail_and_remedy_where_it_has_them),
        HELD(a_tenant_is_told_to_everybody_by_its_id_or_its_name_here),
        HELD(a_tenant_that_is_not_added_is_unknown),
        HELD(one_address_may_ask_so_often_and_another_has_its_own_rate),
        HELD(all_addresses_together_have_a_rate_of_their_own),
        HELD(the_name_behind_the_other_prefix_is_no_question_of_that_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
