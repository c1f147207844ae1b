/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate requests: what comes out of one is a key that signed it, and nothing else goes in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "pki/issue/csr.h"
#include "pki/issue/issue.h"

static char *request_of(EVP_PKEY *key)
{
    struct error err = {0};
    char *pem;
    if (pki_csr_new(key, "gw1", &pem, &err) != OK)
        fail_msg("%s", err.text);
    return pem;
}

static char *pem_of(X509_REQ *req)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes;
    assert_int_equal(PEM_write_bio_X509_REQ(bio, req), 1);
    long len = BIO_get_mem_data(bio, &bytes);
    char *text = slice_dup(slice_make(bytes, (size_t)len));
    BIO_free(bio);
    return text;
}

static enum result read_result(const char *pem)
{
    struct error err = {0};
    EVP_PKEY *key = NULL;
    enum result r = pki_csr_read(slice_of(pem), &key, &err);
    assert_true((r == OK) == (key != NULL));
    assert_true(r == OK || err.text[0]);
    EVP_PKEY_free(key);
    return r;
}

static void a_request_gives_back_the_key_that_made_it(void **state UNUSED)
{
    struct error err = {0};
    EVP_PKEY *key = pki_key_new(), *other = pki_key_new(), *found;
    char *pem = request_of(key);
    assert_int_equal(pki_csr_read(slice_of(pem), &found, &err), OK);
    assert_int_equal(EVP_PKEY_eq(found, key), 1);
    assert_int_not_equal(EVP_PKEY_eq(found, other), 1);
    free(pem);
    EVP_PKEY_free(found);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

/* Somebody else's public key with one's own signature: no possession is proved. */
static void a_request_for_a_key_that_did_not_sign_it_is_refused(void **state UNUSED)
{
    EVP_PKEY *mine = pki_key_new(), *theirs = pki_key_new();
    X509_REQ *req = X509_REQ_new();
    assert_int_equal(X509_REQ_set_pubkey(req, theirs), 1);
    assert_true(X509_REQ_sign(req, mine, EVP_sha256()) > 0);
    char *pem = pem_of(req);
    assert_int_equal(read_result(pem), R_DENIED);
    free(pem);
    X509_REQ_free(req);
    EVP_PKEY_free(mine);
    EVP_PKEY_free(theirs);
}

/* Every byte of the DER in turn: none may be altered and still give a key that the original did not hold. */
static void a_request_that_was_altered_is_refused(void **state UNUSED)
{
    EVP_PKEY *key = pki_key_new();
    char *pem = request_of(key);
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509_REQ *req = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
    unsigned char *der = NULL;
    int len = i2d_X509_REQ(req, &der);
    int read = 0;
    for (int i = 0; i < len; i++) {
        der[i] ^= 1;
        const unsigned char *at = der;
        X509_REQ *altered = d2i_X509_REQ(NULL, &at, len);
        if (altered) {
            char *text = pem_of(altered);
            assert_int_not_equal(read_result(text), OK);
            free(text);
            read++;
        }
        X509_REQ_free(altered);
        der[i] ^= 1;
    }
    assert_true(read > 50); /* most alterations still parse: it is the signature that refuses them */
    OPENSSL_free(der);
    X509_REQ_free(req);
    BIO_free(bio);
    free(pem);
    EVP_PKEY_free(key);
}

static void keys_of_other_kinds_are_refused(void **state UNUSED)
{
    EVP_PKEY *keys[] = {EVP_EC_gen("P-384"), EVP_RSA_gen(2048), EVP_EC_gen("P-256")};
    /* the same curve as if it were another: of others OpenSSL takes long to read the keys */
    assert_int_equal(EVP_PKEY_set_utf8_string_param(keys[2], OSSL_PKEY_PARAM_EC_ENCODING, "explicit"), 1);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        X509_REQ *req = X509_REQ_new();
        char *made;
        assert_int_equal(X509_REQ_set_pubkey(req, keys[i]), 1);
        assert_true(X509_REQ_sign(req, keys[i], EVP_sha256()) > 0);
        char *pem = pem_of(req);
        assert_int_equal(read_result(pem), R_INVALID);
        if (i < 2) {
            assert_int_equal(pki_csr_new(keys[i], "x", &made, NULL), R_INVALID);
            assert_null(made);
        }
        free(pem);
        X509_REQ_free(req);
        EVP_PKEY_free(keys[i]);
    }
}

static void what_is_no_request_is_refused(void **state UNUSED)
{
    char large[PKI_CSR_MAX + 2];
    memset(large, 'A', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    EVP_PKEY *key = pki_key_new();
    char *pem = request_of(key), *cut = mem_strdup(pem), *made;
    cut[strlen(cut) / 2] = '\0';
    assert_int_equal(read_result(""), R_INVALID);
    assert_int_equal(read_result("hello"), R_INVALID);
    assert_int_equal(read_result("-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n"),
                     R_INVALID);
    assert_int_equal(read_result(cut), R_INVALID);
    assert_int_equal(read_result(large), R_LIMIT);
    assert_int_equal(pki_csr_new(key, "", &made, NULL), R_INVALID);
    free(cut);
    free(pem);
    EVP_PKEY_free(key);
}

static void a_servers_request_names_every_host_whatever_the_key(void **state UNUSED)
{
    static const char *const hosts[] = {"a-name-of-more-than-sixty-four-characters-which-is-no-common-name.example.com",
                                        "gw.example.com", "*.example.com", NULL};
    EVP_PKEY *keys[] = {pki_key_new(), pki_key_new_rsa()};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct error err = {0};
        char *pem, name[65];
        assert_int_equal(pki_csr_for_server(keys[i], hosts, &pem, &err), OK);
        BIO *bio = BIO_new_mem_buf(pem, -1);
        X509_REQ *req = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
        assert_non_null(req);
        assert_int_equal(X509_REQ_verify(req, keys[i]), 1);
        assert_true(X509_NAME_get_text_by_NID(X509_REQ_get_subject_name(req), NID_commonName, name, sizeof name) > 0);
        assert_string_equal(name, "gw.example.com");
        STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(req);
        GENERAL_NAMES *names = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
        assert_int_equal(sk_GENERAL_NAME_num(names), 3);
        GENERAL_NAMES_free(names);
        sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
        X509_REQ_free(req);
        BIO_free(bio);
        free(pem);
        EVP_PKEY_free(keys[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_servers_request_names_every_host_whatever_the_key),
        cmocka_unit_test(a_request_gives_back_the_key_that_made_it),
        cmocka_unit_test(a_request_for_a_key_that_did_not_sign_it_is_refused),
        cmocka_unit_test(a_request_that_was_altered_is_refused),
        cmocka_unit_test(keys_of_other_kinds_are_refused),
        cmocka_unit_test(what_is_no_request_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
