/* SPDX-License-Identifier: Apache-2.0 */
/* What a server inside says passes without the gateway's voice in it, and what failed there gets a reason that names
 * nothing of the inside. */
#include "kit.h"

#include "base/mem.h"
#include "connector/request/forward.h"
#include "tunnel/device.h"

struct fixture {
    struct connector_config config;
    struct upstream *u;
    struct kit_exchange *e;
    unsigned news;
};

static const struct forward_sender device = {.by = {{"gw1", 3}, {"d1", 2}}};

static void on_news(void *ctx)
{
    ((struct fixture *)ctx)->news++;
}

static struct upstream *make_upstream(const struct fixture *f, bool websocket)
{
    struct upstream *u;
    struct error err = {.text = ""};
    struct upstream_options o = {.config = &f->config,
                                 .id = "e1",
                                 .scheme = "http",
                                 .host = "inside.example",
                                 .port = 80,
                                 .base_path = "",
                                 .websocket = websocket};
    if (upstream_new(NULL, &o, &u, &err) != OK)
        fail_msg("%s", err.text);
    return u;
}

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    f->u = make_upstream(f, false);
    f->e = kit_exchange_new("e1", "/x");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    kit_exchange_free(f->e);
    upstream_unref(f->u);
    free(f);
    kit_servers_reset();
    return 0;
}

/* Sends the request on its way; the server has not answered yet. */
static struct kit_call *forward(struct fixture *f)
{
    forward_start(&f->e->x, f->u, &device, on_news, f);
    kit_exchange_end(f->e);
    return kit_last_call();
}

static void the_answer_passes(void **state)
{
    struct fixture *f = *state;
    kit_answer(forward(f), 200, "content-type: text/plain\n", "hello");
    assert_int_equal(f->e->status, 200);
    assert_string_equal(f->e->body, "hello");
    kit_assert_field(f->e, "content-type: text/plain");
    kit_assert_no_field(f->e, "cmg-status-text");
    assert_true(f->e->over);
}

static void a_server_can_not_speak_with_the_gateway_s_voice(void **state)
{
    struct fixture *f = *state;
    kit_answer(forward(f), 200, "cmg-reason: revoked\ncmg-status: 200\nx-cmg-own: stays\n", "");
    kit_assert_no_field(f->e, "cmg-reason");
    kit_assert_no_field(f->e, "cmg-status");
    kit_assert_field(f->e, "x-cmg-own: stays");
}

static void a_refusal_from_inside_says_that_it_came_from_there(void **state)
{
    struct fixture *f = *state;
    kit_answer(forward(f), 404, "cmg-status-text: CMGService_Forged\n", "");
    assert_int_equal(f->e->status, 404);
    kit_assert_field(f->e, "cmg-status-text: CMGConnector_NotFound");
}

static void what_is_below_400_is_no_refusal(void **state)
{
    struct fixture *f = *state;
    kit_answer(forward(f), 399, "", "");
    kit_assert_no_field(f->e, "cmg-status-text");
}

static void nginx_s_own_496_reads_client_certificate_required(void **state)
{
    struct fixture *f = *state;
    kit_answer(forward(f), 496, "", "");
    kit_assert_field(f->e, "cmg-status-text: CMGConnector_Clientcertificaterequired");
}

static void nginx_s_page_tells_a_496_that_is_shown_as_400(void **state)
{
    struct fixture *f = *state;
    kit_answer(forward(f), 400, "server: nginx/1.22\n", "<center>No required SSL certificate was sent</center>");
    kit_assert_field(f->e, "cmg-status-text: CMGConnector_Clientcertificaterequired");
}

static void another_page_of_nginx_or_another_server_s_page_is_a_plain_400(void **state)
{
    struct fixture *f = *state;
    kit_answer(forward(f), 400, "server: nginx/1.22\n", "Request Header Or Cookie Too Large");
    kit_assert_field(f->e, "cmg-status-text: CMGConnector_BadRequest");

    struct kit_exchange *other = kit_exchange_new("e1", "/x");
    forward_start(&other->x, f->u, &device, on_news, f);
    kit_answer(kit_last_call(), 400, "server: apache\n", "No required SSL certificate was sent");
    kit_assert_field(other, "cmg-status-text: CMGConnector_BadRequest");
    kit_exchange_free(other);
}

/* --- failures --- */

static void each_failure_inside_has_a_reason(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum http_failure_kind kind;
        enum verdict_reason reason;
    } rows[] = {{HTTP_FAIL_NAME, REASON_UPSTREAM_NAME},
                {HTTP_FAIL_REFUSED, REASON_UPSTREAM_REFUSED},
                {HTTP_FAIL_REFUSED_STREAM, REASON_UPSTREAM_REFUSED},
                {HTTP_FAIL_TLS, REASON_UPSTREAM_TLS},
                {HTTP_FAIL_CERT_REQUIRED, REASON_UPSTREAM_CLIENT_CERTIFICATE},
                {HTTP_FAIL_TRUNCATED, REASON_UPSTREAM_TRUNCATED},
                {HTTP_FAIL_PROTOCOL, REASON_UPSTREAM_PROTOCOL},
                {HTTP_FAIL_TIMEOUT, REASON_UPSTREAM_TIMEOUT},
                {HTTP_FAIL_LIMIT, REASON_TOO_MANY_REQUESTS}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct kit_exchange *e = kit_exchange_new("e1", "/x");
        forward_start(&e->x, f->u, &device, on_news, f);
        kit_fail(kit_last_call(), rows[i].kind, false, "secret.inside:8443 is away");
        kit_assert_refused(e, rows[i].reason, NULL);
        assert_null(strstr(e->body, "secret.inside"));
        kit_exchange_free(e);
    }
}

static void what_an_administrator_must_mend_is_news_until_the_next_answer(void **state)
{
    struct fixture *f = *state;
    kit_fail(forward(f), HTTP_FAIL_TLS, false, "wrong name");
    assert_int_equal(f->news, 1);
    assert_string_equal(upstream_fault(f->u)->detail, "wrong name");

    struct kit_exchange *again = kit_exchange_new("e1", "/x");
    forward_start(&again->x, f->u, &device, on_news, f);
    kit_answer(kit_last_call(), 500, "", "");
    assert_int_equal(f->news, 2);
    assert_null(upstream_fault(f->u)->reason);
    kit_exchange_free(again);
}

static void what_passes_by_itself_is_no_news(void **state)
{
    struct fixture *f = *state;
    kit_fail(forward(f), HTTP_FAIL_TRUNCATED, false, "closed");
    assert_int_equal(f->news, 0);
    assert_null(upstream_fault(f->u)->reason);
}

static void what_was_refused_unprocessed_is_asked_once_more_and_no_more(void **state)
{
    struct fixture *f = *state;
    kit_fail(forward(f), HTTP_FAIL_REFUSED_STREAM, true, "GOAWAY");
    assert_int_equal(kit_servers.count, 2);
    assert_int_equal(f->e->status, 0);
    kit_fail(kit_last_call(), HTTP_FAIL_REFUSED_STREAM, true, "GOAWAY");
    assert_int_equal(kit_servers.count, 2);
    kit_assert_refused(f->e, REASON_UPSTREAM_REFUSED, NULL);
}

static void what_may_have_been_processed_is_not_asked_again(void **state)
{
    struct fixture *f = *state;
    kit_fail(forward(f), HTTP_FAIL_REFUSED_STREAM, false, "reset");
    assert_int_equal(kit_servers.count, 1);
    kit_assert_refused(f->e, REASON_UPSTREAM_REFUSED, NULL);

    struct kit_exchange *other = kit_exchange_new("e1", "/x");
    forward_start(&other->x, f->u, &device, on_news, f);
    kit_fail(kit_last_call(), HTTP_FAIL_TRUNCATED, true, "closed");
    assert_int_equal(kit_servers.count, 2);
    kit_exchange_free(other);
}

static void a_pool_without_room_refuses_the_request(void **state)
{
    struct fixture *f = *state;
    kit_servers.refuses = R_LIMIT;
    forward_start(&f->e->x, f->u, &device, on_news, f);
    kit_assert_refused(f->e, REASON_TOO_MANY_REQUESTS, NULL);
    kit_assert_field(f->e, "cache-control: no-store");
}

static void a_refusal_says_when_to_come_again_where_that_helps(void **state)
{
    struct fixture *f = *state;
    forward_refuse(&f->e->x, REASON_TOO_MANY_REQUESTS, NULL);
    assert_true(strstr(f->e->fields, "retry-after: ") != NULL);

    struct kit_exchange *other = kit_exchange_new("e1", "/x");
    forward_refuse(&other->x, REASON_UNKNOWN_ENDPOINT, NULL);
    kit_assert_no_field(other, "retry-after");
    kit_exchange_free(other);
}

static void a_request_id_that_is_no_text_is_left_out_of_the_answer(void **state UNUSED)
{
    struct kit_exchange *e = kit_exchange_new("e1", "/x");
    (void)http_fields_remove(&e->x.request.fields, SLICE("cmg-request-id"));
    assert_int_equal(http_fields_add(&e->x.request.fields, e->x.arena, SLICE("cmg-request-id"), SLICE("\xff")), OK);
    forward_refuse(&e->x, REASON_UNKNOWN_ENDPOINT, NULL);
    kit_assert_refused(e, REASON_UNKNOWN_ENDPOINT, "\"request_id\":\"\"");
    kit_exchange_free(e);
}

/* --- WebSocket --- */

static struct kit_exchange *websocket(bool may_stay)
{
    struct kit_exchange *e = kit_exchange_new("e1", "/x");
    e->x.request.protocol = SLICE("websocket");
    if (may_stay)
        assert_int_equal(http_fields_add(&e->x.request.fields, e->x.arena, SLICE(TUNNEL_STAY_FIELD), SLICE("1")), OK);
    return e;
}

static void a_websocket_is_refused_where_the_document_names_none(void **state)
{
    struct fixture *f = *state;
    struct kit_exchange *e = websocket(false);
    forward_start(&e->x, f->u, &device, on_news, f);
    kit_assert_refused(e, REASON_UNSUPPORTED, NULL);
    assert_int_equal(kit_servers.count, 0);
    kit_exchange_free(e);
}

static void a_2xx_to_a_handshake_travels_hidden_to_gateways_that_ask_for_it(void **state)
{
    struct fixture *f = *state;
    struct upstream *u = make_upstream(f, true);
    struct kit_exchange *e = websocket(true);
    forward_start(&e->x, u, &device, on_news, f);
    assert_null(strstr(kit_last_call()->fields, TUNNEL_STAY_FIELD));
    kit_answer(kit_last_call(), 204, "", "");
    assert_int_equal(e->status, TUNNEL_STAYED);
    kit_assert_field(e, TUNNEL_STATUS_FIELD ": 204");
    kit_exchange_free(e);
    upstream_unref(u);
}

static void a_2xx_to_others_stays_what_it_is(void **state)
{
    struct fixture *f = *state;
    struct upstream *u = make_upstream(f, true);
    struct kit_exchange *e = websocket(false);
    forward_start(&e->x, u, &device, on_news, f);
    kit_answer(kit_last_call(), 204, "", "");
    assert_int_equal(e->status, 204);
    kit_assert_no_field(e, TUNNEL_STATUS_FIELD);
    kit_exchange_free(e);
    upstream_unref(u);
}

static void a_handshake_that_broke_says_what_was_expected(void **state)
{
    struct fixture *f = *state;
    struct upstream *u = make_upstream(f, true);
    struct kit_exchange *e = websocket(false);
    forward_start(&e->x, u, &device, on_news, f);
    kit_fail(kit_last_call(), HTTP_FAIL_PROTOCOL, false, "a wrong Sec-WebSocket-Accept");
    kit_assert_refused(e, REASON_UPSTREAM_PROTOCOL, "RFC 6455");
    kit_exchange_free(e);
    upstream_unref(u);
}

/* --- ends --- */

static void a_request_under_way_outlives_its_upstream_s_document(void **state)
{
    struct fixture *f = *state;
    struct kit_call *c = forward(f);
    upstream_unref(f->u);
    f->u = NULL;
    assert_int_equal(kit_servers.pools, 1);
    kit_answer(c, 200, "", "late");
    assert_string_equal(f->e->body, "late");
    assert_int_equal(kit_servers.pools, 0);
}

static void an_answer_that_breaks_off_breaks_off_for_the_gateway_too(void **state)
{
    struct fixture *f = *state;
    struct kit_call *c = forward(f);
    kit_answer_head(c, 200, "");
    kit_fail(c, HTTP_FAIL_TRUNCATED, false, "closed");
    assert_true(f->e->reset);
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        HELD(the_answer_passes),
        HELD(a_server_can_not_speak_with_the_gateway_s_voice),
        HELD(a_refusal_from_inside_says_that_it_came_from_there),
        HELD(what_is_below_400_is_no_refusal),
        HELD(nginx_s_own_496_reads_client_certificate_required),
        HELD(nginx_s_page_tells_a_496_that_is_shown_as_400),
        HELD(another_page_of_nginx_or_another_server_s_page_is_a_plain_400),
        HELD(each_failure_inside_has_a_reason),
        HELD(what_an_administrator_must_mend_is_news_until_the_next_answer),
        HELD(what_passes_by_itself_is_no_news),
        HELD(what_was_refused_unprocessed_is_asked_once_more_and_no_more),
        HELD(what_may_have_been_processed_is_not_asked_again),
        HELD(a_pool_without_room_refuses_the_request),
        HELD(a_refusal_says_when_to_come_again_where_that_helps),
        HELD(a_request_id_that_is_no_text_is_left_out_of_the_answer),
        HELD(a_websocket_is_refused_where_the_document_names_none),
        HELD(a_2xx_to_a_handshake_travels_hidden_to_gateways_that_ask_for_it),
        HELD(a_2xx_to_others_stays_what_it_is),
        HELD(a_handshake_that_broke_says_what_was_expected),
        HELD(a_request_under_way_outlives_its_upstream_s_document),
        HELD(an_answer_that_breaks_off_breaks_off_for_the_gateway_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
