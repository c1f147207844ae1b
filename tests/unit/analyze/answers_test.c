/* SPDX-License-Identifier: Apache-2.0 */
/* What the answers of a gateway and its management points mean as causes: each answer that sends the analysis another
 * way, once. There is no network: answers are the test's (web_http_do is replaced when this is linked). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../bundle/roles.h"
#include "analyze/context.h"
#include "base/clock.h"
#include "base/mem.h"
#include "pki/issue/issue.h"

enum { ROWS_MAX = 8, SEEN_MAX = 32 };

#define GATEWAY_TEXT "CMGService_Invalid_Client_Certificate"
#define PROBLEM(code, reason)                                                                                          \
    "{\"code\":\"" code "\",\"reason\":\"" reason "\",\"detail\":\"as found\",\"request_id\":\"r1\"}"

/* An answer to what has these words in its URL; the first that fits. */
struct row {
    const char *url;
    enum web_fault fault;
    long status;
    const char *body;
    const char *text; /* CMG-Status-Text */
    long millis;
    const char *location;
};

struct fixture {
    struct roles roles;
    struct analyze_config config;
    struct analyze_credential credential;
    struct analyze_report report;
    struct analyze_proof proof;
    struct analyze a;
    struct row rows[ROWS_MAX];
    char seen[SEEN_MAX][256]; /* "GET https://…" */
    size_t seen_count;
    char *location, *policy; /* documents of the site */
    char metadata[8192];     /* the gateway's answer that holds the former */
};

static struct fixture *fix;

enum web_fault __wrap_web_http_do(struct web_http *h, const struct web_request *r, struct web_answer *ret,
                                  struct error *err);

enum web_fault __wrap_web_http_do(struct web_http *h UNUSED, const struct web_request *r, struct web_answer *ret,
                                  struct error *err)
{
    assert_true(fix->seen_count < SEEN_MAX);
    (void)snprintf(fix->seen[fix->seen_count++], sizeof fix->seen[0], "%s %s", r->method, r->url);
    *ret = (struct web_answer){.status = 0};
    buf_init(&ret->body, WEB_ANSWER_MAX);
    for (const struct row *row = fix->rows; row->url; row++) {
        if (!strstr(r->url, row->url))
            continue;
        ret->status = row->status;
        ret->millis = row->millis;
        cstr_copy(ret->status_text, sizeof ret->status_text, row->text ? row->text : "");
        cstr_copy(ret->location, sizeof ret->location, row->location ? row->location : "");
        assert_int_equal(buf_append_str(&ret->body, row->body ? row->body : ""), OK);
        if (row->fault != WEB_FAULT_NONE)
            (void)error_set(err, R_IO, "as the transport says");
        return row->fault;
    }
    fail_msg("nothing answers %s %s", r->method, r->url);
    return WEB_FAULT_OTHER;
}

/* --- set-up --- */

#define LOCATION_OF(list) "{\"roles\":[" list "]}"
#define ROLE(id, mode, clients) "{\"id\":\"" id "\",\"mode\":\"" mode "\",\"clients\":[" clients "]}"

static void set_location(struct fixture *f, const char *content)
{
    free(f->location);
    f->location = roles_document(&f->roles, DOCUMENT_LOCATION, "all", 1, content, clock_wall_s());
    (void)snprintf(f->metadata, sizeof f->metadata, "{\"signed\":\"%s\"}", f->location);
}

static int setup(void **state)
{
    struct fixture *f = fix = mem_zalloc(sizeof *f);
    roles_make(&f->roles, clock_wall_s());
    f->credential = (struct analyze_credential){.kind = ANALYZE_PKI, .key = pki_key_new(), .subject = "CN=dev"};
    f->config = (struct analyze_config){
        .gateway = {.host = "gw.example", .port = 443}, .credential = &f->credential, .timeout_ms = 5000};
    f->a = (struct analyze){.c = &f->config, .report = &f->report, .proof = &f->proof};
    cstr_copy(f->a.authority, sizeof f->a.authority, "gw.example:443");
    set_location(f, LOCATION_OF(ROLE("720", "https", "\"pki\",\"token\"")));
    f->policy = roles_document(&f->roles, DOCUMENT_LOCATION, "all", 1, "{\"policies\":[{},{}]}", clock_wall_s());
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    analyze_report_free(&f->report);
    json_decref(f->a.location);
    free(f->a.access_token);
    EVP_PKEY_free(f->credential.key);
    free(f->credential.token);
    free(f->location);
    free(f->policy);
    roles_end(&f->roles);
    free(f);
    return 0;
}

static void use_token(struct fixture *f, enum analyze_kind kind)
{
    f->credential.kind = kind;
    f->credential.token = mem_strdup("t.o.k");
}

/* From now on `url` is answered so. */
static void answers(struct fixture *f, const struct row *row)
{
    size_t i = 0;
    while (f->rows[i].url && strcmp(f->rows[i].url, row->url) != 0)
        i++;
    assert_true(i + 1 < ROWS_MAX);
    f->rows[i] = *row;
}
#define ANSWERS(f, ...) answers(f, &(const struct row){__VA_ARGS__})

/* The problem document of a refusal by the table, until the next. */
static const char *refusal(enum verdict_reason reason)
{
    static char body[256];
    const struct verdict_reason_info *info = verdict_reason_info(reason);
    (void)snprintf(body, sizeof body, "{\"code\":\"%s\",\"reason\":\"%s\",\"request_id\":\"r1\"}",
                   verdict_refusal_info(info->refusal)->code, info->name);
    return body;
}

static struct analyze_result step(struct fixture *f, analyze_fn *fn)
{
    struct analyze_result r = {.outcome = ANALYZE_OK};
    fn(&f->a, &r);
    return r;
}

static void assert_failed(const struct analyze_result *r, const char *cause)
{
    if (r->outcome != ANALYZE_FAILED || strcmp(r->cause, cause) != 0)
        fail_msg("%s %s: %s", analyze_outcome_name(r->outcome), r->cause, r->found);
    assert_true(r->remedy[0] != '\0');
}

static void assert_ok(const struct analyze_result *r, const char *words)
{
    if (r->outcome != ANALYZE_OK || !strstr(r->found, words))
        fail_msg("%s %s: %s", analyze_outcome_name(r->outcome), r->cause, r->found);
}

static void assert_skipped(const struct analyze_result *r, const char *words)
{
    if (r->outcome != ANALYZE_SKIPPED || !strstr(r->found, words))
        fail_msg("%s %s: %s", analyze_outcome_name(r->outcome), r->cause, r->found);
}

/* --- authentication --- */

static void a_certificate_that_is_let_in_is_proved(void **state)
{
    struct fixture *f = *state;
    ANSWERS(f, "/CCM_Proxy_MutualAuth/ServiceMetadata", .status = 200, .body = f->metadata);
    struct analyze_result r = step(f, analyze_step_auth);
    assert_ok(&r, "let in by pki (CN=dev); location data not verified");
    assert_true(f->proof.of[ANALYZE_PKI]);
    assert_non_null(f->a.location);
}

static void a_token_is_shown_at_the_other_door(void **state)
{
    struct fixture *f = *state;
    use_token(f, ANALYZE_DEVICE);
    ANSWERS(f, "/CCM_Proxy_ServerAuth/ServiceMetadata", .status = 200, .body = f->metadata);
    struct analyze_result r = step(f, analyze_step_auth);
    assert_ok(&r, "let in");
    assert_true(f->proof.of[ANALYZE_DEVICE] && !f->proof.of[ANALYZE_PKI]);
}

static void a_bulk_token_proves_no_device(void **state)
{
    struct fixture *f = *state;
    use_token(f, ANALYZE_BULK);
    ANSWERS(f, "/ServiceMetadata", .status = 200, .body = f->metadata);
    struct analyze_result r = step(f, analyze_step_auth);
    assert_ok(&r, "proves no device");
}

static void without_a_credential_nobody_is_asked(void **state)
{
    struct fixture *f = *state;
    f->credential.kind = ANALYZE_NOTHING;
    struct analyze_result r = step(f, analyze_step_auth);
    assert_skipped(&r, "no credential was given");
    assert_int_equal(f->seen_count, 0);
}

static void a_refusal_is_told_by_the_table_s_name_and_what_was_found(void **state)
{
    struct fixture *f = *state;
    ANSWERS(f, "/ServiceMetadata", .status = 403, .text = GATEWAY_TEXT, .body = PROBLEM(GATEWAY_TEXT, "revoked"));
    struct analyze_result r = step(f, analyze_step_auth);
    assert_failed(&r, "revoked");
    assert_non_null(strstr(r.found, "as found"));
    assert_string_equal(r.code, GATEWAY_TEXT);
    assert_string_equal(r.request_id, "r1");
    assert_false(f->proof.of[ANALYZE_PKI]);
}

static void a_lack_of_lists_is_left_to_the_step_of_lists(void **state)
{
    struct fixture *f = *state;
    ANSWERS(f, "/ServiceMetadata", .status = 403, .text = GATEWAY_TEXT,
            .body = PROBLEM(GATEWAY_TEXT, "crl_unavailable"));
    struct roles_pair p = roles_issue(&f->roles, "gateway", "gw1", clock_wall_s() - 10, clock_wall_s() + 1000);
    f->credential.leaf = p.cert;
    struct analyze_result r = step(f, analyze_step_auth);
    assert_ok(&r, "its revocation could not be judged");
    assert_false(f->proof.of[ANALYZE_PKI]);
    r = step(f, analyze_step_crl);
    assert_failed(&r, "crl_unavailable");
    assert_non_null(strstr(r.found, "it names none"));
    assert_string_equal(r.request_id, "r1");
    roles_drop(&p);
}

static void a_certificate_that_was_not_seen_was_taken_off_on_the_way(void **state)
{
    struct fixture *f = *state;
    struct roles_pair p = roles_issue(&f->roles, "gateway", "gw1", clock_wall_s() - 10, clock_wall_s() + 1000);
    f->credential.certificate_pem = pki_cert_pem(p.cert);
    f->a.peer.leaf = p.cert;
    ANSWERS(f, "/ServiceMetadata", .status = 403, .text = GATEWAY_TEXT, .body = PROBLEM(GATEWAY_TEXT, "missing"));
    struct analyze_result r = step(f, analyze_step_auth);
    assert_failed(&r, "tls_intercepted");
    free(f->credential.certificate_pem);
    roles_drop(&p);
}

static void a_token_bound_to_another_key_asks_for_that_key_where_one_was_made(void **state)
{
    struct fixture *f = *state;
    use_token(f, ANALYZE_DEVICE);
    f->credential.fresh_key = true;
    ANSWERS(f, "/ServiceMetadata", .status = 401, .text = "CMGService_Invalid_Token",
            .body = PROBLEM("CMGService_Invalid_Token", "not_bound"));
    struct analyze_result r = step(f, analyze_step_auth);
    assert_failed(&r, "not_bound");
    assert_non_null(strstr(r.remedy, "--cert and --key"));
}

static void location_data_that_are_none_come_from_no_gateway(void **state)
{
    struct fixture *f = *state;
    static const char *const bodies[] = {"", "<html>", "{}", "{\"signed\":7}"};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        ANSWERS(f, "/ServiceMetadata", .status = 200, .body = bodies[i]);
        struct analyze_result r = step(f, analyze_step_auth);
        assert_failed(&r, "not_a_gateway");
    }
    assert_false(f->proof.of[ANALYZE_PKI]);
}

static void location_data_are_verified_where_the_site_s_key_is_known(void **state)
{
    struct fixture *f = *state;
    f->config.has_pin = true;
    memcpy(f->config.pin, f->roles.pin, sizeof f->config.pin);
    ANSWERS(f, "/ServiceMetadata", .status = 200, .body = f->metadata);
    struct analyze_result r = step(f, analyze_step_auth);
    assert_ok(&r, "let in by pki (CN=dev)");
    assert_null(strstr(r.found, "not verified"));
    assert_true(f->a.location_verified);
    json_decref(f->a.location);
    f->a.location = NULL;
    f->config.pin[0] ^= 1;
    r = step(f, analyze_step_auth);
    assert_failed(&r, "location_untrusted");
}

/* --- revocation --- */

static void tokens_have_no_lists(void **state)
{
    struct fixture *f = *state;
    use_token(f, ANALYZE_DEVICE);
    struct analyze_result r = step(f, analyze_step_crl);
    assert_skipped(&r, "tokens have no CRL");
}

/* --- what any answer means --- */

static void each_answer_that_is_none_has_its_cause(void **state)
{
    struct fixture *f = *state;
    static const struct {
        struct row row;
        const char *gateway, *point; /* the cause, from the gateway itself and from a management point */
    } rows[] = {
        {{.fault = WEB_FAULT_TIMED_OUT}, "no_answer", "mp_slow"},
        {{.fault = WEB_FAULT_STOPPED}, "stopped", "stopped"},
        {{.fault = WEB_FAULT_CONNECT_REFUSED}, "connection_refused", "connection_refused"},
        {{.status = 302, .location = "https://login.example/"}, "not_a_gateway", "mp_redirects"},
        {{.status = 404, .body = "<html>"}, "not_a_gateway", "bad_answer"},
        {{.status = 500, .body = "<html>"}, "not_a_gateway", "mp_error"},
        {{.status = 400, .body = "{\"code\":\"MP_X\",\"reason\":\"own\",\"remedy\":\"do so\"}"}, "own", "own"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int point = 0; point < 2; point++) {
            struct row row = rows[i].row;
            struct analyze_answer answer;
            struct analyze_result r = {.outcome = ANALYZE_OK};
            struct analyze_ask q = {.verb = "GET", .target = "/x"};
            row.url = "/x";
            answers(f, &row);
            analyze_ask(&f->a, &q, &answer);
            assert_false(analyze_good(&f->a, &answer, point, &r));
            assert_string_equal(r.cause, point ? rows[i].point : rows[i].gateway);
            analyze_answer_free(&answer);
        }
    }
}

static void a_redirect_says_where_it_leads(void **state)
{
    struct fixture *f = *state;
    struct analyze_answer answer = {.http = {.status = 301, .location = "https://login.example/"}};
    struct analyze_result r = {.outcome = ANALYZE_OK};
    assert_false(analyze_good(&f->a, &answer, true, &r));
    assert_non_null(strstr(r.found, "to https://login.example/"));
}

static void a_slow_answer_is_a_fault_of_a_management_point_alone(void **state)
{
    struct fixture *f = *state;
    struct analyze_answer slow = {.http = {.status = 200, .millis = ANALYZE_SLOW_MS + 1}};
    struct analyze_answer just = {.http = {.status = 200, .millis = ANALYZE_SLOW_MS}};
    struct analyze_result r = {.outcome = ANALYZE_OK};
    assert_true(analyze_good(&f->a, &slow, false, &r));
    assert_true(analyze_good(&f->a, &just, true, &r));
    assert_false(analyze_good(&f->a, &slow, true, &r));
    assert_failed(&r, "mp_slow");
}

/* --- which management points --- */

static void know_location(struct fixture *f, const char *content)
{
    json_decref(f->a.location);
    f->a.location = json_loads(content, 0, NULL);
    assert_non_null(f->a.location);
}

static void management_points_are_told_by_whether_the_method_works_there(void **state)
{
    struct fixture *f = *state;
    know_location(f, LOCATION_OF(ROLE("720", "https", "\"pki\"") "," ROLE("721", "ehttp", "\"token\"")));
    struct analyze_result r = step(f, analyze_step_points);
    assert_ok(&r, "720 (https); not at 721 (ehttp)");
}

static void a_site_without_management_points_says_so(void **state)
{
    struct fixture *f = *state;
    know_location(f, LOCATION_OF(""));
    struct analyze_result r = step(f, analyze_step_points);
    assert_failed(&r, "no_management_point");
    know_location(f, "{}");
    r = step(f, analyze_step_points);
    assert_failed(&r, "not_a_gateway");
}

static void the_one_that_was_asked_for_is_looked_at_alone(void **state)
{
    struct fixture *f = *state;
    const char *two = LOCATION_OF(ROLE("720", "https", "\"pki\"") "," ROLE("72A", "https", "\"pki\""));
    know_location(f, two);
    cstr_copy(f->config.gateway.role, sizeof f->config.gateway.role, "72a");
    struct analyze_result r = step(f, analyze_step_points);
    assert_ok(&r, "72A (https)");
    assert_int_equal(f->a.roles.count, 1);
    cstr_copy(f->config.gateway.role, sizeof f->config.gateway.role, "999");
    r = step(f, analyze_step_points);
    assert_failed(&r, "no_management_point");
    assert_non_null(strstr(r.found, "there is no '999'; there are: 720, 72A"));
}

static void a_method_that_works_nowhere_is_told_in_the_gateway_s_words(void **state)
{
    struct fixture *f = *state;
    know_location(f, LOCATION_OF(ROLE("720", "ehttp", "\"token\"")));
    ANSWERS(f, "/720/SMS_MP", .status = 403, .body = PROBLEM("CMGService_Mode_Forbids_Method", "x"));
    struct analyze_result r = step(f, analyze_step_points);
    assert_failed(&r, verdict_reason_info(REASON_MODE_FORBIDS_PKI)->name);
    assert_string_equal(r.code, "CMGService_Mode_Forbids_Method");
}

/* --- connection points --- */

static void one_management_point_that_is_reached_is_enough(void **state)
{
    struct fixture *f = *state;
    know_location(f, LOCATION_OF(ROLE("720", "https", "\"pki\"") "," ROLE("721", "https", "\"pki\"")));
    (void)step(f, analyze_step_points);
    ANSWERS(f, "/720/", .status = 503, .body = refusal(REASON_NO_CONNECTOR));
    ANSWERS(f, "/721/", .status = 200);
    struct analyze_result r = step(f, analyze_step_connectors);
    assert_ok(&r, "reach 1 of 2");
    assert_string_equal(r.cause, "");
    assert_string_equal(r.request_id, "");
}

static void none_that_is_reached_is_the_connection_points_fault(void **state)
{
    struct fixture *f = *state;
    know_location(f, LOCATION_OF(ROLE("720", "https", "\"pki\"")));
    (void)step(f, analyze_step_points);
    ANSWERS(f, "/720/", .status = 503, .body = refusal(REASON_NO_CONNECTOR));
    struct analyze_result r = step(f, analyze_step_connectors);
    assert_failed(&r, verdict_reason_info(REASON_NO_CONNECTOR)->name);
}

static void no_token_is_used_up_to_see_who_is_there(void **state)
{
    struct fixture *f = *state;
    know_location(f, LOCATION_OF(ROLE("720", "ehttp", "\"token\"")));
    use_token(f, ANALYZE_BULK);
    (void)step(f, analyze_step_points);
    ANSWERS(f, "/720/", .status = 400);
    (void)step(f, analyze_step_connectors);
    assert_non_null(strstr(f->seen[0], "POST https://gw.example:443/CCM_Proxy_ServerAuth/720/CCM_Client/registration"));
}

/* --- each management point --- */

static const struct analyze_result *found(const struct fixture *f, const char *id)
{
    const struct analyze_result *r = analyze_report_find(&f->report, id);
    if (!r)
        fail_msg("no step %s", id);
    return r;
}

static void reached(void *arg UNUSED, struct analyze_result *r UNUSED)
{
}

/* All steps of what the location data name, as if all before them were fine. */
static void run_points(struct fixture *f, const char *content)
{
    const struct analyze_step connectors = {"connectors", "Connection points", NULL, reached};
    know_location(f, content);
    (void)step(f, analyze_step_points);
    (void)analyze_step_run(&f->report, &connectors, NULL, NULL);
    analyze_points_run(&f->a);
}

static void with_a_certificate_location_and_policy_are_asked_for_without_tokens(void **state)
{
    struct fixture *f = *state;
    ANSWERS(f, "MPLIST", .status = 200, .body = f->location);
    ANSWERS(f, ".sms_pol", .status = 200, .body = f->policy);
    run_points(f, LOCATION_OF(ROLE("720", "https", "\"pki\"")));
    assert_skipped(found(f, "mp.720.sts"), "pki needs no tokens");
    assert_ok(found(f, "mp.720.location"), "1 management points, signature not checked");
    assert_ok(found(f, "mp.720.policy"), "2 policies");
    assert_true(f->proof.of[ANALYZE_PKI]);
}

static void a_device_token_is_exchanged_first_and_proves_both(void **state)
{
    struct fixture *f = *state;
    use_token(f, ANALYZE_DEVICE);
    ANSWERS(f, "/CCM_STS", .status = 200, .body = "{\"access_token\":\"a.b.c\",\"expires_in\":3600}");
    ANSWERS(f, "MPLIST", .status = 200, .body = f->location);
    ANSWERS(f, ".sms_pol", .status = 200, .body = f->policy);
    run_points(f, LOCATION_OF(ROLE("720", "ehttp", "\"token\"")));
    assert_ok(found(f, "mp.720.sts"), "gave an access token for 3600 s");
    assert_true(f->proof.of[ANALYZE_ACCESS]);
    assert_string_equal(analyze_bearer(&f->a), "a.b.c");
}

static void a_token_service_that_gives_no_token_holds_the_rest_up(void **state)
{
    struct fixture *f = *state;
    static const char *const bodies[] = {"{}", "{\"access_token\":\"two words\"}", "no JSON"};
    use_token(f, ANALYZE_DEVICE);
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        ANSWERS(f, "/CCM_STS", .status = 200, .body = bodies[i]);
        analyze_report_free(&f->report);
        run_points(f, LOCATION_OF(ROLE("720", "ehttp", "\"token\"")));
        assert_failed(found(f, "mp.720.sts"), "bad_answer");
        assert_string_equal(found(f, "mp.720.policy")->needs, "mp.720.sts");
    }
}

static void a_key_that_nobody_registered_is_a_fault_of_a_device_s_own_alone(void **state)
{
    struct fixture *f = *state;
    ANSWERS(f, "MPLIST", .status = 200, .body = f->location);
    ANSWERS(f, ".sms_pol", .status = 403,
            .body = "{\"code\":\"MP_Forbidden\",\"reason\":\"not_registered\",\"remedy\":\"register\"}");
    run_points(f, LOCATION_OF(ROLE("720", "https", "\"pki\"")));
    assert_skipped(found(f, "mp.720.policy"), "no device is registered");
    f->config.own_device = true;
    analyze_report_free(&f->report);
    run_points(f, LOCATION_OF(ROLE("720", "https", "\"pki\"")));
    assert_failed(found(f, "mp.720.policy"), "not_registered");
}

static void a_policy_of_another_signer_is_told_where_the_site_s_key_is_known(void **state)
{
    struct fixture *f = *state;
    f->config.has_pin = true;
    memcpy(f->config.pin, f->roles.pin, sizeof f->config.pin);
    ANSWERS(f, "MPLIST", .status = 200, .body = f->location);
    ANSWERS(f, ".sms_pol", .status = 200, .body = f->policy); /* signed, but as location data */
    run_points(f, LOCATION_OF(ROLE("720", "https", "\"pki\"")));
    assert_ok(found(f, "mp.720.location"), "signed by the site");
    assert_failed(found(f, "mp.720.policy"), "policy_untrusted");
}

static void a_bulk_token_is_tried_by_a_registration_that_registers_nobody(void **state)
{
    struct fixture *f = *state;
    use_token(f, ANALYZE_BULK);
    ANSWERS(f, "/registration", .status = 400, .body = "{\"code\":\"MP_Bad_Request\",\"reason\":\"malformed\"}");
    run_points(f, LOCATION_OF(ROLE("720", "ehttp", "\"token\"")));
    assert_ok(found(f, "mp.720.registration"), "nothing was registered");
    assert_null(analyze_report_find(&f->report, "mp.720.policy"));
}

static void where_the_method_does_not_work_nothing_is_asked(void **state)
{
    struct fixture *f = *state;
    ANSWERS(f, "/720/", .status = 200, .body = f->location);
    run_points(f, LOCATION_OF(ROLE("720", "https", "\"pki\"") "," ROLE("721", "ehttp", "\"token\"")));
    assert_skipped(found(f, "mp.721"), "it runs in mode ehttp");
    for (size_t i = 0; i < f->seen_count; i++)
        assert_null(strstr(f->seen[i], "/721/"));
}

static void a_device_that_has_not_registered_yet_is_told_so_last(void **state)
{
    struct fixture *f = *state;
    use_token(f, ANALYZE_BULK);
    f->config.own_device = true;
    ANSWERS(f, "/registration", .status = 400, .body = "{\"code\":\"MP_Bad_Request\",\"reason\":\"malformed\"}");
    run_points(f, LOCATION_OF(ROLE("720", "ehttp", "\"token\"")));
    assert_failed(found(f, "registered"), "not_registered");

    analyze_report_free(&f->report);
    f->config.refused_cause = "token_used_up";
    f->config.refused_found = "the token was used up";
    f->config.refused_remedy = "take another";
    run_points(f, LOCATION_OF(ROLE("720", "ehttp", "\"token\"")));
    assert_failed(found(f, "registered"), "token_used_up");

    analyze_report_free(&f->report);
    f->config.pending = true;
    run_points(f, LOCATION_OF(ROLE("720", "ehttp", "\"token\"")));
    assert_failed(found(f, "registered"), "approval_pending");
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        HELD(a_certificate_that_is_let_in_is_proved),
        HELD(a_token_is_shown_at_the_other_door),
        HELD(a_bulk_token_proves_no_device),
        HELD(without_a_credential_nobody_is_asked),
        HELD(a_refusal_is_told_by_the_table_s_name_and_what_was_found),
        HELD(a_lack_of_lists_is_left_to_the_step_of_lists),
        HELD(a_certificate_that_was_not_seen_was_taken_off_on_the_way),
        HELD(a_token_bound_to_another_key_asks_for_that_key_where_one_was_made),
        HELD(location_data_that_are_none_come_from_no_gateway),
        HELD(location_data_are_verified_where_the_site_s_key_is_known),
        HELD(tokens_have_no_lists),
        HELD(each_answer_that_is_none_has_its_cause),
        HELD(a_redirect_says_where_it_leads),
        HELD(a_slow_answer_is_a_fault_of_a_management_point_alone),
        HELD(management_points_are_told_by_whether_the_method_works_there),
        HELD(a_site_without_management_points_says_so),
        HELD(the_one_that_was_asked_for_is_looked_at_alone),
        HELD(a_method_that_works_nowhere_is_told_in_the_gateway_s_words),
        HELD(one_management_point_that_is_reached_is_enough),
        HELD(none_that_is_reached_is_the_connection_points_fault),
        HELD(no_token_is_used_up_to_see_who_is_there),
        HELD(with_a_certificate_location_and_policy_are_asked_for_without_tokens),
        HELD(a_device_token_is_exchanged_first_and_proves_both),
        HELD(a_token_service_that_gives_no_token_holds_the_rest_up),
        HELD(a_key_that_nobody_registered_is_a_fault_of_a_device_s_own_alone),
        HELD(a_policy_of_another_signer_is_told_where_the_site_s_key_is_known),
        HELD(a_bulk_token_is_tried_by_a_registration_that_registers_nobody),
        HELD(where_the_method_does_not_work_nothing_is_asked),
        HELD(a_device_that_has_not_registered_yet_is_told_so_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
