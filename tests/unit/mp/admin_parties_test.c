/* SPDX-License-Identifier: Apache-2.0 */
/* The admin API without its socket, for who takes part: gateways, connectors, bulk tokens, devices. What each request
 * makes of the site, and what it refuses with which words. */
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

/* The role CA ends no later than the certificates that are to be withdrawn: a new one would be taken for one of them.
 */
static void nothing_is_withdrawn_for_a_certificate_that_would_never_count(void **state UNUSED)
{
    static const char *const bodies[] = {"{\"id\":\"x\",\"join\":{},\"renew\":true,\"revoke_old\":true}",
                                         "{\"id\":\"x\",\"renew\":true,\"revoke_old\":true}"},
                             *const later[] = {"{\"id\":\"x\",\"renew\":true}",
                                               "{\"id\":\"x\",\"join\":{},\"renew\":true}",
                                               "{\"id\":\"x\",\"join\":{}}"};
    static const char *const targets[] = {"/v1/gateways", "/v1/connectors"}, *const kinds[] = {"gateway", "connector"};
    struct store_mp mp = {.id = "mp1", .mode = "ehttp", .url = "https://mp.example", .clients = "token"};
    int64_t last = pki_cert_not_after(site.keys.role_ca), withdrawn;
    ok(store_mp_put(site.store, &mp, &err));
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        (void)admin("POST", targets[k], "{\"id\":\"x\",\"host\":\"gw.example\"}");
        ok(store_exec(site.store, k ? "UPDATE connector SET not_after = $1" : "UPDATE gateway SET not_after = $1",
                      STORE_PARAMS(STORE_N(last)), NULL, &err));
        for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
            assert_int_equal(admin("POST", targets[k], bodies[i]), 409);
            assert_non_null(strstr(kit_said(&ask, "detail"), "role CA"));
            assert_null(strstr(kit_said(&ask, "remedy"), "--renew")); /* it would say the same again */
        }
        ok(store_query_int(site.store, "SELECT COUNT(*) FROM revoked_role WHERE kind = $1",
                           STORE_PARAMS(STORE_T(kinds[k])), &withdrawn, &err));
        assert_int_equal(withdrawn, 0);
        ok(store_exec(site.store, "INSERT INTO revoked_role (kind, id, revoked, not_after) VALUES ($1, 'x', 1, $2)",
                      STORE_PARAMS(STORE_T(kinds[k]), STORE_N(last)), NULL, &err));
        for (size_t i = 0; i < ARRAY_LEN(later); i++) {
            assert_int_equal(admin("POST", targets[k], later[i]), 409);
            assert_non_null(strstr(kit_said(&ask, "detail"), "never count"));
        }
    }
    assert_int_equal(kit_audited("gateway.join") + kit_audited("connector.join"), 0);
    assert_int_equal(kit_audited("gateway.renew") + kit_audited("connector.renew"), 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_body_that_is_no_object_is_refused_everywhere),
        TEST(what_is_not_there_is_not_removed_and_its_list_is_named),
        TEST(a_gateway_gets_a_bootstrap_file_of_its_own_once),
        TEST(a_gateway_needs_an_id_and_a_host_that_clients_can_name),
        TEST(a_renewed_gateway_keeps_what_is_not_said_anew_and_its_old_certificates_may_be_withdrawn),
        TEST(nothing_is_withdrawn_for_a_certificate_that_would_never_count),
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
