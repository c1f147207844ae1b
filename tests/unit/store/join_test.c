/* SPDX-License-Identifier: Apache-2.0 */
/* Join strings: one for an id, used once, gone when it expired, was heard of or its role was removed. */
#include "fixture.h"

#include "store/site/join.h"
#include "store/site/role.h"

enum { NOW = 1800000000, HOUR = 3600 };

static void put(struct fixture *f, const char *kind, const char *id, const char *jwk)
{
    const struct store_join j = {.kind = kind, .id = id, .jwk = jwk, .made = NOW, .expires = NOW + HOUR};
    ok(f, store_join_put(f->store, &j, &f->err));
}

static enum result get(struct fixture *f, const char *kind, const char *id, int64_t now, struct store_join *ret)
{
    return store_join_get(f->store, f->arena, kind, id, now, ret, &f->err);
}

static enum result use(struct fixture *f, const char *spki)
{
    const struct store_join j = {
        .kind = "gateway", .id = "gw1", .jwk = "key", .used = NOW + 1, .spki = spki, .answer = "answer"};
    return store_join_use(f->store, &j, &f->err);
}

static int64_t site_sequence(struct fixture *f)
{
    int64_t ret;
    ok(f, store_sequence_get(f->store, STORE_SEQUENCE_SITE, &ret, NULL, &f->err));
    return ret;
}

static void a_string_is_found_until_it_expires_and_of_its_kind_alone(void **state)
{
    struct fixture *f = *state;
    struct store_join j;
    put(f, "gateway", "gw1", "key");
    ok(f, get(f, "gateway", "gw1", NOW + HOUR - 1, &j));
    assert_string_equal(j.jwk, "key");
    assert_true(j.used == 0 && !*j.spki && !*j.answer);
    assert_int_equal(get(f, "gateway", "gw1", NOW + HOUR, &j), R_NOTFOUND);
    assert_int_equal(get(f, "connector", "gw1", NOW, &j), R_NOTFOUND);
}

static void it_is_used_once_and_keeps_what_was_answered(void **state)
{
    struct fixture *f = *state;
    struct store_join j;
    put(f, "gateway", "gw1", "key");
    ok(f, use(f, "one"));
    assert_int_equal(use(f, "two"), R_NOTFOUND);
    ok(f, get(f, "gateway", "gw1", NOW, &j));
    assert_string_equal(j.spki, "one");
    assert_string_equal(j.answer, "answer");
}

static void another_takes_its_place_unused(void **state)
{
    struct fixture *f = *state;
    struct store_join j;
    put(f, "gateway", "gw1", "key");
    ok(f, use(f, "one"));
    put(f, "gateway", "gw1", "new");
    assert_int_equal(use(f, "two"), R_NOTFOUND); /* by the string of before */
    ok(f, get(f, "gateway", "gw1", NOW, &j));
    assert_string_equal(j.jwk, "new");
    assert_true(j.used == 0 && !*j.spki && !*j.answer);
}

static void who_is_heard_of_loses_a_used_string_alone(void **state)
{
    struct fixture *f = *state;
    struct store_join j;
    put(f, "gateway", "gw1", "key");
    ok(f, store_join_heard(f->store, "gateway", "gw1", &f->err)); /* by the certificate of before */
    ok(f, get(f, "gateway", "gw1", NOW, &j));
    ok(f, use(f, "one"));
    ok(f, store_join_heard(f->store, "gateway", "gw1", &f->err));
    assert_int_equal(get(f, "gateway", "gw1", NOW, &j), R_NOTFOUND);
}

static void those_that_expired_go_and_connectors_are_told_once(void **state)
{
    struct fixture *f = *state;
    struct store_join *list;
    size_t count;
    put(f, "gateway", "gw1", "key");
    put(f, "connector", "cp1", "key");
    int64_t before = site_sequence(f);
    ok(f, store_join_expire(f->store, NOW, &f->err));
    assert_true(site_sequence(f) == before);
    ok(f, store_join_expire(f->store, NOW + HOUR, &f->err));
    assert_true(site_sequence(f) > before);
    ok(f, store_join_list(f->store, f->arena, NOW, &list, &count, &f->err));
    assert_int_equal(count, 0);
}

static void a_removed_role_takes_its_string_along(void **state)
{
    struct fixture *f = *state;
    struct store_join j;
    const struct store_gateway g = {.id = "gw1", .host = "a.example", .port = 443, .created = NOW};
    ok(f, store_gateway_add(f->store, &g, &f->err));
    put(f, "gateway", "gw1", "key");
    ok(f, store_gateway_remove(f->store, "gw1", &f->err));
    assert_int_equal(get(f, "gateway", "gw1", NOW, &j), R_NOTFOUND);
    ok(f, store_gateway_add(f->store, &g, &f->err)); /* nothing was issued, so nothing is withdrawn */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_string_is_found_until_it_expires_and_of_its_kind_alone, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(it_is_used_once_and_keeps_what_was_answered, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(another_takes_its_place_unused, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(who_is_heard_of_loses_a_used_string_alone, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(those_that_expired_go_and_connectors_are_told_once, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_removed_role_takes_its_string_along, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
