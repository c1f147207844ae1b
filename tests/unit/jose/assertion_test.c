/* SPDX-License-Identifier: Apache-2.0 */
/* Client assertions: the algorithm by key and by what the provider offers, verified as a provider would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/rsa.h>

#include "base/text/encode.h"
#include "forge.h"
#include "jose/assertion.h"
#include "json/json.h"

enum { NOW = 1760000000 };

/* Nobody here asks who issued it. */
static X509 *certificate_of(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_NAME_new();
    if (!cert || !name || X509_set_version(cert, X509_VERSION_3) != 1 ||
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"device", -1, -1, 0) != 1 ||
        X509_set_subject_name(cert, name) != 1 || X509_set_issuer_name(cert, name) != 1 ||
        ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) != 1 || !X509_gmtime_adj(X509_getm_notBefore(cert), 0) ||
        !X509_gmtime_adj(X509_getm_notAfter(cert), 3600) || X509_set_pubkey(cert, key) != 1 ||
        X509_sign(cert, key, EVP_sha256()) == 0)
        fail_msg("no certificate");
    X509_NAME_free(name);
    return cert;
}

static struct jose_assertion assertion(EVP_PKEY *key, X509 *cert, const json_t *offered)
{
    return (struct jose_assertion){key, cert, "app", "https://idp.example/token", offered, NOW};
}

static char *rsa_jwk_number(EVP_PKEY *key, const char *what)
{
    BIGNUM *n = NULL;
    unsigned char bytes[1024];
    char text[BASE64_SIZE(sizeof bytes)];
    if (EVP_PKEY_get_bn_param(key, what, &n) != 1)
        fail_msg("no %s", what);
    int len = BN_bn2bin(n, bytes);
    BN_free(n);
    (void)encode_base64url(slice_make(bytes, (size_t)len), text);
    return forge_text("%s", text);
}

static json_t *public_jwk(EVP_PKEY *key, const char *curve)
{
    if (curve)
        return forge_jwk(key, curve, "k");
    char *n = rsa_jwk_number(key, "n"), *e = rsa_jwk_number(key, "e");
    json_t *jwk = json_pack("{s:s, s:s, s:s, s:s}", "kty", "RSA", "kid", "k", "n", n, "e", e);
    free(n);
    free(e);
    return jwk;
}

/* Signed, and verified by the key's public half alone; the header is given back. */
static json_t *round_trip(EVP_PKEY *key, const char *curve, const json_t *offered, json_t **ret_claims)
{
    X509 *cert = certificate_of(key);
    struct jose_assertion a = assertion(key, cert, offered);
    struct jose_keys *keys = NULL;
    struct error err;
    json_t *header = NULL, *jwk = public_jwk(key, curve);
    (void)json_object_del(jwk, "kid"); /* an assertion names its key by thumbprint */
    json_t *set = json_pack("{s:[o]}", "keys", jwk);
    char *text;
    if (jose_assertion_sign(&a, &text, &err) != OK || jose_keys_new_foreign(set, &keys, &err) != OK ||
        jose_verify(keys, slice_of(text), "PS256 RS256 ES256 ES384", &header, ret_claims, &err) != REASON_OK)
        fail_msg("%s", err.text);
    jose_keys_free(keys);
    json_decref(set);
    free(text);
    X509_free(cert);
    return header;
}

static void assert_algorithm(EVP_PKEY *key, const char *curve, const json_t *offered, const char *want)
{
    json_t *claims, *header = round_trip(key, curve, offered, &claims);
    assert_string_equal(json_opt_str(header, "alg", ""), want);
    json_decref(header);
    json_decref(claims);
}

static void each_key_signs_by_its_algorithm_and_the_provider_can_verify_it(void **state)
{
    EVP_PKEY *rsa = EVP_RSA_gen(2048), *p256 = forge_key("P-256"), *p384 = forge_key("P-384");
    json_t *old = json_pack("[s, s]", "RS256", "ES256");
    (void)state;
    assert_algorithm(rsa, NULL, NULL, "PS256");
    assert_algorithm(rsa, NULL, old, "RS256");
    assert_algorithm(p256, "P-256", old, "ES256");
    assert_algorithm(p384, "P-384", NULL, "ES384");
    json_decref(old);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(p256);
    EVP_PKEY_free(p384);
}

static void it_says_what_rfc_7523_demands_and_names_the_certificate(void **state)
{
    EVP_PKEY *key = forge_key("P-256");
    json_t *claims, *header = round_trip(key, "P-256", NULL, &claims);
    unsigned char hash[32];
    size_t len;
    (void)state;
    assert_string_equal(json_opt_str(claims, "iss", ""), "app");
    assert_string_equal(json_opt_str(claims, "sub", ""), "app");
    assert_string_equal(json_opt_str(claims, "aud", ""), "https://idp.example/token");
    assert_int_equal(json_opt_int(claims, "exp", 0), NOW + 300);
    assert_true(guid_valid(slice_of(json_opt_str(claims, "jti", ""))));
    assert_true(decode_base64url(slice_of(json_opt_str(header, "x5t", "")), hash, sizeof hash, &len) && len == 20);
    assert_true(decode_base64url(slice_of(json_opt_str(header, "x5t#S256", "")), hash, sizeof hash, &len) && len == 32);
    json_decref(header);
    json_decref(claims);
    EVP_PKEY_free(key);
}

static void a_key_that_no_algorithm_fits_is_refused_with_words(void **state)
{
    EVP_PKEY *weak = EVP_RSA_gen(1024), *p256 = forge_key("P-256");
    json_t *rsa_only = json_pack("[s]", "RS256");
    struct error err;
    char *text;
    (void)state;
    struct jose_assertion a = assertion(weak, NULL, NULL);
    assert_int_equal(jose_assertion_sign(&a, &text, &err), R_INVALID);
    assert_non_null(strstr(err.text, "2048"));
    a = assertion(p256, NULL, rsa_only);
    assert_int_equal(jose_assertion_sign(&a, &text, &err), R_INVALID);
    assert_non_null(strstr(err.text, "provider takes no"));
    json_decref(rsa_only);
    EVP_PKEY_free(weak);
    EVP_PKEY_free(p256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_signs_by_its_algorithm_and_the_provider_can_verify_it),
        cmocka_unit_test(it_says_what_rfc_7523_demands_and_names_the_certificate),
        cmocka_unit_test(a_key_that_no_algorithm_fits_is_refused_with_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
