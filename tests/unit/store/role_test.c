/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways, connectors and management points: whose certificates are withdrawn until when, and what each change tells
 * the others. */
#include "clocked.h"

#include "store/site/endpoint.h"
#include "store/site/join.h"
#include "store/site/role.h"

enum { YEAR = 366 * DAY };

static void add_gateway(struct fixture *f, const char *id, int64_t not_after)
{
    const struct store_gateway g = {
        .id = id, .host = "gw.example", .port = 443, .created = NOW, .not_after = not_after};
    ok(f, store_gateway_add(f->store, &g, &f->err));
}

static void add_connector(struct fixture *f, const char *id, int64_t not_after, const char *pki)
{
    const struct store_connector c = {
        .id = id, .created = NOW, .not_after = not_after, .pki_sha256 = pki, .pki_subject = pki ? "CN=cp" : NULL};
    ok(f, store_connector_add(f->store, &c, &f->err));
}

static struct store_gateway gateway(struct fixture *f, const char *id)
{
    struct store_gateway g;
    ok(f, store_gateway_get(f->store, f->arena, id, &g, &f->err));
    return g;
}

static struct store_connector connector(struct fixture *f, const char *id)
{
    struct store_connector c;
    ok(f, store_connector_get(f->store, f->arena, id, &c, &f->err));
    return c;
}

/* How long the id is told to be withdrawn at this time; -1: it is not. */
static int64_t withdrawn(struct fixture *f, const char *kind, const char *id, int64_t now)
{
    struct store_revoked *list;
    size_t n;
    ok(f, store_revoked_list(f->store, f->arena, now, &list, &n, &f->err));
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i].kind, kind) == 0 && strcmp(list[i].id, id) == 0)
            return list[i].until;
    }
    return -1;
}

/* --- an id --- */

static void an_id_is_of_one_kind(void **state)
{
    struct fixture *f = *state;
    add_gateway(f, "a", NOW + YEAR);
    add_connector(f, "a", NOW + YEAR, NULL); /* the other kind's is another */
    assert_int_equal(store_gateway_add(f->store, &(struct store_gateway){.id = "a", .host = "h"}, &f->err), R_CONFLICT);
    assert_non_null(strstr(f->err.text, "a gateway 'a'"));
    assert_non_null(strstr(f->err.remedy, "cmg gateway add"));
    assert_int_equal(store_connector_add(f->store, &(struct store_connector){.id = "a"}, &f->err), R_CONFLICT);
    assert_non_null(strstr(f->err.remedy, "cmg connector"));
    ok(f, store_gateway_remove(f->store, "a", &f->err));
    assert_int_equal(connector(f, "a").not_after, NOW + YEAR);
    assert_int_equal(withdrawn(f, "connector", "a", NOW), -1);
}

static void an_id_is_free_the_second_after_its_certificate_ended(void **state)
{
    struct fixture *f = *state;
    add_gateway(f, "gw", NOW + 100);
    ok(f, store_gateway_remove(f->store, "gw", &f->err));
    assert_int_equal(withdrawn(f, "gateway", "gw", NOW + 100), 0);
    assert_int_equal(withdrawn(f, "gateway", "gw", NOW + 101), -1);
    fake_wall_s = NOW + 100;
    assert_int_equal(store_gateway_add(f->store, &(struct store_gateway){.id = "gw", .host = "h"}, &f->err),
                     R_CONFLICT);
    assert_non_null(strstr(f->err.text, "take another id"));
    fake_wall_s = NOW + 101;
    add_gateway(f, "gw", NOW + YEAR);
}

static void who_never_had_a_certificate_leaves_its_id_free(void **state)
{
    struct fixture *f = *state;
    add_connector(f, "cp", 0, NULL); /* that waits for who joins */
    ok(f, store_connector_remove(f->store, "cp", &f->err));
    assert_int_equal(withdrawn(f, "connector", "cp", NOW), -1);
    add_connector(f, "cp", 0, NULL);
}

/* --- another certificate --- */

static void a_renewal_of_its_own_never_shortens_what_was_given(void **state)
{
    struct fixture *f = *state;
    add_gateway(f, "gw", NOW + 100);
    add_connector(f, "cp", NOW + 100, NULL);
    ok(f, store_role_renewed(f->store, STORE_GATEWAY, "gw", NOW + 50, &f->err));
    ok(f, store_role_renewed(f->store, STORE_CONNECTOR, "cp", NOW + 50, &f->err));
    assert_int_equal(gateway(f, "gw").not_after, NOW + 100);
    assert_int_equal(connector(f, "cp").not_after, NOW + 100);
    ok(f, store_role_renewed(f->store, STORE_GATEWAY, "gw", NOW + 200, &f->err));
    assert_int_equal(gateway(f, "gw").not_after, NOW + 200);
    assert_int_equal(store_role_renewed(f->store, STORE_GATEWAY, "nobody", NOW, &f->err), R_NOTFOUND);
    assert_int_equal(store_role_renewed(f->store, STORE_CONNECTOR, "nobody", NOW, &f->err), R_NOTFOUND);
}

/* The older certificate works on beside a new one that ends before it: who is removed is refused with either. */
static void a_removed_role_is_refused_as_long_as_its_longest_certificate_lives(void **state)
{
    struct fixture *f = *state;
    add_gateway(f, "gw", NOW + 1000);
    add_connector(f, "cp", NOW + 1000, NULL);
    const struct store_gateway g = {.id = "gw", .host = "h", .port = 1, .not_after = NOW + 10};
    const struct store_connector c = {.id = "cp", .not_after = NOW + 10};
    ok(f, store_gateway_renew(f->store, &g, false, &f->err));
    ok(f, store_connector_renew(f->store, &c, false, &f->err));
    ok(f, store_gateway_remove(f->store, "gw", &f->err));
    ok(f, store_connector_remove(f->store, "cp", &f->err));
    assert_int_equal(withdrawn(f, "gateway", "gw", NOW + 1000), 0);
    assert_int_equal(withdrawn(f, "connector", "cp", NOW + 1000), 0);
}

static void a_withdrawal_needs_a_certificate_that_ends_later(void **state)
{
    struct fixture *f = *state;
    add_gateway(f, "gw", NOW + 1000);
    struct store_gateway g = {.id = "gw", .host = "other.example", .port = 8443, .not_after = NOW + 1000};
    assert_int_equal(store_gateway_renew(f->store, &g, true, &f->err), R_CONFLICT);
    assert_string_equal(gateway(f, "gw").host, "gw.example"); /* nothing of it was done */
    assert_int_equal(withdrawn(f, "gateway", "gw", NOW), -1);
    g.not_after++;
    ok(f, store_gateway_renew(f->store, &g, true, &f->err));
    assert_string_equal(gateway(f, "gw").host, "other.example");
    assert_int_equal(gateway(f, "gw").port, 8443);
    assert_int_equal(withdrawn(f, "gateway", "gw", NOW), NOW + 1000);
    assert_int_equal(withdrawn(f, "gateway", "gw", NOW + 1001), -1);
}

static void a_renewed_connector_keeps_its_pki_certificate_unless_another_is_given(void **state)
{
    struct fixture *f = *state;
    add_connector(f, "cp", NOW + 10, "aa");
    struct store_connector c = {.id = "cp", .not_after = NOW + 20};
    ok(f, store_connector_renew(f->store, &c, false, &f->err));
    assert_string_equal(connector(f, "cp").pki_sha256, "aa");
    c.pki_sha256 = "bb", c.pki_subject = "CN=b", c.pki_not_after = NOW + 5;
    ok(f, store_connector_renew(f->store, &c, false, &f->err));
    assert_string_equal(connector(f, "cp").pki_sha256, "bb");
    assert_string_equal(connector(f, "cp").pki_subject, "CN=b");
    assert_int_equal(connector(f, "cp").pki_not_after, NOW + 5);
}

/* --- before a new one is there --- */

static void who_is_awaited_has_its_new_name_and_loses_its_certificates_when_that_was_said(void **state)
{
    struct fixture *f = *state;
    add_gateway(f, "gw", NOW + 1000);
    const struct store_gateway g = {.id = "gw", .host = "new.example", .port = 444, .not_after = NOW + 9};
    ok(f, store_gateway_await(f->store, &g, false, &f->err));
    assert_string_equal(gateway(f, "gw").host, "new.example");
    assert_int_equal(gateway(f, "gw").port, 444);
    assert_int_equal(gateway(f, "gw").not_after, NOW + 1000); /* none was made yet */
    assert_int_equal(withdrawn(f, "gateway", "gw", NOW), -1);
    ok(f, store_gateway_await(f->store, &g, true, &f->err));
    assert_int_equal(withdrawn(f, "gateway", "gw", NOW), NOW + 1000);
    assert_int_equal(gateway(f, "gw").withdrawn, NOW + 1000);
}

static void who_has_none_has_none_withdrawn(void **state)
{
    struct fixture *f = *state;
    add_connector(f, "cp", 0, NULL);
    ok(f, store_connector_await(f->store, &(struct store_connector){.id = "cp"}, true, &f->err));
    assert_int_equal(connector(f, "cp").withdrawn, 0);
}

static void who_is_not_there_is_not_awaited(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    for (int withdraw = 0; withdraw < 2; withdraw++) {
        const struct store_gateway g = {.id = "nobody", .host = "h", .port = 1};
        const struct store_connector c = {.id = "nobody"}, with = {.id = "nobody", .pki_sha256 = "aa"};
        assert_int_equal(store_gateway_await(f->store, &g, withdraw, &f->err), R_NOTFOUND);
        assert_int_equal(store_connector_await(f->store, &c, withdraw, &f->err), R_NOTFOUND);
        assert_int_equal(store_connector_await(f->store, &with, withdraw, &f->err), R_NOTFOUND);
    }
    assert_int_equal(sequence(f, "site"), 0);
}

static void anothers_pki_certificate_is_told_in_words_wherever_it_is_given(void **state)
{
    struct fixture *f = *state;
    add_connector(f, "cp1", NOW + 10, "aa");
    add_connector(f, "cp2", NOW + 10, "bb");
    const struct store_connector c = {.id = "cp2", .not_after = NOW + 20, .pki_sha256 = "aa", .pki_subject = "CN=a"};
    for (int way = 0; way < 3; way++) {
        f->err.text[0] = '\0';
        enum result r = way == 0   ? store_connector_certificate(f->store, &c, &f->err)
                        : way == 1 ? store_connector_renew(f->store, &c, false, &f->err)
                                   : store_connector_await(f->store, &c, false, &f->err);
        assert_int_equal(r, R_CONFLICT);
        assert_non_null(strstr(f->err.text, "a connector 'cp2', or one with the same certificate, exists already"));
        assert_non_null(f->err.remedy);
    }
    assert_string_equal(connector(f, "cp2").pki_sha256, "bb");
    assert_int_equal(connector(f, "cp2").not_after, NOW + 10);
}

static void a_pki_certificate_is_exchanged_and_nobody_has_to_be_told(void **state)
{
    struct fixture *f = *state;
    struct store_connector got;
    count_sequences(f);
    add_connector(f, "cp", NOW + 10, NULL);
    int64_t before = sequence(f, "site");
    const struct store_connector c = {.id = "cp", .pki_sha256 = "aa", .pki_subject = "CN=a", .pki_not_after = NOW + 3};
    assert_int_equal(store_connector_by_pki(f->store, f->arena, "aa", &got, &f->err), R_NOTFOUND);
    ok(f, store_connector_certificate(f->store, &c, &f->err));
    ok(f, store_connector_by_pki(f->store, f->arena, "aa", &got, &f->err));
    assert_string_equal(got.id, "cp");
    assert_int_equal(sequence(f, "site"), before);
    const struct store_connector nobody = {.id = "x", .pki_sha256 = "cc"};
    assert_int_equal(store_connector_certificate(f->store, &nobody, &f->err), R_NOTFOUND);
    assert_non_null(strstr(f->err.text, "there is no connector"));
}

/* --- reports --- */

static void what_was_told_last_stays_until_something_else_is(void **state)
{
    struct fixture *f = *state;
    add_gateway(f, "gw", NOW + 10);
    add_connector(f, "cp", NOW + 10, NULL);
    assert_int_equal(gateway(f, "gw").seen, 0);
    assert_null(gateway(f, "gw").report);
    ok(f, store_gateway_seen(f->store, "gw", NOW, "{}", &f->err));
    ok(f, store_gateway_seen(f->store, "gw", NOW + 5, NULL, &f->err));
    assert_int_equal(gateway(f, "gw").seen, NOW + 5);
    assert_string_equal(gateway(f, "gw").report, "{}");
    ok(f, store_connector_seen(f->store, "cp", NOW + 7, "{\"a\":1}", &f->err));
    assert_int_equal(connector(f, "cp").seen, NOW + 7);
    assert_string_equal(connector(f, "cp").report, "{\"a\":1}");
    ok(f, store_gateway_seen(f->store, "nobody", NOW, "{}", &f->err));
}

/* --- management points --- */

static void a_removed_management_point_takes_its_own_endpoints_along(void **state)
{
    struct fixture *f = *state;
    struct store_endpoint *list;
    struct store_mp *mps;
    size_t n;
    static const struct store_endpoint endpoints[] = {
        {.id = "own", .role = "mp1", .name = "own", .management_point = true},
        {.id = "others", .role = "mp2", .name = "others", .management_point = true},
        {.id = "named-alike", .role = "mp1", .name = "alike"}};
    for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
        struct store_endpoint e = endpoints[i];
        e.host = e.auth = e.purpose = e.methods = e.headers = e.url = e.upstream_host = "";
        ok(f, store_endpoint_add(f->store, &e, &f->err));
    }
    const struct store_mp m = {.id = "mp1", .mode = "https", .url = "https://a", .clients = "pki"};
    ok(f, store_mp_put(f->store, &m, &f->err));
    ok(f, store_mp_remove(f->store, "mp1", &f->err));
    ok(f, store_mp_list(f->store, f->arena, &mps, &n, &f->err));
    assert_int_equal(n, 0);
    ok(f, store_endpoint_list(f->store, f->arena, &list, &n, &f->err));
    assert_int_equal(n, 2);
    assert_string_equal(list[0].id, "named-alike");
    assert_string_equal(list[1].id, "others");
    assert_int_equal(store_mp_remove(f->store, "mp1", &f->err), R_NOTFOUND);
}

static void a_management_point_bumps_by_each_member_that_changes(void **state)
{
    struct fixture *f = *state;
    struct store_mp m = {.id = "mp1", .mode = "https", .url = "https://a", .clients = "pki"};
    count_sequences(f);
    ok(f, store_mp_put(f->store, &m, &f->err));
    const char **members[] = {&m.mode, &m.url, &m.clients, &m.anchors_pem};
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        *members[i] = "other";
        ok(f, store_mp_put(f->store, &m, &f->err));
        ok(f, store_mp_put(f->store, &m, &f->err)); /* the same again is none */
        assert_int_equal(sequence(f, "location"), 2 + (int64_t)i);
    }
    m.anchors_pem = NULL;
    ok(f, store_mp_put(f->store, &m, &f->err));
    assert_int_equal(sequence(f, "location"), 6);
}

static void until_when_certificates_count_is_told_of_either_kind(void **state)
{
    struct fixture *f = *state;
    struct store_role_ends ends;
    add_gateway(f, "x", NOW + 100);
    add_connector(f, "x", NOW + 200, NULL);
    ok(f, store_gateway_renew(f->store, &(struct store_gateway){.id = "x", .host = "h", .not_after = NOW + 300}, true,
                              &f->err));
    ok(f, store_role_ends(f->store, f->arena, STORE_GATEWAY, "x", &ends, &f->err));
    assert_int_equal(ends.not_after, NOW + 300);
    assert_int_equal(ends.withdrawn, NOW + 100);
    ok(f, store_role_ends(f->store, f->arena, STORE_CONNECTOR, "x", &ends, &f->err));
    assert_int_equal(ends.not_after, NOW + 200);
    assert_int_equal(ends.withdrawn, 0);
    assert_int_equal(store_role_ends(f->store, f->arena, STORE_CONNECTOR, "y", &ends, &f->err), R_NOTFOUND);
}

static void both_kinds_are_known_by_their_words_and_no_other(void **state UNUSED)
{
    enum store_role role;
    for (unsigned i = STORE_CONNECTOR; i <= STORE_GATEWAY; i++)
        assert_true(store_role_find(store_role_name((enum store_role)i), &role) && role == i);
    assert_false(store_role_find("device", &role));
    assert_false(store_role_find("Gateway", &role));
    assert_false(store_role_find("", &role));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_id_is_of_one_kind),
        TEST(an_id_is_free_the_second_after_its_certificate_ended),
        TEST(who_never_had_a_certificate_leaves_its_id_free),
        TEST(a_renewal_of_its_own_never_shortens_what_was_given),
        TEST(a_removed_role_is_refused_as_long_as_its_longest_certificate_lives),
        TEST(a_withdrawal_needs_a_certificate_that_ends_later),
        TEST(a_renewed_connector_keeps_its_pki_certificate_unless_another_is_given),
        TEST(who_is_awaited_has_its_new_name_and_loses_its_certificates_when_that_was_said),
        TEST(who_has_none_has_none_withdrawn),
        TEST(who_is_not_there_is_not_awaited),
        TEST(anothers_pki_certificate_is_told_in_words_wherever_it_is_given),
        TEST(a_pki_certificate_is_exchanged_and_nobody_has_to_be_told),
        TEST(what_was_told_last_stays_until_something_else_is),
        TEST(a_removed_management_point_takes_its_own_endpoints_along),
        TEST(a_management_point_bumps_by_each_member_that_changes),
        TEST(until_when_certificates_count_is_told_of_either_kind),
        cmocka_unit_test(both_kinds_are_known_by_their_words_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
