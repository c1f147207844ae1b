/* SPDX-License-Identifier: Apache-2.0 */
/* Which tunnel carries a request, when it is tried again, what an answer from inside may say, and what ends it. */
#include "floor.h"

#include "base/mem.h"
#include "http/h2/h2.h"
#include "tunnel/device.h"

#define BOTH "/CCM_Proxy_MutualAuth/both"

struct relayed {
    struct floor *f;
    struct visitor *v;
    struct asker *a;
    struct way_call *c; /* the last; NULL: none was made */
};

static struct relayed relay(struct floor *f, const char *method, const char *host, const char *target)
{
    struct relayed r = {.f = f, .v = floor_come(f, "192.0.2.7", &f->k->leaf)};
    r.a = floor_ask(r.v, method, host, target);
    r.c = way_calls() ? way_call(way_calls() - 1) : NULL;
    return r;
}

static void assert_refused(struct relayed *r, enum verdict_reason wanted)
{
    if (floor_refused(r->f, wanted) != 1)
        fail_msg("answered %d: %s", r->a->status, r->a->body);
    assert_true(r->a->ended);
    assert_int_equal(kit_counted(r->f->k, METRIC_IN_FLIGHT), 0);
    assert_true(LIST_EMPTY(&floor_connection(r->v)->relays));
    asker_free(r->a);
}

static void add_tunnel(struct floor *f, struct tunnel *t)
{
    assert_true(gateway_tunnels_add(&f->tunnels, t));
}

/* --- which tunnel --- */

static void without_a_tunnel_to_the_endpoint_there_is_no_connector(void **state)
{
    struct floor *f = *state;
    f->inside.reaches = "tokens";
    struct relayed r = relay(f, "GET", "gw.example", BOTH);
    assert_refused(&r, REASON_NO_CONNECTOR);
}

static void a_tunnel_without_room_carries_nothing(void **state)
{
    struct floor *f = *state;
    f->inside.full = true;
    struct relayed r = relay(f, "GET", "gw.example", BOTH);
    assert_refused(&r, REASON_NO_CONNECTOR);
}

static void a_tunnel_that_takes_no_call_is_as_none(void **state)
{
    struct floor *f = *state;
    f->inside.broken = true;
    struct relayed r = relay(f, "GET", "gw.example", BOTH);
    assert_refused(&r, REASON_NO_CONNECTOR);
}

static void the_tunnel_with_least_under_way_carries_the_request(void **state)
{
    struct floor *f = *state;
    struct tunnel idle = {.reaches = "both"}, elsewhere = {.reaches = "tokens"};
    f->inside.outstanding = 3;
    add_tunnel(f, &idle);
    add_tunnel(f, &elsewhere);
    struct relayed r = relay(f, "GET", "gw.example", BOTH);
    assert_ptr_equal(r.c->tunnel, &idle);
    way_answer(r.c, 200, "");
    asker_free(r.a);
    f->inside.outstanding = 0;
}

/* --- one that is to be expected --- */

static void a_request_waits_for_a_tunnel_that_is_expected_and_goes_through_it(void **state)
{
    struct floor *f = *state;
    f->inside.reaches = "tokens";
    patience_renew(&f->desk.way.patience);
    struct relayed r = relay(f, "POST", "gw.example", BOTH);
    assert_int_equal(r.a->status, 0);
    assert_int_equal(way_calls(), 0);
    assert_int_equal(kit_counted(f->k, METRIC_IN_FLIGHT), 1);
    f->inside.reaches = "both";
    patience_look(&f->desk.way.patience);
    assert_int_equal(way_calls(), 1);
    assert_int_equal(kit_counted(f->k, METRIC_RETRIES), 0);
    way_answer(way_open(), 200, "");
    assert_int_equal(r.a->status, 200);
    asker_free(r.a);
}

static void a_request_whose_tunnel_does_not_come_is_refused_after_some_seconds(void **state)
{
    struct floor *f = *state;
    f->inside.reaches = "tokens";
    patience_renew(&f->desk.way.patience);
    struct relayed r = relay(f, "GET", "gw.example", BOTH);
    floor_pass(f, PATIENCE_MS - 200);
    assert_int_equal(r.a->status, 0);
    floor_pass(f, 400);
    assert_refused(&r, REASON_NO_CONNECTOR);
    assert_int_equal(f->desk.way.patience.count, 0);
    r = relay(f, "GET", "gw.example", BOTH); /* nor does anybody wait any more */
    assert_int_equal(floor_refused(f, REASON_NO_CONNECTOR), 2);
    asker_free(r.a);
}

/* A connector that comes and goes all the time announces one more each time. */
static void no_request_waits_longer_because_a_tunnel_is_expected_over_and_over(void **state)
{
    struct floor *f = *state;
    f->inside.reaches = "tokens";
    patience_renew(&f->desk.way.patience);
    struct relayed r = relay(f, "GET", "gw.example", BOTH);
    for (int passed = 0; passed < 2 * PATIENCE_MS; passed += PATIENCE_MS / 5) {
        floor_pass(f, PATIENCE_MS / 5);
        patience_renew(&f->desk.way.patience);
    }
    assert_refused(&r, REASON_NO_CONNECTOR);
}

static void a_request_that_waits_goes_with_its_client(void **state)
{
    struct floor *f = *state;
    f->inside.reaches = "tokens";
    patience_renew(&f->desk.way.patience);
    struct relayed r = relay(f, "GET", "gw.example", BOTH);
    relay_abort(LIST_FIRST(&floor_connection(r.v)->relays));
    assert_int_equal(f->desk.way.patience.count, 0);
    assert_int_equal(kit_counted(f->k, METRIC_IN_FLIGHT), 0);
    asker_free(r.a);
}

static void a_safe_request_whose_only_connector_went_waits_for_it(void **state)
{
    struct floor *f = *state;
    struct relayed r = relay(f, "GET", "gw.example", BOTH);
    f->inside.reaches = "tokens";
    patience_renew(&f->desk.way.patience);
    way_fail(r.c, HTTP_FAIL_TRUNCATED, false);
    assert_int_equal(r.a->status, 0);
    f->inside.reaches = "both";
    patience_look(&f->desk.way.patience);
    assert_int_equal(kit_counted(f->k, METRIC_RETRIES), 1);
    way_answer(way_open(), 200, "");
    assert_int_equal(r.a->status, 200);
    asker_free(r.a);
}

static void a_device_has_no_more_requests_waiting_than_it_may_have_under_way(void **state)
{
    struct floor *f = *state;
    f->inside.reaches = "tokens";
    patience_renew(&f->desk.way.patience);
    struct visitor *v = floor_come(f, "192.0.2.7", &f->k->leaf);
    struct asker *all[FLOOR_REQUESTS_PER_DEVICE + 1];
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        all[i] = floor_ask(v, "GET", "gw.example", BOTH);
    assert_int_equal(f->desk.way.patience.count, FLOOR_REQUESTS_PER_DEVICE);
    assert_int_equal(floor_refused(f, REASON_TOO_MANY_REQUESTS), 1);
    floor_pass(f, PATIENCE_MS + 200);
    assert_int_equal(floor_refused(f, REASON_NO_CONNECTOR), FLOOR_REQUESTS_PER_DEVICE);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        asker_free(all[i]);
}

/* However many do so, one more finds room. */
static void who_has_as_much_under_way_as_is_left_for_all_others_gets_no_more(void **state)
{
    struct floor *f = *state;
    struct relay_way *way = &f->desk.way;
    struct crowd_member two[2] = {{.holder = NULL}};
    way->per_device = 100;
    for (size_t i = 0; i < 2; i++)
        crowd_join(way->devices, &two[i], SLICE("greedy"), 0, NULL);
    way->under_way = http_h2_tunnel_options.max_streams - 3 * 4;
    assert_true(relay_has_room(way, "greedy"));
    way->under_way++;
    assert_false(relay_has_room(way, "greedy"));
    assert_true(relay_has_room(way, "modest"));
    way->under_way += 11; /* whoever asks hears what the tunnels say */
    assert_true(relay_has_room(way, "modest"));
    for (size_t i = 0; i < 2; i++)
        crowd_part(way->devices, &two[i]);
    way->under_way = 0;
}

static void what_is_under_way_is_counted_until_it_is_over(void **state)
{
    struct floor *f = *state;
    struct relayed r = relay(f, "GET", "localhost", BOTH);
    assert_int_equal(f->desk.way.under_way, 1);
    way_answer(r.c, 204, "");
    assert_int_equal(f->desk.way.under_way, 0);
    asker_free(r.a);
}

/* --- again --- */

static void a_safe_request_that_broke_is_tried_once_more_on_another_tunnel(void **state)
{
    struct floor *f = *state;
    struct tunnel other = {.reaches = "both", .outstanding = 5};
    add_tunnel(f, &other);
    struct relayed r = relay(f, "GET", "gw.example", BOTH);
    assert_ptr_equal(r.c->tunnel, &f->inside);
    way_fail(r.c, HTTP_FAIL_TRUNCATED, false);
    assert_int_equal(r.a->status, 0);
    assert_ptr_equal(way_open()->tunnel, &other);
    assert_int_equal(kit_counted(f->k, METRIC_RETRIES), 1);
    way_fail(way_open(), HTTP_FAIL_TRUNCATED, false);
    assert_int_equal(way_calls(), 2); /* no third time */
    assert_refused(&r, REASON_UPSTREAM_TRUNCATED);
}

static void a_request_that_may_have_been_done_is_not_done_twice(void **state)
{
    struct floor *f = *state;
    struct relayed r = relay(f, "POST", "gw.example", BOTH);
    way_fail(r.c, HTTP_FAIL_TRUNCATED, false);
    assert_int_equal(way_calls(), 1);
    assert_refused(&r, REASON_UPSTREAM_TRUNCATED);
}

static void any_request_that_no_connector_processed_is_tried_again(void **state)
{
    struct floor *f = *state;
    struct relayed r = relay(f, "POST", "gw.example", BOTH);
    way_fail(r.c, HTTP_FAIL_REFUSED_STREAM, true);
    assert_int_equal(way_calls(), 2);
    assert_ptr_equal(way_open()->tunnel, &f->inside); /* the only one is tried again */
    way_fail(way_open(), HTTP_FAIL_REFUSED_STREAM, true);
    assert_refused(&r, REASON_NO_CONNECTOR);
}

static void a_site_in_trouble_is_not_asked_twice_as_much(void **state)
{
    struct floor *f = *state;
    struct retry_budget *b = &f->desk.way.budget;
    *b = (struct retry_budget){.calls = 1000, .retries = 200};
    struct relayed r = relay(f, "GET", "gw.example", BOTH);
    way_fail(r.c, HTTP_FAIL_TRUNCATED, false);
    assert_int_equal(way_calls(), 1);
    assert_int_equal(b->calls, 1001);
    assert_refused(&r, REASON_UPSTREAM_TRUNCATED);
}

/* --- how it failed --- */

static void a_way_that_takes_too_long_is_a_timeout(void **state)
{
    struct floor *f = *state;
    struct relayed r = relay(f, "POST", "gw.example", BOTH);
    way_fail(r.c, HTTP_FAIL_TIMEOUT, false);
    assert_refused(&r, REASON_UPSTREAM_TIMEOUT);
}

static void what_is_not_http_is_told_as_that(void **state)
{
    struct floor *f = *state;
    struct relayed r = relay(f, "POST", "gw.example", BOTH);
    way_fail(r.c, HTTP_FAIL_PROTOCOL, false);
    assert_refused(&r, REASON_UPSTREAM_PROTOCOL);
}

static void an_answer_that_breaks_off_breaks_off_towards_the_client(void **state)
{
    struct floor *f = *state;
    struct relayed r = relay(f, "GET", "gw.example", BOTH);
    way_head(r.c, 200, NULL);
    way_body(r.c, "half of");
    way_fail(r.c, HTTP_FAIL_TRUNCATED, false);
    assert_true(r.a->reset);
    assert_int_equal(way_calls(), 1); /* the client has had some of it */
    assert_int_equal(kit_counted(f->k, METRIC_IN_FLIGHT), 0);
    asker_free(r.a);
}

static void a_body_that_grows_over_what_the_endpoint_takes_is_refused(void **state)
{
    static char text[102];
    struct floor *f = *state;
    struct visitor *v = floor_come(f, "192.0.2.7", &f->k->leaf);
    struct asker *a = asker_new("PUT", "gw.example", "/CCM_Proxy_MutualAuth/narrow");
    a->exchange.request.has_body = true;
    a->exchange.request.content_length = -1;
    floor_send(v, a);
    struct way_call *c = way_open();
    memset(text, 'x', 100);
    asker_sends(a, text);
    assert_int_equal(c->body_len, 100);
    assert_int_equal(a->status, 0);
    asker_sends(a, "y");
    assert_true(c->cancelled);
    struct relayed r = {.f = f, .v = v, .a = a};
    assert_non_null(strstr(a->body, "bodies of at most 100 bytes"));
    assert_refused(&r, REASON_BODY_TOO_LARGE);
}

static void what_a_websocket_carries_is_no_body(void **state)
{
    static char text[2 * 1024 * 1024];
    struct floor *f = *state;
    struct visitor *v = floor_come(f, "192.0.2.7", &f->k->leaf);
    struct asker *a = asker_new("GET", "web.example", "/chat");
    a->exchange.request.protocol = SLICE("websocket");
    a->exchange.request.has_body = true;
    floor_send(v, a);
    struct way_call *c = way_open();
    way_head(c, 200, NULL);
    memset(text, 'x', 60 * 1024);
    for (unsigned i = 0; i < 40; i++) { /* over the endpoint's MiB */
        asker_sends(a, text);
        c->body_len = 0;
    }
    assert_false(c->cancelled);
    way_end(c);
    asker_free(a);
}

/* --- what an answer may say --- */

static void a_connector_s_refusal_is_counted_as_the_gateway_s_own_and_its_reason_goes_no_further(void **state)
{
    struct floor *f = *state;
    struct relayed r = relay(f, "GET", "gw.example", BOTH);
    way_head(r.c, 502, "cmg-status-text: CMGConnector_BadGateway\ncmg-reason: refused\n");
    way_end(r.c);
    assert_int_equal(floor_refused(f, REASON_UPSTREAM_REFUSED), 1);
    assert_field(r.a->fields, "cmg-status-text", "CMGConnector_BadGateway");
    assert_field(r.a->fields, TUNNEL_REASON_FIELD, NULL);
    assert_string_equal(r.a->reason, "CMGConnector_BadGateway");
    asker_free(r.a);
}

static void an_unknown_reason_of_a_newer_connector_counts_as_none(void **state)
{
    struct floor *f = *state;
    struct relayed r = relay(f, "GET", "gw.example", BOTH);
    way_head(r.c, 502, "cmg-status-text: CMGConnector_BadGateway\ncmg-reason: from_the_future\n");
    way_end(r.c);
    for (enum verdict_reason reason = REASON_OK + 1; reason < REASON_COUNT; reason++)
        assert_int_equal(floor_refused(f, reason), 0);
    assert_int_equal(r.a->status, 502);
    asker_free(r.a);
}

static void by_host_the_answer_s_reason_phrase_is_left_alone(void **state)
{
    struct floor *f = *state;
    struct relayed r = relay(f, "GET", "web.example", "/");
    way_head(r.c, 502, "cmg-status-text: CMGConnector_BadGateway\n");
    way_end(r.c);
    assert_string_equal(r.a->reason, "");
    asker_free(r.a);
}

static void a_server_that_did_not_switch_to_websocket_is_heard_by_who_may_stay(void **state)
{
    static const struct {
        bool may_stay;
        const char *status;
        int wanted;
    } cases[] = {
        {true, "cmg-status: 200\n", 200}, {false, "cmg-status: 200\n", 502}, {true, "cmg-status: 404\n", 502},
        {true, "cmg-status: 99\n", 502},  {true, "cmg-status: x\n", 502},    {true, "", 502},
    };
    struct floor *f = *state;
    struct visitor *v = floor_come(f, "192.0.2.7", &f->k->leaf);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct asker *a = asker_new("GET", "web.example", "/");
        a->exchange.request.protocol = SLICE("websocket");
        a->exchange.request.has_body = true;
        a->exchange.request.may_stay = cases[i].may_stay;
        floor_send(v, a);
        way_head(way_open(), TUNNEL_STAYED, cases[i].status);
        way_end(way_open());
        assert_int_equal(a->status, cases[i].wanted);
        assert_field(a->fields, TUNNEL_STATUS_FIELD, NULL);
        asker_free(a);
    }
}

static void bytes_of_both_directions_are_counted_when_it_is_over(void **state)
{
    struct floor *f = *state;
    struct visitor *v = floor_come(f, "192.0.2.7", &f->k->leaf);
    struct asker *a = asker_new("POST", "gw.example", BOTH);
    a->exchange.request.has_body = true;
    floor_send(v, a);
    asker_sends(a, "12345");
    asker_ends(a);
    assert_true(way_open()->finished);
    assert_int_equal(kit_counted(f->k, METRIC_IN_FLIGHT), 1);
    way_answer(way_open(), 200, "123");
    assert_int_equal(kit_counted(f->k, METRIC_BYTES_IN), 5);
    assert_int_equal(kit_counted(f->k, METRIC_BYTES_OUT), 3);
    assert_int_equal(kit_counted(f->k, METRIC_RELAYED), 1);
    assert_int_equal(kit_counted(f->k, METRIC_IN_FLIGHT), 0);
    asker_free(a);
}

static void a_client_that_goes_takes_its_call_along(void **state)
{
    struct floor *f = *state;
    struct relayed r = relay(f, "GET", "gw.example", BOTH);
    struct error why = {.text = "gone"};
    r.a->exchange.events->on_abort(r.a->exchange.ctx, &why);
    assert_true(r.c->cancelled);
    assert_int_equal(kit_counted(f->k, METRIC_IN_FLIGHT), 0);
    asker_free(r.a);
}

/* --- what ends it --- */

static const char *publish(const char *rest)
{
    static char text[512];
    (void)snprintf(text, sizeof text,
                   "{\"settings\":{},\"anchors_pem\":\"\",\"intermediates_pem\":\"\",\"crls\":[],"
                   "\"token_keys\":{\"keys\":[]},\"roles\":[],\"endpoints\":[%s]}",
                   rest);
    return text;
}

/* The bundle of from now on, whole. */
static void put_bundle(struct floor *f, const char *text)
{
    json_error_t fault;
    struct document d = {.type = DOCUMENT_BUNDLE, .sequence = 8, .issued = NOW, .expires = NOW + DAY};
    d.content = json_loads(text, 0, &fault);
    assert_non_null(d.content);
    bundle_free(f->k->snapshot.bundle);
    if (bundle_parse(&d, &f->k->snapshot.bundle, &f->k->detail) != OK)
        fail_msg("%s", f->k->detail.text);
    document_done(&d);
}

static void assert_withdrawn(struct relayed *r, bool wanted)
{
    relay_review(&floor_connection(r->v)->relays, fake_wall_s);
    assert_int_equal(r->c->cancelled, wanted);
    assert_int_equal(r->a->reset, wanted);
    if (!wanted)
        way_answer(r->c, 204, "");
    asker_free(r->a);
}

#define BOTH_WITH(rest) "{\"id\":\"both\",\"role\":\"both\",\"name\":\"\",\"purpose\":\"general\"," rest "}"

static void a_request_goes_on_while_its_endpoint_would_let_it_in(void **state)
{
    struct floor *f = *state;
    struct relayed r = relay(f, "GET", "gw.example", BOTH);
    put_bundle(f, publish(BOTH_WITH("\"auth\":[\"pki\"],\"methods\":[\"GET\"]")));
    assert_withdrawn(&r, false);
}

static void a_request_ends_when_its_endpoint_is_published_no_longer(void **state)
{
    struct floor *f = *state;
    struct relayed r = relay(f, "GET", "gw.example", BOTH);
    put_bundle(f, publish(""));
    assert_withdrawn(&r, true);
}

static void a_request_ends_when_its_endpoint_takes_its_credential_no_longer(void **state)
{
    struct floor *f = *state;
    struct relayed r = relay(f, "GET", "gw.example", BOTH);
    put_bundle(f, publish(BOTH_WITH("\"auth\":[\"token\"]")));
    assert_withdrawn(&r, true);
}

static void a_request_ends_when_its_endpoint_takes_its_method_no_longer(void **state)
{
    struct floor *f = *state;
    struct relayed r = relay(f, "GET", "gw.example", BOTH);
    put_bundle(f, publish(BOTH_WITH("\"auth\":[\"pki\"],\"methods\":[\"PUT\"]")));
    assert_withdrawn(&r, true);
}

static void a_request_ends_with_the_token_that_let_it_in_and_others_go_on(void **state)
{
    struct floor *f = *state;
    struct relayed r = relay(f, "GET", "gw.example", BOTH); /* by certificate */
    f->k->client.credential = (struct credential){.certificate = NULL};
    struct token t = {.kind = TOKEN_ACCESS, .issued = NOW, .not_before = NOW, .expires = NOW + 3600};
    cstr_copy(t.subject, sizeof t.subject, KIT_GUID);
    cstr_copy(t.id, sizeof t.id, "jti-1");
    cstr_copy(t.x5t, sizeof t.x5t, floor_connection(r.v)->client.credential.x5t);
    kit_token(f->k, &t);
    struct asker *a = asker_new("GET", "gw.example", "/CCM_Proxy_ServerAuth/tokens");
    a->exchange.request.fields = f->k->request.fields;
    floor_send(r.v, a);
    struct way_call *by_token = way_open();
    kit_bundle(f->k, ",\"blocks\":[{\"tokens\":[\"jti-1\"]}]");
    relay_review(&floor_connection(r.v)->relays, fake_wall_s);
    assert_true(by_token->cancelled && a->reset);
    assert_false(r.c->cancelled);
    way_answer(r.c, 204, "");
    asker_free(a);
    asker_free(r.a);
}

static struct relayed chat(struct floor *f)
{
    struct relayed r = {.f = f, .v = floor_come(f, "192.0.2.7", &f->k->leaf)};
    r.a = asker_new("GET", "web.example", "/chat");
    r.a->exchange.request.protocol = SLICE("websocket");
    r.a->exchange.request.has_body = true;
    floor_send(r.v, r.a);
    r.c = way_open();
    return r;
}

static void a_websocket_ends_with_its_publication_as_such(void **state)
{
    struct floor *f = *state;
    struct relayed r = chat(f);
    put_bundle(f, publish("{\"id\":\"web\",\"host\":\"web.example\",\"auth\":[\"pki\"],\"purpose\":\"general\"}"));
    assert_withdrawn(&r, true);
}

static void a_websocket_ends_when_client_settings_say_no_and_a_plain_request_does_not(void **state)
{
    struct floor *f = *state;
    struct relayed plain = relay(f, "GET", "gw.example", BOTH), r = chat(f);
    char *no = forge_text(",\"disallowed\":[{\"by\":\"settings\",\"certificates\":[\"%s\"]}]",
                          floor_connection(r.v)->client.credential.sha256_hex);
    kit_bundle(f->k, no);
    free(no);
    assert_withdrawn(&plain, false);
    assert_withdrawn(&r, true);
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, floor_setup, floor_teardown)
    const struct CMUnitTest tests[] = {
        HELD(without_a_tunnel_to_the_endpoint_there_is_no_connector),
        HELD(a_tunnel_without_room_carries_nothing),
        HELD(a_tunnel_that_takes_no_call_is_as_none),
        HELD(the_tunnel_with_least_under_way_carries_the_request),
        HELD(who_has_as_much_under_way_as_is_left_for_all_others_gets_no_more),
        HELD(what_is_under_way_is_counted_until_it_is_over),
        HELD(a_safe_request_that_broke_is_tried_once_more_on_another_tunnel),
        HELD(a_request_that_may_have_been_done_is_not_done_twice),
        HELD(a_request_waits_for_a_tunnel_that_is_expected_and_goes_through_it),
        HELD(a_request_whose_tunnel_does_not_come_is_refused_after_some_seconds),
        HELD(no_request_waits_longer_because_a_tunnel_is_expected_over_and_over),
        HELD(a_request_that_waits_goes_with_its_client),
        HELD(a_safe_request_whose_only_connector_went_waits_for_it),
        HELD(a_device_has_no_more_requests_waiting_than_it_may_have_under_way),
        HELD(any_request_that_no_connector_processed_is_tried_again),
        HELD(a_site_in_trouble_is_not_asked_twice_as_much),
        HELD(a_way_that_takes_too_long_is_a_timeout),
        HELD(what_is_not_http_is_told_as_that),
        HELD(an_answer_that_breaks_off_breaks_off_towards_the_client),
        HELD(a_body_that_grows_over_what_the_endpoint_takes_is_refused),
        HELD(what_a_websocket_carries_is_no_body),
        HELD(a_connector_s_refusal_is_counted_as_the_gateway_s_own_and_its_reason_goes_no_further),
        HELD(an_unknown_reason_of_a_newer_connector_counts_as_none),
        HELD(by_host_the_answer_s_reason_phrase_is_left_alone),
        HELD(a_server_that_did_not_switch_to_websocket_is_heard_by_who_may_stay),
        HELD(bytes_of_both_directions_are_counted_when_it_is_over),
        HELD(a_client_that_goes_takes_its_call_along),
        HELD(a_request_goes_on_while_its_endpoint_would_let_it_in),
        HELD(a_request_ends_when_its_endpoint_is_published_no_longer),
        HELD(a_request_ends_when_its_endpoint_takes_its_credential_no_longer),
        HELD(a_request_ends_when_its_endpoint_takes_its_method_no_longer),
        HELD(a_request_ends_with_the_token_that_let_it_in_and_others_go_on),
        HELD(a_websocket_ends_with_its_publication_as_such),
        HELD(a_websocket_ends_when_client_settings_say_no_and_a_plain_request_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
