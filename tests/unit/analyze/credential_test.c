/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown to the gateway, by what it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/credential.h"
#include "base/clock.h"
#include "base/mem.h"
#include "pki/issue/issue.h"

static void token(const char *type, char *ret, size_t size)
{
    char header[200], claims[200], text[200];
    (void)snprintf(text, sizeof text, "{\"alg\":\"ES256\",\"typ\":\"%s\"}", type);
    (void)encode_base64url(slice_of(text), header);
    (void)encode_base64url(SLICE("{\"sub\":\"me\",\"jti\":\"1\"}"), claims);
    (void)snprintf(ret, size, "%s.%s.AAAA", header, claims);
}

static enum result take(struct slice cert, struct slice key, struct slice text, struct analyze_credential *ret)
{
    struct analyze_credential_text t = {cert, key, text};
    struct error err;
    return analyze_credential_read(&t, ret, &err);
}

static void a_token_is_known_by_its_type_and_gets_a_fresh_key(void **state)
{
    static const struct {
        const char *type;
        enum analyze_kind kind;
    } kinds[] = {
        {"cmg-bulk+jwt", ANALYZE_BULK}, {"cmg-device+jwt", ANALYZE_DEVICE}, {"cmg-access+jwt", ANALYZE_ACCESS}};
    char text[700];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct analyze_credential c;
        token(kinds[i].type, text, sizeof text - 1);
        size_t len = strlen(text);
        text[len] = '\n'; /* as files end */
        text[len + 1] = '\0';
        assert_int_equal(take(SLICE_NONE, SLICE_NONE, slice_of(text), &c), OK);
        assert_int_equal(c.kind, kinds[i].kind);
        assert_true(c.fresh_key && c.key && c.key_pem && c.certificate_pem);
        assert_string_equal(c.guid, "me");
        analyze_credential_free(&c);
    }
}

static void a_bulk_tokens_string_tells_the_sites_pin(void **state)
{
    char jwt[600], text[800];
    struct analyze_credential c;
    (void)state;
    token("cmg-bulk+jwt", jwt, sizeof jwt);
    (void)snprintf(text, sizeof text, "cmg1.%s.%s", "00000000000000000000000000000000000000000000000000000000000000ff",
                   jwt);
    assert_int_equal(take(SLICE_NONE, SLICE_NONE, slice_of(text), &c), OK);
    assert_true(c.has_pin && c.pin[31] == 0xff && c.pin[0] == 0);
    assert_string_equal(c.token, jwt);
    analyze_credential_free(&c);
}

static void what_is_no_token_of_a_site_is_refused(void **state)
{
    static const char *const texts[] = {"", "abc", "a.b.c", "a b.c.d", "cmg1.zz.a.b.c"};
    char user[600];
    struct analyze_credential c;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_int_equal(take(SLICE_NONE, SLICE_NONE, slice_of(texts[i]), &c), R_INVALID);
    token("JWT", user, sizeof user);
    assert_int_equal(take(SLICE_NONE, SLICE_NONE, slice_of(user), &c), R_INVALID);
}

static void certificate_and_key_belong_together(void **state)
{
    EVP_PKEY *key = pki_key_new(), *other = pki_key_new();
    struct pki_request r = {.profile = PKI_DEVICE,
                            .common_name = "me",
                            .not_before = clock_wall_s() - 10,
                            .not_after = clock_wall_s() + 1000,
                            .subject_key = key};
    X509 *cert;
    struct error err;
    struct analyze_credential c;
    (void)state;
    assert_int_equal(pki_issue(&r, &cert, &err), OK);
    char *cert_pem = pki_cert_pem(cert), *key_pem = pki_key_pem(key), *other_pem = pki_key_pem(other);
    assert_int_equal(take(slice_of(cert_pem), slice_of(key_pem), SLICE_NONE, &c), OK);
    assert_int_equal(c.kind, ANALYZE_PKI);
    assert_string_equal(c.subject, "CN=me");
    analyze_credential_free(&c);
    assert_int_equal(take(slice_of(cert_pem), slice_of(other_pem), SLICE_NONE, &c), R_INVALID);
    assert_int_equal(take(slice_of(cert_pem), SLICE_NONE, SLICE_NONE, &c), R_INVALID);
    assert_int_equal(take(SLICE_NONE, slice_of(key_pem), SLICE_NONE, &c), R_INVALID);
    free(cert_pem);
    mem_free_secret(key_pem, strlen(key_pem));
    mem_free_secret(other_pem, strlen(other_pem));
    X509_free(cert);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

static void nothing_given_is_nothing_shown(void **state)
{
    struct analyze_credential c;
    (void)state;
    assert_int_equal(take(SLICE_NONE, SLICE_NONE, SLICE_NONE, &c), OK);
    assert_int_equal(c.kind, ANALYZE_NOTHING);
    analyze_credential_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_known_by_its_type_and_gets_a_fresh_key),
        cmocka_unit_test(a_bulk_tokens_string_tells_the_sites_pin),
        cmocka_unit_test(what_is_no_token_of_a_site_is_refused),
        cmocka_unit_test(certificate_and_key_belong_together),
        cmocka_unit_test(nothing_given_is_nothing_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
