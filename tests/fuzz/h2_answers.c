/* SPDX-License-Identifier: Apache-2.0 */
/* See h2_users.h: whoever answers. */
#include "base/mem.h"
#include "fuzz.h"
#include "h1_story.h"
#include "h2_users.h"

enum { UNREPORTED_MAX = 8 * 1024 * 1024, LONG_ANSWER = 200 * 1024 };

struct h2_answer {
    struct h2_answers *all;
    struct h2_answer *next, **at;
    struct http_exchange *x;
    size_t unreported, unconsumed;
    char way;
    bool answered, inside, ended_body;
};

static void over(struct h2_answer *a)
{
    *a->at = a->next;
    if (a->next)
        a->next->at = a->at;
    a->all->ended++;
    free(a);
}

static void head(struct h2_answer *a)
{
    const struct http_response r = {.status = a->x->request.protocol.len ? 101 : 200, .content_length = -1};
    if (a->answered)
        return;
    a->answered = a->inside = true;
    http_exchange_respond(a->x, &r, false);
    a->inside = false;
}

static void write_some(struct h2_answer *a, struct slice data)
{
    if (a->answered && a->unreported + data.len <= UNREPORTED_MAX) {
        a->unreported += data.len;
        a->all->written += data.len;
        http_exchange_write(a->x, data);
    }
}

static void inform(struct h2_answer *a)
{
    const struct http_response r = {.status = 103, .content_length = -1};
    http_exchange_inform(a->x, &r);
}

static void consume(struct h2_answer *a)
{
    size_t n = a->unconsumed;
    a->unconsumed = 0;
    http_exchange_consumed(a->x, n);
}

static void finish(struct h2_answer *a)
{
    http_exchange_finish(a->x, NULL);
    over(a);
}

static void finish_with_trailers(struct h2_answer *a)
{
    struct http_field one = {SLICE("x-sum"), SLICE("5")};
    const struct http_fields trailers = {&one, 1, 1};
    http_exchange_finish(a->x, &trailers);
    over(a);
}

static void break_off(struct h2_answer *a)
{
    a->x->broken_inside = a->way == 'x';
    http_exchange_reset(a->x);
    over(a);
}

static void reply(struct h2_answer *a)
{
    static const char body[LONG_ANSWER];
    if (a->answered)
        return;
    a->all->written += sizeof body;
    http_exchange_reply(a->x, 404, "text/plain", slice_make(body, sizeof body), NULL);
    over(a);
}

static void reply_short(struct h2_answer *a)
{
    if (a->answered)
        return;
    http_exchange_reply(a->x, 404, "text/plain", SLICE("no"), NULL);
    over(a);
}

static void write_piece(struct h2_answer *a)
{
    static const char piece[3000];
    head(a);
    write_some(a, slice_make(piece, sizeof piece));
}

static void (*const deeds[])(struct h2_answer *a) = {
    head, write_piece, consume, finish, finish_with_trailers, break_off, reply, reply_short, inform,
};

/* --- what the session tells; `a` may be gone behind each of the session's deeds --- */

static void on_body(void *ctx, struct slice data)
{
    struct h2_answer *a = ctx;
    MUST(!a->inside && !a->ended_body && data.len);
    a->unconsumed += data.len;
    if (a->way == 'e')
        write_some(a, data);
    if (a->way == 'e' || a->way == 's')
        consume(a);
    if (a->way == 'x')
        break_off(a);
    else if (a->way == 'f')
        finish(a);
    else if (a->way == 'z')
        a->all->session(a->all->ctx, H2_SESSION_CLOSE);
    else if (a->way == 'y')
        a->all->session(a->all->ctx, H2_SESSION_ABORT);
}

static void on_body_end(void *ctx)
{
    struct h2_answer *a = ctx;
    MUST(!a->inside && !a->ended_body);
    a->ended_body = true;
    if (a->way == 'e')
        finish(a);
    else if (a->way == 's')
        reply_short(a);
    else if (a->way == 't')
        finish_with_trailers(a);
    else if (a->way == 'q')
        break_off(a);
    else if (a->way == 'u')
        a->all->session(a->all->ctx, H2_SESSION_ABORT);
    else if (a->way == 'v')
        a->all->session(a->all->ctx, H2_SESSION_CLOSE);
}

static void on_sent(void *ctx, size_t n)
{
    struct h2_answer *a = ctx;
    MUST(!a->inside && n <= a->unreported);
    a->unreported -= n;
    if (a->way == 'w')
        write_piece(a);
}

static void on_abort(void *ctx, const struct error *why)
{
    struct h2_answer *a = ctx;
    MUST(!a->inside && why && why->text[0]);
    over(a);
}

static const struct http_exchange_events events = {
    .on_body = on_body, .on_body_end = on_body_end, .on_sent = on_sent, .on_abort = on_abort};

/* --- requests --- */

static void check(const struct http_request *r)
{
    static const char *const never[] = {"host",    "connection",        "keep-alive",
                                        "upgrade", "transfer-encoding", "proxy-connection"};
    struct slice te = http_fields_get(&r->fields, SLICE("te"));
    h1_story_check_fields(&r->fields);
    MUST(r->version == HTTP_2 && http_is_token(r->method) && r->content_length >= -1);
    MUST(!te.ptr || slice_eq(te, SLICE("trailers")));
    MUST(!r->protocol.len || (slice_eq(r->method, SLICE("GET")) && r->has_body));
    MUST(r->target.len && (r->target.ptr[0] == '/' || slice_eq(r->target, SLICE("*"))));
    for (size_t i = 0; i < r->target.len; i++)
        MUST((unsigned char)r->target.ptr[i] > ' ' && (unsigned char)r->target.ptr[i] < 0x7f);
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        MUST(!http_fields_get(&r->fields, slice_of(never[i])).ptr);
}

static void begin(struct h2_answer *a)
{
    static const char letters[] = "cdal";
    const char *deed = a->way ? strchr(letters, a->way) : NULL;
    struct h2_answers *all = a->all;
    if (strchr("ewtf", a->way) && a->way)
        head(a);
    if (a->way == 'w')
        write_piece(a);
    else if (a->way == 'r')
        break_off(a);
    else if (a->way == 'n')
        reply_short(a);
    else if (a->way == 'b')
        reply(a);
    else if (deed)
        all->session(all->ctx, (enum h2_session_deed)(deed - letters));
}

void h2_answers_take(struct h2_answers *all, struct http_exchange *x)
{
    struct h2_answer *a = mem_zalloc(sizeof *a);
    check(&x->request);
    *a = (struct h2_answer){.all = all, .next = all->first, .at = &all->first, .x = x};
    a->way = x->request.target.len > 1 ? x->request.target.ptr[1] : 'p';
    if (a->next)
        a->next->at = &a->next;
    all->first = a;
    all->begun++;
    x->events = &events;
    x->ctx = a;
    begin(a);
}

void h2_answers_act(struct h2_answers *all, uint8_t what, uint8_t which)
{
    struct h2_answer *a = all->first;
    for (which %= 16; a && a->next && which; which--)
        a = a->next;
    if (what % 16 >= ARRAY_LEN(deeds))
        all->session(all->ctx, (enum h2_session_deed)(what % H2_SESSION_DEEDS));
    else if (a)
        deeds[what % 16](a);
}
