/* SPDX-License-Identifier: Apache-2.0 */
/* Are keys and hashes strong enough (112 bits of security, NIST SP 800-131A), and what does verifying with them take?
 */
#ifndef PKI_CERT_STRENGTH_H
#define PKI_CERT_STRENGTH_H

#include <openssl/x509.h>

#include "base/attr.h"
#include "base/slice.h"

/* The subject's key and, when `signature` is set, the hash that its issuer signed with. On false, `why` says what was
 * found and what is wanted. */
MUST_USE bool pki_strength_ok(X509 *cert, bool signature, char *why, size_t size);

enum { PKI_STRENGTH_TEXT = 160 };
/* The key alone, before anything is verified with it. It costs no more than some microseconds. */
MUST_USE bool pki_strength_key_ok(X509 *cert, char *why, size_t size);

/* About how many microseconds one signature takes to be verified with this key. */
unsigned pki_strength_cost(EVP_PKEY *key);

/* Is verifying with this key slow without end: RSA with a giant modulus or exponent? Such a key is not even let prove
 * itself in TLS. */
bool pki_strength_unbearable(EVP_PKEY *key);

/* Has this RSA modulus the mark of the chips whose keys can be factored (ROCA, CVE-2017-15361)? */
bool pki_strength_roca(const BIGNUM *modulus);

#endif
