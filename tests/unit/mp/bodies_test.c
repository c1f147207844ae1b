/* SPDX-License-Identifier: Apache-2.0 */
/* How much bodies may hold together, and who of those that nobody vouches for gives way. */
#include "cmocka_first.h"

#include <stdio.h>

#include "mp/server/bodies.h"

enum { MIB = 1024 * 1024, CONNECTIONS = 64 };

static size_t fill(struct mp_bodies *b, struct mp_body_share *s)
{
    while (mp_body_take(b, s, MIB) == MP_BODY_ROOM)
        continue;
    return s->held;
}

/* Two operators with as many connections as they like, and an administrator with the longest list that is taken. */
static void who_is_no_administrator_takes_none_of_an_administrators_room(void **state)
{
    static struct mp_bodies b;
    static struct mp_body_share shares[CONNECTIONS];
    static size_t connections[CONNECTIONS];
    struct mp_body_share administrator = {.whose = "uid:0"};
    size_t held = 0;
    (void)state;
    mp_bodies_open(&b, &mp_admin_body_limits);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        (void)snprintf(shares[i].whose, sizeof shares[i].whose, "uid:%d", i % 2 ? 1000 : 1001);
        shares[i].connection = &connections[i];
        held += fill(&b, &shares[i]);
    }
    assert_true(held > 0 && held <= 32 * (size_t)MIB);
    assert_true(fill(&b, &administrator) >= 64 * (size_t)MIB);
    assert_true(b.all <= 128 * (size_t)MIB);
    mp_body_give_back(&administrator);
    for (size_t i = 0; i < CONNECTIONS; i++)
        mp_body_give_back(&shares[i]);
    assert_int_equal(b.all, 0);
    mp_bodies_close(&b);
}

enum { ADDRESSES = 4, OF_ADDRESS = 16, PIECE = 64 * 1024, PIECES = 4 };

static struct {
    struct mp_bodies b;
    struct mp_body_share shares[ADDRESSES][OF_ADDRESS], late;
    size_t connections[ADDRESSES][OF_ADDRESS], late_connection;
    struct mp_body_share *gave_way;
    size_t gave_way_count;
} crowded;

static void note_way(struct mp_body_share *s)
{
    assert_int_equal(s->held, 0);
    crowded.gave_way = s;
    crowded.gave_way_count++;
}

static void share_of(struct mp_body_share *s, size_t *connection, const char *whose)
{
    *s = (struct mp_body_share){.connection = connection, .give_way = note_way};
    (void)snprintf(s->whose, sizeof s->whose, "%s", whose);
}

/* Each address to its own edge, which are all that strangers may hold together. */
static void four_addresses_fill_it(void)
{
    memset(&crowded, 0, sizeof crowded);
    mp_bodies_open(&crowded.b, &mp_body_limits);
    for (size_t a = 0; a < ADDRESSES; a++) {
        for (size_t i = 0; i < OF_ADDRESS; i++) {
            struct mp_body_share *s = &crowded.shares[a][i];
            char whose[32];
            (void)snprintf(whose, sizeof whose, "address 192.0.2.%zu", a);
            share_of(s, &crowded.connections[a][i], whose);
            for (int n = 0; n < PIECES; n++)
                assert_int_equal(mp_body_take(&crowded.b, s, PIECE), MP_BODY_ROOM);
        }
    }
    assert_int_equal(crowded.b.strangers, mp_body_limits.strangers);
    share_of(&crowded.late, &crowded.late_connection, "address 192.0.2.99");
}

static void empty_it(void)
{
    for (size_t a = 0; a < ADDRESSES; a++)
        for (size_t i = 0; i < OF_ADDRESS; i++)
            mp_body_give_back(&crowded.shares[a][i]);
    mp_body_give_back(&crowded.late);
    assert_int_equal(crowded.b.all, 0);
    assert_int_equal(crowded.b.strangers, 0);
    mp_bodies_close(&crowded.b);
}

static void who_holds_most_gives_way_to_an_address_that_holds_little(void **state)
{
    (void)state;
    four_addresses_fill_it();
    assert_int_equal(mp_body_take(&crowded.b, &crowded.late, PIECE), MP_BODY_ROOM);
    assert_int_equal(crowded.gave_way_count, 1);
    assert_ptr_equal(crowded.gave_way, &crowded.shares[0][0]);
    assert_true(crowded.b.strangers <= mp_body_limits.strangers);
    assert_int_equal(crowded.connections[0][0], 0);
    empty_it();
}

static void who_holds_as_much_as_anybody_makes_room_by_itself(void **state)
{
    (void)state;
    four_addresses_fill_it();
    for (size_t taken = PIECE; taken <= mp_body_limits.connection; taken += PIECE)
        assert_int_equal(mp_body_take(&crowded.b, &crowded.late, PIECE), MP_BODY_ROOM);
    size_t before = crowded.gave_way_count;
    struct mp_body_share *own = &crowded.shares[2][OF_ADDRESS - 1];
    mp_body_give_back(own); /* a body ends; the address begins others until all is full again, and over it */
    for (size_t n = 0; n < PIECES; n++)
        assert_int_equal(mp_body_take(&crowded.b, own, PIECE), MP_BODY_ROOM);
    assert_true(crowded.gave_way_count <= before + 1);
    assert_true(crowded.b.strangers <= mp_body_limits.strangers);
    empty_it();
}

/* Its handler may be waiting for something: nobody else may end it. */
static void a_body_that_is_whole_gives_way_to_nobody(void **state)
{
    (void)state;
    four_addresses_fill_it();
    for (size_t a = 0; a < ADDRESSES; a++)
        for (size_t i = 0; i < OF_ADDRESS; i++)
            mp_body_whole(&crowded.shares[a][i]);
    assert_int_equal(mp_body_take(&crowded.b, &crowded.late, PIECE), MP_BODY_ALL_FULL);
    assert_int_equal(crowded.late.held, 0);
    assert_int_equal(crowded.gave_way_count, 0);
    mp_body_give_back(&crowded.shares[1][3]);
    assert_int_equal(mp_body_take(&crowded.b, &crowded.late, PIECE), MP_BODY_ROOM);
    empty_it();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_no_administrator_takes_none_of_an_administrators_room),
        cmocka_unit_test(who_holds_most_gives_way_to_an_address_that_holds_little),
        cmocka_unit_test(who_holds_as_much_as_anybody_makes_room_by_itself),
        cmocka_unit_test(a_body_that_is_whole_gives_way_to_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
