/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway's end of a tunnel against a connector of whom a story tells (h2_story.h): whatever it says to the hello
 * and behind it, the tunnel goes down once, and every call of it has ended by then.
 */
#include "../unit/http/fake_loop.h"
#include "../unit/http/loopback_stream.h"
#include "h2_story.h"
#include "h2_users.h"
#include "tunnel/accept.h"

struct world {
    struct tunnel *t; /* NULL: down */
    struct h2_calls calls;
    size_t ups;
};

static void on_up(void *owner, struct tunnel *t)
{
    struct world *w = owner;
    MUST(w->t == t && w->ups++ == 0);
}

static void on_update(void *owner, struct tunnel *t)
{
    struct world *w = owner;
    MUST(w->t == t && w->ups == 1);
    (void)tunnel_reaches(t, SLICE("git"));
}

static void on_down(void *owner, struct tunnel *t, const struct error *why)
{
    struct world *w = owner;
    MUST(w->t == t && why && why->text[0] && w->calls.begun == w->calls.ended);
    w->t = NULL;
}

static const struct tunnel_events events = {.on_up = on_up, .on_update = on_update, .on_down = on_down};

static void session(void *ctx, enum h2_session_deed deed)
{
    struct world *w = ctx;
    if (w->t && deed == H2_SESSION_DRAIN)
        tunnel_drain(w->t);
    else if (w->t && deed == H2_SESSION_CLOSE)
        tunnel_close(w->t);
}

static enum result make(void *ctx, const struct http_request *r, const struct http_call_events *call_events, void *call,
                        struct http_call **ret, struct error *err)
{
    const struct world *w = ctx;
    if (!w->t)
        return error_set(err, R_LIMIT, "down");
    return tunnel_call(w->t, r, call_events, call, ret, err);
}

static void act(void *ctx, uint8_t what, uint8_t which)
{
    struct world *w = ctx;
    h2_calls_act(&w->calls, what, which);
}

static void look(void *ctx)
{
    const struct world *w = ctx;
    MUST(!w->t || tunnel_outstanding(w->t) == w->calls.begun - w->calls.ended);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct tunnel_hello hello = {"gw1", H2_STORY_GENERATION, 0, 2};
    struct slice in = slice_make(bytes, size);
    uint8_t choice = fuzz_choice(&in);
    struct world w = {.calls = {.session = session, .make = make, .ctx = &w}};
    struct loop *loop = loop_new();
    struct net_stream *ours, *theirs;
    struct h2_peer peer;
    struct h2_story story = {.loop = loop, .to = &peer, .act = act, .look = look, .ctx = &w, .alone = choice & 2};
    story.cut = fuzz_choice(&in);
    loopback_pair(loop, 0, choice & 4 ? 100 : 0, &ours, &theirs);
    h2_peer_start(&peer, theirs, false, !(choice & 1));
    w.t = tunnel_accept(loop, ours, "cp1", 1, &hello, &events, &w);
    h2_story_tell(&story, in);
    if (choice & 8)
        session(&w, H2_SESSION_DRAIN);
    fake_loop_pass(loop, 20 * 1000);
    session(&w, H2_SESSION_CLOSE);
    fake_loop_settle(loop);
    MUST(!w.t);
    h2_peer_stop(&peer);
    fake_loop_settle(loop);
    loop_free(loop);
    return 0;
}
