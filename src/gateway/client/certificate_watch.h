/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the server certificates those of their files, without dropping a connection, and warns before one ends. */
#ifndef GATEWAY_CLIENT_CERTIFICATE_WATCH_H
#define GATEWAY_CLIENT_CERTIFICATE_WATCH_H

#include "gateway/client/shown.h"
#include "loop/loop.h"

struct certificate_watch;

/* In the control loop: looks for changed files now and then. All is borrowed. */
struct certificate_watch *certificate_watch_new(struct loop *loop, const struct gateway_config *config,
                                                struct shown_certificates *shown);
void certificate_watch_free(struct certificate_watch *w);

/* Reads them now, changed or not (SIGHUP). What can't be used is told, and those in use stay. */
void certificate_watch_reload(struct certificate_watch *w);

#endif
