/* SPDX-License-Identifier: Apache-2.0 */
/* See way.h. */
#include "way.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"

enum { CALLS_MAX = 128 };

static struct way_call *calls[CALLS_MAX];
static unsigned count;

static void copy(char *to, size_t size, struct slice from)
{
    if (from.len >= size)
        fail_msg("the test's %zu bytes hold no %zu", size, from.len);
    memcpy(to, from.ptr ? from.ptr : "", from.len);
    to[from.len] = '\0';
}

static void copy_fields(char *to, size_t size, const struct http_fields *f)
{
    size_t len = 0;
    *to = '\0';
    for (size_t i = 0; i < f->count; i++)
        len += (size_t)snprintf(to + len, size - len, "%" PRIslice ": %" PRIslice "\n", SLICE_ARG(f->list[i].name),
                                SLICE_ARG(f->list[i].value));
    assert_true(len < size);
}

static void append(char *to, size_t size, size_t *len, struct slice data)
{
    assert_true(*len + data.len < size);
    memcpy(to + *len, data.ptr, data.len);
    *len += data.len;
    to[*len] = '\0';
}

void assert_field(const char *fields, const char *name, const char *value)
{
    char wanted[1024], start[80];
    (void)snprintf(start, sizeof start, "%s: ", name);
    (void)snprintf(wanted, sizeof wanted, "%s: %s\n", name, value ? value : "");
    const char *at = strstr(fields, value ? wanted : start);
    bool found = at && (at == fields || at[-1] == '\n');
    if (found != (value != NULL))
        fail_msg("of %s '%s' was wanted, there is:\n%s", name, value ? value : "(nothing)", fields);
}

/* --- calls --- */

static struct way_call *of(struct http_call *c)
{
    return container_of(c, struct way_call, call);
}

static void call_write(struct http_call *c, struct slice data)
{
    append(of(c)->body, sizeof of(c)->body, &of(c)->body_len, data);
}

static void call_finish(struct http_call *c)
{
    of(c)->finished = true;
}

static void call_consumed(struct http_call *c, size_t n)
{
    of(c)->credited += n;
}

static void call_cancel(struct http_call *c)
{
    assert_false(of(c)->over);
    of(c)->cancelled = of(c)->over = true;
    of(c)->tunnel->outstanding--;
}

static const struct http_call_ops call_ops = {call_write, call_finish, call_consumed, call_cancel};

enum result tunnel_call(struct tunnel *t, const struct http_request *request, const struct http_call_events *events,
                        void *ctx, struct http_call **ret, struct error *err)
{
    if (t->broken)
        return error_set(err, R_IO, "the test broke this tunnel");
    assert_true(count < CALLS_MAX);
    struct way_call *c = calls[count++] = mem_zalloc(sizeof *c);
    c->call = (struct http_call){&call_ops, events, ctx};
    c->tunnel = t;
    c->has_body = request->has_body;
    copy(c->method, sizeof c->method, request->method);
    copy(c->authority, sizeof c->authority, request->authority);
    copy(c->target, sizeof c->target, request->target);
    copy(c->protocol, sizeof c->protocol, request->protocol);
    copy_fields(c->fields, sizeof c->fields, &request->fields);
    t->calls++;
    t->outstanding++;
    *ret = &c->call;
    return OK;
}

bool tunnel_reaches(const struct tunnel *t, struct slice endpoint_id)
{
    struct slice rest = slice_of(t->reaches);
    while (rest.len) {
        if (slice_eq(slice_cut(&rest, ' '), endpoint_id))
            return true;
    }
    return false;
}

bool tunnel_has_room(const struct tunnel *t)
{
    return !t->full;
}

size_t tunnel_outstanding(const struct tunnel *t)
{
    return t->outstanding;
}

/* --- what a test does with them --- */

void way_reset(void)
{
    while (count)
        free(calls[--count]);
}

unsigned way_calls(void)
{
    return count;
}

struct way_call *way_call(unsigned i)
{
    if (i >= count)
        fail_msg("there are %u calls", count);
    return calls[i];
}

struct way_call *way_open(void)
{
    assert_true(count > 0);
    assert_false(calls[count - 1]->over);
    return calls[count - 1];
}

void way_head(struct way_call *c, int status, const char *fields)
{
    struct arena *a = arena_new(64 * 1024);
    struct http_response head = {.status = status, .content_length = -1};
    struct slice rest = slice_of(fields ? fields : "");
    while (rest.len) {
        struct slice value = slice_cut(&rest, '\n'), name = slice_cut(&value, ':');
        assert_int_equal(http_fields_add(&head.fields, a, name, slice_skip(value, 1)), OK);
    }
    c->call.events->on_response(c->call.ctx, &head);
    arena_free(a);
}

void way_body(struct way_call *c, const char *text)
{
    c->call.events->on_body(c->call.ctx, slice_of(text));
}

static void end_call(struct way_call *c)
{
    assert_false(c->over);
    c->over = true;
    c->tunnel->outstanding--;
}

void way_end(struct way_call *c)
{
    end_call(c);
    c->call.events->on_end(c->call.ctx, NULL);
}

void way_answer(struct way_call *c, int status, const char *body)
{
    way_head(c, status, NULL);
    if (*body)
        way_body(c, body);
    way_end(c);
}

void way_fail(struct way_call *c, enum http_failure_kind kind, bool unsent)
{
    struct http_failure why = {.kind = kind, .unsent = unsent};
    (void)error_set(&why.error, kind == HTTP_FAIL_TIMEOUT ? R_TIMEOUT : R_IO, "the test ended this call");
    end_call(c);
    c->call.events->on_fail(c->call.ctx, &why);
}

/* --- who asks --- */

static struct asker *asker_of(struct http_exchange *x)
{
    return container_of(x, struct asker, exchange);
}

static void x_inform(struct http_exchange *x UNUSED, const struct http_response *head UNUSED)
{
}

static void x_respond(struct http_exchange *x, const struct http_response *head, bool end)
{
    struct asker *a = asker_of(x);
    assert_int_equal(a->status, 0);
    assert_false(a->ended || a->reset);
    a->status = head->status;
    copy(a->reason, sizeof a->reason, head->reason);
    copy_fields(a->fields, sizeof a->fields, &head->fields);
    a->ended = end;
}

static void x_write(struct http_exchange *x, struct slice data)
{
    struct asker *a = asker_of(x);
    assert_true(a->status && !a->ended && !a->reset);
    append(a->body, sizeof a->body, &a->body_len, data);
}

static void x_finish(struct http_exchange *x, const struct http_fields *trailers UNUSED)
{
    assert_true(asker_of(x)->status && !asker_of(x)->ended && !asker_of(x)->reset);
    asker_of(x)->ended = true;
}

static void x_consumed(struct http_exchange *x, size_t n)
{
    asker_of(x)->credited += n;
}

static void x_reset(struct http_exchange *x)
{
    assert_false(asker_of(x)->ended || asker_of(x)->reset);
    asker_of(x)->reset = true;
}

static const struct http_exchange_ops asker_ops = {x_inform, x_respond, x_write, x_finish, x_consumed, x_reset};

struct asker *asker_new(const char *method, const char *authority, const char *target)
{
    struct asker *a = mem_zalloc(sizeof *a);
    a->exchange.ops = &asker_ops;
    a->exchange.arena = arena_new(HTTP_ARENA_MAX);
    a->exchange.request = (struct http_request){.version = HTTP_1_1,
                                                .method = slice_of(method),
                                                .scheme = SLICE("https"),
                                                .authority = slice_of(authority),
                                                .target = slice_of(target),
                                                .protocol = SLICE("")};
    return a;
}

void asker_free(struct asker *a)
{
    arena_free(a->exchange.arena);
    free(a);
}

void asker_field(struct asker *a, const char *name, const char *value)
{
    struct slice kept = arena_join(a->exchange.arena, (const struct slice[]){slice_of(value)}, 1);
    assert_int_equal(http_fields_add(&a->exchange.request.fields, a->exchange.arena, slice_of(name), kept), OK);
}

void asker_sends(struct asker *a, const char *text)
{
    a->exchange.events->on_body(a->exchange.ctx, slice_of(text));
}

void asker_ends(struct asker *a)
{
    a->exchange.events->on_body_end(a->exchange.ctx);
}
