/* SPDX-License-Identifier: Apache-2.0 */
/* Lives: whatever the user does inside whatever callback, nothing is used after it is gone and nobody is told twice.
 * Mostly for the address sanitizer: every action of every side in every callback, with company on the connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "h2_kit.h"

enum place {
    IN_REQUEST,
    IN_BODY,
    IN_BODY_END,
    IN_SENT,
    IN_ABORT,
    IN_RESPONSE,
    IN_CALL_BODY,
    IN_END,
    IN_FAIL,
    IN_CALL_SENT,
    PLACES
};
enum action {
    RESET,
    FINISH,
    RESPOND,
    CLOSE_SERVER,
    CLOSE_CLIENT,
    DRAIN_SERVER,
    DRAIN_CLIENT,
    NEW_CALL,
    CANCEL_ALL,
    ABORT_SERVER,
    ABORT_CLIENT,
    ACTIONS
};

enum { CALLS = 6, BODY = 100 * 1000 };

struct drama;

struct actor { /* one exchange or one call */
    struct drama *drama;
    struct http_exchange *x;
    struct http_call *c;
    size_t left;
    bool over;
    int ends;
};

struct drama {
    struct kit *kit;
    enum place place;
    enum action action;
    bool acted, calm;
    struct actor calls[2 * CALLS], exchanges[4 * CALLS];
    size_t call_count, exchange_count;
};

static const struct http_call_events call_events;

static void start_call(struct drama *d)
{
    struct http_request r = {
        .version = HTTP_2,
        .method = SLICE("POST"),
        .authority = SLICE("test.example"),
        .target = SLICE("/"),
        .content_length = BODY,
        .has_body = true,
    };
    char piece[1000] = {0};
    if (!d->kit->client || d->call_count == ARRAY_LEN(d->calls))
        return;
    struct actor *a = &d->calls[d->call_count++];
    *a = (struct actor){.drama = d};
    if (http_h2_call(d->kit->client, &r, &call_events, a, &a->c, NULL) != OK) {
        a->over = true;
        a->ends = 1;
        return;
    }
    for (int i = 0; i < BODY / 1000; i++)
        http_call_write(a->c, slice_make(piece, sizeof piece));
    http_call_finish(a->c);
}

static void exchange_over(struct actor *a)
{
    assert_false(a->over);
    a->over = true;
    a->x = NULL;
}

static void finish(struct actor *a, bool early)
{
    struct http_response head = {.status = 200, .content_length = -1};
    struct http_exchange *x = a->x;
    if (early)
        http_exchange_respond(x, &head, false);
    exchange_over(a);
    http_exchange_finish(x, NULL);
}

static void cancel_all(struct drama *d)
{
    for (size_t i = 0; i < d->call_count; i++) {
        struct actor *a = &d->calls[i];
        if (a->over)
            continue;
        a->over = true;
        a->ends++;
        http_call_cancel(a->c);
    }
    for (size_t i = 0; i < d->exchange_count; i++) {
        struct http_exchange *x = d->exchanges[i].x;
        if (d->exchanges[i].over)
            continue;
        exchange_over(&d->exchanges[i]);
        http_exchange_reset(x);
    }
}

static void act_on_own(struct drama *d, struct actor *a)
{
    struct http_response head = {.status = 404, .content_length = 0};
    struct http_exchange *x = a->x;
    if (a->over)
        return;
    if (a->c) {
        a->over = true;
        a->ends++;
        http_call_cancel(a->c);
        return;
    }
    exchange_over(a);
    if (d->action == RESET)
        http_exchange_reset(x);
    else if (d->action == RESPOND)
        http_exchange_respond(x, &head, true);
    else
        http_exchange_finish(x, NULL);
}

/* Once a drama, in the chosen callback. */
static void act(struct actor *a, enum place place)
{
    struct drama *d = a->drama;
    if (d->place != place || d->acted)
        return;
    d->acted = true;
    switch (d->action) {
    case CLOSE_SERVER:
        if (d->kit->server)
            http_h2_close(d->kit->server);
        break;
    case CLOSE_CLIENT:
        if (d->kit->client)
            http_h2_close(d->kit->client);
        break;
    case DRAIN_SERVER:
        if (d->kit->server)
            http_h2_drain(d->kit->server);
        break;
    case DRAIN_CLIENT:
        if (d->kit->client)
            http_h2_drain(d->kit->client);
        break;
    case ABORT_SERVER:
        if (d->kit->server)
            http_h2_abort(d->kit->server);
        for (size_t i = 0; i < d->exchange_count && d->kit->server; i++)
            assert_true(d->exchanges[i].over);
        break;
    case ABORT_CLIENT:
        if (d->kit->client)
            http_h2_abort(d->kit->client);
        for (size_t i = 0; i < d->call_count && d->kit->client; i++)
            assert_true(d->calls[i].over);
        break;
    case NEW_CALL:
        start_call(d);
        break;
    case CANCEL_ALL:
        cancel_all(d);
        break;
    default:
        act_on_own(d, a);
        break;
    }
}

/* --- the exchange --- */

static void x_body(void *ctx, struct slice data)
{
    struct actor *a = ctx;
    assert_false(a->over);
    act(a, IN_BODY);
    if (!a->over)
        http_exchange_consumed(a->x, data.len);
}

static void x_body_end(void *ctx)
{
    struct actor *a = ctx;
    struct http_response head = {.status = 200, .content_length = -1};
    char piece[20000] = {0};
    assert_false(a->over);
    act(a, IN_BODY_END);
    if (a->over)
        return;
    http_exchange_respond(a->x, &head, false);
    http_exchange_write(a->x, slice_make(piece, sizeof piece));
    a->left = sizeof piece;
}

static void x_sent(void *ctx, size_t n)
{
    struct actor *a = ctx;
    assert_false(a->over);
    assert_true(n <= a->left);
    a->left -= n;
    act(a, IN_SENT);
    if (!a->over && a->left == 0)
        finish(a, false);
}

static void x_abort(void *ctx, const struct error *why)
{
    struct actor *a = ctx;
    assert_true(why->text[0] != 0);
    exchange_over(a);
    act(a, IN_ABORT);
}

static const struct http_exchange_events x_events = {
    .on_body = x_body, .on_body_end = x_body_end, .on_sent = x_sent, .on_abort = x_abort};

static void on_request(struct kit *k, struct http_exchange *x)
{
    struct drama *d = k->user;
    assert_true(d->exchange_count < ARRAY_LEN(d->exchanges));
    struct actor *a = &d->exchanges[d->exchange_count++];
    *a = (struct actor){.drama = d, .x = x};
    x->events = &x_events;
    x->ctx = a;
    act(a, IN_REQUEST);
}

/* --- the call --- */

static void c_response(void *ctx, const struct http_response *head)
{
    struct actor *a = ctx;
    (void)head;
    assert_false(a->over);
    act(a, IN_RESPONSE);
}

static void c_body(void *ctx, struct slice data)
{
    struct actor *a = ctx;
    assert_false(a->over);
    act(a, IN_CALL_BODY);
    if (!a->over)
        http_call_consumed(a->c, data.len);
}

static void c_over(struct actor *a, enum place place)
{
    assert_false(a->over);
    a->over = true;
    a->ends++;
    act(a, place);
}

static void c_end(void *ctx, const struct http_fields *trailers)
{
    (void)trailers;
    c_over(ctx, IN_END);
}

static void c_fail(void *ctx, const struct http_failure *why)
{
    assert_true(why->error.text[0] != 0);
    c_over(ctx, IN_FAIL);
}

static void c_sent(void *ctx, size_t n)
{
    struct actor *a = ctx;
    (void)n;
    assert_false(a->over);
    act(a, IN_CALL_SENT);
}

static const struct http_call_events call_events = {
    .on_response = c_response, .on_body = c_body, .on_end = c_end, .on_sent = c_sent, .on_fail = c_fail};

static bool all_over(void *arg)
{
    struct drama *d = arg;
    for (size_t i = 0; i < d->call_count; i++)
        if (!d->calls[i].over)
            return false;
    for (size_t i = 0; i < d->exchange_count; i++)
        if (!d->exchanges[i].over)
            return false;
    return true;
}

static void play(enum place place, enum action action)
{
    struct kit_options o = {.h2 = kit_h2};
    struct drama d = {.place = place, .action = action};
    d.kit = kit_new(&o);
    d.kit->handler = on_request;
    d.kit->user = &d;
    for (int i = 0; i < CALLS; i++)
        start_call(&d);
    if (place == IN_FAIL || place == IN_ABORT) { /* they need somebody to break something */
        kit_pass(d.kit, 2);
        if (place == IN_ABORT && !d.calls[0].over) {
            d.calls[0].over = true;
            d.calls[0].ends++;
            http_call_cancel(d.calls[0].c);
        } else if (place == IN_FAIL) {
            loopback_break(d.kit->client_stream);
        }
    }
    if (!kit_run(d.kit, all_over, &d, 5000))
        fail_msg("place %d, action %d: not everybody was told the end", place, action);
    for (size_t i = 0; i < d.call_count; i++)
        assert_int_equal(d.calls[i].ends, 1);
    kit_free(d.kit);
}

static void anything_may_be_done_in_any_callback(void **state)
{
    (void)state;
    for (int place = 0; place < PLACES; place++)
        for (int action = 0; action < ACTIONS; action++)
            play((enum place)place, (enum action)action);
}

static void sessions_closed_at_once_leave_nothing(void **state)
{
    (void)state;
    for (int ms = 0; ms < 12; ms++) {
        struct kit_options o = {.h2 = kit_h2, .delay_ms = (uint64_t)(ms % 3)};
        struct kit *k = kit_new(&o);
        struct kit_call c[4] = {0};
        for (size_t i = 0; i < ARRAY_LEN(c); i++)
            kit_call(k, &c[i], NULL, i % 2 ? "/echo" : "/bytes/1000000", i % 2 ? 200000 : 0);
        kit_pass(k, (uint64_t)ms);
        kit_free(k);
        for (size_t i = 0; i < ARRAY_LEN(c); i++)
            assert_true(kit_done(&c[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anything_may_be_done_in_any_callback),
        cmocka_unit_test(sessions_closed_at_once_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
