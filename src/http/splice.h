/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
/*
 * A splice joins one exchange (the side that asks us) to one call (the side that we ask), streaming both ways:
 *
 *     asker ─ body ─▶ exchange: on_body ─▶ http_call_write ─────▶ server
 *           ◀─ credit ─ http_exchange_consumed ◀─ call: on_sent
 *
 *     asker ◀─ body ─ http_exchange_write ◀─ call: on_body ◀───── server
 *                        exchange: on_sent ─▶ http_call_consumed ─ credit ─▶
 *
 * Nothing is buffered whole: each direction holds at most a window. Where the owner allows retries, the first 64 KiB of
 * the request's body are kept until the answer begins, so that the call can be made once more.
 *
 * Windows of many streams add up, and a session over its own budget (http/h2/flow.c) gives no stream of it credit any
 * more. So what splices hold is counted by whom they are for, and who leaves most untaken gives way before that.
 */
/* clang-format on */
#ifndef HTTP_SPLICE_H
#define HTTP_SPLICE_H

#include "base/limit/crowd.h"
#include "http/call.h"
#include "http/exchange.h"

struct http_splice;

/* Bytes of a crowd: over the former, of who holds most and more than the latter a splice ends (and with a fourth more
 * of the former, a fourth of the latter: splice.c). Less than a session may have unconsumed, which gives credit again
 * only when that is below its budget. */
enum { HTTP_SPLICES_HOLD = 48 * 1024 * 1024, HTTP_SPLICES_SHARE = 16 * 1024 * 1024 };

enum http_splice_refusal {
    HTTP_SPLICE_NO_WAY,    /* the call could not be made */
    HTTP_SPLICE_FAILED,    /* it failed before an answer; `why` says how */
    HTTP_SPLICE_TOO_LARGE, /* the request's body passed max_body */
    HTTP_SPLICE_CROWDED,   /* its sender's splices hold too much that neither side takes */
};

/* The same of heads, which stay in the exchange's arena until it is over, however long the answer is waited for. What
 * is usual is not counted. */
enum {
    HTTP_SPLICES_HEADS = 64 * 1024 * 1024,
    HTTP_SPLICES_HEADS_SHARE = 4 * 1024 * 1024,
    HTTP_SPLICE_HEAD_USUAL = 8 * 1024
};

/* All for whom there are splices; the caller owns the crowds and counts by them. NULL: nothing is counted. */
struct http_splice_senders {
    struct crowd *bodies, *heads;
};

/* For whom a splice is, as long as it is under way. Key "": for the owner itself, of whom nothing is counted. */
struct http_splice_sender {
    struct http_splice_senders of;
    struct slice key;
    uint64_t now_ms;
};

struct http_splice_stats {
    uint64_t request_bytes, response_bytes;
    int status; /* of the answer that was passed on; 0: none */
    bool retried;
    bool broke_inside; /* the call failed when its answer was under way */
};

struct http_splice_owner {
    /* Makes the call for `request` (as http_pool_call does); `again`: it is the second try. R_AGAIN: not now, but soon;
     * the owner then says when to try (http_splice_go_on), and the asker's body waits. Only where may_retry is given.
     */
    enum result (*make_call)(void *ctx, const struct http_request *request, bool again,
                             const struct http_call_events *events, void *call_ctx, struct http_call **ret);
    /* May change the head of the final answer before it is passed on. Fields added live in exchange->arena. `begin`:
     * the first piece of the body when `peeks` returned true for this head; else empty. */
    void (*on_response)(void *ctx, struct http_exchange *x, struct http_response *head, struct slice begin);
    /* Returns true to hold the head back until the first piece of the body is here, so that on_response sees both. Used
     * where the head alone does not tell who answered. NULL: no head is held back. */
    bool (*peeks)(void *ctx, const struct http_response *head);
    /* NULL: never. Asked only while all of the body so far is kept. */
    bool (*may_retry)(void *ctx, const struct http_failure *why);
    /* Must answer x. `why` only for HTTP_SPLICE_FAILED. */
    void (*refuse)(void *ctx, struct http_exchange *x, enum http_splice_refusal what, const struct http_failure *why);
    /* It is over, whatever way: the last callback. `broken`: NULL, or why an answer under way was broken off. */
    void (*on_over)(void *ctx, const struct http_splice_stats *stats, const struct error *broken);
};

/* Takes over x. `request` is what is asked of the server (in x's arena). May end (refuse, on_over) before it returns:
 * then it returns NULL. */
struct http_splice *http_splice_start(struct http_exchange *x, const struct http_request *request, uint64_t max_body,
                                      const struct http_splice_sender *sender, const struct http_splice_owner *owner,
                                      void *ctx);

/* The call that could not be made is tried anew. May end the splice. */
void http_splice_go_on(struct http_splice *s);

/* A WebSocket is ended: its client is told 1001 between two frames of the answer, now or behind the one that is under
 * way. Of any other, nothing happens. May end the splice. */
void http_splice_leave(struct http_splice *s);

/* Breaks it off towards both sides; on_over comes inside. */
void http_splice_abort(struct http_splice *s);

#endif
