/* SPDX-License-Identifier: Apache-2.0 */
/* Whose token is it, of which tenant, and is it to be believed: claims as Microsoft Entra sends them (v1 and v2), those
 * of other providers, and what attackers and careless providers send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "forge.h"
#include "jose/entra.h"

#define NOW ((int64_t)1800000000)
#define CONTOSO "11111111-2222-4333-8444-555555555555"
#define FABRIKAM "99999999-2222-4333-8444-555555555555"
#define V1(tenant) "https://sts.windows.net/" tenant "/"
#define V2(tenant) "https://login.microsoftonline.com/" tenant "/v2.0"
#define DEVICE "AB1F0000-1111-4222-8333-444455556666"
#define DEVICE_LOWER "ab1f0000-1111-4222-8333-444455556666"
#define TIMES "\"iat\":1800000000,\"nbf\":1800000000,\"exp\":1800003600"
#define AUDIENCE "api://cmg"
#define BASE(issuer, tenant) "\"iss\":\"" issuer "\",\"aud\":\"" AUDIENCE "\",\"tid\":\"" tenant "\"," TIMES
#define OF_CONTOSO "{" BASE(V2(CONTOSO), CONTOSO) ",\"deviceid\":\"" DEVICE "\""

enum { CONTOSO_AT, FABRIKAM_AT, OTHER_AT, EMPTY_AT, TENANTS };

struct fixture {
    EVP_PKEY *keys[TENANTS];
    struct entra_tenant tenants[TENANTS];
};

/* Every tenant calls its key the same: the name alone must not be what counts. */
static struct jose_keys *keys_of(EVP_PKEY *key)
{
    struct jose_keys *keys;
    struct error err;
    json_t *set = json_pack("{s:[o]}", "keys", forge_jwk(key, "P-256", "key-1"));
    if (jose_keys_new_foreign(set, &keys, &err) != OK)
        fail_msg("%s", err.text);
    json_decref(set);
    return keys;
}

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    const struct entra_tenant entra = {.audiences = "https://cmg.example/site " AUDIENCE,
                                       .algorithms = "RS256 ES256",
                                       .tenant_claim = ENTRA_TENANT_CLAIM,
                                       .device_claim = ENTRA_DEVICE_CLAIM,
                                       .user_claims = ENTRA_USER_CLAIMS};
    for (int i = 0; i < TENANTS; i++) {
        f->keys[i] = forge_key("P-256");
        f->tenants[i] = entra;
        f->tenants[i].keys = i == EMPTY_AT ? NULL : keys_of(f->keys[i]);
    }
    f->tenants[CONTOSO_AT].id = "contoso";
    f->tenants[CONTOSO_AT].tenant = CONTOSO;
    f->tenants[CONTOSO_AT].issuers = V2(CONTOSO) " " V1(CONTOSO);
    f->tenants[FABRIKAM_AT].id = "fabrikam";
    f->tenants[FABRIKAM_AT].tenant = FABRIKAM;
    f->tenants[FABRIKAM_AT].issuers = V2(FABRIKAM) " " V1(FABRIKAM);
    f->tenants[OTHER_AT].id = "other";
    f->tenants[OTHER_AT].tenant = "";
    f->tenants[OTHER_AT].issuers = "https://id.example";
    f->tenants[OTHER_AT].device_claim = "client_id";
    f->tenants[OTHER_AT].user_claims = "email";
    f->tenants[EMPTY_AT].id = "empty";
    f->tenants[EMPTY_AT].tenant = "";
    f->tenants[EMPTY_AT].issuers = "https://empty.example";
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < TENANTS; i++) {
        jose_keys_free((struct jose_keys *)(uintptr_t)f->tenants[i].keys);
        EVP_PKEY_free(f->keys[i]);
    }
    free(f);
    return 0;
}

/* Takes over the text; every refusal must say something. */
static enum verdict_reason judge_text(const struct fixture *f, char *text, struct entra_token *ret)
{
    struct error err = {.text = ""};
    enum verdict_reason r = entra_judge(f->tenants, TENANTS, slice_of(text), NOW, ret, &err);
    if (r != REASON_OK)
        assert_int_not_equal(err.text[0], '\0');
    free(text);
    return r;
}

static enum verdict_reason judge(void **state, int signer, const char *claims, struct entra_token *ret)
{
    const struct fixture *f = *state;
    static const char header[] = "{\"alg\":\"ES256\",\"kid\":\"key-1\",\"typ\":\"JWT\"}";
    return judge_text(f, forge_ecdsa(f->keys[signer], header, claims), ret);
}

static void refused(void **state, int signer, const char *claims, enum verdict_reason reason)
{
    struct entra_token t;
    print_message("%d: %s\n", (int)reason, claims);
    assert_int_equal(judge(state, signer, claims, &t), reason);
}

/* --- whose --- */

static void tokens_of_v1_and_of_v2_name_tenant_and_device(void **state)
{
    static const char *const claims[] = {
        "{" BASE(V1(CONTOSO), CONTOSO) ",\"ver\":\"1.0\",\"appid\":\"a\",\"idtyp\":\"device\",\"deviceid\":\"" DEVICE
                                       "\"}",
        "{" BASE(V2(CONTOSO), CONTOSO) ",\"ver\":\"2.0\",\"azp\":\"a\",\"idtyp\":\"app\",\"deviceid\":\"" DEVICE "\"}",
        OF_CONTOSO ",\"oid\":\"o\",\"sub\":\"s\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
        struct entra_token t;
        assert_int_equal(judge(state, CONTOSO_AT, claims[i], &t), REASON_OK);
        assert_string_equal(t.tenant->id, "contoso");
        assert_string_equal(t.device, DEVICE_LOWER);
        assert_string_equal(t.user, "");
        assert_true(t.expires == NOW + 3600);
    }
}

static void any_claim_that_names_a_user_makes_it_the_users(void **state)
{
    static const char *const names[] = {"upn", "preferred_username", "unique_name"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct entra_token t;
        char *claims = forge_text(OF_CONTOSO ",\"%s\":\"Ada@Example.com\",\"scp\":\"user\"}", names[i]);
        assert_int_equal(judge(state, CONTOSO_AT, claims, &t), REASON_OK);
        assert_string_equal(t.user, "ada@example.com");
        assert_string_equal(t.device, DEVICE_LOWER);
        free(claims);
    }
}

static void a_users_token_that_names_no_user_is_not_taken_for_the_devices(void **state)
{
    refused(state, CONTOSO_AT, OF_CONTOSO ",\"scp\":\"user_impersonation\"}", REASON_TOKEN_WRONG_PURPOSE);
    refused(state, CONTOSO_AT, OF_CONTOSO ",\"idtyp\":\"user\"}", REASON_TOKEN_WRONG_PURPOSE);
    refused(state, CONTOSO_AT, OF_CONTOSO ",\"upn\":\"\",\"scp\":\"x\"}", REASON_TOKEN_WRONG_PURPOSE);
    refused(state, CONTOSO_AT, OF_CONTOSO ",\"upn\":[\"ada@example.com\"]}", REASON_TOKEN_MALFORMED);
    refused(state, CONTOSO_AT, OF_CONTOSO ",\"upn\":null,\"scp\":\"x\"}", REASON_TOKEN_WRONG_PURPOSE);
}

static void names_are_texts_of_bounded_length(void **state)
{
    char *claims = forge_text("{" BASE(V2(CONTOSO), CONTOSO) ",\"deviceid\":\"%0*d\"}", ENTRA_NAME_MAX, 1);
    refused(state, CONTOSO_AT, claims, REASON_TOKEN_MALFORMED);
    free(claims);
    claims = forge_text(OF_CONTOSO ",\"upn\":\"%0*d\"}", ENTRA_USER_MAX, 1);
    refused(state, CONTOSO_AT, claims, REASON_TOKEN_MALFORMED);
    free(claims);
    refused(state, CONTOSO_AT, "{" BASE(V2(CONTOSO), CONTOSO) ",\"deviceid\":\"a\\u000ab\"}", REASON_TOKEN_MALFORMED);
    refused(state, CONTOSO_AT, "{" BASE(V2(CONTOSO), CONTOSO) ",\"deviceid\":\"a\\u007f\"}", REASON_TOKEN_MALFORMED);
    refused(state, CONTOSO_AT, "{" BASE(V2(CONTOSO), CONTOSO) ",\"deviceid\":\"\\u0085b\"}", REASON_TOKEN_MALFORMED);
    refused(state, CONTOSO_AT, OF_CONTOSO ",\"upn\":\"a\\u202eb\"}", REASON_TOKEN_MALFORMED);
    refused(state, CONTOSO_AT, "{" BASE(V2(CONTOSO), CONTOSO) ",\"deviceid\":7}", REASON_TOKEN_MALFORMED);
    refused(state, CONTOSO_AT, "{" BASE(V2(CONTOSO), CONTOSO) "}", REASON_TOKEN_WRONG_PURPOSE);
}

static void claims_of_other_providers_count_for_them_alone(void **state)
{
    struct entra_token t;
    static const char other[] = "{\"iss\":\"https://id.example\",\"aud\":[\"x\",\"" AUDIENCE "\"]," TIMES;
    char *claims = forge_text("%s,\"client_id\":\"Device-1\",\"upn\":\"not-a-user-there\"}", other);
    assert_int_equal(judge(state, OTHER_AT, claims, &t), REASON_OK);
    assert_string_equal(t.device, "device-1");
    assert_string_equal(t.user, "");
    free(claims);
    claims = forge_text("%s,\"client_id\":\"device-1\",\"email\":\"ada@example.com\"}", other);
    assert_int_equal(judge(state, OTHER_AT, claims, &t), REASON_OK);
    assert_string_equal(t.user, "ada@example.com");
    free(claims);
    refused(state, CONTOSO_AT, "{" BASE(V2(CONTOSO), CONTOSO) ",\"client_id\":\"device-1\"}",
            REASON_TOKEN_WRONG_PURPOSE);
}

/* --- which tenant --- */

static void one_tenant_vouches_for_no_other(void **state)
{
    /* Signed by Fabrikam: as Contoso, as Contoso by its tenant claim, and the other way round. */
    refused(state, FABRIKAM_AT, OF_CONTOSO "}", REASON_TOKEN_BAD_SIGNATURE);
    refused(state, FABRIKAM_AT, "{" BASE(V2(FABRIKAM), CONTOSO) ",\"deviceid\":\"d\"}", REASON_TOKEN_UNKNOWN_TENANT);
    refused(state, CONTOSO_AT, "{" BASE(V1(FABRIKAM), CONTOSO) ",\"deviceid\":\"d\"}", REASON_TOKEN_BAD_SIGNATURE);
    refused(state, OTHER_AT, OF_CONTOSO "}", REASON_TOKEN_BAD_SIGNATURE);
}

static void an_issuer_counts_to_the_letter(void **state)
{
    static const char *const near[] = {
        "https://sts.windows.net/" CONTOSO,
        "https://login.microsoftonline.com/" CONTOSO "/",
        "https://login.microsoftonline.com/" CONTOSO "/v2.0/",
        "HTTPS://sts.windows.net/" CONTOSO "/",
        "https://sts.windows.net/" CONTOSO "/ ",
        V2(CONTOSO) " " V1(CONTOSO),
        "https://sts.windows.net/common/",
        "",
    };
    for (size_t i = 0; i < ARRAY_LEN(near); i++) {
        char *claims = forge_text(
            "{\"iss\":\"%s\",\"aud\":\"" AUDIENCE "\",\"tid\":\"" CONTOSO "\"," TIMES ",\"deviceid\":\"d\"}", near[i]);
        refused(state, CONTOSO_AT, claims, REASON_TOKEN_WRONG_ISSUER);
        free(claims);
    }
}

static void a_tenant_that_is_not_onboarded_is_unknown(void **state)
{
    static const char stranger[] = "77777777-2222-4333-8444-555555555555";
    char *claims = forge_text("{\"iss\":\"https://sts.windows.net/%s/\",\"tid\":\"%s\",\"aud\":\"" AUDIENCE "\"," TIMES
                              ",\"deviceid\":\"d\"}",
                              stranger, stranger);
    refused(state, CONTOSO_AT, claims, REASON_TOKEN_UNKNOWN_TENANT);
    free(claims);
    refused(state, CONTOSO_AT, "{\"aud\":\"" AUDIENCE "\"," TIMES ",\"deviceid\":\"d\"}", REASON_TOKEN_UNKNOWN_TENANT);
    struct entra_token t;
    const struct fixture *f = *state;
    char *text = forge_ecdsa(f->keys[CONTOSO_AT], "{\"alg\":\"ES256\",\"kid\":\"key-1\"}", OF_CONTOSO "}");
    assert_int_equal(entra_judge(NULL, 0, slice_of(text), NOW, &t, NULL), REASON_TOKEN_UNKNOWN_TENANT);
    free(text);
}

static void a_tenant_whose_keys_are_not_at_hand_lets_nobody_in(void **state)
{
    refused(state, EMPTY_AT,
            "{\"iss\":\"https://empty.example\",\"aud\":\"" AUDIENCE "\"," TIMES ",\"deviceid\":\"d\"}",
            REASON_TOKEN_UNKNOWN_KEY);
}

/* --- what else it must say --- */

static void each_audience_of_the_tenant_is_taken_and_no_other(void **state)
{
    static const struct {
        const char *aud;
        enum verdict_reason reason;
    } cases[] = {
        {"\"https://cmg.example/site\"", REASON_OK},
        {"\"" AUDIENCE "\"", REASON_OK},
        {"[\"x\",\"" AUDIENCE "\"]", REASON_OK},
        {"\"https://graph.microsoft.com\"", REASON_TOKEN_WRONG_AUDIENCE},
        {"\"https://cmg.example/site " AUDIENCE "\"", REASON_TOKEN_WRONG_AUDIENCE},
        {"\"\"", REASON_TOKEN_WRONG_AUDIENCE},
        {"[]", REASON_TOKEN_MALFORMED},
        {"{}", REASON_TOKEN_MALFORMED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct entra_token t;
        char *claims =
            forge_text("{\"iss\":\"" V1(CONTOSO) "\",\"tid\":\"" CONTOSO "\",\"aud\":%s," TIMES ",\"deviceid\":\"d\"}",
                       cases[i].aud);
        print_message("%s\n", cases[i].aud);
        assert_int_equal(judge(state, CONTOSO_AT, claims, &t), cases[i].reason);
        free(claims);
    }
}

static void no_algorithm_is_confused_with_another(void **state)
{
    const struct fixture *f = *state;
    struct entra_token t;
    json_t *jwk = forge_jwk(f->keys[CONTOSO_AT], "P-256", "key-1");
    const char *x = json_string_value(json_object_get(jwk, "x"));
    char *token = forge_hmac(slice_of(x), "{\"alg\":\"HS256\",\"kid\":\"key-1\"}", OF_CONTOSO "}");
    assert_int_equal(judge_text(f, token, &t), REASON_TOKEN_MALFORMED);
    token = forge_raw("{\"alg\":\"none\"}", OF_CONTOSO "}", SLICE(""));
    assert_int_equal(judge_text(f, token, &t), REASON_TOKEN_MALFORMED);
    token = forge_ecdsa(f->keys[CONTOSO_AT], "{\"alg\":\"RS256\",\"kid\":\"key-1\"}", OF_CONTOSO "}");
    assert_int_not_equal(judge_text(f, token, &t), REASON_OK);
    token = forge_ecdsa(f->keys[CONTOSO_AT], "{\"alg\":\"ES256\",\"kid\":\"key-1\",\"jku\":\"https://a.example\"}",
                        OF_CONTOSO "}");
    assert_int_equal(judge_text(f, token, &t), REASON_TOKEN_MALFORMED);
    json_decref(jwk);
}

static void a_claim_twice_is_malformed(void **state)
{
    refused(state, CONTOSO_AT, OF_CONTOSO ",\"tid\":\"" FABRIKAM "\"}", REASON_TOKEN_MALFORMED);
    refused(state, CONTOSO_AT, OF_CONTOSO ",\"deviceid\":\"other\"}", REASON_TOKEN_MALFORMED);
}

static void a_sites_own_tokens_are_no_tenants(void **state)
{
    const struct fixture *f = *state;
    static const struct {
        const char *claims;
        bool foreign;
    } cases[] = {{"{\"iss\":\"urn:opencmg:LAB\"}", false},
                 {"{\"iss\":\"" V1(CONTOSO) "\"}", true},
                 {"{}", false},
                 {"{\"iss\":7}", false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = forge_ecdsa(f->keys[0], "{\"alg\":\"ES256\"}", cases[i].claims);
        assert_int_equal(entra_is_foreign(slice_of(text)), cases[i].foreign);
        free(text);
    }
    assert_false(entra_is_foreign(SLICE("")));
    assert_false(entra_is_foreign(SLICE("a.b.c")));
}

static void a_device_of_one_tenant_has_another_key_than_that_of_another(void **state UNUSED)
{
    char a[ENTRA_KEY_HEX], b[ENTRA_KEY_HEX], c[ENTRA_KEY_HEX];
    entra_device_key("contoso", "d", a);
    entra_device_key("fabrikam", "d", b);
    entra_device_key("contoso", "d", c);
    assert_string_equal(a, c);
    assert_string_not_equal(a, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_of_v1_and_of_v2_name_tenant_and_device),
        cmocka_unit_test(any_claim_that_names_a_user_makes_it_the_users),
        cmocka_unit_test(a_users_token_that_names_no_user_is_not_taken_for_the_devices),
        cmocka_unit_test(names_are_texts_of_bounded_length),
        cmocka_unit_test(claims_of_other_providers_count_for_them_alone),
        cmocka_unit_test(one_tenant_vouches_for_no_other),
        cmocka_unit_test(an_issuer_counts_to_the_letter),
        cmocka_unit_test(a_tenant_that_is_not_onboarded_is_unknown),
        cmocka_unit_test(a_tenant_whose_keys_are_not_at_hand_lets_nobody_in),
        cmocka_unit_test(each_audience_of_the_tenant_is_taken_and_no_other),
        cmocka_unit_test(no_algorithm_is_confused_with_another),
        cmocka_unit_test(a_claim_twice_is_malformed),
        cmocka_unit_test(a_sites_own_tokens_are_no_tenants),
        cmocka_unit_test(a_device_of_one_tenant_has_another_key_than_that_of_another),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
