/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A site out of a backup (backup.h). Files are drafts, the store is a transaction, until all of it is there; then they
 * get their names, mp.yaml last: a folder with mp.yaml is a complete site.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/host/file.h"
#include "base/host/owner.h"
#include "base/mem.h"
#include "ctl/backup/backup.h"
#include "ctl/backup/relocate.h"
#include "ctl/backup/rows.h"
#include "store/copy.h"

struct restoring {
    const json_t *about;
    const struct backup_target *to;
    const char *dir;
    struct backup_place place; /* once mp.yaml was read */
    struct draft {
        struct file_draft *draft;
        char *path;
        struct backup_file is; /* borrowed from `about` */
        bool published;
    } files[BACKUP_FILES_MAX];
    size_t count;
    struct store_copy *store;
    char *database; /* SQLite: of the unfinished one; NULL: PostgreSQL */
};

/* --- what is given up --- */

static void remove_database(const char *path)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        char *file = mem_zalloc(strlen(path) + 8);
        (void)snprintf(file, strlen(path) + 8, "%s%s", path, endings[i]);
        (void)unlink(file);
        free(file);
    }
}

static void clean_up(struct restoring *r, bool keep)
{
    store_copy_close(r->store);
    if (r->database && !keep)
        remove_database(r->database);
    free(r->database);
    for (size_t i = 0; i < r->count; i++) {
        if (r->files[i].published && !keep)
            (void)unlink(r->files[i].path);
        file_draft_free(r->files[i].draft);
        free(r->files[i].path);
    }
    backup_place_free(&r->place);
}

/* --- files --- */

static enum result there_already(const char *path, struct error *err)
{
    (void)error_set(err, R_CONFLICT, "%s is there already: no site is written over", path);
    error_remedy(err,
                 "move the site that is there away (mp.yaml, keys, its store), or name an empty folder with --dir");
    return R_CONFLICT;
}

/* Folders that are missing; that of a file of the service's is the service's. */
static enum result make_folder(const struct restoring *r, const struct draft *d, struct error *err)
{
    char *dir = mem_strdup(d->path);
    *strrchr(dir, '/') = '\0'; /* absolute it is */
    bool there = !*dir || file_exists(dir);
    enum result result = there ? OK : file_make_dirs(dir, strcmp(dir, r->dir) == 0 ? 0755 : 0700, err);
    if (result == OK && !there && d->is.of == BACKUP_SERVICES && r->place.state)
        result = owner_give(dir, r->place.state, err);
    free(dir);
    return result;
}

/* What mp.yaml names beside the site's own may lie here already, as it was: a server certificate, a CA. */
static bool is_same(const char *path, struct slice data)
{
    char *text;
    size_t len;
    if (file_read(path, BACKUP_FILE_MAX, &text, &len, NULL) != OK)
        return false;
    bool same = slice_eq(slice_make(text, len), data);
    mem_free_secret(text, len);
    return same;
}

/* Root would write wherever a backup says. Who has the certificate, which is no secret, can make one. */
static enum result lies_outside(const struct restoring *r, const char *path, struct error *err)
{
    (void)error_set(
        err, R_DENIED,
        "it holds %s, which is outside of %s; whoever has the certificate that it is encrypted to could have "
        "made it",
        path, r->dir);
    error_remedy(err, "see what it holds (cmg site verify); if that is your site, and these files belong there: "
                      "--outside");
    return R_DENIED;
}

static enum result draft_file(struct restoring *r, const struct backup_file *f, struct slice data, struct error *err)
{
    struct draft *d = &r->files[r->count];
    if (r->count == BACKUP_FILES_MAX)
        return error_set(err, R_LIMIT, "it has more than %d files", BACKUP_FILES_MAX);
    *d = (struct draft){.path = *f->path == '/' ? mem_strdup(f->path) : file_join(r->dir, f->path), .is = *f};
    if (r->count && is_same(d->path, data)) {
        free(d->path);
        return OK;
    }
    r->count++;
    if (*f->path == '/' && !r->to->outside)
        return lies_outside(r, d->path, err);
    if (file_exists(d->path))
        return there_already(d->path, err);
    enum result result = make_folder(r, d, err);
    if (result == OK)
        result = file_draft_new(d->path, &d->draft, err);
    return result == OK ? file_draft_write(d->draft, data, err) : result;
}

static enum result publish(struct restoring *r, struct draft *d, struct error *err)
{
    if (file_exists(d->path)) /* meanwhile */
        return there_already(d->path, err);
    enum result result = file_draft_publish(d->draft, d->is.mode, err);
    if (result != OK)
        return result;
    d->published = true;
    if (d->is.of == BACKUP_SERVICES)
        return owner_give(d->path, r->place.state, err);
    return d->is.of == BACKUP_GROUPS ? owner_give_group(d->path, r->place.state, err) : OK;
}

/* --- the store --- */

static enum result begin_database(struct restoring *r, int64_t schema, struct error *err)
{
    const char *where = r->place.store;
    if (!where) {
        char *final = file_join(r->place.state, "site.db");
        enum result result = file_exists(final) ? there_already(final, err) : OK;
        free(final);
        if (result != OK)
            return result;
        where = r->database = file_join(r->place.state, "site.db.unfinished-backup"); /* file_sweep() takes it away */
        remove_database(r->database);
    }
    return store_copy_begin(where, schema, &r->store, err);
}

static enum result begin_store(struct restoring *r, struct error *err)
{
    enum result result = file_make_dirs(r->place.state, 0700, err);
    if (result == OK)
        result = owner_act_as(r->place.state, err);
    if (result != OK)
        return result;
    result = begin_database(r, json_opt_int(r->about, "schema", 0), err);
    owner_return();
    if (result == R_CONFLICT && r->place.store)
        error_remedy(err, "name an empty database with --store");
    return result;
}

static enum result put_row(void *ctx, const struct store_copy_row *row, struct error *err)
{
    struct restoring *r = ctx;
    return store_copy_put(r->store, row, err);
}

/* The database that was filled gets the name by which cmg-mp looks for it. */
static enum result end_store(struct restoring *r, struct error *err)
{
    enum result result = store_copy_end(r->store, err);
    store_copy_close(r->store);
    r->store = NULL;
    if (result != OK || !r->database)
        return result;
    char *final = file_join(r->place.state, "site.db");
    if (rename(r->database, final) != 0)
        result = error_set(err, R_IO, "%s can't get its name: %s", final, strerror(errno));
    free(final);
    return result;
}

/* --- all of it --- */

/* Where state and store are is what mp.yaml says, read from its new place. */
static enum result take_config(struct restoring *r, const struct backup_file *f, struct slice data, struct error *err)
{
    char *text = NULL;
    enum result result = relocate_store(data, r->to->store, &text, err);
    if (result == OK)
        result = draft_file(r, f, slice_of(text), err);
    free(text);
    if (result == OK)
        result = backup_place_load(file_draft_path(r->files[0].draft), &r->place, err);
    if (result == OK)
        result = relocate_check(&r->place, r->to->store, err);
    return result == OK ? begin_store(r, err) : result;
}

static enum result take(void *ctx, const char *name, struct slice data, struct error *err)
{
    struct restoring *r = ctx;
    struct backup_file f;
    if (backup_about_find(r->about, name, &f))
        return r->count ? draft_file(r, &f, data, err) : take_config(r, &f, data, err);
    return slice_starts(slice_of(name), SLICE(BACKUP_STORE)) ? rows_read(data, put_row, r, err) : OK;
}

static enum result complete(struct restoring *r, struct error *err)
{
    enum result result = OK;
    for (size_t i = 1; i < r->count && result == OK; i++)
        result = publish(r, &r->files[i], err);
    if (result == OK)
        result = end_store(r, err);
    return result == OK ? publish(r, &r->files[0], err) : result;
}

enum result backup_restore(const char *path, const struct archive_key *key, const json_t *about,
                           const struct backup_target *to, struct error *err)
{
    struct restoring *r = mem_zalloc(sizeof *r);
    char *dir = relocate_dir(to->dir ? to->dir : json_opt_str(about, "dir", ""));
    r->about = about;
    r->to = to;
    r->dir = dir;
    enum result result = file_make_dirs(dir, 0755, err);
    if (result == OK)
        result = archive_read(path, key, take, r, err);
    if (result == OK)
        result = complete(r, err);
    clean_up(r, result == OK);
    free(r);
    free(dir);
    return result;
}
