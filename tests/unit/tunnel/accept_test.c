/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's end of a tunnel against connectors of every kind, in memory and with a clock that the test turns. */
#include "tunnel/accept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../http/fake_loop.h"
#include "../http/h2_raw.h"
#include "../http/loopback_stream.h"
#include "base/mem.h"

#define GENERATION "0f1e2d3c-4b5a-4697-8877-665544332211"
#define FIRST "{\"version\":1,\"connector\":\"cp1\",\"endpoints\":[\"ccm\",\"git\"]}\n"

struct call {
    int status;
    bool ended, failed;
    struct http_failure why;
};

struct world {
    struct loop *loop;
    struct tunnel *tunnel; /* NULL: down */
    struct http_h2 *connector;
    struct http_exchange *hello, *parked;
    char target[64], body[256];
    const char *answer; /* what it says to the hello; NULL: nothing */
    int status;
    const char *type;
    int ups, updates, downs;
    struct error why;
    bool hello_aborted;
};

/* --- the connector --- */

static void x_body(void *ctx, struct slice data)
{
    struct world *w = ctx;
    size_t len = strlen(w->body);
    assert_true(len + data.len < sizeof w->body);
    memcpy(w->body + len, data.ptr, data.len);
    http_exchange_consumed(w->hello, data.len);
}

static void x_end(void *ctx)
{
    struct world *w = ctx;
    struct http_field type = {SLICE("content-type"), slice_of(w->type)};
    struct http_response head = {.status = w->status, .fields = {&type, 1, 1}, .content_length = -1};
    if (!w->answer)
        return;
    http_exchange_respond(w->hello, &head, false);
    http_exchange_write(w->hello, slice_of(w->answer));
}

static void x_abort(void *ctx, const struct error *why)
{
    struct world *w = ctx;
    (void)why;
    w->hello_aborted = true;
    w->hello = NULL;
}

static const struct http_exchange_events hello_events = {.on_body = x_body, .on_body_end = x_end, .on_abort = x_abort};

static void parked_abort(void *ctx, const struct error *why)
{
    (void)why;
    ((struct world *)ctx)->parked = NULL;
}

static const struct http_exchange_events parked_events = {.on_abort = parked_abort};

static void on_request(void *owner, struct http_exchange *x)
{
    struct world *w = owner;
    x->ctx = w;
    if (!w->target[0]) {
        assert_true(slice_to_cstr(x->request.target, w->target, sizeof w->target));
        w->hello = x;
        x->events = &hello_events;
    } else {
        w->parked = x;
        x->events = &parked_events;
    }
}

static void connector_closed(void *owner, const struct error *why)
{
    (void)why;
    ((struct world *)owner)->connector = NULL;
}

static const struct http_h2_events connector_events = {.on_request = on_request, .on_close = connector_closed};

/* --- the gateway --- */

static void on_up(void *owner, struct tunnel *t)
{
    struct world *w = owner;
    (void)t;
    w->ups++;
}

static void on_update(void *owner, struct tunnel *t)
{
    struct world *w = owner;
    assert_ptr_equal(t, w->tunnel);
    w->updates++;
}

static void on_down(void *owner, struct tunnel *t, const struct error *why)
{
    struct world *w = owner;
    (void)t;
    w->downs++;
    w->why = *why;
    w->tunnel = NULL;
}

static const struct tunnel_events tunnel_events = {.on_up = on_up, .on_update = on_update, .on_down = on_down};

static void c_response(void *ctx, const struct http_response *head)
{
    ((struct call *)ctx)->status = head->status;
}

static void c_end(void *ctx, const struct http_fields *trailers)
{
    (void)trailers;
    ((struct call *)ctx)->ended = true;
}

static void c_fail(void *ctx, const struct http_failure *why)
{
    ((struct call *)ctx)->failed = true;
    ((struct call *)ctx)->why = *why;
}

static const struct http_call_events call_events = {.on_response = c_response, .on_end = c_end, .on_fail = c_fail};

static const struct tunnel_hello hello = {"gw1", GENERATION, 1, 2};

static struct world *world_new(const char *answer)
{
    struct world *w = mem_zalloc(sizeof *w);
    struct net_stream *gateway, *connector;
    w->loop = loop_new();
    w->answer = answer;
    w->status = 200;
    w->type = "application/x-ndjson";
    loopback_pair(w->loop, 0, 0, &gateway, &connector);
    w->connector = http_h2_server(w->loop, connector, &http_h2_tunnel_options, &connector_events, w);
    w->tunnel = tunnel_accept(w->loop, gateway, "cp1", 1, &hello, &tunnel_events, w);
    return w;
}

static void world_free(struct world *w)
{
    if (w->tunnel)
        tunnel_close(w->tunnel);
    if (w->connector)
        http_h2_close(w->connector);
    fake_loop_settle(w->loop);
    assert_null(w->tunnel);
    assert_int_equal(w->downs, 1);
    loop_free(w->loop);
    free(w);
}

static void call(struct world *w, struct call *c)
{
    struct http_request r = {
        .method = SLICE("GET"), .authority = SLICE("git"), .target = SLICE("/info/refs"), .content_length = -1};
    struct http_call *ret;
    struct error err;
    assert_int_equal(tunnel_call(w->tunnel, &r, &call_events, c, &ret, &err), OK);
    fake_loop_settle(w->loop);
}

static void answer_parked(struct world *w)
{
    assert_non_null(w->parked);
    http_exchange_reply(w->parked, 200, "text/plain", SLICE("done"), NULL);
    fake_loop_settle(w->loop);
}

/* --- tests --- */

static void it_is_up_when_the_hello_was_answered(void **state)
{
    struct world *w = world_new(FIRST);
    (void)state;
    assert_int_equal(w->ups, 0);
    assert_false(tunnel_reaches(w->tunnel, SLICE("ccm")));
    fake_loop_settle(w->loop);
    assert_int_equal(w->ups, 1);
    assert_string_equal(w->target, "/.cmg/hello");
    assert_string_equal(w->body, "{\"version\":1,\"gateway\":\"gw1\",\"generation\":\"" GENERATION
                                 "\",\"worker\":1,\"workers\":2}");
    assert_true(tunnel_reaches(w->tunnel, SLICE("ccm")) && tunnel_reaches(w->tunnel, SLICE("git")));
    assert_false(tunnel_reaches(w->tunnel, SLICE("apt")));
    assert_int_equal(tunnel_outstanding(w->tunnel), 0);
    fake_loop_pass(w->loop, 60000);
    assert_int_equal(w->downs, 0); /* pings are answered */
    world_free(w);
}

static void calls_go_through_and_are_counted(void **state)
{
    struct world *w = world_new(FIRST);
    struct call c = {0};
    (void)state;
    fake_loop_settle(w->loop);
    call(w, &c);
    assert_int_equal(tunnel_outstanding(w->tunnel), 1);
    assert_true(slice_eq(w->parked->request.authority, SLICE("git")));
    assert_true(slice_eq(w->parked->request.target, SLICE("/info/refs")));
    answer_parked(w);
    assert_true(c.ended);
    assert_int_equal(c.status, 200);
    assert_int_equal(tunnel_outstanding(w->tunnel), 0);
    world_free(w);
}

static void nothing_is_called_before_it_is_up(void **state)
{
    struct world *w = world_new(NULL);
    struct http_request r = {.method = SLICE("GET"), .authority = SLICE("git"), .target = SLICE("/")};
    struct http_call *ret;
    struct error err;
    (void)state;
    fake_loop_settle(w->loop);
    assert_int_equal(tunnel_call(w->tunnel, &r, &call_events, NULL, &ret, &err), R_AGAIN);
    world_free(w);
}

static void lines_may_come_in_any_pieces(void **state)
{
    struct world *w = world_new("");
    static const char text[] = FIRST "{\"endpoints\":[\"apt\"]}\n{\"endpoints\":[]}\n";
    (void)state;
    fake_loop_settle(w->loop);
    for (size_t i = 0; i + 1 < sizeof text; i++) {
        http_exchange_write(w->hello, slice_make(text + i, 1));
        fake_loop_settle(w->loop);
        if (w->updates == 1)
            assert_true(tunnel_reaches(w->tunnel, SLICE("apt")) && !tunnel_reaches(w->tunnel, SLICE("git")));
    }
    assert_int_equal(w->ups, 1);
    assert_int_equal(w->updates, 2);
    assert_false(tunnel_reaches(w->tunnel, SLICE("apt")));
    world_free(w);
}

static void who_announces_over_and_over_loses_its_tunnel(void **state)
{
    struct world *w = world_new(FIRST);
    (void)state;
    fake_loop_settle(w->loop);
    for (int i = 0; i < 1000 && w->tunnel && w->hello; i++) {
        http_exchange_write(w->hello, SLICE("{\"endpoints\":[]}\n"));
        fake_loop_settle(w->loop);
    }
    assert_int_equal(w->downs, 1);
    assert_int_equal(w->why.code, R_LIMIT);
    assert_true(w->updates < 100);
    world_free(w);
}

static void hellos_that_are_not_right_bring_it_down(void **state)
{
    static const struct {
        const char *answer, *type;
        int status;
        enum result why;
    } cases[] = {
        {"{\"version\":1,\"connector\":\"cp2\",\"endpoints\":[]}\n", "application/x-ndjson", 200, R_DENIED},
        {"{\"version\":3,\"connector\":\"cp1\",\"endpoints\":[]}\n", "application/x-ndjson", 200, R_INVALID},
        {"{\"version\":1,\"connector\":\"cp1\",\"endpoints\":[\"/\"]}\n", "application/x-ndjson", 200, R_INVALID},
        {"HTTP/1.1 200\n", "application/x-ndjson", 200, R_INVALID},
        {FIRST "{}\n", "application/x-ndjson", 200, R_INVALID},
        {FIRST, "text/html", 200, R_INVALID},
        {FIRST, "application/x-ndjson", 404, R_INVALID},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world *w = world_new(cases[i].answer);
        w->type = cases[i].type;
        w->status = cases[i].status;
        fake_loop_settle(w->loop);
        if (w->downs != 1 || w->why.code != cases[i].why)
            fail_msg("case %zu: %s", i, w->why.text);
        world_free(w);
    }
}

/* A connector that writes its frames itself: nothing stands behind w->connector. */
static struct world *world_with(struct raw *r)
{
    struct world *w = mem_zalloc(sizeof *w);
    struct net_stream *gateway, *connector;
    w->loop = loop_new();
    loopback_pair(w->loop, 0, 0, &gateway, &connector);
    raw_start(r, connector, false);
    w->tunnel = tunnel_accept(w->loop, gateway, "cp1", 1, &hello, &tunnel_events, w);
    fake_loop_settle(w->loop);
    return w;
}

/* Two ends at once: our own word for the line's text, and nghttp2's for a frame that it can't read. */
static void a_line_without_sense_and_a_frame_without_form_bring_it_down_once(void **state)
{
    const char *const head[] = {":status", "200", "content-type", "application/x-ndjson", NULL};
    static const char *const lines[] = {"{\"version\":1,\"connector\":\"cp2\",\"endpoints\":[]}\n", "{}\n",
                                        FIRST "{}\n"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct raw r = {0};
        struct world *w = world_with(&r);
        raw_together(&r, true);
        raw_headers(&r, 1, 0, head);
        raw_frame(&r, NGHTTP2_DATA, i % 2 ? NGHTTP2_FLAG_END_STREAM : 0, 1, slice_of(lines[i]));
        raw_frame(&r, NGHTTP2_PING, 0, 0, SLICE("1234567"));
        raw_together(&r, false);
        fake_loop_settle(w->loop);
        assert_int_equal(w->downs, 1);
        assert_true(w->why.code == R_INVALID || w->why.code == R_DENIED);
        assert_int_equal(r.frames[NGHTTP2_GOAWAY], 1);
        raw_stop(&r);
        world_free(w);
    }
}

static void an_endless_line_brings_it_down(void **state)
{
    struct world *w = world_new("");
    char piece[10000];
    (void)state;
    memset(piece, ' ', sizeof piece);
    fake_loop_settle(w->loop);
    for (int i = 0; i < 20 && w->hello; i++) {
        http_exchange_write(w->hello, slice_make(piece, sizeof piece));
        fake_loop_settle(w->loop);
    }
    assert_int_equal(w->downs, 1);
    assert_int_equal(w->why.code, R_LIMIT);
    world_free(w);
}

static void a_connector_that_does_not_answer_is_given_up_after_ten_seconds(void **state)
{
    struct world *w = world_new(NULL);
    (void)state;
    fake_loop_settle(w->loop);
    fake_loop_pass(w->loop, 9900);
    assert_int_equal(w->downs, 0);
    fake_loop_pass(w->loop, 200);
    assert_int_equal(w->downs, 1);
    assert_int_equal(w->why.code, R_TIMEOUT);
    world_free(w);
}

static void the_end_of_the_hello_is_the_end_of_the_tunnel(void **state)
{
    struct world *w = world_new(FIRST);
    struct call c = {0};
    (void)state;
    fake_loop_settle(w->loop);
    call(w, &c);
    http_exchange_finish(w->hello, NULL);
    w->hello = NULL;
    fake_loop_settle(w->loop);
    assert_int_equal(w->downs, 1);
    assert_true(c.failed && !c.why.unsent);
    world_free(w);
}

static void a_drained_tunnel_ends_after_its_last_call(void **state)
{
    struct world *w = world_new(FIRST);
    struct call c = {0};
    (void)state;
    fake_loop_settle(w->loop);
    call(w, &c);
    tunnel_drain(w->tunnel);
    fake_loop_settle(w->loop);
    assert_true(w->hello_aborted);
    assert_false(tunnel_reaches(w->tunnel, SLICE("git")));
    assert_int_equal(tunnel_outstanding(w->tunnel), 1);
    answer_parked(w);
    assert_true(c.ended);
    assert_int_equal(w->downs, 1);
    assert_int_equal(w->why.code, R_EOF);
    assert_null(w->connector);
    world_free(w);
}

static void a_connector_that_drains_has_its_calls_ended(void **state)
{
    struct world *w = world_new(FIRST);
    struct call c = {0};
    (void)state;
    fake_loop_settle(w->loop);
    call(w, &c);
    http_h2_drain(w->connector);
    http_exchange_finish(w->hello, NULL);
    w->hello = NULL;
    fake_loop_settle(w->loop);
    assert_int_equal(w->downs, 0);
    assert_false(tunnel_reaches(w->tunnel, SLICE("git")));
    answer_parked(w);
    fake_loop_pass(w->loop, 2000);
    assert_true(c.ended);
    assert_int_equal(w->downs, 1);
    world_free(w);
}

static void an_idle_tunnel_that_is_drained_is_down_at_once(void **state)
{
    struct world *w = world_new(FIRST);
    (void)state;
    fake_loop_settle(w->loop);
    tunnel_drain(w->tunnel);
    fake_loop_settle(w->loop);
    assert_int_equal(w->downs, 1);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_up_when_the_hello_was_answered),
        cmocka_unit_test(calls_go_through_and_are_counted),
        cmocka_unit_test(nothing_is_called_before_it_is_up),
        cmocka_unit_test(lines_may_come_in_any_pieces),
        cmocka_unit_test(who_announces_over_and_over_loses_its_tunnel),
        cmocka_unit_test(hellos_that_are_not_right_bring_it_down),
        cmocka_unit_test(a_line_without_sense_and_a_frame_without_form_bring_it_down_once),
        cmocka_unit_test(an_endless_line_brings_it_down),
        cmocka_unit_test(a_connector_that_does_not_answer_is_given_up_after_ten_seconds),
        cmocka_unit_test(the_end_of_the_hello_is_the_end_of_the_tunnel),
        cmocka_unit_test(a_drained_tunnel_ends_after_its_last_call),
        cmocka_unit_test(a_connector_that_drains_has_its_calls_ended),
        cmocka_unit_test(an_idle_tunnel_that_is_drained_is_down_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
