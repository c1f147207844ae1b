/* SPDX-License-Identifier: Apache-2.0 */
/* Making an archive and trying it before it gets its name (archive.h); read.c opens it. */
#include "archive/archive.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "archive/manifest.h"
#include "archive/read.h"
#include "archive/sealed.h"
#include "archive/tar.h"
#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"

struct archive {
    char *path;
    struct file_draft *draft; /* NULL: it has its name, or is gone */
    unsigned char file_key[ARCHIVE_FILE_KEY];
    bool by_passphrase;
    char *passphrase;
    size_t passphrase_len;
    struct sealed_writer *writer;
    struct manifest *manifest;
};

void archive_free(struct archive *a)
{
    if (!a)
        return;
    file_draft_free(a->draft);
    sealed_writer_free(a->writer);
    manifest_free(a->manifest);
    mem_free_secret(a->passphrase, a->passphrase_len);
    free(a->path);
    mem_free_secret(a, sizeof *a);
}

static enum result write_header(struct archive *a, const struct archive_lock *lock, struct error *err)
{
    struct buf header;
    buf_init(&header, ARCHIVE_HEADER_MAX);
    enum result r = archive_lock_write(lock, &header, a->file_key, err);
    if (r == OK)
        r = file_draft_write(a->draft, buf_data(&header), err);
    buf_free(&header);
    return r;
}

enum result archive_make(const char *path, bool over, const struct archive_lock *lock, struct archive **ret,
                         struct error *err)
{
    if (!over && file_exists(path)) {
        (void)error_set(err, R_CONFLICT, "there is such a file already");
        error_remedy(err, "name another one, or write over it with --force");
        return R_CONFLICT;
    }
    struct archive *a = mem_zalloc(sizeof *a);
    a->path = mem_strdup(path);
    a->manifest = manifest_new();
    a->by_passphrase = !lock->count;
    a->passphrase = slice_dup(lock->passphrase);
    a->passphrase_len = lock->passphrase.len;
    enum result r = file_draft_new(path, &a->draft, err);
    if (r == OK)
        r = write_header(a, lock, err);
    if (r == OK)
        r = sealed_write_begin(a->draft, a->file_key, &a->writer, err);
    if (r != OK) {
        archive_free(a);
        return r;
    }
    *ret = a;
    return OK;
}

static enum result put(struct archive *a, const char *name, struct slice data, struct error *err)
{
    static const char zeros[TAR_BLOCK];
    char head[TAR_BLOCK];
    tar_head(name, data.len, clock_wall_s(), head);
    enum result r = sealed_write(a->writer, slice_make(head, sizeof head), err);
    if (r == OK)
        r = sealed_write(a->writer, data, err);
    if (r == OK)
        r = sealed_write(a->writer, slice_make(zeros, tar_padding(data.len)), err);
    return r;
}

enum result archive_add(struct archive *a, const char *name, struct slice data, struct error *err)
{
    if (data.len > ARCHIVE_PART_MAX)
        return error_set(err, R_LIMIT, "%s: over the %d MiB that one part has at most", name, ARCHIVE_PART_MAX >> 20);
    manifest_add(a->manifest, name, data);
    return put(a, name, data, err);
}

/* --- the end --- */

static enum result pass_over(void *ctx UNUSED, const char *name UNUSED, struct slice data UNUSED,
                             struct error *err UNUSED)
{
    return OK;
}

static enum result finish(struct archive *a, struct slice manifest, struct error *err)
{
    static const char zeros[2 * TAR_BLOCK];
    enum result r = put(a, MANIFEST_NAME, manifest, err);
    if (r == OK)
        r = sealed_write(a->writer, slice_make(zeros, sizeof zeros), err);
    return r == OK ? sealed_write_end(a->writer, err) : r;
}

/* From the disk, not from what the system still holds of it. */
static enum result prove(struct archive *a, struct slice manifest, struct error *err)
{
    const struct archive_key key = {.passphrase = slice_make(a->passphrase, a->passphrase_len),
                                    .file_key = a->by_passphrase ? NULL : a->file_key};
    int fd = file_draft_fd(a->draft);
    if (fsync(fd) != 0)
        return error_set(err, R_IO, "it can't be brought to the disk: %s", strerror(errno));
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    enum result r = archive_read_listed(file_draft_path(a->draft), &key, manifest, pass_over, NULL, err);
    if (r == OK)
        return OK;
    (void)error_prefix(err, "it is not what was written");
    error_remedy(err, "look after that disk; name a file on another one");
    return r;
}

enum result archive_end(struct archive *a, struct archive_made *ret, struct error *err)
{
    char *text = manifest_text(a->manifest);
    struct stat st = {0};
    enum result r = finish(a, slice_of(text), err);
    if (r == OK)
        r = prove(a, slice_of(text), err);
    free(text);
    if (r == OK && fstat(file_draft_fd(a->draft), &st) != 0)
        r = error_set(err, R_IO, "it can't be examined: %s", strerror(errno));
    if (r == OK)
        r = file_draft_publish(a->draft, 0600, err);
    *ret = (struct archive_made){(uint64_t)st.st_size, manifest_count(a->manifest)};
    return r;
}
