/* SPDX-License-Identifier: Apache-2.0 */
/* The attacks on JWS that are known by name, and that what is honest passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <pthread.h>

#include "base/mem.h"
#include "base/text/encode.h"
#include "forge.h"
#include "jose/jws/low_s.h"

struct fixture {
    EVP_PKEY *key, *stranger, *p384;
    struct jose_signer *signer;
    struct jose_keys *keys; /* the signer's and, as kid "p384", one of another curve */
    char *kid;
};

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    struct error err;
    f->key = forge_key("P-256");
    f->stranger = forge_key("P-256");
    f->p384 = forge_key("P-384");
    assert_int_equal(jose_signer_new(f->key, &f->signer, &err), OK);
    json_t *other = forge_jwk(f->p384, "P-384", "p384");
    f->keys = forge_keys(f->signer, other);
    json_decref(other);
    f->kid = forge_kid(f->signer);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    jose_keys_free(f->keys);
    jose_signer_free(f->signer);
    EVP_PKEY_free(f->key);
    EVP_PKEY_free(f->stranger);
    EVP_PKEY_free(f->p384);
    free(f->kid);
    free(f);
    return 0;
}

static enum verdict_reason judge_slice(const struct fixture *f, struct slice text)
{
    json_t *header, *payload;
    struct error err = {.text = ""};
    enum verdict_reason r = jose_verify(f->keys, text, "ES256", &header, &payload, &err);
    if (r == REASON_OK) {
        assert_non_null(header);
        assert_non_null(payload);
    } else {
        assert_null(header);
        assert_null(payload);
        assert_int_not_equal(err.text[0], '\0');
    }
    json_decref(header);
    json_decref(payload);
    return r;
}

/* Takes over the text. */
static enum verdict_reason judge(const struct fixture *f, char *text)
{
    enum verdict_reason r = judge_slice(f, slice_of(text));
    free(text);
    return r;
}

/* A token signed by the right key whose header has `more` (",\"name\":value") behind alg and kid. */
static char *with_header(const struct fixture *f, const char *more)
{
    char *header = forge_text("{\"alg\":\"ES256\",\"kid\":\"%s\"%s}", f->kid, more);
    char *text = forge_ecdsa(f->key, header, "{\"a\":1}");
    free(header);
    return text;
}

static char *with_payload(const struct fixture *f, const char *payload)
{
    char *header = forge_text("{\"alg\":\"ES256\",\"kid\":\"%s\"}", f->kid);
    char *text = forge_ecdsa(f->key, header, payload);
    free(header);
    return text;
}

static char *honest(const struct fixture *f)
{
    char *text;
    struct error err;
    assert_int_equal(jose_sign(f->signer, NULL, SLICE("{\"sub\":\"x\"}"), &text, &err), OK);
    return text;
}

static void what_is_signed_verifies_and_comes_back(void **state)
{
    struct fixture *f = *state;
    char *text;
    struct error err;
    json_t *header = json_pack("{s:s}", "typ", "test+jwt"), *h, *p;
    assert_int_equal(jose_sign(f->signer, header, SLICE("{\"sub\":\"x\"}"), &text, &err), OK);
    assert_int_equal(json_object_size(header), 1); /* the caller's header stays as it was */
    assert_int_equal(jose_verify(f->keys, slice_of(text), "ES256", &h, &p, &err), REASON_OK);
    assert_string_equal(json_string_value(json_object_get(h, "typ")), "test+jwt");
    assert_string_equal(json_string_value(json_object_get(h, "alg")), "ES256");
    assert_string_equal(json_string_value(json_object_get(h, "kid")), f->kid);
    assert_string_equal(json_string_value(json_object_get(p, "sub")), "x");
    json_decref(h);
    json_decref(p);
    json_decref(header);
    free(text);
}

static void forged_by_the_right_key_means_the_forge_works(void **state)
{
    assert_int_equal(judge(*state, with_header(*state, "")), REASON_OK);
}

static EVP_PKEY *public_p256(const char *x, const char *y)
{
    unsigned char point[65] = {4};
    size_t len;
    assert_true(decode_base64url(slice_of(x), point + 1, 32, &len) && len == 32);
    assert_true(decode_base64url(slice_of(y), point + 33, 32, &len) && len == 32);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t) "P-256", 0),
                           OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
                           OSSL_PARAM_construct_end()};
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    assert_true(EVP_PKEY_fromdata_init(ctx) > 0);
    assert_true(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) > 0);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

#define RFC7515_A3                                                                                                     \
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cn"  \
    "VlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

static void the_example_of_rfc_7515_a_3_verifies(void **state UNUSED)
{
    struct error err;
    EVP_PKEY *key =
        public_p256("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    assert_int_equal(jose_verify_with(key, SLICE(RFC7515_A3), &err), OK);
    char *altered = mem_strdup(RFC7515_A3);
    altered[30] = altered[30] == 'A' ? 'B' : 'A';
    assert_int_not_equal(jose_verify_with(key, slice_of(altered), &err), OK);
    free(altered);
    EVP_PKEY_free(key);
}

static void a_token_without_signature_is_refused_however_none_is_spelt(void **state)
{
    static const char *const spellings[] = {"none", "None", "NONE", "nOnE", ""};
    for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
        char *header = forge_text("{\"alg\":\"%s\",\"kid\":\"%s\"}", spellings[i], ((struct fixture *)*state)->kid);
        assert_int_equal(judge(*state, forge_raw(header, "{}", SLICE(""))), REASON_TOKEN_MALFORMED);
        assert_int_equal(judge(*state, forge_raw(header, "{}", SLICE("x"))), REASON_TOKEN_MALFORMED);
        free(header);
    }
}

static void the_public_key_is_no_hmac_secret(void **state)
{
    struct fixture *f = *state;
    static const char *const algs[] = {"HS256", "HS384", "HS512"};
    json_t *jwk = jose_signer_public_jwk(f->signer);
    char *text = json_dumps(jwk, JSON_COMPACT);
    const char *x = json_string_value(json_object_get(jwk, "x"));
    for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
        char *header = forge_text("{\"alg\":\"%s\",\"kid\":\"%s\"}", algs[i], f->kid);
        assert_int_equal(judge(f, forge_hmac(slice_of(text), header, "{}")), REASON_TOKEN_MALFORMED);
        assert_int_equal(judge(f, forge_hmac(slice_of(x), header, "{}")), REASON_TOKEN_MALFORMED);
        free(header);
    }
    /* Not even when a caller's list names it. */
    char *header = forge_text("{\"alg\":\"HS256\",\"kid\":\"%s\"}", f->kid);
    char *token = forge_hmac(slice_of(x), header, "{}");
    json_t *h, *p;
    struct error err;
    assert_int_equal(jose_verify(f->keys, slice_of(token), "ES256 HS256 none", &h, &p, &err), REASON_TOKEN_MALFORMED);
    free(token);
    free(header);
    free(text);
    json_decref(jwk);
}

static void an_hmac_under_the_name_of_es256_is_a_bad_signature(void **state)
{
    struct fixture *f = *state;
    char *header = forge_text("{\"alg\":\"ES256\",\"kid\":\"%s\"}", f->kid);
    assert_int_equal(judge(f, forge_hmac(slice_of(f->kid), header, "{}")), REASON_TOKEN_BAD_SIGNATURE);
    free(header);
}

static void a_key_that_the_token_brings_along_is_never_believed(void **state)
{
    struct fixture *f = *state;
    json_t *jwk = forge_jwk(f->stranger, "P-256", f->kid);
    char *key = json_dumps(jwk, JSON_COMPACT);
    char *header = forge_text("{\"alg\":\"ES256\",\"kid\":\"%s\",\"jwk\":%s}", f->kid, key);
    assert_int_equal(judge(f, forge_ecdsa(f->stranger, header, "{}")), REASON_TOKEN_MALFORMED);
    free(header);
    free(key);
    json_decref(jwk);
}

static void headers_that_point_to_keys_or_change_the_meaning_are_refused(void **state)
{
    static const char *const headers[] = {
        ",\"jku\":\"https://evil.example/keys\"",
        ",\"x5u\":\"https://evil.example/cert\"",
        ",\"x5c\":[\"AA==\"]",
        ",\"jwk\":{}",
        ",\"crit\":[\"exp\"]",
        ",\"crit\":[]",
        ",\"b64\":false",
        ",\"b64\":true",
        ",\"zip\":\"DEF\"",
        ",\"jku\":null",
    };
    for (size_t i = 0; i < ARRAY_LEN(headers); i++)
        assert_int_equal(judge(*state, with_header(*state, headers[i])), REASON_TOKEN_MALFORMED);
}

static void a_kid_is_a_name_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    static const char *const unknown[] = {"../../../dev/null", "' OR 1=1 --", "%s%n", "p384 "};
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
        char *header = forge_text("{\"alg\":\"ES256\",\"kid\":\"%s\"}", unknown[i]);
        assert_int_equal(judge(f, forge_ecdsa(f->key, header, "{}")), REASON_TOKEN_UNKNOWN_KEY);
        free(header);
    }
    static const char *const malformed[] = {
        "{\"alg\":\"ES256\"}",
        "{\"alg\":\"ES256\",\"kid\":\"\"}",
        "{\"alg\":\"ES256\",\"kid\":1}",
        "{\"alg\":\"ES256\",\"kid\":[\"a\"]}",
        "{\"alg\":\"ES256\",\"kid\":null}",
        "{\"alg\":\"ES256\",\"kid\":\"a\\nb\"}",
        "{\"alg\":\"ES256\",\"kid\":\"a\\u0000b\"}",
        "{\"alg\":[\"ES256\"],\"kid\":\"p384\"}",
        "{\"kid\":\"p384\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(malformed); i++)
        assert_int_equal(judge(f, forge_ecdsa(f->key, malformed[i], "{}")), REASON_TOKEN_MALFORMED);
    char *header = forge_text("{\"alg\":\"ES256\",\"kid\":\"%0129d\"}", 1);
    assert_int_equal(judge(f, forge_ecdsa(f->key, header, "{}")), REASON_TOKEN_MALFORMED);
    free(header);
}

static void a_key_of_another_curve_does_not_serve(void **state)
{
    struct fixture *f = *state;
    /* ES256 by a stranger under the kid of the P-384 key; and a true ES384 signature where ES256 alone is taken. */
    assert_int_equal(judge(f, forge_ecdsa(f->stranger, "{\"alg\":\"ES256\",\"kid\":\"p384\"}", "{}")),
                     REASON_TOKEN_BAD_SIGNATURE);
    assert_int_equal(judge(f, forge_ecdsa(f->p384, "{\"alg\":\"ES384\",\"kid\":\"p384\"}", "{}")),
                     REASON_TOKEN_MALFORMED);
    json_t *h, *p;
    struct error err;
    char *text = forge_ecdsa(f->p384, "{\"alg\":\"ES384\",\"kid\":\"p384\"}", "{}");
    assert_int_equal(jose_verify(f->keys, slice_of(text), "ES256 ES384", &h, &p, &err), REASON_OK);
    json_decref(h);
    json_decref(p);
    free(text);
}

static void a_stranger_does_not_sign_for_us(void **state)
{
    struct fixture *f = *state;
    char *header = forge_text("{\"alg\":\"ES256\",\"kid\":\"%s\"}", f->kid);
    assert_int_equal(judge(f, forge_ecdsa(f->stranger, header, "{}")), REASON_TOKEN_BAD_SIGNATURE);
    free(header);
}

static void signatures_that_are_no_numbers_of_the_curve_are_bad(void **state)
{
    struct fixture *f = *state;
    unsigned char zero[64] = {0}, one[64] = {0}, order[64], high[64];
    size_t len;
    assert_true(decode_hex(SLICE("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"), order, 32, &len));
    memcpy(order + 32, order, 32);
    memset(high, 0xff, sizeof high);
    one[31] = one[63] = 1;
    const unsigned char *const all[] = {zero, one, order, high};
    char *header = forge_text("{\"alg\":\"ES256\",\"kid\":\"%s\"}", f->kid);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        for (size_t n = 1; n <= 64; n += 21) /* 64 and shorter ones */
            assert_int_equal(judge(f, forge_raw(header, "{}", slice_make(all[i], n))), REASON_TOKEN_BAD_SIGNATURE);
    }
    unsigned char longer[2048] = {1};
    assert_int_equal(judge(f, forge_raw(header, "{}", slice_make(longer, 65))), REASON_TOKEN_BAD_SIGNATURE);
    assert_int_equal(judge(f, forge_raw(header, "{}", slice_make(longer, 128))), REASON_TOKEN_BAD_SIGNATURE);
    assert_int_equal(judge(f, forge_raw(header, "{}", slice_make(longer, 2048))), REASON_TOKEN_BAD_SIGNATURE);
    free(header);
}

static void flip_s(unsigned char signature[LOW_S_SIGNATURE])
{
    BIGNUM *n = NULL, *s = BN_bin2bn(signature + 32, 32, NULL);
    assert_true(BN_hex2bn(&n, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551") > 0);
    assert_int_equal(BN_sub(s, n, s), 1);
    assert_int_equal(BN_bn2binpad(s, signature + 32, 32), 32);
    BN_free(n);
    BN_free(s);
}

/* (r, n - s) verifies as well as (r, s): of a site's tokens one of the two counts, and it is what the site signs. */
static void the_other_signature_that_anyone_can_make_of_a_good_one_is_bad(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 32; i++) {
        struct error err;
        unsigned char signature[LOW_S_SIGNATURE];
        size_t len;
        char *text;
        assert_int_equal(jose_sign(f->signer, NULL, SLICE("{}"), &text, &err), OK);
        char *last = strrchr(text, '.') + 1;
        assert_true(decode_base64url(slice_of(last), signature, sizeof signature, &len));
        assert_true(low_s_is(signature));
        assert_int_equal(judge_slice(f, slice_of(text)), REASON_OK);
        flip_s(signature);
        assert_false(low_s_is(signature));
        encode_base64url(slice_make(signature, sizeof signature), last);
        assert_int_equal(judge_slice(f, slice_of(text)), REASON_TOKEN_BAD_SIGNATURE);
        assert_int_equal(jose_verify_with(f->key, slice_of(text), &err), OK); /* so the flip is right */
        low_s_make(signature);
        encode_base64url(slice_make(signature, sizeof signature), last);
        assert_int_equal(judge_slice(f, slice_of(text)), REASON_OK);
        free(text);
    }
}

static void a_name_that_stands_twice_is_malformed(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(judge(f, with_header(f, ",\"alg\":\"none\"")), REASON_TOKEN_MALFORMED);
    assert_int_equal(judge(f, with_header(f, ",\"k\\u0069d\":\"x\"")), REASON_TOKEN_MALFORMED);
    assert_int_equal(judge(f, with_payload(f, "{\"sub\":\"a\",\"sub\":\"b\"}")), REASON_TOKEN_MALFORMED);
    assert_int_equal(judge(f, with_payload(f, "{\"a\":{\"b\":1,\"\\u0062\":2}}")), REASON_TOKEN_MALFORMED);
}

static void a_payload_must_be_a_strict_json_object(void **state)
{
    static const char *const payloads[] = {
        "[]",
        "\"x\"",
        "1",
        "null",
        "{",
        "{}{}",
        "{\"a\":01}",
        "{'a':1}",
        "{\"a\":1,}",
        "{\"a\":\"\\u0000\"}",
        "{\"a\":123456789012345678901234567890}",
        "{\"a\":1e999}",
        "{\"a\":\"\xff\"}",
        "\xef\xbb\xbf{}",
        "{\"a\":NaN}",
    };
    for (size_t i = 0; i < ARRAY_LEN(payloads); i++)
        assert_int_equal(judge(*state, with_payload(*state, payloads[i])), REASON_TOKEN_MALFORMED);
}

static void deep_nesting_is_malformed_and_does_no_harm(void **state)
{
    enum { DEPTH = 5000 };
    char *payload = mem_zalloc(2 * DEPTH + 16);
    memset(payload, '[', DEPTH);
    memset(payload + DEPTH, ']', DEPTH);
    char *text = forge_text("{\"a\":%s}", payload);
    assert_int_equal(judge(*state, with_payload(*state, text)), REASON_TOKEN_MALFORMED);
    free(text);
    free(payload);
}

static void too_long_is_malformed_before_anything_is_decoded(void **state)
{
    struct fixture *f = *state;
    char *padding = mem_zalloc(JOSE_TOKEN_MAX + 1);
    memset(padding, 'a', JOSE_TOKEN_MAX);
    char *payload = forge_text("{\"a\":\"%s\"}", padding);
    assert_int_equal(judge(f, with_payload(f, payload)), REASON_TOKEN_MALFORMED);
    free(payload);
    free(padding);
}

static void only_three_parts_of_base64url_are_a_token(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {"",
                                        ".",
                                        "..",
                                        "...",
                                        "a",
                                        "a.b",
                                        "a.b.c",
                                        "a.b.c.d",
                                        "e30",
                                        "e30.e30",
                                        "e30.e30.",
                                        ".e30.e30",
                                        "e30..e30",
                                        " e30.e30.e30",
                                        "e30.e30.e30\n",
                                        "e30=.e30.e30",
                                        "{\"payload\":\"\",\"signatures\":[]}"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_int_equal(judge_slice(f, slice_of(texts[i])), REASON_TOKEN_MALFORMED);
    assert_int_equal(judge_slice(f, SLICE_NONE), REASON_TOKEN_MALFORMED);

    static const char *const around[] = {"%s=", "%s.", "%s.e30", " %s", "%s ", "\"%s\"", ".%s"};
    char *text = honest(f);
    for (size_t i = 0; i < ARRAY_LEN(around); i++)
        assert_int_equal(judge(f, forge_text(around[i], text)), REASON_TOKEN_MALFORMED);
    free(text);
}

static void another_spelling_of_the_same_bytes_is_refused(void **state)
{
    struct fixture *f = *state;
    /* 64 bytes take 86 characters, whose last holds 4 left-over bits: setting one spells the same signature anew. */
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char *text = honest(f);
    char *last = text + strlen(text) - 1;
    *last = alphabet[(size_t)(strchr(alphabet, *last) - alphabet) | 1];
    assert_int_not_equal(judge_slice(f, slice_of(text)), REASON_OK);
    free(text);
}

static void no_changed_character_goes_unnoticed(void **state)
{
    struct fixture *f = *state;
    char *text = honest(f);
    assert_int_equal(judge_slice(f, slice_of(text)), REASON_OK);
    for (size_t i = 0; text[i]; i++) {
        char kept = text[i];
        text[i] = kept == 'A' ? 'B' : 'A';
        assert_int_not_equal(judge_slice(f, slice_of(text)), REASON_OK);
        text[i] = kept;
    }
    for (size_t len = 0; len < strlen(text); len++)
        assert_int_not_equal(judge_slice(f, slice_make(text, len)), REASON_OK);
    free(text);
}

static void a_key_set_refuses_secrets_twins_and_points_off_the_curve(void **state)
{
    struct fixture *f = *state;
    struct jose_keys *keys;
    struct error err;
    json_t *good = forge_jwk(f->key, "P-256", "a"), *bad = json_deep_copy(good);
    json_t *set = json_pack("{s:[O, o]}", "keys", good, bad);
    assert_int_equal(jose_keys_new(set, &keys, &err), R_INVALID); /* the same kid */
    json_object_set_new(bad, "kid", json_string("b"));
    assert_int_equal(jose_keys_new(set, &keys, &err), OK);
    assert_int_equal(jose_keys_count(keys), 2);
    jose_keys_free(keys);
    json_object_set_new(bad, "d", json_string("AA"));
    assert_int_equal(jose_keys_new(set, &keys, &err), R_INVALID);
    assert_null(keys);
    json_object_del(bad, "d");
    json_object_set(bad, "y", json_object_get(bad, "x"));
    assert_int_equal(jose_keys_new(set, &keys, &err), R_INVALID);
    json_decref(set);
    json_decref(good);
}

static void keys_for_other_things_are_left_out_of_a_set(void **state)
{
    struct fixture *f = *state;
    struct jose_keys *keys;
    struct error err;
    json_t *set =
        json_pack("{s:[{s:s,s:s,s:s},{s:s,s:s,s:s,s:s},{s:s,s:s}]}", "keys", "kty", "unknown", "kid", "a", "n", "AQAB",
                  "kty", "OKP", "crv", "Ed25519", "kid", "b", "x", "AA", "kty", "EC", "crv", "P-256");
    json_t *for_encryption = forge_jwk(f->key, "P-256", "c");
    json_object_set_new(for_encryption, "use", json_string("enc"));
    json_array_append_new(json_object_get(set, "keys"), for_encryption);
    assert_int_equal(jose_keys_new(set, &keys, &err), OK);
    assert_int_equal(jose_keys_count(keys), 0);
    jose_keys_free(keys);
    json_decref(set);

    json_t *none = json_pack("{s:{}}", "keys");
    assert_int_equal(jose_keys_new(none, &keys, &err), R_INVALID);
    json_decref(none);
}

static void a_public_jwk_holds_no_secret(void **state)
{
    json_t *jwk = jose_signer_public_jwk(((struct fixture *)*state)->signer);
    assert_null(json_object_get(jwk, "d"));
    assert_string_equal(json_string_value(json_object_get(jwk, "use")), "sig");
    assert_string_equal(json_string_value(json_object_get(jwk, "alg")), "ES256");
    json_decref(jwk);
}

static void only_p256_keys_with_their_private_part_sign(void **state)
{
    struct fixture *f = *state;
    struct jose_signer *s;
    struct error err;
    assert_int_equal(jose_signer_new(f->p384, &s, &err), R_INVALID);
    EVP_PKEY *public =
        public_p256("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    assert_int_equal(jose_signer_new(public, &s, &err), R_INVALID);
    assert_null(s);
    EVP_PKEY_free(public);
}

static json_t *rsa_jwk(EVP_PKEY *key)
{
    unsigned char bytes[512];
    char n[BASE64_SIZE(512)], e[BASE64_SIZE(8)];
    BIGNUM *modulus = NULL, *exponent = NULL;
    assert_true(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus));
    assert_true(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent));
    encode_base64url(slice_make(bytes, (size_t)BN_bn2bin(modulus, bytes)), n);
    encode_base64url(slice_make(bytes, (size_t)BN_bn2bin(exponent, bytes)), e);
    BN_free(modulus);
    BN_free(exponent);
    return json_pack("{s:s, s:s, s:s, s:s}", "kty", "RSA", "kid", "rsa", "n", n, "e", e);
}

/* RSASSA-PKCS1-v1_5 with SHA-256. */
static char *sign_rs256(EVP_PKEY *key, const char *header)
{
    unsigned char signature[512];
    size_t len = sizeof signature;
    char *unsigned_text = forge_raw(header, "{}", SLICE("x")), *end = strrchr(unsigned_text, '.');
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_true(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) > 0);
    assert_true(EVP_DigestSign(ctx, signature, &len, (unsigned char *)unsigned_text, (size_t)(end - unsigned_text)) >
                0);
    EVP_MD_CTX_free(ctx);
    free(unsigned_text);
    return forge_raw(header, "{}", slice_make(signature, len));
}

static void an_rsa_key_serves_where_rs256_is_taken_and_nowhere_else(void **state)
{
    struct fixture *f = *state;
    struct error err;
    json_t *h, *p;
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    json_t *jwk = rsa_jwk(key);
    struct jose_keys *keys = forge_keys(f->signer, jwk);
    assert_int_equal(jose_keys_count(keys), 2);
    char *text = sign_rs256(key, "{\"alg\":\"RS256\",\"kid\":\"rsa\"}");
    assert_int_equal(jose_verify(keys, slice_of(text), "RS256", &h, &p, &err), REASON_OK);
    json_decref(h);
    json_decref(p);
    assert_int_equal(jose_verify(keys, slice_of(text), "ES256", &h, &p, &err), REASON_TOKEN_MALFORMED);
    char *confused = sign_rs256(key, "{\"alg\":\"ES256\",\"kid\":\"rsa\"}");
    assert_int_equal(jose_verify(keys, slice_of(confused), "RS256 ES256", &h, &p, &err), REASON_TOKEN_BAD_SIGNATURE);
    char *pss = sign_rs256(key, "{\"alg\":\"PS256\",\"kid\":\"rsa\"}");
    assert_int_equal(jose_verify(keys, slice_of(pss), "PS256", &h, &p, &err), REASON_TOKEN_BAD_SIGNATURE);
    free(pss);
    free(confused);
    free(text);
    jose_keys_free(keys);
    json_decref(jwk);
    EVP_PKEY_free(key);
}

static void a_key_set_with_a_weak_rsa_key_is_refused(void **state UNUSED)
{
    struct jose_keys *keys;
    struct error err;
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
    json_t *set = json_pack("{s:[o]}", "keys", rsa_jwk(key));
    assert_int_equal(jose_keys_new(set, &keys, &err), R_INVALID);
    assert_non_null(strstr(err.text, "1024"));
    json_decref(set);
    EVP_PKEY_free(key);
}

static void *sign_and_verify(void *arg)
{
    struct fixture *f = arg;
    for (int i = 0; i < 100; i++) {
        char *text = honest(f);
        if (judge(f, text) != REASON_OK)
            return arg;
    }
    return NULL;
}

static void threads_share_a_signer_and_a_key_set(void **state)
{
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_and_verify, *state), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_signed_verifies_and_comes_back),
        cmocka_unit_test(forged_by_the_right_key_means_the_forge_works),
        cmocka_unit_test(the_example_of_rfc_7515_a_3_verifies),
        cmocka_unit_test(a_token_without_signature_is_refused_however_none_is_spelt),
        cmocka_unit_test(the_public_key_is_no_hmac_secret),
        cmocka_unit_test(an_hmac_under_the_name_of_es256_is_a_bad_signature),
        cmocka_unit_test(a_key_that_the_token_brings_along_is_never_believed),
        cmocka_unit_test(headers_that_point_to_keys_or_change_the_meaning_are_refused),
        cmocka_unit_test(a_kid_is_a_name_and_nothing_else),
        cmocka_unit_test(a_key_of_another_curve_does_not_serve),
        cmocka_unit_test(a_stranger_does_not_sign_for_us),
        cmocka_unit_test(signatures_that_are_no_numbers_of_the_curve_are_bad),
        cmocka_unit_test(the_other_signature_that_anyone_can_make_of_a_good_one_is_bad),
        cmocka_unit_test(a_name_that_stands_twice_is_malformed),
        cmocka_unit_test(a_payload_must_be_a_strict_json_object),
        cmocka_unit_test(deep_nesting_is_malformed_and_does_no_harm),
        cmocka_unit_test(too_long_is_malformed_before_anything_is_decoded),
        cmocka_unit_test(only_three_parts_of_base64url_are_a_token),
        cmocka_unit_test(another_spelling_of_the_same_bytes_is_refused),
        cmocka_unit_test(no_changed_character_goes_unnoticed),
        cmocka_unit_test(a_key_set_refuses_secrets_twins_and_points_off_the_curve),
        cmocka_unit_test(keys_for_other_things_are_left_out_of_a_set),
        cmocka_unit_test(a_public_jwk_holds_no_secret),
        cmocka_unit_test(only_p256_keys_with_their_private_part_sign),
        cmocka_unit_test(an_rsa_key_serves_where_rs256_is_taken_and_nowhere_else),
        cmocka_unit_test(a_key_set_with_a_weak_rsa_key_is_refused),
        cmocka_unit_test(threads_share_a_signer_and_a_key_set),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
