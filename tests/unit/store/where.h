/* SPDX-License-Identifier: Apache-2.0 */
/* An empty store for a test: SQLite's in a temporary folder or, when CMG_TEST_STORE names a database, PostgreSQL's,
 * which is emptied. So the same tests run on both. */
#ifndef TESTS_STORE_WHERE_H
#define TESTS_STORE_WHERE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/store.h"

struct store_where {
    char dir[64], path[96];
    const char *url; /* what store_open takes */
    bool is_a_file;
};

static inline enum result store_where_empty(const char *url, struct error *err)
{
    struct store *s;
    enum result r = store_open(url, true, &s, err);
    if (r != OK)
        return r;
    static const char *const statements[] = {"DROP SCHEMA public CASCADE", "CREATE SCHEMA public"};
    for (size_t i = 0; i < ARRAY_LEN(statements) && r == OK; i++)
        r = store_exec(s, statements[i], STORE_NO_PARAMS, NULL, err);
    store_close(s);
    return r;
}

static inline enum result store_where_new(struct store_where *w, struct error *err)
{
    const char *given = getenv("CMG_TEST_STORE");
    (void)snprintf(w->dir, sizeof w->dir, "%s", "/tmp/opencmg-store-XXXXXX");
    if (!mkdtemp(w->dir))
        return error_set(err, R_IO, "no temporary folder");
    (void)snprintf(w->path, sizeof w->path, "%s/site.db", w->dir);
    w->is_a_file = !given;
    w->url = given ? given : w->path;
    return given ? store_where_empty(given, err) : OK;
}

static inline void store_where_remove(const struct store_where *w)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s%s", w->path, endings[i]);
        (void)unlink(path);
    }
    (void)rmdir(w->dir);
}

#endif
