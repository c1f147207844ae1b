/* SPDX-License-Identifier: Apache-2.0 */
/* The admin API's view of the whole site: status, enrolment, bundle, settings, questions, foreign sites, and whence
 * lists may come. */
#include "admin_kit.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "mp/config.h"
#include "mp/content/documents.h"
#include "store/sequence.h"
#include "store/site/audit.h"
#include "store/site/question.h"
#include "store/site/role.h"
#include "store/site/setting.h"

/* --- status --- */

static bool has_problem(const char *cause)
{
    const json_t *p;
    size_t i;
    json_array_foreach(json_object_get(ask.json, "problems"), i, p) {
        if (strcmp(json_opt_str(p, "cause", ""), cause) == 0)
            return true;
    }
    return false;
}

static void status_tells_what_there_is_and_what_is_missing(void **state UNUSED)
{
    assert_int_equal(admin("GET", "/v1/status", ""), 200);
    assert_string_equal(kit_said(&ask, "site"), "LAB");
    assert_true(has_problem("no_gateway") && has_problem("no_connector"));
    (void)admin("POST", "/v1/gateways", "{\"id\":\"gw1\",\"host\":\"gw.example\"}");
    (void)admin("POST", "/v1/connectors", "{\"id\":\"cp1\"}");
    ok(store_connector_seen(site.store, "cp1", clock_wall_s(), "{}", &err));
    assert_int_equal(admin("GET", "/v1/status", ""), 200);
    assert_false(has_problem("no_gateway") || has_problem("no_connector") || has_problem("connector_silent"));
    assert_true(has_problem("gateway_unreachable"));
    assert_int_equal(json_array_size(json_object_get(ask.json, "gateways")), 1);
    assert_int_equal(json_array_size(json_object_get(ask.json, "connectors")), 1);
}

static void a_fault_of_ours_is_told_until_the_store_works_again(void **state UNUSED)
{
    (void)error_set(&err, R_IO, "the store: disk I/O error");
    mp_site_note_fault(&site, &err);
    (void)admin("GET", "/v1/status", "");
    assert_string_equal(json_opt_str(json_object_get(ask.json, "fault"), "text", ""), "the store: disk I/O error");
    mp_site_store_works(&site);
    (void)admin("GET", "/v1/status", "");
    assert_true(json_is_null(json_object_get(ask.json, "fault")));
}

static void an_anchor_that_is_no_cas_is_told_when_it_is_added_and_in_the_status(void **state UNUSED)
{
    struct kit_device d;
    kit_device_new(&d);
    char *body = with_pem("{\"kind\":\"anchor\",\"data\":%s}", d.pem);
    assert_int_equal(admin("POST", "/v1/trust", body), 201);
    assert_int_equal(json_array_size(json_object_get(ask.json, "warnings")), 1);
    (void)admin("GET", "/v1/status", "");
    assert_int_equal(json_array_size(json_object_get(ask.json, "trust")), 1);
    assert_true(has_problem("anchor_unusable"));
    free(body);
    kit_device_free(&d);
}

/* --- enrolment --- */

static void an_enrolment_file_names_gateways_and_what_is_inside_for_others(void **state UNUSED)
{
    static const struct store_mp mps[] = {
        {.id = "mp1", .mode = "ehttp", .url = "https://mp.example", .clients = "token"},
        {.id = "mp2", .mode = "https", .url = "https://mp2.example", .clients = "pki", .anchors_pem = "PEM"},
        {.id = "mp3", .mode = "ehttp", .url = "https://127.0.0.1:8443", .clients = "token"}};
    for (size_t i = 0; i < ARRAY_LEN(mps); i++)
        ok(store_mp_put(site.store, &mps[i], &err));
    (void)admin("POST", "/v1/gateways", "{\"id\":\"gw1\",\"host\":\"gw.example\"}");
    (void)admin("POST", "/v1/gateways", "{\"id\":\"gw2\",\"host\":\"2001:db8::1\",\"port\":8443}");
    assert_int_equal(admin("GET", "/v1/enrollment", ""), 200);
    assert_string_equal(kit_said(&ask, "cmg_fqdns"), "gw.example:443;[2001:db8::1]:8443");
    assert_string_equal(kit_said(&ask, "mp_ca_pem"), "PEM");
    assert_int_equal(json_array_size(json_object_get(ask.json, "mp_urls")), 2); /* none of this very machine */
    assert_true(json_is_null(json_object_get(ask.json, "gateway_ca_pem")));
}

/* --- bundle --- */

static const char *first_source(void)
{
    const json_t *list = json_object_get(json_object_get(ask.json, "content"), "sources");
    return json_opt_str(json_array_get(list, 0), "url", "");
}

static void the_bundle_is_shown_without_secrets_to_readers(void **state UNUSED)
{
    ok(store_bump(site.store, STORE_LOCATION, &err));
    (void)admin("POST", "/v1/sources",
                "{\"id\":\"s\",\"kind\":\"crl\",\"url\":\"http://a.example/l?key=secret\",\"via\":\"internet\"}");
    assert_int_equal(admin("GET", "/v1/bundle", ""), 200);
    assert_non_null(strstr(first_source(), "secret"));
    assert_int_equal(admin_as(MP_READER, "GET", "/v1/bundle", ""), 200);
    assert_true(*first_source());
    assert_null(strstr(first_source(), "secret"));
}

/* --- settings --- */

static void every_setting_is_listed_with_its_default_or_its_value(void **state UNUSED)
{
    (void)admin("PUT", "/v1/settings/crl_check", "{\"value\":false}");
    (void)admin("PUT", "/v1/settings/renewal_grace", "{\"value\":3600}");
    assert_int_equal(admin("GET", "/v1/settings", ""), 200);
    const json_t *all = json_object_get(ask.json, "settings");
    for (const struct store_setting_info *i = store_settings; i->name; i++)
        assert_true(json_is_string(json_object_get(all, i->name)));
    assert_string_equal(json_opt_str(all, "crl_check", ""), "off");
    assert_string_equal(json_opt_str(all, "renewal_grace", ""), "3600");
    assert_string_equal(json_opt_str(all, "approval", ""), "auto");
}

/* --- questions --- */

static void a_question_is_for_one_gateway_or_all_and_gathers_their_answers(void **state UNUSED)
{
    struct kit_device d;
    char path[64];
    kit_device_new(&d);
    char *all = with_pem("{\"certificate_pem\":%s}", d.pem);
    char *one = with_pem("{\"certificate_pem\":%s,\"gateway\":\"gw9\"}", d.pem);
    assert_int_equal(admin("POST", "/v1/questions", all), 404);
    assert_non_null(strstr(kit_said(&ask, "detail"), "no gateway at all"));
    (void)admin("POST", "/v1/gateways", "{\"id\":\"gw1\",\"host\":\"gw.example\"}");
    assert_int_equal(admin("POST", "/v1/questions", one), 404);
    assert_non_null(strstr(kit_said(&ask, "detail"), "no gateway gw9"));
    assert_int_equal(admin("POST", "/v1/questions", all), 202);
    int64_t id = json_opt_int(ask.json, "id", 0);
    assert_true(json_array_has(json_object_get(ask.json, "gateways"), SLICE("gw1")));
    struct store_answer answer = {.gateway = "gw1", .verdict = "{\"ok\":true}"};
    ok(store_answer_put(site.store, id, &answer, clock_wall_s(), &err));
    (void)snprintf(path, sizeof path, "/v1/questions/%lld", (long long)id);
    assert_int_equal(admin("GET", path, ""), 200);
    const json_t *got = json_array_get(json_object_get(ask.json, "answers"), 0);
    assert_true(json_opt_bool(got, "ok", false));
    assert_string_equal(json_opt_str(got, "gateway", ""), "gw1");
    assert_int_equal(admin("GET", "/v1/questions/x", ""), 404);
    REFUSED("POST", "/v1/questions", "certificate.ask", {"{}", 400, "'certificate_pem'"},
            {"{\"certificate_pem\":\"x\"}", 400, "certificate_pem"});
    free(all);
    free(one);
    kit_device_free(&d);
}

/* Of a connector that is broken into, which says for which gateway it asks. */
static void an_answer_of_a_gateway_that_is_none_is_not_kept(void **state UNUSED)
{
    struct kit_device d;
    struct store_answer answer = {.gateway = "made-up", .verdict = "{}"};
    kit_device_new(&d);
    char *all = with_pem("{\"certificate_pem\":%s}", d.pem);
    (void)admin("POST", "/v1/gateways", "{\"id\":\"gw1\",\"host\":\"gw.example\"}");
    (void)admin("POST", "/v1/questions", all);
    int64_t id = json_opt_int(ask.json, "id", 0);
    assert_int_equal(store_answer_put(site.store, id, &answer, clock_wall_s(), &err), R_NOTFOUND);
    free(all);
    kit_device_free(&d);
}

/* --- whence lists may come --- */

static void hosts_are_names_or_addresses_with_a_port_at_most(void **state UNUSED)
{
    char path[160];
    EVP_PKEY *key = pki_key_new();
    X509 *ca = kit_issue(PKI_TLS_CA, "ca", NULL, key, NULL, NULL);
    char *pem = pki_cert_pem(ca), *body = with_pem("{\"kind\":\"anchor\",\"data\":%s}", pem);
    (void)admin("POST", "/v1/trust", body);
    (void)snprintf(path, sizeof path, "/v1/trust/%s/fetch-hosts", kit_said(&ask, "id"));
    assert_int_equal(admin("PUT", path, "{\"fetch_hosts\":[\"PKI.Example.com\",\"10.0.0.1:8080\",\"b:80\"]}"), 200);
    const json_t *hosts = json_object_get(ask.json, "fetch_hosts");
    assert_true(json_array_has(hosts, SLICE("pki.example.com")) && json_array_has(hosts, SLICE("10.0.0.1:8080")) &&
                json_array_has(hosts, SLICE("b")));
    static const struct refusal cases[] = {
        {"{\"fetch_hosts\":\"a\"}", 400, "is a list"},          {"{\"fetch_hosts\":[7]}", 400, "holds texts"},
        {"{\"fetch_hosts\":[\"\"]}", 400, "is no HOST"},        {"{\"fetch_hosts\":[\"a/b\"]}", 400, "is no HOST"},
        {"{\"fetch_hosts\":[\"a b\"]}", 400, "is no HOST"},     {"{\"fetch_hosts\":[\"a:0\"]}", 400, "is no HOST"},
        {"{\"fetch_hosts\":[\"a:99999\"]}", 400, "is no HOST"}, {"{\"fetch_hosts\":[\"[::1]\"]}", 400, "is no HOST"}};
    refused("PUT", path, "trust.fetch-hosts", cases, ARRAY_LEN(cases));
    assert_int_equal(admin("PUT", path, "{}"), 200); /* from nowhere */
    assert_int_equal(admin("PUT", "/v1/trust/none/fetch-hosts", "{}"), 404);
    free(body);
    free(pem);
    X509_free(ca);
    EVP_PKEY_free(key);
}

/* --- foreign sites --- */

/* The public part of a new RSA key; malloc'ed. */
static char *rsa_pem(void)
{
    char *bytes;
    EVP_PKEY *key = EVP_RSA_gen(2048);
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
    long len = BIO_get_mem_data(bio, &bytes);
    char *ret = slice_dup(slice_make(bytes, (size_t)len));
    BIO_free(bio);
    EVP_PKEY_free(key);
    return ret;
}

static void a_foreign_sites_tokens_open_named_endpoints_alone(void **state UNUSED)
{
    static const struct {
        const char *rest;
        int status;
        const char *told;
    } cases[] = {
        {"\"key\":\"k\",\"endpoints\":[]", 400, "'endpoints' names none"},
        {"\"key\":\"k\",\"endpoints\":[7]", 400, "holds what is no string"},
        {"\"key\":\"k\",\"endpoints\":[\"none\"]", 404, "endpoint 'none'"},
        {"\"endpoints\":[\"wiki\"]", 400, "x5t is made of the certificate"},
        {"\"header\":\"jku\",\"endpoints\":[\"wiki\"]", 400, "'header' is"},
        {"\"header\":\"kid\",\"endpoints\":[\"wiki\"]", 400, "give this key's kid"},
        {"\"header\":\"kid\",\"key\":\"k\",\"endpoints\":[\"wiki\"]", 201, ""},
    };
    char *pem = rsa_pem();
    (void)admin("POST", "/v1/endpoints",
                "{\"id\":\"wiki\",\"role\":\"wiki\",\"url\":\"https://w.example\",\"auth\":[\"token\"]}");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char template[256];
        assert_int_equal(count("/v1/foreign-sites", "foreign_sites"), 0);
        (void)snprintf(template, sizeof template, "{\"id\":\"f\",\"issuer\":\"urn:f\",\"pem\":%%s,%s}", cases[i].rest);
        char *body = with_pem(template, pem);
        if (admin("POST", "/v1/foreign-sites", body) != cases[i].status ||
            !strstr(kit_said(&ask, "detail"), cases[i].told))
            fail_msg("%s: %d %s", cases[i].rest, ask.status, kit_said(&ask, "detail"));
        free(body);
    }
    REFUSED("POST", "/v1/foreign-sites", "foreign.add", {"{}", 400, "'id'"}, {"{\"id\":\"f\"}", 400, "'issuer'"},
            {"{\"id\":\"f\",\"issuer\":\"i\"}", 400, "'pem'"},
            {"{\"id\":\"f\",\"issuer\":\"i\",\"pem\":\"x\"}", 400, ""});
    assert_int_equal(admin("DELETE", "/v1/foreign-sites/f", ""), 204);
    free(pem);
}

/* --- who changed what --- */

static void each_change_is_in_the_audit_with_its_caller(void **state UNUSED)
{
    (void)admin("POST", "/v1/gateways", "{\"id\":\"gw1\",\"host\":\"gw.example\"}");
    (void)admin("DELETE", "/v1/gateways/gw1", "");
    (void)admin("DELETE", "/v1/gateways/gw1", ""); /* that failed: nothing was changed */
    assert_int_equal(admin("GET", "/v1/audit", ""), 200);
    const json_t *events = json_object_get(ask.json, "events");
    assert_int_equal(json_array_size(events), 2);
    assert_string_equal(json_opt_str(json_array_get(events, 0), "action", ""), "gateway.remove");
    assert_string_equal(json_opt_str(json_array_get(events, 1), "action", ""), "gateway.add");
    assert_string_equal(json_opt_str(json_array_get(events, 1), "caller", ""), "uid:0");
    assert_string_equal(json_opt_str(json_array_get(events, 1), "object", ""), "gw1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(status_tells_what_there_is_and_what_is_missing),
        TEST(a_fault_of_ours_is_told_until_the_store_works_again),
        TEST(an_anchor_that_is_no_cas_is_told_when_it_is_added_and_in_the_status),
        TEST(an_enrolment_file_names_gateways_and_what_is_inside_for_others),
        TEST(the_bundle_is_shown_without_secrets_to_readers),
        TEST(every_setting_is_listed_with_its_default_or_its_value),
        TEST(a_question_is_for_one_gateway_or_all_and_gathers_their_answers),
        TEST(an_answer_of_a_gateway_that_is_none_is_not_kept),
        TEST(hosts_are_names_or_addresses_with_a_port_at_most),
        TEST(a_foreign_sites_tokens_open_named_endpoints_alone),
        TEST(each_change_is_in_the_audit_with_its_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
