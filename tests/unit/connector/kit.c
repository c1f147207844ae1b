/* SPDX-License-Identifier: Apache-2.0 */
/* See kit.h. */
#include "kit.h"

#include <string.h>

#include "base/mem.h"
#include "tunnel/device.h"

static void write_line(char *text, size_t size, struct slice name, struct slice value)
{
    size_t used = strlen(text);
    (void)snprintf(text + used, size - used, "%.*s: %.*s\n", (int)name.len, name.ptr, (int)value.len, value.ptr);
}

static void write_fields(char *text, size_t size, const struct http_fields *f)
{
    text[0] = '\0';
    for (size_t i = 0; i < f->count; i++)
        write_line(text, size, f->list[i].name, f->list[i].value);
}

static void append_text(char *text, size_t size, struct slice data)
{
    size_t used = strlen(text);
    (void)snprintf(text + used, size - used, "%.*s", (int)data.len, data.ptr);
}

static bool has_line(const char *text, const char *line)
{
    char whole[600];
    (void)snprintf(whole, sizeof whole, "%s\n", line);
    for (const char *at = text; (at = strstr(at, whole)); at++) {
        if (at == text || at[-1] == '\n')
            return true;
    }
    return false;
}

/* --- a request out of a tunnel --- */

static void on_inform(struct http_exchange *x, const struct http_response *head)
{
    (void)x, (void)head;
}

static void on_respond(struct http_exchange *x, const struct http_response *head, bool end)
{
    struct kit_exchange *e = (struct kit_exchange *)x;
    assert_int_equal(e->status, 0);
    e->status = head->status;
    write_fields(e->fields, sizeof e->fields, &head->fields);
    e->over |= end;
}

static void on_write(struct http_exchange *x, struct slice data)
{
    struct kit_exchange *e = (struct kit_exchange *)x;
    append_text(e->body, sizeof e->body, data);
}

static void on_finish(struct http_exchange *x, const struct http_fields *trailers)
{
    (void)trailers;
    ((struct kit_exchange *)x)->over = true;
}

static void on_consumed(struct http_exchange *x, size_t n)
{
    (void)x, (void)n;
}

static void on_reset(struct http_exchange *x)
{
    struct kit_exchange *e = (struct kit_exchange *)x;
    e->over = e->reset = true;
}

static const struct http_exchange_ops exchange_ops = {on_inform, on_respond,  on_write,
                                                      on_finish, on_consumed, on_reset};

struct kit_exchange *kit_exchange_new(const char *endpoint, const char *target)
{
    struct kit_exchange *e = mem_zalloc(sizeof *e);
    struct arena *a = arena_new(HTTP_ARENA_MAX);
    const struct tunnel_device d = {SLICE("d1"), SLICE("token"), SLICE("192.0.2.7"), SLICE_NONE};
    e->x.ops = &exchange_ops;
    e->x.arena = a;
    e->x.request = (struct http_request){.version = HTTP_2,
                                         .method = SLICE("GET"),
                                         .scheme = SLICE("https"),
                                         .authority = slice_of(endpoint),
                                         .target = slice_of(target)};
    struct http_fields *f = &e->x.request.fields;
    assert_int_equal(http_fields_add(f, a, SLICE("cmg-device"), tunnel_device_write(&d, a)), OK);
    assert_int_equal(http_fields_add(f, a, SLICE("cmg-request-id"), SLICE("6f1c0e0a-0b0c-4d0e-8f00-010203040506")), OK);
    return e;
}

void kit_exchange_end(struct kit_exchange *e)
{
    if (e->x.events)
        e->x.events->on_body_end(e->x.ctx);
}

void kit_exchange_free(struct kit_exchange *e)
{
    arena_free(e->x.arena);
    free(e);
}

void kit_assert_field(const struct kit_exchange *e, const char *line)
{
    if (!has_line(e->fields, line))
        fail_msg("no field \"%s\" in:\n%s", line, e->fields);
}

void kit_assert_no_field(const struct kit_exchange *e, const char *name)
{
    char start[128];
    (void)snprintf(start, sizeof start, "\n%s: ", name);
    if (strstr(e->fields, start) || strncmp(e->fields, start + 1, strlen(start) - 1) == 0)
        fail_msg("a field %s in:\n%s", name, e->fields);
}

void kit_assert_refused(const struct kit_exchange *e, enum verdict_reason reason, const char *detail)
{
    char line[128];
    const struct verdict_reason_info *info = verdict_reason_info(reason);
    (void)snprintf(line, sizeof line, TUNNEL_REASON_FIELD ": %s", info->name);
    kit_assert_field(e, line);
    assert_int_equal(e->status, verdict_refusal_info(info->refusal)->status);
    assert_true(e->over);
    if (detail && !strstr(e->body, detail))
        fail_msg("no \"%s\" in: %s", detail, e->body);
}

/* --- servers inside --- */

struct kit_servers kit_servers;

struct http_pool {
    char host[256], base_path[256];
};

static void on_call_write(struct http_call *c, struct slice data)
{
    struct kit_call *k = (struct kit_call *)c;
    append_text(k->body, sizeof k->body, data);
}

static void on_call_finish(struct http_call *c)
{
    (void)c;
}

static void on_call_consumed(struct http_call *c, size_t n)
{
    (void)c, (void)n;
}

static void on_call_cancel(struct http_call *c)
{
    struct kit_call *k = (struct kit_call *)c;
    k->over = k->cancelled = true;
}

static const struct http_call_ops call_ops = {on_call_write, on_call_finish, on_call_consumed, on_call_cancel};

struct http_pool *http_pool_new(struct loop *loop, const struct http_pool_options *o)
{
    struct http_pool *p = mem_zalloc(sizeof *p);
    (void)loop;
    cstr_copy(p->host, sizeof p->host, o->host);
    cstr_copy(p->base_path, sizeof p->base_path, o->base_path);
    kit_servers.pools++;
    kit_servers.answer_ms = o->answer_ms;
    kit_servers.judged_by_address = o->may != NULL;
    return p;
}

void http_pool_free(struct http_pool *p)
{
    kit_servers.pools -= p != NULL;
    free(p);
}

enum result http_pool_call(struct http_pool *p, struct slice for_whom, const struct http_request *request,
                           const struct http_call_events *events, void *ctx, struct http_call **ret, struct error *err)
{
    if (kit_servers.refuses != OK)
        return error_set(err, kit_servers.refuses, "no room");
    assert_true(kit_servers.count < KIT_CALLS_MAX);
    struct kit_call *k = &kit_servers.calls[kit_servers.count++];
    k->call = (struct http_call){&call_ops, events, ctx};
    cstr_copy(k->host, sizeof k->host, p->host);
    k->pool = p;
    assert_true(slice_to_cstr(for_whom, k->whom, sizeof k->whom));
    assert_true(slice_to_cstr(request->method, k->method, sizeof k->method));
    assert_true(slice_to_cstr(request->scheme, k->scheme, sizeof k->scheme));
    assert_true(slice_to_cstr(request->authority, k->authority, sizeof k->authority));
    (void)snprintf(k->target, sizeof k->target, "%s%" PRIslice, p->base_path, SLICE_ARG(request->target));
    write_fields(k->fields, sizeof k->fields, &request->fields);
    *ret = &k->call;
    return OK;
}

struct kit_call *kit_last_call(void)
{
    assert_true(kit_servers.count > 0);
    return &kit_servers.calls[kit_servers.count - 1];
}

static void read_fields(struct http_fields *ret, struct arena *a, const char *text)
{
    struct slice rest = slice_of(text);
    while (rest.len) {
        struct slice value = slice_cut(&rest, '\n'), name = slice_cut(&value, ':');
        assert_int_equal(http_fields_add(ret, a, name, slice_trim(value)), OK);
    }
}

void kit_answer_head(struct kit_call *c, int status, const char *fields)
{
    struct arena *a = arena_new(HTTP_ARENA_MAX);
    struct http_response head = {.status = status, .content_length = -1};
    assert_false(c->over);
    read_fields(&head.fields, a, fields ? fields : "");
    c->call.events->on_response(c->call.ctx, &head);
    arena_free(a);
}

void kit_answer(struct kit_call *c, int status, const char *fields, const char *body)
{
    kit_answer_head(c, status, fields);
    if (*body && !c->over)
        c->call.events->on_body(c->call.ctx, slice_of(body));
    if (c->over)
        return;
    c->over = true;
    c->call.events->on_end(c->call.ctx, NULL);
}

void kit_fail(struct kit_call *c, enum http_failure_kind kind, bool unsent, const char *why)
{
    struct http_failure f = {.kind = kind, .unsent = unsent};
    assert_false(c->over);
    c->over = true;
    (void)error_set(&f.error, R_IO, "%s", why);
    c->call.events->on_fail(c->call.ctx, &f);
}

void kit_servers_reset(void)
{
    assert_int_equal(kit_servers.pools, 0);
    memset(&kit_servers, 0, sizeof kit_servers);
}
