/* SPDX-License-Identifier: Apache-2.0 */
/* How much the bodies at the admin socket may hold together, and whose they are. */
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
    mp_bodies_init(&b, &mp_admin_body_limits);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        (void)snprintf(shares[i].whose, sizeof shares[i].whose, "uid:%d", i % 2 ? 1000 : 1001);
        shares[i].connection = &connections[i];
        held += fill(&b, &shares[i]);
    }
    assert_true(held > 0 && held <= 32 * (size_t)MIB);
    assert_true(fill(&b, &administrator) >= 64 * (size_t)MIB);
    assert_true(b.all <= 128 * (size_t)MIB);
    mp_body_give_back(&b, &administrator);
    for (size_t i = 0; i < CONNECTIONS; i++)
        mp_body_give_back(&b, &shares[i]);
    assert_int_equal(b.all, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_no_administrator_takes_none_of_an_administrators_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
