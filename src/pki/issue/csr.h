/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificate signing requests (PKCS#10, RFC 2986) for the renewal of role certificates, and for servers' certificates
 * of other CAs. Of a request that comes in, the public key alone is ever used: names, extensions and attributes in it
 * are the asker's wishes and count for nothing.
 */
#ifndef PKI_ISSUE_CSR_H
#define PKI_ISSUE_CSR_H

#include <openssl/x509.h>

#include "base/error.h"
#include "base/slice.h"

enum { PKI_CSR_MAX = 8 * 1024 }; /* bytes of PEM */

/* A request for `key` (P-256), signed by it; `common_name` is for people who look at it. PEM, malloc'ed. */
MUST_USE enum result pki_csr_new(EVP_PKEY *key, const char *common_name, char **ret, struct error *err);

/* A request for a server's certificate, signed by `key` of any kind: the hosts (NULL-terminated) as its subjectAltName,
 * the first that fits as common name. PEM, malloc'ed. */
MUST_USE enum result pki_csr_for_server(EVP_PKEY *key, const char *const *hosts, char **ret, struct error *err);

/* The public key of the one request in `pem`, when the request is signed by that very key (possession, RFC 2986 4.2)
 * and the key is of P-256. The caller EVP_PKEY_free()s it. R_LIMIT, R_INVALID (no request, another kind of key),
 * R_DENIED (not signed by it). */
MUST_USE enum result pki_csr_read(struct slice pem, EVP_PKEY **ret, struct error *err);

#endif
