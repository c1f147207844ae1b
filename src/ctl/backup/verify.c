/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at every part of a backup without writing anything (backup.h). */
#include "ctl/backup/backup.h"

#include <stdlib.h>

#include "ctl/backup/rows.h"

struct verifying {
    json_t *about, *rows, *told;
    size_t files;
};

static enum result strange(const char *name, struct error *err)
{
    return error_set(err, R_INVALID, "its part %.100s is not where cmg site backup puts it", name);
}

static enum result count(void *ctx, const struct store_copy_row *row, struct error *err UNUSED)
{
    json_t *rows = ctx;
    (void)json_object_set_new(rows, row->table, json_integer((json_int_t)json_opt_int(rows, row->table, 0) + 1));
    return OK;
}

static enum result take_file(struct verifying *v, const char *name, struct error *err)
{
    struct backup_file f;
    if (v->files >= backup_about_count(v->about))
        return strange(name, err);
    f = backup_about_file(v->about, v->files++);
    return strcmp(f.part, name) == 0 ? OK : strange(name, err);
}

static enum result look_at(void *ctx, const char *name, struct slice data, struct error *err)
{
    struct verifying *v = ctx;
    if (!v->about)
        return strcmp(name, BACKUP_ABOUT) == 0 ? backup_about_read(data, &v->about, err) : strange(name, err);
    if (strcmp(name, BACKUP_COUNTS) == 0 && !v->told)
        return json_parse(data, BACKUP_ABOUT_MAX, &v->told, err);
    if (!slice_starts(slice_of(name), SLICE(BACKUP_STORE)))
        return take_file(v, name, err);
    enum result r = v->told ? strange(name, err) : rows_read(data, count, v->rows, err);
    return r == OK ? OK : error_prefix(err, "%s", name);
}

static enum result is_whole(const struct verifying *v, struct error *err)
{
    if (v->about && v->files == backup_about_count(v->about) && json_equal(json_object_get(v->told, "rows"), v->rows))
        return OK;
    return error_set(err, R_INVALID, "files or rows are missing in it");
}

enum result backup_verify(const char *path, const struct archive_key *key, json_t **ret, struct error *err)
{
    struct verifying v = {.rows = json_object()};
    enum result r = archive_read(path, key, look_at, &v, err);
    if (r == OK)
        r = is_whole(&v, err);
    if (r == OK) {
        (void)json_object_set(v.about, "rows", v.rows);
        *ret = json_incref(v.about);
    }
    json_decref(v.about);
    json_decref(v.rows);
    json_decref(v.told);
    return r;
}
