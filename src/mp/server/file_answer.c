/* SPDX-License-Identifier: Apache-2.0 */
/* Files as bodies: one piece is read while the one before it is on its way. The stream outlives the exchange as long as
 * a thread of the pool reads for it. */
#include "mp/server/file_answer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/host/gather.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "mp/site.h"

enum { PIECE = HTTP_WRITE_AHEAD / 2 };

struct stream {
    struct mp_site *site;
    struct http_exchange *exchange; /* NULL: the peer is gone */
    struct untaken untaken;
    char *path;
    uint64_t at, left;    /* of the file: what is still to be read */
    size_t written, sent; /* of what the exchange was given */
    bool reading;
    size_t wanted; /* of the piece that is read */
    int fault;     /* errno of it; 0: none */
    char piece[PIECE];
};

static void stream_free(struct stream *s)
{
    untaken_part(s->site->answers, &s->untaken);
    free(s->path);
    free(s);
}

/* The exchange is over; a thread may still read. */
static void part(struct stream *s)
{
    s->exchange = NULL;
    untaken_part(s->site->answers, &s->untaken);
    if (!s->reading)
        stream_free(s);
}

/* In a thread of the pool. */
static void read_piece(void *arg)
{
    struct stream *s = arg;
    size_t got = 0;
    int fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    s->fault = fd < 0 ? errno : 0;
    while (!s->fault && got < s->wanted) {
        ssize_t n = pread(fd, s->piece + got, s->wanted - got, (off_t)(s->at + got));
        if (n > 0)
            got += (size_t)n;
        else if (n == 0 || errno != EINTR)
            s->fault = n == 0 ? ENODATA : errno;
    }
    if (fd >= 0)
        (void)close(fd);
}

static void pump(struct stream *s);

static void break_off(struct stream *s)
{
    LOG_GATHERED(LOG_ERROR, "mp", "content", "unreadable", "a file of the content can't be read",
                 LOG_T("file", s->path), LOG_T("error", strerror(s->fault)));
    http_exchange_reset(s->exchange);
    part(s);
}

static void on_read(void *arg)
{
    struct stream *s = arg;
    s->reading = false;
    if (!s->exchange) {
        stream_free(s);
        return;
    }
    if (s->fault) {
        break_off(s);
        return;
    }
    http_exchange_write(s->exchange, slice_make(s->piece, s->wanted));
    s->at += s->wanted;
    s->left -= s->wanted;
    s->written += s->wanted;
    pump(s);
}

static void pump(struct stream *s)
{
    if (!s->left) {
        http_exchange_finish(s->exchange, NULL);
        part(s);
        return;
    }
    if (s->reading || s->written - s->sent > HTTP_WRITE_AHEAD - PIECE)
        return;
    s->wanted = s->left < PIECE ? (size_t)s->left : PIECE;
    s->reading = true;
    loop_job(s->site->loop, read_piece, on_read, s);
}

static void on_sent(void *ctx, size_t n)
{
    struct stream *s = ctx;
    s->sent += n;
    pump(s);
}

static void on_abort(void *ctx, const struct error *why)
{
    (void)why;
    part(ctx);
}

static void on_body(void *ctx, struct slice data)
{
    const struct stream *s = ctx;
    http_exchange_consumed(s->exchange, data.len); /* the request had none */
}

static void on_body_end(void *ctx)
{
    (void)ctx;
}

static const struct http_exchange_events events = {
    .on_body = on_body, .on_body_end = on_body_end, .on_sent = on_sent, .on_abort = on_abort};

static void give_way(struct untaken *u)
{
    struct stream *s = container_of(u, struct stream, untaken);
    http_exchange_reset(s->exchange);
    part(s);
}

/* Counted as what stands in memory: the piece, and what is written ahead. */
static bool has_room(struct mp_request *r, struct stream *s)
{
    static const enum mp_refusal refusals[] = {
        [UNTAKEN_EACH_FULL] = MP_REFUSAL_ANSWERS_OF_ONE, [UNTAKEN_ALL_FULL] = MP_REFUSAL_ANSWERS_OF_ALL};
    enum untaken_room room = untaken_hold(s->site->answers, &mp_untaken_limits, &s->untaken, slice_of(r->out.whose),
                                          sizeof *s + HTTP_WRITE_AHEAD);
    if (room == UNTAKEN_ROOM)
        return true;
    mp_refuse(r, refusals[room], NULL);
    return false;
}

void mp_answer_file(struct mp_request *r, const struct mp_answer *a, const char *path, uint64_t first, uint64_t length)
{
    struct stream *s = mem_zalloc(sizeof *s);
    *s = (struct stream){.site = r->site, .at = first, .left = length, .untaken = {.give_way = give_way}};
    s->path = slice_dup(slice_of(path));
    if (!has_room(r, s)) {
        stream_free(s);
        return;
    }
    s->exchange = mp_answer_head(r, a, length);
    if (!s->exchange) {
        stream_free(s);
        return;
    }
    s->exchange->events = &events;
    s->exchange->ctx = s;
    pump(s);
}
