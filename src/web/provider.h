/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OpenID provider as a device asks it for tokens: where its endpoints are (OpenID Connect Discovery 1.0), the
 * device's own token by client credentials with a certificate (RFC 6749 4.4, RFC 7523), the user's by device code
 * (RFC 8628) and by refresh token. What a token says is judged where it is believed, never here.
 */
#ifndef WEB_PROVIDER_H
#define WEB_PROVIDER_H

#include <openssl/x509.h>

#include "web/http.h"
#include "web/outcome.h"
#include "json/json.h"

enum { WEB_PROVIDER_TEXT = 512 };

struct web_provider {
    struct web_http *http;    /* borrowed, like the anchors */
    struct slice anchors_pem; /* .ptr NULL: the system's */
    char issuer[WEB_PROVIDER_TEXT];
    char token_endpoint[WEB_PROVIDER_TEXT];
    char device_endpoint[WEB_PROVIDER_TEXT]; /* "": it has none */
    json_t *algorithms;                      /* for assertions; NULL: not told */
};

/* Fills the endpoints by discovery. http, anchors_pem and issuer must be set. false: *o says why; a document that is of
 * another issuer, or names endpoints without https, counts as none. Call web_provider_done in every case. */
MUST_USE bool web_provider_discover(struct web_provider *p, struct web_outcome *o);
void web_provider_done(struct web_provider *p);

/* What a token is for: both may be NULL. `resource` is that of RFC 8707. */
struct web_wanted {
    const char *client, *scope, *resource;
};

struct web_grant {
    char *token, *refresh; /* malloc'ed secrets; refresh NULL: none was given */
    int64_t lifetime;      /* seconds; an hour when it is not told */
};
void web_grant_done(struct web_grant *g);

/* Client credentials; certificate and key prove the client. `now`: wall seconds. */
MUST_USE bool web_provider_by_certificate(const struct web_provider *p, const struct web_wanted *w, X509 *certificate,
                                          EVP_PKEY *key, int64_t now, struct web_grant *ret, struct web_outcome *o);
MUST_USE bool web_provider_by_refresh(const struct web_provider *p, const struct web_wanted *w, const char *refresh,
                                      struct web_grant *ret, struct web_outcome *o);

/* --- device code (RFC 8628) --- */

struct web_device_code {
    char *code;                       /* malloc'ed, a secret */
    char user_code[64];               /* what the user types … */
    char uri[256], uri_complete[512]; /* … at this address; "" when there is no complete one */
    int64_t expires_in, interval;     /* seconds */
};
MUST_USE bool web_provider_device_code(const struct web_provider *p, const struct web_wanted *w,
                                       struct web_device_code *ret, struct web_outcome *o);
void web_device_code_done(struct web_device_code *c);

enum web_poll { WEB_POLL_GRANTED, WEB_POLL_AGAIN, WEB_POLL_SLOWER, WEB_POLL_ENDED };
/* Asks once. SLOWER: five seconds more between two questions, from now on; also after a provider that did not answer
 * (RFC 8628 3.5). ENDED: *o says why: access_denied, expired_token, … */
enum web_poll web_provider_poll(const struct web_provider *p, const struct web_wanted *w,
                                const struct web_device_code *c, struct web_grant *ret, struct web_outcome *o);

#endif
