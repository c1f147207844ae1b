/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The users of HTTP/2 sessions in stories: whoever answers exchanges, and whoever makes calls. What they do is chosen
 * by the path's letter and by a story's steps; that each exchange and call ends once, and that nothing comes behind its
 * end or from inside a call to it, is looked at here (memory that was freed: by ASan).
 */
#ifndef TESTS_FUZZ_H2_USERS_H
#define TESTS_FUZZ_H2_USERS_H

#include "http/call.h"
#include "http/exchange.h"

enum h2_session_deed { H2_SESSION_CLOSE, H2_SESSION_DRAIN, H2_SESSION_ABORT, H2_SESSION_LET_IN, H2_SESSION_DEEDS };

struct h2_answers {
    void (*session)(void *ctx, enum h2_session_deed deed); /* may be called from any callback */
    void *ctx;
    struct h2_answer *first;
    size_t begun, ended;
    size_t written; /* bytes of bodies, of all answers */
};

void h2_answers_take(struct h2_answers *all, struct http_exchange *x); /* in on_request */
void h2_answers_act(struct h2_answers *all, uint8_t what, uint8_t which);

struct h2_calls {
    enum result (*make)(void *ctx, const struct http_request *r, const struct http_call_events *events, void *call,
                        struct http_call **ret, struct error *err);
    void (*session)(void *ctx, enum h2_session_deed deed);
    void *ctx;
    struct h2_ask *first;
    size_t begun, ended;
};

void h2_calls_act(struct h2_calls *all, uint8_t what, uint8_t which);

#endif
