/* SPDX-License-Identifier: Apache-2.0 */
/* What all drivers share: nesting transactions, migrations, and telling who waits for a sequence. */
#include "store/store.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/driver.h"
#include "store/migration.h"
#include "store/whole.h"

struct store {
    const struct store_driver *driver;
    struct store_db *db;
    unsigned depth; /* of transactions */
    bool looks;     /* the transaction only reads */
    enum store_durability durability;
    enum result inner; /* what an inner transaction failed with; OK: none */
    bool bumped;
    void (*on_bump)(void *arg);
    void *on_bump_arg;
};

struct store_rows {
    const struct store_driver *driver;
    struct store_stmt *stmt;
};

struct store_value store_value_text(struct slice text)
{
    return (struct store_value){text.ptr ? STORE_TEXT : STORE_NULL, text, 0};
}

/* --- statements --- */

enum result store_exec(struct store *s, const char *sql, const struct store_value *params, size_t count,
                       int64_t *changed, struct error *err)
{
    struct store_stmt *stmt;
    enum result r = s->driver->start(s->db, sql, params, count, &stmt, err);
    if (r != OK)
        return r;
    do {
        r = s->driver->step(stmt, err);
    } while (r == OK);
    s->driver->finish(stmt);
    if (r != R_EOF)
        return r;
    if (changed)
        *changed = s->driver->changed(s->db);
    return OK;
}

enum result store_query(struct store *s, const char *sql, const struct store_value *params, size_t count,
                        struct store_rows **ret, struct error *err)
{
    struct store_stmt *stmt;
    enum result r = s->driver->start(s->db, sql, params, count, &stmt, err);
    *ret = NULL;
    if (r != OK)
        return r;
    *ret = mem_zalloc(sizeof **ret);
    **ret = (struct store_rows){s->driver, stmt};
    return OK;
}

enum result store_scan(struct store *s, const char *sql, struct store_rows **ret, struct error *err)
{
    struct store_stmt *stmt;
    enum result r = s->driver->scan(s->db, sql, &stmt, err);
    if (r != OK)
        return r;
    *ret = mem_zalloc(sizeof **ret);
    **ret = (struct store_rows){s->driver, stmt};
    return OK;
}

enum result store_rows_next(struct store_rows *r, struct error *err)
{
    return r->driver->step(r->stmt, err);
}

int64_t store_rows_int(struct store_rows *r, int column)
{
    return r->driver->get_int(r->stmt, column);
}

struct slice store_rows_text(struct store_rows *r, int column)
{
    return r->driver->get_text(r->stmt, column);
}

size_t store_rows_count(struct store_rows *r)
{
    return r->driver->columns(r->stmt);
}

const char *store_rows_name(struct store_rows *r, int column)
{
    return r->driver->name(r->stmt, column);
}

struct store_value store_rows_value(struct store_rows *r, int column)
{
    switch (r->driver->kind(r->stmt, column)) {
    case STORE_INT:
        return STORE_N(store_rows_int(r, column));
    case STORE_TEXT:
        return STORE_S(store_rows_text(r, column));
    case STORE_NULL:
    default:
        return (struct store_value){STORE_NULL, SLICE_NONE, 0};
    }
}

bool store_rows_null(struct store_rows *r, int column)
{
    return r->driver->is_null(r->stmt, column);
}

void store_rows_free(struct store_rows *r)
{
    if (!r)
        return;
    r->driver->finish(r->stmt);
    free(r);
}

enum result store_query_int(struct store *s, const char *sql, const struct store_value *params, size_t count,
                            int64_t *ret, struct error *err)
{
    struct store_rows *rows;
    enum result r = store_query(s, sql, params, count, &rows, err);
    if (r != OK)
        return r;
    r = store_rows_next(rows, err);
    if (r == OK)
        *ret = store_rows_int(rows, 0);
    else if (r == R_EOF)
        r = error_set(err, R_NOTFOUND, "the store holds no such row");
    store_rows_free(rows);
    return r;
}

/* --- transactions --- */

enum result store_begin(struct store *s, enum store_durability durability, struct error *err)
{
    if (s->depth) {
        if (durability > s->durability)
            fatal("store: a durable transaction inside a quick one");
        s->depth++;
        return OK;
    }
    enum result r = store_check_place(s, err);
    if (r == OK)
        r = s->driver->begin(s->db, durability, err);
    if (r != OK)
        return r;
    s->depth = 1;
    s->looks = false;
    s->durability = durability;
    s->inner = OK;
    s->bumped = false;
    return OK;
}

enum result store_begin_look(struct store *s, struct error *err)
{
    enum result r = s->driver->begin_look(s->db, err);
    if (r != OK)
        return r;
    s->depth = 1;
    s->looks = true;
    s->inner = OK;
    s->bumped = false;
    return OK;
}

enum result store_end(struct store *s, enum result so_far, struct error *err)
{
    if (!s->depth)
        fatal("store: a transaction ended that never began");
    if (--s->depth) {
        if (so_far != OK && s->inner == OK)
            s->inner = so_far;
        return so_far;
    }
    if (so_far == OK && s->inner != OK)
        so_far = error_set(err, s->inner, "a part of the change failed, so none of it was made");
    if (so_far == OK && !s->looks)
        so_far = s->driver->commit(s->db, err);
    if (so_far != OK || s->looks) {
        s->driver->rollback(s->db);
        return so_far;
    }
    if (s->bumped && s->on_bump)
        s->on_bump(s->on_bump_arg);
    return OK;
}

void store_on_bump(struct store *s, void (*fn)(void *arg), void *arg)
{
    s->on_bump = fn;
    s->on_bump_arg = arg;
}

void store_mark_bumped(struct store *s)
{
    s->bumped = true;
}

/* --- opening --- */

int64_t store_newest(void)
{
    return store_migration_count ? store_migrations[store_migration_count - 1].version : 0;
}

static enum result schema_version(struct store *s, int64_t *ret, struct error *err)
{
    return store_query_int(s, "SELECT COALESCE(MAX(version), 0) FROM schema_migration", STORE_NO_PARAMS, ret, err);
}

/* Both databases show their tables in a view that the other one has not. */
enum result store_version(struct store *s, int64_t *ret, struct error *err)
{
    int64_t there;
    enum result r = store_query_int(s, s->driver->has_versions, STORE_NO_PARAMS, &there, err);
    *ret = 0;
    return r == OK && there ? schema_version(s, ret, err) : r;
}

static enum result apply(struct store *s, const struct store_migration *m, struct error *err)
{
    enum result r = s->driver->script(s->db, m->sql, err);
    if (r == OK)
        r = store_exec(s, "INSERT INTO schema_migration (version, applied) VALUES ($1, $2)",
                       STORE_PARAMS(STORE_N(m->version), STORE_N(clock_wall_s())), NULL, err);
    if (r != OK)
        (void)error_prefix(err, "migration %s", m->name);
    return r;
}

enum result store_migrate_to(struct store *s, int64_t version, struct error *err)
{
    int64_t at;
    enum result r = s->driver->script(
        s->db, "CREATE TABLE IF NOT EXISTS schema_migration (version BIGINT PRIMARY KEY, applied BIGINT NOT NULL)",
        err);
    if (r == OK)
        r = schema_version(s, &at, err);
    for (size_t i = 0; i < store_migration_count && r == OK; i++) {
        if (store_migrations[i].version > at && store_migrations[i].version <= version)
            r = apply(s, &store_migrations[i], err);
    }
    return r;
}

static enum result apply_newer(struct store *s, bool make, struct error *err)
{
    int64_t at, newest = store_newest();
    enum result r = store_version(s, &at, err);
    if (r == OK && at > newest)
        return error_set(err, R_CONFLICT,
                         "the database has version %" PRId64 ", this program knows up to %" PRId64
                         ": install the newer program again",
                         at, newest);
    if (r == OK && at == 0 && !make)
        return error_set(err, R_NOTFOUND, "the database is empty");
    return r == OK ? store_migrate_to(s, newest, err) : r;
}

static enum result migrate(struct store *s, bool make, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    return store_end(s, apply_newer(s, make, err), err);
}

static bool is_url(const char *where)
{
    return strncmp(where, "postgresql://", 13) == 0 || strncmp(where, "postgres://", 11) == 0;
}

enum result store_check_url(const char *where, struct error *err)
{
    if (!is_url(where))
        return error_set(err, R_INVALID, "a store is postgresql://USER@HOST/DATABASE");
    return store_postgresql_check(where, err);
}

void store_files(const char *where, store_file_fn *fn, void *ctx)
{
    if (is_url(where))
        store_postgresql_files(where, fn, ctx);
}

enum result store_check_place(struct store *s, struct error *err)
{
    return s->driver->check_place ? s->driver->check_place(s->db, err) : OK;
}

static enum result open_with(const char *where, bool make, bool whole, struct store **ret, struct error *err)
{
    bool url = is_url(where);
    struct store *s = mem_zalloc(sizeof *s);
    s->driver = url ? &store_postgresql_driver : &store_sqlite_driver;
    enum result r = s->driver->open(where, make, &s->db, err);
    if (r == OK && !whole)
        r = migrate(s, make, err);
    if (r != OK) {
        store_close(s);
        (void)error_prefix(err, "%s", url ? "the store in PostgreSQL" : where); /* a refused URL may hold a password */
        return r;
    }
    *ret = s;
    return OK;
}

enum result store_open(const char *where, bool make, struct store **ret, struct error *err)
{
    return open_with(where, make, false, ret, err);
}

enum result store_open_whole(const char *where, bool make, struct store **ret, struct error *err)
{
    return open_with(where, make, true, ret, err);
}

enum result store_sound(struct store *s, struct error *err)
{
    return s->driver->sound ? s->driver->sound(s->db, err) : OK;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    if (s->db)
        s->driver->close(s->db);
    free(s);
}
