/* SPDX-License-Identifier: Apache-2.0 */
/* What a client's connection holds from its handshake to its end, and when the sweep ends it. */
#include "floor.h"

#include "base/mem.h"

enum { LONG_CHAINS_MAX = 256 };

static struct visitor *let_in(struct floor *f, const struct pair *shown)
{
    struct visitor *v = floor_come(f, "192.0.2.1", shown);
    struct asker *a = floor_ask(v, "GET", "gw.example", "/CCM_Proxy_MutualAuth/both");
    way_answer(way_open(), 204, "");
    asker_free(a);
    return v;
}

static bool sweep_all(struct floor *f)
{
    f->clients.sweep_next = LIST_FIRST(&f->clients.connections);
    bool over = gateway_connections_sweep(&f->clients, fake_wall_s);
    fake_loop_settle(f->loop);
    return over;
}

static void block(struct floor *f, const struct visitor *v)
{
    char *blocks =
        forge_text(",\"blocks\":[{\"certificates\":[\"%s\"]}]", floor_connection(v)->client.credential.sha256_hex);
    kit_bundle(f->k, blocks);
    free(blocks);
}

/* --- life --- */

static void a_connection_takes_its_handshake_s_place_and_gives_it_back(void **state)
{
    struct floor *f = *state;
    struct visitor *v = floor_come(f, "192.0.2.1", &f->k->leaf);
    assert_int_equal(f->clients.connection_count, 1);
    assert_int_equal(kit_counted(f->k, METRIC_CONNECTIONS), 1);
    assert_null(v->handshake.holder);
    assert_int_equal(crowd_count(f->clients.strangers, SLICE("192.0.2.1")), 1);
    assert_string_equal(floor_connection(v)->client.peer, "192.0.2.1");
    floor_leave(v);
    assert_int_equal(f->clients.connection_count, 0);
    assert_int_equal(kit_counted(f->k, METRIC_CONNECTIONS), 0);
    assert_int_equal(crowd_count(f->clients.strangers, SLICE("192.0.2.1")), 0);
    assert_true(LIST_EMPTY(&f->clients.connections));
}

static void which_http_it_speaks_the_handshake_has_said(void **state)
{
    struct floor *f = *state;
    struct visitor *one = floor_come(f, "192.0.2.1", NULL);
    assert_false(one->http->h2);
    fake_trust_slow = true; /* held, so that the test may still say what it negotiated */
    struct visitor *two = floor_arrive(f, "192.0.2.2", &f->k->leaf.cert, 1);
    two->alpn = "h2";
    fake_loop_settle(f->loop);
    assert_true(two->http->h2);
}

static void what_cost_its_decoding_alone_counts_as_a_refusal(void **state)
{
    struct floor *f = *state;
    struct visitor *v = floor_come(f, "192.0.2.1", NULL);
    for (unsigned i = 0; i < 100; i++)
        v->http->events->on_refused(v->http->owner);
    assert_false(v->http->stopped);
    v->http->events->on_refused(v->http->owner);
    assert_true(v->http->stopped);
}

/* --- the sweep --- */

static void a_sweep_ends_the_connection_of_a_blocked_device_and_no_other(void **state)
{
    struct floor *f = *state;
    struct pair other = MAKE(.cn = "device-2", .issuer = &f->k->root);
    struct visitor *blocked = let_in(f, &f->k->leaf), *good = let_in(f, &other),
                   *nobody = floor_come(f, "192.0.2.2", NULL);
    assert_true(sweep_all(f));
    assert_false(blocked->gone);
    block(f, blocked);
    assert_true(sweep_all(f));
    assert_true(blocked->gone);
    assert_false(good->gone || nobody->gone);
    drop(&other);
}

static void a_sweep_ends_the_connection_whose_certificate_has_expired(void **state)
{
    struct floor *f = *state;
    struct visitor *v = let_in(f, &f->k->leaf);
    fake_wall_s = NOW + 29 * DAY;
    assert_true(sweep_all(f));
    assert_false(v->gone);
    fake_wall_s = NOW + 31 * DAY;
    assert_true(sweep_all(f));
    assert_true(v->gone);
}

static void who_was_never_let_in_loses_nothing_by_a_sweep(void **state)
{
    struct floor *f = *state;
    struct visitor *v = floor_come(f, "192.0.2.1", &f->k->leaf);
    block(f, v);
    assert_true(sweep_all(f));
    assert_false(v->gone);
}

static void a_request_under_way_ends_with_the_right_that_let_it_in(void **state)
{
    struct floor *f = *state;
    struct visitor *v = floor_come(f, "192.0.2.1", &f->k->leaf);
    struct asker *a = floor_ask(v, "GET", "gw.example", "/CCM_Proxy_MutualAuth/both");
    struct way_call *c = way_open();
    assert_true(sweep_all(f));
    assert_false(c->cancelled || a->reset);
    block(f, v);
    assert_true(sweep_all(f));
    assert_true(c->cancelled && a->reset && v->gone);
    asker_free(a);
}

static void a_connection_that_is_judged_again_in_the_pool_stays_meanwhile(void **state)
{
    struct floor *f = *state;
    struct visitor *v = let_in(f, &f->k->leaf);
    fake_trust_slow = true;
    kit_bundle(f->k, ""); /* another generation */
    f->clients.sweep_next = LIST_FIRST(&f->clients.connections);
    assert_true(gateway_connections_sweep(&f->clients, fake_wall_s));
    assert_false(v->http->closed);
    struct asker *a = floor_ask(v, "GET", "gw.example", "/CCM_Proxy_MutualAuth/both");
    assert_int_equal(a->status, 429); /* a new request waits for that */
    asker_free(a);
    fake_loop_settle(f->loop);
    assert_false(v->gone);
    a = floor_ask(v, "GET", "gw.example", "/CCM_Proxy_MutualAuth/both");
    way_answer(way_open(), 204, "");
    asker_free(a);
}

static void a_verdict_that_the_pool_turns_round_ends_the_connection_at_once(void **state)
{
    struct floor *f = *state;
    struct visitor *v = let_in(f, &f->k->leaf);
    fake_trust_slow = true;
    block(f, v); /* and so another generation */
    struct asker *a = floor_ask(v, "GET", "gw.example", "/CCM_Proxy_MutualAuth/both");
    assert_int_equal(a->status, 429);
    asker_free(a);
    fake_loop_settle(f->loop); /* no sweep */
    assert_true(v->gone);
}

static void a_connection_that_goes_before_its_turn_in_the_pool_is_not_judged(void **state)
{
    struct floor *f = *state;
    struct visitor *first = let_in(f, &f->k->leaf), *second = let_in(f, &f->k->leaf);
    fake_trust_slow = true;
    kit_bundle(f->k, "");
    f->clients.sweep_next = LIST_FIRST(&f->clients.connections);
    (void)gateway_connections_sweep(&f->clients, fake_wall_s);
    floor_leave(first); /* the sweep began with the youngest: it is second in the queue */
    assert_true(first->gone && !second->gone);
    assert_int_equal(fake_trust_whole_answers, 1);
}

static void a_connection_stays_for_the_request_that_its_certificate_let_in_when_a_token_of_it_ends(void **state)
{
    struct floor *f = *state;
    struct visitor *v = floor_come(f, "192.0.2.1", &f->k->leaf);
    struct asker *a = floor_ask(v, "GET", "gw.example", "/CCM_Proxy_MutualAuth/both");
    struct way_call *by_certificate = way_open();
    struct token t = {.kind = TOKEN_ACCESS, .issued = NOW, .not_before = NOW, .expires = NOW + 3600};
    cstr_copy(t.subject, sizeof t.subject, KIT_GUID);
    cstr_copy(t.id, sizeof t.id, "jti-1");
    cstr_copy(t.x5t, sizeof t.x5t, floor_connection(v)->client.credential.x5t);
    kit_token(f->k, &t);
    struct asker *b = asker_new("GET", "gw.example", "/CCM_Proxy_ServerAuth/tokens");
    b->exchange.request.fields = f->k->request.fields;
    floor_send(v, b);
    struct way_call *by_token = way_open();

    kit_bundle(f->k, ",\"blocks\":[{\"tokens\":[\"jti-1\"]}]");
    assert_true(sweep_all(f));
    assert_true(by_token->cancelled && !by_certificate->cancelled && !v->gone);
    way_answer(by_certificate, 204, "");
    assert_true(sweep_all(f));
    assert_true(v->gone);
    asker_free(a);
    asker_free(b);
}

static void a_round_of_the_sweep_goes_on_behind_a_connection_that_left(void **state)
{
    struct floor *f = *state;
    struct visitor *last = floor_come(f, "192.0.2.1", NULL), *next = floor_come(f, "192.0.2.1", NULL);
    f->clients.sweep_next = floor_connection(next);
    struct gateway_connection *then = floor_connection(last);
    floor_leave(next);
    assert_ptr_equal(f->clients.sweep_next, then);
    floor_leave(last);
    assert_null(f->clients.sweep_next);
}

static void a_sweep_gives_back_the_certificate_s_text_that_nobody_asked_for(void **state)
{
    struct floor *f = *state;
    struct visitor *v = let_in(f, &f->k->leaf);
    struct credential *c = &floor_connection(v)->client.credential;
    assert_non_null(c->field.ptr);
    assert_true(sweep_all(f)); /* used since the last one */
    assert_non_null(c->field.ptr);
    assert_true(sweep_all(f));
    assert_null(c->field.ptr);
}

/* --- long chains --- */

static struct pair make_large(struct floor *f)
{
    static char comment[9 * 1024];
    memset(comment, 'x', sizeof comment - 1);
    return MAKE(.cn = "device", .issuer = &f->k->root, .ext = {{NID_netscape_comment, comment}});
}

static void strangers_with_long_chains_have_few_places_and_the_oldest_gives_way(void **state)
{
    struct floor *f = *state;
    struct pair large = make_large(f);
    f->places.connections = f->places.strangers_per_address = 1000;
    struct visitor *first = floor_come(f, "192.0.2.1", &large), *plain = floor_come(f, "192.0.2.1", &f->k->leaf);
    for (unsigned i = 1; i < LONG_CHAINS_MAX; i++)
        assert_non_null(floor_come(f, "192.0.2.1", &large));
    assert_int_equal(f->clients.long_chain_count, LONG_CHAINS_MAX);
    assert_false(first->gone);
    assert_non_null(floor_come(f, "192.0.2.1", &large));
    assert_true(first->gone);
    assert_false(plain->gone);
    assert_int_equal(f->clients.long_chain_count, LONG_CHAINS_MAX);
    assert_int_equal(floor_away(f, AWAY_LONG_CHAINS), 1);
    drop(&large);
}

static void who_was_let_in_may_show_a_long_chain(void **state)
{
    struct floor *f = *state;
    struct pair large = make_large(f);
    struct visitor *v = floor_come(f, "192.0.2.1", &large);
    assert_int_equal(f->clients.long_chain_count, 1);
    struct asker *a = floor_ask(v, "GET", "gw.example", "/CCM_Proxy_MutualAuth/both");
    assert_int_equal(f->clients.long_chain_count, 0);
    way_answer(way_open(), 204, "");
    asker_free(a);
    floor_leave(v);
    assert_int_equal(f->clients.long_chain_count, 0);
    drop(&large);
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, floor_setup, floor_teardown)
    const struct CMUnitTest tests[] = {
        HELD(a_connection_takes_its_handshake_s_place_and_gives_it_back),
        HELD(which_http_it_speaks_the_handshake_has_said),
        HELD(what_cost_its_decoding_alone_counts_as_a_refusal),
        HELD(a_sweep_ends_the_connection_of_a_blocked_device_and_no_other),
        HELD(a_sweep_ends_the_connection_whose_certificate_has_expired),
        HELD(who_was_never_let_in_loses_nothing_by_a_sweep),
        HELD(a_request_under_way_ends_with_the_right_that_let_it_in),
        HELD(a_connection_that_is_judged_again_in_the_pool_stays_meanwhile),
        HELD(a_verdict_that_the_pool_turns_round_ends_the_connection_at_once),
        HELD(a_connection_that_goes_before_its_turn_in_the_pool_is_not_judged),
        HELD(a_connection_stays_for_the_request_that_its_certificate_let_in_when_a_token_of_it_ends),
        HELD(a_round_of_the_sweep_goes_on_behind_a_connection_that_left),
        HELD(a_sweep_gives_back_the_certificate_s_text_that_nobody_asked_for),
        HELD(strangers_with_long_chains_have_few_places_and_the_oldest_gives_way),
        HELD(who_was_let_in_may_show_a_long_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
