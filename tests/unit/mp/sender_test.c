/* SPDX-License-Identifier: Apache-2.0 */
/* Who sends a request: connectors and those they speak for, certificates and tokens shown directly; then the device
 * behind it, and why it is none. */
#include "kit.h"

#include "jose/token.h"
#include "mp/sender/device.h"
#include "store/site/role.h"
#include "store/site/setting.h"
#include "store/site/trust.h"

static struct kit_device device;
static EVP_PKEY *ca_key;
static X509 *ca;
static struct kit_ask ask;
static char *token;

static int setup(void **state)
{
    if (kit_open(state) != 0)
        return -1;
    point.choice = CHOICE_MP_HTTPS;
    point.clients = CHOICE_BIT(CHOICE_PKI) | CHOICE_BIT(CHOICE_ENTRA) | CHOICE_BIT(CHOICE_TOKEN);
    ca_key = pki_key_new();
    ca = kit_issue(PKI_TLS_CA, "ca", NULL, ca_key, NULL, NULL);
    kit_device_of_ca(&device, "pc.example", ca, ca_key);
    kit_ask(&ask, "GET", "/SMS_MP/.sms_pol?MACHINE", "");
    return 0;
}

static void answered(struct mp_request *r)
{
    mp_answer(r, &(struct mp_answer){.status = 204});
}

static int teardown(void **state)
{
    kit_handle(&ask, answered);
    kit_forget(&ask);
    kit_device_free(&device);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    free(token);
    token = NULL;
    return kit_close(state);
}

static void trust_the_ca(void)
{
    char *pem = pki_cert_pem(ca), id[PKI_HASH_HEX];
    pki_cert_sha256_hex(ca, id);
    struct store_trust t = {.id = id,
                            .kind = STORE_ANCHOR,
                            .subject = "CN=ca",
                            .number = "",
                            .not_after = clock_wall_s() + 900,
                            .fetch_hosts = "",
                            .data = pem};
    ok(store_setting_put(site.store, "crl_check", SLICE("off"), &err));
    ok(store_trust_put(site.store, &t, &err));
    free(pem);
}

/* The CA takes the device's certificate back. */
static void take_back(void)
{
    unsigned char *der;
    size_t len;
    int64_t now = clock_wall_s();
    X509 *const list[] = {device.certificate};
    ok(pki_issue_crl(ca, ca_key, list, 1, 1, now - 10, now + 1000, &der, &len, &err));
    char *text = mem_zalloc(BASE64_SIZE(len));
    encode_base64(slice_make(der, len), text);
    struct store_trust t = {.id = "list", .kind = STORE_CRL, .subject = "CN=ca", .number = "01", .data = text};
    t.this_update = now - 10;
    t.not_after = now + 1000;
    t.fetch_hosts = "";
    ok(store_setting_put(site.store, "crl_check", SLICE("on"), &err));
    ok(store_trust_put(site.store, &t, &err));
    free(text);
    free(der);
}

static struct mp_identity *identify(void)
{
    mp_identity_done(&ask.r->sender.identity); /* of who was asked for before */
    ok(mp_identify(&ask.r->sender, &err));
    return &ask.r->sender.identity;
}

static void show(X509 *certificate)
{
    assert_int_equal(X509_up_ref(certificate), 1);
    peer.certificate = certificate;
}

/* The peer shows a role certificate of cp1 that ends at `not_after`. */
static void show_role(int64_t not_after)
{
    EVP_PKEY *key = pki_key_new();
    peer.certificate = kit_role("connector", "cp1", key, not_after);
    (void)snprintf(peer.connector, sizeof peer.connector, "cp1");
    EVP_PKEY_free(key);
}

static void add_connector(const char *pki_sha256)
{
    struct store_connector cp = {.id = "cp1", .not_after = clock_wall_s() + 1000, .pki_sha256 = pki_sha256};
    cp.pki_subject = pki_sha256 ? "CN=cp" : NULL;
    ok(store_connector_add(site.store, &cp, &err));
}

/* --- connectors --- */

static void a_connector_by_its_role_certificate_asks_for_itself(void **state UNUSED)
{
    add_connector(NULL);
    show_role(clock_wall_s() + 500);
    const struct mp_identity *i = identify();
    assert_string_equal(i->connector, "cp1");
    assert_true(i->role_certificate && i->asserted);
    assert_int_equal(i->auth, MP_NOBODY);
}

static void a_request_for_a_device_is_not_the_connectors_own(void **state UNUSED)
{
    add_connector(NULL);
    show_role(clock_wall_s() + 500);
    kit_field(&ask, "cmg-auth-method", "token");
    kit_field(&ask, "authorization", "Bearer abc");
    const struct mp_identity *i = identify();
    assert_false(i->role_certificate);
    assert_int_equal(i->auth, MP_TOKEN);
    assert_true(slice_eq(i->bearer, SLICE("abc")));
}

static void a_role_certificate_that_counts_no_more_makes_nobody_a_connector(void **state UNUSED)
{
    int64_t now = clock_wall_s();
    struct store_connector newer = {.id = "cp1", .not_after = now + 2000};
    show_role(now + 500); /* and there is no record */
    assert_string_equal(identify()->connector, "");
    add_connector(NULL);
    ok(store_connector_renew(site.store, &newer, true, &err)); /* those until now + 1000 are withdrawn */
    assert_string_equal(identify()->connector, "");
    X509_free(peer.certificate);
    show_role(now - 1);
    assert_string_equal(identify()->connector, "");
    X509_free(peer.certificate);
    show_role(now + 1500);
    assert_string_equal(identify()->connector, "cp1");
}

static void a_registered_certificate_speaks_for_devices_and_not_for_the_connector(void **state UNUSED)
{
    add_connector(device.sha256);
    show(device.certificate);
    const struct mp_identity *i = identify();
    assert_string_equal(i->connector, "cp1");
    assert_true(i->asserted);
    assert_false(i->role_certificate);
}

static void what_a_connector_says_and_contradicts_itself_is_malformed(void **state UNUSED)
{
    add_connector(NULL);
    show_role(clock_wall_s() + 500);
    kit_field(&ask, "cmg-auth-method", "pki");
    assert_int_equal(mp_identify(&ask.r->sender, &err), R_INVALID);
}

/* --- directly --- */

static void headers_of_connectors_are_nobodys_words_on_other_connections(void **state UNUSED)
{
    kit_field(&ask, "cmg-auth-method", "token");
    kit_field(&ask, "cmg-client-id", "x");
    const struct mp_identity *i = identify();
    assert_int_equal(i->auth, MP_NOBODY);
    assert_false(i->asserted);
}

static void a_certificate_of_an_anchor_is_an_identity_and_another_one_is_told_why_not(void **state UNUSED)
{
    show(device.certificate);
    const struct mp_identity *i = identify();
    assert_int_equal(i->auth, MP_NOBODY);
    assert_int_equal(i->refused, REASON_CERT_INCOMPLETE_CHAIN);
    assert_true(*i->why.text);
    mp_identity_done(&ask.r->sender.identity);
    ask.r->sender.identity = (struct mp_identity){0};
    trust_the_ca();
    i = identify();
    assert_int_equal(i->auth, MP_PKI);
    assert_int_equal(i->refused, REASON_OK);
}

static void a_certificate_beside_headers_of_connectors_is_an_unregistered_connectors(void **state UNUSED)
{
    trust_the_ca();
    show(device.certificate);
    kit_field(&ask, "cmg-auth-method", "token");
    const struct mp_identity *i = identify();
    assert_int_equal(i->auth, MP_NOBODY);
    assert_int_equal(i->refused, REASON_UPSTREAM_CLIENT_CERTIFICATE);
    assert_non_null(strstr(i->why.text, "CN=pc.example"));
}

static void a_bearer_counts_before_the_certificate_that_it_is_bound_to(void **state UNUSED)
{
    trust_the_ca();
    show(device.certificate);
    kit_field(&ask, "authorization", "Bearer abc");
    const struct mp_identity *i = identify();
    assert_true(i->auth == MP_TOKEN || i->auth == MP_ENTRA);
    assert_ptr_equal(i->certificate, device.certificate);
}

static void two_authorizations_are_malformed(void **state UNUSED)
{
    kit_field(&ask, "authorization", "Bearer abc");
    kit_field(&ask, "authorization", "Bearer def");
    assert_int_equal(mp_identify(&ask.r->sender, &err), R_INVALID);
}

static void the_choices_are_asked_again_whatever_the_gateway_let_in(void **state UNUSED)
{
    add_connector(NULL);
    show_role(clock_wall_s() + 500);
    kit_field(&ask, "cmg-auth-method", "token");
    kit_field(&ask, "authorization", "Bearer abc");
    point.clients = CHOICE_BIT(CHOICE_PKI);
    const struct mp_identity *i = identify();
    assert_int_equal(i->auth, MP_NOBODY);
    assert_int_equal(i->refused, REASON_METHOD_NOT_ALLOWED_HERE);
}

static void a_token_of_the_sites_is_shown_where_devices_of_the_tenant_are_taken(void **state UNUSED)
{
    add_connector(NULL);
    show_role(clock_wall_s() + 500);
    kit_field(&ask, "cmg-auth-method", "token");
    kit_field(&ask, "authorization", "Bearer abc");
    point.clients = CHOICE_BIT(CHOICE_ENTRA);
    assert_int_equal(identify()->auth, MP_TOKEN);
}

static void ehttp_takes_no_certificate_of_a_pki(void **state UNUSED)
{
    char header[4096];
    char *base64 = pki_cert_base64(device.certificate);
    add_connector(NULL);
    show_role(clock_wall_s() + 500);
    (void)snprintf(header, sizeof header, ":%s:", base64);
    kit_field(&ask, "cmg-auth-method", "pki");
    kit_field(&ask, "cmg-client-id", device.sha256);
    kit_field(&ask, "client-cert", header);
    point.choice = CHOICE_MP_EHTTP;
    const struct mp_identity *i = identify();
    assert_int_equal(i->auth, MP_NOBODY);
    assert_int_equal(i->refused, REASON_MODE_FORBIDS_PKI);
    free(base64);
}

/* --- the device behind it --- */

static struct mp_denial no;

static void come_with_certificate(void)
{
    ask.r->sender.identity.auth = MP_PKI;
    assert_int_equal(X509_up_ref(device.certificate), 1);
    ask.r->sender.identity.certificate = device.certificate;
}

/* An access token of `guid`, bound to this certificate. */
static void come_with_token(enum token_kind kind, const char *guid, X509 *bound, X509 *shown)
{
    struct token t = {.kind = kind, .issued = clock_wall_s()};
    t.not_before = t.issued;
    t.expires = t.issued + 1000;
    guid_new(t.id);
    (void)snprintf(t.subject, sizeof t.subject, "%s", guid);
    if (kind == TOKEN_USER)
        (void)snprintf(t.user, sizeof t.user, "ada@example.com");
    if (bound)
        token_x5t(bound, t.x5t);
    free(token);
    ok(token_issue(site.keys.token, "LAB", &t, &token, &err));
    ask.r->sender.identity.auth = MP_TOKEN;
    ask.r->sender.identity.bearer = slice_of(token);
    if (shown && X509_up_ref(shown) == 1)
        ask.r->sender.identity.certificate = shown;
}

static bool authenticate(struct mp_device *ret)
{
    no = (struct mp_denial){0};
    return mp_device_authenticate(&ask.r->sender, PURPOSE_GENERAL, MP_SIGNED_ALWAYS, ret, &no);
}

static void denied(enum mp_refusal refusal)
{
    struct mp_device d;
    assert_false(authenticate(&d));
    if (no.by != MP_DENIED_BY_REFUSAL || no.refusal != refusal)
        fail_msg("by %d: %d, %d: %s", (int)no.by, (int)no.refusal, (int)no.reason, no.why.text);
    mp_denial_done(&no);
}

static void denied_by_verdict(enum verdict_reason reason)
{
    struct mp_device d;
    assert_false(authenticate(&d));
    if (no.by != MP_DENIED_BY_VERDICT || no.reason != reason)
        fail_msg("by %d: %d, %d: %s", (int)no.by, (int)no.refusal, (int)no.reason, no.why.text);
    mp_denial_done(&no);
}

static void a_registered_certificate_that_signs_is_its_device(void **state UNUSED)
{
    struct mp_device d;
    struct store_device seen;
    kit_device_record(&device, "pc", STORE_APPROVED);
    come_with_certificate();
    kit_sign(&ask, device.key, clock_wall_s());
    assert_true(authenticate(&d));
    assert_string_equal(d.record.guid, device.guid);
    assert_true(d.signed_request);
    mp_device_done(&d);
    ok(store_device_get(site.store, rows, STORE_BY_GUID, device.guid, &seen, &err));
    assert_true(seen.last_seen >= clock_wall_s() - 60);
}

static void where_only_the_tenants_devices_are_taken_the_tokens_count_that_the_site_gave_them(void **state UNUSED)
{
    static const struct {
        const char *method;
        bool counts;
    } cases[] = {{"entra", true}, {"pki", true}, {"token", false}};
    point.clients = CHOICE_BIT(CHOICE_ENTRA);
    kit_device_record(&device, "pc", STORE_APPROVED);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mp_device d;
        ok(store_exec(site.store, "UPDATE device SET method = $1", STORE_PARAMS(STORE_T(cases[i].method)), NULL, &err));
        mp_identity_done(&ask.r->sender.identity);
        ask.r->sender.identity = (struct mp_identity){0};
        come_with_token(TOKEN_ACCESS, device.guid, device.certificate, device.certificate);
        kit_sign(&ask, device.key, clock_wall_s());
        if (cases[i].counts) {
            assert_true(authenticate(&d));
            mp_device_done(&d);
        } else
            denied_by_verdict(REASON_METHOD_NOT_ALLOWED_HERE);
    }
}

static void a_renewed_certificate_of_the_same_key_is_its_device_too(void **state UNUSED)
{
    struct mp_device d;
    kit_device_record(&device, "pc", STORE_APPROVED);
    ask.r->sender.identity.auth = MP_PKI;
    ask.r->sender.identity.certificate = kit_issue(PKI_TLS_CLIENT, "pc.example", NULL, device.key, ca, ca_key);
    kit_sign(&ask, device.key, clock_wall_s());
    assert_true(authenticate(&d));
    assert_string_equal(d.record.guid, device.guid);
    mp_device_done(&d);
}

static void who_is_not_registered_waits_or_is_blocked_is_told_so(void **state UNUSED)
{
    come_with_certificate();
    kit_sign(&ask, device.key, clock_wall_s());
    denied(MP_REFUSAL_NOT_REGISTERED);
    kit_device_record(&device, "pc", STORE_PENDING);
    denied(MP_REFUSAL_APPROVAL_PENDING);
    ok(store_device_approve(site.store, device.guid, &err));
    ok(store_device_block(site.store, device.guid, true, &err));
    denied_by_verdict(REASON_BLOCKED);
}

static void a_signature_is_needed_in_its_time_and_by_the_key(void **state UNUSED)
{
    kit_device_record(&device, "pc", STORE_APPROVED);
    come_with_certificate();
    denied(MP_REFUSAL_SIGNATURE_MISSING);
    kit_sign(&ask, ca_key, clock_wall_s());
    denied(MP_REFUSAL_SIGNATURE_WRONG);
    ask.x.request.fields = (struct http_fields){0};
    kit_sign(&ask, device.key, clock_wall_s() - 1000);
    struct mp_device d;
    assert_false(authenticate(&d));
    assert_int_equal(no.refusal, MP_REFUSAL_CLOCK_SKEW);
    assert_non_null(no.signed_time); /* the site's own word of what time it is */
    mp_denial_done(&no);
}

static void a_signature_of_what_changes_something_counts_once(void **state UNUSED)
{
    struct mp_device d;
    kit_device_record(&device, "pc", STORE_APPROVED);
    come_with_certificate();
    ask.x.request.method = SLICE("POST");
    kit_sign(&ask, device.key, clock_wall_s());
    assert_true(authenticate(&d));
    mp_device_done(&d);
    denied(MP_REFUSAL_NONCE_REUSED);
}

static void an_access_token_with_the_certificate_that_it_is_bound_to_is_its_device(void **state UNUSED)
{
    struct mp_device d;
    kit_device_record(&device, "pc", STORE_APPROVED);
    come_with_token(TOKEN_ACCESS, device.guid, device.certificate, device.certificate);
    kit_sign(&ask, device.key, clock_wall_s());
    assert_true(authenticate(&d));
    assert_string_equal(d.record.guid, device.guid);
    mp_device_done(&d);
}

static void through_a_gateway_the_token_names_the_registered_certificate(void **state UNUSED)
{
    struct mp_device d;
    kit_device_record(&device, "pc", STORE_APPROVED);
    come_with_token(TOKEN_ACCESS, device.guid, device.certificate, NULL);
    ask.r->sender.identity.asserted = true;
    kit_sign(&ask, device.key, clock_wall_s());
    assert_true(authenticate(&d));
    assert_string_equal(d.record.guid, device.guid);
    mp_device_done(&d);
}

static void a_token_that_is_bound_to_another_certificate_opens_nothing(void **state UNUSED)
{
    kit_device_record(&device, "pc", STORE_APPROVED);
    come_with_token(TOKEN_ACCESS, device.guid, ca, device.certificate);
    denied_by_verdict(REASON_TOKEN_NOT_BOUND);
}

/* A token that was stolen and bound anew would need the site's key; one of another record's key binds nobody. */
static void a_token_of_a_record_with_another_key_opens_nothing(void **state UNUSED)
{
    struct kit_device other;
    kit_device_record(&device, "pc", STORE_APPROVED);
    kit_device_new(&other);
    kit_device_record(&other, "other", STORE_APPROVED);
    come_with_token(TOKEN_ACCESS, other.guid, device.certificate, device.certificate);
    denied_by_verdict(REASON_TOKEN_NOT_BOUND);
    kit_device_free(&other);
}

static void each_kind_of_token_opens_what_it_is_for(void **state UNUSED)
{
    static const enum token_kind wrong[] = {TOKEN_DEVICE, TOKEN_BULK, TOKEN_USER};
    kit_device_record(&device, "pc", STORE_APPROVED);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        come_with_token(wrong[i], wrong[i] == TOKEN_BULK ? "" : device.guid,
                        wrong[i] == TOKEN_BULK ? NULL : device.certificate, i ? NULL : device.certificate);
        denied_by_verdict(REASON_TOKEN_WRONG_PURPOSE);
    }
}

static void a_token_of_a_device_that_was_removed_is_told_to_register(void **state UNUSED)
{
    come_with_token(TOKEN_ACCESS, device.guid, device.certificate, device.certificate);
    denied(MP_REFUSAL_NOT_REGISTERED);
}

static void tokens_end_with_the_certificate_that_was_revoked_unless_another_is_good(void **state UNUSED)
{
    struct kit_device newer;
    struct mp_device d;
    bool added;
    kit_device_record(&device, "pc", STORE_APPROVED);
    ok(store_exec(site.store, "UPDATE device_certificate SET vouched = 1", STORE_NO_PARAMS, NULL, &err));
    trust_the_ca();
    come_with_token(TOKEN_ACCESS, device.guid, device.certificate, device.certificate);
    kit_sign(&ask, device.key, clock_wall_s());
    assert_true(authenticate(&d));
    mp_device_done(&d);
    take_back();
    denied_by_verdict(REASON_CERT_REVOKED);
    kit_device_of_ca(&newer, "pc.example", ca, ca_key);
    struct store_certificate c = {.guid = device.guid,
                                  .sha256 = newer.sha256,
                                  .subject = "CN=pc.example",
                                  .pem = newer.pem,
                                  .not_after = clock_wall_s() + 1000,
                                  .added = clock_wall_s(),
                                  .vouched = true};
    ok(store_certificate_put(site.store, &c, &added, &err));
    assert_true(authenticate(&d));
    mp_device_done(&d);
    kit_device_free(&newer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_connector_by_its_role_certificate_asks_for_itself),
        TEST(a_request_for_a_device_is_not_the_connectors_own),
        TEST(a_role_certificate_that_counts_no_more_makes_nobody_a_connector),
        TEST(a_registered_certificate_speaks_for_devices_and_not_for_the_connector),
        TEST(what_a_connector_says_and_contradicts_itself_is_malformed),
        TEST(headers_of_connectors_are_nobodys_words_on_other_connections),
        TEST(a_certificate_of_an_anchor_is_an_identity_and_another_one_is_told_why_not),
        TEST(a_certificate_beside_headers_of_connectors_is_an_unregistered_connectors),
        TEST(a_bearer_counts_before_the_certificate_that_it_is_bound_to),
        TEST(two_authorizations_are_malformed),
        TEST(the_choices_are_asked_again_whatever_the_gateway_let_in),
        TEST(ehttp_takes_no_certificate_of_a_pki),
        TEST(a_token_of_the_sites_is_shown_where_devices_of_the_tenant_are_taken),
        TEST(where_only_the_tenants_devices_are_taken_the_tokens_count_that_the_site_gave_them),
        TEST(a_registered_certificate_that_signs_is_its_device),
        TEST(a_renewed_certificate_of_the_same_key_is_its_device_too),
        TEST(who_is_not_registered_waits_or_is_blocked_is_told_so),
        TEST(a_signature_is_needed_in_its_time_and_by_the_key),
        TEST(a_signature_of_what_changes_something_counts_once),
        TEST(an_access_token_with_the_certificate_that_it_is_bound_to_is_its_device),
        TEST(through_a_gateway_the_token_names_the_registered_certificate),
        TEST(a_token_that_is_bound_to_another_certificate_opens_nothing),
        TEST(a_token_of_a_record_with_another_key_opens_nothing),
        TEST(each_kind_of_token_opens_what_it_is_for),
        TEST(a_token_of_a_device_that_was_removed_is_told_to_register),
        TEST(tokens_end_with_the_certificate_that_was_revoked_unless_another_is_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
