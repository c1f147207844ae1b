/* SPDX-License-Identifier: Apache-2.0 */
/* See h2_users.h: whoever asks. */
#include "base/mem.h"
#include "fuzz.h"
#include "h1_story.h"
#include "h2_users.h"

enum { CALLS_MAX = 40 };

struct h2_ask {
    struct h2_calls *all;
    struct h2_ask *next, **at;
    struct http_call *c;
    size_t unreported, unconsumed;
    char way;
    bool inside, has_body, finished, answered;
};

static void begin(struct h2_calls *all, char way);

static void over(struct h2_ask *k)
{
    *k->at = k->next;
    if (k->next)
        k->next->at = k->at;
    k->all->ended++;
    free(k);
}

static void cancel(struct h2_ask *k)
{
    k->inside = true;
    http_call_cancel(k->c);
    over(k);
}

static void consume(struct h2_ask *k)
{
    size_t n = k->unconsumed;
    k->unconsumed = 0;
    http_call_consumed(k->c, n);
}

static void write_piece(struct h2_ask *k)
{
    static const char piece[3000];
    if (!k->has_body || k->finished || k->unreported > HTTP_WRITE_AHEAD)
        return;
    k->unreported += sizeof piece;
    http_call_write(k->c, slice_make(piece, sizeof piece));
}

static void finish(struct h2_ask *k)
{
    if (k->has_body && !k->finished)
        http_call_finish(k->c);
    k->finished = true;
}

static void (*const deeds[])(struct h2_ask *k) = {consume, write_piece, finish, cancel};

/* Answers as the way's letter says; true: `k` may be gone. */
static bool turn(struct h2_ask *k, char cancels, char closes, char aborts)
{
    struct h2_calls *all = k->all;
    if (k->way == cancels)
        cancel(k);
    else if (k->way == closes)
        all->session(all->ctx, H2_SESSION_CLOSE);
    else if (k->way == aborts)
        all->session(all->ctx, H2_SESSION_ABORT);
    else
        return false;
    return true;
}

/* --- what the session tells --- */

static void check(const struct http_response *r)
{
    MUST(r->status >= 100 && r->status <= 999 && r->content_length >= -1);
    h1_story_check_fields(&r->fields);
}

static void on_inform(void *ctx, const struct http_response *r)
{
    struct h2_ask *k = ctx;
    MUST(!k->inside && !k->answered && r->status < 200);
    check(r);
    (void)turn(k, 'i', 'j', 'k');
}

static void on_response(void *ctx, const struct http_response *r)
{
    struct h2_ask *k = ctx;
    MUST(!k->inside && !k->answered && (r->status >= 200 || r->status == 101));
    check(r);
    k->answered = true;
    (void)turn(k, 'r', 'c', 'a');
}

static void on_body(void *ctx, struct slice data)
{
    struct h2_ask *k = ctx;
    MUST(!k->inside && k->answered && data.len);
    k->unconsumed += data.len;
    if (!turn(k, 'x', 'z', 'y') && k->way == 'e')
        consume(k);
}

static void on_sent(void *ctx, size_t n)
{
    struct h2_ask *k = ctx;
    MUST(!k->inside && n <= k->unreported);
    k->unreported -= n;
    if (!turn(k, 's', 't', 'u') && k->way == 'w')
        write_piece(k);
}

static void end(struct h2_ask *k)
{
    struct h2_calls *all = k->all;
    char way = k->way;
    over(k);
    if (way == 'f') /* tries again */
        begin(all, 'f');
    else if (way == 'v')
        all->session(all->ctx, H2_SESSION_CLOSE);
    else if (way == 'q')
        all->session(all->ctx, H2_SESSION_ABORT);
    else if (way == 'd')
        all->session(all->ctx, H2_SESSION_DRAIN);
}

static void on_end(void *ctx, const struct http_fields *trailers)
{
    struct h2_ask *k = ctx;
    MUST(!k->inside && k->answered);
    if (trailers)
        h1_story_check_fields(trailers);
    end(k);
}

static void on_fail(void *ctx, const struct http_failure *why)
{
    struct h2_ask *k = ctx;
    MUST(!k->inside && why->error.text[0] && why->answered == k->answered && !(why->unsent && why->answered));
    end(k);
}

static const struct http_call_events events = {
    .on_inform = on_inform,
    .on_response = on_response,
    .on_body = on_body,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_fail = on_fail,
};

/* --- making them --- */

static void begin(struct h2_calls *all, char way)
{
    struct h2_ask *k = mem_zalloc(sizeof *k);
    bool body = way >= 's', websocket = way == 'o' || way == 'w';
    struct error err = {0};
    const struct http_request r = {
        .version = HTTP_2,
        .method = body && !websocket ? SLICE("POST") : SLICE("GET"),
        .authority = SLICE("git"),
        .target = SLICE("/x"),
        .protocol = websocket ? SLICE("websocket") : SLICE_NONE,
        .content_length = -1,
        .has_body = body || websocket,
    };
    *k = (struct h2_ask){.all = all, .next = all->first, .at = &all->first, .way = way, .has_body = r.has_body};
    k->inside = true;
    if (all->begun >= CALLS_MAX || all->make(all->ctx, &r, &events, k, &k->c, &err) != OK) {
        MUST(all->begun >= CALLS_MAX || err.text[0]);
        free(k);
        return;
    }
    k->inside = false;
    if (k->next)
        k->next->at = &k->next;
    all->first = k;
    all->begun++;
    write_piece(k);
}

void h2_calls_act(struct h2_calls *all, uint8_t what, uint8_t which)
{
    struct h2_ask *k = all->first;
    if (what % 16 < 8) {
        begin(all, (char)('a' + which % 26));
        return;
    }
    for (which %= 16; k && k->next && which; which--)
        k = k->next;
    if (what % 16 >= 12)
        all->session(all->ctx, (enum h2_session_deed)(what % H2_SESSION_DEEDS));
    else if (k)
        deeds[what % 16 - 8](k);
}
