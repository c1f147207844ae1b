/* SPDX-License-Identifier: Apache-2.0 */
/* One parked request, and one answer at a time; what came beyond a bound nobody answers, and the asker is told that. */
#include "connector/site/questions.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/host/log.h"
#include "base/mem.h"
#include "base/text/encode.h"
#include "http/fetch.h"
#include "json/json.h"
#include "json/trail.h"

enum {
    PARK_MS = 290 * 1000,
    RETRY_MS = 1000,
    OTHER_VERSION_MS = 60 * 1000, /* a site that asks connectors nothing */
    ANSWER_MS = 20 * 1000,
    QUESTIONS_BYTES_MAX = 256 * 1024,
    WAITING_MAX = 32
};

struct question {
    int64_t id;
    char request[GUID_SIZE];
};

struct questions {
    struct site_link *site;
    struct http_fetch *parked, *answer;
    struct loop_timer *again;
    struct question waiting[WAITING_MAX]; /* the first one is being answered */
    size_t count;
    int64_t last; /* number of the last one that came */
    char target[64];
};

static void answer_next(struct questions *q)
{
    if (q->count == 0 || http_fetch_busy(q->answer))
        return;
    json_t *o = json_pack("{s:I, s:o}", "id", (json_int_t)q->waiting[0].id, "trail", json_trail(q->waiting[0].request));
    char *text = json_text(o);
    http_fetch_post(q->answer, SLICE_NONE, SLICE("/answer"), "application/json", slice_of(text));
    free(text);
    json_decref(o);
}

static void on_answered(void *owner, int status, struct slice body, const struct error *why)
{
    struct questions *q = owner;
    (void)body;
    if (status != 204)
        log_msg(LOG_WARN, "question", "the site did not take the answer: %d %s", status, status ? "" : why->text);
    q->count--;
    memmove(q->waiting, q->waiting + 1, q->count * sizeof *q->waiting);
    answer_next(q);
}

static void take_question(struct questions *q, const json_t *o)
{
    struct question *x = &q->waiting[q->count];
    const char *request = json_opt_str(o, "request_id", "");
    x->id = json_opt_int(o, "id", 0);
    if (x->id <= 0 || !guid_valid(slice_of(request)))
        return;
    cstr_copy(x->request, sizeof x->request, request);
    q->count++;
}

static void take_all(struct questions *q, struct slice text)
{
    json_t *o = NULL, *list;
    struct error err;
    if (json_parse(text, QUESTIONS_BYTES_MAX, &o, &err) != OK) {
        log_msg(LOG_WARN, "question", "the site's questions can't be read: %s", err.text);
        return;
    }
    list = json_object_get(o, "questions");
    for (size_t i = 0; i < json_array_size(list) && q->count < WAITING_MAX; i++)
        take_question(q, json_array_get(list, i));
    q->last = json_opt_int(o, "sequence", q->last);
    json_decref(o);
    answer_next(q);
}

void questions_start(struct questions *q)
{
    if (!q || http_fetch_busy(q->parked))
        return;
    loop_timer_stop(q->again);
    (void)snprintf(q->target, sizeof q->target, "/questions?after=%" PRId64, q->last);
    http_fetch_get(q->parked, SLICE_NONE, slice_of(q->target));
}

static void on_questions(void *owner, int status, struct slice body, const struct error *why)
{
    struct questions *q = owner;
    if (status == 200)
        take_all(q, body);
    if (status == 200 || status == 204) {
        questions_start(q);
        return;
    }
    log_msg(LOG_DEBUG, "question", "asking the site failed: %d %s", status, status ? "" : why->text);
    loop_timer_start(q->again, status == 400 || status == 404 ? OTHER_VERSION_MS : RETRY_MS, 0);
}

static void on_timer(void *arg)
{
    questions_start(arg);
}

static enum result send_it(void *owner, const struct http_request *request, const struct http_call_events *events,
                           void *ctx, struct http_call **ret, struct error *err)
{
    const struct questions *q = owner;
    return site_link_call(q->site, request, events, ctx, ret, err);
}

struct questions *questions_new(const struct site_known *known, struct site_link *site)
{
    struct questions *q = mem_zalloc(sizeof *q);
    q->site = site;
    q->parked = http_fetch_new(known->loop, QUESTIONS_BYTES_MAX, PARK_MS, send_it, on_questions, q);
    q->answer = http_fetch_new(known->loop, 16 * 1024, ANSWER_MS, send_it, on_answered, q);
    q->again = loop_timer_new(known->loop, on_timer, q);
    return q;
}

void questions_stop(struct questions *q)
{
    if (!q)
        return;
    http_fetch_cancel(q->parked);
    http_fetch_cancel(q->answer);
    q->count = 0;
}

void questions_free(struct questions *q)
{
    if (!q)
        return;
    http_fetch_free(q->parked);
    http_fetch_free(q->answer);
    loop_timer_free(q->again);
    free(q);
}
