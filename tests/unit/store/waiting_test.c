/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that wait: counted by where they came from, gone in time or by a word, and audited together. */
#include "fixture.h"

#include "base/text/encode.h"
#include "store/device/device.h"
#include "store/device/waiting.h"
#include "store/site/audit.h"

static void add(struct fixture *f, unsigned n, enum store_device_state state, const char *voucher, const char *origin)
{
    char guid[GUID_SIZE], spki[16];
    (void)snprintf(guid, sizeof guid, "00000000-0000-4000-8000-%012u", n);
    (void)snprintf(spki, sizeof spki, "k%u", n);
    struct store_device d = {.guid = guid,
                             .name = "PC",
                             .hardware_id = "",
                             .method = "token",
                             .state = state,
                             .spki = spki,
                             .registered = 100 + n,
                             .voucher = voucher,
                             .origin = origin};
    ok(f, store_device_add(f->store, &d, &f->err));
}

static int64_t devices(struct fixture *f)
{
    int64_t count;
    ok(f, store_query_int(f->store, "SELECT COUNT(*) FROM device", STORE_NO_PARAMS, &count, &f->err));
    return count;
}

/* Three that nobody vouches for, two that somebody does, one that was approved and waits again, one approved. */
static void fill(struct fixture *f)
{
    struct store_device d;
    add(f, 1, STORE_PENDING, "nobody", "192.0.2.1");
    add(f, 2, STORE_PENDING, "nobody", "192.0.2.1");
    add(f, 3, STORE_PENDING, "nobody", "2001:db8::/64");
    add(f, 4, STORE_PENDING, "token", "192.0.2.1");
    add(f, 5, STORE_PENDING, "certificate", "");
    add(f, 6, STORE_APPROVED, "nobody", "192.0.2.1");
    add(f, 7, STORE_APPROVED, "token", "192.0.2.1");
    ok(f, store_device_get(f->store, f->arena, STORE_BY_GUID, "00000000-0000-4000-8000-000000000006", &d, &f->err));
    d.state = STORE_PENDING;
    ok(f, store_begin(f->store, STORE_DURABLE, &f->err));
    ok(f, store_end(f->store, store_device_update(f->store, &d, &f->err), &f->err));
}

static void they_are_counted_by_where_they_came_from_and_by_whether_somebody_vouches(void **state)
{
    struct fixture *f = *state;
    struct store_waiting_counts n;
    fill(f);
    ok(f, store_waiting_count(f->store, "192.0.2.1", false, &n, &f->err));
    assert_int_equal(n.all, 4);
    assert_int_equal(n.origin, 3);
    ok(f, store_waiting_count(f->store, "192.0.2.1", true, &n, &f->err));
    assert_int_equal(n.all, 2);
    assert_int_equal(n.origin, 1);
}

static void time_ends_those_alone_that_nobody_vouched_for_and_nobody_ever_approved(void **state)
{
    struct fixture *f = *state;
    int64_t gone;
    fill(f);
    ok(f, store_waiting_expire(f->store, 102, &gone, &f->err));
    assert_int_equal(gone, 1);
    ok(f, store_waiting_expire(f->store, 1000, &gone, &f->err));
    assert_int_equal(gone, 2);
    assert_int_equal(devices(f), 4);
}

static void one_word_removes_all_that_were_never_approved(void **state)
{
    struct fixture *f = *state;
    struct store_waiting *list;
    size_t count;
    fill(f);
    ok(f, store_waiting_list(f->store, f->arena, 104, &list, &count, &f->err));
    assert_int_equal(count, 3);
    ok(f, store_waiting_list(f->store, f->arena, INT64_MAX, &list, &count, &f->err));
    assert_int_equal(count, 5);
    ok(f, store_begin(f->store, STORE_DURABLE, &f->err));
    for (size_t i = 0; i < count; i++)
        ok(f, store_waiting_remove(f->store, &list[i], &f->err));
    ok(f, store_end(f->store, OK, &f->err));
    assert_int_equal(devices(f), 2);
}

/* --- audit --- */

static int64_t rows(struct fixture *f, const char *action)
{
    int64_t count;
    ok(f, store_query_int(f->store, "SELECT COUNT(*) FROM audit WHERE action = $1", STORE_PARAMS(STORE_T(action)),
                          &count, &f->err));
    return count;
}

static void register_one(struct fixture *f)
{
    ok(f, store_audit_add_gathered(f->store, &(struct store_audit){.caller = "key:k", .action = "device.register"},
                                   &f->err));
}

static void an_hour_passes(struct fixture *f)
{
    ok(f, store_exec(f->store, "UPDATE sequence SET changed = changed - $1 WHERE name = 'audit-gathered'",
                     STORE_PARAMS(STORE_N(STORE_AUDIT_GATHER_S)), NULL, &f->err));
    ok(f, store_audit_settle(f->store, &f->err));
}

static void what_devices_do_at_will_has_a_bounded_number_of_rows(void **state)
{
    struct fixture *f = *state;
    struct store_audit *list;
    size_t count;
    for (int i = 0; i < STORE_AUDIT_GATHERED + 7; i++)
        register_one(f);
    assert_int_equal(rows(f, "device.register"), STORE_AUDIT_GATHERED);
    ok(f, store_audit_settle(f->store, &f->err)); /* the hour is not over */
    assert_int_equal(rows(f, "device.register-gathered"), 0);
    an_hour_passes(f);
    assert_int_equal(rows(f, "device.register-gathered"), 1);
    ok(f, store_audit_list(f->store, f->arena, &(struct store_audit_search){.limit = 1}, &list, &count, NULL, &f->err));
    assert_non_null(strstr(list[0].detail, "7 more since "));
    an_hour_passes(f);
    assert_int_equal(rows(f, "device.register-gathered"), 1);
    register_one(f);
    assert_int_equal(rows(f, "device.register"), STORE_AUDIT_GATHERED + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(they_are_counted_by_where_they_came_from_and_by_whether_somebody_vouches),
        TEST(time_ends_those_alone_that_nobody_vouched_for_and_nobody_ever_approved),
        TEST(one_word_removes_all_that_were_never_approved),
        TEST(what_devices_do_at_will_has_a_bounded_number_of_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
