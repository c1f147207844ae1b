/* SPDX-License-Identifier: Apache-2.0 */
/* One parked request at a time to one management point after the other, and the verifying and keeping of what comes;
 * what a document means is its owner's (site_link_events). In the loop's thread. */
#include "connector/site/site.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "bundle/bundle.h"
#include "bundle/document.h"
#include "net/url.h"

enum {
    RETRY_MS = 1000,
    SILENCE_MS = 300 * 1000,
    LAST_WORDS_MS = 1500,
    ANSWER_MS = 290 * 1000,
    TEXT_MAX = 8 * 1024 * 1024,
    ARENA_MAX = 65536
};

#define STATE_NAME "connector"

struct site_link {
    struct site_known *known;
    const struct site_link_events *events;
    void *owner;
    bool hopeless;
    struct upstream *urls[BOOTSTRAP_LIST_MAX];
    size_t url_count, current; /* index into urls: the one asked now */
    struct http_call *call;
    struct arena *arena; /* of the call */
    struct buf text;
    int status;
    int64_t sequence;     /* of the document in use */
    struct error refused; /* why the last one was not taken; OK: it was */
    struct loop_timer *again, *end;
};

static const struct upstream_asker itself = {{"", 0}, {"", 0}};

static void ask_site(struct site_link *s);

/* --- taking a document --- */

static enum result read_document(const struct bootstrap *b, int64_t min_sequence, struct slice text,
                                 struct connector_document **ret, struct error *err)
{
    struct document_expect expect = {.site = b->site,
                                     .type = DOCUMENT_CONNECTOR,
                                     .audience = b->id,
                                     .min_sequence = min_sequence,
                                     .now = clock_wall_s()};
    memcpy(expect.root_sha256, b->pin, sizeof expect.root_sha256);
    struct document d;
    enum result r = document_read(text, &expect, &d, err);
    if (r != OK)
        return r;
    r = connector_document_parse(&d, ret, err);
    document_done(&d);
    return r;
}

/* *ret_unfit: the document is the site's, and its owner can't serve it. */
static enum result take_document(struct site_link *s, struct slice text, bool *ret_unfit, struct error *err)
{
    struct connector_document *d;
    int64_t least = s->sequence + (s->known->has_document ? 1 : 0);
    *ret_unfit = false;
    enum result r = read_document(&s->known->config->bootstrap, least, text, &d, err);
    if (r != OK)
        return r;
    s->sequence = d->sequence;
    r = s->events->on_document(s->owner, d, err);
    *ret_unfit = r == R_DENIED;
    if (r != OK)
        connector_document_free(d);
    return r;
}

/* A combination that the choices rule out from the start: nothing to wait for, an administrator must act. The site is
 * told, so that `cmg status` says it too. */
static void refuse_to_run(struct site_link *s, const struct error *why)
{
    if (s->hopeless)
        return;
    log_msg(LOG_ERROR, "connector", "can't start: %s", why->text);
    s->hopeless = true;
    s->events->on_hopeless(s->owner);
    s->known->on_news(s->known->ctx);
    loop_timer_start(s->end, LAST_WORDS_MS, 0);
}

static void on_end_of_all(void *arg)
{
    struct site_link *s = arg;
    loop_stop(s->known->loop);
}

/* false: the document was refused, and would be at once again. */
static bool take_answer(struct site_link *s)
{
    struct site_known *k = s->known;
    struct error err;
    bool unfit;
    if (s->status != 200)
        return true;
    enum result r = take_document(s, buf_data(&s->text), &unfit, &err);
    bool told = r != OK && r == s->refused.code;
    if ((r != OK) != (s->refused.code != OK))
        k->on_news(k->ctx);
    s->refused = r == OK ? (struct error){OK, ""} : err;
    if (unfit && !k->has_document) {
        refuse_to_run(s, &err);
    } else if (r != OK && !told) {
        log_msg(LOG_ERROR, "site", "a connector document was refused: %s", err.text);
    } else if (r == OK) {
        k->has_document = true;
        if (document_keep(k->config->state, STATE_NAME, buf_data(&s->text), &err) != OK)
            log_msg(LOG_ERROR, "site", "the connector document could not be kept: %s", err.text);
    }
    return r == OK;
}

/* --- asking --- */

static void finish_call(struct site_link *s)
{
    s->call = NULL;
    arena_free(s->arena);
    s->arena = NULL;
    buf_free(&s->text);
}

/* The next management point, after a moment. */
static void ask_later(struct site_link *s)
{
    finish_call(s);
    s->current = (s->current + 1) % s->url_count;
    loop_timer_start(s->again, RETRY_MS / 2 + rand_below(RETRY_MS), 0);
}

static void on_response(void *ctx, const struct http_response *head)
{
    struct site_link *s = ctx;
    s->status = head->status;
}

static void on_body(void *ctx, struct slice data)
{
    struct site_link *s = ctx;
    http_call_consumed(s->call, data.len);
    if (buf_append(&s->text, data) == OK)
        return;
    log_msg(LOG_ERROR, "site", "a management point sent a document of more than %d bytes; it was not taken", TEXT_MAX);
    http_call_cancel(s->call);
    ask_later(s);
}

static void on_end(void *ctx, const struct http_fields *trailers)
{
    struct site_link *s = ctx;
    (void)trailers;
    if (s->status != 200 && s->status != 204) {
        log_msg(LOG_WARN, "site", "%s answered %d instead of a connector document", upstream_id(s->urls[s->current]),
                s->status);
        ask_later(s);
        return;
    }
    if (!take_answer(s)) {
        ask_later(s);
        return;
    }
    finish_call(s);
    ask_site(s);
}

static void on_sent(void *ctx, size_t n)
{
    (void)ctx;
    (void)n;
}

static void on_fail(void *ctx, const struct http_failure *why)
{
    struct site_link *s = ctx;
    LOG_EVENT(LOG_WARN, "site", "a management point can't be asked", LOG_T("url", upstream_id(s->urls[s->current])),
              LOG_T("reason", http_failure_name(why->kind)), LOG_T("detail", why->error.text));
    ask_later(s);
}

static const struct http_call_events events = {
    .on_response = on_response, .on_body = on_body, .on_end = on_end, .on_sent = on_sent, .on_fail = on_fail};

static void ask_site(struct site_link *s)
{
    struct error err;
    s->status = 0;
    s->arena = arena_new(ARENA_MAX);
    loop_timer_start(s->again, SILENCE_MS, 0);
    struct http_request request = {
        .version = HTTP_1_1,
        .method = SLICE("GET"),
        .content_length = 0,
        .target = arena_printf(s->arena, "/connector?after=%" PRId64, s->known->has_document ? s->sequence : 0)};
    if (upstream_call(s->urls[s->current], &itself, &request, &events, s, &s->call, &err) == OK)
        return;
    log_msg(LOG_WARN, "site", "%s", err.text);
    ask_later(s);
}

static void ask_again(void *arg)
{
    struct site_link *s = arg;
    if (s->call)
        http_call_cancel(s->call);
    finish_call(s);
    ask_site(s);
}

/* --- life --- */

static enum result read_kept(const struct connector_config *config, char **ret, size_t *ret_len, struct error *err)
{
    char *path = file_join(config->state, STATE_NAME ".jws");
    enum result r = file_read(path, TEXT_MAX, ret, ret_len, err);
    free(path);
    return r;
}

static void restore_kept(struct site_link *s)
{
    char *text;
    size_t len;
    bool unfit;
    struct error err;
    if (read_kept(s->known->config, &text, &len, &err) != OK)
        return;
    if (take_document(s, slice_make(text, len), &unfit, &err) == OK)
        s->known->has_document = true;
    else
        log_msg(LOG_WARN, "site", "the kept connector document is of no use: %s", err.text);
    free(text);
}

enum result site_link_kept(const struct connector_config *config, struct connector_document **ret, struct error *err)
{
    char *text;
    size_t len;
    enum result r = read_kept(config, &text, &len, err);
    if (r != OK)
        return r;
    r = read_document(&config->bootstrap, 0, slice_make(text, len), ret, err);
    free(text);
    return r;
}

static enum result make_url(const struct site_link *s, const struct bootstrap_url *from, struct upstream **ret,
                            struct error *err)
{
    struct net_url url;
    enum result r = net_url_parse(slice_of(from->url), &url, err);
    if (r != OK)
        return error_prefix(err, "site_urls");
    char base[sizeof url.path + 8];
    (void)snprintf(base, sizeof base, "%s/.cmg", strcmp(url.path, "/") == 0 ? "" : url.path);
    struct upstream_options o = {.config = s->known->config,
                                 .role = renewer_identity(s->known->renewer),
                                 .id = SITE_ENDPOINT,
                                 .scheme = url.scheme,
                                 .host = url.host,
                                 .port = url.port,
                                 .base_path = base,
                                 .anchors_pem = from->anchors_pem,
                                 .any_mp = !from->anchors_pem,
                                 .any_target = true,
                                 .show_role_certificate = true,
                                 .answer_ms = ANSWER_MS};
    return upstream_new(s->known->loop, &o, ret, err);
}

enum result site_link_new(struct site_known *known, const struct site_link_events *listener, void *owner,
                          struct site_link **ret, struct error *err)
{
    struct site_link *s = mem_zalloc(sizeof *s);
    s->known = known;
    s->events = listener;
    s->owner = owner;
    s->again = loop_timer_new(known->loop, ask_again, s);
    s->end = loop_timer_new(known->loop, on_end_of_all, s);
    buf_init(&s->text, TEXT_MAX);
    *ret = s;
    enum result r = file_make_dirs(known->config->state, 0750, err);
    file_sweep(known->config->state);
    for (size_t i = 0; r == OK && i < known->config->bootstrap.url_count; i++)
        s->url_count += (r = make_url(s, &known->config->bootstrap.urls[i], &s->urls[i], err)) == OK;
    return r;
}

void site_link_start(struct site_link *s)
{
    restore_kept(s);
    ask_site(s);
}

void site_link_free(struct site_link *s)
{
    if (!s)
        return;
    if (s->call)
        http_call_cancel(s->call);
    finish_call(s);
    for (size_t i = 0; i < s->url_count; i++)
        upstream_unref(s->urls[i]);
    loop_timer_free(s->again);
    loop_timer_free(s->end);
    free(s);
}

struct upstream *site_link_upstream(struct site_link *s)
{
    return s->urls[s->current];
}

enum result site_link_call(struct site_link *s, const struct http_request *request, const struct http_call_events *ev,
                           void *ctx, struct http_call **ret, struct error *err)
{
    return upstream_call(s->urls[s->current], &itself, request, ev, ctx, ret, err);
}

void site_link_renewed(struct site_link *s)
{
    struct error err;
    if (s->call)
        http_call_cancel(s->call);
    finish_call(s);
    for (size_t i = 0; i < s->url_count; i++) {
        struct upstream *made;
        if (make_url(s, &s->known->config->bootstrap.urls[i], &made, &err) != OK) {
            log_msg(LOG_ERROR, "site", "the new role certificate can't be shown: %s", err.text);
            continue;
        }
        upstream_unref(s->urls[i]);
        s->urls[i] = made;
    }
    ask_site(s);
}

const char *site_link_refused(const struct site_link *s)
{
    return s->refused.text;
}

int64_t site_link_sequence(const struct site_link *s)
{
    return s->known->has_document ? s->sequence : 0;
}
