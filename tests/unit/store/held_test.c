/* SPDX-License-Identifier: Apache-2.0 */
/* Another process holds the SQLite database: who writes waits, but not for long, and once somebody waited in vain the
 * next ones don't wait at all for a while. The clock stands but for the naps of who waits. */
#include "fixture.h"

enum { BUSY_MS = 500, HELD_MS = 2000 };

static uint64_t now_ms = 1000;
static unsigned naps;

uint64_t __wrap_clock_mono_ms(void);
int __wrap_usleep(useconds_t us);

uint64_t __wrap_clock_mono_ms(void)
{
    return now_ms;
}

int __wrap_usleep(useconds_t us)
{
    now_ms += us / 1000;
    naps++;
    return 0;
}

static enum result change(struct fixture *f)
{
    enum result r = store_begin(f->store, STORE_QUICK, &f->err);
    return r == OK ? store_end(f->store, OK, &f->err) : r;
}

static struct store *held(struct fixture *f)
{
    struct store *other;
    ok(f, store_open(f->where.url, false, &other, &f->err));
    ok(f, store_begin(other, STORE_QUICK, &f->err));
    return other;
}

static void let_go(struct fixture *f, struct store *other)
{
    ok(f, store_end(other, OK, &f->err));
    store_close(other);
}

static void the_first_that_waits_in_vain_spares_the_others_the_wait(void **state)
{
    struct fixture *f = *state;
    struct store *other = held(f);
    uint64_t since = now_ms;
    assert_int_equal(change(f), R_AGAIN);
    assert_non_null(strstr(f->err.text, "held by another process"));
    assert_in_range(now_ms - since, BUSY_MS, BUSY_MS + 10);

    naps = 0;
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(change(f), R_AGAIN);
    assert_int_equal(naps, 0);

    now_ms += HELD_MS;
    assert_int_equal(change(f), R_AGAIN);
    assert_true(naps > 0); /* it may be over by then, and is worth a wait again */
    let_go(f, other);
}

static void what_is_held_no_more_is_written_at_once(void **state)
{
    struct fixture *f = *state;
    struct store *other = held(f);
    assert_int_equal(change(f), R_AGAIN);
    let_go(f, other);
    naps = 0;
    assert_int_equal(change(f), OK);
    assert_int_equal(naps, 0);
}

static void what_is_held_does_not_keep_anybody_from_reading(void **state)
{
    struct fixture *f = *state;
    struct store *other = held(f);
    int64_t count;
    naps = 0;
    ok(f, store_query_int(f->store, "SELECT COUNT(*) FROM device", STORE_NO_PARAMS, &count, &f->err));
    assert_int_equal(naps, 0);
    let_go(f, other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_that_waits_in_vain_spares_the_others_the_wait),
        TEST(what_is_held_no_more_is_written_at_once),
        TEST(what_is_held_does_not_keep_anybody_from_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
