/* SPDX-License-Identifier: Apache-2.0 */
/* Whole operations against a pretended site: which requests are made, with what, and how each ending is reported. */
#include "fixture.h"

/* --- the ways that go well --- */

static void a_pki_device_registers_and_gets_policy_by_its_certificate(void **state)
{
    struct fixture *f = *state;
    give_pki(f, clock_wall_s() + DAY);
    json_t *report = operate(f, CLIENT_RUN, true);
    SEEN(f, "GET /CCM_Proxy_MutualAuth/ServiceMetadata", "POST /CCM_Proxy_MutualAuth/h1/CCM_Client/registration",
         "GET /CCM_Proxy_MutualAuth/h1/SMS_MP/.sms_pol?SETTINGS",
         "GET /CCM_Proxy_MutualAuth/h1/SMS_MP/.sms_pol?MACHINE", "POST /CCM_Proxy_MutualAuth/h1/CCM_System/state");
    assert_member(report, "method", "pki");
    assert_member(report, "device", FAKE_GUID);
    assert_member(json_object_get(report, "management_point"), "id", "h1");
    assert_member(json_object_get(report, "management_point"), "mode", "https");
    assert_member(json_array_get(json_object_get(report, "policies"), 0), "name", "wallpaper");
    assert_int_equal(json_array_size(json_object_get(report, "passed_over")), 2);
    json_decref(report);
}

static void a_token_device_registers_once_and_exchanges_tokens(void **state)
{
    struct fixture *f = *state;
    give_bulk(f);
    json_decref(operate(f, CLIENT_RUN, true));
    SEEN(f, "GET /CCM_Proxy_ServerAuth/ServiceMetadata cmg-bulk+jwt",
         "POST /CCM_Proxy_ServerAuth/e1/CCM_Client/registration cmg-bulk+jwt",
         "POST /CCM_Proxy_ServerAuth/e1/CCM_STS cmg-device+jwt",
         "GET /CCM_Proxy_ServerAuth/e1/SMS_MP/.sms_pol?SETTINGS cmg-access+jwt",
         "GET /CCM_Proxy_ServerAuth/e1/SMS_MP/.sms_pol?MACHINE cmg-access+jwt",
         "POST /CCM_Proxy_ServerAuth/e1/CCM_System/state cmg-access+jwt");
    assert_null(f->c.identity.bulk_token);
    json_decref(operate(f, CLIENT_RUN, true)); /* the access token is cached, the policy is unchanged */
    SEEN(f, "GET /CCM_Proxy_ServerAuth/ServiceMetadata cmg-access+jwt",
         "GET /CCM_Proxy_ServerAuth/e1/SMS_MP/.sms_pol?SETTINGS cmg-access+jwt",
         "GET /CCM_Proxy_ServerAuth/e1/SMS_MP/.sms_pol?MACHINE cmg-access+jwt",
         "POST /CCM_Proxy_ServerAuth/e1/CCM_System/state cmg-access+jwt");
}

static void a_device_token_past_half_of_its_life_is_renewed(void **state)
{
    struct fixture *f = *state;
    give_bulk(f);
    json_decref(operate(f, CLIENT_REGISTER, true));
    f->c.identity.of[CHOICE_TOKEN].device_renew = clock_wall_s() - 1;
    json_decref(operate(f, CLIENT_POLICY, true));
    SEEN(f, "GET /CCM_Proxy_ServerAuth/ServiceMetadata cmg-device+jwt",
         "POST /CCM_Proxy_ServerAuth/e1/CCM_STS cmg-device+jwt", "POST /CCM_Proxy_ServerAuth/e1/CCM_STS cmg-device+jwt",
         "GET /CCM_Proxy_ServerAuth/e1/SMS_MP/.sms_pol?SETTINGS cmg-access+jwt",
         "GET /CCM_Proxy_ServerAuth/e1/SMS_MP/.sms_pol?MACHINE cmg-access+jwt",
         "POST /CCM_Proxy_ServerAuth/e1/CCM_System/state cmg-access+jwt");
    assert_true(f->c.identity.of[CHOICE_TOKEN].device_renew > clock_wall_s() + 40 * DAY);
}

static void an_expired_device_token_goes_straight_to_the_token_service(void **state)
{
    struct fixture *f = *state;
    give_bulk(f);
    json_decref(operate(f, CLIENT_REGISTER, true));
    f->c.identity.of[CHOICE_TOKEN].device_renew = f->c.identity.of[CHOICE_TOKEN].device_expires = clock_wall_s() - 1;
    json_decref(operate(f, CLIENT_POLICY, true));
    SEEN(f, "POST /CCM_Proxy_ServerAuth/e1/CCM_STS cmg-device+jwt",
         "POST /CCM_Proxy_ServerAuth/e1/CCM_STS cmg-device+jwt",
         "GET /CCM_Proxy_ServerAuth/e1/SMS_MP/.sms_pol?SETTINGS cmg-access+jwt",
         "GET /CCM_Proxy_ServerAuth/e1/SMS_MP/.sms_pol?MACHINE cmg-access+jwt",
         "POST /CCM_Proxy_ServerAuth/e1/CCM_System/state cmg-access+jwt");
}

static void a_clock_that_is_wrong_is_signed_around(void **state)
{
    struct fixture *f = *state;
    fake_site_knobs(f->site)->clock = 4000;
    give_pki(f, clock_wall_s() + DAY);
    json_decref(operate(f, CLIENT_RUN, true));
    SEEN(f, "GET /CCM_Proxy_MutualAuth/ServiceMetadata", "GET /CCM_Proxy_MutualAuth/ServiceMetadata",
         "POST /CCM_Proxy_MutualAuth/h1/CCM_Client/registration",
         "GET /CCM_Proxy_MutualAuth/h1/SMS_MP/.sms_pol?SETTINGS",
         "GET /CCM_Proxy_MutualAuth/h1/SMS_MP/.sms_pol?MACHINE", "POST /CCM_Proxy_MutualAuth/h1/CCM_System/state");
}

static void an_expired_certificate_leaves_the_token_and_is_told(void **state)
{
    struct fixture *f = *state;
    give_pki(f, clock_wall_s() - DAY);
    give_bulk(f);
    json_t *report = operate(f, CLIENT_RUN, true);
    assert_member(report, "method", "token");
    const json_t *first = json_array_get(json_object_get(report, "passed_over"), 0);
    assert_member(first, "method", "pki");
    assert_non_null(strstr(json_opt_str(first, "why", ""), "expired"));
    json_decref(report);
}

static void the_handler_runs_on_a_change_only(void **state)
{
    struct fixture *f = *state;
    char script[256];
    char *out = file_join(f->dir, "runs"), *program = file_join(f->dir, "handler");
    (void)snprintf(script, sizeof script, "#!/bin/sh\necho run >> '%s'\ntest -s \"$1\"\n", out);
    scratch_put(f->dir, "handler", script, 0700);
    set(f, "PolicyHandler", program);
    give_pki(f, clock_wall_s() + DAY);
    json_decref(operate(f, CLIENT_RUN, true));
    json_decref(operate(f, CLIENT_RUN, true));
    fake_site_knobs(f->site)->sequence++; /* newly signed, with the same policies in it */
    json_decref(operate(f, CLIENT_RUN, true));
    fake_site_knobs(f->site)->sequence++;
    fake_site_knobs(f->site)->policy = "[]";
    json_decref(operate(f, CLIENT_RUN, true));
    char *text;
    size_t len;
    struct error err;
    assert_int_equal(file_read(out, 4096, &text, &len, &err), OK);
    assert_string_equal(text, "run\nrun\n");
    free(text);
    free(program);
    free(out);
}

/* --- the order: pki, entra, token --- */

#define GIVE_ENTRA(f) give_entra((f), "#!/bin/sh\necho " ENTRA_JWT "\n")

static void
an_entra_device_registers_with_its_entra_token_and_needs_it_no_longer_than_its_access_token_lives(void **state)
{
    struct fixture *f = *state;
    GIVE_ENTRA(f);
    give_bulk(f); /* comes after entra */
    json_t *report = operate(f, CLIENT_RUN, true);
    SEEN(f, "GET /CCM_Proxy_ServerAuth/ServiceMetadata entra",
         "POST /CCM_Proxy_ServerAuth/e1/CCM_Client/registration entra", "POST /CCM_Proxy_ServerAuth/e1/CCM_STS entra",
         "GET /CCM_Proxy_ServerAuth/e1/SMS_MP/.sms_pol?SETTINGS cmg-access+jwt",
         "GET /CCM_Proxy_ServerAuth/e1/SMS_MP/.sms_pol?MACHINE cmg-access+jwt",
         "POST /CCM_Proxy_ServerAuth/e1/CCM_System/state cmg-access+jwt");
    assert_member(report, "method", "entra");
    assert_member(json_array_get(json_object_get(report, "passed_over"), 1), "method", "token");
    json_decref(report);
    give_entra(f, "#!/bin/sh\nexit 1\n"); /* not asked for again */
    json_decref(operate(f, CLIENT_RUN, true));
    SEEN(f, "GET /CCM_Proxy_ServerAuth/ServiceMetadata cmg-access+jwt",
         "GET /CCM_Proxy_ServerAuth/e1/SMS_MP/.sms_pol?SETTINGS cmg-access+jwt",
         "GET /CCM_Proxy_ServerAuth/e1/SMS_MP/.sms_pol?MACHINE cmg-access+jwt",
         "POST /CCM_Proxy_ServerAuth/e1/CCM_System/state cmg-access+jwt");
}

static void a_hybrid_joined_device_uses_entra_at_an_ehttp_management_point_and_pki_at_an_https_one(void **state)
{
    struct fixture *f = *state;
    GIVE_ENTRA(f);
    give_pki(f, clock_wall_s() + DAY);
    set(f, "RoleId", "e1");
    json_t *report = operate(f, CLIENT_REGISTER, true);
    SEEN(f, "GET /CCM_Proxy_MutualAuth/ServiceMetadata", "POST /CCM_Proxy_ServerAuth/e1/CCM_Client/registration entra");
    assert_member(report, "method", "entra");
    const json_t *first = json_array_get(json_object_get(report, "passed_over"), 0);
    assert_non_null(strstr(json_opt_str(first, "why", ""), "Enhanced HTTP"));
    json_decref(report);
    set(f, "RoleId", "h1");
    report = operate(f, CLIENT_REGISTER, true);
    assert_member(report, "method", "pki");
    json_decref(report);
}

static void after_mode_forbids_pki_entra_is_used_before_token(void **state)
{
    struct fixture *f = *state;
    GIVE_ENTRA(f);
    give_pki(f, clock_wall_s() + DAY);
    give_bulk(f);
    fake_site_knobs(f->site)->location =
        "{\"roles\":[{\"id\":\"x1\",\"mode\":\"https\",\"clients\":[\"pki\",\"entra\",\"token\"]}]}";
    fake_site_knobs(f->site)->refuse =
        (struct fake_refusal){"/CCM_Proxy_MutualAuth/x1/", 403, "CMGService_Not_Allowed", "mode_forbids_pki"};
    json_t *report = operate(f, CLIENT_REGISTER, true);
    SEEN(f, "GET /CCM_Proxy_MutualAuth/ServiceMetadata", "POST /CCM_Proxy_MutualAuth/x1/CCM_Client/registration",
         "POST /CCM_Proxy_ServerAuth/x1/CCM_Client/registration entra");
    assert_member(report, "method", "entra");
    json_decref(report);
}

static void an_unusable_entra_credential_leaves_the_token_and_is_told(void **state)
{
    struct fixture *f = *state;
    set(f, "EntraCommand", "/nowhere/entra");
    give_bulk(f);
    json_t *report = operate(f, CLIENT_REGISTER, true);
    assert_member(report, "method", "token");
    const json_t *why = json_array_get(json_object_get(report, "passed_over"), 1);
    assert_member(why, "method", "entra");
    assert_non_null(strstr(json_opt_str(why, "why", ""), "/nowhere/entra can't be executed"));
    json_decref(report);
}

static void a_command_that_gives_no_token_ends_the_run_with_its_cause(void **state)
{
    static const struct {
        const char *script, *words;
    } bad[] = {{"#!/bin/sh\nexit 3\n", "exit code 3"},
               {"#!/bin/sh\necho 'ERROR: not signed in'\n", "did not print a token"},
               {"#!/bin/sh\n", "did not print a token"},
               {"#!/bin/sh\nhead -c 100000 /dev/zero\n", "more than 32768 bytes"}};
    struct fixture *f = *state;
    give_bulk(f);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        give_entra(f, bad[i].script);
        json_t *report = operate(f, CLIENT_REGISTER, false);
        assert_null(fake_site_seen(f->site, 0)); /* nothing else is tried */
        assert_member(report, "reason", "entra_command");
        if (!strstr(json_opt_str(report, "detail", ""), bad[i].words))
            fail_msg("no '%s' in '%s'", bad[i].words, json_opt_str(report, "detail", ""));
        json_decref(report);
    }
}

static void a_blocked_entra_device_tries_nothing_else(void **state)
{
    struct fixture *f = *state;
    GIVE_ENTRA(f);
    give_bulk(f);
    fake_site_knobs(f->site)->refuse = (struct fake_refusal){"/registration", 403, "CMGService_Not_Allowed", "blocked"};
    json_t *report = operate(f, CLIENT_RUN, false);
    SEEN(f, "GET /CCM_Proxy_ServerAuth/ServiceMetadata entra",
         "POST /CCM_Proxy_ServerAuth/e1/CCM_Client/registration entra");
    assert_member(report, "reason", "blocked");
    assert_member(report, "method", "entra");
    json_decref(report);
}

static void a_client_older_than_2002_gets_no_token_but_may_use_entra(void **state)
{
    struct fixture *f = *state;
    set(f, "ClientVersion", "1910");
    give_bulk(f);
    set(f, "RoleId", "e1");
    json_t *report = operate(f, CLIENT_REGISTER, false);
    assert_member(report, "reason", "no_method");
    assert_non_null(strstr(json_opt_str(report, "detail", ""), "older than version 2002"));
    SEEN(f, "GET /CCM_Proxy_ServerAuth/ServiceMetadata cmg-bulk+jwt");
    json_decref(report);
    GIVE_ENTRA(f);
    report = operate(f, CLIENT_REGISTER, true);
    assert_member(report, "method", "entra");
    json_decref(report);
}

/* --- refusals --- */

static void refuse(struct fixture *f, const char *where, int status, const char *code, const char *reason)
{
    fake_site_knobs(f->site)->refuse = (struct fake_refusal){where, status, code, reason};
}

static void a_revoked_certificate_is_final_and_shown_although_a_token_is_there(void **state)
{
    struct fixture *f = *state;
    give_pki(f, clock_wall_s() + DAY);
    give_bulk(f);
    refuse(f, "/CCM_Proxy_MutualAuth/", 401, "CMGService_Invalid_Client_Certificate", "revoked");
    json_t *report = operate(f, CLIENT_RUN, false);
    SEEN(f, "GET /CCM_Proxy_MutualAuth/ServiceMetadata");
    assert_member(report, "code", "CMGService_Invalid_Client_Certificate");
    assert_member(report, "reason", "revoked");
    assert_member(report, "detail", "as told");
    assert_member(report, "remedy", verdict_reason_info(REASON_CERT_REVOKED)->remedy);
    json_decref(report);
}

static void a_pki_device_at_an_ehttp_management_point_shows_the_gateways_refusal(void **state)
{
    struct fixture *f = *state;
    give_pki(f, clock_wall_s() + DAY);
    set(f, "RoleId", "e1");
    refuse(f, "/e1/", 403, "CMGService_Not_Allowed", "mode_forbids_pki");
    json_t *report = operate(f, CLIENT_RUN, false);
    SEEN(f, "GET /CCM_Proxy_MutualAuth/ServiceMetadata", "POST /CCM_Proxy_MutualAuth/e1/CCM_Client/registration");
    assert_member(report, "code", "CMGService_Not_Allowed");
    assert_member(report, "reason", "mode_forbids_pki");
    const json_t *first = json_array_get(json_object_get(report, "passed_over"), 0);
    assert_member(first, "method", "pki");
    json_decref(report);
}

static void after_mode_forbids_pki_the_token_is_used(void **state)
{
    struct fixture *f = *state;
    give_pki(f, clock_wall_s() + DAY);
    give_bulk(f);
    refuse(f, "/CCM_Proxy_MutualAuth/h1/", 403, "CMGService_Not_Allowed", "mode_forbids_pki");
    json_t *report = operate(f, CLIENT_RUN, true);
    assert_member(report, "method", "token");
    assert_member(report, "code", "null");
    json_decref(report);
}

static void a_device_that_the_site_forgot_registers_anew_once(void **state)
{
    struct fixture *f = *state;
    give_pki(f, clock_wall_s() + DAY);
    json_decref(operate(f, CLIENT_RUN, true));
    refuse(f, "/SMS_MP/", 403, "MP_Not_Registered", "not_registered");
    json_t *report = operate(f, CLIENT_RUN, false);
    SEEN(f, "GET /CCM_Proxy_MutualAuth/ServiceMetadata", "GET /CCM_Proxy_MutualAuth/h1/SMS_MP/.sms_pol?SETTINGS",
         "POST /CCM_Proxy_MutualAuth/h1/CCM_Client/registration",
         "GET /CCM_Proxy_MutualAuth/h1/SMS_MP/.sms_pol?SETTINGS");
    assert_member(report, "code", "MP_Not_Registered");
    json_decref(report);
}

static void a_device_that_waits_for_approval_says_so(void **state)
{
    struct fixture *f = *state;
    fake_site_knobs(f->site)->pending = true;
    give_bulk(f);
    json_t *report = operate(f, CLIENT_REGISTER, true);
    assert_member(report, "approval", "pending");
    json_decref(report);
    report = operate(f, CLIENT_RUN, false);
    assert_member(report, "reason", "approval_pending");
    json_decref(report);
    fake_site_knobs(f->site)->pending = false;
    json_decref(operate(f, CLIENT_RUN, true)); /* the bulk token was kept for this */
}

static void a_device_without_credentials_asks_nobody(void **state)
{
    struct fixture *f = *state;
    json_t *report = operate(f, CLIENT_RUN, false);
    assert_null(fake_site_seen(f->site, 0));
    assert_member(report, "reason", "no_method");
    assert_int_equal(json_array_size(json_object_get(report, "passed_over")), 3);
    json_decref(report);
}

static void a_disallowed_gateway_is_not_asked(void **state)
{
    struct fixture *f = *state;
    give_pki(f, clock_wall_s() + DAY);
    set(f, "DisAllowCMG", "1");
    json_t *report = operate(f, CLIENT_RUN, false);
    assert_null(fake_site_seen(f->site, 0));
    assert_member(report, "reason", "cmg_disallowed");
    json_decref(report);
}

/* --- client settings of the site --- */

#define FORBIDS "{\"settings\":{\"allow_cmg\":false},\"winners\":{\"allow_cmg\":\"custom settings 'No'\"}}"
#define ALLOWS "{\"settings\":{\"allow_cmg\":true,\"policy_interval\":77},\"winners\":{\"allow_cmg\":\"default\"}}"

static void a_device_that_the_site_disallows_asks_for_its_settings_alone_until_they_change(void **state)
{
    struct fixture *f = *state;
    give_pki(f, clock_wall_s() + DAY);
    fake_site_knobs(f->site)->settings = FORBIDS;
    json_t *report = operate(f, CLIENT_RUN, false);
    assert_member(report, "reason", "cmg_disallowed");
    assert_non_null(strstr(json_opt_str(report, "detail", ""), "custom settings 'No'"));
    json_decref(report);
    SEEN(f, "GET /CCM_Proxy_MutualAuth/ServiceMetadata", "POST /CCM_Proxy_MutualAuth/h1/CCM_Client/registration",
         "GET /CCM_Proxy_MutualAuth/h1/SMS_MP/.sms_pol?SETTINGS");
    fake_site_knobs(f->site)->settings = ALLOWS;
    json_decref(operate(f, CLIENT_RUN, true));
    assert_int_equal(client_policy_interval(&f->c), 77);
    set(f, "PolicyInterval", "600");
    assert_int_equal(client_policy_interval(&f->c), 600);
}

static void what_was_set_by_hand_ends_with_the_next_resultant_setting(void **state)
{
    struct fixture *f = *state;
    struct client_resultant r;
    give_pki(f, clock_wall_s() + DAY);
    set(f, "DisAllowCMG", "0");
    fake_site_knobs(f->site)->settings = FORBIDS;
    client_resultant_load(&f->c, &r);
    assert_string_equal(client_disallow_cmg(&f->c, &r).by, "local");
    json_decref(operate(f, CLIENT_RUN, false));
    assert_null(f->c.settings.values[SETTING_DISALLOW_CMG]);
    client_resultant_load(&f->c, &r);
    assert_string_equal(client_disallow_cmg(&f->c, &r).by, "site");
    assert_true(client_disallow_cmg(&f->c, &r).on);
}

static void settings_never_go_back_to_an_older_sequence(void **state)
{
    struct fixture *f = *state;
    give_pki(f, clock_wall_s() + DAY);
    fake_site_knobs(f->site)->settings = FORBIDS;
    fake_site_knobs(f->site)->sequence = 9;
    json_decref(operate(f, CLIENT_RUN, false));
    fake_site_knobs(f->site)->settings = ALLOWS;
    fake_site_knobs(f->site)->sequence = 8;
    json_t *report = operate(f, CLIENT_RUN, false);
    assert_member(report, "reason", "settings_untrusted");
    json_decref(report);
}

/* --- what must not be believed --- */

static void location_data_of_another_site_are_refused(void **state)
{
    struct fixture *f = *state;
    give_pki(f, clock_wall_s() + DAY);
    fake_site_knobs(f->site)->foreign_documents = true;
    json_t *report = operate(f, CLIENT_RUN, false);
    SEEN(f, "GET /CCM_Proxy_MutualAuth/ServiceMetadata");
    assert_member(report, "reason", "location_untrusted");
    json_decref(report);
}

static void policy_for_another_device_is_refused_and_the_last_good_one_stays(void **state)
{
    struct fixture *f = *state;
    give_pki(f, clock_wall_s() + DAY);
    json_decref(operate(f, CLIENT_RUN, true));
    fake_site_knobs(f->site)->sequence++;
    fake_site_knobs(f->site)->audience = "7f1c7e0a-0b1c-4d2e-8f3a-5b6c7d8e9f01";
    json_t *report = operate(f, CLIENT_RUN, false);
    assert_member(report, "reason", "policy_untrusted");
    json_decref(report);
    json_t *status = client_status(&f->c, clock_wall_s());
    assert_int_equal(json_array_size(json_object_get(status, "policies")), 1);
    assert_int_equal(json_opt_int(status, "policy_sequence", 0), 5);
    json_decref(status);
}

static void policy_never_goes_back_to_an_older_sequence(void **state)
{
    struct fixture *f = *state;
    give_pki(f, clock_wall_s() + DAY);
    json_decref(operate(f, CLIENT_RUN, true));
    fake_site_knobs(f->site)->sequence = 4;
    fake_site_knobs(f->site)->policy = "[]";
    json_t *report =
        operate(f, CLIENT_RUN, false); /* the older location is passed over, the older policy is not taken */
    assert_member(report, "reason", "policy_untrusted");
    json_decref(report);
}

static void nonsense_from_any_endpoint_is_refused_and_nothing_of_it_is_kept(void **state)
{
    static const struct {
        const char *where, *body, *reason;
    } cases[] = {
        {"/ServiceMetadata", "", "not_a_gateway"},
        {"/ServiceMetadata", "<html>", "not_a_gateway"},
        {"/ServiceMetadata", "{\"signed\":7}", "not_a_gateway"},
        {"/ServiceMetadata", "{\"signed\":\"a.b.c\"}", "location_untrusted"},
        {"/registration", "[]", "bad_answer"},
        {"/registration", "{\"guid\":\"me\",\"approval\":\"approved\"}", "bad_answer"},
        {"/registration", "{\"guid\":\"" FAKE_GUID "\",\"approval\":\"maybe\"}", "bad_answer"},
        {"/registration", "{\"guid\":\"" FAKE_GUID "\",\"approval\":\"approved\",\"device_token\":\"a\\r\\nX: y\"}",
         "bad_answer"},
        {"/CCM_STS", "{\"access_token\":\"a b\"}", "bad_answer"},
        {"/CCM_STS", "{}", "bad_answer"},
        {"?SETTINGS", "", "settings_untrusted"},
        {"?SETTINGS", "a.b.c", "settings_untrusted"},
        {"?MACHINE", "", "policy_untrusted"},
        {"?MACHINE", "a.b.c", "policy_untrusted"},
    };
    struct fixture *f = *state;
    give_bulk(f);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        fake_site_knobs(f->site)->nonsense = (struct fake_nonsense){cases[i].where, cases[i].body};
        json_t *report = operate(f, CLIENT_RUN, false);
        assert_member(report, "reason", cases[i].reason);
        assert_int_equal(json_array_size(json_object_get(report, "policies")), 0);
        json_decref(report);
        char *path = file_join(f->dir, "policy.jws");
        assert_false(file_exists(path));
        free(path);
    }
    fake_site_knobs(f->site)->nonsense = (struct fake_nonsense){0};
    json_decref(operate(f, CLIENT_RUN, true)); /* and the device is none the worse for it */
}

static void a_gateway_that_is_down_is_passed_over_for_the_next(void **state)
{
    struct fixture *f = *state;
    char text[64];
    (void)snprintf(text, sizeof text, "127.0.0.1:1;127.0.0.1:%u", fake_site_port(f->site));
    set(f, "CMGFQDNs", text);
    give_pki(f, clock_wall_s() + DAY);
    json_decref(operate(f, CLIENT_RUN, true));
    json_t *status = client_status(&f->c, clock_wall_s()), *list = json_object_get(status, "gateways");
    assert_member(json_array_get(list, 0), "state", "in use"); /* the next time it comes first */
    assert_member(json_array_get(list, 1), "state", "failed");
    assert_non_null(strstr(json_opt_str(json_array_get(list, 1), "why", ""), "connection_refused"));
    json_decref(status);
}

static void a_gateway_that_the_site_told_of_is_known_the_next_time(void **state)
{
    struct fixture *f = *state;
    char location[512];
    (void)snprintf(location, sizeof location,
                   "{\"roles\":[{\"id\":\"h1\",\"mode\":\"https\",\"clients\":[\"pki\"]}],\"gateways\":["
                   "{\"id\":\"gw1\",\"host\":\"127.0.0.1\",\"port\":%u},{\"id\":\"bad\",\"host\":7,\"port\":-1}]}",
                   fake_site_port(f->site));
    fake_site_knobs(f->site)->location = location;
    give_pki(f, clock_wall_s() + DAY);
    json_decref(operate(f, CLIENT_RUN, true));
    set(f, "CMGFQDNs", "127.0.0.1:1");
    json_decref(operate(f, CLIENT_RUN, true));
}

static void a_refused_access_token_is_replaced_once(void **state)
{
    struct fixture *f = *state;
    give_bulk(f);
    json_decref(operate(f, CLIENT_RUN, true));
    refuse(f, "/SMS_MP/", 401, "CMGService_Invalid_Token", "unknown_key");
    json_t *report = operate(f, CLIENT_RUN, false);
    SEEN(f, "GET /CCM_Proxy_ServerAuth/ServiceMetadata cmg-access+jwt",
         "GET /CCM_Proxy_ServerAuth/e1/SMS_MP/.sms_pol?SETTINGS cmg-access+jwt",
         "POST /CCM_Proxy_ServerAuth/e1/CCM_STS cmg-device+jwt",
         "GET /CCM_Proxy_ServerAuth/e1/SMS_MP/.sms_pol?SETTINGS cmg-access+jwt");
    assert_member(report, "reason", "unknown_key");
    json_decref(report);
}

static void a_bulk_token_of_another_site_is_refused(void **state)
{
    struct fixture *f = *state;
    char text[256];
    struct error err;
    (void)snprintf(text, sizeof text, "cmg1.%064d.%s", 7, BULK_JWT);
    assert_int_equal(client_bulk_take(&f->c, slice_of(text), &err), R_DENIED);
    assert_int_equal(client_bulk_take(&f->c, SLICE("cmg1.x.y"), &err), R_INVALID);
    assert_int_equal(client_bulk_take(&f->c, SLICE(""), &err), R_INVALID);
    assert_null(f->c.identity.bulk_token);
}

static void a_bulk_token_pins_a_device_that_knows_no_site_yet(void **state)
{
    struct fixture *f = *state;
    set(f, "SiteKey", "");
    give_bulk(f);
    assert_string_equal(client_setting(&f->c.settings, SETTING_SITE_KEY), fake_site_pin(f->site));
}

static void an_unreachable_gateway_is_logged_with_the_fields_code_and_the_cause(void **state)
{
    struct fixture *f = *state;
    give_pki(f, clock_wall_s() + DAY);
    set(f, "CMGFQDNs", "127.0.0.1:1");
    json_t *report = operate(f, CLIENT_RUN, false);
    assert_member(report, "reason", "connection_refused");
    assert_member(report, "code", "null");
    json_decref(report);
    char *path = file_join(f->dir, "logs/LocationServices.log"), *text;
    size_t len;
    struct error err;
    assert_int_equal(file_read(path, 1 << 20, &text, &len, &err), OK);
    assert_non_null(strstr(text, "0x87d00231"));
    assert_non_null(strstr(text, "connection_refused"));
    free(text);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_pki_device_registers_and_gets_policy_by_its_certificate),
        CASE(a_token_device_registers_once_and_exchanges_tokens),
        CASE(a_device_token_past_half_of_its_life_is_renewed),
        CASE(an_expired_device_token_goes_straight_to_the_token_service),
        CASE(a_clock_that_is_wrong_is_signed_around),
        CASE(an_expired_certificate_leaves_the_token_and_is_told),
        CASE(the_handler_runs_on_a_change_only),
        CASE(an_entra_device_registers_with_its_entra_token_and_needs_it_no_longer_than_its_access_token_lives),
        CASE(a_hybrid_joined_device_uses_entra_at_an_ehttp_management_point_and_pki_at_an_https_one),
        CASE(after_mode_forbids_pki_entra_is_used_before_token),
        CASE(an_unusable_entra_credential_leaves_the_token_and_is_told),
        CASE(a_command_that_gives_no_token_ends_the_run_with_its_cause),
        CASE(a_blocked_entra_device_tries_nothing_else),
        CASE(a_client_older_than_2002_gets_no_token_but_may_use_entra),
        CASE(a_revoked_certificate_is_final_and_shown_although_a_token_is_there),
        CASE(a_pki_device_at_an_ehttp_management_point_shows_the_gateways_refusal),
        CASE(after_mode_forbids_pki_the_token_is_used),
        CASE(a_device_that_the_site_forgot_registers_anew_once),
        CASE(a_device_that_waits_for_approval_says_so),
        CASE(a_device_without_credentials_asks_nobody),
        CASE(a_disallowed_gateway_is_not_asked),
        CASE(location_data_of_another_site_are_refused),
        CASE(policy_for_another_device_is_refused_and_the_last_good_one_stays),
        CASE(policy_never_goes_back_to_an_older_sequence),
        CASE(nonsense_from_any_endpoint_is_refused_and_nothing_of_it_is_kept),
        CASE(a_gateway_that_is_down_is_passed_over_for_the_next),
        CASE(a_gateway_that_the_site_told_of_is_known_the_next_time),
        CASE(a_refused_access_token_is_replaced_once),
        CASE(a_device_that_the_site_disallows_asks_for_its_settings_alone_until_they_change),
        CASE(what_was_set_by_hand_ends_with_the_next_resultant_setting),
        CASE(settings_never_go_back_to_an_older_sequence),
        CASE(a_bulk_token_of_another_site_is_refused),
        CASE(a_bulk_token_pins_a_device_that_knows_no_site_yet),
        CASE(an_unreachable_gateway_is_logged_with_the_fields_code_and_the_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
