/* SPDX-License-Identifier: Apache-2.0 */
/* POST /CCM_Client/registration: what is read, who vouches, and each refusal on the way to the record (record_test.c).
 */
#include "kit.h"

#include "jose/possession.h"
#include "jose/token.h"
#include "mp/answer/handlers.h"
#include "mp/sender/device.h"
#include "store/device/token.h"
#include "store/site/setting.h"
#include "store/site/trust.h"

static struct kit_device device;
static EVP_PKEY *ca_key;
static X509 *ca;
static struct kit_ask ask;

static int setup(void **state)
{
    if (kit_open(state) != 0)
        return -1;
    point.choice = CHOICE_MP_HTTPS;
    point.clients = CHOICE_BIT(CHOICE_PKI) | CHOICE_BIT(CHOICE_ENTRA) | CHOICE_BIT(CHOICE_TOKEN);
    ca_key = pki_key_new();
    ca = kit_issue(PKI_TLS_CA, "ca", NULL, ca_key, NULL, NULL);
    kit_device_of_ca(&device, "pc.example", ca, ca_key);
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
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    return kit_close(state);
}

/* The body of a registration of the device; the caller changes and json_decref()s it. */
static json_t *body(const char *name)
{
    return json_pack("{s:s, s:s, s:i}", "name", name, "certificate_pem", device.pem, "client_version", 2403);
}

static void begin(const json_t *o)
{
    char *text = json_text(o);
    next();
    kit_ask(&ask, "POST", "/CCM_Client/registration", text);
    free(text);
}

/* Takes `o`. The device shows its certificate, and `auth` was found for it. */
static void begin_as(enum mp_auth auth, json_t *o)
{
    begin(o);
    json_decref(o);
    ask.r->sender.identity.auth = auth;
    assert_int_equal(X509_up_ref(device.certificate), 1);
    ask.r->sender.identity.certificate = device.certificate;
}

static int finish(void)
{
    kit_sign(&ask, device.key, clock_wall_s());
    kit_handle(&ask, mp_handle_registration);
    return ask.status;
}

static void refused(int status, const char *reason)
{
    if (ask.status != status || strcmp(kit_said(&ask, "reason"), reason) != 0)
        fail_msg("%d %s: %s", ask.status, kit_said(&ask, "reason"), kit_said(&ask, "detail"));
    struct store_device_counts counts;
    ok(store_device_count(site.store, &counts, &err));
    assert_int_equal(counts.approved + counts.pending, 0);
}

/* A bulk token of these limits as bearer; `bulk` is freed by the caller. */
static char *bulk_of(const char *id, const char *networks, const char *names, bool stored)
{
    char *text;
    struct token t = {.kind = TOKEN_BULK, .issued = clock_wall_s()};
    t.not_before = t.issued;
    t.expires = t.issued + 1000;
    (void)snprintf(t.id, sizeof t.id, "%s", id);
    struct store_token row = {
        .id = id, .issued = t.issued, .expires = t.expires, .uses = 1, .networks = networks, .names = names};
    if (stored)
        ok(store_token_add(site.store, &row, &err));
    ok(token_issue(site.keys.token, "LAB", &t, &text, &err));
    return text;
}

static void come_with(const char *bearer, const char *name)
{
    begin_as(MP_TOKEN, body(name));
    ask.r->sender.identity.bearer = slice_of(bearer);
}

static void trust_the_ca(const char *crl_check)
{
    char *pem = pki_cert_pem(ca);
    struct store_trust t = {.id = "ca",
                            .kind = STORE_ANCHOR,
                            .subject = "CN=ca",
                            .number = "",
                            .not_after = clock_wall_s() + 900,
                            .fetch_hosts = "",
                            .data = pem};
    ok(store_setting_put(site.store, "crl_check", slice_of(crl_check), &err));
    ok(store_trust_put(site.store, &t, &err));
    free(pem);
}

/* --- what is asked --- */

static void a_member_that_is_missing_or_wrong_is_named(void **state UNUSED)
{
    static const struct {
        const char *member, *json; /* NULL: taken out */
        const char *told;
    } cases[] = {
        {"name", NULL, "'name' is missing"},
        {"name", "\"\"", "'name' is 1 to 128 bytes"},
        {"name", "\"a\\nb\"", "'name' is 1 to 128 bytes"},
        {"name", "\"a\\u202eb\"", "invisible"},
        {"hardware_id", "\"a\\u0007\"", "'hardware_id' at most that"},
        {"client_version", NULL, "'client_version' is missing"},
        {"client_version", "-1", "'client_version' is YYMM"},
        {"client_version", "10000", "'client_version' is YYMM"},
        {"certificate_pem", NULL, "'certificate_pem' is missing"},
        {"certificate_pem", "\"x\"", "certificate_pem: "},
        {"chain_pem", "\"x\"", "chain_pem: "},
        {"same_device", "\"x\"", "same_device: "},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *o = body("pc");
        if (cases[i].json)
            (void)json_object_set_new(o, cases[i].member, json_loads(cases[i].json, JSON_DECODE_ANY, NULL));
        else
            (void)json_object_del(o, cases[i].member);
        begin_as(MP_PKI, o);
        (void)finish();
        if (!strstr(kit_said(&ask, "detail"), cases[i].told))
            fail_msg("case %zu: %s", i, kit_said(&ask, "detail"));
        refused(400, "bad_request");
    }
}

static void a_certificate_that_has_expired_registers_nothing(void **state UNUSED)
{
    X509 *old;
    struct pki_request r = {.profile = PKI_DEVICE,
                            .common_name = "d",
                            .not_before = clock_wall_s() - 1000,
                            .not_after = clock_wall_s() - 10,
                            .subject_key = device.key};
    ok(pki_issue(&r, &old, &err));
    char *pem = pki_cert_pem(old);
    json_t *o = body("pc");
    (void)json_object_set_new(o, "certificate_pem", json_string(pem));
    begin_as(MP_PKI, o);
    (void)finish();
    refused(400, "bad_request");
    assert_non_null(strstr(kit_said(&ask, "detail"), "has expired"));
    free(pem);
    X509_free(old);
}

/* --- who vouches --- */

static void a_certificate_that_tls_proved_registers_its_own_key_alone(void **state UNUSED)
{
    begin_as(MP_PKI, body("pc"));
    assert_int_equal(finish(), 200);
    assert_string_equal(kit_said(&ask, "approval"), "approved");
    assert_true(json_is_null(json_object_get(ask.json, "device_token")));
    assert_true(guid_valid(slice_of(kit_said(&ask, "guid"))));
    assert_true(*kit_said(&ask, "signed"));
}

static void a_bulk_token_registers_nothing_where_only_the_tenants_devices_are_taken(void **state UNUSED)
{
    char *bulk = bulk_of("b1", "", "", true);
    point.clients = CHOICE_BIT(CHOICE_ENTRA);
    come_with(bulk, "pc");
    (void)finish();
    refused(403, "method_not_allowed_here");
    free(bulk);
}

static void another_certificate_than_the_one_shown_is_refused(void **state UNUSED)
{
    static const enum mp_auth how[] = {MP_PKI, MP_NOBODY};
    for (size_t i = 0; i < ARRAY_LEN(how); i++) {
        begin_as(how[i], body("pc"));
        X509_free(ask.r->sender.identity.certificate);
        ask.r->sender.identity.certificate = kit_issue(PKI_DEVICE, "other", NULL, ca_key, NULL, NULL);
        (void)finish();
        refused(403, "certificate_mismatch");
    }
}

/* A gateway let it in by what the site here does not know; its word makes no certificate the PKI's. */
static void what_a_gateway_asserts_is_the_pkis_as_far_as_it_leads_to_an_anchor_here(void **state UNUSED)
{
    static const struct {
        const char *crl_check; /* NULL: the CA is no anchor */
        const char *approval;
    } cases[] = {{NULL, "pending"}, {"off", "approved"}, {"on", "approved"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (cases[i].crl_check)
            trust_the_ca(cases[i].crl_check);
        begin_as(MP_PKI, body("pc.example"));
        ask.r->sender.identity.asserted = true;
        assert_int_equal(finish(), strcmp(cases[i].approval, "approved") == 0 ? 200 : 202);
        assert_string_equal(kit_said(&ask, "approval"), cases[i].approval);
    }
}

static void nobody_vouches_inside_and_it_waits(void **state UNUSED)
{
    begin_as(MP_NOBODY, body("pc"));
    assert_int_equal(finish(), 202);
    assert_string_equal(kit_said(&ask, "approval"), "pending");
}

static void where_no_tokens_are_taken_nobody_registers_without_a_voucher(void **state UNUSED)
{
    point.clients = CHOICE_BIT(CHOICE_PKI);
    begin_as(MP_NOBODY, body("pc"));
    (void)finish();
    refused(403, "method_not_allowed_here");
    begin_as(MP_NOBODY, body("pc"));
    ask.r->sender.identity.refused = REASON_CERT_UNTRUSTED_ROOT; /* what was wrong with what it showed */
    (void)finish();
    refused(401, "untrusted_root");
}

static void a_bulk_token_gives_a_device_token_that_renews(void **state UNUSED)
{
    char *bulk = bulk_of("b", "", "", true);
    come_with(bulk, "pc");
    assert_int_equal(finish(), 200);
    struct token t;
    struct token_policy policy = {.site = "LAB", .keys = site.keys.token_keys};
    char x5t[TOKEN_X5T_SIZE];
    token_x5t(device.certificate, x5t);
    assert_int_equal(token_judge(&policy, slice_of(kit_said(&ask, "device_token")), PURPOSE_STS, slice_of(x5t),
                                 clock_wall_s(), &t, &err),
                     REASON_OK);
    assert_string_equal(t.subject, kit_said(&ask, "guid"));
    assert_int_equal(json_opt_int(ask.json, "expires", 0), t.expires);
    assert_int_equal(t.expires - json_opt_int(ask.json, "renew_after", 0), TOKEN_DEVICE_S / 2);
    free(bulk);
}

static void a_bulk_token_outside_its_limits_is_refused(void **state UNUSED)
{
    static const struct {
        const char *id, *networks, *names;
        bool stored;
        int status;
        const char *reason;
    } cases[] = {{"net", "192.0.2.0/24", "", true, 403, "token_out_of_scope"},
                 {"name", "", "LAB-*", true, 403, "token_out_of_scope"},
                 {"gone", "", "", false, 401, "revoked"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *bulk = bulk_of(cases[i].id, cases[i].networks, cases[i].names, cases[i].stored);
        come_with(bulk, "pc");
        (void)finish();
        refused(cases[i].status, cases[i].reason);
        free(bulk);
    }
    char *bulk = bulk_of("good", "10.0.0.0/8", "LAB-*", true);
    come_with(bulk, "LAB-7");
    assert_int_equal(finish(), 200);
    free(bulk);
}

static void a_bulk_token_that_was_used_up_or_blocked_is_told_so(void **state UNUSED)
{
    char *bulk = bulk_of("b", "", "", true), *blocked = bulk_of("x", "", "", true);
    struct kit_device other;
    kit_device_new(&other);
    ok(store_token_use(site.store, "b", other.spki, clock_wall_s(), &err));
    come_with(bulk, "pc");
    (void)finish();
    refused(403, "token_used_up");
    ok(store_token_block(site.store, "x", true, &err));
    come_with(blocked, "pc");
    (void)finish();
    assert_int_equal(ask.status, 403);
    kit_device_free(&other);
    free(blocked);
    free(bulk);
}

static void a_token_of_another_kind_registers_nothing(void **state UNUSED)
{
    char *text;
    struct token t = {.kind = TOKEN_ACCESS, .issued = clock_wall_s()};
    t.not_before = t.issued;
    t.expires = t.issued + 1000;
    (void)snprintf(t.subject, sizeof t.subject, "%s", device.guid);
    token_x5t(device.certificate, t.x5t);
    ok(token_issue(site.keys.token, "LAB", &t, &text, &err));
    come_with(text, "pc");
    (void)finish();
    refused(401, "wrong_purpose");
    free(text);
}

/* The rule of the choices about versions. */
static void a_version_that_does_not_know_the_method_is_refused(void **state UNUSED)
{
    char *bulk = bulk_of("b", "", "", true);
    json_t *o = body("pc");
    (void)json_object_set_new(o, "client_version", json_integer(1910));
    begin_as(MP_TOKEN, o);
    ask.r->sender.identity.bearer = slice_of(bulk);
    (void)finish();
    refused(403, "method_not_allowed_here");
    assert_non_null(strstr(kit_said(&ask, "detail"), "client version 1910"));
    free(bulk);
}

/* --- what stands against it --- */

static void a_registration_is_signed_by_the_key_that_it_registers(void **state UNUSED)
{
    begin_as(MP_PKI, body("pc"));
    kit_handle(&ask, mp_handle_registration);
    refused(401, "signature_missing");
    begin_as(MP_PKI, body("pc"));
    kit_sign(&ask, ca_key, clock_wall_s());
    kit_handle(&ask, mp_handle_registration);
    refused(401, "signature_wrong");
}

static void a_blocked_device_is_told_that_it_is(void **state UNUSED)
{
    begin_as(MP_PKI, body("pc"));
    assert_int_equal(finish(), 200);
    ok(store_device_block(site.store, kit_said(&ask, "guid"), true, &err));
    begin_as(MP_PKI, body("pc"));
    (void)finish();
    assert_int_equal(ask.status, 403);
    assert_string_equal(kit_said(&ask, "reason"), "blocked");
}

static void a_key_that_comes_with_another_hardware_id_is_a_clone_and_noted_once(void **state UNUSED)
{
    static const char *const boards[] = {"board-1", "board-1", "", "board-2", "board-2"};
    for (size_t i = 0; i < ARRAY_LEN(boards); i++) {
        json_t *o = body("pc");
        (void)json_object_set_new(o, "hardware_id", json_string(boards[i]));
        begin_as(MP_PKI, o);
        assert_int_equal(finish(), i < 3 ? 200 : 403);
    }
    assert_string_equal(kit_said(&ask, "reason"), "cloned");
    assert_int_equal(kit_audited("device.cloned"), 1);
}

static void one_that_waits_is_compared_with_nobody_so_a_clone_of_it_is_not_noted(void **state UNUSED)
{
    static const char *const boards[] = {"board-1", "board-2"};
    for (size_t i = 0; i < ARRAY_LEN(boards); i++) {
        json_t *o = body("pc");
        (void)json_object_set_new(o, "hardware_id", json_string(boards[i]));
        begin_as(MP_NOBODY, o);
        assert_int_equal(finish(), i ? 403 : 202);
    }
    assert_int_equal(kit_audited("device.cloned"), 0);
}

/* The own key of a device speaks for the one that its certificate brings. */
static void a_proof_of_the_own_key_makes_records_one_machine(void **state UNUSED)
{
    struct kit_device own;
    struct store_device r;
    char *proof;
    kit_device_new(&own);
    ok(jose_possession_sign(own.key, own.certificate, device.spki, &proof, &err));
    json_t *o = body("pc.example");
    (void)json_object_set_new(o, "same_device", json_string(proof));
    begin_as(MP_PKI, o);
    assert_int_equal(finish(), 200);
    ok(store_device_get(site.store, rows, STORE_BY_SPKI, device.spki, &r, &err));
    assert_string_equal(r.machine, own.spki);
    free(proof);
    kit_device_free(&own);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_member_that_is_missing_or_wrong_is_named),
        TEST(a_certificate_that_has_expired_registers_nothing),
        TEST(a_certificate_that_tls_proved_registers_its_own_key_alone),
        TEST(a_bulk_token_registers_nothing_where_only_the_tenants_devices_are_taken),
        TEST(another_certificate_than_the_one_shown_is_refused),
        TEST(what_a_gateway_asserts_is_the_pkis_as_far_as_it_leads_to_an_anchor_here),
        TEST(nobody_vouches_inside_and_it_waits),
        TEST(where_no_tokens_are_taken_nobody_registers_without_a_voucher),
        TEST(a_bulk_token_gives_a_device_token_that_renews),
        TEST(a_bulk_token_outside_its_limits_is_refused),
        TEST(a_bulk_token_that_was_used_up_or_blocked_is_told_so),
        TEST(a_token_of_another_kind_registers_nothing),
        TEST(a_version_that_does_not_know_the_method_is_refused),
        TEST(a_registration_is_signed_by_the_key_that_it_registers),
        TEST(a_blocked_device_is_told_that_it_is),
        TEST(a_key_that_comes_with_another_hardware_id_is_a_clone_and_noted_once),
        TEST(one_that_waits_is_compared_with_nobody_so_a_clone_of_it_is_not_noted),
        TEST(a_proof_of_the_own_key_makes_records_one_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
