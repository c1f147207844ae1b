/* SPDX-License-Identifier: Apache-2.0 */
/* What a splice holds, counted for its sender: each byte once, and given back however it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "http/splice.h"

enum { NOW = 1000, STEP = 4096, WINDOW = 64 * 1024, LONG_HEAD = 60 * 1024, MIB = 1024 * 1024 };

static const char zeros[MIB];

/* A sender's request with both sides of it, in the tests' hands. */
struct one {
    struct http_exchange x;
    struct http_call call;
    struct http_splice *splice; /* NULL: over */
    size_t credited, written, passed, consumed;
    unsigned calls, refused, resets, cancels, ends;
    enum http_splice_refusal refusal;
    bool no_way, not_yet, long_head, broken;
};

/* --- the side that asks --- */

static struct one *of_x(struct http_exchange *x)
{
    return container_of(x, struct one, x);
}

static void x_head(struct http_exchange *x, const struct http_response *head)
{
    (void)x, (void)head;
}

static void x_respond(struct http_exchange *x, const struct http_response *head, bool end)
{
    (void)x, (void)head, (void)end;
}

static void x_write(struct http_exchange *x, struct slice data)
{
    of_x(x)->passed += data.len;
}

static void x_finish(struct http_exchange *x, const struct http_fields *trailers)
{
    (void)x, (void)trailers;
}

static void x_consumed(struct http_exchange *x, size_t n)
{
    of_x(x)->credited += n;
}

static void x_reset(struct http_exchange *x)
{
    of_x(x)->resets++;
}

static const struct http_exchange_ops x_ops = {x_head, x_respond, x_write, x_finish, x_consumed, x_reset};

/* --- the side that is asked --- */

static struct one *of_call(struct http_call *c)
{
    return container_of(c, struct one, call);
}

static void c_write(struct http_call *c, struct slice data)
{
    of_call(c)->written += data.len;
}

static void c_finish(struct http_call *c)
{
    (void)c;
}

static void c_consumed(struct http_call *c, size_t n)
{
    of_call(c)->consumed += n;
}

static void c_cancel(struct http_call *c)
{
    of_call(c)->cancels++;
}

static const struct http_call_ops c_ops = {c_write, c_finish, c_consumed, c_cancel};

/* --- the owner --- */

static enum result make_call(void *ctx, const struct http_request *request, bool again,
                             const struct http_call_events *events, void *call_ctx, struct http_call **ret)
{
    struct one *o = ctx;
    (void)request;
    assert_int_equal(again, o->calls > 0);
    if (o->no_way)
        return R_NOTFOUND;
    if (o->not_yet)
        return R_AGAIN;
    o->calls++;
    o->call = (struct http_call){.ops = &c_ops, .events = events, .ctx = call_ctx};
    *ret = &o->call;
    return OK;
}

static void on_response(void *ctx, struct http_exchange *x, struct http_response *head, struct slice begin)
{
    (void)ctx, (void)x, (void)head, (void)begin;
}

static bool may_retry(void *ctx, const struct http_failure *why)
{
    (void)ctx;
    return why->unsent;
}

static void refuse(void *ctx, struct http_exchange *x, enum http_splice_refusal what, const struct http_failure *why)
{
    struct one *o = ctx;
    assert_ptr_equal(x, &o->x);
    assert_int_equal(why != NULL, what == HTTP_SPLICE_FAILED);
    o->refused++;
    o->refusal = what;
}

static void on_over(void *ctx, const struct http_splice_stats *stats, const struct error *broken)
{
    struct one *o = ctx;
    (void)stats;
    o->splice = NULL;
    o->ends++;
    o->broken = broken != NULL;
}

static const struct http_splice_owner plain = {
    .make_call = make_call, .on_response = on_response, .refuse = refuse, .on_over = on_over};
static const struct http_splice_owner patient = {
    .make_call = make_call, .on_response = on_response, .may_retry = may_retry, .refuse = refuse, .on_over = on_over};

/* --- what happens --- */

static struct crowd *senders, *heads;
static struct arena *usual, *long_head; /* what a request's head took */

static void start(struct one *o, const char *whose, const struct http_splice_owner *owner, uint64_t max_body)
{
    const struct http_request request = {.method = SLICE("POST"), .has_body = true, .content_length = -1};
    const struct http_splice_sender sender = {{senders, heads}, slice_of(whose), NOW};
    o->x.ops = &x_ops;
    o->x.arena = o->long_head ? long_head : usual;
    o->splice = http_splice_start(&o->x, &request, max_body, &sender, owner, o);
}

static void begin(struct one *o, const char *whose)
{
    start(o, whose, &plain, UINT64_MAX);
    assert_non_null(o->splice);
}

static void upload(struct one *o, size_t n)
{
    assert_true(n <= sizeof zeros);
    o->x.events->on_body(o->x.ctx, slice_make(zeros, n));
}

static void upload_goes_on(struct one *o, size_t n)
{
    o->call.events->on_sent(o->call.ctx, n);
}

static void answer(struct one *o)
{
    const struct http_response head = {.status = 200, .content_length = -1};
    o->call.events->on_response(o->call.ctx, &head);
}

static void download(struct one *o, size_t n)
{
    assert_true(n <= sizeof zeros);
    o->call.events->on_body(o->call.ctx, slice_make(zeros, n));
}

static void download_goes_on(struct one *o, size_t n)
{
    o->x.events->on_sent(o->x.ctx, n);
}

static void complete(struct one *o)
{
    o->call.events->on_end(o->call.ctx, NULL);
}

static void call_fails(struct one *o, bool unsent)
{
    const struct http_failure why = {.kind = HTTP_FAIL_TRUNCATED, .unsent = unsent};
    o->call.events->on_fail(o->call.ctx, &why);
}

static void asker_goes(struct one *o)
{
    struct error why;
    (void)error_set(&why, R_EOF, "it went");
    o->x.events->on_abort(o->x.ctx, &why);
}

/* All that are left, and then nothing is counted any more. */
static void end_all(struct one *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].splice)
            http_splice_abort(list[i].splice);
        assert_int_equal(list[i].ends, 1);
    }
    assert_int_equal(crowd_held(senders), 0);
    assert_int_equal(crowd_held(heads), 0);
}

static int set_up(void **state)
{
    (void)state;
    senders = crowd_new(NULL, 0);
    heads = crowd_new(NULL, 0);
    usual = arena_new(2 * LONG_HEAD);
    long_head = arena_new(2 * LONG_HEAD);
    assert_non_null(arena_alloc(long_head, LONG_HEAD));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    crowd_free(senders);
    crowd_free(heads);
    arena_free(usual);
    arena_free(long_head);
    return 0;
}

/* --- counting --- */

static void what_neither_side_has_taken_is_counted_both_ways(void **state)
{
    (void)state;
    struct one o = {.ends = 0};
    begin(&o, "a");
    assert_int_equal(crowd_count(senders, SLICE("a")), 1);
    upload(&o, 5 * STEP);
    assert_int_equal(crowd_held(senders), 5 * STEP);
    upload_goes_on(&o, 2 * STEP);
    assert_int_equal(crowd_held(senders), 3 * STEP);
    answer(&o);
    download(&o, 4 * STEP);
    assert_int_equal(crowd_held(senders), 7 * STEP);
    upload_goes_on(&o, 3 * STEP);
    download_goes_on(&o, 4 * STEP);
    assert_int_equal(crowd_held(senders), 0);
    assert_true(o.credited == 5 * STEP && o.consumed == 4 * STEP && o.written == o.credited && o.passed == o.consumed);
    complete(&o);
    assert_int_equal(crowd_count(senders, SLICE("a")), 0);
    end_all(&o, 1);
}

static void what_is_very_small_is_not_counted_and_what_is_small_as_a_step(void **state)
{
    (void)state;
    enum { LEAST = 512 };
    struct one o = {.ends = 0};
    begin(&o, "a");
    upload(&o, LEAST - 1);
    assert_int_equal(crowd_held(senders), 0);
    upload(&o, 1);
    assert_int_equal(crowd_held(senders), STEP);
    upload(&o, STEP - LEAST);
    assert_int_equal(crowd_held(senders), STEP);
    upload(&o, 1);
    assert_int_equal(crowd_held(senders), 2 * STEP);
    upload_goes_on(&o, STEP - LEAST + 2);
    assert_int_equal(crowd_held(senders), 0);
    end_all(&o, 1);
}

static void what_is_kept_for_a_second_try_counts_until_the_answer_begins(void **state)
{
    (void)state;
    struct one o = {.ends = 0};
    start(&o, "a", &patient, UINT64_MAX);
    upload(&o, WINDOW);
    assert_int_equal(crowd_held(senders), 2 * WINDOW);
    upload_goes_on(&o, WINDOW);
    assert_int_equal(crowd_held(senders), WINDOW);
    answer(&o); /* which may be all for hours */
    assert_int_equal(crowd_held(senders), 0);
    end_all(&o, 1);
}

static void a_body_longer_than_what_is_kept_is_kept_no_more(void **state)
{
    (void)state;
    struct one o = {.ends = 0};
    start(&o, "a", &patient, UINT64_MAX);
    upload(&o, WINDOW);
    upload_goes_on(&o, WINDOW);
    upload(&o, STEP);
    assert_int_equal(crowd_held(senders), STEP);
    end_all(&o, 1);
}

static void a_second_try_counts_no_byte_twice(void **state)
{
    (void)state;
    struct one o = {.ends = 0};
    start(&o, "a", &patient, UINT64_MAX);
    upload(&o, 4 * STEP);
    upload_goes_on(&o, 3 * STEP);
    call_fails(&o, true);
    assert_true(o.splice && o.calls == 2);
    assert_int_equal(o.written, 8 * STEP);
    assert_int_equal(crowd_held(senders), 5 * STEP);
    upload_goes_on(&o, 2 * STEP); /* which were credited before */
    assert_int_equal(crowd_held(senders), 5 * STEP);
    upload_goes_on(&o, 2 * STEP);
    assert_int_equal(o.credited, 4 * STEP);
    assert_int_equal(crowd_held(senders), 4 * STEP);
    answer(&o);
    assert_int_equal(crowd_held(senders), 0);
    assert_int_equal(crowd_count(senders, SLICE("a")), 1);
    end_all(&o, 1);
}

static void what_goes_on_for_days_holds_no_more_than_what_is_under_way(void **state)
{
    (void)state;
    struct one o = {.ends = 0};
    begin(&o, "a");
    answer(&o);
    for (int i = 0; i < 10000; i++) {
        upload(&o, MIB);
        download(&o, MIB);
        assert_int_equal(crowd_held(senders), 2 * MIB);
        upload_goes_on(&o, MIB);
        download_goes_on(&o, MIB);
        assert_int_equal(crowd_held(senders), 0);
    }
    end_all(&o, 1);
}

static void what_is_for_the_owner_itself_is_not_counted(void **state)
{
    (void)state;
    struct one o = {.ends = 0};
    begin(&o, "");
    answer(&o);
    for (size_t n = 0; n <= HTTP_SPLICES_HOLD; n += MIB)
        download(&o, MIB);
    assert_int_equal(crowd_held(senders), 0);
    assert_non_null(o.splice);
    end_all(&o, 1);
}

/* --- each end --- */

static void by_completion(struct one *o)
{
    answer(o);
    complete(o);
}

static void by_the_call(struct one *o)
{
    call_fails(o, false);
}

static void by_the_call_within_its_answer(struct one *o)
{
    answer(o);
    call_fails(o, false);
}

static void by_a_second_try_that_has_no_way(struct one *o)
{
    o->no_way = true;
    call_fails(o, true);
}

static void by_a_second_try_that_fails(struct one *o)
{
    call_fails(o, true);
    call_fails(o, true);
}

static void by_its_owner(struct one *o)
{
    http_splice_abort(o->splice);
}

static void by_its_length(struct one *o)
{
    upload(o, MIB);
}

static void by_its_length_once_answered(struct one *o)
{
    answer(o);
    upload(o, MIB);
}

static void however_it_ends_all_is_given_back_once(void **state)
{
    (void)state;
    static void (*const ways[])(struct one *) = {by_completion,
                                                 by_the_call,
                                                 by_the_call_within_its_answer,
                                                 by_a_second_try_that_has_no_way,
                                                 by_a_second_try_that_fails,
                                                 by_its_owner,
                                                 by_its_length,
                                                 by_its_length_once_answered,
                                                 asker_goes};
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        struct one o = {.ends = 0};
        start(&o, "a", &patient, WINDOW);
        upload(&o, 3 * STEP);
        upload_goes_on(&o, STEP);
        assert_int_equal(crowd_held(senders), 5 * STEP);
        ways[i](&o);
        assert_int_equal(o.ends, 1);
        assert_int_equal(crowd_held(senders), 0);
        assert_int_equal(crowd_count(senders, SLICE("a")), 0);
    }
}

static void one_that_finds_no_way_was_never_counted(void **state)
{
    (void)state;
    struct one o = {.no_way = true};
    start(&o, "a", &plain, UINT64_MAX);
    assert_null(o.splice);
    assert_true(o.refused == 1 && o.refusal == HTTP_SPLICE_NO_WAY && o.ends == 1);
    assert_int_equal(crowd_count(senders, SLICE("a")), 0);
}

/* --- who gives way --- */

/* Each holds `each` bytes of answers. */
static void a_body_that_came_before_there_was_a_way_goes_with_the_call(void **state)
{
    (void)state;
    struct one o = {.not_yet = true};
    start(&o, "device", &patient, UINT64_MAX);
    assert_non_null(o.splice);
    upload(&o, 40000);
    assert_int_equal(o.written, 0);
    assert_int_equal(o.credited, 0);
    assert_true(crowd_held(senders) > 0);
    http_splice_go_on(o.splice); /* still not */
    o.not_yet = false;
    http_splice_go_on(o.splice);
    assert_int_equal(o.written, 40000);
    upload(&o, 1000);
    assert_int_equal(o.written, 41000);
    end_all(&o, 1);
}

static void more_than_a_window_waits_for_no_way(void **state)
{
    (void)state;
    struct one o = {.not_yet = true};
    start(&o, "device", &patient, UINT64_MAX);
    upload(&o, WINDOW);
    assert_int_equal(o.refused, 0);
    upload(&o, 1);
    assert_int_equal(o.refused, 1);
    assert_int_equal(o.refusal, HTTP_SPLICE_NO_WAY);
    end_all(&o, 1);
}

static void one_that_waits_is_refused_when_there_is_no_way_after_all(void **state)
{
    (void)state;
    struct one o = {.not_yet = true};
    start(&o, "device", &patient, UINT64_MAX);
    upload(&o, 5000);
    o.no_way = true;
    http_splice_go_on(o.splice);
    assert_int_equal(o.refusal, HTTP_SPLICE_NO_WAY);
    end_all(&o, 1);
}

/* A WebSocket whose server has said so many bytes of a frame of 100. */
static void switched(struct one *o, size_t said)
{
    static const char frame[102] = {'\x82', 100};
    const struct http_response head = {.status = 101, .content_length = -1};
    begin(o, "device");
    o->call.events->on_response(o->call.ctx, &head);
    o->call.events->on_body(o->call.ctx, slice_make(frame, said));
}

static void a_websocket_is_ended_between_two_frames(void **state)
{
    (void)state;
    struct one o = {0};
    switched(&o, 102);
    http_splice_leave(o.splice);
    assert_int_equal(o.passed, 102 + 4);
    assert_null(o.splice);
    assert_int_equal(o.cancels, 1);
    assert_int_equal(o.resets, 0);
    end_all(&o, 1);
}

static void a_websocket_is_ended_behind_the_frame_that_is_under_way(void **state)
{
    (void)state;
    struct one o = {0};
    switched(&o, 60);
    http_splice_leave(o.splice);
    assert_non_null(o.splice);
    download(&o, 50); /* of which eight are of the next one */
    assert_int_equal(o.passed, 102 + 4);
    assert_null(o.splice);
    end_all(&o, 1);
}

static void what_is_no_websocket_does_not_leave(void **state)
{
    (void)state;
    struct one o = {0};
    begin(&o, "device");
    http_splice_leave(o.splice);
    answer(&o);
    http_splice_leave(o.splice);
    assert_non_null(o.splice);
    complete(&o);
    assert_false(o.broken);
    end_all(&o, 1);
}

static void fill(struct one *list, size_t count, const char *whose, size_t each)
{
    for (size_t i = 0; i < count; i++) {
        begin(&list[i], whose);
        answer(&list[i]);
        for (size_t n = 0; n < each; n += MIB)
            download(&list[i], each < MIB ? each : MIB);
    }
}

static size_t left(const struct one *list, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += list[i].splice != NULL;
    return n;
}

static void over_the_maximum_who_holds_most_loses_what_it_began_first(void **state)
{
    (void)state;
    static const char *const others[] = {"b", "c"};
    struct one greedy[7] = {{.ends = 0}}, honest[2] = {{.ends = 0}};
    fill(greedy, 6, "greedy", 4 * MIB);
    for (size_t i = 0; i < 2; i++)
        fill(&honest[i], 1, others[i], 12 * MIB);
    assert_int_equal(crowd_held(senders), HTTP_SPLICES_HOLD);
    assert_int_equal(left(greedy, 6) + left(honest, 2), 8);
    begin(&greedy[6], "greedy");
    upload(&greedy[6], STEP); /* one byte more than all may */
    assert_true(!greedy[0].splice && greedy[0].broken && greedy[0].resets == 1 && greedy[0].cancels == 1);
    assert_int_equal(left(greedy, 7), 6);
    assert_int_equal(left(honest, 2), 2);
    for (size_t i = 0; i < 2; i++)
        http_splice_abort(honest[i].splice);
    end_all(greedy, 7);
}

static void the_more_all_hold_the_less_may_one(void **state)
{
    (void)state;
    enum { DEVICES = 20, EACH = 3, ALL = DEVICES * EACH };
    struct one many[ALL] = {{.ends = 0}};
    char whose[24];
    for (size_t i = 0; i < ALL; i += EACH) { /* 15 MiB a device */
        (void)snprintf(whose, sizeof whose, "device %zu", i);
        fill(&many[i], EACH, whose, 5 * MIB);
    }
    assert_true(crowd_held(senders) <= 60 * MIB); /* what a session may have unconsumed is 64 */
    end_all(many, ALL);
}

/* One may have thousands of them. */
static void a_little_in_each_of_many_counts(void **state)
{
    (void)state;
    enum { MANY = 1000, LITTLE = STEP - 1 };
    struct one *list = mem_zalloc(MANY * sizeof *list);
    for (size_t i = 0; i < MANY; i++) {
        begin(&list[i], "a");
        answer(&list[i]);
        download(&list[i], LITTLE);
    }
    assert_true(crowd_held(senders) >= MANY * LITTLE);
    end_all(list, MANY);
    free(list);
}

/* They stay as long as a request is parked, here and where it goes to. */
static void who_holds_most_in_long_heads_loses_what_it_began_first(void **state)
{
    (void)state;
    enum { MANY = 4096, OTHERS = 4 };
    struct one *greedy = mem_zalloc(MANY * sizeof *greedy), others[OTHERS] = {{.ends = 0}};
    for (size_t i = 0; i < OTHERS; i++) {
        others[i].long_head = i > 0;
        begin(&others[i], "modest");
    }
    assert_in_range(crowd_held(heads), (OTHERS - 1) * LONG_HEAD, OTHERS * LONG_HEAD); /* not the usual one */
    for (size_t i = 0; i < MANY; i++) {
        greedy[i].long_head = true;
        begin(&greedy[i], "greedy");
        assert_true(crowd_held(heads) <= HTTP_SPLICES_HEADS);
    }
    assert_true(greedy[0].refused == 1 && greedy[0].refusal == HTTP_SPLICE_CROWDED);
    assert_non_null(greedy[MANY - 1].splice);
    assert_int_equal(left(others, OTHERS), OTHERS);
    for (size_t i = 0; i < OTHERS; i++)
        http_splice_abort(others[i].splice);
    end_all(greedy, MANY);
    free(greedy);
}

static void one_whose_answer_has_not_begun_is_refused_by_its_owner(void **state)
{
    (void)state;
    struct one first = {.ends = 0}, rest[3] = {{.ends = 0}};
    begin(&first, "a");
    for (size_t n = 0; n < HTTP_SPLICES_HOLD; n += MIB)
        upload(&first, MIB);
    assert_non_null(first.splice);
    upload(&first, MIB); /* it itself, from inside its own callback */
    assert_null(first.splice);
    assert_true(first.refused == 1 && first.refusal == HTTP_SPLICE_CROWDED && !first.broken);
    assert_true(first.cancels == 1 && first.resets == 0);
    fill(rest, 3, "a", 12 * MIB);
    assert_int_equal(left(rest, 3), 3);
    end_all(rest, 3);
}

static void one_may_end_itself_by_what_it_passes_on(void **state)
{
    (void)state;
    struct one o = {.ends = 0};
    begin(&o, "a");
    answer(&o);
    for (size_t n = 0; n <= HTTP_SPLICES_HOLD; n += MIB)
        download(&o, MIB);
    assert_true(!o.splice && o.broken && o.resets == 1 && o.cancels == 1);
    end_all(&o, 1);
}

static void a_thousand_slow_readers_are_left_in_peace(void **state)
{
    (void)state;
    enum { READERS = 1000 };
    struct one *slow = mem_zalloc(READERS * sizeof *slow), quick = {.ends = 0};
    char whose[24];
    for (size_t i = 0; i < READERS; i++) {
        (void)snprintf(whose, sizeof whose, "device %zu", i);
        fill(&slow[i], 1, whose, WINDOW);
    }
    assert_true(crowd_held(senders) > HTTP_SPLICES_HOLD);
    begin(&quick, "quick");
    answer(&quick);
    for (int i = 0; i < 2048; i++) { /* 2 GB, with a window of 1 MiB */
        download(&quick, MIB);
        download_goes_on(&quick, MIB);
    }
    assert_non_null(quick.splice);
    assert_int_equal(left(slow, READERS), READERS);
    http_splice_abort(quick.splice);
    end_all(slow, READERS);
    free(slow);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(what_neither_side_has_taken_is_counted_both_ways),
        CASE(what_is_very_small_is_not_counted_and_what_is_small_as_a_step),
        CASE(what_is_kept_for_a_second_try_counts_until_the_answer_begins),
        CASE(a_body_longer_than_what_is_kept_is_kept_no_more),
        CASE(a_second_try_counts_no_byte_twice),
        CASE(what_goes_on_for_days_holds_no_more_than_what_is_under_way),
        CASE(what_is_for_the_owner_itself_is_not_counted),
        CASE(however_it_ends_all_is_given_back_once),
        CASE(one_that_finds_no_way_was_never_counted),
        CASE(a_body_that_came_before_there_was_a_way_goes_with_the_call),
        CASE(a_websocket_is_ended_between_two_frames),
        CASE(a_websocket_is_ended_behind_the_frame_that_is_under_way),
        CASE(what_is_no_websocket_does_not_leave),
        CASE(more_than_a_window_waits_for_no_way),
        CASE(one_that_waits_is_refused_when_there_is_no_way_after_all),
        CASE(over_the_maximum_who_holds_most_loses_what_it_began_first),
        CASE(the_more_all_hold_the_less_may_one),
        CASE(a_little_in_each_of_many_counts),
        CASE(who_holds_most_in_long_heads_loses_what_it_began_first),
        CASE(one_whose_answer_has_not_begun_is_refused_by_its_owner),
        CASE(one_may_end_itself_by_what_it_passes_on),
        CASE(a_thousand_slow_readers_are_left_in_peace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
