/* SPDX-License-Identifier: Apache-2.0 */
/* What devices and connectors ask: policy, settings, location, reports, lists, questions; who may, what is answered,
 * and what is not answered again. */
#include "kit.h"

#include "jose/token.h"
#include "mp/answer/handlers.h"
#include "mp/answer/parked.h"
#include "mp/sender/device.h"
#include "store/sequence.h"
#include "store/site/question.h"
#include "store/site/role.h"
#include "store/site/trust.h"
#include "store/targeting/client_settings.h"

static struct kit_device device;
static struct kit_ask ask;

static int setup(void **state)
{
    if (kit_open(state) != 0)
        return -1;
    struct store_connector cp = {.id = "cp1", .not_after = clock_wall_s() + 1000};
    struct store_gateway gw = {.id = "gw1", .host = "gw.example", .port = 443, .not_after = clock_wall_s() + 1000};
    ok(store_bump(site.store, STORE_LOCATION, &err));
    ok(store_connector_add(site.store, &cp, &err));
    ok(store_gateway_add(site.store, &gw, &err));
    kit_device_new(&device);
    kit_device_record(&device, "pc", STORE_APPROVED);
    ask = (struct kit_ask){0};
    return 0;
}

static void next(void)
{
    if (ask.x.ops)
        kit_forget(&ask);
    ask = (struct kit_ask){0};
}

static int teardown(void **state)
{
    next();
    kit_device_free(&device);
    return kit_close(state);
}

/* The device, by its certificate. */
static void begin_as_device(const char *target)
{
    next();
    kit_ask(&ask, "GET", target, "");
    ask.r->sender.identity.auth = MP_PKI;
    assert_int_equal(X509_up_ref(device.certificate), 1);
    ask.r->sender.identity.certificate = device.certificate;
    kit_sign(&ask, device.key, clock_wall_s());
}

static int by_device(const char *target, mp_handler_fn *handle)
{
    begin_as_device(target);
    kit_handle(&ask, handle);
    return ask.status;
}

static int by_connector(const char *method, const char *target, const char *body, mp_handler_fn *handle)
{
    next();
    kit_ask(&ask, method, target, body);
    (void)snprintf(ask.r->sender.identity.connector, PKI_ROLE_ID_MAX, "cp1");
    kit_handle(&ask, handle);
    return ask.status;
}

/* A field of the answer, in `rows`; "": it has none. */
static const char *field(const char *name)
{
    struct slice value = http_fields_get(&ask.fields, slice_of(name));
    return value.ptr ? arena_dup(rows, value).ptr : "";
}

static void refused(int status, const char *reason)
{
    if (ask.status != status || strcmp(kit_said(&ask, "reason"), reason) != 0)
        fail_msg("%d %s: %s", ask.status, kit_said(&ask, "reason"), kit_said(&ask, "detail"));
}

static void set_default(const char *settings)
{
    struct store_client_settings c = {
        .name = STORE_CLIENT_SETTINGS_DEFAULT, .priority = STORE_CLIENT_SETTINGS_LAST, .settings = settings};
    ok(store_client_settings_put(site.store, &c, &err));
}

/* --- policy and settings --- */

static void a_policy_is_sent_once_a_version(void **state UNUSED)
{
    assert_int_equal(by_device("/SMS_MP/.sms_pol?MACHINE", mp_handle_policy), 200);
    const char *tag = field("etag");
    assert_true(*tag);
    static const char *const held[] = {"%s", "W/%s", "\"7\", %s"};
    for (size_t i = 0; i < ARRAY_LEN(held); i++) {
        char text[64];
        (void)snprintf(text, sizeof text, held[i], tag);
        begin_as_device("/SMS_MP/.sms_pol?machine");
        kit_field(&ask, "if-none-match", text);
        kit_handle(&ask, mp_handle_policy);
        assert_int_equal(ask.status, 304);
        assert_int_equal(buf_len(&ask.body), 0);
    }
    begin_as_device("/SMS_MP/.sms_pol?MACHINE");
    kit_field(&ask, "if-none-match", "\"0\"");
    kit_handle(&ask, mp_handle_policy);
    assert_int_equal(ask.status, 200);
}

static void another_word_is_no_policy(void **state UNUSED)
{
    static const char *const targets[] = {"/SMS_MP/.sms_pol", "/SMS_MP/.sms_pol?", "/SMS_MP/.sms_pol?USER"};
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        (void)by_device(targets[i], mp_handle_policy);
        refused(404, "not_found");
    }
}

static void settings_that_forbid_the_gateways_are_obeyed_on_the_way_through_one(void **state UNUSED)
{
    set_default("{\"allow_cmg\":false}");
    assert_int_equal(by_device("/SMS_MP/.sms_pol?MACHINE", mp_handle_policy), 200); /* directly inside */
    begin_as_device("/SMS_MP/.sms_pol?MACHINE");
    ask.r->sender.identity.asserted = true;
    kit_handle(&ask, mp_handle_policy);
    refused(403, "cmg_disallowed");
    assert_non_null(strstr(kit_said(&ask, "detail"), "allow_cmg is no by default settings"));
    begin_as_device("/SMS_MP/.sms_pol?SETTINGS"); /* by which it hears of the change */
    ask.r->sender.identity.asserted = true;
    kit_handle(&ask, mp_handle_policy);
    assert_int_equal(ask.status, 200);
}

static void a_method_that_settings_leave_out_is_refused(void **state UNUSED)
{
    set_default("{\"allowed_methods\":[\"token\"]}");
    (void)by_device("/SMS_MP/.sms_pol?MACHINE", mp_handle_policy);
    refused(403, "method_not_allowed_here");
    assert_non_null(strstr(kit_said(&ask, "detail"), "allowed_methods leaves out pki"));
}

static void settings_have_a_number_that_grows_when_they_change(void **state UNUSED)
{
    struct store_device_settings first, second;
    assert_int_equal(by_device("/SMS_MP/.sms_pol?SETTINGS", mp_handle_policy), 200);
    const char *tag = field("etag");
    ok(store_device_settings_get(site.store, rows, device.guid, &first, &err));
    begin_as_device("/SMS_MP/.sms_pol?SETTINGS");
    kit_field(&ask, "if-none-match", tag);
    kit_handle(&ask, mp_handle_policy);
    assert_int_equal(ask.status, 304);
    set_default("{\"policy_interval\":60}");
    begin_as_device("/SMS_MP/.sms_pol?SETTINGS");
    kit_field(&ask, "if-none-match", tag);
    kit_handle(&ask, mp_handle_policy);
    assert_int_equal(ask.status, 200);
    ok(store_device_settings_get(site.store, rows, device.guid, &second, &err));
    assert_true(second.sequence > first.sequence);
}

/* The store was put back to an older copy. */
static void a_device_that_holds_newer_settings_gets_a_number_above_them(void **state UNUSED)
{
    char held[64];
    int64_t ahead = clock_wall_s() + 1000;
    (void)snprintf(held, sizeof held, "\"%lld\"", (long long)ahead);
    begin_as_device("/SMS_MP/.sms_pol?SETTINGS");
    kit_field(&ask, "if-none-match", held);
    kit_handle(&ask, mp_handle_policy);
    assert_int_equal(ask.status, 200);
    (void)snprintf(held, sizeof held, "\"%lld\"", (long long)ahead + 1);
    assert_string_equal(field("etag"), held);
}

static void a_users_policy_wants_a_user_token_beside_the_certificate(void **state UNUSED)
{
    struct token t = {.kind = TOKEN_USER, .issued = clock_wall_s(), .user = "ada@example.com"};
    char other[GUID_SIZE], *text;
    (void)by_device("/CCM_User/policy", mp_handle_user_policy);
    refused(401, "missing");
    guid_new(other);
    const char *const subjects[] = {device.guid, other};
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
        t.not_before = t.issued;
        t.expires = t.issued + 1000;
        (void)snprintf(t.subject, sizeof t.subject, "%s", subjects[i]);
        token_x5t(device.certificate, t.x5t);
        ok(token_issue(site.keys.token, "LAB", &t, &text, &err));
        begin_as_device("/CCM_User/policy");
        ask.r->sender.identity.bearer = slice_of(text);
        kit_handle(&ask, mp_handle_user_policy);
        if (i == 0)
            assert_int_equal(ask.status, 200);
        else
            refused(401, "not_bound");
        free(text);
    }
}

/* --- location --- */

static void where_everything_is_any_device_may_ask_that_is_not_blocked(void **state UNUSED)
{
    assert_int_equal(by_device("/SMS_MP/.sms_aut?MPLIST", mp_handle_location), 200);
    ok(store_device_block(site.store, device.guid, true, &err));
    (void)by_device("/SMS_MP/.sms_aut?MPLIST", mp_handle_location);
    refused(403, "blocked");
    next();
    kit_ask(&ask, "GET", "/SMS_MP/.sms_aut?SITESIGNCERT", ""); /* inside anybody */
    kit_handle(&ask, mp_handle_location);
    assert_int_equal(ask.status, 200);
    struct slice rest = buf_data(&ask.body);
    assert_true(slice_starts(rest, slice_of(site.keys.role_ca_pem)));
    assert_true(slice_eq(slice_skip(rest, strlen(site.keys.role_ca_pem)), slice_of(site.keys.root_pem)));
    (void)by_device("/SMS_MP/.sms_aut?OTHER", mp_handle_location);
    refused(404, "not_found");
}

/* A signature is not wanted there, but a wrong one is. */
static void a_signature_that_is_there_is_checked(void **state UNUSED)
{
    next();
    kit_ask(&ask, "GET", "/SMS_MP/.sms_aut?MPLIST", "");
    ask.r->sender.identity.auth = MP_PKI;
    assert_int_equal(X509_up_ref(device.certificate), 1);
    ask.r->sender.identity.certificate = device.certificate;
    kit_sign(&ask, site.keys.role_ca_key, clock_wall_s());
    kit_handle(&ask, mp_handle_location);
    refused(401, "signature_wrong");
}

/* --- the site service --- */

static void a_report_is_kept_as_what_its_sender_told(void **state UNUSED)
{
    struct store_connector cp;
    struct store_gateway gw;
    assert_int_equal(by_connector("POST", "/.cmg/report", "{\"version\":\"0.1.0\"}", mp_handle_site_report), 204);
    assert_int_equal(by_connector("POST", "/.cmg/report/gw1", "{\"version\":\"0.1.0\"}", mp_handle_site_report), 204);
    ok(store_connector_get(site.store, rows, "cp1", &cp, &err));
    ok(store_gateway_get(site.store, rows, "gw1", &gw, &err));
    assert_true(cp.seen && gw.seen && cp.report && gw.report);
    static const char *const wrong[] = {"", "[]", "{"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        (void)by_connector("POST", "/.cmg/report", wrong[i], mp_handle_site_report);
        refused(400, "bad_request");
    }
    (void)by_connector("POST", "/.cmg/report/GW!", "{}", mp_handle_site_report);
    refused(400, "bad_request");
}

static void a_document_is_asked_for_by_the_number_of_the_last_one(void **state UNUSED)
{
    assert_int_equal(by_connector("GET", "/.cmg/bundle", "", mp_handle_site_bundle), 200);
    assert_int_equal(by_connector("GET", "/.cmg/bundle?after=0", "", mp_handle_site_bundle), 200);
    assert_int_equal(by_connector("GET", "/.cmg/connector", "", mp_handle_site_connector), 200);
    static const char *const wrong[] = {"/.cmg/bundle?after=x", "/.cmg/bundle?after=-1",
                                        "/.cmg/bundle?after=9223372036854775808"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        (void)by_connector("GET", wrong[i], "", mp_handle_site_bundle);
        refused(400, "bad_request");
    }
}

static void a_list_is_fetched_by_its_hash(void **state UNUSED)
{
    static const char hash[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct store_trust t = {.id = "l",
                            .kind = STORE_CRL,
                            .subject = "",
                            .number = "01",
                            .sha256 = hash,
                            .fetch_hosts = "",
                            .data = "aGVsbG8="};
    char path[128];
    ok(store_trust_put(site.store, &t, &err));
    (void)snprintf(path, sizeof path, "/.cmg/crl/%s", hash);
    assert_int_equal(by_connector("GET", path, "", mp_handle_site_crl), 200);
    assert_true(slice_eq(buf_data(&ask.body), SLICE("hello")));
    path[strlen(path) - 1] ^= 1;
    (void)by_connector("GET", path, "", mp_handle_site_crl);
    refused(404, "not_found");
    (void)by_connector("GET", "/.cmg/crl/abc", "", mp_handle_site_crl);
    refused(400, "bad_request");
}

static void an_answer_names_a_question_and_is_of_its_kind(void **state UNUSED)
{
    struct store_question q = {0, "", "", "6b98afb5-62a7-4670-a6fd-eee5d190c2dd", "uid:0", 0, 0};
    char verdict[64], trail[64];
    (void)by_connector("GET", "/.cmg/questions/gw1?after=x", "", mp_handle_site_questions);
    refused(400, "bad_request");
    static const char *const bodies[] = {"", "{}", "{\"id\":\"1\",\"verdict\":{}}"};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        (void)by_connector("POST", "/.cmg/answer/gw1", bodies[i], mp_handle_site_answer);
        refused(400, "bad_request");
    }
    /* late: nobody asks any more, which is no fault of the gateway */
    assert_int_equal(by_connector("POST", "/.cmg/answer/gw1", "{\"id\":1,\"verdict\":{}}", mp_handle_site_answer), 204);

    assert_int_equal(store_question_add(site.store, &q, clock_wall_s(), &err), OK);
    (void)snprintf(verdict, sizeof verdict, "{\"id\":%lld,\"verdict\":{}}", (long long)q.id);
    (void)snprintf(trail, sizeof trail, "{\"id\":%lld,\"trail\":[]}", (long long)q.id);
    (void)by_connector("POST", "/.cmg/answer/gw1", verdict, mp_handle_site_answer);
    refused(400, "bad_request");
    assert_int_equal(by_connector("POST", "/.cmg/answer/gw1", trail, mp_handle_site_answer), 204);
    assert_int_equal(by_connector("POST", "/.cmg/answer", trail, mp_handle_site_answer), 204);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_policy_is_sent_once_a_version),
        TEST(another_word_is_no_policy),
        TEST(settings_that_forbid_the_gateways_are_obeyed_on_the_way_through_one),
        TEST(a_method_that_settings_leave_out_is_refused),
        TEST(settings_have_a_number_that_grows_when_they_change),
        TEST(a_device_that_holds_newer_settings_gets_a_number_above_them),
        TEST(a_users_policy_wants_a_user_token_beside_the_certificate),
        TEST(where_everything_is_any_device_may_ask_that_is_not_blocked),
        TEST(a_signature_that_is_there_is_checked),
        TEST(a_report_is_kept_as_what_its_sender_told),
        TEST(a_document_is_asked_for_by_the_number_of_the_last_one),
        TEST(a_list_is_fetched_by_its_hash),
        TEST(an_answer_names_a_question_and_is_of_its_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
