/* SPDX-License-Identifier: Apache-2.0 */
/* Identity headers: nothing that a device says about who it is gets inside, and what the gateway says is exact. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/request/identity.h"
#include "tunnel/device.h"

static struct slice get(const struct http_fields *f, const char *name)
{
    return http_fields_get(f, slice_of(name));
}

static void add(struct http_fields *f, struct arena *a, const char *name, const char *value)
{
    assert_int_equal(http_fields_add(f, a, slice_of(name), slice_of(value)), OK);
}

static void apply(const struct identity *who, bool management_point, bool by_host, struct http_fields *f,
                  struct arena *a)
{
    struct bundle_endpoint endpoint = {.management_point = management_point};
    struct identity_request r = {who, &endpoint, "req-1", "192.0.2.7", SLICE("gw.example:8443"), by_host};
    struct error err;
    assert_int_equal(identity_apply(&r, f, a, &err), OK);
}

static const char *const forged[] = {
    "client-cert",
    "client_cert",
    "client-cert-chain",
    "cmg-client-id",
    "cmg_client_id",
    "cmg.client.id",
    "client.cert",
    "x.ssl~client-cn",
    "cmg-auth-method",
    "x-client-verify",
    "x_client_dn",
    "x-ssl-client-cn",
    "x-ssl-issuer-hash-1",
    "forwarded",
    "x-forwarded-for",
    "x-real-ip",
    "traceparent",
    "cmg-request-id",
    "cmg-device",
    "cmg-authorization",
    "x-arr-clientcert",
    "ssl-client-cert",
    "content_length",
    "transfer_encoding",
    "content.length",
    "x-webauth-user",
    "x_webauth_user",
    "sm_user",
    "sm_serversessionid",
    "iv-user",
    "iv_groups",
    "oidc_claim_sub",
    "oidc-access-token",
    "mellon_name-id",
    "shib-identity-provider",
    "shib_session_id",
    "x-goog-authenticated-user-email",
    "x-goog-iap-jwt-assertion",
    "cf-access-jwt-assertion",
    "cf-access-authenticated-user-email",
    "cf-connecting-ip",
    "tailscale-user-login",
    "x-amzn-oidc-data",
    "x-amzn-oidc-identity",
    "x-amzn-mtls-clientcert",
    "x-vouch-user",
    "x-vouch-idp-claims-groups",
    "x-authentik-username",
    "x-consumer-username",
    "x-credential-identifier",
    "x-nginx-user",
    "x-spiffe-id",
    "impersonate-user",
    "impersonate-extra-scopes",
    "x-sslclientcert",
    "x-ssl-cert",
    "x-mtls-cert",
    "x-clientcert",
    "sslclientcert",
    "x-forwarded-client-cert",
    "x-forwarded-tls-client-cert-info",
    "x-forwarded-user",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-preferred-username",
    "x-forwarded-access-token",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x_forwarded_proto",
    "remote-user",
    "remote_user",
    "remote-groups",
    "x-remote-user",
    "x-remote-group",
    "x-remote-extra-scopes",
    "x-ms-client-principal",
    "x-ms-client-principal-id",
    "x-ms-token-aad-id-token",
    "x-pomerium-jwt-assertion",
    "x-pomerium-claim-email",
    "x-okta-user",
    "teleport-jwt-assertion",
    "x-teleport-user",
    "x-auth-request-user",
    "x-auth-request-email",
    "x-auth-user",
    "x-authenticated-userid",
    "wl-proxy-client-cert",
    "$wscc",
    "$wsru",
    "x-endpoint-api-userinfo",
    "x-userinfo",
    "x-rh-identity",
    "gap-auth",
    "x-user-id",
    "x-identity-status",
    "true-client-ip",
    "x-envoy-external-address",
    "oam_remote_user",
    "osso-user-dn",
    "x-token-user-name",
    "x-http-method-override",
    "x_http_method_override",
    "x-http-method",
    "x-method-override",
    "x-rewrite-url",
    "x-original-url",
    "x-original-uri",
    "x-accel-redirect",
    "x-accel-mapping",
    "x-sendfile-type",
    "x-middleware-subrequest",
    "front-end-https",
    "x-host",
};

static void every_spelling_of_a_forged_identity_is_removed(void **state)
{
    (void)state;
    struct arena *a = arena_new(HTTP_ARENA_MAX);
    struct http_fields f = {0};
    struct identity who = {CHOICE_TOKEN, "6f1c", SLICE_NONE};
    for (size_t i = 0; i < ARRAY_LEN(forged); i++) {
        if (!identity_header_forbidden(slice_of(forged[i])))
            fail_msg("%s passes", forged[i]);
        if (f.count < 50)
            add(&f, a, forged[i], "forged");
    }
    add(&f, a, "accept", "*/*");
    apply(&who, true, false, &f, a);
    for (size_t i = 0; i < f.count; i++)
        assert_false(slice_eq(f.list[i].value, SLICE("forged")));
    assert_true(slice_eq(get(&f, "accept"), SLICE("*/*")));
    assert_true(slice_eq(get(&f, "cmg-device"), SLICE("6f1c token 192.0.2.7 -")));
    assert_null(get(&f, "client-cert").ptr);
    arena_free(a);
}

static void what_is_no_identity_passes(void **state)
{
    (void)state;
    static const char *const passes[] = {
        "x-auth-token",
        "x-auth-key",
        "x-api-key",
        "x-original-filename",
        "x-user-agent",
        "x-access-token",
        "private-token",
        "x-vault-token",
        "x-subject-token",
        "x-amz-date",
        "x-amz-content-sha256",
        "x-ms-version",
        "x-ms-date",
        "x-goog-meta-color",
        "x-ops-userid",
        "x-prometheus-remote-write-version",
        "x-scope-orgid",
        "x-requested-with",
        "x-csrf-token",
        "x-grpc-web",
        "te",
        "grpc-timeout",
        "authorization",
        "cookie",
        "host",
        "destination",
        "depth",
        "if-match",
        "x-puppet-version",
        "accept-ssl",
    };
    for (size_t i = 0; i < ARRAY_LEN(passes); i++) {
        if (identity_header_forbidden(slice_of(passes[i])))
            fail_msg("%s is dropped", passes[i]);
    }
}

static void a_certificate_goes_on_for_pki_alone(void **state)
{
    (void)state;
    struct arena *a = arena_new(HTTP_ARENA_MAX);
    struct http_fields pki = {0}, token = {0};
    char marked[6];
    tunnel_device_mark(SLICE(":TUlJ:"), marked);
    struct identity who = {CHOICE_PKI, "ab12", slice_make(marked, sizeof marked)};
    apply(&who, true, false, &pki, a);
    assert_true(slice_eq(get(&pki, "cmg-device"), SLICE("ab12 pki 192.0.2.7 \xba\xd4\xd5\xec\xca\xba")));
    who.method = CHOICE_TOKEN;
    apply(&who, true, false, &token, a);
    assert_true(slice_eq(get(&token, "cmg-device"), SLICE("ab12 token 192.0.2.7 -")));
    arena_free(a);
}

static void authorization_reaches_management_points_and_hosts_but_no_other_path(void **state)
{
    (void)state;
    static const struct {
        bool management_point, by_host, stays;
    } cases[] = {{true, false, true}, {false, false, false}, {false, true, true}};
    struct arena *a = arena_new(HTTP_ARENA_MAX);
    struct identity who = {CHOICE_TOKEN, "6f1c", SLICE_NONE};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_fields f = {0};
        add(&f, a, "authorization", "Bearer x");
        add(&f, a, "cmg-target", "/CCM_STS");
        apply(&who, cases[i].management_point, cases[i].by_host, &f, a);
        assert_int_equal(get(&f, "authorization").ptr != NULL, cases[i].stays);
        assert_true(slice_eq(get(&f, "cmg-target"), SLICE("/CCM_STS"))); /* signed by the device: its own */
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_of_a_forged_identity_is_removed),
        cmocka_unit_test(what_is_no_identity_passes),
        cmocka_unit_test(a_certificate_goes_on_for_pki_alone),
        cmocka_unit_test(authorization_reaches_management_points_and_hosts_but_no_other_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
