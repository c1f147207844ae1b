/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a request, each refusal once and in their order, and what becomes of one that passes them. */
#include "floor.h"

#include "base/mem.h"
#include "tunnel/device.h"
#include "verdict/reason.h"

#define PEER "192.0.2.7"

/* Its refusal, or 0: it went inside. */
static void assert_refused(const struct floor *f, struct asker *a, enum verdict_reason wanted)
{
    const struct verdict_reason_info *why = verdict_reason_info(wanted);
    if (floor_refused(f, wanted) != 1)
        fail_msg("answered %d: %s", a->status, a->body);
    assert_int_equal(a->status, verdict_refusal_info(why->refusal)->status);
    assert_field(a->fields, "cmg-status-text", verdict_refusal_info(why->refusal)->code);
    assert_true(a->ended);
    assert_int_equal(way_calls(), 0);
    asker_free(a);
}

static struct visitor *device(struct floor *f)
{
    return floor_come(f, PEER, &f->k->leaf);
}

static struct asker *ask(struct floor *f, const char *method, const char *target)
{
    return floor_ask(device(f), method, "gw.example", target);
}

static struct asker *ask_host(struct floor *f, const char *method, const char *host, const char *target)
{
    return floor_ask(device(f), method, host, target);
}

/* --- refusals, in the order of the steps --- */

static void without_a_bundle_nothing_is_answered(void **state)
{
    struct floor *f = *state;
    f->k->judge.snapshot = NULL;
    assert_refused(f, ask(f, "GET", "/CCM_Proxy_MutualAuth/both"), REASON_STALE_BUNDLE);
}

static void a_bundle_that_is_too_old_refuses_before_the_target_is_read(void **state)
{
    struct floor *f = *state;
    floor_pass(f, 102 * 1000);
    assert_refused(f, ask(f, "GET", "/CCM_Proxy_MutualAuth/both/../x"), REASON_STALE_BUNDLE);
}

static void a_target_that_two_servers_could_read_differently_is_a_bad_request(void **state)
{
    struct floor *f = *state;
    assert_refused(f, ask(f, "GET", "/CCM_Proxy_MutualAuth/both/../x"), REASON_BAD_REQUEST);
}

static void what_is_not_published_is_refused_before_the_sender_is_judged(void **state)
{
    struct floor *f = *state;
    struct visitor *nobody = floor_come(f, PEER, NULL);
    assert_refused(f, floor_ask(nobody, "GET", "gw.example", "/CCM_Proxy_MutualAuth/unknown"), REASON_UNKNOWN_ENDPOINT);
}

static void a_host_that_is_not_published_is_refused(void **state)
{
    struct floor *f = *state;
    assert_refused(f, ask_host(f, "GET", "other.example", "/"), REASON_UNKNOWN_ENDPOINT);
}

static void an_encoded_slash_passes_where_the_endpoint_takes_it_alone(void **state)
{
    struct floor *f = *state;
    struct visitor *v = device(f);
    struct asker *good = floor_ask(v, "GET", "gw.example", "/CCM_Proxy_MutualAuth/slashes/a%2fb");
    assert_string_equal(way_open()->target, "/a%2fb");
    way_answer(way_open(), 204, "");
    asker_free(good);
    way_reset();
    assert_refused(f, floor_ask(v, "GET", "gw.example", "/CCM_Proxy_MutualAuth/both/a%2fb"), REASON_BAD_REQUEST);
}

static void a_connection_made_for_another_certificate_is_misdirected(void **state)
{
    struct floor *f = *state;
    struct visitor *v = device(f);
    assert_refused(f, floor_ask(v, "GET", "own.example", "/"), REASON_MISDIRECTED);
}

static void a_connection_is_good_for_all_hosts_of_its_certificate(void **state)
{
    struct floor *f = *state;
    struct visitor *v = device(f);
    struct asker *a = floor_ask(v, "GET", "Web.Example.:443", "/x");
    assert_string_equal(way_open()->authority, "web");
    way_answer(way_open(), 200, "");
    asker_free(a);
}

static void a_host_in_brackets_is_read_to_its_bracket(void **state)
{
    struct floor *f = *state;
    struct visitor *v = device(f);
    assert_refused(f, floor_ask(v, "GET", "[web.example", "/"), REASON_UNKNOWN_ENDPOINT);
}

static void a_stranger_is_refused_where_certificates_are_wanted(void **state)
{
    struct floor *f = *state;
    struct visitor *nobody = floor_come(f, PEER, NULL);
    assert_refused(f, floor_ask(nobody, "GET", "gw.example", "/CCM_Proxy_MutualAuth/both"), REASON_CERT_MISSING);
    assert_false(nobody->http->let_in);
}

static void a_device_over_its_share_of_busy_connections_is_told_so(void **state)
{
    struct floor *f = *state;
    struct visitor *v[3];
    struct asker *a[2];
    for (size_t i = 0; i < 2; i++) {
        v[i] = device(f);
        a[i] = floor_ask(v[i], "GET", "gw.example", "/CCM_Proxy_MutualAuth/both");
        v[i]->http->exchanges = 1;
    }
    v[2] = device(f);
    struct asker *third = floor_ask(v[2], "GET", "gw.example", "/CCM_Proxy_MutualAuth/both");
    assert_int_equal(third->status, 429);
    assert_non_null(strstr(third->body, "too many connections under way"));
    assert_int_equal(floor_away(f, AWAY_DEVICE_SHARE), 1);
    asker_free(third);
    for (size_t i = 0; i < 2; i++) {
        way_answer(way_call((unsigned)i), 200, "");
        asker_free(a[i]);
    }
}

static void client_settings_that_say_no_refuse_at_servers_and_not_at_management_points(void **state)
{
    struct floor *f = *state;
    struct visitor *v = device(f);
    char *no = forge_text(",\"disallowed\":[{\"by\":\"custom settings 'x'\",\"certificates\":[\"%s\"]}]",
                          floor_connection(v)->client.credential.sha256_hex);
    kit_bundle(f->k, no);
    free(no);
    struct asker *a = floor_ask(v, "GET", "gw.example", "/CCM_Proxy_MutualAuth/both");
    assert_non_null(strstr(a->body, "allow_cmg is no by custom settings 'x'"));
    assert_refused(f, a, REASON_CMG_DISALLOWED);
    a = floor_ask(v, "GET", "gw.example", "/CCM_Proxy_MutualAuth/mp-https");
    assert_string_equal(way_open()->authority, "mp-https");
    way_answer(way_open(), 200, "");
    asker_free(a);
}

static void a_method_that_the_endpoint_does_not_list_is_refused_with_those_it_does(void **state)
{
    struct floor *f = *state;
    struct asker *a = ask(f, "DELETE", "/CCM_Proxy_MutualAuth/narrow");
    assert_field(a->fields, "allow", "GET, PUT");
    assert_refused(f, a, REASON_BAD_METHOD);
}

static void the_gateway_s_own_answers_take_get_and_head_alone(void **state)
{
    struct floor *f = *state;
    struct asker *a = ask(f, "POST", "/CCM_Proxy_MutualAuth/ServiceMetadata");
    assert_field(a->fields, "allow", "GET, HEAD");
    assert_refused(f, a, REASON_BAD_METHOD);
}

static void a_body_that_says_it_is_too_long_is_refused_unread(void **state)
{
    struct floor *f = *state;
    struct visitor *v = device(f);
    struct asker *good = asker_new("PUT", "gw.example", "/CCM_Proxy_MutualAuth/narrow"),
                 *bad = asker_new("PUT", "gw.example", "/CCM_Proxy_MutualAuth/narrow");
    good->exchange.request.content_length = 100;
    bad->exchange.request.content_length = 101;
    floor_send(v, good);
    way_answer(way_open(), 204, "");
    asker_free(good);
    way_reset();
    floor_send(v, bad);
    assert_non_null(strstr(bad->body, "the body has 101 bytes; this endpoint takes at most 100"));
    assert_refused(f, bad, REASON_BODY_TOO_LARGE);
}

static void websocket_over_http_2_is_refused_where_it_is_not_published(void **state)
{
    struct floor *f = *state;
    struct visitor *v = device(f);
    struct asker *a = asker_new("GET", "gw.example", "/CCM_Proxy_MutualAuth/both");
    a->exchange.request.protocol = SLICE("websocket");
    a->exchange.request.version = HTTP_2;
    floor_send(v, a);
    assert_refused(f, a, REASON_UNSUPPORTED);
}

static void an_upgrade_of_http_1_is_left_out_where_it_is_not_published(void **state)
{
    struct floor *f = *state;
    struct visitor *v = device(f);
    struct asker *a = asker_new("GET", "gw.example", "/CCM_Proxy_MutualAuth/both");
    a->exchange.request.protocol = SLICE("websocket");
    a->exchange.request.has_body = a->exchange.request.may_stay = true;
    floor_send(v, a);
    assert_string_equal(way_open()->protocol, "");
    assert_false(way_open()->has_body);
    assert_field(way_open()->fields, TUNNEL_STAY_FIELD, NULL);
    way_answer(way_open(), 200, "");
    asker_free(a);
}

static void an_address_that_is_refused_too_often_gets_no_more_answers_than_that(void **state)
{
    struct floor *f = *state;
    struct visitor *v = floor_come(f, PEER, NULL);
    for (unsigned i = 0; i < 100; i++) { /* ten a second, ten seconds' at once */
        struct asker *a = floor_ask(v, "GET", "gw.example", "/CCM_Proxy_MutualAuth/both");
        assert_int_equal(a->status, 401);
        asker_free(a);
    }
    assert_false(v->http->stopped);
    assert_refused(f, floor_ask(v, "GET", "gw.example", "/CCM_Proxy_MutualAuth/both"), REASON_TOO_MANY_REQUESTS);
    assert_true(v->http->stopped);
    assert_int_equal(floor_away(f, AWAY_REFUSALS), 1);
}

static void a_device_with_too_many_requests_under_way_is_told_so_and_another_is_not(void **state)
{
    struct floor *f = *state;
    struct pair other = MAKE(.cn = "device-2", .issuer = &f->k->root);
    struct visitor *v = device(f);
    struct asker *a[FLOOR_REQUESTS_PER_DEVICE];
    for (size_t i = 0; i < FLOOR_REQUESTS_PER_DEVICE; i++)
        a[i] = floor_ask(v, "GET", "gw.example", "/CCM_Proxy_MutualAuth/both");
    struct asker *over = floor_ask(device(f), "GET", "gw.example", "/CCM_Proxy_MutualAuth/both");
    assert_int_equal(over->status, 429);
    assert_non_null(strstr(over->body, "this device has too many requests under way"));
    asker_free(over);
    over = floor_ask(v, "GET", "gw.example", "/CCM_Proxy_MutualAuth/ServiceMetadata"); /* costs nothing inside */
    assert_int_equal(over->status, 200);
    asker_free(over);

    struct asker *others = floor_ask(floor_come(f, PEER, &other), "GET", "gw.example", "/CCM_Proxy_MutualAuth/both");
    assert_int_equal(others->status, 0);
    way_answer(way_call(0), 204, "");
    struct asker *next = floor_ask(v, "GET", "gw.example", "/CCM_Proxy_MutualAuth/both");
    assert_int_equal(next->status, 0);
    for (unsigned i = 1; i < way_calls(); i++)
        way_answer(way_call(i), 204, "");
    for (size_t i = 0; i < FLOOR_REQUESTS_PER_DEVICE; i++)
        asker_free(a[i]);
    asker_free(others);
    asker_free(next);
    drop(&other);
}

/* --- what passes --- */

static void a_request_goes_inside_by_its_endpoint_s_id_with_who_asks_and_without_its_prefix(void **state)
{
    struct floor *f = *state;
    struct visitor *v = device(f);
    struct asker *a = asker_new("GET", "gw.example", "/CCM_Proxy_MutualAuth/both/CCM_STS?x=1");
    asker_field(a, "cmg-client-id", "somebody-else");
    asker_field(a, "accept", "text/plain");
    floor_send(v, a);
    const struct way_call *c = way_open();
    assert_string_equal(c->authority, "both");
    assert_string_equal(c->target, "/CCM_STS?x=1");
    assert_field(c->fields, "accept", "text/plain");
    assert_null(strstr(c->fields, "somebody-else"));
    assert_field(c->fields, "cmg-host", "gw.example");
    assert_non_null(strstr(c->fields, "cmg-device: "));
    assert_true(v->http->let_in);
    assert_int_equal(kit_counted(f->k, METRIC_REQUESTS), 1);
    way_answer(way_open(), 200, "fine");
    assert_string_equal(a->body, "fine");
    asker_free(a);
}

static void an_upgrade_goes_on_where_it_is_published_and_says_whether_it_may_stay(void **state)
{
    struct floor *f = *state;
    struct visitor *v = device(f);
    struct asker *a = asker_new("GET", "web.example", "/chat");
    a->exchange.request.protocol = SLICE("websocket");
    a->exchange.request.has_body = a->exchange.request.may_stay = true;
    floor_send(v, a);
    assert_string_equal(way_open()->protocol, "websocket");
    assert_field(way_open()->fields, TUNNEL_STAY_FIELD, "1");
    way_answer(way_open(), 200, "");
    asker_free(a);
}

static void a_head_that_grows_too_long_with_what_the_gateway_adds_is_refused(void **state)
{
    struct floor *f = *state;
    struct visitor *v = device(f);
    struct asker *a = asker_new("GET", "gw.example", "/CCM_Proxy_MutualAuth/both");
    for (unsigned i = 0; i < HTTP_FIELDS_MAX - 1; i++)
        asker_field(a, "x", "y");
    floor_send(v, a);
    assert_refused(f, a, REASON_HEAD_TOO_LONG);
}

static void the_gateway_s_metadata_is_answered_by_itself_with_its_own_time(void **state)
{
    struct floor *f = *state;
    struct asker *a = ask(f, "GET", "/CCM_Proxy_MutualAuth/servicemetadata");
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "\"time\":%lld", (long long)fake_wall_s);
    assert_int_equal(a->status, 200);
    assert_non_null(strstr(a->body, wanted));
    assert_int_equal(way_calls(), 0);
    asker_free(a);
}

static void a_bulk_token_opens_the_metadata_without_a_certificate(void **state)
{
    struct floor *f = *state;
    struct visitor *v = floor_come(f, PEER, NULL);
    struct token t = {.kind = TOKEN_BULK, .issued = NOW, .not_before = NOW, .expires = NOW + 3600};
    cstr_copy(t.id, sizeof t.id, "bulk-1");
    kit_token(f->k, &t);
    struct asker *a = asker_new("GET", "gw.example", "/CCM_Proxy_ServerAuth/ServiceMetadata");
    a->exchange.request.fields = f->k->request.fields;
    floor_send(v, a);
    assert_int_equal(a->status, 200);
    asker_free(a);
}

/* --- heads that could not be read --- */

static void a_head_that_can_t_be_read_is_refused_by_its_own_reason(void **state)
{
    static const struct {
        int status;
        enum verdict_reason reason;
    } cases[] = {{400, REASON_BAD_REQUEST},   {408, REASON_REQUEST_TIMEOUT}, {414, REASON_TARGET_TOO_LONG},
                 {431, REASON_HEAD_TOO_LONG}, {501, REASON_UNSUPPORTED},     {505, REASON_VERSION}};
    struct floor *f = *state;
    struct visitor *v = floor_come(f, PEER, NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena *a = arena_new(64 * 1024);
        struct http_response head = {.status = cases[i].status};
        struct slice body;
        v->http->events->on_bad_request(v->http->owner, cases[i].status, "the test says so", a, &head, &body);
        assert_int_equal(floor_refused(f, cases[i].reason), 1);
        assert_int_equal(head.status, cases[i].status);
        assert_true(slice_find(body, '{') == 0);
        arena_free(a);
    }
    assert_false(v->http->stopped);
}

static void heads_that_can_t_be_read_count_as_refusals_of_their_address(void **state)
{
    struct floor *f = *state;
    struct visitor *v = floor_come(f, PEER, NULL);
    struct http_response head = {.status = 0};
    struct slice body;
    for (unsigned i = 0; i < 101; i++) {
        struct arena *a = arena_new(64 * 1024);
        assert_false(v->http->stopped);
        v->http->events->on_bad_request(v->http->owner, 400, "the test says so", a, &head, &body);
        arena_free(a);
    }
    assert_int_equal(head.status, 429);
    assert_true(v->http->stopped);
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, floor_setup, floor_teardown)
    const struct CMUnitTest tests[] = {
        HELD(without_a_bundle_nothing_is_answered),
        HELD(a_bundle_that_is_too_old_refuses_before_the_target_is_read),
        HELD(a_target_that_two_servers_could_read_differently_is_a_bad_request),
        HELD(what_is_not_published_is_refused_before_the_sender_is_judged),
        HELD(a_host_that_is_not_published_is_refused),
        HELD(an_encoded_slash_passes_where_the_endpoint_takes_it_alone),
        HELD(a_connection_made_for_another_certificate_is_misdirected),
        HELD(a_connection_is_good_for_all_hosts_of_its_certificate),
        HELD(a_host_in_brackets_is_read_to_its_bracket),
        HELD(a_stranger_is_refused_where_certificates_are_wanted),
        HELD(a_device_over_its_share_of_busy_connections_is_told_so),
        HELD(client_settings_that_say_no_refuse_at_servers_and_not_at_management_points),
        HELD(a_method_that_the_endpoint_does_not_list_is_refused_with_those_it_does),
        HELD(the_gateway_s_own_answers_take_get_and_head_alone),
        HELD(a_body_that_says_it_is_too_long_is_refused_unread),
        HELD(websocket_over_http_2_is_refused_where_it_is_not_published),
        HELD(an_upgrade_of_http_1_is_left_out_where_it_is_not_published),
        HELD(an_address_that_is_refused_too_often_gets_no_more_answers_than_that),
        HELD(a_device_with_too_many_requests_under_way_is_told_so_and_another_is_not),
        HELD(a_request_goes_inside_by_its_endpoint_s_id_with_who_asks_and_without_its_prefix),
        HELD(an_upgrade_goes_on_where_it_is_published_and_says_whether_it_may_stay),
        HELD(a_head_that_grows_too_long_with_what_the_gateway_adds_is_refused),
        HELD(the_gateway_s_metadata_is_answered_by_itself_with_its_own_time),
        HELD(a_bulk_token_opens_the_metadata_without_a_certificate),
        HELD(a_head_that_can_t_be_read_is_refused_by_its_own_reason),
        HELD(heads_that_can_t_be_read_count_as_refusals_of_their_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
