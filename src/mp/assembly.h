/* SPDX-License-Identifier: Apache-2.0 */
/* A site that runs: what main opens, and closes again. */
#ifndef MP_ASSEMBLY_H
#define MP_ASSEMBLY_H

#include "mp/site.h"

/* Loads keys, opens the store, makes itself known there, listens. mp_site_close also after a failure. */
MUST_USE enum result mp_site_open(struct mp_site *site, const struct mp_config *config, struct loop *loop,
                                  struct error *err);
/* No more listeners; what is under way ends first, and nothing waits any longer. */
void mp_site_drain(struct mp_site *site);
/* No connection is left; of handshakes that are under way only if `with_handshakes`. */
bool mp_site_idle(const struct mp_site *site, bool with_handshakes);
/* No more listeners; connections are closed from the loop, so it must run a little longer before the close. */
void mp_site_hang_up(struct mp_site *site);
void mp_site_close(struct mp_site *site);

/* Server certificates and anchors of https management points, from their files (SIGHUP). */
void mp_site_reload_certificates(struct mp_site *site);

#endif
