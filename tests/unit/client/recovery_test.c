/* SPDX-License-Identifier: Apache-2.0 */
/* How a device finds its way back by itself: other tokens, damaged state, and state of another machine. */
#include "fixture.h"

static void reopen(struct fixture *f)
{
    struct client_settings kept = f->c.settings;
    struct error err;
    f->c.settings = (struct client_settings){{NULL}};
    assert_int_equal(client_settings_save(f->dir, &kept, &err), OK);
    client_settings_free(&kept);
    client_close(&f->c);
    if (client_open(f->dir, &f->c, &err) != OK)
        fail_msg("%s", err.text);
}

static void spoil(const struct fixture *f, const char *name)
{
    static const char zeros[10];
    struct error err;
    char *path = file_join(f->dir, name);
    assert_int_equal(file_write(path, slice_make(zeros, sizeof zeros), 0600, &err), OK);
    free(path);
}

static void lose(const struct fixture *f, const char *name)
{
    char *path = file_join(f->dir, name);
    assert_int_equal(unlink(path), 0);
    free(path);
}

static void a_registered_token_device(struct fixture *f)
{
    give_bulk(f);
    json_decref(operate(f, CLIENT_RUN, true));
}

static void a_lost_or_damaged_certificate_comes_back_with_its_key(void **state)
{
    struct fixture *f = *state;
    struct client_credential before, after;
    struct error err;
    assert_int_equal(client_credential_own(f->dir, NULL, clock_wall_s(), &before, &err), OK);
    for (int damaged = 0; damaged < 2; damaged++) {
        if (damaged)
            spoil(f, "certificate.pem");
        else
            lose(f, "certificate.pem");
        assert_int_equal(client_credential_own(f->dir, NULL, clock_wall_s(), &after, &err), OK);
        assert_string_equal(after.certificate_pem, before.certificate_pem);
        assert_string_equal(after.key_id, before.key_id);
        client_credential_free(&after);
    }
    client_credential_free(&before);
}

static void a_damaged_identity_is_put_aside_and_the_device_registers_again(void **state)
{
    struct fixture *f = *state;
    give_pki(f, clock_wall_s() + DAY);
    json_decref(operate(f, CLIENT_RUN, true));
    spoil(f, "identity.json");
    reopen(f);
    json_decref(operate(f, CLIENT_RUN, true));
}

static void what_a_cut_off_write_left_is_removed_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    scratch_put(f->dir, "identity.json.unfinished-aB3dE9", "{}", 0600);
    scratch_put(f->dir, "key.pem.backup", "mine", 0600);
    reopen(f);
    char *left = file_join(f->dir, "identity.json.unfinished-aB3dE9"), *mine = file_join(f->dir, "key.pem.backup");
    assert_false(file_exists(left));
    assert_true(file_exists(mine));
    free(left);
    free(mine);
}

static void state_of_another_machine_gets_a_key_of_its_own_and_registers(void **state)
{
    struct fixture *f = *state;
    set(f, "HardwareId", "machine-a");
    a_registered_token_device(f);
    char key[PKI_HASH_HEX];
    (void)snprintf(key, sizeof key, "%s", f->c.identity.of[CHOICE_TOKEN].key_id);
    set(f, "HardwareId", "machine-b");
    reopen(f);
    assert_null(f->c.identity.of[CHOICE_TOKEN].device_token);
    json_t *report = operate(f, CLIENT_REGISTER, false);
    assert_member(report, "reason", "cloned");
    assert_member(report, "approval", "null");
    json_decref(report);
    json_t *status = client_status(&f->c, clock_wall_s());
    assert_member(status, "cloned_from", FAKE_GUID);
    json_decref(status);
    a_registered_token_device(f);
    assert_string_not_equal(f->c.identity.of[CHOICE_TOKEN].key_id, key);
}

static void a_machine_that_stays_itself_keeps_its_identity(void **state)
{
    struct fixture *f = *state;
    a_registered_token_device(f);
    reopen(f);
    assert_string_equal(f->c.identity.of[CHOICE_TOKEN].guid, FAKE_GUID);
    assert_string_equal(f->c.identity.cloned_from, "");
    json_decref(operate(f, CLIENT_RUN, true));
}

static void refuse_tokens_of_a_retired_key(struct fixture *f, const char *where)
{
    fake_site_knobs(f->site)->refuse = (struct fake_refusal){where, 401, "CMGService_Invalid_Token", "unknown_key"};
    fake_site_knobs(f->site)->refuse_but = "cmg-bulk+jwt";
}

static void a_fresh_bulk_token_counts_where_the_key_of_the_held_ones_was_retired(void **state)
{
    struct fixture *f = *state;
    a_registered_token_device(f);
    give_bulk(f);
    refuse_tokens_of_a_retired_key(f, "/ServiceMetadata");
    json_decref(operate(f, CLIENT_REGISTER, true));
    SEEN(f, "GET /CCM_Proxy_ServerAuth/ServiceMetadata cmg-access+jwt",
         "GET /CCM_Proxy_ServerAuth/ServiceMetadata cmg-device+jwt",
         "GET /CCM_Proxy_ServerAuth/ServiceMetadata cmg-bulk+jwt",
         "POST /CCM_Proxy_ServerAuth/e1/CCM_Client/registration cmg-bulk+jwt");
    fake_site_knobs(f->site)->refuse = (struct fake_refusal){NULL, 0, NULL, NULL};
    json_decref(operate(f, CLIENT_RUN, true));
}

static void a_refusal_of_tokens_makes_the_device_forget_none(void **state)
{
    struct fixture *f = *state;
    a_registered_token_device(f);
    refuse_tokens_of_a_retired_key(f, "/ServiceMetadata");
    json_t *report = operate(f, CLIENT_RUN, false);
    assert_member(report, "reason", "unknown_key");
    json_decref(report);
    assert_non_null(f->c.identity.of[CHOICE_TOKEN].device_token);
    fake_site_knobs(f->site)->refuse = (struct fake_refusal){NULL, 0, NULL, NULL};
    json_decref(operate(f, CLIENT_RUN, true));
}

static void of_several_gateways_the_fault_of_the_one_that_worked_is_told_and_the_others_beside_it(void **state)
{
    struct fixture *f = *state;
    char text[128];
    give_pki(f, clock_wall_s() + DAY);
    json_decref(operate(f, CLIENT_RUN, true));
    (void)snprintf(text, sizeof text, "127.0.0.1:1;127.0.0.1:%u", fake_site_port(f->site));
    set(f, "CMGFQDNs", text);
    set(f, "GatewayCA", "");
    json_t *report = operate(f, CLIENT_RUN, false);
    assert_member(report, "reason", "tls_untrusted");
    assert_non_null(strstr(json_opt_str(report, "detail", ""), "127.0.0.1:1: connection_refused"));
    json_decref(report);
}

static void why_a_file_is_no_token_is_said(void **state)
{
    static const struct {
        struct slice text;
        const char *words;
    } cases[] = {
        {{"\xef\xbb\xbf"
          "cmg1.",
          8},
         "byte order mark"},
        {{"\xff\xfe"
          "c\0m\0",
          6},
         "UTF-16"},
        {{"\"cmg1.\"", 7}, "quotes"},
        {{"", 0}, "empty"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error err;
        assert_int_equal(client_bulk_take(&f->c, cases[i].text, &err), R_INVALID);
        if (!strstr(err.text, cases[i].words))
            fail_msg("'%s' does not say %s", err.text, cases[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_lost_or_damaged_certificate_comes_back_with_its_key),
        CASE(a_damaged_identity_is_put_aside_and_the_device_registers_again),
        CASE(what_a_cut_off_write_left_is_removed_and_nothing_else),
        CASE(state_of_another_machine_gets_a_key_of_its_own_and_registers),
        CASE(a_machine_that_stays_itself_keeps_its_identity),
        CASE(a_fresh_bulk_token_counts_where_the_key_of_the_held_ones_was_retired),
        CASE(a_refusal_of_tokens_makes_the_device_forget_none),
        CASE(of_several_gateways_the_fault_of_the_one_that_worked_is_told_and_the_others_beside_it),
        CASE(why_a_file_is_no_token_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
