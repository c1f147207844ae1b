/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the connector's own client certificate that of its files. */
#ifndef CONNECTOR_SITE_CERTIFICATE_WATCH_H
#define CONNECTOR_SITE_CERTIFICATE_WATCH_H

#include "connector/connector.h"

struct certificate_watch;

/* Looks for changed files now and then. Both are borrowed; `config` is the connector's own, and its `identity` changes.
 */
struct certificate_watch *certificate_watch_new(struct connector *c, struct connector_config *config);
void certificate_watch_free(struct certificate_watch *w);

/* Reads them now, changed or not (SIGHUP). What can't be read is told, and what is in use stays. */
void certificate_watch_reload(struct certificate_watch *w);

#endif
