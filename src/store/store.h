/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The site's database: one thin API over SQL, with a driver below it: SQLite or PostgreSQL, with the same SQL.
 * Parameters are $1, $2, …; values never become part of the text. One store belongs to one thread; several processes
 * may open the same database.
 *
 * The nouns (store/device/device.h and so on) are what programs use; SQL stays in src/store.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/error.h"
#include "base/slice.h"

struct store;
struct store_rows;

enum store_kind { STORE_NULL, STORE_TEXT, STORE_INT };
struct store_value {
    enum store_kind kind;
    struct slice bytes; /* borrowed for the call */
    int64_t number;
};
/* Parameters: a slice or C string without a pointer becomes NULL. */
#define STORE_S(slice) store_value_text(slice)
#define STORE_T(cstr) store_value_text(slice_of(cstr))
#define STORE_N(value) ((struct store_value){STORE_INT, SLICE_NONE, (int64_t)(value)})
struct store_value store_value_text(struct slice text);

#define STORE_PARAMS(...)                                                                                              \
    (const struct store_value[]){__VA_ARGS__},                                                                         \
        sizeof((const struct store_value[]){__VA_ARGS__}) / sizeof(struct store_value)
#define STORE_NO_PARAMS NULL, 0

/* Opens the store and brings its schema up to date: the PostgreSQL database that `where` names
 * ("postgresql://USER@HOST/DATABASE", RFC 3986 with libpq's parameters), else the SQLite database at that path, which
 * is 0600. A store that is not there, or empty, is made when `make` says so, else it is R_NOTFOUND: a disk that is not
 * mounted must not become an empty site. R_CONFLICT when a newer version of the program wrote it; R_DENIED, R_INVALID
 * as store_check_url(). */
MUST_USE enum result store_open(const char *where, bool make, struct store **ret, struct error *err);
void store_close(struct store *s); /* NULL allowed */

/* R_IO: the database's file was deleted or replaced since it was opened; what is written goes nowhere, so store_begin()
 * refuses, too. */
MUST_USE enum result store_check_place(struct store *s, struct error *err);

/* Is `where` a URL that store_open takes? R_DENIED: it holds a password; R_INVALID: it is none. */
MUST_USE enum result store_check_url(const char *where, struct error *err);

/* Names the files that such a URL and the environment name to the driver: of the password, of certificates. It reads
 * them each time that it connects. Nothing for what is no URL. */
typedef void store_file_fn(void *ctx, const char *path);
void store_files(const char *where, store_file_fn *fn, void *ctx);

/* One statement without rows. *changed (NULL allowed): rows inserted, updated or deleted. R_CONFLICT: a constraint
 * (unique, foreign key) says no; R_AGAIN: another process holds the database for too long, or it can't be reached now.
 */
MUST_USE enum result store_exec(struct store *s, const char *sql, const struct store_value *params, size_t count,
                                int64_t *changed, struct error *err);

/* One statement with rows. The caller store_rows_free()s *ret, before the transaction ends. */
MUST_USE enum result store_query(struct store *s, const char *sql, const struct store_value *params, size_t count,
                                 struct store_rows **ret, struct error *err);
/* OK: a row; R_EOF: no more (err untouched); else failed. */
MUST_USE enum result store_rows_next(struct store_rows *r, struct error *err);
/* Of the present row, by column from 0; texts are borrowed until the next row. NULL reads as 0 or SLICE_NONE. */
int64_t store_rows_int(struct store_rows *r, int column);
struct slice store_rows_text(struct store_rows *r, int column);
bool store_rows_null(struct store_rows *r, int column);
void store_rows_free(struct store_rows *r); /* NULL allowed */

/* The first row's first column as a number. R_NOTFOUND: no row. */
MUST_USE enum result store_query_int(struct store *s, const char *sql, const struct store_value *params, size_t count,
                                     int64_t *ret, struct error *err);

/* Transactions take the write lock at once. STORE_DURABLE: a commit is on the disk when it returns; STORE_QUICK: the
 * last ones may be lost with the machine's power, never half of one. They nest: the outermost one counts, and an inner
 * one that failed makes it fail. A durable one inside a quick one is a bug. */
enum store_durability { STORE_QUICK, STORE_DURABLE };
MUST_USE enum result store_begin(struct store *s, enum store_durability durability, struct error *err);
/* With OK commits, else rolls back; returns what became of it: `return store_end(s, r, err)`. */
MUST_USE enum result store_end(struct store *s, enum result so_far, struct error *err);

/* Called after each commit that bumped a sequence (store/sequence.h), from inside store_end: post, don't work. */
void store_on_bump(struct store *s, void (*fn)(void *arg), void *arg);
/* Of store/sequence.c: remembers that this transaction bumped one. */
void store_mark_bumped(struct store *s);

#endif
