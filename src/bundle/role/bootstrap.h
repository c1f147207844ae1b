/* SPDX-License-Identifier: Apache-2.0 */
/* The bootstrap files of gateways and connectors (docs/protocol/wire.md section 3): who one is, one's role key, and the
 * root to believe. Holds a secret: the file must be 0600. */
#ifndef BUNDLE_ROLE_BOOTSTRAP_H
#define BUNDLE_ROLE_BOOTSTRAP_H

#include "base/error.h"
#include "pki/cert/cert.h"
#include "pki/role.h"

enum { BOOTSTRAP_LIST_MAX = 64 };

struct bootstrap_address { /* a gateway */
    char id[PKI_ROLE_ID_MAX];
    char host[256];
    uint16_t port;
};

struct bootstrap_url { /* a management point that serves the site documents */
    char *url;
    char *anchors_pem; /* NULL: judged by its role certificate */
};

struct bootstrap {
    char site[PKI_SITE_MAX];
    char id[PKI_ROLE_ID_MAX];
    char *root_pem, *certificate_pem, *key_pem;
    unsigned char pin[PKI_SHA256]; /* of the root */
    struct bootstrap_address gateways[BOOTSTRAP_LIST_MAX];
    size_t gateway_count;
    struct bootstrap_url urls[BOOTSTRAP_LIST_MAX];
    size_t url_count;
};

/* `kind`: "gateway" or "connector". Refuses files that others can read (R_DENIED). bootstrap_free also after a failure.
 */
MUST_USE enum result bootstrap_read(const char *path, const char *kind, struct bootstrap *ret, struct error *err);
/* The same of its text. */
MUST_USE enum result bootstrap_parse(struct slice text, const char *kind, struct bootstrap *ret, struct error *err);
void bootstrap_free(struct bootstrap *b);

#endif
