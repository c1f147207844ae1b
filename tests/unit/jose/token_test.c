/* SPDX-License-Identifier: Apache-2.0 */
/* Which token opens what, when and for whom; and what a token must look like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "forge.h"
#include "jose/token.h"

#define NOW ((int64_t)1800000000)
#define GUID "6f1c0000-1111-4222-8333-444455556666"
#define X5T "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define OTHER_X5T "g83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"

enum { KINDS = TOKEN_USER + 1, PURPOSES = PURPOSE_USER + 1 };
static const char *const kind_names[KINDS] = {"bulk", "device", "access", "user"};
static const char *const purpose_names[PURPOSES] = {"registration", "sts", "metadata", "general", "user"};

struct fixture {
    EVP_PKEY *key;
    struct jose_signer *signer;
    struct jose_keys *keys;
    struct token_policy policy;
};

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    struct error err;
    f->key = forge_key("P-256");
    assert_int_equal(jose_signer_new(f->key, &f->signer, &err), OK);
    f->keys = forge_keys(f->signer, NULL);
    f->policy = (struct token_policy){"LAB", f->keys, 90 * 86400};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    jose_keys_free(f->keys);
    jose_signer_free(f->signer);
    EVP_PKEY_free(f->key);
    free(f);
    return 0;
}

static void put(char *ret, size_t size, const char *text)
{
    assert_true(slice_to_cstr(slice_of(text), ret, size));
}

static struct token token_of(enum token_kind kind)
{
    struct token t = {.kind = kind, .issued = NOW, .not_before = NOW, .expires = NOW + 3600};
    if (kind != TOKEN_BULK) {
        put(t.subject, sizeof t.subject, GUID);
        put(t.x5t, sizeof t.x5t, X5T);
    }
    if (kind == TOKEN_USER)
        put(t.user, sizeof t.user, "ada@example.com");
    return t;
}

static char *issue(const struct fixture *f, const struct token *t)
{
    char *text;
    struct error err = {.text = ""};
    if (token_issue(f->signer, "LAB", t, &text, &err) != OK)
        fail_msg("%s", err.text);
    return text;
}

/* Takes over the text. */
static enum verdict_reason judge_as(const struct token_policy *p, char *text, enum token_purpose purpose,
                                    const char *x5t, int64_t now, struct token *ret)
{
    struct error err = {.text = ""};
    enum verdict_reason r = token_judge(p, slice_of(text), purpose, slice_of(x5t), now, ret, &err);
    if (r != REASON_OK)
        assert_int_not_equal(err.text[0], '\0');
    free(text);
    return r;
}

static enum verdict_reason judge(const struct fixture *f, char *text, enum token_purpose purpose, int64_t now)
{
    struct token ignored;
    return judge_as(&f->policy, text, purpose, X5T, now, &ignored);
}

/* --- what opens what --- */

static void each_kind_opens_its_purposes_and_no_other(void **state)
{
    static const bool opens[KINDS][PURPOSES] = {
        [TOKEN_BULK] = {[PURPOSE_REGISTRATION] = true, [PURPOSE_METADATA] = true},
        [TOKEN_DEVICE] = {[PURPOSE_STS] = true, [PURPOSE_METADATA] = true},
        [TOKEN_ACCESS] = {[PURPOSE_GENERAL] = true, [PURPOSE_METADATA] = true},
        [TOKEN_USER] = {[PURPOSE_USER] = true},
    };
    for (int k = 0; k < KINDS; k++) {
        for (int p = 0; p < PURPOSES; p++) {
            struct token t = token_of((enum token_kind)k);
            print_message("%s for %s\n", kind_names[k], purpose_names[p]);
            assert_int_equal(judge(*state, issue(*state, &t), (enum token_purpose)p, NOW),
                             opens[k][p] ? REASON_OK : REASON_TOKEN_WRONG_PURPOSE);
            assert_int_equal(token_kind_opens((enum token_kind)k, (enum token_purpose)p), opens[k][p]);
        }
    }
}

static void what_was_issued_is_what_is_read(void **state)
{
    struct fixture *f = *state;
    for (int k = 0; k < KINDS; k++) {
        struct token t = token_of((enum token_kind)k), back;
        static const enum token_purpose purpose[] = {PURPOSE_REGISTRATION, PURPOSE_STS, PURPOSE_GENERAL, PURPOSE_USER};
        t.not_before = NOW + 1;
        assert_int_equal(judge_as(&f->policy, issue(f, &t), purpose[k], X5T, NOW + 2, &back), REASON_OK);
        assert_int_equal(back.kind, k);
        assert_true(guid_valid(slice_of(back.id))); /* made, because ours was empty */
        assert_string_equal(back.subject, t.subject);
        assert_string_equal(back.x5t, t.x5t);
        assert_string_equal(back.user, t.user);
        assert_true(back.issued == NOW && back.not_before == NOW + 1 && back.expires == NOW + 3600);
        assert_false(back.in_grace);
    }
}

static void purposes_have_names_that_are_read_back(void **state UNUSED)
{
    for (int p = 0; p < PURPOSES; p++) {
        enum token_purpose back;
        assert_true(token_purpose_parse(slice_of(purpose_names[p]), &back));
        assert_int_equal(back, p);
    }
    enum token_purpose none;
    assert_false(token_purpose_parse(SLICE(""), &none));
    assert_false(token_purpose_parse(SLICE("General"), &none));
}

/* --- binding --- */

static void a_stolen_token_is_useless_without_the_key(void **state)
{
    struct fixture *f = *state;
    static const enum token_kind kinds[] = {TOKEN_DEVICE, TOKEN_ACCESS, TOKEN_USER};
    static const enum token_purpose purpose[] = {PURPOSE_STS, PURPOSE_GENERAL, PURPOSE_USER};
    static const char *const presented[] = {NULL,    "",     OTHER_X5T, "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVE",
                                            X5T "=", X5T X5T};
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        struct token t = token_of(kinds[k]), back;
        for (size_t i = 0; i < ARRAY_LEN(presented); i++) {
            assert_int_equal(judge_as(&f->policy, issue(f, &t), purpose[k], presented[i], NOW, &back),
                             REASON_TOKEN_NOT_BOUND);
            assert_string_equal(back.subject, GUID); /* so that the log can name the victim */
        }
    }
}

static void a_bulk_token_needs_no_key(void **state)
{
    struct fixture *f = *state;
    struct token t = token_of(TOKEN_BULK), back;
    assert_int_equal(judge_as(&f->policy, issue(f, &t), PURPOSE_REGISTRATION, NULL, NOW, &back), REASON_OK);
    assert_int_equal(judge_as(&f->policy, issue(f, &t), PURPOSE_REGISTRATION, X5T, NOW, &back), REASON_OK);
}

/* --- time --- */

static void the_clock_may_be_off_by_the_leeway_and_no_second_more(void **state)
{
    struct token t = token_of(TOKEN_ACCESS);
    static const struct {
        int64_t at;
        enum verdict_reason reason;
    } edges[] = {
        {NOW - 61, REASON_TOKEN_NOT_YET_VALID},
        {NOW - 60, REASON_OK},
        {NOW, REASON_OK},
        {NOW + 3600, REASON_OK},
        {NOW + 3600 + 59, REASON_OK},
        {NOW + 3600 + 60, REASON_TOKEN_EXPIRED},
        {0, REASON_TOKEN_NOT_YET_VALID},
        {INT64_MIN / 2, REASON_TOKEN_NOT_YET_VALID},
        {INT64_MAX / 2, REASON_TOKEN_EXPIRED},
    };
    for (size_t i = 0; i < ARRAY_LEN(edges); i++)
        assert_int_equal(judge(*state, issue(*state, &t), PURPOSE_GENERAL, edges[i].at), edges[i].reason);
}

static void a_token_issued_in_the_future_is_not_valid_yet_whatever_its_nbf(void **state)
{
    struct token t = token_of(TOKEN_ACCESS);
    t.issued = NOW + 100;
    t.not_before = NOW - 1000;
    assert_int_equal(judge(*state, issue(*state, &t), PURPOSE_GENERAL, NOW), REASON_TOKEN_NOT_YET_VALID);
    t.issued = NOW - 1000;
    t.not_before = NOW + 100;
    assert_int_equal(judge(*state, issue(*state, &t), PURPOSE_GENERAL, NOW), REASON_TOKEN_NOT_YET_VALID);
}

static void an_expired_device_token_within_grace_opens_the_token_service_alone(void **state)
{
    struct fixture *f = *state;
    struct token t = token_of(TOKEN_DEVICE), back;
    const int64_t end = t.expires, grace = f->policy.renewal_grace_s;
    for (int p = 0; p < PURPOSES; p++) {
        enum verdict_reason r = judge_as(&f->policy, issue(f, &t), (enum token_purpose)p, X5T, end + 86400, &back);
        assert_int_equal(r, p == PURPOSE_STS ? REASON_OK : REASON_TOKEN_EXPIRED);
        assert_int_equal(back.in_grace, p == PURPOSE_STS);
    }
    /* Before the end and its leeway it is an ordinary token; the grace ends to the second. */
    assert_int_equal(judge_as(&f->policy, issue(f, &t), PURPOSE_STS, X5T, end + 59, &back), REASON_OK);
    assert_false(back.in_grace);
    assert_int_equal(judge_as(&f->policy, issue(f, &t), PURPOSE_STS, X5T, end + 60, &back), REASON_OK);
    assert_true(back.in_grace);
    assert_int_equal(judge_as(&f->policy, issue(f, &t), PURPOSE_STS, X5T, end + grace - 1, &back), REASON_OK);
    assert_int_equal(judge_as(&f->policy, issue(f, &t), PURPOSE_STS, X5T, end + grace, &back), REASON_TOKEN_EXPIRED);
    assert_false(back.in_grace);
}

static void grace_does_not_loosen_the_binding(void **state)
{
    struct fixture *f = *state;
    struct token t = token_of(TOKEN_DEVICE), back;
    assert_int_equal(judge_as(&f->policy, issue(f, &t), PURPOSE_STS, OTHER_X5T, NOW + 90000, &back),
                     REASON_TOKEN_NOT_BOUND);
}

static void no_other_kind_has_a_grace_and_no_grace_is_none(void **state)
{
    struct fixture *f = *state;
    for (int k = 0; k < KINDS; k++) {
        if (k == TOKEN_DEVICE)
            continue;
        struct token t = token_of((enum token_kind)k);
        for (int p = 0; p < PURPOSES; p++)
            assert_int_equal(judge(f, issue(f, &t), (enum token_purpose)p, NOW + 7200), REASON_TOKEN_EXPIRED);
    }
    static const int64_t none[] = {0, -1, INT64_MIN};
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        struct token_policy p = {"LAB", f->keys, none[i]};
        struct token t = token_of(TOKEN_DEVICE), back;
        assert_int_equal(judge_as(&p, issue(f, &t), PURPOSE_STS, X5T, NOW + 7200, &back), REASON_TOKEN_EXPIRED);
    }
    struct token_policy endless = {"LAB", f->keys, INT64_MAX}; /* must not overflow */
    struct token t = token_of(TOKEN_DEVICE), back;
    assert_int_equal(judge_as(&endless, issue(f, &t), PURPOSE_STS, X5T, NOW + 7200, &back), REASON_OK);
}

/* --- whose token --- */

static void a_token_of_another_site_is_of_another_issuer(void **state)
{
    struct fixture *f = *state;
    static const char *const sites[] = {"LAB2", "LA", "lab", ""};
    for (size_t i = 0; i < ARRAY_LEN(sites); i++) {
        struct token t = token_of(TOKEN_ACCESS), back;
        struct token_policy p = {sites[i], f->keys, 0};
        assert_int_equal(judge_as(&p, issue(f, &t), PURPOSE_GENERAL, X5T, NOW, &back), REASON_TOKEN_WRONG_ISSUER);
    }
}

static void a_token_of_an_unknown_key_or_altered_is_not_believed_at_all(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct jose_signer *other;
    EVP_PKEY *key = forge_key("P-256");
    assert_int_equal(jose_signer_new(key, &other, &err), OK);
    struct jose_keys *keys = forge_keys(other, NULL);
    struct token_policy p = {"LAB", keys, 0};
    struct token t = token_of(TOKEN_ACCESS), back;
    assert_int_equal(judge_as(&p, issue(f, &t), PURPOSE_GENERAL, X5T, NOW, &back), REASON_TOKEN_UNKNOWN_KEY);
    assert_string_equal(back.subject, "");
    char *text = issue(f, &t), *dot = strrchr(text, '.');
    dot[1] = dot[1] == 'A' ? 'B' : 'A';
    assert_int_equal(judge_as(&f->policy, text, PURPOSE_GENERAL, X5T, NOW, &back), REASON_TOKEN_BAD_SIGNATURE);
    assert_string_equal(back.subject, "");
    assert_int_equal(judge_as(&f->policy, mem_strdup("x"), PURPOSE_GENERAL, X5T, NOW, &back), REASON_TOKEN_MALFORMED);
    jose_keys_free(keys);
    jose_signer_free(other);
    EVP_PKEY_free(key);
}

static void both_keys_are_good_while_the_site_rolls_over(void **state)
{
    struct fixture *f = *state;
    EVP_PKEY *key = forge_key("P-256");
    struct jose_signer *next;
    struct error err;
    assert_int_equal(jose_signer_new(key, &next, &err), OK);
    json_t *jwk = jose_signer_public_jwk(next);
    struct jose_keys *both = forge_keys(f->signer, jwk);
    struct token_policy p = {"LAB", both, 0};
    struct token t = token_of(TOKEN_ACCESS), back;
    char *text;
    assert_int_equal(token_issue(next, "LAB", &t, &text, &err), OK);
    assert_int_equal(judge_as(&p, text, PURPOSE_GENERAL, X5T, NOW, &back), REASON_OK);
    assert_int_equal(judge_as(&p, issue(f, &t), PURPOSE_GENERAL, X5T, NOW, &back), REASON_OK);
    json_decref(jwk);
    jose_keys_free(both);
    jose_signer_free(next);
    EVP_PKEY_free(key);
}

/* --- the form of claims: a good token with one claim replaced --- */

static json_t *claims_of(enum token_kind kind)
{
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "iss", "urn:opencmg:LAB", "aud", "urn:opencmg:LAB:service", "jti",
                  "id-1", "iat", (json_int_t)NOW, "nbf", (json_int_t)NOW, "exp", (json_int_t)(NOW + 3600));
    if (kind != TOKEN_BULK) {
        json_object_set_new(o, "sub", json_string(GUID));
        json_object_set_new(o, "cnf", json_pack("{s:s}", "x5t#S256", X5T));
    }
    if (kind == TOKEN_USER) {
        json_object_set_new(o, "act", json_pack("{s:s}", "sub", GUID));
        json_object_set_new(o, "user", json_string("ada"));
    }
    return o;
}

static char *sign_claims(const struct fixture *f, const char *type, const json_t *claims)
{
    char *text = json_dumps(claims, JSON_COMPACT);
    char *kid = forge_kid(f->signer);
    char *header = forge_text("{\"alg\":\"ES256\",\"kid\":\"%s\"%s}", kid, type);
    char *token = forge_ecdsa(f->key, header, text);
    free(kid);
    free(header);
    free(text);
    return token;
}

/* `name` becomes the JSON `value`; NULL: it is left out. */
static enum verdict_reason judge_with(const struct fixture *f, enum token_kind kind, const char *name,
                                      const char *value)
{
    static const enum token_purpose purpose[] = {PURPOSE_REGISTRATION, PURPOSE_STS, PURPOSE_GENERAL, PURPOSE_USER};
    json_t *o = claims_of(kind);
    if (value)
        json_object_set_new(o, name, json_loads(value, JSON_DECODE_ANY, NULL));
    else
        json_object_del(o, name);
    char *type = forge_text(",\"typ\":\"cmg-%s+jwt\"", kind_names[kind]);
    enum verdict_reason r = judge(f, sign_claims(f, type, o), purpose[kind], NOW);
    free(type);
    json_decref(o);
    return r;
}

static void forged_claims_are_good_as_they_are(void **state)
{
    for (int k = 0; k < KINDS; k++)
        assert_int_equal(judge_with(*state, (enum token_kind)k, "other", "{\"unknown\":[1.5]}"), REASON_OK);
}

static void every_claim_is_required(void **state)
{
    static const char *const all[] = {"iss", "aud", "jti", "iat", "nbf", "exp"};
    for (int k = 0; k < KINDS; k++) {
        for (size_t i = 0; i < ARRAY_LEN(all); i++)
            assert_int_equal(judge_with(*state, (enum token_kind)k, all[i], NULL), REASON_TOKEN_MALFORMED);
        if (k == TOKEN_BULK)
            continue;
        assert_int_equal(judge_with(*state, (enum token_kind)k, "sub", NULL), REASON_TOKEN_MALFORMED);
        assert_int_equal(judge_with(*state, (enum token_kind)k, "cnf", NULL), REASON_TOKEN_MALFORMED);
    }
    assert_int_equal(judge_with(*state, TOKEN_USER, "act", NULL), REASON_TOKEN_MALFORMED);
    assert_int_equal(judge_with(*state, TOKEN_USER, "user", NULL), REASON_TOKEN_MALFORMED);
}

static void claims_of_a_wrong_kind_or_size_are_malformed(void **state)
{
    static const struct {
        const char *name, *value;
    } bad[] = {
        {"iss", "1"},
        {"iss", "[\"urn:opencmg:LAB\"]"},
        {"aud", "1"},
        {"aud", "{}"},
        {"aud", "[]"},
        {"aud", "[1]"},
        {"aud", "[\"urn:opencmg:LAB:service\",{}]"},
        {"aud", "null"},
        {"jti", "\"\""},
        {"jti", "7"},
        {"jti", "\"a\\nb\""},
        {"jti", "\"0123456789012345678901234567890123456789012345678901234567890123\""}, /* 64 */
        {"exp", "1.8e9"},
        {"exp", "1800003600.0"},
        {"exp", "\"1800003600\""},
        {"exp", "9223372036854775807"},
        {"exp", "253402300800"},
        {"exp", "-1"},
        {"exp", "0"},
        {"exp", "true"},
        {"exp", "[1800003600]"},
        {"exp", "1800000000"}, /* not after iat */
        {"iat", "-9223372036854775808"},
        {"iat", "0"},
        {"nbf", "1e300"},
        {"nbf", "1800003600"},
        {"sub", "\"not-a-guid\""},
        {"sub", "\"\""},
        {"sub", "1"},
        {"sub", "\"6f1c0000-1111-4222-8333-444455556666,admin\""},
        {"cnf", "\"" X5T "\""},
        {"cnf", "{}"},
        {"cnf", "{\"jkt\":\"" X5T "\"}"},
        {"cnf", "{\"x5t#S256\":\"\"}"},
        {"cnf", "{\"x5t#S256\":1}"},
        {"cnf", "{\"x5t#S256\":\"AAAA\"}"},
        {"cnf", "{\"x5t#S256\":\"" X5T "A\"}"},
        {"cnf", "{\"x5t#S256\":\"" X5T "\",\"jkt\":\"x\"}"},
        {"cnf", "[]"},
        {"act", "{}"},
        {"user", "\"\""},
        {"user", "1"},
        {"user", "\"a\\r\\nX-Evil: 1\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        print_message("%s %s\n", bad[i].name, bad[i].value);
        assert_int_equal(judge_with(*state, TOKEN_USER, bad[i].name, bad[i].value), REASON_TOKEN_MALFORMED);
    }
    assert_int_equal(judge_with(*state, TOKEN_USER, "act", "{\"sub\":\"7f1c0000-1111-4222-8333-444455556666\"}"),
                     REASON_TOKEN_MALFORMED);
}

static void an_audience_may_be_one_of_several(void **state)
{
    static const char *const good[] = {"[\"urn:opencmg:LAB:service\"]", "[\"x\",\"urn:opencmg:LAB:service\"]"};
    static const char *const wrong[] = {"[\"x\"]", "\"x\"", "\"urn:opencmg:LAB\"", "\"urn:opencmg:LAB:service2\"",
                                        "\"URN:OPENCMG:LAB:SERVICE\""};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_int_equal(judge_with(*state, TOKEN_ACCESS, "aud", good[i]), REASON_OK);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_int_equal(judge_with(*state, TOKEN_ACCESS, "aud", wrong[i]), REASON_TOKEN_WRONG_AUDIENCE);
}

static void claims_of_one_kind_do_not_stray_into_another(void **state)
{
    assert_int_equal(judge_with(*state, TOKEN_BULK, "sub", "\"" GUID "\""), REASON_TOKEN_MALFORMED);
    assert_int_equal(judge_with(*state, TOKEN_BULK, "cnf", "{\"x5t#S256\":\"" X5T "\"}"), REASON_TOKEN_MALFORMED);
    assert_int_equal(judge_with(*state, TOKEN_ACCESS, "user", "\"ada\""), REASON_TOKEN_MALFORMED);
    assert_int_equal(judge_with(*state, TOKEN_DEVICE, "act", "{\"sub\":\"" GUID "\"}"), REASON_TOKEN_MALFORMED);
}

static void an_access_token_names_the_devices_certificates(void **state)
{
    const struct fixture *f = *state;
    struct token t = token_of(TOKEN_ACCESS), back;
    t.certificate_count = TOKEN_CERTIFICATES;
    for (size_t i = 0; i < TOKEN_CERTIFICATES; i++)
        t.certificates[i] = (struct pki_cert_ref){.issuer = UINT32_MAX - (uint32_t)i,
                                                  .key = {0, 1, 0xff},
                                                  .serial = {(unsigned char)i, 0x80},
                                                  .key_len = i ? PKI_CERT_REF_KEY : 0,
                                                  .serial_len = i ? 2 : PKI_CERT_REF_SERIAL};
    t.certificates[0].key[1] = t.certificates[0].key[2] = 0; /* of no length */
    assert_int_equal(judge_as(&f->policy, issue(f, &t), PURPOSE_GENERAL, X5T, NOW, &back), REASON_OK);
    assert_int_equal(back.certificate_count, TOKEN_CERTIFICATES);
    assert_memory_equal(back.certificates, t.certificates, sizeof t.certificates);
}

static void certificates_that_are_none_are_malformed(void **state)
{
#define ONE "{\"issuer\":1,\"key\":\"\",\"serial\":\"AQ\"}"
    static const char *const good[] = {"[]", "[" ONE "]", "[" ONE "," ONE "," ONE "," ONE "]"};
    static const char *const bad[] = {"{}",
                                      "\"x\"",
                                      "null",
                                      "[1]",
                                      "[{}]",
                                      "[" ONE "," ONE "," ONE "," ONE "," ONE "]",
                                      "[{\"issuer\":-1,\"key\":\"\",\"serial\":\"AQ\"}]",
                                      "[{\"issuer\":4294967296,\"key\":\"\",\"serial\":\"AQ\"}]",
                                      "[{\"issuer\":\"1\",\"key\":\"\",\"serial\":\"AQ\"}]",
                                      "[{\"issuer\":1,\"key\":\"\",\"serial\":\"\"}]",
                                      "[{\"issuer\":1,\"key\":\"\",\"serial\":\"A=\"}]",
                                      "[{\"issuer\":1,\"key\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"serial\":\"AQ\"}]",
                                      "[{\"issuer\":1,\"key\":\"\",\"serial\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(judge_with(*state, TOKEN_ACCESS, "certificates", good[i]), REASON_OK);
        assert_int_equal(judge_with(*state, TOKEN_USER, "certificates", good[i]), REASON_OK);
        assert_int_equal(judge_with(*state, TOKEN_DEVICE, "certificates", good[i]), REASON_TOKEN_MALFORMED);
        assert_int_equal(judge_with(*state, TOKEN_BULK, "certificates", good[i]), REASON_TOKEN_MALFORMED);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(judge_with(*state, TOKEN_ACCESS, "certificates", bad[i]), REASON_TOKEN_MALFORMED);
#undef ONE
}

static void the_type_in_the_header_is_what_makes_the_kind(void **state)
{
    struct fixture *f = *state;
    static const char *const types[] = {"",
                                        ",\"typ\":\"JWT\"",
                                        ",\"typ\":\"cmg-admin+jwt\"",
                                        ",\"typ\":1",
                                        ",\"typ\":\"CMG-ACCESS+JWT\"",
                                        ",\"typ\":\"application/cmg-access+jwt\"",
                                        ",\"typ\":\"cmg-bulk+jwt\""}; /* a bound token under the name of a bearer */
    json_t *o = claims_of(TOKEN_ACCESS);
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        assert_int_equal(judge(f, sign_claims(f, types[i], o), PURPOSE_GENERAL, NOW), REASON_TOKEN_MALFORMED);
    json_decref(o);
    /* An access token's claims under the type of a device token: that is what it is then. */
    o = claims_of(TOKEN_ACCESS);
    assert_int_equal(judge(f, sign_claims(f, ",\"typ\":\"cmg-device+jwt\"", o), PURPOSE_GENERAL, NOW),
                     REASON_TOKEN_WRONG_PURPOSE);
    json_decref(o);
}

static void reasons_are_told_in_their_order(void **state)
{
    struct fixture *f = *state;
    /* Everything is wrong; each step mends the first fault. */
    json_t *o = claims_of(TOKEN_DEVICE);
    json_object_set_new(o, "iss", json_string("x"));
    json_object_set_new(o, "aud", json_string("x"));
    const char *type = ",\"typ\":\"cmg-device+jwt\"";
    struct token back;
    int64_t late = NOW + 3600 * 2, early = NOW - 3600;
    assert_int_equal(judge_as(&f->policy, sign_claims(f, type, o), PURPOSE_GENERAL, NULL, late, &back),
                     REASON_TOKEN_WRONG_ISSUER);
    json_object_set_new(o, "iss", json_string("urn:opencmg:LAB"));
    assert_int_equal(judge_as(&f->policy, sign_claims(f, type, o), PURPOSE_GENERAL, NULL, late, &back),
                     REASON_TOKEN_WRONG_AUDIENCE);
    json_object_set_new(o, "aud", json_string("urn:opencmg:LAB:service"));
    assert_int_equal(judge_as(&f->policy, sign_claims(f, type, o), PURPOSE_GENERAL, NULL, early, &back),
                     REASON_TOKEN_NOT_YET_VALID);
    assert_int_equal(judge_as(&f->policy, sign_claims(f, type, o), PURPOSE_GENERAL, NULL, late, &back),
                     REASON_TOKEN_EXPIRED);
    assert_int_equal(judge_as(&f->policy, sign_claims(f, type, o), PURPOSE_GENERAL, NULL, NOW, &back),
                     REASON_TOKEN_WRONG_PURPOSE);
    assert_int_equal(judge_as(&f->policy, sign_claims(f, type, o), PURPOSE_STS, NULL, NOW, &back),
                     REASON_TOKEN_NOT_BOUND);
    assert_int_equal(judge_as(&f->policy, sign_claims(f, type, o), PURPOSE_STS, X5T, NOW, &back), REASON_OK);
    json_decref(o);
}

/* --- issuing --- */

static void nothing_is_issued_that_could_not_be_judged(void **state)
{
    struct fixture *f = *state;
    struct error err;
    char *text;
    struct token all[10];
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        all[i] = token_of(TOKEN_ACCESS);
    all[0].subject[0] = '\0';
    all[1].subject[0] = 'x';
    all[2].x5t[0] = '\0';
    all[3].x5t[5] = '\0';
    all[4].expires = all[4].issued;
    all[5].issued = 0;
    put(all[6].user, sizeof all[6].user, "ada");
    all[7] = token_of(TOKEN_USER);
    all[7].user[0] = '\0';
    all[8] = token_of(TOKEN_BULK);
    all[8].expires = NOW + TOKEN_BULK_MAX_S + 1;
    all[9] = token_of(TOKEN_ACCESS);
    all[9].kind = TOKEN_BULK; /* bound */
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        assert_int_equal(token_issue(f->signer, "LAB", &all[i], &text, &err), R_INVALID);
        assert_null(text);
    }
}

static void a_bulk_string_splits_into_pin_and_token(void **state UNUSED)
{
#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    struct slice hash, jwt;
    assert_true(token_bulk_split(SLICE("cmg1." HASH ".a.b.c"), &hash, &jwt));
    assert_true(slice_eq(hash, SLICE(HASH)));
    assert_true(slice_eq(jwt, SLICE("a.b.c")));
    static const char *const bad[] = {"",
                                      "cmg1.",
                                      "cmg1.x.a.b.c",
                                      "cmg2." HASH ".a.b.c",
                                      "cmg1." HASH,
                                      "cmg1." HASH ".",
                                      "cmg1." HASH "a.b.c",
                                      "cmg1.0" HASH ".a.b.c",
                                      " cmg1." HASH ".a.b.c",
                                      "cmg1.g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.a.b.c"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(token_bulk_split(slice_of(bad[i]), &hash, &jwt));
    assert_false(token_bulk_split(SLICE_NONE, &hash, &jwt));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_opens_its_purposes_and_no_other),
        cmocka_unit_test(what_was_issued_is_what_is_read),
        cmocka_unit_test(purposes_have_names_that_are_read_back),
        cmocka_unit_test(a_stolen_token_is_useless_without_the_key),
        cmocka_unit_test(a_bulk_token_needs_no_key),
        cmocka_unit_test(the_clock_may_be_off_by_the_leeway_and_no_second_more),
        cmocka_unit_test(a_token_issued_in_the_future_is_not_valid_yet_whatever_its_nbf),
        cmocka_unit_test(an_expired_device_token_within_grace_opens_the_token_service_alone),
        cmocka_unit_test(grace_does_not_loosen_the_binding),
        cmocka_unit_test(no_other_kind_has_a_grace_and_no_grace_is_none),
        cmocka_unit_test(a_token_of_another_site_is_of_another_issuer),
        cmocka_unit_test(a_token_of_an_unknown_key_or_altered_is_not_believed_at_all),
        cmocka_unit_test(both_keys_are_good_while_the_site_rolls_over),
        cmocka_unit_test(forged_claims_are_good_as_they_are),
        cmocka_unit_test(every_claim_is_required),
        cmocka_unit_test(claims_of_a_wrong_kind_or_size_are_malformed),
        cmocka_unit_test(an_audience_may_be_one_of_several),
        cmocka_unit_test(claims_of_one_kind_do_not_stray_into_another),
        cmocka_unit_test(an_access_token_names_the_devices_certificates),
        cmocka_unit_test(certificates_that_are_none_are_malformed),
        cmocka_unit_test(the_type_in_the_header_is_what_makes_the_kind),
        cmocka_unit_test(reasons_are_told_in_their_order),
        cmocka_unit_test(nothing_is_issued_that_could_not_be_judged),
        cmocka_unit_test(a_bulk_string_splits_into_pin_and_token),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
