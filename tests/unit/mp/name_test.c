/* SPDX-License-Identifier: Apache-2.0 */
/* What a device is called by its certificate, whatever it tells. */
#include "cmocka_first.h"

#include <stdio.h>

#include "mp/sender/name.h"
#include "pki/issue/issue.h"

static X509 *with(const char *common_name, const char *const *hosts)
{
    struct pki_request request = {.profile = PKI_TLS_SERVER,
                                  .common_name = common_name,
                                  .hosts = hosts,
                                  .not_before = 1000,
                                  .not_after = 2000000000,
                                  .subject_key = pki_key_new()};
    struct error err;
    X509 *cert;
    assert_int_equal(pki_issue(&request, &cert, &err), OK);
    EVP_PKEY_free(request.subject_key);
    return cert;
}

static void called(const char *common_name, const char *dns, const char *told, const char *wanted)
{
    const char *hosts[] = {dns, NULL};
    char name[MP_NAME_SIZE];
    X509 *cert = with(common_name, dns ? hosts : NULL);
    assert_true(mp_name_of_certificate(cert, told, name));
    assert_string_equal(name, wanted);
    X509_free(cert);
}

static void a_told_name_counts_where_the_certificate_says_it(void **state)
{
    (void)state;
    called("kiosk-17", NULL, "KIOSK-17", "KIOSK-17");
    called("kiosk-17.corp.example", NULL, "kiosk-17", "kiosk-17");
    called("kiosk-17", "finance-9.corp.example", "FINANCE-9", "FINANCE-9");
    called("kiosk-17", "finance-9.corp.example", "finance-9.corp.example", "finance-9.corp.example");
}

static void another_one_gives_way_to_the_certificates(void **state)
{
    (void)state;
    called("kiosk-17", NULL, "FINANCE-9", "kiosk-17");
    called("kiosk-17", "kiosk-17.corp.example", "corp", "kiosk-17");
    called("kiosk-17.corp.example", NULL, "kiosk", "kiosk-17.corp.example");
    called("kiosk-17", NULL, "", "kiosk-17");
}

static void all_that_it_may_be_called_is_listed_once_and_with_first_labels(void **state)
{
    (void)state;
    static const char *const wanted[] = {"kiosk-17.corp.example", "kiosk-17", "alias.corp.example", "alias"};
    const char *hosts[] = {"KIOSK-17.corp.example", "alias.corp.example", NULL};
    struct mp_names names;
    X509 *cert = with("kiosk-17.corp.example", hosts);
    assert_true(mp_names_of_certificate(cert, &names));
    assert_int_equal(names.count, ARRAY_LEN(wanted));
    for (size_t i = 0; i < names.count; i++)
        assert_string_equal(names.items[i], wanted[i]);
    X509_free(cert);
}

static void of_more_than_the_maximum_the_first_are_listed(void **state)
{
    (void)state;
    static char texts[MP_NAMES_MAX][32];
    const char *hosts[MP_NAMES_MAX + 1] = {NULL};
    struct mp_names names;
    for (int i = 0; i < MP_NAMES_MAX; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "host%d", i);
        hosts[i] = texts[i];
    }
    X509 *cert = with("kiosk-17", hosts);
    assert_false(mp_names_of_certificate(cert, &names));
    assert_int_equal(names.count, MP_NAMES_MAX);
    assert_string_equal(names.items[0], "kiosk-17");
    X509_free(cert);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_told_name_counts_where_the_certificate_says_it),
        cmocka_unit_test(another_one_gives_way_to_the_certificates),
        cmocka_unit_test(all_that_it_may_be_called_is_listed_once_and_with_first_labels),
        cmocka_unit_test(of_more_than_the_maximum_the_first_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
