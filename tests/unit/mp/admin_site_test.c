/* SPDX-License-Identifier: Apache-2.0 */
/* The admin API without its socket, for what the site offers and trusts: endpoints, anchors, sources, tenants, and what
 * is targeted at whom. */
#include "admin_kit.h"

#include "jose/token.h"
#include "store/site/role.h"

/* --- endpoints --- */

#define ENDPOINT "\"url\":\"https://wiki.example\",\"auth\":[\"token\"]"

static void an_endpoint_is_what_was_said_of_it(void **state UNUSED)
{
    assert_int_equal(
        admin("POST", "/v1/endpoints",
              "{\"id\":\"wiki\",\"role\":\"wiki\",\"upgrade\":\"websocket\",\"methods\":[\"GET\"]," ENDPOINT "}"),
        201);
    const json_t *e = json_object_get(ask.json, "endpoint");
    assert_string_equal(json_opt_str(e, "upgrade", ""), "websocket");
    assert_int_equal(json_opt_int(e, "max_body", 0), 1024 * 1024);
    assert_string_equal(json_opt_str(e, "purpose", ""), "general");
    assert_int_equal(count("/v1/endpoints", "endpoints"), 1);
    assert_int_equal(admin("POST", "/v1/endpoints", "{\"id\":\"wiki\",\"role\":\"w2\"," ENDPOINT "}"), 409);
    assert_int_equal(admin("DELETE", "/v1/endpoints/wiki", ""), 204);
    assert_int_equal(count("/v1/endpoints", "endpoints"), 0);
}

static void each_member_of_an_endpoint_is_checked(void **state UNUSED)
{
    REFUSED(
        "POST", "/v1/endpoints", "endpoint.add", {"{" ENDPOINT "}", 400, "'id'"},
        {"{\"id\":\"a b\",\"role\":\"w\"," ENDPOINT "}", 400, "'id' is 1 to 64"},
        {"{\"id\":\"w\"," ENDPOINT "}", 400, "either 'role'"},
        {"{\"id\":\"w\",\"role\":\"w\",\"host\":\"w.example\"," ENDPOINT "}", 400, "either 'role'"},
        {"{\"id\":\"w\",\"role\":\"w/x\"," ENDPOINT "}", 400, "'role' is 1 to 40"},
        {"{\"id\":\"w\",\"host\":\"w.example\",\"name\":\"n\"," ENDPOINT "}", 400, "'name' belongs to 'role'"},
        {"{\"id\":\"w\",\"role\":\"w\",\"keep_host\":true," ENDPOINT "}", 400, "'keep_host' belongs to 'host'"},
        {"{\"id\":\"w\",\"host\":\"w.example\",\"keep_host\":true,\"upstream_host\":\"x\"," ENDPOINT "}", 400,
         "'keep_host' belongs to 'host'"},
        {"{\"id\":\"w\",\"role\":\"w\",\"upgrade\":\"h2c\"," ENDPOINT "}", 400, "'upgrade' is websocket"},
        {"{\"id\":\"w\",\"role\":\"w\",\"purpose\":\"sts\"," ENDPOINT "}", 400, "is general"},
        {"{\"id\":\"w\",\"role\":\"w\",\"url\":\"https://w.example\",\"auth\":[]}", 400, "'auth' names at least one"},
        {"{\"id\":\"w\",\"role\":\"w\",\"url\":\"https://w.example\",\"auth\":\"pki\"}", 400, "'auth' is a list"},
        {"{\"id\":\"w\",\"role\":\"w\",\"url\":\"https://w.example\",\"auth\":[\"a b\"]}", 400, "that is no word"},
        {"{\"id\":\"w\",\"role\":\"w\",\"url\":\"https://w.example\",\"auth\":[\"kerberos\"]}", 400,
         "something else than pki, entra and token"},
        {"{\"id\":\"w\",\"role\":\"w\",\"auth\":[\"pki\"]}", 400, "'url'"},
        {"{\"id\":\"w\",\"role\":\"w\",\"url\":\"gopher://w\",\"auth\":[\"pki\"]}", 400, ""},
        {"{\"id\":\"w\",\"role\":\"w\",\"anchors_pem\":\"x\"," ENDPOINT "}", 400, "anchors_pem"},
        {"{\"id\":\"w\",\"role\":\"w\",\"client_anchors\":[\"none\"]," ENDPOINT "}", 400, "no anchor 'none'"},
        {"{\"id\":\"w\",\"role\":\"w\",\"headers\":\"puppet\"," ENDPOINT "}", 400, "'auth' lets none in: add pki"});
}

static void a_management_points_endpoints_and_role_are_its_own(void **state UNUSED)
{
    struct store_mp mp = {.id = "mp1", .mode = "ehttp", .url = "https://mp.example", .clients = "token"};
    ok(store_mp_put(site.store, &mp, &err));
    REFUSED("POST", "/v1/endpoints", "endpoint.add",
            {"{\"id\":\"w\",\"role\":\"MP1\"," ENDPOINT "}", 409, "a management point's: take another"});
}

static void a_change_of_an_endpoint_keeps_what_it_does_not_name_and_null_takes_out(void **state UNUSED)
{
    (void)admin("POST", "/v1/endpoints",
                "{\"id\":\"wiki\",\"role\":\"wiki\",\"max_body\":7,\"upgrade\":\"websocket\"," ENDPOINT "}");
    assert_int_equal(admin("PATCH", "/v1/endpoints/wiki", "{\"upgrade\":null,\"auth\":[\"pki\"]}"), 200);
    const json_t *e = json_object_get(ask.json, "endpoint");
    assert_null(json_object_get(e, "upgrade"));
    assert_int_equal(json_opt_int(e, "max_body", 0), 7);
    assert_true(json_array_has(json_object_get(e, "auth"), SLICE("pki")));
    assert_int_equal(admin("PATCH", "/v1/endpoints/wiki", "{\"host\":\"wiki.example\",\"id\":\"other\"}"), 200);
    e = json_object_get(ask.json, "endpoint");
    assert_null(json_object_get(e, "role"));
    assert_string_equal(json_opt_str(e, "id", ""), "wiki");
    REFUSED("PATCH", "/v1/endpoints/wiki", "endpoint.set", {"{\"url\":null}", 400, "'url'"},
            {"{\"auth\":[]}", 400, "'auth'"});
    assert_int_equal(admin("PATCH", "/v1/endpoints/none", "{}"), 404);
}

/* --- trust --- */

static void an_anchor_is_added_listed_and_removed(void **state UNUSED)
{
    char path[128];
    EVP_PKEY *key = pki_key_new();
    X509 *ca = kit_issue(PKI_TLS_CA, "ca", NULL, key, NULL, NULL);
    char *pem = pki_cert_pem(ca), *body = with_pem("{\"kind\":\"anchor\",\"data\":%s}", pem);
    assert_int_equal(admin("POST", "/v1/trust", body), 201);
    assert_int_equal(json_array_size(json_object_get(ask.json, "added")), 1);
    (void)snprintf(path, sizeof path, "/v1/trust/%s", kit_said(&ask, "id"));
    assert_int_equal(count("/v1/trust", "trust"), 1);
    assert_int_equal(admin("DELETE", path, ""), 200);
    assert_string_equal(kit_said(&ask, "removed"), path + strlen("/v1/trust/"));
    assert_int_equal(count("/v1/trust", "trust"), 0);
    free(body);
    free(pem);
    X509_free(ca);
    EVP_PKEY_free(key);
}

static void what_is_no_trust_is_refused(void **state UNUSED)
{
    REFUSED("POST", "/v1/trust", "trust.add", {"{\"data\":\"x\"}", 400, "'kind'"},
            {"{\"kind\":\"anchor\"}", 400, "'data'"},
            {"{\"kind\":\"root\",\"data\":\"x\"}", 400, "one of anchor, intermediate, crl"},
            {"{\"kind\":\"anchor\",\"data\":\"x\"}", 400, ""}, {"{\"kind\":\"crl\",\"data\":\"x\"}", 400, ""},
            {"{\"kind\":\"crl\",\"data\":\"x\",\"fetch_hosts\":[\"a.example\"]}", 400, "belong to an anchor"});
}

/* --- sources and tenants --- */

static void a_source_has_a_kind_a_way_and_an_address_that_it_leads_to(void **state UNUSED)
{
    REFUSED(
        "POST", "/v1/sources", "source.add", {"{}", 400, "'id'"}, {"{\"id\":\"s\"}", 400, "'kind'"},
        {"{\"id\":\"s\",\"kind\":\"crl\"}", 400, "'url'"},
        {"{\"id\":\"s\",\"kind\":\"crl\",\"url\":\"http://a.example/l\"}", 400, "'via'"},
        {"{\"id\":\"s\",\"kind\":\"crl\",\"url\":\"http://a.example/l\",\"via\":\"pigeon\"}", 400, "'via' is internet"},
        {"{\"id\":\"s\",\"kind\":\"crl\",\"url\":\"ldap:///CN=x\",\"via\":\"internet\"}", 400, "use via connector"},
        {"{\"id\":\"s\",\"kind\":\"crl\",\"url\":\"http://a.example/l\",\"via\":\"internet\",\"ca_pem\":\"x\"}", 400,
         "a CA of its own is for https://"},
        {"{\"id\":\"s\",\"kind\":\"crl\",\"url\":\"https://a.example/l\",\"via\":\"internet\",\"ca_pem\":\"x\"}", 400,
         "ca_pem"});
}

/* As Active Directory writes it into certificates: the connector's own file says who is asked. */
static void a_directory_without_a_host_is_a_connector_s(void **state UNUSED)
{
    assert_int_equal(admin("POST", "/v1/sources",
                           "{\"id\":\"ad\",\"kind\":\"crl\",\"via\":\"connector\","
                           "\"url\":\"ldap:///CN=CA,CN=CDP,DC=lab?certificateRevocationList?base\"}"),
                     201);
}

static void readers_see_no_secrets_in_the_address_of_a_source(void **state UNUSED)
{
    assert_int_equal(admin("POST", "/v1/sources",
                           "{\"id\":\"s\",\"kind\":\"crl\",\"url\":\"http://a.example/l?key=secret\","
                           "\"via\":\"connector\"}"),
                     201);
    assert_non_null(strstr(json_opt_str(json_object_get(ask.json, "source"), "url", ""), "secret"));
    assert_int_equal(admin_as(MP_READER, "GET", "/v1/sources", ""), 200);
    const json_t *row = json_array_get(json_object_get(ask.json, "sources"), 0);
    assert_null(strstr(json_opt_str(row, "url", ""), "secret"));
    assert_int_equal(admin("DELETE", "/v1/sources/s", ""), 204);
}

static void a_tenant_needs_issuers_audiences_and_keys(void **state UNUSED)
{
#define TENANT "\"id\":\"t\",\"issuers\":[\"https://t.example\"],\"audiences\":[\"api://cmg\"]"
    REFUSED("POST", "/v1/tenants", "tenant.add", {"{}", 400, "'id'"},
            {"{\"id\":\"t\",\"audiences\":[\"a\"]}", 400, "'issuers' names none"},
            {"{\"id\":\"t\",\"issuers\":[\"a b\"]}", 400, "'issuers' holds what is no word"},
            {"{\"id\":\"t\",\"issuers\":[\"https://t.example\"]}", 400, "'audiences' names none"},
            {"{" TENANT "}", 400, "it needs its keys"}, {"{" TENANT ",\"jwks\":{}}", 400, "jwks"},
            {"{" TENANT ",\"jwks\":{\"keys\":[]}}", 400, "no key that could sign"},
            {"{" TENANT ",\"source\":\"none\"}", 404, "no source 'none'"});
    (void)admin("POST", "/v1/sources",
                "{\"id\":\"s\",\"kind\":\"crl\",\"url\":\"http://a.example/l\",\"via\":\"connector\"}");
    REFUSED("POST", "/v1/tenants", "tenant.add", {"{" TENANT ",\"source\":\"s\"}", 400, "gives no keys"});
}

static void a_tenant_is_switched_off_and_on_and_shares_its_issuer_with_none(void **state UNUSED)
{
    json_t *jwk = jose_signer_public_jwk(site.keys.token);
    char *text = json_text(jwk);
    char *body = slice_dup(arena_printf(rows, "{" TENANT ",\"jwks\":{\"keys\":[%s]}}", text));
    assert_int_equal(admin("POST", "/v1/tenants", body), 201);
    char *other = slice_dup(arena_printf(rows,
                                         "{\"id\":\"u\",\"issuers\":[\"https://t.example\"],\"audiences\":[\"a\"],"
                                         "\"jwks\":{\"keys\":[%s]}}",
                                         text));
    assert_int_equal(admin("POST", "/v1/tenants", other), 409);
    assert_non_null(strstr(kit_said(&ask, "detail"), "tenant t has one of these issuers"));
    assert_int_equal(admin("POST", "/v1/tenants/t/disable", ""), 204);
    assert_int_equal(count("/v1/tenants", "tenants"), 1);
    assert_true(json_is_false(json_object_get(json_array_get(json_object_get(ask.json, "tenants"), 0), "enabled")));
    assert_int_equal(admin("POST", "/v1/tenants/t/enable", ""), 204);
    assert_int_equal(admin("DELETE", "/v1/tenants/t", ""), 204);
    free(other);
    free(body);
    free(text);
    json_decref(jwk);
}

/* --- targeting --- */

static void a_collection_has_the_devices_that_it_lists_or_whose_rule_holds(void **state UNUSED)
{
    struct kit_device d;
    kit_device_new(&d);
    kit_device_record(&d, "pc", STORE_APPROVED);
    assert_int_equal(admin("POST", "/v1/collections", "{\"name\":\"lab\",\"devices\":[\"pc\"]}"), 201);
    const json_t *c = json_object_get(ask.json, "collection");
    assert_string_equal(json_opt_str(json_array_get(json_object_get(c, "devices"), 0), "by", ""), "list");
    assert_int_equal(admin("DELETE", "/v1/collections/lab/devices/pc", ""), 200);
    assert_int_equal(admin("POST", "/v1/collections", "{\"name\":\"lab\",\"rules\":[\"method=token\"]}"), 201);
    c = json_object_get(ask.json, "collection");
    assert_string_equal(json_opt_str(json_array_get(json_object_get(c, "devices"), 0), "by", ""), "rule");
    assert_int_equal(admin("POST", "/v1/collections", "{\"name\":\"lab\"}"), 201); /* its rules stay */
    assert_int_equal(json_array_size(json_object_get(json_object_get(ask.json, "collection"), "rules")), 1);
    REFUSED("POST", "/v1/collections", "collection.put", {"{}", 400, "'name'"}, {"{\"name\":\"a/b\"}", 400, "'name'"},
            {"{\"name\":\"a\\u009b2J\"}", 400, "'name'"}, {"{\"name\":\"a\\u202eb\"}", 400, "'name'"},
            {"{\"name\":\"lab\",\"rules\":\"x\"}", 400, "'rules' must be a list"},
            {"{\"name\":\"lab\",\"rules\":[7]}", 400, "a rule is a text"},
            {"{\"name\":\"lab\",\"rules\":[\"colour=red\"]}", 400, "is no condition"},
            {"{\"name\":\"lab\",\"devices\":[\"none\"]}", 404, "device 'none'"});
    assert_int_equal(count("/v1/collections", "collections"), 1);
    assert_int_equal(admin("DELETE", "/v1/collections/lab", ""), 204);
    kit_device_free(&d);
}

static void client_settings_are_merged_and_checked(void **state UNUSED)
{
    (void)admin("POST", "/v1/collections", "{\"name\":\"lab\"}");
    (void)admin("POST", "/v1/client-settings",
                "{\"name\":\"Lab\",\"priority\":3,\"collection\":\"lab\",\"settings\":{\"policy_interval\":\"2h\"}}");
    done(200);
    (void)admin("POST", "/v1/client-settings", "{\"name\":\"Lab\",\"settings\":{\"allow_cmg\":false}}");
    done(200);
    const json_t *s = json_object_get(json_object_get(ask.json, "client_settings"), "settings");
    assert_int_equal(json_opt_int(s, "policy_interval", 0), 7200);
    assert_true(json_is_false(json_object_get(s, "allow_cmg")));
    (void)admin("POST", "/v1/client-settings", "{\"name\":\"Lab\",\"settings\":{\"allow_cmg\":null}}");
    assert_null(
        json_object_get(json_object_get(json_object_get(ask.json, "client_settings"), "settings"), "allow_cmg"));
    REFUSED("POST", "/v1/client-settings", "client-settings.put", {"{}", 400, "'name'"},
            {"{\"name\":\"a/b\"}", 400, "'name'"},
            {"{\"name\":\"default\",\"priority\":1}", 400, "neither collection nor priority"},
            {"{\"name\":\"New\"}", 400, "say which (--collection NAME)"},
            {"{\"name\":\"New\",\"collection\":\"lab\"}", 400, "'priority' is 1"},
            {"{\"name\":\"New\",\"collection\":\"lab\",\"priority\":10000}", 400, "'priority' is 1"},
            {"{\"name\":\"New\",\"collection\":\"none\",\"priority\":1}", 404, "no collection 'none'"},
            {"{\"name\":\"New\",\"collection\":\"lab\",\"priority\":3}", 409, ""},
            {"{\"name\":\"Lab\",\"settings\":{\"colour\":1}}", 400, "there is no client setting"});
    assert_int_equal(admin("DELETE", "/v1/collections/lab", ""), 409); /* while settings are for it */
    assert_int_equal(admin("DELETE", "/v1/client-settings/Lab", ""), 204);
}

static void a_policy_has_versions_users_and_collections(void **state UNUSED)
{
    (void)admin("POST", "/v1/collections", "{\"name\":\"lab\"}");
    assert_int_equal(
        admin("POST", "/v1/policies",
              "{\"name\":\"p\",\"content\":\"1\",\"users\":[\"Ada@Example.com\"],\"collections\":[\"lab\"]}"),
        201);
    assert_int_equal(admin("POST", "/v1/policies", "{\"name\":\"p\",\"content\":\"2\"}"), 200);
    assert_int_equal(count("/v1/policies", "policies"), 1);
    const json_t *p = json_array_get(json_object_get(ask.json, "policies"), 0);
    assert_int_equal(json_opt_int(p, "version", 0), 2);
    assert_true(json_array_has(json_object_get(p, "users"), SLICE("ada@example.com")));
    assert_true(json_array_has(json_object_get(p, "collections"), SLICE("lab")));
    REFUSED("POST", "/v1/policies", "policy.put", {"{}", 400, "'name'"},
            {"{\"name\":\"q\",\"content\":\"1\",\"users\":\"ada\"}", 400, "'users' must be a list"},
            {"{\"name\":\"q\",\"content\":\"1\",\"users\":[\"*\",\"ada\"]}", 400, "'users' is [\"*\"] or a list"},
            {"{\"name\":\"q\",\"content\":\"1\",\"users\":[\"a b\"]}", 400, "'users' is [\"*\"] or a list"},
            {"{\"name\":\"q\",\"content\":\"1\",\"collections\":[\"\"]}", 400, "'collections' is a list"},
            {"{\"name\":\"q\",\"content\":\"1\",\"collections\":[\"none\"]}", 404, "none"});
    assert_int_equal(admin("DELETE", "/v1/policies/p", ""), 204);
}

static void settings_of_the_site_are_checked(void **state UNUSED)
{
    assert_int_equal(admin("PUT", "/v1/settings/approval", "{\"value\":\"manual\"}"), 200);
    assert_string_equal(kit_said(&ask, "value"), "manual");
    REFUSED("PUT", "/v1/settings/approval", "setting.put", {"{\"value\":\"sometimes\"}", 400, ""}, {"{}", 400, ""});
    REFUSED("PUT", "/v1/settings/colour", "setting.put", {"{\"value\":\"red\"}", 404, ""});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_endpoint_is_what_was_said_of_it),
        TEST(each_member_of_an_endpoint_is_checked),
        TEST(a_management_points_endpoints_and_role_are_its_own),
        TEST(a_change_of_an_endpoint_keeps_what_it_does_not_name_and_null_takes_out),
        TEST(an_anchor_is_added_listed_and_removed),
        TEST(what_is_no_trust_is_refused),
        TEST(a_source_has_a_kind_a_way_and_an_address_that_it_leads_to),
        TEST(a_directory_without_a_host_is_a_connector_s),
        TEST(readers_see_no_secrets_in_the_address_of_a_source),
        TEST(a_tenant_needs_issuers_audiences_and_keys),
        TEST(a_tenant_is_switched_off_and_on_and_shares_its_issuer_with_none),
        TEST(a_collection_has_the_devices_that_it_lists_or_whose_rule_holds),
        TEST(client_settings_are_merged_and_checked),
        TEST(a_policy_has_versions_users_and_collections),
        TEST(settings_of_the_site_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
