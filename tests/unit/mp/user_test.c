/* SPDX-License-Identifier: Apache-2.0 */
/* Which user stands behind a provider's token, on which device it counts, and each reason why not. */
#include "kit.h"

#include "../jose/forge.h"
#include "mp/sender/device.h"
#include "mp/sender/user.h"
#include "store/site/tenant.h"

#define HEADER "{\"alg\":\"ES256\",\"kid\":\"key-1\",\"typ\":\"JWT\"}"

static EVP_PKEY *key; /* of every tenant: the issuer is what tells them apart */
static struct kit_device device;
static struct mp_device d;
static struct mp_sender from;
static char *subject, *actor;

static void add_tenant(const char *id, bool enabled)
{
    char issuer[64];
    json_t *set = json_pack("{s:[o]}", "keys", forge_jwk(key, "P-256", "key-1"));
    char *jwks = json_text(set);
    (void)snprintf(issuer, sizeof issuer, "https://%s.example", id);
    struct store_tenant t = {.id = id,
                             .tenant = "",
                             .issuers = issuer,
                             .audiences = "api://cmg",
                             .algorithms = "",
                             .tenant_claim = "",
                             .device_claim = "deviceid",
                             .user_claims = "upn",
                             .client_app_id = "",
                             .resource = "",
                             .jwks = jwks,
                             .source = "",
                             .enabled = enabled};
    ok(store_tenant_put(site.store, &t, &err));
    free(jwks);
    json_decref(set);
}

static int setup(void **state)
{
    if (kit_open(state) != 0)
        return -1;
    key = forge_key("P-256");
    add_tenant("contoso", true);
    add_tenant("fabrikam", true);
    add_tenant("asleep", false);
    from = (struct mp_sender){.site = &site, .arena = rows, .peer = &peer};
    kit_device_new(&device);
    kit_device_record(&device, "pc", STORE_APPROVED);
    d = (struct mp_device){0};
    ok(store_device_get(site.store, rows, STORE_BY_GUID, device.guid, &d.record, &err));
    subject = actor = NULL;
    return 0;
}

static int teardown(void **state)
{
    free(subject);
    free(actor);
    EVP_PKEY_free(key);
    kit_device_free(&device);
    return kit_close(state);
}

/* Of the tenant's issuer, with these claims, and `left` seconds to live. */
static char *token(const char *tenant, const char *claims, int64_t left)
{
    int64_t now = clock_wall_s();
    char *payload =
        forge_text("{\"iss\":\"https://%s.example\",\"aud\":\"api://cmg\",\"iat\":%lld,\"nbf\":%lld,\"exp\":"
                   "%lld,%s}",
                   tenant, (long long)now - 1000, (long long)now - 1000, (long long)(now + left), claims);
    char *text = forge_ecdsa(key, HEADER, payload);
    free(payload);
    return text;
}

static void user_of(const char *tenant)
{
    free(subject);
    subject = token(tenant, "\"upn\":\"Ada@Example.com\"", 900);
}

static void device_of(const char *tenant, const char *id)
{
    char *claims = forge_text("\"deviceid\":\"%s\"", id);
    free(actor);
    actor = token(tenant, claims, 900);
    free(claims);
}

static void join(const struct kit_device *of, const char *tenant, const char *id)
{
    ok(store_device_set_entra(site.store, of->guid, tenant, id, &err));
    ok(store_device_get(site.store, rows, STORE_BY_GUID, device.guid, &d.record, &err));
}

static char user[256];
static struct mp_user_refusal refusal;

static enum result judge(void)
{
    const struct mp_user_question q = {slice_of(subject), actor ? slice_of(actor) : SLICE_NONE};
    memset(user, 0, sizeof user);
    refusal = (struct mp_user_refusal){0};
    return mp_user_judge(&from, &d, &q, user, &refusal, &err);
}

static void granted(void)
{
    enum result r = judge();
    if (r != OK)
        fail_msg("%s: %s", refusal.reason, refusal.detail.text);
    assert_string_equal(user, "ada@example.com");
}

static void refused(const char *error, const char *reason)
{
    assert_int_equal(judge(), R_DENIED);
    if (strcmp(refusal.error, error) != 0 || strcmp(refusal.reason, reason) != 0)
        fail_msg("%s %s: %s", refusal.error, refusal.reason, refusal.detail.text);
    assert_true(*refusal.detail.text && *refusal.remedy);
    assert_string_equal(user, "");
}

/* --- granted --- */

static void a_user_of_the_tenant_that_the_device_is_joined_to_is_named(void **state UNUSED)
{
    join(&device, "contoso", "ent-1");
    user_of("contoso");
    granted();
}

static void a_device_that_proves_now_what_it_is_is_joined_from_now_on(void **state UNUSED)
{
    user_of("contoso");
    device_of("contoso", "ent-1");
    granted();
    assert_string_equal(d.record.entra_device, "ent-1");
    assert_string_equal(d.record.entra_tenant, "contoso");
    assert_int_equal(kit_audited("device.entra-join"), 1);
    granted(); /* and stays */
    assert_int_equal(kit_audited("device.entra-join"), 1);
}

/* --- refused --- */

static void a_token_that_names_no_user_is_none(void **state UNUSED)
{
    join(&device, "contoso", "ent-1");
    subject = token("contoso", "\"deviceid\":\"ent-1\"", 900);
    refused("invalid_grant", "device_token_as_user");
    free(subject);
    subject = mem_strdup("abc");
    refused("invalid_grant", "device_token_as_user");
}

static void a_users_token_does_not_stand_for_the_device(void **state UNUSED)
{
    user_of("contoso");
    actor = token("contoso", "\"upn\":\"ada@example.com\",\"deviceid\":\"ent-1\"", 900);
    refused("invalid_grant", "user_token_as_device");
    assert_string_equal(d.record.entra_device, "");
}

static void an_expired_users_token_sends_the_user_to_sign_in(void **state UNUSED)
{
    join(&device, "contoso", "ent-1");
    subject = token("contoso", "\"upn\":\"ada@example.com\"", -600);
    refused("invalid_grant", "user_token_expired");
}

static void an_expired_devices_token_is_told_in_the_verdicts_words(void **state UNUSED)
{
    user_of("contoso");
    actor = token("contoso", "\"deviceid\":\"ent-1\"", -600);
    refused("invalid_grant", "expired");
    assert_non_null(strstr(refusal.detail.text, "'actor_token'"));
}

static void a_tenant_that_is_not_there_or_switched_off_vouches_for_nobody(void **state UNUSED)
{
    static const char *const tenants[] = {"stranger", "asleep"};
    join(&device, "contoso", "ent-1");
    for (size_t i = 0; i < ARRAY_LEN(tenants); i++) {
        user_of(tenants[i]);
        refused("invalid_grant", "unknown_tenant");
    }
}

static void a_device_that_never_proved_what_it_is_has_no_users(void **state UNUSED)
{
    user_of("contoso");
    refused("unauthorized_client", "device_not_joined");
}

static void a_user_of_another_tenant_is_refused(void **state UNUSED)
{
    join(&device, "contoso", "ent-1");
    user_of("fabrikam");
    refused("invalid_grant", "other_tenant");
}

static void a_record_is_of_one_entra_device_for_good(void **state UNUSED)
{
    static const char *const other[][2] = {{"contoso", "ent-2"}, {"fabrikam", "ent-1"}};
    join(&device, "contoso", "ent-1");
    user_of("contoso");
    for (size_t i = 0; i < ARRAY_LEN(other); i++) {
        device_of(other[i][0], other[i][1]);
        refused("invalid_grant", "other_device");
        assert_string_equal(d.record.entra_device, "ent-1");
    }
}

static void an_entra_device_of_another_record_is_not_taken_from_it(void **state UNUSED)
{
    struct kit_device other;
    kit_device_new(&other);
    kit_device_record(&other, "other", STORE_APPROVED);
    join(&other, "contoso", "ent-1");
    user_of("contoso");
    device_of("contoso", "ent-1");
    refused("invalid_grant", "other_record");
    ok(store_device_remove(site.store, other.guid, false, &err)); /* nor from one that was removed */
    refused("invalid_grant", "other_record");
    kit_device_free(&other);
}

static void a_block_shuts_the_entra_device_out_wherever_it_proves_itself(void **state UNUSED)
{
    struct kit_device other;
    kit_device_new(&other);
    kit_device_record(&other, "other", STORE_APPROVED);
    join(&other, "contoso", "ent-1");
    ok(store_device_block(site.store, other.guid, true, &err));
    user_of("contoso");
    device_of("contoso", "ent-1");
    refused("invalid_grant", "blocked");
    kit_device_free(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_user_of_the_tenant_that_the_device_is_joined_to_is_named),
        TEST(a_device_that_proves_now_what_it_is_is_joined_from_now_on),
        TEST(a_token_that_names_no_user_is_none),
        TEST(a_users_token_does_not_stand_for_the_device),
        TEST(an_expired_users_token_sends_the_user_to_sign_in),
        TEST(an_expired_devices_token_is_told_in_the_verdicts_words),
        TEST(a_tenant_that_is_not_there_or_switched_off_vouches_for_nobody),
        TEST(a_device_that_never_proved_what_it_is_has_no_users),
        TEST(a_user_of_another_tenant_is_refused),
        TEST(a_record_is_of_one_entra_device_for_good),
        TEST(an_entra_device_of_another_record_is_not_taken_from_it),
        TEST(a_block_shuts_the_entra_device_out_wherever_it_proves_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
