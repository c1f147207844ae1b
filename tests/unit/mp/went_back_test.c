/* SPDX-License-Identifier: Apache-2.0 */
/* An older copy of the store: who is heard to hold a higher number, who is believed, and how often. Both clocks are the
 * test's. */
#include "kit.h"

#include "../http/fake_clock.h"
#include "../pki/maker.h"
#include "mp/status/went_back.h"
#include "store/sequence.h"
#include "store/site/went_back.h"

#define GUID "6f1c0000-0000-4000-8000-00000000000a"

static int setup(void **state)
{
    fake_wall_s = NOW;
    fake_mono_ms = 5000 * 1000;
    int r = kit_open(state);
    ok(store_bump(site.store, STORE_LOCATION, &err));
    return r;
}
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, kit_close)

static int64_t number_of(const char *name)
{
    int64_t ret;
    ok(store_sequence_get(site.store, name, &ret, NULL, &err));
    return ret;
}

static void hear(const char *id, int64_t held)
{
    ok(mp_went_back_heard(&site, "gateway", id, held, number_of("bundle"), &err));
}

/* What status tells; NULL: nothing. The caller json_decref()s it. */
static json_t *told(void)
{
    json_t *o;
    ok(mp_went_back_json(&site, &o, &err));
    if (json_is_null(o)) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static void assert_told(const char *whom, int64_t held, int64_t own, bool believed)
{
    json_t *o = told();
    assert_non_null(o);
    assert_string_equal(json_opt_str(o, "whom", ""), whom);
    assert_int_equal(json_opt_int(o, "held", 0), held);
    assert_int_equal(json_opt_int(o, "own", 0), own);
    assert_int_equal(json_opt_bool(o, "believed", !believed), believed);
    assert_int_equal(json_opt_int(o, "at", 0), fake_wall_s);
    json_decref(o);
}

static void who_holds_what_the_site_gave_is_nothing_to_tell(void **state)
{
    (void)state;
    int64_t own = number_of("bundle");
    hear("gw1", own);
    hear("gw1", own - 1);
    hear("gw1", 0);
    hear("gw1", -5);
    assert_null(told());
    assert_int_equal(number_of("bundle"), own);
    assert_int_equal(kit_audited("store_went_back"), 0);
}

static void one_number_higher_lifts_everybodys_documents_above_it(void **state)
{
    (void)state;
    int64_t own = number_of("bundle"), held = own + 1;
    hear("gw1", held);
    assert_int_equal(number_of("bundle"), held + 1);
    assert_int_equal(number_of("location"), held + 1);
    assert_told("gateway gw1", held, own, true);
    assert_int_equal(kit_audited("store_went_back"), 1);
}

static void a_year_ahead_is_believed_and_a_second_more_is_not(void **state)
{
    (void)state;
    int64_t own = number_of("bundle"), most = NOW + MP_WENT_BACK_AHEAD_MAX_S;
    hear("gw1", most + 1);
    assert_int_equal(number_of("bundle"), own);
    assert_told("gateway gw1", most + 1, own, false); /* an administrator sees it all the same */
    hear("gw2", most);
    assert_int_equal(number_of("bundle"), most + 1);
    assert_told("gateway gw2", most, own, true);
}

/* Whoever was broken into says higher and higher numbers: documents are made anew once a minute. */
static void who_is_believed_lifts_once_a_minute(void **state)
{
    (void)state;
    hear("gw1", NOW + 1000);
    fake_mono_ms += MP_WENT_BACK_LIFT_EVERY_MS - 1;
    hear("gw1", NOW + 2000);
    assert_int_equal(number_of("bundle"), NOW + 1001);
    fake_mono_ms++;
    hear("gw1", NOW + 2000);
    assert_int_equal(number_of("bundle"), NOW + 2001);
}

static void who_is_not_believed_takes_nobodys_turn(void **state)
{
    (void)state;
    int64_t own = number_of("bundle");
    hear("liar", INT64_MAX);
    hear("liar", INT64_MAX - 1); /* within the hour: not even written down */
    assert_told("gateway liar", INT64_MAX, own, false);
    assert_int_equal(kit_audited("store_went_back"), 1);
    hear("gw1", NOW + 50);
    assert_int_equal(number_of("bundle"), NOW + 51);
    fake_mono_ms += MP_WENT_BACK_DISBELIEVED_EVERY_MS - 1;
    hear("liar", INT64_MAX - 1);
    assert_int_equal(kit_audited("store_went_back"), 2);
    fake_mono_ms++;
    hear("liar", INT64_MAX - 1);
    assert_int_equal(kit_audited("store_went_back"), 3);
    assert_int_equal(number_of("bundle"), NOW + 51);
}

/* A connector that is not believed tells the same again and again: one row, with what the store stood at first. */
static void the_same_again_has_no_row_and_keeps_what_was_there_first(void **state)
{
    (void)state;
    int64_t own = number_of("bundle");
    hear("gw1", INT64_MAX);
    ok(store_bump(site.store, STORE_BUNDLE, &err));
    fake_mono_ms += MP_WENT_BACK_DISBELIEVED_EVERY_MS;
    fake_wall_s += 3600;
    hear("gw1", INT64_MAX);
    assert_told("gateway gw1", INT64_MAX, own, false);
    assert_int_equal(kit_audited("store_went_back"), 1);
    fake_mono_ms += MP_WENT_BACK_DISBELIEVED_EVERY_MS;
    hear("gw2", INT64_MAX); /* another one is another matter */
    assert_int_equal(kit_audited("store_went_back"), 2);
    fake_mono_ms += MP_WENT_BACK_DISBELIEVED_EVERY_MS;
    hear("gw2", INT64_MAX - 1); /* and so is another number */
    assert_int_equal(kit_audited("store_went_back"), 3);
}

static void what_was_told_is_gone_when_an_administrator_says_so(void **state)
{
    (void)state;
    hear("gw1", NOW + 1000);
    ok(store_went_back_settle(site.store, &err));
    assert_null(told());
    assert_int_equal(store_went_back_settle(site.store, &err), R_NOTFOUND);
}

/* --- a device's policy --- */

static void a_devices_policy_is_lifted_for_it_alone_and_not_told(void **state)
{
    (void)state;
    int64_t own, other, bundle = number_of("bundle");
    ok(mp_went_back_policy(&site, GUID, NOW + 1000, 0, &err));
    ok(store_sequence_policy(site.store, GUID, &own, &err));
    ok(store_sequence_policy(site.store, "another", &other, &err));
    assert_int_equal(own, NOW + 1001);
    assert_int_equal(other, 0);
    assert_int_equal(number_of("bundle"), bundle);
    assert_null(told());
}

static void a_device_that_holds_what_cannot_be_is_not_believed(void **state)
{
    (void)state;
    int64_t own;
    ok(mp_went_back_policy(&site, GUID, NOW + MP_WENT_BACK_AHEAD_MAX_S + 1, 0, &err));
    ok(mp_went_back_policy(&site, GUID, INT64_MAX, 0, &err));
    ok(mp_went_back_policy(&site, GUID, 7, 7, &err)); /* its own */
    ok(store_sequence_policy(site.store, GUID, &own, &err));
    assert_int_equal(own, 0);
    ok(mp_went_back_policy(&site, GUID, NOW + MP_WENT_BACK_AHEAD_MAX_S, 0, &err));
    ok(store_sequence_policy(site.store, GUID, &own, &err));
    assert_int_equal(own, NOW + MP_WENT_BACK_AHEAD_MAX_S + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_holds_what_the_site_gave_is_nothing_to_tell),
        TEST(one_number_higher_lifts_everybodys_documents_above_it),
        TEST(a_year_ahead_is_believed_and_a_second_more_is_not),
        TEST(who_is_believed_lifts_once_a_minute),
        TEST(who_is_not_believed_takes_nobodys_turn),
        TEST(the_same_again_has_no_row_and_keeps_what_was_there_first),
        TEST(what_was_told_is_gone_when_an_administrator_says_so),
        TEST(a_devices_policy_is_lifted_for_it_alone_and_not_told),
        TEST(a_device_that_holds_what_cannot_be_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
