/* SPDX-License-Identifier: Apache-2.0 */
/* Who may what at the admin API: roles by user and group, what each route asks for, pages, and hosts to fetch from. */
#include "admin_kit.h"

#include "mp/admin/fetch_hosts.h"
#include "mp/admin/page.h"
#include "mp/admin/socket/access.h"
#include "mp/admin/socket/routes.h"

/* --- roles --- */

static const struct mp_admin_groups groups = {
    .gid = {[MP_NO_ROLE] = MP_NO_GROUP, [MP_READER] = 10, [MP_OPERATOR] = 20, [MP_ADMINISTRATOR] = 30}};

static enum mp_role role_of(unsigned uid, unsigned one, unsigned other)
{
    const unsigned gids[] = {one, other};
    return mp_admin_role_of(&groups, 500, uid, gids, ARRAY_LEN(gids));
}

static void root_and_the_programs_own_user_are_administrators(void **state UNUSED)
{
    assert_int_equal(role_of(0, 1, 2), MP_ADMINISTRATOR);
    assert_int_equal(role_of(500, 1, 2), MP_ADMINISTRATOR);
    assert_int_equal(role_of(501, 1, 2), MP_NO_ROLE);
    assert_int_equal(mp_admin_role_of(&groups, 500, 501, NULL, 0), MP_NO_ROLE);
}

static void the_highest_role_of_all_groups_counts_in_any_order(void **state UNUSED)
{
    assert_int_equal(role_of(501, 10, 1), MP_READER);
    assert_int_equal(role_of(501, 10, 20), MP_OPERATOR);
    assert_int_equal(role_of(501, 20, 10), MP_OPERATOR);
    assert_int_equal(role_of(501, 30, 10), MP_ADMINISTRATOR);
    assert_int_equal(role_of(501, 10, 30), MP_ADMINISTRATOR);
    assert_int_equal(role_of(500, 10, 1), MP_ADMINISTRATOR); /* a group takes nothing away */
}

/* (gid_t)-1 is no group, and stands for one that isn't on this machine. */
static void a_group_that_is_not_there_gives_nobody_a_role(void **state UNUSED)
{
    const struct mp_admin_groups none = {.gid = {MP_NO_GROUP, MP_NO_GROUP, MP_NO_GROUP, MP_NO_GROUP}};
    const unsigned gids[] = {MP_NO_GROUP, 0};
    assert_int_equal(mp_admin_role_of(&none, 500, 501, gids, 2), MP_NO_ROLE);
}

static void groups_are_named_by_number_or_name(void **state UNUSED)
{
    struct mp_admin_groups found;
    char reader[] = "4711", operator[] = "no-such-group-of-opencmg", administrator[] = "root";
    const struct mp_config config = {
        .groups = {[MP_READER] = reader, [MP_OPERATOR] = operator, [MP_ADMINISTRATOR] = administrator } };
    ok(mp_admin_groups_find(&config, &found, &err));
    assert_int_equal(found.gid[MP_NO_ROLE], MP_NO_GROUP);
    assert_int_equal(found.gid[MP_READER], 4711);
    assert_int_equal(found.gid[MP_OPERATOR], MP_NO_GROUP);
    assert_int_equal(found.gid[MP_ADMINISTRATOR], 0);
}

static void each_role_has_a_word(void **state UNUSED)
{
    assert_string_equal(mp_role_name(MP_NO_ROLE), "no role");
    assert_string_equal(mp_role_name(MP_READER), "reader");
    assert_string_equal(mp_role_name(MP_OPERATOR), "operator");
    assert_string_equal(mp_role_name(MP_ADMINISTRATOR), "administrator");
}

/* --- routes --- */

static enum mp_role needed(const char *method, const char *path)
{
    struct arena *a = arena_new(4096);
    char params[MP_PARAMS_MAX][MP_PARAM_SIZE];
    const char *allow = NULL;
    const struct mp_admin_route *route = mp_admin_route_find(a, slice_of(method), slice_of(path), params, &allow);
    enum mp_role role = route ? route->wants : MP_ROLES;
    arena_free(a);
    return role;
}

/* What changes who is let in, what is published or what is trusted is an administrator's. */
static void a_reader_changes_nothing_and_an_operator_opens_nothing(void **state UNUSED)
{
    static const struct {
        const char *method, *path;
        enum mp_role role;
    } cases[] = {
        {"GET", "/v1/status", MP_READER},
        {"GET", "/v1/audit", MP_READER},
        {"GET", "/v1/bundle", MP_READER},
        {"POST", "/v1/traces", MP_READER}, /* it asks, and changes nothing */
        {"POST", "/v1/questions", MP_OPERATOR},
        {"POST", "/v1/tokens", MP_OPERATOR},
        {"POST", "/v1/devices/x/approve", MP_OPERATOR},
        {"DELETE", "/v1/devices/x", MP_OPERATOR},
        {"POST", "/v1/policies", MP_OPERATOR},
        {"POST", "/v1/client-settings", MP_OPERATOR},
        {"POST", "/v1/gateways", MP_ADMINISTRATOR},
        {"DELETE", "/v1/gateways/gw1", MP_ADMINISTRATOR},
        {"POST", "/v1/connectors", MP_ADMINISTRATOR},
        {"PUT", "/v1/connectors/cp1/certificate", MP_ADMINISTRATOR},
        {"POST", "/v1/endpoints", MP_ADMINISTRATOR},
        {"PATCH", "/v1/endpoints/e1", MP_ADMINISTRATOR},
        {"POST", "/v1/trust", MP_ADMINISTRATOR},
        {"PUT", "/v1/trust/x/fetch-hosts", MP_ADMINISTRATOR},
        {"POST", "/v1/sources", MP_ADMINISTRATOR},
        {"POST", "/v1/tenants", MP_ADMINISTRATOR},
        {"POST", "/v1/foreign-sites", MP_ADMINISTRATOR},
        {"PUT", "/v1/settings/approval", MP_ADMINISTRATOR},
        {"POST", "/v1/keys/reload", MP_ADMINISTRATOR},
        {"POST", "/v1/restore/done", MP_ADMINISTRATOR},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (needed(cases[i].method, cases[i].path) != cases[i].role)
            fail_msg("%s %s", cases[i].method, cases[i].path);
    }
}

/* --- pages --- */

static bool page(const char *target, struct mp_page *ret)
{
    struct kit_ask a;
    kit_ask(&a, "GET", target, "");
    bool read = mp_page_read(a.r, ret);
    assert_int_equal(a.answers, !read);
    if (read) {
        ret->after = arena_dup(rows, slice_of(ret->after)).ptr;
        mp_answer(a.r, &(struct mp_answer){.status = 204});
    } else {
        assert_int_equal(a.status, 400);
    }
    kit_forget(&a);
    return read;
}

static void a_page_has_a_limit_from_one_to_the_most(void **state UNUSED)
{
    struct mp_page p;
    char most[64], more[64];
    (void)snprintf(most, sizeof most, "/x?limit=%d", MP_PAGE_ITEMS_MAX);
    (void)snprintf(more, sizeof more, "/x?limit=%d", MP_PAGE_ITEMS_MAX + 1);
    assert_true(page("/x", &p));
    assert_int_equal(p.limit, MP_PAGE_ITEMS);
    assert_string_equal(p.after, "");
    assert_true(page("/x?limit=1&after=a%20b", &p));
    assert_int_equal(p.limit, 1);
    assert_string_equal(p.after, "a b");
    assert_true(page(most, &p));
    assert_int_equal(p.limit, MP_PAGE_ITEMS_MAX);
    static const char *const bad[] = {"/x?limit=0", "/x?limit=-1", "/x?limit=", "/x?limit=1x", "/x?limit=1&limit=2"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (page(bad[i], &p))
            fail_msg("%s", bad[i]);
    }
    assert_false(page(more, &p));
}

static void where_a_page_begins_is_a_text_that_can_be_shown(void **state UNUSED)
{
    struct mp_page p;
    assert_true(page("/x?after=%C3%A4", &p));
    assert_false(page("/x?after=%C3", &p)); /* half a letter */
    assert_false(page("/x?after=a%0Ab", &p));
    assert_false(page("/x?after=a%00b", &p));
}

static void one_row_more_tells_that_there_is_a_next_page(void **state UNUSED)
{
    const struct mp_page p = {.limit = 3};
    assert_int_equal(MP_PAGE_ROWS(&p), 4);
    assert_int_equal(mp_page_rows(&p, 0), 0);
    assert_int_equal(mp_page_rows(&p, 3), 3);
    assert_int_equal(mp_page_rows(&p, 4), 3);
}

/* --- hosts --- */

static enum result hosts(const char *body, char *ret, size_t size)
{
    struct kit_ask a;
    const char *words;
    json_t *o = json_loads(body, 0, NULL);
    kit_ask(&a, "PUT", "/x", "");
    enum result r = mp_admin_fetch_hosts_read(a.r, o, &words, &err);
    (void)snprintf(ret, size, "%s", r == OK ? words : "");
    mp_answer(a.r, &(struct mp_answer){.status = 204});
    kit_forget(&a);
    json_decref(o);
    return r;
}

static void hosts_to_fetch_from_are_names_in_lower_case_with_a_port_that_is_not_80(void **state UNUSED)
{
    char words[512];
    ok(hosts("{\"fetch_hosts\": [\"PKI.Example.com\", \"192.0.2.1:8080\", \"a.example:80\"]}", words, sizeof words));
    assert_string_equal(words, "pki.example.com 192.0.2.1:8080 a.example");
    ok(hosts("{\"fetch_hosts\": []}", words, sizeof words));
    assert_string_equal(words, "");
    ok(hosts("{}", words, sizeof words));
    assert_string_equal(words, "");
}

static void what_is_no_host_is_told(void **state UNUSED)
{
    static const char *const bad[] = {
        "{\"fetch_hosts\": \"a.example\"}",       "{\"fetch_hosts\": [1]}",       "{\"fetch_hosts\": [\"\"]}",
        "{\"fetch_hosts\": [\"a b\"]}",           "{\"fetch_hosts\": [\"a/b\"]}", "{\"fetch_hosts\": [\"a_b\"]}",
        "{\"fetch_hosts\": [\"http://a\"]}",      "{\"fetch_hosts\": [\"a:0\"]}", "{\"fetch_hosts\": [\"a:65536\"]}",
        "{\"fetch_hosts\": [\"[2001:db8::1]\"]}", "{\"fetch_hosts\": [\"a@b\"]}", "{\"fetch_hosts\": [\"*.a\"]}"};
    char words[512];
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (hosts(bad[i], words, sizeof words) != R_INVALID)
            fail_msg("%s", bad[i]);
    }
}

/* --- what is told of a policy --- */

/* Names of collections may be of any letters; what tells of several is cut, and must stay JSON, in the audit too. */
static void a_policy_for_many_collections_is_told_as_far_as_it_goes(void **state UNUSED)
{
    char name[65] = "", body[1024] = "{\"name\":\"p\",\"content\":\"x\",\"collections\":[", one[128];
    struct kit_device d;
    kit_device_new(&d);
    kit_device_record(&d, "pc", STORE_APPROVED);
    for (size_t at = 1; at + 2 < sizeof name; at += 2)
        memcpy(name + at, "\xc3\xa4", 2);
    for (char letter = 'a'; letter < 'e'; letter++) {
        name[0] = letter;
        (void)snprintf(one, sizeof one, "{\"name\":\"%s\"}", name);
        (void)admin("POST", "/v1/collections", one);
        done(201);
        (void)snprintf(one, sizeof one, "%s\"%s\"", letter > 'a' ? "," : "", name);
        (void)strncat(body, one, sizeof body - strlen(body) - 1);
    }
    (void)strncat(body, "]}", sizeof body - strlen(body) - 1);
    (void)admin("POST", "/v1/policies", body);
    done(201);
    (void)snprintf(one, sizeof one, "/v1/devices/%s/policies", d.guid);
    assert_int_equal(count(one, "policies"), 1);
    assert_true(count("/v1/audit", "events") >= 1);
    kit_device_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(root_and_the_programs_own_user_are_administrators),
        cmocka_unit_test(the_highest_role_of_all_groups_counts_in_any_order),
        cmocka_unit_test(a_group_that_is_not_there_gives_nobody_a_role),
        cmocka_unit_test(groups_are_named_by_number_or_name),
        cmocka_unit_test(each_role_has_a_word),
        cmocka_unit_test(a_reader_changes_nothing_and_an_operator_opens_nothing),
        TEST(a_page_has_a_limit_from_one_to_the_most),
        TEST(where_a_page_begins_is_a_text_that_can_be_shown),
        cmocka_unit_test(one_row_more_tells_that_there_is_a_next_page),
        TEST(hosts_to_fetch_from_are_names_in_lower_case_with_a_port_that_is_not_80),
        TEST(what_is_no_host_is_told),
        TEST(a_policy_for_many_collections_is_told_as_far_as_it_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
