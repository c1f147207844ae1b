/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits for the pool: each address has a few places, and who has most gives way to who has fewer. */
#include "kit.h"

#include "gateway/judge/judging.h"

enum { PLACES = 64, OF_ADDRESS = 8 };

struct wait {
    struct kit *k;
    struct judgement *j;
    unsigned *left;
    bool told;
    enum verdict_reason reason;
};

static void on_judged(void *arg, struct judged *r, struct pki_ocsp_questions *open)
{
    struct wait *w = arg;
    pki_ocsp_questions_done(open);
    assert_false(w->told);
    w->told = true;
    w->reason = r->verdict.reason;
    if (--*w->left == 0)
        loop_stop(w->k->judge.loop);
}

static bool later(struct kit *k, struct wait *w, unsigned *left, enum judging_for who, size_t address)
{
    char holder[32];
    (void)snprintf(holder, sizeof holder, "192.0.2.%zu", address);
    const struct judging_request q = {.credential = &k->client.credential, .who = who, .holder = holder};
    *w = (struct wait){.k = k, .left = left};
    w->j = judging_later(&k->judge, &q, on_judged, w);
    return w->j != NULL;
}

/* Whatever was found: the kit's certificates are of another time. */
static bool judged(const struct wait *w)
{
    return w->told && w->reason != REASON_TOO_MANY_REQUESTS;
}

static void an_address_that_waits_little_takes_the_place_of_one_that_has_most(void **state)
{
    struct kit *k = *state;
    struct wait all[PLACES], over, late;
    unsigned left = PLACES + 1;
    kit_show(k, &k->leaf);
    for (size_t i = 0; i < PLACES; i++)
        assert_true(later(k, &all[i], &left, JUDGING_STRANGER, i / OF_ADDRESS));
    assert_false(later(k, &over, &left, JUDGING_STRANGER, 3));
    assert_true(later(k, &late, &left, JUDGING_STRANGER, 99));
    assert_false(all[0].told || all[1].told); /* not from inside */
    loop_run(k->judge.loop);
    assert_true(judged(&late));
    unsigned put_off = 0;
    for (size_t i = 0; i < PLACES; i++)
        put_off += all[i].told && all[i].reason == REASON_TOO_MANY_REQUESTS;
    assert_int_equal(put_off, 1);
    assert_true(judged(&all[0])); /* it was in the pool */
}

static void addresses_that_have_as_few_take_nothing_from_each_other(void **state)
{
    struct kit *k = *state;
    struct wait all[PLACES], late;
    unsigned left = PLACES;
    kit_show(k, &k->leaf);
    for (size_t i = 0; i < PLACES; i++)
        assert_true(later(k, &all[i], &left, JUDGING_STRANGER, i));
    assert_false(later(k, &late, &left, JUDGING_STRANGER, 99));
    loop_run(k->judge.loop);
    for (size_t i = 0; i < PLACES; i++)
        assert_true(judged(&all[i]));
}

static void who_was_let_in_has_places_of_its_own(void **state)
{
    struct kit *k = *state;
    struct wait all[PLACES], known;
    unsigned left = PLACES + 1;
    kit_show(k, &k->leaf);
    for (size_t i = 0; i < PLACES; i++)
        assert_true(later(k, &all[i], &left, JUDGING_STRANGER, i / OF_ADDRESS));
    assert_true(later(k, &known, &left, JUDGING_LET_IN, 1));
    loop_run(k->judge.loop);
    for (size_t i = 0; i < PLACES; i++)
        assert_true(judged(&all[i]));
}

static void who_goes_away_leaves_its_place(void **state)
{
    struct kit *k = *state;
    struct wait all[OF_ADDRESS], next;
    unsigned left = OF_ADDRESS;
    kit_show(k, &k->leaf);
    for (size_t i = 0; i < OF_ADDRESS; i++)
        assert_true(later(k, &all[i], &left, JUDGING_STRANGER, 1));
    assert_false(later(k, &next, &left, JUDGING_STRANGER, 1));
    judging_cancel(all[5].j);
    assert_true(later(k, &next, &left, JUDGING_STRANGER, 1));
    loop_run(k->judge.loop);
    assert_true(next.told);
    assert_false(all[5].told);
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
    const struct CMUnitTest tests[] = {
        HELD(an_address_that_waits_little_takes_the_place_of_one_that_has_most),
        HELD(addresses_that_have_as_few_take_nothing_from_each_other),
        HELD(who_was_let_in_has_places_of_its_own),
        HELD(who_goes_away_leaves_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
