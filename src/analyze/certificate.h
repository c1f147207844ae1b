/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict on a gateway's server certificate as a client comes to it, in causes. Pure. */
#ifndef ANALYZE_CERTIFICATE_H
#define ANALYZE_CERTIFICATE_H

#include <openssl/x509.h>

#include "analyze/cause.h"
#include "base/error.h"
#include "base/slice.h"

struct analyze_certificate {
    X509 *leaf;
    STACK_OF(X509) * sent; /* leaf included or not; may be NULL */
    X509_STORE *anchors;
    const char *host; /* a name or an IP literal */
    int64_t now;
};

/* ANALYZE_CAUSE_NONE: a client would take it. Else *detail names the certificate, and what was found and expected. */
enum analyze_cause analyze_certificate_judge(const struct analyze_certificate *c, struct error *detail);

/* The cause of an X509_V_ERR_…: the table. */
enum analyze_cause analyze_certificate_cause(int x509_error);

/* The maker of a well-known TLS inspection product in the issuer's name, or NULL. */
const char *analyze_certificate_inspector(X509 *leaf);

#endif
