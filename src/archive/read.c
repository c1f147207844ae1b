/* SPDX-License-Identifier: Apache-2.0 */
/* Opening an archive: header, chunks, tar, and at the end the list of what must have been there (archive.h). */
#include "archive/read.h"

#include <errno.h>
#include <stdlib.h>

#include "archive/manifest.h"
#include "archive/sealed.h"
#include "archive/tar.h"
#include "base/mem.h"

struct reading {
    int fd;
    struct sealed_reader *body;
    struct manifest *seen;
    struct slice expected; /* the manifest's text; without a pointer: any */
    bool listed;           /* the manifest was there, and is the list of what was seen */
    archive_part_fn *fn;
    void *ctx;
};

/* The header into malloc'ed memory, and the descriptor behind it. */
static enum result read_header(const char *path, int *ret_fd, char **ret, size_t *ret_len, enum archive_kind *ret_kind,
                               struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, errno == ENOENT ? R_NOTFOUND : R_IO, "it can't be opened: %s", strerror(errno));
    char *data = mem_zalloc(ARCHIVE_HEADER_MAX);
    ssize_t n = pread(fd, data, ARCHIVE_HEADER_MAX, 0);
    enum result r = n >= 0 ? archive_lock_find(slice_make(data, (size_t)n), ret_len, ret_kind, err)
                           : error_set(err, R_IO, "it can't be read: %s", strerror(errno));
    if (r == OK && lseek(fd, (off_t)*ret_len, SEEK_SET) < 0)
        r = error_set(err, R_IO, "it can't be read: %s", strerror(errno));
    if (r != OK) {
        free(data);
        (void)close(fd);
        return r;
    }
    *ret = data;
    *ret_fd = fd;
    return OK;
}

enum result archive_kind(const char *path, enum archive_kind *ret, struct error *err)
{
    char *header;
    size_t len;
    int fd;
    enum result r = read_header(path, &fd, &header, &len, ret, err);
    if (r != OK)
        return r;
    free(header);
    (void)close(fd);
    return OK;
}

static enum result strange(struct error *err)
{
    return error_set(err, R_INVALID, "what it holds was not made by cmg site backup");
}

/* The caller frees *ret. */
static enum result take_data(struct reading *r, uint64_t size, char **ret, struct error *err)
{
    char padding[TAR_BLOCK];
    if (size > ARCHIVE_PART_MAX)
        return error_set(err, R_LIMIT, "one of its parts is over %d MiB", ARCHIVE_PART_MAX >> 20);
    *ret = mem_zalloc((size_t)size + 1);
    enum result result = sealed_read(r->body, *ret, (size_t)size, err);
    if (result == OK)
        result = sealed_read(r->body, padding, tar_padding(size), err);
    if (result == OK)
        return OK;
    mem_free_secret(*ret, (size_t)size);
    return result == R_EOF ? strange(err) : result;
}

static enum result take_manifest(struct reading *r, struct slice text, struct error *err)
{
    r->listed = true;
    if (r->expected.ptr && !slice_eq(text, r->expected))
        return error_set(err, R_INVALID, "its list of parts is another one");
    return manifest_compare(r->seen, text, err);
}

/* R_EOF: the archive's end. */
static enum result take_part(struct reading *r, struct error *err)
{
    char head[TAR_BLOCK], name[TAR_NAME], *data = NULL;
    uint64_t size;
    enum result result = sealed_read(r->body, head, sizeof head, err);
    if (result == R_EOF)
        return strange(err);
    if (result == OK)
        result = tar_read(head, name, &size, err);
    if (result == OK && r->listed)
        return strange(err); /* behind the list nothing comes */
    if (result == OK)
        result = take_data(r, size, &data, err);
    if (result != OK)
        return result;
    struct slice bytes = slice_make(data, (size_t)size);
    if (strcmp(name, MANIFEST_NAME) == 0) {
        result = take_manifest(r, bytes, err);
    } else {
        manifest_add(r->seen, name, bytes);
        result = r->fn(r->ctx, name, bytes, err);
    }
    mem_free_secret(data, (size_t)size);
    return result;
}

/* A second block of zeros, and then the end that its maker gave it. */
static enum result take_end(struct reading *r, struct error *err)
{
    char head[TAR_BLOCK], name[TAR_NAME], more;
    uint64_t size;
    enum result result = sealed_read(r->body, head, sizeof head, err);
    if (result == OK && tar_read(head, name, &size, err) != R_EOF)
        return strange(err);
    if (result == OK)
        result = sealed_read(r->body, &more, 1, err);
    if (result == R_EOF && r->listed)
        return OK;
    return result == OK || result == R_EOF ? strange(err) : result;
}

enum result archive_read_listed(const char *path, const struct archive_key *key, struct slice manifest,
                                archive_part_fn *fn, void *ctx, struct error *err)
{
    struct reading r = {.expected = manifest, .fn = fn, .ctx = ctx};
    unsigned char file_key[ARCHIVE_FILE_KEY];
    enum archive_kind kind;
    char *header;
    size_t len;
    enum result result = read_header(path, &r.fd, &header, &len, &kind, err);
    if (result != OK)
        return result;
    result = archive_lock_open(slice_make(header, len), key, file_key, err);
    free(header);
    if (result == OK) {
        r.body = sealed_read_begin(r.fd, file_key);
        r.seen = manifest_new();
        while ((result = take_part(&r, err)) == OK)
            continue;
        if (result == R_EOF)
            result = take_end(&r, err);
    }
    explicit_bzero(file_key, sizeof file_key);
    sealed_reader_free(r.body);
    manifest_free(r.seen);
    (void)close(r.fd);
    return result;
}

enum result archive_read(const char *path, const struct archive_key *key, archive_part_fn *fn, void *ctx,
                         struct error *err)
{
    return archive_read_listed(path, key, SLICE_NONE, fn, ctx, err);
}
