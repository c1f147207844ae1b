/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates put together by hand: the way to the key at every step, and each form of a key that is slow. What a
 * handshake does with them is tests/unit/tls/certificates_test.c. */
#include "kit.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "der/key.h"

static const char *slow(struct slice name, struct slice curve, struct slice bits)
{
    struct der key = der_key_info(name, curve, BITS, bits), d = der_certificate(&key);
    return der_key_slow(slice_of_der(&d));
}

static void assert_told(const char *slow, const char *expected)
{
    if (!slow || !strstr(slow, expected))
        fail_msg("%s, not: %s", slow ? slow : "nothing", expected);
}

/* --- the way there --- */

static void a_certificate_of_each_version_is_read_as_far_as_its_key(void **state)
{
    (void)state;
    struct der key = der_key_info(EC_KEY, P224, BITS, COMPRESSED), with = der_certificate(&key),
               without = der_certificate_but(&key, 0, 0);
    assert_told(der_key_slow(slice_of_der(&with)), "compressed");
    assert_told(der_key_slow(slice_of_der(&without)), "compressed");
}

static void a_part_that_is_missing_or_another_is_told(void **state)
{
    (void)state;
    struct der key = der_key_info(EC_KEY, P256, BITS, PLAIN);
    for (int but = 1; but < (int)ARRAY_LEN(der_parts); but++) {
        struct der missing = der_certificate_but(&key, but, 0), other = der_certificate_but(&key, but, OCTETS);
        struct der of_context = der_certificate_but(&key, but, 0x80 | der_parts[but]);
        assert_told(der_key_slow(slice_of_der(&missing)), "is not encoded in DER");
        assert_told(der_key_slow(slice_of_der(&other)), "is not encoded in DER");
        assert_told(der_key_slow(slice_of_der(&of_context)), "is not encoded in DER");
    }
}

static void what_stands_behind_a_certificate_is_told(void **state)
{
    (void)state;
    struct der key = der_key_info(EC_KEY, P256, BITS, PLAIN), d = der_certificate(&key);
    assert_null(der_key_slow(slice_of_der(&d)));
    der_add(&d, "", 1);
    assert_told(der_key_slow(slice_of_der(&d)), "is not encoded in DER");
}

static void a_certificate_that_is_cut_off_anywhere_is_told(void **state)
{
    (void)state;
    struct der key = der_key_info(EC_KEY, P256, BITS, PLAIN), d = der_certificate(&key);
    for (size_t len = 0; len < d.len; len++)
        assert_told(der_key_slow(slice_make(d.at, len)), "is not encoded in DER");
}

static void a_key_without_a_name_or_bits_is_told(void **state)
{
    (void)state;
    struct der nothing = {.len = 0}, no_name = {.len = 0}, no_bits = {.len = 0};
    der_wrap(&nothing, SEQUENCE);
    der_element(&no_name, SEQUENCE, SLICE_NONE);
    der_element(&no_name, BITS, PLAIN);
    der_wrap(&no_name, SEQUENCE);
    der_element(&no_bits, OBJECT, EC_KEY);
    der_wrap(&no_bits, SEQUENCE);
    der_wrap(&no_bits, SEQUENCE);
    const struct der *const keys[] = {&nothing, &no_name, &no_bits};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct der d = der_certificate(keys[i]);
        assert_told(der_key_slow(slice_of_der(&d)), "is not encoded in DER");
    }
}

/* --- points --- */

static void a_compressed_point_costs_a_root_in_the_curves_field(void **state)
{
    (void)state;
    assert_told(slow(EC_KEY, P224, COMPRESSED), "compressed key on a curve that is not taken");
    assert_told(slow(EC_KEY, P224, SLICE("\0\x03xxxx")), "compressed key");
    assert_null(slow(EC_KEY, P256, COMPRESSED));
    assert_null(slow(EC_KEY, P224, PLAIN));
    assert_null(slow(EC_KEY, P224, SLICE("\0\x06xxxxyyyy"))); /* both coordinates and a bit: no root */
    assert_null(slow(EC_KEY, P224, SLICE("\0\x01xx")));
}

static void a_point_of_no_octets_is_not_read_beyond_its_end(void **state)
{
    (void)state;
    assert_null(slow(EC_KEY, P224, SLICE_NONE));
    assert_null(slow(EC_KEY, P224, SLICE("\0")));
    assert_told(slow(EC_KEY, P224, SLICE("\0\x02")), "compressed key");
}

static void a_curve_that_nobody_knows_is_not_among_those_that_are_taken(void **state)
{
    (void)state;
    assert_told(slow(EC_KEY, OID("\x2a\x03\x04"), COMPRESSED), "compressed key");
    assert_told(slow(EC_KEY, OID("\x80"), COMPRESSED), "compressed key"); /* no name at all */
}

/* OpenSSL puts the parts together and takes the root. */
static void a_point_in_parts_is_no_way_around(void **state)
{
    (void)state;
    struct der point = {.len = 0}, key, d;
    der_element(&point, BITS, COMPRESSED);
    key = der_key_info(EC_KEY, P224, BITS | V_ASN1_CONSTRUCTED, slice_of_der(&point));
    d = der_certificate(&key);
    assert_told(der_key_slow(slice_of_der(&d)), "is not encoded in DER");
}

/* OpenSSL reads keys of SM2's name as EC's, and finds out afterwards that the curve is not SM2's. */
static void a_key_of_another_name_on_a_named_curve_is_no_way_around(void **state)
{
    (void)state;
    assert_told(slow(SM2_KEY, P224, COMPRESSED), "compressed key");
    assert_null(slow(SM2_KEY, P224, PLAIN));
    assert_null(slow(RSA_KEY, SLICE_NONE, COMPRESSED)); /* no curve: no point */
}

/* --- curves --- */

static void a_curve_must_have_a_name(void **state)
{
    (void)state;
    assert_told(slow(EC_KEY, SLICE_NONE, PLAIN), "explicit parameters");
    assert_null(slow(RSA_KEY, SLICE_NONE, SLICE("\0xxx")));
}

static void the_name_of_a_field_is_found_anywhere_and_whole_alone(void **state)
{
    (void)state;
    assert_true(der_names_field(OID("xx\x2a\x86\x48\xce\x3d\x01\x01xx")));
    assert_true(der_names_field(OID("\x2a\x86\x48\xce\x3d\x01")));
    assert_false(der_names_field(OID("\x2a\x86\x48\xce\x3d")));
    assert_false(der_names_field(EC_KEY));
    assert_false(der_names_field(P256));
    assert_false(der_names_field(SLICE_NONE));
}

/* --- beside OpenSSL --- */

static struct der of_openssl(const char *kind, bool compressed)
{
    struct der d = {.len = 0};
    bool by_number = strcmp(kind, "RSA") == 0;
    EVP_PKEY *key = by_number      ? EVP_RSA_gen(2048)
                    : *kind == 'E' ? EVP_PKEY_Q_keygen(NULL, NULL, kind)
                                   : EVP_EC_gen(kind);
    unsigned char *at = d.at;
    if (compressed)
        assert_int_equal(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed"),
                         1);
    assert_in_range(i2d_PUBKEY(key, NULL), 1, DER_MAX);
    d.len = (size_t)i2d_PUBKEY(key, &at);
    EVP_PKEY_free(key);
    return d;
}

static void keys_that_openssl_writes_are_judged_by_their_curve_and_form(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        bool compressed_is_slow;
    } cases[] = {
        {"P-256", false},           {"P-384", false},           {"P-521", false},          {"brainpoolP256r1", false},
        {"brainpoolP384r1", false}, {"brainpoolP512r1", false}, {"secp256k1", true},       {"P-224", true},
        {"sect571k1", true},        {"brainpoolP320r1", true},  {"brainpoolP512t1", true}, {"RSA", false},
        {"ED25519", false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool is_ec = strcmp(cases[i].kind, "RSA") != 0 && *cases[i].kind != 'E';
        struct der key = of_openssl(cases[i].kind, false), d = der_certificate(&key);
        assert_null(der_key_slow(slice_of_der(&d)));
        if (!is_ec)
            continue;
        key = of_openssl(cases[i].kind, true);
        d = der_certificate(&key);
        if ((der_key_slow(slice_of_der(&d)) != NULL) != cases[i].compressed_is_slow)
            fail_msg("%s", cases[i].kind);
    }
}

/* Whatever octet of it is changed to whatever: where OpenSSL still reads a compressed point on such a curve, so does
 * who looks first. */
static void no_changed_octet_hides_a_compressed_point_from_who_looks_first(void **state)
{
    struct der key = of_openssl("P-224", true);
    size_t taken = 0;
    (void)state;
    for (size_t at = 0; at < 30; at++) {
        unsigned char was = key.at[at];
        for (int octet = 0; octet < 256; octet++) {
            const unsigned char *in = key.at;
            key.at[at] = (unsigned char)octet;
            EVP_PKEY *read = d2i_PUBKEY(NULL, &in, (long)key.len);
            struct der d = der_certificate(&key);
            if (read && !der_key_slow(slice_of_der(&d)))
                fail_msg("octet %zu as %02x", at, (unsigned)octet);
            taken += read != NULL;
            EVP_PKEY_free(read);
        }
        key.at[at] = was;
    }
    assert_true(taken >= 30); /* as it was, at the least */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_of_each_version_is_read_as_far_as_its_key),
        cmocka_unit_test(a_part_that_is_missing_or_another_is_told),
        cmocka_unit_test(what_stands_behind_a_certificate_is_told),
        cmocka_unit_test(a_certificate_that_is_cut_off_anywhere_is_told),
        cmocka_unit_test(a_key_without_a_name_or_bits_is_told),
        cmocka_unit_test(a_compressed_point_costs_a_root_in_the_curves_field),
        cmocka_unit_test(a_point_of_no_octets_is_not_read_beyond_its_end),
        cmocka_unit_test(a_curve_that_nobody_knows_is_not_among_those_that_are_taken),
        cmocka_unit_test(a_point_in_parts_is_no_way_around),
        cmocka_unit_test(a_key_of_another_name_on_a_named_curve_is_no_way_around),
        cmocka_unit_test(a_curve_must_have_a_name),
        cmocka_unit_test(the_name_of_a_field_is_found_anywhere_and_whole_alone),
        cmocka_unit_test(keys_that_openssl_writes_are_judged_by_their_curve_and_form),
        cmocka_unit_test(no_changed_octet_hides_a_compressed_point_from_who_looks_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
