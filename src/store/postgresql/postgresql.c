/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL driver, on libpq. A transaction takes the site's advisory lock at once, so that the processes which
 * share a store change it one after the other, as SQLite's write lock makes them. Each text of a statement is prepared
 * once a connection; all texts are this program's own, so there is an end to them.
 *
 * A connection that was lost between two transactions is made again before the next; one that is lost within fails that
 * one transaction, of which PostgreSQL then keeps nothing.
 */
#include <endian.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/driver.h"

enum {
    KEPT = 512,
    PARAMS_MAX = 32,
    STATE_SIZE = 5,
    TEXT_OID = 25,
    INT8_OID = 20,
    BINARY = 1,
    AS_TEXT = 0,
    REST_MS = 1000
};

struct store_stmt {
    struct store_db *db;
    PGresult *rows;
    int row;
    bool streams, ended; /* it comes row by row; the last one came */
};

struct store_db {
    PGconn *conn;
    bool inside;      /* a transaction */
    uint64_t down_ms; /* when it was last tried in vain to connect again */
    int64_t changed;
    const char *kept[KEPT]; /* prepared under the name of its index; NULL after the last */
};

/* --- failing --- */

/* What SQLSTATE (PostgreSQL's Appendix A) means to a caller, by its first characters; R_IO where none fits. */
static const struct {
    const char *state, *told;
    enum result result;
} faults[] = {
    {"23", "", R_CONFLICT},
    {"22", "", R_INVALID},
    {"40", "another process changed the same at once, try again: ", R_AGAIN},
    {"55P03", "it is held by another process: ", R_AGAIN},
    {"57014", "it took too long: ", R_AGAIN},
};

/* libpq's messages end with a line feed and may have several lines; the first says what it is. */
static int first_line(const char *text)
{
    return (int)strcspn(text, "\n");
}

static enum result fail(const struct store_db *db, const PGresult *res, struct error *err)
{
    const char *state = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
    const char *what = res ? PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    if (!state) {
        what = PQerrorMessage(db->conn);
        return error_set(err, R_AGAIN, "PostgreSQL can't be reached: %.*s: see that it runs and lets this user in",
                         first_line(what), what);
    }
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        if (strncmp(state, faults[i].state, strlen(faults[i].state)) == 0)
            return error_set(err, faults[i].result, "the store: %s%s", faults[i].told, what);
    }
    return error_set(err, R_IO, "the store: %s (SQLSTATE %.*s)", what, STATE_SIZE, state);
}

static bool worked(const PGresult *res)
{
    ExecStatusType status = PQresultStatus(res);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

/* Takes `res`. */
static enum result outcome(struct store_db *db, PGresult *res, struct error *err)
{
    enum result r = worked(res) ? OK : fail(db, res, err);
    PQclear(res);
    return r;
}

static enum result script(struct store_db *db, const char *sql, struct error *err)
{
    return outcome(db, PQexec(db->conn, sql), err);
}

/* --- connecting --- */

enum { OPTIONS_MAX = 64 };
struct options {
    const char *names[OPTIONS_MAX], *values[OPTIONS_MAX];
    size_t count;
};

static const char *option(const PQconninfoOption *all, const char *name)
{
    for (; all->keyword; all++) {
        if (strcmp(all->keyword, name) == 0)
            return all->val;
    }
    return NULL;
}

static void put(struct options *o, const char *name, const char *value)
{
    if (o->count + 1 >= OPTIONS_MAX)
        fatal("store: libpq knows more than %d options", OPTIONS_MAX);
    o->names[o->count] = name;
    o->values[o->count++] = value;
}

/* Over a network PostgreSQL must prove who it is, unless the URL says otherwise in words. */
static bool is_local(const PQconninfoOption *all)
{
    const char *host = option(all, "host");
    return !host || !*host || *host == '/' || *host == '@';
}

static void fill(struct options *o, const PQconninfoOption *given)
{
    put(o, "application_name", "OpenCMG");
    put(o, "connect_timeout", "5");
    put(o, "tcp_user_timeout", "15000");
    if (!is_local(given))
        put(o, "sslmode", "verify-full");
    for (; given->keyword; given++) {
        if (given->val)
            put(o, given->keyword, given->val); /* of two the last one counts */
    }
}

static enum result parse(const char *url, PQconninfoOption **ret, struct error *err)
{
    char *why = NULL;
    enum result r = OK;
    *ret = PQconninfoParse(url, &why);
    if (!*ret)
        r = error_set(err, R_INVALID, "it is no URL of PostgreSQL's (postgresql://USER@HOST/DATABASE)");
    else if (option(*ret, "password"))
        r = error_set(err, R_DENIED,
                      "do not put the password in the URL; put it in a file with mode 0600 and add "
                      "?passfile=FILE");
    PQfreemem(why);
    return r;
}

enum result store_postgresql_check(const char *url, struct error *err)
{
    PQconninfoOption *given;
    enum result r = parse(url, &given, err);
    PQconninfoFree(given);
    return r;
}

static void name_files(const PQconninfoOption *options, store_file_fn *fn, void *ctx)
{
    static const char *const holding[] = {"passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir"};
    for (size_t i = 0; options && i < ARRAY_LEN(holding); i++) {
        const char *path = option(options, holding[i]);
        if (path)
            fn(ctx, path);
    }
}

/* Those in the home of the user need no name: a daemon's home is its state. */
void store_postgresql_files(const char *url, store_file_fn *fn, void *ctx)
{
    PQconninfoOption *given = PQconninfoParse(url, NULL), *usual = PQconndefaults();
    name_files(given, fn, ctx);
    name_files(usual, fn, ctx);
    PQconninfoFree(given);
    PQconninfoFree(usual);
}

/* What each connection is told first. Isolation: a statement sees what was committed while the lock was waited for,
 * whatever the database does usually; a transaction's one snapshot would be of before. */
static enum result greet(struct store_db *db, struct error *err)
{
    memset(db->kept, 0, sizeof db->kept);
    db->inside = false;
    if (PQstatus(db->conn) != CONNECTION_OK)
        return fail(db, NULL, err);
    return script(db,
                  "SET client_encoding = 'UTF8'; SET client_min_messages = warning; SET lock_timeout = '10s';"
                  "SET statement_timeout = '60s'; SET idle_in_transaction_session_timeout = '60s';"
                  "SET default_transaction_isolation = 'read committed'",
                  err);
}

static void ignore_notice(void *arg, const PGresult *res)
{
    (void)arg;
    (void)res;
}

static void close_db(struct store_db *db)
{
    PQfinish(db->conn);
    free(db);
}

static enum result open_db(const char *url, bool make, struct store_db **ret, struct error *err)
{
    (void)make; /* the database is there, or nothing is; store.c looks what it holds */
    PQconninfoOption *given;
    enum result r = parse(url, &given, err);
    if (r == OK) {
        struct options o = {.count = 0};
        struct store_db *db = mem_zalloc(sizeof *db);
        fill(&o, given);
        db->conn = PQconnectdbParams(o.names, o.values, 0);
        if (!db->conn)
            fatal("out of memory (libpq)");
        (void)PQsetNoticeReceiver(db->conn, ignore_notice, NULL);
        r = greet(db, err);
        if (r == OK)
            *ret = db;
        else
            close_db(db);
    }
    PQconninfoFree(given);
    return r;
}

/* Between transactions: has the other side hung up meanwhile? The first look may find its farewell, the second the
 * end. */
static enum result be_connected(struct store_db *db, struct error *err)
{
    if (db->inside)
        return OK;
    // NOLINTNEXTLINE(misc-redundant-expression): twice, as said above
    if (PQconsumeInput(db->conn) && PQconsumeInput(db->conn) && PQstatus(db->conn) == CONNECTION_OK)
        return OK;
    if (db->down_ms && clock_mono_ms() - db->down_ms < REST_MS)
        return fail(db, NULL, err); /* each try may take connect_timeout, and all wait for it */
    PQreset(db->conn);
    enum result r = greet(db, err);
    db->down_ms = r == OK ? 0 : clock_mono_ms();
    return r;
}

/* --- transactions --- */

/* Durable is as durable as the server is set up to be. */
#define LOCK "SELECT pg_advisory_xact_lock(17224129)" /* one number for all sites: a database holds one */
static enum result begin(struct store_db *db, enum store_durability durability, struct error *err)
{
    enum result r = be_connected(db, err);
    if (r != OK)
        return r;
    db->inside = true;
    r = script(db, durability == STORE_DURABLE ? "BEGIN; " LOCK : "BEGIN; SET LOCAL synchronous_commit = off; " LOCK,
               err);
    if (r != OK) {
        (void)script(db, "ROLLBACK", NULL);
        db->inside = false;
    }
    return r;
}

/* COMMIT of a transaction that failed answers with the tag ROLLBACK. */
static enum result commit(struct store_db *db, struct error *err)
{
    PGresult *res = PQexec(db->conn, "COMMIT");
    bool rolled_back = worked(res) && strcmp(PQcmdStatus(res), "COMMIT") != 0;
    enum result r = outcome(db, res, err);
    db->inside = false;
    return rolled_back ? error_set(err, R_IO, "the store rolled the change back: a statement of it had failed") : r;
}

static void rollback(struct store_db *db)
{
    if (db->inside)
        (void)script(db, "ROLLBACK", NULL);
    db->inside = false;
}

/* The server's limits on time are for those whom others wait for. */
static enum result begin_look(struct store_db *db, struct error *err)
{
    enum result r = be_connected(db, err);
    if (r != OK)
        return r;
    db->inside = true;
    r = script(db,
               "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0;"
               "SET LOCAL idle_in_transaction_session_timeout = 0",
               err);
    if (r != OK)
        rollback(db);
    return r;
}

/* --- statements --- */

struct params {
    Oid types[PARAMS_MAX];
    const char *values[PARAMS_MAX];
    int lengths[PARAMS_MAX], formats[PARAMS_MAX];
    uint64_t numbers[PARAMS_MAX]; /* in network order, as PostgreSQL's binary form has them */
};

static void bind_one(struct params *p, size_t i, const struct store_value *v)
{
    p->formats[i] = BINARY;
    if (v->kind == STORE_INT) {
        p->types[i] = INT8_OID;
        p->numbers[i] = htobe64((uint64_t)v->number);
        p->values[i] = (const char *)&p->numbers[i];
        p->lengths[i] = sizeof p->numbers[i];
    } else if (v->kind == STORE_TEXT) {
        p->types[i] = TEXT_OID;
        p->values[i] = v->bytes.ptr ? v->bytes.ptr : "";
        p->lengths[i] = (int)v->bytes.len;
    }
}

static enum result bind_all(struct params *p, const struct store_value *values, size_t count, struct error *err)
{
    memset(p, 0, sizeof *p);
    if (count > PARAMS_MAX)
        fatal("store: %zu parameters, at most %d", count, PARAMS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (values[i].bytes.len > INT32_MAX)
            return error_set(err, R_LIMIT, "the store takes no text over 2 GB");
        bind_one(p, i, &values[i]);
    }
    return OK;
}

/* The number under which `sql` is prepared; KEPT: no place is left for it; -1: failed. */
static int prepared(struct store_db *db, const char *sql, const struct params *p, size_t count, struct error *err)
{
    int i = 0;
    while (i < KEPT && db->kept[i] && strcmp(db->kept[i], sql) != 0)
        i++;
    if (i == KEPT || db->kept[i])
        return i;
    char name[16];
    (void)snprintf(name, sizeof name, "s%d", i);
    if (outcome(db, PQprepare(db->conn, name, sql, (int)count, p->types), err) != OK)
        return -1;
    db->kept[i] = sql;
    return i;
}

/* Without a place among the prepared ones it is parsed each time. */
static PGresult *run(struct store_db *db, int number, const char *sql, const struct params *p, size_t count)
{
    char name[16];
    (void)snprintf(name, sizeof name, "s%d", number);
    if (number == KEPT)
        return PQexecParams(db->conn, sql, (int)count, p->types, p->values, p->lengths, p->formats, AS_TEXT);
    return PQexecPrepared(db->conn, name, (int)count, p->values, p->lengths, p->formats, AS_TEXT);
}

static enum result start(struct store_db *db, const char *sql, const struct store_value *values, size_t count,
                         struct store_stmt **ret, struct error *err)
{
    struct params p;
    enum result r = bind_all(&p, values, count, err);
    if (r == OK)
        r = be_connected(db, err);
    if (r != OK)
        return r;
    int number = prepared(db, sql, &p, count, err);
    if (number < 0)
        return err ? err->code : R_AGAIN;
    PGresult *res = run(db, number, sql, &p, count);
    if (!worked(res))
        return outcome(db, res, err);
    db->changed = strtoll(PQcmdTuples(res), NULL, 10);
    *ret = mem_zalloc(sizeof **ret);
    **ret = (struct store_stmt){db, res, -1};
    return OK;
}

static enum result scan(struct store_db *db, const char *sql, struct store_stmt **ret, struct error *err)
{
    if (PQsendQuery(db->conn, sql) != 1 || PQsetSingleRowMode(db->conn) != 1)
        return fail(db, NULL, err);
    *ret = mem_zalloc(sizeof **ret);
    **ret = (struct store_stmt){.db = db, .streams = true};
    return OK;
}

static void take_rest(struct store_stmt *st)
{
    PQclear(st->rows);
    while ((st->rows = PQgetResult(st->db->conn)))
        PQclear(st->rows);
    st->ended = true;
}

static enum result next_of_stream(struct store_stmt *st, struct error *err)
{
    PQclear(st->rows);
    st->rows = PQgetResult(st->db->conn);
    st->row = 0;
    if (PQresultStatus(st->rows) == PGRES_SINGLE_TUPLE)
        return OK;
    enum result r = worked(st->rows) ? R_EOF : fail(st->db, st->rows, err);
    take_rest(st);
    return r;
}

static enum result step(struct store_stmt *st, struct error *err)
{
    if (st->streams)
        return next_of_stream(st, err);
    return ++st->row < PQntuples(st->rows) ? OK : R_EOF;
}

static int64_t changed(struct store_db *db)
{
    return db->changed;
}

static bool is_null(struct store_stmt *st, int column)
{
    return PQgetisnull(st->rows, st->row, column);
}

static struct slice get_text(struct store_stmt *st, int column)
{
    if (is_null(st, column))
        return SLICE_NONE;
    return slice_make(PQgetvalue(st->rows, st->row, column), (size_t)PQgetlength(st->rows, st->row, column));
}

static int64_t get_int(struct store_stmt *st, int column)
{
    return strtoll(PQgetvalue(st->rows, st->row, column), NULL, 10);
}

static size_t columns(struct store_stmt *st)
{
    return (size_t)PQnfields(st->rows);
}

static const char *name(struct store_stmt *st, int column)
{
    return PQfname(st->rows, column);
}

static enum store_kind kind(struct store_stmt *st, int column)
{
    if (is_null(st, column))
        return STORE_NULL;
    return PQftype(st->rows, column) == INT8_OID ? STORE_INT : STORE_TEXT;
}

/* Who wants no more of a stream tells the server so, and takes what is on its way. */
static void finish(struct store_stmt *st)
{
    PGcancel *cancel = st->streams && !st->ended ? PQgetCancel(st->db->conn) : NULL;
    char why[256];
    if (cancel)
        (void)PQcancel(cancel, why, sizeof why);
    PQfreeCancel(cancel);
    if (st->streams && !st->ended)
        take_rest(st);
    PQclear(st->rows);
    free(st);
}

const struct store_driver store_postgresql_driver = {
    .has_versions = "SELECT CAST(to_regclass('schema_migration') IS NOT NULL AS INT)",
    .open = open_db,
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
    .start = start,
    .step = step,
    .changed = changed,
    .get_int = get_int,
    .get_text = get_text,
    .is_null = is_null,
    .finish = finish,
};
