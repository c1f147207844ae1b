/* SPDX-License-Identifier: Apache-2.0 */
/* What the gateway judges by, at one moment: the site bundle and the trust made of it. Immutable, reference-counted,
 * shared by the workers; a change makes a new one with a new generation. */
#ifndef GATEWAY_SNAPSHOT_H
#define GATEWAY_SNAPSHOT_H

#include "bundle/bundle.h"
#include "pki/trust.h"

struct snapshot {
    _Atomic unsigned refs;
    uint64_t generation; /* grows with each snapshot of this process */
    struct bundle *bundle;
    struct pki_trust *trust;
};

struct snapshot_source {
    const char *site;
    const unsigned char *pin; /* PKI_SHA256 bytes */
    int64_t min_sequence;     /* a lower one is refused */
    int64_t now;
};

/* Verifies the signed bundle and builds all of it; the result has one reference. CRLs that can't be used are logged by
 * name and left out. */
MUST_USE enum result snapshot_build(struct slice signed_bundle, const struct snapshot_source *source,
                                    struct snapshot **ret, struct error *err);
struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot *s); /* NULL allowed */

#endif
