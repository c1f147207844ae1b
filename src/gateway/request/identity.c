/* SPDX-License-Identifier: Apache-2.0 */
/* The one list of names by which servers learn who a client is. It only takes away and sets; whether the sender is
 * who he says was judged before. Pure. */
#include "gateway/request/identity.h"

#include <pthread.h>

#include "base/ascii.h"
#include "tunnel/device.h"

/* Names and beginnings of names by which servers and proxies of the field learn who a client is and how it came: all of
 * them, on every endpoint, since an upstream may believe any of them. A credential that a server judges by itself
 * (X-Auth-Token, X-Api-Key, Private-Token …) is none of them: it passes. */
#define NAME(text)                                                                                                     \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }
#define WHOLE(text)                                                                                                    \
    {                                                                                                                  \
        NAME(text), true                                                                                               \
    }
#define BEGINS(text)                                                                                                   \
    {                                                                                                                  \
        NAME(text), false                                                                                              \
    }
static const struct listed {
    struct slice name;
    bool whole;
} forbidden[] = {
    BEGINS("cmg-"),
    /* certificates, as TLS terminators show them: RFC 9440, nginx, Apache, HAProxy, Traefik, Envoy, F5, IIS, AWS,
     * WebLogic, WebSphere ($WSCC: every byte that is no letter or digit counts as '-') */
    BEGINS("client-cert"),
    BEGINS("x-client-"),
    BEGINS("x-ssl"),
    BEGINS("ssl-"),
    BEGINS("sslclient"),
    BEGINS("tls-client-"),
    BEGINS("x-tls-"),
    BEGINS("x-mtls-"),
    BEGINS("x-amzn-mtls-"),
    BEGINS("x-arr-"),
    BEGINS("x-peer-cert"),
    BEGINS("x-spiffe-"),
    BEGINS("wl-proxy-"),
    BEGINS("-ws"),
    /* names of users, as proxies that sign them in show them: oauth2-proxy, Authelia, authentik, Vouch, Pomerium,
     * SiteMinder, Tivoli and Oracle Access Manager, mod_auth_openidc, mellon, Shibboleth, Kong, caddy-security,
     * Teleport, Entra (App Service), AWS, Google, Cloudflare, Tailscale, Kubernetes, Keystone */
    BEGINS("x-remote-"),
    BEGINS("remote-"),
    BEGINS("x-auth-request-"),
    BEGINS("x-authenticated-"),
    BEGINS("x-authentik-"),
    BEGINS("x-webauth-"),
    BEGINS("x-vouch-"),
    BEGINS("x-pomerium-"),
    BEGINS("x-okta-"),
    BEGINS("x-teleport-"),
    BEGINS("teleport-jwt-"),
    BEGINS("sm-"),
    BEGINS("iv-"),
    BEGINS("oam-"),
    BEGINS("osso-"),
    BEGINS("oidc-"),
    BEGINS("mellon-"),
    BEGINS("shib-"),
    BEGINS("x-consumer-"),
    BEGINS("x-credential-"),
    BEGINS("x-token-user-"),
    BEGINS("x-ms-client-principal"),
    BEGINS("x-ms-token-"),
    BEGINS("x-amzn-oidc-"),
    BEGINS("x-goog-authenticated-user-"),
    BEGINS("x-goog-iap-"),
    BEGINS("x-appengine-"),
    BEGINS("cf-"),
    BEGINS("tailscale-"),
    BEGINS("x-sandstorm-"),
    BEGINS("x-replit-user-"),
    BEGINS("impersonate-"),
    BEGINS("x-nginx-"),
    /* where it came from */
    BEGINS("forwarded"),
    BEGINS("x-forwarded"),
    BEGINS("x-original-forwarded-"),
    BEGINS("x-envoy-"),
    /* another method, another path or another file than the ones that were judged */
    BEGINS("x-accel-"),
    BEGINS("x-sendfile"),
    BEGINS("x-middleware-"),
    WHOLE("x-clientcert"),
    WHOLE("x-xfcc"),
    WHOLE("x-user"),
    WHOLE("x-username"),
    WHOLE("x-userinfo"),
    WHOLE("x-user-id"),
    WHOLE("x-user-name"),
    WHOLE("x-user-email"),
    WHOLE("x-user-groups"),
    WHOLE("x-user-roles"),
    WHOLE("x-role"),
    WHOLE("x-roles"),
    WHOLE("x-groups"),
    WHOLE("x-auth-user"),
    WHOLE("x-auth-username"),
    WHOLE("x-auth-email"),
    WHOLE("x-auth-groups"),
    WHOLE("x-auth-roles"),
    WHOLE("x-auth-subject"),
    WHOLE("x-token-subject"),
    WHOLE("x-proxy-user"),
    WHOLE("x-proxy-remote-user"),
    WHOLE("x-webobjects-remote-user"),
    WHOLE("x-identity"),
    WHOLE("x-identity-status"),
    WHOLE("x-rh-identity"),
    WHOLE("x-endpoint-api-userinfo"),
    WHOLE("x-apigateway-api-userinfo"),
    WHOLE("x-jwt-assertion"),
    WHOLE("x-jwt-payload"),
    WHOLE("auth-user"),
    WHOLE("gap-auth"),
    WHOLE("gap-signature"),
    WHOLE("x-real-ip"),
    WHOLE("x-cluster-client-ip"),
    WHOLE("x-proxyuser-ip"),
    WHOLE("x-forward-for"),
    WHOLE("x-original-for"),
    WHOLE("x-original-host"),
    WHOLE("x-original-proto"),
    WHOLE("x-original-remote-addr"),
    WHOLE("x-azure-clientip"),
    WHOLE("x-azure-socketip"),
    WHOLE("x-nf-client-connection-ip"),
    WHOLE("client-ip"),
    WHOLE("true-client-ip"),
    WHOLE("fastly-client-ip"),
    WHOLE("proxy-client-ip"),
    WHOLE("incap-client-ip"),
    WHOLE("front-end-https"),
    WHOLE("x-scheme"),
    WHOLE("x-url-scheme"),
    WHOLE("x-host"),
    WHOLE("x-http-host-override"),
    WHOLE("x-script-name"),
    WHOLE("traceparent"),
    WHOLE("tracestate"),
    WHOLE("proxy"),
    WHOLE("proxy-authorization"),
    WHOLE("x-http-method"),
    WHOLE("x-http-method-override"),
    WHOLE("x-method-override"),
    WHOLE("x-rewrite-url"),
    WHOLE("x-original-url"),
    WHOLE("x-original-uri"),
    WHOLE("x-original-method"),
    WHOLE("x-override-url"),
    /* Spelled otherwise ("content_length"), they would stand for the real ones in a CGI server's environment. */
    WHOLE("content-length"),
    WHOLE("transfer-encoding"),
};

/* The device's own, not assertions: the signed target goes inside. Framing is the HTTP layer's. */
static const struct slice exempt_names[] = {NAME("cmg-target"), NAME("content-length")};
#undef NAME
#undef WHOLE
#undef BEGINS

/* CGI servers make '_' of whatever else stands in a name, not of '-' alone. */
static unsigned char folded(char c)
{
    return (unsigned char)(ascii_is_small(c) || ascii_is_digit(c) ? c : '-');
}

/* Each name of each request is looked for: among those alone that begin as it does. Number 0: no further one. */
static unsigned char first_by_octet[256], next_alike[ARRAY_LEN(forbidden) + 1];
static pthread_once_t indexed = PTHREAD_ONCE_INIT;
_Static_assert(ARRAY_LEN(forbidden) < 256, "numbered by an octet");

static void make_index(void)
{
    for (size_t number = ARRAY_LEN(forbidden); number > 0; number--) {
        unsigned char octet = (unsigned char)forbidden[number - 1].name.ptr[0];
        next_alike[number] = first_by_octet[octet];
        first_by_octet[octet] = (unsigned char)number;
    }
}

static bool is_it(struct slice name, const struct listed *l)
{
    if (l->whole ? name.len != l->name.len : name.len < l->name.len)
        return false;
    for (size_t i = 0; i < l->name.len; i++) {
        if (folded(name.ptr[i]) != (unsigned char)l->name.ptr[i])
            return false;
    }
    return true;
}

bool identity_header_forbidden(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(exempt_names); i++) {
        if (slice_eq(name, exempt_names[i]))
            return false;
    }
    (void)pthread_once(&indexed, make_index);
    unsigned char number = name.len ? first_by_octet[folded(name.ptr[0])] : 0;
    while (number && !is_it(name, &forbidden[number - 1]))
        number = next_alike[number];
    return number != 0;
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
