/* SPDX-License-Identifier: Apache-2.0 */
/* How long an answer stays fresh by its own word (RFC 9111 4.2, 5.2.2). Pure. */
#ifndef SOURCE_FRESHNESS_H
#define SOURCE_FRESHNESS_H

#include <stdint.h>

#include "base/slice.h"

enum { FRESHNESS_UNSAID = -1, FRESHNESS_MAX_S = INT32_MAX };

/* Seconds by the fields Cache-Control and Age (.ptr NULL: absent): max-age less Age; 0 for no-store and no-cache, which
 * ask for no keeping at all; FRESHNESS_UNSAID when they say nothing. */
int64_t freshness(struct slice cache_control, struct slice age);

#endif
