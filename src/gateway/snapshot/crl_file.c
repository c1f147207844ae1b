/* SPDX-License-Identifier: Apache-2.0 */
/* Files of lists, named by their hash, written aside and renamed: a snapshot may have the old one mapped. Syncs, so
 * not for a worker's loop; removes only what the bundle in place does not name. */
#include "gateway/snapshot/crl_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host/file.h"
#include "base/host/mapping.h"
#include "base/mem.h"
#include "digest/digest.h"

#define FOLDER "crls"

/* Half a file from a crash is never there (file_write); another file under this name is not possible. */
static bool is_there(const char *path, size_t len)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size == len;
}

enum result crl_file_put(const char *state, struct slice der, char **ret_path, struct error *err)
{
    char hex[PKI_HASH_HEX], name[PKI_HASH_HEX + 8];
    digest_hex_of(der, hex);
    (void)snprintf(name, sizeof name, "%s.crl", hex);
    char *folder = file_join(state, FOLDER), *path = file_join(folder, name);
    enum result r = file_make_dirs(folder, 0700, err);
    if (r == OK && !is_there(path, der.len))
        r = file_write(path, der, 0600, err);
    free(folder);
    if (r != OK) {
        free(path);
        path = NULL;
    }
    *ret_path = path;
    return r;
}

/* --- named by the bundle --- */

static char *path_of(const char *folder, const char *sha256)
{
    char name[PKI_HASH_HEX + 8];
    (void)snprintf(name, sizeof name, "%s.crl", sha256);
    return file_join(folder, name);
}

static bool is_whole(const char *path, const char *sha256)
{
    struct slice map;
    char hex[PKI_HASH_HEX];
    if (map_open(path, BUNDLE_CRL_MAX, &map, NULL) != OK)
        return false;
    digest_hex_of(map, hex);
    map_close(map);
    return strcmp(hex, sha256) == 0;
}

char *crl_file_find(const char *state, const char *sha256, int64_t size, bool checked)
{
    char *folder = file_join(state, FOLDER), *path = path_of(folder, sha256);
    free(folder);
    if (is_there(path, (size_t)size)) {
        if (!checked || is_whole(path, sha256))
            return path;
        (void)unlink(path);
    }
    free(path);
    return NULL;
}

struct crl_file {
    char *path, *temp;
    char sha256[PKI_HASH_HEX];
    int fd;
    struct digest *digest;
};

enum result crl_file_begin(const char *state, const char *sha256, struct crl_file **ret, struct error *err)
{
    char *folder = file_join(state, FOLDER);
    enum result r = file_make_dirs(folder, 0700, err);
    struct crl_file *f = mem_zalloc(sizeof *f);
    cstr_copy(f->sha256, sizeof f->sha256, sha256);
    f->path = path_of(folder, sha256);
    f->temp = file_join(folder, "coming.XXXXXX");
    f->digest = digest_new();
    free(folder);
    f->fd = r == OK ? mkostemp(f->temp, O_CLOEXEC) : -1;
    if (r == OK && f->fd < 0)
        r = error_set(err, R_IO, "%s: %s", f->temp, strerror(errno));
    if (r != OK) {
        crl_file_abandon(f);
        return r;
    }
    *ret = f;
    return OK;
}

enum result crl_file_add(struct crl_file *f, struct slice part, struct error *err)
{
    digest_add(f->digest, part);
    while (part.len) {
        ssize_t n = write(f->fd, part.ptr, part.len);
        if (n < 0 && errno != EINTR)
            return error_set(err, R_IO, "%s: %s", f->temp, strerror(errno));
        part = slice_skip(part, n > 0 ? (size_t)n : 0);
    }
    return OK;
}

static enum result check_hash(struct crl_file *f, struct error *err)
{
    unsigned char hash[PKI_SHA256];
    char hex[PKI_HASH_HEX];
    digest_end(f->digest, hash);
    f->digest = NULL;
    (void)encode_hex(slice_make(hash, sizeof hash), hex);
    return strcmp(hex, f->sha256) == 0 ? OK : error_set(err, R_DENIED, "what came has another SHA-256 (%.16s…)", hex);
}

enum result crl_file_end(struct crl_file *f, struct error *err)
{
    enum result r = check_hash(f, err);
    if (r == OK && (fsync(f->fd) != 0 || rename(f->temp, f->path) != 0))
        r = error_set(err, R_IO, "%s: %s", f->path, strerror(errno));
    crl_file_abandon(f);
    return r;
}

void crl_file_abandon(struct crl_file *f)
{
    if (!f)
        return;
    if (f->fd >= 0) {
        (void)close(f->fd);
        (void)unlink(f->temp);
    }
    digest_free(f->digest);
    free(f->path);
    free(f->temp);
    free(f);
}

/* --- cleaning --- */

static bool is_named(char *const *paths, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        const char *slash = paths[i] ? strrchr(paths[i], '/') : NULL;
        if (slash && strcmp(slash + 1, name) == 0)
            return true;
    }
    return false;
}

void crl_file_clean(const char *state, char *const *paths, size_t count)
{
    char *folder = file_join(state, FOLDER);
    DIR *d = opendir(folder);
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        if (e->d_name[0] != '.' && !is_named(paths, count, e->d_name))
            (void)unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d)
        (void)closedir(d);
    free(folder);
}
