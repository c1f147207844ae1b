/* SPDX-License-Identifier: Apache-2.0 */
/* Join strings from both sides: what an administrator is given, and what the machine with it is answered. At a time
 * that the test turns. */
#include "kit.h"

#include "../http/fake_clock.h"
#include "../pki/maker.h"
#include "admin_kit.h"
#include "bundle/join/answer.h"
#include "bundle/join/request.h"
#include "mp/answer/handlers.h"
#include "store/sequence.h"
#include "store/site/join.h"
#include "store/site/role.h"

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static EVP_PKEY *machine, *thief;
static struct kit_ask joined; /* the last machine's request */

static int setup(void **state)
{
    fake_wall_s = NOW;
    int r = admin_setup(state);
    const struct store_mp m = {.id = "mp1", .mode = "ehttp", .url = "https://mp.example", .clients = "token"};
    ok(store_mp_put(site.store, &m, &err));
    machine = pki_key_new();
    thief = pki_key_new();
    joined = (struct kit_ask){0};
    return r;
}

static int teardown(void **state)
{
    if (joined.x.ops)
        kit_forget(&joined);
    EVP_PKEY_free(machine);
    EVP_PKEY_free(thief);
    return admin_teardown(state);
}

/* --- the administrator --- */

#define GATEWAYS "/v1/gateways"
#define CONNECTORS "/v1/connectors"

/* The string that was just answered. */
static struct join_string string_of(enum join_kind kind)
{
    struct join_string s;
    done(201);
    ok(join_string_read(slice_of(kit_said(&ask, "join")), kind, fake_wall_s, &s, &err));
    return s;
}

static struct join_string connector_string(const char *id)
{
    char body[64];
    (void)snprintf(body, sizeof body, "{\"id\":\"%s\",\"join\":{}}", id);
    (void)admin("POST", CONNECTORS, body);
    return string_of(JOIN_CONNECTOR);
}

static struct join_string gateway_string(const char *id)
{
    char body[96];
    (void)snprintf(body, sizeof body, "{\"id\":\"%s\",\"host\":\"gw.example\",\"port\":8443,\"join\":{}}", id);
    (void)admin("POST", GATEWAYS, body);
    return string_of(JOIN_GATEWAY);
}

/* --- the machine --- */

static int join_at(const char *path, const char *body)
{
    if (joined.x.ops)
        kit_forget(&joined);
    kit_ask(&joined, "POST", path, body);
    kit_handle(&joined, mp_handle_site_join);
    return joined.status;
}

static int join_by(const struct join_string *s, EVP_PKEY *key, const char *path)
{
    char *text;
    ok(join_request_sign(s, key, fake_wall_s, &text, &err));
    int status = join_at(path, text);
    free(text);
    return status;
}

static int join(const struct join_string *s, EVP_PKEY *key)
{
    return join_by(s, key, "/.cmg/join");
}

/* The last answer as its machine reads it: the bootstrap file's member. */
static bool takes(const struct join_string *s, EVP_PKEY *key)
{
    char *file;
    if (joined.status != 200 || join_answer_read(buf_data(&joined.body), s, key, fake_wall_s, &file, &err) != OK)
        return false;
    mem_free_secret(file, strlen(file));
    return true;
}

static int64_t connector_ends(const char *id)
{
    struct store_connector c;
    ok(store_connector_get(site.store, rows, id, &c, &err));
    return c.not_after;
}

/* Refused with the one word that strangers hear; `cause` is for the administrator. */
static void assert_refused(const char *cause)
{
    assert_int_equal(joined.status, 403);
    assert_string_equal(kit_said(&joined, "reason"), "join_refused");
    assert_null(strstr(kit_said(&joined, "detail"), cause));
    if (!strstr(site.join_refused.text, cause))
        fail_msg("%s, not: %s", site.join_refused.text, cause);
}

/* --- good ones --- */

static void a_connector_joins_with_its_own_key(void **state)
{
    (void)state;
    struct join_string s = connector_string("cp1");
    assert_int_equal(connector_ends("cp1"), 0);
    assert_int_equal(join(&s, machine), 200);
    assert_true(takes(&s, machine));
    assert_false(takes(&s, thief));
    assert_in_range(connector_ends("cp1"), NOW + 89 * DAY, NOW + 91 * DAY);
    assert_int_equal(kit_audited("connector.join"), 1);
    assert_int_equal(kit_audited("connector.joined"), 1);
    join_string_done(&s);
}

static void a_gateway_joins_through_whoever_brings_its_request(void **state)
{
    (void)state;
    struct join_string s = gateway_string("gw1");
    assert_string_equal(s.host, "gw.example");
    assert_int_equal(s.port, 8443);
    assert_int_equal(join_by(&s, machine, "/.cmg/join/gw1"), 200);
    assert_true(takes(&s, machine));
    join_string_done(&s);
}

static void who_heard_no_answer_gets_the_same_one_again(void **state)
{
    (void)state;
    struct join_string s = connector_string("cp1");
    assert_int_equal(join(&s, machine), 200);
    char *first = slice_dup(buf_data(&joined.body));
    int64_t ends = connector_ends("cp1");
    fake_wall_s += 5;
    assert_int_equal(join(&s, machine), 200);
    assert_true(slice_eq(buf_data(&joined.body), slice_of(first)));
    assert_int_equal(connector_ends("cp1"), ends);
    assert_int_equal(kit_audited("connector.joined"), 1);
    free(first);
    join_string_done(&s);
}

/* --- refused ones --- */

static void a_string_that_another_machine_used_is_used(void **state)
{
    (void)state;
    struct join_string s = connector_string("cp1");
    assert_int_equal(join(&s, thief), 200);
    (void)join(&s, machine);
    assert_refused("used by another machine");
    assert_string_equal(site.join_refused.of, "cp1"); /* so the theft is seen */
    assert_int_equal(site.join_refused.at, NOW);
    join_string_done(&s);
}

static void a_string_ends_with_the_second_that_it_names(void **state)
{
    (void)state;
    struct join_string s = connector_string("cp1");
    fake_wall_s = s.expires;
    assert_int_equal(join(&s, machine), 403);
    assert_int_equal(site.join_refused.at, 0); /* there is none: whoever guesses ids is nothing to tell */
    fake_wall_s--;
    assert_int_equal(join(&s, machine), 200);
    join_string_done(&s);
}

static void another_string_takes_the_place_of_the_first(void **state)
{
    (void)state;
    struct join_string lost = connector_string("cp1"), s = connector_string("cp1");
    (void)join(&lost, machine);
    assert_refused("is none of the 1 known");
    assert_int_equal(join(&s, machine), 200);
    join_string_done(&lost);
    join_string_done(&s);
}

static void a_removed_role_takes_its_string_along(void **state)
{
    (void)state;
    struct join_string s = connector_string("cp1");
    assert_int_equal(admin("DELETE", CONNECTORS "/cp1", ""), 204);
    assert_int_equal(join(&s, machine), 403);
    join_string_done(&s);
}

static void what_is_signed_for_another_site_kind_or_id_opens_nothing(void **state)
{
    (void)state;
    struct join_string s = connector_string("cp1"), other = connector_string("cp2"), twisted = s;
    cstr_copy(twisted.site, sizeof twisted.site, "OTHER");
    assert_int_equal(join(&twisted, machine), 403);
    twisted = s;
    twisted.kind = JOIN_GATEWAY;
    assert_int_equal(join(&twisted, machine), 403);
    twisted.kind = JOIN_DEVICE;
    assert_int_equal(join(&twisted, machine), 403);
    twisted = s;
    cstr_copy(twisted.id, sizeof twisted.id, "cp2"); /* by the key of cp1's string */
    (void)join(&twisted, machine);
    assert_refused("cp2");
    assert_int_equal(connector_ends("cp1"), 0);
    assert_int_equal(connector_ends("cp2"), 0);
    join_string_done(&s);
    join_string_done(&other);
}

static void a_changed_request_is_refused_and_one_that_is_none_too(void **state)
{
    (void)state;
    struct join_string s = connector_string("cp1");
    char *text;
    ok(join_request_sign(&s, machine, NOW, &text, &err));
    char *last = text + strlen(text) - 10;
    *last = *last == 'A' ? 'B' : 'A';
    (void)join_at("/.cmg/join", text);
    assert_refused("the signature is not valid");
    assert_int_equal(join_at("/.cmg/join", "{}"), 403);
    assert_int_equal(join_at("/.cmg/join", ""), 403);
    assert_int_equal(connector_ends("cp1"), 0);
    free(text);
    join_string_done(&s);
}

static void at_a_gateways_address_that_gateway_alone_may_ask(void **state)
{
    (void)state;
    struct join_string gateway = gateway_string("gw1"), connector = connector_string("gw1");
    assert_int_equal(join_by(&gateway, machine, "/.cmg/join/gw2"), 403);
    assert_int_equal(join_by(&connector, machine, "/.cmg/join/gw1"), 403); /* the same id of another kind */
    assert_int_equal(join_by(&gateway, machine, "/.cmg/join/GW_1"), 400);
    assert_int_equal(join_by(&gateway, machine, "/.cmg/join/gw1"), 200);
    join_string_done(&gateway);
    join_string_done(&connector);
}

static void what_a_connector_asserts_for_a_device_joins_nobody(void **state)
{
    (void)state;
    struct join_string s = connector_string("cp1");
    char *text;
    ok(join_request_sign(&s, machine, NOW, &text, &err));
    kit_ask(&joined, "POST", "/.cmg/join", text);
    joined.r->sender.identity.asserted = true;
    kit_handle(&joined, mp_handle_site_join);
    assert_int_equal(joined.status, 403);
    assert_string_not_equal(kit_said(&joined, "reason"), "join_refused");
    assert_int_equal(connector_ends("cp1"), 0);
    free(text);
    join_string_done(&s);
}

/* --- once more --- */

static void who_has_joined_needs_a_renewal_to_join_again(void **state)
{
    (void)state;
    struct join_string s = connector_string("cp1"), again;
    assert_int_equal(join(&s, machine), 200);
    assert_int_equal(admin("POST", CONNECTORS, "{\"id\":\"cp1\",\"join\":{}}"), 409);
    assert_non_null(strstr(kit_said(&ask, "remedy"), "--renew"));
    assert_int_equal(admin("POST", CONNECTORS, "{\"id\":\"nobody\",\"join\":{},\"renew\":true}"), 404);
    (void)admin("POST", CONNECTORS, "{\"id\":\"cp1\",\"join\":{},\"renew\":true}");
    again = string_of(JOIN_CONNECTOR);
    fake_wall_s += 10;
    assert_int_equal(join(&again, thief), 200); /* another machine takes its place */
    assert_true(takes(&again, thief));
    join_string_done(&s);
    join_string_done(&again);
}

static void an_ended_certificate_needs_no_renewal(void **state)
{
    (void)state;
    struct join_string s = connector_string("cp1"), again;
    assert_int_equal(join(&s, machine), 200);
    fake_wall_s = connector_ends("cp1");
    again = connector_string("cp1");
    join_string_done(&s);
    join_string_done(&again);
}

/* After a theft: the thief's certificates count no more from now on, and those of who joins do. */
static void what_is_withdrawn_ends_before_what_is_given(void **state)
{
    (void)state;
    struct join_string s = gateway_string("gw1"), again;
    struct store_gateway g;
    assert_int_equal(join_by(&s, thief, "/.cmg/join"), 200);
    ok(store_gateway_get(site.store, rows, "gw1", &g, &err));
    int64_t stolen = g.not_after;
    (void)admin("POST", GATEWAYS, "{\"id\":\"gw1\",\"join\":{},\"renew\":true,\"revoke_old\":true}");
    again = string_of(JOIN_GATEWAY);
    assert_string_equal(again.host, "gw.example"); /* what is not said anew stays */
    ok(store_gateway_get(site.store, rows, "gw1", &g, &err));
    assert_int_equal(g.withdrawn, stolen);
    join_string_done(&again);
    again = gateway_string("gw1");                /* no certificate counts: another string needs no renewal */
    assert_int_equal(join(&again, machine), 200); /* in the same second */
    ok(store_gateway_get(site.store, rows, "gw1", &g, &err));
    assert_true(g.not_after > stolen);
    join_string_done(&s);
    join_string_done(&again);
}

/* --- the string --- */

static void a_string_is_valid_for_a_minute_to_a_week(void **state)
{
    (void)state;
    static const struct {
        const char *valid;
        int status;
    } cases[] = {{"59", 400}, {"60", 201}, {"604800", 201}, {"604801", 400}, {"-1", 400}, {"0", 400}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char body[96];
        (void)snprintf(body, sizeof body, "{\"id\":\"cp1\",\"join\":{\"valid_s\":%s}}", cases[i].valid);
        assert_int_equal(admin("POST", CONNECTORS, body), cases[i].status);
        if (cases[i].status == 201)
            assert_int_equal(json_opt_int(ask.json, "expires", 0), NOW + strtol(cases[i].valid, NULL, 10));
    }
    struct join_string s = connector_string("cp1");
    assert_int_equal(s.expires, NOW + JOIN_VALID_S);
    assert_int_equal(connector_ends("cp1"), 0);
    join_string_done(&s);
}

static void a_connector_needs_a_management_point_to_join_by(void **state)
{
    (void)state;
    struct store_connector c;
    ok(store_mp_remove(site.store, "mp1", &err));
    assert_int_equal(admin("POST", CONNECTORS, "{\"id\":\"cp1\",\"join\":{}}"), 409);
    assert_non_null(strstr(kit_said(&ask, "detail"), "no management point"));
    assert_int_equal(store_connector_get(site.store, rows, "cp1", &c, &err), R_NOTFOUND);
}

static void the_store_keeps_nothing_that_joins(void **state)
{
    (void)state;
    struct join_string s = connector_string("cp1");
    struct store_join row;
    ok(store_join_get(site.store, rows, "connector", "cp1", NOW, &row, &err));
    assert_null(strstr(row.jwk, "\"d\"")); /* RFC 7518 6.2.2.1: the private half */
    assert_non_null(strstr(row.jwk, "\"x\""));
    join_string_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_connector_joins_with_its_own_key),
        TEST(a_gateway_joins_through_whoever_brings_its_request),
        TEST(who_heard_no_answer_gets_the_same_one_again),
        TEST(a_string_that_another_machine_used_is_used),
        TEST(a_string_ends_with_the_second_that_it_names),
        TEST(another_string_takes_the_place_of_the_first),
        TEST(a_removed_role_takes_its_string_along),
        TEST(what_is_signed_for_another_site_kind_or_id_opens_nothing),
        TEST(a_changed_request_is_refused_and_one_that_is_none_too),
        TEST(at_a_gateways_address_that_gateway_alone_may_ask),
        TEST(what_a_connector_asserts_for_a_device_joins_nobody),
        TEST(who_has_joined_needs_a_renewal_to_join_again),
        TEST(an_ended_certificate_needs_no_renewal),
        TEST(what_is_withdrawn_ends_before_what_is_given),
        TEST(a_string_is_valid_for_a_minute_to_a_week),
        TEST(a_connector_needs_a_management_point_to_join_by),
        TEST(the_store_keeps_nothing_that_joins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
