/* SPDX-License-Identifier: Apache-2.0 */
/* Which step an outcome asks for, with whose text, and what stands today and is not asked for again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kit.h"
#include "plan/steps.h"

static struct plan_step taken[PLAN_STEPS_MAX];
static size_t count;

static const struct plan_step *find(const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(taken[i].id, id) == 0)
            return &taken[i];
    }
    return NULL;
}

/* The steps for one device with these outcomes. */
static void take(const struct plan_outcome *today, const struct plan_outcome *proposed, bool changed)
{
    struct plan_steps *s = plan_steps_new(&kit_https, !proposed ? NULL : changed ? &kit_ehttp : &kit_https);
    plan_steps_add(s, today, proposed, 5);
    count = plan_steps_take(s, taken);
}

static void every_condition_that_stands_against_a_device_has_its_step(void **state)
{
    (void)state;
    static const char *const steps[][2] = {{"root-missing", "hand-out-root"},
                                           {"client-root", "hand-out-root"},
                                           {"ehttp-old-client", "update-clients"},
                                           {"token-needs-2002", "update-clients"},
                                           {"token-client", "update-clients"},
                                           {"client-certificate", "client-certificates"},
                                           {"entra-tenant", "onboard-tenant"},
                                           {"entra-needs-join", "join-devices"},
                                           {"crl-nowhere", "publish-crl"},
                                           {"crl-unreachable", "publish-crl"},
                                           {"crl-relay", "publish-crl"},
                                           {"crl-internet", "publish-crl"},
                                           {"connector-certificate-missing", "connector-certificate"},
                                           {"connector-certificate", "connector-certificate"},
                                           {"mp-certificate", "prepare-https"},
                                           {"mp-ehttp", "prepare-ehttp"},
                                           {"server-certificate", "server-certificate"},
                                           {"token-start", "first-tokens"},
                                           {"cmg-forbidden", "allow-cmg"},
                                           {"cmg-allowed", "allow-cmg"},
                                           {"cmg-known", "tell-of-cmg"},
                                           {"user-needs-join", "user-policy"},
                                           {"user-not-signed-in", "user-policy"},
                                           {"user-sign-in", "user-policy"},
                                           {"ehttp-forbids-pki", "other-way"}};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct plan_outcome o = {.fate = PLAN_CUT_OFF, .against = plan_condition_bit(steps[i][0])};
        take(&o, NULL, false);
        if (count != 2 || !find(steps[i][1])) /* that one, and to prove it */
            fail_msg("%s: %zu steps", steps[i][0], count);
        assert_string_equal(taken[0].text, choices_condition_find(slice_of(steps[i][0]))->line.text);
        assert_string_equal(taken[1].id, "prove");
    }
}

/* A condition without a step would be a cause that nobody is told to mend. */
static void no_cause_is_left_without_a_step(void **state)
{
    (void)state;
    for (size_t i = 0; choices_condition(i); i++) {
        const struct choices_condition *c = choices_condition(i);
        if (c->kind != CHOICES_RULES_OUT && c->kind != CHOICES_REQUIRES)
            continue;
        struct plan_outcome o = {.fate = PLAN_CUT_OFF, .against = UINT64_C(1) << i};
        take(&o, NULL, false);
        if (count < 2)
            fail_msg("%s has no step", c->line.id);
    }
}

static void needs_and_what_keeps_user_policy_away_ask_too_but_losses_do_not(void **state)
{
    (void)state;
    struct plan_outcome needs = {.fate = PLAN_PKI, .needs = plan_condition_bit("mp-certificate")};
    take(&needs, NULL, false);
    assert_non_null(find("prepare-https"));
    struct plan_outcome user = {.fate = PLAN_TOKEN, .user_against = plan_condition_bit("user-needs-join")};
    take(&user, NULL, false);
    assert_int_equal(find("user-policy")->devices.count, 1);
    assert_int_equal(find("user-policy")->devices.index[0], 5);
    struct plan_outcome lost = {.fate = PLAN_TOKEN, .lost = plan_condition_bit("mp-certificate")};
    take(&lost, NULL, false);
    assert_int_equal(count, 1);
}

static void what_a_device_has_today_it_is_not_asked_for_again(void **state)
{
    (void)state;
    struct plan_outcome has = {.fate = PLAN_PKI, .needs = plan_condition_bit("client-certificate")};
    take(&has, &has, true);
    assert_null(find("client-certificates"));
    has.fate = PLAN_CUT_OFF; /* what it would need for what does not work it may not have */
    take(&has, &has, true);
    assert_non_null(find("client-certificates"));
    has.fate = PLAN_UNKNOWN;
    struct plan_outcome wanted = {.fate = PLAN_PKI, .needs = has.needs};
    take(&has, &wanted, true);
    assert_non_null(find("client-certificates"));
}

/* What the site has for one device that works today, it has for all. */
static void what_the_site_has_for_one_device_it_is_not_asked_for_by_another(void **state)
{
    (void)state;
    plan_conditions certificate = plan_condition_bit("server-certificate");
    struct plan_outcome works = {.fate = PLAN_PKI, .needs = certificate}, cut_off = {.fate = PLAN_CUT_OFF},
                        wants = {.fate = PLAN_TOKEN, .needs = certificate}, unknown = {.fate = PLAN_UNKNOWN};
    const struct plan_outcome *const becomes[] = {&works, &cut_off, &unknown};
    for (size_t i = 0; i < 2 * ARRAY_LEN(becomes); i++) {
        struct plan_steps *s = plan_steps_new(&kit_https, &kit_ehttp);
        if (i % 2) /* in either order */
            plan_steps_add(s, &cut_off, &wants, 1);
        plan_steps_add(s, &works, becomes[i / 2], 0);
        if (i % 2 == 0)
            plan_steps_add(s, &cut_off, &wants, 1);
        count = plan_steps_take(s, taken);
        if (find("server-certificate"))
            fail_msg("asked for again, case %zu", i);
    }
}

static void who_is_unknown_asks_for_nothing_but_to_be_known(void **state)
{
    (void)state;
    struct plan_outcome o = {.fate = PLAN_UNKNOWN, .against = ~UINT64_C(0), .needs = ~UINT64_C(0)};
    take(&o, NULL, false);
    assert_int_equal(count, 2);
    assert_string_equal(taken[0].id, "learn-unknown");
    assert_int_equal(taken[0].devices.count, 1);
    struct plan_outcome known = {.fate = PLAN_TOKEN};
    take(&o, &known, false); /* what counts is where it goes */
    assert_null(find("learn-unknown"));
}

static void a_change_is_a_step_only_when_the_set_up_changes(void **state)
{
    (void)state;
    struct plan_outcome o = {.fate = PLAN_TOKEN};
    take(&o, NULL, false);
    assert_null(find("change"));
    take(&o, &o, false);
    assert_null(find("change"));
    take(&o, &o, true);
    assert_non_null(find("change"));
    assert_string_equal(taken[count - 1].id, "prove");
}

static void set_ups_are_the_same_only_in_every_member(void **state)
{
    (void)state;
    struct plan_setup others[6];
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        others[i] = kit_https;
    others[0].modes |= PLAN_MODE(CHOICE_MP_EHTTP);
    others[1].clients = 3;
    others[2].server_cert = CHOICE_CERT_INTERNAL;
    others[3].crl_check = false;
    others[4].crl_relay = true;
    others[5].connector_cert = CHOICE_NO;
    assert_true(plan_setup_same(&kit_https, &kit_https));
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_false(plan_setup_same(&kit_https, &others[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_condition_that_stands_against_a_device_has_its_step),
        cmocka_unit_test(no_cause_is_left_without_a_step),
        cmocka_unit_test(needs_and_what_keeps_user_policy_away_ask_too_but_losses_do_not),
        cmocka_unit_test(what_a_device_has_today_it_is_not_asked_for_again),
        cmocka_unit_test(what_the_site_has_for_one_device_it_is_not_asked_for_by_another),
        cmocka_unit_test(who_is_unknown_asks_for_nothing_but_to_be_known),
        cmocka_unit_test(a_change_is_a_step_only_when_the_set_up_changes),
        cmocka_unit_test(set_ups_are_the_same_only_in_every_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
