/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict on a device's certificate: RFC 5280 path to an uploaded anchor, usage, strength, validity, name, and
 * revocation by an index of CRLs that were checked once, when they were loaded.
 *
 * A trust is built, sealed, and then immutable and shared by all workers; a change makes a new one.
 */
#ifndef PKI_TRUST_H
#define PKI_TRUST_H

#include <openssl/x509.h>

#include "base/error.h"
#include "base/slice.h"
#include "pki/cert/cert_ref.h"
#include "pki/cert/list_place.h"
#include "pki/list/info.h"
#include "pki/path/verdict.h"
#include "pki/revocation/ocsp_client.h"

struct pki_trust;

struct pki_trust_options {
    bool crl_check;              /* off: knowingly no revocation check */
    bool allow_when_unavailable; /* on_unavailable: allow, with an alert in the verdict */
    /* Never of a gateway; for tools that ask about paths as such: */
    bool any_purpose;  /* neither clientAuth nor a name is asked for */
    bool any_strength; /* weak keys and hashes pass */
};

struct pki_trust *pki_trust_new(const struct pki_trust_options *o);
/* PEM (one or several) or DER. What can't be read is R_INVALID; nothing was added then. Only before sealing. */
MUST_USE enum result pki_trust_add_anchors(struct pki_trust *t, struct slice certs, struct error *err);
MUST_USE enum result pki_trust_add_intermediates(struct pki_trust *t, struct slice certs, struct error *err);
/* A CRL in DER or several in PEM: kept until sealing, when its signature is checked against the anchors and
 * intermediates. */
MUST_USE enum result pki_trust_add_crl(struct pki_trust *t, struct slice crl, struct error *err);
/* The same for one in DER in a file that is never changed in place: its bytes stay there (base/host/mapping.h), 16
 * bytes an entry are held in memory. */
MUST_USE enum result pki_trust_add_crl_file(struct pki_trust *t, const char *path, struct error *err);
/* What helps when a list that is added from now on has ended ("…" an imperative); NULL: nothing is known. */
#define PKI_REMEDY_UPLOADED "give the newest one: cmg trust add --crl FILE"
void pki_trust_lists_remedy(struct pki_trust *t, const char *remedy);
/* An OCSP response in DER (RFC 6960), judged when a certificate is that it is about. */
MUST_USE enum result pki_trust_add_ocsp(struct pki_trust *t, struct slice response, struct error *err);
/* Checks signatures and scopes of the CRLs, builds the index. A CRL that can't be used is left out and named in
 * *warnings (malloc'ed text, a line each; NULL when none; the caller frees it; may be NULL); its issuer's certificates
 * are then crl_unavailable. */
void pki_trust_seal(struct pki_trust *t, char **warnings);

/* --- a list that came, before it is taken --- */

/* May this list (DER) take the place of `present` (DER; .ptr NULL: there is none)? Its signature by a CA of the trust,
 * scope and form are checked, that its thisUpdate is not in the future, and that it is no older one of the same place
 * (pki/list/info.h). While `present` is fresh, one of another place is refused; a delta is, too, while the complete
 * list that it adds to is not in the trust and that of `present` is (R_AGAIN). One that has ended already is taken, for
 * what it revokes. R_DENIED or R_INVALID with the cause; R_NOTFOUND: the trust has nobody of its issuer's name, and
 * *ret is filled all the same. Thread-safe on a sealed trust. */
MUST_USE enum result pki_trust_check_crl(const struct pki_trust *t, struct slice der, struct slice present, int64_t now,
                                         struct pki_crl_news *ret, struct error *err);

struct pki_trust *pki_trust_ref(struct pki_trust *t); /* thread-safe */
void pki_trust_unref(struct pki_trust *t);            /* NULL allowed */

enum { PKI_SENT_MAX = 64 };

/* `sent` (leaf included or not) is what came in the handshake; may be NULL; of more than PKI_SENT_MAX the rest is not
 * looked at. It takes some 10 ms at most, whatever was sent (pki/path/effort.h). Thread-safe on a sealed trust. */
void pki_trust_judge(const struct pki_trust *t, X509 *leaf, STACK_OF(X509) * sent, int64_t now,
                     struct pki_verdict *ret);

struct pki_question {
    X509 *leaf;
    STACK_OF(X509) * sent;
    int64_t now;
    /* What OCSP responders answered so far, for certificates that no list at hand speaks for; NULL: nobody was asked.
     */
    const struct pki_ocsp_oracle *oracle;
    struct pki_list_places *ret_places;       /* where those certificates say that their lists are; NULL allowed */
    const unsigned char (*below)[PKI_SHA256]; /* anchors' certificates at which a path may end */
    size_t below_count;                       /* 0: at any */
    bool quick;                               /* a millisecond at most: what takes longer is refused as `unfinished` */
    bool read; /* all that was sent was read before, and what is quick may look at all of it */
};
/* The same with all that may be asked. */
void pki_trust_answer(const struct pki_trust *t, const struct pki_question *q, struct pki_verdict *ret);

/* Is the certificate that `cert` names, and that is not at hand, on a CRL of its issuer? Example: that of a token.
 * An expired list counts, and no path to an anchor is needed: a revocation holds in any case. Indirect CRLs (those of
 * other issuers) and OCSP are not asked. false where revocation is not checked. Thread-safe on a sealed trust. */
bool pki_trust_lists_cert(const struct pki_trust *t, const struct pki_cert_ref *cert, int64_t now);

/* --- which lists speak for a certificate --- */

/* The usable lists whose issuer is the certificate's, at most `max`. Thread-safe on a sealed trust. */
size_t pki_trust_lists(const struct pki_trust *t, X509 *cert, struct pki_list_info *ret, size_t max);

#endif
