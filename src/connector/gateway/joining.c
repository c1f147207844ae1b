/* SPDX-License-Identifier: Apache-2.0 */
/* One gateway after the other step: its request is fetched, brought to the site, the answer given to it; again after a
 * while when a step fails, or when nobody answers yet. In the loop's thread. */
#include "connector/gateway/joining.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/log.h"
#include "base/limit/backoff.h"
#include "base/mem.h"
#include "base/rand.h"
#include "bundle/join/answer.h"
#include "bundle/join/request.h"
#include "http/fetch.h"
#include "http/pool/pool.h"

enum {
    JOINING_MAX = BOOTSTRAP_LIST_MAX,
    FIRST_MS = 1000,
    LONGEST_MS = 10 * 1000,
    TIMEOUT_MS = 15 * 1000,
    AUTHORITY_SIZE = 280
};

#define PATH SLICE("/.cmg/join")
#define TYPE "application/jose"

struct joiner {
    struct joining *all; /* NULL: the slot is free */
    struct bootstrap_address at;
    int64_t until;
    char authority[AUTHORITY_SIZE];
    struct http_pool *pool;
    struct http_fetch *gateway, *site; /* at most one of them is busy */
    struct loop_timer *again;
    unsigned failures;
    bool brings; /* the gateway was asked for its request; else it was given the answer */
    char said[ERROR_TEXT_MAX];
};

struct joining {
    const struct site_known *known;
    struct site_link *site;
    struct tls_context *tls;
    struct joiner list[JOINING_MAX];
};

/* --- telling --- */

/* Once for each cause in a row. */
static void tell(struct joiner *g, const char *what, const char *why)
{
    char text[ERROR_TEXT_MAX];
    (void)snprintf(text, sizeof text, "%s: %.400s", what, why);
    if (strcmp(text, g->said) == 0)
        return;
    memcpy(g->said, text, sizeof text);
    LOG_EVENT(LOG_WARN, "join", what, LOG_T("gateway", g->at.id), LOG_T("host", g->at.host), LOG_T("reason", why));
}

static void later(struct joiner *g)
{
    uint64_t wait = backoff_doubled(FIRST_MS, LONGEST_MS, g->failures++);
    loop_timer_start(g->again, wait / 2 + rand_below((uint32_t)(wait / 2)), 0);
}

static void failed(struct joiner *g, const char *what, int status, const struct error *why)
{
    char answered[32];
    (void)snprintf(answered, sizeof answered, "it answered %d", status);
    tell(g, what, status ? answered : why->text);
    later(g);
}

/* --- the steps --- */

static void on_site(void *owner, int status, struct slice body, const struct error *why)
{
    struct joiner *g = owner;
    if (status == 403) {
        tell(g, "the site does not take the gateway's request", "its log says why");
        later(g);
    } else if (status != 200) {
        failed(g, "the site can't be asked for a gateway that joins", status, why);
    } else {
        g->brings = false;
        http_fetch_post(g->gateway, slice_of(g->authority), PATH, TYPE, body);
    }
}

static void ask_site(struct joiner *g, struct slice request)
{
    char target[sizeof "/join/" + PKI_ROLE_ID_MAX];
    (void)snprintf(target, sizeof target, "/join/%s", g->at.id);
    http_fetch_post(g->site, SLICE("site"), slice_of(target), TYPE, request);
}

static void on_gateway(void *owner, int status, struct slice body, const struct error *why)
{
    struct joiner *g = owner;
    if (g->brings && status == 200) {
        ask_site(g, body);
    } else if (!g->brings && status == 204) {
        LOG_EVENT(LOG_INFO, "join", "a gateway has joined", LOG_T("gateway", g->at.id), LOG_T("host", g->at.host));
        g->said[0] = '\0';
        later(g); /* the document says when it is over */
    } else {
        failed(g,
               g->brings ? "a gateway that is to join does not answer yet: run cmg-gateway join there"
                         : "a gateway that joins did not take the site's answer",
               status, why);
    }
}

static void ask_gateway(void *arg)
{
    struct joiner *g = arg;
    if (clock_wall_s() >= g->until)
        return;
    g->brings = true;
    http_fetch_get(g->gateway, slice_of(g->authority), PATH);
}

static enum result send_gateway(void *owner, const struct http_request *request, const struct http_call_events *events,
                                void *ctx, struct http_call **ret, struct error *err)
{
    struct joiner *g = owner;
    struct http_request own = *request;
    own.scheme = SLICE("https");
    return http_pool_call(g->pool, SLICE_NONE, &own, events, ctx, ret, err);
}

static enum result send_site(void *owner, const struct http_request *request, const struct http_call_events *events,
                             void *ctx, struct http_call **ret, struct error *err)
{
    const struct joiner *g = owner;
    return site_link_call(g->all->site, request, events, ctx, ret, err);
}

/* --- who joins --- */

static struct http_pool *make_pool(const struct joining *j, const struct bootstrap_address *at)
{
    struct http_pool_options o = {.port = at->port,
                                  .tls = j->tls,
                                  .max_connections = 1,
                                  .max_waiting = 1,
                                  .connect_ms = TIMEOUT_MS,
                                  .idle_ms = TIMEOUT_MS,
                                  .answer_ms = TIMEOUT_MS};
    (void)snprintf(o.host, sizeof o.host, "%s", at->host);
    connector_proxy_to(&j->known->config->proxy, at->host, &o.proxy);
    return http_pool_new(j->known->loop, &o);
}

static void begin(struct joining *j, struct joiner *g, const struct connector_gateway *from)
{
    *g = (struct joiner){.all = j, .at.port = from->port};
    (void)snprintf(g->at.id, sizeof g->at.id, "%s", from->id);
    (void)snprintf(g->at.host, sizeof g->at.host, "%s", from->host);
    (void)snprintf(g->authority, sizeof g->authority, strchr(from->host, ':') ? "[%s]:%u" : "%s:%u", from->host,
                   (unsigned)from->port);
    struct loop *loop = j->known->loop;
    g->pool = make_pool(j, &g->at);
    g->gateway = http_fetch_new(loop, JOIN_REQUEST_MAX, TIMEOUT_MS, send_gateway, on_gateway, g);
    g->site = http_fetch_new(loop, JOIN_ANSWER_MAX, TIMEOUT_MS, send_site, on_site, g);
    g->again = loop_timer_new(loop, ask_gateway, g);
    loop_timer_start(g->again, 1, 0);
    LOG_EVENT(LOG_INFO, "join", "a gateway is to join", LOG_T("gateway", g->at.id), LOG_T("host", g->at.host));
}

static void end(struct joiner *g)
{
    if (!g->all)
        return;
    http_fetch_free(g->gateway);
    http_fetch_free(g->site);
    http_pool_free(g->pool);
    loop_timer_free(g->again);
    *g = (struct joiner){.all = NULL};
}

static bool same(const struct joiner *g, const struct connector_gateway *d)
{
    return g->all && g->at.port == d->port && strcmp(g->at.id, d->id) == 0 && strcmp(g->at.host, d->host) == 0;
}

static struct joiner *find(struct joining *j, const struct connector_gateway *d)
{
    struct joiner *unused = NULL;
    for (size_t i = 0; i < JOINING_MAX; i++) {
        if (same(&j->list[i], d))
            return &j->list[i];
        if (!unused && !j->list[i].all)
            unused = &j->list[i];
    }
    return unused;
}

static bool named(const struct joiner *g, const struct connector_document *d)
{
    for (size_t i = 0; i < d->gateway_count; i++) {
        if (d->gateways[i].joining && same(g, &d->gateways[i]))
            return true;
    }
    return false;
}

void joining_apply(struct joining *j, const struct connector_document *d)
{
    for (size_t i = 0; i < JOINING_MAX; i++) {
        if (!named(&j->list[i], d))
            end(&j->list[i]);
    }
    for (size_t i = 0; i < d->gateway_count; i++) {
        struct joiner *g = d->gateways[i].joining ? find(j, &d->gateways[i]) : NULL;
        if (g && !g->all)
            begin(j, g, &d->gateways[i]);
        if (g)
            g->until = d->gateways[i].joining;
    }
}

void joining_pause(struct joining *j)
{
    for (size_t i = 0; j && i < JOINING_MAX; i++) {
        struct joiner *g = &j->list[i];
        if (g->all && http_fetch_busy(g->site)) {
            http_fetch_cancel(g->site);
            later(g);
        }
    }
}

/* --- life --- */

/* Whoever is there: what it says is judged by the site. */
static enum result take_anybody(void *arg, X509 *leaf, STACK_OF(X509) * chain, struct error *err)
{
    (void)arg;
    (void)leaf;
    (void)chain;
    (void)err;
    return OK;
}

struct joining *joining_new(const struct site_known *known, struct site_link *site)
{
    struct joining *j = mem_zalloc(sizeof *j);
    struct tls_client_options o = {.verify = take_anybody, .alpn = "http/1.1"};
    struct error err;
    j->known = known;
    j->site = site;
    if (tls_context_client(&o, &j->tls, &err) != OK)
        fatal("connector: TLS without a certificate can't be set up: %s", err.text);
    return j;
}

void joining_free(struct joining *j)
{
    if (!j)
        return;
    for (size_t i = 0; i < JOINING_MAX; i++)
        end(&j->list[i]);
    tls_context_unref(j->tls);
    free(j);
}
