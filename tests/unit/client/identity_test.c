/* SPDX-License-Identifier: Apache-2.0 */
/* identity.json: registrations of several methods, secrets that others can't read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../base/scratch.h"
#include "client/client.h"
#include "client/credential/user.h"
#include "client/state/state.h"
#include "web/signed.h"

#define GUID "6f1c7e0a-0b1c-4d2e-8f3a-5b6c7d8e9f00"
#define OTHER_GUID "7f1c7e0a-0b1c-4d2e-8f3a-5b6c7d8e9f01"

static struct client_identity sample(void)
{
    struct client_identity id = {.any = true, .method = CHOICE_TOKEN, .role = "e1", .mode = "ehttp"};
    struct client_registration *t = &id.of[CHOICE_TOKEN], *p = &id.of[CHOICE_PKI];
    (void)snprintf(t->guid, sizeof t->guid, "%s", GUID);
    (void)snprintf(t->key_id, sizeof t->key_id, "ab12");
    client_secret_set(&t->device_token, "d.e.v");
    client_secret_set(&t->access_token, "a.c.c");
    t->device_expires = 1000;
    t->device_renew = 500;
    t->access_expires = 300;
    (void)snprintf(p->guid, sizeof p->guid, "%s", OTHER_GUID);
    p->pending = true;
    return id;
}

static void every_registration_comes_back_as_it_was(void **state)
{
    struct client_identity a = sample(), b;
    struct error err;
    struct stat st;
    char *path = file_join(*state, "identity.json");
    assert_int_equal(client_identity_save(*state, &a, &err), OK);
    assert_int_equal(client_identity_load(*state, &b, &err), OK);
    assert_int_equal(b.method, CHOICE_TOKEN);
    assert_string_equal(b.of[CHOICE_TOKEN].guid, GUID);
    assert_string_equal(b.of[CHOICE_TOKEN].device_token, "d.e.v");
    assert_string_equal(b.of[CHOICE_TOKEN].access_token, "a.c.c");
    assert_int_equal(b.of[CHOICE_TOKEN].device_renew, 500);
    assert_false(b.of[CHOICE_TOKEN].pending);
    assert_int_equal(b.of[CHOICE_TOKEN].access_expires, 300);
    assert_string_equal(b.of[CHOICE_PKI].guid, OTHER_GUID);
    assert_true(b.of[CHOICE_PKI].pending);
    assert_string_equal(b.role, "e1");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    client_identity_free(&a);
    client_identity_free(&b);
    free(path);
}

static void a_file_that_others_can_read_is_refused(void **state)
{
    struct client_identity id;
    struct error err;
    scratch_put(*state, "identity.json", "{}", 0644);
    assert_int_equal(client_identity_load(*state, &id, &err), R_DENIED);
}

static void a_malformed_identity_is_named(void **state)
{
    static const char *const bad[] = {"", "{\"method\":\"magic\"}", "{\"method\":\"pki\",\"guid\":\"x\"}",
                                      "{\"role\":\"12345678901234567890123456789012345678901\"}"};
    struct client_identity id;
    struct error err;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        scratch_put(*state, "identity.json", bad[i], 0600);
        if (client_identity_load(*state, &id, &err) == OK)
            fail_msg("taken: %s", bad[i]);
        assert_non_null(strstr(err.text, "identity.json"));
    }
}

static void a_user_comes_back_as_saved_and_what_is_no_user_is_named(void **state)
{
    static const char *const bad[] = {
        "[]",
        "x",
        "{}",
        "{\"token\":7}",
        "{\"token\":\"a b\"}",
        "{\"token\":\"a.b.c\",\"site_device\":\"0123456789012345678901234567890123456789\"}"};
    struct client_user a = {.name = "ada@example.com", .expires = 7, .site_expires = 9, .site_device = GUID}, b;
    struct error err;
    client_secret_set(&a.token, "a.b.c");
    client_secret_set(&a.refresh, "r");
    assert_int_equal(client_user_save(*state, &a, &err), OK);
    assert_int_equal(client_user_load(*state, &b, &err), OK);
    assert_string_equal(b.token, "a.b.c");
    assert_string_equal(b.refresh, "r");
    assert_string_equal(b.name, "ada@example.com");
    assert_string_equal(b.site_device, GUID);
    assert_null(b.site_token);
    assert_true(b.expires == 7 && b.site_expires == 9);
    client_user_free(&a);
    client_user_free(&b);
    scratch_put(*state, "user.json", "{\"token\":\"a.b.c\"}", 0644);
    assert_int_equal(client_user_load(*state, &b, &err), R_DENIED);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        scratch_put(*state, "user.json", bad[i], 0600);
        if (client_user_load(*state, &b, &err) == OK)
            fail_msg("taken: %s", bad[i]);
        assert_non_null(strstr(err.text, "user.json"));
        assert_null(b.token);
    }
}

static void a_token_may_hold_the_characters_of_a_jwt_only(void **state)
{
    (void)state;
    assert_true(web_token_valid(SLICE("eyJ.a-b_c.0")));
    assert_false(web_token_valid(SLICE("")));
    assert_false(web_token_valid(SLICE("a.b.c\r\nX: y")));
    assert_false(web_token_valid(SLICE("a b")));
}

/* --- the state for `status` --- */

static json_t *result(bool ok, const char *reason)
{
    return json_pack("{s:b, s:s}", "ok", (int)ok, "reason", reason);
}

static const char *failure(const char *dir, char ret[32])
{
    json_t *state = client_state_load(dir);
    (void)snprintf(ret, 32, "%s", json_opt_str(json_object_get(state, "last_failure"), "reason", "none"));
    json_decref(state);
    return ret;
}

static void a_failure_stays_until_the_same_operation_succeeds(void **state)
{
    struct error err;
    char text[32];
    json_t *bad = result(false, "revoked"), *good = result(true, "");
    assert_int_equal(client_state_record(*state, "policy", bad, &err), OK);
    assert_string_equal(failure(*state, text), "revoked");
    assert_int_equal(client_state_record(*state, "register", good, &err), OK);
    assert_string_equal(failure(*state, text), "revoked");
    assert_int_equal(client_state_record(*state, "policy", good, &err), OK);
    assert_string_equal(failure(*state, text), "none");
    json_decref(bad);
    json_decref(good);
}

#define WITH_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(every_registration_comes_back_as_it_was),
        WITH_SCRATCH(a_file_that_others_can_read_is_refused),
        WITH_SCRATCH(a_malformed_identity_is_named),
        WITH_SCRATCH(a_user_comes_back_as_saved_and_what_is_no_user_is_named),
        cmocka_unit_test(a_token_may_hold_the_characters_of_a_jwt_only),
        WITH_SCRATCH(a_failure_stays_until_the_same_operation_succeeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
