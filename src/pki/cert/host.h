/* SPDX-License-Identifier: Apache-2.0 */
/* Servers' certificates: the hosts that they are for, and when their end is to be told of. */
#ifndef PKI_CERT_HOST_H
#define PKI_CERT_HOST_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "base/error.h"

/* The DNS names and addresses of its subjectAltName (RFC 5280 4.2.1.6, IPv6 as RFC 5952 writes it), "a, b", cut to
 * size, printable; PKI_NO_HOSTS for none. */
#define PKI_NO_HOSTS "no name at all"
void pki_cert_hosts(X509 *leaf, char *ret, size_t size);

/* Is it for this DNS name (RFC 9525) or address? */
bool pki_cert_is_for(X509 *leaf, const char *host);

/* After how many days' notice one that ends at `not_after` is to be told of: the lowest of 60, 30, 14, 7 and 1 that is
 * reached, 0 when it has ended, -1 when none is. */
int pki_cert_notice(int64_t not_after, int64_t now);

#endif
