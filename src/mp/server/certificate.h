/* SPDX-License-Identifier: Apache-2.0 */
/* The server certificate of a management point: of files (https), read anew when they change; or issued by the site
 * (ehttp), made anew at half of its life. Connections keep the one that they began with. */
#ifndef MP_SERVER_CERTIFICATE_H
#define MP_SERVER_CERTIFICATE_H

#include "mp/server/point.h"

/* Gives the point its first context. */
MUST_USE enum result mp_certificate_open(struct mp_point *p, struct error *err);

/* Now and then: looks for changed files, or issues the next one; warns before one of files ends. */
void mp_certificate_upkeep(struct mp_point *p, int64_t now);

/* Reads the files now, changed or not (SIGHUP). What can't be used is told, and what is in use stays. */
void mp_certificate_reload(struct mp_point *p);

#endif
