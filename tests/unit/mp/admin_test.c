/* SPDX-License-Identifier: Apache-2.0 */
/* The admin API without its socket: what each request makes of the site, and what it refuses with which words. */
#include "admin_kit.h"

#include "jose/token.h"
#include "store/site/role.h"

/* --- all of them --- */

static void a_body_that_is_no_object_is_refused_everywhere(void **state UNUSED)
{
    static const char *const targets[] = {"/v1/gateways",
                                          "/v1/connectors",
                                          "/v1/tokens",
                                          "/v1/policies",
                                          "/v1/endpoints",
                                          "/v1/trust",
                                          "/v1/foreign-sites",
                                          "/v1/sources",
                                          "/v1/tenants",
                                          "/v1/collections",
                                          "/v1/devices/remove-waiting"};
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        assert_int_equal(admin("POST", targets[i], "[]"), 400);
        assert_int_equal(admin("POST", targets[i], "{"), 400);
        assert_int_equal(admin("POST", targets[i], ""), 400);
    }
}

static void what_is_not_there_is_not_removed_and_its_list_is_named(void **state UNUSED)
{
    static const struct {
        const char *target, *list;
    } cases[] = {{"/v1/gateways/none", "cmg gateway list"},
                 {"/v1/connectors/none", "cmg connector list"},
                 {"/v1/devices/none", "cmg device list"},
                 {"/v1/policies/none", "cmg policy list"},
                 {"/v1/endpoints/none", "cmg endpoint list"},
                 {"/v1/trust/none", "cmg trust list"},
                 {"/v1/foreign-sites/none", "cmg trust list-foreign"},
                 {"/v1/sources/none", "cmg source list"},
                 {"/v1/tenants/none", "cmg tenant list"},
                 {"/v1/collections/none", "cmg collection list"},
                 {"/v1/client-settings/none", "cmg settings client list"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (admin("DELETE", cases[i].target, "") != 404 || !strstr(kit_said(&ask, "remedy"), cases[i].list))
            fail_msg("%s: %d %s", cases[i].target, ask.status, kit_said(&ask, "remedy"));
    }
}

/* --- roles --- */

static void a_gateway_gets_a_bootstrap_file_of_its_own_once(void **state UNUSED)
{
    assert_int_equal(admin("POST", "/v1/gateways", "{\"id\":\"gw1\",\"host\":\"gw.example\"}"), 201);
    const json_t *file = json_object_get(ask.json, "bootstrap");
    assert_string_equal(json_opt_str(file, "opencmg", ""), "gateway-bootstrap");
    assert_non_null(strstr(json_opt_str(file, "key_pem", ""), "PRIVATE KEY"));
    assert_int_equal(json_opt_int(json_object_get(ask.json, "gateway"), "port", 0), 443);
    assert_int_equal(admin("POST", "/v1/gateways", "{\"id\":\"gw1\",\"host\":\"other.example\"}"), 409);
    assert_non_null(strstr(kit_said(&ask, "remedy"), "cmg gateway add gw1 --renew --out FILE"));
    assert_int_equal(kit_audited("gateway.add"), 1);
    assert_int_equal(count("/v1/gateways", "gateways"), 1);
}

static void a_gateway_needs_an_id_and_a_host_that_clients_can_name(void **state UNUSED)
{
    REFUSED(
        "POST", "/v1/gateways", "gateway.add", {"{}", 400, "'id'"}, {"{\"id\":7}", 400, "'id'"},
        {"{\"id\":\"GW_1\",\"host\":\"a.example\"}", 400, "1 to 40 of a-z0-9-"}, {"{\"id\":\"gw1\"}", 400, "'host'"},
        {"{\"id\":\"gw1\",\"host\":\"a b\"}", 400, "'host'"},
        {"{\"id\":\"gw1\",\"host\":\"a.example\",\"port\":0}", 400, "'port' is 1 to 65535"},
        {"{\"id\":\"gw1\",\"host\":\"a.example\",\"port\":65536}", 400, "'port' is 1 to 65535"},
        {"{\"id\":\"gw1\",\"host\":\"a.example\",\"revoke_old\":true}", 400, "'revoke_old' goes with 'renew' alone"},
        {"{\"id\":\"gw1\",\"renew\":true}", 404, ""});
}

static void a_renewed_gateway_keeps_what_is_not_said_anew_and_its_old_certificates_may_be_withdrawn(void **state UNUSED)
{
    struct store_gateway one, two;
    (void)admin("POST", "/v1/gateways", "{\"id\":\"gw1\",\"host\":\"gw.example\",\"port\":8443}");
    ok(store_gateway_get(site.store, rows, "gw1", &one, &err));
    assert_int_equal(admin("POST", "/v1/gateways", "{\"id\":\"gw1\",\"renew\":true,\"revoke_old\":true}"), 201);
    ok(store_gateway_get(site.store, rows, "gw1", &two, &err));
    assert_string_equal(two.host, "gw.example");
    assert_int_equal(two.port, 8443);
    assert_int_equal(two.withdrawn, one.not_after);
    assert_true(two.not_after > one.not_after);
    assert_int_equal(kit_audited("gateway.renew"), 1);
}

static void a_removed_gateway_gives_its_id_to_nobody(void **state UNUSED)
{
    (void)admin("POST", "/v1/gateways", "{\"id\":\"gw1\",\"host\":\"gw.example\"}");
    assert_int_equal(admin("DELETE", "/v1/gateways/gw1", ""), 204);
    assert_int_equal(count("/v1/gateways", "gateways"), 0);
    assert_int_equal(admin("POST", "/v1/gateways", "{\"id\":\"gw1\",\"host\":\"gw.example\"}"), 409);
    assert_null(strstr(kit_said(&ask, "remedy"), "--renew")); /* there is nothing to renew */
}

static void a_connectors_bootstrap_file_tells_of_gateways_and_management_points(void **state UNUSED)
{
    struct store_mp mp = {.id = "mp1", .mode = "ehttp", .url = "https://mp.example", .clients = "token"};
    ok(store_mp_put(site.store, &mp, &err));
    (void)admin("POST", "/v1/gateways", "{\"id\":\"gw1\",\"host\":\"gw.example\"}");
    assert_int_equal(admin("POST", "/v1/connectors", "{\"id\":\"cp1\"}"), 201);
    const json_t *file = json_object_get(ask.json, "bootstrap");
    assert_true(json_array_has(json_object_get(file, "site_urls"), SLICE("https://mp.example")));
    assert_int_equal(json_array_size(json_object_get(file, "gateways")), 1);
    assert_true(json_is_null(json_object_get(json_object_get(ask.json, "connector"), "certificate")));
    assert_int_equal(admin("POST", "/v1/connectors", "{\"id\":\"cp1\"}"), 409);
    assert_non_null(strstr(kit_said(&ask, "remedy"), "cmg connector add cp1 --renew"));
    assert_int_equal(admin("POST", "/v1/connectors", "{\"id\":\"cp1\",\"renew\":true}"), 201);
    assert_int_equal(count("/v1/management-points", "management_points"), 1);
}

static void a_connectors_certificate_is_registered_when_it_is_one_and_good(void **state UNUSED)
{
    struct kit_device d;
    kit_device_new(&d);
    char *body = with_pem("{\"certificate_pem\":%s}", d.pem);
    assert_int_equal(admin("PUT", "/v1/connectors/cp1/certificate", body), 404);
    (void)admin("POST", "/v1/connectors", "{\"id\":\"cp1\"}");
    assert_int_equal(admin("PUT", "/v1/connectors/cp1/certificate", body), 200);
    const json_t *c = json_object_get(json_object_get(ask.json, "connector"), "certificate");
    assert_string_equal(json_opt_str(c, "sha256", ""), d.sha256);
    REFUSED("PUT", "/v1/connectors/cp1/certificate", "connector.certificate", {"{}", 400, "'certificate_pem'"},
            {"{\"certificate_pem\":\"x\"}", 400, "certificate_pem"});
    free(body);
    kit_device_free(&d);
}

/* --- tokens --- */

static void a_bulk_token_is_told_once_and_is_one(void **state UNUSED)
{
    struct slice root, jwt;
    struct token t;
    (void)snprintf(site.keys.pin, sizeof site.keys.pin, "%064d", 7);
    assert_int_equal(admin("POST", "/v1/tokens", "{\"uses\":3,\"lifetime_s\":3600}"), 201);
    assert_true(token_bulk_split(slice_of(kit_said(&ask, "token")), &root, &jwt));
    assert_true(slice_eq(root, slice_of(site.keys.pin)));
    struct token_policy policy = {.site = "LAB", .keys = site.keys.token_keys};
    assert_int_equal(token_judge(&policy, jwt, PURPOSE_REGISTRATION, SLICE_NONE, clock_wall_s(), &t, &err), REASON_OK);
    assert_string_equal(t.id, kit_said(&ask, "id"));
    assert_int_equal(t.expires - t.issued, 3600);
    assert_int_equal(count("/v1/tokens", "tokens"), 1);
    const json_t *row = json_array_get(json_object_get(ask.json, "tokens"), 0);
    assert_null(json_object_get(row, "token"));
    assert_string_equal(json_opt_str(row, "state", ""), "valid");
}

static void a_bulk_token_has_limits(void **state UNUSED)
{
    REFUSED("POST", "/v1/tokens", "token.new", {"{\"lifetime_s\":59}", 400, "60 to 604800"},
            {"{\"lifetime_s\":604801}", 400, "60 to 604800"}, {"{\"uses\":0}", 400, "1 to 1000000"},
            {"{\"uses\":1000001}", 400, "1 to 1000000"}, {"{\"networks\":[\"everywhere\"]}", 400, "everywhere"},
            {"{\"names\":[\"a b\"]}", 400, "'names'"}, {"{\"collection\":\"none\"}", 404, "no collection 'none'"});
}

static void a_bulk_token_is_blocked_and_let_in_again(void **state UNUSED)
{
    char path[128], id[64];
    (void)admin("POST", "/v1/tokens", "{}");
    (void)snprintf(id, sizeof id, "%s", kit_said(&ask, "id"));
    (void)snprintf(path, sizeof path, "/v1/tokens/%s/block", id);
    assert_int_equal(admin("POST", path, ""), 200);
    assert_string_equal(json_opt_str(json_object_get(ask.json, "token"), "state", ""), "blocked");
    (void)snprintf(path, sizeof path, "/v1/tokens/%s/unblock", id);
    assert_int_equal(admin("POST", path, ""), 200);
    assert_string_equal(json_opt_str(json_object_get(ask.json, "token"), "state", ""), "valid");
    assert_int_equal(admin("POST", "/v1/tokens/none/block", ""), 404);
}

/* --- devices --- */

static const char *device_state(const char *method, const char *target)
{
    (void)admin(method, target, "");
    done(200);
    return json_opt_str(json_object_get(ask.json, "device"), "state", "");
}

static void a_device_is_named_by_its_guid_or_a_name_that_is_its_alone(void **state UNUSED)
{
    struct kit_device one, two;
    char path[128];
    kit_device_new(&one);
    kit_device_new(&two);
    kit_device_record(&one, "pc1", STORE_APPROVED);
    assert_string_equal(device_state("GET", "/v1/devices/pc1"), "approved");
    (void)snprintf(path, sizeof path, "/v1/devices/%s", one.guid);
    assert_string_equal(device_state("GET", path), "approved");
    assert_int_equal(admin("GET", "/v1/devices/pc2", ""), 404);
    kit_device_record(&two, "pc1", STORE_APPROVED);
    assert_int_equal(admin("GET", "/v1/devices/pc1", ""), 409);
    assert_non_null(strstr(kit_said(&ask, "detail"), two.guid));
    kit_device_free(&one);
    kit_device_free(&two);
}

static void a_device_is_approved_blocked_unblocked_and_removed(void **state UNUSED)
{
    struct kit_device d;
    kit_device_new(&d);
    kit_device_record(&d, "pc", STORE_PENDING);
    assert_string_equal(device_state("POST", "/v1/devices/pc/approve"), "approved");
    assert_string_equal(device_state("POST", "/v1/devices/pc/block"), "blocked");
    assert_string_equal(device_state("POST", "/v1/devices/pc/unblock"), "approved");
    assert_int_equal(admin("DELETE", "/v1/devices/pc", ""), 204);
    assert_int_equal(count("/v1/devices", "devices"), 0);
    static const char *const actions[] = {"device.approve", "device.block", "device.unblock", "device.remove"};
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        assert_int_equal(kit_audited(actions[i]), 1);
    kit_device_free(&d);
}

static void what_a_removed_device_held_may_come_in_again_by_approval_or_when_it_was_forgotten(void **state UNUSED)
{
    struct kit_device d;
    char path[128];
    kit_device_new(&d);
    kit_device_record(&d, "pc", STORE_APPROVED);
    (void)snprintf(path, sizeof path, "/v1/devices/%s/approve", d.guid);
    (void)admin("DELETE", "/v1/devices/pc", "");
    assert_int_equal(admin("POST", path, ""), 200);
    assert_string_equal(kit_said(&ask, "readmitted"), d.guid);
    assert_int_equal(admin("POST", path, ""), 404); /* once */
    guid_new(d.guid);
    kit_device_record(&d, "pc", STORE_APPROVED);
    (void)snprintf(path, sizeof path, "/v1/devices/%s/approve", d.guid);
    assert_int_equal(admin("DELETE", "/v1/devices/pc?forget", ""), 204);
    assert_int_equal(kit_audited("device.forget"), 1);
    assert_int_equal(admin("POST", path, ""), 404);
    kit_device_free(&d);
}

static void those_that_wait_are_removed_by_name_and_age(void **state UNUSED)
{
    struct kit_device a, b, c;
    kit_device_new(&a);
    kit_device_new(&b);
    kit_device_new(&c);
    kit_device_record(&a, "lab-1", STORE_PENDING);
    kit_device_record(&b, "pc", STORE_PENDING);
    kit_device_record(&c, "lab-2", STORE_APPROVED);
    (void)admin("POST", "/v1/devices/remove-waiting", "{\"name\":\"lab-*\",\"dry_run\":true}");
    done(200);
    assert_int_equal(count("/v1/devices", "devices"), 3);
    (void)admin("POST", "/v1/devices/remove-waiting", "{\"name\":\"lab-*\",\"older_than\":86400}");
    assert_int_equal(count("/v1/devices", "devices"), 3);
    (void)admin("POST", "/v1/devices/remove-waiting", "{\"name\":\"lab-*\"}");
    assert_int_equal(count("/v1/devices", "devices"), 2);
    assert_int_equal(admin("GET", "/v1/devices/lab-1", ""), 404);
    REFUSED("POST", "/v1/devices/remove-waiting", "device.remove-waiting", {"{\"older_than\":-1}", 400, "'older_than'"},
            {"{\"name\":\"\"}", 400, "'name'"});
    kit_device_free(&a);
    kit_device_free(&b);
    kit_device_free(&c);
}

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

static void a_source_has_a_kind_a_way_and_an_address_that_names_a_server(void **state UNUSED)
{
    REFUSED(
        "POST", "/v1/sources", "source.add", {"{}", 400, "'id'"}, {"{\"id\":\"s\"}", 400, "'kind'"},
        {"{\"id\":\"s\",\"kind\":\"crl\"}", 400, "'url'"},
        {"{\"id\":\"s\",\"kind\":\"crl\",\"url\":\"http://a.example/l\"}", 400, "'via'"},
        {"{\"id\":\"s\",\"kind\":\"crl\",\"url\":\"http://a.example/l\",\"via\":\"pigeon\"}", 400, "'via' is internet"},
        {"{\"id\":\"s\",\"kind\":\"crl\",\"url\":\"ldap:///CN=x\",\"via\":\"connector\"}", 400, "names no server"},
        {"{\"id\":\"s\",\"kind\":\"crl\",\"url\":\"http://a.example/l\",\"via\":\"internet\",\"ca_pem\":\"x\"}", 400,
         "a CA of its own is for https://"},
        {"{\"id\":\"s\",\"kind\":\"crl\",\"url\":\"https://a.example/l\",\"via\":\"internet\",\"ca_pem\":\"x\"}", 400,
         "ca_pem"});
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
        TEST(a_body_that_is_no_object_is_refused_everywhere),
        TEST(what_is_not_there_is_not_removed_and_its_list_is_named),
        TEST(a_gateway_gets_a_bootstrap_file_of_its_own_once),
        TEST(a_gateway_needs_an_id_and_a_host_that_clients_can_name),
        TEST(a_renewed_gateway_keeps_what_is_not_said_anew_and_its_old_certificates_may_be_withdrawn),
        TEST(a_removed_gateway_gives_its_id_to_nobody),
        TEST(a_connectors_bootstrap_file_tells_of_gateways_and_management_points),
        TEST(a_connectors_certificate_is_registered_when_it_is_one_and_good),
        TEST(a_bulk_token_is_told_once_and_is_one),
        TEST(a_bulk_token_has_limits),
        TEST(a_bulk_token_is_blocked_and_let_in_again),
        TEST(a_device_is_named_by_its_guid_or_a_name_that_is_its_alone),
        TEST(a_device_is_approved_blocked_unblocked_and_removed),
        TEST(what_a_removed_device_held_may_come_in_again_by_approval_or_when_it_was_forgotten),
        TEST(those_that_wait_are_removed_by_name_and_age),
        TEST(an_endpoint_is_what_was_said_of_it),
        TEST(each_member_of_an_endpoint_is_checked),
        TEST(a_management_points_endpoints_and_role_are_its_own),
        TEST(a_change_of_an_endpoint_keeps_what_it_does_not_name_and_null_takes_out),
        TEST(an_anchor_is_added_listed_and_removed),
        TEST(what_is_no_trust_is_refused),
        TEST(a_source_has_a_kind_a_way_and_an_address_that_names_a_server),
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
