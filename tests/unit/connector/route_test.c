/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway reaches the endpoints of this connector's document by plain paths, the site by the questions that it may
 * ask under its own name, and nothing else. */
#include "kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "connector/route.h"
#include "connector/site/relay_source.h"
#include "source/http.h"
#include "tunnel/device.h"

struct fixture {
    struct connector_config config;
    struct connector_document document;
    struct site_known known;
    struct upstreams upstreams;
    struct upstream *site;
    struct route route;
    struct kit_exchange *e;
};

static struct fixture *fix;

/* Stands in for the link to the site. */
struct upstream *site_link_upstream(struct site_link *s)
{
    (void)s;
    return fix->site;
}

static void on_news(void *ctx)
{
    (void)ctx;
}

static const struct connector_endpoint endpoints[] = {
    {.id = "e1", .host = "one.example", .port = 80, .base_path = "/base", .authority = ""},
    {.id = "e2", .host = "two.example", .port = 8080, .base_path = "", .authority = "", .keep_host = true},
};

static int setup(void **state)
{
    struct error err = {.text = ""};
    fix = mem_zalloc(sizeof *fix);
    fix->document = (struct connector_document){.endpoints = endpoints, .endpoint_count = ARRAY_LEN(endpoints)};
    fix->known = (struct site_known){.config = &fix->config, .document = &fix->document, .on_news = on_news};
    upstreams_replace(&fix->upstreams, NULL, &fix->config, NULL, &fix->document);
    struct upstream_options o = {.config = &fix->config,
                                 .id = SITE_ENDPOINT,
                                 .scheme = "http",
                                 .host = "mp.example",
                                 .port = 80,
                                 .base_path = "/.cmg"};
    if (upstream_new(NULL, &o, &fix->site, &err) != OK)
        fail_msg("%s", err.text);
    fix->route = (struct route){.known = &fix->known, .upstreams = &fix->upstreams};
    fix->route.senders = (struct http_splice_senders){crowd_new(NULL, 0), crowd_new(NULL, 0)};
    fix->route.gateways =
        (struct http_splice_senders){crowd_new(route_site_rates, ROUTE_SITE_RATES), crowd_new(NULL, 0)};
    *state = fix;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (fix->e)
        kit_exchange_free(fix->e);
    upstreams_free(&fix->upstreams);
    upstream_unref(fix->site);
    crowd_free(fix->route.senders.bodies);
    crowd_free(fix->route.senders.heads);
    crowd_free(fix->route.gateways.bodies);
    crowd_free(fix->route.gateways.heads);
    free(fix);
    kit_servers_reset();
    return 0;
}

static struct kit_exchange *ask_as(const char *method, const char *endpoint, const char *target)
{
    if (fix->e)
        kit_exchange_free(fix->e);
    fix->e = kit_exchange_new(endpoint, target);
    fix->e->x.request.method = slice_of(method);
    route_request(&fix->route, "gw1", &fix->e->x);
    return fix->e;
}

static struct kit_exchange *ask(const char *endpoint, const char *target)
{
    return ask_as("GET", endpoint, target);
}

static void an_endpoint_leads_to_its_own_server_below_its_base(void **state UNUSED)
{
    (void)ask("e1", "/a?b=/../c");
    assert_string_equal(kit_last_call()->host, "one.example");
    assert_string_equal(kit_last_call()->target, "/base/a?b=/../c");
    assert_string_equal(kit_last_call()->authority, "one.example");
    kit_answer(kit_last_call(), 200, "", "");
}

static void a_server_may_be_told_the_name_that_the_client_asked_for(void **state UNUSED)
{
    struct kit_exchange *e = kit_exchange_new("e2", "/a");
    assert_int_equal(http_fields_add(&e->x.request.fields, e->x.arena, SLICE("cmg-host"), SLICE("gw.example")), OK);
    route_request(&fix->route, "gw1", &e->x);
    assert_string_equal(kit_last_call()->authority, "gw.example");
    kit_answer(kit_last_call(), 200, "", "");
    kit_exchange_free(e);

    (void)ask("e2", "/a"); /* it named none */
    assert_string_equal(kit_last_call()->authority, "two.example:8080");
    kit_answer(kit_last_call(), 200, "", "");
}

static void who_asks_is_told_in_the_server_s_form(void **state UNUSED)
{
    (void)ask("e1", "/");
    assert_non_null(strstr(kit_last_call()->fields, "cmg-client-id: d1\n"));
    assert_string_equal(kit_last_call()->whom, "d1");
    assert_null(strstr(kit_last_call()->fields, "cmg-device"));
    kit_answer(kit_last_call(), 200, "", "");
}

static void what_the_document_does_not_name_is_not_reached(void **state UNUSED)
{
    static const char *const ids[] = {"e3", "E1", "", "e1 ", "one.example", "site2"};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        kit_assert_refused(ask(ids[i], "/"), REASON_UNKNOWN_ENDPOINT, NULL);
    assert_int_equal(kit_servers.count, 0);
}

static void a_path_that_leads_out_of_the_published_one_is_refused(void **state UNUSED)
{
    static const char *const targets[] = {"/../x", "/a/%2e%2e/x", "/./x", "/%2E/x", "/a\\b", "/a#b", "x"};
    for (size_t i = 0; i < ARRAY_LEN(targets); i++)
        kit_assert_refused(ask("e1", targets[i]), REASON_BAD_REQUEST, "path");
    assert_int_equal(kit_servers.count, 0);
}

static void a_request_of_nobody_is_refused(void **state UNUSED)
{
    struct kit_exchange *e = kit_exchange_new("e1", "/");
    (void)http_fields_remove(&e->x.request.fields, SLICE("cmg-device"));
    route_request(&fix->route, "gw1", &e->x);
    kit_assert_refused(e, REASON_BAD_REQUEST, "who asks");
    kit_exchange_free(e);
}

/* It names as many devices as it likes. */
static void a_gateway_takes_a_server_s_connections_from_no_other_one(void **state UNUSED)
{
    static const char *const asking[] = {"gw1", "gw2", "gw1", "gw2"};
    const struct http_pool *pools[ARRAY_LEN(asking)];
    for (size_t i = 0; i < ARRAY_LEN(asking); i++) {
        struct kit_exchange *e = kit_exchange_new("e1", "/");
        route_request(&fix->route, asking[i], &e->x);
        pools[i] = kit_last_call()->pool;
        kit_answer(kit_last_call(), 200, "", "");
        kit_exchange_free(e);
    }
    assert_ptr_not_equal(pools[0], pools[1]);
    assert_ptr_equal(pools[0], pools[2]);
    assert_ptr_equal(pools[1], pools[3]);
}

/* Whom one address of the fleet takes the shares from is none of the others. */
static void who_comes_by_a_bulk_token_takes_the_shares_of_its_address(void **state UNUSED)
{
    static const struct {
        const char *id, *peer, *whom;
    } cases[] = {{"bulk:t1", "192.0.2.7", "bulk:t1 192.0.2.7"},
                 {"bulk:t1", "2001:db8::7", "bulk:t1 2001:db8::/64"},
                 {"d1", "192.0.2.7", "d1"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct kit_exchange *e = kit_exchange_new("e1", "/");
        const struct tunnel_device d = {slice_of(cases[i].id), SLICE("token"), slice_of(cases[i].peer), SLICE_NONE};
        struct http_fields *f = &e->x.request.fields;
        (void)http_fields_remove(f, SLICE("cmg-device"));
        assert_int_equal(http_fields_add(f, e->x.arena, SLICE("cmg-device"), tunnel_device_write(&d, e->x.arena)), OK);
        route_request(&fix->route, "gw1", &e->x);
        assert_string_equal(kit_last_call()->whom, cases[i].whom);
        kit_answer(kit_last_call(), 200, "", "");
        kit_exchange_free(e);
    }
}

/* --- the site --- */

static void assert_site_asked(const char *method, const char *target, const char *wanted)
{
    (void)ask_as(method, SITE_ENDPOINT, target);
    assert_string_equal(kit_last_call()->host, "mp.example");
    assert_string_equal(kit_last_call()->target, wanted);
    kit_answer(kit_last_call(), 204, "", "");
}

static void a_gateway_asks_the_site_under_its_own_name(void **state UNUSED)
{
    assert_site_asked("GET", "/bundle?after=7", "/.cmg/bundle?after=7");
    assert_site_asked("GET", "/questions?after=7", "/.cmg/questions/gw1?after=7");
    assert_site_asked("POST", "/report", "/.cmg/report/gw1");
    assert_site_asked("POST", "/renew", "/.cmg/renew/gw1");
}

static void the_site_answers_no_other_question(void **state UNUSED)
{
    kit_assert_refused(ask(SITE_ENDPOINT, "/connector"), REASON_UNKNOWN_ENDPOINT, NULL);
    kit_assert_refused(ask(SITE_ENDPOINT, "/report/gw2"), REASON_UNKNOWN_ENDPOINT, NULL);
    kit_assert_refused(ask_as("POST", SITE_ENDPOINT, "/bundle"), REASON_UNKNOWN_ENDPOINT, NULL);
    assert_int_equal(kit_servers.count, 0);
}

static void what_a_gateway_asks_of_the_site_is_counted_as_its_own_whatever_it_says(void **state UNUSED)
{
    struct kit_exchange *e = kit_exchange_new(SITE_ENDPOINT, "/bundle?after=7");
    struct http_fields *f = &e->x.request.fields;
    e->x.request.method = SLICE("GET");
    assert_int_equal(http_fields_add(f, e->x.arena, SLICE("cmg-client-id"), SLICE("another")), OK);
    assert_int_equal(http_fields_add(f, e->x.arena, SLICE("cmg-auth-method"), SLICE("token")), OK);
    route_request(&fix->route, "gw1", &e->x);
    assert_string_equal(kit_last_call()->whom, "gateway gw1");
    assert_null(strstr(kit_last_call()->fields, "another"));
    assert_null(strstr(kit_last_call()->fields, "cmg-auth-method"));
    kit_answer(kit_last_call(), 204, "", "");
    kit_exchange_free(e);
}

static void forget_calls(void)
{
    memset(kit_servers.calls, 0, sizeof kit_servers.calls);
    kit_servers.count = 0;
}

static void a_gateway_that_floods_the_site_is_refused_and_another_one_is_not(void **state UNUSED)
{
    enum { UNDER_WAY = 16, ASKED = 1000 };
    struct kit_exchange *held[UNDER_WAY];
    for (size_t i = 0; i < UNDER_WAY; i++) {
        held[i] = kit_exchange_new(SITE_ENDPOINT, "/report");
        held[i]->x.request.method = SLICE("POST");
        route_request(&fix->route, "gw1", &held[i]->x);
    }
    kit_assert_refused(ask_as("POST", SITE_ENDPOINT, "/report"), REASON_TOO_MANY_REQUESTS, "too much");
    for (size_t i = 0; i < UNDER_WAY; i++) {
        kit_answer(&kit_servers.calls[i], 204, "", "");
        kit_exchange_free(held[i]);
    }

    size_t refused = 0;
    for (size_t i = 0; i < ASKED; i++) {
        forget_calls();
        refused += ask_as("POST", SITE_ENDPOINT, "/report")->status == 429;
        if (kit_servers.count)
            kit_answer(kit_last_call(), 204, "", "");
    }
    assert_true(refused > 0);
    struct kit_exchange *other = kit_exchange_new(SITE_ENDPOINT, "/bundle");
    other->x.request.method = SLICE("GET");
    forget_calls();
    route_request(&fix->route, "gw2", &other->x);
    assert_int_equal(kit_servers.count, 1);
    kit_answer(kit_last_call(), 204, "", "");
    kit_exchange_free(other);
}

static void a_source_that_the_document_does_not_name_is_not_fetched(void **state UNUSED)
{
    struct kit_exchange *e = ask("source", "/crl-1");
    assert_int_equal(e->status, verdict_refusal_info(verdict_reason_info(REASON_UNKNOWN_ENDPOINT)->refusal)->status);
    assert_int_equal(kit_servers.count, 0);
}

/* --- answers that a gateway does not take --- */

static void look(void *arg)
{
    struct kit_exchange *e = arg;
    if (e->status)
        loop_stop(fix->known.loop);
}

/* It waits for the thread that reads it. */
static struct kit_exchange *fetch_as(const char *gateway)
{
    struct kit_exchange *e = kit_exchange_new(SOURCE_ENDPOINT, "/big");
    e->x.request.method = SLICE("GET");
    route_request(&fix->route, gateway, &e->x);
    kit_exchange_end(e);
    struct loop_timer *timer = loop_timer_new(fix->known.loop, look, e);
    loop_timer_start(timer, 1, 1);
    loop_run(fix->known.loop);
    loop_timer_free(timer);
    return e;
}

static void a_gateway_that_takes_no_lists_fills_no_memory_and_keeps_no_other_one_from_them(void **state UNUSED)
{
    enum { TAKEN = 2, ASKED = 4 };
    char folder[] = "/tmp/route-test-XXXXXX", path[64], url[80];
    struct kit_exchange *first[ASKED];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/list", folder);
    (void)snprintf(url, sizeof url, "file://%s", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, SOURCE_BYTES_MAX - 1), 0);
    assert_int_equal(close(fd), 0);
    const struct bundle_source source = {.id = "big", .kind = BUNDLE_SOURCE_CRL, .url = url};
    fix->document.sources = &source;
    fix->document.source_count = 1;
    fix->config.source_folder = folder;
    fix->known.loop = loop_new();

    for (size_t i = 0; i < ASKED; i++)
        first[i] = fetch_as("gw1");
    for (size_t i = 0; i < ASKED; i++)
        assert_int_equal(first[i]->status, i < TAKEN ? 200 : 429);
    struct kit_exchange *other = fetch_as("gw2");
    assert_int_equal(other->status, 200);

    const struct error gone = {R_IO, "gone", NULL};
    for (size_t i = 0; i < TAKEN; i++)
        first[i]->x.events->on_abort(first[i]->x.ctx, &gone);
    other->x.events->on_abort(other->x.ctx, &gone);
    for (size_t i = 0; i < ASKED; i++)
        kit_exchange_free(first[i]);
    kit_exchange_free(other);
    loop_free(fix->known.loop);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* The bound is not for those alone whose body has ended: heads come first, and all the ends at once. */
static void requests_for_sources_that_do_not_end_are_bounded_and_leave_places_for_other_gateways(void **state UNUSED)
{
    static const struct {
        enum bundle_source_kind kind;
        size_t places;
    } cases[] = {{BUNDLE_SOURCE_CRL, 48}, {BUNDLE_SOURCE_OCSP, 192}};
    enum { ASKED = 1000 };
    const struct error gone = {R_IO, "gone", NULL};
    for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
        const struct bundle_source source = {.id = "big", .kind = cases[n].kind, .url = "http://one.example/"};
        struct kit_exchange *asked[ASKED + 1];
        size_t refused = 0;
        fix->document.sources = &source;
        fix->document.source_count = 1;
        for (size_t i = 0; i <= ASKED; i++) {
            asked[i] = kit_exchange_new(SOURCE_ENDPOINT, "/big");
            asked[i]->x.request.method = cases[n].kind == BUNDLE_SOURCE_OCSP ? SLICE("POST") : SLICE("GET");
            route_request(&fix->route, i < ASKED ? "gw1" : "gw2", &asked[i]->x);
            refused += asked[i]->status == 429;
        }
        assert_int_equal(refused, ASKED - cases[n].places);
        assert_int_equal(asked[ASKED]->status, 0); /* the other gateway's */
        for (size_t i = 0; i <= ASKED; i++) {
            if (!asked[i]->status)
                asked[i]->x.events->on_abort(asked[i]->x.ctx, &gone);
            kit_exchange_free(asked[i]);
        }
    }
}

static void what_is_no_file_in_the_source_folder_holds_up_nothing(void **state UNUSED)
{
    char folder[] = "/tmp/route-test-XXXXXX", path[64], url[80];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/list", folder);
    (void)snprintf(url, sizeof url, "file://%s", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    const struct bundle_source source = {.id = "big", .kind = BUNDLE_SOURCE_CRL, .url = url};
    fix->document.sources = &source;
    fix->document.source_count = 1;
    fix->config.source_folder = folder;
    fix->known.loop = loop_new();
    struct kit_exchange *e = fetch_as("gw1");
    kit_assert_refused(e, REASON_UPSTREAM_REFUSED, NULL);
    kit_exchange_free(e);
    loop_free(fix->known.loop);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        HELD(an_endpoint_leads_to_its_own_server_below_its_base),
        HELD(a_server_may_be_told_the_name_that_the_client_asked_for),
        HELD(who_asks_is_told_in_the_server_s_form),
        HELD(what_the_document_does_not_name_is_not_reached),
        HELD(a_path_that_leads_out_of_the_published_one_is_refused),
        HELD(a_request_of_nobody_is_refused),
        HELD(a_gateway_takes_a_server_s_connections_from_no_other_one),
        HELD(who_comes_by_a_bulk_token_takes_the_shares_of_its_address),
        HELD(a_gateway_asks_the_site_under_its_own_name),
        HELD(the_site_answers_no_other_question),
        HELD(what_a_gateway_asks_of_the_site_is_counted_as_its_own_whatever_it_says),
        HELD(a_gateway_that_floods_the_site_is_refused_and_another_one_is_not),
        HELD(a_source_that_the_document_does_not_name_is_not_fetched),
        HELD(requests_for_sources_that_do_not_end_are_bounded_and_leave_places_for_other_gateways),
        HELD(what_is_no_file_in_the_source_folder_holds_up_nothing),
        HELD(a_gateway_that_takes_no_lists_fills_no_memory_and_keeps_no_other_one_from_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
