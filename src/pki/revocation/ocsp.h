/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP responses at hand (RFC 6960): of the certificate's issuer or of a responder that it delegated. Internal to
 * src/pki. */
#ifndef PKI_REVOCATION_OCSP_H
#define PKI_REVOCATION_OCSP_H

#include <openssl/x509.h>

#include "base/error.h"
#include "base/slice.h"
#include "pki/revocation/ocsp_client.h"

struct pki_ocsp_set;

struct pki_ocsp_set *pki_ocsp_set_new(void);
void pki_ocsp_set_free(struct pki_ocsp_set *s); /* NULL allowed */

/* One response in DER; copied. R_INVALID, R_LIMIT. */
MUST_USE enum result pki_ocsp_set_add(struct pki_ocsp_set *s, struct slice der, struct error *err);

/* One that is successful, or NULL. The caller frees it. */
struct ocsp_basic_response_st *pki_ocsp_decode(struct slice der);
/* What one that was just asked for says: as pki_ocsp_ask, but nextUpdate may be missing. *ret begins as NONE. */
void pki_ocsp_take_live(struct ocsp_basic_response_st *basic, X509 *cert, X509 *issuer, int64_t now,
                        struct pki_ocsp_answer *ret);

/* What the responses say at `now` about this certificate of this issuer. `any_strength`: weak hashes and keys are taken
 * too. Thread-safe while nothing is added. */
void pki_ocsp_ask(const struct pki_ocsp_set *s, X509 *cert, X509 *issuer, int64_t now, bool any_strength,
                  struct pki_ocsp_answer *ret);

#endif
