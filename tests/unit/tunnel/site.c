/* SPDX-License-Identifier: Apache-2.0 */
/* See site.h. */
#include "site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "pki/cert/cert.h"
#include "pki/issue/issue.h"
#include "pki/role.h"
#include "tunnel/accept.h"

static char *root_pem, *connector_pem, *connector_key, *gateway_pem, *gateway_key;
static struct pki_role_judge *connectors, *gateways;
struct tls_context *site_gateway_tls, *site_connector_tls, *site_impostor_tls;

static X509 *issue(enum pki_profile profile, const char *uri, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    struct error err = {0};
    X509 *cert;
    int64_t now = clock_wall_s();
    struct pki_request r = {
        .profile = profile,
        .common_name = "test",
        .uri = uri,
        .not_before = now - 3600,
        .not_after = now + 3600,
        .subject_key = key,
        .issuer = issuer,
        .issuer_key = issuer_key,
    };
    if (pki_issue(&r, &cert, &err) != OK)
        fail_msg("%s", err.text);
    return cert;
}

static void make_role(const char *uri, X509 *ca, EVP_PKEY *ca_key, char **ret_pem, char **ret_key)
{
    EVP_PKEY *key = pki_key_new();
    X509 *cert = issue(PKI_ROLE, uri, key, ca, ca_key);
    char *leaf = pki_cert_pem(cert), *issuer = pki_cert_pem(ca);
    *ret_pem = mem_zalloc(strlen(leaf) + strlen(issuer) + 1);
    memcpy(*ret_pem, leaf, strlen(leaf));
    memcpy(*ret_pem + strlen(leaf), issuer, strlen(issuer));
    *ret_key = pki_key_pem(key);
    free(leaf);
    free(issuer);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static struct tls_context *client_context(const char *pem, const char *key)
{
    struct tls_client_options o = {
        .identity = {slice_of(pem), slice_of(key)},
        .verify = pki_role_tls_verify,
        .verify_arg = gateways,
        .alpn = TUNNEL_ALPN,
        .tls13_only = true,
    };
    struct tls_context *c;
    struct error err = {0};
    if (tls_context_client(&o, &c, &err) != OK)
        fail_msg("%s", err.text);
    return c;
}

static struct tls_context *server_context(const char *pem, const char *key)
{
    struct tls_server_options o = {
        .identity = {slice_of(pem), slice_of(key)},
        .client_cert = TLS_CLIENT_CERT_REQUIRE,
        .verify = pki_role_tls_verify,
        .verify_arg = connectors,
        .alpn = TUNNEL_ALPN,
        .tls13_only = true,
    };
    struct tls_context *c;
    struct error err = {0};
    if (tls_context_server(&o, &c, &err) != OK)
        fail_msg("%s", err.text);
    return c;
}

int site_make(void **state)
{
    EVP_PKEY *root_key = pki_key_new(), *ca_key = pki_key_new();
    X509 *root = issue(PKI_SITE_ROOT, NULL, root_key, NULL, NULL);
    X509 *ca = issue(PKI_ROLE_CA, NULL, ca_key, root, root_key);
    struct error err;
    (void)state;
    root_pem = pki_cert_pem(root);
    make_role("urn:opencmg:LAB:connector:cp1", ca, ca_key, &connector_pem, &connector_key);
    make_role("urn:opencmg:LAB:gateway:gw1", ca, ca_key, &gateway_pem, &gateway_key);
    assert_int_equal(pki_role_judge_new(slice_of(root_pem), "LAB", "connector", &connectors, &err), OK);
    assert_int_equal(pki_role_judge_new(slice_of(root_pem), "LAB", "gateway", &gateways, &err), OK);
    site_connector_tls = client_context(connector_pem, connector_key);
    site_gateway_tls = server_context(gateway_pem, gateway_key);
    site_impostor_tls = server_context(connector_pem, connector_key);
    X509_free(root);
    X509_free(ca);
    EVP_PKEY_free(root_key);
    EVP_PKEY_free(ca_key);
    return 0;
}

int site_drop(void **state)
{
    (void)state;
    tls_context_unref(site_connector_tls);
    tls_context_unref(site_gateway_tls);
    tls_context_unref(site_impostor_tls);
    pki_role_judge_free(connectors);
    pki_role_judge_free(gateways);
    free(root_pem);
    free(connector_pem);
    free(connector_key);
    free(gateway_pem);
    free(gateway_key);
    return 0;
}
