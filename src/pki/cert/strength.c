/* SPDX-License-Identifier: Apache-2.0 */
/* RSA from 2048 bits, the NIST and Brainpool curves from 256, Edwards curves; no MD5, no SHA-1. Other kinds of keys are
 * refused, and so are keys whose numbers are none of their kind (RFC 8017 3.1, SEC 1 3.2.2). */
#include "pki/cert/strength.h"

#include <stdio.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "der/tlv.h"

enum { SIGNATURE_BITS_MIN = 112, RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, RSA_EXPONENT_BITS_MAX = 32 };

/* --- RSA --- */

static bool take_positive(struct slice *rest)
{
    struct tlv t;
    if (!tlv_take(rest, V_ASN1_INTEGER, &t) || t.content.len == 0)
        return false;
    unsigned char first = (unsigned char)t.content.ptr[0],
                  second = t.content.len > 1 ? (unsigned char)t.content.ptr[1] : 0;
    return first < 0x80 && (first > 0 || second >= 0x80);
}

/* Two positive numbers and nothing else: OpenSSL reads past signs and leading zeros, so that one key had many forms. */
static bool is_canonical(X509 *cert)
{
    const unsigned char *octets;
    int len;
    struct tlv key;
    if (!X509_PUBKEY_get0_param(NULL, &octets, &len, NULL, X509_get_X509_PUBKEY(cert)))
        return false;
    struct slice whole = slice_make(octets, (size_t)len);
    return tlv_take(&whole, V_ASN1_SEQUENCE, &key) && whole.len == 0 && take_positive(&key.content) &&
           take_positive(&key.content) && key.content.len == 0;
}

struct rsa {
    BIGNUM *n, *e;
};

static bool open_rsa(EVP_PKEY *key, struct rsa *ret)
{
    *ret = (struct rsa){NULL, NULL};
    return EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &ret->n) &&
           EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &ret->e);
}

static void close_rsa(struct rsa *r)
{
    BN_free(r->n);
    BN_free(r->e);
}

static bool numbers_ok(EVP_PKEY *key)
{
    struct rsa r;
    bool ok = open_rsa(key, &r) && BN_is_odd(r.n) && BN_is_odd(r.e) && !BN_is_one(r.e) &&
              BN_num_bits(r.e) <= RSA_EXPONENT_BITS_MAX;
    close_rsa(&r);
    return ok;
}

static bool is_power_of_generator(BN_ULONG rest, BN_ULONG prime)
{
    enum { GENERATOR = 65537 };
    BN_ULONG power = 1;
    do {
        if (power == rest)
            return true;
        power = power * (GENERATOR % prime) % prime;
    } while (power != 1);
    return false;
}

/* Their primes are k * M + (65537^a mod M), M a product of the first primes: so the modulus is a power of 65537 modulo
 * each of them. Of those primes modulo which 65537 does not generate everything; another modulus bears the mark once in
 * 2^27 (Nemec et al., "The Return of Coppersmith's Attack", CCS 2017, section 2.3 and its detection tool). */
bool pki_strength_roca(const BIGNUM *modulus)
{
    static const unsigned char primes[] = {11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157};
    bool ret = true;
    for (size_t i = 0; i < sizeof primes && ret; i++)
        ret = is_power_of_generator(BN_mod_word(modulus, primes[i]), primes[i]);
    return ret;
}

static bool is_roca(EVP_PKEY *key)
{
    struct rsa r;
    bool ret = open_rsa(key, &r) && pki_strength_roca(r.n);
    close_rsa(&r);
    return ret;
}

static bool rsa_ok(X509 *cert, EVP_PKEY *key, char *why, size_t size)
{
    int bits = EVP_PKEY_get_bits(key);
    if (bits < RSA_BITS_MIN)
        (void)snprintf(why, size, "has a key of RSA with %d bits, wanted are %d", bits, RSA_BITS_MIN);
    else if (bits > RSA_BITS_MAX)
        (void)snprintf(why, size, "has a key of RSA with %d bits, at most %d are taken", bits, RSA_BITS_MAX);
    else if (!is_canonical(cert))
        (void)snprintf(why, size, "has a key of RSA that is not written as it must be (RFC 8017 A.1.1, in DER)");
    else if (!numbers_ok(key))
        (void)snprintf(why, size,
                       "has a key of RSA whose modulus or exponent is even, or whose exponent is below 3 or "
                       "over %d bits",
                       RSA_EXPONENT_BITS_MAX);
    else if (is_roca(key))
        (void)snprintf(why, size,
                       "has a key of RSA that was made by a faulty chip and can be factored (ROCA, CVE-2017-15361)");
    else
        return true;
    return false;
}

/* --- EC --- */

static const char *const curves[] = {"prime256v1",      "secp384r1",       "secp521r1",
                                     "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1"};

static bool is_point(EVP_PKEY *key)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    bool ok = ctx && EVP_PKEY_public_check_quick(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static bool ec_ok(X509 *cert UNUSED, EVP_PKEY *key, char *why, size_t size)
{
    char group[40] = "?";
    size_t len;
    int own_curve = 0;
    if (EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &own_curve) && own_curve) {
        (void)snprintf(why, size, "has a key on a curve of its own making (explicit parameters, RFC 5480 2.1.1)");
        return false;
    }
    (void)EVP_PKEY_get_group_name(key, group, sizeof group, &len);
    for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
        if (strcmp(group, curves[i]) != 0)
            continue;
        if (is_point(key))
            return true;
        (void)snprintf(why, size, "has a key of EC that is no point of its curve");
        return false;
    }
    (void)snprintf(why, size,
                   "has a key of EC with %d bits on the curve %s, wanted is P-256, P-384, P-521 or Brainpool's",
                   EVP_PKEY_get_bits(key), group);
    return false;
}

static bool any_ok(X509 *cert UNUSED, EVP_PKEY *key UNUSED, char *why UNUSED, size_t size UNUSED)
{
    return true;
}

/* --- all kinds --- */

static const struct {
    const char *type;
    bool (*ok)(X509 *cert, EVP_PKEY *key, char *why, size_t size);
} keys[] = {
    {"RSA", rsa_ok}, {"RSA-PSS", rsa_ok}, {"EC", ec_ok}, {"ED25519", any_ok}, {"ED448", any_ok},
};

static bool judge_key(X509 *cert, char *why, size_t size)
{
    EVP_PKEY *key = X509_get0_pubkey(cert);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (key && EVP_PKEY_is_a(key, keys[i].type))
            return keys[i].ok(cert, key, why, size);
    }
    const char *type = key ? EVP_PKEY_get0_type_name(key) : NULL;
    (void)snprintf(why, size, "has a key of a kind that is not accepted (%s)", type ? type : "?");
    return false;
}

static bool signature_ok(X509 *cert, char *why, size_t size)
{
    int md = NID_undef, bits = 0;
    uint32_t flags;
    if (X509_get_signature_info(cert, &md, NULL, &bits, &flags) && bits >= SIGNATURE_BITS_MIN)
        return true;
    (void)snprintf(why, size, "is signed with %s, wanted is SHA-256 or stronger",
                   md == NID_undef ? "an unknown hash" : OBJ_nid2sn(md));
    return false;
}

bool pki_strength_key_ok(X509 *cert, char *why, size_t size)
{
    ERR_set_mark();
    bool ok = judge_key(cert, why, size);
    ERR_pop_to_mark();
    return ok;
}

bool pki_strength_ok(X509 *cert, bool signature, char *why, size_t size)
{
    ERR_set_mark();
    bool ok = judge_key(cert, why, size) && (!signature || signature_ok(cert, why, size));
    ERR_pop_to_mark();
    return ok;
}

/* --- what they cost --- */

/* Measured with OpenSSL 3.0 on a slow core of 2026. */
static const struct {
    const char *group;
    unsigned microseconds;
} curve_costs[] = {{"prime256v1", 65},       {"secp384r1", 650},       {"secp521r1", 550},
                   {"brainpoolP256r1", 450}, {"brainpoolP384r1", 700}, {"brainpoolP512r1", 950}};

enum {
    COST_OTHERS = 1000,
    COST_ED25519 = 110,
    COST_ED448 = 250,
    COST_RSA = 10,
    COST_RSA_BITS = 3 /* of the exponent, with 1024 bits, in one */
};

static unsigned ec_cost(EVP_PKEY *key)
{
    char group[40] = "?";
    size_t len;
    (void)EVP_PKEY_get_group_name(key, group, sizeof group, &len);
    for (size_t i = 0; i < ARRAY_LEN(curve_costs); i++) {
        if (strcmp(group, curve_costs[i].group) == 0)
            return curve_costs[i].microseconds;
    }
    return COST_OTHERS;
}

/* The square of the modulus' length for each bit of the exponent. */
static unsigned rsa_cost(EVP_PKEY *key)
{
    struct rsa r;
    unsigned size = ((unsigned)EVP_PKEY_get_bits(key) + 1023) / 1024;
    unsigned bits = open_rsa(key, &r) ? (unsigned)BN_num_bits(r.e) : RSA_EXPONENT_BITS_MAX;
    close_rsa(&r);
    return COST_RSA + size * size * bits / COST_RSA_BITS;
}

unsigned pki_strength_cost(EVP_PKEY *key)
{
    if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS"))
        return rsa_cost(key);
    if (EVP_PKEY_is_a(key, "EC"))
        return ec_cost(key);
    return EVP_PKEY_is_a(key, "ED25519") ? COST_ED25519 : EVP_PKEY_is_a(key, "ED448") ? COST_ED448 : COST_OTHERS;
}

bool pki_strength_unbearable(EVP_PKEY *key)
{
    struct rsa r;
    if (!EVP_PKEY_is_a(key, "RSA") && !EVP_PKEY_is_a(key, "RSA-PSS"))
        return false;
    bool ret = !open_rsa(key, &r) || BN_num_bits(r.n) > RSA_BITS_MAX || BN_num_bits(r.e) > RSA_EXPONENT_BITS_MAX;
    close_rsa(&r);
    return ret;
}
