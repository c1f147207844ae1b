/* SPDX-License-Identifier: Apache-2.0 */
/* Fetches what the document names, a few at a time in the pool, and streams it to the gateway that asked. Checks
 * nothing of what it got: gateways do. In the loop's thread, but for `fetch_job`; an asker may go first. */
#include "connector/site/relay_source.h"

#include <bsd/sys/queue.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/host/file.h"
#include "base/host/gather.h"
#include "base/host/log.h"
#include "base/limit/untaken.h"
#include "base/mem.h"
#include "connector/directory/directory.h"
#include "connector/request/forward.h"
#include "net/url.h"
#include "source/freshness.h"
#include "source/many.h"
#include "source/oidc.h"

/* Documents few at a time: the pool's threads also resolve names. Those in front of them wait, but not without a bound.
 * Questions to responders, which devices wait for, go out at once: as many as some gateways ask at a time. */
enum line { LINE_DOCUMENTS, LINE_RESPONDERS, LINES };

enum {
    UNDER_WAY_MAX = 2,
    ASKED_S = 4,
    ANSWER_MAX = 64 * 1024, /* of a responder */
    QUESTION_MAX = 16 * 1024,
    CHUNK = 16 * 1024
};

struct fetching {
    const struct site_known *known;
    struct http_exchange *exchange; /* NULL: the asker is gone */
    STAILQ_ENTRY(fetching) turn;    /* waiting */
    LIST_ENTRY(fetching) others;    /* in line: from its head, which may be all that comes, until it is answered */
    bool in_line;
    struct buf question; /* of an OCSP client */
    char id[65], gateway[PKI_ROLE_ID_MAX], *url;
    char *ca_pem; /* NULL: the system's CAs */
    enum bundle_source_kind kind;
    struct buf answer;
    enum result result;
    struct error err;
    int64_t fresh_s;            /* of keys: for how long the answer said that it is fresh; negative: it did not */
    struct untaken untaken;     /* from the answer on */
    size_t unsent;              /* written, and not yet reported as sent */
    bool in_pool;               /* or being asked */
    struct source_many_one one; /* of a responder */
};

static struct {
    STAILQ_HEAD(, fetching) turns; /* who waits, the longest first */
    LIST_HEAD(, fetching) lines[LINES];
    size_t in_line[LINES], under_way;
    struct source_many *many;
    struct crowd *untaken;                                 /* by gateway; NULL: none yet */
} queue = {.turns = STAILQ_HEAD_INITIALIZER(queue.turns)}; /* of the one loop of this program */

static enum line line_of(enum bundle_source_kind kind)
{
    return kind == BUNDLE_SOURCE_OCSP ? LINE_RESPONDERS : LINE_DOCUMENTS;
}

static void leave_line(struct fetching *f)
{
    if (!f->in_line)
        return;
    LIST_REMOVE(f, others);
    queue.in_line[line_of(f->kind)]--;
    f->in_line = false;
}

static void fetching_free(struct fetching *f)
{
    leave_line(f);
    untaken_part(queue.untaken, &f->untaken);
    buf_free(&f->question);
    buf_free(&f->answer);
    free(f->url);
    free(f->ca_pem);
    free(f);
}

/* --- fetching: in a thread of the pool --- */

/* Of the folder that this connector's own file allows, links resolved. */
static enum result read_file(const struct connector_config *config, const char *path, struct buf *ret,
                             struct error *err)
{
    const char *allowed = config->source_folder;
    char *folder = allowed && allowed[0] ? realpath(allowed, NULL) : NULL, *real = realpath(path, NULL), *text = NULL;
    size_t len = 0;
    enum result r = OK;
    if (!folder)
        r = error_set(err, R_DENIED,
                      "this connector reads no files for gateways; set source_folder in its configuration");
    else if (!real)
        r = error_set(err, R_NOTFOUND, "there is no such file");
    else if (strncmp(real, folder, strlen(folder)) != 0 || real[strlen(folder)] != '/')
        r = error_set(err, R_DENIED, "the file is outside of the connector's source_folder");
    else if (file_read_of_others(real, ret->max, &text, &len, NULL) != OK)
        r = error_set(err, R_IO, "the file can't be read, or is larger than %zu bytes", ret->max);
    else
        r = buf_append(ret, slice_make(text, len));
    free(text);
    free(real);
    free(folder);
    return r;
}

enum result relay_source_list(const struct connector_config *config, const char *url, const char *ca_pem,
                              struct buf *ret, struct error *err)
{
    if (slice_starts_nocase(slice_of(url), SLICE("file://")))
        return read_file(config, url + strlen("file://"), ret, err);
    if (slice_starts_nocase(slice_of(url), SLICE("ldap"))) {
        struct directory_question q = {.url = url,
                                       .ca_pem = ca_pem,
                                       .folder = config->state,
                                       .settings = &config->directory,
                                       .certificate = &config->client_certificate,
                                       .may = upstream_may_connect,
                                       .arg = config};
        return directory_fetch(&q, ret, err);
    }
    struct source_http q = {.url = url, .ca_pem = ca_pem, .may = upstream_may_connect, .arg = config};
    return source_http(&q, ret, err);
}

static enum result fetch_source(struct fetching *f)
{
    const struct connector_config *config = f->known->config;
    struct source_http q = {
        .url = f->url, .ca_pem = f->ca_pem, .may = upstream_may_connect, .arg = config, .fresh_s = &f->fresh_s};
    if (f->kind == BUNDLE_SOURCE_OIDC)
        return source_oidc(&q, &f->answer, &f->err);
    if (f->kind == BUNDLE_SOURCE_JWKS && slice_starts_nocase(slice_of(f->url), SLICE("http")))
        return source_http(&q, &f->answer, &f->err);
    return relay_source_list(config, f->url, f->ca_pem, &f->answer, &f->err);
}

static void fetch_job(void *arg)
{
    struct fetching *f = arg;
    buf_init(&f->answer, SOURCE_BYTES_MAX);
    f->fresh_s = FRESHNESS_UNSAID;
    f->result = fetch_source(f);
}

/* --- answering --- */

static void fill_answer(struct fetching *f)
{
    while (f->unsent < HTTP_WRITE_AHEAD && buf_len(&f->answer)) {
        struct slice data = buf_data(&f->answer);
        data.len = data.len < CHUNK ? data.len : CHUNK;
        f->unsent += data.len;
        http_exchange_write(f->exchange, data);
        buf_consume(&f->answer, data.len);
    }
    if (buf_len(&f->answer))
        return;
    http_exchange_finish(f->exchange, NULL);
    fetching_free(f);
}

static void break_off(struct untaken *u)
{
    struct fetching *f = container_of(u, struct fetching, untaken);
    http_exchange_reset(f->exchange);
    fetching_free(f);
}

/* What a gateway does not take stands whole in memory. */
static bool has_room(struct fetching *f)
{
    static const struct untaken_limits limits = {
        .all = 4 * (size_t)SOURCE_BYTES_MAX, .each = 2 * (size_t)SOURCE_BYTES_MAX, .little = SOURCE_BYTES_MAX / 4};
    if (!queue.untaken)
        queue.untaken = crowd_new(NULL, 0);
    return untaken_hold(queue.untaken, &limits, &f->untaken, slice_of(f->gateway), buf_len(&f->answer)) == UNTAKEN_ROOM;
}

/* The cause names no server: the URL stays in this log. */
static void answer_exchange(struct fetching *f)
{
    char shown[NET_URL_SHOWN_SIZE];
    leave_line(f);
    net_url_shown(slice_of(f->url), shown);
    if (f->result != OK) {
        LOG_GATHERED(LOG_WARN, "source", f->id, f->err.text, "a source can't be fetched", LOG_T("source", f->id),
                     LOG_T("url", shown), LOG_T("reason", f->err.text));
        forward_refuse(f->exchange, f->result == R_TIMEOUT ? REASON_UPSTREAM_TIMEOUT : REASON_UPSTREAM_REFUSED,
                       f->err.text);
        fetching_free(f);
        return;
    }
    if (!has_room(f)) {
        forward_refuse(f->exchange, REASON_TOO_MANY_REQUESTS, "answers that were not taken hold too much memory");
        fetching_free(f);
        return;
    }
    LOG_EVENT(LOG_DEBUG, "source", "fetched", LOG_T("source", f->id), LOG_T("url", shown),
              LOG_N("bytes", buf_len(&f->answer)));
    struct http_response head = {.status = 200, .content_length = (int64_t)buf_len(&f->answer)};
    (void)!http_fields_add(&head.fields, f->exchange->arena, SLICE("content-type"), SLICE("application/octet-stream"));
    if (f->fresh_s >= 0) /* for who asked: keys are asked for again as their publisher says */
        (void)!http_fields_add(&head.fields, f->exchange->arena, SLICE("cache-control"),
                               arena_printf(f->exchange->arena, "max-age=%" PRId64, f->fresh_s));
    if (!buf_len(&f->answer)) {
        http_exchange_respond(f->exchange, &head, true);
        fetching_free(f);
        return;
    }
    http_exchange_respond(f->exchange, &head, false);
    fill_answer(f);
}

static void start_next(void);

static void end_job(void *arg)
{
    struct fetching *f = arg;
    f->in_pool = false;
    queue.under_way--;
    if (f->exchange)
        answer_exchange(f);
    else
        fetching_free(f);
    start_next();
}

static void start_next(void)
{
    struct fetching *f;
    while (queue.under_way < UNDER_WAY_MAX && (f = STAILQ_FIRST(&queue.turns))) {
        STAILQ_REMOVE_HEAD(&queue.turns, turn);
        if (!f->exchange) {
            fetching_free(f);
            continue;
        }
        queue.under_way++;
        f->in_pool = true;
        loop_job(f->known->loop, fetch_job, end_job, f);
    }
}

static void enqueue_fetching(struct fetching *f)
{
    STAILQ_INSERT_TAIL(&queue.turns, f, turn);
    start_next();
}

/* --- asking responders --- */

static void on_asked(void *arg)
{
    struct fetching *f = arg;
    f->in_pool = false;
    f->result = f->one.result;
    f->err = f->one.err;
    if (f->exchange)
        answer_exchange(f);
    else
        fetching_free(f);
}

static void ask_responder(struct fetching *f)
{
    if (!queue.many)
        queue.many = source_many_new(f->known->loop);
    buf_init(&f->answer, ANSWER_MAX);
    f->fresh_s = FRESHNESS_UNSAID;
    f->in_pool = true;
    f->one = (struct source_many_one){.what = {.url = f->url,
                                               .post = buf_data(&f->question),
                                               .type = "application/ocsp-request",
                                               .whole_s = ASKED_S,
                                               .ca_pem = f->ca_pem,
                                               .may = upstream_may_connect,
                                               .arg = f->known->config},
                                      .body = &f->answer,
                                      .done = on_asked,
                                      .arg = f};
    source_many_ask(queue.many, &f->one);
}

void relay_source_stop(void)
{
    source_many_free(queue.many);
    queue.many = NULL;
}

/* --- the exchange --- */

static void on_body(void *ctx, struct slice data)
{
    struct fetching *f = ctx;
    http_exchange_consumed(f->exchange, data.len);
    if (buf_append(&f->question, data) == OK)
        return;
    forward_refuse(f->exchange, REASON_BODY_TOO_LARGE, NULL);
    fetching_free(f);
}

static void on_body_end(void *ctx)
{
    struct fetching *f = ctx;
    if (f->kind == BUNDLE_SOURCE_OCSP && buf_len(&f->question) == 0) {
        forward_refuse(f->exchange, REASON_BAD_REQUEST, "the question is empty");
        fetching_free(f);
        return;
    }
    if (f->kind == BUNDLE_SOURCE_OCSP)
        ask_responder(f);
    else
        enqueue_fetching(f);
}

static void on_sent(void *ctx, size_t n)
{
    struct fetching *f = ctx;
    f->unsent -= n;
    fill_answer(f);
}

static bool is_waiting(const struct fetching *f)
{
    const struct fetching *w;
    STAILQ_FOREACH(w, &queue.turns, turn) {
        if (w == f)
            return true;
    }
    return false;
}

static void on_abort(void *ctx, const struct error *why)
{
    struct fetching *f = ctx;
    (void)why;
    f->exchange = NULL;
    if (!f->in_pool && !is_waiting(f)) /* else it is freed when its turn comes, or its job ends */
        fetching_free(f);
}

static const struct http_exchange_events events = {on_body, on_body_end, on_sent, on_abort};

static const struct bundle_source *find_source(const struct site_known *k, struct slice target)
{
    struct slice id = slice_starts(target, SLICE("/")) ? slice_skip(target, 1) : SLICE_NONE;
    for (size_t i = 0; k->document && i < k->document->source_count; i++) {
        if (slice_eq(id, slice_of(k->document->sources[i].id)))
            return &k->document->sources[i];
    }
    return NULL;
}

/* One gateway that was broken into keeps no other one from its lists and answers: the last places are for who has
 * few. */
static bool has_place(enum line line, const char *gateway)
{
    static const struct {
        size_t all, kept;
    } places[LINES] = {[LINE_DOCUMENTS] = {64, 16}, [LINE_RESPONDERS] = {256, 64}};
    const struct fetching *f;
    size_t own = 0;
    LIST_FOREACH(f, &queue.lines[line], others)
        own += strcmp(f->gateway, gateway) == 0;
    return queue.in_line[line] < (own < places[line].kept ? places[line].all : places[line].all - places[line].kept);
}

void relay_source_start(const struct site_known *k, const char *gateway_id, struct http_exchange *x)
{
    const struct bundle_source *s = find_source(k, x->request.target);
    if (!s) {
        forward_refuse(x, REASON_UNKNOWN_ENDPOINT, "this connector knows no source of this name (yet)");
        return;
    }
    if (!slice_eq(x->request.method, s->kind == BUNDLE_SOURCE_OCSP ? SLICE("POST") : SLICE("GET"))) {
        forward_refuse(x, REASON_BAD_METHOD, NULL);
        return;
    }
    if (!has_place(line_of(s->kind), gateway_id)) {
        forward_refuse(x, REASON_TOO_MANY_REQUESTS, "too many sources are being fetched");
        return;
    }
    struct fetching *f = mem_zalloc(sizeof *f);
    f->known = k;
    f->exchange = x;
    f->untaken.give_way = break_off;
    cstr_copy(f->gateway, sizeof f->gateway, gateway_id);
    f->kind = s->kind;
    f->url = mem_strdup(s->url);
    f->ca_pem = s->ca_pem ? mem_strdup(s->ca_pem) : NULL;
    buf_init(&f->question, QUESTION_MAX);
    (void)snprintf(f->id, sizeof f->id, "%s", s->id);
    LIST_INSERT_HEAD(&queue.lines[line_of(f->kind)], f, others);
    queue.in_line[line_of(f->kind)]++;
    f->in_line = true;
    x->events = &events;
    x->ctx = f;
}
