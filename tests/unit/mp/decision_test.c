/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits for an administrator, a row of the decision each. */
#include "cmocka_first.h"

#include "mp/answer/decision.h"

static void holds(enum registration_decision wanted, struct registration_case c)
{
    assert_int_equal(mp_registration_decide(&c), wanted);
}

static void whoever_shares_something_with_another_waits_by_whomever_it_is_vouched_for(void **state)
{
    (void)state;
    for (int v = BY_PKI; v <= BY_CONNECTOR; v++) {
        for (int bits = 0; bits < 16; bits++)
            holds(DECIDED_WAIT_FOR_KNOWN, (struct registration_case){.voucher = (enum registration_voucher)v,
                                                                     .alike = LIKE_ANOTHER,
                                                                     .known = bits & 1,
                                                                     .kept_out = bits & 2,
                                                                     .anew = bits & 4,
                                                                     .manual = bits & 8});
    }
}

static void who_is_kept_out_stays_so_though_a_pki_vouches_for_it_now(void **state)
{
    (void)state;
    holds(DECIDED_AS_IT_STANDS, (struct registration_case){.voucher = BY_PKI, .known = true, .kept_out = true});
    holds(DECIDED_AS_IT_STANDS,
          (struct registration_case){.voucher = BY_PKI, .known = true, .kept_out = true, .alike = LIKE_TOO_MANY});
}

static void a_token_made_since_lets_in_who_was_kept_out(void **state)
{
    (void)state;
    holds(DECIDED_APPROVED,
          (struct registration_case){.voucher = BY_BULK, .known = true, .kept_out = true, .anew = true});
}

static void a_certificate_of_too_many_names_waits(void **state)
{
    (void)state;
    holds(DECIDED_WAIT_FOR_NAMES, (struct registration_case){.voucher = BY_PKI, .alike = LIKE_TOO_MANY});
    holds(DECIDED_WAIT_FOR_NAMES, (struct registration_case){.voucher = BY_PKI, .alike = LIKE_TOO_MANY, .known = true});
}

static void a_new_device_that_somebody_vouches_for_is_approved(void **state)
{
    (void)state;
    for (int v = BY_PKI; v <= BY_BULK; v++)
        holds(DECIDED_APPROVED, (struct registration_case){.voucher = (enum registration_voucher)v});
}

static void a_new_device_that_nobody_vouches_for_waits(void **state)
{
    (void)state;
    holds(DECIDED_WAIT_FOR_VOUCHER, (struct registration_case){.voucher = BY_NOBODY});
    holds(DECIDED_WAIT_FOR_VOUCHER, (struct registration_case){.voucher = BY_NOBODY, .manual = true});
    holds(DECIDED_WAIT_FOR_VOUCHER, (struct registration_case){.voucher = BY_CONNECTOR});
}

static void a_new_device_waits_where_approval_is_manual(void **state)
{
    (void)state;
    for (int v = BY_PKI; v <= BY_BULK; v++)
        holds(DECIDED_WAIT_BY_SETTING,
              (struct registration_case){.voucher = (enum registration_voucher)v, .manual = true});
}

static void a_pki_or_a_tenant_approves_what_waited_and_a_repeated_bulk_token_does_not(void **state)
{
    (void)state;
    holds(DECIDED_APPROVED, (struct registration_case){.voucher = BY_PKI, .known = true});
    holds(DECIDED_APPROVED, (struct registration_case){.voucher = BY_ENTRA, .known = true});
    holds(DECIDED_AS_IT_STANDS, (struct registration_case){.voucher = BY_BULK, .known = true});
    holds(DECIDED_AS_IT_STANDS, (struct registration_case){.voucher = BY_NOBODY, .known = true});
    holds(DECIDED_AS_IT_STANDS, (struct registration_case){.voucher = BY_CONNECTOR, .known = true});
    holds(DECIDED_APPROVED, (struct registration_case){.voucher = BY_BULK, .known = true, .anew = true});
}

static void where_approval_is_manual_registering_again_changes_nothing(void **state)
{
    (void)state;
    for (int v = BY_PKI; v <= BY_CONNECTOR; v++)
        holds(DECIDED_AS_IT_STANDS,
              (struct registration_case){.voucher = (enum registration_voucher)v, .known = true, .manual = true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_shares_something_with_another_waits_by_whomever_it_is_vouched_for),
        cmocka_unit_test(who_is_kept_out_stays_so_though_a_pki_vouches_for_it_now),
        cmocka_unit_test(a_token_made_since_lets_in_who_was_kept_out),
        cmocka_unit_test(a_certificate_of_too_many_names_waits),
        cmocka_unit_test(a_new_device_that_somebody_vouches_for_is_approved),
        cmocka_unit_test(a_new_device_that_nobody_vouches_for_waits),
        cmocka_unit_test(a_new_device_waits_where_approval_is_manual),
        cmocka_unit_test(a_pki_or_a_tenant_approves_what_waited_and_a_repeated_bulk_token_does_not),
        cmocka_unit_test(where_approval_is_manual_registering_again_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
