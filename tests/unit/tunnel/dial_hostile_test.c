/* SPDX-License-Identifier: Apache-2.0 */
/* The connector's dialer against a gateway that breaks the rules, in memory and with a clock that the test turns. */
#include "tunnel/dial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../http/fake_loop.h"
#include "../http/h2_raw.h"
#include "base/mem.h"
#include "fake_dial.h"

#define HELLO(worker, workers)                                                                                         \
    "{\"version\":1,\"gateway\":\"gw1\",\"generation\":\"0f1e2d3c-4b5a-4697-8877-665544332211\",\"worker\":" worker    \
    ",\"workers\":" workers "}"

enum { DIALS_MAX = 8 };

struct world {
    struct loop *loop;
    struct tunnel_dialer *dialer;
    struct raw gateways[DIALS_MAX];
    size_t dialled;
    int ups, downs, requests;
    struct error why;
};

static void on_dial(void *ctx, struct net_stream *gateway)
{
    struct world *w = ctx;
    assert_true(w->dialled < DIALS_MAX);
    raw_start(&w->gateways[w->dialled++], gateway, true);
}

static void on_request(void *owner, struct http_exchange *x)
{
    ((struct world *)owner)->requests++;
    http_exchange_reply(x, 404, NULL, SLICE_NONE, NULL);
}

static void on_tunnel(void *owner, const char *gateway_id, uint32_t worker, uint32_t workers, bool up,
                      const struct error *why)
{
    struct world *w = owner;
    (void)gateway_id, (void)worker, (void)workers;
    w->ups += up;
    w->downs += !up;
    if (!up)
        w->why = *why;
}

static const struct tunnel_dialer_events events = {.on_request = on_request, .on_tunnel = on_tunnel};

static struct world *world_new(void)
{
    static const char *const ids[] = {"git"};
    static const struct tunnel_dialer_options o = {
        .host = "gateway.example", .port = 443, .connector_id = "cp1", .max_tunnels = 64};
    struct world *w = mem_zalloc(sizeof *w);
    w->loop = loop_new();
    fake_dial = (struct fake_dial){.on_dial = on_dial, .ctx = w};
    w->dialer = tunnel_dialer_new(w->loop, &o, ids, 1, &events, w);
    fake_loop_settle(w->loop);
    assert_int_equal(w->dialled, 1);
    return w;
}

static void world_free(struct world *w)
{
    tunnel_dialer_free(w->dialer);
    fake_loop_settle(w->loop);
    for (size_t i = 0; i < w->dialled; i++)
        raw_stop(&w->gateways[i]);
    fake_loop_settle(w->loop);
    loop_free(w->loop);
    free(w);
}

static void say_hello(struct raw *r, const char *text, struct slice ping)
{
    const char *const head[] = {":method", "POST",  ":scheme",     "https", ":authority",
                                "cp1",     ":path", "/.cmg/hello", NULL};
    raw_together(r, true);
    raw_headers(r, 1, 0, head);
    raw_frame(r, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, slice_of(text));
    raw_frame(r, NGHTTP2_PING, 0, 0, ping);
    raw_together(r, false);
}

static void a_hello_that_is_right_brings_the_tunnel_up(void **state)
{
    struct world *w = world_new();
    (void)state;
    say_hello(&w->gateways[0], HELLO("0", "1"), SLICE("12345678"));
    fake_loop_settle(w->loop);
    assert_int_equal(w->ups, 1);
    assert_int_equal(tunnel_dialer_up(w->dialer), 1);
    assert_int_equal(w->gateways[0].status, 200);
    world_free(w);
}

/* Two ends at once: our own word for the hello's text, and nghttp2's for a frame that it can't read. */
static void a_hello_without_sense_and_a_frame_without_form_end_one_tunnel_once(void **state)
{
    static const char *const hellos[] = {HELLO("0", "70000"), HELLO("0", "65"), HELLO("3", "2"), "{\"version\":1,"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hellos); i++) {
        struct world *w = world_new();
        struct raw *first = &w->gateways[0];
        say_hello(first, hellos[i], SLICE("1234567"));
        fake_loop_settle(w->loop);
        assert_int_equal(w->downs, 1);
        assert_true(w->why.code == R_INVALID || w->why.code == R_LIMIT);
        assert_int_equal(first->frames[NGHTTP2_GOAWAY], 1);
        assert_true(first->ended);
        fake_loop_pass(w->loop, 1000); /* and it is dialled anew, with back-off */
        assert_int_equal(w->dialled, 2);
        assert_int_equal(w->downs, 1);
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_that_is_right_brings_the_tunnel_up),
        cmocka_unit_test(a_hello_without_sense_and_a_frame_without_form_end_one_tunnel_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
