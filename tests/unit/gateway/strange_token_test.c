/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that the site did not issue: of a tenant, of a Configuration Manager site. What each opens, who it is then,
 * and what ends it. */
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "kit.h"

#include "base/mem.h"
#include "gateway/judge/by_token.h"

#define TENANT_ID "11111111-2222-4333-8444-555555555555"
#define ISSUER "https://login.example/v2"
#define FOREIGN_ISSUER "urn:sccm:token"
#define UNIQUE "0f1e2d3c-4b5a-4697-8877-665544332211"

struct strange {
    struct kit *k;
    EVP_PKEY *tenant_key, *site_key;
    char *tenants, *foreign; /* members of a bundle */
};

static char *tenant_member(EVP_PKEY *key, const char *source)
{
    json_t *set = json_pack("{s:[o]}", "keys", forge_jwk(key, "P-256", "key-1"));
    char *keys = json_dumps(set, 0);
    char *ret = forge_text(",\"tenants\":[{\"id\":\"contoso\",\"tenant\":\"" TENANT_ID "\",\"issuers\":[\"" ISSUER
                           "\"],\"audiences\":[\"api://cmg\"],\"jwks\":%s%s}]%s",
                           keys, source ? ",\"source\":\"keys-1\"" : "", source ? source : "");
    free(keys);
    json_decref(set);
    return ret;
}

static char *foreign_member(EVP_PKEY *key, const char *endpoints)
{
    char x5t[FOREIGN_X5T_SIZE], *text;
    struct error err = {.text = ""};
    json_t *set;
    BIO *out = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PUBKEY(out, key), 1);
    long len = BIO_get_mem_data(out, &text);
    if (foreign_read_key(slice_make(text, (size_t)len), "site-key", &set, x5t, &err) != OK)
        fail_msg("%s", err.text);
    BIO_free(out);
    char *keys = json_dumps(set, 0);
    json_decref(set);
    char *ret =
        forge_text(",\"foreign\":[{\"id\":\"old-site\",\"issuer\":\"" FOREIGN_ISSUER
                   "\",\"audience\":\"" FOREIGN_AUDIENCE "\",\"header\":\"kid\",\"key\":\"site-key\",\"jwks\":%s,"
                   "\"endpoints\":[%s]}]",
                   keys, endpoints);
    free(keys);
    return ret;
}

static int setup(void **state)
{
    struct strange *s = mem_zalloc(sizeof *s);
    void *kit;
    if (kit_setup(&kit) != 0)
        return -1;
    s->k = kit;
    s->tenant_key = forge_key("P-256");
    s->site_key = EVP_RSA_gen(2048);
    s->tenants = tenant_member(s->tenant_key, NULL);
    s->foreign = foreign_member(s->site_key, "\"tokens\"");
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct strange *s = *state;
    void *kit = s->k;
    EVP_PKEY_free(s->tenant_key);
    EVP_PKEY_free(s->site_key);
    free(s->tenants);
    free(s->foreign);
    free(s);
    return kit_teardown(&kit);
}

static void bear(struct kit *k, char *text)
{
    char *field = forge_text("Bearer %s", text);
    (void)http_fields_remove(&k->request.fields, SLICE("authorization"));
    kit_field(k, "authorization", field);
    free(field);
    free(text);
}

/* A tenant's token with these claims besides. */
static void bear_tenant(struct strange *s, EVP_PKEY *key, const char *kid, const char *claims)
{
    char *header = forge_text("{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"%s\"}", kid);
    char *payload = forge_text("{\"iss\":\"" ISSUER "\",\"aud\":\"api://cmg\",\"tid\":\"" TENANT_ID "\",\"iat\":%lld,"
                               "\"nbf\":%lld,\"exp\":%lld%s}",
                               (long long)NOW, (long long)NOW, (long long)NOW + 3600, claims);
    bear(s->k, forge_ecdsa(key, header, payload));
    free(header);
    free(payload);
}

static char *sign_rs256(EVP_PKEY *key, const char *header, const char *payload)
{
    unsigned char signature[512];
    size_t len = sizeof signature;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    char *unsigned_text = forge_raw(header, payload, SLICE(""));
    struct slice input = slice_make(unsigned_text, strlen(unsigned_text) - 1); /* without the second dot */
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(ctx, signature, &len, (const unsigned char *)input.ptr, input.len), 1);
    EVP_MD_CTX_free(ctx);
    free(unsigned_text);
    return forge_raw(header, payload, slice_make(signature, len));
}

static void bear_foreign(struct strange *s, const char *type)
{
    char *payload =
        forge_text("{\"iss\":\"" FOREIGN_ISSUER "\",\"aud\":\"" FOREIGN_AUDIENCE
                   "\",\"nbf\":%lld,\"exp\":%lld,\"SCCMTokenCategory\":\"SCCMPreAuthToken\",\"Type\":\"%s\","
                   "\"UniqueId\":\"" UNIQUE "\"}",
                   (long long)NOW, (long long)NOW + 3600, type);
    bear(s->k, sign_rs256(s->site_key, "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"site-key\"}", payload));
    free(payload);
}

static void expect(struct kit *k, const char *endpoint, enum verdict_reason wanted)
{
    kit_assert_reason(k, kit_ask(k, ROUTE_SERVER, endpoint), wanted);
}

#define DEVICE ",\"deviceid\":\"Device-1\""
#define USER DEVICE ",\"upn\":\"ada@example.com\",\"scp\":\"x\""

/* --- of a tenant --- */

static void a_tenant_s_device_opens_the_token_service_as_itself(void **state)
{
    struct strange *s = *state;
    kit_bundle(s->k, s->tenants);
    bear_tenant(s, s->tenant_key, "key-1", DEVICE);
    expect(s->k, "sts", REASON_OK);
    assert_int_equal(s->k->who.identity.method, CHOICE_ENTRA);
    assert_string_equal(s->k->who.identity.client_id, "entra:device-1");
    assert_string_equal(s->k->who.subject, "device-1");
    assert_int_equal(strlen(s->k->who.holder), 64); /* of tenant and device together */
    assert_false(s->k->who.identity.foreign);
}

static void a_tenant_s_token_opens_no_server(void **state)
{
    struct strange *s = *state;
    kit_bundle(s->k, s->tenants);
    bear_tenant(s, s->tenant_key, "key-1", DEVICE);
    expect(s->k, "tokens", REASON_TOKEN_WRONG_PURPOSE);
    assert_non_null(strstr(s->k->detail.text, "registration and the token service alone"));
    expect(s->k, NULL, REASON_OK); /* by the metadata a device finds the service */
}

static void a_user_s_token_opens_the_token_service_and_no_metadata(void **state)
{
    struct strange *s = *state;
    kit_bundle(s->k, s->tenants);
    bear_tenant(s, s->tenant_key, "key-1", USER);
    expect(s->k, "sts", REASON_OK);
    assert_string_equal(s->k->who.subject, "ada@example.com");
    expect(s->k, NULL, REASON_TOKEN_WRONG_PURPOSE);
    assert_non_null(strstr(s->k->detail.text, "being a user's"));
}

static void an_endpoint_that_takes_no_tenants_says_so(void **state)
{
    struct strange *s = *state;
    kit_bundle(s->k, s->tenants);
    bear_tenant(s, s->tenant_key, "key-1", DEVICE);
    expect(s->k, "sts", REASON_OK);
    kit_bundle(s->k, "");
    expect(s->k, "sts", REASON_TOKEN_UNKNOWN_TENANT); /* it was switched off */
}

static void a_key_that_is_not_known_yet_is_asked_for_where_the_tenant_has_a_source(void **state)
{
    struct strange *s = *state;
    kit_bundle(s->k, s->tenants);
    bear_tenant(s, s->tenant_key, "key-2", DEVICE);
    expect(s->k, "sts", REASON_TOKEN_UNKNOWN_KEY);
    assert_int_equal(s->k->keys_wanted, 0);
    char *with_source = tenant_member(s->tenant_key, ",\"sources\":[{\"id\":\"keys-1\",\"kind\":\"jwks\",\"via\":"
                                                     "\"connector\",\"refresh_s\":0}]");
    kit_bundle(s->k, with_source);
    free(with_source);
    expect(s->k, "sts", REASON_TOKEN_UNKNOWN_KEY);
    assert_int_equal(s->k->keys_wanted, 1);
    assert_string_equal(s->k->key_source, "keys-1");
}

static void a_token_that_another_key_signed_opens_nothing(void **state)
{
    struct strange *s = *state;
    EVP_PKEY *other = forge_key("P-256");
    kit_bundle(s->k, s->tenants);
    bear_tenant(s, other, "key-1", DEVICE);
    expect(s->k, "sts", REASON_TOKEN_BAD_SIGNATURE);
    EVP_PKEY_free(other);
}

static void a_block_ends_a_tenant_s_device_and_no_other(void **state)
{
    struct strange *s = *state;
    char key[ENTRA_KEY_HEX];
    entra_device_key("contoso", "device-1", key);
    char *block = forge_text("%s,\"blocks\":[{\"entra\":[\"%s\"]}]", s->tenants, key);
    kit_bundle(s->k, s->tenants);
    bear_tenant(s, s->tenant_key, "key-1", DEVICE);
    expect(s->k, "sts", REASON_OK);
    struct grant *g = grant_ref(s->k->client.token);
    assert_int_equal(grant_method(g), CHOICE_ENTRA);
    assert_null(grant_ended(g, &s->k->snapshot, "sts", NOW));
    kit_bundle(s->k, block);
    expect(s->k, "sts", REASON_BLOCKED);
    assert_string_equal(grant_ended(g, &s->k->snapshot, "sts", NOW), "blocked");
    bear_tenant(s, s->tenant_key, "key-1", ",\"deviceid\":\"device-2\"");
    expect(s->k, "sts", REASON_OK);
    grant_unref(g);
    free(block);
}

static void a_verdict_on_a_token_is_remembered_for_one_purpose_and_one_certificate(void **state)
{
    struct strange *s = *state;
    kit_bundle(s->k, s->tenants);
    bear_tenant(s, s->tenant_key, "key-1", DEVICE);
    expect(s->k, "sts", REASON_OK);
    expect(s->k, "sts", REASON_OK);
    assert_int_equal(kit_counted(s->k, METRIC_VERDICTS), 1);
    expect(s->k, NULL, REASON_OK);
    assert_int_equal(kit_counted(s->k, METRIC_VERDICTS), 2);
    struct pair own = MAKE(.cn = "device-key");
    kit_show(s->k, &own);
    expect(s->k, "sts", REASON_OK);
    assert_int_equal(kit_counted(s->k, METRIC_VERDICTS), 3);
    kit_show(s->k, NULL);
    drop(&own);
}

/* --- of a Configuration Manager site --- */

static void a_foreign_site_s_token_opens_what_an_administrator_listed(void **state)
{
    struct strange *s = *state;
    kit_bundle(s->k, s->foreign);
    bear_foreign(s, "BulkRegistration");
    expect(s->k, "tokens", REASON_OK);
    assert_int_equal(s->k->who.identity.method, CHOICE_TOKEN);
    assert_true(s->k->who.identity.foreign);
    assert_string_equal(s->k->who.identity.client_id, "foreign:old-site:" UNIQUE);
    assert_string_equal(s->k->who.subject, UNIQUE);
    expect(s->k, "both", REASON_TOKEN_WRONG_PURPOSE);
    assert_non_null(strstr(s->k->detail.text, "'old-site' open: tokens"));
    expect(s->k, NULL, REASON_OK);
}

static void a_foreign_token_of_an_unknown_type_opens_nothing(void **state)
{
    struct strange *s = *state;
    kit_bundle(s->k, s->foreign);
    bear_foreign(s, "Other");
    expect(s->k, "tokens", REASON_TOKEN_WRONG_PURPOSE);
}

static void a_foreign_token_can_be_blocked_by_its_id(void **state)
{
    struct strange *s = *state;
    char *block = forge_text("%s,\"blocks\":[{\"tokens\":[\"" UNIQUE "\"]}]", s->foreign);
    kit_bundle(s->k, block);
    bear_foreign(s, "BulkRegistration");
    expect(s->k, "tokens", REASON_BLOCKED);
    free(block);
}

static void what_a_foreign_token_opened_ends_with_the_trust_in_its_site(void **state)
{
    struct strange *s = *state;
    kit_bundle(s->k, s->foreign);
    bear_foreign(s, "BulkRegistration");
    expect(s->k, "tokens", REASON_OK);
    struct grant *g = s->k->client.token;
    assert_null(grant_ended(g, &s->k->snapshot, "tokens", NOW));
    assert_string_equal(grant_client(g), "");
    char *elsewhere = foreign_member(s->site_key, "\"both\"");
    kit_bundle(s->k, elsewhere);
    assert_string_equal(grant_ended(g, &s->k->snapshot, "tokens", NOW), "its foreign site is trusted here no longer");
    assert_null(grant_ended(g, &s->k->snapshot, "both", NOW));
    kit_bundle(s->k, "");
    assert_non_null(grant_ended(g, &s->k->snapshot, "both", NOW));
    free(elsewhere);
}

/* --- grants --- */

static void a_grant_is_the_same_while_its_token_and_its_end_are(void **state)
{
    struct strange *s = *state;
    const unsigned char one[VERDICT_KEY_SIZE] = {1}, two[VERDICT_KEY_SIZE] = {2};
    struct cached_verdict v = {.kind = CACHED_TOKEN, .valid_until = NOW + 10};
    cstr_copy(v.token.subject, sizeof v.token.subject, KIT_GUID);
    struct grant *g = grant_of(NULL, one, &v), *kept = grant_ref(g);
    assert_ptr_equal(grant_of(g, one, &v), kept);
    assert_string_equal(grant_client(g), KIT_GUID);
    g = grant_of(g, two, &v);
    assert_ptr_not_equal(g, kept);
    assert_null(grant_ended(kept, &s->k->snapshot, NULL, NOW + 9)); /* a request holds it yet */
    assert_string_equal(grant_ended(kept, &s->k->snapshot, NULL, NOW + 10), "expired");
    v.valid_until++;
    struct grant *longer = grant_of(g, two, &v);
    assert_null(grant_ended(longer, &s->k->snapshot, NULL, NOW + 10));
    grant_unref(longer);
    grant_unref(kept);
    grant_unref(NULL);
}

static void a_device_loses_its_tokens_with_the_last_of_its_certificates(void **state)
{
    struct strange *s = *state;
    const struct pki_trust_options checked = {.crl_check = true};
    struct pair other = MAKE(.cn = "device-1", .issuer = &s->k->root);
    struct pki_cert_ref refs[2];
    struct error err = {.text = ""};
    struct pki_trust *trust = pki_trust_new(&checked);
    struct slice root = der_of(s->k->root.cert), list = MAKE_CRL(.issuer = &s->k->root, .revoked = {s->k->leaf.cert});
    struct snapshot snapshot = s->k->snapshot;
    assert_int_equal(pki_trust_add_anchors(trust, root, &err), OK);
    assert_int_equal(pki_trust_add_crl(trust, list, &err), OK);
    pki_trust_seal(trust, NULL);
    snapshot.trust = trust;
    assert_true(pki_cert_ref_of(s->k->leaf.cert, &refs[0]) && pki_cert_ref_of(other.cert, &refs[1]));

    assert_true(grant_all_revoked(&snapshot, refs, 1, NOW));
    assert_false(grant_all_revoked(&snapshot, refs, 2, NOW));
    assert_false(grant_all_revoked(&snapshot, refs, 0, NOW)); /* it names none */
    free((void *)(uintptr_t)root.ptr);
    free((void *)(uintptr_t)list.ptr);
    pki_trust_unref(trust);
    drop(&other);
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        HELD(a_tenant_s_device_opens_the_token_service_as_itself),
        HELD(a_tenant_s_token_opens_no_server),
        HELD(a_user_s_token_opens_the_token_service_and_no_metadata),
        HELD(an_endpoint_that_takes_no_tenants_says_so),
        HELD(a_key_that_is_not_known_yet_is_asked_for_where_the_tenant_has_a_source),
        HELD(a_token_that_another_key_signed_opens_nothing),
        HELD(a_block_ends_a_tenant_s_device_and_no_other),
        HELD(a_verdict_on_a_token_is_remembered_for_one_purpose_and_one_certificate),
        HELD(a_foreign_site_s_token_opens_what_an_administrator_listed),
        HELD(a_foreign_token_of_an_unknown_type_opens_nothing),
        HELD(a_foreign_token_can_be_blocked_by_its_id),
        HELD(what_a_foreign_token_opened_ends_with_the_trust_in_its_site),
        HELD(a_grant_is_the_same_while_its_token_and_its_end_are),
        HELD(a_device_loses_its_tokens_with_the_last_of_its_certificates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
