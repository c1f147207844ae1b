/* SPDX-License-Identifier: Apache-2.0 */
/* What a gateway may ask the site, and nothing else: the connector's certificate speaks for it there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "connector/site/site_question.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static bool asked(const char *method, const char *target)
{
    return site_question_find(slice_of(method), slice_of(target)) != NULL;
}

static void what_gateways_ask_passes(void **state UNUSED)
{
    assert_true(asked("GET", "/bundle"));
    assert_true(asked("GET", "/bundle?after=7"));
    assert_true(asked("GET", "/questions?after=7"));
    assert_true(asked("POST", "/answer"));
    assert_true(asked("POST", "/report"));
    assert_true(asked("POST", "/renew"));
    assert_true(asked("GET", "/crl/" HASH));
}

static void nothing_else_does(void **state UNUSED)
{
    static const char *const targets[] = {"/connector",  "/bundle/", "/bundle/x", "/Bundle", "//bundle",  "/./bundle",
                                          "/report/gw2", "/",        "*",         "",        "/%62undle", "/bundle#x"};
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        assert_false(asked("GET", targets[i]));
        assert_false(asked("POST", targets[i]));
    }
    assert_false(asked("POST", "/bundle"));
    assert_false(asked("HEAD", "/bundle"));
    assert_false(asked("GET", "/report"));
}

static void a_list_is_named_by_its_hash_alone(void **state UNUSED)
{
    static const char *const targets[] = {"/crl/../connector",  "/crl/",          "/crl",           "/crl/x",
                                          "/crl/" HASH "0",     "/crl/" HASH "?", "/crl/" HASH "/", "/crl/" HASH "?a=b",
                                          "/crl/" HASH "/../x", "/CRL/" HASH,     "/crl//" HASH};
    for (size_t i = 0; i < ARRAY_LEN(targets); i++)
        assert_false(asked("GET", targets[i]));
    assert_false(asked("GET", "/crl/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef"));
    assert_false(asked("GET", "/crl/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"));
    assert_false(asked("GET", "/crl/../456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef01"));
    assert_false(asked("POST", "/crl/" HASH));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_gateways_ask_passes),
        cmocka_unit_test(nothing_else_does),
        cmocka_unit_test(a_list_is_named_by_its_hash_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
