/* SPDX-License-Identifier: Apache-2.0 */
/* One after the other. What comes goes straight into its file, so that the length of a list costs no memory; syncing
 * and naming the file is left to a thread of the pool. */
#include "gateway/snapshot/crl_pull.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/host/log.h"
#include "base/mem.h"
#include "gateway/snapshot/crl_file.h"

enum { SILENCE_MS = 30 * 1000 };

struct crl_pull {
    const struct snapshot_home *home;
    void (*done)(void *owner);
    void *owner;
    struct crl_wanted *list;
    size_t count, at;
    struct http_call *call; /* NULL: none */
    struct crl_file *file;  /* that grows */
    struct ending *ending;  /* that is synced */
    int64_t got;
    int status;
    struct loop_timer *silence; /* also: the next one, from the loop */
    char target[sizeof "/crl/" + PKI_HASH_HEX];
};

static void start_next(struct crl_pull *p);

static void give_up(struct crl_pull *p, const char *why)
{
    log_msg(LOG_WARN, "bundle", "the revocation list %.16s… of the bundle can't be had: %s", p->list[p->at].sha256,
            why);
    crl_file_abandon(p->file);
    p->file = NULL;
    p->call = NULL;
    p->at++;
    start_next(p);
}

/* --- the end of one --- */

struct ending {
    struct crl_pull *pull; /* NULL: it is gone */
    struct crl_file *file;
    enum result result;
    struct error err;
};

static void end_in_pool(void *arg)
{
    struct ending *e = arg;
    e->result = crl_file_end(e->file, &e->err);
}

static void on_file_ended(void *arg)
{
    struct ending *e = arg;
    struct crl_pull *p = e->pull;
    if (p) {
        p->ending = NULL;
        if (e->result == OK) {
            p->at++;
            start_next(p);
        } else {
            give_up(p, e->err.text);
        }
    }
    free(e);
}

static void end_file(struct crl_pull *p)
{
    struct ending *e = mem_zalloc(sizeof *e);
    *e = (struct ending){.pull = p, .file = p->file};
    p->ending = e;
    p->file = NULL;
    loop_job(p->home->loop, end_in_pool, on_file_ended, e);
}

/* --- the call --- */

static void on_response(void *ctx, const struct http_response *head)
{
    struct crl_pull *p = ctx;
    p->status = head->status;
}

static void on_body(void *ctx, struct slice data)
{
    struct crl_pull *p = ctx;
    struct error err = {R_LIMIT, "it is longer than the bundle says"};
    http_call_consumed(p->call, data.len);
    loop_timer_start(p->silence, SILENCE_MS, 0);
    p->got += (int64_t)data.len;
    if (p->got <= p->list[p->at].size && crl_file_add(p->file, data, &err) == OK)
        return;
    http_call_cancel(p->call);
    give_up(p, err.text);
}

static void on_end(void *ctx, const struct http_fields *trailers)
{
    struct crl_pull *p = ctx;
    char why[64];
    (void)trailers;
    p->call = NULL;
    loop_timer_stop(p->silence);
    if (p->status == 200) {
        end_file(p);
        return;
    }
    (void)snprintf(why, sizeof why, "the site answered %d", p->status);
    give_up(p, why);
}

static void on_sent(void *ctx, size_t n)
{
    (void)ctx;
    (void)n;
}

static void on_fail(void *ctx, const struct http_failure *why)
{
    give_up(ctx, why->error.text);
}

static const struct http_call_events events = {
    .on_response = on_response, .on_body = on_body, .on_end = on_end, .on_sent = on_sent, .on_fail = on_fail};

static enum result ask_site(struct crl_pull *p, struct error *err)
{
    struct tunnel *t = gateway_tunnels_pick(p->home->tunnels, SLICE("site"), NULL);
    if (!t)
        return error_set(err, R_AGAIN, "no connector reaches the site");
    enum result r = crl_file_begin(p->home->config->state, p->list[p->at].sha256, &p->file, err);
    if (r != OK)
        return r;
    (void)snprintf(p->target, sizeof p->target, "/crl/%s", p->list[p->at].sha256);
    struct http_request request = {.version = HTTP_2,
                                   .method = SLICE("GET"),
                                   .scheme = SLICE("https"),
                                   .authority = SLICE("site"),
                                   .target = slice_of(p->target)};
    p->got = 0;
    p->status = 0;
    return tunnel_call(t, &request, &events, p, &p->call, err);
}

/* Silence, or the next one: `done` never comes from inside crl_pull_start. */
static void on_timer(void *arg)
{
    struct crl_pull *p = arg;
    struct error err;
    if (p->call) {
        http_call_cancel(p->call);
        give_up(p, "the site fell silent");
    } else if (p->at == p->count) {
        p->done(p->owner);
    } else if (ask_site(p, &err) == OK) {
        loop_timer_start(p->silence, SILENCE_MS, 0);
    } else {
        give_up(p, err.text);
    }
}

static void start_next(struct crl_pull *p)
{
    loop_timer_start(p->silence, 0, 0);
}

void crl_pull_start(struct crl_pull *p, const struct crl_wanted *list, size_t count)
{
    free(p->list);
    p->list = mem_array(count, sizeof *p->list);
    memcpy(p->list, list, count * sizeof *list);
    p->count = count;
    p->at = 0;
    start_next(p);
}

struct crl_pull *crl_pull_new(const struct snapshot_home *home, void (*done)(void *owner), void *owner)
{
    struct crl_pull *p = mem_zalloc(sizeof *p);
    p->home = home;
    p->done = done;
    p->owner = owner;
    p->silence = loop_timer_new(home->loop, on_timer, p);
    return p;
}

void crl_pull_free(struct crl_pull *p)
{
    if (!p)
        return;
    if (p->call)
        http_call_cancel(p->call);
    if (p->ending)
        p->ending->pull = NULL;
    crl_file_abandon(p->file);
    loop_timer_free(p->silence);
    free(p->list);
    free(p);
}
