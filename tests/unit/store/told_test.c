/* SPDX-License-Identifier: Apache-2.0 */
/* What devices told: bounded a device, aged, and gone with the device. */
#include "fixture.h"

#include "base/text/encode.h"
#include "store/device/device.h"
#include "store/device/inventory.h"
#include "store/device/message.h"

#define GUID "00000000-0000-4000-8000-000000000001"

enum { BY_THEN = 1000, LATER = BY_THEN + STORE_MESSAGES_KEEP_S };

static void add_device(struct fixture *f)
{
    struct store_device d = {
        .guid = GUID, .name = "PC", .hardware_id = "", .method = "token", .state = STORE_APPROVED, .spki = "k"};
    ok(f, store_device_add(f->store, &d, &f->err));
}

static void tell(struct fixture *f, unsigned n, int64_t received)
{
    char id[GUID_SIZE], subject[16];
    bool is_new;
    (void)snprintf(id, sizeof id, "00000000-0000-4000-8000-%012u", n);
    (void)snprintf(subject, sizeof subject, "p%u", n);
    const struct store_message m = {
        .id = id, .kind = "policy", .subject = subject, .state = "applied", .detail = "", .received = received};
    ok(f, store_begin(f->store, STORE_DURABLE, &f->err));
    ok(f, store_message_add(f->store, GUID, &m, &is_new, &f->err));
    ok(f, store_message_trim(f->store, GUID, &f->err));
    ok(f, store_end(f->store, OK, &f->err));
}

static int64_t rows(struct fixture *f, const char *sql)
{
    int64_t count;
    ok(f, store_query_int(f->store, sql, STORE_NO_PARAMS, &count, &f->err));
    return count;
}

#define MESSAGES "SELECT COUNT(*) FROM device_message"
#define STATES "SELECT COUNT(*) FROM device_state"
#define CHANGES "SELECT COUNT(*) FROM inventory_change"
#define PARTS "SELECT COUNT(*) FROM inventory_part"

static void messages_are_bounded_a_device_and_the_last_ones_stay(void **state)
{
    struct fixture *f = *state;
    struct store_message *list;
    size_t count;
    add_device(f);
    for (unsigned i = 0; i < STORE_STATES_A_DEVICE + 10; i++)
        tell(f, i, BY_THEN);
    assert_int_equal(rows(f, MESSAGES), STORE_MESSAGES_A_DEVICE);
    ok(f, store_state_list(f->store, f->arena, GUID, 1000, &list, &count, &f->err));
    assert_int_equal(count, STORE_STATES_A_DEVICE);
    assert_string_equal(list[0].subject, "p265");
    assert_string_equal(list[count - 1].subject, "p10");
}

static void old_messages_are_forgotten_and_what_was_told_last_is_not(void **state)
{
    struct fixture *f = *state;
    add_device(f);
    tell(f, 1, BY_THEN);
    tell(f, 2, LATER);
    ok(f, store_message_forget(f->store, LATER - STORE_MESSAGES_KEEP_S, 10, &f->err));
    assert_int_equal(rows(f, MESSAGES), 2);
    ok(f, store_message_forget(f->store, LATER + 1 - STORE_MESSAGES_KEEP_S, 10, &f->err));
    assert_int_equal(rows(f, MESSAGES), 1);
    assert_int_equal(rows(f, STATES), 2);
}

static void put(struct fixture *f, const char *change, const char *lines)
{
    const struct store_inventory i = {
        .facts = "{}", .fingerprint = "f", .report = "r", .taken = BY_THEN, .received = BY_THEN};
    ok(f, store_begin(f->store, STORE_DURABLE, &f->err));
    ok(f, store_end(f->store, store_inventory_put(f->store, GUID, &i, change, lines, &f->err), &f->err));
}

static void changes_are_bounded_and_aged_and_lines_are_the_devices(void **state)
{
    struct fixture *f = *state;
    struct store_device d;
    struct store_change_told *list;
    size_t count;
    char change[32];
    add_device(f);
    put(f, "", "os.version=12\n");
    for (unsigned i = 0; i < STORE_CHANGES_A_DEVICE + 5; i++) {
        (void)snprintf(change, sizeof change, "{\"n\":%u}", i);
        put(f, change, "os.version=13\n");
    }
    ok(f, store_inventory_changes(f->store, f->arena, GUID, &list, &count, &f->err));
    assert_int_equal(count, STORE_CHANGES_A_DEVICE);
    assert_string_equal(list[0].change, "{\"n\":36}");
    ok(f, store_device_get(f->store, f->arena, STORE_BY_GUID, GUID, &d, &f->err));
    assert_string_equal(d.facts, "os.version=13\n");
    ok(f, store_inventory_forget(f->store, BY_THEN + STORE_CHANGES_KEEP_S + 1, 10, &f->err));
    assert_int_equal(rows(f, CHANGES), STORE_CHANGES_A_DEVICE - 10);
}

static void add_part(struct fixture *f, int64_t start, const char *part)
{
    ok(f, store_begin(f->store, STORE_DURABLE, &f->err));
    ok(f, store_end(f->store, store_upload_add(f->store, GUID, start, slice_of(part), &f->err), &f->err));
}

static void an_upload_is_read_in_its_order_aged_and_one_a_device(void **state)
{
    struct fixture *f = *state;
    struct store_upload u = {.id = "a", .sha256 = "s", .size = 6, .began = BY_THEN};
    struct slice whole;
    add_device(f);
    ok(f, store_upload_begin(f->store, GUID, &u, &f->err));
    add_part(f, 0, "abc");
    add_part(f, 3, "def");
    ok(f, store_upload_get(f->store, f->arena, GUID, &u, &f->err));
    assert_int_equal(u.came, 6);
    ok(f, store_upload_read(f->store, f->arena, GUID, 6, &whole, &f->err));
    assert_true(slice_eq(whole, SLICE("abcdef")));
    u.id = "b";
    ok(f, store_upload_begin(f->store, GUID, &u, &f->err));
    assert_int_equal(rows(f, PARTS), 0);
    add_part(f, 0, "abc");
    ok(f, store_inventory_forget(f->store, BY_THEN + STORE_UPLOAD_KEEP_S, 10, &f->err));
    assert_int_equal(rows(f, PARTS), 1);
    ok(f, store_inventory_forget(f->store, BY_THEN + STORE_UPLOAD_KEEP_S + 1, 10, &f->err));
    assert_int_equal(rows(f, PARTS), 0);
}

static void with_a_device_goes_all_that_it_told(void **state)
{
    struct fixture *f = *state;
    struct store_upload u = {.id = "a", .sha256 = "s", .size = 6, .began = BY_THEN};
    add_device(f);
    tell(f, 1, BY_THEN);
    put(f, "", "");
    put(f, "{}", "");
    ok(f, store_upload_begin(f->store, GUID, &u, &f->err));
    add_part(f, 0, "abc");
    ok(f, store_device_remove(f->store, GUID, false, &f->err));
    assert_int_equal(rows(f, MESSAGES) + rows(f, STATES) + rows(f, CHANGES) + rows(f, PARTS), 0);
    assert_int_equal(rows(f, "SELECT COUNT(*) FROM inventory"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(messages_are_bounded_a_device_and_the_last_ones_stay),
        TEST(old_messages_are_forgotten_and_what_was_told_last_is_not),
        TEST(changes_are_bounded_and_aged_and_lines_are_the_devices),
        TEST(an_upload_is_read_in_its_order_aged_and_one_a_device),
        TEST(with_a_device_goes_all_that_it_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
