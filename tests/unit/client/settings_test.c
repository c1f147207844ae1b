/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: checked when set, kept across processes, and the enrolment file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../base/scratch.h"
#include "client/state/settings.h"
#include "pki/cert/cert.h"
#include "pki/issue/issue.h"

#define PIN "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static enum result set(struct client_settings *s, const char *name, const char *value)
{
    struct error err;
    return client_settings_set(s, slice_of(name), slice_of(value), &err);
}

static void what_was_set_is_there_for_the_next_process(void **state)
{
    struct client_settings s = {0}, t;
    struct error err;
    assert_int_equal(set(&s, "cmgfqdns", "gw.example:8443;other"), OK);
    assert_int_equal(set(&s, "SiteKey", "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"), OK);
    assert_int_equal(client_settings_save(*state, &s, &err), OK);
    assert_int_equal(client_settings_load(*state, &t, &err), OK);
    assert_string_equal(client_setting(&t, SETTING_CMG_FQDNS), "gw.example:8443;other");
    assert_string_equal(client_setting(&t, SETTING_SITE_KEY), PIN);
    client_settings_free(&s);
    client_settings_free(&t);
}

static void a_setting_that_is_not_set_has_its_fallback(void **state)
{
    struct client_settings s;
    struct error err;
    assert_int_equal(client_settings_load(*state, &s, &err), OK);
    assert_string_equal(client_setting(&s, SETTING_CLIENT_VERSION), "2603");
    assert_null(client_setting(&s, SETTING_SITE_KEY));
    assert_int_equal(set(&s, "DisAllowCMG", "1"), OK);
    assert_true(client_setting_on(&s, SETTING_DISALLOW_CMG));
    assert_int_equal(set(&s, "DisAllowCMG", ""), OK);
    assert_false(client_setting_on(&s, SETTING_DISALLOW_CMG));
    client_settings_free(&s);
}

static void wrong_values_are_refused_and_change_nothing(void **state)
{
    static const char *const bad[][2] = {
        {"SiteKey", "00"},        {"SiteKey", PIN "00"},       {"DisAllowCMG", "yes"},    {"CMGFQDNs", "https://a"},
        {"Certificate", "a.pem"}, {"ClientVersion", "newest"}, {"RoleId", "a/b"},         {"MPUrls", "http://mp"},
        {"PolicyInterval", "1"},  {"SiteCode", "lab"},         {"SiteCode", "ABCDEFGHI"}, {"PolicyHandler", "sh -c x"},
    };
    struct client_settings s = {0};
    (void)state;
    assert_int_equal(set(&s, "SiteKey", PIN), OK);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (set(&s, bad[i][0], bad[i][1]) == OK)
            fail_msg("%s=%s was taken", bad[i][0], bad[i][1]);
    }
    assert_string_equal(client_setting(&s, SETTING_SITE_KEY), PIN);
    client_settings_free(&s);
}

static void an_unknown_name_lists_those_there_are(void **state)
{
    struct client_settings s = {0};
    struct error err;
    (void)state;
    assert_int_equal(client_settings_set(&s, SLICE("Nonsense"), SLICE("1"), &err), R_NOTFOUND);
    assert_non_null(strstr(err.text, "CMGFQDNs"));
}

static void a_broken_file_is_named_and_not_taken_for_none(void **state)
{
    static const char *const bad[] = {"{", "[]", "{\"SiteKey\": 1}", "{\"SiteKey\": \"zz\"}", "{\"Odd\": \"1\"}"};
    struct client_settings s;
    struct error err;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        scratch_put(*state, "config.json", bad[i], 0600);
        assert_int_not_equal(client_settings_load(*state, &s, &err), OK);
        assert_non_null(strstr(err.text, "config.json"));
    }
}

/* --- enrolment --- */

static char *enrolment(const char *pin, bool with_ca)
{
    json_t *o =
        json_pack("{s:s, s:i, s:s, s:s, s:s, s:n, s:[s]}", "opencmg", "enrollment", "version", 1, "site", "LAB",
                  "site_key", pin, "cmg_fqdns", "gw.example:443", "gateway_ca_pem", "mp_urls", "https://mp.lab:8443");
    if (with_ca) {
        EVP_PKEY *key = pki_key_new();
        X509 *ca;
        struct pki_request r = {
            .profile = PKI_TLS_CA, .common_name = "CA", .not_before = 0, .not_after = 4102444800, .subject_key = key};
        assert_int_equal(pki_issue(&r, &ca, NULL), OK);
        char *pem = pki_cert_pem(ca);
        assert_int_equal(json_object_set_new(o, "gateway_ca_pem", json_string(pem)), 0);
        free(pem);
        X509_free(ca);
        EVP_PKEY_free(key);
    }
    char *text = json_text(o);
    json_decref(o);
    return text;
}

static void an_enrolment_file_sets_pin_gateways_and_anchors(void **state)
{
    struct client_settings s = {0};
    struct error err;
    char *text = enrolment(PIN, true);
    assert_int_equal(client_settings_enroll(*state, &s, slice_of(text), &err), OK);
    assert_string_equal(client_setting(&s, SETTING_SITE_KEY), PIN);
    assert_string_equal(client_setting(&s, SETTING_CMG_FQDNS), "gw.example:443");
    assert_string_equal(client_setting(&s, SETTING_MP_URLS), "https://mp.lab:8443");
    assert_true(file_exists(client_setting(&s, SETTING_GATEWAY_CA)));
    free(text);
    client_settings_free(&s);
}

static void a_device_pinned_to_one_site_is_not_moved_by_a_file_of_another(void **state)
{
    struct client_settings s = {0};
    struct error err;
    char *text = enrolment("ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", false);
    assert_int_equal(set(&s, "SiteKey", PIN), OK);
    assert_int_equal(client_settings_enroll(*state, &s, slice_of(text), &err), R_CONFLICT);
    assert_string_equal(client_setting(&s, SETTING_SITE_KEY), PIN);
    assert_null(client_setting(&s, SETTING_CMG_FQDNS));
    free(text);
    client_settings_free(&s);
}

static void a_malformed_enrolment_file_changes_nothing(void **state)
{
    static const char *const bad[] = {
        "",
        "{}",
        "{\"opencmg\":\"gateway-bootstrap\",\"version\":1,\"site\":\"LAB\"}",
        "{\"opencmg\":\"enrollment\",\"version\":2,\"site\":\"LAB\",\"site_key\":\"" PIN "\",\"cmg_fqdns\":\"a\"}",
        "{\"opencmg\":\"enrollment\",\"version\":1,\"site\":\"LAB\",\"site_key\":\"" PIN "\",\"cmg_fqdns\":\"a b\"}",
        "{\"opencmg\":\"enrollment\",\"version\":1,\"site\":\"LAB\",\"site_key\":\"" PIN
        "\",\"cmg_fqdns\":\"a\",\"gateway_ca_pem\":\"no pem\"}",
        "{\"opencmg\":\"enrollment\",\"version\":1,\"site\":\"LAB\",\"site_key\":\"" PIN
        "\",\"cmg_fqdns\":\"a\",\"mp_urls\":[1]}"};
    struct client_settings s = {0};
    struct error err;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (client_settings_enroll(*state, &s, slice_of(bad[i]), &err) == OK)
            fail_msg("taken: %s", bad[i]);
        for (size_t k = 0; k < CLIENT_SETTINGS; k++)
            assert_null(s.values[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_set_is_there_for_the_next_process, scratch_make, scratch_drop),
        cmocka_unit_test_setup_teardown(a_setting_that_is_not_set_has_its_fallback, scratch_make, scratch_drop),
        cmocka_unit_test(wrong_values_are_refused_and_change_nothing),
        cmocka_unit_test(an_unknown_name_lists_those_there_are),
        cmocka_unit_test_setup_teardown(a_broken_file_is_named_and_not_taken_for_none, scratch_make, scratch_drop),
        cmocka_unit_test_setup_teardown(an_enrolment_file_sets_pin_gateways_and_anchors, scratch_make, scratch_drop),
        cmocka_unit_test_setup_teardown(a_device_pinned_to_one_site_is_not_moved_by_a_file_of_another, scratch_make,
                                        scratch_drop),
        cmocka_unit_test_setup_teardown(a_malformed_enrolment_file_changes_nothing, scratch_make, scratch_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
