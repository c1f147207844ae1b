/* SPDX-License-Identifier: Apache-2.0 */
/* Signed requests: what an honest device sends passes, and each part that anybody changes on the way does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/x509.h>

#include "base/mem.h"
#include "forge.h"
#include "jose/httpsig/httpsig.h"
#include "jose/httpsig/sigkey.h"

#define NOW ((int64_t)1800000000)

static const struct httpsig_message request = {{"POST", 4}, {"/CCM_STS?a=%20b&c", 17}, {"{\"hello\": \"world\"}", 18}};

struct fixture {
    EVP_PKEY *key, *other;
    struct httpsig_fields fields; /* of `request` by key at NOW */
};

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    struct error err;
    f->key = forge_key("P-256");
    f->other = forge_key("P-256");
    assert_int_equal(httpsig_sign(f->key, &request, NOW, &f->fields, &err), OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    httpsig_fields_free(&f->fields);
    EVP_PKEY_free(f->key);
    EVP_PKEY_free(f->other);
    free(f);
    return 0;
}

static struct httpsig_received received(const struct httpsig_fields *f)
{
    return (struct httpsig_received){slice_of(f->cmg_target), slice_of(f->content_digest), slice_of(f->signature_input),
                                     slice_of(f->signature)};
}

static enum result verify(EVP_PKEY *key, const struct httpsig_message *m, const struct httpsig_received *in,
                          int64_t now)
{
    struct error err = {.text = ""};
    enum result r = httpsig_verify(key, m, in, now, &err);
    if (r != OK)
        assert_int_not_equal(err.text[0], '\0');
    return r;
}

/* --- RFC vectors of the primitives --- */

static EVP_PKEY *public_key(const char *base64)
{
    unsigned char der[512];
    const unsigned char *at = der;
    size_t len;
    assert_true(decode_base64(slice_of(base64), der, sizeof der, &len));
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)len);
    assert_non_null(key);
    return key;
}

static void check_vector(const char *spki, const char *base, const char *signature)
{
    unsigned char bytes[SIGKEY_SIGNATURE_MAX];
    size_t len;
    EVP_PKEY *key = public_key(spki);
    assert_true(decode_base64(slice_of(signature), bytes, sizeof bytes, &len));
    struct slice s = slice_make(bytes, len);
    assert_true(sigkey_verify(sigkey_algorithm(key), key, slice_of(base), s));
    assert_false(sigkey_verify(sigkey_algorithm(key), key, slice_skip(slice_of(base), 1), s));
    bytes[len / 2] ^= 1;
    assert_false(sigkey_verify(sigkey_algorithm(key), key, slice_of(base), s));
    EVP_PKEY_free(key);
}

static void the_example_of_rfc_9421_b_2_4_verifies(void **state UNUSED)
{
    check_vector(
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lfw0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50"
        "VGGdldkkDXZCnTNnoXQ==",
        "\"@status\": 200\n"
        "\"content-type\": application/json\n"
        "\"content-digest\": sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJ"
        "uahq4l5aGgfLQ==:\n"
        "\"content-length\": 23\n"
        "\"@signature-params\": (\"@status\" \"content-type\" \"content-digest\" \"content-length\")"
        ";created=1618884473;keyid=\"test-key-ecc-p256\"",
        "wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==");
}

static void the_example_of_rfc_9421_b_2_6_verifies(void **state UNUSED)
{
    check_vector("MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=",
                 "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n"
                 "\"@method\": POST\n"
                 "\"@path\": /foo\n"
                 "\"@authority\": example.com\n"
                 "\"content-type\": application/json\n"
                 "\"content-length\": 18\n"
                 "\"@signature-params\": (\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" "
                 "\"content-length\");created=1618884473;keyid=\"test-key-ed25519\"",
                 "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==");
}

static void the_digest_is_that_of_rfc_9530(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(f->fields.content_digest, "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:");
}

/* --- honest requests --- */

static void every_kind_of_key_signs_and_verifies(void **state UNUSED)
{
    static const struct {
        const char *name;
        size_t signature;
    } expected[] = {{"ecdsa-p256-sha256", 64}, {"ecdsa-p384-sha384", 96}, {"rsa-pss-sha512", 256}, {"ed25519", 64}};
    EVP_PKEY *keys[] = {forge_key("P-256"), forge_key("P-384"), EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048),
                        EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct httpsig_fields fields;
        struct error err;
        assert_int_equal(httpsig_sign(keys[i], &request, NOW, &fields, &err), OK);
        assert_non_null(strstr(fields.signature_input, expected[i].name));
        assert_int_equal(strlen(fields.signature), 6 + (expected[i].signature + 2) / 3 * 4);
        struct httpsig_received in = received(&fields);
        assert_int_equal(verify(keys[i], &request, &in, NOW), OK);
        assert_int_equal(verify(keys[(i + 1) % ARRAY_LEN(keys)], &request, &in, NOW), R_DENIED);
        httpsig_fields_free(&fields);
    }
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        EVP_PKEY_free(keys[i]);
}

static void weak_and_unknown_keys_have_no_algorithm(void **state UNUSED)
{
    EVP_PKEY *keys[] = {EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024), forge_key("P-521"), forge_key("secp256k1"),
                        EVP_PKEY_Q_keygen(NULL, NULL, "X25519")};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct httpsig_fields fields;
        struct error err;
        assert_int_equal(httpsig_sign(keys[i], &request, NOW, &fields, &err), R_INVALID);
        assert_null(fields.signature);
        EVP_PKEY_free(keys[i]);
    }
}

static void params_tell_who_signed_and_when(void **state)
{
    struct fixture *f = *state;
    struct httpsig_params p;
    struct error err;
    struct httpsig_received in = received(&f->fields);
    assert_int_equal(httpsig_params(&in, &p, &err), OK);
    assert_true(p.created == NOW);
    assert_int_equal(strlen(p.keyid), 43);
    assert_true(strlen(p.nonce) >= 22);

    struct httpsig_fields again;
    struct httpsig_params q;
    assert_int_equal(httpsig_sign(f->key, &request, NOW, &again, &err), OK);
    in = received(&again);
    assert_int_equal(httpsig_params(&in, &q, &err), OK);
    assert_string_equal(p.keyid, q.keyid);
    assert_string_not_equal(p.nonce, q.nonce); /* or a replay could not be told from a repetition */
    httpsig_fields_free(&again);

    struct httpsig_received none = {SLICE_NONE, SLICE_NONE, SLICE_NONE, SLICE_NONE};
    assert_int_equal(httpsig_params(&none, &p, &err), R_NOTFOUND);
    none.signature = SLICE("cmg=:AA==:");
    assert_int_equal(httpsig_params(&none, &p, &err), R_INVALID);
}

static void an_empty_body_is_digested_too(void **state)
{
    struct fixture *f = *state;
    struct httpsig_message m = {SLICE("GET"), SLICE("/SMS_MP/.sms_pol?MACHINE"), SLICE_NONE};
    struct httpsig_fields fields;
    struct error err;
    assert_int_equal(httpsig_sign(f->key, &m, NOW, &fields, &err), OK);
    assert_string_equal(fields.content_digest, "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:");
    struct httpsig_received in = received(&fields);
    assert_int_equal(verify(f->key, &m, &in, NOW), OK);
    m.body = SLICE("x");
    assert_int_equal(verify(f->key, &m, &in, NOW), R_DENIED);
    in.content_digest = SLICE_NONE;
    m.body = SLICE_NONE;
    assert_int_equal(verify(f->key, &m, &in, NOW), R_DENIED);
    httpsig_fields_free(&fields);
}

/* --- tampering --- */

static void another_request_under_the_same_signature_is_refused(void **state)
{
    struct fixture *f = *state;
    struct httpsig_received in = received(&f->fields);
    const struct httpsig_message others[] = {
        {SLICE("PUT"), request.target, request.body},
        {SLICE("post"), request.target, request.body},
        {request.method, SLICE("/CCM_STS"), request.body},
        {request.method, SLICE("/ccm_sts?a=%20b&c"), request.body},
        {request.method, SLICE("/CCM_STS?a= b&c"), request.body},
        {request.method, SLICE_NONE, request.body},
        {request.method, request.target, SLICE("{\"hello\": \"World\"}")},
        {request.method, request.target, SLICE("")},
        {SLICE("POST\n"), request.target, request.body},
        {SLICE_NONE, request.target, request.body},
    };
    assert_int_equal(verify(f->key, &request, &in, NOW), OK);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_int_equal(verify(f->key, &others[i], &in, NOW), R_DENIED);
    assert_int_equal(verify(f->other, &request, &in, NOW), R_DENIED);
}

static void target_and_digest_can_not_be_changed_together_with_the_request(void **state)
{
    struct fixture *f = *state;
    struct httpsig_fields forged;
    struct error err;
    const struct httpsig_message m = {request.method, SLICE("/other"), SLICE("other")};
    assert_int_equal(httpsig_sign(f->other, &m, NOW, &forged, &err), OK);
    struct httpsig_received in = received(&f->fields);
    in.cmg_target = slice_of(forged.cmg_target);
    in.content_digest = slice_of(forged.content_digest);
    assert_int_equal(verify(f->key, &m, &in, NOW), R_DENIED);
    in = received(&forged);
    in.signature = slice_of(f->fields.signature);
    assert_int_equal(verify(f->other, &m, &in, NOW), R_DENIED);
    httpsig_fields_free(&forged);
}

/* Each character of a field in turn becomes another. */
static void flip_each(const struct fixture *f, size_t which)
{
    struct httpsig_received in = received(&f->fields);
    struct slice *field =
        (struct slice *[]){&in.cmg_target, &in.content_digest, &in.signature_input, &in.signature}[which];
    char *copy = slice_dup(*field);
    *field = slice_of(copy);
    assert_int_equal(verify(f->key, &request, &in, NOW), OK);
    for (size_t i = 0; i < field->len; i++) {
        char kept = copy[i];
        static const char others[] = {'A', 'z', '0', '"', ' ', '\n', '\0'};
        for (size_t n = 0; n < sizeof others; n++) {
            if (others[n] == kept)
                continue;
            copy[i] = others[n];
            assert_int_equal(verify(f->key, &request, &in, NOW), R_DENIED);
        }
        copy[i] = kept;
        struct slice whole = *field;
        field->len = i; /* cut */
        assert_int_equal(verify(f->key, &request, &in, NOW), R_DENIED);
        *field = whole;
    }
    *field = SLICE_NONE;
    assert_int_equal(verify(f->key, &request, &in, NOW), R_DENIED);
    free(copy);
}

static void no_character_of_the_target_can_be_changed(void **state)
{
    flip_each(*state, 0);
}

static void no_character_of_the_digest_can_be_changed(void **state)
{
    flip_each(*state, 1);
}

static void no_character_of_the_input_can_be_changed(void **state)
{
    flip_each(*state, 2);
}

static void no_character_of_the_signature_can_be_changed(void **state)
{
    flip_each(*state, 3);
}

/* --- time --- */

static void a_signature_is_good_for_its_window_alone(void **state)
{
    struct fixture *f = *state;
    struct httpsig_received in = received(&f->fields);
    assert_int_equal(verify(f->key, &request, &in, NOW + HTTPSIG_WINDOW_S), OK);
    assert_int_equal(verify(f->key, &request, &in, NOW - HTTPSIG_WINDOW_S), OK);
    assert_int_equal(verify(f->key, &request, &in, NOW + HTTPSIG_WINDOW_S + 1), R_TIMEOUT);
    assert_int_equal(verify(f->key, &request, &in, NOW - HTTPSIG_WINDOW_S - 1), R_TIMEOUT);
    /* A forger does not learn whether the time alone was wrong. */
    assert_int_equal(verify(f->other, &request, &in, NOW + 9999), R_DENIED);
}

/* --- the form, as other senders may write it --- */

/* Signs `request` by hand over a Signature-Input of any form: `canonical` is what stands in the signature base. */
static enum result verify_form(const struct fixture *f, const char *order, const char *params, const char *sent)
{
    static const struct {
        char letter;
        const char *line;
    } lines[] = {{'m', "\"@method\": POST\n"},
                 {'t', "\"cmg-target\": /CCM_STS?a=%20b&c\n"},
                 {'d', "\"content-digest\": sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:\n"}};
    char base[2048] = "";
    size_t len = 0;
    for (; *order; order++) {
        for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
            if (lines[i].letter == *order)
                len += (size_t)snprintf(base + len, sizeof base - len, "%s", lines[i].line);
        }
    }
    len += (size_t)snprintf(base + len, sizeof base - len, "\"@signature-params\": %s", params);
    assert_true(len < sizeof base);
    unsigned char bytes[SIGKEY_SIGNATURE_MAX];
    char text[BASE64_SIZE(SIGKEY_SIGNATURE_MAX)];
    size_t n = sigkey_sign(sigkey_algorithm(f->key), f->key, slice_make(base, len), bytes);
    encode_base64(slice_make(bytes, n), text);
    char *signature = forge_text("cmg=:%s:", text), *input = forge_text("cmg=%s", sent);
    struct httpsig_received in = received(&f->fields);
    in.signature = slice_of(signature);
    in.signature_input = slice_of(input);
    enum result r = verify(f->key, &request, &in, NOW);
    free(signature);
    free(input);
    return r;
}

static char *keyid(const struct fixture *f)
{
    struct httpsig_params p;
    struct error err;
    struct httpsig_received in = received(&f->fields);
    assert_int_equal(httpsig_params(&in, &p, &err), OK);
    return mem_strdup(p.keyid);
}

static void the_order_is_the_senders_and_is_signed(void **state)
{
    struct fixture *f = *state;
    char *id = keyid(f);
    char *ours =
        forge_text("(\"@method\" \"cmg-target\" \"content-digest\");created=1800000000;nonce=\"n\";keyid=\"%s\";"
                   "alg=\"ecdsa-p256-sha256\";tag=\"cmg\"",
                   id);
    char *turned = forge_text("(\"content-digest\" \"@method\" \"cmg-target\");tag=\"cmg\";alg=\"ecdsa-p256-sha256\";"
                              "keyid=\"%s\";created=1800000000;nonce=\"n\"",
                              id);
    char *spaced = forge_text("( \"@method\"  \"cmg-target\" \"content-digest\" ); created=1800000000; nonce=\"n\"; "
                              "keyid=\"%s\"; alg=\"ecdsa-p256-sha256\"; tag=\"cmg\"",
                              id);
    assert_int_equal(verify_form(f, "mtd", ours, ours), OK);
    assert_int_equal(verify_form(f, "dmt", turned, turned), OK);
    assert_int_equal(verify_form(f, "mtd", ours, spaced), OK); /* RFC 9421 2.3: the base holds the canonical form */
    assert_int_equal(verify_form(f, "mtd", ours, turned), R_DENIED);
    assert_int_equal(verify_form(f, "mtd", turned, turned), R_DENIED);
    free(spaced);
    free(turned);
    free(ours);
    free(id);
}

static void what_is_covered_is_all_three_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *order, *components, *tail;
    } bad[] = {
        {"mt", "(\"@method\" \"cmg-target\")", ""},
        {"", "()", ""},
        {"mtdm", "(\"@method\" \"cmg-target\" \"content-digest\" \"@method\")", ""},
        {"mtm", "(\"@method\" \"cmg-target\" \"@method\")", ""},
        {"mtd", "(\"@method\" \"cmg-target\" \"content-digest\";sf)", ""},
        {"mtd", "(\"@method\";req \"cmg-target\" \"content-digest\")", ""},
        {"mtd", "(\"@METHOD\" \"cmg-target\" \"content-digest\")", ""},
        {"mtd", "(\"@method\" \"CMG-Target\" \"content-digest\")", ""},
        {"mtd", "(\"@method\"\"cmg-target\" \"content-digest\")", ""},
        {"mtd", "(\"@method\"\t\"cmg-target\" \"content-digest\")", ""},
        {"mtd", "(\"@method\" \"cmg-target\" \"content-digest\")", ";expires=1900000000"},
        {"mtd", "(\"@method\" \"cmg-target\" \"content-digest\")", ";created=1800000000"},
        {"mtd", "(\"@method\" \"cmg-target\" \"content-digest\")", ", other=()"},
        {"mtd", "(\"@method\" \"cmg-target\" \"content-digest\")", ";tag=\"cmg\""},
        {"mtd", "(\"@method\" \"cmg-target\" \"content-digest\")", ";"},
    };
    char *id = keyid(f);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char *text =
            forge_text("%s;created=1800000000;nonce=\"n\";keyid=\"%s\";alg=\"ecdsa-p256-sha256\";tag=\"cmg\"%s",
                       bad[i].components, id, bad[i].tail);
        assert_int_equal(verify_form(f, bad[i].order, text, text), R_DENIED);
        free(text);
    }
    free(id);
}

static void every_parameter_is_needed_and_bounded(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {
        "created=1800000000;created=1800000000;keyid=\"%s\";alg=\"ecdsa-p256-sha256\";tag=\"cmg\"",
        "created=1800000000;keyid=\"%s\";alg=\"ecdsa-p256-sha256\";tag=\"cmg\";tag=\"cmg\"",
        "nonce=\"n\";keyid=\"%s\";alg=\"ecdsa-p256-sha256\";tag=\"cmg\"",
        "created=1800000000;keyid=\"%s\";alg=\"ecdsa-p256-sha256\";tag=\"cmg\"",
        "created=1800000000;nonce=\"n\";keyid=\"%s\";tag=\"cmg\"",
        "created=1800000000;nonce=\"n\";keyid=\"%s\";alg=\"ecdsa-p256-sha256\"",
        "created=1800000000;nonce=\"n\";keyid=\"%s\";alg=\"rsa-pss-sha512\";tag=\"cmg\"",
        "created=1800000000;nonce=\"n\";keyid=\"%s\";alg=\"hmac-sha256\";tag=\"cmg\"",
        "created=1800000000;nonce=\"n\";keyid=\"%s\";alg=\"none\";tag=\"cmg\"",
        "created=1800000000;nonce=\"n\";keyid=\"%s\";alg=\"ecdsa-p256-sha256\";tag=\"CMG\"",
        "created=1800000000;nonce=\"n\";keyid=\"%sA\";alg=\"ecdsa-p256-sha256\";tag=\"cmg\"",
        "created=1800000000;nonce=\"n\";keyid=\"x%s\";alg=\"ecdsa-p256-sha256\";tag=\"cmg\"",
        "created=1800000000;nonce=\"\";keyid=\"%s\";alg=\"ecdsa-p256-sha256\";tag=\"cmg\"",
        "created=1800000000;nonce=n;keyid=\"%s\";alg=\"ecdsa-p256-sha256\";tag=\"cmg\"",
        "created=1800000000;nonce=\"a\\\"b\";keyid=\"%s\";alg=\"ecdsa-p256-sha256\";tag=\"cmg\"",
        "created=\"1800000000\";nonce=\"n\";keyid=\"%s\";alg=\"ecdsa-p256-sha256\";tag=\"cmg\"",
        "created=1800000000.0;nonce=\"n\";keyid=\"%s\";alg=\"ecdsa-p256-sha256\";tag=\"cmg\"",
        "created=-1;nonce=\"n\";keyid=\"%s\";alg=\"ecdsa-p256-sha256\";tag=\"cmg\"",
        "created=01800000000;nonce=\"n\";keyid=\"%s\";alg=\"ecdsa-p256-sha256\";tag=\"cmg\"",
        "created=1800000000000000;nonce=\"n\";keyid=\"%s\";alg=\"ecdsa-p256-sha256\";tag=\"cmg\"",
        "created;nonce=\"n\";keyid=\"%s\";alg=\"ecdsa-p256-sha256\";tag=\"cmg\"",
        ("created=1800000000;nonce=\"01234567890123456789012345678901234567890123456789012345678901234\";keyid=\"%s\";"
         "alg=\"ecdsa-p256-sha256\";tag=\"cmg\""), /* 65 */
    };
    char *id = keyid(f);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char *params = forge_text(bad[i], id);
        char *text = forge_text("(\"@method\" \"cmg-target\" \"content-digest\");%s", params);
        assert_int_equal(verify_form(f, "mtd", text, text), R_DENIED);
        free(params);
        free(text);
    }
    free(id);
}

static void the_name_of_another_key_is_refused_although_the_signature_fits(void **state)
{
    struct fixture *f = *state;
    static const char *const text = "(\"@method\" \"cmg-target\" \"content-digest\");created=1800000000;nonce=\"n\";"
                                    "keyid=\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\";"
                                    "alg=\"ecdsa-p256-sha256\";tag=\"cmg\"";
    assert_int_equal(verify_form(f, "mtd", text, text), R_DENIED);
}

static void other_labels_and_several_signatures_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const forms[] = {"sig1=%s", "CMG=%s", "cmg=%s, cmg=%s", "x=(), cmg=%s", "cmg= %s", "%s", ""};
    const char *bare = strchr(f->fields.signature_input, '=') + 1;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct httpsig_received in = received(&f->fields);
        char *text = forge_text(forms[i], bare, bare);
        in.signature_input = slice_of(text);
        assert_int_equal(verify(f->key, &request, &in, NOW), R_DENIED);
        free(text);
    }
    static const char *const signatures[] = {"sig1=%s", "cmg=%s, cmg=%s", "cmg=%s;a", "cmg=:%s", "%s"};
    bare = strchr(f->fields.signature, '=') + 1;
    for (size_t i = 0; i < ARRAY_LEN(signatures); i++) {
        struct httpsig_received in = received(&f->fields);
        char *text = forge_text(signatures[i], bare, bare);
        in.signature = slice_of(text);
        assert_int_equal(verify(f->key, &request, &in, NOW), R_DENIED);
        free(text);
    }
}

static void a_huge_field_is_refused(void **state)
{
    struct fixture *f = *state;
    enum { SIZE = 1 << 20 };
    char *huge = mem_zalloc(SIZE + 1);
    memset(huge, ' ', SIZE);
    for (size_t which = 0; which < 4; which++) {
        struct httpsig_received in = received(&f->fields);
        *(struct slice *[]){&in.cmg_target, &in.content_digest, &in.signature_input, &in.signature}[which] =
            slice_make(huge, SIZE);
        assert_int_equal(verify(f->key, &request, &in, NOW), R_DENIED);
    }
    free(huge);
}

static void a_zero_signature_does_not_verify(void **state)
{
    struct fixture *f = *state;
    struct httpsig_received in = received(&f->fields);
    unsigned char zero[96] = {0};
    static const size_t sizes[] = {64, 63, 65, 96, 1};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char base64[BASE64_SIZE(96)];
        encode_base64(slice_make(zero, sizes[i]), base64);
        char *text = forge_text("cmg=:%s:", base64);
        in.signature = slice_of(text);
        assert_int_equal(verify(f->key, &request, &in, NOW), R_DENIED);
        free(text);
    }
    in.signature = SLICE("cmg=::");
    assert_int_equal(verify(f->key, &request, &in, NOW), R_DENIED);
}

static void what_could_not_be_verified_is_not_signed(void **state)
{
    struct fixture *f = *state;
    const struct httpsig_message bad[] = {
        {SLICE("GE T"), SLICE("/a"), SLICE_NONE},       {SLICE(""), SLICE("/a"), SLICE_NONE},
        {SLICE("GET"), SLICE(""), SLICE_NONE},          {SLICE("GET"), SLICE("a"), SLICE_NONE},
        {SLICE("GET"), SLICE("/a\nb"), SLICE_NONE},     {SLICE("GET"), SLICE("/a b"), SLICE_NONE},
        {SLICE("GET"), SLICE("/\xc3\xa4"), SLICE_NONE},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct httpsig_fields fields;
        struct error err;
        assert_int_equal(httpsig_sign(f->key, &bad[i], NOW, &fields, &err), R_INVALID);
        assert_null(fields.signature);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_rfc_9421_b_2_4_verifies),
        cmocka_unit_test(the_example_of_rfc_9421_b_2_6_verifies),
        cmocka_unit_test(the_digest_is_that_of_rfc_9530),
        cmocka_unit_test(every_kind_of_key_signs_and_verifies),
        cmocka_unit_test(weak_and_unknown_keys_have_no_algorithm),
        cmocka_unit_test(params_tell_who_signed_and_when),
        cmocka_unit_test(an_empty_body_is_digested_too),
        cmocka_unit_test(another_request_under_the_same_signature_is_refused),
        cmocka_unit_test(target_and_digest_can_not_be_changed_together_with_the_request),
        cmocka_unit_test(no_character_of_the_target_can_be_changed),
        cmocka_unit_test(no_character_of_the_digest_can_be_changed),
        cmocka_unit_test(no_character_of_the_input_can_be_changed),
        cmocka_unit_test(no_character_of_the_signature_can_be_changed),
        cmocka_unit_test(a_signature_is_good_for_its_window_alone),
        cmocka_unit_test(the_order_is_the_senders_and_is_signed),
        cmocka_unit_test(what_is_covered_is_all_three_and_nothing_else),
        cmocka_unit_test(every_parameter_is_needed_and_bounded),
        cmocka_unit_test(the_name_of_another_key_is_refused_although_the_signature_fits),
        cmocka_unit_test(other_labels_and_several_signatures_are_refused),
        cmocka_unit_test(a_huge_field_is_refused),
        cmocka_unit_test(a_zero_signature_does_not_verify),
        cmocka_unit_test(what_could_not_be_verified_is_not_signed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
