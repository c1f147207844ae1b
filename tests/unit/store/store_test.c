/* SPDX-License-Identifier: Apache-2.0 */
/* The store itself: transactions, several processes, privacy of the file, versions of the schema. */
#include "fixture.h"

#include <pthread.h>
#include <sys/stat.h>

static void count_call(void *arg)
{
    ++*(int *)arg;
}

static void the_database_is_readable_by_its_owner_alone(void **state)
{
    struct fixture *f = *state;
    if (!f->where.is_a_file)
        skip();
    struct stat st;
    assert_int_equal(stat(f->where.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    char wal[128];
    (void)snprintf(wal, sizeof wal, "%s-wal", f->where.path);
    assert_int_equal(stat(wal, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_database_that_others_can_read_is_refused(void **state)
{
    struct fixture *f = *state;
    if (!f->where.is_a_file)
        skip();
    struct store *second = NULL;
    assert_int_equal(chmod(f->where.path, 0644), 0);
    assert_int_equal(store_open(f->where.url, true, &second, &f->err), R_DENIED);
    assert_null(second);
}

static void a_newer_schema_is_refused(void **state)
{
    struct fixture *f = *state;
    struct store *second = NULL;
    ok(f, store_exec(f->store, "INSERT INTO schema_migration (version, applied) VALUES (9999, 0)", STORE_NO_PARAMS,
                     NULL, &f->err));
    assert_int_equal(store_open(f->where.url, true, &second, &f->err), R_CONFLICT);
    assert_non_null(strstr(f->err.text, "9999"));
    ok(f, store_exec(f->store, "DELETE FROM schema_migration WHERE version = 9999", STORE_NO_PARAMS, NULL, &f->err));
}

static void opening_again_changes_nothing(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    ok(f, store_bump(f->store, STORE_BUNDLE, &f->err));
    store_close(f->store);
    f->store = NULL;
    ok(f, store_open(f->where.url, true, &f->store, &f->err));
    assert_int_equal(sequence(f, "bundle"), 1);
}

static void parameters_are_never_part_of_the_statement(void **state)
{
    struct fixture *f = *state;
    const char *evil = "x'); DROP TABLE setting; --";
    struct store_rows *rows;
    ok(f, store_exec(f->store, "INSERT INTO setting (name, value) VALUES ($2, $1)",
                     STORE_PARAMS(STORE_T("value"), STORE_T(evil)), NULL, &f->err));
    ok(f, store_query(f->store, "SELECT name, value, NULL, 42 FROM setting WHERE name = $1",
                      STORE_PARAMS(STORE_T(evil)), &rows, &f->err));
    ok(f, store_rows_next(rows, &f->err));
    assert_true(slice_eq(store_rows_text(rows, 0), slice_of(evil)));
    assert_true(slice_eq(store_rows_text(rows, 1), SLICE("value")));
    assert_true(store_rows_null(rows, 2));
    assert_null(store_rows_text(rows, 2).ptr);
    assert_int_equal(store_rows_int(rows, 3), 42);
    assert_int_equal(store_rows_next(rows, &f->err), R_EOF);
    store_rows_free(rows);
}

static void a_rolled_back_change_leaves_no_trace(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    int woken = 0;
    store_on_bump(f->store, count_call, &woken);
    ok(f, store_begin(f->store, STORE_DURABLE, &f->err));
    ok(f, store_bump(f->store, STORE_BUNDLE, &f->err));
    assert_int_equal(store_end(f->store, R_INVALID, &f->err), R_INVALID);
    assert_int_equal(sequence(f, "bundle"), 0);
    assert_int_equal(woken, 0);
}

static void an_inner_failure_fails_the_whole(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    ok(f, store_begin(f->store, STORE_DURABLE, &f->err));
    ok(f, store_bump(f->store, STORE_BUNDLE, &f->err));
    ok(f, store_begin(f->store, STORE_QUICK, &f->err));
    assert_int_equal(store_end(f->store, R_LIMIT, &f->err), R_LIMIT);
    assert_int_equal(store_end(f->store, OK, &f->err), R_LIMIT);
    assert_int_equal(sequence(f, "bundle"), 0);
}

static void a_bump_wakes_once_after_the_commit(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    int woken = 0;
    store_on_bump(f->store, count_call, &woken);
    ok(f, store_begin(f->store, STORE_DURABLE, &f->err));
    ok(f, store_bump(f->store, STORE_BUNDLE, &f->err));
    ok(f, store_bump(f->store, STORE_LOCATION, &f->err));
    assert_int_equal(woken, 0);
    ok(f, store_end(f->store, OK, &f->err));
    assert_int_equal(woken, 1);
    assert_int_equal(sequence(f, "bundle"), 2); /* the bundle holds the location */
    assert_int_equal(sequence(f, "location"), 1);
    assert_int_equal(sequence(f, "site"), 2);
}

static void a_constraint_is_a_conflict(void **state)
{
    struct fixture *f = *state;
    const char *sql = "INSERT INTO setting (name, value) VALUES ('a', 'b')";
    ok(f, store_exec(f->store, sql, STORE_NO_PARAMS, NULL, &f->err));
    assert_int_equal(store_exec(f->store, sql, STORE_NO_PARAMS, NULL, &f->err), R_CONFLICT);
}

/* Each thread is a process of its own as far as the database goes: a connection of its own. */
enum { WRITERS = 4, BUMPS = 50 };

/* Who is kept waiting on a busy machine is told to come again. */
static enum result bump_when_free(struct store *s, struct error *err)
{
    enum result r;
    do
        r = store_bump(s, STORE_BUNDLE, err);
    while (r == R_AGAIN);
    return r;
}

static void *bump_often(void *arg)
{
    struct store *s;
    struct error err;
    if (store_open(arg, true, &s, &err) != OK)
        return arg;
    for (int i = 0; i < BUMPS; i++) {
        if (bump_when_free(s, &err) != OK)
            return arg;
    }
    store_close(s);
    return NULL;
}

static void several_processes_lose_no_bump(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    pthread_t threads[WRITERS];
    void *failed;
    for (size_t i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, bump_often, (void *)f->where.url), 0);
    for (size_t i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(sequence(f, "bundle"), WRITERS * BUMPS);
}

static void old_documents_are_refreshed_once(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    ok(f, store_bump(f->store, STORE_LOCATION, &f->err));
    ok(f, store_sequence_refresh(f->store, 1, INT64_MAX, &f->err));
    assert_int_equal(sequence(f, "location"), 1);
    ok(f, store_exec(f->store, "UPDATE sequence SET changed = 0", STORE_NO_PARAMS, NULL, &f->err));
    ok(f, store_sequence_refresh(f->store, 1, INT64_MAX, &f->err));
    ok(f, store_sequence_refresh(f->store, 1, INT64_MAX, &f->err));
    assert_int_equal(sequence(f, "location"), 2);
    assert_int_equal(sequence(f, "bundle"), 2);
    assert_int_equal(sequence(f, "site"), 2);
}

/* --- a site never goes back --- */

static void set_back(struct fixture *f, int64_t value)
{
    ok(f, store_exec(f->store, "UPDATE sequence SET value = $1", STORE_PARAMS(STORE_N(value)), NULL, &f->err));
}

static void a_number_is_never_below_the_time(void **state)
{
    struct fixture *f = *state;
    int64_t start = clock_wall_s();
    ok(f, store_bump(f->store, STORE_LOCATION, &f->err));
    assert_true(raw_sequence(f, "bundle") >= start && raw_sequence(f, "location") >= start);
    set_back(f, 20); /* an older copy of the store */
    ok(f, store_bump(f->store, STORE_LOCATION, &f->err));
    assert_true(raw_sequence(f, "bundle") >= start && raw_sequence(f, "location") >= start);
    set_back(f, start + 1000); /* its clock was ahead once */
    ok(f, store_bump(f->store, STORE_BUNDLE, &f->err));
    assert_int_equal(raw_sequence(f, "bundle"), start + 1001);
}

static void documents_of_the_future_are_made_anew(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    int64_t now = clock_wall_s();
    ok(f,
       store_exec(f->store, "UPDATE sequence SET changed = $1", STORE_PARAMS(STORE_N(now + 8640000)), NULL, &f->err));
    ok(f, store_sequence_refresh(f->store, now - 100, now + 30, &f->err));
    ok(f, store_sequence_refresh(f->store, now - 100, now + 30, &f->err));
    assert_int_equal(sequence(f, "bundle"), 1);
    assert_int_equal(sequence(f, "location"), 1);
}

static void a_higher_number_that_somebody_holds_is_passed(void **state)
{
    struct fixture *f = *state;
    int64_t held = clock_wall_s() + 5000;
    ok(f, store_bump(f->store, STORE_LOCATION, &f->err));
    ok(f, store_sequence_lift(f->store, held, &f->err));
    assert_true(raw_sequence(f, "bundle") > held && raw_sequence(f, "location") > held);
    assert_true(raw_sequence(f, "policy") > held);
}

static int64_t policy_of(struct fixture *f, const char *guid)
{
    int64_t number;
    ok(f, store_sequence_policy(f->store, guid, &number, &f->err));
    return number;
}

static void next_policy(struct fixture *f, const char *guid)
{
    ok(f, store_begin(f->store, STORE_DURABLE, &f->err));
    ok(f, store_end(f->store, store_sequence_policy_next(f->store, guid, &f->err), &f->err));
}

static void a_device_lifts_the_numbers_of_its_own_policy_alone(void **state)
{
    struct fixture *f = *state;
    bool lifted;
    next_policy(f, NULL);
    next_policy(f, "d");
    int64_t shared = raw_sequence(f, "policies"), heard = shared + 9000, other = policy_of(f, "e"), own;
    ok(f, store_sequence_policy_lift(f->store, "d", heard, &lifted, &f->err));
    own = policy_of(f, "d");
    assert_true(lifted && own > heard);
    assert_int_equal(raw_sequence(f, "policies"), shared);
    assert_int_equal(policy_of(f, "e"), other);
    next_policy(f, NULL); /* whoever's is another one, it is another number of each device that sees it */
    assert_true(policy_of(f, "d") > own && policy_of(f, "e") > other && policy_of(f, "e") < heard);
    own = policy_of(f, "d");
    next_policy(f, "d");
    assert_true(policy_of(f, "d") > own);
    own = policy_of(f, "d");
    ok(f, store_sequence_policy_lift(f->store, "d", own + 5, &lifted, &f->err)); /* within the same minute */
    assert_false(lifted);
    assert_int_equal(policy_of(f, "d"), own);
    ok(f, store_sequence_policy_lift(f->store, "e", heard, &lifted, &f->err)); /* which is nobody else's turn */
    assert_true(lifted && policy_of(f, "e") > heard);
}

static void what_a_device_does_again_and_again_moves_its_own_policy_alone(void **state)
{
    struct fixture *f = *state;
    bool lifted;
    next_policy(f, NULL);
    ok(f, store_exec(f->store,
                     "INSERT INTO policy (name, id, version, sha256, content, created, changed, collections) "
                     "VALUES ('p', 'p', 1, '', '', 1, 1, 'lab')",
                     STORE_NO_PARAMS, NULL, &f->err));
    int64_t shared = raw_sequence(f, "policies"), other = policy_of(f, "e"), own = policy_of(f, "d");
    for (int i = 0; i < 50; i++) {
        ok(f, store_begin(f->store, STORE_DURABLE, &f->err));
        ok(f, store_end(f->store, store_sequence_policy_moved(f->store, "d", &f->err), &f->err));
        assert_true(policy_of(f, "d") > own && policy_of(f, "d") >= clock_wall_s());
        own = policy_of(f, "d");
    }
    assert_int_equal(raw_sequence(f, "policies"), shared);
    assert_int_equal(policy_of(f, "e"), other);
    next_policy(f, NULL);
    assert_true(policy_of(f, "d") > own);
    own = policy_of(f, "d");
    ok(f, store_sequence_policy_lift(f->store, "d", own + 5, &lifted, &f->err)); /* that is another matter */
    assert_true(lifted && policy_of(f, "d") > own + 5);
}

/* --- PostgreSQL --- */

/* The server ends every connection to this database but `other`. */
static void hang_up(struct fixture *f, struct store *other)
{
    ok(f, store_exec(other,
                     "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
                     "datname = current_database()",
                     STORE_NO_PARAMS, NULL, &f->err));
}

static void a_connection_lost_between_transactions_is_made_again(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    struct store *other;
    if (f->where.is_a_file)
        skip();
    ok(f, store_open(f->where.url, true, &other, &f->err));
    hang_up(f, other);
    ok(f, store_bump(f->store, STORE_BUNDLE, &f->err));
    hang_up(f, other);
    assert_int_equal(sequence(f, "bundle"), 1);
    store_close(other);
}

static void a_connection_lost_within_a_transaction_undoes_all_of_it(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    struct store *other;
    if (f->where.is_a_file)
        skip();
    ok(f, store_open(f->where.url, true, &other, &f->err));
    ok(f, store_begin(f->store, STORE_DURABLE, &f->err));
    ok(f, store_bump(f->store, STORE_BUNDLE, &f->err));
    hang_up(f, other);
    enum result r = store_bump(f->store, STORE_BUNDLE, &f->err);
    assert_int_equal(r, R_AGAIN);
    assert_int_equal(store_end(f->store, r, &f->err), R_AGAIN);
    assert_int_equal(sequence(f, "bundle"), 0);
    store_close(other);
}

static void a_statement_that_failed_lets_nothing_of_its_transaction_be_kept(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    const char *sql = "INSERT INTO setting (name, value) VALUES ('a', 'b')";
    ok(f, store_exec(f->store, sql, STORE_NO_PARAMS, NULL, &f->err));
    ok(f, store_begin(f->store, STORE_DURABLE, &f->err));
    ok(f, store_bump(f->store, STORE_BUNDLE, &f->err));
    enum result r = store_exec(f->store, sql, STORE_NO_PARAMS, NULL, &f->err);
    assert_int_equal(store_end(f->store, r, &f->err), R_CONFLICT);
    assert_int_equal(sequence(f, "bundle"), 0);
}

static void a_password_in_the_url_is_refused_and_not_repeated(void **state)
{
    (void)state;
    static const char *const urls[] = {"postgresql://cmg:hunter2@db.example/site",
                                       "postgres://db.example/site?user=cmg&password=hunter2"};
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct store *s = NULL;
        struct error err;
        assert_int_equal(store_check_url(urls[i], &err), R_DENIED);
        assert_int_equal(store_open(urls[i], true, &s, &err), R_DENIED);
        assert_non_null(strstr(err.text, "passfile"));
        assert_null(strstr(err.text, "hunter2"));
    }
}

static void what_is_no_url_is_told(void **state)
{
    (void)state;
    static const char *const urls[] = {"", "site.db", "mysql://db/site", "postgresql://db/site?colour=red"};
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct error err;
        assert_int_equal(store_check_url(urls[i], &err), R_INVALID);
        assert_non_null(strstr(err.text, "postgresql://USER@HOST/DATABASE"));
    }
    struct error err;
    assert_int_equal(store_check_url("postgresql://cmg@db.example/site?passfile=/etc/pgpass", &err), OK);
}

static void an_unreachable_server_is_named_with_a_remedy(void **state)
{
    (void)state;
    struct store *s = NULL;
    struct error err;
    assert_int_equal(store_open("postgresql:///site?host=/nowhere", true, &s, &err), R_AGAIN);
    assert_non_null(strstr(err.text, "/nowhere"));
    assert_non_null(strstr(err.text, "see that it runs"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_database_is_readable_by_its_owner_alone),
        TEST(a_database_that_others_can_read_is_refused),
        TEST(a_newer_schema_is_refused),
        TEST(opening_again_changes_nothing),
        TEST(parameters_are_never_part_of_the_statement),
        TEST(a_rolled_back_change_leaves_no_trace),
        TEST(an_inner_failure_fails_the_whole),
        TEST(a_bump_wakes_once_after_the_commit),
        TEST(a_constraint_is_a_conflict),
        TEST(several_processes_lose_no_bump),
        TEST(old_documents_are_refreshed_once),
        TEST(a_number_is_never_below_the_time),
        TEST(documents_of_the_future_are_made_anew),
        TEST(a_higher_number_that_somebody_holds_is_passed),
        TEST(a_device_lifts_the_numbers_of_its_own_policy_alone),
        TEST(what_a_device_does_again_and_again_moves_its_own_policy_alone),
        TEST(a_connection_lost_between_transactions_is_made_again),
        TEST(a_connection_lost_within_a_transaction_undoes_all_of_it),
        TEST(a_statement_that_failed_lets_nothing_of_its_transaction_be_kept),
        cmocka_unit_test(a_password_in_the_url_is_refused_and_not_repeated),
        cmocka_unit_test(what_is_no_url_is_told),
        cmocka_unit_test(an_unreachable_server_is_named_with_a_remedy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
