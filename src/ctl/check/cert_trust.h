/* SPDX-License-Identifier: Apache-2.0 */
/* The trusts that cases of `cmg cert check` ask for, made from files and kept while further cases want the same. */
#ifndef CTL_CHECK_CERT_TRUST_H
#define CTL_CHECK_CERT_TRUST_H

#include "pki/trust.h"
#include "json/json.h"

struct cert_trusts;

struct cert_trusts *cert_trusts_new(void);
void cert_trusts_free(struct cert_trusts *t);

struct cert_trust {
    struct pki_trust *trust;
    json_t *warnings; /* of strings: what was left out and why */
};

/* Members anchors, intermediates, crl, ocsp (a path or a list of paths, of files or folders), crl_check, purpose,
 * minimum_strength. *ret is borrowed until the next call. R_INVALID, R_NOTFOUND, R_IO: a path or a value is wrong; what
 * is in a file and can't be used is a warning. */
MUST_USE enum result cert_trusts_get(struct cert_trusts *t, const json_t *c, const struct cert_trust **ret,
                                     struct error *err);

#endif
