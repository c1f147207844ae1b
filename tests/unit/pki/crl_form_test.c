/* SPDX-License-Identifier: Apache-2.0 */
/* The form of a CRL: the parts of RFC 5280 5.1, each in its place and once. */
#include "world.h"

static struct pki_trust *new_trust(void)
{
    struct pki_trust *t = pki_trust_new(&checked_options);
    add_anchor(t, root.cert);
    return t;
}

enum { PARTS_MAX = 8 };

/* A list whose TBS is made of these parts of `of` (a list with entries and extensions), in this order; signed. */
static struct slice in_order(X509_CRL *of, const int *order, size_t count)
{
    unsigned char *parts[PARTS_MAX], *tbs = NULL, *der = NULL;
    int lens[PARTS_MAX], inner = 0;
    const unsigned char *at, *end;
    long len;
    int tag, class;
    int tbs_len = i2d_re_X509_CRL_tbs(of, &tbs);
    at = tbs;
    assert_false(ASN1_get_object(&at, &len, &tag, &class, tbs_len) & 0x80);
    end = at + len;
    size_t n = 0;
    while (at < end) {
        parts[n] = (unsigned char *)(uintptr_t)at;
        assert_false(ASN1_get_object(&at, &len, &tag, &class, end - at) & 0x80);
        at += len;
        lens[n] = (int)(at - parts[n]);
        n++;
    }
    assert_int_equal(n, 7); /* version, signature, issuer, two times, entries, extensions */
    for (size_t i = 0; i < count; i++)
        inner += lens[order[i]];
    int whole = ASN1_object_size(1, inner, V_ASN1_SEQUENCE);
    unsigned char *made = mem_zalloc((size_t)whole), *to = made;
    ASN1_put_object(&to, 1, inner, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
    for (size_t i = 0; i < count; i++) {
        memcpy(to, parts[order[i]], (size_t)lens[order[i]]);
        to += lens[order[i]];
    }
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    unsigned char signature[256];
    size_t signature_len = sizeof signature;
    assert_true(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, root.key) &&
                EVP_DigestSign(md, signature, &signature_len, made, (size_t)whole));
    EVP_MD_CTX_free(md);
    int bits = ASN1_object_size(0, (int)signature_len + 1, V_ASN1_BIT_STRING), body = whole + lens[1] + bits;
    int total = ASN1_object_size(1, body, V_ASN1_SEQUENCE);
    der = mem_zalloc((size_t)total);
    to = der;
    ASN1_put_object(&to, 1, body, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
    memcpy(to, made, (size_t)whole);
    memcpy(to + whole, parts[1], (size_t)lens[1]);
    to += whole + lens[1];
    ASN1_put_object(&to, 0, (int)signature_len + 1, V_ASN1_BIT_STRING, V_ASN1_UNIVERSAL);
    *to++ = 0;
    memcpy(to, signature, signature_len);
    free(made);
    OPENSSL_free(tbs);
    return slice_make(der, (size_t)total);
}

static bool is_taken(X509_CRL *of, const int *order, size_t count)
{
    struct slice der = in_order(of, order, count);
    struct pki_trust *t = new_trust();
    bool ret = pki_trust_add_crl(t, der, NULL) == OK;
    if (ret)
        seal_quietly(t);
    pki_trust_unref(t);
    free((void *)(uintptr_t)der.ptr);
    return ret;
}

static void parts_in_any_other_order_or_number_are_malformed(void **state UNUSED)
{
    static const int right[] = {0, 1, 2, 3, 4, 5, 6}, no_entries[] = {0, 1, 2, 3, 4, 6},
                     one_time[] = {0, 1, 2, 3, 5, 6};
    struct slice der = MAKE_CRL(.issuer = &root, .revoked = {leaf.cert});
    const unsigned char *at = (const unsigned char *)der.ptr;
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.len);
    assert_true(is_taken(crl, right, 7));
    assert_true(is_taken(crl, no_entries, 6));
    for (int from = 0; from < 7; from++) {
        int order[PARTS_MAX];
        for (int to = 0; to < 7; to++) { /* moved */
            for (int i = 0, k = 0; i < 7; i++) {
                if (i == to)
                    order[i] = from;
                else
                    order[i] = k + (k >= from), k++;
            }
            if (to != from && !(from + to == 7 && from * to == 12)) /* the two times look alike */
                assert_false(is_taken(crl, order, 7));
        }
        for (int to = 0; to <= 7; to++) { /* once more */
            for (int i = 0, k = 0; i < 8; i++)
                order[i] = i == to ? from : k++;
            assert_false(is_taken(crl, order, 8));
        }
    }
    struct slice without = in_order(crl, one_time, 6);
    struct pki_trust *t = new_trust();
    add_crl(t, without);
    char *warnings = seal(t);
    assert_says(warnings, "nextUpdate");
    free(warnings);
    pki_trust_unref(t);
    X509_CRL_free(crl);
    free((void *)(uintptr_t)der.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_in_any_other_order_or_number_are_malformed),
    };
    make_world();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    drop_world();
    return failed;
}
