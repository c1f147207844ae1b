/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and describing certificates, hostile input included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/mem.h"
#include "maker.h"
#include "pki/cert/cert.h"

static struct pair ca, device;

static void pem_and_der_come_back_the_same(void **state UNUSED)
{
    char *pem = pki_cert_pem(device.cert);
    struct slice der = der_of(device.cert);
    X509 *a, *b;
    assert_int_equal(pki_cert_read(slice_of(pem), &a, NULL), OK);
    assert_int_equal(pki_cert_read(der, &b, NULL), OK);
    assert_int_equal(X509_cmp(a, device.cert), 0);
    assert_int_equal(X509_cmp(b, device.cert), 0);
    X509_free(a);
    X509_free(b);
    free(pem);
    free((void *)(uintptr_t)der.ptr);
}

static void keys_come_back_the_same(void **state UNUSED)
{
    char *pem = pki_key_pem(device.key);
    EVP_PKEY *key;
    assert_int_equal(pki_key_read(slice_of(pem), &key, NULL), OK);
    assert_int_equal(EVP_PKEY_eq(key, device.key), 1);
    assert_non_null(strstr(pem, "BEGIN PRIVATE KEY"));
    EVP_PKEY_free(key);
    mem_free_secret(pem, strlen(pem));
}

static void an_encrypted_key_is_refused_without_asking_a_terminal(void **state UNUSED)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char pass[] = "secret", *text;
    assert_true(PEM_write_bio_PKCS8PrivateKey(bio, device.key, EVP_aes_128_cbc(), pass, 6, NULL, NULL));
    size_t len = (size_t)BIO_get_mem_data(bio, &text);
    EVP_PKEY *key;
    struct error err;
    assert_int_equal(pki_key_read(slice_make(text, len), &key, &err), R_INVALID);
    assert_null(key);
    assert_null(strstr(err.text, "secret"));
    BIO_free(bio);
}

static void all_certificates_of_a_pem_are_read_up_to_the_maximum(void **state UNUSED)
{
    char *a = pki_cert_pem(device.cert), *b = pki_cert_pem(ca.cert);
    size_t size = strlen(a) + strlen(b) + 64;
    char *both = mem_zalloc(size);
    (void)snprintf(both, size, "some text\n%s\nmore\n%s", a, b);
    STACK_OF(X509) * certs;
    assert_int_equal(pki_cert_read_all(slice_of(both), 2, &certs, NULL), OK);
    assert_int_equal(sk_X509_num(certs), 2);
    assert_int_equal(X509_cmp(sk_X509_value(certs, 0), device.cert), 0);
    sk_X509_pop_free(certs, X509_free);
    assert_int_equal(pki_cert_read_all(slice_of(both), 1, &certs, NULL), R_LIMIT);
    assert_null(certs);
    free(a);
    free(b);
    free(both);
}

/* Whoever sends it may choose a curve on which OpenSSL takes 0.1 s to read the key. */
static void a_certificate_with_a_key_on_a_curve_of_its_own_is_not_read(void **state UNUSED)
{
    static const char why[] = "has a key on a curve of its own making";
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *slow = X509_dup(device.cert), *found;
    STACK_OF(X509) * certs;
    struct error err;
    assert_int_equal(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, "explicit"), 1);
    assert_int_equal(X509_set_pubkey(slow, key), 1);
    assert_true(X509_sign(slow, ca.key, EVP_sha256()) > 0);
    char *pem = pki_cert_pem(slow);
    struct slice der = der_of(slow), forms[] = {slice_of(pem), der};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        assert_int_equal(pki_cert_read(forms[i], &found, &err), R_INVALID);
        assert_null(found);
        assert_non_null(strstr(err.text, why));
        assert_int_equal(pki_cert_read_all(forms[i], 8, &certs, &err), R_INVALID);
        assert_null(certs);
        assert_non_null(strstr(err.text, why));
        assert_int_equal(pki_cert_read_given(forms[i], 8, &certs, &err), OK);
        sk_X509_pop_free(certs, X509_free);
    }
    free((void *)(uintptr_t)der.ptr);
    free(pem);
    X509_free(slow);
    EVP_PKEY_free(key);
}

/* Every prefix in memory of exactly its size, so that a sanitizer sees a read behind the end. */
static void refuse_prefixes(struct slice whole, size_t up_to)
{
    for (size_t len = 0; len < up_to; len++) {
        char *exact = mem_zalloc(len ? len : 1);
        memcpy(exact, whole.ptr, len);
        X509 *cert;
        STACK_OF(X509) * certs;
        EVP_PKEY *key;
        assert_int_equal(pki_cert_read(slice_make(exact, len), &cert, NULL), R_INVALID);
        assert_null(cert);
        assert_int_equal(pki_cert_read_all(slice_make(exact, len), 9, &certs, NULL), R_INVALID);
        assert_null(certs);
        assert_int_equal(pki_key_read(slice_make(exact, len), &key, NULL), R_INVALID);
        assert_null(key);
        free(exact);
    }
}

static void a_certificate_cut_anywhere_is_refused(void **state UNUSED)
{
    char *pem = pki_cert_pem(device.cert);
    struct slice der = der_of(device.cert);
    refuse_prefixes(der, der.len);
    refuse_prefixes(slice_of(pem), strlen(pem) - strlen("\n"));
    char *longer = mem_zalloc(der.len + 1);
    memcpy(longer, der.ptr, der.len);
    X509 *cert;
    assert_int_equal(pki_cert_read(slice_make(longer, der.len + 1), &cert, NULL), R_INVALID);
    free(longer);
    free(pem);
    free((void *)(uintptr_t)der.ptr);
}

static void a_pem_inside_of_a_der_is_never_read_for_it(void **state UNUSED)
{
    char *pem = pki_cert_pem(ca.cert);
    struct pair odd = MAKE(.cn = "odd");
    ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
    assert_true(ASN1_OCTET_STRING_set(data, (const unsigned char *)pem, (int)strlen(pem)));
    X509_EXTENSION *e = X509_EXTENSION_create_by_NID(NULL, NID_netscape_comment, 0, data);
    assert_true(X509_add_ext(odd.cert, e, -1) && X509_sign(odd.cert, odd.key, EVP_sha256()) > 0);
    struct slice der = der_of(odd.cert);
    X509 *cert;
    STACK_OF(X509) * certs;
    assert_int_equal(pki_cert_read(der, &cert, NULL), OK);
    assert_int_equal(X509_cmp(cert, odd.cert), 0);
    X509_free(cert);
    assert_int_equal(pki_cert_read_all(der, 4, &certs, NULL), OK);
    assert_int_equal(X509_cmp(sk_X509_value(certs, 0), odd.cert), 0);
    sk_X509_pop_free(certs, X509_free);
    /* Nor when the DER around it is broken. */
    ((char *)(uintptr_t)der.ptr)[3] ^= 1;
    assert_int_equal(pki_cert_read(der, &cert, NULL), R_INVALID);
    assert_int_equal(pki_cert_read_all(der, 4, &certs, NULL), R_INVALID);
    X509_EXTENSION_free(e);
    ASN1_OCTET_STRING_free(data);
    free((void *)(uintptr_t)der.ptr);
    free(pem);
    drop(&odd);
}

static void altered_bytes_crash_nothing(void **state UNUSED)
{
    struct slice der = der_of(device.cert);
    for (size_t at = 0; at < der.len * 8; at++) {
        char *bytes = mem_zalloc(der.len), text[200];
        memcpy(bytes, der.ptr, der.len);
        bytes[at / 8] = (char)(bytes[at / 8] ^ (1 << at % 8));
        X509 *cert;
        if (pki_cert_read(slice_make(bytes, der.len), &cert, NULL) == OK) {
            pki_cert_subject(cert, text, sizeof text);
            pki_cert_issuer(cert, text, sizeof text);
            pki_cert_serial_hex(cert, text, sizeof text);
            (void)pki_cert_not_after(cert);
            bool named = pki_cert_uri(cert, "urn:", text, sizeof text);
            assert_true(named || text[0] == '\0');
            X509_free(cert);
        }
        free(bytes);
    }
    free((void *)(uintptr_t)der.ptr);
}

static void fingerprints_are_those_of_the_standards(void **state UNUSED)
{
    unsigned char a[PKI_SHA256], b[PKI_SHA256];
    struct slice der = der_of(device.cert);
    pki_cert_sha256(device.cert, a);
    assert_true(EVP_Q_digest(NULL, "SHA256", NULL, der.ptr, der.len, b, NULL));
    assert_memory_equal(a, b, PKI_SHA256);
    pki_cert_spki_sha256(device.cert, a);
    pki_key_spki_sha256(device.key, b);
    assert_memory_equal(a, b, PKI_SHA256);
    char *text = pki_cert_base64(device.cert);
    char *back = mem_zalloc(der.len);
    size_t len;
    assert_true(decode_base64(slice_of(text), back, der.len, &len));
    assert_int_equal(len, der.len);
    assert_memory_equal(back, der.ptr, len);
    free(text);
    free(back);
    free((void *)(uintptr_t)der.ptr);
}

static void names_are_printed_safely_and_cut(void **state UNUSED)
{
    struct pair odd = MAKE(.cn = "a,b\n\xc3\xa9");
    char text[100], small[6];
    pki_cert_subject(odd.cert, text, sizeof text);
    assert_string_equal(text, "CN=a\\,b\\0A\xc3\xa9");
    pki_cert_subject(odd.cert, small, sizeof small);
    assert_string_equal(small, "CN=a\\");
    pki_cert_subject(odd.cert, text, strlen("CN=a\\,b\\0A") + 2); /* no room for a whole letter */
    assert_string_equal(text, "CN=a\\,b\\0A");
    struct pair bent = MAKE(.cn = "x\xe2\x80\xae"
                                  "y\xc2\x9b"); /* right-to-left override, C1's CSI */
    pki_cert_subject(bent.cert, text, sizeof text);
    assert_string_equal(text, "CN=x\\E2\\80\\AEy\\C2\\9B");
    drop(&bent);
    pki_cert_issuer(device.cert, text, sizeof text);
    assert_string_equal(text, "CN=CA");
    drop(&odd);
}

static void times_are_wall_seconds(void **state UNUSED)
{
    struct pair late = MAKE(.cn = "late", .from = NOW, .to = INT64_C(253402300799)); /* 9999-12-31T23:59:59Z */
    assert_int_equal(pki_cert_not_before(late.cert), NOW);
    assert_int_equal(pki_cert_not_after(late.cert), INT64_C(253402300799));
    drop(&late);
}

static void the_first_uri_with_the_prefix_is_found(void **state UNUSED)
{
    struct pair p =
        MAKE(.cn = "p", .ext = {{NID_subject_alt_name, "DNS:urn.example,URI:http://x,URI:urn:a:1,URI:urn:a:2"}});
    char uri[20], small[5];
    assert_true(pki_cert_uri(p.cert, "urn:a:", uri, sizeof uri));
    assert_string_equal(uri, "urn:a:1");
    assert_false(pki_cert_uri(p.cert, "urn:b:", uri, sizeof uri));
    assert_string_equal(uri, "");
    assert_false(pki_cert_uri(p.cert, "urn:a:", small, sizeof small));
    assert_false(pki_cert_uri(ca.cert, "", uri, sizeof uri));
    drop(&p);
}

static void nothing_is_left_in_openssls_error_queue(void **state UNUSED)
{
    X509 *cert;
    STACK_OF(X509) * certs;
    EVP_PKEY *key;
    ERR_clear_error();
    assert_int_equal(pki_cert_read(SLICE("garbage"), &cert, NULL), R_INVALID);
    assert_int_equal(pki_cert_read_all(SLICE("-----BEGIN CERTIFICATE-----\nxx"), 2, &certs, NULL), R_INVALID);
    assert_int_equal(pki_key_read(SLICE("-----BEGIN PRIVATE KEY-----\nxx"), &key, NULL), R_INVALID);
    char *pem = pki_cert_pem(ca.cert);
    assert_int_equal(pki_cert_read_all(slice_of(pem), 2, &certs, NULL), OK);
    sk_X509_pop_free(certs, X509_free);
    free(pem);
    assert_int_equal(ERR_peek_error(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pem_and_der_come_back_the_same),
        cmocka_unit_test(keys_come_back_the_same),
        cmocka_unit_test(an_encrypted_key_is_refused_without_asking_a_terminal),
        cmocka_unit_test(all_certificates_of_a_pem_are_read_up_to_the_maximum),
        cmocka_unit_test(a_certificate_with_a_key_on_a_curve_of_its_own_is_not_read),
        cmocka_unit_test(a_certificate_cut_anywhere_is_refused),
        cmocka_unit_test(a_pem_inside_of_a_der_is_never_read_for_it),
        cmocka_unit_test(altered_bytes_crash_nothing),
        cmocka_unit_test(fingerprints_are_those_of_the_standards),
        cmocka_unit_test(names_are_printed_safely_and_cut),
        cmocka_unit_test(times_are_wall_seconds),
        cmocka_unit_test(the_first_uri_with_the_prefix_is_found),
        cmocka_unit_test(nothing_is_left_in_openssls_error_queue),
    };
    ca = MAKE(.cn = "CA", .ca = true);
    device = MAKE(.cn = "device", .issuer = &ca, .ext = {{NID_subject_alt_name, "URI:urn:x:y,DNS:a.example"}});
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    drop(&ca);
    drop(&device);
    return failed;
}
