/* SPDX-License-Identifier: Apache-2.0 */
/* Discovery, and the requests to a token endpoint. */
#include "web/provider.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "jose/assertion.h"
#include "web/form.h"
#include "web/signed.h"

enum {
    JSON_MAX = 256 * 1024,
    LIFETIME_DEFAULT_S = 3600,
    LIFETIME_MAX_S = 90 * 86400,
    CODE_LIFETIME_S = 900,
    CODE_LIFETIME_MAX_S = 3600,
    INTERVAL_S = 5, /* RFC 8628 3.2 */
    INTERVAL_MAX_S = 60,
    REFRESH_MAX = 16 * 1024,
    CODE_MAX = 4096
};

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define GRANT_DEVICE_CODE "urn:ietf:params:oauth:grant-type:device_code"

void web_provider_done(struct web_provider *p)
{
    json_decref(p->algorithms);
    p->algorithms = NULL;
}

static void drop(char **secret)
{
    if (*secret)
        mem_free_secret(*secret, strlen(*secret));
    *secret = NULL;
}

void web_grant_done(struct web_grant *g)
{
    drop(&g->token);
    drop(&g->refresh);
}

void web_device_code_done(struct web_device_code *c)
{
    drop(&c->code);
}

/* --- endings --- */

static bool local(struct web_outcome *o, const char *url, const struct error *err, const char *remedy)
{
    char detail[512];
    (void)snprintf(detail, sizeof detail, "%.180s: %.320s", url, err->text);
    web_outcome_local(o, "provider_answer", detail, remedy);
    return false;
}

static bool unreachable(struct web_outcome *o, const char *url, enum web_fault fault, const struct error *err)
{
    char detail[512];
    (void)snprintf(detail, sizeof detail, "the identity provider at %.150s: %s: %.280s", url,
                   web_fault_info(fault)->word, err->text);
    web_outcome_local(o, "provider_unreachable", detail,
                      "check EntraIssuer, EntraCA and this device's way to its identity provider");
    o->ending = WEB_UNREACHABLE;
    return false;
}

/* RFC 6749 5.2. The reason is the provider's own word behind "entra_", so that it can't pass for one of the site's. */
static bool refused(struct web_outcome *o, const char *url, long status, const json_t *body)
{
    const char *word = json_opt_str(body, "error", NULL);
    char text[512], reason[64];
    (void)snprintf(text, sizeof text, "the identity provider at %.150s refused (HTTP %ld): %.300s", url, status,
                   json_opt_str(body, "error_description", word ? word : "it gave no reason"));
    (void)snprintf(reason, sizeof reason, "entra_%.56s", word ? word : "refused");
    web_outcome_local(o, reason, text,
                      "check EntraClientId, its certificate and its permissions at the identity provider");
    o->ending = WEB_REFUSED;
    o->status = status;
    return false;
}

/* --- requests --- */

/* true: an answer came, its JSON in *ret (NULL: it is none), whatever its status. */
static bool fetch(const struct web_provider *p, const char *url, struct slice form, json_t **ret, long *ret_status,
                  struct web_outcome *o)
{
    struct web_request r = {.method = form.ptr ? "POST" : "GET",
                            .url = url,
                            .headers = {"Accept: application/json", form.ptr ? "Content-Type: " WEB_FORM_TYPE : NULL},
                            .body = form,
                            .anchors_pem = p->anchors_pem};
    struct web_answer answer = {0};
    struct error err;
    *ret = NULL;
    enum web_fault fault = web_http_do(p->http, &r, &answer, &err);
    if (fault == WEB_FAULT_NONE && json_parse(buf_data(&answer.body), JSON_MAX, ret, &err) != OK)
        *ret = NULL;
    *ret_status = answer.status;
    web_answer_free(&answer);
    return fault == WEB_FAULT_NONE || unreachable(o, url, fault, &err);
}

/* --- discovery --- */

static bool endpoint(const json_t *doc, const char *name, char ret[WEB_PROVIDER_TEXT])
{
    struct slice url = slice_of(json_opt_str(doc, name, ""));
    return slice_starts(url, SLICE("https://")) && slice_to_cstr(url, ret, WEB_PROVIDER_TEXT);
}

static enum result read_metadata(struct web_provider *p, const json_t *doc, struct error *err)
{
    const char *issuer = json_opt_str(doc, "issuer", "");
    if (strcmp(issuer, p->issuer) != 0) /* OpenID Connect Discovery 4.3 */
        return error_set(err, R_DENIED, "it is of the issuer '%.150s', not of '%.150s'", issuer, p->issuer);
    if (!endpoint(doc, "token_endpoint", p->token_endpoint))
        return error_set(err, R_INVALID, "it names no token_endpoint with https");
    if (!endpoint(doc, "device_authorization_endpoint", p->device_endpoint))
        p->device_endpoint[0] = '\0';
    json_t *algorithms = json_object_get(doc, "token_endpoint_auth_signing_alg_values_supported");
    if (json_is_array(algorithms))
        p->algorithms = json_incref(algorithms);
    return OK;
}

bool web_provider_discover(struct web_provider *p, struct web_outcome *o)
{
    char url[WEB_PROVIDER_TEXT + 64];
    size_t len = strlen(p->issuer);
    json_t *doc;
    long status;
    struct error err = {0};
    (void)snprintf(url, sizeof url, "%s%s.well-known/openid-configuration", p->issuer,
                   len && p->issuer[len - 1] == '/' ? "" : "/");
    if (!fetch(p, url, SLICE_NONE, &doc, &status, o))
        return false;
    enum result r = status == 200 && json_is_object(doc)
                        ? read_metadata(p, doc, &err)
                        : error_set(&err, R_INVALID, "no OpenID provider's document is there (HTTP %ld)", status);
    json_decref(doc);
    return r == OK || local(o, url, &err, "check EntraIssuer (or EntraTenant)");
}

/* --- the token endpoint --- */

static void add_wanted(struct web_form *f, const struct web_wanted *w)
{
    web_form_add(f, "client_id", w->client);
    web_form_add(f, "scope", w->scope);
    web_form_add(f, "resource", w->resource);
}

static int64_t bounded(int64_t value, int64_t min, int64_t max, int64_t otherwise)
{
    return value < min ? otherwise : value > max ? max : value;
}

static bool read_grant(const char *url, const json_t *body, struct web_grant *ret, struct web_outcome *o)
{
    const char *token = json_opt_str(body, "access_token", ""), *refresh = json_opt_str(body, "refresh_token", NULL);
    struct error err;
    if (!web_token_valid(slice_of(token))) {
        (void)error_set(&err, R_INVALID, "its access_token is no JWT of at most %d bytes", JOSE_TOKEN_MAX);
        return local(o, url, &err,
                     "let the provider issue JWTs for the site's resource: see EntraScope, EntraResource");
    }
    ret->token = mem_strdup(token);
    if (refresh && strlen(refresh) <= REFRESH_MAX)
        ret->refresh = mem_strdup(refresh);
    ret->lifetime = bounded(json_opt_int(body, "expires_in", 0), 1, LIFETIME_MAX_S, LIFETIME_DEFAULT_S);
    return true;
}

static bool ask(const struct web_provider *p, const struct web_form *form, struct web_grant *ret, struct web_outcome *o)
{
    json_t *body;
    long status;
    *ret = (struct web_grant){0};
    if (!fetch(p, p->token_endpoint, web_form_body(form), &body, &status, o))
        return false;
    bool ok = status == 200 ? read_grant(p->token_endpoint, body, ret, o) : refused(o, p->token_endpoint, status, body);
    json_decref(body);
    return ok;
}

bool web_provider_by_certificate(const struct web_provider *p, const struct web_wanted *w, X509 *certificate,
                                 EVP_PKEY *key, int64_t now, struct web_grant *ret, struct web_outcome *o)
{
    struct jose_assertion a = {.key = key,
                               .certificate = certificate,
                               .client = w->client,
                               .audience = p->token_endpoint,
                               .offered = p->algorithms,
                               .now = now};
    struct web_form form;
    struct error err;
    char *assertion;
    *ret = (struct web_grant){0};
    if (jose_assertion_sign(&a, &assertion, &err) != OK)
        return local(o, "EntraCertificate", &err, "use an RSA key of 2048 bits or more");
    web_form_init(&form);
    web_form_add(&form, "grant_type", "client_credentials");
    add_wanted(&form, w);
    web_form_add(&form, "client_assertion_type", ASSERTION_TYPE);
    web_form_add(&form, "client_assertion", assertion);
    bool ok = ask(p, &form, ret, o);
    web_form_free(&form);
    drop(&assertion);
    return ok;
}

bool web_provider_by_refresh(const struct web_provider *p, const struct web_wanted *w, const char *refresh,
                             struct web_grant *ret, struct web_outcome *o)
{
    struct web_form form;
    web_form_init(&form);
    web_form_add(&form, "grant_type", "refresh_token");
    add_wanted(&form, w);
    web_form_add(&form, "refresh_token", refresh);
    bool ok = ask(p, &form, ret, o);
    web_form_free(&form);
    return ok;
}

/* --- device code --- */

static bool read_code(const struct web_provider *p, const json_t *body, struct web_device_code *ret,
                      struct web_outcome *o)
{
    struct slice code = slice_of(json_opt_str(body, "device_code", ""));
    struct slice complete = slice_of(json_opt_str(body, "verification_uri_complete", ""));
    /* Microsoft says verification_url where RFC 8628 says verification_uri */
    const char *uri = json_opt_str(body, "verification_uri", json_opt_str(body, "verification_url", ""));
    struct error err;
    web_text_clean(slice_of(json_opt_str(body, "user_code", "")), ret->user_code, sizeof ret->user_code);
    web_text_clean(slice_of(uri), ret->uri, sizeof ret->uri);
    if (!code.len || code.len > CODE_MAX || !*ret->user_code || !slice_starts(slice_of(ret->uri), SLICE("https://"))) {
        (void)error_set(&err, R_INVALID, "it holds no device_code, no user_code or no verification_uri with https");
        return local(o, p->device_endpoint, &err, "check EntraIssuer: its provider must know RFC 8628");
    }
    if (slice_starts(complete, SLICE("https://")))
        web_text_clean(complete, ret->uri_complete, sizeof ret->uri_complete);
    ret->code = slice_dup(code);
    ret->expires_in = bounded(json_opt_int(body, "expires_in", 0), 1, CODE_LIFETIME_MAX_S, CODE_LIFETIME_S);
    ret->interval = bounded(json_opt_int(body, "interval", INTERVAL_S), 1, INTERVAL_MAX_S, INTERVAL_S);
    return true;
}

bool web_provider_device_code(const struct web_provider *p, const struct web_wanted *w, struct web_device_code *ret,
                              struct web_outcome *o)
{
    struct web_form form;
    struct error err;
    json_t *body;
    long status;
    *ret = (struct web_device_code){0};
    if (!*p->device_endpoint) {
        (void)error_set(&err, R_NOTFOUND, "it names no device_authorization_endpoint");
        return local(o, p->issuer, &err, "switch the device code flow on at the identity provider (RFC 8628)");
    }
    web_form_init(&form);
    add_wanted(&form, w);
    bool ok = fetch(p, p->device_endpoint, web_form_body(&form), &body, &status, o);
    web_form_free(&form);
    if (!ok)
        return false;
    ok = status == 200 ? read_code(p, body, ret, o) : refused(o, p->device_endpoint, status, body);
    json_decref(body);
    return ok;
}

enum web_poll web_provider_poll(const struct web_provider *p, const struct web_wanted *w,
                                const struct web_device_code *c, struct web_grant *ret, struct web_outcome *o)
{
    struct web_form form;
    web_form_init(&form);
    web_form_add(&form, "grant_type", GRANT_DEVICE_CODE);
    web_form_add(&form, "client_id", w->client);
    web_form_add(&form, "resource", w->resource);
    web_form_add(&form, "device_code", c->code);
    bool ok = ask(p, &form, ret, o);
    web_form_free(&form);
    if (ok)
        return WEB_POLL_GRANTED;
    if (strcmp(o->reason, "entra_authorization_pending") == 0)
        return WEB_POLL_AGAIN;
    if (strcmp(o->reason, "entra_slow_down") == 0 || (o->ending == WEB_UNREACHABLE && !web_http_stopped()))
        return WEB_POLL_SLOWER;
    return WEB_POLL_ENDED;
}
