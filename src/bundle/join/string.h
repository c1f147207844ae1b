/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Join strings (docs/protocol/wire.md 11): one line that lets one machine join a site. A prefix that names who it is
 * for, then base64url of JSON: {"v": 1, "site", "pin", "expires"} and
 *
 *   cmgc1. connector  "id", "key", "urls": of management points
 *   cmgg1. gateway    "id", "key", "host", "port": by which the site's connectors come to it
 *   cmg1.  device     "token" (a bulk registration token), "cmg_fqdns", "gateway_ca_pem", "mp_urls", "mp_ca_pem"
 *
 * "key" is a private key of P-256 (JWK) that signs one request (request.h). The whole is a secret until it was used.
 */
#ifndef BUNDLE_JOIN_STRING_H
#define BUNDLE_JOIN_STRING_H

#include <openssl/evp.h>

#include "bundle/role/bootstrap.h"
#include "json/json.h"

enum join_kind { JOIN_CONNECTOR, JOIN_GATEWAY, JOIN_DEVICE };

enum { JOIN_TEXT_MAX = 256 * 1024, JOIN_VALID_S = 24 * 3600, JOIN_VALID_MIN_S = 60, JOIN_VALID_MAX_S = 7 * 24 * 3600 };

struct join_kind_info {
    const char *name;    /* "connector": also the role's kind */
    const char *prefix;  /* "cmgc1." */
    const char *command; /* "cmg-connector join" */
    const char *again;   /* how another string is made */
};
const struct join_kind_info *join_kind_info(enum join_kind kind);
/* Of a role's kind. */
MUST_USE bool join_kind_find(const char *name, enum join_kind *ret);

/* The string of `content`, to which "v" is added; malloc'ed, a secret: mem_free_secret. */
char *join_string_make(enum join_kind kind, json_t *content);

struct join_string {
    enum join_kind kind;
    char site[PKI_SITE_MAX];
    char id[PKI_ROLE_ID_MAX]; /* "" of a device */
    unsigned char pin[PKI_SHA256];
    int64_t expires; /* wall seconds */
    EVP_PKEY *key;   /* the one-time key; NULL of a device */
    char host[256];  /* of a gateway: its own name as the site knows it, and its port */
    uint16_t port;
    json_t *content; /* owned: the rest of it */
};
void join_string_done(struct join_string *s);

/* White space and quotation marks around and in it (a terminal breaks lines) are passed over. R_INVALID: none, of
 * another kind (with the program that it is for), cut off, or not whole; R_TIMEOUT: it ended before `now`; R_LIMIT. No
 * error holds a part of the string. On OK the caller join_string_done()s. */
MUST_USE enum result join_string_read(struct slice text, enum join_kind kind, int64_t now, struct join_string *ret,
                                      struct error *err);

/* Is it one of a device, and no bulk token of the form cmg1.<pin>.<jwt>? */
bool join_string_is_device(struct slice text);

#endif
