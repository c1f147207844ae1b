/* SPDX-License-Identifier: Apache-2.0 */
/* What devices are to be told: numbers, bounds, ends, and how far each has taken it. */
#include "fixture.h"

#include "store/device/device.h"
#include "store/device/notification.h"

#define ONE "00000000-0000-4000-8000-000000000001"
#define TWO "00000000-0000-4000-8000-000000000002"
enum { NOW = 1000, LATER = 2000 };

static void device(struct fixture *f, const char *guid, const char *spki)
{
    const struct store_device d = {.guid = guid,
                                   .name = "pc",
                                   .hardware_id = "",
                                   .method = "token",
                                   .state = STORE_APPROVED,
                                   .spki = spki,
                                   .registered = NOW};
    ok(f, store_device_add(f->store, &d, &f->err));
}

static enum result add(struct fixture *f, const char *guid, const char *what, int64_t *ret)
{
    struct store_notification n = {
        .guid = guid, .collection = "", .what = what, .message = "", .created = NOW, .expires = LATER};
    enum result r = store_begin(f->store, STORE_DURABLE, &f->err);
    r = store_end(f->store, r == OK ? store_notification_add(f->store, &n, &f->err) : r, &f->err);
    *ret = n.id;
    return r;
}

static int64_t must_add(struct fixture *f, const char *guid, const char *what)
{
    int64_t id;
    ok(f, add(f, guid, what, &id));
    return id;
}

static size_t waiting(struct fixture *f, const char *guid, int64_t after, int64_t now)
{
    struct store_notification *rows;
    size_t count;
    ok(f, store_notification_of(f->store, f->arena, guid, after, now, &rows, &count, &f->err));
    for (size_t i = 1; i < count; i++)
        assert_true(rows[i - 1].id < rows[i].id);
    return count;
}

static void numbers_grow_and_a_device_sees_its_own_and_those_for_many(void **state)
{
    struct fixture *f = *state;
    int64_t first = must_add(f, ONE, "message"), second = must_add(f, "", "policy"), third = must_add(f, TWO, "policy");
    assert_true(first < second && second < third);
    assert_int_equal(waiting(f, ONE, 0, NOW), 2);
    assert_int_equal(waiting(f, ONE, first, NOW), 1);
    assert_int_equal(waiting(f, TWO, second, NOW), 1);
    assert_int_equal(waiting(f, ONE, 0, LATER), 0);
}

static void of_each_kind_but_messages_the_last_one_counts_and_all_have_a_maximum(void **state)
{
    struct fixture *f = *state;
    int64_t id, before = must_add(f, ONE, "policy");
    for (size_t i = 0; i < STORE_NOTIFICATIONS_A_DEVICE - 1; i++)
        (void)must_add(f, ONE, "message");
    assert_int_equal(add(f, ONE, "message", &id), R_LIMIT);
    assert_true(must_add(f, ONE, "policy") > before);
    assert_int_equal(waiting(f, ONE, 0, NOW), STORE_NOTIFICATIONS_A_DEVICE);
    (void)must_add(f, TWO, "message"); /* one that is full keeps no other from its own */
}

static void what_a_device_has_taken_is_gone_and_is_never_taken_back(void **state)
{
    struct fixture *f = *state;
    struct store_notified n;
    device(f, ONE, "a");
    int64_t first = must_add(f, ONE, "message"), second = must_add(f, ONE, "message"), taken = first;
    ok(f, store_notified_put(f->store, ONE, &taken, NOW, &f->err));
    ok(f, store_notified_get(f->store, ONE, NOW, &n, &f->err));
    assert_true(n.taken == first && n.at == NOW && n.waits == 1);
    taken = second;
    ok(f, store_notified_put(f->store, ONE, &taken, NOW, &f->err));
    taken = first; /* what it kept was lost */
    ok(f, store_notified_put(f->store, ONE, &taken, NOW, &f->err));
    assert_true(taken == second);
}

static void who_comes_later_is_not_told_what_was_said_before(void **state)
{
    struct fixture *f = *state;
    int64_t taken = 0, before = must_add(f, "", "message");
    device(f, ONE, "a");
    ok(f, store_notified_put(f->store, ONE, &taken, NOW, &f->err));
    assert_true(taken == before);
    (void)must_add(f, "", "message");
    assert_int_equal(waiting(f, ONE, taken, NOW), 1);
}

static void a_number_that_the_store_never_gave_is_gone_above(void **state)
{
    struct fixture *f = *state;
    device(f, ONE, "a");
    int64_t taken = must_add(f, ONE, "policy") + 1000 * (int64_t)86400;
    const int64_t heard = taken;
    ok(f, store_notified_put(f->store, ONE, &taken, NOW, &f->err));
    assert_true(must_add(f, ONE, "policy") > heard);
}

static void with_a_device_goes_what_it_was_to_be_told(void **state)
{
    struct fixture *f = *state;
    struct store_notified n;
    device(f, ONE, "a");
    int64_t taken = must_add(f, ONE, "message");
    (void)must_add(f, ONE, "message");
    ok(f, store_notified_put(f->store, ONE, &taken, NOW, &f->err));
    ok(f, store_device_remove(f->store, ONE, false, &f->err));
    ok(f, store_notified_get(f->store, ONE, NOW, &n, &f->err));
    assert_true(n.taken == 0 && n.waits == 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(numbers_grow_and_a_device_sees_its_own_and_those_for_many),
        TEST(of_each_kind_but_messages_the_last_one_counts_and_all_have_a_maximum),
        TEST(what_a_device_has_taken_is_gone_and_is_never_taken_back),
        TEST(who_comes_later_is_not_told_what_was_said_before),
        TEST(a_number_that_the_store_never_gave_is_gone_above),
        TEST(with_a_device_goes_what_it_was_to_be_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
