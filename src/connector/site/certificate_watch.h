/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the connector's own client certificate that of its files. */
#ifndef CONNECTOR_SITE_CERTIFICATE_WATCH_H
#define CONNECTOR_SITE_CERTIFICATE_WATCH_H

#include "connector/config.h"
#include "loop/loop.h"

struct certificate_watch;

/* Looks for changed files now and then. `config` is borrowed, and its `identity` changes; on_change(ctx) then. */
struct certificate_watch *certificate_watch_new(struct loop *loop, struct connector_config *config,
                                                void (*on_change)(void *ctx), void *ctx);
void certificate_watch_free(struct certificate_watch *w);

/* Reads them now, changed or not (SIGHUP). What can't be read is told, and what is in use stays. */
void certificate_watch_reload(struct certificate_watch *w);

#endif
