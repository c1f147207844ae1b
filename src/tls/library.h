/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenSSL library context of all TLS contexts. Included in src/tls alone. */
#ifndef TLS_LIBRARY_H
#define TLS_LIBRARY_H

#include <openssl/crypto.h>

OSSL_LIB_CTX *tls_library(void); /* made once; lives as long as the process */

#endif
