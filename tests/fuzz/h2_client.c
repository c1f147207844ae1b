/* SPDX-License-Identifier: Apache-2.0 */
/* A client's HTTP/2 session, as to a published server, against a peer of whom a story tells (h2_story.h). */
#include "h2_session.h"

enum { STREAMS = 16, FIRST_CALLS = 4 };

struct world {
    struct h2_session s; /* first: the session's owner */
    struct h2_calls calls;
};

static const struct http_h2_events events = {.on_drain = h2_session_on_drain, .on_close = h2_session_on_close};

static void session(void *ctx, enum h2_session_deed deed)
{
    if (deed != H2_SESSION_LET_IN)
        h2_session_do(ctx, deed);
}

static enum result make(void *ctx, const struct http_request *r, const struct http_call_events *call_events, void *call,
                        struct http_call **ret, struct error *err)
{
    const struct world *w = ctx;
    if (!w->s.h)
        return error_set(err, R_LIMIT, "closed");
    return http_h2_call(w->s.h, r, call_events, call, ret, err);
}

static void act(void *ctx, uint8_t what, uint8_t which)
{
    struct world *w = ctx;
    h2_calls_act(&w->calls, what, which);
}

static void look(void *ctx)
{
    const struct world *w = ctx;
    h2_session_look(&w->s);
    MUST(w->s.h || w->calls.begun == w->calls.ended);
    MUST(!w->s.h || http_h2_streams(w->s.h) == w->calls.begun - w->calls.ended);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice in = slice_make(bytes, size);
    uint8_t choice = fuzz_choice(&in), cut = fuzz_choice(&in);
    struct world w = {.calls = {.session = session, .make = make, .ctx = &w}};
    struct h2_story story = {.act = act, .look = look, .ctx = &w};
    const struct http_h2_options o = {
        .max_streams = STREAMS,
        .window_budget = 1 << 20,
        .idle_ms = choice & 8 ? 2000 : 300 * 1000,
        .body_ms = 60 * 1000,
        .ping_ms = choice & 16 ? 10 * 1000 : 0,
        .ping_timeout_ms = 5000,
    };
    h2_session_start(&w.s, &story, choice, cut, false);
    w.s.h = http_h2_client(w.s.loop, w.s.ours, &o, &events, &w);
    for (int i = 0; i < FIRST_CALLS; i++)
        h2_calls_act(&w.calls, 0, fuzz_choice(&in));
    h2_story_tell(&story, in);
    h2_session_stop(&w.s, choice >> 5);
    MUST(w.calls.begun == w.calls.ended);
    return 0;
}
