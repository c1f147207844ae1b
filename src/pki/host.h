/* SPDX-License-Identifier: Apache-2.0 */
/* Servers' certificates: the hosts that they are for, and what clients hold against them. */
#ifndef PKI_HOST_H
#define PKI_HOST_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "base/error.h"

/* The DNS names and addresses of its subjectAltName (RFC 5280 4.2.1.6, IPv6 as RFC 5952 writes it), "a, b", cut to
 * size, printable; "no name at all" for none. */
void pki_cert_hosts(X509 *leaf, char *ret, size_t size);

/* Is it for this DNS name (RFC 9525) or address? */
bool pki_cert_is_for(X509 *leaf, const char *host);

/* Why clients refuse it although a server starts with it: a CA's certificate, one without serverAuth (RFC 5280
 * 4.2.1.12), one that has ended or not begun, with what to do. NULL: nothing. */
const char *pki_cert_server_fault(X509 *leaf, int64_t now);

#endif
