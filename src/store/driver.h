/* SPDX-License-Identifier: Apache-2.0 */
/* What a database driver gives to store.c: SQLite (store/sqlite/) and PostgreSQL (store/postgresql/). */
#ifndef STORE_DRIVER_H
#define STORE_DRIVER_H

#include "store/store.h"

struct store_db;   /* a connection */
struct store_stmt; /* a statement under way */

struct store_driver {
    const char *has_versions; /* a query: is the table schema_migration there? */
    /* `make`: a database that is not there yet is made. */
    enum result (*open)(const char *where, bool make, struct store_db **ret, struct error *err);
    /* Is what is open still what `where` names? NULL: can't be asked, or can't change. */
    enum result (*check_place)(struct store_db *db, struct error *err);
    void (*close)(struct store_db *db);
    /* Several statements, without parameters. */
    enum result (*script)(struct store_db *db, const char *sql, struct error *err);
    enum result (*begin)(struct store_db *db, enum store_durability durability, struct error *err);
    enum result (*commit)(struct store_db *db, struct error *err);
    void (*rollback)(struct store_db *db);
    /* A transaction that only reads, of one moment; ended by `rollback`. */
    enum result (*begin_look)(struct store_db *db, struct error *err);
    enum result (*start)(struct store_db *db, const char *sql, const struct store_value *params, size_t count,
                         struct store_stmt **ret, struct error *err);
    enum result (*step)(struct store_stmt *st, struct error *err); /* OK: a row; R_EOF: done */
    /* The same without parameters, of a result that need not fit into memory. */
    enum result (*scan)(struct store_db *db, const char *sql, struct store_stmt **ret, struct error *err);
    int64_t (*changed)(struct store_db *db);
    int64_t (*get_int)(struct store_stmt *st, int column);
    struct slice (*get_text)(struct store_stmt *st, int column);
    bool (*is_null)(struct store_stmt *st, int column);
    void (*finish)(struct store_stmt *st);
    /* Of the present row: how many columns, their names, and what a value is. */
    size_t (*columns)(struct store_stmt *st);
    const char *(*name)(struct store_stmt *st, int column);
    enum store_kind (*kind)(struct store_stmt *st, int column);
    /* Does the database find itself whole? NULL: it can't be asked. */
    enum result (*sound)(struct store_db *db, struct error *err);
};

extern const struct store_driver store_sqlite_driver, store_postgresql_driver;

/* The parts of store_check_url() and store_files() that are PostgreSQL's. */
MUST_USE enum result store_postgresql_check(const char *url, struct error *err);
void store_postgresql_files(const char *url, store_file_fn *fn, void *ctx);

#endif
