/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server's HTTP/2 session against a peer of whom a story tells (h2_story.h), from the first byte to its end.
 * Strangers have budgets of heads, which hold when all has settled, and nothing of them is left behind.
 */
#include "h2_session.h"

enum { STREAMS = 16, STRANGER_HEADS = 4 * 1024, HEAD_COST = 1024 };
enum { KEPT = 2 * 1024 * 1024 }; /* by nghttp2: two strings of 128 KiB, frames for who does not read */

struct world {
    struct h2_session s; /* first: the session's owner */
    struct h2_answers answers;
    size_t kept; /* bytes of a stranger's, as told last */
};

static void on_request(void *owner, struct http_exchange *x)
{
    struct world *w = owner;
    MUST(w->s.h);
    h2_answers_take(&w->answers, x);
}

static void on_bad_request(void *owner, int status, const char *what, struct arena *a, struct http_response *ret_head,
                           struct slice *ret_body)
{
    struct world *w = owner;
    (void)a;
    MUST(w->s.h && status >= 400 && what[0]);
    ret_head->status = status;
    *ret_body = slice_of(what);
}

static void on_held(void *owner, size_t bytes)
{
    struct world *w = owner;
    MUST(w->s.h);
    w->kept = bytes;
}

static const struct http_h2_events events = {.on_request = on_request,
                                             .on_held = on_held,
                                             .on_bad_request = on_bad_request,
                                             .on_drain = h2_session_on_drain,
                                             .on_close = h2_session_on_close};

static void session(void *ctx, enum h2_session_deed deed)
{
    h2_session_do(ctx, deed);
}

static void act(void *ctx, uint8_t what, uint8_t which)
{
    struct world *w = ctx;
    h2_answers_act(&w->answers, what, which);
}

/* Of a refused stream only its own cost is left until its reset has gone; a stranger's only head may be a long one;
 * what was answered and not taken counts, too. */
static void look(void *ctx)
{
    const struct world *w = ctx;
    h2_session_look(&w->s);
    MUST(w->kept <= STRANGER_HEADS + HTTP_ARENA_MAX + STREAMS * HEAD_COST + KEPT + w->answers.written);
    MUST(w->answers.begun - w->answers.ended <= STREAMS);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice in = slice_make(bytes, size);
    uint8_t choice = fuzz_choice(&in), cut = fuzz_choice(&in);
    struct world w = {.answers = {.session = session, .ctx = &w}};
    struct h2_story story = {.act = act, .look = look, .ctx = &w};
    const struct http_h2_options o = {
        .max_streams = STREAMS,
        .window_budget = 1 << 20,
        .idle_ms = choice & 8 ? 2000 : 300 * 1000,
        .body_ms = 60 * 1000,
        .ping_ms = choice & 16 ? 10 * 1000 : 0,
        .ping_timeout_ms = 5000,
        .heads_budget = 32 * 1024,
        .stranger_heads = STRANGER_HEADS,
        .stranger = !(choice & 32),
        .websocket = true,
    };
    h2_session_start(&w.s, &story, choice, cut, true);
    w.s.h = http_h2_server(w.s.loop, w.s.ours, &o, &events, &w);
    h2_story_tell(&story, in);
    h2_session_stop(&w.s, choice >> 5);
    MUST(w.answers.begun == w.answers.ended);
    return 0;
}
