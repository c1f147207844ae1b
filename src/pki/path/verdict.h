/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to "may the holder of this certificate come in?" (pki/trust.h): the reason, until when it holds, and the
 * words for who asks why. */
#ifndef PKI_PATH_VERDICT_H
#define PKI_PATH_VERDICT_H

#include "base/error.h"
#include "pki/cert/cert.h"
#include "verdict/reason.h"

struct pki_verdict {
    enum verdict_reason reason; /* REASON_OK: let in */
    bool unfinished;            /* refused, and a question that is not quick may find another answer */
    bool unchecked;             /* let in although revocation could not be checked (on_unavailable: allow) */
    int64_t valid_until;        /* wall seconds: earliest notAfter of the chain and nextUpdate of the CRLs used; of a
                                   refusal: `now` and a minute, so that it may be kept against a storm */
    unsigned char anchor[PKI_SHA256]; /* of REASON_OK: the certificate that the path ends at */
    const char *remedy;               /* of a refusal for this cause (verdict/remedy.h); NULL: its reason's */
    char detail[512];                 /* which certificate, what was found and expected; also when `unchecked` */
    char identity[256];               /* the most specific CN, else the first SAN, else the DN (RFC 4514) */
};

/* A refusal's detail and remedy. */
void pki_verdict_tell(const struct pki_verdict *v, struct error *ret);

#endif
