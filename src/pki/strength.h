/* SPDX-License-Identifier: Apache-2.0 */
/* Are keys and hashes strong enough (112 bits of security, NIST SP 800-131A)? Internal to src/pki. */
#ifndef PKI_STRENGTH_H
#define PKI_STRENGTH_H

#include <openssl/x509.h>

#include "base/attr.h"
#include "base/slice.h"

/* The subject's key and, when `signature` is set, the hash that its issuer signed with. On false, `why` says what was
 * found and what is wanted. */
MUST_USE bool pki_strength_ok(X509 *cert, bool signature, char *why, size_t size);

#endif
