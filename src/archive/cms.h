/* SPDX-License-Identifier: Apache-2.0 */
/* A few bytes enveloped to a certificate: CMS AuthEnvelopedData (RFC 5083) of AES-256-GCM (RFC 5084), its key by
 * RSAES-OAEP (RFC 3560) or ECDH (RFC 5753). `openssl cms -decrypt -inform DER` opens it, too. */
#ifndef ARCHIVE_CMS_H
#define ARCHIVE_CMS_H

#include <openssl/x509.h>

#include "base/error.h"
#include "base/slice.h"

/* *ret: DER, malloc'ed. */
MUST_USE enum result archive_cms_envelop(X509 *cert, struct slice secret, char **ret, size_t *ret_len,
                                         struct error *err);
/* Exactly `size` bytes into `ret`. R_DENIED: it is another certificate's key, or it was altered. */
MUST_USE enum result archive_cms_open(struct slice der, EVP_PKEY *key, void *ret, size_t size, struct error *err);

#endif
