/* SPDX-License-Identifier: Apache-2.0 */
/* Files by their hash (library.h). */
#include "mp/library/library.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/host/file.h"
#include "base/mem.h"

struct mp_library_draft {
    struct file_draft *file;
    struct digest *digest;
    char sha256[DIGEST_HEX];
};

bool mp_library_hash(struct slice text, char ret[DIGEST_HEX])
{
    unsigned char hash[DIGEST_SIZE];
    size_t len;
    if (!slice_to_cstr(text, ret, DIGEST_HEX) || !decode_hex(text, hash, sizeof hash, &len) || len != sizeof hash)
        return false;
    ascii_lower_all(ret, text.len);
    return true;
}

char *mp_library_folder(const char *state)
{
    return file_join(state, "content");
}

char *mp_library_path(const char *state, const char *sha256)
{
    char *folder = mp_library_folder(state), *path = file_join(folder, sha256);
    free(folder);
    return path;
}

enum result mp_library_open(const char *state, struct error *err)
{
    char *folder = mp_library_folder(state);
    enum result r = file_make_dirs(folder, 0700, err);
    if (r == OK)
        file_sweep(folder);
    free(folder);
    return r;
}

int64_t mp_library_size(const char *state, const char *sha256)
{
    char *path = mp_library_path(state, sha256);
    struct stat s;
    int64_t size = stat(path, &s) == 0 && S_ISREG(s.st_mode) ? (int64_t)s.st_size : -1;
    free(path);
    return size;
}

void mp_library_remove(const char *state, const char *sha256)
{
    char *path = mp_library_path(state, sha256);
    (void)unlink(path);
    free(path);
}

static enum result has_room(const char *state, uint64_t size, struct error *err)
{
    struct file_space space;
    if (!file_space(state, &space) || space.free >= FILE_ROOM + size)
        return OK;
    (void)error_set(err, R_LIMIT, "the state folder has %llu MiB left, and the file takes %llu MiB",
                    (unsigned long long)(space.free >> 20), (unsigned long long)((size >> 20) + 1));
    error_remedy(err, "make room on the file system of cmg-mp's state folder, or remove content: cmg content list");
    return R_LIMIT;
}

enum result mp_library_draft_new(const char *state, const char *sha256, uint64_t size, struct mp_library_draft **ret,
                                 struct error *err)
{
    struct mp_library_draft *d = mem_zalloc(sizeof *d);
    char *path = mp_library_path(state, sha256);
    memcpy(d->sha256, sha256, sizeof d->sha256);
    enum result r = has_room(state, size, err);
    if (r == OK)
        r = file_draft_new(path, &d->file, err);
    if (r == OK)
        d->digest = digest_new();
    free(path);
    if (r != OK) {
        mp_library_draft_free(d);
        d = NULL;
    }
    *ret = d;
    return r;
}

enum result mp_library_draft_add(struct mp_library_draft *d, struct slice part, struct error *err)
{
    digest_add(d->digest, part);
    return file_draft_write(d->file, part, err);
}

enum result mp_library_draft_publish(struct mp_library_draft *d, struct error *err)
{
    unsigned char hash[DIGEST_SIZE];
    char hex[DIGEST_HEX];
    digest_end(d->digest, hash);
    d->digest = NULL;
    encode_hex(slice_make((const char *)hash, sizeof hash), hex);
    if (strcmp(hex, d->sha256) != 0)
        return error_set(err, R_INVALID, "the file's SHA-256 is %s, not %s as was said", hex, d->sha256);
    return file_draft_publish(d->file, 0600, err);
}

void mp_library_draft_free(struct mp_library_draft *d)
{
    if (!d)
        return;
    file_draft_free(d->file);
    digest_free(d->digest);
    free(d);
}
