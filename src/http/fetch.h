/* SPDX-License-Identifier: Apache-2.0 */
/* One small request with its body, and the whole answer at once: for what a program asks on its own account. The way to
 * send it (a pool, a tunnel) is the caller's. One at a time. */
#ifndef HTTP_FETCH_H
#define HTTP_FETCH_H

#include "http/call.h"
#include "loop/loop.h"

struct http_fetch;

/* Starts the call; a body follows by http_call_write. */
typedef enum result http_fetch_send_fn(void *owner, const struct http_request *request,
                                       const struct http_call_events *events, void *ctx, struct http_call **ret,
                                       struct error *err);
/* Once for each http_fetch_get and http_fetch_post: the answer, or status 0 and why there is none. `body` is borrowed
 * for the call. May start the next one, and may free. */
typedef void http_fetch_done_fn(void *owner, int status, struct slice body, const struct error *why);

/* answer_max: bytes; timeout_ms: for the whole answer. */
struct http_fetch *http_fetch_new(struct loop *loop, size_t answer_max, uint64_t timeout_ms, http_fetch_send_fn *send,
                                  http_fetch_done_fn *done, void *owner);
void http_fetch_free(struct http_fetch *f); /* cancels what is under way. NULL allowed */

bool http_fetch_busy(const struct http_fetch *f);

/* POSTs `body` (copied) to `target` of `authority`. Not while busy. What the other texts point to stays as long as
 * `send` needs it: where a pool sends, until done. */
void http_fetch_post(struct http_fetch *f, struct slice authority, struct slice target, const char *type,
                     struct slice body);
void http_fetch_get(struct http_fetch *f, struct slice authority, struct slice target);
/* Cache-Control of the last answer, cut; "" when it had none. Borrowed until the next request. */
const char *http_fetch_cache_control(const struct http_fetch *f);

/* Without done; another may start. */
void http_fetch_cancel(struct http_fetch *f);

#endif
