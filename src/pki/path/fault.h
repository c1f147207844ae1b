/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's verification errors in our words: the table of reasons, and what to leave out next. Internal to src/pki. */
#ifndef PKI_PATH_FAULT_H
#define PKI_PATH_FAULT_H

#include <openssl/x509_vfy.h>

#include "pki/path/path.h"

enum { PKI_PATH_DEPTH = 8, PKI_PATH_CERTS = PKI_PATH_DEPTH + 2 };

/* Where to search on after a path failed: the shortest good path avoids at least one of these certificates; when there
 * are none, there is no good path. Example: R's key does not match I's signature; then the shortest good path avoids I
 * or R. (If it held all of the failed path up to some depth, it would begin like it: each certificate issues the one
 * below, so that any other order could be shortened.) */
struct pki_path_blame {
    X509 *certs[PKI_PATH_CERTS + 1]; /* borrowed */
    size_t count;
    bool alone; /* it is one, and no good path holds it, whatever else is left out */
};

/* Of a refusal by a pki_path_check_fn, by the depth that it told. */
void pki_path_blame_check(struct pki_path_blame *b, STACK_OF(X509) * chain, int depth);

/* May path validation go on in spite of this error of the strict mode? */
bool pki_path_tolerable(X509_STORE_CTX *ctx);

/* Why OpenSSL refused `chain` (what it built, of the pool's certificates): reason and detail, and who is to blame. */
void pki_path_explain(X509_STORE_CTX *ctx, STACK_OF(X509) * chain, const struct pki_pool *pool, struct pki_verdict *ret,
                      struct pki_path_blame *who);

#endif
