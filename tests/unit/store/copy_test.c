/* SPDX-License-Identifier: Apache-2.0 */
/* A store's rows out of one database and into another, of either kind. */
#include "fixture.h"

#include "store/copy.h"
#include "store/device/device.h"

#define GUID "6f1c0000-0000-4000-8000-00000000000a"

struct transfer {
    struct fixture *f;
    struct store_copy *to;
    size_t rows;
    const char *seen[64]; /* tables of which a row came */
    size_t seen_count;
};

static enum result pass_on(void *ctx, const struct store_copy_row *row, struct error *err)
{
    struct transfer *t = ctx;
    t->rows++;
    return store_copy_put(t->to, row, err);
}

/* All of `from` into the empty database `to`; how many rows. */
static size_t transfer(struct fixture *f, const char *from, const char *to)
{
    struct store_copy *out = NULL;
    struct transfer t = {.f = f};
    int64_t version = 0;
    ok(f, store_copy_open(from, &out, &version, &f->err));
    ok(f, store_copy_sound(out, &f->err));
    ok(f, store_copy_begin(to, version, &t.to, &f->err));
    ok(f, store_copy_each(out, pass_on, &t, &f->err));
    ok(f, store_copy_end(t.to, &f->err));
    store_copy_close(t.to);
    store_copy_close(out);
    return t.rows;
}

static void fill(struct fixture *f)
{
    struct store_device d = {.guid = GUID,
                             .name = "b\xc3\xa4r\n\"\\",
                             .hardware_id = "",
                             .method = "token",
                             .state = STORE_APPROVED,
                             .spki = "k1",
                             .client_version = 2603,
                             .registered = 100};
    struct store_certificate c = {.guid = GUID, .sha256 = "c1", .subject = "CN=a", .pem = "PEM", .not_after = -5};
    bool is_new;
    ok(f, store_device_add(f->store, &d, &f->err));
    ok(f, store_certificate_put(f->store, &c, &is_new, &f->err));
    ok(f, store_exec(f->store,
                     "INSERT INTO connector (id, created, not_after, pki_sha256, pki_subject, pki_not_after, seen, "
                     "report) VALUES ('c1', 1, 9223372036854775807, NULL, NULL, 0, 0, NULL)",
                     STORE_NO_PARAMS, NULL, &f->err));
}

static void expect(struct fixture *f, const char *where)
{
    struct store *s = NULL;
    struct store_device d;
    struct store_rows *rows;
    ok(f, store_open(where, false, &s, &f->err));
    ok(f, store_device_get(s, f->arena, STORE_BY_CERTIFICATE, "c1", &d, &f->err));
    assert_string_equal(d.name, "b\xc3\xa4r\n\"\\");
    assert_int_equal(d.client_version, 2603);
    ok(f, store_query(s, "SELECT not_after, pki_sha256, report FROM connector", STORE_NO_PARAMS, &rows, &f->err));
    ok(f, store_rows_next(rows, &f->err));
    assert_true(store_rows_int(rows, 0) == INT64_MAX);
    assert_true(store_rows_null(rows, 1) && store_rows_null(rows, 2));
    store_rows_free(rows);
    store_close(s);
}

static void sqlite_beside(const struct fixture *f, char ret[128])
{
    (void)snprintf(ret, 128, "%s/other.db", f->where.dir);
}

static void a_copy_holds_all_that_the_store_held_in_a_database_of_either_kind(void **state)
{
    struct fixture *f = *state;
    char other[128];
    sqlite_beside(f, other);
    fill(f);
    size_t rows = transfer(f, f->where.url, other);
    expect(f, other);
    store_close(f->store);
    store_where_remove(&f->where);
    ok(f, store_where_new(&f->where, &f->err));
    assert_int_equal(transfer(f, other, f->where.url), rows);
    expect(f, f->where.url);
    ok(f, store_open(f->where.url, false, &f->store, &f->err));
    (void)unlink(other);
    *strrchr(other, '/') = '\0';
    (void)rmdir(other);
}

static void what_is_written_meanwhile_is_not_in_it_and_nobody_waits(void **state)
{
    struct fixture *f = *state;
    struct store_copy *out = NULL;
    struct transfer t = {.f = f};
    int64_t version;
    char other[128];
    sqlite_beside(f, other);
    fill(f);
    ok(f, store_copy_open(f->where.url, &out, &version, &f->err));
    ok(f, store_exec(f->store, "DELETE FROM device", STORE_NO_PARAMS, NULL, &f->err));
    ok(f, store_copy_begin(other, version, &t.to, &f->err));
    ok(f, store_copy_each(out, pass_on, &t, &f->err));
    store_copy_close(out);
    ok(f, store_copy_end(t.to, &f->err));
    store_copy_close(t.to);
    expect(f, other);
    (void)unlink(other);
}

static void a_database_that_holds_a_site_takes_no_copy(void **state)
{
    struct fixture *f = *state;
    struct store_copy *to = NULL;
    assert_int_equal(store_copy_begin(f->where.url, 1, &to, &f->err), R_CONFLICT);
    assert_null(to);
}

static void a_copy_that_was_not_ended_leaves_an_empty_database(void **state)
{
    struct fixture *f = *state;
    struct store_copy *to = NULL;
    struct store *s = NULL;
    const struct store_copy_row row = {"setting", {"name", "value"}, {STORE_T("a"), STORE_T("b")}, 2};
    char other[128];
    sqlite_beside(f, other);
    ok(f, store_copy_begin(other, 1, &to, &f->err));
    ok(f, store_copy_put(to, &row, &f->err));
    store_copy_close(to);
    assert_int_equal(store_open(other, false, &s, &f->err), R_NOTFOUND);
    (void)unlink(other);
}

static void a_store_of_an_older_version_becomes_one_of_the_newest(void **state)
{
    struct fixture *f = *state;
    struct store_copy *to = NULL;
    struct store *s = NULL;
    int64_t tables;
    const struct store_copy_row row = {"setting", {"name", "value"}, {STORE_T("a"), STORE_T("b")}, 2},
                                later = {"tenant", {"id"}, {STORE_T("a")}, 1};
    char other[128];
    sqlite_beside(f, other);
    ok(f, store_copy_begin(other, 3, &to, &f->err));
    ok(f, store_copy_put(to, &row, &f->err));
    assert_int_equal(store_copy_put(to, &later, &f->err), R_INVALID);
    ok(f, store_copy_end(to, &f->err));
    store_copy_close(to);
    ok(f, store_open(other, false, &s, &f->err));
    ok(f, store_query_int(s, "SELECT COUNT(*) FROM tenant", STORE_NO_PARAMS, &tables, &f->err));
    store_close(s);
    (void)unlink(other);
    assert_int_equal(store_copy_begin(other, 9999, &to, &f->err), R_CONFLICT);
    assert_int_equal(store_copy_begin(other, 0, &to, &f->err), R_CONFLICT);
}

static void tables_and_columns_are_never_part_of_a_statement(void **state)
{
    struct fixture *f = *state;
    struct store_copy *to = NULL;
    char other[128];
    sqlite_beside(f, other);
    const struct store_copy_row bad[] = {
        {"setting; DROP TABLE setting", {"name"}, {STORE_T("a")}, 1},
        {"sqlite_master", {"name"}, {STORE_T("a")}, 1},
        {"setting", {"name) VALUES ('x'); --"}, {STORE_T("a")}, 1},
        {"setting", {""}, {STORE_T("a")}, 1},
        {"setting", {"name"}, {STORE_T("a")}, 0},
        {"setting", {"nobody"}, {STORE_T("a")}, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ok(f, store_copy_begin(other, 1, &to, &f->err));
        assert_int_not_equal(store_copy_put(to, &bad[i], &f->err), OK);
        store_copy_close(to);
        (void)unlink(other);
    }
}

static enum result note_table(void *ctx, const struct store_copy_row *row, struct error *err UNUSED)
{
    struct transfer *t = ctx;
    for (size_t i = 0; i < t->seen_count; i++) {
        if (strcmp(t->seen[i], row->table) == 0)
            return OK;
    }
    t->seen[t->seen_count++] = row->table;
    return OK;
}

/* SQLite lists its tables, and the schema is the same in both: whoever adds a table adds it to the copy. */
static void every_table_of_the_schema_is_in_the_copy(void **state)
{
    struct fixture *f = *state;
    struct store *s = NULL;
    struct store_copy *out = NULL;
    struct store_rows *rows;
    struct transfer t = {.f = f};
    int64_t version;
    char other[128], names[64][64];
    size_t count = 0;
    sqlite_beside(f, other);
    ok(f, store_open(other, true, &s, &f->err));
    ok(f, store_query(s,
                      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND "
                      "name <> 'schema_migration'",
                      STORE_NO_PARAMS, &rows, &f->err));
    while (store_rows_next(rows, &f->err) == OK)
        assert_true(slice_to_cstr(store_rows_text(rows, 0), names[count++], sizeof names[0]));
    store_rows_free(rows);
    ok(f, store_exec(s, "PRAGMA foreign_keys = OFF", STORE_NO_PARAMS, NULL, &f->err));
    for (size_t i = 0; i < count; i++) {
        char columns[2048] = "", values[2048] = "", sql[4608], ask[128];
        (void)snprintf(ask, sizeof ask, "SELECT name FROM pragma_table_info('%s')", names[i]);
        ok(f, store_query(s, ask, STORE_NO_PARAMS, &rows, &f->err));
        while (store_rows_next(rows, &f->err) == OK) {
            struct slice column = store_rows_text(rows, 0);
            (void)snprintf(columns + strlen(columns), sizeof columns - strlen(columns), "%s%.*s", *columns ? "," : "",
                           (int)column.len, column.ptr);
            (void)snprintf(values + strlen(values), sizeof values - strlen(values), "%s1", *values ? "," : "");
        }
        store_rows_free(rows);
        (void)snprintf(sql, sizeof sql, "INSERT INTO %s (%s) VALUES (%s)", names[i], columns, values);
        ok(f, store_exec(s, sql, STORE_NO_PARAMS, NULL, &f->err));
    }
    store_close(s);
    ok(f, store_copy_open(other, &out, &version, &f->err));
    ok(f, store_copy_each(out, note_table, &t, &f->err));
    assert_int_equal(t.seen_count, count);
    store_copy_close(out);
    (void)unlink(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(a_copy_holds_all_that_the_store_held_in_a_database_of_either_kind),
        TEST(what_is_written_meanwhile_is_not_in_it_and_nobody_waits),
        TEST(a_database_that_holds_a_site_takes_no_copy),
        TEST(a_copy_that_was_not_ended_leaves_an_empty_database),
        TEST(a_store_of_an_older_version_becomes_one_of_the_newest),
        TEST(tables_and_columns_are_never_part_of_a_statement),
        TEST(every_table_of_the_schema_is_in_the_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
