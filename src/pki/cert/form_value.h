/* SPDX-License-Identifier: Apache-2.0 */
/* What RFC 5280 asks of the values in extensions and names, and OpenSSL's templates let pass: sizes, alphabets, what
 * must come together. Internal to src/pki. */
#ifndef PKI_CERT_FORM_VALUE_H
#define PKI_CERT_FORM_VALUE_H

#include <openssl/x509.h>

/* NULL: as RFC 5280 4.2 wants it, or an extension that nobody judges by. Else a constant that follows its name: "is
 * empty (RFC 5280 …)". */
const char *pki_form_extension(X509_EXTENSION *extension);

/* The same for a subject's or issuer's name (4.1.2.4): "has …". */
const char *pki_form_name(const X509_NAME *name);

#endif
