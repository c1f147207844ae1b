/* SPDX-License-Identifier: Apache-2.0 */
/* What a responder answers to a request of ours: nonces (RFC 8954), ages, and other certificates. */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ocsp.h>

#include "pki/revocation/ocsp_client.h"
#include "world.h"

enum nonce { NO_NONCE, OUR_NONCE, OTHER_NONCE };

struct answer {
    X509 *about; /* NULL: root_leaf */
    int status;
    enum nonce nonce;
    int64_t this_update, next_update; /* 0: NOW; none */
    X509 *beside;                     /* among the responder's certificates; NULL: none */
};

static ASN1_TIME *time_of(int64_t when)
{
    ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t)when);
    assert_non_null(t);
    return t;
}

static void add_nonce(OCSP_BASICRESP *basic, enum nonce kind, const unsigned char ours[PKI_OCSP_NONCE_SIZE])
{
    unsigned char nonce[PKI_OCSP_NONCE_SIZE];
    memcpy(nonce, ours, sizeof nonce);
    nonce[0] ^= kind == OTHER_NONCE;
    if (kind != NO_NONCE)
        assert_int_equal(OCSP_basic_add1_nonce(basic, nonce, sizeof nonce), 1);
}

static struct slice make_answer(const struct answer *a, const unsigned char nonce[PKI_OCSP_NONCE_SIZE])
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(NULL, a->about ? a->about : root_leaf.cert, root.cert);
    ASN1_TIME *from = time_of(a->this_update ? a->this_update : NOW), *revoked = time_of(NOW - DAY),
              *to = a->next_update ? time_of(a->next_update) : NULL;
    assert_non_null(OCSP_basic_add1_status(basic, id, a->status, 0, revoked, from, to));
    add_nonce(basic, a->nonce, nonce);
    if (a->beside)
        assert_int_equal(OCSP_basic_add1_cert(basic, a->beside), 1);
    assert_int_equal(OCSP_basic_sign(basic, root.cert, root.key, EVP_sha256(), NULL, 0), 1);
    OCSP_RESPONSE *whole = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    unsigned char *der = NULL;
    int len = i2d_OCSP_RESPONSE(whole, &der);
    assert_true(len > 0);
    OCSP_RESPONSE_free(whole);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    ASN1_TIME_free(revoked);
    return slice_make(der, (size_t)len);
}

static struct pki_ocsp_answer ask(const struct answer *a)
{
    struct pki_ocsp_question q = {.cert = root_leaf.cert, .issuer = root.cert};
    unsigned char nonce[PKI_OCSP_NONCE_SIZE];
    struct pki_ocsp_answer ret;
    char *request;
    size_t len;
    pki_ocsp_request(&q, nonce, &request, &len);
    free(request);
    struct slice der = make_answer(a, nonce);
    pki_ocsp_read(&q, nonce, der, NOW, &ret);
    OPENSSL_free((void *)(uintptr_t)der.ptr);
    return ret;
}
#define ASK(...) ask(&(const struct answer){__VA_ARGS__})

static void assert_unusable(struct pki_ocsp_answer a, const char *why)
{
    assert_int_equal(a.state, PKI_OCSP_UNUSABLE);
    if (!strstr(a.why, why))
        fail_msg("'%s' does not say '%s'", a.why, why);
}

static void a_nonce_must_be_ours_and_may_be_missing(void **state UNUSED)
{
    assert_int_equal(ASK(.nonce = OUR_NONCE, .next_update = NOW + DAY).state, PKI_OCSP_GOOD);
    assert_int_equal(ASK(.nonce = NO_NONCE, .next_update = NOW + DAY).state, PKI_OCSP_GOOD);
    assert_unusable(ASK(.nonce = OTHER_NONCE, .next_update = NOW + DAY), "nonce");
    assert_unusable(ASK(.nonce = OTHER_NONCE, .status = V_OCSP_CERTSTATUS_REVOKED), "nonce");
    assert_int_equal(ASK(.nonce = OUR_NONCE, .status = V_OCSP_CERTSTATUS_REVOKED).state, PKI_OCSP_REVOKED);
}

static void every_request_has_a_nonce_of_its_own(void **state UNUSED)
{
    struct pki_ocsp_question q = {.cert = root_leaf.cert, .issuer = root.cert};
    unsigned char a[PKI_OCSP_NONCE_SIZE], b[PKI_OCSP_NONCE_SIZE];
    char *first, *second;
    size_t len;
    pki_ocsp_request(&q, a, &first, &len);
    pki_ocsp_request(&q, b, &second, &len);
    assert_memory_not_equal(a, b, sizeof a);
    free(first);
    free(second);
}

static void an_answer_without_an_end_is_of_now_or_of_no_use(void **state UNUSED)
{
    struct pki_ocsp_answer now = ASK(.nonce = NO_NONCE);
    assert_int_equal(now.state, PKI_OCSP_GOOD);
    assert_true(now.next_update > NOW && now.next_update <= NOW + 600);
    assert_unusable(ASK(.this_update = NOW - 3600), "played again");
    assert_unusable(ASK(.this_update = NOW + 3600), "future");
    assert_unusable(ASK(.this_update = NOW - 2 * DAY, .next_update = NOW - DAY), "past its nextUpdate");
    assert_int_equal(ASK(.this_update = NOW - DAY, .next_update = NOW + DAY).state, PKI_OCSP_GOOD);
}

static void an_answer_about_another_or_by_one_who_does_not_know_is_of_no_use(void **state UNUSED)
{
    assert_unusable(ASK(.about = sub.cert, .next_update = NOW + DAY), "another certificate");
    assert_unusable(ASK(.status = V_OCSP_CERTSTATUS_UNKNOWN, .next_update = NOW + DAY), "does not know");
}

static int set_up(void **state UNUSED)
{
    make_world();
    return 0;
}

static int tear_down(void **state UNUSED)
{
    drop_world();
    return 0;
}

static void a_certificate_beside_it_whose_key_takes_long_to_be_read_makes_it_unusable(void **state)
{
    (void)state;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *slow = X509_dup(root.cert);
    assert_int_equal(ASK(.next_update = NOW + DAY, .nonce = OUR_NONCE, .beside = slow).state, PKI_OCSP_GOOD);
    assert_int_equal(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, "explicit"), 1);
    assert_int_equal(X509_set_pubkey(slow, key), 1);
    assert_true(X509_sign(slow, root.key, EVP_sha256()) > 0);
    assert_unusable(ASK(.next_update = NOW + DAY, .nonce = OUR_NONCE, .beside = slow),
                    "what the responder sent is no good response");
    X509_free(slow);
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_beside_it_whose_key_takes_long_to_be_read_makes_it_unusable),
        cmocka_unit_test(a_nonce_must_be_ours_and_may_be_missing),
        cmocka_unit_test(every_request_has_a_nonce_of_its_own),
        cmocka_unit_test(an_answer_without_an_end_is_of_now_or_of_no_use),
        cmocka_unit_test(an_answer_about_another_or_by_one_who_does_not_know_is_of_no_use),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
