/* SPDX-License-Identifier: Apache-2.0 */
/* What the certificates of devices that come directly are judged by. */
#ifndef MP_SENDER_TRUST_H
#define MP_SENDER_TRUST_H

#include "mp/site.h"

/* Made anew when the site changed; borrowed until the next call. */
MUST_USE enum result mp_site_trust(struct mp_site *site, struct pki_trust **ret, struct error *err);

#endif
