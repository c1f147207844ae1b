/* SPDX-License-Identifier: Apache-2.0 */
/* What RFC 5280 asks of the form of a certificate and OpenSSL's verification does not. Internal to src/pki. */
#ifndef PKI_CERT_FORM_H
#define PKI_CERT_FORM_H

#include <openssl/x509.h>

#include "verdict/reason.h"

/* DER throughout, a version that exists, no extension twice, every extension of RFC 5280 4.2 as its syntax wants it
 * (one that is recognized must be processed, critical or not), constraints in a CA's certificate alone, a key that can
 * be read, a signature of a known kind. REASON_OK; else `why` follows a name of the certificate: "has two extensions
 * …". */
enum verdict_reason pki_form_check(X509 *cert, char *why, size_t size);

#endif
