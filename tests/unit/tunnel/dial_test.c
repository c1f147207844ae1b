/* SPDX-License-Identifier: Apache-2.0 */
/* The connector's dialer against a gateway with several workers, over TLS on loopback with role certificates. */
#include "tunnel/dial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text/encode.h"
#include "net/tcp.h"
#include "site.h"
#include "tls/stream.h"
#include "tunnel/accept.h"

enum { WORKERS_MAX = 8, TUNNELS_MAX = 64, SOURCE = 3200 * 16 * 1024 };

/* --- a gateway: one listener, its tunnels given to workers like the real one does --- */

struct world;

struct slot {
    struct world *world;
    struct tunnel *tunnel; /* NULL: free */
    struct tls_handshake *tls;
    bool taken, up;
    uint32_t worker;
};

struct world {
    struct loop *loop;
    struct loop_timer *watch;
    bool (*until)(struct world *w);
    uint64_t until_ms;
    struct net_listener *listener;
    uint16_t port;
    struct tls_context *tls;
    char generation[GUID_SIZE];
    uint32_t workers, said_workers;
    bool clumsy;  /* gives the first tunnels all to worker 0 */
    bool refuses; /* drains every tunnel as soon as it is up */
    int accepted;
    struct slot slots[TUNNELS_MAX];
    /* the connector */
    struct tunnel_dialer *dialer;
    int ups, downs, requests, updates;
    char why[ERROR_TEXT_MAX];
    struct http_exchange *parked;
    int status;
    bool ended, failed;
};

static uint32_t tunnels_of(const struct world *w, uint32_t worker)
{
    uint32_t n = 0;
    for (size_t i = 0; i < TUNNELS_MAX; i++)
        n += w->slots[i].taken && w->slots[i].worker == worker;
    return n;
}

static uint32_t all_tunnels(const struct world *w)
{
    uint32_t n = 0;
    for (size_t i = 0; i < TUNNELS_MAX; i++)
        n += w->slots[i].taken;
    return n;
}

static uint32_t choose(const struct world *w)
{
    uint32_t best = 0;
    if (w->clumsy && w->accepted <= (int)w->workers)
        return 0;
    for (uint32_t i = 1; i < w->workers; i++)
        if (tunnels_of(w, i) < tunnels_of(w, best))
            best = i;
    return best;
}

static void t_up(void *owner, struct tunnel *t)
{
    struct slot *s = owner;
    s->up = true;
    if (s->world->refuses)
        tunnel_drain(t);
}

static void t_update(void *owner, struct tunnel *t)
{
    (void)t;
    ((struct slot *)owner)->world->updates++;
}

static void t_down(void *owner, struct tunnel *t, const struct error *why)
{
    struct slot *s = owner;
    (void)t, (void)why;
    *s = (struct slot){.world = s->world};
}

static const struct tunnel_events tunnel_events = {.on_up = t_up, .on_update = t_update, .on_down = t_down};

static struct tls_context *s_hello(void *ctx, const struct tls_hello *hello)
{
    return tls_hello_offers_only(hello, TUNNEL_ALPN) ? ((struct slot *)ctx)->world->tls : NULL;
}

static void s_detach(void *ctx, struct net_stream *below, struct slice already_read)
{
    (void)ctx, (void)already_read;
    net_stream_close(below);
    fail_msg("no tunnel was asked for");
}

static void s_ready(void *ctx, struct net_stream *stream)
{
    struct slot *s = ctx;
    struct world *w = s->world;
    const struct tunnel_hello hello = {"gw1", w->generation, s->worker, w->said_workers ? w->said_workers : w->workers};
    s->tls = NULL;
    s->tunnel = tunnel_accept(w->loop, stream, "cp1", 1, &hello, &tunnel_events, s);
}

static void s_fail(void *ctx, const struct error *why)
{
    struct slot *s = ctx;
    (void)why;
    *s = (struct slot){.world = s->world};
}

static const struct tls_accept_events accept_events = {
    .on_hello = s_hello, .on_detach = s_detach, .on_ready = s_ready, .on_fail = s_fail};

static void on_accept(void *ctx, struct net_stream *stream, const struct net_address *peer)
{
    struct world *w = ctx;
    (void)peer;
    for (size_t i = 0; i < TUNNELS_MAX; i++) {
        struct slot *s = &w->slots[i];
        if (s->taken)
            continue;
        w->accepted++;
        *s = (struct slot){.world = w, .worker = choose(w)};
        s->taken = true;
        s->tls = tls_accept(w->loop, stream, 5000, &accept_events, s);
        return;
    }
    fail_msg("the dialer dials without end");
}

static void gateway_start(struct world *w, uint32_t workers)
{
    struct net_address at;
    struct error err = {0};
    char text[32];
    w->workers = workers;
    w->accepted = 0;
    guid_new(w->generation);
    (void)snprintf(text, sizeof text, "127.0.0.1:%u", w->port);
    assert_int_equal(net_address_parse(slice_of(text), &at, &err), OK);
    if (net_listen_tcp(w->loop, &at, false, on_accept, w, &w->listener, &err) != OK)
        fail_msg("%s", err.text);
    net_listener_address(w->listener, &at);
    w->port = net_address_port(&at);
}

static void gateway_stop(struct world *w)
{
    net_listener_close(w->listener);
    w->listener = NULL;
    for (size_t i = 0; i < TUNNELS_MAX; i++) {
        struct slot *s = &w->slots[i];
        if (s->tunnel) {
            tunnel_close(s->tunnel);
        } else if (s->tls) {
            tls_handshake_cancel(s->tls);
            *s = (struct slot){.world = w};
        }
    }
}

/* --- the connector --- */

static void x_abort(void *ctx, const struct error *why)
{
    (void)why;
    ((struct world *)ctx)->parked = NULL;
}

static const struct http_exchange_events parked_events = {.on_abort = x_abort};

/* "/bytes": 50 MB, written as fast as they go on. */
struct source {
    struct http_exchange *x;
    size_t left, unreported;
};

static void source_more(struct source *s)
{
    static const char piece[16 * 1024];
    while (s->left && s->unreported + sizeof piece <= HTTP_WRITE_AHEAD) {
        http_exchange_write(s->x, slice_make(piece, sizeof piece));
        s->unreported += sizeof piece;
        s->left -= sizeof piece;
    }
    if (s->left)
        return;
    http_exchange_finish(s->x, NULL);
    free(s);
}

static void source_sent(void *ctx, size_t n)
{
    struct source *s = ctx;
    s->unreported -= n;
    source_more(s);
}

static void source_abort(void *ctx, const struct error *why)
{
    (void)why;
    free(ctx);
}

static const struct http_exchange_events source_events = {.on_sent = source_sent, .on_abort = source_abort};

static void source_start(struct http_exchange *x)
{
    struct http_response head = {.status = 200, .content_length = SOURCE};
    struct source *s = mem_zalloc(sizeof *s);
    *s = (struct source){.x = x, .left = SOURCE};
    x->events = &source_events;
    x->ctx = s;
    http_exchange_respond(x, &head, false);
    source_more(s);
}

static void on_request(void *owner, struct http_exchange *x)
{
    struct world *w = owner;
    w->requests++;
    assert_ptr_equal(x->owner, w);
    if (slice_eq(x->request.target, SLICE("/bytes"))) {
        source_start(x);
        return;
    }
    if (!slice_eq(x->request.target, SLICE("/park"))) {
        http_exchange_reply(x, 200, "text/plain", x->request.target, NULL);
        return;
    }
    w->parked = x;
    x->events = &parked_events;
    x->ctx = w;
}

static void on_tunnel(void *owner, const char *gateway_id, uint32_t worker, uint32_t workers, bool up,
                      const struct error *why)
{
    struct world *w = owner;
    if (up) {
        assert_string_equal(gateway_id, "gw1");
        assert_true(worker < workers);
        w->ups++;
    } else {
        w->downs++;
        memcpy(w->why, why->text, sizeof w->why);
    }
}

static const struct tunnel_dialer_events dialer_events = {.on_request = on_request, .on_tunnel = on_tunnel};

static void connector_start(struct world *w)
{
    static const char *const endpoints[] = {"git", "ccm"};
    struct tunnel_dialer_options o = {.host = "127.0.0.1",
                                      .port = w->port,
                                      .tls = site_connector_tls,
                                      .connector_id = "cp1",
                                      .max_tunnels = WORKERS_MAX};
    w->dialer = tunnel_dialer_new(w->loop, &o, endpoints, 2, &dialer_events, w);
}

/* --- both --- */

static void watch(void *arg)
{
    struct world *w = arg;
    if (loop_now_ms(w->loop) >= w->until_ms || w->until(w))
        loop_stop(w->loop);
}

static bool run(struct world *w, bool (*until)(struct world *w), uint64_t ms)
{
    w->until = until;
    w->until_ms = loop_now_ms(w->loop) + ms;
    loop_timer_start(w->watch, 1, 1);
    loop_run(w->loop);
    loop_timer_stop(w->watch);
    return until(w);
}

static bool never(struct world *w)
{
    (void)w;
    return false;
}

static void pass(struct world *w, uint64_t ms)
{
    (void)run(w, never, ms);
}

static struct world *world_new(uint32_t workers)
{
    struct world *w = mem_zalloc(sizeof *w);
    w->loop = loop_new();
    w->watch = loop_timer_new(w->loop, watch, w);
    w->tls = site_gateway_tls;
    gateway_start(w, workers);
    return w;
}

static void world_free(struct world *w)
{
    tunnel_dialer_free(w->dialer);
    gateway_stop(w);
    pass(w, 50);
    assert_int_equal(all_tunnels(w), 0);
    loop_timer_free(w->watch);
    loop_free(w->loop);
    free(w);
}

static bool all_covered(struct world *w)
{
    if (tunnel_dialer_up(w->dialer) != w->workers)
        return false;
    for (uint32_t i = 0; i < w->workers; i++)
        if (tunnels_of(w, i) == 0)
            return false;
    for (size_t i = 0; i < TUNNELS_MAX; i++)
        if (w->slots[i].taken && !w->slots[i].up)
            return false;
    return true;
}

static bool one_each(struct world *w)
{
    return all_covered(w) && all_tunnels(w) == w->workers;
}

static bool none_left(struct world *w)
{
    return all_tunnels(w) == 0;
}

static struct tunnel *tunnel_to(struct world *w, uint32_t worker)
{
    for (size_t i = 0; i < TUNNELS_MAX; i++)
        if (w->slots[i].up && w->slots[i].worker == worker)
            return w->slots[i].tunnel;
    fail_msg("worker %u has no tunnel", worker);
    return NULL;
}

static void c_response(void *ctx, const struct http_response *head)
{
    ((struct world *)ctx)->status = head->status;
}

static void c_end(void *ctx, const struct http_fields *trailers)
{
    (void)trailers;
    ((struct world *)ctx)->ended = true;
}

static void c_fail(void *ctx, const struct http_failure *why)
{
    (void)why;
    ((struct world *)ctx)->failed = true;
}

static const struct http_call_events call_events = {.on_response = c_response, .on_end = c_end, .on_fail = c_fail};

static bool call_over(struct world *w)
{
    return w->ended || w->failed;
}

static bool is_parked(struct world *w)
{
    return w->parked != NULL;
}

static void call(struct world *w, uint32_t worker, const char *target)
{
    struct http_request r = {
        .method = SLICE("GET"), .authority = SLICE("git"), .target = slice_of(target), .content_length = -1};
    struct http_call *c;
    struct error err;
    w->status = 0;
    w->ended = w->failed = false;
    assert_int_equal(tunnel_call(tunnel_to(w, worker), &r, &call_events, w, &c, &err), OK);
}

/* --- tests --- */

static void every_worker_gets_a_tunnel_and_carries_requests(void **state)
{
    struct world *w = world_new(4);
    (void)state;
    connector_start(w);
    assert_true(run(w, one_each, 5000));
    assert_int_equal(w->accepted, 4);
    assert_int_equal(w->ups, 4);
    for (uint32_t i = 0; i < 4; i++) {
        call(w, i, "/hello");
        assert_true(run(w, call_over, 2000));
        assert_int_equal(w->status, 200);
    }
    assert_int_equal(w->requests, 4);
    world_free(w);
}

static void tunnels_that_come_twice_are_kept_until_all_are_covered(void **state)
{
    struct world *w = world_new(4);
    (void)state;
    w->clumsy = true;
    connector_start(w);
    assert_true(run(w, one_each, 5000));
    assert_true(w->accepted > 4 && w->accepted <= 16);
    pass(w, 300);
    assert_true(one_each(w)); /* and it stays so */
    world_free(w);
}

static void the_tunnels_own_paths_are_not_requests(void **state)
{
    struct world *w = world_new(1);
    (void)state;
    connector_start(w);
    assert_true(run(w, one_each, 5000));
    static const char *const own[] = {"/.cmg/hello", "/.cmg/bundle", "/.cmg/"};
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        call(w, 0, own[i]);
        assert_true(run(w, call_over, 2000));
        assert_int_equal(w->status, 404);
    }
    assert_int_equal(w->requests, 0);
    world_free(w);
}

static bool updated(struct world *w)
{
    return w->updates == (int)w->workers;
}

static void another_set_of_endpoints_reaches_every_worker(void **state)
{
    static const char *const set[] = {"apt"};
    struct world *w = world_new(3);
    (void)state;
    connector_start(w);
    assert_true(run(w, one_each, 5000));
    assert_true(tunnel_reaches(tunnel_to(w, 2), SLICE("git")));
    tunnel_dialer_set_endpoints(w->dialer, set, 1);
    assert_true(run(w, updated, 2000));
    for (uint32_t i = 0; i < 3; i++)
        assert_true(tunnel_reaches(tunnel_to(w, i), SLICE("apt")) && !tunnel_reaches(tunnel_to(w, i), SLICE("git")));
    world_free(w);
}

/* Gateways end a tunnel whose lines come without end: an administrator's script is none. */
static void sets_that_change_over_and_over_are_told_seldom_and_the_last_one_is(void **state)
{
    static const char *const sets[] = {"apt", "git"};
    struct world *w = world_new(1);
    (void)state;
    connector_start(w);
    assert_true(run(w, one_each, 5000));
    pass(w, 600);
    for (int i = 0; i < 200; i++)
        tunnel_dialer_set_endpoints(w->dialer, &sets[i % 2], 1);
    pass(w, 2200);
    assert_in_range(w->updates, 1, 20);
    assert_true(tunnel_reaches(tunnel_to(w, 0), SLICE("git")) && !tunnel_reaches(tunnel_to(w, 0), SLICE("apt")));
    int told = w->updates;
    tunnel_dialer_set_endpoints(w->dialer, &sets[1], 1); /* what they know already */
    pass(w, 600);
    assert_int_equal(w->updates, told);
    world_free(w);
}

static void a_gateway_that_restarts_has_its_tunnels_within_five_seconds(void **state)
{
    struct world *w = world_new(4);
    (void)state;
    connector_start(w);
    assert_true(run(w, one_each, 5000));
    gateway_stop(w);
    pass(w, 6000); /* long enough for the back-off to reach its maximum */
    assert_int_equal(tunnel_dialer_up(w->dialer), 0);
    gateway_start(w, 3);
    uint64_t start = loop_now_ms(w->loop);
    assert_true(run(w, one_each, 5000));
    assert_true(loop_now_ms(w->loop) - start < 5000);
    world_free(w);
}

static void a_drained_tunnel_is_replaced_while_its_requests_end(void **state)
{
    struct world *w = world_new(2);
    (void)state;
    connector_start(w);
    assert_true(run(w, one_each, 5000));
    pass(w, 600);
    call(w, 1, "/park");
    assert_true(run(w, is_parked, 2000));
    struct tunnel *old = tunnel_to(w, 1);
    for (size_t i = 0; i < TUNNELS_MAX; i++)
        if (w->slots[i].tunnel == old)
            w->slots[i].worker = UINT32_MAX; /* no longer one of the worker's */
    tunnel_drain(old);
    assert_true(run(w, all_covered, 1000));
    assert_int_equal(all_tunnels(w), 3);
    assert_false(call_over(w));
    http_exchange_reply(w->parked, 200, NULL, SLICE("late"), NULL);
    w->parked = NULL;
    assert_true(run(w, call_over, 2000));
    assert_int_equal(w->status, 200);
    assert_true(w->ended);
    assert_true(run(w, one_each, 2000));
    world_free(w);
}

static void a_drained_dialer_ends_its_requests_and_dials_no_more(void **state)
{
    struct world *w = world_new(2);
    (void)state;
    connector_start(w);
    assert_true(run(w, one_each, 5000));
    call(w, 0, "/park");
    assert_true(run(w, is_parked, 2000));
    int accepted = w->accepted;
    tunnel_dialer_drain(w->dialer);
    pass(w, 300);
    assert_int_equal(all_tunnels(w), 1);
    http_exchange_reply(w->parked, 200, NULL, SLICE("late"), NULL);
    w->parked = NULL;
    assert_true(run(w, none_left, 3000));
    assert_true(w->ended);
    pass(w, 500);
    assert_int_equal(w->accepted, accepted);
    world_free(w);
}

static bool was_down(struct world *w)
{
    return w->downs > 0;
}

static void a_gateway_without_a_gateways_certificate_is_refused(void **state)
{
    struct world *w = world_new(1);
    (void)state;
    w->tls = site_impostor_tls;
    connector_start(w);
    assert_true(run(w, was_down, 5000));
    assert_int_equal(w->ups, 0);
    assert_true(w->why[0] != 0);
    world_free(w);
}

static void a_gateway_with_too_many_workers_is_not_believed(void **state)
{
    struct world *w = world_new(1);
    (void)state;
    w->said_workers = 1000;
    connector_start(w);
    assert_true(run(w, was_down, 5000));
    assert_non_null(strstr(w->why, "1000 workers"));
    pass(w, 1000);
    assert_true(w->accepted < 20);
    world_free(w);
}

static void a_gateway_that_drains_everything_is_not_dialled_in_a_rush(void **state)
{
    struct world *w = world_new(2);
    (void)state;
    w->refuses = true;
    connector_start(w);
    pass(w, 3000);
    assert_true(w->accepted >= 2 && w->accepted < 60);
    world_free(w);
}

static void nobody_there_is_asked_with_back_off(void **state)
{
    struct world *w = world_new(1);
    (void)state;
    net_listener_close(w->listener);
    w->listener = NULL;
    connector_start(w);
    pass(w, 3000);
    assert_true(w->downs >= 2 && w->downs <= 20);
    world_free(w);
}

struct sink {
    struct http_call *call;
    size_t received;
    bool stalls, ended;
};

static void sink_body(void *ctx, struct slice data)
{
    struct sink *s = ctx;
    s->received += data.len;
    if (!s->stalls)
        http_call_consumed(s->call, data.len);
}

static void sink_end(void *ctx, const struct http_fields *trailers)
{
    (void)trailers;
    ((struct sink *)ctx)->ended = true;
}

static const struct http_call_events sink_events = {.on_body = sink_body, .on_end = sink_end};

static struct sink sinks[8];

static bool sinks_ended(struct world *w)
{
    (void)w;
    for (size_t i = 1; i < ARRAY_LEN(sinks); i++)
        if (!sinks[i].ended)
            return false;
    return true;
}

/* The first reader never reads; the others get 50 MB each through the same tunnel. */
static void bulk_passes_a_stalled_reader(void **state)
{
    struct world *w = world_new(1);
    struct http_request r = {
        .method = SLICE("GET"), .authority = SLICE("git"), .target = SLICE("/bytes"), .content_length = -1};
    struct error err;
    (void)state;
    connector_start(w);
    assert_true(run(w, one_each, 5000));
    for (size_t i = 0; i < ARRAY_LEN(sinks); i++) {
        sinks[i] = (struct sink){.stalls = i == 0};
        assert_int_equal(tunnel_call(tunnel_to(w, 0), &r, &sink_events, &sinks[i], &sinks[i].call, &err), OK);
    }
    assert_true(run(w, sinks_ended, 60000));
    for (size_t i = 1; i < ARRAY_LEN(sinks); i++)
        assert_int_equal(sinks[i].received, SOURCE);
    assert_int_equal(sinks[0].received, 64 * 1024);
    world_free(w);
}

static void a_freed_dialer_has_aborted_its_requests(void **state)
{
    struct world *w = world_new(1);
    (void)state;
    connector_start(w);
    assert_true(run(w, one_each, 5000));
    call(w, 0, "/park");
    assert_true(run(w, is_parked, 2000));
    tunnel_dialer_free(w->dialer);
    w->dialer = NULL;
    assert_null(w->parked);
    assert_true(run(w, call_over, 2000));
    assert_true(w->failed);
    world_free(w);
}

static void a_dialer_may_be_freed_at_any_moment(void **state)
{
    (void)state;
    for (uint64_t ms = 0; ms < 30; ms += 2) {
        struct world *w = world_new(3);
        connector_start(w);
        pass(w, ms);
        tunnel_dialer_free(w->dialer);
        w->dialer = NULL;
        pass(w, 20);
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_worker_gets_a_tunnel_and_carries_requests),
        cmocka_unit_test(tunnels_that_come_twice_are_kept_until_all_are_covered),
        cmocka_unit_test(the_tunnels_own_paths_are_not_requests),
        cmocka_unit_test(another_set_of_endpoints_reaches_every_worker),
        cmocka_unit_test(sets_that_change_over_and_over_are_told_seldom_and_the_last_one_is),
        cmocka_unit_test(a_gateway_that_restarts_has_its_tunnels_within_five_seconds),
        cmocka_unit_test(a_drained_tunnel_is_replaced_while_its_requests_end),
        cmocka_unit_test(a_drained_dialer_ends_its_requests_and_dials_no_more),
        cmocka_unit_test(a_gateway_without_a_gateways_certificate_is_refused),
        cmocka_unit_test(a_gateway_with_too_many_workers_is_not_believed),
        cmocka_unit_test(a_gateway_that_drains_everything_is_not_dialled_in_a_rush),
        cmocka_unit_test(nobody_there_is_asked_with_back_off),
        cmocka_unit_test(bulk_passes_a_stalled_reader),
        cmocka_unit_test(a_freed_dialer_has_aborted_its_requests),
        cmocka_unit_test(a_dialer_may_be_freed_at_any_moment),
    };
    return cmocka_run_group_tests(tests, site_make, site_drop);
}
