/* SPDX-License-Identifier: Apache-2.0 */
/* What a device is called by its certificate, whatever it tells. */
#include "cmocka_first.h"

#include "mp/server/name.h"
#include "pki/issue/issue.h"

static void called(const char *common_name, const char *dns, const char *told, const char *wanted)
{
    const char *hosts[] = {dns, NULL};
    struct pki_request request = {.profile = PKI_TLS_SERVER,
                                  .common_name = common_name,
                                  .hosts = dns ? hosts : NULL,
                                  .not_before = 1000,
                                  .not_after = 2000000000,
                                  .subject_key = pki_key_new()};
    char name[MP_NAME_SIZE];
    struct error err;
    X509 *cert;
    assert_int_equal(pki_issue(&request, &cert, &err), OK);
    assert_true(mp_name_of_certificate(cert, told, name));
    assert_string_equal(name, wanted);
    X509_free(cert);
    EVP_PKEY_free(request.subject_key);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_told_name_counts_where_the_certificate_says_it),
        cmocka_unit_test(another_one_gives_way_to_the_certificates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
