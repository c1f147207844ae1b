/* SPDX-License-Identifier: Apache-2.0 */
/* Management point and method from signed location data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/session/select.h"

static const char both[] = "{\"roles\":[{\"id\":\"e1\",\"mode\":\"ehttp\",\"clients\":[\"entra\",\"token\"]},"
                           "{\"id\":\"h1\",\"mode\":\"https\",\"clients\":[\"pki\",\"token\"]}]}";

static struct web_roles roles(const char *text)
{
    struct web_roles ret;
    json_t *o;
    struct error err;
    assert_int_equal(json_parse(slice_of(text), 1 << 20, &o, &err), OK);
    if (web_roles_read(o, &ret, &err) != OK)
        fail_msg("%s", err.text);
    json_decref(o);
    return ret;
}

static struct choices_device device(bool certificate, bool token)
{
    return (struct choices_device){.join = CHOICE_JOIN_NONE,
                                   .has_certificate = certificate,
                                   .has_token_way = token,
                                   .client_version = 2603,
                                   .allowed = ~0u};
}

static struct client_choice choose(const char *text, const char *wanted, bool certificate, bool token)
{
    struct web_roles r = roles(text);
    struct choices_device d = device(certificate, token);
    struct client_choice c;
    struct error err;
    const char *const lacks[CHOICE_CLIENTS] = {[CHOICE_PKI] = certificate ? NULL : "it expired yesterday"};
    if (client_select(&r, wanted, &d, lacks, &c, &err) != OK)
        fail_msg("%s", err.text);
    return c;
}

static void a_pki_device_goes_where_pki_works(void **state)
{
    (void)state;
    struct client_choice c = choose(both, NULL, true, true);
    assert_true(c.found);
    assert_false(c.against_rules);
    assert_int_equal(c.method, CHOICE_PKI);
    assert_string_equal(c.role.id, "h1");
    assert_string_equal(c.why_not[CHOICE_PKI], "");
    assert_true(*c.why_not[CHOICE_ENTRA]);
    assert_true(*c.why_not[CHOICE_TOKEN]);
}

static void a_token_device_takes_the_first_and_says_why_not_pki(void **state)
{
    (void)state;
    struct client_choice c = choose(both, NULL, false, true);
    assert_true(c.found);
    assert_int_equal(c.method, CHOICE_TOKEN);
    assert_string_equal(c.role.id, "e1");
    assert_string_equal(c.why_not[CHOICE_PKI], "it expired yesterday");
}

static void at_an_ehttp_management_point_the_token_comes_before_nothing(void **state)
{
    (void)state;
    struct client_choice c = choose(both, "E1", true, true);
    assert_true(c.found);
    assert_false(c.against_rules);
    assert_int_equal(c.method, CHOICE_TOKEN);
    assert_string_equal(c.role.id, "e1");
    assert_true(*c.why_not[CHOICE_PKI]);
}

static void a_pki_only_device_at_an_ehttp_management_point_still_asks(void **state)
{
    (void)state;
    struct client_choice c = choose(both, "e1", true, false);
    assert_true(c.found);
    assert_true(c.against_rules);
    assert_int_equal(c.method, CHOICE_PKI);
    assert_string_equal(c.role.id, "e1");
}

static void without_any_credential_no_method_is_left_and_each_says_why(void **state)
{
    (void)state;
    struct client_choice c = choose(both, NULL, false, false);
    assert_false(c.found);
    for (size_t i = 0; i < CHOICE_CLIENTS; i++)
        assert_true(*c.why_not[i]);
}

static void what_the_site_does_not_let_in_is_not_chosen(void **state)
{
    (void)state;
    struct client_choice c =
        choose("{\"roles\":[{\"id\":\"h1\",\"mode\":\"https\",\"clients\":[\"token\"]}]}", NULL, true, true);
    assert_int_equal(c.method, CHOICE_TOKEN);
    assert_true(*c.why_not[CHOICE_PKI]);
}

static void an_unknown_role_lists_those_there_are(void **state)
{
    (void)state;
    struct web_roles r = roles(both);
    struct choices_device d = device(true, true);
    struct client_choice c;
    struct error err;
    const char *const lacks[CHOICE_CLIENTS] = {NULL};
    assert_int_equal(client_select(&r, "x9", &d, lacks, &c, &err), R_NOTFOUND);
    assert_non_null(strstr(err.text, "e1, h1"));
    r.count = 0;
    assert_int_equal(client_select(&r, NULL, &d, lacks, &c, &err), R_NOTFOUND);
}

static void malformed_location_data_are_refused_and_unknown_modes_skipped(void **state)
{
    static const char *const bad[] = {"{}", "{\"roles\":{}}", "{\"roles\":[{\"mode\":\"https\"}]}",
                                      "{\"roles\":[{\"id\":\"a/b\",\"mode\":\"https\"}]}", "{\"roles\":[7]}"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct web_roles r;
        json_t *o;
        assert_int_equal(json_parse(slice_of(bad[i]), 4096, &o, NULL), OK);
        if (web_roles_read(o, &r, NULL) == OK)
            fail_msg("taken: %s", bad[i]);
        json_decref(o);
    }
    assert_int_equal(roles("{\"roles\":[{\"id\":\"n\",\"mode\":\"newest\"},{\"id\":\"h\",\"mode\":\"https\"}]}").count,
                     1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pki_device_goes_where_pki_works),
        cmocka_unit_test(a_token_device_takes_the_first_and_says_why_not_pki),
        cmocka_unit_test(at_an_ehttp_management_point_the_token_comes_before_nothing),
        cmocka_unit_test(a_pki_only_device_at_an_ehttp_management_point_still_asks),
        cmocka_unit_test(without_any_credential_no_method_is_left_and_each_says_why),
        cmocka_unit_test(what_the_site_does_not_let_in_is_not_chosen),
        cmocka_unit_test(an_unknown_role_lists_those_there_are),
        cmocka_unit_test(malformed_location_data_are_refused_and_unknown_modes_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
