/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys and hashes are strong enough, and what verifying with a key costs. */
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <openssl/err.h>

#include "base/mem.h"
#include "maker.h"

#include "der/tlv.h"
#include "pki/cert/identity.h"
#include "pki/cert/strength.h"

static void assert_says(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' does not say '%s'", text, part);
}

/* --- keys --- */

/* Of a certificate with this key (taken over), signed with SHA-256 by another: the reason against it, "" when none. */
static const char *against(EVP_PKEY *key)
{
    static char why[PKI_STRENGTH_TEXT];
    struct pair issuer = MAKE(.cn = "Root", .ca = true), p = MAKE(.cn = "device", .issuer = &issuer, .reuse = key);
    why[0] = '\0';
    bool ok = pki_strength_ok(p.cert, true, why, sizeof why);
    assert_int_equal(ok, why[0] == '\0');
    EVP_PKEY_free(key);
    drop(&p);
    drop(&issuer);
    return why;
}

static EVP_PKEY *rsa_with(const BIGNUM *n, const BIGNUM *e)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    assert_true(OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) &&
                OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e));
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
    assert_true(EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(b);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* An odd modulus of so many bits, and this exponent: 2 to the power of `bits_of_e`, plus `more`. */
static EVP_PKEY *rsa(int bits, int bits_of_e, unsigned more)
{
    BIGNUM *n = BN_new(), *e = BN_new();
    assert_true(BN_rand(n, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD));
    assert_true(BN_set_bit(e, bits_of_e) && BN_add_word(e, more));
    EVP_PKEY *key = rsa_with(n, e);
    BN_free(n);
    BN_free(e);
    return key;
}

static void keys_of_the_usual_kinds_are_strong_enough(void **state)
{
    (void)state;
    assert_string_equal(against(EVP_EC_gen("P-256")), "");
    assert_string_equal(against(EVP_EC_gen("P-384")), "");
    assert_string_equal(against(EVP_EC_gen("P-521")), "");
    assert_string_equal(against(EVP_EC_gen("brainpoolP256r1")), "");
    assert_string_equal(against(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")), "");
    assert_string_equal(against(EVP_PKEY_Q_keygen(NULL, NULL, "ED448")), "");
    assert_string_equal(against(rsa(2048, 16, 1)), "");
    assert_string_equal(against(rsa(8192, 16, 1)), "");
}

static void curves_that_are_small_or_strange_are_not(void **state)
{
    (void)state;
    assert_says(against(EVP_EC_gen("P-224")), "224 bits on the curve secp224r1");
    assert_says(against(EVP_EC_gen("secp256k1")), "on the curve secp256k1");
}

static void rsa_is_taken_from_2048_to_8192_bits(void **state)
{
    (void)state;
    assert_says(against(rsa(2047, 16, 1)), "2047 bits, wanted are 2048");
    assert_says(against(rsa(8193, 16, 1)), "8193 bits, at most 8192");
}

static void rsa_exponents_are_odd_over_1_and_of_32_bits_at_most(void **state)
{
    (void)state;
    assert_string_equal(against(rsa(2048, 1, 1)), "");  /* 3 */
    assert_string_equal(against(rsa(2048, 31, 1)), ""); /* 32 bits */
    assert_says(against(rsa(2048, 32, 1)), "over 32 bits");
    assert_says(against(rsa(2048, 16, 0)), "even");
    assert_says(against(rsa(2048, 0, 0)), "below 3");
}

static void a_modulus_of_the_faulty_chips_is_known_by_its_mark(void **state)
{
    BIGNUM *n = BN_new(), *base = BN_new(), *m = BN_new();
    BN_CTX *ctx = BN_CTX_new();
    (void)state;
    /* 65537 to some power, modulo the product of the first primes: so are theirs. */
    BN_set_word(m, 1);
    for (unsigned p = 2; p <= 167; p++) {
        bool prime = true;
        for (unsigned d = 2; d * d <= p; d++)
            prime = prime && p % d;
        if (prime)
            assert_true(BN_mul_word(m, p));
    }
    BN_set_word(base, 65537);
    BN_set_word(n, 1234567);
    assert_true(BN_mod_exp(n, base, n, m, ctx));
    assert_true(pki_strength_roca(n));
    BN_set_word(n, 2); /* a modulus of another kind */
    assert_false(pki_strength_roca(n));
    BN_CTX_free(ctx);
    BN_free(n);
    BN_free(base);
    BN_free(m);
}

static void weak_hashes_are_named_where_the_signature_counts_alone(void **state)
{
    char why[PKI_STRENGTH_TEXT] = "";
    (void)state;
    struct pair weak = MAKE(.cn = "Root", .ca = true, .key = "RSA-2048", .md = "SHA1");
    assert_false(pki_strength_ok(weak.cert, true, why, sizeof why));
    assert_says(why, "is signed with SHA1");
    assert_true(pki_strength_ok(weak.cert, false, why, sizeof why)); /* an anchor's own signature */
    assert_true(pki_strength_key_ok(weak.cert, why, sizeof why));
    drop(&weak);
}

static void the_queue_of_openssl_is_left_as_it_was(void **state)
{
    (void)state;
    (void)against(EVP_EC_gen("P-224"));
    assert_int_equal(ERR_peek_error(), 0);
}

/* --- costs --- */

static unsigned cost_of(EVP_PKEY *key)
{
    unsigned ret = pki_strength_cost(key);
    EVP_PKEY_free(key);
    return ret;
}

static void a_large_exponent_costs_much_and_so_does_a_large_modulus(void **state)
{
    (void)state;
    unsigned usual = cost_of(rsa(2048, 16, 1)), small = cost_of(rsa(2048, 1, 1)), long_e = cost_of(rsa(2048, 31, 1)),
             large = cost_of(rsa(8192, 16, 1));
    assert_true(small < usual && usual < long_e && usual < large);
    assert_true(large > 10 * usual);
}

static void each_kind_of_key_has_its_cost_and_an_unknown_one_a_high_one(void **state)
{
    (void)state;
    unsigned p256 = cost_of(EVP_EC_gen("P-256")), p384 = cost_of(EVP_EC_gen("P-384")),
             ed = cost_of(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")), odd = cost_of(EVP_EC_gen("secp256k1")),
             other = cost_of(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"));
    assert_true(p256 < ed && ed < p384 && p384 < odd);
    assert_int_equal(odd, other);
}

static void keys_that_would_take_for_ever_are_not_let_prove_themselves(void **state)
{
    EVP_PKEY *good = rsa(8192, 31, 1), *modulus = rsa(8193, 16, 1), *exponent = rsa(2048, 32, 1),
             *ec = EVP_EC_gen("P-256");
    (void)state;
    assert_false(pki_strength_unbearable(good));
    assert_true(pki_strength_unbearable(modulus));
    assert_true(pki_strength_unbearable(exponent));
    assert_false(pki_strength_unbearable(ec));
    EVP_PKEY_free(good);
    EVP_PKEY_free(modulus);
    EVP_PKEY_free(exponent);
    EVP_PKEY_free(ec);
}

/* --- whom it names --- */

static void assert_named(const char *cn, const char *names, const char *wanted)
{
    char text[64];
    struct pair p = MAKE(.cn = cn, .ext = {{names ? NID_subject_alt_name : 0, names}});
    bool found = pki_identity(p.cert, text, sizeof text);
    assert_int_equal(found, wanted != NULL);
    assert_string_equal(text, wanted ? wanted : "");
    drop(&p);
}

static void a_common_name_goes_before_alternative_names(void **state)
{
    (void)state;
    assert_named("device-1", "DNS:other.example", "device-1");
}

static void without_one_the_first_readable_alternative_name_counts(void **state)
{
    (void)state;
    assert_named(NULL, "DNS:a.example,DNS:b.example", "a.example");
    assert_named(NULL, "email:ada@example.com", "ada@example.com");
    assert_named(NULL, "URI:urn:uuid:1", "urn:uuid:1");
    assert_named(NULL, "IP:192.0.2.1", "192.0.2.1");
    assert_named(NULL, "IP:2001:db8::1", "2001:db8::1");
    assert_named(NULL, "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:ada@corp.example", "ada@corp.example");
    assert_named(NULL, "otherName:1.2.3.4;UTF8:x,DNS:a.example", "a.example"); /* of an unknown kind */
    assert_named(NULL, "RID:1.2.3,DNS:a.example", "a.example");
}

static void a_name_that_is_not_what_it_looks_like_is_passed_over_and_none_is_cut(void **state)
{
    (void)state;
    assert_named("device\n1", "DNS:a.example", "a.example");
    assert_named("device-\xe2\x80\xae"
                 "1",
                 "DNS:a.example", "a.example"); /* turns the direction of writing */
    assert_named("0123456789012345678901234567890123456789012345678901234567890123", "DNS:a.example", "a.example");
    assert_named(NULL, NULL, NULL);
}

/* --- DER --- */

static void elements_are_cut_one_after_the_other_and_none_that_is_not_whole(void **state)
{
    static const char bytes[] = "\x02\x01\x05\x04\x02\x61\x62";
    struct slice rest = slice_make(bytes, 7);
    struct tlv t;
    (void)state;
    assert_true(tlv_take(&rest, V_ASN1_INTEGER, &t));
    assert_int_equal(t.content.len, 1);
    assert_int_equal(t.whole.len, 3);
    assert_false(tlv_take(&rest, V_ASN1_INTEGER, &t)); /* it is an OCTET STRING */
    rest = slice_make(bytes + 3, 4);
    assert_true(tlv_next(&rest, &t));
    assert_true(slice_eq(t.content, SLICE("ab")));
    assert_false(tlv_next(&rest, &t));
    for (size_t len = 0; len < 3; len++) {
        rest = slice_make(bytes, len);
        assert_false(tlv_next(&rest, &t));
    }
}

static void lengths_that_are_indefinite_or_beyond_the_end_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {{"\x30\x80\x00\x00", 4}, {"\x04\x05zz", 4}, {"\x04\x84\xff\xff\xff\xff", 6}, {"\x1f\x81", 2}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct slice rest = slice_make(cases[i].bytes, cases[i].len);
        struct tlv t;
        if (tlv_next(&rest, &t))
            fail_msg("case %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_the_usual_kinds_are_strong_enough),
        cmocka_unit_test(curves_that_are_small_or_strange_are_not),
        cmocka_unit_test(rsa_is_taken_from_2048_to_8192_bits),
        cmocka_unit_test(rsa_exponents_are_odd_over_1_and_of_32_bits_at_most),
        cmocka_unit_test(a_modulus_of_the_faulty_chips_is_known_by_its_mark),
        cmocka_unit_test(weak_hashes_are_named_where_the_signature_counts_alone),
        cmocka_unit_test(the_queue_of_openssl_is_left_as_it_was),
        cmocka_unit_test(a_large_exponent_costs_much_and_so_does_a_large_modulus),
        cmocka_unit_test(each_kind_of_key_has_its_cost_and_an_unknown_one_a_high_one),
        cmocka_unit_test(keys_that_would_take_for_ever_are_not_let_prove_themselves),
        cmocka_unit_test(a_common_name_goes_before_alternative_names),
        cmocka_unit_test(without_one_the_first_readable_alternative_name_counts),
        cmocka_unit_test(a_name_that_is_not_what_it_looks_like_is_passed_over_and_none_is_cut),
        cmocka_unit_test(elements_are_cut_one_after_the_other_and_none_that_is_not_whole),
        cmocka_unit_test(lengths_that_are_indefinite_or_beyond_the_end_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
