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

/* Each check at its border: the first that is taken, the first that is not. */
static void values_at_their_border_are_taken_and_beyond_it_refused(void **state)
{
    (void)state;
    char long_text[402];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    const char *const x128 = long_text + sizeof long_text - 1 - 128, *const x129 = x128 - 1;
    const struct {
        const char *name, *good, *bad, *words;
    } rows[] = {{"PolicyInterval", "10", "9", "whole seconds between 10 and 604800"},
                {"PolicyInterval", "604800", "604801", "whole seconds"},
                {"PolicyInterval", "60", "60s", "whole seconds"},
                {"PolicyInterval", "60", "-60", "whole seconds"},
                {"SiteCode", "A", "a", "1 to 8 of A-Z and 0-9"},
                {"SiteCode", "ABCDEFG8", "ABCDEFG89", "1 to 8"},
                {"Name", x128, x129, "more than 128 bytes"},
                {"EntraClientId", x128, x129, "more than 128 bytes"},
                {"EntraTenant", x128, x129, "more than 128 bytes"},
                {"EntraTenant", "contoso.example", "contoso/x", "a tenant is its id"},
                {"EntraTenant", "a-b", "a?b", "a tenant is its id"},
                {"EntraIssuer", "https://a", "http://a", "https://"},
                {"EntraTokenEndpoint", "https://a/b?c", "HTTPS://a", "https://"},
                {"Certificate", "/a", "a", "absolute path"},
                {"GatewayCA", "/", "./a", "absolute path"},
                {"DisAllowCMG", "0", "2", "only 0 or 1"},
                {"ClientAlwaysOnInternet", "1", "true", "only 0 or 1"},
                {"ClientVersion", "1910", "1913", "YYMM"},
                {"ClientVersion", "5.00.8913", "5.x", "YYMM"},
                {"RoleId", "a.b_c-1", "a b", "a role id"},
                {"MPUrls", "https://a;https://b:8443/", "https://a;b", "https://host[:port]"},
                {"CMGFQDNs", "a;b:1", "a;b:0", "the port is not between"},
                {"SiteKey", PIN, "0001", "64 hex digits"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct client_settings s = {0};
        struct error err;
        enum client_setting which;
        assert_true(client_setting_find(slice_of(rows[i].name), &which));
        if (client_settings_set(&s, slice_of(rows[i].name), slice_of(rows[i].good), &err) != OK)
            fail_msg("%s=%s: %s", rows[i].name, rows[i].good, err.text);
        if (client_settings_set(&s, slice_of(rows[i].name), slice_of(rows[i].bad), &err) != R_INVALID ||
            !strstr(err.text, rows[i].words) || !slice_starts(slice_of(err.text), slice_of(rows[i].name)))
            fail_msg("%s=%s: %s", rows[i].name, rows[i].bad, err.text);
        assert_string_equal(client_setting(&s, which), rows[i].good);
        client_settings_free(&s);
    }
}

static void a_value_has_a_greatest_size_and_no_nul(void **state)
{
    (void)state;
    static char value[4098];
    struct client_settings s = {0};
    struct error err;
    memset(value, 'x', sizeof value - 1);
    assert_int_equal(client_settings_set(&s, SLICE("CertIssuers"), slice_make(value, 4096), &err), OK);
    assert_int_equal(client_settings_set(&s, SLICE("CertIssuers"), slice_make(value, 4097), &err), R_LIMIT);
    assert_int_equal(client_settings_set(&s, SLICE("Name"), SLICE("a\0b"), &err), R_LIMIT);
    assert_int_equal(strlen(client_setting(&s, SETTING_CERT_ISSUERS)), 4096);
    assert_null(client_setting(&s, SETTING_NAME));
    client_settings_free(&s);
}

static void blanks_around_a_value_are_none_and_an_empty_one_unsets(void **state)
{
    (void)state;
    struct client_settings s = {0};
    assert_int_equal(set(&s, "Name", "\t laptop  "), OK);
    assert_string_equal(client_setting(&s, SETTING_NAME), "laptop");
    assert_int_equal(set(&s, "NAME", "   "), OK);
    assert_null(client_setting(&s, SETTING_NAME));
    assert_int_equal(set(&s, "ClientVersion", "1910"), OK);
    assert_int_equal(set(&s, "ClientVersion", ""), OK);
    assert_string_equal(client_setting(&s, SETTING_CLIENT_VERSION), "2603");
}

static void every_setting_is_found_by_its_name_and_no_other_one(void **state)
{
    (void)state;
    enum client_setting which;
    for (unsigned i = 0; i < CLIENT_SETTINGS; i++) {
        const struct client_setting_info *info = client_setting_info((enum client_setting)i);
        assert_true(client_setting_find(slice_of(info->name), &which));
        assert_int_equal(which, i);
        assert_true(*info->help && info->check);
    }
    assert_false(client_setting_find(SLICE("SiteKe"), &which));
    assert_false(client_setting_find(SLICE("SiteKeys"), &which));
    assert_false(client_setting_find(SLICE(""), &which));
}

static void a_name_that_is_almost_one_is_told_which_is_meant(void **state)
{
    (void)state;
    struct error err;
    client_settings_unknown(SLICE("SiteKye"), &err);
    assert_int_equal(err.code, R_NOTFOUND);
    assert_non_null(strstr(err.text, "no setting 'SiteKye'"));
    assert_non_null(strstr(err.text, "SiteKey"));
}

static void a_file_that_a_setting_names_may_come_later_and_is_told(void **state)
{
    struct client_settings s = {0};
    struct error err;
    char *path = file_join(*state, "later.pem");
    assert_int_equal(client_setting_try(&s, SETTING_CERTIFICATE, &err), OK); /* not set */
    assert_int_equal(set(&s, "Certificate", path), OK);
    assert_int_equal(client_setting_try(&s, SETTING_CERTIFICATE, &err), R_IO);
    scratch_put(*state, "later.pem", "x", 0600);
    assert_int_equal(client_setting_try(&s, SETTING_CERTIFICATE, &err), OK);
    assert_int_equal(set(&s, "Name", "/nonexistent"), OK); /* no path, whatever it looks like */
    assert_int_equal(client_setting_try(&s, SETTING_NAME, &err), OK);
    client_settings_free(&s);
    free(path);
}

static void a_pin_is_the_same_in_large_letters(void **state)
{
    struct client_settings s = {0};
    struct error err;
    char *text = enrolment("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", false);
    assert_int_equal(set(&s, "SiteKey", PIN), OK);
    assert_int_equal(set(&s, "Name", "kept"), OK);
    assert_int_equal(client_settings_enroll(*state, &s, slice_of(text), &err), OK);
    assert_string_equal(client_setting(&s, SETTING_SITE_KEY), PIN);
    assert_string_equal(client_setting(&s, SETTING_NAME), "kept");
    assert_null(client_setting(&s, SETTING_GATEWAY_CA));
    client_settings_free(&s);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_set_is_there_for_the_next_process, scratch_make, scratch_drop),
        cmocka_unit_test_setup_teardown(a_setting_that_is_not_set_has_its_fallback, scratch_make, scratch_drop),
        cmocka_unit_test(wrong_values_are_refused_and_change_nothing),
        cmocka_unit_test(an_unknown_name_lists_those_there_are),
        cmocka_unit_test(values_at_their_border_are_taken_and_beyond_it_refused),
        cmocka_unit_test(a_value_has_a_greatest_size_and_no_nul),
        cmocka_unit_test(blanks_around_a_value_are_none_and_an_empty_one_unsets),
        cmocka_unit_test(every_setting_is_found_by_its_name_and_no_other_one),
        cmocka_unit_test(a_name_that_is_almost_one_is_told_which_is_meant),
        cmocka_unit_test_setup_teardown(a_file_that_a_setting_names_may_come_later_and_is_told, scratch_make,
                                        scratch_drop),
        cmocka_unit_test_setup_teardown(a_pin_is_the_same_in_large_letters, scratch_make, scratch_drop),
        cmocka_unit_test_setup_teardown(a_broken_file_is_named_and_not_taken_for_none, scratch_make, scratch_drop),
        cmocka_unit_test_setup_teardown(an_enrolment_file_sets_pin_gateways_and_anchors, scratch_make, scratch_drop),
        cmocka_unit_test_setup_teardown(a_device_pinned_to_one_site_is_not_moved_by_a_file_of_another, scratch_make,
                                        scratch_drop),
        cmocka_unit_test_setup_teardown(a_malformed_enrolment_file_changes_nothing, scratch_make, scratch_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
