/* SPDX-License-Identifier: Apache-2.0 */
/* URLs as they are shown to those who may not know what secrets they hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/url.h"

static void what_is_shown_of_a_url_holds_no_password_and_no_query(void **state)
{
    (void)state;
    static const struct {
        const char *url, *shown;
    } cases[] = {
        {"http://a.example/ca.crl", "http://a.example/ca.crl"},
        {"https://a.example/ca.crl?sig=secret", "https://a.example/ca.crl?…"},
        {"https://a.example?sig=secret", "https://a.example?…"},
        {"HTTPS://u:secret@a.example:8443/x?k=secret", "HTTPS://…@a.example:8443/x?…"},
        {"https://u:sec@ret@a.example/", "https://…@a.example/"},
        {"https://a.example/x@y", "https://a.example/x@y"},
        {"https://a.example/x#secret?y", "https://a.example/x#secret?…"},
        {"ldap://dc1/CN=A?certificateRevocationList?base", "ldap://dc1/CN=A?certificateRevocationList?base"},
        {"ldap://u:secret@dc1/CN=A", "ldap://…@dc1/CN=A"},
        {"postgresql://u:secret@db/cmg?passfile=x", "postgresql://…@db/cmg?passfile=x"},
        {"file:///lists/a.crl", "file:///lists/a.crl"},
        {"no URL", "no URL"},
        {"", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char shown[NET_URL_SHOWN_SIZE];
        net_url_shown(slice_of(cases[i].url), shown);
        assert_string_equal(shown, cases[i].shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_shown_of_a_url_holds_no_password_and_no_query)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
