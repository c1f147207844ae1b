/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding a path from a leaf to an anchor (RFC 5280 6) with OpenSSL. OpenSSL follows one branch; where that one fails,
 * others are tried by leaving out what it stumbled over. Internal to src/pki.
 */
#ifndef PKI_PATH_H
#define PKI_PATH_H

#include <openssl/x509.h>

#include "pki/trust.h"

struct pki_pool {
    STACK_OF(X509) * anchors;   /* trusted, as they were uploaded: a path may end at any of them */
    STACK_OF(X509) * untrusted; /* intermediates, uploaded and sent */
};

/* A further check of a path that OpenSSL found good (leaf first, anchor last): sets reason, detail, unchecked and
 * valid_until. True when the fault is the leaf's own, so that no other path can help. */
typedef bool pki_path_check_fn(void *arg, STACK_OF(X509) * chain, struct pki_verdict *v);

/* Fills reason, detail, unchecked and valid_until: of the first good path, else of the most telling failure. */
void pki_path_judge(const struct pki_pool *pool, X509 *leaf, int64_t now, pki_path_check_fn *check, void *arg,
                    struct pki_verdict *ret);

/* "certificate 'CN=…' <formatted>" */
void pki_path_detail(struct pki_verdict *v, X509 *cert, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
