/* SPDX-License-Identifier: Apache-2.0 */
/* What a connector's identity headers may say. */
#include "cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "mp/sender/identity.h"
#include "pki/issue/issue.h"

static struct arena *arena;
static struct http_fields fields;
static char fingerprint[PKI_HASH_HEX], header[4096];

static int make_certificate(void **state)
{
    (void)state;
    unsigned char hash[PKI_SHA256];
    X509 *cert;
    EVP_PKEY *key = pki_key_new();
    struct pki_request r = {.profile = PKI_DEVICE,
                            .common_name = "d",
                            .not_before = clock_wall_s() - 10,
                            .not_after = clock_wall_s() + 1000,
                            .subject_key = key};
    if (pki_issue(&r, &cert, NULL) != OK)
        return -1;
    char *base64 = pki_cert_base64(cert);
    (void)snprintf(header, sizeof header, ":%s:", base64);
    pki_cert_sha256(cert, hash);
    (void)encode_hex(slice_make(hash, sizeof hash), fingerprint);
    free(base64);
    X509_free(cert);
    EVP_PKEY_free(key);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    arena = arena_new(64 * 1024);
    fields = (struct http_fields){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void put(const char *name, const char *value)
{
    assert_int_equal(http_fields_add(&fields, arena, slice_of(name), slice_of(value)), OK);
}

static enum result read_fields(struct mp_asserted *a)
{
    enum result r = mp_asserted_read(&fields, a, NULL);
    X509_free(a->certificate);
    return r;
}

static void a_certificate_and_its_fingerprint_are_an_identity(void **state)
{
    (void)state;
    struct mp_asserted a;
    put("cmg-auth-method", "pki");
    put("cmg-client-id", fingerprint);
    put("client-cert", header);
    assert_int_equal(mp_asserted_read(&fields, &a, NULL), OK);
    assert_int_equal(a.auth, MP_PKI);
    assert_non_null(a.certificate);
    X509_free(a.certificate);
}

static void a_token_is_an_identity_with_its_bearer(void **state)
{
    (void)state;
    struct mp_asserted a;
    put("cmg-auth-method", "token");
    put("authorization", "Bearer abc");
    assert_int_equal(read_fields(&a), OK);
    assert_int_equal(a.auth, MP_TOKEN);
    assert_true(slice_eq(a.bearer, SLICE("abc")));
}

static void nothing_said_is_nobody(void **state)
{
    (void)state;
    struct mp_asserted a;
    put("authorization", "Bearer abc");
    assert_int_equal(read_fields(&a), OK);
    assert_int_equal(a.auth, MP_NOBODY);
}

static void contradictions_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *list[8];
    } cases[] = {
        {{"cmg-auth-method", "pki", "cmg-client-id", "x"}},
        {{"cmg-auth-method", "pki", "cmg-client-id", "x", "client-cert", header}},
        {{"cmg-auth-method", "pki", "cmg-client-id", fingerprint, "client-cert", ":!!!:"}},
        {{"cmg-auth-method", "pki", "cmg-client-id", fingerprint, "client-cert", header + 1}},
        {{"cmg-auth-method", "token"}},
        {{"cmg-auth-method", "token", "authorization", "Basic abc"}},
        {{"cmg-auth-method", "token", "authorization", "Bearer abc", "client-cert", header}},
        {{"cmg-auth-method", "none"}},
        {{"cmg-auth-method", "PKI"}},
        {{"client-cert", header}},
        {{"cmg-auth-method", "token", "cmg-auth-method", "token", "authorization", "Bearer abc"}},
        {{"authorization", "Bearer abc", "authorization", "Bearer abc"}},
        {{"cmg-client-id", "a", "cmg-client-id", "a"}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mp_asserted a;
        fields = (struct http_fields){0};
        for (size_t k = 0; k + 1 < ARRAY_LEN(cases[i].list) && cases[i].list[k]; k += 2)
            put(cases[i].list[k], cases[i].list[k + 1]);
        if (read_fields(&a) != R_INVALID)
            fail_msg("case %zu was taken", i);
    }
}

static void only_a_bearer_is_a_bearer(void **state)
{
    (void)state;
    assert_true(slice_eq(mp_bearer(SLICE("bearer  x")), SLICE("x")));
    assert_null(mp_bearer(SLICE("Bearer ")).ptr);
    assert_null(mp_bearer(SLICE("Bearerx")).ptr);
    assert_null(mp_bearer(SLICE_NONE).ptr);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_certificate_and_its_fingerprint_are_an_identity),
        TEST(a_token_is_an_identity_with_its_bearer),
        TEST(nothing_said_is_nobody),
        TEST(contradictions_are_refused),
        TEST(only_a_bearer_is_a_bearer),
    };
    return cmocka_run_group_tests(tests, make_certificate, NULL);
}
