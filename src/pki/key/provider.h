/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL providers of keys that nobody can copy: a TPM's, a PKCS#11 module's. */
#ifndef PKI_KEY_PROVIDER_H
#define PKI_KEY_PROVIDER_H

#include <stdbool.h>

#include <openssl/crypto.h>

#include "base/error.h"

enum pki_key_provider { PKI_KEY_TPM2, PKI_KEY_PKCS11, PKI_KEY_PROVIDERS };

/* Where its keys are read: a library context made at the first call, which lives as long as the process; *ret_query:
 * the property query that finds them there. What is read there works in any other context. Any thread. R_IO: it is
 * not installed, or does not start. */
MUST_USE enum result pki_key_library(enum pki_key_provider which, OSSL_LIB_CTX **ret, const char **ret_query,
                                     struct error *err);

/* Is it one of these? By its name. */
bool pki_key_is_shown(const char *provider);

#endif
