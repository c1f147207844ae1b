/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device in a set-up, for every kind and every set-up, against rules that are written out from SPEC 2 here; and that
 * unknown inputs give what all their values agree on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "plan/plan.h"

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
    for (unsigned i = 0; setup(i, &s); i += 3) { /* a third of the 504 set-ups: all values, not all pairs */
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

static const struct plan_setup https = {.modes = PLAN_MODE(CHOICE_MP_HTTPS), .clients = ALL_CLIENTS, .crl_check = true};
static const struct plan_setup ehttp = {.modes = PLAN_MODE(CHOICE_MP_EHTTP), .clients = ALL_CLIENTS, .crl_check = true};

static struct plan_device made(const char *inputs)
{
    struct plan_device d = {.name = SLICE("x")};
    for (size_t in = 0; inputs[in]; in++)
        d.input[in] = (unsigned char)(inputs[in] - '0');
    return d;
}

static void expect(const char *inputs, const struct plan_setup *s, enum plan_fate fate, unsigned depends)
{
    struct plan_device d = made(inputs);
    struct plan_outcome o;
    plan_judge(&d, s, &o);
    if (o.fate != fate || o.depends != depends)
        fail_msg("%s: %s, depends %x", inputs, plan_fate_name(o.fate), o.depends);
}

static void what_all_values_of_an_unknown_input_agree_on_is_known(void **state)
{
    (void)state;
    /* inputs: join certificate version crl scenario … */
    expect("02211000", &https, PLAN_PKI, 0);                          /* join does not matter to pki */
    expect("12201000", &https, PLAN_UNKNOWN, 1u << PLAN_CRL);         /* crl does */
    expect("11201000", &https, PLAN_TOKEN, 0);                        /* not to token */
    expect("01211000", &https, PLAN_UNKNOWN, 1u << PLAN_JOIN);        /* entra or token */
    expect("11011000", &https, PLAN_UNKNOWN, 1u << PLAN_VERSION);     /* token or nothing */
    expect("30011000", &ehttp, PLAN_ENTRA, 0);                        /* a certificate means nothing there */
    expect("10211000", &https, PLAN_UNKNOWN, 1u << PLAN_CERTIFICATE); /* pki or token */
    expect("00000000", &ehttp, PLAN_UNKNOWN, 1u << PLAN_JOIN | 1u << PLAN_VERSION);
    expect("00000001", &https, PLAN_CUT_OFF, 0); /* forbidden, whatever the rest is */
}

static bool has(plan_conditions bits, const char *id)
{
    assert_int_not_equal(plan_condition_bit(id), 0);
    return (bits & plan_condition_bit(id)) != 0;
}

static void the_cause_is_what_stands_against_every_method(void **state)
{
    (void)state;
    struct plan_device old = made("22111000");
    struct plan_outcome o;
    plan_judge(&old, &ehttp, &o);
    assert_int_equal(o.against, plan_condition_bit("ehttp-old-client"));
    struct plan_device bare = made("11111000");
    plan_judge(&bare, &https, &o);
    assert_true(has(o.against, "client-certificate") && has(o.against, "entra-needs-join") &&
                has(o.against, "token-needs-2002"));
    struct plan_device forbidden = made("11111001");
    plan_judge(&forbidden, &https, &o);
    assert_int_equal(o.against, plan_condition_bit("cmg-forbidden"));
    /* A device with a certificate shows it, and does not fall back when the CRL is out of reach. */
    struct plan_device pki = made("42222000");
    plan_judge(&pki, &https, &o);
    assert_int_equal(o.fate, PLAN_CUT_OFF);
    assert_int_equal(o.against, plan_condition_bit("crl-unreachable"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_in_every_setup_is_judged_as_the_specification_says),
        cmocka_unit_test(what_all_values_of_an_unknown_input_agree_on_is_known),
        cmocka_unit_test(the_cause_is_what_stands_against_every_method),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
