/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates whose keys take OpenSSL long to read, as either end shows them. */
#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>

#include "der/key.h"
#include "kit.h"

static struct kit_identity ca, own;
enum { DAY = 24 * 3600 };

static int make_identities(void **state)
{
    (void)state;
    ca = kit_identity_new("Test CA", NULL, -60, DAY);
    own = kit_identity_new("server.test", &ca, -60, DAY);
    return 0;
}

static int free_identities(void **state)
{
    (void)state;
    kit_identity_free(&ca);
    kit_identity_free(&own);
    return 0;
}

/* NULL: as it usually is. */
static struct kit_identity of_curve(const char *curve, const char *encoding, const char *point)
{
    EVP_PKEY *key = EVP_EC_gen(curve);
    assert_non_null(key);
    if (encoding)
        assert_int_equal(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, encoding), 1);
    if (point)
        assert_int_equal(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, point), 1);
    return kit_identity_of_key(key, "slow.test", &ca, -60, DAY);
}

static void check_slow(struct kit_identity i, const char *expected)
{
    unsigned char *der = NULL;
    int len = i2d_X509(i.x509, &der);
    assert_int_equal(der_names_field(slice_make(der, (size_t)len)), expected && strstr(expected, "explicit"));
    const char *slow = der_key_slow(slice_make(der, (size_t)len));
    if (!expected)
        assert_null(slow);
    else
        assert_non_null(slow ? strstr(slow, expected) : NULL);
    assert_non_null(der_key_slow(slice_make(der, (size_t)len - 1)));
    for (size_t cut = 0; cut < 200; cut++)
        assert_non_null(der_key_slow(slice_make(der, cut)));
    der[1] = 0x80; /* an indefinite length */
    assert_non_null(der_key_slow(slice_make(der, (size_t)len)));
    OPENSSL_free(der);
    kit_identity_free(&i);
}

/* SM2's keys are read as those of EC are, by OpenSSL's whole provider. */
static void a_curve_of_its_own_is_slow_whatever_the_key_is_called(void **state)
{
    static const char ec_key[] = "\x2a\x86\x48\xce\x3d\x02\x01";
    (void)state;
    struct kit_identity i = of_curve("P-256", "explicit", NULL);
    unsigned char *der = NULL;
    int len = i2d_X509(i.x509, &der);
    unsigned char *name = memmem(der, (size_t)len, ec_key, sizeof ec_key - 1);
    assert_non_null(name);
    name[sizeof ec_key - 2] = 9;
    assert_non_null(strstr(der_key_slow(slice_make(der, (size_t)len)), "explicit parameters"));
    OPENSSL_free(der);
    kit_identity_free(&i);
}

static void a_key_is_slow_by_its_makers_curve_or_a_root_in_anothers(void **state)
{
    (void)state;
    check_slow(of_curve("P-256", NULL, NULL), NULL);
    check_slow(of_curve("P-256", NULL, "compressed"), NULL);
    check_slow(of_curve("brainpoolP512r1", NULL, "compressed"), NULL);
    check_slow(of_curve("secp256k1", NULL, NULL), NULL);
    check_slow(kit_identity_of_key(EVP_RSA_gen(2048), "rsa.test", &ca, -60, DAY), NULL);
    check_slow(of_curve("P-224", NULL, "compressed"), "compressed key");
    check_slow(of_curve("sect571k1", NULL, "compressed"), "compressed key");
    check_slow(of_curve("P-256", "explicit", NULL), "explicit parameters");
    check_slow(of_curve("P-256", "explicit", "compressed"), "explicit parameters");
}

/* The slow one stands behind a good one. */
static void check_shown(const struct kit_identity *slow, bool by_client, bool tls13_only)
{
    struct kit k;
    char chain[16384];
    (void)snprintf(chain, sizeof chain, "%s%s", own.certificate, slow->certificate);
    struct tls_identity good = kit_identity_pem(&own), bad = {slice_of(chain), slice_of(own.key)};
    struct tls_server_options so = {
        .identity = by_client ? good : bad, .client_cert = TLS_CLIENT_CERT_ASK, .tls13_only = tls13_only};
    struct tls_client_options co = {.identity = by_client ? bad : good, .anchors_pem = slice_of(ca.certificate)};
    kit_init(&k);
    k.name = "server.test";
    k.server_context = kit_server_context(&so);
    k.client_context = kit_client_context(&co);
    kit_connect(&k);
    kit_run_until(&k, by_client ? kit_server_failed : kit_client_failed, "it is refused");
    const struct error *why = by_client ? &k.server.why : &k.client.why;
    assert_non_null(strstr(why->text, "certificate 2 of those that the peer shows has a key on a curve of its own"));
    kit_done(&k);
}

static void a_certificate_with_a_slow_key_ends_the_handshake_before_it_is_read(void **state)
{
    (void)state;
    struct kit_identity slow = of_curve("P-256", "explicit", "compressed");
    for (int i = 0; i < 4; i++)
        check_shown(&slow, i & 1, i & 2);
    kit_identity_free(&slow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_curve_of_its_own_is_slow_whatever_the_key_is_called),
        cmocka_unit_test(a_key_is_slow_by_its_makers_curve_or_a_root_in_anothers),
        cmocka_unit_test(a_certificate_with_a_slow_key_ends_the_handshake_before_it_is_read),
    };
    return cmocka_run_group_tests(tests, make_identities, free_identities);
}
