/* SPDX-License-Identifier: Apache-2.0 */
/* What status says of certificates: a connector's own for https management points, and of what is trusted that which is
 * of no use. */
#include "kit.h"

#include <openssl/x509v3.h>

#include "mp/status/connector_certificate.h"
#include "mp/status/problems.h"
#include "mp/status/report.h"
#include "mp/status/trust_fault.h"
#include "store/site/role.h"
#include "store/site/trust.h"

/* --- a connector's own --- */

#define REGISTERED "aaaaaaaaaaaaaaaabbbb"

static const struct store_mp demanding = {.id = "mp1", .mode = "https", .clients = "pki"};

/* `own` is the report's client_certificate, NULL: it tells of none. */
static json_t *look(const char *registered, const struct store_mp *by, const char *own)
{
    const struct store_connector c = {.id = "cp1", .pki_sha256 = registered};
    json_t *report = json_object();
    if (own)
        (void)json_object_set_new(report, "client_certificate", json_loads(own, 0, NULL));
    json_t *o = mp_connector_certificate(&c, by, report);
    json_decref(report);
    assert_non_null(o);
    return o;
}

static void assert_state(const char *registered, const struct store_mp *by, const char *own, const char *state,
                         const char *step)
{
    json_t *o = look(registered, by, own);
    if (strcmp(json_opt_str(o, "state", ""), state) != 0 || strcmp(json_opt_str(o, "step", ""), step) != 0)
        fail_msg("%s: %s, %s", own ? own : "nothing", json_opt_str(o, "state", ""), json_opt_str(o, "step", ""));
    assert_int_equal(json_opt_bool(o, "needed", by == NULL), by != NULL);
    assert_int_equal(json_opt_bool(o, "registered", registered == NULL), registered != NULL);
    json_decref(o);
}

static void where_nobody_demands_it_nothing_is_wrong(void **state UNUSED)
{
    assert_state(NULL, NULL, NULL, "not_needed", "none");
    assert_state(REGISTERED, NULL, "{\"configured\": true, \"state\": \"failed\", \"step\": \"crl\"}", "not_needed",
                 "none");
}

static void what_is_not_registered_or_not_configured_is_missing(void **state UNUSED)
{
    assert_state(NULL, &demanding, NULL, "missing", "registered");
    assert_state(NULL, &demanding, "{\"configured\": true, \"state\": \"ok\"}", "missing", "registered");
    assert_state(REGISTERED, &demanding, "{\"configured\": false}", "missing", "configured");
    assert_state(REGISTERED, &demanding, "{}", "missing", "configured");
    json_t *o = look(NULL, &demanding, NULL);
    assert_non_null(strstr(json_opt_str(o, "detail", ""), "management point mp1"));
    assert_true(*json_opt_str(o, "remedy", ""));
    json_decref(o);
}

static void who_has_not_told_yet_is_unknown(void **state UNUSED)
{
    assert_state(REGISTERED, &demanding, NULL, "unknown", "none");
    json_t *o = look(REGISTERED, &demanding, NULL);
    assert_string_equal(json_opt_str(o, "detail", ""), "the connector has not told of it yet");
    json_decref(o);
}

static void what_the_connector_found_stands(void **state UNUSED)
{
    assert_state(REGISTERED, &demanding, "{\"configured\": true, \"state\": \"ok\", \"sha256\": \"" REGISTERED "\"}",
                 "ok", "none");
    assert_state(REGISTERED, &demanding,
                 "{\"configured\": true, \"state\": \"failed\", \"step\": \"chain\", \"sha256\": \"other\"}", "failed",
                 "chain"); /* that it is another one comes after that it is no good */
    json_t *o =
        look(REGISTERED, &demanding,
             "{\"configured\": true, \"state\": \"ok\", \"subject\": \"CN=a\", \"not_after\": 7, \"steps\": []}");
    assert_string_equal(json_opt_str(o, "subject", ""), "CN=a");
    assert_int_equal(json_opt_int(o, "not_after", 0), 7);
    assert_true(json_is_null(json_object_get(o, "checked")));
    assert_true(json_is_array(json_object_get(o, "steps")));
    json_decref(o);
}

static void another_certificate_than_the_registered_one_is_told_with_both(void **state UNUSED)
{
    static const char own[] = "{\"configured\": true, \"state\": \"ok\", \"sha256\": \"ccccccccccccccccdddd\"}";
    assert_state(REGISTERED, &demanding, own, "failed", "registered");
    json_t *o = look(REGISTERED, &demanding, own);
    assert_non_null(strstr(json_opt_str(o, "detail", ""), "cccccccccccccccc…"));
    assert_non_null(strstr(json_opt_str(o, "detail", ""), "aaaaaaaaaaaaaaaa…"));
    json_decref(o);
}

/* A text that is cut within a letter is no JSON: what a connector says must not end the management point. */
static void a_hash_of_letters_that_are_cut_is_no_end_of_anything(void **state UNUSED)
{
    json_t *o = look(REGISTERED, &demanding,
                     "{\"configured\": true, \"state\": \"ok\", \"sha256\": \"ccccccccccccccc\\u00e4dddd\"}");
    assert_string_equal(json_opt_str(o, "state", ""), "failed");
    assert_non_null(strstr(json_opt_str(o, "detail", ""), "ccccccccccccccc…"));
    json_decref(o);
}

static void a_long_fault_that_a_gateway_tells_is_told_as_far_as_it_goes(void **state UNUSED)
{
    char fault[700] = "x";
    for (size_t i = 1; i + 2 < sizeof fault; i += 2)
        memcpy(fault + i, "\xc3\xa4", 2);
    fault[sizeof fault - 1] = '\0';
    json_t *status = json_pack("{s:[{s:s, s:I, s:s}], s:[], s:[]}", "gateways", "id", "gw1", "seen",
                               (json_int_t)clock_wall_s(), "state_fault", fault, "connectors", "management_points");
    assert_non_null(status);
    json_t *list = mp_problems(status, clock_wall_s()), *p;
    size_t i;
    bool found = false;
    json_array_foreach(list, i, p) {
        if (strstr(json_opt_str(p, "found", ""), "gateway gw1 can't keep its state: x"))
            found = true;
    }
    assert_true(found);
    json_decref(list);
    json_decref(status);
}

/* --- what is trusted --- */

static X509 *made(enum pki_profile profile, EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key)
{
    return kit_issue(profile, "Some CA", NULL, key, ca, ca_key);
}

static void assert_fault(enum store_trust_kind kind, X509 *cert, int64_t now, const char *told)
{
    char fault[256];
    mp_trust_fault(kind, cert, now, fault, sizeof fault);
    if (!told ? *fault != '\0' : !strstr(fault, told))
        fail_msg("'%s', not '%s'", fault, told ? told : "");
}

static void a_cas_certificate_is_of_use_until_it_ends(void **state UNUSED)
{
    EVP_PKEY *key = pki_key_new();
    X509 *root = made(PKI_SITE_ROOT, key, NULL, NULL);
    int64_t ends = pki_cert_not_after(root);
    assert_fault(STORE_ANCHOR, root, ends, NULL);
    assert_fault(STORE_ANCHOR, root, ends + 1, "it expired");
    assert_fault(STORE_INTERMEDIATE, root, ends, "no path ends at an intermediate");
    assert_fault(STORE_INTERMEDIATE, root, ends + 1, "it expired");
    X509_free(root);
    EVP_PKEY_free(key);
}

static void an_intermediate_may_be_an_anchor_too(void **state UNUSED)
{
    EVP_PKEY *root_key = pki_key_new(), *key = pki_key_new();
    X509 *root = made(PKI_SITE_ROOT, root_key, NULL, NULL), *ca = made(PKI_ROLE_CA, key, root, root_key);
    assert_fault(STORE_INTERMEDIATE, ca, clock_wall_s(), NULL);
    assert_fault(STORE_ANCHOR, ca, clock_wall_s(), NULL);
    X509_free(ca);
    X509_free(root);
    EVP_PKEY_free(key);
    EVP_PKEY_free(root_key);
}

static void a_devices_certificate_and_one_of_version_1_are_no_cas(void **state UNUSED)
{
    EVP_PKEY *key = pki_key_new();
    X509 *device = made(PKI_DEVICE, key, NULL, NULL), *old = X509_new();
    assert_fault(STORE_ANCHOR, device, clock_wall_s(), "it is no CA's certificate");
    assert_int_equal(X509_set_pubkey(old, key), 1); /* a new one is of version 1 */
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(old), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(old), 1000));
    assert_true(X509_sign(old, key, EVP_sha256()) > 0);
    assert_fault(STORE_ANCHOR, old, clock_wall_s(), "a version before 3");
    X509_free(old);
    X509_free(device);
    EVP_PKEY_free(key);
}

static void put_trust(const char *id, enum store_trust_kind kind, int64_t not_after, const char *complete,
                      bool unproven)
{
    const struct store_trust t = {.id = id,
                                  .kind = kind,
                                  .subject = "CN=x",
                                  .number = "",
                                  .not_after = not_after,
                                  .scope = unproven ? "unknown" : "all",
                                  .complete = complete,
                                  .unproven = unproven,
                                  .this_update = not_after - 1000,
                                  .data = "?"};
    ok(store_trust_put(site.store, &t, &err));
}

static void assert_listed(const char *expected)
{
    json_t *status = json_object(), *t;
    char got[256] = "";
    size_t i;
    ok(mp_trust_put_faults(&site, rows, status, &err));
    json_array_foreach(json_object_get(status, "trust"), i, t) {
        (void)strncat(got, i ? " " : "", sizeof got - strlen(got) - 1);
        (void)strncat(got, json_opt_str(t, "id", "?"), sizeof got - strlen(got) - 1);
    }
    assert_string_equal(got, expected);
    json_decref(status);
}

static void a_list_is_told_when_it_ends_soon_or_nobody_can_use_it(void **state UNUSED)
{
    int64_t now = clock_wall_s(), later = now + MP_ENDS_SOON_S + 1000;
    put_trust("a-fine", STORE_CRL, later, "", false);
    put_trust("b-soon", STORE_CRL, now + MP_ENDS_SOON_S, "", false);
    put_trust("c-nobody's", STORE_CRL, later, "", true);
    assert_listed("b-soon c-nobody's");
}

static void a_delta_that_a_newer_one_outdates_is_nothing_to_tell(void **state UNUSED)
{
    int64_t now = clock_wall_s();
    put_trust("a-old", STORE_CRL, now + 100, "complete", false);
    put_trust("b-new", STORE_CRL, now + 200, "complete", false);
    put_trust("c-anothers", STORE_CRL, now + 100, "other", false);
    assert_listed("b-new c-anothers");
}

static void what_cannot_be_read_is_told(void **state UNUSED)
{
    put_trust("broken", STORE_ANCHOR, clock_wall_s() + 365 * 86400, "", false);
    assert_listed("broken");
}

#define WITH_STORE(name) cmocka_unit_test_setup_teardown(name, kit_open, kit_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_nobody_demands_it_nothing_is_wrong),
        cmocka_unit_test(what_is_not_registered_or_not_configured_is_missing),
        cmocka_unit_test(who_has_not_told_yet_is_unknown),
        cmocka_unit_test(what_the_connector_found_stands),
        cmocka_unit_test(another_certificate_than_the_registered_one_is_told_with_both),
        cmocka_unit_test(a_hash_of_letters_that_are_cut_is_no_end_of_anything),
        cmocka_unit_test(a_long_fault_that_a_gateway_tells_is_told_as_far_as_it_goes),
        cmocka_unit_test(a_cas_certificate_is_of_use_until_it_ends),
        cmocka_unit_test(an_intermediate_may_be_an_anchor_too),
        cmocka_unit_test(a_devices_certificate_and_one_of_version_1_are_no_cas),
        WITH_STORE(a_list_is_told_when_it_ends_soon_or_nobody_can_use_it),
        WITH_STORE(a_delta_that_a_newer_one_outdates_is_nothing_to_tell),
        WITH_STORE(what_cannot_be_read_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
