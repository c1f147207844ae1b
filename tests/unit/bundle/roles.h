/* SPDX-License-Identifier: Apache-2.0 */
/* A site LAB for the tests of gateways and connectors: its root, its role CA, role certificates, signed documents. */
#ifndef TESTS_BUNDLE_ROLES_H
#define TESTS_BUNDLE_ROLES_H

#include "bundle/document.h"
#include "bundle/role/role_identity.h"

#define ROLES_DAY INT64_C(86400)

struct roles_pair {
    X509 *cert;
    EVP_PKEY *key;
};
void roles_drop(struct roles_pair *p);

struct roles {
    struct roles_pair root, ca;
    struct document_signer *signer; /* of bundles and connector documents */
    char *root_pem;
    unsigned char pin[PKI_SHA256];
};

/* Valid from 400 days before `now` on, for long. */
void roles_make(struct roles *r, int64_t now);
void roles_end(struct roles *r);

struct roles_pair roles_issue(const struct roles *r, const char *kind, const char *id, int64_t from, int64_t to);
/* As roles_issue, for this public key: the leaf and the role CA in PEM, malloc'ed. */
char *roles_certify(const struct roles *r, EVP_PKEY *key, const char *kind, const char *id, int64_t from, int64_t to);
struct role_identity roles_identity(const struct roles *r, const char *kind, const char *id, int64_t from, int64_t to);
/* This role's bootstrap file; with bootstrap_free it is the caller's. */
void roles_bootstrap(const struct roles *r, const char *id, const struct role_identity *i, struct bootstrap *ret);

/* A document with this content (JSON), signed by the key for bundles, malloc'ed. */
char *roles_document(const struct roles *r, enum document_type type, const char *audience, int64_t sequence,
                     const char *content, int64_t now);

#endif
