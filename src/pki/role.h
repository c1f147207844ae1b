/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The roles' certificates (PROTOCOL 1): leaf ← role CA ← site root, with URI SAN urn:opencmg:<site>:<kind>:<id>. Chains
 * of the device PKI never end here, and these never authenticate a device.
 */
#ifndef PKI_ROLE_H
#define PKI_ROLE_H

#include <openssl/x509.h>

#include "base/error.h"
#include "base/slice.h"

#define PKI_ROLE_ID_MAX 64
#define PKI_SITE_MAX 16

struct pki_role_judge; /* immutable, thread-safe */

/* `root_pem`: the site root. `kind`: "connector", "gateway", "mp", or a signing use as "signing:bundle". */
MUST_USE enum result pki_role_judge_new(struct slice root_pem, const char *site, const char *kind,
                                        struct pki_role_judge **ret, struct error *err);
void pki_role_judge_free(struct pki_role_judge *j);

/* Checks chain, validity at `now`, profile and URN; *ret_id gets the id. R_DENIED with the reason. `chain` must hold
 * the role CA (the root is ours) and may be NULL for a certificate that the root signed itself (signing). */
MUST_USE enum result pki_role_check(const struct pki_role_judge *j, X509 *leaf, STACK_OF(X509) * chain, int64_t now,
                                    char ret_id[PKI_ROLE_ID_MAX], struct error *err);

/* The same as a tls_verify_fn (tls/context.h), at the present time; arg is the judge. */
enum result pki_role_tls_verify(void *arg, X509 *leaf, STACK_OF(X509) * chain, struct error *err);

#endif
