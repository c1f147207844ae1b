/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding a path from a leaf to an anchor (RFC 5280 6) with OpenSSL. OpenSSL follows one branch; where that one fails,
 * others are tried by leaving out what it stumbled over. Internal to src/pki.
 */
#ifndef PKI_PATH_PATH_H
#define PKI_PATH_PATH_H

#include <openssl/x509.h>

#include "pki/path/effort.h"
#include "pki/path/verdict.h"

struct pki_pool {
    STACK_OF(X509) * anchors;   /* trusted, as they were uploaded: a path may end at any of them */
    STACK_OF(X509) * untrusted; /* intermediates, uploaded and sent */
};

/* A further check of a path that OpenSSL found good (leaf first, anchor last): sets reason, detail, unchecked and
 * valid_until. When it refuses: the depth of the certificate that no good path can hold (0, the leaf: there is none),
 * or PKI_PATH_TOGETHER when it is for how they go together. */
enum { PKI_PATH_TOGETHER = -1 };
typedef int pki_path_check_fn(void *arg, STACK_OF(X509) * chain, struct pki_verdict *v);

struct pki_path_search {
    const struct pki_pool *pool;
    int64_t now;
    bool client; /* the purpose: clientAuth; else any */
    pki_path_check_fn *check;
    void *arg;
    struct pki_effort *effort; /* shared by all searches of one judgement, the paths of CRL signers included */
};

/* Fills reason, detail, unchecked and valid_until: of the first good path, else of the most telling failure. */
void pki_path_judge(const struct pki_path_search *asked, X509 *leaf, struct pki_verdict *ret);

/* The depth of the first certificate whose key or signature is too weak (pki/cert/strength.h), with reason and detail;
 * -1: all are strong enough. An anchor is trusted because it was uploaded, not because of the signature on it. */
int pki_path_check_strength(STACK_OF(X509) * chain, struct pki_verdict *v);

/* The same for the form (pki/cert/form.h). */
int pki_path_check_form(STACK_OF(X509) * chain, struct pki_verdict *v);

/* "certificate 'CN=…' <formatted>" */
void pki_path_detail(struct pki_verdict *v, X509 *cert, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
