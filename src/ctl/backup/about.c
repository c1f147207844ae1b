/* SPDX-License-Identifier: Apache-2.0 */
/* What belongs to a site, as a list (about.h). */
#include "ctl/backup/about.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive.h"
#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "ctl/files.h"
#include "pki/cert/cert.h"
#include "store/copy.h"

static const char *const of_words[] = {
    [BACKUP_ROOTS] = "root", [BACKUP_GROUPS] = "group", [BACKUP_SERVICES] = "service"};

enum { PEM_MAX = 64 * 1024, PART_SIZE = ARCHIVE_NAME_MAX + 1 };
#define FILE_MODES 0755u /* nobody else writes */

struct listing {
    const struct backup_place *place;
    struct stat service; /* the state folder */
    json_t *files;
};

/* --- making --- */

/* Relative to the folder of mp.yaml where it is below that. */
static const char *place_of(const struct listing *l, const char *path)
{
    size_t len = strlen(l->place->dir);
    bool below = strncmp(path, l->place->dir, len) == 0 && path[len] == '/';
    return below ? path + len + 1 : path;
}

static enum backup_of owner_of(const struct listing *l, const struct stat *st)
{
    if (st->st_uid == l->service.st_uid)
        return BACKUP_SERVICES;
    return st->st_gid == l->service.st_gid && (st->st_mode & S_IRGRP) ? BACKUP_GROUPS : BACKUP_ROOTS;
}

static bool is_listed(const struct listing *l, const char *path)
{
    const json_t *file;
    size_t i;
    json_array_foreach(l->files, i, file) {
        if (strcmp(json_opt_str(file, "path", ""), path) == 0)
            return true;
    }
    return false;
}

/* What people see who open the archive with tar. */
static void name_part(const struct listing *l, const char *path, char ret[PART_SIZE])
{
    bool speaks = *path != '/' && strlen(path) < PART_SIZE - sizeof "site/";
    if (speaks)
        (void)snprintf(ret, PART_SIZE, "site/%s", path);
    else
        (void)snprintf(ret, PART_SIZE, "files/%zu", json_array_size(l->files));
}

static enum result add(void *ctx, const char *path, struct error *err)
{
    struct listing *l = ctx;
    struct stat st;
    char part[PART_SIZE];
    const char *place = place_of(l, path);
    if (is_listed(l, place))
        return OK;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return error_set(err, R_IO, "%s: it is no file, or can't be examined: %s", path, strerror(errno));
    if (json_array_size(l->files) == BACKUP_FILES_MAX)
        return error_set(err, R_LIMIT, "the site has more than %d files", BACKUP_FILES_MAX);
    name_part(l, place, part);
    (void)json_array_append_new(l->files, json_pack("{s:s, s:s, s:i, s:s}", "part", part, "path", place, "mode",
                                                    (int)(st.st_mode & FILE_MODES), "of", of_words[owner_of(l, &st)]));
    return OK;
}

static enum result add_within(struct listing *l, const char *name, struct error *err)
{
    char *path = *name == '/' ? mem_strdup(name) : file_join(l->place->dir, name);
    enum result r = file_exists(path) ? ctl_files_each(path, add, l, err) : OK;
    free(path);
    return r;
}

static enum result list_files(struct listing *l, const char *config, struct error *err)
{
    const char *slash = strrchr(config, '/');
    char *path = file_join(l->place->dir, slash ? slash + 1 : config);
    enum result r = add(l, path, err);
    free(path);
    if (r == OK)
        r = ctl_files_each(l->place->keys, add, l, err);
    if (r == OK)
        r = add_within(l, "offline", err);
    if (r == OK)
        r = add_within(l, "setup.json", err);
    return r == OK ? backup_place_named(l->place, add, l, err) : r;
}

static enum result read_pin(const struct backup_place *p, char ret[PKI_HASH_HEX], struct error *err)
{
    char *path = file_join(p->keys, "root.pem"), *text;
    size_t len;
    X509 *root;
    enum result r = file_read(path, PEM_MAX, &text, &len, err);
    free(path);
    if (r != OK)
        return r;
    r = pki_cert_read(slice_make(text, len), &root, err);
    free(text);
    if (r != OK)
        return error_prefix(err, "root.pem");
    pki_cert_sha256_hex(root, ret);
    X509_free(root);
    return OK;
}

enum result backup_about_make(const char *config, const struct backup_place *p, int64_t schema, json_t **ret,
                              struct error *err)
{
    struct listing l = {.place = p, .files = json_array()};
    char pin[PKI_HASH_HEX], host[256] = "";
    enum result r = read_pin(p, pin, err);
    if (stat(p->state, &l.service) != 0)
        l.service.st_uid = l.service.st_gid = 0;
    if (r == OK)
        r = list_files(&l, config, err);
    if (r != OK) {
        json_decref(l.files);
        return r;
    }
    (void)gethostname(host, sizeof host - 1);
    *ret = json_pack("{s:i, s:s, s:s, s:I, s:s, s:I, s:s, s:s, s:s, s:b, s:o}", "format", BACKUP_FORMAT, "site",
                     p->site, "pin", pin, "made", (json_int_t)clock_wall_s(), "version", CMG_VERSION, "schema",
                     (json_int_t)schema, "host", host, "dir", p->dir, "store", p->store ? "postgresql" : "sqlite",
                     "root_key", is_listed(&l, "offline/root.key"), "files", l.files);
    if (*ret)
        return OK;
    json_decref(l.files);
    return error_set(err, R_INVALID, "a path of the site is not UTF-8");
}

/* --- reading --- */

/* No way out of the folder. */
static bool path_is_good(const char *path)
{
    struct slice rest = slice_of(path);
    if (*path == '/')
        rest = slice_skip(rest, 1);
    while (rest.ptr) {
        struct slice part = slice_cut(&rest, '/');
        if (!part.len || slice_eq(part, SLICE(".")) || slice_eq(part, SLICE("..")))
            return false;
    }
    return true;
}

/* Each file has a part and a place of its own. */
static bool is_there_before(const json_t *about, const struct backup_file *f, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        struct backup_file other = backup_about_file(about, k);
        if (strcmp(other.part, f->part) == 0 || strcmp(other.path, f->path) == 0)
            return true;
    }
    return false;
}

static bool file_is_good(const json_t *about, size_t i)
{
    struct backup_file f = backup_about_file(about, i);
    return *f.part && path_is_good(f.path) && !(f.mode & ~FILE_MODES) && !is_there_before(about, &f, i);
}

static enum result check_files(const json_t *about, struct error *err)
{
    size_t count = backup_about_count(about);
    bool good = count >= 1 && count <= BACKUP_FILES_MAX;
    for (size_t i = 0; i < count && good; i++)
        good = file_is_good(about, i);
    if (good && !strchr(backup_about_file(about, 0).path, '/')) /* the configuration, whatever it is called */
        return OK;
    return error_set(err, R_INVALID, "its list of files is not as cmg site backup writes it");
}

static enum result check(const json_t *about, struct error *err)
{
    int64_t format = json_opt_int(about, "format", 0), schema, made;
    const char *text;
    static const char *const texts[] = {"site", "pin", "version", "host", "dir", "store"};
    if (format > BACKUP_FORMAT) {
        (void)error_set(err, R_CONFLICT, "version %.40s of OpenCMG made it, which is newer than this program",
                        json_opt_str(about, "version", "?"));
        error_remedy(err, "use the version of cmg that made it, or a newer one");
        return R_CONFLICT;
    }
    enum result r = json_need_int(about, "made", &made, err);
    for (size_t i = 0; i < ARRAY_LEN(texts) && r == OK; i++)
        r = json_need_str(about, texts[i], &text, err);
    if (r == OK)
        r = json_need_int(about, "schema", &schema, err);
    if (r == OK)
        r = check_files(about, err);
    return r == OK ? store_copy_knows(schema, err) : r;
}

enum result backup_about_read(struct slice text, json_t **ret, struct error *err)
{
    enum result r = json_parse(text, BACKUP_ABOUT_MAX, ret, err);
    if (r != OK) {
        *ret = NULL;
        return error_prefix(err, BACKUP_ABOUT);
    }
    r = check(*ret, err);
    if (r == OK)
        return OK;
    json_decref(*ret);
    *ret = NULL;
    return error_prefix(err, BACKUP_ABOUT);
}

size_t backup_about_count(const json_t *about)
{
    return json_array_size(json_object_get(about, "files"));
}

struct backup_file backup_about_file(const json_t *about, size_t i)
{
    const json_t *file = json_array_get(json_object_get(about, "files"), i);
    struct backup_file ret = {json_opt_str(file, "part", ""), json_opt_str(file, "path", ""),
                              (unsigned)json_opt_int(file, "mode", 0600), BACKUP_ROOTS};
    for (size_t k = 0; k < ARRAY_LEN(of_words); k++) {
        if (strcmp(json_opt_str(file, "of", ""), of_words[k]) == 0)
            ret.of = (enum backup_of)k;
    }
    return ret;
}

bool backup_about_find(const json_t *about, const char *part, struct backup_file *ret)
{
    for (size_t i = 0; i < backup_about_count(about); i++) {
        *ret = backup_about_file(about, i);
        if (strcmp(ret->part, part) == 0)
            return true;
    }
    return false;
}
