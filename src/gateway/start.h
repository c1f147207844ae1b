/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the gateway as a whole; called from the control loop's thread. */
#ifndef GATEWAY_START_H
#define GATEWAY_START_H

#include "gateway/gateway.h"

/* Binds, then starts the workers. `config` is borrowed for as long as the process runs. */
MUST_USE enum result gateway_start(struct gateway *g, const struct gateway_config *config, struct loop *control,
                                   struct error *err);
void gateway_drain(struct gateway *g); /* no new connections, old ones end */
void gateway_stop(struct gateway *g);  /* at once; waits for the workers */

/* No client connection is left; of handshakes that are under way only if `with_handshakes`. */
bool gateway_idle(const struct gateway *g, bool with_handshakes);
/* Every worker has a way inside and there is a bundle; else `why` says what is missing. */
bool gateway_ready(struct gateway *g, char *why, size_t size);

#endif
