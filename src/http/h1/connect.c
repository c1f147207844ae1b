/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To the proxy by TCP, its login out of a thread, CONNECT, the head of its answer; then the stream is the
 * owner's. Everything that ends it early goes through fail(), once.
 */
#include "http/h1/connect.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "http/h1/parser.h"
#include "net/proxy_login.h"

/* A login that is being asked for. Outlives a dial that was given up. */
struct asking {
    struct http_dial *dial; /* NULL: given up */
    enum result (*authorize)(const void *arg, char **ret, struct error *err);
    const void *arg;
    char *value;
    enum result result;
    struct error why;
};

struct http_dial {
    struct loop *loop;
    struct http_proxy proxy;
    char name[HTTP_PROXY_NAME_SIZE], target[HTTP_PROXY_NAME_SIZE];
    struct net_dial_events events;
    void *ctx;
    struct net_dial *tcp;
    struct net_stream *stream;
    struct asking *asking;
    struct loop_timer *limit;
    struct http_h1_parser answer;
    uint64_t until;
};

static void write_authority(const char *host, uint16_t port, char ret[HTTP_PROXY_NAME_SIZE])
{
    (void)snprintf(ret, HTTP_PROXY_NAME_SIZE, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, (unsigned)port);
}

void http_proxy_name(const struct http_proxy *proxy, char ret[HTTP_PROXY_NAME_SIZE])
{
    write_authority(proxy->host, proxy->port, ret);
}

/* --- the end of it --- */

static void wipe(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

/* But for the stream. */
static void free_dial(struct http_dial *d)
{
    net_dial_cancel(d->tcp);
    if (d->asking)
        d->asking->dial = NULL;
    loop_timer_free(d->limit);
    http_h1_parser_free(&d->answer);
    free(d);
}

void http_dial_cancel(struct http_dial *d)
{
    if (!d)
        return;
    net_stream_close(d->stream);
    free_dial(d);
}

static void fail(struct http_dial *d, const struct error *why)
{
    struct net_dial_events events = d->events;
    void *ctx = d->ctx;
    struct error copy = *why;
    http_dial_cancel(d);
    events.on_fail(ctx, &copy);
}

static void succeed(struct http_dial *d, struct net_stream *stream)
{
    struct net_dial_events events = d->events;
    void *ctx = d->ctx;
    free_dial(d);
    events.on_open(ctx, stream);
}

/* --- what the proxy says --- */

/* The login that it wants, with the realms; the peer's text. */
static void list_challenges(const struct http_fields *f, char *ret, size_t size)
{
    size_t used = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < f->count && used + 3 < size; i++) {
        if (!slice_eq(f->list[i].name, SLICE("proxy-authenticate")))
            continue;
        if (used)
            used += (size_t)snprintf(ret + used, size - used, ", ");
        utf8_escape(f->list[i].value, ret + used, size - used);
        used += strlen(ret + used);
    }
}

static void refused(struct http_dial *d)
{
    const struct http_response *r = &d->answer.response;
    char text[160];
    struct error why;
    if (r->status == 407) {
        list_challenges(&r->fields, text, sizeof text);
        (void)error_set(&why, R_DENIED,
                        "the proxy wants a login, and was given none or a wrong one: %s (407; it takes %s)", d->name,
                        *text ? text : "what it does not say");
    } else {
        utf8_escape(r->reason, text, sizeof text);
        (void)error_set(&why, R_IO, "the proxy lets nobody through: %s answered CONNECT %s by %d %s", d->name,
                        d->target, r->status, text);
    }
    fail(d, &why);
}

static void established(struct http_dial *d, size_t behind)
{
    struct error why;
    if (behind) {
        (void)error_set(&why, R_INVALID,
                        "the proxy %s sent %zu bytes behind its answer to CONNECT %s, before it was asked", d->name,
                        behind, d->target);
        fail(d, &why);
        return;
    }
    struct net_stream *stream = d->stream;
    d->stream = NULL;
    succeed(d, stream);
}

static void on_data(void *ctx, struct slice data)
{
    struct http_dial *d = ctx;
    struct slice unused;
    struct error why;
    enum http_h1_event e;
    do {
        e = http_h1_parse(&d->answer, &data, &unused);
    } while (e == HTTP_H1_HEAD && d->answer.response.status < 200);
    if (e == HTTP_H1_MORE)
        return;
    if (e == HTTP_H1_FAIL) {
        (void)error_set(&why, R_INVALID, "what answers at %s is no proxy that can be used: %s", d->name,
                        d->answer.what);
        fail(d, &why);
    } else if (d->answer.response.status < 300) {
        established(d, data.len);
    } else {
        refused(d);
    }
}

static void on_close(void *ctx, const struct error *reason)
{
    struct http_dial *d = ctx;
    struct error why;
    (void)error_set(&why, reason->code, "the proxy %s did not answer CONNECT %s: %s", d->name, d->target, reason->text);
    fail(d, &why);
}

static void on_end(void *ctx)
{
    struct error why;
    (void)error_set(&why, R_EOF, "it closed the connection");
    on_close(ctx, &why);
}

static void on_drain(void *ctx)
{
    (void)ctx;
}

static void on_limit(void *arg)
{
    struct error why;
    (void)error_set(&why, R_TIMEOUT, "no answer in time");
    on_close(arg, &why);
}

static const struct net_stream_events proxy_events = {on_data, on_end, on_drain, on_close};

/* --- what it is asked --- */

static void ask(struct http_dial *d, const char *authorization)
{
    struct buf head;
    struct error why;
    buf_init_secret(&head, HTTP_HEAD_MAX);
    enum result r = buf_printf(&head, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", d->target, d->target);
    if (r == OK && authorization)
        r = buf_printf(&head, "Proxy-Authorization: %s\r\n", authorization);
    if (r == OK)
        r = buf_append_str(&head, "\r\n");
    if (r == OK)
        net_stream_write(d->stream, buf_data(&head));
    buf_free(&head);
    if (r == OK)
        return;
    (void)error_set(&why, r, "the request to the proxy %s is too long", d->name);
    fail(d, &why);
}

static void authorize(void *arg)
{
    struct asking *a = arg;
    a->result = a->authorize(a->arg, &a->value, &a->why);
    if (a->result == OK && a->value &&
        (strlen(a->value) > NET_PROXY_LOGIN_MAX || !http_is_field_value(slice_of(a->value))))
        a->result = error_set(&a->why, R_INVALID, "it is longer than %d bytes, or no value of a field of HTTP",
                              NET_PROXY_LOGIN_MAX);
}

static void on_authorized(void *arg)
{
    struct asking *a = arg;
    struct http_dial *d = a->dial;
    struct error why;
    if (d)
        d->asking = NULL;
    if (d && a->result == OK) {
        ask(d, a->value);
    } else if (d) {
        (void)error_set(&why, a->result, "there is no login for the proxy %s: %s", d->name, a->why.text);
        fail(d, &why);
    }
    wipe(a->value);
    free(a);
}

static void tcp_on_open(void *ctx, struct net_stream *stream)
{
    struct http_dial *d = ctx;
    d->tcp = NULL;
    if (!d->name[0]) {
        succeed(d, stream);
        return;
    }
    uint64_t now = loop_now_ms(d->loop);
    d->stream = stream;
    net_stream_set_events(stream, &proxy_events, d);
    loop_timer_start(d->limit, d->until > now ? d->until - now : 1, 0);
    if (!d->proxy.authorize) {
        ask(d, NULL);
        return;
    }
    d->asking = mem_zalloc(sizeof *d->asking);
    *d->asking = (struct asking){.dial = d, .authorize = d->proxy.authorize, .arg = d->proxy.arg};
    loop_job_slow(d->loop, authorize, on_authorized, d->asking);
}

static void tcp_on_fail(void *ctx, const struct error *reason)
{
    struct http_dial *d = ctx;
    struct error why = *reason;
    d->tcp = NULL;
    if (d->name[0])
        (void)error_set(&why, reason->code, "the proxy is not reached: %s", reason->text);
    fail(d, &why);
}

static bool tcp_may(void *ctx, const struct net_address *to)
{
    const struct http_dial *d = ctx;
    return d->name[0] || !d->events.may || d->events.may(d->ctx, to);
}

struct http_dial *http_dial_tcp(struct loop *loop, const struct http_proxy *proxy, const char *host, uint16_t port,
                                uint64_t timeout_ms, const struct net_dial_events *events, void *ctx)
{
    static const struct net_dial_events own = {.on_open = tcp_on_open, .on_fail = tcp_on_fail, .may = tcp_may};
    struct http_dial *d = mem_zalloc(sizeof *d);
    d->loop = loop;
    d->events = *events;
    d->ctx = ctx;
    d->until = loop_now_ms(loop) + timeout_ms;
    if (!proxy || !proxy->host[0]) {
        d->tcp = net_dial_tcp(loop, host, port, timeout_ms, &own, d);
        return d;
    }
    d->proxy = *proxy;
    http_proxy_name(proxy, d->name);
    write_authority(host, port, d->target);
    http_h1_parser_init(&d->answer, true);
    d->answer.to_connect = true;
    d->limit = loop_timer_new(loop, on_limit, d);
    d->tcp = net_dial_tcp(loop, proxy->host, proxy->port, timeout_ms, &own, d);
    return d;
}
