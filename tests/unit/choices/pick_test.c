/* SPDX-License-Identifier: Apache-2.0 */
/* Which method a device uses: the order of preference, the mode, and what was passed over and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "choices/choices.h"

static const struct choices_device everything = {
    .join = CHOICE_JOIN_HYBRID, .has_certificate = true, .has_token_way = true, .client_version = 2309, .allowed = ~0u};

static void a_device_that_could_use_all_uses_pki_at_https(void **state)
{
    (void)state;
    struct choices_pick p;
    choices_pick(&everything, CHOICE_MP_HTTPS, &p);
    assert_true(p.found);
    assert_int_equal(p.client, CHOICE_PKI);
    assert_null(p.passed_over[CHOICE_PKI]);
    assert_string_equal(p.passed_over[CHOICE_ENTRA], "comes after pki in the order of preference");
    assert_string_equal(p.passed_over[CHOICE_TOKEN], "comes after pki in the order of preference");
}

static void a_hybrid_device_with_a_certificate_uses_entra_at_ehttp(void **state)
{
    (void)state;
    struct choices_pick p;
    choices_pick(&everything, CHOICE_MP_EHTTP, &p);
    assert_true(p.found);
    assert_int_equal(p.client, CHOICE_ENTRA);
    assert_non_null(strstr(p.passed_over[CHOICE_PKI], "Enhanced HTTP"));
}

static void what_a_device_lacks_is_named(void **state)
{
    (void)state;
    struct choices_device d = {
        .join = CHOICE_JOIN_DOMAIN, .client_version = 1910, .has_token_way = true, .allowed = ~0u};
    struct choices_pick p;
    choices_pick(&d, CHOICE_MP_HTTPS, &p);
    assert_false(p.found);
    assert_string_equal(p.passed_over[CHOICE_PKI], "no usable client certificate");
    assert_non_null(strstr(p.passed_over[CHOICE_ENTRA], "neither"));
    assert_non_null(strstr(p.passed_over[CHOICE_TOKEN], "2002"));
    d.client_version = 2002;
    choices_pick(&d, CHOICE_MP_HTTPS, &p);
    assert_true(p.found && p.client == CHOICE_TOKEN);
    d.client_version = 0;
    choices_pick(&d, CHOICE_MP_HTTPS, &p);
    assert_true(p.found && p.client == CHOICE_TOKEN);
    d.has_token_way = false;
    choices_pick(&d, CHOICE_MP_HTTPS, &p);
    assert_false(p.found);
    assert_non_null(strstr(p.passed_over[CHOICE_TOKEN], "bulk"));
}

static void methods_that_are_not_allowed_are_passed_over(void **state)
{
    (void)state;
    struct choices_device d = everything;
    d.allowed = CHOICE_BIT(CHOICE_TOKEN);
    struct choices_pick p;
    choices_pick(&d, CHOICE_MP_HTTPS, &p);
    assert_true(p.found && p.client == CHOICE_TOKEN);
    assert_non_null(strstr(p.passed_over[CHOICE_PKI], "not among the methods"));
    d.allowed = 0;
    choices_pick(&d, CHOICE_MP_HTTPS, &p);
    assert_false(p.found);
}

/* A pick must never be something that choices_check() calls unsupported for the same device. */
static void what_is_picked_is_always_supported(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 2u * 4 * 2 * 2 * 2; n++) {
        struct choices_device d = {.join = (enum choice_join)(n / 2 % 4),
                                   .has_certificate = n / 8 % 2,
                                   .has_token_way = n / 16 % 2,
                                   .client_version = n / 32 % 2 ? 1910 : 2002,
                                   .allowed = ~0u};
        enum choice_mp mode = n % 2 ? CHOICE_MP_EHTTP : CHOICE_MP_HTTPS;
        struct choices_pick p;
        choices_pick(&d, mode, &p);
        for (unsigned c = 0; c < CHOICE_CLIENTS; c++)
            assert_int_equal(p.passed_over[c] == NULL, p.found && p.client == c);
        if (!p.found)
            continue;
        struct choices_question q = {
            .mp = mode, .client = p.client, .client_version = d.client_version, .join = d.join};
        struct choices_answer a;
        choices_check(&q, &a);
        assert_true(a.supported);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_that_could_use_all_uses_pki_at_https),
        cmocka_unit_test(a_hybrid_device_with_a_certificate_uses_entra_at_ehttp),
        cmocka_unit_test(what_a_device_lacks_is_named),
        cmocka_unit_test(methods_that_are_not_allowed_are_passed_over),
        cmocka_unit_test(what_is_picked_is_always_supported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
