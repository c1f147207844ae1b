/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of tables content and content_file. */
#include "store/targeting/content.h"

#include "base/clock.h"
#include "store/row.h"

#define COLUMNS "SELECT name, version, added, files, size FROM content "

static void read_content(struct store_reader *r, void *ret)
{
    struct store_content *c = ret;
    c->name = store_read_text(r, 0);
    c->version = store_read_text(r, 1);
    c->added = store_read_int(r, 2);
    c->files = store_read_int(r, 3);
    c->size = store_read_int(r, 4);
}

static void read_file(struct store_reader *r, void *ret)
{
    struct store_content_file *f = ret;
    f->path = store_read_text(r, 0);
    f->sha256 = store_read_text(r, 1);
    f->size = store_read_int(r, 2);
    f->executable = store_read_int(r, 3) != 0;
}

static enum result add_file(struct store *s, const struct store_content *c, const struct store_content_file *f,
                            struct error *err)
{
    return store_exec(s,
                      "INSERT INTO content_file (name, version, path, sha256, size, executable) "
                      "VALUES ($1, $2, $3, $4, $5, $6)",
                      STORE_PARAMS(STORE_T(c->name), STORE_T(c->version), STORE_T(f->path), STORE_T(f->sha256),
                                   STORE_N(f->size), STORE_N(f->executable)),
                      NULL, err);
}

static enum result add(struct store *s, const struct store_content *c, const struct store_content_file *files,
                       struct error *err)
{
    int64_t changed;
    enum result r = store_exec(s,
                               "INSERT INTO content (name, version, added, files, size) VALUES ($1, $2, $3, $4, $5) "
                               "ON CONFLICT (name, version) DO NOTHING",
                               STORE_PARAMS(STORE_T(c->name), STORE_T(c->version), STORE_N(clock_wall_s()),
                                            STORE_N(c->files), STORE_N(c->size)),
                               &changed, err);
    if (r == OK && !changed)
        return error_set(err, R_CONFLICT, "content '%s' has a version %s already, and a version never changes", c->name,
                         c->version);
    for (int64_t i = 0; r == OK && i < c->files; i++)
        r = add_file(s, c, &files[i], err);
    return r;
}

enum result store_content_add(struct store *s, const struct store_content *c, const struct store_content_file *files,
                              struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    return store_end(s, add(s, c, files, err), err);
}

enum result store_content_get(struct store *s, struct arena *arena, const char *name, const char *version,
                              struct store_content *ret, struct error *err)
{
    static const struct store_select select = {
        COLUMNS "WHERE name = $1 AND (version = $2 OR $2 = '') ORDER BY added DESC, version DESC LIMIT 1", sizeof *ret,
        read_content};
    return store_select_one(s, &select, STORE_PARAMS(STORE_T(name), STORE_T(version)), arena, ret,
                            "content of this name and version", err);
}

enum result store_content_files(struct store *s, struct arena *arena, const char *name, const char *version,
                                struct store_content_file **ret, size_t *ret_count, struct error *err)
{
    static const struct store_select select = {
        "SELECT path, sha256, size, executable FROM content_file WHERE name = $1 AND version = $2 ORDER BY path",
        sizeof **ret, read_file};
    return store_select_all(s, &select, STORE_PARAMS(STORE_T(name), STORE_T(version)), arena, ret, ret_count, err);
}

enum result store_content_page(struct store *s, struct arena *arena, const char *after, int64_t limit,
                               struct store_content **ret, size_t *ret_count, struct error *err)
{
    static const struct store_select select = {
        COLUMNS "WHERE name || '/' || version > $1 ORDER BY name || '/' || version LIMIT $2", sizeof **ret,
        read_content};
    return store_select_all(s, &select, STORE_PARAMS(STORE_T(after), STORE_N(limit)), arena, ret, ret_count, err);
}

enum result store_content_remove(struct store *s, const char *name, const char *version, struct error *err)
{
    int64_t brought;
    enum result r = store_query_int(s, "SELECT COUNT(*) FROM policy WHERE content_name = $1 AND content_version = $2",
                                    STORE_PARAMS(STORE_T(name), STORE_T(version)), &brought, err);
    if (r == OK && brought)
        return error_set(err, R_CONFLICT, "%lld policies bring it to devices", (long long)brought);
    if (r != OK)
        return r;
    return store_change(s, "DELETE FROM content WHERE name = $1 AND version = $2",
                        STORE_PARAMS(STORE_T(name), STORE_T(version)), "content of this name and version", err);
}

enum result store_content_uses(struct store *s, const char *sha256, int64_t *ret, struct error *err)
{
    return store_query_int(s, "SELECT COUNT(*) FROM content_file WHERE sha256 = $1", STORE_PARAMS(STORE_T(sha256)), ret,
                           err);
}
