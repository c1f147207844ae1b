/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP responses at hand (RFC 6960): of the certificate's issuer or of a responder that it delegated. Internal to
 * src/pki. */
#ifndef PKI_OCSP_H
#define PKI_OCSP_H

#include <openssl/x509.h>

#include "base/error.h"
#include "base/slice.h"

struct pki_ocsp_set;

struct pki_ocsp_set *pki_ocsp_set_new(void);
void pki_ocsp_set_free(struct pki_ocsp_set *s); /* NULL allowed */

/* One response in DER; copied. R_INVALID, R_LIMIT. */
MUST_USE enum result pki_ocsp_set_add(struct pki_ocsp_set *s, struct slice der, struct error *err);

enum pki_ocsp_state { PKI_OCSP_NONE, PKI_OCSP_GOOD, PKI_OCSP_REVOKED, PKI_OCSP_UNUSABLE };

struct pki_ocsp_answer {
    enum pki_ocsp_state state; /* NONE: none is about this certificate; UNUSABLE: none of those that are can be used */
    int64_t next_update;       /* GOOD: until when */
    const char *why;           /* UNUSABLE */
};

/* What the responses say at `now` about this certificate of this issuer. `any_strength`: weak hashes and keys are taken
 * too. Thread-safe while nothing is added. */
void pki_ocsp_ask(const struct pki_ocsp_set *s, X509 *cert, X509 *issuer, int64_t now, bool any_strength,
                  struct pki_ocsp_answer *ret);

#endif
