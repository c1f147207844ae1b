/* SPDX-License-Identifier: Apache-2.0 */
/* For which certificates a list speaks, and about which reasons (RFC 5280 6.3.3). */
#include "world.h"

#include "pki/list/admit.h"
#include "pki/list/entry.h"
#include "pki/list/scope.h"

#define OF_PLACE(url) .ext = {{NID_issuing_distribution_point, "[x]\nfullname=URI:" url "\n"}}
#define ONLY(what) .ext = {{NID_issuing_distribution_point, "[x]\n" what "\n"}}

static int setup(void **state)
{
    (void)state;
    make_world();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    drop_world();
    return 0;
}

/* Frees the list. */
static unsigned scope(struct slice der, X509 *cert)
{
    struct pki_crl *c;
    struct pki_crl_subject s;
    struct error err = {.text = ""};
    if (pki_crl_new(der, &c, &err) != OK || pki_crl_read(c, &err) != OK)
        fail_msg("%s", err.text);
    assert_true(pki_crl_subject_open(&s, cert));
    unsigned ret = pki_crl_scope(c, &s);
    pki_crl_subject_close(&s);
    pki_crl_free(c);
    free((void *)(uintptr_t)der.ptr);
    return ret;
}

static unsigned all_reasons(void)
{
    unsigned all = scope(MAKE_CRL(.issuer = &root), root_leaf.cert);
    assert_true(all != 0);
    return all;
}

static X509 *pointing(const char *points)
{
    struct pair p = MAKE(.cn = "device", .issuer = &root, .ext = {{NID_crl_distribution_points, points}});
    EVP_PKEY_free(p.key);
    return p.cert;
}

static void a_list_speaks_for_its_issuer_s_certificates_alone(void **state)
{
    (void)state;
    assert_int_not_equal(scope(MAKE_CRL(.issuer = &root), root_leaf.cert), 0);
    assert_int_not_equal(scope(MAKE_CRL(.issuer = &root), sub.cert), 0);
    assert_int_equal(scope(MAKE_CRL(.issuer = &root), leaf.cert), 0); /* of Sub */
}

static void a_list_for_devices_or_for_cas_speaks_for_those(void **state)
{
    (void)state;
    assert_int_equal(scope(MAKE_CRL(.issuer = &root, ONLY("onlyuser=TRUE")), root_leaf.cert), all_reasons());
    assert_int_equal(scope(MAKE_CRL(.issuer = &root, ONLY("onlyuser=TRUE")), sub.cert), 0);
    assert_int_equal(scope(MAKE_CRL(.issuer = &root, ONLY("onlyCA=TRUE")), sub.cert), all_reasons());
    assert_int_equal(scope(MAKE_CRL(.issuer = &root, ONLY("onlyCA=TRUE")), root_leaf.cert), 0);
}

static void a_list_of_a_place_speaks_for_certificates_that_point_there(void **state)
{
    X509 *here = pointing("URI:http://crl.example/1"), *elsewhere = pointing("URI:http://crl.example/2"),
         *both = pointing("URI:http://crl.example/2,URI:http://crl.example/1");
    (void)state;
    assert_int_equal(scope(MAKE_CRL(.issuer = &root, OF_PLACE("http://crl.example/1")), here), all_reasons());
    assert_int_equal(scope(MAKE_CRL(.issuer = &root, OF_PLACE("http://crl.example/1")), elsewhere), 0);
    assert_int_equal(scope(MAKE_CRL(.issuer = &root, OF_PLACE("http://crl.example/1")), both), all_reasons());
    assert_int_equal(scope(MAKE_CRL(.issuer = &root, OF_PLACE("http://crl.example/1")), root_leaf.cert), 0);
    X509_free(here);
    X509_free(elsewhere);
    X509_free(both);
}

static void a_list_without_a_place_speaks_for_certificates_of_any(void **state)
{
    X509 *here = pointing("URI:http://crl.example/1");
    (void)state;
    assert_int_equal(scope(MAKE_CRL(.issuer = &root), here), all_reasons());
    X509_free(here);
}

static void a_list_about_some_reasons_speaks_about_those(void **state)
{
    (void)state;
    unsigned some = scope(MAKE_CRL(.issuer = &root, ONLY("onlysomereasons=keyCompromise")), root_leaf.cert),
             others = scope(MAKE_CRL(.issuer = &root, ONLY("onlysomereasons=superseded")), root_leaf.cert);
    assert_int_not_equal(some, 0);
    assert_int_equal(some & others, 0);
    assert_int_equal((some | others) & ~all_reasons(), 0);
    assert_int_not_equal(some | others, all_reasons());
}

static void an_indirect_list_speaks_for_others_where_they_say_so_alone(void **state)
{
    (void)state;
    assert_int_equal(scope(MAKE_CRL(.issuer = &sub, ONLY("indirectCRL=TRUE")), root_leaf.cert), 0);
    assert_int_equal(scope(MAKE_CRL(.issuer = &sub, ONLY("indirectCRL=TRUE")), leaf.cert), all_reasons());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_speaks_for_its_issuer_s_certificates_alone),
        cmocka_unit_test(a_list_for_devices_or_for_cas_speaks_for_those),
        cmocka_unit_test(a_list_of_a_place_speaks_for_certificates_that_point_there),
        cmocka_unit_test(a_list_without_a_place_speaks_for_certificates_of_any),
        cmocka_unit_test(a_list_about_some_reasons_speaks_about_those),
        cmocka_unit_test(an_indirect_list_speaks_for_others_where_they_say_so_alone),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
