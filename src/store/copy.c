/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store's rows out of one database and into another (copy.h). The tables stand here once more, by the version that
 * brought them: no SQL that both databases take lists them.
 */
#include "store/copy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/whole.h"

/* Who is referred to stands before who refers to it. */
static const struct {
    const char *name;
    int64_t since;
} tables[] = {
    {"sequence", 1},
    {"setting", 1},
    {"gateway", 1},
    {"connector", 1},
    {"revoked_role", 1},
    {"management_point", 1},
    {"endpoint", 1},
    {"device", 1},
    {"device_certificate", 1},
    {"device_token", 1},
    {"renewal", 1},
    {"removed_device", 1},
    {"bulk_token", 1},
    {"bulk_use", 1},
    {"policy", 1},
    {"trust", 1},
    {"nonce", 1},
    {"audit", 1},
    {"source", 2},
    {"tenant", 4},
    {"collection", 5},
    {"collection_member", 5},
    {"client_settings", 5},
    {"device_settings", 5},
    {"foreign_site", 6},
    {"question", 8},
    {"answer", 8},
    {"removed_credential", 14},
    {"went_back", 20},
    {"join_key", 23},
    {"alert_receiver", 28},
    {"alert", 28},
    {"alert_told", 28},
    {"alert_lease", 28},
    {"device_state", 29},
    {"device_message", 29},
    {"inventory", 29},
    {"inventory_change", 29},
    {"inventory_upload", 29},
    {"inventory_part", 29},
    {"notification", 30},
    {"notified", 30},
    {"content", 31},
    {"content_file", 31},
};

enum { STATEMENT_MAX = 4096, NAME_MAX_OF = 64 };

struct store_copy {
    struct store *store;
    int64_t version;
    bool under_way;                      /* a transaction */
    char *statements[ARRAY_LEN(tables)]; /* INSERTs; a driver may keep their addresses as long as it is open */
};

void store_copy_close(struct store_copy *c)
{
    if (!c)
        return;
    enum result given_up UNUSED = c->under_way ? store_end(c->store, R_AGAIN, NULL) : OK;
    store_close(c->store);
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        free(c->statements[i]);
    free(c);
}

enum result store_copy_knows(int64_t version, struct error *err)
{
    if (version >= 1 && version <= store_newest())
        return OK;
    return error_set(err, R_CONFLICT,
                     "its store has version %" PRId64 ", this program knows up to %" PRId64
                     ": use the program that wrote it, or a newer one",
                     version, store_newest());
}

/* --- out --- */

static enum result look(struct store_copy *c, struct error *err)
{
    enum result r = store_begin_look(c->store, err);
    if (r != OK)
        return r;
    c->under_way = true;
    r = store_version(c->store, &c->version, err);
    if (r == OK && c->version == 0)
        r = error_set(err, R_NOTFOUND, "the database is empty");
    return r == OK ? store_copy_knows(c->version, err) : r;
}

enum result store_copy_open(const char *where, struct store_copy **ret, int64_t *ret_version, struct error *err)
{
    struct store_copy *c = mem_zalloc(sizeof *c);
    enum result r = store_open_whole(where, false, &c->store, err);
    if (r == OK)
        r = look(c, err);
    if (r != OK) {
        store_copy_close(c);
        return r;
    }
    *ret = c;
    *ret_version = c->version;
    return OK;
}

enum result store_copy_sound(struct store_copy *c, struct error *err)
{
    return store_sound(c->store, err);
}

static enum result fill(struct store_rows *rows, struct store_copy_row *row, struct error *err)
{
    row->count = store_rows_count(rows);
    if (row->count > STORE_COPY_COLUMNS)
        return error_set(err, R_LIMIT, "table %s has more than %d columns", row->table, STORE_COPY_COLUMNS);
    for (size_t i = 0; i < row->count; i++) {
        row->columns[i] = store_rows_name(rows, (int)i);
        row->values[i] = store_rows_value(rows, (int)i);
    }
    return OK;
}

static enum result each_of(struct store_copy *c, const char *table, store_copy_fn *fn, void *ctx, struct error *err)
{
    char sql[sizeof "SELECT * FROM " + NAME_MAX_OF];
    struct store_copy_row row = {.table = table};
    struct store_rows *rows;
    (void)snprintf(sql, sizeof sql, "SELECT * FROM %s", table);
    enum result r = store_scan(c->store, sql, &rows, err);
    if (r != OK)
        return r;
    while (r == OK && (r = store_rows_next(rows, err)) == OK) {
        r = fill(rows, &row, err);
        if (r == OK)
            r = fn(ctx, &row, err);
    }
    store_rows_free(rows);
    return r == R_EOF ? OK : error_prefix(err, "table %s", table);
}

enum result store_copy_each(struct store_copy *c, store_copy_fn *fn, void *ctx, struct error *err)
{
    enum result r = OK;
    for (size_t i = 0; i < ARRAY_LEN(tables) && r == OK; i++) {
        if (tables[i].since <= c->version)
            r = each_of(c, tables[i].name, fn, ctx, err);
    }
    return r;
}

/* --- in --- */

/* What migrations put into an empty store is in the copy, too. */
static enum result clear(struct store_copy *c, struct error *err)
{
    enum result r = OK;
    for (size_t i = ARRAY_LEN(tables); i-- > 0 && r == OK;) {
        char sql[sizeof "DELETE FROM " + NAME_MAX_OF];
        struct store_rows *rows;
        (void)snprintf(sql, sizeof sql, "DELETE FROM %s", tables[i].name);
        if (tables[i].since > c->version)
            continue;
        r = store_scan(c->store, sql, &rows, err);
        if (r != OK)
            return r;
        r = store_rows_next(rows, err);
        r = r == R_EOF ? OK : r;
        store_rows_free(rows);
    }
    return r;
}

static enum result make_empty(struct store_copy *c, struct error *err)
{
    int64_t present;
    enum result r = store_begin(c->store, STORE_DURABLE, err);
    if (r != OK)
        return r;
    c->under_way = true;
    r = store_version(c->store, &present, err);
    if (r == OK && present != 0)
        r = error_set(err, R_CONFLICT, "there is a site in it already");
    if (r == OK)
        r = store_migrate_to(c->store, c->version, err);
    return r == OK ? clear(c, err) : r;
}

enum result store_copy_begin(const char *where, int64_t version, struct store_copy **ret, struct error *err)
{
    enum result r = store_copy_knows(version, err);
    if (r != OK)
        return r;
    struct store_copy *c = mem_zalloc(sizeof *c);
    c->version = version;
    r = store_open_whole(where, true, &c->store, err);
    if (r == OK)
        r = make_empty(c, err);
    if (r != OK) {
        store_copy_close(c);
        return r;
    }
    *ret = c;
    return OK;
}

static bool is_name(const char *text)
{
    size_t len = strlen(text);
    return len && len < NAME_MAX_OF && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

static enum result write_insert(struct buf *b, const struct store_copy_row *row)
{
    enum result r = buf_printf(b, "INSERT INTO %s", row->table);
    for (size_t i = 0; i < row->count && r == OK; i++)
        r = buf_printf(b, "%s%s", i ? ", " : " (", row->columns[i]);
    for (size_t i = 0; i < row->count && r == OK; i++)
        r = buf_printf(b, "%s$%zu", i ? ", " : ") VALUES (", i + 1);
    return r == OK ? buf_append_str(b, ")") : r;
}

/* The text is a program's own: of the table's name and of names of columns that hold letters alone. */
static enum result insert_of(struct store_copy *c, const struct store_copy_row *row, const char **ret,
                             struct error *err)
{
    size_t at = 0;
    while (at < ARRAY_LEN(tables) && (strcmp(tables[at].name, row->table) != 0 || tables[at].since > c->version))
        at++;
    bool known = at < ARRAY_LEN(tables) && row->count >= 1 && row->count <= STORE_COPY_COLUMNS;
    for (size_t i = 0; i < row->count && known; i++)
        known = is_name(row->columns[i]);
    if (!known)
        return error_set(err, R_INVALID, "no store of version %" PRId64 " has such a table: '%.64s'", c->version,
                         row->table);
    struct buf b;
    buf_init(&b, STATEMENT_MAX);
    if (write_insert(&b, row) != OK)
        fatal("store: an INSERT over %d bytes", STATEMENT_MAX);
    char *sql = buf_take_str(&b);
    buf_free(&b);
    if (c->statements[at] && strcmp(c->statements[at], sql) != 0) {
        free(sql);
        return error_set(err, R_INVALID, "rows of table %s differ in their columns", row->table);
    }
    if (c->statements[at])
        free(sql);
    else
        c->statements[at] = sql;
    *ret = c->statements[at];
    return OK;
}

enum result store_copy_put(struct store_copy *c, const struct store_copy_row *row, struct error *err)
{
    const char *sql = NULL;
    enum result r = insert_of(c, row, &sql, err);
    if (r == OK)
        r = store_exec(c->store, sql, row->values, row->count, NULL, err);
    return r == OK ? OK : error_prefix(err, "table %s", row->table);
}

enum result store_copy_end(struct store_copy *c, struct error *err)
{
    c->under_way = false;
    enum result r = store_end(c->store, store_migrate_to(c->store, store_newest(), err), err);
    return r == OK ? store_sound(c->store, err) : r;
}
