/* SPDX-License-Identifier: Apache-2.0 */
/* One parked request at a time, and what its answer leads to; verifying and building is snapshot/builder.c, whose
 * snapshots feed the sources that this owns too. In its home's loop. */
#include "gateway/site/bundle_pull.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "gateway/snapshot/builder.h"

enum { RETRY_MS = 1000, SILENCE_MS = 300 * 1000, LISTS_MS = 15 * 1000, TEXT_MAX = JOSE_DOCUMENT_MAX };

struct bundle_pull {
    const struct snapshot_home *home;
    void (*on_news)(void *owner);
    void *owner;
    struct http_call *call; /* parked or being answered; NULL: none */
    struct tunnel *tunnel;  /* of the call, and not looked at without one */
    struct builder *builder;
    struct sources *sources;
    struct buf text;
    int status;
    bool building;            /* what came is being verified: nothing is asked meanwhile */
    enum result refused_with; /* OK: the last one was taken */
    bool confirmed;           /* this process has had an answer: a kept bundle may be older than the site's word */
    struct loop_timer *again; /* after a failure, and against a silent peer */
    char target[64];
};

static void ask_site(struct bundle_pull *p);

static void ask_later(struct bundle_pull *p)
{
    p->call = NULL;
    buf_free(&p->text);
    loop_timer_start(p->again, RETRY_MS, 0);
}

static struct snapshot_time time_now(void)
{
    return (struct snapshot_time){clock_wall_s(), (int64_t)(clock_mono_ms() / 1000)};
}

/* The log says once what stays so, however often the bundle comes; the site is told. */
static void note_outcome(struct bundle_pull *p, const struct error *why)
{
    struct snapshot_current *current = p->home->current;
    char before[ERROR_TEXT_MAX];
    bool refused = why->code != OK && why->code != R_AGAIN;
    snapshot_current_refused(current, before);
    snapshot_current_refuse(current, refused ? why->text : "");
    if (refused && why->code != p->refused_with)
        log_msg(LOG_ERROR, "bundle", "a bundle was refused: %s", why->text);
    p->refused_with = refused ? why->code : OK;
    if (refused != (*before != '\0'))
        p->on_news(p->owner);
}

/* A bundle that was refused would be at once again. */
static void on_bundle(void *owner, const struct error *why)
{
    struct bundle_pull *p = owner;
    p->building = false;
    note_outcome(p, why);
    if (why->code == OK || why->code == R_AGAIN)
        snapshot_current_confirm(p->home->current, time_now());

    if (why->code == OK)
        ask_site(p);
    else
        ask_later(p);

    if (why->code != R_AGAIN)
        return;
    p->confirmed = false; /* so that it comes again */
    loop_timer_start(p->again, LISTS_MS, 0);
}

static void on_publish(void *owner)
{
    struct bundle_pull *p = owner;
    sources_refresh(p->sources);
    p->on_news(p->owner);
}

static void on_fetched(void *owner)
{
    struct bundle_pull *p = owner;
    builder_again(p->builder);
}

static void on_source_state(void *owner)
{
    struct bundle_pull *p = owner;
    p->on_news(p->owner);
}

static const struct sources_events sources_callbacks = {on_fetched, on_source_state};
static const struct builder_events builder_callbacks = {on_bundle, on_publish};

static void take_answer(struct bundle_pull *p)
{
    snapshot_current_heard(p->home->current, time_now().mono);
    p->confirmed = true;
    if (p->status == 200) {
        p->building = true;
        loop_timer_stop(p->again);
        builder_bundle(p->builder, buf_data(&p->text));
    }
    buf_free(&p->text);
    if (!p->building)
        ask_site(p);
}

static void on_response(void *ctx, const struct http_response *head)
{
    struct bundle_pull *p = ctx;
    p->status = head->status;
}

static void on_body(void *ctx, struct slice data)
{
    struct bundle_pull *p = ctx;
    http_call_consumed(p->call, data.len);
    if (buf_append(&p->text, data) == OK)
        return;
    log_msg(LOG_ERROR, "bundle", "the site sent a bundle of more than %d bytes; it was not taken", TEXT_MAX);
    http_call_cancel(p->call);
    ask_later(p);
}

static void on_end(void *ctx, const struct http_fields *trailers)
{
    struct bundle_pull *p = ctx;
    (void)trailers;
    p->call = NULL;
    if (p->status == 200 || p->status == 204) {
        take_answer(p);
        return;
    }
    log_msg(LOG_WARN, "bundle", "the site answered %d instead of a bundle", p->status);
    ask_later(p);
}

static void on_sent(void *ctx, size_t n)
{
    (void)ctx;
    (void)n;
}

static void on_fail(void *ctx, const struct http_failure *why)
{
    struct bundle_pull *p = ctx;
    log_msg(LOG_DEBUG, "bundle", "asking the site failed: %s", why->error.text);
    ask_later(p);
}

static const struct http_call_events events = {
    .on_response = on_response, .on_body = on_body, .on_end = on_end, .on_sent = on_sent, .on_fail = on_fail};

static void ask_site(struct bundle_pull *p)
{
    struct tunnel *t = gateway_tunnels_pick(p->home->tunnels, SLICE("site"), NULL);
    struct error err;
    loop_timer_start(p->again, SILENCE_MS, 0);
    if (!t)
        return; /* the next tunnel kicks */
    (void)snprintf(p->target, sizeof p->target, "/bundle?after=%" PRId64,
                   p->confirmed ? snapshot_current_sequence(p->home->current) : 0);
    struct http_request request = {.version = HTTP_2,
                                   .method = SLICE("GET"),
                                   .scheme = SLICE("https"),
                                   .authority = SLICE("site"),
                                   .target = slice_of(p->target),
                                   .content_length = 0};

    p->status = 0;
    p->tunnel = t;
    if (tunnel_call(t, &request, &events, p, &p->call, &err) != OK)
        ask_later(p);
}

static void ask_again(void *arg)
{
    struct bundle_pull *p = arg;
    if (p->call)
        http_call_cancel(p->call);
    p->call = NULL;
    buf_free(&p->text);
    ask_site(p);
}

/* A parked request would hold a tunnel that drains until its end. */
void bundle_pull_kick(struct bundle_pull *p)
{
    sources_kick(p->sources);
    if (p->building)
        return;
    if (!p->call)
        ask_site(p);
    else if (!tunnel_reaches(p->tunnel, SLICE("site")))
        ask_again(p);
}

enum result bundle_pull_new(const struct snapshot_home *home, void (*on_news)(void *owner), void *owner,
                            struct bundle_pull **ret, struct error *err)
{
    struct bundle_pull *p = mem_zalloc(sizeof *p);
    p->home = home;
    p->on_news = on_news;
    p->owner = owner;
    p->builder = builder_new(home, &builder_callbacks, p);
    if (sources_new(home, &sources_callbacks, p, &p->sources, err) != OK) {
        builder_free(p->builder);
        free(p);
        return err->code;
    }
    p->again = loop_timer_new(home->loop, ask_again, p);
    buf_init(&p->text, TEXT_MAX);
    *ret = p;
    return OK;
}

void bundle_pull_free(struct bundle_pull *p)
{
    if (!p)
        return;
    if (p->call)
        http_call_cancel(p->call);
    sources_free(p->sources);
    builder_free(p->builder);
    loop_timer_free(p->again);
    buf_free(&p->text);
    free(p);
}

struct sources *bundle_pull_sources(struct bundle_pull *p)
{
    return p->sources;
}

void bundle_pull_start(struct bundle_pull *p)
{
    sources_refresh(p->sources);
}
