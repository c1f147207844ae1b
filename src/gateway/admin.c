/* SPDX-License-Identifier: Apache-2.0 */
/* Three pages on an address of the operator's. The writers of /metrics are a table here, so that what counts knows
 * nothing of who shows it. In the control loop's thread; reads atomics of the workers. */
#include "gateway/admin.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/limit/crowd.h"
#include "base/mem.h"
#include "gateway/judge/responder.h"
#include "gateway/site/site.h"
#include "gateway/start.h"
#include "http/server.h"

enum { METRICS_MAX = 1024 * 1024, VISITS_MAX = 64 };

struct pages {
    struct gateway *gateway;
    struct crowd *visits; /* by address */
    size_t count;
};

/* A connection. Whoever reaches the pages takes no more of the gateway than that many, and keeps nobody out: the oldest
 * goes. */
struct visit {
    struct pages *pages;
    struct http_server_conn *http;
    struct crowd_member member;
};

static void answer_healthz(struct gateway *g, struct http_exchange *x)
{
    (void)g;
    http_exchange_reply(x, 200, "text/plain", SLICE("ok\n"), NULL);
}

static void answer_readyz(struct gateway *g, struct http_exchange *x)
{
    char why[ERROR_TEXT_MAX + 64];
    bool ready = gateway_ready(g, why, sizeof why);
    http_exchange_reply(x, ready ? 200 : 503, "text/plain", ready ? SLICE("ok\n") : slice_of(why), NULL);
}

/* --- metrics --- */

static enum result write_counters(struct gateway *g, struct buf *out)
{
    return gateway_metrics_write(&g->counters, out);
}

static enum result write_sources(struct gateway *g, struct buf *out)
{
    return sources_metrics(g->site->sources, out);
}

static enum result write_responder(struct gateway *g, struct buf *out)
{
    return responder_metrics(g->responder, out);
}

static enum result write_contact(struct gateway *g, struct buf *out)
{
    return gateway_metrics_write_contact(snapshot_current_contact_age(&g->current, (int64_t)(clock_mono_ms() / 1000)),
                                         out);
}

static enum result write_end(struct gateway *g, struct buf *out)
{
    (void)g;
    return buf_append_str(out, "# EOF\n");
}

typedef enum result metrics_writer(struct gateway *g, struct buf *out);

static metrics_writer *const writers[] = {write_counters, write_sources, write_responder, write_contact, write_end};

static void answer_metrics(struct gateway *g, struct http_exchange *x)
{
    struct buf text;
    buf_init(&text, METRICS_MAX);
    bool fits = true;
    for (size_t i = 0; fits && i < ARRAY_LEN(writers); i++)
        fits = writers[i](g, &text) == OK;
    struct slice accept = http_fields_get(&x->request.fields, SLICE("accept"));
    if (fits && slice_starts_nocase(accept, SLICE("text/plain"))) {
        struct buf plain;
        buf_init(&plain, METRICS_MAX);
        fits = gateway_metrics_plain(buf_data(&text), &plain) == OK;
        http_exchange_reply(x, fits ? 200 : 500, "text/plain; version=0.0.4; charset=utf-8", buf_data(&plain), NULL);
        buf_free(&plain);
    } else {
        http_exchange_reply(x, fits ? 200 : 500, "application/openmetrics-text; version=1.0.0; charset=utf-8",
                            buf_data(&text), NULL);
    }
    buf_free(&text);
}

static const struct {
    const char *path;
    void (*answer)(struct gateway *g, struct http_exchange *x);
} paths[] = {{"/healthz", answer_healthz}, {"/readyz", answer_readyz}, {"/metrics", answer_metrics}};

static void on_request(void *owner, struct http_exchange *x)
{
    const struct visit *v = owner;
    if (!slice_eq(x->request.method, SLICE("GET"))) {
        http_exchange_reply(x, 405, "text/plain", SLICE("only GET here\n"), NULL);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        if (slice_eq(x->request.target, slice_of(paths[i].path))) {
            paths[i].answer(v->pages->gateway, x);
            return;
        }
    }
    http_exchange_reply(x, 404, "text/plain", SLICE("there are /healthz, /readyz and /metrics\n"), NULL);
}

static void on_close(void *owner)
{
    struct visit *v = owner;
    v->pages->count--;
    crowd_part(v->pages->visits, &v->member);
    free(v);
}

static const struct http_server_events events = {.on_request = on_request, .on_close = on_close};

static void leave(struct crowd_member *m)
{
    http_server_conn_close(container_of(m, struct visit, member)->http); /* on_close frees it */
}

static void on_accept(void *ctx, struct net_stream *stream, const struct net_address *peer)
{
    struct pages *p = ctx;
    struct loop *loop = p->gateway->control;
    char address[NET_ADDRESS_TEXT];
    net_address_format_group(peer, address);
    if (p->count >= VISITS_MAX)
        (void)crowd_make_room(p->visits, NULL);
    struct visit *v = mem_zalloc(sizeof *v);
    p->count++;
    v->pages = p;
    crowd_join(p->visits, &v->member, slice_of(address), loop_now_ms(loop), leave);
    v->http = http_server_conn_new(loop, stream, false, &http_server_defaults, &events, v);
}

enum result gateway_admin_listen(struct gateway *g, struct net_listener **ret, struct error *err)
{
    static struct pages all; /* as long as the process */
    struct net_address at;
    all = (struct pages){.gateway = g, .visits = crowd_new(NULL, 0)};
    enum result r = net_address_parse(slice_of(g->config->admin_listen), &at, err);
    if (r == OK)
        r = net_listen_tcp(g->control, &at, false, on_accept, &all, ret, err);
    return r == OK ? OK : error_prefix(err, "admin_listen");
}
