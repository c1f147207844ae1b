/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device in a set-up, for every kind and every set-up, against rules that are written out from SPEC 2 here; and that
 * unknown inputs give what all their values agree on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kit.h"

#define ALL_CLIENTS 7u

/* SPEC 2 and PROTOCOL 4 in prose: the preferred method that device and mode have; then what may still stop it. */
static enum plan_fate expected(const struct plan_device *d, const struct plan_setup *s)
{
    bool https = (s->modes & PLAN_MODE(CHOICE_MP_HTTPS)) != 0;
    bool joined = d->input[PLAN_JOIN] >= 3, cert = d->input[PLAN_CERTIFICATE] == 2, young = d->input[PLAN_VERSION] == 2;
    enum plan_fate fate = cert && https && (s->clients & 1u) ? PLAN_PKI
                          : joined && (s->clients & 2u)      ? PLAN_ENTRA
                          : young && (s->clients & 4u)       ? PLAN_TOKEN
                                                             : PLAN_CUT_OFF;
    if (s->server_cert == CHOICE_CERT_INTERNAL && d->input[PLAN_ROOT] == 1)
        return PLAN_CUT_OFF;
    if (d->input[PLAN_ALLOWED] == 1)
        return PLAN_CUT_OFF;
    if (fate != PLAN_PKI)
        return fate;
    if (s->connector_cert == CHOICE_NO)
        return PLAN_CUT_OFF;
    bool on_internet = d->input[PLAN_CRL] == 1, inside = d->input[PLAN_CRL] == 2 || d->input[PLAN_CRL] == 3;
    return !s->crl_check || on_internet || (inside && s->crl_relay) ? PLAN_PKI : PLAN_CUT_OFF;
}

static enum plan_user expected_user(const struct plan_device *d, enum plan_fate fate)
{
    if (d->input[PLAN_SCENARIO] == 1)
        return PLAN_USER_NOT_WANTED;
    if (fate == PLAN_CUT_OFF || d->input[PLAN_JOIN] < 3 || d->input[PLAN_SIGN_IN] == 1)
        return PLAN_USER_NONE;
    return PLAN_USER_WORKS;
}

static const unsigned values[PLAN_INPUTS] = {4, 2, 2, 4, 2, 2, 2, 2};

/* The n-th device of which all is known but root, sign-in and setting, which may be unknown. */
static bool device(unsigned n, struct plan_device *ret)
{
    *ret = (struct plan_device){.name = SLICE("x")};
    for (size_t in = 0; in < PLAN_INPUTS; in++) {
        unsigned base = in < PLAN_ROOT ? values[in] : values[in] + 1;
        ret->input[in] = (unsigned char)(n % base + (in < PLAN_ROOT));
        n /= base;
    }
    return n == 0;
}

static bool setup(unsigned n, struct plan_setup *ret)
{
    ret->modes = 1 + n % 3, n /= 3;
    ret->clients = 1 + n % 7, n /= 7;
    ret->server_cert = n % 2 ? CHOICE_CERT_INTERNAL : CHOICE_CERT_PUBLIC, n /= 2;
    ret->crl_check = n % 2, n /= 2;
    ret->crl_relay = n % 2, n /= 2;
    ret->connector_cert = (enum choice_tri)(n % 3), n /= 3;
    return n == 0;
}

static void every_kind_in_every_setup_is_judged_as_the_specification_says(void **state)
{
    (void)state;
    struct plan_device d;
    struct plan_setup s;
    for (unsigned i = 0; setup(i, &s); i += 5) { /* a fifth of the 504 set-ups: all values, not all pairs */
        for (unsigned k = 0; device(k, &d); k++) {
            struct plan_outcome o;
            plan_judge(&d, &s, &o);
            if (o.fate != expected(&d, &s) || o.user != expected_user(&d, o.fate))
                fail_msg("set-up %u, device %u: %s, user %d", i, k, plan_fate_name(o.fate), o.user);
            assert_true((o.fate == PLAN_CUT_OFF) == (o.against != 0));
            assert_true(o.fate == PLAN_CUT_OFF || o.needs != 0);
        }
    }
}

static void expect(const char *inputs, const struct plan_setup *s, enum plan_fate fate, unsigned depends)
{
    struct plan_device d = kit_device("x", inputs);
    struct plan_outcome o;
    plan_judge(&d, s, &o);
    if (o.fate != fate || o.depends != depends)
        fail_msg("%s: %s, depends %x", inputs, plan_fate_name(o.fate), o.depends);
}

static void what_all_values_of_an_unknown_input_agree_on_is_known(void **state)
{
    (void)state;
    /* inputs: join certificate version crl scenario … */
    expect("02211000", &kit_https, PLAN_PKI, 0);                          /* join does not matter to pki */
    expect("12201000", &kit_https, PLAN_UNKNOWN, 1u << PLAN_CRL);         /* crl does */
    expect("11201000", &kit_https, PLAN_TOKEN, 0);                        /* not to token */
    expect("01211000", &kit_https, PLAN_UNKNOWN, 1u << PLAN_JOIN);        /* entra or token */
    expect("11011000", &kit_https, PLAN_UNKNOWN, 1u << PLAN_VERSION);     /* token or nothing */
    expect("30011000", &kit_ehttp, PLAN_ENTRA, 0);                        /* a certificate means nothing there */
    expect("10211000", &kit_https, PLAN_UNKNOWN, 1u << PLAN_CERTIFICATE); /* pki or token */
    expect("00000000", &kit_ehttp, PLAN_UNKNOWN, 1u << PLAN_JOIN | 1u << PLAN_VERSION);
    expect("00000001", &kit_https, PLAN_CUT_OFF, 0); /* forbidden, whatever the rest is */
}

static void the_cause_is_what_stands_against_every_method(void **state)
{
    (void)state;
    struct plan_device old = kit_device("x", "22111000");
    struct plan_outcome o;
    plan_judge(&old, &kit_ehttp, &o);
    kit_expect_conditions(o.against, "ehttp-old-client");
    struct plan_device bare = kit_device("x", "11111000");
    plan_judge(&bare, &kit_https, &o);
    kit_expect_conditions(o.against, "client-certificate entra-needs-join token-needs-2002");
    struct plan_device forbidden = kit_device("x", "11111001");
    plan_judge(&forbidden, &kit_https, &o);
    kit_expect_conditions(o.against, "cmg-forbidden");
    /* A device with a certificate shows it, and does not fall back when the CRL is out of reach. */
    struct plan_device pki = kit_device("x", "42222000");
    plan_judge(&pki, &kit_https, &o);
    assert_int_equal(o.fate, PLAN_CUT_OFF);
    kit_expect_conditions(o.against, "crl-unreachable");
}

static void what_a_device_needs_is_told_beside_its_method(void **state)
{
    (void)state;
    struct plan_setup internal = kit_https;
    struct plan_device d = kit_device("x", "22211");
    struct plan_outcome o;
    internal.server_cert = CHOICE_CERT_INTERNAL;
    internal.connector_cert = CHOICE_YES;
    plan_judge(&d, &internal, &o);
    assert_int_equal(o.fate, PLAN_PKI);
    assert_true(o.needs & plan_condition_bit("client-root"));
    assert_true(o.needs & plan_condition_bit("mp-certificate"));
    plan_judge(&d, &kit_https, &o); /* a public one needs no root on devices */
    assert_false(o.needs & plan_condition_bit("client-root"));
    assert_int_equal(o.against, 0);
}

/* A device that nobody is let in by has the causes of the methods that are let in, not of others. */
static void a_method_that_is_not_let_in_is_no_cause(void **state)
{
    (void)state;
    struct plan_setup s = kit_ehttp;
    struct plan_device d = kit_device("x", "11211");
    struct plan_outcome o;
    s.clients = CHOICE_BIT(CHOICE_ENTRA);
    plan_judge(&d, &s, &o);
    assert_int_equal(o.fate, PLAN_CUT_OFF);
    assert_true(o.against & plan_condition_bit("entra-needs-join"));
    assert_false(o.against & plan_condition_bit("token-needs-2002"));
    plan_judge(&d, &(struct plan_setup){.modes = PLAN_MODE(CHOICE_MP_HTTPS), .clients = s.clients}, &o);
    kit_expect_conditions(o.against, "entra-needs-join");
    s.clients = CHOICE_BIT(CHOICE_TOKEN);
    d = kit_device("x", "11111");
    plan_judge(&d, &s, &o);
    assert_false(o.against & plan_condition_bit("entra-needs-join"));
}

static void what_any_value_of_an_unknown_input_needs_is_named(void **state)
{
    (void)state;
    struct plan_device d = kit_device("x", "01211"); /* token, or with a join entra */
    struct plan_outcome o;
    plan_judge(&d, &kit_https, &o);
    assert_int_equal(o.fate, PLAN_UNKNOWN);
    assert_true(o.needs & plan_condition_bit("token-start"));
    assert_true(o.needs & plan_condition_bit("entra-tenant"));
}

/* Where no certificate is taken, its lack is no cause. */
static void a_certificate_that_nobody_takes_is_not_missing(void **state)
{
    (void)state;
    struct plan_setup s = kit_ehttp;
    struct plan_device d = kit_device("x", "11211");
    struct plan_outcome o;
    s.clients = CHOICE_BIT(CHOICE_PKI) | CHOICE_BIT(CHOICE_ENTRA);
    plan_judge(&d, &s, &o);
    assert_int_equal(o.fate, PLAN_CUT_OFF);
    assert_false(o.against & plan_condition_bit("client-certificate"));
}

static void user_policy_is_lost_with_the_device_and_unknown_with_the_sign_in_of_an_unknown_join(void **state)
{
    (void)state;
    struct plan_outcome o;
    struct plan_device d = kit_device("x", "02212"); /* pki whatever its join, user policy not */
    plan_judge(&d, &kit_https, &o);
    assert_int_equal(o.fate, PLAN_PKI);
    assert_int_equal(o.user, PLAN_USER_UNKNOWN);
    assert_int_equal(o.depends, 0);
    d = kit_device("x", "32242");
    plan_judge(&d, &kit_https, &o);
    assert_int_equal(o.fate, PLAN_CUT_OFF);
    assert_int_equal(o.user, PLAN_USER_NONE);
    assert_int_equal(o.user_against, o.against);
}

static void fates_and_conditions_have_names(void **state)
{
    (void)state;
    static const char *const names[] = {"pki", "entra", "token", "unknown", "cut off"};
    for (unsigned fate = 0; fate < PLAN_FATES; fate++)
        assert_string_equal(plan_fate_name((enum plan_fate)fate), names[fate]);
    assert_int_equal(plan_condition_bit("no-such"), 0);
    assert_int_equal(plan_condition_bit(""), 0);
    assert_int_equal(plan_condition_bit(choices_condition(0)->line.id), 1);
    assert_int_equal(plan_condition_bit(choices_condition(5)->line.id), 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_in_every_setup_is_judged_as_the_specification_says),
        cmocka_unit_test(what_all_values_of_an_unknown_input_agree_on_is_known),
        cmocka_unit_test(the_cause_is_what_stands_against_every_method),
        cmocka_unit_test(what_a_device_needs_is_told_beside_its_method),
        cmocka_unit_test(a_method_that_is_not_let_in_is_no_cause),
        cmocka_unit_test(what_any_value_of_an_unknown_input_needs_is_named),
        cmocka_unit_test(a_certificate_that_nobody_takes_is_not_missing),
        cmocka_unit_test(user_policy_is_lost_with_the_device_and_unknown_with_the_sign_in_of_an_unknown_join),
        cmocka_unit_test(fates_and_conditions_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
