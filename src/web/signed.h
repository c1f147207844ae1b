/* SPDX-License-Identifier: Apache-2.0 */
/* The field lines of a signed request (RFC 9421, PROTOCOL 4) and the form of a token exchange (RFC 8693), as devices
 * and the analyzer send them. Both hold secrets and are wiped. */
#ifndef WEB_SIGNED_H
#define WEB_SIGNED_H

#include <openssl/evp.h>

#include "jose/httpsig/httpsig.h"
#include "web/form.h"
#include "web/http.h"

enum { WEB_TOKEN_HEADER_MAX = 20 * 1024 };

struct web_signed_request {
    const char *verb, *target; /* what stands in CMG-Target: "/SMS_MP/.sms_aut?MPLIST" */
    struct slice body;
    EVP_PKEY *key;
    int64_t now;                                       /* wall seconds of the site */
    const char *content_type, *if_none_match, *bearer; /* NULL: none */
    const char *range, *if_range;                      /* NULL: none */
};

struct web_lines {
    char *items[WEB_HEADERS_MAX];
    size_t count;
    char nonce[HTTPSIG_NONCE_MAX + 1]; /* of the signature: what answers this request names it */
};

/* R_INVALID: the key can't sign; R_LIMIT: the token is longer than a header may be. Free *ret in every case. */
MUST_USE enum result web_signed_lines(const struct web_signed_request *r, struct web_lines *ret, struct error *err);
void web_lines_add(struct web_lines *l, const char *name, const char *value); /* NULL: nothing */
void web_lines_free(struct web_lines *l);

/* The characters of a JWT only, and not too many: it goes into a header. */
bool web_token_valid(struct slice token);

/* The body of POST /CCM_STS (RFC 8693 2.1); web_form_free. `wanted`: one of the types below. `actor`: NULL: none. */
void web_exchange_form(struct web_form *ret, const char *subject_token, const char *actor_token, const char *wanted);
#define WEB_TYPE_ACCESS "urn:ietf:params:oauth:token-type:access_token"
#define WEB_TYPE_DEVICE "urn:opencmg:token-type:device"
#define WEB_TYPE_USER "urn:opencmg:token-type:user"

#endif
