/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite driver: write-ahead log, so that readers of other processes never wait for a writer; prepared statements
 * are kept and used again. Durability is chosen per transaction by PRAGMA synchronous: FULL syncs the log at each
 * commit, NORMAL at checkpoints only.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/driver.h"

/* How long a lock of another process is waited for: until our first commit (it may be migrating), and later, when the
 * whole process waits meanwhile. After that was in vain nobody waits for a while. */
enum { START_MS = 10000, BUSY_MS = 500, HELD_MS = 2000, NAP_US = 2000 };

enum { KEPT = 128, PARAM_NAME = 8 };

struct store_stmt {
    struct store_db *db;
    sqlite3_stmt *stmt;
    bool busy;
    uint64_t used; /* by the connection's counter: the least one goes first */
};

struct store_db {
    sqlite3 *sqlite;
    struct stat file; /* as it was when it was opened */
    enum store_durability durability;
    uint64_t counter;
    int64_t changed;
    bool started;
    uint64_t waits_since, held_until; /* of a lock; clock_mono_ms */
    struct store_stmt kept[KEPT];
};

static enum result fail(struct store_db *db, int rc, struct error *err)
{
    const char *what = db->sqlite ? sqlite3_errmsg(db->sqlite) : sqlite3_errstr(rc);
    switch (rc & 0xff) {
    case SQLITE_CONSTRAINT:
        return error_set(err, R_CONFLICT, "the store: %s", what);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(err, R_AGAIN, "the store is held by another process: %s", what);
    case SQLITE_NOMEM:
        fatal("out of memory (SQLite)");
    default:
        return error_set(err, R_IO, "the store: %s", what);
    }
}

/* SQLite makes its log with the database's mode, so the database is made private before SQLite sees it. */
static enum result make_private(const char *path, bool make, struct stat *ret, struct error *err)
{
    int fd = open(path, O_RDWR | (make ? O_CREAT : 0) | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set(err, errno == ENOENT && !make ? R_NOTFOUND : R_IO, "can't open the database: %s",
                         strerror(errno));
    bool open_to_others = fstat(fd, ret) != 0 || (ret->st_mode & 077);
    (void)close(fd);
    if (open_to_others)
        return error_set(err, R_DENIED, "the database can be read by others: chmod 600 it");
    return OK;
}

static enum result script(struct store_db *db, const char *sql, struct error *err)
{
    int rc = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? OK : fail(db, rc, err);
}

static void close_db(struct store_db *db)
{
    for (size_t i = 0; i < KEPT; i++)
        sqlite3_finalize(db->kept[i].stmt);
    sqlite3_close(db->sqlite);
    free(db);
}

/* For sqlite3_busy_handler: 0, give up. */
static int wait_for_lock(void *arg, int tries)
{
    struct store_db *db = arg;
    uint64_t now = clock_mono_ms(), patience = !db->started ? START_MS : now < db->held_until ? 0 : BUSY_MS;
    if (tries == 0)
        db->waits_since = now;
    if (now - db->waits_since < patience) {
        (void)usleep(NAP_US);
        return 1;
    }
    if (patience)
        db->held_until = now + HELD_MS;
    return 0;
}

/* What does not fit into memory goes to files without names: beside the database, not into a folder that is everybody's
 * and that a daemon in its sandbox does not reach. SQLite has one such folder a process; the first database gives it.
 */
static void spill_beside(const char *path)
{
    const char *end = strrchr(path, '/');
    if (end && !sqlite3_temp_directory)
        sqlite3_temp_directory = sqlite3_mprintf("%.*s", (int)(end - path + 1), path);
}

static enum result open_db(const char *path, bool make, struct store_db **ret, struct error *err)
{
    struct stat file;
    enum result r = make_private(path, make, &file, err);
    if (r != OK)
        return r;
    struct store_db *db = mem_zalloc(sizeof *db);
    db->file = file;
    spill_beside(path);
    int rc = sqlite3_open_v2(path, &db->sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    r = rc == SQLITE_OK ? OK : fail(db, rc, err);
    if (r == OK) {
        (void)sqlite3_extended_result_codes(db->sqlite, 1);
        (void)sqlite3_busy_handler(db->sqlite, wait_for_lock, db);
        r = script(db,
                   "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; PRAGMA synchronous = NORMAL;"
                   "PRAGMA trusted_schema = OFF;",
                   err);
    }
    if (r != OK) {
        close_db(db);
        return r;
    }
    *ret = db;
    return OK;
}

static enum result check_place(struct store_db *db, struct error *err)
{
    const char *path = sqlite3_db_filename(db->sqlite, "main");
    struct stat now;
    if (stat(path, &now) == 0 && now.st_dev == db->file.st_dev && now.st_ino == db->file.st_ino)
        return OK;
    return error_set(err, R_IO, "the store's file %s was deleted or replaced while it is in use", path);
}

static enum result begin(struct store_db *db, enum store_durability durability, struct error *err)
{
    enum result r = OK;
    if (durability != db->durability)
        r = script(db, durability == STORE_DURABLE ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", err);
    if (r == OK) {
        db->durability = durability;
        r = script(db, "BEGIN IMMEDIATE", err);
    }
    return r;
}

static enum result commit(struct store_db *db, struct error *err)
{
    enum result r = script(db, "COMMIT", err);
    db->started |= r == OK;
    return r;
}

static void rollback(struct store_db *db)
{
    if (!sqlite3_get_autocommit(db->sqlite))
        (void)script(db, "ROLLBACK", NULL);
}

/* The moment is that of the first statement. A reader of a write-ahead log holds up no writer; only the log can't be
 * begun anew as long. */
static enum result begin_look(struct store_db *db, struct error *err)
{
    return script(db, "BEGIN", err);
}

/* --- statements --- */

/* The kept statement of this text, or a free place for it: empty, or the one that was used least lately. */
static struct store_stmt *place_for(struct store_db *db, const char *sql)
{
    struct store_stmt *oldest = NULL;
    for (size_t i = 0; i < KEPT; i++) {
        struct store_stmt *st = &db->kept[i];
        if (st->busy)
            continue;
        if (st->stmt && strcmp(sqlite3_sql(st->stmt), sql) == 0)
            return st;
        if (!oldest || st->used < oldest->used)
            oldest = st;
    }
    if (!oldest)
        fatal("store: %d statements under way at once", KEPT);
    sqlite3_finalize(oldest->stmt);
    *oldest = (struct store_stmt){.db = db};
    return oldest;
}

static int bind_value(sqlite3_stmt *stmt, int at, const struct store_value *v)
{
    static const char nothing[] = "";
    const char *bytes = v->bytes.ptr ? v->bytes.ptr : nothing;
    switch (v->kind) {
    case STORE_TEXT:
        return sqlite3_bind_text64(stmt, at, bytes, v->bytes.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    case STORE_INT:
        return sqlite3_bind_int64(stmt, at, v->number);
    case STORE_NULL:
    default:
        return sqlite3_bind_null(stmt, at);
    }
}

static int bind_all(sqlite3_stmt *stmt, const struct store_value *params, size_t count)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; i < count && rc == SQLITE_OK; i++) {
        char name[PARAM_NAME];
        (void)snprintf(name, sizeof name, "$%zu", i + 1);
        int at = sqlite3_bind_parameter_index(stmt, name);
        if (at)
            rc = bind_value(stmt, at, &params[i]);
    }
    return rc;
}

static void finish(struct store_stmt *st)
{
    (void)sqlite3_reset(st->stmt);
    (void)sqlite3_clear_bindings(st->stmt);
    st->busy = false;
}

static enum result start(struct store_db *db, const char *sql, const struct store_value *params, size_t count,
                         struct store_stmt **ret, struct error *err)
{
    struct store_stmt *st = place_for(db, sql);
    int rc = SQLITE_OK;
    if (!st->stmt)
        rc = sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &st->stmt, NULL);
    if (rc == SQLITE_OK)
        rc = bind_all(st->stmt, params, count);
    if (rc != SQLITE_OK)
        return fail(db, rc, err);
    st->busy = true;
    st->used = ++db->counter;
    *ret = st;
    return OK;
}

static enum result step(struct store_stmt *st, struct error *err)
{
    int rc = sqlite3_step(st->stmt);
    if (rc == SQLITE_ROW)
        return OK;
    if (rc != SQLITE_DONE)
        return fail(st->db, rc, err);
    st->db->changed = sqlite3_changes64(st->db->sqlite);
    return R_EOF;
}

static int64_t changed(struct store_db *db)
{
    return db->changed;
}

static int64_t get_int(struct store_stmt *st, int column)
{
    return sqlite3_column_int64(st->stmt, column);
}

static struct slice get_text(struct store_stmt *st, int column)
{
    if (sqlite3_column_type(st->stmt, column) == SQLITE_NULL)
        return SLICE_NONE;
    const char *bytes = (const char *)sqlite3_column_text(st->stmt, column);
    return slice_make(bytes ? bytes : "", (size_t)sqlite3_column_bytes(st->stmt, column));
}

static bool is_null(struct store_stmt *st, int column)
{
    return sqlite3_column_type(st->stmt, column) == SQLITE_NULL;
}

static enum result scan(struct store_db *db, const char *sql, struct store_stmt **ret, struct error *err)
{
    return start(db, sql, NULL, 0, ret, err);
}

static size_t columns(struct store_stmt *st)
{
    return (size_t)sqlite3_column_count(st->stmt);
}

static const char *name(struct store_stmt *st, int column)
{
    return sqlite3_column_name(st->stmt, column);
}

static enum store_kind kind(struct store_stmt *st, int column)
{
    int type = sqlite3_column_type(st->stmt, column);
    return type == SQLITE_NULL ? STORE_NULL : type == SQLITE_INTEGER ? STORE_INT : STORE_TEXT;
}

static enum result sound(struct store_db *db, struct error *err)
{
    struct store_stmt *st;
    enum result r = start(db, "PRAGMA integrity_check(1)", NULL, 0, &st, err);
    if (r != OK)
        return r;
    r = step(st, err);
    struct slice told = r == OK ? get_text(st, 0) : SLICE_NONE;
    if (r == OK && !slice_eq(told, SLICE("ok")))
        r = error_set(err, R_IO, "the database is damaged: %.*s", (int)(told.len > 200 ? 200 : told.len), told.ptr);
    finish(st);
    return r;
}

const struct store_driver store_sqlite_driver = {
    .has_versions = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'schema_migration'",
    .open = open_db,
    .check_place = check_place,
    .close = close_db,
    .script = script,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .begin_look = begin_look,
    .scan = scan,
    .columns = columns,
    .name = name,
    .kind = kind,
    .sound = sound,
    .start = start,
    .step = step,
    .changed = changed,
    .get_int = get_int,
    .get_text = get_text,
    .is_null = is_null,
    .finish = finish,
};
