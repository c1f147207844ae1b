/* SPDX-License-Identifier: Apache-2.0 */
/* What this process did with a request (base/host/trail.h), as the site is told it (docs/protocol/wire.md 4). */
#ifndef JSON_TRAIL_H
#define JSON_TRAIL_H

#include <jansson.h>

/* [{"at_ms", "what", "reason", "status", "client", "endpoint", "detail", "request_bytes", "response_bytes"}] in their
 * order, without what there is none of. The caller json_decref()s it. */
json_t *json_trail(const char *id);

#endif
