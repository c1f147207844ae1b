/* SPDX-License-Identifier: Apache-2.0 */
/* The token service: which tokens it gives to whom, and each of its refusals. */
#include "kit.h"

#include "jose/token.h"
#include "mp/answer/handlers.h"
#include "mp/sender/device.h"
#include "store/site/setting.h"

#define GRANT "grant_type=urn:ietf:params:oauth:grant-type:token-exchange"
#define JWT "urn:ietf:params:oauth:token-type:jwt"

static struct kit_device device;
static char *token; /* the device's, as it was issued last */

static int setup(void **state)
{
    if (kit_open(state) != 0)
        return -1;
    kit_device_new(&device);
    kit_device_record(&device, "pc", STORE_APPROVED);
    return 0;
}

static int teardown(void **state)
{
    free(token);
    token = NULL;
    kit_device_free(&device);
    return kit_close(state);
}

/* A device token that was issued `age` seconds ago and is bound to the certificate; the store knows it. */
static void give_token(const struct kit_device *d, int64_t age)
{
    struct token t = {.kind = TOKEN_DEVICE, .issued = clock_wall_s() - age};
    t.not_before = t.issued;
    t.expires = t.issued + TOKEN_DEVICE_S;
    guid_new(t.id);
    (void)snprintf(t.subject, sizeof t.subject, "%s", d->guid);
    token_x5t(d->certificate, t.x5t);
    free(token);
    ok(token_issue(site.keys.token, "LAB", &t, &token, &err));
    ok(store_device_token_add(site.store, d->guid, t.id, t.issued, t.expires, &err));
}

static void form(char ret[8192], const char *wanted, const char *subject)
{
    (void)snprintf(ret, 8192, GRANT "&subject_token=%s&subject_token_type=" JWT "%s%s", subject,
                   *wanted ? "&requested_token_type=" : "", wanted);
}

/* The peer shows the device's certificate, and the token. */
static void ask_with(struct kit_ask *a, const char *body)
{
    kit_ask(a, "POST", "/CCM_STS", body);
    kit_field(a, "content-type", "application/x-www-form-urlencoded");
    a->r->sender.identity.auth = MP_TOKEN;
    a->r->sender.identity.bearer = slice_of(token);
    assert_int_equal(X509_up_ref(device.certificate), 1);
    a->r->sender.identity.certificate = device.certificate;
    kit_sign(a, device.key, clock_wall_s());
}

static void exchange(struct kit_ask *a, const char *wanted)
{
    static char body[8192];
    form(body, wanted, token);
    ask_with(a, body);
    kit_handle(a, mp_handle_sts);
}

static enum verdict_reason judge(const char *text, enum token_purpose purpose, struct token *ret)
{
    char x5t[TOKEN_X5T_SIZE];
    enum verdict_reason reason;
    token_x5t(device.certificate, x5t);
    ok(mp_token_judge(&site, slice_of(text), purpose, slice_of(x5t), ret, &reason, &err));
    return reason;
}

/* --- tokens --- */

static void a_device_token_gives_an_access_token_bound_to_its_key(void **state UNUSED)
{
    struct kit_ask a;
    struct token t;
    give_token(&device, 0);
    exchange(&a, "");
    assert_int_equal(a.status, 200);
    assert_string_equal(kit_said(&a, "token_type"), "Bearer");
    assert_string_equal(kit_said(&a, "issued_token_type"), "urn:ietf:params:oauth:token-type:access_token");
    assert_int_equal(json_opt_int(a.json, "expires_in", 0), TOKEN_ACCESS_S);
    assert_null(json_object_get(a.json, "user"));
    assert_int_equal(judge(kit_said(&a, "access_token"), PURPOSE_GENERAL, &t), REASON_OK);
    assert_string_equal(t.subject, device.guid);
    assert_int_equal(t.expires - t.issued, TOKEN_ACCESS_S);
    assert_int_equal(judge(kit_said(&a, "access_token"), PURPOSE_STS, &t), REASON_TOKEN_WRONG_PURPOSE);
    assert_true(*kit_said(&a, "signed"));
    kit_forget(&a);
}

static void a_renewal_gives_another_device_token_and_is_audited(void **state UNUSED)
{
    struct kit_ask a;
    struct token t, old;
    give_token(&device, 86400);
    assert_int_equal(judge(token, PURPOSE_STS, &old), REASON_OK);
    exchange(&a, "urn:opencmg:token-type:device");
    assert_int_equal(a.status, 200);
    assert_string_equal(kit_said(&a, "issued_token_type"), "urn:opencmg:token-type:device");
    assert_int_equal(judge(kit_said(&a, "access_token"), PURPOSE_STS, &t), REASON_OK);
    assert_string_not_equal(t.id, old.id);
    assert_int_equal(json_opt_int(a.json, "expires_in", 0), TOKEN_DEVICE_S);
    ok(store_device_token_check(site.store, device.guid, t.id, clock_wall_s(), &err));
    assert_int_equal(kit_audited("token.renew"), 1);
    kit_forget(&a);
}

static void what_is_wanted_may_be_named_as_an_access_token(void **state UNUSED)
{
    struct kit_ask a;
    give_token(&device, 0);
    exchange(&a, "urn:ietf:params:oauth:token-type:access_token");
    assert_int_equal(a.status, 200);
    kit_forget(&a);
}

/* The certificates of the machine that a PKI vouched for, so that gateways can see them taken back. */
static void an_access_token_names_the_certificates_that_an_issuer_could_take_back(void **state UNUSED)
{
    struct kit_ask a;
    struct token t;
    bool new_one;
    EVP_PKEY *ca_key = pki_key_new();
    X509 *ca = kit_issue(PKI_TLS_CA, "ca", NULL, ca_key, NULL, NULL);
    struct kit_device other = {0};
    kit_device_of_ca(&other, "pc.example", ca, ca_key);
    struct store_certificate c = {.guid = device.guid,
                                  .sha256 = other.sha256,
                                  .subject = "CN=pc.example",
                                  .pem = other.pem,
                                  .not_after = clock_wall_s() + 1000,
                                  .added = clock_wall_s(),
                                  .vouched = true};
    ok(store_certificate_put(site.store, &c, &new_one, &err));
    c.sha256 = device.spki; /* the same one again, as if it had ended */
    c.not_after = clock_wall_s() - 1;
    ok(store_certificate_put(site.store, &c, &new_one, &err));
    give_token(&device, 0);
    exchange(&a, "");
    assert_int_equal(judge(kit_said(&a, "access_token"), PURPOSE_GENERAL, &t), REASON_OK);
    assert_int_equal(t.certificate_count, 1);
    kit_forget(&a);
    kit_device_free(&other);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
}

/* --- refusals --- */

static void refused(struct kit_ask *a, int status, const char *error, const char *reason)
{
    if (a->status != status || strcmp(kit_said(a, "error"), error) != 0 || strcmp(kit_said(a, "reason"), reason) != 0)
        fail_msg("%d %s %s: %s", a->status, kit_said(a, "error"), kit_said(a, "reason"),
                 kit_said(a, "error_description"));
    assert_true(*kit_said(a, "remedy") && *kit_said(a, "request_id"));
    kit_forget(a);
}

static void a_form_that_is_not_what_rfc_8693_says_is_refused_with_what_is_wrong(void **state UNUSED)
{
    static const struct {
        const char *form, *error, *told;
    } cases[] = {
        {"", "invalid_request", "'grant_type' is missing"},
        {"grant_type=password", "unsupported_grant_type", "token-exchange"},
        {GRANT, "invalid_request", "'subject_token' is missing"},
        {GRANT "&subject_token=TOKEN", "invalid_request", "'subject_token_type' is missing"},
        {GRANT "&subject_token=TOKEN&subject_token_type=saml", "invalid_request", "'subject_token_type' must be"},
        {GRANT "&subject_token=TOKEN&subject_token_type=" JWT "&requested_token_type=gold", "invalid_request",
         "none of access_token, device, user"},
        {GRANT "&subject_token=another&subject_token_type=" JWT, "invalid_request", "different tokens"},
        {GRANT "&subject_token=TOKEN&subject_token_type=" JWT "&actor_token=x&actor_token_type=" JWT, "invalid_request",
         "'actor_token' belongs to the exchange of a user's token"},
        {GRANT "&subject_token=x&subject_token_type=" JWT
               "&requested_token_type=urn:opencmg:token-type:user&actor_token=x&actor_token_type=saml",
         "invalid_request", "'actor_token' belongs to the exchange of a user's token"},
        {GRANT "&" GRANT "&subject_token=TOKEN&subject_token_type=" JWT, "invalid_request", "grant_type"},
    };
    give_token(&device, 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct kit_ask a;
        char body[8192];
        const char *at = strstr(cases[i].form, "TOKEN");
        (void)snprintf(body, sizeof body, "%.*s%s%s", at ? (int)(at - cases[i].form) : 8000, cases[i].form,
                       at ? token : "", at ? at + 5 : "");
        ask_with(&a, body);
        kit_handle(&a, mp_handle_sts);
        if (!strstr(kit_said(&a, "error_description"), cases[i].told))
            fail_msg("case %zu: %s", i, kit_said(&a, "error_description"));
        refused(&a, 400, cases[i].error, "bad_request");
    }
}

static void a_body_that_is_no_form_is_refused(void **state UNUSED)
{
    struct kit_ask a;
    give_token(&device, 0);
    kit_ask(&a, "POST", "/CCM_STS", "{}");
    kit_field(&a, "content-type", "application/json");
    kit_handle(&a, mp_handle_sts);
    assert_non_null(strstr(kit_said(&a, "error_description"), "must be a form"));
    refused(&a, 400, "invalid_request", "bad_request");
}

static void a_certificate_is_exchanged_for_nothing_but_with_a_users_token(void **state UNUSED)
{
    struct kit_ask a;
    static char body[8192];
    give_token(&device, 0);
    form(body, "", token);
    ask_with(&a, body);
    a.r->sender.identity.auth = MP_PKI;
    kit_handle(&a, mp_handle_sts);
    assert_int_equal(a.status, 403);
    assert_non_null(strstr(kit_said(&a, "detail"), "only a user's token"));
    kit_forget(&a);
}

static void an_expired_token_within_its_grace_is_renewed_and_gives_nothing_else(void **state UNUSED)
{
    struct kit_ask a;
    ok(store_setting_put(site.store, "renewal_grace", SLICE("864000"), &err));
    give_token(&device, TOKEN_DEVICE_S + 86400);
    exchange(&a, "");
    refused(&a, 400, "invalid_grant", "expired");
    exchange(&a, "urn:opencmg:token-type:device");
    assert_int_equal(a.status, 200);
    kit_forget(&a);
}

static void an_expired_token_that_is_out_of_its_grace_opens_nothing(void **state UNUSED)
{
    struct kit_ask a;
    ok(store_setting_put(site.store, "renewal_grace", SLICE("3600"), &err));
    give_token(&device, TOKEN_DEVICE_S + 86400);
    exchange(&a, "urn:opencmg:token-type:device");
    assert_int_equal(a.status, 401);
    assert_string_equal(kit_said(&a, "reason"), "expired");
    kit_forget(&a);
}

static void a_token_that_the_store_does_not_count_any_more_is_revoked(void **state UNUSED)
{
    struct kit_ask a;
    struct token t = {.kind = TOKEN_DEVICE, .issued = clock_wall_s()};
    t.not_before = t.issued;
    t.expires = t.issued + TOKEN_DEVICE_S;
    guid_new(t.id);
    (void)snprintf(t.subject, sizeof t.subject, "%s", device.guid);
    token_x5t(device.certificate, t.x5t);
    ok(token_issue(site.keys.token, "LAB", &t, &token, &err)); /* and the store never heard of it */
    exchange(&a, "");
    refused(&a, 400, "invalid_grant", "revoked");
    exchange(&a, "urn:opencmg:token-type:device");
    refused(&a, 400, "invalid_grant", "revoked");
    assert_int_equal(kit_audited("token.renew"), 0);
}

static void the_sixth_renewal_of_a_day_is_put_off(void **state UNUSED)
{
    struct kit_ask a;
    for (int i = 0; i < STORE_RENEWALS_A_DAY; i++) {
        give_token(&device, 0);
        exchange(&a, "urn:opencmg:token-type:device");
        assert_int_equal(a.status, 200);
        kit_forget(&a);
    }
    give_token(&device, 0);
    exchange(&a, "urn:opencmg:token-type:device");
    assert_int_equal(a.status, 429);
    assert_string_equal(kit_said(&a, "reason"), "renewal_limit");
    kit_forget(&a);
    exchange(&a, ""); /* access tokens are not counted */
    assert_int_equal(a.status, 200);
    kit_forget(&a);
}

static void a_users_token_that_is_none_of_a_provider_is_refused(void **state UNUSED)
{
    struct kit_ask a;
    give_token(&device, 0);
    exchange(&a, "urn:opencmg:token-type:user"); /* the site's own token as the user's */
    refused(&a, 400, "invalid_grant", "device_token_as_user");
}

static void a_device_token_in_grace_gives_no_users_token(void **state UNUSED)
{
    struct kit_ask a;
    ok(store_setting_put(site.store, "renewal_grace", SLICE("864000"), &err));
    give_token(&device, TOKEN_DEVICE_S + 86400);
    exchange(&a, "urn:opencmg:token-type:user");
    refused(&a, 400, "invalid_grant", "expired");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_device_token_gives_an_access_token_bound_to_its_key),
        TEST(a_renewal_gives_another_device_token_and_is_audited),
        TEST(what_is_wanted_may_be_named_as_an_access_token),
        TEST(an_access_token_names_the_certificates_that_an_issuer_could_take_back),
        TEST(a_form_that_is_not_what_rfc_8693_says_is_refused_with_what_is_wrong),
        TEST(a_body_that_is_no_form_is_refused),
        TEST(a_certificate_is_exchanged_for_nothing_but_with_a_users_token),
        TEST(an_expired_token_within_its_grace_is_renewed_and_gives_nothing_else),
        TEST(an_expired_token_that_is_out_of_its_grace_opens_nothing),
        TEST(a_token_that_the_store_does_not_count_any_more_is_revoked),
        TEST(the_sixth_renewal_of_a_day_is_put_off),
        TEST(a_users_token_that_is_none_of_a_provider_is_refused),
        TEST(a_device_token_in_grace_gives_no_users_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
