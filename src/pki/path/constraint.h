/* SPDX-License-Identifier: Apache-2.0 */
/* Names that can't be compared with the name constraints above them (RFC 5280 4.2.1.10). Internal to src/pki. */
#ifndef PKI_PATH_CONSTRAINT_H
#define PKI_PATH_CONSTRAINT_H

#include "pki/path/path.h"

/* OpenSSL has compared the names of a path with its constraints. It does so by the end of a text: what has another
 * meaning than it looks like ("https://a.example.com@evil.org/", "bad.example.com.", "*.example.com" where
 * "a.example.com" is excluded) would pass. Here a name of a form that is constrained must be well-formed. With
 * `identity` the leaf's common name is constrained like a DNS name even beside a subject alternative name: it is the
 * device's identity. The depth of the certificate whose name is at fault, with reason and detail; -1: none. */
int pki_constraint_check(STACK_OF(X509) * chain, bool identity, struct pki_verdict *v);

#endif
