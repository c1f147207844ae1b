/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connector's dialer against gateways of whom a story tells (h2_story.h): each connection that it dials is a peer,
 * and the story chooses to which of them it speaks. Tunnels come up and go down in turn, dialling has a bound, and
 * whenever the dialer is freed every exchange has ended when that returns.
 */
#include "../unit/http/fake_loop.h"
#include "../unit/tunnel/fake_dial.h"
#include "base/mem.h"
#include "base/rand.h"
#include "h2_story.h"
#include "h2_users.h"
#include "tunnel/dial.h"

enum { PEERS_MAX = 64, TUNNELS_MAX = 4 };

struct world {
    struct loop *loop;
    struct tunnel_dialer *d; /* NULL: freed */
    struct h2_story story;
    struct h2_answers answers;
    struct h2_peer peers[PEERS_MAX];
    size_t dialled;
    int up[TUNNELS_MAX];
    bool silent;  /* gateways say their preface themselves */
    bool telling; /* inside on_tunnel, where it may not be freed */
};

/* Every run of an input is the same. */
uint64_t rand_below(uint64_t limit)
{
    return limit / 2;
}

void rand_bytes(void *ret, size_t len)
{
    memset(ret, 7, len);
}

void rand_id_bytes(void *ret, size_t len)
{
    rand_bytes(ret, len);
}

static void on_dial(void *ctx, struct net_stream *gateway)
{
    struct world *w = ctx;
    if (w->dialled == PEERS_MAX) {
        net_stream_close(gateway);
        return;
    }
    struct h2_peer *p = &w->peers[w->dialled++];
    h2_peer_start(p, gateway, true, !w->silent);
    w->story.to = p;
}

static void on_request(void *owner, struct http_exchange *x)
{
    struct world *w = owner;
    MUST(w->d && x->owner == w && !slice_starts(x->request.target, SLICE("/.cmg/")));
    h2_answers_take(&w->answers, x);
}

static void on_tunnel(void *owner, const char *gateway_id, uint32_t worker, uint32_t workers, bool up,
                      const struct error *why)
{
    struct world *w = owner;
    MUST(w->d && up == !why && (!why || why->text[0]));
    if (up || workers) {
        MUST(!up || (gateway_id[0] && worker < workers && workers <= TUNNELS_MAX));
        if (worker < TUNNELS_MAX && up)
            MUST(w->up[worker]++ == 0);
        else if (worker < TUNNELS_MAX && w->up[worker])
            w->up[worker]--;
    }
}

static const struct tunnel_dialer_events events = {.on_request = on_request, .on_tunnel = on_tunnel};

static void free_dialer(struct world *w)
{
    struct tunnel_dialer *d = w->d;
    tunnel_dialer_free(d);
    w->d = NULL;
    MUST(w->answers.begun == w->answers.ended);
}

static void announce(struct world *w)
{
    static const char *const ids[] = {"git", "apt"};
    tunnel_dialer_set_endpoints(w->d, ids, 2);
}

static void session(void *ctx, enum h2_session_deed deed)
{
    struct world *w = ctx;
    if (!w->d)
        return;
    if (deed == H2_SESSION_DRAIN)
        tunnel_dialer_drain(w->d);
    else if (deed == H2_SESSION_ABORT)
        free_dialer(w);
    else
        announce(w);
}

static void act(void *ctx, uint8_t what, uint8_t which)
{
    struct world *w = ctx;
    if (what % 32 < 16)
        w->story.to = w->dialled ? &w->peers[which % w->dialled] : NULL;
    else
        h2_answers_act(&w->answers, what, which);
}

static void look(void *ctx)
{
    const struct world *w = ctx;
    MUST(!w->d || tunnel_dialer_up(w->d) <= TUNNELS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char *const ids[] = {"ccm"};
    static const struct tunnel_dialer_options o = {
        .host = "a", .port = 1, .connector_id = "cp1", .max_tunnels = TUNNELS_MAX};
    struct slice in = slice_make(bytes, size);
    uint8_t choice = fuzz_choice(&in);
    struct world *w = mem_zalloc(sizeof *w);
    w->loop = loop_new();
    w->answers = (struct h2_answers){.session = session, .ctx = w};
    w->story = (struct h2_story){.loop = w->loop, .act = act, .look = look, .ctx = w, .alone = choice & 2};
    w->story.cut = fuzz_choice(&in);
    w->silent = choice & 1;
    fake_dial = (struct fake_dial){.on_dial = on_dial, .ctx = w};
    w->d = tunnel_dialer_new(w->loop, &o, ids, 1, &events, w);
    fake_loop_settle(w->loop);
    h2_story_tell(&w->story, in);
    if (w->d && (choice & 4))
        tunnel_dialer_drain(w->d);
    fake_loop_pass(w->loop, 12 * 1000);
    if (w->d)
        free_dialer(w);
    fake_loop_settle(w->loop);
    for (size_t i = 0; i < w->dialled; i++)
        h2_peer_stop(&w->peers[i]);
    fake_loop_settle(w->loop);
    loop_free(w->loop);
    free(w);
    return 0;
}
