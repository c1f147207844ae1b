/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: collecting the body, answering, the line in the access log. */
#include "mp/server/request.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "mp/server/listener.h"
#include "mp/site.h"

enum {
    HANDLER_ARENA_MAX = 256 * 1024 * 1024,
    AT_ONCE_MAX = HTTP_WRITE_AHEAD,
    MIB = 1024 * 1024,
};

/* --- life --- */

static void tell_status(struct mp_request *r, int status)
{
    if (r->hooks.on_status)
        r->hooks.on_status(r, status);
}

/* What its handler worked with. */
static void let_go(struct mp_request *r)
{
    mp_identity_done(&r->sender.identity);
    mp_body_give_back(&r->body_share);
    buf_free(&r->body);
    arena_free(r->arena);
    r->arena = NULL;
}

static void request_free(struct mp_request *r)
{
    if (r->hooks.on_end)
        r->hooks.on_end(r);
    let_go(r);
    untaken_part(r->site->answers, &r->out.untaken);
    mp_text_unref(r->out.text);
    free(r);
}

static void on_body(void *ctx, struct slice data)
{
    struct mp_request *r = ctx;
    enum mp_body_room room = r->handle ? mp_body_take(r->bodies, &r->body_share, data.len) : MP_BODY_ROOM;
    if (room != MP_BODY_ROOM)
        mp_refuse(r, room == MP_BODY_HOLDER_FULL ? MP_REFUSAL_BODIES_OF_ONE : MP_REFUSAL_BODIES_OF_ALL, NULL);
    else if (r->handle && buf_append(&r->body, data) != OK)
        mp_refuse(r, MP_REFUSAL_TOO_LARGE, NULL);
    else
        http_exchange_consumed(r->exchange, data.len);
}

static void give_way(struct mp_body_share *s)
{
    mp_refuse(container_of(s, struct mp_request, body_share), MP_REFUSAL_BODIES_OF_ALL, NULL);
}

static void on_body_end(void *ctx)
{
    struct mp_request *r = ctx;
    mp_handler_fn *handle = r->handle;
    r->handle = NULL;
    mp_body_whole(&r->body_share);
    if (handle)
        handle(r);
}

/* The next pieces of a long answer, never more than HTTP_WRITE_AHEAD bytes ahead of the peer. */
static void pump(struct mp_request *r)
{
    const struct mp_text *text = r->out.text;
    size_t ahead = r->out.written - r->out.sent;
    size_t n = text->len - r->out.written;
    if (n > HTTP_WRITE_AHEAD - ahead)
        n = HTTP_WRITE_AHEAD - ahead;
    if (n)
        http_exchange_write(r->exchange, slice_make(text->bytes + r->out.written, n));
    r->out.written += n;
    if (r->out.written < text->len)
        return;
    http_exchange_finish(r->exchange, NULL);
    request_free(r);
}

static void on_sent(void *ctx, size_t n)
{
    struct mp_request *r = ctx;
    if (!r->out.text)
        return;
    r->out.sent += n;
    pump(r);
}

static void on_abort(void *ctx, const struct error *why)
{
    struct mp_request *r = ctx;
    (void)why;
    if (!r->out.text)
        tell_status(r, 0);
    request_free(r);
}

static const struct http_exchange_events events = {
    .on_body = on_body, .on_body_end = on_body_end, .on_sent = on_sent, .on_abort = on_abort};

static void break_off(struct untaken *u)
{
    struct mp_request *r = container_of(u, struct mp_request, out.untaken);
    http_exchange_reset(r->exchange);
    request_free(r);
}

struct mp_request *mp_request_new(struct mp_site *site, struct mp_connection *connection, struct http_exchange *x)
{
    struct mp_request *r = mem_zalloc(sizeof *r);
    r->site = site;
    r->connection = connection;
    r->bodies = connection ? site->bodies : site->admin_bodies;
    r->body_share.give_way = give_way;
    r->out.untaken.give_way = break_off;
    if (connection)
        (void)snprintf(r->out.whose, sizeof r->out.whose, "address:%s", connection->peer.group);
    r->exchange = x;
    r->arena = arena_new(HANDLER_ARENA_MAX);
    buf_init(&r->body, 1);
    struct slice rest = x->request.target;
    r->path = slice_cut(&rest, '?');
    r->query = rest;
    guid_new(r->id);
    r->sender = (struct mp_sender){.site = site,
                                   .arena = r->arena,
                                   .request = &x->request,
                                   .body = &r->body,
                                   .peer = connection ? &connection->peer : NULL};
    x->events = &events;
    x->ctx = r;
    return r;
}

void mp_request_collect(struct mp_request *r, mp_handler_fn *handle, size_t body_max)
{
    const struct http_request *q = &r->exchange->request;
    buf_init_secret(&r->body, body_max ? body_max : 1); /* tokens */
    if (q->content_length > (int64_t)body_max) {
        mp_refuse(r, MP_REFUSAL_TOO_LARGE, NULL);
        return;
    }
    r->handle = handle;
    if (q->expect_continue)
        http_exchange_inform(r->exchange, &(struct http_response){.status = 100, .content_length = -1});
}

struct slice mp_request_field(const struct mp_request *r, const char *name)
{
    return http_fields_get(&r->exchange->request.fields, slice_of(name));
}

struct slice mp_request_query(const struct mp_request *r, struct slice name)
{
    struct slice rest = r->query;
    while (rest.ptr) {
        struct slice value = slice_cut(&rest, '&'), key = slice_cut(&value, '=');
        if (slice_eq(key, name))
            return value;
    }
    return SLICE_NONE;
}

int64_t mp_request_held(const struct mp_request *r)
{
    uint64_t held;
    struct slice tag = slice_trim(mp_request_field(r, "if-none-match"));
    if (tag.len < 3 || tag.ptr[0] != '"' || tag.ptr[tag.len - 1] != '"')
        return 0;
    return slice_to_u64(slice_make(tag.ptr + 1, tag.len - 2), &held) && held <= INT64_MAX ? (int64_t)held : 0;
}

/* --- answers --- */

static void head_of(struct mp_request *r, const struct mp_answer *a, size_t length, struct http_response *ret)
{
    *ret = (struct http_response){.status = a->status, .content_length = (int64_t)length};
    enum result ok = OK;
    if (a->type)
        ok = http_fields_add(&ret->fields, r->exchange->arena, SLICE("content-type"), slice_of(a->type));
    for (size_t i = 0; ok == OK && i < ARRAY_LEN(a->fields) && a->fields[i].name.ptr; i++)
        ok = http_fields_add(&ret->fields, r->exchange->arena, a->fields[i].name, a->fields[i].value);
    if (ok == OK)
        ok = http_fields_add(&ret->fields, r->exchange->arena, SLICE("cache-control"), SLICE("no-store"));
    (void)ok; /* the arena is full: the answer goes without the rest */
}

static bool without_body(const struct mp_request *r, int status)
{
    return status == 204 || status == 304 || slice_eq(r->exchange->request.method, SLICE("HEAD"));
}

/* Of one asker: two of the longest that a device takes (WEB_ANSWER_MAX). */
const struct untaken_limits mp_untaken_limits = {
    .all = 256 * (size_t)MIB, .each = 32 * (size_t)MIB, .little = 4 * (size_t)MIB};

/* false: it was refused. What others have as well takes no room of its own. */
static bool has_room(struct mp_request *r, const struct mp_text *text)
{
    static const enum mp_refusal refusals[] = {
        [UNTAKEN_EACH_FULL] = MP_REFUSAL_ANSWERS_OF_ONE, [UNTAKEN_ALL_FULL] = MP_REFUSAL_ANSWERS_OF_ALL};
    if (text->references > 1 || !*r->out.whose)
        return true;
    enum untaken_room room =
        untaken_hold(r->site->answers, &mp_untaken_limits, &r->out.untaken, slice_of(r->out.whose), text->len);
    if (room != UNTAKEN_ROOM)
        mp_refuse(r, refusals[room], NULL);
    return room == UNTAKEN_ROOM;
}

/* `a` but for its body, which is `text`; takes the reference. */
static void answer_long(struct mp_request *r, const struct mp_answer *a, struct mp_text *text)
{
    struct http_response head;
    if (!has_room(r, text)) {
        mp_text_unref(text);
        return;
    }
    tell_status(r, a->status);
    r->out.text = text;
    head_of(r, a, text->len, &head);
    http_exchange_respond(r->exchange, &head, false);
    let_go(r); /* it is not kept for as long as the peer takes */
    pump(r);
}

void mp_answer(struct mp_request *r, const struct mp_answer *a)
{
    struct http_response head;
    if (a->body.len > AT_ONCE_MAX && !without_body(r, a->status)) {
        answer_long(r, a, mp_text_new(slice_dup(a->body)));
        return;
    }
    tell_status(r, a->status);
    bool end = without_body(r, a->status) || !a->body.len;
    head_of(r, a, a->body.len, &head);
    if (a->status == 204 || a->status == 304)
        head.content_length = -1;
    http_exchange_respond(r->exchange, &head, end);
    if (!end) {
        http_exchange_write(r->exchange, a->body);
        http_exchange_finish(r->exchange, NULL);
    }
    request_free(r);
}

struct http_exchange *mp_answer_head(struct mp_request *r, const struct mp_answer *a, uint64_t length)
{
    struct http_response head;
    struct http_exchange *x = r->exchange;
    bool end = without_body(r, a->status) || !length;
    tell_status(r, a->status);
    head_of(r, a, length, &head);
    http_exchange_respond(x, &head, end);
    request_free(r);
    return end ? NULL : x;
}

void mp_answer_text(struct mp_request *r, const char *type, struct mp_text *text)
{
    if (without_body(r, 200) || text->len <= AT_ONCE_MAX) {
        mp_answer(r, &(struct mp_answer){.status = 200, .type = type, .body = slice_make(text->bytes, text->len)});
        mp_text_unref(text);
        return;
    }
    answer_long(r, &(struct mp_answer){.status = 200, .type = type}, text);
}

static void answer_object(struct mp_request *r, int status, const char *type, json_t *body)
{
    if (!body)
        fatal("out of memory, or text that is not UTF-8, in an answer");
    char *text = json_text(body);
    json_decref(body);
    mp_answer(r, &(struct mp_answer){.status = status, .type = type, .body = slice_of(text)});
    free(text);
}

void mp_answer_json(struct mp_request *r, int status, json_t *body)
{
    answer_object(r, status, "application/json", body);
}

void mp_answer_problem(struct mp_request *r, int status, json_t *problem)
{
    answer_object(r, status, "application/problem+json", problem);
}

/* --- refusals --- */

struct refuse_extra {
    struct http_field field;
    const char *signed_time; /* NULL: none */
};

static void refuse(struct mp_request *r, const struct mp_refusal_info *info, const char *detail,
                   const struct refuse_extra *extra)
{
    json_t *said = detail && *detail ? json_string(detail) : NULL; /* NULL too when it is not UTF-8 */
    json_t *o = json_pack("{s:s, s:s, s:i, s:s, s:s, s:o, s:s, s:s, s:s*}", "type", "about:blank", "title", info->text,
                          "status", info->status, "code", info->code, "reason", info->reason, "detail",
                          said ? said : json_string(info->text), "remedy", info->remedy, "request_id", r->id,
                          "signed_time", extra->signed_time);
    char *text = json_text(o);
    json_decref(o);
    r->refused = info->reason;
    if (!r->refused_detail)
        r->refused_detail = arena_dup(r->arena, slice_of(detail && *detail ? detail : info->text)).ptr;
    mp_answer(r, &(struct mp_answer){.status = info->status,
                                     .type = "application/problem+json",
                                     .body = slice_of(text),
                                     .fields = {{SLICE("cmg-request-id"), slice_of(r->id)}, extra->field}});
    free(text);
}

void mp_refuse(struct mp_request *r, enum mp_refusal refusal, const char *detail)
{
    static const bool passes[MP_REFUSAL_COUNT] = {
        [MP_REFUSAL_BUSY] = true,           [MP_REFUSAL_BODIES_OF_ONE] = true, [MP_REFUSAL_BODIES_OF_ALL] = true,
        [MP_REFUSAL_ANSWERS_OF_ONE] = true, [MP_REFUSAL_TIME_OF_ONE] = true,   [MP_REFUSAL_ANSWERS_OF_ALL] = true};
    struct refuse_extra extra = {.signed_time = NULL};
    if (passes[refusal])
        extra.field = (struct http_field){SLICE("retry-after"), SLICE("5")};
    refuse(r, mp_refusal_info(refusal), detail, &extra);
}

void mp_refuse_clock(struct mp_request *r, const char *detail, const char *signed_time)
{
    refuse(r, mp_refusal_info(MP_REFUSAL_CLOCK_SKEW), detail, &(struct refuse_extra){.signed_time = signed_time});
}

void mp_refuse_method(struct mp_request *r, const char *allow)
{
    refuse(r, mp_refusal_info(MP_REFUSAL_BAD_METHOD), NULL,
           &(struct refuse_extra){.field = {SLICE("allow"), slice_of(allow)}});
}

void mp_refuse_verdict(struct mp_request *r, enum verdict_reason reason, const struct error *why)
{
    struct mp_refusal_info info = mp_refusal_of_verdict(reason);
    struct refuse_extra extra = {.signed_time = NULL};
    if (verdict_reason_info(reason)->refusal == REFUSAL_INVALID_TOKEN)
        extra.field = (struct http_field){SLICE("www-authenticate"), SLICE("Bearer error=\"invalid_token\"")};
    if (why && why->remedy)
        info.remedy = why->remedy;
    refuse(r, &info, why ? why->text : NULL, &extra);
}

bool mp_request_pass(struct mp_request *r, bool good, struct mp_denial *no)
{
    if (good)
        return true;
    if (no->by == MP_DENIED_BY_FAULT)
        mp_refuse_fault(r, &no->why);
    else if (no->by == MP_DENIED_BY_VERDICT)
        mp_refuse_verdict(r, no->reason, &no->why);
    else if (no->refusal == MP_REFUSAL_CLOCK_SKEW)
        mp_refuse_clock(r, no->why.text, no->signed_time);
    else
        mp_refuse(r, no->refusal, no->why.text);
    mp_denial_done(no);
    return false;
}

static void note_fault(struct mp_request *r, const struct error *err)
{
    LOG_EVENT(LOG_ERROR, "mp", "a request failed by a fault of ours", LOG_T("request", r->id),
              LOG_T("error", err->text));
    r->refused_detail = arena_dup(r->arena, slice_of(err->text)).ptr; /* for administrators, not for the asker */
    if (err->code == R_AGAIN)
        return;
    mp_site_note_fault(r->site, err);
}

void mp_refuse_fault(struct mp_request *r, const struct error *err)
{
    note_fault(r, err);
    mp_refuse(r, err->code == R_AGAIN ? MP_REFUSAL_BUSY : MP_REFUSAL_INTERNAL, NULL);
}

void mp_refuse_fault_told(struct mp_request *r, const struct error *err)
{
    note_fault(r, err);
    mp_refuse(r, err->code == R_AGAIN ? MP_REFUSAL_BUSY : MP_REFUSAL_INTERNAL, err->text);
}
