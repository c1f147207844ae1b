/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict on the certificate that a device shows directly: once a connection, refusals too, while the same is
 * trusted and the verdict has not ended. A quick one takes a millisecond at most, in the loop; one that takes longer is
 * reached in the pool before the connection's first request, of a few connections at a time. What a connector asserts
 * is judged where it is to vouch for a device.
 */
#ifndef MP_SENDER_JUDGING_H
#define MP_SENDER_JUDGING_H

#include "mp/sender/peer.h"

typedef void mp_judging_done_fn(struct mp_peer *p);

/* Before the first request. false: it is judged in the pool, and done(p) comes later, unless that is cancelled. */
MUST_USE bool mp_judging_first(struct mp_peer *p, mp_judging_done_fn *done);
/* The connection goes. */
void mp_judging_cancel(struct mp_peer *p);

/* What a request hears. Who would have to be judged at length again is told to connect anew. */
const struct pki_verdict *mp_judging_verdict(struct mp_peer *p, struct pki_trust *trust, int64_t now);

/* Of a certificate that was asserted; `sent`: what the device told to be above it, or NULL. In the loop: what takes
 * long is judged a few times a second, and put off otherwise. */
MUST_USE enum result mp_judging_asserted(struct mp_site *site, X509 *leaf, STACK_OF(X509) * sent,
                                         struct pki_verdict *ret, struct error *err);

#endif
