/* SPDX-License-Identifier: Apache-2.0 */
/* The one list of names by which servers learn who a client is. It only takes away and sets; whether the sender is
 * who he says was judged before. Pure. */
#include "gateway/request/identity.h"

#include "base/ascii.h"
#include "tunnel/device.h"

/* Names and beginnings of names by which servers and proxies of the field learn who a client is and how it came: all of
 * them, on every endpoint, since an upstream may believe any of them. A credential that a server judges by itself
 * (X-Auth-Token, X-Api-Key, Private-Token …) is none of them: it passes. */
#define NAME(text)                                                                                                     \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }
static const struct slice forbidden_prefixes[] = {
    NAME("cmg-"),
    /* certificates, as TLS terminators show them: RFC 9440, nginx, Apache, HAProxy, Traefik, Envoy, F5, IIS, AWS,
     * WebLogic, WebSphere ($WSCC: every byte that is no letter or digit counts as '-') */
    NAME("client-cert"),
    NAME("x-client-"),
    NAME("x-ssl"),
    NAME("ssl-"),
    NAME("sslclient"),
    NAME("tls-client-"),
    NAME("x-tls-"),
    NAME("x-mtls-"),
    NAME("x-amzn-mtls-"),
    NAME("x-arr-"),
    NAME("x-peer-cert"),
    NAME("x-spiffe-"),
    NAME("wl-proxy-"),
    NAME("-ws"),
    /* names of users, as proxies that sign them in show them: oauth2-proxy, Authelia, authentik, Vouch, Pomerium,
     * SiteMinder, Tivoli and Oracle Access Manager, mod_auth_openidc, mellon, Shibboleth, Kong, caddy-security,
     * Teleport, Entra (App Service), AWS, Google, Cloudflare, Tailscale, Kubernetes, Keystone */
    NAME("x-remote-"),
    NAME("remote-"),
    NAME("x-auth-request-"),
    NAME("x-authenticated-"),
    NAME("x-authentik-"),
    NAME("x-webauth-"),
    NAME("x-vouch-"),
    NAME("x-pomerium-"),
    NAME("x-okta-"),
    NAME("x-teleport-"),
    NAME("teleport-jwt-"),
    NAME("sm-"),
    NAME("iv-"),
    NAME("oam-"),
    NAME("osso-"),
    NAME("oidc-"),
    NAME("mellon-"),
    NAME("shib-"),
    NAME("x-consumer-"),
    NAME("x-credential-"),
    NAME("x-token-user-"),
    NAME("x-ms-client-principal"),
    NAME("x-ms-token-"),
    NAME("x-amzn-oidc-"),
    NAME("x-goog-authenticated-user-"),
    NAME("x-goog-iap-"),
    NAME("x-appengine-"),
    NAME("cf-"),
    NAME("tailscale-"),
    NAME("x-sandstorm-"),
    NAME("x-replit-user-"),
    NAME("impersonate-"),
    NAME("x-nginx-"),
    /* where it came from */
    NAME("forwarded"),
    NAME("x-forwarded"),
    NAME("x-original-forwarded-"),
    NAME("x-envoy-"),
    /* another method, another path or another file than the ones that were judged */
    NAME("x-accel-"),
    NAME("x-sendfile"),
    NAME("x-middleware-"),
};
static const struct slice forbidden_names[] = {
    NAME("x-clientcert"),
    NAME("x-xfcc"),
    NAME("x-user"),
    NAME("x-username"),
    NAME("x-userinfo"),
    NAME("x-user-id"),
    NAME("x-user-name"),
    NAME("x-user-email"),
    NAME("x-user-groups"),
    NAME("x-user-roles"),
    NAME("x-role"),
    NAME("x-roles"),
    NAME("x-groups"),
    NAME("x-auth-user"),
    NAME("x-auth-username"),
    NAME("x-auth-email"),
    NAME("x-auth-groups"),
    NAME("x-auth-roles"),
    NAME("x-auth-subject"),
    NAME("x-token-subject"),
    NAME("x-proxy-user"),
    NAME("x-proxy-remote-user"),
    NAME("x-webobjects-remote-user"),
    NAME("x-identity"),
    NAME("x-identity-status"),
    NAME("x-rh-identity"),
    NAME("x-endpoint-api-userinfo"),
    NAME("x-apigateway-api-userinfo"),
    NAME("x-jwt-assertion"),
    NAME("x-jwt-payload"),
    NAME("auth-user"),
    NAME("gap-auth"),
    NAME("gap-signature"),
    NAME("x-real-ip"),
    NAME("x-cluster-client-ip"),
    NAME("x-proxyuser-ip"),
    NAME("x-forward-for"),
    NAME("x-original-for"),
    NAME("x-original-host"),
    NAME("x-original-proto"),
    NAME("x-original-remote-addr"),
    NAME("x-azure-clientip"),
    NAME("x-azure-socketip"),
    NAME("x-nf-client-connection-ip"),
    NAME("client-ip"),
    NAME("true-client-ip"),
    NAME("fastly-client-ip"),
    NAME("proxy-client-ip"),
    NAME("incap-client-ip"),
    NAME("front-end-https"),
    NAME("x-scheme"),
    NAME("x-url-scheme"),
    NAME("x-host"),
    NAME("x-http-host-override"),
    NAME("x-script-name"),
    NAME("traceparent"),
    NAME("tracestate"),
    NAME("proxy"),
    NAME("proxy-authorization"),
    NAME("x-http-method"),
    NAME("x-http-method-override"),
    NAME("x-method-override"),
    NAME("x-rewrite-url"),
    NAME("x-original-url"),
    NAME("x-original-uri"),
    NAME("x-original-method"),
    NAME("x-override-url"),
    /* Spelled otherwise ("content_length"), they would stand for the real ones in a CGI server's environment. */
    NAME("content-length"),
    NAME("transfer-encoding"),
};

/* The device's own, not assertions: the signed target goes inside. Framing is the HTTP layer's. */
static const struct slice exempt_names[] = {NAME("cmg-target"), NAME("content-length")};
#undef NAME

static bool same(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool plain = ascii_is_small(a[i]) || ascii_is_digit(a[i]);
        if ((plain ? a[i] : '-') != b[i]) /* CGI servers make '_' of whatever else stands in a name, not of '-' alone */
            return false;
    }
    return true;
}

static bool in_list(struct slice name, const struct slice *list, size_t count, bool whole)
{
    for (size_t i = 0; i < count; i++) {
        size_t n = list[i].len;
        if ((whole ? name.len == n : name.len >= n) && same(name.ptr, list[i].ptr, n))
            return true;
    }
    return false;
}

bool identity_header_forbidden(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(exempt_names); i++) {
        if (slice_eq(name, exempt_names[i]))
            return false;
    }
    return in_list(name, forbidden_prefixes, ARRAY_LEN(forbidden_prefixes), false) ||
           in_list(name, forbidden_names, ARRAY_LEN(forbidden_names), true);
}

static bool drop_name(void *arg, struct slice name)
{
    const struct identity_request *r = arg;
    if (identity_header_forbidden(name))
        return true;
    /* On path routes Authorization is the gateway's: only management points, which judge it again, get to see it, ours
     * and those of the site that issued it. */
    return !r->by_host && !r->endpoint->management_point && !r->who->foreign && slice_eq(name, SLICE("authorization"));
}

struct writer {
    struct http_fields *fields;
    struct arena *arena;
    bool full;
};

static void add_field(struct writer *w, struct slice name, struct slice value)
{
    if (!value.ptr || http_fields_add(w->fields, w->arena, name, value) != OK)
        w->full = true;
}

enum result identity_apply(const struct identity_request *r, struct http_fields *fields, struct arena *arena,
                           struct error *err)
{
    (void)http_fields_remove_if(fields, drop_name, (void *)(uintptr_t)r);
    struct writer w = {fields, arena, false};
    const struct tunnel_device device = {slice_of(r->who->client_id), slice_of(choices_client_name(r->who->method)),
                                         slice_of(r->peer),
                                         r->who->method == CHOICE_PKI ? r->who->certificate : SLICE_NONE};
    add_field(&w, SLICE(TUNNEL_DEVICE_FIELD), tunnel_device_write(&device, arena));
    if (r->host.len)
        add_field(&w, SLICE(TUNNEL_HOST_FIELD), r->host);
    add_field(&w, SLICE("cmg-request-id"), arena_dup(arena, slice_of(r->request_id)));
    return w.full ? error_set(err, R_LIMIT, "the request's head is too long once its sender is named in it") : OK;
}
