/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation lists that administrators give: each is judged before it takes a place (pki/list/info.h), and none that
 * verifies gives way to an older one, to one of another scope, or to one that doesn't verify. Lists of CAs that nobody
 * uploaded yet have places of their own until their CA comes.
 */
#ifndef MP_CONTENT_CRL_H
#define MP_CONTENT_CRL_H

#include "base/arena.h"
#include "mp/site.h"
#include "store/site/trust.h"

enum { MP_CRLS_MAX = 256, MP_DELTAS_MAX = 64 }; /* lists of one upload; deltas of one complete list */

/* The lists of an upload: PEM, or base64 of DER. R_INVALID, R_LIMIT; *ret (mp_crls_free) is set in any case. */
struct mp_crls {
    struct slice *list; /* DER */
    size_t count;
};
MUST_USE enum result mp_crls_read(struct slice data, struct mp_crls *ret, struct error *err);
void mp_crls_free(struct mp_crls *c);

struct mp_crl_taken {
    struct store_trust row; /* texts in the arena, without `data` */
    const char *warning;    /* "": none; why it is of no use now, and what to do */
};
/* In a transaction. R_DENIED, R_INVALID: it can't be used, and why; R_CONFLICT: what is there is newer. */
MUST_USE enum result mp_crl_put(struct mp_site *site, struct arena *a, struct slice der, struct mp_crl_taken *ret,
                                struct error *err);

/* In a transaction: lists that wait for a CA are judged again, after one came or after a new version of the program;
 * those that verify now take their places. */
MUST_USE enum result mp_crl_settle(struct mp_site *site, struct error *err);

#endif
