/* SPDX-License-Identifier: Apache-2.0 */
/* A file in ranges (download.h). What lies in the part is hashed again at the start, so nothing but bytes is kept, and
 * no order of writes matters: a part that a crash left wrong has another hash in the end, and is fetched anew. */
#include "client/deploy/download.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "client/site/token.h"

enum {
    CHUNK_FIRST = 256 * 1024,
    CHUNK_LEAST = 16 * 1024,
    CHUNK_MOST = 4 * 1024 * 1024, /* an answer stands in memory: WEB_ANSWER_MAX is the most */
    QUICK_MS = 1000,
    SLOW_MS = 10000, /* an answer is given up after a minute */
    TRIES = 5,
    PAUSE_MS = 500,
    READ_SIZE = 256 * 1024
};

struct transfer {
    struct client_session *s;
    const struct download *d;
    int fd;
    struct digest *digest;
    uint64_t at; /* bytes that are there, and hashed */
    uint64_t chunk;
    unsigned failures; /* in a row */
    uint64_t rate;     /* bytes a second at most; 0: any */
    uint64_t began_ms, began_at;
};

/* --- the part --- */

/* From its beginning to its end, or until `limit` bytes. */
static enum result hash_open_file(int fd, struct digest *digest, uint64_t limit, uint64_t *ret, struct error *err)
{
    char *part = mem_zalloc(READ_SIZE);
    ssize_t n = 0;
    *ret = 0;
    while (*ret < limit) {
        n = pread(fd, part, READ_SIZE, (off_t)*ret);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        digest_add(digest, slice_make(part, (size_t)n));
        *ret += (uint64_t)n;
    }
    free(part);
    return n < 0 ? error_set(err, R_IO, "what was fetched before can't be read: %s", strerror(errno)) : OK;
}

static enum result open_part(struct transfer *t, struct error *err)
{
    struct stat st;
    t->fd = open(t->d->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (t->fd < 0 || fstat(t->fd, &st) != 0)
        return error_set(err, R_IO, "%s: %s", t->d->part, strerror(errno));
    if ((uint64_t)st.st_size > t->d->file->size && ftruncate(t->fd, 0) != 0)
        return error_set(err, R_IO, "%s: %s", t->d->part, strerror(errno));
    t->digest = digest_new();
    enum result r = hash_open_file(t->fd, t->digest, t->d->file->size, &t->at, err);
    t->d->on_progress(t->d->arg, t->at);
    return r;
}

static enum result append(struct transfer *t, struct slice data, struct error *err)
{
    size_t done = 0;
    while (done < data.len) {
        ssize_t n = pwrite(t->fd, data.ptr + done, data.len - done, (off_t)(t->at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set(err, errno == ENOSPC || errno == EDQUOT ? R_LIMIT : R_IO,
                             "the content can't be written: %s", strerror(errno));
        done += (size_t)n;
    }
    digest_add(t->digest, data);
    t->at += data.len;
    t->d->on_progress(t->d->arg, data.len);
    return OK;
}

/* --- one range --- */

static enum result refuse_answer(struct transfer *t, const char *why, struct error *err)
{
    return error_set(err, R_AGAIN, "%.128s: the answer %s", t->d->file->path, why);
}

/* The answer is the range that was asked for, or the whole where the server knows no ranges. */
static enum result take(struct transfer *t, const struct web_answer *a, uint64_t wanted, struct error *err)
{
    char range[80];
    struct slice body = buf_data(&a->body);
    (void)snprintf(range, sizeof range, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, t->at, t->at + wanted - 1,
                   t->d->file->size);
    bool part = a->status == 206 && strcmp(a->content_range, range) == 0 && body.len == wanted;
    bool whole = a->status == 200 && t->at == 0 && body.len == t->d->file->size;
    if (part || whole)
        return append(t, body, err);
    return refuse_answer(t,
                         a->status == 206 ? "is another range than was asked for"
                                          : "is not of the size that the "
                                            "policy says",
                         err);
}

/* Larger while the way is quick, smaller while it is slow, and smaller again where it broke off. A refusal says nothing
 * of the way: smaller ranges would be more requests to refuse. */
static void adapt(struct transfer *t, bool ok, uint64_t took_ms)
{
    if (!ok && t->s->outcome.ending == WEB_REFUSED)
        return;
    uint64_t most = t->rate && t->rate < CHUNK_MOST ? t->rate : CHUNK_MOST;
    if (ok && took_ms < QUICK_MS)
        t->chunk *= 2;
    else if (!ok || took_ms > SLOW_MS)
        t->chunk /= 2;
    t->chunk = t->chunk > most ? most : t->chunk;
    t->chunk = t->chunk < CHUNK_LEAST ? CHUNK_LEAST : t->chunk;
}

static enum result fetch_range(struct transfer *t, struct error *err)
{
    const struct deploy_file *f = t->d->file;
    char target[128], range[64], tag[DIGEST_HEX + 2];
    uint64_t left = f->size - t->at, wanted = left < t->chunk ? left : t->chunk, began = clock_mono_ms();
    struct web_answer answer;
    (void)snprintf(target, sizeof target, "/CCM_Content/%s", f->sha256);
    (void)snprintf(range, sizeof range, "bytes=%" PRIu64 "-%" PRIu64, t->at, t->at + wanted - 1);
    (void)snprintf(tag, sizeof tag, "\"%s\"", f->sha256);
    struct client_call call = {.method = t->s->choice.method,
                               .role = t->s->choice.role.id,
                               .verb = "GET",
                               .target = target,
                               .range = range,
                               .if_range = tag};
    t->s->outcome = (struct web_outcome){0};
    bool ok = client_token_send(t->s, &call, &answer);
    enum result r =
        ok ? take(t, &answer, wanted, err)
           : error_set(err, R_AGAIN, "%.128s: %.64s: %.256s", f->path, t->s->outcome.reason, t->s->outcome.detail);
    web_answer_free(&answer);
    adapt(t, ok, clock_mono_ms() - began);
    return r;
}

/* --- the whole --- */

/* A signal ends it. */
static void pause_ms(uint64_t ms)
{
    struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    if (ms && !web_http_stopped())
        (void)nanosleep(&t, NULL);
}

/* So long that the rate on the average is not passed. */
static void keep_rate(const struct transfer *t)
{
    uint64_t took = clock_mono_ms() - t->began_ms, moved = t->at - t->began_at;
    uint64_t due = t->rate ? moved * 1000 / t->rate : 0;
    if (t->at < t->d->file->size && due > took)
        pause_ms(due - took);
}

/* A refusal that will be no other a second later. */
static bool is_final(const struct transfer *t)
{
    const struct web_outcome *o = &t->s->outcome;
    return o->ending == WEB_REFUSED && o->status >= 400 && o->status < 500 && o->status != 408 && o->status != 429;
}

static enum result refuse(const struct transfer *t, struct error *err)
{
    return error_set(err, R_DENIED, "%.128s: %.64s: %.256s", t->d->file->path, t->s->outcome.reason,
                     t->s->outcome.detail);
}

static enum result fetch_rest(struct transfer *t, struct error *err)
{
    while (t->at < t->d->file->size) {
        enum result r = fetch_range(t, err);
        t->failures = r == OK ? 0 : t->failures + 1;
        if (r == OK)
            keep_rate(t);
        else if (r == R_AGAIN && is_final(t))
            return refuse(t, err);
        else if (r != R_AGAIN || t->failures >= TRIES || web_http_stopped())
            return r;
        else
            pause_ms((uint64_t)PAUSE_MS << t->failures);
    }
    return OK;
}

/* On the disk before it has its name. */
static enum result publish(struct transfer *t, struct error *err)
{
    unsigned char hash[DIGEST_SIZE];
    char hex[DIGEST_HEX];
    digest_end(t->digest, hash);
    t->digest = NULL;
    encode_hex(slice_make((const char *)hash, sizeof hash), hex);
    if (strcmp(hex, t->d->file->sha256) != 0) {
        (void)unlink(t->d->part);
        return error_set(err, R_INVALID,
                         "%.128s: what was sent has the SHA-256 %s, and the site signed %s: it was thrown away",
                         t->d->file->path, hex, t->d->file->sha256);
    }
    if (fchmod(t->fd, t->d->file->executable ? 0700 : 0600) != 0 || fsync(t->fd) != 0 ||
        rename(t->d->part, t->d->path) != 0)
        return error_set(err, R_IO, "%.256s: %s", t->d->path, strerror(errno));
    return OK;
}

enum result client_download(struct client_session *s, const struct download *d, struct error *err)
{
    struct transfer t = {.s = s, .d = d, .chunk = CHUNK_FIRST};
    uint64_t kib = 0;
    const char *rate = client_setting(&s->c->settings, SETTING_CONTENT_RATE);
    if (rate && slice_to_u64(slice_of(rate), &kib))
        t.rate = kib * 1024;
    adapt(&t, true, QUICK_MS);
    enum result r = open_part(&t, err);
    t.began_ms = clock_mono_ms();
    t.began_at = t.at;
    if (r == OK)
        r = fetch_rest(&t, err);
    if (r == OK)
        r = publish(&t, err);
    digest_free(t.digest);
    if (t.fd >= 0)
        (void)close(t.fd);
    return r;
}

bool client_download_is_there(const struct deploy_file *file, const char *path)
{
    unsigned char hash[DIGEST_SIZE];
    char hex[DIGEST_HEX] = "";
    struct stat st;
    uint64_t read = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return false;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == file->size) {
        struct digest *digest = digest_new();
        bool whole = hash_open_file(fd, digest, file->size, &read, NULL) == OK;
        digest_end(digest, hash);
        encode_hex(slice_make((const char *)hash, whole ? sizeof hash : 0), hex);
    }
    (void)close(fd);
    return strcmp(hex, file->sha256) == 0;
}
