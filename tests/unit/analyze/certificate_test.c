/* SPDX-License-Identifier: Apache-2.0 */
/* Causes of server certificates: each fault by itself, and what the detail names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/certificate.h"
#include "base/clock.h"
#include "pki/cert/cert.h"
#include "pki/issue/issue.h"

enum { DAY = 86400 };

static EVP_PKEY *ca_key, *key;
static X509 *ca, *other_ca;
static int64_t now;

static X509 *issue(enum pki_profile profile, const char *name, const char *const *hosts, int64_t from, int64_t to,
                   X509 *issuer)
{
    X509 *cert;
    struct error err;
    struct pki_request r = {.profile = profile,
                            .common_name = name,
                            .hosts = hosts,
                            .not_before = now + from * DAY,
                            .not_after = now + to * DAY,
                            .subject_key = profile == PKI_TLS_CA ? ca_key : key,
                            .issuer = issuer,
                            .issuer_key = issuer ? ca_key : NULL};
    assert_int_equal(pki_issue(&r, &cert, &err), OK);
    return cert;
}

static int set_up(void **state)
{
    (void)state;
    now = clock_wall_s();
    ca_key = pki_key_new();
    key = pki_key_new();
    ca = issue(PKI_TLS_CA, "Test Root", NULL, -100, 1000, NULL);
    other_ca = issue(PKI_TLS_CA, "Another Root", NULL, -100, 1000, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    X509_free(ca);
    X509_free(other_ca);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
    return 0;
}

static enum analyze_cause judge(X509 *leaf, X509 *anchor, const char *host, struct error *detail)
{
    X509_STORE *store = X509_STORE_new();
    if (anchor)
        assert_int_equal(X509_STORE_add_cert(store, anchor), 1);
    struct analyze_certificate c = {leaf, NULL, store, host, now};
    enum analyze_cause cause = analyze_certificate_judge(&c, detail);
    X509_STORE_free(store);
    return cause;
}

static void assert_cause(X509 *leaf, X509 *anchor, const char *host, enum analyze_cause wanted, const char *names)
{
    struct error detail = {0};
    assert_int_equal(judge(leaf, anchor, host, &detail), wanted);
    if (names)
        assert_non_null(strstr(detail.text, names));
    X509_free(leaf);
}

static const char *const hosts[] = {"gw.example.com", "127.0.0.1", NULL};

static void a_good_certificate_has_no_cause(void **state)
{
    (void)state;
    assert_cause(issue(PKI_TLS_SERVER, "gw", hosts, -1, 10, ca), ca, "gw.example.com", ANALYZE_CAUSE_NONE, NULL);
    assert_cause(issue(PKI_TLS_SERVER, "gw", hosts, -1, 10, ca), ca, "GW.example.com", ANALYZE_CAUSE_NONE, NULL);
    assert_cause(issue(PKI_TLS_SERVER, "gw", hosts, -1, 10, ca), ca, "127.0.0.1", ANALYZE_CAUSE_NONE, NULL);
}

static void another_name_is_told_with_those_that_it_has(void **state)
{
    (void)state;
    assert_cause(issue(PKI_TLS_SERVER, "gw", hosts, -1, 10, ca), ca, "other.example.com", ANALYZE_CAUSE_TLS_WRONG_HOST,
                 "gw.example.com, 127.0.0.1");
    assert_cause(issue(PKI_TLS_SERVER, "gw", hosts, -1, 10, ca), ca, "127.0.0.2", ANALYZE_CAUSE_TLS_WRONG_HOST, NULL);
}

static void time_is_told_as_such(void **state)
{
    (void)state;
    assert_cause(issue(PKI_TLS_SERVER, "gw", hosts, -10, -1, ca), ca, hosts[0], ANALYZE_CAUSE_TLS_EXPIRED, "expired");
    assert_cause(issue(PKI_TLS_SERVER, "gw", hosts, 1, 10, ca), ca, hosts[0], ANALYZE_CAUSE_TLS_NOT_YET_VALID,
                 "begins");
}

static void the_missing_root_is_named(void **state)
{
    (void)state;
    assert_cause(issue(PKI_TLS_SERVER, "gw", hosts, -1, 10, ca), other_ca, hosts[0], ANALYZE_CAUSE_TLS_UNTRUSTED,
                 "CN=Test Root");
    assert_cause(issue(PKI_TLS_SERVER, "gw", hosts, -1, 10, ca), NULL, hosts[0], ANALYZE_CAUSE_TLS_UNTRUSTED,
                 "CN=Test Root");
}

static void an_untrusted_certificate_that_ended_is_untrusted_first(void **state)
{
    (void)state;
    assert_cause(issue(PKI_TLS_SERVER, "gw", hosts, -10, -1, ca), other_ca, hosts[0], ANALYZE_CAUSE_TLS_UNTRUSTED,
                 NULL);
}

static void a_clients_certificate_is_of_the_wrong_usage(void **state)
{
    (void)state;
    assert_cause(issue(PKI_TLS_CLIENT, "gw.example.com", NULL, -1, 10, ca), ca, hosts[0], ANALYZE_CAUSE_TLS_USAGE,
                 NULL);
}

static void makers_of_inspection_are_known_by_their_issuer(void **state)
{
    (void)state;
    X509 *proxy = issue(PKI_TLS_CA, "Zscaler Intermediate Root CA", NULL, -1, 10, NULL);
    X509 *forged = issue(PKI_TLS_SERVER, "gw", hosts, -1, 10, proxy),
         *plain = issue(PKI_TLS_SERVER, "gw", hosts, -1, 10, ca);
    assert_string_equal(analyze_certificate_inspector(forged), "Zscaler");
    assert_null(analyze_certificate_inspector(plain));
    X509_free(forged);
    X509_free(plain);
    X509_free(proxy);
}

static void errors_that_nobody_knows_are_told_as_invalid(void **state)
{
    (void)state;
    assert_int_equal(analyze_certificate_cause(X509_V_ERR_PATH_LENGTH_EXCEEDED), ANALYZE_CAUSE_TLS_INVALID);
    assert_int_equal(analyze_certificate_cause(X509_V_ERR_CA_MD_TOO_WEAK), ANALYZE_CAUSE_TLS_WEAK);
    assert_int_equal(analyze_certificate_cause(X509_V_OK), ANALYZE_CAUSE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_certificate_has_no_cause),
        cmocka_unit_test(another_name_is_told_with_those_that_it_has),
        cmocka_unit_test(time_is_told_as_such),
        cmocka_unit_test(the_missing_root_is_named),
        cmocka_unit_test(an_untrusted_certificate_that_ended_is_untrusted_first),
        cmocka_unit_test(a_clients_certificate_is_of_the_wrong_usage),
        cmocka_unit_test(makers_of_inspection_are_known_by_their_issuer),
        cmocka_unit_test(errors_that_nobody_knows_are_told_as_invalid),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
