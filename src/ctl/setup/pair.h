/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate with its key: made, and written as <dir>/<name>.pem and <dir>/<name>.key (0600). */
#ifndef CTL_SETUP_PAIR_H
#define CTL_SETUP_PAIR_H

#include "pki/cert/cert.h"
#include "pki/issue/issue.h"

struct ctl_pair {
    X509 *cert;
    EVP_PKEY *key;
    char *kept; /* where the key stays in an HSM or TPM, what tells it (pki/key/key.h); NULL: the key is here */
};

struct ctl_pair_request {
    enum pki_profile profile;
    const char *common_name, *uri;
    const char *const *hosts; /* NULL-terminated, or NULL */
    int days;
    const struct ctl_pair *issuer; /* NULL: self-signed */
    const char *key;               /* a URI or file of the key; NULL: one is made */
};

/* Valid from a few minutes ago (clocks differ), never beyond its issuer. */
MUST_USE enum result ctl_pair_make(const struct ctl_pair_request *r, struct ctl_pair *ret, struct error *err);
void ctl_pair_free(struct ctl_pair *p); /* an empty one is allowed */

/* `chain` (NULL: none) is written behind the certificate in the PEM file. */
MUST_USE enum result ctl_pair_save(const struct ctl_pair *p, const char *dir, const char *name,
                                   const struct ctl_pair *chain, struct error *err);
/* The certificate alone, as <dir>/<name>.pem. */
MUST_USE enum result ctl_pair_save_certificate(const struct ctl_pair *p, const char *dir, const char *name,
                                               const struct ctl_pair *chain, struct error *err);

#endif
