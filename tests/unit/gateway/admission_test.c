/* SPDX-License-Identifier: Apache-2.0 */
/* Who may take a worker's place, who gives way for whom, and under which word it is counted. */
#include "floor.h"

#include "net/strangers.h"
#include "net/tcp.h"

/* A worker of eight places; an address may have four strangers, a device two connections. */
enum { PLACES = 8, OF_ADDRESS = 4 };

static struct visitor *stranger(struct floor *f, const char *address)
{
    return floor_come(f, address, NULL);
}

/* One of its requests was let in. */
static struct visitor *device(struct floor *f, const struct pair *shown)
{
    struct visitor *v = floor_come(f, "192.0.2.1", shown);
    struct asker *a = floor_ask(v, "GET", "gw.example", "/CCM_Proxy_MutualAuth/both");
    assert_true(v->http->let_in);
    way_answer(way_open(), 204, "");
    asker_free(a);
    return v;
}

/* Eight devices hold all places. */
static void fill(struct floor *f, struct pair made[PLACES], struct visitor *v[PLACES])
{
    for (size_t i = 0; i < PLACES; i++) {
        made[i] = MAKE(.cn = "device", .issuer = &f->k->root);
        v[i] = device(f, &made[i]);
    }
    assert_int_equal(f->clients.connection_count, PLACES);
}

static void drop_all(struct pair made[PLACES])
{
    for (size_t i = 0; i < PLACES; i++)
        drop(&made[i]);
}

static void over_all_places_the_oldest_stranger_of_the_address_that_has_most_gives_way(void **state)
{
    struct floor *f = *state;
    struct visitor *alone = stranger(f, "192.0.2.1");
    struct visitor *crowd[3];
    for (size_t i = 0; i < 3; i++)
        crowd[i] = stranger(f, "192.0.2.2");
    for (size_t i = 0; i < 4; i++)
        (void)stranger(f, i % 2 ? "192.0.2.3" : "192.0.2.4");
    assert_int_equal(f->clients.connection_count, PLACES);
    assert_non_null(stranger(f, "192.0.2.5"));
    assert_true(crowd[0]->gone);
    assert_false(crowd[1]->gone || alone->gone);
    assert_int_equal(floor_away(f, AWAY_ROOM), 1);
}

static void an_address_over_its_share_gives_up_its_own_oldest_stranger(void **state)
{
    struct floor *f = *state;
    struct visitor *other = stranger(f, "192.0.2.1"), *first = stranger(f, "192.0.2.2");
    for (size_t i = 1; i < OF_ADDRESS; i++)
        (void)stranger(f, "192.0.2.2");
    assert_false(first->gone);
    assert_non_null(stranger(f, "192.0.2.2"));
    assert_true(first->gone);
    assert_false(other->gone);
    assert_int_equal(floor_away(f, AWAY_ADDRESS_SHARE), 1);
}

static void an_ipv6_address_counts_by_its_network(void **state)
{
    struct floor *f = *state;
    struct visitor *first = stranger(f, "[2001:db8::1]");
    (void)stranger(f, "[2001:db8::2]");
    (void)stranger(f, "[2001:db8::3:4]");
    (void)stranger(f, "[2001:db8:0:1::1]"); /* another one */
    (void)stranger(f, "[2001:db8::5]");
    assert_false(first->gone);
    (void)stranger(f, "[2001:db8::6]");
    assert_true(first->gone);
}

static void an_address_that_comes_too_fast_is_turned_away_and_may_come_again_later(void **state)
{
    struct floor *f = *state;
    crowd_free(f->clients.strangers);
    crowd_free(f->clients.long_chains);
    crowd_free(f->clients.devices);
    f->config.handshakes_per_address = 1;
    admission_start(&f->clients, &f->config);
    for (size_t i = 0; i < NET_STRANGERS_BURST_S; i++)
        assert_non_null(stranger(f, "192.0.2.2"));
    assert_null(stranger(f, "192.0.2.2"));
    assert_int_equal(floor_away(f, AWAY_ADDRESS_RATE), 1);
    assert_non_null(stranger(f, "192.0.2.3"));
    floor_pass(f, 1000);
    assert_non_null(stranger(f, "192.0.2.2"));
}

static void who_was_let_in_is_no_stranger_and_gives_way_to_none_while_busy(void **state)
{
    struct floor *f = *state;
    struct pair made[PLACES];
    struct visitor *v[PLACES];
    fill(f, made, v);
    for (size_t i = 0; i < PLACES; i++)
        v[i]->http->exchanges = 1;
    assert_null(stranger(f, "192.0.2.9"));
    assert_int_equal(floor_away(f, AWAY_FULL), 1);
    for (size_t i = 0; i < PLACES; i++)
        assert_false(v[i]->gone);
    drop_all(made);
}

static void an_idle_connection_gives_way_when_no_stranger_is_left(void **state)
{
    struct floor *f = *state;
    struct pair made[PLACES];
    struct visitor *v[PLACES];
    fill(f, made, v);
    for (size_t i = 0; i < PLACES; i++)
        v[i]->http->exchanges = i != 3;
    assert_non_null(stranger(f, "192.0.2.9"));
    assert_true(v[3]->gone);
    assert_int_equal(floor_away(f, AWAY_IDLE), 1);
    drop_all(made);
}

static void a_connection_that_closes_already_gives_no_place_twice(void **state)
{
    struct floor *f = *state;
    struct pair made[PLACES];
    struct visitor *v[PLACES];
    struct net_address at;
    struct error err;
    fill(f, made, v);
    for (size_t i = 0; i < PLACES; i++)
        v[i]->http->exchanges = i != 3;
    char *block =
        forge_text(",\"blocks\":[{\"certificates\":[\"%s\"]}]", floor_connection(v[3])->client.credential.sha256_hex);
    kit_bundle(f->k, block);
    free(block);

    f->clients.sweep_next = floor_connection(v[3]);
    (void)gateway_connections_sweep(&f->clients, fake_wall_s);
    assert_true(v[3]->http->closed && !v[3]->gone); /* on_close has not come yet */
    assert_int_equal(net_address_parse(SLICE("192.0.2.9:1"), &at, &err), OK);
    assert_false(admission_ask(&f->clients, &at));
    fake_loop_settle(f->loop);
    assert_true(admission_ask(&f->clients, &at));
    drop_all(made);
}

static void a_device_over_its_share_gives_up_its_own_idle_connection(void **state)
{
    struct floor *f = *state;
    struct visitor *other = device(f, &f->k->leaf), *first = NULL;
    struct pair made = MAKE(.cn = "device", .issuer = &f->k->root);
    first = device(f, &made);
    struct visitor *second = device(f, &made);
    (void)device(f, &made);
    fake_loop_settle(f->loop);
    assert_true(first->gone);
    assert_false(second->gone || other->gone);
    assert_int_equal(floor_away(f, AWAY_DEVICE_SHARE), 1);
    drop(&made);
}

static void a_connection_in_use_is_its_device_s_youngest_again(void **state)
{
    struct floor *f = *state;
    struct visitor *first = device(f, &f->k->leaf), *second = device(f, &f->k->leaf);
    struct asker *a = floor_ask(first, "GET", "gw.example", "/CCM_Proxy_MutualAuth/both");
    way_answer(way_open(), 204, "");
    asker_free(a);
    (void)device(f, &f->k->leaf);
    fake_loop_settle(f->loop);
    assert_false(first->gone);
    assert_true(second->gone);
}

static void who_is_let_in_leaves_the_strangers_of_its_address(void **state)
{
    struct floor *f = *state;
    struct visitor *v = device(f, &f->k->leaf);
    assert_int_equal(crowd_count(f->clients.strangers, SLICE("192.0.2.1")), 0);
    assert_int_equal(crowd_count(f->clients.devices, slice_of(floor_connection(v)->client.credential.sha256_hex)), 1);
}

static void strangers_that_stay_too_long_are_ended_and_devices_are_not(void **state)
{
    struct floor *f = *state;
    struct visitor *known = device(f, &f->k->leaf), *old = stranger(f, "192.0.2.2");
    floor_pass(f, NET_STRANGERS_MS - 1000);
    struct visitor *young = stranger(f, "192.0.2.3");
    assert_false(admission_end_late(&f->clients));
    assert_false(old->http->closed);
    floor_pass(f, 1001);
    assert_false(admission_end_late(&f->clients));
    fake_loop_settle(f->loop);
    assert_true(old->gone);
    assert_false(known->gone || young->gone);
    assert_int_equal(floor_away(f, AWAY_LATE), 1);
}

static void strangers_that_hold_too_much_memory_give_way_from_the_address_that_holds_most(void **state)
{
    struct floor *f = *state;
    struct visitor *a = stranger(f, "192.0.2.1"), *b = stranger(f, "192.0.2.2"), *c = stranger(f, "192.0.2.2");
    a->http->events->on_held(a->http->owner, 12 << 20);
    b->http->events->on_held(b->http->owner, 10 << 20);
    c->http->events->on_held(c->http->owner, 9 << 20);
    assert_int_equal(floor_away(f, AWAY_MEMORY), 0);
    a->http->events->on_held(a->http->owner, 14 << 20);
    fake_loop_settle(f->loop);
    assert_true(b->gone);
    assert_false(a->gone || c->gone);
    assert_int_equal(floor_away(f, AWAY_MEMORY), 1);
}

/* Answers that nobody takes, on as many connections as it likes. */
static void a_device_that_holds_most_memory_gives_way_and_no_device_with_little(void **state)
{
    struct floor *f = *state;
    enum { DEVICES = 6, MIB = 1 << 20 };
    struct pair greedy = MAKE(.cn = "device", .issuer = &f->k->root), made[DEVICES];
    struct visitor *first = device(f, &greedy), *second = device(f, &greedy), *v[DEVICES];
    for (size_t i = 0; i < DEVICES; i++) {
        made[i] = MAKE(.cn = "device", .issuer = &f->k->root);
        v[i] = device(f, &made[i]);
        v[i]->http->events->on_held(v[i]->http->owner, NET_KNOWN_SHARE);
    }
    first->http->events->on_held(first->http->owner, 20 * MIB);
    second->http->events->on_held(second->http->owner, 44 * MIB);
    assert_int_equal(floor_away(f, AWAY_DEVICE_MEMORY), 0); /* as much as there may be */
    v[0]->http->events->on_held(v[0]->http->owner, NET_KNOWN_SHARE - MIB);
    second->http->events->on_held(second->http->owner, 46 * MIB);
    fake_loop_settle(f->loop);
    assert_true(first->gone);
    assert_false(second->gone);
    for (size_t i = 0; i < DEVICES; i++)
        assert_false(v[i]->gone);
    assert_int_equal(floor_away(f, AWAY_DEVICE_MEMORY), 1);
    drop(&greedy);
    for (size_t i = 0; i < DEVICES; i++)
        drop(&made[i]);
}

static void what_the_listener_drops_is_counted_by_its_cause(void **state)
{
    struct floor *f = *state;
    admission_guard.dropped(&f->clients, NET_DROPPED_STALE);
    assert_int_equal(floor_away(f, AWAY_STALE), 1);
    admission_guard.dropped(&f->clients, NET_DROPPED_FULL);
    assert_int_equal(floor_away(f, AWAY_DESCRIPTORS), 1);
}

static void out_of_descriptors_a_stranger_is_given_up_and_without_any_none(void **state)
{
    struct floor *f = *state;
    assert_false(admission_guard.make_room(&f->clients));
    struct visitor *v = stranger(f, "192.0.2.1");
    assert_true(admission_guard.make_room(&f->clients));
    fake_loop_settle(f->loop);
    assert_true(v->gone);
    assert_int_equal(floor_away(f, AWAY_DESCRIPTORS), 1);
}

static void refusals_are_an_address_s_share_and_come_back(void **state)
{
    struct floor *f = *state;
    struct visitor *v = stranger(f, "192.0.2.1"), *same = stranger(f, "192.0.2.1"), *other = stranger(f, "192.0.2.2");
    for (unsigned i = 0; i < 100; i++)
        assert_false(admission_refused_too_often(floor_connection(i % 2 ? v : same)));
    assert_true(admission_refused_too_often(floor_connection(v)));
    assert_true(admission_refused_too_often(floor_connection(same)));
    assert_false(admission_refused_too_often(floor_connection(other)));
    floor_pass(f, 1000);
    assert_false(admission_refused_too_often(floor_connection(v)));
}

static void who_was_let_in_has_no_share_of_refusals(void **state)
{
    struct floor *f = *state;
    struct visitor *v = device(f, &f->k->leaf);
    for (unsigned i = 0; i < 200; i++)
        assert_false(admission_refused_too_often(floor_connection(v)));
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, floor_setup, floor_teardown)
    const struct CMUnitTest tests[] = {
        HELD(over_all_places_the_oldest_stranger_of_the_address_that_has_most_gives_way),
        HELD(an_address_over_its_share_gives_up_its_own_oldest_stranger),
        HELD(an_ipv6_address_counts_by_its_network),
        HELD(an_address_that_comes_too_fast_is_turned_away_and_may_come_again_later),
        HELD(who_was_let_in_is_no_stranger_and_gives_way_to_none_while_busy),
        HELD(an_idle_connection_gives_way_when_no_stranger_is_left),
        HELD(a_connection_that_closes_already_gives_no_place_twice),
        HELD(a_device_over_its_share_gives_up_its_own_idle_connection),
        HELD(a_connection_in_use_is_its_device_s_youngest_again),
        HELD(who_is_let_in_leaves_the_strangers_of_its_address),
        HELD(strangers_that_stay_too_long_are_ended_and_devices_are_not),
        HELD(strangers_that_hold_too_much_memory_give_way_from_the_address_that_holds_most),
        HELD(a_device_that_holds_most_memory_gives_way_and_no_device_with_little),
        HELD(what_the_listener_drops_is_counted_by_its_cause),
        HELD(out_of_descriptors_a_stranger_is_given_up_and_without_any_none),
        HELD(refusals_are_an_address_s_share_and_come_back),
        HELD(who_was_let_in_has_no_share_of_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
