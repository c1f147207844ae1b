/* SPDX-License-Identifier: Apache-2.0 */
/* What the gateway judges by, at one moment: the site bundle and the trust made of it and of the revocation lists that
 * were fetched. Immutable, reference-counted, shared by the workers; a change makes a new one with a new generation. */
#ifndef GATEWAY_SNAPSHOT_SNAPSHOT_H
#define GATEWAY_SNAPSHOT_SNAPSHOT_H

#include "bundle/bundle.h"
#include "pki/trust.h"

struct crl_wanted;
struct snapshot_bundle;

struct snapshot {
    _Atomic unsigned refs;
    uint64_t generation; /* grows with each snapshot of this process */
    struct bundle *bundle;
    struct pki_trust *trust;
    struct entra_tenant *tenants;            /* the bundle's, in its order, with the keys that were fetched */
    struct snapshot_bundle *shared;          /* holds `bundle`, maybe together with other snapshots */
    unsigned char trust_made_of[PKI_SHA256]; /* the same things make the same trust */
};

struct snapshot_source {
    const char *site;
    const unsigned char *pin; /* PKI_SHA256 bytes */
    const char *state;        /* folder: long CRLs of the bundle, and what was fetched from its sources */
    int64_t min_sequence;     /* a lower one is refused */
    int64_t now;
    /* Lists that the bundle names and that are not there. BUNDLE_CRLS_MAX places: when any is wanted, no snapshot is
     * made (R_AGAIN). NULL: it is made without them. */
    struct crl_wanted *ret_wanted;
    size_t *ret_wanted_count;
    bool from_disk; /* what is kept may have been damaged since: files are held against their hashes */
};

#define SNAPSHOT_SOURCES "sources" /* folder of fetched files in the state folder */

/* Verifies the signed bundle and builds all of it; the result has one reference. CRLs that can't be used are logged by
 * name and left out. `previous` (NULL allowed): its trust is used again when it would be made of the same things. May
 * take a second for a list of a million: for a thread of the pool. */
MUST_USE enum result snapshot_build(struct slice signed_bundle, const struct snapshot_source *source,
                                    const struct snapshot *previous, struct snapshot **ret, struct error *err);
/* The same bundle with what was fetched meanwhile. */
MUST_USE enum result snapshot_rebuild(const struct snapshot *previous, const struct snapshot_source *source,
                                      struct snapshot **ret, struct error *err);
/* Are there lists that its bundle names and that it is without? */
bool snapshot_lacks_lists(const struct snapshot *s);

struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot *s); /* NULL allowed */

#endif
