/* SPDX-License-Identifier: Apache-2.0 */
/* The STREAM of age (sealed.h): nonces are the chunk's number, big-endian in eleven bytes, and one that says "last". */
#include "archive/sealed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive/crypt.h"
#include "base/mem.h"
#include "base/rand.h"

enum { NONCE = 16, SEALED = SEALED_CHUNK + CRYPT_TAG };

struct chunks {
    unsigned char key[CRYPT_KEY];
    uint64_t number; /* of the next chunk */
};

static void key_of(const unsigned char *file_key, const unsigned char nonce[NONCE], struct chunks *ret)
{
    ret->number = 0;
    crypt_hkdf(slice_make(file_key, ARCHIVE_FILE_KEY), slice_make(nonce, NONCE), "payload", ret->key);
}

static void nonce_of(const struct chunks *c, bool last, unsigned char ret[CRYPT_NONCE])
{
    enum { NUMBER_END = CRYPT_NONCE - 1 };
    memset(ret, 0, CRYPT_NONCE);
    for (unsigned i = 0; i < sizeof c->number; i++)
        ret[NUMBER_END - 1 - i] = (unsigned char)(c->number >> (8 * i));
    ret[NUMBER_END] = last;
}

/* --- writing --- */

struct sealed_writer {
    struct file_draft *to;
    struct chunks chunks;
    size_t used;
    unsigned char plain[SEALED_CHUNK], sealed[SEALED];
};

enum result sealed_write_begin(struct file_draft *to, const unsigned char file_key[ARCHIVE_FILE_KEY],
                               struct sealed_writer **ret, struct error *err)
{
    unsigned char nonce[NONCE];
    rand_bytes(nonce, sizeof nonce);
    enum result r = file_draft_write(to, slice_make(nonce, sizeof nonce), err);
    if (r != OK)
        return r;
    *ret = mem_zalloc(sizeof **ret);
    (*ret)->to = to;
    key_of(file_key, nonce, &(*ret)->chunks);
    return OK;
}

static enum result flush(struct sealed_writer *w, bool last, struct error *err)
{
    unsigned char nonce[CRYPT_NONCE];
    nonce_of(&w->chunks, last, nonce);
    crypt_seal(w->chunks.key, nonce, slice_make(w->plain, w->used), w->sealed);
    enum result r = file_draft_write(w->to, slice_make(w->sealed, w->used + CRYPT_TAG), err);
    w->chunks.number++;
    w->used = 0;
    return r;
}

enum result sealed_write(struct sealed_writer *w, struct slice data, struct error *err)
{
    enum result r = OK;
    while (data.len && r == OK) {
        if (w->used == SEALED_CHUNK) /* only now, since the last one has another nonce */
            r = flush(w, false, err);
        size_t room = SEALED_CHUNK - w->used, n = data.len < room ? data.len : room;
        memcpy(w->plain + w->used, data.ptr, n);
        w->used += n;
        data = slice_skip(data, n);
    }
    return r;
}

enum result sealed_write_end(struct sealed_writer *w, struct error *err)
{
    return flush(w, true, err);
}

void sealed_writer_free(struct sealed_writer *w)
{
    mem_free_secret(w, w ? sizeof *w : 0);
}

/* --- reading --- */

struct sealed_reader {
    int fd;
    bool ended; /* the last chunk was opened */
    struct chunks chunks;
    size_t at, plain_len, sealed_len; /* of `sealed`: a chunk, and the first byte of the next one */
    unsigned char file_key[ARCHIVE_FILE_KEY], plain[SEALED_CHUNK], sealed[SEALED + 1];
};

struct sealed_reader *sealed_read_begin(int fd, const unsigned char file_key[ARCHIVE_FILE_KEY])
{
    struct sealed_reader *r = mem_zalloc(sizeof *r);
    r->fd = fd;
    memcpy(r->file_key, file_key, sizeof r->file_key);
    return r;
}

/* As many as there are, at most `size`. */
static enum result get(int fd, unsigned char *ret, size_t size, size_t *ret_len, struct error *err)
{
    *ret_len = 0;
    while (*ret_len < size) {
        ssize_t n = read(fd, ret + *ret_len, size - *ret_len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, R_IO, "it can't be read: %s", strerror(errno));
        if (n == 0)
            break;
        *ret_len += (size_t)n;
    }
    return OK;
}

static enum result broken(struct error *err, const char *what)
{
    (void)error_set(err, R_INVALID, "%s", what);
    error_remedy(err, "take another copy of that backup, or an older backup");
    return R_INVALID;
}

static enum result take_nonce(struct sealed_reader *r, struct error *err)
{
    unsigned char nonce[NONCE];
    size_t len;
    enum result result = get(r->fd, nonce, sizeof nonce, &len, err);
    if (result != OK)
        return result;
    if (len < sizeof nonce)
        return broken(err, "it ends too early: a part of it is missing");
    key_of(r->file_key, nonce, &r->chunks);
    return get(r->fd, r->sealed, sizeof r->sealed, &r->sealed_len, err);
}

static bool open_as(struct sealed_reader *r, struct slice chunk, bool last)
{
    unsigned char nonce[CRYPT_NONCE];
    nonce_of(&r->chunks, last, nonce);
    return crypt_open(r->chunks.key, nonce, chunk, r->plain);
}

/* What of it is there says whether it must be the last one: a byte behind it, or none. */
static enum result open_chunk(struct sealed_reader *r, struct error *err)
{
    bool last = r->sealed_len <= SEALED;
    struct slice chunk = {(const char *)r->sealed, last ? r->sealed_len : SEALED};
    if (!open_as(r, chunk, last)) {
        bool otherwise = open_as(r, chunk, !last);
        explicit_bzero(r->plain, sizeof r->plain);
        if (!otherwise)
            return broken(err, last ? "it was altered, or a part of it is missing" : "it was altered");
        return broken(err, last ? "it ends too early: a part of it is missing" : "something was put behind its end");
    }
    r->ended = last;
    r->plain_len = chunk.len - CRYPT_TAG;
    r->at = 0;
    r->chunks.number++;
    return OK;
}

static enum result next_chunk(struct sealed_reader *r, struct error *err)
{
    size_t more = 0;
    enum result result = OK;
    if (r->chunks.number == 0) {
        result = take_nonce(r, err);
    } else {
        r->sealed[0] = r->sealed[SEALED];
        result = get(r->fd, r->sealed + 1, SEALED, &more, err);
        r->sealed_len = more + 1;
    }
    return result == OK ? open_chunk(r, err) : result;
}

enum result sealed_read(struct sealed_reader *r, void *ret, size_t size, struct error *err)
{
    char *to = ret;
    size_t done = 0;
    while (done < size) {
        if (r->at == r->plain_len) {
            if (r->ended)
                return done ? broken(err, "what it holds is cut off") : R_EOF;
            enum result result = next_chunk(r, err);
            if (result != OK)
                return result;
            continue;
        }
        size_t n = r->plain_len - r->at;
        n = n < size - done ? n : size - done;
        memcpy(to + done, r->plain + r->at, n);
        r->at += n;
        done += n;
    }
    return OK;
}

void sealed_reader_free(struct sealed_reader *r)
{
    mem_free_secret(r, r ? sizeof *r : 0);
}
