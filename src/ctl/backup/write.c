/* SPDX-License-Identifier: Apache-2.0 */
/* A site into an archive: what it is, its files, its rows in parts of some size, and how many there were (backup.h). */
#include "ctl/backup/backup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/host/file.h"
#include "base/host/owner.h"
#include "base/mem.h"
#include "ctl/backup/rows.h"
#include "store/copy.h"

enum { PART_BYTES = 1024 * 1024 };

struct writing {
    struct archive *archive;
    json_t *rows; /* {table: count} */
    struct buf part;
    uint64_t parts;
    char table[64]; /* of the last row in the part */
};

static enum result write_part(struct writing *w, struct error *err)
{
    char name[64];
    if (!buf_len(&w->part))
        return OK;
    (void)snprintf(name, sizeof name, BACKUP_STORE "%08" PRIu64 ".jsonl", ++w->parts);
    enum result r = archive_add(w->archive, name, buf_data(&w->part), err);
    buf_consume(&w->part, buf_len(&w->part));
    *w->table = '\0';
    return r;
}

static void count(struct writing *w, const char *table)
{
    int64_t so_far = json_opt_int(w->rows, table, 0);
    (void)json_object_set_new(w->rows, table, json_integer((json_int_t)so_far + 1));
}

static enum result write_row(void *ctx, const struct store_copy_row *row, struct error *err)
{
    struct writing *w = ctx;
    enum result r = OK;
    if (strcmp(w->table, row->table) != 0) {
        cstr_copy(w->table, sizeof w->table, row->table);
        r = rows_write_table(&w->part, row);
    }
    if (r == OK)
        r = rows_write(&w->part, row);
    if (r != OK)
        return error_set(err, r, "a row of table %s is over %d MiB", row->table, ROWS_LINE_MAX >> 20);
    count(w, row->table);
    return buf_len(&w->part) < PART_BYTES ? OK : write_part(w, err);
}

static enum result write_store(struct writing *w, struct store_copy *store, struct error *err)
{
    enum result r = store_copy_sound(store, err);
    if (r == OK)
        r = store_copy_each(store, write_row, w, err);
    if (r == OK)
        r = write_part(w, err);
    if (r != OK)
        return r;
    json_t *counts = json_pack("{s:O}", "rows", w->rows);
    char *text = json_text(counts);
    r = archive_add(w->archive, BACKUP_COUNTS, slice_of(text), err);
    free(text);
    json_decref(counts);
    return r;
}

static enum result write_file(struct archive *a, const struct backup_place *p, const struct backup_file *f,
                              struct error *err)
{
    char *path = *f->path == '/' ? mem_strdup(f->path) : file_join(p->dir, f->path), *data;
    size_t len;
    enum result r = file_read(path, BACKUP_FILE_MAX, &data, &len, err);
    free(path);
    if (r != OK)
        return r;
    r = archive_add(a, f->part, slice_make(data, len), err);
    mem_free_secret(data, len);
    return r;
}

static enum result write_files(struct archive *a, const struct backup_place *p, const json_t *about, struct error *err)
{
    char *text = json_text(about);
    enum result r = archive_add(a, BACKUP_ABOUT, slice_of(text), err);
    free(text);
    for (size_t i = 0; i < backup_about_count(about) && r == OK; i++) {
        struct backup_file f = backup_about_file(about, i);
        r = write_file(a, p, &f, err);
    }
    return r;
}

/* As the user of cmg-mp: the database knows that one, and what SQLite lays beside its file is that one's. */
static enum result open_store(const struct backup_place *p, struct store_copy **ret, int64_t *ret_version,
                              struct error *err)
{
    char *where = backup_place_store(p);
    enum result r = owner_act_as(p->state, err);
    if (r == OK) {
        r = store_copy_open(where, ret, ret_version, err);
        owner_return();
    }
    free(where);
    return r;
}

static enum result write_all(const char *config, const struct backup_place *p, struct archive *a, json_t **ret,
                             struct error *err)
{
    struct writing w = {.archive = a, .rows = json_object()};
    struct store_copy *store = NULL;
    int64_t schema = 0;
    buf_init_secret(&w.part, ARCHIVE_PART_MAX);
    enum result r = open_store(p, &store, &schema, err);
    if (r == OK)
        r = backup_about_make(config, p, schema, ret, err);
    if (r == OK)
        r = write_files(a, p, *ret, err);
    if (r == OK)
        r = write_store(&w, store, err);
    if (r == OK)
        (void)json_object_set(*ret, "rows", w.rows);
    store_copy_close(store);
    buf_free(&w.part);
    json_decref(w.rows);
    return r;
}

enum result backup_write(const char *config, struct archive *a, json_t **ret, struct error *err)
{
    struct backup_place p;
    *ret = NULL;
    enum result r = backup_place_load(config, &p, err);
    if (r == OK)
        r = write_all(config, &p, a, ret, err);
    if (r != OK) {
        json_decref(*ret);
        *ret = NULL;
    }
    backup_place_free(&p);
    return r;
}
