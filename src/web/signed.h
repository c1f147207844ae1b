/* SPDX-License-Identifier: Apache-2.0 */
/* The field lines of a signed request (RFC 9421, PROTOCOL 4) and the form of a token exchange (RFC 8693), as devices
 * and the analyzer send them. Both hold secrets and are wiped. */
#ifndef WEB_SIGNED_H
#define WEB_SIGNED_H

#include <openssl/evp.h>

#include "web/http.h"

enum { WEB_TOKEN_HEADER_MAX = 20 * 1024 };

struct web_signed_request {
    const char *verb, *target; /* what stands in CMG-Target: "/SMS_MP/.sms_aut?MPLIST" */
    struct slice body;
    EVP_PKEY *key;
    int64_t now;                                       /* wall seconds of the site */
    const char *content_type, *if_none_match, *bearer; /* NULL: none */
};

struct web_lines {
    char *items[WEB_HEADERS_MAX];
    size_t count;
};

/* R_INVALID: the key can't sign; R_LIMIT: the token is longer than a header may be. Free *ret in every case. */
MUST_USE enum result web_signed_lines(const struct web_signed_request *r, struct web_lines *ret, struct error *err);
void web_lines_add(struct web_lines *l, const char *name, const char *value); /* NULL: nothing */
void web_lines_free(struct web_lines *l);

/* The characters of a JWT only, and not too many: it goes into a header. */
bool web_token_valid(struct slice token);

/* The body of POST /CCM_STS, malloc'ed: for an access token or, as a renewal, for a device token. mem_free_secret. */
char *web_exchange_form(const char *device_token, bool renewal);
#define WEB_FORM_TYPE "application/x-www-form-urlencoded"

#endif
