/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's verification errors in our words: the table of reasons. Internal to src/pki. */
#ifndef PKI_PATH_FAULT_H
#define PKI_PATH_FAULT_H

#include <openssl/x509_vfy.h>

#include "pki/path.h"

/* May path validation go on in spite of this error of the strict mode? */
bool pki_path_tolerable(X509_STORE_CTX *ctx);

/* Why OpenSSL refused: reason and detail. True when the fault is the leaf's own. */
bool pki_path_explain(X509_STORE_CTX *ctx, const struct pki_pool *pool, struct pki_verdict *ret);

#endif
