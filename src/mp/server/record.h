/* SPDX-License-Identifier: Apache-2.0 */
/* What the site knows of a management point (docs/protocol/wire.md 6). */
#ifndef MP_SERVER_RECORD_H
#define MP_SERVER_RECORD_H

#include "mp/server/point.h"

/* Record and standard endpoints; what is as it was bumps nothing. */
MUST_USE enum result mp_record_write(const struct mp_point *p, struct error *err);

#endif
