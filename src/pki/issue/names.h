/* SPDX-License-Identifier: Apache-2.0 */
/* The subjectAltName (RFC 5280 4.2.1.6) of what is issued or asked for. */
#ifndef PKI_ISSUE_NAMES_H
#define PKI_ISSUE_NAMES_H

#include <openssl/x509v3.h>
#include <stdbool.h>

/* A URI (NULL: none) and hosts, DNS names and IP literals (NULL-terminated, or NULL). The caller GENERAL_NAMES_free()s.
 * NULL: OpenSSL says no. */
GENERAL_NAMES *pki_names_new(const char *uri, const char *const *hosts);

#endif
