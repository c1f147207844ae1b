/* SPDX-License-Identifier: Apache-2.0 */
/* The state folder's files, damaged in every way: what counts as lost, what is set aside and told, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../base/scratch.h"
#include "base/clock.h"
#include "client/credential/user.h"
#include "client/state/floor.h"
#include "client/state/identity.h"
#include "client/state/private.h"
#include "client/state/resultant.h"
#include "client/state/state.h"

/* Of no sense at all; each is a whole file. */
static const char *const damaged[] = {"",      "{",    "nonsense", "[]",       "7",
                                      "\"x\"", "null", "{}x",      "\xff\xfe", "{\"a\":1,\"a\":2}"};

/* --- identity.json --- */

static void expect_refused(const char *dir, const char *text)
{
    struct client_identity id;
    struct error err;
    scratch_put(dir, "identity.json", text, 0600);
    if (client_identity_load(dir, &id, &err) == OK)
        fail_msg("taken: %s", text);
    if (!strstr(err.text, "identity.json"))
        fail_msg("%s: %s", text, err.text);
    assert_false(id.any);
    for (size_t i = 0; i < CHOICE_CLIENTS; i++)
        assert_null(id.of[i].device_token);
}

/* Taken for none, it would be written over: GUID and tokens were lost for good. */
static void a_damaged_identity_is_refused_and_not_taken_for_none(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(damaged); i++)
        expect_refused(*state, damaged[i]);
}

static void a_member_of_an_identity_that_is_of_another_kind_is_refused(void **state)
{
    static const char *const wrong[] = {
        "{\"method\": 7}",
        "{\"bulk_token\": 7}",
        "{\"role\": []}",
        "{\"mode\": {}}",
        "{\"hardware_id\": 1}",
        "{\"cloned_from\": true}",
        "{\"others\": []}",
        "{\"others\": \"token\"}",
        "{\"others\": {\"token\": []}}",
        "{\"others\": {\"token\": {\"guid\": 7}}}",
        "{\"method\": \"token\", \"guid\": 7}",
        "{\"method\": \"token\", \"key_id\": 7}",
        "{\"method\": \"token\", \"pending\": \"yes\"}",
        "{\"method\": \"token\", \"device_token\": {}}",
        "{\"method\": \"token\", \"access_token\": 7}",
        "{\"method\": \"token\", \"device_token\": \"a.b.c\", \"device_token_expires\": \"soon\"}",
        "{\"method\": \"token\", \"device_token\": \"a.b.c\", \"device_token_renew\": 1.5}",
        "{\"method\": \"token\", \"access_token\": \"a.b.c\", \"access_token_expires\": false}",
        "{\"method\": \"token\", \"device_token\": \"a.b.c\", \"others\": {\"pki\": {\"access_token\": 7}}}"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        expect_refused(*state, wrong[i]);
}

static void a_member_that_is_null_is_none(void **state)
{
    struct client_identity id;
    struct error err;
    scratch_put(*state, "identity.json",
                "{\"method\": \"pki\", \"others\": {\"token\": {\"device_token\": \"a.b.c\", \"access_token\": null}}}",
                0600);
    assert_int_equal(client_identity_load(*state, &id, &err), OK);
    assert_string_equal(id.of[CHOICE_TOKEN].device_token, "a.b.c");
    assert_null(id.of[CHOICE_TOKEN].access_token);
    client_identity_free(&id);
}

static void an_identity_that_is_not_there_or_empty_is_none(void **state)
{
    struct client_identity id;
    struct error err;
    assert_int_equal(client_identity_load(*state, &id, &err), OK);
    assert_false(id.any);
    scratch_put(*state, "identity.json", "{}", 0600);
    assert_int_equal(client_identity_load(*state, &id, &err), OK);
    assert_false(id.any);
    scratch_put(*state, "identity.json", "{\"method\": \"pki\", \"pending\": false, \"later\": [1]}",
                0600); /* of a newer program */
    assert_int_equal(client_identity_load(*state, &id, &err), OK);
    assert_true(id.any);
    client_identity_free(&id);
}

static void a_secret_that_is_set_again_is_a_copy_and_none_is_none(void **state)
{
    (void)state;
    struct client_registration r = {0};
    char value[] = "abc";
    client_secret_set(&r.device_token, value);
    client_secret_set(&r.access_token, "x");
    value[0] = 'z';
    assert_string_equal(r.device_token, "abc");
    client_registration_drop_tokens(&r);
    assert_null(r.device_token);
    assert_null(r.access_token);
    client_secret_set(&r.device_token, NULL);
    assert_null(r.device_token);
}

/* --- user.json --- */

static void a_user_of_members_of_another_kind_is_refused(void **state)
{
    static const char *const wrong[] = {
        "{\"token\": \"a.b.c\", \"refresh_token\": 7}", "{\"token\": \"a.b.c\", \"site_token\": []}",
        "{\"token\": \"a.b.c\", \"expires\": \"7\"}",   "{\"token\": \"a.b.c\", \"site_expires\": 1.5}",
        "{\"token\": \"a.b.c\", \"site_device\": 7}",   "{\"token\": \"a.b.c\", \"name\": 7}"};
    struct client_user u;
    struct error err;
    for (size_t i = 0; i < ARRAY_LEN(wrong) + ARRAY_LEN(damaged); i++) {
        const char *text = i < ARRAY_LEN(wrong) ? wrong[i] : damaged[i - ARRAY_LEN(wrong)];
        scratch_put(*state, "user.json", text, 0600);
        if (client_user_load(*state, &u, &err) == OK)
            fail_msg("taken: %s", text);
        assert_non_null(strstr(err.text, "user.json"));
        assert_null(u.token);
    }
}

/* --- files of secrets --- */

static void a_file_of_secrets_is_for_its_owner_and_has_a_greatest_size(void **state)
{
    static char large[300 * 1024];
    json_t *root;
    struct error err;
    assert_int_equal(client_private_load(*state, "x.json", &root, &err), OK);
    assert_null(root);
    scratch_put(*state, "x.json", "{}", 0640);
    assert_int_equal(client_private_load(*state, "x.json", &root, &err), R_DENIED);
    scratch_put(*state, "x.json", "{}", 0600);
    assert_int_equal(client_private_load(*state, "x.json", &root, &err), OK);
    json_decref(root);
    memset(large, ' ', sizeof large - 1);
    scratch_put(*state, "x.json", large, 0600);
    assert_int_equal(client_private_load(*state, "x.json", &root, &err), R_LIMIT);
    assert_null(root);
}

/* --- state.json --- */

static void a_damaged_state_counts_as_empty_and_is_written_anew(void **state)
{
    char handled[PKI_HASH_HEX];
    struct error err;
    for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
        scratch_put(*state, "state.json", damaged[i], 0600);
        client_state_handled(*state, "handled", handled);
        assert_string_equal(handled, "");
        json_t *health = client_state_health(*state, CLIENT_STATE_GATEWAYS);
        assert_true(json_is_object(health));
        json_decref(health);
        assert_int_equal(client_state_set_handled(*state, "handled", "ab12", &err), OK);
        client_state_handled(*state, "handled", handled);
        assert_string_equal(handled, "ab12");
    }
}

static void members_of_another_kind_count_as_absent(void **state)
{
    char handled[PKI_HASH_HEX];
    scratch_put(*state, "state.json", "{\"handled\": 7, \"gateways\": [], \"last_failure\": \"x\"}", 0600);
    client_state_handled(*state, "handled", handled);
    assert_string_equal(handled, "");
    json_t *health = client_state_health(*state, CLIENT_STATE_GATEWAYS);
    assert_int_equal(json_object_size(health), 0);
    json_decref(health);
    json_t *good = json_pack("{s:b}", "ok", 1);
    struct error err;
    assert_int_equal(client_state_record(*state, "policy", good, &err), OK);
    json_decref(good);
    json_t *root = client_state_load(*state);
    assert_null(json_object_get(root, "last_failure"));
    assert_string_equal(json_opt_str(json_object_get(root, "last"), "operation", ""), "policy");
    json_decref(root);
}

static void what_is_noted_of_one_leaves_the_others(void **state)
{
    struct error err;
    char handled[PKI_HASH_HEX];
    json_t *health = json_pack("{s:{s:i}}", "a:443", "ms", 7);
    assert_int_equal(client_state_set_handled(*state, "handled", "ab12", &err), OK);
    assert_int_equal(client_state_set_health(*state, CLIENT_STATE_GATEWAYS, health, &err), OK);
    assert_int_equal(client_state_set_handled(*state, "user_handled", "cd34", &err), OK);
    json_decref(health);
    client_state_handled(*state, "handled", handled);
    assert_string_equal(handled, "ab12");
    client_state_handled(*state, "user_handled", handled);
    assert_string_equal(handled, "cd34");
    health = client_state_health(*state, CLIENT_STATE_GATEWAYS);
    assert_int_equal(json_opt_int(json_object_get(health, "a:443"), "ms", 0), 7);
    json_decref(health);
    health = client_state_health(*state, CLIENT_STATE_MANAGEMENT_POINTS);
    assert_int_equal(json_object_size(health), 0);
    json_decref(health);
}

static void a_folder_is_tried_without_leaving_anything_there(void **state)
{
    struct error err;
    char *probe = file_join(*state, "probe");
    assert_int_equal(client_state_writable(*state, &err), OK);
    assert_false(file_exists(probe));
    assert_int_not_equal(client_state_writable("/nonexistent/folder", &err), OK);
    free(probe);
}

/* --- sequences.json --- */

static unsigned char pin[PKI_SHA256] = {1}, other_pin[PKI_SHA256] = {2};

static int64_t floor_of(const struct client_reader *who, enum document_type type)
{
    int64_t ret = -1;
    struct error err;
    if (client_floor(who, type, &ret, &err) != OK)
        fail_msg("%s", err.text);
    return ret;
}

static void raise_floor(const struct client_reader *who, enum document_type type, int64_t sequence)
{
    struct error err;
    if (client_floor_raise(who, type, sequence, &err) != OK)
        fail_msg("%s", err.text);
}

static void a_floor_only_rises_and_is_of_one_kind_one_site_and_one_key(void **state)
{
    const struct client_reader me = {*state, pin, "g", "ab"}, key = {*state, pin, "g", "cd"},
                               site = {*state, other_pin, "g", "ab"}, all = {*state, pin, "all", NULL};
    assert_int_equal(floor_of(&me, DOCUMENT_POLICY), 0);
    raise_floor(&me, DOCUMENT_POLICY, 5);
    raise_floor(&me, DOCUMENT_POLICY, 4);
    assert_int_equal(floor_of(&me, DOCUMENT_POLICY), 5);
    raise_floor(&me, DOCUMENT_POLICY, 5);
    raise_floor(&me, DOCUMENT_POLICY, 6);
    assert_int_equal(floor_of(&me, DOCUMENT_POLICY), 6);
    assert_int_equal(floor_of(&me, DOCUMENT_SETTINGS), 0);
    assert_int_equal(floor_of(&key, DOCUMENT_POLICY), 0);
    assert_int_equal(floor_of(&site, DOCUMENT_POLICY), 0);
    assert_int_equal(floor_of(&all, DOCUMENT_POLICY), 0);
    const struct client_reader renamed = {*state, pin, "another guid", "ab"};
    assert_int_equal(floor_of(&renamed, DOCUMENT_POLICY), 6); /* whatever the GUID is */
}

static void of_many_keys_the_lowest_floor_gives_way(void **state)
{
    enum { MOST = 32 };
    char key[8];
    struct client_reader who = {*state, pin, "g", key};
    for (int i = 0; i <= MOST; i++) {
        (void)snprintf(key, sizeof key, "k%d", i);
        raise_floor(&who, DOCUMENT_POLICY, i == 3 ? 1 : 100 + i);
    }
    for (int i = 0; i <= MOST; i++) {
        (void)snprintf(key, sizeof key, "k%d", i);
        assert_int_equal(floor_of(&who, DOCUMENT_POLICY), i == 3 ? 0 : 100 + i);
    }
    (void)snprintf(key, sizeof key, "k5");
    raise_floor(&who, DOCUMENT_POLICY, 999); /* one that is there makes no room */
    (void)snprintf(key, sizeof key, "k0");
    assert_int_equal(floor_of(&who, DOCUMENT_POLICY), 100);
}

static void damaged_sequences_are_set_aside_and_begun_anew(void **state)
{
    static const char *const wrong[] = {"{\"policy\": 7}", "{\"policy\": []}", "{\"policy\": {\"x\": \"7\"}}",
                                        "{\"policy\": {\"x\": 1.5}}"};
    const struct client_reader me = {*state, pin, "g", "ab"};
    char *aside = file_join(*state, "sequences.json.damaged");
    for (size_t i = 0; i < ARRAY_LEN(wrong) + ARRAY_LEN(damaged); i++) {
        scratch_put(*state, "sequences.json", i < ARRAY_LEN(wrong) ? wrong[i] : damaged[i - ARRAY_LEN(wrong)], 0600);
        assert_int_equal(floor_of(&me, DOCUMENT_POLICY), 0);
        assert_true(file_exists(aside));
        raise_floor(&me, DOCUMENT_POLICY, 3);
        assert_int_equal(floor_of(&me, DOCUMENT_POLICY), 3);
        (void)unlink(aside);
    }
    static char large[300 * 1024]; /* more than is ever written */
    memset(large, ' ', sizeof large - 1);
    scratch_put(*state, "sequences.json", large, 0600);
    assert_int_equal(floor_of(&me, DOCUMENT_POLICY), 0);
    assert_true(file_exists(aside));
    free(aside);
}

static void sequences_that_cannot_be_read_are_a_fault(void **state)
{
    const struct client_reader me = {*state, pin, "g", "ab"};
    int64_t floor;
    struct error err;
    scratch_put(*state, "sequences.json", "{}", 0644);
    assert_int_equal(client_floor(&me, DOCUMENT_POLICY, &floor, &err), R_DENIED);
    assert_int_equal(client_floor_raise(&me, DOCUMENT_POLICY, 7, &err), R_DENIED);
    assert_int_equal(client_document_below(&me, DOCUMENT_POLICY), 0);
}

static void what_is_named_as_held_lies_just_below_what_will_be_taken(void **state)
{
    const struct client_reader me = {*state, pin, "g", "ab"};
    assert_int_equal(client_document_below(&me, DOCUMENT_POLICY), 0);
    raise_floor(&me, DOCUMENT_POLICY, 1);
    assert_int_equal(client_document_below(&me, DOCUMENT_POLICY), 0);
    raise_floor(&me, DOCUMENT_POLICY, 2);
    assert_int_equal(client_document_below(&me, DOCUMENT_POLICY), 1);
}

static void a_document_ends_at_its_second_and_ages_at_half_its_life(void **state)
{
    (void)state;
    const struct document d = {.issued = 1000, .expires = 1100};
    assert_false(client_document_aged(&d, 1049));
    assert_true(client_document_aged(&d, 1050));
    assert_false(client_document_ended(&d, 1099));
    assert_true(client_document_ended(&d, 1100));
}

/* --- what the site set --- */

static struct client_resultant resultant_of(const char *content)
{
    struct client_resultant r;
    const struct document d = {.sequence = 7, .issued = 1000, .content = json_loads(content, 0, NULL)};
    assert_non_null(d.content);
    client_resultant_read(&d, &r);
    json_decref(d.content);
    return r;
}

static void resultant_settings_are_read_with_what_won(void **state)
{
    (void)state;
    struct client_resultant r = resultant_of(
        "{\"settings\": {\"allow_cmg\": false, \"policy_interval\": 60, \"allowed_methods\": [\"pki\", \"token\"]},"
        " \"winners\": {\"allow_cmg\": \"laptops\"}}");
    assert_true(r.known && !r.allow_cmg);
    assert_int_equal(r.interval, 60);
    assert_int_equal(r.methods, CHOICE_BIT(CHOICE_PKI) | CHOICE_BIT(CHOICE_TOKEN));
    assert_string_equal(r.allow_by, "laptops");
    assert_true(r.sequence == 7 && r.issued == 1000);
    r = resultant_of("{}");
    assert_true(r.known && r.allow_cmg);
    assert_int_equal(r.interval, 0);
    assert_true(r.methods == ~0u);
    assert_string_equal(r.allow_by, "default settings");
    r = resultant_of("{\"settings\": {\"policy_interval\": -5, \"allowed_methods\": []}}");
    assert_int_equal(r.interval, 0);
    assert_true(r.methods == ~0u);
}

static void what_was_set_by_hand_stands_above_the_site(void **state)
{
    struct client c = {.dir = *state};
    struct client_resultant site = {.known = true, .allow_cmg = false}, none = {.allow_cmg = true};
    struct error err;
    assert_true(client_disallow_cmg(&c, &site).on);
    assert_string_equal(client_disallow_cmg(&c, &site).by, "site");
    assert_false(client_disallow_cmg(&c, &none).on);
    assert_string_equal(client_disallow_cmg(&c, &none).by, "default");
    assert_int_equal(client_settings_set(&c.settings, SLICE("DisAllowCMG"), SLICE("0"), &err), OK);
    assert_false(client_disallow_cmg(&c, &site).on);
    assert_string_equal(client_disallow_cmg(&c, &site).by, "local");
    assert_int_equal(client_policy_interval(&c), 3600);
    assert_int_equal(client_settings_set(&c.settings, SLICE("PolicyInterval"), SLICE("77"), &err), OK);
    assert_int_equal(client_policy_interval(&c), 77);
    client_settings_free(&c.settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_drop)
        TEST(a_damaged_identity_is_refused_and_not_taken_for_none),
        TEST(a_member_of_an_identity_that_is_of_another_kind_is_refused),
        TEST(a_member_that_is_null_is_none),
        TEST(an_identity_that_is_not_there_or_empty_is_none),
        TEST(a_secret_that_is_set_again_is_a_copy_and_none_is_none),
        TEST(a_user_of_members_of_another_kind_is_refused),
        TEST(a_file_of_secrets_is_for_its_owner_and_has_a_greatest_size),
        TEST(a_damaged_state_counts_as_empty_and_is_written_anew),
        TEST(members_of_another_kind_count_as_absent),
        TEST(what_is_noted_of_one_leaves_the_others),
        TEST(a_folder_is_tried_without_leaving_anything_there),
        TEST(a_floor_only_rises_and_is_of_one_kind_one_site_and_one_key),
        TEST(of_many_keys_the_lowest_floor_gives_way),
        TEST(damaged_sequences_are_set_aside_and_begun_anew),
        TEST(sequences_that_cannot_be_read_are_a_fault),
        TEST(what_is_named_as_held_lies_just_below_what_will_be_taken),
        TEST(a_document_ends_at_its_second_and_ages_at_half_its_life),
        TEST(resultant_settings_are_read_with_what_won),
        TEST(what_was_set_by_hand_stands_above_the_site),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
