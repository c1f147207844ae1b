/* SPDX-License-Identifier: Apache-2.0 */
/* Takes questions one after the other. Of a certificate: judged in the pool, responders asked once, the verdict posted;
 * it lets nobody in and remembers no verdict. Of a request: what was kept of it. In the judge's loop; a question may
 * outlive it while a responder is asked. */
#include "gateway/site/questions.h"

#include <bsd/sys/queue.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "base/text/encode.h"
#include "gateway/judge/responder.h"
#include "gateway/judge/shown_verdict.h"
#include "http/fetch.h"
#include "json/json.h"
#include "json/trail.h"

enum {
    PARK_MS = 290 * 1000,
    RETRY_MS = 1000,
    OTHER_VERSION_MS = 60 * 1000, /* a site or connector that knows no questions */
    ANSWER_MS = 20 * 1000,
    QUESTIONS_BYTES_MAX = 8 * 1024 * 1024,
    WAITING_MAX = 64,
    LISTS_MAX = 8
};

struct question {
    STAILQ_ENTRY(question) turn;
    struct gateway_questions *all; /* NULL: gone while a responder was asked */
    int64_t id;
    char request[GUID_SIZE]; /* "": it is about the credential */
    struct credential credential;
    bool asked, asking;          /* a responder: once; now */
    struct judgement *judgement; /* in the pool */
};

struct gateway_questions {
    struct gateway_judge *judge;
    const struct gateway_tunnels *tunnels;
    struct http_fetch *parked, *answer;
    struct tunnel *tunnel; /* of the parked request; NULL: none is in a tunnel */
    struct loop_timer *again;
    STAILQ_HEAD(, question) open; /* the one being answered, then those that wait */
    size_t waiting;
    int64_t last; /* number of the last one that came */
    char target[64];
};

static void answer_next(struct gateway_questions *q);

/* --- one question --- */

static void question_free(struct question *x)
{
    judging_cancel(x->judgement);
    credential_done(&x->credential);
    free(x);
}

static json_t *lists_json(const struct snapshot *s, X509 *cert)
{
    struct pki_list_info lists[LISTS_MAX];
    size_t count = pki_trust_lists(s->trust, cert, lists, LISTS_MAX);
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        char number[PKI_LIST_NUMBER_TEXT] = "";
        if (lists[i].age.number[0])
            pki_list_number_text(lists[i].age.number, number);
        json_t *one = json_pack("{s:s, s:s, s:b, s:I}", "issuer", lists[i].issuer, "number", number, "delta",
                                (int)lists[i].delta, "this_update", (json_int_t)lists[i].age.this_update);
        if (lists[i].next_update > 0 && lists[i].next_update < INT64_MAX)
            (void)json_object_set_new(one, "next_update", json_integer((json_int_t)lists[i].next_update));
        (void)json_array_append_new(array, one);
    }
    return array;
}

/* A name may be anything, and was cut to size. */
static json_t *name_json(const char *name)
{
    json_t *text = json_string(name);
    return text ? text : json_string("?");
}

static json_t *verdict_json(const struct gateway_judge *j, const struct question *x, enum verdict_reason reason,
                            const struct pki_verdict *v, int64_t now)
{
    const struct verdict_reason_info *info = verdict_reason_info(reason);
    const struct snapshot *s = j->snapshot;
    bool ok = reason == REASON_OK;
    char subject[256];
    pki_cert_subject(x->credential.certificate, subject, sizeof subject);
    return json_pack("{s:b, s:s, s:s, s:s, s:s, s:s, s:o, s:b, s:b, s:I, s:I, s:I, s:s, s:o}", "ok", (int)ok, "reason",
                     info->name, "code", ok ? "" : verdict_refusal_info(info->refusal)->code, "detail",
                     reason == REASON_BLOCKED ? info->text : v->detail, "remedy",
                     reason == REASON_BLOCKED || !v->remedy ? info->remedy : v->remedy, "subject", subject, "identity",
                     name_json(v->identity), "crl_check", (int)s->bundle->settings.crl_check, "unchecked",
                     (int)(ok && v->unchecked), "bundle", (json_int_t)s->bundle->sequence, "at", (json_int_t)now,
                     "until", (json_int_t)(v->valid_until < INT64_MAX ? v->valid_until : 0), "version", CMG_VERSION,
                     "lists", lists_json(s, x->credential.certificate));
}

/* `answer` is taken over. */
static void post_answer(struct gateway_questions *q, int64_t id, const char *member, json_t *answer)
{
    json_t *o = json_pack("{s:I, s:o}", "id", (json_int_t)id, member, answer);
    if (!o)
        fatal("out of memory (answer)");
    char *text = json_text(o);
    http_fetch_post(q->answer, SLICE("site"), SLICE("/answer"), "application/json", slice_of(text));
    free(text);
    json_decref(o);
}

static void on_responder(void *arg)
{
    struct question *x = arg;
    x->asking = false;
    if (x->all)
        answer_next(x->all);
    else
        question_free(x);
}

static void answer_question(struct gateway_questions *q, struct question *x, struct judged *r)
{
    enum verdict_reason reason = shown_verdict_answer(q->judge, &x->credential, r);
    LOG_EVENT(LOG_INFO, "question", "certificate judged for an administrator", LOG_N("question", x->id),
              LOG_T("client", r->verdict.identity), LOG_T("reason", verdict_reason_info(reason)->name));
    post_answer(q, x->id, "verdict", verdict_json(q->judge, x, reason, &r->verdict, clock_wall_s()));
}

/* Responders are asked first, where they decide, as between a handshake and its first request. */
static void on_judged(void *arg, struct judged *r, struct pki_ocsp_questions *open)
{
    struct question *x = arg;
    const struct gateway_judge *j = x->all->judge;
    x->judgement = NULL;
    if (open->count && !x->asked) {
        x->asked = x->asking = true;
        responder_ask(j->responder, "", open, j->loop, on_responder, x);
        return;
    }
    pki_ocsp_questions_done(open);
    answer_question(x->all, x, r);
}

/* One at a time: there is a place for it. */
static void answer_next(struct gateway_questions *q)
{
    struct question *x = STAILQ_FIRST(&q->open);
    if (!x || x->judgement || x->asking || http_fetch_busy(q->answer))
        return;
    if (x->request[0]) {
        post_answer(q, x->id, "trail", json_trail(x->request));
        return;
    }
    const struct judging_request ask = {.credential = &x->credential, .who = JUDGING_QUESTION, .holder = ""};
    x->judgement = judging_later(q->judge, &ask, on_judged, x);
}

static void on_answered(void *owner, int status, struct slice body, const struct error *why)
{
    struct gateway_questions *q = owner;
    struct question *x = STAILQ_FIRST(&q->open);
    (void)body;
    if (status != 204)
        log_msg(LOG_WARN, "question", "the site did not take the answer: %d %s", status, status ? "" : why->text);
    STAILQ_REMOVE_HEAD(&q->open, turn);
    q->waiting--;
    question_free(x);
    answer_next(q);
}

/* --- taking them --- */

static void take_question(struct gateway_questions *q, const json_t *o)
{
    struct error err;
    STACK_OF(X509) *chain = NULL;
    int64_t id = json_opt_int(o, "id", 0);
    const char *pem = json_opt_str(o, "certificates_pem", ""), *request = json_opt_str(o, "request_id", "");
    if (id <= 0 || q->waiting >= WAITING_MAX)
        return; /* nobody answers, and the asker is told that */
    if (!*request && pki_cert_read_all(slice_of(pem), PKI_SENT_MAX, &chain, &err) != OK)
        return; /* the site has looked at it already */

    struct question *x = mem_zalloc(sizeof *x);
    x->all = q;
    x->id = id;
    cstr_copy(x->request, sizeof x->request, request);
    if (chain)
        credential_init_chain(&x->credential, chain);
    sk_X509_pop_free(chain, X509_free);

    STAILQ_INSERT_TAIL(&q->open, x, turn);
    q->waiting++;
}

static void take_all(struct gateway_questions *q, struct slice text)
{
    json_t *o = NULL, *list;
    struct error err;
    bool idle = STAILQ_EMPTY(&q->open);
    if (json_parse(text, QUESTIONS_BYTES_MAX, &o, &err) != OK) {
        log_msg(LOG_WARN, "question", "the site's questions can't be read: %s", err.text);
        return;
    }

    list = json_object_get(o, "questions");
    for (size_t i = 0; i < json_array_size(list); i++)
        take_question(q, json_array_get(list, i));
    q->last = json_opt_int(o, "sequence", q->last);
    json_decref(o);
    if (idle)
        answer_next(q);
}

/* Without a snapshot there is nothing to judge by: the next tunnel, or the timer, tries again. */
static void ask_site(struct gateway_questions *q)
{
    loop_timer_stop(q->again);
    if (http_fetch_busy(q->parked))
        return;
    if (!q->judge->snapshot) {
        loop_timer_start(q->again, RETRY_MS, 0);
        return;
    }
    (void)snprintf(q->target, sizeof q->target, "/questions?after=%" PRId64, q->last);
    http_fetch_get(q->parked, SLICE("site"), slice_of(q->target));
}

static void on_questions(void *owner, int status, struct slice body, const struct error *why)
{
    struct gateway_questions *q = owner;
    q->tunnel = NULL;
    if (status == 200)
        take_all(q, body);
    if (status == 200 || status == 204) {
        ask_site(q);
        return;
    }
    log_msg(LOG_DEBUG, "question", "asking the site failed: %d %s", status, status ? "" : why->text);
    loop_timer_start(q->again, status == 404 ? OTHER_VERSION_MS : RETRY_MS, 0);
}

static enum result send_it(void *owner, const struct http_request *request, const struct http_call_events *events,
                           void *ctx, struct http_call **ret, struct error *err)
{
    struct gateway_questions *q = owner;
    struct tunnel *t = gateway_tunnels_pick(q->tunnels, SLICE("site"), NULL);
    if (!t)
        return error_set(err, R_AGAIN, "no connector reaches the site");
    enum result r = tunnel_call(t, request, events, ctx, ret, err);
    if (slice_eq(request->method, SLICE("GET")))
        q->tunnel = r == OK ? t : NULL;
    return r;
}

static void on_timer(void *arg)
{
    ask_site(arg);
}

/* --- life --- */

/* A parked request would hold a tunnel that drains until its end. */
void gateway_questions_kick(struct gateway_questions *q)
{
    if (!q)
        return;
    if (http_fetch_busy(q->parked) && (!q->tunnel || !tunnel_reaches(q->tunnel, SLICE("site")))) {
        http_fetch_cancel(q->parked);
        q->tunnel = NULL;
    }
    ask_site(q);
}

struct gateway_questions *gateway_questions_new(struct gateway_judge *judge, const struct gateway_tunnels *tunnels)
{
    struct gateway_questions *q = mem_zalloc(sizeof *q);
    STAILQ_INIT(&q->open);
    q->judge = judge;
    q->tunnels = tunnels;
    q->parked = http_fetch_new(judge->loop, QUESTIONS_BYTES_MAX, PARK_MS, send_it, on_questions, q);
    q->answer = http_fetch_new(judge->loop, 16 * 1024, ANSWER_MS, send_it, on_answered, q);
    q->again = loop_timer_new(judge->loop, on_timer, q);
    return q;
}

void gateway_questions_free(struct gateway_questions *q)
{
    if (!q)
        return;
    http_fetch_free(q->parked);
    http_fetch_free(q->answer);
    loop_timer_free(q->again);
    struct question *x, *next;
    STAILQ_FOREACH_SAFE(x, &q->open, turn, next) {
        if (x->asking)
            x->all = NULL; /* the responder calls back yet */
        else
            question_free(x);
    }
    free(q);
}
