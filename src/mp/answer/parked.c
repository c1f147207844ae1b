/* SPDX-License-Identifier: Apache-2.0 */
/* The list of who waits, the poll, and the waking. */
#include "mp/answer/parked.h"

#include <bsd/sys/queue.h>
#include <stdlib.h>

#include "base/host/log.h"
#include "base/mem.h"
#include "mp/answer/trace.h"
#include "mp/content/content.h"
#include "mp/content/documents.h"
#include "mp/site.h"
#include "mp/status/went_back.h"
#include "store/sequence.h"
#include "store/site/role.h"

enum { POLL_MS = 1000, PARK_MS = 270 * 1000, PARKED_MAX = 65536, RECORD_MAX = 1024 * 1024 };

struct mp_parked {
    struct mp_site *site;
    LIST_HEAD(, mp_request) all; /* the newest first */
    size_t count;
    struct loop_timer *poll;
    struct loop_deferred wake;
    int64_t seen;   /* STORE_SEQUENCE_SITE as of the last look */
    int64_t traced; /* number of the last question that this process looked at */
};

size_t mp_parked_count(const struct mp_parked *p)
{
    return p->count;
}

static void unpark(struct mp_request *r)
{
    if (!r->parked.waits)
        return;
    LIST_REMOVE(r, parked.others);
    r->parked.waits = false;
    r->site->parked->count--;
}

static enum result sequence_of(struct mp_request *r, int64_t *ret, struct error *err)
{
    if (r->parked.what == MP_PARKED_BUNDLE)
        return store_sequence_get(r->site->store, STORE_SEQUENCE_BUNDLE, ret, NULL, err);
    if (r->parked.what == MP_PARKED_QUESTIONS)
        return store_sequence_get(r->site->store, STORE_SEQUENCE_QUESTION, ret, NULL, err);
    return mp_documents_connector_sequence(r->site, r->sender.identity.connector, ret, err);
}

static void answer_questions(struct mp_request *r)
{
    json_t *questions;
    struct error err;
    if (mp_content_questions(r->site, r->arena, r->parked.part, r->parked.after, &questions, &err) == OK)
        mp_answer_json(r, 200, questions);
    else
        mp_refuse_fault(r, &err);
}

/* A long answer takes its time: from here on it is no longer parked. */
static void answer(struct mp_request *r)
{
    unpark(r);
    if (r->parked.what == MP_PARKED_QUESTIONS) {
        answer_questions(r);
        return;
    }
    struct mp_text *text;
    struct error err;
    enum result result = r->parked.what == MP_PARKED_BUNDLE
                             ? mp_documents_bundle(r->site, &text, &err)
                             : mp_documents_connector(r->site, r->sender.identity.connector, &text, &err);
    if (result == OK)
        mp_answer_text(r, "application/jose", text);
    else
        mp_refuse_fault(r, &err);
}

/* R_NOTFOUND: it was removed, or the certificate of this connection withdrawn. In an arena of its own: a request may be
 * woken many times. */
static enum result still_there(struct mp_request *r, struct error *err)
{
    struct arena *a = arena_new(RECORD_MAX);
    struct store_connector record;
    enum result result = store_connector_get(r->site->store, a, r->sender.identity.connector, &record, err);
    if (result == OK && r->sender.identity.role_certificate &&
        pki_cert_not_after(r->sender.peer->certificate) <= record.withdrawn)
        result = R_NOTFOUND;
    arena_free(a);
    return result;
}

/* true: it was answered and is gone. */
static bool answered(struct mp_request *r)
{
    int64_t sequence;
    struct error err;
    enum result result = still_there(r, &err);
    /* The last thing that a removed connector carries is the news of its removal: it may be the gateway's only way. */
    if (result == R_NOTFOUND && r->parked.what == MP_PARKED_BUNDLE && r->parked.waits) {
        answer(r);
        return true;
    }
    if (result == R_NOTFOUND) {
        mp_refuse(r, MP_REFUSAL_NOT_A_CONNECTOR, "this connector was removed, or its certificate withdrawn");
        return true;
    }
    if (result == OK)
        result = sequence_of(r, &sequence, &err);
    if (result != OK) {
        mp_refuse_fault(r, &err);
        return true;
    }
    if (sequence <= r->parked.after)
        return false;
    answer(r);
    return true;
}

static void wake(void *arg)
{
    struct mp_parked *p = arg;
    mp_trace_answer(p->site, &p->traced);
    struct mp_request *r, *next;
    LIST_FOREACH_SAFE(r, &p->all, parked.others, next) {
        (void)answered(r);
    }
}

static void nothing_came(struct mp_request *r)
{
    mp_answer(r, &(struct mp_answer){.status = 204});
}

static void end_the_old(struct mp_parked *p)
{
    uint64_t now = loop_now_ms(p->site->loop);
    struct mp_request *r, *next;
    LIST_FOREACH_SAFE(r, &p->all, parked.others, next) {
        if (r->parked.until_ms <= now)
            nothing_came(r);
    }
}

static void poll(void *arg)
{
    struct mp_parked *p = arg;
    int64_t now;
    struct error err;
    end_the_old(p);
    if (store_sequence_get(p->site->store, STORE_SEQUENCE_SITE, &now, NULL, &err) != OK) {
        log_msg(LOG_ERROR, "mp", "the store can't be asked for changes: %s", err.text);
        return;
    }
    if (now != p->seen)
        wake(p);
    p->seen = now;
}

/* From inside a commit: the work is done at the end of the loop's iteration. */
static void on_bump(void *arg)
{
    struct mp_parked *p = arg;
    loop_defer(p->site->loop, &p->wake);
}

struct mp_parked *mp_parked_new(struct mp_site *site)
{
    struct mp_parked *p = mem_zalloc(sizeof *p);
    p->site = site;
    p->wake = (struct loop_deferred){.fn = wake, .arg = p};
    p->poll = loop_timer_new(site->loop, poll, p);
    loop_timer_start(p->poll, POLL_MS, POLL_MS);
    (void)!store_sequence_get(site->store, STORE_SEQUENCE_QUESTION, &p->traced, NULL, NULL); /* what came before it */
    store_on_bump(site->store, on_bump, p);
    return p;
}

void mp_parked_end(struct mp_parked *p)
{
    struct mp_request *r, *next;
    LIST_FOREACH_SAFE(r, &p->all, parked.others, next)
        nothing_came(r);
}

void mp_parked_free(struct mp_parked *p)
{
    if (!p)
        return;
    store_on_bump(p->site->store, NULL, NULL);
    loop_defer_cancel(&p->wake);
    loop_timer_free(p->poll);
    free(p);
}

/* Which gateway holds the bundle, the connector does not say. */
static enum result heard(struct mp_request *r, struct error *err)
{
    int64_t own;
    bool bundle = r->parked.what == MP_PARKED_BUNDLE;
    enum result result = sequence_of(r, &own, err);
    if (result != OK || r->parked.what == MP_PARKED_QUESTIONS)
        return result;
    return mp_went_back_heard(r->site, bundle ? "a gateway behind connector" : "connector",
                              r->sender.identity.connector, r->parked.after, own, err);
}

/* Newcomers stand first. */
static void make_room(struct mp_parked *p, const char *connector)
{
    struct mp_request *oldest = NULL;
    size_t count = 0;
    struct mp_request *r;
    LIST_FOREACH(r, &p->all, parked.others) {
        if (strcmp(r->sender.identity.connector, connector) == 0) {
            oldest = r;
            count++;
        }
    }
    if (count >= MP_PARKED_EACH_MAX)
        nothing_came(oldest);
}

void mp_parked_add(struct mp_request *r, enum mp_parked_for what, int64_t after)
{
    struct mp_parked *p = r->site->parked;
    r->parked.what = what;
    r->parked.after = after;
    r->parked.until_ms = loop_now_ms(r->site->loop) + PARK_MS;
    struct error err;
    if (heard(r, &err) != OK) {
        mp_refuse_fault(r, &err);
        return;
    }
    if (answered(r))
        return;
    if (r->site->draining) {
        nothing_came(r);
        return;
    }
    make_room(p, r->sender.identity.connector);
    if (p->count >= PARKED_MAX) {
        mp_refuse(r, MP_REFUSAL_BUSY, "too many requests wait here");
        return;
    }
    p->count++;
    r->hooks.on_end = unpark;
    LIST_INSERT_HEAD(&p->all, r, parked.others);
    r->parked.waits = true;
}
