/* SPDX-License-Identifier: Apache-2.0 */
/* Client settings: what values there are, which settings win for a device, and whom they do not let use the gateways.
 */
#include "kit.h"

#include "mp/targeting/disallowed.h"
#include "mp/targeting/resultant.h"
#include "store/site/endpoint.h"
#include "store/targeting/client_settings.h"
#include "store/targeting/collection.h"

static struct kit_device device;
static struct store_device record;
static json_t *found;

static int setup(void **state)
{
    if (kit_open(state) != 0)
        return -1;
    kit_device_new(&device);
    kit_device_record(&device, "pc", STORE_APPROVED);
    ok(store_device_get(site.store, rows, STORE_BY_GUID, device.guid, &record, &err));
    ok(store_collection_put(site.store, "tokens", "method=token", &err));
    ok(store_collection_put(site.store, "entra", "method=entra", &err));
    ok(store_collection_put(site.store, "listed", "", &err));
    ok(store_collection_member(site.store, "listed", device.guid, true, &err));
    found = NULL;
    return 0;
}

static int teardown(void **state)
{
    json_decref(found);
    kit_device_free(&device);
    return kit_close(state);
}

static void set(const char *name, int64_t priority, const char *collection, const char *settings)
{
    struct store_client_settings c = {
        .name = name, .priority = priority, .collection = collection, .settings = settings};
    ok(store_client_settings_put(site.store, &c, &err));
}

static void set_default(const char *settings)
{
    set(STORE_CLIENT_SETTINGS_DEFAULT, STORE_CLIENT_SETTINGS_LAST, NULL, settings);
}

static void find(void)
{
    json_decref(found);
    ok(mp_resultant(&site, rows, &record, &found, &err));
}

static const char *winner(const char *name)
{
    return json_opt_str(json_object_get(found, "winners"), name, "");
}

static int64_t interval(void)
{
    return json_opt_int(json_object_get(found, "values"), "policy_interval", 0);
}

/* The i-th setting's member of this row: who won, and why the others did not. */
static const json_t *setting(const char *name)
{
    const json_t *s;
    size_t i;
    json_array_foreach(json_object_get(found, "settings"), i, s) {
        if (strcmp(json_opt_str(s, "name", ""), name) == 0)
            return s;
    }
    fail_msg("no setting %s", name);
    return NULL;
}

static const char *why_lost(const char *name, size_t index)
{
    return json_opt_str(json_array_get(json_object_get(setting(name), "losers"), index), "why", "");
}

/* --- values --- */

static void a_value_is_kept_in_one_form_and_refused_in_others(void **state UNUSED)
{
    static const struct {
        const char *name, *given, *kept; /* NULL: refused */
    } cases[] = {
        {"allow_cmg", "true", "true"},
        {"allow_cmg", "\"no\"", "false"},
        {"allow_cmg", "\"1\"", "true"},
        {"allow_cmg", "\"0\"", "false"},
        {"allow_cmg", "\"perhaps\"", NULL},
        {"allow_cmg", "1", NULL},
        {"policy_interval", "3600", "3600"},
        {"policy_interval", "\"2h\"", "7200"},
        {"policy_interval", "10", "10"},
        {"policy_interval", "9", NULL},
        {"policy_interval", "604800", "604800"},
        {"policy_interval", "604801", NULL},
        {"policy_interval", "-5", NULL},
        {"policy_interval", "\"soon\"", NULL},
        {"notification_wait", "0", "0"},
        {"notification_wait", "\"0\"", "0"},
        {"notification_wait", "9", NULL},
        {"notification_wait", "\"2m\"", "120"},
        {"notification_wait", "271", NULL},
        {"notification_wait", "-1", NULL},
        {"notification_wait", "true", NULL},
        {"allowed_methods", "\"token,pki\"", "[\"pki\",\"token\"]"},
        {"allowed_methods", "[\"entra\"]", "[\"entra\"]"},
        {"allowed_methods", "[]", NULL},
        {"allowed_methods", "\"\"", NULL},
        {"allowed_methods", "[\"pki\",7]", NULL},
        {"allowed_methods", "\"pki,kerberos\"", NULL},
        {"colour", "\"red\"", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *given = json_loads(cases[i].given, JSON_DECODE_ANY, NULL);
        json_t *kept = mp_resultant_value(cases[i].name, given, &err);
        char *text = kept ? json_dumps(kept, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
        if ((text == NULL) != (cases[i].kept == NULL) || (text && strcmp(text, cases[i].kept) != 0))
            fail_msg("%s %s became %s", cases[i].name, cases[i].given, text ? text : "nothing");
        if (!kept)
            assert_non_null(strstr(err.text, cases[i].name));
        free(text);
        json_decref(kept);
        json_decref(given);
    }
}

/* --- who wins --- */

static void where_nobody_says_anything_what_is_built_in_counts(void **state UNUSED)
{
    find();
    assert_string_equal(winner("policy_interval"), "built-in default");
    assert_int_equal(interval(), 3600);
    assert_true(json_is_true(json_object_get(json_object_get(found, "values"), "allow_cmg")));
    assert_int_equal(json_array_size(json_object_get(setting("allow_cmg"), "losers")), 0);
}

static void custom_settings_of_its_collections_win_by_priority_over_the_default(void **state UNUSED)
{
    set_default("{\"policy_interval\":60}");
    find();
    assert_int_equal(interval(), 60);
    assert_string_equal(winner("policy_interval"), "default settings");
    set("By list", 7, "listed", "{\"policy_interval\":70}");
    find();
    assert_int_equal(interval(), 70);
    set("By rule", 3, "tokens", "{\"policy_interval\":30}");
    find();
    assert_int_equal(interval(), 30);
    assert_string_equal(winner("policy_interval"), "custom settings 'By rule' (priority 3, collection tokens)");
    set("Of others", 1, "entra", "{\"policy_interval\":10}");
    find();
    assert_int_equal(interval(), 30);
}

static void each_setting_has_a_winner_of_its_own(void **state UNUSED)
{
    set("First", 1, "tokens", "{\"allow_cmg\":false}");
    set("Second", 2, "listed", "{\"allow_cmg\":true,\"policy_interval\":20}");
    find();
    assert_int_equal(interval(), 20);
    assert_true(json_is_false(json_object_get(json_object_get(found, "values"), "allow_cmg")));
    assert_non_null(strstr(winner("allow_cmg"), "First"));
    assert_non_null(strstr(winner("policy_interval"), "Second"));
}

static void each_that_lost_is_told_why(void **state UNUSED)
{
    set("Of others", 1, "entra", "{\"policy_interval\":10}");
    set("Winner", 2, "tokens", "{\"policy_interval\":20}");
    set("Later", 3, "listed", "{\"policy_interval\":30}");
    set_default("{\"policy_interval\":40}");
    find();
    assert_string_equal(why_lost("policy_interval", 0), "the device is not in collection entra");
    assert_non_null(strstr(why_lost("policy_interval", 1), "priority 3 comes after custom settings 'Winner'"));
    assert_non_null(strstr(why_lost("policy_interval", 2), "default settings come after every custom setting"));
    assert_non_null(strstr(why_lost("policy_interval", 3), "wins")); /* what is built in */
    assert_int_equal(json_array_size(json_object_get(setting("policy_interval"), "losers")), 4);
}

static void a_device_is_in_the_collections_that_list_it_or_whose_rule_it_meets(void **state UNUSED)
{
    find();
    const json_t *has = json_object_get(found, "collections");
    assert_int_equal(json_array_size(has), 2);
    assert_true(json_array_has(has, SLICE("tokens")) && json_array_has(has, SLICE("listed")));
}

/* --- whom they do not let use the gateways --- */

static void publish(void)
{
    struct store_endpoint e = {.id = "wiki",
                               .role = "wiki",
                               .name = "",
                               .host = "",
                               .auth = "token",
                               .purpose = "general",
                               .methods = "",
                               .max_body = 1024,
                               .headers = "cmg",
                               .upstream_host = "",
                               .client_anchors = "",
                               .url = "http://wiki.example"};
    ok(store_endpoint_add(site.store, &e, &err));
}

/* "but: N" or "by: N" of each group, N its devices. */
static void groups(const char *wanted)
{
    char got[128] = "";
    json_t *list = json_array(), *g;
    size_t i;
    ok(mp_disallowed(&site, rows, list, &err));
    json_array_foreach(list, i, g) {
        size_t used = strlen(got);
        (void)snprintf(got + used, sizeof got - used, "%s%s: %zu", i ? ", " : "",
                       json_opt_bool(g, "but", false) ? "all but" : "these",
                       json_array_size(json_object_get(g, "guids")));
    }
    assert_string_equal(got, wanted);
    json_decref(list);
}

static void nobody_is_listed_while_nothing_forbids_it_or_nothing_is_published(void **state UNUSED)
{
    groups("");
    publish();
    groups("");
    set("Yes", 1, "tokens", "{\"allow_cmg\":true}");
    groups("");
    ok(store_endpoint_remove(site.store, "wiki", &err));
    set("No", 2, "listed", "{\"allow_cmg\":false}");
    groups("");
}

static void those_of_the_collection_are_listed_with_their_credentials(void **state UNUSED)
{
    json_t *list = json_array();
    publish();
    set("No", 1, "tokens", "{\"allow_cmg\":false}");
    groups("these: 1");
    ok(mp_disallowed(&site, rows, list, &err));
    const json_t *g = json_array_get(list, 0);
    assert_true(json_array_has(json_object_get(g, "guids"), slice_of(device.guid)));
    assert_true(json_array_has(json_object_get(g, "spki"), slice_of(device.spki)));
    assert_true(json_array_has(json_object_get(g, "certificates"), slice_of(device.sha256)));
    assert_non_null(strstr(json_opt_str(g, "by", ""), "'No'"));
    json_decref(list);
}

static void the_first_by_priority_decides_here_too(void **state UNUSED)
{
    publish();
    set("No", 2, "tokens", "{\"allow_cmg\":false}");
    set("Yes", 1, "listed", "{\"allow_cmg\":true}");
    groups("");
}

static void where_the_default_forbids_it_to_all_custom_settings_make_exceptions(void **state UNUSED)
{
    publish();
    set_default("{\"allow_cmg\":false}");
    groups("all but: 0");
    set("Yes", 1, "listed", "{\"allow_cmg\":true}");
    groups("all but: 1");
    set("No", 2, "tokens", "{\"allow_cmg\":false}");
    groups("all but: 1");
    ok(store_collection_member(site.store, "listed", device.guid, false, &err));
    groups("these: 1, all but: 1"); /* an exception of the default, by settings that forbid it too */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_kept_in_one_form_and_refused_in_others),
        TEST(where_nobody_says_anything_what_is_built_in_counts),
        TEST(custom_settings_of_its_collections_win_by_priority_over_the_default),
        TEST(each_setting_has_a_winner_of_its_own),
        TEST(each_that_lost_is_told_why),
        TEST(a_device_is_in_the_collections_that_list_it_or_whose_rule_it_meets),
        TEST(nobody_is_listed_while_nothing_forbids_it_or_nothing_is_published),
        TEST(those_of_the_collection_are_listed_with_their_credentials),
        TEST(the_first_by_priority_decides_here_too),
        TEST(where_the_default_forbids_it_to_all_custom_settings_make_exceptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
