/* SPDX-License-Identifier: Apache-2.0 */
/* Three pages. What counts knows nothing of who shows it. */
#include "metrics/pages.h"

#include <bsd/sys/queue.h>
#include <stdlib.h>

#include "base/limit/crowd.h"
#include "base/mem.h"
#include "http/server.h"
#include "metrics/text.h"
#include "net/tcp.h"

/* Whoever reaches the pages takes no more of the program than so many connections, and keeps nobody out: the oldest of
 * the address that holds most goes. */
struct page_connection {
    struct metrics_listener *listener;
    struct http_server_conn *http;
    struct crowd_member member;
    LIST_ENTRY(page_connection) others;
};

struct metrics_listener {
    struct loop *loop;
    const struct metrics_pages *pages;
    struct net_listener *net;
    LIST_HEAD(, page_connection) connections;
    struct crowd *visits; /* by address */
    size_t count;
};

enum { METRICS_MAX = 1024 * 1024, WHY_MAX = ERROR_TEXT_MAX + 64 };

static void answer_healthz(const struct metrics_pages *p, struct http_exchange *x)
{
    (void)p;
    http_exchange_reply(x, 200, "text/plain", SLICE("ok\n"), NULL);
}

static void answer_readyz(const struct metrics_pages *p, struct http_exchange *x)
{
    char why[WHY_MAX];
    bool ready = !p->ready || p->ready(p->owner, why, sizeof why);
    http_exchange_reply(x, ready ? 200 : 503, "text/plain", ready ? SLICE("ok\n") : slice_of(why), NULL);
}

static void answer_metrics(const struct metrics_pages *p, struct http_exchange *x)
{
    struct buf text;
    buf_init(&text, METRICS_MAX);
    bool fits = p->write(p->owner, &text) == OK && buf_append_str(&text, "# EOF\n") == OK;
    struct slice accept = http_fields_get(&x->request.fields, SLICE("accept"));
    if (fits && slice_starts_nocase(accept, SLICE("text/plain"))) {
        struct buf plain;
        buf_init(&plain, METRICS_MAX);
        fits = metrics_plain(buf_data(&text), &plain) == OK;
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
    void (*answer)(const struct metrics_pages *p, struct http_exchange *x);
} pages[] = {{"/healthz", answer_healthz}, {"/readyz", answer_readyz}, {"/metrics", answer_metrics}};

static void on_request(void *owner, struct http_exchange *x)
{
    const struct page_connection *c = owner;
    if (!slice_eq(x->request.method, SLICE("GET"))) {
        http_exchange_reply(x, 405, "text/plain", SLICE("only GET here\n"), NULL);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        if (slice_eq(x->request.target, slice_of(pages[i].path))) {
            pages[i].answer(c->listener->pages, x);
            return;
        }
    }
    http_exchange_reply(x, 404, "text/plain", SLICE("there are /healthz, /readyz and /metrics\n"), NULL);
}

static void on_close(void *owner)
{
    struct page_connection *c = owner;
    LIST_REMOVE(c, others);
    c->listener->count--;
    crowd_part(c->listener->visits, &c->member);
    free(c);
}

static const struct http_server_events events = {.on_request = on_request, .on_close = on_close};

static void leave(struct crowd_member *m)
{
    http_server_conn_close(container_of(m, struct page_connection, member)->http); /* on_close frees it */
}

static void on_accept(void *ctx, struct net_stream *stream, const struct net_address *peer)
{
    struct metrics_listener *l = ctx;
    char address[NET_ADDRESS_TEXT];
    net_address_format_group(peer, address);
    if (l->count >= METRICS_CONNECTIONS_MAX)
        (void)crowd_make_room(l->visits, NULL);
    struct page_connection *c = mem_zalloc(sizeof *c);
    c->listener = l;
    l->count++;
    LIST_INSERT_HEAD(&l->connections, c, others);
    crowd_join(l->visits, &c->member, slice_of(address), loop_now_ms(l->loop), leave);
    c->http = http_server_conn_new(l->loop, stream, false, &http_server_defaults, &events, c);
}

enum result metrics_listen(struct loop *loop, const char *address, const struct metrics_pages *what,
                           struct metrics_listener **ret, struct error *err)
{
    struct net_address at;
    struct metrics_listener *l = mem_zalloc(sizeof *l);
    *l = (struct metrics_listener){.loop = loop, .pages = what, .visits = crowd_new(NULL, 0)};
    LIST_INIT(&l->connections);
    enum result r = net_address_parse(slice_of(address), &at, err);
    if (r == OK)
        r = net_listen_tcp(loop, &at, false, on_accept, l, &l->net, err);
    if (r != OK) {
        metrics_free(l);
        return error_prefix(err, "%s", what->key);
    }
    *ret = l;
    return OK;
}

void metrics_hang_up(struct metrics_listener *l)
{
    struct page_connection *c;
    if (!l)
        return;
    net_listener_close(l->net);
    l->net = NULL;
    LIST_FOREACH(c, &l->connections, others)
        http_server_conn_close(c->http); /* on_close frees it, later */
}

void metrics_free(struct metrics_listener *l)
{
    if (!l)
        return;
    crowd_free(l->visits);
    free(l);
}
