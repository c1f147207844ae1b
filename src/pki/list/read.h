/* SPDX-License-Identifier: Apache-2.0 */
/* The revocation lists in a file or an answer, one by one. */
#ifndef PKI_LIST_READ_H
#define PKI_LIST_READ_H

#include "base/error.h"
#include "base/slice.h"

/* The DER of each CRL in `data` (DER, or PEM with up to `max`); pki_crls_free. R_INVALID: none, or malformed; R_LIMIT.
 * Their form is judged when they are used. */
MUST_USE enum result pki_crls_read(struct slice data, size_t max, struct slice **ret, size_t *ret_count,
                                   struct error *err);
void pki_crls_free(struct slice *list, size_t count);

/* The DER of the one CRL in `data` (DER or PEM), malloc'ed. R_INVALID. */
MUST_USE enum result pki_crl_to_der(struct slice data, char **ret, size_t *ret_len, struct error *err);

#endif
