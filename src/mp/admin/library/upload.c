/* SPDX-License-Identifier: Apache-2.0 */
/* PUT /v1/content-files/<sha256>: a file comes in, written by threads of the pool piece after piece; the caller is
 * credited with a piece when it was written. It is there when it is whole and hashes to its name. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mp/admin/admin.h"
#include "mp/library/library.h"
#include "mp/put.h"

enum { WINDOW = 64 * 1024 }; /* what of a body is outstanding at most (http/exchange.h) */

struct upload {
    struct mp_request *r; /* NULL: the caller is gone, or was answered */
    struct loop *loop;
    const struct http_exchange_events *events; /* the request's own */
    char sha256[DIGEST_HEX];
    char *state;
    uint64_t announced; /* bytes; 0: not known */
    struct mp_library_draft *draft;
    bool busy, ended, publishing;
    enum result result;
    struct error err;
    uint64_t size;
    size_t writing, waiting; /* bytes of the pieces */
    char piece[WINDOW], next[WINDOW];
};

static void upload_free(struct upload *u)
{
    mp_library_draft_free(u->draft);
    free(u->state);
    free(u);
}

/* In a thread of the pool, as what follows. */
static void begin(void *arg)
{
    struct upload *u = arg;
    u->result = mp_library_draft_new(u->state, u->sha256, u->announced, &u->draft, &u->err);
}

static void write_piece(void *arg)
{
    struct upload *u = arg;
    u->result = mp_library_draft_add(u->draft, slice_make(u->piece, u->writing), &u->err);
}

static void publish(void *arg)
{
    struct upload *u = arg;
    u->result = mp_library_draft_publish(u->draft, &u->err);
}

static void go_on(struct upload *u);

static void on_done(void *arg)
{
    struct upload *u = arg;
    u->busy = false;
    if (u->r && u->result != OK) {
        mp_admin_fail(u->r, &u->err, NULL);
        u->r = NULL;
    } else if (u->r && u->publishing) {
        mp_answer_json(u->r, 201, json_pack("{s:s, s:I}", "sha256", u->sha256, "size", (json_int_t)u->size));
        u->r = NULL;
    }
    if (!u->r) {
        upload_free(u);
        return;
    }
    size_t written = u->writing;
    u->size += written;
    u->writing = 0;
    if (written)
        http_exchange_consumed(u->r->exchange, written);
    go_on(u);
}

static void run(struct upload *u, loop_fn *work)
{
    u->busy = true;
    loop_job(u->loop, work, on_done, u);
}

static void go_on(struct upload *u)
{
    if (u->busy)
        return;
    if (u->waiting) {
        memcpy(u->piece, u->next, u->waiting);
        u->writing = u->waiting;
        u->waiting = 0;
        run(u, write_piece);
    } else if (u->ended) {
        u->publishing = true;
        run(u, publish);
    }
}

/* --- the exchange's --- */

static void on_body(void *ctx, struct slice data)
{
    struct upload *u = ctx;
    if (data.len > sizeof u->next - u->waiting)
        fatal("a body came that was not credited");
    memcpy(u->next + u->waiting, data.ptr, data.len);
    u->waiting += data.len;
    go_on(u);
}

static void on_body_end(void *ctx)
{
    struct upload *u = ctx;
    u->ended = true;
    go_on(u);
}

static void on_abort(void *ctx, const struct error *why)
{
    struct upload *u = ctx;
    struct mp_request *r = u->r;
    const struct http_exchange_events *own = u->events;
    u->r = NULL;
    if (!u->busy)
        upload_free(u);
    own->on_abort(r, why);
}

static const struct http_exchange_events events = {
    .on_body = on_body, .on_body_end = on_body_end, .on_abort = on_abort};

void mp_admin_content_file_put(struct mp_request *r)
{
    const struct http_request *q = &r->exchange->request;
    char sha256[DIGEST_HEX];
    struct error err;
    if (!mp_library_hash(slice_of(r->params[0]), sha256)) {
        (void)error_set(&err, R_INVALID, "a file's name here is its SHA-256: 64 hex digits");
        mp_admin_fail(r, &err, NULL);
        return;
    }
    struct upload *u = mem_zalloc(sizeof *u);
    u->r = r;
    u->loop = r->site->loop;
    u->state = slice_dup(slice_of(r->site->config->state));
    u->announced = q->content_length > 0 ? (uint64_t)q->content_length : 0;
    memcpy(u->sha256, sha256, sizeof u->sha256);
    u->events = r->exchange->events;
    r->exchange->events = &events;
    r->exchange->ctx = u;
    if (q->expect_continue)
        http_exchange_inform(r->exchange, &(struct http_response){.status = 100, .content_length = -1});
    run(u, begin);
}
