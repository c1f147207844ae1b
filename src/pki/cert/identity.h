/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a device's certificate names. */
#ifndef PKI_CERT_IDENTITY_H
#define PKI_CERT_IDENTITY_H

#include <openssl/x509.h>

#include "base/attr.h"
#include "base/slice.h"

/* The subject's most specific CN, else the first readable subject alternative name, else the subject (RFC 4514). False
 * and an empty text when the certificate names nobody. Never holds control characters. */
MUST_USE bool pki_identity(X509 *cert, char *ret, size_t size);

#endif
