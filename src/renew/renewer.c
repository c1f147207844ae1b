/* SPDX-License-Identifier: Apache-2.0 */
/* The timer, the one request under way and the key that it is about. In the loop's thread; when is renew/plan.h's, what
 * is good bundle/role/role_identity.h's. */
#include "renew/renewer.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "bundle/role/renewal.h"
#include "pki/issue/csr.h"
#include "pki/issue/issue.h"
#include "renew/plan.h"
#include "json/json.h"

enum {
    ANSWER_MAX = 32 * 1024,
    ANSWER_MS = 30 * 1000,
};

struct renewer {
    struct renewer_options o;
    const struct renewer_events *events;
    void *owner;
    struct role_identity identity;
    struct http_fetch *fetch;
    struct loop_timer *timer;
    EVP_PKEY *key;   /* the new one, while it is asked about */
    int64_t since;   /* wall seconds: when the identity came into use */
    unsigned failed; /* attempts in a row */
};

const struct role_identity *renewer_identity(const struct renewer *r)
{
    return &r->identity;
}

static int64_t due(const struct renewer *r)
{
    return r->o.every_s ? r->since + (int64_t)r->o.every_s : role_identity_half_life(&r->identity);
}

static void wait_for(struct renewer *r, int64_t seconds)
{
    loop_timer_start(r->timer, renew_look_ms(seconds, rand_below(UINT64_MAX)), 0);
}

static void note_failure(struct renewer *r, const struct error *why)
{
    uint64_t pause = renew_pause_s(r->failed++, r->o.every_s, rand_below(UINT64_MAX));
    EVP_PKEY_free(r->key);
    r->key = NULL;
    wait_for(r, (int64_t)pause);
    r->events->on_result(r->owner, NULL, why, pause);
}

static void use_identity(struct renewer *r, const struct role_identity *fresh)
{
    struct error why = {OK, ""};
    struct role_identity old = r->identity;
    EVP_PKEY_free(r->key);
    r->key = NULL;
    r->identity = *fresh;
    r->since = clock_wall_s();
    r->failed = 0;
    if (role_identity_keep(&r->identity, r->o.state, &why) == OK)
        why.code = OK;
    wait_for(r, due(r) - r->since);
    r->events->on_result(r->owner, &r->identity, &why, 0);
    role_identity_free(&old);
}

/* The site's own words (a problem document), as far as they are there. */
static void tell_refusal(int status, struct slice body, struct error *ret)
{
    json_t *problem = NULL;
    const char *detail = "";
    if (json_parse(body, ANSWER_MAX, &problem, NULL) == OK)
        detail = json_opt_str(problem, "detail", "");
    (void)error_set(ret, R_DENIED, "the site answered %d%s%.300s", status, detail[0] ? ": " : "", detail);
    json_decref(problem);
}

static void on_done(void *owner, int status, struct slice body, const struct error *why)
{
    struct renewer *r = owner;
    struct role_identity fresh;
    struct error err = *why;
    if (status == 0) {
        note_failure(r, &err);
    } else if (status != 200) {
        tell_refusal(status, body, &err);
        note_failure(r, &err);
    } else if (role_identity_make(r->o.kind, r->o.bootstrap, body, r->key, clock_wall_s(), &fresh, &err) != OK) {
        note_failure(r, &err);
    } else {
        use_identity(r, &fresh);
    }
}

/* A gateway's request comes through a connector, whose connection proves nothing about it. */
static bool is_signed(const struct renewer *r)
{
    return strcmp(r->o.kind, "gateway") == 0;
}

static enum result make_body(struct renewer *r, char **ret, struct error *err)
{
    const struct bootstrap *b = r->o.bootstrap;
    char *csr;
    r->key = pki_key_new();
    enum result result = pki_csr_new(r->key, b->id, &csr, err);
    if (result != OK)
        return result;
    if (is_signed(r)) {
        result = renewal_sign(&r->identity, b->site, b->id, csr, clock_wall_s(), ret, err);
        free(csr);
    } else {
        *ret = csr;
    }
    return result;
}

static void ask_site(struct renewer *r)
{
    char *body;
    struct error err;
    if (make_body(r, &body, &err) != OK) {
        note_failure(r, &err);
        return;
    }
    http_fetch_post(r->fetch, SLICE("site"), SLICE("/renew"), is_signed(r) ? "application/jose" : "application/pkcs10",
                    slice_of(body));
    free(body);
}

static void on_timer(void *arg)
{
    struct renewer *r = arg;
    int64_t left = due(r) - clock_wall_s();
    if (left > 0)
        wait_for(r, left);
    else
        ask_site(r);
}

static enum result send_it(void *owner, const struct http_request *request, const struct http_call_events *events,
                           void *ctx, struct http_call **ret, struct error *err)
{
    struct renewer *r = owner;
    return r->events->send(r->owner, request, events, ctx, ret, err);
}

struct renewer *renewer_new(struct loop *loop, const struct renewer_options *o, struct role_identity *present,
                            const struct renewer_events *events, void *owner)
{
    struct renewer *r = mem_zalloc(sizeof *r);
    r->o = *o;
    r->events = events;
    r->owner = owner;
    r->identity = *present;
    *present = (struct role_identity){0};
    r->since = clock_wall_s();
    r->fetch = http_fetch_new(loop, ANSWER_MAX, ANSWER_MS, send_it, on_done, r);
    r->timer = loop_timer_new(loop, on_timer, r);
    int64_t left = due(r) - r->since;
    wait_for(r, left > 0 ? left : 1); /* the way to the site comes up first */
    return r;
}

void renewer_free(struct renewer *r)
{
    if (!r)
        return;
    http_fetch_free(r->fetch);
    loop_timer_free(r->timer);
    EVP_PKEY_free(r->key);
    role_identity_free(&r->identity);
    free(r);
}
