/* SPDX-License-Identifier: Apache-2.0 */
/* The call that a pool's user holds: it waits, is carried by a connection's or a session's own call, is tried again. */
#include <stdlib.h>

#include "base/mem.h"
#include "http/pool/internal.h"

enum { EARLY_MAX = 1024 * 1024 };

/* --- life --- */

void http_pool_call_move(struct pool_call *c, struct pool_calls *to)
{
    struct http_pool *p = c->pool;
    if (c->list)
        TAILQ_REMOVE(c->list, c, link);
    if (c->list == &p->waiting) {
        p->waiting_count--;
        p->websocket_count -= http_pool_call_is_websocket(c);
        http_pool_holder_waits(c, false);
    }
    c->list = to;
    if (to)
        TAILQ_INSERT_TAIL(to, c, link);
    if (to == &p->waiting) {
        p->waiting_count++;
        p->websocket_count += http_pool_call_is_websocket(c);
        http_pool_holder_waits(c, true);
    }
}

static void release(struct pool_call *c)
{
    http_pool_call_move(c, NULL);
    http_pool_holder_conn(c, false);
    http_pool_holder_part(c);
    buf_free(&c->early);
    free(c->target);
    free(c);
}

static void take_back(struct pool_call *c)
{
    if (c->inner)
        http_call_cancel(c->inner);
    if (c->inner && c->session)
        c->session->taken_back++;
    c->inner = NULL;
}

void http_pool_call_free(struct pool_call *c)
{
    take_back(c);
    release(c);
}

void http_pool_call_doom(struct pool_call *c, enum http_failure_kind kind, enum result code, const char *why)
{
    if (c->list == &c->pool->doomed)
        return;
    c->doom = (struct http_failure){.kind = kind, .unsent = !c->inner, .answered = c->answered};
    (void)error_set(&c->doom.error, code, "%s", why);
    take_back(c);
    http_pool_call_move(c, &c->pool->doomed);
    http_pool_later(c->pool);
}

void http_pool_call_fail(struct pool_call *c, const struct http_failure *why)
{
    const struct http_call_events *events = c->base.events;
    struct http_pool *p = c->pool;
    void *ctx = c->base.ctx;
    struct http_failure copy = *why;
    c->inner = NULL;
    release(c);
    http_pool_enter(p);
    events->on_fail(ctx, &copy);
    (void)http_pool_leave(p);
}

/* --- what the carrier tells --- */

static void on_inform(void *ctx, const struct http_response *head)
{
    struct pool_call *c = ctx;
    c->began = true;
    if (c->base.events->on_inform)
        c->base.events->on_inform(c->base.ctx, head);
}

static void on_response(void *ctx, const struct http_response *head)
{
    struct pool_call *c = ctx;
    c->began = c->answered = true;
    c->until = 0;
    if (head->status == 101) {
        http_pool_conn_switched(c->conn);
        http_pool_holder_conn(c, false);
    }
    c->base.events->on_response(c->base.ctx, head);
}

static void on_body(void *ctx, struct slice data)
{
    struct pool_call *c = ctx;
    c->base.events->on_body(c->base.ctx, data);
}

static void on_sent(void *ctx, size_t n)
{
    struct pool_call *c = ctx;
    if (c->base.events->on_sent)
        c->base.events->on_sent(c->base.ctx, n);
}

static void on_end(void *ctx, const struct http_fields *trailers)
{
    struct pool_call *c = ctx;
    const struct http_call_events *events = c->base.events;
    struct http_pool *p = c->pool;
    void *user = c->base.ctx;
    if (c->session)
        c->session->refuses = false;
    release(c);
    http_pool_later(p); /* a session has room for another stream */
    http_pool_enter(p);
    events->on_end(user, trailers);
    (void)http_pool_leave(p);
}

/* A reused connection may have been closed by the server before it saw the request. Nothing came back, the method is
 * safe and there is no body: asking again can't do harm (RFC 9110 9.2.2). */
static bool worth_a_retry(const struct pool_call *c, const struct http_failure *why)
{
    bool began = c->began || why->answered || (c->conn && http_h1_client_answering(c->conn->h1));
    return c->reused && !c->retried && !began && why->kind == HTTP_FAIL_TRUNCATED && !c->request.has_body &&
           http_method_safe(c->request.method);
}

static void on_fail(void *ctx, const struct http_failure *why)
{
    struct pool_call *c = ctx;
    c->inner = NULL;
    if (c->session)
        c->session->refuses = why->kind == HTTP_FAIL_REFUSED_STREAM;
    if (!worth_a_retry(c, why)) {
        http_pool_call_fail(c, why);
        return;
    }
    struct http_pool *p = c->pool;
    c->retried = true;
    c->conn = NULL;
    c->session = NULL;
    http_pool_holder_conn(c, false);
    http_pool_call_move(c, &p->waiting);
    c->until = loop_now_ms(p->loop) + p->o.connect_ms;
    http_pool_later(p);
}

static const struct http_call_events inner_events = {
    .on_inform = on_inform,
    .on_response = on_response,
    .on_body = on_body,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_fail = on_fail,
};

enum result http_pool_call_carry(struct pool_call *c, struct pool_conn *conn, struct pool_session *session,
                                 struct error *err)
{
    enum result r = conn ? http_h1_client_call(conn->h1, &c->request, &inner_events, c, &c->inner, err)
                         : http_h2_call(session->h2, &c->request, &inner_events, c, &c->inner, err);
    if (r != OK)
        return r;
    struct http_pool *p = c->pool;
    c->conn = conn;
    c->session = session;
    c->reused = conn ? conn->reused : session->reused;
    c->until = p->o.answer_ms ? loop_now_ms(p->loop) + p->o.answer_ms : 0;
    http_pool_call_move(c, &p->carried);
    http_pool_holder_conn(c, conn != NULL);
    if (buf_len(&c->early))
        http_call_write(c->inner, buf_data(&c->early));
    buf_free(&c->early);
    if (c->early_finish)
        http_call_finish(c->inner);
    return OK;
}

/* --- what the user asks for --- */

static struct pool_call *of(struct http_call *call)
{
    return (struct pool_call *)(void *)call;
}

static void op_write(struct http_call *call, struct slice data)
{
    struct pool_call *c = of(call);
    if (c->inner)
        http_call_write(c->inner, data);
    else if (c->list == &c->pool->waiting && !c->early_finish && buf_append(&c->early, data) != OK)
        http_pool_call_doom(c, HTTP_FAIL_LIMIT, R_LIMIT, "too much was written before there was a connection");
}

static void op_finish(struct http_call *call)
{
    struct pool_call *c = of(call);
    c->early_finish = true;
    if (c->inner)
        http_call_finish(c->inner);
}

static void op_consumed(struct http_call *call, size_t n)
{
    struct pool_call *c = of(call);
    if (c->inner)
        http_call_consumed(c->inner, n);
}

static void op_cancel(struct http_call *call)
{
    struct pool_call *c = of(call);
    http_pool_later(c->pool);
    http_pool_call_free(c);
}

static const struct http_call_ops ops = {
    .write = op_write,
    .finish = op_finish,
    .consumed = op_consumed,
    .cancel = op_cancel,
};

/* The call's own, for it is nobody else's. */
static void put_base_path(struct pool_call *c)
{
    struct slice base = slice_of(c->pool->o.base_path), target = c->request.target;
    if (!base.len)
        return;
    c->target = mem_array(base.len + target.len, 1);
    memcpy(c->target, base.ptr, base.len);
    memcpy(c->target + base.len, target.ptr, target.len);
    c->request.target = slice_make(c->target, base.len + target.len);
}

enum result http_pool_call_new(struct http_pool *p, struct slice for_whom, const struct http_request *request,
                               const struct http_call_events *events, void *ctx, struct pool_call **ret,
                               struct error *err)
{
    struct pool_holder *holder;
    enum result r = http_pool_holder_join(p, for_whom, request->protocol.len > 0, &holder, err);
    if (r != OK)
        return r;
    struct pool_call *c = mem_zalloc(sizeof *c);
    c->base = (struct http_call){.ops = &ops, .events = events, .ctx = ctx};
    c->pool = p;
    c->holder = holder;
    c->request = *request;
    put_base_path(c);
    buf_init(&c->early, EARLY_MAX);
    *ret = c;
    return OK;
}
